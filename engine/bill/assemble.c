/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/assemble.h"

#include "abi/usage.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "bill/bill.h"
#include "bill/charge_list.h"
#include "bill/close.h"
#include "bill/convert.h"
#include "bill/fee.h"
#include "bill/lines.h"
#include "catalog/catalog.h"

#include <assert.h>
#include <string.h>

#define LINES_COUNT_FIRST 1024u
#define NAME_BYTES        TG_NAME_BYTES_MAX
#define TITLE_BYTES       256u
#define UNTAXED           "untaxed"

struct tg_bill_members {
    const struct tg_roster *roster;
    uint32_t *first;   /* Shape [accounts_count + 1]: members of an account begin here. */
    uint32_t *members; /* Shape [subscribers_count]: roster indices, ascending in an account. */
};

struct tg_bill_assembler {
    const struct tg_catalog_snapshot *catalog;
    const struct tg_bill_charge *charges; /* One-off charges; may be NULL. */
    uint32_t charges_count;
    const struct tg_bill_closes *closes; /* May be NULL. */
    uint64_t written_off_count;
    const struct tg_bill_members *members;
    uint32_t capacity;             /* Lines the arrays below have room for. */
    struct tg_bill_slot *slots;    /* One member's at a time; shape [capacity]. */
    struct tg_bill_line *lines;    /* The account's, all currencies; shape [capacity]. */
    struct tg_bill_line *selected; /* One invoice's; shape [capacity]. */
    char (*names)[NAME_BYTES];     /* Subscription ids; shape [capacity]. */
    struct tg_bill_scratch scratch;
    uint32_t lines_count;
    uint32_t names_count;
    uint64_t rows_count;
    uint32_t account;
    struct tg_bill_window window;
    bool is_paid_ahead; /* The bill of the cycle before is closed. */
    uint32_t currencies_count;
    uint16_t currencies[TG_BILL_CURRENCIES_MAX]; /* The account's own first. */
    char account_id[NAME_BYTES];
    char account_name[TITLE_BYTES];
};

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

/* Counting sort of subscribers by account. */
static void members_list(struct tg_bill_members *made, const struct tg_roster *roster)
{
    for (uint32_t s = 0; s < roster->subscribers_count; s++) {
        if (roster->lines[s].account < roster->accounts_count) {
            made->first[roster->lines[s].account + 1]++;
        }
    }
    for (uint32_t a = 0; a < roster->accounts_count; a++) {
        made->first[a + 1] += made->first[a];
    }
    /* Filling moves each begin to the next account's; shifting back restores them. */
    for (uint32_t s = 0; s < roster->subscribers_count; s++) {
        if (roster->lines[s].account < roster->accounts_count) {
            made->members[made->first[roster->lines[s].account]++] = s;
        }
    }
    for (uint32_t a = roster->accounts_count; a > 0; a--) {
        made->first[a] = made->first[a - 1];
    }
    made->first[0] = 0;
}

struct tg_bill_members *tg_bill_members_open(const struct tg_roster *roster, struct tg_why *why)
{
    struct tg_bill_members *made = tg_pages_take(sizeof *made);
    if (made != NULL) {
        made->roster = roster;
        made->first = take((size_t)roster->accounts_count + 1, sizeof made->first[0]);
        made->members = take(roster->subscribers_count, sizeof made->members[0]);
    }
    if (made == NULL || made->first == NULL || made->members == NULL) {
        tg_bill_members_close(made);
        (void)tg_why_set(why, TG_E_NO_MEMORY, "no memory for %u accounts", roster->accounts_count);
        return NULL;
    }
    members_list(made, roster);
    return made;
}

void tg_bill_members_close(struct tg_bill_members *members)
{
    if (members == NULL) {
        return;
    }
    const struct tg_roster *roster = members->roster;
    give(members->first, (size_t)roster->accounts_count + 1, sizeof members->first[0]);
    give(members->members, roster->subscribers_count, sizeof members->members[0]);
    tg_pages_free(members, sizeof *members);
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

/* Same price under two catalog versions? Then its usage is one line. */
static bool price_is_same(const struct tg_image *a, const struct tg_image *b, uint32_t price_id)
{
    const struct tg_price *left = tg_image_price(a, price_id);
    const struct tg_price *right = tg_image_price(b, price_id);
    if (left == NULL || right == NULL || left->steps_count != right->steps_count ||
        left->params_bytes != right->params_bytes ||
        strcmp(tg_image_tariff_name(a, price_id), tg_image_tariff_name(b, price_id)) != 0) {
        return false;
    }
    struct tg_price twin = *right; /* Offsets depend on where the image put things. */
    twin.steps_offset = left->steps_offset;
    twin.params_offset = left->params_offset;
    return memcmp(left, &twin, sizeof twin) == 0 &&
           memcmp(tg_price_steps(left), tg_price_steps(right),
                  left->steps_count * sizeof(struct tg_price_step)) == 0 &&
           memcmp(tg_price_params(left), tg_price_params(right), left->params_bytes) == 0;
}

/* The version valid just before an instant; a product it no longer has is looked for backwards. */
static struct tg_bill_fee_version product_before(const struct tg_bill_assembler *made,
                                                 uint16_t product, int64_t before_ns)
{
    const struct tg_catalog_snapshot *catalog = made->catalog;
    for (uint32_t i = catalog->images_count; i > 0; i--) {
        const struct tg_image *image = catalog->images[i - 1];
        if (catalog->valid_from_ns[i - 1] < before_ns && tg_image_product(image, product) != NULL) {
            return (struct tg_bill_fee_version){image, tg_image_product(image, product),
                                                image->currency};
        }
    }
    return (struct tg_bill_fee_version){NULL, NULL, 0};
}

/* The version whose fees and taxes count. */
static const struct tg_image *product_image(const struct tg_bill_assembler *made, uint16_t product)
{
    return product_before(made, product, made->window.end_ns).image;
}

static struct tg_bill_fee_params fee_params(const struct tg_bill_assembler *made,
                                            const struct tg_roster_line *who)
{
    const struct tg_bill_window *window = &made->window;
    return (struct tg_bill_fee_params){
        .size_bytes = sizeof(struct tg_bill_fee_params),
        .is_paid_ahead = made->is_paid_ahead,
        .first = product_before(made, who->product, window->start_ns + 1),
        .last = product_before(made, who->product, window->end_ns),
        .next = product_before(made, who->product, window->end_ns + 1),
        .start_ns = window->start_ns,
        .end_ns = window->end_ns,
        .next_end_ns = window->next_end_ns,
        .active_from_ns = (int64_t)who->active_from_s * TG_NS_PER_S,
        .active_to_ns = who->active_to_s == TG_ROSTER_OPEN_S
                            ? INT64_MAX
                            : (int64_t)who->active_to_s * TG_NS_PER_S,
    };
}

/* The product's amounts in the account's currency, at the rate of an instant. */
static enum tg_err version_localize(const struct tg_bill_assembler *made, int64_t at_ns,
                                    struct tg_product *local, struct tg_bill_fee_version *version)
{
    const enum tg_err err = tg_bill_product_convert(
        version->image, version->product, made->catalog->roster->accounts[made->account].currency,
        at_ns, local, &version->currency);
    version->product = local;
    return err;
}

/* A fee in advance is converted at the first instant of the cycle it is for, so that the bill that
 * charges it and the one that gives it back use one rate. */
static enum tg_err fees_localize(const struct tg_bill_assembler *made, struct tg_product locals[3],
                                 struct tg_bill_fee_params *params)
{
    enum tg_err err = version_localize(made, params->end_ns - 1, &locals[0], &params->last);
    if (err == TG_OK && params->is_paid_ahead && params->first.image != NULL &&
        params->first.product->is_in_advance != 0) {
        err = version_localize(made, params->start_ns, &locals[1], &params->first);
    }
    if (err == TG_OK && params->next_end_ns != 0 && params->next.image != NULL &&
        params->next.product->is_in_advance != 0) {
        err = version_localize(made, params->end_ns, &locals[2], &params->next);
    }
    return err;
}

static enum tg_err fee_lines(struct tg_bill_assembler *made, uint32_t subscriber, const char *name,
                             struct tg_why *why)
{
    static const char *const titles[] = {[TG_BILL_FEE_DUE] = "",
                                         [TG_BILL_FEE_AHEAD] = "in advance",
                                         [TG_BILL_FEE_UNUSED] = "unused"};
    const struct tg_roster_line *who = tg_roster_line(made->catalog->roster, subscriber);
    struct tg_bill_fee fees[TG_BILL_FEES_MAX];
    uint32_t count = 0;
    if ((who->flags & TG_ROSTER_REMOVED) != 0 || who->product == TG_PRODUCT_NONE) {
        return TG_OK;
    }
    struct tg_bill_fee_params params = fee_params(made, who);
    struct tg_product locals[3];
    if (params.last.image == NULL) {
        return tg_why_set(why, TG_E_CATALOG_VERSION, "no catalog version has the product of %s",
                          name);
    }
    enum tg_err err = fees_localize(made, locals, &params);
    if (err != TG_OK) {
        return tg_why_set(why, err, "the fee of %s cannot be converted", name);
    }
    err = tg_bill_fees(&params, fees, &count);
    if (err != TG_OK) {
        return tg_why_set(why, err, "the fee of %s cannot be prorated", name);
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct tg_image *image = fees[i].image;
        const struct tg_product *product = tg_image_product(image, who->product);
        made->lines[made->lines_count++] = (struct tg_bill_line){
            .subscriber_id = name,
            .product_id = tg_image_name(image, TG_CATALOG_PRODUCT, who->product),
            .zone_id = "",
            .price_id = "",
            .unit_id = "",
            .title = titles[fees[i].kind],
            .amount_exact = fees[i].amount,
            .covered = fees[i].covered,
            .covered_total = fees[i].total,
            .fee = fees[i].fee,
            .from_ns = fees[i].from_ns,
            .to_ns = fees[i].to_ns,
            .subscriber = subscriber,
            .catalog_version = image->version,
            .currency = fees[i].currency,
            .kind =
                product->period == TG_PERIOD_EVER ? TG_BILL_LINE_ONE_OFF : TG_BILL_LINE_RECURRING,
            .proration = product->proration,
        };
    }
    return TG_OK;
}

static bool slot_continues(const struct tg_bill_assembler *made, const struct tg_bill_slot *before,
                           const struct tg_bill_slot *slot)
{
    return before->subscriber == slot->subscriber && before->service == slot->service &&
           before->kind == slot->kind && before->month == slot->month &&
           before->zone == slot->zone && before->price_id == slot->price_id &&
           before->currency == slot->currency && slot->currency < TG_BILL_EXCHANGE_FROM &&
           price_is_same(tg_catalog_image_version(made->catalog, before->catalog_version),
                         tg_catalog_image_version(made->catalog, slot->catalog_version),
                         slot->price_id);
}

/* Add a slot's sums to a line; the line's own are 64-bit, and a sum that is not fails the account.
 */
static enum tg_err line_add(struct tg_bill_line *line, const struct tg_bill_slot *slot,
                            struct tg_why *why)
{
    const unsigned __int128 units = line->units + slot->units;
    const unsigned __int128 billed = line->billed_units + slot->billed_units;
    const unsigned __int128 covered = line->allowance_units + slot->allowance_units;
    if (units > UINT64_MAX || billed > UINT64_MAX || covered > UINT64_MAX) {
        return tg_why_set(why, TG_E_OVERFLOW, "units of %s do not fit 64 bits",
                          line->subscriber_id);
    }
    line->units = (uint64_t)units;
    line->billed_units = (uint64_t)billed;
    line->allowance_units = (uint64_t)covered;
    line->rows_count += slot->rows_count;
    line->amount_exact += slot->amount;
    line->residual += slot->residual;
    line->catalog_version = slot->catalog_version;
    const __int128 tax = line->charge_tax + slot->charge_tax;
    if (tax > INT64_MAX || tax < INT64_MIN) {
        return tg_why_set(why, TG_E_AMOUNT_OVERFLOW, "the taxes of %s do not fit",
                          line->subscriber_id);
    }
    line->charge_tax = (int64_t)tax;
    return TG_OK;
}

/* The line's only conversion: of its exact sum, at the rate of its rows' events. */
static enum tg_err line_convert(const struct tg_image *image, const struct tg_exchange_rate *rate,
                                struct tg_bill_line *line, struct tg_why *why)
{
    int64_t amount;
    line->amount_foreign = line->amount_exact;
    if (tg_exchange_amount(rate, line->amount_exact, image->rounding_exchange, &amount) != TG_OK) {
        return tg_why_set(why, TG_E_AMOUNT_OVERFLOW, "the usage of %s does not fit",
                          line->subscriber_id);
    }
    line->amount_exact = amount;
    line->exchange = rate;
    line->exchange_id = tg_image_exchange_name(image, rate);
    line->currency = rate->to;
    return TG_OK;
}

/* The period late rows are of: the one that closed in their month. */
static void line_period(const struct tg_bill_assembler *made, const struct tg_bill_slot *slot,
                        struct tg_bill_line *line)
{
    const uint8_t day = made->catalog->roster->accounts[made->account].cycle_day;
    if (slot->month != 0) {
        const bool is_first = day <= 1;
        line->from_ns = tg_bill_month_day_ns(slot->month - (is_first ? 0 : 1), is_first ? 1 : day);
        line->to_ns = tg_bill_month_day_ns(slot->month + (is_first ? 1 : 0), is_first ? 1 : day);
    }
}

static enum tg_err usage_line(struct tg_bill_assembler *made, const struct tg_bill_slot *slot,
                              const struct tg_bill_slot *before, const char *name,
                              struct tg_why *why)
{
    const struct tg_image *image = tg_catalog_image_version(made->catalog, slot->catalog_version);
    if (image == NULL || tg_image_price(image, slot->price_id) == NULL) {
        return tg_why_set(why, TG_E_CATALOG_VERSION,
                          "usage of %s was priced by price %u of catalog version %u, which is not "
                          "stored",
                          name, slot->price_id, slot->catalog_version);
    }
    made->rows_count += slot->rows_count;
    if (before != NULL && slot_continues(made, before, slot)) {
        return line_add(&made->lines[made->lines_count - 1], slot, why);
    }
    const struct tg_roster_line *who = tg_roster_line(made->catalog->roster, slot->subscriber);
    struct tg_bill_line *line = &made->lines[made->lines_count++];
    *line = (struct tg_bill_line){
        .subscriber_id = name,
        .product_id = tg_image_name(image, TG_CATALOG_PRODUCT, who->product),
        .zone_id = tg_image_name(image, TG_CATALOG_ZONE, slot->zone),
        .price_id = tg_image_name(image, TG_CATALOG_PRICE, slot->price_id),
        .unit_id = tg_unit_name(tg_image_price_info(image, slot->price_id)->unit),
        .title = "",
        .subscriber = slot->subscriber,
        .currency = slot->currency,
        .service = slot->service,
        .kind = slot->kind,
        .has_charge_tax = true,
    };
    line_period(made, slot, line);
    const struct tg_exchange_rate *rate = tg_bill_slot_exchange(image, slot->currency);
    const enum tg_err err = line_add(line, slot, why);
    return err == TG_OK && rate != NULL ? line_convert(image, rate, line, why) : err;
}

/* Charges dated in the period; the list is sorted by subscriber. */
static enum tg_err charge_lines(struct tg_bill_assembler *made, uint32_t subscriber,
                                const char *name, struct tg_why *why)
{
    uint32_t from = tg_bill_charges_from(made->charges, made->charges_count, subscriber);
    for (; from < made->charges_count && made->charges[from].subscriber == subscriber; from++) {
        const struct tg_bill_charge *charge = &made->charges[from];
        if (charge->date_ns < made->window.start_ns || charge->date_ns >= made->window.end_ns) {
            continue;
        }
        if (made->lines_count == made->capacity) {
            return tg_why_set(why, TG_E_FULL, "%s has too many charges", name);
        }
        const struct tg_roster_line *who = tg_roster_line(made->catalog->roster, subscriber);
        const struct tg_image *image = product_image(made, who->product);
        made->lines[made->lines_count++] = (struct tg_bill_line){
            .subscriber_id = name,
            .product_id =
                image != NULL ? tg_image_name(image, TG_CATALOG_PRODUCT, who->product) : "",
            .zone_id = "",
            .price_id = charge->id,
            .unit_id = "",
            .title = charge->title,
            .amount_exact = charge->amount,
            .fee = charge->amount,
            .covered = 1,
            .covered_total = 1,
            .subscriber = subscriber,
            .catalog_version = image != NULL ? image->version : 0,
            .currency = charge->currency,
            .kind = TG_BILL_LINE_ONE_OFF,
            .proration = TG_PRORATE_NONE_FULL,
        };
    }
    return TG_OK;
}

static bool is_eligible(const struct tg_bill_line *line, uint8_t eligible)
{
    const bool is_usage = tg_bill_line_has_rows(line->kind);
    const bool is_discount =
        line->kind == TG_BILL_LINE_DISCOUNT || line->kind == TG_BILL_LINE_MAXIMUM;
    return eligible == TG_ELIGIBLE_ALL || is_discount ||
           is_usage == (eligible == TG_ELIGIBLE_USAGE);
}

static __int128 eligible_sum(const struct tg_bill_assembler *made, uint32_t from, uint8_t eligible,
                             uint16_t currency)
{
    __int128 sum = 0;
    for (uint32_t i = from; i < made->lines_count; i++) {
        if (made->lines[i].currency == currency && is_eligible(&made->lines[i], eligible)) {
            sum += made->lines[i].amount_exact;
        }
    }
    return sum;
}

static void extra_line(struct tg_bill_assembler *made, const struct tg_image *image,
                       const struct tg_product *product, uint32_t subscriber, const char *name,
                       uint16_t currency, const struct tg_bill_line *line)
{
    struct tg_bill_line *added = &made->lines[made->lines_count++];
    *added = *line;
    added->subscriber_id = name;
    added->product_id = tg_image_name(image, TG_CATALOG_PRODUCT,
                                      tg_roster_line(made->catalog->roster, subscriber)->product);
    added->zone_id = "";
    added->price_id = "";
    added->unit_id = "";
    added->subscriber = subscriber;
    added->catalog_version = image->version;
    added->currency = currency;
    added->proration = product->proration;
}

/* Percentage first, then the fixed amount down to nothing: nobody is paid for being discounted. */
static enum tg_err discount_lines(struct tg_bill_assembler *made, const struct tg_image *image,
                                  const struct tg_product *product, uint32_t subscriber,
                                  const char *name, uint16_t currency, uint32_t from)
{
    const __int128 sum = eligible_sum(made, from, product->discount_on, currency);
    int64_t part = 0;
    if (sum <= 0) {
        return TG_OK;
    }
    if (product->discount_ppm > 0) {
        if (sum > INT64_MAX || tg_money_divide(sum * product->discount_ppm, 1000000,
                                               image->rounding_rate, &part) != TG_OK) {
            return TG_E_AMOUNT_OVERFLOW;
        }
        extra_line(made, image, product, subscriber, name, currency,
                   &(struct tg_bill_line){.title = "discount",
                                          .amount_exact = -(__int128)part,
                                          .fee = sum > INT64_MAX ? INT64_MAX : (int64_t)sum,
                                          .covered = product->discount_ppm,
                                          .covered_total = 1000000,
                                          .kind = TG_BILL_LINE_DISCOUNT});
    }
    if (product->discount_fixed > 0) {
        const __int128 left = sum - part;
        const __int128 taken = product->discount_fixed < left ? product->discount_fixed : left;
        extra_line(made, image, product, subscriber, name, currency,
                   &(struct tg_bill_line){.title = "discount_amount",
                                          .amount_exact = -taken,
                                          .fee = product->discount_fixed,
                                          .covered = 1,
                                          .covered_total = 1,
                                          .kind = TG_BILL_LINE_DISCOUNT});
    }
    return TG_OK;
}

/* max(0, what counts towards it - the cap) is taken off; then max(0, commitment - what counts) is
 * added. Both are prorated as the fee is. */
static enum tg_err bound_lines(struct tg_bill_assembler *made,
                               const struct tg_bill_fee_version *version, uint32_t subscriber,
                               const char *name, uint32_t from)
{
    const struct tg_product *product = version->product;
    const struct tg_roster_line *who = tg_roster_line(made->catalog->roster, subscriber);
    const struct tg_bill_fee_params params = fee_params(made, who);
    const struct {
        const char *title;
        int64_t bound;
        uint8_t eligible;
        uint8_t kind;
        int sign;
    } bounds[] = {{"maximum", product->maximum, product->maximum_on, TG_BILL_LINE_MAXIMUM, -1},
                  {"minimum", product->minimum, product->minimum_on, TG_BILL_LINE_MINIMUM, 1}};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        struct tg_bill_prorated owed = {0};
        if (bounds[i].bound == 0) {
            continue;
        }
        const enum tg_err err =
            tg_bill_fee_owed(version, bounds[i].bound, TG_PERIOD_MONTH, &params, &owed);
        if (err != TG_OK) {
            return err;
        }
        const __int128 sum = eligible_sum(made, from, bounds[i].eligible, version->currency);
        const __int128 missing = owed.amount - sum;
        if (owed.covered > 0 && (bounds[i].sign > 0 ? missing > 0 : missing < 0)) {
            extra_line(made, version->image, product, subscriber, name, version->currency,
                       &(struct tg_bill_line){.title = bounds[i].title,
                                              .amount_exact = missing,
                                              .fee = bounds[i].bound,
                                              .covered = owed.covered,
                                              .covered_total = owed.total,
                                              .kind = bounds[i].kind});
        }
    }
    return TG_OK;
}

/* A slot's sum in the currency of its line. */
static __int128 slot_amount(const struct tg_bill_assembler *made, const struct tg_bill_slot *slot)
{
    const struct tg_image *image = tg_catalog_image_version(made->catalog, slot->catalog_version);
    const struct tg_exchange_rate *rate =
        image != NULL ? tg_bill_slot_exchange(image, slot->currency) : NULL;
    int64_t amount;
    return rate != NULL && tg_exchange_amount(rate, slot->amount, image->rounding_exchange,
                                              &amount) == TG_OK
               ? amount
               : slot->amount;
}

/* Late usage of a subscription that makes next to nothing is not worth a line. */
static bool late_is_written_off(struct tg_bill_assembler *made, const struct tg_product *product,
                                const struct tg_bill_slot *slots, uint32_t slots_count)
{
    __int128 sum = 0;
    uint64_t rows_count = 0;
    for (uint32_t i = 0; i < slots_count; i++) {
        if (slots[i].kind == TG_BILL_LINE_LATE) {
            sum += slot_amount(made, &slots[i]);
            rows_count += slots[i].rows_count;
        }
    }
    if (product == NULL || rows_count == 0 || sum >= product->late_write_off_below) {
        return false;
    }
    made->written_off_count += rows_count;
    return true;
}

static enum tg_err usage_lines(struct tg_bill_assembler *made, const struct tg_bill_slot *slots,
                               uint32_t slots_count, bool skips_late, const char *name,
                               struct tg_why *why)
{
    enum tg_err err = TG_OK;
    const struct tg_bill_slot *before = NULL;
    for (uint32_t i = 0; i < slots_count && err == TG_OK; i++) {
        const bool is_nothing = slots[i].kind == TG_BILL_LINE_ADJUSTMENT && slots[i].amount == 0;
        if (is_nothing || (skips_late && slots[i].kind == TG_BILL_LINE_LATE)) {
            continue;
        }
        err = usage_line(made, &slots[i], before, name, why);
        before = &slots[i];
    }
    return err;
}

static enum tg_err member_lines(struct tg_bill_assembler *made, uint32_t subscriber,
                                const struct tg_bill_slot *slots, uint32_t slots_count,
                                struct tg_why *why)
{
    char *name = made->names[made->names_count++];
    (void)tg_roster_subscriber_name(made->catalog->roster, subscriber, name, NAME_BYTES);
    const uint32_t from = made->lines_count;
    const struct tg_roster_line *who = tg_roster_line(made->catalog->roster, subscriber);
    struct tg_product local;
    struct tg_bill_fee_version version = product_before(made, who->product, made->window.end_ns);
    enum tg_err err = fee_lines(made, subscriber, name, why);
    if (err == TG_OK && version.image != NULL) {
        err = version_localize(made, made->window.end_ns - 1, &local, &version);
    }
    const struct tg_image *image = version.image;
    const struct tg_product *product = version.product;
    if (err == TG_OK) {
        err = charge_lines(made, subscriber, name, why);
    }
    if (err == TG_OK) {
        const bool skips_late = late_is_written_off(made, product, slots, slots_count);
        err = usage_lines(made, slots, slots_count, skips_late, name, why);
    }
    if (err != TG_OK || product == NULL) {
        return err;
    }
    err = discount_lines(made, image, product, subscriber, name, version.currency, from);
    if (err == TG_OK && (who->flags & TG_ROSTER_REMOVED) == 0) {
        err = bound_lines(made, &version, subscriber, name, from);
    }
    return err == TG_OK ? TG_OK : tg_why_set(why, err, "the sums of %s do not fit", name);
}

/* Every currency the lines have, the account's own first, then in order of first use. */
static enum tg_err currencies_list(struct tg_bill_assembler *made, struct tg_why *why)
{
    const uint16_t own = made->catalog->roster->accounts[made->account].currency;
    made->currencies_count = 0;
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < made->lines_count; i++) {
            const uint16_t currency = made->lines[i].currency;
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

/* The bill of the cycle before charged this one's fees in advance. */
static bool is_paid_ahead(const struct tg_bill_assembler *made, uint32_t account)
{
    uint64_t epoch = 0;
    return made->closes != NULL &&
           tg_bill_closes_find(made->closes, account, tg_bill_month(made->window.end_ns - 1) - 1,
                               &epoch);
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
    assembler->is_paid_ahead = window->next_end_ns != 0 && is_paid_ahead(assembler, account);
    assembler->lines_count = 0;
    assembler->names_count = 0;
    assembler->rows_count = 0;
    assembler->written_off_count = 0;
    const struct tg_bill_members *all = assembler->members;
    const uint32_t *members = all->members + all->first[account];
    const uint32_t members_count = all->first[account + 1] - all->first[account];
    /* Two fees, two discounts, a maximum and a minimum a member, beside usage and charges. */
    uint64_t needed = (uint64_t)members_count * 6;
    for (uint32_t m = 0; m < members_count; m++) {
        needed +=
            tg_bill_charges_from(assembler->charges, assembler->charges_count, members[m] + 1) -
            tg_bill_charges_from(assembler->charges, assembler->charges_count, members[m]);
        needed += tg_bill_lines_count(table, members[m]);
    }
    enum tg_err err = TG_OK;
    if (needed > assembler->capacity) {
        err =
            needed * 2 > UINT32_MAX ? TG_E_FULL : arrays_take(assembler, (uint32_t)needed * 2, why);
    }
    (void)tg_roster_account_name(roster, account, assembler->account_id, NAME_BYTES);
    if (tg_roster_account_title(roster, account, assembler->account_name, TITLE_BYTES) == 0) {
        assembler->account_name[0] = '\0';
    }
    for (uint32_t m = 0; m < members_count && err == TG_OK; m++) {
        const uint32_t count = tg_bill_lines_take(table, members[m], assembler->slots);
        err = member_lines(assembler, members[m], assembler->slots, count, why);
    }
    if (err == TG_OK) {
        err = currencies_list(assembler, why);
    }
    *invoices_count = err == TG_OK ? assembler->currencies_count : 0;
    return err;
}

/* The account's own tax category replaces the product's: an exempt customer, a foreign one. */
static enum tg_err line_tax(struct tg_bill_assembler *made, struct tg_bill_invoice *invoice,
                            struct tg_bill_line *line, struct tg_why *why)
{
    const struct tg_roster *roster = made->catalog->roster;
    const struct tg_roster_line *who = tg_roster_line(roster, line->subscriber);
    const struct tg_image *image = product_image(made, who->product);
    const struct tg_product *product = image != NULL ? tg_image_product(image, who->product) : NULL;
    const uint16_t own = roster->accounts[made->account].tax;
    const uint16_t index = own != TG_TAX_NONE ? own : product != NULL ? product->tax : TG_TAX_NONE;
    const struct tg_tax *tax = image != NULL ? tg_image_tax(image, index) : NULL;
    if (product == NULL || (index != TG_TAX_NONE && tax == NULL)) {
        return tg_why_set(why, TG_E_CATALOG_VERSION,
                          "no catalog version says how the product of %s is taxed",
                          line->subscriber_id);
    }
    line->tax_index =
        tax == NULL ? tg_bill_invoice_tax(invoice, UNTAXED, 0, TG_ROUND_HALF_UP)
                    : tg_bill_invoice_tax(invoice, tg_image_name(image, TG_CATALOG_TAX, index),
                                          tax->rate_ppm, tax->rounding);
    if (line->tax_index != UINT16_MAX) {
        invoice->taxes[line->tax_index].mode = tax != NULL ? tax->mode : TG_TAX_PER_CATEGORY;
        invoice->taxes[line->tax_index].is_inclusive = tax != NULL && tax->is_inclusive != 0;
    }
    return line->tax_index != UINT16_MAX
               ? TG_OK
               : tg_why_set(why, TG_E_FULL, "account %s has more than %u tax categories",
                            made->account_id, TG_BILL_TAXES_MAX);
}

static uint8_t bill_rounding(const struct tg_bill_assembler *made)
{
    const struct tg_image *image = tg_catalog_image_at(made->catalog, made->window.end_ns - 1);
    return image != NULL ? image->rounding_bill : (uint8_t)TG_ROUND_HALF_UP;
}

enum tg_err tg_bill_assembler_invoice(struct tg_bill_assembler *assembler, uint32_t index,
                                      int64_t issued_ns, struct tg_bill_invoice *invoice,
                                      struct tg_why *why)
{
    assert(index < assembler->currencies_count);
    const uint16_t currency = assembler->currencies[index];
    const uint16_t own = assembler->catalog->roster->accounts[assembler->account].currency;
    *invoice = (struct tg_bill_invoice){
        .account_id = assembler->account_id,
        .account_name = assembler->account_name,
        .currency = tg_currency_by_numeric(currency),
        .period_start_ns = assembler->window.start_ns,
        .period_end_ns = assembler->window.end_ns,
        .issued_ns = issued_ns,
        .lines = assembler->selected,
        .rounding = bill_rounding(assembler),
    };
    if (invoice->currency == NULL) {
        return tg_why_set(why, TG_E_INVALID, "account %s has amounts in an unknown currency %u",
                          assembler->account_id, currency);
    }
    if (!tg_bill_id_format(assembler->account_id, invoice->period_start_ns, invoice->period_end_ns,
                           currency == own ? NULL : invoice->currency->code, invoice->id)) {
        return tg_why_set(why, TG_E_FULL, "account id %s is too long", assembler->account_id);
    }
    for (uint32_t i = 0; i < assembler->lines_count; i++) {
        if (assembler->lines[i].currency == currency) {
            assembler->selected[invoice->lines_count++] = assembler->lines[i];
        }
    }
    enum tg_err err = TG_OK;
    for (uint32_t i = 0; i < invoice->lines_count && err == TG_OK; i++) {
        err = line_tax(assembler, invoice, &assembler->selected[i], why);
    }
    if (err == TG_OK) {
        tg_bill_lines_sort(assembler->selected, invoice->lines_count);
        err = tg_bill_invoice_compute(invoice, &assembler->scratch, why);
    }
    return err;
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

void tg_bill_assembler_charges(struct tg_bill_assembler *assembler,
                               const struct tg_bill_charge *charges, uint32_t count)
{
    assembler->charges = charges;
    assembler->charges_count = count;
}
