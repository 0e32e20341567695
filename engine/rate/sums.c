/* SPDX-License-Identifier: Apache-2.0 */
/* A column at a time where that tells that all rows are sums, as for most journals it does; one by
 * one where not. */
#include "rate/sums.h"

#include "base/arena.h"
#include "rate/account_state.h"
#include "rate/sum_row.h"

#include <assert.h>
#include <string.h>

#define AHEAD_ROWS  16u
#define BATCH_ROWS  256u  /* whose columns stay in the first-level cache from look to sum */
#define ROWS_FIRST  1024u /* small journals need no more room */
#define PIECE_SHIFT 14u   /* 16,384 lines of a month: 1 MiB stays in the second-level cache */
#define PIECES_MAX  1024u /* more subscribers have larger pieces */

uint32_t tg_sum_piece_shift(uint32_t subscribers_max)
{
    uint32_t shift = PIECE_SHIFT;
    while ((subscribers_max - 1) >> shift >= PIECES_MAX) {
        shift++;
    }
    return shift;
}

/* ---- the image ------------------------------------------------------------------------------- */

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
static bool image_has_rules(const struct tg_image *image)
{
    for (uint32_t i = 0; i < image->sections[TG_IMAGE_SECTION_PRICE_INFO].count; i++) {
        if (tg_sum_info_is_ruled(tg_image_price_info(image, i))) {
            return true;
        }
    }
    return false;
}

void tg_sum_enter(struct tg_rate_priced *priced, const struct tg_catalog_snapshot *snapshot,
                  uint32_t version)
{
    const struct tg_image *image =
        snapshot != NULL ? tg_catalog_image_version(snapshot, version) : NULL;
    const bool is_known = image != NULL && image == priced->image &&
                          image->version == priced->version &&
                          image->content_hash == priced->content_hash;
    priced->version = version;
    priced->is_entered = true;
    priced->image = image;
    if (is_known || image == NULL) {
        return;
    }
    priced->content_hash = image->content_hash;
    priced->prices_count = image->sections[TG_IMAGE_SECTION_PRICE_INFO].count;
    for (unsigned unit = 0; unit < TG_UNIT_COUNT; unit++) {
        priced->unit_base_counts[unit] = tg_unit_base_count(unit);
    }
    priced->has_buckets = image_has_buckets(image);
    priced->has_calls = image_has_calls(image);
    priced->has_rules = image_has_rules(image);
}

/* ---- room ------------------------------------------------------------------------------------ */

struct tg_rate_sums *tg_rate_sums_create(const struct tg_accounts *accounts)
{
    const uint32_t subscribers_max = tg_accounts_subscribers_max(accounts);
    struct tg_rate_sums *made = tg_pages_take(sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    made->subscribers_max = subscribers_max;
    made->piece_shift = tg_sum_piece_shift(subscribers_max);
    made->pieces_count = tg_sum_pieces_count(subscribers_max);
    made->ends = tg_pages_take(made->pieces_count * sizeof *made->ends);
    if (made->ends == NULL) {
        tg_rate_sums_free(made);
        return NULL;
    }
    return made;
}

void tg_rate_sums_free(struct tg_rate_sums *sums)
{
    if (sums != NULL) {
        tg_pages_free(sums->rows, sums->rows_capacity * sizeof *sums->rows);
        tg_pages_free(sums->ends, sums->pieces_count * sizeof *sums->ends);
        tg_pages_free(sums, sizeof *sums);
    }
}

static bool rows_room(struct tg_rate_sums *sums, uint32_t count)
{
    uint32_t capacity = sums->rows_capacity > 0 ? sums->rows_capacity : ROWS_FIRST;
    while (capacity < count) {
        capacity *= 2;
    }
    if (capacity > sums->rows_capacity) {
        tg_pages_free(sums->rows, sums->rows_capacity * sizeof *sums->rows);
        sums->rows = tg_pages_take(capacity * sizeof *sums->rows);
        sums->rows_capacity = sums->rows != NULL ? capacity : 0;
    }
    return sums->rows != NULL;
}

/* ---- sums ------------------------------------------------------------------------------------ */

/* Where the rated rows of each piece begin. Returns false when one is of nobody. */
static bool pieces_begin(struct tg_rate_sums *sums, const struct tg_rate_columns *columns,
                         uint32_t count)
{
    memset(sums->ends, 0, sums->pieces_count * sizeof *sums->ends);
    for (uint32_t i = 0; i < count; i++) {
        if (columns->fate[i] == TG_FATE_RATED) {
            if (columns->subscriber[i] >= sums->subscribers_max) {
                return false;
            }
            sums->ends[columns->subscriber[i] >> sums->piece_shift]++;
        }
    }
    uint32_t begin = 0;
    for (uint32_t piece = 0; piece < sums->pieces_count; piece++) {
        const uint32_t rows_count = sums->ends[piece];
        sums->ends[piece] = begin;
        begin += rows_count;
    }
    return true;
}

static inline const struct tg_rate_laid *place_of(const struct tg_rate_sums *sums,
                                                  uint32_t subscriber)
{
    return &sums->rows[sums->ends[subscriber >> sums->piece_shift]];
}

static inline struct tg_rate_laid *place_next(struct tg_rate_sums *sums, uint32_t subscriber)
{
    return &sums->rows[sums->ends[subscriber >> sums->piece_shift]++];
}

static uint32_t period_of(struct tg_rate_sums *sums, int64_t time_ns)
{
    if (time_ns < sums->month.from_ns || time_ns >= sums->month.to_ns) {
        struct tg_rate_month month;
        if (tg_rate_month_make(time_ns, &month) == 0) {
            return 0;
        }
        sums->month = month;
    }
    return sums->month.period;
}

/* Are rows all of one month? */
static bool rows_are_of_month(struct tg_rate_sums *sums, const int64_t *start_ns, uint32_t count)
{
    const uint32_t period = period_of(sums, start_ns[0]);
    const int64_t from_ns = sums->month.from_ns;
    const int64_t to_ns = sums->month.to_ns;
    unsigned outside = period == 0 || period > UINT16_MAX;
    for (uint32_t i = 0; i < count; i++) {
        outside |= (unsigned)(start_ns[i] < from_ns) | (unsigned)(start_ns[i] >= to_ns);
    }
    return outside == 0;
}

/* Are all rows sums, whoever they are of? False tells nothing. */
static bool columns_are_sums(struct tg_rate_priced *priced,
                             const struct tg_catalog_snapshot *snapshot,
                             const struct tg_rate_columns *columns, uint32_t count)
{
    const uint32_t version = columns->catalog_version[0];
    if (!tg_sum_is_entered(priced, version)) {
        tg_sum_enter(priced, snapshot, version);
    }
    if (priced->image == NULL || priced->has_buckets || priced->has_rules) {
        return false;
    }
    const uint32_t prices_count = priced->prices_count;
    const uint8_t flags_long = priced->has_calls ? TG_USAGE_PARTIAL : 0;
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
                  (unsigned)(columns->price_id[i] >= prices_count);
    }
    for (uint32_t i = 0; i < count; i++) {
        others |= columns->allowance_units[i] > columns->billed_units[i];
    }
    return others == 0;
}

/* Sums of rows of which columns_are_sums is true, in the month. Returns false when one is too
 * large. */
static bool batch_make(struct tg_rate_sums *sums, const struct tg_rate_columns *columns,
                       uint32_t count)
{
    const uint32_t period = sums->month.period;
    bool is_made = true;
    for (uint32_t i = 0; i < count; i++) {
        if (i + AHEAD_ROWS < count) {
            __builtin_prefetch(place_of(sums, columns->subscriber[i + AHEAD_ROWS]), 1);
        }
        const struct tg_usage row = {.service = columns->service[i]};
        const struct tg_charge charge = {.amount = columns->amount[i],
                                         .billed_units = columns->billed_units[i],
                                         .allowance_units = columns->allowance_units[i],
                                         .subscriber = columns->subscriber[i],
                                         .unit = columns->unit[i]};
        is_made = tg_sum_make(&sums->priced, &row, &charge, period,
                              place_next(sums, charge.subscriber)) &&
                  is_made;
    }
    return is_made;
}

/* Sums of rows one by one. Returns false when one is more, or none that can be. */
static bool rows_make(struct tg_rate_sums *sums, const struct tg_catalog_snapshot *snapshot,
                      const struct tg_rate_columns *columns, uint32_t count)
{
    enum tg_sum_way way = TG_SUM_NONE;
    for (uint32_t i = 0; i < count && way <= TG_SUM_NONE; i++) {
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
        struct tg_rate_laid laid;
        way = tg_sum_row(&sums->priced, snapshot, sums->subscribers_max, &row, &charge,
                         period_of(sums, row.start_ns), &laid);
        if (way == TG_SUM_MADE) {
            *place_next(sums, charge.subscriber) = laid;
        }
    }
    return way <= TG_SUM_NONE;
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

void tg_rate_sums_make(struct tg_rate_sums *sums, const struct tg_catalog_snapshot *snapshot,
                       const struct tg_rate_columns *columns, uint32_t count)
{
    sums->priced.is_entered = false; /* another snapshot may lie at the same address */
    sums->is_whole = rows_room(sums, count) && pieces_begin(sums, columns, count);
    for (uint32_t at = 0; at < count && sums->is_whole; at += BATCH_ROWS) {
        const struct tg_rate_columns batch = columns_from(columns, at);
        const uint32_t batch_count = count - at < BATCH_ROWS ? count - at : BATCH_ROWS;
        sums->is_whole = rows_are_of_month(sums, batch.start_ns, batch_count) &&
                                 columns_are_sums(&sums->priced, snapshot, &batch, batch_count)
                             ? batch_make(sums, &batch, batch_count)
                             : rows_make(sums, snapshot, &batch, batch_count);
    }
}
