/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief quote: lines as they were read, priced in the order of their events, answered in the
 *         order of the lines.
 *
 *  Source: rating-semantics 4.5 (the order of rating is total: event start, then the record's own).
 *  Threads: the verb's. Allocates: 170 octets a line; answers that wait for one before them.
 *  Cost: a sort.
 */
#ifndef TG_CLI_QUOTE_ORDER_H
#define TG_CLI_QUOTE_ORDER_H

#include "cli/usage_json.h"
#include "doc/json.h"

#include <stdint.h>
#include <stdio.h>

/** @brief A line that was read. */
struct tg_quote_held {
    struct tg_usage_line line; /**< Its id and account are owned here. */
    uint64_t number;           /**< Of the line, from 1. */
    char *answer;              /**< Text that waits to be printed; NULL none. */
    size_t answer_bytes;       /**< Of it. */
    int16_t said;              /**< enum tg_err: what the row is for its id. */
    uint8_t is_row;            /**< To be priced; else it was refused when it was read. */
    uint8_t is_answered;       /**< Nothing more comes for it. */
};

/** @brief A row among the lines. */
struct tg_quote_place {
    int64_t start_ns;  /**< Of its event. */
    uint32_t at;       /**< Index of its line. */
    uint32_t reserved; /**< 0. */
};

/** @brief Lines of a run; zeroed memory is an empty one. */
struct tg_quote_order {
    struct tg_quote_held *lines; /**< As read; shape [count]. */
    struct tg_quote_place *rows; /**< Rows among them by event; shape [rows_count]; sorted. */
    uint32_t count;              /**< Lines. */
    uint32_t capacity;           /**< Room for lines. */
    uint32_t rows_count;         /**< Rows. */
    uint32_t printed_count;      /**< Lines whose answers are out. */
};

/**
 * @brief Hold a line.
 * @param[in,out] order   Lines.
 * @param[in]     line    A row; NULL: it was refused. Its id is copied.
 * @param[in]     number  Of the line.
 * @return The line's place, or UINT32_MAX without memory.
 */
uint32_t tg_quote_order_add(struct tg_quote_order *order, const struct tg_usage_line *line,
                            uint64_t number);

/** @brief Put the rows in order: event start, then line. @param order All lines were added.
 *  @return TG_OK or TG_E_NO_MEMORY. */
enum tg_err tg_quote_order_sort(struct tg_quote_order *order);

/**
 * @brief Answer a line: printed now, or when all lines before it are answered.
 * @param[in,out] order  Lines.
 * @param[in]     at     Place of the line.
 * @param[in]     json   Freed here; NULL: nothing is to be said.
 * @param[in,out] to     Where to.
 * @return TG_OK or TG_E_NO_MEMORY.
 */
enum tg_err tg_quote_order_answer(struct tg_quote_order *order, uint32_t at, struct tg_json *json,
                                  FILE *to);

/** @brief Free. @param order Any. */
void tg_quote_order_free(struct tg_quote_order *order);

#endif
