/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/deck_times.h"

#include "abi/key.h"
#include "catalog/catalog.h"
#include "doc/diag.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_NS (INT64_C(86400) * 1000000000)

static void file_write(const char *dir, const char *name, const char *text)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

/* Otherwise explain names the price sheet of another month as the reason of a charge. */
Test(deck_times, the_row_that_decides_says_since_when, .timeout = 600)
{
    char dir[64] = "/tmp/tg_deck_times_XXXXXX";
    char command[96];
    cr_assert_not_null(mkdtemp(dir));
    file_write(dir, "catalog.yaml",
               "catalog: {version: 1, valid_from: 1970-01-01, currency: EUR}\n"
               "decks:\n  d: {file: d.csv}\n"
               "prices:\n  p: {unit: second, price: \"0.01\"}\n"
               "plans:\n  a: {voice: {deck: d, prices: {\"*\": p}}}\n"
               "products:\n  one: {plan: a}\n");
    file_write(dir, "d.csv",
               "prefix,zone,valid_from,valid_to\n49,far,,\n49301234,city,1970-01-11,1970-01-21\n"
               "49301234,city,1970-01-21,\n7,east,1970-01-05,\n");
    file_write(dir, "accounts.csv", "id\nA1\n");
    file_write(dir, "subscribers.csv", "id,account,product,msisdn\nS1,A1,one,491\n");
    struct tg_diag *diag = tg_diag_open();
    struct tg_catalog_snapshot *catalog = NULL;
    struct tg_why why = {.text = ""};
    const enum tg_err err = tg_catalog_open_folder(dir, diag, &catalog, &why);
    (void)tg_diag_print(diag, stderr);
    cr_assert_eq(err, TG_OK, "%s", why.text);
    const struct {
        const char *number;
        int64_t day;
        bool is_there;
        int64_t from_day; /* -1: always */
        int64_t to_day;   /* -1: for ever */
        int64_t next_day; /* -1: never */
    } cases[] = {{"4930123456", 5, true, -1, -1, 10},
                 {"4930123456", 10, true, 10, 20, 20},
                 {"4930123456", 19, true, 10, 20, 20},
                 {"4930123456", 20, true, 20, -1, -1},
                 {"4930123", 15, true, -1, -1, -1},
                 {"49301234", 15, true, 10, 20, 20},
                 {"49", 15, true, -1, -1, -1},
                 {"4", 15, false, 0, 0, -1},
                 {"7123", 3, false, 0, 0, 4},
                 {"7123", 4, true, 4, -1, -1},
                 {"33", 4, false, 0, 0, -1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t key = 0;
        int64_t from_ns = 0;
        int64_t to_ns = 0;
        cr_assert(tg_digits_pack(cases[i].number, (unsigned)strlen(cases[i].number), &key));
        const bool is_there =
            tg_deck_times(catalog->images[0], 0, key, cases[i].day * DAY_NS + 7, &from_ns, &to_ns);
        cr_expect_eq(is_there, cases[i].is_there, "%s on day %d", cases[i].number,
                     (int)cases[i].day);
        cr_expect_eq(tg_deck_next(catalog->images[0], 0, key, cases[i].day * DAY_NS + 7),
                     cases[i].next_day < 0 ? INT64_MAX : cases[i].next_day * DAY_NS,
                     "%s on day %d: next", cases[i].number, (int)cases[i].day);
        if (is_there) {
            cr_expect_eq(from_ns, cases[i].from_day < 0 ? INT64_MIN : cases[i].from_day * DAY_NS,
                         "%s on day %d: from", cases[i].number, (int)cases[i].day);
            cr_expect_eq(to_ns, cases[i].to_day < 0 ? INT64_MAX : cases[i].to_day * DAY_NS,
                         "%s on day %d: to", cases[i].number, (int)cases[i].day);
        }
    }
    int64_t unused_ns = 0;
    cr_expect_not(tg_deck_times(catalog->images[0], 1, 0, 0, &unused_ns, &unused_ns));
    tg_catalog_close(catalog);
    tg_diag_close(diag);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
    cr_assert_eq(system(command), 0);
}
