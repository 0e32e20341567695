/* SPDX-License-Identifier: Apache-2.0 */
#include "rt/lcore.h"

#include "rt/eal.h"
#include "rt/snapshot.h"

#include <assert.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <stddef.h>

struct slot {
    struct tg_lcore_job job;
    const struct tg_stop *stop;
    unsigned lcore_id;
    uint32_t is_running; /* worker clears with release; partner: acquire in running_count */
};

/* Owned by the control thread; a slot is its worker's from launch to join. */
static struct slot slots[TG_LCORE_JOBS_MAX];
static uint32_t slots_count;

static int lcore_main(void *argument)
{
    struct slot *slot = argument;
    tg_snapshot_reader_register();
    slot->job.run(slot->job.context, slot->stop);
    tg_snapshot_reader_unregister();
    __atomic_store_n(&slot->is_running, 0u, __ATOMIC_RELEASE);
    return 0;
}

enum tg_err tg_lcores_launch(const struct tg_lcore_job *jobs, uint32_t jobs_count,
                             struct tg_stop *stop, struct tg_why *why)
{
    if (!tg_eal_is_running() || slots_count != 0) {
        return tg_why_set(why, TG_E_STATE, "%s",
                          slots_count != 0 ? "lcores: the jobs launched before were not joined"
                                           : "lcores: the EAL is not started");
    }
    if (jobs_count == 0 || jobs_count > TG_LCORE_JOBS_MAX || jobs_count > tg_eal_workers_count()) {
        return tg_why_set(why, TG_E_INVALID, "lcores: %u jobs for %u worker lcores", jobs_count,
                          tg_eal_workers_count());
    }
    unsigned lcore_id = UINT32_MAX;
    for (uint32_t i = 0; i < jobs_count; i++) {
        lcore_id = rte_get_next_lcore(lcore_id, 1, 0);
        assert(lcore_id < RTE_MAX_LCORE);
        slots[i] = (struct slot){jobs[i], stop, lcore_id, 1};
        if (rte_eal_remote_launch(lcore_main, &slots[i], lcore_id) != 0) {
            tg_stop_request(stop);
            tg_lcores_join();
            return tg_why_set(why, TG_E_STATE, "lcores: lcore %u is busy", lcore_id);
        }
        slots_count = i + 1;
    }
    return TG_OK;
}

void tg_lcores_join(void)
{
    for (uint32_t i = 0; i < slots_count; i++) {
        (void)rte_eal_wait_lcore(slots[i].lcore_id);
    }
    slots_count = 0;
}

uint32_t tg_lcores_running_count(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < slots_count; i++) {
        count += __atomic_load_n(&slots[i].is_running, __ATOMIC_ACQUIRE);
    }
    return count;
}

void tg_lcore_run_here(const struct tg_lcore_job *job, const struct tg_stop *stop)
{
    tg_snapshot_reader_register();
    job->run(job->context, stop);
    tg_snapshot_reader_unregister();
}
