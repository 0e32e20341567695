/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/taken.h"

#include "base/clock.h"
#include "base/money.h"
#include "bill/text.h"
#include "catalog/roster.h"
#include "doc/json.h"
#include "store/documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLLECTION "balanceTaken"

struct walk {
    const struct tg_bill_collect *collect;
    struct tg_bill_balance *balances;
    enum tg_err err;
};

/* One bill's: it lies before the window, or is the window's own; later ones do not count. */
static bool entry_take(const struct tg_json *entry, const struct tg_currency *currency,
                       const struct tg_bill_window *window, struct tg_bill_balance *balance)
{
    const char *end = tg_json_get_text(entry, "end", "");
    const char *text = tg_json_get_text(entry, "amount", "");
    int64_t end_ns = 0;
    int64_t amount = 0;
    if (tg_clock_parse(end, strlen(end), &end_ns) != TG_OK ||
        tg_money_parse(text, strlen(text), currency->minor, &amount) != TG_OK) {
        return false;
    }
    if (end_ns <= window->start_ns) {
        balance->opening -= (__int128)amount * tg_pow10(TG_MONEY_EXTRA_DECIMALS);
    } else if (end_ns == window->end_ns) {
        balance->taken = amount;
        balance->is_taken = true;
    }
    return true;
}

static bool account_read(void *context, const struct tg_document *document)
{
    struct walk *walk = context;
    const unsigned long account = strtoul(document->id, NULL, 10);
    struct tg_json *json = NULL;
    if (account >= walk->collect->roster->accounts_count) {
        return true;
    }
    walk->err = tg_json_parse(document->json, document->json_bytes, &json, NULL);
    const struct tg_json *taken = tg_json_get(json, "taken");
    const struct tg_currency *currency =
        tg_currency_by_code(tg_json_get_text(json, "currency", ""));
    walk->err = walk->err == TG_OK && currency == NULL ? TG_E_CORRUPT : walk->err;
    for (size_t i = 0; i < tg_json_count(taken) && walk->err == TG_OK; i++) {
        if (!entry_take(tg_json_at(taken, i), currency,
                        tg_bill_collect_window(walk->collect, (uint32_t)account),
                        &walk->balances[account])) {
            walk->err = TG_E_CORRUPT;
        }
    }
    tg_json_free(json);
    return walk->err == TG_OK;
}

enum tg_err tg_bill_taken_read(struct tg_db *state, const struct tg_bill_collect *collect,
                               struct tg_bill_balance *balances, struct tg_why *why)
{
    struct walk walk = {.collect = collect, .balances = balances};
    struct tg_txn txn;
    if (state == NULL) {
        return TG_OK;
    }
    tg_txn_begin(&txn, state, false);
    enum tg_err err = tg_documents_visit(&txn, COLLECTION, NULL, account_read, &walk, NULL);
    tg_txn_abort(&txn);
    err = err == TG_OK ? walk.err : err;
    return err == TG_OK ? TG_OK
                        : tg_why_set(why, err, "what bills took from balances cannot be read: %s",
                                     tg_err_sentence(err));
}

static void amount_put(struct tg_bill_text *text, const struct tg_bill_take *take, __int128 amount)
{
    TG_BILL_TEXT_PUT(text, "\"amount\":\"");
    tg_bill_text_money(text, amount, take->minor, take->minor);
    TG_BILL_TEXT_PUT(text, "\"");
}

/* Behind what the account's earlier bills took; the document ends in "]}". */
static enum tg_err taken_append(struct tg_txn *txn, const struct tg_bill_take *take)
{
    static const char end[] = "]}";
    char id[16];
    struct tg_bytes known = {NULL, 0};
    (void)snprintf(id, sizeof id, "%010u", take->account);
    const enum tg_err err = tg_documents_get(txn, COLLECTION, id, &known);
    if (err != TG_OK && err != TG_E_NOT_FOUND) {
        return err;
    }
    const size_t kept = err == TG_OK ? known.length_bytes - (sizeof end - 1) : 0;
    const size_t room = kept + 256;
    char *bytes = malloc(room);
    if (bytes == NULL) {
        return TG_E_NO_MEMORY;
    }
    struct tg_bill_text text = tg_bill_text(bytes, room);
    if (err == TG_OK) {
        tg_bill_text_put(&text, known.at, kept);
        TG_BILL_TEXT_PUT(&text, ",");
    } else {
        tg_bill_text_add(&text, "{\"currency\":\"%s\",\"taken\":[", take->currency);
    }
    TG_BILL_TEXT_PUT(&text, "{\"end\":\"");
    tg_bill_text_time(&text, take->end_ns);
    TG_BILL_TEXT_PUT(&text, "\",");
    amount_put(&text, take, take->amount);
    TG_BILL_TEXT_PUT(&text, "}]}");
    tg_documents_put(txn, COLLECTION, id, text.bytes, text.length_bytes);
    free(bytes);
    return TG_OK;
}

enum tg_err tg_bill_take_put(struct tg_txn *txn, const struct tg_bill_take *take)
{
    char id[64];
    char bytes[1024];
    struct tg_bill_text text = tg_bill_text(bytes, sizeof bytes);
    const enum tg_err err = taken_append(txn, take);
    if (err != TG_OK) {
        return err;
    }
    const uint64_t ordinal = tg_counter_next(txn, TG_BILL_TAKE_COLLECTION);
    if (ordinal == 0) {
        return TG_E_DATABASE;
    }
    (void)snprintf(id, sizeof id, TG_BILL_TAKE_ID "%020llu", (unsigned long long)ordinal);
    TG_BILL_TEXT_PUT(&text, "{\"account\":");
    tg_bill_text_quote(&text, take->account_name);
    TG_BILL_TEXT_PUT(&text, ",");
    amount_put(&text, take, -(__int128)take->amount);
    TG_BILL_TEXT_PUT(&text, ",\"bill\":");
    tg_bill_text_quote(&text, take->bill);
    TG_BILL_TEXT_PUT(&text, "}");
    tg_documents_put(txn, TG_BILL_TAKE_COLLECTION, id, text.bytes, text.length_bytes);
    return TG_OK;
}
