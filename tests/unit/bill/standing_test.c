/* SPDX-License-Identifier: Apache-2.0 */
/* Payments and reminders of issued bills, and what the fronts are told of them. */
#include "bill/standing.h"

#include "base/clock.h"
#include "base/money.h"
#include "bill/carry.h"
#include "bill/dunning.h"
#include "catalog/catalog.h"
#include "store/documents.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BILLS_COUNT 1500u

static struct {
    char dir[64];
    struct tg_db *state;
} w;

static int64_t at(const char *text)
{
    int64_t time_ns = 0;
    cr_assert_eq(tg_clock_parse(text, strlen(text), &time_ns), TG_OK);
    return time_ns;
}

static void world_open(void)
{
    (void)snprintf(w.dir, sizeof w.dir, "/tmp/tg_bill_stand_XXXXXX");
    cr_assert_not_null(mkdtemp(w.dir));
    cr_assert_eq(tg_state_open(w.dir, false, UINT64_C(64) << 20, &w.state, NULL), TG_OK);
    struct tg_txn txn;
    tg_txn_begin(&txn, w.state, true);
    for (unsigned i = 0; i < BILLS_COUNT; i++) {
        char id[32];
        char json[256];
        (void)snprintf(id, sizeof id, "B-2026-10-A%04u", i);
        const int length = snprintf(json, sizeof json,
                                    "{\"id\":\"%s\",\"number\":\"INV-2026-%08u\",\"account\":\"A%"
                                    "04u\",\"currency\":\"EUR\","
                                    "\"net\":\"10.00\",\"tax\":\"0.00\",\"total\":\"10.00\","
                                    "\"due\":\"2026-11-15T00:00:00Z\"}",
                                    id, i + 1, i);
        tg_documents_put(&txn, "billIssued", id, json, (size_t)length);
    }
    cr_assert_eq(tg_txn_commit(&txn, NULL), TG_OK);
}

static void world_close(void)
{
    char command[128];
    tg_db_close(w.state);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", w.dir);
    cr_assert_eq(system(command), 0);
}

static enum tg_err pay(const char *amount, const char *reference, struct tg_bill_standing *standing)
{
    const struct tg_bill_payment payment = {.size_bytes = sizeof payment,
                                            .bill = "B-2026-10-A0003",
                                            .amount = amount,
                                            .reference = reference,
                                            .date_ns = at("2026-11-16")};
    return tg_bill_pay(w.state, &payment, standing, NULL);
}

/* The outbox as the fronts read it. */
struct outbox {
    uint64_t count;
    uint64_t reminders_count;
    char last[1024];
    bool has_gap;
};

static bool entry_see(void *context, const struct tg_document *document)
{
    struct outbox *outbox = context;
    outbox->count++;
    outbox->has_gap |= strtoull(document->id, NULL, 10) != outbox->count;
    (void)snprintf(outbox->last, sizeof outbox->last, "%.*s", (int)document->json_bytes,
                   document->json);
    outbox->reminders_count += strstr(outbox->last, "CustomerBillDunningEvent") != NULL;
    return true;
}

static struct outbox outbox_read(void)
{
    struct outbox outbox = {.count = 0};
    struct tg_txn txn;
    tg_txn_begin(&txn, w.state, false);
    (void)tg_outbox_visit(&txn, 1, entry_see, &outbox);
    tg_txn_abort(&txn);
    return outbox;
}

/* Otherwise a payment that is sent twice counts twice, or the fronts never hear of it. */
Test(standing, a_reference_counts_once_and_is_told_once, .timeout = 60)
{
    struct tg_bill_standing standing;
    world_open();
    cr_assert_eq(pay("4.00", "r1", &standing), TG_OK);
    cr_expect_eq(standing.open, 600);
    cr_expect_eq(standing.state, TG_BILL_STANDING_PARTLY_PAID);
    cr_assert_eq(pay("4.00", "r1", &standing), TG_OK);
    cr_expect_eq(standing.open, 600);
    cr_expect_eq(pay("4.01", "r1", &standing), TG_E_EXISTS);
    cr_expect_eq(pay("0.00", "r2", &standing), TG_E_INVALID);
    cr_assert_eq(pay("7.00", "r2", &standing), TG_OK);
    cr_expect_eq(standing.open, -100);
    cr_expect_eq(standing.state, TG_BILL_STANDING_PAID);
    cr_assert_eq(pay("-11.00", "r3", &standing), TG_OK);
    cr_expect_eq(standing.open, 1000);
    cr_expect_eq(standing.state, TG_BILL_STANDING_ISSUED);
    const struct outbox outbox = outbox_read();
    cr_expect_eq(outbox.count, 3);
    cr_expect_not(outbox.has_gap);
    cr_expect_str_eq(outbox.last,
                     "{\"eventType\":\"CustomerBillStateChangeEvent\",\"eventTime\":"
                     "\"2026-11-16T00:00:00Z\",\"event\":{\"customerBill\":{\"id\":"
                     "\"B-2026-10-A0003\",\"billNo\":\"INV-2026-00000004\",\"state\":\"new\","
                     "\"x_state\":\"issued\",\"x_open\":\"10.00\"}}}");
    world_close();
}

static void reminder_count(void *context, const struct tg_bill_reminder *reminder)
{
    (*(uint64_t *)context)++;
    cr_expect_eq(reminder->standing->open, 1000);
}

static uint64_t remind(const struct tg_catalog_snapshot *catalog, const char *when)
{
    uint64_t count = 0;
    struct tg_why why = {.text = ""};
    cr_assert_eq(tg_bill_dunning_run(w.state, catalog, at(when), reminder_count, &count, &why),
                 TG_OK, "%s", why.text);
    return count;
}

/* Otherwise somebody is reminded twice, or one of many is forgotten: more bills than one
 * transaction takes. */
Test(standing, each_step_of_each_bill_is_told_once, .timeout = 60)
{
    static struct tg_image image = {
        .billing = {.payment_days_plus = 15, .dunning_count = 2, .dunning_days = {0, 7}}};
    static struct tg_catalog_snapshot catalog;
    struct tg_bill_standing standing;
    catalog.images_count = 1;
    catalog.images[0] = &image;
    catalog.valid_from_ns[0] = 0;
    world_open();
    cr_assert_eq(pay("10.00", "all", &standing), TG_OK);
    cr_expect_eq(remind(&catalog, "2026-11-14T23:59:59Z"), 0);
    cr_expect_eq(remind(&catalog, "2026-11-15"), BILLS_COUNT - 1);
    cr_expect_eq(remind(&catalog, "2026-11-15"), 0);
    cr_assert_eq(pay("-10.00", "back", &standing), TG_OK);
    cr_expect_eq(remind(&catalog, "2026-12-01"), BILLS_COUNT + 1);
    cr_expect_eq(remind(&catalog, "2027-12-01"), 0);
    const struct outbox outbox = outbox_read();
    cr_expect_eq(outbox.reminders_count, 2 * BILLS_COUNT);
    cr_expect_eq(outbox.count, 2 * BILLS_COUNT + 2);
    cr_expect_not(outbox.has_gap);
    cr_expect_str_eq(outbox.last,
                     "{\"eventType\":\"CustomerBillDunningEvent\",\"eventTime\":"
                     "\"2026-12-01T00:00:00Z\",\"event\":{\"customerBill\":{\"id\":"
                     "\"B-2026-10-A1499\",\"billNo\":\"INV-2026-00001500\"},\"account\":\"A1499\","
                     "\"step\":2,\"days\":7,\"dueDate\":\"2026-11-15T00:00:00Z\",\"currency\":"
                     "\"EUR\",\"open\":\"10.00\"}}");
    world_close();
}

static void credit_bill_put(struct tg_txn *txn, const char *id, const char *entity, const char *end,
                            const char *payable)
{
    char json[512];
    struct tg_bill_standing standing;
    const int length = snprintf(json, sizeof json,
                                "{\"id\":\"%s\",\"number\":\"%s\",\"account\":\"K\",\"periodEnd\":"
                                "\"%s\",\"currency\":\"EUR\",\"total\":\"%s\",\"entity\":\"%s\"}",
                                id, id, end, payable, entity);
    tg_documents_put(txn, "billIssued", id, json, (size_t)length);
    cr_assert_eq(tg_bill_standing_read(txn, id, &standing), TG_OK);
    tg_bill_carry_note(txn, id, &standing);
}

static int64_t open_of(const char *id)
{
    struct tg_bill_standing standing;
    struct tg_txn txn;
    tg_txn_begin(&txn, w.state, false);
    cr_assert_eq(tg_bill_standing_read(&txn, id, &standing), TG_OK);
    tg_txn_abort(&txn);
    return standing.open;
}

static enum tg_err credit_take(const struct tg_bill_carries *carries, struct tg_bill_carry_use use,
                               struct tg_why *why)
{
    struct tg_txn txn;
    tg_txn_begin(&txn, w.state, true);
    const enum tg_err err = tg_bill_carry_take(&txn, carries, &use, why);
    if (err != TG_OK) {
        tg_txn_abort(&txn);
        return err;
    }
    return tg_txn_commit(&txn, why);
}

/* Otherwise the youngest credit goes first, another seller's is taken, or money that was paid out
 * in the meantime is taken off a bill as well. */
Test(standing, credit_is_used_once_the_oldest_first, .timeout = 60)
{
    struct tg_bill_carries carries;
    struct tg_txn txn;
    struct tg_why why = {.text = ""};
    struct tg_bill_carry_use use = {.account = "K",
                                    .entity = "east",
                                    .number = "INV-9",
                                    .at_ns = at("2026-12-01"),
                                    .currency = 978};
    world_open();
    tg_txn_begin(&txn, w.state, true);
    credit_bill_put(&txn, "B-a", "east", "2026-12-01T00:00:00Z", "-2.00");
    credit_bill_put(&txn, "B-b", "east", "2026-11-01T00:00:00Z", "-3.00");
    credit_bill_put(&txn, "B-c", "west", "2026-10-01T00:00:00Z", "-7.00");
    cr_assert_eq(tg_txn_commit(&txn, NULL), TG_OK);
    cr_assert_eq(tg_bill_carries_load(w.state, &carries, &why), TG_OK, "%s", why.text);
    cr_expect_eq(tg_bill_carries_sum(&carries, &use), 500);
    use.amount = 350;
    cr_assert_eq(credit_take(&carries, use, &why), TG_OK, "%s", why.text);
    cr_expect_eq(open_of("B-b"), 0);
    cr_expect_eq(open_of("B-a"), -150);
    cr_expect_eq(open_of("B-c"), -700);
    use.number = "INV-10"; /* By what was loaded there are still 5.00. */
    use.amount = 151;
    cr_expect_eq(credit_take(&carries, use, &why), TG_E_INVALID);
    cr_expect(strstr(why.text, "account K has changed") != NULL, "%s", why.text);
    cr_expect_eq(open_of("B-a"), -150);
    tg_bill_carries_free(&carries);
    cr_assert_eq(tg_bill_carries_load(w.state, &carries, &why), TG_OK);
    cr_expect_eq(tg_bill_carries_sum(&carries, &use), 150);
    use.account = "L";
    cr_expect_eq(tg_bill_carries_sum(&carries, &use), 0);
    tg_bill_carries_free(&carries);
    world_close();
}
