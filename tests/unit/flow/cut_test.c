/* SPDX-License-Identifier: Apache-2.0 */
/* Pages copied between epochs while rows go on: what each holds, and that recovery from them ends
 * where the rows did. */
#include "flow/cut.h"

#include "mediate/cumulative.h"
#include "rate/account.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { SUBSCRIBERS = 40000, EPOCHS = 400, EPOCH_ROWS = 400, CUT_EPOCH = 10, ACCOUNTS = 100 };
/* Shelves of accounts begin a page of their own behind those of subscribers. */
#define POOLS_FROM                                                                                 \
    ((SUBSCRIBERS + TG_ACCOUNT_PAGE_SHELVES - 1) / TG_ACCOUNT_PAGE_SHELVES *                       \
     TG_ACCOUNT_PAGE_SHELVES)

/* A row: its line gets a cost; its own shelf takes what it can, and the account's pool the rest, so
 * that the pool depends on the shelf. */
struct row {
    uint32_t subscriber;
    uint32_t period;
    int64_t cost;
    uint64_t units;
};

static struct row rows[EPOCHS][EPOCH_ROWS];

static void rows_make(void)
{
    uint64_t state = 77;
    for (uint32_t e = 0; e < EPOCHS; e++) {
        for (uint32_t i = 0; i < EPOCH_ROWS; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            const uint32_t draw = (uint32_t)(state >> 33);
            /* The month changes while pages are copied, and some rows are late. */
            rows[e][i] = (struct row){.subscriber = draw % SUBSCRIBERS,
                                      .period = 600 + (e > 20 && draw / 7 % 5 != 0),
                                      .cost = draw % 1000,
                                      .units = draw % 50};
        }
    }
}

static void post(struct tg_accounts *accounts, const struct row *row)
{
    if (!tg_accounts_is_ahead(accounts, row->subscriber)) {
        struct tg_account_line *line = tg_accounts_line(accounts, row->subscriber, row->period);
        if (line != NULL) {
            line->cost += row->cost;
            line->calls_open = (uint32_t)row->cost; /* a new month's line takes it over */
        }
    }
    struct tg_bucket *own = &tg_accounts_shelf(accounts, false, row->subscriber)->buckets[0];
    struct tg_bucket *pool =
        &tg_accounts_shelf(accounts, true, row->subscriber % ACCOUNTS)->buckets[0];
    const uint64_t left = own->used_base < 60 ? 60 - own->used_base : 0;
    const uint64_t taken = row->units < left ? row->units : left;
    own->used_base += taken;
    pool->used_base += row->units - taken;
}

static struct tg_accounts *accounts_make(void)
{
    struct tg_accounts *made = NULL;
    cr_assert_eq(tg_accounts_create(SUBSCRIBERS, &made, NULL), TG_OK);
    return made;
}

static bool accounts_equal(struct tg_accounts *a, struct tg_accounts *b)
{
    for (uint32_t page = 0; page < tg_accounts_pages_count(a); page++) {
        if (memcmp(tg_accounts_page_bytes(a, page), tg_accounts_page_bytes(b, page),
                   TG_ACCOUNT_PAGE_BYTES) != 0) {
            return false;
        }
    }
    return true;
}

struct rig {
    struct tg_dispatch dispatch;
    struct tg_sources *sources;
    struct tg_accounts *live;
    struct tg_accounts *back; /* pages as they come, as recovery loads them */
    struct tg_cut *cut;
    uint64_t numbers[4000];
    uint32_t pages_count;
    uint64_t epochs_seen; /* different ones */
};

static void rig_open(struct rig *rig)
{
    *rig = (struct rig){.sources = tg_sources_create()};
    rig->live = accounts_make();
    rig->back = accounts_make();
    /* A page an epoch, however fast the machine is. */
    const struct tg_cut_params params = {
        .accounts = rig->live, .dispatch = &rig->dispatch, .sources = rig->sources, .budget_ns = 1};
    cr_assert_eq(tg_cut_create(&params, &rig->cut, NULL), TG_OK);
    rows_make();
}

static void rig_close(struct rig *rig)
{
    tg_cut_destroy(rig->cut);
    tg_accounts_destroy(rig->live);
    tg_accounts_destroy(rig->back);
    tg_sources_free(rig->sources);
}

/* Few pages an epoch, so that they are of many. */
static void pages_load(struct rig *rig, uint32_t most)
{
    const struct tg_cut_page *page;
    static uint64_t last;
    while (most-- > 0 && (page = tg_cut_page_next(rig->cut)) != NULL) {
        const uint32_t number = tg_accounts_page_find(rig->back, (uint32_t)page->number);
        cr_assert_eq(page->number >> 32, TG_CUT_ACCOUNTS);
        cr_assert_eq(tg_accounts_page_load(rig->back, number, page->bytes, page->size_bytes),
                     TG_OK);
        tg_accounts_page_epoch(rig->back, number, page->epoch);
        rig->numbers[rig->pages_count++] = page->number;
        rig->epochs_seen += page->epoch != last;
        last = page->epoch;
        tg_cut_page_done(rig->cut);
    }
}

static void epoch_run(struct rig *rig, uint32_t epoch)
{
    for (uint32_t i = 0; i < EPOCH_ROWS; i++) {
        post(rig->live, &rows[epoch - 1][i]);
    }
    if (tg_cut_is_waiting(rig->cut)) {
        tg_cut_serve(rig->cut, epoch);
    }
}

/* The cut at an epoch, its pages taken and loaded while rows go on, until it is whole. */
static uint32_t cut_run(struct rig *rig, uint32_t epoch)
{
    tg_cut_phase_set(rig->cut, TG_CUT_BEGIN);
    for (; epoch <= EPOCHS && rig->cut->phase != TG_CUT_TAKEN; epoch++) {
        epoch_run(rig, epoch);
        pages_load(rig, 8);
    }
    cr_assert_eq(rig->cut->phase, TG_CUT_TAKEN, "not whole after all epochs");
    cr_expect(rig->cut->is_whole);
    pages_load(rig, UINT32_MAX);
    tg_cut_phase_set(rig->cut, TG_CUT_IDLE);
    return epoch;
}

static void replay(struct rig *rig, uint64_t epoch, uint32_t last)
{
    for (uint64_t e = epoch + 1; e <= last; e++) {
        tg_accounts_replay_epoch(rig->back, e);
        for (uint32_t i = 0; i < EPOCH_ROWS; i++) {
            post(rig->back, &rows[e - 1][i]);
        }
    }
    tg_accounts_replay_epoch(rig->back, UINT64_MAX);
}

Test(cut, pages_of_many_epochs_and_replay_end_where_the_rows_did)
{
    /* If this fails, a row after the cut is in a balance twice or not at all after a crash. */
    struct rig rig;
    rig_open(&rig);
    for (uint32_t epoch = 1; epoch < CUT_EPOCH; epoch++) {
        epoch_run(&rig, epoch);
    }
    uint32_t epoch = cut_run(&rig, CUT_EPOCH);
    cr_expect_eq(rig.cut->epoch, CUT_EPOCH);
    cr_expect(rig.epochs_seen > 3, "%llu epochs", (unsigned long long)rig.epochs_seen);
    cr_expect(rig.cut->kept_count > 100, "rows changed shelves that were not copied yet");
    cr_expect(rig.cut->epoch_last > rig.cut->epoch);
    for (; epoch <= EPOCHS; epoch++) {
        epoch_run(&rig, epoch);
    }
    cr_expect_not(accounts_equal(rig.live, rig.back), "rows came after the pages");
    replay(&rig, CUT_EPOCH, EPOCHS);
    cr_expect(accounts_equal(rig.live, rig.back));
    rig_close(&rig);
}

Test(cut, pages_find_their_place_where_there_is_room_for_more)
{
    /* If this fails, a start with more subscribers puts balances where others look for them. */
    struct tg_accounts *small = NULL;
    struct tg_accounts *large = NULL;
    static uint8_t page[TG_ACCOUNT_PAGE_BYTES];
    cr_assert_eq(tg_accounts_create(5000, &small, NULL), TG_OK);
    cr_assert_eq(tg_accounts_create(50000, &large, NULL), TG_OK);
    tg_accounts_line(small, 4999, 601)->cost = 11;
    tg_accounts_line(small, 4999, 602)->cost = 12;
    tg_accounts_shelf(small, false, 4999)->buckets[0].used_base = 13;
    tg_accounts_shelf(small, true, 17)->buckets[0].used_base = 14;
    for (uint32_t i = 0; i < tg_accounts_pages_count(small); i++) {
        const uint32_t number = tg_accounts_page_number(small, i);
        cr_assert_eq(tg_accounts_page_find(small, number), i);
        tg_accounts_page_take(small, i, page);
        cr_assert_eq(
            tg_accounts_page_load(large, tg_accounts_page_find(large, number), page, sizeof page),
            TG_OK);
    }
    cr_expect_eq(tg_accounts_peek(large, 4999, 601)->cost, 11);
    cr_expect_eq(tg_accounts_peek(large, 4999, 602)->cost, 12);
    cr_expect_eq(tg_accounts_shelf(large, false, 4999)->buckets[0].used_base, 13);
    cr_expect_eq(tg_accounts_shelf(large, true, 17)->buckets[0].used_base, 14);
    const uint32_t last = tg_accounts_page_number(large, tg_accounts_half_pages_count(large) - 1);
    cr_expect_eq(tg_accounts_page_find(small, last), UINT32_MAX, "no room");
    tg_accounts_destroy(small);
    tg_accounts_destroy(large);
}

Test(cut, shelves_are_as_of_the_cut)
{
    /* If this fails, a change after the cut leaks into the checkpoint, and replay makes it again.
     */
    struct rig rig;
    rig_open(&rig);
    for (uint32_t epoch = 1; epoch <= CUT_EPOCH; epoch++) {
        epoch_run(&rig, epoch);
    }
    const uint32_t shelves = tg_accounts_half_pages_count(rig.live) * 2;
    const uint32_t count = tg_accounts_pages_count(rig.live);
    uint8_t *then = malloc((size_t)(count - shelves) * TG_ACCOUNT_PAGE_BYTES);
    for (uint32_t page = shelves; page < count; page++) {
        memcpy(then + (size_t)(page - shelves) * TG_ACCOUNT_PAGE_BYTES,
               tg_accounts_page_bytes(rig.live, page), TG_ACCOUNT_PAGE_BYTES);
    }
    (void)cut_run(&rig, CUT_EPOCH + 1);
    cr_expect_eq(rig.cut->epoch, CUT_EPOCH + 1);
    for (uint32_t i = 0; i < EPOCH_ROWS; i++) { /* that epoch's rows, on the model */
        const struct row *row = &rows[CUT_EPOCH][i];
        struct tg_shelf *own = (struct tg_shelf *)then + row->subscriber;
        struct tg_shelf *pool = (struct tg_shelf *)then + POOLS_FROM + row->subscriber % ACCOUNTS;
        const uint64_t used = own->buckets[0].used_base;
        const uint64_t left = used < 60 ? 60 - used : 0;
        const uint64_t taken = row->units < left ? row->units : left;
        own->buckets[0].used_base += taken;
        pool->buckets[0].used_base += row->units - taken;
    }
    for (uint32_t page = shelves; page < count; page++) {
        cr_assert_eq(memcmp(tg_accounts_page_bytes(rig.back, page),
                            then + (size_t)(page - shelves) * TG_ACCOUNT_PAGE_BYTES,
                            TG_ACCOUNT_PAGE_BYTES),
                     0, "page %u", page);
    }
    free(then);
    rig_close(&rig);
}

Test(cut, the_next_one_has_what_was_written_meanwhile)
{
    /* If this fails, the second checkpoint lacks rows that came while the first was written. */
    struct rig rig;
    rig_open(&rig);
    for (uint32_t epoch = 1; epoch < CUT_EPOCH; epoch++) {
        epoch_run(&rig, epoch);
    }
    tg_cut_phase_set(rig.cut, TG_CUT_BEGIN);
    epoch_run(&rig, CUT_EPOCH);
    for (uint32_t i = 0; i < EPOCH_ROWS; i++) { /* between the cut and its first page; then none */
        post(rig.live, &rows[CUT_EPOCH][i]);
    }
    for (uint32_t round = 0; round < 2; round++) {
        while (rig.cut->phase != TG_CUT_TAKEN) {
            tg_cut_serve(rig.cut, CUT_EPOCH + 1);
            pages_load(&rig, UINT32_MAX);
        }
        cr_expect_eq(rig.cut->kept_count > 0, round == 0);
        tg_cut_phase_set(rig.cut, round == 0 ? TG_CUT_BEGIN : TG_CUT_IDLE);
    }
    cr_expect(accounts_equal(rig.live, rig.back));
    for (uint32_t page = 0; page < tg_accounts_pages_count(rig.live); page++) {
        cr_expect_not(tg_accounts_page_dirty(rig.live, page));
    }
    rig_close(&rig);
}

Test(cut, one_that_is_given_up_leaves_every_page_for_the_next)
{
    /* If this fails, a checkpoint after a full disk lacks pages for ever. */
    struct rig rig;
    rig_open(&rig);
    uint32_t epoch = 1;
    for (; epoch < CUT_EPOCH; epoch++) {
        epoch_run(&rig, epoch);
    }
    tg_cut_phase_set(rig.cut, TG_CUT_BEGIN);
    for (; epoch < CUT_EPOCH + 5; epoch++) {
        epoch_run(&rig, epoch);
        pages_load(&rig, 8);
    }
    cr_assert_eq(rig.cut->phase, TG_CUT_PAGES);
    tg_cut_phase_set(rig.cut, TG_CUT_ABANDON);
    epoch_run(&rig, epoch++);
    cr_expect_eq(rig.cut->phase, TG_CUT_IDLE);
    cr_expect_eq(tg_accounts_kept_count(rig.live), 0);
    pages_load(&rig, UINT32_MAX);
    for (uint32_t i = 0; i < rig.pages_count; i++) {
        tg_cut_page_mark(rig.cut, rig.numbers[i]);
    }
    tg_accounts_destroy(rig.back);
    rig.back = accounts_make();
    const uint32_t cut_epoch = epoch;
    epoch = cut_run(&rig, epoch);
    replay(&rig, cut_epoch, epoch - 1);
    cr_expect(accounts_equal(rig.live, rig.back));
    rig_close(&rig);
}

Test(cut, readings_of_many_epochs_and_replay_end_where_the_rows_did)
{
    /* If this fails, an open session's next reading after a crash charges usage twice or loses it.
     */
    enum { SESSIONS = 10000, READINGS = 40000, STEP = 500 };
    static uint8_t page[TG_CUMULATIVE_PAGE_BYTES];
    static struct tg_usage deltas[READINGS];
    struct tg_cumulative *live = tg_cumulative_create(SESSIONS);
    struct tg_cumulative *back = tg_cumulative_create(SESSIONS);
    const uint32_t pages_count = tg_cumulative_pages_count(live);
    cr_assert(pages_count > 3, "%u pages", pages_count);
    static uint64_t sums[SESSIONS];
    uint64_t state = 3;
    uint32_t taken = 1;
    for (uint32_t i = 0; i < READINGS; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const uint32_t session = (uint32_t)(state >> 33) % SESSIONS;
        sums[session] += 1 + (uint32_t)(state >> 50);
        deltas[i] = (struct tg_usage){.peer_key = session + 1,
                                      .quantity_up = sums[session],
                                      .start_ns = 1000 + session,
                                      .flags = TG_USAGE_CUMULATIVE};
        cr_assert_eq(tg_cumulative_delta(live, &deltas[i]), TG_OK);
        const uint64_t epoch = i / STEP + 1;
        if (i % STEP == STEP - 1 && epoch >= CUT_EPOCH && taken <= pages_count) {
            const uint32_t number = taken++ % pages_count; /* the head last */
            const uint32_t size = tg_cumulative_page_take(live, number, page);
            cr_assert_eq(tg_cumulative_page_load(back, number, epoch, page, size), TG_OK);
        }
    }
    cr_assert(taken > pages_count);
    for (uint32_t i = CUT_EPOCH * STEP; i < READINGS; i++) {
        tg_cumulative_replay(back, &deltas[i], i / STEP + 1);
    }
    for (uint32_t session = 0; session < SESSIONS; session++) {
        struct tg_usage row = {
            .peer_key = session + 1, .quantity_up = sums[session] + 5, .start_ns = 1000 + session};
        cr_assert_eq(tg_cumulative_delta(back, &row), TG_OK);
        cr_assert_eq(row.quantity_up, 5, "session %u", session);
    }
    tg_cumulative_free(live);
    tg_cumulative_free(back);
}
