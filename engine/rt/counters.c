/* SPDX-License-Identifier: Apache-2.0 */
#include "rt/counters.h"

#include "base/arena.h"

#include <assert.h>
#include <stddef.h>

#define LINE_BYTES 64u

struct tg_counters {
    uint32_t lcores_count;
    uint32_t counters_count;
    uint32_t stride_count; /* values from one line to the next: whole cache lines, one spare */
    size_t size_bytes;     /* of the whole block, for giving it back */
    uint64_t values[] __attribute__((aligned(LINE_BYTES)));
};

enum tg_err tg_counters_open(uint32_t lcores_count, uint32_t counters_count,
                             struct tg_counters **counters, struct tg_why *why)
{
    if (lcores_count == 0 || lcores_count > TG_COUNTERS_LCORES_MAX || counters_count == 0 ||
        counters_count > TG_COUNTERS_PER_LCORE_MAX) {
        return tg_why_set(why, TG_E_INVALID, "counters: %u lines of %u are outside 1..%u, 1..%u",
                          lcores_count, counters_count, TG_COUNTERS_LCORES_MAX,
                          TG_COUNTERS_PER_LCORE_MAX);
    }
    const uint32_t per_line = LINE_BYTES / sizeof(uint64_t);
    /* One spare line: the hardware fetches cache lines in pairs, so neighbours would still clash.
     */
    const uint32_t stride_count = (counters_count + per_line - 1) / per_line * per_line + per_line;
    const size_t size_bytes =
        sizeof(struct tg_counters) + (size_t)stride_count * lcores_count * sizeof(uint64_t);
    struct tg_counters *made = tg_pages_take(size_bytes);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "counters: no memory for %zu bytes", size_bytes);
    }
    made->lcores_count = lcores_count;
    made->counters_count = counters_count;
    made->stride_count = stride_count;
    made->size_bytes = size_bytes;
    *counters = made;
    return TG_OK;
}

void tg_counters_close(struct tg_counters *counters)
{
    if (counters != NULL) {
        tg_pages_free(counters, counters->size_bytes);
    }
}

uint64_t *tg_counters_line(struct tg_counters *counters, uint32_t lcore_index)
{
    assert(lcore_index < counters->lcores_count);
    return counters->values + (size_t)lcore_index * counters->stride_count;
}

uint64_t tg_counters_sum(const struct tg_counters *counters, uint32_t counter_index)
{
    assert(counter_index < counters->counters_count);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < counters->lcores_count; i++) {
        sum +=
            tg_counter_read(counters->values + (size_t)i * counters->stride_count + counter_index);
    }
    return sum;
}
