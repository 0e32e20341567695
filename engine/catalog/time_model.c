/* SPDX-License-Identifier: Apache-2.0 */
/* Time models: wall-clock rules of a zone become the UTC instants at which the band changes.
 *
 * Expanding once, at import, keeps the tz database out of the engine: the rules of summer time are
 * frozen into the version, and its hash says which tz data they came from. A boundary inside a gap
 * becomes the first instant behind it, an ambiguous one its first occurrence (rating-semantics
 * 4.4). */
#include "base/clock.h"
#include "base/hash.h"
#include "catalog/compile.h"
#include "catalog/keys.h"
#include "doc/schema.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ZONE_FOLDER     "/usr/share/zoneinfo"
#define ZONE_BYTES_MAX  262144
#define RULES_MAX       100u
#define BANDS_MAX       64u
#define DAYS_BEFORE     400  /* late events of the version before */
#define DAYS_AFTER      3660 /* ten years; an import renews it */
#define MINUTES_PER_DAY 1440u

/* UTC offsets of a zone: offsets[i] holds from transitions[i] on; before the first, offsets[0]. */
struct tz {
    int64_t *transitions_s;
    int32_t *offsets_s;
    uint32_t count;
    uint32_t hash;
};

struct rule {
    uint32_t band;
    uint32_t days_mask; /* bit 0 Monday */
    uint32_t from_minute;
    uint32_t to_minute;
};

struct model {
    struct tg_compile *compile;
    const struct tg_yaml_node *node;
    const char *bands[BANDS_MAX];
    uint32_t bands_count;
    struct rule rules[RULES_MAX];
    uint32_t rules_count;
    const struct tg_yaml_node *holidays;
    uint32_t holiday_band;
    struct tz tz;
};

static uint64_t be_read(const uint8_t *at, unsigned count)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

static void tz_free(struct tz *tz)
{
    free(tz->transitions_s);
    free(tz->offsets_s);
    *tz = (struct tz){0};
}

/* The 64-bit block of a TZif file, RFC 8536 section 3. */
static bool tz_parse(const uint8_t *bytes, size_t size_bytes, struct tz *tz)
{
    if (size_bytes < 44 || memcmp(bytes, "TZif", 4) != 0 || bytes[4] < '2') {
        return false;
    }
    uint64_t counts[6]; /* isut, isstd, leap, time, type, char */
    for (unsigned i = 0; i < 6; i++) {
        counts[i] = be_read(bytes + 20 + 4 * i, 4);
    }
    const uint64_t skip =
        44 + counts[3] * 5 + counts[4] * 6 + counts[5] + counts[2] * 8 + counts[1] + counts[0];
    if (skip + 44 > size_bytes) {
        return false;
    }
    const uint8_t *at = bytes + skip;
    for (unsigned i = 0; i < 6; i++) {
        counts[i] = be_read(at + 20 + 4 * i, 4);
    }
    const uint64_t times = counts[3];
    const uint64_t types = counts[4];
    if (memcmp(at, "TZif", 4) != 0 || types == 0 || times > 10000 || types > 256 ||
        skip + 44 + times * 9 + types * 6 > size_bytes) {
        return false;
    }
    at += 44;
    const uint8_t *indexes = at + times * 8;
    const uint8_t *infos = indexes + times;
    tz->count = (uint32_t)times + 1;
    tz->transitions_s = calloc(tz->count, sizeof *tz->transitions_s);
    tz->offsets_s = calloc(tz->count, sizeof *tz->offsets_s);
    if (tz->transitions_s == NULL || tz->offsets_s == NULL) {
        return false;
    }
    tz->transitions_s[0] = INT64_MIN / 4;
    tz->offsets_s[0] = (int32_t)be_read(infos, 4);
    for (uint64_t i = 0; i < times; i++) {
        tz->transitions_s[i + 1] = (int64_t)be_read(at + i * 8, 8);
        tz->offsets_s[i + 1] =
            (int32_t)be_read(infos + (uint64_t)(indexes[i] < types ? indexes[i] : 0) * 6, 4);
    }
    return true;
}

static bool tz_load(const char *zone, struct tz *tz)
{
    *tz = (struct tz){0};
    char path[160];
    if (zone[0] == '/' || strstr(zone, "..") != NULL) {
        return false;
    }
    (void)snprintf(path, sizeof path, "%s/%s", ZONE_FOLDER, zone);
    const int fd = open(strcmp(zone, "UTC") == 0 ? "/dev/null" : path, O_RDONLY | O_CLOEXEC);
    uint8_t *bytes = malloc(ZONE_BYTES_MAX);
    const ssize_t got = fd >= 0 && bytes != NULL ? read(fd, bytes, ZONE_BYTES_MAX) : -1;
    bool is_fine = false;
    if (strcmp(zone, "UTC") == 0) { /* needs no tz data to be installed */
        tz->count = 1;
        tz->transitions_s = calloc(1, sizeof *tz->transitions_s);
        tz->offsets_s = calloc(1, sizeof *tz->offsets_s);
        is_fine = tz->transitions_s != NULL && tz->offsets_s != NULL;
        if (is_fine) {
            tz->transitions_s[0] = INT64_MIN / 4;
        }
    } else if (got > 0) {
        is_fine = tz_parse(bytes, (size_t)got, tz);
        tz->hash = tg_crc32c(0, bytes, (size_t)got);
    }
    (void)(fd >= 0 ? close(fd) : 0);
    free(bytes);
    if (!is_fine) {
        tz_free(tz);
    }
    return is_fine;
}

/* First instant whose wall time is at or after the given one. */
static int64_t tz_to_utc_s(const struct tz *tz, int64_t wall_s)
{
    for (uint32_t i = 0; i < tz->count; i++) {
        const int64_t utc_s = wall_s - tz->offsets_s[i];
        const bool is_last = i + 1 == tz->count;
        if (is_last || utc_s < tz->transitions_s[i + 1]) {
            /* In a gap the wall time lies before this stretch begins: its beginning it is. */
            return utc_s < tz->transitions_s[i] ? tz->transitions_s[i] : utc_s;
        }
    }
    return wall_s;
}

static uint32_t band_number(struct model *model, const char *name)
{
    for (uint32_t i = 0; i < model->bands_count; i++) {
        if (strcmp(model->bands[i], name) == 0) {
            return i;
        }
    }
    if (model->bands_count == BANDS_MAX) {
        return 0; /* the rule count bounds it; never reached with RULES_MAX rules of few bands */
    }
    model->bands[model->bands_count] = name;
    return model->bands_count++;
}

static bool minute_read(struct tg_compile *compile, const struct tg_yaml_node *rule,
                        const char *key, uint32_t *minute)
{
    const char *text = tg_schema_text(&tg_catalog_band_keys, rule, key);
    const bool has_form = strlen(text) == 5 && text[2] == ':' && strspn(text, "0123456789") == 2 &&
                          strspn(text + 3, "0123456789") == 2;
    const uint32_t value = has_form ? (uint32_t)((text[0] - '0') * 600 + (text[1] - '0') * 60 +
                                                 (text[3] - '0') * 10 + (text[4] - '0'))
                                    : UINT32_MAX;
    if (!has_form || value > MINUTES_PER_DAY || text[3] > '5') {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(rule, key)->mark,
                    "write \"08:00\"; \"24:00\" is the end of the day",
                    "%s: \"%.16s\" is no wall time", key, text);
        return false;
    }
    *minute = value;
    return true;
}

static void rules_read(struct model *model)
{
    static const uint32_t masks[] = {0x7f, 0x1f, 0x60, 1, 2, 4, 8, 16, 32, 64};
    struct tg_diag *diag = model->compile->diag;
    const struct tg_yaml_node *list = tg_yaml_get(model->node, "bands");
    const struct tg_yaml_node *rule = list != NULL ? list->child : NULL;
    for (; rule != NULL && model->rules_count < RULES_MAX; rule = rule->next) {
        const char *band = tg_schema_text(&tg_catalog_band_keys, rule, "band");
        struct rule out = {0};
        if (rule->kind != TG_YAML_MAP || band == NULL ||
            !minute_read(model->compile, rule, "from", &out.from_minute) ||
            !minute_read(model->compile, rule, "to", &out.to_minute)) {
            continue;
        }
        if (out.from_minute >= out.to_minute) {
            tg_diag_add(diag, TG_DIAG_ERROR, rule->mark, "use two rules for a band across midnight",
                        "to is not after from");
            continue;
        }
        out.band = band_number(model, band);
        out.days_mask = masks[tg_schema_number(&tg_catalog_band_keys, rule, "days")];
        model->rules[model->rules_count++] = out;
    }
    model->holidays = tg_yaml_get(tg_yaml_get(model->node, "holidays"), "dates");
    const char *band =
        model->holidays != NULL
            ? tg_schema_text(&tg_catalog_holiday_keys, tg_yaml_get(model->node, "holidays"), "band")
            : NULL;
    model->holiday_band = band != NULL ? band_number(model, band) : UINT32_MAX;
}

static bool is_holiday(const struct model *model, int64_t day)
{
    const struct tg_yaml_node *date = model->holidays != NULL ? model->holidays->child : NULL;
    for (; date != NULL; date = date->next) {
        int64_t at_ns = 0;
        if (tg_clock_parse(date->text, date->text_bytes, &at_ns) == TG_OK &&
            at_ns / TG_NS_PER_DAY == day) {
            return true;
        }
    }
    return false;
}

static uint32_t band_at(const struct model *model, uint32_t weekday, uint32_t minute)
{
    for (uint32_t i = 0; i < model->rules_count; i++) {
        const struct rule *rule = &model->rules[i];
        if (((rule->days_mask >> weekday) & 1u) != 0 && minute >= rule->from_minute &&
            minute < rule->to_minute) {
            return rule->band;
        }
    }
    return 0; /* the default band is number 0 */
}

static void switch_add(struct tg_blob *out, int64_t from_ns, uint32_t band)
{
    const size_t size_bytes = sizeof(struct tg_band_switch);
    struct tg_band_switch *last =
        out->size_bytes >= size_bytes
            ? (struct tg_band_switch *)(void *)(out->bytes + out->size_bytes - size_bytes)
            : NULL;
    if (last != NULL && last->from_ns >= from_ns) {
        last->band = band; /* boundaries inside a gap fall together: the last one holds */
        return;
    }
    if (last == NULL || last->band != band) {
        const struct tg_band_switch next = {.from_ns = from_ns, .band = band};
        (void)tg_blob_append(out, &next, size_bytes, 8);
    }
}

/* One local day: a switch wherever the band of a minute differs from that of the one before. */
static void day_expand(const struct model *model, int64_t day, struct tg_blob *out)
{
    const uint32_t weekday = (uint32_t)(((day + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    const bool holiday = model->holiday_band != UINT32_MAX && is_holiday(model, day);
    uint32_t before = UINT32_MAX;
    for (uint32_t minute = 0; minute < MINUTES_PER_DAY;) {
        const uint32_t band = holiday ? model->holiday_band : band_at(model, weekday, minute);
        if (band != before) {
            const int64_t wall_s = day * 86400 + (int64_t)minute * 60;
            switch_add(out, tz_to_utc_s(&model->tz, wall_s) * TG_NS_PER_S, band);
            before = band;
        }
        uint32_t next = MINUTES_PER_DAY;
        for (uint32_t i = 0; !holiday && i < model->rules_count; i++) {
            const struct rule *rule = &model->rules[i];
            next =
                rule->from_minute > minute && rule->from_minute < next ? rule->from_minute : next;
            next = rule->to_minute > minute && rule->to_minute < next ? rule->to_minute : next;
        }
        minute = next;
    }
}

static struct tg_time_model model_compile(struct model *model)
{
    struct tg_compile *compile = model->compile;
    struct tg_time_model out = {.bands_count = 1};
    const char *zone = tg_schema_text(&tg_catalog_time_model_keys, model->node, "zone");
    const char *first = tg_schema_text(&tg_catalog_time_model_keys, model->node, "default");
    (void)band_number(model, first != NULL ? first : "default");
    rules_read(model);
    const bool has_zone = tz_load(zone, &model->tz);
    if (!has_zone) {
        const struct tg_yaml_node *written = tg_yaml_get(model->node, "zone");
        tg_diag_add(compile->diag, TG_DIAG_ERROR,
                    written != NULL ? written->mark : model->node->key_mark,
                    "use an IANA zone such as Europe/Berlin; the tzdata package must be installed",
                    "zone: there is no time zone \"%.64s\"", zone);
    }
    struct tg_blob switches = {0};
    const int64_t valid_day = compile->head.valid_from_ns / TG_NS_PER_DAY;
    for (int64_t day = valid_day - DAYS_BEFORE;
         has_zone && model->bands_count > 1 && day <= valid_day + DAYS_AFTER; day++) {
        day_expand(model, day, &switches);
    }
    if (model->bands_count > 1) {
        const int64_t end_ns = (valid_day + DAYS_AFTER) * TG_NS_PER_DAY;
        compile->head.built_for_ns =
            end_ns < compile->head.built_for_ns ? end_ns : compile->head.built_for_ns;
    }
    uint32_t names[BANDS_MAX];
    for (uint32_t i = 0; i < model->bands_count; i++) {
        names[i] = tg_compile_text(compile, model->bands[i]);
    }
    out.switches_count = (uint32_t)(switches.size_bytes / sizeof(struct tg_band_switch));
    out.switches_offset = (uint32_t)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_SWITCHES],
                                                   switches.bytes, switches.size_bytes, 8);
    out.bands_count = (uint16_t)model->bands_count;
    out.band_names_offset = (uint32_t)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_DECK_DATA],
                                                     names, model->bands_count * 4, 8);
    out.zone_name_offset = tg_compile_text(compile, zone);
    out.tz_hash = model->tz.hash;
    compile->is_out_of_memory |= switches.is_broken;
    tg_blob_free(&switches);
    tz_free(&model->tz);
    return out;
}

void tg_compile_zone_offsets(struct tg_compile *compile, const struct tg_yaml_node *node,
                             struct tg_blob *out)
{
    struct tz tz;
    if (!tz_load(node->text, &tz)) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->mark,
                    "use an IANA zone such as Europe/Berlin; the tzdata package must be installed",
                    "%s: there is no time zone \"%.64s\"", node->key, node->text);
        return;
    }
    const int64_t first_s =
        compile->head.valid_from_ns / TG_NS_PER_S - (int64_t)DAYS_BEFORE * 86400;
    for (uint32_t i = 0; i < tz.count; i++) {
        const bool is_past = i + 1 < tz.count && tz.transitions_s[i + 1] <= first_s;
        if (is_past || tz.transitions_s[i] > INT64_MAX / TG_NS_PER_S) {
            continue;
        }
        const struct tg_zone_offset offset = {
            .from_ns = out->size_bytes == 0 ? INT64_MIN : tz.transitions_s[i] * TG_NS_PER_S,
            .offset_ns = (int64_t)tz.offsets_s[i] * TG_NS_PER_S};
        (void)tg_blob_append(out, &offset, sizeof offset, 8);
    }
    tz_free(&tz);
}

void tg_compile_time_models(struct tg_compile *compile)
{
    for (uint32_t i = 0; i < compile->names[TG_CATALOG_TIME_MODEL].count; i++) {
        const struct tg_yaml_node *node = tg_compile_node(compile, TG_CATALOG_TIME_MODEL, i);
        struct tg_time_model out = {.bands_count = 1};
        struct model *model = calloc(1, sizeof *model);
        if (model == NULL) {
            compile->is_out_of_memory = true;
            return;
        }
        model->compile = compile;
        model->node = node;
        if (node != NULL && node->kind == TG_YAML_MAP) {
            out = model_compile(model);
        } else { /* refused by the schema; plans that name it still look at its one band */
            out.band_names_offset = (uint32_t)tg_blob_extend(
                &compile->sections[TG_IMAGE_SECTION_DECK_DATA], sizeof(uint32_t), 8);
        }
        free(model);
        (void)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_TIME_MODELS], &out, sizeof out, 8);
    }
}
