/* SPDX-License-Identifier: Apache-2.0 */
#include "rate/shelf_note.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int bucket_compare(const void *a, const void *b)
{
    const struct tg_bucket *left = a;
    const struct tg_bucket *right = b;
    const uint32_t one = ((uint32_t)left->kind - 1) << 16 | left->what; /* free: greatest */
    const uint32_t two = ((uint32_t)right->kind - 1) << 16 | right->what;
    return one < two ? -1 : one > two;
}

void tg_shelf_sort(struct tg_shelf *shelf)
{
    qsort(shelf->buckets, TG_BUCKETS_MAX, sizeof shelf->buckets[0], bucket_compare);
}

uint32_t tg_shelf_note_make(bool is_pool, uint32_t index, const struct tg_shelf *shelf,
                            char key[TG_SHELF_NOTE_KEY_BYTES])
{
    uint32_t count = TG_BUCKETS_MAX;
    while (count > 0 && shelf->buckets[count - 1].kind == TG_BUCKET_FREE) {
        count--;
    }
    (void)snprintf(key, TG_SHELF_NOTE_KEY_BYTES, TG_SHELF_NOTE "%s/%" PRIu32,
                   is_pool ? "pool" : "own", index);
    return count * (uint32_t)sizeof shelf->buckets[0];
}

/* "own/7" or "pool/7". */
static bool place_parse(const char *text, bool *is_pool, uint32_t *index)
{
    *is_pool = strncmp(text, "pool/", 5) == 0;
    if (!*is_pool && strncmp(text, "own/", 4) != 0) {
        return false;
    }
    const char *digits = text + (*is_pool ? 5 : 4);
    char *end = NULL;
    const unsigned long number = strtoul(digits, &end, 10);
    *index = (uint32_t)number;
    return *digits >= '0' && *digits <= '9' && *end == '\0' && number <= UINT32_MAX;
}

enum tg_err tg_shelf_note_apply(struct tg_accounts *accounts, const char *key, const uint8_t *bytes,
                                uint32_t length_bytes)
{
    bool is_pool = false;
    uint32_t index = 0;
    struct tg_shelf shelf = {0};
    if (strncmp(key, TG_SHELF_NOTE, strlen(TG_SHELF_NOTE)) != 0 ||
        !place_parse(key + strlen(TG_SHELF_NOTE), &is_pool, &index) ||
        length_bytes > sizeof shelf || length_bytes % sizeof shelf.buckets[0] != 0) {
        return TG_E_FORMAT;
    }
    if (length_bytes > 0) {
        memcpy(&shelf, bytes, length_bytes);
    }
    for (uint32_t i = 0; i < TG_BUCKETS_MAX; i++) {
        if (shelf.buckets[i].kind >= TG_BUCKET_KINDS_COUNT) {
            return TG_E_CORRUPT;
        }
    }
    struct tg_shelf *place = tg_accounts_shelf(accounts, is_pool, index);
    if (place == NULL) {
        return TG_E_FULL;
    }
    *place = shelf;
    if (!is_pool) {
        tg_accounts_calls_note(accounts, index);
    }
    return TG_OK;
}
