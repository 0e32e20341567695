/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Inside of the ingest lcore, shared by the parts of the ingest lcore only.
 *
 *  Source: ingest.h. Threads: one owner. Allocates: never. Cost: none.
 */
#ifndef TG_FLOW_INGEST_STATE_H
#define TG_FLOW_INGEST_STATE_H

#include "flow/desk.h"
#include "flow/ingest.h"
#include "ledger/journal.h"
#include "mediate/identify.h"
#include "mediate/network.h"
#include "mediate/site.h"

#define INGEST_EVENTS_MAX 1024u
#define INGEST_TEXT_BYTES (1u << 20)

/** @brief An answer that waits for its epoch. */
struct tg_answer {
    struct tg_return_path path;         /**< Where to. */
    uint64_t epoch;                     /**< Durable before it is sent. */
    struct tg_port *port;               /**< Through which port. */
    uint32_t length_bytes;              /**< Its length. */
    uint8_t bytes[TG_ANSWER_BYTES_MAX]; /**< The datagram. */
};

/** @brief What a source brought in the open epoch. */
struct tg_source_mark {
    uint64_t in_records;        /**< Rows. */
    uint64_t in_units;          /**< Units. */
    uint64_t refused_records;   /**< Refusals. */
    uint64_t released_records;  /**< Releases. */
    uint64_t messages_count;    /**< Messages. */
    uint64_t messages_refused_count; /**< Refused ones. */
    uint64_t lost_records;      /**< Missing by sequence. */
    bool is_touched;            /**< Goes into the commit block. */
};

/** @brief The ingest lcore. */
struct tg_ingest {
    struct tg_ingest_params params;                /**< As given. */
    uint32_t ports_count;                          /**< Ports. */
    struct tg_ingest_port ports[TG_PORTS_MAX];     /**< Ports. */
    struct tg_block *block;                        /**< Commit block being filled; NULL: none. */
    uint64_t epoch;                                /**< Epoch being filled. */
    uint64_t durable_told;                         /**< Last epoch told to the ports. */
    int64_t epoch_opened_ns;                       /**< Monotonic; 0: nothing in it yet. */
    uint64_t epoch_bytes;                          /**< Submitted in parts of this epoch. */
    uint64_t epoch_rows_count;                     /**< Rows handed on in this epoch. */
    int64_t arrival_ns;                            /**< Latest arrival. */
    uint64_t desk_turn;                            /**< Rounds of prepaid requests taken up. */
    bool has_failed;                               /**< The journal failed. */
    struct tg_ingest_counts counts;                /**< Counters. */
    struct tg_stage_counts stages;                 /**< Stage times. */
    struct tg_decoded out;                         /**< Decoder output arrays. */
    struct tg_batch batch;                         /**< Rows on their way: decoders write here. */
    const struct tg_input *burst;                  /**< First input of the port's burst. */
    struct tg_source_mark touched[TG_SOURCES_MAX]; /**< Counts of this epoch by source. */
    uint32_t answers_head;                         /**< Next to send. */
    uint32_t answers_count;                        /**< Waiting. */
    struct tg_answer *answers;                     /**< Shape [TG_ANSWERS_MAX]. */
    uint32_t rows_input[TG_BATCH_ROWS_MAX];        /**< Inputs of the batch's rows. */
    struct tg_observation observations[INGEST_EVENTS_MAX]; /**< Decoded telemetry. */
    struct tg_session sessions[INGEST_EVENTS_MAX]; /**< Decoded sessions. */
    struct tg_refusal refusals[INGEST_EVENTS_MAX]; /**< Refusals. */
    uint64_t released[INGEST_EVENTS_MAX];          /**< Released keys. */
    struct tg_message messages[TG_BURST_MAX];      /**< One an input. */
    uint8_t text[INGEST_TEXT_BYTES];               /**< Text arena. */
    struct tg_row_network networks[TG_BATCH_ROWS_MAX]; /**< PLMNs of the batch's rows. */
    struct tg_network_cache network_cache;         /**< PLMNs found lately. */
    struct tg_identify_networks inherited;         /**< Networks of the rows' sessions. */
    struct tg_site_cache site_cache;               /**< Sources found lately. */
    struct tg_routed *routed[TG_WORKERS_MAX];      /**< Rows gathered for each rate worker. */
    uint32_t routed_count[TG_WORKERS_MAX];         /**< How many. */
};

/* consume.c, admit.c */

/**
 * @brief Take in what a decode call produced.
 * @param ingest         Object; its out is filled.
 * @param port           Port of the inputs.
 * @param slot           Decoder.
 * @param inputs         The call's inputs; shape [inputs_count].
 * @param inputs_count   How many were offered.
 * @param finished_count How many the decoder finished.
 */
void tg_ingest_consume(struct tg_ingest *ingest, struct tg_ingest_port *port,
                       struct tg_decoder_slot *slot, const struct tg_input *inputs,
                       uint32_t inputs_count, uint32_t finished_count);

/**
 * @brief Note what a decode call's finished inputs told: sequence, state to keep, answers.
 * @param ingest         Object; its messages are filled.
 * @param port           Port of the inputs.
 * @param slot           Decoder.
 * @param inputs         Of one source; shape [finished_count].
 * @param finished_count How many.
 */
void tg_ingest_messages(struct tg_ingest *ingest, struct tg_ingest_port *port,
                        struct tg_decoder_slot *slot, const struct tg_input *inputs,
                        uint32_t finished_count);

/**
 * @brief Start the verdicts of decoded rows and count them as brought in.
 * @param ingest        Object.
 * @param batch         Rows as the decoder left them, of one source; charges are written.
 * @param rows_input    Index into inputs of each row; shape [batch->rows_count].
 * @param inputs        The call's inputs; shape [inputs_count].
 * @param inputs_count  At least 1.
 */
void tg_ingest_admit(struct tg_ingest *ingest, struct tg_batch *batch, const uint32_t *rows_input,
                     const struct tg_input *inputs, uint32_t inputs_count);

/** @brief Find subscribers and node states of a batch. @param ingest Object. @param batch Admitted.
 */
void tg_ingest_identify(struct tg_ingest *ingest, struct tg_batch *batch);

/** @brief Refuse a whole input that no decoder reads. @param ingest Object. @param input Borrowed.
 *  @param reason enum tg_err. */
void tg_ingest_refuse_input(struct tg_ingest *ingest, const struct tg_input *input, int reason);

/** @brief The decoder output emptied. @param ingest Object. */
void tg_ingest_out_reset(struct tg_ingest *ingest);

/* commit.c */

/** @brief The commit block of the open epoch; opens one when there is none.
 *  @param ingest Object. @return Block, or NULL when the journal has failed. */
struct tg_block *tg_ingest_block(struct tg_ingest *ingest);

/** @brief The block is full: hand it over as a part and go on with a fresh one.
 *  @param ingest Object. @return Fresh block, or NULL. */
struct tg_block *tg_ingest_block_next(struct tg_ingest *ingest);

/** @brief Counts of a source in this epoch. @param ingest Object. @param source_id Any.
 *  @return Never NULL. */
struct tg_source_mark *tg_ingest_touch(struct tg_ingest *ingest, uint16_t source_id);

/** @brief Note a position before the port moves to another file. @param ingest Object.
 *  @param port Its port. */
void tg_ingest_keep_position(struct tg_ingest *ingest, struct tg_ingest_port *port);

/** @brief Queue an answer for when this epoch is durable. @param ingest Object. @param port Port.
 *  @param path Return path. @return Place to write it, or NULL: queue full, counted. */
struct tg_answer *tg_ingest_answer(struct tg_ingest *ingest, struct tg_port *port,
                                   const struct tg_return_path *path);

/** @brief Serve a checkpoint that waits, where no epoch is open: no row is under way then.
 *  @param ingest Object. */
void tg_ingest_cut(struct tg_ingest *ingest);

/** @brief Serve a hold that is asked for, where no epoch is open, no checkpoint takes pages and no
 *  round is at the desk. @param ingest Object. */
void tg_ingest_hold(struct tg_ingest *ingest);

/** @brief Is it time to end the epoch? @param ingest Object. @return true if so. */
bool tg_ingest_epoch_is_due(const struct tg_ingest *ingest);

/* route.c */

/** @brief Hand the batch to its rate workers: a call inline, else ring elements.
 *  @param ingest Object. */
void tg_ingest_route(struct tg_ingest *ingest);

/** @brief Rated rows into the block of the open epoch; inline only. @param ingest Object.
 *  @param batch No fate is TG_FATE_NONE. */
void tg_ingest_append(struct tg_ingest *ingest, const struct tg_batch *batch);

/** @brief Where the ingest lcore's own entries of the open epoch go. @param ingest Object.
 *  @return By value. */
struct tg_desk_sink tg_ingest_sink(struct tg_ingest *ingest);

/** @brief Take up the round at the desk: serve it inline, else a marker for every worker.
 *  @param ingest Object. */
void tg_ingest_desk(struct tg_ingest *ingest);

/** @brief Send what is gathered for all workers, then a marker, and wait till all have seen it.
 *  @param ingest Object. @param epoch Epoch that ends. */
void tg_ingest_mark_epoch(struct tg_ingest *ingest, uint64_t epoch);

#endif
