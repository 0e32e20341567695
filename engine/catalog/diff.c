/* SPDX-License-Identifier: Apache-2.0 */
/* What changed between two images, by name: numbers are compared as a pricing person reads them. */
#include "catalog/diff.h"

#include "base/clock.h"
#include "base/money.h"
#include "catalog/catalog.h"
#include "catalog/keys.h"
#include "doc/json.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 20 digits, a point and the 30 decimals of 2^-30. */
#define UNITS_TEXT_BYTES 56u

void tg_diff_add(struct tg_diff *diff, const struct tg_diff_item *item, const char *field,
                 const char *from, const char *to)
{
    struct tg_json *json = tg_json_object();
    tg_json_set_string(json, "kind", item->kind);
    tg_json_set_string(json, "name", item->name);
    tg_json_set_string(json, "change", from == NULL ? "added" : to == NULL ? "removed" : "changed");
    if (field != NULL) {
        tg_json_set_string(json, "field", field);
        tg_json_set_string(json, "from", from);
        tg_json_set_string(json, "to", to);
    }
    tg_json_append(diff->list, json);
}

bool tg_diff_presence(struct tg_diff *diff, const struct tg_diff_item *item, bool was, bool is)
{
    if (was != is) {
        tg_diff_add(diff, item, NULL, was ? "" : NULL, is ? "" : NULL);
    }
    return !was || !is;
}

void tg_diff_text(struct tg_diff *diff, const struct tg_diff_item *item, const char *field,
                  const char *from, const char *to)
{
    if (strcmp(from, to) != 0) {
        tg_diff_add(diff, item, field, from[0] != '\0' ? from : "none",
                    to[0] != '\0' ? to : "none");
    }
}

void tg_diff_number(struct tg_diff *diff, const struct tg_diff_item *item, const char *field,
                    uint64_t from, uint64_t to)
{
    char left[32] = "none";
    char right[32] = "none";
    if (from != UINT64_MAX) {
        (void)snprintf(left, sizeof left, "%" PRIu64, from);
    }
    if (to != UINT64_MAX) {
        (void)snprintf(right, sizeof right, "%" PRIu64, to);
    }
    tg_diff_text(diff, item, field, left, right);
}

/* Base quantity as a decimal number of units; it was written as one, so it ends. */
static void units_text(uint64_t base, uint8_t unit, char text[UNITS_TEXT_BYTES])
{
    const uint64_t unit_base_count = tg_unit_base_count(unit);
    if (base == UINT64_MAX) {
        (void)snprintf(text, UNITS_TEXT_BYTES, "none");
        return;
    }
    size_t length = (size_t)snprintf(text, UNITS_TEXT_BYTES, "%" PRIu64, base / unit_base_count);
    uint64_t rest = base % unit_base_count;
    if (rest != 0) {
        text[length++] = '.';
    }
    while (rest != 0 && length + 1 < UNITS_TEXT_BYTES) {
        text[length++] = (char)('0' + rest * 10 / unit_base_count);
        rest = rest * 10 % unit_base_count;
    }
    text[length] = '\0';
}

static void units_diff(struct tg_diff *diff, const struct tg_diff_item *item, const char *field,
                       uint64_t from, uint64_t to)
{
    char left[UNITS_TEXT_BYTES];
    char right[UNITS_TEXT_BYTES];
    units_text(from, diff->unit_before, left);
    units_text(to, diff->unit_after, right);
    tg_diff_text(diff, item, field, left, right);
}

void tg_diff_money_text(int64_t amount, uint8_t scale, char *text)
{
    (void)snprintf(text, TG_MONEY_TEXT_BYTES, "none");
    if (amount != INT64_MIN && amount != INT64_MAX) {
        (void)tg_money_format(amount, scale, (uint8_t)(scale - TG_MONEY_EXTRA_DECIMALS), text);
    }
}

void tg_diff_money(struct tg_diff *diff, const struct tg_diff_item *item, const char *field,
                   int64_t from, int64_t to)
{
    char left[TG_MONEY_TEXT_BYTES];
    char right[TG_MONEY_TEXT_BYTES];
    tg_diff_money_text(from, diff->scale_before, left);
    tg_diff_money_text(to, diff->scale_after, right);
    tg_diff_text(diff, item, field, left, right);
}

void tg_diff_time(struct tg_diff *diff, const struct tg_diff_item *item, const char *field,
                  int64_t from_ns, int64_t to_ns)
{
    char left[TG_CLOCK_TEXT_BYTES] = "open";
    char right[TG_CLOCK_TEXT_BYTES] = "open";
    if (from_ns != INT64_MAX) {
        (void)tg_clock_format(from_ns, left);
    }
    if (to_ns != INT64_MAX) {
        (void)tg_clock_format(to_ns, right);
    }
    tg_diff_text(diff, item, field, left, right);
}

static uint64_t field_read(const struct tg_diff_field *field, const void *of)
{
    const char *at = (const char *)of + field->offset;
    uint8_t small = 0;
    uint16_t half = 0;
    uint32_t word = 0;
    uint64_t whole = 0;
    switch (field->size_bytes) {
    case 1:
        memcpy(&small, at, 1);
        return small;
    case 2:
        memcpy(&half, at, 2);
        return half;
    case 4:
        memcpy(&word, at, 4);
        return word;
    default:
        memcpy(&whole, at, 8);
        return whole;
    }
}

/* Name of an option's value as documents write it; its number where the schema has none. */
static const char *enum_text(const struct tg_schema *keys, const char *key, uint64_t value,
                             char room[32])
{
    for (uint32_t i = 0; i < keys->keys_count; i++) {
        const struct tg_schema_key *known = &keys->keys[i];
        if (strcmp(known->key, key) != 0) {
            continue;
        }
        if (known->type == TG_TYPE_BOOL) {
            return value != 0 ? "true" : "false";
        }
        for (uint64_t n = 0; known->names != NULL && known->names[n] != NULL; n++) {
            if (n == value) {
                return known->names[n];
            }
        }
    }
    (void)snprintf(room, 32, "%" PRIu64, value);
    return room;
}

void tg_diff_fields(struct tg_diff *diff, const struct tg_diff_item *item,
                    const struct tg_schema *keys, const struct tg_diff_field *fields,
                    size_t fields_count, const void *was, const void *is)
{
    char left[32];
    char right[32];
    for (size_t i = 0; i < fields_count; i++) {
        const struct tg_diff_field *field = &fields[i];
        const uint64_t from = field_read(field, was);
        const uint64_t to = field_read(field, is);
        switch (field->how) {
        case TG_DIFF_MONEY:
            tg_diff_money(diff, item, field->key, (int64_t)from, (int64_t)to);
            break;
        case TG_DIFF_ENUM:
            tg_diff_text(diff, item, field->key, enum_text(keys, field->key, from, left),
                         enum_text(keys, field->key, to, right));
            break;
        case TG_DIFF_ROUNDING:
            tg_diff_text(diff, item, field->key, tg_rounding_name((uint8_t)from),
                         tg_rounding_name((uint8_t)to));
            break;
        case TG_DIFF_TEXT:
            tg_diff_text(diff, item, field->key, tg_image_text(diff->before, (uint32_t)from),
                         tg_image_text(diff->after, (uint32_t)to));
            break;
        case TG_DIFF_UNITS:
            units_diff(diff, item, field->key, from, to);
            break;
        default:
            tg_diff_number(diff, item, field->key, from, to);
            break;
        }
    }
}

/* A name and whose it is, while the sides are matched. */
struct named {
    const char *name;
    uint32_t index;
};

static int named_compare(const void *a, const void *b)
{
    const struct named *left = a;
    const struct named *right = b;
    const int order = strcmp(left->name, right->name);
    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

static struct named *names_sort(const struct tg_image *image, enum tg_catalog_kind kind,
                                uint32_t count)
{
    struct named *names = calloc((size_t)count + 1, sizeof *names);
    for (uint32_t i = 0; names != NULL && i < count; i++) {
        names[i] = (struct named){tg_image_name(image, kind, i), i};
    }
    if (names != NULL) {
        qsort(names, count, sizeof *names, named_compare);
    }
    return names;
}

/* Matches a kind's names; removed ones are told to `each` at once when it is given. */
static bool kind_match(struct tg_diff *diff, enum tg_catalog_kind kind, const char *kind_name,
                       void (*each)(struct tg_diff *diff, const struct tg_diff_item *item))
{
    const uint32_t was_count = diff->before != NULL ? tg_image_count(diff->before, kind) : 0;
    const uint32_t count = tg_image_count(diff->after, kind);
    struct named *was = names_sort(diff->before, kind, was_count);
    struct named *is = names_sort(diff->after, kind, count);
    uint32_t *before_of = calloc((size_t)count + 1, sizeof *before_of);
    const bool has_memory = was != NULL && is != NULL && before_of != NULL;
    uint32_t w = 0;
    uint32_t i = 0;
    while (has_memory && (w < was_count || i < count)) {
        const int order = w == was_count ? 1 : i == count ? -1 : strcmp(was[w].name, is[i].name);
        if (order >= 0) {
            before_of[is[i].index] = order == 0 ? was[w].index : UINT32_MAX;
            i++;
        } else if (each != NULL && was[w].name[0] != '\0') {
            each(diff, &(struct tg_diff_item){kind_name, was[w].name, was[w].index, UINT32_MAX});
        }
        w += order <= 0;
    }
    free(was);
    free(is);
    free(diff->before_of[kind]);
    diff->before_of[kind] = has_memory ? before_of : NULL;
    if (!has_memory) {
        free(before_of);
    }
    return has_memory;
}

static bool kind_diff(struct tg_diff *diff, enum tg_catalog_kind kind, const char *kind_name,
                      void (*each)(struct tg_diff *diff, const struct tg_diff_item *item))
{
    if (!kind_match(diff, kind, kind_name, each)) {
        return false;
    }
    for (uint32_t i = 0; i < tg_image_count(diff->after, kind); i++) {
        const char *name = tg_image_name(diff->after, kind, i);
        if (name[0] != '\0') {
            each(diff, &(struct tg_diff_item){kind_name, name, diff->before_of[kind][i], i});
        }
    }
    return true;
}

/* Is it one of the entries, each ended by a blank or the end? */
static bool word_is_there(const char *text, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        if ((at == text || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

void tg_diff_word(struct tg_diff_words *words, const char *word)
{
    static const char more[] = " ...";
    const size_t length = strlen(word);
    if (words->is_cut || word_is_there(words->text, word)) {
        return;
    }
    if (words->length + length + sizeof more + 1 > sizeof words->text) {
        words->is_cut = true;
        memcpy(words->text + words->length, more, sizeof more);
        return;
    }
    words->length +=
        (size_t)snprintf(words->text + words->length, sizeof words->text - words->length, "%s%s",
                         words->length > 0 ? " " : "", word);
}

/* IANA names of the zones that accounts may be in; the first is that of all others. */
static void zones_text(const struct tg_image *image, uint32_t from, uint32_t to, char *text,
                       size_t text_bytes)
{
    const struct tg_account_zone *zones =
        (const struct tg_account_zone *)tg_image_section(image, TG_IMAGE_SECTION_ACCOUNT_ZONES);
    const uint32_t count = image->sections[TG_IMAGE_SECTION_ACCOUNT_ZONES].count;
    size_t length = 0;
    text[0] = '\0';
    for (uint32_t i = from; i < count && i < to && length < text_bytes; i++) {
        const char *name =
            zones[i].name_offset != 0 ? tg_image_text(image, zones[i].name_offset) : "UTC";
        const int added =
            snprintf(text + length, text_bytes - length, "%s%s", length > 0 ? " " : "", name);
        length += added > 0 ? (size_t)added : 0;
    }
}

/* The head of both: what holds for all of the catalog. */
static void head_diff(struct tg_diff *diff)
{
    static const struct tg_diff_field fields[] = {
        TG_DIFF_FIELD(tg_image, rounding_rate, "rounding.rate", TG_DIFF_ROUNDING),
        TG_DIFF_FIELD(tg_image, rounding_tax, "rounding.tax", TG_DIFF_ROUNDING),
        TG_DIFF_FIELD(tg_image, rounding_bill, "rounding.bill", TG_DIFF_ROUNDING),
        TG_DIFF_FIELD(tg_image, rounding_exchange, "rounding.exchange", TG_DIFF_ROUNDING),
        TG_DIFF_FIELD(tg_image, tzdata_offset, "tzdata", TG_DIFF_TEXT)};
    const struct tg_diff_item item = {"catalog", "catalog", 0, 0};
    const struct tg_image *was = diff->before;
    const struct tg_image *is = diff->after;
    char left[TG_ACCOUNT_ZONES_MAX * 64];
    char right[TG_ACCOUNT_ZONES_MAX * 64];
    tg_diff_fields(diff, &item, &tg_catalog_head_keys, fields, sizeof fields / sizeof fields[0],
                   was, is);
    tg_diff_text(diff, &item, "currency", tg_currency_by_numeric(was->currency)->code,
                 tg_currency_by_numeric(is->currency)->code);
    tg_diff_number(diff, &item, "rating_digits", TG_RATING_DIGITS - was->rating_exponent,
                   TG_RATING_DIGITS - is->rating_exponent);
    zones_text(was, 0, 1, left, sizeof left);
    zones_text(is, 0, 1, right, sizeof right);
    tg_diff_text(diff, &item, "period_zone", left[0] != '\0' ? left : "UTC",
                 right[0] != '\0' ? right : "UTC");
    zones_text(was, 1, TG_ACCOUNT_ZONES_MAX, left, sizeof left);
    zones_text(is, 1, TG_ACCOUNT_ZONES_MAX, right, sizeof right);
    tg_diff_text(diff, &item, "account_zones", left, right);
    tg_diff_billing(diff);
}

struct tg_json *tg_catalog_diff(const struct tg_image *before, const struct tg_image *after)
{
    static const struct {
        enum tg_catalog_kind kind;
        const char *name;
        void (*each)(struct tg_diff *diff, const struct tg_diff_item *item);
    } kinds[] = {{TG_CATALOG_TAX, "tax", tg_diff_tax},
                 {TG_CATALOG_COUNTER, "counter", tg_diff_counter},
                 {TG_CATALOG_PRICE, "price", tg_diff_price},
                 {TG_CATALOG_ALLOWANCE, "allowance", tg_diff_allowance},
                 {TG_CATALOG_DECK, "deck", tg_diff_deck},
                 {TG_CATALOG_TIME_MODEL, "time_model", tg_diff_time_model},
                 {TG_CATALOG_NETWORK, "network", tg_diff_network},
                 {TG_CATALOG_SITE, "site", tg_diff_site},
                 {TG_CATALOG_CAUSES, "causes", tg_diff_causes},
                 {TG_CATALOG_PLAN, "plan", tg_diff_plan},
                 {TG_CATALOG_PRODUCT, "product", tg_diff_product},
                 {TG_CATALOG_EXCHANGE, "exchange_rate", tg_diff_exchange},
                 {TG_CATALOG_CASH, "cash_rounding", tg_diff_cash},
                 {TG_CATALOG_ENTITY, "legal_entity", tg_diff_entity},
                 {TG_CATALOG_SPEND_LIMIT, "spend_limit", tg_diff_limit}};
    struct tg_diff diff = {.before = before,
                           .after = after,
                           .list = tg_json_list(),
                           .scale_before = before != NULL ? before->scale : after->scale,
                           .scale_after = after->scale};
    bool has_memory = diff.list != NULL && kind_match(&diff, TG_CATALOG_ZONE, "zone", NULL);
    if (has_memory && before != NULL) {
        head_diff(&diff);
    }
    for (size_t i = 0; has_memory && i < sizeof kinds / sizeof kinds[0]; i++) {
        has_memory = kind_diff(&diff, kinds[i].kind, kinds[i].name, kinds[i].each);
    }
    for (size_t i = 0; i < TG_CATALOG_KINDS_COUNT; i++) {
        free(diff.before_of[i]);
    }
    if (!has_memory) {
        tg_json_free(diff.list);
        diff.list = NULL;
    }
    return diff.list;
}
