/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "cli/decode_late.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_COUNT (2 * TG_DECODE_LATE_ROWS_MAX)
/* A parked piece is refused with its set header, and waits without. */
#define SET_HEADER_OCTETS 4u

static void parked_free(struct tg_decode_late *late, uint32_t index)
{
    free(late->parked[index].bytes);
    late->parked[index] = late->parked[--late->parked_count];
}

void tg_decode_late_close(struct tg_decode_late *late)
{
    while (late->parked_count > 0) {
        parked_free(late, late->parked_count - 1);
    }
    for (uint32_t i = 0; i < late->rows_count; i++) {
        free(late->rows[i].line);
    }
    free(late->parked);
    free(late->rows);
    free(late->slots);
    memset(late, 0, sizeof *late);
}

void tg_decode_late_park(struct tg_decode_late *late, const struct tg_refusal *refusal,
                         const struct tg_decode_origin *origin, const struct tg_input *input)
{
    if (late->parked_count == late->parked_capacity) {
        const uint32_t capacity = late->parked_capacity > 0 ? late->parked_capacity * 2 : 64;
        struct tg_decode_parked *parked = realloc(late->parked, capacity * sizeof *parked);
        if (parked == NULL) {
            return;
        }
        late->parked = parked;
        late->parked_capacity = capacity;
    }
    struct tg_decode_parked *made = &late->parked[late->parked_count];
    *made = (struct tg_decode_parked){.record_key = refusal->record_key,
                                      .origin = *origin,
                                      .has_from = origin->from != NULL,
                                      .length_bytes = refusal->length_bytes,
                                      .payload_offset = refusal->offset_bytes,
                                      .bytes = malloc(refusal->length_bytes)};
    if (made->bytes == NULL) {
        return;
    }
    made->origin.from = NULL;
    made->from = made->has_from ? *origin->from : made->from;
    memcpy(made->bytes, input->bytes + refusal->offset_bytes, refusal->length_bytes);
    late->parked_count++;
}

const struct tg_decode_parked *tg_decode_late_parked(const struct tg_decode_late *late,
                                                     uint64_t record_key)
{
    for (uint32_t i = 0; i < late->parked_count; i++) {
        if (late->parked[i].record_key == record_key) {
            return &late->parked[i];
        }
    }
    return NULL;
}

/* Pieces lie in the arena in the order of the released keys; a piece that is not yet done comes
 * last and has no key, so that its place stays that of the input that released it. */
void tg_decode_late_place(const struct tg_decode_late *late, const struct tg_decoded *out,
                          const uint8_t *at, struct tg_decode_origin *origin)
{
    const uint8_t *from = out->text;
    const uint8_t *end = out->text + out->text_bytes;
    for (uint32_t i = 0; i < out->released_count; i++) {
        const struct tg_decode_parked *parked = tg_decode_late_parked(late, out->released_keys[i]);
        if (parked == NULL || parked->length_bytes <= SET_HEADER_OCTETS) {
            continue;
        }
        const size_t length = parked->length_bytes - SET_HEADER_OCTETS;
        const uint8_t *found =
            memmem(from, (size_t)(end - from), parked->bytes + SET_HEADER_OCTETS, length);
        if (found == NULL) {
            continue;
        }
        if (at >= found && at < found + length) {
            const uint32_t domain = origin->domain;
            const struct tg_endpoint *sender = origin->from;
            *origin = parked->origin;
            origin->domain = domain;
            origin->from = sender; /* templates are per sender: it is the same one */
            origin->offset_bytes += SET_HEADER_OCTETS + (uint64_t)(at - found);
            return;
        }
        from = found + length;
    }
}

void tg_decode_late_release(struct tg_decode_late *late, const uint64_t *keys, uint32_t keys_count)
{
    for (uint32_t k = 0; k < keys_count; k++) {
        for (uint32_t i = 0; i < late->parked_count; i++) {
            if (late->parked[i].record_key == keys[k]) {
                parked_free(late, i);
                break;
            }
        }
    }
}

/* Slot of a key, or the empty one it would go to. The index is twice as large as the rows. */
static uint32_t *slot_find(const struct tg_decode_late *late, uint64_t record_key)
{
    uint32_t at = (uint32_t)tg_mix64(record_key) & (SLOTS_COUNT - 1);
    while (late->slots[at] != 0 && late->rows[late->slots[at] - 1].record_key != record_key) {
        at = (at + 1) & (SLOTS_COUNT - 1);
    }
    return &late->slots[at];
}

bool tg_decode_late_hold(struct tg_decode_late *late, uint64_t record_key, const char *line,
                         size_t line_bytes)
{
    if (late->rows == NULL && !late->has_failed) {
        late->rows = calloc(TG_DECODE_LATE_ROWS_MAX, sizeof *late->rows);
        late->slots = calloc(SLOTS_COUNT, sizeof *late->slots);
        late->has_failed = late->rows == NULL || late->slots == NULL;
    }
    if (late->has_failed || late->rows_count == TG_DECODE_LATE_ROWS_MAX) {
        return false;
    }
    char *copy = malloc(line_bytes);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, line, line_bytes);
    late->rows[late->rows_count] = (struct tg_decode_late_row){
        .record_key = record_key, .line = copy, .line_bytes = line_bytes};
    uint32_t *slot = slot_find(late, record_key);
    if (*slot == 0) {
        *slot = late->rows_count + 1;
    }
    late->rows_count++;
    return true;
}

void tg_decode_late_again(struct tg_decode_late *late, uint64_t record_key)
{
    if (late->rows_count == 0) {
        return;
    }
    const uint32_t found = *slot_find(late, record_key);
    if (found != 0) {
        late->rows[found - 1].came_again = true;
    }
}

uint64_t tg_decode_late_print(struct tg_decode_late *late, struct tg_text *text)
{
    uint64_t again = 0;
    for (uint32_t i = 0; i < late->rows_count; i++) {
        if (late->rows[i].came_again) {
            again++;
        } else {
            tg_text_raw(text, late->rows[i].line, late->rows[i].line_bytes);
        }
        free(late->rows[i].line);
    }
    late->rows_count = 0;
    if (late->slots != NULL) {
        memset(late->slots, 0, SLOTS_COUNT * sizeof *late->slots);
    }
    return again;
}
