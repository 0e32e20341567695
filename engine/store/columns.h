/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Columns as bit and byte planes: groups of rows of 64-bit words in, few octets out, and
 *         back.
 *
 *  Source: frame of reference and bit slicing as in column stores (Li and Patel, BitWeaving, 2013);
 *  CRC32C RFC 3720 B.4. Layout: schemas/journal/README.md.
 *  Threads: every object belongs to one thread at a time. Allocates: in tg_codec_open only.
 *  Cost: with AVX2 spread 24 instructions a row of 8 words and cut 2 a varying word, with AVX-512
 *  fewer; a bit that never changes within a group costs nothing.
 *
 *  A group is up to TG_GROUP_ROWS rows. Of each word column only the bits that differ within the
 *  group are kept: octets with many of them as a plane of octets, the others a bit at a time. No
 *  general compressor runs over rows: it took four fifths of the journal's time for an eighth of
 *  its size.
 */
#ifndef TG_STORE_COLUMNS_H
#define TG_STORE_COLUMNS_H

#include "abi/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tg_why;
struct tg_codec;

#define TG_WORD_OCTETS     8u
#define TG_GROUP_ROWS      1024u                /**< Rows of a full group. */
#define TG_GROUP_STRIDE    (TG_GROUP_ROWS + 8u) /**< Words between columns: not a page apart. */
#define TG_PLANE_ROWS      32u /**< Planes are filled up to a multiple of this with zero bits. */
#define TG_PLANE_BITS_MAX  6u  /**< Octets with more differing bits are kept whole. */
#define TG_CODEC_LEVEL_MIN (-5)
#define TG_CODEC_LEVEL_MAX 3

/** @brief How a word is changed before it is cut. Values are stored: pinned for life. */
enum tg_word_transform {
    TG_WORD_PLAIN = 0,     /**< XOR with `first`, the group's first word. */
    TG_WORD_ZIGZAG = 1,    /**< Sign moved to bit 0, then XOR with `first`, so treated. */
    TG_WORD_SEQUENCE = 2,  /**< Bits 32..63: zigzag of the difference to the row before (first row:
                                0); bits 0..31: XOR with those of `first`. `first`: first word. */
    TG_WORD_OFFSET = 3,    /**< Difference to `first`, the least signed word. */
    TG_WORD_OFFSET_US = 4, /**< That divided by 1000, without rest. */
    TG_WORD_OFFSET_MS = 5, /**< Divided by 1,000,000. */
    TG_WORD_OFFSET_S = 6   /**< Divided by 1,000,000,000. */
};
#define TG_WORD_TRANSFORM_COUNT 7u

/** @brief How octets of a section are stored. Values are stored: pinned for life. */
enum tg_encoding {
    TG_ENCODING_RAW = 1, /**< As they are. */
    TG_ENCODING_ZSTD = 2 /**< One zstd frame. */
};

/** @brief How one word column of a group is kept. */
struct tg_word {
    uint64_t first;    /**< By transform. */
    uint64_t differs;  /**< Bits that are kept; the others are 0 after the transform. */
    uint8_t transform; /**< enum tg_word_transform. */
};

/** @brief Kernels of one instruction set; all give the same octets. */
struct tg_column_kernels {
    const char *name; /**< "scalar", "avx2", "avx512". */

    /**
     * Eight words of each row to eight arrays; differs[w] gathers the bits in which any row's word
     * w differs from first[w]. rows: 64 octets a row, shape [rows_count]; columns: array w begins
     * at columns + w * TG_GROUP_STRIDE.
     */
    void (*spread)(const void *rows, uint32_t rows_count, const uint64_t *first, uint64_t *differs,
                   uint64_t *columns);
    /** The reverse of spread: eight arrays to rows of 64 octets. */
    void (*gather)(const uint64_t *columns, uint32_t rows_count, void *rows);
    /** Cuts words XOR first to planes; words has room for, and rows_count is, a multiple of
     *  TG_PLANE_ROWS. Returns the octets written, tg_planes_bytes(). */
    size_t (*cut)(const uint64_t *words, uint32_t rows_count, uint64_t first, uint64_t differs,
                  uint8_t *out);
    /** The reverse; planes of octets outside `wanted` (whole octets) are passed over. */
    void (*join)(const uint8_t *planes, uint32_t rows_count, uint64_t first, uint64_t differs,
                 uint64_t wanted, uint64_t *words);
};

/** @brief Kernels by instruction set, the slowest (the oracle) first. @param index From 0.
 *  @return Static; NULL behind the last one. */
const struct tg_column_kernels *tg_column_kernels_at(uint32_t index);

/** @brief The fastest kernels of this processor; the build requires AVX2. @return Static. */
const struct tg_column_kernels *tg_column_kernels(void);

/** @brief Rows with the filling. @param rows_count Rows. @return Multiple of TG_PLANE_ROWS. */
static inline uint32_t tg_planes_rows(uint32_t rows_count)
{
    return (rows_count + TG_PLANE_ROWS - 1) / TG_PLANE_ROWS * TG_PLANE_ROWS;
}

/** @brief Octets that the planes of a word take. @param rows_count Rows, with or without the
 *  filling. @param differs Kept bits. @return Octets; at most 8 a row with the filling. */
size_t tg_planes_bytes(uint32_t rows_count, uint64_t differs);

/**
 * @brief Choose a transform and cut one word column of a group.
 * @param[in,out] words       Shape [tg_planes_rows(rows_count)]; changed by the transform.
 * @param[in]     rows_count  1..TG_GROUP_ROWS.
 * @param[in]     kind        TG_WORD_PLAIN, TG_WORD_ZIGZAG (tried when the sign differs),
 *                            TG_WORD_SEQUENCE (kept when it is shorter) or TG_WORD_OFFSET (the
 *                            coarsest unit that divides all).
 * @param[in,out] word        first and differs of the plain words in, what is kept out.
 * @param[out]    out         Room of 8 octets a row with the filling.
 * @return Octets written, tg_planes_bytes(rows_count, word->differs).
 */
size_t tg_word_encode(uint64_t *words, uint32_t rows_count, uint8_t kind, struct tg_word *word,
                      uint8_t *out);

/**
 * @brief Read a word column of a group back.
 * @param[in]  planes      tg_planes_bytes() octets; hostile ones give other words, no harm.
 * @param[in]  rows_count  1..TG_GROUP_ROWS.
 * @param[in]  word        Its transform is one of enum tg_word_transform.
 * @param[in]  wanted      Octets of the word that the caller reads, as a mask of whole octets.
 * @param[out] words       Shape [tg_planes_rows(rows_count)]; the filling is rubbish.
 */
void tg_word_decode(const uint8_t *planes, uint32_t rows_count, const struct tg_word *word,
                    uint64_t wanted, uint64_t *words);

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

#endif
