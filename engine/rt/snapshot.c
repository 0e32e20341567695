/* SPDX-License-Identifier: Apache-2.0 */
#include "rt/snapshot.h"

#include <assert.h>
#include <stddef.h>
#include <urcu-qsbr.h>

/* liburcu's barriers are in a library the thread sanitizer cannot see into; these two tell it the
 * one order that matters: a reader's quiescent state happens before the destructors after it. */
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifdef UNDER_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
static char grace_order;
#define GRACE_RELEASE() __tsan_release(&grace_order)
#define GRACE_ACQUIRE() __tsan_acquire(&grace_order)
#else
#define GRACE_RELEASE() ((void)0)
#define GRACE_ACQUIRE() ((void)0)
#endif

struct retired {
    void *object;
    tg_snapshot_destroy destroy;
    void *context;
};

/* Owned by the control thread alone: no lock. */
static struct retired retired_queue[TG_SNAPSHOT_RETIRED_MAX];
static uint32_t retired_count;

void tg_snapshot_init(struct tg_snapshot *snapshot, const void *first)
{
    __atomic_store_n(&snapshot->current, first, __ATOMIC_RELEASE);
}

const void *tg_snapshot_swap(struct tg_snapshot *snapshot, const void *next)
{
    /* Release half: partner is the acquire in tg_snapshot_read; next is whole before it is seen. */
    return __atomic_exchange_n(&snapshot->current, next, __ATOMIC_ACQ_REL);
}

void tg_snapshot_retire(void *object, tg_snapshot_destroy destroy, void *context)
{
    assert(destroy != NULL);
    if (object == NULL) {
        return;
    }
    if (retired_count == TG_SNAPSHOT_RETIRED_MAX) {
        (void)tg_snapshot_reclaim();
    }
    assert(retired_count < TG_SNAPSHOT_RETIRED_MAX);
    retired_queue[retired_count++] = (struct retired){object, destroy, context};
}

void tg_snapshot_publish(struct tg_snapshot *snapshot, const void *next,
                         tg_snapshot_destroy destroy, void *context)
{
    const void *before = tg_snapshot_swap(snapshot, next);
    assert(before == NULL || before != next);
    tg_snapshot_retire((void *)(uintptr_t)before, destroy, context);
}

uint32_t tg_snapshot_reclaim(void)
{
    if (retired_count == 0) {
        return 0;
    }
    urcu_qsbr_synchronize_rcu();
    GRACE_ACQUIRE();
    /* A destructor may retire more; those wait for the next grace period. */
    const uint32_t ready_count = retired_count;
    struct retired ready[TG_SNAPSHOT_RETIRED_MAX];
    for (uint32_t i = 0; i < ready_count; i++) {
        ready[i] = retired_queue[i];
    }
    retired_count = 0;
    for (uint32_t i = 0; i < ready_count; i++) {
        ready[i].destroy(ready[i].object, ready[i].context);
    }
    return ready_count;
}

void tg_snapshot_reader_register(void)
{
    urcu_qsbr_register_thread();
}

void tg_snapshot_reader_unregister(void)
{
    GRACE_RELEASE();
    urcu_qsbr_unregister_thread();
}

void tg_snapshot_quiescent(void)
{
    GRACE_RELEASE();
    urcu_qsbr_quiescent_state();
}

void tg_snapshot_offline(void)
{
    GRACE_RELEASE();
    urcu_qsbr_thread_offline();
}

void tg_snapshot_online(void)
{
    urcu_qsbr_thread_online();
}
