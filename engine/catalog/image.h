/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The compiled catalog: one relocatable blob, offsets only, read in place by every worker.
 *
 *  Source: design.md sections 6, 7. What lies in it is image_layout.h.
 *  Threads: immutable; any number of readers. Allocates: never.
 *  Cost: prefix look-up see tests/unit/catalog/deck_test.c; the rest is an indexed load.
 *
 *  tg_image_check verifies checksum and every index before anyone reads; the readers below check
 *  what comes from usage rows (keys, zones of the wrong deck), not what is in the blob.
 */
#ifndef TG_CATALOG_IMAGE_H
#define TG_CATALOG_IMAGE_H

#include "abi/err.h"
#include "abi/key.h"
#include "abi/tariff.h"
#include "abi/usage.h"
#include "base/error.h"
#include "catalog/image_layout.h"
#include "record/charge.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** @brief Catalog name of a unit ("second"). @param unit enum tg_unit. @return Static text. */
const char *tg_unit_name(unsigned unit);

/** @brief Base quantity in one unit. @param unit enum tg_unit. @return e.g. 1000 for a second. */
uint64_t tg_unit_base_count(unsigned unit);

/** @brief What it measures. @param unit enum tg_unit. @return enum tg_dimension. */
enum tg_dimension tg_unit_dimension(unsigned unit);

/**
 * @brief Is this a whole, undamaged image of a format we read?
 *
 * Checksum, section bounds, and every index and offset inside: after TG_OK the readers below
 * cannot leave the blob.
 *
 * @param[in]  bytes       64-byte aligned.
 * @param[in]  size_bytes  Bytes there.
 * @param[out] why         What is wrong; may be NULL.
 * @return TG_OK, TG_E_TRUNCATED, TG_E_FORMAT, TG_E_CORRUPT or TG_E_INVALID (alignment).
 */
enum tg_err tg_image_check(const void *bytes, size_t size_bytes, struct tg_why *why);

/** @brief Size of a section's items. @param section enum tg_image_section_id, or a list of
 *  names. @return Octets; 1 where a section is bytes. */
uint32_t tg_image_item_bytes(uint32_t section);

/** @brief Address inside an image. @param image Checked. @param offset Bytes. @return Pointer. */
static inline const void *tg_image_at(const struct tg_image *image, uint64_t offset)
{
    return (const uint8_t *)image + offset;
}

/** @brief Start of a section. @param image Checked. @param id enum. @return Pointer. */
static inline const void *tg_image_section(const struct tg_image *image,
                                           enum tg_image_section_id id)
{
    return tg_image_at(image, image->sections[id].offset);
}

/** @brief How many prices, holes included. @param image Checked. @return Count. */
static inline uint32_t tg_image_prices_count(const struct tg_image *image)
{
    return image->sections[TG_IMAGE_SECTION_PRICES].count;
}

/** @brief A price. @param image Checked. @param price_id Any. @return Borrowed, NULL: none. */
static inline const struct tg_price *tg_image_price(const struct tg_image *image, uint32_t price_id)
{
    if (price_id >= tg_image_prices_count(image)) {
        return NULL;
    }
    const uint32_t *offsets = (const uint32_t *)tg_image_section(image, TG_IMAGE_SECTION_PRICES);
    return offsets[price_id] == 0 ? NULL
                                  : (const struct tg_price *)tg_image_at(image, offsets[price_id]);
}

/** @brief What the engine knows of a price. @param image Checked. @param price_id Below the count.
 *  @return Borrowed. */
static inline const struct tg_price_info *tg_image_price_info(const struct tg_image *image,
                                                              uint32_t price_id)
{
    return (const struct tg_price_info *)tg_image_section(image, TG_IMAGE_SECTION_PRICE_INFO) +
           price_id;
}

/** Cells of a plan that no service of a row has: what subscribers receive. */
#define TG_CELL_VOICE_RECEIVED   ((uint32_t)TG_SERVICE_NONE)
#define TG_CELL_MESSAGE_RECEIVED ((uint32_t)TG_SERVICE_OPTIONS)

/** @brief A cell of a plan. @param image Checked. @param plan Any. @param cell Below
 *  TG_SERVICE_COUNT. @return Borrowed, NULL: not sold. */
static inline const struct tg_plan_service *tg_image_plan_cell(const struct tg_image *image,
                                                               uint32_t plan, uint32_t cell)
{
    const uint32_t at = plan * TG_SERVICE_COUNT + cell;
    if (plan == TG_PLAN_NONE || at >= image->sections[TG_IMAGE_SECTION_PLAN_SERVICES].count) {
        return NULL;
    }
    const struct tg_plan_service *all =
        (const struct tg_plan_service *)tg_image_section(image, TG_IMAGE_SECTION_PLAN_SERVICES);
    return all[at].is_present != 0 ? &all[at] : NULL;
}

/**
 * @brief How a plan prices a service.
 * @param image    Checked.
 * @param plan     Plan index; any value.
 * @param service  enum tg_service; any value.
 * @return Borrowed, or NULL: no such plan, or it does not sell the service (TG_E_NO_PLAN).
 */
static inline const struct tg_plan_service *tg_image_plan_service(const struct tg_image *image,
                                                                  uint32_t plan, uint32_t service)
{
    return service < TG_SERVICE_DATA || service > TG_SERVICE_ACCESS
               ? NULL
               : tg_image_plan_cell(image, plan, service);
}

/** @brief How a plan prices what its subscribers receive. @param image Checked. @param plan Any.
 *  @param service enum tg_service; only calls and messages are received. @return Borrowed, or NULL:
 *  it does not (TG_E_NO_RATE). */
static inline const struct tg_plan_service *tg_image_plan_received(const struct tg_image *image,
                                                                   uint32_t plan, uint32_t service)
{
    return service == TG_SERVICE_VOICE ? tg_image_plan_cell(image, plan, TG_CELL_VOICE_RECEIVED)
           : service == TG_SERVICE_MESSAGE
               ? tg_image_plan_cell(image, plan, TG_CELL_MESSAGE_RECEIVED)
               : NULL;
}

/**
 * @brief Price of a zone and band.
 * @param image         Checked.
 * @param plan_service  Of that image.
 * @param zone          Any; without a deck and networks give 0.
 * @param band          Any.
 * @return Price id, or TG_PRICE_NONE: nothing covers it (TG_E_NO_RATE).
 */
static inline uint32_t tg_image_price_at(const struct tg_image *image,
                                         const struct tg_plan_service *plan_service, uint32_t zone,
                                         uint32_t band)
{
    if (zone >= plan_service->zones_count || band >= plan_service->bands_count) {
        return TG_PRICE_NONE;
    }
    const uint32_t *matrix = (const uint32_t *)tg_image_at(image, plan_service->matrix_offset);
    return matrix[(size_t)zone * plan_service->bands_count + band];
}

/**
 * @brief Zones of numbers: longest prefix wins, in batches with prefetch.
 *
 * A number shorter than a prefix never matches it, however its digits continue with zeros. Of the
 * prefixes that are valid at the number's time the longest counts, whatever it costs.
 *
 * @param[in]  image  Checked.
 * @param[in]  deck   Deck index; TG_DECK_NONE or an unknown one gives TG_ZONE_NONE for all.
 * @param[in]  keys   Packed digits (abi/key.h); shape [count]. Any bits are safe.
 * @param[in]  at_ns  Event time of each; shape [count].
 * @param[in]  count  Any.
 * @param[out] zones  Zone of each, TG_ZONE_NONE without a match; shape [count].
 */
void tg_image_zones(const struct tg_image *image, uint32_t deck, const uint64_t *keys,
                    const int64_t *at_ns, uint32_t count, uint16_t *zones);

/**
 * @brief Zone of one number by a plan's decks (rating-semantics 4.2.4): the first in their order
 *        with any match decides, whatever longer prefix another one has; with deck_match longest
 *        the one with the longest prefix that is valid then.
 * @param[in]  image         Checked.
 * @param[in]  plan_service  Of that image.
 * @param[in]  key           Packed digits; any bits are safe.
 * @param[in]  at_ns         Event time.
 * @param[out] deck          The deck that matched, else TG_DECK_NONE; may be NULL.
 * @return Zone, TG_ZONE_NONE when no deck has the number.
 */
uint16_t tg_image_plan_zone(const struct tg_image *image,
                            const struct tg_plan_service *plan_service, uint64_t key, int64_t at_ns,
                            uint16_t *deck);

/**
 * @brief How much of a number the prefix that gives its zone is.
 * @param image  Checked.
 * @param deck   Deck that has the number, as tg_image_plan_zone says.
 * @param key    Packed digits; any bits are safe.
 * @param at_ns  Event time.
 * @return Digits, 0..15: 0 when any number ("*") or none matches.
 */
unsigned tg_image_prefix_digits(const struct tg_image *image, uint16_t deck, uint64_t key,
                                int64_t at_ns);

/**
 * @brief Zone of what is used and of a pair of parties, for a plan's service whose origin is not 0.
 *
 * A row's rating group or service name may give its zone instead of its number. Without a deck a
 * visited network's zone counts before that of a group, unless a rule names both.
 *
 * @param image         Checked.
 * @param plan_service  Of that image; origin 0 gives the zone back.
 * @param row           Whose A party is asked: subscriber's number or serving network.
 * @param zone          Zone of the B party; TG_ZONE_NONE stays.
 * @return Zone of the rule that names the pair, else that of the group, else the zone of B.
 */
uint16_t tg_image_pair_zone(const struct tg_image *image,
                            const struct tg_plan_service *plan_service, const struct tg_usage *row,
                            uint16_t zone);

/**
 * @brief Band in force for usage that goes on (rating-semantics 4.4).
 *
 * A wall time of a repeated hour has the band that the rules say. A boundary in it counts once, in
 * the first pass or the second as the model says: usage that goes on across it changes bands there
 * and not again. So the band of an instant also depends on when the usage started.
 *
 * @param[in]  image       Checked.
 * @param[in]  time_model  Index, or TG_TIME_MODEL_NONE.
 * @param[in]  start_ns    Start of the usage, UTC.
 * @param[in]  at_ns       Instant, UTC, not before the start.
 * @param[out] until_ns    First instant at which another band may apply; INT64_MAX never.
 * @return Band, or TG_BAND_NONE before or after what the model was expanded for.
 */
uint32_t tg_image_band_since(const struct tg_image *image, uint32_t time_model, int64_t start_ns,
                             int64_t at_ns, int64_t *until_ns);

/** @brief tg_image_band_since for usage that starts at the instant. @param image Checked.
 *  @param time_model Index, or TG_TIME_MODEL_NONE. @param at_ns Instant, UTC. @param until_ns As
 *  there. @return As there. */
static inline uint32_t tg_image_band(const struct tg_image *image, uint32_t time_model,
                                     int64_t at_ns, int64_t *until_ns)
{
    return tg_image_band_since(image, time_model, at_ns, at_ns, until_ns);
}

/** @brief Where a row belongs, for time models that ask. */
struct tg_image_place {
    uint32_t serving_network; /**< As in tg_usage. */
    uint32_t site;            /**< As in tg_charge: of the node that reported it. */
    uint32_t account_zone;    /**< tg_roster_account.zone of who pays. */
};

/**
 * @brief Time model whose wall time counts for a row: that of the plan, or its variant in the zone
 *        of the serving network, the node's site or the account (rating-semantics 4.4).
 * @param image       Checked.
 * @param time_model  Of a plan's service; may be TG_TIME_MODEL_NONE.
 * @param place       Borrowed.
 * @return Time model for tg_image_band. A place without a zone of its own has the plan's.
 */
uint32_t tg_image_time_model_at(const struct tg_image *image, uint32_t time_model,
                                const struct tg_image_place *place);

/** @brief Does a row choose the wall time? @param image Checked. @param time_model Any.
 *  @return true if so. */
bool tg_image_time_model_varies(const struct tg_image *image, uint32_t time_model);

/** @brief Name of a band ("peak"). @param image Checked. @param time_model Any. @param band Any.
 *  @return Text; "" without a time model. */
const char *tg_image_band_name(const struct tg_image *image, uint32_t time_model, uint32_t band);

/** @brief An allowance. @param image Checked. @param allowance Any. @return Borrowed, NULL none. */
const struct tg_allowance *tg_image_allowance(const struct tg_image *image, uint32_t allowance);

/** @brief Rule of a price. @param image Checked. @param price_id Of a price with TG_PRICE_RULES.
 *  @return Borrowed. */
static inline const struct tg_price_rule *tg_image_price_rule(const struct tg_image *image,
                                                              uint32_t price_id)
{
    return (const struct tg_price_rule *)tg_image_section(image, TG_IMAGE_SECTION_PRICE_RULES) +
           price_id;
}

/** @brief Tax of a price's usage. @param image Checked. @param price_id Any. @return Tax index, or
 *  TG_TAX_NONE: the product's. */
static inline uint16_t tg_image_price_tax(const struct tg_image *image, uint32_t price_id)
{
    return price_id < image->sections[TG_IMAGE_SECTION_PRICE_RULES].count
               ? (uint16_t)(tg_image_price_rule(image, price_id)->tax_plus - 1u)
               : TG_TAX_NONE;
}

/** @brief A spend limit. @param image Checked. @param index Below the count. @return Borrowed. */
static inline const struct tg_spend_limit *tg_image_spend_limit(const struct tg_image *image,
                                                                uint32_t index)
{
    return (const struct tg_spend_limit *)tg_image_section(image, TG_IMAGE_SECTION_SPEND_LIMITS) +
           index;
}

/** @brief A cash rounding. @param image Checked. @param index Below the count. @return Borrowed. */
static inline const struct tg_cash_rounding *tg_image_cash_at(const struct tg_image *image,
                                                              uint32_t index)
{
    return (const struct tg_cash_rounding *)tg_image_section(image, TG_IMAGE_SECTION_CASH) + index;
}

/** @brief A legal entity. @param image Checked. @param entity Any. @return Borrowed, NULL none. */
static inline const struct tg_legal_entity *tg_image_entity(const struct tg_image *image,
                                                            uint32_t entity)
{
    const struct tg_legal_entity *all =
        (const struct tg_legal_entity *)tg_image_section(image, TG_IMAGE_SECTION_ENTITIES);
    return entity < image->sections[TG_IMAGE_SECTION_ENTITIES].count && all[entity].is_present != 0
               ? &all[entity]
               : NULL;
}

/** @brief Spend limit of all prices of a plan's service. @param image Checked. @param plan_service
 *  Of that image. @return Limit plus 1; 0 none. */
static inline uint16_t tg_image_plan_limit(const struct tg_image *image,
                                           const struct tg_plan_service *plan_service)
{
    const struct tg_plan_service *all =
        (const struct tg_plan_service *)tg_image_section(image, TG_IMAGE_SECTION_PLAN_SERVICES);
    const size_t cell = (size_t)(plan_service - all);
    const uint16_t *limits =
        (const uint16_t *)tg_image_section(image, TG_IMAGE_SECTION_PLAN_LIMITS);
    return cell < image->sections[TG_IMAGE_SECTION_PLAN_LIMITS].count ? limits[cell] : 0;
}

/** @brief Terms of a plan's service. @param image Checked. @param plan_service Of that image.
 *  @return Borrowed; NULL: it has none, everything is as by default. */
static inline const struct tg_plan_terms *
tg_image_plan_terms(const struct tg_image *image, const struct tg_plan_service *plan_service)
{
    const struct tg_plan_service *all =
        (const struct tg_plan_service *)tg_image_section(image, TG_IMAGE_SECTION_PLAN_SERVICES);
    return plan_service->has_terms != 0 ? (const struct tg_plan_terms *)tg_image_section(
                                              image, TG_IMAGE_SECTION_PLAN_TERMS) +
                                              (plan_service - all)
                                        : NULL;
}

/** @brief Whether decks are asked for the other party of usage. @param plan_service Of an image.
 *  @param row Borrowed. @return true: its zone is that of a number. */
static inline bool tg_image_asks_deck(const struct tg_plan_service *plan_service,
                                      const struct tg_usage *row)
{
    return plan_service->zone_by != TG_ZONE_BY_NETWORK && plan_service->deck != TG_DECK_NONE &&
           tg_usage_peer_kind(row) == TG_KEY_E164;
}

/** @brief Number of the other party that decks look at. @param image Checked. @param plan_service
 * Of that image. @param row Borrowed; its peer is a number. @return Packed digits: of the peer, or
 *  where the network routed a call that was made, when the service and the record say so. */
static inline uint64_t tg_image_peer_number(const struct tg_image *image,
                                            const struct tg_plan_service *plan_service,
                                            const struct tg_usage *row)
{
    const struct tg_plan_terms *terms = tg_image_plan_terms(image, plan_service);
    return terms != NULL && terms->number == TG_NUMBER_ROUTED && row->service == TG_SERVICE_VOICE &&
                   row->quantity_down != 0 && (row->flags & TG_USAGE_INCOMING) == 0
               ? tg_digits_of_value(row->quantity_down)
               : row->peer_key;
}

/** @brief Table of causes of a plan's service. @param image Checked. @param terms Of a service of
 *  it, or NULL. @return Borrowed; NULL: every cause is billable. */
static inline const struct tg_causes *tg_image_causes(const struct tg_image *image,
                                                      const struct tg_plan_terms *terms)
{
    return terms != NULL && terms->causes != 0
               ? (const struct tg_causes *)tg_image_section(image, TG_IMAGE_SECTION_CAUSES) +
                     (terms->causes - 1)
               : NULL;
}

/** @brief Is usage that ended so billable? @param causes Table, or NULL. @param cause
 *  tg_usage.closing_cause. @return true if so. */
static inline bool tg_causes_bill(const struct tg_causes *causes, uint8_t cause)
{
    return causes == NULL || ((causes->billable[cause / 8] >> (cause % 8)) & 1u) != 0;
}

/**
 * @brief May an allowance cover usage of a band?
 * @param image       Checked.
 * @param allowance   Of that image.
 * @param time_model  Of the plan's service.
 * @param band        Band of the usage.
 * @return true without a list of bands, or when the band is in it.
 */
static inline bool tg_image_allowance_covers_band(const struct tg_image *image,
                                                  const struct tg_allowance *allowance,
                                                  uint32_t time_model, uint32_t band)
{
    if (allowance->bands_offset == 0) {
        return true;
    }
    const uint64_t *masks = (const uint64_t *)tg_image_at(image, allowance->bands_offset);
    return time_model < image->sections[TG_IMAGE_SECTION_TIME_MODELS].count && band < 64 &&
           ((masks[time_model] >> band) & 1u) != 0;
}

/** @brief Is an allowance a pool whose grants depend on since when the account has had it: one that
 *  rolls over, is prorated, or counts from a start? @param allowance Of an image. @return Whether.
 */
static inline bool tg_allowance_is_dated_pool(const struct tg_allowance *allowance)
{
    return allowance->scope == TG_SCOPE_ACCOUNT &&
           (allowance->rollover_periods > 0 || allowance->proration != TG_GRANT_FULL ||
            allowance->period_count != 0);
}

/**
 * @brief May an allowance cover this usage?
 * @param image      Checked.
 * @param allowance  Of that image.
 * @param service    enum tg_service.
 * @param zone       Zone of the usage.
 * @return Whether service and zone are among those it covers.
 */
static inline bool tg_image_allowance_covers(const struct tg_image *image,
                                             const struct tg_allowance *allowance, uint32_t service,
                                             uint32_t zone)
{
    if (service >= TG_SERVICE_COUNT || ((allowance->services_mask >> service) & 1u) == 0) {
        return false;
    }
    if (allowance->zones_offset == 0) {
        return true;
    }
    const uint8_t *bits = (const uint8_t *)tg_image_at(image, allowance->zones_offset);
    return zone < image->sections[TG_IMAGE_SECTION_NAMES + TG_CATALOG_ZONE].count &&
           ((bits[zone / 8] >> (zone % 8)) & 1u) != 0;
}

/** @brief Allowances of a plan's service, in the order of use. @param image Checked.
 *  @param plan_service Of that image. @return Shape [plan_service->buckets_count]. */
static inline const uint16_t *tg_image_buckets(const struct tg_image *image,
                                               const struct tg_plan_service *plan_service)
{
    return (const uint16_t *)tg_image_at(image, plan_service->buckets_offset);
}

/** @brief Can an account line alone keep it: one monthly bucket of one subscription, no extras?
 *  @param allowance Borrowed. @return true if so. */
static inline bool tg_allowance_is_plain(const struct tg_allowance *allowance)
{
    return allowance->period == TG_PERIOD_MONTH && allowance->scope == TG_SCOPE_SUBSCRIBER &&
           allowance->proration == TG_GRANT_FULL && allowance->rollover_periods == 0 &&
           allowance->thresholds_percent[0] == 0 && allowance->dimension != TG_DIMENSION_MONEY &&
           allowance->bands_offset == 0 && allowance->directions_mask == 0 &&
           allowance->is_zoned == 0 && allowance->valid_from_ns == 0 &&
           allowance->valid_to_ns == 0 && allowance->options == 0 && allowance->price == 0 &&
           allowance->period_count == 0;
}

/** @brief Is a period that counts from a subscription's begin one of at most a hundred years?
 *  @param allowance Borrowed. @return true if so, or where it counts from the calendar. */
static inline bool tg_allowance_count_is_fine(const struct tg_allowance *allowance)
{
    const uint32_t months = allowance->period == TG_PERIOD_MONTH       ? 1
                            : allowance->period == TG_PERIOD_QUARTER   ? 3
                            : allowance->period == TG_PERIOD_HALF_YEAR ? 6
                            : allowance->period == TG_PERIOD_YEAR      ? 12
                                                                       : 0;
    return allowance->period_count == 0 ||
           (allowance->period != TG_PERIOD_EVER && allowance->period != TG_PERIOD_CYCLE &&
            months * allowance->period_count <= 1200);
}

/** @brief A product. @param image Checked. @param product Any. @return Borrowed, NULL: this version
 *  does not have it. */
const struct tg_product *tg_image_product(const struct tg_image *image, uint32_t product);

/** @brief A tax category. @param image Checked. @param tax Any. @return Borrowed, NULL none. */
const struct tg_tax *tg_image_tax(const struct tg_image *image, uint32_t tax);

/** @brief A visited network. @param image Checked. @param network Any; 0 is home.
 *  @return Borrowed, NULL none. */
const struct tg_network *tg_image_network(const struct tg_image *image, uint32_t network);

/** @brief Network by PLMN. @param image Checked. @param plmn tg_plmn_pack. @return Index as in
 *  tg_usage.serving_network; UINT32_MAX: none has it. A walk over all networks. */
uint32_t tg_image_network_find(const struct tg_image *image, uint32_t plmn);

/** @brief Zone of a visited network. @param image Checked. @param network Index as in
 *  tg_usage.serving_network. @return Zone, TG_ZONE_NONE at home or unknown. */
uint16_t tg_image_network_zone(const struct tg_image *image, uint32_t network);

/**
 * @brief Site of a node: the one that lists its name, else that of the longest prefix of its
 *        address. A walk over all nodes of sites, not for every row.
 * @param image    Checked.
 * @param address  16 octets, network order, IPv4 as ::ffff:a.b.c.d; NULL none.
 * @param name     Lower-case, NUL-terminated; NULL or "" none.
 * @return Index from 1; 0: in no site.
 */
uint8_t tg_image_site_find(const struct tg_image *image, const uint8_t *address, const char *name);

/** @brief Tariff plug-in of a price. @param image Checked. @param price_id Below the count.
 *  @return Name for the plug-in registry. */
const char *tg_image_tariff_name(const struct tg_image *image, uint32_t price_id);

/** @brief How many of a kind, holes included. @param image Checked. @param kind enum.
 *  @return Count. */
static inline uint32_t tg_image_count(const struct tg_image *image, enum tg_catalog_kind kind)
{
    return image->sections[TG_IMAGE_SECTION_NAMES + kind].count;
}

/** @brief Does a plan sell a price that counts to the minimum of a limit? @param image Checked.
 *  @param limit Of it. @param plan Plan, or TG_PLAN_NONE. @return true if so. */
static inline bool tg_image_plan_owes(const struct tg_image *image,
                                      const struct tg_spend_limit *limit, uint16_t plan)
{
    return limit->plans_offset != 0 && plan < tg_image_count(image, TG_CATALOG_PLAN) &&
           ((((const uint8_t *)tg_image_at(image, limit->plans_offset))[plan / 8] >> (plan % 8)) &
            1u) != 0;
}

/** @brief Name. @param image Checked. @param kind enum. @param index Any.
 *  @return NUL-terminated, borrowed; "" when there is none. */
const char *tg_image_name(const struct tg_image *image, enum tg_catalog_kind kind, uint32_t index);

/** @brief Text at an offset of the text section. @param image Checked. @param offset As stored in a
 *  checked image. @return NUL-terminated, borrowed. */
static inline const char *tg_image_text(const struct tg_image *image, uint32_t offset)
{
    return (const char *)tg_image_section(image, TG_IMAGE_SECTION_TEXT) + offset;
}

/** @brief Index by name; a walk over all names, not for the data path. @param image Checked.
 *  @param kind enum. @param name NUL-terminated. @return Index, or UINT32_MAX. */
uint32_t tg_image_find(const struct tg_image *image, enum tg_catalog_kind kind, const char *name);

#endif
