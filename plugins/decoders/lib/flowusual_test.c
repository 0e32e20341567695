/* SPDX-License-Identifier: Apache-2.0 */
/* The loop's vector variants against its scalar form, record by record: any template, any octets.
 * If these failed, the same datagram would become other money on another processor. */
#include "lib/flowusual.h"
#include "lib/flowplan.h"

#include <criterion/criterion.h>
#include <string.h>

#define RECORDS_MAX 70u
#define OCTETS_MAX  200u

static uint64_t random_next(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* IANA numbers and lengths of fields that feed columns, and some that feed none. */
static const struct {
    uint16_t element;
    uint16_t octets;
} known[] = {{8, 4},   {12, 4},  {27, 16}, {28, 16}, {1, 4},  {1, 8},  {85, 8},  {23, 4},  {95, 4},
             {152, 8}, {153, 8}, {150, 4}, {151, 4}, {21, 4}, {22, 4}, {154, 8}, {155, 8}, {161, 4},
             {158, 4}, {159, 4}, {160, 8}, {4, 1},   {7, 2},  {11, 2}, {2, 8},   {136, 1}, {10, 4}};

static void template_make(uint64_t *state, bool is_usual, struct tg_flow_plan *plan)
{
    struct tg_flow_field fields[24] = {0};
    uint32_t count = 0;
    if (is_usual) {
        const bool is_uptime = random_next(state) % 2 != 0;
        const uint16_t usual[][2] = {{8, 4},
                                     {12, 4},
                                     {1, random_next(state) % 2 != 0 ? 4 : 8},
                                     {is_uptime ? 22 : 152, is_uptime ? 4 : 8},
                                     {is_uptime ? 21 : 153, is_uptime ? 4 : 8}};
        for (; count < 5; count++) {
            fields[count].element = usual[count][0];
            fields[count].length_octets = usual[count][1];
        }
    }
    const uint32_t more = 1 + (uint32_t)(random_next(state) % (is_usual ? 4 : 14));
    for (uint32_t i = 0; i < more; i++, count++) {
        const uint64_t k = random_next(state) % (sizeof known / sizeof known[0]);
        fields[count].element = known[k].element;
        fields[count].length_octets = known[k].octets;
    }
    cr_assert_eq(tg_flow_plan_compile(10, false, fields, count, plan), TG_OK);
    cr_assert_leq(plan->record_octets, OCTETS_MAX);
}

/* Times near the export, so that most records are usual; one in some is anything. */
static void record_fill(uint64_t *state, const struct tg_flow_plan *plan,
                        const struct tg_flow_context *context, uint32_t odd_one_in, uint8_t *record)
{
    for (uint32_t i = 0; i < plan->record_octets; i++) {
        record[i] = (uint8_t)random_next(state);
    }
    if (odd_one_in != 0 && random_next(state) % odd_one_in == 0) {
        return;
    }
    const uint64_t now_ms = plan->start_clock == TG_FLOW_CLOCK_UPTIME
                                ? context->uptime_ms
                                : (uint64_t)context->export_ns / 1000000;
    const uint64_t end = now_ms - random_next(state) % 100000;
    const uint64_t values[TG_FLOW_SLOT_COUNT] = {
        /* One in eight is longer than 32 bits of milliseconds, or ends before it starts. */
        [TG_FLOW_SLOT_START] =
            end - random_next(state) % (random_next(state) % 8 != 0 ? 100000 : UINT64_C(1) << 34) +
            (odd_one_in != 0 && random_next(state) % 8 == 0 ? 100000 : 0),
        [TG_FLOW_SLOT_END] = end,
        [TG_FLOW_SLOT_UP] = random_next(state) >> (16 + random_next(state) % 48),
        [TG_FLOW_SLOT_DOWN] = random_next(state) >> (16 + random_next(state) % 48)};
    for (uint32_t slot = 0; slot < TG_FLOW_SLOT_COUNT; slot++) {
        const struct tg_flow_load load = plan->loads[slot];
        if (load.mask == 0 || values[slot] == 0) {
            continue;
        }
        for (uint32_t b = 0; b < 8 && (load.mask >> (8 * b) & 0xff) != 0; b++) {
            record[load.at + 7 - (int32_t)b] = (uint8_t)(values[slot] >> (8 * b));
        }
    }
}

static void compare(uint64_t seed, bool is_usual, uint32_t odd_one_in)
{
    static uint8_t buffer[TG_FLOW_LEAD_BYTES + RECORDS_MAX * OCTETS_MAX];
    static struct tg_usage expected[RECORDS_MAX];
    static struct tg_usage given[RECORDS_MAX + 1];
    uint64_t state = seed;
    struct tg_flow_plan plan;
    template_make(&state, is_usual, &plan);
    uint8_t *records = buffer + TG_FLOW_LEAD_BYTES;
    const struct tg_flow_context context = {
        .export_ns = INT64_C(1760000000123456789) + (int64_t)(random_next(&state) % 1000000000),
        .seed = random_next(&state),
        .anchor = records,
        .sequence = (uint32_t)random_next(&state),
        /* Also one that has just wrapped. */
        .uptime_ms = random_next(&state) % 4 == 0 ? 1000 : (uint32_t)random_next(&state),
        .has_uptime = random_next(&state) % 8 != 0};
    const uint32_t count = (uint32_t)(random_next(&state) % (RECORDS_MAX + 1));
    for (uint32_t i = 0; i < count; i++) {
        record_fill(&state, &plan, &context, odd_one_in, records + i * plan.record_octets);
    }
    const uint32_t wanted =
        tg_flow_gather_by(tg_flow_variant_at(0), &plan, &context, records, count, expected);
    for (uint32_t v = 1; tg_flow_variant_at(v) != NULL; v++) {
        const struct tg_flow_variant *variant = tg_flow_variant_at(v);
        memset(given, 0xa5, sizeof given);
        const uint32_t rows = tg_flow_gather_by(variant, &plan, &context, records, count, given);
        cr_assert_eq(rows, wanted, "%s, seed %llu: %u rows, not %u", variant->name,
                     (unsigned long long)seed, rows, wanted);
        for (uint32_t i = 0; i < wanted; i++) {
            cr_assert(memcmp(&given[i], &expected[i], sizeof given[i]) == 0,
                      "%s, seed %llu: row %u of %u differs", variant->name,
                      (unsigned long long)seed, i, wanted);
        }
        for (size_t b = 0; b < sizeof given[0]; b++) {
            cr_assert_eq(((const uint8_t *)&given[count])[b], 0xa5, "written behind the rows");
        }
    }
}

Test(flowusual, usual_records)
{
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        compare(seed, true, 0);
    }
}

Test(flowusual, usual_templates_with_odd_records_among_them)
{
    for (uint64_t seed = 1; seed <= 6000; seed++) {
        compare(seed << 20, true, 1 + (uint32_t)(seed % 40));
    }
}

Test(flowusual, any_template)
{
    for (uint64_t seed = 1; seed <= 6000; seed++) {
        compare(seed << 40, false, (uint32_t)(seed % 5));
    }
}

Test(flowusual, every_variant_of_this_processor_takes_usual_records)
{
    /* Otherwise the tests above would compare the scalar loop with itself. */
    uint64_t state = 1;
    static uint8_t buffer[TG_FLOW_LEAD_BYTES + 16 * OCTETS_MAX];
    static struct tg_usage rows[16];
    struct tg_flow_plan plan;
    const struct tg_flow_context context = {
        .export_ns = INT64_C(1760000000000000000), .uptime_ms = 5000000, .has_uptime = true};
    template_make(&state, true, &plan);
    uint8_t *records = buffer + TG_FLOW_LEAD_BYTES;
    for (uint32_t i = 0; i < 16; i++) {
        record_fill(&state, &plan, &context, 0, records + i * plan.record_octets);
    }
    cr_assert_not_null(tg_flow_variant_at(1));
    for (uint32_t v = 1; tg_flow_variant_at(v) != NULL; v++) {
        cr_assert_eq(tg_flow_variant_at(v)->gather(&plan, &context, records, 16, rows), 16);
    }
}
