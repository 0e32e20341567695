/* SPDX-License-Identifier: Apache-2.0 */
#include "mediate/dedup.h"

#include "base/hash.h"
#include "base/limits.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct tg_usage row_make(uint64_t record_key, int64_t start_ns, uint64_t quantity)
{
    return (struct tg_usage){.record_key = record_key,
                             .subscriber_key = record_key ^ 5,
                             .peer_key = 9,
                             .start_ns = start_ns,
                             .quantity_up = quantity,
                             .duration_ms = 1000};
}

static int16_t judge(struct tg_dedup *dedup, struct tg_usage row)
{
    int16_t verdict = 1;
    tg_dedup_run(dedup, &row, sizeof row, 1, &verdict);
    return verdict;
}

/* If this fails a retransmitted record is charged twice, or a corrected one passes for the first.
 */
Test(dedup_model, same_record_is_a_duplicate_and_a_changed_one_a_conflict)
{
    struct tg_dedup *dedup = tg_dedup_create(1000);
    const struct tg_usage row = row_make(77, 100, 5);
    cr_expect_eq(judge(dedup, row), TG_OK);
    cr_expect_eq(judge(dedup, row), TG_E_DUPLICATE);
    struct tg_usage changed = row;
    changed.quantity_up++;
    cr_expect_eq(judge(dedup, changed), TG_E_DUP_CONFLICT, "quantity");
    changed = row;
    changed.start_ns++;
    cr_expect_eq(judge(dedup, changed), TG_E_DUP_CONFLICT, "start");
    changed = row;
    changed.duration_ms++;
    cr_expect_eq(judge(dedup, changed), TG_E_DUP_CONFLICT, "duration");
    changed = row;
    changed.peer_key++;
    cr_expect_eq(judge(dedup, changed), TG_E_DUP_CONFLICT, "called party");
    changed = row;
    changed.sequence = 4;
    changed.source_id = 9;
    changed.flags = TG_USAGE_RECYCLED;
    cr_expect_eq(judge(dedup, changed), TG_E_DUPLICATE, "how it came does not matter");
    struct tg_usage meter = row_make(78, 100, 500);
    meter.flags = TG_USAGE_CUMULATIVE;
    cr_expect_eq(judge(dedup, meter), TG_OK);
    meter.quantity_up = 0; /* the delta of the same reading, read again */
    cr_expect_eq(judge(dedup, meter), TG_E_DUPLICATE);
    const struct tg_usage zero = row_make(0, 100, 5);
    cr_expect_eq(judge(dedup, zero), TG_OK, "a key of zero is a key");
    cr_expect_eq(judge(dedup, zero), TG_E_DUPLICATE);
    cr_expect_eq(tg_dedup_count(dedup), 3);
    tg_dedup_free(dedup);
}

/* If this fails two copies in one batch are both charged. */
Test(dedup_model, copies_within_a_batch_are_found_at_any_stride)
{
    struct wide {
        struct tg_usage row;
        uint64_t more[7];
    } batch[TG_BATCH_ROWS_MAX];
    int16_t verdicts[TG_BATCH_ROWS_MAX];
    struct tg_dedup *dedup = tg_dedup_create(1000);
    memset(batch, 0xee, sizeof batch);
    for (uint32_t i = 0; i < TG_BATCH_ROWS_MAX; i++) {
        batch[i].row = row_make(1 + i / 2, 100, 5);
    }
    tg_dedup_run(dedup, &batch[0].row, sizeof batch[0], TG_BATCH_ROWS_MAX, verdicts);
    for (uint32_t i = 0; i < TG_BATCH_ROWS_MAX; i++) {
        cr_expect_eq(verdicts[i], i % 2 == 0 ? TG_OK : TG_E_DUPLICATE, "row %u", i);
    }
    tg_dedup_free(dedup);
}

/* A plain table of everything ever accepted, beside the set under test. */
enum { MODEL_SLOTS = 1 << 21, RECORDS = 1000000 };
static uint64_t model_keys[MODEL_SLOTS];

static bool model_accept(uint64_t key)
{
    uint32_t at = (uint32_t)(key >> 13) & (MODEL_SLOTS - 1);
    while (model_keys[at] != 0 && model_keys[at] != key) {
        at = (at + 1) & (MODEL_SLOTS - 1);
    }
    const bool is_fresh = model_keys[at] == 0;
    model_keys[at] = key;
    return is_fresh;
}

/* A million records, a fifth of them sent again sooner or later. If this fails a fresh record is
 * dropped or a duplicate charged. */
Test(dedup_model, a_million_records_are_judged_as_by_a_table_that_never_forgets)
{
    struct tg_dedup *dedup = tg_dedup_create(RECORDS + TG_BATCH_ROWS_MAX);
    static struct tg_usage rows[TG_BATCH_ROWS_MAX];
    int16_t verdicts[TG_BATCH_ROWS_MAX];
    uint64_t wrong_count = 0;
    uint64_t fresh_count = 0;
    uint64_t state = 12345;
    for (uint32_t done = 0; done < RECORDS; done += TG_BATCH_ROWS_MAX) {
        for (uint32_t i = 0; i < TG_BATCH_ROWS_MAX; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            const uint64_t number = state >> 60 < 3 ? (state >> 20) % (done + 1) : done + i;
            rows[i] = row_make(tg_mix64(number + 1), (int64_t)number, number);
        }
        tg_dedup_run(dedup, rows, sizeof rows[0], TG_BATCH_ROWS_MAX, verdicts);
        for (uint32_t i = 0; i < TG_BATCH_ROWS_MAX; i++) {
            const bool is_fresh = model_accept(rows[i].record_key);
            fresh_count += is_fresh ? 1 : 0;
            wrong_count += verdicts[i] != (is_fresh ? TG_OK : TG_E_DUPLICATE) ? 1 : 0;
        }
    }
    cr_expect_eq(wrong_count, 0, "%u wrong", (unsigned)wrong_count);
    cr_expect_eq(tg_dedup_count(dedup), fresh_count);
    cr_expect_gt(fresh_count, RECORDS / 2);
    cr_expect_lt(fresh_count, RECORDS * 95 / 100, "some must come again");
    cr_expect_eq(tg_dedup_rotations(dedup), 0);
    tg_dedup_free(dedup);
    memset(model_keys, 0, sizeof model_keys);
}

/* The same with a set far too small, records late by up to an hour. Nothing may ever be accepted
 * twice: what cannot be proved fresh is TOO_OLD. If this fails the bill holds a record twice after
 * some days of traffic. */
Test(dedup_model, what_was_forgotten_is_never_accepted_again)
{
    struct tg_dedup *dedup = tg_dedup_create(2000);
    static struct tg_usage rows[TG_BATCH_ROWS_MAX];
    int16_t verdicts[TG_BATCH_ROWS_MAX];
    uint64_t twice_count = 0;
    uint64_t old_count = 0;
    uint64_t fresh_count = 0;
    uint64_t state = 99;
    memset(model_keys, 0, sizeof model_keys);
    for (uint32_t done = 0; done < 200000; done += TG_BATCH_ROWS_MAX) {
        for (uint32_t i = 0; i < TG_BATCH_ROWS_MAX; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            const uint64_t number = state >> 60 < 5 ? (state >> 20) % (done + 1) : done + i;
            const int64_t late = (int64_t)(tg_mix64(number) % 3600);
            rows[i] = row_make(tg_mix64(number + 1), (int64_t)number - late, number);
        }
        tg_dedup_run(dedup, rows, sizeof rows[0], TG_BATCH_ROWS_MAX, verdicts);
        for (uint32_t i = 0; i < TG_BATCH_ROWS_MAX; i++) {
            old_count += verdicts[i] == TG_E_TOO_OLD ? 1 : 0;
            if (verdicts[i] == TG_OK) {
                fresh_count++;
                twice_count += model_accept(rows[i].record_key) ? 0 : 1;
            }
        }
    }
    cr_expect_eq(twice_count, 0, "%u accepted twice", (unsigned)twice_count);
    cr_expect_gt(tg_dedup_rotations(dedup), 10);
    cr_expect_gt(old_count, 0);
    cr_expect_gt(fresh_count, 100000 / 2);
    tg_dedup_free(dedup);
    memset(model_keys, 0, sizeof model_keys);
}

/* If this fails a generation of late records, forgotten after a younger one, opens the door again.
 */
Test(dedup_model, horizon_never_moves_back)
{
    struct tg_dedup *dedup = tg_dedup_create(1000);
    struct tg_usage victim = row_make(tg_mix64(1), 500, 5);
    cr_assert_eq(judge(dedup, victim), TG_OK);
    for (uint64_t i = 2; i <= 3000; i++) {
        /* First generation up to 999, second only up to 100, third new. */
        const int64_t start_ns = i <= 1000 ? (int64_t)i - 1 : i <= 2000 ? 1 : 5000;
        (void)judge(dedup, row_make(tg_mix64(i), start_ns, 5));
    }
    for (uint64_t i = 4000; i < 7000; i++) {
        (void)judge(dedup, row_make(tg_mix64(i), 6000, 5));
        cr_assert_neq(judge(dedup, victim), TG_OK, "accepted again after %u", (unsigned)i);
    }
    tg_dedup_free(dedup);
}

/* A record of a stream with repeats, changed repeats and records that come very late. */
static struct tg_usage stream_row(uint64_t number, uint64_t span)
{
    const uint64_t random = tg_mix64(number * 3 + 1);
    const uint64_t behind = random % 16 == 0 ? random / 16 % span : 0;
    const uint64_t event = number > behind ? number - behind : number;
    struct tg_usage row = row_make(tg_mix64(event + 1), (int64_t)event, event);
    row.quantity_up += random % 64 == 0 ? 1 : 0;
    return row;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Remembers records one by one, or those of blocks at once. */
static void restore_all(struct tg_dedup *dedup, const struct tg_usage *rows, uint64_t count,
                        bool is_by_block)
{
    struct tg_dedup_records *records = tg_dedup_records_create(dedup);
    cr_assert_not_null(records);
    for (uint64_t i = 0; i < count;) {
        const uint64_t room = least(tg_dedup_restore_room(dedup), count - i);
        const uint64_t skipped = least(tg_dedup_restore_skips(dedup), room);
        const uint64_t block = least(room, 1 + i % 1500);
        int64_t event_ns_max = INT64_MIN;
        for (uint64_t k = 0; k < skipped; k++) {
            event_ns_max =
                rows[i + k].start_ns > event_ns_max ? rows[i + k].start_ns : event_ns_max;
        }
        tg_dedup_restore_skip(dedup, event_ns_max, skipped);
        i += skipped;
        if (skipped == 0 && !is_by_block) {
            tg_dedup_restore(dedup, &rows[i++]);
        } else if (skipped == 0) {
            cr_assert(tg_dedup_records_begin(records, (uint32_t)block));
            for (uint64_t k = 0; k < block; k++) {
                tg_dedup_records_add(records, &rows[i++]);
            }
            tg_dedup_restore_records(dedup, records);
        }
    }
    tg_dedup_records_free(records);
}

#define RESTORED 6 /* three skips, one by one and by block */

/* If this fails a crash changes what is a duplicate: usage is charged again, or refused as too old,
 * that would not have been had the engine gone on. */
Test(dedup_model, restored_from_the_accepted_records_it_answers_as_if_never_stopped)
{
    static const struct {
        const char *name;
        uint64_t records_max;
        uint64_t accepted;
    } cases[] = {{"nothing journaled", 1000, 0},
                 {"within the first generation", 1000, 700},
                 {"a full generation", 1000, 1000},
                 {"two generations", 1000, 1990},
                 {"forgotten ones, many pieces of the table", 40000, 170000},
                 {"numbers of generations about to come again", 1, 31},
                 {"they come again", 1, 32},
                 {"they came again", 1, 33},
                 {"they came again often", 1, 5000},
                 {"forty generations", 1000, 39500}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        const uint64_t records_max = cases[c].records_max;
        struct tg_dedup *live = tg_dedup_create(records_max);
        struct tg_usage *accepted = calloc(cases[c].accepted + 1, sizeof *accepted);
        uint64_t accepted_count = 0;
        uint64_t end = 0;
        for (; accepted_count < cases[c].accepted; end++) {
            const struct tg_usage row = stream_row(end, 4 * records_max);
            if (judge(live, row) == TG_OK) {
                accepted[accepted_count++] = row;
            }
        }
        const uint64_t skips[] = {0, tg_dedup_skip(live, accepted_count / 2),
                                  tg_dedup_skip(live, accepted_count)};
        struct tg_dedup *restored[RESTORED];
        for (size_t s = 0; s < RESTORED; s++) {
            restored[s] = tg_dedup_create(records_max);
            cr_assert_eq(tg_dedup_restore_begin(restored[s], skips[s % 3]), TG_OK);
            restore_all(restored[s], accepted, accepted_count, s >= 3);
            tg_dedup_restore_end(restored[s]);
            cr_expect_eq(tg_dedup_count(restored[s]), tg_dedup_count(live), "%s", cases[c].name);
            cr_expect_eq(tg_dedup_rotations(restored[s]), tg_dedup_rotations(live));
        }
        uint64_t others_count = 0;
        for (uint64_t i = 0; i < 5 * records_max + 2000; i++) {
            /* From before the stop on, until all that was restored is forgotten again. */
            const uint64_t number = end + i - (end < 3 * records_max ? end : 3 * records_max);
            const struct tg_usage row = stream_row(number, 4 * records_max);
            const int16_t verdict = judge(live, row);
            for (size_t s = 0; s < RESTORED; s++) {
                others_count += judge(restored[s], row) != verdict ? 1 : 0;
            }
        }
        cr_expect_eq(others_count, 0, "%s: %u other answers", cases[c].name,
                     (unsigned)others_count);
        for (size_t s = 0; s < RESTORED; s++) {
            tg_dedup_free(restored[s]);
        }
        tg_dedup_free(live);
        free(accepted);
    }
}

/* If this fails the start skips records that still guard against a repeat. */
Test(dedup_model, only_what_two_later_generations_push_out_may_be_skipped)
{
    struct tg_dedup *dedup = tg_dedup_create(100);
    static const struct {
        uint64_t records;
        uint64_t skip;
    } cases[] = {{0, 0}, {1, 0}, {200, 0}, {201, 100}, {300, 100}, {301, 200}, {1000, 800}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect_eq(tg_dedup_skip(dedup, cases[i].records), cases[i].skip, "%u records",
                     (unsigned)cases[i].records);
    }
    tg_dedup_free(dedup);
}
