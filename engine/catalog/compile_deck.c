/* SPDX-License-Identifier: Apache-2.0 */
/* Decks: CSV files and inline prefixes to rows, rows to tables. */
#include "abi/key.h"
#include "base/clock.h"
#include "catalog/compile.h"
#include "catalog/deck.h"
#include "catalog/keys.h"
#include "catalog/pattern.h"
#include "catalog/sheets.h"
#include "doc/csv.h"
#include "doc/scalar.h"
#include "doc/schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum deck_column { COLUMN_PREFIX, COLUMN_ZONE, COLUMN_FROM, COLUMN_TO, COLUMNS_COUNT };

static const struct tg_csv_column deck_columns[COLUMNS_COUNT + TG_RATE_COLUMNS_COUNT] = {
    {"prefix", true},
    {"zone", true},
    {"valid_from", false},
    {"valid_to", false},
    [COLUMNS_COUNT + TG_RATE_COLUMN_PRICE] = {"price", true},
    [COLUMNS_COUNT + TG_RATE_COLUMN_CONNECT] = {"connect", false},
    [COLUMNS_COUNT + TG_RATE_COLUMN_FIRST] = {"first", false},
    [COLUMNS_COUNT + TG_RATE_COLUMN_NEXT] = {"next", false},
    [COLUMNS_COUNT + TG_RATE_COLUMN_BUY] = {"buy", false},
    [COLUMNS_COUNT + TG_RATE_COLUMN_INTRA] = {"intra", false},
    [COLUMNS_COUNT + TG_RATE_COLUMN_UNKNOWN] = {"indeterminate", false},
    [COLUMNS_COUNT + TG_RATE_COLUMN_PLACE] = {"jurisdiction", false},
    [COLUMNS_COUNT + TG_RATE_COLUMN_MINIMUM] = {"minimum", false},
    [COLUMNS_COUNT + TG_RATE_COLUMN_GRACE] = {"grace", false},
    [COLUMNS_COUNT + TG_RATE_COLUMN_INCLUDED] = {"included", false},
    [COLUMNS_COUNT + TG_RATE_COLUMN_MIN] = {"min", false},
    [COLUMNS_COUNT + TG_RATE_COLUMN_MAX] = {"max", false},
    [COLUMNS_COUNT + TG_RATE_COLUMN_TAX] = {"tax", false}};

/* One deck while it is read. */
struct deck_reader {
    struct tg_compile *compile;
    struct tg_compile_sheet *sheet;
    struct tg_rate_sheet *rates; /* NULL: rows have no prices */
    uint8_t *zones;
    uint16_t file; /* which of the deck's sheets is read */
    struct tg_sheet_rule rules[TG_DECK_FILES_MAX];
};

static uint32_t zone_number(struct deck_reader *reader, const char *text, size_t text_bytes,
                            struct tg_mark mark)
{
    struct tg_names *zones = &reader->compile->names[TG_CATALOG_ZONE];
    if (!tg_scalar_is_name(text, text_bytes)) {
        tg_diag_add(reader->compile->diag, TG_DIAG_ERROR, mark, "use a-z, 0-9, _ . -",
                    "zone \"%.*s\" is not a name", (int)(text_bytes < 64 ? text_bytes : 64), text);
        return UINT32_MAX;
    }
    if (text_bytes == 4 && memcmp(text, "home", 4) == 0) { /* prices: home is no zone at all */
        tg_diag_add(reader->compile->diag, TG_DIAG_ERROR, mark, "give it another name",
                    "zone \"home\" is what plans call usage in no zone");
        return UINT32_MAX;
    }
    const uint32_t zone = tg_names_add(zones, text, text_bytes);
    if (zone == UINT32_MAX || zone >= TG_DECK_NONE) {
        reader->compile->is_out_of_memory |= zone == UINT32_MAX;
        tg_diag_add(reader->compile->diag, TG_DIAG_ERROR, mark, NULL,
                    "more than 65534 zones over all versions");
        return UINT32_MAX;
    }
    reader->zones[zone / 8] |= (uint8_t)(1u << (zone % 8));
    return zone;
}

/* A prefix, a short code or a pattern of either; numbers_count is 1 unless it is a pattern. */
struct written {
    uint64_t key; /* when it is one number */
    struct tg_pattern pattern;
    uint8_t is_exact;
    uint32_t numbers_count;
};

static bool prefix_read(struct deck_reader *reader, const char *text, size_t text_bytes,
                        struct tg_mark mark, struct written *written)
{
    const int shown = (int)(text_bytes < 64 ? text_bytes : 64);
    const char *whole = text;
    written->key = 0;
    written->is_exact = text_bytes > 0 && text[0] == '=' ? 1 : 0;
    written->numbers_count = 1;
    written->pattern.places_count = 0;
    if (text_bytes == 0 || (text_bytes == 1 && text[0] == '*')) {
        return true; /* every number begins with nothing: the deck's default (4.2.3) */
    }
    text += written->is_exact;
    text_bytes -= written->is_exact;
    if (text_bytes != 0 && tg_digits_pack(text, text_bytes, &written->key)) {
        return true;
    }
    const enum tg_pattern_fault fault = tg_pattern_read(text, text_bytes, &written->pattern);
    written->numbers_count = written->pattern.numbers_count;
    if (fault == TG_PATTERN_TOO_MANY) {
        tg_diag_add(reader->compile->diag, TG_DIAG_ERROR, mark,
                    "leave out x at its end, or split it",
                    "pattern \"%.*s\" stands for more than %u numbers", shown, whole,
                    TG_PATTERN_NUMBERS_MAX);
    } else if (fault != TG_PATTERN_FINE) {
        tg_diag_add(reader->compile->diag, TG_DIAG_ERROR, mark,
                    "write digits without +, x for any digit, [2-5] for some; = before a short "
                    "code; or * for any number",
                    "prefix \"%.*s\" is not 1 to 15 digits", shown, whole);
    }
    return fault == TG_PATTERN_FINE;
}

/* One row, or one for each number of a pattern. */
static void rows_add(struct deck_reader *reader, const struct written *written,
                     struct tg_deck_row *row)
{
    struct tg_blob *rows = &reader->sheet->rows;
    row->is_exact = written->is_exact;
    row->key = written->key;
    row->file = reader->file;
    if (written->numbers_count == 1 && written->pattern.places_count == 0) {
        (void)tg_blob_append(rows, row, sizeof *row, 8);
        return;
    }
    row->flags = TG_ROW_PATTERN;
    for (uint32_t i = 0; i < written->numbers_count; i++) {
        row->key = tg_pattern_key(&written->pattern, i);
        (void)tg_blob_append(rows, row, sizeof *row, 8);
    }
}

static bool time_read(struct deck_reader *reader, const struct tg_csv *csv, int16_t column,
                      int64_t absent, int64_t *time_ns)
{
    *time_ns = absent;
    if (column < 0 || csv->fields[column].text_bytes == 0) {
        return true;
    }
    const struct tg_csv_field *field = &csv->fields[column];
    if (tg_clock_parse(field->text, field->text_bytes, time_ns) != TG_OK) {
        tg_diag_add(reader->compile->diag, TG_DIAG_ERROR, tg_csv_mark(csv, field),
                    "write a date such as 2026-11-01", "\"%.*s\" is no date or time",
                    (int)(field->text_bytes < 64 ? field->text_bytes : 64), field->text);
        return false;
    }
    return true;
}

static uint16_t column_short(uint32_t column)
{
    return (uint16_t)(column < UINT16_MAX ? column : UINT16_MAX);
}

static void csv_row_take(struct deck_reader *reader, const struct tg_csv *csv, const int16_t *index)
{
    const struct tg_csv_field *prefix = &csv->fields[index[COLUMN_PREFIX]];
    const struct tg_csv_field *zone = &csv->fields[index[COLUMN_ZONE]];
    struct tg_deck_row row = {.line = prefix->line, .column = column_short(prefix->column)};
    struct written written;
    const bool has_key =
        prefix_read(reader, prefix->text, prefix->text_bytes, tg_csv_mark(csv, prefix), &written);
    const uint32_t zone_index =
        reader->rates == NULL
            ? zone_number(reader, zone->text, zone->text_bytes, tg_csv_mark(csv, zone))
            : tg_rate_sheet_row(reader->rates, csv, zone, index + COLUMNS_COUNT);
    if (reader->rates != NULL) {
        row.price_column =
            column_short(csv->fields[index[COLUMNS_COUNT + TG_RATE_COLUMN_PRICE]].column);
    }
    const int64_t from_ns = reader->rules[reader->file].from_ns;
    const bool has_from = time_read(reader, csv, index[COLUMN_FROM], from_ns, &row.valid_from_ns);
    const bool has_to = time_read(reader, csv, index[COLUMN_TO], INT64_MAX, &row.valid_to_ns);
    if (!has_key || zone_index == UINT32_MAX || !has_from || !has_to) {
        return;
    }
    row.zone = (uint16_t)zone_index;
    if (row.valid_from_ns >= row.valid_to_ns) {
        tg_diag_add(reader->compile->diag, TG_DIAG_ERROR,
                    tg_csv_mark(csv, &csv->fields[index[COLUMN_TO]]), NULL,
                    "valid_to is not after valid_from");
        return;
    }
    if (row.valid_from_ns < from_ns) {
        tg_diag_add(reader->compile->diag, TG_DIAG_ERROR,
                    tg_csv_mark(csv, &csv->fields[index[COLUMN_FROM]]), NULL,
                    "valid_from is before that of the sheet");
        return;
    }
    rows_add(reader, &written, &row);
}

/* How many prefixes the sheets before have and this one lacks: an oversight costs more than a look.
 */
static void missing_tell(const struct deck_reader *reader)
{
    const struct tg_compile_sheet *sheet = reader->sheet;
    for (uint32_t i = 1; i < sheet->files_count; i++) {
        const struct tg_sheet_rule *rule = &reader->rules[i];
        const struct tg_yaml_node *node = sheet->files[i].node;
        char from[TG_CLOCK_TEXT_BYTES];
        (void)tg_clock_format(rule->from_ns, from);
        if (rule->missing_count > 0) {
            tg_diag_lint(reader->compile->diag, "missing", node->mark, NULL,
                         "%u prefix%s of the sheets before %s not in this one: %s %s",
                         rule->missing_count, rule->missing_count == 1 ? "" : "es",
                         rule->missing_count == 1 ? "is" : "are",
                         rule->is_deleting ? "ended on" : "kept as before, also from", from);
        }
    }
}

static void rows_finish(struct deck_reader *reader, struct tg_deck *deck)
{
    struct tg_compile_sheet *sheet = reader->sheet;
    struct tg_deck_row *rows = (struct tg_deck_row *)(void *)sheet->rows.bytes;
    const bool is_closing = tg_schema_number(&tg_catalog_deck_keys, sheet->node, "open_end") != 0;
    const struct tg_source *sources[TG_DECK_FILES_MAX];
    for (uint16_t i = 0; i < TG_DECK_FILES_MAX; i++) {
        sources[i] = tg_compile_source(sheet, i);
    }
    uint32_t count = tg_deck_sort(rows, (uint32_t)(sheet->rows.size_bytes / sizeof *rows));
    if (sheet->files_count > 1) {
        count = tg_sheets_settle(rows, count, reader->rules, sheet->files_count);
        missing_tell(reader);
    }
    tg_deck_check(rows, count, is_closing, sources, reader->compile->diag);
    sheet->rows_count = count;
    tg_deck_build(rows, count, &reader->compile->sections[TG_IMAGE_SECTION_DECK_DATA], deck);
    reader->compile->prefixes_count += count;
}

/* Rows of one file; false: nothing of it could be read. */
static bool csv_read(struct deck_reader *reader, const struct tg_yaml_node *file)
{
    struct tg_folder *folder = reader->compile->folder;
    struct tg_diag *diag = reader->compile->diag;
    struct tg_compile_file *own = &reader->sheet->files[reader->file];
    struct stat kind = {0};
    own->node = file;
    if (file->text[0] == '/' || strstr(file->text, "..") != NULL ||
        !tg_folder_join(folder, file->text, own->path)) {
        tg_diag_add(diag, TG_DIAG_ERROR, file->mark, "write a path below the catalog's folder",
                    "file: \"%.64s\" lies outside the folder", file->text);
        return false;
    }
    if (tg_compile_is_doubtful(reader->compile, file)) {
        return false;
    }
    const int error = access(own->path, R_OK) != 0  ? errno
                      : stat(own->path, &kind) != 0 ? errno
                      : S_ISDIR(kind.st_mode)       ? EISDIR
                                                    : 0;
    if (error != 0) {
        tg_diag_add(diag, TG_DIAG_ERROR, file->mark, NULL, "file: \"%.64s\" cannot be read: %s",
                    file->text, strerror(error));
        return false;
    }
    struct tg_csv *csv = &own->csv;
    int16_t index[COLUMNS_COUNT + TG_RATE_COLUMNS_COUNT];
    const uint32_t columns_count =
        COLUMNS_COUNT + (reader->rates != NULL ? TG_RATE_COLUMNS_COUNT : 0);
    enum tg_err err = tg_csv_open(csv, own->path, diag);
    err = err == TG_OK ? tg_csv_header(csv, deck_columns, columns_count, index, diag) : err;
    if (err != TG_OK) {
        return false;
    }
    folder->content_hash =
        tg_key_hash(folder->content_hash, csv->source.text, csv->source.text_bytes);
    while ((err = tg_csv_next(csv, diag)) != TG_E_NOT_FOUND) {
        if (err == TG_OK) {
            csv_row_take(reader, csv, index);
        }
    }
    return true;
}

/* Time and say of a sheet behind the first must be written; what a sheet lacks is money. */
static bool sheet_rule_read(struct deck_reader *reader, const struct tg_yaml_node *sheet)
{
    const struct tg_schema *keys = &tg_catalog_sheet_keys;
    const struct tg_yaml_node *from = tg_yaml_get(sheet, "valid_from");
    const struct tg_yaml_node *missing = tg_yaml_get(sheet, "missing");
    struct tg_diag *diag = reader->compile->diag;
    struct tg_sheet_rule *rule = &reader->rules[reader->file];
    rule->from_ns = from != NULL ? tg_schema_number(keys, sheet, "valid_from") : INT64_MIN;
    rule->is_deleting = missing != NULL && tg_schema_number(keys, sheet, "missing") != 0;
    if (reader->file == 0 && missing != NULL) {
        tg_diag_add(diag, TG_DIAG_ERROR, missing->key_mark, NULL,
                    "missing: there is no sheet before the first");
        return false;
    }
    if (reader->file > 0 && tg_compile_is_doubtful(reader->compile, sheet)) {
        return false;
    }
    if (reader->file > 0 && (from == NULL || missing == NULL)) {
        tg_diag_add(diag, TG_DIAG_ERROR, sheet->mark,
                    "write valid_from, and missing: keep or delete",
                    "a sheet behind the first needs %s", from == NULL ? "valid_from" : "missing");
        return false;
    }
    if (reader->file > 0 && rule->from_ns <= reader->rules[reader->file - 1].from_ns) {
        tg_diag_add(diag, TG_DIAG_ERROR, from->mark, NULL,
                    "valid_from is not after that of the sheet before");
        return false;
    }
    return true;
}

/* `file` alone, or all `sheets`; the sheet's source is the last one's. */
static void files_read(struct deck_reader *reader, const struct tg_yaml_node *file,
                       const struct tg_yaml_node *sheets, struct tg_deck *deck)
{
    struct tg_compile_sheet *own = reader->sheet;
    uint32_t count = file != NULL ? 1 : sheets->children_count;
    count = count < TG_DECK_FILES_MAX ? count : TG_DECK_FILES_MAX; /* the schema refuses more */
    own->files = calloc(count, sizeof *own->files);
    if (own->files == NULL) {
        reader->compile->is_out_of_memory = true;
        return;
    }
    bool is_fine = true;
    const struct tg_yaml_node *child = file != NULL ? NULL : sheets->child;
    for (reader->file = 0; reader->file < count; reader->file++) {
        const struct tg_yaml_node *name = file != NULL ? file : tg_yaml_get(child, "file");
        own->files_count++;
        reader->rules[reader->file] = (struct tg_sheet_rule){.from_ns = INT64_MIN};
        const bool is_named = name != NULL && name->kind == TG_YAML_SCALAR;
        is_fine = (file != NULL || sheet_rule_read(reader, child)) && is_named &&
                  csv_read(reader, name) && is_fine;
        child = child != NULL ? child->next : NULL;
    }
    if (is_fine) {
        own->source = &own->files[count - 1].csv.source;
        rows_finish(reader, deck);
    }
}

static void inline_read(struct deck_reader *reader, const struct tg_yaml_node *prefixes,
                        struct tg_deck *deck)
{
    for (const struct tg_yaml_node *child = prefixes->child; child != NULL; child = child->next) {
        struct tg_deck_row row = {.valid_from_ns = INT64_MIN,
                                  .valid_to_ns = INT64_MAX,
                                  .line = child->key_mark.line,
                                  .column = column_short(child->key_mark.column)};
        struct written written;
        if (!prefix_read(reader, child->key, strlen(child->key), child->key_mark, &written) ||
            !tg_scalar_is_name(child->text, child->text_bytes)) {
            continue; /* a bad zone name was reported by the schema */
        }
        const uint32_t zone = zone_number(reader, child->text, child->text_bytes, child->mark);
        row.zone = (uint16_t)zone;
        if (zone != UINT32_MAX) {
            rows_add(reader, &written, &row);
        }
    }
    reader->sheet->source = prefixes->mark.source;
    rows_finish(reader, deck);
}

static void deck_compile(struct tg_compile *compile, const struct tg_yaml_node *node,
                         struct tg_compile_sheet *sheet, uint8_t *zones)
{
    struct tg_deck deck = {0};
    struct deck_reader reader = {.compile = compile, .sheet = sheet, .zones = zones};
    const struct tg_yaml_node *file = tg_yaml_get(node, "file");
    const struct tg_yaml_node *sheets = tg_yaml_get(node, "sheets");
    const struct tg_yaml_node *prefixes = tg_yaml_get(node, "prefixes");
    const struct tg_yaml_node *rates = tg_yaml_get(node, "rates");
    const bool has_files = (file != NULL && file->kind == TG_YAML_SCALAR) ||
                           (sheets != NULL && sheets->kind == TG_YAML_LIST);
    sheet->node = node;
    reader.rules[0].from_ns = INT64_MIN;
    const int sources_count = (file != NULL) + (sheets != NULL) + (prefixes != NULL);
    if (sources_count == 0 && tg_compile_is_doubtful(compile, node)) {
        /* One of them may be misspelt. */
    } else if (sources_count != 1) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, node->key_mark, NULL,
                    "deck \"%.64s\" needs one of file, sheets and prefixes", node->key);
    } else if (rates != NULL && prefixes != NULL) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, rates->key_mark, NULL,
                    "rates: only a file has prices on its rows");
    } else if (has_files) {
        if (rates != NULL && rates->kind == TG_YAML_MAP) {
            reader.rates = tg_rate_sheet_open(compile, node, rates, zones);
            compile->is_out_of_memory |= reader.rates == NULL;
            sheet->has_rates = true;
        }
        files_read(&reader, file, sheets, &deck);
        tg_rate_sheet_close(reader.rates);
    } else if (prefixes != NULL && prefixes->kind == TG_YAML_MAP) {
        inline_read(&reader, prefixes, &deck);
    }
    compile->is_out_of_memory |= sheet->rows.is_broken;
    (void)tg_blob_append(&compile->sections[TG_IMAGE_SECTION_DECKS], &deck, sizeof deck, 8);
}

/* Which rate sheet a deck is bought by; it may be declared behind it. */
static void buys_resolve(struct tg_compile *compile)
{
    for (uint32_t i = 0; i < compile->names[TG_CATALOG_DECK].count; i++) {
        const struct tg_yaml_node *buy = tg_yaml_get(compile->sheets[i].node, "buy");
        const uint32_t deck =
            buy != NULL ? tg_compile_resolve(compile, TG_CATALOG_DECK, "deck", buy) : UINT32_MAX;
        compile->sheets[i].buy_deck = TG_DECK_NONE;
        if (deck == UINT32_MAX) {
            continue;
        }
        if (!compile->sheets[deck].has_rates) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, buy->mark, "give that deck rates",
                        "buy: deck \"%.64s\" brings no prices", buy->text);
            continue;
        }
        compile->sheets[i].buy_deck = (uint16_t)deck;
    }
}

void tg_compile_decks(struct tg_compile *compile)
{
    const uint32_t count = compile->names[TG_CATALOG_DECK].count;
    compile->deck_zones = calloc(count + 1, sizeof *compile->deck_zones);
    compile->sheets = calloc(count + 1, sizeof *compile->sheets);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *zones = calloc(1, TG_ZONE_BITS_BYTES);
        if (compile->deck_zones == NULL || compile->sheets == NULL || zones == NULL) {
            free(zones);
            compile->is_out_of_memory = true;
            return;
        }
        compile->deck_zones[i] = zones;
        deck_compile(compile, compile->nodes[TG_CATALOG_DECK][i], &compile->sheets[i], zones);
    }
    buys_resolve(compile);
}
