/* SPDX-License-Identifier: Apache-2.0 */
/* Replay of stored verdicts: sums, not prices. Recovery runs through all rows of the journal here,
 * so a row of a plan that keeps everything in the account line costs that line and nothing else:
 * neither the subscriber's line nor his shelves are looked at. */
#include "base/arena.h"
#include "rate/account_state.h"
#include "rate/sum_row.h"
#include "rate/sums.h"

#include <assert.h>
#include <string.h>

#define AHEAD_ROWS    16u
#define PIECE_SHIFT   14u   /* 16,384 lines of a month: 1 MiB stays in the second-level cache */
#define PIECES_MAX    1024u /* more subscribers have larger pieces */
#define ALWAYS_INLINE inline __attribute__((always_inline))

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
    } else if (!tg_accounts_line_begin(accounts, line, laid->subscriber, period)) {
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

/* Keeps rows back with others of their piece, if any are; full ones are posted. The places that are
 * written next are a cache miss each, and stores wait for each other. */
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

/* Does no line say that a row is to be posted otherwise? */
static bool lines_are_plain(const struct tg_accounts *accounts, const struct tg_rate_laid *rows,
                            uint32_t count)
{
    bool is_plain = true;
    for (uint32_t i = 0; i < count && is_plain && !tg_accounts_is_plain(accounts); i++) {
        is_plain = tg_accounts_calls_open(accounts, rows[i].subscriber) == 0 &&
                   !tg_accounts_is_ahead(accounts, rows[i].subscriber);
    }
    return is_plain;
}

enum tg_err tg_rate_apply_sums(struct tg_rate *rate, const struct tg_rate_sums *sums, bool *is_done)
{
    *is_done = sums->is_whole && lines_are_plain(rate->accounts, sums->rows, sums->rows_count);
    return *is_done ? rows_lay(rate, sums->rows, sums->rows_count) : TG_OK;
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

/* What the row and its catalog say, and then its line. */
static inline enum tg_sum_way row_way(struct tg_rate *rate,
                                      const struct tg_catalog_snapshot *snapshot,
                                      const struct tg_usage *row, const struct tg_charge *charge,
                                      uint32_t period, struct tg_rate_laid *laid)
{
    const struct tg_accounts *accounts = rate->accounts;
    const enum tg_sum_way way =
        tg_sum_row(&rate->applied.priced, snapshot, tg_accounts_subscribers_max(accounts), row,
                   charge, period, laid);
    if (way != TG_SUM_MADE || tg_accounts_is_plain(accounts)) {
        return way;
    }
    if (tg_accounts_calls_open(accounts, charge->subscriber) != 0) {
        return TG_SUM_LONG;
    }
    /* Lines may have been copied later than the checkpoint began: such a row is in them already. */
    return tg_accounts_is_ahead(accounts, charge->subscriber) ? TG_SUM_NONE : TG_SUM_MADE;
}

enum tg_err tg_rate_apply(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                          const struct tg_usage *rows, const struct tg_charge *charges,
                          uint32_t count)
{
    enum tg_err err = TG_OK;
    rate->applied.priced.is_entered = false; /* another snapshot may lie at the same address */
    for (uint32_t i = 0; i < count && err == TG_OK; i++) {
        struct tg_rate_laid laid;
        const uint32_t period = tg_rate_period(rate, rows[i].start_ns);
        switch (row_way(rate, snapshot, &rows[i], &charges[i], period, &laid)) {
        case TG_SUM_MADE:
            err = rows_lay(rate, &laid, 1);
            break;
        case TG_SUM_NONE:
            break;
        case TG_SUM_LONG:
            err = row_long_apply(rate, snapshot, &rows[i], &charges[i], period);
            break;
        default:
            err = TG_E_CORRUPT;
            break;
        }
    }
    return err;
}
