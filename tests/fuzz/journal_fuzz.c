/* SPDX-License-Identifier: Apache-2.0 */
/* A hostile journal: whatever lies in a segment, recovery and the audit end with an answer.
 *
 * The input is the segment from its first block on; checksums are put right first (every second
 * input), so that the fuzzer gets behind them. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "ledger/audit.h"
#include "ledger/format.h"
#include "ledger/recover.h"

#define INPUT_BYTES_MAX 16384u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

static char dir[64];
static char path[128];

static void start(void)
{
    char journal[96];
    (void)snprintf(dir, sizeof dir, "/dev/shm/tg_fuzz_%ld", (long)getpid());
    (void)snprintf(journal, sizeof journal, "%s/journal", dir);
    (void)mkdir(dir, 0700);
    (void)mkdir(journal, 0700);
    (void)tg_format_segment_path(journal, 1, path, sizeof path);
}

/* Makes a section's checksum right, as far as it lies within the block. */
static void section_repair(uint8_t *block, uint32_t block_bytes, struct tg_section_entry *entry)
{
    const uint64_t end = (uint64_t)entry->offset_bytes + tg_format_align_8(entry->stored_bytes);
    if (end > block_bytes) {
        return;
    }
    uint8_t *at = block + entry->offset_bytes;
    if (entry->kind != TG_SECTION_ROWS) {
        entry->crc32c = tg_crc32c(0, at, end - entry->offset_bytes);
        return;
    }
    uint64_t left = entry->stored_bytes;
    uint32_t crc = 0;
    while (left >= sizeof(struct tg_group_head)) {
        struct tg_group_head head;
        memcpy(&head, at, sizeof head);
        head.rows_count = head.rows_count % TG_GROUP_ROWS + 1;
        head.planes_bytes = (uint32_t)tg_format_planes_offset(&head, TG_ROW_WORDS);
        left -= sizeof head;
        if (head.planes_bytes > left) {
            return;
        }
        const uint8_t *planes = at + sizeof head;
        for (uint32_t w = 0; w < TG_ROW_WORDS; w++) {
            const size_t length = tg_planes_bytes(head.rows_count, head.differs[w]);
            head.crc32c[w] = tg_crc32c(0, planes, length);
            head.transform[w] %= TG_WORD_TRANSFORM_COUNT;
            planes += length;
        }
        memcpy(at, &head, sizeof head);
        crc = tg_crc32c(crc, &head, sizeof head);
        at += sizeof head + head.planes_bytes;
        left -= head.planes_bytes;
    }
    entry->crc32c = crc;
}

/* Makes headers, directories and the chain right, block by block. */
static void journal_repair(uint8_t *bytes, size_t length_bytes)
{
    uint64_t hash = 0;
    uint64_t number = 1;
    uint64_t epoch = 1;
    size_t at = 0;
    while (at + sizeof(struct tg_block_header) <= length_bytes) {
        struct tg_block_header header;
        struct tg_section_entry entries[TG_SECTION_COUNT];
        memcpy(&header, bytes + at, sizeof header);
        header.magic = TG_FORMAT_BLOCK_MAGIC;
        header.version = TG_FORMAT_VERSION;
        header.sections_count %= TG_SECTION_COUNT;
        const size_t directory_bytes = header.sections_count * sizeof entries[0];
        if (header.length_bytes < sizeof header + directory_bytes ||
            header.length_bytes > length_bytes - at) {
            return;
        }
        memcpy(entries, bytes + at + sizeof header, directory_bytes);
        for (uint32_t i = 0; i < header.sections_count; i++) {
            section_repair(bytes + at, header.length_bytes, &entries[i]);
        }
        memcpy(bytes + at + sizeof header, entries, directory_bytes);
        header.directory_crc = tg_crc32c(0, entries, directory_bytes);
        header.number = number++;
        header.epoch = epoch;
        header.durable_epoch = epoch - 1;
        header.previous_hash = hash;
        memset(header.zeros, 0, sizeof header.zeros);
        header.crc32c = tg_crc32c(0, &header, offsetof(struct tg_block_header, crc32c));
        memcpy(bytes + at, &header, sizeof header);
        hash = tg_format_hash(&header);
        epoch += header.flags & TG_BLOCK_COMMITS;
        at += tg_format_align(header.length_bytes);
    }
}

static enum tg_err on_rows(void *context, const struct tg_scan_view *view, struct tg_why *why)
{
    uint64_t *sum = context;
    const struct tg_usage *rows = NULL;
    const struct tg_charge *charges = NULL;
    const enum tg_err err = tg_scan_structs(view, &rows, &charges, why);
    for (uint32_t i = 0; err == TG_OK && i < view->rows_count; i++) {
        *sum += rows[i].record_key + (uint64_t)charges[i].amount;
    }
    return err;
}

static enum tg_err on_observations(void *context, const struct tg_observation *observations,
                                   uint32_t count, const uint8_t *text, uint32_t text_bytes)
{
    uint64_t *sum = context;
    for (uint32_t i = 0; i < count; i++) {
        *sum += tg_crc32c(0, text + observations[i].text_offset, observations[i].text_bytes);
    }
    *sum += text_bytes;
    return TG_OK;
}

static enum tg_err on_input(void *context, const char *decoder, const struct tg_input *input)
{
    uint64_t *sum = context;
    *sum += tg_crc32c(0, input->bytes, input->length_bytes) + strlen(decoder);
    return TG_OK;
}

static enum tg_err on_refusal(void *context, const struct tg_journal_refusal *refusal)
{
    uint64_t *sum = context;
    *sum += tg_crc32c(0, refusal->bytes, refusal->kept_bytes);
    *sum += refusal->field != NULL ? strlen(refusal->field) : 0;
    return TG_OK;
}

static enum tg_err on_note(void *context, const char *key, const uint8_t *bytes,
                           uint32_t length_bytes)
{
    uint64_t *sum = context;
    *sum += tg_crc32c(0, bytes, length_bytes) + strlen(key);
    return TG_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    static uint8_t file[sizeof(struct tg_segment_header) + INPUT_BYTES_MAX];
    if (path[0] == '\0') {
        start();
    }
    if (length_bytes < 1 || length_bytes > INPUT_BYTES_MAX) {
        return 0;
    }
    struct tg_segment_header head = {.magic = TG_FORMAT_SEGMENT_MAGIC,
                                     .version = TG_FORMAT_VERSION,
                                     .segment = 1,
                                     .block_number = 1};
    head.crc32c = tg_crc32c(0, &head, offsetof(struct tg_segment_header, crc32c));
    memcpy(file, &head, sizeof head);
    memcpy(file + sizeof head, bytes, length_bytes);
    if (bytes[length_bytes - 1] % 2 == 0) {
        journal_repair(file + sizeof head, length_bytes);
    }
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, file, sizeof head + length_bytes) < 0) {
        abort();
    }
    (void)close(fd);
    uint64_t sum = 0;
    struct tg_audit audit;
    struct tg_recovered recovered;
    /* Threads cost more than such a journal: one input in sixteen has two. */
    const struct tg_recover_calls calls = {.context = &sum,
                                           .lanes_count = bytes[length_bytes - 1] % 32 < 2 ? 2 : 1,
                                           .rows = on_rows,
                                           .observations = on_observations,
                                           .input = on_input,
                                           .refusal = on_refusal,
                                           .note = on_note};
    (void)tg_audit_run(dir, 0, &audit, NULL);
    tg_audit_free(&audit);
    if (tg_recover(dir, 0, NULL, &calls, &recovered, NULL) == TG_OK) {
        struct tg_recovered again; /* what was cut is clean: recovering twice changes nothing */
        const struct tg_recover_calls none = {.lanes_count = 1};
        if (tg_recover(dir, recovered.tail.epoch, NULL, &none, &again, NULL) != TG_OK ||
            again.tail.previous_hash != recovered.tail.previous_hash || again.torn_bytes != 0) {
            abort();
        }
    }
    return 0;
}
