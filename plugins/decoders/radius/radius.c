/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief RADIUS accounting decoder: requests in, usage rows and session events out, answers back.
 *
 *  Source: RFC 2866 (accounting), RFC 2865 3 (packet), RFC 5997 (Status-Server), RFC 5080 2.2.
 *  Threads: one state, one ingest lcore. Allocates: in open only. Cost: bench/micro; one MD5 each.
 *
 *  (1) Nothing of an attribute is read before the Request Authenticator has verified, so bytes from
 *      someone without the secret touch the header and the digest only.
 *  (2) An answer is wanted for every authentic request whose syntax is right, whether it became a
 *      row or a refusal: either way it is kept, which is what RFC 2866 4.1 makes the answer mean. A
 *      request with a bad authenticator or a bad attribute length gets none (RFC 2866 3 and 5).
 *  (3) The decoder holds no memory of requests: a retransmit gives the same row and the same
 * answer, and the engine finds the duplicate by record_key.
 */
#include "radius_account.h"
#include "radius_auth.h"
#include "radius_packet.h"

#include "abi/decoder.h"
#include "lib/append.h"
#include "lib/cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct radius_state {
    struct tg_radius_auth auth;
    enum tg_radius_subscriber subscriber_by;
};

/* What a visit of the attributes for `tollgate decode` needs to know. */
struct field_walk {
    struct tg_decoded *out;
    uint32_t row_index;
};

static const struct {
    const char *name;
    enum tg_radius_subscriber by;
} subscriber_names[] = {
    {"auto", TG_RADIUS_BY_AUTO},
    {"calling-station-id", TG_RADIUS_BY_CALLING_STATION},
    {"user-name", TG_RADIUS_BY_USER_NAME},
    {"imsi", TG_RADIUS_BY_IMSI},
    {"chargeable-user-identity", TG_RADIUS_BY_CHARGEABLE_USER},
};

static bool radius_probe(const uint8_t *bytes, uint32_t length_bytes);
static enum tg_err radius_open(const struct tg_decoder_config *config, void **state,
                               struct tg_complaint *why);
static void radius_close(void *state);
static uint32_t radius_decode(void *state, const struct tg_input *inputs, uint32_t inputs_count,
                              struct tg_decoded *out);
static uint32_t radius_answer(void *state, const struct tg_input *input, uint8_t *bytes,
                              uint32_t capacity_bytes);

static const struct tg_decoder contract = {
    .size_bytes = sizeof(struct tg_decoder),
    .state_version = 1,
    .probe = radius_probe,
    .open = radius_open,
    .close = radius_close,
    .decode = radius_decode,
    .answer = radius_answer,
};

TG_PLUGIN(radius, TG_PLUGIN_DECODER, struct tg_decoder, contract, "1.0",
          "RADIUS accounting (RFC 2866) with verified authenticators and answers");

static enum tg_err read_settings(struct radius_state *state, const struct tg_decoder_config *config,
                                 struct tg_complaint *why);
static void decode_one(struct radius_state *state, const struct tg_input *input,
                       uint32_t input_index, struct tg_decoded *out);
static enum tg_err admit(struct radius_state *state, const struct tg_input *input,
                         struct tg_radius_packet *packet);
static enum tg_err note_field(void *context, const struct tg_radius_item *item);
static enum tg_err copy_proxy_state(void *context, const struct tg_radius_item *item);

static bool radius_probe(const uint8_t *bytes, uint32_t length_bytes)
{
    struct tg_radius_packet packet;
    return tg_radius_packet_header(bytes, length_bytes, &packet) == TG_OK &&
           (packet.code == TG_RADIUS_ACCOUNTING_REQUEST || packet.code == TG_RADIUS_STATUS_SERVER);
}

static enum tg_err radius_open(const struct tg_decoder_config *config, void **state,
                               struct tg_complaint *why)
{
    *state = NULL;
    why->setting_index = UINT32_MAX;
    struct radius_state *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        snprintf(why->text, sizeof(why->text), "no memory for the decoder's state");
        return TG_E_NO_MEMORY;
    }
    enum tg_err err = read_settings(made, config, why);
    if (err == TG_OK) {
        err = tg_radius_auth_open(&made->auth, config, why);
    }
    if (err != TG_OK) {
        radius_close(made);
        return err;
    }
    *state = made;
    return TG_OK;
}

static void radius_close(void *state)
{
    struct radius_state *made = state;
    if (made != NULL) {
        tg_radius_auth_close(&made->auth);
        free(made);
    }
}

static uint32_t radius_decode(void *state, const struct tg_input *inputs, uint32_t inputs_count,
                              struct tg_decoded *out)
{
    for (uint32_t i = 0; i < inputs_count; i++) {
        if (tg_out_rows_left(out) == 0 || tg_out_refusals_left(out) == 0 ||
            tg_out_sessions_left(out) < TG_RADIUS_SESSIONS_MAX) {
            return i;
        }
        decode_one(state, &inputs[i], i, out);
    }
    return inputs_count;
}

struct answer_builder {
    uint8_t *bytes;
    uint32_t capacity_bytes;
    uint32_t length_octets;
};

static uint32_t radius_answer(void *state, const struct tg_input *input, uint8_t *bytes,
                              uint32_t capacity_bytes)
{
    struct radius_state *made = state;
    struct tg_radius_packet packet;
    const struct tg_radius_client *client = tg_radius_auth_client(&made->auth, &input->from);
    if (client == NULL || capacity_bytes < TG_RADIUS_HEADER_OCTETS ||
        tg_radius_packet_header(input->bytes, input->length_bytes, &packet) != TG_OK) {
        return 0;
    }
    struct answer_builder answer = {bytes, capacity_bytes, TG_RADIUS_HEADER_OCTETS};
    if (tg_radius_packet_walk(&packet, copy_proxy_state, &answer) != TG_OK) {
        return 0;
    }
    bytes[0] = TG_RADIUS_ACCOUNTING_RESPONSE;
    bytes[1] = packet.identifier;
    bytes[2] = (uint8_t)(answer.length_octets >> 8);
    bytes[3] = (uint8_t)answer.length_octets;
    return tg_radius_auth_response(client, packet.bytes + 4, bytes, answer.length_octets)
               ? answer.length_octets
               : 0;
}

static enum tg_err read_settings(struct radius_state *state, const struct tg_decoder_config *config,
                                 struct tg_complaint *why)
{
    for (uint32_t i = 0; i < config->settings_count; i++) {
        const struct tg_setting *setting = &config->settings[i];
        why->setting_index = i;
        if (strncmp(setting->key, "secret.", 7) == 0) {
            continue;
        }
        if (strcmp(setting->key, "subscriber") != 0) {
            snprintf(why->text, sizeof(why->text),
                     "%s: the radius decoder knows `secret.<client>` and `subscriber`",
                     setting->key);
            return TG_E_INVALID;
        }
        const size_t names_count = sizeof(subscriber_names) / sizeof(subscriber_names[0]);
        size_t found = 0;
        while (found < names_count && strcmp(subscriber_names[found].name, setting->value) != 0) {
            found++;
        }
        if (found == names_count) {
            snprintf(why->text, sizeof(why->text),
                     "subscriber: %s is none of auto, calling-station-id, user-name, imsi, "
                     "chargeable-user-identity",
                     setting->value);
            return TG_E_INVALID;
        }
        state->subscriber_by = subscriber_names[found].by;
    }
    why->setting_index = UINT32_MAX;
    return TG_OK;
}

static void decode_one(struct radius_state *state, const struct tg_input *input,
                       uint32_t input_index, struct tg_decoded *out)
{
    struct tg_message *message = &out->messages[input_index];
    *message = (struct tg_message){.export_ns = input->arrival_ns};
    struct tg_radius_packet packet;
    struct tg_radius_account account = {.has_row = false};
    enum tg_err err = admit(state, input, &packet);
    message->sequence = packet.identifier;
    if (err == TG_OK) {
        message->flags = TG_MESSAGE_WANTS_ANSWER;
        if (packet.code == TG_RADIUS_STATUS_SERVER) {
            return;
        }
        err = tg_radius_account_read(input, &packet, state->subscriber_by, &account);
        message->export_ns = account.event_ns;
    }
    if (err != TG_OK) {
        message->verdict = (int16_t)err;
        message->error_offset = packet.error_offset;
        const struct tg_refusal refusal = {.input_index = input_index,
                                           .length_bytes = input->length_bytes,
                                           .reason = (int16_t)err,
                                           .source_id = input->source_id,
                                           .field = packet.error_field};
        tg_out_refusal(out, &refusal);
        return;
    }
    for (uint32_t i = 0; i < account.sessions_count; i++) {
        tg_out_session(out, &account.sessions[i]);
    }
    if (account.has_row) {
        message->records_count = 1;
        struct field_walk walk = {out, out->rows_count};
        tg_out_row(out, &account.row, input_index);
        tg_out_network(out, account.plmn);
        if (out->fields_capacity > 0) {
            tg_radius_packet_walk(&packet, note_field, &walk);
        }
    }
}

/* Everything that must hold before a packet's content is believed. */
static enum tg_err admit(struct radius_state *state, const struct tg_input *input,
                         struct tg_radius_packet *packet)
{
    enum tg_err err = tg_radius_packet_header(input->bytes, input->length_bytes, packet);
    if (err != TG_OK) {
        return err;
    }
    packet->error_offset = 0;
    packet->error_field = "code";
    if (packet->code != TG_RADIUS_ACCOUNTING_REQUEST && packet->code != TG_RADIUS_STATUS_SERVER) {
        return TG_E_UNSUPPORTED;
    }
    packet->error_field = "client";
    const struct tg_radius_client *client = tg_radius_auth_client(&state->auth, &input->from);
    if (client == NULL) {
        return TG_E_UNKNOWN_CLIENT;
    }
    packet->error_offset = 4;
    packet->error_field = "Request Authenticator";
    const bool is_request = packet->code == TG_RADIUS_ACCOUNTING_REQUEST;
    if (is_request && !tg_radius_auth_request(client, packet->bytes, packet->length_octets)) {
        return TG_E_AUTHENTICATOR;
    }
    err = tg_radius_packet_attributes(packet);
    if (err != TG_OK) {
        return err;
    }
    const uint8_t *proof = packet->values[TG_RADIUS_USE_MESSAGE_AUTHENTICATOR].bytes;
    packet->error_field = tg_radius_use_name(TG_RADIUS_USE_MESSAGE_AUTHENTICATOR);
    packet->error_offset =
        proof != NULL ? (uint32_t)(proof - packet->bytes) - 2 : TG_RADIUS_HEADER_OCTETS;
    if (proof == NULL) {
        /* RFC 5997 3: it is all that proves a Status-Server, so it must be there. */
        return is_request ? TG_OK : TG_E_AUTHENTICATOR;
    }
    return tg_radius_auth_message(client, packet->bytes, packet->length_octets, proof)
               ? TG_OK
               : TG_E_AUTHENTICATOR;
}

static enum tg_err note_field(void *context, const struct tg_radius_item *item)
{
    static const uint8_t printed_as[] = {
        [TG_RADIUS_TEXT] = TG_FIELD_STRING,       [TG_RADIUS_INTEGER] = TG_FIELD_UNSIGNED,
        [TG_RADIUS_IPV4] = TG_FIELD_IP4,          [TG_RADIUS_IPV6] = TG_FIELD_IP6,
        [TG_RADIUS_TIME] = TG_FIELD_SECONDS,      [TG_RADIUS_IFID] = TG_FIELD_OCTETS,
        [TG_RADIUS_IPV6PREFIX] = TG_FIELD_OCTETS, [TG_RADIUS_VSA] = TG_FIELD_OCTETS,
    };
    static const uint8_t length_needed[] = {
        [TG_FIELD_UNSIGNED] = 4,
        [TG_FIELD_IP4] = 4,
        [TG_FIELD_IP6] = 16,
        [TG_FIELD_SECONDS] = 4,
    };
    const struct field_walk *walk = context;
    uint8_t type = printed_as[item->attribute->type];
    if (type < sizeof(length_needed) && length_needed[type] != 0 &&
        item->length_octets != length_needed[type]) {
        type = TG_FIELD_OCTETS;
    }
    const struct tg_field field = {.bytes = item->bytes,
                                   .name = item->attribute->name,
                                   .enterprise = item->vendor,
                                   .row_index = walk->row_index,
                                   .element = item->number,
                                   .length_bytes = item->length_octets,
                                   .type = type};
    tg_out_field(walk->out, &field);
    return TG_OK;
}

/* RFC 2865 5.33: every Proxy-State goes back unmodified and in order. */
static enum tg_err copy_proxy_state(void *context, const struct tg_radius_item *item)
{
    struct answer_builder *answer = context;
    if (item->attribute->use != TG_RADIUS_USE_PROXY_STATE) {
        return TG_OK;
    }
    const uint32_t length_octets = item->length_octets + 2u;
    if (answer->capacity_bytes - answer->length_octets < length_octets) {
        return TG_E_FULL;
    }
    uint8_t *at = answer->bytes + answer->length_octets;
    at[0] = item->number;
    at[1] = (uint8_t)length_octets;
    memcpy(at + 2, item->bytes, item->length_octets);
    answer->length_octets += length_octets;
    return TG_OK;
}
