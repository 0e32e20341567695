/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/lines.h"

#include <criterion/criterion.h>
#include <string.h>

/* Otherwise two runs over the same journal print the lines of an invoice in different order, or
 * usage of two subscribers ends on one line. */
Test(lines, every_row_is_in_exactly_one_sorted_slot)
{
    struct tg_bill_lines *lines = tg_bill_lines_open(16, 2048);
    cr_assert_not_null(lines);
    uint64_t seed = 3;
    __int128 sum = 0;
    for (unsigned i = 0; i < 100000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const struct tg_bill_item item = {.subscriber = (uint32_t)(seed >> 60),
                                          .price_id = (uint32_t)(seed >> 50) & 3,
                                          .zone = (uint16_t)((seed >> 40) & 3),
                                          .catalog_version = 1 + ((seed >> 30) & 1),
                                          .currency = 978,
                                          .service = (uint8_t)(1 + ((seed >> 20) & 1)),
                                          .band = (uint16_t)((seed >> 10) & 1),
                                          .amount = INT64_MAX - (int64_t)(seed >> 60),
                                          .units = UINT64_MAX};
        cr_assert_eq(tg_bill_lines_add(lines, &item), TG_OK);
        sum += item.amount;
    }
    uint64_t rows = 0;
    for (uint32_t subscriber = 0; subscriber < 16; subscriber++) {
        struct tg_bill_slot slots[128];
        cr_assert_eq(tg_bill_lines_count(lines, subscriber), 4u * 4 * 2 * 2 * 2);
        const uint32_t count = tg_bill_lines_take(lines, subscriber, slots);
        cr_assert_eq(count, 128);
        for (uint32_t i = 0; i < count; i++) {
            rows += slots[i].rows_count;
            sum -= slots[i].amount;
            cr_expect_eq(slots[i].subscriber, subscriber);
            cr_expect(slots[i].units == (__int128)slots[i].rows_count * UINT64_MAX);
            cr_expect(
                i == 0 || slots[i - 1].service < slots[i].service ||
                (slots[i - 1].service == slots[i].service && slots[i - 1].zone <= slots[i].zone));
        }
    }
    cr_expect_eq(rows, 100000);
    cr_expect(sum == 0);
    tg_bill_lines_close(lines);
}

/* Otherwise a run that needs more lines than its bound grows without end or drops usage. */
Test(lines, a_full_table_refuses_new_lines_and_keeps_the_old_ones)
{
    struct tg_bill_lines *lines = tg_bill_lines_open(101, 100);
    cr_assert_not_null(lines);
    struct tg_bill_item item = {.currency = 978, .amount = 1};
    for (item.subscriber = 0; item.subscriber < 100; item.subscriber++) {
        cr_assert_eq(tg_bill_lines_add(lines, &item), TG_OK);
    }
    cr_expect_eq(tg_bill_lines_add(lines, &item), TG_E_FULL);
    item.subscriber = 7;
    cr_expect_eq(tg_bill_lines_add(lines, &item), TG_OK);
    struct tg_bill_slot slot;
    cr_assert_eq(tg_bill_lines_take(lines, 7, &slot), 1);
    cr_expect_eq(slot.rows_count, 2);
    cr_expect_eq(tg_bill_lines_count(lines, 100), 0);
    tg_bill_lines_reset(lines);
    cr_expect_eq(tg_bill_lines_count(lines, 7), 0);
    cr_expect_eq(tg_bill_lines_add(lines, &item), TG_OK);
    cr_assert_eq(tg_bill_lines_take(lines, 7, &slot), 1);
    cr_expect_eq(slot.rows_count, 1);
    tg_bill_lines_close(lines);
    tg_bill_lines_close(NULL);
}
