/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A journal block being filled: rows with their verdicts, and all else an epoch must keep.
 *
 *  Source: layout in schemas/journal/README.md; group commit and column frames in design.md 6.
 *  Threads: a builder belongs to the thread that got it from tg_journal_begin until it is
 * submitted. Allocates: never; builders are made by tg_journal_open. Cost: bench figures in the
 * commit bodies.
 *
 *  Every append says how much it took. When it took less than it was given (or said false), submit
 *  the block, begin another for the same epoch, and append the rest there.
 */
#ifndef TG_LEDGER_BLOCK_H
#define TG_LEDGER_BLOCK_H

#include "abi/decoder.h"
#include "abi/usage.h"
#include "record/charge.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TG_BLOCK_ROWS_MAX          65536u               /**< Rows in a block. */
#define TG_BLOCK_OBSERVATIONS_MAX  8192u                /**< Observations in a block. */
#define TG_BLOCK_SESSIONS_MAX      8192u                /**< Session events in a block. */
#define TG_BLOCK_RELEASES_MAX      8192u                /**< Released keys in a block. */
#define TG_BLOCK_SOURCES_MAX       8192u                /**< Source entries in a block. */
#define TG_BLOCK_TEXT_BYTES_MAX    (1u << 20)           /**< Observation text in a block. */
#define TG_BLOCK_INPUTS_BYTES_MAX  ((1u << 20) + 4096u) /**< Kept inputs in a block. */
#define TG_BLOCK_REFUSED_BYTES_MAX ((1u << 20) + 4096u) /**< Kept refused bytes in a block. */
#define TG_BLOCK_NOTES_BYTES_MAX   (65536u + 4096u)     /**< Notes in a block. */
#define TG_REFUSAL_BYTES_MAX       65536u               /**< Bytes kept of one refusal. */
#define TG_NOTE_BYTES_MAX          65536u               /**< One note's value. */

struct tg_block;

/** @brief Bytes that became no row, kept for suspense. Pointers are borrowed. */
struct tg_journal_refusal {
    const uint8_t *bytes;  /**< The refused bytes. */
    const char *field;     /**< Field at fault, or NULL; at most 63 octets are kept. */
    uint64_t record_key;   /**< Identity; for held ones the key that a release names. */
    uint64_t file_key;     /**< The input's; 0 for datagrams. */
    uint64_t offset_bytes; /**< Of the fault: in the file, or in the datagram. */
    int64_t arrival_ns;    /**< The input's, UTC. */
    uint32_t length_bytes; /**< How many bytes are refused (kept: see kept_bytes). */
    uint32_t kept_bytes;   /**< Out, when read back: how many of them are in the journal. */
    uint16_t source_id;    /**< The input's. */
    int16_t reason;        /**< enum tg_err; never TG_OK. */
    uint8_t fate;          /**< TG_FATE_SUSPENDED, TG_FATE_HELD (parked), TG_FATE_FILTERED. */
    uint8_t reserved[7];   /**< 0. */
};

/** @brief Bits of tg_journal_source.flags. */
enum tg_journal_source_flag {
    TG_SOURCE_HAS_POSITION = 1 /**< port_hash, file_key and offset_bytes say where to read on. */
};

/**
 * @brief What one source brought in this epoch: counts since the source's entry before, and where
 *        reading goes on. Several entries of one source in one block add up.
 *
 * The audit's `in` is in_records + refused_records - released_records, counted where bytes are
 * decoded, so it does not depend on what later stages decide.
 */
struct tg_journal_source {
    uint64_t source_key;             /**< tg_key_name of the source's configured name; stable. */
    uint64_t in_records;             /**< Rows that decoders gave. */
    uint64_t in_units;               /**< Sum of tg_usage_units of these rows. */
    uint64_t refused_records;        /**< Refusals that decoders gave, parked ones included. */
    uint64_t released_records;       /**< Parked pieces settled: decoded (their rows are counted in
                                          in_records) or refused (counted in refused_records). */
    uint64_t messages_count;         /**< Datagrams or chunks decoded. */
    uint64_t messages_refused_count; /**< Of these, with a verdict other than TG_OK. */
    uint64_t missing_count;          /**< Records or messages that the sequence audit misses. */
    uint64_t port_hash;              /**< tg_key_name of the port's name. */
    uint64_t file_key;               /**< File identity; 0 for sockets. */
    uint64_t offset_bytes;           /**< First byte not yet taken in. */
    uint16_t source_id;              /**< The rows' source_id. */
    uint16_t flags;                  /**< enum tg_journal_source_flag. */
    uint32_t reserved;               /**< 0. */
};
_Static_assert(sizeof(struct tg_journal_source) == 96, "a source entry is stored as it is");

/**
 * @brief Append rows with their verdicts, of any fate.
 * @param[in,out] block    Begun.
 * @param[in]     rows     Borrowed until return; shape [count].
 * @param[in]     charges  Borrowed until return; shape [count]; fate is never TG_FATE_NONE.
 * @param[in]     count    Any.
 * @return Rows taken: the first so many; fewer than count when the block is full.
 */
uint32_t tg_block_rows(struct tg_block *block, const struct tg_usage *rows,
                       const struct tg_charge *charges, uint32_t count);

/**
 * @brief Append observations; text_offset is rewritten to the block's own text.
 * @param[in,out] block         Begun.
 * @param[in]     observations  Borrowed until return; shape [count].
 * @param[in]     count         Any.
 * @param[in]     text          Arena that text_offset and text_bytes point into; may be NULL when
 *                              no observation has text.
 * @param[in]     text_bytes    Its length; a text outside it is kept as empty.
 * @return Observations taken, 0..count.
 */
uint32_t tg_block_observations(struct tg_block *block, const struct tg_observation *observations,
                               uint32_t count, const uint8_t *text, uint32_t text_bytes);

/** @brief Append session events. @param block Begun. @param sessions Borrowed; shape [count].
 *  @param count Any. @return Taken, 0..count. */
uint32_t tg_block_sessions(struct tg_block *block, const struct tg_session *sessions,
                           uint32_t count);

/**
 * @brief Keep an input that changed a decoder's state, so that a restart decodes it again.
 * @param[in,out] block         Begun.
 * @param[in]     decoder_name  1..31 octets.
 * @param[in]     input         Borrowed until return; at most TG_FILE_CHUNK_BYTES.
 * @return false when it does not fit any more.
 */
bool tg_block_input(struct tg_block *block, const char *decoder_name, const struct tg_input *input);

/** @brief Keep a refusal with its bytes. @param block Begun. @param refusal Borrowed until return.
 *  @return false when it does not fit any more. */
bool tg_block_refusal(struct tg_block *block, const struct tg_journal_refusal *refusal);

/** @brief Say that parked pieces (or held rows) are settled. @param block Begun.
 *  @param keys record_key of each; shape [count]. @param count Any. @return Taken, 0..count. */
uint32_t tg_block_release(struct tg_block *block, const uint64_t *keys, uint32_t count);

/** @brief Append a source's counts and position. @param block Begun. @param source Borrowed.
 *  @return false when it does not fit any more. */
bool tg_block_source(struct tg_block *block, const struct tg_journal_source *source);

/** @brief Keep a small piece of engine state; the last note of a key wins at recovery.
 *  @param block Begun. @param key 1..63 octets. @param bytes Borrowed. @param length_bytes At most
 *  TG_NOTE_BYTES_MAX. @return false when it does not fit any more. */
bool tg_block_note(struct tg_block *block, const char *key, const void *bytes,
                   uint32_t length_bytes);

/** @brief Set the journal time; commit blocks carry it for their whole epoch (audit's hours).
 *  @param block Begun. @param journal_ns UTC; 0 unknown. */
void tg_block_time(struct tg_block *block, int64_t journal_ns);

/** @brief Rows so far. @param block Begun. @return Count. */
uint32_t tg_block_rows_count(const struct tg_block *block);

/** @brief Whether fewer than TG_BATCH_ROWS_MAX rows fit, or another section is nearly full: time to
 *  submit. @param block Begun. @return Answer. */
bool tg_block_is_full(const struct tg_block *block);

/** @brief Whether nothing at all was appended. @param block Begun. @return Answer. */
bool tg_block_is_empty(const struct tg_block *block);

/** @brief Plain size so far: rows * 128 and all sections; what "group commit every 1 MiB" compares.
 *  @param block Begun. @return Octets. */
size_t tg_block_bytes(const struct tg_block *block);

#endif
