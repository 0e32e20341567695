/* SPDX-License-Identifier: Apache-2.0 */
/* What a run looks at, fixed before its first row is read: accounts, cycles, the journal's end, and
 * for an interim bill or one that is made again, how far the one before looked. */
#include "bill/bill_run.h"

#include "base/arena.h"
#include "base/clock.h"
#include "bill/bill_id.h"
#include "bill/charge_tax.h"
#include "store/documents.h"

#include <stdio.h>
#include <string.h>

static const struct tg_billing no_billing;

/* Whether windows are cycles of accounts. */
static bool has_cycles(const struct tg_bill_run *run)
{
    return run->params->follows_cycle_days && run->params->until_ns == 0;
}

/* Is anybody's bill one for several cycles? */
static bool has_long_bills(const struct tg_bill_run *run)
{
    const struct tg_roster *roster = run->catalog.roster;
    bool has = false;
    for (uint32_t i = 0; i < roster->accounts_count && has_cycles(run); i++) {
        has |= tg_roster_bills(&roster->accounts[i]) != 0;
    }
    return has;
}

enum tg_err tg_bill_run_range(struct tg_bill_run *run, struct tg_why *why)
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

/* How far an interim bill looks: what was written down when it was issued first, else all there is.
 */
static enum tg_err interim_fix(struct tg_bill_run *run, struct tg_why *why)
{
    struct tg_bill_interim interim = {.until_ns = run->end_ns,
                                      .issued_ns = run->issued_ns,
                                      .epoch = run->collect.epoch_last,
                                      .month = run->collect.month};
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
        tg_bill_run_keep_date(run, known.issued_ns);
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
static enum tg_err interim_window(struct tg_bill_run *run, struct tg_why *why)
{
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
    return interim_fix(run, why);
}

/* Which bills stand for voided ones, and how far those that are made again look. */
static enum tg_err voids_open(struct tg_bill_run *run, struct tg_why *why)
{
    const struct tg_bill_params *params = run->params;
    const enum tg_err err = tg_bill_run_beside(run, why);
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
enum tg_err tg_bill_run_scope(struct tg_bill_run *run, struct tg_why *why)
{
    const struct tg_bill_params *params = run->params;
    struct tg_bill_collect *collect = &run->collect;
    collect->month = tg_bill_period_number(params->period_start_ns, params->period_end_ns, 0);
    enum tg_err err = tg_bill_closes_load(params->state, collect->month, &run->closes, why);
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
    return err == TG_OK ? tg_bill_run_state(run, why) : err;
}

enum tg_err tg_bill_run_beside(struct tg_bill_run *run, struct tg_why *why)
{
    struct tg_db *state = run->params->state;
    tg_bill_voids_free(&run->voids);
    tg_bill_interims_free(&run->interims);
    const enum tg_err err = tg_bill_voids_load(state, &run->voids, why);
    return err == TG_OK ? tg_bill_interims_load(state, run->collect.month, &run->interims, why)
                        : err;
}

void tg_bill_run_keep_date(struct tg_bill_run *run, int64_t issued_ns)
{
    if (run->params->keeps_date && issued_ns != INT64_MIN) {
        run->issued_ns = issued_ns;
    }
}

/* Of an account like that; NULL: like one of which nothing is said. */
static struct tg_bill_window window_of(const struct tg_bill_run *run,
                                       const struct tg_roster_account *account, uint16_t zone)
{
    if (!has_cycles(run)) {
        return (struct tg_bill_window){.start_ns = run->start_ns, .end_ns = run->end_ns};
    }
    struct tg_bill_cycle cycle = tg_bill_cycle_make(&run->catalog, account);
    cycle.zone = zone;
    return tg_bill_cycle_bill(&cycle, run->collect.month);
}

/* The cycle that closes in the month, by zone of accounts and cycle day: all its usage is in when
 * the month is. Those that nobody has are no time at all: theirs may begin long before. */
enum tg_err tg_bill_run_windows(struct tg_bill_run *run, struct tg_why *why)
{
    const struct tg_catalog_snapshot *catalog = &run->catalog;
    uint32_t zones_count = 1;
    for (uint32_t i = 0; i < catalog->images_count; i++) {
        const uint32_t count = tg_image_count(catalog->images[i], TG_CATALOG_ACCOUNT_ZONE);
        zones_count = count > zones_count ? count : zones_count;
    }
    const uint32_t bills_count = has_long_bills(run) ? TG_BILL_KINDS : 1;
    run->windows_count = bills_count * zones_count * TG_BILL_CYCLE_DAYS;
    run->windows = tg_pages_take(run->windows_count * sizeof run->windows[0]);
    if (run->windows == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the cycles of %u zones", zones_count);
    }
    run->collect.windows = run->windows;
    run->collect.zones_count = zones_count;
    run->collect.bills_count = bills_count;
    run->windows[1] = window_of(run, NULL, 0); /* Also that of rows of nobody. */
    for (uint32_t account = 0; account < catalog->roster->accounts_count; account++) {
        const size_t at = tg_bill_collect_index(&run->collect, account);
        if (run->windows[at].start_ns == run->windows[at].end_ns) {
            const uint16_t zone = (uint16_t)(at / TG_BILL_CYCLE_DAYS % zones_count);
            run->windows[at] = window_of(run, &catalog->roster->accounts[account], zone);
        }
    }
    return TG_OK;
}
