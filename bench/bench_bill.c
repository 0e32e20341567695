/* SPDX-License-Identifier: Apache-2.0 */
/* A carrier whose month is rated and waits to be billed, and what the bills must add up to. The
 * expected sums are worked out here from the prices as people read them, with no call into the
 * rooms that are measured. */
#include "bench/bench_extra.h"

#include "abi/key.h"
#include "base/clock.h"
#include "catalog/catalog.h"
#include "doc/diag.h"
#include "ledger/journal.h"
#include "rate/rate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MONTH_START_NS (INT64_C(1790812800) * TG_NS_PER_S) /* 2026-10-01 */
#define MONTH_DAYS     31u
#define BLOCK_ROWS     4096u
#define EPOCH_BLOCKS   32u               /* blocks behind one fdatasync */
#define STRIDE         UINT64_C(7368787) /* a prime: rows of an account lie far apart */
#define FEE            INT64_C(999000000)
#define SCALE_TO_BILL  INT64_C(1000000)
#define VAT_PERCENT    19

static const char catalog_text[] =
    "catalog: {version: 1, valid_from: 2026-01-01, currency: EUR}\n"
    "taxes:\n"
    "  vat: {rate: 19%, title: VAT}\n"
    "decks:\n"
    "  world: {prefixes: {\"*\": rest}}\n"
    "prices:\n"
    "  data: {unit: kilobyte, price: \"0.02\", per: 1000, first: 10, next: 10}\n"
    "  voice: {unit: second, price: \"0.06\", per: 60, first: 60, next: 1}\n"
    "  text: {unit: event, price: \"0.09\"}\n"
    "plans:\n"
    "  all:\n"
    "    data: {price: data}\n"
    "    voice: {deck: world, prices: {rest: voice}}\n"
    "    message: {deck: world, prices: {rest: text}}\n"
    "products:\n"
    "  one: {plan: all, fee: \"9.99\", tax: vat, title: One}\n";

/* What is being made. */
struct made {
    const struct tg_bench_extra *extra;
    struct tg_catalog_snapshot *catalog;
    struct tg_rate *rate;
    struct tg_journal *journal;
    uint64_t epoch;
    uint64_t blocks_count;
    uint64_t peer_key; /* Every call goes to one number. */
    int64_t *usage;    /* Rating scale, by account; shape [subscribers_count]. */
    struct tg_usage rows[BLOCK_ROWS];
    struct tg_charge charges[BLOCK_ROWS];
};

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

static enum tg_err folder_write(const struct tg_bench_extra *extra, struct tg_why *why)
{
    char path[4096];
    (void)mkdir(extra->dir, 0755);
    (void)snprintf(path, sizeof path, "%s/catalog", extra->dir);
    (void)mkdir(path, 0755);
    FILE *catalog = document_open(extra->dir, "catalog.yaml", why);
    FILE *accounts = document_open(extra->dir, "accounts.csv", why);
    FILE *people = document_open(extra->dir, "subscribers.csv", why);
    if (catalog != NULL && accounts != NULL && people != NULL) {
        (void)fputs(catalog_text, catalog);
        (void)fputs("id,name,cycle_day\n", accounts);
        (void)fputs("id,account,msisdn,product,active_from\n", people);
        for (uint32_t i = 0; i < extra->subscribers_count; i++) {
            (void)fprintf(accounts, "A%08" PRIu32 ",Customer %" PRIu32 ",1\n", i, i);
            (void)fprintf(people,
                          "S%08" PRIu32 ",A%08" PRIu32 ",4915%08" PRIu32 ",one,2026-01-01\n", i, i,
                          i);
        }
    }
    bool is_written = true;
    FILE *const files[] = {catalog, accounts, people};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        is_written = files[i] != NULL && ferror(files[i]) == 0 && is_written;
        is_written = files[i] == NULL || fclose(files[i]) == 0 ? is_written : false;
    }
    return is_written ? TG_OK : tg_why_set(why, TG_E_IO, "cannot write %s/catalog", extra->dir);
}

static enum tg_err catalog_make(struct made *made, const char *data, struct tg_why *why)
{
    char folder[4096];
    (void)snprintf(folder, sizeof folder, "%s/catalog", made->extra->dir);
    struct tg_diag *diag = tg_diag_open();
    enum tg_err err = tg_catalog_import(folder, data, 0, diag, NULL, why);
    if (err == TG_E_DOCUMENT) {
        (void)tg_diag_print(diag, stderr);
    }
    tg_diag_close(diag);
    return err == TG_OK ? tg_catalog_open(data, &made->catalog, why) : err;
}

/* The n-th row of the month. Sizes avoid every increment's boundary but not its effect. */
static int64_t row_make(const struct made *made, uint32_t account, uint32_t round, uint64_t n,
                        uint64_t total, struct tg_usage *row)
{
    *row = (struct tg_usage){
        .start_ns = MONTH_START_NS +
                    (int64_t)(((unsigned __int128)n * MONTH_DAYS * 86400 * 1000 / total) * 1000000),
        .record_key = n + 1,
        .peer_key = made->peer_key,
        .key_kinds = tg_key_kinds(TG_KEY_E164, TG_KEY_E164),
        .sequence = (uint32_t)n,
        .source_id = 1};
    const uint32_t size = (account * UINT32_C(2654435761) ^ round * UINT32_C(40503)) >> 20;
    switch (round % 5) {
    case 0:
    case 1:
    case 3:
        row->service = TG_SERVICE_DATA;
        row->quantity_down = (uint64_t)size * 10000 + 1;
        return ((int64_t)size + 1) * 10 * 2000; /* kilobytes in tens, 0.02 a thousand */
    case 2:
        row->service = TG_SERVICE_VOICE;
        row->duration_ms = (size % 600) * 1000;
        return row->duration_ms == 0      ? 0
               : row->duration_ms < 60000 ? INT64_C(6000000)
                                          : (int64_t)(size % 600) * 100000;
    default:
        row->service = TG_SERVICE_MESSAGE;
        row->quantity_up = 1;
        return INT64_C(9000000);
    }
}

static enum tg_err block_write(struct made *made, uint32_t count, bool is_last, struct tg_why *why)
{
    for (uint32_t i = 0; i < count; i += TG_BATCH_ROWS_MAX) {
        const uint32_t left = count - i;
        tg_rate_run(made->rate, made->catalog, made->rows + i, made->charges + i,
                    left < TG_BATCH_ROWS_MAX ? left : TG_BATCH_ROWS_MAX);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (made->charges[i].fate != TG_FATE_RATED) {
            return tg_why_set(why, TG_E_INVALID, "a row is not rated: %s",
                              tg_err_name(made->charges[i].reason));
        }
    }
    uint32_t done = 0;
    while (done < count) {
        struct tg_block *block = tg_journal_begin(made->journal, 0);
        if (block == NULL) {
            return tg_why_set(why, TG_E_IO, "the journal takes no more");
        }
        done += tg_block_rows(block, made->rows + done, made->charges + done, count - done);
        made->blocks_count++;
        if ((is_last && done == count) || made->blocks_count % EPOCH_BLOCKS == 0) {
            tg_journal_submit(made->journal, block, made->epoch++);
        } else {
            tg_journal_submit_part(made->journal, block, made->epoch);
        }
    }
    return TG_OK;
}

static enum tg_err rows_write(struct made *made, struct tg_why *why)
{
    const uint32_t accounts = made->extra->subscribers_count;
    const uint64_t total = (uint64_t)accounts * made->extra->rows_count;
    uint32_t filled = 0;
    enum tg_err err = TG_OK;
    made->epoch = tg_journal_next_epoch(made->journal);
    for (uint64_t n = 0; n < total && err == TG_OK; n++) {
        const uint32_t account = (uint32_t)(n % accounts * STRIDE % accounts);
        const uint32_t round = (uint32_t)(n / accounts);
        made->usage[account] += row_make(made, account, round, n, total, &made->rows[filled]);
        made->charges[filled++] = (struct tg_charge){.subscriber = account};
        if (filled == BLOCK_ROWS || n + 1 == total) {
            err = block_write(made, filled, n + 1 == total, why);
            filled = 0;
        }
    }
    return err;
}

static enum tg_err expected_write(const struct made *made, struct tg_why *why)
{
    char path[4096];
    int64_t net = 0;
    int64_t tax = 0;
    for (uint32_t a = 0; a < made->extra->subscribers_count; a++) {
        const int64_t one = (FEE + made->usage[a] + SCALE_TO_BILL / 2) / SCALE_TO_BILL;
        net += one;
        tax += (one * VAT_PERCENT + 50) / 100;
    }
    (void)snprintf(path, sizeof path, "%s/expected.env", made->extra->dir);
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return tg_why_set(why, TG_E_IO, "cannot write %s", path);
    }
    (void)fprintf(file,
                  "expected_accounts=%" PRIu32 "\nexpected_rows=%" PRIu64 "\nexpected_net=%" PRIi64
                  ".%02" PRIi64 "\nexpected_tax=%" PRIi64 ".%02" PRIi64 "\n",
                  made->extra->subscribers_count,
                  (uint64_t)made->extra->subscribers_count * made->extra->rows_count, net / 100,
                  net % 100, tax / 100, tax % 100);
    return fclose(file) == 0 ? TG_OK : tg_why_set(why, TG_E_IO, "cannot write %s", path);
}

static enum tg_err month_make(struct made *made, struct tg_why *why)
{
    char data[4096];
    (void)snprintf(data, sizeof data, "%s/data", made->extra->dir);
    enum tg_err err = folder_write(made->extra, why);
    err = err == TG_OK ? catalog_make(made, data, why) : err;
    const struct tg_rate_params rate = {.subscribers_count_max = made->extra->subscribers_count};
    const struct tg_journal_params journal = {
        .size_bytes = sizeof journal, .streams_count = 1, .dir = data, .is_sparse = true};
    err = err == TG_OK ? tg_rate_create(&rate, &made->rate, why) : err;
    err = err == TG_OK ? tg_journal_open(&journal, &made->journal, why) : err;
    if (err == TG_OK) {
        err = rows_write(made, why);
        const enum tg_err closed = tg_journal_close(made->journal);
        err = err == TG_OK ? closed : err;
    }
    return err == TG_OK ? expected_write(made, why) : err;
}

enum tg_err tg_bench_bill_world(const struct tg_bench_extra *extra, struct tg_why *why)
{
    struct made *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for a month");
    }
    made->extra = extra;
    (void)tg_digits_pack("49301234567", 11, &made->peer_key);
    made->usage = calloc(extra->subscribers_count, sizeof *made->usage);
    const enum tg_err err = made->usage != NULL
                                ? month_make(made, why)
                                : tg_why_set(why, TG_E_NO_MEMORY, "no memory for accounts");
    tg_rate_destroy(made->rate);
    tg_catalog_close(made->catalog);
    free(made->usage);
    free(made);
    return err;
}
