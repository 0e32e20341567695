/* SPDX-License-Identifier: Apache-2.0 */
/* Money beyond one price: exchange rates, spend limits, rules of prices. */
#include "base/clock.h"
#include "base/money.h"
#include "catalog/compile.h"
#include "catalog/exchange.h"
#include "catalog/keys.h"
#include "doc/schema.h"

#include <stdlib.h>
#include <string.h>

#define RATE_DECIMALS_MAX 12u
/* A journal keeps remainders in 2^-32: a fraction with a denominator below 2^31 is got back. */
#define CARRY_DENOMINATOR_MAX UINT64_C(0x7fffffff)

const struct tg_currency *tg_compile_currency(struct tg_compile *compile,
                                              const struct tg_yaml_node *map, const char *key)
{
    const struct tg_yaml_node *node = tg_yaml_get(map, key);
    if (node == NULL || node->kind != TG_YAML_SCALAR || node->text_bytes != 3) {
        return NULL; /* the schema has said so */
    }
    const struct tg_currency *currency = tg_currency_by_code(node->text);
    if (currency == NULL) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->mark, "use an ISO 4217 code",
                    "%s: currency \"%s\" is not known", key, node->text);
    }
    return currency;
}

/* "0.92153" is 92153 with 5 decimals: direction and decimals as they are written. */
static void rate_number_read(struct tg_compile *compile, const struct tg_yaml_node *node,
                             struct tg_exchange_rate *out)
{
    const struct tg_yaml_node *rate = tg_yaml_get(node, "rate");
    if (rate == NULL || rate->kind != TG_YAML_SCALAR) {
        return;
    }
    const char *point = strchr(rate->text, '.');
    const size_t decimals = point != NULL ? strlen(point + 1) : 0;
    out->decimals = (uint8_t)(decimals < RATE_DECIMALS_MAX ? decimals : RATE_DECIMALS_MAX);
    const enum tg_err err = tg_money_parse(rate->text, rate->text_bytes, out->decimals, &out->rate);
    if (err == TG_E_INVALID) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, rate->mark, NULL,
                    "rate: \"%.64s\" has more than %u decimals", rate->text, RATE_DECIMALS_MAX);
    } else if (err == TG_E_OVERFLOW) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, rate->mark, NULL, "rate: \"%.64s\" is too large",
                    rate->text);
    } else if (err == TG_OK && out->rate < 1) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, rate->mark, NULL,
                    "rate: \"%.64s\" is not above 0", rate->text);
    }
}

static struct tg_exchange_rate exchange_read(struct tg_compile *compile,
                                             const struct tg_yaml_node *node)
{
    const struct tg_schema *keys = &tg_catalog_exchange_keys;
    const struct tg_yaml_node *to_node = tg_yaml_get(node, "valid_to");
    const struct tg_currency *from = tg_compile_currency(compile, node, "from");
    const struct tg_currency *to = tg_compile_currency(compile, node, "to");
    struct tg_exchange_rate out = {
        .rate = 1,
        .valid_from_ns = tg_schema_number(keys, node, "valid_from"),
        .valid_to_ns = to_node != NULL ? tg_schema_number(keys, node, "valid_to") : INT64_MAX,
    };
    rate_number_read(compile, node, &out);
    if (from != NULL && to != NULL) {
        out.from = from->numeric;
        out.to = to->numeric;
        out.from_scale = from->scale;
        out.to_scale = to->scale;
        out.to_exponent = tg_compile_rating_exponent(compile, to);
    }
    if (tg_exchange_digits(&out) > TG_EXCHANGE_DIGITS_MAX) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "rate")->mark,
                    "write fewer decimals, or give the currency more rating_digits",
                    "rate: %u decimals are too many for amounts of %u rating digits", out.decimals,
                    TG_RATING_DIGITS - out.to_exponent);
    }
    if (from != NULL && from == to) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "to")->mark, NULL,
                    "exchange rate \"%.64s\": from and to are the same", node->key);
    }
    if (to_node != NULL && tg_yaml_get(node, "valid_from") != NULL &&
        !tg_compile_is_doubtful(compile, node) && out.valid_from_ns >= out.valid_to_ns) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, to_node->mark, NULL,
                    "valid_to is not after valid_from");
    }
    return out;
}

static int rate_compare(const void *a, const void *b)
{
    const struct tg_exchange_rate *left = a;
    const struct tg_exchange_rate *right = b;
    if (left->from != right->from) {
        return left->from < right->from ? -1 : 1;
    }
    if (left->to != right->to) {
        return left->to < right->to ? -1 : 1;
    }
    return left->valid_from_ns < right->valid_from_ns ? -1
                                                      : left->valid_from_ns > right->valid_from_ns;
}

/* A rate while it is sorted together with its name. */
struct named_rate {
    struct tg_exchange_rate rate; /* first, for rate_compare */
    const struct tg_yaml_node *node;
};

/* Two rates of a pair may not hold at once; a day without one is worth a warning. */
static void rates_lint(struct tg_compile *compile, const struct named_rate *rates, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        const struct tg_exchange_rate *before = &rates[i - 1].rate;
        const struct tg_exchange_rate *rate = &rates[i].rate;
        if (before->from != rate->from || before->to != rate->to || rate->from == 0 ||
            tg_compile_is_doubtful(compile, rates[i - 1].node) ||
            tg_compile_is_doubtful(compile, rates[i].node)) {
            continue;
        }
        if (rate->valid_from_ns < before->valid_to_ns) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, rates[i].node->key_mark,
                        "end the earlier one where this begins",
                        "exchange rate \"%.64s\" overlaps \"%.64s\"", rates[i].node->key,
                        rates[i - 1].node->key);
        } else if (rate->valid_from_ns > before->valid_to_ns) {
            tg_diag_add(compile->diag, TG_DIAG_WARNING, rates[i].node->key_mark, NULL,
                        "exchange rates: a hole between \"%.64s\" and \"%.64s\"; usage in it will "
                        "be suspended",
                        rates[i - 1].node->key, rates[i].node->key);
        }
    }
}

/* The image keeps rates by pair and time, so the names are numbered in that order. */
void tg_compile_exchange(struct tg_compile *compile)
{
    const uint32_t room = compile->names[TG_CATALOG_EXCHANGE].count;
    struct named_rate *rates = calloc((size_t)room + 1, sizeof *rates);
    uint32_t count = 0;
    for (uint32_t i = 0; rates != NULL && i < room; i++) {
        const struct tg_yaml_node *node = tg_compile_node(compile, TG_CATALOG_EXCHANGE, i);
        if (node != NULL && node->kind == TG_YAML_MAP) {
            rates[count++] = (struct named_rate){exchange_read(compile, node), node};
        }
    }
    compile->is_out_of_memory |= rates == NULL;
    if (rates != NULL) {
        qsort(rates, count, sizeof *rates, rate_compare);
        rates_lint(compile, rates, count);
        tg_names_free(&compile->names[TG_CATALOG_EXCHANGE]);
    }
    for (uint32_t i = 0; rates != NULL && i < count; i++) {
        const char *name = rates[i].node->key;
        (void)tg_names_add(&compile->names[TG_CATALOG_EXCHANGE], name, strlen(name));
        (void)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_EXCHANGE_RATES], &rates[i].rate,
                             sizeof rates[i].rate, 8);
    }
    free(rates);
}

/* A bill is of a cycle, so what a bill makes up for is too. */
static void minimum_read(struct tg_compile *compile, const struct tg_yaml_node *node,
                         struct tg_spend_limit *limit)
{
    const struct tg_schema *keys = &tg_catalog_spend_limit_keys;
    const struct tg_yaml_node *minimum = tg_yaml_get(node, "minimum");
    const struct tg_yaml_node *period = tg_yaml_get(node, "period");
    if (minimum == NULL) {
        return;
    }
    limit->minimum = tg_compile_money(compile, keys, node, "minimum", 0);
    if (limit->minimum <= 0) {
        if (!tg_compile_is_doubtful(compile, minimum)) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, minimum->mark, NULL,
                        "minimum: must be above 0");
        }
        limit->minimum = 0;
    } else if (limit->minimum > limit->maximum) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, minimum->mark, NULL,
                    "minimum: is above the maximum");
    }
    if (period == NULL) {
        limit->period = TG_PERIOD_CYCLE;
    } else if (limit->period != TG_PERIOD_CYCLE) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, period->mark, "use cycle, or leave it out",
                    "spend limit \"%.64s\": a minimum is of the cycle of a bill", node->key);
    }
}

static struct tg_spend_limit limit_read(struct tg_compile *compile, const struct tg_yaml_node *node)
{
    const struct tg_schema *keys = &tg_catalog_spend_limit_keys;
    const struct tg_yaml_node *maximum = tg_yaml_get(node, "maximum");
    const struct tg_yaml_node *thresholds = tg_yaml_get(node, "thresholds");
    struct tg_spend_limit out = {
        .maximum = tg_compile_money(compile, keys, node, "maximum", INT64_MAX),
        .thresholds = {INT64_MAX, INT64_MAX, INT64_MAX},
        .period = (uint8_t)tg_schema_number(keys, node, "period"),
        .scope = (uint8_t)tg_schema_number(keys, node, "scope"),
        .is_present = 1,
        .stops = (uint8_t)tg_schema_number(keys, node, "at_maximum"),
    };
    if (maximum == NULL && out.stops != 0) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "at_maximum")->mark,
                    "give a maximum", "at_maximum: there is no maximum");
    }
    if (maximum != NULL && out.maximum < 0) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, maximum->mark, NULL,
                    "maximum: must not be negative");
    }
    minimum_read(compile, node, &out);
    if (maximum == NULL && thresholds == NULL && tg_yaml_get(node, "minimum") == NULL &&
        !tg_compile_is_doubtful(compile, node)) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->key_mark, NULL,
                    "spend limit \"%.64s\" needs a maximum, a minimum or thresholds", node->key);
    }
    uint32_t count = 0;
    for (const struct tg_yaml_node *item = thresholds != NULL ? thresholds->child : NULL;
         item != NULL && count < TG_THRESHOLDS_MAX; item = item->next) {
        int64_t amount = 0;
        if (item->kind != TG_YAML_SCALAR) {
            continue; /* the schema has said so */
        }
        const enum tg_err err =
            tg_money_parse(item->text, item->text_bytes, compile->currency->scale, &amount);
        if (err != TG_OK && err != TG_E_SYNTAX) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, item->mark, NULL,
                        "thresholds: \"%.64s\" is no amount at %u decimals", item->text,
                        compile->currency->scale);
        } else if (err == TG_OK && amount <= (count > 0 ? out.thresholds[count - 1] : INT64_C(0))) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, item->mark, NULL,
                        "thresholds must rise from above 0");
        }
        out.thresholds[count++] = amount;
    }
    return out;
}

void tg_compile_spend_limits(struct tg_compile *compile)
{
    for (uint32_t i = 0; i < compile->names[TG_CATALOG_SPEND_LIMIT].count; i++) {
        const struct tg_yaml_node *node = tg_compile_node(compile, TG_CATALOG_SPEND_LIMIT, i);
        const struct tg_spend_limit limit =
            node != NULL && node->kind == TG_YAML_MAP
                ? limit_read(compile, node)
                : (struct tg_spend_limit){.maximum = INT64_MAX,
                                          .thresholds = {INT64_MAX, INT64_MAX, INT64_MAX}};
        (void)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_SPEND_LIMITS], &limit,
                             sizeof limit, 8);
    }
}

const struct tg_spend_limit *tg_compile_limit(const struct tg_compile *compile, uint32_t index)
{
    const struct tg_blob *blob = &compile->sections[TG_IMAGE_SECTION_SPEND_LIMITS];
    return !blob->is_broken && index < blob->size_bytes / sizeof(struct tg_spend_limit)
               ? (const struct tg_spend_limit *)(const void *)blob->bytes + index
               : NULL;
}

static uint64_t divisor_of(uint64_t a, uint64_t b)
{
    while (b != 0) {
        const uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Denominator of what a tariff answers; 0: nobody but the tariff knows. */
static uint64_t tariff_denominator(const char *tariff, const struct tg_price *price)
{
    static const struct {
        const char *name;
        uint64_t denominator; /* 0: the steps' */
    } known[] = {
        {"per_unit", 0}, {"graduated", 0}, {"volume", 0},        {"stepped", 0},
        {"package", 1},  {"flat", 1},      {"dynamic", 1000000}, {"percentage", 1000000000}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, tariff) != 0) {
            continue;
        }
        uint64_t joint = known[i].denominator;
        for (uint32_t step = 0; known[i].denominator == 0 && step < price->steps_count; step++) {
            const uint64_t per = tg_price_steps(price)[step].per_units;
            joint = joint == 0 ? 1 : joint;
            joint = joint > CARRY_DENOMINATOR_MAX || per > CARRY_DENOMINATOR_MAX
                        ? CARRY_DENOMINATOR_MAX + 1
                        : joint / divisor_of(joint, per) * per;
        }
        return joint;
    }
    return 0;
}

static uint32_t offset_of(const struct tg_compile *compile, uint32_t price_id)
{
    uint32_t offset;
    memcpy(&offset,
           compile->sections[TG_IMAGE_SECTION_PRICES].bytes + (size_t)price_id * sizeof offset,
           sizeof offset);
    return offset;
}

const struct tg_yaml_node *tg_compile_carry(const struct tg_yaml_node *price)
{
    const struct tg_yaml_node *rounding = tg_yaml_get(price, "rounding");
    if (rounding != NULL && rounding->kind == TG_YAML_SCALAR &&
        strcmp(rounding->text, "none") == 0) {
        return rounding;
    }
    return tg_schema_number(&tg_catalog_price_keys, price, "carry_remainder") != 0
               ? tg_yaml_get(price, "carry_remainder")
               : NULL;
}

/* What is said of a remainder that is not kept, or kept against the document's word. */
static void carry_check(struct tg_compile *compile, const struct tg_yaml_node *node)
{
    const struct tg_yaml_node *scope = tg_yaml_get(node, "carry_scope");
    const struct tg_yaml_node *written = tg_yaml_get(node, "carry_remainder");
    const bool is_kept = tg_compile_carry(node) != NULL;
    if (scope != NULL && !is_kept) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, scope->mark, "carry_remainder: true",
                    "carry_scope: no remainder is carried");
    }
    if (written != NULL && is_kept &&
        tg_schema_number(&tg_catalog_price_keys, node, "carry_remainder") == 0) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, written->mark, "leave it out",
                    "carry_remainder: rounding: none keeps every remainder");
    }
}

/* All remainders of a subscription are carried together, so their prices have one denominator. */
static void carry_compile(struct tg_compile *compile, struct tg_price_rule *rules)
{
    const struct tg_price_info *infos =
        (const struct tg_price_info *)(const void *)compile->sections[TG_IMAGE_SECTION_PRICE_INFO]
            .bytes;
    uint64_t joint = 1;
    for (uint32_t i = 0; i < compile->names[TG_CATALOG_PRICE].count; i++) {
        const struct tg_yaml_node *node = tg_compile_node(compile, TG_CATALOG_PRICE, i);
        const uint32_t offset = offset_of(compile, i);
        if (node != NULL) {
            carry_check(compile, node);
        }
        if (rules[i].carry_denominator == 0 || node == NULL || offset == UINT32_MAX) {
            continue;
        }
        const struct tg_yaml_node *carry = tg_compile_carry(node);
        const struct tg_price *price =
            (const struct tg_price
                 *)(const void *)(compile->sections[TG_IMAGE_SECTION_PRICE_DATA].bytes + offset);
        const char *tariff = tg_names_text(&compile->names[TG_CATALOG_TARIFF], infos[i].tariff);
        const uint64_t own = tariff_denominator(tariff, price);
        if (own == 0) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, carry->mark, NULL,
                        "carry_remainder: the remainders of tariff \"%.64s\" have no known "
                        "denominator",
                        tariff);
        } else if (own > CARRY_DENOMINATOR_MAX ||
                   joint / divisor_of(joint, own) > CARRY_DENOMINATOR_MAX / own) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, carry->mark,
                        "choose a larger unit or a smaller per",
                        "carry_remainder: the `per` of such prices have no common multiple below "
                        "2^31");
        } else {
            joint = joint / divisor_of(joint, own) * own;
        }
        if (price->currency != compile->currency->numeric || rules[i].converts_at_event != 0) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, carry->mark, NULL,
                        "carry_remainder: price \"%.64s\" changes currency at the event or is not "
                        "in %s",
                        node->key, compile->currency->code);
        }
    }
    for (uint32_t i = 0; i < compile->names[TG_CATALOG_PRICE].count; i++) {
        rules[i].carry_denominator = rules[i].carry_denominator != 0 ? (uint32_t)joint : 0;
    }
}

/* Is there any rate from a currency to the catalog's? */
static bool has_rate(const struct tg_compile *compile, uint16_t from)
{
    const struct tg_blob *blob = &compile->sections[TG_IMAGE_SECTION_EXCHANGE_RATES];
    const struct tg_exchange_rate *rates =
        (const struct tg_exchange_rate *)(const void *)blob->bytes;
    for (size_t i = 0; i < blob->size_bytes / sizeof *rates; i++) {
        if (rates[i].from == from && rates[i].to == compile->currency->numeric) {
            return true;
        }
    }
    return false;
}

/* Of a price, or of the rates of a sheet. */
static void currency_lint(struct tg_compile *compile, const char *noun, const char *name,
                          const struct tg_yaml_node *written)
{
    const struct tg_currency *currency = written != NULL && written->kind == TG_YAML_SCALAR
                                             ? tg_currency_by_code(written->text)
                                             : NULL;
    if (currency != NULL && currency != compile->currency &&
        !has_rate(compile, currency->numeric)) {
        tg_diag_add(compile->diag, TG_DIAG_WARNING, written->mark,
                    "the inverse of a rate is not made up",
                    "%s \"%.64s\": no exchange rate to %s; usage of accounts in %s will be "
                    "suspended",
                    noun, name, compile->currency->code, compile->currency->code);
    }
}

static void currencies_lint(struct tg_compile *compile)
{
    for (uint32_t i = 0; i < compile->names[TG_CATALOG_PRICE].count; i++) {
        const struct tg_yaml_node *node = tg_compile_node(compile, TG_CATALOG_PRICE, i);
        if (node != NULL) {
            currency_lint(compile, "price", node->key, tg_yaml_get(node, "currency"));
        }
    }
    for (uint32_t i = 0; i < compile->names[TG_CATALOG_DECK].count; i++) {
        const struct tg_yaml_node *node = compile->sheets[i].node;
        if (node != NULL && compile->sheets[i].has_rates) {
            currency_lint(compile, "deck", node->key,
                          tg_yaml_get(tg_yaml_get(node, "rates"), "currency"));
        }
    }
}

void tg_compile_rules(struct tg_compile *compile)
{
    struct tg_blob *blob = &compile->sections[TG_IMAGE_SECTION_PRICE_RULES];
    struct tg_price_rule *rules = (struct tg_price_rule *)(void *)blob->bytes;
    struct tg_price_info *infos =
        (struct tg_price_info *)(void *)compile->sections[TG_IMAGE_SECTION_PRICE_INFO].bytes;
    const bool has_exchange = compile->sections[TG_IMAGE_SECTION_EXCHANGE_RATES].size_bytes > 0;
    bool has_rules = false;
    if (blob->is_broken || compile->sections[TG_IMAGE_SECTION_PRICE_INFO].is_broken ||
        compile->sections[TG_IMAGE_SECTION_PRICE_DATA].is_broken) {
        return;
    }
    for (uint32_t i = 0; i < compile->names[TG_CATALOG_PRICE].count; i++) {
        const uint32_t offset = offset_of(compile, i);
        if (offset == UINT32_MAX) {
            continue;
        }
        const struct tg_price *price =
            (const struct tg_price
                 *)(const void *)(compile->sections[TG_IMAGE_SECTION_PRICE_DATA].bytes + offset);
        const bool is_ruled = has_exchange || rules[i].carry_denominator != 0 ||
                              rules[i].spend_limit != 0 || rules[i].converts_at_event != 0 ||
                              price->currency != compile->currency->numeric;
        infos[i].options |= is_ruled ? TG_PRICE_RULES : 0; /* beside those a plan's limit set */
        has_rules = has_rules || (infos[i].options & TG_PRICE_RULES) != 0 || rules[i].tax_plus != 0;
    }
    currencies_lint(compile);
    carry_compile(compile, rules);
    if (tg_diag_errors_count(compile->diag) == 0) {
        tg_compile_shelves(compile);
    }
    if (!has_rules) {
        tg_blob_free(blob);
    }
}
