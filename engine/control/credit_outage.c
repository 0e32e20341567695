/* SPDX-License-Identifier: Apache-2.0 */
/* Alarms and reservations meet here: a node that is down for longer than its grace takes its
 * sessions along. What is done is remembered in memory only: after a restart the same alarms are
 * folded from the journal, and what they returned is not open any more. */
#include "base/log.h"
#include "control/credit.h"
#include "control/engine_state.h"
#include "flow/desk.h"
#include "health/inventory.h"

static uint32_t outages_find(struct tg_engine *engine, const int64_t *since_ns, int64_t now_ns,
                             struct tg_credit_outage *outages)
{
    const int64_t grace_ns = engine->params.config->outage_grace_ns;
    uint32_t count = 0;
    for (uint32_t id = 1; id <= engine->inventory->nodes_count && count < TG_DESK_OUTAGES_MAX;
         id++) {
        /* Subtracted from now: the grace may be as long as a number can be. */
        if (since_ns[id] > engine->outages.since_ns[id] && since_ns[id] <= now_ns - grace_ns) {
            outages[count++] =
                (struct tg_credit_outage){.since_ns = since_ns[id], .node_id = (uint16_t)id};
        }
    }
    return count;
}

/* The search that goes on, or the next one there is a reason for. A node that goes down meanwhile
 * has the one behind it, so that each ends however nodes flap. */
static uint32_t search_choose(struct tg_engine *engine, int64_t now_ns)
{
    struct tg_credit_outages *search = &engine->outages;
    int64_t since_ns[TG_NODES_MAX + 1];
    if (search->count == 0) {
        tg_telemetry_outages(engine->telemetry, since_ns);
        search->count = outages_find(engine, since_ns, now_ns, search->outages);
        search->search += search->count > 0;
    }
    return search->count;
}

void tg_credit_outages_tend(struct tg_engine *engine, int64_t now_ns)
{
    struct tg_credit_outages *search = &engine->outages;
    struct tg_why why = {""};
    if (tg_pipeline_credit_open_count(engine->pipeline) == 0) {
        search->count = 0;
        return; /* what is reserved from now on is of sessions that have seen the outage */
    }
    struct tg_desk *desk =
        search_choose(engine, now_ns) > 0 ? tg_pipeline_desk(engine->pipeline) : NULL;
    if (desk == NULL) {
        return;
    }
    for (uint32_t i = 0; i < search->count; i++) {
        desk->outages[i] = search->outages[i];
    }
    desk->outages_count = search->count;
    desk->search = search->search;
    if (tg_pipeline_credit(engine->pipeline, now_ns, &why) != TG_OK) {
        tg_log(TG_LOG_WARNING, "control", "reservations of nodes that are down are kept yet: %s",
               why.text);
        return;
    }
    for (uint32_t i = 0; !desk->has_more && i < search->count; i++) {
        search->since_ns[search->outages[i].node_id] = search->outages[i].since_ns;
    }
    search->count = desk->has_more ? search->count : 0;
}
