/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/quote_order.h"

#include <stdlib.h>
#include <string.h>

#define LINES_FIRST 1024u

uint32_t tg_quote_order_add(struct tg_quote_order *order, const struct tg_usage_line *line,
                            uint64_t number)
{
    if (order->count == order->capacity) {
        const uint32_t capacity = order->capacity > 0 ? order->capacity * 2 : LINES_FIRST;
        struct tg_quote_held *more =
            capacity > order->capacity
                ? realloc(order->lines, (size_t)capacity * sizeof *order->lines)
                : NULL;
        if (more == NULL) {
            return UINT32_MAX;
        }
        order->lines = more;
        order->capacity = capacity;
    }
    struct tg_quote_held *held = &order->lines[order->count];
    *held = (struct tg_quote_held){.number = number, .is_row = line != NULL};
    if (line != NULL) {
        held->line = *line;
        held->line.id = line->id != NULL ? strdup(line->id) : NULL;
        held->line.account = line->account != NULL ? strdup(line->account) : NULL;
        if ((line->id != NULL && held->line.id == NULL) ||
            (line->account != NULL && held->line.account == NULL)) {
            order->count++; /* Freed with the others. */
            return UINT32_MAX;
        }
        order->rows_count++;
    }
    return order->count++;
}

static int place_compare(const void *a, const void *b)
{
    const struct tg_quote_place *one = a;
    const struct tg_quote_place *two = b;
    return one->start_ns != two->start_ns ? (one->start_ns < two->start_ns ? -1 : 1)
                                          : (one->at < two->at ? -1 : one->at > two->at);
}

enum tg_err tg_quote_order_sort(struct tg_quote_order *order)
{
    order->rows = calloc((size_t)order->rows_count + 1, sizeof *order->rows);
    if (order->rows == NULL) {
        return TG_E_NO_MEMORY;
    }
    uint32_t rows = 0;
    for (uint32_t i = 0; i < order->count; i++) {
        if (order->lines[i].is_row != 0) {
            order->rows[rows++] =
                (struct tg_quote_place){.start_ns = order->lines[i].line.row.start_ns, .at = i};
        }
    }
    qsort(order->rows, rows, sizeof *order->rows, place_compare);
    return TG_OK;
}

/* What waits for nobody any more. */
static void answers_print(struct tg_quote_order *order, FILE *to)
{
    while (order->printed_count < order->count &&
           order->lines[order->printed_count].is_answered != 0) {
        struct tg_quote_held *held = &order->lines[order->printed_count++];
        if (held->answer != NULL) {
            (void)fwrite(held->answer, 1, held->answer_bytes, to);
            free(held->answer);
            held->answer = NULL;
        }
    }
}

enum tg_err tg_quote_order_answer(struct tg_quote_order *order, uint32_t at, struct tg_json *json,
                                  FILE *to)
{
    struct tg_quote_held *held = &order->lines[at];
    enum tg_err err = TG_OK;
    if (json != NULL) {
        FILE *text = open_memstream(&held->answer, &held->answer_bytes);
        err = text != NULL ? tg_json_print(json, false, text) : TG_E_NO_MEMORY;
        if (text != NULL) {
            (void)fputc('\n', text);
            err = fclose(text) == 0 ? err : TG_E_NO_MEMORY;
        }
        tg_json_free(json);
    }
    held->is_answered = 1;
    answers_print(order, to);
    return err;
}

void tg_quote_order_free(struct tg_quote_order *order)
{
    for (uint32_t i = 0; i < order->count; i++) {
        free((void *)(uintptr_t)order->lines[i].line.id);
        free((void *)(uintptr_t)order->lines[i].line.account);
        free(order->lines[i].answer);
    }
    free(order->lines);
    free(order->rows);
    *order = (struct tg_quote_order){0};
}
