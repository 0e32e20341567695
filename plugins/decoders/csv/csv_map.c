/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The column map; csv_map.h is the manual.
 */
#include "csv_map.h"

#include "abi/key.h"
#include "abi/usage.h"
#include "lib/civil.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    const char *default_column;
} field_table[] = {
#define TG_CSV_FIELD(ident, name_, column_) {name_, column_},
#include "csv_fields.def"
#undef TG_CSV_FIELD
};

static const struct tg_csv_word service_words[] = {
    {"voice", TG_SERVICE_VOICE},     {"call", TG_SERVICE_VOICE},  {"data", TG_SERVICE_DATA},
    {"message", TG_SERVICE_MESSAGE}, {"sms", TG_SERVICE_MESSAGE}, {"event", TG_SERVICE_EVENT},
    {"access", TG_SERVICE_ACCESS},
};

static const struct tg_csv_word direction_words[] = {
    {"out", 0}, {"outgoing", 0}, {"outbound", 0}, {"mo", 0},
    {"in", 1},  {"incoming", 1}, {"inbound", 1},  {"mt", 1},
};

static const struct tg_csv_word party_words[] = {
    {"auto", TG_CSV_PARTY_AUTO},
    {"number", TG_CSV_PARTY_NUMBER},
    {"imsi", TG_CSV_PARTY_IMSI},
    {"name", TG_CSV_PARTY_NAME},
};

static const struct tg_csv_word unit_words[] = {
    {"s", TG_CSV_DURATION_S},
    {"ms", TG_CSV_DURATION_MS},
    {"us", TG_CSV_DURATION_US},
    {"hms", TG_CSV_DURATION_HMS},
};

static const struct tg_csv_word type_words[] = {
    {"unknown", TG_CSV_NUMBER_UNKNOWN},
    {"international", TG_CSV_NUMBER_INTERNATIONAL},
    {"national", TG_CSV_NUMBER_NATIONAL},
    {"subscriber", TG_CSV_NUMBER_SUBSCRIBER},
};

static const struct tg_csv_word negative_words[] = {{"refuse", 0}, {"reversal", 1}};
static const struct tg_csv_word yes_words[] = {{"yes", 1}, {"no", 0}, {"true", 1}, {"false", 0}};
static const struct tg_csv_word bare_words[] = {{"national", 1}, {"international", 0}};

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

static bool apply(struct tg_csv_map *map, const struct tg_setting *setting);
static bool apply_column(struct tg_csv_map *map, const char *field, const char *value);
static bool apply_number(struct tg_csv_dial_plan *dial, const char *key, const char *value);
static bool apply_trunk(struct tg_csv_map *map, const char *key, const char *value);
static bool apply_time(struct tg_csv_map *map, const char *value);
static bool add_word(struct tg_csv_words *words, const char *text, int value);
static int find_word(const struct tg_csv_word *words, uint32_t count, const char *text,
                     uint32_t text_bytes);
static int find_text(const struct tg_csv_word *words, uint32_t count, const char *text);
static bool set_flag(bool *flag, int value);
static bool set_byte(uint8_t *byte, int value);
static bool set_count(uint8_t *byte, const char *value, uint8_t max);
static void use_default_columns(struct tg_csv_map *map);
static enum tg_err check(const struct tg_csv_map *map, struct tg_complaint *why);

const char *tg_csv_field_name(enum tg_csv_field field)
{
    return field_table[field].name;
}

enum tg_err tg_csv_map_read(const struct tg_decoder_config *config, struct tg_csv_map *map,
                            struct tg_complaint *why)
{
    memset(map, 0, sizeof(*map));
    map->delimiter = ',';
    map->has_header = true;
    map->service = TG_SERVICE_VOICE;
    map->caller_party = TG_CSV_PARTY_NUMBER;
    map->amount_decimals = TG_CSV_DECIMALS_WRITTEN;
    map->amount_minor = 2;
    memcpy(map->dial.international, "00", 3);
    memcpy(map->dial.national, "0", 2);
    memcpy(map->services.words, service_words, sizeof(service_words));
    map->services.count = COUNT(service_words);
    memcpy(map->directions.words, direction_words, sizeof(direction_words));
    map->directions.count = COUNT(direction_words);
    memcpy(map->number_types.words, type_words, sizeof(type_words));
    map->number_types.count = COUNT(type_words);
    bool has_columns = false;
    /* Trunk groups last: they begin with the map's own plan, wherever it is written. */
    for (uint32_t k = 0; k < 2 * config->settings_count; k++) {
        const uint32_t i = k % config->settings_count;
        const struct tg_setting *setting = &config->settings[i];
        const bool is_trunk = strncmp(setting->key, "trunks.", 7) == 0;
        if (is_trunk != (k >= config->settings_count)) {
            continue;
        }
        why->setting_index = i;
        if (is_trunk ? !apply_trunk(map, setting->key + 7, setting->value) : !apply(map, setting)) {
            snprintf(why->text, sizeof(why->text),
                     "%.50s: %.50s: not a setting or value that the csv decoder knows; see "
                     "plugins/decoders/csv/README.md",
                     setting->key, setting->value);
            return TG_E_INVALID;
        }
        has_columns = has_columns || strncmp(setting->key, "columns.", 8) == 0;
        map->hash = tg_key_hash(map->hash, setting->key, strlen(setting->key));
        map->hash = tg_key_hash(map->hash, setting->value, strlen(setting->value));
    }
    why->setting_index = UINT32_MAX;
    if (!has_columns) {
        use_default_columns(map);
    }
    return check(map, why);
}

int tg_csv_word_find(const struct tg_csv_words *words, const char *text, uint32_t text_bytes)
{
    return find_word(words->words, words->count, text, text_bytes);
}

const struct tg_csv_dial_plan *tg_csv_dial_find(const struct tg_csv_map *map, const char *text,
                                                uint32_t text_bytes)
{
    for (uint32_t i = 0; i < map->trunks_count; i++) {
        if (strlen(map->trunks[i].name) == text_bytes &&
            strncasecmp(map->trunks[i].name, text, text_bytes) == 0) {
            return &map->trunks[i].dial;
        }
    }
    return &map->dial;
}

static bool apply(struct tg_csv_map *map, const struct tg_setting *setting)
{
    const char *key = setting->key;
    const char *value = setting->value;
    if (strncmp(key, "columns.", 8) == 0) {
        return apply_column(map, key + 8, value);
    }
    if (strncmp(key, "number.", 7) == 0) {
        return apply_number(&map->dial, key + 7, value);
    }
    if (strncmp(key, "services.", 9) == 0) {
        return add_word(&map->services, key + 9,
                        find_text(service_words, COUNT(service_words), value));
    }
    if (strncmp(key, "directions.", 11) == 0) {
        return add_word(&map->directions, key + 11,
                        find_text(direction_words, COUNT(direction_words), value));
    }
    if (strcmp(key, "amount.decimals") == 0) {
        return set_count(&map->amount_decimals, value, TG_CSV_DECIMALS_MAX);
    }
    if (strcmp(key, "amount.minor") == 0) {
        return set_count(&map->amount_minor, value, 4);
    }
    if (strncmp(key, "number_types.", 13) == 0) {
        return add_word(&map->number_types, key + 13,
                        find_text(type_words, COUNT(type_words), value));
    }
    if (strncmp(key, "causes.", 7) == 0) {
        uint64_t cause = 0;
        return tg_csv_count(value, (uint32_t)strlen(value), UINT8_MAX, &cause) == TG_OK &&
               add_word(&map->causes, key + 7, (int)cause);
    }
    if (strcmp(key, "delimiter") == 0) {
        map->delimiter = strcmp(value, "tab") == 0 ? '\t' : value[0];
        return (strlen(value) == 1 || map->delimiter == '\t') && strchr("\"\r\n", value[0]) == NULL;
    }
    if (strcmp(key, "header") == 0) {
        return set_flag(&map->has_header, find_text(yes_words, COUNT(yes_words), value));
    }
    if (strcmp(key, "trim") == 0) {
        const bool is_known =
            set_flag(&map->keeps_spaces, find_text(yes_words, COUNT(yes_words), value));
        map->keeps_spaces = !map->keeps_spaces;
        return is_known;
    }
    if (strcmp(key, "negative") == 0) {
        return set_flag(&map->takes_back, find_text(negative_words, COUNT(negative_words), value));
    }
    if (strcmp(key, "service") == 0) {
        return set_byte(&map->service, find_text(service_words, COUNT(service_words), value));
    }
    if (strcmp(key, "direction") == 0) {
        return set_flag(&map->is_incoming,
                        find_text(direction_words, COUNT(direction_words), value));
    }
    if (strcmp(key, "subscriber") == 0) {
        return set_byte(&map->caller_party,
                        find_text(party_words + 1, COUNT(party_words) - 1, value));
    }
    if (strcmp(key, "called") == 0) {
        return set_byte(&map->called_party, find_text(party_words, COUNT(party_words), value)) &&
               map->called_party != TG_CSV_PARTY_IMSI;
    }
    if (strcmp(key, "duration_unit") == 0) {
        return set_byte(&map->duration_unit, find_text(unit_words, COUNT(unit_words), value));
    }
    if (strcmp(key, "utc_offset") == 0) {
        return value[0] != '\0' &&
               tg_civil_zone(value, strlen(value), &map->time.utc_offset_s) == strlen(value);
    }
    return strcmp(key, "time_format") == 0 && apply_time(map, value);
}

/* `name` or `number`, several joined by '+'. */
static bool apply_column(struct tg_csv_map *map, const char *field, const char *value)
{
    unsigned index = 0;
    while (index < TG_CSV_FIELDS_COUNT && strcmp(field_table[index].name, field) != 0) {
        index++;
    }
    if (index == TG_CSV_FIELDS_COUNT) {
        return false;
    }
    struct tg_csv_source *source = &map->sources[index];
    source->parts_count = 0;
    while (true) {
        const size_t length = strcspn(value, "+");
        if (length == 0 || length >= TG_CSV_NAME_BYTES_MAX ||
            source->parts_count == TG_CSV_PARTS_MAX) {
            return false;
        }
        struct tg_csv_part *part = &source->parts[source->parts_count++];
        uint64_t column = 0;
        if (tg_csv_count(value, (uint32_t)length, TG_CSV_COLUMNS_MAX, &column) == TG_OK) {
            part->column = (uint16_t)column;
            if (column == 0) {
                return false;
            }
        } else {
            memcpy(part->name, value, length);
            part->name[length] = '\0';
        }
        if (value[length] == '\0') {
            return true;
        }
        value += length + 1;
    }
}

/* TRUNK.KEY: a plan of its own where the map's does not fit. */
static bool apply_trunk(struct tg_csv_map *map, const char *key, const char *value)
{
    const char *point = strrchr(key, '.');
    const size_t length = point != NULL ? (size_t)(point - key) : 0;
    if (length == 0 || length >= TG_CSV_NAME_BYTES_MAX) {
        return false;
    }
    uint32_t at = 0;
    while (at < map->trunks_count && (strlen(map->trunks[at].name) != length ||
                                      strncasecmp(map->trunks[at].name, key, length) != 0)) {
        at++;
    }
    if (at == TG_CSV_TRUNKS_MAX) {
        return false;
    }
    struct tg_csv_trunk *trunk = &map->trunks[at];
    if (at == map->trunks_count) {
        map->trunks_count++;
        memcpy(trunk->name, key, length);
        trunk->name[length] = '\0';
        trunk->dial = map->dial;
    }
    return apply_number(&trunk->dial, point + 1, value);
}

/* Codes of digits and x, one blank between two; x alone would be every number. */
static bool codes_are_sound(const char *value)
{
    if (strlen(value) >= TG_CSV_CODES_BYTES_MAX || strspn(value, "0123456789x ") != strlen(value)) {
        return false;
    }
    while (*value != '\0') {
        const size_t length = strcspn(value, " ");
        if (length == 0 || length > 15 || *value == 'x' || strcmp(value + length, " ") == 0) {
            return false;
        }
        value += length + (value[length] == ' ');
    }
    return true;
}

static bool apply_number(struct tg_csv_dial_plan *dial, const char *key, const char *value)
{
    static const char *const names[] = {"international_prefix", "national_prefix", "country_code",
                                        "area_code"};
    char *const slots[] = {dial->international, dial->national, dial->country_code,
                           dial->area_code};
    if (strcmp(key, "bare") == 0) {
        return set_flag(&dial->bare_is_national, find_text(bare_words, COUNT(bare_words), value));
    }
    const bool is_short = strcmp(key, "short_codes") == 0;
    if (is_short || strcmp(key, "carrier_select") == 0) {
        char *codes = is_short ? dial->short_codes : dial->carrier_select;
        if (!codes_are_sound(value)) {
            return false;
        }
        memcpy(codes, value, strlen(value) + 1);
        return true;
    }
    for (unsigned i = 0; i < COUNT(names); i++) {
        if (strcmp(key, names[i]) == 0 && strlen(value) < TG_CSV_PREFIX_BYTES_MAX &&
            strspn(value, "0123456789") == strlen(value)) {
            memcpy(slots[i], value, strlen(value) + 1);
            return true;
        }
    }
    return false;
}

static bool apply_time(struct tg_csv_map *map, const char *value)
{
    static const struct tg_csv_word kinds[] = {{"rfc3339", TG_CSV_TIME_RFC3339},
                                               {"unix", TG_CSV_TIME_UNIX},
                                               {"unix_ms", TG_CSV_TIME_UNIX_MS}};
    if (set_byte(&map->time.kind, find_text(kinds, COUNT(kinds), value))) {
        return true;
    }
    if (strlen(value) >= TG_CSV_PATTERN_BYTES_MAX || !tg_csv_pattern_is_sound(value)) {
        return false;
    }
    map->time.kind = TG_CSV_TIME_PATTERN;
    memcpy(map->time.pattern, value, strlen(value) + 1);
    return true;
}

static bool add_word(struct tg_csv_words *words, const char *text, int value)
{
    const size_t length = strlen(text);
    if (value < 0 || length == 0 || length >= TG_CSV_NAME_BYTES_MAX) {
        return false;
    }
    /* A word of the file overrules a built-in one: some switches write "in" for what they send. */
    uint32_t at = 0;
    while (at < words->count && strcasecmp(words->words[at].text, text) != 0) {
        at++;
    }
    if (at == TG_CSV_WORDS_MAX) {
        return false;
    }
    words->count += at == words->count;
    memcpy(words->words[at].text, text, length + 1);
    words->words[at].value = (uint8_t)value;
    return true;
}

static int find_word(const struct tg_csv_word *words, uint32_t count, const char *text,
                     uint32_t text_bytes)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strlen(words[i].text) == text_bytes &&
            strncasecmp(words[i].text, text, text_bytes) == 0) {
            return words[i].value;
        }
    }
    return -1;
}

static int find_text(const struct tg_csv_word *words, uint32_t count, const char *text)
{
    return find_word(words, count, text, (uint32_t)strlen(text));
}

static bool set_flag(bool *flag, int value)
{
    *flag = value == 1;
    return value >= 0;
}

static bool set_byte(uint8_t *byte, int value)
{
    if (value >= 0) {
        *byte = (uint8_t)value;
    }
    return value >= 0;
}

static bool set_count(uint8_t *byte, const char *value, uint8_t max)
{
    uint64_t count = 0;
    const bool is_count = tg_csv_count(value, (uint32_t)strlen(value), max, &count) == TG_OK;
    *byte = (uint8_t)count;
    return is_count && value[0] != '\0';
}

static void use_default_columns(struct tg_csv_map *map)
{
    for (unsigned i = 0; i < TG_CSV_FIELDS_COUNT; i++) {
        struct tg_csv_source *source = &map->sources[i];
        const char *column = field_table[i].default_column;
        if (column[0] != '\0') {
            source->parts_count = 1;
            source->is_optional = i == TG_CSV_RECORD_ID || i == TG_CSV_CAUSE;
            memcpy(source->parts[0].name, column, strlen(column) + 1);
        }
    }
}

static enum tg_err check(const struct tg_csv_map *map, struct tg_complaint *why)
{
    const bool is_mapped[] = {map->sources[TG_CSV_CALLER].parts_count > 0,
                              map->sources[TG_CSV_START].parts_count > 0};
    const char *missing = !is_mapped[0] ? "caller" : !is_mapped[1] ? "start" : NULL;
    const bool has_called = map->sources[TG_CSV_CALLED].parts_count > 0;
    const bool has_direction = map->is_incoming || map->sources[TG_CSV_DIRECTION].parts_count > 0;
    if (missing == NULL && map->sources[TG_CSV_SERVICE].parts_count == 0) {
        const bool has_duration = map->sources[TG_CSV_DURATION].parts_count > 0;
        const bool has_octets = map->sources[TG_CSV_OCTETS_UP].parts_count > 0 ||
                                map->sources[TG_CSV_OCTETS_DOWN].parts_count > 0;
        const bool is_octets = map->service == TG_SERVICE_DATA || map->service == TG_SERVICE_ACCESS;
        missing = map->service == TG_SERVICE_VOICE && !has_duration ? "duration"
                  : map->service == TG_SERVICE_VOICE && !has_called ? "called"
                  : is_octets && !has_octets && !has_duration       ? "octets_up"
                                                                    : NULL;
    }
    missing = missing == NULL && has_direction && !has_called ? "called" : missing;
    if (missing != NULL) {
        snprintf(why->text, sizeof(why->text),
                 "columns.%s is not mapped, and no row can be made without it", missing);
        return TG_E_INVALID;
    }
    for (unsigned i = 0; i < TG_CSV_FIELDS_COUNT; i++) {
        for (unsigned j = 0; j < map->sources[i].parts_count; j++) {
            if (!map->has_header && map->sources[i].parts[j].column == 0) {
                snprintf(why->text, sizeof(why->text),
                         "columns.%s names column `%.60s`, but `header: no` leaves numbers only",
                         field_table[i].name, map->sources[i].parts[j].name);
                return TG_E_INVALID;
            }
        }
    }
    return TG_OK;
}
