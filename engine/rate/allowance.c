/* SPDX-License-Identifier: Apache-2.0 */
#include "rate/allowance.h"

#include "base/clock.h"
#include "catalog/zone_time.h"

#include <assert.h>
#include <string.h>

static struct tg_shelf *side_shelf(struct tg_accounts *accounts, struct tg_allowance_log *log,
                                   enum tg_shelf_side side, uint32_t index)
{
    if (log->shelves[side] == NULL) {
        struct tg_shelf *shelf = tg_accounts_shelf(accounts, side == TG_SHELF_POOL, index);
        if (shelf == NULL) {
            return NULL;
        }
        log->shelves[side] = shelf;
        log->before[side] = *shelf;
    }
    return log->shelves[side];
}

struct tg_shelf *tg_allowance_shelf(struct tg_accounts *accounts, struct tg_allowance_log *log,
                                    bool is_pool, uint32_t index)
{
    return side_shelf(accounts, log, is_pool ? TG_SHELF_POOL : TG_SHELF_OWN, index);
}

/* Where a bucket lies: with its account, or its subscriber; what his plans share with the first. */
static struct tg_shelf *draw_shelf(struct tg_accounts *accounts, struct tg_allowance_log *log,
                                   const struct tg_allowance_draw *draw,
                                   const struct tg_allowance *allowance)
{
    if (allowance->scope == TG_SCOPE_ACCOUNT) {
        return side_shelf(accounts, log, TG_SHELF_POOL, draw->account);
    }
    const bool is_shared =
        (allowance->options & TG_ALLOWANCE_ONCE) != 0 && draw->root != draw->subscriber;
    return is_shared ? side_shelf(accounts, log, TG_SHELF_ROOT, draw->root)
                     : side_shelf(accounts, log, TG_SHELF_OWN, draw->subscriber);
}

void tg_allowance_undo(const struct tg_allowance_log *log)
{
    for (uint32_t side = 0; side < TG_SHELF_SIDES; side++) {
        if (log->shelves[side] != NULL) {
            *log->shelves[side] = log->before[side];
        }
    }
}

/* What a member's cap leaves of a pool; *member is NULL without a cap. */
static enum tg_err member_left(struct tg_accounts *accounts, const struct tg_allowance_draw *draw,
                               uint16_t index, const struct tg_allowance *allowance,
                               const struct tg_bucket_time *time, struct tg_allowance_log *log,
                               struct tg_bucket **member, bool *is_late, uint64_t *left_base)
{
    *member = NULL;
    *is_late = false;
    *left_base = UINT64_MAX;
    if (allowance->member_cap_base == UINT64_MAX) {
        return TG_OK;
    }
    struct tg_allowance counted = *allowance; /* the cap is a grant that nothing rolls out of */
    counted.amount_base = allowance->member_cap_base;
    counted.rollover_periods = 0;
    counted.proration = TG_GRANT_FULL;
    struct tg_shelf *shelf = tg_allowance_shelf(accounts, log, false, draw->subscriber);
    const enum tg_err err = shelf == NULL ? TG_E_FULL
                                          : tg_bucket_at(shelf, TG_BUCKET_MEMBER, index, &counted,
                                                         time, member, is_late);
    if (err == TG_OK) {
        *left_base = tg_bucket_left(*member, &counted, *is_late, time);
    }
    return err;
}

/* Hours from a start are elapsed ones: two hours bought at 01:30 are not one where the clock is put
 * forward. All other periods are of the wall clock. */
static bool is_elapsed(const struct tg_allowance *allowance)
{
    return allowance->period == TG_PERIOD_HOUR && allowance->period_count != 0;
}

/* A pool is the account's: it does not begin with the member who happens to draw first. */
static struct tg_bucket_time time_of(const struct tg_allowance *allowance, uint16_t index,
                                     const struct tg_allowance_draw *draw)
{
    struct tg_bucket_time time = draw->time;
    const bool is_pool = allowance->scope == TG_SCOPE_ACCOUNT;
    if (!is_pool && !is_elapsed(allowance)) {
        return time;
    }
    int64_t begin_ns = (int64_t)draw->begin_s * TG_NS_PER_S;
    if (is_pool) {
        begin_ns =
            !tg_allowance_is_dated_pool(allowance)
                ? 0
                : (int64_t)tg_roster_pool_since_s(draw->roster, draw->account, index) * TG_NS_PER_S;
    }
    if (is_elapsed(allowance)) {
        time.at_ns = draw->at_ns;
        time.active_from_ns = begin_ns;
    } else {
        const uint32_t zone = draw->roster->accounts[draw->account].zone;
        time.active_from_ns =
            begin_ns > 0 ? tg_zone_local_ns(tg_image_zone(draw->image, zone), begin_ns) : 0;
    }
    return time;
}

static enum tg_err one_draw(struct tg_accounts *accounts, const struct tg_allowance_draw *draw,
                            uint16_t index, uint64_t wanted, struct tg_allowance_log *log,
                            uint64_t *taken)
{
    const struct tg_allowance *allowance = tg_image_allowance(draw->image, index);
    const bool is_pool = allowance->scope == TG_SCOPE_ACCOUNT;
    const struct tg_bucket_time time = time_of(allowance, index, draw);
    struct tg_shelf *shelf = draw_shelf(accounts, log, draw, allowance);
    struct tg_bucket *bucket = NULL;
    struct tg_bucket *member;
    bool is_late = false;
    bool is_member_late; /* by its own clock: others may have taken the pool into the next period */
    uint64_t member_base;
    enum tg_err err = shelf == NULL ? TG_E_FULL
                                    : tg_bucket_at(shelf, is_pool ? TG_BUCKET_POOL : TG_BUCKET_OWN,
                                                   index, allowance, &time, &bucket, &is_late);
    if (err == TG_OK) {
        err = member_left(accounts, draw, index, allowance, &time, log, &member, &is_member_late,
                          &member_base);
    }
    if (err != TG_OK) {
        return err;
    }
    const uint64_t left_base = tg_bucket_left(bucket, allowance, is_late, &time);
    const uint64_t blocks =
        (left_base < member_base ? left_base : member_base) / draw->unit_base_count;
    *taken = wanted < blocks ? wanted : blocks;
    if (*taken == 0) {
        return TG_OK;
    }
    const uint64_t base = *taken * draw->unit_base_count; /* at most left_base: no overflow */
    tg_bucket_take(bucket, base, is_late, time.at_ns);
    if (member != NULL) {
        tg_bucket_take(member, base, is_member_late, time.at_ns);
    }
    const uint8_t fired = is_late ? 0 : tg_bucket_fire(bucket, allowance, &time);
    for (uint32_t i = 0; i < log->uses_count; i++) { /* another part of the same row drew before */
        if (log->uses[i].allowance == index) {
            log->uses[i].used_base += base;
            log->uses[i].left_base = left_base - base;
            log->uses[i].fired_mask |= fired;
            return TG_OK;
        }
    }
    assert(log->uses_count < TG_BUCKETS_MAX);
    log->uses[log->uses_count++] = (struct tg_allowance_use){
        .used_base = base,
        .left_base = left_base - base,
        .allowance = index,
        .fired_mask = fired,
    };
    return TG_OK;
}

/* Does the allowance count at the event's time? Dates are the account's, instants everybody's. */
static bool is_valid(const struct tg_allowance *allowance, const struct tg_allowance_draw *draw)
{
    const bool from_is_local = (allowance->options & TG_ALLOWANCE_FROM_IS_LOCAL) != 0;
    const bool to_is_local = (allowance->options & TG_ALLOWANCE_TO_IS_LOCAL) != 0;
    return (from_is_local ? draw->time.at_ns : draw->at_ns) >= allowance->valid_from_ns &&
           (allowance->valid_to_ns == 0 ||
            (to_is_local ? draw->time.at_ns : draw->at_ns) < allowance->valid_to_ns);
}

static bool may_cover(const struct tg_allowance *allowance, const struct tg_allowance_draw *draw)
{
    return tg_image_allowance_covers(draw->image, allowance, draw->service, draw->zone) &&
           allowance->dimension == draw->plan_service->dimension &&
           (allowance->directions_mask == 0 ||
            (allowance->directions_mask & draw->direction) != 0) &&
           is_valid(allowance, draw) &&
           tg_image_allowance_covers_band(draw->image, allowance, draw->plan_service->time_model,
                                          draw->band);
}

/* A grant that may be used, and what says when its turn is. */
struct turn {
    uint16_t index;
    uint16_t priority;
    uint8_t scope;
    int64_t from_ns; /* local */
    int64_t to_ns;
};

static struct turn turn_of(const struct tg_allowance *allowance, uint16_t index,
                           const struct tg_allowance_draw *draw)
{
    struct turn turn = {.index = index, .priority = allowance->priority, .scope = allowance->scope};
    const int64_t ahead_ns = draw->time.at_ns - draw->at_ns;
    const struct tg_bucket_time time = time_of(allowance, index, draw);
    tg_bucket_span(allowance, &time, &turn.from_ns, &turn.to_ns);
    if (is_elapsed(allowance)) {
        turn.from_ns += ahead_ns;
        turn.to_ns += ahead_ns;
    }
    const int64_t from_ns = allowance->valid_from_ns +
                            ((allowance->options & TG_ALLOWANCE_FROM_IS_LOCAL) != 0 ? 0 : ahead_ns);
    const int64_t to_ns = allowance->valid_to_ns +
                          ((allowance->options & TG_ALLOWANCE_TO_IS_LOCAL) != 0 ? 0 : ahead_ns);
    if (allowance->valid_from_ns != 0 && from_ns > turn.from_ns) {
        turn.from_ns = from_ns;
    }
    if (allowance->valid_to_ns != 0 && to_ns < turn.to_ns) {
        turn.to_ns = to_ns;
    }
    return turn;
}

static bool is_before(const struct turn *a, const struct turn *b)
{
    return a->priority != b->priority ? a->priority < b->priority
           : a->to_ns != b->to_ns     ? a->to_ns < b->to_ns
           : a->scope != b->scope     ? a->scope < b->scope
                                      : a->from_ns < b->from_ns;
}

/* The plan's list in the order of use at the event's time: of one priority what ends first, then
 * own before shared, then what was granted first; the list's order, by id, is kept between equals.
 */
static __attribute__((noinline)) void list_order(const struct tg_allowance_draw *draw,
                                                 uint16_t list[TG_BUCKETS_MAX])
{
    struct turn turns[TG_BUCKETS_MAX];
    const uint32_t count = draw->plan_service->buckets_count;
    for (uint32_t i = 0; i < count; i++) {
        const struct turn turn = turn_of(tg_image_allowance(draw->image, list[i]), list[i], draw);
        uint32_t at = i;
        for (; at > 0 && is_before(&turn, &turns[at - 1]); at--) {
            turns[at] = turns[at - 1];
        }
        turns[at] = turn;
    }
    for (uint32_t i = 0; i < count; i++) {
        list[i] = turns[i].index;
    }
}

enum tg_err tg_allowance_draw(struct tg_accounts *accounts, const struct tg_allowance_draw *draw,
                              struct tg_allowance_log *log, uint64_t *covered)
{
    const uint16_t *list = tg_image_buckets(draw->image, draw->plan_service);
    uint16_t ordered[TG_BUCKETS_MAX];
    uint64_t left = draw->billed_blocks;
    assert(draw->plan_service->buckets_count <= TG_BUCKETS_MAX);
    if (draw->plan_service->buckets_by_end != 0) {
        memcpy(ordered, list, draw->plan_service->buckets_count * sizeof *list);
        list_order(draw, ordered);
        list = ordered;
    }
    *covered = 0;
    for (uint32_t i = 0; i < draw->plan_service->buckets_count && left > 0; i++) {
        uint64_t taken = 0;
        if (!may_cover(tg_image_allowance(draw->image, list[i]), draw)) {
            continue;
        }
        const enum tg_err err = one_draw(accounts, draw, list[i], left, log, &taken);
        if (err != TG_OK) {
            return err;
        }
        left -= taken;
        if ((tg_image_allowance(draw->image, list[i])->options & TG_ALLOWANCE_BLOCKS) != 0) {
            break;
        }
    }
    *covered = draw->billed_blocks - left;
    return TG_OK;
}

bool tg_allowance_is_raw(const struct tg_image *image, const struct tg_plan_service *plan_service)
{
    const uint16_t first = tg_image_buckets(image, plan_service)[0];
    return (tg_image_allowance(image, first)->options & TG_ALLOWANCE_RAW) != 0;
}

bool tg_allowance_joins_calls(const struct tg_image *image,
                              const struct tg_plan_service *plan_service)
{
    const uint16_t *list = tg_image_buckets(image, plan_service);
    for (uint32_t i = 0; i < plan_service->buckets_count; i++) {
        const struct tg_allowance *allowance = tg_image_allowance(image, list[i]);
        if ((allowance->options & TG_ALLOWANCE_RAW) != 0 || allowance->price != 0) {
            return false;
        }
    }
    return true;
}

bool tg_allowance_has_bands(const struct tg_image *image,
                            const struct tg_plan_service *plan_service)
{
    const uint16_t *list = tg_image_buckets(image, plan_service);
    for (uint32_t i = 0; i < plan_service->buckets_count; i++) {
        if (tg_image_allowance(image, list[i])->bands_offset != 0) {
            return true;
        }
    }
    return false;
}

/* The counter's bucket, made when it is not there. */
static enum tg_err counter_at(struct tg_accounts *accounts, struct tg_allowance_log *log,
                              const struct tg_allowance_counter *counter,
                              const struct tg_bucket_time *time, struct tg_bucket **bucket,
                              bool *is_late)
{
    const struct tg_allowance counted = {.period = counter->period};
    const struct tg_bucket_time at = {time->at_ns, 0, time->cycle_day};
    struct tg_shelf *shelf = tg_allowance_shelf(accounts, log, counter->is_pool, counter->index);
    *is_late = false;
    return shelf == NULL ? TG_E_FULL
                         : tg_bucket_at(shelf, TG_BUCKET_COUNTER, counter->counter, &counted, &at,
                                        bucket, is_late);
}

enum tg_err tg_allowance_count(struct tg_accounts *accounts, struct tg_allowance_log *log,
                               const struct tg_allowance_counter *counter,
                               const struct tg_bucket_time *time, uint64_t base,
                               uint64_t *base_before, uint64_t *events_before)
{
    struct tg_bucket *bucket;
    bool is_late;
    const enum tg_err err = counter_at(accounts, log, counter, time, &bucket, &is_late);
    if (err != TG_OK) {
        return err;
    }
    *base_before = is_late ? bucket->used_before_base : bucket->used_base;
    *events_before = is_late ? bucket->carried_base[0] : bucket->events_count;
    if (base > TG_METER_BASE_MAX - *base_before) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    tg_bucket_take(bucket, base, is_late, time->at_ns);
    return TG_OK;
}

enum tg_err tg_allowance_count_max(struct tg_accounts *accounts, struct tg_allowance_log *log,
                                   const struct tg_allowance_counter *counter,
                                   const struct tg_bucket_time *time, uint64_t base,
                                   uint64_t block_base, uint64_t *base_before,
                                   uint64_t *events_before)
{
    struct tg_bucket *bucket;
    bool is_late;
    const enum tg_err err = counter_at(accounts, log, counter, time, &bucket, &is_late);
    if (err != TG_OK) {
        return err;
    }
    *base_before = is_late ? bucket->used_before_base : bucket->used_base;
    *events_before = is_late ? bucket->carried_base[0] : bucket->events_count;
    if (base > TG_METER_BASE_MAX) {
        return TG_E_AMOUNT_OVERFLOW;
    }
    const uint64_t least = *base_before - *base_before % block_base;
    tg_bucket_take(bucket, base > least ? base - least : 0, is_late, time->at_ns);
    return TG_OK;
}

enum tg_err tg_allowance_count_back(struct tg_accounts *accounts, struct tg_allowance_log *log,
                                    const struct tg_allowance_counter *counter,
                                    const struct tg_bucket_time *time, uint64_t base,
                                    uint64_t *base_left, uint64_t *events_left)
{
    struct tg_bucket *bucket;
    bool is_late;
    const enum tg_err err = counter_at(accounts, log, counter, time, &bucket, &is_late);
    if (err != TG_OK) {
        return err;
    }
    if (base > (is_late ? bucket->used_before_base : bucket->used_base)) {
        return TG_E_NEGATIVE_USAGE;
    }
    tg_bucket_give_back(bucket, base, is_late);
    *base_left = is_late ? bucket->used_before_base : bucket->used_base;
    *events_left = is_late ? bucket->carried_base[0] : bucket->events_count;
    return TG_OK;
}
