/* SPDX-License-Identifier: Apache-2.0 */
/* Filling a block. Rows are spread to columns and cut into planes here, while they are still in the
 * worker's cache: the writer only meets the third of them that is left.
 *
 * (1) The open group's rows are in `columns`; a group is closed when it is full or the block ends,
 *     whatever pieces the rows came in: same rows, same octets. */
#include "ledger/block.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/limits.h"
#include "ledger/builder.h"

#define FIELD_BYTES_MAX 63u

static const uint32_t section_capacity[TG_SECTION_COUNT] = {
    [TG_SECTION_OBSERVATIONS] = TG_BLOCK_OBSERVATIONS_MAX * sizeof(struct tg_observation),
    [TG_SECTION_TEXT] = TG_BLOCK_TEXT_BYTES_MAX,
    [TG_SECTION_SESSIONS] = TG_BLOCK_SESSIONS_MAX * sizeof(struct tg_session),
    [TG_SECTION_INPUTS] = TG_BLOCK_INPUTS_BYTES_MAX,
    [TG_SECTION_REFUSALS] = TG_BLOCK_REFUSED_BYTES_MAX,
    [TG_SECTION_RELEASES] = TG_BLOCK_RELEASES_MAX * sizeof(uint64_t),
    [TG_SECTION_SOURCES] = TG_BLOCK_SOURCES_MAX * sizeof(struct tg_journal_source),
    [TG_SECTION_NOTES] = TG_BLOCK_NOTES_BYTES_MAX,
};

_Static_assert(TG_BLOCK_INPUTS_BYTES_MAX <= TG_SECTION_BYTES_MAX, "a reader can hold a section");
_Static_assert(TG_BLOCK_REFUSED_BYTES_MAX <= TG_SECTION_BYTES_MAX, "a reader can hold a section");
_Static_assert(TG_BLOCK_SOURCES_MAX * sizeof(struct tg_journal_source) <= TG_SECTION_BYTES_MAX,
               "a reader can hold a section");
_Static_assert(TG_BLOCK_INPUTS_BYTES_MAX >=
                   TG_FILE_CHUNK_BYTES + sizeof(struct tg_stored_input) + 8,
               "the largest input fits an empty block");

struct tg_block *tg_builder_open(uint32_t stream, uint32_t rows_max, bool is_lazy)
{
    assert(rows_max % 32 == 0 && rows_max > 0 && rows_max <= TG_BLOCK_ROWS_MAX);
    const size_t columns_bytes = TG_ROW_WORDS * TG_GROUP_STRIDE * sizeof(uint64_t);
    const size_t rows_bytes = tg_format_align(tg_rows_bytes_max(rows_max));
    size_t bytes = tg_format_align(sizeof(struct tg_block)) + columns_bytes + rows_bytes;
    for (uint32_t i = 0; i < TG_SECTION_COUNT; i++) {
        bytes += tg_format_align(section_capacity[i]);
    }
    uint8_t *memory = is_lazy ? tg_pages_reserve(bytes) : tg_pages_take(bytes);
    if (memory == NULL) {
        return NULL;
    }
    struct tg_block *block = (struct tg_block *)memory;
    memory += tg_format_align(sizeof *block);
    block->columns = (uint64_t *)memory;
    memory += columns_bytes;
    block->rows_at = memory;
    memory += rows_bytes;
    for (uint32_t i = 0; i < TG_SECTION_COUNT; i++) {
        block->sections[i].at = memory;
        block->sections[i].capacity_bytes = section_capacity[i];
        memory += tg_format_align(section_capacity[i]);
    }
    block->rows_max = rows_max;
    block->stream = stream;
    block->memory_bytes = bytes;
    tg_builder_reset(block);
    return block;
}

void tg_builder_close(struct tg_block *block)
{
    if (block != NULL) {
        tg_pages_free(block, block->memory_bytes);
    }
}

void tg_builder_reset(struct tg_block *block)
{
    for (uint32_t i = 0; i < TG_SECTION_COUNT; i++) {
        block->sections[i].used_bytes = 0;
        block->sections[i].items_count = 0;
    }
    block->rows_count = 0;
    block->group_rows_count = 0;
    block->heads_crc = 0;
    block->rows_bytes = 0;
    block->fates = 0;
    block->catalog_min = 0;
    block->catalog_max = 0;
    block->event_min_ns = INT64_MAX;
    block->event_max_ns = INT64_MIN;
    block->journal_ns = 0;
    block->epoch = 0;
    block->is_commit = false;
}

static const uint64_t *group_column(const struct tg_block *block, uint32_t word)
{
    return block->columns + (size_t)word * TG_GROUP_STRIDE;
}

/* Catalog versions of the group's rated rows. */
static void group_note_catalog(struct tg_block *block)
{
    const uint64_t *versions = group_column(block, 14); /* low half */
    const uint64_t *verdicts = group_column(block, 15); /* octet 2 is the fate */
    for (uint32_t i = 0; i < block->group_rows_count; i++) {
        const uint32_t version = (uint32_t)versions[i];
        if ((verdicts[i] >> 16 & 0xff) == TG_FATE_RATED) {
            block->catalog_max = version > block->catalog_max ? version : block->catalog_max;
            if (block->catalog_min == 0 || version < block->catalog_min) {
                block->catalog_min = version;
            }
        }
        if (((block->differs[14] & UINT32_MAX) | (block->differs[15] & 0xff0000)) == 0) {
            break; /* all rows are like the first */
        }
    }
}

/* What a scan may skip a block by. */
static void group_note_range(struct tg_block *block)
{
    const uint64_t *starts = group_column(block, 2);
    const uint64_t *verdicts = group_column(block, 15);
    int64_t least_ns = block->event_min_ns;
    int64_t greatest_ns = block->event_max_ns;
    uint32_t fates = 1u << (verdicts[0] >> 16 & 31u);
    for (uint32_t i = 0; i < block->group_rows_count; i++) {
        const int64_t start_ns = (int64_t)starts[i];
        least_ns = start_ns < least_ns ? start_ns : least_ns;
        greatest_ns = start_ns > greatest_ns ? start_ns : greatest_ns;
    }
    for (uint32_t i = 0; i < block->group_rows_count && (block->differs[15] & 0xff0000) != 0; i++) {
        fates |= 1u << (verdicts[i] >> 16 & 31u);
    }
    block->event_min_ns = least_ns;
    block->event_max_ns = greatest_ns;
    block->fates |= fates;
    assert((fates & (1u << TG_FATE_NONE)) == 0 && fates < 1u << TG_FATE_COUNT);
    group_note_catalog(block);
}

/* Cuts the open group into planes behind the ones before. */
static void group_close(struct tg_block *block)
{
    struct tg_group_head head = {.rows_count = block->group_rows_count};
    uint8_t *at = block->rows_at + block->rows_bytes;
    uint8_t *planes = at + sizeof head;
    group_note_range(block);
    for (uint32_t w = 0; w < TG_ROW_WORDS; w++) {
        struct tg_word word = {.first = block->first[w], .differs = block->differs[w]};
        const size_t length =
            tg_word_encode(block->columns + (size_t)w * TG_GROUP_STRIDE, head.rows_count,
                           tg_format_transform(w), &word, planes);
        head.first[w] = word.first;
        head.differs[w] = word.differs;
        head.transform[w] = word.transform;
        head.crc32c[w] = tg_crc32c(0, planes, length);
        planes += length;
    }
    head.planes_bytes = (uint32_t)(planes - at - sizeof head);
    memcpy(at, &head, sizeof head);
    block->heads_crc = tg_crc32c(block->heads_crc, &head, sizeof head);
    block->rows_bytes += sizeof head + head.planes_bytes;
    block->group_rows_count = 0;
}

void tg_builder_finish(struct tg_block *block)
{
    if (block->group_rows_count > 0) {
        group_close(block);
    }
}

uint32_t tg_block_rows(struct tg_block *block, const struct tg_usage *rows,
                       const struct tg_charge *charges, uint32_t count)
{
    const struct tg_column_kernels *kernels = tg_column_kernels();
    const uint32_t room = block->rows_max - block->rows_count;
    const uint32_t taken = count < room ? count : room;
    for (uint32_t done = 0; done < taken;) {
        const uint32_t left = taken - done;
        const uint32_t free_rows = TG_GROUP_ROWS - block->group_rows_count;
        const uint32_t now = left < free_rows ? left : free_rows;
        if (block->group_rows_count == 0) {
            memcpy(block->first, rows + done, sizeof *rows);
            memcpy(block->first + TG_ROW_WORDS / 2, charges + done, sizeof *charges);
            memset(block->differs, 0, sizeof block->differs);
        }
        uint64_t *to = block->columns + block->group_rows_count;
        kernels->spread(rows + done, now, block->first, block->differs, to);
        kernels->spread(charges + done, now, block->first + TG_ROW_WORDS / 2,
                        block->differs + TG_ROW_WORDS / 2,
                        to + (size_t)TG_ROW_WORDS / 2 * TG_GROUP_STRIDE);
        block->group_rows_count += now;
        done += now;
        if (block->group_rows_count == TG_GROUP_ROWS) {
            group_close(block);
        }
    }
    block->rows_count += taken;
    return taken;
}

/* Memory for `items` more items of `length_bytes` in all; NULL when they do not fit. */
static uint8_t *section_grow(struct tg_block *block, uint32_t kind, size_t length_bytes,
                             uint32_t items)
{
    struct tg_builder_bytes *section = &block->sections[kind];
    if (length_bytes > section->capacity_bytes - section->used_bytes) {
        return NULL;
    }
    uint8_t *at = section->at + section->used_bytes;
    section->used_bytes += (uint32_t)length_bytes;
    section->items_count += items;
    return at;
}

/* Appends as many whole items as fit. */
static uint32_t section_append(struct tg_block *block, uint32_t kind, const void *items,
                               uint32_t count, uint32_t item_bytes)
{
    const struct tg_builder_bytes *section = &block->sections[kind];
    const uint32_t room = (section->capacity_bytes - section->used_bytes) / item_bytes;
    const uint32_t taken = count < room ? count : room;
    if (taken > 0) {
        memcpy(section_grow(block, kind, (size_t)taken * item_bytes, taken), items,
               (size_t)taken * item_bytes);
    }
    return taken;
}

uint32_t tg_block_observations(struct tg_block *block, const struct tg_observation *observations,
                               uint32_t count, const uint8_t *text, uint32_t text_bytes)
{
    const struct tg_builder_bytes *kept = &block->sections[TG_SECTION_TEXT];
    for (uint32_t i = 0; i < count; i++) {
        struct tg_observation copy = observations[i];
        const bool has_text = text != NULL && copy.text_bytes > 0 &&
                              copy.text_offset <= text_bytes &&
                              copy.text_bytes <= text_bytes - copy.text_offset;
        const uint32_t length = has_text ? copy.text_bytes : 0;
        if (length > kept->capacity_bytes - kept->used_bytes) {
            return i;
        }
        const uint32_t offset = kept->used_bytes;
        copy.text_bytes = (uint16_t)length;
        copy.text_offset = has_text ? offset : 0;
        if (section_append(block, TG_SECTION_OBSERVATIONS, &copy, 1, sizeof copy) == 0) {
            return i;
        }
        if (has_text) {
            memcpy(section_grow(block, TG_SECTION_TEXT, length, length),
                   text + observations[i].text_offset, length);
        }
    }
    return count;
}

uint32_t tg_block_sessions(struct tg_block *block, const struct tg_session *sessions,
                           uint32_t count)
{
    return section_append(block, TG_SECTION_SESSIONS, sessions, count, sizeof *sessions);
}

bool tg_block_input(struct tg_block *block, const char *decoder_name, const struct tg_input *input)
{
    struct tg_stored_input item = {.payload_bytes = input->length_bytes,
                                   .source_id = input->source_id,
                                   .local_port = input->local_port,
                                   .port = input->from.port,
                                   .arrival_ns = input->arrival_ns,
                                   .offset_bytes = input->offset_bytes,
                                   .file_key = input->file_key,
                                   .first_line = input->first_line,
                                   .flags = input->flags};
    const size_t name_bytes = strlen(decoder_name);
    assert(name_bytes > 0 && name_bytes < sizeof item.decoder);
    const size_t length = tg_format_align_8(sizeof item + input->length_bytes);
    uint8_t *at = section_grow(block, TG_SECTION_INPUTS, length, 1);
    if (at == NULL) {
        return false;
    }
    item.length_bytes = (uint32_t)length;
    memcpy(item.decoder, decoder_name, name_bytes);
    memcpy(item.address, input->from.address, sizeof item.address);
    memset(at + length - 8, 0, 8);
    memcpy(at, &item, sizeof item);
    if (input->length_bytes > 0) {
        memcpy(at + sizeof item, input->bytes, input->length_bytes);
    }
    return true;
}

bool tg_block_refusal(struct tg_block *block, const struct tg_journal_refusal *refusal)
{
    assert(refusal->reason != TG_OK);
    assert(refusal->fate > TG_FATE_NONE && refusal->fate < TG_FATE_COUNT);
    const size_t field_bytes =
        refusal->field != NULL ? strnlen(refusal->field, FIELD_BYTES_MAX) : 0;
    const uint32_t kept =
        refusal->length_bytes < TG_REFUSAL_BYTES_MAX ? refusal->length_bytes : TG_REFUSAL_BYTES_MAX;
    struct tg_stored_refusal item = {.kept_bytes = kept,
                                     .refused_bytes = refusal->length_bytes,
                                     .reason = refusal->reason,
                                     .source_id = refusal->source_id,
                                     .fate = refusal->fate,
                                     .field_bytes = (uint8_t)field_bytes,
                                     .record_key = refusal->record_key,
                                     .file_key = refusal->file_key,
                                     .offset_bytes = refusal->offset_bytes,
                                     .arrival_ns = refusal->arrival_ns};
    const size_t length = tg_format_align_8(sizeof item + field_bytes + 1 + kept);
    uint8_t *at = section_grow(block, TG_SECTION_REFUSALS, length, 1);
    if (at == NULL) {
        return false;
    }
    item.length_bytes = (uint32_t)length;
    memset(at + length - 8, 0, 8);
    memcpy(at, &item, sizeof item);
    memcpy(at + sizeof item, refusal->field != NULL ? refusal->field : "", field_bytes);
    at[sizeof item + field_bytes] = 0;
    if (kept > 0) {
        memcpy(at + sizeof item + field_bytes + 1, refusal->bytes, kept);
    }
    return true;
}

uint32_t tg_block_release(struct tg_block *block, const uint64_t *keys, uint32_t count)
{
    return section_append(block, TG_SECTION_RELEASES, keys, count, sizeof *keys);
}

bool tg_block_source(struct tg_block *block, const struct tg_journal_source *source)
{
    return section_append(block, TG_SECTION_SOURCES, source, 1, sizeof *source) == 1;
}

bool tg_block_note(struct tg_block *block, const char *key, const void *bytes,
                   uint32_t length_bytes)
{
    const size_t key_bytes = strlen(key);
    assert(key_bytes > 0 && key_bytes <= FIELD_BYTES_MAX && length_bytes <= TG_NOTE_BYTES_MAX);
    struct tg_stored_note item = {.value_bytes = length_bytes, .key_bytes = (uint8_t)key_bytes};
    const size_t length = tg_format_align_8(sizeof item + key_bytes + 1 + length_bytes);
    uint8_t *at = section_grow(block, TG_SECTION_NOTES, length, 1);
    if (at == NULL) {
        return false;
    }
    item.length_bytes = (uint32_t)length;
    memset(at + length - 8, 0, 8);
    memcpy(at, &item, sizeof item);
    memcpy(at + sizeof item, key, key_bytes + 1);
    if (length_bytes > 0) {
        memcpy(at + sizeof item + key_bytes + 1, bytes, length_bytes);
    }
    return true;
}

void tg_block_time(struct tg_block *block, int64_t journal_ns)
{
    block->journal_ns = journal_ns;
}

uint32_t tg_block_rows_count(const struct tg_block *block)
{
    return block->rows_count;
}

bool tg_block_is_full(const struct tg_block *block)
{
    if (block->rows_max - block->rows_count < TG_BATCH_ROWS_MAX &&
        block->rows_count * 2 > block->rows_max) {
        return true;
    }
    for (uint32_t i = TG_SECTION_OBSERVATIONS; i < TG_SECTION_COUNT; i++) {
        /* Seven eighths: the next burst's items of that kind probably still fit. */
        if (block->sections[i].used_bytes / 7 > block->sections[i].capacity_bytes / 8) {
            return true;
        }
    }
    return false;
}

bool tg_block_is_empty(const struct tg_block *block)
{
    return tg_block_bytes(block) == 0;
}

size_t tg_block_bytes(const struct tg_block *block)
{
    size_t bytes = (size_t)block->rows_count * TG_ROW_OCTETS;
    for (uint32_t i = TG_SECTION_OBSERVATIONS; i < TG_SECTION_COUNT; i++) {
        bytes += block->sections[i].used_bytes;
    }
    return bytes;
}
