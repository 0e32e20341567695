/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/desk.h"

#include "abi/key.h"
#include "catalog/catalog.h"
#include "flow/pipeline_state.h"
#include "flow/rating.h"
#include "ledger/block.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void events_write(const struct tg_credit_event *events, uint32_t count,
                         const struct tg_desk_sink *sink)
{
    struct tg_block *block = sink->block(sink->context);
    for (uint32_t i = 0; i < count && block != NULL;) {
        char key[48];
        (void)snprintf(key, sizeof key, TG_CREDIT_NOTE "%" PRIu32 "/%" PRIu64, events[i].account,
                       events[i].ordinal);
        if (tg_block_note(block, key, &events[i], sizeof events[i])) {
            i++;
        } else {
            block = sink->next(sink->context);
        }
    }
}

void tg_desk_flush(struct tg_credit *credit, const struct tg_desk_sink *sink)
{
    uint32_t count;
    const struct tg_credit_event *events = tg_credit_events(credit, &count);
    if (count > 0) {
        events_write(events, count, sink);
        tg_credit_events_done(credit);
    }
}

/* The usage row of a commit goes the way of all rows, with a source entry so that the audit's `in`
 * counts it. */
static void row_write(struct tg_rating *rating, const struct tg_desk_sink *sink)
{
    const struct tg_batch *batch = rating->credit_batch;
    const struct tg_journal_source source = {
        .source_key = tg_key_name(TG_CREDIT_SOURCE_NAME, strlen(TG_CREDIT_SOURCE_NAME)),
        .in_records = 1,
        .in_units = tg_usage_units(&batch->rows[0]),
        .messages_count = 1,
        .source_id = TG_CREDIT_SOURCE_ID};
    struct tg_block *block = sink->block(sink->context);
    while (block != NULL && tg_block_rows(block, batch->rows, batch->charges, 1) == 0) {
        block = sink->next(sink->context);
    }
    while (block != NULL && !tg_block_source(block, &source)) {
        block = sink->next(sink->context);
    }
}

static void request_serve(struct tg_desk *desk, uint32_t index, struct tg_rating *rating,
                          const struct tg_catalog_snapshot *snapshot,
                          const struct tg_desk_sink *sink)
{
    const struct tg_credit_request *request = &desk->requests[index];
    struct tg_credit_answer *answer = &desk->answers[index];
    struct tg_batch *batch = rating->credit_batch;
    const bool is_named = request->account != TG_ACCOUNT_NONE;
    if (is_named &&
        tg_route_account(request->account, rating->params.ratings_count) != rating->params.index) {
        return;
    }
    if (tg_credit_ask(rating->credit, snapshot, request, desk->now_ns, sink->epoch, answer,
                      &batch->rows[0], &batch->charges[0])) {
        batch->rows_count = 1;
        tg_rating_decide(rating, batch);
        row_write(rating, sink);
        tg_credit_finish(rating->credit, snapshot, request, desk->now_ns, sink->epoch,
                         &batch->rows[0], &batch->charges[0], answer);
    }
    tg_desk_flush(rating->credit, sink);
}

static void list_serve(struct tg_desk *desk, const struct tg_credit_request *request,
                       const struct tg_credit *credit)
{
    /* Workers list at the same time: each takes a range of its own. */
    const uint32_t found = tg_credit_list(credit, request->account, NULL, 0);
    const uint32_t from = __atomic_fetch_add(&desk->views_count, found, __ATOMIC_RELAXED);
    if (from < TG_DESK_VIEWS_MAX) {
        (void)tg_credit_list(credit, request->account, &desk->views[from],
                             TG_DESK_VIEWS_MAX - from);
    }
}

/* Sessions of nodes that are down; a node has many, and others have more, so a round ends before
 * rows wait for long, and the next one goes on. */
static void outages_serve(struct tg_desk *desk, struct tg_credit *credit,
                          const struct tg_catalog_snapshot *snapshot,
                          const struct tg_desk_sink *sink)
{
    uint32_t looks = TG_DESK_LOOKS_MAX;
    uint32_t all_count = 0;
    while (looks > 0 && all_count < TG_DESK_RETURNS_MAX &&
           !tg_credit_return_is_done(credit, desk->search)) {
        all_count += tg_credit_return(credit, snapshot, desk->outages, desk->outages_count,
                                      desk->search, &looks, desk->now_ns, sink->epoch);
        tg_desk_flush(credit, sink);
    }
    if (!tg_credit_return_is_done(credit, desk->search)) {
        __atomic_store_n(&desk->has_more, true, __ATOMIC_RELAXED);
    }
}

void tg_desk_serve(struct tg_desk *desk, struct tg_rating *rating,
                   const struct tg_catalog_snapshot *snapshot, const struct tg_desk_sink *sink)
{
    uint32_t expired;
    do {
        expired = tg_credit_expire(rating->credit, snapshot, desk->now_ns, sink->epoch);
        tg_desk_flush(rating->credit, sink);
    } while (expired == TG_CREDIT_EXPIRE_MAX);
    if (desk->outages_count > 0) {
        outages_serve(desk, rating->credit, snapshot, sink);
    }
    for (uint32_t i = 0; i < desk->requests_count; i++) {
        if (desk->requests[i].action == TG_CREDIT_DO_LIST) {
            list_serve(desk, &desk->requests[i], rating->credit);
        } else {
            request_serve(desk, i, rating, snapshot, sink);
        }
    }
    /* Pairs with the acquire load in tg_pipeline_credit: the answers are written before. */
    (void)__atomic_fetch_sub(&desk->pending, 1, __ATOMIC_RELEASE);
}
