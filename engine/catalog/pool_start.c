/* SPDX-License-Identifier: Apache-2.0 */
/* Since when an account has had pools.
 *
 * A pool is not granted by the member who happens to draw first: which one that is depends on the
 * order of rows. It begins with the first subscription of the account whose product sells one; what
 * was before has neither a grant that could roll over nor days that a grant is prorated by. */
#include "catalog/image.h"
#include "catalog/roster_parts.h"

#include <stdlib.h>

#define PRODUCTS_MAX 65536u /* tg_roster_line.product */

enum answer { ANSWER_UNKNOWN, ANSWER_NO, ANSWER_YES };

/* A pool whose grants depend on when it began. */
static bool is_dated(const struct tg_allowance *allowance)
{
    return allowance->scope == TG_SCOPE_ACCOUNT &&
           (allowance->rollover_periods > 0 || allowance->proration != TG_GRANT_FULL ||
            allowance->period_count != 0);
}

static bool image_has_dated(const struct tg_image *image)
{
    bool has_dated = false;
    for (uint32_t i = 0; i < tg_image_count(image, TG_CATALOG_ALLOWANCE) && !has_dated; i++) {
        has_dated = is_dated(tg_image_allowance(image, i));
    }
    return has_dated;
}

static bool product_has_dated(const struct tg_image *image, uint16_t index)
{
    const struct tg_product *product = tg_image_product(image, index);
    for (uint32_t cell = 0; product != NULL && cell < TG_SERVICE_COUNT; cell++) {
        const struct tg_plan_service *plan_service = tg_image_plan_cell(image, product->plan, cell);
        const uint32_t count = plan_service != NULL ? plan_service->buckets_count : 0;
        for (uint32_t i = 0; i < count; i++) {
            const uint16_t allowance = tg_image_buckets(image, plan_service)[i];
            if (is_dated(tg_image_allowance(image, allowance))) {
                return true;
            }
        }
    }
    return false;
}

static enum answer answer_find(const struct tg_roster_params *params, uint16_t product)
{
    for (uint32_t i = 0; i < params->images_count; i++) {
        if (product_has_dated(params->images[i], product)) {
            return ANSWER_YES;
        }
    }
    return ANSWER_NO;
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
    uint32_t *starts_s = tg_roster_array(roster, params->accounts_count, sizeof *starts_s);
    uint8_t *answers = calloc(PRODUCTS_MAX, sizeof *answers);
    roster->pool_starts_s = starts_s;
    if (starts_s == NULL || answers == NULL) {
        free(answers);
        return TG_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < params->accounts_count; i++) {
        starts_s[i] = UINT32_MAX;
    }
    for (uint32_t i = 0; i < params->subscribers_count; i++) {
        const struct tg_roster_line *line = &params->lines[i];
        uint8_t *answer = &answers[line->product];
        if (*answer == ANSWER_UNKNOWN) {
            *answer = (uint8_t)answer_find(params, line->product);
        }
        if (*answer == ANSWER_YES && line->account < params->accounts_count &&
            line->active_from_s < starts_s[line->account] &&
            line->active_from_s != line->active_to_s) {
            starts_s[line->account] = line->active_from_s;
        }
    }
    free(answers);
    return TG_OK;
}
