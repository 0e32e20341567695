/* SPDX-License-Identifier: Apache-2.0 */
/* The sections of a block other than rows. Every length in them is hostile until it is checked. */
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"
#include "ledger/scan_state.h"

static const char damaged[] = "a section of the block does not check";

/* Decompresses a section once a block; *bytes is NULL when the block has none. */
static enum tg_err section_load(const struct tg_scan_view *view, uint32_t kind,
                                const uint8_t **bytes, const struct tg_section_entry **entry,
                                struct tg_why *why)
{
    struct tg_scan *scan = view->scan;
    *bytes = NULL;
    *entry = tg_scan_entry(scan, kind);
    if (*entry == NULL) {
        return TG_OK;
    }
    if (scan->sections_bytes[kind] < (*entry)->plain_bytes) {
        tg_pages_free(scan->sections[kind], scan->sections_bytes[kind]);
        scan->sections_bytes[kind] = (*entry)->plain_bytes;
        scan->sections[kind] = tg_pages_take(scan->sections_bytes[kind]);
        if (scan->sections[kind] == NULL) {
            scan->sections_bytes[kind] = 0;
            return tg_scan_fail(scan, TG_E_NO_MEMORY, "no memory for a section", why);
        }
    }
    uint8_t *plain = scan->sections[kind];
    if ((scan->loaded & TG_SECTION_BIT(kind)) == 0) {
        const size_t length = tg_format_align_8((*entry)->stored_bytes);
        const uint8_t *stored = NULL;
        enum tg_err err = tg_scan_bytes(scan, (*entry)->offset_bytes, length, &stored);
        if (err == TG_OK && !scan->is_whole && tg_crc32c(0, stored, length) != (*entry)->crc32c) {
            err = TG_E_CORRUPT;
        }
        if (err == TG_OK && (*entry)->encoding == TG_ENCODING_ZSTD) {
            err = tg_codec_decompress(scan->codec, stored, (*entry)->stored_bytes, plain,
                                      (*entry)->plain_bytes);
        } else if (err == TG_OK) {
            memcpy(plain, stored, (*entry)->stored_bytes);
        }
        if (err != TG_OK) {
            return tg_scan_fail(scan, err, damaged, why);
        }
        scan->loaded |= TG_SECTION_BIT(kind);
    }
    *bytes = plain;
    return TG_OK;
}

static enum tg_err section_array(const struct tg_scan_view *view, uint32_t kind, const void **items,
                                 uint32_t *count, struct tg_why *why)
{
    const uint8_t *bytes = NULL;
    const struct tg_section_entry *entry = NULL;
    const enum tg_err err = section_load(view, kind, &bytes, &entry, why);
    *items = bytes;
    *count = err == TG_OK && entry != NULL ? entry->items_count : 0;
    return err;
}

enum tg_err tg_scan_observations(const struct tg_scan_view *view,
                                 const struct tg_observation **observations, uint32_t *count,
                                 const uint8_t **text, uint32_t *text_bytes, struct tg_why *why)
{
    const void *items = NULL;
    const void *texts = NULL;
    enum tg_err err = section_array(view, TG_SECTION_OBSERVATIONS, &items, count, why);
    *text_bytes = 0;
    if (err == TG_OK) {
        err = section_array(view, TG_SECTION_TEXT, &texts, text_bytes, why);
    }
    *observations = items;
    *text = texts;
    for (uint32_t i = 0; i < *count && err == TG_OK; i++) {
        const struct tg_observation *one = &(*observations)[i];
        if (one->text_offset > *text_bytes || one->text_bytes > *text_bytes - one->text_offset) {
            err = tg_scan_fail(view->scan, TG_E_CORRUPT, damaged, why);
        }
    }
    *count = err == TG_OK ? *count : 0;
    return err;
}

enum tg_err tg_scan_sessions(const struct tg_scan_view *view, const struct tg_session **sessions,
                             uint32_t *count, struct tg_why *why)
{
    const void *items = NULL;
    const enum tg_err err = section_array(view, TG_SECTION_SESSIONS, &items, count, why);
    *sessions = items;
    return err;
}

enum tg_err tg_scan_releases(const struct tg_scan_view *view, const uint64_t **keys,
                             uint32_t *count, struct tg_why *why)
{
    const void *items = NULL;
    const enum tg_err err = section_array(view, TG_SECTION_RELEASES, &items, count, why);
    *keys = items;
    return err;
}

enum tg_err tg_scan_sources(const struct tg_scan_view *view,
                            const struct tg_journal_source **sources, uint32_t *count,
                            struct tg_why *why)
{
    const void *items = NULL;
    const enum tg_err err = section_array(view, TG_SECTION_SOURCES, &items, count, why);
    *sources = items;
    return err;
}

/* Next item of a section whose items begin with their own length; *item is NULL at the end. */
static enum tg_err item_next(const struct tg_scan_view *view, uint32_t kind, size_t fixed_bytes,
                             struct tg_scan_position *at, const uint8_t **item,
                             uint32_t *item_bytes, struct tg_why *why)
{
    const uint8_t *bytes = NULL;
    const struct tg_section_entry *entry = NULL;
    const enum tg_err err = section_load(view, kind, &bytes, &entry, why);
    *item = NULL;
    if (err != TG_OK || entry == NULL) {
        return err;
    }
    if (at->index == entry->items_count) {
        return at->offset_bytes == entry->plain_bytes
                   ? TG_OK
                   : tg_scan_fail(view->scan, TG_E_CORRUPT, damaged, why);
    }
    const uint32_t left =
        at->offset_bytes <= entry->plain_bytes ? entry->plain_bytes - at->offset_bytes : 0;
    uint32_t length = 0;
    if (left >= fixed_bytes) {
        memcpy(&length, bytes + at->offset_bytes, sizeof length);
    }
    if (length < fixed_bytes || length > left || length % 8 != 0) {
        return tg_scan_fail(view->scan, TG_E_CORRUPT, damaged, why);
    }
    *item = bytes + at->offset_bytes;
    *item_bytes = length;
    at->offset_bytes += length;
    at->index++;
    return TG_OK;
}

enum tg_err tg_scan_input_next(const struct tg_scan_view *view, struct tg_scan_position *at,
                               struct tg_scan_input *item, struct tg_why *why)
{
    struct tg_stored_input stored;
    const uint8_t *bytes = NULL;
    uint32_t length = 0;
    const enum tg_err err =
        item_next(view, TG_SECTION_INPUTS, sizeof stored, at, &bytes, &length, why);
    if (err != TG_OK || bytes == NULL) {
        return err != TG_OK ? err : TG_E_NOT_FOUND;
    }
    memcpy(&stored, bytes, sizeof stored);
    if (stored.payload_bytes > length - sizeof stored ||
        memchr(stored.decoder, 0, sizeof stored.decoder) == NULL) {
        return tg_scan_fail(view->scan, TG_E_CORRUPT, damaged, why);
    }
    memcpy(item->decoder, stored.decoder, sizeof item->decoder);
    item->input = (struct tg_input){.bytes = bytes + sizeof stored,
                                    .length_bytes = stored.payload_bytes,
                                    .source_id = stored.source_id,
                                    .local_port = stored.local_port,
                                    .from = {.port = stored.port},
                                    .arrival_ns = stored.arrival_ns,
                                    .offset_bytes = stored.offset_bytes,
                                    .file_key = stored.file_key,
                                    .first_line = stored.first_line,
                                    .flags = stored.flags};
    memcpy(item->input.from.address, stored.address, sizeof stored.address);
    return TG_OK;
}

enum tg_err tg_scan_refusal_next(const struct tg_scan_view *view, struct tg_scan_position *at,
                                 struct tg_journal_refusal *item, struct tg_why *why)
{
    struct tg_stored_refusal stored;
    const uint8_t *bytes = NULL;
    uint32_t length = 0;
    const enum tg_err err =
        item_next(view, TG_SECTION_REFUSALS, sizeof stored, at, &bytes, &length, why);
    if (err != TG_OK || bytes == NULL) {
        return err != TG_OK ? err : TG_E_NOT_FOUND;
    }
    memcpy(&stored, bytes, sizeof stored);
    const uint64_t needed = sizeof stored + (uint64_t)stored.field_bytes + 1 + stored.kept_bytes;
    if (needed > length || bytes[sizeof stored + stored.field_bytes] != 0 || stored.fate == 0 ||
        stored.fate >= TG_FATE_COUNT) {
        return tg_scan_fail(view->scan, TG_E_CORRUPT, damaged, why);
    }
    const uint8_t *field = bytes + sizeof stored;
    *item =
        (struct tg_journal_refusal){.bytes = field + stored.field_bytes + 1,
                                    .field = stored.field_bytes > 0 ? (const char *)field : NULL,
                                    .record_key = stored.record_key,
                                    .file_key = stored.file_key,
                                    .offset_bytes = stored.offset_bytes,
                                    .arrival_ns = stored.arrival_ns,
                                    .length_bytes = stored.refused_bytes,
                                    .kept_bytes = stored.kept_bytes,
                                    .source_id = stored.source_id,
                                    .reason = stored.reason,
                                    .fate = stored.fate};
    return TG_OK;
}

enum tg_err tg_scan_note_next(const struct tg_scan_view *view, struct tg_scan_position *at,
                              struct tg_scan_note *item, struct tg_why *why)
{
    struct tg_stored_note stored;
    const uint8_t *bytes = NULL;
    uint32_t length = 0;
    const enum tg_err err =
        item_next(view, TG_SECTION_NOTES, sizeof stored, at, &bytes, &length, why);
    if (err != TG_OK || bytes == NULL) {
        return err != TG_OK ? err : TG_E_NOT_FOUND;
    }
    memcpy(&stored, bytes, sizeof stored);
    const uint64_t needed = sizeof stored + (uint64_t)stored.key_bytes + 1 + stored.value_bytes;
    if (needed > length || stored.key_bytes == 0 || bytes[sizeof stored + stored.key_bytes] != 0) {
        return tg_scan_fail(view->scan, TG_E_CORRUPT, damaged, why);
    }
    item->key = (const char *)bytes + sizeof stored;
    item->bytes = bytes + sizeof stored + stored.key_bytes + 1;
    item->length_bytes = stored.value_bytes;
    return TG_OK;
}
