/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Sources: who sent it. One dense number per exporter address and port, or per drop folder.
 *
 *  Source: design law 1 (every count is kept per source).
 *  Threads: one writer, the ingest lcore; counters are read by control without locks.
 *  Allocates: in create only. Cost: one probe of a small table a burst of one sender.
 *
 *  Numbers are stored in the journal, so they are journaled as notes when given out and restored
 *  before the first new one: the same exporter keeps its number for life. Number 0 is "all others":
 *  it takes what comes when TG_SOURCES_MAX is reached, and says so in its counter.
 */
#ifndef TG_MEDIATE_SOURCE_H
#define TG_MEDIATE_SOURCE_H

#include "abi/decoder.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_SOURCE_NAME_BYTES 80u

/** @brief What identifies a source: 32 bytes, stored as a journal note. */
struct tg_source_key {
    uint8_t address[16];  /**< Sender; all zero for folders. */
    uint64_t folder_key;  /**< tg_key_name of the port's name for folders; 0 for datagrams. */
    uint16_t local_port;  /**< UDP port it sends to; 0 for folders. */
    uint8_t reserved[6];  /**< 0. */
};
_Static_assert(sizeof(struct tg_source_key) == 32, "stored in journal notes");

/** @brief One source's line. Counters only grow; written by the ingest lcore only. */
struct tg_source {
    struct tg_source_key key;        /**< Identity. */
    uint16_t node_id;                /**< Node with that address; 0 unknown. */
    bool is_filtered;                /**< Its rows get the fate filtered. */
    bool is_touched;                 /**< Changed since the last journal block took its counts. */
    uint64_t in_records;             /**< Rows decoded plus refusals. */
    uint64_t in_units;               /**< Their units (octets, milliseconds, events). */
    uint64_t messages_count;         /**< Datagrams or chunks. */
    uint64_t lost_records;           /**< Missing by sequence number, net of late arrivals. */
    int64_t last_event_ns;           /**< Latest event time seen. */
};

struct tg_sources;

/** @brief Make an empty table. @return Table, or NULL without memory. Free with tg_sources_free. */
struct tg_sources *tg_sources_create(void);

/** @brief Free. @param sources May be NULL. */
void tg_sources_free(struct tg_sources *sources);

/**
 * @brief Number of a source; a new one is numbered.
 * @param[in,out] sources  Table.
 * @param[in]     key      Identity.
 * @param[out]    is_new   True when it was numbered by this call: journal it.
 * @return Source id; 0 when the table is full.
 */
uint16_t tg_sources_find(struct tg_sources *sources, const struct tg_source_key *key, bool *is_new);

/**
 * @brief Put a source back where the journal says it was.
 * @param[in,out] sources    Table.
 * @param[in]     source_id  As journaled.
 * @param[in]     key        As journaled.
 * @return TG_OK, TG_E_EXISTS when the number holds another key, TG_E_INVALID out of range.
 */
enum tg_err tg_sources_restore(struct tg_sources *sources, uint16_t source_id,
                               const struct tg_source_key *key);

/** @brief A source's line. @param sources Table. @param source_id Any. @return Never NULL. */
struct tg_source *tg_sources_at(struct tg_sources *sources, uint16_t source_id);

/** @brief Sources numbered so far, number 0 included. @param sources Table. @return At least 1. */
uint32_t tg_sources_count(const struct tg_sources *sources);

/** @brief Identity of an input. @param input Borrowed. @param folder_key Of the port or 0.
 *  @param[out] key Written. */
void tg_source_key_of(const struct tg_input *input, uint64_t folder_key, struct tg_source_key *key);

/** @brief Print "192.0.2.1:2055" or "folder#hash". @param key Borrowed. @param[out] text Written.
 */
void tg_source_name(const struct tg_source_key *key, char text[TG_SOURCE_NAME_BYTES]);

#endif
