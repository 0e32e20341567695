/* SPDX-License-Identifier: Apache-2.0 */
/* What a replay needs before its first row: who, with which versions, from when on. */
#include "bill/replay_state.h"

#include "base/arena.h"
#include "base/clock.h"
#include "catalog/week_cycle.h"
#include "rate/shelf_note.h"

#include <string.h>

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
    if (time_ns > INT64_MAX - 32 * TG_NS_PER_DAY) {
        return INT64_MAX;
    }
    struct tg_civil civil;
    tg_clock_to_civil(time_ns - 1, &civil);
    const struct tg_civil next = {
        .year = civil.year + civil.month / 12, .month = (uint8_t)(civil.month % 12 + 1), .day = 1};
    return tg_clock_from_civil(&next);
}

static bool is_long(unsigned period)
{
    return period == TG_PERIOD_EVER || period == TG_PERIOD_YEAR || period == TG_PERIOD_QUARTER ||
           period == TG_PERIOD_HALF_YEAR;
}

/* Are periods from a start longer than a month? */
static bool is_long_from_start(const struct tg_allowance *allowance)
{
    const uint32_t count = allowance->period_count;
    return allowance->period == TG_PERIOD_HOUR   ? count > 31 * 24
           : allowance->period == TG_PERIOD_DAY  ? count > 31
           : allowance->period == TG_PERIOD_WEEK ? count > 4
                                                 : count > 1;
}

/* Does anything count or grant over more than a month? Cycles of weeks are the accounts'. */
static bool image_reaches_back(const struct tg_image *image)
{
    for (uint32_t i = 0; i < tg_image_count(image, TG_CATALOG_ALLOWANCE); i++) {
        const struct tg_allowance *allowance = tg_image_allowance(image, i);
        if (allowance != NULL && (is_long(allowance->period) || allowance->rollover_periods > 0 ||
                                  is_long_from_start(allowance))) {
            return true;
        }
    }
    for (uint32_t i = 0; i < tg_image_prices_count(image); i++) {
        const uint8_t counter = tg_image_price_info(image, i)->counter;
        if (counter >= TG_COUNTER_SHELF && is_long(counter - TG_COUNTER_SHELF)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < tg_image_count(image, TG_CATALOG_SPEND_LIMIT); i++) {
        if (is_long(tg_image_spend_limit(image, i)->period)) {
            return true;
        }
    }
    return false;
}

/* Does a service draw from an allowance whose periods are said to end within months, and from
 * another one? Then what a row before the first one left tells on all that come: it was of one
 * allowance instead of the other, whose period ends later, and so on. */
static bool image_has_chains(const struct tg_image *image,
                             bool (*ends)(const struct tg_allowance *))
{
    for (uint32_t plan = 0; plan < tg_image_count(image, TG_CATALOG_PLAN); plan++) {
        for (uint32_t cell = 0; cell < TG_SERVICE_COUNT; cell++) {
            const struct tg_plan_service *plan_service = tg_image_plan_cell(image, plan, cell);
            const uint32_t count = plan_service != NULL ? plan_service->buckets_count : 0;
            for (uint32_t i = 0; count > 1 && i < count; i++) {
                if (ends(tg_image_allowance(image, tg_image_buckets(image, plan_service)[i]))) {
                    return true;
                }
            }
        }
    }
    return false;
}

static bool is_by_start_or_week(const struct tg_allowance *allowance)
{
    return allowance->period_count != 0 || allowance->period == TG_PERIOD_WEEK;
}

static bool is_by_cycle(const struct tg_allowance *allowance)
{
    return allowance->period == TG_PERIOD_CYCLE;
}

static bool image_has_start_chains(const struct tg_image *image)
{
    return image_has_chains(image, is_by_start_or_week);
}

static bool image_has_cycle_chains(const struct tg_image *image)
{
    return image_has_chains(image, is_by_cycle);
}

bool tg_replay_image_has_shelves(const struct tg_image *image)
{
    for (uint32_t plan = 0; plan < tg_image_count(image, TG_CATALOG_PLAN); plan++) {
        for (uint32_t cell = 0; cell < TG_SERVICE_COUNT; cell++) {
            const struct tg_plan_service *plan_service = tg_image_plan_cell(image, plan, cell);
            if (plan_service != NULL && plan_service->buckets_count > 0) {
                return true;
            }
        }
    }
    for (uint32_t i = 0; i < tg_image_prices_count(image); i++) {
        const struct tg_price_info *info = tg_image_price_info(image, i);
        if (info->counter > TG_COUNTER_RECORD || (info->options & TG_PRICE_RULES) != 0) {
            return true;
        }
    }
    return false;
}

static bool any_image(const struct tg_replay_params *params,
                      bool (*answers)(const struct tg_image *image))
{
    bool is_any =
        params->candidate != NULL && answers(tg_replay_candidate_image(params->candidate));
    for (uint32_t i = 0; i < params->catalog->images_count && !is_any; i++) {
        is_any = answers(params->catalog->images[i]);
    }
    return is_any;
}

static bool account_is_wanted(const struct tg_replay *replay, uint32_t account)
{
    const struct tg_replay_params *params = replay->params;
    const struct tg_roster *roster = params->catalog->roster;
    return (params->account_to == 0 ||
            (account >= params->account_from && account < params->account_to)) &&
           (params->accounts_wanted == NULL ||
            (account < roster->accounts_count && params->accounts_wanted[account] != 0));
}

/* Cycles of accounts that are wanted. */
struct cycles {
    int64_t week_days;  /* the longest of those of weeks; 0: all are of months */
    bool end_in_months; /* some are not of the calendar's */
};

static struct cycles cycles_find(const struct tg_replay *replay)
{
    const struct tg_roster *roster = replay->params->catalog->roster;
    struct cycles cycles = {0, false};
    for (uint32_t a = 0; a < roster->accounts_count; a++) {
        const struct tg_roster_account *account = &roster->accounts[a];
        const bool is_of_weeks = (account->flags & TG_ROSTER_BILLS_WEEK) != 0;
        if ((is_of_weeks || account->cycle_day > 1) && account_is_wanted(replay, a)) {
            const uint32_t weeks = is_of_weeks ? tg_week_cycle_of(account->cycle_day).weeks : 0;
            cycles.week_days = 7 * weeks > cycles.week_days ? 7 * weeks : cycles.week_days;
            cycles.end_in_months = true;
        }
    }
    return cycles;
}

/* From when on rows are looked at, so that the period of the first wanted instant and the one
 * before are known as a whole. What began before the first row is not: it may have covered less
 * than is left of it here, so periods end once more in the month before. */
static int64_t begin_find(const struct tg_replay *replay)
{
    const struct cycles cycles = cycles_find(replay);
    const int64_t cycle_ns = cycles.week_days * TG_NS_PER_DAY;
    const int64_t from_ns = replay->params->from_ns - 2 * cycle_ns;
    if (any_image(replay->params, image_reaches_back) ||
        any_image(replay->params, image_has_start_chains) ||
        (cycles.end_in_months && any_image(replay->params, image_has_cycle_chains))) {
        return 0;
    }
    return any_image(replay->params, tg_replay_image_has_shelves)
               ? month_before_ns(month_before_ns(from_ns) - cycle_ns)
               : month_before_ns(from_ns);
}

static enum tg_err members_list(struct tg_replay *replay)
{
    const struct tg_roster *roster = replay->params->catalog->roster;
    const size_t bytes = ((size_t)roster->subscribers_count + 1) * sizeof(uint32_t);
    if (replay->params->accounts_wanted == NULL && replay->params->account_to == 0) {
        replay->members_count = roster->subscribers_count;
        return TG_OK;
    }
    replay->compact = tg_pages_take(bytes);
    replay->members = tg_pages_take(bytes);
    if (replay->compact == NULL || replay->members == NULL) {
        return tg_why_set(replay->why, TG_E_NO_MEMORY, "no memory to replay");
    }
    for (uint32_t s = 0; s < roster->subscribers_count; s++) {
        replay->compact[s] = TG_REPLAY_NOT_WANTED;
        if (account_is_wanted(replay, roster->lines[s].account)) {
            replay->compact[s] = replay->members_count;
            replay->members[replay->members_count++] = s;
        }
    }
    return TG_OK;
}

/* What is said of wanted lines beside their own; whole accounts are wanted, so a holder is with his
 * lines, and numbers keep their order. */
static uint64_t parts_copy(const struct tg_replay *replay, struct tg_roster_key *keys)
{
    const struct tg_roster *whole = replay->params->catalog->roster;
    const uint32_t *compact = replay->compact;
    uint64_t count = 0;
    for (uint32_t i = 0; i < whole->stretches_count; i++) {
        const struct tg_roster_stretch *one = &whole->stretches[i];
        const uint32_t line = compact != NULL ? compact[one->line] : one->line;
        if (one->line != one->holder && line != TG_REPLAY_NOT_WANTED) {
            keys[count++] = (struct tg_roster_key){
                compact != NULL ? compact[one->holder] : one->holder, line, TG_ROSTER_KEY_STRETCH};
        }
    }
    for (uint32_t i = 0; i < whole->roots_count; i++) {
        const struct tg_roster_stretch *one = &whole->roots[i];
        const uint32_t line = compact != NULL ? compact[one->line] : one->line;
        if (line != TG_REPLAY_NOT_WANTED) {
            keys[count++] = (struct tg_roster_key){
                compact != NULL ? compact[one->holder] : one->holder, line, TG_ROSTER_KEY_ROOT};
        }
    }
    for (uint32_t i = 0; i < whole->pauses_count; i++) {
        const struct tg_roster_pause *one = &whole->pauses[i];
        const uint32_t line = compact != NULL ? compact[one->subscriber] : one->subscriber;
        if (line != TG_REPLAY_NOT_WANTED) {
            keys[count++] = (struct tg_roster_key){(uint64_t)one->from_s << 32 | one->to_s, line,
                                                   TG_ROSTER_KEY_PAUSE +
                                                       ((uint32_t)one->usage << 4) + one->fee};
        }
    }
    return count;
}

static enum tg_err roster_make(const struct tg_replay *replay,
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
        lines[i] = whole->lines[replay->members != NULL ? replay->members[i] : i];
        if (candidate != NULL) {
            lines[i].product = tg_replay_candidate_product(candidate, lines[i].product);
        }
        /* Who is no longer listed was there when the row was priced. */
        lines[i].flags &= (uint16_t)~TG_ROSTER_REMOVED;
    }
    struct tg_roster_params params = {.size_bytes = sizeof params,
                                      .subscribers_count = count,
                                      .lines = lines,
                                      .accounts = whole->accounts,
                                      .accounts_count = whole->accounts_count,
                                      .images = replay->params->catalog->images,
                                      .images_count = replay->params->catalog->images_count};
    const struct tg_image *other = candidate != NULL ? tg_replay_candidate_image(candidate) : NULL;
    if (other != NULL) {
        params.images = &other;
        params.images_count = 1;
    }
    struct tg_roster_key *keys = NULL;
    const size_t keys_count =
        (size_t)whole->stretches_count + whole->roots_count + whole->pauses_count;
    const size_t keys_bytes = (keys_count + 1) * sizeof *keys;
    enum tg_err err = TG_OK;
    if (keys_count > 0) {
        keys = tg_pages_take(keys_bytes);
        err = keys != NULL ? TG_OK : tg_why_set(replay->why, TG_E_NO_MEMORY, "no memory to replay");
    }
    if (keys != NULL) {
        params.keys = keys;
        params.keys_count = parts_copy(replay, keys);
    }
    err = err == TG_OK ? tg_roster_build(&params, roster, replay->why) : err;
    tg_pages_free(keys, keys_bytes);
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

static enum tg_err snapshots_make(struct tg_replay *replay)
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
        replay->moves_networks = !tg_replay_candidate_keeps_networks(candidate);
    }
    return err;
}

/* Members of an account, to be found when it parts. */
static enum tg_err members_chain(struct tg_replay *replay)
{
    const struct tg_roster *roster = replay->params->catalog->roster;
    replay->parted = tg_pages_take((size_t)roster->accounts_count + 1);
    replay->first_member =
        tg_pages_take(((size_t)roster->accounts_count + 1) * sizeof replay->first_member[0]);
    replay->next_member =
        tg_pages_take(((size_t)replay->members_count + 1) * sizeof replay->next_member[0]);
    if (replay->parted == NULL || replay->first_member == NULL || replay->next_member == NULL) {
        return tg_why_set(replay->why, TG_E_NO_MEMORY, "no memory to replay");
    }
    for (uint32_t i = replay->members_count; i > 0; i--) {
        const uint32_t account = replay->roster->lines[i - 1].account;
        if (account < roster->accounts_count) {
            replay->next_member[i - 1] = replay->first_member[account];
            replay->first_member[account] = i;
        }
    }
    return TG_OK;
}

static enum tg_err rates_make(struct tg_replay *replay, bool has_shelves)
{
    /* Members are numbered anew, their accounts are not: pools are kept by account. */
    const uint32_t accounts_count = replay->params->catalog->roster->accounts_count;
    const uint32_t lines_count =
        replay->members_count > accounts_count ? replay->members_count : accounts_count;
    const struct tg_rate_params params = {.subscribers_count_max =
                                              lines_count > 0 ? lines_count : 1};
    enum tg_err err = tg_rate_create(&params, &replay->rate, replay->why);
    if (err == TG_OK && has_shelves) {
        err = tg_rate_create(&params, &replay->stands, replay->why);
    }
    return err == TG_OK && has_shelves ? members_chain(replay) : err;
}

/* Whose rows are kept, and who has rows that were backed out. */
static enum tg_err marks_make(struct tg_replay *replay)
{
    const struct tg_replay_params *params = replay->params;
    const struct tg_roster *roster = params->catalog->roster;
    const uint32_t accounts_count = roster->accounts_count;
    replay->outs = tg_pages_take((size_t)accounts_count + 1);
    uint8_t *kept = tg_pages_take((size_t)accounts_count + 1);
    bool has_kept = false;
    if (replay->outs == NULL || kept == NULL) {
        tg_pages_free(kept, (size_t)accounts_count + 1);
        return tg_why_set(replay->why, TG_E_NO_MEMORY, "no memory to replay");
    }
    for (uint32_t i = 0; i < tg_adjust_out_count(params->adjustments); i++) {
        const uint32_t subscriber = tg_adjust_out_subscriber(params->adjustments, i);
        const uint32_t account = subscriber < roster->subscribers_count
                                     ? roster->lines[subscriber].account
                                     : accounts_count;
        replay->outs[account < accounts_count ? account : accounts_count] = 1;
    }
    for (uint32_t a = 0; a < accounts_count; a++) {
        uint32_t count = 0;
        (void)tg_adjust_orders(params->adjustments, a, &count);
        kept[a] = count > 0 || (params->reorders != NULL && params->reorders[a] != 0);
        has_kept |= kept[a] != 0;
    }
    if (has_kept) {
        replay->kept = kept;
    } else {
        tg_pages_free(kept, (size_t)accounts_count + 1);
    }
    return TG_OK;
}

enum tg_err tg_replay_world_open(struct tg_replay *replay)
{
    const struct tg_replay_params *params = replay->params;
    const bool has_shelves =
        params->shelf != NULL && any_image(params, tg_replay_image_has_shelves);
    replay->begin_ns = has_shelves ? 0 : begin_find(replay);
    replay->end_ns = has_shelves ? INT64_MAX : month_end_ns(params->to_ns);
    enum tg_err err = members_list(replay);
    if (err == TG_OK) {
        err = snapshots_make(replay);
    }
    if (err == TG_OK) {
        err = rates_make(replay, has_shelves);
    }
    if (err == TG_OK) {
        err = marks_make(replay);
    }
    if (err == TG_OK) {
        replay->chunk = tg_pages_take(sizeof *replay->chunk);
        err = replay->chunk != NULL
                  ? TG_OK
                  : tg_why_set(replay->why, TG_E_NO_MEMORY, "no memory to replay");
    }
    return err;
}

void tg_replay_world_close(struct tg_replay *replay)
{
    const size_t bytes =
        ((size_t)replay->params->catalog->roster->subscribers_count + 1) * sizeof(uint32_t);
    tg_pages_free(replay->compact, bytes);
    tg_pages_free(replay->members, bytes);
    tg_pages_free(replay->chunk, sizeof *replay->chunk);
    tg_pages_free(replay->parted, (size_t)replay->params->catalog->roster->accounts_count + 1);
    tg_pages_free(replay->first_member,
                  ((size_t)replay->params->catalog->roster->accounts_count + 1) *
                      sizeof replay->first_member[0]);
    tg_pages_free(replay->next_member,
                  ((size_t)replay->members_count + 1) * sizeof replay->next_member[0]);
    tg_pages_free(replay->kept, (size_t)replay->params->catalog->roster->accounts_count + 1);
    tg_pages_free(replay->outs, (size_t)replay->params->catalog->roster->accounts_count + 1);
    tg_replay_keep_free(&replay->keep);
    tg_rate_destroy(replay->rate);
    tg_rate_destroy(replay->stands);
    tg_roster_free(replay->roster);
    tg_roster_free(replay->candidate_roster);
}

static void shelf_copy(struct tg_replay *replay, bool is_pool, uint32_t at)
{
    *tg_accounts_shelf(tg_rate_accounts(replay->stands), is_pool, at) =
        *tg_accounts_shelf(tg_rate_accounts(replay->rate), is_pool, at);
}

void tg_replay_world_part(struct tg_replay *replay, uint32_t account)
{
    if (replay->parted[account] != 0) {
        return;
    }
    replay->parted[account] = 1;
    shelf_copy(replay, true, account);
    for (uint32_t i = replay->first_member[account]; i != 0; i = replay->next_member[i - 1]) {
        shelf_copy(replay, false, i - 1);
    }
}

static enum tg_err shelf_compare(struct tg_replay *replay, bool is_pool, uint32_t at,
                                 uint32_t index)
{
    struct tg_shelf chosen = *tg_accounts_shelf(tg_rate_accounts(replay->rate), is_pool, at);
    struct tg_shelf stands = *tg_accounts_shelf(tg_rate_accounts(replay->stands), is_pool, at);
    if (memcmp(&chosen, &stands, sizeof chosen) == 0) {
        return TG_OK;
    }
    tg_shelf_sort(&chosen);
    tg_shelf_sort(&stands);
    return memcmp(&chosen, &stands, sizeof chosen) == 0
               ? TG_OK
               : replay->params->shelf(replay->params->context, is_pool, index, &chosen);
}

enum tg_err tg_replay_world_shelves(struct tg_replay *replay)
{
    enum tg_err err = TG_OK;
    if (replay->stands == NULL) {
        return TG_OK;
    }
    const uint32_t accounts_count = replay->params->catalog->roster->accounts_count;
    for (uint32_t i = 0; i < replay->members_count && err == TG_OK; i++) {
        const uint32_t account = replay->roster->lines[i].account;
        if (account < accounts_count && replay->parted[account] != 0) {
            err = shelf_compare(replay, false, i, replay->members != NULL ? replay->members[i] : i);
        }
    }
    for (uint32_t a = 0; a < accounts_count && err == TG_OK; a++) {
        if (replay->parted[a] != 0) {
            err = shelf_compare(replay, true, a, a);
        }
    }
    return err;
}
