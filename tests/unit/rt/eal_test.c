/* SPDX-License-Identifier: Apache-2.0 */
#include "rt/eal.h"

#include "rt/lcore.h"
#include "rt/ring.h"
#include "rt/snapshot.h"
#include "rt/time.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct tg_eal_config small = {.size_bytes = sizeof small,
                                           .memory = TG_EAL_MEMORY_NO_HUGE,
                                           .memory_mib = 32,
                                           .workers_count = 3};

struct stage {
    struct tg_ring *ring;
    uint64_t sum;
    uint64_t produced_count;
};

static void produce(void *context, const struct tg_stop *stop)
{
    struct stage *stage = context;
    uint64_t row[8] = {0};
    while (stage->produced_count < 5000 && !tg_stop_is_requested(stop)) {
        row[0] = stage->produced_count;
        if (tg_ring_put(stage->ring, row, 1) == 1) {
            stage->produced_count++;
        } else {
            (void)sched_yield();
        }
        tg_snapshot_quiescent();
    }
}

static void consume(void *context, const struct tg_stop *stop)
{
    struct stage *stage = context;
    uint64_t rows[8 * 32];
    while (!tg_stop_is_requested(stop)) {
        const uint32_t count = tg_ring_take(stage->ring, rows, 32);
        for (uint32_t i = 0; i < count; i++) {
            stage->sum += rows[8 * i];
        }
        tg_snapshot_quiescent();
        if (count == 0) {
            (void)sched_yield();
        }
    }
}

/* If this failed, the engine could not start without root, huge pages or as many CPUs as stages,
 * and the two-command newcomer would see DPDK's noise instead of an invoice. */
Test(eal, workers_run_jobs_and_stop_on_a_machine_with_fewer_cpus)
{
    struct tg_why why = {""};
    cr_assert_eq(tg_eal_start(&small, &why), TG_OK, "%s", why.text);
    cr_assert(tg_eal_is_running() && !tg_eal_is_huge());
    cr_assert_eq(tg_eal_workers_count(), 3);
    struct stage stage = {0};
    cr_assert_eq(tg_ring_open(256, 64, &stage.ring, NULL), TG_OK);
    struct tg_stop stop = {0};
    const struct tg_lcore_job consumer = {consume, &stage};
    cr_assert_eq(tg_lcores_launch(&consumer, 1, &stop, &why), TG_OK, "%s", why.text);
    cr_expect_eq(tg_lcores_launch(&consumer, 1, &stop, &why), TG_E_STATE);
    const struct tg_lcore_job producer = {produce, &stage};
    tg_lcore_run_here(&producer, &stop);
    cr_expect_eq(stage.produced_count, 5000);
    while (tg_ring_count(stage.ring) != 0) {
        (void)sched_yield();
    }
    cr_expect_eq(tg_lcores_running_count(), 1);
    tg_stop_request(&stop);
    tg_lcores_join();
    cr_expect_eq(tg_lcores_running_count(), 0);
    cr_expect_eq(stage.sum, UINT64_C(4999) * 5000 / 2);
    struct tg_lcore_job many[4] = {consumer, consumer, consumer, consumer};
    cr_expect_eq(tg_lcores_launch(many, 4, &stop, &why), TG_E_INVALID);
    cr_expect_eq(tg_eal_start(&small, &why), TG_E_STATE);
    tg_ring_close(stage.ring);
    tg_eal_stop();
    cr_expect_not(tg_eal_is_running());
}

/* If this failed, a typing mistake in the lcore list would end in a stack trace or silence. */
Test(eal, a_refused_start_is_one_readable_sentence)
{
    struct tg_eal_config bad = small;
    struct tg_why why = {""};
    bad.workers_count = TG_EAL_WORKERS_MAX + 1;
    cr_expect_eq(tg_eal_start(&bad, &why), TG_E_INVALID);
    bad.workers_count = 0;
    bad.lcores = "0-x@7,";
    cr_expect_eq(tg_eal_start(&bad, &why), TG_E_EAL);
    cr_expect_not_null(strstr(why.text, "0-x@7"));
    cr_expect_not_null(strstr(why.text, "lcore"), "%s", why.text);
    cr_expect_null(strchr(why.text, '\n'));
    cr_expect_not(tg_eal_is_running());
    tg_eal_stop();
}

/* If this failed, the engine could not run as an ordinary user, which is its default. */
Test(eal, starts_without_any_privilege)
{
    if (geteuid() == 0 && setuid(65534) != 0) {
        fprintf(stderr, "eal: skipped: cannot give up root\n");
        cr_skip("cannot give up root");
    }
    struct tg_why why = {""};
    cr_assert_eq(tg_eal_start(&small, &why), TG_OK, "%s", why.text);
    tg_eal_stop();
}

/* If this failed, huge pages that an operator set aside would not be used. */
Test(eal, uses_huge_pages_when_enough_are_free)
{
    struct tg_eal_config config = small;
    struct tg_why why = {""};
    config.memory = TG_EAL_MEMORY_HUGE;
    const enum tg_err err = tg_eal_start(&config, &why);
    if (err == TG_E_EAL && strstr(why.text, "sysctl") != NULL) {
        fprintf(stderr, "eal: skipped: fewer than 32 MiB of huge pages are free\n");
        cr_skip("no huge pages");
    }
    cr_assert_eq(err, TG_OK, "%s", why.text);
    cr_expect(tg_eal_is_huge());
    tg_eal_stop();
}

/* If this failed, replay would stamp rows with today's time instead of the journal's. */
Test(time, a_set_clock_reads_what_its_owner_wrote_and_the_live_one_moves)
{
    int64_t now_ns = 42;
    struct tg_time set = tg_time_set_by(&now_ns);
    cr_expect_eq(tg_time_now_ns(&set), 42);
    now_ns = INT64_C(1767225600000000000);
    cr_expect_eq(tg_time_now_ns(&set), now_ns);
    struct tg_time live = tg_time_live();
    cr_expect_gt(tg_time_now_ns(&live), now_ns);
}
