/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The keys of catalog documents, as schema tables; described for people in
 *         schemas/catalog/README.md.
 *
 *  Source: reference/rating-semantics.md 4.1-4.7, 4.15. Threads: constants. Allocates: never.
 *  Cost: none.
 */
#ifndef TG_CATALOG_KEYS_H
#define TG_CATALOG_KEYS_H

#include "doc/schema.h"

/** @brief Top level: catalog, taxes, decks, prices, time_models, plans, allowances, products,
 *  exchange_rates, counters, causes, cash_roundings, legal_entities, spend_limits, networks, sites,
 *  tariffs. */
extern const struct tg_schema tg_catalog_keys;

/** @brief Keys of `catalog`. */
extern const struct tg_schema tg_catalog_head_keys;
/** @brief Names of the lints, NULL-terminated. */
extern const char *const tg_catalog_lints[];
/** @brief Keys of `catalog: lint`. */
extern const struct tg_schema tg_catalog_lint_keys;
/** @brief Keys of `catalog: billing`. */
extern const struct tg_schema tg_catalog_billing_keys;
/** @brief Keys of `catalog: rounding`. */
extern const struct tg_schema tg_catalog_rounding_keys;
/** @brief Keys of one of `taxes`. */
extern const struct tg_schema tg_catalog_tax_keys;
/** @brief Keys of one of `decks`. */
extern const struct tg_schema tg_catalog_deck_keys;
/** @brief Keys of one of a deck's `sheets`. */
extern const struct tg_schema tg_catalog_sheet_keys;
/** @brief Keys of a deck's `rates`. */
extern const struct tg_schema tg_catalog_rates_keys;
/** @brief Keys of one of `prices`. */
extern const struct tg_schema tg_catalog_price_keys;
/** @brief Keys of one of a price's `tiers`. */
extern const struct tg_schema tg_catalog_tier_keys;
/** @brief Keys of one of `time_models`. */
extern const struct tg_schema tg_catalog_time_model_keys;
/** @brief Keys of one of a time model's `bands`. */
extern const struct tg_schema tg_catalog_band_keys;
/** @brief Keys of a time model's `holidays`. */
extern const struct tg_schema tg_catalog_holiday_keys;
/** @brief Keys of one of `plans`. */
extern const struct tg_schema tg_catalog_plan_keys;
/** @brief Keys of a plan's service. */
extern const struct tg_schema tg_catalog_service_keys;
/** @brief Keys of a service's `origin`. */
extern const struct tg_schema tg_catalog_origin_keys;
/** @brief Keys of an allowance's `rollover`. */
extern const struct tg_schema tg_catalog_rollover_keys;
/** @brief Keys of one of `allowances`. */
extern const struct tg_schema tg_catalog_allowance_keys;
/** @brief Keys of a product's `decks`. */
extern const struct tg_schema tg_catalog_product_deck_keys;
/** @brief Keys of one of `products`. */
extern const struct tg_schema tg_catalog_product_keys;
/** @brief Keys of one of `exchange_rates`. */
extern const struct tg_schema tg_catalog_exchange_keys;
/** @brief Keys of one of `cash_roundings`. */
extern const struct tg_schema tg_catalog_cash_keys;
/** @brief Keys of one of `legal_entities`. */
extern const struct tg_schema tg_catalog_entity_keys;
/** @brief Keys of one of `spend_limits`. */
extern const struct tg_schema tg_catalog_spend_limit_keys;
/** @brief Keys of one of `counters`. */
extern const struct tg_schema tg_catalog_counter_keys;
/** @brief Keys of one of `causes`. */
extern const struct tg_schema tg_catalog_cause_keys;
/** @brief Keys of one of `networks`. */
extern const struct tg_schema tg_catalog_network_keys;
/** @brief Keys of one of `sites`. */
extern const struct tg_schema tg_catalog_site_keys;
/** @brief Keys of one of `tariffs`. */
extern const struct tg_schema tg_catalog_tariff_keys;

/** @brief Service names by enum tg_service - 1 ("data", "voice", ...), NULL-terminated. */
extern const char *const tg_catalog_services[];

/** @brief Words of the periods of counters, allowances and limits, by enum tg_period,
 *  NULL-terminated. */
extern const char *const *const tg_catalog_usage_periods;

#endif
