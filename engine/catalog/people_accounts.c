/* SPDX-License-Identifier: Apache-2.0 */
/* accounts.csv: who pays, in which currency, by which cycle, and on which terms. */
#include "catalog/exchange.h"
#include "catalog/people_reader.h"

#include "base/money.h"
#include "doc/csv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODE_BYTES     4u     /* "-USD" */
#define NEAR_NAMES_MAX 20000u /* did-you-mean over more would take longer than a person waits */

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
    A_BILL_COUNT,
    A_CYCLE_FROM,
    A_COUNT
};
_Static_assert((int)A_COUNT <= (int)TG_PEOPLE_COLUMNS_MAX, "room");

static const struct tg_csv_column account_columns[A_COUNT] = {{"id", true},
                                                              {"name", false},
                                                              {"currency", false},
                                                              {"cycle_day", false},
                                                              {"tax", false},
                                                              {"prepaid", false},
                                                              {"credit_limit", false},
                                                              {"credit_alerts", false},
                                                              {"zone", false},
                                                              {"cash_rounding", false},
                                                              {"legal_entity", false},
                                                              {"bill_period", false},
                                                              {"bill_period_count", false},
                                                              {"cycle_from", false}};

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

static void account_take(struct tg_people_reader *reader)
{
    struct tg_people *people = reader->people;
    const struct tg_csv_field id = tg_people_field(reader, A_ID);
    const struct tg_csv_field name = tg_people_field(reader, A_NAME);
    const struct tg_csv_field currency = tg_people_field(reader, A_CURRENCY);
    const struct tg_csv_field tax = tg_people_field(reader, A_TAX);
    struct tg_roster_account out = {
        .currency = reader->image->currency, .tax = TG_TAX_NONE, .cycle_day = 1};
    if (currency.text_bytes != 0) {
        account_currency(reader, &currency, &out.currency);
    }
    const struct tg_csv_field zone = tg_people_field(reader, A_ZONE);
    if (zone.text_bytes != 0) {
        const uint32_t index = tg_people_entry(reader, TG_CATALOG_ACCOUNT_ZONE, &zone,
                                               "there is no zone \"%s\" in account_zones");
        out.zone = index != UINT32_MAX ? (uint16_t)index : 0;
    }
    out.flags = (uint8_t)switch_read(reader, A_CASH, TG_ROSTER_CASH, TG_ROSTER_NO_CASH,
                                     "cash_rounding: \"%s\" is not true or false");
    const struct tg_people_bills bills = {.period = tg_people_field(reader, A_BILL_PERIOD),
                                          .count = tg_people_field(reader, A_BILL_COUNT),
                                          .from = tg_people_field(reader, A_CYCLE_FROM),
                                          .day = tg_people_field(reader, A_CYCLE_DAY)};
    tg_people_bills_read(reader, &bills, &out);
    if (tax.text_bytes != 0) {
        const uint32_t index =
            tg_people_entry(reader, TG_CATALOG_TAX, &tax, "there is no tax \"%s\"");
        out.tax = index != UINT32_MAX ? (uint16_t)index : TG_TAX_NONE;
    }
    if (!tg_people_id_check(reader, &id)) {
        return;
    }
    const uint32_t index = tg_people_id_number(reader, &people->account_ids, &people->accounts,
                                               sizeof out, &people->account_lines, &id);
    if (index == UINT32_MAX) {
        return;
    }
    struct tg_roster_account before;
    memcpy(&before, people->accounts.bytes + index * sizeof out, sizeof before);
    tg_people_bills_keep(reader, &bills, &before, &out);
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

uint32_t tg_people_account_find(struct tg_people_reader *reader, const struct tg_csv_field *field)
{
    const struct tg_names *ids = &reader->people->account_ids;
    const uint32_t index = tg_names_find(ids, field->text, field->text_bytes);
    const uint32_t *lines = (const uint32_t *)(const void *)reader->people->account_lines.bytes;
    if (index != UINT32_MAX && index < reader->people->account_lines.size_bytes / 4 &&
        lines[index] != 0) {
        return index;
    }
    if (reader->has_lost_accounts) {
        return UINT32_MAX;
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

uint32_t tg_people_account_zone(const struct tg_people *people, uint32_t account)
{
    struct tg_roster_account line = {0};
    if (account != UINT32_MAX &&
        ((size_t)account + 1) * sizeof line <= people->accounts.size_bytes) {
        memcpy(&line, people->accounts.bytes + account * sizeof line, sizeof line);
    }
    return line.zone;
}

static uint16_t account_currency_of(const struct tg_people *people, uint32_t account)
{
    struct tg_roster_account line;
    memcpy(&line, people->accounts.bytes + account * sizeof line, sizeof line);
    return line.currency;
}

/* A bill in another currency is called as the account's own with the code behind, and the second of
 * two bills of one name would never be issued. */
static void twins_refuse(struct tg_people_reader *reader)
{
    const struct tg_people *people = reader->people;
    const uint32_t *lines = (const uint32_t *)(const void *)people->account_lines.bytes;
    const uint32_t count = (uint32_t)(people->account_lines.size_bytes / sizeof *lines);
    for (uint32_t i = 0; i < count && !people->account_lines.is_broken; i++) {
        const char *id = lines[i] != 0 ? tg_names_text(&people->account_ids, i) : "";
        const size_t bytes = strlen(id);
        const struct tg_currency *currency = bytes > CODE_BYTES && id[bytes - CODE_BYTES] == '-'
                                                 ? tg_currency_by_code(id + bytes - CODE_BYTES + 1)
                                                 : NULL;
        if (currency == NULL) {
            continue;
        }
        const uint32_t twin =
            tg_names_find(&people->account_ids, id, (uint32_t)(bytes - CODE_BYTES));
        if (twin < count && lines[twin] != 0 &&
            account_currency_of(people, twin) != currency->numeric) {
            const struct tg_mark mark = {&reader->csv.source, lines[i], 1};
            tg_diag_add(
                reader->diag, TG_DIAG_ERROR, mark, "choose another id",
                "id: bills of \"%s\" are called as those of account \"%s\" in that currency", id,
                tg_names_text(&people->account_ids, twin));
        }
    }
}

bool tg_people_accounts_read(struct tg_people_reader *reader, const struct tg_folder *folder)
{
    struct tg_people *people = reader->people;
    char path[TG_FOLDER_PATH_BYTES];
    if (!tg_folder_join(folder, "accounts.csv", path)) {
        return false;
    }
    if (access(path, F_OK) == 0) {
        people->terms.size_bytes = 0; /* the file is the whole truth about credit */
    }
    const bool has_file = tg_people_file_read(reader, path, account_columns, A_COUNT, account_take);
    if (has_file) {
        twins_refuse(reader);
    }
    tg_csv_close(&reader->csv);
    if (has_file) {
        tg_people_unlisted_mark(&people->accounts, sizeof(struct tg_roster_account),
                                offsetof(struct tg_roster_account, flags), &people->account_lines);
    }
    return has_file;
}
