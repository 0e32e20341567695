/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Sequence audit: which messages of an exporter never came, learnt per exporter's habit.
 *
 *  Source: RFC 7011 3.1 (records before this message), RFC 3954 5.1 (messages), NetFlow v5 header;
 *  exporters that count records *including* this message exist, so the mode is learnt.
 *  Threads: one writer, the ingest lcore. Allocates: in create only. Cost: one probe a message.
 *
 *  State per (source, domain, what it counts, whether it tells its uptime), so that NetFlow v5, v9
 *  and IPFIX of one exporter are three streams:
 *
 *      LEARNING --8 in-order messages fit one equation--> EXCLUSIVE | INCLUSIVE | MESSAGES
 *      any      --lower number, and uptime fell or exported later than what came--> LEARNING
 *
 *  (1) EXCLUSIVE: sequence[n+1] = sequence[n] + records[n]. INCLUSIVE: sequence[n+1] =
 *      sequence[n] + records[n+1].
 *  (2) A message that comes late, within 64, takes its records back out of the loss.
 *  (3) Arithmetic is mod 2^32.
 *  (4) Options records count (RFC 7011 3.1), until a message with some shows that this exporter
 *      leaves them out, as softflowd does.
 */
#ifndef TG_MEDIATE_SEQUENCE_H
#define TG_MEDIATE_SEQUENCE_H

#include "abi/decoder.h"

#include <stdint.h>

/** @brief How a stream counts. */
enum tg_sequence_mode {
    TG_SEQUENCE_LEARNING = 0,  /**< Not enough seen. */
    TG_SEQUENCE_EXCLUSIVE = 1, /**< Records before this message. */
    TG_SEQUENCE_INCLUSIVE = 2, /**< Records up to and with this message. */
    TG_SEQUENCE_PER_MESSAGE = 3 /**< One a message. */
};

/** @brief What one message told. */
struct tg_sequence_finding {
    int64_t lost;     /**< Records (or messages) newly missing; negative when late ones came. */
    uint8_t mode;     /**< enum tg_sequence_mode after this message. */
    bool is_restart;  /**< The exporter restarted. */
    bool is_repeat;   /**< Same sequence number as one already counted. */
};

struct tg_sequence;

/** @brief Make. @param streams_count_max Streams kept; beyond: counted, not audited.
 *  @return Or NULL. */
struct tg_sequence *tg_sequence_create(uint32_t streams_count_max);

/** @brief Free. @param sequence May be NULL. */
void tg_sequence_free(struct tg_sequence *sequence);

/**
 * @brief Take note of one message.
 * @param[in,out] sequence   Audit.
 * @param[in]     source_id  Who.
 * @param[in]     message    What the decoder said of it.
 * @param[out]    finding    Always written; all zero for protocols without a sequence.
 */
void tg_sequence_note(struct tg_sequence *sequence, uint16_t source_id,
                      const struct tg_message *message,
                      struct tg_sequence_finding *finding);

/** @brief Streams that found no place. @param sequence Audit. @return Messages not audited. */
uint64_t tg_sequence_refused(const struct tg_sequence *sequence);

#endif
