/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/rerate.h"

#include "base/arena.h"
#include "bill/draws.h"
#include "bill/rerate_order.h"
#include "bill/rerate_parts.h"
#include "bill/sessions.h"

#include <stdlib.h>
#include <string.h>

#define LIST_COUNT_FIRST 1024u
/* A row that is refused once others are known to be is rare; rows that go on and on are a mistake.
 */
#define PASSES_MAX 16u

/* One more at the end. */
enum tg_err tg_rerate_list_add(struct tg_rerate_list *list, const void *item, size_t item_bytes,
                               const char *what, struct tg_why *why)
{
    if (list->count == list->capacity) {
        if (list->count >= TG_RERATE_CHANGES_MAX) {
            return tg_why_set(why, TG_E_FULL, "more than %u %s; select fewer accounts or days",
                              list->count, what);
        }
        const uint32_t capacity = list->capacity > 0 ? list->capacity * 2 : LIST_COUNT_FIRST;
        void *more = tg_pages_take(capacity * item_bytes);
        if (more == NULL) {
            return tg_why_set(why, TG_E_NO_MEMORY, "no memory for %u %s", capacity, what);
        }
        if (list->items != NULL) {
            memcpy(more, list->items, list->count * item_bytes);
            tg_pages_free(list->items, list->capacity * item_bytes);
        }
        list->items = more;
        list->capacity = capacity;
    }
    memcpy((uint8_t *)list->items + list->count++ * item_bytes, item, item_bytes);
    return TG_OK;
}

static void list_free(struct tg_rerate_list *list, size_t item_bytes)
{
    tg_pages_free(list->items, list->capacity * item_bytes);
    *list = (struct tg_rerate_list){0};
}

int tg_rerate_place_compare(const void *a, const void *b)
{
    const struct tg_rerate_place *left = a;
    const struct tg_rerate_place *right = b;
    if (left->epoch != right->epoch) {
        return left->epoch < right->epoch ? -1 : 1;
    }
    return left->index < right->index ? -1 : left->index > right->index;
}

static enum tg_err row_refused(struct tg_rerate_part *part, const struct tg_replay_batch *batch,
                               uint32_t i)
{
    const struct tg_rerate_place place = {batch->rows.epoch, batch->rows.indices[i],
                                          batch->priced[i].reason};
    return tg_rerate_list_add(&part->refused, &place, sizeof place, "rows are refused", part->why);
}

/* Would the row draw from other shelves than where it stands? */
static bool row_moves(const struct tg_rerate_job *job, const struct tg_replay_batch *batch,
                      uint32_t i)
{
    if (!job->has_shelves) {
        return false;
    }
    const struct tg_catalog_snapshot *catalog = job->params->catalog;
    struct tg_replay_row row;
    tg_replay_batch_row(batch, i, &row);
    const uint16_t product = tg_rerate_product_of(catalog, row.usage, row.stored->subscriber);
    const struct tg_draws_side stands = {
        .image = tg_catalog_image_version(catalog, row.stands->catalog_version),
        .charge = row.stands,
        .product = product};
    const struct tg_draws_side priced = {
        .image = row.image,
        .charge = row.priced,
        .product = batch->choice == TG_REPLAY_CANDIDATE
                       ? tg_replay_candidate_product(job->candidate, product)
                       : product};
    return !tg_draws_alike(row.usage, &stands, &priced);
}

static enum tg_err row_visit(struct tg_rerate_part *part, const struct tg_replay_batch *batch,
                             uint32_t i)
{
    const struct tg_usage *usage = batch->rows.usage[i];
    const struct tg_charge *stands = batch->rows.stands[i];
    const struct tg_charge *priced = &batch->priced[i];
    if (priced->fate != TG_FATE_RATED) {
        return row_refused(part, batch, i);
    }
    if (priced->currency != stands->currency) {
        return tg_why_set(part->why, TG_E_INVALID,
                          "a charge in currency %u cannot be corrected by one in %u",
                          stands->currency, priced->currency);
    }
    const uint8_t reason = part->job->late != NULL ? TG_ADJUST_ORDER : TG_ADJUST_RERATE;
    struct tg_rerate_change change = {.is_selected = batch->choice != TG_REPLAY_AS_PRICED};
    if (!tg_adjust_make(usage, stands, priced, batch->rows.adjustments[i], reason, false,
                        &change.row, &change.charge)) {
        change.is_silent = row_moves(part->job, batch, i);
        if (!change.is_silent) {
            return TG_OK;
        }
        (void)tg_adjust_make(usage, stands, priced, batch->rows.adjustments[i], reason, true,
                             &change.row, &change.charge);
    }
    change.amount_before = stands->amount;
    change.epoch = batch->rows.epoch;
    change.index = batch->rows.indices[i];
    return tg_rerate_list_add(&part->changes, &change, sizeof change, "rows change", part->why);
}

static enum tg_err visit(void *context, const struct tg_replay_batch *batch)
{
    struct tg_rerate_part *part = context;
    enum tg_err err = TG_OK;
    if (batch->choice == TG_REPLAY_AS_PRICED) {
        part->followers_count += batch->rows.count;
    } else {
        part->selected_count += batch->rows.count;
    }
    const bool has_shelves = part->job->has_shelves;
    for (uint32_t i = 0; i < batch->rows.count && err == TG_OK; i++) {
        if (has_shelves || !tg_adjust_is_same(batch->rows.stands[i], &batch->priced[i])) {
            err = row_visit(part, batch, i);
        }
    }
    return err;
}

static enum tg_err shelf_add(void *context, bool is_pool, uint32_t index,
                             const struct tg_shelf *shelf)
{
    struct tg_rerate_part *part = context;
    const struct tg_adjust_shelf item = {.shelf = *shelf, .index = index, .is_pool = is_pool};
    return tg_rerate_list_add(&part->shelves, &item, sizeof item, "shelves change", part->why);
}

static enum tg_err part_pass(struct tg_rerate_part *part, struct tg_replay_params *replay)
{
    replay->parts_all = replay->parts_all || part->replay.surprises_count > 0;
    part->changes.count = 0;
    part->shelves.count = 0;
    part->selected_count = part->refused.count;
    part->followers_count = 0;
    part->refused_before = part->refused.count;
    if (part->refused.count > 1) {
        qsort(part->refused.items, part->refused.count, sizeof(struct tg_rerate_place),
              tg_rerate_place_compare);
    }
    const enum tg_err err = tg_replay_run(replay, &part->replay, part->why);
    return err == TG_OK ? part->err : err;
}

static enum tg_err part_run(void *context, uint32_t shard, const struct tg_bill_range *range,
                            struct tg_why *why)
{
    struct tg_rerate_job *job = context;
    struct tg_rerate_part *part = &job->parts[shard];
    const struct tg_rerate_params *params = job->params;
    const struct tg_rerate_selector *selector = &params->selector;
    part->job = job;
    part->why = why;
    struct tg_replay_params replay = {.size_bytes = sizeof replay,
                                      .data_dir = params->data_dir,
                                      .catalog = params->catalog,
                                      .candidate = job->candidate,
                                      .adjustments = job->adjustments,
                                      .accounts_wanted = selector->accounts_wanted,
                                      .account_from = range->account_from,
                                      .account_to = range->account_to,
                                      .from_ns = selector->from_ns > 0 ? selector->from_ns : 0,
                                      .to_ns = selector->to_ns,
                                      .epoch_max = params->epoch_max,
                                      .reorders = job->late,
                                      .order = job->late != NULL ? &job->order : NULL,
                                      .choose = tg_rerate_choose,
                                      .visit = visit,
                                      .shelf = shelf_add,
                                      .context = part,
                                      .progress = shard == 0 ? params->progress : NULL,
                                      .progress_context = params->progress_context};
    enum tg_err err;
    uint32_t passes_count = 0;
    do {
        err = part_pass(part, &replay);
        passes_count++;
        if (err == TG_OK && part->refused.count > part->refused_before &&
            passes_count == PASSES_MAX) {
            err = tg_why_set(why, TG_E_FULL,
                             "%u rows are refused, more each time the others are priced without "
                             "them; select fewer accounts or days",
                             part->refused.count);
        }
    } while (err == TG_OK && (part->refused.count > part->refused_before ||
                              (part->replay.surprises_count > 0 && !replay.parts_all)));
    return err;
}

static enum tg_err late_find(struct tg_rerate_job *job, const struct tg_adjust_index *adjustments,
                             struct tg_why *why)
{
    const struct tg_rerate_selector *selector = &job->params->selector;
    job->order = (struct tg_adjust_order){.from_ns = selector->from_ns, .to_ns = selector->to_ns};
    job->late = tg_pages_take((size_t)job->params->catalog->roster->accounts_count + 1);
    return job->late != NULL ? tg_rerate_late_find(job->params, adjustments, job->late, why)
                             : tg_why_set(why, TG_E_NO_MEMORY, "no memory to rerate");
}

static enum tg_err job_run(struct tg_rerate_job *job, struct tg_rerate *rerate, struct tg_why *why)
{
    const struct tg_rerate_params *params = job->params;
    struct tg_replay_candidate *candidate = NULL;
    struct tg_adjust_index *adjustments = NULL;
    struct tg_bill_sessions *sessions = NULL;
    struct tg_rerate_part parts[TG_BILL_SHARDS_MAX] = {0};
    const uint32_t threads_count = params->threads_count > 0 ? params->threads_count : 1;
    const uint32_t parts_count =
        threads_count < TG_BILL_SHARDS_MAX ? threads_count : TG_BILL_SHARDS_MAX;
    enum tg_err err = tg_rerate_select(job, why);
    if (err == TG_OK && params->candidate != NULL) {
        err = tg_replay_candidate_open(params->catalog, params->candidate, &candidate, why);
    }
    if (err == TG_OK) {
        err = tg_adjust_index_open(params->data_dir, params->epoch_max, &adjustments, why);
    }
    if (err == TG_OK && params->selector.of_sessions) {
        err = tg_bill_sessions_find(params->data_dir, params->epoch_max, params->catalog,
                                    adjustments, &sessions, why);
        job->sessions = sessions;
    }
    if (err == TG_OK && params->by_event) {
        err = late_find(job, adjustments, why);
    }
    if (err == TG_OK) {
        job->candidate = candidate;
        job->adjustments = adjustments;
        job->parts = parts;
        err = tg_bill_shards_run(parts_count, params->catalog->roster->accounts_count, part_run,
                                 job, why);
    }
    if (err == TG_OK) {
        err = tg_rerate_join(job, parts_count, rerate, why);
    }
    for (uint32_t p = 0; p < parts_count; p++) {
        list_free(&parts[p].changes, sizeof(struct tg_rerate_change));
        list_free(&parts[p].shelves, sizeof(struct tg_adjust_shelf));
        list_free(&parts[p].refused, sizeof(struct tg_rerate_place));
    }
    tg_bill_sessions_close(sessions);
    tg_adjust_index_close(adjustments);
    tg_replay_candidate_close(candidate);
    return err;
}

enum tg_err tg_rerate_open(const struct tg_rerate_params *params, struct tg_rerate **rerate,
                           struct tg_why *why)
{
    *rerate = NULL;
    const size_t touched_bytes = (size_t)params->catalog->roster->accounts_count + 1;
    struct tg_rerate_job job = {.params = params};
    struct tg_rerate *made = tg_pages_take(sizeof *made);
    job.touched = tg_pages_take(touched_bytes);
    enum tg_err err = TG_OK;
    if (made == NULL || job.touched == NULL) {
        err = tg_why_set(why, TG_E_NO_MEMORY, "no memory to rerate");
    } else {
        err = job_run(&job, made, why);
    }
    tg_pages_free(job.touched, touched_bytes);
    tg_pages_free(job.late, touched_bytes);
    if (err != TG_OK) {
        tg_rerate_close(made);
        return err;
    }
    *rerate = made;
    return TG_OK;
}

void tg_rerate_close(struct tg_rerate *rerate)
{
    if (rerate == NULL) {
        return;
    }
    tg_pages_free(rerate->changes, (size_t)rerate->changes_capacity * sizeof rerate->changes[0]);
    tg_pages_free(rerate->shelves, (size_t)rerate->shelves_capacity * sizeof rerate->shelves[0]);
    tg_pages_free(rerate->orders, (size_t)rerate->orders_capacity * sizeof rerate->orders[0]);
    tg_pages_free(rerate, sizeof *rerate);
}

enum tg_err tg_rerate_post(const struct tg_rerate *rerate, const char *data_dir, int64_t journal_ns,
                           uint64_t *epoch, struct tg_why *why)
{
    *epoch = 0;
    const size_t count = rerate->changes_count;
    struct tg_usage *rows = tg_pages_take((count + 1) * sizeof *rows);
    struct tg_charge *charges = tg_pages_take((count + 1) * sizeof *charges);
    enum tg_err err = TG_E_NO_MEMORY;
    if (rows != NULL && charges != NULL) {
        for (size_t i = 0; i < count; i++) {
            rows[i] = rerate->changes[i].row;
            charges[i] = rerate->changes[i].charge;
        }
        const struct tg_adjust_posting posting = {.rows = rows,
                                                  .charges = charges,
                                                  .shelves = rerate->shelves,
                                                  .count = (uint32_t)count,
                                                  .shelves_count = rerate->shelves_count,
                                                  .orders = rerate->orders,
                                                  .orders_count = rerate->orders_count,
                                                  .journal_ns = journal_ns};
        err = tg_adjust_post(data_dir, &posting, epoch, why);
    } else {
        err = tg_why_set(why, err, "no memory to post %zu adjustments", count);
    }
    tg_pages_free(rows, (count + 1) * sizeof *rows);
    tg_pages_free(charges, (count + 1) * sizeof *charges);
    return err;
}
