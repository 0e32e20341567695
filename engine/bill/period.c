/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/period.h"

#include "base/clock.h"
#include "bill/close.h"
#include "bill/cycle.h"
#include "bill/text.h"
#include "bill/voided.h"
#include "catalog/catalog.h"
#include "doc/json.h"
#include "store/documents.h"

#include <stdio.h>
#include <string.h>

#define COLLECTION "billRun"

static const char *const names[] = {"none", "collecting", "calculated", "approved", "issued"};

const char *tg_bill_period_state_name(uint8_t state)
{
    return state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

static void period_id(uint32_t month, const char *account_name, char id[TG_DOCUMENT_NAME_MAX])
{
    char period[TG_BILL_PERIOD_BYTES];
    tg_bill_period_print(month, period);
    (void)snprintf(id, TG_DOCUMENT_NAME_MAX, "%s%s%s", period, account_name != NULL ? "/" : "",
                   account_name != NULL ? account_name : "");
}

/* The document of a period; *json stays NULL when there is none. */
static enum tg_err document_get(struct tg_txn *txn, uint32_t month, const char *account_name,
                                struct tg_json **json, struct tg_why *why)
{
    char id[TG_DOCUMENT_NAME_MAX];
    struct tg_bytes bytes = {NULL, 0};
    *json = NULL;
    period_id(month, account_name, id);
    enum tg_err err = tg_documents_get(txn, COLLECTION, id, &bytes);
    if (err == TG_E_NOT_FOUND && account_name != NULL) {
        period_id(month, NULL, id);
        err = tg_documents_get(txn, COLLECTION, id, &bytes);
    }
    if (err == TG_OK) {
        err = tg_json_parse(bytes.at, bytes.length_bytes, json, why);
    }
    return err == TG_E_NOT_FOUND ? TG_OK : err;
}

static enum tg_err document_read(struct tg_db *state, uint32_t month, const char *account_name,
                                 struct tg_json **json, struct tg_why *why)
{
    struct tg_txn txn;
    tg_txn_begin(&txn, state, false);
    const enum tg_err err = document_get(&txn, month, account_name, json, why);
    tg_txn_abort(&txn);
    return err;
}

static int64_t time_of(const struct tg_json *json, const char *key)
{
    const char *text = tg_json_get_text(json, key, "");
    int64_t time_ns = INT64_MIN;
    return tg_clock_parse(text, strlen(text), &time_ns) == TG_OK ? time_ns : INT64_MIN;
}

static void period_take(const struct tg_json *json, struct tg_bill_period *period)
{
    const char *name = tg_json_get_text(json, "state", "");
    for (uint8_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        period->state = strcmp(names[i], name) == 0 ? i : period->state;
    }
    period->epoch = (uint64_t)tg_json_get_integer(json, "epoch", 0);
    period->incomplete_count = (uint32_t)tg_json_get_integer(json, "incomplete_sources", 0);
    period->grace_until_ns = time_of(json, "grace_until");
    period->approved_ns = time_of(json, "approved_at");
    period->issued_ns = time_of(json, "date");
    (void)snprintf(period->approved_by, sizeof period->approved_by, "%s",
                   tg_json_get_text(json, "approved_by", ""));
}

uint8_t tg_bill_period_peek(struct tg_txn *txn, uint32_t month, const char *account_name)
{
    struct tg_json *json = NULL;
    struct tg_bill_period period = {.state = TG_BILL_PERIOD_NONE};
    if (document_get(txn, month, account_name, &json, NULL) == TG_OK && json != NULL) {
        period_take(json, &period);
    }
    tg_json_free(json);
    return period.state;
}

enum tg_err tg_bill_period_read(struct tg_db *state, uint32_t month, const char *account_name,
                                struct tg_bill_period *period, struct tg_why *why)
{
    struct tg_json *json = NULL;
    *period = (struct tg_bill_period){.month = month,
                                      .grace_until_ns = INT64_MIN,
                                      .approved_ns = INT64_MIN,
                                      .issued_ns = INT64_MIN};
    const enum tg_err err = document_read(state, month, account_name, &json, why);
    if (json != NULL) {
        period_take(json, period);
    }
    tg_json_free(json);
    return err;
}

enum tg_err tg_bill_period_write(struct tg_db *state, const struct tg_bill_period *period,
                                 const char *account_name,
                                 const struct tg_catalog_snapshot *catalog, struct tg_why *why)
{
    char id[TG_DOCUMENT_NAME_MAX];
    char bytes[512 + TG_BILL_APPROVER_BYTES * 6 + TG_CATALOG_IMAGES_MAX * 12];
    struct tg_bill_text text = tg_bill_text(bytes, sizeof bytes);
    period_id(period->month, account_name, id);
    tg_bill_text_add(&text,
                     "{\"month\":%u,\"state\":\"%s\",\"epoch\":%llu,\"incomplete_sources\":%u",
                     period->month, tg_bill_period_state_name(period->state),
                     (unsigned long long)period->epoch, period->incomplete_count);
    if (period->grace_until_ns != INT64_MIN) {
        TG_BILL_TEXT_PUT(&text, ",\"grace_until\":\"");
        tg_bill_text_time(&text, period->grace_until_ns);
        TG_BILL_TEXT_PUT(&text, "\"");
    }
    if (period->issued_ns != INT64_MIN) {
        TG_BILL_TEXT_PUT(&text, ",\"date\":\"");
        tg_bill_text_time(&text, period->issued_ns);
        TG_BILL_TEXT_PUT(&text, "\"");
    }
    if (period->approved_ns != INT64_MIN) {
        TG_BILL_TEXT_PUT(&text, ",\"approved_at\":\"");
        tg_bill_text_time(&text, period->approved_ns);
        TG_BILL_TEXT_PUT(&text, "\",\"approved_by\":");
        tg_bill_text_quote(&text, period->approved_by);
    }
    TG_BILL_TEXT_PUT(&text, ",\"versions\":[");
    tg_bill_versions_print(catalog, &text);
    TG_BILL_TEXT_PUT(&text, "]}");
    struct tg_txn txn;
    tg_txn_begin(&txn, state, true);
    tg_documents_put(&txn, COLLECTION, id, text.bytes, text.length_bytes);
    return tg_txn_commit(&txn, why);
}

static enum tg_err approvable(const struct tg_bill_approval *approval,
                              const struct tg_bill_period *period, struct tg_why *why)
{
    if (strlen(approval->by) >= TG_BILL_APPROVER_BYTES) {
        return tg_why_set(why, TG_E_INVALID, "who approves has a name of more than %u octets",
                          TG_BILL_APPROVER_BYTES - 1);
    }
    if (period->state == TG_BILL_PERIOD_CALCULATED || period->state == TG_BILL_PERIOD_APPROVED) {
        return TG_OK;
    }
    return tg_why_set(why, TG_E_INVALID,
                      period->state == TG_BILL_PERIOD_NONE
                          ? "there are no drafts to approve: run the period first"
                      : period->state == TG_BILL_PERIOD_ISSUED
                          ? "the period is issued"
                          : "the period is collecting: %u sources are not complete",
                      period->incomplete_count);
}

enum tg_err tg_bill_period_approve(struct tg_db *state, const struct tg_catalog_snapshot *catalog,
                                   const struct tg_bill_approval *approval,
                                   struct tg_bill_period *period, struct tg_why *why)
{
    struct tg_json *json = NULL;
    struct tg_bill_closes closes = {.count = 0};
    struct tg_catalog_snapshot known = *catalog;
    uint64_t epoch = 0;
    enum tg_err err =
        tg_bill_period_read(state, approval->month, approval->account_name, period, why);
    if (err == TG_OK && period->state == TG_BILL_PERIOD_ISSUED) {
        uint32_t count = 0;
        err = tg_bill_voids_approve(state, approval->month, approval->account_name, &count, why);
        if (err == TG_OK && count > 0) {
            period->state = TG_BILL_PERIOD_APPROVED;
            return TG_OK;
        }
    }
    err = err == TG_OK ? approvable(approval, period, why) : err;
    if (err != TG_OK || period->state == TG_BILL_PERIOD_APPROVED) {
        return err;
    }
    err = document_read(state, approval->month, approval->account_name, &json, why);
    err = err == TG_OK ? tg_bill_versions_keep(tg_json_get(json, "versions"), &known, why) : err;
    err = err == TG_OK ? tg_bill_closes_load(state, approval->month, &closes, why) : err;
    if (err == TG_OK && !tg_bill_closes_find(&closes, approval->account, approval->month, &epoch)) {
        const struct tg_bill_close close = {
            .epoch = period->epoch, .account = approval->account, .month = approval->month};
        err = tg_bill_close_put(state, &closes, &close, approval->account_name, &known, why);
    }
    if (err == TG_OK) {
        period->state = TG_BILL_PERIOD_APPROVED;
        period->approved_ns = approval->at_ns;
        (void)snprintf(period->approved_by, sizeof period->approved_by, "%s", approval->by);
        err = tg_bill_period_write(state, period, approval->account_name, &known, why);
    }
    tg_bill_closes_free(&closes);
    tg_json_free(json);
    return err;
}
