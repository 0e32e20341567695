/* SPDX-License-Identifier: Apache-2.0 */
/* Which way a block goes depends on its rows and on the blocks before it alone. */
#include "flow/remember.h"

#include "mediate/dedup.h"

#include <string.h>

enum tg_err tg_remember_open(struct tg_remember *made, const struct tg_dedup *dedup)
{
    *made = (struct tg_remember){.sorted = tg_dedup_sorted_create(dedup)};
    return made->sorted != NULL ? TG_OK : TG_E_NO_MEMORY;
}

void tg_remember_close(struct tg_remember *made)
{
    tg_dedup_sorted_free(made->sorted);
    *made = (struct tg_remember){0};
}

static void records_sort(struct tg_remember *made, const struct tg_usage *rows,
                         const struct tg_charge *charges, uint32_t count)
{
    if (!tg_dedup_sorted_begin(made->sorted, count)) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (tg_rating_is_remembered(charges[i].fate, charges[i].reason)) {
            tg_dedup_sorted_add(made->sorted, &rows[i]);
        }
    }
    tg_dedup_sorted_end(made->sorted);
    made->is_sorted = true;
}

/* Runs: nearly all rows are rated. */
static void verdicts_count(struct tg_remember *made, const struct tg_scan_view *view)
{
    for (uint32_t i = 0; i < view->rows_count;) {
        const uint8_t fate = view->fate[i];
        const bool is_remembered = tg_rating_is_remembered(fate, view->reason[i]);
        uint32_t end = i;
        int64_t event_ns_max = made->event_ns_max;
        while (end < view->rows_count && view->fate[end] == fate &&
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

void tg_remember_make(struct tg_remember *made, const struct tg_scan_view *view)
{
    made->is_sorted = false;
    made->records_count = 0;
    made->event_ns_max = INT64_MIN;
    memset(made->fate_rows, 0, sizeof made->fate_rows);
    verdicts_count(made, view);
    if (view->usage != NULL) {
        records_sort(made, view->usage, view->charges, view->rows_count);
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

enum tg_err tg_remember_block(struct tg_rating *rating, struct tg_remember *made,
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
    const enum tg_err err = tg_scan_structs(view, &rows, &charges, why);
    if (err == TG_OK && is_within && skips == 0 && !made->is_sorted) {
        records_sort(made, rows, charges, view->rows_count);
    }
    if (err == TG_OK && is_within && skips == 0 && made->is_sorted) {
        fates_add(rating, made);
        tg_dedup_restore_sorted(dedup, made->sorted);
    } else if (err == TG_OK) {
        tg_rating_remember(rating, rows, charges, view->rows_count);
    }
    return err;
}
