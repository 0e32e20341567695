/* SPDX-License-Identifier: Apache-2.0 */
/* Fees of periods whose bills were out when an end, or a change of product, was entered. The bills
 * themselves say what they charged and gave back, so the difference to what is owed comes once,
 * whenever it is entered:
 *
 *  - behind the end what was charged comes back, of months, quarters, half and whole years;
 *  - a quarter or year in arrears that nobody charged, as it was to be on the bill of the cycle of
 *    the end, is charged to the end;
 *  - a product that follows by a change pays from the change on, where no bill knew of it. */
#define _GNU_SOURCE /* memmem */
#include "bill/assemble_parts.h"

#include "base/clock.h"
#include "base/money.h"
#include "bill/pause.h"
#include "bill/standing.h"
#include "bill/text.h"
#include "catalog/image.h"
#include "doc/json.h"
#include "store/documents.h"

#include <string.h>

#define KEY_BYTES (6u * TG_BILL_NAME_BYTES + 32u)
/* Of a cycle, or of two days at least. */
#define PERIODS_MAX ((TG_BILL_ENDED_CYCLES + 1) * TG_BILL_CYCLE_DAYS_MAX / 2 + 2)

/* A period of the fee: a cycle, or the quarter or year that it is part of. */
struct period {
    int64_t start_ns;
    int64_t end_ns;
    __int128 amount; /* What bills charged less what they gave back. */
    __int128 given;  /* Of that, what bills of later cycles gave back behind the end. */
    uint32_t cycle;  /* Number of its first cycle that is looked at. */
    uint32_t month;  /* Whose bill charged it; 0: none did. */
    bool is_seen;    /* A voided bill gave back of it, and will when it is made again. */
};

/* What is known of a subscription's fees. */
struct charged {
    struct period periods[PERIODS_MAX];
    uint32_t count;
    bool is_long;
    bool has_days;    /* They are of days. */
    bool begins_late; /* Its begin was looked at as well. */
    bool is_missing;  /* A voided bill is not made again yet: that charges what it has to. */
    bool is_void;     /* The bill in hand is that one. */
    bool is_noted;    /* The bill in hand was noted on. */
    bool is_again;    /* Later bills may have seen to the end that this one knows now. */
    bool is_later;    /* The bill in hand is of a cycle behind this one's ... */
    int64_t later_ns; /* ... that begins then. */
    bool is_unknown;  /* A bill was noted on, or is to be made again: somebody sees to it. */
    const char *subscription;
    const char *product;
    int64_t end_ns;  /* Of the subscription; INT64_MAX: open. */
    const char *key; /* As documents name the subscription. */
    size_t key_bytes;
};

static bool time_of(const struct tg_json *line, const struct tg_json *bill, const char *key,
                    const char *of_bill, int64_t *time_ns)
{
    const char *text = tg_json_get_text(
        line, key, tg_json_get_text(tg_json_get(bill, "billingPeriod"), of_bill, ""));
    return tg_clock_parse(text, strlen(text), time_ns) == TG_OK;
}

/* What a bill gives back of a period that the end is in is no news to who charges it ahead. */
static bool is_late(const struct charged *charged, const struct period *period)
{
    return charged->is_later &&
           (charged->later_ns >= charged->end_ns || period->start_ns >= charged->end_ns);
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
    /* What a suspension before the end gave back was owed whatever came then. */
    if (strcmp(tg_json_get_text(line, "x_title", ""), "suspended") == 0 &&
        to_ns <= charged->end_ns) {
        return;
    }
    if (charged->is_noted && amount > 0) {
        return;
    }
    for (uint32_t i = 0; i < charged->count; i++) {
        struct period *period = &charged->periods[i];
        if (from_ns >= period->start_ns && from_ns < period->end_ns && charged->is_void) {
            period->is_seen |= amount < 0;
        } else if (from_ns >= period->start_ns && from_ns < period->end_ns) {
            period->amount += amount;
            period->given += is_late(charged, period) && amount < 0 ? amount : 0;
            period->month = amount > 0 ? month : period->month;
        }
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

static bool names(const struct tg_bytes *bytes, const struct charged *charged)
{
    return memmem(bytes->at, bytes->length_bytes, charged->key, charged->key_bytes) != NULL;
}

static void bill_add(const struct tg_bill_assembler *made, struct tg_txn *txn, uint32_t month,
                     struct charged *charged)
{
    char id[TG_BILL_ID_BYTES];
    char replaced[TG_BILL_ID_BYTES];
    struct tg_bytes bytes;
    struct tg_json *bill = NULL;
    const struct tg_bill_window window = tg_bill_cycle_bill(&made->cycle, month);
    if (!tg_bill_standing_id(made, &window, NULL, id, replaced)) {
        return;
    }
    charged->is_void = tg_documents_get(txn, "customerBill", id, &bytes) != TG_OK;
    if (charged->is_void) {
        charged->is_missing |= replaced[0] != '\0';
        if (replaced[0] == '\0' ||
            tg_documents_get(txn, "customerBill", replaced, &bytes) != TG_OK) {
            return;
        }
    }
    charged->is_later = month > made->month_last;
    charged->later_ns = window.start_ns;
    if (!names(&bytes, charged)) {
        return;
    }
    charged->is_noted = has_notes(txn, id); /* What it gave back is given back. */
    charged->is_unknown |= charged->is_noted;
    if (tg_json_parse(bytes.at, bytes.length_bytes, &bill, NULL) != TG_OK) {
        charged->count = 0; /* Nothing is known. */
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
                            const struct charged *charged)
{
    char id[TG_BILL_ID_BYTES];
    struct tg_bytes bytes;
    const struct tg_bill_window window =
        tg_bill_cycle_bill(&made->cycle, tg_bill_month_before(made));
    return tg_bill_standing_id(made, &window, NULL, id, NULL) &&
           tg_documents_get(txn, "customerBill", id, &bytes) == TG_OK && names(&bytes, charged);
}

/* From the bill before the first period on, which is where a fee in advance is. One of an earlier
 * cycle that is made when later ones are out, as one that was voided is, looks at these too. */
static void charged_read(const struct tg_bill_assembler *made, struct tg_txn *txn,
                         struct charged *charged)
{
    uint32_t before = 0;
    const uint32_t first = tg_bill_cycle_month(&made->cycle, charged->periods[0].start_ns);
    const uint32_t step = tg_bill_cycle_step(&made->cycle);
    const uint32_t end =
        made->window.month + (tg_bill_cycle_is_passed(made) ? TG_BILL_ENDED_CYCLES * step + 1 : 0);
    for (uint32_t month = first - step; month < end; month += step) {
        const uint32_t last = tg_bill_cycle_last(&made->cycle, month);
        if (last != before && last != made->month_last) {
            bill_add(made, txn, last, charged);
        }
        before = last;
    }
}

/* What a fee's parameters are, seen from one of its cycles; at_ns: in the period. */
static struct tg_bill_fee_params params_at(struct tg_bill_assembler *made, uint32_t subscriber,
                                           uint32_t month, int64_t at_ns,
                                           const struct charged *charged)
{
    const struct tg_bill_window own = made->window;
    struct tg_bill_fee_span span;
    made->window = tg_bill_cycle_window(&made->cycle, month);
    struct tg_bill_fee_params params =
        tg_bill_fee_params_of(made, tg_roster_line(made->catalog->roster, subscriber));
    if (charged->has_days && params.last.image != NULL && tg_fee_days(params.last.product) != 0) {
        tg_bill_fee_days(made, subscriber, at_ns, &params, &span);
    } else if (charged->is_long && params.last.image != NULL) {
        (void)tg_bill_fee_long(made, subscriber, tg_bill_chain_anchor_ns(made, subscriber),
                               params.last.product->period, &params, &span);
    }
    made->window = own;
    return params;
}

/* The periods from that of an instant to the last that begins before another one. */
static void periods_list(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                         int64_t from_ns, int64_t stop_ns, struct charged *charged)
{
    const uint32_t step = tg_bill_cycle_step(&made->cycle);
    uint32_t month = tg_bill_cycle_month(&made->cycle, from_ns);
    int64_t at_ns = from_ns;
    while (month <= made->window.month + step && charged->count < PERIODS_MAX) {
        const struct tg_bill_fee_params params =
            params_at(made, member->subscriber, month, at_ns, charged);
        const struct period *last =
            charged->count > 0 ? &charged->periods[charged->count - 1] : NULL;
        if (params.start_ns >= stop_ns) {
            break;
        }
        if (last == NULL || last->start_ns != params.start_ns) {
            charged->periods[charged->count++] = (struct period){
                .start_ns = params.start_ns, .end_ns = params.end_ns, .cycle = month};
        }
        at_ns = params.end_ns;
        month = charged->has_days ? tg_bill_cycle_month(&made->cycle, at_ns) : month + step;
    }
}

static bool is_in_advance(const struct tg_bill_fee_params *params)
{
    return params->first.image != NULL && params->first.product->is_in_advance != 0;
}

/* What is owed of a period. */
struct due {
    struct tg_bill_fee_params params;
    struct tg_bill_fee_version version; /* Its product is local; image NULL: none has it. */
    struct tg_product local;            /* Fee of all seats. */
    struct tg_bill_prorated owed;
    uint32_t seats;
};

/* Now that more is known, as its bill would have it. */
static enum tg_err owed_of(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                           const struct charged *charged, const struct period *period,
                           struct due *due)
{
    const struct tg_roster_line *who = tg_roster_line(made->catalog->roster, member->subscriber);
    /* In arrears the version and rate are those of the cycle that charged it. */
    const uint32_t own_last = tg_bill_cycle_month(&made->cycle, period->end_ns - 1);
    const uint32_t month = period->month == 0 || period->month < period->cycle ? period->cycle
                           : period->month < own_last                          ? period->month
                                                                               : own_last;
    due->params = params_at(made, member->subscriber, month, period->start_ns, charged);
    struct tg_bill_fee_params *params = &due->params;
    const bool is_ahead = is_in_advance(params);
    const int64_t at_ns =
        is_ahead ? params->start_ns : tg_bill_cycle_window(&made->cycle, month).end_ns - 1;
    due->version = is_ahead ? params->first : params->last;
    due->owed = (struct tg_bill_prorated){.total = 1};
    due->seats = params->starts_by_change && params->change_from == TG_CHANGE_ADDED_SEATS
                     ? tg_bill_chain_quantity_new(made, member->subscriber, params->start_ns)
                     : tg_roster_quantity(who);
    if (due->version.image == NULL) {
        return TG_OK;
    }
    /* This bill, or a later one, sees to the end; also to that of a longer period with its begin.
     */
    if (!charged->is_again && (params->active_to_ns > made->window.start_ns ||
                               (params->active_to_ns == made->window.start_ns && is_ahead &&
                                charged->is_long && params->start_ns < made->window.start_ns))) {
        params->active_to_ns = INT64_MAX;
        params->ends_by_change = false;
        params->ends_on_first_day = false;
    }
    enum tg_err err = tg_bill_version_localize(made, at_ns, &due->local, &due->version);
    if (err == TG_OK &&
        __builtin_mul_overflow(due->local.fee, (int64_t)due->seats, &due->local.fee)) {
        err = TG_E_AMOUNT_OVERFLOW;
    }
    if (err == TG_OK) {
        err =
            tg_bill_fee_owed(&due->version, due->local.fee, due->local.period, params, &due->owed);
    }
    if (params->active_to_ns <= params->start_ns) { /* Whatever the product says of its end. */
        due->owed.amount = 0;
        due->owed.covered = 0;
    }
    return err;
}

static bool is_closed(const struct tg_bill_assembler *made, int64_t at_ns)
{
    return tg_bill_cycle_is_closed(made, tg_bill_cycle_month(&made->cycle, at_ns));
}

/* What suspensions give back of a period that no bill has charged; of one in advance the bill's own
 * cycle sees to its own. */
static enum tg_err pause_add(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                             const struct charged *charged, const struct due *due)
{
    const int64_t end_ns = due->params.end_ns;
    const bool is_own = due->version.product->is_in_advance != 0 && end_ns > made->window.start_ns;
    struct tg_bill_pause_params ask = {.size_bytes = sizeof ask,
                                       .version = due->version,
                                       .amount = due->local.fee,
                                       .period = due->local.period,
                                       .whole = &due->params,
                                       .from_ns = due->params.start_ns,
                                       .to_ns = is_own ? made->window.start_ns : end_ns};
    struct tg_bill_paused paused;
    ask.pauses = tg_roster_pauses(made->catalog->roster, member->subscriber, &ask.pauses_count);
    if (ask.pauses_count == 0 || ask.from_ns >= ask.to_ns) {
        return TG_OK;
    }
    const enum tg_err err = charged->is_long && !is_own ? tg_bill_pause_long(made, &ask, &paused)
                                                        : tg_bill_pause_owed(&ask, &paused);
    if (err != TG_OK || paused.amount == 0) {
        return err;
    }
    if (made->lines_count == made->capacity) {
        return TG_E_FULL;
    }
    tg_bill_pause_line(made, member, &ask, &paused, 0);
    return TG_OK;
}

/* What is asked of a subscription whose change was entered late. */
enum late { LATE_END, LATE_BEGIN, LATE_AGAIN };

static enum tg_err period_line(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                               const struct charged *charged, const struct period *period,
                               enum late late)
{
    const struct tg_roster_line *who = tg_roster_line(made->catalog->roster, member->subscriber);
    struct due due;
    const enum tg_err err = owed_of(made, member, charged, period, &due);
    const struct tg_bill_prorated owed = due.owed;
    if (err != TG_OK || due.version.image == NULL) {
        return err;
    }
    /* In arrears a quarter or year is charged with the end, whose bill is out; one that still runs
     * is charged when it ends. */
    const bool is_ahead = due.version.product->is_in_advance != 0;
    const bool is_over = period->end_ns <= made->window.start_ns;
    const bool is_wanted = late == LATE_AGAIN   ? false
                           : late == LATE_BEGIN ? is_ahead || is_over
                                                : charged->is_long && !is_ahead &&
                                                      is_closed(made, charged->end_ns) &&
                                                      !(charged->begins_late && is_over);
    const bool is_due = is_wanted && period->month == 0 && owed.amount > 0 &&
                        !charged->is_unknown && !charged->is_missing;
    const bool comes_back =
        late == LATE_END && period->month != 0 && owed.amount < period->amount && !period->is_seen;
    /* What later bills gave back of what a voided one had charged, and this one does not. */
    const bool is_again = late == LATE_AGAIN && period->given < 0 && owed.amount > period->amount &&
                          !charged->is_missing;
    const bool is_rest = comes_back || is_again;
    if (!is_due && !comes_back && !is_again) {
        return TG_OK;
    }
    if (made->lines_count == made->capacity) {
        return TG_E_FULL;
    }
    const int64_t begin_ns = (int64_t)who->active_from_s * TG_NS_PER_S;
    const int64_t from_ns = is_rest ? charged->end_ns : begin_ns;
    made->lines[made->lines_count++] = (struct tg_bill_line){
        .subscriber_id = member->name,
        .product_id = charged->product,
        .zone_id = "",
        .price_id = "",
        .unit_id = "",
        .title = comes_back ? TG_BILL_TITLE_UNUSED : "",
        .amount_exact = owed.amount - period->amount,
        .units = due.seats > 1 ? due.seats : 0,
        .covered = is_rest ? owed.total - owed.covered : owed.covered,
        .covered_total = owed.total,
        .fee = due.local.fee,
        .from_ns = from_ns > period->start_ns ? from_ns : period->start_ns,
        .to_ns = period->end_ns,
        .subscriber = member->subscriber,
        .catalog_version = due.version.image->version,
        .currency = due.version.currency,
        .charged_month = comes_back ? period->month : 0,
        .kind = TG_BILL_LINE_RECURRING,
        .proration = due.version.product->proration,
    };
    return is_due ? pause_add(made, member, charged, &due) : TG_OK;
}

/* Where periods end that are looked at: with the bill's cycle. Of a late begin those of its own
 * count that the bill before was to charge ahead, one that begins with it, or of days in it; again
 * those that it may have charged itself, also ahead. */
static int64_t stop_of(const struct tg_bill_assembler *made, const struct charged *charged,
                       enum late late)
{
    return late == LATE_AGAIN  ? made->window.next_end_ns
           : late == LATE_END  ? made->window.start_ns
           : charged->has_days ? made->window.end_ns
                               : made->window.start_ns + 1;
}

/* What the bill in hand has of them already. */
static void own_add(const struct tg_bill_assembler *made, const struct tg_bill_member *member,
                    struct charged *charged)
{
    for (uint32_t i = 0; i < made->lines_count; i++) {
        const struct tg_bill_line *line = &made->lines[i];
        const int64_t from_ns = line->to_ns != 0 ? line->from_ns : made->window.start_ns;
        const bool is_owed =
            strcmp(line->title, "suspended") == 0 && line->to_ns <= charged->end_ns;
        const bool is_own = line->subscriber == member->subscriber &&
                            line->kind == TG_BILL_LINE_RECURRING && !is_owed;
        for (uint32_t p = 0; p < charged->count && is_own; p++) {
            struct period *period = &charged->periods[p];
            period->amount +=
                from_ns >= period->start_ns && from_ns < period->end_ns ? line->amount_exact : 0;
        }
    }
}

/* Periods that may have a line, and what bills say of them; none is left where they cannot. */
static void charged_find(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                         int64_t from_ns, enum late late, struct charged *charged)
{
    struct tg_txn txn;
    periods_list(made, member, from_ns, stop_of(made, charged, late), charged);
    tg_txn_begin(&txn, made->state, false);
    const bool is_there = late != LATE_AGAIN && is_on_last_bill(made, &txn, charged);
    /* A fee of months is on every bill, one of years on few. */
    const bool is_looked_at = late == LATE_AGAIN   ? true
                              : late == LATE_BEGIN ? !is_there
                                                   : is_there || charged->is_long;
    if (is_looked_at && charged->count > 0) {
        charged_read(made, &txn, charged);
    } else {
        charged->count = 0;
    }
    tg_txn_abort(&txn);
    if (late == LATE_AGAIN) {
        own_add(made, member, charged);
    }
}

static enum tg_err late_lines(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                              int64_t from_ns, enum late late, bool *begins_late)
{
    const struct tg_roster_line *who = tg_roster_line(made->catalog->roster, member->subscriber);
    char key_bytes[KEY_BYTES];
    struct tg_bill_text key = tg_bill_text(key_bytes, sizeof key_bytes);
    TG_BILL_TEXT_PUT(&key, "\"x_subscription\":");
    tg_bill_text_quote(&key, member->name); /* as the document has it */
    struct charged charged = {
        .subscription = member->name,
        .product = tg_image_name(member->version.image, TG_CATALOG_PRODUCT, who->product),
        .is_long = member->version.product->period >= TG_FEE_QUARTER,
        .has_days = tg_fee_days(member->version.product) != 0,
        .end_ns = who->active_to_s == TG_ROSTER_OPEN_S ? INT64_MAX
                                                       : (int64_t)who->active_to_s * TG_NS_PER_S,
        .begins_late = *begins_late,
        .is_again = late == LATE_AGAIN,
        .key = key.bytes,
        .key_bytes = key.length_bytes};
    enum tg_err err = TG_OK;
    charged_find(made, member, from_ns, late, &charged);
    *begins_late = charged.count > 0;
    for (uint32_t i = 0; i < charged.count && err == TG_OK; i++) {
        err = period_line(made, member, &charged, &charged.periods[i], late);
    }
    return err;
}

/* Is an instant before the bill's cycle, and at most a year ago? */
static bool is_behind(const struct tg_bill_assembler *made, int64_t at_ns)
{
    const uint32_t month = tg_bill_cycle_month(&made->cycle, at_ns);
    return at_ns < made->window.start_ns &&
           made->window.month - month <= TG_BILL_ENDED_CYCLES * tg_bill_cycle_step(&made->cycle);
}

enum tg_err tg_bill_ended_lines(struct tg_bill_assembler *made, const struct tg_bill_member *member)
{
    const struct tg_roster *roster = made->catalog->roster;
    const struct tg_roster_line *who = tg_roster_line(roster, member->subscriber);
    const struct tg_product *product = member->version.product;
    const int64_t begin_ns = (int64_t)who->active_from_s * TG_NS_PER_S;
    const int64_t end_ns = (int64_t)who->active_to_s * TG_NS_PER_S;
    const bool is_open = who->active_to_s == TG_ROSTER_OPEN_S;
    if (made->state == NULL || made->window.next_end_ns == 0 ||
        made->window.month != made->month_first ||
        (!is_open && who->active_from_s >= who->active_to_s) ||
        (who->flags & TG_ROSTER_REMOVED) != 0 || product == NULL ||
        (product->period != TG_PERIOD_MONTH && product->period < TG_FEE_QUARTER) ||
        !tg_bill_cycle_is_closed(made, tg_bill_month_before(made))) {
        return TG_OK;
    }
    enum tg_err err = TG_OK;
    bool begins_late = false;
    if (roster->changes != NULL && roster->changes[member->subscriber].before != 0 &&
        product->fee != 0 && is_behind(made, begin_ns) && is_closed(made, begin_ns)) {
        err = late_lines(made, member, begin_ns, LATE_BEGIN, &begins_late);
    }
    if (err == TG_OK && !is_open && is_behind(made, end_ns)) {
        err = late_lines(made, member, end_ns, LATE_END, &begins_late);
    }
    return err;
}

/* With the last cycle of the bill, when all of it that charges fees is there. */
enum tg_err tg_bill_again_lines(struct tg_bill_assembler *made, const struct tg_bill_member *member)
{
    const struct tg_roster_line *who = tg_roster_line(made->catalog->roster, member->subscriber);
    const struct tg_product *product = member->version.product;
    const int64_t end_ns = (int64_t)who->active_to_s * TG_NS_PER_S;
    bool begins_late = false;
    if (made->state == NULL || made->window.next_end_ns == 0 ||
        made->window.month != made->month_last || who->active_to_s == TG_ROSTER_OPEN_S ||
        who->active_from_s >= who->active_to_s || (who->flags & TG_ROSTER_REMOVED) != 0 ||
        product == NULL ||
        (product->period != TG_PERIOD_MONTH && product->period < TG_FEE_QUARTER) ||
        !tg_bill_cycle_is_passed(made) ||
        (end_ns < made->window.start_ns && !is_behind(made, end_ns))) {
        return TG_OK;
    }
    const struct tg_bill_window first = tg_bill_cycle_window(&made->cycle, made->month_first);
    return late_lines(made, member, first.start_ns, LATE_AGAIN, &begins_late);
}
