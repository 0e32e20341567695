/* SPDX-License-Identifier: Apache-2.0 */
#include "rt/ring.h"

#include "abi/usage.h"
#include "record/charge.h"

#include <criterion/criterion.h>
#include <string.h>

struct priced {
    struct tg_usage usage;
    struct tg_charge charge;
};

/* If this failed, rows would change or swap places between ingest and rating: wrong invoices. */
Test(ring, rows_come_out_whole_and_in_order_across_the_wrap)
{
    const uint32_t sizes[] = {16, 64, 128, 144};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        struct tg_ring *ring = NULL;
        cr_assert_eq(tg_ring_open(100, sizes[s], &ring, NULL), TG_OK);
        uint8_t in[40 * 144], out[40 * 144];
        uint32_t written = 0, read = 0;
        for (uint32_t round = 0; round < 500; round++) {
            const uint32_t count = 1 + round * 7 % 40;
            for (uint32_t i = 0; i < count; i++) {
                memset(in + i * sizes[s], 0, sizes[s]);
                const uint32_t value = written + i;
                memcpy(in + i * sizes[s], &value, 4);
                memcpy(in + (i + 1) * sizes[s] - 4, &value, 4);
            }
            cr_assert_eq(tg_ring_put(ring, in, count), count);
            written += count;
            const uint32_t taken = tg_ring_take(ring, out, 40);
            for (uint32_t i = 0; i < taken; i++, read++) {
                uint32_t first, last;
                memcpy(&first, out + i * sizes[s], 4);
                memcpy(&last, out + (i + 1) * sizes[s] - 4, 4);
                cr_assert(first == read && last == read, "size %u: %u,%u for %u", sizes[s], first,
                          last, read);
            }
        }
        cr_assert_eq(written, read + tg_ring_count(ring));
        tg_ring_close(ring);
    }
}

/* If this failed, a full ring would overwrite rows not yet rated: usage lost without a trace. */
Test(ring, a_full_ring_takes_exactly_its_slots_and_no_more)
{
    const uint32_t slots[] = {1, 31, 32, 1000, 1024};
    static struct priced rows[1100], back[1100];
    for (size_t s = 0; s < sizeof slots / sizeof slots[0]; s++) {
        struct tg_ring *ring = NULL;
        cr_assert_eq(tg_ring_open(slots[s], sizeof(struct priced), &ring, NULL), TG_OK);
        for (uint32_t i = 0; i < 1100; i++) {
            rows[i].usage.record_key = i;
            rows[i].charge.amount = -(int64_t)i;
        }
        cr_expect_eq(tg_ring_put(ring, rows, 1100), slots[s]);
        cr_expect_eq(tg_ring_put(ring, rows, 1), 0);
        cr_expect_eq(tg_ring_room(ring), 0);
        cr_expect_eq(tg_ring_take(ring, back, 1100), slots[s]);
        cr_expect_arr_eq(rows, back, slots[s] * sizeof rows[0]);
        cr_expect_eq(tg_ring_take(ring, back, 1), 0);
        cr_expect_eq(tg_ring_room(ring), slots[s]);
        tg_ring_close(ring);
    }
}

/* If this failed, a mistaken size would corrupt memory instead of being a sentence at start. */
Test(ring, impossible_shapes_are_refused_with_a_reason)
{
    const uint32_t bad[][2] = {{0, 64}, {64, 0}, {64, 24}, {64, 2048}, {TG_RING_SLOTS_MAX + 1, 64}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tg_ring *ring = NULL;
        struct tg_why why = {""};
        cr_expect_eq(tg_ring_open(bad[i][0], bad[i][1], &ring, &why), TG_E_INVALID, "row %zu", i);
        cr_expect_neq(why.text[0], '\0');
        cr_expect_null(ring);
    }
    tg_ring_close(NULL);
}
