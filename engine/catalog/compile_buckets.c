/* SPDX-License-Identifier: Apache-2.0 */
/* Allowances of a service of a plan: which, in which order, and what they need of its prices. */
#include "catalog/compile.h"
#include "catalog/compile_cell.h"
#include "catalog/keys.h"
#include "doc/schema.h"
#include "record/charge.h"

#include <string.h>

#define BUCKETS_MAX 6u /* an account keeps 8: one counts money, one is for a change of plan */

static const struct tg_allowance *allowance_at(const struct tg_compile *compile, uint32_t index)
{
    return (const struct tg_allowance *)(const void *)compile->sections[TG_IMAGE_SECTION_ALLOWANCES]
               .bytes +
           index;
}

/* Order of use (rating-semantics 4.6): priority, soonest expiry, own before shared, name. Grants of
 * one period and validity begin and end together; which of others ends first is known at the
 * event's time only. */
static bool is_used_before(const struct tg_compile *compile, uint16_t a, uint16_t b)
{
    const struct tg_allowance *left = allowance_at(compile, a);
    const struct tg_allowance *right = allowance_at(compile, b);
    if (left->priority != right->priority) {
        return left->priority < right->priority;
    }
    if (left->scope != right->scope) {
        return left->scope < right->scope;
    }
    const struct tg_names *names = &compile->names[TG_CATALOG_ALLOWANCE];
    return strcmp(tg_names_text(names, a), tg_names_text(names, b)) < 0;
}

/* Do two of one priority end at times of their own? */
static bool is_ordered_by_end(const struct tg_compile *compile, const uint16_t *list,
                              uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        const struct tg_allowance *left = allowance_at(compile, list[i - 1]);
        const struct tg_allowance *right = allowance_at(compile, list[i]);
        if (left->priority == right->priority &&
            (left->period != right->period || left->valid_from_ns != right->valid_from_ns ||
             left->valid_to_ns != right->valid_to_ns || left->options != right->options ||
             left->period_count != right->period_count ||
             (left->period_count != 0 && left->scope != right->scope))) {
            return true;
        }
    }
    return false;
}

/* Units covered at a price are part of the row's charge: a product, in the row's currency. */
static void used_price_check(const struct tg_compile_cell *cell, const struct tg_yaml_node *node,
                             const struct tg_allowance *allowance)
{
    struct tg_compile *compile = cell->compile;
    struct tg_price_info *info =
        (struct tg_price_info *)(void *)compile->sections[TG_IMAGE_SECTION_PRICE_INFO].bytes;
    const uint32_t id = allowance->price - 1;
    const struct tg_price *used = allowance->price != 0 ? tg_compile_price_at(compile, id) : NULL;
    if (used == NULL || compile->sections[TG_IMAGE_SECTION_PRICE_INFO].is_broken) {
        return;
    }
    info[id].zones_count += info[id].zones_count < UINT16_MAX ? 1 : 0;
    if (info[id].dimension != allowance->dimension || used->steps_count != 1 ||
        strcmp(tg_names_text(&compile->names[TG_CATALOG_TARIFF], info[id].tariff), "per_unit") !=
            0) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->mark,
                    "use a per_unit price in a unit that the allowance is counted in",
                    "allowance \"%.64s\": its price_when_used does not fit", node->text);
    }
    const size_t count = (size_t)cell->out.zones_count * cell->out.bands_count;
    for (size_t i = 0; i < count; i++) {
        const struct tg_price *price =
            cell->matrix[i] != TG_PRICE_NONE ? tg_compile_price_at(compile, cell->matrix[i]) : NULL;
        const struct tg_yaml_node *written =
            price != NULL ? tg_compile_node(compile, TG_CATALOG_PRICE, cell->matrix[i]) : NULL;
        const bool is_foreign = price != NULL && price->currency != used->currency;
        if (is_foreign || (written != NULL && tg_compile_carry(written) != NULL)) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, node->mark,
                        "what is covered and what is not are one charge",
                        "allowance \"%.64s\" has a price_when_used, and price \"%.64s\" of the "
                        "service %s",
                        node->text,
                        tg_names_text(&compile->names[TG_CATALOG_PRICE], cell->matrix[i]),
                        is_foreign ? "is in another currency" : "carries its remainder");
            return;
        }
    }
}

/* What was used is known of a whole row only, and a list draws one or the other. */
static void raw_check(const struct tg_compile_cell *cell, const struct tg_yaml_node *node,
                      const struct tg_allowance *allowance, const uint16_t *list, uint32_t count)
{
    const bool is_raw = (allowance->options & TG_ALLOWANCE_RAW) != 0;
    if (count > 0 &&
        is_raw != ((allowance_at(cell->compile, list[0])->options & TG_ALLOWANCE_RAW) != 0)) {
        tg_diag_add(cell->compile->diag, TG_DIAG_ERROR, node->mark, NULL,
                    "allowances of one service consume either raw or billed units");
    }
    if (is_raw && tg_compile_cell_model(cell) != NULL && cell->out.split_mode != TG_SPLIT_START &&
        cell->out.split_mode != TG_SPLIT_END) {
        tg_diag_add(cell->compile->diag, TG_DIAG_ERROR, node->mark, "add split: start or end",
                    "allowance \"%.64s\" consumes raw units, which a call cut at bands has not",
                    node->text);
    }
}

/* Units covered apart from a call's leave no call to remember. */
static void call_check(const struct tg_compile_cell *cell, const struct tg_yaml_node *node,
                       const struct tg_allowance *allowance)
{
    const bool is_apart = (allowance->options & TG_ALLOWANCE_RAW) != 0 || allowance->price != 0;
    if (is_apart && tg_schema_number(&tg_catalog_service_keys, cell->service, "rate_change") ==
                        TG_RATE_CHANGE_CALL) {
        tg_diag_add(cell->compile->diag, TG_DIAG_ERROR, node->mark,
                    "use rate_change: start, or consume: billed without price_when_used",
                    "rate_change: call, but allowance \"%.64s\" covers each record by itself",
                    node->text);
    }
}

/* One name of an allowance, put where it is used. */
static void bucket_add(struct tg_compile_cell *cell, uint32_t service,
                       const struct tg_yaml_node *node, uint16_t *list, uint32_t *count)
{
    struct tg_compile *compile = cell->compile;
    const uint32_t index = tg_compile_resolve(compile, TG_CATALOG_ALLOWANCE, "allowance", node);
    if (index == UINT32_MAX || compile->sections[TG_IMAGE_SECTION_ALLOWANCES].is_broken) {
        return;
    }
    const struct tg_allowance *allowance = allowance_at(compile, index);
    if (tg_compile_is_doubtful(compile, tg_compile_node(compile, TG_CATALOG_ALLOWANCE, index))) {
        return;
    }
    if (((allowance->services_mask >> service) & 1u) == 0) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->mark, NULL,
                    "allowance \"%.64s\" does not cover %s", node->text, cell->service->key);
    } else if (cell->has_dimension && allowance->dimension != cell->out.dimension) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->mark, NULL,
                    "allowance \"%.64s\" is counted in %ss, the prices are not", node->text,
                    tg_unit_name(allowance->unit));
    } else if (allowance->bands_offset != 0 && tg_compile_cell_model(cell) == NULL &&
               !cell->has_lost_bands) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->mark, "add a time_model to the service",
                    "allowance \"%.64s\" is for some bands, the service has none", node->text);
    }
    used_price_check(cell, node, allowance);
    raw_check(cell, node, allowance, list, *count);
    call_check(cell, node, allowance);
    uint32_t at = *count;
    for (uint32_t i = 0; i < *count; i++) {
        if (list[i] == index) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, node->mark, NULL,
                        "allowance \"%.64s\" is named twice", node->text);
            return;
        }
    }
    for (; at > 0 && is_used_before(compile, (uint16_t)index, list[at - 1]); at--) {
        list[at] = list[at - 1];
    }
    list[at] = (uint16_t)index;
    (*count)++;
}

/* A lone monthly bucket without extras stays in the account's line; else the list it is. */
void tg_compile_buckets(struct tg_compile_cell *cell, uint32_t service)
{
    struct tg_compile *compile = cell->compile;
    const struct tg_yaml_node *one = tg_yaml_get(cell->service, "allowance");
    const struct tg_yaml_node *many = tg_yaml_get(cell->service, "allowances");
    uint16_t list[BUCKETS_MAX];
    uint32_t count = 0;
    if (one != NULL && many != NULL) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, many->key_mark, "put all of them in allowances",
                    "%s has both allowance and allowances", cell->service->key);
    }
    if (one != NULL) {
        bucket_add(cell, service, one, list, &count);
    }
    if (many != NULL && many->kind == TG_YAML_LIST) {
        for (const struct tg_yaml_node *node = many->child; node != NULL && count < BUCKETS_MAX;
             node = node->next) {
            bucket_add(cell, service, node, list, &count);
        }
    }
    if (count == 1 && tg_allowance_is_plain(allowance_at(compile, list[0]))) {
        cell->out.allowance = list[0];
    } else if (count > 0) {
        cell->out.buckets_count = (uint8_t)count & 127u;
        cell->out.buckets_by_end = is_ordered_by_end(compile, list, count) ? 1 : 0;
        cell->out.buckets_offset = (uint32_t)tg_blob_append(
            &compile->sections[TG_IMAGE_SECTION_DECK_DATA], list, count * sizeof *list, 2);
    }
}
