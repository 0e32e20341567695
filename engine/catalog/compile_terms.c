/* SPDX-License-Identifier: Apache-2.0 */
/* What few services of plans have: which closing causes are charged, what becomes of records
 * without usage. */
#include "catalog/compile.h"
#include "catalog/keys.h"
#include "doc/schema.h"
#include "record/charge.h"

#include <stdlib.h>
#include <string.h>

/* "16" or "0-15": the bits of a table. */
static void code_read(struct tg_compile *compile, const struct tg_yaml_node *item,
                      struct tg_causes *causes)
{
    const char *text = item->kind == TG_YAML_SCALAR ? item->text : "";
    char *end;
    const size_t digits = strspn(text, "0123456789");
    const unsigned long from = strtoul(text, &end, 10);
    const bool is_range = *end == '-' && end[1] >= '0' && end[1] <= '9';
    const unsigned long to = is_range ? strtoul(end + 1, &end, 10) : from;
    if (digits == 0 || *end != '\0' || to > UINT8_MAX || from > to) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, item->mark, "such as 16 or 0-15",
                    "causes: \"%.32s\" is no closing cause (0 to 255)", text);
        return;
    }
    for (unsigned long cause = from; cause <= to; cause++) {
        if (((causes->billable[cause / 8] >> (cause % 8)) & 1u) != 0) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, item->mark, NULL,
                        "causes: %lu is in the list already", cause);
            return;
        }
        causes->billable[cause / 8] |= (uint8_t)(1u << (cause % 8));
    }
}

static void table_compile(struct tg_compile *compile, const struct tg_yaml_node *node,
                          struct tg_causes *causes)
{
    const struct tg_yaml_node *billable = tg_yaml_get(node, "billable");
    const struct tg_yaml_node *not_billable = tg_yaml_get(node, "not_billable");
    const struct tg_yaml_node *list = billable != NULL ? billable : not_billable;
    if ((billable != NULL) == (not_billable != NULL)) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->key_mark, NULL,
                    "causes \"%.64s\" needs either billable or not_billable", node->key);
        return;
    }
    const struct tg_yaml_node *item = list->kind == TG_YAML_LIST ? list->child : NULL;
    for (; item != NULL; item = item->next) {
        code_read(compile, item, causes);
    }
    for (size_t i = 0; not_billable != NULL && i < sizeof causes->billable; i++) {
        causes->billable[i] = (uint8_t)~causes->billable[i];
    }
    causes->otherwise = (uint8_t)tg_schema_number(&tg_catalog_cause_keys, node, "otherwise");
}

void tg_compile_causes(struct tg_compile *compile)
{
    for (uint32_t i = 0; i < compile->names[TG_CATALOG_CAUSES].count; i++) {
        const struct tg_yaml_node *node = tg_compile_node(compile, TG_CATALOG_CAUSES, i);
        struct tg_causes causes = {0};
        if (node != NULL && node->kind == TG_YAML_MAP) {
            table_compile(compile, node, &causes);
        }
        (void)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_CAUSES], &causes, sizeof causes,
                             1);
    }
}

/* What became of usage that an allowance may have covered, a limit cut, or a remainder gone into is
 * not known when it is taken back. */
static void reverse_check(struct tg_compile *compile, const struct tg_yaml_node *service,
                          const struct tg_plan_service *cell, const uint32_t *prices,
                          size_t prices_count)
{
    static const char hint[] = "correct such usage with rerate";
    const struct tg_yaml_node *where = tg_yaml_get(service, "negative_usage");
    if (cell->allowance != TG_ALLOWANCE_NONE || cell->buckets_count != 0) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, where->mark, hint,
                    "negative_usage: the service has an allowance");
    }
    const struct tg_price_rule *rules =
        (const struct tg_price_rule *)(const void *)compile->sections[TG_IMAGE_SECTION_PRICE_RULES]
            .bytes;
    bool has_limit = tg_yaml_get(service, "spend_limit") != NULL;
    bool has_carry = false;
    const bool is_broken = compile->sections[TG_IMAGE_SECTION_PRICE_RULES].is_broken;
    for (size_t i = 0; !is_broken && i < prices_count; i++) {
        const struct tg_yaml_node *price =
            prices[i] != TG_PRICE_NONE ? tg_compile_node(compile, TG_CATALOG_PRICE, prices[i])
                                       : NULL;
        has_limit |= price != NULL && rules[prices[i]].spend_limit != 0;
        has_carry |= price != NULL && tg_compile_carry(price) != NULL;
    }
    if (has_limit || has_carry) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, where->mark, hint,
                    "negative_usage: prices of the service %s",
                    has_limit ? "have a spend limit" : "carry remainders");
    }
}

/* Of a greatest value nothing is used up, nor can a part of it be taken back. */
static void meters_check(struct tg_compile *compile, const struct tg_yaml_node *service,
                         const struct tg_plan_service *cell, bool reverses, const uint32_t *prices,
                         size_t prices_count)
{
    const bool is_covered = cell->allowance != TG_ALLOWANCE_NONE || cell->buckets_count != 0;
    for (size_t i = 0; (is_covered || reverses) && i < prices_count; i++) {
        const struct tg_yaml_node *price =
            prices[i] != TG_PRICE_NONE ? tg_compile_node(compile, TG_CATALOG_PRICE, prices[i])
                                       : NULL;
        if (price != NULL && tg_schema_number(&tg_catalog_price_keys, price, "meter") != 0) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, service->key_mark,
                        is_covered ? "a tier with price \"0\" says what is free" : NULL,
                        "price \"%.64s\" is of the greatest record (meter: max), and the service "
                        "%s",
                        price->key,
                        is_covered ? "has an allowance" : "takes usage back (negative_usage)");
            return;
        }
    }
}

/* Only what is counted along its time can be cut in it. */
static void rate_change_check(struct tg_compile *compile, const struct tg_yaml_node *service,
                              const struct tg_plan_service *cell, uint8_t change)
{
    const struct tg_yaml_node *where = tg_yaml_get(service, "rate_change");
    if (cell->deck == TG_DECK_NONE &&
        (tg_yaml_get(service, "deck") != NULL || tg_compile_is_doubtful(compile, service))) {
        return; /* the deck is told, or may be misspelt */
    }
    if (cell->deck == TG_DECK_NONE) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, where->mark, NULL,
                    "rate_change: the service has no deck");
    } else if (change == TG_RATE_CHANGE_CALL) {
        return; /* whatever it is counted in, a record is not cut */
    } else if (cell->dimension != TG_DIMENSION_TIME && cell->is_data_timed == 0) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, where->mark, "octets need data_split: by_time",
                    "rate_change: the service is not counted along its time");
    } else if (cell->split_mode == TG_SPLIT_START || cell->split_mode == TG_SPLIT_END) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, where->mark, NULL,
                    "rate_change: split needs split: consecutive or isolated");
    }
}

bool tg_compile_terms(struct tg_compile *compile, const struct tg_yaml_node *service,
                      const struct tg_plan_service *cell, const uint32_t *prices,
                      size_t prices_count, struct tg_plan_terms *terms)
{
    static const struct tg_plan_terms defaults = {0};
    const struct tg_schema *keys = &tg_catalog_service_keys;
    const struct tg_yaml_node *causes = tg_yaml_get(service, "causes");
    const uint32_t table =
        causes != NULL ? tg_compile_resolve(compile, TG_CATALOG_CAUSES, "table of causes", causes)
                       : UINT32_MAX;
    *terms = (struct tg_plan_terms){
        .causes = table != UINT32_MAX ? (uint16_t)(table + 1) : 0,
        .zero_usage = (uint8_t)tg_schema_number(keys, service, "zero_usage"),
        .negative_usage = (uint8_t)tg_schema_number(keys, service, "negative_usage"),
        .rate_change = (uint8_t)tg_schema_number(keys, service, "rate_change"),
        .number = (uint8_t)tg_schema_number(keys, service, "number"),
    };
    if (terms->number == TG_NUMBER_ROUTED && strcmp(service->key, "voice") != 0) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(service, "number")->mark,
                    "a deck of ported numbers may be asked first",
                    "number: only records of calls that were made say where they were routed");
    }
    if (terms->rate_change != TG_RATE_CHANGE_START) {
        rate_change_check(compile, service, cell, terms->rate_change);
    }
    if (terms->negative_usage == TG_NEGATIVE_REVERSE) {
        reverse_check(compile, service, cell, prices, prices_count);
    }
    meters_check(compile, service, cell, terms->negative_usage == TG_NEGATIVE_REVERSE, prices,
                 prices_count);
    if (terms->zero_usage != TG_ZERO_FREE && cell->dimension == TG_DIMENSION_MONEY) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(service, "zero_usage")->mark, NULL,
                    "zero_usage: prices of money that records carry have no least usage");
    }
    return memcmp(terms, &defaults, sizeof defaults) != 0;
}
