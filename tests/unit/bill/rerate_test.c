/* SPDX-License-Identifier: Apache-2.0 */
/* Rerating what members share: pools in shelves, corrected once and then corrected again. */
#include "bill/posting.h"
#include "bill/rerate.h"

#include "abi/key.h"
#include "base/clock.h"
#include "catalog/catalog.h"
#include "doc/diag.h"
#include "rate/rate.h"
#include "store/file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROWS_MAX 600u
#define PEOPLE   4u

void bill_journal_write(const char *dir, const struct tg_usage *rows,
                        const struct tg_charge *charges, uint32_t count);

/* Two members of one account share minutes and each has some of its own. */
static const char catalog_text[] =
    "catalog: {version: %u, valid_from: %s, currency: EUR}\n"
    "taxes:\n"
    "  vat: {rate: 19%%}\n"
    "decks:\n"
    "  near: {file: near.csv}\n"
    "  far: {file: far.csv}\n"
    "prices:\n"
    "  voice: {unit: second, price: \"%s\", per: 60, first: 60, next: 60}\n"
    "spend_limits:\n"
    "  cap: {maximum: \"1000\"}\n"
    "allowances:\n"
    "  pool: {unit: minute, amount: %u, services: [voice], scope: account}\n"
    "  own: {unit: minute, amount: 1, services: [voice]}\n"
    "plans:\n"
    "  shared: {voice: {deck: near, allowances: [own, pool], prices: {land: voice}}}\n"
    "  alone: {voice: {deck: far, prices: {land: voice}, spend_limit: cap}}\n"
    "products:\n"
    "  family: {plan: shared, tax: vat}\n"
    "  single: {plan: alone, tax: vat}\n";
static const char subscribers_text[] = "id,account,product,msisdn,active_from,active_to\n"
                                       "S1,A1,family,491,2026-01-01,\n"
                                       "S2,A1,family,492,2026-01-01,\n"
                                       "S3,A2,family,493,2026-01-01,\n"
                                       "S4,A3,single,494,2026-01-01,\n";

struct world {
    char dir[64];
    char folder[96];
    struct tg_catalog_snapshot *catalog;
    struct tg_rate *rate;
    uint32_t rows_count;
    struct tg_usage rows[ROWS_MAX];
    struct tg_charge charges[ROWS_MAX];
};
static struct world w;

static void file_write(const char *name, const char *text)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", w.folder, name);
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void catalog_import(unsigned version, const char *valid_from, const char *price,
                           unsigned minutes)
{
    char text[4096];
    (void)snprintf(text, sizeof text, catalog_text, version, valid_from, price, minutes);
    file_write("catalog.yaml", text);
    struct tg_diag *diag = tg_diag_open();
    struct tg_why why = {.text = ""};
    const enum tg_err err = tg_catalog_import(w.folder, w.dir, 0, diag, NULL, &why);
    (void)tg_diag_print(diag, stderr);
    cr_assert_eq(err, TG_OK, "%s", why.text);
    tg_diag_close(diag);
    tg_catalog_close(w.catalog);
    cr_assert_eq(tg_catalog_open(w.dir, &w.catalog, &why), TG_OK, "%s", why.text);
}

static int64_t at_ns(const char *text)
{
    int64_t time_ns = 0;
    cr_assert_eq(tg_clock_parse(text, strlen(text), &time_ns), TG_OK);
    return time_ns;
}

static void world_open(void)
{
    memset(&w, 0, sizeof w);
    (void)snprintf(w.dir, sizeof w.dir, "/tmp/tg_bill_rerate_XXXXXX");
    cr_assert_not_null(mkdtemp(w.dir));
    (void)snprintf(w.folder, sizeof w.folder, "%s/folder", w.dir);
    char command[128];
    (void)snprintf(command, sizeof command, "mkdir '%s'", w.folder);
    cr_assert_eq(system(command), 0);
    file_write("accounts.csv", "id\nA1\nA2\nA3\n");
    file_write("subscribers.csv", subscribers_text);
    file_write("near.csv", "prefix,zone\n49,land\n");
    file_write("far.csv", "prefix,zone\n4,land\n");
    catalog_import(1, "2026-01-01", "0.10", 10);
    const struct tg_rate_params params = {.subscribers_count_max = PEOPLE};
    cr_assert_eq(tg_rate_create(&params, &w.rate, NULL), TG_OK);
}

static void world_close(void)
{
    tg_rate_destroy(w.rate);
    tg_catalog_close(w.catalog);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", w.dir);
    cr_assert_eq(system(command), 0);
}

static uint32_t call_add(uint32_t subscriber, int64_t start_ns, uint32_t seconds)
{
    const uint32_t i = w.rows_count++;
    uint64_t peer = 0;
    cr_assert_lt(i, ROWS_MAX);
    cr_assert(tg_digits_pack("49301234567", 11, &peer));
    w.rows[i] = (struct tg_usage){.start_ns = start_ns,
                                  .peer_key = peer,
                                  .key_kinds = tg_key_kinds(TG_KEY_NONE, TG_KEY_E164),
                                  .duration_ms = seconds * 1000,
                                  .record_key = UINT64_C(0x1000) + i,
                                  .sequence = i,
                                  .source_id = 1,
                                  .node_id = (uint16_t)(1 + subscriber % 2),
                                  .service = TG_SERVICE_VOICE};
    w.charges[i] = (struct tg_charge){.subscriber = subscriber};
    tg_rate_run(w.rate, w.catalog, &w.rows[i], &w.charges[i], 1);
    cr_assert_eq(w.charges[i].fate, TG_FATE_RATED, "%s", tg_err_name(w.charges[i].reason));
    return i;
}

static void calls_journal(uint32_t count)
{
    uint64_t seed = 5;
    for (uint32_t i = 0; i < count; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        (void)call_add((uint32_t)(seed >> 40) % PEOPLE, at_ns("2026-10-01") + i * 60 * TG_NS_PER_S,
                       1 + (uint32_t)(seed >> 33) % 200);
    }
    bill_journal_write(w.dir, w.rows, w.charges, w.rows_count);
}

static const struct tg_rerate_selector everything = {
    .from_ns = INT64_MIN, .to_ns = INT64_MAX, .source_id = -1};

static struct tg_rerate *rerate_with(const struct tg_rerate_selector *selector,
                                     const struct tg_image *candidate)
{
    const struct tg_rerate_params params = {.size_bytes = sizeof params,
                                            .data_dir = w.dir,
                                            .catalog = w.catalog,
                                            .candidate = candidate,
                                            .selector = *selector};
    struct tg_rerate *rerate = NULL;
    struct tg_why why = {.text = ""};
    cr_assert_eq(tg_rerate_open(&params, &rerate, &why), TG_OK, "%s", why.text);
    return rerate;
}

/* Posts and says what was posted. */
static __int128 rerate_post(const struct tg_rerate_selector *selector,
                            const struct tg_image *candidate)
{
    struct tg_rerate *rerate = rerate_with(selector, candidate);
    struct tg_data_lock lock;
    uint64_t epoch = 0;
    struct tg_why why = {.text = ""};
    cr_assert_eq(tg_data_lock(w.dir, &lock, &why), TG_OK, "%s", why.text);
    cr_assert_eq(tg_rerate_post(rerate, w.dir, 1, &epoch, &why), TG_OK, "%s", why.text);
    tg_data_unlock(&lock);
    const __int128 difference = rerate->difference;
    tg_rerate_close(rerate);
    return difference;
}

/* All rows from nothing with one catalog: what they should sum to. */
static __int128 sum_afresh(const struct tg_image *image)
{
    const struct tg_rate_params params = {.subscribers_count_max = PEOPLE};
    struct tg_rate *rate = NULL;
    cr_assert_eq(tg_rate_create(&params, &rate, NULL), TG_OK);
    struct tg_catalog_snapshot one = {
        .images_count = 1, .images = {image}, .roster = w.catalog->roster};
    one.valid_from_ns[0] = INT64_MIN;
    __int128 amount = 0;
    for (uint32_t i = 0; i < w.rows_count; i++) {
        struct tg_charge charge = {.subscriber = w.charges[i].subscriber};
        tg_rate_run(rate, &one, &w.rows[i], &charge, 1);
        amount += charge.amount;
    }
    tg_rate_destroy(rate);
    return amount;
}

/* Otherwise a family's pool is drawn twice when its month is corrected, or cannot be corrected a
 * second time, since what stands is no longer what the shelves say. */
Test(rerate, a_pool_is_corrected_and_the_correction_is_corrected, .timeout = 600)
{
    world_open();
    calls_journal(300);
    const __int128 one = sum_afresh(w.catalog->images[0]);
    cr_expect(rerate_post(&everything, NULL) == 0, "the same catalog");
    catalog_import(2, "2026-10-01", "0.13", 30);
    catalog_import(3, "2026-10-02", "0.07", 20);
    const struct tg_image *first = tg_catalog_image_version(w.catalog, 1);
    const struct tg_image *second = tg_catalog_image_version(w.catalog, 2);
    const struct tg_image *third = tg_catalog_image_version(w.catalog, 3);
    const __int128 two = sum_afresh(second);
    const __int128 three = sum_afresh(third);
    cr_expect(one != two && two != three);
    cr_expect(rerate_post(&everything, second) == two - one);
    cr_expect(rerate_post(&everything, second) == 0, "posted once");
    cr_expect(rerate_post(&everything, third) == three - two);
    cr_expect(rerate_post(&everything, third) == 0, "posted once");
    cr_expect(rerate_post(&everything, first) == one - three, "and back again");
    world_close();
}

/* Otherwise rows before the chosen day, corrected earlier, do not fit the counters any more, and
 * nobody can correct or explain that month again. */
Test(rerate, rows_stand_before_the_selection_with_whatever_priced_them, .timeout = 600)
{
    world_open();
    calls_journal(300);
    catalog_import(2, "2026-10-01", "0.13", 30);
    const struct tg_image *second = tg_catalog_image_version(w.catalog, 2);
    const struct tg_image *first = tg_catalog_image_version(w.catalog, 1);
    struct tg_rerate_selector late = everything;
    late.from_ns = w.rows[100].start_ns;
    /* Rows before were priced with version 1, though version 2 is the one in force at their time.
     */
    struct tg_rerate *same = rerate_with(&late, first);
    cr_expect_eq(same->changes_count, 0);
    tg_rerate_close(same);
    const __int128 all = rerate_post(&everything, second);
    cr_expect(all != 0);
    /* Now all of them stand by an adjustment. */
    same = rerate_with(&late, second);
    cr_expect_eq(same->changes_count, 0);
    tg_rerate_close(same);
    world_close();
}

/* Otherwise correcting one member's calls leaves the others on minutes that are gone. */
Test(rerate, members_follow_when_their_pool_moves, .timeout = 600)
{
    world_open();
    const int64_t day_ns = at_ns("2026-10-02");
    (void)call_add(0, day_ns, 660);                   /* one of its own, all ten shared ones */
    (void)call_add(1, day_ns + TG_NS_PER_HOUR, 120);  /* one of its own, one minute costs 0.10 */
    (void)call_add(2, day_ns + TG_NS_PER_HOUR, 1200); /* another account */
    bill_journal_write(w.dir, w.rows, w.charges, w.rows_count);
    cr_assert_eq(w.charges[1].amount, 10000000);
    catalog_import(2, "2026-10-01", "0.10", 30);
    struct tg_rerate_selector one = everything;
    one.to_ns = day_ns + 1;
    struct tg_rerate *rerate = rerate_with(&one, NULL);
    cr_expect_eq(rerate->selected_count, 1);
    cr_expect_eq(rerate->followers_count, 1, "the other member, not the other account");
    tg_rerate_close(rerate);
    world_close();
}

/* A tariff plug-in that counted wrong was replaced: no version changes, so nothing but the price
 * that comes out tells that the account's shelves do. Otherwise the charges are corrected and the
 * spend limit stays where the wrong ones had brought it: usage is cut, or not cut, for their sake.
 */
Test(rerate, shelves_follow_when_a_version_prices_otherwise_than_it_did, .timeout = 60)
{
    world_open();
    const int64_t day_ns = at_ns("2026-10-02");
    (void)call_add(3, day_ns, 60);
    (void)call_add(3, day_ns + TG_NS_PER_HOUR, 120);
    (void)call_add(2, day_ns + TG_NS_PER_HOUR, 120); /* another account: nothing moves */
    cr_assert_eq(w.charges[0].amount, 10000000);
    w.charges[0].amount = 30000000;
    bill_journal_write(w.dir, w.rows, w.charges, w.rows_count);
    struct tg_rerate *rerate = rerate_with(&everything, NULL);
    cr_expect_eq(rerate->selected_count, 3);
    cr_expect_eq(rerate->changes_count, 1);
    cr_expect(rerate->difference == -20000000);
    cr_assert_eq(rerate->shelves_count, 1, "the limit of the fourth: %u", rerate->shelves_count);
    cr_expect_eq(rerate->shelves[0].index, 3);
    cr_expect_not(rerate->shelves[0].is_pool);
    tg_rerate_close(rerate);
    cr_expect(rerate_post(&everything, NULL) == -20000000);
    rerate = rerate_with(&everything, NULL);
    cr_expect_eq(rerate->changes_count, 0, "posted once");
    cr_expect_eq(rerate->shelves_count, 0);
    tg_rerate_close(rerate);
    world_close();
}

/* Otherwise a wrong deck or product is corrected by pricing everybody again. */
Test(rerate, selectors_choose_by_deck_product_and_node, .timeout = 600)
{
    world_open();
    calls_journal(200);
    uint64_t single = 0;
    uint64_t of_node = 0;
    for (uint32_t i = 0; i < w.rows_count; i++) {
        single += w.charges[i].subscriber == 3;
        of_node += w.rows[i].node_id == 2;
    }
    struct tg_rerate_selector selectors[4] = {everything, everything, everything, everything};
    selectors[0].product_name = "single";
    selectors[1].deck_name = "far";
    selectors[2].deck_name = "near";
    selectors[3].node_id = 2;
    const uint64_t wanted[4] = {single, single, w.rows_count - single, of_node};
    for (uint32_t i = 0; i < 4; i++) {
        struct tg_rerate *rerate = rerate_with(&selectors[i], NULL);
        cr_expect_eq(rerate->selected_count, wanted[i], "selector %u: %llu", i,
                     (unsigned long long)rerate->selected_count);
        tg_rerate_close(rerate);
    }
    selectors[0].product_name = "nobody's";
    const struct tg_rerate_params params = {.size_bytes = sizeof params,
                                            .data_dir = w.dir,
                                            .catalog = w.catalog,
                                            .selector = selectors[0]};
    struct tg_rerate *rerate = NULL;
    cr_expect_eq(tg_rerate_open(&params, &rerate, NULL), TG_E_NOT_FOUND);
    world_close();
}

/* A call of a subscriber as a further epoch of the journal. */
static void call_follow(uint32_t subscriber, uint32_t version)
{
    const uint32_t i =
        call_add(subscriber, at_ns("2026-10-20") + w.rows_count * 60 * TG_NS_PER_S, 61);
    w.charges[i].catalog_version = version;
    bill_journal_write(w.dir, &w.rows[i], &w.charges[i], 1);
}

/* Otherwise corrections that were worked out beside a running engine are posted over calls that
 * came in meanwhile, and these stay charged by counters that are no longer true. */
Test(rerate, a_posting_knows_the_rows_that_came_behind_it, .timeout = 60)
{
    world_open();
    calls_journal(200);
    catalog_import(2, "2026-10-01", "0.20", 10);
    struct tg_rerate_params params = {.size_bytes = sizeof params,
                                      .data_dir = w.dir,
                                      .catalog = w.catalog,
                                      .selector = everything,
                                      .epoch_max = 1};
    params.selector.product_name = "single";
    struct tg_rerate *rerate = NULL;
    struct tg_posting posting;
    struct tg_why why = {.text = ""};
    uint8_t touched[8] = {0};
    int fd = -1;
    call_follow(3, 2); /* behind epoch_max: it is not looked at */
    cr_assert_eq(tg_rerate_open(&params, &rerate, &why), TG_OK, "%s", why.text);
    cr_assert_gt(rerate->changes_count, 10);
    cr_assert_eq(tg_posting_make(rerate, &params, &fd, &why), TG_OK, "%s", why.text);
    cr_expect_lt(pwrite(fd, "x", 1, 100), 0, "nobody changes it any more");
    cr_assert_eq(tg_posting_open(fd, &posting, &why), TG_OK, "%s", why.text);
    cr_expect_eq(posting.content.count, rerate->changes_count);
    cr_expect_eq(memcmp(&posting.content.charges[7], &rerate->changes[7].charge,
                        sizeof posting.content.charges[0]),
                 0);
    cr_assert_eq(tg_posting_check(&posting, w.catalog, &why), TG_OK, "%s", why.text);
    tg_posting_touch(&posting, w.catalog, touched);
    cr_expect_eq(touched[w.catalog->roster->lines[3].account], 1);
    cr_expect_eq(touched[w.catalog->roster->lines[0].account], 0);
    call_follow(0, 2); /* epoch 3 */
    call_follow(0, 1); /* epoch 4: of the selected time, priced with another version */
    const struct {
        const char *what;
        uint64_t from;
        uint64_t to;
        enum tg_err err;
    } looks[] = {{"nothing behind it", 2, 1, TG_OK},
                 {"an account that is corrected", 2, 2, TG_E_AGAIN},
                 {"another account, priced as it would", 3, 3, TG_OK},
                 {"another account, priced otherwise", 4, 4, TG_E_AGAIN},
                 {"all of them", 2, 4, TG_E_AGAIN},
                 {"an epoch that is not there", 5, 9, TG_E_CORRUPT}};
    for (uint32_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        cr_expect_eq(tg_posting_conflict(&posting, w.catalog, touched, w.dir, looks[i].from,
                                         looks[i].to, &why),
                     looks[i].err, "%s: %s", looks[i].what, why.text);
    }
    cr_expect_eq(tg_posting_conflict(&posting, w.catalog, touched, w.dir, 3, 3, &why), TG_OK);
    catalog_import(3, "2026-11-01", "0.20", 10);
    cr_expect_eq(tg_posting_check(&posting, w.catalog, &why), TG_E_AGAIN, "another catalog");
    tg_posting_close(&posting);
    FILE *plain = tmpfile();
    cr_expect_eq(tg_posting_open(fileno(plain), &posting, &why), TG_E_FORMAT, "not sealed");
    (void)fclose(plain);
    (void)close(fd);
    tg_rerate_close(rerate);
    world_close();
}
