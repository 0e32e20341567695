/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bill_report.h"
#include "cli/cli.h"
#include "cli/source_names.h"

#include "base/clock.h"
#include "base/money.h"
#include "bill/bill.h"
#include "bill/period.h"
#include "doc/json.h"

#include <stdio.h>
#include <stdlib.h>

static void counts_set(struct tg_json *json, const struct tg_bill_stats *stats)
{
    const struct {
        const char *key;
        uint64_t value;
    } counts[] = {{"issued", stats->invoices_issued_count},
                  {"drafted", stats->invoices_drafted_count},
                  {"kept", stats->invoices_kept_count},
                  {"differ", stats->invoices_differ_count},
                  {"unapproved", stats->invoices_unapproved_count},
                  {"empty", stats->invoices_empty_count},
                  {"failed", stats->invoices_failed_count},
                  {"lines", stats->lines_count},
                  {"rows_scanned", stats->rows_scanned_count},
                  {"rows_billed", stats->rows_billed_count},
                  {"rows_suspended", stats->rows_suspended_count},
                  {"rows_held", stats->rows_held_count},
                  {"rows_unknown", stats->rows_unknown_count},
                  {"rows_foreign", stats->rows_foreign_count},
                  {"rows_late", stats->rows_late_count},
                  {"rows_for_next_bill", stats->rows_next_count},
                  {"rows_written_off", stats->rows_written_off_count},
                  {"rows_late_suspended", stats->rows_waiting_count},
                  {"epoch", stats->epoch_last},
                  {"passes", stats->passes_count},
                  {"late_sources", stats->late_sources_count}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        tg_json_set_integer(json, counts[i].key, (int64_t)counts[i].value);
    }
}

static struct tg_json *late_json(const struct tg_cli_bill_report *report)
{
    struct tg_json *late = tg_json_list();
    struct source_names *names =
        report->stats->late_sources_count > 0 ? source_names_read(report->data) : NULL;
    for (uint32_t i = 0; i < report->stats->late_sources_count && i < TG_BILL_LATE_SOURCES_MAX;
         i++) {
        const struct tg_bill_late_source *one = &report->stats->late_sources[i];
        struct tg_json *source = tg_json_object();
        char name[TG_SOURCE_NAME_BYTES];
        tg_json_set_integer(source, "source", one->source_id);
        tg_json_set_string(source, "name", source_names_text(names, one->source_id, name));
        tg_json_set_bool(source, "behind", one->is_behind);
        if (one->last_event_ns != INT64_MIN) {
            tg_json_set_time(source, "last_event", one->last_event_ns);
        }
        tg_json_set_integer(source, "missing", (int64_t)one->missing_count);
        tg_json_append(late, source);
    }
    free(names);
    return late;
}

static void report_json(const struct tg_cli_bill_report *report)
{
    struct tg_json *json = tg_json_object();
    tg_json_set_string(json, "period", report->period);
    tg_json_set_bool(json, "issue", report->issues);
    tg_json_set_string(json, "state", tg_bill_period_state_name(report->stats->state));
    if (report->stats->grace_until_ns != INT64_MIN) {
        tg_json_set_time(json, "grace_until", report->stats->grace_until_ns);
    }
    counts_set(json, report->stats);
    const struct tg_currency *currency = tg_currency_by_numeric(report->stats->currency);
    if (currency != NULL) {
        tg_json_set_string(json, "currency", currency->code);
        tg_json_set_money(json, "net", report->stats->net_total, currency->minor, currency->minor);
        tg_json_set_money(json, "tax", report->stats->tax_total, currency->minor, currency->minor);
        tg_json_set_money(json, "total", report->stats->total, currency->minor, currency->minor);
    }
    tg_json_set(json, "incomplete_sources", late_json(report));
    (void)tg_json_print(json, false, stdout);
    (void)fputc('\n', stdout);
    tg_json_free(json);
}

static void money_print(const char *label, int64_t amount, const struct tg_currency *currency)
{
    char text[TG_MONEY_TEXT_BYTES];
    (void)tg_money_format(amount, currency->minor, currency->minor, text);
    (void)printf("  %-22s %16s %s\n", label, text, currency->code);
}

static void count_print(const char *label, uint64_t count)
{
    (void)printf("  %-22s %16llu\n", label, (unsigned long long)count);
}

/* What may still come: a bill that closes without it will have it on the next one. */
static void late_print(const struct tg_cli_bill_report *report)
{
    if (report->stats->late_sources_count == 0) {
        return;
    }
    struct source_names *names = source_names_read(report->data);
    (void)printf("  sources not complete at close: %u (usage may still come)\n",
                 report->stats->late_sources_count);
    for (uint32_t i = 0; i < report->stats->late_sources_count && i < TG_BILL_LATE_SOURCES_MAX;
         i++) {
        const struct tg_bill_late_source *one = &report->stats->late_sources[i];
        char name[TG_SOURCE_NAME_BYTES];
        char text[TG_CLOCK_TEXT_BYTES] = "none in the period";
        if (one->last_event_ns != INT64_MIN) {
            (void)tg_clock_format(one->last_event_ns, text);
        }
        (void)printf("    %-30s last event %s", source_names_text(names, one->source_id, name),
                     text);
        if (one->missing_count > 0) {
            (void)printf(", %llu missing", (unsigned long long)one->missing_count);
        }
        (void)printf("\n");
    }
    free(names);
}

static void report_text(const struct tg_cli_bill_report *report)
{
    (void)printf("bill run %s, %s (%s)\n", report->period,
                 report->issues ? "issued" : "drafts only",
                 tg_bill_period_state_name(report->stats->state));
    count_print("invoices issued", report->stats->invoices_issued_count);
    count_print("drafts", report->stats->invoices_drafted_count);
    count_print("issued before", report->stats->invoices_kept_count);
    count_print("changed since issue", report->stats->invoices_differ_count);
    if (report->stats->invoices_unapproved_count > 0) {
        count_print("not as approved", report->stats->invoices_unapproved_count);
    }
    count_print("accounts without bill", report->stats->invoices_empty_count);
    count_print("accounts failed", report->stats->invoices_failed_count);
    count_print("lines", report->stats->lines_count);
    count_print("rows billed", report->stats->rows_billed_count);
    count_print("of these late rows", report->stats->rows_late_count);
    count_print("rows for next bill", report->stats->rows_next_count);
    count_print("rows written off", report->stats->rows_written_off_count);
    count_print("late rows suspended", report->stats->rows_waiting_count);
    count_print("rows suspended", report->stats->rows_suspended_count);
    count_print("rows held", report->stats->rows_held_count);
    const struct tg_currency *currency = tg_currency_by_numeric(report->stats->currency);
    if (currency != NULL) {
        money_print("net", report->stats->net_total, currency);
        money_print("tax", report->stats->tax_total, currency);
        money_print("total", report->stats->total, currency);
    }
    late_print(report);
}

void tg_cli_bill_report(const struct tg_cli_bill_report *report)
{
    if (report->is_json) {
        report_json(report);
    } else {
        report_text(report);
    }
}
