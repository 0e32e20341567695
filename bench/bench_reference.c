/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/bench_reference.h"

#include "abi/key.h"
#include "base/arena.h"

#include <string.h>

#define DATA_PRICE      2000000u /* 0.02 at scale 8 */
#define DATA_PER        1000u
#define DATA_STEP       10u   /* first and next increment, kB */
#define ALLOWANCE_UNITS 5000u /* 5 MB */
#define CALL_FIRST      60u
#define CALL_PER        60u

enum tg_err tg_reference_open(struct tg_reference *reference, const struct tg_world *world)
{
    *reference = (struct tg_reference){.world = world, .data_price = DATA_PRICE};
    reference->allowance_used =
        tg_pages_take((size_t)world->subscribers_count * sizeof *reference->allowance_used);
    return reference->allowance_used == NULL ? TG_E_NO_MEMORY : TG_OK;
}

void tg_reference_close(struct tg_reference *reference)
{
    if (reference->allowance_used != NULL) {
        tg_pages_free(reference->allowance_used, (size_t)reference->world->subscribers_count *
                                                     sizeof *reference->allowance_used);
    }
    memset(reference, 0, sizeof *reference);
}

void tg_reference_data(struct tg_reference *reference, uint32_t subscriber, uint64_t octets)
{
    uint64_t units = octets / 1000;
    if (octets % 1000 != 0) {
        units++;
    }
    while (units % DATA_STEP != 0) {
        units++;
    }
    uint64_t *used = &reference->allowance_used[subscriber];
    const uint64_t left = ALLOWANCE_UNITS - *used;
    const uint64_t free_units = units < left ? units : left;
    *used += free_units;
    const uint64_t twice = 2 * (units - free_units) * reference->data_price;
    reference->sums.rows_count++;
    reference->sums.billed_units += units;
    reference->sums.allowance_units += free_units;
    reference->sums.amount += (int64_t)((twice + DATA_PER) / (2 * DATA_PER)); /* half up */
}

static const struct tg_world_prefix *prefix_find(const struct tg_world *world, uint64_t key)
{
    uint32_t low = 0;
    uint32_t high = world->prefixes_count;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (world->prefixes[middle].key == key) {
            return &world->prefixes[middle];
        }
        if (world->prefixes[middle].key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

void tg_reference_call(struct tg_reference *reference, uint64_t number, uint32_t duration_ms)
{
    char text[16];
    const struct tg_world_prefix *found = NULL;
    for (unsigned digits = tg_digits_unpack(number, text); digits > 0 && found == NULL; digits--) {
        uint64_t key = 0;
        (void)tg_digits_pack(text, digits, &key);
        found = prefix_find(reference->world, key);
    }
    uint64_t units = duration_ms / 1000;
    if (duration_ms % 1000 != 0) {
        units++;
    }
    units = units < CALL_FIRST ? CALL_FIRST : units;
    if (found == NULL) {
        reference->sums.other_count++;
        return;
    }
    const uint64_t twice = 2 * units * (uint64_t)tg_world_zone_price(found->zone);
    reference->sums.rows_count++;
    reference->sums.billed_units += units;
    reference->sums.amount += (int64_t)((twice + CALL_PER) / (2 * CALL_PER)); /* half up */
}

bool tg_sums_equal(const struct tg_sums *a, const struct tg_sums *b)
{
    return a->rows_count == b->rows_count && a->other_count == b->other_count &&
           a->duplicates_count == b->duplicates_count && a->amount == b->amount &&
           a->billed_units == b->billed_units && a->allowance_units == b->allowance_units;
}
