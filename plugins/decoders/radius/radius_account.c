/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Meaning of an Accounting-Request; radius_account.h is the manual.
 *
 *  (1) A retransmit is the same record: neither the identifier nor Acct-Delay-Time, which RFC 2866
 *      5.2 lets change, is part of record_key.
 *  (2) Counters run from the session's start (RFC 2866 5.3, 5.7), so rows are marked cumulative and
 *      mediation charges differences.
 */
#include "radius_account.h"

#include "abi/key.h"

#include <string.h>

#define NS_PER_S INT64_C(1000000000)
/* 2000-01-01, the year of RFC 2869: an Event-Timestamp before it is a clock that was never set. */
#define EVENT_S_MIN INT64_C(946684800)
/* An access server's clock may be a wrong time zone ahead, not a day. */
#define EVENT_AHEAD_S_MAX INT64_C(86400)

static enum tg_err missing(struct tg_radius_packet *packet, enum tg_radius_use use);
static enum tg_err read_subscriber(struct tg_radius_packet *packet, enum tg_radius_subscriber by,
                                   uint64_t *key, enum tg_key_kind *kind);
static bool read_number(const struct tg_radius_value *value, uint64_t *key);
static uint64_t server_hash(const struct tg_input *input, const struct tg_radius_packet *packet);
static uint64_t session_hash(uint64_t server, const struct tg_radius_packet *packet);
static bool read_event_time(const struct tg_input *input, const struct tg_radius_packet *packet,
                            int64_t *event_ns);
static enum tg_err fill_row(struct tg_radius_packet *packet, struct tg_radius_account *account);
static enum tg_err read_octets(struct tg_radius_packet *packet, enum tg_radius_use low,
                               enum tg_radius_use high, uint64_t *octets);
static void fill_sessions(const struct tg_radius_packet *packet, const struct tg_session *model,
                          struct tg_radius_account *account);
static uint8_t closing_cause(const struct tg_radius_packet *packet);
static enum tg_err read_network(struct tg_radius_packet *packet, uint32_t *plmn);
static uint32_t location_plmn(const struct tg_radius_value *location);

enum tg_err tg_radius_account_read(const struct tg_input *input, struct tg_radius_packet *packet,
                                   enum tg_radius_subscriber by, struct tg_radius_account *account)
{
    memset(account, 0, sizeof(*account));
    const struct tg_radius_value *values = packet->values;
    const bool time_is_sound = read_event_time(input, packet, &account->event_ns);
    if (values[TG_RADIUS_USE_STATUS_TYPE].bytes == NULL) {
        return missing(packet, TG_RADIUS_USE_STATUS_TYPE);
    }
    const uint32_t status = values[TG_RADIUS_USE_STATUS_TYPE].number;
    const uint64_t server = server_hash(input, packet);
    struct tg_session model = {.session_key = server,
                               .start_ns = account->event_ns,
                               .end_ns = account->event_ns,
                               .arrival_ns = input->arrival_ns,
                               .sequence = packet->identifier,
                               .source_id = input->source_id,
                               .event = TG_SESSION_CLEAR};
    if (status == TG_RADIUS_STATUS_ON || status == TG_RADIUS_STATUS_OFF) {
        account->sessions[account->sessions_count++] = model;
        return TG_OK;
    }
    if (status < TG_RADIUS_STATUS_START || status > TG_RADIUS_STATUS_INTERIM) {
        packet->error_field = tg_radius_use_name(TG_RADIUS_USE_STATUS_TYPE);
        packet->error_offset =
            (uint32_t)(values[TG_RADIUS_USE_STATUS_TYPE].bytes - packet->bytes) - 2;
        return TG_E_UNSUPPORTED;
    }
    if (values[TG_RADIUS_USE_SESSION_ID].bytes == NULL) {
        return missing(packet, TG_RADIUS_USE_SESSION_ID);
    }
    enum tg_key_kind kind = TG_KEY_NONE;
    enum tg_err err = read_subscriber(packet, by, &model.subscriber_key, &kind);
    err = err == TG_OK ? read_network(packet, &account->plmn) : err;
    if (err != TG_OK) {
        return err;
    }
    const bool has_length = values[TG_RADIUS_USE_SESSION_TIME_S].bytes != NULL;
    const int64_t length_s = values[TG_RADIUS_USE_SESSION_TIME_S].number;
    model.session_key = session_hash(server, packet);
    model.plmn = account->plmn;
    model.start_ns -= status == TG_RADIUS_STATUS_START ? 0 : length_s * NS_PER_S;
    model.end_ns = status == TG_RADIUS_STATUS_STOP ? account->event_ns : INT64_MAX;
    model.key_kinds = tg_key_kinds(kind, TG_KEY_NONE);
    model.event = status == TG_RADIUS_STATUS_START  ? TG_SESSION_START
                  : status == TG_RADIUS_STATUS_STOP ? TG_SESSION_STOP
                                                    : TG_SESSION_UPDATE;
    fill_sessions(packet, &model, account);
    if (status == TG_RADIUS_STATUS_START) {
        return TG_OK;
    }
    account->has_row = true;
    struct tg_usage *row = &account->row;
    row->subscriber_key = model.subscriber_key;
    row->peer_key = model.session_key;
    row->start_ns = model.start_ns;
    row->sequence = packet->identifier;
    row->source_id = input->source_id;
    row->key_kinds = tg_key_kinds(kind, TG_KEY_SESSION);
    row->flags = (uint8_t)(TG_USAGE_CUMULATIVE |
                           (status == TG_RADIUS_STATUS_INTERIM ? TG_USAGE_PARTIAL : 0) |
                           (has_length ? 0 : TG_USAGE_START_FROM_EXPORT) |
                           (time_is_sound ? 0 : TG_USAGE_SUSPECT_TIME));
    return fill_row(packet, account);
}

static enum tg_err missing(struct tg_radius_packet *packet, enum tg_radius_use use)
{
    packet->error_field = tg_radius_use_name(use);
    packet->error_offset = TG_RADIUS_HEADER_OCTETS;
    return TG_E_MISSING_FIELD;
}

static enum tg_err read_subscriber(struct tg_radius_packet *packet, enum tg_radius_subscriber by,
                                   uint64_t *key, enum tg_key_kind *kind)
{
    const struct tg_radius_value *calling = &packet->values[TG_RADIUS_USE_CALLING_STATION];
    if (by == TG_RADIUS_BY_AUTO || by == TG_RADIUS_BY_CALLING_STATION) {
        if (calling->bytes != NULL && read_number(calling, key)) {
            *kind = TG_KEY_E164;
            return TG_OK;
        }
    }
    if (by == TG_RADIUS_BY_IMSI) {
        const struct tg_radius_value *imsi = &packet->values[TG_RADIUS_USE_IMSI];
        if (imsi->bytes == NULL) {
            return missing(packet, TG_RADIUS_USE_IMSI);
        }
        *kind = TG_KEY_IMSI;
        if (!tg_digits_pack((const char *)imsi->bytes, imsi->length_octets, key)) {
            packet->error_field = tg_radius_use_name(TG_RADIUS_USE_IMSI);
            packet->error_offset = (uint32_t)(imsi->bytes - packet->bytes) - 2;
            return TG_E_BAD_NUMBER;
        }
        return TG_OK;
    }
    const enum tg_radius_use use =
        by == TG_RADIUS_BY_CALLING_STATION   ? TG_RADIUS_USE_CALLING_STATION
        : by == TG_RADIUS_BY_CHARGEABLE_USER ? TG_RADIUS_USE_CHARGEABLE_USER
                                             : TG_RADIUS_USE_USER_NAME;
    const struct tg_radius_value *name = &packet->values[use];
    /* RFC 4372 2.1: a CUI of one NUL octet asks for the identity and is none. */
    if (name->bytes == NULL || (name->length_octets == 1 && name->bytes[0] == 0)) {
        return missing(packet, use);
    }
    *kind = TG_KEY_NAME;
    *key = tg_key_name(name->bytes, name->length_octets);
    return TG_OK;
}

static bool read_number(const struct tg_radius_value *value, uint64_t *key)
{
    const unsigned plus = value->bytes[0] == '+';
    return value->length_octets > plus &&
           tg_digits_pack((const char *)value->bytes + plus, value->length_octets - plus, key);
}

/* The access server names itself in up to three attributes (RFC 2866 4.1 wants one of them). They
 * come before the sender's address, because a server that fails over to a second proxy resends the
 * same record from another address, and that must stay the same record. */
static uint64_t server_hash(const struct tg_input *input, const struct tg_radius_packet *packet)
{
    static const enum tg_radius_use names[] = {TG_RADIUS_USE_NAS_IP, TG_RADIUS_USE_NAS_IP6,
                                               TG_RADIUS_USE_NAS_IDENTIFIER};
    uint64_t hash = 0;
    bool has_name = false;
    for (unsigned i = 0; i < 3; i++) {
        const struct tg_radius_value *value = &packet->values[names[i]];
        has_name = has_name || value->bytes != NULL;
        hash = tg_key_hash(hash, value->bytes != NULL ? value->bytes : (const uint8_t *)"",
                           value->length_octets);
    }
    return has_name ? hash : tg_key_hash(0, input->from.address, sizeof(input->from.address));
}

static uint64_t session_hash(uint64_t server, const struct tg_radius_packet *packet)
{
    const struct tg_radius_value *id = &packet->values[TG_RADIUS_USE_SESSION_ID];
    const struct tg_radius_value *multi = &packet->values[TG_RADIUS_USE_MULTI_SESSION_ID];
    const uint64_t hash = tg_key_hash(server, id->bytes, id->length_octets);
    return multi->bytes != NULL ? tg_key_hash(hash, multi->bytes, multi->length_octets) : hash;
}

/* Returns false when the Event-Timestamp or the delay is absurd and the arrival stands in. */
static bool read_event_time(const struct tg_input *input, const struct tg_radius_packet *packet,
                            int64_t *event_ns)
{
    const struct tg_radius_value *event = &packet->values[TG_RADIUS_USE_EVENT_S];
    const int64_t delay_s = packet->values[TG_RADIUS_USE_DELAY_S].number;
    *event_ns = input->arrival_ns - delay_s * NS_PER_S;
    if (event->bytes == NULL && *event_ns < EVENT_S_MIN * NS_PER_S) {
        *event_ns = input->arrival_ns;
        return false;
    }
    if (event->bytes == NULL) {
        return true;
    }
    const int64_t event_s = event->number;
    if (event_s < EVENT_S_MIN || event_s > input->arrival_ns / NS_PER_S + EVENT_AHEAD_S_MAX) {
        return false;
    }
    *event_ns = event_s * NS_PER_S;
    return true;
}

static enum tg_err fill_row(struct tg_radius_packet *packet, struct tg_radius_account *account)
{
    struct tg_usage *row = &account->row;
    uint64_t up = 0;
    uint64_t down = 0;
    enum tg_err err =
        read_octets(packet, TG_RADIUS_USE_INPUT_OCTETS, TG_RADIUS_USE_INPUT_GIGAWORDS, &up);
    if (err == TG_OK) {
        err =
            read_octets(packet, TG_RADIUS_USE_OUTPUT_OCTETS, TG_RADIUS_USE_OUTPUT_GIGAWORDS, &down);
    }
    if (err != TG_OK) {
        return err;
    }
    const uint32_t length_s = packet->values[TG_RADIUS_USE_SESSION_TIME_S].number;
    const uint64_t length_ms = (uint64_t)length_s * 1000;
    row->quantity_up = up & TG_QUANTITY_MAX;
    row->quantity_down = down & TG_QUANTITY_MAX;
    row->service = TG_SERVICE_ACCESS;
    row->closing_cause = closing_cause(packet);
    row->duration_ms = (uint32_t)length_ms;
    /* A line that stays up for more than 49.7 days does not fit 32 bits of milliseconds. Its octets
     * are still right and its start is exact, so the duration is clamped and marked. */
    if (length_ms > UINT32_MAX) {
        row->duration_ms = UINT32_MAX;
        row->flags |= TG_USAGE_SUSPECT_TIME;
    }
    const uint64_t content[] = {packet->values[TG_RADIUS_USE_STATUS_TYPE].number, length_s, up,
                                down};
    row->record_key = tg_key_hash(row->peer_key, content, sizeof(content));
    return TG_OK;
}

static enum tg_err read_octets(struct tg_radius_packet *packet, enum tg_radius_use low,
                               enum tg_radius_use high, uint64_t *octets)
{
    const struct tg_radius_value *words = &packet->values[high];
    *octets = (uint64_t)words->number << 32 | packet->values[low].number;
    if (*octets > TG_QUANTITY_MAX) {
        packet->error_field = tg_radius_use_name(high);
        packet->error_offset = (uint32_t)(words->bytes - packet->bytes) - 2;
        return TG_E_OVERFLOW;
    }
    return TG_OK;
}

/* Identity is by /64, so a longer prefix is a share of somebody's /64 and names nobody, and of a
 * shorter one the first /64 stands for it. */
static void fill_sessions(const struct tg_radius_packet *packet, const struct tg_session *model,
                          struct tg_radius_account *account)
{
    const enum tg_key_kind kind = (enum tg_key_kind)(model->key_kinds & 15u);
    const struct tg_radius_value *ip4 = &packet->values[TG_RADIUS_USE_FRAMED_IP];
    /* RFC 2865 5.8: all ones and all ones but the last ask for an address, they are none. */
    if (ip4->bytes != NULL && ip4->number != 0 && ip4->number < UINT32_C(0xfffffffe)) {
        struct tg_session *session = &account->sessions[account->sessions_count++];
        *session = *model;
        session->address_key = ip4->number;
        session->key_kinds = tg_key_kinds(kind, TG_KEY_IP4);
    }
    for (uint32_t i = 0; i < packet->prefixes_count; i++) {
        const struct tg_radius_prefix *prefix = &packet->prefixes[i];
        const uint64_t key = tg_key_ip6(prefix->address);
        bool is_new = prefix->length_bits > 0 && prefix->length_bits <= 64;
        for (uint32_t j = 0; is_new && j < account->sessions_count; j++) {
            is_new = account->sessions[j].address_key != key ||
                     account->sessions[j].key_kinds != tg_key_kinds(kind, TG_KEY_IP6);
        }
        if (is_new) {
            struct tg_session *session = &account->sessions[account->sessions_count++];
            *session = *model;
            session->address_key = key;
            session->key_kinds = tg_key_kinds(kind, TG_KEY_IP6);
        }
    }
}

/* Acct-Terminate-Cause (RFC 2866 5.10) in terms of TS 32.298 causeForRecClosing. */
static uint8_t closing_cause(const struct tg_radius_packet *packet)
{
    enum { NORMAL = 0, PARTIAL = 1, ABNORMAL = 4, TIME_LIMIT = 17, MANAGEMENT = 20 };
    if (packet->values[TG_RADIUS_USE_STATUS_TYPE].number == TG_RADIUS_STATUS_INTERIM) {
        return PARTIAL;
    }
    switch (packet->values[TG_RADIUS_USE_TERMINATE_CAUSE].number) {
    case 0:  /* absent */
    case 1:  /* User Request */
    case 4:  /* Idle Timeout */
    case 17: /* User Error is the user's own doing */
        return NORMAL;
    case 5: /* Session Timeout */
        return TIME_LIMIT;
    case 6:  /* Admin Reset */
    case 7:  /* Admin Reboot */
    case 10: /* NAS Request */
        return MANAGEMENT;
    default: /* lost carrier or service, errors, pre-emption, host request */
        return ABNORMAL;
    }
}

/* 3GPP-SGSN-MCC-MNC names the network; where it is absent, the location does. */
static enum tg_err read_network(struct tg_radius_packet *packet, uint32_t *plmn)
{
    const struct tg_radius_value *serving = &packet->values[TG_RADIUS_USE_SERVING_PLMN];
    *plmn = 0;
    if (serving->bytes == NULL) {
        *plmn = location_plmn(&packet->values[TG_RADIUS_USE_LOCATION]);
        return TG_OK;
    }
    *plmn = tg_plmn_pack((const char *)serving->bytes, serving->length_octets);
    if (*plmn == 0) {
        packet->error_field = tg_radius_use_name(TG_RADIUS_USE_SERVING_PLMN);
        packet->error_offset = (uint32_t)(serving->bytes - packet->bytes) - 2;
        return TG_E_BAD_NUMBER;
    }
    return TG_OK;
}

/* TS 29.061 16.4.7.2, 22: the type octet, then a location whose first three octets are, in all
 * types that are read, MCC and MNC as TS 24.008 10.5.1.3 packs them. Another form says nothing
 * about the network: it is no fault of the record. */
static uint32_t location_plmn(const struct tg_radius_value *location)
{
    enum { CGI = 0, SAI = 1, RAI = 2, TAI = 128, ECGI = 129, TAI_ECGI = 130 };
    if (location->bytes == NULL || location->length_octets < 4) {
        return 0;
    }
    const uint8_t type = location->bytes[0];
    if (type > RAI && (type < TAI || type > TAI_ECGI)) {
        return 0;
    }
    const uint8_t *at = location->bytes + 1;
    const uint8_t nibbles[6] = {at[0] & 15u, at[0] >> 4, at[1] & 15u,
                                at[2] & 15u, at[2] >> 4, at[1] >> 4};
    const uint32_t count = nibbles[5] == 15 ? 5 : 6;
    char digits[6];
    for (uint32_t i = 0; i < count; i++) {
        digits[i] = (char)('0' + nibbles[i]); /* above 9: no digit, refused by tg_plmn_pack */
    }
    return tg_plmn_pack(digits, count);
}
