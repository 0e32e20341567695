/* SPDX-License-Identifier: Apache-2.0 */
/* Since when an account has had each of its pools.
 *
 * A pool is not granted by the member who happens to draw first: which one that is depends on the
 * order of rows. It begins with the first subscription of the account whose product sells it; what
 * was before has neither a grant that could roll over nor days that a grant is prorated by. Each
 * pool has a begin of its own: one that came with a later plan does not begin with an older one. */
#include "catalog/image.h"
#include "catalog/roster_parts.h"

#include <stdlib.h>
#include <string.h>

#define PRODUCTS_MAX 65536u /* tg_roster_line.product */
#define POOLS_MAX    65536u /* Allowances have 16 bits. */

/* Which dated pools a product sells in any version: a stretch of a list that grows. */
struct sold {
    uint32_t from;
    uint32_t count;
    bool is_known;
};

struct builder {
    const struct tg_roster_params *params;
    struct sold *products; /* shape [PRODUCTS_MAX] */
    uint16_t *list;        /* places in the pools of the roster */
    uint16_t *places;      /* of an allowance, from 1; 0: not dated; shape [POOLS_MAX] */
    uint16_t *pools;       /* allowances, in the order of places */
    uint32_t list_count;
    uint32_t pools_count;
};

static bool pools_find(struct builder *builder)
{
    const struct tg_roster_params *params = builder->params;
    for (uint32_t i = 0; i < params->images_count; i++) {
        const uint32_t count = tg_image_count(params->images[i], TG_CATALOG_ALLOWANCE);
        for (uint32_t index = 0; index < count; index++) {
            if (tg_allowance_is_dated_pool(tg_image_allowance(params->images[i], index)) &&
                builder->places[index] == 0) {
                builder->pools[builder->pools_count++] = (uint16_t)index;
                builder->places[index] = (uint16_t)builder->pools_count;
            }
        }
    }
    return builder->pools_count > 0;
}

static bool list_has(const struct builder *builder, const struct sold *sold, uint16_t place)
{
    bool has = false;
    for (uint32_t i = 0; i < sold->count && !has; i++) {
        has = builder->list[sold->from + i] == place;
    }
    return has;
}

static enum tg_err list_add(struct builder *builder, struct sold *sold, uint16_t place)
{
    if (list_has(builder, sold, place)) {
        return TG_OK;
    }
    if ((builder->list_count & (builder->list_count - 1)) == 0) { /* full at powers of two */
        const size_t room = builder->list_count > 0 ? (size_t)builder->list_count * 2 : 1;
        uint16_t *grown = realloc(builder->list, room * sizeof *grown);
        if (grown == NULL) {
            return TG_E_NO_MEMORY;
        }
        builder->list = grown;
    }
    builder->list[builder->list_count++] = place;
    sold->count++;
    return TG_OK;
}

static enum tg_err plan_add(struct builder *builder, const struct tg_image *image, uint16_t plan,
                            struct sold *sold)
{
    enum tg_err err = TG_OK;
    for (uint32_t cell = 0; cell < TG_SERVICE_COUNT; cell++) {
        const struct tg_plan_service *plan_service = tg_image_plan_cell(image, plan, cell);
        const uint32_t count = plan_service != NULL ? plan_service->buckets_count : 0;
        for (uint32_t i = 0; i < count && err == TG_OK; i++) {
            const uint16_t allowance = tg_image_buckets(image, plan_service)[i];
            if (tg_allowance_is_dated_pool(tg_image_allowance(image, allowance))) {
                err = list_add(builder, sold, builder->places[allowance]);
            }
        }
    }
    return err;
}

/* What a product sells is looked for once. */
static enum tg_err product_find(struct builder *builder, uint16_t index)
{
    struct sold *sold = &builder->products[index];
    if (sold->is_known) {
        return TG_OK;
    }
    *sold = (struct sold){.from = builder->list_count, .is_known = true};
    enum tg_err err = TG_OK;
    for (uint32_t i = 0; i < builder->params->images_count && err == TG_OK; i++) {
        const struct tg_image *image = builder->params->images[i];
        const struct tg_product *product = tg_image_product(image, index);
        err = product != NULL ? plan_add(builder, image, product->plan, sold) : TG_OK;
    }
    return err;
}

static enum tg_err starts_fill(struct builder *builder, uint32_t *starts_s)
{
    const struct tg_roster_params *params = builder->params;
    enum tg_err err = TG_OK;
    memset(starts_s, 0xff,
           (size_t)builder->pools_count * params->accounts_count * sizeof *starts_s);
    for (uint32_t i = 0; i < params->subscribers_count && err == TG_OK; i++) {
        const struct tg_roster_line *line = &params->lines[i];
        err = product_find(builder, line->product);
        const struct sold *sold = &builder->products[line->product];
        if (err != TG_OK || line->account >= params->accounts_count ||
            line->active_from_s == line->active_to_s) {
            continue;
        }
        for (uint32_t k = 0; k < sold->count; k++) {
            const size_t place = builder->list[sold->from + k] - 1u;
            uint32_t *start_s = &starts_s[place * params->accounts_count + line->account];
            *start_s = line->active_from_s < *start_s ? line->active_from_s : *start_s;
        }
    }
    return err;
}

static enum tg_err pools_build(struct tg_roster *roster, struct builder *builder)
{
    if (builder->products == NULL || builder->places == NULL || builder->pools == NULL) {
        return TG_E_NO_MEMORY;
    }
    if (!pools_find(builder)) {
        return TG_OK;
    }
    uint16_t *pools = tg_roster_array(roster, builder->pools_count, sizeof *pools);
    roster->pools = pools;
    roster->pools_count = builder->pools_count;
    uint32_t *starts_s = tg_roster_array(
        roster, (size_t)builder->pools_count * builder->params->accounts_count, sizeof *starts_s);
    roster->pool_starts_s = starts_s;
    if (pools == NULL || starts_s == NULL) {
        return TG_E_NO_MEMORY;
    }
    memcpy(pools, builder->pools, builder->pools_count * sizeof *pools);
    return starts_fill(builder, starts_s);
}

enum tg_err tg_roster_pools_build(struct tg_roster *roster, const struct tg_roster_params *params)
{
    struct builder builder = {
        .params = params,
        .products = calloc(PRODUCTS_MAX, sizeof *builder.products),
        .places = calloc(POOLS_MAX, sizeof *builder.places),
        .pools = calloc(POOLS_MAX, sizeof *builder.pools),
    };
    const enum tg_err err = pools_build(roster, &builder);
    free(builder.products);
    free(builder.list);
    free(builder.places);
    free(builder.pools);
    return err;
}

uint32_t tg_roster_pool_since_s(const struct tg_roster *roster, uint32_t account,
                                uint16_t allowance)
{
    for (uint32_t i = 0; i < roster->pools_count; i++) {
        if (roster->pools[i] == allowance) {
            const uint32_t start_s =
                roster->pool_starts_s[(size_t)i * roster->accounts_count + account];
            return start_s != UINT32_MAX ? start_s : 0;
        }
    }
    return 0;
}
