/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The ingest lcore: ports -> decode -> identify -> annotate -> route, and the epochs.
 *
 *  Source: design.md sections 1 and 5. Threads: one owner; counters are read by anyone.
 *  Allocates: in create only. Cost: `tollgate bench`.
 *
 *  An epoch is what becomes durable together. The ingest lcore opens it with the first thing worth
 *  keeping and ends it after TG_EPOCH_NS or TG_EPOCH_BYTES, whichever is first:
 *
 *      EMPTY --first append--> OPEN --due--> (markers to rate workers, wait) --submit--> EMPTY
 *
 *  It is not due while the journal has no block free for the next one: then it grows until its
 *  blocks are full, and only after that rows wait for the disk.
 *
 *  Positions, counts, telemetry, sessions, template inputs and refusals go into the commit block of
 *  the epoch whose rows they belong to, so a crash loses or keeps them together. Answers (RADIUS)
 *  wait in a bounded queue until their epoch is durable; when that is full the answer is not sent
 *  and counted, and the client asks again.
 */
#ifndef TG_FLOW_INGEST_H
#define TG_FLOW_INGEST_H

#include "base/error.h"
#include "base/limits.h"
#include "flow/rating.h"
#include "flow/stages.h"
#include "mediate/dispatch.h"
#include "ports/port.h"
#include "record/batch.h"
#include "rt/lcore.h"
#include "rt/snapshot.h"
#include "rt/time.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_cumulative;
struct tg_cut;
struct tg_desk;
struct tg_hold;
struct tg_inventory;
struct tg_journal;
struct tg_sequence;
struct tg_sessions;
struct tg_sources;
struct tg_timeline;

/** Group commit: at most this long, or this much, waits for its fdatasync. */
#define TG_EPOCH_NS    INT64_C(10000000)
#define TG_EPOCH_BYTES (UINT64_C(4) << 20)
/** Answers that may wait for durability. */
#define TG_ANSWERS_MAX 2048u
/** Longest answer: an Accounting-Response that echoes its Proxy-States (RFC 2866 5: 4096). */
#define TG_ANSWER_BYTES_MAX 4096u

/** @brief A port and how its inputs are read. */
struct tg_ingest_port {
    struct tg_port *port;      /**< Open; owned by the pipeline. */
    uint64_t name_hash;        /**< tg_key_name of its configured name. */
    uint64_t folder_key;       /**< Same for folders; 0 for datagram ports. */
    uint16_t node_id;          /**< Node of a folder's rows; datagrams go by address. */
    uint8_t decoder;           /**< Slot for folders; TG_DECODER_NONE: by UDP port. */
    bool is_positioned;        /**< Its position is journaled (captures and folders). */
    struct tg_position position; /**< Latest. */
    struct tg_position journaled; /**< Latest that is in a submitted epoch. */
    uint64_t journaled_epoch;     /**< Epoch of journaled; 0: the port was told. */
    bool is_moved;                /**< position is not journaled yet. */
};

/** @brief Counters of one ingest lcore; only grow; relaxed readers. */
struct tg_ingest_counts {
    uint64_t inputs_count;           /**< Datagrams and chunks. */
    uint64_t octets;                 /**< Their payload octets. */
    uint64_t rows_count;             /**< Rows decoded. */
    uint64_t refusals_count;         /**< Pieces refused. */
    uint64_t parked_count;           /**< Pieces parked. */
    uint64_t observations_count;     /**< Telemetry. */
    uint64_t sessions_count;         /**< Session events. */
    uint64_t undecoded_count;        /**< Inputs no decoder reads. */
    uint64_t lost_records;           /**< Missing by sequence number. */
    uint64_t restarts_count;         /**< Exporters that restarted. */
    uint64_t answers_sent_count;     /**< Answers sent. */
    uint64_t answers_dropped_count;  /**< Answers that found no place or could not be sent. */
    uint64_t hop_waits_count;        /**< Times a rate worker's ring was full. */
    uint64_t epochs_count;           /**< Epochs submitted. */
};

/** @brief What an ingest lcore works with; everything is borrowed and outlives it. */
struct tg_ingest_params {
    struct tg_journal *journal;          /**< Open; the ingest lcore owns stream 0. */
    const struct tg_snapshot *catalog;   /**< Catalog in force. */
    const struct tg_inventory *inventory; /**< Nodes. */
    struct tg_dispatch *dispatch;        /**< Decoders. */
    struct tg_sources *sources;          /**< Sources. */
    struct tg_sequence *sequence;        /**< Sequence audit. */
    struct tg_sessions *sessions;        /**< Address holders. */
    const struct tg_snapshot *sessions_published; /**< The same table, as readers find it. */
    struct tg_cumulative *cumulative;    /**< Cumulative readings. */
    struct tg_timeline *timeline;        /**< Node states, this lcore's own copy. */
    struct tg_rating *ratings[TG_WORKERS_MAX]; /**< Rate workers. */
    uint32_t ratings_count;              /**< At least 1. */
    bool is_inline;                      /**< ratings[0] is called directly. */
    struct tg_desk *desk;                /**< Prepaid requests; NULL: none come. */
    struct tg_cut *cut;                  /**< Checkpoints; NULL: none come. */
    struct tg_hold *hold;                /**< Corrections; NULL: none come. */
    struct tg_time time;                 /**< Arrival clock of live ports. */
};

struct tg_ingest;

/** @brief Make. @param params Copied. @param[out] ingest Caller's. @param[out] why May be NULL.
 *  @return TG_OK or TG_E_NO_MEMORY. */
enum tg_err tg_ingest_create(const struct tg_ingest_params *params, struct tg_ingest **ingest,
                             struct tg_why *why);

/** @brief Free. @param ingest May be NULL. */
void tg_ingest_destroy(struct tg_ingest *ingest);

/** @brief Add a port before the first step. @param ingest Made. @param port Copied.
 *  @return TG_OK or TG_E_FULL. */
enum tg_err tg_ingest_add_port(struct tg_ingest *ingest, const struct tg_ingest_port *port);

/** @brief What a turn over all ports brought. */
enum tg_turn {
    TG_TURN_NOTHING = 0, /**< All ports were empty. */
    TG_TURN_LITTLE,      /**< A few datagrams, which cost more than their rows: a system call and a
                              batch of their own. Where so little comes, wait for more. */
    TG_TURN_MUCH         /**< More, or a piece of a file. */
};

/** @brief One turn over all ports. @param ingest Made. @return What it brought. */
enum tg_turn tg_ingest_step(struct tg_ingest *ingest);

/** @brief End the open epoch now, if there is one. @param ingest Made. @return Epoch ended, or the
 *  last one before. */
uint64_t tg_ingest_end_epoch(struct tg_ingest *ingest);

/** @brief Send answers whose epoch is durable, and tell ports what is durable. @param ingest Made.
 */
void tg_ingest_acknowledge(struct tg_ingest *ingest);

/** @brief Give up on parked pieces older than this. @param ingest Made. @param before_ns Arrival.
 */
void tg_ingest_expire(struct tg_ingest *ingest, int64_t before_ns);

/** @brief Is every port at the end of a finite input? @param ingest Made. @return true if so. */
bool tg_ingest_ports_are_finished(const struct tg_ingest *ingest);

/** @brief Latest arrival taken in. @param ingest Made. @return UTC ns, INT64_MIN none. */
int64_t tg_ingest_arrival_ns(const struct tg_ingest *ingest);

/** @brief Are all ports finished and everything durable? @param ingest Made. @return true if so. */
bool tg_ingest_is_finished(const struct tg_ingest *ingest);

/** @brief Has the journal failed? @param ingest Made. @return true: stop and recover. */
bool tg_ingest_has_failed(const struct tg_ingest *ingest);

/** @brief Counters. @param ingest Made. @return Borrowed. */
const struct tg_ingest_counts *tg_ingest_counts(const struct tg_ingest *ingest);

/** @brief Stage times. @param ingest Made. @return Borrowed. */
const struct tg_stage_counts *tg_ingest_stages(const struct tg_ingest *ingest);

/** @brief Note key under which a new source is journaled: "source/00042". @param source_id Id.
 *  @param[out] key Written. */
void tg_ingest_source_note(uint16_t source_id, char key[24]);

#endif
