/* SPDX-License-Identifier: Apache-2.0 */
#include "credit_world.h"

#include <stdlib.h>

#define JOURNAL_MAX 20000u

static void engine_open(struct credit_world *w)
{
    const struct tg_rate_params params = {.subscribers_count_max = FIXTURE_SUBSCRIBERS};
    cr_assert_eq(tg_rate_create(&params, &w->rate, NULL), TG_OK);
    cr_assert_eq(tg_credit_book_open(FIXTURE_SUBSCRIBERS, &w->book, NULL), TG_OK);
    cr_assert_eq(
        tg_credit_create(w->book, tg_rate_accounts(w->rate), CREDIT_ENTRIES, &w->credit, NULL),
        TG_OK);
}

static void engine_close(struct credit_world *w)
{
    tg_credit_destroy(w->credit);
    tg_credit_book_close(w->book);
    tg_rate_destroy(w->rate);
}

void credit_world_open(struct credit_world *w, uint64_t seed, bool is_simple)
{
    *w = (struct credit_world){.seed = seed, .is_simple = is_simple};
    fixture_init(&w->f);
    struct fixture_price *price =
        fixture_price(&w->f, 0, "per_unit", TG_UNIT_SECOND, CREDIT_RATE, 1);
    price->price.first_increment = 10;
    price->price.next_increment = 5;
    price->price.connect_fee = CREDIT_CONNECT;
    (void)fixture_service(&w->f, TG_SERVICE_VOICE, 0);
    if (!is_simple) {
        fixture_allowance(&w->f, TG_SERVICE_VOICE, 0, 60000);
    }
    for (uint32_t i = 0; i < CREDIT_ACCOUNTS; i++) {
        w->accounts[i] = (struct tg_roster_account){.currency = 978, .cycle_day = 1};
        w->credits[i].is_prepaid = i + 1 < CREDIT_ACCOUNTS;
        w->credits[i].limit = i * 300;
    }
    w->credits[0].alerts[0] = 100;
    w->credits[0].alerts_count = 1;
    for (uint32_t i = 0; i < FIXTURE_SUBSCRIBERS; i++) {
        w->f.lines[i].account = i % CREDIT_ACCOUNTS;
    }
    w->f.roster.accounts = w->accounts;
    w->f.roster.credits = w->credits;
    w->f.roster.accounts_count = CREDIT_ACCOUNTS;
    w->journal = calloc(JOURNAL_MAX, sizeof *w->journal);
    w->now_ns = fixture_ns("2026-03-01T00:00:00Z");
    engine_open(w);
}

void credit_world_close(struct credit_world *w)
{
    engine_close(w);
    free(w->journal);
}

static struct credit_piece *piece_add(struct credit_world *w)
{
    cr_assert_lt(w->journal_count, JOURNAL_MAX);
    struct credit_piece *piece = &w->journal[w->journal_count++];
    memset(piece, 0, sizeof *piece);
    return piece;
}

void credit_world_events(struct credit_world *w)
{
    uint32_t count;
    const struct tg_credit_event *events = tg_credit_events(w->credit, &count);
    for (uint32_t i = 0; i < count; i++) {
        struct credit_piece *piece = piece_add(w);
        piece->is_event = true;
        piece->event = events[i];
    }
    tg_credit_events_done(w->credit);
}

struct tg_charge credit_world_row(struct credit_world *w, const struct tg_usage *row,
                                  struct tg_charge charge)
{
    tg_rate_run(w->rate, &w->f.snapshot, row, &charge, 1);
    tg_credit_debit(w->credit, &w->f.roster, row, &charge, 1);
    struct credit_piece *piece = piece_add(w);
    piece->row = *row;
    piece->charge = charge;
    return charge;
}

struct tg_credit_answer credit_world_ask(struct credit_world *w,
                                         const struct tg_credit_request *request)
{
    struct tg_credit_answer answer = {.err = TG_E_NOT_FOUND};
    struct tg_usage row;
    struct tg_charge charge;
    if (tg_credit_ask(w->credit, &w->f.snapshot, request, w->now_ns, 1, &answer, &row, &charge)) {
        charge = credit_world_row(w, &row, charge);
        tg_credit_finish(w->credit, &w->f.snapshot, request, w->now_ns, 1, &row, &charge, &answer);
    }
    credit_world_events(w);
    return answer;
}

/* A block of the journal keeps rows and events apart, each in their order. */
static void block_replay(struct credit_world *w, uint32_t from, uint32_t to)
{
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = from; i < to; i++) {
            const struct credit_piece *piece = &w->journal[i];
            if (piece->is_event && pass == w->seed % 2) {
                cr_assert_eq(tg_credit_replay(w->credit, &piece->event), TG_OK, "piece %u", i);
            } else if (!piece->is_event && pass != w->seed % 2) {
                cr_assert_eq(tg_rate_apply(w->rate, &w->f.snapshot, &piece->row, &piece->charge, 1),
                             TG_OK);
                tg_credit_replay_row(w->credit, w->f.lines[piece->charge.subscriber].account,
                                     &piece->charge);
            }
        }
    }
}

/* The whole journal into a new engine, as after SIGKILL. */
void credit_world_crash(struct credit_world *w)
{
    w->journal_count = w->durable_count;
    w->model = w->durable;
    engine_close(w);
    engine_open(w);
    for (uint32_t from = 0; from < w->journal_count; from += 16) {
        block_replay(w, from, from + 16 < w->journal_count ? from + 16 : w->journal_count);
    }
}

struct tg_credit_answer credit_world_balance(struct credit_world *w, uint32_t account)
{
    const struct tg_credit_request request = {.action = TG_CREDIT_DO_BALANCE, .account = account};
    return credit_world_ask(w, &request);
}
