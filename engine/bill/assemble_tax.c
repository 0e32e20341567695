/* SPDX-License-Identifier: Apache-2.0 */
/* Which tax a line has: the product's or the account's own, and what the account is exempt from. */
#include "bill/assemble_parts.h"

#include "base/clock.h"
#include "bill/tax_choice.h"
#include "doc/json.h"
#include "store/documents.h"

#include <string.h>

bool tg_bill_taxes_usage(const struct tg_bill_assembler *made, uint16_t product)
{
    const struct tg_image *image = tg_bill_product_image(made, product);
    const uint16_t own = made->catalog->roster->accounts[made->account].tax;
    const struct tg_product *sold = image != NULL ? tg_image_product(image, product) : NULL;
    const uint16_t index = own != TG_TAX_NONE ? own : sold != NULL ? sold->tax : TG_TAX_NONE;
    const struct tg_tax *tax = image != NULL ? tg_image_tax(image, index) : NULL;
    return tax != NULL && tax->point == TG_TAX_AT_USAGE;
}

struct tg_bill_tax_question tg_bill_tax_question_of(const struct tg_bill_assembler *made,
                                                    const struct tg_bill_line *line,
                                                    int64_t taxed_to_ns)
{
    return (struct tg_bill_tax_question){
        .catalog = made->catalog,
        .account = made->account,
        .version = line->tax_of_plus != 0 ? line->tax_version : line->catalog_version,
        .price = line->tax_of_plus != 0              ? line->tax_price
                 : tg_bill_line_has_rows(line->kind) ? line->price
                                                     : TG_BILL_NO_PRICE,
        .product = tg_roster_line(made->catalog->roster, tg_bill_line_taxed_as(line))->product,
        .is_prepaid = line->is_prepaid,
        .issued_ns = made->issued_ns,
        .taxed_to_ns = taxed_to_ns};
}

void tg_bill_date_find(struct tg_bill_assembler *made)
{
    char id[TG_BILL_ID_BYTES];
    struct tg_txn txn;
    struct tg_bytes bytes;
    struct tg_json *bill = NULL;
    int64_t issued_ns = 0;
    made->issued_ns = made->run_issued_ns;
    if (!made->taxes_by_date || made->state == NULL ||
        !tg_bill_standing_id(made, &made->window, NULL, id, NULL)) {
        return;
    }
    tg_txn_begin(&txn, made->state, false);
    if (tg_documents_get(&txn, "customerBill", id, &bytes) == TG_OK &&
        tg_json_parse(bytes.at, bytes.length_bytes, &bill, NULL) == TG_OK) {
        const char *date = tg_json_get_text(bill, "billDate", "");
        if (tg_clock_parse(date, strlen(date), &issued_ns) == TG_OK) {
            made->issued_ns = issued_ns;
        }
    }
    tg_json_free(bill);
    tg_txn_abort(&txn);
}

enum tg_err tg_bill_line_tax(struct tg_bill_assembler *made, struct tg_bill_invoice *invoice,
                             struct tg_bill_line *line, struct tg_why *why)
{
    const struct tg_bill_tax_question question =
        tg_bill_tax_question_of(made, line, made->taxed_to_ns);
    struct tg_bill_tax_answer answer;
    if (!tg_bill_tax_choose(&question, &answer)) {
        return tg_why_set(why, TG_E_CATALOG_VERSION,
                          "no catalog version says how the product of %s is taxed",
                          line->subscriber_id);
    }
    line->tax_index = tg_bill_invoice_category(invoice, &answer.tax);
    return line->tax_index != UINT16_MAX
               ? TG_OK
               : tg_why_set(why, TG_E_FULL, "account %s has more than %u tax categories",
                            made->account_id, TG_BILL_TAXES_MAX);
}
