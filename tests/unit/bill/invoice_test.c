/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/invoice.h"
#include "bill/voided.h"

#include "abi/tariff.h"

#include <criterion/criterion.h>
#include <string.h>

#define LINES_MAX 64u

struct bench {
    struct tg_bill_line lines[LINES_MAX];
    __int128 exact[LINES_MAX];
    int64_t weights[LINES_MAX];
    int64_t parts[LINES_MAX];
    uint32_t rows[LINES_MAX];
    struct tg_bill_fraction fractions[LINES_MAX];
    struct tg_bill_scratch scratch;
    struct tg_bill_invoice invoice;
};

static void bench_make(struct bench *bench)
{
    memset(bench, 0, sizeof *bench);
    bench->scratch = (struct tg_bill_scratch){.capacity = LINES_MAX,
                                              .exact = bench->exact,
                                              .weights = bench->weights,
                                              .parts = bench->parts,
                                              .rows = bench->rows,
                                              .fractions = bench->fractions};
    bench->invoice = (struct tg_bill_invoice){.account_id = "A-1",
                                              .account_name = "",
                                              .currency = tg_currency_by_code("EUR"),
                                              .lines = bench->lines};
}

static void line_put(struct bench *bench, int64_t exact, uint16_t tax_index)
{
    bench->lines[bench->invoice.lines_count++] = (struct tg_bill_line){.subscriber_id = "s",
                                                                       .product_id = "p",
                                                                       .zone_id = "",
                                                                       .price_id = "x",
                                                                       .unit_id = "",
                                                                       .amount_exact = exact,
                                                                       .tax_index = tax_index};
}

/* Otherwise the invoice breaks EN 16931 BR-S-09 and German practice: tax is on the category's net
 * (1.32), not the sum of line taxes (1.33). Vector of rating-semantics 4.15. */
Test(invoice, seven_times_99_cents_at_19_percent_is_taxed_132)
{
    struct bench bench;
    bench_make(&bench);
    const uint16_t vat = tg_bill_invoice_tax(&bench.invoice, "vat", 190000, TG_ROUND_HALF_UP);
    for (int i = 0; i < 7; i++) {
        line_put(&bench, 99000000, vat);
    }
    cr_assert_eq(tg_bill_invoice_compute(&bench.invoice, &bench.scratch, NULL), TG_OK);
    cr_expect_eq(bench.invoice.net_total, 693);
    cr_expect_eq(bench.invoice.tax_total, 132);
    cr_expect_eq(bench.invoice.total, 825);
    for (int i = 0; i < 7; i++) {
        cr_expect_eq(bench.lines[i].amount, 99);
        cr_expect(bench.lines[i].tax_amount == 19 || bench.lines[i].tax_amount == 18);
    }
}

/* Otherwise usage below a cent a line is lost or invented: 3 x 0.004 EUR is 0.01 EUR, once. */
Test(invoice, fractions_of_a_cent_are_summed_before_they_are_rounded)
{
    struct bench bench;
    bench_make(&bench);
    const uint16_t vat = tg_bill_invoice_tax(&bench.invoice, "vat", 190000, TG_ROUND_HALF_UP);
    for (int i = 0; i < 3; i++) {
        line_put(&bench, 400000, vat);
    }
    cr_assert_eq(tg_bill_invoice_compute(&bench.invoice, &bench.scratch, NULL), TG_OK);
    cr_expect_eq(bench.invoice.net_total, 1);
    cr_expect_eq(bench.lines[0].amount + bench.lines[1].amount + bench.lines[2].amount, 1);
}

/* Otherwise an invoice with several categories asks for a total that its parts do not make. */
Test(invoice, parts_make_the_whole_for_random_invoices)
{
    uint64_t seed = 99;
    for (unsigned round = 0; round < 100000; round++) {
        struct bench bench;
        bench_make(&bench);
        const uint32_t taxes = 1 + round % 4;
        for (uint32_t t = 0; t < taxes; t++) {
            static const char *const ids[] = {"full", "low", "zero", "odd"};
            static const uint32_t rates[] = {190000, 70000, 0, 88750};
            cr_assert_eq(tg_bill_invoice_tax(&bench.invoice, ids[t], rates[t], (uint8_t)(t % 2)),
                         t);
        }
        for (uint32_t i = 0; i < round % LINES_MAX; i++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            line_put(&bench, (int64_t)seed >> (20 + round % 30), (uint16_t)((seed >> 20) % taxes));
        }
        cr_assert_eq(tg_bill_invoice_compute(&bench.invoice, &bench.scratch, NULL), TG_OK);
        int64_t net = 0;
        int64_t tax = 0;
        int64_t category_net[4] = {0};
        int64_t category_tax[4] = {0};
        for (uint32_t i = 0; i < bench.invoice.lines_count; i++) {
            const struct tg_bill_line *line = &bench.lines[i];
            category_net[line->tax_index] += line->amount;
            category_tax[line->tax_index] += line->tax_amount;
        }
        for (uint32_t t = 0; t < taxes; t++) {
            cr_assert_eq(category_net[t], bench.invoice.taxes[t].net);
            cr_assert_eq(category_tax[t], bench.invoice.taxes[t].tax);
            net += bench.invoice.taxes[t].net;
            tax += bench.invoice.taxes[t].tax;
        }
        cr_assert_eq(net, bench.invoice.net_total);
        cr_assert_eq(tax, bench.invoice.tax_total);
        cr_assert_eq(net + tax, bench.invoice.total);
    }
}

/* Otherwise one customer with a broken line stops the process for everybody. */
Test(invoice, what_does_not_fit_is_refused_and_not_asserted)
{
    struct bench bench;
    bench_make(&bench);
    const uint16_t vat = tg_bill_invoice_tax(&bench.invoice, "vat", 190000, TG_ROUND_HALF_UP);
    line_put(&bench, 1, (uint16_t)(vat + 1));
    struct tg_why why;
    cr_expect_eq(tg_bill_invoice_compute(&bench.invoice, &bench.scratch, &why), TG_E_INVALID);
    bench.lines[0].tax_index = vat;
    bench.lines[0].amount_exact = (__int128)INT64_MAX * 1000000;
    cr_expect_eq(tg_bill_invoice_compute(&bench.invoice, &bench.scratch, &why),
                 TG_E_AMOUNT_OVERFLOW);
    bench.scratch.capacity = 0;
    cr_expect_eq(tg_bill_invoice_compute(&bench.invoice, &bench.scratch, &why), TG_E_FULL);
    /* Interim bills that are taken off bring their own, and none of them counts against it. */
    for (uint32_t i = 1; i < TG_BILL_TAXES_MAX; i++) {
        const struct tg_bill_tax given = {.id = "vat", .rate_ppm = i, .is_given = true};
        cr_expect_eq(tg_bill_invoice_category(&bench.invoice, &given), 2 * i - 1);
        cr_expect_eq(tg_bill_invoice_tax(&bench.invoice, "vat", i, 0), 2 * i);
    }
    cr_expect_eq(tg_bill_invoice_tax(&bench.invoice, "vat", 190000, 0), vat);
    cr_expect_eq(tg_bill_invoice_tax(&bench.invoice, "one too many", 1, 0), UINT16_MAX);
    for (uint32_t i = bench.invoice.taxes_count; i < TG_BILL_TAXES_ALL_MAX; i++) {
        const struct tg_bill_tax given = {.id = "vat", .rate_ppm = i, .is_given = true};
        cr_expect_eq(tg_bill_invoice_category(&bench.invoice, &given), i);
    }
    const struct tg_bill_tax over = {.id = "more", .is_given = true};
    cr_expect_eq(tg_bill_invoice_category(&bench.invoice, &over), UINT16_MAX);
    cr_expect_eq(tg_bill_invoice_tax(&bench.invoice, "one too many", 1, 0), UINT16_MAX);
}

/* Otherwise a price that is with tax is taxed again, or its parts do not make the price. */
Test(invoice, tax_in_a_price_is_backed_out_once)
{
    static const struct {
        __int128 gross;
        uint32_t rate_ppm;
        uint64_t divisor;
        int64_t wanted;
    } rows[] = {
        {1190, 190000, 1, 190},      {1000, 190000, 1, 160}, {-1000, 190000, 1, -160},
        {1, 190000, 1, 0},           {107, 70000, 1, 7},     {1190000000, 190000, 1000000, 190},
        {990000, 190000, 1000, 158}, {0, 190000, 1, 0},      {1000, 0, 1, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t tax = -1;
        cr_assert_eq(tg_bill_tax_in(rows[i].gross, rows[i].rate_ppm, TG_ROUND_HALF_UP,
                                    rows[i].divisor, &tax),
                     TG_OK);
        cr_expect_eq(tax, rows[i].wanted, "row %zu: %lld", i, (long long)tax);
    }
    int64_t tax = 0;
    cr_expect_eq(tg_bill_tax_in((__int128)INT64_MAX + 1, 190000, TG_ROUND_HALF_UP, 1, &tax),
                 TG_E_AMOUNT_OVERFLOW);
}

/* Otherwise credit or a balance pays more than is asked for, gives money to a bill below 0, or pays
 * a part where the carrier wants all or nothing. Amounts in cents, balances in a tenth of one. */
Test(invoice, credit_pays_first_then_the_balance_as_the_catalog_says)
{
    static const struct {
        const char *name;
        int64_t total;
        int64_t credit;
        int64_t balance;
        int64_t used;
        int64_t taken;
        int64_t due;
        uint32_t step;
        uint8_t mode;
    } rows[] = {
        {"nobody pays", 1000, 0, 50000, 0, 0, 1000, 0, TG_PREPAID_DUE},
        {"credit, a part", 1000, 300, 0, 300, 0, 700, 0, TG_PREPAID_DUE},
        {"credit, no more than asked for", 1000, 3000, 0, 1000, 0, 0, 0, TG_PREPAID_DUE},
        {"a bill below 0 uses none", -1000, 3000, 50000, 0, 0, -1000, 0, TG_PREPAID_PARTIAL},
        {"the balance, all", 1000, 0, 10000, 0, 1000, 0, 0, TG_PREPAID_WHOLE},
        {"a tenth of a cent too little", 1000, 0, 9999, 0, 0, 1000, 0, TG_PREPAID_WHOLE},
        {"whole cents as far as it reaches", 1000, 0, 9999, 0, 999, 1, 0, TG_PREPAID_PARTIAL},
        {"credit, then all of the rest", 1000, 400, 6000, 400, 600, 0, 0, TG_PREPAID_WHOLE},
        {"nothing of a debt", 1000, 0, -7000, 0, 0, 1000, 0, TG_PREPAID_PARTIAL},
        {"coins pay the rest", 1002, 500, 0, 500, 0, 500, 5, TG_PREPAID_DUE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench bench;
        bench_make(&bench);
        const uint16_t none = tg_bill_invoice_tax(&bench.invoice, "none", 0, TG_ROUND_HALF_UP);
        line_put(&bench, rows[i].total * 1000000, none);
        bench.invoice.credit = rows[i].credit;
        bench.invoice.balance_mode = rows[i].mode;
        bench.invoice.cash.step = rows[i].step;
        bench.invoice.statement = (struct tg_bill_statement){.topups = rows[i].balance * 100000,
                                                             .is_there = rows[i].balance != 0};
        cr_assert_eq(tg_bill_invoice_compute(&bench.invoice, &bench.scratch, NULL), TG_OK);
        cr_expect_eq(bench.invoice.credit_used, rows[i].used, "%s", rows[i].name);
        cr_expect_eq(bench.invoice.paid, rows[i].taken, "%s", rows[i].name);
        cr_expect_eq(tg_bill_invoice_due(&bench.invoice), rows[i].due, "%s", rows[i].name);
        cr_expect(tg_bill_statement_closing(&bench.invoice.statement) ==
                      rows[i].balance * 100000 - rows[i].taken * 1000000,
                  "%s", rows[i].name);
    }
}

/* Otherwise a bill made again for a voided one takes from the balance twice, or has what that gave
 * back as credit and as paid. Amounts in cents; of the voided one 400 were taken for fees. */
Test(invoice, a_bill_made_again_has_what_the_balance_paid_of_the_voided_one)
{
    static const struct {
        const char *name;
        int64_t total;
        int64_t left;
        int64_t credit;
        bool is_credit;
        int64_t over;
        int64_t paid;
        int64_t used;
        int64_t due;
    } rows[] = {
        {"all is there", 1000, 400, 400, true, 400, 400, 0, 600},
        {"beside other credit", 1000, 400, 700, true, 400, 400, 300, 300},
        {"a part was used by others", 1000, 150, 150, true, 150, 150, 0, 850},
        {"credit stays open on bills", 1000, 400, 0, false, 400, 400, 0, 600},
        {"it asks for less than was taken", 300, 400, 400, true, 400, 400, 0, -100},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct tg_bill_replaced old = {
            .balance = 400, .left = rows[i].left, .is_credit = rows[i].is_credit};
        struct bench bench;
        bench_make(&bench);
        const uint16_t none = tg_bill_invoice_tax(&bench.invoice, "none", 0, TG_ROUND_HALF_UP);
        line_put(&bench, rows[i].total * 1000000, none);
        bench.invoice.credit = rows[i].credit;
        bench.invoice.balance_mode = TG_PREPAID_PARTIAL;
        bench.invoice.is_taken = true;
        bench.invoice.balance_taken = 400;
        bench.invoice.replaces = &old;
        bench.invoice.statement =
            (struct tg_bill_statement){.topups = 5000 * 1000000LL, .is_there = true};
        cr_assert_eq(tg_bill_invoice_compute(&bench.invoice, &bench.scratch, NULL), TG_OK);
        cr_expect_eq(bench.invoice.taken_over, rows[i].over, "%s", rows[i].name);
        cr_expect_eq(bench.invoice.paid, rows[i].paid, "%s", rows[i].name);
        cr_expect_eq(bench.invoice.credit_used, rows[i].used, "%s", rows[i].name);
        cr_expect_eq(tg_bill_invoice_due(&bench.invoice), rows[i].due, "%s", rows[i].name);
        cr_expect(tg_bill_statement_closing(&bench.invoice.statement) == 4600 * 1000000LL, "%s",
                  rows[i].name);
    }
}
