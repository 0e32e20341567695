/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/issue.h"

#include "abi/tariff.h"
#include "base/clock.h"
#include "store/documents.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ISSUED_NS (INT64_C(1793491200) * TG_NS_PER_S) /* 2026-11-01 */

static void dir_make(char dir[64])
{
    (void)snprintf(dir, 64, "/tmp/tg_bill_XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
}

static void dir_remove(const char *dir)
{
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
    cr_assert_eq(system(command), 0);
}

static struct tg_db *state_open(const char *dir)
{
    struct tg_db *state = NULL;
    struct tg_why why = {.text = ""};
    cr_assert_eq(tg_state_open(dir, false, UINT64_C(256) << 20, &state, &why), TG_OK, "%s",
                 why.text);
    return state;
}

/* A computed invoice of one account; cents tell invoices apart. */
static struct tg_bill_invoice invoice_of(unsigned account, int64_t cents)
{
    static struct tg_bill_line line;
    static char account_id[32];
    static __int128 exact;
    static int64_t weight;
    static int64_t part;
    static uint32_t row;
    static struct tg_bill_fraction fraction;
    const struct tg_bill_scratch scratch = {1, 0, &exact, &weight, &part, &row, &fraction};
    (void)snprintf(account_id, sizeof account_id, "A-%06u", account);
    line = (struct tg_bill_line){.subscriber_id = "S",
                                 .product_id = "P",
                                 .zone_id = "",
                                 .price_id = "",
                                 .unit_id = "",
                                 .amount_exact = (__int128)cents * 1000000,
                                 .covered = 1,
                                 .covered_total = 1};
    struct tg_bill_invoice invoice = {.account_id = account_id,
                                      .account_name = "",
                                      .currency = tg_currency_by_code("EUR"),
                                      .period_start_ns = ISSUED_NS - 31 * TG_NS_PER_DAY,
                                      .period_end_ns = ISSUED_NS,
                                      .issued_ns = ISSUED_NS,
                                      .lines = &line,
                                      .lines_count = 1};
    (void)snprintf(invoice.id, sizeof invoice.id, "B-2026-10-%s", account_id);
    (void)tg_bill_invoice_tax(&invoice, "vat", 190000, TG_ROUND_HALF_UP);
    cr_assert_eq(tg_bill_invoice_compute(&invoice, &scratch, NULL), TG_OK);
    return invoice;
}

static struct tg_bill_issuer *issuer_open(struct tg_db *state)
{
    const struct tg_bill_issue_params params = {.size_bytes = sizeof params};
    struct tg_bill_issuer *issuer = NULL;
    cr_assert_eq(tg_bill_issuer_open(state, &params, &issuer, NULL), TG_OK);
    return issuer;
}

struct numbers {
    uint8_t *seen; /* Shape [count + 1]. */
    uint64_t count;
    uint64_t found;
    bool is_wrong;
};

static bool number_see(void *context, const struct tg_document *document)
{
    struct numbers *numbers = context;
    unsigned long long ordinal = 0;
    if (sscanf(document->id, "INV-2026-%llu", &ordinal) != 1 || ordinal < 1 ||
        ordinal > numbers->count || numbers->seen[ordinal]++ != 0) {
        numbers->is_wrong = true;
    }
    numbers->found++;
    return true;
}

static bool document_count(void *context, const struct tg_document *document)
{
    (void)document;
    (*(uint64_t *)context)++;
    return true;
}

static uint64_t collection_count(struct tg_txn *txn, const char *collection)
{
    uint64_t count = 0;
    cr_assert_eq(tg_documents_visit(txn, collection, NULL, document_count, &count, NULL), TG_OK);
    return count;
}

/* Numbers 1..n each once, and as many bills, records, rates and announcements as numbers. */
static uint64_t books_check(struct tg_db *state)
{
    struct tg_txn txn;
    tg_txn_begin(&txn, state, false);
    const uint64_t count = collection_count(&txn, "billNumber");
    uint8_t *seen = calloc(count + 1, 1);
    struct numbers numbers = {.seen = seen, .count = count};
    cr_assert_eq(tg_documents_visit(&txn, "billNumber", NULL, number_see, &numbers, NULL), TG_OK);
    cr_assert_not(numbers.is_wrong, "a gap or a double among %llu", (unsigned long long)count);
    cr_assert_eq(tg_counter_last(&txn, "bill|default|INV|2026"), count);
    static const char *const collections[] = {"customerBill", "billIssued", "appliedRate",
                                              "outbox"};
    for (size_t i = 0; i < sizeof collections / sizeof collections[0]; i++) {
        cr_assert_eq(collection_count(&txn, collections[i]), count, "%s", collections[i]);
    }
    tg_txn_abort(&txn);
    free(seen);
    return count;
}

static void issue_all(struct tg_db *state, unsigned accounts, unsigned batch)
{
    struct tg_bill_issuer *issuer = issuer_open(state);
    for (unsigned account = 0; account < accounts; account++) {
        struct tg_bill_invoice invoice = invoice_of(account, 100 + account);
        enum tg_bill_outcome outcome;
        cr_assert_eq(tg_bill_issuer_put(issuer, &invoice, true, &outcome, NULL), TG_OK);
        if ((account + 1) % batch == 0) {
            cr_assert_eq(tg_bill_issuer_commit(issuer, NULL), TG_OK);
        }
    }
    cr_assert_eq(tg_bill_issuer_commit(issuer, NULL), TG_OK);
    tg_bill_issuer_close(issuer);
}

/* Otherwise the tax office finds a hole in the numbers, or two invoices with one: a crash at any
 * moment of issuing must leave whole batches only, and the next run must go on after them. */
Test(issue, numbers_stay_gapless_when_the_process_is_killed, .timeout = 600)
{
    const unsigned accounts = 3000;
    char dir[64];
    dir_make(dir);
    tg_db_close(state_open(dir));
    unsigned seed = 20261123;
    unsigned killed = 0;
    uint64_t before = 0;
    for (unsigned round = 0; round < 25; round++) {
        const pid_t child = fork();
        cr_assert_geq(child, 0);
        if (child == 0) {
            issue_all(state_open(dir), accounts, 1 + round % 3);
            _exit(0);
        }
        seed = seed * 1103515245u + 12345u;
        const struct timespec pause = {0, (long)(1 + seed / 65536u % 25) * 1000000L};
        (void)nanosleep(&pause, NULL);
        (void)kill(child, SIGKILL);
        int status = 0;
        cr_assert_eq(waitpid(child, &status, 0), child);
        killed += WIFSIGNALED(status) != 0;
        struct tg_db *state = state_open(dir);
        const uint64_t count = books_check(state);
        cr_assert_geq(count, before, "an issued invoice is gone");
        before = count;
        tg_db_close(state);
    }
    struct tg_db *state = state_open(dir);
    issue_all(state, accounts, 50);
    cr_expect_eq(books_check(state), accounts);
    cr_expect_gt(killed, 3, "too few kills hit a running child: the test proved nothing");
    (void)fprintf(stderr,
                  "issue: %u of 25 children killed at work, last state before: %llu of %u\n",
                  killed, (unsigned long long)before, accounts);
    tg_db_close(state);
    dir_remove(dir);
}

/* Who counts by himself: legal entity, series and year of the bill's date. */
static const struct {
    const char *entity;
    const char *series;
    int year;
    const char *prefix; /* Of its numbers in billNumber. */
} counted[] = {{"default", "INV", 2026, "INV-2026-"},
               {"default", "INV", 2027, "INV-2027-"},
               {"default", "B2B", 2026, "B2B-2026-"},
               {"acme", "INV", 2026, "acme/INV-2026-"},
               {"acme", "INV", 2027, "acme/INV-2027-"}};
#define COUNTED (sizeof counted / sizeof counted[0])

static void series_issue(struct tg_db *state, size_t which, unsigned accounts)
{
    const struct tg_bill_issue_params params = {.size_bytes = sizeof params,
                                                .legal_entity = counted[which].entity,
                                                .series = counted[which].series};
    struct tg_bill_issuer *issuer = NULL;
    cr_assert_eq(tg_bill_issuer_open(state, &params, &issuer, NULL), TG_OK);
    for (unsigned i = 0; i < accounts; i++) {
        struct tg_bill_invoice invoice = invoice_of((unsigned)which * accounts + i, 100 + i);
        enum tg_bill_outcome outcome;
        invoice.issued_ns += (counted[which].year - 2026) * 365 * TG_NS_PER_DAY;
        cr_assert_eq(tg_bill_issuer_put(issuer, &invoice, true, &outcome, NULL), TG_OK);
        if (i % 3 == 2) {
            cr_assert_eq(tg_bill_issuer_commit(issuer, NULL), TG_OK);
        }
    }
    cr_assert_eq(tg_bill_issuer_commit(issuer, NULL), TG_OK);
    tg_bill_issuer_close(issuer);
}

struct series {
    const char *prefix;
    uint64_t next; /* Numbers are of eight digits: the order of ids is theirs. */
    bool has_gap;
};

static bool series_see(void *context, const struct tg_document *document)
{
    struct series *series = context;
    if (strncmp(document->id, series->prefix, strlen(series->prefix)) == 0) {
        series->has_gap |=
            strtoull(document->id + strlen(series->prefix), NULL, 10) != series->next++;
    }
    return true;
}

/* All numbers of all that count, none twice and none left out. */
static uint64_t series_check(struct tg_db *state)
{
    struct tg_txn txn;
    uint64_t total = 0;
    tg_txn_begin(&txn, state, false);
    for (size_t i = 0; i < COUNTED; i++) {
        struct series series = {.prefix = counted[i].prefix, .next = 1};
        char counter[64];
        cr_assert_eq(tg_documents_visit(&txn, "billNumber", NULL, series_see, &series, NULL),
                     TG_OK);
        cr_assert_not(series.has_gap, "%s has a gap", series.prefix);
        (void)snprintf(counter, sizeof counter, "bill|%s|%s|%d", counted[i].entity,
                       counted[i].series, counted[i].year);
        cr_assert_eq(tg_counter_last(&txn, counter), series.next - 1, "%s", counter);
        total += series.next - 1;
    }
    cr_assert_eq(collection_count(&txn, "billNumber"), total);
    cr_assert_eq(collection_count(&txn, "customerBill"), total);
    cr_assert_eq(collection_count(&txn, "billIssued"), total);
    tg_txn_abort(&txn);
    return total;
}

/* Otherwise two companies that share an engine take each other's numbers, or a year begins with
 * anything but 1; a crash between them must not change that. */
Test(issue, each_entity_series_and_year_is_gapless_when_killed, .timeout = 120)
{
    const unsigned accounts = 400;
    char dir[64];
    dir_make(dir);
    tg_db_close(state_open(dir));
    unsigned seed = 20261126;
    unsigned killed = 0;
    for (unsigned round = 0; round < 20; round++) {
        const pid_t child = fork();
        cr_assert_geq(child, 0);
        if (child == 0) {
            struct tg_db *state = state_open(dir);
            for (size_t i = 0; i < COUNTED; i++) {
                series_issue(state, (i + round) % COUNTED, accounts);
            }
            _exit(0);
        }
        seed = seed * 1103515245u + 12345u;
        const struct timespec pause = {0, (long)(1 + seed / 65536u % 25) * 1000000L};
        (void)nanosleep(&pause, NULL);
        (void)kill(child, SIGKILL);
        int status = 0;
        cr_assert_eq(waitpid(child, &status, 0), child);
        killed += WIFSIGNALED(status) != 0;
        struct tg_db *state = state_open(dir);
        (void)series_check(state);
        tg_db_close(state);
    }
    struct tg_db *state = state_open(dir);
    for (size_t i = 0; i < COUNTED; i++) {
        series_issue(state, i, accounts);
    }
    cr_expect_eq(series_check(state), COUNTED * accounts);
    cr_expect_gt(killed, 3, "too few kills hit a running child: the test proved nothing");
    tg_db_close(state);
    dir_remove(dir);
}

static void document_read(struct tg_db *state, const char *collection, const char *id, char *text,
                          size_t text_bytes)
{
    struct tg_txn txn;
    struct tg_bytes json;
    tg_txn_begin(&txn, state, false);
    cr_assert_eq(tg_documents_get(&txn, collection, id, &json), TG_OK, "%s/%s", collection, id);
    cr_assert_lt(json.length_bytes, text_bytes);
    memcpy(text, json.at, json.length_bytes);
    text[json.length_bytes] = '\0';
    tg_txn_abort(&txn);
}

/* Otherwise a second run, or late usage, rewrites an invoice that the customer already holds. */
Test(issue, an_issued_invoice_never_changes)
{
    char dir[64];
    dir_make(dir);
    struct tg_db *state = state_open(dir);
    struct tg_bill_issuer *issuer = issuer_open(state);
    static char first[65536];
    static char again[65536];
    enum tg_bill_outcome outcome;
    struct tg_bill_invoice invoice = invoice_of(1, 500);
    cr_assert_eq(tg_bill_issuer_put(issuer, &invoice, false, &outcome, NULL), TG_OK);
    cr_expect_eq(outcome, TG_BILL_OUTCOME_DRAFTED);
    cr_expect_str_empty(invoice.number);
    cr_assert_eq(tg_bill_issuer_put(issuer, &invoice, true, &outcome, NULL), TG_OK);
    cr_expect_eq(outcome, TG_BILL_OUTCOME_ISSUED);
    cr_expect_str_eq(invoice.number, "INV-2026-00000001");
    cr_assert_eq(tg_bill_issuer_commit(issuer, NULL), TG_OK);
    document_read(state, "customerBill", invoice.id, first, sizeof first);

    struct tg_bill_invoice same = invoice_of(1, 500);
    cr_assert_eq(tg_bill_issuer_put(issuer, &same, true, &outcome, NULL), TG_OK);
    cr_expect_eq(outcome, TG_BILL_OUTCOME_KEPT);
    cr_expect_str_eq(same.number, "INV-2026-00000001");
    struct tg_bill_invoice other = invoice_of(1, 501);
    cr_assert_eq(tg_bill_issuer_put(issuer, &other, true, &outcome, NULL), TG_OK);
    cr_expect_eq(outcome, TG_BILL_OUTCOME_DIFFERS);
    cr_assert_eq(tg_bill_issuer_put(issuer, &other, false, &outcome, NULL), TG_OK);
    cr_expect_eq(outcome, TG_BILL_OUTCOME_DIFFERS);
    cr_assert_eq(tg_bill_issuer_commit(issuer, NULL), TG_OK);
    document_read(state, "customerBill", invoice.id, again, sizeof again);
    cr_expect_str_eq(first, again);
    struct tg_txn txn;
    tg_txn_begin(&txn, state, false);
    cr_expect_eq(collection_count(&txn, "billDraft"), 0);
    tg_txn_abort(&txn);
    cr_expect_eq(books_check(state), 1);
    tg_bill_issuer_close(issuer);
    tg_db_close(state);
    dir_remove(dir);
}

/* Otherwise a number is spent on an invoice that was never stored. */
Test(issue, a_batch_that_is_not_committed_spends_no_number)
{
    char dir[64];
    dir_make(dir);
    struct tg_db *state = state_open(dir);
    struct tg_bill_issuer *issuer = issuer_open(state);
    struct tg_bill_invoice invoice = invoice_of(1, 500);
    enum tg_bill_outcome outcome;
    cr_assert_eq(tg_bill_issuer_put(issuer, &invoice, true, &outcome, NULL), TG_OK);
    tg_bill_issuer_close(issuer);
    cr_expect_eq(books_check(state), 0);
    const struct tg_bill_issue_params bad = {.size_bytes = sizeof bad, .series = "a/b"};
    cr_expect_eq(tg_bill_issuer_open(state, &bad, &issuer, NULL), TG_E_INVALID);
    issue_all(state, 3, 1);
    cr_expect_eq(books_check(state), 3);
    tg_db_close(state);
    dir_remove(dir);
}
