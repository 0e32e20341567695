/* SPDX-License-Identifier: Apache-2.0 */
/* Which plans owe a minimum spend: those that sell a price which counts to it. Found once here, as
 * a bill would walk the matrix of every service for every subscription. */
#include "abi/usage.h"
#include "catalog/compile.h"

#include <stdlib.h>
#include <string.h>

/* One bit a plan, for one limit after the other. */
struct plan_bits {
    uint8_t *bits; /* Shape [limits][row_bytes]. */
    size_t row_bytes;
};

static void price_mark(const struct tg_compile *compile, struct plan_bits *plans, uint32_t plan,
                       uint32_t price)
{
    struct tg_price_info info;
    memcpy(&info,
           compile->sections[TG_IMAGE_SECTION_PRICE_INFO].bytes + (size_t)price * sizeof info,
           sizeof info);
    if (info.spend_minimum != 0) {
        plans->bits[(info.spend_minimum - 1u) * plans->row_bytes + plan / 8] |=
            (uint8_t)(1u << (plan % 8));
    }
}

static void plan_mark(const struct tg_compile *compile, struct plan_bits *plans, uint32_t plan)
{
    const struct tg_blob *sections = compile->sections;
    for (uint32_t at = 0; at < TG_SERVICE_COUNT; at++) {
        struct tg_plan_service cell;
        memcpy(&cell,
               sections[TG_IMAGE_SECTION_PLAN_SERVICES].bytes +
                   ((size_t)plan * TG_SERVICE_COUNT + at) * sizeof cell,
               sizeof cell);
        const size_t count = cell.is_present != 0 ? (size_t)cell.zones_count * cell.bands_count : 0;
        for (size_t i = 0; i < count; i++) {
            uint32_t price;
            memcpy(&price,
                   sections[TG_IMAGE_SECTION_MATRIX].bytes + cell.matrix_offset + i * sizeof price,
                   sizeof price);
            if (price != TG_PRICE_NONE) {
                price_mark(compile, plans, plan, price);
            }
        }
    }
}

static bool has_minimum(const struct tg_compile *compile)
{
    bool has = false;
    for (uint32_t i = 0; !has && tg_compile_limit(compile, i) != NULL; i++) {
        has = tg_compile_limit(compile, i)->minimum != 0;
    }
    return has;
}

void tg_compile_minimums(struct tg_compile *compile)
{
    const struct tg_blob *sections = compile->sections;
    const uint32_t plans_count = compile->names[TG_CATALOG_PLAN].count;
    const size_t limits_count = compile->names[TG_CATALOG_SPEND_LIMIT].count;
    struct plan_bits plans = {.row_bytes = ((size_t)plans_count + 7) / 8};
    if (!has_minimum(compile) || plans_count == 0 ||
        sections[TG_IMAGE_SECTION_PLAN_SERVICES].is_broken ||
        sections[TG_IMAGE_SECTION_MATRIX].is_broken ||
        sections[TG_IMAGE_SECTION_PRICE_INFO].is_broken) {
        return;
    }
    plans.bits = calloc(limits_count, plans.row_bytes);
    if (plans.bits == NULL) {
        compile->is_out_of_memory = true;
        return;
    }
    for (uint32_t plan = 0; plan < plans_count; plan++) {
        plan_mark(compile, &plans, plan);
    }
    for (size_t i = 0; i < limits_count; i++) {
        struct tg_spend_limit *limit =
            (struct tg_spend_limit *)(void *)sections[TG_IMAGE_SECTION_SPEND_LIMITS].bytes + i;
        if (limit->minimum != 0) { /* Plus one while relative, as 0 says no plan. */
            limit->plans_offset =
                (uint32_t)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_DECK_DATA],
                                         plans.bits + i * plans.row_bytes, plans.row_bytes, 8) +
                1;
        }
    }
    free(plans.bits);
}
