/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Why does it cost that? Rows behind an invoice line, and how each row's charge came to be.
 *
 *  Source: design.md law 9. Threads: the calling one. Allocates: a replay's memory.
 *  Cost: a scan to find a row, then the replay of one account's months (replay.h).
 *
 *  A row is priced again by the rate stage itself, with the catalog version that priced it and the
 *  counters the rows before it left; the answer says whether the stored charge is still what comes
 *  out. Nothing is told from memory.
 */
#ifndef TG_BILL_EXPLAIN_H
#define TG_BILL_EXPLAIN_H

#include "base/error.h"
#include "bill/replay.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_db;
struct tg_json;

/** @brief How rows are named. */
enum tg_explain_kind {
    TG_EXPLAIN_PLACE = 0, /**< Epoch and index in the journal, as printed "EPOCH:INDEX". */
    TG_EXPLAIN_KEY = 1,   /**< Record key: 16 hexadecimal digits. */
    TG_EXPLAIN_LINE = 2   /**< Everything behind one invoice line. */
};

/** @brief Which rows; only the fields of its kind count. */
struct tg_explain_ref {
    uint64_t epoch;          /**< PLACE. */
    uint64_t record_key;     /**< KEY. */
    uint32_t index;          /**< PLACE. */
    uint8_t kind;            /**< enum tg_explain_kind. */
    bool is_adjustment;      /**< LINE: rows that adjustments of this line correct. */
    uint8_t service;         /**< LINE: enum tg_service. */
    bool is_late;            /**< LINE: of a period that was closed before its rows came. */
    bool is_prepaid;         /**< LINE: of rows that a balance paid. */
    uint8_t reserved[3];     /**< 0. */
    uint32_t subscriber;     /**< LINE: roster index. */
    uint32_t version_after;  /**< LINE: catalog versions above this ... */
    uint32_t version_to;     /**< LINE: ... up to this are on the line. */
    uint32_t month;          /**< LINE: number of the cycle whose run made the line (cycle.h): its
                                  closes say which rows were in time; 0: no cycle, all were. */
    int64_t from_ns;         /**< LINE: period. */
    int64_t to_ns;           /**< LINE: end, exclusive. */
    const char *zone_id;     /**< LINE: zone's name; borrowed. */
    const char *band_id;     /**< LINE: band its rows begin in, "" none, NULL any; borrowed. */
    const char *price_id;    /**< LINE: price's name; borrowed. */
    const char *exchange_id; /**< LINE: exchange rate of its rows, "" none; borrowed. */
};

/** @brief What is known of a row before it is replayed. */
struct tg_explain_found {
    struct tg_usage usage;   /**< As journaled. */
    struct tg_charge charge; /**< As journaled. */
    uint64_t epoch;          /**< Place: epoch ... */
    uint32_t index;          /**< ... and row. */
    uint32_t count;          /**< Rows of that key; the last one rated is told about. */
};

/** @brief Read "EPOCH:INDEX" or a record key. @param text NUL-terminated. @param[out] ref Written
 *  when it is one. @return true if so. */
bool tg_explain_ref_parse(const char *text, struct tg_explain_ref *ref);

/**
 * @brief Find a row by place or key.
 * @param[in]  data_dir  Holds journal/.
 * @param[in]  ref       PLACE or KEY.
 * @param[out] found     Written on TG_OK.
 * @param[out] why       May be NULL.
 * @return TG_OK, TG_E_NOT_FOUND, TG_E_NO_MEMORY, TG_E_IO, TG_E_CORRUPT, TG_E_CHAIN, TG_E_FORMAT.
 */
enum tg_err tg_explain_find(const char *data_dir, const struct tg_explain_ref *ref,
                            struct tg_explain_found *found, struct tg_why *why);

/** @brief Sees each row that was asked for, in journal order. @param context As given. @param row
 *  With its trace. @return TG_OK to go on. */
typedef enum tg_err (*tg_explain_visit)(void *context, const struct tg_replay_row *row);

/** @brief What to replay. */
struct tg_explain_params {
    uint32_t size_bytes;                       /**< sizeof(struct tg_explain_params). */
    uint32_t account;                          /**< Whose rows: roster index. */
    const char *data_dir;                      /**< Holds journal/. */
    const struct tg_catalog_snapshot *catalog; /**< As stored. */
    struct tg_db *state;                       /**< LINE: closed periods; NULL: none is. */
    struct tg_explain_ref ref;                 /**< Which rows; from_ns and to_ns always set. */
    tg_explain_visit visit;                    /**< Sees each, with its trace. */
    void *context;                             /**< For visit. */
};

/**
 * @brief Price the rows again, with traces.
 * @param[in]  params  Borrowed until return.
 * @param[out] why     May be NULL.
 * @return As tg_replay_run; of a LINE also TG_E_FULL, TG_E_DATABASE, TG_E_CATALOG_VERSION of its
 *         closes (close.h).
 */
enum tg_err tg_explain_run(const struct tg_explain_params *params, struct tg_why *why);

/** @brief Does the charge a row stands at differ from what comes out now? @param row Shown by the
 *  replay. @return true when amount or units differ, or it is refused now. */
bool tg_explain_differs(const struct tg_replay_row *row);

/**
 * @brief Leading digits of the called number that decide its zone.
 * @param[in]  row     Shown by the replay.
 * @param[in]  plan_service  Plan's service, NULL: none.
 * @param[out] digits  The fewest leading digits behind which the zone stays the same; "" when the
 *                     zone does not come from a number.
 */
void tg_explain_prefix(const struct tg_replay_row *row, const struct tg_plan_service *plan_service,
                       char digits[20]);

/**
 * @brief A row's charge as JSON: usage, prefix, zone, increments, allowance, pieces, amounts.
 * @param catalog  Roster and names.
 * @param row      Shown by the replay, with trace.
 * @return New object; caller frees; NULL without memory.
 */
struct tg_json *tg_explain_row_json(const struct tg_catalog_snapshot *catalog,
                                    const struct tg_replay_row *row);

/**
 * @brief The same as sentences.
 * @param[in]  catalog     Roster and names.
 * @param[in]  row         Shown by the replay, with trace.
 * @param[out] text        NUL-terminated.
 * @param[in]  text_bytes  Room; what does not fit is cut.
 */
void tg_explain_row_text(const struct tg_catalog_snapshot *catalog, const struct tg_replay_row *row,
                         char *text, size_t text_bytes);

#endif
