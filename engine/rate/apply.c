/* SPDX-License-Identifier: Apache-2.0 */
/* Replay of stored verdicts: sums, not prices. Recovery runs through all rows of the journal here,
 * so a row of a plan that keeps everything in the account line costs that line and nothing else:
 * neither the subscriber's line nor his shelves are looked at. */
#include "base/arena.h"
#include "catalog/catalog.h"
#include "rate/account_state.h"
#include "rate/reverse.h"
#include "rate/worker.h"

#include <assert.h>

#define AHEAD_ROWS  16u
#define BATCH_ROWS  256u  /* sums of so many rows stay in the first-level cache */
#define PIECE_SHIFT 14u   /* 16,384 lines of a month: 1 MiB stays in the second-level cache */
#define PIECES_MAX  1024u /* more subscribers have larger pieces */

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Does any plan of the image have a list of allowances? */
static bool image_has_buckets(const struct tg_image *image)
{
    const struct tg_plan_service *cells =
        (const struct tg_plan_service *)tg_image_section(image, TG_IMAGE_SECTION_PLAN_SERVICES);
    for (uint32_t i = 0; i < image->sections[TG_IMAGE_SECTION_PLAN_SERVICES].count; i++) {
        if (cells[i].is_present != 0 && cells[i].buckets_count != 0) {
            return true;
        }
    }
    return false;
}

/* Must any price of the image know what the call of a partial record used before? */
static bool image_has_calls(const struct tg_image *image)
{
    const struct tg_plan_terms *terms =
        (const struct tg_plan_terms *)tg_image_section(image, TG_IMAGE_SECTION_PLAN_TERMS);
    for (uint32_t i = 0; i < image->sections[TG_IMAGE_SECTION_PLAN_TERMS].count; i++) {
        if (terms[i].rate_change == TG_RATE_CHANGE_CALL) {
            return true;
        }
    }
    for (uint32_t i = 0; i < image->sections[TG_IMAGE_SECTION_PRICE_INFO].count; i++) {
        if (tg_image_price(image, i) != NULL && tg_call_is_kept(image, i)) {
            return true;
        }
    }
    return false;
}

/* May rows of any price of the image cost something else than their charge, or move a shelf? */
static bool info_is_ruled(const struct tg_price_info *info)
{
    return tg_rate_is_counted_aside(info) || (info->options & TG_PRICE_RULES) != 0;
}

static bool image_has_rules(const struct tg_image *image)
{
    for (uint32_t i = 0; i < image->sections[TG_IMAGE_SECTION_PRICE_INFO].count; i++) {
        if (info_is_ruled(tg_image_price_info(image, i))) {
            return true;
        }
    }
    return false;
}

static void image_enter(struct tg_rate_applied *applied, const struct tg_catalog_snapshot *snapshot,
                        uint32_t version)
{
    const struct tg_image *image =
        snapshot != NULL ? tg_catalog_image_version(snapshot, version) : NULL;
    const bool is_known = image != NULL && image == applied->image &&
                          image->version == applied->version &&
                          image->content_hash == applied->content_hash;
    applied->version = version;
    applied->is_entered = true;
    if (is_known || image == NULL) {
        applied->image = image;
        return;
    }
    applied->image = image;
    applied->content_hash = image->content_hash;
    applied->prices_count = image->sections[TG_IMAGE_SECTION_PRICE_INFO].count;
    for (unsigned unit = 0; unit < TG_UNIT_COUNT; unit++) {
        applied->unit_base_counts[unit] = tg_unit_base_count(unit);
    }
    applied->has_buckets = image_has_buckets(image);
    applied->has_calls = image_has_calls(image);
    applied->has_rules = image_has_rules(image);
}

/* Can the row have moved a shelf, or cost something else than its charge? False is certain, true is
 * for tg_rate_shelves_apply to tell. */
static ALWAYS_INLINE bool row_is_shelved(struct tg_rate *rate,
                                         const struct tg_catalog_snapshot *snapshot,
                                         const struct tg_usage *row, const struct tg_charge *charge)
{
    struct tg_rate_applied *applied = &rate->applied;
    if (tg_row_is_adjustment(row) || tg_usage_is_reversal(row)) {
        return true;
    }
    if (__builtin_expect(!applied->is_entered || applied->version != charge->catalog_version, 0)) {
        image_enter(applied, snapshot, charge->catalog_version);
    }
    if (applied->image == NULL || charge->price_id >= applied->prices_count) {
        return true;
    }
    if (((row->flags & TG_USAGE_PARTIAL) != 0 && applied->has_calls) ||
        tg_accounts_calls_open(rate->accounts, charge->subscriber) != 0) {
        return true;
    }
    if (applied->has_rules &&
        info_is_ruled(tg_image_price_info(applied->image, charge->price_id))) {
        return true;
    }
    if (!applied->has_buckets) {
        return false;
    }
    if (charge->subscriber >= snapshot->roster->subscribers_count) {
        return true;
    }
    const uint16_t index = tg_roster_product(snapshot->roster, charge->subscriber, row->start_ns);
    const struct tg_product *product =
        index != TG_ROSTER_ASK_LINE ? tg_image_product(applied->image, index) : NULL;
    const struct tg_plan_service *plan_service =
        product == NULL ? NULL
        : tg_rate_row_is_received(row)
            ? tg_image_plan_received(applied->image, product->plan, row->service)
            : tg_image_plan_service(applied->image, product->plan, row->service);
    return plan_service == NULL || plan_service->buckets_count != 0;
}

/* ---- rows kept back ---------------------------------------------------------------------------
 */

enum tg_err tg_rate_apply_begin(struct tg_rate *rate)
{
    struct tg_rate_applied *applied = &rate->applied;
    const uint32_t last = tg_accounts_subscribers_max(rate->accounts) - 1;
    assert(applied->laid == NULL);
    applied->piece_shift = PIECE_SHIFT;
    while (last >> applied->piece_shift >= PIECES_MAX) {
        applied->piece_shift++;
    }
    applied->pieces_count = (last >> applied->piece_shift) + 1;
    applied->laid =
        tg_pages_take((size_t)applied->pieces_count * TG_RATE_PIECE_ROWS * sizeof *applied->laid);
    applied->laid_counts = tg_pages_take(applied->pieces_count * sizeof *applied->laid_counts);
    if (applied->laid == NULL || applied->laid_counts == NULL) {
        tg_rate_apply_drop(rate);
        return TG_E_NO_MEMORY;
    }
    return TG_OK;
}

void tg_rate_apply_drop(struct tg_rate *rate)
{
    struct tg_rate_applied *applied = &rate->applied;
    tg_pages_free(applied->laid,
                  (size_t)applied->pieces_count * TG_RATE_PIECE_ROWS * sizeof *applied->laid);
    tg_pages_free(applied->laid_counts, applied->pieces_count * sizeof *applied->laid_counts);
    *applied = (struct tg_rate_applied){0};
}

/* What a rated row adds to its line; false: its units cannot be a charge's, or are more than a
 * counter holds. */
static ALWAYS_INLINE bool laid_make(const struct tg_rate_applied *applied,
                                    const struct tg_usage *row, const struct tg_charge *charge,
                                    uint32_t period, struct tg_rate_laid *laid)
{
    const uint64_t unit_base_count = applied->unit_base_counts[charge->unit];
    const bool is_metered = charge->unit != TG_UNIT_AMOUNT; /* carried money is no usage */
    const enum tg_account_meter_kind meter = tg_account_meter_of(row->service);
    uint64_t billed_base;
    const bool is_over =
        __builtin_mul_overflow(charge->billed_units, unit_base_count, &billed_base);
    const uint64_t allowance_base = charge->allowance_units * unit_base_count;
    laid->amount = charge->amount;
    laid->priced_base = billed_base - allowance_base;
    laid->allowance_base = allowance_base;
    laid->subscriber = charge->subscriber;
    laid->month = period << 16 | (is_metered ? (uint32_t)meter : TG_METERS_COUNT);
    return !is_over && billed_base <= TG_METER_BASE_MAX;
}

/* Addresses first, then one prefetch after the other: page walks that follow each other closely
 * overlap. Inlined, as gcc takes calls of a function that does nothing else for dead. */
static ALWAYS_INLINE void lines_ask(const struct tg_accounts *accounts,
                                    const struct tg_rate_laid *laid, uint32_t count)
{
    const struct tg_account_line *lines[AHEAD_ROWS];
    for (uint32_t i = 0; i < count; i++) {
        lines[i] = &accounts->lines[laid[i].month >> 16 & 1][laid[i].subscriber];
    }
    for (uint32_t i = 0; i < count; i++) {
        __builtin_prefetch(lines[i], 1, 3);
    }
}

/* As tg_account_post. */
static inline bool line_add(struct tg_account_line *line, const struct tg_rate_laid *laid)
{
    const uint32_t kind = laid->month & UINT16_MAX;
    int64_t cost;
    if (__builtin_add_overflow(line->cost, laid->amount, &cost)) {
        return false;
    }
    if (__builtin_expect(kind < TG_METERS_COUNT, 1)) {
        struct tg_account_meter *meter = &line->meters[kind];
        if (laid->priced_base > TG_METER_BASE_MAX - meter->priced_base ||
            laid->allowance_base > TG_METER_BASE_MAX - meter->allowance_base ||
            tg_account_events(meter) == UINT32_MAX) {
            return false;
        }
        tg_account_meter_add(meter, laid->priced_base, laid->allowance_base);
    }
    line->cost = cost;
    return true;
}

static inline bool line_post(struct tg_accounts *accounts, const struct tg_rate_laid *laid)
{
    const uint32_t period = laid->month >> 16;
    struct tg_account_line *line = &accounts->lines[period & 1][laid->subscriber];
    if (__builtin_expect(line->period == period, 1)) {
        tg_accounts_touch(accounts, laid->subscriber, period);
    } else {
        line = tg_accounts_line(accounts, laid->subscriber, period);
    }
    return line != NULL && line_add(line, laid);
}

/* Posts rows in their order. */
static enum tg_err laid_post(struct tg_accounts *accounts, const struct tg_rate_laid *laid,
                             uint32_t count)
{
    bool is_posted = true;
    uint32_t asked = count < AHEAD_ROWS ? count : AHEAD_ROWS;
    lines_ask(accounts, laid, asked);
    for (uint32_t i = 0; i < count && is_posted;) {
        const uint32_t end = asked;
        asked = count - end < AHEAD_ROWS ? count : end + AHEAD_ROWS;
        lines_ask(accounts, laid + end, asked - end);
        for (; i < end && is_posted; i++) {
            is_posted = line_post(accounts, &laid[i]);
        }
    }
    return is_posted ? TG_OK : TG_E_CORRUPT;
}

static enum tg_err piece_post(struct tg_rate *rate, uint32_t piece)
{
    const uint32_t count = rate->applied.laid_counts[piece];
    rate->applied.laid_counts[piece] = 0;
    return laid_post(rate->accounts, rate->applied.laid + (size_t)piece * TG_RATE_PIECE_ROWS,
                     count);
}

enum tg_err tg_rate_apply_end(struct tg_rate *rate)
{
    enum tg_err err = TG_OK;
    for (uint32_t piece = 0; piece < rate->applied.pieces_count; piece++) {
        const enum tg_err posted = piece_post(rate, piece);
        err = err == TG_OK ? posted : err;
    }
    tg_rate_apply_drop(rate);
    return err;
}

/* Keeps rows back with others of their piece, or posts them. The places that are written next are
 * a cache miss each, and stores wait for each other. */
static enum tg_err rows_lay(struct tg_rate *rate, const struct tg_rate_laid *rows, uint32_t count)
{
    const struct tg_rate_applied *applied = &rate->applied;
    enum tg_err err = TG_OK;
    if (applied->laid == NULL) {
        return laid_post(rate->accounts, rows, count);
    }
    for (uint32_t i = 0; i < count && err == TG_OK; i++) {
        if (i + AHEAD_ROWS < count) {
            const uint32_t next = rows[i + AHEAD_ROWS].subscriber >> applied->piece_shift;
            __builtin_prefetch(
                applied->laid + (size_t)next * TG_RATE_PIECE_ROWS + applied->laid_counts[next], 1);
        }
        const uint32_t piece = rows[i].subscriber >> applied->piece_shift;
        if (applied->laid_counts[piece] == TG_RATE_PIECE_ROWS) {
            err = piece_post(rate, piece);
        }
        applied->laid[(size_t)piece * TG_RATE_PIECE_ROWS + applied->laid_counts[piece]++] = rows[i];
    }
    return err;
}

/* ---- a row ------------------------------------------------------------------------------------
 */

/* The way through the shelves, and of adjustments; behind all rows of the line before it. */
static enum tg_err row_long_apply(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                                  const struct tg_usage *row, const struct tg_charge *charge,
                                  uint32_t period)
{
    const bool is_ahead = tg_accounts_is_ahead(rate->accounts, charge->subscriber);
    if (rate->applied.laid != NULL &&
        piece_post(rate, charge->subscriber >> rate->applied.piece_shift) != TG_OK) {
        return TG_E_CORRUPT;
    }
    struct tg_account_line *line =
        is_ahead ? NULL : tg_accounts_line(rate->accounts, charge->subscriber, period);
    if (line == NULL && tg_row_is_adjustment(row)) {
        return TG_OK; /* A month that has no counters any more was corrected: only bills care. */
    }
    struct tg_charge posted = *charge;
    if ((line == NULL && !is_ahead) ||
        tg_rate_shelves_apply(rate, snapshot, row, charge, &posted.amount) != TG_OK) {
        return TG_E_CORRUPT;
    }
    if (tg_usage_is_reversal(row)) {
        return is_ahead || (tg_rate_reverse_post(line, row, &posted) &&
                            tg_account_cost_add(line, posted.amount))
                   ? TG_OK
                   : TG_E_CORRUPT;
    }
    if (!is_ahead && !tg_account_fits(line, row, &posted)) {
        return TG_E_CORRUPT;
    }
    if (!is_ahead) {
        tg_account_apply(line, row, &posted);
    }
    return TG_OK;
}

/* What a row is to be applied as. */
enum row_way {
    ROW_SUMMED,  /* its sums are in laid */
    ROW_PRESENT, /* nothing is to be done */
    ROW_LONG,    /* it needs the way through the shelves */
    ROW_BAD      /* TG_E_CORRUPT */
};

/* The usual row is sums. Inlined, so that a row of columns is never put together. */
static ALWAYS_INLINE enum row_way row_sum(struct tg_rate *rate,
                                          const struct tg_catalog_snapshot *snapshot,
                                          const struct tg_usage *row,
                                          const struct tg_charge *charge, uint32_t period,
                                          struct tg_rate_laid *laid)
{
    if (charge->fate != TG_FATE_RATED) {
        return ROW_PRESENT;
    }
    if (period == 0 || period > UINT16_MAX ||
        charge->subscriber >= tg_accounts_subscribers_max(rate->accounts)) {
        return ROW_BAD;
    }
    if (row_is_shelved(rate, snapshot, row, charge)) {
        return ROW_LONG;
    }
    /* Lines may have been copied later than the checkpoint began: such a row is in them already. */
    if (tg_accounts_is_ahead(rate->accounts, charge->subscriber)) {
        return ROW_PRESENT;
    }
    if (charge->unit >= TG_UNIT_COUNT || charge->allowance_units > charge->billed_units) {
        return ROW_BAD;
    }
    return laid_make(&rate->applied, row, charge, period, laid) ? ROW_SUMMED : ROW_BAD;
}

enum tg_err tg_rate_apply(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                          const struct tg_usage *rows, const struct tg_charge *charges,
                          uint32_t count)
{
    enum tg_err err = TG_OK;
    rate->applied.is_entered = false; /* another snapshot may lie at the same address */
    for (uint32_t i = 0; i < count && err == TG_OK; i++) {
        struct tg_rate_laid laid;
        const uint32_t period = tg_rate_period(rate, rows[i].start_ns);
        switch (row_sum(rate, snapshot, &rows[i], &charges[i], period, &laid)) {
        case ROW_SUMMED:
            err = rows_lay(rate, &laid, 1);
            break;
        case ROW_PRESENT:
            break;
        case ROW_LONG:
            err = row_long_apply(rate, snapshot, &rows[i], &charges[i], period);
            break;
        default:
            err = TG_E_CORRUPT;
            break;
        }
    }
    return err;
}

/* Sums of rows one by one, up to one that is no sum. Returns which that is. */
static uint32_t columns_sum(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                            const struct tg_rate_columns *columns, uint32_t count,
                            struct tg_rate_laid *laid, uint32_t *laid_count, enum row_way *way)
{
    uint32_t sums_count = 0;
    uint32_t i = 0;
    for (; i < count; i++) {
        const struct tg_usage row = {.start_ns = columns->start_ns[i],
                                     .source_id = columns->source_id[i],
                                     .service = columns->service[i],
                                     .key_kinds = columns->key_kinds[i],
                                     .flags = columns->flags[i]};
        const struct tg_charge charge = {.amount = columns->amount[i],
                                         .billed_units = columns->billed_units[i],
                                         .allowance_units = columns->allowance_units[i],
                                         .subscriber = columns->subscriber[i],
                                         .price_id = columns->price_id[i],
                                         .catalog_version = columns->catalog_version[i],
                                         .fate = columns->fate[i],
                                         .unit = columns->unit[i]};
        const uint32_t period = tg_rate_period(rate, row.start_ns);
        *way = row_sum(rate, snapshot, &row, &charge, period, &laid[sums_count]);
        sums_count += *way == ROW_SUMMED;
        if (*way > ROW_PRESENT) {
            break;
        }
    }
    *laid_count = sums_count;
    return i;
}

/* The month of rows that are all of one; NULL: they are not. */
static const struct tg_rate_month *rows_month(struct tg_rate *rate, const int64_t *start_ns,
                                              uint32_t count)
{
    const uint32_t period = tg_rate_period(rate, start_ns[0]);
    const struct tg_rate_month *month = &rate->months[0];
    while (month->period != period && month < &rate->months[TG_RATE_MONTHS_MAX - 1]) {
        month++;
    }
    const int64_t from_ns = month->from_ns;
    const int64_t to_ns = month->to_ns;
    unsigned outside = period == 0 || period > UINT16_MAX;
    for (uint32_t i = 0; i < count; i++) {
        outside |= (unsigned)(start_ns[i] < from_ns) | (unsigned)(start_ns[i] >= to_ns);
    }
    return outside == 0 ? month : NULL;
}

/* Are all rows sums, whoever they are of? A column at a time, as for most journals that is all
 * there is to look at. False tells nothing. */
static bool columns_are_sums(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                             const struct tg_rate_columns *columns, uint32_t count)
{
    struct tg_rate_applied *applied = &rate->applied;
    const uint32_t version = columns->catalog_version[0];
    if (!applied->is_entered || applied->version != version) {
        image_enter(applied, snapshot, version);
    }
    if (applied->image == NULL || applied->has_buckets || applied->has_rules ||
        !tg_accounts_is_plain(rate->accounts)) {
        return false;
    }
    const uint32_t subscribers_max = tg_accounts_subscribers_max(rate->accounts);
    const uint32_t prices_count = applied->prices_count;
    const uint8_t flags_long = applied->has_calls ? TG_USAGE_PARTIAL : 0;
    unsigned others = 0;
    for (uint32_t i = 0; i < count; i++) {
        others |= (unsigned)(columns->fate[i] ^ TG_FATE_RATED) |
                  (columns->key_kinds[i] & TG_KEY_KINDS_REVERSAL) |
                  (columns->flags[i] & flags_long) | (unsigned)(columns->unit[i] >= TG_UNIT_COUNT);
    }
    for (uint32_t i = 0; i < count; i++) {
        others |= columns->source_id[i] == TG_ADJUST_SOURCE_ID;
    }
    for (uint32_t i = 0; i < count; i++) {
        others |= (columns->catalog_version[i] ^ version) |
                  (unsigned)(columns->price_id[i] >= prices_count) |
                  (unsigned)(columns->subscriber[i] >= subscribers_max);
    }
    for (uint32_t i = 0; i < count; i++) {
        others |= columns->allowance_units[i] > columns->billed_units[i];
    }
    return others == 0;
}

/* Sums of rows of which columns_are_sums is true, in one month. Returns false when one is too
 * large. */
static bool sums_make(const struct tg_rate_applied *applied, const struct tg_rate_columns *columns,
                      uint32_t count, uint32_t period, struct tg_rate_laid *laid)
{
    bool is_made = true;
    for (uint32_t i = 0; i < count; i++) {
        const struct tg_usage row = {.service = columns->service[i]};
        const struct tg_charge charge = {.amount = columns->amount[i],
                                         .billed_units = columns->billed_units[i],
                                         .allowance_units = columns->allowance_units[i],
                                         .subscriber = columns->subscriber[i],
                                         .unit = columns->unit[i]};
        is_made = laid_make(applied, &row, &charge, period, &laid[i]) && is_made;
    }
    return is_made;
}

static struct tg_rate_columns columns_from(const struct tg_rate_columns *columns, uint32_t from)
{
    return (struct tg_rate_columns){.start_ns = columns->start_ns + from,
                                    .source_id = columns->source_id + from,
                                    .service = columns->service + from,
                                    .key_kinds = columns->key_kinds + from,
                                    .flags = columns->flags + from,
                                    .amount = columns->amount + from,
                                    .billed_units = columns->billed_units + from,
                                    .allowance_units = columns->allowance_units + from,
                                    .subscriber = columns->subscriber + from,
                                    .price_id = columns->price_id + from,
                                    .catalog_version = columns->catalog_version + from,
                                    .fate = columns->fate + from,
                                    .unit = columns->unit + from};
}

enum tg_err tg_rate_apply_columns(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                                  const struct tg_rate_columns *columns, uint32_t count,
                                  uint32_t *done_count)
{
    struct tg_rate_laid laid[BATCH_ROWS];
    enum tg_err err = TG_OK;
    enum row_way way = ROW_SUMMED;
    uint32_t done = 0;
    rate->applied.is_entered = false; /* another snapshot may lie at the same address */
    while (done < count && err == TG_OK && way != ROW_LONG) {
        const struct tg_rate_columns batch = columns_from(columns, done);
        const uint32_t batch_count = count - done < BATCH_ROWS ? count - done : BATCH_ROWS;
        const struct tg_rate_month *month = rows_month(rate, batch.start_ns, batch_count);
        uint32_t laid_count = batch_count;
        if (month != NULL && columns_are_sums(rate, snapshot, &batch, batch_count)) {
            way = sums_make(&rate->applied, &batch, batch_count, month->period, laid) ? ROW_SUMMED
                                                                                      : ROW_BAD;
            done += batch_count;
        } else {
            done += columns_sum(rate, snapshot, &batch, batch_count, laid, &laid_count, &way);
        }
        err = rows_lay(rate, laid, laid_count);
        err = way == ROW_BAD ? TG_E_CORRUPT : err;
    }
    *done_count = done;
    return err;
}
