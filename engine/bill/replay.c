/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a block go through in chunks: left out or kept, chosen, then stretches of one choice are
 * applied or priced. A stretch without gaps is priced where the scan decoded it. */
#include "bill/replay.h"

#include "base/arena.h"
#include "bill/replay_state.h"
#include "ledger/scan.h"

#include <assert.h>

#define AHEAD_ROWS 16u /* Lines of the way to the members that are asked for ahead. */

static const struct tg_catalog_snapshot *snapshot_choose(const struct tg_replay *replay,
                                                         enum tg_replay_choice choice,
                                                         const struct tg_charge *stands)
{
    switch (choice) {
    case TG_REPLAY_CANDIDATE:
        return &replay->candidate;
    case TG_REPLAY_AS_PRICED:
        for (uint32_t i = 0; i < replay->in_force.images_count; i++) {
            if (replay->versions[i].images[0]->version == stands->catalog_version) {
                return &replay->versions[i];
            }
        }
        return NULL;
    default:
        return &replay->in_force;
    }
}

void tg_replay_batch_row(const struct tg_replay_batch *batch, uint32_t i, struct tg_replay_row *row)
{
    const struct tg_replay_rows *rows = &batch->rows;
    assert(i < rows->count);
    *row = (struct tg_replay_row){
        .usage = rows->usage[i],
        .stored = rows->stored[i],
        .stands = rows->stands[i],
        .priced = &batch->priced[i],
        .epoch = rows->epoch,
        .index = rows->indices[i],
        .adjustments_count = rows->adjustments[i],
        .reason = rows->reasons[i],
        .choice = batch->choice,
    };
    if (batch->snapshot != NULL) {
        row->image = tg_catalog_image_at(batch->snapshot, row->usage->start_ns);
    }
    if (batch->traces != NULL && row->image != NULL) {
        row->trace = &batch->traces[i];
    }
}

static struct tg_replay_rows rows_of(const struct tg_replay *replay, uint32_t from, uint32_t count)
{
    const struct tg_replay_chunk *chunk = replay->chunk;
    return (struct tg_replay_rows){.epoch = replay->epoch,
                                   .indices = &chunk->indices[from],
                                   .usage = &chunk->usage[from],
                                   .stored = &chunk->stored[from],
                                   .stands = &chunk->stands[from],
                                   .adjustments = &chunk->adjustments[from],
                                   .reasons = &chunk->reasons[from],
                                   .count = count};
}

/* Rows for the rate stage: where they lie if nothing lies between them, else side by side. */
static const struct tg_usage *rows_gather(struct tg_replay *replay, enum tg_replay_choice choice,
                                          uint32_t from, uint32_t count)
{
    struct tg_replay_chunk *chunk = replay->chunk;
    const bool moves = choice == TG_REPLAY_CANDIDATE && replay->moves_networks;
    if (!moves && !chunk->is_kept &&
        chunk->usage[from] + count - 1 == chunk->usage[from + count - 1]) {
        return chunk->usage[from];
    }
    for (uint32_t i = 0; i < count; i++) {
        chunk->rows[i] = *chunk->usage[from + i];
        if (moves) {
            chunk->rows[i].serving_network = tg_replay_candidate_network(
                replay->params->candidate, chunk->rows[i].serving_network);
        }
    }
    return chunk->rows;
}

static uint8_t site_of(const struct tg_replay *replay, enum tg_replay_choice choice, uint8_t site)
{
    return choice == TG_REPLAY_CANDIDATE ? tg_replay_candidate_site(replay->params->candidate, site)
                                         : site;
}

/* The version that priced a row prices it otherwise now: who is subscribed to what has changed, or
 * a plug-in. Then no account can be trusted to have kept its shelves. */
static void surprises_count(struct tg_replay *replay, uint32_t from, uint32_t count)
{
    const struct tg_replay_chunk *chunk = replay->chunk;
    const struct tg_roster *roster = replay->roster;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t account = roster->lines[chunk->members[from + i]].account;
        if (account < roster->accounts_count && replay->parted[account] == 0 &&
            !tg_adjust_is_same(chunk->stands[from + i], &chunk->priced[i])) {
            replay->stats->surprises_count++;
        }
    }
}

static enum tg_err rows_price(struct tg_replay *replay, const struct tg_catalog_snapshot *snapshot,
                              uint32_t from, uint32_t count)
{
    struct tg_replay_chunk *chunk = replay->chunk;
    const enum tg_replay_choice choice = chunk->choices[from];
    const bool wants_traces = replay->params->wants_traces;
    for (uint32_t i = 0; i < count; i++) {
        chunk->priced[i] =
            (struct tg_charge){.subscriber = chunk->members[from + i],
                               .price_id = TG_PRICE_NONE,
                               .node_state = chunk->stored[from + i]->node_state,
                               .site = site_of(replay, choice, chunk->stored[from + i]->site)};
    }
    if (snapshot != NULL) {
        tg_rate_run_traced(replay->rate, snapshot, rows_gather(replay, choice, from, count),
                           chunk->priced, count, wants_traces ? chunk->traces : NULL);
    }
    replay->stats->rows_priced_count += count;
    for (uint32_t i = 0; i < count; i++) {
        if (snapshot == NULL) {
            chunk->priced[i].fate = TG_FATE_SUSPENDED;
            chunk->priced[i].reason = TG_E_CATALOG_VERSION;
        }
        chunk->priced[i].subscriber = chunk->stored[from + i]->subscriber;
    }
    if (replay->stands != NULL) {
        surprises_count(replay, from, count);
    }
    const struct tg_replay_batch batch = {.rows = rows_of(replay, from, count),
                                          .priced = chunk->priced,
                                          .traces = wants_traces ? chunk->traces : NULL,
                                          .snapshot = snapshot,
                                          .choice = (uint8_t)choice};
    return replay->params->visit(replay->params->context, &batch);
}

/* Adjustments count in base quantity; whoever draws from shelves asks in the unit of the price. */
static void units_restore(const struct tg_catalog_snapshot *catalog, struct tg_charge *charge)
{
    const struct tg_image *image = tg_catalog_image_version(catalog, charge->catalog_version);
    if (image == NULL || tg_image_price(image, charge->price_id) == NULL) {
        return;
    }
    const uint8_t unit = tg_image_price_info(image, charge->price_id)->unit;
    const uint64_t base = tg_unit_base_count(unit);
    if (charge->billed_units % base == 0 && charge->allowance_units % base == 0) {
        charge->billed_units /= base;
        charge->allowance_units /= base;
        charge->unit = unit;
    }
}

/* Is more left for the account's rows than when they were rated? */
static bool is_out(const struct tg_replay *replay, const struct tg_rate *rate, uint32_t account)
{
    if (account >= replay->roster->accounts_count) {
        return false;
    }
    return replay->outs[account] == 1 || (replay->outs[account] == 2 && rate == replay->rate);
}

/* Had the row's periods begun before the replay does? Then more may be left of them than was. */
static bool is_warming(const struct tg_replay *replay, const struct tg_usage *usage)
{
    return replay->begin_ns > 0 && usage->start_ns < replay->params->from_ns;
}

static enum tg_err row_apply(struct tg_replay *replay, struct tg_rate *rate, uint32_t i)
{
    const struct tg_replay_chunk *chunk = replay->chunk;
    struct tg_charge charge = *chunk->stands[i];
    charge.subscriber = chunk->members[i];
    if (chunk->adjustments[i] > 0) {
        units_restore(replay->params->catalog, &charge);
    }
    const uint32_t account = replay->roster->lines[charge.subscriber].account;
    tg_rate_draws(rate, is_out(replay, rate, account)         ? TG_DRAWS_AT_MOST
                        : is_warming(replay, chunk->usage[i]) ? TG_DRAWS_IF_IT_FITS
                                                              : TG_DRAWS_EXACTLY);
    const enum tg_err err = tg_rate_apply(rate, &replay->in_force, chunk->usage[i], &charge, 1);
    return err == TG_OK
               ? TG_OK
               : tg_why_set(replay->why, err, "row %llu:%u does not fit the counters before it",
                            (unsigned long long)replay->epoch, chunk->indices[i]);
}

static enum tg_err rows_apply(struct tg_replay *replay, struct tg_rate *rate, uint32_t from,
                              uint32_t count)
{
    enum tg_err err = TG_OK;
    for (uint32_t i = from; i < from + count && err == TG_OK; i++) {
        err = row_apply(replay, rate, i);
    }
    return err;
}

/* Can this row leave other shelves than it does as it stands? Not by the version it stands at. */
static bool row_parts(const struct tg_replay *replay, const struct tg_catalog_snapshot *snapshot,
                      enum tg_replay_choice choice, uint32_t i)
{
    const struct tg_replay_chunk *chunk = replay->chunk;
    if (choice == TG_REPLAY_APPLY || (choice == TG_REPLAY_AS_PRICED && snapshot != NULL)) {
        return false;
    }
    const struct tg_image *image = choice != TG_REPLAY_SKIP && snapshot != NULL
                                       ? tg_catalog_image_at(snapshot, chunk->usage[i]->start_ns)
                                       : NULL;
    return image == NULL || image->version != chunk->stands[i]->catalog_version ||
           image != tg_catalog_image_version(replay->params->catalog, image->version);
}

/* Beside what is chosen: the rows of accounts whose shelves have parted, as they stand. Until an
 * account parts its shelves are the same, and one worker has them for both. */
static enum tg_err rows_stand(struct tg_replay *replay, const struct tg_catalog_snapshot *snapshot,
                              enum tg_replay_choice choice, uint32_t from, uint32_t end)
{
    const struct tg_replay_chunk *chunk = replay->chunk;
    const struct tg_roster *roster = replay->roster;
    enum tg_err err = TG_OK;
    for (uint32_t i = from; i < end; i++) {
        const uint32_t account = roster->lines[chunk->members[i]].account;
        if (account < roster->accounts_count &&
            (replay->params->parts_all || row_parts(replay, snapshot, choice, i))) {
            tg_replay_world_part(replay, account);
        }
    }
    for (uint32_t i = from; i < end && err == TG_OK; i++) {
        const uint32_t account = roster->lines[chunk->members[i]].account;
        if (account < roster->accounts_count && replay->parted[account] != 0) {
            err = row_apply(replay, replay->stands, i);
        }
    }
    return err;
}

static void rows_skip(struct tg_replay *replay, uint32_t from, uint32_t end)
{
    for (uint32_t i = from; i < end; i++) {
        uint8_t *out = &replay->outs[replay->roster->lines[replay->chunk->members[i]].account];
        *out = *out == 0 ? 2 : *out;
    }
}

/* Stretches of one choice, and of one version where rows keep theirs. */
static enum tg_err chunk_replay(struct tg_replay *replay)
{
    struct tg_replay_chunk *chunk = replay->chunk;
    enum tg_err err = TG_OK;
    const struct tg_replay_rows all = rows_of(replay, 0, chunk->count);
    replay->params->choose(replay->params->context, &all, chunk->choices);
    for (uint32_t from = 0; from < chunk->count && err == TG_OK;) {
        const enum tg_replay_choice choice = chunk->choices[from];
        const struct tg_catalog_snapshot *snapshot =
            snapshot_choose(replay, choice, chunk->stands[from]);
        uint32_t end = from + 1;
        while (end < chunk->count && chunk->choices[end] == choice &&
               (choice != TG_REPLAY_AS_PRICED ||
                snapshot == snapshot_choose(replay, choice, chunk->stands[end]))) {
            end++;
        }
        if (replay->stands != NULL && !replay->has_stood) {
            err = rows_stand(replay, snapshot, choice, from, end);
        }
        if (err != TG_OK) {
            break;
        }
        if (choice == TG_REPLAY_SKIP) {
            rows_skip(replay, from, end);
        } else if (choice == TG_REPLAY_APPLY) {
            replay->stats->rows_applied_count += end - from;
            err = rows_apply(replay, replay->rate, from, end - from);
        } else {
            err = rows_price(replay, snapshot, from, end - from);
        }
        from = end;
    }
    return err;
}

static inline uint32_t member_of(const struct tg_replay *replay, uint32_t subscriber)
{
    if (subscriber >= replay->params->catalog->roster->subscribers_count) {
        return TG_REPLAY_NOT_WANTED;
    }
    return replay->compact != NULL ? replay->compact[subscriber] : subscriber;
}

/* Where corrections put a row. */
static void row_correct(struct tg_replay *replay, uint32_t i)
{
    struct tg_replay_chunk *chunk = replay->chunk;
    const struct tg_adjust_index *adjustments = replay->params->adjustments;
    chunk->adjustments[i] =
        tg_adjust_apply(adjustments, chunk->usage[i], chunk->stored[i], &chunk->corrected[i]);
    if (chunk->adjustments[i] > 0) {
        chunk->stands[i] = &chunk->corrected[i];
        chunk->reasons[i] =
            tg_adjust_find(adjustments, chunk->usage[i]->record_key, chunk->stored[i]->subscriber)
                ->reason;
    }
}

static void chunk_correct(struct tg_replay *replay)
{
    const bool has_any = tg_adjust_count(replay->params->adjustments) > 0;
    for (uint32_t i = 0; i < replay->chunk->count && has_any; i++) {
        row_correct(replay, i);
    }
}

/* A row that was backed out moves nothing; who asks sees where it stands. */
static enum tg_err out_show(struct tg_replay *replay, uint32_t i)
{
    struct tg_replay_chunk *chunk = replay->chunk;
    row_correct(replay, i);
    const struct tg_replay_batch batch = {
        .rows = rows_of(replay, i, 1), .priced = chunk->stands[i], .choice = TG_REPLAY_AS_PRICED};
    replay->params->choose(replay->params->context, &batch.rows, &chunk->choices[i]);
    const bool is_asked =
        chunk->choices[i] != TG_REPLAY_SKIP && chunk->choices[i] != TG_REPLAY_APPLY;
    return is_asked ? replay->params->visit(replay->params->context, &batch) : TG_OK;
}

/* Takes rows out of the chunk: those that were backed out, and those that are replayed later. */
static enum tg_err chunk_keep(struct tg_replay *replay)
{
    struct tg_replay_chunk *chunk = replay->chunk;
    const uint32_t count = chunk->count;
    chunk->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t account = replay->roster->lines[chunk->members[i]].account;
        const bool has_account = account < replay->roster->accounts_count;
        if (has_account && replay->outs[account] != 0 &&
            tg_adjust_is_out(replay->params->adjustments, chunk->usage[i]->record_key,
                             chunk->stored[i]->subscriber)) {
            const enum tg_err err = replay->params->shows_outs ? out_show(replay, i) : TG_OK;
            if (err != TG_OK) {
                return err;
            }
            continue;
        }
        if (has_account && replay->kept != NULL && replay->kept[account] != 0) {
            const struct tg_replay_kept row = {.usage = *chunk->usage[i],
                                               .stored = *chunk->stored[i],
                                               .epoch = replay->epoch,
                                               .index = chunk->indices[i],
                                               .member = chunk->members[i],
                                               .account = account};
            const enum tg_err err = tg_replay_keep_add(&replay->keep, &row, replay->why);
            if (err != TG_OK) {
                return err;
            }
            continue;
        }
        const uint32_t to = chunk->count++;
        chunk->usage[to] = chunk->usage[i];
        chunk->stored[to] = chunk->stored[i];
        chunk->stands[to] = chunk->stored[i];
        chunk->adjustments[to] = 0;
        chunk->reasons[to] = 0;
        chunk->indices[to] = chunk->indices[i];
        chunk->members[to] = chunk->members[i];
    }
    return TG_OK;
}

/* Keeps what is rated, wanted and of the replay's time. */
static enum tg_err chunk_fill(struct tg_replay *replay, const struct tg_scan_view *view,
                              uint32_t from, uint32_t count)
{
    struct tg_replay_chunk *chunk = replay->chunk;
    uint32_t kept = 0;
    for (uint32_t i = from; i < from + count; i++) {
        const struct tg_usage *usage = &view->usage[i];
        const struct tg_charge *stored = &view->charges[i];
        if (replay->compact != NULL && i + AHEAD_ROWS < view->rows_count) {
            __builtin_prefetch(&replay->compact[view->charges[i + AHEAD_ROWS].subscriber], 0, 3);
        }
        const uint32_t member = member_of(replay, stored->subscriber);
        chunk->usage[kept] = usage;
        chunk->stored[kept] = stored;
        chunk->stands[kept] = stored;
        chunk->indices[kept] = replay->index + i;
        chunk->members[kept] = member;
        chunk->adjustments[kept] = 0;
        chunk->reasons[kept] = 0;
        kept += stored->fate == TG_FATE_RATED && !tg_row_is_adjustment(usage) &&
                usage->start_ns >= replay->begin_ns && usage->start_ns < replay->end_ns &&
                member != TG_REPLAY_NOT_WANTED;
    }
    chunk->count = kept;
    const bool has_outs = tg_adjust_out_count(replay->params->adjustments) > 0;
    const enum tg_err err = has_outs || replay->kept != NULL ? chunk_keep(replay) : TG_OK;
    if (err == TG_OK) {
        chunk_correct(replay);
    }
    return err;
}

/* Rows that were kept, from here on, as far as they are of one epoch. */
static uint32_t chunk_refill(struct tg_replay *replay, struct tg_replay_kept *const *rows,
                             uint32_t count)
{
    struct tg_replay_chunk *chunk = replay->chunk;
    chunk->count = 0;
    replay->epoch = rows[0]->epoch;
    while (chunk->count < count && chunk->count < TG_BATCH_ROWS_MAX &&
           rows[chunk->count]->epoch == replay->epoch) {
        const struct tg_replay_kept *row = rows[chunk->count];
        chunk->usage[chunk->count] = &row->usage;
        chunk->stored[chunk->count] = &row->stored;
        chunk->stands[chunk->count] = &row->stored;
        chunk->indices[chunk->count] = row->index;
        chunk->members[chunk->count] = row->member;
        chunk->reasons[chunk->count] = 0;
        chunk->adjustments[chunk->count++] = 0;
    }
    chunk_correct(replay);
    return chunk->count;
}

/* The rows of one account as they stand, where they are chosen in another order. */
static enum tg_err account_stand(struct tg_replay *replay, struct tg_replay_kept *const *rows,
                                 uint32_t count)
{
    enum tg_err err = TG_OK;
    tg_replay_world_part(replay, rows[0]->account);
    for (uint32_t from = 0; from < count && err == TG_OK;) {
        from += chunk_refill(replay, rows + from, count - from);
        for (uint32_t i = 0; i < replay->chunk->count && err == TG_OK; i++) {
            err = row_apply(replay, replay->stands, i);
        }
    }
    return err;
}

static enum tg_err account_replay(struct tg_replay *replay, struct tg_replay_kept **rows,
                                  uint32_t count)
{
    const struct tg_replay_params *params = replay->params;
    enum tg_err err = TG_OK;
    replay->has_stood = false;
    if (params->reorders != NULL && params->reorders[rows[0]->account] != 0) {
        if (replay->stands != NULL) {
            err = account_stand(replay, rows, count);
            replay->has_stood = true;
        }
        tg_replay_keep_order(rows, count, params->order);
    }
    for (uint32_t from = 0; from < count && err == TG_OK;) {
        from += chunk_refill(replay, rows + from, count - from);
        err = chunk_replay(replay);
    }
    return err;
}

static enum tg_err kept_replay(struct tg_replay *replay)
{
    struct tg_replay_keep *keep = &replay->keep;
    if (replay->kept == NULL || keep->count == 0) {
        return TG_OK;
    }
    enum tg_err err = tg_replay_keep_sort(keep, replay->params->adjustments, replay->why);
    replay->chunk->is_kept = true;
    for (uint32_t from = 0; from < keep->count && err == TG_OK;) {
        uint32_t end = from + 1;
        while (end < keep->count && keep->sorted[end]->account == keep->sorted[from]->account) {
            end++;
        }
        err = account_replay(replay, keep->sorted + from, end - from);
        from = end;
    }
    return err;
}

static enum tg_err block_replay(void *context, const struct tg_scan_view *view)
{
    struct tg_replay *replay = context;
    if (view->epoch != replay->epoch) {
        replay->epoch = view->epoch;
        replay->index = 0;
    }
    enum tg_err err = TG_OK;
    for (uint32_t from = 0; from < view->rows_count && err == TG_OK; from += TG_BATCH_ROWS_MAX) {
        const uint32_t rest = view->rows_count - from;
        err = chunk_fill(replay, view, from, rest < TG_BATCH_ROWS_MAX ? rest : TG_BATCH_ROWS_MAX);
        err = err == TG_OK && replay->chunk->count > 0 ? chunk_replay(replay) : err;
    }
    /* Rows that the range left out are numbered all the same. */
    replay->index += view->rows_total_count;
    replay->stats->rows_scanned_count += view->rows_count;
    if (err == TG_OK && replay->params->progress != NULL) {
        replay->params->progress(replay->params->progress_context,
                                 replay->stats->rows_scanned_count);
    }
    return err;
}

enum tg_err tg_replay_run(const struct tg_replay_params *params, struct tg_replay_stats *stats,
                          struct tg_why *why)
{
    assert(params->choose != NULL && params->visit != NULL && params->adjustments != NULL);
    *stats = (struct tg_replay_stats){.rows_scanned_count = 0};
    struct tg_replay *replay = tg_pages_take(sizeof *replay);
    if (replay == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory to replay");
    }
    replay->params = params;
    replay->stats = stats;
    replay->why = why;
    enum tg_err err = tg_replay_world_open(replay);
    const struct tg_scan_params scan_params = {.size_bytes = sizeof scan_params,
                                               .dir = params->data_dir,
                                               .epoch_max = params->epoch_max,
                                               .event_min_ns = replay->begin_ns,
                                               .event_max_ns = replay->end_ns,
                                               .fates = 1u << TG_FATE_RATED,
                                               .wants_structs = true};
    struct tg_scan *scan = NULL;
    if (err == TG_OK) {
        err = tg_scan_open(&scan_params, &scan, why);
    }
    if (err == TG_OK) {
        err = tg_scan_fold(scan, block_replay, replay, why);
    }
    if (err == TG_OK) {
        err = kept_replay(replay);
    }
    if (err == TG_OK) {
        err = tg_replay_world_shelves(replay);
    }
    tg_scan_close(scan);
    tg_replay_world_close(replay);
    tg_pages_free(replay, sizeof *replay);
    return err;
}
