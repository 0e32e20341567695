/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What the tests of tariffs share: make a price, price one row through the guard.
 *
 *  Source: reference rating-semantics 4.5 (vectors). Threads: one test. Allocates: never.
 *  Cost: none that matters.
 */
#ifndef TG_TARIFFS_KIT_H
#define TG_TARIFFS_KIT_H

#include "abi/tariff.h"
#include "plug/guard.h"
#include "plug/registry.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#define TARIFF_KIT_STEPS_MAX 8u

/** @brief A price with room for its steps and params, laid out as in the image. */
struct tariff_kit {
    struct tg_price price;                            /**< Head. */
    struct tg_price_step steps[TARIFF_KIT_STEPS_MAX]; /**< Behind it. */
    uint64_t params[8];                               /**< Behind them. */
};

/** @brief Start a price in EUR at scale 8. @param kit Written. @param steps Shape [count].
 *  @param count 1..TARIFF_KIT_STEPS_MAX. */
static inline void tariff_kit_price(struct tariff_kit *kit, const struct tg_price_step *steps,
                                    uint32_t count)
{
    memset(kit, 0, sizeof *kit);
    kit->price = (struct tg_price){
        .size_bytes = sizeof(struct tg_price),
        .currency = 978,
        .scale = 8,
        .rounding = TG_ROUND_HALF_UP,
        .steps_count = count,
        .steps_offset = offsetof(struct tariff_kit, steps),
        .params_offset = offsetof(struct tariff_kit, params),
        .first_increment = 1,
        .next_increment = 1,
        .charge_min = INT64_MIN,
        .charge_max = INT64_MAX,
    };
    memcpy(kit->steps, steps, count * sizeof *steps);
}

/** @brief Give the price's params to compile(). @param kit Started. @param tariff Name.
 *  @param settings Shape [count]. @param count How many. @return compile()'s answer. */
static inline enum tg_err tariff_kit_compile(struct tariff_kit *kit, const char *tariff,
                                             const struct tg_setting *settings, uint32_t count)
{
    const struct tg_tariff *contract = tg_plug_find(TG_PLUGIN_TARIFF, tariff)->plugin->contract;
    struct tg_complaint why = {{0}, 0};
    const struct tg_tariff_source source = {sizeof source, count, settings, &kit->price};
    cr_assert(contract->params_bytes_max <= sizeof kit->params);
    return contract->compile(&source, (uint8_t *)kit->params, &kit->price.params_bytes, &why);
}

/** @brief The parts a tariff tells must sum to what it charged: numerator += n / d.
 *  @param[in,out] sum  Numerator and denominator. @param n Any. @param d At least 1. */
static inline void tariff_kit_sum(__int128 sum[2], __int128 n, uint64_t d)
{
    uint64_t a = (uint64_t)sum[1];
    uint64_t b = d;
    while (b != 0) {
        const uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    sum[0] = sum[0] * (d / a) + n * (sum[1] / a);
    sum[1] *= d / a;
}

/** @brief Check that an answer is explained, exactly. @param plug Tariff. @param price Its price.
 *  @param row What it was asked. @param result What it answered; a refusal explains nothing. */
static inline void tariff_kit_explained(const struct tg_plug *plug, const struct tg_price *price,
                                        const struct tg_tariff_row *row,
                                        const struct tg_tariff_result *result)
{
    const struct tg_tariff *tariff = plug->plugin->contract;
    struct tg_tariff_part parts[32];
    __int128 told[2] = {0, 1};
    __int128 made[2] = {0, 1};
    if (tariff->explain == NULL || result->verdict != TG_OK) {
        return;
    }
    const uint32_t count = tariff->explain(price, row, parts, 32);
    cr_assert_leq(count, 32);
    for (uint32_t i = 0; i < count; i++) {
        tariff_kit_sum(told, (__int128)parts[i].price * parts[i].counted, parts[i].per_units);
        tariff_kit_sum(told, parts[i].flat, 1);
    }
    tariff_kit_sum(made, result->amount, 1);
    tariff_kit_sum(made, result->remainder, result->denominator);
    cr_expect(told[0] * made[1] == made[0] * told[1], "%s: parts of %llu after %llu do not sum",
              plug->name, (unsigned long long)row->units, (unsigned long long)row->units_before);
}

/** @brief Price units after what was used before. @param kit Price. @param tariff Name.
 *  @param before Units before. @param units Units. @return Result with verdict. */
static inline struct tg_tariff_result
tariff_kit_run(const struct tariff_kit *kit, const char *tariff, uint64_t before, uint64_t units)
{
    struct tg_plug *plug = tg_plug_find(TG_PLUGIN_TARIFF, tariff);
    const struct tg_price *const prices[1] = {&kit->price};
    const struct tg_tariff_row row = {.units = units,
                                      .units_before = before,
                                      .flags = TG_TARIFF_FIRST_PIECE | TG_TARIFF_LAST_PIECE};
    struct tg_tariff_result results[2];
    const struct tg_guard_bounds bounds = {INT64_MAX - 1, 1000000};
    cr_assert(plug != NULL, "%s is not linked in", tariff);
    (void)tg_guard_price(plug, &bounds, prices, 1, &row, 1, results);
    tariff_kit_explained(plug, &kit->price, &row, &results[0]);
    return results[0];
}

/** @brief One vector. */
struct tariff_kit_row {
    uint64_t before; /**< Units before. */
    uint64_t units;  /**< Units. */
    int64_t amount;  /**< Expected, at scale 8. */
};

/** @brief Check vectors. @param kit Price. @param tariff Name. @param rows Shape [count].
 *  @param count How many. */
static inline void tariff_kit_expect(const struct tariff_kit *kit, const char *tariff,
                                     const struct tariff_kit_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct tg_tariff_result got =
            tariff_kit_run(kit, tariff, rows[i].before, rows[i].units);
        cr_expect(got.verdict == TG_OK && got.amount == rows[i].amount,
                  "%s: %llu after %llu: %lld, not %lld (verdict %d)", tariff,
                  (unsigned long long)rows[i].units, (unsigned long long)rows[i].before,
                  (long long)got.amount, (long long)rows[i].amount, (int)got.verdict);
    }
}

#define TARIFF_KIT_COUNT(rows) (sizeof(rows) / sizeof(rows)[0])
#define EUR(units, cents)      ((units)*INT64_C(100000000) + (cents)*INT64_C(1000000))

#endif
