/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Inside of a scan: shared by scan.c, columns_read.c, sections.c, lanes.c, recover.c and
 *         audit.c.
 *
 *  Source: ledger/scan.h. Threads: one. Allocates: tg_scan_open, and a section's memory at its
 * first use. Cost: none of its own.
 */
#ifndef TG_LEDGER_SCAN_STATE_H
#define TG_LEDGER_SCAN_STATE_H

#include "ledger/journal.h"
#include "ledger/lanes.h"
#include "ledger/reader.h"

/** @brief A scan. */
struct tg_scan {
    struct tg_scan_params params; /**< dir is not valid any more. */
    struct tg_reader reader;      /**< At the block being given. */
    struct tg_reader ahead;       /**< Looks for proof that an epoch was durable. */
    bool is_ahead_ended;          /**< Nothing follows `ahead`. */
    bool is_ended;                /**< Everything was given. */
    bool checks_all;              /**< Check every octet of every block (audit). */
    uint32_t lane;                /**< Only blocks whose number is this modulo lanes_count. */
    uint32_t lanes_count;         /**< 0, 1: all blocks. */
    struct tg_lanes_work work;    /**< What is made of rows where they are decoded. */
    uint64_t proved_epoch;        /**< At the end: last epoch whose blocks all check. */
    struct tg_journal_tail good;  /**< Behind the last block of the last good epoch. */
    enum tg_err failed;           /**< Sticky. */
    struct tg_why why;            /**< Of it. */

    struct tg_reader_block block;                      /**< Current. */
    struct tg_section_entry entries[TG_SECTION_COUNT]; /**< Its directory. */

    struct tg_codec *codec; /**< For decompression. */
    uint8_t *bytes;         /**< The current block as it is stored, as far as it was read. */
    size_t bytes_capacity;  /**< Its size; it grows with the blocks. */
    bool is_whole;          /**< All of the block was read and checked. */
    bool is_asked_structs;  /**< tg_scan_structs was called for the current block. */
    bool has_structs;       /**< They are decoded for the current block. */
    uint32_t rows_capacity; /**< Rows that the arrays below hold; they grow with the blocks. */
    uint64_t wanted[TG_ROW_WORDS]; /**< Octets of each word that a column is made of. */
    uint64_t words[TG_ROW_WORDS * TG_GROUP_STRIDE]; /**< Columns of a group. */
    void *columns[TG_COLUMN_COUNT];                 /**< Asked columns. */
    struct tg_usage *usage;                         /**< NULL until they are wanted. */
    struct tg_charge *charges;                      /**< NULL until they are wanted. */
    uint8_t *sections[TG_SECTION_COUNT];            /**< Decompressed. */
    size_t sections_bytes[TG_SECTION_COUNT];        /**< Their size, taken as it is needed. */
    uint32_t loaded; /**< TG_SECTION_BIT of sections that hold this block's. */
};

/** @brief A piece of the current block, read unless the whole block was.
 *  @param scan Open. @param offset_bytes In the block. @param length_bytes How many.
 *  @param[out] bytes Borrowed until the next block. @return TG_OK, TG_E_CORRUPT, TG_E_IO,
 *  TG_E_NO_MEMORY. */
enum tg_err tg_scan_bytes(struct tg_scan *scan, uint32_t offset_bytes, size_t length_bytes,
                          const uint8_t **bytes);

/** @brief Make room for a block's rows in the arrays of columns and, when has_structs, of structs.
 *  @param scan Open. @param rows_count At most TG_BLOCK_ROWS_MAX. @return TG_OK, TG_E_NO_MEMORY. */
enum tg_err tg_scan_room(struct tg_scan *scan, uint32_t rows_count);

/** @brief Note which octets the parameters ask for. @param scan Being opened. */
void tg_scan_wants(struct tg_scan *scan);

/** @brief Decode the asked columns of the current block into the view. @param scan Open.
 *  @param[in,out] view Being made. @return TG_OK, TG_E_CORRUPT, TG_E_IO. */
enum tg_err tg_scan_decode_rows(struct tg_scan *scan, struct tg_scan_view *view);

/** @brief Directory entry of a section of the current block. @param scan Open. @param kind enum
 *  tg_section. @return Entry or NULL. */
const struct tg_section_entry *tg_scan_entry(const struct tg_scan *scan, uint32_t kind);

/** @brief Note a failure with the place of the current block. @param scan Open. @param err Error.
 *  @param what Static text. @param[out] why May be NULL. @return err. */
enum tg_err tg_scan_fail(struct tg_scan *scan, enum tg_err err, const char *what,
                         struct tg_why *why);

#endif
