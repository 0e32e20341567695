/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/rerate.h"

#include "abi/key.h"
#include "base/arena.h"
#include "bill/draws.h"
#include "bill/rerate_order.h"
#include "bill/sessions.h"

#include <stdlib.h>
#include <string.h>

#define LIST_COUNT_FIRST 1024u
/* A row that is refused once others are known to be is rare; rows that go on and on are a mistake.
 */
#define PASSES_MAX 16u

/* Grows as it is filled; items of one size. */
struct list {
    void *items;
    uint32_t count;
    uint32_t capacity;
};

struct place {
    uint64_t epoch;
    uint32_t index;
    int32_t reason;
};

/* What all ranges share; touched is written by the one range an account belongs to. */
struct job {
    const struct tg_rerate_params *params;
    const struct tg_replay_candidate *candidate;
    const struct tg_adjust_index *adjustments;
    const struct tg_bill_sessions *sessions; /* Of the selector; NULL: not asked for. */
    struct part *parts;
    uint8_t *touched;  /* 1: a selected row of the account came by; shape [accounts_count + 1]. */
    uint32_t price_id; /* Of the selector; TG_PRICE_NONE all. */
    uint16_t product;  /* Of the selector; TG_PRODUCT_NONE all. */
    uint8_t *late;     /* By event: 1: the account's rows came in another order; else NULL. */
    struct tg_adjust_order order; /* Its times. */
    bool selects_all;             /* No row can be left out: who was touched is of no interest. */
    bool has_shelves;             /* Some catalog keeps something on shelves. */
};

/* A range of accounts. */
struct part {
    struct job *job;
    struct tg_why *why;
    struct list changes;     /* struct tg_rerate_change */
    struct list shelves;     /* struct tg_adjust_shelf */
    struct list refused;     /* struct place, in journal order */
    uint32_t refused_before; /* Known when this pass began. */
    enum tg_err err;         /* Of a callback that cannot tell. */
    uint64_t selected_count;
    uint64_t followers_count;
    struct tg_replay_stats replay;
};

/* One more at the end. */
static enum tg_err list_add(struct list *list, const void *item, size_t item_bytes,
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

static void list_free(struct list *list, size_t item_bytes)
{
    tg_pages_free(list->items, list->capacity * item_bytes);
    *list = (struct list){0};
}

/* What the row is sold by. */
static uint16_t product_of(const struct tg_catalog_snapshot *catalog, const struct tg_usage *usage,
                           uint32_t subscriber)
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
        image != NULL ? tg_image_product(image, product_of(catalog, usage, stands->subscriber))
                      : NULL;
    const struct tg_plan_service *plan_service =
        product != NULL ? tg_image_plan_service(image, product->plan, usage->service) : NULL;
    if (plan_service == NULL || plan_service->zone_by == TG_ZONE_BY_NETWORK ||
        tg_usage_peer_kind(usage) != TG_KEY_E164) {
        return false;
    }
    uint16_t deck = TG_DECK_NONE;
    (void)tg_image_plan_zone(image, plan_service, tg_image_peer_number(image, plan_service, usage),
                             usage->start_ns, &deck);
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
           (job->sessions == NULL || tg_bill_sessions_has(job->sessions, usage)) &&
           (selector->price_name == NULL || stands->price_id == job->price_id) &&
           (selector->product_name == NULL ||
            product_of(catalog, usage, stands->subscriber) == job->product) &&
           (selector->deck_name == NULL || is_of_deck(catalog, selector->deck_name, usage, stands));
}

static int place_compare(const void *a, const void *b);

/* Refused in a pass before: it stands. */
static bool is_known_refused(const struct part *part, uint64_t epoch, uint32_t index)
{
    const struct place place = {.epoch = epoch, .index = index};
    return part->refused_before > 0 && bsearch(&place, part->refused.items, part->refused_before,
                                               sizeof place, place_compare) != NULL;
}

/* Taken back whole: nothing is priced, and there is no event. */
static enum tg_replay_choice row_back_out(struct part *part, const struct tg_replay_rows *rows,
                                          uint32_t i)
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
        list_add(&part->changes, &change, sizeof change, "rows change", part->why);
    part->err = part->err == TG_OK ? err : part->err;
    part->selected_count++;
    return TG_REPLAY_SKIP;
}

static enum tg_replay_choice row_choose(struct part *part, const struct tg_replay_rows *rows,
                                        uint32_t i)
{
    struct job *job = part->job;
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

static void choose(void *context, const struct tg_replay_rows *rows, uint8_t *choices)
{
    struct part *part = context;
    const struct job *job = part->job;
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

static enum tg_err row_refused(struct part *part, const struct tg_replay_batch *batch, uint32_t i)
{
    const struct place place = {batch->rows.epoch, batch->rows.indices[i], batch->priced[i].reason};
    return list_add(&part->refused, &place, sizeof place, "rows are refused", part->why);
}

/* Would the row draw from other shelves than where it stands? */
static bool row_moves(const struct job *job, const struct tg_replay_batch *batch, uint32_t i)
{
    if (!job->has_shelves) {
        return false;
    }
    const struct tg_catalog_snapshot *catalog = job->params->catalog;
    struct tg_replay_row row;
    tg_replay_batch_row(batch, i, &row);
    const uint16_t product = product_of(catalog, row.usage, row.stored->subscriber);
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

static enum tg_err row_visit(struct part *part, const struct tg_replay_batch *batch, uint32_t i)
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
    return list_add(&part->changes, &change, sizeof change, "rows change", part->why);
}

static enum tg_err visit(void *context, const struct tg_replay_batch *batch)
{
    struct part *part = context;
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
    struct part *part = context;
    const struct tg_adjust_shelf item = {.shelf = *shelf, .index = index, .is_pool = is_pool};
    return list_add(&part->shelves, &item, sizeof item, "shelves change", part->why);
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
static enum tg_err names_find(struct job *job, struct tg_why *why)
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
    return TG_OK;
}

static int place_compare(const void *a, const void *b)
{
    const struct place *left = a;
    const struct place *right = b;
    if (left->epoch != right->epoch) {
        return left->epoch < right->epoch ? -1 : 1;
    }
    return left->index < right->index ? -1 : left->index > right->index;
}

static enum tg_err part_pass(struct part *part, struct tg_replay_params *replay)
{
    replay->parts_all = replay->parts_all || part->replay.surprises_count > 0;
    part->changes.count = 0;
    part->shelves.count = 0;
    part->selected_count = part->refused.count;
    part->followers_count = 0;
    part->refused_before = part->refused.count;
    if (part->refused.count > 1) {
        qsort(part->refused.items, part->refused.count, sizeof(struct place), place_compare);
    }
    const enum tg_err err = tg_replay_run(replay, &part->replay, part->why);
    return err == TG_OK ? part->err : err;
}

static enum tg_err part_run(void *context, uint32_t shard, const struct tg_bill_range *range,
                            struct tg_why *why)
{
    struct job *job = context;
    struct part *part = &job->parts[shard];
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
                                      .choose = choose,
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

static int change_compare(const void *a, const void *b)
{
    const struct tg_rerate_change *left = a;
    const struct tg_rerate_change *right = b;
    if (left->epoch != right->epoch) {
        return left->epoch < right->epoch ? -1 : 1;
    }
    return left->index < right->index ? -1 : left->index > right->index;
}

static int shelf_order(const void *a, const void *b)
{
    const struct tg_adjust_shelf *left = a;
    const struct tg_adjust_shelf *right = b;
    if (left->is_pool != right->is_pool) {
        return left->is_pool ? 1 : -1;
    }
    return left->index < right->index ? -1 : left->index > right->index;
}

static void totals_add(struct tg_rerate *rerate, const struct tg_rerate_change *change)
{
    const struct tg_charge *charge = &change->charge;
    rerate->silent_count += change->is_silent;
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

/* Accounts that are corrected at all: a row's money or units, or a shelf. */
static void moved_mark(const struct job *job, uint32_t parts_count, uint8_t *moved)
{
    const struct tg_roster *roster = job->params->catalog->roster;
    memset(moved, 0, (size_t)roster->accounts_count + 1);
    for (uint32_t p = 0; p < parts_count; p++) {
        const struct tg_rerate_change *changes = job->parts[p].changes.items;
        const struct tg_adjust_shelf *shelves = job->parts[p].shelves.items;
        for (uint32_t i = 0; i < job->parts[p].changes.count; i++) {
            const uint32_t account = roster->lines[changes[i].charge.subscriber].account;
            if (!changes[i].is_silent && account < roster->accounts_count) {
                moved[account] = 1;
            }
        }
        for (uint32_t i = 0; i < job->parts[p].shelves.count; i++) {
            const uint32_t account =
                shelves[i].is_pool ? shelves[i].index : roster->lines[shelves[i].index].account;
            if (account < roster->accounts_count) {
                moved[account] = 1;
            }
        }
    }
}

static enum tg_err result_take(struct tg_rerate *rerate, uint64_t changes_count,
                               uint64_t shelves_count, struct tg_why *why)
{
    rerate->changes = tg_pages_take((changes_count + 1) * sizeof rerate->changes[0]);
    rerate->changes_capacity = (uint32_t)changes_count + 1;
    rerate->shelves = tg_pages_take((shelves_count + 1) * sizeof rerate->shelves[0]);
    rerate->shelves_capacity = (uint32_t)shelves_count + 1;
    if (changes_count > TG_RERATE_CHANGES_MAX || shelves_count > TG_RERATE_CHANGES_MAX) {
        return tg_why_set(why, TG_E_FULL,
                          "more than %u rows or shelves change; select fewer accounts or days",
                          TG_RERATE_CHANGES_MAX);
    }
    return rerate->changes != NULL && rerate->shelves != NULL
               ? TG_OK
               : tg_why_set(why, TG_E_NO_MEMORY, "no memory for the differences");
}

/* Of the accounts whose rows came in another order, those that this changes. */
static enum tg_err orders_take(const struct job *job, struct tg_rerate *rerate, struct tg_why *why)
{
    const uint32_t accounts_count = job->params->catalog->roster->accounts_count;
    uint32_t count = 0;
    for (uint32_t a = 0; a < accounts_count; a++) {
        rerate->late_count += job->late[a] != 0;
        count += job->late[a] != 0 && job->touched[a] != 0;
    }
    rerate->orders = tg_pages_take(((size_t)count + 1) * sizeof rerate->orders[0]);
    rerate->orders_capacity = count + 1;
    if (rerate->orders == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the differences");
    }
    for (uint32_t a = 0; a < accounts_count; a++) {
        if (job->late[a] != 0 && job->touched[a] != 0) {
            struct tg_adjust_order order = job->order;
            order.account = a;
            rerate->orders[rerate->orders_count++] = order;
        }
    }
    return TG_OK;
}

/* The ranges' findings as one, in the order a single one would have found them. */
static enum tg_err parts_join(struct job *job, uint32_t parts_count, struct tg_rerate *rerate,
                              struct tg_why *why)
{
    const struct tg_roster *roster = job->params->catalog->roster;
    uint64_t changes_count = 0;
    uint64_t shelves_count = 0;
    struct place first = {.epoch = UINT64_MAX};
    for (uint32_t p = 0; p < parts_count; p++) {
        changes_count += job->parts[p].changes.count;
        shelves_count += job->parts[p].shelves.count;
    }
    enum tg_err err = result_take(rerate, changes_count, shelves_count, why);
    if (err != TG_OK) {
        return err;
    }
    moved_mark(job, parts_count, job->touched);
    if (job->late != NULL) {
        err = orders_take(job, rerate, why);
    }
    for (uint32_t p = 0; p < parts_count; p++) {
        struct part *part = &job->parts[p];
        const struct tg_rerate_change *changes = part->changes.items;
        for (uint32_t i = 0; i < part->changes.count; i++) {
            const uint32_t account = roster->lines[changes[i].charge.subscriber].account;
            if (!changes[i].is_silent ||
                (account < roster->accounts_count && job->touched[account] != 0)) {
                rerate->changes[rerate->changes_count++] = changes[i];
            }
        }
        if (part->shelves.count > 0) {
            memcpy(&rerate->shelves[rerate->shelves_count], part->shelves.items,
                   part->shelves.count * sizeof rerate->shelves[0]);
            rerate->shelves_count += part->shelves.count;
        }
        rerate->selected_count += part->selected_count;
        rerate->followers_count += part->followers_count;
        rerate->refused_count += part->refused.count;
        if (part->refused.count > 0 && place_compare(part->refused.items, &first) < 0) {
            first = *(const struct place *)part->refused.items;
        }
        rerate->replay.rows_priced_count += part->replay.rows_priced_count;
        rerate->replay.rows_applied_count += part->replay.rows_applied_count;
    }
    rerate->replay.rows_scanned_count = job->parts[0].replay.rows_scanned_count;
    rerate->refused_reason = first.reason;
    if (rerate->changes_count > 1) { /* Ranges, and rows that were sorted, come as they do. */
        qsort(rerate->changes, rerate->changes_count, sizeof rerate->changes[0], change_compare);
    }
    if (rerate->shelves_count > 1) {
        qsort(rerate->shelves, rerate->shelves_count, sizeof rerate->shelves[0], shelf_order);
    }
    for (uint32_t i = 0; i < rerate->changes_count; i++) {
        totals_add(rerate, &rerate->changes[i]);
    }
    return err;
}

static bool any_has_shelves(const struct tg_rerate_params *params)
{
    bool has = params->candidate != NULL && tg_replay_image_has_shelves(params->candidate);
    for (uint32_t i = 0; i < params->catalog->images_count && !has; i++) {
        has = tg_replay_image_has_shelves(params->catalog->images[i]);
    }
    return has;
}

static void job_settle(struct job *job)
{
    const struct tg_rerate_selector *selector = &job->params->selector;
    job->has_shelves = any_has_shelves(job->params);
    job->selects_all = selector->from_ns <= 0 && selector->to_ns == INT64_MAX &&
                       selector->source_id < 0 && selector->node_id == 0 &&
                       selector->price_name == NULL && selector->deck_name == NULL &&
                       selector->product_name == NULL && !selector->of_sessions &&
                       !job->params->backs_out;
}

static enum tg_err late_find(struct job *job, const struct tg_adjust_index *adjustments,
                             struct tg_why *why)
{
    const struct tg_rerate_selector *selector = &job->params->selector;
    job->order = (struct tg_adjust_order){.from_ns = selector->from_ns, .to_ns = selector->to_ns};
    job->late = tg_pages_take((size_t)job->params->catalog->roster->accounts_count + 1);
    return job->late != NULL ? tg_rerate_late_find(job->params, adjustments, job->late, why)
                             : tg_why_set(why, TG_E_NO_MEMORY, "no memory to rerate");
}

static enum tg_err job_run(struct job *job, struct tg_rerate *rerate, struct tg_why *why)
{
    const struct tg_rerate_params *params = job->params;
    struct tg_replay_candidate *candidate = NULL;
    struct tg_adjust_index *adjustments = NULL;
    struct tg_bill_sessions *sessions = NULL;
    struct part parts[TG_BILL_SHARDS_MAX] = {0};
    const uint32_t threads_count = params->threads_count > 0 ? params->threads_count : 1;
    const uint32_t parts_count =
        threads_count < TG_BILL_SHARDS_MAX ? threads_count : TG_BILL_SHARDS_MAX;
    enum tg_err err = names_find(job, why);
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
        job_settle(job);
        job->candidate = candidate;
        job->adjustments = adjustments;
        job->parts = parts;
        err = tg_bill_shards_run(parts_count, params->catalog->roster->accounts_count, part_run,
                                 job, why);
    }
    if (err == TG_OK) {
        err = parts_join(job, parts_count, rerate, why);
    }
    for (uint32_t p = 0; p < parts_count; p++) {
        list_free(&parts[p].changes, sizeof(struct tg_rerate_change));
        list_free(&parts[p].shelves, sizeof(struct tg_adjust_shelf));
        list_free(&parts[p].refused, sizeof(struct place));
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
    struct job job = {.params = params};
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
