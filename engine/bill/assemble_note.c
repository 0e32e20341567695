/* SPDX-License-Identifier: Apache-2.0 */
/* Late usage as notes on the invoices it is late for, where products want that. */
#include "base/clock.h"
#include "bill/assemble_parts.h"
#include "bill/bill_id.h"
#include "bill/voided.h"
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

static int id_print(const struct tg_bill_assembler *made, const char *bill_id,
                    char id[TG_BILL_ID_BYTES])
{
    char period[TG_BILL_PERIOD_BYTES];
    tg_bill_period_print(made->window.month, period);
    return snprintf(id, TG_BILL_ID_BYTES, "N-%s" TG_BILL_LATE_NOTE "%s", bill_id, period);
}

/* The invoice, of those that were made for the period, that an earlier run of this one has noted
 * the usage on: it stays there, also when that invoice was voided and made again since. */
static bool noted_find(const struct tg_bill_assembler *made, const char *suffix,
                       struct tg_bill_note_head *note)
{
    const struct tg_zone_view zone = tg_bill_cycle_zone(&made->cycle, note->window.end_ns - 1);
    char id[TG_BILL_ID_BYTES];
    struct tg_bytes bytes;
    struct tg_txn txn;
    bool is_found = false;
    if (!tg_bill_id_format(made->account_id, tg_zone_local_ns(zone, note->window.start_ns),
                           tg_zone_local_ns(zone, note->window.end_ns), suffix, note->bill_id)) {
        return false;
    }
    const size_t length = strlen(note->bill_id);
    tg_txn_begin(&txn, made->state, false);
    for (uint32_t turn = 2; length + SUFFIX_CHARS < TG_BILL_ID_BYTES; turn++) {
        (void)id_print(made, note->bill_id, id);
        is_found = tg_documents_get(&txn, "billIssued", id, &bytes) == TG_OK;
        if (is_found || !tg_bill_void_find(&txn, note->bill_id)) {
            break;
        }
        (void)snprintf(note->bill_id + length, TG_BILL_ID_BYTES - length, TG_BILL_AGAIN "%u", turn);
    }
    tg_txn_abort(&txn);
    return is_found && issued_read(made->state, note);
}

/* Has an earlier run put it on this period's bill, as there was no invoice to note it on? */
static bool line_find(const struct tg_bill_assembler *made, const char *suffix,
                      const struct tg_bill_line *line)
{
    char id[TG_BILL_ID_BYTES];
    struct tg_bytes bytes;
    struct tg_json *bill = NULL;
    struct tg_txn txn;
    bool is_found = false;
    if (!tg_bill_standing_id(made, &made->window, suffix, id, NULL)) {
        return false;
    }
    tg_txn_begin(&txn, made->state, false);
    if (tg_documents_get(&txn, "customerBill", id, &bytes) == TG_OK) {
        (void)tg_json_parse(bytes.at, bytes.length_bytes, &bill, NULL);
    }
    tg_txn_abort(&txn);
    const struct tg_json *lines = tg_json_get(bill, "x_line");
    for (size_t i = 0; i < tg_json_count(lines) && !is_found; i++) {
        const struct tg_json *of = tg_json_at(lines, i);
        const char *from = tg_json_get_text(of, "x_from", "");
        int64_t from_ns = 0;
        is_found = strcmp(tg_json_get_text(of, "x_kind", ""),
                          tg_bill_line_kind_name(TG_BILL_LINE_LATE)) == 0 &&
                   strcmp(tg_json_get_text(of, "x_subscription", ""), line->subscriber_id) == 0 &&
                   tg_clock_parse(from, strlen(from), &from_ns) == TG_OK &&
                   from_ns == line->from_ns;
    }
    tg_json_free(bill);
    return is_found;
}

/* What an earlier run of the period did with usage is done again: bills may have been voided and
 * made again since. Else it goes on the invoice that stands. */
static bool invoice_find(const struct tg_bill_assembler *made, uint32_t month,
                         const struct tg_bill_line *line, struct tg_bill_note_head *note)
{
    const uint16_t own = made->catalog->roster->accounts[made->account].currency;
    const struct tg_currency *known = tg_currency_by_numeric(line->currency);
    *note = (struct tg_bill_note_head){.window = tg_bill_cycle_bill(&made->cycle, month),
                                       .month = month,
                                       .currency = line->currency};
    if (made->state == NULL || known == NULL) {
        return false;
    }
    const char *suffix = line->currency == own ? NULL : known->code;
    if (noted_find(made, suffix, note)) {
        return true;
    }
    return !line_find(made, suffix, line) &&
           tg_bill_standing_id(made, &note->window, suffix, note->bill_id, NULL) &&
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
        invoice_find(made, month, line, &made->notes[made->notes_count])) {
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
    invoice->weeks = note->window.weeks > 1 ? (uint8_t)note->window.weeks : 0;
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
    invoice->document = sum < 0 ? TG_BILL_CREDIT_NOTE : TG_BILL_DEBIT_NOTE;
    const int length = id_print(made, note->bill_id, invoice->id);
    return length > 0 && length + 12 < (int)sizeof invoice->id ? TG_OK : TG_E_FULL;
}
