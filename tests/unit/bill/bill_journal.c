/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a journal for bill_test.c; apart from it because ledger/scan.h and catalog/image.h both
 * name a TG_SECTION_TEXT. */
#include "ledger/journal.h"
#include "record/credit.h"

#include <criterion/criterion.h>
#include <stdio.h>

void bill_journal_write(const char *dir, const struct tg_usage *rows,
                        const struct tg_charge *charges, uint32_t count);

void bill_journal_write(const char *dir, const struct tg_usage *rows,
                        const struct tg_charge *charges, uint32_t count)
{
    const struct tg_journal_params params = {
        .size_bytes = sizeof params, .streams_count = 1, .dir = dir, .is_sparse = true};
    struct tg_journal *journal = NULL;
    cr_assert_eq(tg_journal_open(&params, &journal, NULL), TG_OK);
    uint64_t epoch = tg_journal_next_epoch(journal);
    uint32_t done = 0;
    while (done < count) {
        struct tg_block *block = tg_journal_begin(journal, 0);
        cr_assert_not_null(block);
        const uint32_t left = count - done < 3000 ? count - done : 3000;
        const uint32_t taken = tg_block_rows(block, rows + done, charges + done, left);
        cr_assert_eq(taken, left);
        done += taken;
        tg_journal_submit(journal, block, epoch++);
    }
    cr_assert_eq(tg_journal_close(journal), TG_OK);
}

void bill_journal_topup(const char *dir, const struct tg_credit_event *event);

void bill_journal_topup(const char *dir, const struct tg_credit_event *event)
{
    const struct tg_journal_params params = {
        .size_bytes = sizeof params, .streams_count = 1, .dir = dir, .is_sparse = true};
    struct tg_journal *journal = NULL;
    cr_assert_eq(tg_journal_open(&params, &journal, NULL), TG_OK);
    const uint64_t epoch = tg_journal_next_epoch(journal);
    struct tg_block *block = tg_journal_begin(journal, 0);
    char key[64];
    (void)snprintf(key, sizeof key, TG_CREDIT_NOTE "%u/%llu", event->account,
                   (unsigned long long)event->ordinal);
    cr_assert(tg_block_note(block, key, event, sizeof *event));
    tg_journal_submit(journal, block, epoch);
    cr_assert_eq(tg_journal_close(journal), TG_OK);
}
