/* SPDX-License-Identifier: Apache-2.0 */
/* A column at a time where that tells that all rows are sums, as for most journals it does; one by
 * one where not. */
#include "rate/sums.h"

#include "base/arena.h"
#include "rate/account_state.h"
#include "rate/sum_row.h"

#include <assert.h>

#define BATCH_ROWS 256u  /* whose columns stay in the first-level cache from look to sum */
#define ROWS_FIRST 1024u /* small journals need no more room */

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

/* Must any price or plan of the image know what the call of a partial record used before? */
static bool image_has_calls(const struct tg_image *image)
{
    const struct tg_plan_service *cells =
        (const struct tg_plan_service *)tg_image_section(image, TG_IMAGE_SECTION_PLAN_SERVICES);
    const struct tg_plan_terms *terms =
        (const struct tg_plan_terms *)tg_image_section(image, TG_IMAGE_SECTION_PLAN_TERMS);
    for (uint32_t i = 0; i < image->sections[TG_IMAGE_SECTION_PLAN_TERMS].count; i++) {
        if (terms[i].rate_change == TG_RATE_CHANGE_CALL) {
            return true;
        }
    }
    for (uint32_t i = 0; i < image->sections[TG_IMAGE_SECTION_PLAN_SERVICES].count; i++) {
        if (cells[i].is_present != 0 && tg_call_has_one_band(&cells[i])) {
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
    struct tg_rate_sums *made = tg_pages_take(sizeof *made);
    if (made != NULL) {
        made->subscribers_max = tg_accounts_subscribers_max(accounts);
    }
    return made;
}

void tg_rate_sums_free(struct tg_rate_sums *sums)
{
    if (sums != NULL) {
        tg_pages_free(sums->rows, sums->rows_capacity * sizeof *sums->rows);
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
static bool columns_are_sums(struct tg_rate_sums *sums, const struct tg_catalog_snapshot *snapshot,
                             const struct tg_rate_columns *columns, uint32_t count)
{
    struct tg_rate_priced *priced = &sums->priced;
    const uint32_t version = columns->catalog_version[0];
    if (!tg_sum_is_entered(priced, version)) {
        tg_sum_enter(priced, snapshot, version);
    }
    if (priced->image == NULL || priced->has_buckets || priced->has_rules) {
        return false;
    }
    const uint32_t subscribers_max = sums->subscribers_max;
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
                  (unsigned)(columns->price_id[i] >= prices_count) |
                  (unsigned)(columns->subscriber[i] >= subscribers_max);
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
    struct tg_rate_laid *rows = sums->rows + sums->rows_count;
    const uint32_t period = sums->month.period;
    bool is_made = true;
    for (uint32_t i = 0; i < count; i++) {
        const struct tg_usage row = {.service = columns->service[i]};
        const struct tg_charge charge = {.amount = columns->amount[i],
                                         .billed_units = columns->billed_units[i],
                                         .allowance_units = columns->allowance_units[i],
                                         .subscriber = columns->subscriber[i],
                                         .unit = columns->unit[i]};
        is_made = tg_sum_make(&sums->priced, &row, &charge, period, &rows[i]) && is_made;
    }
    sums->rows_count += count;
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
        way = tg_sum_row(&sums->priced, snapshot, sums->subscribers_max, &row, &charge,
                         period_of(sums, row.start_ns), &sums->rows[sums->rows_count]);
        sums->rows_count += way == TG_SUM_MADE;
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

void tg_rate_sums_begin(struct tg_rate_sums *sums, uint32_t rows_count_max)
{
    sums->priced.is_entered = false; /* another snapshot may lie at the same address */
    sums->rows_count = 0;
    sums->is_whole = rows_room(sums, rows_count_max);
}

void tg_rate_sums_add(struct tg_rate_sums *sums, const struct tg_catalog_snapshot *snapshot,
                      const struct tg_rate_columns *columns, uint32_t count)
{
    for (uint32_t at = 0; at < count && sums->is_whole; at += BATCH_ROWS) {
        const struct tg_rate_columns batch = columns_from(columns, at);
        const uint32_t batch_count = count - at < BATCH_ROWS ? count - at : BATCH_ROWS;
        sums->is_whole = rows_are_of_month(sums, batch.start_ns, batch_count) &&
                                 columns_are_sums(sums, snapshot, &batch, batch_count)
                             ? batch_make(sums, &batch, batch_count)
                             : rows_make(sums, snapshot, &batch, batch_count);
    }
}
