/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The scan engine: walk the journal, decompress only the asked columns, fold.
 *
 *  Source: design.md 1, "the journal is the table". Threads: one scan, one thread; any number of
 *  scans at the same time, in any process, also while the journal is written.
 *  Allocates: in tg_scan_open; a segment is mapped while it is walked. Cost: see the commit bodies.
 *
 *  Only blocks of committed epochs are given, in file order. Headers, directories, sections and
 *  planes are checked by CRC32C before they are used, and the hash chain from block to block;
 *  what is not asked for is not checked here: tg_audit_run checks everything.
 */
#ifndef TG_LEDGER_SCAN_H
#define TG_LEDGER_SCAN_H

#include "ledger/block.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_why;
struct tg_scan;

/* X(name, type, word, first octet, octets): word 0..7 of struct tg_usage, 8..15 of tg_charge. */
#define TG_COLUMN_LIST(X)                                                                          \
    X(subscriber_key, uint64_t, 0, 0, 8)                                                           \
    X(peer_key, uint64_t, 1, 0, 8)                                                                 \
    X(start_ns, int64_t, 2, 0, 8)                                                                  \
    X(quantity_up, uint64_t, 3, 0, 6)                                                              \
    X(rating_group, uint16_t, 3, 6, 2)                                                             \
    X(quantity_down, uint64_t, 4, 0, 6)                                                            \
    X(serving_network, uint16_t, 4, 6, 2)                                                          \
    X(record_key, uint64_t, 5, 0, 8)                                                               \
    X(duration_ms, uint32_t, 6, 0, 4)                                                              \
    X(sequence, uint32_t, 6, 4, 4)                                                                 \
    X(source_id, uint16_t, 7, 0, 2)                                                                \
    X(node_id, uint16_t, 7, 2, 2)                                                                  \
    X(service, uint8_t, 7, 4, 1)                                                                   \
    X(key_kinds, uint8_t, 7, 5, 1)                                                                 \
    X(closing_cause, uint8_t, 7, 6, 1)                                                             \
    X(flags, uint8_t, 7, 7, 1)                                                                     \
    X(amount, int64_t, 8, 0, 8)                                                                    \
    X(remainder, int64_t, 9, 0, 8)                                                                 \
    X(billed_units, uint64_t, 10, 0, 8)                                                            \
    X(allowance_units, uint64_t, 11, 0, 8)                                                         \
    X(units_before, uint64_t, 12, 0, 8)                                                            \
    X(subscriber, uint32_t, 13, 0, 4)                                                              \
    X(price_id, uint32_t, 13, 4, 4)                                                                \
    X(catalog_version, uint32_t, 14, 0, 4)                                                         \
    X(currency, uint16_t, 14, 4, 2)                                                                \
    X(zone, uint16_t, 14, 6, 2)                                                                    \
    X(reason, int16_t, 15, 0, 2)                                                                   \
    X(fate, uint8_t, 15, 2, 1)                                                                     \
    X(node_state, uint8_t, 15, 3, 1)                                                               \
    X(pieces_count, uint8_t, 15, 4, 1)                                                             \
    X(unit, uint8_t, 15, 5, 1)                                                                     \
    X(charge_flags, uint8_t, 15, 6, 1)                                                             \
    X(site, uint8_t, 15, 7, 1)

/** @brief Columns by index. */
enum tg_column {
#define TG_COLUMN_ENUM(name, type, word, octet, octets) TG_COLUMN_##name,
    TG_COLUMN_LIST(TG_COLUMN_ENUM)
#undef TG_COLUMN_ENUM
        TG_COLUMN_COUNT
};

/** @brief Mask bit of a column: TG_COLUMN_BIT(amount) | TG_COLUMN_BIT(subscriber). */
#define TG_COLUMN_BIT(name) (UINT64_C(1) << TG_COLUMN_##name)

/** @brief Sections of a block. Values are stored: pinned for life. */
enum tg_section {
    TG_SECTION_ROWS = 1,         /**< Rows and verdicts. */
    TG_SECTION_OBSERVATIONS = 2, /**< Observations. */
    TG_SECTION_TEXT = 3,         /**< Their text. */
    TG_SECTION_SESSIONS = 4,     /**< Session events. */
    TG_SECTION_INPUTS = 5,       /**< Inputs that changed decoder state. */
    TG_SECTION_REFUSALS = 6,     /**< Refused and parked bytes. */
    TG_SECTION_RELEASES = 7,     /**< Keys of settled ones. */
    TG_SECTION_SOURCES = 8,      /**< Source table. */
    TG_SECTION_NOTES = 9         /**< Notes. */
};
#define TG_SECTION_COUNT        10u
#define TG_SECTION_BIT(section) (1u << (section)) /**< Mask bit. */

/** @brief What to scan. Zero means everything unless noted. */
struct tg_scan_params {
    uint32_t size_bytes;  /**< sizeof of the caller's struct. */
    uint32_t sections;    /**< TG_SECTION_BIT of sections that make a block worth giving. With
                               TG_SECTION_ROWS the ranges below decide. 0: all blocks. */
    const char *dir;      /**< Data directory. */
    uint64_t epoch_min;   /**< First epoch. */
    uint64_t epoch_max;   /**< Last epoch; 0: the last committed one. */
    uint64_t columns;     /**< TG_COLUMN_BIT of columns to decode; 0: none. */
    int64_t event_min_ns; /**< Skip rows of blocks that end before this start_ns... */
    int64_t event_max_ns; /**< ... or begin at or after it; both 0: no range. The rows of a given
                               block may still lie outside: test start_ns. */
    uint32_t fates;       /**< Bits 1 << enum tg_fate: skip rows of blocks with none of them; the
                               rows of a given block may still be of others: test fate. */
    bool wants_structs;   /**< Give usage and charges arrays too: every plane is decoded. */
};

/** @brief One block; all pointers are valid until the next call on the scan. */
struct tg_scan_view {
    uint64_t epoch;        /**< Its epoch. */
    uint64_t block_number; /**< 1, 2, 3 ... through the whole journal. */
    int64_t journal_ns;    /**< tg_block_time of this block; 0 not set. */
    int64_t event_min_ns;  /**< Least start_ns of its rows; meaningless without rows. */
    int64_t event_max_ns;  /**< Greatest. */
    uint32_t catalog_min;  /**< Least catalog_version of rated rows; 0 when none is. */
    uint32_t catalog_max;  /**< Greatest. */
    uint32_t rows_count;   /**< Rows in the arrays; 0 when there are none or they are skipped. */
    uint32_t rows_total_count; /**< Rows in the block. */
    uint32_t lane;             /**< Lane that decoded it (lanes.h); else 0. */
    uint16_t stream;           /**< Which stream wrote it. */
    bool is_commit;            /**< Ends its epoch. */
    uint32_t sections;         /**< TG_SECTION_BIT of what is in the block. */
#define TG_COLUMN_POINTER(name, type, word, octet, octets) const type *name;
    TG_COLUMN_LIST(TG_COLUMN_POINTER) /**< Asked columns, shape [rows_count]; others are NULL. */
#undef TG_COLUMN_POINTER
    const struct tg_usage *usage;    /**< Shape [rows_count] with wants_structs; else NULL, and
                                          tg_scan_structs has them. */
    const struct tg_charge *charges; /**< Beside it. */
    struct tg_scan *scan;            /**< For the section functions. */
};

/** @brief Begin. @param params Borrowed until return. @param[out] scan Written on TG_OK; give back
 *  with tg_scan_close. @param[out] why May be NULL. @return TG_OK (also when there is no journal
 * yet), TG_E_INVALID, TG_E_NO_MEMORY, TG_E_IO. */
enum tg_err tg_scan_open(const struct tg_scan_params *params, struct tg_scan **scan,
                         struct tg_why *why);

/** @brief End. @param scan Opened, or NULL. */
void tg_scan_close(struct tg_scan *scan);

/**
 * @brief Next block.
 * @param[in,out] scan  Open.
 * @param[out]    view  Written on TG_OK.
 * @param[out]    why   Filled on failure with file and offset; may be NULL.
 * @return TG_OK, TG_E_NOT_FOUND (the end), TG_E_CORRUPT, TG_E_CHAIN, TG_E_FORMAT, TG_E_IO. After a
 *         failure every further call fails alike.
 */
enum tg_err tg_scan_next(struct tg_scan *scan, struct tg_scan_view *view, struct tg_why *why);

/** @brief Called once a block. @return TG_OK to go on; anything else ends the fold with it. */
typedef enum tg_err (*tg_scan_fold_fn)(void *context, const struct tg_scan_view *view);

/** @brief Run to the end. @param scan Open. @param fold Called a block. @param context Passed on.
 *  @param[out] why May be NULL. @return TG_OK at the end, or the first error. */
enum tg_err tg_scan_fold(struct tg_scan *scan, tg_scan_fold_fn fold, void *context,
                         struct tg_why *why);

/** @brief One whole row of the current block, whatever columns the scan asked for: for the few of
 *         many that need it. @param view Current. @param row Below view->rows_count.
 *  @param[out] usage Written on TG_OK. @param[out] charge Beside it. @param[out] why May be NULL.
 *  @return TG_OK, TG_E_CORRUPT, TG_E_IO. */
enum tg_err tg_scan_row(const struct tg_scan_view *view, uint32_t row, struct tg_usage *usage,
                        struct tg_charge *charge, struct tg_why *why);

/** @brief Whole rows of the current block, whatever columns the scan asked for: for the few blocks
 *         of many that need them. Blocks that need them follow each other, so the scan decodes them
 *         of its next block before it is asked; whether it did tells nothing but time.
 *  @param view Current. @param[out] usage Shape [view->rows_count]; borrowed as the view is.
 *  @param[out] charges Beside it. @param[out] why May be NULL. @return TG_OK, TG_E_CORRUPT,
 * TG_E_IO, TG_E_NO_MEMORY. */
enum tg_err tg_scan_structs(const struct tg_scan_view *view, const struct tg_usage **usage,
                            const struct tg_charge **charges, struct tg_why *why);

/** @brief A kept input; `input.bytes` and name are borrowed until the next call on the scan. */
struct tg_scan_input {
    char decoder[32];      /**< NUL-terminated. */
    struct tg_input input; /**< As it was decoded. */
};

/** @brief A position in a section; start with all zero. */
struct tg_scan_position {
    uint32_t offset_bytes; /**< Within the decompressed section. */
    uint32_t index;        /**< Items given. */
};

/** @brief Observations of a block. @param view Current. @param[out] observations Shape [count],
 *  text_offset into text. @param[out] count Written. @param[out] text Arena. @param[out] text_bytes
 *  Its length. @param[out] why May be NULL. @return TG_OK, TG_E_CORRUPT. */
enum tg_err tg_scan_observations(const struct tg_scan_view *view,
                                 const struct tg_observation **observations, uint32_t *count,
                                 const uint8_t **text, uint32_t *text_bytes, struct tg_why *why);

/** @brief Session events. @param view Current. @param[out] sessions Shape [count]. @param[out]
 * count Written. @param[out] why May be NULL. @return TG_OK, TG_E_CORRUPT. */
enum tg_err tg_scan_sessions(const struct tg_scan_view *view, const struct tg_session **sessions,
                             uint32_t *count, struct tg_why *why);

/** @brief Released keys. @param view Current. @param[out] keys Shape [count]. @param[out] count
 *  Written. @param[out] why May be NULL. @return TG_OK, TG_E_CORRUPT. */
enum tg_err tg_scan_releases(const struct tg_scan_view *view, const uint64_t **keys,
                             uint32_t *count, struct tg_why *why);

/** @brief Source table. @param view Current. @param[out] sources Shape [count]. @param[out] count
 *  Written. @param[out] why May be NULL. @return TG_OK, TG_E_CORRUPT. */
enum tg_err tg_scan_sources(const struct tg_scan_view *view,
                            const struct tg_journal_source **sources, uint32_t *count,
                            struct tg_why *why);

/** @brief Next kept input. @param view Current. @param[in,out] at Zero at first. @param[out] item
 *  Written on TG_OK. @param[out] why May be NULL. @return TG_OK, TG_E_NOT_FOUND (no more),
 *  TG_E_CORRUPT. */
enum tg_err tg_scan_input_next(const struct tg_scan_view *view, struct tg_scan_position *at,
                               struct tg_scan_input *item, struct tg_why *why);

/** @brief Next refusal; bytes and field are borrowed until the next call on the scan.
 *  @param view Current. @param[in,out] at Zero at first. @param[out] item Written on TG_OK; field
 * is NULL when none was kept. @param[out] why May be NULL. @return As tg_scan_input_next. */
enum tg_err tg_scan_refusal_next(const struct tg_scan_view *view, struct tg_scan_position *at,
                                 struct tg_journal_refusal *item, struct tg_why *why);

/** @brief A note as read back. */
struct tg_scan_note {
    const char *key;       /**< NUL-terminated. */
    const uint8_t *bytes;  /**< Value. */
    uint32_t length_bytes; /**< Its length. */
};

/** @brief Next note. @param view Current. @param[in,out] at Zero at first. @param[out] item Written
 * on TG_OK. @param[out] why May be NULL. @return As tg_scan_input_next. */
enum tg_err tg_scan_note_next(const struct tg_scan_view *view, struct tg_scan_position *at,
                              struct tg_scan_note *item, struct tg_why *why);

#endif
