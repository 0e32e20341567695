/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The journal's structures as they lie on disk, and the checks they must pass.
 *
 *  Source: schemas/journal/README.md, version 2. Threads: pure. Allocates: never.
 *  Cost: CRC32C 0.1 ns an octet.
 */
#ifndef TG_LEDGER_FORMAT_H
#define TG_LEDGER_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger/scan.h"
#include "store/columns.h"

#define TG_FORMAT_VERSION       2u
#define TG_FORMAT_SEGMENT_MAGIC UINT32_C(0x53474754)
#define TG_FORMAT_BLOCK_MAGIC   UINT32_C(0x4b424754)
#define TG_FORMAT_ALIGN_BYTES   64u
#define TG_ROW_WORDS            16u  /**< Eight of tg_usage, eight of tg_charge. */
#define TG_ROW_OCTETS           128u /**< Octets of a row. */
/** Largest stored form of a section other than rows: raw size, as it is stored raw if larger. */
#define TG_SECTION_BYTES_MAX ((1u << 20) + 65536u)
/** Most that a block can be: a length beyond it is corruption, not a reason to take memory. */
#define TG_FORMAT_BLOCK_BYTES_MAX (32u << 20)

/** @brief First 64 octets of a segment. */
struct tg_segment_header {
    uint32_t magic;           /**< TG_FORMAT_SEGMENT_MAGIC. */
    uint16_t version;         /**< TG_FORMAT_VERSION. */
    uint16_t zero;            /**< 0. */
    uint64_t segment;         /**< Its number, 1.. */
    uint64_t block_number;    /**< Of its first block. */
    uint64_t previous_hash;   /**< That its first block carries. */
    uint64_t committed_epoch; /**< Last committed before its first block. */
    uint8_t zeros[20];        /**< 0. */
    uint32_t crc32c;          /**< Of the octets before. */
};
_Static_assert(sizeof(struct tg_segment_header) == 64, "disk layout");
_Static_assert(offsetof(struct tg_segment_header, crc32c) == 60, "disk layout");

#define TG_BLOCK_COMMITS 1u /**< Bit of tg_block_header.flags. */

/** @brief First 128 octets of a block. */
struct tg_block_header {
    uint32_t magic;          /**< TG_FORMAT_BLOCK_MAGIC. */
    uint16_t version;        /**< TG_FORMAT_VERSION. */
    uint16_t stream;         /**< Who wrote it. */
    uint32_t length_bytes;   /**< Whole block; multiple of 64. */
    uint32_t flags;          /**< TG_BLOCK_COMMITS. */
    uint64_t number;         /**< 1, 2, 3 ... */
    uint64_t epoch;          /**< Its epoch. */
    uint64_t durable_epoch;  /**< Known durable when it was written. */
    uint64_t previous_hash;  /**< Chain. */
    int64_t journal_ns;      /**< 0 unknown. */
    int64_t event_min_ns;    /**< Least start_ns. */
    int64_t event_max_ns;    /**< Greatest start_ns. */
    uint32_t catalog_min;    /**< Least version of rated rows. */
    uint32_t catalog_max;    /**< Greatest. */
    uint32_t rows_count;     /**< Rows. */
    uint32_t fates;          /**< Bits 1 << fate. */
    uint32_t sections_count; /**< Directory entries. */
    uint32_t directory_crc;  /**< Of the directory. */
    uint32_t padding_bytes;  /**< Zeros at the end. */
    uint8_t zeros[24];       /**< 0. */
    uint32_t crc32c;         /**< Of the octets before. */
};
_Static_assert(sizeof(struct tg_block_header) == 128, "disk layout");
_Static_assert(offsetof(struct tg_block_header, crc32c) == 124, "disk layout");

/** @brief Directory entry. */
struct tg_section_entry {
    uint16_t kind;         /**< enum tg_section. */
    uint16_t encoding;     /**< enum tg_encoding; rows: raw. */
    uint32_t items_count;  /**< Items. */
    uint32_t offset_bytes; /**< In the block; multiple of 8. */
    uint32_t stored_bytes; /**< Without the filling to a multiple of 8. */
    uint32_t plain_bytes;  /**< After decompression. */
    uint32_t
        crc32c; /**< Of the stored octets and the filling; rows: of all group heads in order. */
};
_Static_assert(sizeof(struct tg_section_entry) == 24, "disk layout");

/** @brief Head of a group of rows; the planes of its sixteen words follow in order. */
struct tg_group_head {
    uint32_t rows_count;             /**< 1..TG_GROUP_ROWS; all groups but the last are full. */
    uint32_t planes_bytes;           /**< Octets of all planes behind the head. */
    uint64_t first[TG_ROW_WORDS];    /**< struct tg_word. */
    uint64_t differs[TG_ROW_WORDS];  /**< struct tg_word. */
    uint32_t crc32c[TG_ROW_WORDS];   /**< Of each word's planes; 0 where there are none. */
    uint8_t transform[TG_ROW_WORDS]; /**< enum tg_word_transform. */
};
_Static_assert(sizeof(struct tg_group_head) == 344, "disk layout");
_Static_assert(offsetof(struct tg_group_head, crc32c) == 264, "disk layout");

/** Most that a group takes. */
#define TG_GROUP_BYTES_MAX (sizeof(struct tg_group_head) + (size_t)TG_GROUP_ROWS * TG_ROW_OCTETS)

/** @brief Most that the rows section of so many rows takes. @param rows_max Rows. @return Octets.
 */
static inline size_t tg_rows_bytes_max(uint32_t rows_max)
{
    return ((size_t)rows_max + TG_GROUP_ROWS - 1) / TG_GROUP_ROWS * TG_GROUP_BYTES_MAX;
}

/** @brief Fixed part of a stored input; the payload follows. */
struct tg_stored_input {
    uint32_t length_bytes;  /**< Of the whole item; multiple of 8. */
    uint32_t payload_bytes; /**< Payload. */
    char decoder[32];       /**< NUL-terminated. */
    uint16_t source_id;     /**< As tg_input. */
    uint16_t local_port;    /**< As tg_input. */
    uint8_t address[16];    /**< As tg_endpoint. */
    uint16_t port;          /**< As tg_endpoint. */
    uint16_t zero;          /**< 0. */
    int64_t arrival_ns;     /**< As tg_input. */
    uint64_t offset_bytes;  /**< As tg_input. */
    uint64_t file_key;      /**< As tg_input. */
    uint32_t first_line;    /**< As tg_input. */
    uint32_t flags;         /**< As tg_input. */
};
_Static_assert(sizeof(struct tg_stored_input) == 96, "disk layout");

/** @brief Fixed part of a stored refusal; field name, NUL and bytes follow. */
struct tg_stored_refusal {
    uint32_t length_bytes;  /**< Of the whole item; multiple of 8. */
    uint32_t kept_bytes;    /**< Octets kept. */
    uint32_t refused_bytes; /**< Octets refused. */
    int16_t reason;         /**< enum tg_err. */
    uint16_t source_id;     /**< Source. */
    uint8_t fate;           /**< enum tg_fate. */
    uint8_t field_bytes;    /**< Length of the field name, 0..63. */
    uint16_t zero;          /**< 0. */
    uint32_t zeros;         /**< 0. */
    uint64_t record_key;    /**< Identity. */
    uint64_t file_key;      /**< File. */
    uint64_t offset_bytes;  /**< Offset. */
    int64_t arrival_ns;     /**< Arrival. */
};
_Static_assert(sizeof(struct tg_stored_refusal) == 56, "disk layout");

/** @brief Fixed part of a stored note; key, NUL and value follow. */
struct tg_stored_note {
    uint32_t length_bytes; /**< Of the whole item; multiple of 8. */
    uint32_t value_bytes;  /**< Value. */
    uint8_t key_bytes;     /**< 1..63. */
    uint8_t zeros[3];      /**< 0. */
};
_Static_assert(sizeof(struct tg_stored_note) == 12, "disk layout");

/** @brief Next multiple of 8. @param bytes Any. @return Rounded up. */
static inline size_t tg_format_align_8(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

/** @brief Next multiple of 64. @param bytes Any. @return Rounded up. */
static inline size_t tg_format_align(size_t bytes)
{
    return (bytes + TG_FORMAT_ALIGN_BYTES - 1) & ~(size_t)(TG_FORMAT_ALIGN_BYTES - 1);
}

/** @brief Transform to try on each word of a row. @param word 0..15. @return What tg_word_encode
 *  takes as kind. */
uint8_t tg_format_transform(uint32_t word);

/** @brief Whether a block header is what it claims: magic, version, CRC32C, bounds of its lengths.
 *  @param header As read. @return TG_OK, TG_E_CORRUPT, TG_E_FORMAT (right CRC, other version). */
int tg_format_block_check(const struct tg_block_header *header);

/** @brief As tg_format_block_check for a segment. @param header As read. @param segment Its number
 * by file name. @return TG_OK, TG_E_CORRUPT, TG_E_FORMAT. */
int tg_format_segment_check(const struct tg_segment_header *header, uint64_t segment);

/** @brief Whether a directory is possible: kinds, order, no holes, all within the block.
 *  @param header Checked. @param entries As read; shape [header->sections_count].
 *  @return TG_OK or TG_E_CORRUPT. */
int tg_format_directory_check(const struct tg_block_header *header,
                              const struct tg_section_entry *entries);

/** @brief Where a word's planes lie behind a group's head. @param head Checked. @param word 0..15.
 *  @return Octets behind the head. */
size_t tg_format_planes_offset(const struct tg_group_head *head, uint32_t word);

/** @brief Whether a rows section is possible, and the CRC32C of its heads; planes are not read.
 *  @param header Checked. @param entry Of the rows section, checked. @param bytes The section;
 *  shape [entry->stored_bytes]. @return TG_OK or TG_E_CORRUPT. */
int tg_format_rows_check(const struct tg_block_header *header, const struct tg_section_entry *entry,
                         const uint8_t *bytes);

/** @brief Whether all planes of a checked rows section match their CRC32C. @param entry Of the rows
 *  section. @param bytes The section. @return TG_OK or TG_E_CORRUPT. */
int tg_format_planes_check(const struct tg_section_entry *entry, const uint8_t *bytes);

/** @brief Chain value of a block. @param header Checked. @return What the next block carries. */
uint64_t tg_format_hash(const struct tg_block_header *header);

/** @brief Path of a segment. @param journal_dir Directory. @param segment Number. @param[out] path
 *  NUL-terminated. @param path_bytes Its size. @return false when it does not fit. */
bool tg_format_segment_path(const char *journal_dir, uint64_t segment, char *path,
                            size_t path_bytes);

#endif
