/* SPDX-License-Identifier: Apache-2.0 */
#include "mediate/dedup.h"

#include "base/hash.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MODEL_MAX 4096u

/* The slow and obvious set: two lists of whole records. */
struct model {
    struct tg_usage lists[2][MODEL_MAX]; /* [0] young, [1] old */
    uint32_t counts[2];
    int64_t latest_ns[2];
    int64_t horizon_ns;
    uint32_t count_max;
};

static int16_t model_one(struct model *m, const struct tg_usage *row)
{
    for (int g = 0; g < 2; g++) {
        for (uint32_t i = 0; i < m->counts[g]; i++) {
            if (m->lists[g][i].record_key == row->record_key) {
                return m->lists[g][i].quantity_up == row->quantity_up ? TG_E_DUPLICATE
                                                                      : TG_E_DUP_CONFLICT;
            }
        }
    }
    if (row->start_ns <= m->horizon_ns) {
        return TG_E_TOO_OLD;
    }
    if (m->counts[0] == m->count_max) {
        if (m->counts[1] != 0) {
            m->horizon_ns = m->latest_ns[1];
        }
        memcpy(m->lists[1], m->lists[0], sizeof m->lists[0]);
        m->counts[1] = m->counts[0];
        m->latest_ns[1] = m->latest_ns[0];
        m->counts[0] = 0;
        m->latest_ns[0] = INT64_MIN;
    }
    m->lists[0][m->counts[0]++] = *row;
    m->latest_ns[0] = row->start_ns > m->latest_ns[0] ? row->start_ns : m->latest_ns[0];
    return TG_OK;
}

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* A key of a record's number; of a crowd all lie in the lower half of the table, so that most
 * buckets there are full. */
static uint64_t key_make(uint64_t number, bool is_crowd)
{
    for (uint64_t key = number * UINT64_C(0x9e3779b97f4a7c15);; key += UINT64_C(1) << 40) {
        uint64_t mixed = key * TG_MIX64_FACTOR;
        mixed = (mixed ^ mixed >> 32) * TG_MIX64_FACTOR;
        if (!is_crowd || mixed >> 63 == 0) {
            return key;
        }
    }
}

/* Mostly new records, some repeats of recent and of long gone ones, a few changed under their key.
 */
static struct tg_usage row_make(uint64_t *state, uint32_t number, bool is_crowd)
{
    const uint64_t bits = next(state);
    const uint32_t back = bits % 4 != 0 ? 0 : (uint32_t)(next(state) % 900);
    const uint64_t key = number > back ? number - back : number;
    return (struct tg_usage){.record_key = key_make(key, is_crowd),
                             .quantity_up = bits % 64 == 0 ? 7 : 5,
                             .start_ns = (int64_t)key * 10};
}

#ifdef TG_SANITIZED
#define COMPARED_ROWS 16000u /* the list is searched from end to end for each */
#else
#define COMPARED_ROWS 20000u
#endif

static void compare(uint32_t batch_rows, uint32_t count_max, bool is_crowd)
{
    struct tg_dedup *dedup = tg_dedup_create(count_max);
    struct model *model = calloc(1, sizeof *model);
    uint64_t state = 42;
    cr_assert(dedup != NULL && model != NULL);
    model->horizon_ns = INT64_MIN;
    model->latest_ns[0] = INT64_MIN;
    model->count_max = count_max;
    for (uint32_t number = 1; number < COMPARED_ROWS; number += batch_rows) {
        struct tg_usage rows[256];
        int16_t verdicts[256];
        for (uint32_t i = 0; i < batch_rows; i++) {
            rows[i] = row_make(&state, number + i, is_crowd);
        }
        tg_dedup_run(dedup, rows, sizeof rows[0], batch_rows, verdicts);
        for (uint32_t i = 0; i < batch_rows; i++) {
            const int16_t wanted = model_one(model, &rows[i]);
            cr_assert_eq(verdicts[i], wanted, "row %u: %d instead of %d", number + i, verdicts[i],
                         wanted);
        }
        cr_assert_eq(tg_dedup_count(dedup), model->counts[0] + model->counts[1]);
    }
    cr_assert_gt(tg_dedup_rotations(dedup), 3);
    free(model);
    tg_dedup_free(dedup);
}

Test(dedup, verdicts_equal_those_of_a_plain_list_at_any_batch_size)
{
    /* If this failed, a record would be billed twice or a fresh one dropped, or what is dropped
     * would depend on how rows happen to be batched. 2,000 a generation fill whole buckets. */
    compare(1, 2000, false);
    compare(7, 2000, false);
    compare(256, 2000, false);
    compare(256, 300, false);
}

Test(dedup, records_of_full_buckets_are_told_as_if_they_came_alone)
{
    /* If this failed, records that are put aside within a batch, for the line behind their bucket,
     * would be taken for others, or in another order. */
    compare(1, 2000, true);
    compare(256, 2000, true);
    compare(200, 300, true);
}

Test(dedup, a_record_too_old_does_not_wait_for_a_fresh_one_of_its_key)
{
    /* If this failed, what is too old to be told would be told by a record that came after it. */
    struct tg_dedup *dedup = tg_dedup_create(300);
    int16_t verdicts[2];
    cr_assert_not_null(dedup);
    for (uint32_t i = 1; i <= 601 + 100; i++) {
        const struct tg_usage row = {.record_key = key_make(i, false), .start_ns = (int64_t)i * 10};
        tg_dedup_run(dedup, &row, sizeof row, 1, verdicts);
        cr_assert_eq(verdicts[0], TG_OK);
    }
    const struct tg_usage rows[2] = {{.record_key = key_make(5000, false), .start_ns = 10},
                                     {.record_key = key_make(5000, false), .start_ns = 50000}};
    tg_dedup_run(dedup, rows, sizeof rows[0], 2, verdicts);
    cr_expect_eq(verdicts[0], TG_E_TOO_OLD);
    cr_expect_eq(verdicts[1], TG_OK);
    tg_dedup_free(dedup);
}

Test(dedup, nothing_is_forgotten_when_generation_numbers_wrap)
{
    /* If this failed, after 32 rotations records of long ago would come to life again, or live
     * ones would be forgotten: rows billed twice on a machine that has run for an hour. */
    struct tg_dedup *dedup = tg_dedup_create(1);
    int16_t verdict;
    cr_assert_not_null(dedup);
    for (uint32_t i = 1; i <= 140000; i++) {
        struct tg_usage row = {.record_key = i * UINT64_C(0xd6e8feb86659fd93),
                               .start_ns = (int64_t)i};
        tg_dedup_run(dedup, &row, sizeof row, 1, &verdict);
        cr_assert_eq(verdict, TG_OK, "record %u", i);
        tg_dedup_run(dedup, &row, sizeof row, 1, &verdict);
        cr_assert_eq(verdict, TG_E_DUPLICATE, "record %u again", i);
        if (i > 3) {
            row.record_key = (i - 1) * UINT64_C(0xd6e8feb86659fd93);
            row.start_ns--;
            tg_dedup_run(dedup, &row, sizeof row, 1, &verdict);
            cr_assert_eq(verdict, TG_E_DUPLICATE, "record before %u", i);
            row.record_key = (i - 3) * UINT64_C(0xd6e8feb86659fd93);
            row.start_ns -= 2;
            tg_dedup_run(dedup, &row, sizeof row, 1, &verdict);
            cr_assert_eq(verdict, TG_E_TOO_OLD, "record three before %u", i);
        }
    }
    tg_dedup_free(dedup);
}
