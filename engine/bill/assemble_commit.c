/* SPDX-License-Identifier: Apache-2.0 */
/* Minimums of quarters, half years and years: what the bills of the period have, and this one, is
 * summed when the period or the subscription ends, and what is missing is a line. The bills say it
 * themselves: no sum is kept beside them that could differ. */
#define _GNU_SOURCE /* memmem */
#include "bill/assemble_parts.h"

#include "base/clock.h"
#include "base/money.h"
#include "bill/members.h"
#include "bill/pause.h"
#include "bill/text.h"
#include "catalog/image.h"
#include "doc/json.h"
#include "store/documents.h"

#include <string.h>

#define KEY_BYTES (6u * TG_BILL_NAME_BYTES + 32u)

/* A commitment over a period. */
struct commit {
    const struct tg_bill_member *member;
    struct tg_bill_fee_params params; /* Of the period. */
    bool is_account;                  /* Of all lines of the account. */
    bool is_told;                     /* Another bill has what is missing. */
    bool is_behind;                   /* The bill looked at is of a later cycle than this one. */
    int64_t begin_ns;                 /* Of what is owed. */
    int64_t stop_ns;                  /* Its end. */
    uint32_t month_first;             /* Number of the first cycle that counts. */
    uint32_t month_stop;              /* Of the cycle it ends in. */
    __int128 sum;                     /* Of the lines that count. */
    __int128 told;                    /* Of lines that said before what is missing. */
    const char *product;              /* Its id. */
    const char *key;                  /* As documents name the subscription. */
    size_t key_bytes;
};

/* The number of an amount; what is not there is 0. */
static __int128 amount_of(const struct tg_json *line, const char *key,
                          const struct tg_currency *currency)
{
    const char *text = tg_json_get_text(line, key, "");
    int64_t amount = 0;
    return tg_money_parse(text, strlen(text), currency->scale, &amount) == TG_OK ? amount : 0;
}

static uint8_t kind_of(const struct tg_json *line)
{
    const char *name = tg_json_get_text(line, "x_kind", "");
    uint8_t kind = 0;
    while (kind < TG_BILL_LINE_KINDS && strcmp(tg_bill_line_kind_name(kind), name) != 0) {
        kind++;
    }
    return kind;
}

static bool time_of(const struct tg_json *json, const char *key, int64_t *time_ns)
{
    const char *text = tg_json_get_text(json, key, "");
    return tg_clock_parse(text, strlen(text), time_ns) == TG_OK;
}

/* Of a bill for several cycles only those of the period; a fee ahead is of the cycle before it. */
static bool is_of_period(const struct commit *commit, const struct tg_json *bill, int64_t from_ns)
{
    const struct tg_json *period = tg_json_get(bill, "billingPeriod");
    int64_t end_ns = 0;
    return from_ns >= commit->params.start_ns &&
           (from_ns < commit->params.end_ns ||
            (time_of(period, "endDateTime", &end_ns) && end_ns <= commit->params.end_ns));
}

/* What was missing before is paid: of the subscription, or of any that had the product where the
 * minimum is of the account. What is settled to the same end stays so. */
static void minimum_add(struct commit *commit, const struct tg_json *json, bool is_own,
                        int64_t from_ns, __int128 amount)
{
    const bool is_same =
        is_own || strcmp(tg_json_get_text(json, "product", ""), commit->product) == 0;
    int64_t to_ns = 0;
    if (is_same && from_ns >= commit->params.start_ns && from_ns < commit->stop_ns) {
        commit->told += amount;
        commit->is_told |= !commit->is_behind && (is_own || commit->is_account) &&
                           from_ns == commit->begin_ns && time_of(json, "x_to", &to_ns) &&
                           to_ns == commit->stop_ns;
    }
}

static void line_add(const struct tg_bill_assembler *made, struct commit *commit,
                     const struct tg_currency *currency, const struct tg_json *bill,
                     const struct tg_json *json)
{
    const struct tg_product *product = commit->member->version.product;
    struct tg_bill_line line = {.kind = kind_of(json),
                                .amount_exact = amount_of(json, "x_exactAmount", currency),
                                .amount_usage = amount_of(json, "x_ofUsage", currency),
                                .is_prepaid = tg_json_get(json, "x_paidFrom") != NULL};
    int64_t from_ns = 0;
    const bool has_from = time_of(json, "x_from", &from_ns) ||
                          time_of(tg_json_get(bill, "billingPeriod"), "startDateTime", &from_ns);
    const bool is_late = line.kind == TG_BILL_LINE_LATE || line.kind == TG_BILL_LINE_ADJUSTMENT;
    const bool is_own =
        strcmp(tg_json_get_text(json, "x_subscription", ""), commit->member->name) == 0;
    if ((!is_own && !commit->is_account) || line.kind >= TG_BILL_LINE_INTERIM || !has_from) {
        return;
    }
    if (line.kind == TG_BILL_LINE_MINIMUM) {
        minimum_add(commit, json, is_own, from_ns, line.amount_exact);
    } else if (!commit->is_behind && (is_late || is_of_period(commit, bill, from_ns)) &&
               !(line.kind == TG_BILL_LINE_DISCOUNT &&
                 product->bounds_order == TG_BOUNDS_BEFORE_DISCOUNTS)) {
        commit->sum += tg_bill_line_counted(made, &line, product->minimum_on);
    }
}

static void bill_add(const struct tg_bill_assembler *made, struct tg_txn *txn, uint32_t month,
                     struct commit *commit)
{
    const uint16_t own = made->catalog->roster->accounts[made->account].currency;
    const struct tg_currency *currency = tg_currency_by_numeric(commit->member->version.currency);
    const struct tg_bill_window window = tg_bill_cycle_bill(&made->cycle, month);
    char id[TG_BILL_ID_BYTES];
    char replaced[TG_BILL_ID_BYTES];
    struct tg_bytes bytes;
    struct tg_json *bill = NULL;
    /* A voided bill is made again: until then it says what that will. */
    if (currency == NULL ||
        !tg_bill_standing_id(made, &window, currency->numeric == own ? NULL : currency->code, id,
                             replaced) ||
        (tg_documents_get(txn, "customerBill", id, &bytes) != TG_OK &&
         (replaced[0] == '\0' ||
          tg_documents_get(txn, "customerBill", replaced, &bytes) != TG_OK)) ||
        (!commit->is_account &&
         memmem(bytes.at, bytes.length_bytes, commit->key, commit->key_bytes) == NULL) ||
        tg_json_parse(bytes.at, bytes.length_bytes, &bill, NULL) != TG_OK) {
        return;
    }
    const struct tg_json *lines = tg_json_get(bill, "x_line");
    for (size_t i = 0; i < tg_json_count(lines); i++) {
        line_add(made, commit, currency, bill, tg_json_at(lines, i));
    }
    tg_json_free(bill);
}

/* Lines of the bill in hand: of earlier cycles on it, and of its own. */
static void own_add(const struct tg_bill_assembler *made, struct commit *commit)
{
    struct tg_bill_counted of = {.taxes = NULL};
    for (uint32_t i = 0; i < made->lines_count; i++) {
        const struct tg_bill_line *line = &made->lines[i];
        const bool is_before = i < made->cycle_from;
        const bool is_own = line->subscriber == commit->member->subscriber;
        if (line->currency != commit->member->version.currency ||
            (!is_own && !commit->is_account) || line->kind == TG_BILL_LINE_MINIMUM ||
            (is_before && line->from_ns < commit->params.start_ns) ||
            (is_before && line->kind == TG_BILL_LINE_DISCOUNT &&
             commit->member->version.product->bounds_order == TG_BOUNDS_BEFORE_DISCOUNTS)) {
            continue;
        }
        tg_bill_counted_add(made, line, commit->member->version.product->minimum_on, &of);
    }
    commit->sum += of.sum;
}

/* Of bills of later cycles, which are out when this one is made again, what they say is missing. */
static void bills_add(const struct tg_bill_assembler *made, struct commit *commit)
{
    struct tg_txn txn;
    uint32_t before = 0;
    const uint32_t end =
        made->window.month + (tg_bill_cycle_is_passed(made) ? TG_BILL_ENDED_CYCLES + 1 : 0);
    tg_txn_begin(&txn, made->state, false);
    for (uint32_t month = commit->month_first; month < end; month++) {
        const uint32_t last = tg_bill_cycle_last(&made->cycle, month);
        commit->is_behind = last > made->month_last;
        if (last != before && last != made->month_last) {
            bill_add(made, &txn, last, commit);
        }
        before = last;
    }
    tg_txn_abort(&txn);
}

/* The time of all of the account that have the product in the period. */
static void account_widen(const struct tg_bill_assembler *made, struct commit *commit)
{
    const struct tg_roster *roster = made->catalog->roster;
    const struct tg_bill_members *all = made->members;
    struct tg_bill_fee_params *params = &commit->params;
    const uint16_t product = roster->lines[commit->member->subscriber].product;
    for (uint32_t m = all->first[made->account]; m < all->first[made->account + 1]; m++) {
        const struct tg_roster_line *who = tg_roster_line(roster, all->members[m]);
        const int64_t from_ns = (int64_t)who->active_from_s * TG_NS_PER_S;
        const int64_t to_ns = who->active_to_s == TG_ROSTER_OPEN_S
                                  ? INT64_MAX
                                  : (int64_t)who->active_to_s * TG_NS_PER_S;
        if (who->product != product || (who->flags & TG_ROSTER_REMOVED) != 0 ||
            from_ns >= params->end_ns || to_ns <= params->start_ns) {
            continue;
        }
        if (from_ns < params->active_from_ns) {
            params->active_from_ns = from_ns;
            params->starts_by_change = false;
        }
        if (to_ns > params->active_to_ns) {
            params->active_to_ns = to_ns;
            params->ends_by_change = false;
        }
    }
}

/* What was spent before the account's first bill is not known: it is not owed either. */
static void begin_find(const struct tg_bill_assembler *made, struct commit *commit)
{
    struct tg_bill_fee_params *params = &commit->params;
    const int64_t from_ns =
        params->active_from_ns > params->start_ns ? params->active_from_ns : params->start_ns;
    const uint32_t first = tg_bill_cycle_month(&made->cycle, from_ns);
    uint32_t month = commit->month_stop;
    while (month > first && tg_bill_cycle_is_closed(made, month - 1)) {
        month--;
    }
    commit->month_first = month;
    commit->begin_ns = from_ns;
    if (month > first) {
        commit->begin_ns = tg_bill_cycle_window(&made->cycle, month).start_ns;
        params->active_from_ns = commit->begin_ns;
        params->starts_by_change = false;
    }
}

/* When nobody of the account has the product any more: of the account's minimum, else when the
 * subscription ends. INT64_MAX: somebody goes on. */
static int64_t over_ns(const struct tg_bill_assembler *made, const struct commit *commit)
{
    const struct tg_roster *roster = made->catalog->roster;
    const struct tg_bill_members *all = made->members;
    const struct tg_roster_line *own = tg_roster_line(roster, commit->member->subscriber);
    uint32_t last_s = own->active_to_s;
    for (uint32_t m = all->first[made->account];
         commit->is_account && m < all->first[made->account + 1]; m++) {
        const struct tg_roster_line *who = tg_roster_line(roster, all->members[m]);
        const bool counts = who->product == own->product && (who->flags & TG_ROSTER_REMOVED) == 0;
        last_s = counts && who->active_to_s > last_s ? who->active_to_s : last_s;
    }
    return last_s == TG_ROSTER_OPEN_S ? INT64_MAX : (int64_t)last_s * TG_NS_PER_S;
}

/* The period of the cycle in hand, or that in which the subscription ended; false: nothing is due
 * with this bill. */
static bool commit_find(struct tg_bill_assembler *made, struct commit *commit)
{
    const struct tg_bill_member *member = commit->member;
    const struct tg_roster_line *who = tg_roster_line(made->catalog->roster, member->subscriber);
    const struct tg_bill_window own = made->window;
    const uint8_t period = tg_bill_minimum_period(member->version.product);
    const int64_t end_ns = over_ns(made, commit);
    struct tg_bill_fee_span span;
    commit->month_stop =
        end_ns <= own.start_ns ? tg_bill_cycle_month(&made->cycle, end_ns - 1) : own.month;
    made->window = tg_bill_cycle_window(&made->cycle, commit->month_stop);
    commit->params = tg_bill_fee_params_of(made, who);
    const int64_t anchor_ns = commit->is_account
                                  ? tg_bill_chain_account_anchor_ns(made, member->subscriber)
                                  : tg_bill_chain_anchor_ns(made, member->subscriber);
    const bool is_cycle =
        commit->params.last.image != NULL &&
        tg_bill_fee_long(made, member->subscriber, anchor_ns, period, &commit->params, &span);
    made->window = own;
    if (!is_cycle || own.month - commit->month_stop > TG_BILL_ENDED_CYCLES) {
        return false;
    }
    if (commit->is_account) {
        account_widen(made, commit);
    }
    const struct tg_bill_fee_params *params = &commit->params;
    commit->stop_ns = params->active_to_ns < params->end_ns ? params->active_to_ns : params->end_ns;
    begin_find(made, commit);
    /* An end that was entered when its bill was out is settled by the next. */
    const bool is_late = commit->month_stop < own.month && own.month == made->month_first &&
                         tg_bill_cycle_is_closed(made, commit->month_stop);
    return commit->begin_ns < commit->stop_ns &&
           (is_late || (commit->stop_ns > own.start_ns && commit->stop_ns <= own.end_ns));
}

/* What is settled behind the end is by the version and at the rate of the bill that had the end:
 * what a later one asks is nothing to who was gone. Without a product: that version had no such
 * minimum. */
static enum tg_err version_take(const struct tg_bill_assembler *made, const struct commit *commit,
                                struct tg_product *local, struct tg_bill_fee_version *version)
{
    const struct tg_product *now = version->product;
    const struct tg_product *was = commit->params.last.product;
    if (commit->month_stop == made->window.month) {
        return TG_OK;
    }
    *version = commit->params.last;
    if (was->minimum == 0 || was->minimum_period != now->minimum_period ||
        was->bounds_scope != now->bounds_scope) {
        version->product = NULL;
        return TG_OK;
    }
    const int64_t end_ns = tg_bill_cycle_window(&made->cycle, commit->month_stop).end_ns;
    return tg_bill_version_localize(made, end_ns - 1, local, version);
}

/* Prorated as a fee of the period, less the time of suspensions that give it back. */
static enum tg_err commit_owed(const struct tg_bill_assembler *made, const struct commit *commit,
                               struct tg_bill_prorated *owed)
{
    const struct tg_bill_member *member = commit->member;
    const int64_t minimum = member->version.product->minimum;
    struct tg_bill_pause_params ask = {.size_bytes = sizeof ask,
                                       .version = member->version,
                                       .amount = minimum,
                                       .whole = &commit->params,
                                       .from_ns = commit->params.start_ns,
                                       .to_ns = commit->params.end_ns,
                                       .period = TG_PERIOD_MONTH};
    struct tg_bill_paused paused;
    enum tg_err err =
        tg_bill_fee_owed(&member->version, minimum, TG_PERIOD_MONTH, &commit->params, owed);
    if (err != TG_OK || commit->is_account) {
        return err;
    }
    ask.pauses = tg_roster_pauses(made->catalog->roster, member->subscriber, &ask.pauses_count);
    err = tg_bill_pause_long(made, &ask, &paused);
    if (err != TG_OK || paused.covered == 0) {
        return err;
    }
    owed->amount -= paused.amount;
    owed->covered = paused.total == owed->total ? owed->covered - paused.covered
                    : owed->amount != 0         ? owed->covered
                                                : 0;
    return TG_OK;
}

enum tg_err tg_bill_commit_line(struct tg_bill_assembler *made, const struct tg_bill_member *member)
{
    char key_bytes[KEY_BYTES];
    struct tg_bill_text key = tg_bill_text(key_bytes, sizeof key_bytes);
    struct tg_bill_member then = *member;
    struct tg_product local;
    struct commit commit = {
        .member = &then,
        .product =
            tg_image_name(member->version.image, TG_CATALOG_PRODUCT,
                          tg_roster_line(made->catalog->roster, member->subscriber)->product),
        .is_account = member->version.product->bounds_scope == TG_SCOPE_ACCOUNT};
    struct tg_bill_prorated owed = {0};
    if (made->window.next_end_ns == 0 || !commit_find(made, &commit)) {
        return TG_OK;
    }
    enum tg_err err = version_take(made, &commit, &local, &then.version);
    if (err != TG_OK || then.version.product == NULL) {
        return err;
    }
    TG_BILL_TEXT_PUT(&key, "\"x_subscription\":");
    tg_bill_text_quote(&key, member->name);
    commit.key = key.bytes;
    commit.key_bytes = key.length_bytes;
    err = commit_owed(made, &commit, &owed);
    if (err != TG_OK || owed.covered == 0) {
        return err;
    }
    if (made->state != NULL) {
        bills_add(made, &commit);
    }
    if (commit.month_stop == made->window.month) {
        own_add(made, &commit);
    }
    /* What bills said is missing comes back as far as it was too much, as the end came sooner. */
    const __int128 due = owed.amount - commit.sum;
    const __int128 missing = (due > 0 ? due : 0) - commit.told;
    if (missing == 0 || commit.is_told) {
        return TG_OK;
    }
    if (missing > INT64_MAX || missing < -INT64_MAX || made->lines_count == made->capacity) {
        return made->lines_count == made->capacity ? TG_E_FULL : TG_E_AMOUNT_OVERFLOW;
    }
    tg_bill_extra_line(made, &then,
                       &(struct tg_bill_line){.title = "minimum",
                                              .amount_exact = missing,
                                              .fee = then.version.product->minimum,
                                              .covered = owed.covered,
                                              .covered_total = owed.total,
                                              .from_ns = commit.begin_ns,
                                              .to_ns = commit.stop_ns,
                                              .kind = TG_BILL_LINE_MINIMUM});
    return TG_OK;
}
