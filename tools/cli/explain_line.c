/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain_line.h"

#include "base/money.h"
#include "bill/convert.h"
#include "bill/text.h"
#include "doc/json.h"

#include <string.h>

/* The line being told. */
struct terms {
    const struct tg_cli_line *found;
    const struct tg_image *image;       /* NULL: its version is not stored. */
    const struct tg_product *product;   /* NULL: likewise. */
    const struct tg_currency *currency; /* Of the bill; NULL: unknown. */
};

static const char *text_of(const struct terms *terms, const char *key)
{
    return tg_json_get_text(terms->found->line, key, "?");
}

static long long count_of(const struct terms *terms, const char *key)
{
    return (long long)tg_json_get_integer(terms->found->line, key, 0);
}

static bool amount_of(const struct terms *terms, const char *key, int64_t *amount)
{
    const char *text = text_of(terms, key);
    return terms->currency != NULL &&
           tg_money_parse(text, strlen(text), terms->currency->scale, amount) == TG_OK;
}

static void money_add(struct tg_bill_text *out, const struct terms *terms, int64_t amount)
{
    tg_bill_text_money(out, amount, terms->currency->scale, terms->currency->minor);
}

static const char *eligible_name(const struct terms *terms, bool is_discount, bool is_minimum)
{
    static const char *const names[] = {[TG_ELIGIBLE_USAGE] = "usage lines",
                                        [TG_ELIGIBLE_FEES] = "fees and charges",
                                        [TG_ELIGIBLE_ALL] = "fees, charges and usage lines"};
    if (terms->product == NULL) {
        return "lines that count";
    }
    const uint8_t eligible = is_discount  ? terms->product->discount_on
                             : is_minimum ? terms->product->minimum_on
                                          : terms->product->maximum_on;
    return eligible < sizeof names / sizeof names[0] ? names[eligible] : "lines that count";
}

/* Usage of which prices is discounted, where the product says so. */
static void prices_add(struct tg_bill_text *out, const struct terms *terms)
{
    const uint32_t *prices = terms->product != NULL ? terms->product->discount_prices : NULL;
    for (uint32_t i = 0; prices != NULL && i < TG_DISCOUNT_PRICES_MAX && prices[i] != 0; i++) {
        tg_bill_text_add(out, "%s%s", i == 0 ? " (usage of " : ", ",
                         tg_image_name(terms->image, TG_CATALOG_PRICE, prices[i] - 1));
    }
    if (prices != NULL && prices[0] != 0) {
        tg_bill_text_add(out, ")");
    }
}

static void share_add(struct tg_bill_text *out, const struct terms *terms)
{
    const long long quantity = count_of(terms, "x_quantity");
    tg_bill_text_add(out, "%s ", text_of(terms, "x_fee"));
    if (quantity > 0) {
        tg_bill_text_add(out, "for %lld ", quantity);
    }
    if (count_of(terms, "x_coveredOf") == 1 && count_of(terms, "x_covered") > 1) {
        tg_bill_text_add(out, "a day times %lld days", count_of(terms, "x_covered"));
        return;
    }
    tg_bill_text_add(out, "times %lld of %lld (%s)", count_of(terms, "x_covered"),
                     count_of(terms, "x_coveredOf"), text_of(terms, "x_proration"));
}

static void recurring_add(struct tg_bill_text *out, const struct terms *terms)
{
    static const struct {
        const char *title;
        const char *text;
    } titles[] = {{"kept", ", kept to the cycle's end although the product changed"},
                  {"whole", ", whole although the product changed"},
                  {"in advance", ", in advance for the cycle after this one"},
                  {"unused", ", charged by an earlier bill and not used, so given back"},
                  {"suspended", ", given back for the time in which it was suspended"}};
    const char *title = tg_json_get_text(terms->found->line, "x_title", "");
    tg_bill_text_add(out, ": fee ");
    share_add(out, terms);
    if (terms->product != NULL && tg_fee_days(terms->product) != 0) {
        tg_bill_text_add(out, ", of %u days from the begin (%.10s to %.10s)",
                         tg_fee_days(terms->product), text_of(terms, "x_from"),
                         text_of(terms, "x_to"));
    }
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++) {
        if (strcmp(titles[i].title, title) == 0) {
            tg_bill_text_add(out, "%s", titles[i].text);
        }
    }
}

static void one_off_add(struct tg_bill_text *out, const struct terms *terms)
{
    const char *reference = tg_json_get_text(terms->found->line, "x_reference", "");
    const char *title = tg_json_get_text(terms->found->line, "x_title", "");
    if (reference[0] == '\0') {
        tg_bill_text_add(out, ": fee once, ");
        share_add(out, terms);
        return;
    }
    tg_bill_text_add(out, ": charge %s%s%s%s of %s, once", reference, title[0] != '\0' ? " (" : "",
                     title, title[0] != '\0' ? ")" : "", text_of(terms, "x_fee"));
}

/* What is taken off lines of several taxes is a line a tax. */
static bool is_by_tax(const struct terms *terms)
{
    return tg_json_get(terms->found->line, "x_ofAllTaxes") != NULL;
}

static void tax_share_add(struct tg_bill_text *out, const struct terms *terms)
{
    if (is_by_tax(terms)) {
        tg_bill_text_add(out, "; this is the part of those taxed %s",
                         text_of(terms, "taxCategory"));
    }
}

static void discount_add(struct tg_bill_text *out, const struct terms *terms)
{
    const char *title = tg_json_get_text(terms->found->line, "x_title", "");
    if (strcmp(title, "discount_amount") == 0) {
        tg_bill_text_add(out, ": discount of %s, at most what the %s make", text_of(terms, "x_fee"),
                         eligible_name(terms, true, false));
        prices_add(out, terms);
        tax_share_add(out, terms);
        return;
    }
    tg_bill_text_add(out, ": discount of ");
    tg_bill_text_money(out, count_of(terms, "x_covered"), 4, 0);
    tg_bill_text_add(out, " %% of %s, what the %s make", text_of(terms, "x_fee"),
                     eligible_name(terms, true, false));
    prices_add(out, terms);
    if (strcmp(title, "discount_max") == 0) {
        tg_bill_text_add(out, ", but at most so much a cycle");
    }
    tax_share_add(out, terms);
}

/* What is owed of a bound in the cycle, and what the line adds or takes off. */
static bool owed_find(const struct terms *terms, int64_t *owed, int64_t *missing)
{
    int64_t bound = 0;
    const int64_t total = count_of(terms, "x_coveredOf");
    return terms->image != NULL && total > 0 && amount_of(terms, "x_fee", &bound) &&
           amount_of(terms, is_by_tax(terms) ? "x_ofAllTaxes" : "x_exactAmount", missing) &&
           tg_bill_rate(terms->image, terms->currency->numeric,
                        (__int128)bound * count_of(terms, "x_covered"), (uint64_t)total,
                        owed) == TG_OK;
}

/* Prices of the version that count to a minimum spend, by name. */
static void spend_prices_add(struct tg_bill_text *out, const struct terms *terms, const char *limit)
{
    const char *between = "";
    for (uint32_t i = 0; terms->image != NULL && i < tg_image_prices_count(terms->image); i++) {
        const uint16_t minimum = tg_image_price_info(terms->image, i)->spend_minimum;
        if (minimum != 0 &&
            strcmp(tg_image_name(terms->image, TG_CATALOG_SPEND_LIMIT, minimum - 1), limit) == 0) {
            tg_bill_text_add(out, "%s%s", between,
                             tg_image_name(terms->image, TG_CATALOG_PRICE, i));
            between = ", ";
        }
    }
}

static void spend_add(struct tg_bill_text *out, const struct terms *terms)
{
    int64_t missing = 0;
    int64_t owed = 0;
    const char *limit = text_of(terms, "x_title");
    tg_bill_text_add(out, ": minimum spend %s, ", limit);
    share_add(out, terms);
    if (!owed_find(terms, &owed, &missing)) {
        return;
    }
    tg_bill_text_add(out, " is ");
    money_add(out, terms, owed);
    tg_bill_text_add(out, "; usage at ");
    spend_prices_add(out, terms, limit);
    tg_bill_text_add(out, " makes ");
    money_add(out, terms, owed - missing);
    tg_bill_text_add(out, " before discounts, so ");
    money_add(out, terms, missing);
    tg_bill_text_add(out, " is missing");
}

/* What the lines that count make is what is owed less what is missing. */
static void bound_add(struct tg_bill_text *out, const struct terms *terms, bool is_minimum)
{
    int64_t missing = 0;
    int64_t owed = 0;
    tg_bill_text_add(out, is_minimum ? ": minimum " : ": maximum ");
    share_add(out, terms);
    if (!owed_find(terms, &owed, &missing)) {
        return;
    }
    tg_bill_text_add(out, " is ");
    money_add(out, terms, owed);
    tg_bill_text_add(out, "; the %s make ", eligible_name(terms, false, is_minimum));
    money_add(out, terms, owed - missing);
    const bool is_before =
        terms->product != NULL && terms->product->bounds_order == TG_BOUNDS_BEFORE_DISCOUNTS;
    tg_bill_text_add(out, "%s%s", is_before ? " before discounts" : " after discounts",
                     is_minimum ? ", so " : ", of which ");
    money_add(out, terms, is_minimum ? missing : -missing);
    tg_bill_text_add(out, is_minimum ? " is missing" : " is taken off");
    tax_share_add(out, terms);
}

static void note_add(struct tg_bill_text *out, const struct terms *terms)
{
    const struct tg_json *bill = terms->found->bill;
    const bool is_credit = strcmp(tg_json_get_text(bill, "category", ""), "creditNote") == 0;
    tg_bill_text_add(out, ": %s line %lld of %s, which was %s, for \"%s\"",
                     is_credit ? "takes back of" : "adds to", count_of(terms, "x_covered"),
                     tg_json_get_text(bill, "x_referenceNumber", "?"), text_of(terms, "x_fee"),
                     tg_json_get_text(bill, "x_reason", ""));
}

/* The product by its name in the line: the roster may have moved on since. */
static void product_find(struct terms *terms)
{
    const char *name = text_of(terms, "product");
    const uint32_t count =
        terms->image != NULL ? tg_image_count(terms->image, TG_CATALOG_PRODUCT) : 0;
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(tg_image_name(terms->image, TG_CATALOG_PRODUCT, i), name) == 0) {
            terms->product = tg_image_product(terms->image, i);
        }
    }
}

void tg_cli_line_terms(struct tg_bill_text *out, const struct tg_catalog_snapshot *catalog,
                       const struct tg_cli_line *found)
{
    const char *kind = tg_json_get_text(found->line, "x_kind", "");
    const uint32_t version = (uint32_t)tg_json_get_integer(found->line, "x_catalogVersion", 0);
    struct terms terms = {.found = found, .image = tg_catalog_image_version(catalog, version)};
    terms.currency =
        tg_currency_by_code(tg_json_get_text(tg_json_get(found->bill, "amountDue"), "unit", ""));
    product_find(&terms);
    if (strcmp(kind, "discount") == 0) {
        discount_add(out, &terms);
    } else if (strcmp(kind, "minimum") == 0 || strcmp(kind, "maximum") == 0) {
        bound_add(out, &terms, strcmp(kind, "minimum") == 0);
    } else if (strcmp(kind, "spend_minimum") == 0) {
        spend_add(out, &terms);
    } else if (strcmp(kind, "interim") == 0) {
        tg_bill_text_add(out, ": taken off, as interim bill %s has charged it with its tax",
                         text_of(&terms, "x_title"));
    } else if (strcmp(kind, "one_off") == 0) {
        one_off_add(out, &terms);
    } else if (strcmp(kind, "credit") == 0) {
        note_add(out, &terms);
    } else {
        recurring_add(out, &terms);
    }
}
