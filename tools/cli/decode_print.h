/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What `tollgate decode` prints: a row, a session, an observation or a refusal as one line.
 *
 *  Source: abi/usage.h, abi/decoder.h; the keys are listed in `tollgate decode --help`.
 *  Threads: one owner. Allocates: as decode_text.h. Cost: about a microsecond a row of 20 fields.
 */
#ifndef TG_CLI_DECODE_PRINT_H
#define TG_CLI_DECODE_PRINT_H

#include "abi/decoder.h"
#include "cli/decode_text.h"

#include <stdbool.h>
#include <stdint.h>

/** @brief Where a line's bytes are and who read them. */
struct tg_decode_origin {
    const char *file;               /**< As given on the command line; borrowed. */
    uint64_t offset_bytes;          /**< In the file. */
    uint64_t frame_index;           /**< Frame of a capture from 1; 0: no capture. */
    const char *decoder;            /**< Its name; NULL: nobody read it. */
    const struct tg_endpoint *from; /**< Sender; NULL: not known. */
    uint32_t domain;                /**< Observation domain of the message. */
    bool is_late;                   /**< Waited for its template. */
};

/** @brief A refusal, ready to be printed. */
struct tg_decode_refusal {
    struct tg_decode_origin origin; /**< Of the refused bytes. */
    uint32_t length_bytes;          /**< How many. */
    uint32_t payload_offset;        /**< The same place within the datagram or chunk. */
    int reason;                     /**< enum tg_err. */
    const char *field;              /**< Field at fault or NULL. */
    const char *note;               /**< What to do about it, or NULL. */
    bool has_fault_offset;          /**< The decoder named the octet at fault. */
    uint64_t fault_offset;          /**< In the file. */
};

/**
 * @brief Print a usage row as a line of JSON.
 * @param text          Grows by the line.
 * @param origin        Borrowed.
 * @param row           Borrowed.
 * @param fields        Its fields; shape [fields_count].
 * @param fields_count  0 when the decoder told none.
 */
void tg_decode_print_row(struct tg_text *text, const struct tg_decode_origin *origin,
                         const struct tg_usage *row, const struct tg_field *fields,
                         uint32_t fields_count);

/** @brief Print a session event. @param text Grows. @param origin Borrowed. @param session
 *  Borrowed. */
void tg_decode_print_session(struct tg_text *text, const struct tg_decode_origin *origin,
                             const struct tg_session *session);

/** @brief Print an observation. @param text Grows. @param origin Borrowed. @param seen Borrowed.
 *  @param arena Texts its offset points into. */
void tg_decode_print_observation(struct tg_text *text, const struct tg_decode_origin *origin,
                                 const struct tg_observation *seen, const uint8_t *arena);

/** @brief Print a refusal. @param text Grows. @param refusal Borrowed. */
void tg_decode_print_refusal(struct tg_text *text, const struct tg_decode_refusal *refusal);

#endif
