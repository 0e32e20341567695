/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/rerate.h"

#include "abi/key.h"
#include "base/arena.h"

#include <string.h>

#define CHANGES_COUNT_FIRST 4096u

struct job {
    const struct tg_rerate_params *params;
    struct tg_rerate *rerate;
    struct tg_why *why;
    uint8_t *touched;  /* 1: a selected row of the account came by; shape [accounts_count + 1]. */
    uint32_t price_id; /* Of the selector; TG_PRICE_NONE all. */
    uint16_t product;  /* Of the selector; TG_PRODUCT_NONE all. */
};

/* Numbers of decks are those of one version, so the deck is told by its name. */
static bool is_of_deck(const struct tg_catalog_snapshot *catalog, const char *deck_name,
                       const struct tg_usage *usage, const struct tg_charge *stands)
{
    const struct tg_image *image = tg_catalog_image_version(catalog, stands->catalog_version);
    const struct tg_product *product =
        image != NULL ? tg_image_product(image, catalog->roster->lines[stands->subscriber].product)
                      : NULL;
    const struct tg_plan_service *plan_service =
        product != NULL ? tg_image_plan_service(image, product->plan, usage->service) : NULL;
    if (plan_service == NULL || plan_service->zone_by == TG_ZONE_BY_NETWORK ||
        tg_usage_peer_kind(usage) != TG_KEY_E164) {
        return false;
    }
    uint16_t deck = TG_DECK_NONE;
    (void)tg_image_plan_zone(image, plan_service, usage->peer_key, usage->start_ns, &deck);
    return deck != TG_DECK_NONE &&
           strcmp(tg_image_name(image, TG_CATALOG_DECK, deck), deck_name) == 0;
}

static bool is_selected(const struct job *job, const struct tg_usage *usage,
                        const struct tg_charge *stands)
{
    const struct tg_rerate_selector *selector = &job->params->selector;
    const struct tg_catalog_snapshot *catalog = job->params->catalog;
    return usage->start_ns >= selector->from_ns && usage->start_ns < selector->to_ns &&
           (selector->source_id < 0 || usage->source_id == selector->source_id) &&
           (selector->node_id == 0 || usage->node_id == selector->node_id) &&
           (selector->price_name == NULL || stands->price_id == job->price_id) &&
           (selector->product_name == NULL ||
            catalog->roster->lines[stands->subscriber].product == job->product) &&
           (selector->deck_name == NULL || is_of_deck(catalog, selector->deck_name, usage, stands));
}

static enum tg_replay_choice choose(void *context, const struct tg_replay_seen *seen)
{
    struct job *job = context;
    const struct tg_charge *stands = seen->stands;
    const struct tg_catalog_snapshot *catalog = job->params->catalog;
    const uint32_t account = catalog->roster->lines[stands->subscriber].account;
    if (account >= catalog->roster->accounts_count) {
        return TG_REPLAY_APPLY;
    }
    if (is_selected(job, seen->usage, stands)) {
        job->touched[account] = 1;
        return job->params->candidate != NULL ? TG_REPLAY_CANDIDATE : TG_REPLAY_IN_FORCE;
    }
    const bool follows =
        job->touched[account] != 0 && tg_catalog_image_version(catalog, stands->catalog_version);
    return follows ? TG_REPLAY_AS_PRICED : TG_REPLAY_APPLY;
}

static enum tg_err changes_grow(struct job *job)
{
    struct tg_rerate *rerate = job->rerate;
    if (rerate->changes_count >= TG_RERATE_CHANGES_MAX) {
        return tg_why_set(job->why, TG_E_FULL,
                          "more than %u rows change; select fewer accounts or days",
                          TG_RERATE_CHANGES_MAX);
    }
    const uint32_t capacity =
        rerate->changes_capacity > 0 ? rerate->changes_capacity * 2 : CHANGES_COUNT_FIRST;
    struct tg_rerate_change *more = tg_pages_take((size_t)capacity * sizeof *more);
    if (more == NULL) {
        return tg_why_set(job->why, TG_E_NO_MEMORY, "no memory for %u differences", capacity);
    }
    if (rerate->changes != NULL) {
        memcpy(more, rerate->changes, (size_t)rerate->changes_count * sizeof *more);
        tg_pages_free(rerate->changes, (size_t)rerate->changes_capacity * sizeof *more);
    }
    rerate->changes = more;
    rerate->changes_capacity = capacity;
    return TG_OK;
}

static void totals_add(struct tg_rerate *rerate, const struct tg_charge *charge)
{
    if (rerate->currency == 0 && !rerate->has_currencies) {
        rerate->currency = charge->currency;
    }
    if (rerate->currency != charge->currency) {
        rerate->has_currencies = true;
        rerate->currency = 0;
    }
    rerate->difference += charge->amount;
    rerate->raised += charge->amount > 0 ? charge->amount : 0;
}

static enum tg_err visit(void *context, const struct tg_replay_row *row)
{
    struct job *job = context;
    struct tg_rerate *rerate = job->rerate;
    const bool is_chosen = row->choice != TG_REPLAY_AS_PRICED;
    rerate->selected_count += is_chosen;
    rerate->followers_count += !is_chosen;
    if (row->priced->fate != TG_FATE_RATED) {
        rerate->refused_reason =
            rerate->refused_count == 0 ? row->priced->reason : rerate->refused_reason;
        rerate->refused_count++;
        return TG_OK;
    }
    if (row->priced->currency != row->stands->currency) {
        return tg_why_set(job->why, TG_E_INVALID,
                          "a charge in currency %u cannot be corrected by one in %u",
                          row->stands->currency, row->priced->currency);
    }
    if (rerate->changes_count == rerate->changes_capacity) {
        const enum tg_err err = changes_grow(job);
        if (err != TG_OK) {
            return err;
        }
    }
    struct tg_rerate_change *change = &rerate->changes[rerate->changes_count];
    if (tg_adjust_make(row->usage, row->stands, row->priced, row->adjustments_count,
                       TG_ADJUST_RERATE, &change->row, &change->charge)) {
        change->amount_before = row->stands->amount;
        change->epoch = row->epoch;
        change->index = row->index;
        change->is_selected = is_chosen;
        rerate->changes_count++;
        totals_add(rerate, &change->charge);
    }
    return TG_OK;
}

/* The number of a name in any stored version; UINT32_MAX: none has it. */
static uint32_t name_find(const struct tg_catalog_snapshot *catalog, enum tg_catalog_kind kind,
                          const char *name)
{
    uint32_t found = UINT32_MAX;
    for (uint32_t i = 0; i < catalog->images_count && found == UINT32_MAX; i++) {
        found = tg_image_find(catalog->images[i], kind, name);
    }
    return found;
}

/* Numbers of prices and products are the same in all stored versions. */
static enum tg_err names_find(struct job *job)
{
    const struct tg_rerate_selector *selector = &job->params->selector;
    const struct {
        const char *name;
        const char *what;
        enum tg_catalog_kind kind;
    } wanted[] = {{selector->price_name, "price", TG_CATALOG_PRICE},
                  {selector->product_name, "product", TG_CATALOG_PRODUCT},
                  {selector->deck_name, "deck", TG_CATALOG_DECK}};
    uint32_t found[3] = {TG_PRICE_NONE, TG_PRODUCT_NONE, TG_DECK_NONE};
    for (uint32_t i = 0; i < 3; i++) {
        if (wanted[i].name == NULL) {
            continue;
        }
        found[i] = name_find(job->params->catalog, wanted[i].kind, wanted[i].name);
        if (found[i] == UINT32_MAX) {
            return tg_why_set(job->why, TG_E_NOT_FOUND, "no catalog version has a %s '%s'",
                              wanted[i].what, wanted[i].name);
        }
    }
    job->price_id = found[0];
    job->product = (uint16_t)found[1];
    return TG_OK;
}

static enum tg_err job_run(struct job *job)
{
    const struct tg_rerate_params *params = job->params;
    struct tg_replay_candidate *candidate = NULL;
    struct tg_adjust_index *adjustments = NULL;
    enum tg_err err = names_find(job);
    if (err == TG_OK && params->candidate != NULL) {
        err = tg_replay_candidate_open(params->catalog, params->candidate, &candidate, job->why);
    }
    if (err == TG_OK) {
        err = tg_adjust_index_open(params->data_dir, 0, &adjustments, job->why);
    }
    if (err == TG_OK) {
        const struct tg_rerate_selector *selector = &params->selector;
        const struct tg_replay_params replay = {.size_bytes = sizeof replay,
                                                .data_dir = params->data_dir,
                                                .catalog = params->catalog,
                                                .candidate = candidate,
                                                .adjustments = adjustments,
                                                .accounts_wanted = selector->accounts_wanted,
                                                .from_ns =
                                                    selector->from_ns > 0 ? selector->from_ns : 0,
                                                .to_ns = selector->to_ns,
                                                .choose = choose,
                                                .visit = visit,
                                                .context = job,
                                                .progress = params->progress,
                                                .progress_context = params->progress_context};
        err = tg_replay_run(&replay, &job->rerate->replay, job->why);
    }
    tg_adjust_index_close(adjustments);
    tg_replay_candidate_close(candidate);
    return err;
}

enum tg_err tg_rerate_open(const struct tg_rerate_params *params, struct tg_rerate **rerate,
                           struct tg_why *why)
{
    *rerate = NULL;
    const size_t touched_bytes = (size_t)params->catalog->roster->accounts_count + 1;
    struct job job = {.params = params, .why = why};
    job.rerate = tg_pages_take(sizeof *job.rerate);
    job.touched = tg_pages_take(touched_bytes);
    enum tg_err err = TG_OK;
    if (job.rerate == NULL || job.touched == NULL) {
        err = tg_why_set(why, TG_E_NO_MEMORY, "no memory to rerate");
    } else {
        err = job_run(&job);
    }
    tg_pages_free(job.touched, touched_bytes);
    if (err != TG_OK) {
        tg_rerate_close(job.rerate);
        return err;
    }
    *rerate = job.rerate;
    return TG_OK;
}

void tg_rerate_close(struct tg_rerate *rerate)
{
    if (rerate == NULL) {
        return;
    }
    tg_pages_free(rerate->changes, (size_t)rerate->changes_capacity * sizeof rerate->changes[0]);
    tg_pages_free(rerate, sizeof *rerate);
}

enum tg_err tg_rerate_post(const struct tg_rerate *rerate, const char *data_dir, int64_t journal_ns,
                           uint64_t *epoch, struct tg_why *why)
{
    *epoch = 0;
    const size_t count = rerate->changes_count;
    if (count == 0) {
        return TG_OK;
    }
    struct tg_usage *rows = tg_pages_take(count * sizeof *rows);
    struct tg_charge *charges = tg_pages_take(count * sizeof *charges);
    enum tg_err err = TG_E_NO_MEMORY;
    if (rows != NULL && charges != NULL) {
        for (size_t i = 0; i < count; i++) {
            rows[i] = rerate->changes[i].row;
            charges[i] = rerate->changes[i].charge;
        }
        err = tg_adjust_post(data_dir, rows, charges, (uint32_t)count, journal_ns, epoch, why);
    } else {
        err = tg_why_set(why, err, "no memory to post %zu adjustments", count);
    }
    tg_pages_free(rows, count * sizeof *rows);
    tg_pages_free(charges, count * sizeof *charges);
    return err;
}
