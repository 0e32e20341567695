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
