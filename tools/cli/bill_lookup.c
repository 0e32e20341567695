/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bill_lookup.h"

#include "base/clock.h"
#include "bill/cycle.h"
#include "bill/shards.h"
#include "bill/standing.h"
#include "bill/voided.h"
#include "doc/json.h"
#include "store/documents.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint32_t tg_cli_account_find(const struct tg_catalog_snapshot *catalog, const char *id)
{
    char name[TG_NAME_BYTES_MAX];
    for (uint32_t a = 0; a < catalog->roster->accounts_count; a++) {
        (void)tg_roster_account_name(catalog->roster, a, name, sizeof name);
        if (strcmp(name, id) == 0) {
            return a;
        }
    }
    return TG_ACCOUNT_NONE;
}

uint32_t tg_cli_subscriber_find(const struct tg_catalog_snapshot *catalog, const char *id)
{
    char name[TG_NAME_BYTES_MAX];
    for (uint32_t s = 0; s < catalog->roster->subscribers_count; s++) {
        (void)tg_roster_subscriber_name(catalog->roster, s, name, sizeof name);
        if (strcmp(name, id) == 0) {
            return s;
        }
    }
    return TG_SUBSCRIBER_NONE;
}

int tg_cli_threads(const struct tg_verb *verb, const char *text, uint32_t *count)
{
    char *end = NULL;
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    const unsigned long wanted = text != NULL  ? strtoul(text, &end, 10)
                                 : online >= 1 ? (unsigned long)online
                                               : 1;
    if (text != NULL &&
        (end == text || *end != '\0' || wanted < 1 || wanted > TG_BILL_SHARDS_MAX)) {
        return tg_cli_usage(verb, "--threads wants 1..%u", TG_BILL_SHARDS_MAX);
    }
    *count = wanted < TG_BILL_SHARDS_MAX ? (uint32_t)wanted : TG_BILL_SHARDS_MAX;
    return TG_EXIT_OK;
}

int tg_cli_accounts_wanted(const struct tg_verb *verb, const struct tg_catalog_snapshot *catalog,
                           const char *id, uint8_t **wanted)
{
    *wanted = NULL;
    if (id == NULL) {
        return TG_EXIT_OK;
    }
    const uint32_t account = tg_cli_account_find(catalog, id);
    if (account == TG_ACCOUNT_NONE) {
        return tg_cli_problem(verb, "no account is called '%s'", id);
    }
    *wanted = calloc((size_t)catalog->roster->accounts_count + 1, 1);
    if (*wanted == NULL) {
        return tg_cli_problem(verb, "no memory");
    }
    (*wanted)[account] = 1;
    return TG_EXIT_OK;
}

/* Splits "B-2026-10-A1-0003" and "INV-2026-00000001:3" into the bill's name and a line from 0. */
static bool text_split(const char *text, char *name, size_t name_bytes, uint32_t *line)
{
    const char *colon = strrchr(text, ':');
    const char *mark = colon != NULL ? colon : strrchr(text, '-');
    if (mark == NULL || mark == text || (size_t)(mark - text) >= name_bytes) {
        return false;
    }
    char *end = NULL;
    const unsigned long number = strtoul(mark + 1, &end, 10);
    if (end == mark + 1 || *end != '\0' || mark[1] < '0' || mark[1] > '9' || number == 0 ||
        number > UINT32_MAX) {
        return false;
    }
    memcpy(name, text, (size_t)(mark - text));
    name[mark - text] = '\0';
    *line = (uint32_t)number - 1;
    return true;
}

/* A number leads to its bill; anything else is taken for a bill's id. */
static void number_resolve(struct tg_txn *txn, char *name, size_t name_bytes)
{
    struct tg_bytes bytes = {NULL, 0};
    struct tg_json *json = NULL;
    if (tg_documents_get(txn, "billNumber", name, &bytes) == TG_OK &&
        tg_json_parse(bytes.at, bytes.length_bytes, &json, NULL) == TG_OK) {
        (void)snprintf(name, name_bytes, "%s", tg_json_get_text(json, "bill", ""));
    }
    tg_json_free(json);
}

/* Reads the bill that `id` names; the number becomes the id. standing: written when it is issued;
 * may be NULL. */
static int bill_load(const struct tg_verb *verb, const char *data_dir, char *id, size_t id_bytes,
                     struct tg_json **bill, struct tg_bill_standing *standing, bool *is_issued)
{
    struct tg_why why = {.text = ""};
    struct tg_db *state = NULL;
    const enum tg_err opened = tg_state_open(data_dir, true, 0, &state, &why);
    if (opened == TG_E_NOT_FOUND) {
        return tg_cli_problem(verb, "no bill is called '%s': no bill run has stored any in %s", id,
                              data_dir);
    }
    if (opened != TG_OK) {
        return tg_cli_problem(verb, "%s", why.text);
    }
    struct tg_txn txn;
    tg_txn_begin(&txn, state, false);
    number_resolve(&txn, id, id_bytes);
    struct tg_bytes bytes = {NULL, 0};
    enum tg_err err = tg_documents_get(&txn, "customerBill", id, &bytes);
    *is_issued = err == TG_OK;
    if (err == TG_OK && standing != NULL) {
        err = tg_bill_standing_read(&txn, id, standing);
    } else if (err == TG_E_NOT_FOUND) {
        err = tg_documents_get(&txn, "billDraft", id, &bytes);
    }
    if (err == TG_OK) {
        err = tg_json_parse(bytes.at, bytes.length_bytes, bill, &why);
    }
    tg_txn_abort(&txn);
    tg_db_close(state);
    return err == TG_OK ? TG_EXIT_OK : tg_cli_problem(verb, "no bill is called '%s'", id);
}

int tg_cli_due_find(const struct tg_verb *verb, const char *data_dir, const char *text,
                    struct tg_cli_due *found)
{
    found->bill = NULL;
    (void)snprintf(found->bill_id, sizeof found->bill_id, "%s", text);
    return bill_load(verb, data_dir, found->bill_id, sizeof found->bill_id, &found->bill,
                     found->standing, &found->is_issued);
}

int tg_cli_line_find(const struct tg_verb *verb, const char *data_dir, const char *text,
                     struct tg_cli_line *found)
{
    *found = (struct tg_cli_line){.bill = NULL};
    if (!text_split(text, found->bill_id, sizeof found->bill_id, &found->index)) {
        return tg_cli_problem(verb,
                              "'%s' is no EPOCH:INDEX, record key (16 hexadecimal digits), "
                              "BILL:LINE, BILL:due or applied rate",
                              text);
    }
    bool is_issued = false;
    const int code = bill_load(verb, data_dir, found->bill_id, sizeof found->bill_id, &found->bill,
                               NULL, &is_issued);
    if (code != TG_EXIT_OK) {
        return code;
    }
    found->line = tg_json_at(tg_json_get(found->bill, "x_line"), found->index);
    if (found->line == NULL) {
        tg_json_free(found->bill);
        found->bill = NULL;
        return tg_cli_problem(verb, "bill %s has no line %u", found->bill_id, found->index + 1);
    }
    return TG_EXIT_OK;
}

static const char *exchange_of(const struct tg_json *line)
{
    const struct tg_json *exchange = tg_json_get(line, "x_exchange");
    return exchange != NULL ? tg_json_get_text(exchange, "rateId", "") : "";
}

static bool key_is_same(const struct tg_json *a, const struct tg_json *b)
{
    static const char *const keys[] = {"x_kind",  "x_subscription", "x_service", "x_zone",
                                       "x_price", "x_paidFrom",     "x_from",    "x_band"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(tg_json_get_text(a, keys[i], ""), tg_json_get_text(b, keys[i], "")) != 0) {
            return false;
        }
    }
    return strcmp(exchange_of(a), exchange_of(b)) == 0;
}

/* Versions that price alike share a line, which carries the last of them. */
static uint32_t version_before(const struct tg_cli_line *found)
{
    const struct tg_json *lines = tg_json_get(found->bill, "x_line");
    const int64_t own = tg_json_get_integer(found->line, "x_catalogVersion", 0);
    int64_t before = 0;
    for (size_t i = 0; i < tg_json_count(lines); i++) {
        const struct tg_json *other = tg_json_at(lines, i);
        const int64_t version = tg_json_get_integer(other, "x_catalogVersion", 0);
        if (i != found->index && key_is_same(other, found->line) && version < own &&
            version > before) {
            before = version;
        }
    }
    return (uint32_t)before;
}

/* The cycle whose run made the document: of an invoice its own, of a note on late usage the one its
 * id ends with (assemble_note.c); 0 when the period is no cycle, as nothing closes those. */
static uint32_t run_month(const struct tg_catalog_snapshot *catalog, uint32_t account,
                          const struct tg_cli_line *found)
{
    const struct tg_json *period = tg_json_get(found->bill, "billingPeriod");
    const char *from = tg_json_get_text(period, "startDateTime", "");
    const char *to = tg_json_get_text(period, "endDateTime", "");
    int64_t from_ns = 0;
    int64_t to_ns = 0;
    if (strcmp(tg_json_get_text(found->bill, "category", ""), "normal") != 0) {
        static const char key[] = TG_BILL_LATE_NOTE;
        const char *late = NULL;
        for (const char *at = found->bill_id; (at = strstr(at, key)) != NULL; at++) {
            late = at + sizeof key - 1; /* The last of them: accounts have any names. */
        }
        return late != NULL && tg_bill_period_parse(late, &from_ns, &to_ns) == TG_OK
                   ? tg_bill_period_number(from_ns, to_ns, 0)
                   : 0;
    }
    if (tg_clock_parse(from, strlen(from), &from_ns) != TG_OK ||
        tg_clock_parse(to, strlen(to), &to_ns) != TG_OK || from_ns >= to_ns) {
        return 0;
    }
    const struct tg_bill_cycle cycle = tg_bill_cycle_of(catalog, account);
    const uint32_t month = tg_bill_cycle_month(&cycle, to_ns - 1);
    const struct tg_bill_window window = tg_bill_cycle_bill(&cycle, month);
    return window.start_ns == from_ns && window.end_ns == to_ns ? month : 0;
}

/* Of a bill that tells no band its lines are of any. */
static const char *band_of(const struct tg_cli_line *found)
{
    const struct tg_json *lines = tg_json_get(found->bill, "x_line");
    const char *any = NULL;
    for (size_t i = 0; i < tg_json_count(lines) && any == NULL; i++) {
        any = tg_json_get_text(tg_json_at(lines, i), "x_band", NULL);
    }
    return any != NULL ? tg_json_get_text(found->line, "x_band", "") : NULL;
}

static uint8_t service_by_name(const char *name)
{
    static const char *const names[TG_SERVICE_COUNT] = {"none",  "data",   "voice",  "message",
                                                        "event", "access", "options"};
    for (uint8_t i = 0; i < TG_SERVICE_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return TG_SERVICE_NONE;
}

int tg_cli_line_ref(const struct tg_verb *verb, const struct tg_catalog_snapshot *catalog,
                    const struct tg_cli_line *found, struct tg_explain_ref *ref, uint32_t *account)
{
    const struct tg_json *period = tg_json_get(found->bill, "billingPeriod");
    const char *from =
        tg_json_get_text(found->line, "x_from", tg_json_get_text(period, "startDateTime", ""));
    const char *to =
        tg_json_get_text(found->line, "x_to", tg_json_get_text(period, "endDateTime", ""));
    const char *subscription = tg_json_get_text(found->line, "x_subscription", "");
    const char *kind = tg_json_get_text(found->line, "x_kind", "");
    *ref = (struct tg_explain_ref){
        .kind = TG_EXPLAIN_LINE,
        .is_adjustment = strcmp(kind, "adjustment") == 0,
        .is_late = strcmp(kind, "late_usage") == 0,
        .is_prepaid = tg_json_get(found->line, "x_paidFrom") != NULL,
        .service = service_by_name(tg_json_get_text(found->line, "x_service", "")),
        .subscriber = tg_cli_subscriber_find(catalog, subscription),
        .version_after = version_before(found),
        .version_to = (uint32_t)tg_json_get_integer(found->line, "x_catalogVersion", 0),
        .zone_id = tg_json_get_text(found->line, "x_zone", ""),
        .band_id = band_of(found),
        .price_id = tg_json_get_text(found->line, "x_price", ""),
        .exchange_id = exchange_of(found->line)};
    if (ref->subscriber == TG_SUBSCRIBER_NONE ||
        tg_clock_parse(from, strlen(from), &ref->from_ns) != TG_OK ||
        tg_clock_parse(to, strlen(to), &ref->to_ns) != TG_OK) {
        return tg_cli_problem(verb, "nobody is called '%s' any more", subscription);
    }
    *account = catalog->roster->lines[ref->subscriber].account;
    ref->month = run_month(catalog, *account, found);
    return TG_EXIT_OK;
}
