/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The whole data plane: opened from parameters, recovered, started, drained, checkpointed.
 *
 *  Source: design.md sections 5 and 6. Threads: control thread; the lcores it starts are its own.
 *  Allocates: in open. Cost: recovery reads the journal after the last checkpoint once.
 *
 *      CLOSED --open (recover)--> READY --start--> RUNNING --stop--> DRAINED --close--> CLOSED
 *
 *  open: lock, catalog snapshot given, tables taken, checkpoint loaded, journal replayed, positions
 *  handed to the ports. stop: ports drained, last epoch durable, answers sent, checkpoint written.
 */
#ifndef TG_FLOW_PIPELINE_H
#define TG_FLOW_PIPELINE_H

#include "abi/decoder.h"
#include "base/error.h"
#include "flow/checkpointer.h"
#include "flow/hold.h"
#include "flow/ingest.h"
#include "flow/rating.h"
#include "ports/port.h"
#include "rate/credit.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_db;
struct tg_desk;
struct tg_inventory;
struct tg_profile;
struct tg_shelf;

/** @brief A decoder to open. */
struct tg_pipeline_decoder {
    const char *name;                 /**< Plug-in's name; lives as long as the pipeline. */
    const struct tg_decoder *decoder; /**< Contract. */
    uint16_t local_port;              /**< UDP port; 0: folders only. */
    uint32_t settings_count;          /**< Settings. */
    const struct tg_setting *settings; /**< Shape [settings_count]; borrowed until open returns. */
};

/** @brief A port to open. */
struct tg_pipeline_port {
    struct tg_port_config config; /**< Texts live as long as the pipeline. */
    uint32_t decoder_index;       /**< Folders: index into decoders. */
    uint16_t node_id;             /**< Folders: node whose records these are; 0 unknown. */
};

/** @brief Everything a data plane is made from. Zero means the default where one is named. */
struct tg_pipeline_params {
    uint32_t size_bytes;               /**< sizeof of the caller's struct. */
    uint32_t workers_count;            /**< 1: rate inline; n: one ingest and n - 1 rate lcores. */
    const char *data_dir;              /**< Data directory; lives as long as the pipeline. */
    struct tg_db *state;               /**< State environment, writable; checkpoints go there. */
    struct tg_snapshot *catalog;       /**< struct tg_catalog_snapshot, already published. */
    const struct tg_inventory *inventory; /**< Nodes. */
    const struct tg_profile *const *profiles; /**< Vendor profiles; shape [profiles_count]. */
    uint32_t profiles_count;           /**< At least 1. */
    uint32_t subscribers_max;          /**< Account lines; at least the roster's count. */
    uint32_t sessions_max;             /**< Addresses held; default 1,000,000. */
    uint64_t dedup_records_max;        /**< A worker's generation; default 4,000,000. */
    int64_t park_ns;                   /**< How long data waits for its template; default 30 min. */
    uint32_t reservations_max;         /**< Prepaid ids a worker remembers; default 65,536. */
    const struct tg_pipeline_decoder *decoders; /**< Shape [decoders_count]. */
    const struct tg_pipeline_port *ports;       /**< Shape [ports_count]. */
    uint32_t decoders_count;           /**< At most TG_DECODERS_MAX. */
    uint32_t ports_count;              /**< At most TG_PORTS_MAX. */
    bool is_journal_sparse;            /**< Do not preallocate segments (demo, tests). */
};

/** @brief What a start spends its time on, in CPU time. */
enum tg_restore_step {
    TG_RESTORE_CHECKPOINT, /**< Pages and tables of the checkpoint. */
    TG_RESTORE_COUNT,      /**< Counting what the duplicate check will forget again. */
    TG_RESTORE_DEDUP,      /**< Records remembered. */
    TG_RESTORE_ACCOUNTS,   /**< Rows posted to their account lines. */
    TG_RESTORE_NOTES,      /**< Node lives, prepaid balances, cumulative readings. */
    TG_RESTORE_REST,       /**< Everything else of the control thread: sections, waiting. */
    TG_RESTORE_READ,       /**< Other threads: reading, decoding, summing up blocks. */
    TG_RESTORE_STEPS_COUNT
};

/** @brief What recovery did, for the log and `check`. */
struct tg_pipeline_recovery {
    int64_t step_ns[TG_RESTORE_STEPS_COUNT]; /**< CPU time by enum tg_restore_step. */
    uint64_t checkpoint_epoch; /**< 0: none. */
    uint64_t epochs_count;     /**< Replayed after it; rows that pages hold already among them. */
    uint64_t rows_count;       /**< Replayed rows. */
    uint64_t torn_bytes;       /**< Cut off at the journal's end. */
    int64_t elapsed_ns;        /**< How long it took. */
};

struct tg_pipeline;

/**
 * @brief Open and recover.
 * @param[in]  params    Borrowed until return but where noted.
 * @param[out] pipeline  Caller's; tg_pipeline_close.
 * @param[out] why       Sentence; may be NULL.
 * @return TG_OK, or what a room said: TG_E_NO_MEMORY, TG_E_CORRUPT, TG_E_CHAIN, TG_E_PORT_OPEN, ...
 */
enum tg_err tg_pipeline_open(const struct tg_pipeline_params *params,
                             struct tg_pipeline **pipeline, struct tg_why *why);

/** @brief What recovery did. @param pipeline Open. @return Borrowed. */
const struct tg_pipeline_recovery *tg_pipeline_recovery(const struct tg_pipeline *pipeline);

/** @brief Start the lcores. @param pipeline Open. @param[out] why May be NULL.
 *  @return TG_OK, TG_E_INVALID (too few lcores), TG_E_STATE. */
enum tg_err tg_pipeline_start(struct tg_pipeline *pipeline, struct tg_why *why);

/** @brief Are all finite inputs read and durable? @param pipeline Running. @return true if so. */
bool tg_pipeline_is_finished(const struct tg_pipeline *pipeline);

/** @brief Has the data plane failed (journal)? @param pipeline Running. @param[out] why Reason.
 *  @return true: stop the process; a restart recovers. */
bool tg_pipeline_has_failed(const struct tg_pipeline *pipeline, struct tg_why *why);

/**
 * @brief Drain and stop the lcores, wait for durability, write a checkpoint.
 * @param[in,out] pipeline  Running or ready.
 * @param[out]    why       May be NULL.
 * @return TG_OK, or the journal's or checkpoint's error.
 */
enum tg_err tg_pipeline_stop(struct tg_pipeline *pipeline, struct tg_why *why);

/** @brief Begin a checkpoint beside the rows. @param pipeline Running. @param[out] why May be NULL.
 *  @return TG_OK; TG_E_AGAIN one is being written; TG_E_STATE not running, or nothing has become
 *  durable since the last one; TG_E_NO_MEMORY. */
enum tg_err tg_pipeline_checkpoint_start(struct tg_pipeline *pipeline, struct tg_why *why);

/** @brief Is one being written? @param pipeline Open; the thread that starts them. @return true if
 *  so. */
bool tg_pipeline_checkpoint_is_running(const struct tg_pipeline *pipeline);

/** @brief The outcome of a checkpoint that has ended, told once. @param pipeline Open.
 *  @param[out] err TG_OK, or why it was given up: the one before is still good.
 *  @param[out] why May be NULL. @return false: none has ended since the last call. */
bool tg_pipeline_checkpoint_ended(struct tg_pipeline *pipeline, enum tg_err *err,
                                  struct tg_why *why);

/** @brief Free everything. @param pipeline May be NULL; stopped. */
void tg_pipeline_close(struct tg_pipeline *pipeline);

/**
 * @brief The desk of prepaid requests, to be filled by the one thread that then calls
 *        tg_pipeline_credit.
 * @param[in,out] pipeline  Open.
 * @return Desk; NULL: the round before is still on its way.
 */
struct tg_desk *tg_pipeline_desk(struct tg_pipeline *pipeline);

/**
 * @brief Hand the desk's requests to the workers, and wait until what they did is durable.
 * @param[in,out] pipeline  Running.
 * @param[in]     now_ns    Time, for expiry.
 * @param[out]    why       May be NULL.
 * @return TG_OK: the answers may be told. TG_E_AGAIN: no answer in five seconds, the outcome is not
 *         known; asking with the same ids is safe. TG_E_NOT_DURABLE: the journal has failed.
 *         TG_E_STATE: the pipeline does not run.
 */
enum tg_err tg_pipeline_credit(struct tg_pipeline *pipeline, int64_t now_ns, struct tg_why *why);

/** @brief When the next reservation returns by itself. @param pipeline Open. @return UTC ns;
 *  INT64_MAX: none is open. */
int64_t tg_pipeline_credit_due_ns(const struct tg_pipeline *pipeline);

/** @brief Reservations that are open. @param pipeline Any state. @return Count, relaxed. */
uint64_t tg_pipeline_credit_open_count(const struct tg_pipeline *pipeline);

/**
 * @brief Hold the rows up between two epochs, and wait until all that came before is durable.
 * @param[in,out] pipeline  Running; not the control thread's turn: it would wait for itself.
 * @param[out]    epoch     Last one of the journal.
 * @param[out]    why       May be NULL.
 * @return TG_OK: tg_pipeline_post or _let_go must follow soon. TG_E_STATE: it does not run, or
 *         stopped meanwhile; TG_E_NOT_DURABLE: the journal has failed. Then nothing is held.
 */
enum tg_err tg_pipeline_hold(struct tg_pipeline *pipeline, uint64_t *epoch, struct tg_why *why);

/** @brief Let the rows go on; nothing was done. @param pipeline Held. */
void tg_pipeline_let_go(struct tg_pipeline *pipeline);

/**
 * @brief Do the work as the next epoch, let the rows go on, and wait until it is durable.
 * @param[in,out] pipeline  Held.
 * @param[in]     work      Runs on the ingest lcore.
 * @param[in]     context   For it.
 * @param[out]    epoch     The epoch.
 * @param[out]    held_ns   How long rows waited.
 * @param[out]    why       May be NULL.
 * @return TG_OK; what the work said, or TG_E_NOT_DURABLE: then the engine stops, and a restart
 *         finds all of it or nothing.
 */
enum tg_err tg_pipeline_post(struct tg_pipeline *pipeline, tg_hold_work work, void *context,
                             uint64_t *epoch, int64_t *held_ns, struct tg_why *why);

/**
 * @brief In the work of a post: do to memory what replaying these rows does.
 * @param[in,out] pipeline  Held.
 * @param[in]     rows      Borrowed; shape [count].
 * @param[in]     charges   Borrowed; shape [count].
 * @param[in]     count     Any.
 * @return TG_OK, TG_E_CORRUPT: a charge does not fit the counters.
 */
enum tg_err tg_pipeline_correct(struct tg_pipeline *pipeline, const struct tg_usage *rows,
                                const struct tg_charge *charges, uint32_t count);

/** @brief The same for a shelf. @param pipeline Held. @param is_pool Of an account, else of a
 *  subscriber. @param index Account or subscriber. @param shelf Borrowed.
 *  @return As tg_shelf_note_apply. */
enum tg_err tg_pipeline_correct_shelf(struct tg_pipeline *pipeline, bool is_pool, uint32_t index,
                                      const struct tg_shelf *shelf);

/** @brief Last durable epoch. @param pipeline Open. @return Epoch. */
uint64_t tg_pipeline_durable_epoch(const struct tg_pipeline *pipeline);

/** @brief Figures at a moment, read without disturbing anyone. */
struct tg_pipeline_status {
    struct tg_ingest_counts ingest;               /**< Ingest lcore. */
    uint64_t fate_rows[TG_FATE_COUNT];            /**< Rows by fate, all workers. */
    struct tg_stage_count stages[TG_STAGES_COUNT]; /**< All lcores summed. */
    uint64_t durable_epoch;                       /**< Last durable epoch. */
    uint64_t journal_rows_count;                  /**< Rows written since start. */
    uint64_t journal_plain_bytes;                 /**< Before compression. */
    uint64_t journal_stored_bytes;                /**< After. */
    uint64_t journal_syncs_count;                 /**< fdatasync calls. */
    uint64_t journal_waits_count;                 /**< Back-pressure. */
    uint32_t sources_count;                       /**< Sources known. */
    uint32_t sessions_count;                      /**< Addresses held. */
    uint64_t sessions_refused_count;              /**< Session table was full. */
    uint64_t dedup_records_count;                 /**< Records remembered. */
    uint64_t dedup_rotations_count;               /**< Generations forgotten. */
    uint64_t calls_forgotten_count;               /**< Open calls forgotten; all workers. */
    uint64_t readings_evicted_count;              /**< Cumulative readings pushed out. */
    uint64_t sequence_refused_count;              /**< Messages not audited: no place. */
    struct tg_credit_counts credit;               /**< Prepaid, all workers. */
    struct tg_checkpointer_status checkpoint;     /**< Checkpoints. */
};

/** @brief Read the figures. @param pipeline Open. @param[out] status Written. */
void tg_pipeline_status(const struct tg_pipeline *pipeline, struct tg_pipeline_status *status);

/** @brief Port counters. @param pipeline Open. @param index Below params.ports_count.
 *  @param[out] counters Written. */
void tg_pipeline_port_counters(const struct tg_pipeline *pipeline, uint32_t index,
                               struct tg_port_counters *counters);

#endif
