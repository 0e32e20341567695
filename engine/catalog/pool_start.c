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

#define PRODUCTS_MAX 65536u /* tg_roster_line.product */

/* Which dated pools a product sells in any version: a stretch of a list that grows. */
struct sold {
    uint32_t from;
    uint32_t count;
    bool is_known;
};

struct builder {
    const struct tg_roster_params *params;
    struct sold *products; /* shape [PRODUCTS_MAX] */
    uint16_t *list;        /* allowances */
    uint32_t list_count;
};

static bool image_has_dated(const struct tg_image *image)
{
    bool has_dated = false;
    for (uint32_t i = 0; i < tg_image_count(image, TG_CATALOG_ALLOWANCE) && !has_dated; i++) {
        has_dated = tg_allowance_is_dated_pool(tg_image_allowance(image, i));
    }
    return has_dated;
}

static bool list_has(const struct builder *builder, const struct sold *sold, uint16_t allowance)
{
    bool has = false;
    for (uint32_t i = 0; i < sold->count && !has; i++) {
        has = builder->list[sold->from + i] == allowance;
    }
    return has;
}

static enum tg_err list_add(struct builder *builder, struct sold *sold, uint16_t allowance)
{
    if (list_has(builder, sold, allowance)) {
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
    builder->list[builder->list_count++] = allowance;
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
                err = list_add(builder, sold, allowance);
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

/* Has a line any time in an account? One that was cancelled before it began has none. */
static bool line_counts(const struct builder *builder, const struct tg_roster_line *line)
{
    return line->account < builder->params->accounts_count &&
           line->active_from_s != line->active_to_s;
}

/* Room that each account's pools take, and where it begins: from[i + 1] is its end. */
static enum tg_err room_find(struct builder *builder, uint32_t *from, uint32_t *room)
{
    const struct tg_roster_params *params = builder->params;
    uint64_t sum = 0;
    enum tg_err err = TG_OK;
    for (uint32_t i = 0; i < params->subscribers_count && err == TG_OK; i++) {
        const struct tg_roster_line *line = &params->lines[i];
        err = product_find(builder, line->product);
        if (err == TG_OK && line_counts(builder, line)) {
            from[line->account + 1] += builder->products[line->product].count;
        }
    }
    for (uint32_t i = 0; i < params->accounts_count; i++) {
        /* Lines share pools: an account has no more of them than all products together sell. */
        const uint32_t most = builder->list_count;
        sum += from[i + 1] < most ? from[i + 1] : most;
        from[i + 1] = (uint32_t)sum;
    }
    *room = (uint32_t)sum;
    return err == TG_OK && sum > UINT32_MAX ? TG_E_FULL : err;
}

static void pools_fill(const struct builder *builder, const uint32_t *from,
                       struct tg_roster_pool *pools)
{
    const struct tg_roster_params *params = builder->params;
    for (uint32_t i = 0; i < params->subscribers_count; i++) {
        const struct tg_roster_line *line = &params->lines[i];
        const struct sold *sold = &builder->products[line->product];
        for (uint32_t k = 0; line_counts(builder, line) && k < sold->count; k++) {
            const uint16_t allowance = builder->list[sold->from + k];
            struct tg_roster_pool *pool = &pools[from[line->account]];
            while (pool->is_used && pool->allowance != allowance) {
                pool++;
            }
            if (!pool->is_used || line->active_from_s < pool->start_s) {
                *pool = (struct tg_roster_pool){line->active_from_s, allowance, true, {0}};
            }
        }
    }
}

static enum tg_err pools_build(struct tg_roster *roster, struct builder *builder)
{
    const struct tg_roster_params *params = builder->params;
    uint32_t *from = tg_roster_array(roster, (size_t)params->accounts_count + 1, sizeof *from);
    roster->pools_from = from;
    if (builder->products == NULL || from == NULL) {
        return TG_E_NO_MEMORY;
    }
    enum tg_err err = room_find(builder, from, &roster->pools_count);
    if (err != TG_OK) {
        return err;
    }
    struct tg_roster_pool *pools =
        tg_roster_array(roster, (size_t)roster->pools_count + 1, sizeof *pools);
    roster->pools = pools;
    if (pools == NULL) {
        return TG_E_NO_MEMORY;
    }
    pools_fill(builder, from, pools);
    return TG_OK;
}

enum tg_err tg_roster_pools_build(struct tg_roster *roster, const struct tg_roster_params *params)
{
    bool has_dated = false;
    for (uint32_t i = 0; i < params->images_count && !has_dated; i++) {
        has_dated = image_has_dated(params->images[i]);
    }
    if (!has_dated) {
        return TG_OK;
    }
    struct builder builder = {
        .params = params,
        .products = calloc(PRODUCTS_MAX, sizeof *builder.products),
    };
    const enum tg_err err = pools_build(roster, &builder);
    free(builder.products);
    free(builder.list);
    return err;
}

uint32_t tg_roster_pool_since_s(const struct tg_roster *roster, uint32_t account,
                                uint16_t allowance)
{
    if (roster->pools == NULL) {
        return 0;
    }
    const uint32_t end = roster->pools_from[account + 1];
    for (uint32_t i = roster->pools_from[account]; i < end && roster->pools[i].is_used; i++) {
        if (roster->pools[i].allowance == allowance) {
            return roster->pools[i].start_s;
        }
    }
    return 0;
}
