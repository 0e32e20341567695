/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The engine as a whole: configuration in, a running data plane with its control loop out.
 *
 *  Source: design.md sections 1, 5 and 10. Threads: the control thread; it starts the lcores.
 *  Allocates: at open. Cost: a turn of the loop ten times a second.
 *
 *      open: lock, EAL, plug-ins, catalog, state, inventory, pipeline (recovers)
 *      run:  fold telemetry, serve commands, watch fronts, begin checkpoints that are due, until
 *            asked to stop or finished
 *      stop: drain, checkpoint, last fold and documents
 */
#ifndef TG_CONTROL_ENGINE_H
#define TG_CONTROL_ENGINE_H

#include "control/config.h"
#include "control/telemetry.h"
#include "flow/pipeline.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_engine;

/** @brief How to run. */
struct tg_engine_params {
    const struct tg_config *config; /**< Lives as long as the engine. */
    bool is_once;                   /**< Read what is there, then stop: folders do not follow. */
    bool has_fronts;                /**< Start and watch the fronts. */
    bool has_control;               /**< Listen on the control socket and for metrics. */
    /** Told once a turn how many rows are decided; may be NULL. */
    void (*progress)(void *context, uint64_t rows_count);
    void *progress_context;         /**< For progress. */
};

/**
 * @brief Open everything; the journal is recovered when this returns.
 * @param[in]     params  Copied.
 * @param[in,out] diag    Mistakes in catalog documents.
 * @param[out]    engine  Caller's.
 * @param[out]    why     Sentence; may be NULL.
 * @return TG_OK or the first error; TG_E_LOCKED when another engine holds the data directory.
 */
enum tg_err tg_engine_open(const struct tg_engine_params *params, struct tg_diag *diag,
                           struct tg_engine **engine, struct tg_why *why);

/**
 * @brief Run until SIGTERM, SIGINT, a stop command, a failure, or the end of finite inputs.
 * @param[in,out] engine  Open.
 * @param[out]    why     May be NULL.
 * @return TG_OK after a clean drain, else the error that ended it.
 */
enum tg_err tg_engine_run(struct tg_engine *engine, struct tg_why *why);

/** @brief Free. @param engine May be NULL. */
void tg_engine_close(struct tg_engine *engine);

/** @brief Data plane. @param engine Open. @return Borrowed. */
const struct tg_pipeline *tg_engine_pipeline(const struct tg_engine *engine);

/** @brief Time from start to the end of input. @param engine Ran. @return ns. */
int64_t tg_engine_elapsed_ns(const struct tg_engine *engine);

/** @brief Ask a running engine to stop; safe in a signal handler. */
void tg_engine_request_stop(void);

#endif
