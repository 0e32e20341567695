/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/decode_print.h"

#include "abi/key.h"
#include "base/error.h"

#include <arpa/inet.h>
#include <math.h>
#include <string.h>

static const char *const services[TG_SERVICE_COUNT] = {"none",  "data",   "voice",  "message",
                                                       "event", "access", "options"};
static const char *const kinds[8] = {"none", "e164", "imsi",    "ip",
                                     "ip",   "name", "session", "ip6_host"};
static const char *const flags[7] = {"start_from_export", "cumulative", "partial",     "swapped",
                                     "recycled",          "incoming",   "suspect_time"};
static const char *const events[5] = {"", "start", "update", "stop", "clear"};
static const char *const observations[7] = {"",    "log",     "state",  "life",
                                            "gap", "restart", "counter"};

static void member_text(struct tg_text *text, const char *key, const char *value)
{
    tg_text_put(text, key);
    tg_text_quote(text, value, strlen(value));
}

static void member_number(struct tg_text *text, const char *key, uint64_t value)
{
    tg_text_put(text, key);
    tg_text_unsigned(text, value);
}

static void member_hex64(struct tg_text *text, const char *key, uint64_t value)
{
    tg_text_put(text, key);
    tg_text_raw(text, "\"", 1);
    tg_text_hex64(text, value);
    tg_text_raw(text, "\"", 1);
}

static void put_ip6_prefix(struct tg_text *text, uint64_t key)
{
    uint8_t address[16] = {0};
    char name[INET6_ADDRSTRLEN];
    for (int i = 0; i < 8; i++) {
        address[i] = (uint8_t)(key >> (56 - 8 * i));
    }
    (void)inet_ntop(AF_INET6, address, name, sizeof name);
    tg_text_put(text, name);
    tg_text_put(text, "/64");
}

/* {"kind":"e164","key":"4915..."}; what is only known as a hash is shown as that hash. */
static void put_key(struct tg_text *text, enum tg_key_kind kind, uint64_t key)
{
    char digits[16];
    tg_text_put(text, "{\"kind\":\"");
    tg_text_put(text, kinds[kind & 7]);
    tg_text_put(text, "\",\"key\":\"");
    switch (kind) {
    case TG_KEY_NONE:
        break;
    case TG_KEY_E164:
    case TG_KEY_IMSI:
        tg_text_raw(text, digits, tg_digits_unpack(key, digits));
        break;
    case TG_KEY_IP4:
        for (int shift = 24; shift >= 0; shift -= 8) {
            tg_text_unsigned(text, (key >> shift) & 255);
            tg_text_put(text, shift > 0 ? "." : "");
        }
        break;
    case TG_KEY_IP6:
        put_ip6_prefix(text, key);
        break;
    default:
        tg_text_hex64(text, key);
        break;
    }
    tg_text_put(text, "\"}");
}

static uint64_t field_number(const struct tg_field *field)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < field->length_bytes; i++) {
        value = value << 8 | field->bytes[i];
    }
    return value;
}

static void put_signed_field(struct tg_text *text, const struct tg_field *field)
{
    const unsigned shift = 64 - 8 * field->length_bytes;
    tg_text_signed(text, (int64_t)(field_number(field) << shift) >> shift);
}

/* RFC 7011 6.1.9: seconds since 1900 and a binary fraction; era 0 only, as the RFC has it. */
static void put_ntp_field(struct tg_text *text, const struct tg_field *field)
{
    const uint64_t value = field_number(field);
    const int64_t seconds = (int64_t)(value >> 32) - INT64_C(2208988800);
    const int64_t nanoseconds = (int64_t)(((value & UINT32_MAX) * UINT64_C(1000000000)) >> 32);
    tg_text_time(text, seconds * 1000000000 + nanoseconds);
}

/* Printed only; nothing is ever computed with it. */
static void put_float_field(struct tg_text *text, const struct tg_field *field)
{
    const uint64_t bits = field_number(field);
    const uint32_t narrow = (uint32_t)bits;
    float single;
    double value;
    memcpy(&single, &narrow, sizeof single);
    memcpy(&value, &bits, sizeof value);
    value = field->length_bytes == 4 ? (double)single : value;
    char digits[32];
    (void)snprintf(digits, sizeof digits, "%.17g", value);
    tg_text_put(text, isfinite(value) ? digits : "null"); /* JSON has no infinity */
}

static void put_quoted_hex(struct tg_text *text, const struct tg_field *field, char between)
{
    tg_text_raw(text, "\"", 1);
    tg_text_hex(text, field->bytes, field->length_bytes, between);
    tg_text_raw(text, "\"", 1);
}

/* RFC 7011 6.1.6 has no padding, but exporters fill fixed widths with NULs. */
static void put_string_field(struct tg_text *text, const struct tg_field *field)
{
    size_t length = field->length_bytes;
    while (length > 0 && field->bytes[length - 1] == 0) {
        length--;
    }
    tg_text_quote(text, (const char *)field->bytes, length);
}

static void put_address_field(struct tg_text *text, const struct tg_field *field)
{
    uint8_t address[16] = {[10] = 255, [11] = 255};
    char name[INET6_ADDRSTRLEN];
    if (field->length_bytes == 4) {
        memcpy(address + 12, field->bytes, 4);
        tg_text_address(text, address);
        return;
    }
    /* ::ffff:a.b.c.d stays as it is here: the exporter said IPv6. */
    (void)inet_ntop(AF_INET6, field->bytes, name, sizeof name);
    tg_text_raw(text, "\"", 1);
    tg_text_put(text, name);
    tg_text_raw(text, "\"", 1);
}

/* A field whose length its type does not allow is shown as the octets that came. */
static bool field_fits_type(const struct tg_field *field)
{
    const uint16_t length = field->length_bytes;
    switch (field->type) {
    case TG_FIELD_UNSIGNED:
    case TG_FIELD_SIGNED:
    case TG_FIELD_BOOLEAN:
    case TG_FIELD_SECONDS:
    case TG_FIELD_MILLISECONDS:
        return length >= 1 && length <= 8;
    case TG_FIELD_IP4:
        return length == 4;
    case TG_FIELD_IP6:
        return length == 16;
    case TG_FIELD_MICROSECONDS:
    case TG_FIELD_NANOSECONDS:
        return length == 8;
    case TG_FIELD_FLOAT:
        return length == 4 || length == 8;
    default:
        return true;
    }
}

static void put_field_value(struct tg_text *text, const struct tg_field *field)
{
    if (!field_fits_type(field)) {
        put_quoted_hex(text, field, 0);
        return;
    }
    switch (field->type) {
    case TG_FIELD_UNSIGNED:
    case TG_FIELD_SECONDS:
    case TG_FIELD_MILLISECONDS:
        tg_text_unsigned(text, field_number(field));
        break;
    case TG_FIELD_SIGNED:
        put_signed_field(text, field);
        break;
    case TG_FIELD_STRING:
        put_string_field(text, field);
        break;
    case TG_FIELD_IP4:
    case TG_FIELD_IP6:
        put_address_field(text, field);
        break;
    case TG_FIELD_MAC:
        put_quoted_hex(text, field, ':');
        break;
    case TG_FIELD_BOOLEAN:
        tg_text_put(text, field_number(field) == 1   ? "true"
                          : field_number(field) == 2 ? "false"
                                                     : "null");
        break;
    case TG_FIELD_MICROSECONDS:
    case TG_FIELD_NANOSECONDS:
        put_ntp_field(text, field);
        break;
    case TG_FIELD_FLOAT:
        put_float_field(text, field);
        break;
    default:
        put_quoted_hex(text, field, 0);
        break;
    }
}

/* Names are static, so that the same element has the same pointer. A number alone does not do: a
 * scope field of NetFlow v9 and a field proper may share it. */
static bool is_same_element(const struct tg_field *a, const struct tg_field *b)
{
    return a->name == b->name &&
           (a->name != NULL || (a->enterprise == b->enterprise && a->element == b->element));
}

/* A template may hold an element twice: the first keeps the plain name, later ones get "#2". */
static void put_fields(struct tg_text *text, const struct tg_field *fields, uint32_t fields_count)
{
    tg_text_put(text, ",\"fields\":{");
    for (uint32_t i = 0; i < fields_count; i++) {
        uint32_t times = 1;
        for (uint32_t j = 0; j < i; j++) {
            times += is_same_element(&fields[j], &fields[i]) ? 1 : 0;
        }
        tg_text_put(text, i > 0 ? ",\"" : "\"");
        if (fields[i].name != NULL) {
            tg_text_put(text, fields[i].name);
        } else {
            tg_text_put(text, "e");
            tg_text_unsigned(text, fields[i].enterprise);
            tg_text_put(text, "id");
            tg_text_unsigned(text, fields[i].element);
        }
        if (times > 1) {
            tg_text_put(text, "#");
            tg_text_unsigned(text, times);
        }
        tg_text_put(text, "\":");
        put_field_value(text, &fields[i]);
    }
    tg_text_put(text, "}");
}

/* What a record takes back is below 0. */
static void member_quantity(struct tg_text *text, const char *key, uint64_t value, bool is_negative)
{
    tg_text_put(text, key);
    if (is_negative && value != 0) {
        tg_text_put(text, "-");
    }
    tg_text_unsigned(text, value);
}

static void put_origin(struct tg_text *text, const struct tg_decode_origin *origin)
{
    member_text(text, "\"file\":", origin->file);
    member_number(text, ",\"offset\":", origin->offset_bytes);
    if (origin->frame_index > 0) {
        member_number(text, ",\"frame\":", origin->frame_index);
    }
    if (origin->decoder != NULL) {
        member_text(text, ",\"decoder\":", origin->decoder);
    } else {
        tg_text_put(text, ",\"decoder\":null");
    }
}

static void put_exporter(struct tg_text *text, const struct tg_decode_origin *origin)
{
    tg_text_put(text, ",\"exporter\":");
    if (origin->from != NULL) {
        tg_text_address(text, origin->from->address);
    } else {
        tg_text_put(text, "null");
    }
}

void tg_decode_print_row(struct tg_text *text, const struct tg_decode_origin *origin,
                         const struct tg_usage *row, const struct tg_field *fields,
                         uint32_t fields_count)
{
    const char *comma = "";
    tg_text_put(text, "{");
    put_origin(text, origin);
    member_text(text, ",\"service\":", services[row->service % TG_SERVICE_COUNT]);
    tg_text_put(text, ",\"subscriber\":");
    put_key(text, tg_usage_subscriber_kind(row), row->subscriber_key);
    tg_text_put(text, ",\"peer\":");
    put_key(text, tg_usage_peer_kind(row), row->peer_key);
    tg_text_put(text, ",\"start\":");
    tg_text_time(text, row->start_ns);
    const bool is_negative = tg_usage_is_reversal(row);
    member_quantity(text, ",\"duration_ms\":", row->duration_ms, is_negative);
    member_quantity(text, ",\"quantity_up\":", row->quantity_up, is_negative);
    if (row->service != TG_SERVICE_VOICE) {
        member_quantity(text, ",\"quantity_down\":", row->quantity_down, is_negative);
    } else {
        tg_text_put(text, ",\"quantity_down\":0");
        if (row->quantity_down != 0) {
            tg_text_put(text, ",\"routed_to\":");
            put_key(text, TG_KEY_E164, tg_digits_of_value(row->quantity_down));
        }
    }
    member_number(text, ",\"rating_group\":", row->rating_group);
    member_number(text, ",\"sequence\":", row->sequence);
    member_number(text, ",\"closing_cause\":", row->closing_cause);
    member_hex64(text, ",\"record_key\":", row->record_key);
    tg_text_put(text, ",\"flags\":[");
    for (unsigned i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if ((row->flags >> i & 1u) != 0) {
            member_text(text, comma, flags[i]);
            comma = ",";
        }
    }
    tg_text_put(text, "]");
    put_exporter(text, origin);
    member_number(text, ",\"domain\":", origin->domain);
    if (origin->is_late) {
        tg_text_put(text, ",\"late\":true");
    }
    put_fields(text, fields, fields_count);
    tg_text_put(text, "}\n");
}

void tg_decode_print_session(struct tg_text *text, const struct tg_decode_origin *origin,
                             const struct tg_session *session)
{
    tg_text_put(text, "{\"kind\":\"session\",");
    put_origin(text, origin);
    member_text(text, ",\"event\":", events[session->event % 5]);
    tg_text_put(text, ",\"address\":");
    put_key(text, (enum tg_key_kind)(session->key_kinds >> 4), session->address_key);
    tg_text_put(text, ",\"subscriber\":");
    put_key(text, (enum tg_key_kind)(session->key_kinds & 15), session->subscriber_key);
    member_hex64(text, ",\"session_key\":", session->session_key);
    tg_text_put(text, ",\"start\":");
    tg_text_time(text, session->start_ns);
    tg_text_put(text, ",\"end\":");
    if (session->end_ns == INT64_MAX) {
        tg_text_put(text, "null");
    } else {
        tg_text_time(text, session->end_ns);
    }
    put_exporter(text, origin);
    tg_text_put(text, "}\n");
}

void tg_decode_print_observation(struct tg_text *text, const struct tg_decode_origin *origin,
                                 const struct tg_observation *seen, const uint8_t *arena)
{
    static const char *const names[4] = {",\"host\":", ",\"app\":", ",\"msgid\":", ",\"text\":"};
    tg_text_put(text, "{\"kind\":\"observation\",");
    put_origin(text, origin);
    member_text(text, ",\"says\":", observations[seen->kind % 7]);
    tg_text_put(text, ",\"event\":");
    tg_text_time(text, seen->event_ns);
    member_number(text, ",\"severity\":", seen->severity);
    member_number(text, ",\"facility\":", seen->facility);
    tg_text_put(text, ",\"value\":");
    tg_text_signed(text, seen->value);
    member_number(text, ",\"sequence\":", seen->sequence);
    member_hex64(text, ",\"record_key\":", seen->record_key);
    put_exporter(text, origin);
    const char *at = (const char *)arena + seen->text_offset;
    const char *end = at + seen->text_bytes;
    for (unsigned i = 0; i < 4 && at < end; i++) {
        const size_t length = strnlen(at, (size_t)(end - at));
        tg_text_put(text, names[i]);
        tg_text_quote(text, at, length);
        at += length + 1;
    }
    tg_text_put(text, "}\n");
}

void tg_decode_print_refusal(struct tg_text *text, const struct tg_decode_refusal *refusal)
{
    tg_text_put(text, "{");
    put_origin(text, &refusal->origin);
    member_number(text, ",\"length\":", refusal->length_bytes);
    member_text(text, ",\"reason\":", tg_err_name(refusal->reason));
    if (refusal->field != NULL) {
        member_text(text, ",\"field\":", refusal->field);
    } else {
        tg_text_put(text, ",\"field\":null");
    }
    if (refusal->origin.frame_index > 0) {
        member_number(text, ",\"payload_offset\":", refusal->payload_offset);
    }
    if (refusal->has_fault_offset) {
        member_number(text, ",\"fault_offset\":", refusal->fault_offset);
    }
    put_exporter(text, &refusal->origin);
    if (refusal->origin.is_late) {
        tg_text_put(text, ",\"late\":true");
    }
    member_text(text, ",\"text\":", tg_err_sentence(refusal->reason));
    if (refusal->note != NULL) {
        member_text(text, ",\"note\":", refusal->note);
    }
    tg_text_put(text, "}\n");
}
