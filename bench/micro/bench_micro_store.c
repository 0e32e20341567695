/* SPDX-License-Identifier: Apache-2.0 */
/* Columns, compression, checksum. */
#include "bench/micro/bench_micro.h"

#include "base/arena.h"
#include "base/hash.h"
#include "bench/bench_feed.h"
#include "store/columns.h"

#include <string.h>

#define ROWS_COUNT 65536u

struct planes {
    struct tg_words words;
    struct tg_codec *codec;
    uint8_t *memory;
    size_t memory_bytes;
    uint8_t *out;
    size_t out_bytes;
    uint64_t values[ROWS_COUNT];
    uint64_t back[ROWS_COUNT];
    uint32_t crc;
};

static void planes_close(void *state)
{
    struct planes *p = state;
    if (p != NULL) {
        tg_codec_close(p->codec);
        tg_pages_free(p->memory, p->memory_bytes);
        tg_pages_free(p->out, p->out_bytes);
        tg_pages_free(p, sizeof *p);
    }
}

/* Times in milliseconds, nearly in order: three planes move, five do not. */
static void *planes_open(void)
{
    struct planes *p = tg_pages_take(sizeof *p);
    uint64_t random = 8;
    if (p == NULL || tg_codec_open(-1, ROWS_COUNT, &p->codec, NULL) != TG_OK) {
        planes_close(p);
        return NULL;
    }
    p->memory_bytes = tg_words_bytes(ROWS_COUNT);
    p->memory = tg_pages_take(p->memory_bytes);
    p->out_bytes = tg_codec_bound(ROWS_COUNT);
    p->out = tg_pages_take(p->out_bytes);
    if (p->memory == NULL || p->out == NULL) {
        planes_close(p);
        return NULL;
    }
    for (uint32_t i = 0; i < ROWS_COUNT; i++) {
        p->values[i] = UINT64_C(1790000000000) + i / 8 * 10 + tg_feed_random(&random) % 5000;
    }
    tg_words_init(&p->words, p->memory, ROWS_COUNT, TG_WORD_DELTA);
    return p;
}

static uint64_t append_run(void *state)
{
    struct planes *p = state;
    tg_words_reset(&p->words);
    for (uint32_t i = 0; i < ROWS_COUNT; i += 256) {
        tg_words_append(&p->words, &p->values[i], 1, 256);
    }
    return ROWS_COUNT;
}

static bool append_check(void *state)
{
    struct planes *p = state;
    const size_t stride = p->memory_bytes / 8;
    memset(p->back, 0, sizeof p->back);
    for (uint32_t plane = 0; plane < 8; plane++) {
        const bool is_written = (p->words.written >> plane & 1) != 0;
        for (uint32_t i = 0; i < ROWS_COUNT; i++) {
            const uint64_t octet =
                is_written ? p->memory[plane * stride + i] : p->words.first >> (8 * plane) & 0xff;
            p->back[i] |= octet << (8 * plane);
        }
    }
    tg_words_restore(TG_WORD_DELTA, p->back, ROWS_COUNT);
    return memcmp(p->back, p->values, sizeof p->back) == 0;
}

static void *filled_open(void)
{
    struct planes *p = planes_open();
    if (p != NULL) {
        (void)append_run(p);
    }
    return p;
}

static uint64_t encode_run(void *state)
{
    struct planes *p = state;
    for (uint32_t plane = 0; plane < 8; plane++) {
        struct tg_plane made;
        (void)tg_plane_encode(p->codec, &p->words, plane, p->out, p->out_bytes, &made);
    }
    return ROWS_COUNT;
}

static bool encode_check(void *state)
{
    struct planes *p = state;
    const size_t stride = p->memory_bytes / 8;
    for (uint32_t plane = 0; plane < 8; plane++) {
        struct tg_plane made;
        (void)tg_plane_encode(p->codec, &p->words, plane, p->out, p->out_bytes, &made);
        uint8_t *back = (uint8_t *)p->back;
        if (tg_plane_decode(p->codec, &made, p->out, ROWS_COUNT, back) != TG_OK ||
            ((p->words.written >> plane & 1) != 0 &&
             memcmp(back, p->memory + plane * stride, ROWS_COUNT) != 0)) {
            return false;
        }
    }
    return true;
}

static uint64_t crc_run(void *state)
{
    struct planes *p = state;
    p->crc = tg_crc32c(0, p->values, sizeof p->values);
    return sizeof p->values / 64;
}

static bool crc_check(void *state)
{
    const struct planes *p = state;
    uint32_t crc = UINT32_MAX; /* bit by bit, RFC 3720 B.4's polynomial reflected */
    const uint8_t *bytes = (const uint8_t *)p->values;
    for (size_t i = 0; i < sizeof p->values; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? UINT32_C(0x82f63b78) : 0);
        }
    }
    return (crc ^ UINT32_MAX) == p->crc;
}

const struct tg_micro tg_micro_store[] = {
    {"store words append", "a word: 8 octets in, 3 out, no random line", planes_open, append_run,
     append_check, planes_close},
    {"store plane encode", "a word: 3 octets in, no random line", filled_open, encode_run,
     encode_check, planes_close},
    {"base crc32c", "64 octets, no random line", planes_open, crc_run, crc_check, planes_close},
    {.name = NULL}};
