/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/explain_tax.h"

#include "base/clock.h"
#include "base/money.h"
#include "bill/charge_tax.h"
#include "bill/convert.h"
#include "bill/cycle.h"
#include "bill/tax.h"
#include "bill/tax_choice.h"
#include "catalog/catalog.h"
#include "catalog/roster.h"
#include "doc/json.h"

#include <stdio.h>
#include <string.h>

#define DATE_BYTES 16u

/* Tax of one row: rounded as on the bill where it is rounded a charge, else before rounding. */
struct row_tax {
    struct tg_bill_tax_answer answer;
    int64_t share;
    int64_t parts[TG_TAX_PARTS_MAX];
    const struct tg_currency *currency; /* Of share and parts. */
    uint8_t scale;                      /* Of share and parts. */
};

static const char *mode_name(uint8_t mode)
{
    return mode == TG_TAX_PER_LINE ? "line" : mode == TG_TAX_PER_CHARGE ? "charge" : "category";
}

static const char *day_text(int64_t day, char text[DATE_BYTES])
{
    struct tg_civil civil;
    tg_clock_to_civil(day * TG_NS_PER_DAY, &civil);
    (void)snprintf(text, DATE_BYTES, "%04d-%02u-%02u", civil.year % 10000, civil.month % 100u,
                   civil.day % 100u);
    return text;
}

static bool row_ask(const struct tg_catalog_snapshot *catalog, const struct tg_replay_row *row,
                    struct tg_bill_tax_question *question)
{
    const struct tg_roster_line *who = tg_roster_line(
        catalog->roster, tg_replay_line_of(catalog, row->usage, row->stored->subscriber));
    if (who == NULL || tg_roster_account(catalog->roster, who->account) == NULL) {
        return false;
    }
    const struct tg_bill_cycle cycle = tg_bill_cycle_of(catalog, who->account);
    const uint32_t month =
        tg_bill_cycle_last(&cycle, tg_bill_cycle_month(&cycle, row->usage->start_ns));
    *question =
        (struct tg_bill_tax_question){.catalog = catalog,
                                      .account = who->account,
                                      .version = row->stands->catalog_version,
                                      .price = row->stands->price_id,
                                      .product = who->product,
                                      .is_prepaid = (row->stands->flags & TG_CHARGE_PREPAID) != 0,
                                      .taxed_to_ns = tg_bill_cycle_window(&cycle, month).end_ns};
    return true;
}

/* As the bill run adds the row up. */
static bool charge_take(const struct tg_bill_tax_question *question,
                        const struct tg_replay_row *row, struct row_tax *made)
{
    const struct tg_charge *charge = row->stands;
    const uint16_t own = question->catalog->roster->accounts[question->account].currency;
    struct tg_bill_item item = {
        .subscriber = charge->subscriber,
        .price_id = charge->price_id,
        .catalog_version = charge->catalog_version,
        .kind = question->is_prepaid ? TG_BILL_SLOT_PREPAID : 0,
        .currency = tg_bill_slot_currency(question->catalog, charge->catalog_version,
                                          charge->currency, own, row->usage->start_ns),
        .amount = charge->amount};
    if (tg_bill_charge_tax(question->catalog, question->taxed_to_ns, &item) != TG_OK) {
        return false;
    }
    if (item.currency != charge->currency) {
        made->currency = tg_currency_by_numeric(own);
    }
    made->share = item.charge_tax;
    made->scale = made->currency != NULL ? made->currency->minor : 0;
    memcpy(made->parts, item.tax_parts, sizeof made->parts);
    return true;
}

/* The row's share of a tax on sums, at rating scale: the invoice rounds the sum, not the row. */
static bool share_take(int64_t amount, struct row_tax *made)
{
    const struct tg_bill_tax *tax = &made->answer.tax;
    made->scale = made->currency != NULL ? made->currency->scale : 0;
    if (tax->parts_count == 0) {
        return (tax->is_inclusive
                    ? tg_bill_tax_in(amount, tax->rate_ppm, tax->rounding, 1, &made->share)
                    : tg_bill_tax_on(amount, tax->rate_ppm, tax->rounding, &made->share)) == TG_OK;
    }
    if (tg_bill_charge_parts(tax, amount, 1, made->parts) != TG_OK) {
        return false;
    }
    for (uint32_t i = 0; i < tax->parts_count; i++) {
        made->share += made->parts[i];
    }
    return true;
}

static bool row_tax_make(const struct tg_catalog_snapshot *catalog, const struct tg_replay_row *row,
                         struct row_tax *made)
{
    struct tg_bill_tax_question question;
    *made = (struct row_tax){.currency = tg_currency_by_numeric(row->stands->currency)};
    if (!row_ask(catalog, row, &question) || !tg_bill_tax_choose(&question, &made->answer) ||
        made->answer.index == TG_TAX_NONE) {
        return false;
    }
    return made->answer.tax.mode == TG_TAX_PER_CHARGE ? charge_take(&question, row, made)
                                                      : share_take(row->stands->amount, made);
}

static const char *any_name(const struct tg_image *image, enum tg_catalog_kind kind, uint16_t index)
{
    return index == TG_EXEMPT_ANY ? NULL : tg_image_name(image, kind, index);
}

/* The line of exemptions.csv: null is what it leaves open. */
static struct tg_json *exempt_json(const struct tg_image *image,
                                   const struct tg_roster_exempt *exempt)
{
    struct tg_json *json = tg_json_object();
    char text[DATE_BYTES];
    tg_json_set_string(json, "product", any_name(image, TG_CATALOG_PRODUCT, exempt->product));
    tg_json_set_string(json, "tax", any_name(image, TG_CATALOG_TAX, exempt->tax));
    tg_json_set_string(json, "valid_from",
                       exempt->from_day != 0 ? day_text(exempt->from_day, text) : NULL);
    tg_json_set_string(json, "valid_to",
                       exempt->to_day != TG_EXEMPT_ANY ? day_text(exempt->to_day, text) : NULL);
    return json;
}

static void exempt_add(struct tg_bill_text *out, const struct tg_image *image,
                       const struct tg_roster_exempt *exempt)
{
    char text[DATE_BYTES];
    const char *product = any_name(image, TG_CATALOG_PRODUCT, exempt->product);
    const char *tax = any_name(image, TG_CATALOG_TAX, exempt->tax);
    tg_bill_text_add(out, " (exemption of %s%s from %s%s",
                     product != NULL ? "product " : "all products", product != NULL ? product : "",
                     tax != NULL ? "tax " : "all taxes", tax != NULL ? tax : "");
    if (exempt->from_day != 0) {
        tg_bill_text_add(out, ", since %s", day_text(exempt->from_day, text));
    }
    if (exempt->to_day != TG_EXEMPT_ANY) {
        tg_bill_text_add(out, ", until before %s", day_text(exempt->to_day, text));
    }
    tg_bill_text_add(out, ")");
}

static struct tg_json *parts_json(const struct row_tax *made)
{
    const struct tg_bill_tax *tax = &made->answer.tax;
    struct tg_json *list = tg_json_list();
    for (uint32_t i = 0; i < tax->parts_count; i++) {
        const struct tg_bill_tax_part *part = &tax->parts[i];
        struct tg_json *json = tg_json_object();
        tg_json_set_string(json, "tax", part->id);
        tg_json_set_integer(json, "rate_ppm", part->rate_ppm);
        tg_json_set_bool(json, "compound", part->is_compound);
        if (made->answer.exempt_parts[i] != NULL) {
            tg_json_set(json, "exempt",
                        exempt_json(made->answer.image, made->answer.exempt_parts[i]));
        }
        tg_json_set_string(json, "rounding",
                           tg_rounding_name(tax->is_inclusive ? tax->rounding : part->rounding));
        tg_json_set_money(json, "share", made->parts[i], made->scale, made->currency->minor);
        tg_json_append(list, json);
    }
    return list;
}

void tg_explain_tax_set(struct tg_json *json, const struct tg_catalog_snapshot *catalog,
                        const struct tg_replay_row *row)
{
    struct row_tax made;
    char text[DATE_BYTES];
    if (!row_tax_make(catalog, row, &made) || made.currency == NULL) {
        return;
    }
    const struct tg_bill_tax *tax = &made.answer.tax;
    tg_json_set_string(json, "tax", tax->id);
    tg_json_set_integer(json, "tax_rate_ppm", tax->rate_ppm);
    tg_json_set_money(json, "tax_share", made.share, made.scale, made.currency->minor);
    tg_json_set_string(json, "tax_mode", mode_name(tax->mode));
    struct tg_bill_tax_question question;
    if (row_ask(catalog, row, &question)) {
        const struct tg_bill_cycle cycle = tg_bill_cycle_of(catalog, question.account);
        const struct tg_zone_view zone = tg_bill_cycle_zone(&cycle, question.taxed_to_ns - 1);
        tg_json_set_string(
            json, "tax_as_of",
            day_text((tg_zone_local_ns(zone, question.taxed_to_ns) - 1) / TG_NS_PER_DAY, text));
    }
    if (made.answer.is_own) {
        tg_json_set_bool(json, "tax_of_account", true);
    }
    if (tax->mode == TG_TAX_PER_CHARGE) {
        tg_json_set_string(json, "tax_rounded", tg_rounding_name(tax->rounding));
        tg_json_set_string(json, "tax_currency", made.currency->code);
    }
    if (tax->is_inclusive) {
        tg_json_set_bool(json, "tax_inclusive", true);
    }
    if (made.answer.exempt != NULL) {
        tg_json_set(json, "tax_exempt", exempt_json(made.answer.image, made.answer.exempt));
    }
    if (tax->parts_count > 0) {
        tg_json_set(json, "tax_parts", parts_json(&made));
    }
}

static void share_add(struct tg_bill_text *out, const struct row_tax *made, int64_t share)
{
    tg_bill_text_money(out, share, made->scale, made->currency->minor);
}

static void parts_add(struct tg_bill_text *out, const struct row_tax *made)
{
    const struct tg_bill_tax *tax = &made->answer.tax;
    for (uint32_t i = 0; i < tax->parts_count; i++) {
        const struct tg_bill_tax_part *part = &tax->parts[i];
        tg_bill_text_add(out, "%s%s ", i == 0 ? ": " : ", then ", part->id);
        if (made->answer.exempt_parts[i] != NULL) {
            tg_bill_text_add(out, "is exempt");
            exempt_add(out, made->answer.image, made->answer.exempt_parts[i]);
            continue;
        }
        tg_bill_text_add(out, "at ");
        tg_bill_text_money(out, part->rate_ppm, 4, 0);
        tg_bill_text_add(out, " %%%s ",
                         part->is_compound && i > 0 ? " also of the taxes before it" : "");
        share_add(out, made, made->parts[i]);
    }
}

void tg_explain_tax_add(struct tg_bill_text *out, const struct tg_catalog_snapshot *catalog,
                        const struct tg_replay_row *row)
{
    struct row_tax made;
    if (!row_tax_make(catalog, row, &made) || made.currency == NULL) {
        return;
    }
    const struct tg_bill_tax *tax = &made.answer.tax;
    if (made.answer.exempt != NULL) {
        tg_bill_text_add(out, ", and %s is not charged", tax->id);
        exempt_add(out, made.answer.image, made.answer.exempt);
        return;
    }
    if (tax->parts_count == 0) {
        tg_bill_text_add(out, tax->is_inclusive ? ", in which %s at " : ", and %s at ", tax->id);
        tg_bill_text_money(out, tax->rate_ppm, 4, 0);
        tg_bill_text_add(out, tax->is_inclusive ? " %% is " : " %% adds ");
    } else {
        tg_bill_text_add(out, tax->is_inclusive ? ", in which %s is " : ", and %s adds ", tax->id);
    }
    share_add(out, &made, made.share);
    parts_add(out, &made);
    if (tax->mode == TG_TAX_PER_CHARGE) {
        tg_bill_text_add(out, ", rounded on this row");
    }
}

/* Exemption that exemptions.csv has now for a tax of a bill, by name; NULL: none any more. */
static const struct tg_roster_exempt *exempt_now(const struct tg_bill_tax_answer *answer,
                                                 const char *id)
{
    if (strcmp(answer->tax.id, id) == 0 && answer->exempt != NULL) {
        return answer->exempt;
    }
    const struct tg_tax *set = tg_image_tax(answer->image, answer->index);
    for (uint32_t i = 0; set != NULL && i < set->parts_count; i++) {
        if (answer->exempt_parts[i] != NULL && strcmp(answer->tax.parts[i].id, id) == 0) {
            return answer->exempt_parts[i];
        }
    }
    return NULL;
}

/* The price of a line of usage, by its name. */
static uint32_t price_of(const struct tg_catalog_snapshot *catalog, const struct tg_json *line)
{
    const uint32_t version = (uint32_t)tg_json_get_integer(line, "x_catalogVersion", 0);
    const struct tg_image *image = tg_catalog_image_version(catalog, version);
    const char *name = tg_json_get_text(line, "x_price", "");
    for (uint32_t i = 0; image != NULL && i < tg_image_prices_count(image); i++) {
        if (strcmp(tg_image_name(image, TG_CATALOG_PRICE, i), name) == 0) {
            return i;
        }
    }
    return TG_BILL_NO_PRICE;
}

static bool line_ask(const struct tg_catalog_snapshot *catalog, const struct tg_json *bill,
                     const struct tg_json *line, uint32_t subscriber,
                     struct tg_bill_tax_answer *answer)
{
    const struct tg_roster_line *who = tg_roster_line(catalog->roster, subscriber);
    const char *to = tg_json_get_text(tg_json_get(bill, "billingPeriod"), "endDateTime", "");
    const char *date = tg_json_get_text(bill, "billDate", "");
    int64_t issued_ns = 0;
    int64_t to_ns = 0;
    if (who == NULL || tg_clock_parse(to, strlen(to), &to_ns) != TG_OK) {
        return false;
    }
    const struct tg_bill_tax_question question = {
        .catalog = catalog,
        .account = who->account,
        .version = (uint32_t)tg_json_get_integer(line, "x_catalogVersion", 0),
        .price = price_of(catalog, line),
        .product = who->product,
        .issued_ns = tg_clock_parse(date, strlen(date), &issued_ns) == TG_OK ? issued_ns : 0,
        .taxed_to_ns = to_ns};
    return tg_bill_tax_choose(&question, answer);
}

static void copy(struct tg_json *to, const char *key, const struct tg_json *from, const char *name)
{
    const char *text = tg_json_get_text(from, name, NULL);
    if (text != NULL) {
        tg_json_set_string(to, key, text);
    }
}

/* One tax of the line: what the bill says, and by which exemption where it is exempt. */
static struct tg_json *item_json(const struct tg_json *item, const struct tg_json *line,
                                 const struct tg_json *part, const struct tg_bill_tax_answer *now)
{
    struct tg_json *json = tg_json_object();
    const char *id = tg_json_get_text(item, "taxCategory", "");
    copy(json, "set", item, "x_set");
    tg_json_set_string(json, "tax", id);
    tg_json_set_integer(json, "rate_ppm", tg_json_get_integer(item, "x_ratePpm", 0));
    tg_json_set_bool(json, "compound", tg_json_get_bool(item, "x_compound", false));
    tg_json_set_bool(json, "inclusive", tg_json_get_bool(item, "x_inclusive", false));
    copy(json, "mode", item, "x_mode");
    copy(json, "rounding", item, "x_rounding");
    copy(json, "category_taxable", item, "x_net");
    copy(json, "category_tax", item, "x_tax");
    copy(json, "line_net", line, "x_amount");
    copy(json, "line_tax", part != NULL ? part : line, part != NULL ? "x_tax" : "x_taxAmount");
    if (tg_json_get_bool(item, "x_exempt", false)) {
        const struct tg_roster_exempt *exempt = now != NULL ? exempt_now(now, id) : NULL;
        char text[256] = "";
        struct tg_bill_text out = tg_bill_text(text, sizeof text);
        if (exempt != NULL) {
            tg_json_set(json, "exempt", exempt_json(now->image, exempt));
            exempt_add(&out, now->image, exempt);
        } else {
            tg_json_set(json, "exempt", tg_json_object()); /* Ended since the bill was made. */
        }
        tg_json_set_string(json, "exemption", text);
    }
    return json;
}

struct tg_json *tg_explain_line_tax_json(const struct tg_catalog_snapshot *catalog,
                                         const struct tg_json *bill, const struct tg_json *line,
                                         uint32_t subscriber)
{
    struct tg_json *list = tg_json_list();
    const char *category = tg_json_get_text(line, "taxCategory", "");
    const struct tg_json *items = tg_json_get(bill, "taxItem");
    const struct tg_json *parts = tg_json_get(line, "x_taxPart");
    const int64_t from = tg_json_get_integer(line, "x_taxItem", 0);
    const size_t wanted = parts != NULL ? tg_json_count(parts) : 1;
    struct tg_bill_tax_answer answer;
    const bool is_known = line_ask(catalog, bill, line, subscriber, &answer);
    size_t taken = 0;
    for (size_t i = from > 0 ? (size_t)from : 0; i < tg_json_count(items) && taken < wanted; i++) {
        const struct tg_json *item = tg_json_at(items, i);
        const char *name =
            tg_json_get_text(item, "x_set", tg_json_get_text(item, "taxCategory", ""));
        if (strcmp(name, category) == 0) {
            const struct tg_json *part = parts != NULL ? tg_json_at(parts, taken) : NULL;
            tg_json_append(list, item_json(item, line, part, is_known ? &answer : NULL));
            taken++;
        }
    }
    return list;
}

void tg_explain_line_tax_text(struct tg_bill_text *out, const struct tg_json *taxes)
{
    for (size_t i = 0; i < tg_json_count(taxes); i++) {
        const struct tg_json *tax = tg_json_at(taxes, i);
        const char *set = tg_json_get_text(tax, "set", NULL);
        tg_bill_text_add(out, "Tax %s", tg_json_get_text(tax, "tax", "?"));
        if (set != NULL) {
            tg_bill_text_add(out, " (%zu of %s)", i + 1, set);
        }
        if (tg_json_get(tax, "exempt") != NULL) {
            tg_bill_text_add(out, " is not charged: the account is exempt%s.\n",
                             tg_json_get_text(tax, "exemption", ""));
            continue;
        }
        tg_bill_text_add(out, tg_json_get_bool(tax, "inclusive", false) ? ", in the prices, at "
                                                                        : " at ");
        tg_bill_text_money(out, tg_json_get_integer(tax, "rate_ppm", 0), 4, 0);
        const bool is_compound = tg_json_get_bool(tax, "compound", false);
        tg_bill_text_add(
            out, " %%%s: %s of this line; %s on %s of its category, rounded %s by %s.\n",
            is_compound && i > 0 ? ", also of the taxes before it" : "",
            tg_json_get_text(tax, "line_tax", "?"), tg_json_get_text(tax, "category_tax", "?"),
            tg_json_get_text(tax, "category_taxable", "?"), tg_json_get_text(tax, "rounding", "?"),
            tg_json_get_text(tax, "mode", "?"));
    }
}
