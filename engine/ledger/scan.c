/* SPDX-License-Identifier: Apache-2.0 */
/* Which blocks are given: only those of epochs that are proved. An epoch is proved when a later
 * block vouches that it was durable, or, at the very end of the journal where nothing follows, when
 * every octet of its blocks checks and its commit block is there. */
#include "ledger/scan.h"

#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "ledger/scan_state.h"

/* A live writer may have appended between two looks: so often is the end looked at again. */
#define END_LOOKS_MAX 3u
/* Rows that the arrays are made for first: a scan of small blocks stays small. */
#define ROWS_FIRST  1024u
#define BYTES_FIRST 65536u

static const uint8_t column_widths[TG_COLUMN_COUNT] = {
#define COLUMN_WIDTH(name, type, word, octet, octets) sizeof(type),
    TG_COLUMN_LIST(COLUMN_WIDTH)
#undef COLUMN_WIDTH
};

static void scan_room_free(struct tg_scan *scan)
{
    const size_t rows = scan->rows_capacity;
    for (uint32_t c = 0; c < TG_COLUMN_COUNT; c++) {
        tg_pages_free(scan->columns[c], rows * column_widths[c]);
        scan->columns[c] = NULL;
    }
    tg_pages_free(scan->usage, rows * sizeof *scan->usage);
    tg_pages_free(scan->charges, rows * sizeof *scan->charges);
    scan->usage = NULL;
    scan->charges = NULL;
    scan->rows_capacity = 0;
}

enum tg_err tg_scan_room(struct tg_scan *scan, uint32_t rows_count)
{
    uint32_t rows = scan->rows_capacity > 0 ? scan->rows_capacity : ROWS_FIRST;
    while (rows < rows_count) {
        rows *= 2;
    }
    if (rows > scan->rows_capacity) {
        scan_room_free(scan);
        scan->rows_capacity = rows;
    }
    bool is_taken = true;
    for (uint32_t c = 0; c < TG_COLUMN_COUNT && is_taken; c++) {
        if ((scan->params.columns >> c & 1) != 0 && scan->columns[c] == NULL) {
            scan->columns[c] = tg_pages_take((size_t)rows * column_widths[c]);
            is_taken = scan->columns[c] != NULL;
        }
    }
    if (is_taken && scan->has_structs && scan->usage == NULL) {
        scan->usage = tg_pages_take(rows * sizeof *scan->usage);
        scan->charges = tg_pages_take(rows * sizeof *scan->charges);
        is_taken = scan->usage != NULL && scan->charges != NULL;
    }
    return is_taken ? TG_OK : TG_E_NO_MEMORY;
}

enum tg_err tg_scan_open(const struct tg_scan_params *params, struct tg_scan **scan,
                         struct tg_why *why)
{
    *scan = NULL;
    if (params->size_bytes != sizeof *params || params->dir == NULL ||
        params->columns >> TG_COLUMN_COUNT != 0) {
        return tg_why_set(why, TG_E_INVALID, "bad scan parameters");
    }
    /* Half a MiB that a journal without rows never touches, and no row path waits for. */
    struct tg_scan *made = tg_pages_reserve(sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for a scan");
    }
    made->params = *params;
    made->reader.fd = -1;
    made->ahead.fd = -1;
    tg_scan_wants(made);
    enum tg_err err = tg_codec_open(0, TG_SECTION_BYTES_MAX, &made->codec, why);
    if (err == TG_OK) {
        err = tg_reader_open(&made->reader, params->dir, params->epoch_min, why);
    }
    if (err == TG_OK) {
        err = tg_reader_copy(&made->ahead, &made->reader);
    }
    if (err != TG_OK) {
        tg_scan_close(made);
        return err;
    }
    const bool has_place = made->reader.offset_bytes > 0;
    made->good = (struct tg_journal_tail){.epoch = made->reader.committed_epoch,
                                          .block_number = made->reader.next_number - 1,
                                          .previous_hash = made->reader.previous_hash,
                                          .segment = has_place ? made->reader.segment : 0,
                                          .offset_bytes = made->reader.offset_bytes};
    *scan = made;
    return TG_OK;
}

void tg_scan_close(struct tg_scan *scan)
{
    if (scan == NULL) {
        return;
    }
    tg_reader_close(&scan->reader);
    tg_reader_close(&scan->ahead);
    tg_codec_close(scan->codec);
    tg_pages_free(scan->bytes, scan->bytes_capacity);
    scan_room_free(scan);
    for (uint32_t i = 0; i < TG_SECTION_COUNT; i++) {
        tg_pages_free(scan->sections[i], scan->sections_bytes[i]);
    }
    tg_pages_free(scan, sizeof *scan);
}

enum tg_err tg_scan_fail(struct tg_scan *scan, enum tg_err err, const char *what,
                         struct tg_why *why)
{
    if (scan->failed == TG_OK) {
        scan->failed = err;
        (void)tg_reader_why(&scan->reader, scan->block.segment, scan->block.offset_bytes, err, what,
                            &scan->why);
    }
    return tg_why_set(why, scan->failed, "%s", scan->why.text);
}

/* Moves `ahead` by one block. TG_E_NOT_FOUND: the journal ends there, torn or clean. */
static enum tg_err ahead_step(struct tg_scan *scan)
{
    struct tg_reader_block block;
    struct tg_why why;
    enum tg_err err = TG_OK;
    for (uint32_t look = 0; look < END_LOOKS_MAX; look++) {
        err = tg_reader_next(&scan->ahead, &block, &why);
        if (err == TG_OK || err == TG_E_FORMAT || err == TG_E_IO) {
            break;
        }
        if (tg_reader_is_torn(&scan->ahead)) {
            return TG_E_NOT_FOUND;
        }
        if (err == TG_E_NOT_FOUND) {
            (void)tg_reader_why(&scan->ahead, scan->ahead.segment, scan->ahead.offset_bytes,
                                TG_E_CORRUPT, "blocks that were durable are missing here", &why);
        }
    }
    if (err != TG_OK) {
        scan->failed = err == TG_E_NOT_FOUND ? TG_E_CORRUPT : err;
        scan->why = why;
    }
    return scan->failed;
}

/* Makes room for a whole block. */
static enum tg_err bytes_room(struct tg_scan *scan, size_t length_bytes)
{
    if (length_bytes <= scan->bytes_capacity) {
        return TG_OK;
    }
    size_t capacity = BYTES_FIRST;
    while (capacity < length_bytes) {
        capacity *= 2;
    }
    tg_pages_free(scan->bytes, scan->bytes_capacity);
    scan->bytes = tg_pages_take(capacity);
    scan->bytes_capacity = scan->bytes != NULL ? capacity : 0;
    return scan->bytes != NULL ? TG_OK : TG_E_NO_MEMORY;
}

/* Reads and checks a whole block. */
static enum tg_err block_check(struct tg_scan *scan, const struct tg_reader *reader,
                               const struct tg_reader_block *block)
{
    const enum tg_err err = bytes_room(scan, block->header.length_bytes);
    return err == TG_OK ? tg_reader_check(reader, block, scan->bytes) : err;
}

enum tg_err tg_scan_bytes(struct tg_scan *scan, uint32_t offset_bytes, size_t length_bytes,
                          const uint8_t **bytes)
{
    enum tg_err err = bytes_room(scan, scan->block.header.length_bytes);
    if (err == TG_OK && !scan->is_whole) {
        err = tg_reader_read(&scan->reader, &scan->block, offset_bytes, scan->bytes + offset_bytes,
                             length_bytes);
    }
    *bytes = err == TG_OK ? scan->bytes + offset_bytes : NULL;
    return err;
}

/* Checks every octet from the reader's place to the end; sets the last epoch that is whole. */
static enum tg_err tail_check(struct tg_scan *scan, const struct tg_reader *from)
{
    struct tg_reader tail;
    enum tg_err err = tg_reader_copy(&tail, from);
    if (err != TG_OK) {
        scan->failed = tg_why_set(&scan->why, err, "cannot read the journal again");
        return scan->failed;
    }
    scan->proved_epoch = tail.committed_epoch;
    while (tail.next_number < scan->ahead.next_number) {
        struct tg_reader_block block;
        if (tg_reader_next(&tail, &block, NULL) != TG_OK) {
            break;
        }
        err = block_check(scan, &tail, &block);
        if (err != TG_OK) {
            break;
        }
        scan->proved_epoch = tail.committed_epoch;
    }
    tg_reader_close(&tail);
    return TG_OK;
}

/* Whether an epoch may be given; `from` is the reader before its block. */
static enum tg_err scan_prove(struct tg_scan *scan, uint64_t epoch, const struct tg_reader *from,
                              bool *is_proved)
{
    while (!scan->is_ahead_ended && scan->ahead.durable_epoch < epoch) {
        const enum tg_err err = ahead_step(scan);
        if (err == TG_E_NOT_FOUND) {
            scan->is_ahead_ended = true;
            const enum tg_err checked = tail_check(scan, from);
            if (checked != TG_OK) {
                return checked;
            }
        } else if (err != TG_OK) {
            return err;
        }
    }
    *is_proved =
        scan->ahead.durable_epoch >= epoch || (scan->is_ahead_ended && epoch <= scan->proved_epoch);
    return TG_OK;
}

const struct tg_section_entry *tg_scan_entry(const struct tg_scan *scan, uint32_t kind)
{
    for (uint32_t i = 0; i < scan->block.header.sections_count; i++) {
        if (scan->entries[i].kind == kind) {
            return &scan->entries[i];
        }
    }
    return NULL;
}

/* Whether the rows of the current block are wanted, by what its header says of them. */
static bool rows_are_wanted(const struct tg_scan *scan)
{
    const struct tg_block_header *header = &scan->block.header;
    const struct tg_scan_params *params = &scan->params;
    if (params->fates != 0 && (params->fates & header->fates) == 0) {
        return false;
    }
    const bool has_range = params->event_min_ns != 0 || params->event_max_ns != 0;
    return !has_range || (header->event_max_ns >= params->event_min_ns &&
                          header->event_min_ns < params->event_max_ns);
}

/* Reads the directory and fills the view; *is_given says whether anybody wants the block. */
static enum tg_err scan_view(struct tg_scan *scan, struct tg_scan_view *view, bool *is_given,
                             struct tg_why *why)
{
    const struct tg_block_header *header = &scan->block.header;
    enum tg_err err = tg_reader_read(&scan->reader, &scan->block, sizeof *header, scan->entries,
                                     header->sections_count * sizeof scan->entries[0]);
    if (err == TG_OK) {
        err = (enum tg_err)tg_format_directory_check(header, scan->entries);
    }
    if (err == TG_OK && scan->checks_all) {
        err = block_check(scan, &scan->reader, &scan->block);
        scan->is_whole = err == TG_OK;
    }
    if (err != TG_OK) {
        return tg_scan_fail(scan, err, "the block does not check", why);
    }
    *view = (struct tg_scan_view){.epoch = header->epoch,
                                  .block_number = header->number,
                                  .journal_ns = header->journal_ns,
                                  .event_min_ns = header->event_min_ns,
                                  .event_max_ns = header->event_max_ns,
                                  .catalog_min = header->catalog_min,
                                  .catalog_max = header->catalog_max,
                                  .rows_total_count = header->rows_count,
                                  .lane = scan->lane,
                                  .stream = header->stream,
                                  .is_commit = (header->flags & TG_BLOCK_COMMITS) != 0,
                                  .scan = scan};
    for (uint32_t i = 0; i < header->sections_count; i++) {
        view->sections |= TG_SECTION_BIT(scan->entries[i].kind);
    }
    const bool wants_rows = header->rows_count > 0 && rows_are_wanted(scan);
    const uint32_t offered =
        wants_rows ? view->sections : view->sections & ~TG_SECTION_BIT(TG_SECTION_ROWS);
    *is_given = scan->params.sections == 0 || (scan->params.sections & offered) != 0;
    if (*is_given && wants_rows) {
        view->rows_count = header->rows_count;
        err = tg_scan_decode_rows(scan, view);
    }
    return err == TG_OK ? TG_OK : tg_scan_fail(scan, err, "the block's rows do not check", why);
}

/* Remembers where a good epoch ended. */
static void scan_pass(struct tg_scan *scan)
{
    if ((scan->block.header.flags & TG_BLOCK_COMMITS) != 0) {
        scan->good = (struct tg_journal_tail){.epoch = scan->reader.committed_epoch,
                                              .block_number = scan->reader.next_number - 1,
                                              .previous_hash = scan->reader.previous_hash,
                                              .segment = scan->reader.segment,
                                              .offset_bytes = scan->reader.offset_bytes};
    }
}

/* Moves the reader to the next proved block; is_ended is set when there is none. */
static enum tg_err scan_move(struct tg_scan *scan)
{
    struct tg_reader before;
    bool is_proved = false;
    enum tg_err err = tg_reader_copy(&before, &scan->reader);
    if (err == TG_OK) {
        err = tg_reader_next(&scan->reader, &scan->block, NULL);
        if (err == TG_OK) {
            err = scan_prove(scan, scan->block.header.epoch, &before, &is_proved);
        } else {
            /* `ahead` judges: it fails unless this is the end or a torn tail. */
            err = scan_prove(scan, scan->reader.committed_epoch + 1, &before, &is_proved);
            if (err == TG_OK && is_proved) {
                err = tg_reader_next(&scan->reader, &scan->block, &scan->why);
                scan->failed = err;
            }
        }
    }
    tg_reader_close(&before);
    scan->is_ended = err == TG_OK && !is_proved;
    return err;
}

enum tg_err tg_scan_next(struct tg_scan *scan, struct tg_scan_view *view, struct tg_why *why)
{
    for (;;) {
        bool is_given = false;
        scan->loaded = 0;
        scan->is_whole = false;
        scan->has_structs = scan->params.wants_structs || scan->is_asked_structs;
        if (scan->failed != TG_OK) {
            return tg_why_set(why, scan->failed, "%s", scan->why.text);
        }
        if (scan->is_ended) {
            return TG_E_NOT_FOUND;
        }
        const enum tg_err err = scan_move(scan);
        if (err != TG_OK) {
            scan->failed = err;
            continue;
        }
        const uint64_t epoch = scan->block.header.epoch;
        if (scan->is_ended || (scan->params.epoch_max != 0 && epoch > scan->params.epoch_max)) {
            scan->is_ended = true;
            continue;
        }
        scan_pass(scan);
        if (epoch < scan->params.epoch_min ||
            (scan->lanes_count > 1 &&
             scan->block.header.number % scan->lanes_count != scan->lane)) {
            continue;
        }
        scan->is_asked_structs = false;
        const enum tg_err made = scan_view(scan, view, &is_given, why);
        if (made != TG_OK || is_given) {
            return made;
        }
    }
}

enum tg_err tg_scan_fold(struct tg_scan *scan, tg_scan_fold_fn fold, void *context,
                         struct tg_why *why)
{
    for (;;) {
        struct tg_scan_view view;
        enum tg_err err = tg_scan_next(scan, &view, why);
        if (err == TG_OK) {
            err = fold(context, &view);
        }
        if (err != TG_OK) {
            return err == TG_E_NOT_FOUND && scan->is_ended ? TG_OK : err;
        }
    }
}
