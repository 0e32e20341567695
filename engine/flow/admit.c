/* SPDX-License-Identifier: Apache-2.0 */
/* What every row gets before it is routed: a verdict that is still open, or its fate; who used it;
 * the state of its node. Batches in which no row is out of the ordinary, which are nearly all, pay
 * for no question a row: what is asked is gathered from all rows and looked at once. */
#include "flow/ingest_state.h"

#include "catalog/catalog.h"
#include "health/timeline.h"
#include "mediate/cumulative.h"
#include "mediate/identify.h"
#include "mediate/network.h"
#include "mediate/source.h"

#include <stddef.h>

/* An event later than its arrival by more than this cannot be: suspended, never rated. */
#define FUTURE_NS (INT64_C(3600) * 1000000000)

/* A verdict nothing is known of, as tg_charge_start writes it, for two stores instead of eight. */
typedef uint64_t half_line __attribute__((vector_size(32), may_alias));
union open_charge {
    struct tg_charge charge;
    half_line halves[2];
};
_Static_assert(offsetof(struct tg_batch, charges) % 32 == 0, "halves of lines are aligned");

/* Fate before anyone looks further. */
static void row_admit(struct tg_ingest *ingest, const struct tg_source *source,
                      struct tg_usage *row, struct tg_charge *charge, int64_t arrival_ns)
{
    tg_charge_start(charge);
    if (__builtin_expect(row->service == TG_SERVICE_OPTIONS, 0)) {
        tg_charge_settle(charge, TG_FATE_FILTERED, TG_E_OPTIONS_RECORD);
        return;
    }
    if (source->is_filtered) {
        tg_charge_settle(charge, TG_FATE_FILTERED, TG_E_SOURCE_FILTERED);
    }
    if ((row->flags & TG_USAGE_CUMULATIVE) != 0) {
        const enum tg_err err = tg_cumulative_delta(ingest->params.cumulative, row);
        if (err != TG_OK) {
            tg_charge_settle(charge, err == TG_E_MERGED ? TG_FATE_MERGED : TG_FATE_SUSPENDED, err);
        }
    }
    if (row->start_ns > arrival_ns + FUTURE_NS && charge->fate == TG_FATE_NONE) {
        tg_charge_settle(charge, TG_FATE_SUSPENDED, TG_E_FUTURE_EVENT);
    }
}

static uint64_t rows_admit(struct tg_ingest *ingest, const struct tg_source *source,
                           struct tg_batch *batch, const uint32_t *rows_input,
                           const struct tg_input *inputs, uint32_t inputs_count)
{
    uint64_t units = 0;
    for (uint32_t i = 0; i < batch->rows_count; i++) {
        const uint32_t index = rows_input[i] < inputs_count ? rows_input[i] : 0;
        row_admit(ingest, source, &batch->rows[i], &batch->charges[i], inputs[index].arrival_ns);
        units += tg_usage_units(&batch->rows[i]);
    }
    return units;
}

/* Starts all verdicts, and tells whether that is all there is to do: octets, none of them readings,
 * none later than the earliest arrival allows. *units is theirs then. */
static bool rows_start(struct tg_batch *batch, uint16_t source_id, uint16_t node_id,
                       int64_t latest_ns, uint64_t *units)
{
    static const union open_charge open = {
        .charge = {.subscriber = TG_SUBSCRIBER_NONE, .price_id = TG_PRICE_NONE}};
    const half_line first = open.halves[0];
    const half_line second = open.halves[1];
    const struct tg_usage *const end = batch->rows + batch->rows_count;
    half_line *verdict = (half_line *)batch->charges;
    int64_t last_ns = INT64_MIN;
    uint64_t sum = 0;
    uint8_t services = 0;
    uint8_t flags = 0;
    for (struct tg_usage *row = batch->rows; row != end; row++, verdict += 2) {
        verdict[0] = first;
        verdict[1] = second;
        row->source_id = source_id;
        row->node_id = node_id;
        services |= row->service ^ TG_SERVICE_DATA;
        flags |= row->flags;
        last_ns = row->start_ns > last_ns ? row->start_ns : last_ns;
        sum += (uint64_t)row->quantity_up + row->quantity_down;
    }
    *units = sum;
    return services == 0 && (flags & TG_USAGE_CUMULATIVE) == 0 && last_ns <= latest_ns;
}

void tg_ingest_admit(struct tg_ingest *ingest, struct tg_batch *batch, const uint32_t *rows_input,
                     const struct tg_input *inputs, uint32_t inputs_count)
{
    /* A call's inputs are of one source: who it is is asked once, not once a row. */
    const uint16_t source_id = inputs[0].source_id;
    const struct tg_source *source = tg_sources_at(ingest->params.sources, source_id);
    int64_t arrival_ns = inputs[0].arrival_ns;
    uint64_t units = 0;
    for (uint32_t i = 1; i < inputs_count; i++) {
        arrival_ns = inputs[i].arrival_ns < arrival_ns ? inputs[i].arrival_ns : arrival_ns;
    }
    if (!rows_start(batch, source_id, source->node_id, arrival_ns + FUTURE_NS, &units) ||
        source->is_filtered) {
        units = rows_admit(ingest, source, batch, rows_input, inputs, inputs_count);
    }
    struct tg_source_mark *mark = tg_ingest_touch(ingest, source_id);
    mark->in_records += batch->rows_count;
    mark->in_units += units;
    ingest->counts.rows_count += batch->rows_count;
}

/* Row by row, where the state changed meanwhile or life begins anew. */
static __attribute__((noinline)) void rows_annotate(struct tg_ingest *ingest,
                                                    struct tg_batch *batch)
{
    int64_t start_ns[TG_BATCH_ROWS_MAX];
    uint8_t states[TG_BATCH_ROWS_MAX];
    for (uint32_t i = 0; i < batch->rows_count; i++) {
        start_ns[i] = batch->rows[i].start_ns;
    }
    tg_timeline_usage(ingest->params.timeline, batch->rows[0].node_id, start_ns, states,
                      batch->rows_count);
    for (uint32_t i = 0; i < batch->rows_count; i++) {
        batch->charges[i].node_state = states[i];
    }
}

/* Rows of a batch are of one source and so of one node. */
static void batch_annotate(struct tg_ingest *ingest, struct tg_batch *batch)
{
    int64_t first_ns = INT64_MAX;
    int64_t last_ns = INT64_MIN;
    uint8_t state;
    for (uint32_t i = 0; i < batch->rows_count; i++) {
        const int64_t start_ns = batch->rows[i].start_ns;
        first_ns = start_ns < first_ns ? start_ns : first_ns;
        last_ns = start_ns > last_ns ? start_ns : last_ns;
    }
    if (!tg_timeline_usage_between(ingest->params.timeline, batch->rows[0].node_id, first_ns,
                                   last_ns, &state)) {
        rows_annotate(ingest, batch);
        return;
    }
    for (uint32_t i = 0; i < batch->rows_count; i++) {
        batch->charges[i].node_state = state;
    }
}

void tg_ingest_identify(struct tg_ingest *ingest, struct tg_batch *batch)
{
    const struct tg_catalog_snapshot *catalog = tg_snapshot_read(ingest->params.catalog);
    const struct tg_identify identify = {
        catalog->roster, tg_snapshot_read(ingest->params.sessions_published), &ingest->inherited};
    uint64_t at = tg_stage_ticks();
    tg_identify_run(&identify, batch);
    if (ingest->inherited.count > 0) {
        tg_networks_run(&ingest->network_cache, catalog, ingest->inherited.items,
                        ingest->inherited.count, batch);
    }
    at = tg_stage_done(&ingest->stages, TG_STAGE_identify, batch->rows_count, at);
    batch_annotate(ingest, batch);
    (void)tg_stage_done(&ingest->stages, TG_STAGE_annotate, batch->rows_count, at);
}
