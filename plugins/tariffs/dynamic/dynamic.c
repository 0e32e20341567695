/* SPDX-License-Identifier: Apache-2.0 */
/* Dynamic: the price comes in the record, from whoever delivered the service; the charge is that
 * amount plus an optional percentage of it. A record split into pieces carries its amount once. */
#include "abi/plugin.h"
#include "abi/tariff.h"

#include <stdbool.h>
#include <string.h>

#define PPM INT64_C(1000000)

/* What compile() makes; read in place from the image. */
struct dynamic_params {
    int64_t markup_ppm;
};

static void row_price(const struct tg_price *price, const struct tg_tariff_row *row,
                      struct tg_tariff_result *result)
{
    const struct dynamic_params *params = tg_price_params(price);
    const int64_t factor_ppm =
        PPM + (price->params_bytes >= sizeof *params ? params->markup_ppm : 0);
    tg_tariff_round((__int128)row->base_amount * factor_ppm, (uint64_t)PPM, price->rounding,
                    result);
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

/* "12.5%" to parts per million; false when it is none or has more than four decimals. */
static bool percent_parse(const char *text, int64_t *ppm)
{
    const size_t length = strlen(text);
    int64_t value = 0;
    int decimals = -1;
    if (length < 2 || length > 12 || text[length - 1] != '%' || text[0] == '.') {
        return false;
    }
    for (size_t i = 0; i + 1 < length; i++) {
        if (text[i] == '.' && decimals < 0) {
            decimals = 0;
            continue;
        }
        if (text[i] < '0' || text[i] > '9' || decimals == 4) {
            return false;
        }
        value = value * 10 + (text[i] - '0');
        decimals += decimals >= 0;
    }
    for (int i = decimals < 0 ? 0 : decimals; i < 4; i++) {
        value *= 10;
    }
    *ppm = value;
    return decimals != 0 && value <= 10 * PPM;
}

static enum tg_err dynamic_compile(const struct tg_tariff_source *source, uint8_t *params,
                                   uint32_t *params_bytes, struct tg_complaint *why)
{
    struct dynamic_params made = {0};
    *params_bytes = 0;
    for (uint32_t i = 0; i < source->settings_count; i++) {
        if (strcmp(source->settings[i].key, "markup") != 0 ||
            !percent_parse(source->settings[i].value, &made.markup_ppm)) {
            *why = (struct tg_complaint){
                "dynamic knows one param: markup, such as 12.5% (at most four decimals, 1000%)", i};
            return TG_E_PLUGIN_PARAMS;
        }
    }
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
