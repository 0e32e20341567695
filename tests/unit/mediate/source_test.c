/* SPDX-License-Identifier: Apache-2.0 */
#include "mediate/source.h"

#include "base/limits.h"

#include <criterion/criterion.h>
#include <string.h>

static struct tg_sources *sources;

static void open_table(void)
{
    sources = tg_sources_create();
    cr_assert_not_null(sources);
}

static void close_table(void)
{
    tg_sources_free(sources);
}

TestSuite(source, .init = open_table, .fini = close_table);

static struct tg_source_key key_of(uint32_t number, uint16_t port)
{
    struct tg_source_key key = {.local_port = port};
    key.address[10] = 0xff;
    key.address[11] = 0xff;
    memcpy(key.address + 12, &number, sizeof number);
    return key;
}

static struct tg_source_key folder_of(uint64_t name)
{
    return (struct tg_source_key){.folder_key = name};
}

/* If this fails two exporters share templates and sequence numbers, or one has them twice. */
Test(source, every_sender_and_port_has_one_number_for_good)
{
    bool is_new = false;
    uint16_t ids[1000];
    for (uint32_t i = 0; i < 1000; i++) {
        const struct tg_source_key key = key_of(i / 2, i % 2 == 0 ? 2055 : 1813);
        ids[i] = tg_sources_find(sources, &key, &is_new);
        cr_assert(is_new);
        cr_assert_eq(ids[i], i + 1);
    }
    for (uint32_t i = 1000; i-- > 0;) {
        const struct tg_source_key key = key_of(i / 2, i % 2 == 0 ? 2055 : 1813);
        cr_assert_eq(tg_sources_find(sources, &key, &is_new), ids[i]);
        cr_assert_not(is_new);
        cr_assert_eq(memcmp(&tg_sources_at(sources, ids[i])->key, &key, sizeof key), 0);
    }
    const struct tg_source_key folder = folder_of(77);
    cr_expect_eq(tg_sources_find(sources, &folder, &is_new), 1001);
    cr_expect_eq(tg_sources_count(sources), 1002);
}

/* If this fails an attacker with many addresses stops the engine, or takes other senders' places.
 */
Test(source, full_table_counts_strangers_under_number_0)
{
    bool is_new = false;
    for (uint32_t i = 1; i < TG_SOURCES_MAX; i++) {
        const struct tg_source_key key = key_of(i, 2055);
        cr_assert_eq(tg_sources_find(sources, &key, &is_new), i);
    }
    const struct tg_source_key stranger = key_of(TG_SOURCES_MAX + 5, 2055);
    const struct tg_source_key known = key_of(17, 2055);
    cr_expect_eq(tg_sources_find(sources, &stranger, &is_new), 0);
    cr_expect_not(is_new);
    cr_expect_eq(tg_sources_find(sources, &known, &is_new), 17);
    cr_expect_not_null(tg_sources_at(sources, UINT16_MAX), "any number has a line");
}

/* If this fails rows in the journal belong to another exporter after a restart. */
Test(source, journaled_numbers_come_back_and_are_nobody_elses)
{
    struct tg_source_key keys[3] = {key_of(9, 2055), folder_of(1234), {.local_port = 4739}};
    keys[2].address[0] = 0x20; /* 2000::1 */
    keys[2].address[15] = 1;
    bool is_new = false;
    for (uint16_t i = 0; i < 3; i++) {
        cr_expect_eq(tg_sources_restore(sources, (uint16_t)(5 + i), &keys[i]), TG_OK);
        cr_expect_eq(tg_sources_restore(sources, (uint16_t)(5 + i), &keys[i]), TG_OK, "again");
        cr_expect_eq(tg_sources_find(sources, &keys[i], &is_new), 5 + i);
        cr_expect_not(is_new);
    }
    const struct tg_source_key other = key_of(99, 2055);
    for (uint16_t i = 0; i < 3; i++) {
        cr_expect_eq(tg_sources_restore(sources, (uint16_t)(5 + i), &other), TG_E_EXISTS,
                     "number %u is taken", 5 + i);
    }
    cr_expect_eq(tg_sources_restore(sources, 9, &keys[0]), TG_E_EXISTS, "it has a number");
    cr_expect_eq(tg_sources_restore(sources, 0, &other), TG_E_INVALID);
    cr_expect_eq(tg_sources_restore(sources, TG_SOURCES_MAX, &other), TG_E_INVALID);
    cr_expect_eq(tg_sources_find(sources, &other, &is_new), 8, "new ones come behind");
}

/* If this fails an operator looks for the wrong machine. */
Test(source, names_tell_address_and_port)
{
    struct tg_input input = {.local_port = 2055, .from = {.address = {[10] = 255, [11] = 255}}};
    struct tg_source_key key;
    char text[TG_SOURCE_NAME_BYTES];
    memcpy(input.from.address + 12, (const uint8_t[4]){192, 0, 2, 7}, 4);
    input.from.port = 40000;
    tg_source_key_of(&input, 0, &key);
    tg_source_name(&key, text);
    cr_expect_str_eq(text, "192.0.2.7->2055", "the sender's own port changes with every start");
    tg_source_key_of(&input, 0xabc, &key);
    tg_source_name(&key, text);
    cr_expect_str_eq(text, "folder#0000000000000abc");
}
