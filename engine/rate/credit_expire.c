/* SPDX-License-Identifier: Apache-2.0 */
/* What ends by itself: reservations whose time is up, and money that has lapsed. A search stops
 * after a few, as each may move all others of its account, and goes on there. */
#include "rate/credit_state.h"

#include "catalog/catalog.h"

struct tg_credit_event *tg_credit_give_back(struct tg_credit *credit,
                                            const struct tg_catalog_snapshot *snapshot, uint32_t at,
                                            int64_t now_ns, uint64_t epoch)
{
    struct tg_credit_entry *entry = &credit->entries[at];
    tg_credit_close(credit, at, TG_CREDIT_IS_EXPIRED);
    entry->epoch = epoch;
    tg_credit_count(&credit->counts.expired_count, 1);
    struct tg_credit_event *event =
        tg_credit_event_of(credit, entry, TG_CREDIT_EXPIRE, now_ns, snapshot->roster);
    event->held = entry->held;
    tg_credit_holds_follow(credit, snapshot, entry->account, now_ns, epoch);
    tg_credit_lapse(credit, snapshot->roster, entry->account, now_ns);
    return event;
}

/* Accounts of which something has lapsed, at most so many; fewer: there are no more. */
static uint32_t lots_lapse(struct tg_credit *credit, const struct tg_roster *roster, int64_t now_ns,
                           uint32_t most)
{
    uint32_t count = 0;
    if (credit->lapse_next == 0) {
        if (now_ns < credit->lots_due_ns) {
            return 0;
        }
        credit->lapse_due_ns = INT64_MAX;
    }
    for (; credit->lapse_next < credit->lots_used; credit->lapse_next++) {
        const struct tg_credit_lot *lot = &credit->lots[credit->lapse_next];
        if (!lot->is_used || lot->is_waiting) {
            continue;
        }
        if (lot->valid_to_ns > now_ns) {
            credit->lapse_due_ns =
                lot->valid_to_ns < credit->lapse_due_ns ? lot->valid_to_ns : credit->lapse_due_ns;
            continue;
        }
        if (count == most) {
            return count;
        }
        tg_credit_lapse(credit, roster, lot->account, now_ns);
        count++;
    }
    credit->lapse_next = 0;
    __atomic_store_n(&credit->lots_due_ns, credit->lapse_due_ns, __ATOMIC_RELAXED);
    return count;
}

static uint32_t holds_expire(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                             int64_t now_ns, uint64_t epoch)
{
    uint32_t count = 0;
    while (count < TG_CREDIT_EXPIRE_MAX && credit->due_ns <= now_ns && credit->due_count > 0) {
        (void)tg_credit_give_back(credit, snapshot, credit->due[0], now_ns, epoch);
        count++;
    }
    return count;
}

uint32_t tg_credit_expire(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                          int64_t now_ns, uint64_t epoch)
{
    const uint32_t count = holds_expire(credit, snapshot, now_ns, epoch);
    return count == TG_CREDIT_EXPIRE_MAX
               ? count
               : count + lots_lapse(credit, snapshot->roster, now_ns, TG_CREDIT_EXPIRE_MAX - count);
}

int64_t tg_credit_due_ns(const struct tg_credit *credit)
{
    const int64_t holds_ns = __atomic_load_n(&credit->due_ns, __ATOMIC_RELAXED);
    const int64_t lots_ns = __atomic_load_n(&credit->lots_due_ns, __ATOMIC_RELAXED);
    return holds_ns < lots_ns ? holds_ns : lots_ns;
}
