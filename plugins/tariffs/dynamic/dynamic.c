/* SPDX-License-Identifier: Apache-2.0 */
/* Dynamic: the price comes in the record, from whoever delivered the service; the charge is that
 * amount plus an optional percentage of it. A record split into pieces carries its amount once. */
#include "abi/plugin.h"
#include "abi/tariff.h"

#include <stdbool.h>
#include <string.h>

#define NANO INT64_C(1000000000)

/* What compile() makes; read in place from the image. Those of images before have the first field
 * only. */
struct dynamic_params {
    int64_t markup_ppm;
    int64_t rest_nano; /* what ppm leave of the markup, with its sign */
};

static int64_t markup_nano(const struct tg_price *price)
{
    struct dynamic_params params = {0};
    const uint32_t known =
        price->params_bytes < sizeof params ? price->params_bytes : (uint32_t)sizeof params;
    memcpy(&params, tg_price_params(price), known);
    return params.markup_ppm * 1000 + params.rest_nano;
}

static void row_price(const struct tg_price *price, const struct tg_tariff_row *row,
                      struct tg_tariff_result *result)
{
    tg_tariff_round((__int128)row->base_amount * (NANO + markup_nano(price)), (uint64_t)NANO,
                    price->rounding, result);
    result->step_index = 0;
}

static uint32_t dynamic_price(const struct tg_price *const *prices, uint32_t prices_count,
                              const struct tg_tariff_row *rows, uint32_t rows_count,
                              struct tg_tariff_result *results)
{
    (void)prices_count;
    for (uint32_t i = 0; i < rows_count; i++) {
        row_price(prices[rows[i].price_index], &rows[i], &results[i]);
    }
    return rows_count;
}

/* "12.5%" or "-50%" in parts per 10^9; false when it is none, has more than seven decimals, is
 * below -100 % or above 1000 %. */
static bool percent_parse(const char *text, int64_t *nano)
{
    const bool is_negative = text[0] == '-';
    const char *digits = text + is_negative;
    const size_t length = strlen(digits);
    int64_t value = 0;
    int decimals = -1;
    if (length < 2 || length > 16 || digits[length - 1] != '%' || digits[0] == '.') {
        return false;
    }
    for (size_t i = 0; i + 1 < length; i++) {
        if (digits[i] == '.' && decimals < 0) {
            decimals = 0;
            continue;
        }
        if (digits[i] < '0' || digits[i] > '9' || decimals == 7) {
            return false;
        }
        value = value * 10 + (digits[i] - '0');
        decimals += decimals >= 0;
    }
    for (int64_t scale = decimals < 0 ? 0 : decimals; scale < 7; scale++) {
        if (value > 10 * NANO) {
            return false;
        }
        value *= 10;
    }
    *nano = is_negative ? -value : value;
    return decimals != 0 && value <= (is_negative ? NANO : 10 * NANO);
}

static enum tg_err dynamic_compile(const struct tg_tariff_source *source, uint8_t *params,
                                   uint32_t *params_bytes, struct tg_complaint *why)
{
    struct dynamic_params made = {0};
    int64_t nano = 0;
    *params_bytes = 0;
    for (uint32_t i = 0; i < source->settings_count; i++) {
        if (strcmp(source->settings[i].key, "markup") != 0 ||
            !percent_parse(source->settings[i].value, &nano)) {
            *why = (struct tg_complaint){"dynamic knows one param: markup, such as 12.5% or -20% "
                                         "(at most seven decimals, -100% to 1000%)",
                                         i};
            return TG_E_PLUGIN_PARAMS;
        }
    }
    made = (struct dynamic_params){.markup_ppm = nano / 1000, .rest_nano = nano % 1000};
    memcpy(params, &made, sizeof made);
    *params_bytes = sizeof made;
    return TG_OK;
}

/* Each record brings its own price. */
static int dynamic_counts(const struct tg_price *price)
{
    (void)price;
    return 0;
}

static const struct tg_tariff contract = {
    .size_bytes = sizeof(struct tg_tariff),
    .params_bytes_max = sizeof(struct dynamic_params),
    .compile = dynamic_compile,
    .price = dynamic_price,
    .counts = dynamic_counts,
};

TG_PLUGIN(dynamic, TG_PLUGIN_TARIFF, struct tg_tariff, contract, "1.0",
          "the price comes in the record");
