/* SPDX-License-Identifier: Apache-2.0 */
/* A period's state around a run: is it still collecting, may it be issued, what is it afterwards.
 */
#include "bill/bill_run.h"

#include "base/clock.h"
#include "rate/account.h"

/* Runs of a calendar's cycles that are stored have states; others only compute. */
bool tg_bill_run_has_lifecycle(const struct tg_bill_run *run)
{
    return run->params->state != NULL && run->params->follows_cycle_days &&
           run->params->until_ns == 0;
}

enum tg_err tg_bill_run_state(struct tg_bill_run *run, struct tg_why *why)
{
    const struct tg_bill_params *params = run->params;
    if (!tg_bill_run_has_lifecycle(run)) {
        return TG_OK;
    }
    const enum tg_err err = tg_bill_period_read(params->state, run->collect.month,
                                                params->account_filter, &run->period, why);
    tg_bill_run_keep_date(run, run->period.issued_ns);
    if (err == TG_OK && params->issues && run->billing->needs_approval != 0 &&
        run->period.state < TG_BILL_PERIOD_APPROVED) {
        return tg_why_set(why, TG_E_INVALID,
                          "the period is %s: approve it before it is issued (bill approve)",
                          run->period.state == TG_BILL_PERIOD_NONE
                              ? "not calculated"
                              : tg_bill_period_state_name(run->period.state));
    }
    return err;
}

/* Sources that sent nothing at all in the period are the most likely to have stopped: who was ever
 * heard of is looked at. */
void tg_bill_run_late_sources(struct tg_bill_run *run)
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

/* Do sources that are not complete still have time? */
static bool is_collecting(const struct tg_bill_run *run)
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

/* Ahead of the first bill that is issued: a run that goes on behind a crash has the same date. */
static enum tg_err date_write(struct tg_bill_run *run, struct tg_why *why)
{
    struct tg_bill_period *period = &run->period;
    period->month = run->collect.month;
    period->issued_ns = run->issued_ns;
    if (period->state == TG_BILL_PERIOD_NONE) {
        period->state = TG_BILL_PERIOD_CALCULATED;
        period->epoch = run->collect.epoch_last;
    }
    return tg_bill_period_write(run->params->state, period, run->params->account_filter,
                                &run->catalog, why);
}

/* What drafts of this run are, and whether it may issue; then the first issuing run closes the
 * period before anything is issued on it. */
enum tg_err tg_bill_run_begin(struct tg_bill_run *run, struct tg_why *why)
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
    if (!params->issues || !tg_bill_run_has_lifecycle(run)) {
        return TG_OK;
    }
    if (stats->state == TG_BILL_PERIOD_COLLECTING) {
        return tg_why_set(why, TG_E_INVALID,
                          "the period is collecting: %u sources are not complete and have time "
                          "until their grace of %u days ends; nothing was issued",
                          stats->late_sources_count, run->billing->grace_days_plus - 1u);
    }
    stats->state = TG_BILL_PERIOD_ISSUED;
    if (run->is_closed) {
        return TG_OK;
    }
    enum tg_err err = date_write(run, why);
    err = err == TG_OK ? tg_bill_close_put(params->state, &run->closes, &close,
                                           params->account_filter, params->catalog, why)
                       : err;
    return err == TG_OK ? tg_bill_run_beside(run, why) : err;
}

/* Drafts withdraw an approval, as it was of others; an issued period stays issued. */
enum tg_err tg_bill_run_end(struct tg_bill_run *run, struct tg_why *why)
{
    struct tg_bill_period *period = &run->period;
    struct tg_bill_stats *stats = run->stats;
    if (!tg_bill_run_has_lifecycle(run) || period->state == TG_BILL_PERIOD_ISSUED) {
        stats->state = tg_bill_run_has_lifecycle(run) ? period->state : stats->state;
        return TG_OK;
    }
    const bool issues = run->params->issues;
    period->month = run->collect.month;
    period->state = stats->state;
    period->epoch = run->collect.epoch_last;
    period->incomplete_count = stats->late_sources_count;
    period->grace_until_ns = stats->grace_until_ns;
    period->issued_ns = run->issued_ns;
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
