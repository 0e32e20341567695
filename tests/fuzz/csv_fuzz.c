/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief libFuzzer target of the CSV decoder; the first octet chooses one of three maps.
 */
#include "abi/decoder.h"

#include <stdlib.h>
#include <string.h>

extern const struct tg_plugin tg_plugin_entry_csv;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *open_map(const struct tg_setting *settings, uint32_t settings_count)
{
    const struct tg_decoder *decoder = tg_plugin_entry_csv.contract;
    const struct tg_decoder_config config = {sizeof(config), settings_count, settings, 1};
    struct tg_complaint why;
    void *state;
    if (decoder->open(&config, &state, &why) != TG_OK) {
        abort();
    }
    return state;
}

static void open_all(void *states[3])
{
    static const struct tg_setting numbered[] = {
        {"header", "no", NULL, 0, 0},          {"columns.caller", "1", NULL, 0, 0},
        {"columns.called", "2", NULL, 0, 0},   {"columns.start", "3+4", NULL, 0, 0},
        {"columns.duration", "5", NULL, 0, 0}, {"time_format", "%d/%b/%y %T.%f %z", NULL, 0, 0},
        {"duration_unit", "hms", NULL, 0, 0},  {"number.country_code", "49", NULL, 0, 0},
        {"columns.service", "6", NULL, 0, 0},  {"columns.direction", "7", NULL, 0, 0},
        {"columns.octets_up", "8", NULL, 0, 0}};
    static const struct tg_setting named[] = {{"delimiter", ";", NULL, 0, 0},
                                              {"service", "data", NULL, 0, 0},
                                              {"subscriber", "imsi", NULL, 0, 0},
                                              {"columns.caller", "imsi", NULL, 0, 0},
                                              {"columns.start", "t", NULL, 0, 0},
                                              {"columns.octets_up", "up", NULL, 0, 0},
                                              {"time_format", "unix", NULL, 0, 0},
                                              {"columns.record_id", "id+t", NULL, 0, 0},
                                              {"columns.rating_group", "rg", NULL, 0, 0}};
    states[0] = open_map(NULL, 0);
    states[1] = open_map(numbered, sizeof(numbered) / sizeof(numbered[0]));
    states[2] = open_map(named, sizeof(named) / sizeof(named[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void *states[3];
    static struct tg_usage rows[4];
    static uint32_t rows_input[4];
    static struct tg_refusal refusals[4];
    static struct tg_field fields[16];
    static uint8_t saved[65536];
    const struct tg_decoder *decoder = tg_plugin_entry_csv.contract;
    if (states[0] == NULL) {
        open_all(states);
    }
    if (size < 2) {
        return 0;
    }
    void *state = states[data[0] % 3];
    /* An exact copy on the heap, so that one octet too far is seen. */
    uint8_t *copy = malloc(size - 1);
    memcpy(copy, data + 1, size - 1);
    const struct tg_input input = {.bytes = copy,
                                   .length_bytes = (uint32_t)size - 1,
                                   .file_key = data[0] / 3,
                                   .first_line = 1};
    uint32_t done = 0;
    uint32_t line = 0;
    for (size_t calls = 0; done == 0; calls++) {
        struct tg_message message;
        struct tg_decoded out = {.size_bytes = sizeof(out),
                                 .rows_capacity = 4,
                                 .rows = rows,
                                 .rows_input = rows_input,
                                 .refusals_capacity = 4,
                                 .refusals = refusals,
                                 .messages = &message,
                                 .fields_capacity = 16,
                                 .fields = fields};
        done = decoder->decode(state, &input, 1, &out);
        for (uint32_t i = 0; i < out.rows_count; i++) {
            if (rows[i].sequence <= line) {
                abort(); /* A line gave two rows. */
            }
            line = rows[i].sequence;
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
    /* Sixty-four headers take longer to save than a line to read: now and then is enough. */
    if (data[0] % 16 == 0) {
        const size_t needed = decoder->save(state, saved, sizeof(saved));
        if (needed > sizeof(saved) || decoder->load(state, saved, needed) != TG_OK) {
            abort();
        }
        decoder->load(states[0], copy, size - 1);
    }
    free(copy);
    return 0;
}
