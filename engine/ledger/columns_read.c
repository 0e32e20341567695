/* SPDX-License-Identifier: Apache-2.0 */
/* From the planes of a block to column arrays and structs. */
#include <string.h>

#include "ledger/scan_state.h"

struct column {
    uint8_t word;
    uint8_t octet;
    uint8_t octets_count;
    uint8_t width_bytes;
};

static const struct column columns[TG_COLUMN_COUNT] = {
#define COLUMN_PLACE(name, type, word, octet, octets) {word, octet, octets, sizeof(type)},
    TG_COLUMN_LIST(COLUMN_PLACE)
#undef COLUMN_PLACE
};

/* Reads the rows section's head and lays out where each plane is. */
static enum tg_err rows_head_read(struct tg_scan *scan)
{
    uint8_t head[TG_ROWS_HEAD_BYTES_MAX];
    const struct tg_section_entry *entry = tg_scan_entry(scan, TG_SECTION_ROWS);
    if (entry == NULL) {
        return TG_E_CORRUPT;
    }
    const size_t head_bytes = entry->stored_bytes < sizeof head ? entry->stored_bytes : sizeof head;
    enum tg_err err =
        tg_reader_read(&scan->reader, &scan->block, entry->offset_bytes, head, head_bytes);
    if (err == TG_OK) {
        err = (enum tg_err)tg_format_rows_check(&scan->block.header, entry, head, head_bytes);
    }
    if (err != TG_OK) {
        return err;
    }
    memcpy(&scan->rows, head, sizeof scan->rows);
    const uint8_t *next = head + sizeof scan->rows;
    uint32_t at = entry->offset_bytes + (uint32_t)sizeof scan->rows +
                  scan->rows.stored_count * (uint32_t)sizeof(struct tg_plane_entry);
    for (uint32_t p = 0; p < TG_ROW_PLANES; p++) {
        scan->plane_offset[p] = at;
        scan->planes_stored[p] = (struct tg_plane_entry){0, 0};
        if ((scan->rows.stored[p / 64] >> p % 64 & 1) != 0) {
            memcpy(&scan->planes_stored[p], next, sizeof scan->planes_stored[p]);
            next += sizeof scan->planes_stored[p];
            at += scan->planes_stored[p].length & ~TG_PLANE_IS_ZSTD;
        }
    }
    scan->plane_offset[TG_ROW_PLANES] = at;
    return TG_OK;
}

/* Decodes planes first..first+count into scan->planes. */
static enum tg_err planes_read(struct tg_scan *scan, uint32_t first, uint32_t count)
{
    const uint32_t from = scan->plane_offset[first];
    const uint32_t to = scan->plane_offset[first + count];
    enum tg_err err = TG_OK;
    if (to > from) {
        err = tg_reader_read(&scan->reader, &scan->block, from, scan->stored, to - from);
    }
    for (uint32_t i = 0; i < count && err == TG_OK; i++) {
        const struct tg_plane_entry *entry = &scan->planes_stored[first + i];
        struct tg_plane plane = {.stored_bytes = entry->length & ~TG_PLANE_IS_ZSTD,
                                 .crc32c = entry->crc32c,
                                 .encoding = TG_PLANE_CONSTANT,
                                 .constant = scan->rows.constant[first + i]};
        if (entry->length != 0) {
            plane.encoding = (entry->length & TG_PLANE_IS_ZSTD) != 0 ? TG_PLANE_ZSTD : TG_PLANE_RAW;
        }
        err = tg_plane_decode(scan->codec, &plane,
                              scan->stored + (scan->plane_offset[first + i] - from),
                              scan->rows.rows_count, scan->planes + i * tg_scan_stride(scan));
    }
    return err;
}

/* Decodes a whole word of every row into scan->words. */
static enum tg_err word_read(struct tg_scan *scan, uint32_t word)
{
    const enum tg_err err = planes_read(scan, word * TG_WORD_PLANES, TG_WORD_PLANES);
    if (err == TG_OK) {
        tg_planes_join(scan->planes, TG_WORD_PLANES, tg_scan_stride(scan), scan->rows.rows_count,
                       TG_WORD_PLANES, scan->words);
        tg_words_restore(scan->rows.transform[word], scan->words, scan->rows.rows_count);
    }
    return err;
}

static void words_narrow(const uint64_t *words, uint32_t rows_count, const struct column *column,
                         void *out)
{
    const uint32_t shift = column->octet * 8u;
    const uint64_t mask = UINT64_MAX >> (64 - 8 * column->octets_count);
    for (uint32_t i = 0; i < rows_count; i++) {
        const uint64_t value = words[i] >> shift & mask;
        memcpy((uint8_t *)out + (size_t)i * column->width_bytes, &value, column->width_bytes);
    }
}

static enum tg_err column_read(struct tg_scan *scan, const struct column *column, void *out)
{
    const uint8_t transform = scan->rows.transform[column->word];
    const bool is_plain = transform == TG_WORD_PLAIN || (transform == TG_WORD_DELTA_HIGH32 &&
                                                         column->octet + column->octets_count <= 4);
    enum tg_err err = TG_OK;
    if (is_plain) {
        err =
            planes_read(scan, column->word * TG_WORD_PLANES + column->octet, column->octets_count);
        if (err == TG_OK) {
            tg_planes_join(scan->planes, column->octets_count, tg_scan_stride(scan),
                           scan->rows.rows_count, column->width_bytes, out);
        }
        return err;
    }
    err = word_read(scan, column->word);
    if (err == TG_OK) {
        words_narrow(scan->words, scan->rows.rows_count, column, out);
    }
    return err;
}

static enum tg_err structs_read(struct tg_scan *scan)
{
    enum tg_err err = TG_OK;
    for (uint32_t w = 0; w < TG_ROW_WORDS && err == TG_OK; w++) {
        err = word_read(scan, w);
        uint8_t *to = w < 8 ? (uint8_t *)scan->usage : (uint8_t *)scan->charges;
        to += (w % 8) * sizeof(uint64_t);
        for (uint32_t i = 0; i < scan->rows.rows_count && err == TG_OK; i++) {
            memcpy(to + (size_t)i * sizeof(struct tg_usage), &scan->words[i], sizeof(uint64_t));
        }
    }
    return err;
}

enum tg_err tg_scan_decode_rows(struct tg_scan *scan, struct tg_scan_view *view)
{
    if (scan->params.columns == 0 && !scan->params.wants_structs) {
        return TG_OK;
    }
    enum tg_err err = tg_scan_room(scan, view->rows_count);
    if (err == TG_OK) {
        err = rows_head_read(scan);
    }
    for (uint32_t c = 0; c < TG_COLUMN_COUNT && err == TG_OK; c++) {
        if (scan->columns[c] != NULL) {
            err = column_read(scan, &columns[c], scan->columns[c]);
        }
    }
    if (err == TG_OK && scan->params.wants_structs) {
        err = structs_read(scan);
        view->usage = scan->usage;
        view->charges = scan->charges;
    }
#define COLUMN_SET(name, type, word, octet, octets) view->name = scan->columns[TG_COLUMN_##name];
    TG_COLUMN_LIST(COLUMN_SET)
#undef COLUMN_SET
    return err;
}
