/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Records and rows; csv_line.h is the manual.
 */
#include "csv_line.h"

#include "abi/key.h"

#include <string.h>
#include <strings.h>

/* The longest cell that a number, time, word or name is read from. */
#define FIELD_BYTES_MAX 1024u

/* A record on its way to a row. */
struct row_maker {
    const struct tg_csv_map *map;
    const struct tg_csv_columns *columns;
    const char *text;
    struct tg_csv_record *record;
    struct tg_usage *row;
    char joined[FIELD_BYTES_MAX];
    uint64_t routed;   /* of a call; tg_digits_value */
    bool has_positive; /* of its quantities */
    bool has_negative;
};

/* A field's text; empty when it is not mapped or nothing is written. */
struct field_text {
    const char *text;
    uint32_t text_bytes;
};

static enum tg_err read_quoted(const struct tg_csv_map *map, const char *text, const char *end,
                               const char **at, struct tg_csv_record *record,
                               struct tg_csv_cell *cell);
static void read_plain(const struct tg_csv_map *map, const char *end, const char **at,
                       struct tg_csv_cell *cell);
static enum tg_err only_first_line(const char *text, uint32_t text_bytes, enum tg_err err,
                                   struct tg_csv_record *record);
static bool is_blank(const struct tg_csv_map *map, char c);
static enum tg_err get(struct row_maker *m, enum tg_csv_field field, struct field_text *out);
static enum tg_err need(struct row_maker *m, enum tg_csv_field field, struct field_text *out);
static enum tg_err make_key(struct row_maker *m);
static enum tg_err make_kind(struct row_maker *m);
static enum tg_err make_parties(struct row_maker *m);
static enum tg_err make_number(struct row_maker *m, enum tg_csv_field field, uint64_t *key);
static enum tg_err make_party(struct row_maker *m, enum tg_csv_field field, uint8_t party,
                              uint64_t *key, enum tg_key_kind *kind);
static enum tg_err make_quantities(struct row_maker *m);
static enum tg_err make_amount(struct row_maker *m);
static enum tg_err make_closing(struct row_maker *m);
static enum tg_err make_network(struct row_maker *m);
static bool is_mapped(const struct row_maker *m, enum tg_csv_field field);

enum tg_err tg_csv_record_read(const struct tg_csv_map *map, const char *text, uint32_t text_bytes,
                               struct tg_csv_record *record)
{
    const char *at = text;
    const char *end = text + text_bytes;
    record->cells_count = 0;
    record->lines_count = 0;
    record->error_offset = 0;
    record->error_field = NULL;
    while (true) {
        if (record->cells_count == TG_CSV_COLUMNS_MAX) {
            record->error_offset = (uint32_t)(at - text);
            record->error_field = "columns";
            return only_first_line(text, text_bytes, TG_E_COUNT, record);
        }
        struct tg_csv_cell *cell = &record->cells[record->cells_count++];
        while (at < end && is_blank(map, *at)) {
            at++;
        }
        if (at < end && *at == '"') {
            const enum tg_err err = read_quoted(map, text, end, &at, record, cell);
            if (err != TG_OK) {
                return only_first_line(text, text_bytes, err, record);
            }
        } else {
            read_plain(map, end, &at, cell);
        }
        if (at == end || *at != map->delimiter) {
            break;
        }
        at++;
    }
    record->length_bytes = (uint32_t)(at - text);
    if (at < end && *at == '\r') {
        at++;
    }
    if (at < end) {
        at++;
        record->lines_count++;
    }
    record->used_bytes = (uint32_t)(at - text);
    return TG_OK;
}

enum tg_err tg_csv_columns_find(const struct tg_csv_map *map, struct tg_csv_record *record,
                                struct tg_csv_columns *columns)
{
    memset(columns, 0, sizeof(*columns));
    columns->cells_count = (uint16_t)record->cells_count;
    for (unsigned i = 0; i < TG_CSV_FIELDS_COUNT; i++) {
        const struct tg_csv_source *source = &map->sources[i];
        for (unsigned j = 0; j < source->parts_count; j++) {
            const struct tg_csv_part *part = &source->parts[j];
            uint16_t found = part->column <= record->cells_count ? part->column : 0;
            for (uint32_t k = 0; part->column == 0 && k < record->cells_count && found == 0; k++) {
                const struct tg_csv_cell *cell = &record->cells[k];
                if (cell->text_bytes == strlen(part->name) &&
                    strncasecmp(cell->text, part->name, cell->text_bytes) == 0) {
                    found = (uint16_t)(k + 1);
                }
            }
            if (found == 0 && !source->is_optional) {
                record->error_field = tg_csv_field_name((enum tg_csv_field)i);
                return TG_E_TEMPLATE;
            }
            columns->column[i][j] = found;
        }
    }
    return TG_OK;
}

enum tg_err tg_csv_row_make(const struct tg_csv_map *map, const struct tg_csv_columns *columns,
                            const char *text, struct tg_csv_record *record, struct tg_usage *row)
{
    struct row_maker m;
    struct field_text start;
    m.map = map;
    m.columns = columns;
    m.text = text;
    m.record = record;
    m.row = row;
    m.has_positive = false;
    m.has_negative = false;
    memset(row, 0, sizeof(*row));
    /* One column more or less than the header has means that some delimiter stands unquoted in a
     * cell, and every cell behind it would be read as another field. */
    if (columns->cells_count != 0 && record->cells_count != columns->cells_count) {
        record->error_field = "columns";
        return TG_E_COUNT;
    }
    enum tg_err err = make_key(&m);
    err = err == TG_OK ? make_kind(&m) : err;
    err = err == TG_OK ? make_parties(&m) : err;
    err = err == TG_OK ? need(&m, TG_CSV_START, &start) : err;
    if (err == TG_OK) {
        int64_t start_ns = 0;
        err = tg_csv_time(&map->time, start.text, start.text_bytes, &start_ns);
        row->start_ns = start_ns;
    }
    err = err == TG_OK ? make_quantities(&m) : err;
    err = err == TG_OK ? make_amount(&m) : err;
    err = err == TG_OK ? make_closing(&m) : err;
    err = err == TG_OK ? make_network(&m) : err;
    record->error_field = err == TG_OK ? NULL : record->error_field;
    return err;
}

/* *at is the opening quote; afterwards the delimiter or the end of the line. */
static enum tg_err read_quoted(const struct tg_csv_map *map, const char *text, const char *end,
                               const char **at, struct tg_csv_record *record,
                               struct tg_csv_cell *cell)
{
    const char *first = *at + 1;
    const char *from = first;
    const char *close;
    cell->has_quotes = false;
    record->error_offset = (uint32_t)(*at - text);
    record->error_field = "quote";
    while (true) {
        close = memchr(from, '"', (size_t)(end - from));
        const char *stop = close != NULL ? close : end;
        for (const char *newline = from;
             (newline = memchr(newline, '\n', (size_t)(stop - newline))) != NULL; newline++) {
            if (++record->lines_count == TG_CSV_RECORD_LINES_MAX) {
                return TG_E_TRUNCATED;
            }
        }
        if (close == NULL) {
            return TG_E_TRUNCATED;
        }
        if (close + 1 == end || close[1] != '"') {
            break;
        }
        cell->has_quotes = true;
        from = close + 2;
    }
    cell->text = first;
    cell->text_bytes = (uint32_t)(close - first);
    *at = close + 1;
    while (*at < end && is_blank(map, **at)) {
        (*at)++;
    }
    const bool ends = *at == end || **at == map->delimiter || **at == '\n' ||
                      (**at == '\r' && (*at + 1 == end || (*at)[1] == '\n'));
    record->error_offset = (uint32_t)(*at - text);
    return ends ? TG_OK : TG_E_DECODE_SYNTAX;
}

static void read_plain(const struct tg_csv_map *map, const char *end, const char **at,
                       struct tg_csv_cell *cell)
{
    const char *first = *at;
    const char *last = first;
    while (last < end && *last != map->delimiter && *last != '\n') {
        last++;
    }
    if (last > first && last[-1] == '\r' && (last == end || *last == '\n')) {
        last--;
    }
    *at = last;
    while (last > first && is_blank(map, last[-1])) {
        last--;
    }
    *cell = (struct tg_csv_cell){first, (uint32_t)(last - first), false};
}

static enum tg_err only_first_line(const char *text, uint32_t text_bytes, enum tg_err err,
                                   struct tg_csv_record *record)
{
    const char *newline = memchr(text, '\n', text_bytes);
    record->length_bytes = newline != NULL ? (uint32_t)(newline - text) : text_bytes;
    record->used_bytes = record->length_bytes + (newline != NULL);
    record->lines_count = newline != NULL;
    record->cells_count = 0;
    if (record->error_offset > record->length_bytes) {
        record->error_offset = record->length_bytes;
    }
    return err;
}

static bool is_blank(const struct tg_csv_map *map, char c)
{
    return !map->keeps_spaces && (c == ' ' || (c == '\t' && map->delimiter != '\t'));
}

static bool is_mapped(const struct row_maker *m, enum tg_csv_field field)
{
    return m->map->sources[field].parts_count > 0 && m->columns->column[field][0] != 0;
}

/* Text of a field: its cell, or its cells joined by a space, without doubled quotes. */
static enum tg_err get(struct row_maker *m, enum tg_csv_field field, struct field_text *out)
{
    const struct tg_csv_source *source = &m->map->sources[field];
    uint32_t count = 0;
    out->text = "";
    out->text_bytes = 0;
    m->record->error_field = tg_csv_field_name(field);
    m->record->error_offset = m->record->length_bytes;
    for (unsigned i = 0; i < source->parts_count; i++) {
        const uint32_t column = m->columns->column[field][i];
        if (column == 0 || column > m->record->cells_count) {
            continue;
        }
        const struct tg_csv_cell *cell = &m->record->cells[column - 1];
        if (i == 0) {
            m->record->error_offset = (uint32_t)(cell->text - m->text);
        }
        if (cell->text_bytes + 2 > FIELD_BYTES_MAX - count) {
            return TG_E_LENGTH;
        }
        if (source->parts_count == 1 && !cell->has_quotes) {
            *out = (struct field_text){cell->text, cell->text_bytes};
            return TG_OK;
        }
        if (count > 0 && cell->text_bytes > 0) {
            m->joined[count++] = ' ';
        }
        for (uint32_t j = 0; j < cell->text_bytes; j++) {
            m->joined[count++] = cell->text[j];
            j += cell->has_quotes && cell->text[j] == '"';
        }
    }
    *out = (struct field_text){m->joined, count};
    return TG_OK;
}

static enum tg_err need(struct row_maker *m, enum tg_csv_field field, struct field_text *out)
{
    const enum tg_err err = get(m, field, out);
    return err == TG_OK && out->text_bytes == 0 ? TG_E_MISSING_FIELD : err;
}

/* The mapped identity, each part with its length so that "1","23" differs from "12","3"; else the
 * line itself, wherever it stands: a file that is sent twice under two names is one file. */
static enum tg_err make_key(struct row_maker *m)
{
    const struct tg_csv_record *record = m->record;
    if (!is_mapped(m, TG_CSV_RECORD_ID)) {
        m->row->record_key = tg_key_hash(0, m->text, record->length_bytes);
        return TG_OK;
    }
    struct field_text text;
    const enum tg_err err = need(m, TG_CSV_RECORD_ID, &text);
    uint64_t key = 1;
    for (unsigned i = 0; i < m->map->sources[TG_CSV_RECORD_ID].parts_count; i++) {
        const uint32_t column = m->columns->column[TG_CSV_RECORD_ID][i];
        const bool is_there = column > 0 && column <= record->cells_count;
        key = is_there ? tg_key_hash(key, record->cells[column - 1].text,
                                     record->cells[column - 1].text_bytes)
                       : tg_key_hash(key, "", 0);
    }
    m->row->record_key = key;
    return err;
}

static enum tg_err make_kind(struct row_maker *m)
{
    struct field_text text;
    m->row->service = m->map->service;
    if (is_mapped(m, TG_CSV_SERVICE)) {
        const enum tg_err err = need(m, TG_CSV_SERVICE, &text);
        const int service = tg_csv_word_find(&m->map->services, text.text, text.text_bytes);
        if (err != TG_OK || service < 0) {
            return err != TG_OK ? err : TG_E_DECODE_SYNTAX;
        }
        m->row->service = (uint8_t)service;
    }
    bool is_incoming = m->map->is_incoming;
    if (is_mapped(m, TG_CSV_DIRECTION)) {
        const enum tg_err err = need(m, TG_CSV_DIRECTION, &text);
        const int direction = tg_csv_word_find(&m->map->directions, text.text, text.text_bytes);
        if (err != TG_OK || direction < 0) {
            return err != TG_OK ? err : TG_E_DECODE_SYNTAX;
        }
        is_incoming = direction == 1;
    }
    m->row->flags = is_incoming ? TG_USAGE_INCOMING : 0;
    return TG_OK;
}

/* Where the network routed a call to a ported number; a blank cell says nothing. */
static enum tg_err make_routed(struct row_maker *m)
{
    struct field_text text;
    uint64_t key = 0;
    enum tg_err err = get(m, TG_CSV_ROUTED, &text);
    m->routed = 0;
    if (err != TG_OK || text.text_bytes == 0) {
        return err;
    }
    err = tg_csv_number(&m->map->dial, TG_CSV_NUMBER_UNKNOWN, text.text, text.text_bytes, &key);
    m->routed = tg_digits_value(key);
    return err == TG_OK && m->routed > TG_QUANTITY_MAX ? TG_E_OVERFLOW : err;
}

/* Who pays is the caller, or the called party of an incoming record. */
static enum tg_err make_parties(struct row_maker *m)
{
    struct tg_usage *row = m->row;
    uint64_t keys[2] = {0, 0};
    enum tg_key_kind kinds[2] = {TG_KEY_NONE, TG_KEY_NONE};
    const bool is_incoming = (row->flags & TG_USAGE_INCOMING) != 0;
    const bool is_call = row->service == TG_SERVICE_VOICE || row->service == TG_SERVICE_MESSAGE;
    const uint8_t called = m->map->called_party != TG_CSV_PARTY_AUTO ? m->map->called_party
                           : is_call                                 ? TG_CSV_PARTY_NUMBER
                                                                     : TG_CSV_PARTY_NAME;
    enum tg_err err = make_party(m, TG_CSV_CALLER, m->map->caller_party, &keys[0], &kinds[0]);
    if (err == TG_E_MISSING_FIELD && is_incoming) {
        err = TG_OK; /* A caller who hides his number. */
    }
    if (err == TG_OK && m->map->sources[TG_CSV_CALLED].parts_count > 0) {
        err = make_party(m, TG_CSV_CALLED, called, &keys[1], &kinds[1]);
        const bool is_needed = is_incoming || row->service == TG_SERVICE_VOICE;
        if (err == TG_E_MISSING_FIELD && !is_needed) {
            err = TG_OK;
        }
    }
    if (err == TG_OK && row->service == TG_SERVICE_VOICE) {
        err = make_routed(m);
    }
    const unsigned payer = is_incoming ? 1 : 0;
    row->subscriber_key = keys[payer];
    row->peer_key = keys[1 - payer];
    row->key_kinds = tg_key_kinds(kinds[payer], kinds[1 - payer]);
    return err;
}

static enum tg_err make_party(struct row_maker *m, enum tg_csv_field field, uint8_t party,
                              uint64_t *key, enum tg_key_kind *kind)
{
    struct field_text text;
    if (party == TG_CSV_PARTY_NUMBER) {
        *kind = TG_KEY_E164;
        return make_number(m, field, key);
    }
    const enum tg_err err = need(m, field, &text);
    if (err != TG_OK) {
        return err;
    }
    if (party == TG_CSV_PARTY_IMSI) {
        *kind = TG_KEY_IMSI;
        return tg_digits_pack(text.text, text.text_bytes, key) ? TG_OK : TG_E_BAD_NUMBER;
    }
    *kind = TG_KEY_NAME;
    *key = tg_key_name(text.text, text.text_bytes);
    return TG_OK;
}

/* By (node, trunk group, type of number): rating-semantics 4.2.1. */
static enum tg_err make_number(struct row_maker *m, enum tg_csv_field field, uint64_t *key)
{
    const enum tg_csv_field type_field =
        field == TG_CSV_CALLER ? TG_CSV_CALLER_TYPE : TG_CSV_CALLED_TYPE;
    const struct tg_csv_dial_plan *dial = &m->map->dial;
    struct field_text text;
    int type = TG_CSV_NUMBER_UNKNOWN;
    enum tg_err err = TG_OK;
    if (m->map->trunks_count > 0) {
        err = get(m, TG_CSV_TRUNK, &text);
        dial = tg_csv_dial_find(m->map, text.text, text.text_bytes);
    }
    if (err == TG_OK && is_mapped(m, type_field)) {
        err = get(m, type_field, &text);
        if (err == TG_OK && text.text_bytes > 0) {
            type = tg_csv_word_find(&m->map->number_types, text.text, text.text_bytes);
            err = type >= 0 ? TG_OK : TG_E_DECODE_SYNTAX;
        }
    }
    err = err == TG_OK ? need(m, field, &text) : err;
    return err == TG_OK ? tg_csv_number(dial, (uint8_t)type, text.text, text.text_bytes, key) : err;
}

/* A quantity without its sign, where the map says that below 0 it is taken back. */
static enum tg_err need_quantity(struct row_maker *m, enum tg_csv_field field,
                                 struct field_text *out, bool *is_negative)
{
    const enum tg_err err = need(m, field, out);
    *is_negative = err == TG_OK && m->map->takes_back && out->text_bytes > 1 && out->text[0] == '-';
    if (*is_negative) {
        out->text++;
        out->text_bytes--;
    }
    return err;
}

/* All quantities of a record are of one sign; 0 has none. */
static enum tg_err sign_note(struct row_maker *m, bool is_negative, uint64_t value)
{
    if (!m->map->takes_back) {
        return TG_OK;
    }
    m->has_negative |= is_negative && value != 0;
    m->has_positive |= !is_negative && value != 0;
    if (m->has_negative) {
        m->row->key_kinds |= TG_KEY_KINDS_REVERSAL;
    }
    return m->has_negative && m->has_positive ? TG_E_NEGATIVE_USAGE : TG_OK;
}

static enum tg_err make_quantities(struct row_maker *m)
{
    struct tg_usage *row = m->row;
    struct field_text text;
    enum tg_err err = TG_OK;
    const bool is_counted = row->service == TG_SERVICE_MESSAGE || row->service == TG_SERVICE_EVENT;
    bool is_negative = false;
    if (is_mapped(m, TG_CSV_DURATION) && !is_counted) {
        uint32_t duration_ms = 0;
        err = need_quantity(m, TG_CSV_DURATION, &text, &is_negative);
        err = err == TG_OK
                  ? tg_csv_duration(m->map->duration_unit, text.text, text.text_bytes, &duration_ms)
                  : err;
        err = err == TG_OK ? sign_note(m, is_negative, duration_ms) : err;
        row->duration_ms = duration_ms;
    } else if (row->service == TG_SERVICE_VOICE) {
        m->record->error_field = tg_csv_field_name(TG_CSV_DURATION);
        return TG_E_MISSING_FIELD;
    }
    uint64_t up = is_counted ? 1 : 0;
    uint64_t down = 0;
    const enum tg_csv_field up_field = is_counted ? TG_CSV_QUANTITY : TG_CSV_OCTETS_UP;
    const bool has_octets = row->service != TG_SERVICE_VOICE;
    if (err == TG_OK && has_octets && is_mapped(m, up_field)) {
        err = need_quantity(m, up_field, &text, &is_negative);
        err = err == TG_OK ? tg_csv_count(text.text, text.text_bytes, TG_QUANTITY_MAX, &up) : err;
        err = err == TG_OK ? sign_note(m, is_negative, up) : err;
    }
    if (err == TG_OK && has_octets && !is_counted && is_mapped(m, TG_CSV_OCTETS_DOWN)) {
        err = need_quantity(m, TG_CSV_OCTETS_DOWN, &text, &is_negative);
        err = err == TG_OK ? tg_csv_count(text.text, text.text_bytes, TG_QUANTITY_MAX, &down) : err;
        err = err == TG_OK ? sign_note(m, is_negative, down) : err;
    }
    row->quantity_up = up & TG_QUANTITY_MAX;
    row->quantity_down = (row->service == TG_SERVICE_VOICE ? m->routed : down) & TG_QUANTITY_MAX;
    return err;
}

/* Money that an event carries, in 10^-4 minor units; a blank cell says nothing. */
static enum tg_err make_amount(struct row_maker *m)
{
    struct field_text text;
    uint64_t decimals = m->map->amount_decimals;
    uint64_t amount = 0;
    if (m->row->service != TG_SERVICE_EVENT || !is_mapped(m, TG_CSV_AMOUNT)) {
        return TG_OK;
    }
    enum tg_err err = get(m, TG_CSV_AMOUNT_DECIMALS, &text);
    if (err == TG_OK && text.text_bytes > 0) {
        err = tg_csv_count(text.text, text.text_bytes, TG_CSV_DECIMALS_MAX, &decimals);
    }
    err = err == TG_OK ? get(m, TG_CSV_AMOUNT, &text) : err;
    if (err != TG_OK || text.text_bytes == 0) {
        return err;
    }
    const bool is_negative = m->map->takes_back && text.text_bytes > 1 && text.text[0] == '-';
    text.text += is_negative ? 1 : 0;
    text.text_bytes -= is_negative ? 1 : 0;
    err = tg_csv_money(text.text, text.text_bytes, (uint8_t)decimals,
                       (uint8_t)(m->map->amount_minor + 4), TG_QUANTITY_MAX, &amount);
    m->row->quantity_down = amount & TG_QUANTITY_MAX;
    m->row->flags |= TG_USAGE_AMOUNT;
    return err == TG_OK ? sign_note(m, is_negative, amount) : err;
}

static enum tg_err make_closing(struct row_maker *m)
{
    struct field_text text;
    uint64_t number = 0;
    enum tg_err err = get(m, TG_CSV_CAUSE, &text);
    if (err == TG_OK && text.text_bytes > 0) {
        const int cause = tg_csv_word_find(&m->map->causes, text.text, text.text_bytes);
        err = cause >= 0 ? TG_OK : tg_csv_count(text.text, text.text_bytes, UINT8_MAX, &number);
        m->row->closing_cause = cause >= 0 ? (uint8_t)cause : (uint8_t)number;
    }
    if (err == TG_OK) {
        err = get(m, TG_CSV_RATING_GROUP, &text);
    }
    number = 0;
    if (err == TG_OK && text.text_bytes > 0) {
        err = tg_csv_count(text.text, text.text_bytes, UINT16_MAX, &number);
    }
    m->row->rating_group = number & UINT16_MAX;
    return err;
}

/* "26201", "262-01", or two columns joined: 262 and 01. A blank cell says nothing. */
static enum tg_err make_network(struct row_maker *m)
{
    struct field_text text;
    char digits[7];
    uint32_t count = 0;
    const enum tg_err err = get(m, TG_CSV_NETWORK, &text);
    m->record->plmn = 0;
    if (err != TG_OK || text.text_bytes == 0) {
        return err;
    }
    for (uint32_t i = 0; i < text.text_bytes && count < sizeof digits; i++) {
        const bool is_separator = i == 3 && (text.text[i] == '-' || text.text[i] == ' ');
        if (!is_separator) {
            digits[count++] = text.text[i];
        }
    }
    m->record->plmn = tg_plmn_pack(digits, count);
    return m->record->plmn != 0 ? TG_OK : TG_E_BAD_NUMBER;
}
