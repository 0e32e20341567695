/* SPDX-License-Identifier: Apache-2.0 */
/* What earlier bills charged for time behind an end that was entered when they were out. The bills
 * themselves say what they charged and gave back, so it comes back once, whenever it is entered. */
#define _GNU_SOURCE /* memmem */
#include "bill/assemble_parts.h"

#include "base/clock.h"
#include "base/money.h"
#include "bill/bill.h"
#include "bill/standing.h"
#include "bill/text.h"
#include "doc/json.h"
#include "store/documents.h"

#include <string.h>

/* Fee of each cycle from that of the end on: what bills charged less what they gave back. */
struct charged {
    __int128 amount[TG_BILL_ENDED_CYCLES];
    uint32_t month[TG_BILL_ENDED_CYCLES]; /* Whose bill charged it; 0: none did. */
    uint32_t first;                       /* Number of the cycle of [0]. */
    uint32_t count;
    const char *subscription;
    const char *product;
    int64_t end_ns; /* Of the subscription. */
};

static bool bill_id_of(const struct tg_bill_assembler *made, uint32_t month,
                       char id[TG_BILL_ID_BYTES])
{
    const struct tg_bill_window window = tg_bill_cycle_bill(&made->cycle, month);
    return tg_bill_standing_id(made, &window, NULL, id, NULL);
}

static bool time_of(const struct tg_json *line, const struct tg_json *bill, const char *key,
                    const char *of_bill, int64_t *time_ns)
{
    const char *text = tg_json_get_text(
        line, key, tg_json_get_text(tg_json_get(bill, "billingPeriod"), of_bill, ""));
    return tg_clock_parse(text, strlen(text), time_ns) == TG_OK;
}

static void line_add(const struct tg_bill_assembler *made, const struct tg_json *bill,
                     const struct tg_json *line, uint32_t month, struct charged *charged)
{
    const uint16_t own = made->catalog->roster->accounts[made->account].currency;
    const struct tg_currency *currency = tg_currency_by_numeric(own);
    const char *exact = tg_json_get_text(line, "x_exactAmount", "");
    int64_t from_ns = 0;
    int64_t to_ns = 0;
    int64_t amount = 0;
    if (currency == NULL || strcmp(tg_json_get_text(line, "x_kind", ""), "recurring") != 0 ||
        strcmp(tg_json_get_text(line, "x_subscription", ""), charged->subscription) != 0 ||
        strcmp(tg_json_get_text(line, "product", ""), charged->product) != 0 ||
        !time_of(line, bill, "x_from", "startDateTime", &from_ns) ||
        !time_of(line, bill, "x_to", "endDateTime", &to_ns) ||
        tg_money_parse(exact, strlen(exact), currency->scale, &amount) != TG_OK) {
        return;
    }
    const uint32_t cycle = tg_bill_cycle_month(&made->cycle, from_ns);
    /* What a suspension before the end gave back was owed whatever came then. */
    const bool is_pause = strcmp(tg_json_get_text(line, "x_title", ""), "suspended") == 0;
    if (cycle < charged->first || cycle - charged->first >= charged->count ||
        (is_pause && to_ns <= charged->end_ns)) {
        return;
    }
    charged->amount[cycle - charged->first] += amount;
    if (amount > 0) {
        charged->month[cycle - charged->first] = month;
    }
}

/* A bill that a note was made on has been looked at by somebody: what it charged stays as it is. */
static bool has_notes(struct tg_txn *txn, const char *id)
{
    struct tg_bytes bytes;
    struct tg_bill_standing standing;
    return tg_documents_get(txn, "billState", id, &bytes) == TG_OK &&
           (tg_bill_standing_read(txn, id, &standing) != TG_OK || standing.notes != 0);
}

static void bill_add(const struct tg_bill_assembler *made, struct tg_txn *txn, uint32_t month,
                     struct charged *charged)
{
    char id[TG_BILL_ID_BYTES];
    struct tg_bytes bytes;
    struct tg_json *bill = NULL;
    if (!bill_id_of(made, month, id) ||
        tg_documents_get(txn, "customerBill", id, &bytes) != TG_OK || has_notes(txn, id) ||
        tg_json_parse(bytes.at, bytes.length_bytes, &bill, NULL) != TG_OK) {
        return;
    }
    const struct tg_json *lines = tg_json_get(bill, "x_line");
    for (size_t i = 0; i < tg_json_count(lines); i++) {
        line_add(made, bill, tg_json_at(lines, i), month, charged);
    }
    tg_json_free(bill);
}

/* Does the bill before say anything of the subscription? Of one that ended in time it does not, but
 * for the bill of its last cycle: most are told by that, without reading a document. */
static bool is_on_last_bill(const struct tg_bill_assembler *made, struct tg_txn *txn,
                            const char *subscription)
{
    char id[TG_BILL_ID_BYTES];
    char bytes_of_key[6 * TG_BILL_NAME_BYTES + 32];
    struct tg_bill_text key = tg_bill_text(bytes_of_key, sizeof bytes_of_key);
    struct tg_bytes bytes;
    TG_BILL_TEXT_PUT(&key, "\"x_subscription\":");
    tg_bill_text_quote(&key, subscription); /* as the document has it */
    return bill_id_of(made, made->window.month - 1, id) &&
           tg_documents_get(txn, "customerBill", id, &bytes) == TG_OK &&
           memmem(bytes.at, bytes.length_bytes, key.bytes, key.length_bytes) != NULL;
}

static bool charged_read(const struct tg_bill_assembler *made, struct charged *charged)
{
    struct tg_txn txn;
    uint32_t before = 0;
    tg_txn_begin(&txn, made->state, false);
    const bool is_there = is_on_last_bill(made, &txn, charged->subscription);
    for (uint32_t month = charged->first - 1; month < made->window.month && is_there; month++) {
        const uint32_t last = tg_bill_cycle_last(&made->cycle, month);
        if (last != before && last < made->month_last) {
            bill_add(made, &txn, last, charged);
        }
        before = last;
    }
    tg_txn_abort(&txn);
    return is_there;
}

/* What is owed of a cycle now that the end is known, as its bill would have it. */
static enum tg_err owed_of(struct tg_bill_assembler *made, const struct tg_roster_line *who,
                           uint32_t month, struct tg_product *local,
                           struct tg_bill_fee_version *version, struct tg_bill_prorated *owed)
{
    const struct tg_bill_window own = made->window;
    made->window = tg_bill_cycle_window(&made->cycle, month);
    const struct tg_bill_fee_params params = tg_bill_fee_params_of(made, who);
    const bool is_ahead = params.first.image != NULL && params.first.product->is_in_advance != 0;
    const int64_t at_ns = is_ahead ? params.start_ns : params.end_ns - 1;
    enum tg_err err = TG_OK;
    *version = is_ahead ? params.first : params.last;
    *owed = (struct tg_bill_prorated){.total = 1};
    if (version->image != NULL) {
        err = tg_bill_version_localize(made, at_ns, local, version);
        if (err == TG_OK &&
            __builtin_mul_overflow(local->fee, (int64_t)tg_roster_quantity(who), &local->fee)) {
            err = TG_E_AMOUNT_OVERFLOW;
        }
        if (err == TG_OK) {
            err = tg_bill_fee_owed(version, local->fee, local->period, &params, owed);
        }
        if (params.active_to_ns <= params.start_ns) { /* Whatever the product says of its end. */
            owed->amount = 0;
            owed->covered = 0;
        }
    }
    made->window = own;
    return err;
}

static enum tg_err cycle_line(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                              const struct charged *charged, uint32_t index)
{
    const struct tg_roster_line *who = tg_roster_line(made->catalog->roster, member->subscriber);
    const uint32_t month = charged->first + index;
    const struct tg_bill_window window = tg_bill_cycle_window(&made->cycle, month);
    struct tg_product local;
    struct tg_bill_fee_version version;
    struct tg_bill_prorated owed;
    const enum tg_err err = owed_of(made, who, month, &local, &version, &owed);
    if (err != TG_OK || version.image == NULL || charged->month[index] == 0 ||
        owed.amount >= charged->amount[index]) {
        return err;
    }
    if (made->lines_count == made->capacity) {
        return TG_E_FULL;
    }
    made->lines[made->lines_count++] = (struct tg_bill_line){
        .subscriber_id = member->name,
        .product_id = charged->product,
        .zone_id = "",
        .price_id = "",
        .unit_id = "",
        .title = "unused",
        .amount_exact = owed.amount - charged->amount[index],
        .units = tg_roster_quantity(who) > 1 ? tg_roster_quantity(who) : 0,
        .covered = owed.total - owed.covered,
        .covered_total = owed.total,
        .fee = local.fee,
        .from_ns = charged->end_ns > window.start_ns ? charged->end_ns : window.start_ns,
        .to_ns = window.end_ns,
        .subscriber = member->subscriber,
        .catalog_version = version.image->version,
        .currency = version.currency,
        .charged_month = charged->month[index],
        .kind = TG_BILL_LINE_RECURRING,
        .proration = version.product->proration,
    };
    return TG_OK;
}

enum tg_err tg_bill_ended_lines(struct tg_bill_assembler *made, const struct tg_bill_member *member)
{
    const struct tg_roster *roster = made->catalog->roster;
    const struct tg_roster_line *who = tg_roster_line(roster, member->subscriber);
    const int64_t end_ns = (int64_t)who->active_to_s * TG_NS_PER_S;
    const bool has_after =
        roster->changes != NULL && roster->changes[member->subscriber].after != 0;
    if (who->active_to_s == TG_ROSTER_OPEN_S || end_ns >= made->window.start_ns || has_after ||
        made->state == NULL || made->window.next_end_ns == 0 ||
        made->window.month != made->month_first || who->active_from_s >= who->active_to_s ||
        (who->flags & TG_ROSTER_REMOVED) != 0 || member->version.product == NULL ||
        member->version.product->period != TG_PERIOD_MONTH ||
        !tg_bill_cycle_is_closed(made, made->window.month - 1)) {
        return TG_OK;
    }
    struct charged charged = {
        .first = tg_bill_cycle_month(&made->cycle, end_ns),
        .subscription = member->name,
        .product = tg_image_name(member->version.image, TG_CATALOG_PRODUCT, who->product),
        .end_ns = end_ns};
    charged.count = made->window.month - charged.first;
    if (charged.count == 0 || charged.count > TG_BILL_ENDED_CYCLES ||
        !charged_read(made, &charged)) {
        return TG_OK;
    }
    enum tg_err err = TG_OK;
    for (uint32_t i = 0; i < charged.count && err == TG_OK; i++) {
        err = cycle_line(made, member, &charged, i);
    }
    return err;
}
