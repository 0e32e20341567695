/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/bill.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "bill/assemble.h"
#include "bill/balance.h"
#include "bill/bands.h"
#include "bill/carry.h"
#include "bill/charge_list.h"
#include "bill/charge_tax.h"
#include "bill/close.h"
#include "bill/collect.h"
#include "bill/crew.h"
#include "bill/interim.h"
#include "bill/lines.h"
#include "bill/members.h"
#include "bill/period.h"
#include "bill/taken.h"
#include "bill/voided.h"
#include "catalog/catalog.h"
#include "rate/account.h"
#include "store/documents.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define LINES_MIN          4096u
#define LINES_MAX          (1u << 24) /* 2 GiB when all are used. */
#define LINES_A_SUBSCRIBER 4u
#define BATCH_INVOICES     4096u /* A commit is one fsync and rewrites the tree's upper pages. */

/* What a run holds; one instance on the stack of tg_bill_run. */
struct run {
    const struct tg_bill_params *params;
    struct tg_bill_stats *stats;
    struct tg_bill_collect collect;
    struct tg_bill_members *members;
    struct tg_bill_assembler *assemblers[TG_BILL_THREADS_MAX]; /* One a worker. */
    uint32_t threads_count;
    struct tg_bill_crew *crew;
    struct tg_bill_issuer *issuer; /* NULL: nothing is stored. */
    struct tg_bill_closes closes;
    struct tg_bill_carries carries;   /* As they are when the run begins. */
    struct tg_bill_voids voids;       /* Likewise. */
    struct tg_bill_interims interims; /* Of the period. */
    int64_t start_ns;                 /* Of the period, in UTC, or of an interim bill. */
    int64_t end_ns;                   /* Likewise. */
    struct tg_bill_bands *bands;
    struct tg_bill_charges charges;
    struct tg_catalog_snapshot catalog; /* Thinned to the versions a closed period knew. */
    uint32_t account_first;             /* Range the filter leaves. */
    uint32_t account_end;
    uint32_t batch_count;             /* Invoices since the last commit. */
    struct tg_bill_stats batch;       /* Their counts, added once they are durable. */
    struct tg_bill_balance *balances; /* By account; NULL: nobody is prepaid. */
    struct tg_bill_window *windows;   /* Of collect; shape [windows_count]. */
    uint32_t windows_count;
    bool has_totals;
    bool is_closed;                   /* The close of what is billed is written. */
    const struct tg_billing *billing; /* Of the period's version. */
    struct tg_bill_period period;     /* As the last run left it. */
};

static const struct tg_billing no_billing;

/* Whether windows are cycles of accounts. */
static bool has_cycles(const struct run *run)
{
    return run->params->follows_cycle_days && run->params->until_ns == 0;
}

/* Is anybody's bill one for several cycles? */
static bool has_long_bills(const struct run *run)
{
    const struct tg_roster *roster = run->catalog.roster;
    bool has = false;
    for (uint32_t i = 0; i < roster->accounts_count && has_cycles(run); i++) {
        has |= tg_roster_bills(&roster->accounts[i]) != 0;
    }
    return has;
}

/* The cycle that closes in the month, by zone of accounts and cycle day: all its usage is in when
 * the month is. */
static enum tg_err windows_make(struct run *run, struct tg_why *why)
{
    const struct tg_catalog_snapshot *catalog = &run->catalog;
    uint32_t zones_count = 1;
    for (uint32_t i = 0; i < catalog->images_count; i++) {
        const uint32_t count = tg_image_count(catalog->images[i], TG_CATALOG_ACCOUNT_ZONE);
        zones_count = count > zones_count ? count : zones_count;
    }
    const uint32_t bills_count = has_long_bills(run) ? TG_ROSTER_BILLS_KINDS : 1;
    run->windows_count = bills_count * zones_count * TG_BILL_CYCLE_DAYS;
    run->windows = tg_pages_take(run->windows_count * sizeof run->windows[0]);
    if (run->windows == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the cycles of %u zones", zones_count);
    }
    for (uint32_t i = 0; i < run->windows_count; i++) {
        const uint8_t day = (uint8_t)(i % TG_BILL_CYCLE_DAYS);
        const struct tg_bill_cycle cycle = {
            .catalog = catalog,
            .zone = (uint16_t)(i / TG_BILL_CYCLE_DAYS % zones_count),
            .day = day > 0 ? day : 1,
            .bills = (uint8_t)(i / TG_BILL_CYCLE_DAYS / zones_count)};
        run->windows[i] = has_cycles(run) ? tg_bill_cycle_bill(&cycle, run->collect.month)
                                          : (struct tg_bill_window){.start_ns = run->start_ns,
                                                                    .end_ns = run->end_ns};
    }
    run->collect.windows = run->windows;
    run->collect.zones_count = zones_count;
    run->collect.bills_count = bills_count;
    return TG_OK;
}

static enum tg_err range_find(struct run *run, struct tg_why *why)
{
    const struct tg_roster *roster = run->params->catalog->roster;
    run->account_first = 0;
    run->account_end = roster->accounts_count;
    if (run->params->account_filter == NULL) {
        return TG_OK;
    }
    for (uint32_t account = 0; account < roster->accounts_count; account++) {
        char name[TG_BILL_ID_BYTES];
        (void)tg_roster_account_name(roster, account, name, sizeof name);
        if (strcmp(name, run->params->account_filter) == 0) {
            run->account_first = account;
            run->account_end = account + 1;
            return TG_OK;
        }
    }
    return tg_why_set(why, TG_E_NOT_FOUND, "no account is called '%s'",
                      run->params->account_filter);
}

static void scan_progress(void *context, uint64_t rows_count)
{
    const struct run *run = context;
    if (run->params->progress != NULL) {
        run->params->progress(run->params->progress_context, "scan", rows_count, 0);
    }
}

/* Runs of a calendar's cycles that are stored have states; others only compute. */
static bool has_lifecycle(const struct run *run)
{
    return run->params->state != NULL && run->params->follows_cycle_days &&
           run->params->until_ns == 0;
}

/* How far an interim bill looks: what was written down when it was issued first, else all there is.
 */
static enum tg_err interim_fix(struct run *run, struct tg_why *why)
{
    struct tg_bill_interim interim = {
        .until_ns = run->end_ns, .epoch = run->collect.epoch_last, .month = run->collect.month};
    struct tg_txn txn;
    struct tg_bill_interim known;
    const struct tg_bill_cycle cycle = tg_bill_cycle_of(&run->catalog, run->account_first);
    const struct tg_zone_view zone = tg_bill_cycle_zone(&cycle, run->end_ns - 1);
    (void)snprintf(interim.account, sizeof interim.account, "%s", run->params->account_filter);
    if (!tg_bill_id_format(interim.account, tg_zone_local_ns(zone, run->start_ns),
                           tg_zone_local_ns(zone, run->end_ns), NULL, interim.id) ||
        !tg_bill_voids_current(&run->voids, interim.account, interim.id, NULL)) {
        return tg_why_set(why, TG_E_FULL, "account id %s is too long", interim.account);
    }
    tg_txn_begin(&txn, run->params->state, false);
    const bool is_known = tg_bill_interim_find(&txn, interim.id, &known);
    tg_txn_abort(&txn);
    if (is_known) {
        run->collect.epoch_last = known.epoch;
        return TG_OK;
    }
    for (uint32_t i = tg_bill_interims_from(&run->interims, interim.account);
         i < run->interims.count && strcmp(run->interims.items[i].account, interim.account) == 0;
         i++) {
        if (!run->interims.items[i].is_void && run->interims.items[i].until_ns >= run->end_ns) {
            return tg_why_set(why, TG_E_INVALID, "%s is an interim bill up to that day or later",
                              run->interims.items[i].id);
        }
    }
    return run->params->issues ? tg_bill_interim_put(run->params->state, &interim, why) : TG_OK;
}

/* The part of the cycle that an interim bill is of. */
static enum tg_err interim_window(struct run *run, struct tg_why *why)
{
    const struct tg_roster *roster = run->catalog.roster;
    const struct tg_bill_cycle cycle = tg_bill_cycle_of(&run->catalog, run->account_first);
    const struct tg_bill_window window = tg_bill_cycle_bill(&cycle, run->collect.month);
    const int64_t until_ns = run->params->until_ns;
    uint64_t epoch = 0;
    run->start_ns = window.start_ns;
    run->end_ns = tg_zone_utc_ns(tg_bill_cycle_zone(&cycle, until_ns), until_ns);
    if (run->end_ns <= window.start_ns || run->end_ns >= window.end_ns) {
        return tg_why_set(why, TG_E_INVALID,
                          "the day is not within the cycle of %s that ends in the month",
                          run->params->account_filter);
    }
    if (tg_bill_closes_find(&run->closes, run->account_first, run->collect.month, &epoch)) {
        return tg_why_set(why, TG_E_INVALID, "the period is closed: its bill is issued");
    }
    if (roster->credits != NULL && roster->credits[run->account_first].is_prepaid) {
        return tg_why_set(why, TG_E_INVALID, "account %s is prepaid: its balance pays usage",
                          run->params->account_filter);
    }
    return interim_fix(run, why);
}

/* Which bills stand for voided ones, and how far those that are made again look. */
static enum tg_err voids_open(struct run *run, struct tg_why *why)
{
    const struct tg_bill_params *params = run->params;
    enum tg_err err = tg_bill_voids_load(params->state, &run->voids, why);
    err = err == TG_OK
              ? tg_bill_interims_load(params->state, run->collect.month, &run->interims, why)
              : err;
    if (err != TG_OK || params->until_ns != 0) {
        return err;
    }
    const struct tg_bill_reopen reopen = {.voids = &run->voids,
                                          .catalog = &run->catalog,
                                          .month = run->collect.month,
                                          .account_from = run->account_first,
                                          .account_to = run->account_end,
                                          .is_kept = params->issues,
                                          .epoch = run->collect.epoch_last};
    return tg_bill_voids_reopen(params->state, &reopen, &run->closes, why);
}

/* What the run may look at: fixed before the first row is read, so that passes agree. */
static enum tg_err scope_fix(struct run *run, struct tg_why *why)
{
    const struct tg_bill_params *params = run->params;
    struct tg_bill_collect *collect = &run->collect;
    enum tg_err err = tg_bill_closes_load(params->state, &run->closes, why);
    if (err == TG_OK) {
        err = tg_bill_charges_load(params->state, &run->charges, why);
    }
    if (err == TG_OK) {
        err = tg_bill_last_epoch(params->data_dir, &collect->epoch_last, why);
    }
    if (err == TG_OK) {
        err = tg_bill_carries_load(params->state, &run->carries, why);
    }
    run->catalog = *params->catalog;
    collect->month = tg_bill_period_number(params->period_start_ns, params->period_end_ns);
    if (err == TG_OK && params->state != NULL && params->follows_cycle_days) {
        err = tg_bill_close_versions(params->state, collect->month, params->account_filter,
                                     &run->catalog, why);
    }
    if (err == TG_OK && params->state != NULL && params->follows_cycle_days) {
        err = voids_open(run, why);
    }
    if (err == TG_OK && params->until_ns != 0) {
        err = interim_window(run, why);
    }
    if (err == TG_OK) {
        err = tg_bill_bands_open(&run->catalog, &run->bands, why);
    }
    collect->bands = run->bands;
    collect->closes = has_cycles(run) ? &run->closes : NULL;
    collect->catalog = &run->catalog;
    collect->image = tg_catalog_image_at(&run->catalog, run->end_ns - 1);
    bool has_sets = false;
    collect->taxes_charges = tg_bill_taxes_charges(&run->catalog, &has_sets);
    if (err == TG_OK && has_sets && tg_bill_lines_parts_open(collect->lines) != TG_OK) {
        err = tg_why_set(why, TG_E_NO_MEMORY, "no memory for the taxes of lines");
    }
    run->stats->epoch_last = collect->epoch_last;
    run->billing = collect->image != NULL ? &collect->image->billing : &no_billing;
    if (err == TG_OK && has_lifecycle(run)) {
        err = tg_bill_period_read(params->state, collect->month, params->account_filter,
                                  &run->period, why);
    }
    if (err == TG_OK && params->issues && has_lifecycle(run) && run->billing->needs_approval != 0 &&
        run->period.state < TG_BILL_PERIOD_APPROVED) {
        err = tg_why_set(why, TG_E_INVALID,
                         "the period is %s: approve it before it is issued (bill approve)",
                         run->period.state == TG_BILL_PERIOD_NONE
                             ? "not calculated"
                             : tg_bill_period_state_name(run->period.state));
    }
    return err;
}

/* Do sources that are not complete still have time? */
static bool is_collecting(const struct run *run)
{
    const struct tg_bill_collect *collect = &run->collect;
    int64_t at_ns = run->params->at_ns;
    for (uint32_t id = 0; id < TG_BILL_SOURCE_IDS && run->params->at_ns == 0; id++) {
        const bool is_event = collect->last_event_ns[id] != INT64_MIN;
        at_ns = is_event && (at_ns == 0 || collect->last_event_ns[id] > at_ns)
                    ? collect->last_event_ns[id]
                    : at_ns;
    }
    return run->billing->grace_days_plus > 0 && run->stats->late_sources_count > 0 &&
           at_ns < run->stats->grace_until_ns;
}

/* What drafts of this run are, and whether it may issue; then the first issuing run closes the
 * period before anything is issued on it. */
static enum tg_err period_begin(struct run *run, struct tg_why *why)
{
    const struct tg_bill_params *params = run->params;
    struct tg_bill_stats *stats = run->stats;
    const bool is_one = params->account_filter != NULL;
    uint64_t epoch = 0;
    struct tg_bill_close close = {.epoch = run->collect.epoch_last,
                                  .account = is_one ? run->account_first : TG_ACCOUNT_NONE,
                                  .month = run->collect.month};
    stats->grace_until_ns =
        run->billing->grace_days_plus > 0
            ? params->period_end_ns + (run->billing->grace_days_plus - 1) * TG_NS_PER_DAY
            : INT64_MIN;
    run->is_closed = tg_bill_closes_find(&run->closes, close.account, close.month, &epoch);
    stats->state = !run->is_closed && is_collecting(run) ? TG_BILL_PERIOD_COLLECTING
                                                         : TG_BILL_PERIOD_CALCULATED;
    if (!params->issues || !has_lifecycle(run)) {
        return TG_OK;
    }
    if (stats->state == TG_BILL_PERIOD_COLLECTING) {
        return tg_why_set(why, TG_E_INVALID,
                          "the period is collecting: %u sources are not complete and have time "
                          "until their grace of %u days ends; nothing was issued",
                          stats->late_sources_count, run->billing->grace_days_plus - 1u);
    }
    stats->state = TG_BILL_PERIOD_ISSUED;
    return run->is_closed ? TG_OK
                          : tg_bill_close_put(params->state, &run->closes, &close,
                                              params->account_filter, params->catalog, why);
}

/* Drafts withdraw an approval, as it was of others; an issued period stays issued. */
static enum tg_err period_end(struct run *run, struct tg_why *why)
{
    struct tg_bill_period *period = &run->period;
    struct tg_bill_stats *stats = run->stats;
    if (!has_lifecycle(run) || period->state == TG_BILL_PERIOD_ISSUED) {
        stats->state = has_lifecycle(run) ? period->state : stats->state;
        return TG_OK;
    }
    const bool issues = run->params->issues;
    period->month = run->collect.month;
    period->state = stats->state;
    period->epoch = run->collect.epoch_last;
    period->incomplete_count = stats->late_sources_count;
    period->grace_until_ns = stats->grace_until_ns;
    period->approved_ns = issues ? period->approved_ns : INT64_MIN;
    if (!issues) {
        period->approved_by[0] = '\0';
    } else if (stats->invoices_unapproved_count > 0) {
        period->state = TG_BILL_PERIOD_APPROVED;
        stats->state = TG_BILL_PERIOD_APPROVED;
    }
    return tg_bill_period_write(run->params->state, period, run->params->account_filter,
                                &run->catalog, why);
}

static void chunk_make(void *context, uint32_t worker, struct tg_bill_chunk *chunk);

static enum tg_err crew_open(struct run *run, struct tg_why *why)
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
            tg_bill_assembler_dated(run->assemblers[i], params->issued_ns);
            tg_bill_assembler_interims(run->assemblers[i],
                                       run->interims.count > 0 ? &run->interims : NULL,
                                       params->until_ns != 0);
            tg_bill_assembler_bands(run->assemblers[i], run->bands);
            tg_bill_assembler_sellers(run->assemblers[i],
                                      params->catalog->images[params->catalog->images_count - 1],
                                      params->legal_entity);
        }
    }
    return err == TG_OK ? tg_bill_crew_open(run->threads_count, chunk_make, run, &run->crew, why)
                        : err;
}

static enum tg_err run_open(struct run *run, struct tg_why *why)
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
    enum tg_err err = scope_fix(run, why);
    err = err == TG_OK ? windows_make(run, why) : err;
    err = err == TG_OK ? tg_bill_collect_sources(&run->collect, why) : err;
    err = err == TG_OK ? crew_open(run, why) : err;
    if (err == TG_OK && params->state != NULL) {
        const struct tg_bill_issue_params issue = {
            .size_bytes = sizeof issue,
            .needs_approval = has_lifecycle(run) && run->billing->needs_approval != 0,
            .legal_entity = params->legal_entity,
            .carries = &run->carries,
            .series = params->series};
        err = tg_bill_issuer_open(params->state, &issue, &run->issuer, why);
    }
    return err;
}

static void run_close(struct run *run)
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
static enum tg_err batch_commit(struct run *run, struct tg_why *why)
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
static void totals_add(struct run *run, const struct tg_bill_ready *ready)
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

static enum tg_err ready_store(struct run *run, const struct tg_bill_pack *pack, uint32_t index,
                               struct tg_why *why)
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

/* An account whose sums do not fit is left out and named: it must not hold up the others. */
static bool fails_alone(enum tg_err err)
{
    return err == TG_E_OVERFLOW || err == TG_E_AMOUNT_OVERFLOW || err == TG_E_CATALOG_VERSION ||
           err == TG_E_FULL || err == TG_E_INVALID || err == TG_E_NO_EXCHANGE_RATE;
}

static enum tg_err account_make(const struct run *run, struct tg_bill_assembler *assembler,
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
        err = tg_bill_assembler_invoice(assembler, i, run->params->issued_ns, &invoice, why);
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
    const struct run *run = context;
    enum tg_err err = TG_OK;
    for (uint32_t a = chunk->account_from; a < chunk->account_to && err == TG_OK; a++) {
        err = account_make(run, run->assemblers[worker], a, chunk);
    }
    chunk->err = err;
}

/* Sources that sent nothing at all in the period are the most likely to have stopped: who was ever
 * heard of is looked at. */
static void late_sources_list(struct run *run)
{
    const struct tg_bill_collect *collect = &run->collect;
    struct tg_bill_stats *stats = run->stats;
    stats->late_sources_count = 0;
    for (uint32_t id = 0; id < TG_BILL_SOURCE_IDS; id++) {
        const struct tg_bill_source *source = &collect->sources[id];
        const int64_t last_ns = collect->last_event_ns[id];
        const bool is_known = source->records_count > 0 || last_ns != INT64_MIN;
        const bool is_behind = last_ns < run->end_ns;
        if (id == TG_ADJUST_SOURCE_ID || !is_known || (!is_behind && source->missing_count <= 0)) {
            continue;
        }
        if (stats->late_sources_count < TG_BILL_LATE_SOURCES_MAX) {
            stats->late_sources[stats->late_sources_count] = (struct tg_bill_late_source){
                .source_id = (uint16_t)id,
                .is_behind = is_behind,
                .last_event_ns = last_ns,
                .missing_count = source->missing_count > 0 ? (uint64_t)source->missing_count : 0};
        }
        stats->late_sources_count++;
    }
}

static void report_take(struct run *run)
{
    const struct tg_bill_collect *collect = &run->collect;
    struct tg_bill_stats *stats = run->stats;
    stats->rows_scanned_count = collect->rows_scanned_count;
    stats->rows_suspended_count = collect->rows_suspended_count;
    stats->rows_held_count = collect->rows_held_count;
    stats->rows_unknown_count = collect->rows_unknown_count;
    stats->rows_foreign_count =
        run->params->account_filter != NULL ? collect->rows_foreign_count : 0;
    late_sources_list(run);
}

static enum tg_err pass_bill(struct run *run, struct tg_why *why)
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
static enum tg_err balances_make(struct run *run, struct tg_why *why)
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
    const enum tg_err err = tg_bill_balances_read(&run->collect, run->balances, why);
    return err == TG_OK ? tg_bill_taken_read(run->params->state, &run->collect, run->balances, why)
                        : err;
}

/* Passes over account ranges: a range whose lines do not fit is halved and scanned again. */
static enum tg_err run_passes(struct run *run, struct tg_why *why)
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
            err = period_begin(run, why);
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
    return err == TG_OK ? period_end(run, why) : err;
}

enum tg_err tg_bill_run(const struct tg_bill_params *params, struct tg_bill_stats *stats,
                        struct tg_why *why)
{
    *stats = (struct tg_bill_stats){.passes_count = 0};
    if (params->period_end_ns <= params->period_start_ns || params->catalog == NULL) {
        return tg_why_set(why, TG_E_INVALID, "the period ends before it begins");
    }
    struct run run = {.params = params,
                      .stats = stats,
                      .start_ns = params->period_start_ns,
                      .end_ns = params->period_end_ns};
    enum tg_err err = range_find(&run, why);
    if (err == TG_OK) {
        err = run_open(&run, why);
    }
    if (err == TG_OK) {
        err = run_passes(&run, why);
    }
    run_close(&run);
    return err;
}

/* The Monday of an ISO week: that of week 1 is in the week of the 4th of January. */
static enum tg_err week_parse(const char *text, int64_t *start_ns, int64_t *end_ns)
{
    unsigned year = 0;
    unsigned week = 0;
    char again[TG_BILL_PERIOD_BYTES];
    if (sscanf(text, "%4u-W%2u", &year, &week) != 2 || year < 1971 || year > 2261 || week < 1) {
        return TG_E_SYNTAX;
    }
    const struct tg_civil fourth = {.year = (int32_t)year, .month = 1, .day = 4};
    const int64_t at_ns = tg_clock_from_civil(&fourth);
    const uint32_t number =
        tg_bill_period_number(at_ns + TG_NS_PER_DAY - 7 * TG_NS_PER_DAY, at_ns + TG_NS_PER_DAY) +
        week - 1;
    tg_bill_period_print(number, again);
    *start_ns = tg_bill_period_start_ns(number);
    *end_ns = *start_ns + 7 * TG_NS_PER_DAY;
    return strcmp(text, again) == 0 ? TG_OK : TG_E_SYNTAX; /* 2026 has no 54th. */
}

enum tg_err tg_bill_period_parse(const char *text, int64_t *start_ns, int64_t *end_ns)
{
    unsigned digits[6];
    static const char shape[] = "dddd-dd";
    unsigned at = 0;
    if (strlen(text) == 8) {
        return week_parse(text, start_ns, end_ns);
    }
    for (unsigned i = 0; i < sizeof shape - 1; i++) {
        const bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (shape[i] == 'd' ? !is_digit : text[i] != shape[i]) {
            return TG_E_SYNTAX;
        }
        if (shape[i] == 'd') {
            digits[at++] = (unsigned)(text[i] - '0');
        }
    }
    const unsigned year = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3];
    const unsigned month = digits[4] * 10 + digits[5];
    if (text[7] != '\0' || year < 1970 || year > 2261 || month < 1 || month > 12) {
        return TG_E_SYNTAX;
    }
    *start_ns = tg_bill_month_day_ns(year * 12 + month - 1, 1);
    *end_ns = tg_bill_month_day_ns(year * 12 + month, 1);
    return TG_OK;
}

/* Ids go into URLs: what is not unreserved there (RFC 3986 2.3) becomes ~XX, and so does ~. */
static bool id_append(char id[TG_BILL_ID_BYTES], const char *account_id)
{
    size_t length = strlen(id);
    for (const char *c = account_id; *c != '\0'; c++) {
        const bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                              (*c >= '0' && *c <= '9') || *c == '-' || *c == '.' || *c == '_';
        /* Room stays for the suffix of a line: 12 octets. */
        if (length + 3 + 12 >= TG_BILL_ID_BYTES) {
            return false;
        }
        length += (size_t)snprintf(id + length, TG_BILL_ID_BYTES - length,
                                   is_plain ? "%c" : "~%02X", (unsigned char)*c);
    }
    return true;
}

bool tg_bill_id_format(const char *account_id, int64_t start_ns, int64_t end_ns,
                       const char *currency_suffix, char id[TG_BILL_ID_BYTES])
{
    struct tg_civil from;
    struct tg_civil to;
    tg_clock_to_civil(start_ns, &from);
    tg_clock_to_civil(end_ns, &to);
    const uint32_t month = tg_bill_month(start_ns);
    const bool is_month =
        start_ns == tg_bill_month_day_ns(month, 1) && end_ns == tg_bill_month_day_ns(month + 1, 1);
    if (is_month) {
        (void)snprintf(id, TG_BILL_ID_BYTES, "B-%04d-%02u-", from.year, from.month);
    } else {
        (void)snprintf(id, TG_BILL_ID_BYTES, "B-%04d%02u%02u-%04d%02u%02u-", from.year, from.month,
                       from.day, to.year, to.month, to.day);
    }
    bool fits = id_append(id, account_id);
    if (fits && currency_suffix != NULL) {
        fits = id_append(id, "-") && id_append(id, currency_suffix);
    }
    return fits;
}
