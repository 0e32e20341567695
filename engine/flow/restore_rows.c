/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the journal become node lives, prepaid balances, the duplicate check and account lines.
 * Eight of a row's sixteen words are enough for nearly all of them: whole rows are read only where
 * the duplicate check still remembers them, or where a row does more than add to its line. */
#include "flow/pipeline_state.h"

#include "base/clock.h"
#include "base/log.h"
#include "catalog/roster.h"
#include "health/timeline.h"
#include "ledger/scan.h"
#include "mediate/cumulative.h"
#include "rate/rate.h"
#include "rate/sums.h"
#include "record/credit.h"

#include <stdlib.h>

#define PROGRESS_NS (2 * TG_NS_PER_S)
#define PIECE_ROWS  4096u /* whole rows that stay in the second-level cache between the steps */

/* Rows of several workers are sorted by account, which is looked up by whole rows. */
uint64_t tg_restore_columns(const struct tg_pipeline *pipeline, bool is_posted)
{
    const uint64_t noted = TG_COLUMN_BIT(start_ns) | TG_COLUMN_BIT(node_id) |
                           TG_COLUMN_BIT(amount) | TG_COLUMN_BIT(subscriber) |
                           TG_COLUMN_BIT(reason) | TG_COLUMN_BIT(fate) |
                           TG_COLUMN_BIT(charge_flags) | TG_COLUMN_BIT(source_id);
    const uint64_t posted = TG_COLUMN_BIT(service) | TG_COLUMN_BIT(key_kinds) |
                            TG_COLUMN_BIT(flags) | TG_COLUMN_BIT(billed_units) |
                            TG_COLUMN_BIT(allowance_units) | TG_COLUMN_BIT(price_id) |
                            TG_COLUMN_BIT(catalog_version) | TG_COLUMN_BIT(unit);
    return pipeline->ratings_count > 1 ? 0 : is_posted ? noted | posted : noted;
}

void tg_restore_step_take(struct tg_pipeline *pipeline, enum tg_restore_step step, int64_t *at_ns)
{
    const int64_t now_ns = tg_clock_thread_cpu_ns();
    pipeline->recovery.step_ns[step] += now_ns - *at_ns;
    *at_ns = now_ns;
}

/* Long starts say that they go on. */
static void progress_tell(struct tg_pipeline *pipeline, uint64_t rows_count)
{
    const int64_t now_ns = tg_clock_monotonic_ns();
    pipeline->restored_rows_count += rows_count;
    if (now_ns - pipeline->restore_told_ns >= PROGRESS_NS) {
        pipeline->restore_told_ns = now_ns;
        tg_log(TG_LOG_NOTICE, "flow", "reading the journal: %llu rows so far",
               (unsigned long long)pipeline->restored_rows_count);
    }
}

/* ---- whole rows ------------------------------------------------------------------------------ */

/* Runs of rows that one worker owns, in order; alone it owns all, and no roster line is fetched. */
static uint32_t run_length(const struct tg_pipeline *pipeline, const struct tg_usage *rows,
                           const struct tg_charge *charges, uint32_t count, uint32_t *worker)
{
    const uint32_t workers_count = pipeline->ratings_count;
    *worker = 0;
    if (workers_count == 1) {
        return count;
    }
    const struct tg_roster *roster = tg_route_roster(pipeline->params.catalog);
    *worker = tg_route_worker(roster, &rows[0], charges[0].subscriber, workers_count);
    uint32_t length = 1;
    while (length < count && tg_route_worker(roster, &rows[length], charges[length].subscriber,
                                             workers_count) == *worker) {
        length++;
    }
    return length;
}

static void credit_row_replay(struct tg_pipeline *pipeline, uint32_t worker,
                              const struct tg_charge *charge)
{
    const struct tg_roster *roster = tg_route_roster(pipeline->params.catalog);
    const struct tg_roster_line *line = tg_roster_line(roster, charge->subscriber);
    if (line != NULL) {
        tg_credit_replay_row(pipeline->ratings[worker]->credit, line->account, charge);
    }
}

/* What rows do to node states and prepaid balances, wherever they are in the journal. */
static void rows_note(struct tg_pipeline *pipeline, uint32_t worker, const struct tg_usage *rows,
                      const struct tg_charge *charges, uint32_t count)
{
    uint16_t node_ids[TG_BATCH_ROWS_MAX];
    int64_t start_ns[TG_BATCH_ROWS_MAX];
    for (uint32_t from = 0; from < count; from += TG_BATCH_ROWS_MAX) {
        const uint32_t left = count - from;
        const uint32_t batch = left < TG_BATCH_ROWS_MAX ? left : TG_BATCH_ROWS_MAX;
        for (uint32_t i = 0; i < batch; i++) {
            node_ids[i] = rows[from + i].source_id != TG_CREDIT_SOURCE_ID ? rows[from + i].node_id
                                                                          : TG_NODE_ID_NONE;
            start_ns[i] = rows[from + i].start_ns;
            if (charges[from + i].flags != 0) {
                credit_row_replay(pipeline, worker, &charges[from + i]);
            }
        }
        tg_timeline_life(pipeline->timeline, node_ids, start_ns, batch);
    }
}

static void cumulative_replay(struct tg_pipeline *pipeline, const struct tg_usage *rows,
                              const struct tg_charge *charges, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if ((rows[i].flags & TG_USAGE_CUMULATIVE) != 0 && charges[i].fate != TG_FATE_DUPLICATE &&
            charges[i].fate != TG_FATE_MERGED) {
            tg_cumulative_replay(pipeline->cumulative, &rows[i], pipeline->replay_epoch);
        }
    }
}

/* What whole rows are replayed for. */
enum replay {
    REPLAY_OLD,    /* recovery, rows that the checkpoint has: all but lines and readings */
    REPLAY_POSTED, /* recovery, rows behind it */
    REPLAY_LIVE    /* corrections, while the engine runs */
};

static void step_take(struct tg_pipeline *pipeline, enum replay how, enum tg_restore_step step,
                      int64_t *at_ns)
{
    if (how != REPLAY_LIVE) {
        tg_restore_step_take(pipeline, step, at_ns);
    }
}

/* Run by run of rows that one worker owns. */
static enum tg_err runs_replay(struct tg_pipeline *pipeline, const struct tg_usage *rows,
                               const struct tg_charge *charges, uint32_t count, enum replay how)
{
    const struct tg_catalog_snapshot *catalog = tg_snapshot_read(pipeline->params.catalog);
    int64_t at_ns = how != REPLAY_LIVE ? tg_clock_thread_cpu_ns() : 0;
    enum tg_err err = TG_OK;
    for (uint32_t from = 0; from < count && err == TG_OK;) {
        uint32_t worker;
        const uint32_t length =
            run_length(pipeline, rows + from, charges + from, count - from, &worker);
        struct tg_rating *rating = pipeline->ratings[worker];
        rows_note(pipeline, worker, rows + from, charges + from, length);
        step_take(pipeline, how, TG_RESTORE_NOTES, &at_ns);
        if (how == REPLAY_LIVE) {
            tg_rating_learn(rating, rows + from, length);
        } else {
            tg_rating_remember(rating, rows + from, charges + from, length);
        }
        step_take(pipeline, how, TG_RESTORE_DEDUP, &at_ns);
        if (how != REPLAY_OLD) {
            err = tg_rate_apply(rating->rate, catalog, rows + from, charges + from, length);
            step_take(pipeline, how, TG_RESTORE_ACCOUNTS, &at_ns);
        }
        from += length;
    }
    return err;
}

static enum tg_err whole_replay(struct tg_pipeline *pipeline, const struct tg_scan_view *view,
                                struct tg_why *why)
{
    const bool is_posted = pipeline->restore->is_posted;
    const struct tg_usage *rows;
    const struct tg_charge *charges;
    enum tg_err err = tg_scan_structs(view, &rows, &charges, why);
    for (uint32_t i = 0; i < view->rows_count && err == TG_OK; i += PIECE_ROWS) {
        const uint32_t left = view->rows_count - i;
        const uint32_t count = left < PIECE_ROWS ? left : PIECE_ROWS;
        if (is_posted) {
            cumulative_replay(pipeline, rows + i, charges + i, count);
        }
        err = runs_replay(pipeline, rows + i, charges + i, count,
                          is_posted ? REPLAY_POSTED : REPLAY_OLD);
    }
    return err;
}

enum tg_err tg_pipeline_correct(struct tg_pipeline *pipeline, const struct tg_usage *rows,
                                const struct tg_charge *charges, uint32_t count)
{
    return runs_replay(pipeline, rows, charges, count, REPLAY_LIVE);
}

/* ---- columns --------------------------------------------------------------------------------- */

enum tg_err tg_restore_begin(struct tg_pipeline *pipeline)
{
    struct tg_restore *restore = calloc(1, sizeof *restore);
    enum tg_err err = restore != NULL ? TG_OK : TG_E_NO_MEMORY;
    pipeline->restore = restore;
    for (uint32_t lane = 0; lane < TG_LANES_MAX && err == TG_OK; lane++) {
        struct tg_restore_made *made = &restore->made[lane];
        made->sums = tg_rate_sums_create(pipeline->accounts);
        err = made->sums != NULL ? tg_remember_open(&made->remember, pipeline->ratings[0]->dedup)
                                 : TG_E_NO_MEMORY;
    }
    if (err == TG_OK) {
        restore->catalog = tg_snapshot_read(pipeline->params.catalog);
    }
    return err;
}

void tg_restore_end(struct tg_pipeline *pipeline)
{
    for (uint32_t lane = 0; pipeline->restore != NULL && lane < TG_LANES_MAX; lane++) {
        tg_rate_sums_free(pipeline->restore->made[lane].sums);
        tg_remember_close(&pipeline->restore->made[lane].remember);
    }
    free(pipeline->restore);
    pipeline->restore = NULL;
}

static uint8_t bits_any(const uint8_t *column, uint32_t count)
{
    uint8_t bits = 0;
    for (uint32_t i = 0; i < count; i++) {
        bits |= column[i];
    }
    return bits;
}

static void sums_add(const struct tg_restore *restore, struct tg_rate_sums *sums,
                     const struct tg_scan_view *view, uint32_t from, uint32_t count)
{
    const struct tg_rate_columns columns = {.start_ns = view->start_ns + from,
                                            .source_id = view->source_id + from,
                                            .service = view->service + from,
                                            .key_kinds = view->key_kinds + from,
                                            .flags = view->flags + from,
                                            .amount = view->amount + from,
                                            .billed_units = view->billed_units + from,
                                            .allowance_units = view->allowance_units + from,
                                            .subscriber = view->subscriber + from,
                                            .price_id = view->price_id + from,
                                            .catalog_version = view->catalog_version + from,
                                            .fate = view->fate + from,
                                            .unit = view->unit + from};
    tg_rate_sums_add(sums, restore->catalog, &columns, count);
}

void tg_restore_make(void *context, const struct tg_scan_view *view, uint32_t from, uint32_t count)
{
    const struct tg_pipeline *pipeline = context;
    const struct tg_restore *restore = pipeline->restore;
    struct tg_restore_made *made = &pipeline->restore->made[view->lane];
    if (pipeline->ratings_count > 1) {
        return; /* whose rows are whose is looked up by whole rows */
    }
    if (from == 0) {
        made->flags = 0;
        made->charge_flags = 0;
        tg_remember_begin(&made->remember, view);
        tg_rate_sums_begin(made->sums, view->rows_count);
    }
    made->charge_flags |= bits_any(view->charge_flags + from, count);
    tg_remember_add(&made->remember, view, from, count);
    if (restore->is_posted) {
        made->flags |= bits_any(view->flags + from, count);
        sums_add(restore, made->sums, view, from, count);
    }
}

static void columns_note(struct tg_pipeline *pipeline, const struct tg_scan_view *view)
{
    uint32_t end = 0;
    for (uint32_t from = tg_credit_told_rows(view->source_id, 0, view->rows_count, &end);
         from < view->rows_count;
         from = tg_credit_told_rows(view->source_id, end, view->rows_count, &end)) {
        tg_timeline_life(pipeline->timeline, view->node_id + from, view->start_ns + from,
                         end - from);
    }
    if (pipeline->restore->made[view->lane].charge_flags == 0) {
        return;
    }
    for (uint32_t i = 0; i < view->rows_count; i++) {
        if (view->charge_flags[i] != 0) {
            const struct tg_charge charge = {.amount = view->amount[i],
                                             .subscriber = view->subscriber[i],
                                             .flags = view->charge_flags[i]};
            credit_row_replay(pipeline, 0, &charge);
        }
    }
}

static enum tg_err columns_apply(const struct tg_restore *restore, struct tg_rate *rate,
                                 const struct tg_scan_view *view, struct tg_why *why)
{
    const struct tg_usage *rows;
    const struct tg_charge *charges;
    bool is_done = false;
    enum tg_err err = tg_rate_apply_sums(rate, restore->made[view->lane].sums, &is_done);
    if (err != TG_OK || is_done) {
        return err;
    }
    err = tg_scan_structs(view, &rows, &charges, why);
    return err == TG_OK ? tg_rate_apply(rate, restore->catalog, rows, charges, view->rows_count)
                        : err;
}

enum tg_err tg_restore_rows(struct tg_pipeline *pipeline, const struct tg_scan_view *view,
                            struct tg_why *why)
{
    struct tg_restore *restore = pipeline->restore;
    struct tg_restore_made *made = &restore->made[view->lane];
    struct tg_rating *rating = pipeline->ratings[0];
    int64_t at_ns = tg_clock_thread_cpu_ns();
    progress_tell(pipeline, view->rows_count);
    if (pipeline->ratings_count > 1 ||
        (restore->is_posted && (made->flags & TG_USAGE_CUMULATIVE) != 0)) {
        return whole_replay(pipeline, view, why);
    }
    columns_note(pipeline, view);
    tg_restore_step_take(pipeline, TG_RESTORE_NOTES, &at_ns);
    enum tg_err err = tg_remember_block(rating, &made->remember, view, why);
    tg_restore_step_take(pipeline, TG_RESTORE_DEDUP, &at_ns);
    if (err == TG_OK && restore->is_posted) {
        err = columns_apply(restore, rating->rate, view, why);
        tg_restore_step_take(pipeline, TG_RESTORE_ACCOUNTS, &at_ns);
    }
    return err;
}
