/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/whatif.h"

#include "base/arena.h"
#include "base/hash.h"
#include "catalog/exchange.h"

#include <stdlib.h>
#include <string.h>

/* An account's sums: two in a cache line, as each row meets another account. */
struct tally {
    int64_t before;
    int64_t after;
    uint32_t rows_count;
    uint32_t refused_count;
    uint64_t reserved;
};
_Static_assert(sizeof(struct tally) == 32, "two in a cache line");

/* A range of accounts. Tallies are shared: a range writes those of its accounts alone. */
struct part {
    const struct tg_whatif_params *params;
    struct tally *tallies;        /* Shape [accounts_count]. */
    struct tg_whatif_cell *cells; /* Shape [TG_WHATIF_CELLS_MAX]. */
    struct tg_why *why;
    uint32_t cells_count;
    uint32_t reasons_count;
    struct tg_whatif_reason reasons[TG_WHATIF_REASONS_MAX];
    struct tg_replay_stats replay;
};

/* What all ranges share. */
struct ask {
    const struct tg_whatif_params *params;
    const struct tg_replay_candidate *candidate;
    const struct tg_adjust_index *adjustments;
    struct part *parts;
};

void tg_whatif_close(struct tg_whatif *whatif)
{
    if (whatif == NULL) {
        return;
    }
    tg_pages_free(whatif->cells, TG_WHATIF_CELLS_MAX * sizeof whatif->cells[0]);
    tg_pages_free(whatif->accounts, 2 * TG_WHATIF_ACCOUNTS_MAX * sizeof whatif->accounts[0]);
    tg_pages_free(whatif, sizeof *whatif);
}

/* Rows of the period meet the candidate; what lies around it is history. */
static void choose(void *context, const struct tg_replay_rows *rows, uint8_t *choices)
{
    const struct part *part = context;
    const int64_t from_ns = part->params->from_ns;
    const int64_t to_ns = part->params->to_ns;
    for (uint32_t i = 0; i < rows->count; i++) {
        const int64_t at_ns = rows->usage[i]->start_ns;
        choices[i] = at_ns >= from_ns && at_ns < to_ns ? TG_REPLAY_CANDIDATE : TG_REPLAY_APPLY;
    }
}

static struct tg_whatif_cell *cell_of(struct part *part, uint16_t product, uint16_t zone)
{
    const uint32_t mask = TG_WHATIF_CELLS_MAX - 1;
    uint32_t at = (uint32_t)tg_mix64((uint64_t)product << 16 | zone) & mask;
    for (uint32_t tried = 0; tried <= mask; tried++, at = (at + 1) & mask) {
        struct tg_whatif_cell *cell = &part->cells[at];
        if (cell->is_used == 0) {
            cell->is_used = 1;
            cell->product = product;
            cell->zone = zone;
            part->cells_count++;
            return cell;
        }
        if (cell->product == product && cell->zone == zone) {
            return cell;
        }
    }
    (void)tg_why_set(part->why, TG_E_FULL, "more than %u pairs of product and zone",
                     TG_WHATIF_CELLS_MAX);
    return NULL;
}

static inline void sums_add(struct tg_whatif_sums *sums, int64_t before, int64_t after,
                            bool is_refused)
{
    sums->before += before;
    sums->after += after;
    sums->rows_count++;
    sums->refused_count += is_refused;
}

static inline bool tally_add(struct tally *tally, int64_t before, int64_t after, bool is_refused)
{
    tally->rows_count++;
    tally->refused_count += is_refused;
    return !__builtin_add_overflow(tally->before, before, &tally->before) &&
           !__builtin_add_overflow(tally->after, after, &tally->after);
}

static void sums_join(struct tg_whatif_sums *sums, const struct tg_whatif_sums *more)
{
    sums->before += more->before;
    sums->after += more->after;
    sums->rows_count += more->rows_count;
    sums->refused_count += more->refused_count;
}

static void reason_add(struct part *part, int reason, uint64_t rows_count, __int128 before)
{
    uint32_t at = 0;
    while (at < part->reasons_count && part->reasons[at].reason != reason) {
        at++;
    }
    at = at < TG_WHATIF_REASONS_MAX ? at : TG_WHATIF_REASONS_MAX - 1;
    if (at == part->reasons_count) {
        part->reasons[at].reason = reason;
        part->reasons_count++;
    }
    part->reasons[at].rows_count += rows_count;
    part->reasons[at].before += before;
}

/* Sums are in the candidate's currency, each charge at the rate of its event. */
static bool amount_in(const struct part *part, const struct tg_image *image,
                      const struct tg_charge *charge, int64_t at_ns, int64_t *amount)
{
    const uint16_t wanted = part->params->candidate->currency;
    *amount = charge->amount;
    if (charge->currency == wanted) {
        return true;
    }
    const struct tg_exchange_rate *rate =
        image != NULL ? tg_image_exchange(image, charge->currency, wanted, at_ns) : NULL;
    return rate != NULL &&
           tg_exchange_amount(rate, charge->amount, image->rounding_exchange, amount) == TG_OK;
}

/* What a row stands at and what it would; most are in the candidate's currency already. */
static inline bool row_amounts(const struct part *part, const struct tg_charge *stands,
                               const struct tg_charge *priced, int64_t at_ns, int64_t *before,
                               int64_t *after)
{
    const uint16_t wanted = part->params->candidate->currency;
    const bool is_refused = priced->fate != TG_FATE_RATED;
    *before = stands->amount;
    *after = is_refused ? 0 : priced->amount;
    if (__builtin_expect(stands->currency == wanted && (is_refused || priced->currency == wanted),
                         1)) {
        return true;
    }
    return amount_in(part, tg_catalog_image_version(part->params->catalog, stands->catalog_version),
                     stands, at_ns, before) &&
           (is_refused || amount_in(part, part->params->candidate, priced, at_ns, after));
}

/* Whose row it is and what there is to add to come from memory that nobody asked for before. */
static enum tg_err visit(void *context, const struct tg_replay_batch *batch)
{
    struct part *part = context;
    const struct tg_replay_rows *rows = &batch->rows;
    const struct tg_roster_line *lines = part->params->catalog->roster->lines;
    struct tg_whatif_cell *cell = NULL;
    for (uint32_t i = 0; i < rows->count; i++) {
        __builtin_prefetch(&lines[rows->stored[i]->subscriber], 0, 3);
    }
    for (uint32_t i = 0; i < rows->count; i++) {
        __builtin_prefetch(&part->tallies[lines[rows->stored[i]->subscriber].account], 1, 3);
    }
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct tg_roster_line *who = &lines[tg_roster_index_at(
            part->params->catalog->roster, rows->stored[i]->subscriber, rows->usage[i]->start_ns)];
        const struct tg_charge *stands = rows->stands[i];
        const struct tg_charge *priced = &batch->priced[i];
        const bool is_refused = priced->fate != TG_FATE_RATED;
        int64_t before;
        int64_t after;
        if (!row_amounts(part, stands, priced, rows->usage[i]->start_ns, &before, &after)) {
            return tg_why_set(part->why, TG_E_INVALID,
                              "the journal has charges in currency %u, the candidate prices in %u, "
                              "and no exchange rate covers the event",
                              stands->currency, part->params->candidate->currency);
        }
        if (cell == NULL || cell->product != who->product || cell->zone != stands->zone) {
            cell = cell_of(part, who->product, stands->zone);
            if (cell == NULL) {
                return TG_E_FULL;
            }
        }
        sums_add(&cell->sums, before, after, is_refused);
        if (!tally_add(&part->tallies[who->account], before, after, is_refused)) {
            return tg_why_set(part->why, TG_E_AMOUNT_OVERFLOW,
                              "the charges of account #%u add up to more than 64 bits",
                              who->account);
        }
        if (is_refused) {
            reason_add(part, priced->reason, 1, before);
        }
    }
    return TG_OK;
}

static int cell_compare(const void *a, const void *b)
{
    const struct tg_whatif_cell *left = a;
    const struct tg_whatif_cell *right = b;
    const uint32_t one = (uint32_t)left->product << 16 | left->zone;
    const uint32_t two = (uint32_t)right->product << 16 | right->zone;
    return one < two ? -1 : one > two;
}

uint32_t tg_whatif_totals(const struct tg_whatif *whatif, bool by_zone,
                          struct tg_whatif_cell *totals)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < whatif->cells_count; i++) {
        totals[i] = whatif->cells[i];
        *(by_zone ? &totals[i].product : &totals[i].zone) = UINT16_MAX;
    }
    qsort(totals, whatif->cells_count, sizeof totals[0], cell_compare);
    for (uint32_t i = 0; i < whatif->cells_count; i++) {
        if (count > 0 && cell_compare(&totals[count - 1], &totals[i]) == 0) {
            sums_join(&totals[count - 1].sums, &totals[i].sums);
        } else {
            totals[count++] = totals[i];
        }
    }
    return count;
}

static int account_compare(const void *a, const void *b)
{
    const struct tg_whatif_account *left = a;
    const struct tg_whatif_account *right = b;
    const __int128 one = left->sums.after - left->sums.before;
    const __int128 two = right->sums.after - right->sums.before;
    if (one != two) {
        return one > two ? -1 : 1;
    }
    return left->account < right->account ? -1 : left->account > right->account;
}

static int reason_compare(const void *a, const void *b)
{
    const int32_t left = ((const struct tg_whatif_reason *)a)->reason;
    const int32_t right = ((const struct tg_whatif_reason *)b)->reason;
    return left > right ? -1 : left < right;
}

/* The worst hit so far: twice as many are kept as are told, and cut when that is full. */
static void worst_cut(struct tg_whatif *whatif)
{
    qsort(whatif->accounts, whatif->accounts_count, sizeof whatif->accounts[0], account_compare);
    if (whatif->accounts_count > TG_WHATIF_ACCOUNTS_MAX) {
        whatif->accounts_count = TG_WHATIF_ACCOUNTS_MAX;
    }
}

/* Sorting all accounts cost a tenth of the whole answer where rows are few an account. */
static void worst_find(struct tg_whatif *whatif, const struct tally *tallies,
                       uint32_t accounts_count)
{
    bool is_cut = false;
    for (uint32_t i = 0; i < accounts_count; i++) {
        if (tallies[i].rows_count == 0) {
            continue;
        }
        whatif->payers_count++;
        const struct tg_whatif_account account = {
            .sums = {.before = tallies[i].before,
                     .after = tallies[i].after,
                     .rows_count = tallies[i].rows_count,
                     .refused_count = tallies[i].refused_count},
            .account = i};
        if (is_cut &&
            account_compare(&account, &whatif->accounts[TG_WHATIF_ACCOUNTS_MAX - 1]) > 0) {
            continue;
        }
        whatif->accounts[whatif->accounts_count++] = account;
        if (whatif->accounts_count == 2 * TG_WHATIF_ACCOUNTS_MAX) {
            worst_cut(whatif);
            is_cut = true;
        }
    }
    worst_cut(whatif);
}

/* Used entries to the front, then in the order they are read in. */
static void answer_sort(struct tg_whatif *whatif)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < TG_WHATIF_CELLS_MAX; i++) {
        if (whatif->cells[i].is_used != 0) {
            whatif->cells[kept++] = whatif->cells[i];
        }
    }
    qsort(whatif->cells, kept, sizeof whatif->cells[0], cell_compare);
    qsort(whatif->reasons, whatif->reasons_count, sizeof whatif->reasons[0], reason_compare);
}

static enum tg_err part_run(void *context, uint32_t shard, const struct tg_bill_range *range,
                            struct tg_why *why)
{
    const struct ask *ask = context;
    struct part *part = &ask->parts[shard];
    const struct tg_whatif_params *params = ask->params;
    part->why = why;
    const struct tg_replay_params replay = {.size_bytes = sizeof replay,
                                            .data_dir = params->data_dir,
                                            .catalog = params->catalog,
                                            .candidate = ask->candidate,
                                            .adjustments = ask->adjustments,
                                            .accounts_wanted = params->accounts_wanted,
                                            .account_from = range->account_from,
                                            .account_to = range->account_to,
                                            .from_ns = params->from_ns,
                                            .to_ns = params->to_ns,
                                            .choose = choose,
                                            .visit = visit,
                                            .context = part,
                                            .progress = shard == 0 ? params->progress : NULL,
                                            .progress_context = params->progress_context};
    return tg_replay_run(&replay, &part->replay, why);
}

/* A range's sums into those of the first one. */
static enum tg_err part_join(struct part *to, const struct part *from)
{
    for (uint32_t i = 0; i < TG_WHATIF_CELLS_MAX; i++) {
        const struct tg_whatif_cell *more = &from->cells[i];
        struct tg_whatif_cell *cell =
            more->is_used != 0 ? cell_of(to, more->product, more->zone) : NULL;
        if (cell != NULL) {
            sums_join(&cell->sums, &more->sums);
        } else if (more->is_used != 0) {
            return TG_E_FULL;
        }
    }
    for (uint32_t i = 0; i < from->reasons_count; i++) {
        reason_add(to, from->reasons[i].reason, from->reasons[i].rows_count,
                   from->reasons[i].before);
    }
    to->replay.rows_priced_count += from->replay.rows_priced_count;
    to->replay.rows_applied_count += from->replay.rows_applied_count;
    return TG_OK;
}

static enum tg_err parts_open(const struct tg_whatif_params *params, struct tg_whatif *whatif,
                              struct tally *tallies, struct part *parts, uint32_t parts_count,
                              struct tg_why *why)
{
    for (uint32_t p = 0; p < parts_count; p++) {
        parts[p] = (struct part){.params = params, .tallies = tallies, .why = why};
        parts[p].cells =
            p == 0 ? whatif->cells : tg_pages_take(TG_WHATIF_CELLS_MAX * sizeof whatif->cells[0]);
        if (parts[p].cells == NULL) {
            return tg_why_set(why, TG_E_NO_MEMORY, "no memory for a what-if");
        }
    }
    return TG_OK;
}

static enum tg_err ask_replay(struct ask *ask, struct tg_whatif *whatif, struct tg_why *why)
{
    const struct tg_whatif_params *params = ask->params;
    struct tg_replay_candidate *candidate = NULL;
    struct tg_adjust_index *adjustments = NULL;
    struct part parts[TG_BILL_SHARDS_MAX] = {0};
    const uint32_t accounts_count = params->catalog->roster->accounts_count;
    const size_t tallies_bytes = ((size_t)accounts_count + 1) * sizeof(struct tally);
    struct tally *tallies = tg_pages_take(tallies_bytes);
    const uint32_t threads_count = params->threads_count > 0 ? params->threads_count : 1;
    const uint32_t parts_count =
        threads_count < TG_BILL_SHARDS_MAX ? threads_count : TG_BILL_SHARDS_MAX;
    enum tg_err err = tallies != NULL ? parts_open(params, whatif, tallies, parts, parts_count, why)
                                      : tg_why_set(why, TG_E_NO_MEMORY, "no memory for %u accounts",
                                                   accounts_count);
    if (err == TG_OK) {
        err = tg_replay_candidate_open(params->catalog, params->candidate, &candidate, why);
    }
    if (err == TG_OK) {
        err = tg_adjust_index_open(params->data_dir, 0, &adjustments, why);
    }
    if (err == TG_OK) {
        ask->candidate = candidate;
        ask->adjustments = adjustments;
        ask->parts = parts;
        err = tg_bill_shards_run(parts_count, accounts_count, part_run, ask, why);
    }
    for (uint32_t p = 1; p < parts_count; p++) {
        parts[0].why = why; /* its own is gone with its thread */
        err = err == TG_OK ? part_join(&parts[0], &parts[p]) : err;
        tg_pages_free(parts[p].cells, TG_WHATIF_CELLS_MAX * sizeof whatif->cells[0]);
    }
    for (uint32_t i = 0; i < TG_WHATIF_CELLS_MAX; i++) {
        sums_join(&whatif->total, &whatif->cells[i].sums);
    }
    whatif->cells_count = parts[0].cells_count;
    whatif->reasons_count = (uint16_t)parts[0].reasons_count;
    memcpy(whatif->reasons, parts[0].reasons, sizeof whatif->reasons);
    whatif->replay = parts[0].replay;
    if (err == TG_OK) {
        worst_find(whatif, tallies, accounts_count);
    }
    tg_pages_free(tallies, tallies_bytes);
    tg_adjust_index_close(adjustments);
    tg_replay_candidate_close(candidate);
    return err;
}

enum tg_err tg_whatif_open(const struct tg_whatif_params *params, struct tg_whatif **whatif,
                           struct tg_why *why)
{
    *whatif = NULL;
    if (params->to_ns <= params->from_ns) {
        return tg_why_set(why, TG_E_INVALID, "the period ends before it begins");
    }
    struct tg_whatif *made = tg_pages_take(sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for a what-if");
    }
    made->currency = params->candidate->currency;
    made->cells = tg_pages_take(TG_WHATIF_CELLS_MAX * sizeof made->cells[0]);
    made->accounts = tg_pages_take(2 * TG_WHATIF_ACCOUNTS_MAX * sizeof made->accounts[0]);
    enum tg_err err = TG_OK;
    if (made->cells == NULL || made->accounts == NULL) {
        err = tg_why_set(why, TG_E_NO_MEMORY, "no memory for a what-if");
    }
    if (err == TG_OK) {
        struct ask ask = {.params = params};
        err = ask_replay(&ask, made, why);
    }
    if (err != TG_OK) {
        tg_whatif_close(made);
        return err;
    }
    answer_sort(made);
    *whatif = made;
    return TG_OK;
}
