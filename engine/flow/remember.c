/* SPDX-License-Identifier: Apache-2.0 */
/* Which way a block goes depends on its rows and on the blocks before it alone. */
#include "flow/remember.h"

#include "mediate/dedup.h"

#include <string.h>

enum tg_err tg_remember_open(struct tg_remember *made, const struct tg_dedup *dedup)
{
    *made = (struct tg_remember){.records = tg_dedup_records_create(dedup)};
    return made->records != NULL ? TG_OK : TG_E_NO_MEMORY;
}

void tg_remember_close(struct tg_remember *made)
{
    tg_dedup_records_free(made->records);
    *made = (struct tg_remember){0};
}

static void records_add(struct tg_remember *made, const struct tg_usage *rows,
                        const struct tg_charge *charges, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (tg_rating_is_remembered(charges[i].fate, charges[i].reason)) {
            tg_dedup_records_add(made->records, &rows[i]);
        }
    }
}

/* Runs: nearly all rows are rated. */
static void verdicts_count(struct tg_remember *made, const struct tg_scan_view *view, uint32_t from,
                           uint32_t to)
{
    for (uint32_t i = from; i < to;) {
        const uint8_t fate = view->fate[i];
        const bool is_remembered = tg_rating_is_remembered(fate, view->reason[i]);
        uint32_t end = i;
        int64_t event_ns_max = made->event_ns_max;
        while (end < to && view->fate[end] == fate &&
               tg_rating_is_remembered(fate, view->reason[end]) == is_remembered) {
            event_ns_max = view->start_ns[end] > event_ns_max ? view->start_ns[end] : event_ns_max;
            end++;
        }
        if (is_remembered) {
            made->records_count += end - i;
            made->event_ns_max = event_ns_max;
        }
        if (fate < TG_FATE_COUNT) {
            made->fate_rows[fate] += end - i;
        }
        i = end;
    }
}

void tg_remember_begin(struct tg_remember *made, const struct tg_scan_view *view)
{
    made->has_records =
        view->usage != NULL && tg_dedup_records_begin(made->records, view->rows_count);
    made->records_count = 0;
    made->event_ns_max = INT64_MIN;
    memset(made->fate_rows, 0, sizeof made->fate_rows);
}

void tg_remember_add(struct tg_remember *made, const struct tg_scan_view *view, uint32_t from,
                     uint32_t count)
{
    verdicts_count(made, view, from, from + count);
    if (made->has_records) {
        records_add(made, view->usage + from, view->charges + from, count);
    }
}

/* Records that are forgotten again, where the young generation turns. */
static void records_skip(struct tg_dedup *dedup, const struct tg_scan_view *view)
{
    for (uint32_t i = 0; i < view->rows_count; i++) {
        if (tg_rating_is_remembered(view->fate[i], view->reason[i])) {
            tg_dedup_restore_skip(dedup, view->start_ns[i], 1);
        }
    }
}

static void fates_add(struct tg_rating *rating, const struct tg_remember *made)
{
    for (uint32_t fate = 0; fate < TG_FATE_COUNT; fate++) {
        rating->counts.fate_rows[fate] += made->fate_rows[fate];
    }
}

enum tg_err tg_remember_block(struct tg_rating *rating, const struct tg_remember *made,
                              const struct tg_scan_view *view, struct tg_why *why)
{
    struct tg_dedup *dedup = rating->dedup;
    const uint64_t skips = tg_dedup_restore_skips(dedup);
    const bool is_within = made->records_count <= tg_dedup_restore_room(dedup);
    const struct tg_usage *rows;
    const struct tg_charge *charges;
    if (made->records_count <= skips) {
        fates_add(rating, made);
        if (is_within) {
            tg_dedup_restore_skip(dedup, made->event_ns_max, made->records_count);
        } else {
            records_skip(dedup, view);
        }
        return TG_OK;
    }
    /* Also where the records are there: so the lane makes those of its next block too. */
    const enum tg_err err = tg_scan_structs(view, &rows, &charges, why);
    if (err == TG_OK && made->has_records && is_within && skips == 0) {
        fates_add(rating, made);
        tg_dedup_restore_records(dedup, made->records);
    } else if (err == TG_OK) {
        tg_rating_remember(rating, rows, charges, view->rows_count);
    }
    return err;
}
