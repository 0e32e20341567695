/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Inside of the pipeline, shared by pipeline.c, restore.c, restore_rows.c and
 *         checkpointer.c only.
 *
 *  Source: pipeline.h. Threads: control thread. Allocates: never. Cost: none.
 */
#ifndef TG_FLOW_PIPELINE_STATE_H
#define TG_FLOW_PIPELINE_STATE_H

#include "flow/checkpointer.h"
#include "flow/cut.h"
#include "flow/hold.h"
#include "flow/pipeline.h"
#include "flow/positions.h"
#include "flow/remember.h"
#include "ledger/checkpoint.h"
#include "ledger/journal.h"
#include "ledger/lanes.h"
#include "ledger/scan.h"
#include "rt/lcore.h"

struct tg_rate_sums;
struct tg_roster;

#define TG_BLOB_SOURCES "sources"  /**< Checkpoint: keys of sources, by id. */
#define TG_BLOB_DECODER "decoder/" /**< Checkpoint: and a decoder's name: its state. */

/** @brief What a lane makes of a block, for the control thread. */
struct tg_restore_made {
    struct tg_remember remember; /**< For the duplicate check. */
    struct tg_rate_sums *sums;   /**< For account lines; of rows that are posted. */
    uint8_t flags;               /**< Of all rows. */
    uint8_t charge_flags;        /**< Of all charges. */
};

/** @brief What recovery needs besides the tables. */
struct tg_restore {
    const struct tg_catalog_snapshot *catalog; /**< The one in force. */
    bool is_posted;                            /**< Blocks are behind the checkpoint. */
    struct tg_restore_made made[TG_LANES_MAX]; /**< Of the block that a lane gave last. */
};

/** @brief The data plane. */
struct tg_pipeline {
    struct tg_pipeline_params params;        /**< As given. */
    struct tg_pipeline_recovery recovery;    /**< What recovery did. */
    struct tg_dispatch dispatch;             /**< Decoders. */
    struct tg_sources *sources;              /**< Sources. */
    struct tg_sequence *sequence;            /**< Sequence audit. */
    struct tg_sessions *sessions;            /**< Address holders. */
    struct tg_snapshot sessions_published;   /**< The same table, for all ingest lcores. */
    struct tg_cumulative *cumulative;        /**< Cumulative readings. */
    struct tg_timeline *timeline;            /**< Ingest's node states. */
    struct tg_accounts *accounts;            /**< All account lines. */
    struct tg_credit_book *credit_book;      /**< Prepaid balances. */
    struct tg_desk *desk;                    /**< Prepaid requests. */
    struct tg_journal *journal;              /**< Journal. */
    struct tg_rating *ratings[TG_WORKERS_MAX]; /**< Rate workers. */
    uint32_t ratings_count;                  /**< How many. */
    struct tg_ingest *ingest;                /**< The ingest lcore. */
    struct tg_port *ports[TG_PORTS_MAX];     /**< Ports. */
    uint32_t ports_count;                    /**< Opened. */
    struct tg_stop stop_ingest;              /**< Stop flag of the ingest lcore. */
    struct tg_stop stop_rating;              /**< Stop flag of rate lcores: after ingest. */
    bool is_running;                         /**< Lcores run. */
    bool is_finished; /**< Set by the ingest lcore: all finite input is done. */
    bool is_ingest_done;                     /**< Set by the ingest lcore when it returns. */
    struct tg_positions positions;           /**< Found at recovery; then the checkpointer's. */
    uint64_t replay_epoch;                   /**< Recovery: epoch of the block being replayed. */
    struct tg_hold hold;                     /**< Between ingest and who corrects rows. */
    struct tg_cut *cut;                      /**< Between ingest and the checkpointer. */
    struct tg_checkpointer *checkpointer;    /**< Writes checkpoints. */
    struct tg_journal_tail tail;             /**< Where the journal goes on. */
    uint64_t restored_rows_count;            /**< Rows read so far at recovery. */
    int64_t restore_told_ns;                 /**< When that was last logged; monotonic. */
    struct tg_restore *restore;              /**< Recovery: what it needs besides; else NULL. */
};

/* restore.c */

/** @brief Load the checkpoint, replay the journal after it. @param pipeline Tables made, journal
 * not open yet. @param[out] why Reason. @return TG_OK or the first error. */
enum tg_err tg_pipeline_restore(struct tg_pipeline *pipeline, struct tg_why *why);

/* restore_rows.c */

/** @brief Columns that tg_restore_rows reads. @param pipeline Object. @param is_posted Rows behind
 *  the checkpoint: lines and cumulative readings do not have them. @return TG_COLUMN_BIT of each;
 *  0: whole rows. */
uint64_t tg_restore_columns(const struct tg_pipeline *pipeline, bool is_posted);

/** @brief Make room for what lanes make. @param pipeline tg_dedup_restore_begin was called.
 *  @return TG_OK, TG_E_NO_MEMORY. */
enum tg_err tg_restore_begin(struct tg_pipeline *pipeline);

/** @brief Give it back. @param pipeline Begun, or not. */
void tg_restore_end(struct tg_pipeline *pipeline);

/** @brief On a lane's thread: what follows from rows alone (tg_lanes_work.make).
 *  @param context The pipeline, begun; of it only what belongs to the lane is written.
 *  @param view The block's, with tg_restore_columns. @param from First row. @param count Rows. */
void tg_restore_make(void *context, const struct tg_scan_view *view, uint32_t from, uint32_t count);

/** @brief Replay the rows of a block. @param pipeline Begun. @param view The block's, with one row
 *  or more, of which tg_restore_make was called. @param[out] why May be NULL.
 *  @return TG_OK, TG_E_CORRUPT, or as tg_scan_structs. */
enum tg_err tg_restore_rows(struct tg_pipeline *pipeline, const struct tg_scan_view *view,
                            struct tg_why *why);

/** @brief Add the CPU time since *at_ns to a step. @param pipeline Object. @param step Which.
 *  @param[in,out] at_ns Of tg_clock_thread_cpu_ns; moved on. */
void tg_restore_step_take(struct tg_pipeline *pipeline, enum tg_restore_step step, int64_t *at_ns);

/* restore.c */

/** @brief Hand positions to the ports. @param pipeline Ports open. */
void tg_pipeline_resume_ports(struct tg_pipeline *pipeline);

/** @brief Worker that owns a row. @param roster Borrowed. @param row Borrowed. @param subscriber
 *  Dense index. @param workers_count At least 1. @return Worker. */
uint32_t tg_route_worker(const struct tg_roster *roster, const struct tg_usage *row,
                         uint32_t subscriber, uint32_t workers_count);

/** @brief Worker that owns an account. @param account Dense index. @param workers_count At least 1.
 *  @return Worker. */
uint32_t tg_route_account(uint32_t account, uint32_t workers_count);

/** @brief Roster of the catalog in force. @param catalog Published. @return Borrowed until this
 *  thread's next quiescent state. */
const struct tg_roster *tg_route_roster(const struct tg_snapshot *catalog);

#endif
