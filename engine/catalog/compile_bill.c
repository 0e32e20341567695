/* SPDX-License-Identifier: Apache-2.0 */
/* What stands on a bill beside its lines: who bills, and to what the amount due is rounded. */
#include "base/money.h"
#include "catalog/compile.h"
#include "catalog/image.h"
#include "catalog/keys.h"
#include "doc/schema.h"

#include <string.h>

/* In the currency's minor unit; 0: told. */
static uint32_t step_read(struct tg_compile *compile, const struct tg_yaml_node *node,
                          const struct tg_currency *currency)
{
    const struct tg_yaml_node *step = tg_yaml_get(node, "step");
    int64_t amount = 0;
    if (step == NULL || step->kind != TG_YAML_SCALAR) {
        return 0; /* the schema has said so */
    }
    const enum tg_err err = tg_money_parse(step->text, step->text_bytes, currency->minor, &amount);
    if (err == TG_E_SYNTAX) {
        return 0; /* likewise */
    }
    if (err == TG_OK && amount >= 2 && amount <= UINT32_MAX) {
        return (uint32_t)amount;
    }
    tg_diag_add(compile->diag, TG_DIAG_ERROR, step->mark,
                "write an amount above the currency's smallest, such as 0.05",
                "step: \"%.64s\" is nothing that amounts in %s can be rounded to", step->text,
                currency->code);
    return 0;
}

/* The entry that has a currency already; NULL: none. */
static const char *twin_find(const struct tg_compile *compile, uint32_t count, uint16_t currency)
{
    const struct tg_cash_rounding *all =
        (const struct tg_cash_rounding *)(const void *)compile->sections[TG_IMAGE_SECTION_CASH]
            .bytes;
    for (uint32_t i = 0; i < count; i++) {
        if (all[i].currency == currency) {
            return tg_names_text(&compile->names[TG_CATALOG_CASH], i);
        }
    }
    return NULL;
}

void tg_compile_cash(struct tg_compile *compile)
{
    const struct tg_schema *keys = &tg_catalog_cash_keys;
    struct tg_blob *section = &compile->sections[TG_IMAGE_SECTION_CASH];
    for (uint32_t i = 0; i < compile->names[TG_CATALOG_CASH].count; i++) {
        const struct tg_yaml_node *node = tg_compile_node(compile, TG_CATALOG_CASH, i);
        struct tg_cash_rounding out = {.step = 2};
        if (node != NULL && node->kind == TG_YAML_MAP) {
            const struct tg_currency *currency = tg_compile_currency(compile, node, "currency");
            const char *twin = currency != NULL ? twin_find(compile, i, currency->numeric) : NULL;
            if (twin != NULL) {
                tg_diag_add(compile->diag, TG_DIAG_ERROR, node->key_mark, NULL,
                            "cash rounding \"%.64s\": \"%.64s\" is of %s already", node->key, twin,
                            currency->code);
            }
            out.currency = currency != NULL ? currency->numeric : 0;
            out.step = currency != NULL ? step_read(compile, node, currency) : 0;
            out.rounding = (uint8_t)tg_schema_number(keys, node, "rounding");
            out.is_named = (uint8_t)tg_schema_number(keys, node, "accounts");
        }
        (void)tg_blob_append(section, &out, sizeof out, 4);
        if (section->is_broken) {
            return; /* image_pack says so */
        }
    }
}

/* The text section's offset of a text for people; 0 when it is not there. */
static uint32_t text_read(struct tg_compile *compile, const struct tg_yaml_node *node,
                          const char *key)
{
    return tg_compile_text(compile, tg_schema_text(&tg_catalog_entity_keys, node, key));
}

/* Numbers are made of it, so only what stands well in one; CN and DN are those of notes. */
static void series_check(struct tg_compile *compile, const struct tg_yaml_node *series)
{
    static const char alphabet[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    if (series == NULL || series->kind != TG_YAML_SCALAR) {
        return; /* the schema has said so */
    }
    if (strspn(series->text, alphabet) != series->text_bytes) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, series->mark, "use A-Z a-z 0-9 _ . -",
                    "series: \"%.64s\" has characters that no number has", series->text);
    } else if (strcmp(series->text, "CN") == 0 || strcmp(series->text, "DN") == 0) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, series->mark, NULL,
                    "series: \"%s\" is that of credit or debit notes", series->text);
    }
}

void tg_compile_entities(struct tg_compile *compile)
{
    struct tg_blob *section = &compile->sections[TG_IMAGE_SECTION_ENTITIES];
    for (uint32_t i = 0; i < compile->names[TG_CATALOG_ENTITY].count; i++) {
        const struct tg_yaml_node *node = tg_compile_node(compile, TG_CATALOG_ENTITY, i);
        struct tg_legal_entity out = {.is_present = 0};
        if (node != NULL && node->kind == TG_YAML_MAP) {
            if (strlen(node->key) > TG_ENTITY_NAME_MAX) {
                tg_diag_add(compile->diag, TG_DIAG_ERROR, node->key_mark, NULL,
                            "legal entity \"%.64s\" has more than %u characters", node->key,
                            TG_ENTITY_NAME_MAX);
            }
            series_check(compile, tg_yaml_get(node, "series"));
            out.is_present = 1;
            out.title_offset = text_read(compile, node, "title");
            out.tax_id_offset = text_read(compile, node, "tax_id");
            out.series_offset = text_read(compile, node, "series");
            if (out.title_offset == 0) {
                out.title_offset = tg_compile_text(compile, node->key);
            }
        }
        (void)tg_blob_append(section, &out, sizeof out, 4);
    }
}
