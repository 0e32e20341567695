/* SPDX-License-Identifier: Apache-2.0 */
#include "doc/csv.h"

#include "doc/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is every byte ASCII? Most files are, and their characters need no look. */
static bool is_ascii(const char *text, size_t text_bytes)
{
    const char *at = text;
    const char *const end = text + text_bytes;
    for (; end - at >= 32; at += 32) {
        if (_mm256_movemask_epi8(_mm256_loadu_si256((const __m256i *)(const void *)at)) != 0) {
            return false;
        }
    }
    while (at < end && (unsigned char)*at < 0x80) {
        at++;
    }
    return at == end;
}

static void text_start(struct tg_csv *csv, const char *text, size_t text_bytes)
{
    csv->source.text = text;
    csv->source.text_bytes = text_bytes;
    const bool has_mark = text_bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
    csv->at = text + (has_mark ? 3 : 0);
    csv->line_start = csv->at;
    csv->end = text + text_bytes;
    csv->line_next = 1;
    csv->line = 1;
    csv->is_ascii = is_ascii(csv->at, (size_t)(csv->end - csv->at));
}

enum tg_err tg_csv_open_text(struct tg_csv *csv, const char *path, const char *text,
                             size_t text_bytes)
{
    *csv = (struct tg_csv){.source = {.path = path}};
    csv->escaped = malloc(TG_CSV_ESCAPED_BYTES);
    text_start(csv, text_bytes > 0 ? text : "", text_bytes);
    return csv->escaped != NULL ? TG_OK : TG_E_NO_MEMORY;
}

static enum tg_err open_refuse(struct tg_csv *csv, struct tg_diag *diag, int error)
{
    tg_diag_add(diag, TG_DIAG_ERROR, (struct tg_mark){&csv->source, 0, 0}, NULL,
                "the file cannot be read: %s", strerror(error));
    return TG_E_IO;
}

enum tg_err tg_csv_open(struct tg_csv *csv, const char *path, struct tg_diag *diag)
{
    enum tg_err err = tg_csv_open_text(csv, path, "", 0);
    if (err != TG_OK) {
        return err;
    }
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return open_refuse(csv, diag, errno);
    }
    struct stat stat_of = {0};
    if (fstat(fd, &stat_of) != 0 || !S_ISREG(stat_of.st_mode)) {
        err = open_refuse(csv, diag, S_ISDIR(stat_of.st_mode) ? EISDIR : EINVAL);
    } else if (stat_of.st_size > 0) {
        void *map = mmap(NULL, (size_t)stat_of.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED) {
            err = open_refuse(csv, diag, errno);
        } else {
            (void)madvise(map, (size_t)stat_of.st_size, MADV_SEQUENTIAL); /* only a wish */
            csv->is_mapped = true;
            text_start(csv, map, (size_t)stat_of.st_size);
        }
    }
    (void)close(fd);
    return err;
}

void tg_csv_close(struct tg_csv *csv)
{
    if (csv->is_mapped) {
        (void)munmap((void *)(uintptr_t)csv->source.text, csv->source.text_bytes);
    }
    free(csv->escaped);
    *csv = (struct tg_csv){0};
}

struct tg_mark tg_csv_mark(const struct tg_csv *csv, const struct tg_csv_field *field)
{
    return field != NULL ? (struct tg_mark){&csv->source, field->line, field->column}
                         : (struct tg_mark){&csv->source, csv->line, 1};
}

/* First of comma, LF, CR, quote or NUL; end when there is none. 32 bytes a step. */
static const char *special_find(const char *at, const char *end)
{
    const __m256i comma = _mm256_set1_epi8(',');
    const __m256i newline = _mm256_set1_epi8('\n');
    const __m256i carriage = _mm256_set1_epi8('\r');
    const __m256i quote = _mm256_set1_epi8('"');
    const __m256i zero = _mm256_setzero_si256();
    while (end - at >= 32) {
        const __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)at);
        const __m256i hit = _mm256_or_si256(
            _mm256_or_si256(_mm256_cmpeq_epi8(bytes, comma), _mm256_cmpeq_epi8(bytes, newline)),
            _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(bytes, carriage),
                                            _mm256_cmpeq_epi8(bytes, quote)),
                            _mm256_cmpeq_epi8(bytes, zero)));
        const uint32_t mask = (uint32_t)_mm256_movemask_epi8(hit);
        if (mask != 0) {
            return at + __builtin_ctz(mask);
        }
        at += 32;
    }
    while (at < end && *at != ',' && *at != '\n' && *at != '\r' && *at != '"' && *at != '\0') {
        at++;
    }
    return at;
}

/* Characters from the line's start: all bytes but those that go on with one. */
static uint32_t column_of(const char *line_start, const char *at)
{
    uint32_t column = 1;
    for (const char *c = line_start; c < at; c++) {
        column += ((unsigned char)*c & 0xc0) != 0x80 ? 1 : 0;
    }
    return column;
}

/* Refuse the row: report, and go on behind the next line end. */
static enum tg_err row_refuse(struct tg_csv *csv, struct tg_diag *diag, const char *at,
                              const char *text)
{
    const struct tg_mark mark = {&csv->source, csv->line_next, column_of(csv->line_start, at)};
    tg_diag_add(diag, TG_DIAG_ERROR, mark, NULL, "%s", text);
    const char *newline = at < csv->end ? memchr(at, '\n', (size_t)(csv->end - at)) : NULL;
    csv->at = newline != NULL ? newline + 1 : csv->end;
    csv->line_start = csv->at;
    csv->line_next += newline != NULL ? 1 : 0;
    csv->fields_count = 0;
    return TG_E_DOCUMENT;
}

/* A quoted field: copied only when it holds doubled quotes. Line ends inside are counted. */
static enum tg_err quoted_read(struct tg_csv *csv, struct tg_csv_field *field, struct tg_diag *diag)
{
    const char *const open = csv->at;
    const char *at = open + 1;
    const char *piece = at;
    char *copy = NULL;
    for (;;) {
        const char *quote = at < csv->end ? memchr(at, '"', (size_t)(csv->end - at)) : NULL;
        if (quote == NULL || memchr(at, '\0', (size_t)(quote - at)) != NULL) {
            return row_refuse(csv, diag, open,
                              quote == NULL ? "the quote is never closed"
                                            : "a NUL in a quoted field");
        }
        const bool is_doubled = quote + 1 < csv->end && quote[1] == '"';
        const size_t piece_bytes = (size_t)(quote - piece) + (is_doubled ? 1 : 0);
        if (is_doubled || copy != NULL) {
            if (csv->escaped_bytes + piece_bytes > TG_CSV_ESCAPED_BYTES) {
                return row_refuse(csv, diag, open, "the row has too many quoted bytes");
            }
            copy = copy != NULL ? copy : csv->escaped + csv->escaped_bytes;
            memcpy(csv->escaped + csv->escaped_bytes, piece, piece_bytes);
            csv->escaped_bytes += piece_bytes;
        }
        if (!is_doubled) {
            field->text = copy != NULL ? copy : open + 1;
            field->text_bytes =
                (uint32_t)(copy != NULL ? (size_t)(csv->escaped + csv->escaped_bytes - copy)
                                        : (size_t)(quote - (open + 1)));
            csv->at = quote + 1;
            break;
        }
        at = piece = quote + 2;
    }
    for (const char *c = open; c < csv->at; c++) {
        if (*c == '\n') {
            csv->line_next++;
            csv->line_start = c + 1;
        }
    }
    return TG_OK;
}

/* After a field: comma goes on, line end or end of text ends the row. */
static enum tg_err field_end(struct tg_csv *csv, struct tg_diag *diag, bool *is_last)
{
    if (csv->at == csv->end) {
        *is_last = true;
        return TG_OK;
    }
    if (*csv->at == ',') {
        csv->at++;
        return TG_OK;
    }
    const bool crlf = *csv->at == '\r' && csv->at + 1 < csv->end && csv->at[1] == '\n';
    if (*csv->at != '\n' && !crlf) {
        return row_refuse(csv, diag, csv->at,
                          *csv->at == '"'    ? "a quote inside a field that does not begin with one"
                          : *csv->at == '\r' ? "a carriage return without a line feed"
                          : *csv->at == '\0' ? "a NUL in a field"
                                             : "text behind the closing quote");
    }
    csv->at += crlf ? 2 : 1;
    csv->line_start = csv->at;
    csv->line_next++;
    *is_last = true;
    return TG_OK;
}

static enum tg_err row_read(struct tg_csv *csv, struct tg_diag *diag)
{
    csv->line = csv->line_next;
    csv->fields_count = 0;
    csv->escaped_bytes = 0;
    bool is_last = false;
    while (!is_last) {
        if (csv->fields_count == TG_CSV_FIELDS_MAX) {
            return row_refuse(csv, diag, csv->at, "the row has more than 64 fields");
        }
        struct tg_csv_field *field = &csv->fields[csv->fields_count];
        field->line = csv->line_next;
        field->column = (uint32_t)(csv->at - csv->line_start) + 1;
        enum tg_err err = TG_OK;
        if (csv->at < csv->end && *csv->at == '"') {
            err = quoted_read(csv, field, diag);
        } else {
            field->text = csv->at;
            csv->at = special_find(csv->at, csv->end);
            field->text_bytes = (uint32_t)(csv->at - field->text);
        }
        err = err == TG_OK ? field_end(csv, diag, &is_last) : err;
        if (err != TG_OK) {
            return err;
        }
        csv->fields_count++;
    }
    return TG_OK;
}

/* A row of a file that is not all ASCII: refuse bytes that are no UTF-8, and count the fields'
 * columns in characters. */
static enum tg_err characters_check(struct tg_csv *csv, const char *from, struct tg_diag *diag)
{
    uint32_t line = csv->line;
    uint32_t column = 1;
    uint32_t fields_done = 0;
    const char *line_start = from;
    for (const char *at = from; at < csv->at;) {
        struct tg_csv_field *field = &csv->fields[fields_done];
        if (fields_done < csv->fields_count && field->line == line &&
            field->column == (uint32_t)(at - line_start) + 1) {
            field->column = column;
            fields_done++;
            continue; /* an empty field's place is also the next comma's */
        }
        const size_t length = tg_utf8_length((const unsigned char *)at, (size_t)(csv->end - at));
        if (length == 0) {
            tg_diag_add(diag, TG_DIAG_ERROR, (struct tg_mark){&csv->source, line, column},
                        "save the file as UTF-8", "a byte that is no UTF-8");
            csv->fields_count = 0;
            return TG_E_DOCUMENT;
        }
        column = *at == '\n' ? 1 : column + 1;
        line += *at == '\n' ? 1 : 0;
        line_start = *at == '\n' ? at + 1 : line_start;
        at += length;
    }
    for (; fields_done < csv->fields_count; fields_done++) {
        csv->fields[fields_done].column = column; /* an empty one at the very end */
    }
    return TG_OK;
}

/* Lines without any character are no rows. */
static void blank_lines_skip(struct tg_csv *csv)
{
    while (csv->at < csv->end) {
        const bool crlf = *csv->at == '\r' && csv->at + 1 < csv->end && csv->at[1] == '\n';
        if (*csv->at != '\n' && !crlf) {
            return;
        }
        csv->at += crlf ? 2 : 1;
        csv->line_start = csv->at;
        csv->line_next++;
    }
}

enum tg_err tg_csv_next(struct tg_csv *csv, struct tg_diag *diag)
{
    blank_lines_skip(csv);
    if (csv->at == csv->end) {
        csv->fields_count = 0;
        return TG_E_NOT_FOUND;
    }
    const char *const from = csv->at;
    enum tg_err err = row_read(csv, diag);
    if (err == TG_OK && !csv->is_ascii) {
        err = characters_check(csv, from, diag);
    }
    if (err == TG_OK && csv->columns_count > 0 && csv->fields_count != csv->columns_count) {
        tg_diag_add(diag, TG_DIAG_ERROR, tg_csv_mark(csv, NULL), NULL,
                    "the row has %u field%s, the header has %u", csv->fields_count,
                    csv->fields_count == 1 ? "" : "s", csv->columns_count);
        return TG_E_DOCUMENT;
    }
    return err;
}

static int column_find(const struct tg_csv_column *columns, uint32_t columns_count,
                       const struct tg_csv_field *field)
{
    for (uint32_t i = 0; i < columns_count; i++) {
        if (strlen(columns[i].name) == field->text_bytes &&
            memcmp(columns[i].name, field->text, field->text_bytes) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* The column that was meant, for nobody misses it as well; -1: no telling. */
static int column_refuse(struct tg_csv *csv, const struct tg_csv_column *columns,
                         uint32_t columns_count, const struct tg_csv_field *field,
                         struct tg_diag *diag)
{
    const char *names[TG_CSV_FIELDS_MAX];
    for (uint32_t i = 0; i < columns_count; i++) {
        names[i] = columns[i].name;
    }
    char word[65];
    (void)snprintf(word, sizeof word, "%.*s",
                   (int)(field->text_bytes < 64 ? field->text_bytes : 64), field->text);
    const char *near = tg_diag_nearest(word, names, columns_count);
    char hint[128];
    (void)snprintf(hint, sizeof hint, "did you mean \"%s\"?", near != NULL ? near : "");
    tg_diag_add(diag, TG_DIAG_ERROR, tg_csv_mark(csv, field), near != NULL ? hint : NULL,
                "unknown column \"%s\"", word);
    for (uint32_t i = 0; near != NULL && i < columns_count; i++) {
        if (strcmp(names[i], near) == 0) {
            return (int)i;
        }
    }
    return -1;
}

enum tg_err tg_csv_header(struct tg_csv *csv, const struct tg_csv_column *columns,
                          uint32_t columns_count, int16_t *index, struct tg_diag *diag)
{
    const uint32_t errors_before = tg_diag_errors_count(diag);
    bool is_misspelt[TG_CSV_FIELDS_MAX] = {false};
    for (uint32_t i = 0; i < columns_count; i++) {
        index[i] = -1;
    }
    const enum tg_err err = tg_csv_next(csv, diag);
    if (err == TG_E_DOCUMENT) {
        return err;
    }
    for (uint32_t i = 0; i < csv->fields_count; i++) {
        const struct tg_csv_field *field = &csv->fields[i];
        const int column = column_find(columns, columns_count, field);
        if (column < 0) {
            const int meant = column_refuse(csv, columns, columns_count, field, diag);
            if (meant >= 0) {
                is_misspelt[meant] = true;
            }
        } else if (index[column] >= 0) {
            tg_diag_add(diag, TG_DIAG_ERROR, tg_csv_mark(csv, field), NULL,
                        "column \"%s\" is there twice", columns[column].name);
        } else {
            index[column] = (int16_t)i;
        }
    }
    for (uint32_t i = 0; i < columns_count; i++) {
        if (columns[i].is_required && index[i] < 0 && !is_misspelt[i]) {
            tg_diag_add(diag, TG_DIAG_ERROR, (struct tg_mark){&csv->source, csv->line, 1}, NULL,
                        "column \"%s\" is missing", columns[i].name);
        }
    }
    csv->columns_count = csv->fields_count;
    return tg_diag_errors_count(diag) == errors_before ? TG_OK : TG_E_DOCUMENT;
}
