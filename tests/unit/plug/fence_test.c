/* SPDX-License-Identifier: Apache-2.0 */
#include "plug/fence.h"

#include "base/clock.h"
#include "plug/guard.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A tariff that does to the row of 77 units what a test tells it to; others cost their units. */
static void (*misbehave)(void);

static uint32_t wild_price(const struct tg_price *const *prices, uint32_t prices_count,
                           const struct tg_tariff_row *rows, uint32_t rows_count,
                           struct tg_tariff_result *results)
{
    (void)prices;
    (void)prices_count;
    for (uint32_t i = 0; i < rows_count; i++) {
        if (rows[i].units == 77) {
            misbehave();
        }
        results[i] = (struct tg_tariff_result){.amount = (int64_t)rows[i].units, .denominator = 1};
    }
    return rows_count;
}

static const struct tg_tariff wild_contract = {.size_bytes = sizeof wild_contract,
                                               .price = wild_price};
static const struct tg_plugin wild = {TG_ABI_VERSION,       sizeof wild,   TG_PLUGIN_TARIFF,
                                      sizeof wild_contract, "wild",        "1",
                                      "for tests",          &wild_contract};
static const struct tg_price price = {.size_bytes = sizeof price, .scale = 8, .currency = 978};
static const struct tg_price *const prices[1] = {&price};
static const struct tg_guard_bounds bounds = {INT64_MAX, 16};

static volatile uint64_t sink;
static volatile uint64_t zero;

static volatile uintptr_t nowhere = 8;
static volatile uintptr_t far_away = UINT64_C(0x8000000000000000); /* no address at all */

static void touch_nothing(void)
{
    *(volatile uint64_t *)nowhere = 1;
}

static void touch_far_away(void)
{
    *(volatile uint64_t *)far_away = 1;
}

/* The mistake itself, not the sanitizer's report of it. */
static __attribute__((no_sanitize("undefined"))) void divide(void)
{
    sink = 1000 / zero;
}

static void end(void)
{
    abort();
}

static void trap(void)
{
    __builtin_trap();
}

static __attribute__((noinline)) uint64_t dig(uint64_t depth)
{
    volatile uint8_t hole[4096];
    hole[depth % 4096] = (uint8_t)depth;
    return depth == UINT64_MAX ? 0 : dig(depth + 1) + hole[(depth + 1) % 4096];
}

static void overrun_stack(void)
{
    sink = dig(0);
}

static void spin(void)
{
    while (zero == 0) {
        sink++;
    }
}

static void sleep_on(void)
{
    while (zero == 0) {
        (void)usleep(1000000);
    }
}

static uint32_t guard_three(struct tg_plug *plug, uint64_t middle,
                            struct tg_tariff_result results[4])
{
    const struct tg_tariff_row rows[3] = {{.units = 1}, {.units = middle}, {.units = 3}};
    return tg_guard_price(plug, &bounds, prices, 1, rows, 3, results);
}

Test(fence, a_crash_or_a_loop_loses_no_row_and_says_what_it_was, .timeout = 600)
{
    /* If this failed, one customer's odd record would stop everybody's billing. */
    const struct {
        const char *name;
        void (*act)(void);
        enum tg_err reason;
        const char *says;
    } ways[] = {{"null", touch_nothing, TG_E_PLUGIN_CRASH, "SIGSEGV on address 0x8"},
                {"far", touch_far_away, TG_E_PLUGIN_CRASH, "SIGSEGV"},
                {"divide", divide, TG_E_PLUGIN_CRASH, "SIGFPE"},
                {"abort", end, TG_E_PLUGIN_CRASH, "SIGABRT"},
                {"trap", trap, TG_E_PLUGIN_CRASH, "SIGILL"},
                {"stack", overrun_stack, TG_E_PLUGIN_CRASH, "SIGSEGV"},
                {"spin", spin, TG_E_PLUGIN_TIMEOUT, "did not come back"},
                {"sleep", sleep_on, TG_E_PLUGIN_TIMEOUT, "did not come back"}};
    cr_assert_eq(tg_fence_ready(NULL), TG_OK);
    tg_fence_budget(20);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct tg_plug plug = {.plugin = &wild, .name = "wild", .origin = TG_PLUG_NATIVE};
        struct tg_tariff_result results[4];
        misbehave = ways[i].act;
        cr_assert_eq(guard_three(&plug, 2, results), 3, "%s", ways[i].name);
        cr_assert_eq(guard_three(&plug, 77, results), 0, "%s", ways[i].name);
        for (int row = 0; row < 3; row++) {
            cr_expect(results[row].verdict == ways[i].reason && results[row].amount == 0,
                      "%s: row %d has %d", ways[i].name, row, results[row].verdict);
        }
        cr_expect_not_null(strstr(tg_plug_fault(&plug), ways[i].says), "%s: %s", ways[i].name,
                           tg_plug_fault(&plug));
        cr_expect_not_null(strstr(tg_plug_fault(&plug), "priced 3 rows"), "%s", ways[i].name);
        cr_expect_eq(plug.quarantine, ways[i].reason);
        (void)guard_three(&plug, 2, results);
        cr_expect_eq(results[0].verdict, TG_E_PLUGIN_QUARANTINED, "%s", ways[i].name);
        cr_assert_eq(tg_plug_release(&plug), TG_OK);
        cr_expect_str_eq(tg_plug_fault(&plug), "");
        cr_expect_eq(guard_three(&plug, 2, results), 3, "%s: released", ways[i].name);
        cr_expect_eq(results[1].amount, 2);
    }
}

#ifndef TG_SANITIZED /* whose own handler comes next then, and ends the process its way */
Test(fence, a_crash_outside_of_a_call_still_ends_the_process, .signal = SIGSEGV)
{
    /* If this failed, a mistake of ours would be swallowed and memory used on that is not sound. */
    struct tg_plug plug = {.plugin = &wild, .name = "wild", .origin = TG_PLUG_NATIVE};
    struct tg_tariff_result results[4];
    cr_assert_eq(tg_fence_ready(NULL), TG_OK);
    misbehave = touch_nothing;
    cr_assert_eq(guard_three(&plug, 77, results), 0);
    touch_nothing();
}
#endif

Test(fence, an_abort_outside_of_a_call_still_ends_the_process, .signal = SIGABRT)
{
    /* If this failed, an assertion would be a line in a log instead of a stop. */
    cr_assert_eq(tg_fence_ready(NULL), TG_OK);
    abort();
}

static void work_a_little(void)
{
    const int64_t until_ns = tg_clock_thread_cpu_ns() + 8 * TG_NS_PER_MS;
    while (tg_clock_thread_cpu_ns() < until_ns) {
        sink++;
    }
}

static void *thread_run(void *context)
{
    struct tg_plug *plug = context;
    struct tg_tariff_result results[4];
    uintptr_t failures = 0;
    for (uint32_t round = 0; round < 50; round++) {
        failures += guard_three(plug, 77, results) != 3;
    }
    return (void *)failures;
}

Test(fence, a_slow_call_within_its_budget_is_left_alone_on_any_thread, .timeout = 600)
{
    /* If this failed, a busy machine would take honest tariffs out of use. */
    struct tg_plug plug = {.plugin = &wild, .name = "wild", .origin = TG_PLUG_NATIVE};
    pthread_t threads[4];
    cr_assert_eq(tg_fence_ready(NULL), TG_OK);
    tg_fence_budget(100);
    misbehave = work_a_little;
    for (uint32_t pass = 0; pass < 2; pass++) { /* places are given back when threads end */
        for (size_t i = 0; i < 4; i++) {
            cr_assert_eq(pthread_create(&threads[i], NULL, thread_run, &plug), 0);
        }
        for (size_t i = 0; i < 4; i++) {
            void *failures;
            (void)pthread_join(threads[i], &failures);
            cr_expect_eq((uintptr_t)failures, 0, "%s", tg_plug_fault(&plug));
        }
    }
}

Test(fence, more_threads_than_places_are_refused_and_not_run_unguarded)
{
    /* If this failed, a thread beyond the table would price without a way back. */
    struct tg_plug plug = {.plugin = &wild, .name = "wild", .origin = TG_PLUG_NATIVE};
    struct tg_tariff_result results[4];
    cr_expect_eq(guard_three(&plug, 2, results), 0, "nothing is ready yet");
    cr_expect_eq(results[0].verdict, TG_E_PLUGIN_ERROR);
    cr_expect_not(tg_plug_is_quarantined(&plug), "our bound is not its fault");
}

Test(fence, a_tariff_of_one_currency_is_not_shown_another)
{
    /* If this failed, a cap of five euro would be applied to five yen. */
    static const struct tg_tariff euro_contract = {
        .size_bytes = sizeof euro_contract, .price = wild_price, .currency = 978};
    static const struct tg_tariff yen_contract = {
        .size_bytes = sizeof yen_contract, .price = wild_price, .currency = 392};
    /* Built before there was such a field: what lies behind its size is somebody else's. */
    static const struct tg_tariff old_contract = {
        .size_bytes = offsetof(struct tg_tariff, promises), .price = wild_price, .currency = 392};
    const struct {
        const struct tg_tariff *contract;
        uint32_t fine;
    } rows[] = {{&euro_contract, 3}, {&yen_contract, 0}, {&old_contract, 3}};
    cr_assert_eq(tg_fence_ready(NULL), TG_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tg_plugin plugin = wild;
        plugin.contract = rows[i].contract;
        struct tg_plug plug = {.plugin = &plugin, .name = "wild", .origin = TG_PLUG_NATIVE};
        struct tg_tariff_result results[4];
        cr_expect_eq(guard_three(&plug, 2, results), rows[i].fine, "row %zu", i);
        if (rows[i].fine == 0) {
            cr_expect_eq(results[2].verdict, TG_E_PLUGIN_CURRENCY);
            cr_expect_not(tg_plug_is_quarantined(&plug), "the catalog's mistake, not its own");
        }
    }
}
