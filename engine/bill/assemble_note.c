/* SPDX-License-Identifier: Apache-2.0 */
/* Late usage as notes on the invoices it is late for, where products want that. */
#include "bill/assemble_parts.h"
#include "doc/json.h"
#include "store/documents.h"

#include <stdio.h>
#include <string.h>

/* Room that the suffix of a note and of its lines need behind the invoice's id. */
#define SUFFIX_CHARS 32u

static bool issued_read(struct tg_db *state, struct tg_bill_note_head *note)
{
    struct tg_txn txn;
    struct tg_bytes bytes = {NULL, 0};
    struct tg_json *json = NULL;
    tg_txn_begin(&txn, state, false);
    enum tg_err err = tg_documents_get(&txn, "billIssued", note->bill_id, &bytes);
    err = err == TG_OK ? tg_json_parse(bytes.at, bytes.length_bytes, &json, NULL) : err;
    tg_txn_abort(&txn);
    if (err == TG_OK) {
        (void)snprintf(note->number, sizeof note->number, "%s",
                       tg_json_get_text(json, "number", ""));
        (void)snprintf(note->entity, sizeof note->entity, "%s",
                       tg_json_get_text(json, "entity", TG_ENTITY_DEFAULT));
        (void)snprintf(note->title, sizeof note->title, "%s", tg_json_get_text(json, "seller", ""));
        (void)snprintf(note->tax_id, sizeof note->tax_id, "%s",
                       tg_json_get_text(json, "sellerTaxId", ""));
    }
    tg_json_free(json);
    return err == TG_OK;
}

static bool invoice_find(const struct tg_bill_assembler *made, uint32_t month, uint16_t currency,
                         struct tg_bill_note_head *note)
{
    const uint16_t own = made->catalog->roster->accounts[made->account].currency;
    const struct tg_currency *known = tg_currency_by_numeric(currency);
    *note = (struct tg_bill_note_head){
        .window = tg_bill_cycle_bill(&made->cycle, month), .month = month, .currency = currency};
    return made->state != NULL && known != NULL &&
           tg_bill_standing_id(made, &note->window, currency == own ? NULL : known->code,
                               note->bill_id, NULL) &&
           strlen(note->bill_id) + SUFFIX_CHARS < TG_BILL_ID_BYTES &&
           issued_read(made->state, note);
}

void tg_bill_note_mark(struct tg_bill_assembler *made, struct tg_bill_line *line, uint32_t month)
{
    month = tg_bill_cycle_last(&made->cycle, month);
    for (uint32_t i = 0; i < made->notes_count; i++) {
        if (made->notes[i].month == month && made->notes[i].currency == line->currency) {
            line->note_month = (uint16_t)month;
            return;
        }
    }
    if (made->notes_count < TG_BILL_NOTES_MAX &&
        invoice_find(made, month, line->currency, &made->notes[made->notes_count])) {
        made->notes_count++;
        line->note_month = (uint16_t)month;
    }
}

enum tg_err tg_bill_note_head_make(const struct tg_bill_assembler *made,
                                   const struct tg_bill_note_head *note,
                                   struct tg_bill_invoice *invoice)
{
    invoice->period_start_ns = note->window.start_ns;
    invoice->period_end_ns = note->window.end_ns;
    invoice->zone = tg_bill_cycle_zone(&made->cycle, note->window.end_ns - 1);
    invoice->zone_name = tg_bill_cycle_zone_name(&made->cycle, note->window.end_ns - 1);
    invoice->reference_id = note->bill_id;
    invoice->reference_number = note->number;
    invoice->reason = "late usage";
    invoice->seller =
        (struct tg_bill_seller){.entity = note->entity,
                                .title = note->title[0] != '\0' ? note->title : NULL,
                                .tax_id = note->tax_id[0] != '\0' ? note->tax_id : NULL};
    __int128 sum = 0;
    for (uint32_t i = 0; i < invoice->lines_count; i++) {
        sum += invoice->lines[i].amount_exact;
    }
    char period[TG_BILL_PERIOD_BYTES];
    tg_bill_period_print(made->window.month, period);
    invoice->document = sum < 0 ? TG_BILL_CREDIT_NOTE : TG_BILL_DEBIT_NOTE;
    const int length =
        snprintf(invoice->id, sizeof invoice->id, "N-%s-late-%s", note->bill_id, period);
    return length > 0 && length + 12 < (int)sizeof invoice->id ? TG_OK : TG_E_FULL;
}
