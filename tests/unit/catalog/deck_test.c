/* SPDX-License-Identifier: Apache-2.0 */
#include "abi/key.h"
#include "base/arena.h"
#include "base/clock.h"
#include "catalog/catalog.h"
#include "catalog/deck.h"
#include "doc/diag.h"
#include "doc/json.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARED   TG_SOURCE_DIR "/../shared/"
#define ROWS_MAX 400000u
#define ZONES    60000u
#define LOOK_UPS 1000000u

/* An image that holds one deck and as many zone names as the deck may use. */
static struct tg_image *deck_image(const struct tg_blob *data, struct tg_deck deck)
{
    const size_t size = (sizeof(struct tg_image) + 64 + data->size_bytes + 127) & ~(size_t)63;
    struct tg_image *image = tg_pages_take(size);
    cr_assert_not_null(image);
    image->size_bytes = size;
    image->sections[TG_IMAGE_SECTION_DECKS] =
        (struct tg_image_section){sizeof *image, sizeof deck, 1, sizeof deck};
    const uint32_t base = sizeof *image + sizeof deck;
    deck.direct_offset += base;
    deck.nodes_offset += base;
    deck.dated_offset += base;
    memcpy(image + 1, &deck, sizeof deck);
    memcpy((uint8_t *)image + base, data->bytes, data->size_bytes);
    return image;
}

static struct tg_image *rows_image(struct tg_deck_row *rows, uint32_t rows_count)
{
    struct tg_blob data = {0};
    struct tg_deck deck;
    struct tg_diag *diag = tg_diag_open();
    const struct tg_source source = {"rows", NULL, 0};
    const struct tg_source *const sources[] = {&source};
    rows_count = tg_deck_sort(rows, rows_count);
    tg_deck_check(rows, rows_count, false, sources, diag);
    cr_assert_eq(tg_diag_errors_count(diag), 0);
    tg_diag_close(diag);
    tg_deck_build(rows, rows_count, &data, &deck);
    cr_assert(!data.is_broken);
    struct tg_image *image = deck_image(&data, deck);
    tg_blob_free(&data);
    return image;
}

static uint64_t key_of(const char *digits)
{
    uint64_t key = 0;
    cr_assert(tg_digits_pack(digits, strlen(digits), &key));
    return key;
}

/* The oracle shares nothing with the deck: exact matches, longest first, in a sorted array. */
static int oracle_compare(const void *a, const void *b)
{
    const struct tg_deck_row *left = a;
    const struct tg_deck_row *right = b;
    return left->key < right->key ? -1 : left->key > right->key ? 1 : 0;
}

static uint32_t rows_load(struct tg_deck_row *rows)
{
    FILE *file = fopen(SHARED "data/decks/e164_prefixes.tsv", "r");
    if (file == NULL) {
        cr_skip("no shared/data/decks/e164_prefixes.tsv here");
    }
    char line[512];
    uint32_t count = 0;
    (void)fgets(line, sizeof line, file); /* header */
    while (fgets(line, sizeof line, file) != NULL && count < ROWS_MAX) {
        rows[count].key = key_of(strtok(line, "\t"));
        rows[count].valid_from_ns = INT64_MIN;
        rows[count].valid_to_ns = INT64_MAX;
        rows[count].zone = count % ZONES + 1;
        rows[count].line = count + 2;
        count++;
    }
    (void)fclose(file);
    /* The list names some prefixes twice, once a kind; which of them stays is no matter here. */
    qsort(rows, count, sizeof *rows, oracle_compare);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || rows[i].key != rows[kept - 1].key) {
            rows[kept++] = rows[i];
        }
    }
    return kept;
}

static uint32_t oracle(const struct tg_deck_row *sorted, uint32_t count, uint64_t number)
{
    for (unsigned length = tg_digits_count(number); length > 0; length--) {
        const uint64_t kept = number & ~(UINT64_MAX >> (4 * length));
        const struct tg_deck_row wanted = {.key = kept | length};
        const struct tg_deck_row *hit =
            bsearch(&wanted, sorted, count, sizeof wanted, oracle_compare);
        if (hit != NULL) {
            return hit->zone;
        }
    }
    return TG_ZONE_NONE;
}

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Half the numbers extend a prefix or cut one short, half are anything: both sides get hit. */
static uint64_t number_make(const struct tg_deck_row *rows, uint32_t count, uint64_t *state)
{
    char digits[17] = "";
    unsigned length = 1 + (unsigned)(random_next(state) % 15);
    if ((random_next(state) & 1) != 0) {
        (void)tg_digits_unpack(rows[random_next(state) % count].key, digits);
    }
    for (unsigned i = (unsigned)strlen(digits); i < length; i++) {
        digits[i] = (char)('0' + random_next(state) % 10);
    }
    digits[length] = '\0';
    return key_of(digits);
}

/* A wrong zone is a wrong price: every real prefix of the world against a naive search. */
Test(deck, longest_prefix_equals_naive_search_on_a_million_numbers, .timeout = 600)
{
    struct tg_deck_row *rows = calloc(ROWS_MAX, sizeof *rows);
    const uint32_t count = rows_load(rows);
    cr_assert_gt(count, 290000);
    struct tg_deck_row *sorted = calloc(count, sizeof *sorted);
    memcpy(sorted, rows, count * sizeof *rows);
    qsort(sorted, count, sizeof *sorted, oracle_compare);
    const int64_t build_ns = tg_clock_thread_cpu_ns();
    struct tg_image *image = rows_image(rows, count);
    const int64_t built_ns = tg_clock_thread_cpu_ns();
    uint64_t *keys = calloc(LOOK_UPS, sizeof *keys);
    int64_t *at_ns = calloc(LOOK_UPS, sizeof *at_ns);
    uint16_t *zones = calloc(LOOK_UPS, sizeof *zones);
    uint64_t state = 88172645463325252u;
    uint32_t hits = 0;
    for (uint32_t i = 0; i < LOOK_UPS; i++) {
        keys[i] = number_make(sorted, count, &state);
    }
    const int64_t start_ns = tg_clock_thread_cpu_ns();
    tg_image_zones(image, 0, keys, at_ns, LOOK_UPS, zones);
    const int64_t end_ns = tg_clock_thread_cpu_ns();
    for (uint32_t i = 0; i < LOOK_UPS; i++) {
        const uint32_t expected = oracle(sorted, count, keys[i]);
        hits += expected != TG_ZONE_NONE ? 1 : 0;
        cr_assert_eq(zones[i], expected, "key %llx: %u, naive %u", (unsigned long long)keys[i],
                     zones[i], expected);
    }
    const struct tg_deck *deck = (const struct tg_deck *)(const void *)(image + 1);
    cr_log_info("%u prefixes, %u nodes, image %zu KiB, build %.1f ms, %u of %u hit, %.1f ns each",
                count, deck->nodes_count, (size_t)image->size_bytes / 1024,
                (built_ns - build_ns) / 1e6, hits, LOOK_UPS,
                (end_ns - start_ns) / (double)LOOK_UPS);
    cr_expect(hits > LOOK_UPS / 4 && hits < LOOK_UPS, "both outcomes must occur: %u", hits);
    tg_pages_free(image, image->size_bytes);
    free(rows);
    free(sorted);
    free(keys);
    free(at_ns);
    free(zones);
}

/* 331018 is a service of France; 3310 must not be charged as it, nor 1 as 1000000. */
Test(deck, a_number_shorter_than_a_prefix_does_not_match_it)
{
    static const struct {
        const char *number;
        uint16_t zone;
    } cases[] = {{"33", 1},     {"3310", 1},    {"331018", 2},   {"33101800", 2},
                 {"331", 1},    {"3", 0},       {"", 0},         {"1", 0},
                 {"100000", 0}, {"1000000", 3}, {"10000000", 3}, {"49", 0},
                 {"4900", 0},   {"4900000", 4}, {"490000", 0},   {"490000000000000", 4}};
    struct tg_deck_row rows[] = {
        {.key = key_of("33"), .valid_from_ns = INT64_MIN, .valid_to_ns = INT64_MAX, .zone = 1},
        {.key = key_of("331018"), .valid_from_ns = INT64_MIN, .valid_to_ns = INT64_MAX, .zone = 2},
        {.key = key_of("1000000"), .valid_from_ns = INT64_MIN, .valid_to_ns = INT64_MAX, .zone = 3},
        {.key = key_of("4900000"), .valid_from_ns = INT64_MIN, .valid_to_ns = INT64_MAX, .zone = 4},
    };
    struct tg_image *image = rows_image(rows, 4);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint64_t key = key_of(cases[i].number);
        const int64_t at_ns = 0;
        uint16_t zone = 99;
        tg_image_zones(image, 0, &key, &at_ns, 1, &zone);
        cr_expect_eq(zone, cases[i].zone, "%s: %u", cases[i].number, zone);
    }
    tg_pages_free(image, image->size_bytes);
}

/* A price change of a prefix must not change calls made before it, and when a long prefix is not
 * valid the next shorter one holds. */
Test(deck, dated_prefixes_fall_back_to_what_holds_at_the_event)
{
    struct tg_deck_row rows[] = {
        {.key = key_of("49"), .valid_from_ns = INT64_MIN, .valid_to_ns = INT64_MAX, .zone = 1},
        {.key = key_of("4915"), .valid_from_ns = 100, .valid_to_ns = 200, .zone = 2},
        {.key = key_of("4915"), .valid_from_ns = 200, .valid_to_ns = 300, .zone = 3},
        {.key = key_of("49151234"), .valid_from_ns = 150, .valid_to_ns = 250, .zone = 4},
    };
    static const struct {
        int64_t at_ns;
        uint16_t zone;
        uint16_t long_zone;
    } cases[] = {{99, 1, 1},  {100, 2, 2}, {149, 2, 2}, {150, 2, 4}, {199, 2, 4},
                 {200, 3, 4}, {249, 3, 4}, {250, 3, 3}, {299, 3, 3}, {300, 1, 1}};
    struct tg_image *image = rows_image(rows, 4);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint64_t keys[2] = {key_of("49151111"), key_of("491512345")};
        const int64_t at_ns[2] = {cases[i].at_ns, cases[i].at_ns};
        uint16_t zones[2];
        tg_image_zones(image, 0, keys, at_ns, 2, zones);
        cr_expect_eq(zones[0], cases[i].zone, "at %lld", (long long)cases[i].at_ns);
        cr_expect_eq(zones[1], cases[i].long_zone, "at %lld", (long long)cases[i].at_ns);
    }
    tg_pages_free(image, image->size_bytes);
}

/* Keys come from usage rows: no bits may lead outside the tables. Run under ASan to see a break. */
Test(deck, any_key_bits_are_safe)
{
    struct tg_deck_row rows[2000];
    for (uint32_t i = 0; i < 2000; i++) {
        char digits[16];
        (void)snprintf(digits, sizeof digits, "%u", 10000000 + i * 37);
        rows[i] = (struct tg_deck_row){
            key_of(digits), INT64_MIN, INT64_MAX, i % 100 + 1, 0, 0, i, 1, 0, 0, 0};
    }
    struct tg_image *image = rows_image(rows, 2000);
    uint64_t state = 1234567;
    for (uint32_t i = 0; i < 200000; i++) {
        const uint64_t key = random_next(&state);
        const int64_t at_ns = 0;
        uint16_t zone = 0;
        tg_image_zones(image, i % 3 == 0 ? 7 : 0, &key, &at_ns, 1, &zone);
        cr_assert_leq(zone, 100);
    }
    tg_pages_free(image, image->size_bytes);
}

/* The cases another implementation of longest prefix ships as its own tests. */
Test(deck, agrees_with_the_cases_of_libphonenumber)
{
    FILE *file = fopen(SHARED "cases/prefix_libphonenumber.jsonl", "r");
    if (file == NULL) {
        cr_skip("no shared/cases/prefix_libphonenumber.jsonl here");
    }
    struct tg_json_lines lines;
    struct tg_json *json = NULL;
    struct tg_why why;
    uint32_t count = 0;
    tg_json_lines_open(&lines, file);
    while (tg_json_lines_next(&lines, &json, &why) == TG_OK) {
        const struct tg_json *inputs = tg_json_get(json, "inputs");
        const char *expected = tg_json_get_text(tg_json_get(json, "expected"), "value", NULL);
        struct tg_deck_row rows[64];
        const char *labels[64] = {NULL};
        const char *prefix = NULL;
        struct tg_json *value = NULL;
        void *cursor = NULL;
        uint32_t rows_count = 0;
        while (tg_json_next(tg_json_get(inputs, "table"), &cursor, &prefix, &value)) {
            labels[rows_count + 1] = tg_json_text(value);
            rows[rows_count] = (struct tg_deck_row){
                key_of(prefix), INT64_MIN, INT64_MAX, rows_count + 1, 0, 0, rows_count, 1, 0, 0, 0};
            rows_count++;
        }
        struct tg_image *image = rows_image(rows, rows_count);
        const uint64_t key = key_of(tg_json_get_text(inputs, "number", ""));
        const int64_t at_ns = 0;
        uint16_t zone = 0;
        tg_image_zones(image, 0, &key, &at_ns, 1, &zone);
        const char *got = labels[zone];
        cr_expect((got == NULL) == (expected == NULL) &&
                      (got == NULL || strcmp(got, expected) == 0),
                  "%s: %s", tg_json_get_text(json, "id", ""), got != NULL ? got : "none");
        count++;
        tg_pages_free(image, image->size_bytes);
        tg_json_free(json);
    }
    tg_json_lines_close(&lines);
    (void)fclose(file);
    cr_expect_geq(count, 13);
}
