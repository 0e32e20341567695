/* SPDX-License-Identifier: Apache-2.0 */
/* thresholds: which rows reached a threshold of an allowance or a spend limit, from the journal. */
#include "cli/cli.h"

#include "base/clock.h"
#include "base/money.h"
#include "bill/adjust.h"
#include "bill/replay.h"
#include "catalog/catalog.h"
#include "doc/json.h"
#include "plug/registry.h"

#include <string.h>

#define ID_BYTES 64u

extern const struct tg_verb tg_verb_thresholds;

struct options {
    const char *data;
    int64_t from_ns;
    int64_t to_ns;
    bool is_json;
};

struct listing {
    const struct options *options;
    const struct tg_catalog_snapshot *catalog;
    uint64_t count;
};

/* One threshold that one row reached. */
struct crossing {
    const char *kind;
    const char *name;
    char threshold[TG_MONEY_TEXT_BYTES];
    char used[TG_MONEY_TEXT_BYTES];
    const char *unit;
};

static int options_read(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        const bool has_value = strcmp(arg, "--data") == 0 || strcmp(arg, "--from") == 0 ||
                               strcmp(arg, "--to") == 0 || strcmp(arg, "--plugin") == 0;
        if (has_value && i + 1 == argc) {
            return tg_cli_usage(&tg_verb_thresholds, "%s wants a value", arg);
        }
        if (strcmp(arg, "--data") == 0) {
            options->data = argv[++i];
        } else if (strcmp(arg, "--from") == 0 || strcmp(arg, "--to") == 0) {
            int64_t *at = strcmp(arg, "--from") == 0 ? &options->from_ns : &options->to_ns;
            const char *text = argv[++i];
            if (tg_clock_parse(text, strlen(text), at) != TG_OK) {
                return tg_cli_usage(&tg_verb_thresholds, "%s: '%s' is no date or time", arg, text);
            }
        } else if (strcmp(arg, "--plugin") == 0) {
            struct tg_why why = {.text = ""};
            if (tg_plug_load(argv[++i], &why) != TG_OK) {
                return tg_cli_problem(&tg_verb_thresholds, "plug-in refused: %s", why.text);
            }
        } else if (strcmp(arg, "--json") == 0) {
            options->is_json = true;
        } else {
            return tg_cli_usage(&tg_verb_thresholds, "unknown argument '%s'", arg);
        }
    }
    return options->data != NULL && options->from_ns < options->to_ns
               ? TG_EXIT_OK
               : tg_cli_usage(&tg_verb_thresholds, options->data == NULL
                                                       ? "give --data DIR"
                                                       : "--to must be after --from");
}

/* The journal says which rows; how far they went is worked out again. */
static void choose(void *context, const struct tg_replay_rows *rows, uint8_t *choices)
{
    const struct listing *listing = context;
    for (uint32_t i = 0; i < rows->count; i++) {
        const bool is_asked = (rows->stored[i]->flags & TG_CHARGE_THRESHOLD) != 0 &&
                              rows->usage[i]->start_ns >= listing->options->from_ns &&
                              rows->usage[i]->start_ns < listing->options->to_ns;
        choices[i] = is_asked ? TG_REPLAY_AS_PRICED : TG_REPLAY_APPLY;
    }
}

static void crossing_print(struct listing *listing, const struct tg_replay_row *row,
                           const struct crossing *crossing)
{
    const struct tg_roster *roster = listing->catalog->roster;
    const struct tg_roster_line *who = tg_roster_line(roster, row->stored->subscriber);
    char subscription[ID_BYTES];
    char account[ID_BYTES] = "";
    char start[TG_CLOCK_TEXT_BYTES];
    char place[ID_BYTES];
    char key[20];
    (void)tg_roster_subscriber_name(
        roster, tg_replay_line_of(listing->catalog, row->usage, row->stored->subscriber),
        subscription, ID_BYTES);
    if (who != NULL) {
        (void)tg_roster_account_name(roster, who->account, account, ID_BYTES);
    }
    (void)snprintf(place, sizeof place, "%llu:%u", (unsigned long long)row->epoch, row->index);
    (void)snprintf(key, sizeof key, "%016llx", (unsigned long long)row->usage->record_key);
    (void)tg_clock_format(row->usage->start_ns, start);
    listing->count++;
    if (!listing->options->is_json) {
        (void)printf("%s  %s of %s: %s %s reached %s%s%s at %s%s%s, row %s, record %s\n", start,
                     subscription, account, crossing->kind, crossing->name, crossing->threshold,
                     crossing->unit[0] == '%' ? "" : " ", crossing->unit, crossing->used,
                     crossing->unit[0] == '%' ? "" : " ", crossing->unit, place, key);
        return;
    }
    struct tg_json *json = tg_json_object();
    tg_json_set_string(json, "start", start);
    tg_json_set_string(json, "account", account);
    tg_json_set_string(json, "subscription", subscription);
    tg_json_set_string(json, crossing->kind, crossing->name);
    tg_json_set_string(json, "threshold", crossing->threshold);
    tg_json_set_string(json, "reached", crossing->used);
    tg_json_set_string(json, "unit", crossing->unit);
    tg_json_set_string(json, "row", place);
    tg_json_set_string(json, "record_key", key);
    tg_json_set_integer(json, "source", row->usage->source_id);
    tg_json_set_integer(json, "sequence", row->usage->sequence);
    (void)tg_json_print(json, false, stdout);
    (void)fputc('\n', stdout);
    tg_json_free(json);
}

static void allowance_tell(struct listing *listing, const struct tg_replay_row *row,
                           const struct tg_allowance_use *use)
{
    const struct tg_allowance *allowance = tg_image_allowance(row->image, use->allowance);
    struct crossing crossing = {
        .kind = "allowance",
        .name = tg_image_name(row->image, TG_CATALOG_ALLOWANCE, use->allowance),
        .unit = "%",
    };
    /* What is left of what was granted, as a percentage used, rounded down. */
    const uint64_t granted =
        allowance->amount_base > use->left_base ? allowance->amount_base : use->left_base;
    const uint64_t used = granted - use->left_base;
    (void)snprintf(crossing.used, sizeof crossing.used, "%u",
                   (unsigned)((unsigned __int128)used * 100 / (granted > 0 ? granted : 1)));
    for (uint32_t i = 0; i < TG_THRESHOLDS_MAX; i++) {
        if ((use->fired_mask >> i & 1u) != 0) {
            (void)snprintf(crossing.threshold, sizeof crossing.threshold, "%u",
                           allowance->thresholds_percent[i]);
            crossing_print(listing, row, &crossing);
        }
    }
}

static void limit_tell(struct listing *listing, const struct tg_replay_row *row,
                       const struct tg_spend_use *use)
{
    const struct tg_image *image = row->image;
    const struct tg_spend_limit *limit = tg_image_spend_limit(image, use->limit);
    const struct tg_currency *currency = tg_currency_by_numeric(image->currency);
    struct crossing crossing = {
        .kind = "spend_limit",
        .name = tg_image_name(image, TG_CATALOG_SPEND_LIMIT, use->limit),
        .unit = currency != NULL ? currency->code : "?",
    };
    (void)tg_money_format(use->spent, image->scale, image->minor, crossing.used);
    for (uint32_t i = 0; i < TG_THRESHOLDS_MAX; i++) {
        if ((use->fired_mask >> i & 1u) != 0) {
            (void)tg_money_format(limit->thresholds[i], image->scale, image->minor,
                                  crossing.threshold);
            crossing_print(listing, row, &crossing);
        }
    }
}

static void row_tell(struct listing *listing, const struct tg_replay_row *row)
{
    for (uint32_t i = 0; row->trace != NULL && i < row->trace->uses_count; i++) {
        allowance_tell(listing, row, &row->trace->uses[i]);
    }
    for (uint32_t i = 0; row->trace != NULL && i < row->trace->spends_count; i++) {
        limit_tell(listing, row, &row->trace->spends[i]);
    }
}

static enum tg_err visit(void *context, const struct tg_replay_batch *batch)
{
    for (uint32_t i = 0; i < batch->rows.count; i++) {
        struct tg_replay_row row;
        tg_replay_batch_row(batch, i, &row);
        row_tell(context, &row);
    }
    return TG_OK;
}

static int thresholds_run(int argc, char **argv)
{
    struct options options = {.from_ns = 0, .to_ns = INT64_MAX};
    int code = options_read(argc, argv, &options);
    if (code != TG_EXIT_OK) {
        return code;
    }
    struct tg_why why = {.text = ""};
    struct tg_catalog_snapshot *catalog = NULL;
    if (tg_catalog_open(options.data, &catalog, &why) != TG_OK) {
        return tg_cli_problem(&tg_verb_thresholds, "%s", why.text);
    }
    struct listing listing = {.options = &options, .catalog = catalog};
    struct tg_adjust_index *adjustments = NULL;
    struct tg_replay_stats stats;
    enum tg_err err = tg_adjust_index_open(options.data, 0, &adjustments, &why);
    if (err == TG_OK) {
        const struct tg_replay_params params = {.size_bytes = sizeof params,
                                                .wants_traces = true,
                                                .data_dir = options.data,
                                                .catalog = catalog,
                                                .adjustments = adjustments,
                                                .from_ns = options.from_ns,
                                                .to_ns = options.to_ns,
                                                .choose = choose,
                                                .visit = visit,
                                                .context = &listing};
        err = tg_replay_run(&params, &stats, &why);
    }
    tg_adjust_index_close(adjustments);
    tg_catalog_close(catalog);
    if (err != TG_OK) {
        return tg_cli_problem(&tg_verb_thresholds, "%s",
                              why.text[0] != '\0' ? why.text : tg_err_sentence(err));
    }
    if (!options.is_json) {
        (void)printf("%llu thresholds reached\n", (unsigned long long)listing.count);
    }
    return TG_EXIT_OK;
}

const struct tg_verb tg_verb_thresholds = {
    .name = "thresholds",
    .summary = "list the rows that reached a threshold of an allowance or spend limit",
    .usage = "usage: tollgate thresholds --data DIR [--from TIME] [--to TIME] [--json]\n"
             "                           [--plugin FILE.so]...\n\n"
             "Each threshold is told once a period, with the row that reached it: its place in\n"
             "the journal (EPOCH:INDEX) and its record key, as `tollgate explain` takes them.\n"
             "TIME is a date or RFC 3339 time of the event; --json prints one object a line.\n",
    .run = thresholds_run,
};
