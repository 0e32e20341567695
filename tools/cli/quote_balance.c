/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/quote_balance.h"

#include "base/money.h"
#include "cli/bill_lookup.h"
#include "cli/quote_journal.h"

#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX (1u << 20) /* Ids that are remembered; address space, used as they come. */

/* What is not told of an account yet. */
struct untold {
    int64_t lapsed; /* Money, above 0. */
    uint8_t alerts; /* Bits: the balance fell below. */
    uint8_t below;  /* Bits: it is below. */
};

struct tg_quote_balance {
    const struct tg_catalog_snapshot *snapshot;
    struct tg_quote_journal *journal;
    struct tg_credit_book *book;
    struct tg_credit *credit;
    struct untold *untold; /* Shape [accounts_count]. */
    int64_t now_ns;        /* Latest begin of a line. */
};

enum tg_err tg_quote_balance_open(const struct tg_catalog_snapshot *snapshot, struct tg_rate *rate,
                                  struct tg_quote_journal *journal,
                                  struct tg_quote_balance **balance, struct tg_why *why)
{
    const uint32_t count = snapshot->roster->accounts_count;
    struct tg_quote_balance *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory");
    }
    made->snapshot = snapshot;
    made->journal = journal;
    made->untold = calloc((size_t)count + 1, sizeof made->untold[0]);
    enum tg_err err = made->untold != NULL ? TG_OK : tg_why_set(why, TG_E_NO_MEMORY, "no memory");
    err = err == TG_OK ? tg_credit_book_open(count > 0 ? count : 1, &made->book, why) : err;
    err = err == TG_OK ? tg_credit_create(made->book, tg_rate_accounts(rate), ENTRIES_MAX,
                                          &made->credit, why)
                       : err;
    if (err != TG_OK) {
        tg_quote_balance_close(made);
        return err;
    }
    *balance = made;
    return TG_OK;
}

void tg_quote_balance_close(struct tg_quote_balance *balance)
{
    if (balance == NULL) {
        return;
    }
    tg_credit_destroy(balance->credit);
    tg_credit_book_close(balance->book);
    free(balance->untold);
    free(balance);
}

struct tg_credit *tg_quote_balance_credit(struct tg_quote_balance *balance)
{
    return balance->credit;
}

/* Events go into the journal, and what they say is told with the account's next answer. */
static void events_keep(struct tg_quote_balance *balance)
{
    uint32_t count = 0;
    const struct tg_credit_event *events = tg_credit_events(balance->credit, &count);
    for (uint32_t i = 0; i < count; i++) {
        struct untold *untold = &balance->untold[events[i].account];
        untold->lapsed -= events[i].kind == TG_CREDIT_LAPSE ? events[i].amount : 0;
        untold->alerts |= events[i].alerts & (uint8_t)~untold->below;
        untold->below = events[i].alerts;
        if (balance->journal != NULL) {
            tg_quote_journal_event(balance->journal, &events[i]);
        }
    }
    tg_credit_events_done(balance->credit);
}

void tg_quote_balance_pass(struct tg_quote_balance *balance, int64_t at_ns)
{
    balance->now_ns = at_ns > balance->now_ns ? at_ns : balance->now_ns;
    while (tg_credit_expire(balance->credit, balance->snapshot, balance->now_ns, 1) ==
           TG_CREDIT_EXPIRE_MAX) {
        events_keep(balance);
    }
    events_keep(balance);
}

static struct tg_credit_answer balance_ask(const struct tg_quote_balance *balance, uint32_t account)
{
    const struct tg_credit_request request = {.action = TG_CREDIT_DO_BALANCE,
                                              .account = account,
                                              .subscriber = TG_SUBSCRIBER_NONE,
                                              .at_ns = balance->now_ns};
    struct tg_credit_answer answer = {.err = TG_OK};
    struct tg_usage row;
    struct tg_charge charge;
    (void)tg_credit_ask(balance->credit, balance->snapshot, &request, balance->now_ns, 1, &answer,
                        &row, &charge);
    return answer;
}

void tg_quote_balance_taken_up(struct tg_quote_balance *balance)
{
    for (uint32_t i = 0; i < balance->snapshot->roster->accounts_count; i++) {
        balance->untold[i].below = balance_ask(balance, i).alerts;
    }
}

static void money_set(const struct tg_quote_balance *balance, struct tg_json *json, const char *key,
                      int64_t amount)
{
    const struct tg_image *image = balance->snapshot->images[balance->snapshot->images_count - 1];
    tg_json_set_money(json, key, amount, (uint8_t)image->scale, (uint8_t)image->minor);
}

static void account_tell(struct tg_quote_balance *balance, uint32_t account, struct tg_json *json)
{
    const struct tg_credit_answer answer = balance_ask(balance, account);
    const struct tg_image *image = balance->snapshot->images[balance->snapshot->images_count - 1];
    struct untold *untold = &balance->untold[account];
    money_set(balance, json, "balance", answer.balance);
    money_set(balance, json, "available", answer.available);
    if (answer.lapses_ns != 0) {
        money_set(balance, json, "lapses_next", answer.lapses);
        tg_json_set_time(json, "lapses_at", answer.lapses_ns);
    }
    if (untold->lapsed != 0) {
        money_set(balance, json, "lapsed", untold->lapsed);
    }
    if (untold->alerts != 0) {
        const struct tg_roster_credit *terms = &balance->snapshot->roster->credits[account];
        struct tg_json *alerts = tg_json_list();
        for (uint32_t i = 0; i < terms->alerts_count; i++) {
            char text[TG_MONEY_TEXT_BYTES];
            if ((untold->alerts >> i & 1u) != 0) {
                (void)tg_money_format(terms->alerts[i], (uint8_t)image->scale,
                                      (uint8_t)image->minor, text);
                tg_json_append(alerts, tg_json_string(text));
            }
        }
        tg_json_set(json, "alerts", alerts);
    }
    untold->lapsed = 0;
    untold->alerts = 0;
}

enum tg_err tg_quote_balance_credit_of(const struct tg_quote_balance *balance,
                                       struct tg_usage_line *line)
{
    const struct tg_roster *roster = balance->snapshot->roster;
    const uint8_t kind = (uint8_t)tg_usage_subscriber_kind(&line->row);
    uint32_t subscriber = TG_SUBSCRIBER_NONE;
    (void)tg_roster_find(roster, &kind, &line->row.subscriber_key, &line->row.start_ns, 1,
                         &subscriber);
    const struct tg_roster_line *who = tg_roster_line(roster, subscriber);
    if (who == NULL) {
        return TG_E_UNKNOWN_SUBSCRIBER;
    }
    if (!roster->credits[who->account].is_prepaid) {
        return TG_E_NOT_PREPAID;
    }
    const struct tg_credit_answer answer = balance_ask(balance, who->account);
    line->credit = answer.balance;
    line->credit_floor = -answer.limit;
    return TG_OK;
}

void tg_quote_balance_row(struct tg_quote_balance *balance, const struct tg_usage *row,
                          struct tg_charge *charge)
{
    tg_credit_debit(balance->credit, balance->snapshot->roster, row, charge, 1);
    events_keep(balance);
}

void tg_quote_balance_tell(struct tg_quote_balance *balance, const struct tg_charge *charge,
                           struct tg_json *json)
{
    const struct tg_roster_line *who =
        (charge->flags & TG_CHARGE_PREPAID) != 0
            ? tg_roster_line(balance->snapshot->roster, charge->subscriber)
            : NULL;
    if (who == NULL) {
        return;
    }
    if ((charge->flags & TG_CHARGE_OVER_CREDIT) != 0) {
        tg_json_set_bool(json, "over_credit", true);
    }
    account_tell(balance, who->account, json);
}

static void refuse(struct tg_json *json, uint64_t number, enum tg_err err)
{
    struct tg_json *errors = tg_json_list();
    struct tg_json *error = tg_json_object();
    char place[48];
    (void)snprintf(place, sizeof place, "%llu:1", (unsigned long long)number);
    tg_json_set_string(error, "at", place);
    tg_json_set_string(error, "reason", tg_err_name(err));
    tg_json_set_string(error, "error", tg_err_sentence(err));
    tg_json_append(errors, error);
    tg_json_set_string(json, "fate", "refused");
    tg_json_set_string(json, "reason", tg_err_name(err));
    tg_json_set_string(json, "at", place);
    tg_json_set_string(json, "error", tg_err_sentence(err));
    tg_json_set(json, "errors", errors);
}

bool tg_quote_balance_do(struct tg_quote_balance *balance, const struct tg_usage_line *line,
                         uint64_t number, struct tg_json *json)
{
    const bool is_topup = line->action == TG_USAGE_TOPUP;
    struct tg_credit_answer answer = {.err = TG_E_NOT_PREPAID};
    uint32_t account = TG_ACCOUNT_NONE;
    struct tg_usage row;
    struct tg_charge charge;
    if (balance != NULL) {
        account = tg_cli_account_find(balance->snapshot, line->account);
        struct tg_credit_request request = {.action = is_topup ? TG_CREDIT_DO_TOPUP
                                                               : TG_CREDIT_DO_BALANCE,
                                            .at_ns = line->row.start_ns,
                                            .amount = line->amount,
                                            .valid_to_ns = line->valid_to_ns,
                                            .account = account,
                                            .subscriber = TG_SUBSCRIBER_NONE};
        (void)snprintf(request.id, sizeof request.id, "%s", line->id != NULL ? line->id : "");
        answer.err = TG_OK;
        (void)tg_credit_ask(balance->credit, balance->snapshot, &request, balance->now_ns, 1,
                            &answer, &row, &charge);
        events_keep(balance);
    }
    if (answer.err != TG_OK) {
        refuse(json, number, (enum tg_err)answer.err);
        return false;
    }
    tg_json_set_string(json, "fate",
                       !is_topup          ? "balance"
                       : answer.is_repeat ? "duplicate"
                                          : "topped_up");
    if (answer.is_repeat) {
        tg_json_set_string(json, "reason", tg_err_name(TG_E_DUPLICATE));
        tg_json_set_string(json, "message", tg_err_sentence(TG_E_DUPLICATE));
    }
    tg_json_set_string(json, "account", line->account);
    if (is_topup) {
        money_set(balance, json, "amount", line->amount);
    }
    account_tell(balance, account, json);
    return true;
}
