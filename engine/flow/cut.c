/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/cut.h"

#include "base/arena.h"
#include "base/clock.h"
#include "mediate/cumulative.h"
#include "mediate/session.h"
#include "rate/account.h"

_Static_assert(TG_CUT_BUFFER_BYTES >= TG_ACCOUNT_PAGE_BYTES, "a page of lines or shelves");
_Static_assert(TG_CUT_BUFFER_BYTES >= TG_SESSIONS_PAGE_BYTES, "a page of sessions");
_Static_assert(TG_CUT_BUFFER_BYTES >= TG_CUMULATIVE_PAGE_BYTES, "a page of readings");

/* Shelves first: what is put aside meanwhile takes memory. The head of the readings last. */
enum part { PART_SHELVES, PART_LINES, PART_SESSIONS, PART_CUMULATIVE, PART_HEAD, PARTS_COUNT };

enum tg_err tg_cut_create(const struct tg_cut_params *params, struct tg_cut **cut,
                          struct tg_why *why)
{
    struct tg_cut *made = tg_pages_take(sizeof *made);
    *cut = made;
    if (made != NULL) {
        made->params = *params;
        made->params.budget_ns = params->budget_ns != 0 ? params->budget_ns : TG_CUT_BUDGET_NS;
        made->buffers = tg_pages_take((size_t)TG_CUT_BUFFERS_COUNT * TG_CUT_BUFFER_BYTES);
    }
    if (made == NULL || made->buffers == NULL) {
        tg_cut_destroy(made);
        *cut = NULL;
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the buffers of a checkpoint");
    }
    for (uint32_t i = 0; i < TG_CUT_BUFFERS_COUNT; i++) {
        made->pages[i].bytes = made->buffers + (size_t)i * TG_CUT_BUFFER_BYTES;
    }
    return TG_OK;
}

void tg_cut_destroy(struct tg_cut *cut)
{
    if (cut != NULL) {
        tg_pages_free(cut->buffers, (size_t)TG_CUT_BUFFERS_COUNT * TG_CUT_BUFFER_BYTES);
        tg_pages_free(cut, sizeof *cut);
    }
}

static const struct tg_decoder_slot *saver(const struct tg_cut *cut, uint32_t slot)
{
    const struct tg_dispatch *dispatch = cut->params.dispatch;
    return slot < dispatch->slots_count && dispatch->slots[slot].decoder->save != NULL
               ? &dispatch->slots[slot]
               : NULL;
}

/* false: a state has outgrown its room, which the asker makes larger. */
static bool states_save(struct tg_cut *cut)
{
    bool is_saved = true;
    for (uint32_t i = 0; i < TG_DECODERS_MAX; i++) {
        const struct tg_decoder_slot *slot = saver(cut, i);
        struct tg_cut_state *state = &cut->states[i];
        state->size_bytes =
            slot == NULL ? 0
                         : slot->decoder->save(slot->state, state->bytes, state->capacity_bytes);
        is_saved = is_saved && state->size_bytes <= state->capacity_bytes;
    }
    return is_saved;
}

static enum tg_cut_phase cut_begin(struct tg_cut *cut, uint64_t epoch)
{
    if (!states_save(cut)) {
        return TG_CUT_MEASURED;
    }
    cut->sources_count = tg_sources_count(cut->params.sources);
    for (uint32_t id = 1; id < cut->sources_count; id++) {
        cut->sources[id] = tg_sources_at(cut->params.sources, (uint16_t)id)->key;
    }
    cut->epoch = epoch;
    cut->epoch_last = epoch;
    cut->walk = (struct tg_cut_walk){0};
    tg_accounts_cut_begin(cut->params.accounts);
    return TG_CUT_PAGES;
}

static uint32_t room(const struct tg_cut *cut)
{
    /* Pairs with the release in tg_cut_page_done: the buffer is read. */
    return TG_CUT_BUFFERS_COUNT - (cut->tail - __atomic_load_n(&cut->head, __ATOMIC_ACQUIRE));
}

static uint8_t *buffer_of(struct tg_cut *cut)
{
    return cut->pages[cut->tail % TG_CUT_BUFFERS_COUNT].bytes;
}

static void taken(struct tg_cut *cut, enum tg_cut_table table, uint32_t page, uint64_t epoch,
                  uint32_t size_bytes)
{
    struct tg_cut_page *to = &cut->pages[cut->tail % TG_CUT_BUFFERS_COUNT];
    to->number = (uint64_t)table << 32 | page;
    to->epoch = epoch;
    to->size_bytes = size_bytes;
    cut->epoch_last = epoch > cut->epoch_last ? epoch : cut->epoch_last;
    /* Pairs with the acquire in tg_cut_page_next. */
    __atomic_store_n(&cut->tail, cut->tail + 1, __ATOMIC_RELEASE);
}

static void account_visit(struct tg_cut *cut, uint32_t page, uint64_t epoch)
{
    struct tg_accounts *accounts = cut->params.accounts;
    if (!tg_accounts_page_dirty(accounts, page)) {
        tg_accounts_page_pass(accounts, page);
        return;
    }
    tg_accounts_page_take(accounts, page, buffer_of(cut));
    /* A shelf is as of the cut, whenever it is copied. */
    const bool is_shelf = page >= tg_accounts_half_pages_count(accounts) * 2;
    taken(cut, TG_CUT_ACCOUNTS, tg_accounts_page_number(accounts, page),
          is_shelf ? cut->epoch : epoch, TG_ACCOUNT_PAGE_BYTES);
}

/* Visits one page, or a pair. */
static void visit(struct tg_cut *cut, uint32_t part, uint32_t at, uint64_t epoch)
{
    const struct tg_cut_params *params = &cut->params;
    const uint32_t half = tg_accounts_half_pages_count(params->accounts);
    switch (part) {
    case PART_SHELVES:
        account_visit(cut, half * 2 + at, epoch);
        break;
    case PART_LINES:
        account_visit(cut, at, epoch);
        account_visit(cut, half + at, epoch);
        break;
    case PART_SESSIONS:
        if (tg_sessions_page_dirty(params->sessions, at)) {
            taken(cut, TG_CUT_SESSIONS, at, epoch,
                  tg_sessions_page_take(params->sessions, at, buffer_of(cut)));
        }
        break;
    default: {
        const uint32_t page = part == PART_HEAD ? 0 : 1 + at;
        if (tg_cumulative_page_dirty(params->cumulative, page)) {
            taken(cut, TG_CUT_CUMULATIVE, page, epoch,
                  tg_cumulative_page_take(params->cumulative, page, buffer_of(cut)));
        }
        break;
    }
    }
}

static uint32_t part_count(const struct tg_cut *cut, uint32_t part)
{
    const struct tg_cut_params *params = &cut->params;
    switch (part) {
    case PART_SHELVES:
        return tg_accounts_pages_count(params->accounts) -
               tg_accounts_half_pages_count(params->accounts) * 2;
    case PART_LINES:
        return tg_accounts_half_pages_count(params->accounts);
    case PART_SESSIONS:
        return params->sessions != NULL ? tg_sessions_pages_count(params->sessions) : 0;
    case PART_CUMULATIVE:
        return params->cumulative != NULL ? tg_cumulative_pages_count(params->cumulative) - 1 : 0;
    default:
        return params->cumulative != NULL ? 1 : 0;
    }
}

static enum tg_cut_phase pages_take(struct tg_cut *cut, uint64_t epoch, int64_t until_ns)
{
    struct tg_cut_walk *walk = &cut->walk;
    while (walk->part < PARTS_COUNT) {
        const uint32_t count = part_count(cut, walk->part);
        for (; walk->next < count; walk->next++) {
            const uint32_t tail = cut->tail;
            if (room(cut) < 2) {
                return TG_CUT_PAGES;
            }
            visit(cut, walk->part, walk->next, epoch);
            /* The clock is asked after a copy, or now and then: clean pages cost a load each. */
            if ((cut->tail != tail || walk->next % 1024 == 1023) &&
                tg_clock_monotonic_ns() >= until_ns) {
                walk->next++;
                return TG_CUT_PAGES;
            }
        }
        *walk = (struct tg_cut_walk){walk->part + 1, 0};
    }
    cut->kept_count = tg_accounts_kept_count(cut->params.accounts);
    cut->is_whole = tg_accounts_cut_end(cut->params.accounts);
    return TG_CUT_TAKEN;
}

void tg_cut_serve(struct tg_cut *cut, uint64_t epoch)
{
    const int64_t from_ns = tg_clock_monotonic_ns();
    /* Pairs with the release store of tg_cut_phase_set by the asker. */
    const uint32_t phase = __atomic_load_n(&cut->phase, __ATOMIC_ACQUIRE);
    enum tg_cut_phase next = TG_CUT_IDLE;
    switch (phase) {
    case TG_CUT_MEASURE:
        (void)states_save(cut);
        next = TG_CUT_MEASURED;
        break;
    case TG_CUT_BEGIN:
        next = cut_begin(cut, epoch);
        break;
    case TG_CUT_PAGES:
        next = pages_take(cut, epoch, from_ns + cut->params.budget_ns);
        break;
    case TG_CUT_ABANDON:
        (void)tg_accounts_cut_end(cut->params.accounts);
        break;
    default:
        return;
    }
    const int64_t pause_ns = tg_clock_monotonic_ns() - from_ns;
    cut->pause_ns_max = pause_ns > cut->pause_ns_max ? pause_ns : cut->pause_ns_max;
    cut->pause_ns_sum += pause_ns;
    if (next != phase) { /* else it stays, or the asker has given up meanwhile */
        tg_cut_phase_set(cut, next);
    }
}

const struct tg_cut_page *tg_cut_page_next(struct tg_cut *cut)
{
    /* Pairs with the release in taken: the buffer is whole. */
    return cut->head == __atomic_load_n(&cut->tail, __ATOMIC_ACQUIRE)
               ? NULL
               : &cut->pages[cut->head % TG_CUT_BUFFERS_COUNT];
}

void tg_cut_page_done(struct tg_cut *cut)
{
    __atomic_store_n(&cut->head, cut->head + 1, __ATOMIC_RELEASE);
}

void tg_cut_page_mark(struct tg_cut *cut, uint64_t number)
{
    const uint32_t page = (uint32_t)number;
    switch (number >> 32) {
    case TG_CUT_ACCOUNTS:
        tg_accounts_page_mark(cut->params.accounts,
                              tg_accounts_page_find(cut->params.accounts, page));
        break;
    case TG_CUT_SESSIONS:
        tg_sessions_page_mark(cut->params.sessions, page);
        break;
    default:
        tg_cumulative_page_mark(cut->params.cumulative, page);
        break;
    }
}
