/* SPDX-License-Identifier: Apache-2.0 */
/* The hot loop: records of one template to rows. It has its own file so that a reader sees all of
 * it at once. Usual records go by flowusual.h, which must compute what this computes. */
#include "lib/flowplan.h"
#include "lib/flowusual.h"

#include "abi/key.h"

#include <string.h>

#define NTP_TO_UNIX_S UINT64_C(2208988800) /* 1900 to 1970, RFC 868 */
#define NS_PER_MS     INT64_C(1000000)
#define NS_PER_S      INT64_C(1000000000)

static inline uint64_t load(const uint8_t *record, struct tg_flow_load from)
{
    uint64_t word;
    memcpy(&word, record + from.at, sizeof(word));
    return __builtin_bswap64(word) & from.mask;
}

/* RFC 7011 6.1.9: seconds since 1900 and a binary fraction. The era after 2036 is told by the top
 * bit being clear, RFC 4330 3. The result stays below 2^63 ns until 2104. */
static inline int64_t ntp_ns(uint64_t value)
{
    uint64_t seconds = value >> 32;
    if (seconds < UINT64_C(0x80000000)) {
        seconds += UINT64_C(1) << 32;
    }
    const uint64_t fraction_ns = ((value & UINT32_MAX) * UINT64_C(1000000000)) >> 32;
    return (int64_t)((seconds - NTP_TO_UNIX_S) * UINT64_C(1000000000) + fraction_ns);
}

/* Milliseconds of year 9999 and beyond would overflow; they are absurd anyway and clamp. */
static inline int64_t scaled_ns(uint64_t value, int64_t scale)
{
    const uint64_t most = (uint64_t)(INT64_MAX / 2 / scale);
    return (int64_t)(value > most ? most : value) * scale;
}

/* An uptime is 32 bits and wraps after 49.7 days, so only the difference to the header's counts,
 * and its sign tells which of the two is the older. */
static inline int64_t uptime_ns(const struct tg_flow_context *context, uint32_t uptime_ms,
                                uint64_t value)
{
    const int32_t age_ms = (int32_t)(uptime_ms - (uint32_t)value);
    return context->export_ns - (int64_t)age_ms * NS_PER_MS;
}

static inline __attribute__((always_inline)) int64_t
time_ns(const struct tg_flow_context *context, uint8_t clock, uint32_t uptime_ms, uint64_t value)
{
    switch (clock) {
    case TG_FLOW_CLOCK_SECONDS:
        return scaled_ns(value, NS_PER_S);
    case TG_FLOW_CLOCK_MILLISECONDS:
        return scaled_ns(value, NS_PER_MS);
    case TG_FLOW_CLOCK_MICROSECONDS:
        /* RFC 7011 6.1.9: the low 11 bits of the fraction carry nothing. */
        return ntp_ns(value & ~UINT64_C(0x7ff));
    case TG_FLOW_CLOCK_NANOSECONDS:
        return ntp_ns(value);
    case TG_FLOW_CLOCK_DELTA:
        return context->export_ns - scaled_ns(value, 1000);
    default:
        return uptime_ns(context, uptime_ms, value);
    }
}

struct span {
    int64_t start_ns;
    int64_t end_ns;
    uint8_t flags;
    bool has_time; /* the record itself said when */
};

/* Slow and rare: no start in the record, or one that cannot be true. */
static __attribute__((noinline)) void mend(const struct tg_flow_context *context, struct span *span)
{
    const int64_t length_ns = span->end_ns - span->start_ns;
    const bool is_length_sane = length_ns >= 0 && length_ns <= TG_FLOW_SUSPECT_AGE_NS;
    const int64_t export_ns = context->export_ns;
    span->flags |= TG_USAGE_SUSPECT_TIME;
    if (span->start_ns > export_ns + TG_FLOW_SUSPECT_AHEAD_NS ||
        span->start_ns < export_ns - TG_FLOW_SUSPECT_AGE_NS) {
        span->start_ns = export_ns;
    }
    span->end_ns = span->start_ns + (is_length_sane ? length_ns : 0);
}

static __attribute__((noinline)) void resolve_partial(const struct tg_flow_plan *plan,
                                                      const struct tg_flow_context *context,
                                                      const uint8_t *record, struct span *span)
{
    uint32_t uptime_ms = context->uptime_ms;
    bool has_uptime = context->has_uptime;
    if (plan->loads[TG_FLOW_SLOT_INIT].mask != 0) {
        const uint64_t init_ms = load(record, plan->loads[TG_FLOW_SLOT_INIT]);
        uptime_ms = (uint32_t)((uint64_t)(context->export_ns / NS_PER_MS) - init_ms);
        has_uptime = true;
    }
    const uint64_t start = load(record, plan->loads[TG_FLOW_SLOT_START]);
    const uint64_t end = load(record, plan->loads[TG_FLOW_SLOT_END]);
    const uint64_t length = load(record, plan->loads[TG_FLOW_SLOT_DURATION]);
    bool has_start = plan->loads[TG_FLOW_SLOT_START].mask != 0;
    bool has_end = plan->loads[TG_FLOW_SLOT_END].mask != 0;
    int64_t length_ns = -1;
    if (plan->loads[TG_FLOW_SLOT_DURATION].mask != 0) {
        length_ns = scaled_ns(
            length, plan->duration_clock == TG_FLOW_CLOCK_MICROSECONDS ? 1000 : NS_PER_MS);
    }
    if (!has_uptime && plan->start_clock == TG_FLOW_CLOCK_UPTIME) {
        /* Nobody told when it booted: only the length can be had. */
        if (has_start && has_end && plan->end_clock == TG_FLOW_CLOCK_UPTIME) {
            length_ns = (int64_t)(uint32_t)(end - start) * NS_PER_MS;
        }
        has_start = false;
    }
    has_end = has_end && (has_uptime || plan->end_clock != TG_FLOW_CLOCK_UPTIME);
    if (has_start) {
        span->start_ns = time_ns(context, plan->start_clock, uptime_ms, start);
        span->end_ns = has_end          ? time_ns(context, plan->end_clock, uptime_ms, end)
                       : length_ns >= 0 ? span->start_ns + length_ns
                                        : span->start_ns;
    } else if (has_end) {
        span->end_ns = time_ns(context, plan->end_clock, uptime_ms, end);
        span->start_ns = span->end_ns - (length_ns > 0 ? length_ns : 0);
    } else {
        span->flags |= TG_USAGE_START_FROM_EXPORT;
        span->end_ns = context->export_ns;
        span->start_ns = span->end_ns - (length_ns > 0 ? length_ns : 0);
    }
    span->has_time = has_start || has_end;
}

/* Is `clock` known to the compiler? A switch for each of two times a record is an indirect jump,
 * which took a quarter of the loop. TG_FLOW_CLOCK_NONE: ask the plan. */
static inline __attribute__((always_inline)) void resolve(const struct tg_flow_plan *plan,
                                                          const struct tg_flow_context *context,
                                                          const uint8_t *record, bool is_whole,
                                                          uint8_t clock, struct span *span)
{
    span->flags = 0;
    if (clock != TG_FLOW_CLOCK_NONE || is_whole) {
        const uint8_t start_clock = clock != TG_FLOW_CLOCK_NONE ? clock : plan->start_clock;
        const uint8_t end_clock = clock != TG_FLOW_CLOCK_NONE ? clock : plan->end_clock;
        span->has_time = true;
        span->start_ns = time_ns(context, start_clock, context->uptime_ms,
                                 load(record, plan->loads[TG_FLOW_SLOT_START]));
        span->end_ns = time_ns(context, end_clock, context->uptime_ms,
                               load(record, plan->loads[TG_FLOW_SLOT_END]));
    } else {
        resolve_partial(plan, context, record, span);
    }
    const bool is_odd = (span->end_ns < span->start_ns) |
                        (span->end_ns - span->start_ns > TG_FLOW_SUSPECT_AGE_NS) |
                        (span->start_ns > context->export_ns + TG_FLOW_SUSPECT_AHEAD_NS) |
                        (span->start_ns < context->export_ns - TG_FLOW_SUSPECT_AGE_NS);
    if (__builtin_expect(is_odd, 0)) {
        mend(context, span);
    }
}

/* Identity: sender and domain (the seed), the record's bytes, its time; a record without a time
 * could rightly come twice, so its message and place count too. The offset stands for the ordinal:
 * it is known even when sets before it wait for templates. */
static inline __attribute__((always_inline)) uint64_t
identity(const struct tg_flow_plan *plan, const struct tg_flow_context *context,
         const uint8_t *record, const struct span *span)
{
    if (span->has_time) {
        return tg_flow_identity(context->seed, (uint64_t)span->start_ns, (uint64_t)span->end_ns,
                                record, plan->record_octets);
    }
    const uint32_t offset = context->anchor_offset + (uint32_t)(record - context->anchor);
    const uint64_t place = (uint64_t)context->sequence << 32 | offset;
    const uint64_t seed =
        tg_flow_time_mix(context->seed, (uint64_t)span->start_ns, (uint64_t)span->end_ns);
    return tg_key_hash(tg_key_mix(seed ^ place, UINT64_C(0xe7037ed1a0b428db)) ^ context->seed,
                       record, plan->record_octets);
}

uint64_t tg_flow_value(const struct tg_flow_plan *plan, const uint8_t *record,
                       enum tg_flow_slot slot)
{
    return load(record, plan->loads[slot]);
}

/* The loop, made once for each usual clock (both times of it, both there) and once for all. */
static inline __attribute__((always_inline)) uint32_t
gather(const struct tg_flow_plan *restrict plan, const struct tg_flow_context *restrict context,
       const uint8_t *records, uint32_t count, bool is_whole, uint8_t clock,
       struct tg_usage *restrict rows)
{
    const struct tg_flow_load *restrict loads = plan->loads;
    const uint8_t *record = records;
    for (uint32_t i = 0; i < count; i++, record += plan->record_octets) {
        const uint64_t source4 = load(record, loads[TG_FLOW_SLOT_SOURCE4]);
        const uint64_t source6 = load(record, loads[TG_FLOW_SLOT_SOURCE6]);
        const uint64_t peer4 = load(record, loads[TG_FLOW_SLOT_PEER4]);
        const uint64_t peer6 = load(record, loads[TG_FLOW_SLOT_PEER6]);
        uint64_t up = load(record, loads[TG_FLOW_SLOT_UP]);
        uint64_t down = load(record, loads[TG_FLOW_SLOT_DOWN]);
        if (!plan->has_quantity) {
            up = 0;
            down = 0;
        }
        if (__builtin_expect((up | down) > TG_QUANTITY_MAX, 0)) {
            return i;
        }
        struct span span;
        resolve(plan, context, record, is_whole, clock, &span);
        const int64_t length_ms = (span.end_ns - span.start_ns) / NS_PER_MS;
        /* A template with both families fills one and leaves the other zero. */
        const bool is_ip6 = plan->is_dual && (source4 | peer4) == 0;
        struct tg_usage *row = &rows[i];
        row->subscriber_key = plan->is_dual ? (is_ip6 ? source6 : source4) : source4 | source6;
        row->peer_key = plan->is_dual ? (is_ip6 ? peer6 : peer4) : peer4 | peer6;
        row->start_ns = span.start_ns;
        row->quantity_up = up & TG_QUANTITY_MAX;
        row->rating_group = load(record, loads[TG_FLOW_SLOT_GROUP]) & UINT16_MAX;
        row->quantity_down = down & TG_QUANTITY_MAX;
        row->serving_network = 0;
        row->record_key = identity(plan, context, record, &span);
        row->duration_ms = length_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)length_ms;
        row->sequence = context->sequence;
        row->source_id = 0;
        row->node_id = 0;
        row->service = plan->service;
        row->key_kinds = is_ip6 ? plan->kinds6 : plan->kinds4;
        row->closing_cause = 0;
        row->flags = span.flags | (length_ms > UINT32_MAX ? TG_USAGE_SUSPECT_TIME : 0);
    }
    return count;
}

/* Both times are in the records and need nothing that is not known. */
static bool is_whole(const struct tg_flow_plan *plan, const struct tg_flow_context *context)
{
    const struct tg_flow_load *loads = plan->loads;
    const bool needs_uptime =
        plan->start_clock == TG_FLOW_CLOCK_UPTIME || plan->end_clock == TG_FLOW_CLOCK_UPTIME;
    return loads[TG_FLOW_SLOT_START].mask != 0 && loads[TG_FLOW_SLOT_END].mask != 0 &&
           (!needs_uptime || (context->has_uptime && loads[TG_FLOW_SLOT_INIT].mask == 0));
}

static uint32_t scalar_gather(const struct tg_flow_plan *plan,
                              const struct tg_flow_context *context, const uint8_t *records,
                              uint32_t count, struct tg_usage *rows)
{
    const bool whole = is_whole(plan, context);
    const uint8_t clock =
        whole && plan->start_clock == plan->end_clock ? plan->start_clock : TG_FLOW_CLOCK_NONE;
    switch (clock) {
    case TG_FLOW_CLOCK_MILLISECONDS:
        return gather(plan, context, records, count, true, TG_FLOW_CLOCK_MILLISECONDS, rows);
    case TG_FLOW_CLOCK_UPTIME:
        return gather(plan, context, records, count, true, TG_FLOW_CLOCK_UPTIME, rows);
    default:
        return gather(plan, context, records, count, whole, TG_FLOW_CLOCK_NONE, rows);
    }
}

/* What the variants are made for: octets and both times, in milliseconds, of one address family. */
static bool is_usual(const struct tg_flow_plan *plan, const struct tg_flow_context *context)
{
    const struct tg_flow_load *loads = plan->loads;
    const bool has_both =
        (loads[TG_FLOW_SLOT_SOURCE4].mask != 0 && loads[TG_FLOW_SLOT_SOURCE6].mask != 0) ||
        (loads[TG_FLOW_SLOT_PEER4].mask != 0 && loads[TG_FLOW_SLOT_PEER6].mask != 0);
    return plan->has_quantity && !plan->is_dual && !has_both && plan->record_octets >= 8 &&
           plan->start_clock == plan->end_clock &&
           (plan->start_clock == TG_FLOW_CLOCK_MILLISECONDS ||
            plan->start_clock == TG_FLOW_CLOCK_UPTIME) &&
           is_whole(plan, context);
}

static const struct tg_flow_variant scalar = {"scalar", NULL};

const struct tg_flow_variant *tg_flow_variant_at(uint32_t index)
{
    static const struct tg_flow_variant *const all[] = {&scalar, &tg_flow_avx2};
    return index < sizeof all / sizeof all[0] ? all[index] : NULL;
}

uint32_t tg_flow_gather_by(const struct tg_flow_variant *variant, const struct tg_flow_plan *plan,
                           const struct tg_flow_context *context, const uint8_t *records,
                           uint32_t count, struct tg_usage *rows)
{
    if (variant->gather == NULL || !is_usual(plan, context)) {
        return scalar_gather(plan, context, records, count, rows);
    }
    const uint32_t done = variant->gather(plan, context, records, count, rows);
    return done == count ? count : scalar_gather(plan, context, records, count, rows);
}

uint32_t tg_flow_gather(const struct tg_flow_plan *plan, const struct tg_flow_context *context,
                        const uint8_t *records, uint32_t count, struct tg_usage *rows)
{
    return tg_flow_gather_by(&tg_flow_avx2, plan, context, records, count, rows);
}
