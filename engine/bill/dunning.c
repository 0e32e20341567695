/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "bill/dunning.h"

#include "base/clock.h"
#include "base/money.h"
#include "bill/standing.h"
#include "bill/text.h"
#include "catalog/catalog.h"
#include "store/documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_REMINDERS 1024u

/* A step of a bill that has come. */
struct due {
    char bill[TG_DOCUMENT_NAME_MAX];
    struct tg_bill_standing standing;
    uint32_t step;
};

struct dunning {
    const struct tg_billing *billing;
    int64_t at_ns;
    struct tg_txn txn; /* One batch: what is looked at and what is written. */
    struct due *dues;  /* Shape [BATCH_REMINDERS]. */
    uint32_t count;
    uint32_t visited_count;
    enum tg_err err;
    char next[TG_DOCUMENT_NAME_MAX]; /* Where the next batch begins; "": at an end. */
};

static void step_key(const char *bill, uint32_t step, char key[TG_DOCUMENT_NAME_MAX + 16])
{
    (void)snprintf(key, TG_DOCUMENT_NAME_MAX + 16, "%s/%u", bill, step);
}

/* Steps of one bill that have come and were not told. */
static void bill_look(struct dunning *dunning, const char *bill,
                      const struct tg_bill_standing *standing)
{
    for (uint32_t i = 0; i < dunning->billing->dunning_count; i++) {
        char key[TG_DOCUMENT_NAME_MAX + 16];
        struct tg_bytes known;
        const int64_t step_ns =
            standing->due_ns + dunning->billing->dunning_days[i] * TG_NS_PER_DAY;
        step_key(bill, i + 1, key);
        if (dunning->at_ns >= step_ns &&
            tg_documents_get(&dunning->txn, "billDunning", key, &known) == TG_E_NOT_FOUND) {
            struct due *due = &dunning->dues[dunning->count++];
            (void)snprintf(due->bill, sizeof due->bill, "%s", bill);
            due->standing = *standing;
            due->step = i + 1;
        }
    }
}

static bool document_look(void *context, const struct tg_document *document)
{
    struct dunning *dunning = context;
    struct tg_bill_standing standing;
    if (dunning->count + TG_DUNNING_STEPS_MAX > BATCH_REMINDERS) {
        (void)snprintf(dunning->next, sizeof dunning->next, "%s", document->id);
        return false;
    }
    static const char key[] = "\"due\":\"";
    const char *due = memmem(document->json, document->json_bytes, key, sizeof key - 1);
    if (due == NULL) {
        return true; /* A note, or a bill of a version without payment_days. */
    }
    dunning->err = tg_bill_standing_read(&dunning->txn, document->id, &standing);
    if (dunning->err == TG_OK && standing.open > 0 && !standing.is_note) {
        bill_look(dunning, document->id, &standing);
    }
    return dunning->err == TG_OK;
}

static void due_put(struct dunning *dunning, const struct due *due)
{
    const struct tg_bill_standing *standing = &due->standing;
    char key[TG_DOCUMENT_NAME_MAX + 16];
    char bytes[2048];
    struct tg_bill_text text = tg_bill_text(bytes, sizeof bytes);
    TG_BILL_TEXT_PUT(&text, "{\"eventType\":\"CustomerBillDunningEvent\",\"eventTime\":\"");
    tg_bill_text_time(&text, dunning->at_ns);
    TG_BILL_TEXT_PUT(&text, "\",\"event\":{\"customerBill\":{\"id\":");
    tg_bill_text_quote(&text, due->bill);
    tg_bill_text_add(&text, ",\"billNo\":\"%s\"},\"account\":", standing->number);
    tg_bill_text_quote(&text, standing->account);
    tg_bill_text_add(&text, ",\"step\":%u,\"days\":%u,\"dueDate\":\"", due->step,
                     dunning->billing->dunning_days[due->step - 1]);
    tg_bill_text_time(&text, standing->due_ns);
    tg_bill_text_add(&text, "\",\"currency\":\"%s\",\"open\":\"", standing->currency->code);
    tg_bill_text_money(&text, standing->open, standing->currency->minor, standing->currency->minor);
    TG_BILL_TEXT_PUT(&text, "\"}}");
    step_key(due->bill, due->step, key);
    tg_documents_put(&dunning->txn, "billDunning", key, text.bytes, text.length_bytes);
    (void)tg_outbox_append(&dunning->txn, text.bytes, text.length_bytes);
}

static enum tg_err batch_run(struct dunning *dunning, struct tg_db *state, tg_bill_remind remind,
                             void *context, struct tg_why *why)
{
    char from[TG_DOCUMENT_NAME_MAX];
    memcpy(from, dunning->next, sizeof from);
    dunning->next[0] = '\0';
    dunning->count = 0;
    tg_txn_begin(&dunning->txn, state, true);
    enum tg_err err = tg_documents_visit(&dunning->txn, "billIssued", from[0] != '\0' ? from : NULL,
                                         document_look, dunning, NULL);
    err = err == TG_E_NOT_FOUND ? TG_OK : err;
    err = err == TG_OK ? dunning->err : err;
    for (uint32_t i = 0; i < dunning->count && err == TG_OK; i++) {
        due_put(dunning, &dunning->dues[i]);
    }
    if (err != TG_OK || dunning->count == 0) {
        tg_txn_abort(&dunning->txn);
        return err;
    }
    err = tg_txn_commit(&dunning->txn, why);
    for (uint32_t i = 0; i < dunning->count && err == TG_OK && remind != NULL; i++) {
        const struct due *due = &dunning->dues[i];
        remind(context, &(struct tg_bill_reminder){due->bill, &due->standing, due->step,
                                                   dunning->billing->dunning_days[due->step - 1]});
    }
    return err;
}

enum tg_err tg_bill_dunning_run(struct tg_db *state, const struct tg_catalog_snapshot *catalog,
                                int64_t at_ns, tg_bill_remind remind, void *context,
                                struct tg_why *why)
{
    const struct tg_image *image = tg_catalog_image_at(catalog, at_ns);
    if (image == NULL || image->billing.dunning_count == 0) {
        return TG_OK;
    }
    struct dunning *dunning = calloc(1, sizeof *dunning);
    struct due *dues = calloc(BATCH_REMINDERS, sizeof *dues);
    enum tg_err err = dunning != NULL && dues != NULL
                          ? TG_OK
                          : tg_why_set(why, TG_E_NO_MEMORY, "no memory for reminders");
    if (err == TG_OK) {
        *dunning = (struct dunning){.billing = &image->billing, .at_ns = at_ns, .dues = dues};
        do {
            err = batch_run(dunning, state, remind, context, why);
        } while (err == TG_OK && dunning->next[0] != '\0');
    }
    free(dues);
    free(dunning);
    return err;
}
