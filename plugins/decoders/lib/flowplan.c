/* SPDX-License-Identifier: Apache-2.0 */
/* Compile a template's field list: for each row column the best field that can feed it. */
#include "lib/flowplan.h"

#include "lib/append.h"
#include "lib/flowfields.h"

/** How a usage feeds a slot. A higher rank wins; of equal ones the first (RFC 7011 8). */
struct feed {
    uint8_t slot;
    uint8_t rank;
    uint8_t clock;
    uint8_t shape;
};

enum shape { SHAPE_NUMBER, SHAPE_IP4, SHAPE_IP6, SHAPE_GROUP, SHAPE_NTP };

static const struct feed feeds[TG_FLOW_USAGE_COUNT] = {
    [TG_FLOW_NONE] = {TG_FLOW_SLOT_NONE, 0, 0, 0},
    [TG_FLOW_SOURCE_IP4] = {TG_FLOW_SLOT_SOURCE4, 9, 0, SHAPE_IP4},
    [TG_FLOW_SOURCE_STATION_IP4] = {TG_FLOW_SLOT_SOURCE4, 1, 0, SHAPE_IP4},
    [TG_FLOW_SOURCE_IP6] = {TG_FLOW_SLOT_SOURCE6, 9, 0, SHAPE_IP6},
    [TG_FLOW_PEER_IP4] = {TG_FLOW_SLOT_PEER4, 9, 0, SHAPE_IP4},
    [TG_FLOW_PEER_IP6] = {TG_FLOW_SLOT_PEER6, 9, 0, SHAPE_IP6},
    [TG_FLOW_OCTETS] = {TG_FLOW_SLOT_UP, 9, 0, SHAPE_NUMBER},
    [TG_FLOW_OCTETS_TOTAL] = {TG_FLOW_SLOT_UP, 8, 0, SHAPE_NUMBER},
    [TG_FLOW_OCTETS_INITIATOR] = {TG_FLOW_SLOT_UP, 7, 0, SHAPE_NUMBER},
    [TG_FLOW_OCTETS_LAYER2] = {TG_FLOW_SLOT_UP, 6, 0, SHAPE_NUMBER},
    [TG_FLOW_OCTETS_POST] = {TG_FLOW_SLOT_UP, 1, 0, SHAPE_NUMBER},
    [TG_FLOW_OCTETS_OUT] = {TG_FLOW_SLOT_DOWN, 1, 0, SHAPE_NUMBER},
    [TG_FLOW_REVERSE_OCTETS] = {TG_FLOW_SLOT_DOWN, 9, 0, SHAPE_NUMBER},
    [TG_FLOW_REVERSE_OCTETS_TOTAL] = {TG_FLOW_SLOT_DOWN, 8, 0, SHAPE_NUMBER},
    [TG_FLOW_OCTETS_RESPONDER] = {TG_FLOW_SLOT_DOWN, 7, 0, SHAPE_NUMBER},
    [TG_FLOW_APPLICATION] = {TG_FLOW_SLOT_GROUP, 9, 0, SHAPE_GROUP},
    [TG_FLOW_START_NANOSECONDS] = {TG_FLOW_SLOT_START, 9, TG_FLOW_CLOCK_NANOSECONDS, SHAPE_NTP},
    [TG_FLOW_START_MICROSECONDS] = {TG_FLOW_SLOT_START, 8, TG_FLOW_CLOCK_MICROSECONDS, SHAPE_NTP},
    [TG_FLOW_START_MILLISECONDS] = {TG_FLOW_SLOT_START, 7, TG_FLOW_CLOCK_MILLISECONDS, 0},
    [TG_FLOW_START_SECONDS] = {TG_FLOW_SLOT_START, 6, TG_FLOW_CLOCK_SECONDS, 0},
    [TG_FLOW_START_DELTA] = {TG_FLOW_SLOT_START, 5, TG_FLOW_CLOCK_DELTA, 0},
    [TG_FLOW_START_UPTIME] = {TG_FLOW_SLOT_START, 4, TG_FLOW_CLOCK_UPTIME, 0},
    [TG_FLOW_OBSERVED_NANOSECONDS] = {TG_FLOW_SLOT_START, 3, TG_FLOW_CLOCK_NANOSECONDS, SHAPE_NTP},
    [TG_FLOW_OBSERVED_MICROSECONDS] = {TG_FLOW_SLOT_START, 2, TG_FLOW_CLOCK_MICROSECONDS,
                                       SHAPE_NTP},
    [TG_FLOW_OBSERVED_MILLISECONDS] = {TG_FLOW_SLOT_START, 1, TG_FLOW_CLOCK_MILLISECONDS, 0},
    [TG_FLOW_OBSERVED_SECONDS] = {TG_FLOW_SLOT_START, 1, TG_FLOW_CLOCK_SECONDS, 0},
    [TG_FLOW_END_NANOSECONDS] = {TG_FLOW_SLOT_END, 9, TG_FLOW_CLOCK_NANOSECONDS, SHAPE_NTP},
    [TG_FLOW_END_MICROSECONDS] = {TG_FLOW_SLOT_END, 8, TG_FLOW_CLOCK_MICROSECONDS, SHAPE_NTP},
    [TG_FLOW_END_MILLISECONDS] = {TG_FLOW_SLOT_END, 7, TG_FLOW_CLOCK_MILLISECONDS, 0},
    [TG_FLOW_END_SECONDS] = {TG_FLOW_SLOT_END, 6, TG_FLOW_CLOCK_SECONDS, 0},
    [TG_FLOW_END_DELTA] = {TG_FLOW_SLOT_END, 5, TG_FLOW_CLOCK_DELTA, 0},
    [TG_FLOW_END_UPTIME] = {TG_FLOW_SLOT_END, 4, TG_FLOW_CLOCK_UPTIME, 0},
    [TG_FLOW_DURATION_MICROSECONDS] = {TG_FLOW_SLOT_DURATION, 9, TG_FLOW_CLOCK_MICROSECONDS, 0},
    [TG_FLOW_DURATION_MILLISECONDS] = {TG_FLOW_SLOT_DURATION, 8, TG_FLOW_CLOCK_MILLISECONDS, 0},
    [TG_FLOW_INIT_MILLISECONDS] = {TG_FLOW_SLOT_INIT, 9, 0, SHAPE_NUMBER},
};

/* A length the shape cannot have makes the template unusable; 0 and variable are told elsewhere. */
static bool length_fits(uint8_t shape, uint32_t octets)
{
    switch (shape) {
    case SHAPE_IP4:
        return octets == 4;
    case SHAPE_IP6:
        return octets == 16;
    case SHAPE_NTP:
        return octets == 8;
    case SHAPE_GROUP:
        return octets >= 1;
    default:
        return octets >= 1 && octets <= 8;
    }
}

static const struct feed *feed_of(uint16_t version, const struct tg_flow_field *field)
{
    const struct tg_flow_element *element =
        tg_flow_element_find(version, field->is_scope != 0, field->enterprise, field->element);
    return &feeds[element->usage];
}

/* Place the load of a column whose field's content lies at [start, start + octets). */
static struct tg_flow_load load_of(uint8_t slot, uint32_t start, uint32_t octets)
{
    struct tg_flow_load load = {0, -8, 0};
    if (slot == TG_FLOW_SLOT_SOURCE6 || slot == TG_FLOW_SLOT_PEER6) {
        octets = 8; /* the /64, invariant: the content is 16 octets long */
    }
    load.at = (int32_t)(start + octets) - 8;
    if (slot == TG_FLOW_SLOT_GROUP && octets > 2) {
        octets = 2;
    }
    load.mask = octets >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * octets)) - 1;
    return load;
}

/* Choose for every slot the index of the field with the best rank. */
static bool choose(uint16_t version, const struct tg_flow_field *fields, uint32_t fields_count,
                   int32_t best[TG_FLOW_SLOT_COUNT])
{
    uint8_t rank[TG_FLOW_SLOT_COUNT] = {0};
    for (uint32_t i = 0; i < TG_FLOW_SLOT_COUNT; i++) {
        best[i] = -1;
    }
    for (uint32_t i = 0; i < fields_count; i++) {
        const struct feed *feed = feed_of(version, &fields[i]);
        const uint16_t octets = fields[i].length_octets;
        if (feed->slot == TG_FLOW_SLOT_NONE || octets == 0) {
            continue;
        }
        if (octets != TG_FLOW_VARIABLE && !length_fits(feed->shape, octets)) {
            return false;
        }
        if (feed->rank > rank[feed->slot]) {
            rank[feed->slot] = feed->rank;
            best[feed->slot] = (int32_t)i;
        }
    }
    return true;
}

/* OUT_BYTES without IN_BYTES is egress accounting of the same direction: it is the usage. */
static void settle_out_bytes(uint16_t version, const struct tg_flow_field *fields,
                             int32_t best[TG_FLOW_SLOT_COUNT])
{
    const int32_t down = best[TG_FLOW_SLOT_DOWN];
    if (best[TG_FLOW_SLOT_UP] >= 0 || down < 0) {
        return;
    }
    const struct tg_flow_element *element = tg_flow_element_find(
        version, fields[down].is_scope != 0, fields[down].enterprise, fields[down].element);
    if (element->usage == TG_FLOW_OCTETS_OUT) {
        best[TG_FLOW_SLOT_UP] = down;
        best[TG_FLOW_SLOT_DOWN] = -1;
    }
}

static void set_clocks(uint16_t version, const struct tg_flow_field *fields,
                       const int32_t best[TG_FLOW_SLOT_COUNT], struct tg_flow_plan *plan)
{
    uint8_t clocks[3] = {0, 0, 0};
    for (uint32_t i = 0; i < 3; i++) {
        const int32_t index = best[TG_FLOW_SLOT_START + i];
        if (index >= 0) {
            clocks[i] = feed_of(version, &fields[index])->clock;
        }
    }
    plan->start_clock = clocks[0];
    plan->end_clock = clocks[1];
    plan->duration_clock = clocks[2];
}

static void set_kinds(const int32_t best[TG_FLOW_SLOT_COUNT], struct tg_flow_plan *plan)
{
    const bool source4 = best[TG_FLOW_SLOT_SOURCE4] >= 0;
    const bool source6 = best[TG_FLOW_SLOT_SOURCE6] >= 0;
    const bool peer4 = best[TG_FLOW_SLOT_PEER4] >= 0;
    const bool peer6 = best[TG_FLOW_SLOT_PEER6] >= 0;
    const bool any4 = source4 || peer4;
    const bool any6 = source6 || peer6;
    plan->is_dual = any4 && any6;
    plan->kinds4 =
        tg_key_kinds(source4 ? TG_KEY_IP4 : TG_KEY_NONE, peer4 ? TG_KEY_IP4 : TG_KEY_NONE);
    plan->kinds6 =
        tg_key_kinds(source6 ? TG_KEY_IP6 : TG_KEY_NONE, peer6 ? TG_KEY_IP6 : TG_KEY_NONE);
    if (!any4) {
        plan->kinds4 = plan->kinds6;
    }
}

static bool measure(struct tg_flow_field *fields, uint32_t fields_count, struct tg_flow_plan *plan)
{
    uint32_t octets = 0;
    for (uint32_t i = 0; i < fields_count; i++) {
        fields[i].slot = TG_FLOW_SLOT_NONE;
        if (fields[i].length_octets == TG_FLOW_VARIABLE) {
            plan->is_variable = true;
            octets += 1;
        } else {
            octets += fields[i].length_octets;
        }
    }
    plan->record_octets = octets;
    return octets >= 1 && octets <= UINT16_MAX;
}

enum tg_err tg_flow_plan_compile(uint16_t version, bool is_options, struct tg_flow_field *fields,
                                 uint32_t fields_count, struct tg_flow_plan *plan)
{
    struct tg_flow_plan made;
    memset(&made, 0, sizeof(made));
    int32_t best[TG_FLOW_SLOT_COUNT];
    if (fields_count == 0 || fields_count > TG_FLOW_FIELDS_MAX) {
        return TG_E_COUNT;
    }
    if (!measure(fields, fields_count, &made) || !choose(version, fields, fields_count, best)) {
        return TG_E_TEMPLATE;
    }
    settle_out_bytes(version, fields, best);
    set_clocks(version, fields, best, &made);
    set_kinds(best, &made);
    made.fields_count = (uint16_t)fields_count;
    made.version = version;
    made.is_options = is_options;
    made.has_quantity = !is_options && (best[TG_FLOW_SLOT_UP] >= 0 || best[TG_FLOW_SLOT_DOWN] >= 0);
    made.service = made.has_quantity ? TG_SERVICE_DATA : TG_SERVICE_OPTIONS;
    for (uint32_t slot = 0; slot < TG_FLOW_SLOT_COUNT; slot++) {
        made.loads[slot].at = -8;
        if (best[slot] >= 0) {
            fields[best[slot]].slot = (uint8_t)slot;
        }
    }
    for (uint32_t i = 0, at = 0; i < fields_count && !made.is_variable; i++) {
        if (fields[i].slot != TG_FLOW_SLOT_NONE) {
            made.loads[fields[i].slot] = load_of(fields[i].slot, at, fields[i].length_octets);
        }
        at += fields[i].length_octets;
    }
    *plan = made;
    return TG_OK;
}

bool tg_flow_field_step(uint16_t length_octets, uint32_t *at, const uint8_t *record,
                        uint32_t limit_octets, uint32_t *start, uint32_t *octets)
{
    uint32_t position = *at;
    uint32_t length = length_octets;
    if (length_octets == TG_FLOW_VARIABLE) {
        if (position >= limit_octets) {
            return false;
        }
        length = record[position++];
        if (length == 255) { /* RFC 7011 7: the long form */
            if (limit_octets - position < 2) {
                return false;
            }
            length = (uint32_t)record[position] << 8 | record[position + 1];
            position += 2;
        }
    }
    if (limit_octets - position < length) {
        return false;
    }
    *start = position;
    *octets = length;
    *at = position + length;
    return true;
}

/* A variable-length number or address must still have a length it can have. */
static bool content_fits(const struct tg_flow_plan *plan, const struct tg_flow_field *field,
                         uint32_t octets)
{
    return field->length_octets != TG_FLOW_VARIABLE ||
           length_fits(feed_of(plan->version, field)->shape, octets);
}

uint32_t tg_flow_place(const struct tg_flow_plan *plan, const struct tg_flow_field *fields,
                       const uint8_t *record, uint32_t left_octets, struct tg_flow_plan *placed)
{
    *placed = *plan;
    uint32_t at = 0;
    for (uint32_t i = 0; i < plan->fields_count; i++) {
        uint32_t start;
        uint32_t octets;
        if (!tg_flow_field_step(fields[i].length_octets, &at, record, left_octets, &start,
                                &octets)) {
            return 0;
        }
        if (fields[i].slot == TG_FLOW_SLOT_NONE || octets == 0) {
            continue;
        }
        if (!content_fits(plan, &fields[i], octets)) {
            return 0;
        }
        placed->loads[fields[i].slot] = load_of(fields[i].slot, start, octets);
    }
    placed->record_octets = at;
    return at;
}

/* A type promises a length to who prints it; other lengths on the wire are bare octets. */
static uint8_t printable_type(uint8_t type, uint32_t octets)
{
    static const uint8_t fixed[] = {
        [TG_FIELD_IP4] = 4,     [TG_FIELD_IP6] = 16,         [TG_FIELD_MAC] = 6,
        [TG_FIELD_BOOLEAN] = 1, [TG_FIELD_MICROSECONDS] = 8, [TG_FIELD_NANOSECONDS] = 8};
    if (type == TG_FIELD_OCTETS || type == TG_FIELD_STRING) {
        return type;
    }
    if (type < sizeof(fixed) && fixed[type] != 0) {
        return octets == fixed[type] ? type : TG_FIELD_OCTETS;
    }
    if (type == TG_FIELD_FLOAT) {
        return octets == 4 || octets == 8 ? type : TG_FIELD_OCTETS;
    }
    return octets >= 1 && octets <= 8 ? type : TG_FIELD_OCTETS;
}

void tg_flow_fields_append(const struct tg_flow_plan *plan, const struct tg_flow_field *fields,
                           const uint8_t *record, uint32_t octets, uint32_t row_index,
                           struct tg_decoded *out)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < plan->fields_count; i++) {
        uint32_t start;
        uint32_t length;
        if (!tg_flow_field_step(fields[i].length_octets, &at, record, octets, &start, &length)) {
            return;
        }
        const struct tg_flow_element *element = tg_flow_element_find(
            plan->version, fields[i].is_scope != 0, fields[i].enterprise, fields[i].element);
        const struct tg_field field = {.bytes = record + start,
                                       .name = element->name,
                                       .enterprise = fields[i].enterprise,
                                       .row_index = row_index,
                                       .element = fields[i].element,
                                       .length_bytes = (uint16_t)length,
                                       .type = printable_type(element->type, length)};
        tg_out_field(out, &field);
    }
}
