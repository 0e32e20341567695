/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"

/* Times lie near each other, sequences count upward, amounts are small and may be negative. */
static const uint8_t word_transforms[TG_ROW_WORDS] = {
    [2] = TG_WORD_OFFSET,   /* start_ns */
    [6] = TG_WORD_SEQUENCE, /* duration_ms | sequence */
    [8] = TG_WORD_ZIGZAG,   /* amount */
    [9] = TG_WORD_ZIGZAG,   /* remainder */
};

uint8_t tg_format_transform(uint32_t word)
{
    return word_transforms[word];
}

static bool is_zero(const uint8_t *bytes, size_t length_bytes)
{
    uint8_t any = 0;
    for (size_t i = 0; i < length_bytes; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

int tg_format_block_check(const struct tg_block_header *header)
{
    if (header->magic != TG_FORMAT_BLOCK_MAGIC ||
        header->crc32c != tg_crc32c(0, header, offsetof(struct tg_block_header, crc32c))) {
        return TG_E_CORRUPT;
    }
    if (header->version != TG_FORMAT_VERSION) {
        return TG_E_FORMAT;
    }
    const uint64_t least = sizeof *header +
                           (uint64_t)header->sections_count * sizeof(struct tg_section_entry) +
                           header->padding_bytes;
    const bool is_possible =
        header->length_bytes % TG_FORMAT_ALIGN_BYTES == 0 && header->length_bytes >= least &&
        header->length_bytes <= TG_FORMAT_BLOCK_BYTES_MAX &&
        header->sections_count < TG_SECTION_COUNT && header->rows_count <= TG_BLOCK_ROWS_MAX &&
        header->padding_bytes < TG_FORMAT_ALIGN_BYTES && header->epoch > 0 && header->number > 0 &&
        header->durable_epoch < header->epoch && header->flags <= TG_BLOCK_COMMITS &&
        is_zero(header->zeros, sizeof header->zeros);
    return is_possible ? TG_OK : TG_E_CORRUPT;
}

int tg_format_segment_check(const struct tg_segment_header *header, uint64_t segment)
{
    if (header->magic != TG_FORMAT_SEGMENT_MAGIC ||
        header->crc32c != tg_crc32c(0, header, offsetof(struct tg_segment_header, crc32c))) {
        return TG_E_CORRUPT;
    }
    if (header->version != TG_FORMAT_VERSION) {
        return TG_E_FORMAT;
    }
    return header->segment == segment && header->block_number > 0 ? TG_OK : TG_E_CORRUPT;
}

/* Size of one item where all are alike; 0 where items carry their own length. */
static uint32_t item_bytes(uint16_t kind)
{
    switch (kind) {
    case TG_SECTION_OBSERVATIONS:
    case TG_SECTION_SESSIONS:
        return 64;
    case TG_SECTION_RELEASES:
        return sizeof(uint64_t);
    case TG_SECTION_SOURCES:
        return sizeof(struct tg_journal_source);
    case TG_SECTION_TEXT:
        return 1;
    default:
        return 0;
    }
}

static bool entry_is_possible(const struct tg_block_header *header,
                              const struct tg_section_entry *entry)
{
    if (entry->kind == TG_SECTION_ROWS) {
        return entry->encoding == TG_ENCODING_RAW && entry->items_count == header->rows_count &&
               entry->stored_bytes >= sizeof(struct tg_group_head) &&
               entry->plain_bytes == entry->stored_bytes;
    }
    const uint32_t each = item_bytes(entry->kind);
    return entry->plain_bytes <= TG_SECTION_BYTES_MAX && entry->plain_bytes > 0 &&
           entry->stored_bytes <= entry->plain_bytes && entry->items_count > 0 &&
           (each == 0 || (uint64_t)each * entry->items_count == entry->plain_bytes) &&
           (entry->encoding == TG_ENCODING_ZSTD ||
            (entry->encoding == TG_ENCODING_RAW && entry->stored_bytes == entry->plain_bytes));
}

int tg_format_directory_check(const struct tg_block_header *header,
                              const struct tg_section_entry *entries)
{
    const size_t directory_bytes = header->sections_count * sizeof *entries;
    if (header->directory_crc != tg_crc32c(0, entries, directory_bytes)) {
        return TG_E_CORRUPT;
    }
    uint64_t at = sizeof *header + directory_bytes;
    uint32_t seen = 0;
    for (uint32_t i = 0; i < header->sections_count; i++) {
        const struct tg_section_entry *entry = &entries[i];
        if (entry->kind == 0 || entry->kind >= TG_SECTION_COUNT || entry->offset_bytes != at ||
            (seen & TG_SECTION_BIT(entry->kind)) != 0 || !entry_is_possible(header, entry)) {
            return TG_E_CORRUPT;
        }
        seen |= TG_SECTION_BIT(entry->kind);
        at += tg_format_align_8(entry->stored_bytes);
    }
    const bool has_rows = (seen & TG_SECTION_BIT(TG_SECTION_ROWS)) != 0;
    return at + header->padding_bytes == header->length_bytes &&
                   has_rows == (header->rows_count > 0)
               ? TG_OK
               : TG_E_CORRUPT;
}

size_t tg_format_planes_offset(const struct tg_group_head *head, uint32_t word)
{
    size_t bytes = 0;
    for (uint32_t w = 0; w < word; w++) {
        bytes += tg_planes_bytes(head->rows_count, head->differs[w]);
    }
    return bytes;
}

/* Whether a head fits what is left of the rows and octets of its section. */
static bool head_is_possible(const struct tg_group_head *head, uint32_t rows_left,
                             size_t bytes_left)
{
    for (uint32_t w = 0; w < TG_ROW_WORDS; w++) {
        if (head->transform[w] >= TG_WORD_TRANSFORM_COUNT) {
            return false;
        }
    }
    return head->rows_count == (rows_left < TG_GROUP_ROWS ? rows_left : TG_GROUP_ROWS) &&
           head->planes_bytes <= bytes_left &&
           head->planes_bytes == tg_format_planes_offset(head, TG_ROW_WORDS);
}

int tg_format_rows_check(const struct tg_block_header *header, const struct tg_section_entry *entry,
                         const uint8_t *bytes)
{
    uint32_t rows_left = header->rows_count;
    size_t left = entry->stored_bytes;
    uint32_t crc = 0;
    while (rows_left > 0) {
        struct tg_group_head head;
        if (left < sizeof head) {
            return TG_E_CORRUPT;
        }
        memcpy(&head, bytes, sizeof head);
        left -= sizeof head;
        if (!head_is_possible(&head, rows_left, left)) {
            return TG_E_CORRUPT;
        }
        crc = tg_crc32c(crc, &head, sizeof head);
        left -= head.planes_bytes;
        bytes += sizeof head + head.planes_bytes;
        rows_left -= head.rows_count;
    }
    return left == 0 && crc == entry->crc32c ? TG_OK : TG_E_CORRUPT;
}

int tg_format_planes_check(const struct tg_section_entry *entry, const uint8_t *bytes)
{
    const uint8_t *end = bytes + entry->stored_bytes;
    while (bytes < end) {
        struct tg_group_head head;
        memcpy(&head, bytes, sizeof head);
        bytes += sizeof head;
        for (uint32_t w = 0; w < TG_ROW_WORDS; w++) {
            const size_t length = tg_planes_bytes(head.rows_count, head.differs[w]);
            if (tg_crc32c(0, bytes, length) != head.crc32c[w]) {
                return TG_E_CORRUPT;
            }
            bytes += length;
        }
    }
    return TG_OK;
}

uint64_t tg_format_hash(const struct tg_block_header *header)
{
    return tg_key_hash(header->previous_hash, header, sizeof *header);
}

bool tg_format_segment_path(const char *journal_dir, uint64_t segment, char *path,
                            size_t path_bytes)
{
    const int length = snprintf(path, path_bytes, "%s/%08" PRIu64 ".seg", journal_dir, segment);
    return length > 0 && (size_t)length < path_bytes;
}
