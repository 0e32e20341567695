/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The command "rerate_post": corrections that another process worked out are posted while
 *  rows flow.
 *
 *  Source: rating-semantics 4.11; schemas/control/README.md. Threads: control thread; the work is a
 *  chore (chore.h) and, while rows are held, the ingest lcore. Allocates: a mark an account.
 *  Cost: rows wait for one fdatasync, a look at the last epochs and the work itself: some 20 ms,
 * and 0.2 us a correction.
 *
 *  The order of events, and why nothing is lost, doubled or priced in the wrong state:
 *
 *  (1) `tollgate rerate --post` works the differences out from the journal up to a durable
 *      epoch E and hands them over in sealed memory (bill/posting.h).
 *  (2) A chore checks them and looks through the journal behind E, up to D, durable now.
 *      Rows flow.
 *  (3) Another chore, which does not give way since rows wait for it, has the ingest lcore
 *      stand still behind an epoch P (flow/hold.h). P becomes durable; it looks at D..P. Now
 *      the journal up to P is all there is, and stays all there is.
 *  (4) Accounts of which a row in E..P would have changed the differences are left out; who asks
 *      works those out again. If none is left, rows are let go and the answer is
 *      AGAIN: nothing was done. Else the ingest lcore writes adjustments and shelves as epoch
 *      P + 1 and does to memory what a replay of that epoch does, by the same functions. Rows
 *      in front of it are in the differences or do not touch them; rows behind it meet the
 *      corrected counters and shelves, as after a restart.
 *  (5) The answer comes when P + 1 is durable. SIGKILL before that leaves no commit block of
 *      it, or all of the epoch: recovery drops or replays it whole. Asked again, it finds the
 *      same differences or none.
 */
#ifndef TG_CONTROL_POST_H
#define TG_CONTROL_POST_H

#include "base/error.h"
#include "bill/posting.h"
#include "control/socket.h"

#include <stdint.h>

struct tg_engine;
struct tg_pipeline;

/** @brief Corrections on their way. */
struct tg_post {
    struct tg_pipeline *pipeline;              /**< Runs. */
    const struct tg_catalog_snapshot *catalog; /**< In force: no reload meanwhile. */
    const char *data_dir;                      /**< Data directory. */
    int fd;                                    /**< Sealed memory; closed at the end. */
    struct tg_posting posting;                 /**< The same, mapped. */
    uint8_t *touched;                /**< Accounts that are corrected; see bill/posting.h. */
    bool is_partial;                 /**< Something has been left out. */
    uint64_t seen;                   /**< Epoch up to which nothing came in. */
    uint64_t epoch;                  /**< That they are in. */
    int64_t held_ns;                 /**< How long rows waited. */
    struct tg_control_ticket ticket; /**< Who asked. */
    struct tg_why why;               /**< Reason. */
    enum tg_err err;                 /**< Outcome. */
};

/** @brief Start it. @param engine Runs. @param request Who asked, with the sealed memory; its
 *  descriptor is taken over. @param[out] answer When it cannot start.
 *  @return As tg_control_answer. */
bool tg_command_post(struct tg_engine *engine, struct tg_control_request *request,
                     struct tg_json **answer);

#endif
