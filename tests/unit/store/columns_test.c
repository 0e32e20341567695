/* SPDX-License-Identifier: Apache-2.0 */
#include "store/columns.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"

#define ROWS 5000u

static uint8_t planes[8 * (5024 + TG_PLANE_SLACK)];
static uint8_t back[8 * (5024 + TG_PLANE_SLACK)];
static uint8_t stored[8][8192];
static uint64_t values[ROWS];
static uint64_t joined[ROWS];

static void values_make(uint32_t shape, uint64_t seed)
{
    for (uint32_t i = 0; i < ROWS; i++) {
        const uint64_t r = tg_mix64(seed + i);
        switch (shape) {
        case 0:
            values[i] = r;
            break;
        case 1:
            values[i] = i < 4000 ? 7 : r; /* constant for long, then not */
            break;
        case 2:
            values[i] = UINT64_C(1790000000000000000) + i * 1000 + r % 500;
            break;
        case 3:
            values[i] = 0 - (r % 3);
            break;
        case 4:
            values[i] = i % 2 == 0 ? UINT64_C(1) << 63 : INT64_MAX;
            break;
        default:
            values[i] = 42;
            break;
        }
    }
}

Test(columns, every_transform_and_shape_comes_back)
{
    /* If this failed, a stored number would be read back as another. */
    struct tg_codec *codec = NULL;
    cr_assert_eq(tg_codec_open(-1, 65536, &codec, NULL), TG_OK);
    for (uint32_t shape = 0; shape < 6; shape++) {
        for (uint8_t transform = 0; transform < TG_WORD_TRANSFORM_COUNT; transform++) {
            struct tg_words words;
            tg_words_init(&words, planes, 5024, transform);
            values_make(shape, shape * 99);
            for (uint32_t done = 0, step = 1; done < ROWS; step = step * 5 % 611 + 1) {
                const uint32_t now = step < ROWS - done ? step : ROWS - done;
                tg_words_append(&words, values + done, 1, now);
                done += now;
            }
            for (uint32_t p = 0; p < 8; p++) {
                struct tg_plane plane;
                (void)tg_plane_encode(codec, &words, p, stored[p], sizeof stored[p], &plane);
                cr_assert_eq(tg_plane_decode(codec, &plane, stored[p], ROWS, back + p * 5056),
                             TG_OK);
                if (plane.stored_bytes > 0) {
                    stored[p][plane.stored_bytes / 2] ^= 16;
                    cr_assert_eq(tg_plane_decode(codec, &plane, stored[p], ROWS, planes),
                                 TG_E_CORRUPT);
                }
            }
            tg_planes_join(back, 8, 5056, ROWS, 8, joined);
            tg_words_restore(transform, joined, ROWS);
            cr_assert_arr_eq(joined, values, sizeof values, "shape %u transform %u", shape,
                             transform);
        }
    }
    tg_codec_close(codec);
}

Test(columns, a_constant_column_costs_nothing)
{
    /* If this failed, fields that nobody uses would still cost disk and time in every row. */
    struct tg_codec *codec = NULL;
    struct tg_words words;
    struct tg_plane plane;
    cr_assert_eq(tg_codec_open(1, 65536, &codec, NULL), TG_OK);
    tg_words_init(&words, planes, 5024, TG_WORD_PLAIN);
    values_make(5, 0);
    tg_words_append(&words, values, 1, ROWS);
    cr_expect_eq(words.written, 0);
    cr_expect_eq(tg_plane_encode(codec, &words, 0, stored[0], sizeof stored[0], &plane), 0);
    cr_expect_eq(plane.encoding, TG_PLANE_CONSTANT);
    cr_expect_eq(plane.constant, 42);
    tg_codec_close(codec);
}

Test(columns, hostile_frames_are_refused)
{
    /* If this failed, a rotten length would write beyond the reader's memory. */
    struct tg_codec *codec = NULL;
    cr_assert_eq(tg_codec_open(-1, 65536, &codec, NULL), TG_OK);
    memset(values, 0, sizeof values);
    const size_t length = tg_codec_compress(codec, values, sizeof values, stored, sizeof stored);
    cr_assert(length > 0);
    cr_expect_eq(tg_codec_decompress(codec, stored, length, joined, sizeof values), TG_OK);
    cr_expect_eq(tg_codec_decompress(codec, stored, length, joined, 100), TG_E_CORRUPT);
    cr_expect_eq(tg_codec_decompress(codec, stored, length - 1, joined, sizeof values),
                 TG_E_CORRUPT);
    cr_expect_eq(tg_codec_open(9, 10, &codec, NULL), TG_E_INVALID);
}
