/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/quote_credit.h"

#include <string.h>

/* One line while it is priced, again and again. */
struct pricing {
    struct tg_rate *rate;
    const struct tg_catalog_snapshot *snapshot;
    const struct tg_usage_line *line;
    struct tg_charge start;
    struct tg_account_line kept[2];
    struct tg_shelf own;
    struct tg_shelf pool;
};

static struct tg_shelf *pool_of(const struct pricing *pricing)
{
    const struct tg_roster_line *line =
        tg_roster_line(pricing->snapshot->roster, pricing->start.subscriber);
    return tg_accounts_shelf(tg_rate_accounts(pricing->rate), true, line->account);
}

static void state_keep(struct pricing *pricing)
{
    struct tg_accounts *accounts = tg_rate_accounts(pricing->rate);
    for (uint32_t i = 0; i < 2; i++) {
        pricing->kept[i] = *tg_accounts_slot(accounts, pricing->start.subscriber, i);
    }
    pricing->own = *tg_accounts_shelf(accounts, false, pricing->start.subscriber);
    const struct tg_shelf *pool = pool_of(pricing);
    if (pool != NULL) {
        pricing->pool = *pool;
    }
}

static void state_put(const struct pricing *pricing)
{
    struct tg_accounts *accounts = tg_rate_accounts(pricing->rate);
    for (uint32_t i = 0; i < 2; i++) {
        *tg_accounts_slot(accounts, pricing->start.subscriber, i) = pricing->kept[i];
    }
    *tg_accounts_shelf(accounts, false, pricing->start.subscriber) = pricing->own;
    struct tg_shelf *pool = pool_of(pricing);
    if (pool != NULL) {
        *pool = pricing->pool;
    }
}

static void row_run(const struct pricing *pricing, const struct tg_usage *row,
                    struct tg_charge *charge, struct tg_rate_trace *trace)
{
    *charge = pricing->start;
    tg_rate_run_traced(pricing->rate, pricing->snapshot, row, charge, 1, trace);
}

/* The quantity that the row's price counts; the service says which when there is no price. */
static uint8_t dimension_of(const struct pricing *pricing, const struct tg_rate_trace *trace)
{
    const struct tg_usage *row = &pricing->line->row;
    const struct tg_image *image = tg_catalog_image_at(pricing->snapshot, row->start_ns);
    return trace->price != NULL && image != NULL
               ? tg_image_price_info(image, trace->price->price_id)->dimension
               : (uint8_t)TG_DIMENSION_TIME;
}

static struct tg_usage row_cut(const struct tg_usage *row, uint8_t dimension, uint64_t quantity)
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

static uint64_t quantity_of(const struct tg_usage *row, uint8_t dimension)
{
    switch (dimension) {
    case TG_DIMENSION_TIME:
        return row->duration_ms;
    case TG_DIMENSION_BYTES:
        return (uint64_t)row->quantity_up + row->quantity_down;
    case TG_DIMENSION_MONEY:
        return row->quantity_down;
    default:
        return row->quantity_up;
    }
}

/* Does a unit cost more than the line allows? */
static bool is_too_dear(const struct tg_usage_line *line, const struct tg_image *image,
                        const struct tg_rate_trace *trace)
{
    for (uint32_t i = 0; line->price_max_per > 0 && i < trace->pieces_count; i++) {
        const struct tg_price *price = tg_image_price(image, trace->pieces[i].price_id);
        if (price->steps_count == 0) {
            continue;
        }
        const uint32_t index = trace->pieces[i].step_index < price->steps_count
                                   ? trace->pieces[i].step_index
                                   : price->steps_count - 1;
        const struct tg_price_step *step = &tg_price_steps(price)[index];
        if ((__int128)step->price * line->price_max_per >
            (__int128)line->price_max * step->per_units) {
            return true;
        }
    }
    return false;
}

/* Is this quantity paid for? Rates it and puts the state back. */
static bool is_covered(struct pricing *pricing, uint8_t dimension, uint64_t quantity)
{
    const struct tg_usage_line *line = pricing->line;
    const struct tg_usage row = row_cut(&line->row, dimension, quantity);
    struct tg_charge charge;
    struct tg_rate_trace trace;
    state_keep(pricing);
    row_run(pricing, &row, &charge, &trace);
    state_put(pricing);
    if (charge.fate != TG_FATE_RATED) {
        return false;
    }
    const struct tg_image *image = tg_catalog_image_at(pricing->snapshot, row.start_ns);
    const struct tg_price_info *info = tg_image_price_info(image, charge.price_id);
    if ((info->options & TG_PRICE_MAX_STOPS) != 0 && charge.amount > trace.price->charge_max) {
        return false;
    }
    if (is_too_dear(line, image, &trace)) {
        return false;
    }
    return !line->has_credit ||
           (__int128)charge.amount <= (__int128)line->credit - line->credit_floor;
}

static uint64_t quantity_granted(struct pricing *pricing, uint8_t dimension, uint64_t asked)
{
    if (is_covered(pricing, dimension, asked)) {
        return asked;
    }
    uint64_t low = 0; /* granted: nothing costs nothing */
    uint64_t high = asked;
    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;
        if (is_covered(pricing, dimension, middle)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

void tg_quote_row(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                  const struct tg_usage_line *line, bool is_fresh, struct tg_charge *charge,
                  struct tg_rate_trace *trace, struct tg_quote_grant *grant)
{
    const struct tg_roster *roster = snapshot->roster;
    const uint8_t kind = (uint8_t)tg_usage_subscriber_kind(&line->row);
    struct pricing pricing = {
        .rate = rate,
        .snapshot = snapshot,
        .line = line,
        .start = {.subscriber = TG_SUBSCRIBER_NONE, .node_state = line->node_state}};
    (void)tg_roster_find(roster, &kind, &line->row.subscriber_key, &line->row.start_ns, 1,
                         &pricing.start.subscriber);
    const bool is_known = pricing.start.subscriber < roster->subscribers_count;
    const bool is_bounded = line->has_credit || line->price_max_per > 0;
    *grant = (struct tg_quote_grant){.is_bounded = is_bounded && is_known,
                                     .has_credit = line->has_credit && is_known,
                                     .row = line->row};
    if (is_known) {
        state_keep(&pricing);
    }
    row_run(&pricing, &line->row, charge, trace);
    if (grant->is_bounded && charge->fate == TG_FATE_RATED) {
        const uint8_t dimension = dimension_of(&pricing, trace);
        state_put(&pricing);
        grant->asked_quantity = quantity_of(&line->row, dimension);
        grant->granted_quantity = quantity_granted(&pricing, dimension, grant->asked_quantity);
        grant->row = row_cut(&line->row, dimension, grant->granted_quantity);
        row_run(&pricing, &grant->row, charge, trace);
        grant->credit_left = line->credit - charge->amount;
    }
    if (is_fresh && is_known) {
        state_put(&pricing);
    }
}
