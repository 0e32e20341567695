/* SPDX-License-Identifier: Apache-2.0 */
/* Taxes, and sets of them in order. */
#include "base/money.h"
#include "catalog/compile.h"
#include "catalog/keys.h"
#include "catalog/tax_shares.h"
#include "doc/schema.h"

#include <string.h>

#define CHARGE_SHARES_MOST (INT64_C(1) << 44) /* Times 10^6, from rating scale, fits 64 bits. */

static void complain(struct tg_compile *compile, const struct tg_yaml_node *at, const char *hint,
                     const char *text)
{
    tg_diag_add(compile->diag, TG_DIAG_ERROR, at->mark, hint, "%s", text);
}

static struct tg_tax tax_read(struct tg_compile *compile, const struct tg_yaml_node *node)
{
    const struct tg_schema *keys = &tg_catalog_tax_keys;
    const char *category = tg_schema_text(keys, node, "category");
    const char *title = tg_schema_text(keys, node, "title");
    struct tg_tax tax = {
        .is_present = 1,
        .rate_ppm = (uint32_t)tg_schema_number(keys, node, "rate"),
        .rounding = tg_yaml_get(node, "rounding") != NULL
                        ? (uint8_t)tg_schema_number(keys, node, "rounding")
                        : compile->head.rounding_tax,
        .mode = (uint8_t)tg_schema_number(keys, node, "mode"),
        .is_inclusive = (uint8_t)tg_schema_number(keys, node, "inclusive"),
        .point = (uint8_t)tg_schema_number(keys, node, "tax_point"),
        .is_compound = (uint8_t)tg_schema_number(keys, node, "compound"),
        .title_offset = tg_compile_text(compile, title != NULL ? title : node->key),
    };
    memcpy(tax.category, category, strnlen(category, sizeof tax.category));
    if (tg_yaml_get(node, "rate") == NULL && tg_yaml_get(node, "parts") == NULL &&
        !tg_compile_is_doubtful(compile, node)) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->key_mark, NULL,
                    "tax \"%.64s\" needs a rate, or parts", node->key);
    }
    return tax;
}

/* What the parts come to together, for people: to a ppm of the net. */
static void rate_sum(struct tg_compile *compile, const struct tg_yaml_node *parts,
                     struct tg_tax *set, const struct tg_tax *all)
{
    struct tg_tax_rate rates[TG_TAX_PARTS_MAX];
    int64_t shares[TG_TAX_PARTS_MAX];
    int64_t net = 1;
    int64_t rate_ppm = 0;
    __int128 sum = 0;
    for (uint32_t i = 0; i < set->parts_count; i++) {
        rates[i] = (struct tg_tax_rate){.rate_ppm = all[set->parts[i]].rate_ppm,
                                        .is_compound = all[set->parts[i]].is_compound != 0};
    }
    const bool is_shared = tg_tax_shares(rates, set->parts_count, &net, shares);
    for (uint32_t i = 0; is_shared && i < set->parts_count; i++) {
        sum += shares[i];
    }
    if (!is_shared) {
        complain(compile, parts, "use fewer parts, or rates with fewer decimals",
                 "parts: the rates have no common denominator below 2^60");
        return;
    }
    /* What a balance paid has its taxes in it, so any set may be taken out of a row's charge. */
    if (set->mode == TG_TAX_PER_CHARGE && net + sum >= CHARGE_SHARES_MOST) {
        complain(compile, parts, "use fewer parts, or rates with fewer decimals",
                 "parts: with mode charge the rates need a common denominator below 2^44");
        return;
    }
    if (tg_money_divide(sum * 1000000, (uint64_t)net, TG_ROUND_HALF_UP, &rate_ppm) == TG_OK &&
        rate_ppm <= UINT32_MAX) {
        set->rate_ppm = (uint32_t)rate_ppm;
    }
}

static void part_add(struct tg_compile *compile, const struct tg_yaml_node *item,
                     struct tg_tax *set)
{
    const uint32_t index = tg_compile_resolve(compile, TG_CATALOG_TAX, "tax", item);
    const struct tg_yaml_node *part =
        index != UINT32_MAX ? tg_compile_node(compile, TG_CATALOG_TAX, index) : NULL;
    if (part == NULL || set->parts_count == TG_TAX_PARTS_MAX) {
        return; /* told */
    }
    if (tg_yaml_get(part, "parts") != NULL) {
        complain(compile, item, NULL, "parts: a set cannot be part of a set");
        return;
    }
    for (uint32_t i = 0; i < set->parts_count; i++) {
        if (set->parts[i] == index) {
            complain(compile, item, NULL, "parts: named twice");
            return;
        }
    }
    set->parts[set->parts_count++] = (uint16_t)index;
}

static void set_read(struct tg_compile *compile, const struct tg_yaml_node *node,
                     struct tg_tax *set, const struct tg_tax *all)
{
    const struct tg_yaml_node *parts = tg_yaml_get(node, "parts");
    const struct tg_yaml_node *compound = tg_yaml_get(node, "compound");
    const struct tg_yaml_node *rate = tg_yaml_get(node, "rate");
    if (rate != NULL) {
        complain(compile, rate, "give one of the two", "rate: the rates of a set are its parts'");
    }
    if (compound != NULL) {
        complain(compile, compound, "write it on the part",
                 "compound: a set is not on top of anything");
    }
    for (const struct tg_yaml_node *item = parts->child; item != NULL; item = item->next) {
        part_add(compile, item, set);
    }
    if (tg_diag_errors_count(compile->diag) == 0) {
        rate_sum(compile, parts, set, all);
    }
}

void tg_compile_taxes(struct tg_compile *compile)
{
    const uint32_t count = compile->names[TG_CATALOG_TAX].count;
    struct tg_blob *section = &compile->sections[TG_IMAGE_SECTION_TAXES];
    for (uint32_t i = 0; i < count; i++) {
        const struct tg_yaml_node *node = tg_compile_node(compile, TG_CATALOG_TAX, i);
        const struct tg_tax tax = node != NULL && node->kind == TG_YAML_MAP
                                      ? tax_read(compile, node)
                                      : (struct tg_tax){0};
        (void)tg_blob_append(section, &tax, sizeof tax, 8);
    }
    struct tg_tax *all = (struct tg_tax *)(void *)section->bytes;
    for (uint32_t i = 0; !section->is_broken && i < count; i++) {
        const struct tg_yaml_node *node = tg_compile_node(compile, TG_CATALOG_TAX, i);
        const struct tg_yaml_node *parts = node != NULL ? tg_yaml_get(node, "parts") : NULL;
        if (all[i].point == TG_TAX_AT_ISSUE && all[i].mode == TG_TAX_PER_CHARGE) {
            complain(
                compile, tg_yaml_get(node, "tax_point"), "use mode: category or line",
                "tax_point: rows that are taxed by themselves are taxed before the bill's date");
        }
        if (parts != NULL && parts->kind == TG_YAML_LIST) {
            set_read(compile, node, &all[i], all);
        }
    }
}
