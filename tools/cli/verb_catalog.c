/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "base/clock.h"
#include "catalog/catalog.h"
#include "catalog/keys.h"
#include "doc/diag.h"
#include "doc/json.h"
#include "doc/schema.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 256u

extern const struct tg_verb tg_verb_catalog;

struct options {
    const char *verb;
    const char *catalog;
    const char *data;
    const char *arguments[2];
    uint32_t arguments_count;
    bool is_json;
    bool is_strict;
};

static int options_read(int argc, char **argv, struct options *options)
{
    *options = (struct options){.catalog = "catalog", .data = "data"};
    for (int i = 1; i < argc; i++) {
        const bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--json") == 0) {
            options->is_json = true;
        } else if (strcmp(argv[i], "--strict") == 0) {
            options->is_strict = true;
        } else if (strcmp(argv[i], "--catalog") == 0 && has_value) {
            options->catalog = argv[++i];
        } else if (strcmp(argv[i], "--data") == 0 && has_value) {
            options->data = argv[++i];
        } else if (argv[i][0] == '-') {
            return tg_cli_usage(&tg_verb_catalog, "unknown or incomplete option %s", argv[i]);
        } else if (options->verb == NULL) {
            options->verb = argv[i];
        } else if (options->arguments_count < 2) {
            options->arguments[options->arguments_count++] = argv[i];
        } else {
            return tg_cli_usage(&tg_verb_catalog, "too many arguments");
        }
    }
    return options->verb != NULL
               ? TG_EXIT_OK
               : tg_cli_usage(&tg_verb_catalog, "say check, import, list, show, diff or schema");
}

static void summary_json(struct tg_json *out, const struct tg_catalog_summary *summary)
{
    tg_json_set_integer(out, "version", summary->version);
    tg_json_set_time(out, "valid_from", summary->valid_from_ns);
    tg_json_set_integer(out, "zones", summary->zones_count);
    tg_json_set_integer(out, "prefixes", (int64_t)summary->prefixes_count);
    tg_json_set_integer(out, "prices", summary->prices_count);
    tg_json_set_integer(out, "plans", summary->plans_count);
    tg_json_set_integer(out, "products", summary->products_count);
    tg_json_set_integer(out, "accounts", summary->accounts_count);
    tg_json_set_integer(out, "subscribers", summary->subscribers_count);
    tg_json_set_integer(out, "image_bytes", (int64_t)summary->image_bytes);
    if (summary->tzdata[0] != '\0') {
        tg_json_set_string(out, "tzdata", summary->tzdata);
    }
    if (summary->stored_ns != 0) {
        tg_json_set_time(out, "stored", summary->stored_ns);
    }
}

static void summary_print(const struct tg_catalog_summary *summary)
{
    char from[TG_CLOCK_TEXT_BYTES];
    (void)tg_clock_format(summary->valid_from_ns, from);
    (void)printf("version %u, valid from %s: %u zones, %" PRIu64 " prefixes, %u prices, %u plans, "
                 "%u products, %u accounts, %u subscribers%s%s\n",
                 summary->version, from, summary->zones_count, summary->prefixes_count,
                 summary->prices_count, summary->plans_count, summary->products_count,
                 summary->accounts_count, summary->subscribers_count,
                 summary->tzdata[0] != '\0' ? ", tz data " : "", summary->tzdata);
}

/* Mistakes go to stderr, or into the one JSON object on stdout. */
static int outcome_print(const struct options *options, enum tg_err err, struct tg_diag *diag,
                         const struct tg_catalog_summary *summary, const struct tg_why *why)
{
    if (options->is_json && (err == TG_OK || err == TG_E_DOCUMENT)) {
        if (err == TG_E_DOCUMENT) {
            tg_diag_print_json(diag, stdout);
            return TG_EXIT_PROBLEM;
        }
        struct tg_json *out = tg_json_object();
        summary_json(out, summary);
        tg_diag_json(diag, out);
        tg_json_set_bool(out, "unchanged", summary->is_unchanged);
        (void)tg_json_print(out, false, stdout);
        (void)putchar('\n');
        tg_json_free(out);
        return TG_EXIT_OK;
    }
    tg_diag_print(diag, stderr);
    if (err != TG_OK) {
        return err == TG_E_DOCUMENT
                   ? TG_EXIT_PROBLEM
                   : tg_cli_problem(&tg_verb_catalog, "%s",
                                    why->text[0] != '\0' ? why->text : tg_err_sentence(err));
    }
    summary_print(summary);
    if (summary->is_unchanged) {
        (void)puts("this version was stored before; prices are unchanged");
    }
    return TG_EXIT_OK;
}

static struct tg_diag *diag_open(const struct options *options)
{
    struct tg_diag *diag = tg_diag_open();
    if (diag != NULL && options->is_strict) {
        tg_diag_be_strict(diag);
    }
    return diag;
}

static int check_run(const struct options *options)
{
    struct tg_diag *diag = diag_open(options);
    struct tg_catalog_summary summary = {0};
    const struct tg_why why = {0};
    if (diag == NULL) {
        return tg_cli_problem(&tg_verb_catalog, "no memory");
    }
    const enum tg_err err = tg_catalog_check(options->catalog, diag, &summary);
    const int result = outcome_print(options, err, diag, &summary, &why);
    tg_diag_close(diag);
    return result;
}

static int import_run(const struct options *options)
{
    struct tg_diag *diag = diag_open(options);
    struct tg_catalog_summary summary = {0};
    struct tg_why why = {0};
    if (diag == NULL) {
        return tg_cli_problem(&tg_verb_catalog, "no memory");
    }
    const enum tg_err err =
        tg_catalog_import(options->catalog, options->data, tg_clock_now_ns(), diag, &summary, &why);
    const int result = outcome_print(options, err, diag, &summary, &why);
    tg_diag_close(diag);
    return result;
}

/* All stored versions, or the one that is asked for: the newest when no number is given. */
static int versions_print(const struct options *options, bool is_list)
{
    struct tg_why why = {0};
    uint32_t count = 0;
    struct tg_catalog_summary *summaries = calloc(LIST_MAX, sizeof *summaries);
    const enum tg_err err = summaries != NULL
                                ? tg_catalog_list(options->data, summaries, LIST_MAX, &count, &why)
                                : TG_E_NO_MEMORY;
    if (err != TG_OK) {
        free(summaries);
        return tg_cli_problem(&tg_verb_catalog, "%s", why.text);
    }
    const unsigned long wanted =
        options->arguments_count > 0 ? strtoul(options->arguments[0], NULL, 10) : 0;
    uint32_t at = is_list ? 0 : count - 1;
    for (; !is_list && wanted != 0 && summaries[at].version != wanted; at--) {
        if (at == 0) {
            free(summaries);
            return tg_cli_problem(&tg_verb_catalog, "version %s is not stored",
                                  options->arguments[0]);
        }
    }
    struct tg_json *list = tg_json_list();
    for (uint32_t i = at; i < (is_list ? count : at + 1); i++) {
        struct tg_json *item = tg_json_object();
        summary_json(item, &summaries[i]);
        tg_json_append(list, item);
        if (!options->is_json) {
            summary_print(&summaries[i]);
        }
    }
    if (options->is_json) {
        (void)tg_json_print(is_list ? list : tg_json_at(list, 0), false, stdout);
        (void)putchar('\n');
    }
    tg_json_free(list);
    free(summaries);
    return TG_EXIT_OK;
}

static int list_run(const struct options *options)
{
    return versions_print(options, true);
}

static int show_run(const struct options *options)
{
    return versions_print(options, false);
}

static void change_print(const struct tg_json *item)
{
    const char *field = tg_json_get_text(item, "field", NULL);
    (void)printf("%-7s %s %s", tg_json_get_text(item, "change", ""),
                 tg_json_get_text(item, "kind", ""), tg_json_get_text(item, "name", ""));
    if (field != NULL) {
        (void)printf(" %s: %s -> %s", field, tg_json_get_text(item, "from", ""),
                     tg_json_get_text(item, "to", ""));
    }
    (void)putchar('\n');
}

static int diff_print(const struct options *options, const struct tg_image *before,
                      const struct tg_image *after)
{
    struct tg_json *changes = tg_catalog_diff(before, after);
    if (options->is_json) {
        (void)tg_json_print(changes, false, stdout);
        (void)putchar('\n');
    } else if (tg_json_count(changes) == 0) {
        (void)puts("no difference in prices");
    }
    for (size_t i = 0; !options->is_json && i < tg_json_count(changes); i++) {
        change_print(tg_json_at(changes, i));
    }
    tg_json_free(changes);
    return TG_EXIT_OK;
}

/* A version number names a stored image; nothing means: the newest stored against the folder. */
static int diff_run(const struct options *options)
{
    struct tg_why why = {0};
    struct tg_catalog_snapshot *stored = NULL;
    struct tg_catalog_snapshot *folder = NULL;
    struct tg_diag *diag = tg_diag_open();
    const struct tg_image *sides[2] = {NULL, NULL};
    int result = TG_EXIT_PROBLEM;
    if (diag == NULL || tg_catalog_open(options->data, &stored, &why) != TG_OK) {
        result = tg_cli_problem(&tg_verb_catalog, "%s", why.text);
        goto out;
    }
    sides[0] = stored->images[stored->images_count - 1];
    for (uint32_t i = 0; i < options->arguments_count; i++) {
        const unsigned long version = strtoul(options->arguments[i], NULL, 10);
        sides[i] = tg_catalog_image_version(stored, (uint32_t)version);
        if (sides[i] == NULL) {
            result =
                tg_cli_problem(&tg_verb_catalog, "version %s is not stored", options->arguments[i]);
            goto out;
        }
    }
    if (sides[1] == NULL) {
        if (tg_catalog_open_folder(options->catalog, diag, &folder, &why) != TG_OK) {
            tg_diag_print(diag, stderr);
            goto out;
        }
        sides[1] = folder->images[0];
    }
    result = diff_print(options, sides[0], sides[1]);
out:
    tg_catalog_close(folder);
    tg_catalog_close(stored);
    tg_diag_close(diag);
    return result;
}

/* Of each catalog document, made from the tables that check it. */
static int schema_run(const struct options *options)
{
    (void)options;
    struct tg_json *json = tg_schema_json(&tg_catalog_keys, "catalog.schema.json",
                                          "One YAML document of a catalog folder");
    (void)tg_json_print(json, true, stdout);
    (void)fputc('\n', stdout);
    tg_json_free(json);
    return TG_EXIT_OK;
}

static int catalog_run(int argc, char **argv)
{
    struct options options;
    const int usage = options_read(argc, argv, &options);
    if (usage != TG_EXIT_OK) {
        return usage;
    }
    static const struct {
        const char *name;
        int (*run)(const struct options *options);
    } verbs[] = {{"check", check_run}, {"import", import_run}, {"list", list_run},
                 {"show", show_run},   {"diff", diff_run},     {"schema", schema_run}};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].name, options.verb) == 0) {
            return verbs[i].run(&options);
        }
    }
    return tg_cli_usage(&tg_verb_catalog, "unknown subject %s", options.verb);
}

const struct tg_verb tg_verb_catalog = {
    .name = "catalog",
    .summary = "check, import, list, show and compare price catalogs",
    .usage =
        "usage: tollgate catalog check  [--catalog DIR] [--strict] [--json]\n"
        "       tollgate catalog import [--catalog DIR] [--data DIR] [--strict] [--json]\n"
        "       tollgate catalog list   [--data DIR] [--json]\n"
        "       tollgate catalog show   [VERSION] [--data DIR] [--json]\n"
        "       tollgate catalog diff   [VERSION [VERSION]] [--catalog DIR] [--data DIR]\n"
        "                               [--json]\n"
        "       tollgate catalog schema\n\n"
        "check reports every mistake of a folder with file, line and column. import stores a\n"
        "folder as a new version, all or nothing. list tells of all stored versions, show of one\n"
        "(the newest by default), with the tz data it was compiled with. diff compares two\n"
        "stored versions, or a stored one (the newest by default) with the folder. schema\n"
        "prints the JSON Schema of a catalog's YAML documents.\n\n"
        "  --catalog DIR  folder with *.yaml, CSV decks, accounts.csv and subscribers.csv\n"
        "                 (default: catalog)\n"
        "  --data DIR     data directory (default: data)\n"
        "  --strict       a warning is an error: exit 1, nothing is stored\n"
        "  --json         print JSON; warnings have the code of their lint\n",
    .run = catalog_run,
};
