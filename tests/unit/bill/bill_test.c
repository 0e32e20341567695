/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/bill.h"
#include "bill/bill_id.h"
#include "bill/cycle.h"

#include "abi/key.h"
#include "abi/tariff.h"
#include "base/clock.h"
#include "bill/render.h"
#include "catalog/catalog.h"
#include "store/documents.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCOUNTS    40u
#define SUBSCRIBERS 100u
#define PRICES      4u
#define ROWS        20000u
#define IMAGE_BYTES 65536u

/* Written by bill_journal.c: the journal's header and the catalog's cannot be read together. */
void bill_journal_write(const char *dir, const struct tg_usage *rows,
                        const struct tg_charge *charges, uint32_t count);

static _Alignas(64) uint8_t image_bytes[3][IMAGE_BYTES];
static struct tg_catalog_snapshot snapshot;
static struct tg_usage rows[ROWS];
static struct tg_charge charges[ROWS];
static struct tg_roster_line who[SUBSCRIBERS];
static struct tg_roster_account accounts[ACCOUNTS];
static int64_t october_ns;
static int64_t november_ns;

static void *section_add(uint8_t *image_at, unsigned id, uint32_t count, uint32_t item_bytes)
{
    struct tg_image *image = (struct tg_image *)(void *)image_at;
    const uint64_t offset = (image->size_bytes + 63) & ~UINT64_C(63);
    cr_assert_leq(offset + (uint64_t)count * item_bytes, IMAGE_BYTES);
    image->sections[id] =
        (struct tg_image_section){(uint32_t)offset, count * item_bytes, count, item_bytes};
    image->size_bytes = offset + (uint64_t)count * item_bytes;
    return image_at + offset;
}

/* Names "<letter><index>" of a kind, in a text section of twelve octets a name. */
static void names_add(uint8_t *image_at, unsigned kind, char letter, uint32_t count)
{
    char *text = (char *)image_at + ((struct tg_image *)(void *)image_at)->sections[0].offset;
    uint32_t *offsets = section_add(image_at, TG_IMAGE_SECTION_NAMES + kind, count, 4);
    for (uint32_t i = 0; i < count; i++) {
        offsets[i] = kind * 64 + i * 12;
        (void)snprintf(text + offsets[i], 12, "%c%u", letter, i);
    }
}

/* A small catalog: 4 prices, 3 products (monthly, one-off, free), 2 taxes. */
static const struct tg_image *image_make(uint8_t *at, uint32_t version, int64_t price)
{
    memset(at, 0, IMAGE_BYTES);
    struct tg_image *image = (struct tg_image *)(void *)at;
    *image = (struct tg_image){
        .version = version, .currency = 978, .scale = 8, .minor = 2, .size_bytes = sizeof *image};
    (void)section_add(at, TG_IMAGE_SECTION_TEXT, 1024, 1);
    uint32_t *offsets = section_add(at, TG_IMAGE_SECTION_PRICES, PRICES, 4);
    uint8_t *data = section_add(at, TG_IMAGE_SECTION_PRICE_DATA, PRICES, 128);
    for (uint32_t i = 0; i < PRICES; i++) {
        struct tg_price *made = (struct tg_price *)(void *)(data + i * 128);
        *made = (struct tg_price){.size_bytes = sizeof *made,
                                  .price_id = i,
                                  .currency = 978,
                                  .scale = 8,
                                  .steps_count = 1,
                                  .steps_offset = 96,
                                  .params_offset = 128,
                                  .first_increment = 1,
                                  .next_increment = 1,
                                  .charge_min = INT64_MIN,
                                  .charge_max = INT64_MAX};
        *(struct tg_price_step *)(void *)(data + i * 128 + 96) =
            (struct tg_price_step){.up_to_units = UINT64_MAX, .price = price, .per_units = 1};
        offsets[i] = (uint32_t)((uint8_t *)made - at);
    }
    struct tg_price_info *info = section_add(at, TG_IMAGE_SECTION_PRICE_INFO, PRICES, sizeof *info);
    for (uint32_t i = 0; i < PRICES; i++) {
        info[i] = (struct tg_price_info){
            .unit_base_count = 1000, .unit = TG_UNIT_SECOND, .is_present = 1};
    }
    struct tg_product *product = section_add(at, TG_IMAGE_SECTION_PRODUCTS, 3, sizeof *product);
    product[0] = (struct tg_product){
        .fee = 3000000000, .tax = 0, .is_present = 1, .prorate_on_start = 1, .prorate_on_end = 1};
    product[1] =
        (struct tg_product){.fee = 999000000, .tax = 1, .period = TG_PERIOD_EVER, .is_present = 1};
    product[2] = (struct tg_product){.fee = 0, .tax = TG_TAX_NONE, .is_present = 1};
    struct tg_tax *tax = section_add(at, TG_IMAGE_SECTION_TAXES, 2, sizeof *tax);
    tax[0] = (struct tg_tax){.rate_ppm = 190000, .is_present = 1};
    tax[1] = (struct tg_tax){.rate_ppm = 70000, .is_present = 1};
    names_add(at, TG_CATALOG_ZONE, 'z', 4);
    names_add(at, TG_CATALOG_PRICE, 'p', PRICES);
    names_add(at, TG_CATALOG_PRODUCT, 'm', 3);
    names_add(at, TG_CATALOG_TAX, 't', 2);
    names_add(at, TG_CATALOG_TARIFF, 'f', 1);
    return image;
}

static size_t id_write(char letter, uint32_t index, char *text, size_t text_room)
{
    return (size_t)snprintf(text, text_room, "%c-%03u", letter, index);
}

static size_t subscriber_name(void *context, uint32_t subscriber, char *text, size_t text_room)
{
    (void)context;
    return id_write('S', subscriber, text, text_room);
}

static size_t account_name(void *context, uint32_t account, char *text, size_t text_room)
{
    (void)context;
    return id_write('A', account, text, text_room);
}

static size_t account_title(void *context, uint32_t account, char *text, size_t text_room)
{
    (void)context;
    return id_write('N', account, text, text_room);
}

static uint64_t random_next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t x = *seed ^ (*seed >> 33);
    x *= UINT64_C(0xff51afd7ed558ccd);
    return x ^ (x >> 29);
}

static void world_make(void)
{
    cr_assert_eq(tg_bill_period_parse("2026-10", &october_ns, &november_ns), TG_OK);
    uint64_t seed = 42;
    for (uint32_t a = 0; a < ACCOUNTS; a++) {
        accounts[a] = (struct tg_roster_account){
            .currency = 978, .tax = TG_TAX_NONE, .cycle_day = (uint8_t)(a % 4 == 3 ? 15 : 1)};
    }
    for (uint32_t s = 0; s < SUBSCRIBERS; s++) {
        who[s] = (struct tg_roster_line){
            .account = (s * 7) % (ACCOUNTS - 1), /* the last account has nobody */
            .product = (uint16_t)(s % 3),
            .active_from_s = (uint32_t)(october_ns / TG_NS_PER_S) + (s % 5 == 0 ? 9 * 86400u : 0),
            .active_to_s = TG_ROSTER_OPEN_S};
    }
    for (uint32_t i = 0; i < ROWS; i++) {
        const uint64_t dice = random_next(&seed);
        rows[i] =
            (struct tg_usage){.start_ns = october_ns - 25 * TG_NS_PER_DAY +
                                          (int64_t)(random_next(&seed) % 80) * TG_NS_PER_DAY + 7,
                              .duration_ms = (uint32_t)(dice & 0xffff),
                              .source_id = (uint16_t)(1 + dice % 3),
                              .sequence = i,
                              .record_key = i + 1,
                              .service = TG_SERVICE_VOICE};
        charges[i] = (struct tg_charge){.amount = (int64_t)(dice >> 40 & 0xffffff),
                                        .billed_units = dice >> 20 & 0xff,
                                        .subscriber = (uint32_t)(dice >> 30 & 0xffff) % SUBSCRIBERS,
                                        .price_id = (uint32_t)(dice >> 8 & 3),
                                        .catalog_version = 1 + (uint32_t)(dice >> 10 & 1),
                                        .currency = 978,
                                        .zone = (uint16_t)(dice >> 12 & 3),
                                        .fate = dice % 10 == 0 ? TG_FATE_SUSPENDED : TG_FATE_RATED};
        if (rows[i].source_id == 3 && rows[i].start_ns >= november_ns) {
            rows[i].source_id = 2; /* source 3 has not moved on */
        }
    }
    const struct tg_roster_params params = {.size_bytes = sizeof params,
                                            .subscribers_count = SUBSCRIBERS,
                                            .lines = who,
                                            .accounts = accounts,
                                            .accounts_count = ACCOUNTS};
    struct tg_roster *roster = NULL;
    cr_assert_eq(tg_roster_build(&params, &roster, NULL), TG_OK);
    roster->names = (struct tg_roster_names){NULL, subscriber_name, account_name, account_title};
    snapshot = (struct tg_catalog_snapshot){.images_count = 2, .roster = roster};
    snapshot.images[0] = image_make(image_bytes[0], 1, 5);
    snapshot.images[1] = image_make(image_bytes[1], 2, 5);
    snapshot.valid_from_ns[1] = october_ns + 10 * TG_NS_PER_DAY;
}

/* Sums that a person would make with pencil and paper, row by row. */
static void oracle(uint32_t account, int64_t *net, int64_t *tax, uint64_t *rows_count)
{
    const bool is_mid = accounts[account].cycle_day == 15;
    const int64_t begin = october_ns - (is_mid ? 16 * TG_NS_PER_DAY : 0);
    const int64_t end = is_mid ? october_ns + 14 * TG_NS_PER_DAY : november_ns;
    __int128 sums[3] = {0};
    *rows_count = 0;
    for (uint32_t s = 0; s < SUBSCRIBERS; s++) {
        const int64_t from_ns = (int64_t)who[s].active_from_s * TG_NS_PER_S;
        if (who[s].account != account) {
            continue;
        }
        if (s % 3 == 0) {
            const int64_t days = (end - (from_ns > begin ? from_ns : begin)) / TG_NS_PER_DAY;
            int64_t fee = 0;
            cr_assert_eq(tg_money_divide((__int128)3000000000 * days,
                                         (uint64_t)((end - begin) / TG_NS_PER_DAY),
                                         TG_ROUND_HALF_UP, &fee),
                         TG_OK);
            sums[0] += fee;
        }
        if (s % 3 == 1 && from_ns >= begin && from_ns < end) {
            sums[1] += 999000000;
        }
    }
    for (uint32_t i = 0; i < ROWS; i++) {
        const uint32_t s = charges[i].subscriber;
        if (charges[i].fate == TG_FATE_RATED && who[s].account == account &&
            rows[i].start_ns >= begin && rows[i].start_ns < end) {
            sums[s % 3] += charges[i].amount;
            (*rows_count)++;
        }
    }
    static const int64_t rates[3] = {19, 7, 0};
    *net = 0;
    *tax = 0;
    for (int t = 0; t < 3; t++) {
        const int64_t cents = (int64_t)((sums[t] + 500000) / 1000000);
        *net += cents;
        *tax += (cents * rates[t] + 50) / 100;
    }
}

struct seen {
    uint32_t count;
    uint64_t digest;
    uint64_t rows_count;
    uint32_t last_account;
    bool checks;
};

static void invoice_see(void *context, const struct tg_bill_invoice *invoice)
{
    static char bytes[1 << 20];
    struct seen *seen = context;
    const uint32_t account = (uint32_t)strtoul(invoice->account_id + 2, NULL, 10);
    cr_assert(seen->count == 0 || account > seen->last_account, "accounts come in roster order");
    seen->last_account = account;
    seen->count++;
    if (seen->checks) {
        int64_t net = 0;
        int64_t tax = 0;
        uint64_t wanted_rows = 0;
        uint64_t rows_count = 0;
        oracle(account, &net, &tax, &wanted_rows);
        for (uint32_t i = 0; i < invoice->lines_count; i++) {
            const struct tg_bill_line *line = &invoice->lines[i];
            rows_count += line->rows_count;
            cr_expect(i == 0 || line->kind != TG_BILL_LINE_USAGE ||
                          line->subscriber != line[-1].subscriber ||
                          strcmp(line->price_id, line[-1].price_id) != 0 ||
                          strcmp(line->zone_id, line[-1].zone_id) != 0,
                      "one price in two catalog versions is one line");
        }
        cr_expect_eq(invoice->net_total, net, "account %u: net %lld, wanted %lld", account,
                     (long long)invoice->net_total, (long long)net);
        cr_expect_eq(invoice->tax_total, tax, "account %u", account);
        cr_expect_eq(rows_count, wanted_rows, "account %u", account);
        seen->rows_count += rows_count;
    }
    struct tg_bill_invoice plain = *invoice;
    plain.number[0] = '\0';
    struct tg_bill_text text = tg_bill_text(bytes, sizeof bytes);
    tg_bill_render_json(&plain, &text, NULL);
    cr_assert_not(text.is_full);
    seen->digest = tg_key_hash(seen->digest, text.bytes, text.length_bytes);
}

static struct tg_bill_stats bill_run_of(const char *period, const char *dir, struct tg_db *state,
                                        uint32_t lines_max, struct seen *seen)
{
    int64_t start_ns = 0;
    int64_t end_ns = 0;
    cr_assert_eq(tg_bill_period_parse(period, &start_ns, &end_ns), TG_OK);
    const struct tg_bill_params params = {.size_bytes = sizeof params,
                                          .lines_count_max = lines_max,
                                          .data_dir = dir,
                                          .state = state,
                                          .catalog = &snapshot,
                                          .period_start_ns = start_ns,
                                          .period_end_ns = end_ns,
                                          .issued_ns = end_ns,
                                          .issues = state != NULL,
                                          .follows_cycle_days = true,
                                          .visit = invoice_see,
                                          .visit_context = seen};
    struct tg_bill_stats stats;
    struct tg_why why = {.text = ""};
    cr_assert_eq(tg_bill_run(&params, &stats, &why), TG_OK, "%s", why.text);
    return stats;
}

static struct tg_bill_stats bill_run(const char *dir, struct tg_db *state, uint32_t lines_max,
                                     struct seen *seen)
{
    return bill_run_of("2026-10", dir, state, lines_max, seen);
}

/* Otherwise a customer pays another sum than his rows, fees and taxes make, depending on how much
 * memory the run had. */
Test(bill, every_invoice_is_the_sum_of_its_rows_whatever_the_passes, .timeout = 600)
{
    char dir[64] = "/tmp/tg_bill_run_XXXXXX";
    cr_assert_not_null(mkdtemp(dir));
    world_make();
    bill_journal_write(dir, rows, charges, ROWS);
    struct seen whole = {.checks = true};
    const struct tg_bill_stats stats = bill_run(dir, NULL, 0, &whole);
    cr_expect_eq(stats.passes_count, 1);
    cr_expect_eq(whole.count, ACCOUNTS - 1);
    cr_expect_eq(stats.invoices_empty_count, 1);
    cr_expect_eq(stats.rows_billed_count, whole.rows_count);
    cr_expect_gt(stats.rows_suspended_count, 0);
    cr_expect_eq(stats.invoices_failed_count, 0);
    cr_expect_eq(stats.late_sources_count, 1, "source 3 ended before the period did");
    cr_expect_eq(stats.late_sources[0].source_id, 3);
    struct seen parts = {.checks = false};
    const struct tg_bill_stats small = bill_run(dir, NULL, 300, &parts);
    cr_expect_gt(small.passes_count, 4);
    cr_expect_eq(parts.digest, whole.digest, "bytes depend on the number of passes");
    cr_expect_eq(small.total, stats.total);
    cr_expect_eq(small.rows_billed_count, stats.rows_billed_count);
    (void)fprintf(stderr, "bill: %u invoices, %llu lines, %u and %u passes\n", whole.count,
                  (unsigned long long)stats.lines_count, stats.passes_count, small.passes_count);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
    cr_assert_eq(system(command), 0);
}

/* Otherwise running the month twice sends every customer a second invoice, or late usage changes
 * one he already has. */
Test(bill, running_again_changes_nothing_and_reports_late_usage, .timeout = 600)
{
    char dir[64] = "/tmp/tg_bill_run_XXXXXX";
    cr_assert_not_null(mkdtemp(dir));
    world_make();
    bill_journal_write(dir, rows, charges, ROWS);
    struct tg_db *state = NULL;
    cr_assert_eq(tg_state_open(dir, false, UINT64_C(256) << 20, &state, NULL), TG_OK);
    struct seen first = {.count = 0};
    struct tg_bill_stats stats = bill_run(dir, state, 0, &first);
    cr_expect_eq(stats.invoices_issued_count, ACCOUNTS - 1);
    struct seen second = {.count = 0};
    stats = bill_run(dir, state, 0, &second);
    cr_expect_eq(stats.invoices_issued_count, 0);
    cr_expect_eq(stats.invoices_kept_count, ACCOUNTS - 1);
    cr_expect_eq(first.digest, second.digest);
    struct tg_usage late = rows[0];
    struct tg_charge charge = charges[0];
    late.start_ns = october_ns + 5 * TG_NS_PER_DAY;
    charge.fate = TG_FATE_RATED;
    charge.amount = 100000000;
    bill_journal_write(dir, &late, &charge, 1);
    struct seen third = {.count = 0};
    stats = bill_run(dir, state, 0, &third);
    cr_expect_eq(stats.invoices_differ_count, 0, "what came late cannot change an issued bill");
    cr_expect_eq(stats.invoices_kept_count, ACCOUNTS - 1);
    cr_expect_eq(stats.rows_next_count, 1);
    /* A catalog imported since then is none of its business either. */
    snapshot.images[snapshot.images_count] = image_make(image_bytes[2], 3, 6);
    snapshot.valid_from_ns[snapshot.images_count++] = october_ns + 11 * TG_NS_PER_DAY;
    struct seen fourth = {.count = 0};
    stats = bill_run(dir, state, 0, &fourth);
    cr_expect_eq(stats.invoices_kept_count, ACCOUNTS - 1);
    cr_expect_eq(fourth.digest, first.digest);
    struct tg_txn txn;
    tg_txn_begin(&txn, state, false);
    cr_expect_eq(tg_counter_last(&txn, "bill|default|INV|2026"), ACCOUNTS - 1);
    tg_txn_abort(&txn);
    tg_db_close(state);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
    cr_assert_eq(system(command), 0);
}

/* Otherwise one account with an impossible sum keeps all others from their bills. */
Test(bill, an_account_that_cannot_be_billed_is_named_and_left_out, .timeout = 600)
{
    char dir[64] = "/tmp/tg_bill_run_XXXXXX";
    cr_assert_not_null(mkdtemp(dir));
    world_make();
    charges[5].fate = TG_FATE_RATED;
    charges[5].catalog_version = 77;
    rows[5].start_ns = october_ns + 6 * TG_NS_PER_DAY;
    bill_journal_write(dir, rows, charges, ROWS);
    struct seen seen = {.count = 0};
    const struct tg_bill_stats stats = bill_run(dir, NULL, 0, &seen);
    cr_expect_eq(stats.invoices_failed_count, 1);
    cr_expect_eq(seen.count, ACCOUNTS - 2);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
    cr_assert_eq(system(command), 0);
}

/* Otherwise a wrong month is billed for a mistyped one. */
Test(bill, periods_and_ids_are_strict)
{
    int64_t start_ns = 0;
    int64_t end_ns = 0;
    static const char *const bad[] = {"",        "2026",     "2026-1",  "2026-13", "2026-00",
                                      "2026/10", "2026-10 ", "x026-10", "9999-01"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_eq(tg_bill_period_parse(bad[i], &start_ns, &end_ns), TG_E_SYNTAX, "%s", bad[i]);
    }
    cr_assert_eq(tg_bill_period_parse("2026-12", &start_ns, &end_ns), TG_OK);
    cr_expect_eq(end_ns - start_ns, 31 * TG_NS_PER_DAY);
    char id[TG_BILL_ID_BYTES];
    cr_expect(tg_bill_id_format("A/1", start_ns, end_ns, NULL, id));
    cr_expect_str_eq(id, "B-2026-12-A~2F1");
    cr_expect(tg_bill_id_format("A", start_ns, start_ns + 7 * TG_NS_PER_DAY, "USD", id));
    cr_expect_str_eq(id, "B-20261201-20261208-A-USD");
    char longest[200];
    memset(longest, 'a', sizeof longest);
    longest[199] = '\0';
    cr_expect_not(tg_bill_id_format(longest, start_ns, end_ns, NULL, id));
}
