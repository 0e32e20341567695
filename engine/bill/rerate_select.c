/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows are priced again: those that are selected, and those that follow from one. */
#include "bill/rerate_parts.h"

#include "abi/key.h"
#include "bill/sessions.h"

#include <stdlib.h>
#include <string.h>

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

static bool any_has_shelves(const struct tg_rerate_params *params)
{
    bool has = params->candidate != NULL && tg_replay_image_has_shelves(params->candidate);
    for (uint32_t i = 0; i < params->catalog->images_count && !has; i++) {
        has = tg_replay_image_has_shelves(params->catalog->images[i]);
    }
    return has;
}

/* Numbers of prices and products are the same in all stored versions. */
enum tg_err tg_rerate_select(struct tg_rerate_job *job, struct tg_why *why)
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
            return tg_why_set(why, TG_E_NOT_FOUND, "no catalog version has a %s '%s'",
                              wanted[i].what, wanted[i].name);
        }
    }
    job->price_id = found[0];
    job->product = (uint16_t)found[1];
    job->has_shelves = any_has_shelves(job->params);
    job->selects_all =
        selector->from_ns <= 0 && selector->to_ns == INT64_MAX && selector->source_id < 0 &&
        selector->node_id == 0 && selector->price_name == NULL && selector->deck_name == NULL &&
        selector->product_name == NULL && !selector->of_sessions && !job->params->backs_out;
    return TG_OK;
}

/* What the row is sold by. */
uint16_t tg_rerate_product_of(const struct tg_catalog_snapshot *catalog,
                              const struct tg_usage *usage, uint32_t subscriber)
{
    const struct tg_roster *roster = catalog->roster;
    return roster->lines[tg_roster_index_at(roster, subscriber, usage->start_ns)].product;
}

/* Numbers of decks are those of one version, so the deck is told by its name. */
static bool is_of_deck(const struct tg_catalog_snapshot *catalog, const char *deck_name,
                       const struct tg_usage *usage, const struct tg_charge *stands)
{
    const struct tg_image *image = tg_catalog_image_version(catalog, stands->catalog_version);
    const struct tg_product *product =
        image != NULL
            ? tg_image_product(image, tg_rerate_product_of(catalog, usage, stands->subscriber))
            : NULL;
    const struct tg_plan_service *plan_service =
        product != NULL ? tg_image_plan_service(image, product->plan, usage->service) : NULL;
    if (plan_service == NULL || !tg_image_asks_deck(plan_service, usage)) {
        return false;
    }
    uint16_t deck = TG_DECK_NONE;
    (void)tg_image_plan_zone(image, plan_service, tg_image_peer_number(image, plan_service, usage),
                             usage->start_ns, &deck);
    return deck != TG_DECK_NONE &&
           strcmp(tg_image_name(image, TG_CATALOG_DECK, deck), deck_name) == 0;
}

static bool is_selected(const struct tg_rerate_job *job, const struct tg_usage *usage,
                        const struct tg_charge *stands)
{
    const struct tg_rerate_selector *selector = &job->params->selector;
    const struct tg_catalog_snapshot *catalog = job->params->catalog;
    return usage->start_ns >= selector->from_ns && usage->start_ns < selector->to_ns &&
           (selector->source_id < 0 || usage->source_id == selector->source_id) &&
           (selector->node_id == 0 || usage->node_id == selector->node_id) &&
           (job->sessions == NULL || tg_bill_sessions_has(job->sessions, usage)) &&
           (selector->price_name == NULL || stands->price_id == job->price_id) &&
           (selector->product_name == NULL ||
            tg_rerate_product_of(catalog, usage, stands->subscriber) == job->product) &&
           (selector->deck_name == NULL || is_of_deck(catalog, selector->deck_name, usage, stands));
}

/* Refused in a pass before: it stands. */
static bool is_known_refused(const struct tg_rerate_part *part, uint64_t epoch, uint32_t index)
{
    const struct tg_rerate_place place = {.epoch = epoch, .index = index};
    return part->refused_before > 0 && bsearch(&place, part->refused.items, part->refused_before,
                                               sizeof place, tg_rerate_place_compare) != NULL;
}

/* Taken back whole: nothing is priced, and there is no event. */
static enum tg_replay_choice row_back_out(struct tg_rerate_part *part,
                                          const struct tg_replay_rows *rows, uint32_t i)
{
    const struct tg_charge *stands = rows->stands[i];
    struct tg_charge nothing = *stands;
    struct tg_rerate_change change = {.is_selected = true,
                                      .amount_before = stands->amount,
                                      .epoch = rows->epoch,
                                      .index = rows->indices[i]};
    nothing.amount = 0;
    nothing.remainder = 0;
    nothing.billed_units = 0;
    nothing.allowance_units = 0;
    nothing.subscriber = rows->stored[i]->subscriber;
    (void)tg_adjust_make(rows->usage[i], stands, &nothing, rows->adjustments[i], TG_ADJUST_BACKOUT,
                         true, &change.row, &change.charge);
    const enum tg_err err =
        tg_rerate_list_add(&part->changes, &change, sizeof change, "rows change", part->why);
    part->err = part->err == TG_OK ? err : part->err;
    part->selected_count++;
    return TG_REPLAY_SKIP;
}

static enum tg_replay_choice row_choose(struct tg_rerate_part *part,
                                        const struct tg_replay_rows *rows, uint32_t i)
{
    struct tg_rerate_job *job = part->job;
    const struct tg_charge *stands = rows->stands[i];
    const struct tg_catalog_snapshot *catalog = job->params->catalog;
    const uint32_t account = catalog->roster->lines[stands->subscriber].account;
    if (account >= catalog->roster->accounts_count) {
        return TG_REPLAY_APPLY;
    }
    if (is_selected(job, rows->usage[i], stands)) {
        job->touched[account] = 1;
        if (job->params->backs_out) {
            return row_back_out(part, rows, i);
        }
        return job->params->candidate != NULL ? TG_REPLAY_CANDIDATE : TG_REPLAY_IN_FORCE;
    }
    const bool is_late = job->late != NULL && job->late[account] != 0;
    const bool follows = !job->params->backs_out && (is_late || job->touched[account] != 0) &&
                         tg_catalog_image_version(catalog, stands->catalog_version);
    return follows ? TG_REPLAY_AS_PRICED : TG_REPLAY_APPLY;
}

void tg_rerate_choose(void *context, const struct tg_replay_rows *rows, uint8_t *choices)
{
    struct tg_rerate_part *part = context;
    const struct tg_rerate_job *job = part->job;
    if (job->selects_all) {
        memset(choices, job->params->candidate != NULL ? TG_REPLAY_CANDIDATE : TG_REPLAY_IN_FORCE,
               rows->count);
    } else {
        const struct tg_roster_line *lines = job->params->catalog->roster->lines;
        for (uint32_t i = 0; i < rows->count; i++) {
            __builtin_prefetch(&lines[rows->stands[i]->subscriber], 0, 3);
        }
        for (uint32_t i = 0; i < rows->count; i++) {
            __builtin_prefetch(&job->touched[lines[rows->stands[i]->subscriber].account], 1, 3);
        }
        for (uint32_t i = 0; i < rows->count; i++) {
            choices[i] = (uint8_t)row_choose(part, rows, i);
        }
    }
    for (uint32_t i = 0; part->refused_before > 0 && i < rows->count; i++) {
        if (is_known_refused(part, rows->epoch, rows->indices[i])) {
            choices[i] = TG_REPLAY_APPLY;
        }
    }
}
