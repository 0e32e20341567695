/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/assemble.h"

#include "base/arena.h"
#include "base/clock.h"
#include "bill/assemble_parts.h"
#include "bill/balance.h"
#include "bill/bill_id.h"
#include "bill/carry.h"
#include "bill/charge_list.h"
#include "bill/close.h"
#include "bill/interim.h"
#include "bill/members.h"
#include "store/documents.h"

#include <assert.h>
#include <string.h>

#define LINES_COUNT_FIRST 1024u

static void *take(size_t count, size_t item_bytes)
{
    return tg_pages_take((count > 0 ? count : 1) * item_bytes);
}

static void give(void *memory, size_t count, size_t item_bytes)
{
    tg_pages_free(memory, (count > 0 ? count : 1) * item_bytes);
}

static void arrays_free(struct tg_bill_assembler *made)
{
    const uint32_t n = made->capacity;
    give(made->slots, n, sizeof made->slots[0]);
    give(made->lines, n, sizeof made->lines[0]);
    give(made->selected, n, sizeof made->selected[0]);
    give(made->names, n, sizeof made->names[0]);
    give(made->scratch.exact, n, sizeof made->scratch.exact[0]);
    give(made->scratch.weights, n, sizeof made->scratch.weights[0]);
    give(made->scratch.parts, n, sizeof made->scratch.parts[0]);
    give(made->scratch.rows, n, sizeof made->scratch.rows[0]);
    give(made->scratch.fractions, n, sizeof made->scratch.fractions[0]);
    made->slots = NULL;
    made->lines = NULL;
    made->selected = NULL;
    made->names = NULL;
    made->scratch = (struct tg_bill_scratch){.capacity = 0};
    made->capacity = 0;
}

static enum tg_err arrays_take(struct tg_bill_assembler *made, uint32_t n, struct tg_why *why)
{
    arrays_free(made);
    made->capacity = n;
    made->slots = take(n, sizeof made->slots[0]);
    made->lines = take(n, sizeof made->lines[0]);
    made->selected = take(n, sizeof made->selected[0]);
    made->names = take(n, sizeof made->names[0]);
    made->scratch = (struct tg_bill_scratch){
        .capacity = n,
        .exact = take(n, sizeof made->scratch.exact[0]),
        .weights = take(n, sizeof made->scratch.weights[0]),
        .parts = take(n, sizeof made->scratch.parts[0]),
        .rows = take(n, sizeof made->scratch.rows[0]),
        .fractions = take(n, sizeof made->scratch.fractions[0]),
    };
    const struct tg_bill_scratch *s = &made->scratch;
    if (made->slots == NULL || made->lines == NULL || made->selected == NULL ||
        made->names == NULL || s->exact == NULL || s->weights == NULL || s->parts == NULL ||
        s->rows == NULL || s->fractions == NULL) {
        arrays_free(made);
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for an invoice of %u lines", n);
    }
    return TG_OK;
}

/* Whether anything may be taken off lines of several taxes: of the account's subscriptions
 * together, of usage that is taxed as of its time, or by its price. */
static void taxes_look(struct tg_bill_assembler *made, const struct tg_image *image)
{
    bool is_at_usage = false;
    for (uint32_t i = 0; i < tg_image_count(image, TG_CATALOG_TAX); i++) {
        const struct tg_tax *tax = tg_image_tax(image, i);
        is_at_usage |= tax != NULL && tax->point == TG_TAX_AT_USAGE;
        made->taxes_by_date |= tax != NULL && tax->point == TG_TAX_AT_ISSUE;
    }
    for (uint32_t i = 0; i < tg_image_prices_count(image); i++) {
        made->taxes_prices |= tg_image_price_tax(image, i) != TG_TAX_NONE;
    }
    for (uint32_t i = 0; i < tg_image_count(image, TG_CATALOG_PRODUCT); i++) {
        const struct tg_product *product = tg_image_product(image, i);
        const uint32_t days = product != NULL ? tg_fee_days(product) : 0;
        made->fee_days_min = days != 0 && (made->fee_days_min == 0 || days < made->fee_days_min)
                                 ? days
                                 : made->fee_days_min;
        made->splits_taxes |= product != NULL && (product->discount_scope == TG_SCOPE_ACCOUNT ||
                                                  product->bounds_scope == TG_SCOPE_ACCOUNT);
    }
    made->splits_taxes |= is_at_usage || made->taxes_prices;
    made->taxes_prices_usage |= is_at_usage && made->taxes_prices;
}

enum tg_err tg_bill_assembler_open(const struct tg_catalog_snapshot *catalog,
                                   const struct tg_bill_members *members,
                                   struct tg_bill_assembler **assembler, struct tg_why *why)
{
    *assembler = NULL;
    struct tg_bill_assembler *made = tg_pages_take(sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for a bill run");
    }
    made->catalog = catalog;
    made->members = members;
    made->sellers = (struct tg_bill_sellers){.catalog = catalog,
                                             .newest = catalog->images[catalog->images_count - 1]};
    for (uint32_t i = 0; i < catalog->images_count; i++) {
        const uint32_t count = tg_bill_spend_count(catalog->images[i]);
        made->spends_max = count > made->spends_max ? count : made->spends_max;
        taxes_look(made, catalog->images[i]);
    }
    const enum tg_err err = arrays_take(made, LINES_COUNT_FIRST, why);
    if (err != TG_OK) {
        tg_bill_assembler_close(made);
        return err;
    }
    *assembler = made;
    return TG_OK;
}

void tg_bill_assembler_close(struct tg_bill_assembler *assembler)
{
    if (assembler == NULL) {
        return;
    }
    arrays_free(assembler);
    tg_pages_free(assembler, sizeof *assembler);
}

static enum tg_err member_lines(struct tg_bill_assembler *made, uint32_t subscriber,
                                const struct tg_bill_slot *slots, uint32_t slots_count,
                                struct tg_why *why)
{
    char *name = made->names[made->names_count++];
    (void)tg_roster_subscriber_name(made->catalog->roster, subscriber, name, TG_BILL_NAME_BYTES);
    const struct tg_roster_line *who = tg_roster_line(made->catalog->roster, subscriber);
    struct tg_product local;
    struct tg_bill_member member = {
        .name = name,
        .subscriber = subscriber,
        .from = made->lines_count,
        .version = tg_bill_product_before(made, who->product, made->window.end_ns)};
    enum tg_err err = made->is_interim ? TG_OK : tg_bill_fee_lines(made, &member, why);
    if (err == TG_OK && !made->is_interim &&
        (who->active_to_s != TG_ROSTER_OPEN_S || made->catalog->roster->changes != NULL)) {
        err = tg_bill_ended_lines(made, &member);
        err = err == TG_OK ? tg_bill_again_lines(made, &member) : err;
        err = err == TG_OK ? TG_OK
                           : tg_why_set(why, err, "the fees of %s cannot be given back", name);
    }
    if (err == TG_OK && member.version.image != NULL) {
        err = tg_bill_version_localize(made, made->window.end_ns - 1, &local, &member.version);
    }
    if (err == TG_OK) {
        err = tg_bill_charge_lines(made, &member, why);
    }
    if (err == TG_OK) {
        err = tg_bill_usage_lines(made, &member, slots, slots_count, why);
    }
    if (err != TG_OK || member.version.product == NULL || made->is_interim) {
        return err;
    }
    const bool is_bound = (who->flags & TG_ROSTER_REMOVED) == 0 &&
                          member.version.product->bounds_scope == TG_SCOPE_SUBSCRIBER;
    const bool is_before = member.version.product->bounds_order == TG_BOUNDS_BEFORE_DISCOUNTS;
    if (made->spends_max > 0 && (who->flags & TG_ROSTER_REMOVED) == 0) {
        err = tg_bill_spend_lines(made, &member);
    }
    if (err == TG_OK && is_bound && is_before) {
        err = tg_bill_bound_lines(made, &member);
    }
    if (err == TG_OK && member.version.product->discount_scope == TG_SCOPE_SUBSCRIBER) {
        err = tg_bill_discount_lines(made, &member);
    }
    if (err == TG_OK && is_bound && !is_before) {
        err = tg_bill_bound_lines(made, &member);
    }
    return err == TG_OK ? TG_OK : tg_why_set(why, err, "the sums of %s do not fit", name);
}

bool tg_bill_is_billed(const struct tg_bill_assembler *made, const struct tg_roster_line *who)
{
    return (who->flags & TG_ROSTER_REMOVED) == 0 &&
           (int64_t)who->active_from_s * TG_NS_PER_S < made->window.end_ns &&
           (who->active_to_s == TG_ROSTER_OPEN_S ||
            (int64_t)who->active_to_s * TG_NS_PER_S > made->window.start_ns);
}

/* Whether a subscription brings discounts of the whole account: also by what it pays before it
 * begins, as a fee in advance is, and by what is on its account behind its end. */
static bool has_discounts(const struct tg_bill_assembler *made, uint32_t subscriber)
{
    bool is_there = tg_bill_is_billed(made, tg_roster_line(made->catalog->roster, subscriber));
    for (uint32_t i = made->cycle_from; i < made->lines_count && !is_there; i++) {
        is_there = made->lines[i].subscriber == subscriber;
    }
    return is_there;
}

/* Terms of the whole account: once a product, of the first subscription that has it, behind the
 * lines of all; discounts before bounds. */
static enum tg_err account_terms(struct tg_bill_assembler *made, const uint32_t *members,
                                 uint32_t count, bool is_discount, struct tg_why *why)
{
    const struct tg_roster *roster = made->catalog->roster;
    enum tg_err err = TG_OK;
    for (uint32_t m = 0; m < count && err == TG_OK; m++) {
        const struct tg_roster_line *who = tg_roster_line(roster, members[m]);
        struct tg_product local;
        struct tg_bill_member member = tg_bill_account_member(made, members, m);
        const struct tg_product *sold = member.version.product;
        bool is_first =
            sold != NULL &&
            (is_discount ? sold->discount_scope : sold->bounds_scope) == TG_SCOPE_ACCOUNT &&
            (is_discount ? has_discounts(made, members[m]) : tg_bill_is_billed(made, who));
        for (uint32_t before = 0; before < m && is_first; before++) {
            const struct tg_roster_line *other = tg_roster_line(roster, members[before]);
            is_first = other->product != who->product ||
                       !(is_discount ? has_discounts(made, members[before])
                                     : tg_bill_is_billed(made, other));
        }
        if (!is_first) {
            continue;
        }
        err = tg_bill_version_localize(made, made->window.end_ns - 1, &local, &member.version);
        if (err == TG_OK) {
            err = is_discount ? tg_bill_discount_lines(made, &member)
                              : tg_bill_bound_lines(made, &member);
        }
    }
    return err == TG_OK ? TG_OK
                        : tg_why_set(why, err, "the sums of %s do not fit", made->account_id);
}

/* A commitment of the account whose end was entered when its bill was out: nobody has the product
 * in this cycle, so the line is of the first that had it when it ended. */
static enum tg_err account_settle(struct tg_bill_assembler *made, const uint32_t *members,
                                  uint32_t count, struct tg_why *why)
{
    const struct tg_roster *roster = made->catalog->roster;
    enum tg_err err = TG_OK;
    for (uint32_t m = 0; m < count && err == TG_OK; m++) {
        const struct tg_roster_line *who = tg_roster_line(roster, members[m]);
        struct tg_product local;
        struct tg_bill_member member = tg_bill_account_member(made, members, m);
        const struct tg_product *sold = member.version.product;
        bool is_first = sold != NULL && sold->bounds_scope == TG_SCOPE_ACCOUNT &&
                        sold->minimum != 0 && sold->minimum_period != 0 &&
                        (who->flags & TG_ROSTER_REMOVED) == 0;
        for (uint32_t i = 0; i < count && is_first; i++) {
            const struct tg_roster_line *other = tg_roster_line(roster, members[i]);
            const bool counts =
                other->product == who->product && (other->flags & TG_ROSTER_REMOVED) == 0;
            is_first =
                !counts || ((int64_t)other->active_to_s * TG_NS_PER_S <= made->window.start_ns &&
                            (other->active_to_s < who->active_to_s ||
                             (other->active_to_s == who->active_to_s && i >= m)));
        }
        if (is_first) {
            err = tg_bill_version_localize(made, made->window.end_ns - 1, &local, &member.version);
            err = err == TG_OK ? tg_bill_commit_line(made, &member) : err;
        }
    }
    return err == TG_OK ? TG_OK
                        : tg_why_set(why, err, "the sums of %s do not fit", made->account_id);
}

/* Every currency the lines have, the account's own first, then in order of first use. */
static enum tg_err currencies_list(struct tg_bill_assembler *made, struct tg_why *why)
{
    const uint16_t own = made->catalog->roster->accounts[made->account].currency;
    made->currencies_count = 0;
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < made->lines_count; i++) {
            const uint16_t currency = made->lines[i].currency;
            if (made->lines[i].note_month != 0) {
                continue;
            }
            uint32_t at = 0;
            while (at < made->currencies_count && made->currencies[at] != currency) {
                at++;
            }
            if (at < made->currencies_count || (pass == 0 && currency != own)) {
                continue;
            }
            if (at == TG_BILL_CURRENCIES_MAX) {
                return tg_why_set(why, TG_E_FULL, "account %s has more than %u currencies",
                                  made->account_id, TG_BILL_CURRENCIES_MAX);
            }
            made->currencies[made->currencies_count++] = currency;
        }
    }
    return TG_OK;
}

/* Of a member's slots those of a cycle: what is late, or of no cycle of the bill, is with the last.
 */
static uint32_t slots_of_cycle(const struct tg_bill_assembler *made, struct tg_bill_slot *slots,
                               uint32_t slots_count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < slots_count; i++) {
        const uint32_t month =
            slots[i].month >= made->month_first && slots[i].month < made->month_last
                ? slots[i].month
                : made->month_last;
        if (month == made->window.month) {
            slots[kept++] = slots[i];
        }
    }
    return kept;
}

/* Lines of one cycle: of each subscription, then what the terms of the account make of them. */
static enum tg_err cycle_lines(struct tg_bill_assembler *made, const uint32_t *members,
                               uint32_t members_count, struct tg_why *why)
{
    enum tg_err err = TG_OK;
    const bool is_one = made->month_first == made->month_last;
    made->is_paid_ahead =
        made->window.next_end_ns != 0 && tg_bill_cycle_is_closed(made, tg_bill_month_before(made));
    made->cycle_from = made->lines_count;
    made->names_count = 0; /* The same names again: those before stay as they are. */
    for (uint32_t m = 0; m < members_count && err == TG_OK; m++) {
        uint32_t count = tg_bill_lines_take(made->table, members[m], made->slots);
        count = is_one ? count : slots_of_cycle(made, made->slots, count);
        err = member_lines(made, members[m], made->slots, count, why);
    }
    if (made->is_interim) { /* Terms are of whole cycles. */
        return err;
    }
    if (err == TG_OK && made->spends_max > 0) {
        err = tg_bill_spend_account(made, members, members_count);
        err = err == TG_OK ? TG_OK
                           : tg_why_set(why, err, "the sums of %s do not fit", made->account_id);
    }
    err = err == TG_OK ? account_terms(made, members, members_count, true, why) : err;
    err = err == TG_OK ? account_terms(made, members, members_count, false, why) : err;
    err = err == TG_OK ? account_settle(made, members, members_count, why) : err;
    for (uint32_t i = made->cycle_from; i < made->lines_count && !is_one; i++) {
        if (made->lines[i].to_ns == 0) { /* Which of the bill's cycles it is of. */
            made->lines[i].from_ns = made->window.start_ns;
            made->lines[i].to_ns = made->window.end_ns;
        }
    }
    return err;
}

/* A bill for several cycles has the lines of each as if it were alone. */
static enum tg_err cycles_lines(struct tg_bill_assembler *made, const uint32_t *members,
                                uint32_t members_count, struct tg_why *why)
{
    const struct tg_bill_window whole = made->window;
    enum tg_err err = TG_OK;
    if (whole.cycles <= 1) {
        return cycle_lines(made, members, members_count, why);
    }
    for (uint32_t month = made->month_first; month <= made->month_last && err == TG_OK; month++) {
        made->window = tg_bill_cycle_window(&made->cycle, month);
        err = cycle_lines(made, members, members_count, why);
    }
    made->window = whole;
    return err;
}

/* Lines and names that interim bills of the account need at most. */
static uint64_t interim_room(struct tg_bill_assembler *made, uint32_t account)
{
    char id[TG_BILL_NAME_BYTES];
    uint64_t count = 0;
    if (made->interims == NULL || made->interims->count == 0) {
        return 0;
    }
    (void)tg_roster_account_name(made->catalog->roster, account, id, sizeof id);
    for (uint32_t i = tg_bill_interims_from(made->interims, id);
         i < made->interims->count && strcmp(made->interims->items[i].account, id) == 0; i++) {
        count++;
    }
    return count * (TG_BILL_TAXES_ALL_MAX * (TG_TAX_PARTS_MAX + 1) + 1);
}

enum tg_err tg_bill_assemble(struct tg_bill_assembler *assembler, uint32_t account,
                             const struct tg_bill_window *window, const struct tg_bill_lines *table,
                             uint32_t *invoices_count, struct tg_why *why)
{
    const struct tg_roster *roster = assembler->catalog->roster;
    assert(account < roster->accounts_count && window->start_ns < window->end_ns);
    *invoices_count = 0;
    assembler->account = account;
    assembler->window = *window;
    assembler->table = table;
    assembler->cycle = tg_bill_cycle_of(assembler->catalog, account);
    assembler->zone = tg_bill_cycle_zone(&assembler->cycle, window->end_ns - 1);
    assembler->month_last = window->month;
    assembler->month_first = window->month - (window->cycles > 1 ? window->cycles - 1 : 0);
    const struct tg_image *terms = tg_catalog_image_at(assembler->catalog, window->end_ns - 1);
    assembler->rounding = terms != NULL ? terms->rounding_bill : (uint8_t)TG_ROUND_HALF_UP;
    assembler->rounds_lines = terms != NULL && terms->billing.rounds_lines != 0;
    assembler->notes_count = 0;
    assembler->lines_count = 0;
    assembler->names_count = 0;
    assembler->rows_count = 0;
    assembler->written_off_count = 0;
    const struct tg_bill_members *all = assembler->members;
    const uint32_t *members = all->members + all->first[account];
    const uint32_t members_count = all->first[account + 1] - all->first[account];
    /* Two fees, what a suspension gives back, minimum spends, two discounts, a maximum and a
     * minimum a member, beside usage and charges. */
    uint64_t needed = (uint64_t)members_count * (7 + assembler->spends_max);
    if (assembler->splits_taxes) { /* Two discounts and a maximum, a line a tax. */
        needed += (uint64_t)members_count * 3 * (TG_BILL_TAXES_MAX - 1);
    }
    for (uint32_t m = 0; m < members_count; m++) {
        needed +=
            tg_bill_charges_from(assembler->charges, assembler->charges_count, members[m] + 1) -
            tg_bill_charges_from(assembler->charges, assembler->charges_count, members[m]);
        needed += tg_bill_lines_count(table, members[m]);
        needed +=
            roster->lines[members[m]].active_to_s != TG_ROSTER_OPEN_S || roster->changes != NULL
                ? 3 * TG_BILL_ENDED_CYCLES
                : 0;
    }
    if (assembler->fee_days_min !=
        0) { /* Two fees and a suspension each, and one ahead; late ends. */
        const uint64_t periods = TG_BILL_CYCLE_DAYS_MAX / assembler->fee_days_min + 2;
        needed += members_count * periods * (4 + 3 * TG_BILL_ENDED_CYCLES);
    }
    needed *= window->cycles > 1 ? window->cycles : 1;
    needed += interim_room(assembler, account);
    enum tg_err err = TG_OK;
    if (needed > assembler->capacity) {
        err =
            needed * 2 > UINT32_MAX ? TG_E_FULL : arrays_take(assembler, (uint32_t)needed * 2, why);
    }
    (void)tg_roster_account_name(roster, account, assembler->account_id, TG_BILL_NAME_BYTES);
    if (tg_roster_account_title(roster, account, assembler->account_name, TG_BILL_TITLE_BYTES) ==
        0) {
        assembler->account_name[0] = '\0';
    }
    tg_bill_date_find(assembler);
    err = err == TG_OK ? cycles_lines(assembler, members, members_count, why) : err;
    if (err == TG_OK) {
        err = currencies_list(assembler, why);
    }
    *invoices_count = err == TG_OK ? assembler->currencies_count + assembler->notes_count : 0;
    return err;
}

bool tg_bill_standing_id(const struct tg_bill_assembler *made, const struct tg_bill_window *window,
                         const char *currency_suffix, char id[TG_BILL_ID_BYTES],
                         char replaced[TG_BILL_ID_BYTES])
{
    const struct tg_zone_view zone = tg_bill_cycle_zone(&made->cycle, window->end_ns - 1);
    return tg_bill_id_format(made->account_id, tg_zone_local_ns(zone, window->start_ns),
                             tg_zone_local_ns(zone, window->end_ns), currency_suffix, id) &&
           tg_bill_voids_current(made->voids, made->account_id, id, replaced);
}

/* The balance of a prepaid account, on the invoice in its own currency. */
static void statement_make(const struct tg_bill_assembler *made, struct tg_bill_invoice *invoice)
{
    const struct tg_roster *roster = made->catalog->roster;
    if (made->balances == NULL) {
        return;
    }
    const struct tg_bill_balance *balance = &made->balances[made->account];
    const bool is_prepaid = roster->credits != NULL && roster->credits[made->account].is_prepaid;
    invoice->statement = (struct tg_bill_statement){
        .opening = balance->opening,
        .topups = balance->topups,
        .usage = balance->usage,
        .lapsed = balance->lapsed,
        .is_there = is_prepaid || balance->opening != 0 || balance->topups != 0 ||
                    balance->usage != 0 || balance->lapsed != 0};
    const struct tg_image *terms = tg_catalog_image_at(made->catalog, made->window.end_ns - 1);
    if (is_prepaid && terms != NULL && !made->is_interim) { /* Charges are due until the cycle's. */
        invoice->balance_mode = terms->billing.prepaid_fees;
    }
    invoice->balance_taken = balance->taken;
    invoice->is_taken = balance->is_taken;
}

/* Who bills, when it is to be paid, in which coins, and what earlier bills have left; a note has
 * these of its invoice. */
static void terms_make(const struct tg_bill_assembler *made, struct tg_bill_invoice *invoice)
{
    const struct tg_image *terms = tg_catalog_image_at(made->catalog, made->window.end_ns - 1);
    const struct tg_roster_account *account = &made->catalog->roster->accounts[made->account];
    if (terms != NULL && terms->billing.payment_days_plus > 0) {
        invoice->due_ns =
            invoice->issued_ns + (terms->billing.payment_days_plus - 1) * TG_NS_PER_DAY;
    }
    invoice->seller = tg_bill_seller_of(&made->sellers, made->account, made->window.end_ns - 1);
    invoice->cash = tg_bill_cash_of(terms, invoice->currency->numeric, account->flags);
    invoice->carries_credit = terms == NULL || terms->billing.keeps_credit == 0;
    if (invoice->carries_credit && made->carries != NULL && made->carries->count > 0) {
        const struct tg_bill_carry_use use = {.account = made->account_id,
                                              .entity = invoice->seller.entity,
                                              .currency = invoice->currency->numeric};
        invoice->credit = tg_bill_carries_sum(made->carries, &use);
    }
}

/* A bill made again names the voided one, and has what a balance paid of that. */
static enum tg_err replaced_make(struct tg_bill_assembler *made, const char *id,
                                 struct tg_bill_invoice *invoice)
{
    struct tg_txn txn;
    tg_txn_begin(&txn, made->state, false);
    const enum tg_err err = tg_bill_replaced_read(&txn, id, &made->replaced);
    tg_txn_abort(&txn);
    invoice->replaces = &made->replaced;
    return err;
}

static enum tg_err head_make(struct tg_bill_assembler *made, struct tg_bill_invoice *invoice)
{
    char replaced[TG_BILL_ID_BYTES];
    const uint16_t own = made->catalog->roster->accounts[made->account].currency;
    const bool is_own = invoice->currency->numeric == own;
    if (is_own) {
        statement_make(made, invoice);
    }
    if (!tg_bill_standing_id(made, &made->window, is_own ? NULL : invoice->currency->code,
                             invoice->id, replaced)) {
        return TG_E_FULL;
    }
    return replaced[0] != '\0' ? replaced_make(made, replaced, invoice) : TG_OK;
}

/* Said of a bill whose length does not tell: 28 days may also be a month. */
static uint8_t weeks_of(const struct tg_bill_window *window)
{
    return window->weeks > 1 ? (uint8_t)window->weeks : 0;
}

enum tg_err tg_bill_assembler_invoice(struct tg_bill_assembler *assembler, uint32_t index,
                                      int64_t issued_ns, struct tg_bill_invoice *invoice,
                                      struct tg_why *why)
{
    assert(index < assembler->currencies_count + assembler->notes_count);
    const struct tg_bill_note_head *note =
        index < assembler->currencies_count
            ? NULL
            : &assembler->notes[index - assembler->currencies_count];
    const uint16_t currency = note != NULL ? note->currency : assembler->currencies[index];
    const uint32_t note_month = note != NULL ? note->month : 0;
    *invoice = (struct tg_bill_invoice){
        .account_id = assembler->account_id,
        .account_name = assembler->account_name,
        .account = assembler->account,
        .currency = tg_currency_by_numeric(currency),
        .period_start_ns = assembler->window.start_ns,
        .period_end_ns = assembler->window.end_ns,
        .zone = assembler->zone,
        .zone_name = tg_bill_cycle_zone_name(&assembler->cycle, assembler->window.end_ns - 1),
        .issued_ns = issued_ns,
        .lines = assembler->selected,
        .rounding = assembler->rounding,
        .rounds_lines = assembler->rounds_lines,
        .is_interim = assembler->is_interim,
        .weeks = weeks_of(&assembler->window),
    };
    if (invoice->currency == NULL) {
        return tg_why_set(why, TG_E_INVALID, "account %s has amounts in an unknown currency %u",
                          assembler->account_id, currency);
    }
    for (uint32_t i = 0; i < assembler->lines_count; i++) {
        if (assembler->lines[i].currency == currency &&
            assembler->lines[i].note_month == note_month) {
            assembler->selected[invoice->lines_count++] = assembler->lines[i];
        }
    }
    enum tg_err err = note != NULL ? tg_bill_note_head_make(assembler, note, invoice)
                                   : head_make(assembler, invoice);
    if (err != TG_OK) {
        return err == TG_E_FULL
                   ? tg_why_set(why, err, "account id %s is too long", assembler->account_id)
                   : tg_why_set(why, err, "what the bill of %s replaces cannot be read",
                                assembler->account_id);
    }
    if (note == NULL) {
        terms_make(assembler, invoice);
    }
    assembler->taxed_to_ns = note != NULL ? note->window.end_ns : assembler->window.end_ns;
    for (uint32_t i = 0; i < invoice->lines_count && err == TG_OK; i++) {
        err = tg_bill_line_tax(assembler, invoice, &assembler->selected[i], why);
    }
    if (err == TG_OK && note == NULL && assembler->interims != NULL) {
        err = tg_bill_interim_lines(assembler, invoice, why);
    }
    if (err == TG_OK) {
        tg_bill_lines_sort(assembler->selected, invoice->lines_count);
        err = tg_bill_invoice_compute(invoice, &assembler->scratch, why);
    }
    return err;
}

void tg_bill_assembler_balances(struct tg_bill_assembler *assembler,
                                const struct tg_bill_balance *balances)
{
    assembler->balances = balances;
}

void tg_bill_assembler_sellers(struct tg_bill_assembler *assembler, const struct tg_image *newest,
                               const char *run_entity)
{
    assembler->sellers.newest = newest;
    assembler->sellers.run_entity = run_entity;
}

void tg_bill_assembler_carries(struct tg_bill_assembler *assembler,
                               const struct tg_bill_carries *carries)
{
    assembler->carries = carries;
}

void tg_bill_assembler_dated(struct tg_bill_assembler *assembler, int64_t issued_ns)
{
    assembler->run_issued_ns = issued_ns;
}

void tg_bill_assembler_interims(struct tg_bill_assembler *assembler,
                                const struct tg_bill_interims *interims, bool is_interim)
{
    assembler->interims = interims;
    assembler->is_interim = is_interim;
}

void tg_bill_assembler_voids(struct tg_bill_assembler *assembler, const struct tg_bill_voids *voids)
{
    assembler->voids = voids;
}

void tg_bill_assembler_state(struct tg_bill_assembler *assembler, struct tg_db *state)
{
    assembler->state = state;
}

uint64_t tg_bill_assembler_rows(const struct tg_bill_assembler *assembler)
{
    return assembler->rows_count;
}

uint64_t tg_bill_assembler_written_off(const struct tg_bill_assembler *assembler)
{
    return assembler->written_off_count;
}

void tg_bill_assembler_closes(struct tg_bill_assembler *assembler,
                              const struct tg_bill_closes *closes)
{
    assembler->closes = closes;
}

void tg_bill_assembler_bands(struct tg_bill_assembler *assembler, const struct tg_bill_bands *bands)
{
    assembler->bands = bands;
}

void tg_bill_assembler_charges(struct tg_bill_assembler *assembler,
                               const struct tg_bill_charge *charges, uint32_t count)
{
    assembler->charges = charges;
    assembler->charges_count = count;
}
