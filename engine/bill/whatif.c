/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/whatif.h"

#include "base/arena.h"
#include "base/hash.h"
#include "catalog/exchange.h"

#include <stdlib.h>
#include <string.h>

struct ask {
    const struct tg_whatif_params *params;
    struct tg_whatif *whatif;
    struct tg_why *why;
};

void tg_whatif_close(struct tg_whatif *whatif)
{
    if (whatif == NULL) {
        return;
    }
    tg_pages_free(whatif->cells, TG_WHATIF_CELLS_MAX * sizeof whatif->cells[0]);
    tg_pages_free(whatif->accounts,
                  ((size_t)whatif->accounts_capacity + 1) * sizeof whatif->accounts[0]);
    tg_pages_free(whatif, sizeof *whatif);
}

/* Rows of the period meet the candidate; what lies around it is history. */
static enum tg_replay_choice choose(void *context, const struct tg_replay_seen *seen)
{
    const struct tg_whatif_params *params = ((const struct ask *)context)->params;
    const int64_t at_ns = seen->usage->start_ns;
    return at_ns >= params->from_ns && at_ns < params->to_ns ? TG_REPLAY_CANDIDATE
                                                             : TG_REPLAY_APPLY;
}

static struct tg_whatif_cell *cell_of(struct tg_whatif *whatif, uint16_t product, uint16_t zone)
{
    const uint32_t mask = TG_WHATIF_CELLS_MAX - 1;
    uint32_t at = (uint32_t)tg_mix64((uint64_t)product << 16 | zone) & mask;
    for (uint32_t tried = 0; tried <= mask; tried++, at = (at + 1) & mask) {
        struct tg_whatif_cell *cell = &whatif->cells[at];
        if (cell->is_used == 0) {
            cell->is_used = 1;
            cell->product = product;
            cell->zone = zone;
            whatif->cells_count++;
            return cell;
        }
        if (cell->product == product && cell->zone == zone) {
            return cell;
        }
    }
    return NULL;
}

static void sums_add(struct tg_whatif_sums *sums, int64_t before, int64_t after, bool is_refused)
{
    sums->before += before;
    sums->after += after;
    sums->rows_count++;
    sums->refused_count += is_refused;
}

static void reason_add(struct tg_whatif *whatif, int reason, int64_t before)
{
    uint32_t at = 0;
    while (at < whatif->reasons_count && whatif->reasons[at].reason != reason) {
        at++;
    }
    at = at < TG_WHATIF_REASONS_MAX ? at : TG_WHATIF_REASONS_MAX - 1;
    if (at == whatif->reasons_count) {
        whatif->reasons[at].reason = reason;
        whatif->reasons_count++;
    }
    whatif->reasons[at].rows_count++;
    whatif->reasons[at].before += before;
}

/* Sums are in the candidate's currency, each charge at the rate of its event. */
static bool amount_in(const struct ask *ask, const struct tg_image *image,
                      const struct tg_charge *charge, int64_t at_ns, int64_t *amount)
{
    const uint16_t wanted = ask->params->candidate->currency;
    *amount = charge->amount;
    if (charge->currency == wanted) {
        return true;
    }
    const struct tg_exchange_rate *rate =
        image != NULL ? tg_image_exchange(image, charge->currency, wanted, at_ns) : NULL;
    return rate != NULL &&
           tg_exchange_amount(rate, charge->amount, image->rounding_exchange, amount) == TG_OK;
}

static enum tg_err visit(void *context, const struct tg_replay_row *row)
{
    struct ask *ask = context;
    struct tg_whatif *whatif = ask->whatif;
    const struct tg_roster *roster = ask->params->catalog->roster;
    const struct tg_roster_line *who = tg_roster_line(roster, row->stored->subscriber);
    const bool is_refused = row->priced->fate != TG_FATE_RATED;
    const struct tg_image *stored =
        tg_catalog_image_version(ask->params->catalog, row->stands->catalog_version);
    int64_t before;
    int64_t after = 0;
    if (!amount_in(ask, stored, row->stands, row->usage->start_ns, &before) ||
        (!is_refused &&
         !amount_in(ask, ask->params->candidate, row->priced, row->usage->start_ns, &after))) {
        return tg_why_set(ask->why, TG_E_INVALID,
                          "the journal has charges in currency %u, the candidate prices in %u, and "
                          "no exchange rate covers the event",
                          row->stands->currency, ask->params->candidate->currency);
    }
    struct tg_whatif_cell *cell = cell_of(whatif, who->product, row->stands->zone);
    if (cell == NULL) {
        return tg_why_set(ask->why, TG_E_FULL, "more than %u pairs of product and zone",
                          TG_WHATIF_CELLS_MAX);
    }
    sums_add(&whatif->total, before, after, is_refused);
    sums_add(&cell->sums, before, after, is_refused);
    sums_add(&whatif->accounts[who->account].sums, before, after, is_refused);
    if (is_refused) {
        reason_add(whatif, row->priced->reason, before);
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
    kept = 0;
    for (uint32_t i = 0; i < whatif->accounts_capacity; i++) {
        if (whatif->accounts[i].sums.rows_count > 0) {
            whatif->accounts[kept++] = whatif->accounts[i];
        }
    }
    whatif->accounts_count = kept;
    qsort(whatif->accounts, kept, sizeof whatif->accounts[0], account_compare);
}

static enum tg_err ask_replay(struct ask *ask)
{
    const struct tg_whatif_params *params = ask->params;
    struct tg_replay_candidate *candidate = NULL;
    struct tg_adjust_index *adjustments = NULL;
    enum tg_err err =
        tg_replay_candidate_open(params->catalog, params->candidate, &candidate, ask->why);
    if (err == TG_OK) {
        err = tg_adjust_index_open(params->data_dir, 0, &adjustments, ask->why);
    }
    if (err == TG_OK) {
        const struct tg_replay_params replay = {.size_bytes = sizeof replay,
                                                .data_dir = params->data_dir,
                                                .catalog = params->catalog,
                                                .candidate = candidate,
                                                .adjustments = adjustments,
                                                .accounts_wanted = params->accounts_wanted,
                                                .from_ns = params->from_ns,
                                                .to_ns = params->to_ns,
                                                .choose = choose,
                                                .visit = visit,
                                                .context = ask,
                                                .progress = params->progress,
                                                .progress_context = params->progress_context};
        err = tg_replay_run(&replay, &ask->whatif->replay, ask->why);
    }
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
    const uint32_t accounts_count = params->catalog->roster->accounts_count;
    struct tg_whatif *made = tg_pages_take(sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for a what-if");
    }
    made->currency = params->candidate->currency;
    made->accounts_capacity = accounts_count;
    made->cells = tg_pages_take(TG_WHATIF_CELLS_MAX * sizeof made->cells[0]);
    made->accounts = tg_pages_take(((size_t)accounts_count + 1) * sizeof made->accounts[0]);
    enum tg_err err = TG_OK;
    if (made->cells == NULL || made->accounts == NULL) {
        err = tg_why_set(why, TG_E_NO_MEMORY, "no memory for %u accounts", accounts_count);
    }
    for (uint32_t a = 0; err == TG_OK && a < accounts_count; a++) {
        made->accounts[a].account = a;
    }
    if (err == TG_OK) {
        struct ask ask = {.params = params, .whatif = made, .why = why};
        err = ask_replay(&ask);
    }
    if (err != TG_OK) {
        tg_whatif_close(made);
        return err;
    }
    answer_sort(made);
    *whatif = made;
    return TG_OK;
}
