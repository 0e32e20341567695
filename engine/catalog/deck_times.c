/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/deck_times.h"

#include "abi/key.h"

#define NODE_ENTRIES 11u /* ten digits, then the number that ends here */
#define ENDS_HERE    10u

/* Digits 0 to 9; whatever else a key holds is in no prefix. */
static unsigned digit_at(uint64_t key, unsigned depth)
{
    const unsigned digit = depth < tg_digits_count(key) ? tg_digits_at(key, depth) : ENDS_HERE;
    return digit < ENDS_HERE ? digit : ENDS_HERE;
}

/* Entry of the direct table, which has one region a length: 1 + 10 + 100 ... entries. */
static uint32_t direct_entry(const struct tg_image *image, const struct tg_deck *deck, uint64_t key,
                             unsigned *depth)
{
    const uint32_t *direct = (const uint32_t *)tg_image_at(image, deck->direct_offset);
    uint32_t base = 0;
    uint32_t size = 1;
    uint32_t value = 0;
    for (*depth = 0; *depth < deck->direct_digits && *depth < tg_digits_count(key); (*depth)++) {
        const unsigned digit = digit_at(key, *depth);
        if (digit == ENDS_HERE) {
            return TG_ZONE_NONE;
        }
        value = value * 10 + digit;
        base += size;
        size *= 10;
    }
    return direct[base + value];
}

/* Rows of a number, the longest prefix first: the deck's entry for it, and where dated ones lie.
 * Without the deck there are none. */
static uint32_t number_entry(const struct tg_image *image, uint32_t index, uint64_t key,
                             const struct tg_deck_dated **dated)
{
    if (index >= image->sections[TG_IMAGE_SECTION_DECKS].count) {
        return TG_ZONE_NONE;
    }
    const struct tg_deck *deck =
        (const struct tg_deck *)tg_image_section(image, TG_IMAGE_SECTION_DECKS) + index;
    const uint32_t *nodes = (const uint32_t *)tg_image_at(image, deck->nodes_offset);
    unsigned depth;
    uint32_t entry = direct_entry(image, deck, key, &depth);
    *dated = (const struct tg_deck_dated *)tg_image_at(image, deck->dated_offset);
    for (; (entry & TG_DECK_IS_NODE) != 0; depth++) {
        entry = nodes[(size_t)(entry & ~TG_DECK_IS_NODE) * NODE_ENTRIES + digit_at(key, depth)];
    }
    return entry;
}

bool tg_deck_times(const struct tg_image *image, uint32_t deck, uint64_t key, int64_t at_ns,
                   int64_t *from_ns, int64_t *to_ns)
{
    const struct tg_deck_dated *dated = NULL;
    uint32_t entry = number_entry(image, deck, key, &dated);
    *from_ns = INT64_MIN;
    *to_ns = INT64_MAX;
    while ((entry & TG_DECK_IS_DATED) != 0) {
        const struct tg_deck_dated *row = &dated[entry & ~TG_DECK_IS_DATED];
        if (at_ns >= row->valid_from_ns && at_ns < row->valid_to_ns) {
            *from_ns = row->valid_from_ns;
            *to_ns = row->valid_to_ns;
            return true;
        }
        entry = row->next;
    }
    return entry != TG_ZONE_NONE;
}

int64_t tg_deck_next(const struct tg_image *image, uint32_t deck, uint64_t key, int64_t at_ns)
{
    int64_t next_ns = INT64_MAX;
    const struct tg_deck_dated *dated = NULL;
    uint32_t entry = number_entry(image, deck, key, &dated);
    while ((entry & TG_DECK_IS_DATED) != 0) {
        const struct tg_deck_dated *row = &dated[entry & ~TG_DECK_IS_DATED];
        next_ns = row->valid_from_ns > at_ns && row->valid_from_ns < next_ns ? row->valid_from_ns
                                                                             : next_ns;
        next_ns =
            row->valid_to_ns > at_ns && row->valid_to_ns < next_ns ? row->valid_to_ns : next_ns;
        entry = row->next;
    }
    return next_ns;
}
