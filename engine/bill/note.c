/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/note.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/money.h"
#include "bill/cycle.h"
#include "bill/interim.h"
#include "bill/issue.h"
#include "bill/text.h"
#include "bill/voided.h"
#include "catalog/image.h"
#include "doc/json.h"
#include "store/documents.h"

#include <stdio.h>
#include <string.h>

#define NAME_CHARS_MAX 16u

/* A note being made. */
struct note {
    const struct tg_bill_note_params *params;
    struct tg_why *why;
    struct tg_json *bill; /* The invoice it is for. */
    char bill_id[TG_BILL_ID_BYTES];
    struct tg_bill_invoice invoice; /* The note itself. */
    struct tg_bill_scratch scratch;
    struct tg_bill_line *lines; /* Shape [TG_BILL_NOTE_LINES_MAX]. */
    int64_t *taken;             /* Net that earlier notes took, by line; same shape. */
    uint32_t bill_lines_count;
    uint32_t interim_month;            /* The invoice is an interim bill of it; 0: of no cycle's. */
    struct tg_zone_offset days[2];     /* As the invoice printed its begin and end. */
    char prefix[TG_BILL_ID_BYTES + 8]; /* Of the ids of all notes on the invoice. */
};

static enum tg_err bill_load(struct note *note, struct tg_db *state)
{
    struct tg_txn txn;
    struct tg_bytes bytes = {NULL, 0};
    struct tg_json *json = NULL;
    struct tg_bill_interim interim;
    (void)snprintf(note->bill_id, sizeof note->bill_id, "%s", note->params->bill);
    tg_txn_begin(&txn, state, false);
    if (tg_documents_get(&txn, "billNumber", note->params->bill, &bytes) == TG_OK &&
        tg_json_parse(bytes.at, bytes.length_bytes, &json, NULL) == TG_OK) {
        (void)snprintf(note->bill_id, sizeof note->bill_id, "%s",
                       tg_json_get_text(json, "bill", ""));
    }
    tg_json_free(json);
    enum tg_err err = tg_documents_get(&txn, "customerBill", note->bill_id, &bytes);
    if (err == TG_OK) {
        err = tg_json_parse(bytes.at, bytes.length_bytes, &note->bill, note->why);
    } else {
        err = tg_why_set(note->why, err, "no issued invoice is called '%s'", note->params->bill);
    }
    const struct tg_json *account = tg_json_get(note->bill, "billingAccount");
    if (tg_bill_interim_of(&txn, note->bill_id, tg_json_get_text(account, "id", ""), &interim)) {
        note->interim_month = interim.month;
    }
    if (err == TG_OK && !note->params->voids && tg_bill_void_find(&txn, note->bill_id)) {
        err = tg_why_set(note->why, TG_E_INVALID, "%s is void", note->params->bill);
    }
    tg_txn_abort(&txn);
    if (err == TG_OK && strcmp(tg_json_get_text(note->bill, "category", ""), "normal") != 0) {
        err = tg_why_set(note->why, TG_E_INVALID, "%s is a note itself", note->params->bill);
    }
    return err;
}

static enum tg_err money_read(const struct tg_json *json, const char *key,
                              const struct tg_currency *currency, int64_t *amount)
{
    const char *text = tg_json_get_text(json, key, "");
    return tg_money_parse(text, strlen(text), currency->minor, amount);
}

/* Sums what earlier notes took from each line; a note's own earlier issue does not count. */
static bool taken_add(void *context, const struct tg_document *document)
{
    struct note *note = context;
    if (strncmp(document->id, note->prefix, strlen(note->prefix)) != 0) {
        return false;
    }
    struct tg_json *json = NULL;
    if (strcmp(document->id, note->invoice.id) == 0 ||
        tg_json_parse(document->json, document->json_bytes, &json, NULL) != TG_OK) {
        return true;
    }
    if (strcmp(tg_json_get_text(json, "x_referenceId", ""), note->bill_id) != 0) {
        tg_json_free(json); /* Of account a-b, where this bill is of account a. */
        return true;
    }
    const struct tg_json *lines = tg_json_get(json, "x_line");
    for (size_t i = 0; i < tg_json_count(lines); i++) {
        const struct tg_json *line = tg_json_at(lines, i);
        const int64_t of = tg_json_get_integer(line, "x_covered", 0) - 1;
        int64_t amount = 0;
        if (of >= 0 && of < note->bill_lines_count &&
            money_read(line, "x_amount", note->invoice.currency, &amount) == TG_OK) {
            note->taken[of] += amount;
        }
    }
    tg_json_free(json);
    return true;
}

static uint8_t mode_by_name(const char *name)
{
    return strcmp(name, "line") == 0     ? TG_TAX_PER_LINE
           : strcmp(name, "charge") == 0 ? TG_TAX_PER_CHARGE
                                         : TG_TAX_PER_CATEGORY;
}

/* One taxItem of the invoice as the part of a set, or alone. */
static bool item_read(const struct tg_json *item, struct tg_bill_tax_part *part)
{
    const int rounding = tg_rounding_by_name(tg_json_get_text(item, "x_rounding", ""));
    const int64_t rate_ppm = tg_json_get_integer(item, "x_ratePpm", -1);
    *part = (struct tg_bill_tax_part){.id = tg_json_get_text(item, "taxCategory", ""),
                                      .rate_ppm = (uint32_t)rate_ppm,
                                      .rounding = (uint8_t)rounding,
                                      .is_compound = tg_json_get_bool(item, "x_compound", false),
                                      .is_exempt = tg_json_get_bool(item, "x_exempt", false)};
    return rounding >= 0 && rate_ppm >= 0;
}

/* The category of the invoice's line, with the rates it was issued with. */
static enum tg_err tax_take(struct note *note, const struct tg_json *line, uint16_t *index)
{
    const char *category = tg_json_get_text(line, "taxCategory", "");
    const int64_t from = tg_json_get_integer(line, "x_taxItem", 0);
    const struct tg_json *items = tg_json_get(note->bill, "taxItem");
    struct tg_bill_tax wanted = {.id = category, .is_given = !note->params->is_debit};
    bool is_found = false;
    bool is_over = false;
    for (size_t i = from > 0 ? (size_t)from : 0; i < tg_json_count(items) && !is_over; i++) {
        const struct tg_json *item = tg_json_at(items, i);
        const char *set = tg_json_get_text(item, "x_set", NULL);
        struct tg_bill_tax_part part;
        if (strcmp(set != NULL ? set : tg_json_get_text(item, "taxCategory", ""), category) != 0 ||
            !item_read(item, &part) || wanted.parts_count == TG_TAX_PARTS_MAX) {
            continue;
        }
        is_over = set == NULL || (is_found && strcmp(wanted.parts[0].id, part.id) == 0);
        if (is_over && is_found) {
            break; /* The set's first part again: another category of its name. */
        }
        is_found = true;
        wanted.mode = mode_by_name(tg_json_get_text(item, "x_mode", ""));
        if (set != NULL) {
            wanted.parts[wanted.parts_count++] = part;
            continue;
        }
        wanted.rate_ppm = part.rate_ppm;
        wanted.rounding = part.rounding;
        wanted.is_exempt = part.is_exempt;
    }
    *index = is_found ? tg_bill_invoice_category(&note->invoice, &wanted) : UINT16_MAX;
    return *index != UINT16_MAX
               ? TG_OK
               : tg_why_set(note->why, TG_E_CORRUPT, "the tax '%s' of %s cannot be read", category,
                            note->bill_id);
}

/* Of a tax, what goes with the part of the line's net that the note takes back. The sum of what
 * several notes took is rounded, not each: together they take back exactly what was charged. */
static enum tg_err tax_moved(int64_t tax, int64_t printed, int64_t taken, int64_t net,
                             int64_t *moved)
{
    const uint64_t divisor = printed < 0 ? (uint64_t)-printed : (uint64_t)printed;
    const int64_t sign = printed < 0 ? -1 : 1;
    int64_t before = 0;
    int64_t after = 0;
    enum tg_err err =
        tg_money_divide((__int128)tax * taken * sign, divisor, TG_ROUND_HALF_UP, &before);
    if (err == TG_OK) {
        err = tg_money_divide((__int128)tax * (taken + net) * sign, divisor, TG_ROUND_HALF_UP,
                              &after);
    }
    return err != TG_OK || __builtin_sub_overflow(after, before, moved) ? TG_E_AMOUNT_OVERFLOW
                                                                        : TG_OK;
}

static enum tg_err taxes_give(struct note *note, const struct tg_json *json, uint32_t index,
                              int64_t printed, struct tg_bill_line *line)
{
    const struct tg_json *parts = tg_json_get(json, "x_taxPart");
    if (printed == 0) { /* What a debit note put on a line of nothing: taxed at its rate. */
        return parts == NULL ? TG_OK
                             : tg_why_set(note->why, TG_E_INVALID,
                                          "line %u was issued at 0 with a set of taxes: enter a "
                                          "charge instead",
                                          index + 1);
    }
    const int64_t net = (int64_t)(line->amount_exact / tg_pow10(TG_MONEY_EXTRA_DECIMALS));
    int64_t tax = 0;
    enum tg_err err = money_read(json, "x_taxAmount", note->invoice.currency, &tax);
    if (err == TG_OK) {
        err = tax_moved(tax, printed, note->taken[index], net, &line->charge_tax);
    }
    for (size_t i = 0; i < tg_json_count(parts) && i < TG_TAX_PARTS_MAX && err == TG_OK; i++) {
        err = money_read(tg_json_at(parts, i), "x_tax", note->invoice.currency, &tax);
        if (err == TG_OK) {
            err = tax_moved(tax, printed, note->taken[index], net, &line->tax_parts[i]);
        }
    }
    line->has_charge_tax = true;
    return err == TG_OK
               ? TG_OK
               : tg_why_set(note->why, err, "the tax of line %u cannot be read", index + 1);
}

/* Net that the note moves on a line, signed: what is left of it, or what was asked for. */
static enum tg_err line_amount(struct note *note, uint32_t index, int64_t printed, int64_t *net)
{
    const struct tg_bill_note_params *params = note->params;
    const int64_t left = printed + note->taken[index]; /* Credits are stored negative. */
    int64_t asked = left;
    if (params->amount != NULL) {
        if (tg_money_parse(params->amount, strlen(params->amount), note->invoice.currency->minor,
                           &asked) != TG_OK ||
            asked <= 0) {
            return tg_why_set(note->why, TG_E_INVALID, "'%s' is no amount of %s above 0",
                              params->amount, note->invoice.currency->code);
        }
    }
    if (params->is_debit) {
        *net = asked;
        return params->amount != NULL
                   ? TG_OK
                   : tg_why_set(note->why, TG_E_INVALID, "a debit note wants an amount");
    }
    if (params->amount != NULL && asked > left) {
        return tg_why_set(note->why, TG_E_INVALID, "line %u has less than %s left to take back",
                          index + 1, params->amount);
    }
    *net = -asked;
    return TG_OK;
}

static enum tg_err line_make(struct note *note, uint32_t index)
{
    const struct tg_json *line = tg_json_at(tg_json_get(note->bill, "x_line"), index);
    const struct tg_currency *currency = note->invoice.currency;
    int64_t printed = 0;
    int64_t net = 0;
    uint16_t tax_index = 0;
    if (line == NULL || money_read(line, "x_amount", currency, &printed) != TG_OK) {
        return tg_why_set(note->why, TG_E_NOT_FOUND, "%s has no line %u that can be corrected",
                          note->bill_id, index + 1);
    }
    enum tg_err err = line_amount(note, index, printed, &net);
    if (err == TG_OK && net != 0) {
        err = tax_take(note, line, &tax_index);
    }
    if (err != TG_OK || net == 0) {
        return err;
    }
    struct tg_bill_line *made = &note->lines[note->invoice.lines_count++];
    *made = (struct tg_bill_line){
        .subscriber_id = tg_json_get_text(line, "x_subscription", ""),
        .product_id = tg_json_get_text(line, "product", ""),
        .zone_id = "",
        .price_id = tg_json_get_text(line, "id", ""),
        .unit_id = "",
        .title = note->params->reason,
        .amount_exact = (__int128)net * tg_pow10(TG_MONEY_EXTRA_DECIMALS),
        .fee = printed > INT64_MAX / 1000000 ? 0 : printed * 1000000,
        .covered = index + 1, /* The line it corrects; compute keeps it. */
        .covered_total = note->bill_lines_count,
        .subscriber = index, /* Keeps the invoice's order. */
        .currency = currency->numeric,
        .tax_index = tax_index,
        .kind = TG_BILL_LINE_CREDIT,
        .proration = TG_PRORATE_NONE_FULL,
    };
    return note->params->is_debit ? TG_OK : taxes_give(note, line, index, printed, made);
}

/* An instant of the invoice, and the offset it was printed with. */
static bool time_read(const char *text, int64_t *time_ns, struct tg_zone_offset *offset)
{
    char wall[] = "2026-10-01T00:00:00Z";
    int64_t local_ns = 0;
    if (tg_clock_parse(text, strlen(text), time_ns) != TG_OK || strlen(text) < sizeof wall - 1) {
        return false;
    }
    memcpy(wall, text, sizeof wall - 2);
    const bool is_read = tg_clock_parse(wall, sizeof wall - 1, &local_ns) == TG_OK;
    *offset = (struct tg_zone_offset){*time_ns, is_read ? local_ns - *time_ns : 0};
    return is_read;
}

/* A note is of who issued the invoice, by the name it has there. */
static struct tg_bill_seller seller_read(const struct tg_json *bill)
{
    const struct tg_json *seller = tg_json_get(bill, "x_seller");
    return (struct tg_bill_seller){.entity =
                                       tg_json_get_text(bill, "x_legalEntity", TG_ENTITY_DEFAULT),
                                   .title = tg_json_get_text(seller, "name", NULL),
                                   .tax_id = tg_json_get_text(seller, "taxId", NULL)};
}

static enum tg_err head_make(struct note *note)
{
    const struct tg_bill_note_params *params = note->params;
    const struct tg_json *account = tg_json_get(note->bill, "billingAccount");
    const struct tg_json *period = tg_json_get(note->bill, "billingPeriod");
    const char *from = tg_json_get_text(period, "startDateTime", "");
    const char *to = tg_json_get_text(period, "endDateTime", "");
    const struct tg_json *due = tg_json_get(note->bill, "amountDue");
    const int rounding =
        tg_rounding_by_name(tg_json_get_text(tg_json_get(note->bill, "x_rounding"), "mode", ""));
    struct tg_bill_invoice *invoice = &note->invoice;
    *invoice = (struct tg_bill_invoice){
        .account_id = tg_json_get_text(account, "id", ""),
        .account_name = tg_json_get_text(account, "name", ""),
        .currency = tg_currency_by_code(tg_json_get_text(due, "unit", "")),
        .issued_ns = params->issued_ns,
        .seller = seller_read(note->bill),
        .lines = note->lines,
        .rounding = rounding >= 0 ? (uint8_t)rounding : (uint8_t)TG_ROUND_HALF_UP,
        .document = params->is_debit ? TG_BILL_DEBIT_NOTE : TG_BILL_CREDIT_NOTE,
        .weeks = (uint8_t)tg_json_get_integer(note->bill, "x_weeks", 0),
        .reference_id = note->bill_id,
        .reference_number = tg_json_get_text(note->bill, "billNo", ""),
        .reason = params->reason};
    if (invoice->currency == NULL || !time_read(from, &invoice->period_start_ns, &note->days[0]) ||
        !time_read(to, &invoice->period_end_ns, &note->days[1])) {
        return tg_why_set(note->why, TG_E_CORRUPT, "invoice %s cannot be read", note->bill_id);
    }
    if (params->legal_entity != NULL && strcmp(params->legal_entity, invoice->seller.entity) != 0) {
        return tg_why_set(note->why, TG_E_INVALID, "invoice %s is of legal entity '%s', not '%s'",
                          note->bill_id, invoice->seller.entity, params->legal_entity);
    }
    note->days[0].from_ns = INT64_MIN;
    if (params->voids && tg_json_get_bool(note->bill, "x_interim", false) &&
        strpbrk(tg_json_get_text(note->bill, "x_paidFromBalance", ""), "123456789") != NULL) {
        return tg_why_set(note->why, TG_E_INVALID,
                          "the balance has paid usage of interim bill %s, and pays it whatever "
                          "bills say: credit what is due of it",
                          note->bill_id);
    }
    if (params->voids) {
        /* The part of a cycle that an interim bill is of may end in another month, or be a week. */
        invoice->voids_month =
            note->interim_month != 0
                ? note->interim_month
                : tg_bill_period_number(invoice->period_start_ns + note->days[0].offset_ns,
                                        invoice->period_end_ns + note->days[1].offset_ns,
                                        invoice->weeks);
    }
    invoice->zone = (struct tg_zone_view){note->days, 2, 0};
    invoice->zone_name = tg_json_get_text(note->bill, "x_timeZone", NULL);
    const size_t name_length = strlen(params->name);
    const char *alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    if (name_length == 0 || name_length > NAME_CHARS_MAX ||
        strspn(params->name, alphabet) != name_length) {
        return tg_why_set(note->why, TG_E_INVALID, "'%s' is no name of a note", params->name);
    }
    /* Those are ours: a run would take a note of that name for its own, and issue none. */
    if ((!params->voids && strcmp(params->name, TG_BILL_VOID_NOTE) == 0) ||
        strncmp(params->name, &TG_BILL_LATE_NOTE[1], sizeof TG_BILL_LATE_NOTE - 2) == 0) {
        return tg_why_set(note->why, TG_E_INVALID, "notes called '%s' are those of voids and runs",
                          params->name);
    }
    (void)snprintf(note->prefix, sizeof note->prefix, "N-%s-", note->bill_id);
    const int length =
        snprintf(invoice->id, sizeof invoice->id, "%s%s", note->prefix, params->name);
    note->bill_lines_count = (uint32_t)tg_json_count(tg_json_get(note->bill, "x_line"));
    return length + 12 < (int)sizeof invoice->id && note->bill_lines_count < TG_BILL_NOTE_LINES_MAX
               ? TG_OK
               : tg_why_set(note->why, TG_E_FULL, "invoice %s is too long for a note",
                            note->bill_id);
}

/* Discounts are lines of their own: who is given back all lines but these gets more than he paid.
 */
static enum tg_err credit_check(struct note *note)
{
    const struct tg_json *lines = tg_json_get(note->bill, "x_line");
    __int128 issued = 0;
    __int128 left = 0;
    for (uint32_t i = 0; i < note->bill_lines_count; i++) {
        int64_t printed = 0;
        if (money_read(tg_json_at(lines, i), "x_amount", note->invoice.currency, &printed) !=
            TG_OK) {
            return tg_why_set(note->why, TG_E_CORRUPT, "line %u cannot be read", i + 1);
        }
        issued += printed;
        left += printed + note->taken[i];
    }
    __int128 asked = 0;
    for (uint32_t i = 0; i < note->invoice.lines_count; i++) {
        asked -= note->lines[i].amount_exact / tg_pow10(TG_MONEY_EXTRA_DECIMALS);
    }
    if (note->params->is_debit || issued < 0 || asked <= left || asked <= 0) {
        return TG_OK;
    }
    char text[48];
    struct tg_bill_text out = tg_bill_text(text, sizeof text);
    tg_bill_text_money(&out, left, note->invoice.currency->minor, note->invoice.currency->minor);
    return tg_why_set(note->why, TG_E_INVALID,
                      "%s has %s net left to take back, its discounts taken off: give --amount",
                      note->bill_id, text);
}

static enum tg_err lines_make(struct note *note, struct tg_db *state)
{
    struct tg_txn txn;
    tg_txn_begin(&txn, state, false);
    enum tg_err err = tg_documents_visit(&txn, "customerBill", note->prefix, taken_add, note, NULL);
    tg_txn_abort(&txn);
    err = err == TG_E_NOT_FOUND ? TG_OK : err;
    if (note->params->line_index >= 0) {
        err = err == TG_OK ? line_make(note, (uint32_t)note->params->line_index) : err;
    } else if (note->params->amount != NULL) {
        err = tg_why_set(note->why, TG_E_INVALID, "an amount wants a line: give BILL:LINE");
    }
    for (uint32_t i = 0; note->params->line_index < 0 && i < note->bill_lines_count; i++) {
        err = err == TG_OK ? line_make(note, i) : err;
    }
    if (err == TG_OK && note->invoice.lines_count == 0) {
        err = tg_why_set(note->why, TG_E_INVALID, "nothing is left to take back");
    }
    err = err == TG_OK ? credit_check(note) : err;
    return err == TG_OK ? tg_bill_invoice_compute(&note->invoice, &note->scratch, note->why) : err;
}

static enum tg_err note_store(struct note *note, struct tg_db *state)
{
    const struct tg_bill_issue_params issue = {.size_bytes = sizeof issue,
                                               .series = note->params->is_debit ? "DN" : "CN"};
    struct tg_bill_issuer *issuer = NULL;
    enum tg_bill_outcome outcome = TG_BILL_OUTCOME_ISSUED;
    enum tg_err err = tg_bill_issuer_open(state, &issue, &issuer, note->why);
    if (err == TG_OK) {
        err = tg_bill_issuer_put(issuer, &note->invoice, true, &outcome, note->why);
    }
    if (err == TG_OK) {
        err = tg_bill_issuer_commit(issuer, note->why);
    }
    tg_bill_issuer_close(issuer);
    if (err == TG_OK && outcome == TG_BILL_OUTCOME_DIFFERS) {
        err = tg_why_set(note->why, TG_E_EXISTS, "note %s is issued and says something else",
                         note->invoice.id);
    }
    return err;
}

static void *take(size_t item_bytes)
{
    return tg_pages_take(TG_BILL_NOTE_LINES_MAX * item_bytes);
}

static void give(void *memory, size_t item_bytes)
{
    tg_pages_free(memory, TG_BILL_NOTE_LINES_MAX * item_bytes);
}

static void note_close(struct note *note)
{
    tg_json_free(note->bill);
    give(note->lines, sizeof note->lines[0]);
    give(note->taken, sizeof note->taken[0]);
    give(note->scratch.exact, sizeof note->scratch.exact[0]);
    give(note->scratch.weights, sizeof note->scratch.weights[0]);
    give(note->scratch.parts, sizeof note->scratch.parts[0]);
    give(note->scratch.rows, sizeof note->scratch.rows[0]);
    give(note->scratch.fractions, sizeof note->scratch.fractions[0]);
}

enum tg_err tg_bill_note_issue(struct tg_db *state, const struct tg_bill_note_params *params,
                               char number[TG_BILL_NUMBER_BYTES], struct tg_why *why)
{
    struct note note = {.params = params, .why = why};
    note.lines = take(sizeof note.lines[0]);
    note.taken = take(sizeof note.taken[0]);
    note.scratch = (struct tg_bill_scratch){.capacity = TG_BILL_NOTE_LINES_MAX,
                                            .exact = take(sizeof note.scratch.exact[0]),
                                            .weights = take(sizeof note.scratch.weights[0]),
                                            .parts = take(sizeof note.scratch.parts[0]),
                                            .rows = take(sizeof note.scratch.rows[0]),
                                            .fractions = take(sizeof note.scratch.fractions[0])};
    enum tg_err err = TG_OK;
    if (note.lines == NULL || note.taken == NULL || note.scratch.exact == NULL ||
        note.scratch.weights == NULL || note.scratch.parts == NULL || note.scratch.rows == NULL ||
        note.scratch.fractions == NULL) {
        err = tg_why_set(why, TG_E_NO_MEMORY, "no memory for a note");
    }
    err = err == TG_OK ? bill_load(&note, state) : err;
    err = err == TG_OK ? head_make(&note) : err;
    err = err == TG_OK ? lines_make(&note, state) : err;
    err = err == TG_OK ? note_store(&note, state) : err;
    if (err == TG_OK) {
        (void)snprintf(number, TG_BILL_NUMBER_BYTES, "%s", note.invoice.number);
    }
    note_close(&note);
    return err;
}
