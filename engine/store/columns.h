/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Columns as byte planes: rows of 64-bit words in, small checksummed pieces out, and back.
 *
 *  Source: the Delta + BYTE_STREAM_SPLIT idea of Apache Parquet; zstd frames RFC 8878; CRC32C
 *  RFC 3720 B.4. Layout: schemas/journal/README.md.
 *  Threads: every object belongs to one thread at a time. Allocates: in tg_codec_open only.
 *  Cost: append about 10 ns a row of 16 words; a plane that never changes costs no store and no
 * zstd.
 *
 *  A word column is cut into 8 planes: plane p holds octet p (little-endian) of every row's word.
 *  A field of a row is then a run of planes of one word, so a scan can read just that field. Words
 *  that count upward are replaced by their zigzag difference first, which empties the high planes.
 */
#ifndef TG_STORE_COLUMNS_H
#define TG_STORE_COLUMNS_H

#include "abi/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tg_why;
struct tg_codec;

#define TG_WORD_PLANES     8u  /**< Octets in a word. */
#define TG_PLANE_SLACK     32u /**< Octets a plane buffer needs beyond its rows. */
#define TG_CODEC_LEVEL_MIN (-5)
#define TG_CODEC_LEVEL_MAX 3

/** @brief How a word is changed before it is cut. Values are stored: pinned for life. */
enum tg_word_transform {
    TG_WORD_PLAIN = 0,       /**< As it is. */
    TG_WORD_ZIGZAG = 1,      /**< Signed: sign moved to bit 0. */
    TG_WORD_DELTA = 2,       /**< Zigzag of the difference to the row before (first: to 0). */
    TG_WORD_DELTA2 = 3,      /**< Zigzag of the difference of differences. */
    TG_WORD_DELTA_HIGH32 = 4 /**< TG_WORD_DELTA on bits 32..63 alone; bits 0..31 as they are. */
};
#define TG_WORD_TRANSFORM_COUNT 5u

/** @brief How a plane is stored. Values are stored: pinned for life. */
enum tg_plane_encoding {
    TG_PLANE_CONSTANT = 0, /**< All rows have one octet; nothing else is stored. */
    TG_PLANE_RAW = 1,      /**< One octet a row. */
    TG_PLANE_ZSTD = 2      /**< One zstd frame. */
};

/** @brief A word column being filled. Memory is the owner's. */
struct tg_words {
    uint8_t *planes;         /**< 8 planes, each capacity_rows + TG_PLANE_SLACK octets. */
    uint32_t capacity_rows;  /**< Most rows; a multiple of 32. */
    uint32_t rows_count;     /**< Rows so far. */
    uint64_t first;          /**< First transformed word. */
    uint64_t differs;        /**< OR of (word XOR first): an octet of 0 is a constant plane. */
    uint64_t previous;       /**< Last word before the transform. */
    uint64_t previous_delta; /**< Last difference. */
    uint8_t transform;       /**< enum tg_word_transform. */
    uint8_t written;         /**< Bit p: plane p is materialised. */
};

/** @brief Octets that a word column's planes need. @param capacity_rows Multiple of 32.
 *  @return Octets. */
static inline size_t tg_words_bytes(uint32_t capacity_rows)
{
    return (size_t)TG_WORD_PLANES * (capacity_rows + TG_PLANE_SLACK);
}

/** @brief Prepare. @param[out] words Caller's. @param planes tg_words_bytes() octets, borrowed.
 *  @param capacity_rows Multiple of 32. @param transform enum tg_word_transform. */
void tg_words_init(struct tg_words *words, uint8_t *planes, uint32_t capacity_rows,
                   uint8_t transform);

/** @brief Forget all rows. @param words Prepared. */
void tg_words_reset(struct tg_words *words);

/**
 * @brief Append rows' words.
 * @param words   Prepared.
 * @param values  First word; borrowed until return.
 * @param stride_words  Distance between rows' words: 8 for a 64-byte struct, 1 for an array.
 * @param count   At most capacity_rows - rows_count.
 */
void tg_words_append(struct tg_words *words, const uint64_t *values, uint32_t stride_words,
                     uint32_t count);

/** @brief Undo a transform in place. @param transform enum tg_word_transform.
 *  @param[in,out] values Transformed words in, original words out. @param count Rows. */
void tg_words_restore(uint8_t transform, uint64_t *values, uint32_t count);

/** @brief One stored plane. */
struct tg_plane {
    uint32_t stored_bytes; /**< 0 when constant. */
    uint32_t crc32c;       /**< Of the stored bytes. */
    uint8_t encoding;      /**< enum tg_plane_encoding. */
    uint8_t constant;      /**< The octet when constant. */
};

/**
 * @brief Open a compressor and decompressor; all its memory is taken here.
 * @param[in]  level      zstd level TG_CODEC_LEVEL_MIN..TG_CODEC_LEVEL_MAX; 0: no compressor at
 * all.
 * @param[in]  bytes_max  Largest piece that will be compressed.
 * @param[out] codec      Written on TG_OK.
 * @param[out] why        Filled on failure; may be NULL.
 * @return TG_OK, TG_E_INVALID, TG_E_NO_MEMORY.
 */
enum tg_err tg_codec_open(int level, size_t bytes_max, struct tg_codec **codec, struct tg_why *why);

/** @brief Close. @param codec Opened, or NULL. */
void tg_codec_close(struct tg_codec *codec);

/** @brief Room that compressing needs at most. @param length_bytes Plain size. @return Octets. */
size_t tg_codec_bound(size_t length_bytes);

/** @brief Compress. @param codec Open. @param bytes Borrowed. @param length_bytes Its length.
 *  @param[out] out Room of tg_codec_bound(). @param capacity_bytes Its size.
 *  @return Octets written; 0 when it would not get smaller: store it raw. */
size_t tg_codec_compress(struct tg_codec *codec, const void *bytes, size_t length_bytes, void *out,
                         size_t capacity_bytes);

/** @brief Decompress to an exactly known size. @param codec Open. @param bytes Borrowed, hostile.
 *  @param length_bytes Its length. @param[out] out Room of plain_bytes. @param plain_bytes Size.
 *  @return TG_OK or TG_E_CORRUPT; never writes beyond plain_bytes. */
enum tg_err tg_codec_decompress(struct tg_codec *codec, const void *bytes, size_t length_bytes,
                                void *out, size_t plain_bytes);

/**
 * @brief Store one plane of a column.
 * @param[in]  codec           Open.
 * @param[in]  words           At least one row.
 * @param[in]  plane_index     0..7.
 * @param[out] out             Room of tg_codec_bound(rows).
 * @param[in]  capacity_bytes  Its size.
 * @param[out] plane           How it is stored.
 * @return Octets written.
 */
size_t tg_plane_encode(struct tg_codec *codec, const struct tg_words *words, uint32_t plane_index,
                       uint8_t *out, size_t capacity_bytes, struct tg_plane *plane);

/**
 * @brief Read one plane back; checks its CRC32C first.
 * @param[in]  codec       Open.
 * @param[in]  plane       From the directory, hostile.
 * @param[in]  bytes       plane->stored_bytes octets, hostile; not read for a constant.
 * @param[in]  rows_count  Rows.
 * @param[out] out         Room of rows_count octets.
 * @return TG_OK or TG_E_CORRUPT.
 */
enum tg_err tg_plane_decode(struct tg_codec *codec, const struct tg_plane *plane,
                            const uint8_t *bytes, uint32_t rows_count, uint8_t *out);

/**
 * @brief Put planes together: octet k of row i becomes octet k of an element of 1, 2, 4 or 8
 * octets.
 * @param[in]  planes        First plane; the next one lies plane_stride octets on.
 * @param[in]  planes_count  1..width_bytes; missing high octets are 0.
 * @param[in]  plane_stride  Octets between planes.
 * @param[in]  rows_count    Rows.
 * @param[in]  width_bytes   1, 2, 4 or 8.
 * @param[out] out           Array of rows_count elements, aligned to its width.
 */
void tg_planes_join(const uint8_t *planes, uint32_t planes_count, size_t plane_stride,
                    uint32_t rows_count, uint32_t width_bytes, void *out);

#endif
