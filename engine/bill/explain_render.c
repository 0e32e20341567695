/* SPDX-License-Identifier: Apache-2.0 */
/* A charge in words: JSON for scripts, sentences for people, both from the same trace. */
#include "bill/explain.h"

#include "abi/key.h"
#include "base/clock.h"
#include "base/money.h"
#include "bill/explain_rules.h"
#include "bill/explain_steps.h"
#include "bill/explain_tax.h"
#include "bill/text.h"
#include "catalog/deck_times.h"
#include "doc/json.h"
#include "rate/split.h"

#include <stdio.h>
#include <string.h>

#define ID_BYTES TG_NAME_BYTES_MAX

static const char *service_name(uint8_t service)
{
    static const char *const names[TG_SERVICE_COUNT] = {"none",  "data",   "voice",  "message",
                                                        "event", "access", "options"};
    return service < TG_SERVICE_COUNT ? names[service] : "unknown";
}

static const struct tg_plan_service *plan_service_of(const struct tg_catalog_snapshot *catalog,
                                                     const struct tg_replay_row *row)
{
    const struct tg_roster_line *who = tg_roster_line(
        catalog->roster, tg_replay_line_of(catalog, row->usage, row->stored->subscriber));
    const struct tg_product *product =
        row->image != NULL && who != NULL ? tg_image_product(row->image, who->product) : NULL;
    const uint8_t service = row->usage->service;
    const bool is_received = (row->usage->flags & TG_USAGE_INCOMING) != 0 &&
                             (service == TG_SERVICE_VOICE || service == TG_SERVICE_MESSAGE);
    if (product == NULL) {
        return NULL;
    }
    return is_received ? tg_image_plan_received(row->image, product->plan, service)
                       : tg_image_plan_service(row->image, product->plan, service);
}

/* Band of a piece's start, "" without a time model. */
static const char *band_of(const struct tg_replay_row *row, const struct tg_roster *roster,
                           const struct tg_plan_service *plan_service,
                           const struct tg_rate_piece *piece)
{
    int64_t until_ns;
    if (plan_service == NULL || plan_service->time_model == TG_TIME_MODEL_NONE) {
        return "";
    }
    const struct tg_roster_line *who = tg_roster_line(roster, row->stored->subscriber);
    const uint32_t model =
        tg_rate_time_model(row->image, plan_service, row->usage, row->priced->site,
                           who != NULL ? tg_roster_account(roster, who->account) : NULL);
    return tg_image_band_name(
        row->image, model,
        tg_image_band_since(row->image, model, row->usage->start_ns, piece->start_ns, &until_ns));
}

static struct tg_json *piece_json(const struct tg_image *image, const struct tg_rate_piece *piece,
                                  const char *band)
{
    struct tg_json *json = tg_json_object();
    const struct tg_price *price = tg_image_price(image, piece->price_id);
    const uint8_t scale = price != NULL ? price->scale : image->scale;
    tg_json_set_integer(json, "units", (int64_t)piece->units);
    tg_json_set_integer(json, "units_before", (int64_t)piece->units_before);
    tg_json_set_time(json, "from", piece->start_ns);
    tg_json_set_time(json, "to", piece->end_ns);
    if (band[0] != '\0') {
        tg_json_set_string(json, "band", band);
    }
    tg_json_set_string(json, "price", tg_image_name(image, TG_CATALOG_PRICE, piece->price_id));
    tg_json_set_integer(json, "step", piece->step_index);
    if (price != NULL && piece->step_index < price->steps_count) {
        const struct tg_price_step *step = &tg_price_steps(price)[piece->step_index];
        tg_json_set_money(json, "step_price", step->price, scale,
                          (uint8_t)(scale - TG_MONEY_EXTRA_DECIMALS));
        tg_json_set_integer(json, "per", (int64_t)step->per_units);
    }
    tg_json_set_money(json, "amount", piece->amount, scale,
                      (uint8_t)(scale - TG_MONEY_EXTRA_DECIMALS));
    tg_json_set_integer(json, "remainder", piece->remainder);
    tg_json_set_integer(json, "denominator", (int64_t)piece->denominator);
    tg_explain_parts_set(json, image, piece);
    return json;
}

static void usage_set(struct tg_json *json, const struct tg_catalog_snapshot *catalog,
                      const struct tg_replay_row *row)
{
    char text[ID_BYTES];
    (void)snprintf(text, sizeof text, "%llu:%u", (unsigned long long)row->epoch, row->index);
    tg_json_set_string(json, "row", text);
    (void)snprintf(text, sizeof text, "%016llx", (unsigned long long)row->usage->record_key);
    tg_json_set_string(json, "record_key", text);
    tg_json_set_integer(json, "source", row->usage->source_id);
    tg_json_set_integer(json, "node", row->usage->node_id);
    const uint32_t line = tg_replay_line_of(catalog, row->usage, row->stored->subscriber);
    (void)tg_roster_subscriber_name(catalog->roster, line, text, sizeof text);
    tg_json_set_string(json, "subscription", text);
    if (line != row->stored->subscriber) {
        (void)tg_roster_subscriber_name(catalog->roster, row->stored->subscriber, text,
                                        sizeof text);
        tg_json_set_string(json, "counts_with", text);
    }
    const struct tg_roster_line *who = tg_roster_line(catalog->roster, row->stored->subscriber);
    if (who != NULL) {
        (void)tg_roster_account_name(catalog->roster, who->account, text, sizeof text);
        tg_json_set_string(json, "account", text);
    }
    tg_json_set_string(json, "service", service_name(row->usage->service));
    tg_json_set_time(json, "start", row->usage->start_ns);
    tg_json_set_integer(json, "quantity_base", (int64_t)tg_usage_units(row->usage));
    if (tg_usage_peer_kind(row->usage) == TG_KEY_E164) {
        char digits[16];
        (void)tg_digits_unpack(row->usage->peer_key, digits);
        tg_json_set_string(json, "peer", digits);
    }
    if (row->usage->service == TG_SERVICE_VOICE && row->usage->quantity_down != 0) {
        char digits[16];
        (void)tg_digits_unpack(tg_digits_of_value(row->usage->quantity_down), digits);
        tg_json_set_string(json, "routed_to", digits);
    }
}

/* The deck's row behind the prefix; false: the zone does not come from a number, or the row was
 * priced by another catalog than the one at hand. */
static bool deck_row_find(const struct tg_replay_row *row,
                          const struct tg_plan_service *plan_service, const char **deck_name,
                          int64_t *from_ns, int64_t *to_ns)
{
    const struct tg_usage *usage = row->usage;
    uint16_t deck = TG_DECK_NONE;
    if (plan_service == NULL || !tg_image_asks_deck(plan_service, usage)) {
        return false;
    }
    const uint64_t number = tg_image_peer_number(row->image, plan_service, usage);
    const uint16_t zone =
        tg_image_plan_zone(row->image, plan_service, number, usage->start_ns, &deck);
    *deck_name = tg_image_name(row->image, TG_CATALOG_DECK, deck);
    return zone != TG_ZONE_NONE &&
           tg_image_pair_zone(row->image, plan_service, usage, zone) == row->priced->zone &&
           tg_deck_times(row->image, deck, number, usage->start_ns, from_ns, to_ns);
}

static void deck_row_set(struct tg_json *json, const struct tg_replay_row *row,
                         const struct tg_plan_service *plan_service)
{
    const char *deck_name;
    int64_t from_ns;
    int64_t to_ns;
    if (!deck_row_find(row, plan_service, &deck_name, &from_ns, &to_ns)) {
        return;
    }
    tg_json_set_string(json, "deck", deck_name);
    if (from_ns != INT64_MIN) {
        tg_json_set_time(json, "deck_row_valid_from", from_ns);
    }
    if (to_ns != INT64_MAX) {
        tg_json_set_time(json, "deck_row_valid_to", to_ns);
    }
}

static void deck_row_add(struct tg_bill_text *out, const struct tg_replay_row *row,
                         const struct tg_plan_service *plan_service, const char *digits)
{
    const char *deck_name;
    int64_t from_ns;
    int64_t to_ns;
    if (!deck_row_find(row, plan_service, &deck_name, &from_ns, &to_ns)) {
        return;
    }
    tg_bill_text_add(out, digits[0] != '\0' ? " of deck %s" : ", any number of deck %s", deck_name);
    char time[TG_CLOCK_TEXT_BYTES];
    if (from_ns != INT64_MIN) {
        (void)tg_clock_format(from_ns, time);
        tg_bill_text_add(out, " (valid from %s)", time);
    }
    if (to_ns != INT64_MAX) {
        (void)tg_clock_format(to_ns, time);
        tg_bill_text_add(out, " (valid to %s)", time);
    }
}

static void price_set(struct tg_json *json, const struct tg_catalog_snapshot *catalog,
                      const struct tg_replay_row *row)
{
    const struct tg_image *image = row->image;
    const struct tg_rate_trace *trace = row->trace;
    const struct tg_price *price = trace->price;
    const struct tg_plan_service *plan_service = plan_service_of(catalog, row);
    char digits[20];
    tg_explain_prefix(row, plan_service, digits);
    tg_json_set_string(json, "prefix", digits);
    deck_row_set(json, row, plan_service);
    tg_json_set_string(json, "zone", tg_image_name(image, TG_CATALOG_ZONE, row->priced->zone));
    tg_json_set_string(json, "price",
                       tg_image_name(image, TG_CATALOG_PRICE, row->priced->price_id));
    tg_json_set_string(json, "tariff", tg_image_tariff_name(image, row->priced->price_id));
    tg_json_set_string(json, "unit", tg_unit_name(row->priced->unit));
    tg_json_set_integer(json, "quantity", (int64_t)trace->raw_units);
    tg_json_set_integer(json, "grace", (int64_t)price->grace_units);
    tg_json_set_integer(json, "minimum", (int64_t)price->minimum_units);
    tg_json_set_integer(json, "first_increment", (int64_t)price->first_increment);
    tg_json_set_integer(json, "next_increment", (int64_t)price->next_increment);
    tg_json_set_integer(json, "included_units", (int64_t)trace->included_units);
    tg_json_set_integer(json, "billed_units", (int64_t)row->priced->billed_units);
    tg_json_set_integer(json, "allowance_before", (int64_t)trace->allowance_before);
    tg_json_set_integer(json, "allowance_units", (int64_t)row->priced->allowance_units);
    tg_json_set_integer(json, "units_before", (int64_t)row->priced->units_before);
    struct tg_json *pieces = tg_json_list();
    for (uint32_t i = 0; i < trace->pieces_count; i++) {
        const char *band = band_of(row, catalog->roster, plan_service, &trace->pieces[i]);
        tg_json_append(pieces, piece_json(image, &trace->pieces[i], band));
    }
    tg_json_set(json, "steps", pieces);
    tg_json_set_string(json, "rounding", tg_rounding_name(price->rounding));
    tg_json_set_money(json, "connect_fee", trace->connect_fee, price->scale,
                      (uint8_t)(price->scale - TG_MONEY_EXTRA_DECIMALS));
    tg_json_set_money(json, "limit_change", trace->limit_change, price->scale,
                      (uint8_t)(price->scale - TG_MONEY_EXTRA_DECIMALS));
    tg_explain_rules_set(json, image, row->priced, trace);
}

struct tg_json *tg_explain_row_json(const struct tg_catalog_snapshot *catalog,
                                    const struct tg_replay_row *row)
{
    struct tg_json *json = tg_json_object();
    if (json == NULL) {
        return NULL;
    }
    usage_set(json, catalog, row);
    const struct tg_currency *currency = tg_currency_by_numeric(row->stands->currency);
    tg_json_set_string(json, "currency", currency != NULL ? currency->code : NULL);
    tg_json_set_integer(json, "catalog_version", row->stands->catalog_version);
    const bool is_priced = row->priced->fate == TG_FATE_RATED && row->trace != NULL;
    if (is_priced) {
        price_set(json, catalog, row);
    } else if (row->reason != TG_ADJUST_BACKOUT) {
        tg_json_set_string(json, "refused_now", tg_err_name(row->priced->reason));
    }
    const uint8_t scale = currency != NULL ? currency->scale : 0;
    const uint8_t minor = currency != NULL ? currency->minor : 0;
    tg_json_set_money(json, "amount", row->stands->amount, scale, minor);
    tg_json_set_integer(json, "adjustments", row->adjustments_count);
    if (row->adjustments_count > 0) {
        tg_json_set_string(json, "adjusted_by", tg_adjust_reason_name(row->reason));
        tg_json_set_money(json, "amount_at_first", row->stored->amount, scale, minor);
    }
    tg_explain_tax_set(json, catalog, row);
    if (is_priced) {
        tg_json_set_money(json, "amount_now", row->priced->amount, scale, minor);
    }
    tg_json_set_bool(json, "differs", tg_explain_differs(row));
    char text[2048];
    tg_explain_row_text(catalog, row, text, sizeof text);
    tg_json_set_string(json, "sentence", text);
    return json;
}

/* Amounts of a price are in its own currency. */
static void add_amount(struct tg_bill_text *out, const struct tg_price *price, int64_t amount)
{
    tg_bill_text_money(out, amount, price->scale,
                       (uint8_t)(price->scale - TG_MONEY_EXTRA_DECIMALS));
}

/* Who covered what: the allowances of a list by name, or the plan's only one. */
static void add_allowances(struct tg_bill_text *out, const struct tg_replay_row *row,
                           const struct tg_plan_service *plan_service)
{
    const struct tg_rate_trace *trace = row->trace;
    const char *unit = tg_unit_name(row->priced->unit);
    const uint64_t unit_base_count = tg_unit_base_count(row->priced->unit);
    for (uint32_t i = 0; i < trace->uses_count; i++) {
        const struct tg_allowance_use *use = &trace->uses[i];
        tg_bill_text_add(out, " allowance %s covers %llu %s and has %llu left;",
                         tg_image_name(row->image, TG_CATALOG_ALLOWANCE, use->allowance),
                         (unsigned long long)(use->used_base / unit_base_count), unit,
                         (unsigned long long)(use->left_base / unit_base_count));
    }
    if (trace->uses_count == 0 && plan_service != NULL &&
        (trace->allowance_before > 0 || row->priced->allowance_units > 0)) {
        tg_bill_text_add(out, " the allowance %s had %llu left and covers %llu;",
                         tg_image_name(row->image, TG_CATALOG_ALLOWANCE, plan_service->allowance),
                         (unsigned long long)trace->allowance_before,
                         (unsigned long long)row->priced->allowance_units);
    }
}

static void add_units(struct tg_bill_text *out, const struct tg_replay_row *row,
                      const struct tg_plan_service *plan_service)
{
    const struct tg_rate_trace *trace = row->trace;
    const struct tg_price *price = trace->price;
    const char *unit = tg_unit_name(row->priced->unit);
    if ((row->priced->flags & TG_CHARGE_NOT_BILLABLE) != 0) {
        tg_bill_text_add(out, " closing cause %u is not billable;", row->usage->closing_cause);
        return;
    }
    if (trace->raw_units > 0 && tg_usage_units(row->usage) == 0) {
        tg_bill_text_add(out, " no usage is priced as the least there is:");
    }
    if ((row->priced->flags & TG_CHARGE_REVERSAL) != 0) {
        tg_bill_text_add(out, " taken back is what this cost:");
    }
    tg_bill_text_add(out, " %llu %s used", (unsigned long long)trace->raw_units, unit);
    /* Of a call in several records the price's terms are of all of it so far. */
    const uint64_t used = trace->call_raw_before + trace->raw_units;
    const uint64_t included = trace->call_included_before + trace->included_units;
    const uint64_t billed = trace->call_billed_before + row->priced->billed_units;
    if (trace->call_raw_before > 0) {
        tg_bill_text_add(out, ", with %llu of its call before",
                         (unsigned long long)trace->call_raw_before);
    }
    if (price->minimum_units > used) {
        tg_bill_text_add(out, ", raised to the minimum of %llu",
                         (unsigned long long)price->minimum_units);
    }
    tg_bill_text_add(out, ", by increments of %llu then %llu",
                     (unsigned long long)price->first_increment,
                     (unsigned long long)price->next_increment);
    if (included > 0) {
        tg_bill_text_add(out, ", less %llu included", (unsigned long long)included);
    }
    tg_bill_text_add(out, ", make %llu %s", (unsigned long long)billed, unit);
    if (trace->call_raw_before > 0) {
        tg_bill_text_add(out, ", %llu of them new", (unsigned long long)row->priced->billed_units);
    }
    if (row->image != NULL &&
        (tg_image_price_info(row->image, price->price_id)->options & TG_PRICE_METERS_MAX) != 0) {
        tg_bill_text_add(out, " above the greatest of before, %llu",
                         (unsigned long long)row->priced->units_before);
    }
    tg_bill_text_add(out, ";");
    add_allowances(out, row, plan_service);
}

/* When a piece began and ended, and in which band: told of rows that bands may cut. */
static void add_segment(struct tg_bill_text *out, const struct tg_replay_row *row,
                        const struct tg_roster *roster, const struct tg_plan_service *plan_service,
                        const struct tg_rate_piece *piece)
{
    const char *band = band_of(row, roster, plan_service, piece);
    const struct tg_plan_terms *terms =
        plan_service != NULL ? tg_image_plan_terms(row->image, plan_service) : NULL;
    const bool is_cut =
        terms != NULL && terms->rate_change == TG_RATE_CHANGE_SPLIT && row->trace->pieces_count > 1;
    if (band[0] == '\0' && !is_cut) {
        return;
    }
    char from[TG_CLOCK_TEXT_BYTES];
    char to[TG_CLOCK_TEXT_BYTES];
    (void)tg_clock_format(piece->start_ns, from);
    (void)tg_clock_format(piece->end_ns, to);
    tg_bill_text_add(out, " from %s to %s", from, to);
    if (band[0] != '\0') {
        tg_bill_text_add(out, " (band %s)", band);
    }
}

/* The piece, and where it is more than units at one step, what it is the sum of. */
static void add_piece(struct tg_bill_text *out, const struct tg_replay_row *row,
                      const struct tg_roster *roster, const struct tg_plan_service *plan_service,
                      const struct tg_rate_piece *piece)
{
    const struct tg_image *image = row->image;
    const struct tg_price *price = tg_image_price(image, piece->price_id);
    const char *unit = tg_unit_name(row->priced->unit);
    struct tg_tariff_part parts[TG_EXPLAIN_PARTS_MAX];
    const uint32_t count = tg_explain_parts(image, piece, parts);
    const bool is_plain = count == 1 && parts[0].kind == TG_TARIFF_PART_STEP &&
                          parts[0].counted == parts[0].units && parts[0].flat == 0;
    tg_bill_text_add(out, " %llu %s", (unsigned long long)piece->units, unit);
    add_segment(out, row, roster, plan_service, piece);
    if (piece->price_id != row->priced->price_id) {
        tg_bill_text_add(out, " at price %s",
                         tg_image_name(image, TG_CATALOG_PRICE, piece->price_id));
    }
    if (is_plain) {
        tg_bill_text_add(out, " (step %u: ", parts[0].step_index + 1);
        add_amount(out, price, parts[0].price);
        tg_bill_text_add(out, " per %llu)", (unsigned long long)parts[0].per_units);
    }
    tg_bill_text_add(out, " cost ");
    add_amount(out, price, piece->amount);
    if (piece->remainder != 0) {
        tg_bill_text_add(out, ", rounded %s", tg_rounding_name(price->rounding));
    }
    tg_bill_text_add(out, count > 0 && !is_plain ? ":" : ";");
    if (!is_plain) {
        (void)tg_explain_parts_add(out, image, piece, unit);
    }
}

static void add_pieces(struct tg_bill_text *out, const struct tg_replay_row *row,
                       const struct tg_roster *roster, const struct tg_plan_service *plan_service)
{
    const struct tg_rate_trace *trace = row->trace;
    for (uint32_t i = 0; i < trace->pieces_count; i++) {
        add_piece(out, row, roster, plan_service, &trace->pieces[i]);
    }
}

static void add_changes(struct tg_bill_text *out, const struct tg_rate_trace *trace)
{
    const struct tg_price *price = trace->price;
    if (trace->connect_fee != 0) {
        tg_bill_text_add(out, " connecting costs ");
        add_amount(out, price, trace->connect_fee);
        tg_bill_text_add(out, ";");
    }
    if (trace->limit_change != 0) {
        tg_bill_text_add(out, " the limits of the charge change it by ");
        add_amount(out, price, trace->limit_change);
        tg_bill_text_add(out, ";");
    }
    if (trace->rounding_change != 0) {
        tg_bill_text_add(out, " rounding to the price's decimals changes it by ");
        add_amount(out, price, trace->rounding_change);
        tg_bill_text_add(out, ";");
    }
}

static void add_verdict(struct tg_bill_text *out, const struct tg_catalog_snapshot *catalog,
                        const struct tg_replay_row *row)
{
    const struct tg_currency *currency = tg_currency_by_numeric(row->stands->currency);
    const uint8_t scale = currency != NULL ? currency->scale : 0;
    const uint8_t minor = currency != NULL ? currency->minor : 0;
    tg_bill_text_add(out, " charge ");
    tg_bill_text_money(out, row->stands->amount, scale, minor);
    tg_bill_text_add(out, " %s", currency != NULL ? currency->code : "?");
    if (row->adjustments_count > 0) {
        tg_bill_text_add(out, " after %u adjustment%s (", row->adjustments_count,
                         row->adjustments_count == 1 ? "" : "s");
        tg_bill_text_money(out, row->stored->amount, scale, minor);
        tg_bill_text_add(out, " before)");
    }
    if (row->reason == TG_ADJUST_ORDER) {
        tg_bill_text_add(out, ", brought into the order of events");
    }
    tg_explain_tax_add(out, catalog, row);
    if (row->reason == TG_ADJUST_BACKOUT) {
        tg_bill_text_add(out, ". It was backed out: what it used is given back, and nothing is "
                              "priced.");
    } else if (!tg_explain_differs(row)) {
        tg_bill_text_add(out, ". Priced again with catalog version %u it is the same.",
                         row->stands->catalog_version);
    } else if (row->priced->fate == TG_FATE_RATED) {
        tg_bill_text_add(out, ". PRICED AGAIN WITH CATALOG VERSION %u IT DIFFERS: ",
                         row->stands->catalog_version);
        tg_bill_text_money(out, row->priced->amount, scale, minor);
        tg_bill_text_add(out, ".");
    } else {
        tg_bill_text_add(out, ". PRICED AGAIN WITH CATALOG VERSION %u IT IS REFUSED: %s.",
                         row->stands->catalog_version, tg_err_name(row->priced->reason));
    }
}

void tg_explain_row_text(const struct tg_catalog_snapshot *catalog, const struct tg_replay_row *row,
                         char *text, size_t text_bytes)
{
    struct tg_bill_text out = tg_bill_text(text, text_bytes);
    char id[ID_BYTES];
    char time[TG_CLOCK_TEXT_BYTES];
    const uint32_t line = tg_replay_line_of(catalog, row->usage, row->stored->subscriber);
    (void)tg_roster_subscriber_name(catalog->roster, line, id, sizeof id);
    (void)tg_clock_format(row->usage->start_ns, time);
    tg_bill_text_add(&out, "Row %llu:%u (record %016llx): %s of %s", (unsigned long long)row->epoch,
                     row->index, (unsigned long long)row->usage->record_key,
                     service_name(row->usage->service), id);
    if (line != row->stored->subscriber) {
        (void)tg_roster_subscriber_name(catalog->roster, row->stored->subscriber, id, sizeof id);
        tg_bill_text_add(&out, " (counted with %s as one subscription)", id);
    }
    tg_bill_text_add(&out, " at %s", time);
    if (tg_usage_peer_kind(row->usage) == TG_KEY_E164) {
        char digits[16];
        (void)tg_digits_unpack(row->usage->peer_key, digits);
        tg_bill_text_add(&out, " to %s", digits);
    }
    if (row->usage->service == TG_SERVICE_VOICE && row->usage->quantity_down != 0) {
        char digits[16];
        (void)tg_digits_unpack(tg_digits_of_value(row->usage->quantity_down), digits);
        tg_bill_text_add(&out, ", routed to %s", digits);
    }
    if (row->priced->fate == TG_FATE_RATED && row->trace != NULL) {
        const struct tg_plan_service *plan_service = plan_service_of(catalog, row);
        char digits[20];
        tg_explain_prefix(row, plan_service, digits);
        tg_bill_text_add(&out, digits[0] != '\0' ? ", prefix %s" : "%s", digits);
        deck_row_add(&out, row, plan_service, digits);
        const char *zone = tg_image_name(row->image, TG_CATALOG_ZONE, row->priced->zone);
        tg_bill_text_add(&out, zone[0] != '\0' ? ", zone %s" : "%s", zone);
        tg_bill_text_add(&out, ", price %s (tariff %s):",
                         tg_image_name(row->image, TG_CATALOG_PRICE, row->priced->price_id),
                         tg_image_tariff_name(row->image, row->priced->price_id));
        add_units(&out, row, plan_service);
        add_pieces(&out, row, catalog->roster, plan_service);
        add_changes(&out, row->trace);
        tg_explain_rules_add(&out, row->image, row->trace);
    } else {
        tg_bill_text_add(&out, ":");
    }
    add_verdict(&out, catalog, row);
}
