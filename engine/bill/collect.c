/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/collect.h"

#include "catalog/roster.h"
#include "ledger/scan.h"

#include <assert.h>

#define COLUMNS                                                                                    \
    (TG_COLUMN_BIT(start_ns) | TG_COLUMN_BIT(quantity_up) | TG_COLUMN_BIT(quantity_down) |         \
     TG_COLUMN_BIT(duration_ms) | TG_COLUMN_BIT(source_id) | TG_COLUMN_BIT(service) |              \
     TG_COLUMN_BIT(amount) | TG_COLUMN_BIT(remainder) | TG_COLUMN_BIT(billed_units) |              \
     TG_COLUMN_BIT(allowance_units) | TG_COLUMN_BIT(subscriber) | TG_COLUMN_BIT(price_id) |        \
     TG_COLUMN_BIT(catalog_version) | TG_COLUMN_BIT(currency) | TG_COLUMN_BIT(zone) |              \
     TG_COLUMN_BIT(fate))

/* The account's period; a cycle day that no catalog gives counts as the first of the month. */
static const struct tg_bill_window *window_of(const struct tg_bill_collect *collect,
                                              uint32_t account)
{
    const struct tg_roster_account *line = tg_roster_account(collect->roster, account);
    const uint8_t day = line != NULL ? line->cycle_day : 1;
    return &collect->windows[day >= 1 && day < TG_BILL_CYCLE_DAYS ? day : 1];
}

static bool is_within(const struct tg_bill_window *window, int64_t at_ns)
{
    return at_ns >= window->start_ns && at_ns < window->end_ns;
}

static struct tg_bill_item item_of(const struct tg_scan_view *view, uint32_t i)
{
    /* tg_usage_units over columns: the row itself is not decoded. */
    const struct tg_usage row = {.service = view->service[i],
                                 .duration_ms = view->duration_ms[i],
                                 .quantity_up = view->quantity_up[i] & TG_QUANTITY_MAX,
                                 .quantity_down = view->quantity_down[i] & TG_QUANTITY_MAX};
    return (struct tg_bill_item){.subscriber = view->subscriber[i],
                                 .price_id = view->price_id[i],
                                 .catalog_version = view->catalog_version[i],
                                 .zone = view->zone[i],
                                 .currency = view->currency[i],
                                 .service = view->service[i],
                                 .amount = view->amount[i],
                                 .remainder = view->remainder[i],
                                 .units = tg_usage_units(&row),
                                 .billed_units = view->billed_units[i],
                                 .allowance_units = view->allowance_units[i]};
}

static enum tg_err rated_fold(struct tg_bill_collect *collect, const struct tg_scan_view *view,
                              uint32_t i)
{
    const struct tg_roster_line *line = tg_roster_line(collect->roster, view->subscriber[i]);
    if (line == NULL) {
        collect->rows_unknown_count += is_within(&collect->windows[1], view->start_ns[i]);
        return TG_OK;
    }
    if (!is_within(window_of(collect, line->account), view->start_ns[i])) {
        return TG_OK;
    }
    if (line->account < collect->account_from || line->account >= collect->account_to) {
        collect->rows_foreign_count++;
        return TG_OK;
    }
    const struct tg_bill_item item = item_of(view, i);
    return tg_bill_lines_add(collect->lines, &item);
}

static enum tg_err block_fold(void *context, const struct tg_scan_view *view)
{
    struct tg_bill_collect *collect = context;
    enum tg_err err = TG_OK;
    for (uint32_t i = 0; i < view->rows_count && err == TG_OK; i++) {
        int64_t *last_ns = &collect->last_event_ns[view->source_id[i]];
        *last_ns = view->start_ns[i] > *last_ns ? view->start_ns[i] : *last_ns;
        switch (view->fate[i]) {
        case TG_FATE_RATED:
            err = rated_fold(collect, view, i);
            break;
        case TG_FATE_SUSPENDED:
            collect->rows_suspended_count += is_within(&collect->windows[1], view->start_ns[i]);
            break;
        case TG_FATE_HELD:
            collect->rows_held_count += is_within(&collect->windows[1], view->start_ns[i]);
            break;
        default:
            break;
        }
    }
    collect->rows_scanned_count += view->rows_count;
    if (err == TG_OK && collect->progress != NULL) {
        collect->progress(collect->progress_context, collect->rows_scanned_count);
    }
    return err;
}

enum tg_err tg_bill_collect_run(struct tg_bill_collect *collect, struct tg_why *why)
{
    assert(collect->account_from < collect->account_to);
    collect->rows_scanned_count = 0;
    collect->rows_suspended_count = 0;
    collect->rows_held_count = 0;
    collect->rows_unknown_count = 0;
    collect->rows_foreign_count = 0;
    for (uint32_t i = 0; i < TG_BILL_SOURCE_IDS; i++) {
        collect->last_event_ns[i] = INT64_MIN;
    }
    int64_t min_ns = INT64_MAX;
    int64_t max_ns = INT64_MIN;
    for (uint32_t day = 1; day < TG_BILL_CYCLE_DAYS; day++) {
        const struct tg_bill_window *window = &collect->windows[day];
        min_ns = window->start_ns < min_ns ? window->start_ns : min_ns;
        max_ns = window->end_ns > max_ns ? window->end_ns : max_ns;
    }
    const struct tg_scan_params params = {.size_bytes = sizeof params,
                                          .sections = TG_SECTION_BIT(TG_SECTION_ROWS),
                                          .dir = collect->data_dir,
                                          .columns = COLUMNS,
                                          .event_min_ns = min_ns,
                                          .event_max_ns = max_ns + TG_BILL_CLOSE_WINDOW_NS};
    struct tg_scan *scan = NULL;
    enum tg_err err = tg_scan_open(&params, &scan, why);
    if (err == TG_OK) {
        err = tg_scan_fold(scan, block_fold, collect, why);
    }
    tg_scan_close(scan);
    return err;
}
