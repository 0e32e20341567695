/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Inside of a block builder: what block.c fills and encode.c turns into octets.
 *
 *  Source: ledger/block.h. Threads: as there. Allocates: tg_builder_open. Cost: none of its own.
 */
#ifndef TG_LEDGER_BUILDER_H
#define TG_LEDGER_BUILDER_H

#include "ledger/format.h"

/** @brief Octets of a section that grows by items. */
struct tg_builder_bytes {
    uint8_t *at;             /**< Memory. */
    uint32_t used_bytes;     /**< Filled. */
    uint32_t capacity_bytes; /**< Size. */
    uint32_t items_count;    /**< Items. */
};

/** @brief A block being filled. */
struct tg_block {
    uint64_t *columns; /**< The open group: TG_ROW_WORDS arrays, TG_GROUP_STRIDE apart. */
    uint64_t first[TG_ROW_WORDS];   /**< Words of its first row. */
    uint64_t differs[TG_ROW_WORDS]; /**< Bits in which its rows differ from them. */
    uint32_t group_rows_count;      /**< Its rows. */
    uint32_t heads_crc;             /**< CRC32C of the heads of the closed groups. */
    uint8_t *rows_at;               /**< Closed groups as they are stored. */
    size_t rows_bytes;              /**< Their octets. */
    struct tg_builder_bytes sections[TG_SECTION_COUNT]; /**< By kind; rows unused. */
    uint32_t rows_max;                                  /**< Multiple of 32. */
    uint32_t rows_count;                                /**< Rows so far. */
    uint32_t fates;                                     /**< Bits 1 << fate. */
    uint32_t catalog_min;                               /**< 0 none. */
    uint32_t catalog_max;                               /**< 0 none. */
    uint32_t stream;                                    /**< Owner. */
    int64_t event_min_ns;                               /**< Of rows. */
    int64_t event_max_ns;                               /**< Of rows. */
    int64_t journal_ns;                                 /**< tg_block_time. */
    uint64_t epoch;                                     /**< Set by submit. */
    bool is_commit;                                     /**< Set by submit. */
    size_t memory_bytes;                                /**< Of this object and its arrays. */
};

/** @brief Make a builder. @param stream Its stream. @param rows_max Multiple of 32.
 *  @param is_lazy Its memory comes as it fills: for what runs without preallocation.
 *  @return NULL when there is no memory; give back with tg_builder_close. */
struct tg_block *tg_builder_open(uint32_t stream, uint32_t rows_max, bool is_lazy);

/** @brief Free. @param block From open, or NULL. */
void tg_builder_close(struct tg_block *block);

/** @brief Empty. @param block Open. */
void tg_builder_reset(struct tg_block *block);

/** @brief Close the open group of rows: nothing is appended any more. @param block Open. */
void tg_builder_finish(struct tg_block *block);

/** @brief Most octets that a block of such a builder is when encoded. @param rows_max Rows.
 *  @return Octets. */
size_t tg_builder_bound(uint32_t rows_max);

/**
 * @brief Encode a builder as a block.
 * @param[in]  block          Filled and finished; epoch and is_commit set.
 * @param[in]  codec          Open.
 * @param[in]  number         Block number.
 * @param[in]  durable_epoch  Known durable now.
 * @param[in]  previous_hash  Chain.
 * @param[out] out            Room of tg_builder_bound octets, 64-aligned.
 * @param[out] header         Copy of the header.
 * @return Octets of the block, a multiple of 64.
 */
size_t tg_builder_encode(const struct tg_block *block, struct tg_codec *codec, uint64_t number,
                         uint64_t durable_epoch, uint64_t previous_hash, uint8_t *out,
                         struct tg_block_header *header);

#endif
