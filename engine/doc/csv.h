/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Strict CSV: rows of fields over a mapped file, each with line and column.
 *
 *  Source: RFC 4180 section 2; a bare LF ends a row as well, a UTF-8 byte order mark is skipped.
 *  Threads: one owner. Allocates: at open only. Cost: measured >= 100 MB/s.
 *
 *  Strict: a quote inside a plain field, text after a closing quote, a row with another number of
 *  fields than the header, an unclosed quote, a NUL and bytes that are no UTF-8 are errors at their
 *  place; empty lines are skipped.
 */
#ifndef TG_DOC_CSV_H
#define TG_DOC_CSV_H

#include "abi/err.h"
#include "doc/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TG_CSV_FIELDS_MAX    64u    /**< Columns; more is an error. */
#define TG_CSV_ESCAPED_BYTES 65536u /**< Bytes of a row's fields that hold doubled quotes. */

/** @brief One field of the current row. */
struct tg_csv_field {
    const char *text;    /**< Unescaped; borrowed until the next row; not NUL-terminated. */
    uint32_t text_bytes; /**< Its length. */
    uint32_t line;       /**< Where it begins, from 1. */
    uint32_t column;     /**< From 1, counted in characters. */
};

/** @brief A reader; treat as opaque but for the fields documented as readable. */
struct tg_csv {
    struct tg_source source;                       /**< Readable: for marks. */
    struct tg_csv_field fields[TG_CSV_FIELDS_MAX]; /**< Readable: the current row. */
    uint32_t fields_count;                         /**< Readable: fields of the current row. */
    uint32_t line;          /**< Readable: line where the current row begins. */
    uint32_t columns_count; /**< Columns of the header; 0 before it is read. */
    const char *at;         /**< Next byte. */
    const char *end;        /**< One past the last. */
    const char *line_start; /**< First byte of the current line. */
    uint32_t line_next;     /**< Line of `at`. */
    bool is_mapped;         /**< text was mapped by open. */
    bool is_ascii;          /**< No byte of the text is above 0x7f. */
    char *escaped;          /**< Unescaped fields go here. */
    size_t escaped_bytes;   /**< Used of it. */
};

/**
 * @brief Map a file and get ready to read its header.
 * @param[out]    csv   Caller's memory; tg_csv_close also after a failure.
 * @param[in]     path  File; borrowed until close.
 * @param[in,out] diag  A file that cannot be read.
 * @return TG_OK, TG_E_IO or TG_E_NO_MEMORY.
 */
enum tg_err tg_csv_open(struct tg_csv *csv, const char *path, struct tg_diag *diag);

/**
 * @brief Read from memory.
 * @param[out] csv         Caller's memory.
 * @param[in]  path        Name for messages; borrowed until close.
 * @param[in]  text        Borrowed until close.
 * @param[in]  text_bytes  Its length.
 * @return TG_OK or TG_E_NO_MEMORY.
 */
enum tg_err tg_csv_open_text(struct tg_csv *csv, const char *path, const char *text,
                             size_t text_bytes);

/** @brief Unmap. @param csv Opened, or zeroed. */
void tg_csv_close(struct tg_csv *csv);

/** @brief A column the reader knows. */
struct tg_csv_column {
    const char *name; /**< In the header. */
    bool is_required; /**< Its absence is an error. */
};

/**
 * @brief Read the header row and find the known columns.
 * @param[in,out] csv            Just opened.
 * @param[in]     columns        Shape [columns_count].
 * @param[in]     columns_count  1..TG_CSV_FIELDS_MAX.
 * @param[out]    index          Field of each known column, or -1; shape [columns_count].
 * @param[in,out] diag           Unknown (did you mean), doubled and missing columns.
 * @return TG_OK or TG_E_DOCUMENT.
 */
enum tg_err tg_csv_header(struct tg_csv *csv, const struct tg_csv_column *columns,
                          uint32_t columns_count, int16_t *index, struct tg_diag *diag);

/**
 * @brief Read the next row into csv->fields.
 * @param[in,out] csv   Reader. After an error it goes on with the next line.
 * @param[in,out] diag  What is wrong with the row.
 * @return TG_OK; TG_E_NOT_FOUND at the end; TG_E_DOCUMENT: this row is refused, call again.
 */
enum tg_err tg_csv_next(struct tg_csv *csv, struct tg_diag *diag);

/** @brief Place of a field. @param csv Reader. @param field Of the current row, or NULL: its start.
 *  @return Mark. */
struct tg_mark tg_csv_mark(const struct tg_csv *csv, const struct tg_csv_field *field);

#endif
