/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/audit.h"

#include <criterion/criterion.h>

#include "base/clock.h"
#include "base/error.h"
#include "journal_help.h"

static struct tg_journal *audit_journal(const char *dir)
{
    const struct tg_journal_params params = {.size_bytes = sizeof params,
                                             .streams_count = 1,
                                             .dir = dir,
                                             .is_lazy = true,
                                             .is_inline = true};
    struct tg_journal *journal = NULL;
    cr_assert_eq(tg_journal_open(&params, &journal, NULL), TG_OK);
    return journal;
}

/* One row of each fate from source 3, 10 units each; two refusals and one parked piece. */
static void block_fill(struct tg_block *block, int64_t missing_rows)
{
    for (uint8_t fate = TG_FATE_RATED; fate < TG_FATE_COUNT; fate++) {
        const struct tg_usage row = {.source_id = 3,
                                     .record_key = 700u + fate,
                                     .service = TG_SERVICE_DATA,
                                     .quantity_up = 4,
                                     .quantity_down = 6};
        const struct tg_charge charge = {.fate = fate};
        cr_assert_eq(tg_block_rows(block, &row, &charge, 1), 1);
    }
    const uint8_t bytes[4] = {1, 2, 3, 4};
    for (uint64_t key = 0; key < 3; key++) {
        const struct tg_journal_refusal refusal = {.bytes = bytes,
                                                   .length_bytes = 4,
                                                   .record_key = 900 + key,
                                                   .source_id = 3,
                                                   .reason = key == 2 ? TG_E_PARKED : TG_E_LENGTH,
                                                   .fate =
                                                       key == 2 ? TG_FATE_HELD : TG_FATE_SUSPENDED};
        cr_assert(tg_block_refusal(block, &refusal));
    }
    const struct tg_journal_source source = {.source_key = 33,
                                             .in_records = (uint64_t)(6 + missing_rows),
                                             .in_units = 60,
                                             .refused_records = 3,
                                             .messages_count = 2,
                                             .source_id = 3};
    cr_assert(tg_block_source(block, &source));
    tg_block_time(block, INT64_C(1790000000) * TG_NS_PER_S);
}

Test(audit, every_fate_is_counted_once_and_balances)
{
    /* If this failed, `tollgate audit` could call a leaking engine balanced, or a sound one not. */
    char dir[256];
    struct tg_audit audit;
    struct tg_why why = {.text = ""};
    help_dir_make(dir);
    struct tg_journal *journal = audit_journal(dir);
    struct tg_block *block = tg_journal_begin(journal, 0);
    block_fill(block, 0);
    tg_journal_submit(journal, block, 1);
    cr_assert_eq(tg_audit_run(dir, 1, &audit, &why), TG_OK, "%s", why.text);
    cr_expect_eq(audit.total.in_rows, 9);
    cr_expect_eq(audit.total.in_units, 60);
    cr_expect_eq(audit.total.fate_rows[TG_FATE_RATED], 1);
    cr_expect_eq(audit.total.fate_rows[TG_FATE_SUSPENDED], 3);
    cr_expect_eq(audit.total.fate_rows[TG_FATE_HELD], 2);
    cr_expect_eq(audit.total.fate_units[TG_FATE_HELD], 10);
    cr_expect_eq(audit.sources_count, 1);
    cr_expect_eq(audit.sources[0].key, 3);
    cr_expect_eq(audit.sources[0].source_key, 33);
    cr_expect_eq(audit.hours_count, 1);
    tg_audit_free(&audit);

    /* The parked piece becomes two rows; the held row comes back rated as another row. */
    block = tg_journal_begin(journal, 0);
    const uint64_t keys[2] = {902, 700u + TG_FATE_HELD};
    for (uint64_t i = 0; i < 3; i++) {
        const struct tg_usage row = {.source_id = 3,
                                     .record_key = 1000 + i,
                                     .service = TG_SERVICE_DATA,
                                     .quantity_up = i == 2 ? 10 : 7};
        const struct tg_charge charge = {.fate = TG_FATE_RATED};
        cr_assert_eq(tg_block_rows(block, &row, &charge, 1), 1);
    }
    const struct tg_journal_source source = {
        .in_records = 2, .in_units = 14, .released_records = 1, .source_id = 3};
    cr_assert_eq(tg_block_release(block, keys, 2), 2);
    cr_assert(tg_block_source(block, &source));
    tg_block_time(block, INT64_C(1790010000) * TG_NS_PER_S);
    tg_journal_submit(journal, block, 2);
    cr_assert_eq(tg_audit_run(dir, 2, &audit, &why), TG_OK, "%s", why.text);
    cr_expect_eq(audit.total.in_rows, 10);
    cr_expect_eq(audit.total.in_units, 74);
    cr_expect_eq(audit.total.fate_rows[TG_FATE_HELD], 0);
    cr_expect_eq(audit.total.fate_units[TG_FATE_HELD], 0);
    cr_expect_eq(audit.total.fate_rows[TG_FATE_RATED], 4);
    cr_expect_eq(audit.hours_count, 2);
    tg_audit_free(&audit);
    cr_expect_eq(tg_audit_run(dir, 3, &audit, &why), TG_E_CORRUPT);
    tg_audit_free(&audit);
    cr_assert_eq(tg_journal_close(journal), TG_OK);
    help_dir_remove(dir);
}

Test(audit, one_lost_row_or_stray_release_is_unbalanced)
{
    /* If this failed, a row that fell between two stages would never be missed. */
    for (int64_t missing = -1; missing <= 1; missing += 2) {
        char dir[256];
        struct tg_audit audit;
        help_dir_make(dir);
        struct tg_journal *journal = audit_journal(dir);
        struct tg_block *block = tg_journal_begin(journal, 0);
        block_fill(block, missing);
        tg_journal_submit(journal, block, 1);
        cr_assert_eq(tg_journal_close(journal), TG_OK);
        cr_expect_eq(tg_audit_run(dir, 0, &audit, NULL), TG_E_UNBALANCED);
        cr_expect(!audit.is_balanced);
        cr_expect(!audit.sources[0].sums.is_balanced);
        tg_audit_free(&audit);
        help_dir_remove(dir);
    }
    char dir[256];
    struct tg_audit audit;
    help_dir_make(dir);
    struct tg_journal *journal = audit_journal(dir);
    struct tg_block *block = tg_journal_begin(journal, 0);
    const uint64_t keys[3] = {5, 902, 902}; /* never held; held; the same once more */
    block_fill(block, 0);
    cr_assert_eq(tg_block_release(block, keys, 3), 3);
    tg_journal_submit(journal, block, 1);
    cr_assert_eq(tg_journal_close(journal), TG_OK);
    cr_expect_eq(tg_audit_run(dir, 0, &audit, NULL), TG_E_UNBALANCED);
    cr_expect_eq(audit.stray_releases_count, 2);
    tg_audit_free(&audit);
    help_dir_remove(dir);
}
