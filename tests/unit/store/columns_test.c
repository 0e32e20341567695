/* SPDX-License-Identifier: Apache-2.0 */
#include "store/columns.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"

static uint64_t plain[TG_GROUP_STRIDE];
static uint64_t words[TG_GROUP_STRIDE];
static uint64_t back[TG_GROUP_STRIDE];
static uint8_t planes[TG_GROUP_ROWS * 8 + 64];
static uint8_t other[TG_GROUP_ROWS * 8 + 64];

#define SHAPES_COUNT 12u

/* What real columns look like, and what none should. */
static uint64_t value_make(uint32_t shape, uint32_t i, uint64_t seed)
{
    const uint64_t r = tg_mix64(seed + i);
    switch (shape) {
    case 0:
        return r;
    case 1:
        return i < 700 ? 7 : r; /* constant for long, then not */
    case 2:
        return UINT64_C(1790000000000000000) + (i / 8 * 10 + r % 5000) * 1000000;
    case 3:
        return UINT64_C(1790000000000000000) + r % 900 * 1000000000;
    case 4:
        return UINT64_C(1790000000000000000) + r % 100000 * 1000;
    case 5:
        return 0 - (r % 3);
    case 6:
        return i % 2 == 0 ? UINT64_C(1) << 63 : INT64_MAX;
    case 7:
        return (uint64_t)(4000000000u + i / 26 * 26) << 32 | r % 60000; /* wraps */
    case 8:
        return r & UINT64_C(0x00ff00010300f07f);
    case 9:
        return r >> (r & 63);
    case 10:
        return UINT64_C(1790000000000000000) + r % 5000 * 1000000 + (i == 999 ? 1 : 0);
    default:
        return 42;
    }
}

static void plain_make(uint32_t shape, uint32_t rows_count, uint64_t seed, struct tg_word *word)
{
    *word = (struct tg_word){0};
    for (uint32_t i = 0; i < rows_count; i++) {
        plain[i] = value_make(shape, i, seed);
        word->differs |= plain[i] ^ plain[0];
    }
    word->first = plain[0];
    memcpy(words, plain, sizeof words);
}

Test(columns, every_kind_and_shape_comes_back)
{
    /* If this failed, a stored number would be read back as another. */
    static const uint32_t counts[] = {1, 2, 7, 8, 31, 32, 33, 63, 64, 65, 255, 1000, 1023, 1024};
    for (uint32_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        for (uint32_t shape = 0; shape < SHAPES_COUNT; shape++) {
            for (uint8_t kind = TG_WORD_PLAIN; kind <= TG_WORD_OFFSET; kind++) {
                struct tg_word word;
                plain_make(shape, counts[c], shape * 99 + c, &word);
                const size_t length = tg_word_encode(words, counts[c], kind, &word, planes);
                cr_assert_eq(length, tg_planes_bytes(counts[c], word.differs));
                cr_assert_leq(length, (size_t)tg_planes_rows(counts[c]) * 8);
                tg_word_decode(planes, counts[c], &word, UINT64_MAX, back);
                cr_assert_arr_eq(back, plain, counts[c] * sizeof back[0], "%u rows, shape %u, %u",
                                 counts[c], shape, kind);
                for (uint32_t p = 0; p < 8; p++) { /* an octet alone is the same octet */
                    tg_word_decode(planes, counts[c], &word, UINT64_C(0xff) << 8 * p, back);
                    for (uint32_t i = 0; i < counts[c]; i++) {
                        cr_assert_eq((back[i] ^ plain[i]) >> 8 * p & 0xff, 0, "shape %u, %u", shape,
                                     kind);
                    }
                }
            }
        }
    }
}

Test(columns, all_instruction_sets_write_the_same)
{
    /* If this failed, a journal would depend on the processor that wrote it, and one of them would
     * read it wrong. */
    static uint64_t rows[TG_GROUP_ROWS][8];
    static uint64_t columns[2][8 * TG_GROUP_STRIDE];
    const struct tg_column_kernels *oracle = tg_column_kernels_at(0);
    const struct tg_column_kernels *kernels = NULL;
    for (uint32_t k = 1; (kernels = tg_column_kernels_at(k)) != NULL; k++) {
        for (uint32_t turn = 0; turn < 400; turn++) {
            const uint32_t rows_count = 1 + (uint32_t)tg_mix64(turn) % TG_GROUP_ROWS;
            const uint32_t filled = tg_planes_rows(rows_count);
            struct tg_word word;
            memset(plain, 0, sizeof plain);
            plain_make(turn % SHAPES_COUNT, filled, turn, &word);
            const size_t length = oracle->cut(plain, filled, word.first, word.differs, other);
            cr_assert_eq(kernels->cut(plain, filled, word.first, word.differs, planes), length);
            cr_assert_arr_eq(planes, other, length, "%s, turn %u", kernels->name, turn);
            const uint64_t wanted = turn % 3 == 0 ? UINT64_MAX : UINT64_C(0xff00ff0000ffffff);
            oracle->join(planes, filled, word.first, word.differs, wanted, words);
            kernels->join(planes, filled, word.first, word.differs, wanted, back);
            cr_assert_arr_eq(back, words, filled * sizeof back[0], "%s, turn %u", kernels->name,
                             turn);
            uint64_t differs[2][8] = {{turn}, {turn}};
            for (uint32_t i = 0; i < rows_count * 8; i++) {
                rows[i / 8][i % 8] = value_make(turn % SHAPES_COUNT, i, turn);
            }
            oracle->spread(rows, rows_count, rows[0], differs[0], columns[0]);
            kernels->spread(rows, rows_count, rows[0], differs[1], columns[1]);
            cr_assert_arr_eq(differs[0], differs[1], sizeof differs[0], "%s", kernels->name);
            static uint64_t gathered[TG_GROUP_ROWS][8];
            kernels->gather(columns[1], rows_count, gathered);
            cr_assert_arr_eq(gathered, rows, rows_count * sizeof rows[0], "%s", kernels->name);
            oracle->gather(columns[1], rows_count, gathered);
            cr_assert_arr_eq(gathered, rows, rows_count * sizeof rows[0], "oracle");
            for (uint32_t w = 0; w < 8; w++) {
                cr_assert_arr_eq(columns[0] + w * TG_GROUP_STRIDE, columns[1] + w * TG_GROUP_STRIDE,
                                 rows_count * 8, "%s, word %u", kernels->name, w);
            }
        }
    }
}

Test(columns, what_does_not_change_costs_nothing)
{
    /* If this failed, fields that nobody uses would still cost disk and time in every row. */
    static const struct {
        const char *name;
        uint32_t shape;
        uint8_t kind;
        uint8_t transform;
        uint32_t bits_max; /* a row */
    } rows[] = {
        {"a constant", 11, TG_WORD_OFFSET, TG_WORD_PLAIN, 0},
        {"milliseconds in nanoseconds", 2, TG_WORD_OFFSET, TG_WORD_OFFSET_MS, 14},
        {"seconds in nanoseconds", 3, TG_WORD_OFFSET, TG_WORD_OFFSET_S, 10},
        {"microseconds in nanoseconds", 4, TG_WORD_OFFSET, TG_WORD_OFFSET_US, 18},
        {"one odd time among them", 10, TG_WORD_OFFSET, TG_WORD_OFFSET, 36},
        {"small amounts of both signs", 5, TG_WORD_ZIGZAG, TG_WORD_ZIGZAG, 2},
        {"an even sequence and a duration", 7, TG_WORD_SEQUENCE, TG_WORD_SEQUENCE, 19},
    };
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        struct tg_word word;
        plain_make(rows[k].shape, TG_GROUP_ROWS, 1, &word);
        const size_t length = tg_word_encode(words, TG_GROUP_ROWS, rows[k].kind, &word, planes);
        cr_expect_eq(word.transform, rows[k].transform, "%s", rows[k].name);
        cr_expect_leq(length * 8, (size_t)rows[k].bits_max * TG_GROUP_ROWS, "%s: %zu octets",
                      rows[k].name, length);
    }
}

Test(columns, hostile_frames_are_refused)
{
    /* If this failed, a rotten length would write beyond the reader's memory. */
    struct tg_codec *codec = NULL;
    cr_assert_eq(tg_codec_open(-1, 65536, &codec, NULL), TG_OK);
    memset(plain, 0, sizeof plain);
    const size_t length = tg_codec_compress(codec, plain, sizeof plain, planes, sizeof planes);
    cr_assert(length > 0);
    cr_expect_eq(tg_codec_decompress(codec, planes, length, back, sizeof plain), TG_OK);
    cr_expect_eq(tg_codec_decompress(codec, planes, length, back, 100), TG_E_CORRUPT);
    cr_expect_eq(tg_codec_decompress(codec, planes, length - 1, back, sizeof plain), TG_E_CORRUPT);
    cr_expect_eq(tg_codec_open(9, 10, &codec, NULL), TG_E_INVALID);
}
