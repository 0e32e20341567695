/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief libFuzzer target of the syslog decoder; the first octet chooses the framing.
 */
#include "abi/decoder.h"

#include <stdlib.h>
#include <string.h>

extern const struct tg_plugin tg_plugin_entry_syslog;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void *states[3];
    static const char *const framings[3] = {"datagram", "newline", "octet-counting"};
    static struct tg_observation observations[4];
    static struct tg_refusal refusals[4];
    static uint8_t text[65536];
    const struct tg_decoder *decoder = tg_plugin_entry_syslog.contract;
    for (unsigned i = 0; i < 3 && states[i] == NULL; i++) {
        const struct tg_setting setting = {"framing", framings[i], NULL, 0, 0};
        const struct tg_decoder_config config = {sizeof(config), 1, &setting, 1};
        struct tg_complaint why;
        if (decoder->open(&config, &states[i], &why) != TG_OK) {
            abort();
        }
    }
    if (size < 2) {
        return 0;
    }
    /* An exact copy on the heap, so that one octet too far is seen. */
    uint8_t *copy = malloc(size - 1);
    memcpy(copy, data + 1, size - 1);
    const struct tg_input input = {.bytes = copy,
                                   .length_bytes = (uint32_t)size - 1,
                                   .arrival_ns = INT64_C(1700000000000000000)};
    uint32_t done = 0;
    /* Every call must make progress: at most a frame an octet, with 4 places a call. */
    for (size_t calls = 0; done == 0; calls++) {
        struct tg_message message;
        struct tg_decoded out = {.size_bytes = sizeof(out),
                                 .observations_capacity = 4,
                                 .observations = observations,
                                 .refusals_capacity = 4,
                                 .refusals = refusals,
                                 .text_capacity_bytes = sizeof(text),
                                 .text = text,
                                 .messages = &message};
        done = decoder->decode(states[data[0] % 3], &input, 1, &out);
        for (uint32_t i = 0; i < out.observations_count; i++) {
            if (observations[i].text_offset + observations[i].text_bytes > out.text_bytes ||
                text[observations[i].text_offset + observations[i].text_bytes - 1] != 0) {
                abort();
            }
        }
        for (uint32_t i = 0; i < out.refusals_count; i++) {
            if (refusals[i].offset_bytes + refusals[i].length_bytes > input.length_bytes) {
                abort();
            }
        }
        if (calls > size) {
            abort();
        }
    }
    free(copy);
    return 0;
}
