/* SPDX-License-Identifier: Apache-2.0 */
/* Replay of stored verdicts: sums, not prices. Recovery runs through all rows of the journal here,
 * so a row of a plan that keeps everything in the account line costs that line and nothing else:
 * neither the subscriber's line nor his shelves are looked at. */
#include "base/arena.h"
#include "catalog/catalog.h"
#include "rate/reverse.h"
#include "rate/worker.h"

#include <assert.h>

#define AHEAD_ROWS  16u
#define PIECE_SHIFT 14u   /* 16,384 lines of a month: 1 MiB stays in the second-level cache */
#define PIECES_MAX  1024u /* more subscribers have larger pieces */

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
    for (uint32_t i = 0; i < image->sections[TG_IMAGE_SECTION_PRICE_INFO].count; i++) {
        if (tg_image_price(image, i) != NULL && tg_call_is_kept(image, i)) {
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
    applied->has_buckets = image_has_buckets(image);
    applied->has_calls = image_has_calls(image);
}

/* Can the row have moved a shelf, or cost something else than its charge? False is certain, true is
 * for tg_rate_shelves_apply to tell. */
static inline bool row_is_shelved(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
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
    const struct tg_price_info *info = tg_image_price_info(applied->image, charge->price_id);
    if (tg_rate_is_counted_aside(info) || (info->options & TG_PRICE_RULES) != 0) {
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

static inline enum tg_err laid_post(struct tg_rate *rate, const struct tg_rate_laid *laid,
                                    struct tg_usage *row, struct tg_charge *charge)
{
    struct tg_account_line *line = tg_accounts_line(rate->accounts, laid->subscriber, laid->period);
    row->service = laid->service;
    charge->amount = laid->amount;
    charge->billed_units = laid->billed_units;
    charge->allowance_units = laid->allowance_units;
    charge->unit = laid->unit;
    const uint64_t unit_base_count = tg_unit_base_count(laid->unit);
    return line != NULL && tg_account_post(line, row, charge, unit_base_count) ? TG_OK
                                                                               : TG_E_CORRUPT;
}

static enum tg_err piece_post(struct tg_rate *rate, uint32_t piece)
{
    const struct tg_rate_laid *laid = rate->applied.laid + (size_t)piece * TG_RATE_PIECE_ROWS;
    const uint32_t count = rate->applied.laid_counts[piece];
    struct tg_usage row = {0}; /* of both, only what a post reads is filled */
    struct tg_charge charge = {.fate = TG_FATE_RATED};
    enum tg_err err = TG_OK;
    for (uint32_t i = 0; i < count && err == TG_OK; i++) {
        if (i + AHEAD_ROWS < count) {
            tg_accounts_prefetch(rate->accounts, laid[i + AHEAD_ROWS].subscriber,
                                 laid[i + AHEAD_ROWS].period);
        }
        err = laid_post(rate, &laid[i], &row, &charge);
    }
    rate->applied.laid_counts[piece] = 0;
    return err;
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

static inline enum tg_err row_lay(struct tg_rate *rate, const struct tg_usage *row,
                                  const struct tg_charge *charge, uint32_t period)
{
    struct tg_rate_applied *applied = &rate->applied;
    const uint32_t piece = charge->subscriber >> applied->piece_shift;
    enum tg_err err = TG_OK;
    if (applied->laid_counts[piece] == TG_RATE_PIECE_ROWS) {
        err = piece_post(rate, piece);
    }
    applied->laid[(size_t)piece * TG_RATE_PIECE_ROWS + applied->laid_counts[piece]++] =
        (struct tg_rate_laid){.amount = charge->amount,
                              .billed_units = charge->billed_units,
                              .allowance_units = charge->allowance_units,
                              .subscriber = charge->subscriber,
                              .period = (uint16_t)period,
                              .service = row->service,
                              .unit = charge->unit};
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

static enum tg_err row_post(struct tg_rate *rate, const struct tg_usage *row,
                            const struct tg_charge *charge, uint32_t period)
{
    struct tg_account_line *line = tg_accounts_line(rate->accounts, charge->subscriber, period);
    const uint64_t unit_base_count = tg_unit_base_count(charge->unit);
    return line != NULL && tg_account_post(line, row, charge, unit_base_count) ? TG_OK
                                                                               : TG_E_CORRUPT;
}

static inline enum tg_err row_apply(struct tg_rate *rate,
                                    const struct tg_catalog_snapshot *snapshot,
                                    const struct tg_usage *row, const struct tg_charge *charge)
{
    const uint32_t period = tg_rate_period(rate, row->start_ns);
    if (period == 0 || period > UINT16_MAX ||
        charge->subscriber >= tg_accounts_subscribers_max(rate->accounts)) {
        return TG_E_CORRUPT;
    }
    if (row_is_shelved(rate, snapshot, row, charge)) {
        return row_long_apply(rate, snapshot, row, charge, period);
    }
    /* Lines may have been copied later than the checkpoint began: such a row is in them already. */
    if (tg_accounts_is_ahead(rate->accounts, charge->subscriber)) {
        return TG_OK;
    }
    if (charge->unit >= TG_UNIT_COUNT || charge->allowance_units > charge->billed_units) {
        return TG_E_CORRUPT;
    }
    return rate->applied.laid != NULL ? row_lay(rate, row, charge, period)
                                      : row_post(rate, row, charge, period);
}

enum tg_err tg_rate_apply(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                          const struct tg_usage *rows, const struct tg_charge *charges,
                          uint32_t count)
{
    enum tg_err err = TG_OK;
    rate->applied.is_entered = false; /* another snapshot may lie at the same address */
    for (uint32_t i = 0; i < count && err == TG_OK; i++) {
        if (charges[i].fate == TG_FATE_RATED) {
            err = row_apply(rate, snapshot, &rows[i], &charges[i]);
        }
    }
    return err;
}
