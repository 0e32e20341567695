/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/quote_credit.h"

#include "rate/grant.h"
#include "rate/split.h"

static struct tg_grant_bounds bounds_of(const struct tg_usage_line *line)
{
    const __int128 most =
        line->has_credit ? (__int128)line->credit - line->credit_floor : INT64_MAX;
    return (struct tg_grant_bounds){
        .credit_max = most > INT64_MAX   ? INT64_MAX
                      : most < INT64_MIN ? INT64_MIN
                                         : (int64_t)most,
        .price_max = line->price_max,
        .price_max_per = line->price_max_per,
    };
}

void tg_quote_row(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                  const struct tg_usage_line *line, bool is_fresh, struct tg_charge *charge,
                  struct tg_rate_trace *trace, struct tg_quote_grant *grant)
{
    const struct tg_roster *roster = snapshot->roster;
    const uint8_t kind = (uint8_t)tg_usage_subscriber_kind(&line->row);
    struct tg_charge start = {
        .subscriber = TG_SUBSCRIBER_NONE, .node_state = line->node_state, .site = line->site};
    struct tg_accounts *accounts = tg_rate_accounts(rate);
    struct tg_grant_state state;
    (void)tg_roster_find(roster, &kind, &line->row.subscriber_key, &line->row.start_ns, 1,
                         &start.subscriber);
    const bool is_known = start.subscriber < roster->subscribers_count;
    const bool is_bounded = line->has_credit || line->price_max_per > 0;
    *grant = (struct tg_quote_grant){.is_bounded = is_bounded && is_known,
                                     .has_credit = line->has_credit && is_known,
                                     .row = line->row};
    if (is_known) {
        tg_grant_keep(accounts, roster, start.subscriber,
                      tg_roster_line(roster, start.subscriber)->account, &state);
    }
    *charge = start;
    tg_rate_run_traced(rate, snapshot, &line->row, charge, 1, trace);
    if (grant->is_bounded && charge->fate == TG_FATE_RATED) {
        const struct tg_grant_row row = {
            .snapshot = snapshot,
            .row = &line->row,
            .subscriber = start.subscriber,
            .node_state = line->node_state,
            .dimension = tg_grant_dimension(snapshot, &line->row, trace),
            .site = line->site,
        };
        const struct tg_grant_bounds bounds = bounds_of(line);
        int64_t amount;
        tg_grant_put(accounts, &state);
        grant->asked_quantity = tg_rate_base_quantity(&line->row, row.dimension);
        grant->granted_quantity =
            tg_grant_search(rate, &row, grant->asked_quantity, &bounds, &amount);
        grant->row = tg_grant_cut(&line->row, row.dimension, grant->granted_quantity);
        *charge = start;
        tg_rate_run_traced(rate, snapshot, &grant->row, charge, 1, trace);
        grant->credit_left = line->credit - tg_grant_money(charge, trace);
    }
    if (is_fresh && is_known) {
        tg_grant_put(accounts, &state);
    }
}
