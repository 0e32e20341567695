/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/lint.h"

#include "abi/key.h"
#include "base/clock.h"
#include "base/money.h"
#include "catalog/catalog.h"
#include "catalog/keys.h"
#include "doc/schema.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define GROUP     32u
#define NOT_ASKED (TG_PRICE_NONE - 1u)

const char *tg_lint_money(const struct tg_lint *lint, int64_t amount, char *text)
{
    (void)tg_money_format(amount, lint->image->scale, lint->image->minor, text);
    return text;
}

void tg_lint_find(struct tg_lint *lint, const char *code, const struct tg_deck_row *row,
                  bool is_price, const char *format, ...)
{
    assert(lint->findings_count < TG_LINT_ROWS_MAX);
    struct tg_lint_finding *finding = &lint->findings[lint->findings_count++];
    finding->code = code;
    finding->line = row->line;
    finding->file = row->file;
    finding->column = is_price && row->price_column != 0 ? row->price_column : row->column;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(finding->text, sizeof finding->text, format, args);
    va_end(args);
}

static int findings_compare(const void *a, const void *b)
{
    const struct tg_lint_finding *left = a;
    const struct tg_lint_finding *right = b;
    if (left->file != right->file) {
        return left->file < right->file ? -1 : 1;
    }
    return left->line != right->line ? (left->line < right->line ? -1 : 1) : 0;
}

void tg_lint_flush(struct tg_lint *lint, const struct tg_compile_sheet *sheet)
{
    qsort(lint->findings, lint->findings_count, sizeof *lint->findings, findings_compare);
    for (uint32_t i = 0; i < lint->findings_count; i++) {
        const struct tg_lint_finding *finding = &lint->findings[i];
        tg_diag_lint(lint->compile->diag, finding->code,
                     (struct tg_mark){tg_compile_source(sheet, finding->file), finding->line,
                                      finding->column},
                     NULL, "%s", finding->text);
    }
    if (lint->findings_more > 0) {
        tg_diag_lint(lint->compile->diag, lint->findings[0].code,
                     (struct tg_mark){sheet->source, 0, 0}, NULL, "%u more such rows",
                     lint->findings_more);
    }
    lint->findings_count = 0;
    lint->findings_more = 0;
}

uint32_t tg_lint_zone_price(const struct tg_lint *lint, uint32_t zone)
{
    return zone < tg_image_count(lint->image, TG_CATALOG_ZONE) ? lint->zone_prices[zone]
                                                               : TG_PRICE_NONE;
}

struct tg_lint_price tg_lint_price_of(const struct tg_image *image, uint32_t price_id,
                                      uint32_t step)
{
    const struct tg_price *price = tg_image_price(image, price_id);
    const struct tg_price_step *steps = tg_price_steps(price);
    struct tg_lint_price out = {steps[step].price, 1};
    if (__builtin_mul_overflow(steps[step].per_units,
                               tg_image_price_info(image, price_id)->unit_base_count,
                               &out.per_base)) {
        out.per_base = UINT64_MAX;
    }
    return out;
}

/* Change in percent, rounded down, when it is larger than what is allowed; else 0. */
static int64_t jump_percent(const struct tg_lint *lint, struct tg_lint_price was,
                            struct tg_lint_price is)
{
    const __int128 before = (__int128)was.amount * is.per_base;
    const __int128 after = (__int128)is.amount * was.per_base;
    const __int128 change = after > before ? after - before : before - after;
    const __int128 whole = before < 0 ? -before : before;
    if (change == 0) {
        return 0;
    }
    if (whole == 0) { /* from nothing: any percentage would be wrong */
        return INT64_MAX;
    }
    __int128 part;
    if (__builtin_mul_overflow(change, (__int128)1000000, &part)) {
        part = change / (whole / 1000000 + 1); /* the product fills 128 bits: divide first */
    } else {
        part /= whole;
    }
    if (part <= lint->jump_ppm) {
        return 0;
    }
    const __int128 percent = part / 10000;
    return percent > 1000000 ? 1000000 : percent < 1 ? 1 : (int64_t)percent;
}

static void jump_text(const struct tg_lint *lint, struct tg_lint_price was, struct tg_lint_price is,
                      int64_t percent, char *text, size_t text_room)
{
    char from[TG_MONEY_TEXT_BYTES];
    char to[TG_MONEY_TEXT_BYTES];
    (void)snprintf(text, text_room, "%s to %s", tg_lint_money(lint, was.amount, from),
                   tg_lint_money(lint, is.amount, to));
    if (percent != INT64_MAX) {
        const bool is_up = (__int128)is.amount * was.per_base > (__int128)was.amount * is.per_base;
        const size_t length = strlen(text);
        (void)snprintf(text + length, text_room - length, " (%c%lld %%)", is_up ? '+' : '-',
                       (long long)percent);
    }
}

/* A prefix that ends, or pauses, while nothing takes its place. */
static void holes_find(struct tg_lint *lint, uint32_t deck, const struct tg_deck_row *rows,
                       uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct tg_deck_row *row = &rows[i];
        const bool has_next =
            i + 1 < count && rows[i + 1].key == row->key && rows[i + 1].is_exact == row->is_exact;
        if (row->valid_to_ns == INT64_MAX || (row->flags & TG_ROW_ENDED) != 0 ||
            (has_next && rows[i + 1].valid_from_ns == row->valid_to_ns)) {
            continue;
        }
        uint16_t zone;
        tg_image_zones(lint->image, deck, &row->key, &row->valid_to_ns, 1, &zone);
        if (zone == row->zone) {
            continue; /* a shorter prefix goes on with the same */
        }
        if (tg_lint_is_full(lint)) {
            continue;
        }
        char digits[16];
        char until[TG_CLOCK_TEXT_BYTES];
        (void)tg_digits_unpack(row->key, digits);
        (void)tg_clock_format(row->valid_to_ns, until);
        tg_lint_find(lint, "hole", row, false, "prefix %s %s %s; then %s%s%s",
                     digits[0] != '\0' ? digits : "*",
                     has_next ? "has a gap before its next row, from" : "ends without successor on",
                     until, zone == TG_ZONE_NONE ? "it has no zone" : "zone \"",
                     zone == TG_ZONE_NONE ? "" : tg_image_name(lint->image, TG_CATALOG_ZONE, zone),
                     zone == TG_ZONE_NONE ? "" : "\" counts");
    }
}

static void row_jump_tell(struct tg_lint *lint, const struct tg_deck_row *row,
                          struct tg_lint_price was, struct tg_lint_price is, const char *than)
{
    const int64_t percent = jump_percent(lint, was, is);
    if (percent != 0 && !tg_lint_is_full(lint)) {
        char digits[16];
        char text[160];
        (void)tg_digits_unpack(row->key, digits);
        jump_text(lint, was, is, percent, text, sizeof text);
        tg_lint_find(lint, "price_jump", row, true, "prefix %s goes from %s against %s",
                     digits[0] != '\0' ? digits : "*", text, than);
    }
}

/* Of the rows of one prefix each against the one before. */
static void row_jumps_find(struct tg_lint *lint, const struct tg_deck_row *rows, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        if (rows[i].key != rows[i - 1].key || rows[i].is_exact != rows[i - 1].is_exact ||
            rows[i].zone == rows[i - 1].zone) {
            continue;
        }
        const uint32_t was = tg_lint_zone_price(lint, rows[i - 1].zone);
        const uint32_t is = tg_lint_zone_price(lint, rows[i].zone);
        if (was != TG_PRICE_NONE && is != TG_PRICE_NONE) {
            row_jump_tell(lint, &rows[i], tg_lint_price_of(lint->image, was, 0),
                          tg_lint_price_of(lint->image, is, 0), "the row before it");
        }
    }
}

/* Price that a zone of the previous image had from a rate sheet: prices are named as the zones. */
static uint32_t previous_price(const struct tg_lint *lint, uint16_t zone)
{
    if (lint->previous_prices[zone] != NOT_ASKED) {
        return lint->previous_prices[zone];
    }
    const char *name = tg_image_name(lint->previous, TG_CATALOG_ZONE, zone);
    const uint32_t price =
        tg_names_find(&lint->compile->names[TG_CATALOG_PRICE], name, strlen(name));
    const struct tg_price *found =
        price != UINT32_MAX ? tg_image_price(lint->previous, price) : NULL;
    lint->previous_prices[zone] = found != NULL && found->steps_count == 1 ? price : TG_PRICE_NONE;
    return lint->previous_prices[zone];
}

/* Each row against what its prefix cost in the version before, when the row begins to count. */
static void version_jumps_find(struct tg_lint *lint, uint32_t deck, const struct tg_deck_row *rows,
                               uint32_t count)
{
    const char *name = tg_names_text(&lint->compile->names[TG_CATALOG_DECK], deck);
    const uint32_t before =
        lint->previous != NULL ? tg_image_find(lint->previous, TG_CATALOG_DECK, name) : UINT32_MAX;
    char than[48];
    (void)snprintf(than, sizeof than, "version %u",
                   lint->previous != NULL ? lint->previous->version : 0);
    for (uint32_t done = 0; before != UINT32_MAX && done < count; done += GROUP) {
        const uint32_t group = count - done < GROUP ? count - done : GROUP;
        uint64_t keys[GROUP];
        int64_t at_ns[GROUP];
        uint16_t zones[GROUP];
        for (uint32_t i = 0; i < group; i++) {
            const struct tg_deck_row *row = &rows[done + i];
            keys[i] = row->key;
            at_ns[i] = row->valid_from_ns > lint->image->valid_from_ns ? row->valid_from_ns
                                                                       : lint->image->valid_from_ns;
        }
        tg_image_zones(lint->previous, before, keys, at_ns, group, zones);
        for (uint32_t i = 0; i < group; i++) {
            const struct tg_deck_row *row = &rows[done + i];
            const uint32_t is = tg_lint_zone_price(lint, row->zone);
            const uint32_t was = zones[i] != TG_ZONE_NONE && at_ns[i] < row->valid_to_ns
                                     ? previous_price(lint, zones[i])
                                     : TG_PRICE_NONE;
            if (is != TG_PRICE_NONE && was != TG_PRICE_NONE &&
                tg_image_price(lint->previous, was)->currency ==
                    tg_image_price(lint->image, is)->currency) {
                row_jump_tell(lint, row, tg_lint_price_of(lint->previous, was, 0),
                              tg_lint_price_of(lint->image, is, 0), than);
            }
        }
    }
}

static void sheets_lint(struct tg_lint *lint)
{
    for (uint32_t deck = 0; deck < lint->compile->names[TG_CATALOG_DECK].count; deck++) {
        const struct tg_compile_sheet *sheet = &lint->compile->sheets[deck];
        const struct tg_deck_row *rows =
            (const struct tg_deck_row *)(const void *)sheet->rows.bytes;
        if (sheet->source == NULL) {
            continue;
        }
        holes_find(lint, deck, rows, sheet->rows_count);
        tg_lint_flush(lint, sheet);
        if (sheet->has_rates) {
            row_jumps_find(lint, rows, sheet->rows_count);
            version_jumps_find(lint, deck, rows, sheet->rows_count);
            tg_lint_flush(lint, sheet);
        }
    }
}

/* Prices of documents against the same of the version before, step by step. */
static void price_jumps_find(struct tg_lint *lint)
{
    const struct tg_compile *compile = lint->compile;
    for (uint32_t i = 0; lint->previous != NULL && i < compile->names[TG_CATALOG_PRICE].count;
         i++) {
        const struct tg_yaml_node *node = tg_compile_node(compile, TG_CATALOG_PRICE, i);
        const struct tg_price *was = tg_image_price(lint->previous, i);
        const struct tg_price *is = tg_image_price(lint->image, i);
        if (node == NULL || was == NULL || is == NULL || was->currency != is->currency) {
            continue;
        }
        const struct tg_yaml_node *tiers = tg_yaml_get(node, "tiers");
        const struct tg_yaml_node *tier = tiers != NULL ? tiers->child : node;
        for (uint32_t step = 0; tier != NULL && step < was->steps_count && step < is->steps_count;
             step++) {
            const struct tg_lint_price from = tg_lint_price_of(lint->previous, i, step);
            const struct tg_lint_price to = tg_lint_price_of(lint->image, i, step);
            const int64_t percent = jump_percent(lint, from, to);
            const struct tg_yaml_node *written = tg_yaml_get(tier, "price");
            if (percent != 0) {
                char text[160];
                jump_text(lint, from, to, percent, text, sizeof text);
                tg_diag_lint(compile->diag, "price_jump",
                             written != NULL ? written->mark : node->key_mark, NULL,
                             "price \"%.64s\" goes from %s against version %u", node->key, text,
                             lint->previous->version);
            }
            tier = tiers != NULL ? tier->next : NULL;
        }
    }
}

static void zone_prices_fill(struct tg_lint *lint, uint32_t zones_count)
{
    memset(lint->zone_prices, 0xff, zones_count * sizeof *lint->zone_prices); /* TG_PRICE_NONE */
    for (uint32_t i = 0; i < zones_count; i++) { /* numbers of the previous image are among them */
        lint->previous_prices[i] = NOT_ASKED;
    }
    for (uint32_t i = 0; i < tg_image_prices_count(lint->image); i++) {
        const struct tg_compile_rate *rate = tg_compile_rate_find(lint->compile, i);
        if (rate != NULL) {
            lint->zone_prices[rate->zone] = i;
        }
    }
}

void tg_lint_run(struct tg_compile *compile, const struct tg_image *image,
                 const struct tg_image *previous)
{
    const uint32_t zones_count = tg_image_count(image, TG_CATALOG_ZONE);
    const struct tg_yaml_node *keys = tg_yaml_get(compile->folder->head, "lint");
    struct tg_lint lint = {
        .compile = compile,
        .image = image,
        .previous = previous,
        .jump_ppm = tg_schema_number(&tg_catalog_lint_keys, keys, "price_jump"),
        .zone_prices = calloc(zones_count, sizeof *lint.zone_prices),
        .previous_prices = calloc(zones_count, sizeof *lint.previous_prices),
        .findings = calloc(TG_LINT_ROWS_MAX, sizeof *lint.findings),
    };
    if (lint.zone_prices == NULL || lint.previous_prices == NULL || lint.findings == NULL) {
        compile->is_out_of_memory = true;
    } else {
        zone_prices_fill(&lint, zones_count);
        tg_lint_tiers(&lint);
        price_jumps_find(&lint);
        sheets_lint(&lint);
        tg_lint_margins(&lint);
    }
    free(lint.zone_prices);
    free(lint.previous_prices);
    free(lint.findings);
}
