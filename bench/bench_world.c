/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/bench_world.h"

#include "abi/key.h"
#include "base/arena.h"
#include "base/clock.h"
#include "bench/bench_feed.h"
#include "doc/diag.h"
#include "health/inventory.h"
#include "health/profile.h"
#include "health/timeline.h"
#include "mediate/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ACTIVE_FROM_S 1735689600u /* 2025-01-01 */
#define CLAIMS_COUNT  256u

uint64_t tg_world_number(uint32_t subscriber)
{
    char text[16];
    uint64_t key = 0;
    const int length = snprintf(text, sizeof text, "4915%08" PRIu32, subscriber);
    (void)tg_digits_pack(text, (size_t)length, &key);
    return key;
}

int64_t tg_world_zone_price(uint32_t zone)
{
    return (int64_t)(1 + zone) * 1000000; /* 0.01 for zone 0, 0.02 for zone 1, ... */
}

static int prefix_compare(const void *left, const void *right)
{
    const uint64_t a = ((const struct tg_world_prefix *)left)->key;
    const uint64_t b = ((const struct tg_world_prefix *)right)->key;
    return a < b ? -1 : a > b;
}

/* Nine single digits, so that every number has a price, and then longer and longer ones. */
static struct tg_world_prefix prefix_make(uint32_t index, uint64_t *random)
{
    char text[16];
    struct tg_world_prefix prefix = {0};
    const unsigned digits = index < 9 ? 1 : 3 + (unsigned)(tg_feed_random(random) % 7);
    text[0] = (char)('1' + (index < 9 ? index : tg_feed_random(random) % 9));
    for (unsigned k = 1; k < digits; k++) {
        text[k] = (char)('0' + tg_feed_random(random) % 10);
    }
    (void)tg_digits_pack(text, digits, &prefix.key);
    prefix.zone = (uint32_t)(tg_feed_random(random) % TG_WORLD_ZONES);
    return prefix;
}

/* Short prefixes soon come twice: as many rounds as it takes to have the number asked for. */
static enum tg_err prefixes_make(struct tg_world *world, uint32_t wanted_count, uint64_t seed)
{
    uint64_t random = seed ^ 0xdec;
    uint32_t made = 0;
    world->prefixes = malloc((size_t)wanted_count * sizeof *world->prefixes);
    if (world->prefixes == NULL) {
        return TG_E_NO_MEMORY;
    }
    while (world->prefixes_count < wanted_count) {
        for (uint32_t i = world->prefixes_count; i < wanted_count; i++) {
            world->prefixes[i] = prefix_make(made++, &random);
        }
        qsort(world->prefixes, wanted_count, sizeof *world->prefixes, prefix_compare);
        uint32_t kept = 0;
        for (uint32_t i = 0; i < wanted_count; i++) {
            if (kept == 0 || world->prefixes[kept - 1].key != world->prefixes[i].key) {
                world->prefixes[kept++] = world->prefixes[i];
            }
        }
        world->prefixes_count = kept;
    }
    return TG_OK;
}

static FILE *document_open(const char *dir, const char *name, struct tg_why *why)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/catalog/%s", dir, name);
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        (void)tg_why_set(why, TG_E_IO, "cannot write %s", path);
    }
    return file;
}

static enum tg_err deck_write(const struct tg_world *world, const char *dir, struct tg_why *why)
{
    FILE *file = document_open(dir, "world.csv", why);
    if (file == NULL) {
        return TG_E_IO;
    }
    (void)fputs("prefix,zone\n", file);
    for (uint32_t i = 0; i < world->prefixes_count; i++) {
        char text[16];
        (void)tg_digits_unpack(world->prefixes[i].key, text);
        (void)fprintf(file, "%s,z%" PRIu32 "\n", text, world->prefixes[i].zone);
    }
    return fclose(file) == 0 ? TG_OK : TG_E_IO;
}

static bool zone_is_used(const struct tg_world *world, uint32_t zone)
{
    for (uint32_t i = 0; i < world->prefixes_count; i++) {
        if (world->prefixes[i].zone == zone) {
            return true;
        }
    }
    return false;
}

static enum tg_err catalog_write(const struct tg_world *world, const char *dir, uint32_t version,
                                 struct tg_why *why)
{
    FILE *file = document_open(dir, "catalog.yaml", why);
    if (file == NULL) {
        return TG_E_IO;
    }
    (void)fprintf(
        file, "catalog: {version: %" PRIu32 ", valid_from: 2026-01-%02" PRIu32 ", currency: EUR}\n",
        version, version);
    (void)fputs("taxes:\n  vat: {rate: 19%, title: VAT}\n"
                "decks:\n  world: {file: world.csv}\n"
                "prices:\n"
                "  data: {unit: kilobyte, price: \"0.02\", per: 1000, first: 10, next: 10}\n",
                file);
    for (uint32_t z = 0; z < TG_WORLD_ZONES; z++) {
        if (zone_is_used(world, z)) {
            (void)fprintf(file,
                          "  p%" PRIu32 ": {unit: second, price: \"%" PRIu32 ".%02" PRIu32
                          "\", per: 60, first: 60, next: 1}\n",
                          z, (1 + z) / 100, (1 + z) % 100);
        }
    }
    (void)fputs("allowances:\n"
                "  some: {unit: megabyte, amount: 5, services: [data]}\n"
                "plans:\n"
                "  all:\n"
                "    data: {price: data, allowance: some}\n"
                "    voice:\n"
                "      deck: world\n"
                "      prices: {",
                file);
    const char *comma = "";
    for (uint32_t z = 0; z < TG_WORLD_ZONES; z++) {
        if (zone_is_used(world, z)) {
            (void)fprintf(file, "%sz%" PRIu32 ": p%" PRIu32, comma, z, z);
            comma = ", ";
        }
    }
    (void)fputs("}\nproducts:\n  one: {plan: all, fee: \"9.99\", tax: vat, title: One}\n", file);
    return fclose(file) == 0 ? TG_OK : TG_E_IO;
}

static enum tg_err roster_make(const struct tg_world *world, uint16_t product,
                               struct tg_roster **roster, struct tg_why *why)
{
    const uint32_t count = world->subscribers_count;
    struct tg_roster_line *lines = malloc((size_t)count * sizeof *lines);
    struct tg_roster_account *accounts = malloc((size_t)count * sizeof *accounts);
    struct tg_roster_key *keys = malloc((size_t)count * sizeof *keys);
    enum tg_err err = TG_E_NO_MEMORY;
    if (lines != NULL && accounts != NULL && keys != NULL) {
        for (uint32_t i = 0; i < count; i++) {
            lines[i] = (struct tg_roster_line){.account = i,
                                               .product = product,
                                               .active_from_s = ACTIVE_FROM_S,
                                               .active_to_s = TG_ROSTER_OPEN_S};
            accounts[i] =
                (struct tg_roster_account){.currency = 978, .tax = UINT16_MAX, .cycle_day = 1};
            keys[i] = (struct tg_roster_key){tg_world_number(i), i, TG_KEY_E164};
        }
        const struct tg_roster_params params = {.size_bytes = sizeof params,
                                                .subscribers_count = count,
                                                .lines = lines,
                                                .keys = keys,
                                                .keys_count = count,
                                                .accounts = accounts,
                                                .accounts_count = count};
        err = tg_roster_build(&params, roster, why);
    }
    free(lines);
    free(accounts);
    free(keys);
    return err;
}

enum tg_err tg_world_documents(const struct tg_world *world, const char *dir, uint32_t version,
                               struct tg_why *why)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/catalog", dir);
    (void)mkdir(path, 0755);
    const enum tg_err err = deck_write(world, dir, why);
    return err == TG_OK ? catalog_write(world, dir, version, why) : err;
}

static enum tg_err catalog_make(struct tg_world *world, const char *dir, struct tg_why *why)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/catalog", dir);
    enum tg_err err = tg_world_documents(world, dir, 1, why);
    struct tg_diag *diag = tg_diag_open();
    if (err == TG_OK) {
        err = tg_catalog_open_folder(path, diag, &world->folder, why);
        if (err == TG_E_DOCUMENT) {
            tg_diag_print(diag, stderr);
        }
    }
    tg_diag_close(diag);
    struct tg_roster *roster = NULL;
    err = err == TG_OK ? roster_make(world, 0, &roster, why) : err;
    if (err == TG_OK) {
        world->snapshot = tg_catalog_wrap(world->folder->images, 1, roster);
        err = world->snapshot == NULL ? TG_E_NO_MEMORY : TG_OK;
    }
    if (err == TG_OK) {
        tg_snapshot_init(&world->published, world->snapshot);
    }
    return err;
}

static enum tg_err health_make(struct tg_world *world, struct tg_why *why)
{
    static const uint8_t addresses[1][16] = {
        {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}};
    const struct tg_node_spec spec = {.name = "exporter",
                                      .addresses = addresses,
                                      .addresses_count = 1,
                                      .interval_ns = 60 * TG_NS_PER_S};
    uint32_t rules_count = 0;
    const struct tg_rule_spec *rules = tg_profile_default_rules(&rules_count);
    enum tg_err err = tg_inventory_open(&spec, 1, &world->inventory, why);
    err = err == TG_OK ? tg_profile_open(rules, rules_count, &world->profile, why) : err;
    world->profiles[0] = world->profile;
    const struct tg_timeline_config config = {world->inventory, world->profiles, 1, CLAIMS_COUNT};
    return err == TG_OK ? tg_timeline_open(&config, &world->timeline, why) : err;
}

static enum tg_err sessions_make(struct tg_world *world, struct tg_why *why)
{
    world->sessions = tg_sessions_create(world->subscribers_count);
    if (world->sessions == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for %u sessions",
                          world->subscribers_count);
    }
    for (uint32_t i = 0; i < world->subscribers_count; i++) {
        const struct tg_session event = {.address_key = TG_FEED_ADDRESS + i,
                                         .start_ns = TG_FEED_START_NS - TG_NS_PER_DAY,
                                         .end_ns = INT64_MAX,
                                         .node_id = 1,
                                         .key_kinds = tg_key_kinds(TG_KEY_IMSI, TG_KEY_IP4),
                                         .event = TG_SESSION_START};
        const enum tg_err err = tg_sessions_apply(world->sessions, &event, i);
        if (err != TG_OK) {
            return tg_why_set(why, err, "session %u found no place", i);
        }
    }
    return TG_OK;
}

enum tg_err tg_world_open(struct tg_world *world, const char *dir, uint32_t subscribers_count,
                          uint32_t prefixes_count, bool has_sessions, uint64_t seed,
                          struct tg_why *why)
{
    memset(world, 0, sizeof *world);
    world->subscribers_count = subscribers_count;
    enum tg_err err = prefixes_make(world, prefixes_count, seed);
    err = err == TG_OK ? catalog_make(world, dir, why) : err;
    err = err == TG_OK ? health_make(world, why) : err;
    return err == TG_OK && has_sessions ? sessions_make(world, why) : err;
}

void tg_world_close(struct tg_world *world)
{
    tg_sessions_free(world->sessions);
    tg_timeline_close(world->timeline);
    tg_profile_close(world->profile);
    tg_inventory_close(world->inventory);
    tg_catalog_close(world->snapshot);
    tg_catalog_close(world->folder);
    free(world->prefixes);
    memset(world, 0, sizeof *world);
}
