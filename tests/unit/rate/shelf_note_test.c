/* SPDX-License-Identifier: Apache-2.0 */
#include "rate/shelf_note.h"

#include <criterion/criterion.h>
#include <string.h>

static struct tg_shelf shelf_of(const uint8_t *kinds, const uint16_t *whats, uint32_t count)
{
    struct tg_shelf shelf = {0};
    for (uint32_t i = 0; i < count; i++) {
        shelf.buckets[i] = (struct tg_bucket){
            .kind = kinds[i], .what = whats[i], .period = 600 + i, .used_base = 7000 + i};
    }
    return shelf;
}

/* Otherwise a restart goes on with other minutes than the correction left. */
Test(shelf_note, what_is_written_is_what_is_set, .timeout = 600)
{
    const uint8_t kinds[] = {TG_BUCKET_OWN, TG_BUCKET_MEMBER, TG_BUCKET_CARRY};
    const uint16_t whats[] = {3, 1, 0};
    struct tg_accounts *accounts = NULL;
    cr_assert_eq(tg_accounts_create(100, &accounts, NULL), TG_OK);
    for (uint32_t count = 0; count <= 3; count++) {
        for (uint32_t pool = 0; pool < 2; pool++) {
            char key[TG_SHELF_NOTE_KEY_BYTES];
            const struct tg_shelf shelf = shelf_of(kinds, whats, count);
            const uint32_t length = tg_shelf_note_make(pool != 0, 42, &shelf, key);
            struct tg_shelf *place = tg_accounts_shelf(accounts, pool != 0, 42);
            memset(place, 1, sizeof *place); /* also an empty one replaces what was there */
            cr_expect_eq(length, count * 64);
            cr_expect_str_eq(key, pool != 0 ? "shelf/pool/42" : "shelf/own/42");
            cr_expect_eq(tg_shelf_note_apply(accounts, key, (const uint8_t *)shelf.buckets, length),
                         TG_OK);
            cr_expect(memcmp(place, &shelf, sizeof shelf) == 0, "%u buckets", count);
        }
    }
    tg_accounts_destroy(accounts);
}

/* Otherwise a damaged note moves somebody else's minutes. */
Test(shelf_note, what_is_no_shelf_sets_nothing, .timeout = 600)
{
    struct tg_accounts *accounts = NULL;
    uint8_t bytes[sizeof(struct tg_shelf) + 64] = {0};
    cr_assert_eq(tg_accounts_create(100, &accounts, NULL), TG_OK);
    const struct {
        const char *key;
        uint32_t length;
        enum tg_err err;
    } cases[] = {{"shelf/own/100", 64, TG_E_FULL},   {"shelf/pool/100", 0, TG_E_FULL},
                 {"shelf/own/", 64, TG_E_FORMAT},    {"shelf/own/-1", 64, TG_E_FORMAT},
                 {"shelf/own/7x", 64, TG_E_FORMAT},  {"shelf/ours/7", 64, TG_E_FORMAT},
                 {"source/00007", 64, TG_E_FORMAT},  {"shelf/own/4294967296", 64, TG_E_FORMAT},
                 {"shelf/own/7", 63, TG_E_FORMAT},   {"shelf/own/7", 576, TG_E_FORMAT},
                 {"shelf/own/7", 128, TG_E_CORRUPT}, {"shelf/own/7", 64, TG_OK}};
    bytes[64 + 2] = 99; /* the kind of the second bucket */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect_eq(tg_shelf_note_apply(accounts, cases[i].key, bytes, cases[i].length),
                     cases[i].err, "%s of %u octets", cases[i].key, cases[i].length);
    }
    tg_accounts_destroy(accounts);
}

/* Otherwise the order in which a group of rows came makes a difference where there is none. */
Test(shelf_note, order_is_by_kind_and_free_ones_are_last, .timeout = 600)
{
    const uint8_t kinds[] = {TG_BUCKET_CARRY, TG_BUCKET_FREE, TG_BUCKET_OWN, TG_BUCKET_OWN};
    const uint16_t whats[] = {0, 0, 9, 2};
    struct tg_shelf shelf = shelf_of(kinds, whats, 4);
    shelf.buckets[1] = (struct tg_bucket){0};
    tg_shelf_sort(&shelf);
    cr_expect(shelf.buckets[0].kind == TG_BUCKET_OWN && shelf.buckets[0].what == 2);
    cr_expect(shelf.buckets[1].kind == TG_BUCKET_OWN && shelf.buckets[1].what == 9);
    cr_expect(shelf.buckets[2].kind == TG_BUCKET_CARRY && shelf.buckets[2].used_base == 7000);
    cr_expect_eq(shelf.buckets[3].kind, TG_BUCKET_FREE);
}
