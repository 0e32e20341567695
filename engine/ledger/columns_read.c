/* SPDX-License-Identifier: Apache-2.0 */
/* From the planes of a block to column arrays and structs, a group of rows at a time: its planes
 * and the words made of them stay in the second-level cache. */
#include <assert.h>
#include <string.h>

#include "base/hash.h"
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

void tg_scan_wants(struct tg_scan *scan)
{
    for (uint32_t c = 0; c < TG_COLUMN_COUNT; c++) {
        if ((scan->params.columns >> c & 1) != 0) {
            scan->wanted[columns[c].word] |= UINT64_MAX >> (64 - 8 * columns[c].octets_count)
                                                               << 8 * columns[c].octet;
        }
    }
}

#define NARROW(type)                                                                               \
    do {                                                                                           \
        type *to = out;                                                                            \
        for (uint32_t i = 0; i < rows_count; i++) {                                                \
            to[i] = (type)(words[i] >> shift & mask);                                              \
        }                                                                                          \
    } while (0)

/* A column's field out of each word. */
static void words_narrow(const uint64_t *restrict words, uint32_t rows_count,
                         const struct column *column, void *restrict out)
{
    const uint32_t shift = column->octet * 8u;
    const uint64_t mask = UINT64_MAX >> (64 - 8 * column->octets_count);
    switch (column->width_bytes) {
    case 1:
        NARROW(uint8_t);
        break;
    case 2:
        NARROW(uint16_t);
        break;
    case 4:
        NARROW(uint32_t);
        break;
    default:
        NARROW(uint64_t);
        break;
    }
}
#undef NARROW

#define FILL(type)                                                                                 \
    do {                                                                                           \
        type *to = out;                                                                            \
        for (uint32_t i = 0; i < rows_count; i++) {                                                \
            to[i] = (type)value;                                                                   \
        }                                                                                          \
    } while (0)

/* A column of which all rows of the group have the same. */
static void value_fill(uint64_t value, uint32_t rows_count, uint32_t width_bytes,
                       void *restrict out)
{
    switch (width_bytes) {
    case 1:
        FILL(uint8_t);
        break;
    case 2:
        FILL(uint16_t);
        break;
    case 4:
        FILL(uint32_t);
        break;
    default:
        FILL(uint64_t);
        break;
    }
}
#undef FILL

/* Where a word's rows from `from` on are decoded to: the column that is all of the word, or
 * scan->words. */
static uint64_t *word_place(const struct tg_scan *scan, uint32_t word, uint32_t from)
{
    for (uint32_t c = 0; c < TG_COLUMN_COUNT && !scan->has_structs; c++) {
        if (columns[c].word == word && columns[c].octets_count == TG_WORD_OCTETS &&
            scan->columns[c] != NULL) {
            return (uint64_t *)scan->columns[c] + from; /* has room for whole groups */
        }
    }
    return (uint64_t *)scan->words + (size_t)word * TG_GROUP_STRIDE;
}

/* One word of a group to all columns that are made of it, from row `from` on. */
static void word_give(struct tg_scan *scan, uint32_t word, const uint64_t *words, uint32_t from,
                      const struct tg_group_head *head)
{
    for (uint32_t c = 0; c < TG_COLUMN_COUNT; c++) {
        if (scan->columns[c] == NULL || columns[c].word != word) {
            continue;
        }
        const uint64_t mask = UINT64_MAX >> (64 - 8 * columns[c].octets_count);
        const uint32_t shift = columns[c].octet * 8u;
        uint8_t *to = scan->columns[c];
        to += (size_t)from * columns[c].width_bytes;
        if (head->transform[word] == TG_WORD_PLAIN && (head->differs[word] >> shift & mask) == 0) {
            value_fill(head->first[word] >> shift & mask, head->rows_count, columns[c].width_bytes,
                       to);
        } else if (to != (const uint8_t *)words) {
            words_narrow(words, head->rows_count, &columns[c], to);
        }
    }
}

/* A word of a group to its columns, and to scan->words for structs. */
static void word_read(struct tg_scan *scan, const struct tg_group_head *head, uint32_t w,
                      const uint8_t *planes, uint32_t from)
{
    const struct tg_word word = {head->first[w], head->differs[w], head->transform[w]};
    uint64_t *words = word_place(scan, w, from);
    /* Columns of what does not differ are filled without the planes. */
    if (scan->has_structs || word.transform != TG_WORD_PLAIN ||
        (word.differs & scan->wanted[w]) != 0) {
        tg_word_decode(planes, head->rows_count, &word,
                       scan->has_structs ? UINT64_MAX : scan->wanted[w], words);
    }
    word_give(scan, w, words, from, head);
}

/* Decodes the wanted words of a group that begins at row `from`; all words for structs. */
static enum tg_err group_read(struct tg_scan *scan, const struct tg_group_head *head,
                              const uint8_t *planes, uint32_t from)
{
    for (uint32_t w = 0; w < TG_ROW_WORDS; w++) {
        const size_t length = tg_planes_bytes(head->rows_count, head->differs[w]);
        if (scan->wanted[w] != 0 || scan->has_structs) {
            if (!scan->is_whole && tg_crc32c(0, planes, length) != head->crc32c[w]) {
                return TG_E_CORRUPT;
            }
            word_read(scan, head, w, planes, from);
        }
        planes += length;
    }
    if (scan->has_structs) {
        const struct tg_column_kernels *kernels = tg_column_kernels();
        kernels->gather(scan->words, head->rows_count, scan->usage + from);
        kernels->gather(scan->words + (size_t)TG_ROW_WORDS / 2 * TG_GROUP_STRIDE, head->rows_count,
                        scan->charges + from);
    }
    return TG_OK;
}

/* Decodes all groups of the current block to the arrays that are wanted. With a view, what is made
 * of rows is made while they are in the cache. */
static enum tg_err groups_read(struct tg_scan *scan, uint32_t rows_count,
                               const struct tg_scan_view *view)
{
    const struct tg_section_entry *entry = tg_scan_entry(scan, TG_SECTION_ROWS);
    const uint8_t *bytes = NULL;
    enum tg_err err = entry != NULL ? tg_scan_room(scan, rows_count) : TG_E_CORRUPT;
    if (err == TG_OK) {
        err = tg_scan_bytes(scan, entry->offset_bytes, entry->stored_bytes, &bytes);
    }
    if (err == TG_OK && !scan->is_whole) {
        err = (enum tg_err)tg_format_rows_check(&scan->block.header, entry, bytes);
    }
    for (uint32_t from = 0; from < rows_count && err == TG_OK; from += TG_GROUP_ROWS) {
        struct tg_group_head head;
        memcpy(&head, bytes, sizeof head);
        assert(head.rows_count <= rows_count - from);
        err = group_read(scan, &head, bytes + sizeof head, from);
        if (err == TG_OK && view != NULL && scan->work.make != NULL) {
            scan->work.make(scan->work.context, view, from, head.rows_count);
        }
        bytes += sizeof head + head.planes_bytes;
    }
    return err;
}

enum tg_err tg_scan_decode_rows(struct tg_scan *scan, struct tg_scan_view *view)
{
    if (scan->params.columns == 0 && !scan->has_structs) {
        return TG_OK;
    }
    const enum tg_err err = tg_scan_room(scan, view->rows_count);
    if (err == TG_OK && scan->has_structs) {
        view->usage = scan->usage;
        view->charges = scan->charges;
    }
#define COLUMN_SET(name, type, word, octet, octets) view->name = scan->columns[TG_COLUMN_##name];
    TG_COLUMN_LIST(COLUMN_SET)
#undef COLUMN_SET
    return err == TG_OK ? groups_read(scan, view->rows_count, view) : err;
}

enum tg_err tg_scan_structs(const struct tg_scan_view *view, const struct tg_usage **usage,
                            const struct tg_charge **charges, struct tg_why *why)
{
    struct tg_scan *scan = view->scan;
    enum tg_err err = TG_OK;
    scan->is_asked_structs = true;
    if (!scan->has_structs) {
        scan->has_structs = true;
        err = view->rows_count > 0 ? groups_read(scan, view->rows_count, NULL) : TG_OK;
    }
    if (err != TG_OK) {
        return tg_scan_fail(scan, err, "the block's rows do not check", why);
    }
    *usage = scan->usage;
    *charges = scan->charges;
    return TG_OK;
}

/* All words of one row of a group whose planes begin at `planes`. */
static enum tg_err group_row(struct tg_scan *scan, const struct tg_group_head *head,
                             const uint8_t *planes, uint32_t row, uint64_t *words)
{
    for (uint32_t w = 0; w < TG_ROW_WORDS; w++) {
        const size_t length = tg_planes_bytes(head->rows_count, head->differs[w]);
        const struct tg_word word = {head->first[w], head->differs[w], head->transform[w]};
        if (tg_crc32c(0, planes, length) != head->crc32c[w]) {
            return TG_E_CORRUPT;
        }
        tg_word_decode(planes, head->rows_count, &word, UINT64_MAX, scan->words);
        words[w] = scan->words[row];
        planes += length;
    }
    return TG_OK;
}

enum tg_err tg_scan_row(const struct tg_scan_view *view, uint32_t row, struct tg_usage *usage,
                        struct tg_charge *charge, struct tg_why *why)
{
    struct tg_scan *scan = view->scan;
    const struct tg_section_entry *entry = tg_scan_entry(scan, TG_SECTION_ROWS);
    const uint8_t *bytes = NULL;
    uint64_t words[TG_ROW_WORDS];
    assert(row < view->rows_count && entry != NULL);
    enum tg_err err = tg_scan_bytes(scan, entry->offset_bytes, entry->stored_bytes, &bytes);
    if (err == TG_OK && !scan->is_whole) {
        err = (enum tg_err)tg_format_rows_check(&scan->block.header, entry, bytes);
    }
    if (err == TG_OK) {
        struct tg_group_head head;
        memcpy(&head, bytes, sizeof head);
        for (uint32_t group = row / TG_GROUP_ROWS; group > 0; group--) {
            bytes += sizeof head + head.planes_bytes;
            memcpy(&head, bytes, sizeof head);
        }
        err = group_row(scan, &head, bytes + sizeof head, row % TG_GROUP_ROWS, words);
    }
    if (err != TG_OK) {
        return tg_scan_fail(scan, err, "the block's rows do not check", why);
    }
    memcpy(usage, words, sizeof *usage);
    memcpy(charge, words + sizeof *usage / sizeof words[0], sizeof *charge);
    return TG_OK;
}
