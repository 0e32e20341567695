/* SPDX-License-Identifier: Apache-2.0 */
#include "rt/counters.h"

#include <criterion/criterion.h>

/* If this failed, two lcores would share a counter or the audit's sums would miss one of them. */
Test(counters, lines_are_apart_and_sums_hold_every_line)
{
    const uint32_t counts[] = {1, 7, 8, 9, 100};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        struct tg_counters *counters = NULL;
        cr_assert_eq(tg_counters_open(5, counts[c], &counters, NULL), TG_OK);
        for (uint32_t lcore = 0; lcore < 5; lcore++) {
            uint64_t *line = tg_counters_line(counters, lcore);
            cr_expect_eq((uintptr_t)line % 64, 0);
            if (lcore > 0) {
                cr_expect_geq(line - tg_counters_line(counters, lcore - 1), counts[c] + 8);
            }
            for (uint32_t i = 0; i < counts[c]; i++) {
                cr_expect_eq(line[i], 0);
                tg_counter_add(&line[i], (uint64_t)1000 * lcore + i);
            }
        }
        for (uint32_t i = 0; i < counts[c]; i++) {
            cr_expect_eq(tg_counters_sum(counters, i), 10000 + 5 * i);
        }
        tg_counters_close(counters);
    }
}

/* If this failed, a wrong size at start would be a crash later instead of a sentence now. */
Test(counters, impossible_shapes_are_refused_with_a_reason)
{
    struct tg_counters *counters = NULL;
    struct tg_why why = {""};
    cr_expect_eq(tg_counters_open(0, 1, &counters, &why), TG_E_INVALID);
    cr_expect_neq(why.text[0], '\0');
    cr_expect_eq(tg_counters_open(1, TG_COUNTERS_PER_LCORE_MAX + 1, &counters, NULL), TG_E_INVALID);
    tg_counters_close(NULL);
}
