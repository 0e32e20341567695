/* SPDX-License-Identifier: Apache-2.0 */
/* From the ingest lcore to the worker that owns the subscriber. */
#include "flow/ingest_state.h"
#include "flow/pipeline_state.h"

#include "base/hash.h"
#include "catalog/catalog.h"
#include "flow/desk.h"
#include "record/routed.h"
#include "rt/ring.h"

#include <rte_pause.h>

/* All of an account's subscribers share a shard, so shared allowances have one writer. */
uint32_t tg_route_worker(const struct tg_roster *roster, const struct tg_usage *row,
                         uint32_t subscriber, uint32_t workers_count)
{
    const struct tg_roster_line *line = tg_roster_line(roster, subscriber);
    const uint64_t key = line != NULL ? line->account : row->record_key;
    return ((uint32_t)tg_mix64(key) & (TG_SHARDS_COUNT - 1)) % workers_count;
}

uint32_t tg_route_account(uint32_t account, uint32_t workers_count)
{
    return ((uint32_t)tg_mix64(account) & (TG_SHARDS_COUNT - 1)) % workers_count;
}

const struct tg_roster *tg_route_roster(const struct tg_snapshot *catalog)
{
    const struct tg_catalog_snapshot *snapshot = tg_snapshot_read(catalog);
    return snapshot->roster;
}

static void routed_push(struct tg_ingest *ingest, uint32_t worker, const struct tg_routed *rows,
                        uint32_t count)
{
    struct tg_rating *rating = ingest->params.ratings[worker];
    uint32_t done = 0;
    while (done < count) {
        const uint32_t put = tg_ring_put(rating->ring, &rows[done], count - done);
        done += put;
        if (put == 0) {
            /* Back-pressure: the NIC's queue grows meanwhile, and its drops are counted there. */
            ingest->counts.hop_waits_count++;
            if (__atomic_load_n(&rating->has_failed, __ATOMIC_RELAXED)) {
                ingest->has_failed = true;
                return;
            }
            tg_snapshot_quiescent();
            rte_pause();
        }
    }
}

static void routed_flush(struct tg_ingest *ingest, uint32_t worker)
{
    routed_push(ingest, worker, ingest->routed[worker], ingest->routed_count[worker]);
    ingest->routed_count[worker] = 0;
}

static void batch_hop(struct tg_ingest *ingest)
{
    const struct tg_catalog_snapshot *catalog = tg_snapshot_read(ingest->params.catalog);
    const struct tg_batch *batch = &ingest->batch;
    for (uint32_t i = 0; i < batch->rows_count; i++) {
        const struct tg_charge *charge = &batch->charges[i];
        const uint32_t worker = tg_route_worker(catalog->roster, &batch->rows[i],
                                                charge->subscriber, ingest->params.ratings_count);
        struct tg_routed *routed = &ingest->routed[worker][ingest->routed_count[worker]++];
        routed->usage = batch->rows[i];
        routed->subscriber = charge->subscriber;
        routed->reason = charge->reason;
        routed->fate = charge->fate & 15u;
        routed->node_state = charge->node_state & 15u;
        routed->site = charge->site;
        routed->epoch = 0;
        if (ingest->routed_count[worker] == TG_RING_BULK) {
            routed_flush(ingest, worker);
        }
    }
}

static struct tg_block *sink_block(void *context)
{
    return tg_ingest_block(context);
}

static struct tg_block *sink_next(void *context)
{
    return tg_ingest_block_next(context);
}

struct tg_desk_sink tg_ingest_sink(struct tg_ingest *ingest)
{
    return (struct tg_desk_sink){ingest, sink_block, sink_next, ingest->epoch};
}

void tg_ingest_append(struct tg_ingest *ingest, const struct tg_batch *batch)
{
    struct tg_rating *rating = ingest->params.ratings[0];
    const uint64_t at = tg_stage_ticks();
    uint32_t done = 0;
    struct tg_block *block = tg_ingest_block(ingest);
    ingest->epoch_rows_count += batch->rows_count;
    while (block != NULL && done < batch->rows_count) {
        done += tg_block_rows(block, &batch->rows[done], &batch->charges[done],
                              batch->rows_count - done);
        if (done < batch->rows_count) {
            block = tg_ingest_block_next(ingest);
        }
    }
    if (rating->credit != NULL) {
        const struct tg_desk_sink sink = tg_ingest_sink(ingest);
        tg_desk_flush(rating->credit, &sink);
    }
    (void)tg_stage_done(&rating->stages, TG_STAGE_journal, batch->rows_count, at);
}

void tg_ingest_desk(struct tg_ingest *ingest)
{
    struct tg_desk *desk = ingest->params.desk;
    ingest->desk_turn = __atomic_load_n(&desk->turn, __ATOMIC_RELAXED);
    if (ingest->params.is_inline) {
        const struct tg_desk_sink sink = tg_ingest_sink(ingest);
        tg_desk_serve(desk, ingest->params.ratings[0], tg_snapshot_read(ingest->params.catalog),
                      &sink);
        return;
    }
    if (desk->is_writing) {
        (void)tg_ingest_block(ingest); /* the epoch is open, though this lcore writes no events */
    }
    const struct tg_routed marker = {.epoch = TG_ROUTED_DESK};
    for (uint32_t i = 0; i < ingest->params.ratings_count; i++) {
        routed_flush(ingest, i);
        routed_push(ingest, i, &marker, 1);
    }
}

void tg_ingest_route(struct tg_ingest *ingest)
{
    if (ingest->params.is_inline) {
        tg_rating_decide(ingest->params.ratings[0], &ingest->batch);
        tg_ingest_append(ingest, &ingest->batch);
    } else {
        const uint64_t at = tg_stage_ticks();
        ingest->epoch_rows_count += ingest->batch.rows_count;
        (void)tg_ingest_block(ingest); /* the epoch is open, though this lcore writes no rows */
        batch_hop(ingest);
        (void)tg_stage_done(&ingest->stages, TG_STAGE_route, ingest->batch.rows_count, at);
    }
    ingest->batch.rows_count = 0;
}

void tg_ingest_mark_epoch(struct tg_ingest *ingest, uint64_t epoch)
{
    if (ingest->params.is_inline) {
        return;
    }
    const struct tg_routed marker = {.epoch = epoch};
    for (uint32_t i = 0; i < ingest->params.ratings_count; i++) {
        routed_flush(ingest, i);
        routed_push(ingest, i, &marker, 1);
    }
    for (uint32_t i = 0; i < ingest->params.ratings_count && !ingest->has_failed; i++) {
        struct tg_rating *rating = ingest->params.ratings[i];
        /* Pairs with the release store in rating_end_epoch. */
        while (__atomic_load_n(&rating->epoch, __ATOMIC_ACQUIRE) <= epoch) {
            if (__atomic_load_n(&rating->has_failed, __ATOMIC_RELAXED)) {
                ingest->has_failed = true;
                break;
            }
            tg_snapshot_quiescent();
            rte_pause();
        }
    }
}
