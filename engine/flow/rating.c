/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rating.h"

#include "base/arena.h"
#include "catalog/catalog.h"
#include "flow/desk.h"
#include "flow/idle.h"
#include "ledger/journal.h"
#include "mediate/dedup.h"
#include "rate/credit.h"
#include "rate/rate.h"
#include "rate/terms.h"
#include "record/routed.h"
#include "rt/ring.h"

#include <rte_pause.h>

#define IDLE_TURNS 8192u /* empty turns before the lcore sleeps: some 0.4 ms, so not in traffic */

enum tg_err tg_rating_create(const struct tg_rating_params *params, struct tg_rating **rating,
                             struct tg_why *why)
{
    struct tg_rating *made = tg_pages_take(sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for a rate worker");
    }
    made->params = *params;
    const struct tg_rate_params rate_params = {.accounts = params->accounts};
    enum tg_err err = tg_rate_create(&rate_params, &made->rate, why);
    made->dedup = tg_dedup_create(params->dedup_records_max);
    if (err == TG_OK && made->dedup == NULL) {
        err = tg_why_set(why, TG_E_NO_MEMORY, "no memory to remember %llu records",
                         (unsigned long long)params->dedup_records_max);
    }
    if (err == TG_OK && params->ring_rows_count != 0) {
        made->batch = tg_pages_take(sizeof *made->batch);
        err = made->batch == NULL ? TG_E_NO_MEMORY
                                  : tg_ring_open(params->ring_rows_count, sizeof(struct tg_routed),
                                                 &made->ring, why);
    }
    if (err == TG_OK && params->credit_book != NULL) {
        err = tg_credit_create(params->credit_book, params->accounts, params->reservations_max,
                               &made->credit, why);
        made->credit_batch = tg_pages_take(sizeof *made->credit_batch);
        err = made->credit_batch == NULL ? TG_E_NO_MEMORY : err;
    }
    if (err != TG_OK) {
        tg_rating_destroy(made);
        return err;
    }
    *rating = made;
    return TG_OK;
}

void tg_rating_destroy(struct tg_rating *rating)
{
    if (rating == NULL) {
        return;
    }
    tg_rate_destroy(rating->rate);
    tg_dedup_free(rating->dedup);
    tg_ring_close(rating->ring);
    tg_pages_free(rating->batch, sizeof *rating->batch);
    tg_credit_destroy(rating->credit);
    tg_pages_free(rating->credit_batch, sizeof *rating->credit_batch);
    tg_pages_free(rating, sizeof *rating);
}

/* A row that was filtered or merged has no effect that could happen twice. */
static inline bool is_checked(uint8_t fate)
{
    return fate == TG_FATE_NONE || fate == TG_FATE_SUSPENDED;
}

/* What few rows are: known, too late, or without use. */
static __attribute__((noinline)) void verdict_settle(const struct tg_rating *rating,
                                                     const struct tg_usage *row, int16_t verdict,
                                                     struct tg_charge *charge)
{
    if (verdict == TG_E_DUPLICATE) {
        tg_charge_settle(charge, TG_FATE_DUPLICATE, verdict);
    } else if (verdict != TG_OK) {
        tg_charge_settle(charge, TG_FATE_SUSPENDED, verdict);
    } else if (tg_usage_units(row) == 0 && charge->fate == TG_FATE_NONE &&
               !tg_rate_zero_is_priced(tg_snapshot_read(rating->params.catalog), row,
                                       charge->subscriber)) {
        tg_charge_settle(charge, TG_FATE_FILTERED, TG_E_ZERO_USAGE);
    }
}

void tg_rating_dedup(struct tg_rating *rating, struct tg_batch *batch)
{
    const uint64_t at = tg_stage_ticks();
    int16_t verdicts[TG_BATCH_ROWS_MAX];
    uint32_t first = 0;
    while (first < batch->rows_count) {
        uint32_t end = first;
        while (end < batch->rows_count && is_checked(batch->charges[end].fate)) {
            end++;
        }
        if (end > first) {
            tg_dedup_run(rating->dedup, &batch->rows[first], sizeof(struct tg_usage), end - first,
                         verdicts);
        }
        const struct tg_usage *row = &batch->rows[first];
        for (uint32_t i = 0; i < end - first; i++, row++) {
            if (__builtin_expect(verdicts[i] != TG_OK || tg_usage_units(row) == 0, 0)) {
                verdict_settle(rating, row, verdicts[i], &batch->charges[first + i]);
            }
        }
        first = end + 1;
    }
    (void)tg_stage_done(&rating->stages, TG_STAGE_dedup, batch->rows_count, at);
}

#define FATE_BITS 9u

/* A few bits of one word for each fate: a counter in memory would be waited for by each row. */
static void fates_count(struct tg_rating *rating, const struct tg_batch *batch)
{
    uint64_t fates = 0;
    _Static_assert(TG_BATCH_ROWS_MAX < 1u << FATE_BITS && TG_FATE_COUNT * FATE_BITS <= 64,
                   "a batch of one fate fits");
    for (uint32_t i = 0; i < batch->rows_count; i++) {
        fates += UINT64_C(1) << (batch->charges[i].fate * FATE_BITS);
    }
    for (uint32_t fate = 0; fate < TG_FATE_COUNT; fate++) {
        uint64_t *count = &rating->counts.fate_rows[fate];
        const uint64_t rows_count = fates >> (fate * FATE_BITS) & ((1u << FATE_BITS) - 1);
        __atomic_store_n(count, *count + rows_count, __ATOMIC_RELAXED);
    }
}

void tg_rating_price(struct tg_rating *rating, struct tg_batch *batch)
{
    const uint64_t at = tg_stage_ticks();
    const struct tg_catalog_snapshot *catalog = tg_snapshot_read(rating->params.catalog);
    tg_rate_run(rating->rate, catalog, batch->rows, batch->charges, batch->rows_count);
    if (__builtin_expect(rating->credit != NULL && catalog->roster->credits != NULL, 0)) {
        tg_credit_debit(rating->credit, catalog->roster, batch->rows, batch->charges,
                        batch->rows_count);
    }
    (void)tg_stage_done(&rating->stages, TG_STAGE_price, batch->rows_count, at);
    fates_count(rating, batch);
}

void tg_rating_decide(struct tg_rating *rating, struct tg_batch *batch)
{
    tg_rating_dedup(rating, batch);
    tg_rating_price(rating, batch);
}

struct tg_block *tg_rating_block(void *context)
{
    struct tg_rating *rating = context;
    if (rating->block == NULL && !rating->has_failed) {
        rating->block = tg_journal_begin(rating->params.journal, rating->params.stream);
        rating->has_failed = rating->block == NULL;
    }
    return rating->block;
}

struct tg_block *tg_rating_block_next(void *context)
{
    struct tg_rating *rating = context;
    if (rating->block != NULL) {
        tg_journal_submit(rating->params.journal, rating->block, rating->epoch);
        rating->block = NULL;
    }
    return tg_rating_block(rating);
}

static struct tg_desk_sink rating_sink(struct tg_rating *rating)
{
    return (struct tg_desk_sink){rating, tg_rating_block, tg_rating_block_next, rating->epoch};
}

/* The worker's own block; a full one goes in as one of the epoch's blocks. */
static void rating_append(struct tg_rating *rating, const struct tg_batch *batch)
{
    const uint64_t at = tg_stage_ticks();
    uint32_t done = 0;
    struct tg_block *block = tg_rating_block(rating);
    while (block != NULL && done < batch->rows_count) {
        done += tg_block_rows(block, &batch->rows[done], &batch->charges[done],
                              batch->rows_count - done);
        block = done < batch->rows_count ? tg_rating_block_next(rating) : block;
    }
    if (rating->credit != NULL) {
        const struct tg_desk_sink sink = rating_sink(rating);
        tg_desk_flush(rating->credit, &sink);
    }
    (void)tg_stage_done(&rating->stages, TG_STAGE_journal, batch->rows_count, at);
}

static void rating_flush(struct tg_rating *rating)
{
    if (rating->batch->rows_count != 0) {
        tg_rating_decide(rating, rating->batch);
        rating_append(rating, rating->batch);
        rating->batch->rows_count = 0;
    }
}

/* A round of prepaid requests, behind all rows that came before it. */
static void rating_desk(struct tg_rating *rating)
{
    rating_flush(rating);
    const struct tg_desk_sink sink = rating_sink(rating);
    tg_desk_serve(rating->params.desk, rating, tg_snapshot_read(rating->params.catalog), &sink);
}

/* All rows before the marker are in; the commit block may follow once this is seen. */
static void rating_end_epoch(struct tg_rating *rating, uint64_t epoch)
{
    rating_flush(rating);
    if (rating->block != NULL) {
        tg_journal_submit(rating->params.journal, rating->block, rating->epoch);
        rating->block = NULL;
    }
    /* Pairs with the acquire load in commit.c: the blocks are submitted before this is seen. */
    __atomic_store_n(&rating->epoch, epoch + 1, __ATOMIC_RELEASE);
}

static void rating_unpack(struct tg_rating *rating, const struct tg_routed *routed)
{
    struct tg_batch *batch = rating->batch;
    struct tg_charge *charge = &batch->charges[batch->rows_count];
    batch->rows[batch->rows_count] = routed->usage;
    tg_charge_start(charge);
    charge->subscriber = routed->subscriber;
    charge->fate = routed->fate;
    charge->reason = routed->reason;
    charge->node_state = routed->node_state;
    charge->site = routed->site;
    batch->rows_count++;
}

void tg_rating_run(void *context, const struct tg_stop *stop)
{
    struct tg_rating *rating = context;
    const struct tg_stop *own = rating->params.stop != NULL ? rating->params.stop : stop;
    struct tg_routed taken[TG_RING_BULK * 2];
    uint32_t idle_turns = 0;
    while (!rating->has_failed) {
        const uint32_t count = tg_ring_take(rating->ring, taken, TG_RING_BULK * 2);
        if (count == 0) {
            rating_flush(rating);
            tg_snapshot_quiescent();
            if (tg_stop_is_requested(own) && tg_ring_count(rating->ring) == 0) {
                break;
            }
            rte_pause();
            tg_idle(&idle_turns, IDLE_TURNS);
            continue;
        }
        idle_turns = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (taken[i].epoch == TG_ROUTED_DESK) {
                rating_desk(rating);
                continue;
            }
            if (taken[i].epoch != 0) {
                rating_end_epoch(rating, taken[i].epoch);
                continue;
            }
            rating_unpack(rating, &taken[i]);
            if (rating->batch->rows_count == TG_BATCH_ROWS_MAX) {
                rating_flush(rating);
            }
        }
        tg_snapshot_quiescent();
    }
    if (rating->block != NULL) {
        tg_journal_discard(rating->params.journal, rating->block);
        rating->block = NULL;
    }
}

void tg_rating_remember(struct tg_rating *rating, const struct tg_usage *rows,
                        const struct tg_charge *charges, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (tg_rating_is_remembered(charges[i].fate, charges[i].reason)) {
            tg_dedup_restore(rating->dedup, &rows[i]);
        }
        if (charges[i].fate < TG_FATE_COUNT) {
            rating->counts.fate_rows[charges[i].fate]++;
        }
    }
}

void tg_rating_learn(struct tg_rating *rating, const struct tg_usage *rows, uint32_t count)
{
    uint64_t *rated = &rating->counts.fate_rows[TG_FATE_RATED];
    for (uint32_t from = 0; from < count; from += TG_BATCH_ROWS_MAX) {
        int16_t verdicts[TG_BATCH_ROWS_MAX]; /* all fresh: what is known leaves no difference */
        const uint32_t left = count - from;
        tg_dedup_run(rating->dedup, rows + from, sizeof *rows,
                     left < TG_BATCH_ROWS_MAX ? left : TG_BATCH_ROWS_MAX, verdicts);
    }
    __atomic_store_n(rated, *rated + count, __ATOMIC_RELAXED);
}
