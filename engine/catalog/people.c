/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/exchange.h"
#include "catalog/people_reader.h"
#include "catalog/zone_time.h"

#include "abi/key.h"
#include "base/clock.h"
#include "base/money.h"
#include "doc/csv.h"
#include "doc/scalar.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NEAR_NAMES_MAX 20000u /* did-you-mean over more would take longer than a person waits */
#define ID_BYTES_MAX   63u
#define DATE_BYTES     10u /* 2026-10-01 */
#define AGAIN_MAX      99u /* lines of one id */
#define AGAIN_BYTES    3u  /* #99 */

enum account_column {
    A_ID,
    A_NAME,
    A_CURRENCY,
    A_CYCLE_DAY,
    A_TAX,
    A_PREPAID,
    A_CREDIT_LIMIT,
    A_CREDIT_ALERTS,
    A_ZONE,
    A_CASH,
    A_ENTITY,
    A_BILL_PERIOD,
    A_COUNT
};
_Static_assert((int)A_COUNT <= (int)TG_PEOPLE_COLUMNS_MAX, "room");
enum subscriber_column {
    S_ID,
    S_ACCOUNT,
    S_PRODUCT,
    S_MSISDN,
    S_IMSI,
    S_USER,
    S_IP,
    S_FROM,
    S_TO,
    S_QUANTITY,
    S_COUNT
};

_Static_assert((int)S_COUNT <= (int)TG_PEOPLE_COLUMNS_MAX, "room");

static const struct tg_csv_column account_columns[A_COUNT] = {
    {"id", true},    {"name", false},          {"currency", false},     {"cycle_day", false},
    {"tax", false},  {"prepaid", false},       {"credit_limit", false}, {"credit_alerts", false},
    {"zone", false}, {"cash_rounding", false}, {"legal_entity", false}, {"bill_period", false}};
static const struct tg_csv_column subscriber_columns[S_COUNT] = {
    {"id", true},         {"account", true},  {"product", true}, {"msisdn", false},
    {"imsi", false},      {"user", false},    {"ip", false},     {"active_from", false},
    {"active_to", false}, {"quantity", false}};

/* Field of a known column; an absent one reads as empty. */
struct tg_csv_field tg_people_field(const struct tg_people_reader *reader, uint32_t column)
{
    const int16_t index = reader->index[column];
    return index >= 0 ? reader->csv.fields[index]
                      : (struct tg_csv_field){"", 0, reader->csv.line, 1};
}

void tg_people_refuse(struct tg_people_reader *reader, const struct tg_csv_field *field,
                      const char *hint, const char *format)
{
    char word[65];
    (void)snprintf(word, sizeof word, "%.*s",
                   (int)(field->text_bytes < 64 ? field->text_bytes : 64), field->text);
    char text[200];
    (void)snprintf(text, sizeof text, format, word); /* formats are ours and take the word only */
    tg_diag_add(reader->diag, TG_DIAG_ERROR, tg_csv_mark(&reader->csv, field), hint, "%s", text);
}

static bool id_check(struct tg_people_reader *reader, const struct tg_csv_field *id)
{
    bool is_fine = id->text_bytes > 0 && id->text_bytes <= ID_BYTES_MAX;
    for (uint32_t i = 0; i < id->text_bytes && is_fine; i++) {
        is_fine = (unsigned char)id->text[i] > ' ' && id->text[i] != 0x7f;
    }
    if (!is_fine) {
        tg_people_refuse(reader, id, "use 1 to 63 characters without blanks", "id: \"%s\" is none");
    }
    return is_fine;
}

/* Number of a listed id; doubled ones are refused. The blobs grow with it. */
static uint32_t id_number(struct tg_people_reader *reader, struct tg_names *ids,
                          struct tg_blob *items, size_t item_bytes, struct tg_blob *lines,
                          const struct tg_csv_field *id)
{
    const uint32_t index = tg_names_add(ids, id->text, id->text_bytes);
    if (index == UINT32_MAX) {
        return index;
    }
    while (items->size_bytes / item_bytes < ids->count && !items->is_broken) {
        (void)tg_blob_extend(items, item_bytes, 1);
    }
    while (lines->size_bytes / 4 < ids->count && !lines->is_broken) {
        (void)tg_blob_extend(lines, 4, 1);
    }
    if (items->is_broken || lines->is_broken) {
        return UINT32_MAX;
    }
    uint32_t *line = (uint32_t *)(void *)lines->bytes + index;
    if (*line != 0) {
        char text[96];
        (void)snprintf(text, sizeof text, "id \"%%s\" is already on line %u", *line);
        tg_people_refuse(reader, id, NULL, text);
        return UINT32_MAX;
    }
    *line = id->line;
    return index;
}

/* Index of an entry that this version of the catalog has. */
uint32_t tg_people_entry(struct tg_people_reader *reader, enum tg_catalog_kind kind,
                         const struct tg_csv_field *field, const char *format)
{
    char name[65];
    (void)snprintf(name, sizeof name, "%.*s",
                   (int)(field->text_bytes < 64 ? field->text_bytes : 64), field->text);
    const uint32_t index = tg_image_find(reader->image, kind, name);
    const bool is_there =
        index != UINT32_MAX &&
        (kind == TG_CATALOG_PRODUCT  ? tg_image_product(reader->image, index) != NULL
         : kind == TG_CATALOG_TAX    ? tg_image_tax(reader->image, index) != NULL
         : kind == TG_CATALOG_ENTITY ? tg_image_entity(reader->image, index) != NULL
                                     : index > 0);
    if (is_there) {
        return index;
    }
    const uint32_t count = tg_image_count(reader->image, kind);
    const char **known = calloc(count + 1, sizeof *known);
    for (uint32_t i = 0; known != NULL && i < count; i++) {
        known[i] = tg_image_name(reader->image, kind, i);
    }
    const char *near = known != NULL ? tg_diag_nearest(name, known, count) : NULL;
    char hint[128];
    (void)snprintf(hint, sizeof hint, "did you mean \"%s\"?", near != NULL ? near : "");
    tg_people_refuse(reader, field, near != NULL ? hint : NULL, format);
    free(known);
    return UINT32_MAX;
}

/* An account may have a currency of its own where the catalog says what it is worth. */
static void account_currency(struct tg_people_reader *reader, const struct tg_csv_field *field,
                             uint16_t *numeric)
{
    char code[4] = {0};
    memcpy(code, field->text, field->text_bytes == 3 ? 3 : 0);
    const struct tg_currency *own = tg_currency_by_code(code);
    const struct tg_image *image = reader->image;
    if (own == NULL) {
        tg_people_refuse(reader, field, "use an ISO 4217 code", "currency: \"%s\" is not known");
        return;
    }
    *numeric = own->numeric;
    const struct tg_exchange_rate *rate;
    bool has_rate = own->numeric == image->currency;
    for (uint32_t i = 0; (rate = tg_image_exchange_at(image, i)) != NULL && !has_rate; i++) {
        has_rate = rate->from == image->currency && rate->to == own->numeric;
    }
    if (!has_rate) {
        tg_people_refuse(reader, field, "declare one in exchange_rates",
                         "currency: there is no exchange rate from the catalog's to \"%s\"");
    }
}

static bool amount_read(struct tg_people_reader *reader, const struct tg_csv_field *field,
                        const char *text, size_t text_bytes, int64_t *amount)
{
    if (tg_money_parse(text, text_bytes, (uint8_t)reader->image->scale, amount) == TG_OK) {
        return true;
    }
    tg_people_refuse(reader, field, "write an exact amount such as 12.50",
                     "\"%s\" is no amount of money");
    return false;
}

static void term_add(struct tg_people_reader *reader, uint32_t account,
                     enum tg_roster_term_kind kind, int64_t amount)
{
    const struct tg_roster_term term = {amount, account, kind};
    (void)tg_blob_append(&reader->people->terms, &term, sizeof term, 8);
}

/* Amounts with blanks between them. */
static void alerts_take(struct tg_people_reader *reader, uint32_t account,
                        const struct tg_csv_field *field)
{
    uint32_t count = 0;
    for (uint32_t at = 0; at < field->text_bytes;) {
        uint32_t end = at;
        while (end < field->text_bytes && field->text[end] != ' ') {
            end++;
        }
        int64_t amount;
        if (end > at && count++ == TG_CREDIT_ALERTS_MAX) {
            tg_people_refuse(reader, field, NULL,
                             "credit_alerts: \"%s\" are more than three amounts");
            return;
        }
        if (end > at && !amount_read(reader, field, &field->text[at], end - at, &amount)) {
            return;
        }
        if (end > at) {
            term_add(reader, account, TG_TERM_ALERT, amount);
        }
        at = end + 1;
    }
}

/* A column of true or false; anything else is told as `format`, and is absent. */
static uint32_t switch_read(struct tg_people_reader *reader, enum account_column column,
                            uint32_t if_true, uint32_t if_false, const char *format)
{
    const struct tg_csv_field field = tg_people_field(reader, column);
    if (field.text_bytes == 4 && memcmp(field.text, "true", 4) == 0) {
        return if_true;
    }
    if (field.text_bytes == 5 && memcmp(field.text, "false", 5) == 0) {
        return if_false;
    }
    if (field.text_bytes != 0) {
        tg_people_refuse(reader, &field, NULL, format);
    }
    return 0;
}

/* The columns of prepaid accounts; a mistake in one leaves the others to be checked. */
static void credit_take(struct tg_people_reader *reader, uint32_t account)
{
    const struct tg_csv_field prepaid = tg_people_field(reader, A_PREPAID);
    const struct tg_csv_field limit = tg_people_field(reader, A_CREDIT_LIMIT);
    const struct tg_csv_field alerts = tg_people_field(reader, A_CREDIT_ALERTS);
    const bool is_prepaid = prepaid.text_bytes == 4 && memcmp(prepaid.text, "true", 4) == 0;
    const bool is_postpaid = prepaid.text_bytes == 0 ||
                             (prepaid.text_bytes == 5 && memcmp(prepaid.text, "false", 5) == 0);
    int64_t amount = 0;
    if (!is_prepaid && !is_postpaid) {
        tg_people_refuse(reader, &prepaid, NULL, "prepaid: \"%s\" is not true or false");
        return;
    }
    if (limit.text_bytes != 0 &&
        amount_read(reader, &limit, limit.text, limit.text_bytes, &amount) && amount < 0) {
        tg_people_refuse(reader, &limit, "write how far below 0 the balance may go",
                         "credit_limit: \"%s\" is below 0");
    }
    if (!is_prepaid) {
        if (limit.text_bytes != 0) {
            tg_people_refuse(reader, &limit, "set prepaid to true",
                             "credit_limit \"%s\" is of a prepaid account only");
        }
        if (alerts.text_bytes != 0) {
            tg_people_refuse(reader, &alerts, "set prepaid to true",
                             "credit_alerts \"%s\" are of a prepaid account only");
        }
        return;
    }
    term_add(reader, account, TG_TERM_LIMIT, amount < 0 ? 0 : amount);
    alerts_take(reader, account, &alerts);
}

static void entity_take(struct tg_people_reader *reader, uint32_t account)
{
    const struct tg_csv_field entity = tg_people_field(reader, A_ENTITY);
    const uint32_t index =
        entity.text_bytes != 0
            ? tg_people_entry(reader, TG_CATALOG_ENTITY, &entity, "there is no legal entity \"%s\"")
            : UINT32_MAX;
    if (index != UINT32_MAX) {
        term_add(reader, account, TG_TERM_ENTITY, index);
    }
}

static uint8_t bill_period_read(struct tg_people_reader *reader)
{
    static const char *const names[TG_ROSTER_BILLS_KINDS] = {"month", "quarter", "half_year",
                                                             "year", "week"};
    const struct tg_csv_field field = tg_people_field(reader, A_BILL_PERIOD);
    for (uint8_t i = 0; i < TG_ROSTER_BILLS_KINDS; i++) {
        if (field.text_bytes == strlen(names[i]) &&
            memcmp(field.text, names[i], field.text_bytes) == 0) {
            return (uint8_t)(i * TG_ROSTER_BILLS_QUARTER);
        }
    }
    if (field.text_bytes != 0) {
        tg_people_refuse(reader, &field, NULL,
                         "bill_period: \"%s\" is not week, month, quarter, half_year or year");
    }
    return 0;
}

/* Which bill has a cycle is asked for as long as usage may be late for it, and nothing says what it
 * was before. */
static void bill_period_keep(struct tg_people_reader *reader,
                             const struct tg_roster_account *before,
                             const struct tg_roster_account *now)
{
    const bool is_known = before->cycle_day != 0; /* A new one is all 0. */
    if (is_known && tg_roster_bills(before) != tg_roster_bills(now)) {
        const struct tg_csv_field period = tg_people_field(reader, A_BILL_PERIOD);
        tg_people_refuse(reader, &period,
                         "end its subscriptions and begin an account with another id",
                         "bill_period: an account cannot change it, to \"%s\"");
    }
}

static void account_take(struct tg_people_reader *reader)
{
    struct tg_people *people = reader->people;
    const struct tg_csv_field id = tg_people_field(reader, A_ID);
    const struct tg_csv_field name = tg_people_field(reader, A_NAME);
    const struct tg_csv_field currency = tg_people_field(reader, A_CURRENCY);
    const struct tg_csv_field day = tg_people_field(reader, A_CYCLE_DAY);
    const struct tg_csv_field tax = tg_people_field(reader, A_TAX);
    struct tg_roster_account out = {
        .currency = reader->image->currency, .tax = TG_TAX_NONE, .cycle_day = 1};
    int64_t number = 1;
    if (currency.text_bytes != 0) {
        account_currency(reader, &currency, &out.currency);
    }
    if (day.text_bytes != 0 && (tg_scalar_integer(day.text, day.text_bytes, &number) != TG_OK ||
                                number < 1 || number > 31)) {
        tg_people_refuse(reader, &day, NULL, "cycle_day: \"%s\" is not 1 to 31");
    }
    out.cycle_day = (uint8_t)number;
    const struct tg_csv_field zone = tg_people_field(reader, A_ZONE);
    if (zone.text_bytes != 0) {
        const uint32_t index = tg_people_entry(reader, TG_CATALOG_ACCOUNT_ZONE, &zone,
                                               "there is no zone \"%s\" in account_zones");
        out.zone = index != UINT32_MAX ? (uint16_t)index : 0;
    }
    out.flags = (uint8_t)switch_read(reader, A_CASH, TG_ROSTER_CASH, TG_ROSTER_NO_CASH,
                                     "cash_rounding: \"%s\" is not true or false");
    out.flags |= bill_period_read(reader);
    if ((out.flags & TG_ROSTER_BILLS_WEEK) != 0 && number > 7) {
        tg_people_refuse(reader, &day, "1 is Monday, 7 is Sunday",
                         "cycle_day: \"%s\" is no day of a week, as bill_period is");
    }
    if (tax.text_bytes != 0) {
        const uint32_t index =
            tg_people_entry(reader, TG_CATALOG_TAX, &tax, "there is no tax \"%s\"");
        out.tax = index != UINT32_MAX ? (uint16_t)index : TG_TAX_NONE;
    }
    if (!id_check(reader, &id)) {
        return;
    }
    const uint32_t index = id_number(reader, &people->account_ids, &people->accounts, sizeof out,
                                     &people->account_lines, &id);
    if (index == UINT32_MAX) {
        return;
    }
    struct tg_roster_account before;
    memcpy(&before, people->accounts.bytes + index * sizeof out, sizeof before);
    bill_period_keep(reader, &before, &out);
    memcpy(people->accounts.bytes + index * sizeof out, &out, sizeof out);
    if (out.currency != reader->image->currency &&
        tg_people_field(reader, A_PREPAID).text_bytes == 4) {
        tg_people_refuse(reader, &currency, "keep balances in the catalog's currency",
                         "currency: a prepaid account cannot be in \"%s\"");
    }
    credit_take(reader, index);
    entity_take(reader, index);
    while (people->account_titles.size_bytes / 4 <= index && !people->account_titles.is_broken) {
        (void)tg_blob_extend(&people->account_titles, 4, 1);
    }
    const uint32_t title = name.text_bytes != 0
                               ? tg_names_add(&people->titles, name.text, name.text_bytes)
                               : tg_names_add(&people->titles, id.text, id.text_bytes);
    if (!people->account_titles.is_broken) {
        memcpy(people->account_titles.bytes + (size_t)index * 4, &title, 4);
    }
    people->accounts_listed_count++;
}

/* A date alone is the midnight with which it begins where the account is. */
bool tg_people_second(struct tg_people_reader *reader, const struct tg_csv_field *field,
                      uint32_t zone, uint32_t absent, uint32_t *seconds)
{
    int64_t at_ns = 0;
    *seconds = absent;
    if (field->text_bytes == 0) {
        return true;
    }
    const bool is_time = tg_clock_parse(field->text, field->text_bytes, &at_ns) == TG_OK;
    if (is_time && field->text_bytes == DATE_BYTES) {
        at_ns = tg_zone_utc_ns(tg_image_zone(reader->image, zone), at_ns);
    }
    if (!is_time || at_ns < 0 || at_ns % TG_NS_PER_S != 0 ||
        at_ns / TG_NS_PER_S >= TG_ROSTER_OPEN_S) {
        tg_people_refuse(reader, field, "write a date or whole second from 1970 to 2106",
                         "\"%s\" is no date or time");
        return false;
    }
    *seconds = (uint32_t)(at_ns / TG_NS_PER_S);
    return true;
}

static void key_add(struct tg_people_reader *reader, uint32_t subscriber, enum tg_key_kind kind,
                    uint64_t key)
{
    const struct tg_roster_key out = {key, subscriber, kind};
    (void)tg_blob_append(&reader->people->keys, &out, sizeof out, 8);
}

static void number_take(struct tg_people_reader *reader, uint32_t subscriber,
                        struct tg_csv_field field, enum tg_key_kind kind)
{
    uint64_t key = 0;
    const uint32_t skip = kind == TG_KEY_E164 && field.text_bytes > 0 && field.text[0] == '+';
    if (field.text_bytes == 0) {
        return;
    }
    if (field.text_bytes - skip < 3 ||
        !tg_digits_pack(field.text + skip, field.text_bytes - skip, &key)) {
        tg_people_refuse(reader, &field, "write 3 to 15 digits", "\"%s\" is no number");
        return;
    }
    key_add(reader, subscriber, kind, key);
}

static void ip_take(struct tg_people_reader *reader, uint32_t subscriber, struct tg_csv_field field)
{
    char text[48];
    uint8_t bytes[16];
    if (field.text_bytes == 0) {
        return;
    }
    (void)snprintf(text, sizeof text, "%.*s", (int)(field.text_bytes < 47 ? field.text_bytes : 47),
                   field.text);
    if (inet_pton(AF_INET, text, bytes) == 1) {
        key_add(reader, subscriber, TG_KEY_IP4, tg_key_ip4(bytes));
    } else if (inet_pton(AF_INET6, text, bytes) == 1) {
        key_add(reader, subscriber, TG_KEY_IP6, tg_key_ip6(bytes));
    } else {
        tg_people_refuse(reader, &field, NULL, "\"%s\" is no IP address");
    }
}

uint32_t tg_people_account_find(struct tg_people_reader *reader, const struct tg_csv_field *field)
{
    const struct tg_names *ids = &reader->people->account_ids;
    const uint32_t index = tg_names_find(ids, field->text, field->text_bytes);
    const uint32_t *lines = (const uint32_t *)(const void *)reader->people->account_lines.bytes;
    if (index != UINT32_MAX && index < reader->people->account_lines.size_bytes / 4 &&
        lines[index] != 0) {
        return index;
    }
    const char *near = NULL;
    const uint32_t count = ids->count < NEAR_NAMES_MAX ? ids->count : 0;
    const char **known = calloc(count + 1, sizeof *known);
    for (uint32_t i = 0; known != NULL && i < count; i++) {
        known[i] = tg_names_text(ids, i);
    }
    char word[65];
    (void)snprintf(word, sizeof word, "%.*s",
                   (int)(field->text_bytes < 64 ? field->text_bytes : 64), field->text);
    near = known != NULL ? tg_diag_nearest(word, known, count) : NULL;
    char hint[128];
    (void)snprintf(hint, sizeof hint, "did you mean \"%s\"?", near != NULL ? near : "");
    tg_people_refuse(reader, field, near != NULL ? hint : NULL, "there is no account \"%s\"");
    free(known);
    return UINT32_MAX;
}

/* Quarters and years are counted in months, which an account billed by the week has not. */
static void week_check(struct tg_people_reader *reader, const struct tg_csv_field *product,
                       const struct tg_roster_line *line)
{
    struct tg_roster_account account;
    const struct tg_product *sold = tg_image_product(reader->image, line->product);
    if (sold == NULL ||
        ((size_t)line->account + 1) * sizeof account > reader->people->accounts.size_bytes) {
        return;
    }
    memcpy(&account, reader->people->accounts.bytes + line->account * sizeof account,
           sizeof account);
    if ((account.flags & TG_ROSTER_BILLS_WEEK) != 0 &&
        (sold->period >= TG_FEE_QUARTER || sold->minimum_period != 0)) {
        tg_people_refuse(reader, product, "a fee by month is by the account's cycle, the week",
                         "product \"%s\" has a fee or minimum by quarter, half_year or year, and "
                         "the account is billed by the week");
    }
}

/* Does a product draw from a list of allowances? */
static bool has_shelves(const struct tg_image *image, uint16_t product)
{
    const struct tg_product *sold = tg_image_product(image, product);
    bool has = false;
    for (uint32_t cell = 0; sold != NULL && cell < TG_SERVICE_COUNT; cell++) {
        const struct tg_plan_service *plan_service = tg_image_plan_cell(image, sold->plan, cell);
        has |= plan_service != NULL && plan_service->buckets_count > 0;
    }
    return has;
}

/* A balance is rebuilt from rows by their subscriber's account, and what is left of a list of
 * allowances by his account and product: these may not change under rows that are there. */
static void line_kept(struct tg_people_reader *reader, const struct tg_csv_field *id,
                      const struct tg_csv_field *account, const struct tg_csv_field *product,
                      const struct tg_roster_line *now)
{
    static const char hint[] = "end the line with active_to and add one with a new id";
    const struct tg_people *people = reader->people;
    const uint32_t known = tg_names_find(&people->subscriber_ids, id->text, id->text_bytes);
    struct tg_roster_line before;
    if (known == UINT32_MAX ||
        ((size_t)known + 1) * sizeof before > people->subscribers.size_bytes) {
        return;
    }
    memcpy(&before, people->subscribers.bytes + (size_t)known * sizeof before, sizeof before);
    const uint32_t *lines = (const uint32_t *)(const void *)people->lines.bytes;
    if (known < people->lines.size_bytes / 4 && lines[known] != 0) {
        return; /* listed twice: that is told elsewhere */
    }
    const bool has_moved = before.account != now->account && now->account != UINT32_MAX;
    const bool has_list =
        has_shelves(reader->image, before.product) || has_shelves(reader->image, now->product);
    if (has_moved && (tg_people_is_prepaid(people, before.account) ||
                      tg_people_is_prepaid(people, now->account))) {
        tg_people_refuse(reader, account, hint,
                         "the subscriber cannot move to account \"%s\": one of the two is prepaid");
    } else if (has_moved && has_list) {
        tg_people_refuse(reader, account, hint,
                         "the subscriber cannot move to account \"%s\": what he used of a list of "
                         "allowances is kept with his account");
    }
    if (before.product != now->product && now->product != TG_PRODUCT_NONE && has_list) {
        tg_people_refuse(reader, product, hint,
                         "the subscriber cannot change to product \"%s\": what he used of a list "
                         "of allowances is kept with his product");
    }
}

uint32_t tg_people_account_zone(const struct tg_people *people, uint32_t account)
{
    struct tg_roster_account line = {0};
    if (account != UINT32_MAX &&
        ((size_t)account + 1) * sizeof line <= people->accounts.size_bytes) {
        memcpy(&line, people->accounts.bytes + account * sizeof line, sizeof line);
    }
    return line.zone;
}

static void never_warn(struct tg_people_reader *reader, const struct tg_csv_field *to)
{
    tg_diag_add(reader->diag, TG_DIAG_WARNING, tg_csv_mark(&reader->csv, to), NULL,
                "active_to is active_from: the subscription is never active");
}

/* Absent: 1. */
static uint32_t quantity_read(struct tg_people_reader *reader)
{
    const struct tg_csv_field field = tg_people_field(reader, S_QUANTITY);
    uint32_t quantity = field.text_bytes == 0 ? 1 : 0;
    for (size_t i = 0; i < field.text_bytes && quantity <= TG_ROSTER_QUANTITY_MAX; i++) {
        const uint32_t digit = (uint32_t)(uint8_t)field.text[i] - '0';
        quantity = digit <= 9 ? quantity * 10 + digit : UINT32_MAX;
    }
    if (quantity == 0 || quantity > TG_ROSTER_QUANTITY_MAX) {
        tg_people_refuse(reader, &field, "write a number from 1 to 4096",
                         "quantity: \"%s\" is no number of seats");
        return 1;
    }
    return quantity;
}

uint32_t tg_people_line(const struct tg_people *people, uint32_t index)
{
    const uint32_t *lines = (const uint32_t *)(const void *)people->lines.bytes;
    return index < people->lines.size_bytes / 4 ? lines[index] : 0;
}

/* The name of a line: its id, or when another line of the file has that, ID#2, ID#3 and so on. */
static struct tg_csv_field line_named(struct tg_people_reader *reader, char text[ID_BYTES_MAX + 5],
                                      uint32_t *first)
{
    const struct tg_people *people = reader->people;
    struct tg_csv_field id = tg_people_field(reader, S_ID);
    *first = tg_names_find(&people->subscriber_ids, id.text, id.text_bytes);
    if (*first == UINT32_MAX || tg_people_line(people, *first) == 0 ||
        id.text_bytes + AGAIN_BYTES > ID_BYTES_MAX) {
        *first = UINT32_MAX;
        return id;
    }
    for (uint32_t n = 2; n <= AGAIN_MAX; n++) {
        const int length =
            snprintf(text, ID_BYTES_MAX + 5, "%.*s#%u", (int)id.text_bytes, id.text, n);
        const uint32_t index = tg_names_find(&people->subscriber_ids, text, (size_t)length);
        if (index == UINT32_MAX || tg_people_line(people, index) == 0) {
            id.text = text;
            id.text_bytes = (uint32_t)length;
            return id;
        }
    }
    *first = UINT32_MAX;
    return id;
}

static void subscriber_take(struct tg_people_reader *reader)
{
    struct tg_people *people = reader->people;
    char name[ID_BYTES_MAX + 5];
    uint32_t first;
    const struct tg_csv_field id = line_named(reader, name, &first);
    const struct tg_csv_field account = tg_people_field(reader, S_ACCOUNT);
    const struct tg_csv_field product = tg_people_field(reader, S_PRODUCT);
    const struct tg_csv_field from = tg_people_field(reader, S_FROM);
    const struct tg_csv_field to = tg_people_field(reader, S_TO);
    const struct tg_csv_field user = tg_people_field(reader, S_USER);
    struct tg_roster_line out = {0};
    const uint32_t product_index =
        tg_people_entry(reader, TG_CATALOG_PRODUCT, &product, "there is no product \"%s\"");
    out.account = tg_people_account_find(reader, &account);
    out.product = (uint16_t)product_index;
    week_check(reader, &product, &out);
    const uint32_t zone = tg_people_account_zone(people, out.account);
    const bool has_from = tg_people_second(reader, &from, zone, 0, &out.active_from_s);
    const bool has_to = tg_people_second(reader, &to, zone, TG_ROSTER_OPEN_S, &out.active_to_s);
    out.flags = (uint16_t)((quantity_read(reader) - 1) << TG_ROSTER_QUANTITY_SHIFT);
    const bool is_never = has_from && has_to && out.active_from_s == out.active_to_s;
    if (has_from && has_to && out.active_from_s > out.active_to_s) {
        tg_people_refuse(reader, &to, NULL, "active_to \"%s\" is before active_from");
    }
    if (!id_check(reader, &id)) {
        return;
    }
    line_kept(reader, &id, &account, &product, &out);
    const uint32_t index = id_number(reader, &people->subscriber_ids, &people->subscribers,
                                     sizeof out, &people->lines, &id);
    if (index == UINT32_MAX) {
        return;
    }
    memcpy(people->subscribers.bytes + (size_t)index * sizeof out, &out, sizeof out);
    people->subscribers_listed_count++;
    if (first != UINT32_MAX) {
        const struct tg_people_again again = {first, index, id.line};
        (void)tg_blob_append(&people->again, &again, sizeof again, 4);
    }
    /* Ordered and cancelled: known by its id, but nobody's usage; its number is free. */
    if (is_never) {
        never_warn(reader, &to);
        return;
    }
    number_take(reader, index, tg_people_field(reader, S_MSISDN), TG_KEY_E164);
    number_take(reader, index, tg_people_field(reader, S_IMSI), TG_KEY_IMSI);
    ip_take(reader, index, tg_people_field(reader, S_IP));
    if (user.text_bytes != 0) {
        key_add(reader, index, TG_KEY_NAME, tg_key_name(user.text, user.text_bytes));
    }
}

static int keys_compare(const void *a, const void *b)
{
    const struct tg_roster_key *left = a;
    const struct tg_roster_key *right = b;
    if (left->kind != right->kind) {
        return left->kind < right->kind ? -1 : 1;
    }
    if (left->key != right->key) {
        return left->key < right->key ? -1 : 1;
    }
    return left->subscriber != right->subscriber ? (left->subscriber < right->subscriber ? -1 : 1)
                                                 : 0;
}

/* One key, two subscribers, one time: usage would go to either. */
static void shared_keys_refuse(struct tg_people_reader *reader)
{
    struct tg_people *people = reader->people;
    struct tg_roster_key *keys = (struct tg_roster_key *)(void *)people->keys.bytes;
    const size_t count = people->keys.size_bytes / sizeof *keys;
    const struct tg_roster_line *lines =
        (const struct tg_roster_line *)(const void *)people->subscribers.bytes;
    const uint32_t *csv_lines = (const uint32_t *)(const void *)people->lines.bytes;
    if (count > 1) {
        qsort(keys, count, sizeof *keys, keys_compare);
    }
    for (size_t i = 1; i < count; i++) {
        const struct tg_roster_key *key = &keys[i];
        for (size_t j = i; j > 0 && keys[j - 1].kind == key->kind && keys[j - 1].key == key->key;
             j--) {
            const uint32_t other = keys[j - 1].subscriber;
            const struct tg_roster_line *a = &lines[other];
            const struct tg_roster_line *b = &lines[key->subscriber];
            if (other == key->subscriber || a->active_from_s >= b->active_to_s ||
                b->active_from_s >= a->active_to_s) {
                continue;
            }
            const uint32_t first = csv_lines[other];
            const uint32_t second = csv_lines[key->subscriber];
            const struct tg_mark mark = {&reader->csv.source, first > second ? first : second, 1};
            tg_diag_add(reader->diag, TG_DIAG_ERROR, mark, "end the earlier one with active_to",
                        "the subscriber on line %u holds the same number, IMSI, address or user "
                        "name at that time",
                        first > second ? second : first);
            break;
        }
    }
}

/* Who is no longer listed keeps his number; his keys are not there any more. */
static void unlisted_mark(struct tg_blob *items, size_t item_bytes, size_t flags_offset,
                          const struct tg_blob *lines)
{
    const uint32_t *listed = (const uint32_t *)(const void *)lines->bytes;
    for (size_t i = 0; i < items->size_bytes / item_bytes; i++) {
        uint8_t *flags = items->bytes + i * item_bytes + flags_offset;
        const bool is_listed = i < lines->size_bytes / 4 && listed[i] != 0;
        *flags = (uint8_t)(is_listed ? *flags & ~TG_ROSTER_REMOVED : *flags | TG_ROSTER_REMOVED);
    }
}

bool tg_people_file_read(struct tg_people_reader *reader, const char *path,
                         const struct tg_csv_column *columns, uint32_t columns_count,
                         void (*take)(struct tg_people_reader *))
{
    if (access(path, F_OK) != 0) {
        return false;
    }
    enum tg_err err = tg_csv_open(&reader->csv, path, reader->diag);
    err = err == TG_OK
              ? tg_csv_header(&reader->csv, columns, columns_count, reader->index, reader->diag)
              : err;
    while (err != TG_E_NOT_FOUND && err != TG_E_IO && err != TG_E_NO_MEMORY &&
           reader->csv.columns_count > 0 && reader->index[0] >= 0) {
        err = tg_csv_next(&reader->csv, reader->diag);
        if (err == TG_OK) {
            take(reader);
        }
    }
    return true;
}

void tg_people_read(struct tg_people *people, const struct tg_folder *folder,
                    const struct tg_image *image, struct tg_diag *diag)
{
    char path[TG_FOLDER_PATH_BYTES];
    struct tg_people_reader reader = {.people = people, .image = image, .diag = diag};
    if (!tg_folder_join(folder, "accounts.csv", path)) {
        return;
    }
    if (access(path, F_OK) == 0) {
        people->terms.size_bytes = 0; /* the file is the whole truth about credit */
    }
    const bool has_accounts =
        tg_people_file_read(&reader, path, account_columns, A_COUNT, account_take);
    tg_csv_close(&reader.csv);
    if (has_accounts) {
        unlisted_mark(&people->accounts, sizeof(struct tg_roster_account),
                      offsetof(struct tg_roster_account, flags), &people->account_lines);
        tg_people_exempt_read(&reader, folder);
        tg_people_sort(people);
    }
    char subscribers_path[TG_FOLDER_PATH_BYTES];
    if (!tg_folder_join(folder, "subscribers.csv", subscribers_path)) {
        return;
    }
    if (access(subscribers_path, F_OK) == 0) {
        tg_people_chain_keep(people);
        people->again.size_bytes = 0;
        people->keys.size_bytes = 0; /* the file is the whole truth about keys */
    }
    const bool has_subscribers = tg_people_file_read(&reader, subscribers_path, subscriber_columns,
                                                     S_COUNT, subscriber_take);
    if (has_subscribers) {
        shared_keys_refuse(&reader);
        tg_people_chain_make(&reader);
        unlisted_mark(&people->subscribers, sizeof(struct tg_roster_line),
                      offsetof(struct tg_roster_line, flags), &people->lines);
    }
    tg_csv_close(&reader.csv);
    if (has_subscribers) {
        tg_people_pause_read(&reader, folder);
    }
    people->has_files = has_accounts || has_subscribers;
}

bool tg_people_is_broken(const struct tg_people *people)
{
    return people->account_ids.is_broken || people->subscriber_ids.is_broken ||
           people->titles.is_broken || people->accounts.is_broken ||
           people->account_titles.is_broken || people->subscribers.is_broken ||
           people->lines.is_broken || people->account_lines.is_broken || people->keys.is_broken ||
           people->terms.is_broken || people->again.is_broken || people->stretches.is_broken;
}

void tg_people_free(struct tg_people *people)
{
    tg_names_free(&people->account_ids);
    tg_names_free(&people->subscriber_ids);
    tg_names_free(&people->titles);
    tg_blob_free(&people->accounts);
    tg_blob_free(&people->account_titles);
    tg_blob_free(&people->subscribers);
    tg_blob_free(&people->lines);
    tg_blob_free(&people->account_lines);
    tg_blob_free(&people->keys);
    tg_blob_free(&people->terms);
    tg_blob_free(&people->again);
    tg_blob_free(&people->stretches);
}
