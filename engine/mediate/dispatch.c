/* SPDX-License-Identifier: Apache-2.0 */
#include "mediate/dispatch.h"

#include <string.h>

enum tg_err tg_dispatch_add(struct tg_dispatch *dispatch, const char *name,
                            const struct tg_decoder *decoder, uint16_t local_port,
                            const struct tg_decoder_config *config, struct tg_why *why)
{
    if (dispatch->slots_count >= TG_DECODERS_MAX) {
        return tg_why_set(why, TG_E_FULL, "more than %u decoders", TG_DECODERS_MAX);
    }
    struct tg_complaint complaint = {.text = "", .setting_index = UINT32_MAX};
    void *state = NULL;
    const enum tg_err err = decoder->open(config, &state, &complaint);
    if (err != TG_OK) {
        const struct tg_setting *setting = complaint.setting_index < config->settings_count
                                               ? &config->settings[complaint.setting_index]
                                               : NULL;
        if (setting != NULL && setting->file != NULL) {
            return tg_why_set(why, err, "%s:%u:%u: decoder %s: %s", setting->file, setting->line,
                              setting->column, name, complaint.text);
        }
        return tg_why_set(why, err, "decoder %s: %s", name, complaint.text);
    }
    dispatch->slots[dispatch->slots_count++] = (struct tg_decoder_slot){
        .decoder = decoder, .state = state, .name = name, .local_port = local_port};
    return TG_OK;
}

void tg_dispatch_close(struct tg_dispatch *dispatch)
{
    for (uint32_t i = 0; i < dispatch->slots_count; i++) {
        dispatch->slots[i].decoder->close(dispatch->slots[i].state);
    }
    dispatch->slots_count = 0;
}

uint8_t tg_dispatch_find(const struct tg_dispatch *dispatch, const struct tg_input *input)
{
    for (uint32_t i = 0; i < dispatch->slots_count; i++) {
        const struct tg_decoder_slot *slot = &dispatch->slots[i];
        if (slot->local_port != 0 && slot->local_port == input->local_port &&
            (slot->decoder->probe == NULL ||
             slot->decoder->probe(input->bytes, input->length_bytes))) {
            return (uint8_t)i;
        }
    }
    return TG_DECODER_NONE;
}

uint8_t tg_dispatch_by_name(const struct tg_dispatch *dispatch, const char *name)
{
    for (uint32_t i = 0; i < dispatch->slots_count; i++) {
        if (strcmp(dispatch->slots[i].name, name) == 0) {
            return (uint8_t)i;
        }
    }
    return TG_DECODER_NONE;
}
