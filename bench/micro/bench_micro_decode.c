/* SPDX-License-Identifier: Apache-2.0 */
/* The variants of the loop that turns records of a template into rows, in turn on the same records.
 */
#include "bench/micro/bench_micro.h"

#include "base/arena.h"
#include "base/clock.h"
#include "bench/bench_feed.h"
#include "lib/flowusual.h"

#include <string.h>

#define FRAMES_COUNT  512u
#define HEAD_OCTETS   (42u + 16u + 4u)      /* frame, message, set */
#define FIELDS_OCTETS (42u + 16u + 4u + 4u) /* and the template's own head */
#define FIELDS_MAX    24u

struct gather {
    struct tg_feed feed;
    struct tg_flow_plan plan;
    struct tg_flow_context context;
    const struct tg_flow_variant *variant;
    struct tg_usage rows[TG_FEED_RECORDS];
};

static void gather_close(void *state)
{
    struct gather *g = state;
    if (g != NULL) {
        tg_feed_close(&g->feed);
        tg_pages_free(g, sizeof *g);
    }
}

static uint16_t two(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static bool plan_make(struct gather *g)
{
    struct tg_flow_field fields[FIELDS_MAX] = {0};
    const uint8_t *at = g->feed.template_frame + FIELDS_OCTETS;
    const uint32_t count = two(at - 2);
    for (uint32_t i = 0; i < count && i < FIELDS_MAX; i++, at += 4) {
        fields[i].element = two(at);
        fields[i].length_octets = two(at + 2);
    }
    return count <= FIELDS_MAX && tg_flow_plan_compile(10, false, fields, count, &g->plan) == TG_OK;
}

static void *gather_open(uint32_t variant)
{
    struct gather *g = tg_pages_take(sizeof *g);
    if (g == NULL || tg_feed_open(&g->feed, FRAMES_COUNT, 100000, false, 50, 3) != TG_OK ||
        !plan_make(g)) {
        gather_close(g);
        return NULL;
    }
    g->variant = tg_flow_variant_at(variant);
    g->context = (struct tg_flow_context){.export_ns = TG_FEED_START_NS + TG_NS_PER_HOUR};
    return g;
}

static void *scalar_open(void)
{
    return gather_open(0);
}

static void *avx2_open(void)
{
    return gather_open(1);
}

static uint32_t frame_gather(struct gather *g, uint32_t frame)
{
    const uint8_t *records = g->feed.frames + (size_t)frame * TG_FEED_STRIDE_BYTES + HEAD_OCTETS;
    return tg_flow_gather_by(g->variant, &g->plan, &g->context, records, TG_FEED_RECORDS, g->rows);
}

static uint64_t gather_run(void *state)
{
    uint64_t rows_count = 0;
    for (uint32_t i = 0; i < FRAMES_COUNT; i++) {
        rows_count += frame_gather(state, i);
    }
    return rows_count;
}

/* Once more, every row against what was put in. */
static bool gather_check(void *state)
{
    struct gather *g = state;
    for (uint32_t i = 0, at = 0; i < FRAMES_COUNT; i++) {
        const uint32_t rows_count = frame_gather(g, i);
        for (uint32_t k = 0; k < rows_count; k++) {
            if (g->rows[k].quantity_up != g->feed.records[at++].octets) {
                return false;
            }
        }
        if (rows_count != TG_FEED_RECORDS) {
            return false;
        }
    }
    return true;
}

#define NOTE "a record: 55 octets in, 64 out; the loop of ipfix decode alone"

const struct tg_micro tg_micro_decode[] = {
    {"gather scalar", NOTE, scalar_open, gather_run, gather_check, gather_close, NULL},
    {"gather avx2", NOTE, avx2_open, gather_run, gather_check, gather_close, NULL},
    {.name = NULL}};
