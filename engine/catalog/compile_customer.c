/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of customers with decks of their own: a plan of the documents, once more for a product. */
#include "catalog/compile.h"

#include <stdio.h>
#include <string.h>

bool tg_compile_customer_plan(const struct tg_compile *compile, const struct tg_yaml_node *product,
                              uint32_t *index)
{
    const struct tg_yaml_node *plan = tg_yaml_get(product, "plan");
    const struct tg_yaml_node *decks = tg_yaml_get(product, "decks");
    char name[160];
    if (plan == NULL || plan->kind != TG_YAML_SCALAR || decks == NULL ||
        decks->kind != TG_YAML_MAP) {
        return false;
    }
    const int length = snprintf(name, sizeof name, "%.63s/%.63s", plan->text, product->key);
    *index = tg_names_find(&compile->names[TG_CATALOG_PLAN], name, (size_t)length);
    return *index < TG_PLAN_NONE;
}

void tg_compile_customers_declare(struct tg_compile *compile)
{
    struct tg_names *names = &compile->names[TG_CATALOG_PLAN];
    for (uint32_t i = 0; i < compile->names[TG_CATALOG_PRODUCT].count; i++) {
        const struct tg_yaml_node *product = tg_compile_node(compile, TG_CATALOG_PRODUCT, i);
        const struct tg_yaml_node *plan = tg_yaml_get(product, "plan");
        const struct tg_yaml_node *decks = tg_yaml_get(product, "decks");
        char name[160];
        if (plan == NULL || plan->kind != TG_YAML_SCALAR || decks == NULL) {
            continue;
        }
        const int length = snprintf(name, sizeof name, "%.63s/%.63s", plan->text, product->key);
        const uint32_t index = tg_names_add(names, name, (size_t)length);
        const uint32_t stored = i + 1;
        if (index >= TG_PLAN_NONE) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, decks->key_mark, NULL,
                        "more than 65534 plans over all versions");
            continue;
        }
        struct tg_blob *products = &compile->plan_products;
        if (products->size_bytes < (index + 1) * sizeof stored) {
            (void)tg_blob_extend(products, (index + 1) * sizeof stored - products->size_bytes, 4);
        }
        compile->is_out_of_memory |= products->is_broken;
        if (!products->is_broken) {
            memcpy(products->bytes + index * sizeof stored, &stored, sizeof stored);
        }
    }
}

const struct tg_yaml_node *tg_compile_customer_find(const struct tg_compile *compile, uint32_t plan)
{
    uint32_t product = 0;
    if ((plan + 1) * sizeof product <= compile->plan_products.size_bytes) {
        memcpy(&product, compile->plan_products.bytes + plan * sizeof product, sizeof product);
    }
    return product != 0 ? tg_compile_node(compile, TG_CATALOG_PRODUCT, product - 1) : NULL;
}

void tg_compile_customer_check(struct tg_compile *compile, const struct tg_yaml_node *product,
                               const struct tg_yaml_node *plan)
{
    const struct tg_yaml_node *decks = tg_yaml_get(product, "decks");
    const struct tg_yaml_node *deck = decks->kind == TG_YAML_MAP ? decks->child : NULL;
    for (; deck != NULL; deck = deck->next) {
        const struct tg_yaml_node *service = tg_yaml_get(plan, deck->key);
        const struct tg_yaml_node *fallbacks = tg_yaml_get(service, "fallback_decks");
        (void)tg_compile_resolve(compile, TG_CATALOG_DECK, "deck", deck);
        if (service == NULL) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, deck->key_mark, NULL,
                        "plan \"%.64s\" does not sell %.16s", plan->key, deck->key);
        } else if (tg_yaml_get(service, "deck") == NULL) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, deck->mark, NULL,
                        "plan \"%.64s\" has no deck for %.16s", plan->key, deck->key);
        } else if (fallbacks != NULL && fallbacks->children_count >= TG_FALLBACK_DECKS_MAX) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, deck->mark, NULL,
                        "plan \"%.64s\" has %u fallback decks for %.16s, one too many behind this",
                        plan->key, fallbacks->children_count, deck->key);
        }
    }
}
