/* SPDX-License-Identifier: Apache-2.0 */
/* Account lines: two arrays of cache lines, even and odd months, with a dirty mark a page.
 *
 * Two arrays and not one line with both months in it: nearly all rows belong to the current month,
 * so the other month's line is not touched and does not cost a miss; and rolling over copies
 * nothing. */
#include "rate/account.h"

#include "base/arena.h"
#include "base/clock.h"
#include "catalog/image.h"
#include "rate/account_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Even lines, odd lines, shelves of subscribers, shelves of accounts: in a page's stored number. */
#define KINDS_COUNT 4u
#define KIND_SHIFT  28u
#define KEPT_LEAST  65536u /* shelves that a cut can put aside at least */

uint32_t tg_account_period(int64_t time_ns)
{
    if (time_ns < 0) {
        return 0;
    }
    struct tg_civil civil;
    tg_clock_to_civil(time_ns, &civil);
    return (uint32_t)(civil.year - 1970) * 12 + civil.month;
}

/* Address space only: a carrier whose plans need one bucket a meter never touches it. */
static void *space_take(size_t size_bytes)
{
    void *map = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return map == MAP_FAILED ? NULL : map;
}

static void space_free(void *map, size_t size_bytes)
{
    if (map != NULL) {
        (void)munmap(map, size_bytes);
    }
}

static size_t shelves_bytes(const struct tg_accounts *accounts)
{
    return (size_t)accounts->shelf_pages_count * TG_ACCOUNT_PAGE_BYTES;
}

static size_t kept_of_bytes(const struct tg_accounts *accounts)
{
    return (size_t)accounts->shelf_pages_count * TG_ACCOUNT_PAGE_SHELVES * sizeof(uint32_t);
}

/* Shelves, and what a cut needs beside them. */
static bool shelves_take(struct tg_accounts *made)
{
    made->kept_max = made->shelf_pages_count * TG_ACCOUNT_PAGE_SHELVES / 4 + KEPT_LEAST;
    made->shelves = space_take(shelves_bytes(made));
    made->kept = space_take(made->kept_max * sizeof *made->kept);
    made->kept_of = space_take(kept_of_bytes(made));
    made->calls = space_take(made->subscribers_count_max);
    made->line_epochs = calloc(made->half_pages_count, sizeof *made->line_epochs);
    made->replay_epoch = UINT64_MAX;
    atomic_init(&made->cut_page, UINT32_MAX);
    return made->shelves != NULL && made->kept != NULL && made->kept_of != NULL &&
           made->line_epochs != NULL && made->calls != NULL;
}

enum tg_err tg_accounts_create(uint32_t subscribers_count_max, struct tg_accounts **accounts,
                               struct tg_why *why)
{
    *accounts = NULL;
    if (subscribers_count_max == 0) {
        return tg_why_set(why, TG_E_INVALID, "account lines: the subscriber maximum must not be 0");
    }
    struct tg_accounts *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "account lines: no memory");
    }
    made->subscribers_count_max = subscribers_count_max;
    made->half_pages_count =
        (uint32_t)(((uint64_t)subscribers_count_max + TG_ACCOUNT_PAGE_LINES - 1) /
                   TG_ACCOUNT_PAGE_LINES);
    made->half_bytes = (size_t)made->half_pages_count * TG_ACCOUNT_PAGE_BYTES;
    made->shelf_pages_count =
        (subscribers_count_max + TG_ACCOUNT_PAGE_SHELVES - 1) / TG_ACCOUNT_PAGE_SHELVES * 2;
    made->dirty =
        calloc((size_t)made->half_pages_count * 2 + made->shelf_pages_count, sizeof *made->dirty);
    made->used = calloc((size_t)made->half_pages_count * 2, sizeof *made->used);
    const bool has_shelves = shelves_take(made);
    made->lines[0] = tg_pages_take(made->half_bytes);
    made->lines[1] = tg_pages_take(made->half_bytes);
    if (made->dirty == NULL || made->used == NULL || made->lines[0] == NULL ||
        made->lines[1] == NULL || !has_shelves) {
        const size_t wanted_bytes = made->half_bytes * 2;
        tg_accounts_destroy(made);
        return tg_why_set(why, TG_E_NO_MEMORY, "account lines: %zu MiB for %u subscribers not had",
                          wanted_bytes >> 20, subscribers_count_max);
    }
    *accounts = made;
    return TG_OK;
}

void tg_accounts_destroy(struct tg_accounts *accounts)
{
    if (accounts == NULL) {
        return;
    }
    tg_pages_free(accounts->lines[0], accounts->half_bytes);
    tg_pages_free(accounts->lines[1], accounts->half_bytes);
    space_free(accounts->shelves, shelves_bytes(accounts));
    space_free(accounts->kept, accounts->kept_max * sizeof *accounts->kept);
    space_free(accounts->kept_of, kept_of_bytes(accounts));
    space_free(accounts->calls, accounts->subscribers_count_max);
    free(accounts->line_epochs);
    free((void *)accounts->dirty);
    free((void *)accounts->used);
    free(accounts);
}

uint32_t tg_accounts_subscribers_max(const struct tg_accounts *accounts)
{
    return accounts->subscribers_count_max;
}

void tg_accounts_prefetch(const struct tg_accounts *accounts, uint32_t subscriber, uint32_t period)
{
    __builtin_prefetch(&accounts->lines[period & 1][subscriber], 1, 3);
}

bool tg_account_line_equal(const struct tg_account_line *a, const struct tg_account_line *b)
{
    return a->period == b->period && a->calls_open == b->calls_open && a->cost == b->cost &&
           memcmp(a->meters, b->meters, sizeof a->meters) == 0;
}

struct tg_account_line *tg_accounts_slot(struct tg_accounts *accounts, uint32_t subscriber,
                                         uint32_t period)
{
    assert(subscriber < accounts->subscribers_count_max);
    return &accounts->lines[period & 1][subscriber];
}

/* A shelf is written by one worker, so its place among the kept ones is, too. */
static void shelf_keep(struct tg_accounts *accounts, size_t at)
{
    if (accounts->kept_of[at] != 0) {
        return;
    }
    const uint32_t place =
        atomic_fetch_add_explicit(&accounts->kept_count, 1, memory_order_relaxed);
    if (place < accounts->kept_max) {
        accounts->kept[place] = (struct tg_shelf_kept){accounts->shelves[at], at};
        accounts->kept_of[at] = place + 1;
    } else {
        /* No room: the cut has failed, see tg_accounts_cut_end. The count must not wrap. */
        atomic_store_explicit(&accounts->kept_count, accounts->kept_max + 1, memory_order_relaxed);
    }
}

struct tg_shelf *tg_accounts_shelf(struct tg_accounts *accounts, bool is_pool, uint32_t index)
{
    if (index >= accounts->subscribers_count_max) {
        return NULL;
    }
    /* Pools begin a page of their own. */
    const size_t at =
        (size_t)index +
        (is_pool ? (size_t)accounts->shelf_pages_count / 2 * TG_ACCOUNT_PAGE_SHELVES : 0);
    const uint32_t page = accounts->half_pages_count * 2 + (uint32_t)(at / TG_ACCOUNT_PAGE_SHELVES);
    /* Moves only while no worker runs; the worker's next ring element or call brings it. */
    if (__builtin_expect(page >= atomic_load_explicit(&accounts->cut_page, memory_order_relaxed),
                         0)) {
        shelf_keep(accounts, at);
    }
    tg_accounts_page_touch(accounts, page);
    return &accounts->shelves[at];
}

struct tg_account_line *tg_accounts_line(struct tg_accounts *accounts, uint32_t subscriber,
                                         uint32_t period)
{
    assert(period > 0);
    struct tg_account_line *line = tg_accounts_slot(accounts, subscriber, period);
    const uint32_t half = period & 1;
    const uint32_t within = subscriber / TG_ACCOUNT_PAGE_LINES;
    const uint32_t page = within + (half != 0 ? accounts->half_pages_count : 0);
    if (__builtin_expect(line->period != period, 0)) {
        /* The other month's line is a cache miss that nobody asked for ahead: not in a new month
         * whose predecessor has no line on this page. */
        const uint32_t other_page = within + (half != 0 ? 0 : accounts->half_pages_count);
        const bool has_other =
            atomic_load_explicit(&accounts->used[other_page], memory_order_relaxed) != 0;
        const struct tg_account_line none = {0};
        const struct tg_account_line *other =
            has_other ? &accounts->lines[half ^ 1][subscriber] : &none;
        /* Later than this slot's month, or than the other slot's by more than one: closed. */
        if (line->period > period || other->period > period + 1) {
            return NULL;
        }
        /* A call whose partial records cross midnight of the month's last day is still one call. */
        const uint32_t calls_open = other->period != 0 ? other->calls_open : line->calls_open;
        *line = (struct tg_account_line){.period = (uint16_t)period, .calls_open = calls_open};
        if (atomic_load_explicit(&accounts->used[page], memory_order_relaxed) == 0) {
            atomic_store_explicit(&accounts->used[page], 1, memory_order_relaxed);
        }
    }
    tg_accounts_page_touch(accounts, page);
    return line;
}

const struct tg_account_line *tg_accounts_peek(const struct tg_accounts *accounts,
                                               uint32_t subscriber, uint32_t period)
{
    assert(subscriber < accounts->subscribers_count_max);
    const struct tg_account_line *line = &accounts->lines[period & 1][subscriber];
    return period > 0 && line->period == period ? line : NULL;
}

static uint32_t calls_count(const struct tg_shelf *shelf)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < TG_BUCKETS_MAX; i++) {
        count += shelf->buckets[i].kind == TG_BUCKET_CALL && shelf->buckets[i].fired_mask == 0;
    }
    return count;
}

static uint32_t calls_find(struct tg_accounts *accounts, uint32_t subscriber)
{
    const uint32_t count = calls_count(&accounts->shelves[subscriber]);
    if (accounts->calls[subscriber] != count) {
        accounts->calls[subscriber] = (uint8_t)count;
        /* Only ever set, and read by replay, which runs alone: relaxed order is enough. */
        atomic_store_explicit(&accounts->has_calls, true, memory_order_relaxed);
    }
    return count;
}

void tg_accounts_calls_note(struct tg_accounts *accounts, uint32_t subscriber)
{
    const uint32_t count = calls_find(accounts, subscriber);
    for (uint32_t half = 0; half < 2 && !tg_accounts_is_ahead(accounts, subscriber); half++) {
        struct tg_account_line *line = &accounts->lines[half][subscriber];
        if (line->period != 0 && line->calls_open != count) {
            line->calls_open = count;
            tg_accounts_touch(accounts, subscriber, half);
        }
    }
}

uint32_t tg_accounts_calls_open(const struct tg_accounts *accounts, uint32_t subscriber)
{
    return atomic_load_explicit(&accounts->has_calls, memory_order_relaxed)
               ? accounts->calls[subscriber]
               : 0;
}

/* Units to base quantity; false when that passes the counter's 48 bits. */
static bool base_of(uint64_t units, uint8_t unit, uint64_t *base)
{
    return unit < TG_UNIT_COUNT && !__builtin_mul_overflow(units, tg_unit_base_count(unit), base) &&
           *base <= TG_METER_BASE_MAX;
}

bool tg_account_fits(const struct tg_account_line *line, const struct tg_usage *row,
                     const struct tg_charge *charge)
{
    const struct tg_account_meter *meter = &line->meters[tg_account_meter_of(row->service)];
    uint64_t billed_base;
    uint64_t allowance_base;
    int64_t cost;
    if (tg_row_is_adjustment(row)) {
        return !__builtin_add_overflow(line->cost, charge->amount, &cost);
    }
    return charge->allowance_units <= charge->billed_units &&
           base_of(charge->billed_units, charge->unit, &billed_base) &&
           base_of(charge->allowance_units, charge->unit, &allowance_base) &&
           billed_base - allowance_base <= TG_METER_BASE_MAX - meter->priced_base &&
           allowance_base <= TG_METER_BASE_MAX - meter->allowance_base &&
           tg_account_events(meter) < UINT32_MAX &&
           !__builtin_add_overflow(line->cost, charge->amount, &cost);
}

void tg_account_apply(struct tg_account_line *line, const struct tg_usage *row,
                      const struct tg_charge *charge)
{
    if (charge->fate != TG_FATE_RATED) {
        return;
    }
    assert(tg_account_fits(line, row, charge));
    struct tg_account_meter *meter = &line->meters[tg_account_meter_of(row->service)];
    if (tg_row_is_adjustment(row)) {
        /* Differences may be negative: the sums are right modulo the fields' 48 bits. */
        if (charge->unit != TG_UNIT_AMOUNT) {
            meter->priced_base += charge->billed_units - charge->allowance_units;
            meter->allowance_base += charge->allowance_units;
        }
        if (row->closing_cause == TG_ADJUST_BACKED_OUT && tg_account_events(meter) > 0) {
            const uint32_t events = tg_account_events(meter) - 1;
            meter->events_low = events & UINT16_MAX;
            meter->events_high = events >> 16;
        }
        (void)tg_account_cost_add(line, charge->amount);
        return;
    }
    const uint64_t unit_base_count = tg_unit_base_count(charge->unit);
    if (charge->unit != TG_UNIT_AMOUNT) { /* carried money is counted on the shelf */
        tg_account_meter_add(&line->meters[tg_account_meter_of(row->service)],
                             (charge->billed_units - charge->allowance_units) * unit_base_count,
                             charge->allowance_units * unit_base_count);
    }
    (void)tg_account_cost_add(line, charge->amount);
}

bool tg_account_post(struct tg_account_line *line, const struct tg_usage *row,
                     const struct tg_charge *charge, uint64_t unit_base_count)
{
    struct tg_account_meter *meter = &line->meters[tg_account_meter_of(row->service)];
    uint64_t billed_base;
    int64_t cost;
    assert(charge->allowance_units <= charge->billed_units);
    if (__builtin_mul_overflow(charge->billed_units, unit_base_count, &billed_base) ||
        billed_base > TG_METER_BASE_MAX) {
        return false;
    }
    const uint64_t allowance_base = charge->allowance_units * unit_base_count;
    if (billed_base - allowance_base > TG_METER_BASE_MAX - meter->priced_base ||
        allowance_base > TG_METER_BASE_MAX - meter->allowance_base ||
        tg_account_events(meter) == UINT32_MAX ||
        __builtin_add_overflow(line->cost, charge->amount, &cost)) {
        return false;
    }
    if (__builtin_expect(charge->unit != TG_UNIT_AMOUNT, 1)) {
        tg_account_meter_add(meter, billed_base - allowance_base, allowance_base);
    }
    line->cost = cost;
    return true;
}

uint32_t tg_accounts_pages_count(const struct tg_accounts *accounts)
{
    return accounts->half_pages_count * 2 + accounts->shelf_pages_count;
}

uint32_t tg_accounts_half_pages_count(const struct tg_accounts *accounts)
{
    return accounts->half_pages_count;
}

/* First page of a kind, and the first one after it. */
static uint32_t kind_first(const struct tg_accounts *accounts, uint32_t kind)
{
    const uint32_t half = accounts->half_pages_count;
    const uint32_t shelves = accounts->shelf_pages_count / 2;
    return kind <= 2 ? kind * half : 2 * half + (kind - 2) * shelves;
}

uint32_t tg_accounts_page_number(const struct tg_accounts *accounts, uint32_t page)
{
    uint32_t kind = KINDS_COUNT - 1;
    while (kind_first(accounts, kind) > page) {
        kind--;
    }
    return kind << KIND_SHIFT | (page - kind_first(accounts, kind));
}

uint32_t tg_accounts_page_find(const struct tg_accounts *accounts, uint32_t number)
{
    const uint32_t kind = number >> KIND_SHIFT;
    const uint32_t within = number & ((UINT32_C(1) << KIND_SHIFT) - 1);
    if (kind >= KINDS_COUNT ||
        within >= kind_first(accounts, kind + 1) - kind_first(accounts, kind)) {
        return UINT32_MAX;
    }
    return kind_first(accounts, kind) + within;
}

bool tg_accounts_page_dirty(const struct tg_accounts *accounts, uint32_t page)
{
    assert(page < tg_accounts_pages_count(accounts));
    return atomic_load_explicit(&accounts->dirty[page], memory_order_relaxed) != 0;
}

void tg_accounts_page_clean(struct tg_accounts *accounts, uint32_t page)
{
    assert(page < tg_accounts_pages_count(accounts));
    atomic_store_explicit(&accounts->dirty[page], 0, memory_order_relaxed);
}

void tg_accounts_page_mark(struct tg_accounts *accounts, uint32_t page)
{
    assert(page < tg_accounts_pages_count(accounts));
    atomic_store_explicit(&accounts->dirty[page], 1, memory_order_relaxed);
}

static uint8_t *page_at(const struct tg_accounts *accounts, uint32_t page)
{
    const uint32_t half = accounts->half_pages_count;
    if (page >= half * 2) {
        return (uint8_t *)accounts->shelves + (size_t)(page - half * 2) * TG_ACCOUNT_PAGE_BYTES;
    }
    const size_t within = page - (page >= half ? half : 0);
    return (uint8_t *)accounts->lines[page >= half] + within * TG_ACCOUNT_PAGE_BYTES;
}

/* A roster's number means nothing to another process. */
static void lines_forget(const struct tg_accounts *accounts, uint32_t page, void *bytes)
{
    struct tg_account_line *lines = bytes;
    for (size_t i = 0; page < accounts->half_pages_count * 2 && i < TG_ACCOUNT_PAGE_LINES; i++) {
        lines[i].product = 0;
        lines[i].roster_tag = 0;
    }
}

const void *tg_accounts_page_bytes(struct tg_accounts *accounts, uint32_t page)
{
    assert(page < tg_accounts_pages_count(accounts));
    lines_forget(accounts, page, page_at(accounts, page));
    return page_at(accounts, page);
}

void tg_accounts_cut_begin(struct tg_accounts *accounts)
{
    atomic_store_explicit(&accounts->kept_count, 0, memory_order_relaxed);
    atomic_store_explicit(&accounts->cut_page, accounts->half_pages_count * 2,
                          memory_order_relaxed);
}

/* What was put aside of a page goes over its copy; true when anything was. */
static bool shelves_restore(struct tg_accounts *accounts, uint32_t page, struct tg_shelf *copy)
{
    const size_t first = (size_t)(page - accounts->half_pages_count * 2) * TG_ACCOUNT_PAGE_SHELVES;
    bool is_changed = false;
    for (uint32_t i = 0; i < TG_ACCOUNT_PAGE_SHELVES; i++) {
        const uint32_t kept = accounts->kept_of[first + i];
        if (kept != 0) {
            copy[i] = accounts->kept[kept - 1].shelf;
            accounts->kept_of[first + i] = 0;
            is_changed = true;
        }
    }
    return is_changed;
}

void tg_accounts_page_take(struct tg_accounts *accounts, uint32_t page, void *to)
{
    memcpy(to, page_at(accounts, page), TG_ACCOUNT_PAGE_BYTES);
    lines_forget(accounts, page, to);
    const uint32_t first_shelf = accounts->half_pages_count * 2;
    const bool has_kept = page >= first_shelf &&
                          atomic_load_explicit(&accounts->kept_count, memory_order_relaxed) != 0;
    if (has_kept && shelves_restore(accounts, page, to)) {
        tg_accounts_page_pass(accounts, page);
        return; /* written since the cut: the next checkpoint takes it again */
    }
    tg_accounts_page_clean(accounts, page);
    tg_accounts_page_pass(accounts, page);
}

void tg_accounts_page_pass(struct tg_accounts *accounts, uint32_t page)
{
    if (page >= accounts->half_pages_count * 2) {
        atomic_store_explicit(&accounts->cut_page, page + 1, memory_order_relaxed);
    }
}

bool tg_accounts_cut_end(struct tg_accounts *accounts)
{
    const uint32_t count = atomic_load_explicit(&accounts->kept_count, memory_order_relaxed);
    const uint32_t used = count < accounts->kept_max ? count : accounts->kept_max;
    atomic_store_explicit(&accounts->cut_page, UINT32_MAX, memory_order_relaxed);
    for (uint32_t i = 0; i < used; i++) {
        accounts->kept_of[accounts->kept[i].at] = 0;
    }
    atomic_store_explicit(&accounts->kept_count, 0, memory_order_relaxed);
    return count <= accounts->kept_max;
}

uint64_t tg_accounts_kept_count(const struct tg_accounts *accounts)
{
    return atomic_load_explicit(&accounts->kept_count, memory_order_relaxed);
}

void tg_accounts_page_epoch(struct tg_accounts *accounts, uint32_t page, uint64_t epoch)
{
    if (page < accounts->half_pages_count * 2) {
        uint64_t *last = &accounts->line_epochs[page % accounts->half_pages_count];
        *last = epoch > *last ? epoch : *last;
        accounts->line_epoch_max =
            epoch > accounts->line_epoch_max ? epoch : accounts->line_epoch_max;
    }
}

void tg_accounts_replay_epoch(struct tg_accounts *accounts, uint64_t epoch)
{
    accounts->replay_epoch = epoch;
}

bool tg_accounts_is_ahead(const struct tg_accounts *accounts, uint32_t subscriber)
{
    return accounts->line_epochs[subscriber / TG_ACCOUNT_PAGE_LINES] >= accounts->replay_epoch;
}

/* Is every line in the half of its month, every bucket of a kind we know? */
static bool page_is_sound(const struct tg_accounts *accounts, uint32_t page, const uint8_t *bytes)
{
    if (page >= accounts->half_pages_count * 2) {
        for (size_t at = 0; at < TG_ACCOUNT_PAGE_BYTES; at += sizeof(struct tg_bucket)) {
            if (bytes[at + offsetof(struct tg_bucket, kind)] >= TG_BUCKET_KINDS_COUNT) {
                return false;
            }
        }
        return true;
    }
    const uint32_t half = page >= accounts->half_pages_count;
    for (size_t i = 0; i < TG_ACCOUNT_PAGE_LINES; i++) {
        uint16_t period;
        memcpy(&period, bytes + i * TG_ACCOUNT_LINE_BYTES, sizeof period);
        if (period != 0 && (period & 1) != half) {
            return false;
        }
    }
    return true;
}

enum tg_err tg_accounts_page_load(struct tg_accounts *accounts, uint32_t page, const void *bytes,
                                  size_t size_bytes)
{
    if (page >= tg_accounts_pages_count(accounts)) {
        return TG_E_INVALID;
    }
    if (size_bytes != TG_ACCOUNT_PAGE_BYTES || !page_is_sound(accounts, page, bytes)) {
        return TG_E_CORRUPT;
    }
    memcpy(page_at(accounts, page), bytes, TG_ACCOUNT_PAGE_BYTES);
    lines_forget(accounts, page, page_at(accounts, page));
    if (page < accounts->half_pages_count * 2) {
        atomic_store_explicit(&accounts->used[page], 1, memory_order_relaxed);
    } else {
        const uint32_t first = (page - accounts->half_pages_count * 2) * TG_ACCOUNT_PAGE_SHELVES;
        for (uint32_t i = 0; i < TG_ACCOUNT_PAGE_SHELVES; i++) {
            if (first + i < accounts->subscribers_count_max) {
                (void)calls_find(accounts, first + i);
            }
        }
    }
    tg_accounts_page_clean(accounts, page);
    return TG_OK;
}
