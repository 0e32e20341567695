/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/lines.h"

#include "base/arena.h"
#include "bill/bands.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct slot_parts {
    __int128 tax[TG_TAX_PARTS_MAX];
};

struct tg_bill_lines {
    uint32_t *first;            /* First slot + 1 of a subscriber; 0 none. */
    struct tg_bill_slot *slots; /* Shape [slots_max]; used from the front. */
    struct slot_parts *parts;   /* Same shape; NULL: no row is taxed by a set. */
    uint32_t subscribers_count;
    uint32_t slots_max;
    uint32_t used;
};

struct tg_bill_lines *tg_bill_lines_open(uint32_t subscribers_count, uint32_t slots_max)
{
    assert(slots_max >= 1 && slots_max <= (1u << 28));
    struct tg_bill_lines *lines = tg_pages_take(sizeof *lines);
    if (lines == NULL) {
        return NULL;
    }
    lines->subscribers_count = subscribers_count;
    lines->slots_max = slots_max;
    lines->first = tg_pages_take(((size_t)subscribers_count + 1) * sizeof lines->first[0]);
    lines->slots = tg_pages_take((size_t)slots_max * sizeof lines->slots[0]);
    if (lines->first == NULL || lines->slots == NULL) {
        tg_bill_lines_close(lines);
        return NULL;
    }
    return lines;
}

enum tg_err tg_bill_lines_parts_open(struct tg_bill_lines *lines)
{
    assert(lines->parts == NULL && lines->used == 0);
    lines->parts = tg_pages_take((size_t)lines->slots_max * sizeof lines->parts[0]);
    return lines->parts != NULL ? TG_OK : TG_E_NO_MEMORY;
}

const __int128 *tg_bill_lines_parts(const struct tg_bill_lines *lines,
                                    const struct tg_bill_slot *slot)
{
    assert(slot->next >= 1 && slot->next <= lines->used);
    return lines->parts != NULL ? lines->parts[slot->next - 1].tax : NULL;
}

void tg_bill_lines_close(struct tg_bill_lines *lines)
{
    if (lines == NULL) {
        return;
    }
    tg_pages_free(lines->first, ((size_t)lines->subscribers_count + 1) * sizeof lines->first[0]);
    tg_pages_free(lines->slots, (size_t)lines->slots_max * sizeof lines->slots[0]);
    tg_pages_free(lines->parts, (size_t)lines->slots_max * sizeof lines->parts[0]);
    tg_pages_free(lines, sizeof *lines);
}

void tg_bill_lines_reset(struct tg_bill_lines *lines)
{
    memset(lines->first, 0, ((size_t)lines->subscribers_count + 1) * sizeof lines->first[0]);
    lines->used = 0;
}

void tg_bill_lines_prefetch(const struct tg_bill_lines *lines, uint32_t subscriber, bool is_near)
{
    if (subscriber >= lines->subscribers_count) {
        return;
    }
    if (!is_near) {
        __builtin_prefetch(&lines->first[subscriber]);
    } else if (lines->first[subscriber] != 0) {
        const struct tg_bill_slot *slot = &lines->slots[lines->first[subscriber] - 1];
        __builtin_prefetch(slot, 1);
        __builtin_prefetch((const char *)slot + 64, 1);
    }
}

static bool slot_is_of(const struct tg_bill_slot *slot, const struct tg_bill_item *item)
{
    return slot->price_id == item->price_id && slot->catalog_version == item->catalog_version &&
           slot->zone == item->zone && slot->currency == item->currency &&
           slot->service == item->service && slot->kind == item->kind &&
           slot->month == item->month && slot->band == item->band;
}

/* The slot of an item, a new one if need be; NULL when the table is full. */
static struct tg_bill_slot *slot_of(struct tg_bill_lines *lines, const struct tg_bill_item *item)
{
    uint32_t *link = &lines->first[item->subscriber];
    while (*link != 0) {
        struct tg_bill_slot *slot = &lines->slots[*link - 1];
        if (slot_is_of(slot, item)) {
            return slot;
        }
        link = &slot->next;
    }
    if (lines->used == lines->slots_max) {
        return NULL;
    }
    struct tg_bill_slot *slot = &lines->slots[lines->used++];
    *link = lines->used;
    if (lines->parts != NULL) {
        lines->parts[lines->used - 1] = (struct slot_parts){{0}};
    }
    *slot = (struct tg_bill_slot){.subscriber = item->subscriber,
                                  .price_id = item->price_id,
                                  .catalog_version = item->catalog_version,
                                  .zone = item->zone,
                                  .currency = item->currency,
                                  .month = item->month,
                                  .band = item->band,
                                  .service = item->service,
                                  .kind = item->kind};
    return slot;
}

enum tg_err tg_bill_lines_add(struct tg_bill_lines *lines, const struct tg_bill_item *item)
{
    assert(item->subscriber < lines->subscribers_count);
    struct tg_bill_slot *slot = slot_of(lines, item);
    if (slot == NULL) {
        return TG_E_FULL;
    }
    /* 2^64 rows of 64-bit values fit 128 bits, so no sum here can wrap. */
    slot->rows_count += 1;
    slot->amount += item->amount;
    slot->residual += item->remainder;
    slot->units += item->is_reversal ? -(__int128)item->units : (__int128)item->units;
    slot->billed_units +=
        item->is_reversal ? -(__int128)item->billed_units : (__int128)item->billed_units;
    slot->allowance_units += item->allowance_units;
    slot->charge_tax += item->charge_tax;
    for (uint32_t i = 0; i < item->tax_parts_count && lines->parts != NULL; i++) {
        lines->parts[slot - lines->slots].tax[i] += item->tax_parts[i];
    }
    return TG_OK;
}

uint32_t tg_bill_lines_count(const struct tg_bill_lines *lines, uint32_t subscriber)
{
    uint32_t count = 0;
    uint32_t link = subscriber < lines->subscribers_count ? lines->first[subscriber] : 0;
    for (; link != 0; link = lines->slots[link - 1].next) {
        count++;
    }
    return count;
}

static int number_compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int slot_compare(const void *a, const void *b)
{
    const struct tg_bill_slot *left = a;
    const struct tg_bill_slot *right = b;
    int order = number_compare(left->kind, right->kind);
    order = order != 0 ? order : number_compare(left->month, right->month);
    order = order != 0 ? order : number_compare(left->service, right->service);
    order = order != 0 ? order : number_compare(left->zone, right->zone);
    order = order != 0
                ? order
                : number_compare(left->band & TG_BILL_BANDS_MAX, right->band & TG_BILL_BANDS_MAX);
    order = order != 0 ? order : number_compare(left->price_id, right->price_id);
    order = order != 0 ? order : number_compare(left->catalog_version, right->catalog_version);
    order = order != 0 ? order : number_compare(left->currency, right->currency);
    return order != 0 ? order : number_compare(left->band, right->band);
}

uint32_t tg_bill_lines_take(const struct tg_bill_lines *lines, uint32_t subscriber,
                            struct tg_bill_slot *slots)
{
    uint32_t count = 0;
    uint32_t link = subscriber < lines->subscribers_count ? lines->first[subscriber] : 0;
    while (link != 0) {
        const uint32_t own = link;
        slots[count] = lines->slots[own - 1];
        link = slots[count].next;
        slots[count++].next = own;
    }
    if (count > 1) {
        qsort(slots, count, sizeof slots[0], slot_compare);
    }
    return count;
}
