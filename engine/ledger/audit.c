/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the whole journal. What an epoch brings is summed as blocks come and booked to its
 * hour at its commit; releases wait until then too, as another stream's block may hold the piece.
 */
#include "ledger/audit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "ledger/scan_state.h"

#define HELD_FIRST    1024u
#define SOURCES_COUNT 65536u

/* A piece or row that waits for its release. */
struct held {
    uint64_t key;
    uint64_t units;
    uint32_t source;
    uint32_t count; /* times it is held; 0: an empty or emptied slot */
    bool is_used;
};

/* Memory that doubles: an audit is a tool, not the data path. */
struct pool {
    void *at;
    size_t size_bytes;
};

struct audit_run {
    struct tg_audit *audit;
    struct tg_audit_line *sources; /* by source_id; SOURCES_COUNT, of which few are touched */
    bool *is_source;
    uint32_t sources_end;       /* no source has this id or a greater one */
    struct tg_audit_sums epoch; /* of the open epoch */
    struct pool hours;
    uint32_t hours_count;
    struct pool held; /* open-addressed struct held */
    uint32_t held_slots;
    uint32_t held_used;
    struct pool releases; /* uint64_t keys of the open epoch */
    uint32_t releases_count;
    struct tg_audit_credit_run *credit;
    struct tg_why *why;
};

static bool pool_grow(struct pool *pool, size_t size_bytes)
{
    if (size_bytes <= pool->size_bytes) {
        return true;
    }
    size_t wanted = pool->size_bytes > 0 ? pool->size_bytes : 4096;
    while (wanted < size_bytes) {
        wanted *= 2;
    }
    void *more = tg_pages_take(wanted);
    if (more == NULL) {
        return false;
    }
    if (pool->at != NULL) {
        memcpy(more, pool->at, pool->size_bytes);
        tg_pages_free(pool->at, pool->size_bytes);
    }
    *pool = (struct pool){more, wanted};
    return true;
}

static void pool_free(struct pool *pool)
{
    tg_pages_free(pool->at, pool->size_bytes);
    *pool = (struct pool){NULL, 0};
}

static struct held *held_slot(struct held *table, uint32_t slots, uint64_t key)
{
    for (uint64_t i = tg_mix64(key);; i++) {
        struct held *slot = &table[i & (slots - 1)];
        if (!slot->is_used || slot->key == key) {
            return slot;
        }
    }
}

static enum tg_err held_grow(struct audit_run *run)
{
    if (run->held_used * 2 < run->held_slots) {
        return TG_OK;
    }
    const uint32_t slots = run->held_slots != 0 ? run->held_slots * 2 : HELD_FIRST;
    struct pool more = {NULL, 0};
    if (slots == 0 || !pool_grow(&more, slots * sizeof(struct held))) {
        return tg_why_set(run->why, TG_E_NO_MEMORY, "no memory for the audit's held records");
    }
    const struct held *old = run->held.at;
    uint32_t used = 0;
    for (uint32_t i = 0; i < run->held_slots; i++) {
        if (old[i].is_used && old[i].count > 0) {
            *held_slot(more.at, slots, old[i].key) = old[i];
            used++;
        }
    }
    pool_free(&run->held);
    run->held = more;
    run->held_slots = slots;
    run->held_used = used;
    return TG_OK;
}

static enum tg_err held_add(struct audit_run *run, uint64_t key, uint32_t source, uint64_t units)
{
    const enum tg_err err = held_grow(run);
    if (err != TG_OK) {
        return err;
    }
    struct held *slot = held_slot(run->held.at, run->held_slots, key);
    run->held_used += slot->is_used ? 0 : 1;
    *slot = (struct held){.key = key,
                          .units = units,
                          .source = source,
                          .count = (slot->is_used ? slot->count : 0) + 1,
                          .is_used = true};
    return TG_OK;
}

static struct tg_audit_sums *source_sums(struct audit_run *run, uint32_t source)
{
    run->is_source[source] = true;
    run->sources_end = source < run->sources_end ? run->sources_end : source + 1;
    return &run->sources[source].sums;
}

/* Books a fate to total, source and open epoch. */
static void book_fate(struct audit_run *run, uint32_t source, uint32_t fate, int64_t rows,
                      int64_t units)
{
    struct tg_audit_sums *const sums[] = {&run->audit->total, source_sums(run, source),
                                          &run->epoch};
    for (uint32_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        sums[i]->fate_rows[fate] += rows;
        sums[i]->fate_units[fate] += units;
    }
}

static void book_in(struct audit_run *run, uint32_t source, int64_t rows, int64_t units)
{
    struct tg_audit_sums *const sums[] = {&run->audit->total, source_sums(run, source),
                                          &run->epoch};
    for (uint32_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        sums[i]->in_rows += rows;
        sums[i]->in_units += units;
    }
}

static enum tg_err audit_rows(struct audit_run *run, const struct tg_scan_view *view)
{
    enum tg_err err = TG_OK;
    for (uint32_t i = 0; i < view->rows_count && err == TG_OK; i++) {
        const struct tg_usage row = {.service = view->service[i],
                                     .quantity_up = view->quantity_up[i] & TG_QUANTITY_MAX,
                                     .quantity_down = view->quantity_down[i] & TG_QUANTITY_MAX,
                                     .duration_ms = view->duration_ms[i]};
        const uint64_t units = tg_usage_units(&row);
        const uint32_t fate = view->fate[i] < TG_FATE_COUNT ? view->fate[i] : TG_FATE_NONE;
        book_fate(run, view->source_id[i], fate, 1, (int64_t)units);
        if (fate == TG_FATE_HELD) {
            err = held_add(run, view->record_key[i], view->source_id[i], units);
        }
    }
    return err;
}

static enum tg_err audit_refusals(struct audit_run *run, const struct tg_scan_view *view)
{
    struct tg_scan_position at = {0};
    for (;;) {
        struct tg_journal_refusal item;
        enum tg_err err = tg_scan_refusal_next(view, &at, &item, run->why);
        if (err == TG_OK) {
            book_fate(run, item.source_id, item.fate, 1, 0);
            if (item.fate == TG_FATE_HELD) {
                err = held_add(run, item.record_key, item.source_id, 0);
            }
        }
        if (err != TG_OK) {
            return err == TG_E_NOT_FOUND ? TG_OK : err;
        }
    }
}

static enum tg_err audit_sources(struct audit_run *run, const struct tg_scan_view *view)
{
    const struct tg_journal_source *sources = NULL;
    uint32_t count = 0;
    const enum tg_err err = tg_scan_sources(view, &sources, &count, run->why);
    for (uint32_t i = 0; i < count && err == TG_OK; i++) {
        struct tg_audit_line *line = &run->sources[sources[i].source_id];
        line->source_key = sources[i].source_key;
        line->messages_count += sources[i].messages_count;
        line->missing_count += sources[i].missing_count;
        book_in(run, sources[i].source_id,
                (int64_t)(sources[i].in_records + sources[i].refused_records -
                          sources[i].released_records),
                (int64_t)sources[i].in_units);
    }
    return err;
}

static enum tg_err audit_releases(struct audit_run *run, const struct tg_scan_view *view)
{
    const uint64_t *keys = NULL;
    uint32_t count = 0;
    const enum tg_err err = tg_scan_releases(view, &keys, &count, run->why);
    if (err != TG_OK || count == 0) {
        return err;
    }
    if (!pool_grow(&run->releases, (size_t)(run->releases_count + count) * sizeof *keys)) {
        return tg_why_set(run->why, TG_E_NO_MEMORY, "no memory for the audit's releases");
    }
    memcpy((uint64_t *)run->releases.at + run->releases_count, keys, count * sizeof *keys);
    run->releases_count += count;
    return TG_OK;
}

static void releases_book(struct audit_run *run)
{
    const uint64_t *keys = run->releases.at;
    for (uint32_t i = 0; i < run->releases_count; i++) {
        struct held *slot =
            run->held_slots > 0 ? held_slot(run->held.at, run->held_slots, keys[i]) : NULL;
        if (slot == NULL || !slot->is_used || slot->count == 0) {
            run->audit->stray_releases_count++;
            continue;
        }
        slot->count--;
        book_fate(run, slot->source, TG_FATE_HELD, -1, -(int64_t)slot->units);
    }
    run->releases_count = 0;
}

static void sums_add(struct tg_audit_sums *to, const struct tg_audit_sums *more)
{
    to->in_rows += more->in_rows;
    to->in_units += more->in_units;
    for (uint32_t f = 0; f < TG_FATE_COUNT; f++) {
        to->fate_rows[f] += more->fate_rows[f];
        to->fate_units[f] += more->fate_units[f];
    }
}

static enum tg_err epoch_book(struct audit_run *run, const struct tg_scan_view *view)
{
    releases_book(run);
    const int64_t hour_ns = view->journal_ns - view->journal_ns % TG_NS_PER_HOUR;
    struct tg_audit_line *hours = run->hours.at;
    uint32_t index = run->hours_count; /* the latest hour is nearly always the last one */
    while (index > 0 && hours[index - 1].key != hour_ns) {
        index--;
    }
    if (index == 0) {
        if (!pool_grow(&run->hours, (run->hours_count + 1) * sizeof *hours)) {
            return tg_why_set(run->why, TG_E_NO_MEMORY, "no memory for the audit's hours");
        }
        hours = run->hours.at;
        hours[run->hours_count] = (struct tg_audit_line){.key = hour_ns};
        index = ++run->hours_count;
    }
    sums_add(&hours[index - 1].sums, &run->epoch);
    run->epoch = (struct tg_audit_sums){0};
    run->audit->epochs_count++;
    run->audit->last_epoch = view->epoch;
    return TG_OK;
}

static enum tg_err audit_block(void *context, const struct tg_scan_view *view)
{
    struct audit_run *run = context;
    run->audit->blocks_count++;
    run->audit->stored_bytes += view->scan->block.header.length_bytes;
    enum tg_err err = audit_rows(run, view);
    err = err == TG_OK ? audit_refusals(run, view) : err;
    err = err == TG_OK ? audit_sources(run, view) : err;
    err = err == TG_OK ? audit_releases(run, view) : err;
    err = err == TG_OK ? tg_audit_credit_block(run->credit, view, run->why) : err;
    return err == TG_OK && view->is_commit ? epoch_book(run, view) : err;
}

static bool sums_close(struct tg_audit_sums *sums)
{
    int64_t rows = 0;
    int64_t units = 0;
    for (uint32_t f = 0; f < TG_FATE_COUNT; f++) {
        rows += sums->fate_rows[f];
        units += sums->fate_units[f];
    }
    sums->is_balanced =
        rows == sums->in_rows && units == sums->in_units && sums->fate_rows[TG_FATE_NONE] == 0;
    return sums->is_balanced;
}

static size_t lines_bytes(uint32_t count)
{
    return ((size_t)count + 1) * sizeof(struct tg_audit_line);
}

static int line_compare(const void *a, const void *b)
{
    const struct tg_audit_line *one = a;
    const struct tg_audit_line *two = b;
    return one->key < two->key ? -1 : one->key > two->key;
}

/* Turns the run's tables into the caller's result. */
static enum tg_err audit_close(struct audit_run *run)
{
    struct tg_audit *audit = run->audit;
    for (uint32_t s = 0; s < run->sources_end; s++) {
        audit->sources_count += run->is_source[s] ? 1 : 0;
    }
    audit->hours_count = run->hours_count;
    audit->sources = tg_pages_take(lines_bytes(audit->sources_count));
    audit->hours = tg_pages_take(lines_bytes(audit->hours_count));
    if (audit->sources == NULL || audit->hours == NULL) {
        tg_audit_free(audit);
        return tg_why_set(run->why, TG_E_NO_MEMORY, "no memory for the audit's result");
    }
    if (run->hours_count > 0) {
        memcpy(audit->hours, run->hours.at, run->hours_count * sizeof *audit->hours);
        qsort(audit->hours, audit->hours_count, sizeof *audit->hours, line_compare);
    }
    uint32_t index = 0;
    for (uint32_t s = 0; s < run->sources_end; s++) {
        if (run->is_source[s]) {
            audit->sources[index] = run->sources[s];
            audit->sources[index++].key = s;
        }
    }
    tg_audit_credit_close(run->credit, &audit->credit);
    run->credit = NULL;
    audit->is_balanced =
        sums_close(&audit->total) && audit->stray_releases_count == 0 && audit->credit.is_balanced;
    for (uint32_t i = 0; i < audit->sources_count; i++) {
        audit->is_balanced = sums_close(&audit->sources[i].sums) && audit->is_balanced;
    }
    for (uint32_t i = 0; i < audit->hours_count; i++) {
        audit->is_balanced = sums_close(&audit->hours[i].sums) && audit->is_balanced;
    }
    return audit->is_balanced
               ? TG_OK
               : tg_why_set(run->why, TG_E_UNBALANCED,
                            "in = %" PRId64 " records but the fates' sums differ (stray releases: "
                            "%" PRIu64 "; prepaid: %s)",
                            audit->total.in_rows, audit->stray_releases_count,
                            audit->credit.is_balanced ? "ok" : "differs");
}

static enum tg_err audit_fold(struct audit_run *run, const char *data_dir, uint64_t epoch_min,
                              struct tg_why *why)
{
    const struct tg_scan_params params = {
        .size_bytes = sizeof params,
        .dir = data_dir,
        .columns = TG_COLUMN_BIT(service) | TG_COLUMN_BIT(quantity_up) |
                   TG_COLUMN_BIT(quantity_down) | TG_COLUMN_BIT(duration_ms) |
                   TG_COLUMN_BIT(source_id) | TG_COLUMN_BIT(record_key) | TG_COLUMN_BIT(fate) |
                   TG_COLUMN_BIT(amount) | TG_COLUMN_BIT(charge_flags)};
    struct tg_scan *scan = NULL;
    enum tg_err err = tg_scan_open(&params, &scan, why);
    if (err != TG_OK) {
        return err;
    }
    scan->checks_all = true;
    err = tg_scan_fold(scan, audit_block, run, why);
    tg_scan_close(scan);
    if (err == TG_OK && run->audit->last_epoch < epoch_min) {
        err = tg_why_set(why, TG_E_CORRUPT,
                         "the journal ends at epoch %" PRIu64 " but epoch %" PRIu64 " was durable",
                         run->audit->last_epoch, epoch_min);
    }
    return err == TG_OK ? audit_close(run) : err;
}

enum tg_err tg_audit_run(const char *data_dir, uint64_t epoch_min, struct tg_audit *audit,
                         struct tg_why *why)
{
    struct audit_run run = {.audit = audit, .why = why};
    *audit = (struct tg_audit){0};
    run.sources = tg_pages_reserve(SOURCES_COUNT * sizeof *run.sources);
    run.is_source = tg_pages_reserve(SOURCES_COUNT * sizeof *run.is_source);
    run.credit = tg_audit_credit_open();
    const enum tg_err err = run.sources != NULL && run.is_source != NULL && run.credit != NULL
                                ? audit_fold(&run, data_dir, epoch_min, why)
                                : tg_why_set(why, TG_E_NO_MEMORY, "no memory for an audit");
    pool_free(&run.hours);
    pool_free(&run.held);
    pool_free(&run.releases);
    if (run.credit != NULL) {
        tg_audit_credit_close(run.credit, &audit->credit);
    }
    tg_pages_free(run.sources, SOURCES_COUNT * sizeof *run.sources);
    tg_pages_free(run.is_source, SOURCES_COUNT * sizeof *run.is_source);
    return err;
}

void tg_audit_free(struct tg_audit *audit)
{
    tg_pages_free(audit->sources, lines_bytes(audit->sources_count));
    tg_pages_free(audit->hours, lines_bytes(audit->hours_count));
    *audit = (struct tg_audit){0};
}
