/* SPDX-License-Identifier: Apache-2.0 */
#include "health/span.h"

#include <assert.h>
#include <string.h>

/* First span that ends at or after at_ns: all before it lie wholly earlier and do not touch. */
static uint32_t first_reaching(const struct tg_span_ns *spans, uint32_t count, int64_t at_ns)
{
    uint32_t low = 0;
    uint32_t high = count;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (spans[middle].until_ns < at_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool tg_span_add(struct tg_span_ns *spans, uint32_t *count, uint32_t capacity,
                 struct tg_span_ns add, int64_t *evicted_ns)
{
    assert(add.from_ns < add.until_ns);
    assert(*count <= capacity);
    uint32_t first = first_reaching(spans, *count, add.from_ns);
    uint32_t last = first;
    while (last < *count && spans[last].from_ns <= add.until_ns) {
        add.from_ns = spans[last].from_ns < add.from_ns ? spans[last].from_ns : add.from_ns;
        add.until_ns = spans[last].until_ns > add.until_ns ? spans[last].until_ns : add.until_ns;
        last++;
    }
    bool is_kept = true;
    if (last == first && *count == capacity) {
        is_kept = false;
        if (first == 0) {
            *evicted_ns = add.until_ns;
            return false;
        }
        *evicted_ns = spans[0].until_ns;
        memmove(spans, spans + 1, (*count - 1) * sizeof *spans);
        *count -= 1;
        first--;
        last--;
    }
    /* [first, last) shrinks or grows to one entry */
    memmove(spans + first + 1, spans + last, (*count - last) * sizeof *spans);
    spans[first] = add;
    *count = *count - (last - first) + 1;
    return is_kept;
}

bool tg_span_has(const struct tg_span_ns *spans, uint32_t count, int64_t at_ns)
{
    if (at_ns == INT64_MAX) {
        return false;
    }
    const uint32_t at = first_reaching(spans, count, at_ns + 1);
    return at < count && spans[at].from_ns <= at_ns;
}
