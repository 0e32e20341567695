/* SPDX-License-Identifier: Apache-2.0 */
/* The prepaid ledger, case by case. */
#include "credit_world.h"

/* If this fails an operator's retry of an old top-up is carried out a second time once its id was
 * forgotten. */
Test(credit_cases, a_forgotten_id_is_refused_not_repeated)
{
    static struct credit_world w;
    credit_world_open(&w, 1, true);
    struct tg_credit_request request = {
        .action = TG_CREDIT_DO_TOPUP, .amount = 1, .subscriber = TG_SUBSCRIBER_NONE};
    for (uint32_t i = 0; i <= CREDIT_ENTRIES; i++) {
        request.at_ns = w.now_ns + (int64_t)i * TG_NS_PER_MS;
        (void)snprintf(request.id, sizeof request.id, "top-%u", i);
        cr_assert_eq(credit_world_ask(&w, &request).err, TG_OK);
    }
    cr_assert_eq(tg_credit_counts(w.credit)->forgotten_count, 1);
    request.at_ns = w.now_ns;
    (void)snprintf(request.id, sizeof request.id, "top-0");
    cr_assert_eq(credit_world_ask(&w, &request).err, TG_E_TOO_OLD);
    cr_assert_eq(credit_world_balance(&w, 0).balance, CREDIT_ENTRIES + 1);
    credit_world_close(&w);
}

/* If this fails open reservations are thrown out for new ones, or the table grows without end. */
Test(credit_cases, open_reservations_fill_the_table_and_the_next_is_told)
{
    static struct credit_world w;
    credit_world_open(&w, 1, true);
    w.credits[0].limit = INT64_C(1000000);
    struct tg_credit_request request = {.action = TG_CREDIT_DO_RESERVE,
                                        .row = fixture_call(w.now_ns, 1000),
                                        .at_ns = w.now_ns,
                                        .validity_ns = TG_NS_PER_S};
    for (uint32_t i = 0; i <= TG_CREDIT_OPEN_MAX; i++) {
        (void)snprintf(request.id, sizeof request.id, "r-%u", i);
        cr_expect_eq(credit_world_ask(&w, &request).err,
                     i < TG_CREDIT_OPEN_MAX ? TG_OK : TG_E_FULL);
    }
    cr_expect_eq(tg_credit_counts(w.credit)->full_count, 1);
    struct tg_credit_view views[4];
    cr_expect_eq(tg_credit_list(w.credit, 0, views, 4), TG_CREDIT_OPEN_MAX);
    cr_expect_eq(tg_credit_due_ns(w.credit), w.now_ns + TG_NS_PER_S);
    w.now_ns += TG_NS_PER_S;
    uint32_t expired = 0;
    for (uint32_t some = TG_CREDIT_EXPIRE_MAX; some == TG_CREDIT_EXPIRE_MAX;) {
        some = tg_credit_expire(w.credit, &w.f.snapshot, w.now_ns, 1);
        credit_world_events(&w);
        expired += some;
    }
    cr_expect_eq(expired, TG_CREDIT_OPEN_MAX);
    cr_expect_eq(credit_world_balance(&w, 0).account_held, 0);
    cr_expect_eq(tg_credit_due_ns(w.credit), INT64_MAX);
    credit_world_close(&w);
}

/* If this fails a session that reports in steps is charged twice for a step, or keeps the hold of
 * a step it has reported. */
Test(credit_cases, an_update_commits_one_step_and_reserves_the_next)
{
    static struct credit_world w;
    credit_world_open(&w, 1, true);
    w.credits[1].limit = 1000;
    struct tg_credit_request request = {.action = TG_CREDIT_DO_RESERVE,
                                        .row = fixture_call(w.now_ns, 20000),
                                        .at_ns = w.now_ns,
                                        .validity_ns = TG_NS_PER_S,
                                        .account = 1,
                                        .subscriber = 1,
                                        .id = "session"};
    cr_assert_eq(credit_world_ask(&w, &request).held, 20 * CREDIT_RATE + CREDIT_CONNECT);
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
        const struct tg_credit_answer answer = credit_world_ask(&w, &update);
        cr_expect_eq(answer.err, TG_OK);
        cr_expect_eq(answer.is_repeat, i == 1);
        cr_expect_eq(answer.charge, 10 * CREDIT_RATE + CREDIT_CONNECT);
        cr_expect_eq(answer.held, 30 * CREDIT_RATE,
                     "of the same session: no fee, no first increment");
        cr_expect_eq(answer.balance, -(10 * CREDIT_RATE + CREDIT_CONNECT));
        cr_expect_eq(answer.account_held, 30 * CREDIT_RATE);
    }
    update.number = 3;
    cr_expect_eq(credit_world_ask(&w, &update).err, TG_E_NOT_FOUND);
    credit_world_close(&w);
}

/* If this fails a prepaid call pays its connect fee, and rounds to the first increment, with every
 * update, and costs more than the same call on a bill. */
Test(credit_cases, a_session_of_updates_costs_what_the_call_costs)
{
    /* 60 s free, then 0.01 a second by sixes, connect 0.05. 90 + 60 + 1 = 151 s are 156 billed, 96
     * of them priced: 0.96 + 0.05 = 1.01. */
    static struct credit_world w;
    credit_world_open(&w, 1, true);
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
    cr_expect_eq(credit_world_ask(&w, &request).held, 65 * FIXTURE_EUR / 100, "60 priced");
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
        const struct tg_credit_answer answer = credit_world_ask(&w, &next);
        cr_expect_eq(answer.err, TG_OK, "step %zu: %d", i, answer.err);
        cr_expect_eq(answer.charge, steps[i].charge * FIXTURE_EUR / 100, "step %zu: %lld", i,
                     (long long)answer.charge);
        cr_expect_eq(answer.held, steps[i].held * FIXTURE_EUR / 100, "step %zu holds %lld", i,
                     (long long)answer.held);
        sum += answer.charge;
        w.durable_count = w.journal_count;
        w.durable = w.model;
        credit_world_crash(&w);
    }
    cr_expect_eq(sum, 101 * FIXTURE_EUR / 100);
    credit_world_close(&w);
}

/* If this fails a customer is not told that his money runs out, or is told with every call. */
Test(credit_cases, an_alert_is_told_once_till_the_balance_is_above_it_again)
{
    static struct credit_world w;
    credit_world_open(&w, 1, true);
    struct tg_credit_request request = {
        .action = TG_CREDIT_DO_TOPUP, .amount = 200, .at_ns = w.now_ns, .id = "one"};
    cr_assert_eq(credit_world_ask(&w, &request).alerts, 0);
    for (uint32_t i = 0; i < 3; i++) {
        struct tg_usage row = fixture_call(w.now_ns, 10000);
        (void)credit_world_row(&w, &row, (struct tg_charge){.subscriber = 0});
        credit_world_events(&w);
    }
    cr_expect_eq(tg_credit_counts(w.credit)->alerts_count, 1);
    cr_expect_eq(credit_world_balance(&w, 0).alerts, 1);
    request.amount = 1000;
    (void)snprintf(request.id, sizeof request.id, "two");
    cr_expect_eq(credit_world_ask(&w, &request).alerts, 0);
    credit_world_close(&w);
}

/* If this fails money that a call holds is gone under it, or money that nobody used stays for ever.
 */
Test(credit_cases, held_money_lapses_when_its_reservation_has_ended)
{
    static struct credit_world w;
    credit_world_open(&w, 1, true);
    struct tg_credit_request top = {.action = TG_CREDIT_DO_TOPUP,
                                    .id = "soon",
                                    .at_ns = w.now_ns,
                                    .amount = 500,
                                    .valid_to_ns = w.now_ns + TG_NS_PER_S,
                                    .subscriber = TG_SUBSCRIBER_NONE};
    cr_assert_eq(credit_world_ask(&w, &top).err, TG_OK);
    (void)snprintf(top.id, sizeof top.id, "ever");
    top.amount = 50;
    top.valid_to_ns = 0;
    cr_assert_eq(credit_world_ask(&w, &top).err, TG_OK);
    struct tg_credit_request call = {.action = TG_CREDIT_DO_RESERVE,
                                     .id = "call",
                                     .row = fixture_call(w.now_ns, 20000),
                                     .at_ns = w.now_ns,
                                     .validity_ns = 60 * TG_NS_PER_S};
    cr_assert_eq(credit_world_ask(&w, &call).held, 170); /* 20 s, and the connect fee */
    cr_expect_eq(credit_world_balance(&w, 0).lapses, 500);
    cr_expect_eq(tg_credit_due_ns(w.credit), w.now_ns + TG_NS_PER_S);
    w.now_ns += TG_NS_PER_S;
    cr_expect_eq(tg_credit_expire(w.credit, &w.f.snapshot, w.now_ns, 1), 1);
    credit_world_events(&w);
    struct tg_credit_answer now = credit_world_balance(&w, 0);
    cr_expect_eq(now.balance, 170 + 50);
    cr_expect_eq(now.available, 50);
    cr_expect_eq(tg_credit_expire(w.credit, &w.f.snapshot, w.now_ns + 1, 1), 0, "it waits");
    w.durable_count = w.journal_count;
    credit_world_crash(&w);
    (void)tg_credit_expire(w.credit, &w.f.snapshot, w.now_ns, 1);
    now = credit_world_balance(&w, 0);
    cr_expect_eq(now.balance, 170 + 50, "after a crash");
    struct tg_credit_request end = {.action = TG_CREDIT_DO_COMMIT,
                                    .id = "call",
                                    .at_ns = w.now_ns,
                                    .account = TG_ACCOUNT_NONE,
                                    .subscriber = TG_SUBSCRIBER_NONE,
                                    .used = 10000};
    now = credit_world_ask(&w, &end);
    cr_expect_eq(now.charge, 100);
    cr_expect_eq(now.balance, 50, "of 170 that were held 100 were used, and the rest has lapsed");
    cr_expect_eq(now.lapses_ns, 0);
    cr_expect_eq(tg_credit_counts(w.credit)->lapsed_count, 2);
    credit_world_close(&w);
}

/* If this fails a top-up pays a debt and lapses as well, or is accepted when it has lapsed. */
Test(credit_cases, a_top_up_pays_debts_before_it_lapses)
{
    static struct credit_world w;
    credit_world_open(&w, 1, true);
    struct tg_credit_request top = {.action = TG_CREDIT_DO_TOPUP,
                                    .id = "debt",
                                    .at_ns = w.now_ns,
                                    .amount = -300,
                                    .subscriber = TG_SUBSCRIBER_NONE};
    cr_assert_eq(credit_world_ask(&w, &top).err, TG_OK);
    (void)snprintf(top.id, sizeof top.id, "late");
    top.amount = 500;
    top.valid_to_ns = w.now_ns;
    cr_expect_eq(credit_world_ask(&w, &top).err, TG_E_TOO_OLD);
    top.valid_to_ns = w.now_ns + TG_NS_PER_S;
    const struct tg_credit_answer answer = credit_world_ask(&w, &top);
    cr_expect_eq(answer.err, TG_OK);
    cr_expect_eq(answer.valid_to_ns, top.valid_to_ns);
    cr_expect_eq(answer.lapses, 200);
    w.now_ns += TG_NS_PER_S;
    (void)tg_credit_expire(w.credit, &w.f.snapshot, w.now_ns, 1);
    credit_world_events(&w);
    cr_expect_eq(credit_world_balance(&w, 0).balance, 0);
    cr_expect_eq(tg_credit_due_ns(w.credit), INT64_MAX);
    credit_world_close(&w);
}
