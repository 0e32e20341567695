/* SPDX-License-Identifier: Apache-2.0 */
#include "plug/guard.h"

#include "plug/fence.h"

#include <criterion/criterion.h>
#include <string.h>

/* A tariff that answers whatever a test tells it to. */
static struct tg_tariff_result told[8];
static uint32_t told_count;
static uint32_t told_written;

static uint32_t liar_price(const struct tg_price *const *prices, uint32_t prices_count,
                           const struct tg_tariff_row *rows, uint32_t rows_count,
                           struct tg_tariff_result *results)
{
    (void)prices;
    (void)prices_count;
    (void)rows;
    (void)rows_count;
    memcpy(results, told, told_written * sizeof *results);
    return told_count;
}

static const struct tg_tariff liar_contract = {.size_bytes = sizeof liar_contract,
                                               .price = liar_price};
static const struct tg_plugin liar = {TG_ABI_VERSION,       sizeof liar,   TG_PLUGIN_TARIFF,
                                      sizeof liar_contract, "liar",        "1",
                                      "for tests",          &liar_contract};
static const struct tg_price price = {.size_bytes = sizeof price, .scale = 8};
static const struct tg_price *const prices[1] = {&price};
static const struct tg_tariff_row rows[3];
static const struct tg_guard_bounds bounds = {1000, 4};

static struct tg_plug plug_make(void)
{
    struct tg_plug plug = {.plugin = &liar, .name = "liar", .origin = TG_PLUG_NATIVE};
    for (size_t i = 0; i < 8; i++) {
        told[i] = (struct tg_tariff_result){.amount = (int64_t)i, .denominator = 1};
    }
    told_count = 3;
    told_written = 3;
    cr_assert_eq(tg_fence_ready(NULL), TG_OK);
    return plug;
}

Test(guard, honest_answers_pass_unchanged)
{
    /* If this failed, guarding would change money. */
    struct tg_plug plug = plug_make();
    struct tg_tariff_result results[4];
    told[1].amount = 1000;
    told[2].verdict = TG_E_NO_RATE;
    cr_expect_eq(tg_guard_price(&plug, &bounds, prices, 1, rows, 3, results), 2);
    cr_expect(results[0].amount == 0 && results[0].verdict == TG_OK);
    cr_expect(results[1].amount == 1000 && results[1].verdict == TG_OK);
    cr_expect_eq(results[2].verdict, TG_E_NO_RATE);
    cr_expect_eq(plug.faults_count, 0, "a refusal is no fault");
}

Test(guard, a_wrong_count_voids_all_rows_and_takes_the_tariff_out)
{
    /* If this failed, answers could be posted to the wrong rows. */
    const uint32_t counts[] = {0, 2, 4, UINT32_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct tg_plug plug = plug_make();
        struct tg_tariff_result results[4];
        told_count = counts[i];
        cr_expect_eq(tg_guard_price(&plug, &bounds, prices, 1, rows, 3, results), 0);
        for (int row = 0; row < 3; row++) {
            cr_expect(results[row].verdict == TG_E_PLUGIN_COUNT && results[row].amount == 0);
        }
        cr_expect(tg_plug_is_quarantined(&plug));
        told_count = 3;
        cr_expect_eq(tg_guard_price(&plug, &bounds, prices, 1, rows, 3, results), 0);
        cr_expect_eq(results[0].verdict, TG_E_PLUGIN_QUARANTINED);
    }
}

Test(guard, writing_one_result_too_many_is_seen)
{
    /* If this failed, a tariff that overruns its buffer would go on corrupting memory unseen. */
    struct tg_plug plug = plug_make();
    struct tg_tariff_result results[4];
    told_written = 4;
    cr_expect_eq(tg_guard_price(&plug, &bounds, prices, 1, rows, 3, results), 0);
    cr_expect_eq(results[2].verdict, TG_E_PLUGIN_COUNT);
}

Test(guard, a_row_left_unanswered_has_no_price)
{
    /* If this failed, a row the tariff skipped would be billed with what lay in the buffer. */
    struct tg_plug plug = plug_make();
    struct tg_tariff_result results[4] = {{.amount = 7, .denominator = 1}};
    told_written = 2;
    cr_expect_eq(tg_guard_price(&plug, &bounds, prices, 1, rows, 3, results), 2);
    cr_expect(results[2].verdict == TG_E_PLUGIN_ERROR && results[2].amount == 0);
    cr_expect_eq(plug.faults_count, 1);
}

Test(guard, each_kind_of_bad_row_is_void_alone)
{
    /* If this failed, one bad row would void its neighbours, or be posted. */
    const struct {
        const char *name;
        struct tg_tariff_result answer;
        int32_t verdict;
    } bad[] = {
        {"above the bound", {.amount = 1001, .denominator = 1}, TG_E_PLUGIN_RANGE},
        {"below the bound", {.amount = -1001, .denominator = 1}, TG_E_PLUGIN_RANGE},
        {"smallest", {.amount = INT64_MIN, .denominator = 1}, TG_E_PLUGIN_RANGE},
        {"no denominator", {.amount = 1, .denominator = 0}, TG_E_PLUGIN_ERROR},
        {"remainder too big", {.amount = 1, .remainder = 5, .denominator = 5}, TG_E_PLUGIN_ERROR},
        {"remainder smallest",
         {.amount = 1, .remainder = INT64_MIN, .denominator = 5},
         TG_E_PLUGIN_ERROR},
        {"unknown code", {.denominator = 1, .verdict = -399}, TG_E_PLUGIN_ERROR},
        {"positive code", {.denominator = 1, .verdict = 1}, TG_E_PLUGIN_ERROR},
        {"a journal error", {.denominator = 1, .verdict = TG_E_CORRUPT}, TG_E_PLUGIN_ERROR},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tg_plug plug = plug_make();
        struct tg_tariff_result results[4];
        told[1] = bad[i].answer;
        cr_expect_eq(tg_guard_price(&plug, &bounds, prices, 1, rows, 3, results), 2, "%s",
                     bad[i].name);
        cr_expect_eq(results[1].verdict, bad[i].verdict, "%s: %d", bad[i].name, results[1].verdict);
        cr_expect_eq(results[1].amount, 0, "%s", bad[i].name);
        cr_expect_eq(plug.faults_count, 1, "%s", bad[i].name);
        cr_expect_not(tg_plug_is_quarantined(&plug), "%s", bad[i].name);
    }
}

Test(guard, too_many_bad_rows_take_the_tariff_out_with_the_first_reason)
{
    /* If this failed, a broken tariff would go on producing suspense for ever. */
    struct tg_plug plug = plug_make();
    struct tg_tariff_result results[4];
    told[0].amount = 5000;
    for (int call = 0; call < 3; call++) {
        (void)tg_guard_price(&plug, &bounds, prices, 1, rows, 3, results);
        cr_expect_not(tg_plug_is_quarantined(&plug));
    }
    (void)tg_guard_price(&plug, &bounds, prices, 1, rows, 3, results);
    cr_expect_eq(plug.quarantine, TG_E_PLUGIN_RANGE);
    tg_plug_quarantine(&plug, TG_E_PLUGIN_COUNT, NULL);
    cr_expect_eq(plug.quarantine, TG_E_PLUGIN_RANGE, "the first reason stays");
    cr_expect_eq(tg_plug_release(&plug), TG_OK);
    told[0].amount = 5;
    cr_expect_eq(tg_guard_price(&plug, &bounds, prices, 1, rows, 3, results), 3);
}
