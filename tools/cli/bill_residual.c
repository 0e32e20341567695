/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bill_residual.h"
#include "cli/cli.h"

#include "base/money.h"
#include "bill/bill.h"
#include "bill/cycle.h"
#include "bill/text.h"
#include "bill/voided.h"
#include "catalog/blob.h"
#include "catalog/catalog.h"
#include "catalog/image.h"
#include "doc/json.h"
#include "store/documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUM_DECIMALS   4  /* Of an exact sum, below the rating scale. */
#define AMOUNT_BYTES   64 /* 39 digits, a point, a sign. */
#define KEY_BYTES_MAX  192
#define CURRENCIES_MAX 256 /* More than ISO 4217 has. */

/* Rows of one price of one version in one currency. */
struct sum {
    const struct tg_currency *currency;
    __int128 charged;  /* At the rating scale: the sum of what was rounded. */
    __int128 residual; /* 2^-32 of it: the exact sum less that. */
    uint64_t rows_count;
    uint32_t version;
    char price[128];
};

struct residuals {
    const struct tg_cli_bill_ask *ask;
    struct tg_catalog_snapshot *catalog;
    struct tg_txn *txn;
    struct tg_names keys;
    struct sum *sums; /* By key. */
    uint32_t sums_room;
    enum tg_err err;
};

/* A whole number of any length that fits; false: it is none. */
static bool whole_read(const char *text, __int128 *value)
{
    const bool is_negative = text[0] == '-';
    const char *at = text + (is_negative ? 1 : 0);
    const size_t length = strlen(at);
    *value = 0;
    if (length == 0 || length > 36 || strspn(at, "0123456789") != length) {
        return false;
    }
    for (; *at != '\0'; at++) {
        *value = *value * 10 + (*at - '0');
    }
    *value = is_negative ? -*value : *value;
    return true;
}

static struct sum *sum_find(struct residuals *residuals, const char *code, uint32_t version,
                            const char *price)
{
    char key[KEY_BYTES_MAX];
    (void)snprintf(key, sizeof key, "%s %u %s", code, version, price);
    const uint32_t count = residuals->keys.count;
    const uint32_t index = tg_names_add(&residuals->keys, key, strlen(key));
    if (index == UINT32_MAX) {
        return NULL;
    }
    if (index >= residuals->sums_room) {
        const uint32_t room = 2 * index + 64;
        struct sum *sums = realloc(residuals->sums, room * sizeof *sums);
        if (sums == NULL) {
            return NULL;
        }
        residuals->sums = sums;
        residuals->sums_room = room;
    }
    struct sum *sum = &residuals->sums[index];
    if (residuals->keys.count > count) {
        *sum = (struct sum){.currency = tg_currency_by_code(code), .version = version};
        (void)snprintf(sum->price, sizeof sum->price, "%s", price);
    }
    return sum;
}

/* Amounts of a line that was converted are in two currencies; its rows are in the first. */
static enum tg_err line_add(struct residuals *residuals, const struct tg_json *line,
                            const char *own)
{
    const struct tg_json *exchange = tg_json_get(line, "x_exchange");
    const char *code = exchange != NULL ? tg_json_get_text(exchange, "from", "") : own;
    const char *amount = tg_json_get_text(exchange != NULL ? exchange : line,
                                          exchange != NULL ? "exactAmount" : "x_exactAmount", "");
    const int64_t rows = tg_json_get_integer(line, "x_rows", 0);
    int64_t charged = 0;
    __int128 residual = 0;
    if (rows == 0) {
        return TG_OK; /* no sum of rows */
    }
    struct sum *sum =
        sum_find(residuals, code, (uint32_t)tg_json_get_integer(line, "x_catalogVersion", 0),
                 tg_json_get_text(line, "x_price", ""));
    if (sum == NULL) {
        return TG_E_NO_MEMORY;
    }
    if (sum->currency == NULL ||
        tg_money_parse(amount, strlen(amount), sum->currency->scale, &charged) != TG_OK ||
        !whole_read(tg_json_get_text(line, "x_rateResidual", "0"), &residual)) {
        return TG_E_CORRUPT;
    }
    sum->charged += charged;
    sum->residual += residual;
    sum->rows_count += (uint64_t)rows;
    return TG_OK;
}

static bool bill_add(void *context, const struct tg_document *document)
{
    struct residuals *residuals = context;
    struct tg_json *bill = NULL;
    if (!tg_cli_bill_is_wanted(residuals->ask, document) ||
        tg_bill_void_find(residuals->txn, document->id)) {
        return true;
    }
    enum tg_err err = tg_json_parse(document->json, document->json_bytes, &bill, NULL);
    /* What an interim bill has is on the bill of its cycle again, and what a void one has on the
     * one that is made instead. */
    const bool is_interim = tg_json_get_bool(bill, "x_interim", false);
    const struct tg_json *lines = is_interim ? NULL : tg_json_get(bill, "x_line");
    const char *own = tg_json_get_text(tg_json_get(bill, "amountDue"), "unit", "");
    for (size_t i = 0; err == TG_OK && i < tg_json_count(lines); i++) {
        err = line_add(residuals, tg_json_at(lines, i), own);
    }
    tg_json_free(bill);
    residuals->err = err;
    return err == TG_OK;
}

/* The exact sum rounded once, as the price rounds a charge; false: its version is not stored. */
static bool sum_round(const struct residuals *residuals, const struct sum *sum, int64_t *rounded)
{
    const struct tg_image *image = tg_catalog_image_version(residuals->catalog, sum->version);
    const uint32_t price =
        image != NULL ? tg_image_find(image, TG_CATALOG_PRICE, sum->price) : UINT32_MAX;
    if (price == UINT32_MAX || tg_image_price(image, price) == NULL) {
        return false;
    }
    return tg_money_divide_to(sum->charged * ((__int128)1 << 32) + sum->residual, UINT64_C(1) << 32,
                              tg_image_price_info(image, price)->round_exponent,
                              tg_image_price(image, price)->rounding, rounded) == TG_OK;
}

static const char *amount_text(char text[AMOUNT_BYTES], __int128 amount, uint8_t scale,
                               uint8_t minor)
{
    struct tg_bill_text out = tg_bill_text(text, AMOUNT_BYTES);
    tg_bill_text_money(&out, amount, scale, minor);
    return text;
}

/* The sum of a currency is nobody's price, and is not rounded. */
static void sum_print(const struct residuals *residuals, const struct sum *sum, bool is_total)
{
    const struct tg_currency *currency = sum->currency;
    const __int128 half = sum->residual < 0 ? -((__int128)1 << 31) : (__int128)1 << 31;
    const __int128 below = (sum->residual * 10000 + half) / ((__int128)1 << 32);
    char charged[AMOUNT_BYTES];
    char exact[AMOUNT_BYTES];
    char once[AMOUNT_BYTES] = "";
    char difference[AMOUNT_BYTES] = "";
    int64_t rounded = 0;
    (void)amount_text(charged, sum->charged, currency->scale, currency->minor);
    (void)amount_text(exact, sum->charged * 10000 + below,
                      (uint8_t)(currency->scale + SUM_DECIMALS), currency->minor);
    if (!is_total && sum_round(residuals, sum, &rounded)) {
        (void)amount_text(once, rounded, currency->scale, currency->minor);
        (void)amount_text(difference, sum->charged - rounded, currency->scale, currency->minor);
    } else if (is_total) {
        (void)amount_text(difference, -below, (uint8_t)(currency->scale + SUM_DECIMALS),
                          currency->minor);
    }
    if (!residuals->ask->is_json) {
        (void)printf("%-30s %4s %10llu %20s %24s %20s %20s\n", is_total ? "all" : sum->price,
                     currency->code, (unsigned long long)sum->rows_count, charged, exact, once,
                     difference);
        return;
    }
    struct tg_json *json = tg_json_object();
    if (!is_total) {
        tg_json_set_string(json, "price", sum->price);
        tg_json_set_integer(json, "catalog_version", sum->version);
    }
    tg_json_set_string(json, "currency", currency->code);
    tg_json_set_integer(json, "rows", (int64_t)sum->rows_count);
    tg_json_set_string(json, "charged", charged);
    tg_json_set_string(json, "exact", exact);
    if (once[0] != '\0') {
        tg_json_set_string(json, "rounded_once", once);
    }
    if (difference[0] != '\0') {
        tg_json_set_string(json, "difference", difference);
    }
    (void)tg_json_print(json, false, stdout);
    (void)fputc('\n', stdout);
    tg_json_free(json);
}

/* All prices, then each currency. */
static void all_print(const struct residuals *residuals)
{
    struct sum totals[CURRENCIES_MAX];
    uint32_t totals_count = 0;
    if (!residuals->ask->is_json) {
        (void)printf("%-30s %4s %10s %20s %24s %20s %20s\n", "price", "", "rows", "charged",
                     "exact", "rounded once", "difference");
    }
    for (uint32_t i = 0; i < residuals->keys.count; i++) {
        const struct sum *sum = &residuals->sums[i];
        uint32_t at = 0;
        sum_print(residuals, sum, false);
        while (at < totals_count && totals[at].currency != sum->currency) {
            at++;
        }
        if (at == totals_count && totals_count < CURRENCIES_MAX) {
            totals[totals_count++] = (struct sum){.currency = sum->currency};
        }
        if (at < totals_count) {
            totals[at].charged += sum->charged;
            totals[at].residual += sum->residual;
            totals[at].rows_count += sum->rows_count;
        }
    }
    for (uint32_t i = 0; i < totals_count; i++) {
        sum_print(residuals, &totals[i], true);
    }
}

int tg_cli_bill_residuals(const struct tg_cli_bill_ask *ask)
{
    struct residuals residuals = {.ask = ask, .err = TG_OK};
    struct tg_why why = {.text = ""};
    struct tg_db *state = NULL;
    int64_t start_ns = 0;
    int64_t end_ns = 0;
    if (ask->period != NULL && tg_bill_period_parse(ask->period, &start_ns, &end_ns) != TG_OK) {
        return tg_cli_usage(ask->verb, "--period wants YYYY-MM or YYYY-Www, not '%s'", ask->period);
    }
    if (tg_catalog_open(ask->data, &residuals.catalog, &why) != TG_OK ||
        tg_state_open(ask->data, true, 0, &state, &why) != TG_OK) {
        tg_catalog_close(residuals.catalog);
        return tg_cli_problem(ask->verb, "%s", why.text);
    }
    struct tg_txn txn;
    tg_txn_begin(&txn, state, false);
    residuals.txn = &txn;
    enum tg_err err = tg_documents_visit(&txn, "customerBill", NULL, bill_add, &residuals, NULL);
    if (err == TG_OK && residuals.err == TG_OK) {
        err = tg_documents_visit(&txn, "billDraft", NULL, bill_add, &residuals, NULL);
    }
    err = residuals.err != TG_OK ? residuals.err : err;
    if (err == TG_OK) {
        all_print(&residuals);
    }
    tg_txn_abort(&txn);
    tg_db_close(state);
    tg_catalog_close(residuals.catalog);
    tg_names_free(&residuals.keys);
    free(residuals.sums);
    return err == TG_OK ? TG_EXIT_OK : tg_cli_problem(ask->verb, "%s", tg_err_sentence(err));
}
