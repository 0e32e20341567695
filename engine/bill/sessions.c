/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/sessions.h"

#include "abi/key.h"
#include "catalog/roster.h"
#include "ledger/scan.h"
#include "record/charge.h"
#include "record/credit.h"

#include <stdlib.h>
#include <string.h>

#define COMMITS_FIRST 1024u

/* A commit that was charged. */
struct commit {
    uint64_t session_key; /* record key that the session's record has */
    uint64_t record_key;  /* of the commit's row */
    uint32_t account;
    uint32_t has_record; /* else 0 */
};

struct tg_bill_sessions {
    struct commit *commits; /* by session_key, then by record_key those that have a record */
    uint32_t count;
    uint32_t capacity;
};

struct finding {
    struct tg_bill_sessions *sessions;
    const struct tg_catalog_snapshot *catalog;
    const struct tg_adjust_index *adjustments;
    struct tg_why *why;
};

static enum tg_err commit_add(struct finding *finding, const struct tg_credit_event *event)
{
    struct tg_bill_sessions *sessions = finding->sessions;
    if (sessions->count == sessions->capacity) {
        const uint32_t capacity = sessions->capacity > 0 ? sessions->capacity * 2 : COMMITS_FIRST;
        struct commit *more = capacity <= TG_BILL_SESSIONS_MAX
                                  ? realloc(sessions->commits, capacity * sizeof *more)
                                  : NULL;
        if (more == NULL) {
            const bool is_full = capacity > TG_BILL_SESSIONS_MAX;
            return tg_why_set(finding->why, is_full ? TG_E_FULL : TG_E_NO_MEMORY,
                              "%u commits of prepaid sessions are too many to look at",
                              sessions->count);
        }
        sessions->commits = more;
        sessions->capacity = capacity;
    }
    sessions->commits[sessions->count++] =
        (struct commit){.session_key = tg_key_hash(1, event->id, strlen(event->id)),
                        .record_key = event->record_key,
                        .account = event->account};
    return TG_OK;
}

static enum tg_err commits_fold(void *context, const struct tg_scan_view *view)
{
    struct finding *finding = context;
    struct tg_scan_position at = {0};
    struct tg_scan_note note;
    enum tg_err err;
    while ((err = tg_scan_note_next(view, &at, &note, finding->why)) == TG_OK) {
        struct tg_credit_event event;
        if (strncmp(note.key, TG_CREDIT_NOTE, strlen(TG_CREDIT_NOTE)) != 0) {
            continue;
        }
        if (note.length_bytes != sizeof event) {
            return tg_why_set(finding->why, TG_E_CORRUPT, "note %s has %u octets", note.key,
                              note.length_bytes);
        }
        memcpy(&event, note.bytes, sizeof event);
        event.id[TG_CREDIT_ID_BYTES - 1] = '\0';
        if (event.kind == TG_CREDIT_POST && event.fate == TG_FATE_RATED) {
            err = commit_add(finding, &event);
            if (err != TG_OK) {
                return err;
            }
        }
    }
    return err == TG_E_NOT_FOUND ? TG_OK : err;
}

/* First commit whose session's record would have that key, or the one behind it. */
static uint32_t session_first(const struct tg_bill_sessions *sessions, uint64_t key)
{
    uint32_t low = 0;
    uint32_t high = sessions->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (sessions->commits[middle].session_key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void record_note(const struct finding *finding, uint64_t key, uint32_t subscriber)
{
    struct tg_bill_sessions *sessions = finding->sessions;
    const struct tg_roster_line *line = tg_roster_line(finding->catalog->roster, subscriber);
    for (uint32_t i = session_first(sessions, key);
         i < sessions->count && sessions->commits[i].session_key == key && line != NULL; i++) {
        if (sessions->commits[i].account == line->account &&
            !tg_adjust_is_out(finding->adjustments, key, subscriber)) {
            sessions->commits[i].has_record = 1;
        }
    }
}

static enum tg_err records_fold(void *context, const struct tg_scan_view *view)
{
    const struct finding *finding = context;
    for (uint32_t i = 0; i < view->rows_count; i++) {
        const uint16_t source_id = view->source_id[i];
        if (view->fate[i] == TG_FATE_RATED && source_id != TG_CREDIT_SOURCE_ID &&
            source_id != TG_ADJUST_SOURCE_ID) {
            record_note(finding, view->record_key[i], view->subscriber[i]);
        }
    }
    return TG_OK;
}

static int by_session(const void *a, const void *b)
{
    const struct commit *left = a;
    const struct commit *right = b;
    return left->session_key < right->session_key ? -1 : left->session_key > right->session_key;
}

static int by_record(const void *a, const void *b)
{
    const struct commit *left = a;
    const struct commit *right = b;
    return left->record_key < right->record_key ? -1 : left->record_key > right->record_key;
}

static enum tg_err scan_with(const struct tg_scan_params *params, tg_scan_fold_fn fold,
                             struct finding *finding)
{
    struct tg_scan *scan = NULL;
    enum tg_err err = tg_scan_open(params, &scan, finding->why);
    if (err == TG_OK) {
        err = tg_scan_fold(scan, fold, finding, finding->why);
    }
    tg_scan_close(scan);
    return err;
}

/* Keeps those that have a record. */
static void records_keep(struct tg_bill_sessions *sessions)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < sessions->count; i++) {
        if (sessions->commits[i].has_record != 0) {
            sessions->commits[kept++] = sessions->commits[i];
        }
    }
    sessions->count = kept;
    if (kept > 1) {
        qsort(sessions->commits, kept, sizeof sessions->commits[0], by_record);
    }
}

enum tg_err tg_bill_sessions_find(const char *data_dir, uint64_t epoch_max,
                                  const struct tg_catalog_snapshot *catalog,
                                  const struct tg_adjust_index *adjustments,
                                  struct tg_bill_sessions **sessions, struct tg_why *why)
{
    const struct tg_scan_params notes = {.size_bytes = sizeof notes,
                                         .sections = TG_SECTION_BIT(TG_SECTION_NOTES),
                                         .dir = data_dir,
                                         .epoch_max = epoch_max};
    const struct tg_scan_params rows = {.size_bytes = sizeof rows,
                                        .sections = TG_SECTION_BIT(TG_SECTION_ROWS),
                                        .dir = data_dir,
                                        .epoch_max = epoch_max,
                                        .fates = 1u << TG_FATE_RATED,
                                        .columns = TG_COLUMN_BIT(source_id) |
                                                   TG_COLUMN_BIT(record_key) |
                                                   TG_COLUMN_BIT(subscriber) | TG_COLUMN_BIT(fate)};
    struct tg_bill_sessions *made = calloc(1, sizeof *made);
    struct finding finding = {made, catalog, adjustments, why};
    enum tg_err err = made != NULL ? scan_with(&notes, commits_fold, &finding)
                                   : tg_why_set(why, TG_E_NO_MEMORY, "no memory for sessions");
    if (err == TG_OK && made->count > 0) {
        qsort(made->commits, made->count, sizeof made->commits[0], by_session);
        err = scan_with(&rows, records_fold, &finding);
        records_keep(made);
    }
    if (err != TG_OK) {
        tg_bill_sessions_close(made);
        return err;
    }
    *sessions = made;
    return TG_OK;
}

void tg_bill_sessions_close(struct tg_bill_sessions *sessions)
{
    if (sessions != NULL) {
        free(sessions->commits);
        free(sessions);
    }
}

bool tg_bill_sessions_has(const struct tg_bill_sessions *sessions, const struct tg_usage *usage)
{
    const struct commit wanted = {.record_key = usage->record_key};
    return usage->source_id == TG_CREDIT_SOURCE_ID && sessions->count > 0 &&
           bsearch(&wanted, sessions->commits, sessions->count, sizeof wanted, by_record) != NULL;
}
