/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Start and watch the front processes: one that dies is started again, and nothing else.
 *
 *  Source: design.md section 5. Threads: control thread. Allocates: never. Cost: a waitpid a turn.
 */
#ifndef TG_CONTROL_FRONTS_H
#define TG_CONTROL_FRONTS_H

#include "control/config.h"

#include <stdint.h>
#include <sys/types.h>

/** @brief One watched front. */
struct tg_front_watch {
    pid_t pid;               /**< 0: not running. */
    int64_t started_ns;      /**< Monotonic. */
    int64_t retry_ns;        /**< Not before this. */
    uint32_t restarts_count; /**< Times it was started again. */
};

/** @brief All of them. */
struct tg_fronts {
    const struct tg_config *config;                      /**< Borrowed. */
    struct tg_front_watch watches[TG_CONFIG_FRONTS_MAX]; /**< By index in the configuration. */
};

/** @brief Set up; starts nothing yet. @param[out] fronts Written. @param config Borrowed. */
void tg_fronts_init(struct tg_fronts *fronts, const struct tg_config *config);

/** @brief Start what should run and does not, reap what ended. @param fronts Object.
 *  @param now_ns Monotonic. */
void tg_fronts_tend(struct tg_fronts *fronts, int64_t now_ns);

/** @brief Ask all to end, wait two seconds, then kill. @param fronts Object. */
void tg_fronts_stop(struct tg_fronts *fronts);

#endif
