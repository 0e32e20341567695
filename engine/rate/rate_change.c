/* SPDX-License-Identifier: Apache-2.0 */
#include "rate/rate_change.h"

#include "base/clock.h"
#include "catalog/deck_times.h"

static uint16_t zone_of(const struct tg_image *image, const struct tg_plan_service *plan_service,
                        const struct tg_usage *row, int64_t at_ns)
{
    struct tg_usage then = *row;
    then.start_ns = at_ns;
    return tg_image_pair_zone(image, plan_service, &then,
                              tg_image_plan_zone(image, plan_service,
                                                 tg_image_peer_number(image, plan_service, row),
                                                 at_ns, NULL));
}

/* Next instant at which a row of either party's number begins or ends. */
static int64_t next_of(const struct tg_image *image, const struct tg_plan_service *plan_service,
                       const struct tg_usage *row, int64_t at_ns)
{
    const uint64_t number = tg_image_peer_number(image, plan_service, row);
    int64_t next_ns = tg_deck_next(image, plan_service->deck, number, at_ns);
    for (uint32_t i = 0; i < TG_FALLBACK_DECKS_MAX; i++) {
        const int64_t other_ns =
            tg_deck_next(image, plan_service->fallback_decks[i], number, at_ns);
        next_ns = other_ns < next_ns ? other_ns : next_ns;
    }
    if (plan_service->origin != 0) {
        const struct tg_origin *origin =
            (const struct tg_origin *)tg_image_section(image, TG_IMAGE_SECTION_ORIGINS) +
            (plan_service->origin - 1);
        const int64_t own_ns = tg_deck_next(image, origin->deck, row->subscriber_key, at_ns);
        next_ns = own_ns < next_ns ? own_ns : next_ns;
    }
    return next_ns;
}

uint16_t tg_rate_zone_at(const struct tg_image *image, const struct tg_plan_service *plan_service,
                         const struct tg_usage *row, uint16_t zone, int64_t at_ns,
                         int64_t *until_ns)
{
    const struct tg_plan_terms *terms = tg_image_plan_terms(image, plan_service);
    int64_t end_ns;
    *until_ns = INT64_MAX;
    if (terms == NULL || terms->rate_change != TG_RATE_CHANGE_SPLIT ||
        tg_usage_peer_kind(row) != TG_KEY_E164 ||
        __builtin_add_overflow(row->start_ns, (int64_t)row->duration_ms * TG_NS_PER_MS, &end_ns)) {
        return zone;
    }
    const uint16_t now = at_ns == row->start_ns ? zone : zone_of(image, plan_service, row, at_ns);
    /* A new row that says the same is no change. */
    int64_t next_ns = next_of(image, plan_service, row, at_ns);
    while (next_ns < end_ns && zone_of(image, plan_service, row, next_ns) == now) {
        next_ns = next_of(image, plan_service, row, next_ns);
    }
    *until_ns = next_ns < end_ns ? next_ns : INT64_MAX;
    return now;
}

uint16_t tg_rate_zone_of_call(const struct tg_image *image,
                              const struct tg_plan_service *plan_service,
                              const struct tg_usage *row, uint16_t zone, int64_t call_ns)
{
    const uint16_t then = tg_usage_peer_kind(row) == TG_KEY_E164
                              ? zone_of(image, plan_service, row, call_ns)
                              : TG_ZONE_NONE;
    return then != TG_ZONE_NONE ? then : zone;
}
