/* SPDX-License-Identifier: Apache-2.0 */
#include "rate/grant.h"

#include "catalog/catalog.h"
#include "rate/split.h"

void tg_grant_keep(struct tg_accounts *accounts, const struct tg_roster *roster,
                   uint32_t subscriber, uint32_t account, struct tg_grant_state *state)
{
    state->subscriber = subscriber;
    state->root_index = tg_roster_root(roster, subscriber);
    state->account = account;
    for (uint32_t i = 0; i < 2; i++) {
        state->lines[i] = *tg_accounts_slot(accounts, subscriber, i);
    }
    state->own = *tg_accounts_shelf(accounts, false, subscriber);
    const struct tg_shelf *pool = tg_accounts_shelf(accounts, true, account);
    if (pool != NULL) {
        state->pool = *pool;
    }
    if (state->root_index != subscriber) {
        state->root = *tg_accounts_shelf(accounts, false, state->root_index);
    }
}

void tg_grant_put(struct tg_accounts *accounts, const struct tg_grant_state *state)
{
    for (uint32_t i = 0; i < 2; i++) {
        *tg_accounts_slot(accounts, state->subscriber, i) = state->lines[i];
    }
    *tg_accounts_shelf(accounts, false, state->subscriber) = state->own;
    tg_accounts_calls_note(accounts, state->subscriber);
    struct tg_shelf *pool = tg_accounts_shelf(accounts, true, state->account);
    if (pool != NULL) {
        *pool = state->pool;
    }
    if (state->root_index != state->subscriber) {
        *tg_accounts_shelf(accounts, false, state->root_index) = state->root;
    }
}

uint8_t tg_grant_dimension(const struct tg_catalog_snapshot *snapshot, const struct tg_usage *row,
                           const struct tg_rate_trace *trace)
{
    const struct tg_image *image = tg_catalog_image_at(snapshot, row->start_ns);
    return trace->price != NULL && image != NULL
               ? tg_image_price_info(image, trace->price->price_id)->dimension
               : (uint8_t)TG_DIMENSION_TIME;
}

struct tg_usage tg_grant_cut(const struct tg_usage *row, uint8_t dimension, uint64_t quantity)
{
    struct tg_usage cut = *row;
    switch (dimension) {
    case TG_DIMENSION_TIME:
        cut.duration_ms = (uint32_t)quantity;
        break;
    case TG_DIMENSION_BYTES:
        cut.quantity_up = quantity < row->quantity_up ? quantity : row->quantity_up;
        cut.quantity_down = quantity - cut.quantity_up;
        break;
    case TG_DIMENSION_MONEY:
        cut.quantity_down = quantity;
        break;
    default:
        cut.quantity_up = quantity;
        break;
    }
    return cut;
}

/* Does a unit cost more than it may? */
static bool is_too_dear(const struct tg_grant_bounds *bounds, const struct tg_image *image,
                        const struct tg_rate_trace *trace)
{
    for (uint32_t i = 0; bounds->price_max_per > 0 && i < trace->pieces_count; i++) {
        const struct tg_price *price = tg_image_price(image, trace->pieces[i].price_id);
        if (price->steps_count == 0) {
            continue;
        }
        const uint32_t index = trace->pieces[i].step_index < price->steps_count
                                   ? trace->pieces[i].step_index
                                   : price->steps_count - 1;
        const struct tg_price_step *step = &tg_price_steps(price)[index];
        if ((__int128)step->price * bounds->price_max_per >
            (__int128)bounds->price_max * step->per_units) {
            return true;
        }
    }
    return false;
}

/* Would a limit that stops be passed? */
static bool is_beyond_limit(const struct tg_image *image, const struct tg_rate_trace *trace)
{
    bool is_beyond = false;
    for (uint32_t i = 0; i < trace->spends_count && !is_beyond; i++) {
        const struct tg_spend_limit *limit = tg_image_spend_limit(image, trace->spends[i].limit);
        is_beyond = limit->stops != 0 && trace->spends[i].spent > limit->maximum &&
                    trace->spends[i].spent > trace->spends[i].spent_before;
    }
    return is_beyond;
}

/* Is this quantity paid for? Rates it and puts the state back. */
static bool is_covered(struct tg_rate *rate, const struct tg_grant_row *row, uint64_t quantity,
                       const struct tg_grant_bounds *bounds, int64_t *amount)
{
    const struct tg_usage cut = tg_grant_cut(row->row, row->dimension, quantity);
    const struct tg_roster_line *line = tg_roster_line(row->snapshot->roster, row->subscriber);
    struct tg_accounts *accounts = tg_rate_accounts(rate);
    struct tg_charge charge = {
        .subscriber = row->subscriber, .node_state = row->node_state, .site = row->site};
    struct tg_rate_trace trace;
    struct tg_grant_state state;
    tg_grant_keep(accounts, row->snapshot->roster, row->subscriber, line->account, &state);
    tg_rate_run_traced(rate, row->snapshot, &cut, &charge, 1, &trace);
    tg_grant_put(accounts, &state);
    *amount = tg_grant_money(&charge, &trace);
    if (charge.fate != TG_FATE_RATED) {
        return false;
    }
    const struct tg_image *image = tg_catalog_image_at(row->snapshot, cut.start_ns);
    const struct tg_price_info *info = tg_image_price_info(image, charge.price_id);
    if ((info->options & TG_PRICE_MAX_STOPS) != 0 &&
        (__int128)charge.amount + trace.call_amount_before > trace.price->charge_max) {
        return false;
    }
    return tg_grant_money(&charge, &trace) <= bounds->credit_max &&
           !is_too_dear(bounds, image, &trace) && !is_beyond_limit(image, &trace);
}

uint64_t tg_grant_search(struct tg_rate *rate, const struct tg_grant_row *row, uint64_t asked,
                         const struct tg_grant_bounds *bounds, int64_t *amount)
{
    int64_t cost = 0;
    *amount = 0;
    if (is_covered(rate, row, asked, bounds, &cost)) {
        *amount = cost;
        return asked;
    }
    uint64_t low = 0; /* granted: nothing costs nothing */
    uint64_t high = asked;
    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;
        if (is_covered(rate, row, middle, bounds, &cost)) {
            low = middle;
            *amount = cost;
        } else {
            high = middle;
        }
    }
    return low;
}
