/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bill_lookup.h"
#include "cli/cli.h"

#include "base/clock.h"
#include "base/money.h"
#include "bill/posting.h"
#include "bill/rerate.h"
#include "control/socket.h"
#include "doc/diag.h"
#include "doc/json.h"
#include "plug/registry.h"
#include "store/file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ATTEMPTS_MAX  3u   /* while new rows of the same accounts come in */
#define PARTS_MAX     20u  /* what comes in all the time may be wrong all the time */
#define POST_WAIT_S   600u /* an engine may first finish a checkpoint */
#define CHANGES_SHOWN 20u  /* In the table without --all; --json shows every one. */

extern const struct tg_verb tg_verb_rerate;

struct options {
    const char *catalog; /* A version's number, a folder, or NULL: as stored now. */
    const char *data;
    const char *from;
    const char *to;
    const char *account;
    const char *source;
    const char *price;
    const char *deck;
    const char *product;
    const char *node;
    const char *threads;
    const char *order;
    bool backs_out;
    bool of_sessions;
    bool posts;
    bool is_json;
    bool is_all;
};

/* All that is open during a job. */
struct open_things {
    struct tg_catalog_snapshot *catalog;
    struct tg_catalog_snapshot *folder;
    struct tg_data_lock lock;
    uint8_t *wanted;
    bool is_live;          /* an engine runs there */
    bool is_overtaken;     /* it had new rows of the same accounts */
    bool is_partial;       /* and posted the others */
    struct tg_json *parts; /* epochs of what was posted before */
    uint32_t parts_count;
    uint32_t attempts_left;
};

static const char **value_of(struct options *options, const char *name)
{
    const struct {
        const char *name;
        const char **at;
    } table[] = {{"--catalog", &options->catalog}, {"--data", &options->data},
                 {"--from", &options->from},       {"--to", &options->to},
                 {"--account", &options->account}, {"--source", &options->source},
                 {"--price", &options->price},     {"--deck", &options->deck},
                 {"--product", &options->product}, {"--node", &options->node},
                 {"--threads", &options->threads}, {"--order", &options->order}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return table[i].at;
        }
    }
    return NULL;
}

static int flag_read(const char *arg, struct options *options)
{
    if (strcmp(arg, "--post") == 0) {
        options->posts = true;
    } else if (strcmp(arg, "--backout") == 0) {
        options->backs_out = true;
    } else if (strcmp(arg, "--sessions") == 0) {
        options->of_sessions = true;
    } else if (strcmp(arg, "--json") == 0) {
        options->is_json = true;
    } else if (strcmp(arg, "--all") == 0) {
        options->is_all = true;
    } else {
        return tg_cli_usage(&tg_verb_rerate, "unknown option '%s'", arg);
    }
    return TG_EXIT_OK;
}

static bool number_read(const char *text, uint16_t *number)
{
    char *end = NULL;
    const unsigned long value = strtoul(text, &end, 10);
    *number = (uint16_t)value;
    return end != text && *end == '\0' && value <= UINT16_MAX;
}

static int selector_read(const struct options *options, struct tg_rerate_selector *selector)
{
    *selector = (struct tg_rerate_selector){.from_ns = INT64_MIN,
                                            .to_ns = INT64_MAX,
                                            .price_name = options->price,
                                            .deck_name = options->deck,
                                            .product_name = options->product,
                                            .of_sessions = options->of_sessions};
    if ((options->from != NULL &&
         tg_clock_parse(options->from, strlen(options->from), &selector->from_ns) != TG_OK) ||
        (options->to != NULL &&
         tg_clock_parse(options->to, strlen(options->to), &selector->to_ns) != TG_OK)) {
        return tg_cli_usage(&tg_verb_rerate, "--from and --to want dates, YYYY-MM-DD");
    }
    uint16_t number = 0;
    if (options->source != NULL && !number_read(options->source, &number)) {
        return tg_cli_usage(&tg_verb_rerate, "--source wants a number, as audit prints it");
    }
    selector->source_id = options->source != NULL ? number : -1;
    if (options->node != NULL &&
        (!number_read(options->node, &selector->node_id) || selector->node_id == 0)) {
        return tg_cli_usage(&tg_verb_rerate, "--node wants a number, as explain prints it");
    }
    return TG_EXIT_OK;
}

/* What is to be done with the selected rows. */
static int kind_read(const struct options *options, struct tg_rerate_params *params)
{
    const bool is_event = options->order != NULL && strcmp(options->order, "event") == 0;
    if (options->order != NULL && !is_event && strcmp(options->order, "arrival") != 0) {
        return tg_cli_usage(&tg_verb_rerate, "--order wants event or arrival, not '%s'",
                            options->order);
    }
    if (options->backs_out && (is_event || options->catalog != NULL)) {
        return tg_cli_usage(
            &tg_verb_rerate,
            "--backout prices nothing: it goes without --catalog and --order event");
    }
    if (options->backs_out && options->from == NULL && options->to == NULL &&
        options->account == NULL && options->source == NULL && options->price == NULL &&
        options->deck == NULL && options->product == NULL && options->node == NULL &&
        !options->of_sessions) {
        return tg_cli_usage(&tg_verb_rerate, "--backout wants a selector: without one it would "
                                             "take back all there is");
    }
    params->by_event = is_event;
    params->backs_out = options->backs_out;
    return TG_EXIT_OK;
}

static int options_read(int argc, char **argv, struct options *options,
                        struct tg_rerate_params *params)
{
    for (int i = 1; i < argc; i++) {
        const char **value = value_of(options, argv[i]);
        const bool is_plugin = strcmp(argv[i], "--plugin") == 0;
        struct tg_why why = {.text = ""};
        if ((value != NULL || is_plugin) && i + 1 == argc) {
            return tg_cli_usage(&tg_verb_rerate, "%s wants a value", argv[i]);
        }
        if (value != NULL) {
            *value = argv[++i];
        } else if (is_plugin) {
            if (tg_plug_load(argv[++i], &why) != TG_OK) {
                return tg_cli_problem(&tg_verb_rerate, "plug-in refused: %s", why.text);
            }
        } else {
            const int code = flag_read(argv[i], options);
            if (code != TG_EXIT_OK) {
                return code;
            }
        }
    }
    if (options->data == NULL) {
        return tg_cli_usage(&tg_verb_rerate, "give --data DIR");
    }
    int code = kind_read(options, params);
    if (code == TG_EXIT_OK) {
        code = tg_cli_threads(&tg_verb_rerate, options->threads, &params->threads_count);
    }
    return code == TG_EXIT_OK ? selector_read(options, &params->selector) : code;
}

static int folder_open(const struct options *options, struct open_things *things,
                       const struct tg_image **image)
{
    struct tg_why why = {.text = ""};
    struct tg_diag *diag = tg_diag_open();
    if (diag == NULL ||
        tg_catalog_open_candidate(options->catalog,
                                  things->catalog->images[things->catalog->images_count - 1], diag,
                                  &things->folder, &why) != TG_OK) {
        if (diag != NULL) {
            tg_diag_sort(diag);
            (void)tg_diag_print(diag, stderr);
        }
        tg_diag_close(diag);
        return tg_cli_problem(&tg_verb_rerate, "%s is neither a stored version nor a catalog %s",
                              options->catalog, why.text);
    }
    tg_diag_close(diag);
    *image = things->folder->images[0];
    /* What is posted must name a version that can still be asked for: the stored twin. */
    const struct tg_image *twin = tg_catalog_image_version(things->catalog, (*image)->version);
    const bool is_stored = twin != NULL && twin->content_hash == (*image)->content_hash;
    if (is_stored) {
        *image = twin;
    } else if (options->posts) {
        return tg_cli_problem(&tg_verb_rerate,
                              "the catalog in %s is not stored: `tollgate catalog import` it, "
                              "then post with --catalog %u",
                              options->catalog, (*image)->version);
    }
    return TG_EXIT_OK;
}

static int candidate_find(const struct options *options, struct open_things *things,
                          const struct tg_image **image)
{
    *image = NULL;
    if (options->catalog == NULL) {
        return TG_EXIT_OK;
    }
    char *end = NULL;
    const unsigned long version = strtoul(options->catalog, &end, 10);
    if (end != options->catalog && *end == '\0') {
        *image = version <= UINT32_MAX
                     ? tg_catalog_image_version(things->catalog, (uint32_t)version)
                     : NULL;
        return *image != NULL ? TG_EXIT_OK
                              : tg_cli_problem(&tg_verb_rerate, "no catalog version %s is stored",
                                               options->catalog);
    }
    return folder_open(options, things, image);
}

static int64_t narrow(__int128 sum)
{
    return sum > INT64_MAX ? INT64_MAX : sum < INT64_MIN ? INT64_MIN : (int64_t)sum;
}

static const char *price_name(const struct open_things *things, const struct tg_image *candidate,
                              const struct tg_charge *charge)
{
    const struct tg_image *image =
        candidate != NULL && candidate->version == charge->catalog_version
            ? candidate
            : tg_catalog_image_version(things->catalog, charge->catalog_version);
    return image != NULL ? tg_image_name(image, TG_CATALOG_PRICE, charge->price_id) : "";
}

static struct tg_json *change_json(const struct open_things *things,
                                   const struct tg_image *candidate,
                                   const struct tg_rerate_change *change)
{
    struct tg_json *json = tg_json_object();
    const struct tg_currency *currency = tg_currency_by_numeric(change->charge.currency);
    char text[TG_NAME_BYTES_MAX];
    (void)snprintf(text, sizeof text, "%llu:%u", (unsigned long long)change->epoch, change->index);
    tg_json_set_string(json, "row", text);
    (void)snprintf(text, sizeof text, "%016llx", (unsigned long long)change->row.peer_key);
    tg_json_set_string(json, "record_key", text);
    (void)snprintf(text, sizeof text, "%016llx", (unsigned long long)change->row.record_key);
    tg_json_set_string(json, "adjustment", text);
    (void)tg_roster_subscriber_name(
        things->catalog->roster,
        tg_replay_line_of(things->catalog, &change->row, change->charge.subscriber), text,
        sizeof text);
    tg_json_set_string(json, "subscription", text);
    tg_json_set_time(json, "start", change->row.start_ns);
    tg_json_set_string(json, "price", price_name(things, candidate, &change->charge));
    tg_json_set_integer(json, "catalog_version", change->charge.catalog_version);
    tg_json_set_bool(json, "selected", change->is_selected);
    tg_json_set_bool(json, "silent", change->is_silent);
    if (currency != NULL) {
        tg_json_set_string(json, "currency", currency->code);
        tg_json_set_money(json, "before", change->amount_before, currency->scale, currency->minor);
        tg_json_set_money(json, "difference", change->charge.amount, currency->scale,
                          currency->minor);
    }
    tg_json_set_integer(json, "billed_difference", (int64_t)change->charge.billed_units);
    tg_json_set_integer(json, "allowance_difference", (int64_t)change->charge.allowance_units);
    tg_json_set_string(json, "unit", tg_unit_name(change->charge.unit));
    return json;
}

static void report_json(const struct options *options, struct open_things *things,
                        const struct tg_image *candidate, const struct tg_rerate *rerate,
                        uint64_t epoch)
{
    struct tg_json *json = tg_json_object();
    tg_json_set_integer(json, "rows_selected", (int64_t)rerate->selected_count);
    tg_json_set_integer(json, "rows_following", (int64_t)rerate->followers_count);
    tg_json_set_integer(json, "rows_refused", (int64_t)rerate->refused_count);
    tg_json_set_integer(json, "rows_changed", (int64_t)rerate->changes_count);
    tg_json_set_integer(json, "rows_silent", (int64_t)rerate->silent_count);
    tg_json_set_integer(json, "shelves_changed", (int64_t)rerate->shelves_count);
    tg_json_set_string(json, "kind",
                       options->backs_out                                               ? "backout"
                       : options->order != NULL && strcmp(options->order, "event") == 0 ? "order"
                                                                                        : "rerate");
    tg_json_set_integer(json, "accounts_out_of_order", rerate->late_count);
    tg_json_set_integer(json, "accounts_reordered", rerate->orders_count);
    tg_json_set_bool(json, "posted", epoch != 0);
    tg_json_set(json, "earlier_epochs", things->parts);
    things->parts = NULL;
    tg_json_set_integer(json, "epoch", (int64_t)epoch);
    const struct tg_currency *currency = tg_currency_by_numeric(rerate->currency);
    if (currency != NULL) {
        tg_json_set_string(json, "currency", currency->code);
        tg_json_set_money(json, "difference", narrow(rerate->difference), currency->scale,
                          currency->minor);
        tg_json_set_money(json, "raised", narrow(rerate->raised), currency->scale, currency->minor);
        tg_json_set_money(json, "lowered", narrow(rerate->raised - rerate->difference),
                          currency->scale, currency->minor);
    }
    struct tg_json *changes = tg_json_list();
    for (uint32_t i = 0; i < rerate->changes_count; i++) {
        tg_json_append(changes, change_json(things, candidate, &rerate->changes[i]));
    }
    tg_json_set(json, "changes", changes);
    (void)tg_json_print(json, false, stdout);
    (void)fputc('\n', stdout);
    tg_json_free(json);
}

/* What costs something else; rows that only draw elsewhere are in the JSON. */
static void changes_text(const struct options *options, const struct open_things *things,
                         const struct tg_rerate *rerate)
{
    uint32_t shown = 0;
    for (uint32_t i = 0; i < rerate->changes_count; i++) {
        const struct tg_rerate_change *change = &rerate->changes[i];
        const struct tg_currency *own = tg_currency_by_numeric(change->charge.currency);
        char name[TG_NAME_BYTES_MAX];
        char text[TG_MONEY_TEXT_BYTES];
        if (change->is_silent) {
            continue;
        }
        if (shown++ == CHANGES_SHOWN && !options->is_all) {
            (void)printf("  ... and %u more: --all or --json shows them\n",
                         rerate->changes_count - rerate->silent_count - CHANGES_SHOWN);
            break;
        }
        (void)tg_roster_subscriber_name(
            things->catalog->roster,
            tg_replay_line_of(things->catalog, &change->row, change->charge.subscriber), name,
            sizeof name);
        (void)tg_money_format(change->charge.amount, own != NULL ? own->scale : 0,
                              own != NULL ? own->minor : 0, text);
        (void)printf("  row %llu:%u of %s: %s\n", (unsigned long long)change->epoch, change->index,
                     name, text);
    }
}

static void report_text(const struct options *options, const struct open_things *things,
                        const struct tg_rerate *rerate, uint64_t epoch)
{
    if (options->backs_out) {
        (void)printf("%llu rows selected, all of them taken back",
                     (unsigned long long)rerate->selected_count);
    } else {
        (void)printf("%llu rows selected, %llu behind them priced again, %u change",
                     (unsigned long long)rerate->selected_count,
                     (unsigned long long)rerate->followers_count,
                     rerate->changes_count - rerate->silent_count);
    }
    const struct tg_currency *currency = tg_currency_by_numeric(rerate->currency);
    char text[TG_MONEY_TEXT_BYTES];
    if (currency != NULL) {
        (void)tg_money_format(narrow(rerate->difference), currency->scale, currency->minor, text);
        (void)printf(" by %s %s", text, currency->code);
    }
    (void)printf("\n");
    if (rerate->late_count > 0) {
        (void)printf("%u accounts have rows that came behind later ones; %u of them are changed by "
                     "the order of events\n",
                     rerate->late_count, rerate->orders_count);
    }
    if (rerate->shelves_count > 0 || rerate->silent_count > 0) {
        (void)printf("%u subscriptions or accounts have other allowances, pools or counters left; "
                     "%u rows cost the same and draw elsewhere\n",
                     rerate->shelves_count, rerate->silent_count);
    }
    changes_text(options, things, rerate);
    if (rerate->refused_count > 0) {
        (void)printf("%llu rows are refused now (%s); their charges stand\n",
                     (unsigned long long)rerate->refused_count,
                     tg_err_name(rerate->refused_reason));
    }
    if (epoch != 0) {
        (void)printf("posted as adjustments in epoch %llu of the journal\n",
                     (unsigned long long)epoch);
    } else if (rerate->changes_count == 0 && rerate->shelves_count == 0) {
        (void)printf("nothing to post\n");
    } else {
        (void)printf("nothing posted: --post does\n");
    }
}

static void bar_move(void *context, uint64_t rows_count)
{
    tg_progress_step(context, rows_count);
}

/* A running engine posts it, if nothing has come in between; AGAIN: something has. */
static enum tg_err live_post(const struct options *options, struct open_things *things,
                             const struct tg_rerate *rerate, const struct tg_rerate_params *params,
                             uint64_t *epoch, struct tg_why *why)
{
    char path[4096];
    char answer[4096];
    struct tg_json *json = NULL;
    int fd = -1;
    *epoch = 0;
    if (rerate->changes_count == 0 && rerate->shelves_count == 0) {
        return TG_OK;
    }
    enum tg_err err = tg_posting_make(rerate, params, &fd, why);
    (void)snprintf(path, sizeof path, "%s/control.sock", options->data);
    if (err == TG_OK) {
        err = tg_control_ask_with(path, "{\"command\":\"rerate_post\"}", fd, POST_WAIT_S, answer,
                                  sizeof answer);
        err = err == TG_OK ? tg_json_parse(answer, strlen(answer), &json, why)
                           : tg_why_set(why, err,
                                        "the engine gave no answer: run again, what is posted "
                                        "is not posted twice");
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (err == TG_OK && tg_json_get_bool(json, "ok", false)) {
        *epoch = (uint64_t)tg_json_get_integer(json, "epoch", 0);
        things->is_partial = tg_json_get_bool(json, "partial", false);
        if (things->is_partial) {
            err = tg_why_set(why, TG_E_AGAIN, "all but some is posted in epoch %llu: %s",
                             (unsigned long long)*epoch, tg_json_get_text(json, "message", ""));
        }
    } else if (err == TG_OK) {
        const bool is_again = strcmp(tg_json_get_text(json, "reason", ""), "AGAIN") == 0;
        err = tg_why_set(why, is_again ? TG_E_AGAIN : TG_E_STATE, "%s",
                         tg_json_get_text(json, "message", "refused"));
    }
    tg_json_free(json);
    return err;
}

/* Up to where the running engine's journal may be read. */
static enum tg_err live_epoch(const struct options *options, uint64_t *epoch, struct tg_why *why)
{
    static char answer[TG_CONTROL_LINE_BYTES_MAX];
    char path[4096];
    struct tg_json *json = NULL;
    (void)snprintf(path, sizeof path, "%s/control.sock", options->data);
    enum tg_err err =
        tg_control_ask(path, "{\"command\":\"status\"}", answer, sizeof answer) == TG_OK
            ? tg_json_parse(answer, strlen(answer), &json, why)
            : TG_E_UNREACHABLE;
    *epoch = err == TG_OK ? (uint64_t)tg_json_get_integer(json, "durableEpoch", 0) : 0;
    tg_json_free(json);
    return err == TG_OK
               ? TG_OK
               : tg_why_set(why, TG_E_UNREACHABLE,
                            "another process holds %s, and no engine answers there", options->data);
}

static enum tg_err post(const struct options *options, struct open_things *things,
                        const struct tg_rerate *rerate, const struct tg_rerate_params *params,
                        uint64_t *epoch, struct tg_why *why)
{
    return things->is_live ? live_post(options, things, rerate, params, epoch, why)
                           : tg_rerate_post(rerate, options->data, tg_clock_now_ns(), epoch, why);
}

static int rerate_with(const struct options *options, struct open_things *things,
                       struct tg_rerate_params *params)
{
    struct tg_why why = {.text = ""};
    struct tg_rerate *rerate = NULL;
    struct tg_progress bar;
    uint64_t epoch = 0;
    enum tg_err err = things->is_live ? live_epoch(options, &params->epoch_max, &why) : TG_OK;
    tg_progress_start(&bar, "price again", 0);
    params->progress = bar_move;
    params->progress_context = &bar;
    err = err == TG_OK ? tg_rerate_open(params, &rerate, &why) : err;
    tg_progress_end(&bar);
    if (err == TG_OK && options->posts) {
        err = post(options, things, rerate, params, &epoch, &why);
    }
    things->is_overtaken = err == TG_E_AGAIN;
    if (things->is_partial && things->parts_count++ < PARTS_MAX) {
        things->attempts_left = ATTEMPTS_MAX; /* It gets on: the next attempt has less to do. */
        tg_json_append(things->parts, tg_json_integer((int64_t)epoch));
    }
    if (err != TG_OK) {
        tg_rerate_close(rerate);
        if (things->is_overtaken && things->attempts_left > 0) {
            (void)fprintf(stderr, "rerate: %s\n", why.text);
            return TG_EXIT_PROBLEM;
        }
        return tg_cli_problem(&tg_verb_rerate, "%s",
                              why.text[0] != '\0' ? why.text : tg_err_sentence(err));
    }
    if (options->is_json) {
        report_json(options, things, params->candidate, rerate, epoch);
    } else {
        report_text(options, things, rerate, epoch);
    }
    const bool is_clean = rerate->refused_count == 0;
    tg_rerate_close(rerate);
    return is_clean ? TG_EXIT_OK : TG_EXIT_PROBLEM;
}

static int rerate_try(const struct options *options, struct open_things *things,
                      struct tg_rerate_params *params)
{
    struct tg_why why = {.text = ""};
    int code = TG_EXIT_OK;
    things->is_overtaken = false;
    things->is_partial = false;
    if (tg_catalog_open(options->data, &things->catalog, &why) != TG_OK) {
        code = tg_cli_problem(&tg_verb_rerate, "%s", why.text);
    }
    if (code == TG_EXIT_OK) {
        code = candidate_find(options, things, &params->candidate);
    }
    if (code == TG_EXIT_OK) {
        code = tg_cli_accounts_wanted(&tg_verb_rerate, things->catalog, options->account,
                                      &things->wanted);
    }
    if (code == TG_EXIT_OK) {
        params->data_dir = options->data;
        params->catalog = things->catalog;
        params->selector.accounts_wanted = things->wanted;
        code = rerate_with(options, things, params);
    }
    free(things->wanted);
    tg_catalog_close(things->folder);
    tg_catalog_close(things->catalog);
    things->wanted = NULL;
    things->folder = NULL;
    things->catalog = NULL;
    return code;
}

static int rerate_run(int argc, char **argv)
{
    struct options options = {.catalog = NULL};
    struct tg_rerate_params params = {.size_bytes = sizeof params};
    struct open_things things = {.lock = {.fd = -1}, .attempts_left = ATTEMPTS_MAX};
    struct tg_why why = {.text = ""};
    int code = options_read(argc, argv, &options, &params);
    if (code != TG_EXIT_OK) {
        return code;
    }
    /* Held from before the first row is read: nobody changes what the differences are against.
     * Where an engine holds it, the engine sees to that, or says that somebody has. */
    const enum tg_err err = options.posts ? tg_data_lock(options.data, &things.lock, &why) : TG_OK;
    things.is_live = err == TG_E_LOCKED;
    if (err != TG_OK && !things.is_live) {
        return tg_cli_problem(&tg_verb_rerate, "%s", why.text);
    }
    things.parts = tg_json_list();
    do {
        things.attempts_left--;
        code = rerate_try(&options, &things, &params);
    } while (things.is_overtaken && things.attempts_left > 0);
    tg_json_free(things.parts);
    tg_data_unlock(&things.lock);
    return code;
}

const struct tg_verb tg_verb_rerate = {
    .name = "rerate",
    .summary = "price usage again and post the differences",
    .usage =
        "usage: tollgate rerate [SELECTOR] --data DIR [--catalog VERSION|DIR] [--post] [--json]\n"
        "                       [--order event|arrival | --backout] [--all] [--threads N]\n"
        "                       [--plugin FILE.so]...\n\n"
        "SELECTOR, all of which must fit; without any all rows are selected:\n"
        "  --from DATE --to DATE  event time, the end exclusive\n"
        "  --account ID           of this account\n"
        "  --product NAME         of subscriptions of this product\n"
        "  --deck NAME            called numbers that this deck put into a zone\n"
        "  --price NAME           that stand at this price\n"
        "  --node NUMBER          from this node, as explain prints it\n"
        "  --source NUMBER        from this source, as audit prints it\n"
        "  --sessions             prepaid commits of sessions of which a record came as well (its\n"
        "                         record id is the reservation's id): --backout --sessions --post\n"
        "                         leaves what the records say, see schemas/control/README.md\n\n"
        "Prices the selected rows again, in their original order, with a stored version, with the\n"
        "catalog in DIR, or (without --catalog) with the stored version that is valid at their\n"
        "time now. Rows behind them whose counters or allowances moved follow with the version\n"
        "that priced them. Shows the differences; --post writes them to the journal as\n"
        "adjustments, which the next bill run puts on the bill, and with them what is left of\n"
        "allowances, pools and counters, which the engine goes on with. A running engine posts it\n"
        "between two epochs, but for accounts of which usage came in meanwhile: these are worked "
        "out\n"
        "again, until none is left or three attempts in a row get no further, and then refused: "
        "run\n"
        "again, select less, or stop the engine first. All that is an account's is in after a\n"
        "crash, or nothing; what is posted is not found again. A row that\n"
        "costs the same but draws from other allowances gets an adjustment of nothing (silent).\n"
        "--order event brings rows that came late in front of later ones of their account: in\n"
        "--from .. --to the account's rows are priced by start, source and sequence, as if they\n"
        "had come so, and keep that order from then on. Without it rows keep the order in which\n"
        "they stand.\n"
        "--backout takes the selected rows back, and prices nothing: their charges come back "
        "whole,\n"
        "what they used of allowances and counters is given back, rows behind them stay as they\n"
        "are. A row that was backed out stays out of every later rerate.\n"
        "--threads, as many as processors unless given, changes no number.\n"
        "Exit 1 when a row is refused now: its charge stands.\n",
    .run = rerate_run,
};
