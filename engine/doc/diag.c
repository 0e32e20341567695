/* SPDX-License-Identifier: Apache-2.0 */
#include "doc/diag.h"

#include "doc/json.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define EXCERPT_BYTES_MAX 160u
#define WORD_BYTES_MAX    64u

struct tg_diag {
    struct tg_diag_entry *entries;
    uint32_t entries_count;
    uint32_t entries_room;
    uint32_t errors_count;
    uint32_t warnings_count;
    uint32_t ignored_count;
    bool is_strict;
    const char *ignored[TG_DIAG_IGNORED_MAX];
    /* Where a line begins that was shown last: lints of a large deck come in the order of lines. */
    const char *seen_text;
    const char *seen_at;
    uint32_t seen_line;
};

static char *text_copy(const char *text, size_t text_bytes)
{
    char *copy = malloc(text_bytes + 1);
    if (copy != NULL) {
        memcpy(copy, text, text_bytes);
        copy[text_bytes] = '\0';
    }
    return copy;
}

static void entry_free(struct tg_diag_entry *entry)
{
    free(entry->path);
    free(entry->text);
    free(entry->hint);
    free(entry->excerpt);
}

struct tg_diag *tg_diag_open(void)
{
    return calloc(1, sizeof(struct tg_diag));
}

void tg_diag_close(struct tg_diag *diag)
{
    if (diag == NULL) {
        return;
    }
    for (uint32_t i = 0; i < diag->entries_count; i++) {
        entry_free(&diag->entries[i]);
    }
    free(diag->entries);
    free(diag);
}

/* The line of a mark, cut to what fits a screen. */
static char *excerpt_copy(struct tg_diag *diag, struct tg_mark mark)
{
    const struct tg_source *source = mark.source;
    if (source == NULL || source->text == NULL || mark.line == 0) {
        return NULL;
    }
    const char *at = source->text;
    const char *const end = source->text + source->text_bytes;
    const bool is_behind = diag->seen_text == source->text && mark.line >= diag->seen_line;
    at = is_behind ? diag->seen_at : at;
    for (uint32_t line = is_behind ? diag->seen_line : 1; line < mark.line; line++) {
        const char *newline = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
        if (newline == NULL) {
            return NULL;
        }
        at = newline + 1;
    }
    diag->seen_text = source->text;
    diag->seen_at = at;
    diag->seen_line = mark.line;
    const char *newline = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
    size_t length = (size_t)((newline != NULL ? newline : end) - at);
    length -= length > 0 && at[length - 1] == '\r' ? 1 : 0;
    if (length > EXCERPT_BYTES_MAX) {
        length = EXCERPT_BYTES_MAX;
        while (length > 0 && ((unsigned char)at[length] & 0xc0) == 0x80) {
            length--; /* never cut inside a character */
        }
    }
    return text_copy(at, length);
}

static bool entries_grow(struct tg_diag *diag)
{
    if (diag->entries_count < diag->entries_room) {
        return true;
    }
    const uint32_t room = diag->entries_room == 0 ? 16 : diag->entries_room * 2;
    struct tg_diag_entry *entries = realloc(diag->entries, room * sizeof *entries);
    if (entries == NULL) {
        return false;
    }
    diag->entries = entries;
    diag->entries_room = room;
    return true;
}

static void entry_add(struct tg_diag *diag, enum tg_severity severity, const char *code,
                      struct tg_mark mark, const char *hint, const char *format, va_list args)
{
    diag->errors_count += severity == TG_DIAG_ERROR ? 1 : 0;
    diag->warnings_count += severity == TG_DIAG_WARNING ? 1 : 0;
    if (diag->entries_count == TG_DIAG_ENTRIES_MAX || !entries_grow(diag)) {
        return; /* counted; the totals say so */
    }
    char text[512];
    (void)vsnprintf(text, sizeof text, format, args);
    const char *path = mark.source != NULL ? mark.source->path : "-";
    struct tg_diag_entry *entry = &diag->entries[diag->entries_count];
    *entry = (struct tg_diag_entry){.path = text_copy(path, strlen(path)),
                                    .text = text_copy(text, strlen(text)),
                                    .hint = hint != NULL ? text_copy(hint, strlen(hint)) : NULL,
                                    .excerpt = excerpt_copy(diag, mark),
                                    .line = mark.line,
                                    .column = mark.column,
                                    .severity = severity,
                                    .code = code};
    if (entry->path == NULL || entry->text == NULL) {
        entry_free(entry);
        return;
    }
    diag->entries_count++;
}

void tg_diag_add(struct tg_diag *diag, enum tg_severity severity, struct tg_mark mark,
                 const char *hint, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    entry_add(diag, severity, NULL, mark, hint, format, args);
    va_end(args);
}

void tg_diag_lint(struct tg_diag *diag, const char *code, struct tg_mark mark, const char *hint,
                  const char *format, ...)
{
    for (uint32_t i = 0; i < diag->ignored_count; i++) {
        if (strcmp(diag->ignored[i], code) == 0) {
            return;
        }
    }
    va_list args;
    va_start(args, format);
    entry_add(diag, TG_DIAG_WARNING, code, mark, hint, format, args);
    va_end(args);
}

void tg_diag_ignore(struct tg_diag *diag, const char *code)
{
    if (diag->ignored_count < TG_DIAG_IGNORED_MAX) {
        diag->ignored[diag->ignored_count++] = code;
    }
}

void tg_diag_be_strict(struct tg_diag *diag)
{
    diag->is_strict = true;
}

uint32_t tg_diag_settle(struct tg_diag *diag)
{
    if (diag->is_strict) {
        for (uint32_t i = 0; i < diag->entries_count; i++) {
            diag->entries[i].severity = TG_DIAG_ERROR;
        }
        diag->errors_count += diag->warnings_count;
        diag->warnings_count = 0;
    }
    return diag->errors_count;
}

uint32_t tg_diag_errors_count(const struct tg_diag *diag)
{
    return diag->errors_count;
}

uint32_t tg_diag_warnings_count(const struct tg_diag *diag)
{
    return diag->warnings_count;
}

uint32_t tg_diag_entries_count(const struct tg_diag *diag)
{
    return diag->entries_count;
}

const struct tg_diag_entry *tg_diag_entry(const struct tg_diag *diag, uint32_t index)
{
    return index < diag->entries_count ? &diag->entries[index] : NULL;
}

static int entry_compare(const struct tg_diag_entry *a, const struct tg_diag_entry *b)
{
    const int path = strcmp(a->path, b->path);
    if (path != 0) {
        return path;
    }
    if (a->line != b->line) {
        return a->line < b->line ? -1 : 1;
    }
    if (a->column != b->column) {
        return a->column < b->column ? -1 : 1;
    }
    return 0;
}

/* Merge sort, because equal places keep the order in which they were found. */
static void entries_sort(struct tg_diag_entry *entries, struct tg_diag_entry *spare, uint32_t count)
{
    if (count < 2) {
        return;
    }
    const uint32_t half = count / 2;
    entries_sort(entries, spare, half);
    entries_sort(entries + half, spare, count - half);
    memcpy(spare, entries, count * sizeof *entries);
    uint32_t left = 0;
    uint32_t right = half;
    for (uint32_t i = 0; i < count; i++) {
        const bool take_left =
            right == count || (left < half && entry_compare(&spare[left], &spare[right]) <= 0);
        entries[i] = take_left ? spare[left++] : spare[right++];
    }
}

void tg_diag_sort(struct tg_diag *diag)
{
    if (diag->entries_count < 2) {
        return;
    }
    struct tg_diag_entry *spare = malloc(diag->entries_count * sizeof *spare);
    if (spare != NULL) {
        entries_sort(diag->entries, spare, diag->entries_count);
        free(spare);
    }
}

static void caret_print(const struct tg_diag_entry *entry, FILE *to)
{
    (void)fprintf(to, "    %s\n    ", entry->excerpt);
    uint32_t column = 1;
    for (const char *at = entry->excerpt; column < entry->column && *at != '\0'; at++) {
        if (((unsigned char)*at & 0xc0) != 0x80) { /* one blank a character, tabs kept */
            (void)fputc(*at == '\t' ? '\t' : ' ', to);
            column++;
        }
    }
    (void)fputs("^\n", to);
}

static void entry_print(const struct tg_diag_entry *entry, FILE *to)
{
    (void)fprintf(to, "%s:", entry->path);
    if (entry->line > 0) {
        (void)fprintf(to, "%u:%u:", entry->line, entry->column);
    }
    (void)fprintf(to, " %s: %s", entry->severity == TG_DIAG_ERROR ? "error" : "warning",
                  entry->text);
    if (entry->hint != NULL) {
        (void)fprintf(to, "; %s", entry->hint);
    }
    if (entry->code != NULL) {
        (void)fprintf(to, " [%s]", entry->code);
    }
    (void)fputc('\n', to);
    if (entry->excerpt != NULL) {
        caret_print(entry, to);
    }
}

void tg_diag_print(struct tg_diag *diag, FILE *to)
{
    tg_diag_sort(diag);
    for (uint32_t i = 0; i < diag->entries_count; i++) {
        entry_print(&diag->entries[i], to);
    }
    if (diag->errors_count + diag->warnings_count > 0) {
        (void)fprintf(to, "%u error%s, %u warning%s", diag->errors_count,
                      diag->errors_count == 1 ? "" : "s", diag->warnings_count,
                      diag->warnings_count == 1 ? "" : "s");
        if (diag->errors_count + diag->warnings_count > diag->entries_count) {
            (void)fprintf(to, " (the first %u are shown)", diag->entries_count);
        }
        (void)fputc('\n', to);
    }
}

void tg_diag_json(struct tg_diag *diag, struct tg_json *to)
{
    tg_diag_sort(diag);
    struct tg_json *list = tg_json_list();
    for (uint32_t i = 0; i < diag->entries_count; i++) {
        const struct tg_diag_entry *entry = &diag->entries[i];
        struct tg_json *item = tg_json_object();
        tg_json_set_string(item, "file", entry->path);
        tg_json_set_integer(item, "line", entry->line);
        tg_json_set_integer(item, "column", entry->column);
        tg_json_set_string(item, "severity",
                           entry->severity == TG_DIAG_ERROR ? "error" : "warning");
        tg_json_set_string(item, "text", entry->text);
        if (entry->hint != NULL) {
            tg_json_set_string(item, "hint", entry->hint);
        }
        if (entry->code != NULL) {
            tg_json_set_string(item, "code", entry->code);
        }
        tg_json_append(list, item);
    }
    tg_json_set_integer(to, "errors", diag->errors_count);
    tg_json_set_integer(to, "warnings", diag->warnings_count);
    tg_json_set(to, "diagnostics", list);
}

void tg_diag_print_json(struct tg_diag *diag, FILE *to)
{
    struct tg_json *all = tg_json_object();
    tg_diag_json(diag, all);
    (void)tg_json_print(all, false, to);
    (void)fputc('\n', to);
    tg_json_free(all);
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: insertions, deletions, changes and swaps of neighbours cost one. */
static uint32_t edit_distance(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    uint32_t rows[3][WORD_BYTES_MAX + 1];
    for (size_t j = 0; j <= b_bytes; j++) {
        rows[0][j] = (uint32_t)j;
    }
    for (size_t i = 1; i <= a_bytes; i++) {
        uint32_t *now = rows[i % 3];
        const uint32_t *before = rows[(i + 2) % 3];
        const uint32_t *before_that = rows[(i + 1) % 3];
        now[0] = (uint32_t)i;
        for (size_t j = 1; j <= b_bytes; j++) {
            now[j] = least(least(before[j], now[j - 1]) + 1,
                           before[j - 1] + (a[i - 1] != b[j - 1] ? 1 : 0));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                now[j] = least(now[j], before_that[j - 2] + 1);
            }
        }
    }
    return rows[a_bytes % 3][b_bytes];
}

const char *tg_diag_nearest(const char *word, const char *const *names, size_t names_count)
{
    const size_t word_bytes = strlen(word);
    if (word_bytes == 0 || word_bytes > WORD_BYTES_MAX) {
        return NULL;
    }
    const char *best = NULL;
    uint32_t best_distance = (uint32_t)(word_bytes / 3 > 0 ? word_bytes / 3 : 1) + 1;
    for (size_t i = 0; i < names_count; i++) {
        const size_t name_bytes = names[i] != NULL ? strlen(names[i]) : 0;
        if (name_bytes == 0 || name_bytes > WORD_BYTES_MAX) {
            continue;
        }
        const uint32_t distance = edit_distance(word, word_bytes, names[i], name_bytes);
        /* A distance of the whole word is no likeness: "x" is not near "y". */
        if (distance < best_distance && distance < word_bytes) {
            best = names[i];
            best_distance = distance;
        }
    }
    return best;
}
