/* SPDX-License-Identifier: Apache-2.0 */
/* The prepaid ledger against a model that is slow and obvious, over random histories with crashes.
 */
#include "credit_world.h"

#include <stdlib.h>

#define SUBSCRIBERS 8u

static uint64_t roll(struct credit_world *w, uint64_t below)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;
    return w->seed % below;
}

static int64_t price_of(uint64_t quantity_ms)
{
    const int64_t seconds = (int64_t)((quantity_ms + 999) / 1000);
    const int64_t billed = seconds <= 10 ? 10 : 10 + (seconds - 10 + 4) / 5 * 5;
    return quantity_ms == 0 ? 0 : billed * CREDIT_RATE + CREDIT_CONNECT;
}

static int64_t model_held(const struct credit_model *model, uint32_t account)
{
    int64_t held = 0;
    for (uint32_t i = 0; i < model->ids_count; i++) {
        const struct credit_model_id *id = &model->ids[i];
        held += id->state == TG_CREDIT_IS_OPEN && id->account == account ? id->held : 0;
    }
    return held;
}

static int lot_compare(const void *a, const void *b)
{
    const struct credit_model_lot *left = a;
    const struct credit_model_lot *right = b;
    return left->valid_to_ns < right->valid_to_ns ? -1 : left->valid_to_ns > right->valid_to_ns;
}

/* Each charge at once off the soonest money: what the engine does when it has to. */
static void model_debit(struct credit_model *model, uint32_t account, int64_t amount)
{
    model->balance[account] -= amount;
    for (uint32_t i = 0; i < TG_CREDIT_LOTS_MAX; i++) {
        struct credit_model_lot *lot = &model->lots[account][i];
        const int64_t taken = amount < lot->left ? amount : lot->left;
        lot->left -= taken;
        amount -= taken;
    }
}

/* @return false: there is no place for another time. */
static bool model_topup(struct credit_model *model, uint32_t account, int64_t amount,
                        int64_t valid_to_ns)
{
    struct credit_model_lot *lots = model->lots[account];
    struct credit_model_lot *place = NULL;
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
        *place =
            (struct credit_model_lot){valid_to_ns, place->left + (room < amount ? room : amount)};
        qsort(lots, TG_CREDIT_LOTS_MAX, sizeof lots[0], lot_compare);
    }
    return true;
}

/* What no reservation holds of money whose time is up. */
static void model_lapse(struct credit_model *model, uint32_t account, int64_t now_ns)
{
    int64_t held = model_held(model, account);
    for (uint32_t i = 0; i < TG_CREDIT_LOTS_MAX; i++) {
        struct credit_model_lot *lot = &model->lots[account][i];
        const int64_t kept = held < lot->left ? held : lot->left;
        held -= kept;
        if (lot->valid_to_ns <= now_ns) {
            model->balance[account] -= lot->left - kept;
            lot->left = kept;
        }
    }
}

static void compare(struct credit_world *w, const char *after)
{
    for (uint32_t a = 0; a + 1 < CREDIT_ACCOUNTS; a++) {
        const struct tg_credit_answer now = credit_world_balance(w, a);
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

static void step_reserve(struct credit_world *w)
{
    if (w->model.ids_count == CREDIT_IDS) {
        return;
    }
    struct credit_model_id *id = &w->model.ids[w->model.ids_count];
    const uint32_t subscriber = (uint32_t)roll(w, SUBSCRIBERS);
    const uint32_t account = subscriber % CREDIT_ACCOUNTS;
    *id = (struct credit_model_id){.account = account, .asked = 1 + roll(w, 60000)};
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
    const struct tg_credit_answer before = credit_world_balance(w, account);
    const struct tg_credit_answer answer = credit_world_ask(w, &id->request);
    if (account + 1 == CREDIT_ACCOUNTS) {
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

static void step_commit(struct credit_world *w, struct credit_model_id *id, uint32_t index)
{
    struct tg_credit_request request = {.at_ns = w->now_ns,
                                        .account = TG_ACCOUNT_NONE,
                                        .subscriber = TG_SUBSCRIBER_NONE,
                                        .action = TG_CREDIT_DO_COMMIT};
    id_name(&request, index);
    const bool is_beyond = w->is_simple && roll(w, 10) == 0;
    request.used = roll(w, id->granted + 1) + (is_beyond ? id->granted : 0);
    const uint8_t state = id->state;
    const struct tg_credit_answer before = credit_world_balance(w, id->account);
    const struct tg_credit_answer answer = credit_world_ask(w, &request);
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

static void step_release(struct credit_world *w, struct credit_model_id *id, uint32_t index)
{
    struct tg_credit_request request = {.account = TG_ACCOUNT_NONE,
                                        .subscriber = TG_SUBSCRIBER_NONE,
                                        .action = TG_CREDIT_DO_RELEASE};
    id_name(&request, index);
    const struct tg_credit_answer answer = credit_world_ask(w, &request);
    cr_assert_eq(answer.err, id->state == TG_CREDIT_IS_POSTED ? TG_E_STATE : TG_OK);
    if (id->state == TG_CREDIT_IS_OPEN) {
        id->state = TG_CREDIT_IS_VOIDED;
        model_lapse(&w->model, id->account, w->now_ns);
    }
}

static void step_repeat(struct credit_world *w, const struct credit_model_id *id)
{
    const struct tg_credit_answer answer = credit_world_ask(w, &id->request);
    cr_assert_eq(answer.err, TG_OK);
    cr_assert(answer.is_repeat);
    cr_assert_eq(answer.granted, id->granted);
    cr_assert_eq(answer.state, id->state);
    cr_assert_eq(answer.is_outage, id->is_outage);
    struct tg_credit_request other = id->request;
    other.row.node_id = 9;
    cr_assert(credit_world_ask(w, &other).is_repeat, "the node is no content");
    other.validity_ns++;
    cr_assert_eq(credit_world_ask(w, &other).err, TG_E_DUP_CONFLICT);
}

static void step_topup(struct credit_world *w, uint32_t number)
{
    const uint32_t account = (uint32_t)roll(w, CREDIT_ACCOUNTS - 1);
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
        cr_assert_eq(credit_world_ask(w, &request).err, TG_E_FULL);
        return;
    }
    cr_assert_eq(credit_world_ask(w, &request).err, TG_OK);
    const struct tg_credit_answer again = credit_world_ask(w, &request);
    cr_assert(again.err == TG_OK && again.is_repeat);
    request.amount++;
    cr_assert_eq(credit_world_ask(w, &request).err, TG_E_DUP_CONFLICT);
}

static void step_offline(struct credit_world *w, uint32_t number)
{
    const uint32_t subscriber = (uint32_t)roll(w, SUBSCRIBERS);
    struct tg_usage row = fixture_call(w->now_ns, (uint32_t)(1 + roll(w, 20000)));
    row.record_key = number;
    const struct tg_charge charge =
        credit_world_row(w, &row, (struct tg_charge){.subscriber = subscriber});
    credit_world_events(w);
    cr_assert_eq(charge.fate, TG_FATE_RATED);
    const bool is_prepaid = subscriber % CREDIT_ACCOUNTS + 1 < CREDIT_ACCOUNTS;
    cr_assert_eq((charge.flags & TG_CHARGE_PREPAID) != 0, is_prepaid);
    if (is_prepaid) {
        model_debit(&w->model, subscriber % CREDIT_ACCOUNTS, charge.amount);
        const struct tg_credit_answer now = credit_world_balance(w, subscriber % CREDIT_ACCOUNTS);
        cr_assert_eq((charge.flags & TG_CHARGE_OVER_CREDIT) != 0, now.available < 0);
    }
}

static void step_time(struct credit_world *w)
{
    w->now_ns += (int64_t)roll(w, 60) * TG_NS_PER_S;
    while (tg_credit_expire(w->credit, &w->f.snapshot, w->now_ns, 1) == TG_CREDIT_EXPIRE_MAX) {
        credit_world_events(w);
    }
    credit_world_events(w);
    for (uint32_t i = 0; i < w->model.ids_count; i++) {
        struct credit_model_id *id = &w->model.ids[i];
        if (id->state == TG_CREDIT_IS_OPEN && id->valid_to_ns <= w->now_ns) {
            id->state = TG_CREDIT_IS_EXPIRED;
        }
    }
    for (uint32_t account = 0; account < CREDIT_ACCOUNTS; account++) {
        model_lapse(&w->model, account, w->now_ns);
    }
}

/* Two nodes are down since some time; the third, and what names no node, goes on. */
static void step_outage(struct credit_world *w)
{
    static uint64_t search;
    struct tg_credit_outage outages[2];
    search++;
    for (uint16_t i = 0; i < 2; i++) {
        outages[i] = (struct tg_credit_outage){
            .since_ns = w->now_ns - (int64_t)roll(w, 120) * TG_NS_PER_S, .node_id = i + 1};
    }
    while (!tg_credit_return_is_done(w->credit, search)) { /* a few at a time, as rounds do */
        uint32_t looks = 1 + roll(w, 7);
        const uint32_t before = looks;
        const uint32_t count =
            tg_credit_return(w->credit, &w->f.snapshot, outages, 2, search, &looks, w->now_ns, 1);
        cr_assert(count <= before - looks && count <= TG_CREDIT_EXPIRE_MAX);
        credit_world_events(w);
    }
    for (uint32_t i = 0; i < w->model.ids_count; i++) {
        struct credit_model_id *id = &w->model.ids[i];
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
    static struct credit_world w;
    credit_world_open(&w, seed, is_simple);
    for (uint32_t step = 0; step < 600; step++) {
        const uint32_t index =
            w.model.ids_count > 0 ? (uint32_t)roll(&w, w.model.ids_count) : CREDIT_IDS;
        struct credit_model_id *id = index < CREDIT_IDS ? &w.model.ids[index] : NULL;
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
            credit_world_crash(&w);
        }
        compare(&w, what < 19 ? "a step" : "a crash");
    }
    credit_world_close(&w);
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
