/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/lines.h"

#include "base/arena.h"
#include "base/hash.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct tg_bill_lines {
    struct tg_bill_slot *slots; /* Shape [size]; free slots have rows_count 0. */
    uint32_t size;              /* Power of two, at least 4/3 of slots_max. */
    uint32_t used;              /* Slots taken. */
    uint32_t slots_max;         /* Bound. */
    bool is_sorted;             /* Slots are packed and sorted: no add until reset. */
};

struct tg_bill_lines *tg_bill_lines_open(uint32_t slots_max)
{
    assert(slots_max >= 1 && slots_max <= (1u << 28));
    struct tg_bill_lines *lines = tg_pages_take(sizeof *lines);
    if (lines == NULL) {
        return NULL;
    }
    uint32_t size = 64;
    while ((uint64_t)size * 3 < (uint64_t)slots_max * 4) {
        size *= 2;
    }
    lines->size = size;
    lines->slots_max = slots_max;
    lines->slots = tg_pages_take((size_t)size * sizeof lines->slots[0]);
    if (lines->slots == NULL) {
        tg_bill_lines_close(lines);
        return NULL;
    }
    return lines;
}

void tg_bill_lines_close(struct tg_bill_lines *lines)
{
    if (lines == NULL) {
        return;
    }
    tg_pages_free(lines->slots, (size_t)lines->size * sizeof lines->slots[0]);
    tg_pages_free(lines, sizeof *lines);
}

void tg_bill_lines_reset(struct tg_bill_lines *lines)
{
    memset(lines->slots, 0, (size_t)lines->size * sizeof lines->slots[0]);
    lines->used = 0;
    lines->is_sorted = false;
}

static bool slot_is_of(const struct tg_bill_slot *slot, const struct tg_bill_item *item)
{
    return slot->subscriber == item->subscriber && slot->price_id == item->price_id &&
           slot->catalog_version == item->catalog_version && slot->zone == item->zone &&
           slot->currency == item->currency && slot->service == item->service &&
           slot->kind == item->kind && slot->month == item->month;
}

static uint64_t item_hash(const struct tg_bill_item *item)
{
    const uint64_t a = (uint64_t)item->subscriber << 32 | item->price_id;
    const uint64_t b = (uint64_t)item->catalog_version << 40 | (uint64_t)item->zone << 24 |
                       (uint64_t)item->currency << 8 | item->service;
    const uint64_t c = (uint64_t)item->month << 8 | item->kind;
    return tg_mix64(a ^ tg_mix64(b ^ c << 50));
}

enum tg_err tg_bill_lines_add(struct tg_bill_lines *lines, const struct tg_bill_item *item)
{
    assert(!lines->is_sorted);
    const uint32_t mask = lines->size - 1;
    uint32_t at = (uint32_t)item_hash(item) & mask;
    while (lines->slots[at].rows_count != 0 && !slot_is_of(&lines->slots[at], item)) {
        at = (at + 1) & mask;
    }
    struct tg_bill_slot *slot = &lines->slots[at];
    if (slot->rows_count == 0) {
        if (lines->used == lines->slots_max) {
            return TG_E_FULL;
        }
        lines->used++;
        slot->subscriber = item->subscriber;
        slot->price_id = item->price_id;
        slot->catalog_version = item->catalog_version;
        slot->zone = item->zone;
        slot->currency = item->currency;
        slot->service = item->service;
        slot->kind = item->kind;
        slot->month = item->month;
    }
    /* 2^64 rows of 64-bit values fit 128 bits, so no sum here can wrap. */
    slot->rows_count += 1;
    slot->amount += item->amount;
    slot->residual += item->remainder;
    slot->units += item->units;
    slot->billed_units += item->billed_units;
    slot->allowance_units += item->allowance_units;
    slot->charge_tax += item->charge_tax;
    return TG_OK;
}

static int number_compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int slot_compare(const void *a, const void *b)
{
    const struct tg_bill_slot *left = a;
    const struct tg_bill_slot *right = b;
    int order = number_compare(left->subscriber, right->subscriber);
    order = order != 0 ? order : number_compare(left->kind, right->kind);
    order = order != 0 ? order : number_compare(left->month, right->month);
    order = order != 0 ? order : number_compare(left->service, right->service);
    order = order != 0 ? order : number_compare(left->zone, right->zone);
    order = order != 0 ? order : number_compare(left->price_id, right->price_id);
    order = order != 0 ? order : number_compare(left->catalog_version, right->catalog_version);
    return order != 0 ? order : number_compare(left->currency, right->currency);
}

const struct tg_bill_slot *tg_bill_lines_sorted(struct tg_bill_lines *lines, uint32_t *count)
{
    if (!lines->is_sorted) {
        uint32_t packed = 0;
        for (uint32_t i = 0; i < lines->size; i++) {
            if (lines->slots[i].rows_count != 0) {
                lines->slots[packed++] = lines->slots[i];
            }
        }
        assert(packed == lines->used);
        qsort(lines->slots, packed, sizeof lines->slots[0], slot_compare);
        lines->is_sorted = true;
    }
    *count = lines->used;
    return lines->slots;
}
