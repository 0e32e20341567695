/* SPDX-License-Identifier: Apache-2.0 */
/* What interim bills have charged comes off the bill of their cycle: a line a tax, with the net,
 * the tax and the rate that they were issued with. */
#include "bill/assemble_parts.h"
#include "bill/interim.h"
#include "doc/json.h"
#include "store/documents.h"

#include <stdio.h>
#include <string.h>

static bool money_of(const struct tg_json *item, const char *key,
                     const struct tg_currency *currency, int64_t *amount)
{
    const char *text = tg_json_get_text(item, key, "");
    return tg_money_parse(text, strlen(text), currency->minor, amount) == TG_OK;
}

static char *name_keep(struct tg_bill_assembler *made, const char *name)
{
    if (made->names_count == made->capacity) {
        return NULL;
    }
    char *kept = made->names[made->names_count++];
    (void)snprintf(kept, TG_BILL_NAME_BYTES, "%s", name);
    return kept;
}

/* A tax of the interim bill, or a part of a set of them. */
static bool part_read(struct tg_bill_assembler *made, const struct tg_json *item,
                      struct tg_bill_tax_part *part)
{
    const int rounding = tg_rounding_by_name(tg_json_get_text(item, "x_rounding", ""));
    const int64_t rate_ppm = tg_json_get_integer(item, "x_ratePpm", -1);
    *part =
        (struct tg_bill_tax_part){.id = name_keep(made, tg_json_get_text(item, "taxCategory", "")),
                                  .rate_ppm = (uint32_t)rate_ppm,
                                  .rounding = (uint8_t)rounding,
                                  .is_compound = tg_json_get_bool(item, "x_compound", false),
                                  .is_exempt = tg_json_get_bool(item, "x_exempt", false)};
    return part->id != NULL && rounding >= 0 && rate_ppm >= 0;
}

static uint8_t mode_of(const struct tg_json *item)
{
    const char *name = tg_json_get_text(item, "x_mode", "");
    return strcmp(name, "line") == 0     ? TG_TAX_PER_LINE
           : strcmp(name, "charge") == 0 ? TG_TAX_PER_CHARGE
                                         : TG_TAX_PER_CATEGORY;
}

/* The category that begins with an item, and the line that takes it off; items: those it has. */
static enum tg_err category_read(struct tg_bill_assembler *made, const struct tg_json *items,
                                 size_t from, const struct tg_currency *currency,
                                 struct tg_bill_tax *tax, struct tg_bill_line *line, size_t *count)
{
    const struct tg_json *first = tg_json_at(items, from);
    const char *set = tg_json_get_text(first, "x_set", NULL);
    int64_t net = 0;
    struct tg_bill_tax_part part;
    *tax = (struct tg_bill_tax){.is_given = true, .mode = mode_of(first)};
    *count = 0;
    if (!money_of(first, set != NULL ? "x_setNet" : "x_net", currency, &net)) {
        return TG_E_CORRUPT;
    }
    for (size_t i = from; i < tg_json_count(items); i++) {
        const struct tg_json *item = tg_json_at(items, i);
        const char *own = tg_json_get_text(item, "x_set", NULL);
        int64_t amount = 0;
        const bool goes_on =
            i == from || (set != NULL && own != NULL && strcmp(own, set) == 0 &&
                          strcmp(tg_json_get_text(item, "taxCategory", ""), tax->parts[0].id) != 0);
        if (!goes_on) {
            break;
        }
        if (!part_read(made, item, &part) || !money_of(item, "x_tax", currency, &amount) ||
            tax->parts_count == TG_TAX_PARTS_MAX ||
            __builtin_sub_overflow(line->charge_tax, amount, &line->charge_tax)) {
            return TG_E_CORRUPT;
        }
        ++*count;
        if (set == NULL) {
            tax->id = part.id;
            tax->rate_ppm = part.rate_ppm;
            tax->rounding = part.rounding;
            tax->is_exempt = part.is_exempt;
            break;
        }
        line->tax_parts[tax->parts_count] = -amount;
        tax->parts[tax->parts_count++] = part;
    }
    if (set != NULL) {
        tax->id = name_keep(made, set);
    }
    line->amount_exact = -(__int128)net * tg_pow10(TG_MONEY_EXTRA_DECIMALS);
    return tax->id != NULL ? TG_OK : TG_E_FULL;
}

static enum tg_err bill_take(struct tg_bill_assembler *made, const struct tg_json *bill,
                             struct tg_bill_invoice *invoice)
{
    const struct tg_json *items = tg_json_get(bill, "taxItem");
    int64_t paid = 0;
    if (tg_json_get(bill, "x_paidFromBalance") != NULL) {
        if (!money_of(bill, "x_paidFromBalance", invoice->currency, &paid) ||
            __builtin_add_overflow(invoice->interim_paid, paid, &invoice->interim_paid)) {
            return TG_E_CORRUPT;
        }
    }
    const char *number = name_keep(made, tg_json_get_text(bill, "billNo", ""));
    size_t count = 1;
    enum tg_err err = number != NULL ? TG_OK : TG_E_FULL;
    for (size_t i = 0; i < tg_json_count(items) && err == TG_OK; i += count) {
        struct tg_bill_tax tax;
        struct tg_bill_line line = {.subscriber_id = "",
                                    .product_id = "",
                                    .zone_id = "",
                                    .price_id = number,
                                    .unit_id = "",
                                    .title = number,
                                    .covered = 1,
                                    .covered_total = 1,
                                    .subscriber = UINT32_MAX, /* Behind all others. */
                                    .currency = invoice->currency->numeric,
                                    .kind = TG_BILL_LINE_INTERIM,
                                    .has_charge_tax = true,
                                    .proration = TG_PRORATE_NONE_FULL};
        err = category_read(made, items, i, invoice->currency, &tax, &line, &count);
        if (err == TG_OK && invoice->lines_count == made->capacity) {
            err = TG_E_FULL;
        }
        if (err == TG_OK) {
            line.fee = (int64_t)line.amount_exact;
            line.tax_index = tg_bill_invoice_category(invoice, &tax);
            err = line.tax_index != UINT16_MAX ? TG_OK : TG_E_FULL;
            invoice->lines[invoice->lines_count++] = line;
        }
    }
    return err;
}

enum tg_err tg_bill_interim_lines(struct tg_bill_assembler *made, struct tg_bill_invoice *invoice,
                                  struct tg_why *why)
{
    const struct tg_bill_interims *all = made->interims;
    const bool is_own =
        invoice->currency->numeric == made->catalog->roster->accounts[made->account].currency;
    enum tg_err err = TG_OK;
    for (uint32_t i = tg_bill_interims_from(all, made->account_id);
         all != NULL && i < all->count && strcmp(all->items[i].account, made->account_id) == 0 &&
         err == TG_OK;
         i++) {
        const struct tg_bill_interim *interim = &all->items[i];
        struct tg_txn txn;
        struct tg_bytes bytes;
        struct tg_json *bill = NULL;
        char id[TG_BILL_ID_BYTES];
        const struct tg_bill_window window = {.start_ns = made->window.start_ns,
                                              .end_ns = interim->until_ns};
        if (interim->until_ns >= made->window.end_ns) {
            continue; /* Itself. */
        }
        if (!tg_bill_standing_id(made, &window, is_own ? NULL : invoice->currency->code, id,
                                 NULL)) {
            return TG_E_FULL;
        }
        tg_txn_begin(&txn, made->state, false);
        err = tg_documents_get(&txn, "customerBill", id, &bytes);
        err = err == TG_OK ? tg_json_parse(bytes.at, bytes.length_bytes, &bill, NULL) : err;
        tg_txn_abort(&txn);
        err = err == TG_OK ? bill_take(made, bill, invoice) : err;
        tg_json_free(bill);
        err = err == TG_E_NOT_FOUND ? TG_OK : err; /* Never issued, or void. */
    }
    return err == TG_OK ? TG_OK
                        : tg_why_set(why, err, "what interim bills of %s charged cannot be read",
                                     made->account_id);
}
