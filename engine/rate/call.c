/* SPDX-License-Identifier: Apache-2.0 */
#include "rate/call.h"

#include "abi/key.h"
#include "base/clock.h"
#include "record/credit.h"

#include <string.h>

uint64_t tg_call_record_key(uint64_t session, uint32_t number, int64_t start_ns)
{
    return session ^ tg_key_mix((uint64_t)start_ns ^ TG_KEY_HASH_A, number ^ TG_KEY_HASH_B);
}

uint64_t tg_call_key(const struct tg_usage *row)
{
    const uint64_t context = (uint64_t)row->node_id << 16 | (uint64_t)row->service << 8 |
                             (row->flags & TG_USAGE_INCOMING);
    const uint64_t key = row->source_id == TG_CREDIT_SOURCE_ID
                             ? tg_call_record_key(row->record_key, row->sequence, row->start_ns)
                             : tg_key_mix(row->peer_key ^ TG_KEY_HASH_A, context ^ TG_KEY_HASH_B);
    return key != 0 ? key : 1;
}

/* Tariffs whose charges for units in a row add up wherever the row is cut; the first one does so
 * even when each record counts from 0. */
static bool tariff_adds_up(const char *name, uint8_t counter)
{
    static const char *const names[] = {"per_unit", "graduated", "volume", "package"};
    const uint32_t count = counter == TG_COUNTER_RECORD ? 1 : sizeof names / sizeof names[0];
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool tg_call_is_kept(const struct tg_image *image, uint32_t price_id)
{
    const struct tg_price *price = tg_image_price(image, price_id);
    const struct tg_price_info *info = tg_image_price_info(image, price_id);
    return price->connect_fee != 0 || price->first_increment != 1 || price->next_increment != 1 ||
           price->minimum_units != 0 || price->grace_units != 0 || price->included_units != 0 ||
           price->charge_min != INT64_MIN || price->charge_max != INT64_MAX ||
           info->round_exponent != 0 || (info->options & TG_PRICE_UNITS_OF_CALL) != 0 ||
           !tariff_adds_up(tg_image_tariff_name(image, price_id), info->counter);
}

/* A call that one band's price needs no memory of may go on into another band whose price does, and
 * the rest of it is no call of its own. */
static bool place_is_kept(const struct tg_call_place *place, uint32_t price_id)
{
    const struct tg_plan_terms *terms = tg_image_plan_terms(place->image, place->plan_service);
    bool is_kept = tg_call_is_kept(place->image, price_id) ||
                   tg_call_has_one_band(place->plan_service) ||
                   (terms != NULL && terms->rate_change == TG_RATE_CHANGE_CALL);
    for (uint32_t band = 0; !is_kept && band < place->plan_service->bands_count; band++) {
        const uint32_t other =
            tg_image_price_at(place->image, place->plan_service, place->zone, band);
        is_kept =
            other != TG_PRICE_NONE && other != price_id && tg_call_is_kept(place->image, other);
    }
    return is_kept;
}

static int64_t end_of(const struct tg_usage *row)
{
    int64_t end_ns;
    return __builtin_add_overflow(row->start_ns, (int64_t)row->duration_ms * TG_NS_PER_MS, &end_ns)
               ? INT64_MAX
               : end_ns;
}

static struct tg_bucket *call_find(struct tg_shelf *shelf, uint64_t key)
{
    for (uint32_t i = 0; i < TG_BUCKETS_MAX; i++) {
        struct tg_bucket *bucket = &shelf->buckets[i];
        if (bucket->kind == TG_BUCKET_CALL && bucket->carried_base[TG_CALL_KEY] == key) {
            return bucket;
        }
    }
    return NULL;
}

/* When the call has begun and ended so far. */
struct reach {
    int64_t start_ns;
    int64_t end_ns;
};

/* When the row starts as if it were all of the call up to a quantity. Time goes back from the row's
 * own start, so that what this record adds is cut at its own wall time; where the start or the end
 * says the band it is that of the call, whatever lies between records and in which order they come.
 */
static bool start_of(const struct tg_plan_service *plan_service, const struct tg_usage *row,
                     uint64_t base, uint64_t base_before, const struct reach *reach,
                     int64_t *start_ns)
{
    const bool is_by_end = plan_service->split_mode == TG_SPLIT_END;
    if (plan_service->split_mode == TG_SPLIT_START) {
        *start_ns = reach->start_ns;
        return true;
    }
    return !__builtin_sub_overflow(is_by_end ? reach->end_ns : row->start_ns,
                                   (int64_t)(is_by_end ? base : base_before) * TG_NS_PER_MS,
                                   start_ns);
}

/* The row as if it were all of the call up to a quantity. Octets and events are of the band in
 * which their record starts, as they carry no time. */
static enum tg_err row_of(const struct tg_plan_service *plan_service, const struct tg_usage *row,
                          uint64_t base, uint64_t base_before, const struct reach *reach,
                          struct tg_usage *whole)
{
    *whole = *row;
    if (plan_service->dimension != TG_DIMENSION_TIME) {
        whole->quantity_up = base;
        whole->quantity_down = 0;
        return base <= TG_QUANTITY_MAX ? TG_OK : TG_E_AMOUNT_OVERFLOW;
    }
    whole->duration_ms = (uint32_t)base;
    return base > UINT32_MAX || base_before > UINT32_MAX ||
                   !start_of(plan_service, row, base, base_before, reach, &whole->start_ns)
               ? TG_E_AMOUNT_OVERFLOW
               : TG_OK;
}

/* Increments of the call less those before; a part may have shrunk where the plan splits so that
 * more usage moves the boundary, and then adds nothing to cover. */
static void added_find(const struct tg_rate_cuts *cuts, struct tg_call *call)
{
    call->added = *cuts;
    call->added.billed_units = cuts->billed_units > call->before.billed_units
                                   ? cuts->billed_units - call->before.billed_units
                                   : 0;
    for (uint32_t i = 0; i < cuts->cuts_count && i < call->before.cuts_count; i++) {
        const uint64_t had = call->before.cuts[i].units;
        call->added.cuts[i].units -= had < cuts->cuts[i].units ? had : cuts->cuts[i].units;
    }
}

/* What comes behind the last record belongs to the call when it was used before. */
static bool call_goes_on(const struct tg_bucket *bucket, const struct tg_usage *row)
{
    const int64_t first_ns = (int64_t)bucket->carried_base[TG_CALL_START_NS];
    const int64_t end_ns = (int64_t)bucket->carried_base[TG_CALL_END_NS];
    const bool is_partial = (row->flags & TG_USAGE_PARTIAL) != 0;
    const bool has_ended = bucket->fired_mask != 0;
    if (row->start_ns >= end_ns && has_ended) {
        return false;
    }
    if (row->start_ns > end_ns) {
        return row->start_ns - end_ns <= TG_CALL_GAP_NS;
    }
    return is_partial ? first_ns - row->start_ns <= TG_CALL_GAP_NS
                      : !has_ended && row->start_ns >= first_ns;
}

int64_t tg_call_start_ns(const struct tg_usage *row, struct tg_shelf *shelf)
{
    const struct tg_bucket *bucket = call_find(shelf, tg_call_key(row));
    if (bucket == NULL || !call_goes_on(bucket, row)) {
        return row->start_ns;
    }
    const int64_t start_ns = (int64_t)bucket->carried_base[TG_CALL_START_NS];
    return start_ns < row->start_ns ? start_ns : row->start_ns;
}

static void call_begin(const struct tg_bucket *bucket, bool goes_on, const struct tg_usage *row,
                       struct tg_call *call)
{
    const int64_t row_end_ns = end_of(row);
    call->covered_base = 0;
    call->records_count = 0;
    call->start_ns = row->start_ns;
    call->end_ns = row_end_ns;
    call->pieces_count = 0;
    call->before.price = NULL; /* none so far */
    call->before.info = NULL;
    call->before.cuts_count = 0;
    call->before.billed_units = 0;
    call->before.included_units = 0;
    call->before.raw_units = 0;
    call->has_ended = goes_on && bucket->fired_mask != 0;
    call->has_forgotten = false;
    if (goes_on) {
        const int64_t start_ns = (int64_t)bucket->carried_base[TG_CALL_START_NS];
        const int64_t end_ns = (int64_t)bucket->carried_base[TG_CALL_END_NS];
        call->covered_base = bucket->used_before_base;
        call->records_count = bucket->events_count;
        call->start_ns = start_ns < row->start_ns ? start_ns : row->start_ns;
        call->end_ns = end_ns > row_end_ns ? end_ns : row_end_ns;
    }
}

enum tg_err tg_call_cut(const struct tg_call_place *place, const struct tg_usage *row,
                        struct tg_accounts *accounts, struct tg_allowance_log *log,
                        struct tg_rate_cuts *cuts, struct tg_call *call, bool *is_part)
{
    const uint8_t dimension = place->plan_service->dimension;
    *is_part = false;
    if ((row->flags & TG_USAGE_AMOUNT) != 0 || (cuts->info->options & TG_PRICE_METERS_MAX) != 0 ||
        !place_is_kept(place, cuts->price->price_id) ||
        !tg_allowance_joins_calls(place->image, place->plan_service)) {
        return TG_OK;
    }
    call->shelf = tg_allowance_shelf(accounts, log, false, place->subscriber);
    if (call->shelf == NULL) {
        return TG_E_FULL;
    }
    call->key = tg_call_key(row);
    const struct tg_bucket *bucket = call_find(call->shelf, call->key);
    const bool goes_on = bucket != NULL && call_goes_on(bucket, row);
    if (!goes_on && (row->flags & TG_USAGE_PARTIAL) == 0) {
        return TG_OK;
    }
    *is_part = true;
    call_begin(bucket, goes_on, row, call);
    const uint64_t base_before = goes_on ? bucket->used_base : 0;
    call->base = base_before + ((cuts->info->options & TG_PRICE_UNITS_OF_CALL) != 0
                                    ? tg_rate_base_quantity(row, dimension)
                                    : cuts->raw_units * cuts->info->unit_base_count);
    call->subscriber = place->subscriber;
    struct tg_usage whole;
    enum tg_err err = TG_OK;
    if (base_before > 0) {
        const struct reach before = {(int64_t)bucket->carried_base[TG_CALL_START_NS],
                                     (int64_t)bucket->carried_base[TG_CALL_END_NS]};
        const struct reach reach = {call->start_ns, call->end_ns};
        err = row_of(place->plan_service, row, base_before, base_before, &before, &whole);
        err = err == TG_OK ? tg_rate_cut(place->image, place->plan_service, place->model,
                                         place->zone, &whole, &call->before)
                           : err;
        err = err == TG_OK
                  ? row_of(place->plan_service, row, call->base, base_before, &reach, &whole)
                  : err;
        err = err == TG_OK ? tg_rate_cut(place->image, place->plan_service, place->model,
                                         place->zone, &whole, cuts)
                           : err;
    }
    if (err == TG_OK) {
        added_find(cuts, call);
        const uint64_t covered = call->covered_base / cuts->info->unit_base_count;
        call->covered_blocks =
            covered < call->before.billed_units ? covered : call->before.billed_units;
    }
    return err;
}

/* May any of the plan's allowances cover the part? */
static bool part_is_coverable(const struct tg_call_place *place, uint32_t band)
{
    const uint16_t *list = tg_image_buckets(place->image, place->plan_service);
    for (uint32_t i = 0; i < place->plan_service->buckets_count; i++) {
        if (tg_image_allowance_covers_band(place->image, tg_image_allowance(place->image, list[i]),
                                           place->plan_service->time_model, band)) {
            return true;
        }
    }
    return false;
}

void tg_call_covered_apart(const struct tg_call_place *place, struct tg_rate_cuts *cuts,
                           struct tg_call *call)
{
    uint64_t left = call->covered_blocks;
    cuts->is_covered_apart = true;
    call->before.is_covered_apart = true;
    for (uint32_t i = 0; i < call->before.cuts_count; i++) {
        struct tg_rate_cut *part = &call->before.cuts[i];
        part->covered_units = 0;
        if (part_is_coverable(place, part->band)) {
            part->covered_units = left < part->units ? left : part->units;
            left -= part->covered_units;
        }
    }
    for (uint32_t i = 0; i < cuts->cuts_count; i++) {
        const uint64_t had = i < call->before.cuts_count ? call->before.cuts[i].covered_units : 0;
        const uint64_t covered = had + call->added.cuts[i].covered_units;
        cuts->cuts[i].covered_units = covered < cuts->cuts[i].units ? covered : cuts->cuts[i].units;
    }
}

enum tg_err tg_call_note(struct tg_accounts *accounts, struct tg_call *call,
                         const struct tg_usage *row, uint64_t covered_base)
{
    const uint32_t month = tg_account_period(row->start_ns);
    struct tg_bucket *bucket = call_find(call->shelf, call->key);
    if (bucket == NULL) {
        bucket = tg_bucket_place(call->shelf, month);
        call->has_forgotten =
            bucket != NULL && bucket->kind == TG_BUCKET_CALL && bucket->fired_mask == 0;
    }
    if (bucket == NULL) {
        return TG_E_FULL;
    }
    *bucket = (struct tg_bucket){
        .kind = TG_BUCKET_CALL,
        .what = (uint16_t)call->key,
        .fired_mask = call->has_ended || (row->flags & TG_USAGE_PARTIAL) == 0,
        .used_base = call->base,
        .used_before_base = call->covered_base + covered_base,
        .touched_month = month,
        .events_count = call->records_count + 1,
        .carried_base = {[TG_CALL_KEY] = call->key,
                         [TG_CALL_END_NS] = (uint64_t)call->end_ns,
                         [TG_CALL_START_NS] = (uint64_t)call->start_ns},
    };
    tg_accounts_calls_note(accounts, call->subscriber);
    return TG_OK;
}
