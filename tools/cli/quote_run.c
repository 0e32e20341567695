/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/quote_run.h"

#include "base/clock.h"
#include "base/money.h"
#include "bill/explain_rules.h"
#include "bill/explain_steps.h"
#include "catalog/catalog.h"
#include "cli/cli.h"
#include "cli/quote_balance.h"
#include "cli/quote_credit.h"
#include "cli/quote_ids.h"
#include "cli/quote_journal.h"
#include "cli/quote_order.h"
#include "cli/usage_json.h"
#include "doc/diag.h"
#include "doc/json.h"
#include "plug/registry.h"
#include "rate/rate.h"

#include <errno.h>
#include <string.h>

/* One run. */
struct quote {
    const struct tg_verb *verb;
    const struct tg_cli_quote *what;
    bool has_problem;
    struct tg_catalog_snapshot *snapshot;
    struct tg_rate *rate;
    struct tg_quote_journal *journal; /* NULL: nothing is kept. */
    struct tg_quote_ids *ids;         /* That lines have said. */
    struct tg_quote_balance *balance; /* Of prepaid accounts; NULL: nobody is, or each line is
                                         the first. */
    struct tg_quote_order order;      /* Lines that wait for earlier events. */
    bool is_out_of_memory;
};

/* Lines of one run are priced by event; those that share nothing, and those of who asks for it, as
 * they come. */
static bool is_in_order(const struct quote *quote)
{
    return !quote->what->is_fresh && !quote->what->is_by_arrival;
}

static int plugins_load(struct quote *quote)
{
    for (uint32_t i = 0; i < quote->what->plugins_count; i++) {
        struct tg_why why = {{0}};
        const enum tg_err err = tg_plug_load(quote->what->plugins[i], &why);
        if (err != TG_OK) {
            (void)tg_cli_problem(quote->verb,
                                 "plug-in refused: %s: %s; rows it should price "
                                 "are suspended",
                                 tg_err_name(err), why.text);
            quote->has_problem = true;
        }
    }
    return TG_EXIT_OK;
}

/* Open a folder, or store it in the data directory. */
static int catalog_take(struct quote *quote, const char *folder)
{
    struct tg_why why = {{0}};
    struct tg_diag *diag = tg_diag_open();
    if (diag == NULL) {
        return tg_cli_problem(quote->verb, "no memory");
    }
    const enum tg_err err =
        quote->what->data != NULL
            ? tg_catalog_import(folder, quote->what->data, tg_clock_now_ns(), diag, NULL, &why)
            : tg_catalog_open_folder(folder, diag, &quote->snapshot, &why);
    if (tg_diag_entries_count(diag) > 0) {
        tg_diag_sort(diag);
        (void)tg_diag_print(diag, stderr);
    }
    tg_diag_close(diag);
    return err == TG_OK ? TG_EXIT_OK
                        : tg_cli_problem(quote->verb, "catalog %s: %s", folder,
                                         why.text[0] != '\0' ? why.text : tg_err_sentence(err));
}

static int quote_open(struct quote *quote)
{
    const struct tg_cli_quote *what = quote->what;
    struct tg_why why = {{0}};
    int code = plugins_load(quote);
    for (uint32_t i = 0; i < what->catalogs_count && code == TG_EXIT_OK; i++) {
        code = catalog_take(quote, what->catalogs[i]);
    }
    if (code != TG_EXIT_OK) {
        return code;
    }
    if (what->data != NULL && (tg_catalog_open(what->data, &quote->snapshot, &why) != TG_OK ||
                               tg_quote_journal_open(what->data, &quote->journal, &why) != TG_OK)) {
        return tg_cli_problem(quote->verb, "%s", why.text);
    }
    const uint32_t count = quote->snapshot->roster->subscribers_count;
    const struct tg_rate_params params = {.subscribers_count_max = count > 0 ? count : 1};
    quote->ids = tg_quote_ids_open();
    if (quote->ids == NULL) {
        return tg_cli_problem(quote->verb, "no memory");
    }
    enum tg_err err = tg_rate_create(&params, &quote->rate, &why);
    if (err == TG_OK && quote->snapshot->roster->credits != NULL && !what->is_fresh) {
        err = tg_quote_balance_open(quote->snapshot, quote->rate, quote->journal, &quote->balance,
                                    &why);
    }
    if (err == TG_OK && quote->journal != NULL) {
        err = tg_quote_journal_take_up(
            what->data, quote->snapshot, quote->rate, quote->ids,
            quote->balance != NULL ? tg_quote_balance_credit(quote->balance) : NULL, &why);
    }
    if (err == TG_OK && quote->balance != NULL && quote->journal != NULL) {
        tg_quote_balance_taken_up(quote->balance);
    }
    return err == TG_OK ? TG_EXIT_OK : tg_cli_problem(quote->verb, "%s", why.text);
}

/* Amounts of a price are in its own currency. */
static uint8_t minor_of(const struct tg_price *price)
{
    return (uint8_t)(price->scale - TG_MONEY_EXTRA_DECIMALS);
}

static void piece_print(struct tg_json *list, const struct tg_image *image,
                        const struct tg_rate_piece *piece)
{
    struct tg_json *json = tg_json_object();
    const struct tg_price *price = tg_image_price(image, piece->price_id);
    const uint32_t step_index =
        piece->step_index < price->steps_count ? piece->step_index : price->steps_count - 1;
    const struct tg_price_step *step = &tg_price_steps(price)[step_index];
    tg_json_set_integer(json, "units", (int64_t)piece->units);
    tg_json_set_integer(json, "units_before", (int64_t)piece->units_before);
    tg_json_set_time(json, "from", piece->start_ns);
    tg_json_set_time(json, "to", piece->end_ns);
    tg_json_set_string(json, "price", tg_image_name(image, TG_CATALOG_PRICE, piece->price_id));
    tg_json_set_integer(json, "step", piece->step_index);
    if (price->steps_count > 0) {
        tg_json_set_money(json, "step_price", step->price, price->scale, minor_of(price));
        tg_json_set_integer(json, "per", (int64_t)step->per_units);
    }
    tg_json_set_money(json, "amount", piece->amount, price->scale, minor_of(price));
    if (piece->remainder != 0) {
        tg_json_set_integer(json, "remainder", piece->remainder);
        tg_json_set_integer(json, "denominator", (int64_t)piece->denominator);
    }
    tg_json_set_integer(json, "first_increment", (int64_t)price->first_increment);
    tg_json_set_integer(json, "next_increment", (int64_t)price->next_increment);
    tg_json_set_string(json, "rounding", tg_rounding_name(price->rounding));
    tg_explain_parts_set(json, image, piece);
    tg_json_append(list, json);
}

static void rated_print(struct tg_json *json, const struct tg_image *image,
                        const struct tg_charge *charge, const struct tg_rate_trace *trace)
{
    const struct tg_currency *currency = tg_currency_by_numeric(charge->currency);
    const uint8_t scale = trace->price->scale;
    const uint8_t minor = minor_of(trace->price);
    tg_json_set_money(json, "amount", charge->amount, currency->scale, currency->minor);
    tg_json_set_string(json, "currency", currency->code);
    tg_json_set_integer(json, "quantity", (int64_t)trace->raw_units);
    tg_json_set_string(json, "unit", tg_unit_name(charge->unit));
    tg_json_set_integer(json, "billed_units", (int64_t)charge->billed_units);
    tg_json_set_integer(json, "included_units", (int64_t)trace->included_units);
    tg_json_set_integer(json, "allowance_units", (int64_t)charge->allowance_units);
    tg_json_set_integer(json, "units_before", (int64_t)charge->units_before);
    tg_json_set_string(json, "tariff", trace->tariff != NULL ? trace->tariff->name : NULL);
    tg_json_set_string(json, "price", tg_image_name(image, TG_CATALOG_PRICE, charge->price_id));
    tg_json_set_string(json, "zone", tg_image_name(image, TG_CATALOG_ZONE, charge->zone));
    tg_json_set_integer(json, "catalog_version", charge->catalog_version);
    tg_json_set_money(json, "connect_fee", trace->connect_fee, scale, minor);
    if (trace->limit_change != 0) {
        tg_json_set_money(json, "limit_change", trace->limit_change, scale, minor);
    }
    tg_explain_rules_set(json, image, charge, trace);
    struct tg_json *pieces = tg_json_list();
    for (uint32_t i = 0; i < trace->pieces_count; i++) {
        piece_print(pieces, image, &trace->pieces[i]);
    }
    tg_json_set(json, "breakdown", pieces);
}

static void refused_print(struct tg_json *json, const struct tg_image *image,
                          const struct tg_charge *charge, const struct tg_rate_trace *trace)
{
    tg_json_set_string(json, "reason", tg_err_name(charge->reason));
    tg_json_set_string(json, "message", tg_err_sentence(charge->reason));
    if (image != NULL && charge->price_id != TG_PRICE_NONE) {
        tg_json_set_string(json, "tariff", tg_image_tariff_name(image, charge->price_id));
        tg_json_set_string(json, "price", tg_image_name(image, TG_CATALOG_PRICE, charge->price_id));
    }
    if (image != NULL) {
        tg_json_set_string(json, "zone", tg_image_name(image, TG_CATALOG_ZONE, charge->zone));
    }
    if (trace->tariff != NULL && trace->tariff->why.text[0] != '\0') {
        tg_json_set_string(json, "detail", trace->tariff->why.text);
    }
}

/* place: of a line that is held; UINT32_MAX: it is answered at once. */
static void json_finish(struct quote *quote, uint32_t place, struct tg_json *json)
{
    FILE *to = quote->what->out != NULL ? quote->what->out : stderr;
    if (place != UINT32_MAX) {
        quote->is_out_of_memory |= tg_quote_order_answer(&quote->order, place, json, to) != TG_OK;
        return;
    }
    if (json != NULL) {
        (void)tg_json_print(json, false, to);
        (void)fputc('\n', to);
        tg_json_free(json);
    }
}

/* Hold a line, or not. */
static uint32_t line_place(struct quote *quote, const struct tg_usage_line *line, uint64_t number)
{
    if (!is_in_order(quote)) {
        return UINT32_MAX;
    }
    const uint32_t place = tg_quote_order_add(&quote->order, line, number);
    quote->is_out_of_memory |= place == UINT32_MAX;
    return place;
}

/* errors: all of the line's mistakes, taken over; the first of them stands beside it. */
static void error_print(struct quote *quote, const struct tg_json_lines *lines, const char *id,
                        enum tg_err reason, struct tg_json *errors)
{
    const struct tg_json *first = tg_json_at(errors, 0);
    struct tg_json *json = tg_json_object();
    quote->has_problem = true;
    if (quote->journal != NULL) {
        tg_quote_journal_refusal(quote->journal, lines->line, strlen(lines->line), reason);
    }
    tg_json_set_integer(json, "line", (int64_t)lines->line_number);
    if (id != NULL) {
        tg_json_set_string(json, "id", id);
    }
    tg_json_set_string(json, "fate", "refused");
    tg_json_set_string(json, "reason", tg_err_name(reason));
    tg_json_set_string(json, "at", tg_json_get_text(first, "at", ""));
    tg_json_set_string(json, "error", tg_json_get_text(first, "error", ""));
    tg_json_set(json, "errors", errors);
    json_finish(quote, line_place(quote, NULL, lines->line_number), json);
}

static void mistake_add(struct tg_json *errors, enum tg_err reason, const char *place,
                        const char *text)
{
    struct tg_json *json = tg_json_object();
    tg_json_set_string(json, "at", place);
    tg_json_set_string(json, "reason", tg_err_name(reason));
    tg_json_set_string(json, "error", text);
    tg_json_append(errors, json);
}

/* "LINE:COL" of a key in the line as it was written: what a colon follows, not a text alike. */
static void key_place(const struct tg_json_lines *lines, const char *key, char place[48])
{
    size_t column = 1;
    char quoted[80];
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", key != NULL ? key : "");
    for (const char *at = lines->line; key != NULL && (at = strstr(at, quoted)) != NULL; at++) {
        const char *behind = at + strlen(quoted);
        behind += strspn(behind, " \t");
        if (*behind == ':') {
            column = (size_t)(at - lines->line) + 1;
            break;
        }
    }
    (void)snprintf(place, 48, "%llu:%zu", (unsigned long long)lines->line_number, column);
}

static struct tg_json *mistakes_make(const struct tg_json_lines *lines,
                                     const struct tg_usage_mistakes *mistakes)
{
    struct tg_json *errors = tg_json_list();
    char place[48];
    for (uint32_t i = 0; i < mistakes->count && i < TG_USAGE_MISTAKES_MAX; i++) {
        const struct tg_usage_mistake *mistake = &mistakes->list[i];
        key_place(lines, mistake->key, place);
        mistake_add(errors, mistake->err, place, mistake->why.text);
    }
    if (mistakes->count > TG_USAGE_MISTAKES_MAX) {
        char text[48];
        (void)snprintf(text, sizeof text, "%u more mistakes",
                       mistakes->count - TG_USAGE_MISTAKES_MAX);
        key_place(lines, NULL, place);
        mistake_add(errors, TG_E_SYNTAX, place, text);
    }
    return errors;
}

/* What an engine's balance would have paid: see tg_credit_debit. */
static bool is_from_balance(const struct quote *quote, const struct tg_charge *charge)
{
    const struct tg_roster *roster = quote->snapshot->roster;
    const struct tg_roster_line *line =
        charge->fate == TG_FATE_RATED ? tg_roster_line(roster, charge->subscriber) : NULL;
    return line != NULL && roster->credits != NULL && line->account < roster->accounts_count &&
           roster->credits[line->account].is_prepaid &&
           charge->currency == roster->accounts[line->account].currency;
}

/* A record that was there before, as the engine settles it: in the journal, without a price. */
static void row_unpriced(const struct tg_usage_line *line, enum tg_err reason,
                         struct tg_charge *charge, struct tg_rate_trace *trace,
                         struct tg_quote_grant *grant)
{
    *charge =
        (struct tg_charge){.subscriber = TG_SUBSCRIBER_NONE,
                           .price_id = TG_PRICE_NONE,
                           .fate = reason == TG_E_DUPLICATE ? TG_FATE_DUPLICATE : TG_FATE_SUSPENDED,
                           .reason = (int16_t)reason,
                           .node_state = line->node_state};
    *trace = (struct tg_rate_trace){.price = NULL};
    *grant = (struct tg_quote_grant){.row = line->row};
}

/* A line that is no usage. */
static void action_quote(struct quote *quote, const struct tg_usage_line *line, uint64_t number,
                         uint32_t place)
{
    struct tg_json *answer = tg_json_object();
    tg_json_set_integer(answer, "line", (int64_t)number);
    if (line->id != NULL) {
        tg_json_set_string(answer, "id", line->id);
    }
    if (quote->balance != NULL) {
        tg_quote_balance_pass(quote->balance, line->row.start_ns);
    }
    const bool is_done = tg_quote_balance_do(quote->balance, line, number, answer);
    quote->has_problem |= !is_done;
    if (is_done && quote->what->out == NULL) {
        tg_json_free(answer);
        answer = NULL;
    }
    json_finish(quote, place, answer);
}

/* What the balance allows; a line that asks for it of nobody's is suspended. */
static enum tg_err credit_take(struct quote *quote, struct tg_usage_line *line)
{
    if (quote->balance != NULL) {
        tg_quote_balance_pass(quote->balance, line->row.start_ns);
    }
    if (!line->is_from_balance) {
        return TG_OK;
    }
    return quote->balance != NULL ? tg_quote_balance_credit_of(quote->balance, line)
                                  : TG_E_NOT_PREPAID;
}

/* said: TG_OK, or what the line is for its id. */
static void row_quote(struct quote *quote, struct tg_usage_line *line, enum tg_err said,
                      uint64_t number, uint32_t place)
{
    struct tg_charge charge;
    struct tg_rate_trace trace;
    struct tg_quote_grant grant;
    line->row.record_key = line->id != NULL && quote->journal != NULL
                               ? tg_quote_ids_key(line->id)
                               : tg_quote_journal_key(quote->journal, number);
    said = said == TG_OK ? credit_take(quote, line) : said;
    if (said == TG_OK) {
        tg_quote_row(quote->rate, quote->snapshot, line, quote->what->is_fresh, &charge, &trace,
                     &grant);
    } else {
        row_unpriced(line, said, &charge, &trace, &grant);
    }
    if (quote->balance != NULL) {
        tg_quote_balance_row(quote->balance, &grant.row, &charge);
    } else if (is_from_balance(quote, &charge)) {
        charge.flags |= TG_CHARGE_PREPAID;
    }
    if (quote->journal != NULL) {
        tg_quote_journal_row(quote->journal, &grant.row, &charge);
    }
    if (quote->what->out == NULL && charge.fate == TG_FATE_RATED) {
        json_finish(quote, place, NULL);
        return;
    }
    const struct tg_image *image = tg_catalog_image_at(quote->snapshot, line->row.start_ns);
    struct tg_json *answer = tg_json_object();
    tg_json_set_integer(answer, "line", (int64_t)number);
    if (line->id != NULL) {
        tg_json_set_string(answer, "id", line->id);
    }
    tg_json_set_string(answer, "fate", tg_fate_name(charge.fate));
    if (charge.fate == TG_FATE_RATED) {
        rated_print(answer, image, &charge, &trace);
        if (grant.is_bounded) {
            tg_json_set_integer(answer, "asked_quantity", (int64_t)grant.asked_quantity);
            tg_json_set_integer(answer, "granted_quantity", (int64_t)grant.granted_quantity);
        }
        if (grant.has_credit) {
            tg_json_set_money(answer, "credit_left", grant.credit_left, image->scale, image->minor);
        }
        if (quote->balance != NULL) {
            tg_quote_balance_tell(quote->balance, &charge, answer);
        }
    } else {
        refused_print(answer, image, &charge, &trace);
    }
    json_finish(quote, place, answer);
}

static void line_answer(struct quote *quote, struct tg_usage_line *line, enum tg_err said,
                        uint64_t number, uint32_t place)
{
    if (line->action != TG_USAGE_ROW) {
        action_quote(quote, line, number, place);
    } else {
        row_quote(quote, line, said, number, place);
    }
}

static void line_quote(struct quote *quote, const struct tg_json_lines *lines,
                       const struct tg_json *json)
{
    struct tg_usage_line line;
    struct tg_usage_mistakes mistakes;
    const struct tg_image *newest = quote->snapshot->images[quote->snapshot->images_count - 1];
    const enum tg_err err = tg_usage_line_read(json, newest, &line, &mistakes);
    if (err != TG_OK) {
        error_print(quote, lines, line.id, err, mistakes_make(lines, &mistakes));
        return;
    }
    /* Which of two lines is the record and which the duplicate is a matter of who came first, as in
     * the engine. Lines that are all the first have no one before them. */
    const enum tg_err said = line.id != NULL && !quote->what->is_fresh && line.action == 0
                                 ? tg_quote_ids_check(quote->ids, line.id, &line.row)
                                 : TG_OK;
    if (is_in_order(quote)) {
        const uint32_t held = line_place(quote, &line, lines->line_number);
        if (held != UINT32_MAX) {
            quote->order.lines[held].said = (int16_t)said;
        }
    } else {
        line_answer(quote, &line, said, lines->line_number, UINT32_MAX);
    }
}

/* All that was held, by event. */
static int held_quote(struct quote *quote)
{
    struct tg_quote_order *order = &quote->order;
    if (quote->is_out_of_memory || tg_quote_order_sort(order) != TG_OK) {
        return tg_cli_problem(quote->verb, "no memory for %u lines; --order arrival holds none",
                              order->count);
    }
    for (uint32_t i = 0; i < order->rows_count; i++) {
        struct tg_quote_held *held = &order->lines[order->rows[i].at];
        line_answer(quote, &held->line, (enum tg_err)held->said, held->number, order->rows[i].at);
    }
    return quote->is_out_of_memory ? tg_cli_problem(quote->verb, "no memory for answers")
                                   : TG_EXIT_OK;
}

static int lines_quote(struct quote *quote, FILE *from)
{
    struct tg_json_lines lines;
    tg_json_lines_open(&lines, from);
    for (;;) {
        struct tg_json *json = NULL;
        struct tg_why why = {{0}};
        const enum tg_err err = tg_json_lines_next(&lines, &json, &why);
        if (err == TG_E_NOT_FOUND) {
            break;
        }
        if (err == TG_E_SYNTAX) {
            const char *end = strchr(why.text, ':');
            end = end != NULL ? strchr(end + 1, ':') : NULL;
            char place[48] = "";
            if (end != NULL) {
                (void)snprintf(place, sizeof place, "%.*s", (int)(end - why.text), why.text);
            }
            struct tg_json *errors = tg_json_list();
            mistake_add(errors, err, place, why.text);
            error_print(quote, &lines, NULL, err, errors);
            continue;
        }
        if (err != TG_OK) {
            tg_json_lines_close(&lines);
            return tg_cli_problem(quote->verb, "reading: %s", tg_err_sentence(err));
        }
        line_quote(quote, &lines, json);
        tg_json_free(json);
    }
    tg_json_lines_close(&lines);
    const int code = held_quote(quote);
    return code != TG_EXIT_OK ? code : quote->has_problem ? TG_EXIT_PROBLEM : TG_EXIT_OK;
}

int tg_cli_quote_run(const struct tg_verb *verb, const struct tg_cli_quote *what)
{
    struct quote quote = {.verb = verb, .what = what};
    FILE *from = stdin;
    if (what->file != NULL && strcmp(what->file, "-") != 0) {
        from = fopen(what->file, "re");
        if (from == NULL) {
            return tg_cli_problem(verb, "%s: %s", what->file, strerror(errno));
        }
    }
    int code = quote_open(&quote);
    const bool is_open = code == TG_EXIT_OK;
    if (what->is_open != NULL) {
        *what->is_open = is_open;
    }
    if (is_open) {
        code = lines_quote(&quote, from);
    }
    if (what->out != NULL && fflush(what->out) != 0) {
        code = tg_cli_problem(verb, "writing: %s", strerror(errno));
    }
    struct tg_why why = {{0}};
    if (tg_quote_journal_close(quote.journal, is_open, &why) != TG_OK) {
        code = tg_cli_problem(verb, "%s", why.text);
    }
    tg_quote_order_free(&quote.order);
    tg_quote_balance_close(quote.balance);
    tg_quote_ids_close(quote.ids);
    tg_rate_destroy(quote.rate);
    tg_catalog_close(quote.snapshot);
    if (from != stdin) {
        (void)fclose(from);
    }
    return code;
}
