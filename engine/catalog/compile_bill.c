/* SPDX-License-Identifier: Apache-2.0 */
/* What stands on a bill beside its lines: to what its amount due is rounded. */
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
