/* SPDX-License-Identifier: Apache-2.0 */
/* Time models: wall-clock rules of a zone become the UTC instants at which the band changes.
 *
 * Expanding once, at import, keeps the tz database out of the engine: the rules of summer time are
 * frozen into the version, and its hash says which tz data they came from. A boundary inside a gap
 * becomes the first instant behind it, an ambiguous one its first occurrence, or its second when
 * the model says so (rating-semantics 4.4). */
#include "abi/key.h"
#include "base/clock.h"
#include "base/hash.h"
#include "catalog/band_days.h"
#include "catalog/compile.h"
#include "catalog/keys.h"
#include "doc/schema.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ZONE_FOLDER    "/usr/share/zoneinfo"
#define ZONE_BYTES_MAX 262144
#define RULES_MAX      100u
#define BANDS_MAX      64u
#define WEEK_MASK      0x7fu
#define MONTH_MASK     0xfffffffeu
#define DAYS_BEFORE    400  /* late events of the version before */
#define DAYS_AFTER     3660 /* ten years; an import renews it */

/* UTC offsets of a zone: offsets[i] holds from transitions[i] on; before the first, offsets[0]. */
struct tz {
    int64_t *transitions_s;
    int32_t *offsets_s;
    uint32_t count;
    uint32_t hash;
};

/* The more specific rule of two wins (rating-semantics 4.4). */
enum level { LEVEL_WEEKDAY, LEVEL_MONTH_DAY, LEVEL_SPECIAL_DAY };

/* The night belongs to the day on which it begins: from_second is behind to_second then. */
struct rule {
    uint32_t band;
    uint32_t from_second;
    uint32_t to_second;
    enum level level;
    int64_t weight;
    struct tg_band_days days;
};

struct model {
    struct tg_compile *compile;
    const struct tg_yaml_node *node;
    const char *bands[BANDS_MAX];
    uint32_t bands_count;
    struct rule rules[RULES_MAX + 1]; /* and holidays; the first that matches wins */
    uint32_t rules_count;
    struct tg_blob spans; /* of the rules' days */
    bool is_second;       /* of a repeated hour the second pass has the boundaries */
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

/* As the C library does, TZDIR may name another release of the tz data. */
static const char *zone_folder(void)
{
    const char *folder = getenv("TZDIR");
    return folder != NULL && folder[0] != '\0' && strlen(folder) < 90 ? folder : ZONE_FOLDER;
}

/* The first line of tzdata.zi, "# version 2025b". */
void tg_tzdata_release(char release[TG_TZDATA_RELEASE_BYTES])
{
    char path[160];
    char line[64] = "";
    (void)snprintf(path, sizeof path, "%s/tzdata.zi", zone_folder());
    FILE *file = fopen(path, "re");
    (void)snprintf(release, TG_TZDATA_RELEASE_BYTES, TG_TZDATA_UNKNOWN);
    if (file == NULL) {
        return;
    }
    static const char start[] = "# version ";
    if (fgets(line, sizeof line, file) != NULL && strncmp(line, start, sizeof start - 1) == 0) {
        const char *word = line + sizeof start - 1;
        const size_t length = strcspn(word, " \t\r\n");
        if (length > 0 && length < TG_TZDATA_RELEASE_BYTES) {
            (void)snprintf(release, TG_TZDATA_RELEASE_BYTES, "%.*s", (int)length, word);
        }
    }
    (void)fclose(file);
}

static bool tz_load(const char *zone, struct tz *tz)
{
    *tz = (struct tz){0};
    char path[160];
    if (zone[0] == '/' || strstr(zone, "..") != NULL) {
        return false;
    }
    (void)snprintf(path, sizeof path, "%s/%s", zone_folder(), zone);
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

/* A stretch that ends more than two days before a wall time does not have it: no offset is that
 * large. The first one that ends later; a zone has hundreds, and a catalog years of days. */
static uint32_t tz_stretch(const struct tz *tz, int64_t wall_s)
{
    uint32_t low = 0;
    uint32_t high = tz->count - 1;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (tz->transitions_s[middle + 1] < wall_s - INT64_C(172800)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* First instant whose wall time is at or after the given one; of two with it the second one when
 * that is asked for. */
static int64_t tz_to_utc_s(const struct tz *tz, int64_t wall_s, bool is_second)
{
    for (uint32_t i = tz_stretch(tz, wall_s); i < tz->count; i++) {
        const int64_t utc_s = wall_s - tz->offsets_s[i];
        const bool is_last = i + 1 == tz->count;
        if (is_second && !is_last && wall_s - tz->offsets_s[i + 1] >= tz->transitions_s[i + 1]) {
            continue; /* the stretch behind has that wall time too, or only it has */
        }
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

static bool second_read(struct tg_compile *compile, const struct tg_yaml_node *rule,
                        const char *key, uint32_t *second)
{
    const char *text = tg_schema_text(&tg_catalog_band_keys, rule, key);
    if (!tg_band_second_read(text, second)) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(rule, key)->mark,
                    "write \"08:00\" or \"08:00:30\"; \"24:00\" is the end of the day",
                    "%s: \"%.16s\" is no wall time", key, text);
        return false;
    }
    return true;
}

/* Of equals one that names days is the more specific, of the month before those of the week: a
 * weekend beats hours that are of every day. Weights say otherwise, as some systems order all rules
 * by them. */
static int named_days(const struct rule *rule)
{
    return ((rule->days.month_days_mask & MONTH_MASK) != MONTH_MASK ? 2 : 0) +
           ((rule->days.weekdays_mask & WEEK_MASK) != WEEK_MASK ? 1 : 0);
}

static bool stays_before(const struct rule *before, const struct rule *rule)
{
    return before->level != rule->level     ? before->level > rule->level
           : before->weight != rule->weight ? before->weight > rule->weight
                                            : named_days(before) >= named_days(rule);
}

/* The more specific first; equal ones keep the order in which they were written. */
static void rule_insert(struct model *model, const struct rule *rule)
{
    uint32_t at = model->rules_count++;
    for (; at > 0; at--) {
        const struct rule *before = &model->rules[at - 1];
        if (stays_before(before, rule)) {
            break;
        }
        model->rules[at] = *before;
    }
    model->rules[at] = *rule;
}

static void rule_read(struct model *model, const struct tg_yaml_node *node)
{
    const struct tg_schema *keys = &tg_catalog_band_keys;
    const char *band = tg_schema_text(keys, node, "band");
    struct rule out = {.weight = tg_schema_number(keys, node, "weight")};
    if (node->kind != TG_YAML_MAP || band == NULL) {
        return;
    }
    tg_band_days_read(node, &model->spans, &out.days, model->compile->diag);
    /* A band whose rule is refused is one all the same: who names it is not told it is none. */
    out.band = band_number(model, band);
    const bool has_from = second_read(model->compile, node, "from", &out.from_second);
    if (!second_read(model->compile, node, "to", &out.to_second) || !has_from) {
        return;
    }
    if (out.from_second == out.to_second || out.from_second == TG_BAND_DAY_SECONDS) {
        tg_diag_add(model->compile->diag, TG_DIAG_ERROR, node->mark,
                    "a band across midnight is of the day on which it begins, as from: \"22:00\", "
                    "to: \"06:00\"; without from and to it is the whole day",
                    out.from_second == out.to_second ? "from and to are the same"
                                                     : "from is the end of the day");
        return;
    }
    out.level = out.days.is_special     ? LEVEL_SPECIAL_DAY
                : out.days.has_calendar ? LEVEL_MONTH_DAY
                                        : LEVEL_WEEKDAY;
    rule_insert(model, &out);
}

static void rules_read(struct model *model)
{
    const struct tg_yaml_node *list = tg_yaml_get(model->node, "bands");
    const struct tg_yaml_node *rule = list != NULL ? list->child : NULL;
    for (; rule != NULL && model->rules_count < RULES_MAX; rule = rule->next) {
        rule_read(model, rule);
    }
    const struct tg_yaml_node *holidays = tg_yaml_get(model->node, "holidays");
    const char *band =
        holidays != NULL ? tg_schema_text(&tg_catalog_holiday_keys, holidays, "band") : NULL;
    if (band == NULL) {
        return;
    }
    struct rule whole_days = {.band = band_number(model, band),
                              .to_second = TG_BAND_DAY_SECONDS,
                              .level = LEVEL_SPECIAL_DAY};
    tg_band_days_read(holidays, &model->spans, &whole_days.days, model->compile->diag);
    if (!whole_days.days.is_special) {
        tg_diag_add(model->compile->diag, TG_DIAG_ERROR, holidays->key_mark, NULL,
                    "holidays needs dates or yearly");
        return;
    }
    rule_insert(model, &whole_days);
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

/* What a rule has of one local day. */
struct piece {
    uint32_t band;
    uint32_t from_second;
    uint32_t to_second;
};

static struct tg_band_day day_of(int64_t number)
{
    struct tg_civil civil;
    tg_clock_to_civil(number * TG_NS_PER_DAY, &civil);
    return (struct tg_band_day){.number = number,
                                .year = (uint32_t)civil.year,
                                .weekday = civil.weekday,
                                .month = civil.month,
                                .month_day = civil.day};
}

/* In the order of the rules. A rule across midnight has the end of a day that it names, and the
 * beginning of the day behind one: its days, its level and its weight go on till it ends. */
static uint32_t day_pieces(const struct model *model, int64_t number,
                           struct piece pieces[2 * (RULES_MAX + 1)])
{
    const struct tg_band_day day = day_of(number);
    const struct tg_band_day before = day_of(number - 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->rules_count; i++) {
        const struct rule *rule = &model->rules[i];
        const bool is_night = rule->from_second > rule->to_second;
        if (tg_band_days_have(&rule->days, &model->spans, &day)) {
            const uint32_t to_second = is_night ? TG_BAND_DAY_SECONDS : rule->to_second;
            pieces[count++] = (struct piece){rule->band, rule->from_second, to_second};
        }
        if (is_night && tg_band_days_have(&rule->days, &model->spans, &before)) {
            pieces[count++] = (struct piece){rule->band, 0, rule->to_second};
        }
    }
    return count;
}

/* One local day: a switch wherever the band of a second differs from that of the one before. */
static void day_expand(const struct model *model, int64_t number, struct tg_blob *out)
{
    struct piece pieces[2 * (RULES_MAX + 1)];
    const uint32_t pieces_count = day_pieces(model, number, pieces);
    uint32_t before = UINT32_MAX;
    for (uint32_t second = 0; second < TG_BAND_DAY_SECONDS;) {
        uint32_t band = 0; /* the default */
        uint32_t next = TG_BAND_DAY_SECONDS;
        for (uint32_t i = pieces_count; i > 0; i--) {
            const struct piece *piece = &pieces[i - 1];
            const uint32_t from = piece->from_second;
            band = second >= from && second < piece->to_second ? piece->band : band;
            next = from > second && from < next ? from : next;
            next = piece->to_second > second && piece->to_second < next ? piece->to_second : next;
        }
        if (band != before) {
            const int64_t wall_s = number * 86400 + second;
            switch_add(out, tz_to_utc_s(&model->tz, wall_s, model->is_second) * TG_NS_PER_S, band);
            before = band;
        }
        second = next;
    }
}

/* The first switch at or behind an instant. */
static size_t switch_find(const struct tg_band_switch *all, size_t count, int64_t from_ns)
{
    size_t low = 0;
    while (low < count) {
        const size_t middle = low + (count - low) / 2;
        if (all[middle].from_ns < from_ns) {
            low = middle + 1;
        } else {
            count = middle;
        }
    }
    return low;
}

/* Passes of repeated hours whose other pass has a boundary. */
static void repeats_find(const struct model *model, const struct tg_blob *switches,
                         struct tg_blob *out)
{
    const struct tz *tz = &model->tz;
    const struct tg_band_switch *all = (const struct tg_band_switch *)(const void *)switches->bytes;
    const size_t count = switches->size_bytes / sizeof *all;
    for (uint32_t i = 1; count > 0 && i < tz->count; i++) {
        const int64_t back_s = (int64_t)tz->offsets_s[i - 1] - tz->offsets_s[i];
        if (back_s <= 0 || tz->transitions_s[i] < all[0].from_ns / TG_NS_PER_S ||
            tz->transitions_s[i] > all[count - 1].from_ns / TG_NS_PER_S) {
            continue;
        }
        const int64_t turn_ns = tz->transitions_s[i] * TG_NS_PER_S;
        const int64_t back_ns = back_s * TG_NS_PER_S;
        /* A boundary at the beginning of the hour is one of the first pass only where both passes
         * have the band behind it. */
        const int64_t first_ns = model->is_second ? turn_ns : turn_ns - back_ns + 1;
        const int64_t last_ns = model->is_second ? turn_ns + back_ns : turn_ns;
        const size_t next = switch_find(all, count, first_ns);
        const bool is_cut = next < count && all[next].from_ns < last_ns;
        const struct tg_band_repeat repeat = {
            .from_ns = model->is_second ? turn_ns - back_ns : turn_ns,
            .to_ns = model->is_second ? turn_ns : turn_ns + back_ns,
            .shift_ns = model->is_second ? back_ns : -back_ns};
        if (is_cut) {
            (void)tg_blob_append(out, &repeat, sizeof repeat, 8);
        }
    }
}

static struct tg_time_model model_compile(struct model *model, const char *zone)
{
    struct tg_compile *compile = model->compile;
    struct tg_time_model out = {.bands_count = 1};
    const char *first = tg_schema_text(&tg_catalog_time_model_keys, model->node, "default");
    (void)band_number(model, first != NULL ? first : "default");
    model->is_second = tg_schema_number(&tg_catalog_time_model_keys, model->node, "ambiguous") != 0;
    rules_read(model);
    const bool has_zone = tz_load(zone, &model->tz);
    const struct tg_yaml_node *written = tg_yaml_get(model->node, "zone");
    if (!has_zone && !tg_compile_is_doubtful(compile, written)) {
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
    struct tg_blob repeats = {0};
    repeats_find(model, &switches, &repeats);
    out.repeats_count = (uint32_t)(repeats.size_bytes / sizeof(struct tg_band_repeat));
    out.repeats_offset = (uint32_t)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_DECK_DATA],
                                                  repeats.bytes, repeats.size_bytes, 8);
    out.switches_count = (uint32_t)(switches.size_bytes / sizeof(struct tg_band_switch));
    out.switches_offset = (uint32_t)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_SWITCHES],
                                                   switches.bytes, switches.size_bytes, 8);
    out.bands_count = (uint16_t)model->bands_count;
    out.band_names_offset = (uint32_t)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_DECK_DATA],
                                                     names, model->bands_count * 4, 8);
    out.zone_name_offset = tg_compile_text(compile, zone);
    out.tz_hash = model->tz.hash;
    out.is_second = model->is_second ? 1 : 0;
    compile->is_out_of_memory |= switches.is_broken || repeats.is_broken || model->spans.is_broken;
    tg_blob_free(&repeats);
    tg_blob_free(&switches);
    tg_blob_free(&model->spans);
    tz_free(&model->tz);
    return out;
}

void tg_compile_zone_offsets(struct tg_compile *compile, const struct tg_yaml_node *node,
                             const char *name, struct tg_blob *out)
{
    struct tz tz;
    if (!tz_load(name, &tz)) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->mark,
                    "use an IANA zone such as Europe/Berlin; the tzdata package must be installed",
                    "%s: there is no time zone \"%.64s\"",
                    node->key != NULL ? node->key : "account_zones", name);
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

/* Which tz data the models and the zone of periods were expanded with. A catalog that uses it is
 * another one with another release, and with another rule of a zone it uses: it needs a new version
 * number (4.4). */
static void release_record(struct tg_compile *compile)
{
    char release[TG_TZDATA_RELEASE_BYTES];
    const struct tg_yaml_node *pinned = tg_yaml_get(compile->folder->head, "tzdata");
    const struct tg_blob *models = &compile->sections[TG_IMAGE_SECTION_TIME_MODELS];
    uint64_t *hash = &compile->folder->content_hash;
    const struct tg_blob *offsets = &compile->sections[TG_IMAGE_SECTION_ZONE_OFFSETS];
    bool is_used = offsets->size_bytes > 0;
    tg_tzdata_release(release);
    if (pinned != NULL && pinned->kind == TG_YAML_SCALAR && strcmp(pinned->text, release) != 0) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, pinned->mark,
                    "install that release, or set TZDIR to where it is",
                    "tzdata: the catalog wants %.16s, here is %s", pinned->text, release);
    }
    for (size_t at = 0; at + sizeof(struct tg_time_model) <= models->size_bytes;
         at += sizeof(struct tg_time_model)) {
        struct tg_time_model model;
        memcpy(&model, models->bytes + at, sizeof model);
        if (model.tz_hash != 0) {
            is_used = true;
            *hash = tg_key_hash(*hash, &model.tz_hash, sizeof model.tz_hash);
        }
    }
    if (offsets->size_bytes > 0) {
        *hash = tg_key_hash(*hash, offsets->bytes, offsets->size_bytes);
    }
    if (is_used) {
        *hash = tg_key_hash(*hash, release, strlen(release));
    }
    compile->head.tzdata_offset = tg_compile_text(compile, is_used ? release : NULL);
}

/* Time zones of networks or sites, each loaded once so that a wrong one is told where it is
 * written. */
static void place_zones_read(struct tg_compile *compile, enum tg_catalog_kind kind,
                             const char *noun, struct tg_names *zones)
{
    for (uint32_t i = 0; i < compile->names[kind].count; i++) {
        const struct tg_yaml_node *zone =
            tg_yaml_get(tg_compile_node(compile, kind, i), "time_zone");
        const uint32_t count = zones->count;
        if (zone == NULL || zone->kind != TG_YAML_SCALAR ||
            tg_names_add(zones, zone->text, zone->text_bytes) < count) {
            continue;
        }
        struct tz tz;
        if (zones->count > UINT8_MAX) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, zone->mark, NULL,
                        "%s have more than %u time zones", noun, UINT8_MAX);
        } else if (!tz_load(zone->text, &tz)) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, zone->mark,
                        "use an IANA zone such as Europe/Berlin",
                        "time_zone: there is no time zone \"%.64s\"", zone->text);
        } else {
            tz_free(&tz);
        }
    }
    compile->is_out_of_memory |= zones->is_broken;
}

/* One model in one zone to the section; its zone as written when none is given. */
static void model_add(struct tg_compile *compile, const struct tg_yaml_node *node, const char *zone)
{
    struct tg_time_model out = {.bands_count = 1};
    struct model *model = calloc(1, sizeof *model);
    if (model == NULL) {
        compile->is_out_of_memory = true;
        return;
    }
    model->compile = compile;
    model->node = node;
    if (node != NULL && node->kind == TG_YAML_MAP) {
        out = model_compile(
            model, zone != NULL ? zone : tg_schema_text(&tg_catalog_time_model_keys, node, "zone"));
    } else { /* refused by the schema; plans that name it still look at its one band */
        out.band_names_offset = (uint32_t)tg_blob_extend(
            &compile->sections[TG_IMAGE_SECTION_DECK_DATA], sizeof(uint32_t), 8);
    }
    free(model);
    (void)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_TIME_MODELS], &out, sizeof out, 8);
}

/* The model once more in each zone that its rows may choose, behind all models of the documents.
 * Zones of accounts are numbered over all versions; number 0 has the model itself. */
static void variants_add(struct tg_compile *compile, uint32_t index,
                         const struct tg_yaml_node *node, enum tg_wall_time by)
{
    struct tg_blob *section = &compile->sections[TG_IMAGE_SECTION_TIME_MODELS];
    const struct tg_names *zones = by == TG_WALL_SERVING ? &compile->network_zones
                                   : by == TG_WALL_NODE  ? &compile->site_zones
                                                         : &compile->names[TG_CATALOG_ACCOUNT_ZONE];
    const uint32_t from = by == TG_WALL_HOME ? 1 : 0;
    const size_t first = section->size_bytes / sizeof(struct tg_time_model);
    for (uint32_t i = from; i < zones->count; i++) {
        const char *zone = tg_names_text(zones, i);
        char name[160];
        const int length = snprintf(name, sizeof name, "%.63s@%.63s", node->key, zone);
        (void)tg_names_add(&compile->names[TG_CATALOG_TIME_MODEL], name, (size_t)length);
        model_add(compile, node, zone);
    }
    if (first + zones->count > TG_TIME_MODEL_NONE) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->key_mark, NULL,
                    "more than 65534 time models, those that rows choose once a time zone");
    } else if (!section->is_broken && zones->count > from) {
        struct tg_time_model *model = &((struct tg_time_model *)(void *)section->bytes)[index];
        model->variants = (uint16_t)first;
        model->variants_count = (uint16_t)(zones->count - from);
        model->by = (uint8_t)by;
    }
}

void tg_compile_time_models(struct tg_compile *compile)
{
    const uint32_t count = compile->names[TG_CATALOG_TIME_MODEL].count;
    place_zones_read(compile, TG_CATALOG_NETWORK, "networks", &compile->network_zones);
    place_zones_read(compile, TG_CATALOG_SITE, "sites", &compile->site_zones);
    for (uint32_t i = 0; i < count; i++) {
        model_add(compile, tg_compile_node(compile, TG_CATALOG_TIME_MODEL, i), NULL);
    }
    for (uint32_t i = 0; tg_diag_errors_count(compile->diag) == 0 && i < count; i++) {
        const struct tg_yaml_node *node = tg_compile_node(compile, TG_CATALOG_TIME_MODEL, i);
        const int64_t by = tg_schema_number(&tg_catalog_time_model_keys, node, "by");
        if (by != TG_WALL_FIXED) {
            variants_add(compile, i, node, (enum tg_wall_time)by);
        }
    }
    release_record(compile);
}
