/* SPDX-License-Identifier: Apache-2.0 */
/* Open, close, save and load. The saved form, all little-endian:
 *
 *   magic "TGFL", u32 format, u16 protocol version, u16 0, u32 templates, u32 boots, u32 pieces
 *   template: u16 source, u16 id, u32 domain, u16 fields, u16 scopes, u16 options, u16 0,
 *             then a field: u32 enterprise, u16 element, u16 length
 *   boot:     u64 init_ms, u32 domain, u16 source, u16 0
 *   piece:    u16 source, u16 id, u32 domain, u64 arrival, u64 export, u64 seed, u64 key,
 *             u32 sequence, u32 uptime, u32 offset, u32 length, u32 done, u16 has_uptime, u16 0,
 * body u64 tg_key_hash of everything before
 *
 * Templates go from the one used longest ago to the newest, so loading rebuilds the order of use.
 */
#include "lib/flowwalk.h"

#include "abi/key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC          0x4c464754u /* "TGFL" */
#define HEAD_BYTES     24u
#define TEMPLATE_BYTES 16u
#define FIELD_BYTES    8u
#define BOOT_BYTES     16u
#define PIECE_BYTES    64u
#define SUM_BYTES      8u

/* ---- open ---------------------------------------------------------------------------------- */

/** A setting that is a number within bounds. */
struct knob {
    const char *key;
    uint32_t least;
    uint32_t most;
    uint32_t value;
};

enum { KNOB_TEMPLATES, KNOB_PER_SOURCE, KNOB_PARK_BYTES, KNOB_PARK_PIECES, KNOB_COUNT };

static bool number_read(const char *text, uint64_t *value)
{
    *value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && *value <= UINT32_MAX; at++) {
        *value = *value * 10 + (uint64_t)(*at - '0');
    }
    return at != text && *at == '\0';
}

static bool knob_set(struct knob *knobs, const struct tg_setting *setting, uint32_t index,
                     struct tg_complaint *why)
{
    for (uint32_t i = 0; i < KNOB_COUNT; i++) {
        if (strcmp(setting->key, knobs[i].key) != 0) {
            continue;
        }
        uint64_t value = 0;
        if (number_read(setting->value, &value) && value >= knobs[i].least &&
            value <= knobs[i].most) {
            knobs[i].value = (uint32_t)value;
            return true;
        }
        why->setting_index = index;
        snprintf(why->text, sizeof(why->text), "%s must be a whole number from %u to %u",
                 setting->key, knobs[i].least, knobs[i].most);
        return false;
    }
    why->setting_index = index;
    snprintf(why->text, sizeof(why->text),
             "unknown setting %.60s; known are templates, templates_per_source, park_bytes and "
             "park_pieces",
             setting->key);
    return false;
}

enum tg_err tg_flow_open(const struct tg_flow_dialect *dialect,
                         const struct tg_decoder_config *config, void **state,
                         struct tg_complaint *why)
{
    struct knob knobs[KNOB_COUNT] = {
        [KNOB_TEMPLATES] = {"templates", 1, TG_FLOW_TEMPLATES_MAX, TG_FLOW_TEMPLATES_DEFAULT},
        [KNOB_PER_SOURCE] = {"templates_per_source", 1, TG_FLOW_TEMPLATES_MAX, 0},
        [KNOB_PARK_BYTES] = {"park_bytes", 65536, 1u << 30, TG_FLOW_PARK_BYTES_DEFAULT},
        [KNOB_PARK_PIECES] = {"park_pieces", 1, 65534, TG_FLOW_PARK_PIECES_DEFAULT},
    };
    *state = NULL;
    for (uint32_t i = 0; i < config->settings_count; i++) {
        if (!knob_set(knobs, &config->settings[i], i, why)) {
            return TG_E_INVALID;
        }
    }
    const uint32_t templates = knobs[KNOB_TEMPLATES].value;
    uint32_t per_source = knobs[KNOB_PER_SOURCE].value;
    if (per_source == 0) {
        per_source = templates > 4 ? templates / 4 : templates; /* four greedy ones still fit */
    } else if (per_source > templates) {
        per_source = templates;
    }
    struct tg_flow *flow = calloc(1, sizeof(*flow));
    if (flow == NULL ||
        tg_flow_store_open(&flow->store, templates, per_source, config->hash_seed) != TG_OK ||
        tg_flow_park_open(&flow->park, knobs[KNOB_PARK_BYTES].value, knobs[KNOB_PARK_PIECES].value,
                          config->hash_seed) != TG_OK) {
        tg_flow_close(flow);
        why->setting_index = UINT32_MAX;
        snprintf(why->text, sizeof(why->text), "no memory for %u templates", templates);
        return TG_E_NO_MEMORY;
    }
    flow->dialect = dialect;
    *state = flow;
    return TG_OK;
}

void tg_flow_close(void *state)
{
    struct tg_flow *flow = state;
    if (flow == NULL) {
        return;
    }
    tg_flow_store_close(&flow->store);
    tg_flow_park_close(&flow->park);
    free(flow);
}

/* ---- save ---------------------------------------------------------------------------------- */

static uint8_t *put(uint8_t *at, uint64_t value, uint32_t bytes_count)
{
    for (uint32_t i = 0; i < bytes_count; i++) {
        *at++ = (uint8_t)(value >> (8 * i));
    }
    return at;
}

static size_t size_of(const struct tg_flow *flow, uint32_t *boots_count)
{
    size_t bytes = HEAD_BYTES + SUM_BYTES;
    for (uint16_t i = flow->store.all.oldest; i != 0; i = flow->store.slots[i].newer[0]) {
        bytes += TEMPLATE_BYTES + (size_t)flow->store.slots[i].plan.fields_count * FIELD_BYTES;
    }
    *boots_count = 0;
    while (*boots_count < TG_FLOW_BOOTS_COUNT && flow->store.boots[*boots_count].is_set) {
        ++*boots_count;
    }
    bytes += (size_t)*boots_count * BOOT_BYTES;
    for (const struct tg_flow_piece *piece = tg_flow_park_next(&flow->park, NULL); piece != NULL;
         piece = tg_flow_park_next(&flow->park, piece)) {
        bytes += PIECE_BYTES + piece->length_bytes;
    }
    return bytes;
}

static uint8_t *put_template(uint8_t *at, const struct tg_flow_template *t)
{
    at = put(at, t->key.source_id, 2);
    at = put(at, t->key.id, 2);
    at = put(at, t->key.domain, 4);
    at = put(at, t->plan.fields_count, 2);
    at = put(at, t->scopes_count, 2);
    at = put(at, t->plan.is_options, 2);
    at = put(at, 0, 2);
    for (uint32_t i = 0; i < t->plan.fields_count; i++) {
        at = put(at, t->fields[i].enterprise, 4);
        at = put(at, t->fields[i].element, 2);
        at = put(at, t->fields[i].length_octets, 2);
    }
    return at;
}

static uint8_t *put_piece(uint8_t *at, const struct tg_flow_park *park,
                          const struct tg_flow_piece *piece)
{
    at = put(at, piece->key.source_id, 2);
    at = put(at, piece->key.id, 2);
    at = put(at, piece->key.domain, 4);
    at = put(at, (uint64_t)piece->arrival_ns, 8);
    at = put(at, (uint64_t)piece->export_ns, 8);
    at = put(at, piece->seed, 8);
    at = put(at, piece->record_key, 8);
    at = put(at, piece->sequence, 4);
    at = put(at, piece->uptime_ms, 4);
    at = put(at, piece->anchor_offset, 4);
    at = put(at, piece->length_bytes, 4);
    at = put(at, piece->done_bytes, 4);
    at = put(at, piece->has_uptime, 2);
    at = put(at, 0, 2);
    tg_flow_park_copy(park, piece, at);
    return at + piece->length_bytes;
}

size_t tg_flow_save(const void *state, uint8_t *bytes, size_t capacity_bytes)
{
    const struct tg_flow *flow = state;
    const struct tg_flow_store *store = &flow->store;
    uint32_t boots_count;
    const size_t needed_bytes = size_of(flow, &boots_count);
    if (needed_bytes > capacity_bytes) {
        return needed_bytes;
    }
    uint8_t *at = put(bytes, MAGIC, 4);
    at = put(at, TG_FLOW_STATE_VERSION, 4);
    at = put(at, flow->dialect->version, 2);
    at = put(at, 0, 2);
    at = put(at, store->all.count, 4);
    at = put(at, boots_count, 4);
    at = put(at, flow->park.pieces_count, 4);
    for (uint16_t i = store->all.oldest; i != 0; i = store->slots[i].newer[0]) {
        at = put_template(at, &store->slots[i]);
    }
    for (uint32_t i = 0; i < boots_count; i++) {
        at = put(at, store->boots[i].init_ms, 8);
        at = put(at, store->boots[i].domain, 4);
        at = put(at, store->boots[i].source_id, 2);
        at = put(at, 0, 2);
    }
    for (const struct tg_flow_piece *piece = tg_flow_park_next(&flow->park, NULL); piece != NULL;
         piece = tg_flow_park_next(&flow->park, piece)) {
        at = put_piece(at, &flow->park, piece);
    }
    put(at, tg_key_hash(0, bytes, needed_bytes - SUM_BYTES), 8);
    return needed_bytes;
}

/* ---- load ---------------------------------------------------------------------------------- */

/** Little-endian reader with a sticky error. */
struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static const uint8_t *take(struct reader *r, size_t bytes_count)
{
    if (r->failed || (size_t)(r->end - r->at) < bytes_count) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *at = r->at;
    r->at += bytes_count;
    return at;
}

static uint64_t get(struct reader *r, uint32_t bytes_count)
{
    const uint8_t *at = take(r, bytes_count);
    uint64_t value = 0;
    for (uint32_t i = 0; at != NULL && i < bytes_count; i++) {
        value |= (uint64_t)at[i] << (8 * i);
    }
    return value;
}

static struct tg_flow_key get_key(struct reader *r)
{
    struct tg_flow_key key;
    key.source_id = (uint16_t)get(r, 2);
    key.id = (uint16_t)get(r, 2);
    key.domain = (uint32_t)get(r, 4);
    return key;
}

static enum tg_err get_template(struct tg_flow *flow, struct reader *r)
{
    struct tg_flow_template *t = &flow->scratch;
    t->key = get_key(r);
    const uint32_t fields_count = (uint32_t)get(r, 2);
    t->scopes_count = (uint16_t)get(r, 2);
    const bool is_options = get(r, 2) != 0;
    (void)get(r, 2);
    if (r->failed || fields_count > TG_FLOW_FIELDS_MAX) {
        return TG_E_CORRUPT;
    }
    memset(t->fields, 0, fields_count * sizeof(t->fields[0]));
    for (uint32_t i = 0; i < fields_count; i++) {
        t->fields[i].enterprise = (uint32_t)get(r, 4);
        t->fields[i].element = (uint16_t)get(r, 2);
        t->fields[i].length_octets = (uint16_t)get(r, 2);
        t->fields[i].is_scope = i < t->scopes_count;
    }
    if (r->failed || tg_flow_plan_compile(flow->dialect->version, is_options, t->fields,
                                          fields_count, &t->plan) != TG_OK) {
        return TG_E_CORRUPT;
    }
    (void)tg_flow_store_put(&flow->store, t);
    return TG_OK;
}

static enum tg_err get_piece(struct tg_flow *flow, struct reader *r)
{
    struct tg_flow_piece piece = {.key = get_key(r)};
    piece.arrival_ns = (int64_t)get(r, 8);
    piece.export_ns = (int64_t)get(r, 8);
    piece.seed = get(r, 8);
    piece.record_key = get(r, 8);
    piece.sequence = (uint32_t)get(r, 4);
    piece.uptime_ms = (uint32_t)get(r, 4);
    piece.anchor_offset = (uint32_t)get(r, 4);
    piece.length_bytes = (uint32_t)get(r, 4);
    piece.done_bytes = (uint32_t)get(r, 4);
    piece.has_uptime = (uint16_t)get(r, 2);
    (void)get(r, 2);
    const uint8_t *body = take(r, piece.length_bytes);
    if (body == NULL || piece.length_bytes > UINT16_MAX || piece.done_bytes > piece.length_bytes ||
        piece.export_ns < 0 || piece.export_ns > INT64_C(1) << 62) {
        return TG_E_CORRUPT;
    }
    return tg_flow_park_add(&flow->park, &piece, body) ? TG_OK : TG_E_FULL;
}

static enum tg_err load_all(struct tg_flow *flow, struct reader *r)
{
    const uint32_t templates_count = (uint32_t)get(r, 4);
    const uint32_t boots_count = (uint32_t)get(r, 4);
    const uint32_t pieces_count = (uint32_t)get(r, 4);
    enum tg_err result = r->failed ? TG_E_CORRUPT : TG_OK;
    for (uint32_t i = 0; i < templates_count && result == TG_OK; i++) {
        result = get_template(flow, r);
    }
    for (uint32_t i = 0; i < boots_count && result == TG_OK; i++) {
        struct tg_flow_boot boot = {.init_ms = get(r, 8)};
        boot.domain = (uint32_t)get(r, 4);
        boot.source_id = (uint16_t)get(r, 2);
        (void)get(r, 2);
        result = r->failed ? TG_E_CORRUPT : TG_OK;
        (void)tg_flow_store_set_boot(&flow->store, &boot);
    }
    for (uint32_t i = 0; i < pieces_count && result == TG_OK; i++) {
        result = get_piece(flow, r);
    }
    if (result == TG_OK && (r->failed || r->at != r->end)) {
        result = TG_E_CORRUPT;
    }
    return result;
}

enum tg_err tg_flow_load(void *state, const uint8_t *bytes, size_t length_bytes)
{
    struct tg_flow *flow = state;
    tg_flow_store_clear(&flow->store);
    tg_flow_park_clear(&flow->park);
    memset(&flow->walk, 0, sizeof(flow->walk));
    if (length_bytes < HEAD_BYTES + SUM_BYTES) {
        return TG_E_CORRUPT;
    }
    struct reader sum = {bytes + length_bytes - SUM_BYTES, bytes + length_bytes, false};
    struct reader r = {bytes, bytes + length_bytes - SUM_BYTES, false};
    if (get(&r, 4) != MAGIC || get(&r, 4) != TG_FLOW_STATE_VERSION ||
        get(&r, 2) != flow->dialect->version) {
        return TG_E_FORMAT;
    }
    (void)get(&r, 2);
    if (get(&sum, 8) != tg_key_hash(0, bytes, length_bytes - SUM_BYTES)) {
        return TG_E_CORRUPT;
    }
    const enum tg_err result = load_all(flow, &r);
    if (result != TG_OK) {
        tg_flow_store_clear(&flow->store);
        tg_flow_park_clear(&flow->park);
    }
    return result;
}
