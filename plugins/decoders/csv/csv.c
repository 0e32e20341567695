/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief CSV decoder: lines in, usage rows out, by a column map.
 *
 *  Source: RFC 4180; the map's fields are schemas/csv/fields.tsv.
 *  Threads: one state, one ingest lcore. Allocates: in open only. Cost: one pass a line.
 *
 *  (1) A refused line takes only itself with it; its offset is that of the line within the chunk.
 *  (2) The header of a file is state: chunks behind the first need it, also after a restart, so
 *      save() keeps the columns of the newest TG_CSV_FILES_MAX files and a chunk whose header is
 *      not known is refused line by line with TG_E_NO_TEMPLATE, never read by another file's
 * header. (3) When the output is full the position within the chunk is kept, and the next call,
 * which the contract says begins with the same input, goes on there.
 */
#include "csv_line.h"
#include "csv_map.h"

#include "abi/decoder.h"
#include "abi/key.h"
#include "lib/append.h"
#include "lib/cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TG_CSV_FILES_MAX 64u /* Files read at the same time; the oldest header makes room. */
#define SAVE_MAGIC       UINT32_C(0x54474356) /* "TGCV" */
#define FILE_OCTETS      (8u + 1u + 2u + 2u * TG_CSV_FIELDS_COUNT * TG_CSV_PARTS_MAX)

/* The header of one file. */
struct csv_file {
    uint64_t key;
    struct tg_csv_columns columns;
    bool is_usable; /* false: the header lacks a mapped column. */
};

struct csv_state {
    struct tg_csv_map map;
    struct tg_csv_columns fixed; /* Without header: the numbers of the map. */
    struct csv_file files[TG_CSV_FILES_MAX];
    uint32_t files_count;
    uint32_t files_next; /* Slot the next new header takes. */
    uint32_t files_last; /* Slot found last: lines of one file come together. */
    /* Where to go on in the input that was left unfinished. */
    uint32_t resume_offset;
    uint32_t resume_length_bytes;
    uint64_t resume_place; /* file_key + offset_bytes of that input. */
    uint32_t resume_line;
    bool resume_at_first;
    struct tg_message resume_message;
    /* Too large for a stack frame that calls others. */
    struct tg_csv_record record;
};

/* Where decode is within an input. */
struct position {
    const struct tg_input *input;
    uint32_t input_index;
    uint32_t offset;
    uint32_t line;
    bool at_first; /* No record of this input was read yet. */
};

static enum tg_err csv_open(const struct tg_decoder_config *config, void **state,
                            struct tg_complaint *why);
static void csv_close(void *state);
static uint32_t csv_decode(void *state, const struct tg_input *inputs, uint32_t inputs_count,
                           struct tg_decoded *out);
static size_t csv_save(const void *state, uint8_t *bytes, size_t capacity_bytes);
static enum tg_err csv_load(void *state, const uint8_t *bytes, size_t length_bytes);

static const struct tg_decoder contract = {
    .size_bytes = sizeof(struct tg_decoder),
    .state_version = 2,
    .open = csv_open,
    .close = csv_close,
    .decode = csv_decode,
    .save = csv_save,
    .load = csv_load,
};

TG_PLUGIN(csv, TG_PLUGIN_DECODER, struct tg_decoder, contract, "1.0",
          "Usage records in CSV by a column map (RFC 4180)");

static bool decode_input(struct csv_state *state, const struct tg_input *input,
                         uint32_t input_index, struct tg_decoded *out);
static bool decode_line(struct csv_state *state, const struct position *at, struct tg_decoded *out);
static enum tg_err read_line(struct csv_state *state, const struct position *at,
                             struct tg_usage *row, struct tg_message *message);
static enum tg_err learn_header(struct csv_state *state, const struct tg_input *input,
                                struct tg_message *message);
static struct csv_file *find_file(struct csv_state *state, const struct tg_input *input);
static uint64_t file_key(const struct tg_input *input);
static uint32_t skip_blank(const struct position *at, uint32_t *lines);
static void note_fields(const struct csv_state *state, const struct tg_csv_columns *columns,
                        struct tg_decoded *out);
static uint8_t *put(uint8_t *at, uint64_t value, unsigned octets);

static enum tg_err csv_open(const struct tg_decoder_config *config, void **state,
                            struct tg_complaint *why)
{
    *state = NULL;
    why->setting_index = UINT32_MAX;
    struct csv_state *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        snprintf(why->text, sizeof(why->text), "no memory for the decoder's state");
        return TG_E_NO_MEMORY;
    }
    const enum tg_err err = tg_csv_map_read(config, &made->map, why);
    if (err != TG_OK) {
        free(made);
        return err;
    }
    for (unsigned i = 0; i < TG_CSV_FIELDS_COUNT; i++) {
        for (unsigned j = 0; j < made->map.sources[i].parts_count; j++) {
            made->fixed.column[i][j] = made->map.sources[i].parts[j].column;
        }
    }
    *state = made;
    return TG_OK;
}

static void csv_close(void *state)
{
    free(state);
}

static uint32_t csv_decode(void *state, const struct tg_input *inputs, uint32_t inputs_count,
                           struct tg_decoded *out)
{
    for (uint32_t i = 0; i < inputs_count; i++) {
        if (!decode_input(state, &inputs[i], i, out)) {
            return i;
        }
    }
    return inputs_count;
}

/* Layout: magic u32, map hash u64, next slot u32, count u32; then per file key u64, usable u8,
 * cells u16, columns u16 by field and part. All big-endian. */
static size_t csv_save(const void *state, uint8_t *bytes, size_t capacity_bytes)
{
    const struct csv_state *made = state;
    const size_t needed = 20 + (size_t)made->files_count * FILE_OCTETS;
    if (needed > capacity_bytes) {
        return needed;
    }
    uint8_t *at = put(bytes, SAVE_MAGIC, 4);
    at = put(at, made->map.hash, 8);
    at = put(at, made->files_next, 4);
    at = put(at, made->files_count, 4);
    for (uint32_t i = 0; i < made->files_count; i++) {
        const struct csv_file *file = &made->files[i];
        at = put(at, file->key, 8);
        at = put(at, file->is_usable, 1);
        at = put(at, file->columns.cells_count, 2);
        for (unsigned j = 0; j < TG_CSV_FIELDS_COUNT * TG_CSV_PARTS_MAX; j++) {
            at = put(at, file->columns.column[j / TG_CSV_PARTS_MAX][j % TG_CSV_PARTS_MAX], 2);
        }
    }
    return needed;
}

static enum tg_err csv_load(void *state, const uint8_t *bytes, size_t length_bytes)
{
    struct csv_state *made = state;
    struct tg_cursor c = tg_cursor(bytes, length_bytes);
    made->files_count = 0;
    made->files_next = 0;
    const uint32_t magic = tg_cursor_be32(&c);
    const uint64_t hash = tg_cursor_be(&c, 8);
    const uint32_t next = tg_cursor_be32(&c);
    const uint32_t count = tg_cursor_be32(&c);
    if (c.failed || magic != SAVE_MAGIC || hash != made->map.hash) {
        return TG_E_FORMAT;
    }
    if (count > TG_CSV_FILES_MAX || next >= TG_CSV_FILES_MAX ||
        tg_cursor_left(&c) != (size_t)count * FILE_OCTETS) {
        return TG_E_CORRUPT;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct csv_file *file = &made->files[i];
        file->key = tg_cursor_be(&c, 8);
        file->is_usable = tg_cursor_u8(&c) == 1;
        file->columns.cells_count = tg_cursor_be16(&c);
        for (unsigned j = 0; j < TG_CSV_FIELDS_COUNT * TG_CSV_PARTS_MAX; j++) {
            const uint16_t column = tg_cursor_be16(&c);
            if (column > TG_CSV_COLUMNS_MAX) {
                return TG_E_CORRUPT;
            }
            file->columns.column[j / TG_CSV_PARTS_MAX][j % TG_CSV_PARTS_MAX] = column;
        }
    }
    made->files_count = count;
    made->files_next = next;
    return TG_OK;
}

/* Returns false when the output is full; the state then says where to go on. */
static bool decode_input(struct csv_state *state, const struct tg_input *input,
                         uint32_t input_index, struct tg_decoded *out)
{
    struct position at = {input, input_index, 0, input->first_line != 0 ? input->first_line : 1,
                          true};
    struct tg_message *message = &out->messages[input_index];
    *message = (struct tg_message){.export_ns = input->arrival_ns};
    if (state->resume_offset > 0 && state->resume_length_bytes == input->length_bytes &&
        state->resume_place == input->file_key + input->offset_bytes) {
        at.offset = state->resume_offset;
        at.line = state->resume_line;
        at.at_first = state->resume_at_first;
        *message = state->resume_message;
    }
    state->resume_offset = 0;
    while (true) {
        uint32_t lines = 0;
        at.offset += skip_blank(&at, &lines);
        at.line += lines;
        if (at.offset == input->length_bytes) {
            return true;
        }
        if (!decode_line(state, &at, out)) {
            state->resume_offset = at.offset;
            state->resume_length_bytes = input->length_bytes;
            state->resume_place = input->file_key + input->offset_bytes;
            state->resume_line = at.line;
            state->resume_at_first = at.at_first;
            state->resume_message = *message;
            return false;
        }
        at.offset += state->record.used_bytes;
        at.line += state->record.lines_count;
        at.at_first = false;
    }
}

/* Returns false, with nothing done, when a row or a refusal might not fit. */
static bool decode_line(struct csv_state *state, const struct position *at, struct tg_decoded *out)
{
    struct tg_message *message = &out->messages[at->input_index];
    struct tg_usage row;
    if (tg_out_rows_left(out) == 0 || tg_out_refusals_left(out) == 0) {
        return false;
    }
    memset(&row, 0, sizeof(row));
    const enum tg_err err = read_line(state, at, &row, message);
    if (err == TG_E_AGAIN) {
        return true; /* It was the header. */
    }
    if (err == TG_OK) {
        row.source_id = at->input->source_id;
        row.sequence = at->line;
        if (out->fields_capacity > 0) {
            const struct csv_file *file = find_file(state, at->input);
            note_fields(state, file != NULL ? &file->columns : &state->fixed, out);
        }
        tg_out_row(out, &row, at->input_index);
        tg_out_network(out, state->record.plmn);
        message->records_count++;
        return true;
    }
    const struct tg_refusal refusal = {.input_index = at->input_index,
                                       .offset_bytes = at->offset,
                                       .length_bytes = state->record.length_bytes,
                                       .reason = (int16_t)err,
                                       .source_id = at->input->source_id,
                                       .field = state->record.error_field};
    if (message->error_offset == 0) {
        message->error_offset = at->offset + state->record.error_offset;
    }
    return tg_out_refusal(out, &refusal);
}

/* TG_E_AGAIN: the line was a header and is done with. */
static enum tg_err read_line(struct csv_state *state, const struct position *at,
                             struct tg_usage *row, struct tg_message *message)
{
    const char *text = (const char *)at->input->bytes + at->offset;
    const uint32_t left = at->input->length_bytes - at->offset;
    uint32_t mark_bytes = 0;
    const bool header = state->map.has_header && at->at_first && at->input->offset_bytes == 0;
    if (at->offset == 0 && at->input->offset_bytes == 0 && left >= 3 &&
        memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        mark_bytes = 3; /* A byte order mark, as spreadsheets write it. */
    }
    enum tg_err err = TG_E_TRUNCATED;
    state->record.cells_count = 0;
    state->record.length_bytes = 0;
    state->record.used_bytes = 0;
    state->record.lines_count = 0;
    state->record.error_offset = 0;
    state->record.error_field = "header";
    if (left > mark_bytes) {
        err = tg_csv_record_read(&state->map, text + mark_bytes, left - mark_bytes, &state->record);
    }
    if (err == TG_OK && header) {
        err = learn_header(state, at->input, message);
        err = err == TG_OK ? TG_E_AGAIN : err;
    } else if (err == TG_OK && !state->map.has_header) {
        err = tg_csv_row_make(&state->map, &state->fixed, text + mark_bytes, &state->record, row);
    } else if (err == TG_OK) {
        const struct csv_file *file = find_file(state, at->input);
        state->record.error_field = "header";
        err = file == NULL       ? TG_E_NO_TEMPLATE
              : !file->is_usable ? TG_E_TEMPLATE
                                 : tg_csv_row_make(&state->map, &file->columns, text + mark_bytes,
                                                   &state->record, row);
    }
    state->record.length_bytes += mark_bytes;
    state->record.used_bytes += mark_bytes;
    return err;
}

static enum tg_err learn_header(struct csv_state *state, const struct tg_input *input,
                                struct tg_message *message)
{
    struct csv_file learned = {.key = file_key(input)};
    const enum tg_err err = tg_csv_columns_find(&state->map, &state->record, &learned.columns);
    learned.is_usable = err == TG_OK;
    struct csv_file *file = find_file(state, input);
    if (file == NULL) {
        file = &state->files[state->files_next];
        state->files_next = (state->files_next + 1) % TG_CSV_FILES_MAX;
        state->files_count += state->files_count < TG_CSV_FILES_MAX;
        memset(file, 0, sizeof(*file));
    }
    if (file->key != learned.key || file->is_usable != learned.is_usable ||
        memcmp(&file->columns, &learned.columns, sizeof(learned.columns)) != 0) {
        *file = learned;
        message->flags |= TG_MESSAGE_CHANGED_STATE;
    }
    return err;
}

static struct csv_file *find_file(struct csv_state *state, const struct tg_input *input)
{
    const uint64_t key = file_key(input);
    if (state->files_last < state->files_count && state->files[state->files_last].key == key) {
        return &state->files[state->files_last];
    }
    for (uint32_t i = 0; i < state->files_count; i++) {
        if (state->files[i].key == key) {
            state->files_last = i;
            return &state->files[i];
        }
    }
    return NULL;
}

static uint64_t file_key(const struct tg_input *input)
{
    return tg_key_mix(input->file_key ^ UINT64_C(0x9e3779b97f4a7c15),
                      (uint64_t)input->source_id + UINT64_C(0xd6e8feb86659fd93));
}

/* Empty lines are no records. */
static uint32_t skip_blank(const struct position *at, uint32_t *lines)
{
    const uint8_t *bytes = at->input->bytes;
    uint32_t offset = at->offset;
    while (offset < at->input->length_bytes && (bytes[offset] == '\n' || bytes[offset] == '\r')) {
        *lines += bytes[offset] == '\n';
        offset++;
    }
    return offset - at->offset;
}

static void note_fields(const struct csv_state *state, const struct tg_csv_columns *columns,
                        struct tg_decoded *out)
{
    for (uint32_t i = 0; i < state->record.cells_count; i++) {
        const struct tg_csv_cell *cell = &state->record.cells[i];
        struct tg_field field = {
            .bytes = (const uint8_t *)cell->text,
            .row_index = out->rows_count,
            .element = (uint16_t)(i + 1),
            .length_bytes =
                (uint16_t)(cell->text_bytes < UINT16_MAX ? cell->text_bytes : UINT16_MAX),
            .type = TG_FIELD_STRING};
        for (unsigned j = 0; j < TG_CSV_FIELDS_COUNT && field.name == NULL; j++) {
            for (unsigned k = 0; k < TG_CSV_PARTS_MAX; k++) {
                field.name = columns->column[j][k] == i + 1
                                 ? tg_csv_field_name((enum tg_csv_field)j)
                                 : field.name;
            }
        }
        tg_out_field(out, &field);
    }
}

static uint8_t *put(uint8_t *at, uint64_t value, unsigned octets)
{
    for (unsigned i = 0; i < octets; i++) {
        at[i] = (uint8_t)(value >> (8 * (octets - 1 - i)));
    }
    return at + octets;
}
