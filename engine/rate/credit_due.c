/* SPDX-License-Identifier: Apache-2.0 */
/* Open reservations by when their time is up: a binary heap of entries, so that what expires is
 * found without looking at the others. A million open ones are looked at by nobody. */
#include "rate/credit_state.h"

#include <assert.h>

static bool is_before(const struct tg_credit *credit, uint32_t a, uint32_t b)
{
    const int64_t a_ns = credit->entries[a].valid_to_ns;
    const int64_t b_ns = credit->entries[b].valid_to_ns;
    return a_ns < b_ns || (a_ns == b_ns && a < b);
}

static void place_set(struct tg_credit *credit, uint32_t place, uint32_t at)
{
    credit->due[place] = at;
    credit->entries[at].due_place = place;
}

static void up(struct tg_credit *credit, uint32_t place, uint32_t at)
{
    while (place > 0 && is_before(credit, at, credit->due[(place - 1) / 2])) {
        place_set(credit, place, credit->due[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    place_set(credit, place, at);
}

static void down(struct tg_credit *credit, uint32_t place, uint32_t at)
{
    for (;;) {
        uint32_t child = place * 2 + 1;
        if (child + 1 < credit->due_count &&
            is_before(credit, credit->due[child + 1], credit->due[child])) {
            child++;
        }
        if (child >= credit->due_count || !is_before(credit, credit->due[child], at)) {
            break;
        }
        place_set(credit, place, credit->due[child]);
        place = child;
    }
    place_set(credit, place, at);
}

static void first_tell(struct tg_credit *credit)
{
    const int64_t due_ns =
        credit->due_count > 0 ? credit->entries[credit->due[0]].valid_to_ns : INT64_MAX;
    __atomic_store_n(&credit->due_ns, due_ns, __ATOMIC_RELAXED);
}

void tg_credit_due_add(struct tg_credit *credit, uint32_t at)
{
    assert(credit->due_count < credit->entries_max);
    up(credit, credit->due_count++, at);
    first_tell(credit);
}

void tg_credit_due_remove(struct tg_credit *credit, uint32_t at)
{
    const uint32_t place = credit->entries[at].due_place;
    assert(place < credit->due_count && credit->due[place] == at);
    const uint32_t last = credit->due[--credit->due_count];
    if (last != at && place > 0 && is_before(credit, last, credit->due[(place - 1) / 2])) {
        up(credit, place, last);
    } else if (last != at) {
        down(credit, place, last);
    }
    first_tell(credit);
}
