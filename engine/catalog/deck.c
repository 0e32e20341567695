/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/deck.h"

#include "abi/key.h"
#include "base/arena.h"
#include "base/money.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NODE_ENTRIES 11u

struct builder {
    const struct tg_deck_row *rows;
    struct tg_blob *data; /* direct table, then nodes: half a million rows make 30 MB of them */
    size_t direct_offset;
    size_t nodes_offset;
    struct tg_blob dated;
    uint32_t bases[8]; /* first entry of the region of each length */
    unsigned direct_digits;
};

/* A run of rows that share their first digits, and what holds for them all. */
struct run {
    uint32_t from;
    uint32_t to;
    unsigned depth;
    uint32_t entry; /* inherited from shorter prefixes */
};

/* Digits first, then length: a prefix comes right before what it is a prefix of. */
static int rows_compare(const void *a, const void *b)
{
    const struct tg_deck_row *left = a;
    const struct tg_deck_row *right = b;
    if (left->key != right->key) {
        return left->key < right->key ? -1 : 1;
    }
    if (left->is_exact != right->is_exact) {
        return left->is_exact < right->is_exact ? -1 : 1;
    }
    if (left->valid_from_ns != right->valid_from_ns) {
        return left->valid_from_ns < right->valid_from_ns ? -1 : 1;
    }
    return left->line != right->line ? (left->line < right->line ? -1 : 1) : 0;
}

struct order {
    uint64_t key;
    uint32_t index;
};

/* Least significant byte first; bytes that all keys share are passed over. Half a million rows
 * take 30 ms where qsort takes 200. */
static struct order *orders_sort(struct order *from, struct order *to, uint32_t count)
{
    for (unsigned shift = 0; shift < 64; shift += 8) {
        uint32_t starts[256] = {0};
        for (uint32_t i = 0; i < count; i++) {
            starts[(from[i].key >> shift) & 0xff]++;
        }
        if (starts[(from[0].key >> shift) & 0xff] == count) {
            continue;
        }
        uint32_t sum = 0;
        for (unsigned byte = 0; byte < 256; byte++) {
            const uint32_t here = starts[byte];
            starts[byte] = sum;
            sum += here;
        }
        for (uint32_t i = 0; i < count; i++) {
            to[starts[(from[i].key >> shift) & 0xff]++] = from[i];
        }
        struct order *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

/* Memory of huge pages, as half a million rows are 20 MB: with small ones the faults cost more than
 * the sort. */
static void rows_sort(struct tg_deck_row *rows, uint32_t rows_count)
{
    const size_t rows_bytes = (size_t)rows_count * sizeof *rows;
    const size_t orders_bytes = 2 * (size_t)rows_count * sizeof(struct order);
    uint8_t *room = tg_pages_take(rows_bytes + orders_bytes);
    if (room == NULL) {
        qsort(rows, rows_count, sizeof *rows, rows_compare);
        return;
    }
    struct tg_deck_row *copy = (struct tg_deck_row *)(void *)room;
    struct order *orders = (struct order *)(void *)(room + rows_bytes);
    for (uint32_t i = 0; i < rows_count; i++) {
        orders[i] = (struct order){rows[i].key, i};
    }
    const struct order *sorted = orders_sort(orders, orders + rows_count, rows_count);
    memcpy(copy, rows, rows_bytes);
    for (uint32_t i = 0; i < rows_count; i++) {
        rows[i] = copy[sorted[i].index];
    }
    tg_pages_free(room, rows_bytes + orders_bytes);
    for (uint32_t from = 0, to = 1; from < rows_count; from = to++) {
        while (to < rows_count && rows[to].key == rows[from].key) {
            to++;
        }
        if (to - from > 1) { /* of one prefix by time */
            qsort(rows + from, to - from, sizeof *rows, rows_compare);
        }
    }
}

/* Of sorted rows: a number that is written out is meant before one that a pattern happens to have,
 * whatever the times of both. */
static uint32_t patterns_yield(struct tg_deck_row *rows, uint32_t rows_count)
{
    uint32_t kept = 0;
    for (uint32_t from = 0, to = 1; from < rows_count; from = to++) {
        bool is_written = (rows[from].flags & TG_ROW_PATTERN) == 0;
        while (to < rows_count && rows[to].key == rows[from].key &&
               rows[to].is_exact == rows[from].is_exact) {
            is_written = is_written || (rows[to].flags & TG_ROW_PATTERN) == 0;
            to++;
        }
        for (uint32_t i = from; i < to; i++) {
            if ((rows[i].flags & TG_ROW_PATTERN) != 0 && is_written) {
                continue;
            }
            if (kept < i) {
                rows[kept] = rows[i];
            }
            kept++;
        }
    }
    return kept;
}

uint32_t tg_deck_sort(struct tg_deck_row *rows, uint32_t rows_count)
{
    if (rows_count == 0) {
        return 0;
    }
    rows_sort(rows, rows_count);
    return patterns_yield(rows, rows_count);
}

void tg_deck_check(struct tg_deck_row *rows, uint32_t rows_count, bool is_closing,
                   const struct tg_source *const *sources, struct tg_diag *diag)
{
    for (uint32_t i = 1; i < rows_count; i++) {
        struct tg_deck_row *before = &rows[i - 1];
        const struct tg_deck_row *row = &rows[i];
        if (before->key != row->key || before->is_exact != row->is_exact) {
            continue;
        }
        if (is_closing && before->valid_to_ns == INT64_MAX &&
            before->valid_from_ns < row->valid_from_ns) {
            before->valid_to_ns = row->valid_from_ns;
        }
        if (before->valid_to_ns <= row->valid_from_ns) {
            continue;
        }
        char digits[16];
        (void)tg_digits_unpack(row->key, digits);
        const bool is_later = row->line > before->line;
        const struct tg_mark mark = {sources[is_later ? row->file : before->file],
                                     is_later ? row->line : before->line,
                                     is_later ? row->column : before->column};
        const bool is_dated = before->valid_to_ns != INT64_MAX || row->valid_from_ns != INT64_MIN;
        tg_diag_add(diag, TG_DIAG_ERROR, mark,
                    is_dated ? "end the earlier row with valid_to" : "remove one of them",
                    is_dated ? "%s %s overlaps its row on line %u in time"
                             : "%s %s is already on line %u",
                    row->is_exact != 0 ? "short code" : "prefix", digits[0] != '\0' ? digits : "*",
                    is_later ? before->line : row->line);
    }
}

/* Rows of the run that are exactly its prefix come first; this is how many. */
static uint32_t own_count(const struct builder *builder, const struct run *run)
{
    uint32_t count = 0;
    while (run->from + count < run->to &&
           tg_digits_count(builder->rows[run->from + count].key) == run->depth) {
        count++;
    }
    return count;
}

/* Zone and weight, as an entry has them. */
static uint32_t row_zone(const struct tg_deck_row *row)
{
    const uint32_t weight = 2 * tg_digits_count(row->key) + row->is_exact;
    return row->zone | weight << TG_DECK_WEIGHT_SHIFT;
}

static bool row_is_always(const struct tg_deck_row *row)
{
    return row->valid_from_ns == INT64_MIN && row->valid_to_ns == INT64_MAX;
}

/* What rows say before what holds without them. Dated rows become a chain that ends in the entry
 * they were given; made from the last, so that next is always smaller: no cycles. */
static uint32_t rows_entry(struct builder *builder, uint32_t from, uint32_t to, uint32_t entry)
{
    for (uint32_t i = to; i > from; i--) {
        const struct tg_deck_row *row = &builder->rows[i - 1];
        if (row_is_always(row)) {
            entry = row_zone(row);
            continue;
        }
        const struct tg_deck_dated dated = {row->valid_from_ns, row->valid_to_ns, row_zone(row),
                                            entry};
        const size_t offset = tg_blob_append(&builder->dated, &dated, sizeof dated, 8);
        entry = TG_DECK_IS_DATED | (uint32_t)(offset / sizeof dated);
    }
    return entry;
}

/* What holds for longer numbers of the run, and for the number that ends here: short codes, which
 * come behind the prefix's rows, are before the prefix and have no say in longer numbers. */
struct owned {
    uint32_t longer;
    uint32_t ends;
};

static struct owned own_entries(struct builder *builder, const struct run *run, uint32_t count)
{
    uint32_t prefixes = 0;
    while (prefixes < count && builder->rows[run->from + prefixes].is_exact == 0) {
        prefixes++;
    }
    const uint32_t longer = rows_entry(builder, run->from, run->from + prefixes, run->entry);
    return (struct owned){longer,
                          rows_entry(builder, run->from + prefixes, run->from + count, longer)};
}

/* Split off the rows that go on with a digit; the run's own rows are already behind `from`. */
static struct run run_child(const struct builder *builder, uint32_t *from, uint32_t to,
                            unsigned depth, unsigned digit, uint32_t entry)
{
    const uint32_t start = *from;
    while (*from < to && tg_digits_at(builder->rows[*from].key, depth) == digit) {
        (*from)++;
    }
    return (struct run){start, *from, depth + 1, entry};
}

static uint32_t node_build(struct builder *builder, const struct run *run);

/* Most runs are nothing at all, or one prefix without times that ends here. */
static inline uint32_t child_entry(struct builder *builder, const struct run *child)
{
    if (child->from == child->to) {
        return child->entry;
    }
    const struct tg_deck_row *row = &builder->rows[child->from];
    if (child->to - child->from == 1 && tg_digits_count(row->key) == child->depth &&
        row->is_exact == 0 && row_is_always(row)) {
        return row_zone(row);
    }
    return node_build(builder, child);
}

/* Entry of a run deeper than the direct table: a node while longer prefixes follow. */
static uint32_t node_build(struct builder *builder, const struct run *run)
{
    const uint32_t own = own_count(builder, run);
    const struct owned owned = own_entries(builder, run, own);
    const uint32_t entry = owned.longer;
    if (run->from + own == run->to && owned.ends == entry) {
        return entry;
    }
    const size_t at = tg_blob_extend(builder->data, NODE_ENTRIES * 4, 4);
    const uint32_t node = (uint32_t)((at - builder->nodes_offset) / (NODE_ENTRIES * 4));
    uint32_t children[NODE_ENTRIES];
    uint32_t from = run->from + own;
    for (unsigned digit = 0; digit < 10; digit++) {
        const struct run child = run_child(builder, &from, run->to, run->depth, digit, entry);
        children[digit] = child_entry(builder, &child);
    }
    children[10] = owned.ends;
    if (!builder->data->is_broken) {
        memcpy(builder->data->bytes + at, children, sizeof children);
    }
    return TG_DECK_IS_NODE | node;
}

static void direct_set(struct builder *builder, uint32_t index, uint32_t entry)
{
    if (!builder->data->is_broken) {
        memcpy(builder->data->bytes + builder->direct_offset + (size_t)index * 4, &entry, 4);
    }
}

/* No row goes on here: all longer numbers have what the run was given. */
static void direct_fill(struct builder *builder, const struct run *run, uint32_t value)
{
    uint32_t first = value;
    uint32_t count = 1;
    for (unsigned depth = run->depth; depth <= builder->direct_digits; depth++) {
        for (uint32_t i = 0; i < count; i++) {
            direct_set(builder, builder->bases[depth] + first + i, run->entry);
        }
        first *= 10;
        count *= 10;
    }
}

/* Fill the direct table below a run whose first `depth` digits have the decimal value. */
static void direct_build(struct builder *builder, const struct run *run, uint32_t value)
{
    if (run->from == run->to) {
        direct_fill(builder, run, value);
        return;
    }
    if (run->depth == builder->direct_digits) {
        direct_set(builder, builder->bases[run->depth] + value, child_entry(builder, run));
        return;
    }
    const uint32_t own = own_count(builder, run);
    const struct owned owned = own_entries(builder, run, own);
    const uint32_t entry = owned.longer;
    direct_set(builder, builder->bases[run->depth] + value, owned.ends);
    uint32_t from = run->from + own;
    for (unsigned digit = 0; digit < 10; digit++) {
        const struct run child = run_child(builder, &from, run->to, run->depth, digit, entry);
        direct_build(builder, &child, value * 10 + digit);
    }
}

/* A small deck must not cost 4.4 MB: about as many entries as prefixes, at most six digits. */
static unsigned direct_digits_for(uint32_t rows_count)
{
    return rows_count < 64 ? 3 : rows_count < 1024 ? 4 : rows_count < 8192 ? 5 : 6;
}

void tg_deck_build(const struct tg_deck_row *rows, uint32_t rows_count, struct tg_blob *data,
                   struct tg_deck *deck)
{
    struct builder builder = {
        .rows = rows, .data = data, .direct_digits = direct_digits_for(rows_count)};
    uint32_t direct_count = 0;
    for (unsigned length = 0; length <= builder.direct_digits; length++) {
        builder.bases[length] = direct_count;
        direct_count += (uint32_t)tg_pow10((uint8_t)length);
    }
    builder.direct_offset = tg_blob_extend(data, (size_t)direct_count * 4, 64);
    builder.nodes_offset = tg_blob_extend(data, 0, 64);
    const struct run all = {0, rows_count, 0, TG_ZONE_NONE};
    direct_build(&builder, &all, 0);
    const size_t nodes_bytes = data->size_bytes - builder.nodes_offset;
    *deck = (struct tg_deck){
        .direct_offset = builder.direct_offset,
        .nodes_offset = builder.nodes_offset,
        .dated_offset = tg_blob_append(data, builder.dated.bytes, builder.dated.size_bytes, 64),
        .direct_count = direct_count,
        .nodes_count = (uint32_t)(nodes_bytes / (NODE_ENTRIES * 4)),
        .dated_count = (uint32_t)(builder.dated.size_bytes / sizeof(struct tg_deck_dated)),
        .prefixes_count = rows_count,
        .direct_digits = (uint8_t)builder.direct_digits,
    };
    data->is_broken = data->is_broken || builder.dated.is_broken;
    tg_blob_free(&builder.dated);
}
