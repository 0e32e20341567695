/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/bill.h"

#include "base/arena.h"
#include "base/log.h"
#include "bill/balance.h"
#include "bill/bill_run.h"
#include "bill/lines.h"
#include "bill/members.h"
#include "bill/taken.h"

#include <string.h>

#define LINES_MIN          4096u
#define LINES_MAX          (1u << 24) /* 2 GiB when all are used. */
#define LINES_A_SUBSCRIBER 4u
#define BATCH_INVOICES     4096u /* A commit is one fsync and rewrites the tree's upper pages. */

static void scan_progress(void *context, uint64_t rows_count)
{
    const struct tg_bill_run *run = context;
    if (run->params->progress != NULL) {
        run->params->progress(run->params->progress_context, "scan", rows_count, 0);
    }
}

/* An account whose sums do not fit is left out and named: it must not hold up the others. */
static bool fails_alone(enum tg_err err)
{
    return err == TG_E_OVERFLOW || err == TG_E_AMOUNT_OVERFLOW || err == TG_E_CATALOG_VERSION ||
           err == TG_E_FULL || err == TG_E_INVALID || err == TG_E_NO_EXCHANGE_RATE;
}

static enum tg_err account_make(const struct tg_bill_run *run, struct tg_bill_assembler *assembler,
                                uint32_t account, struct tg_bill_chunk *chunk)
{
    uint32_t invoices_count = 0;
    struct tg_why *why = &chunk->why;
    const struct tg_bill_window *window = tg_bill_collect_window(&run->collect, account);
    if (window->start_ns >= window->end_ns) {
        chunk->empty_count++;
        return TG_OK; /* Its bill is made with a later month. */
    }
    enum tg_err err =
        tg_bill_assemble(assembler, account, window, run->collect.lines, &invoices_count, why);
    chunk->empty_count += err == TG_OK && invoices_count == 0;
    for (uint32_t i = 0; i < invoices_count && err == TG_OK; i++) {
        struct tg_bill_invoice invoice;
        err = tg_bill_assembler_invoice(assembler, i, run->issued_ns, &invoice, why);
        if (err != TG_OK) {
            break;
        }
        invoice.is_issued = run->params->issues;
        invoice.draft_state = run->stats->state;
        if (run->params->visit != NULL) {
            run->params->visit(run->params->visit_context, &invoice);
        }
        err = tg_bill_pack_add(&chunk->pack, &invoice, why);
        if (err == TG_OK && i == 0) {
            struct tg_bill_ready *ready = &chunk->pack.ready[chunk->pack.ready_count - 1];
            ready->rows_count = tg_bill_assembler_rows(assembler);
            ready->written_off_count = tg_bill_assembler_written_off(assembler);
        }
    }
    return err != TG_OK && fails_alone(err) ? tg_bill_pack_fail(&chunk->pack, err, why->text) : err;
}

/* What a worker does: reads what all share, writes its own assembler and the chunk. */
static void chunk_make(void *context, uint32_t worker, struct tg_bill_chunk *chunk)
{
    const struct tg_bill_run *run = context;
    enum tg_err err = TG_OK;
    for (uint32_t a = chunk->account_from; a < chunk->account_to && err == TG_OK; a++) {
        err = account_make(run, run->assemblers[worker], a, chunk);
    }
    chunk->err = err;
}

static enum tg_err crew_open(struct tg_bill_run *run, struct tg_why *why)
{
    const struct tg_bill_params *params = run->params;
    run->threads_count =
        params->threads_count == 0 || params->visit != NULL ? 1 : params->threads_count;
    if (run->threads_count > TG_BILL_THREADS_MAX) {
        run->threads_count = TG_BILL_THREADS_MAX;
    }
    run->members = tg_bill_members_open(run->catalog.roster, why);
    enum tg_err err = run->members != NULL ? TG_OK : TG_E_NO_MEMORY;
    for (uint32_t i = 0; i < run->threads_count && err == TG_OK; i++) {
        err = tg_bill_assembler_open(&run->catalog, run->members, &run->assemblers[i], why);
        if (err == TG_OK) {
            tg_bill_assembler_state(run->assemblers[i], params->state);
            tg_bill_assembler_charges(run->assemblers[i], run->charges.items, run->charges.count);
            tg_bill_assembler_closes(run->assemblers[i], &run->closes);
            tg_bill_assembler_carries(run->assemblers[i], &run->carries);
            tg_bill_assembler_voids(run->assemblers[i], &run->voids);
            tg_bill_assembler_dated(run->assemblers[i], run->issued_ns);
            tg_bill_assembler_interims(run->assemblers[i], &run->interims, params->until_ns != 0);
            tg_bill_assembler_bands(run->assemblers[i], run->bands);
            tg_bill_assembler_sellers(run->assemblers[i],
                                      params->catalog->images[params->catalog->images_count - 1],
                                      params->legal_entity);
        }
    }
    return err == TG_OK ? tg_bill_crew_open(run->threads_count, chunk_make, run, &run->crew, why)
                        : err;
}

static enum tg_err run_open(struct tg_bill_run *run, struct tg_why *why)
{
    const struct tg_bill_params *params = run->params;
    const uint64_t guess =
        (uint64_t)params->catalog->roster->subscribers_count * LINES_A_SUBSCRIBER;
    uint32_t slots_max = params->lines_count_max;
    if (slots_max == 0) {
        slots_max = guess < LINES_MIN ? LINES_MIN : guess > LINES_MAX ? LINES_MAX : (uint32_t)guess;
    }
    if (slots_max > (1u << 28)) {
        return tg_why_set(why, TG_E_INVALID, "at most %u lines at once", 1u << 28);
    }
    run->collect.data_dir = params->data_dir;
    run->collect.roster = params->catalog->roster;
    run->collect.progress = scan_progress;
    run->collect.progress_context = run;
    run->collect.lines = tg_bill_lines_open(params->catalog->roster->subscribers_count, slots_max);
    run->collect.last_event_ns = tg_pages_take(TG_BILL_SOURCE_IDS * sizeof(int64_t));
    run->collect.sources = tg_pages_take(TG_BILL_SOURCE_IDS * sizeof run->collect.sources[0]);
    if (run->collect.lines == NULL || run->collect.last_event_ns == NULL ||
        run->collect.sources == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for a table of %u lines", slots_max);
    }
    enum tg_err err = tg_bill_run_scope(run, why);
    err = err == TG_OK ? tg_bill_run_windows(run, why) : err;
    err = err == TG_OK ? tg_bill_collect_sources(&run->collect, why) : err;
    err = err == TG_OK ? crew_open(run, why) : err;
    if (err == TG_OK && params->state != NULL) {
        const struct tg_bill_issue_params issue = {
            .size_bytes = sizeof issue,
            .needs_approval = tg_bill_run_has_lifecycle(run) && run->billing->needs_approval != 0,
            .legal_entity = params->legal_entity,
            .carries = &run->carries,
            .series = params->series};
        err = tg_bill_issuer_open(params->state, &issue, &run->issuer, why);
    }
    return err;
}

static void run_close(struct tg_bill_run *run)
{
    tg_bill_issuer_close(run->issuer);
    tg_bill_crew_close(run->crew);
    for (uint32_t i = 0; i < run->threads_count; i++) {
        tg_bill_assembler_close(run->assemblers[i]);
    }
    tg_bill_members_close(run->members);
    tg_bill_lines_close(run->collect.lines);
    tg_pages_free(run->balances,
                  run->catalog.roster != NULL
                      ? (run->catalog.roster->accounts_count + 1) * sizeof run->balances[0]
                      : 0);
    tg_pages_free(run->windows, run->windows_count * sizeof run->windows[0]);
    tg_bill_closes_free(&run->closes);
    tg_bill_carries_free(&run->carries);
    tg_bill_voids_free(&run->voids);
    tg_bill_interims_free(&run->interims);
    tg_bill_bands_close(run->bands);
    tg_bill_charges_free(&run->charges);
    if (run->collect.last_event_ns != NULL) {
        tg_pages_free(run->collect.last_event_ns, TG_BILL_SOURCE_IDS * sizeof(int64_t));
    }
    tg_pages_free(run->collect.sources, TG_BILL_SOURCE_IDS * sizeof run->collect.sources[0]);
}

/* Counts of a batch become the run's once the batch is durable. */
static enum tg_err batch_commit(struct tg_bill_run *run, struct tg_why *why)
{
    const enum tg_err err = run->issuer != NULL ? tg_bill_issuer_commit(run->issuer, why) : TG_OK;
    struct tg_bill_stats *stats = run->stats;
    const struct tg_bill_stats *batch = &run->batch;
    if (err == TG_OK) {
        stats->invoices_issued_count += batch->invoices_issued_count;
        stats->invoices_drafted_count += batch->invoices_drafted_count;
        stats->invoices_kept_count += batch->invoices_kept_count;
        stats->invoices_differ_count += batch->invoices_differ_count;
        stats->invoices_unapproved_count += batch->invoices_unapproved_count;
        stats->lines_count += batch->lines_count;
        stats->rows_billed_count += batch->rows_billed_count;
    }
    run->batch = (struct tg_bill_stats){.lines_count = 0};
    run->batch_count = 0;
    return err;
}

/* Totals are for one currency; a second one voids them. */
static void totals_add(struct tg_bill_run *run, const struct tg_bill_ready *ready)
{
    struct tg_bill_stats *stats = run->stats;
    if (!run->has_totals) {
        run->has_totals = true;
        stats->currency = ready->currency;
    }
    if (stats->currency != ready->currency ||
        __builtin_add_overflow(stats->net_total, ready->net_total, &stats->net_total) ||
        __builtin_add_overflow(stats->tax_total, ready->tax_total, &stats->tax_total) ||
        __builtin_add_overflow(stats->total, ready->total, &stats->total)) {
        stats->currency = 0;
        stats->net_total = 0;
        stats->tax_total = 0;
        stats->total = 0;
    }
}

static enum tg_err ready_store(struct tg_bill_run *run, const struct tg_bill_pack *pack,
                               uint32_t index, struct tg_why *why)
{
    const struct tg_bill_ready *ready = &pack->ready[index];
    struct tg_bill_stored stored = {.outcome = TG_BILL_OUTCOME_DRAFTED};
    if (ready->err != TG_OK) {
        run->stats->invoices_failed_count++;
        tg_log(TG_LOG_ERROR, "bill", "account not billed: %s: %s",
               tg_err_name((enum tg_err)ready->err), pack->bytes + ready->id_at);
        return TG_OK;
    }
    if (run->issuer != NULL) {
        const enum tg_err err = tg_bill_issuer_store(run->issuer, pack, index, &stored, why);
        if (err != TG_OK) {
            return err;
        }
    }
    run->batch.invoices_issued_count += stored.outcome == TG_BILL_OUTCOME_ISSUED;
    run->batch.invoices_drafted_count += stored.outcome == TG_BILL_OUTCOME_DRAFTED;
    run->batch.invoices_kept_count += stored.outcome == TG_BILL_OUTCOME_KEPT;
    run->batch.invoices_differ_count += stored.outcome == TG_BILL_OUTCOME_DIFFERS;
    run->batch.invoices_unapproved_count += stored.outcome == TG_BILL_OUTCOME_UNAPPROVED;
    run->batch.lines_count += ready->lines_count;
    run->batch.rows_billed_count += ready->rows_count;
    run->stats->rows_written_off_count += ready->written_off_count;
    totals_add(run, ready);
    run->batch_count++;
    const uint32_t most = run->params->batch_count > 0 ? run->params->batch_count : BATCH_INVOICES;
    return run->batch_count < most ? TG_OK : batch_commit(run, why);
}

static void report_take(struct tg_bill_run *run)
{
    const struct tg_bill_collect *collect = &run->collect;
    struct tg_bill_stats *stats = run->stats;
    stats->rows_scanned_count = collect->rows_scanned_count;
    stats->rows_suspended_count = collect->rows_suspended_count;
    stats->rows_held_count = collect->rows_held_count;
    stats->rows_unknown_count = collect->rows_unknown_count;
    stats->rows_foreign_count =
        run->params->account_filter != NULL ? collect->rows_foreign_count : 0;
    tg_bill_run_late_sources(run);
}

static enum tg_err pass_bill(struct tg_bill_run *run, struct tg_why *why)
{
    const struct tg_bill_params *params = run->params;
    enum tg_err err = TG_OK;
    const struct tg_bill_chunk *chunk = NULL;
    tg_bill_crew_begin(run->crew, run->collect.account_from, run->collect.account_to);
    while (err == TG_OK && (chunk = tg_bill_crew_next(run->crew)) != NULL) {
        if (chunk->err != TG_OK) {
            return tg_why_set(why, (enum tg_err)chunk->err, "%s", chunk->why.text);
        }
        for (uint32_t i = 0; i < chunk->pack.ready_count && err == TG_OK; i++) {
            err = ready_store(run, &chunk->pack, i, why);
        }
        run->stats->invoices_empty_count += chunk->empty_count;
        if (params->progress != NULL) {
            params->progress(params->progress_context, "invoice",
                             chunk->account_to - run->account_first,
                             run->account_end - run->account_first);
        }
    }
    return err;
}

/* Statements are of all accounts, so once a run; not one octet is taken where nobody is prepaid. */
static enum tg_err balances_make(struct tg_bill_run *run, struct tg_why *why)
{
    const struct tg_roster *roster = run->catalog.roster;
    if (run->balances != NULL || (roster->credits == NULL && !run->collect.has_prepaid)) {
        return TG_OK;
    }
    run->balances = tg_pages_take((roster->accounts_count + 1) * sizeof run->balances[0]);
    if (run->balances == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the balances of %u accounts",
                          roster->accounts_count);
    }
    for (uint32_t i = 0; i < run->threads_count; i++) {
        tg_bill_assembler_balances(run->assemblers[i], run->balances);
    }
    struct tg_bill_collect look = run->collect;
    if (run->params->until_ns != 0) { /* What was late for bills before has moved the balance. */
        look.closes = &run->closes;
    }
    const enum tg_err err = tg_bill_balances_read(&look, run->balances, why);
    return err == TG_OK ? tg_bill_taken_read(run->params->state, &run->collect, run->balances, why)
                        : err;
}

/* Passes over account ranges: a range whose lines do not fit is halved and scanned again. */
static enum tg_err run_passes(struct tg_bill_run *run, struct tg_why *why)
{
    uint32_t from = run->account_first;
    uint32_t step = run->account_end - run->account_first;
    bool is_reported = false;
    while (from < run->account_end) {
        const uint32_t left = run->account_end - from;
        run->collect.account_from = from;
        run->collect.account_to = from + (step < left ? step : left);
        tg_bill_lines_reset(run->collect.lines);
        run->stats->passes_count++;
        enum tg_err err = tg_bill_collect_run(&run->collect, why);
        if (err == TG_E_FULL && run->collect.account_to - from > 1) {
            step = (run->collect.account_to - from) / 2;
            continue;
        }
        if (err == TG_E_FULL) {
            return tg_why_set(why, err,
                              "account %u alone needs more lines than the table holds; "
                              "raise the bound on lines",
                              from);
        }
        if (err == TG_OK && !is_reported) {
            report_take(run);
            is_reported = true;
            err = tg_bill_run_begin(run, why);
        }
        if (err == TG_OK) {
            run->stats->rows_late_count += run->collect.rows_late_count;
            run->stats->rows_next_count += run->collect.rows_next_count;
            run->stats->rows_written_off_count += run->collect.rows_written_off_count;
            run->stats->rows_waiting_count += run->collect.rows_waiting_count;
        }
        err = err == TG_OK ? balances_make(run, why) : err;
        err = err == TG_OK ? pass_bill(run, why) : err;
        if (err != TG_OK) {
            return err;
        }
        from = run->collect.account_to;
    }
    enum tg_err err = batch_commit(run, why);
    return err == TG_OK ? tg_bill_run_end(run, why) : err;
}

enum tg_err tg_bill_run(const struct tg_bill_params *params, struct tg_bill_stats *stats,
                        struct tg_why *why)
{
    *stats = (struct tg_bill_stats){.passes_count = 0};
    if (params->period_end_ns <= params->period_start_ns || params->catalog == NULL) {
        return tg_why_set(why, TG_E_INVALID, "the period ends before it begins");
    }
    struct tg_bill_run run = {.params = params,
                              .stats = stats,
                              .issued_ns = params->issued_ns,
                              .start_ns = params->period_start_ns,
                              .end_ns = params->period_end_ns};
    enum tg_err err = tg_bill_run_range(&run, why);
    if (err == TG_OK) {
        err = run_open(&run, why);
    }
    if (err == TG_OK) {
        err = run_passes(&run, why);
    }
    run_close(&run);
    return err;
}
