/* SPDX-License-Identifier: Apache-2.0 */
/* Rate sheets: decks whose rows bring their own prices, as wholesalers send them.
 *
 * Each distinct (zone, price, connect, first, next, ..., tax) of a sheet becomes one zone and one
 * price of the same name, "sheet/zone" and from the second rate of a zone on "sheet/zone#2". Prices
 * for callers of the same jurisdiction, or of none that is known, are those of pairs, by the rules
 * "ny>sheet/zone" and "?>sheet/zone" that the sheet writes itself (compile_pair.c). The row path
 * stays what it was: prefix to zone, zone to price. Names count rates and do not spell them, so
 * that a new price of next month keeps the number and diff shows it as a change. */
#include "abi/key.h"
#include "base/limits.h"
#include "base/money.h"
#include "catalog/compile.h"
#include "catalog/keys.h"
#include "doc/scalar.h"
#include "doc/schema.h"

#include <stdlib.h>
#include <string.h>

#define ZONE_TEXT_MAX 63u

/* What a row says of money and units. */
struct terms {
    int64_t price;
    int64_t intra;   /* of callers of the place; as price where there is none */
    int64_t unknown; /* of callers of no place */
    int64_t connect;
    int64_t first;
    int64_t next;
    int64_t minimum;
    int64_t grace;
    int64_t included;
    int64_t min;
    int64_t max;
    int64_t tax_plus; /* 0: the product's */
};

/* A rate of a zone; index + 1 of it lies in the slots. */
struct known {
    struct terms terms;
    uint32_t text;  /* of the zone, in texts */
    uint32_t place; /* of the jurisdiction, in places, plus 1; 0: none */
    uint32_t zone;
};

/* A field of the row before, as most sheets say the same on every row. */
struct memo {
    int64_t value;
    uint32_t text_bytes; /* 0: none */
    char text[24];
};

struct tg_rate_sheet {
    struct tg_compile *compile;
    const struct tg_currency *currency;
    const char *deck;
    uint8_t *zones;
    struct tg_names texts;   /* zones as written */
    struct tg_names stems;   /* zones as named */
    struct tg_names places;  /* jurisdictions */
    struct tg_blob stem_of;  /* uint32_t by text */
    struct tg_blob rates_of; /* uint32_t by stem: how many it has */
    struct tg_blob known;
    uint32_t *slots;
    uint32_t slots_count;
    struct tg_compile_rate usual; /* what rows do not say */
    struct memo memos[TG_RATE_COLUMNS_COUNT];
};

struct tg_rate_sheet *tg_rate_sheet_open(struct tg_compile *compile,
                                         const struct tg_yaml_node *deck,
                                         const struct tg_yaml_node *rates, uint8_t *zones)
{
    const struct tg_schema *keys = &tg_catalog_rates_keys;
    struct tg_rate_sheet *sheet = calloc(1, sizeof *sheet);
    if (sheet == NULL) {
        return NULL;
    }
    sheet->compile = compile;
    sheet->currency = tg_yaml_get(rates, "currency") != NULL
                          ? tg_compile_currency(compile, rates, "currency")
                          : compile->currency;
    sheet->currency = sheet->currency != NULL ? sheet->currency : compile->currency;
    sheet->deck = deck->key;
    sheet->zones = zones;
    sheet->usual = (struct tg_compile_rate){
        .connect = tg_compile_money_in(compile, sheet->currency, keys, rates, "connect", 0),
        .minimum = (uint64_t)tg_schema_number(keys, rates, "minimum"),
        .grace = (uint64_t)tg_schema_number(keys, rates, "grace"),
        .included = (uint64_t)tg_schema_number(keys, rates, "included"),
        .min = tg_compile_money_in(compile, sheet->currency, keys, rates, "min", INT64_MIN),
        .max = tg_compile_money_in(compile, sheet->currency, keys, rates, "max", INT64_MAX),
        .currency = sheet->currency->numeric,
        .scale = sheet->currency->scale,
        .exponent =
            tg_compile_exponent(compile, keys, rates, sheet->currency, TG_COMPILE_EXPONENT_MAX),
        .quantity_rounding = (uint8_t)tg_schema_number(keys, rates, "quantity_rounding"),
        .options =
            (uint8_t)((tg_schema_number(keys, rates, "included_off") != 0 ? TG_PRICE_INCLUDED_FIRST
                                                                          : 0) |
                      (tg_schema_number(keys, rates, "connect_on") != 0 ? TG_PRICE_CONNECT_ON_USE
                                                                        : 0)),
        .per_units = (uint64_t)tg_schema_number(keys, rates, "per"),
        .first = (uint64_t)tg_schema_number(keys, rates, "first"),
        .next = (uint64_t)tg_schema_number(keys, rates, "next"),
        .unit = (uint8_t)tg_schema_number(keys, rates, "unit"),
        .rounding = tg_yaml_get(rates, "rounding") != NULL
                        ? (uint8_t)tg_schema_number(keys, rates, "rounding")
                        : compile->head.rounding_rate,
    };
    const struct tg_yaml_node *tax = tg_yaml_get(rates, "tax");
    if (tax != NULL) {
        const uint32_t index = tg_compile_resolve(compile, TG_CATALOG_TAX, "tax", tax);
        sheet->usual.tax_plus = index == UINT32_MAX ? 0 : (uint16_t)(index + 1);
    }
    sheet->usual.per_units += sheet->usual.per_units == 0 ? 1 : 0; /* refused by the schema */
    sheet->usual.first += sheet->usual.first == 0 ? 1 : 0;
    sheet->usual.next += sheet->usual.next == 0 ? 1 : 0;
    return sheet;
}

void tg_rate_sheet_close(struct tg_rate_sheet *sheet)
{
    if (sheet == NULL) {
        return;
    }
    tg_names_free(&sheet->texts);
    tg_names_free(&sheet->stems);
    tg_names_free(&sheet->places);
    tg_blob_free(&sheet->stem_of);
    tg_blob_free(&sheet->rates_of);
    tg_blob_free(&sheet->known);
    free(sheet->slots);
    free(sheet);
}

const struct tg_compile_rate *tg_compile_rate_find(const struct tg_compile *compile,
                                                   uint32_t price_id)
{
    const struct tg_compile_rate *rates =
        (const struct tg_compile_rate *)(const void *)compile->rates.bytes;
    const size_t count = compile->rates.size_bytes / sizeof *rates;
    return price_id < count && rates[price_id].per_units != 0 ? &rates[price_id] : NULL;
}

/* Carriers write "Germany - Mobile (D1)": letters and digits stay, runs of all else are one "_". */
static size_t stem_make(const char *text, size_t text_bytes, char stem[ZONE_TEXT_MAX + 1])
{
    size_t length = 0;
    bool is_apart = false;
    for (size_t i = 0; i < text_bytes && length < ZONE_TEXT_MAX; i++) {
        const char c = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            if (is_apart && length > 0 && length + 1 < ZONE_TEXT_MAX) {
                stem[length++] = '_';
            }
            stem[length++] = c;
            is_apart = false;
        } else {
            is_apart = true;
        }
    }
    stem[length] = '\0';
    return length;
}

static bool text_number(struct tg_rate_sheet *sheet, const struct tg_csv *csv,
                        const struct tg_csv_field *field, uint32_t *text)
{
    struct tg_compile *compile = sheet->compile;
    const uint32_t count_before = sheet->texts.count;
    char stem[ZONE_TEXT_MAX + 1];
    *text = tg_names_add(&sheet->texts, field->text, field->text_bytes);
    if (*text < count_before) {
        return true;
    }
    const size_t stem_bytes = stem_make(field->text, field->text_bytes, stem);
    const uint32_t stem_number = tg_names_add(&sheet->stems, stem, stem_bytes);
    if (*text == UINT32_MAX || stem_number == UINT32_MAX) {
        compile->is_out_of_memory = true;
        return false;
    }
    if (sheet->rates_of.size_bytes / sizeof(uint32_t) <= stem_number) {
        (void)tg_blob_extend(&sheet->rates_of, sizeof(uint32_t), 4);
    }
    (void)tg_blob_append(&sheet->stem_of, &stem_number, sizeof stem_number, 4);
    if (stem_bytes == 0) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_csv_mark(csv, field), NULL,
                    "the zone has neither letters nor digits");
    }
    return !sheet->rates_of.is_broken && !sheet->stem_of.is_broken;
}

static bool memo_find(const struct memo *memo, const struct tg_csv_field *field, int64_t *value)
{
    if (memo->text_bytes != field->text_bytes ||
        memcmp(memo->text, field->text, field->text_bytes) != 0) {
        return false;
    }
    *value = memo->value;
    return true;
}

static void memo_keep(struct memo *memo, const struct tg_csv_field *field, int64_t value)
{
    if (field->text_bytes <= sizeof memo->text) {
        memo->value = value;
        memo->text_bytes = (uint32_t)field->text_bytes;
        memcpy(memo->text, field->text, field->text_bytes);
    }
}

static bool money_read(struct tg_rate_sheet *sheet, const struct tg_csv *csv,
                       const int16_t *columns, enum tg_rate_column which, int64_t absent,
                       int64_t *amount)
{
    const int16_t column = columns[which];
    struct memo *memo = &sheet->memos[which];
    *amount = absent;
    if (column < 0 || csv->fields[column].text_bytes == 0) {
        return true;
    }
    const struct tg_csv_field *field = &csv->fields[column];
    const uint8_t scale = sheet->currency->scale;
    if (memo_find(memo, field, amount)) {
        return true;
    }
    const enum tg_err err = tg_money_parse(field->text, field->text_bytes, scale, amount);
    if (err == TG_OK) {
        memo_keep(memo, field, *amount);
        return true;
    }
    tg_diag_add(sheet->compile->diag, TG_DIAG_ERROR, tg_csv_mark(csv, field), NULL,
                err == TG_E_SYNTAX    ? "\"%.*s\" is no amount of money (%u decimals at most)"
                : err == TG_E_INVALID ? "\"%.*s\" has more than %u decimals"
                                      : "\"%.*s\" is too large at %u decimals",
                (int)(field->text_bytes < 64 ? field->text_bytes : 64), field->text, scale);
    return false;
}

static bool units_read(struct tg_rate_sheet *sheet, const struct tg_csv *csv,
                       const int16_t *columns, enum tg_rate_column which, uint64_t absent,
                       int64_t least, int64_t *count)
{
    const int16_t column = columns[which];
    struct memo *memo = &sheet->memos[which];
    *count = (int64_t)absent;
    if (column < 0 || csv->fields[column].text_bytes == 0) {
        return true;
    }
    const struct tg_csv_field *field = &csv->fields[column];
    if (memo_find(memo, field, count)) {
        return true;
    }
    if (tg_scalar_integer(field->text, field->text_bytes, count) == TG_OK && *count >= least) {
        memo_keep(memo, field, *count);
        return true;
    }
    tg_diag_add(sheet->compile->diag, TG_DIAG_ERROR, tg_csv_mark(csv, field), NULL,
                least > 0 ? "\"%.*s\" is no increment: whole units from 1"
                          : "\"%.*s\" are no units: a whole number from 0",
                (int)(field->text_bytes < 64 ? field->text_bytes : 64), field->text);
    return false;
}

/* A row may be taxed otherwise than its product. */
static bool tax_read(struct tg_rate_sheet *sheet, const struct tg_csv *csv, const int16_t *columns,
                     int64_t *tax_plus)
{
    const int16_t column = columns[TG_RATE_COLUMN_TAX];
    struct memo *memo = &sheet->memos[TG_RATE_COLUMN_TAX];
    char name[TG_NAME_BYTES_MAX];
    *tax_plus = sheet->usual.tax_plus;
    if (column < 0 || csv->fields[column].text_bytes == 0) {
        return true;
    }
    const struct tg_csv_field *field = &csv->fields[column];
    if (memo_find(memo, field, tax_plus)) {
        return true;
    }
    (void)snprintf(name, sizeof name, "%.*s",
                   (int)(field->text_bytes < sizeof name ? field->text_bytes : sizeof name - 1),
                   field->text);
    const uint32_t index = tg_compile_resolve_text(sheet->compile, TG_CATALOG_TAX, "tax", name,
                                                   tg_csv_mark(csv, field));
    if (index == UINT32_MAX) {
        return false;
    }
    *tax_plus = (int64_t)index + 1;
    memo_keep(memo, field, *tax_plus);
    return true;
}

/* Selling below what the row itself says it costs; the increments are the same. */
static void buy_compare(struct tg_rate_sheet *sheet, const struct tg_csv *csv,
                        const int16_t *columns, const struct terms *terms)
{
    const struct {
        const char *name;
        int64_t price;
    } sold[] = {
        {"price", terms->price}, {"intra", terms->intra}, {"indeterminate", terms->unknown}};
    int64_t buy = 0;
    if (!money_read(sheet, csv, columns, TG_RATE_COLUMN_BUY, INT64_MIN, &buy)) {
        return;
    }
    for (size_t i = 0; i < sizeof sold / sizeof sold[0]; i++) {
        if (buy > sold[i].price) {
            tg_diag_lint(sheet->compile->diag, "sell_below_buy",
                         tg_csv_mark(csv, &csv->fields[columns[TG_RATE_COLUMN_BUY]]), NULL,
                         "sold at less than it costs: buy is above %s", sold[i].name);
            return;
        }
    }
}

/* The slot of a rate: its own, or the empty one where it would go. */
static uint32_t slot_find(const struct tg_rate_sheet *sheet, const struct known *wanted)
{
    const struct known *known = (const struct known *)(const void *)sheet->known.bytes;
    const uint32_t mask = sheet->slots_count - 1;
    uint32_t slot =
        (uint32_t)tg_key_mix((uint64_t)wanted->terms.price ^ (uint64_t)wanted->terms.first << 32,
                             ((uint64_t)wanted->text | (uint64_t)wanted->place << 32) +
                                 UINT64_C(0x9e3779b97f4a7c15)) &
        mask;
    for (; sheet->slots[slot] != 0; slot = (slot + 1) & mask) {
        const struct known *here = &known[sheet->slots[slot] - 1];
        if (here->text == wanted->text && here->place == wanted->place &&
            memcmp(&here->terms, &wanted->terms, sizeof wanted->terms) == 0) {
            break;
        }
    }
    return slot;
}

static bool slots_grow(struct tg_rate_sheet *sheet)
{
    const struct known *known = (const struct known *)(const void *)sheet->known.bytes;
    const uint32_t count = (uint32_t)(sheet->known.size_bytes / sizeof *known);
    if (count * 2 < sheet->slots_count) {
        return true;
    }
    const uint32_t wider = sheet->slots_count == 0 ? 1024 : sheet->slots_count * 2;
    uint32_t *slots = calloc(wider, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    free(sheet->slots);
    sheet->slots = slots;
    sheet->slots_count = wider;
    for (uint32_t i = 0; i < count; i++) {
        slots[slot_find(sheet, &known[i])] = i + 1;
    }
    return true;
}

/* A zone and a price of one name. */
static uint32_t price_add(struct tg_rate_sheet *sheet, const char *name, const struct known *rate,
                          int64_t price, struct tg_mark mark)
{
    struct tg_compile *compile = sheet->compile;
    const size_t length = strlen(name);
    const uint32_t zone = tg_names_add(&compile->names[TG_CATALOG_ZONE], name, length);
    const uint32_t price_id = tg_names_add(&compile->names[TG_CATALOG_PRICE], name, length);
    if (zone >= TG_DECK_NONE || price_id == UINT32_MAX) {
        compile->is_out_of_memory |= zone == UINT32_MAX || price_id == UINT32_MAX;
        tg_diag_add(compile->diag, TG_DIAG_ERROR, mark, NULL,
                    "more than 65534 zones over all versions");
        return UINT32_MAX;
    }
    const size_t wanted = ((size_t)price_id + 1) * sizeof(struct tg_compile_rate);
    if (compile->rates.size_bytes < wanted) {
        (void)tg_blob_extend(&compile->rates, wanted - compile->rates.size_bytes, 8);
    }
    if (compile->rates.is_broken) {
        compile->is_out_of_memory = true;
        return UINT32_MAX;
    }
    struct tg_compile_rate *out = (struct tg_compile_rate *)(void *)compile->rates.bytes + price_id;
    *out = sheet->usual;
    out->price = price;
    out->connect = rate->terms.connect;
    out->first = (uint64_t)rate->terms.first;
    out->next = (uint64_t)rate->terms.next;
    out->minimum = (uint64_t)rate->terms.minimum;
    out->grace = (uint64_t)rate->terms.grace;
    out->included = (uint64_t)rate->terms.included;
    out->min = rate->terms.min;
    out->max = rate->terms.max;
    out->tax_plus = (uint16_t)rate->terms.tax_plus;
    out->price_id = price_id;
    out->zone = zone;
    sheet->zones[zone / 8] |= (uint8_t)(1u << (zone % 8));
    return zone;
}

/* Zone and prices of a rate that was not there before. */
static uint32_t rate_add(struct tg_rate_sheet *sheet, const struct known *rate, struct tg_mark mark)
{
    uint32_t stem;
    memcpy(&stem, sheet->stem_of.bytes + rate->text * sizeof stem, sizeof stem);
    uint32_t *rates_of = (uint32_t *)(void *)sheet->rates_of.bytes;
    char own[160];
    char pair[256];
    const uint32_t number = ++rates_of[stem];
    (void)snprintf(own, sizeof own, number == 1 ? "%s/%s" : "%s/%s#%u", sheet->deck,
                   tg_names_text(&sheet->stems, stem), number);
    const uint32_t zone = price_add(sheet, own, rate, rate->terms.price, mark);
    uint32_t pairs[2] = {0, 0};
    bool is_fine = zone != UINT32_MAX;
    if (is_fine && rate->terms.intra != rate->terms.price) {
        (void)snprintf(pair, sizeof pair, "%s>%s", tg_names_text(&sheet->places, rate->place - 1),
                       own);
        pairs[0] = price_add(sheet, pair, rate, rate->terms.intra, mark);
        is_fine = pairs[0] != UINT32_MAX;
    }
    if (is_fine && rate->terms.unknown != rate->terms.price) {
        (void)snprintf(pair, sizeof pair, "?>%s", own);
        pairs[1] = price_add(sheet, pair, rate, rate->terms.unknown, mark);
        is_fine = pairs[1] != UINT32_MAX;
    }
    if (is_fine) {
        const uint32_t price_id =
            tg_names_find(&sheet->compile->names[TG_CATALOG_PRICE], own, strlen(own));
        struct tg_compile_rate *out =
            (struct tg_compile_rate *)(void *)sheet->compile->rates.bytes + price_id;
        memcpy(out->pairs, pairs, sizeof pairs);
    }
    return is_fine ? zone : UINT32_MAX;
}

/* Where a row's number lies, and what callers of there or of nowhere pay. */
static bool places_read(struct tg_rate_sheet *sheet, const struct tg_csv *csv,
                        const int16_t *columns, struct known *rate)
{
    struct tg_diag *diag = sheet->compile->diag;
    const int16_t place = columns[TG_RATE_COLUMN_PLACE];
    const int16_t intra = columns[TG_RATE_COLUMN_INTRA];
    const struct tg_csv_field *field = place >= 0 ? &csv->fields[place] : NULL;
    bool is_fine = money_read(sheet, csv, columns, TG_RATE_COLUMN_INTRA, rate->terms.price,
                              &rate->terms.intra);
    is_fine &= money_read(sheet, csv, columns, TG_RATE_COLUMN_UNKNOWN, rate->terms.price,
                          &rate->terms.unknown);
    if (field != NULL && field->text_bytes > 0) {
        if (field->text_bytes > ZONE_TEXT_MAX || memchr(field->text, '>', field->text_bytes)) {
            tg_diag_add(diag, TG_DIAG_ERROR, tg_csv_mark(csv, field), NULL,
                        "a jurisdiction is a zone of at most %u characters without >",
                        ZONE_TEXT_MAX);
            return false;
        }
        rate->place = tg_names_add(&sheet->places, field->text, field->text_bytes) + 1;
        sheet->compile->is_out_of_memory |= rate->place == 0;
    } else if (intra >= 0 && csv->fields[intra].text_bytes > 0) {
        tg_diag_add(diag, TG_DIAG_ERROR, tg_csv_mark(csv, &csv->fields[intra]),
                    "the column jurisdiction names where the row's numbers lie",
                    "a price within a jurisdiction, but the row has none");
        return false;
    }
    return is_fine && !sheet->compile->is_out_of_memory;
}

static bool terms_read(struct tg_rate_sheet *sheet, const struct tg_csv *csv,
                       const int16_t *columns, struct terms *terms)
{
    const struct tg_compile_rate *usual = &sheet->usual;
    const struct {
        enum tg_rate_column which;
        int64_t least;
        uint64_t absent;
        int64_t *value;
    } units[] = {
        {TG_RATE_COLUMN_FIRST, 1, usual->first, &terms->first},
        {TG_RATE_COLUMN_NEXT, 1, usual->next, &terms->next},
        {TG_RATE_COLUMN_MINIMUM, 0, usual->minimum, &terms->minimum},
        {TG_RATE_COLUMN_GRACE, 0, usual->grace, &terms->grace},
        {TG_RATE_COLUMN_INCLUDED, 0, usual->included, &terms->included},
    };
    const struct {
        enum tg_rate_column which;
        int64_t absent;
        int64_t *value;
    } money[] = {
        {TG_RATE_COLUMN_PRICE, 0, &terms->price},
        {TG_RATE_COLUMN_CONNECT, usual->connect, &terms->connect},
        {TG_RATE_COLUMN_MIN, usual->min, &terms->min},
        {TG_RATE_COLUMN_MAX, usual->max, &terms->max},
    };
    bool is_fine = tax_read(sheet, csv, columns, &terms->tax_plus);
    for (unsigned i = 0; i < sizeof units / sizeof units[0]; i++) {
        is_fine &= units_read(sheet, csv, columns, units[i].which, units[i].absent, units[i].least,
                              units[i].value);
    }
    for (unsigned i = 0; i < sizeof money / sizeof money[0]; i++) {
        is_fine &= money_read(sheet, csv, columns, money[i].which, money[i].absent, money[i].value);
    }
    if (is_fine && terms->min > terms->max) {
        tg_diag_add(sheet->compile->diag, TG_DIAG_ERROR, tg_csv_mark(csv, &csv->fields[0]), NULL,
                    "min is above max");
        is_fine = false;
    }
    return is_fine;
}

uint32_t tg_rate_sheet_row(struct tg_rate_sheet *sheet, const struct tg_csv *csv,
                           const struct tg_csv_field *zone, const int16_t *columns)
{
    struct known rate = {0};
    const struct tg_csv_field *price = &csv->fields[columns[TG_RATE_COLUMN_PRICE]];
    bool is_fine = text_number(sheet, csv, zone, &rate.text);
    is_fine &= terms_read(sheet, csv, columns, &rate.terms);
    if (price->text_bytes == 0) {
        tg_diag_add(sheet->compile->diag, TG_DIAG_ERROR, tg_csv_mark(csv, price), NULL,
                    "the row has no price");
        return UINT32_MAX;
    }
    if (!places_read(sheet, csv, columns, &rate) || !is_fine) {
        return UINT32_MAX;
    }
    buy_compare(sheet, csv, columns, &rate.terms);
    if (!slots_grow(sheet)) {
        sheet->compile->is_out_of_memory = true;
        return UINT32_MAX;
    }
    const uint32_t slot = slot_find(sheet, &rate);
    if (sheet->slots[slot] != 0) {
        return ((const struct known *)(const void *)sheet->known.bytes)[sheet->slots[slot] - 1]
            .zone;
    }
    rate.zone = rate_add(sheet, &rate, tg_csv_mark(csv, zone));
    if (rate.zone == UINT32_MAX) {
        return UINT32_MAX;
    }
    (void)tg_blob_append(&sheet->known, &rate, sizeof rate, 8);
    sheet->slots[slot] = (uint32_t)(sheet->known.size_bytes / sizeof rate);
    sheet->compile->is_out_of_memory |= sheet->known.is_broken;
    return rate.zone;
}
