/* SPDX-License-Identifier: Apache-2.0 */
/* A builder becomes octets: header, directory, sections, zeros. Layout: schemas/journal/README.md.
 */
#include "ledger/builder.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"

/* A frame of so little is not worth a zstd call. */
#define SECTION_RAW_BELOW_BYTES 128u

size_t tg_builder_bound(uint32_t rows_max)
{
    const size_t head = sizeof(struct tg_block_header) +
                        TG_SECTION_COUNT * sizeof(struct tg_section_entry) + TG_FORMAT_ALIGN_BYTES;
    return tg_format_align(head + tg_rows_bytes_max(rows_max) +
                           TG_SECTION_COUNT * tg_codec_bound(TG_SECTION_BYTES_MAX));
}

/* Writes the rows section at `at`; returns its octets. */
static size_t encode_rows(const struct tg_block *block, uint8_t *at, struct tg_section_entry *entry)
{
    assert(block->group_rows_count == 0);
    memcpy(at, block->rows_at, block->rows_bytes);
    entry->encoding = TG_ENCODING_RAW;
    entry->items_count = block->rows_count;
    entry->plain_bytes = (uint32_t)block->rows_bytes;
    entry->crc32c = block->heads_crc;
    return block->rows_bytes;
}

/* Writes any other section; returns its octets without the filling. */
static size_t encode_bytes(const struct tg_builder_bytes *section, struct tg_codec *codec,
                           uint8_t *at, struct tg_section_entry *entry)
{
    size_t stored = 0;
    if (section->used_bytes >= SECTION_RAW_BELOW_BYTES) {
        stored = tg_codec_compress(codec, section->at, section->used_bytes, at,
                                   tg_codec_bound(section->used_bytes));
    }
    entry->encoding = TG_ENCODING_ZSTD;
    if (stored == 0) {
        memcpy(at, section->at, section->used_bytes);
        stored = section->used_bytes;
        entry->encoding = TG_ENCODING_RAW;
    }
    entry->items_count = section->items_count;
    entry->plain_bytes = section->used_bytes;
    return stored;
}

static void encode_zeros(uint8_t *at, size_t from, size_t to)
{
    memset(at + from, 0, to - from);
}

/* Writes all sections that have something; returns the octets used so far. */
static size_t encode_sections(const struct tg_block *block, struct tg_codec *codec, uint8_t *out,
                              size_t used, struct tg_section_entry *entries)
{
    uint32_t index = 0;
    for (uint16_t kind = TG_SECTION_ROWS; kind < TG_SECTION_COUNT; kind++) {
        struct tg_section_entry *entry = &entries[index];
        const struct tg_builder_bytes *section = &block->sections[kind];
        if (kind == TG_SECTION_ROWS ? block->rows_count == 0 : section->items_count == 0) {
            continue;
        }
        *entry = (struct tg_section_entry){.kind = kind, .offset_bytes = (uint32_t)used};
        const size_t stored = kind == TG_SECTION_ROWS
                                  ? encode_rows(block, out + used, entry)
                                  : encode_bytes(section, codec, out + used, entry);
        entry->stored_bytes = (uint32_t)stored;
        const size_t next = tg_format_align_8(used + stored);
        encode_zeros(out, used + stored, next);
        if (kind != TG_SECTION_ROWS) {
            entry->crc32c = tg_crc32c(0, out + used, next - used);
        }
        used = next;
        index++;
    }
    return used;
}

size_t tg_builder_encode(const struct tg_block *block, struct tg_codec *codec, uint64_t number,
                         uint64_t durable_epoch, uint64_t previous_hash, uint8_t *out,
                         struct tg_block_header *header)
{
    struct tg_section_entry entries[TG_SECTION_COUNT];
    uint32_t sections_count = block->rows_count > 0 ? 1 : 0;
    for (uint32_t kind = TG_SECTION_OBSERVATIONS; kind < TG_SECTION_COUNT; kind++) {
        sections_count += block->sections[kind].items_count > 0 ? 1 : 0;
    }
    const size_t directory_bytes = sections_count * sizeof entries[0];
    const size_t used =
        encode_sections(block, codec, out, sizeof *header + directory_bytes, entries);
    const size_t length = tg_format_align(used);
    encode_zeros(out, used, length);
    memcpy(out + sizeof *header, entries, directory_bytes);
    *header = (struct tg_block_header){
        .magic = TG_FORMAT_BLOCK_MAGIC,
        .version = TG_FORMAT_VERSION,
        .stream = (uint16_t)block->stream,
        .length_bytes = (uint32_t)length,
        .flags = block->is_commit ? TG_BLOCK_COMMITS : 0,
        .number = number,
        .epoch = block->epoch,
        .durable_epoch = durable_epoch,
        .previous_hash = previous_hash,
        .journal_ns = block->journal_ns,
        .event_min_ns = block->rows_count > 0 ? block->event_min_ns : 0,
        .event_max_ns = block->rows_count > 0 ? block->event_max_ns : 0,
        .catalog_min = block->catalog_min,
        .catalog_max = block->catalog_max,
        .rows_count = block->rows_count,
        .fates = block->fates,
        .sections_count = sections_count,
        .directory_crc = tg_crc32c(0, entries, directory_bytes),
        .padding_bytes = (uint32_t)(length - used),
    };
    header->crc32c = tg_crc32c(0, header, offsetof(struct tg_block_header, crc32c));
    memcpy(out, header, sizeof *header);
    /* What is written must be what a reader accepts. */
    assert(tg_format_block_check(header) == TG_OK);
    assert(tg_format_directory_check(header, entries) == TG_OK);
    return length;
}
