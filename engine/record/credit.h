/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What happened to a prepaid account, as the journal keeps it: one note an event.
 *
 *  Source: reference rating-semantics 4.13; two-phase transfers (pending, posted, voided, timeout).
 *  Threads: plain data, copied by value. Allocates: never. Cost: 232 bytes an event.
 *
 *  The key of the note is "credit/ACCOUNT/ORDINAL" in decimal. Events of an account carry ordinals
 *  1, 2, 3 ... in journal order, so that a lost or doubled one shows. What rated rows take from a
 *  balance is no event: the row itself says so (TG_CHARGE_PREPAID).
 *
 *                   --HOLD (another one of the account ended: what is left costs more)--> open
 *      OPEN (holds) --POST (rated usage)--> posted
 *                   --VOID (given up)-----> voided
 *                   --EXPIRE (time is up, or its node is down)--> expired
 *                                           expired --POST (late: holds nothing)--> posted
 */
#ifndef TG_RECORD_CREDIT_H
#define TG_RECORD_CREDIT_H

#include "abi/usage.h"

#include <stdint.h>

/** Source of committed usage; ingest gives ids below TG_SOURCES_MAX only. */
#define TG_CREDIT_SOURCE_ID UINT16_C(65534)
/** Name behind the source_key of TG_CREDIT_SOURCE_ID. */
#define TG_CREDIT_SOURCE_NAME "tollgate/credit"
/** What the keys of the notes begin with. */
#define TG_CREDIT_NOTE "credit/"
/** Longest id of a request, NUL included. */
#define TG_CREDIT_ID_BYTES 64u

/** @brief Rows that nodes told of, between those that requests committed: these name the node that
 * a client says the session runs on, and are no sign that it lives. @param source_ids Shape
 * [count].
 *  @param from Where to look. @param count Rows. @param[out] end Behind the run. @return Its first
 *  row; count: there are no more. */
static inline uint32_t tg_credit_told_rows(const uint16_t *source_ids, uint32_t from,
                                           uint32_t count, uint32_t *end)
{
    while (from < count && source_ids[from] == TG_CREDIT_SOURCE_ID) {
        from++;
    }
    *end = from;
    while (*end < count && source_ids[*end] != TG_CREDIT_SOURCE_ID) {
        ++*end;
    }
    return from;
}

/** @brief What happened. Values are stored: pinned for life. */
enum tg_credit_event_kind {
    TG_CREDIT_OPEN = 1,   /**< A reservation holds amount. */
    TG_CREDIT_POST = 2,   /**< Used: amount was charged by a row, held is free again. */
    TG_CREDIT_VOID = 3,   /**< Released: held is free again. */
    TG_CREDIT_EXPIRE = 4, /**< Its time is up, or its node is down: held is free again. */
    TG_CREDIT_TOPUP = 5,  /**< amount was added to the balance, or taken when below 0. */
    TG_CREDIT_ALERT = 6,  /**< The set of alerts the balance is below has changed. */
    TG_CREDIT_HOLD = 7,   /**< An open reservation holds amount now, held until now. */
    TG_CREDIT_LAPSE = 8   /**< Money topped up until valid_to_ns was not used: amount, below 0. */
};

/** @brief One event. */
struct tg_credit_event {
    struct tg_usage row;         /**< OPEN: what was asked for; else 0. */
    char id[TG_CREDIT_ID_BYTES]; /**< The request's id, NUL-filled; ALERT, LAPSE: empty. */
    int64_t at_ns;               /**< Event time of the request. */
    int64_t now_ns;              /**< Time that the engine was given. */
    int64_t valid_to_ns;         /**< OPEN, TOPUP, LAPSE: when it expires; TOPUP: 0 never. With
                                      is_outage: since when its node was down. */
    int64_t amount;      /**< OPEN, HOLD: held; POST: charged; TOPUP, LAPSE: added. Rating scale. */
    int64_t held;        /**< POST, VOID, EXPIRE, HOLD: what was held until now. */
    int64_t balance;     /**< Afterwards. */
    uint64_t quantity;   /**< OPEN: granted; POST: used. Milliseconds, octets, events. */
    uint64_t content;    /**< Hash of what was asked for: the same id must ask the same. */
    uint64_t record_key; /**< POST: of the usage row; 0: nothing was used. */
    uint64_t ordinal;    /**< Of the account, from 1. */
    uint32_t account;    /**< Dense index. */
    uint32_t subscriber; /**< Dense index; TG_SUBSCRIBER_NONE for TOPUP, ALERT, LAPSE. */
    uint32_t number;     /**< Which reservation of the id; 0 the first. */
    uint16_t currency;   /**< ISO 4217 numeric. */
    int16_t reason;      /**< POST: enum tg_err of the row. */
    uint8_t kind;        /**< enum tg_credit_event_kind. */
    uint8_t alerts;      /**< Bits: alerts that the balance is below, afterwards. */
    uint8_t fate;        /**< POST: enum tg_fate of the row; 0 without one. */
    uint8_t dimension;   /**< OPEN: what quantity counts. */
    uint8_t is_over;     /**< POST: 1: more was charged than there was. */
    uint8_t is_outage;   /**< EXPIRE: 1: its node was down, since valid_to_ns. */
    uint8_t is_quoted;   /**< 1: no engine was there (`quote --data`). */
    uint8_t reserved[1]; /**< 0. */
};
_Static_assert(sizeof(struct tg_credit_event) == 232, "stored as it is");

#endif
