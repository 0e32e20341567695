/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/replay.h"

#include "base/arena.h"
#include "base/clock.h"
#include "ledger/scan.h"

#include <assert.h>
#include <string.h>

#define NOT_WANTED UINT32_MAX

/* Rows that wait to be priced together: all by one snapshot, all of one block. */
struct batch {
    const struct tg_catalog_snapshot *snapshot;
    uint32_t count;
    uint8_t choices[TG_BATCH_ROWS_MAX];
    uint32_t adjustments[TG_BATCH_ROWS_MAX];
    uint64_t epochs[TG_BATCH_ROWS_MAX];
    uint32_t indices[TG_BATCH_ROWS_MAX];
    const struct tg_usage *usage[TG_BATCH_ROWS_MAX]; /* As journaled, in the scan's block. */
    const struct tg_charge *stored[TG_BATCH_ROWS_MAX];
    struct tg_usage rows[TG_BATCH_ROWS_MAX];    /* As the rate stage gets them. */
    struct tg_charge stands[TG_BATCH_ROWS_MAX]; /* Of rows with adjustments only. */
    struct tg_charge priced[TG_BATCH_ROWS_MAX];
    struct tg_rate_trace traces[TG_BATCH_ROWS_MAX];
};

struct replay {
    const struct tg_replay_params *params;
    struct tg_replay_stats *stats;
    struct tg_why *why;
    uint32_t *compact; /* Roster index -> line of the replay; shape [subscribers_count]. */
    uint32_t *members; /* The way back; shape [members_count]. */
    uint32_t members_count;
    struct tg_roster *roster;           /* Wanted members only. */
    struct tg_roster *candidate_roster; /* The same with the candidate's products; may be NULL. */
    struct tg_catalog_snapshot in_force;
    struct tg_catalog_snapshot candidate;
    struct tg_catalog_snapshot versions[TG_CATALOG_IMAGES_MAX]; /* One version each. */
    struct tg_rate *rate;
    struct batch *batch;
    int64_t begin_ns; /* Start of the month before the first wanted instant. */
    int64_t end_ns;   /* End of the month of the last one. */
    uint64_t epoch;   /* Being walked. */
    uint32_t index;   /* Rows of it that were passed. */
};

static int64_t month_before_ns(int64_t time_ns)
{
    struct tg_civil civil;
    tg_clock_to_civil(time_ns > 0 ? time_ns : 0, &civil);
    const bool is_january = civil.month == 1;
    const struct tg_civil begin = {.year = civil.year - (is_january ? 1 : 0),
                                   .month = (uint8_t)(is_january ? 12 : civil.month - 1),
                                   .day = 1};
    return tg_clock_from_civil(&begin);
}

static int64_t month_end_ns(int64_t time_ns)
{
    struct tg_civil civil;
    tg_clock_to_civil(time_ns - 1, &civil);
    const struct tg_civil next = {
        .year = civil.year + civil.month / 12, .month = (uint8_t)(civil.month % 12 + 1), .day = 1};
    return time_ns > INT64_MAX - 32 * TG_NS_PER_DAY ? INT64_MAX : tg_clock_from_civil(&next);
}

/* Does anything count or grant over more than the month before? */
static bool image_reaches_back(const struct tg_image *image)
{
    for (uint32_t i = 0; i < tg_image_count(image, TG_CATALOG_ALLOWANCE); i++) {
        const struct tg_allowance *allowance = tg_image_allowance(image, i);
        if (allowance != NULL &&
            (allowance->period == TG_PERIOD_EVER || allowance->rollover_periods > 0)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < tg_image_prices_count(image); i++) {
        if (tg_image_price_info(image, i)->counter == TG_COUNTER_SHELF + TG_PERIOD_EVER) {
            return true;
        }
    }
    for (uint32_t i = 0; i < tg_image_count(image, TG_CATALOG_SPEND_LIMIT); i++) {
        if (tg_image_spend_limit(image, i)->period == TG_PERIOD_EVER) {
            return true;
        }
    }
    return false;
}

static bool reaches_back(const struct tg_replay_params *params)
{
    bool is_far = params->candidate != NULL &&
                  image_reaches_back(tg_replay_candidate_image(params->candidate));
    for (uint32_t i = 0; i < params->catalog->images_count; i++) {
        is_far = is_far || image_reaches_back(params->catalog->images[i]);
    }
    return is_far;
}

static bool account_is_wanted(const struct replay *replay, uint32_t account)
{
    const struct tg_roster *roster = replay->params->catalog->roster;
    const uint8_t *wanted = replay->params->accounts_wanted;
    return wanted == NULL || (account < roster->accounts_count && wanted[account] != 0);
}

static enum tg_err members_list(struct replay *replay)
{
    const struct tg_roster *roster = replay->params->catalog->roster;
    const size_t bytes = ((size_t)roster->subscribers_count + 1) * sizeof(uint32_t);
    replay->compact = tg_pages_take(bytes);
    replay->members = tg_pages_take(bytes);
    if (replay->compact == NULL || replay->members == NULL) {
        return tg_why_set(replay->why, TG_E_NO_MEMORY, "no memory to replay");
    }
    for (uint32_t s = 0; s < roster->subscribers_count; s++) {
        replay->compact[s] = NOT_WANTED;
        if (account_is_wanted(replay, roster->lines[s].account)) {
            replay->compact[s] = replay->members_count;
            replay->members[replay->members_count++] = s;
        }
    }
    return TG_OK;
}

static enum tg_err roster_make(const struct replay *replay,
                               const struct tg_replay_candidate *candidate,
                               struct tg_roster **roster)
{
    const struct tg_roster *whole = replay->params->catalog->roster;
    const uint32_t count = replay->members_count;
    struct tg_roster_line *lines = tg_pages_take(((size_t)count + 1) * sizeof *lines);
    if (lines == NULL) {
        return tg_why_set(replay->why, TG_E_NO_MEMORY, "no memory to replay");
    }
    for (uint32_t i = 0; i < count; i++) {
        lines[i] = whole->lines[replay->members[i]];
        if (candidate != NULL) {
            lines[i].product = tg_replay_candidate_product(candidate, lines[i].product);
        }
        /* Who is no longer listed was there when the row was priced. */
        lines[i].flags &= (uint16_t)~TG_ROSTER_REMOVED;
    }
    const struct tg_roster_params params = {.size_bytes = sizeof params,
                                            .subscribers_count = count,
                                            .lines = lines,
                                            .accounts = whole->accounts,
                                            .accounts_count = whole->accounts_count};
    const enum tg_err err = tg_roster_build(&params, roster, replay->why);
    tg_pages_free(lines, ((size_t)count + 1) * sizeof *lines);
    return err;
}

static struct tg_catalog_snapshot snapshot_of(const struct tg_image *image,
                                              const struct tg_roster *roster)
{
    struct tg_catalog_snapshot snapshot = {.images_count = 1, .roster = roster};
    snapshot.images[0] = image;
    snapshot.valid_from_ns[0] = INT64_MIN;
    return snapshot;
}

static enum tg_err snapshots_make(struct replay *replay)
{
    const struct tg_catalog_snapshot *catalog = replay->params->catalog;
    enum tg_err err = roster_make(replay, NULL, &replay->roster);
    if (err != TG_OK) {
        return err;
    }
    replay->in_force = *catalog;
    replay->in_force.roster = replay->roster;
    for (uint32_t i = 0; i < catalog->images_count; i++) {
        replay->versions[i] = snapshot_of(catalog->images[i], replay->roster);
    }
    const struct tg_replay_candidate *candidate = replay->params->candidate;
    if (candidate != NULL) {
        err = roster_make(replay, candidate, &replay->candidate_roster);
        replay->candidate =
            snapshot_of(tg_replay_candidate_image(candidate), replay->candidate_roster);
    }
    return err;
}

static void replay_close(struct replay *replay)
{
    const size_t bytes =
        ((size_t)replay->params->catalog->roster->subscribers_count + 1) * sizeof(uint32_t);
    tg_pages_free(replay->compact, bytes);
    tg_pages_free(replay->members, bytes);
    tg_pages_free(replay->batch, sizeof *replay->batch);
    tg_rate_destroy(replay->rate);
    tg_roster_free(replay->roster);
    tg_roster_free(replay->candidate_roster);
}

static enum tg_err replay_open(struct replay *replay)
{
    enum tg_err err = members_list(replay);
    if (err == TG_OK) {
        err = snapshots_make(replay);
    }
    if (err == TG_OK) {
        /* Members are numbered anew, their accounts are not: pools are kept by account. */
        const uint32_t accounts_count = replay->params->catalog->roster->accounts_count;
        const uint32_t lines_count =
            replay->members_count > accounts_count ? replay->members_count : accounts_count;
        const struct tg_rate_params params = {.subscribers_count_max =
                                                  lines_count > 0 ? lines_count : 1};
        err = tg_rate_create(&params, &replay->rate, replay->why);
    }
    if (err == TG_OK) {
        replay->batch = tg_pages_take(sizeof *replay->batch);
        err = replay->batch != NULL
                  ? TG_OK
                  : tg_why_set(replay->why, TG_E_NO_MEMORY, "no memory to replay");
    }
    return err;
}

static const struct tg_catalog_snapshot *snapshot_choose(const struct replay *replay,
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

static enum tg_err row_show(struct replay *replay, uint32_t i)
{
    struct batch *batch = replay->batch;
    const struct tg_image *image = NULL;
    if (batch->snapshot != NULL) {
        image = tg_catalog_image_at(batch->snapshot, batch->usage[i]->start_ns);
    }
    batch->priced[i].subscriber = batch->stored[i]->subscriber;
    const struct tg_replay_row row = {
        .usage = batch->usage[i],
        .stored = batch->stored[i],
        .stands = batch->adjustments[i] > 0 ? &batch->stands[i] : batch->stored[i],
        .priced = &batch->priced[i],
        .trace = replay->params->wants_traces && image != NULL ? &batch->traces[i] : NULL,
        .image = image,
        .epoch = batch->epochs[i],
        .index = batch->indices[i],
        .adjustments_count = batch->adjustments[i],
        .choice = batch->choices[i]};
    return replay->params->visit(replay->params->context, &row);
}

static enum tg_err batch_flush(struct replay *replay)
{
    struct batch *batch = replay->batch;
    if (batch->count == 0) {
        return TG_OK;
    }
    const int64_t began_ns = tg_clock_thread_cpu_ns();
    if (batch->snapshot != NULL) {
        tg_rate_run_traced(replay->rate, batch->snapshot, batch->rows, batch->priced, batch->count,
                           replay->params->wants_traces ? batch->traces : NULL);
    }
    replay->stats->priced_ns += (uint64_t)(tg_clock_thread_cpu_ns() - began_ns);
    replay->stats->rows_priced_count += batch->count;
    enum tg_err err = TG_OK;
    for (uint32_t i = 0; i < batch->count && err == TG_OK; i++) {
        err = row_show(replay, i);
    }
    batch->count = 0;
    return err;
}

static enum tg_err row_price(struct replay *replay, const struct tg_usage *usage,
                             const struct tg_charge *stored, const struct tg_charge *stands,
                             uint32_t adjustments_count, enum tg_replay_choice choice)
{
    struct batch *batch = replay->batch;
    const struct tg_catalog_snapshot *snapshot = snapshot_choose(replay, choice, stands);
    if (batch->count == TG_BATCH_ROWS_MAX || (batch->count > 0 && batch->snapshot != snapshot)) {
        const enum tg_err err = batch_flush(replay);
        if (err != TG_OK) {
            return err;
        }
    }
    const uint32_t i = batch->count++;
    batch->snapshot = snapshot;
    batch->choices[i] = (uint8_t)choice;
    batch->adjustments[i] = adjustments_count;
    batch->epochs[i] = replay->epoch;
    batch->indices[i] = replay->index;
    batch->usage[i] = usage;
    batch->rows[i] = *usage;
    if (choice == TG_REPLAY_CANDIDATE) {
        batch->rows[i].serving_network =
            tg_replay_candidate_network(replay->params->candidate, usage->serving_network);
    }
    batch->stored[i] = stored;
    if (adjustments_count > 0) {
        batch->stands[i] = *stands;
    }
    batch->priced[i] = (struct tg_charge){.subscriber = replay->compact[stored->subscriber],
                                          .price_id = TG_PRICE_NONE,
                                          .node_state = stored->node_state};
    if (snapshot == NULL) {
        batch->priced[i].fate = TG_FATE_SUSPENDED;
        batch->priced[i].reason = TG_E_CATALOG_VERSION;
    }
    return TG_OK;
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

static enum tg_err row_apply(struct replay *replay, const struct tg_usage *usage,
                             const struct tg_charge *stands, uint32_t adjustments_count)
{
    enum tg_err err = batch_flush(replay);
    if (err != TG_OK) {
        return err;
    }
    struct tg_charge charge = *stands;
    charge.subscriber = replay->compact[stands->subscriber];
    if (adjustments_count > 0) {
        units_restore(replay->params->catalog, &charge);
    }
    replay->stats->rows_applied_count++;
    err = tg_rate_apply(replay->rate, &replay->in_force, usage, &charge, 1);
    return err == TG_OK
               ? TG_OK
               : tg_why_set(replay->why, err, "row %llu:%u does not fit the counters before it",
                            (unsigned long long)replay->epoch, replay->index);
}

static enum tg_err row_replay(struct replay *replay, const struct tg_usage *usage,
                              const struct tg_charge *stored)
{
    const struct tg_replay_params *params = replay->params;
    if (stored->fate != TG_FATE_RATED || tg_row_is_adjustment(usage) ||
        usage->start_ns < replay->begin_ns || usage->start_ns >= replay->end_ns ||
        stored->subscriber >= params->catalog->roster->subscribers_count ||
        replay->compact[stored->subscriber] == NOT_WANTED) {
        return TG_OK;
    }
    struct tg_charge corrected;
    uint32_t count = 0;
    if (tg_adjust_count(params->adjustments) > 0) {
        count = tg_adjust_apply(params->adjustments, usage, stored, &corrected);
    }
    const struct tg_charge *stands = count > 0 ? &corrected : stored;
    const struct tg_replay_seen seen = {usage, stored, stands, replay->epoch, replay->index, count};
    const enum tg_replay_choice choice = params->choose(params->context, &seen);
    switch (choice) {
    case TG_REPLAY_SKIP:
        return TG_OK;
    case TG_REPLAY_APPLY:
        return row_apply(replay, usage, stands, count);
    default:
        return row_price(replay, usage, stored, stands, count, choice);
    }
}

static enum tg_err block_replay(void *context, const struct tg_scan_view *view)
{
    struct replay *replay = context;
    if (view->epoch != replay->epoch) {
        replay->epoch = view->epoch;
        replay->index = 0;
    }
    enum tg_err err = TG_OK;
    for (uint32_t i = 0; i < view->rows_count && err == TG_OK; i++) {
        err = row_replay(replay, &view->usage[i], &view->charges[i]);
        replay->index++;
    }
    if (err == TG_OK) {
        err = batch_flush(replay); /* The scan takes its block back. */
    }
    /* Rows that the range left out are numbered all the same. */
    replay->index += view->rows_total_count - view->rows_count;
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
    struct replay *replay = tg_pages_take(sizeof *replay);
    if (replay == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory to replay");
    }
    replay->params = params;
    replay->stats = stats;
    replay->why = why;
    replay->begin_ns = reaches_back(params) ? 0 : month_before_ns(params->from_ns);
    replay->end_ns = month_end_ns(params->to_ns);
    enum tg_err err = replay_open(replay);
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
    tg_scan_close(scan);
    replay_close(replay);
    tg_pages_free(replay, sizeof *replay);
    return err;
}
