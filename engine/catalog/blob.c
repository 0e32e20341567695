/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/blob.h"

#include "abi/key.h"
#include "base/arena.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Room at the end; only what alignment skips is zeroed. */
static size_t blob_reserve(struct tg_blob *blob, size_t size_bytes, size_t align_bytes)
{
    assert(align_bytes != 0 && (align_bytes & (align_bytes - 1)) == 0);
    const size_t offset = (blob->size_bytes + align_bytes - 1) & ~(align_bytes - 1);
    if (blob->is_broken) {
        return 0;
    }
    if (offset + size_bytes > blob->room_bytes) {
        size_t room = blob->room_bytes < 1024 ? 1024 : blob->room_bytes * 2;
        room = room < offset + size_bytes ? offset + size_bytes : room;
        uint8_t *bytes = realloc(blob->bytes, room);
        if (bytes == NULL) {
            blob->is_broken = true;
            return 0;
        }
        blob->bytes = bytes;
        blob->room_bytes = room;
        tg_pages_advise(bytes, room);
    }
    if (offset > blob->size_bytes) {
        memset(blob->bytes + blob->size_bytes, 0, offset - blob->size_bytes);
    }
    blob->size_bytes = offset + size_bytes;
    return offset;
}

size_t tg_blob_extend(struct tg_blob *blob, size_t size_bytes, size_t align_bytes)
{
    const size_t offset = blob_reserve(blob, size_bytes, align_bytes);
    if (!blob->is_broken && size_bytes > 0) { /* nothing at all may still be no memory */
        memset(blob->bytes + offset, 0, size_bytes);
    }
    return offset;
}

size_t tg_blob_append(struct tg_blob *blob, const void *bytes, size_t size_bytes,
                      size_t align_bytes)
{
    const size_t offset = blob_reserve(blob, size_bytes, align_bytes);
    if (!blob->is_broken && size_bytes > 0) {
        memcpy(blob->bytes + offset, bytes, size_bytes);
    }
    return offset;
}

void tg_blob_free(struct tg_blob *blob)
{
    free(blob->bytes);
    *blob = (struct tg_blob){0};
}

const char *tg_names_text(const struct tg_names *names, uint32_t index)
{
    assert(index < names->count);
    const uint32_t *offsets = (const uint32_t *)(const void *)names->offsets.bytes;
    return (const char *)names->text.bytes + offsets[index];
}

/* Slot that holds the name, or the empty one where it would go. */
static uint32_t slot_find(const struct tg_names *names, const char *text, size_t text_bytes)
{
    const uint32_t mask = names->slots_count - 1;
    uint32_t slot = (uint32_t)tg_key_name(text, text_bytes) & mask;
    while (names->slots[slot] != 0) {
        const char *name = tg_names_text(names, names->slots[slot] - 1);
        if (strncmp(name, text, text_bytes) == 0 && name[text_bytes] == '\0') {
            break;
        }
        slot = (slot + 1) & mask;
    }
    return slot;
}

static bool slots_grow(struct tg_names *names)
{
    if ((uint64_t)names->count * 2 < names->slots_count) {
        return true;
    }
    const uint32_t count = names->slots_count == 0 ? 64 : names->slots_count * 2;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    free(names->slots);
    names->slots = slots;
    names->slots_count = count;
    for (uint32_t i = 0; i < names->count; i++) {
        const char *name = tg_names_text(names, i);
        names->slots[slot_find(names, name, strlen(name))] = i + 1;
    }
    return true;
}

uint32_t tg_names_add(struct tg_names *names, const char *text, size_t text_bytes)
{
    if (names->is_broken || !slots_grow(names)) {
        names->is_broken = true;
        return UINT32_MAX;
    }
    const uint32_t slot = slot_find(names, text, text_bytes);
    if (names->slots[slot] != 0) {
        return names->slots[slot] - 1;
    }
    const size_t offset = tg_blob_extend(&names->text, text_bytes + 1, 1);
    const uint32_t stored = (uint32_t)offset;
    (void)tg_blob_append(&names->offsets, &stored, sizeof stored, 4);
    if (names->text.is_broken || names->offsets.is_broken) {
        names->is_broken = true;
        return UINT32_MAX;
    }
    memcpy(names->text.bytes + offset, text, text_bytes);
    names->slots[slot] = ++names->count;
    return names->count - 1;
}

uint32_t tg_names_find(const struct tg_names *names, const char *text, size_t text_bytes)
{
    return names->slots_count == 0 ? UINT32_MAX
                                   : names->slots[slot_find(names, text, text_bytes)] - 1;
}

void tg_names_free(struct tg_names *names)
{
    tg_blob_free(&names->text);
    tg_blob_free(&names->offsets);
    free(names->slots);
    *names = (struct tg_names){0};
}
