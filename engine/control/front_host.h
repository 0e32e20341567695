/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The engine's side of the front contract: documents out of LMDB, commands to the socket.
 *
 *  Source: abi/front.h. Threads: as many as the front runs; each visit is a read transaction of its
 *  own. Allocates: in open. Cost: nothing to the engine but readers of its map.
 *
 *  Lives in the front's process. The state environment is opened read-only, so that a front that is
 *  killed at any moment leaves nothing but a stale reader slot, which LMDB clears.
 */
#ifndef TG_CONTROL_FRONT_HOST_H
#define TG_CONTROL_FRONT_HOST_H

#include "abi/front.h"
#include "base/error.h"

#include <stdint.h>

struct tg_front_process;

/** @brief What a front process is started with; borrowed until tg_front_process_close. */
struct tg_front_process_params {
    uint32_t size_bytes;               /**< sizeof(struct tg_front_process_params). */
    uint32_t settings_count;           /**< How many. */
    const struct tg_setting *settings; /**< For the front: "listen" and its own. */
    const char *data_dir;              /**< Holds state/ and the control socket. */
    const char *control_path;          /**< Unix socket; NULL: <data_dir>/control.sock. */
};

/**
 * @brief Open the documents for reading and take SIGTERM and SIGINT as the wish to stop.
 *
 * The control socket is looked for at each command, so a front outlives engine restarts.
 *
 * @param[in]  params   See above.
 * @param[out] process  Written on TG_OK.
 * @param[out] why      May be NULL.
 * @return TG_OK, TG_E_INVALID, TG_E_NO_MEMORY, TG_E_NOT_FOUND (no state yet), TG_E_DATABASE.
 */
enum tg_err tg_front_process_open(const struct tg_front_process_params *params,
                                  struct tg_front_process **process, struct tg_why *why);

/** @brief The host for tg_front.serve. @param process Open. @return Lives until close. */
const struct tg_front_host *tg_front_process_host(const struct tg_front_process *process);

/** @brief Close; accepts NULL. @param process Process or NULL. */
void tg_front_process_close(struct tg_front_process *process);

#endif
