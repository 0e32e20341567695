/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/scan.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "journal_help.h"

static struct tg_usage rows[70000];
static struct tg_charge charges[70000];

static struct tg_journal *journal_open(const char *dir, uint32_t streams_count)
{
    const struct tg_journal_params params = {.size_bytes = sizeof params,
                                             .streams_count = streams_count,
                                             .dir = dir,
                                             .is_lazy = true,
                                             .is_inline = true};
    struct tg_journal *journal = NULL;
    struct tg_why why = {.text = ""};
    cr_assert_eq(tg_journal_open(&params, &journal, &why), TG_OK, "%s", why.text);
    return journal;
}

/* Every asked column must equal the field it was made of. */
static void columns_compare(const struct tg_scan_view *view, uint32_t first)
{
    for (uint32_t i = 0; i < view->rows_count; i++) {
        const struct tg_usage *row = &rows[first + i];
        const struct tg_charge *charge = &charges[first + i];
        cr_assert_eq(view->subscriber_key[i], row->subscriber_key);
        cr_assert_eq(view->peer_key[i], row->peer_key);
        cr_assert_eq(view->start_ns[i], row->start_ns);
        cr_assert_eq(view->quantity_up[i], row->quantity_up);
        cr_assert_eq(view->rating_group[i], row->rating_group);
        cr_assert_eq(view->quantity_down[i], row->quantity_down);
        cr_assert_eq(view->serving_network[i], row->serving_network);
        cr_assert_eq(view->record_key[i], row->record_key);
        cr_assert_eq(view->duration_ms[i], row->duration_ms);
        cr_assert_eq(view->sequence[i], row->sequence);
        cr_assert_eq(view->source_id[i], row->source_id);
        cr_assert_eq(view->node_id[i], row->node_id);
        cr_assert_eq(view->service[i], row->service);
        cr_assert_eq(view->key_kinds[i], row->key_kinds);
        cr_assert_eq(view->closing_cause[i], row->closing_cause);
        cr_assert_eq(view->flags[i], row->flags);
        cr_assert_eq(view->amount[i], charge->amount);
        cr_assert_eq(view->remainder[i], charge->remainder);
        cr_assert_eq(view->billed_units[i], charge->billed_units);
        cr_assert_eq(view->allowance_units[i], charge->allowance_units);
        cr_assert_eq(view->units_before[i], charge->units_before);
        cr_assert_eq(view->subscriber[i], charge->subscriber);
        cr_assert_eq(view->price_id[i], charge->price_id);
        cr_assert_eq(view->catalog_version[i], charge->catalog_version);
        cr_assert_eq(view->currency[i], charge->currency);
        cr_assert_eq(view->zone[i], charge->zone);
        cr_assert_eq(view->reason[i], charge->reason);
        cr_assert_eq(view->fate[i], charge->fate);
        cr_assert_eq(view->node_state[i], charge->node_state);
        cr_assert_eq(view->pieces_count[i], charge->pieces_count);
    }
}

/* Whole rows of a scan of columns, of some blocks and of others not. */
static void structs_on_demand(const char *dir, uint32_t count, uint64_t seed)
{
    const struct tg_scan_params params = {
        .size_bytes = sizeof params, .dir = dir, .columns = TG_COLUMN_BIT(amount)};
    struct tg_scan *scan = NULL;
    struct tg_scan_view view;
    uint32_t seen = 0;
    uint64_t state = seed;
    cr_assert_eq(tg_scan_open(&params, &scan, NULL), TG_OK);
    while (tg_scan_next(scan, &view, NULL) == TG_OK) {
        cr_assert(seen + view.rows_count <= count);
        for (uint64_t asks = help_random(&state) % 3; asks > 0; asks--) {
            const struct tg_usage *usage;
            const struct tg_charge *verdicts;
            cr_assert_eq(tg_scan_structs(&view, &usage, &verdicts, NULL), TG_OK);
            cr_assert(view.rows_count == 0 ||
                      (memcmp(usage, rows + seen, view.rows_count * sizeof rows[0]) == 0 &&
                       memcmp(verdicts, charges + seen, view.rows_count * sizeof charges[0]) == 0));
        }
        for (uint32_t i = 0; i < view.rows_count; i++) {
            cr_assert_eq(view.amount[i], charges[seen + i].amount, "row %u", seen + i);
        }
        seen += view.rows_count;
    }
    cr_assert_eq(seen, count);
    tg_scan_close(scan);
}

static void rows_go_through(bool is_wild, uint32_t count, uint64_t seed)
{
    char dir[256];
    help_dir_make(dir);
    uint64_t state = seed;
    if (is_wild) {
        help_rows_wild(&state, rows, charges, count);
    } else {
        help_rows(&state, rows, charges, count, 1);
    }
    struct tg_journal *journal = journal_open(dir, 1);
    uint64_t epoch = tg_journal_next_epoch(journal);
    cr_assert_eq(epoch, 1);
    uint32_t blocks_count = 0;
    for (uint32_t done = 0; done < count || blocks_count == 0;) {
        struct tg_block *block = tg_journal_begin(journal, 0);
        cr_assert_not_null(block);
        /* Odd pieces, so that groups of 32 are cut in their middle. */
        while (done < count) {
            const uint32_t left = count - done;
            const uint32_t piece = (uint32_t)(help_random(&state) % 700) + 1;
            const uint32_t now = left < piece ? left : piece;
            const uint32_t taken = tg_block_rows(block, rows + done, charges + done, now);
            done += taken;
            if (taken < now) {
                break;
            }
        }
        tg_journal_submit(journal, block, epoch++);
        blocks_count++;
    }
    cr_assert_eq(tg_journal_close(journal), TG_OK);

    const struct tg_scan_params params = {.size_bytes = sizeof params,
                                          .dir = dir,
                                          .columns = (UINT64_C(1) << TG_COLUMN_COUNT) - 1,
                                          .wants_structs = true};
    struct tg_scan *scan = NULL;
    struct tg_scan_view view;
    struct tg_why why = {.text = ""};
    cr_assert_eq(tg_scan_open(&params, &scan, &why), TG_OK, "%s", why.text);
    uint32_t seen = 0;
    enum tg_err err = tg_scan_next(scan, &view, &why);
    while (err == TG_OK) {
        cr_assert(seen + view.rows_count <= count);
        if (view.rows_count > 0) {
            cr_assert_arr_eq(view.usage, rows + seen, view.rows_count * sizeof rows[0]);
            cr_assert_arr_eq(view.charges, charges + seen, view.rows_count * sizeof charges[0]);
        }
        columns_compare(&view, seen);
        for (uint32_t i = 0; i < view.rows_count; i += view.rows_count / 5 + 1) {
            struct tg_usage usage;
            struct tg_charge charge;
            cr_assert_eq(tg_scan_row(&view, i, &usage, &charge, &why), TG_OK, "%s", why.text);
            cr_assert_arr_eq(&usage, rows + seen + i, sizeof usage, "row %u alone", i);
            cr_assert_arr_eq(&charge, charges + seen + i, sizeof charge, "row %u alone", i);
        }
        seen += view.rows_count;
        err = tg_scan_next(scan, &view, &why);
    }
    cr_assert_eq(err, TG_E_NOT_FOUND, "%s", why.text);
    cr_assert_eq(seen, count);
    tg_scan_close(scan);
    structs_on_demand(dir, count, seed);
    help_dir_remove(dir);
}

Test(scan, rows_come_back_bit_for_bit)
{
    /* If this failed, what a customer is billed from would not be what was rated. */
    static const uint32_t counts[] = {0, 1, 2, 31, 32, 33, 63, 64, 65, 255, 256, 257, 1000, 66000};
    for (uint32_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        rows_go_through(false, counts[i], i + 1);
        rows_go_through(true, counts[i], i + 100);
    }
}

Test(scan, one_column_is_the_same_alone)
{
    /* If this failed, a bill run that reads two columns would see other values than one that reads
     * all of them. */
    char dir[256];
    help_dir_make(dir);
    uint64_t state = 5;
    const uint32_t count = 3000;
    help_rows_wild(&state, rows, charges, count);
    struct tg_journal *journal = journal_open(dir, 1);
    struct tg_block *block = tg_journal_begin(journal, 0);
    cr_assert_eq(tg_block_rows(block, rows, charges, count), count);
    tg_journal_submit(journal, block, 1);
    cr_assert_eq(tg_journal_close(journal), TG_OK);
#define ONE_COLUMN(name, type, word, octet, octets)                                                \
    {                                                                                              \
        const struct tg_scan_params params = {                                                     \
            .size_bytes = sizeof params, .dir = dir, .columns = TG_COLUMN_BIT(name)};              \
        struct tg_scan *scan = NULL;                                                               \
        struct tg_scan_view view;                                                                  \
        cr_assert_eq(tg_scan_open(&params, &scan, NULL), TG_OK);                                   \
        cr_assert_eq(tg_scan_next(scan, &view, NULL), TG_OK);                                      \
        cr_assert_eq(view.rows_count, count);                                                      \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            const uint8_t *from =                                                                  \
                (word) < 8 ? (const uint8_t *)&rows[i] : (const uint8_t *)&charges[i];             \
            type expected = 0;                                                                     \
            memcpy(&expected, from + (word) % 8 * 8 + (octet), octets);                            \
            cr_assert_eq(view.name[i], expected, #name " of row %u", i);                           \
        }                                                                                          \
        tg_scan_close(scan);                                                                       \
    }
    TG_COLUMN_LIST(ONE_COLUMN)
#undef ONE_COLUMN
    help_dir_remove(dir);
}

Test(scan, ranges_and_fates_skip_blocks_only)
{
    /* If this failed, a bill run of one month would miss rows or read the whole year. */
    char dir[256];
    help_dir_make(dir);
    struct tg_journal *journal = journal_open(dir, 1);
    for (uint64_t epoch = 1; epoch <= 10; epoch++) {
        struct tg_usage row = {.start_ns = (int64_t)epoch * 1000, .record_key = epoch};
        struct tg_charge charge = {.fate = epoch == 7 ? TG_FATE_SUSPENDED : TG_FATE_RATED};
        struct tg_block *block = tg_journal_begin(journal, 0);
        cr_assert_eq(tg_block_rows(block, &row, &charge, 1), 1);
        tg_journal_submit(journal, block, epoch);
    }
    cr_assert_eq(tg_journal_close(journal), TG_OK);
    const struct {
        const char *name;
        struct tg_scan_params params;
        uint64_t first;
        uint64_t last;
    } cases[] = {
        {"all", {.epoch_min = 0}, 1, 10},
        {"epochs", {.epoch_min = 3, .epoch_max = 5}, 3, 5},
        {"times", {.event_min_ns = 4000, .event_max_ns = 6000}, 4, 5},
        {"fates", {.fates = 1u << TG_FATE_SUSPENDED}, 7, 7},
        {"nothing", {.event_min_ns = 50000, .event_max_ns = 60000}, 1, 0},
    };
    for (uint32_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct tg_scan_params params = cases[c].params;
        params.size_bytes = sizeof params;
        params.dir = dir;
        params.sections = TG_SECTION_BIT(TG_SECTION_ROWS);
        params.columns = TG_COLUMN_BIT(record_key);
        struct tg_scan *scan = NULL;
        struct tg_scan_view view;
        cr_assert_eq(tg_scan_open(&params, &scan, NULL), TG_OK);
        for (uint64_t epoch = cases[c].first; epoch <= cases[c].last; epoch++) {
            cr_assert_eq(tg_scan_next(scan, &view, NULL), TG_OK, "%s", cases[c].name);
            cr_expect_eq(view.record_key[0], epoch, "%s", cases[c].name);
        }
        cr_expect_eq(tg_scan_next(scan, &view, NULL), TG_E_NOT_FOUND, "%s", cases[c].name);
        tg_scan_close(scan);
    }
    help_dir_remove(dir);
}

Test(scan, an_absent_journal_is_empty)
{
    /* If this failed, the first start of a new carrier would be refused. */
    const struct tg_scan_params params = {.size_bytes = sizeof params, .dir = "/tmp/tg_not_there"};
    struct tg_scan *scan = NULL;
    struct tg_scan_view view;
    cr_assert_eq(tg_scan_open(&params, &scan, NULL), TG_OK);
    cr_expect_eq(tg_scan_next(scan, &view, NULL), TG_E_NOT_FOUND);
    tg_scan_close(scan);
}
