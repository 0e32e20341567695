/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/file_positions.h"

#include "base/arena.h"
#include "base/hash.h"

#include <assert.h>
#include <stddef.h>

#define SLOTS_COUNT (2 * TG_FILE_POSITIONS_MAX)
#define SLOTS_BYTES (SLOTS_COUNT * sizeof(struct tg_file_position))
_Static_assert((SLOTS_COUNT & (SLOTS_COUNT - 1)) == 0, "the index is a mask");

struct tg_file_position {
    uint64_t file_key; /* 0: free */
    uint64_t offset;
};

enum tg_err tg_file_positions_init(struct tg_file_positions *positions)
{
    positions->used_count = 0;
    positions->slots = tg_pages_take(SLOTS_BYTES);
    return positions->slots != NULL ? TG_OK : TG_E_NO_MEMORY;
}

void tg_file_positions_fini(struct tg_file_positions *positions)
{
    tg_pages_free(positions->slots, SLOTS_BYTES);
    positions->slots = NULL;
}

/* The slot that holds the key or the free one where it belongs; half the slots are always free. */
static struct tg_file_position *slot_of(const struct tg_file_positions *positions,
                                        uint64_t file_key)
{
    assert(file_key != 0);
    uint64_t index = tg_mix64(file_key) & (SLOTS_COUNT - 1);
    while (positions->slots[index].file_key != 0 && positions->slots[index].file_key != file_key) {
        index = (index + 1) & (SLOTS_COUNT - 1);
    }
    return &positions->slots[index];
}

enum tg_err tg_file_positions_set(struct tg_file_positions *positions, uint64_t file_key,
                                  uint64_t offset)
{
    struct tg_file_position *slot = slot_of(positions, file_key);
    if (slot->file_key == 0) {
        if (positions->used_count == TG_FILE_POSITIONS_MAX) {
            return TG_E_FULL;
        }
        slot->file_key = file_key;
        positions->used_count++;
    }
    if (offset > slot->offset) {
        slot->offset = offset;
    }
    return TG_OK;
}

bool tg_file_positions_get(const struct tg_file_positions *positions, uint64_t file_key,
                           uint64_t *offset)
{
    const struct tg_file_position *slot = slot_of(positions, file_key);
    if (slot->file_key == 0) {
        return false;
    }
    *offset = slot->offset;
    return true;
}
