/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief One CSV record: cut into cells, and cells made into a usage row.
 *
 *  Source: RFC 4180 2 (records, quotes); leniency: LF alone ends a line, spaces round a field go.
 *  Threads: pure. Allocates: never. Cost: one pass over the line.
 */
#ifndef TG_CSV_LINE_H
#define TG_CSV_LINE_H

#include "csv_map.h"

#include "abi/err.h"
#include "abi/usage.h"

#include <stdbool.h>
#include <stdint.h>

/** Line ends within one record's quotes; more is taken for a stray quote. It also bounds the work:
 * a line is looked at this often at most. */
#define TG_CSV_RECORD_LINES_MAX 32u

/** @brief One cell, as in the input. */
struct tg_csv_cell {
    const char *text;    /**< Borrowed; without quotes and surrounding spaces. */
    uint32_t text_bytes; /**< Its length. */
    bool has_quotes;     /**< Doubled quotes are within. */
};

/** @brief One record. */
struct tg_csv_record {
    struct tg_csv_cell cells[TG_CSV_COLUMNS_MAX]; /**< Shape [cells_count]. */
    uint32_t cells_count;                         /**< 0..TG_CSV_COLUMNS_MAX. */
    uint32_t length_bytes;                        /**< Of the record without its line end. */
    uint32_t used_bytes;                          /**< With it. */
    uint32_t lines_count;    /**< Line ends passed, at least 1 but for an unterminated last line. */
    uint32_t plmn;           /**< tg_plmn_pack of the network; 0 the row does not say. */
    uint32_t error_offset;   /**< Of the fault within the record. */
    const char *error_field; /**< Static name, or NULL. */
};

/** @brief Which column each part of each field is in; 1-based, 0 not there. */
struct tg_csv_columns {
    uint16_t column[TG_CSV_FIELDS_COUNT][TG_CSV_PARTS_MAX]; /**< By field and part. */
    uint16_t cells_count; /**< Cells of the header; 0 without header. */
};

/**
 * @brief Cut the next record.
 * @param[in]  map           Delimiter and spaces.
 * @param[in]  text          Borrowed.
 * @param[in]  text_bytes    At least 1; to the end of the chunk.
 * @param[out] record        Written; on failure it covers the first line only, so that the lines
 *                           behind a stray quote are still read.
 * @return TG_OK, TG_E_DECODE_SYNTAX (text behind a closing quote), TG_E_TRUNCATED (a quote that is
 *         not closed in the chunk or in TG_CSV_RECORD_LINES_MAX lines), TG_E_COUNT (more than
 *         TG_CSV_COLUMNS_MAX columns).
 */
enum tg_err tg_csv_record_read(const struct tg_csv_map *map, const char *text, uint32_t text_bytes,
                               struct tg_csv_record *record);

/**
 * @brief Find the map's columns in a header.
 * @param[in]     map      Borrowed.
 * @param[in,out] record   The header; error_field names a field whose column is not there.
 * @param[out]    columns  Written.
 * @return TG_OK or TG_E_TEMPLATE.
 */
enum tg_err tg_csv_columns_find(const struct tg_csv_map *map, struct tg_csv_record *record,
                                struct tg_csv_columns *columns);

/**
 * @brief Make a row of a record.
 * @param[in]     map      Borrowed.
 * @param[in]     columns  Borrowed.
 * @param[in]     text     The record's bytes.
 * @param[in,out] record   error_offset and error_field are set on failure.
 * @param[out]    row      All but source_id, node_id and sequence is written.
 * @return TG_OK, TG_E_COUNT (other number of columns than the header), TG_E_MISSING_FIELD,
 *         TG_E_BAD_NUMBER, TG_E_BAD_TIMESTAMP, TG_E_NEGATIVE_USAGE, TG_E_OVERFLOW, TG_E_LENGTH (a
 *         cell too long to be what it is mapped to), TG_E_DECODE_SYNTAX (a word or number that
 *         means nothing).
 */
enum tg_err tg_csv_row_make(const struct tg_csv_map *map, const struct tg_csv_columns *columns,
                            const char *text, struct tg_csv_record *record, struct tg_usage *row);

#endif
