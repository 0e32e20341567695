/* SPDX-License-Identifier: Apache-2.0 */
/* `tollgate audit`: does every record have one fate? */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/money.h"
#include "cli/cli.h"
#include "cli/source_names.h"
#include "ledger/audit.h"
#include "ledger/checkpoint.h"
#include "store/documents.h"

extern const struct tg_verb tg_verb_audit;

/* What the checkpoint says was durable: a journal that ends before it has lost acknowledged rows.
 */
static uint64_t epoch_expected(const char *data_dir)
{
    struct tg_db *db = NULL;
    struct tg_checkpoint_epochs epochs = {0, 0};
    if (tg_state_open(data_dir, true, 0, &db, NULL) == TG_OK) {
        (void)tg_checkpoint_load(db, NULL, &epochs, NULL);
        tg_db_close(db);
    }
    return epochs.epoch_last;
}

static void sums_json(const struct tg_audit_sums *sums)
{
    for (uint32_t u = 0; u < 2; u++) {
        const int64_t *fates = u == 0 ? sums->fate_rows : sums->fate_units;
        (void)printf("\"%s\":{\"in\":%" PRId64, u == 0 ? "rows" : "units",
                     u == 0 ? sums->in_rows : sums->in_units);
        for (uint32_t f = TG_FATE_RATED; f < TG_FATE_COUNT; f++) {
            (void)printf(",\"%s\":%" PRId64, tg_fate_name(f), fates[f]);
        }
        (void)printf("},");
    }
    (void)printf("\"balanced\":%s", sums->is_balanced ? "true" : "false");
}

#define CREDIT_SUMS 10u

/* A sum of the prepaid audit as text. */
struct credit_sum {
    const char *key;
    char text[TG_MONEY_TEXT_BYTES];
};

static void credit_sums(const struct tg_audit_credit *credit, struct credit_sum sums[CREDIT_SUMS])
{
    static const char *const keys[CREDIT_SUMS] = {
        "reserved_amount", "taken_amount",  "returned_amount", "released_amount", "expired_amount",
        "open_amount",     "topups_amount", "debited_amount",  "lapsed_amount",   "balance"};
    const int64_t amounts[CREDIT_SUMS] = {
        credit->reserved, credit->taken,
        credit->returned, credit->released,
        credit->expired,  credit->open,
        credit->topups,   credit->debited,
        credit->lapsed,   credit->topups - credit->debited - credit->lapsed};
    const struct tg_currency *currency = tg_currency_by_numeric(credit->currency);
    for (uint32_t i = 0; i < CREDIT_SUMS; i++) {
        sums[i].key = keys[i];
        (void)tg_money_format(amounts[i], currency != NULL ? currency->scale : 0,
                              currency != NULL ? currency->minor : 0, sums[i].text);
    }
}

static void audit_json(const struct tg_audit *audit, const struct source_names *names)
{
    (void)printf("{");
    sums_json(&audit->total);
    (void)printf(",\"verdict\":\"%s\",\"epochs\":%" PRIu64 ",\"blocks\":%" PRIu64
                 ",\"bytes\":%" PRIu64 ",\"strayReleases\":%" PRIu64 ",\"sources\":[",
                 audit->is_balanced ? "balanced" : "unbalanced", audit->epochs_count,
                 audit->blocks_count, audit->stored_bytes, audit->stray_releases_count);
    for (uint32_t i = 0; i < audit->sources_count; i++) {
        const struct tg_audit_line *line = &audit->sources[i];
        char name[TG_SOURCE_NAME_BYTES];
        (void)printf("%s{\"source\":%" PRId64 ",\"name\":\"%s\",\"key\":\"%016" PRIx64
                     "\",\"messages\":%" PRIu64 ",\"missing\":%" PRIu64 ",",
                     i > 0 ? "," : "", line->key,
                     source_names_text(names, (uint16_t)line->key, name), line->source_key,
                     line->messages_count, line->missing_count);
        sums_json(&line->sums);
        (void)printf("}");
    }
    (void)printf("],\"hours\":[");
    for (uint32_t i = 0; i < audit->hours_count; i++) {
        char text[TG_CLOCK_TEXT_BYTES];
        (void)tg_clock_format(audit->hours[i].key, text);
        (void)printf("%s{\"hour\":\"%s\",", i > 0 ? "," : "", text);
        sums_json(&audit->hours[i].sums);
        (void)printf("}");
    }
    (void)printf(
        "],\"credit\":{\"made\":%" PRIu64 ",\"committed\":%" PRIu64 ",\"released\":%" PRIu64
        ",\"expired\":%" PRIu64 ",\"open\":%" PRIu64 ",\"node_down\":%" PRIu64 ",\"late\":%" PRIu64
        ",\"topups\":%" PRIu64 ",\"debited_rows\":%" PRIu64 ",\"over_credit_rows\":%" PRIu64
        ",\"gaps\":%" PRIu64 ",\"strays\":%" PRIu64,
        audit->credit.made_count, audit->credit.committed_count, audit->credit.released_count,
        audit->credit.expired_count, audit->credit.open_count, audit->credit.outages_count,
        audit->credit.late_count, audit->credit.topups_count, audit->credit.debited_count,
        audit->credit.over_count, audit->credit.gaps_count, audit->credit.strays_count);
    struct credit_sum sums[CREDIT_SUMS];
    credit_sums(&audit->credit, sums);
    for (uint32_t i = 0; i < CREDIT_SUMS; i++) {
        (void)printf(",\"%s\":\"%s\"", sums[i].key, sums[i].text);
    }
    (void)printf(",\"balanced\":%s}}\n", audit->credit.is_balanced ? "true" : "false");
}

/* Nothing is said of prepaid where nobody is. */
static void credit_text(const struct tg_audit_credit *credit)
{
    if (credit->events_count == 0 && credit->debited_count == 0) {
        return;
    }
    struct credit_sum sums[CREDIT_SUMS];
    credit_sums(credit, sums);
    (void)printf("prepaid  %" PRIu64 " reservations = %" PRIu64 " committed + %" PRIu64
                 " released + %" PRIu64 " expired + %" PRIu64 " open; %" PRIu64 " top-ups, %" PRIu64
                 " rows, %" PRIu64 " beyond the credit\n",
                 credit->made_count, credit->committed_count, credit->released_count,
                 credit->expired_count, credit->open_count, credit->topups_count,
                 credit->debited_count, credit->over_count);
    (void)printf("         reserved %s = taken %s + returned %s + released %s + expired %s + open "
                 "%s  %s\n",
                 sums[0].text, sums[1].text, sums[2].text, sums[3].text, sums[4].text, sums[5].text,
                 credit->is_balanced ? "ok" : "DIFFERS");
    (void)printf("         balance %s = topped up %s - used %s - lapsed %s\n", sums[9].text,
                 sums[6].text, sums[7].text, sums[8].text);
}

static void sums_text(const char *label, const struct tg_audit_sums *sums)
{
    for (uint32_t u = 0; u < 2; u++) {
        const int64_t *fates = u == 0 ? sums->fate_rows : sums->fate_units;
        (void)printf("%-22s %-5s %14" PRId64, u == 0 ? label : "", u == 0 ? "rows" : "units",
                     u == 0 ? sums->in_rows : sums->in_units);
        for (uint32_t f = TG_FATE_RATED; f < TG_FATE_COUNT; f++) {
            (void)printf(" %13" PRId64, fates[f]);
        }
        (void)printf("  %s\n", u > 0 ? "" : sums->is_balanced ? "ok" : "DIFFERS");
    }
}

/* Senders of telemetry and sessions alone have no records to balance. */
static bool has_records(const struct tg_audit_sums *sums)
{
    bool has = sums->in_rows != 0 || sums->in_units != 0;
    for (uint32_t f = 0; f < TG_FATE_COUNT; f++) {
        has = has || sums->fate_rows[f] != 0 || sums->fate_units[f] != 0;
    }
    return has;
}

static void audit_text(const struct tg_audit *audit, const struct source_names *names)
{
    (void)printf("%-22s %-5s %14s", "", "", "in");
    for (uint32_t f = TG_FATE_RATED; f < TG_FATE_COUNT; f++) {
        (void)printf(" %13s", tg_fate_name(f));
    }
    (void)printf("\n");
    for (uint32_t i = 0; i < audit->sources_count; i++) {
        char label[TG_SOURCE_NAME_BYTES];
        if (has_records(&audit->sources[i].sums)) {
            (void)source_names_text(names, (uint16_t)audit->sources[i].key, label);
            sums_text(label, &audit->sources[i].sums);
        }
    }
    for (uint32_t i = 0; i < audit->hours_count; i++) {
        char text[TG_CLOCK_TEXT_BYTES];
        (void)tg_clock_format(audit->hours[i].key, text);
        sums_text(audit->hours[i].key != 0 ? text : "hour unknown", &audit->hours[i].sums);
    }
    sums_text("all", &audit->total);
    credit_text(&audit->credit);
    (void)printf("%s: %" PRIu64 " epochs, %" PRIu64 " blocks, %" PRIu64
                 " octets checked, chain whole\n",
                 audit->is_balanced ? "balanced" : "NOT BALANCED", audit->epochs_count,
                 audit->blocks_count, audit->stored_bytes);
    if (audit->stray_releases_count > 0) {
        (void)printf("%" PRIu64 " releases name nothing that was held\n",
                     audit->stray_releases_count);
    }
}

static int audit_run(int argc, char **argv)
{
    const char *data_dir = "data";
    bool is_json = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            is_json = true;
        } else if (strcmp(argv[i], "--data") == 0 && i + 1 < argc) {
            data_dir = argv[++i];
        } else {
            return tg_cli_usage(&tg_verb_audit, "unknown argument '%s'", argv[i]);
        }
    }
    struct stat status;
    if (stat(data_dir, &status) != 0 || !S_ISDIR(status.st_mode)) {
        return tg_cli_problem(&tg_verb_audit, "%s is no data directory; name one with --data DIR",
                              data_dir);
    }
    struct tg_audit audit;
    struct tg_why why = {.text = ""};
    const enum tg_err err = tg_audit_run(data_dir, epoch_expected(data_dir), &audit, &why);
    if (err == TG_OK || err == TG_E_UNBALANCED) {
        struct source_names *names = source_names_read(data_dir);
        is_json ? audit_json(&audit, names) : audit_text(&audit, names);
        free(names);
    } else if (is_json) {
        (void)printf("{\"balanced\":false,\"verdict\":\"%s\"}\n", tg_err_name(err));
    }
    tg_audit_free(&audit);
    return err == TG_OK ? TG_EXIT_OK : tg_cli_problem(&tg_verb_audit, "%s", why.text);
}

const struct tg_verb tg_verb_audit = {
    .name = "audit",
    .summary = "prove that every record has one fate, in rows and units",
    .usage =
        "usage: tollgate audit [--data DIR] [--json]\n\n"
        "Reads the whole journal of DIR (default: data), checks every octet and the hash chain,\n"
        "and compares what sources brought in with what became of it:\n"
        "in = rated + suspended + duplicate + filtered + merged + held. For prepaid accounts:\n"
        "reserved = taken + returned + released + expired + open, and every commit has its row.\n"
        "Exit 0: balanced. Exit 1: not balanced, or the journal is damaged.\n",
    .run = audit_run,
};
