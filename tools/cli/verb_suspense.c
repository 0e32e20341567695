/* SPDX-License-Identifier: Apache-2.0 */
/* `tollgate suspense`: what was refused, why, and its bytes. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "ledger/scan.h"

extern const struct tg_verb tg_verb_suspense;

/* A held piece that is settled later is still listed here with its fate; `held` means parked. */
struct suspense_run {
    bool is_json;
    bool is_show;   /* one item with its bytes */
    uint64_t block; /* of the item to show */
    char kind;      /* 'r' row, 'x' bytes */
    uint32_t index; /* of the item to show */
    uint64_t found_count;
    struct tg_why *why;
};

static void text_json(const char *text)
{
    (void)putchar('"');
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\' || c < 0x20 || c > 0x7e) {
            (void)printf("\\u%04x", c);
        } else {
            (void)putchar(c);
        }
    }
    (void)putchar('"');
}

static void hex_print(const uint8_t *bytes, uint32_t length_bytes)
{
    for (uint32_t i = 0; i < length_bytes; i++) {
        (void)printf("%02x", bytes[i]);
    }
}

static void dump_print(const uint8_t *bytes, uint32_t length_bytes)
{
    for (uint32_t at = 0; at < length_bytes; at += 16) {
        (void)printf("  %06x ", at);
        for (uint32_t i = 0; i < 16; i++) {
            at + i < length_bytes ? (void)printf(" %02x", bytes[at + i]) : (void)printf("   ");
        }
        (void)printf("  ");
        for (uint32_t i = at; i < at + 16 && i < length_bytes; i++) {
            (void)putchar(isprint(bytes[i]) ? bytes[i] : '.');
        }
        (void)printf("\n");
    }
}

static bool is_wanted(struct suspense_run *run, uint64_t block, char kind, uint32_t index)
{
    if (run->is_show && (run->block != block || run->kind != kind || run->index != index)) {
        return false;
    }
    run->found_count++;
    return true;
}

static void row_print(const struct suspense_run *run, const struct tg_scan_view *view, uint32_t i)
{
    const struct tg_usage *row = &view->usage[i];
    const struct tg_charge *charge = &view->charges[i];
    char text[TG_CLOCK_TEXT_BYTES];
    (void)tg_clock_format(row->start_ns, text);
    if (run->is_json) {
        (void)printf("{\"id\":\"%" PRIu64 ".r%u\",\"fate\":\"%s\",\"reason\":\"%s\",\"source\":%u,"
                     "\"sequence\":%u,\"start\":\"%s\",\"recordKey\":\"%016" PRIx64
                     "\",\"node\":%u,\"service\":%u,\"up\":%" PRIu64 ",\"down\":%" PRIu64
                     ",\"durationMs\":%u}\n",
                     view->block_number, i, tg_fate_name(charge->fate), tg_err_name(charge->reason),
                     row->source_id, row->sequence, text, row->record_key, row->node_id,
                     row->service, (uint64_t)row->quantity_up, (uint64_t)row->quantity_down,
                     row->duration_ms);
        return;
    }
    (void)printf("%" PRIu64 ".r%-6u %-9s %-20s source %-5u sequence %-10u start %s\n",
                 view->block_number, i, tg_fate_name(charge->fate), tg_err_name(charge->reason),
                 row->source_id, row->sequence, text);
    if (run->is_show) {
        (void)printf("  %s\n  record key %016" PRIx64 ", node %u, service %u, up %" PRIu64
                     ", down %" PRIu64 ", duration %u ms\n",
                     tg_err_sentence(charge->reason), row->record_key, row->node_id, row->service,
                     (uint64_t)row->quantity_up, (uint64_t)row->quantity_down, row->duration_ms);
        dump_print((const uint8_t *)row, sizeof *row);
    }
}

static void refusal_print(const struct suspense_run *run, uint64_t block, uint32_t index,
                          const struct tg_journal_refusal *item)
{
    char text[TG_CLOCK_TEXT_BYTES];
    (void)tg_clock_format(item->arrival_ns, text);
    if (run->is_json) {
        (void)printf("{\"id\":\"%" PRIu64 ".x%u\",\"fate\":\"%s\",\"reason\":\"%s\",\"source\":%u,"
                     "\"offset\":%" PRIu64 ",\"length\":%u,\"arrival\":\"%s\",\"field\":",
                     block, index, tg_fate_name(item->fate), tg_err_name(item->reason),
                     item->source_id, item->offset_bytes, item->length_bytes, text);
        item->field != NULL ? text_json(item->field) : (void)printf("null");
        (void)printf(",\"recordKey\":\"%016" PRIx64 "\",\"fileKey\":\"%016" PRIx64
                     "\",\"bytes\":\"",
                     item->record_key, item->file_key);
        hex_print(item->bytes, run->is_show || item->kept_bytes < 64 ? item->kept_bytes : 64);
        (void)printf("\"}\n");
        return;
    }
    (void)printf("%" PRIu64 ".x%-6u %-9s %-20s source %-5u offset %-8" PRIu64
                 " length %-6u arrived %s%s%s\n",
                 block, index, tg_fate_name(item->fate), tg_err_name(item->reason), item->source_id,
                 item->offset_bytes, item->length_bytes, text, item->field != NULL ? " field " : "",
                 item->field != NULL ? item->field : "");
    if (run->is_show) {
        (void)printf("  %s\n", tg_err_sentence(item->reason));
        dump_print(item->bytes, item->kept_bytes);
    }
}

static enum tg_err suspense_block(void *context, const struct tg_scan_view *view)
{
    struct suspense_run *run = context;
    for (uint32_t i = 0; i < view->rows_count; i++) {
        const uint8_t fate = view->charges[i].fate;
        if ((fate == TG_FATE_SUSPENDED || fate == TG_FATE_HELD) &&
            is_wanted(run, view->block_number, 'r', i)) {
            row_print(run, view, i);
        }
    }
    struct tg_scan_position at = {0};
    for (;;) {
        struct tg_journal_refusal item;
        const enum tg_err err = tg_scan_refusal_next(view, &at, &item, run->why);
        if (err != TG_OK) {
            return err == TG_E_NOT_FOUND ? TG_OK : err;
        }
        if (is_wanted(run, view->block_number, 'x', at.index - 1)) {
            refusal_print(run, view->block_number, at.index - 1, &item);
        }
    }
}

/* An id is BLOCK.rINDEX for a row, BLOCK.xINDEX for bytes. */
static bool id_parse(const char *text, struct suspense_run *run)
{
    char *end = NULL;
    run->block = strtoull(text, &end, 10);
    if (end == text || *end != '.' || (end[1] != 'r' && end[1] != 'x') ||
        isdigit((unsigned char)end[2]) == 0) {
        return false;
    }
    run->kind = end[1];
    run->index = (uint32_t)strtoul(end + 2, &end, 10);
    run->is_show = true;
    return *end == '\0';
}

static int suspense_scan(const char *data_dir, struct suspense_run *run)
{
    struct tg_why why = {.text = ""};
    const struct tg_scan_params params = {.size_bytes = sizeof params,
                                          .dir = data_dir,
                                          .sections = TG_SECTION_BIT(TG_SECTION_ROWS) |
                                                      TG_SECTION_BIT(TG_SECTION_REFUSALS),
                                          .fates = 1u << TG_FATE_SUSPENDED | 1u << TG_FATE_HELD,
                                          .wants_structs = true};
    struct tg_scan *scan = NULL;
    run->why = &why;
    enum tg_err err = tg_scan_open(&params, &scan, &why);
    if (err == TG_OK) {
        err = tg_scan_fold(scan, suspense_block, run, &why);
    }
    tg_scan_close(scan);
    if (err != TG_OK) {
        return tg_cli_problem(&tg_verb_suspense, "%s", why.text);
    }
    if (run->is_show && run->found_count == 0) {
        return tg_cli_problem(&tg_verb_suspense, "nothing is in suspense under that id");
    }
    if (!run->is_show && !run->is_json) {
        (void)fprintf(stderr, "%" PRIu64 " in suspense\n", run->found_count);
    }
    return TG_EXIT_OK;
}

static int suspense_run_verb(int argc, char **argv)
{
    const char *data_dir = "data";
    const char *action = NULL;
    const char *id = NULL;
    struct suspense_run run = {.is_json = false};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            run.is_json = true;
        } else if (strcmp(argv[i], "--data") == 0 && i + 1 < argc) {
            data_dir = argv[++i];
        } else if (argv[i][0] == '-' || id != NULL) {
            return tg_cli_usage(&tg_verb_suspense, "unknown argument '%s'", argv[i]);
        } else if (action == NULL) {
            action = argv[i];
        } else {
            id = argv[i];
        }
    }
    if (action == NULL) {
        action = "list";
    }
    const bool is_show = strcmp(action, "show") == 0;
    if (!is_show && strcmp(action, "list") != 0) {
        return tg_cli_usage(&tg_verb_suspense, "'%s' is neither list nor show", action);
    }
    if (is_show != (id != NULL) || (is_show && !id_parse(id, &run))) {
        return tg_cli_usage(&tg_verb_suspense, is_show ? "show needs an id such as 12.r5 or 12.x0"
                                                       : "list takes no id");
    }
    struct stat status;
    if (stat(data_dir, &status) != 0 || !S_ISDIR(status.st_mode)) {
        return tg_cli_problem(&tg_verb_suspense,
                              "%s is no data directory; name one with --data DIR", data_dir);
    }
    return suspense_scan(data_dir, &run);
}

const struct tg_verb tg_verb_suspense = {
    .name = "suspense",
    .summary = "list what was refused or is held, with reason and bytes",
    .usage =
        "usage: tollgate suspense list [--data DIR] [--json]\n"
        "       tollgate suspense show ID [--data DIR] [--json]\n\n"
        "An ID is BLOCK.rINDEX for a row that was decoded and BLOCK.xINDEX for bytes that were\n"
        "not. Held pieces stay listed with fate `held` after their release. With --json: one\n"
        "object a line; list gives the first 64 bytes, show gives all that were kept.\n",
    .run = suspense_run_verb,
};
