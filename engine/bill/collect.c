/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/collect.h"

#include "base/clock.h"
#include "bill/bands.h"
#include "bill/charge_tax.h"
#include "bill/close.h"
#include "bill/convert.h"
#include "bill/invoice.h"
#include "catalog/image.h"
#include "catalog/roster.h"
#include "ledger/scan.h"
#include "rate/account.h"

#include <assert.h>

#define AHEAD_FAR  24u /* Rows; a miss is some 100 ns, a row 15 ns without one. */
#define AHEAD_NEAR 12u

#define COLUMNS                                                                                    \
    (TG_COLUMN_BIT(start_ns) | TG_COLUMN_BIT(quantity_up) | TG_COLUMN_BIT(quantity_down) |         \
     TG_COLUMN_BIT(duration_ms) | TG_COLUMN_BIT(source_id) | TG_COLUMN_BIT(service) |              \
     TG_COLUMN_BIT(amount) | TG_COLUMN_BIT(remainder) | TG_COLUMN_BIT(billed_units) |              \
     TG_COLUMN_BIT(allowance_units) | TG_COLUMN_BIT(subscriber) | TG_COLUMN_BIT(price_id) |        \
     TG_COLUMN_BIT(catalog_version) | TG_COLUMN_BIT(currency) | TG_COLUMN_BIT(zone) |              \
     TG_COLUMN_BIT(fate) | TG_COLUMN_BIT(charge_flags))
#define COLUMNS_BANDS (TG_COLUMN_BIT(serving_network) | TG_COLUMN_BIT(flags) | TG_COLUMN_BIT(site))

/* A cycle day or zone that no catalog gives counts as the first of the month, the period zone. */
size_t tg_bill_collect_index(const struct tg_bill_collect *collect, uint32_t account)
{
    const struct tg_roster_account *line = tg_roster_account(collect->roster, account);
    uint8_t day = line != NULL ? line->cycle_day : 1;
    uint32_t zone = line != NULL && line->zone < collect->zones_count ? line->zone : 0;
    if (collect->bills_count > 1 && line != NULL) {
        zone += (tg_roster_bills(line) + day / TG_BILL_CYCLE_DAYS) * collect->zones_count;
        day %= TG_BILL_CYCLE_DAYS;
    }
    return (size_t)zone * TG_BILL_CYCLE_DAYS + (day < TG_BILL_CYCLE_DAYS ? day : 1);
}

const struct tg_bill_window *tg_bill_collect_window(const struct tg_bill_collect *collect,
                                                    uint32_t account)
{
    return &collect->windows[tg_bill_collect_index(collect, account)];
}

static bool is_within(const struct tg_bill_window *window, int64_t at_ns)
{
    return at_ns >= window->start_ns && at_ns < window->end_ns;
}

/* A call that its cause makes free is not one of the calls of a line. */
static bool is_billed(const struct tg_scan_view *view, uint32_t i)
{
    return (view->charge_flags[i] & TG_CHARGE_NOT_BILLABLE) == 0;
}

/* Rows of lines that are counted together are of their holder; each is billed by the line of its
 * time. */
static inline uint32_t line_of(const struct tg_bill_collect *collect,
                               const struct tg_scan_view *view, uint32_t i)
{
    const uint32_t subscriber = view->subscriber[i];
    return subscriber < collect->roster->subscribers_count
               ? tg_roster_index_at(collect->roster, subscriber, view->start_ns[i])
               : subscriber;
}

/* who: the line that says what the row is sold by. */
static struct tg_bill_item item_of(const struct tg_bill_collect *collect,
                                   const struct tg_scan_view *view, uint32_t i, uint32_t who)
{
    const bool is_adjustment = view->source_id[i] == TG_ADJUST_SOURCE_ID;
    const uint8_t prepaid =
        (view->charge_flags[i] & TG_CHARGE_PREPAID) != 0 ? TG_BILL_SLOT_PREPAID : 0;
    if (is_adjustment) { /* Its units are differences; what counts on a bill is its money. */
        return (struct tg_bill_item){.subscriber = who,
                                     .price_id = view->price_id[i],
                                     .catalog_version = view->catalog_version[i],
                                     .zone = view->zone[i],
                                     .currency = view->currency[i],
                                     .service = view->service[i],
                                     .kind = (uint8_t)(TG_BILL_LINE_ADJUSTMENT | prepaid),
                                     .amount = view->amount[i],
                                     .remainder = view->remainder[i]};
    }
    const bool is_reversal = (view->charge_flags[i] & TG_CHARGE_REVERSAL) != 0;
    /* tg_usage_units over columns: the row itself is not decoded. */
    const struct tg_usage row = {.start_ns = view->start_ns[i],
                                 .service = view->service[i],
                                 .flags = collect->bands != NULL ? view->flags[i] : 0,
                                 .serving_network =
                                     collect->bands != NULL ? view->serving_network[i] : 0,
                                 .duration_ms = view->duration_ms[i],
                                 .quantity_up = view->quantity_up[i] & TG_QUANTITY_MAX,
                                 .quantity_down = view->quantity_down[i] & TG_QUANTITY_MAX};
    return (struct tg_bill_item){.subscriber = who,
                                 .price_id = view->price_id[i],
                                 .catalog_version = view->catalog_version[i],
                                 .zone = view->zone[i],
                                 .currency = view->currency[i],
                                 .service = view->service[i],
                                 .kind = (uint8_t)(TG_BILL_LINE_USAGE | prepaid),
                                 .band = collect->bands == NULL
                                             ? TG_BILL_BAND_NONE
                                             : tg_bill_band_of(collect->bands, &row, view->site[i],
                                                               who, view->catalog_version[i]),
                                 .amount = view->amount[i],
                                 .remainder = view->remainder[i],
                                 .units = tg_usage_units(&row),
                                 .billed_units = view->billed_units[i],
                                 .is_reversal = is_reversal,
                                 .allowance_units = view->allowance_units[i]};
}

/* taxed_to_ns: end of the period whose taxes count, should the row be taxed by itself. */
static enum tg_err item_add(struct tg_bill_collect *collect, const struct tg_roster_line *who,
                            int64_t at_ns, int64_t taxed_to_ns, struct tg_bill_item *item)
{
    enum tg_err err = TG_OK;
    item->currency = tg_bill_slot_currency(collect->catalog, item->catalog_version, item->currency,
                                           collect->roster->accounts[who->account].currency, at_ns);
    if (collect->taxes_charges) {
        err = tg_bill_charge_tax(collect->catalog, taxed_to_ns, item);
    }
    collect->has_prepaid |= (item->kind & TG_BILL_SLOT_PREPAID) != 0;
    return err == TG_OK ? tg_bill_lines_add(collect->lines, item) : err;
}

/* How far into the journal the account's bill of this period looks. */
static uint64_t epoch_limit(const struct tg_bill_collect *collect, uint32_t account)
{
    uint64_t epoch = 0;
    return collect->closes != NULL &&
                   tg_bill_closes_find(collect->closes, account, collect->month, &epoch)
               ? epoch
               : collect->epoch_last;
}

static enum tg_err rated_fold(struct tg_bill_collect *collect, const struct tg_scan_view *view,
                              uint32_t i)
{
    const uint32_t who = line_of(collect, view, i);
    const struct tg_roster_line *line = tg_roster_line(collect->roster, who);
    if (line == NULL) {
        collect->rows_unknown_count += is_within(&collect->windows[1], view->start_ns[i]);
        return TG_OK;
    }
    if (!is_within(tg_bill_collect_window(collect, line->account), view->start_ns[i])) {
        return TG_OK;
    }
    if (line->account < collect->account_from || line->account >= collect->account_to) {
        collect->rows_foreign_count++;
        return TG_OK;
    }
    if (view->epoch > epoch_limit(collect, line->account)) {
        collect->rows_next_count++;
        return TG_OK;
    }
    struct tg_bill_item item = item_of(collect, view, i, who);
    const struct tg_bill_window *window = tg_bill_collect_window(collect, line->account);
    if (window->cycles > 1) { /* Each cycle has its own lines. */
        const struct tg_bill_cycle cycle = tg_bill_cycle_of(collect->catalog, line->account);
        const uint32_t month = tg_bill_cycle_month(&cycle, view->start_ns[i]);
        item.month = month != window->month ? (uint16_t)month : 0;
    }
    return item_add(collect, line, view->start_ns[i], window->end_ns, &item);
}

/* What the product of a subscriber wants done with late usage on the bill of a period. */
static uint8_t late_policy(const struct tg_bill_collect *collect, const struct tg_roster_line *who,
                           const struct tg_bill_cycle *cycle, uint32_t month)
{
    const struct tg_image *image =
        month == collect->month
            ? collect->image
            : tg_catalog_image_at(collect->catalog, tg_bill_cycle_window(cycle, month).end_ns - 1);
    const struct tg_product *product = image != NULL ? tg_image_product(image, who->product) : NULL;
    return product != NULL ? product->late_usage : (uint8_t)TG_LATE_NEXT_BILL;
}

/* Was the row too late for its own period's bill and all those since, and in time for this one?
 * Usage that waited on an earlier bill counts as not on it. */
static bool is_late_for(const struct tg_bill_collect *collect, uint32_t account, uint64_t epoch,
                        uint32_t month, const struct tg_roster_line *waits)
{
    const struct tg_bill_cycle cycle = tg_bill_cycle_of(collect->catalog, account);
    const uint32_t own = tg_bill_cycle_last(&cycle, month);
    uint64_t closed = 0;
    if (!tg_bill_closes_find(collect->closes, account, own, &closed)) {
        return false; /* Its own bill is still to come. */
    }
    const uint32_t step = tg_bill_cycles_count(&cycle) * tg_bill_cycle_step(&cycle);
    for (uint32_t m = own; m < collect->month; m += step) {
        if (tg_bill_closes_find(collect->closes, account, m, &closed) && epoch <= closed &&
            (waits == NULL || m == own ||
             late_policy(collect, waits, &cycle, m) != TG_LATE_SUSPEND)) {
            return false;
        }
    }
    return epoch <= epoch_limit(collect, account);
}

enum tg_bill_place tg_bill_collect_place(const struct tg_bill_collect *collect, uint32_t account,
                                         int64_t at_ns, uint64_t epoch,
                                         const struct tg_roster_line *waits)
{
    const struct tg_bill_window *window = tg_bill_collect_window(collect, account);
    if (at_ns >= window->end_ns || epoch > epoch_limit(collect, account)) {
        return TG_BILL_PLACE_AFTER;
    }
    if (at_ns >= window->start_ns) {
        return TG_BILL_PLACE_HERE;
    }
    const struct tg_bill_cycle cycle = tg_bill_cycle_of(collect->catalog, account);
    const uint32_t month = tg_bill_cycle_month(&cycle, at_ns);
    return collect->closes != NULL && is_late_for(collect, account, epoch, month, waits)
               ? TG_BILL_PLACE_LATE
               : TG_BILL_PLACE_BEFORE;
}

static enum tg_err late_fold(struct tg_bill_collect *collect, const struct tg_scan_view *view,
                             uint32_t i)
{
    const uint32_t who = line_of(collect, view, i);
    const struct tg_roster_line *line = tg_roster_line(collect->roster, who);
    if (view->fate[i] != TG_FATE_RATED || line == NULL || line->account < collect->account_from ||
        line->account >= collect->account_to ||
        view->start_ns[i] >= tg_bill_collect_window(collect, line->account)->start_ns) {
        return TG_OK;
    }
    const struct tg_bill_cycle cycle = tg_bill_cycle_of(collect->catalog, line->account);
    const uint32_t month = tg_bill_cycle_month(&cycle, view->start_ns[i]);
    struct tg_bill_item item = item_of(collect, view, i, who);
    /* Corrections, and what a balance has paid, are on the next bill whatever the policy. */
    const bool has_policy = item.kind == TG_BILL_LINE_USAGE;
    if (!is_late_for(collect, line->account, view->epoch, month, has_policy ? line : NULL)) {
        return TG_OK;
    }
    const uint8_t policy = has_policy ? late_policy(collect, line, &cycle, collect->month)
                                      : (uint8_t)TG_LATE_NEXT_BILL;
    collect->rows_written_off_count += policy == TG_LATE_WRITE_OFF;
    collect->rows_waiting_count += policy == TG_LATE_SUSPEND;
    if (policy == TG_LATE_WRITE_OFF || policy == TG_LATE_SUSPEND) {
        return TG_OK;
    }
    if ((item.kind & ~TG_BILL_SLOT_PREPAID) == TG_BILL_LINE_USAGE) {
        item.kind = (uint8_t)(TG_BILL_LINE_LATE | (item.kind & TG_BILL_SLOT_PREPAID));
    }
    item.month = (uint16_t)month; /* Years are at most 2261: 27,143. */
    collect->rows_late_count++;
    /* A note is taxed as the period it is late for. */
    const int64_t end_ns =
        policy == TG_LATE_NOTE
            ? tg_bill_cycle_window(&cycle, tg_bill_cycle_last(&cycle, month)).end_ns
            : tg_bill_collect_window(collect, line->account)->end_ns;
    return item_add(collect, line, view->start_ns[i], end_ns, &item);
}

static enum tg_err late_block_fold(void *context, const struct tg_scan_view *view)
{
    enum tg_err err = TG_OK;
    for (uint32_t i = 0; i < view->rows_count && err == TG_OK; i++) {
        err = is_billed(view, i) ? late_fold(context, view, i) : TG_OK;
    }
    return err;
}

static bool any_suspends(const struct tg_catalog_snapshot *catalog)
{
    for (uint32_t i = 0; i < catalog->images_count; i++) {
        const uint32_t count = tg_image_count(catalog->images[i], TG_CATALOG_PRODUCT);
        for (uint32_t j = 0; j < count; j++) {
            const struct tg_product *product = tg_image_product(catalog->images[i], j);
            if (product != NULL && product->late_usage == TG_LATE_SUSPEND) {
                return true;
            }
        }
    }
    return false;
}

/* Rows of closed periods can only lie behind the earliest close that counts for this bill. */
static enum tg_err late_collect(struct tg_bill_collect *collect, int64_t before_ns,
                                struct tg_why *why)
{
    uint64_t last_min = UINT64_MAX;  /* Of closes of the period before this one. */
    uint64_t older_min = UINT64_MAX; /* Of closes before that. */
    const uint32_t late = tg_bill_late_periods(collect->month);
    /* The longest bill that has the number. */
    const uint32_t cycles_max = collect->bills_count <= 1            ? 1
                                : tg_bill_is_week(collect->month) ? TG_WEEK_CYCLE_MAX
                                                                  : 12;
    uint32_t month_min = UINT32_MAX;
    bool has_last = false;
    for (uint32_t i = 0; collect->closes != NULL && i < collect->closes->count; i++) {
        const struct tg_bill_close *close = &collect->closes->items[i];
        if (close->month >= collect->month || close->month + late < collect->month) {
            continue;
        }
        uint64_t *min = close->month + 1 == collect->month ? &last_min : &older_min;
        *min = close->epoch < *min ? close->epoch : *min;
        has_last |= min == &last_min && close->account == TG_ACCOUNT_NONE;
        month_min = close->month < month_min ? close->month : month_min;
    }
    /* What waits may have come behind any of them, and so may what is late for bills of several
     * cycles. */
    if (collect->bills_count > 1 && last_min < older_min) {
        older_min = last_min;
    }
    has_last &= collect->bills_count <= 1;
    const bool is_last = (has_last && !any_suspends(collect->catalog)) || last_min < older_min;
    const uint64_t epoch_min = is_last ? last_min : older_min;
    if (month_min == UINT32_MAX || epoch_min >= collect->epoch_last) {
        return TG_OK;
    }
    const struct tg_scan_params params = {
        .size_bytes = sizeof params,
        .sections = TG_SECTION_BIT(TG_SECTION_ROWS),
        .dir = collect->data_dir,
        .columns = collect->bands != NULL ? COLUMNS | COLUMNS_BANDS : COLUMNS,
        .epoch_min = epoch_min + 1,
        .epoch_max = collect->epoch_last,
        .fates = 1u << TG_FATE_RATED,
        .event_min_ns = tg_bill_period_start_ns(month_min - cycles_max) - 7 * TG_NS_PER_DAY,
        .event_max_ns = before_ns};
    struct tg_scan *scan = NULL;
    enum tg_err err = tg_scan_open(&params, &scan, why);
    if (err == TG_OK) {
        err = tg_scan_fold(scan, late_block_fold, collect, why);
    }
    tg_scan_close(scan);
    return err;
}

/* A row's place in the table is fetched in two steps while the rows before it are added: the
 * chain's begin, then its first slot. */
static void rows_prefetch(const struct tg_bill_collect *collect, const struct tg_scan_view *view,
                          uint32_t i)
{
    if (i + AHEAD_FAR < view->rows_count) {
        const uint32_t subscriber = view->subscriber[i + AHEAD_FAR];
        if (subscriber < collect->roster->subscribers_count) {
            __builtin_prefetch(&collect->roster->lines[subscriber]);
            tg_bill_lines_prefetch(collect->lines, subscriber, false);
        }
    }
    if (i + AHEAD_NEAR < view->rows_count) {
        tg_bill_lines_prefetch(collect->lines, view->subscriber[i + AHEAD_NEAR], true);
    }
}

static enum tg_err block_fold(void *context, const struct tg_scan_view *view)
{
    struct tg_bill_collect *collect = context;
    enum tg_err err = TG_OK;
    for (uint32_t i = 0; i < view->rows_count && err == TG_OK; i++) {
        rows_prefetch(collect, view, i);
        int64_t *last_ns = &collect->last_event_ns[view->source_id[i]];
        if (view->source_id[i] != TG_ADJUST_SOURCE_ID && view->start_ns[i] > *last_ns) {
            *last_ns = view->start_ns[i];
        }
        switch (view->fate[i]) {
        case TG_FATE_RATED:
            err = is_billed(view, i) ? rated_fold(collect, view, i) : TG_OK;
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
    collect->rows_late_count = 0;
    collect->rows_next_count = 0;
    collect->rows_written_off_count = 0;
    collect->rows_waiting_count = 0;
    collect->has_prepaid = false;
    for (uint32_t i = 0; i < TG_BILL_SOURCE_IDS; i++) {
        collect->last_event_ns[i] = INT64_MIN;
    }
    int64_t min_ns = INT64_MAX;
    int64_t max_ns = INT64_MIN;
    int64_t start_max_ns = INT64_MIN;
    const uint32_t bills_count = collect->bills_count > 1 ? collect->bills_count : 1;
    for (uint32_t i = 0; i < bills_count * collect->zones_count * TG_BILL_CYCLE_DAYS; i++) {
        const struct tg_bill_window *window = &collect->windows[i];
        if (window->start_ns >= window->end_ns) {
            continue; /* No bill of its kind is made with the month. */
        }
        min_ns = window->start_ns < min_ns ? window->start_ns : min_ns;
        max_ns = window->end_ns > max_ns ? window->end_ns : max_ns;
        start_max_ns = window->start_ns > start_max_ns ? window->start_ns : start_max_ns;
    }
    const struct tg_scan_params params = {
        .size_bytes = sizeof params,
        .sections = TG_SECTION_BIT(TG_SECTION_ROWS),
        .dir = collect->data_dir,
        .columns = collect->bands != NULL ? COLUMNS | COLUMNS_BANDS : COLUMNS,
        .epoch_max = collect->epoch_last,
        .event_min_ns = min_ns,
        .event_max_ns = max_ns + TG_BILL_CLOSE_WINDOW_NS};
    struct tg_scan *scan = NULL;
    enum tg_err err = tg_scan_open(&params, &scan, why);
    if (err == TG_OK) {
        err = tg_scan_fold(scan, block_fold, collect, why);
    }
    tg_scan_close(scan);
    return err == TG_OK ? late_collect(collect, start_max_ns, why) : err;
}

static enum tg_err sources_fold(void *context, const struct tg_scan_view *view)
{
    struct tg_bill_collect *collect = context;
    const struct tg_journal_source *sources = NULL;
    uint32_t count = 0;
    const enum tg_err err = tg_scan_sources(view, &sources, &count, NULL);
    for (uint32_t i = 0; err == TG_OK && i < count; i++) {
        struct tg_bill_source *source = &collect->sources[sources[i].source_id];
        source->records_count += sources[i].in_records + sources[i].refused_records;
        /* An entry takes back what came after all, modulo 2^64. */
        source->missing_count += (int64_t)sources[i].missing_count;
    }
    return err;
}

enum tg_err tg_bill_collect_sources(struct tg_bill_collect *collect, struct tg_why *why)
{
    for (uint32_t i = 0; i < TG_BILL_SOURCE_IDS; i++) {
        collect->sources[i] = (struct tg_bill_source){0, 0};
    }
    const struct tg_scan_params params = {.size_bytes = sizeof params,
                                          .sections = TG_SECTION_BIT(TG_SECTION_SOURCES),
                                          .dir = collect->data_dir,
                                          .epoch_max = collect->epoch_last};
    struct tg_scan *scan = NULL;
    enum tg_err err = tg_scan_open(&params, &scan, why);
    if (err == TG_OK) {
        err = tg_scan_fold(scan, sources_fold, collect, why);
    }
    tg_scan_close(scan);
    return err;
}
