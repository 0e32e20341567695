/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/compile.h"

#include "abi/key.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/money.h"
#include "catalog/keys.h"
#include "catalog/lint.h"
#include "doc/scalar.h"
#include "doc/schema.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CHECKSUMMED_FROM (offsetof(struct tg_image, checksum) + sizeof(uint32_t))

/* Tables whose entries get numbers; index is the kind. */
static const char *const tables[TG_CATALOG_KINDS_COUNT] = {
    [TG_CATALOG_PRICE] = "prices",
    [TG_CATALOG_PLAN] = "plans",
    [TG_CATALOG_ALLOWANCE] = "allowances",
    [TG_CATALOG_PRODUCT] = "products",
    [TG_CATALOG_TAX] = "taxes",
    [TG_CATALOG_NETWORK] = "networks",
    [TG_CATALOG_SITE] = "sites",
    [TG_CATALOG_DECK] = "decks",
    [TG_CATALOG_TIME_MODEL] = "time_models",
    [TG_CATALOG_EXCHANGE] = "exchange_rates",
    [TG_CATALOG_CASH] = "cash_roundings",
    [TG_CATALOG_ENTITY] = "legal_entities",
    [TG_CATALOG_SPEND_LIMIT] = "spend_limits",
    [TG_CATALOG_COUNTER] = "counters",
    [TG_CATALOG_CAUSES] = "causes",
};

uint32_t tg_compile_text(struct tg_compile *compile, const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return 0;
    }
    return (uint32_t)tg_blob_append(&compile->text, text, strlen(text) + 1, 1);
}

bool tg_compile_is_lost(const struct tg_compile *compile, enum tg_catalog_kind kind)
{
    const char *names[TG_CATALOG_KINDS_COUNT];
    size_t names_count = 0;
    bool has_entries = false;
    for (uint32_t i = 0; i < compile->nodes_count[kind]; i++) {
        const struct tg_yaml_node *node = compile->nodes[kind][i];
        has_entries = has_entries || node != NULL;
        if (node != NULL && !tg_scalar_is_name(node->key, strlen(node->key))) {
            return true;
        }
    }
    if (has_entries || compile->folder->has_lost_text) {
        return compile->folder->has_lost_text;
    }
    for (uint32_t i = 0; i < TG_CATALOG_KINDS_COUNT; i++) {
        if (tables[i] != NULL) {
            names[names_count++] = tables[i];
        }
    }
    for (uint32_t i = 0; i < compile->folder->documents_count && tables[kind] != NULL; i++) {
        const struct tg_yaml_node *root = tg_yaml_root(compile->folder->documents[i]);
        const struct tg_yaml_node *table = root->kind == TG_YAML_MAP ? root->child : NULL;
        for (; table != NULL; table = table->next) {
            const char *near = tg_diag_nearest(table->key, names, names_count);
            if (near == tables[kind] &&
                (strcmp(table->key, near) != 0 || tg_compile_is_doubtful(compile, table))) {
                return true;
            }
        }
    }
    return false;
}

bool tg_compile_zones_are_doubtful(const struct tg_compile *compile)
{
    static const enum tg_catalog_kind kinds[] = {TG_CATALOG_DECK, TG_CATALOG_NETWORK};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (tg_compile_is_lost(compile, kinds[i])) {
            return true;
        }
        for (uint32_t j = 0; j < compile->nodes_count[kinds[i]]; j++) {
            if (tg_compile_is_doubtful(compile, compile->nodes[kinds[i]][j])) {
                return true;
            }
        }
    }
    return compile->has_lost_rows;
}

uint32_t tg_compile_resolve(struct tg_compile *compile, enum tg_catalog_kind kind, const char *noun,
                            const struct tg_yaml_node *node)
{
    return node->kind == TG_YAML_SCALAR /* else the schema has said so */
               ? tg_compile_resolve_text(compile, kind, noun, node->text, node->mark)
               : UINT32_MAX;
}

uint32_t tg_compile_resolve_text(struct tg_compile *compile, enum tg_catalog_kind kind,
                                 const char *noun, const char *text, struct tg_mark mark)
{
    const struct tg_names *names = &compile->names[kind];
    const uint32_t index = tg_names_find(names, text, strlen(text));
    if (index < compile->nodes_count[kind] && compile->nodes[kind][index] != NULL) {
        return index;
    }
    if (tg_compile_is_lost(compile, kind)) {
        return UINT32_MAX; /* the table's name has been refused */
    }
    const char **known = calloc(names->count + 1, sizeof *known);
    uint32_t known_count = 0;
    for (uint32_t i = 0; known != NULL && i < compile->nodes_count[kind]; i++) {
        if (compile->nodes[kind][i] != NULL) {
            known[known_count++] = tg_names_text(names, i);
        }
    }
    const char *near = known != NULL ? tg_diag_nearest(text, known, known_count) : NULL;
    char hint[128];
    (void)snprintf(hint, sizeof hint, "did you mean \"%s\"?", near != NULL ? near : "");
    tg_diag_add(compile->diag, TG_DIAG_ERROR, mark, near != NULL ? hint : NULL,
                "there is no %s \"%.64s\"", noun, text);
    free(known);
    return UINT32_MAX;
}

int64_t tg_compile_money(struct tg_compile *compile, const struct tg_schema *schema,
                         const struct tg_yaml_node *map, const char *key, int64_t absent)
{
    return tg_compile_money_in(compile, compile->currency, schema, map, key, absent);
}

int64_t tg_compile_money_in(struct tg_compile *compile, const struct tg_currency *currency,
                            const struct tg_schema *schema, const struct tg_yaml_node *map,
                            const char *key, int64_t absent)
{
    const char *text = tg_schema_text(schema, map, key);
    const struct tg_yaml_node *node = tg_yaml_get(map, key);
    int64_t amount = absent;
    if (text == NULL) {
        return absent;
    }
    const enum tg_err err = tg_money_parse(text, strlen(text), currency->scale, &amount);
    if (err == TG_OK || err == TG_E_SYNTAX) { /* the schema has reported bad syntax */
        return err == TG_OK ? amount : absent;
    }
    const bool is_price = strcmp(key, "price") == 0;
    tg_diag_add(compile->diag, TG_DIAG_ERROR, node->mark,
                !is_price             ? NULL
                : err == TG_E_INVALID ? "write the price of more units, with per"
                                      : "write the price of fewer units, with per",
                err == TG_E_INVALID ? "%s: \"%.64s\" has more than %u decimals"
                                    : "%s: \"%.64s\" is too large at %u decimals",
                key, text, currency->scale);
    return absent;
}

static void lints_ignore(struct tg_compile *compile, const struct tg_yaml_node *list)
{
    const struct tg_yaml_node *item = list != NULL ? list->child : NULL;
    for (; item != NULL; item = item->next) {
        for (uint32_t i = 0; tg_catalog_lints[i] != NULL; i++) {
            if (item->kind == TG_YAML_SCALAR && strcmp(item->text, tg_catalog_lints[i]) == 0) {
                tg_diag_ignore(compile->diag, tg_catalog_lints[i]);
            }
        }
    }
}

static struct tg_billing billing_read(struct tg_compile *compile, const struct tg_yaml_node *node)
{
    const struct tg_schema *keys = &tg_catalog_billing_keys;
    struct tg_billing billing = {
        .needs_approval = (uint8_t)tg_schema_number(keys, node, "approval"),
        .keeps_credit = (uint8_t)tg_schema_number(keys, node, "credit"),
        .prepaid_fees = (uint8_t)tg_schema_number(keys, node, "prepaid_fees"),
        .rounds_lines = (uint8_t)tg_schema_number(keys, node, "line_rounding")};
    if (tg_yaml_get(node, "grace_days") != NULL) {
        billing.grace_days_plus = (uint8_t)(tg_schema_number(keys, node, "grace_days") + 1);
    }
    if (tg_yaml_get(node, "payment_days") != NULL) {
        billing.payment_days_plus = (uint16_t)(tg_schema_number(keys, node, "payment_days") + 1);
    }
    const struct tg_yaml_node *list = tg_yaml_get(node, "dunning_days");
    const struct tg_yaml_node *item =
        list != NULL && list->kind == TG_YAML_LIST ? list->child : NULL;
    if (list != NULL && billing.payment_days_plus == 0 && !tg_compile_is_doubtful(compile, node)) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, list->mark, "give payment_days too",
                    "dunning_days: bills have no due date");
    }
    for (; item != NULL && billing.dunning_count < TG_DUNNING_STEPS_MAX; item = item->next) {
        const long days = item->kind == TG_YAML_SCALAR ? strtol(item->text, NULL, 10) : 0;
        const uint8_t count = billing.dunning_count;
        if (count > 0 && days <= billing.dunning_days[count - 1]) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, item->mark, NULL,
                        "dunning_days: %ld is not after %u", days, billing.dunning_days[count - 1]);
            return billing;
        }
        billing.dunning_days[billing.dunning_count++] = (uint16_t)days;
    }
    return billing;
}

static void head_read(struct tg_compile *compile)
{
    const struct tg_yaml_node *head = compile->folder->head;
    const struct tg_yaml_node *rounding = tg_yaml_get(head, "rounding");
    const struct tg_yaml_node *code = tg_yaml_get(head, "currency");
    compile->currency = tg_currency_by_code("EUR");
    if (code != NULL && code->kind == TG_YAML_SCALAR && code->text_bytes == 3) {
        const struct tg_currency *currency = tg_currency_by_code(code->text);
        if (currency == NULL) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, code->mark, "use an ISO 4217 code",
                        "currency \"%s\" is not known", code->text);
        } else {
            compile->currency = currency;
        }
    }
    lints_ignore(compile, tg_yaml_get(tg_yaml_get(head, "lint"), "ignore"));
    struct tg_image *image = &compile->head;
    *image = (struct tg_image){
        .magic = TG_IMAGE_MAGIC,
        .format = TG_IMAGE_FORMAT,
        .version = (uint32_t)tg_schema_number(&tg_catalog_head_keys, head, "version"),
        .currency = compile->currency->numeric,
        .scale = compile->currency->scale,
        .minor = compile->currency->minor,
        .valid_from_ns = tg_schema_number(&tg_catalog_head_keys, head, "valid_from"),
        .built_for_ns = INT64_MAX,
        .rounding_rate = (uint8_t)tg_schema_number(&tg_catalog_rounding_keys, rounding, "rate"),
        .rounding_tax = (uint8_t)tg_schema_number(&tg_catalog_rounding_keys, rounding, "tax"),
        .rounding_bill = (uint8_t)tg_schema_number(&tg_catalog_rounding_keys, rounding, "bill"),
        .rounding_exchange =
            (uint8_t)tg_schema_number(&tg_catalog_rounding_keys, rounding, "exchange"),
        .billing = billing_read(compile, tg_yaml_get(head, "billing")),
        .rating_exponent = tg_compile_rating_exponent(compile, compile->currency),
    };
    tg_compile_digits(compile);
}

/* The previous image's names in its order; new ones of this folder come behind them. */
static void names_seed(struct tg_compile *compile, const struct tg_image *previous)
{
    static const enum tg_catalog_kind stable[] = {
        TG_CATALOG_ZONE,         TG_CATALOG_PRICE, TG_CATALOG_PLAN,    TG_CATALOG_ALLOWANCE,
        TG_CATALOG_PRODUCT,      TG_CATALOG_TAX,   TG_CATALOG_NETWORK, TG_CATALOG_SPEND_LIMIT,
        TG_CATALOG_ACCOUNT_ZONE, TG_CATALOG_SITE,  TG_CATALOG_COUNTER, TG_CATALOG_ENTITY};
    (void)tg_names_add(&compile->names[TG_CATALOG_ZONE], "", 0);
    (void)tg_names_add(&compile->names[TG_CATALOG_NETWORK], "", 0);
    (void)tg_names_add(&compile->names[TG_CATALOG_ACCOUNT_ZONE], "", 0);
    (void)tg_names_add(&compile->names[TG_CATALOG_SITE], "", 0);
    (void)tg_names_add(&compile->names[TG_CATALOG_COUNTER], "", 0);
    (void)tg_names_add(&compile->names[TG_CATALOG_ENTITY], "", 0);
    for (size_t i = 0; previous != NULL && i < sizeof stable / sizeof stable[0]; i++) {
        for (uint32_t j = 0; j < tg_image_count(previous, stable[i]); j++) {
            const char *name = tg_image_name(previous, stable[i], j);
            (void)tg_names_add(&compile->names[stable[i]], name, strlen(name));
        }
    }
}

static bool nodes_grow(struct tg_compile *compile, enum tg_catalog_kind kind)
{
    const uint32_t wanted = compile->names[kind].count;
    if (wanted <= compile->nodes_count[kind]) {
        return true;
    }
    const uint32_t room = wanted * 2;
    const struct tg_yaml_node **nodes =
        realloc(compile->nodes[kind], room * sizeof *compile->nodes[kind]);
    if (nodes == NULL) {
        compile->is_out_of_memory = true;
        return false;
    }
    memset(nodes + compile->nodes_count[kind], 0,
           (room - compile->nodes_count[kind]) * sizeof *nodes);
    compile->nodes[kind] = nodes;
    compile->nodes_count[kind] = room;
    return true;
}

/* Number every entry of every table; one id in two files is a mistake. */
static void entries_declare(struct tg_compile *compile)
{
    for (uint32_t kind = 0; kind < TG_CATALOG_KINDS_COUNT; kind++) {
        uint32_t document = 0;
        const struct tg_yaml_node *entry = NULL;
        while (tables[kind] != NULL &&
               tg_folder_next(compile->folder, tables[kind], &document, &entry)) {
            const uint32_t index =
                tg_names_add(&compile->names[kind], entry->key, strlen(entry->key));
            if (index == UINT32_MAX || !nodes_grow(compile, kind)) {
                compile->is_out_of_memory = true;
                return;
            }
            const struct tg_yaml_node *other = compile->nodes[kind][index];
            if (other == NULL) {
                compile->nodes[kind][index] = entry;
            } else if (other->key_mark.source != entry->key_mark.source) {
                tg_diag_add(compile->diag, TG_DIAG_ERROR, entry->key_mark, NULL,
                            "%s: \"%.64s\" is already in %s:%u", tables[kind], entry->key,
                            other->key_mark.source->path, other->key_mark.line);
            }
        }
        if (compile->names[kind].count > TG_DECK_NONE && kind != TG_CATALOG_PRICE) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR,
                        (struct tg_mark){&compile->folder->source, 0, 0}, NULL,
                        "%s: more than 65534 entries over all versions", tables[kind]);
        }
    }
}

static void section_place(struct tg_image_section *section, uint64_t *at, uint64_t size_bytes,
                          uint32_t item_bytes)
{
    *at = (*at + TG_IMAGE_ALIGN_BYTES - 1) & ~(uint64_t)(TG_IMAGE_ALIGN_BYTES - 1);
    *section = (struct tg_image_section){.offset = (uint32_t)*at,
                                         .size_bytes = (uint32_t)size_bytes,
                                         .count = (uint32_t)(size_bytes / item_bytes),
                                         .item_bytes = item_bytes};
    *at += size_bytes;
}

/* Offsets into other sections become offsets into the image. */
static void offsets_patch(struct tg_image *image)
{
    uint8_t *base = (uint8_t *)image;
    const struct tg_image_section *all = image->sections;
    uint32_t *prices = (uint32_t *)(void *)(base + all[TG_IMAGE_SECTION_PRICES].offset);
    for (uint32_t i = 0; i < all[TG_IMAGE_SECTION_PRICES].count; i++) {
        /* A hole is UINT32_MAX until here, because 0 is the first price's own offset. */
        prices[i] =
            prices[i] == UINT32_MAX ? 0 : prices[i] + all[TG_IMAGE_SECTION_PRICE_DATA].offset;
    }
    struct tg_plan_service *cells =
        (struct tg_plan_service *)(void *)(base + all[TG_IMAGE_SECTION_PLAN_SERVICES].offset);
    for (uint32_t i = 0; i < all[TG_IMAGE_SECTION_PLAN_SERVICES].count; i++) {
        cells[i].matrix_offset +=
            cells[i].is_present != 0 ? all[TG_IMAGE_SECTION_MATRIX].offset : 0;
        cells[i].buckets_offset +=
            cells[i].buckets_count != 0 ? all[TG_IMAGE_SECTION_DECK_DATA].offset : 0;
    }
    struct tg_origin *origins =
        (struct tg_origin *)(void *)(base + all[TG_IMAGE_SECTION_ORIGINS].offset);
    for (uint32_t i = 0; i < all[TG_IMAGE_SECTION_ORIGINS].count; i++) {
        origins[i].a_rows_offset += all[TG_IMAGE_SECTION_DECK_DATA].offset;
        origins[i].b_columns_offset += all[TG_IMAGE_SECTION_DECK_DATA].offset;
        origins[i].pairs_offset += all[TG_IMAGE_SECTION_DECK_DATA].offset;
        origins[i].groups_offset += all[TG_IMAGE_SECTION_DECK_DATA].offset;
    }
    struct tg_deck *decks = (struct tg_deck *)(void *)(base + all[TG_IMAGE_SECTION_DECKS].offset);
    for (uint32_t i = 0; i < all[TG_IMAGE_SECTION_DECKS].count; i++) {
        decks[i].direct_offset += all[TG_IMAGE_SECTION_DECK_DATA].offset;
        decks[i].nodes_offset += all[TG_IMAGE_SECTION_DECK_DATA].offset;
        decks[i].dated_offset += all[TG_IMAGE_SECTION_DECK_DATA].offset;
    }
    struct tg_time_model *models =
        (struct tg_time_model *)(void *)(base + all[TG_IMAGE_SECTION_TIME_MODELS].offset);
    for (uint32_t i = 0; i < all[TG_IMAGE_SECTION_TIME_MODELS].count; i++) {
        models[i].switches_offset += all[TG_IMAGE_SECTION_SWITCHES].offset;
        models[i].repeats_offset += all[TG_IMAGE_SECTION_DECK_DATA].offset;
        models[i].band_names_offset += all[TG_IMAGE_SECTION_DECK_DATA].offset;
    }
    struct tg_allowance *allowances =
        (struct tg_allowance *)(void *)(base + all[TG_IMAGE_SECTION_ALLOWANCES].offset);
    for (uint32_t i = 0; i < all[TG_IMAGE_SECTION_ALLOWANCES].count; i++) {
        /* Stored plus one while relative, as 0 says every zone. */
        allowances[i].zones_offset +=
            allowances[i].zones_offset != 0 ? all[TG_IMAGE_SECTION_DECK_DATA].offset - 1 : 0;
        allowances[i].bands_offset +=
            allowances[i].bands_offset != 0 ? all[TG_IMAGE_SECTION_DECK_DATA].offset - 1 : 0;
    }
    struct tg_spend_limit *limits =
        (struct tg_spend_limit *)(void *)(base + all[TG_IMAGE_SECTION_SPEND_LIMITS].offset);
    for (uint32_t i = 0; i < all[TG_IMAGE_SECTION_SPEND_LIMITS].count; i++) {
        limits[i].plans_offset +=
            limits[i].plans_offset != 0 ? all[TG_IMAGE_SECTION_DECK_DATA].offset - 1 : 0;
    }
}

static enum tg_err image_pack(struct tg_compile *compile, struct tg_image **packed)
{
    struct tg_blob name_offsets[TG_CATALOG_KINDS_COUNT] = {0};
    bool is_broken = compile->is_out_of_memory;
    for (uint32_t kind = 0; kind < TG_CATALOG_KINDS_COUNT; kind++) {
        for (uint32_t i = 0; i < compile->names[kind].count; i++) {
            const uint32_t offset =
                tg_compile_text(compile, tg_names_text(&compile->names[kind], i));
            (void)tg_blob_append(&name_offsets[kind], &offset, sizeof offset, 4);
        }
        is_broken = is_broken || compile->names[kind].is_broken || name_offsets[kind].is_broken;
    }
    struct tg_image head = compile->head;
    const struct tg_blob *parts[TG_IMAGE_SECTIONS_MAX] = {0};
    uint64_t at = sizeof head;
    for (uint32_t i = 0; i < TG_IMAGE_SECTION_NAMES + TG_CATALOG_KINDS_COUNT; i++) {
        parts[i] = i == TG_IMAGE_SECTION_TEXT   ? &compile->text
                   : i < TG_IMAGE_SECTION_NAMES ? &compile->sections[i]
                                                : &name_offsets[i - TG_IMAGE_SECTION_NAMES];
        section_place(&head.sections[i], &at, parts[i]->size_bytes, tg_image_item_bytes(i));
        is_broken = is_broken || parts[i]->is_broken;
    }
    head.size_bytes = (at + TG_IMAGE_ALIGN_BYTES - 1) & ~(uint64_t)(TG_IMAGE_ALIGN_BYTES - 1);
    head.content_hash = compile->folder->content_hash;
    struct tg_image *image =
        is_broken || head.size_bytes > UINT32_MAX ? NULL : tg_pages_take(head.size_bytes);
    if (image != NULL) {
        *image = head;
        for (uint32_t i = 0; i < TG_IMAGE_SECTION_NAMES + TG_CATALOG_KINDS_COUNT; i++) {
            if (parts[i]->size_bytes > 0) {
                memcpy((uint8_t *)image + head.sections[i].offset, parts[i]->bytes,
                       parts[i]->size_bytes);
            }
        }
        offsets_patch(image);
        image->checksum = tg_crc32c(0, (const uint8_t *)image + CHECKSUMMED_FROM,
                                    image->size_bytes - CHECKSUMMED_FROM);
    }
    for (uint32_t kind = 0; kind < TG_CATALOG_KINDS_COUNT; kind++) {
        tg_blob_free(&name_offsets[kind]);
    }
    *packed = image;
    return image != NULL ? TG_OK : TG_E_NO_MEMORY;
}

static void compile_free(struct tg_compile *compile)
{
    for (uint32_t i = 0; i < compile->names[TG_CATALOG_DECK].count; i++) {
        if (compile->deck_zones != NULL) {
            free(compile->deck_zones[i]);
        }
        if (compile->sheets != NULL) {
            for (uint32_t j = 0; j < compile->sheets[i].files_count; j++) {
                tg_csv_close(&compile->sheets[i].files[j].csv);
            }
            free(compile->sheets[i].files);
            tg_blob_free(&compile->sheets[i].rows);
        }
    }
    free(compile->deck_zones);
    free(compile->sheets);
    tg_names_free(&compile->network_zones);
    tg_names_free(&compile->site_zones);
    tg_blob_free(&compile->plan_products);
    tg_blob_free(&compile->rates);
    for (uint32_t kind = 0; kind < TG_CATALOG_KINDS_COUNT; kind++) {
        tg_names_free(&compile->names[kind]);
        free(compile->nodes[kind]);
    }
    for (uint32_t i = 0; i < TG_IMAGE_SECTION_NAMES; i++) {
        tg_blob_free(&compile->sections[i]);
    }
    tg_blob_free(&compile->text);
    tg_compile_tariffs_free(compile);
}

enum tg_err tg_compile_run(struct tg_folder *folder, const struct tg_image *previous, bool is_next,
                           struct tg_diag *diag, struct tg_image **image)
{
    struct tg_compile compile = {.diag = diag, .folder = folder};
    *image = NULL;
    (void)tg_blob_extend(&compile.text, 1, 1); /* offset 0 is the empty text */
    head_read(&compile);
    names_seed(&compile, previous);
    entries_declare(&compile);
    if (!compile.is_out_of_memory) {
        const uint32_t errors_before = tg_diag_errors_count(diag);
        tg_compile_decks(&compile);
        compile.has_lost_rows = tg_diag_errors_count(diag) > errors_before;
        tg_compile_groups_declare(&compile);
        tg_compile_pairs_declare(&compile);
        tg_compile_account_zones(&compile);
        tg_compile_time_models(&compile);
        tg_compile_exchange(&compile);
        tg_compile_cash(&compile);
        tg_compile_entities(&compile);
        tg_compile_spend_limits(&compile);
        tg_compile_parts(&compile);
        tg_compile_sites(&compile);
        tg_compile_tariffs(&compile);
        tg_compile_prices(&compile);
        tg_compile_causes(&compile);
        tg_compile_plans(&compile);
        tg_compile_minimums(&compile);
        tg_compile_counters(&compile, previous);
        tg_compile_rules(&compile);
        tg_compile_products(&compile);
    }
    enum tg_err err = compile.is_out_of_memory         ? TG_E_NO_MEMORY
                      : tg_diag_errors_count(diag) > 0 ? TG_E_DOCUMENT
                                                       : image_pack(&compile, image);
    struct tg_why why;
    if (err == TG_OK && tg_image_check(*image, (*image)->size_bytes, &why) != TG_OK) {
        assert(!"the compiler made an image that its own check refuses");
        err = TG_E_CORRUPT;
    }
    if (err == TG_OK) {
        tg_lint_run(&compile, *image, is_next ? previous : NULL);
        tg_compile_moves_check(&compile, *image, is_next ? previous : NULL);
        err = compile.is_out_of_memory         ? TG_E_NO_MEMORY
              : tg_diag_errors_count(diag) > 0 ? TG_E_DOCUMENT
                                               : TG_OK;
    }
    if (err != TG_OK && *image != NULL) {
        tg_pages_free(*image, (*image)->size_bytes);
        *image = NULL;
    }
    compile_free(&compile);
    return err;
}

uint64_t tg_compile_prefixes_count(const struct tg_image *image)
{
    const struct tg_deck *decks =
        (const struct tg_deck *)tg_image_section(image, TG_IMAGE_SECTION_DECKS);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < image->sections[TG_IMAGE_SECTION_DECKS].count; i++) {
        sum += decks[i].prefixes_count;
    }
    return sum;
}
