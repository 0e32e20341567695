/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/audit.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "journal_help.h"

#define EVENTS 8u

/* Made, raised and committed; made and released; made and expired; topped up; made and open. */
static void events_make(struct tg_credit_event events[EVENTS + 1])
{
    const struct tg_credit_event list[] = {
        {.id = "t", .kind = TG_CREDIT_TOPUP, .amount = 1000},
        {.id = "a", .kind = TG_CREDIT_OPEN, .amount = 100},
        {.id = "b", .kind = TG_CREDIT_OPEN, .amount = 30},
        {.id = "b", .kind = TG_CREDIT_VOID, .held = 30},
        {.id = "a", .kind = TG_CREDIT_HOLD, .amount = 120, .held = 100},
        {.id = "a", .kind = TG_CREDIT_POST, .amount = 70, .held = 120, .record_key = 7},
        {.id = "a", .number = 1, .kind = TG_CREDIT_OPEN, .amount = 40},
        {.id = "a", .number = 1, .kind = TG_CREDIT_EXPIRE, .held = 40},
        {.id = "c", .kind = TG_CREDIT_OPEN, .amount = 5},
    };
    for (uint32_t i = 0; i <= EVENTS; i++) {
        events[i] = list[i];
        events[i].account = 3;
        events[i].ordinal = i + 1;
        events[i].currency = 978;
    }
}

static enum tg_err audit_of(const struct tg_credit_event *events, uint32_t count,
                            const struct tg_charge *charge, struct tg_audit *audit)
{
    char dir[256];
    struct tg_journal *journal = NULL;
    help_dir_make(dir);
    const struct tg_journal_params params = {.size_bytes = sizeof params,
                                             .streams_count = 1,
                                             .dir = dir,
                                             .is_lazy = true,
                                             .is_inline = true};
    cr_assert_eq(tg_journal_open(&params, &journal, NULL), TG_OK);
    struct tg_block *block = tg_journal_begin(journal, 0);
    for (uint32_t i = 0; i < count; i++) {
        char key[48];
        (void)snprintf(key, sizeof key, TG_CREDIT_NOTE "%u/%u", events[i].account, i);
        cr_assert(tg_block_note(block, key, &events[i], sizeof events[i]));
    }
    if (charge != NULL) {
        const struct tg_usage row = {.source_id = TG_CREDIT_SOURCE_ID,
                                     .record_key = 7,
                                     .service = TG_SERVICE_MESSAGE,
                                     .quantity_up = 1};
        const struct tg_journal_source source = {
            .in_records = 1, .in_units = 1, .source_id = TG_CREDIT_SOURCE_ID};
        cr_assert_eq(tg_block_rows(block, &row, charge, 1), 1);
        cr_assert(tg_block_source(block, &source));
    }
    tg_journal_submit(journal, block, 1);
    const enum tg_err err = tg_audit_run(dir, 1, audit, NULL);
    (void)tg_journal_close(journal);
    help_dir_remove(dir);
    return err;
}

static const struct tg_charge posted = {
    .fate = TG_FATE_RATED, .amount = 70, .flags = TG_CHARGE_PREPAID};

/* If this fails the audit's figures are not what happened to the money. */
Test(audit_credit, what_was_held_is_the_sum_of_how_it_ended)
{
    struct tg_credit_event events[EVENTS + 1];
    struct tg_audit audit;
    events_make(events);
    cr_assert_eq(audit_of(events, EVENTS + 1, &posted, &audit), TG_OK);
    cr_expect(audit.credit.is_balanced);
    cr_expect_eq(audit.credit.made_count, 4);
    cr_expect_eq(audit.credit.reserved, 195);
    cr_expect_eq(audit.credit.taken, 70);
    cr_expect_eq(audit.credit.returned, 50);
    cr_expect_eq(audit.credit.released, 30);
    cr_expect_eq(audit.credit.expired, 40);
    cr_expect_eq(audit.credit.open, 5);
    cr_expect_eq(audit.credit.topups - audit.credit.debited, 930);
    tg_audit_free(&audit);
}

/* If this fails a journal that lost or doubled a piece of somebody's money is called balanced. */
Test(audit_credit, whatever_is_lost_or_doubled_shows)
{
    struct tg_credit_event events[EVENTS + 2];
    struct tg_audit audit;
    for (uint32_t lost = 0; lost < EVENTS; lost++) {
        events_make(events);
        memmove(&events[lost], &events[lost + 1], (EVENTS - lost) * sizeof *events);
        cr_expect_eq(audit_of(events, EVENTS, &posted, &audit), TG_E_UNBALANCED, "event %u lost",
                     lost);
        tg_audit_free(&audit);
        for (uint32_t i = 0; i < EVENTS; i++) {
            events[i].ordinal = i + 1; /* as if it had never been: then its like must miss it */
        }
        const bool matters = lost != 0; /* without a top-up all else still agrees */
        cr_expect_eq(audit_of(events, EVENTS, &posted, &audit),
                     matters && lost != 3 && lost != 7 ? TG_E_UNBALANCED : TG_OK,
                     "event %u never was", lost);
        tg_audit_free(&audit);
    }
    events_make(events);
    events[EVENTS + 1] = events[5]; /* committed twice */
    events[EVENTS + 1].ordinal = EVENTS + 2;
    cr_expect_eq(audit_of(events, EVENTS + 2, &posted, &audit), TG_E_UNBALANCED);
    tg_audit_free(&audit);
    cr_expect_eq(audit_of(events, EVENTS + 1, NULL, &audit), TG_E_UNBALANCED, "its row is lost");
    tg_audit_free(&audit);
    struct tg_charge other = posted;
    other.amount = 71;
    cr_expect_eq(audit_of(events, EVENTS + 1, &other, &audit), TG_E_UNBALANCED);
    tg_audit_free(&audit);
}
