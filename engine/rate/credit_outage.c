/* SPDX-License-Identifier: Apache-2.0 */
/* A node that goes down takes its sessions along: what they hold comes back before its time. Which
 * nodes those are is the caller's judgement; here, as everywhere, the event in the journal counts.
 */
#include "rate/credit_state.h"

static const struct tg_credit_outage *outage_of(const struct tg_credit_entry *entry,
                                                const struct tg_credit_outage *outages,
                                                uint32_t outages_count)
{
    for (uint32_t i = 0; i < outages_count; i++) {
        if (outages[i].node_id == entry->row.node_id && entry->at_ns <= outages[i].since_ns) {
            return &outages[i];
        }
    }
    return NULL;
}

uint32_t tg_credit_return(struct tg_credit *credit, const struct tg_catalog_snapshot *snapshot,
                          const struct tg_credit_outage *outages, uint32_t outages_count,
                          uint64_t search, uint32_t *looks, int64_t now_ns, uint64_t epoch)
{
    uint32_t count = 0;
    if (credit->return_search != search) {
        credit->return_search = search;
        credit->return_next = 0;
    }
    for (; credit->return_next<credit->used_count && * looks> 0 && count < TG_CREDIT_EXPIRE_MAX;
         credit->return_next++, --*looks) {
        const uint32_t at = credit->return_next;
        struct tg_credit_entry *entry = &credit->entries[at];
        const struct tg_credit_outage *outage =
            entry->state == TG_CREDIT_IS_OPEN ? outage_of(entry, outages, outages_count) : NULL;
        if (outage == NULL) {
            continue;
        }
        entry->is_outage = true;
        struct tg_credit_event *event = tg_credit_give_back(credit, snapshot, at, now_ns, epoch);
        event->valid_to_ns = outage->since_ns;
        event->is_outage = 1;
        tg_credit_count(&credit->counts.outages_count, 1);
        count++;
    }
    return count;
}

bool tg_credit_return_is_done(const struct tg_credit *credit, uint64_t search)
{
    return credit->return_search == search && credit->return_next >= credit->used_count;
}
