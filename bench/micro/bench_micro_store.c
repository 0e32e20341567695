/* SPDX-License-Identifier: Apache-2.0 */
/* Columns and checksum. */
#include "bench/micro/bench_micro.h"

#include "base/arena.h"
#include "base/hash.h"
#include "bench/bench_feed.h"
#include "store/columns.h"

#include <string.h>

#define GROUPS_COUNT 64u
#define ROWS_COUNT   (GROUPS_COUNT * TG_GROUP_ROWS)

struct group {
    struct tg_word word;
    size_t bytes;
    uint8_t planes[TG_GROUP_ROWS * 8];
};

struct planes {
    uint64_t values[ROWS_COUNT];
    uint64_t words[TG_GROUP_ROWS];
    uint64_t rows[TG_GROUP_ROWS][8];
    uint64_t columns[8 * TG_GROUP_STRIDE];
    uint64_t differs[8];
    struct group groups[GROUPS_COUNT];
    uint64_t sum;
    uint32_t crc;
};

static void planes_close(void *state)
{
    tg_pages_free(state, sizeof(struct planes));
}

/* Times in milliseconds, nearly in order. */
static void *planes_open(void)
{
    struct planes *p = tg_pages_take(sizeof *p);
    uint64_t random = 8;
    for (uint32_t i = 0; p != NULL && i < ROWS_COUNT; i++) {
        p->values[i] = UINT64_C(1000000) *
                       (UINT64_C(1790000000000) + i / 8 * 10 + tg_feed_random(&random) % 5000);
        p->rows[i % TG_GROUP_ROWS][i % 8] = tg_feed_random(&random);
    }
    return p;
}

static uint64_t spread_run(void *state)
{
    struct planes *p = state;
    for (uint32_t g = 0; g < GROUPS_COUNT; g++) {
        memset(p->differs, 0, sizeof p->differs);
        tg_column_kernels()->spread(p->rows, TG_GROUP_ROWS, p->rows[0], p->differs, p->columns);
    }
    return ROWS_COUNT;
}

static bool spread_check(void *state)
{
    const struct planes *p = state;
    for (uint32_t i = 0; i < TG_GROUP_ROWS; i++) {
        for (uint32_t w = 0; w < 8; w++) {
            if (p->columns[w * TG_GROUP_STRIDE + i] != p->rows[i][w] ||
                ((p->rows[i][w] ^ p->rows[0][w]) & ~p->differs[w]) != 0) {
                return false;
            }
        }
    }
    return true;
}

static uint64_t encode_run(void *state)
{
    struct planes *p = state;
    for (uint32_t g = 0; g < GROUPS_COUNT; g++) {
        struct group *group = &p->groups[g];
        memcpy(p->words, p->values + (size_t)g * TG_GROUP_ROWS, sizeof p->words);
        group->word = (struct tg_word){.first = p->words[0], .differs = UINT64_MAX};
        group->bytes =
            tg_word_encode(p->words, TG_GROUP_ROWS, TG_WORD_OFFSET, &group->word, group->planes);
    }
    return ROWS_COUNT;
}

static void *filled_open(void)
{
    void *state = planes_open();
    if (state != NULL) {
        (void)encode_run(state);
    }
    return state;
}

static uint64_t decode_run(void *state)
{
    struct planes *p = state;
    p->sum = 0;
    for (uint32_t g = 0; g < GROUPS_COUNT; g++) {
        const struct group *group = &p->groups[g];
        tg_word_decode(group->planes, TG_GROUP_ROWS, &group->word, UINT64_MAX, p->words);
        for (uint32_t i = 0; i < TG_GROUP_ROWS; i++) {
            p->sum += p->words[i];
        }
    }
    return ROWS_COUNT;
}

static bool decode_check(void *state)
{
    struct planes *p = state;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < ROWS_COUNT; i++) {
        sum += p->values[i];
    }
    (void)decode_run(p);
    return p->sum == sum;
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
    {"store spread", "a row: 64 octets in, 64 out, no random line", planes_open, spread_run,
     spread_check, planes_close, NULL},
    {"store word encode", "a word: 8 octets in, 2 out, no random line", planes_open, encode_run,
     decode_check, planes_close, NULL},
    {"store word decode", "a word: 2 octets in, 8 out, no random line", filled_open, decode_run,
     decode_check, planes_close, NULL},
    {"base crc32c", "64 octets, no random line", planes_open, crc_run, crc_check, planes_close,
     NULL},
    {.name = NULL}};
