/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief libFuzzer target of the RADIUS decoder.
 *
 *  The harness signs what the fuzzer made, or no mutation would ever get past the authenticator;
 *  every fourth input stays unsigned, so that path is walked too.
 */
#include "abi/decoder.h"
#include "plugins/decoders/radius/radius_auth.h"

#include <stdlib.h>
#include <string.h>

extern const struct tg_plugin tg_plugin_entry_radius;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void *state;
    static struct tg_radius_client client = {.secret_octets = 1, .secret = "x", .hmac_key = "x"};
    static struct tg_usage rows[256];
    static uint32_t rows_input[256];
    static struct tg_session sessions[64];
    static struct tg_refusal refusals[64];
    static struct tg_field fields[32];
    const struct tg_decoder *decoder = tg_plugin_entry_radius.contract;
    if (state == NULL) {
        static const struct tg_setting settings[] = {{"secret.default", "x", NULL, 0, 0}};
        const struct tg_decoder_config config = {sizeof(config), 1, settings, 1};
        struct tg_complaint why;
        if (decoder->open(&config, &state, &why) != TG_OK) {
            abort();
        }
    }
    if (size == 0 || size > 65535) {
        return 0;
    }
    /* An exact copy on the heap, so that one octet too far is seen. */
    uint8_t *copy = malloc(size);
    memcpy(copy, data, size);
    const uint32_t length = size >= 4 ? (uint32_t)copy[2] << 8 | copy[3] : 0;
    if (length >= 20 && length <= size && copy[1] % 4 != 0) {
        copy[0] = 4;
        uint8_t digest[16];
        tg_radius_auth_request_digest(&client, copy, length, digest);
        memcpy(copy + 4, digest, 16);
    }
    const struct tg_input input = {
        .bytes = copy, .length_bytes = (uint32_t)size, .arrival_ns = INT64_C(1700000000000000000)};
    struct tg_message message;
    struct tg_decoded out = {.size_bytes = sizeof(out),
                             .rows_capacity = 256,
                             .rows = rows,
                             .rows_input = rows_input,
                             .sessions_capacity = 64,
                             .sessions = sessions,
                             .refusals_capacity = 64,
                             .refusals = refusals,
                             .messages = &message,
                             .fields_capacity = 32,
                             .fields = fields};
    if (decoder->decode(state, &input, 1, &out) != 1 || out.refusals_count > 1 ||
        (message.verdict != TG_OK) != (out.refusals_count == 1)) {
        abort();
    }
    uint8_t answer[512];
    if (decoder->answer(state, &input, answer, sizeof(answer)) > sizeof(answer)) {
        abort();
    }
    decoder->probe(copy, (uint32_t)size);
    free(copy);
    return 0;
}
