/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A catalog image laid out by hand, so that the rate stage is tested without YAML.
 *
 *  Source: catalog/image.h. Threads: one test. Allocates: never. Cost: none that matters.
 */
#ifndef TG_RATE_FIXTURE_H
#define TG_RATE_FIXTURE_H

#include "base/clock.h"
#include "catalog/catalog.h"
#include "rate/rate.h"
#include "rate/sums.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define FIXTURE_PRICES      8u
#define FIXTURE_STEPS       4u
#define FIXTURE_SUBSCRIBERS 100u
#define FIXTURE_EUR         INT64_C(100000000)

/** @brief Price with its steps, as in the image. */
struct fixture_price {
    struct tg_price price;                     /**< Head. */
    struct tg_price_step steps[FIXTURE_STEPS]; /**< Steps. */
};

/** @brief Image, roster and snapshot; offsets are offsetof. */
struct fixture {
    struct tg_image image;                             /**< Head; must be first. */
    struct fixture_price prices[FIXTURE_PRICES];       /**< Price data. */
    uint32_t price_offsets[FIXTURE_PRICES];            /**< By price id. */
    struct tg_price_info infos[FIXTURE_PRICES];        /**< By price id; tariff = price id. */
    struct tg_plan_service services[TG_SERVICE_COUNT]; /**< Plan 0. */
    uint32_t matrix[TG_SERVICE_COUNT][2];              /**< One zone, two bands. */
    struct tg_allowance allowances[2];                 /**< Buckets. */
    struct tg_product products[1];                     /**< Sells plan 0. */
    struct tg_time_model model[1];                     /**< Two bands. */
    struct tg_band_switch switches[FIXTURE_STEPS];     /**< When they change. */
    uint32_t tariff_names[FIXTURE_PRICES];             /**< Offsets into text. */
    char text[FIXTURE_PRICES][32];                     /**< Tariff names. */
    struct tg_price_rule rules[FIXTURE_PRICES];        /**< By price id; see fixture_rules. */
    struct tg_exchange_rate rates[4];                  /**< By pair and time. */
    struct tg_spend_limit limits[2];                   /**< Spend limits. */
    uint16_t plan_limits[TG_SERVICE_COUNT];            /**< Of plan 0. */
    struct tg_plan_terms terms[TG_SERVICE_COUNT];      /**< Of plan 0; see has_terms. */
    struct tg_causes causes[1];                        /**< One table. */
    struct tg_roster_account accounts[1];              /**< Everybody's, with fixture_rules. */
    struct tg_roster_line lines[FIXTURE_SUBSCRIBERS];  /**< All active, product 0. */
    struct tg_roster roster;                           /**< Lines only. */
    struct tg_catalog_snapshot snapshot;               /**< One image. */
};

/** @brief Time from text. @param text RFC 3339. @return UTC ns. */
static inline int64_t fixture_ns(const char *text)
{
    int64_t time_ns = 0;
    cr_assert_eq(tg_clock_parse(text, strlen(text), &time_ns), TG_OK, "%s", text);
    return time_ns;
}

/** @brief Describe a section. @param f Fixture. @param id Section. @param offset offsetof.
 *  @param item_bytes Size. @param count Items. */
static inline void fixture_section(struct fixture *f, unsigned id, size_t offset, size_t item_bytes,
                                   uint32_t count)
{
    f->image.sections[id] = (struct tg_image_section){
        (uint32_t)offset, (uint32_t)(item_bytes * count), count, (uint32_t)item_bytes};
}

/** @brief Empty catalog, all subscribers active since 1970. @param f Written. */
static inline void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->image.magic = TG_IMAGE_MAGIC;
    f->image.version = 7;
    f->image.currency = 978;
    f->image.scale = 8;
    f->image.minor = 2;
    f->image.content_hash = 1;
    f->image.built_for_ns = INT64_MAX;
#define SECTION(id, member, count)                                                                 \
    fixture_section(f, id, offsetof(struct fixture, member), sizeof f->member[0], count)
    SECTION(TG_IMAGE_SECTION_PRICES, price_offsets, FIXTURE_PRICES);
    SECTION(TG_IMAGE_SECTION_PRICE_INFO, infos, FIXTURE_PRICES);
    SECTION(TG_IMAGE_SECTION_PLAN_SERVICES, services, TG_SERVICE_COUNT);
    SECTION(TG_IMAGE_SECTION_ALLOWANCES, allowances, 2);
    SECTION(TG_IMAGE_SECTION_PRODUCTS, products, 1);
    SECTION(TG_IMAGE_SECTION_TIME_MODELS, model, 1);
    SECTION(TG_IMAGE_SECTION_CAUSES, causes, 1);
    SECTION(TG_IMAGE_SECTION_PLAN_TERMS, terms, TG_SERVICE_COUNT);
    SECTION(TG_IMAGE_SECTION_NAMES + TG_CATALOG_TARIFF, tariff_names, FIXTURE_PRICES);
#undef SECTION
    fixture_section(f, TG_IMAGE_SECTION_TEXT, offsetof(struct fixture, text), 1, sizeof f->text);
    f->products[0] = (struct tg_product){.plan = 0, .is_present = 1};
    for (uint32_t i = 0; i < FIXTURE_SUBSCRIBERS; i++) {
        f->lines[i] = (struct tg_roster_line){.active_to_s = TG_ROSTER_OPEN_S};
    }
    f->roster.lines = f->lines;
    f->roster.subscribers_count = FIXTURE_SUBSCRIBERS;
    f->snapshot.images_count = 1;
    f->snapshot.images[0] = &f->image;
    f->snapshot.roster = &f->roster;
}

/** @brief Define a price with one step. @param f Fixture. @param id Price id. @param tariff Name.
 *  @param unit enum tg_unit. @param price Of per units. @param per Units. @return To adjust. */
static inline struct fixture_price *fixture_price(struct fixture *f, uint32_t id,
                                                  const char *tariff, unsigned unit, int64_t price,
                                                  uint64_t per)
{
    struct fixture_price *made = &f->prices[id];
    f->price_offsets[id] =
        (uint32_t)(offsetof(struct fixture, prices) + id * sizeof(struct fixture_price));
    made->price = (struct tg_price){
        .size_bytes = sizeof made->price,
        .price_id = id,
        .currency = 978,
        .scale = 8,
        .steps_count = 1,
        .steps_offset = offsetof(struct fixture_price, steps),
        .params_offset = sizeof *made,
        .first_increment = 1,
        .next_increment = 1,
        .charge_min = INT64_MIN,
        .charge_max = INT64_MAX,
    };
    made->steps[0] = (struct tg_price_step){UINT64_MAX, price, per, 0};
    f->infos[id] = (struct tg_price_info){.unit_base_count = tg_unit_base_count(unit),
                                          .block_units = 1,
                                          .tariff = (uint16_t)id,
                                          .zones_count = 1,
                                          .unit = (uint8_t)unit,
                                          .dimension = (uint8_t)tg_unit_dimension(unit),
                                          .quantity_rounding = TG_ROUND_UP,
                                          .is_present = 1};
    f->tariff_names[id] = id * 32;
    (void)snprintf(f->text[id], 32, "%s", tariff);
    return made;
}

/** @brief Give the image rules, rates and limits, and the subscribers an account. @param f Fixture.
 *  @param rates_count Of f->rates, in the order of the section. */
static inline void fixture_rules(struct fixture *f, uint32_t rates_count)
{
#define SECTION(id, member, count)                                                                 \
    fixture_section(f, id, offsetof(struct fixture, member), sizeof f->member[0], count)
    SECTION(TG_IMAGE_SECTION_PRICE_RULES, rules, FIXTURE_PRICES);
    SECTION(TG_IMAGE_SECTION_EXCHANGE_RATES, rates, rates_count);
    SECTION(TG_IMAGE_SECTION_SPEND_LIMITS, limits, 2);
    SECTION(TG_IMAGE_SECTION_PLAN_LIMITS, plan_limits, TG_SERVICE_COUNT);
#undef SECTION
    f->roster.accounts = f->accounts;
    f->roster.accounts_count = 1;
}

/** @brief Sell a service at a price. @param f Fixture. @param service enum. @param price_id Price.
 *  @return To adjust. */
static inline struct tg_plan_service *fixture_service(struct fixture *f, unsigned service,
                                                      uint32_t price_id)
{
    struct tg_plan_service *made = &f->services[service];
    f->matrix[service][0] = price_id;
    f->matrix[service][1] = price_id;
    *made = (struct tg_plan_service){
        .matrix_offset = (uint32_t)(offsetof(struct fixture, matrix) + service * 8),
        .zones_count = 1,
        .bands_count = 1,
        .deck = TG_DECK_NONE,
        .fallback_decks = {TG_DECK_NONE, TG_DECK_NONE, TG_DECK_NONE},
        .time_model = TG_TIME_MODEL_NONE,
        .allowance = TG_ALLOWANCE_NONE,
        .is_present = 1,
        .dimension = f->infos[price_id].dimension,
    };
    return made;
}

/** @brief Give a service an allowance a month. @param f Fixture. @param service enum.
 *  @param index 0 or 1. @param amount_base Milliseconds, octets or events. */
static inline void fixture_allowance(struct fixture *f, unsigned service, uint16_t index,
                                     uint64_t amount_base)
{
    f->allowances[index] = (struct tg_allowance){.amount_base = amount_base,
                                                 .services_mask = 1u << service,
                                                 .dimension = f->services[service].dimension,
                                                 .is_present = 1};
    f->services[service].allowance = index;
}

/** @brief Two bands that change at three instants. @param f Fixture. @param service enum.
 *  @param first Price in band 0. @param second Price in band 1. @param at Shape [3]: band 0 from
 *  at[0], 1 from at[1], 0 from at[2]. */
static inline void fixture_bands(struct fixture *f, unsigned service, uint32_t first,
                                 uint32_t second, const int64_t *at)
{
    f->services[service].time_model = 0;
    f->services[service].bands_count = 2;
    f->matrix[service][0] = first;
    f->matrix[service][1] = second;
    f->model[0] = (struct tg_time_model){.switches_offset = offsetof(struct fixture, switches),
                                         .switches_count = 3,
                                         .bands_count = 2};
    for (uint32_t i = 0; i < 3; i++) {
        f->switches[i] = (struct tg_band_switch){at[i], i & 1, 0};
    }
}

/** @brief A worker for the fixture's subscribers. @return Caller destroys. */
static inline struct tg_rate *fixture_rate(void)
{
    struct tg_rate *rate;
    const struct tg_rate_params params = {.subscribers_count_max = FIXTURE_SUBSCRIBERS};
    cr_assert_eq(tg_rate_create(&params, &rate, NULL), TG_OK);
    return rate;
}

#define FIXTURE_COLUMNS_MAX 4096u

/** @brief Apply rows by sums made of their columns, block by block, and whole where those are not
 *  enough, as recovery does.
 *  @param rate Worker. @param snapshot Borrowed. @param rows Shape [count]. @param charges Shape
 *  [count]. @param count At most FIXTURE_COLUMNS_MAX. @param[out] whole_count Rows of blocks that
 *  needed it; may be NULL. @return As tg_rate_apply. */
static inline enum tg_err fixture_apply_columns(struct tg_rate *rate,
                                                const struct tg_catalog_snapshot *snapshot,
                                                const struct tg_usage *rows,
                                                const struct tg_charge *charges, uint32_t count,
                                                uint32_t *whole_count)
{
#define FIXTURE_COLUMN(name, type) static type name[FIXTURE_COLUMNS_MAX]
    FIXTURE_COLUMN(start_ns, int64_t);
    FIXTURE_COLUMN(source_id, uint16_t);
    FIXTURE_COLUMN(service, uint8_t);
    FIXTURE_COLUMN(key_kinds, uint8_t);
    FIXTURE_COLUMN(flags, uint8_t);
    FIXTURE_COLUMN(amount, int64_t);
    FIXTURE_COLUMN(billed_units, uint64_t);
    FIXTURE_COLUMN(allowance_units, uint64_t);
    FIXTURE_COLUMN(subscriber, uint32_t);
    FIXTURE_COLUMN(price_id, uint32_t);
    FIXTURE_COLUMN(catalog_version, uint32_t);
    FIXTURE_COLUMN(fate, uint8_t);
    FIXTURE_COLUMN(unit, uint8_t);
#undef FIXTURE_COLUMN
    cr_assert(count <= FIXTURE_COLUMNS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        start_ns[i] = rows[i].start_ns;
        source_id[i] = rows[i].source_id;
        service[i] = rows[i].service;
        key_kinds[i] = rows[i].key_kinds;
        flags[i] = rows[i].flags;
        amount[i] = charges[i].amount;
        billed_units[i] = charges[i].billed_units;
        allowance_units[i] = charges[i].allowance_units;
        subscriber[i] = charges[i].subscriber;
        price_id[i] = charges[i].price_id;
        catalog_version[i] = charges[i].catalog_version;
        fate[i] = charges[i].fate;
        unit[i] = charges[i].unit;
    }
    enum tg_err err = TG_OK;
    struct tg_rate_sums *sums = tg_rate_sums_create(tg_rate_accounts(rate));
    cr_assert_not_null(sums);
    static const uint32_t blocks[] = {1,   2, 1,
                                      300, 5, 1}; /* 300: more than are looked at at once */
    uint32_t block = 0;
    uint32_t turn = 0;
    for (uint32_t at = 0; at < count && err == TG_OK; at += block, turn++) {
        const struct tg_rate_columns columns = {
            start_ns + at,   source_id + at, service + at,         key_kinds + at,
            flags + at,      amount + at,    billed_units + at,    allowance_units + at,
            subscriber + at, price_id + at,  catalog_version + at, fate + at,
            unit + at};
        const uint32_t wanted = blocks[turn % (sizeof blocks / sizeof blocks[0])];
        bool is_done;
        block = wanted < count - at ? wanted : count - at;
        tg_rate_sums_begin(sums, block);
        tg_rate_sums_add(sums, snapshot, &columns, block);
        err = tg_rate_apply_sums(rate, sums, &is_done);
        if (err == TG_OK && !is_done) {
            err = tg_rate_apply(rate, snapshot, &rows[at], &charges[at], block);
            *(whole_count != NULL ? whole_count : &(uint32_t){0}) += block;
        }
    }
    tg_rate_sums_free(sums);
    return err;
}

/** @brief A call. @param start_ns UTC. @param duration_ms Length. @return Row. */
static inline struct tg_usage fixture_call(int64_t start_ns, uint32_t duration_ms)
{
    return (struct tg_usage){.subscriber_key = 1,
                             .peer_key = 0x4930000000000004u,
                             .start_ns = start_ns,
                             .duration_ms = duration_ms,
                             .service = TG_SERVICE_VOICE,
                             .key_kinds = tg_key_kinds(TG_KEY_E164, TG_KEY_E164)};
}

/** @brief Rate one row of a subscriber. @param rate Worker. @param f Fixture. @param row Row.
 *  @param subscriber Index. @return Verdict. */
static inline struct tg_charge fixture_one(struct tg_rate *rate, const struct fixture *f,
                                           const struct tg_usage *row, uint32_t subscriber)
{
    struct tg_charge charge = {.subscriber = subscriber, .node_state = TG_NODE_UP};
    tg_rate_run(rate, &f->snapshot, row, &charge, 1);
    return charge;
}

#endif
