/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Identify: which subscriber a row belongs to, by number, IMSI, name or IP session.
 *
 *  Source: rating-semantics 4.2; sessions RFC 2866. Threads: pure over read-only tables; any ingest
 *  lcore. Allocates: never. Cost: one cache miss a row, overlapped in the batch.
 *
 *  A flow has two ends and either may be the subscriber's. The source is tried first; when nobody
 *  holds it the destination is tried, and if it is held the row is turned round: subscriber and
 * peer change places, octets up become octets down, TG_USAGE_SWAPPED is set.
 */
#ifndef TG_MEDIATE_IDENTIFY_H
#define TG_MEDIATE_IDENTIFY_H

#include "abi/decoder.h"
#include "base/limits.h"
#include "record/batch.h"

#include <stdint.h>

struct tg_roster;
struct tg_sessions;

/** @brief Rows whose session names a serving network, for tg_networks_run. */
struct tg_identify_networks {
    uint32_t count;                                 /**< How many. */
    struct tg_row_network items[TG_BATCH_ROWS_MAX]; /**< Each row at most once, in any order. */
};

/** @brief What a look-up needs; borrowed during a call. */
struct tg_identify {
    const struct tg_roster *roster;        /**< Of the catalog snapshot in force. */
    const struct tg_sessions *sessions;    /**< Address holders; may be NULL: no sessions. */
    struct tg_identify_networks *networks; /**< Out: of rows found by session that say no network
                                                themselves; NULL: nobody asks. */
};

/**
 * @brief Identify a batch.
 * @param[in]     self   Tables.
 * @param[in,out] batch  Rows with a fate are left alone; the others get charges[].subscriber, or
 *                       TG_FATE_SUSPENDED with TG_E_UNKNOWN_SUBSCRIBER when nobody is found.
 */
void tg_identify_run(const struct tg_identify *self, struct tg_batch *batch);

/**
 * @brief Dense index of one key, for session events.
 * @param self    Tables.
 * @param kind    enum tg_key_kind.
 * @param key     Key.
 * @param at_ns   Event time.
 * @return Index or TG_SUBSCRIBER_NONE.
 */
uint32_t tg_identify_key(const struct tg_identify *self, uint8_t kind, uint64_t key, int64_t at_ns);

#endif
