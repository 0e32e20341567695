/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The desk between the control thread and the rate workers: prepaid requests in, answers
 *  out.
 *
 *  Source: design.md sections 2 (law 2) and 5. Threads: the control thread fills and reads; while
 *  a round is on its way, workers write the answers of their accounts. Allocates: never.
 *  Cost: one relaxed load a turn of the ingest lcore; a round waits for its epoch's fdatasync.
 *
 *      control: fill --turn + 1 (release)--> ingest: open the epoch, marker behind all rows
 *      worker:  answer its own, journal, pending - 1 (release) --> control: wait durable, read
 *
 *  A worker leaves what is not its own alone; so a request that names only an id finds its owner.
 */
#ifndef TG_FLOW_DESK_H
#define TG_FLOW_DESK_H

#include "rate/credit.h"
#include "record/batch.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_block;
struct tg_catalog_snapshot;
struct tg_rating;

/** Requests of one round. */
#define TG_DESK_REQUESTS_MAX 256u
/** Reservations that one round lists. */
#define TG_DESK_VIEWS_MAX 256u

/** Nodes of which one round returns reservations. */
#define TG_DESK_OUTAGES_MAX 64u
/** Reservations that a worker returns for them in one round: rows wait meanwhile. */
#define TG_DESK_RETURNS_MAX 1024u
/** And that it looks at: a search of ten million goes on for a hundred and fifty rounds. */
#define TG_DESK_LOOKS_MAX 65536u

/** @brief The desk; one an engine. */
struct tg_desk {
    uint64_t turn;           /**< Rounds asked for. */
    uint32_t pending;        /**< Workers that have not answered this round. */
    uint32_t requests_count; /**< 0..TG_DESK_REQUESTS_MAX; 0: only expire. */
    int64_t now_ns;          /**< Time of the round, for expiry. */
    uint32_t views_count;    /**< Reservations found by LIST; may be more than TG_DESK_VIEWS_MAX. */
    bool has_list;           /**< A request is LIST. */
    bool is_writing;         /**< A request may change something. */
    bool has_more;           /**< A worker has not looked at all reservations for the outages. */
    uint64_t search;         /**< Number of the search for outages: the same one goes on. */
    uint32_t outages_count;  /**< 0..TG_DESK_OUTAGES_MAX. */
    struct tg_credit_outage outages[TG_DESK_OUTAGES_MAX];    /**< Nodes that are down. */
    struct tg_credit_request requests[TG_DESK_REQUESTS_MAX]; /**< Asked. */
    struct tg_credit_answer answers[TG_DESK_REQUESTS_MAX];   /**< Answered. */
    struct tg_credit_view views[TG_DESK_VIEWS_MAX];          /**< Listed. */
};

/** @brief Where a worker's rows and events of the open epoch go. */
struct tg_desk_sink {
    void *context; /**< For the calls. */
    /** The block of the open epoch, or NULL: the journal has failed. */
    struct tg_block *(*block)(void *context);
    /** The block is full: the next one of the same epoch, or NULL. */
    struct tg_block *(*next)(void *context);
    uint64_t epoch; /**< The open epoch. */
};

/** @brief Is there a round that this lcore has not taken up? @param desk Any thread.
 *  @param turn Rounds taken up. @return true if so. */
static inline bool tg_desk_is_waiting(const struct tg_desk *desk, uint64_t turn)
{
    /* Pairs with the release store of tg_pipeline_credit: what was asked is seen. */
    return __atomic_load_n(&desk->turn, __ATOMIC_ACQUIRE) != turn;
}

/**
 * @brief A worker's part of a round: expire, answer, journal.
 * @param[in,out] desk      Its answers are written.
 * @param[in,out] rating    The worker; no row of it is under way.
 * @param[in]     snapshot  Catalog in force.
 * @param[in]     sink      Borrowed.
 */
void tg_desk_serve(struct tg_desk *desk, struct tg_rating *rating,
                   const struct tg_catalog_snapshot *snapshot, const struct tg_desk_sink *sink);

/** @brief Journal the events that rows made; nothing happens without any. @param credit Worker.
 *  @param sink Borrowed. */
void tg_desk_flush(struct tg_credit *credit, const struct tg_desk_sink *sink);

#endif
