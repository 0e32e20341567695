/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/explain_rules.h"

#include "base/money.h"
#include "bill/text.h"
#include "catalog/exchange.h"

static const char *code_of(uint16_t numeric)
{
    const struct tg_currency *currency = tg_currency_by_numeric(numeric);
    return currency != NULL ? currency->code : "?";
}

static void exchange_set(struct tg_json *json, const struct tg_image *image,
                         const struct tg_rate_trace *trace)
{
    const struct tg_exchange_rate *rate = trace->exchange;
    struct tg_json *exchange = tg_json_object();
    tg_json_set_string(exchange, "rate_id", tg_image_exchange_name(image, rate));
    tg_json_set_string(exchange, "from", code_of(rate->from));
    tg_json_set_string(exchange, "to", code_of(rate->to));
    tg_json_set_money(exchange, "rate", rate->rate, rate->decimals, rate->decimals);
    tg_json_set_string(exchange, "stage", trace->converts_at_event ? "event" : "bill");
    tg_json_set_money(exchange, "converted", trace->cost, rate->to_scale,
                      (uint8_t)(rate->to_scale - TG_MONEY_EXTRA_DECIMALS));
    tg_json_set(json, "exchange", exchange);
}

void tg_explain_limit_money(struct tg_json *json, const char *key, const struct tg_image *image,
                            int64_t amount)
{
    tg_json_set_money(json, key, amount, image->scale, image->minor);
}

static struct tg_json *spend_json(const struct tg_image *image, const struct tg_spend_use *use)
{
    const struct tg_spend_limit *limit = tg_image_spend_limit(image, use->limit);
    struct tg_json *json = tg_json_object();
    tg_json_set_string(json, "limit", tg_image_name(image, TG_CATALOG_SPEND_LIMIT, use->limit));
    tg_explain_limit_money(json, "spent_before", image, use->spent_before);
    tg_explain_limit_money(json, "spent", image, use->spent);
    if (limit->maximum != INT64_MAX) {
        tg_explain_limit_money(json, "maximum", image, limit->maximum);
    }
    if (use->cut != 0) {
        tg_explain_limit_money(json, "cut", image, use->cut);
    }
    if (use->fired_mask != 0) {
        struct tg_json *fired = tg_json_list();
        for (uint32_t i = 0; i < TG_THRESHOLDS_MAX; i++) {
            if ((use->fired_mask >> i & 1u) != 0) {
                char text[TG_MONEY_TEXT_BYTES];
                (void)tg_money_format(limit->thresholds[i], image->scale, image->minor, text);
                tg_json_append(fired, tg_json_string(text));
            }
        }
        tg_json_set(json, "thresholds", fired);
    }
    return json;
}

/* Which allowances covered the row, what they have left, which thresholds it crossed. */
static struct tg_json *uses_json(const struct tg_image *image, const struct tg_charge *charge,
                                 const struct tg_rate_trace *trace)
{
    struct tg_json *list = tg_json_list();
    const uint64_t unit_base_count = tg_unit_base_count(charge->unit);
    for (uint32_t i = 0; i < trace->uses_count; i++) {
        const struct tg_allowance_use *use = &trace->uses[i];
        const struct tg_allowance *allowance = tg_image_allowance(image, use->allowance);
        struct tg_json *json = tg_json_object();
        tg_json_set_string(json, "allowance",
                           tg_image_name(image, TG_CATALOG_ALLOWANCE, use->allowance));
        tg_json_set_integer(json, "units", (int64_t)(use->used_base / unit_base_count));
        tg_json_set_integer(json, "left", (int64_t)(use->left_base / unit_base_count));
        if (use->fired_mask != 0) {
            struct tg_json *fired = tg_json_list();
            for (uint32_t bit = 0; bit < TG_THRESHOLDS_MAX; bit++) {
                if ((use->fired_mask >> bit & 1u) != 0) {
                    tg_json_append(fired, tg_json_integer(allowance->thresholds_percent[bit]));
                }
            }
            tg_json_set(json, "thresholds", fired);
        }
        tg_json_append(list, json);
    }
    return list;
}

void tg_explain_rules_set(struct tg_json *json, const struct tg_image *image,
                          const struct tg_charge *charge, const struct tg_rate_trace *trace)
{
    if (trace->uses_count > 0) {
        tg_json_set(json, "allowances", uses_json(image, charge, trace));
    }
    if (trace->rounding_change != 0) {
        tg_json_set_money(json, "rounding_change", trace->rounding_change, trace->price->scale,
                          (uint8_t)(trace->price->scale - TG_MONEY_EXTRA_DECIMALS));
    }
    const uint8_t exponent = tg_image_price_info(image, trace->price->price_id)->round_exponent;
    if (exponent != 0) {
        tg_json_set_integer(json, "decimals", (int64_t)trace->price->scale - exponent);
    }
    if (trace->carried != 0) {
        tg_json_set_money(json, "carried", trace->carried, trace->price->scale,
                          (uint8_t)(trace->price->scale - TG_MONEY_EXTRA_DECIMALS));
    }
    if (trace->exchange != NULL) {
        exchange_set(json, image, trace);
    }
    if (trace->spends_count > 0) {
        struct tg_json *list = tg_json_list();
        for (uint32_t i = 0; i < trace->spends_count; i++) {
            tg_json_append(list, spend_json(image, &trace->spends[i]));
        }
        tg_json_set(json, "spend_limits", list);
    }
    if ((charge->flags & TG_CHARGE_CAPPED) != 0) {
        tg_json_set_bool(json, "is_capped", true);
    }
    if ((charge->flags & TG_CHARGE_NOT_BILLABLE) != 0) {
        tg_json_set_bool(json, "is_not_billable", true);
    }
    if ((charge->flags & TG_CHARGE_REVERSAL) != 0) {
        tg_json_set_bool(json, "is_reversal", true);
    }
}

static void spend_add(struct tg_bill_text *out, const struct tg_image *image,
                      const struct tg_spend_use *use)
{
    const struct tg_spend_limit *limit = tg_image_spend_limit(image, use->limit);
    tg_bill_text_add(out, " spend limit %s had ",
                     tg_image_name(image, TG_CATALOG_SPEND_LIMIT, use->limit));
    tg_bill_text_money(out, use->spent_before, image->scale, image->minor);
    if (limit->maximum != INT64_MAX) {
        tg_bill_text_add(out, " of ");
        tg_bill_text_money(out, limit->maximum, image->scale, image->minor);
    }
    if (use->cut > 0) {
        tg_bill_text_add(out, ", cuts the charge by ");
        tg_bill_text_money(out, use->cut, image->scale, image->minor);
    } else if (use->cut < 0) {
        tg_bill_text_add(out, ", is reached and gives nothing back of ");
        tg_bill_text_money(out, -use->cut, image->scale, image->minor);
    }
    tg_bill_text_add(out, " and has ");
    tg_bill_text_money(out, use->spent, image->scale, image->minor);
    tg_bill_text_add(out, " with it;");
}

void tg_explain_rules_add(struct tg_bill_text *out, const struct tg_image *image,
                          const struct tg_rate_trace *trace)
{
    const struct tg_exchange_rate *rate = trace->exchange;
    if (trace->carried != 0) {
        tg_bill_text_add(out, " what rounding cut off rows before changes it by ");
        tg_bill_text_money(out, trace->carried, trace->price->scale,
                           (uint8_t)(trace->price->scale - TG_MONEY_EXTRA_DECIMALS));
        tg_bill_text_add(out, ";");
    }
    if (rate != NULL) {
        tg_bill_text_add(out, " rate %s of ", tg_image_exchange_name(image, rate));
        tg_bill_text_money(out, rate->rate, rate->decimals, rate->decimals);
        tg_bill_text_add(out, trace->converts_at_event ? " makes it " : " will make it ");
        tg_bill_text_money(out, trace->cost, rate->to_scale,
                           (uint8_t)(rate->to_scale - TG_MONEY_EXTRA_DECIMALS));
        tg_bill_text_add(out, trace->converts_at_event ? " %s;" : " %s in the sum of its line;",
                         code_of(rate->to));
    }
    for (uint32_t i = 0; i < trace->spends_count; i++) {
        spend_add(out, image, &trace->spends[i]);
    }
}
