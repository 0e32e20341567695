/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/replay_order.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_COUNT_FIRST 1024u

int tg_replay_event_compare(const struct tg_usage *a, const struct tg_usage *b)
{
    if (a->start_ns != b->start_ns) {
        return a->start_ns < b->start_ns ? -1 : 1;
    }
    if (a->source_id != b->source_id) {
        return a->source_id < b->source_id ? -1 : 1;
    }
    return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

enum tg_err tg_replay_keep_add(struct tg_replay_keep *keep, const struct tg_replay_kept *row,
                               struct tg_why *why)
{
    if (keep->count == keep->capacity) {
        if (keep->count >= TG_REPLAY_KEPT_MAX) {
            return tg_why_set(why, TG_E_FULL,
                              "more than %u rows of accounts whose rows are in the order of their "
                              "events; select fewer accounts",
                              keep->count);
        }
        const uint32_t capacity = keep->capacity > 0 ? keep->capacity * 2 : KEPT_COUNT_FIRST;
        struct tg_replay_kept *more = tg_pages_take((size_t)capacity * sizeof *more);
        if (more == NULL) {
            return tg_why_set(why, TG_E_NO_MEMORY, "no memory to keep %u rows", capacity);
        }
        if (keep->rows != NULL) {
            memcpy(more, keep->rows, (size_t)keep->count * sizeof *more);
            tg_pages_free(keep->rows, (size_t)keep->capacity * sizeof *more);
        }
        keep->rows = more;
        keep->capacity = capacity;
    }
    keep->rows[keep->count++] = *row;
    return TG_OK;
}

static int account_compare(const void *a, const void *b)
{
    const struct tg_replay_kept *left = *(const struct tg_replay_kept *const *)a;
    const struct tg_replay_kept *right = *(const struct tg_replay_kept *const *)b;
    if (left->account != right->account) {
        return left->account < right->account ? -1 : 1;
    }
    return left->rank < right->rank ? -1 : left->rank > right->rank;
}

static int event_compare(const void *a, const void *b)
{
    const struct tg_replay_kept *left = *(const struct tg_replay_kept *const *)a;
    const struct tg_replay_kept *right = *(const struct tg_replay_kept *const *)b;
    if (left->class != right->class) {
        return left->class < right->class ? -1 : 1;
    }
    const int order = left->class == 1 ? tg_replay_event_compare(&left->usage, &right->usage) : 0;
    return order != 0 ? order : left->rank < right->rank ? -1 : left->rank > right->rank;
}

void tg_replay_keep_order(struct tg_replay_kept **sorted, uint32_t count,
                          const struct tg_adjust_order *order)
{
    for (uint32_t i = 0; i < count; i++) {
        sorted[i]->rank = i;
        sorted[i]->class =
            tg_replay_event_class(sorted[i]->usage.start_ns, order->from_ns, order->to_ns);
    }
    qsort(sorted, count, sizeof(struct tg_replay_kept *), event_compare);
}

/* One account: each of its orders concerns the rows that were there, as those before it left them;
 * so far they are sorted among themselves only. */
static void account_order(struct tg_replay_kept **sorted, uint32_t count,
                          const struct tg_adjust_index *adjustments)
{
    uint32_t orders_count;
    const struct tg_adjust_order *orders =
        tg_adjust_orders(adjustments, sorted[0]->account, &orders_count);
    for (uint32_t i = 0; i < orders_count; i++) {
        uint32_t before = 0;
        while (before < count && sorted[before]->epoch <= orders[i].epoch) {
            before++;
        }
        tg_replay_keep_order(sorted, before, &orders[i]);
    }
}

enum tg_err tg_replay_keep_sort(struct tg_replay_keep *keep,
                                const struct tg_adjust_index *adjustments, struct tg_why *why)
{
    keep->sorted = tg_pages_take(((size_t)keep->capacity + 1) * sizeof *keep->sorted);
    if (keep->sorted == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory to sort %u rows", keep->count);
    }
    for (uint32_t i = 0; i < keep->count; i++) {
        keep->rows[i].rank = i;
        keep->sorted[i] = &keep->rows[i];
    }
    qsort(keep->sorted, keep->count, sizeof *keep->sorted, account_compare);
    for (uint32_t from = 0; from < keep->count;) {
        uint32_t end = from + 1;
        while (end < keep->count && keep->sorted[end]->account == keep->sorted[from]->account) {
            end++;
        }
        account_order(keep->sorted + from, end - from, adjustments);
        from = end;
    }
    return TG_OK;
}

void tg_replay_keep_free(struct tg_replay_keep *keep)
{
    if (keep->rows != NULL) {
        tg_pages_free(keep->rows, (size_t)keep->capacity * sizeof *keep->rows);
    }
    if (keep->sorted != NULL) {
        tg_pages_free(keep->sorted, ((size_t)keep->capacity + 1) * sizeof *keep->sorted);
    }
    *keep = (struct tg_replay_keep){.rows = NULL};
}
