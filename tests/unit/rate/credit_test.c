/* SPDX-License-Identifier: Apache-2.0 */
/* The prepaid ledger against a model that is slow and obvious, over random histories with crashes.
 */
#include "rate_fixture.h"

#include "rate/credit.h"
#include "rate/grant.h"

#include <stdlib.h>

#define ACCOUNTS    4u /* the last one is postpaid */
#define SUBSCRIBERS 8u
#define IDS         400u
#define JOURNAL_MAX 20000u
#define ENTRIES     512u
#define RATE        INT64_C(7)
#define CONNECT     INT64_C(30)

/* A piece of the journal: a row with its verdict, or an event. */
struct piece {
    struct tg_usage row;
    struct tg_charge charge;
    struct tg_credit_event event;
    bool is_event;
};

struct model_id {
    uint8_t state; /* enum tg_credit_state */
    uint32_t account;
    uint64_t asked;
    uint64_t granted;
    uint64_t used;
    int64_t held;
    int64_t charge;
    int64_t valid_to_ns;
    int64_t amount;
    bool is_outage;
    struct tg_credit_request request;
};

/* Money that lapses then; the soonest first, empty ones anywhere. */
struct model_lot {
    int64_t valid_to_ns;
    int64_t left;
};

struct model {
    int64_t balance[ACCOUNTS];
    struct model_lot lots[ACCOUNTS][TG_CREDIT_LOTS_MAX];
    struct model_id ids[IDS];
    uint32_t ids_count;
};

struct world {
    struct fixture f;
    struct tg_roster_account accounts[ACCOUNTS];
    struct tg_roster_credit credits[ACCOUNTS];
    struct tg_rate *rate;
    struct tg_credit_book *book;
    struct tg_credit *credit;
    struct piece *journal;
    uint32_t journal_count;
    uint32_t durable_count;
    struct model model;
    struct model durable;
    int64_t now_ns;
    uint64_t seed;
    bool is_simple; /* no allowance: every price is known in closed form */
};

static uint64_t roll(struct world *w, uint64_t below)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;
    return w->seed % below;
}

static void engine_open(struct world *w)
{
    const struct tg_rate_params params = {.subscribers_count_max = FIXTURE_SUBSCRIBERS};
    cr_assert_eq(tg_rate_create(&params, &w->rate, NULL), TG_OK);
    cr_assert_eq(tg_credit_book_open(FIXTURE_SUBSCRIBERS, &w->book, NULL), TG_OK);
    cr_assert_eq(tg_credit_create(w->book, tg_rate_accounts(w->rate), ENTRIES, &w->credit, NULL),
                 TG_OK);
}

static void engine_close(struct world *w)
{
    tg_credit_destroy(w->credit);
    tg_credit_book_close(w->book);
    tg_rate_destroy(w->rate);
}

static void world_open(struct world *w, uint64_t seed, bool is_simple)
{
    *w = (struct world){.seed = seed, .is_simple = is_simple};
    fixture_init(&w->f);
    struct fixture_price *price = fixture_price(&w->f, 0, "per_unit", TG_UNIT_SECOND, RATE, 1);
    price->price.first_increment = 10;
    price->price.next_increment = 5;
    price->price.connect_fee = CONNECT;
    (void)fixture_service(&w->f, TG_SERVICE_VOICE, 0);
    if (!is_simple) {
        fixture_allowance(&w->f, TG_SERVICE_VOICE, 0, 60000);
    }
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        w->accounts[i] = (struct tg_roster_account){.currency = 978, .cycle_day = 1};
        w->credits[i].is_prepaid = i + 1 < ACCOUNTS;
        w->credits[i].limit = i * 300;
    }
    w->credits[0].alerts[0] = 100;
    w->credits[0].alerts_count = 1;
    for (uint32_t i = 0; i < FIXTURE_SUBSCRIBERS; i++) {
        w->f.lines[i].account = i % ACCOUNTS;
    }
    w->f.roster.accounts = w->accounts;
    w->f.roster.credits = w->credits;
    w->f.roster.accounts_count = ACCOUNTS;
    w->journal = calloc(JOURNAL_MAX, sizeof *w->journal);
    w->now_ns = fixture_ns("2026-03-01T00:00:00Z");
    engine_open(w);
}

static void world_close(struct world *w)
{
    engine_close(w);
    free(w->journal);
}

static struct piece *piece_add(struct world *w)
{
    cr_assert_lt(w->journal_count, JOURNAL_MAX);
    struct piece *piece = &w->journal[w->journal_count++];
    memset(piece, 0, sizeof *piece);
    return piece;
}

static void events_keep(struct world *w)
{
    uint32_t count;
    const struct tg_credit_event *events = tg_credit_events(w->credit, &count);
    for (uint32_t i = 0; i < count; i++) {
        struct piece *piece = piece_add(w);
        piece->is_event = true;
        piece->event = events[i];
    }
    tg_credit_events_done(w->credit);
}

static struct tg_charge row_run(struct world *w, const struct tg_usage *row,
                                struct tg_charge charge)
{
    tg_rate_run(w->rate, &w->f.snapshot, row, &charge, 1);
    tg_credit_debit(w->credit, &w->f.roster, row, &charge, 1);
    struct piece *piece = piece_add(w);
    piece->row = *row;
    piece->charge = charge;
    return charge;
}

static struct tg_credit_answer ask(struct world *w, const struct tg_credit_request *request)
{
    struct tg_credit_answer answer = {.err = TG_E_NOT_FOUND};
    struct tg_usage row;
    struct tg_charge charge;
    if (tg_credit_ask(w->credit, &w->f.snapshot, request, w->now_ns, 1, &answer, &row, &charge)) {
        charge = row_run(w, &row, charge);
        tg_credit_finish(w->credit, &w->f.snapshot, request, w->now_ns, 1, &row, &charge, &answer);
    }
    events_keep(w);
    return answer;
}

/* A block of the journal keeps rows and events apart, each in their order. */
static void block_replay(struct world *w, uint32_t from, uint32_t to)
{
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = from; i < to; i++) {
            const struct piece *piece = &w->journal[i];
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
static void crash(struct world *w)
{
    w->journal_count = w->durable_count;
    w->model = w->durable;
    engine_close(w);
    engine_open(w);
    for (uint32_t from = 0; from < w->journal_count; from += 16) {
        block_replay(w, from, from + 16 < w->journal_count ? from + 16 : w->journal_count);
    }
}

static int64_t price_of(uint64_t quantity_ms)
{
    const int64_t seconds = (int64_t)((quantity_ms + 999) / 1000);
    const int64_t billed = seconds <= 10 ? 10 : 10 + (seconds - 10 + 4) / 5 * 5;
    return quantity_ms == 0 ? 0 : billed * RATE + CONNECT;
}

static int64_t model_held(const struct model *model, uint32_t account)
{
    int64_t held = 0;
    for (uint32_t i = 0; i < model->ids_count; i++) {
        const struct model_id *id = &model->ids[i];
        held += id->state == TG_CREDIT_IS_OPEN && id->account == account ? id->held : 0;
    }
    return held;
}

static int lot_compare(const void *a, const void *b)
{
    const struct model_lot *left = a;
    const struct model_lot *right = b;
    return left->valid_to_ns < right->valid_to_ns ? -1 : left->valid_to_ns > right->valid_to_ns;
}

/* Each charge at once off the soonest money: what the engine does when it has to. */
static void model_debit(struct model *model, uint32_t account, int64_t amount)
{
    model->balance[account] -= amount;
    for (uint32_t i = 0; i < TG_CREDIT_LOTS_MAX; i++) {
        struct model_lot *lot = &model->lots[account][i];
        const int64_t taken = amount < lot->left ? amount : lot->left;
        lot->left -= taken;
        amount -= taken;
    }
}

/* @return false: there is no place for another time. */
static bool model_topup(struct model *model, uint32_t account, int64_t amount, int64_t valid_to_ns)
{
    struct model_lot *lots = model->lots[account];
    struct model_lot *place = NULL;
    int64_t room = model->balance[account] + amount;
    for (uint32_t i = 0; i < TG_CREDIT_LOTS_MAX; i++) {
        room -= lots[i].left;
        place = place == NULL && lots[i].left == 0 ? &lots[i] : place;
    }
    for (uint32_t i = 0; i < TG_CREDIT_LOTS_MAX; i++) {
        place = lots[i].left > 0 && lots[i].valid_to_ns == valid_to_ns ? &lots[i] : place;
    }
    if (valid_to_ns != 0 && place == NULL) {
        return false;
    }
    model->balance[account] += amount;
    if (valid_to_ns != 0 && room > 0) {
        *place = (struct model_lot){valid_to_ns, place->left + (room < amount ? room : amount)};
        qsort(lots, TG_CREDIT_LOTS_MAX, sizeof lots[0], lot_compare);
    }
    return true;
}

/* What no reservation holds of money whose time is up. */
static void model_lapse(struct model *model, uint32_t account, int64_t now_ns)
{
    int64_t held = model_held(model, account);
    for (uint32_t i = 0; i < TG_CREDIT_LOTS_MAX; i++) {
        struct model_lot *lot = &model->lots[account][i];
        const int64_t kept = held < lot->left ? held : lot->left;
        held -= kept;
        if (lot->valid_to_ns <= now_ns) {
            model->balance[account] -= lot->left - kept;
            lot->left = kept;
        }
    }
}

static struct tg_credit_answer balance(struct world *w, uint32_t account)
{
    const struct tg_credit_request request = {.action = TG_CREDIT_DO_BALANCE, .account = account};
    return ask(w, &request);
}

static void compare(struct world *w, const char *after)
{
    for (uint32_t a = 0; a + 1 < ACCOUNTS; a++) {
        const struct tg_credit_answer now = balance(w, a);
        cr_assert_eq(now.balance, w->model.balance[a], "after %s: account %u has %lld, not %lld",
                     after, a, (long long)now.balance, (long long)w->model.balance[a]);
        if (w->is_simple) {
            int64_t left = 0;
            for (uint32_t i = 0; i < TG_CREDIT_LOTS_MAX && left == 0; i++) {
                left = w->model.lots[a][i].left;
                cr_assert(left == 0 || now.lapses_ns == w->model.lots[a][i].valid_to_ns);
            }
            cr_assert_eq(now.lapses, left, "after %s: %lld lapse next, not %lld", after,
                         (long long)now.lapses, (long long)left);
            cr_assert_eq(now.account_held, model_held(&w->model, a), "after %s", after);
        }
    }
}

static void id_name(struct tg_credit_request *request, uint32_t id)
{
    (void)snprintf(request->id, sizeof request->id, "id-%u", id);
}

static void step_reserve(struct world *w)
{
    if (w->model.ids_count == IDS) {
        return;
    }
    struct model_id *id = &w->model.ids[w->model.ids_count];
    const uint32_t subscriber = (uint32_t)roll(w, SUBSCRIBERS);
    const uint32_t account = subscriber % ACCOUNTS;
    *id = (struct model_id){.account = account, .asked = 1 + roll(w, 60000)};
    id->request =
        (struct tg_credit_request){.row = fixture_call(w->now_ns, (uint32_t)id->asked),
                                   .at_ns = w->now_ns,
                                   .validity_ns = (int64_t)(1 + roll(w, 300)) * TG_NS_PER_S,
                                   .account = account,
                                   .subscriber = subscriber,
                                   .action = TG_CREDIT_DO_RESERVE};
    id->request.row.node_id = (uint16_t)roll(w, 4); /* 0: not said */
    id_name(&id->request, w->model.ids_count);
    const int64_t available =
        w->model.balance[account] + w->credits[account].limit - model_held(&w->model, account);
    const struct tg_credit_answer before = balance(w, account);
    const struct tg_credit_answer answer = ask(w, &id->request);
    if (account + 1 == ACCOUNTS) {
        cr_assert_eq(answer.err, TG_E_NOT_PREPAID);
        return;
    }
    if (w->is_simple) {
        uint64_t granted = id->asked;
        while (granted > 0 && price_of(granted) > available) {
            granted--;
        }
        cr_assert_eq(answer.err, granted > 0 ? TG_OK : TG_E_NO_CREDIT, "%s", id->request.id);
        cr_assert_eq(answer.granted, granted);
        cr_assert_eq(answer.held, answer.err == TG_OK ? price_of(granted) : 0);
    }
    if (answer.err == TG_OK) {
        cr_assert_geq(answer.available, 0, "a reservation went below the limit");
        cr_assert_leq(answer.held, before.available);
        id->state = TG_CREDIT_IS_OPEN;
        id->granted = answer.granted;
        id->held = answer.held;
        id->valid_to_ns = w->now_ns + id->request.validity_ns;
        w->model.ids_count++;
    }
}

static void step_commit(struct world *w, struct model_id *id, uint32_t index)
{
    struct tg_credit_request request = {.at_ns = w->now_ns,
                                        .account = TG_ACCOUNT_NONE,
                                        .subscriber = TG_SUBSCRIBER_NONE,
                                        .action = TG_CREDIT_DO_COMMIT};
    id_name(&request, index);
    const bool is_beyond = w->is_simple && roll(w, 10) == 0;
    request.used = roll(w, id->granted + 1) + (is_beyond ? id->granted : 0);
    const uint8_t state = id->state;
    const struct tg_credit_answer before = balance(w, id->account);
    const struct tg_credit_answer answer = ask(w, &request);
    switch (state) {
    case TG_CREDIT_IS_OPEN:
    case TG_CREDIT_IS_EXPIRED:
        cr_assert_eq(answer.err, TG_OK);
        cr_assert_eq(answer.is_late, state == TG_CREDIT_IS_EXPIRED);
        cr_assert_eq(answer.is_outage, id->is_outage);
        if (w->is_simple) {
            cr_assert_eq(answer.charge, price_of(request.used));
        }
        if (state == TG_CREDIT_IS_OPEN && request.used <= id->granted) {
            cr_assert_geq(answer.available, before.available < 0 ? before.available : 0,
                          "used within what was granted, and beyond the limit");
        }
        id->state = TG_CREDIT_IS_POSTED;
        id->used = request.used;
        id->charge = answer.charge;
        model_debit(&w->model, id->account, answer.charge);
        model_lapse(&w->model, id->account, w->now_ns);
        break;
    case TG_CREDIT_IS_POSTED:
        cr_assert_eq(answer.err, request.used == id->used ? TG_OK : TG_E_DUP_CONFLICT);
        if (answer.err == TG_OK) {
            cr_assert(answer.is_repeat);
            cr_assert_eq(answer.charge, id->charge);
        }
        break;
    default:
        cr_assert_eq(answer.err, TG_E_STATE);
        break;
    }
}

static void step_release(struct world *w, struct model_id *id, uint32_t index)
{
    struct tg_credit_request request = {.account = TG_ACCOUNT_NONE,
                                        .subscriber = TG_SUBSCRIBER_NONE,
                                        .action = TG_CREDIT_DO_RELEASE};
    id_name(&request, index);
    const struct tg_credit_answer answer = ask(w, &request);
    cr_assert_eq(answer.err, id->state == TG_CREDIT_IS_POSTED ? TG_E_STATE : TG_OK);
    if (id->state == TG_CREDIT_IS_OPEN) {
        id->state = TG_CREDIT_IS_VOIDED;
        model_lapse(&w->model, id->account, w->now_ns);
    }
}

static void step_repeat(struct world *w, const struct model_id *id)
{
    const struct tg_credit_answer answer = ask(w, &id->request);
    cr_assert_eq(answer.err, TG_OK);
    cr_assert(answer.is_repeat);
    cr_assert_eq(answer.granted, id->granted);
    cr_assert_eq(answer.state, id->state);
    cr_assert_eq(answer.is_outage, id->is_outage);
    struct tg_credit_request other = id->request;
    other.row.node_id = 9;
    cr_assert(ask(w, &other).is_repeat, "the node is no content");
    other.validity_ns++;
    cr_assert_eq(ask(w, &other).err, TG_E_DUP_CONFLICT);
}

static void step_topup(struct world *w, uint32_t number)
{
    const uint32_t account = (uint32_t)roll(w, ACCOUNTS - 1);
    struct tg_credit_request request = {.at_ns = w->now_ns,
                                        .amount = (int64_t)roll(w, 2000),
                                        .account = account,
                                        .subscriber = TG_SUBSCRIBER_NONE,
                                        .action = TG_CREDIT_DO_TOPUP};
    (void)snprintf(request.id, sizeof request.id, "top-%u", number);
    if (w->is_simple && roll(w, 3) > 0) { /* of few times, so that some meet */
        const int64_t step_ns = 60 * TG_NS_PER_S;
        request.valid_to_ns = (w->now_ns / step_ns + 1 + (int64_t)roll(w, 12)) * step_ns;
    }
    if (!model_topup(&w->model, account, request.amount, request.valid_to_ns)) {
        cr_assert_eq(ask(w, &request).err, TG_E_FULL);
        return;
    }
    cr_assert_eq(ask(w, &request).err, TG_OK);
    const struct tg_credit_answer again = ask(w, &request);
    cr_assert(again.err == TG_OK && again.is_repeat);
    request.amount++;
    cr_assert_eq(ask(w, &request).err, TG_E_DUP_CONFLICT);
}

static void step_offline(struct world *w, uint32_t number)
{
    const uint32_t subscriber = (uint32_t)roll(w, SUBSCRIBERS);
    struct tg_usage row = fixture_call(w->now_ns, (uint32_t)(1 + roll(w, 20000)));
    row.record_key = number;
    const struct tg_charge charge = row_run(w, &row, (struct tg_charge){.subscriber = subscriber});
    events_keep(w);
    cr_assert_eq(charge.fate, TG_FATE_RATED);
    const bool is_prepaid = subscriber % ACCOUNTS + 1 < ACCOUNTS;
    cr_assert_eq((charge.flags & TG_CHARGE_PREPAID) != 0, is_prepaid);
    if (is_prepaid) {
        model_debit(&w->model, subscriber % ACCOUNTS, charge.amount);
        const struct tg_credit_answer now = balance(w, subscriber % ACCOUNTS);
        cr_assert_eq((charge.flags & TG_CHARGE_OVER_CREDIT) != 0, now.available < 0);
    }
}

static void step_time(struct world *w)
{
    w->now_ns += (int64_t)roll(w, 60) * TG_NS_PER_S;
    while (tg_credit_expire(w->credit, &w->f.snapshot, w->now_ns, 1) == TG_CREDIT_EXPIRE_MAX) {
        events_keep(w);
    }
    events_keep(w);
    for (uint32_t i = 0; i < w->model.ids_count; i++) {
        struct model_id *id = &w->model.ids[i];
        if (id->state == TG_CREDIT_IS_OPEN && id->valid_to_ns <= w->now_ns) {
            id->state = TG_CREDIT_IS_EXPIRED;
        }
    }
    for (uint32_t account = 0; account < ACCOUNTS; account++) {
        model_lapse(&w->model, account, w->now_ns);
    }
}

/* Two nodes are down since some time; the third, and what names no node, goes on. */
static void step_outage(struct world *w)
{
    struct tg_credit_outage outages[2];
    uint32_t at = 0;
    for (uint16_t i = 0; i < 2; i++) {
        outages[i] = (struct tg_credit_outage){
            .since_ns = w->now_ns - (int64_t)roll(w, 120) * TG_NS_PER_S, .node_id = i + 1};
    }
    while (tg_credit_return(w->credit, &w->f.snapshot, outages, 2, &at, w->now_ns, 1) ==
           TG_CREDIT_EXPIRE_MAX) {
        events_keep(w);
    }
    events_keep(w);
    for (uint32_t i = 0; i < w->model.ids_count; i++) {
        struct model_id *id = &w->model.ids[i];
        const uint16_t node_id = id->request.row.node_id;
        if (id->state == TG_CREDIT_IS_OPEN && (node_id == 1 || node_id == 2) &&
            id->request.at_ns <= outages[node_id - 1].since_ns) {
            id->state = TG_CREDIT_IS_EXPIRED;
            id->is_outage = true;
            model_lapse(&w->model, id->account, w->now_ns);
        }
    }
}

static void history(uint64_t seed, bool is_simple)
{
    static struct world w;
    world_open(&w, seed, is_simple);
    for (uint32_t step = 0; step < 600; step++) {
        const uint32_t index = w.model.ids_count > 0 ? (uint32_t)roll(&w, w.model.ids_count) : IDS;
        struct model_id *id = index < IDS ? &w.model.ids[index] : NULL;
        const uint64_t what = roll(&w, 20);
        if (what < 6 || (id == NULL && what < 13)) {
            step_reserve(&w);
        } else if (what < 10) {
            step_commit(&w, id, index);
        } else if (what < 11) {
            step_release(&w, id, index);
        } else if (what < 13) {
            step_repeat(&w, id);
        } else if (what < 15) {
            step_topup(&w, step);
        } else if (what < 16) {
            if (is_simple) {
                step_offline(&w, step);
            }
        } else if (what < 17) {
            step_time(&w);
            if (roll(&w, 3) == 0) {
                step_outage(&w);
            }
        } else if (what < 19) {
            w.durable_count = w.journal_count;
            w.durable = w.model;
        } else {
            crash(&w);
        }
        compare(&w, what < 19 ? "a step" : "a crash");
    }
    world_close(&w);
}

/* If this fails a prepaid customer has more or less money than he paid in and used, a retry costs
 * him twice, or a crash gives credit away. */
Test(credit, random_histories_agree_with_the_model)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        history(seed * UINT64_C(0x9e3779b97f4a7c15), true);
    }
}

/* If this fails two open reservations are promised the same free minutes, and together they take an
 * account below its limit. */
Test(credit, shared_allowances_are_held_once)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        history(seed * UINT64_C(0xd1342543de82ef95), false);
    }
}

/* If this fails an operator's retry of an old top-up is carried out a second time once its id was
 * forgotten. */
Test(credit, a_forgotten_id_is_refused_not_repeated)
{
    static struct world w;
    world_open(&w, 1, true);
    struct tg_credit_request request = {
        .action = TG_CREDIT_DO_TOPUP, .amount = 1, .subscriber = TG_SUBSCRIBER_NONE};
    for (uint32_t i = 0; i <= ENTRIES; i++) {
        request.at_ns = w.now_ns + (int64_t)i * TG_NS_PER_MS;
        (void)snprintf(request.id, sizeof request.id, "top-%u", i);
        cr_assert_eq(ask(&w, &request).err, TG_OK);
    }
    cr_assert_eq(tg_credit_counts(w.credit)->forgotten_count, 1);
    request.at_ns = w.now_ns;
    (void)snprintf(request.id, sizeof request.id, "top-0");
    cr_assert_eq(ask(&w, &request).err, TG_E_TOO_OLD);
    cr_assert_eq(balance(&w, 0).balance, ENTRIES + 1);
    world_close(&w);
}

/* If this fails open reservations are thrown out for new ones, or the table grows without end. */
Test(credit, open_reservations_fill_the_table_and_the_next_is_told)
{
    static struct world w;
    world_open(&w, 1, true);
    w.credits[0].limit = INT64_C(1000000);
    struct tg_credit_request request = {.action = TG_CREDIT_DO_RESERVE,
                                        .row = fixture_call(w.now_ns, 1000),
                                        .at_ns = w.now_ns,
                                        .validity_ns = TG_NS_PER_S};
    for (uint32_t i = 0; i <= TG_CREDIT_OPEN_MAX; i++) {
        (void)snprintf(request.id, sizeof request.id, "r-%u", i);
        cr_expect_eq(ask(&w, &request).err, i < TG_CREDIT_OPEN_MAX ? TG_OK : TG_E_FULL);
    }
    cr_expect_eq(tg_credit_counts(w.credit)->full_count, 1);
    struct tg_credit_view views[4];
    cr_expect_eq(tg_credit_list(w.credit, 0, views, 4), TG_CREDIT_OPEN_MAX);
    cr_expect_eq(tg_credit_due_ns(w.credit), w.now_ns + TG_NS_PER_S);
    w.now_ns += TG_NS_PER_S;
    uint32_t expired = 0;
    for (uint32_t some = TG_CREDIT_EXPIRE_MAX; some == TG_CREDIT_EXPIRE_MAX;) {
        some = tg_credit_expire(w.credit, &w.f.snapshot, w.now_ns, 1);
        events_keep(&w);
        expired += some;
    }
    cr_expect_eq(expired, TG_CREDIT_OPEN_MAX);
    cr_expect_eq(balance(&w, 0).account_held, 0);
    cr_expect_eq(tg_credit_due_ns(w.credit), INT64_MAX);
    world_close(&w);
}

/* If this fails a session that reports in steps is charged twice for a step, or keeps the hold of
 * a step it has reported. */
Test(credit, an_update_commits_one_step_and_reserves_the_next)
{
    static struct world w;
    world_open(&w, 1, true);
    w.credits[1].limit = 1000;
    struct tg_credit_request request = {.action = TG_CREDIT_DO_RESERVE,
                                        .row = fixture_call(w.now_ns, 20000),
                                        .at_ns = w.now_ns,
                                        .validity_ns = TG_NS_PER_S,
                                        .account = 1,
                                        .subscriber = 1,
                                        .id = "session"};
    cr_assert_eq(ask(&w, &request).held, 20 * RATE + CONNECT);
    struct tg_credit_request update = {.action = TG_CREDIT_DO_UPDATE,
                                       .at_ns = w.now_ns + 1000,
                                       .validity_ns = TG_NS_PER_S,
                                       .used = 10000,
                                       .wanted = 30000,
                                       .account = TG_ACCOUNT_NONE,
                                       .subscriber = TG_SUBSCRIBER_NONE,
                                       .number = 1,
                                       .id = "session"};
    for (int i = 0; i < 2; i++) {
        const struct tg_credit_answer answer = ask(&w, &update);
        cr_expect_eq(answer.err, TG_OK);
        cr_expect_eq(answer.is_repeat, i == 1);
        cr_expect_eq(answer.charge, 10 * RATE + CONNECT);
        cr_expect_eq(answer.held, 30 * RATE, "of the same session: no fee, no first increment");
        cr_expect_eq(answer.balance, -(10 * RATE + CONNECT));
        cr_expect_eq(answer.account_held, 30 * RATE);
    }
    update.number = 3;
    cr_expect_eq(ask(&w, &update).err, TG_E_NOT_FOUND);
    world_close(&w);
}

/* If this fails a prepaid call pays its connect fee, and rounds to the first increment, with every
 * update, and costs more than the same call on a bill. */
Test(credit, a_session_of_updates_costs_what_the_call_costs)
{
    /* 60 s free, then 0.01 a second by sixes, connect 0.05. 90 + 60 + 1 = 151 s are 156 billed, 96
     * of them priced: 0.96 + 0.05 = 1.01. */
    static struct world w;
    world_open(&w, 1, true);
    struct tg_price *price = &w.f.prices[0].price;
    w.f.prices[0].steps[0].price = FIXTURE_EUR / 100;
    price->first_increment = 6;
    price->next_increment = 6;
    price->connect_fee = FIXTURE_EUR / 20;
    fixture_allowance(&w.f, TG_SERVICE_VOICE, 0, 60000);
    w.credits[1].limit = 20 * FIXTURE_EUR;
    struct tg_credit_request request = {.action = TG_CREDIT_DO_RESERVE,
                                        .row = fixture_call(w.now_ns, 120000),
                                        .at_ns = w.now_ns,
                                        .validity_ns = 600 * TG_NS_PER_S,
                                        .account = 1,
                                        .subscriber = 1,
                                        .id = "session"};
    cr_expect_eq(ask(&w, &request).held, 65 * FIXTURE_EUR / 100, "60 priced");
    const struct {
        uint8_t action;
        uint32_t number;
        uint64_t used;
        int64_t charge;
        int64_t held;
    } steps[] = {
        {TG_CREDIT_DO_UPDATE, 1, 90000, 35, 60}, /* 90: 30 priced and the fee; then 150: 60 more */
        {TG_CREDIT_DO_UPDATE, 2, 60000, 60, 60}, /* 150: 60 more; then 210 */
        {TG_CREDIT_DO_COMMIT, 2, 1000, 6, 60},   /* 151 is 156 */
    };
    int64_t sum = 0;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const struct tg_credit_request next = {.action = steps[i].action,
                                               .at_ns = w.now_ns + (int64_t)i + 1,
                                               .validity_ns = 600 * TG_NS_PER_S,
                                               .used = steps[i].used,
                                               .wanted = 60000,
                                               .account = TG_ACCOUNT_NONE,
                                               .subscriber = TG_SUBSCRIBER_NONE,
                                               .number = steps[i].number,
                                               .id = "session"};
        const struct tg_credit_answer answer = ask(&w, &next);
        cr_expect_eq(answer.err, TG_OK, "step %zu: %d", i, answer.err);
        cr_expect_eq(answer.charge, steps[i].charge * FIXTURE_EUR / 100, "step %zu: %lld", i,
                     (long long)answer.charge);
        cr_expect_eq(answer.held, steps[i].held * FIXTURE_EUR / 100, "step %zu holds %lld", i,
                     (long long)answer.held);
        sum += answer.charge;
        w.durable_count = w.journal_count;
        w.durable = w.model;
        crash(&w);
    }
    cr_expect_eq(sum, 101 * FIXTURE_EUR / 100);
    world_close(&w);
}

/* If this fails a customer is not told that his money runs out, or is told with every call. */
Test(credit, an_alert_is_told_once_till_the_balance_is_above_it_again)
{
    static struct world w;
    world_open(&w, 1, true);
    struct tg_credit_request request = {
        .action = TG_CREDIT_DO_TOPUP, .amount = 200, .at_ns = w.now_ns, .id = "one"};
    cr_assert_eq(ask(&w, &request).alerts, 0);
    for (uint32_t i = 0; i < 3; i++) {
        struct tg_usage row = fixture_call(w.now_ns, 10000);
        (void)row_run(&w, &row, (struct tg_charge){.subscriber = 0});
        events_keep(&w);
    }
    cr_expect_eq(tg_credit_counts(w.credit)->alerts_count, 1);
    cr_expect_eq(balance(&w, 0).alerts, 1);
    request.amount = 1000;
    (void)snprintf(request.id, sizeof request.id, "two");
    cr_expect_eq(ask(&w, &request).alerts, 0);
    world_close(&w);
}

/* If this fails money that a call holds is gone under it, or money that nobody used stays for ever.
 */
Test(credit, held_money_lapses_when_its_reservation_has_ended)
{
    static struct world w;
    world_open(&w, 1, true);
    struct tg_credit_request top = {.action = TG_CREDIT_DO_TOPUP,
                                    .id = "soon",
                                    .at_ns = w.now_ns,
                                    .amount = 500,
                                    .valid_to_ns = w.now_ns + TG_NS_PER_S,
                                    .subscriber = TG_SUBSCRIBER_NONE};
    cr_assert_eq(ask(&w, &top).err, TG_OK);
    (void)snprintf(top.id, sizeof top.id, "ever");
    top.amount = 50;
    top.valid_to_ns = 0;
    cr_assert_eq(ask(&w, &top).err, TG_OK);
    struct tg_credit_request call = {.action = TG_CREDIT_DO_RESERVE,
                                     .id = "call",
                                     .row = fixture_call(w.now_ns, 20000),
                                     .at_ns = w.now_ns,
                                     .validity_ns = 60 * TG_NS_PER_S};
    cr_assert_eq(ask(&w, &call).held, 170); /* 20 s, and the connect fee */
    cr_expect_eq(balance(&w, 0).lapses, 500);
    cr_expect_eq(tg_credit_due_ns(w.credit), w.now_ns + TG_NS_PER_S);
    w.now_ns += TG_NS_PER_S;
    cr_expect_eq(tg_credit_expire(w.credit, &w.f.snapshot, w.now_ns, 1), 1);
    events_keep(&w);
    struct tg_credit_answer now = balance(&w, 0);
    cr_expect_eq(now.balance, 170 + 50);
    cr_expect_eq(now.available, 50);
    cr_expect_eq(tg_credit_expire(w.credit, &w.f.snapshot, w.now_ns + 1, 1), 0, "it waits");
    w.durable_count = w.journal_count;
    crash(&w);
    (void)tg_credit_expire(w.credit, &w.f.snapshot, w.now_ns, 1);
    now = balance(&w, 0);
    cr_expect_eq(now.balance, 170 + 50, "after a crash");
    struct tg_credit_request end = {.action = TG_CREDIT_DO_COMMIT,
                                    .id = "call",
                                    .at_ns = w.now_ns,
                                    .account = TG_ACCOUNT_NONE,
                                    .subscriber = TG_SUBSCRIBER_NONE,
                                    .used = 10000};
    now = ask(&w, &end);
    cr_expect_eq(now.charge, 100);
    cr_expect_eq(now.balance, 50, "of 170 that were held 100 were used, and the rest has lapsed");
    cr_expect_eq(now.lapses_ns, 0);
    cr_expect_eq(tg_credit_counts(w.credit)->lapsed_count, 2);
    world_close(&w);
}

/* If this fails a top-up pays a debt and lapses as well, or is accepted when it has lapsed. */
Test(credit, a_top_up_pays_debts_before_it_lapses)
{
    static struct world w;
    world_open(&w, 1, true);
    struct tg_credit_request top = {.action = TG_CREDIT_DO_TOPUP,
                                    .id = "debt",
                                    .at_ns = w.now_ns,
                                    .amount = -300,
                                    .subscriber = TG_SUBSCRIBER_NONE};
    cr_assert_eq(ask(&w, &top).err, TG_OK);
    (void)snprintf(top.id, sizeof top.id, "late");
    top.amount = 500;
    top.valid_to_ns = w.now_ns;
    cr_expect_eq(ask(&w, &top).err, TG_E_TOO_OLD);
    top.valid_to_ns = w.now_ns + TG_NS_PER_S;
    const struct tg_credit_answer answer = ask(&w, &top);
    cr_expect_eq(answer.err, TG_OK);
    cr_expect_eq(answer.valid_to_ns, top.valid_to_ns);
    cr_expect_eq(answer.lapses, 200);
    w.now_ns += TG_NS_PER_S;
    (void)tg_credit_expire(w.credit, &w.f.snapshot, w.now_ns, 1);
    events_keep(&w);
    cr_expect_eq(balance(&w, 0).balance, 0);
    cr_expect_eq(tg_credit_due_ns(w.credit), INT64_MAX);
    world_close(&w);
}
