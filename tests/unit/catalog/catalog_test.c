/* SPDX-License-Identifier: Apache-2.0 */
#include "abi/key.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "catalog/catalog.h"
#include "doc/diag.h"
#include "doc/json.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAMPLE TG_SOURCE_DIR "/schemas/catalog/sample"
#define CRC_AT (offsetof(struct tg_image, checksum) + sizeof(uint32_t))

static char folder[64];

static void shell(const char *format, const char *argument)
{
    char command[512];
    (void)snprintf(command, sizeof command, format, argument, argument);
    cr_assert_eq(system(command), 0, "%s", command);
}

static void folder_make(void)
{
    (void)strcpy(folder, "/tmp/tg_catalog_XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    shell("cp -r " SAMPLE " %s/c && chmod -R u+w %s/c", folder);
}

static void folder_remove(void)
{
    shell("rm -rf %s", folder);
}

static const char *path_of(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static enum tg_err import(struct tg_catalog_summary *summary, struct tg_diag **diag_out)
{
    char source[128];
    (void)snprintf(source, sizeof source, "%s/c", folder);
    struct tg_diag *diag = tg_diag_open();
    struct tg_why why = {0};
    const enum tg_err err = tg_catalog_import(source, path_of("data"), 1, diag, summary, &why);
    if (err == TG_E_DOCUMENT && diag_out == NULL) {
        tg_diag_print(diag, stderr);
    }
    if (diag_out != NULL) {
        *diag_out = diag;
    } else {
        tg_diag_close(diag);
    }
    return err;
}

static struct tg_catalog_snapshot *open_data(void)
{
    struct tg_catalog_snapshot *snapshot = NULL;
    struct tg_why why = {0};
    cr_assert_eq(tg_catalog_open(path_of("data"), &snapshot, &why), TG_OK, "%s", why.text);
    return snapshot;
}

static int64_t at(const char *text)
{
    int64_t time_ns = 0;
    cr_assert_eq(tg_clock_parse(text, strlen(text), &time_ns), TG_OK);
    return time_ns;
}

/* Name of the price a call gets, all the way as the engine asks. */
static const char *call_price(const struct tg_image *image, const char *plan, const char *number,
                              const char *when)
{
    const struct tg_plan_service *service =
        tg_image_plan_service(image, tg_image_find(image, TG_CATALOG_PLAN, plan), TG_SERVICE_VOICE);
    uint64_t key = 0;
    uint16_t zone = 0;
    int64_t until_ns = 0;
    const int64_t at_ns = at(when);
    cr_assert_not_null(service);
    cr_assert(tg_digits_pack(number, strlen(number), &key));
    tg_image_zones(image, service->deck, &key, &at_ns, 1, &zone);
    const uint32_t band = tg_image_band(image, service->time_model, at_ns, &until_ns);
    const uint32_t price = tg_image_price_at(image, service, zone, band);
    return price == TG_PRICE_NONE ? "none" : tg_image_name(image, TG_CATALOG_PRICE, price);
}

static void answers_check(const struct tg_image *image)
{
    static const struct {
        const char *plan;
        const char *number;
        const char *when;
        const char *price;
    } cases[] = {
        {"basic", "493012345", "2026-06-01T12:00:00Z", "voice_national"},
        {"basic", "493012345", "2026-06-01T23:00:00Z", "voice_national_night"},
        {"basic", "493012345", "2026-06-06T12:00:00Z", "voice_national_night"},
        {"basic", "493012345", "2026-12-25T12:00:00Z", "voice_national_night"},
        {"basic", "4915112345", "2026-06-01T12:00:00Z", "voice_mobile"},
        {"basic", "81312345", "2026-06-01T12:00:00Z", "voice_world"},
        {"basic", "493012345", "2046-06-01T12:00:00Z", "none"},
        {"plus", "493012345", "2046-06-01T23:00:00Z", "voice_national"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *price = call_price(image, cases[i].plan, cases[i].number, cases[i].when);
        cr_expect_str_eq(price, cases[i].price, "%s %s %s: %s", cases[i].plan, cases[i].number,
                         cases[i].when, price);
    }
}

/* The whole way: a folder imported, stored, read back in place prices as it was written. */
Test(catalog, sample_is_stored_and_read_back_as_written, .init = folder_make, .fini = folder_remove)
{
    struct tg_catalog_summary summary;
    cr_assert_eq(import(&summary, NULL), TG_OK);
    struct tg_catalog_snapshot *snapshot = open_data();
    const struct tg_image *image = tg_catalog_image_at(snapshot, at("2026-06-01"));
    cr_assert_not_null(image);
    cr_expect_eq((uintptr_t)image % TG_IMAGE_ALIGN_BYTES, 0);
    cr_expect_null(tg_catalog_image_at(snapshot, at("2025-12-31T23:59:59Z")));
    answers_check(image);
    const uint32_t id = tg_image_find(image, TG_CATALOG_PRICE, "voice_world");
    const struct tg_price *price = tg_image_price(image, id);
    cr_expect_eq(price->connect_fee, 15000000);
    cr_expect_eq(price->next_increment, 60);
    cr_expect_eq(tg_price_steps(price)[0].price, 99000000);
    cr_expect_eq(tg_price_steps(price)[0].per_units, 60);
    cr_expect_str_eq(tg_image_tariff_name(image, id), "per_unit");
    const uint32_t tiers = tg_image_find(image, TG_CATALOG_PRICE, "data_graduated");
    cr_expect_eq(tg_image_price(image, tiers)->steps_count, 3);
    cr_expect_eq(tg_image_price_info(image, tiers)->unit_base_count, 1000000);
    const struct tg_product *product =
        tg_image_product(image, tg_image_find(image, TG_CATALOG_PRODUCT, "mobile_basic"));
    cr_expect_eq(product->fee, 999000000);
    cr_expect_eq(tg_image_tax(image, product->tax)->rate_ppm, 190000);
    const struct tg_allowance *minutes =
        tg_image_allowance(image, tg_image_find(image, TG_CATALOG_ALLOWANCE, "minutes_100"));
    cr_expect_eq(minutes->amount_base, 100 * 60000);
    cr_expect(tg_image_allowance_covers(image, minutes, TG_SERVICE_VOICE,
                                        tg_image_find(image, TG_CATALOG_ZONE, "germany")));
    cr_expect_not(tg_image_allowance_covers(image, minutes, TG_SERVICE_VOICE,
                                            tg_image_find(image, TG_CATALOG_ZONE, "italy")));
    cr_expect_str_eq(
        tg_image_name(
            image, TG_CATALOG_ZONE,
            tg_image_network_zone(image, tg_image_find(image, TG_CATALOG_NETWORK, "swisscom"))),
        "ch_roaming");
    tg_catalog_close(snapshot);
}

/* Where a node stands is what its name says, else the longest prefix of its address. If this failed
 * its calls would be cut at the hours of another place; if sites were renumbered by a new version,
 * so would the rows of the old one that are priced again. */
Test(catalog, sites_are_found_by_name_and_longest_prefix_and_keep_their_numbers,
     .init = folder_make, .fini = folder_remove)
{
    static const struct {
        const char *name;
        uint8_t address[16];
        const char *before;
        const char *after;
    } cases[] = {
        {"", {[10] = 0xff, 0xff, 192, 0, 2, 5}, "west", "west"},
        {"", {[10] = 0xff, 0xff, 192, 0, 2, 130}, "east", "east"},
        {"gw7", {[10] = 0xff, 0xff, 192, 0, 2, 130}, "west", ""},
        {"gw8", {[10] = 0xff, 0xff, 10, 0, 0, 1}, "", "first"},
        {"", {0x20, 0x01, 0x0d, 0xb8, 7}, "east", "east"},
        {"", {0x20, 0x01, 0x0d, 0xb9}, "", ""},
        {"", {[12] = 192, 0, 2, 5}, "", ""}, /* ::192.0.2.5 is another address */
    };
    shell("cd %s/c && printf 'sites:\\n  west: {nodes: [192.0.2.0/24, GW7], time_zone: UTC}\\n"
          "  east: {nodes: [192.0.2.128/25, \"2001:db8::/32\"]}\\n' >sites.yaml",
          folder);
    cr_assert_eq(import(NULL, NULL), TG_OK);
    shell("cd %s/c && sed -i 's/version: 1/version: 2/; s/from: 2026-01-01/from: 2026-07-01/' "
          "catalog.yaml && printf 'sites:\\n  first: {nodes: [gw8]}\\n"
          "  east: {nodes: [192.0.2.128/25, \"2001:db8::/32\"]}\\n"
          "  west: {nodes: [192.0.2.0/25]}\\n' >sites.yaml",
          folder);
    cr_assert_eq(import(NULL, NULL), TG_OK);
    struct tg_catalog_snapshot *snapshot = open_data();
    const struct tg_image *before = tg_catalog_image_at(snapshot, at("2026-06-01"));
    const struct tg_image *after = tg_catalog_image_at(snapshot, at("2026-07-01"));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint8_t was = tg_image_site_find(before, cases[i].address, cases[i].name);
        const uint8_t is = tg_image_site_find(after, cases[i].address, cases[i].name);
        cr_expect_str_eq(tg_image_name(before, TG_CATALOG_SITE, was), cases[i].before, "%zu", i);
        if (strcmp(cases[i].name, "gw7") != 0) {
            cr_expect_str_eq(tg_image_name(after, TG_CATALOG_SITE, is), cases[i].after, "%zu", i);
        }
    }
    cr_expect_eq(tg_image_find(before, TG_CATALOG_SITE, "west"), 1);
    cr_expect_eq(tg_image_find(after, TG_CATALOG_SITE, "west"), 1);
    cr_expect_eq(tg_image_find(after, TG_CATALOG_SITE, "first"), 3);
    tg_catalog_close(snapshot);
}

/* Subscribers: each key finds him, and documents print his own id and account name. */
Test(catalog, subscribers_are_found_and_named, .init = folder_make, .fini = folder_remove)
{
    cr_assert_eq(import(NULL, NULL), TG_OK);
    struct tg_catalog_snapshot *snapshot = open_data();
    const uint8_t kinds[3] = {TG_KEY_E164, TG_KEY_IMSI, TG_KEY_NAME};
    const int64_t at_ns[3] = {at("2026-06-01"), at("2026-06-01"), at("2026-06-01")};
    uint64_t keys[3] = {0, 0, tg_key_name("anna@example.net", 16)};
    uint32_t found[3];
    char name[64];
    cr_assert(tg_digits_pack("4915112345602", 13, &keys[0]));
    cr_assert(tg_digits_pack("262011234567803", 15, &keys[1]));
    cr_expect_eq(tg_roster_find(snapshot->roster, kinds, keys, at_ns, 3, found), 3);
    cr_expect_eq(found[0], 1);
    cr_expect_eq(found[1], 2);
    cr_expect_eq(found[2], 0);
    (void)tg_roster_subscriber_name(snapshot->roster, found[1], name, sizeof name);
    cr_expect_str_eq(name, "S1003");
    const struct tg_roster_line *line = tg_roster_line(snapshot->roster, found[1]);
    (void)tg_roster_account_title(snapshot->roster, line->account, name, sizeof name);
    cr_expect_str_eq(name, "Meyer, Schulz und Partner");
    (void)tg_roster_account_name(snapshot->roster, line->account, name, sizeof name);
    cr_expect_str_eq(name, "A1002");
    cr_expect_eq(tg_roster_account(snapshot->roster, line->account)->cycle_day, 15);
    cr_expect(tg_roster_is_active(line, at("2026-08-31T23:59:59Z")));
    cr_expect_not(tg_roster_is_active(line, at("2026-09-01")));
    cr_expect_not(tg_roster_is_active(line, at("2026-02-28")));
    tg_catalog_close(snapshot);
}

/* A second import must not renumber: counters and journals name subscribers and prices by number.
 * The old version still prices old events, the new one those from its start. */
Test(catalog, numbers_stay_and_old_events_keep_their_prices, .init = folder_make,
     .fini = folder_remove)
{
    cr_assert_eq(import(NULL, NULL), TG_OK);
    struct tg_catalog_snapshot *before = open_data();
    /* New entries come first in the files, one is removed, a price rises; S1002 is gone. */
    shell("cd %s/c && sed -i 's/version: 1/version: 2/; s/from: 2026-01-01/from: 2026-07-01/; "
          "s/^products:/products:\\n  aaa: {fee: \"1.00\"}/' catalog.yaml && "
          "sed -i 's/^prices:/prices:\\n  aaa: {unit: event, price: \"1\"}/; "
          "s/connect: \"0.15\"/connect: \"0.20\"/' prices.yaml && "
          "sed -i '/^S1002/d; s/4915112345603/4915112345699/' subscribers.csv && "
          "sed -i '1a S0001,A1001,aaa,491700000001,,,,' subscribers.csv",
          folder);
    struct tg_catalog_summary summary;
    cr_assert_eq(import(&summary, NULL), TG_OK);
    struct tg_catalog_snapshot *after = open_data();
    cr_expect_eq(after->images_count, 2);
    cr_expect_neq(after->generation, before->generation);
    const struct tg_image *old_image = tg_catalog_image_at(after, at("2026-06-30T23:59:59Z"));
    const struct tg_image *new_image = tg_catalog_image_at(after, at("2026-07-01"));
    cr_expect_eq(old_image->version, 1);
    cr_expect_eq(new_image->version, 2);
    static const enum tg_catalog_kind kinds[] = {TG_CATALOG_PRICE, TG_CATALOG_PRODUCT,
                                                 TG_CATALOG_ZONE, TG_CATALOG_ALLOWANCE};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (uint32_t j = 0; j < tg_image_count(old_image, kinds[i]); j++) {
            cr_expect_str_eq(tg_image_name(old_image, kinds[i], j),
                             tg_image_name(new_image, kinds[i], j));
        }
    }
    const uint32_t id = tg_image_find(new_image, TG_CATALOG_PRICE, "voice_world");
    cr_expect_eq(tg_image_price(old_image, id)->connect_fee, 15000000);
    cr_expect_eq(tg_image_price(new_image, id)->connect_fee, 20000000);
    char name[64];
    for (uint32_t i = 0; i < 3; i++) {
        char other[64];
        (void)tg_roster_subscriber_name(before->roster, i, name, sizeof name);
        (void)tg_roster_subscriber_name(after->roster, i, other, sizeof other);
        cr_expect_str_eq(name, other);
    }
    (void)tg_roster_subscriber_name(after->roster, 3, name, sizeof name);
    cr_expect_str_eq(name, "S0001");
    cr_expect_eq(tg_roster_line(after->roster, 1)->flags, TG_ROSTER_REMOVED);
    uint64_t key = 0;
    const uint8_t kind = TG_KEY_E164;
    const int64_t at_ns = at("2026-06-01");
    uint32_t found = 0;
    cr_assert(tg_digits_pack("4915112345602", 13, &key));
    cr_expect_eq(tg_roster_find(after->roster, &kind, &key, &at_ns, 1, &found), 0);
    cr_expect_eq(tg_roster_find(before->roster, &kind, &key, &at_ns, 1, &found), 1,
                 "a snapshot taken before must not change under its readers");
    cr_assert(tg_digits_pack("4915112345603", 13, &key));
    cr_expect_eq(tg_roster_find(after->roster, &kind, &key, &at_ns, 1, &found), 0,
                 "a number somebody gave up must not go on finding him");
    cr_assert(tg_digits_pack("4915112345699", 13, &key));
    cr_expect_eq(tg_roster_find(after->roster, &kind, &key, &at_ns, 1, &found), 1);
    cr_expect_eq(found, 2);
    tg_catalog_close(before);
    tg_catalog_close(after);
}

/* If this fails a prepaid account has other terms after a restart than its file says, or its usage
 * is taken from an account that it was moved from. */
Test(catalog, prepaid_terms_are_stored_and_accounts_stay, .init = folder_make,
     .fini = folder_remove)
{
    shell("cd %s/c && sed -i '1s/$/,prepaid,credit_limit,credit_alerts/; "
          "/^A1001/s/$/,true,2.50,5 1.25/; /^A1002/s/$/,,,/' accounts.csv",
          folder);
    cr_assert_eq(import(NULL, NULL), TG_OK);
    struct tg_catalog_snapshot *snapshot = open_data();
    cr_assert_not_null(snapshot->roster->credits);
    const struct tg_roster_credit *credit = &snapshot->roster->credits[0];
    cr_expect(credit->is_prepaid);
    cr_expect_eq(credit->limit, 250000000);
    cr_assert_eq(credit->alerts_count, 2);
    cr_expect_eq(credit->alerts[0], 125000000);
    cr_expect_eq(credit->alerts[1], 500000000);
    cr_expect_not(snapshot->roster->credits[1].is_prepaid);
    tg_catalog_close(snapshot);
    shell("cd %s/c && sed -i 's/version: 1/version: 2/; s/from: 2026-01-01/from: 2026-07-01/' "
          "catalog.yaml && "
          "sed -i '/^S1003/s/A1002/A1001/' subscribers.csv",
          folder);
    cr_expect_eq(import(NULL, NULL), TG_E_DOCUMENT, "a subscriber moved to a prepaid account");
    shell("cd %s/c && sed -i '/^S1003/s/A1001/A1002/' subscribers.csv && "
          "sed -i 's/,true,2.50,5 1.25/,,,/' accounts.csv",
          folder);
    cr_assert_eq(import(NULL, NULL), TG_OK);
    snapshot = open_data();
    cr_expect_null(snapshot->roster->credits, "where nobody is prepaid rows must not look");
    tg_catalog_close(snapshot);
}

/* What a list of allowances has left is rebuilt from rows by the product that drew on it. If this
 * failed an engine that ended in between would not start again: its rows would fit nothing. */
Test(catalog, who_draws_on_a_list_of_allowances_keeps_product_and_account, .init = folder_make,
     .fini = folder_remove)
{
    static const struct {
        const char *from;
        const char *to;
        enum tg_err wanted;
    } moves[] = {
        {"A1002,mobile_plus,+4915112345602", "A1002,mobile_basic,+4915112345602", TG_E_DOCUMENT},
        {"A1001,mobile_basic,+4915112345601", "A1001,mobile_plus,+4915112345601", TG_E_DOCUMENT},
        {"A1002,mobile_plus,+4915112345602", "A1001,mobile_plus,+4915112345602", TG_E_DOCUMENT},
        {"A1001,mobile_basic,+4915112345601", "A1002,mobile_basic,+4915112345601", TG_OK},
    };
    char command[256];
    shell("cd %s/c && sed -i 's/allowance: minutes_100/allowances: [minutes_100, more]/; "
          "s/^allowances:/allowances:\\n  more: {unit: minute, amount: 1, services: [voice]}/' "
          "*.yaml",
          folder);
    cr_assert_eq(import(NULL, NULL), TG_OK);
    shell("cd %s/c && sed -i 's/version: 1/version: 2/; s/from: 2026-01-01/from: 2026-07-01/' "
          "catalog.yaml && cp subscribers.csv ../people",
          folder);
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        struct tg_diag *diag = NULL;
        (void)snprintf(command, sizeof command, "sed 's/%s/%s/' %s/people >%s/c/subscribers.csv",
                       moves[i].from, moves[i].to, folder, folder);
        cr_assert_eq(system(command), 0);
        cr_expect_eq(import(NULL, &diag), moves[i].wanted, "move %zu", i);
        cr_expect_eq(tg_diag_errors_count(diag), moves[i].wanted != TG_OK, "move %zu", i);
        tg_diag_close(diag);
    }
}

/* A half-stored catalog or a silently replaced version would price with what nobody approved. */
Test(catalog, bad_or_conflicting_imports_store_nothing, .init = folder_make, .fini = folder_remove)
{
    struct tg_catalog_summary summary;
    struct tg_diag *diag = NULL;
    cr_assert_eq(import(&summary, NULL), TG_OK);
    cr_expect_not(summary.is_unchanged);
    cr_assert_eq(import(&summary, NULL), TG_OK);
    cr_expect(summary.is_unchanged);
    shell("sed -i 's/\"9.99\"/\"8.99\"/' %s/c/catalog.yaml", folder);
    cr_expect_eq(import(&summary, NULL), TG_E_EXISTS, "same version, other content");
    shell("sed -i 's/version: 1/version: 2/' %s/c/catalog.yaml", folder);
    cr_expect_eq(import(&summary, &diag), TG_E_DOCUMENT, "two versions from one instant");
    tg_diag_close(diag);
    shell("sed -i 's/from: 2026-01-01/from: 2026-07-01/; s/plan: plus/plan: plsu/' "
          "%s/c/catalog.yaml",
          folder);
    cr_expect_eq(import(&summary, &diag), TG_E_DOCUMENT, "unknown plan");
    tg_diag_close(diag);
    struct tg_catalog_snapshot *snapshot = open_data();
    cr_expect_eq(snapshot->images_count, 1);
    cr_expect_eq(tg_image_product(snapshot->images[0], 0)->fee, 999000000);
    tg_catalog_close(snapshot);
}

static struct tg_catalog_snapshot *open_folder(const char *path)
{
    struct tg_catalog_snapshot *snapshot = NULL;
    struct tg_diag *diag = tg_diag_open();
    const enum tg_err err = tg_catalog_open_folder(path, diag, &snapshot, NULL);
    tg_diag_print(diag, stderr);
    tg_diag_close(diag);
    cr_assert_eq(err, TG_OK);
    return snapshot;
}

/* Two processes map the image at different addresses: a pointer in it would be wrong in one. */
Test(catalog, image_answers_alike_at_any_address)
{
    struct tg_catalog_snapshot *snapshot = open_folder(SAMPLE);
    const struct tg_image *image = snapshot->images[0];
    const size_t size = image->size_bytes;
    uint8_t *room = tg_pages_take(size + 4096);
    for (size_t shift = 64; shift <= 1024; shift *= 4) {
        memcpy(room + shift, image, size);
        const struct tg_image *moved = (const struct tg_image *)(const void *)(room + shift);
        cr_expect_eq(tg_image_check(moved, size, NULL), TG_OK);
        answers_check(moved);
    }
    memmove(room + 8, image, size);
    cr_expect_eq(tg_image_check(room + 8, size, NULL), TG_E_INVALID, "misaligned");
    tg_pages_free(room, size + 4096);
    tg_catalog_close(snapshot);
}

/* One flipped bit in a price is a wrong invoice for everybody: every bit is covered. */
Test(catalog, any_flipped_bit_is_detected, .timeout = 600)
{
    struct tg_catalog_snapshot *snapshot = open_folder(SAMPLE);
    const struct tg_image *image = snapshot->images[0];
    const size_t size = image->size_bytes;
    uint8_t *room = tg_pages_take(size);
    memcpy(room, image, size);
    for (size_t bit = 0; bit < size * 8; bit += bit < sizeof *image * 8 ? 1 : 997) {
        room[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        cr_assert_neq(tg_image_check(room, size, NULL), TG_OK, "bit %zu", bit);
        room[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (size_t cut = 0; cut < size; cut += 1 + size / 500) {
        cr_assert_neq(tg_image_check(room, cut, NULL), TG_OK, "cut at %zu", cut);
    }
    cr_expect_eq(tg_image_check(room, size, NULL), TG_OK);
    tg_pages_free(room, size);
    tg_catalog_close(snapshot);
}

/* An image with a good checksum but bad indices must be refused or harmless, never a crash. */
Test(catalog, hostile_indices_never_lead_outside, .timeout = 600)
{
    struct tg_catalog_snapshot *snapshot = open_folder(SAMPLE);
    const struct tg_image *image = snapshot->images[0];
    const size_t size = image->size_bytes;
    struct tg_image *room = tg_pages_take(size);
    uint64_t state = 42;
    uint32_t refused_count = 0;
    for (uint32_t i = 0; i < 5000; i++) {
        memcpy(room, image, size);
        state = tg_mix64(state + i);
        const size_t where = CRC_AT + state % (size - CRC_AT);
        ((uint8_t *)room)[where] = (uint8_t)(state >> 56);
        room->checksum = tg_crc32c(0, (const uint8_t *)room + CRC_AT, size - CRC_AT);
        room->size_bytes = size;
        if (tg_image_check(room, size, NULL) != TG_OK) {
            refused_count++;
            continue;
        }
        for (uint32_t plan = 0; plan < 4; plan++) {
            const struct tg_plan_service *service =
                tg_image_plan_service(room, plan, TG_SERVICE_VOICE);
            if (service != NULL) {
                const uint64_t key = UINT64_C(0x4915112345600000) | 11;
                const int64_t at_ns = at("2026-06-01T12:00:00Z");
                int64_t until_ns;
                uint16_t zone;
                tg_image_zones(room, service->deck, &key, &at_ns, 1, &zone);
                const uint32_t band = tg_image_band(room, service->time_model, at_ns, &until_ns);
                const uint32_t price = tg_image_price_at(room, service, zone, band);
                cr_assert(price == TG_PRICE_NONE || tg_image_price(room, price) != NULL);
            }
        }
    }
    cr_expect_gt(refused_count, 50);
    tg_pages_free(room, size);
    tg_catalog_close(snapshot);
}

static int64_t band_seconds(const struct tg_image *image, int64_t start_ns, int64_t length_s,
                            const char *band_name)
{
    int64_t sum_ns = 0;
    const int64_t end_ns = start_ns + length_s * TG_NS_PER_S;
    for (int64_t at_ns = start_ns; at_ns < end_ns;) {
        int64_t until_ns = 0;
        const uint32_t band = tg_image_band(image, 0, at_ns, &until_ns);
        const int64_t stop_ns = until_ns < end_ns ? until_ns : end_ns;
        sum_ns += strcmp(tg_image_band_name(image, 0, band), band_name) == 0 ? stop_ns - at_ns : 0;
        at_ns = stop_ns;
    }
    return sum_ns / TG_NS_PER_S;
}

/* Vectors of rating-semantics 4.4: on the nights when clocks change, calls are split by wall time
 * and every second is billed once. */
Test(catalog, bands_follow_wall_time_through_both_clock_changes, .init = folder_make,
     .fini = folder_remove)
{
    if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) != 0) {
        cr_skip("no tz data here");
    }
    static const char document[] =
        "catalog: {version: 1, valid_from: 2026-01-01, currency: EUR}\n"
        "time_models:\n  tm: {zone: Europe/Berlin, default: peak, bands: [{band: off, to: "
        "\\\"%s\\\"}%s]}\n";
    static const struct {
        const char *off_to;
        const char *more;
        const char *start;
        int64_t length_s;
        int64_t off_s;
    } cases[] = {
        {"03:00", "", "2026-10-25T00:30:00Z", 7200, 5400},
        {"03:00", "", "2026-03-29T00:30:00Z", 7200, 1800},
        {"02:30", "", "2026-03-29T00:30:00Z", 7200, 1800}, /* a boundary that never happens */
        {"02:30", "", "2026-10-25T00:00:00Z", 7200, 1800}, /* one that happens twice: the first */
        {"08:00", ", {band: off, from: \\\"18:00\\\"}", "2026-06-01T15:58:30Z", 300, 210},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[400];
        char command[700];
        (void)snprintf(text, sizeof text, document, cases[i].off_to, cases[i].more);
        (void)snprintf(command, sizeof command,
                       "rm -rf %s/t; mkdir %s/t; printf '%%b' \"%s\" > %s/t/a.yaml", folder, folder,
                       text, folder);
        cr_assert_eq(system(command), 0);
        struct tg_catalog_snapshot *snapshot = open_folder(path_of("t"));
        const int64_t start_ns = at(cases[i].start);
        const int64_t off_s = band_seconds(snapshot->images[0], start_ns, cases[i].length_s, "off");
        const int64_t peak_s =
            band_seconds(snapshot->images[0], start_ns, cases[i].length_s, "peak");
        cr_expect_eq(off_s, cases[i].off_s, "%s: %lld", cases[i].start, (long long)off_s);
        cr_expect_eq(off_s + peak_s, cases[i].length_s);
        tg_catalog_close(snapshot);
    }
}

/* A diff that misses a change lets a wrong price through approval. */
Test(catalog, diff_names_every_change, .init = folder_make, .fini = folder_remove)
{
    struct tg_catalog_snapshot *before = open_folder(SAMPLE);
    shell("cd %s/c && sed -i 's/\"9.99\"/\"10.99\"/; s/rate: 19%%/rate: 20%%/' catalog.yaml && "
          "sed -i 's/\"0.005\"/\"0.004\"/; s/germany_mobile: voice_mobile/germany_mobile: "
          "voice_world/; s/amount: 5,/amount: 6,/' prices.yaml",
          folder);
    struct tg_catalog_snapshot *after = open_folder(path_of("c"));
    struct tg_json *same = tg_catalog_diff(before->images[0], before->images[0]);
    struct tg_json *changes = tg_catalog_diff(before->images[0], after->images[0]);
    struct tg_json *all = tg_catalog_diff(NULL, after->images[0]);
    cr_expect_eq(tg_json_count(same), 0);
    /* fee, tax, one tier, two plans' mobile zone (basic in two bands), the allowance */
    cr_expect_eq(tg_json_count(changes), 7, "%s", tg_json_dump(changes, NULL));
    cr_expect_gt(tg_json_count(all), 10);
    tg_json_free(same);
    tg_json_free(changes);
    tg_json_free(all);
    tg_catalog_close(before);
    tg_catalog_close(after);
}

/* A world-wide deck must import while a person waits, and hold every prefix. */
Test(catalog, three_hundred_thousand_prefixes_import_in_seconds, .init = folder_make,
     .fini = folder_remove, .timeout = 600)
{
    static const char *const list = TG_SOURCE_DIR "/../shared/data/decks/e164_prefixes.tsv";
    if (access(list, R_OK) != 0) {
        cr_skip("no shared/data/decks/e164_prefixes.tsv here");
    }
    char command[512];
    (void)snprintf(command, sizeof command,
                   "awk -F'\\t' 'NR==1{print \"prefix,zone\";next} !seen[$1]++{print $1 "
                   "\",z\" (NR %% 300)} END{print \"*,germany\\n0,germany_mobile\"}' %s > "
                   "%s/c/decks/world.csv",
                   list, folder);
    cr_assert_eq(system(command), 0);
    struct tg_catalog_summary summary;
    const int64_t start_ns = tg_clock_monotonic_ns();
    cr_assert_eq(import(&summary, NULL), TG_OK);
    const int64_t end_ns = tg_clock_monotonic_ns();
    struct tg_catalog_snapshot *snapshot = open_data();
    const int64_t opened_ns = tg_clock_monotonic_ns();
    cr_log_info("%llu prefixes: import %lld ms, open %lld ms, image %llu KiB",
                (unsigned long long)summary.prefixes_count,
                (long long)(end_ns - start_ns) / 1000000, (long long)(opened_ns - end_ns) / 1000000,
                (unsigned long long)summary.image_bytes / 1024);
    cr_expect_eq(summary.prefixes_count, 298309);
    cr_expect_lt(end_ns - start_ns, 20 * TG_NS_PER_S);
    tg_catalog_close(snapshot);
}

static FILE *file_of(const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/c/%s", folder, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    return file;
}

/* Product and pool p0 to p9; account A0 to A99 each with two lines of one of them, and A0 of all.
 */
static void pools_write(void)
{
    FILE *file = file_of("catalog.yaml");
    (void)fputs("catalog: {version: 1, valid_from: 2026-01-01, currency: EUR}\n"
                "prices: {s: {unit: octet, price: \"1\"}}\n",
                file);
    (void)fputs("allowances:\n", file);
    for (int i = 0; i < 10; i++) {
        (void)fprintf(file,
                      "  p%d: {unit: octet, amount: 9, services: [data], scope: account, "
                      "rollover: {periods: 1}}\n",
                      i);
    }
    (void)fputs("plans:\n", file);
    for (int i = 0; i < 10; i++) {
        (void)fprintf(file, "  p%d: {data: {price: s, allowances: [p%d]}}\n", i, i);
    }
    (void)fputs("products:\n", file);
    for (int i = 0; i < 10; i++) {
        (void)fprintf(file, "  p%d: {plan: p%d}\n", i, i);
    }
    (void)fclose(file);
    FILE *accounts = file_of("accounts.csv");
    file = file_of("subscribers.csv");
    (void)fputs("id\n", accounts);
    (void)fputs("id,account,product,active_from\n", file);
    for (int i = 0; i < 100; i++) {
        (void)fprintf(accounts, "A%d\n", i);
        (void)fprintf(file, "l%d,A%d,p%d,2026-03-05\ne%d,A%d,p%d,2026-02-0%d\n", i, i, i % 10, i, i,
                      i % 10, 1 + i % 9);
        if (i < 10) {
            (void)fprintf(file, "a%d,A0,p%d,2026-01-1%d\n", i, i, i);
        }
    }
    (void)fclose(file);
    (void)fclose(accounts);
}

Test(catalog, pools_have_begun_with_the_first_line_that_sells_them, .init = folder_make,
     .fini = folder_remove)
{
    /* If this failed, a pool would begin with a plan that does not sell it, or ten million accounts
     * would take memory for every pool of a catalog that they do not have. */
    shell("rm -r %s/c && mkdir %s/c", folder);
    pools_write();
    cr_assert_eq(import(NULL, NULL), TG_OK);
    struct tg_catalog_snapshot *snapshot = open_data();
    const struct tg_roster *roster = snapshot->roster;
    cr_assert_eq(roster->accounts_count, 100);
    for (uint32_t i = 0; i < 100; i++) {
        for (uint32_t pool = 0; pool < 10; pool++) {
            char name[8];
            char day[16];
            (void)snprintf(name, sizeof name, "p%u", pool);
            (void)snprintf(day, sizeof day, i == 0 ? "2026-01-1%u" : "2026-02-0%u",
                           i == 0 ? pool : 1 + i % 9);
            const uint32_t allowance =
                tg_image_find(snapshot->images[0], TG_CATALOG_ALLOWANCE, name);
            const bool has_it = i == 0 || i % 10 == pool;
            cr_expect_eq(tg_roster_pool_since_s(roster, i, (uint16_t)allowance),
                         has_it ? at(day) / TG_NS_PER_S : 0, "A%u %s", i, name);
        }
    }
    cr_expect_leq(roster->pools_count, 2 * 99 + 12, "room by lines, not by accounts and pools");
    tg_catalog_close(snapshot);
}

#define AN_HOUR_ON (tg_clock_now_ns() + TG_NS_PER_HOUR)

static bool is_imported_as(const char *name)
{
    char source[128];
    (void)snprintf(source, sizeof source, "%s/%s", folder, name);
    return tg_catalog_is_imported(source, path_of("data"), AN_HOUR_ON);
}

static bool is_imported(void)
{
    return is_imported_as("c");
}

static void import_again(const char *name)
{
    char source[128];
    struct tg_diag *diag = tg_diag_open();
    (void)snprintf(source, sizeof source, "%s/%s", folder, name);
    cr_assert_eq(tg_catalog_import(source, path_of("data"), AN_HOUR_ON, diag, NULL, NULL), TG_OK);
    tg_diag_close(diag);
}

Test(catalog, a_folder_that_did_not_change_need_not_be_read_again, .init = folder_make,
     .fini = folder_remove)
{
    /* If this failed, every start would read ten million subscribers, or a start would go on with
     * prices that somebody has changed. */
    cr_expect(!is_imported(), "there is no data yet");
    cr_assert_eq(import(NULL, NULL), TG_OK);
    cr_expect(!is_imported(), "it changed as it was imported, or so it seems");
    import_again("c");
    cr_expect(is_imported());
    char source[128];
    (void)snprintf(source, sizeof source, "%s/c", folder);
    cr_expect(!tg_catalog_is_imported(source, path_of("data"), tg_clock_now_ns()),
              "the folder is younger than what a time of change can tell");
    static const char *const changes[] = {
        /* The same length and the same time of writing. */
        "cd %s/c && cp -p accounts.csv ../s && cp -p ../s accounts.csv", "touch %s/c/more.csv",
        "rm %s/c/more.csv", "mkdir %s/c/more", "touch %s/c/more/new.csv"};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        shell(changes[i], folder);
        cr_expect(!is_imported(), "change %zu", i);
        import_again("c");
        cr_expect(is_imported(), "import %zu", i);
    }
    /* However its path is written; what a link leads to is what counts. */
    shell("cp -r %s/c %s/d", folder);
    shell("ln -s c %s/link", folder);
    cr_expect(is_imported_as("./c/") && is_imported_as("link"));
    shell("ln -sfn d %s/link", folder);
    cr_expect(!is_imported_as("link"), "the link leads to another folder");
    import_again("d");
    cr_expect(!is_imported(), "another folder was imported since");
    cr_expect(is_imported_as("link"));
}
