/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bill_lookup.h"
#include "cli/cli.h"

#include "base/clock.h"
#include "base/money.h"
#include "bill/whatif.h"
#include "doc/diag.h"
#include "doc/json.h"
#include "plug/registry.h"

#include <stdlib.h>
#include <string.h>

#define WORST_SHOWN 10u

extern const struct tg_verb tg_verb_whatif;

struct options {
    const char *catalog;
    const char *data;
    const char *from;
    const char *to;
    const char *account;
    const char *threads;
    bool is_json;
};

static const char **value_of(struct options *options, const char *name)
{
    const struct {
        const char *name;
        const char **at;
    } table[] = {{"--catalog", &options->catalog}, {"--data", &options->data},
                 {"--from", &options->from},       {"--to", &options->to},
                 {"--account", &options->account}, {"--threads", &options->threads}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return table[i].at;
        }
    }
    return NULL;
}

static int options_read(int argc, char **argv, struct options *options,
                        struct tg_whatif_params *params)
{
    for (int i = 1; i < argc; i++) {
        const char **value = value_of(options, argv[i]);
        const bool is_plugin = strcmp(argv[i], "--plugin") == 0;
        struct tg_why why = {.text = ""};
        if ((value != NULL || is_plugin) && i + 1 == argc) {
            return tg_cli_usage(&tg_verb_whatif, "%s wants a value", argv[i]);
        }
        if (value != NULL) {
            *value = argv[++i];
        } else if (is_plugin) {
            if (tg_plug_load(argv[++i], &why) != TG_OK) {
                return tg_cli_problem(&tg_verb_whatif, "plug-in refused: %s", why.text);
            }
        } else if (strcmp(argv[i], "--json") == 0) {
            options->is_json = true;
        } else {
            return tg_cli_usage(&tg_verb_whatif, "unknown option '%s'", argv[i]);
        }
    }
    if (options->catalog == NULL || options->data == NULL || options->from == NULL ||
        options->to == NULL) {
        return tg_cli_usage(&tg_verb_whatif, "give --catalog, --data, --from and --to");
    }
    if (tg_clock_parse(options->from, strlen(options->from), &params->from_ns) != TG_OK ||
        tg_clock_parse(options->to, strlen(options->to), &params->to_ns) != TG_OK) {
        return tg_cli_usage(&tg_verb_whatif, "--from and --to want dates, YYYY-MM-DD");
    }
    return tg_cli_threads(&tg_verb_whatif, options->threads, &params->threads_count);
}

/* Sums of amounts that each fit 64 bits; a total beyond them is shown at its bound. */
static int64_t narrow(__int128 sum)
{
    return sum > INT64_MAX ? INT64_MAX : sum < INT64_MIN ? INT64_MIN : (int64_t)sum;
}

static void sums_set(struct tg_json *json, const struct tg_whatif_sums *sums,
                     const struct tg_currency *currency)
{
    const uint8_t scale = currency->scale;
    const uint8_t minor = currency->minor;
    tg_json_set_integer(json, "rows", (int64_t)sums->rows_count);
    tg_json_set_integer(json, "refused", (int64_t)sums->refused_count);
    tg_json_set_money(json, "before", narrow(sums->before), scale, minor);
    tg_json_set_money(json, "after", narrow(sums->after), scale, minor);
    tg_json_set_money(json, "difference", narrow(sums->after - sums->before), scale, minor);
}

static const struct tg_image *newest(const struct tg_catalog_snapshot *catalog,
                                     enum tg_catalog_kind kind)
{
    const struct tg_image *found = catalog->images[0];
    for (uint32_t i = 1; i < catalog->images_count; i++) {
        if (tg_image_count(catalog->images[i], kind) > tg_image_count(found, kind)) {
            found = catalog->images[i];
        }
    }
    return found;
}

static const char *cell_name(const struct tg_catalog_snapshot *catalog, enum tg_catalog_kind kind,
                             uint16_t index)
{
    return tg_image_name(newest(catalog, kind), kind, index);
}

/* The cells added up by product or by zone. */
static void totals_set(struct tg_json *json, const struct tg_whatif_params *params,
                       const struct tg_whatif *whatif, bool by_zone,
                       const struct tg_currency *currency)
{
    struct tg_whatif_cell *totals = calloc(whatif->cells_count + 1u, sizeof *totals);
    struct tg_json *list = tg_json_list();
    const uint32_t count = totals != NULL ? tg_whatif_totals(whatif, by_zone, totals) : 0;
    for (uint32_t i = 0; i < count; i++) {
        struct tg_json *entry = tg_json_object();
        tg_json_set_string(entry, by_zone ? "zone" : "product",
                           by_zone
                               ? cell_name(params->catalog, TG_CATALOG_ZONE, totals[i].zone)
                               : cell_name(params->catalog, TG_CATALOG_PRODUCT, totals[i].product));
        sums_set(entry, &totals[i].sums, currency);
        tg_json_append(list, entry);
    }
    tg_json_set(json, by_zone ? "zones" : "products", list);
    free(totals);
}

static void report_json(const struct tg_whatif_params *params, const struct tg_whatif *whatif,
                        const struct tg_currency *currency)
{
    struct tg_json *json = tg_json_object();
    tg_json_set_time(json, "from", params->from_ns);
    tg_json_set_time(json, "to", params->to_ns);
    tg_json_set_integer(json, "candidate_version", params->candidate->version);
    tg_json_set_string(json, "currency", currency->code);
    sums_set(json, &whatif->total, currency);
    struct tg_json *cells = tg_json_list();
    for (uint32_t i = 0; i < whatif->cells_count; i++) {
        struct tg_json *cell = tg_json_object();
        tg_json_set_string(
            cell, "product",
            cell_name(params->catalog, TG_CATALOG_PRODUCT, whatif->cells[i].product));
        tg_json_set_string(cell, "zone",
                           cell_name(params->catalog, TG_CATALOG_ZONE, whatif->cells[i].zone));
        sums_set(cell, &whatif->cells[i].sums, currency);
        tg_json_append(cells, cell);
    }
    totals_set(json, params, whatif, false, currency);
    totals_set(json, params, whatif, true, currency);
    tg_json_set(json, "products_and_zones", cells);
    tg_json_set_integer(json, "accounts", whatif->payers_count);
    struct tg_json *worst = tg_json_list();
    for (uint32_t i = 0; i < whatif->accounts_count && i < WORST_SHOWN; i++) {
        struct tg_json *account = tg_json_object();
        char name[TG_NAME_BYTES_MAX];
        (void)tg_roster_account_name(params->catalog->roster, whatif->accounts[i].account, name,
                                     sizeof name);
        tg_json_set_string(account, "account", name);
        sums_set(account, &whatif->accounts[i].sums, currency);
        tg_json_append(worst, account);
    }
    tg_json_set(json, "worst_hit_accounts", worst);
    struct tg_json *reasons = tg_json_list();
    for (uint32_t i = 0; i < whatif->reasons_count; i++) {
        struct tg_json *reason = tg_json_object();
        tg_json_set_string(reason, "reason", tg_err_name(whatif->reasons[i].reason));
        tg_json_set_integer(reason, "rows", (int64_t)whatif->reasons[i].rows_count);
        tg_json_set_money(reason, "before", narrow(whatif->reasons[i].before), currency->scale,
                          currency->minor);
        tg_json_append(reasons, reason);
    }
    tg_json_set(json, "refused_by_reason", reasons);
    (void)tg_json_print(json, false, stdout);
    (void)fputc('\n', stdout);
    tg_json_free(json);
}

static void sums_print(const char *first, const char *second, const struct tg_whatif_sums *sums,
                       const struct tg_currency *currency)
{
    char before[TG_MONEY_TEXT_BYTES];
    char after[TG_MONEY_TEXT_BYTES];
    char change[TG_MONEY_TEXT_BYTES];
    (void)tg_money_format(narrow(sums->before), currency->scale, currency->minor, before);
    (void)tg_money_format(narrow(sums->after), currency->scale, currency->minor, after);
    (void)tg_money_format(narrow(sums->after - sums->before), currency->scale, currency->minor,
                          change);
    (void)printf("  %-20s %-16s %10llu %18s %18s %18s\n", first, second,
                 (unsigned long long)sums->rows_count, before, after, change);
}

static void totals_print(const struct tg_whatif_params *params, const struct tg_whatif *whatif,
                         bool by_zone, const struct tg_currency *currency)
{
    struct tg_whatif_cell *totals = calloc(whatif->cells_count + 1u, sizeof *totals);
    const uint32_t count = totals != NULL ? tg_whatif_totals(whatif, by_zone, totals) : 0;
    for (uint32_t i = 0; i < count; i++) {
        sums_print(by_zone ? "all"
                           : cell_name(params->catalog, TG_CATALOG_PRODUCT, totals[i].product),
                   by_zone ? cell_name(params->catalog, TG_CATALOG_ZONE, totals[i].zone) : "all",
                   &totals[i].sums, currency);
    }
    free(totals);
}

static void report_text(const struct tg_whatif_params *params, const struct tg_whatif *whatif,
                        const struct tg_currency *currency)
{
    (void)printf("usage priced again with catalog version %u, %s; nothing is changed\n",
                 params->candidate->version, currency->code);
    (void)printf("  %-20s %-16s %10s %18s %18s %18s\n", "product", "zone", "rows", "before",
                 "after", "difference");
    for (uint32_t i = 0; i < whatif->cells_count; i++) {
        sums_print(cell_name(params->catalog, TG_CATALOG_PRODUCT, whatif->cells[i].product),
                   cell_name(params->catalog, TG_CATALOG_ZONE, whatif->cells[i].zone),
                   &whatif->cells[i].sums, currency);
    }
    totals_print(params, whatif, false, currency);
    totals_print(params, whatif, true, currency);
    sums_print("all", "all", &whatif->total, currency);
    (void)printf("worst-hit accounts, of %u\n", whatif->payers_count);
    for (uint32_t i = 0; i < whatif->accounts_count && i < WORST_SHOWN; i++) {
        char name[TG_NAME_BYTES_MAX];
        (void)tg_roster_account_name(params->catalog->roster, whatif->accounts[i].account, name,
                                     sizeof name);
        sums_print(name, "", &whatif->accounts[i].sums, currency);
    }
    for (uint32_t i = 0; i < whatif->reasons_count; i++) {
        (void)printf("refused by the candidate: %llu rows, %s: %s\n",
                     (unsigned long long)whatif->reasons[i].rows_count,
                     tg_err_name(whatif->reasons[i].reason),
                     tg_err_sentence(whatif->reasons[i].reason));
    }
}

static void bar_move(void *context, uint64_t rows_count)
{
    tg_progress_step(context, rows_count);
}

static int whatif_ask(const struct options *options, struct tg_whatif_params *params)
{
    struct tg_why why = {.text = ""};
    struct tg_whatif *whatif = NULL;
    struct tg_progress bar;
    tg_progress_start(&bar, "price again", 0);
    params->progress = bar_move;
    params->progress_context = &bar;
    const enum tg_err err = tg_whatif_open(params, &whatif, &why);
    tg_progress_end(&bar);
    if (err != TG_OK) {
        return tg_cli_problem(&tg_verb_whatif, "%s",
                              why.text[0] != '\0' ? why.text : tg_err_sentence(err));
    }
    const struct tg_currency *currency = tg_currency_by_numeric(whatif->currency);
    const bool is_clean = whatif->total.refused_count == 0;
    if (options->is_json) {
        report_json(params, whatif, currency);
    } else {
        report_text(params, whatif, currency);
    }
    tg_whatif_close(whatif);
    return is_clean ? TG_EXIT_OK : TG_EXIT_PROBLEM;
}

static int candidate_open(const char *folder, const struct tg_catalog_snapshot *catalog,
                          struct tg_catalog_snapshot **candidate)
{
    struct tg_why why = {.text = ""};
    struct tg_diag *diag = tg_diag_open();
    const enum tg_err err =
        diag == NULL ? TG_E_NO_MEMORY
                     : tg_catalog_open_candidate(folder, catalog->images[catalog->images_count - 1],
                                                 diag, candidate, &why);
    if (err != TG_OK && diag != NULL) {
        tg_diag_sort(diag);
        (void)tg_diag_print(diag, stderr);
    }
    tg_diag_close(diag);
    return err == TG_OK
               ? TG_EXIT_OK
               : tg_cli_problem(&tg_verb_whatif, "%s has no usable catalog %s", folder, why.text);
}

static int whatif_run(int argc, char **argv)
{
    struct options options = {.catalog = NULL};
    struct tg_whatif_params params = {.size_bytes = sizeof params};
    int code = options_read(argc, argv, &options, &params);
    if (code != TG_EXIT_OK) {
        return code;
    }
    struct tg_why why = {.text = ""};
    struct tg_catalog_snapshot *candidate = NULL;
    struct tg_catalog_snapshot *catalog = NULL;
    uint8_t *wanted = NULL;
    if (tg_catalog_open(options.data, &catalog, &why) != TG_OK) {
        return tg_cli_problem(&tg_verb_whatif, "%s", why.text);
    }
    code = candidate_open(options.catalog, catalog, &candidate);
    if (code == TG_EXIT_OK) {
        code = tg_cli_accounts_wanted(&tg_verb_whatif, catalog, options.account, &wanted);
    }
    if (code == TG_EXIT_OK) {
        params.data_dir = options.data;
        params.catalog = catalog;
        params.candidate = candidate->images[0];
        params.accounts_wanted = wanted;
        code = whatif_ask(&options, &params);
    }
    free(wanted);
    tg_catalog_close(catalog);
    tg_catalog_close(candidate);
    return code;
}

const struct tg_verb tg_verb_whatif = {
    .name = "whatif",
    .summary = "price a past period with a candidate catalog and compare",
    .usage =
        "usage: tollgate whatif --catalog DIR --data DIR --from DATE --to DATE\n"
        "                       [--account ID] [--json] [--threads N] [--plugin FILE.so]...\n\n"
        "Usage of the period [from, to) is priced again with the catalog in DIR, whatever its\n"
        "valid_from; counters and allowances start as the rows before left them. Prints the\n"
        "difference by product and zone, by each alone, and the accounts that would pay most "
        "more.\n"
        "Nothing stored changes. --threads, as many as processors unless given, changes no "
        "number.\n"
        "Exit 1 when the candidate refuses usage that is rated now.\n",
    .run = whatif_run,
};
