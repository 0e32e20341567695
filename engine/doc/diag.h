/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Mistakes in documents: all of them, each with file, line, column, text and a hint.
 *
 *  Source: design.md section 10: `file:line:col: error: ... did you mean ...`, all at once.
 *  Threads: one owner. Allocates: yes, control plane. Cost: a scan of the source a mistake.
 *
 *  Columns count characters (UTF-8 code points) from 1; lines count from 1.
 */
#ifndef TG_DOC_DIAG_H
#define TG_DOC_DIAG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TG_DIAG_IGNORED_MAX 16u /**< Lints that can be told to be silent. */

/** Mistakes kept; more are counted and their number is printed. */
#define TG_DIAG_ENTRIES_MAX 1000u

/** @brief A text that was read; whoever parsed it keeps it alive as long as its marks are used. */
struct tg_source {
    const char *path;  /**< As the user wrote it; NUL-terminated. */
    const char *text;  /**< The whole text; not NUL-terminated; NULL: no excerpt is shown. */
    size_t text_bytes; /**< Its length. */
};

/** @brief A place in a source. */
struct tg_mark {
    const struct tg_source *source; /**< Borrowed. */
    uint32_t line;                  /**< From 1; 0: the file as a whole. */
    uint32_t column;                /**< From 1. */
};

/** @brief How bad. */
enum tg_severity {
    TG_DIAG_ERROR = 0,  /**< The document cannot be used. */
    TG_DIAG_WARNING = 1 /**< It can, but a person should look. */
};

/** @brief One mistake; owned by the collector. */
struct tg_diag_entry {
    char *path;                /**< File. */
    char *text;                /**< What is wrong, without a final stop. */
    char *hint;                /**< What to do: `did you mean "workers"?`; NULL none. */
    char *excerpt;             /**< The source line, at most 160 bytes; NULL none. */
    uint32_t line;             /**< From 1; 0 the whole file. */
    uint32_t column;           /**< From 1. */
    enum tg_severity severity; /**< Error or warning. */
    const char *code;          /**< Name of the lint that found it ("hole"), static; NULL none. */
};

struct tg_diag;
struct tg_json; /* doc/json.h */

/** @brief Start collecting. @return New collector, or NULL without memory. */
struct tg_diag *tg_diag_open(void);

/** @brief Free. @param diag From tg_diag_open or NULL. */
void tg_diag_close(struct tg_diag *diag);

/**
 * @brief Add one mistake.
 * @param[in,out] diag      Collector.
 * @param[in]     severity  Error or warning.
 * @param[in]     mark      Where; the source line is copied now.
 * @param[in]     hint      What to do about it, or NULL; copied.
 * @param[in]     format    printf format of the text.
 */
void tg_diag_add(struct tg_diag *diag, enum tg_severity severity, struct tg_mark mark,
                 const char *hint, const char *format, ...) __attribute__((format(printf, 5, 6)));

/**
 * @brief Add one warning of a lint: right as a document, doubtful as a business.
 * @param[in,out] diag      Collector.
 * @param[in]     code      Name of the lint, static; nothing is added when it is ignored.
 * @param[in]     mark      Where.
 * @param[in]     hint      What to do about it, or NULL; copied.
 * @param[in]     format    printf format of the text.
 */
void tg_diag_lint(struct tg_diag *diag, const char *code, struct tg_mark mark, const char *hint,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));

/** @brief Be silent about a lint. @param diag Collector. @param code Static; at most
 *  TG_DIAG_IGNORED_MAX of them. */
void tg_diag_ignore(struct tg_diag *diag, const char *code);

/** @brief Let warnings count as errors once tg_diag_settle is called. @param diag Collector. */
void tg_diag_be_strict(struct tg_diag *diag);

/** @brief After all checks: a strict collector's warnings become errors. @param diag Collector.
 *  @return Errors now. */
uint32_t tg_diag_settle(struct tg_diag *diag);

/** @brief Errors so far, those not kept included. @param diag Collector. @return Count. */
uint32_t tg_diag_errors_count(const struct tg_diag *diag);

/** @brief Warnings so far, those not kept included. @param diag Collector. @return Count. */
uint32_t tg_diag_warnings_count(const struct tg_diag *diag);

/** @brief Entries kept. @param diag Collector. @return 0..TG_DIAG_ENTRIES_MAX. */
uint32_t tg_diag_entries_count(const struct tg_diag *diag);

/**
 * @brief One entry; they are in file, line, column order after tg_diag_sort.
 * @param diag   Collector.
 * @param index  Below tg_diag_entries_count.
 * @return Borrowed until the next add, sort or close.
 */
const struct tg_diag_entry *tg_diag_entry(const struct tg_diag *diag, uint32_t index);

/** @brief Order by file, line, column; equal places keep their order. @param diag Collector. */
void tg_diag_sort(struct tg_diag *diag);

/**
 * @brief Sort and print for a person: message, source line, caret; then a line of totals if any.
 * @param[in,out] diag  Collector.
 * @param[in,out] to    Stream.
 */
void tg_diag_print(struct tg_diag *diag, FILE *to);

/**
 * @brief Sort and put into a JSON object: errors, warnings, diagnostics [{file, line, column,
 *        severity, text, hint, code}].
 * @param[in,out] diag  Collector.
 * @param[in,out] to    Object.
 */
void tg_diag_json(struct tg_diag *diag, struct tg_json *to);

/**
 * @brief Sort and print one JSON object of tg_diag_json and a newline.
 * @param[in,out] diag  Collector.
 * @param[in,out] to    Stream.
 */
void tg_diag_print_json(struct tg_diag *diag, FILE *to);

/**
 * @brief Nearest of some names by edit distance (transpositions count one), for did-you-mean.
 * @param[in] word         What was written; NUL-terminated.
 * @param[in] names        Shape [names_count]; NULL entries are skipped.
 * @param[in] names_count  How many.
 * @return An element of names within a third of the word's length (at least 1), or NULL.
 */
const char *tg_diag_nearest(const char *word, const char *const *names, size_t names_count);

#endif
