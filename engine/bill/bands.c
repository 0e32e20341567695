/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/bands.h"

#include "base/arena.h"
#include "base/clock.h"
#include "catalog/catalog.h"
#include "rate/split.h"

#include <string.h>

struct tg_bill_bands {
    const struct tg_catalog_snapshot *catalog;
    size_t bytes; /* Of the whole, for the free. */
    uint32_t names_count;
    uint32_t codes_first[TG_CATALOG_IMAGES_MAX]; /* Of an image: its first model in models. */
    const char **names;                          /* From 1; [0] is "". */
    uint32_t *models;                            /* Of a model: its first band in codes. */
    uint16_t *codes;                             /* Name of a band of a model. */
};

static uint32_t models_count(const struct tg_image *image)
{
    return image->sections[TG_IMAGE_SECTION_TIME_MODELS].count;
}

static uint32_t bands_count(const struct tg_image *image, uint32_t model)
{
    const struct tg_time_model *models = tg_image_section(image, TG_IMAGE_SECTION_TIME_MODELS);
    return models[model].bands_count;
}

/* The code of a name, a new one if need be; 0 when there are too many. */
static uint16_t name_code(struct tg_bill_bands *bands, const char *name)
{
    for (uint32_t i = 1; i <= bands->names_count; i++) {
        if (strcmp(bands->names[i], name) == 0) {
            return (uint16_t)i;
        }
    }
    if (bands->names_count == TG_BILL_BANDS_MAX) {
        return 0;
    }
    bands->names[++bands->names_count] = name;
    return (uint16_t)bands->names_count;
}

static bool names_take(struct tg_bill_bands *bands)
{
    const struct tg_catalog_snapshot *catalog = bands->catalog;
    uint32_t model_at = 0;
    uint32_t code_at = 0;
    bands->names[0] = "";
    for (uint32_t i = 0; i < catalog->images_count; i++) {
        const struct tg_image *image = catalog->images[i];
        bands->codes_first[i] = model_at;
        for (uint32_t model = 0; model < models_count(image); model++) {
            bands->models[model_at++] = code_at;
            for (uint32_t band = 0; band < bands_count(image, model); band++) {
                const uint16_t code = name_code(bands, tg_image_band_name(image, model, band));
                if (code == 0) {
                    return false;
                }
                bands->codes[code_at++] = code;
            }
        }
    }
    return true;
}

enum tg_err tg_bill_bands_open(const struct tg_catalog_snapshot *catalog,
                               struct tg_bill_bands **bands, struct tg_why *why)
{
    size_t models = 0;
    size_t codes = 0;
    *bands = NULL;
    for (uint32_t i = 0; i < catalog->images_count; i++) {
        const struct tg_image *image = catalog->images[i];
        models += models_count(image);
        for (uint32_t model = 0; model < models_count(image); model++) {
            codes += bands_count(image, model);
        }
    }
    if (models == 0) {
        return TG_OK;
    }
    const size_t bytes = sizeof **bands + (codes + 1) * sizeof(const char *) +
                         models * sizeof(uint32_t) + codes * sizeof(uint16_t);
    struct tg_bill_bands *made = tg_pages_take(bytes);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the names of bands");
    }
    made->catalog = catalog;
    made->bytes = bytes;
    made->names = (const char **)(made + 1);
    made->models = (uint32_t *)(made->names + codes + 1);
    made->codes = (uint16_t *)(made->models + models);
    if (!names_take(made)) {
        tg_bill_bands_close(made);
        return tg_why_set(why, TG_E_FULL, "more than %u names of bands", TG_BILL_BANDS_MAX);
    }
    *bands = made;
    return TG_OK;
}

void tg_bill_bands_close(struct tg_bill_bands *bands)
{
    if (bands != NULL) {
        tg_pages_free(bands, bands->bytes);
    }
}

static const struct tg_plan_service *plan_service_of(const struct tg_image *image,
                                                     const struct tg_roster_line *who,
                                                     const struct tg_usage *row)
{
    const struct tg_product *product = tg_image_product(image, who->product);
    const bool is_received =
        (row->flags & TG_USAGE_INCOMING) != 0 &&
        (row->service == TG_SERVICE_VOICE || row->service == TG_SERVICE_MESSAGE);
    if (product == NULL) {
        return NULL;
    }
    return is_received ? tg_image_plan_received(image, product->plan, row->service)
                       : tg_image_plan_service(image, product->plan, row->service);
}

/* As rate/split.c cuts: only time is cut, and `end` has all of it in the last band. */
static uint16_t band_in(const struct tg_bill_bands *bands, uint32_t image_index,
                        const struct tg_plan_service *plan_service, const struct tg_usage *row,
                        uint32_t site, const struct tg_roster_account *account)
{
    const struct tg_image *image = bands->catalog->images[image_index];
    const uint32_t model = tg_rate_time_model(image, plan_service, row, site, account);
    const uint16_t *codes = &bands->codes[bands->models[bands->codes_first[image_index] + model]];
    const int64_t used_ns = (int64_t)row->duration_ms * TG_NS_PER_MS;
    int64_t until_ns;
    uint32_t band = tg_image_band(image, model, row->start_ns, &until_ns);
    const bool crosses = plan_service->dimension == TG_DIMENSION_TIME &&
                         plan_service->split_mode != TG_SPLIT_START && until_ns != INT64_MAX &&
                         used_ns > until_ns - row->start_ns;
    if (crosses && plan_service->split_mode == TG_SPLIT_END) {
        band = tg_image_band(image, model, row->start_ns + used_ns - 1, &until_ns);
        return codes[band];
    }
    return codes[band] | (crosses ? TG_BILL_BAND_CROSSES : 0u);
}

uint16_t tg_bill_band_of(const struct tg_bill_bands *bands, const struct tg_usage *row,
                         uint32_t site, uint32_t subscriber, uint32_t version)
{
    const struct tg_roster_line *who =
        bands != NULL ? tg_roster_line(bands->catalog->roster, subscriber) : NULL;
    for (uint32_t i = 0; who != NULL && i < bands->catalog->images_count; i++) {
        const struct tg_image *image = bands->catalog->images[i];
        if (image->version == version) {
            const struct tg_plan_service *plan_service = plan_service_of(image, who, row);
            return plan_service != NULL && plan_service->time_model < models_count(image)
                       ? band_in(bands, i, plan_service, row, site,
                                 tg_roster_account(bands->catalog->roster, who->account))
                       : TG_BILL_BAND_NONE;
        }
    }
    return TG_BILL_BAND_NONE;
}

const char *tg_bill_band_name(const struct tg_bill_bands *bands, uint16_t band)
{
    const uint16_t code = band & TG_BILL_BANDS_MAX;
    return bands != NULL && code <= bands->names_count ? bands->names[code] : "";
}
