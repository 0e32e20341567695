/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Inside of the engine, shared by engine.c and the commands only.
 *
 *  Source: engine.h. Threads: control thread. Allocates: never. Cost: none.
 */
#ifndef TG_CONTROL_ENGINE_STATE_H
#define TG_CONTROL_ENGINE_STATE_H

#include "control/chore.h"
#include "control/credit.h"
#include "control/engine.h"
#include "control/fronts.h"
#include "control/id_index.h"
#include "control/metrics.h"
#include "control/plugin_commands.h"
#include "control/post.h"
#include "control/reload.h"
#include "control/socket.h"
#include "rt/snapshot.h"
#include "store/file.h"

/** @brief The engine. */
struct tg_engine {
    struct tg_engine_params params;                    /**< As given. */
    struct tg_diag *diag;                              /**< Catalog mistakes. */
    struct tg_data_lock lock;                          /**< Data directory. */
    struct tg_catalog_snapshot *catalog;               /**< In force. */
    struct tg_snapshot published;                      /**< The same, for the lcores. */
    struct tg_inventory *inventory;                    /**< Nodes. */
    struct tg_profile *profile;                        /**< Built-in rules. */
    const struct tg_profile *profiles[1];              /**< As the rooms want it. */
    struct tg_db *state;                               /**< State environment. */
    struct tg_pipeline_decoder decoders[TG_PORTS_MAX]; /**< For the pipeline. */
    struct tg_pipeline_port ports[TG_PORTS_MAX];       /**< For the pipeline. */
    struct tg_pipeline *pipeline;                      /**< Data plane. */
    struct tg_telemetry *telemetry;                    /**< Alarms. */
    struct tg_control_server *control;                 /**< Command socket, or NULL. */
    struct tg_metrics *metrics;                        /**< /metrics, or NULL. */
    struct tg_fronts fronts;                           /**< Watched fronts. */
    struct tg_plugins_told plugins_told;               /**< Quarantines as logged. */
    uint32_t subscribers_max;                          /**< Account lines. */
    struct tg_chore chore;                             /**< The long command at work. */
    void (*chore_finish)(struct tg_engine *engine);    /**< Its end, on the control thread. */
    struct tg_reload reload;                           /**< When it is a reload. */
    struct tg_post post;                               /**< When it posts corrections. */
    struct tg_credit_round credit_round;               /**< Prepaid requests of this turn. */
    struct tg_credit_outages outages;                  /**< What nodes that are down took. */
    struct tg_id_index account_ids;                    /**< For prepaid requests. */
    struct tg_id_index subscriber_ids;                 /**< For prepaid requests. */
    int64_t checkpoint_ns;                             /**< Monotonic: the last one began. */
    uint64_t checkpoint_octets;                        /**< Of the journal then. */
    bool has_operations;                               /**< Operators' commands are restored. */
    bool is_fold_behind;                               /**< Alarms do not know fold_epoch yet. */
    uint64_t fold_epoch;                               /**< Alarms are folded up to here. */
    int64_t started_ns;                                /**< Monotonic. */
    int64_t elapsed_ns;                                /**< From start to the end of input. */
};

/** @brief Begin a checkpoint. @param engine Running. @param[out] why May be NULL. @return As
 *  tg_pipeline_checkpoint_start. */
enum tg_err tg_engine_checkpoint(struct tg_engine *engine, struct tg_why *why);

/** @brief Is no long command at work? @param engine Open. @param[out] why If one is.
 *  @return true: tg_engine_chore_start may be called. */
bool tg_engine_chore_is_free(const struct tg_engine *engine, struct tg_why *why);

/** @brief Start a long command. @param engine Runs; no other one is at work. @param run In a thread
 *  of its own, given the engine. @param finish Then, on the control thread. @param is_urgent Rows
 *  wait for it. @param[out] why May be NULL. @return TG_OK, TG_E_NO_MEMORY. */
enum tg_err tg_engine_chore_start(struct tg_engine *engine, void (*run)(void *context),
                                  void (*finish)(struct tg_engine *engine), bool is_urgent,
                                  struct tg_why *why);

/** @brief Fold telemetry up to the durable epoch and publish documents; of much, a part, and
 *  engine->is_fold_behind says so. @param engine Open. @param[out] why May be NULL.
 *  @return TG_OK or the first error. */
enum tg_err tg_engine_fold(struct tg_engine *engine, struct tg_why *why);

#endif
