/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/quote_journal.h"

#include "abi/key.h"
#include "base/hash.h"
#include "catalog/catalog.h"
#include "cli/quote_ids.h"
#include "ledger/journal.h"
#include "ledger/scan.h"
#include "rate/credit.h"
#include "rate/rate.h"
#include "record/credit.h"
#include "store/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE_ID   1u
#define SOURCE_NAME "quote"
#define RUN_SHIFT   40 /* More lines than a run can have. */

struct tg_quote_journal {
    struct tg_data_lock lock;
    struct tg_journal *journal;
    struct tg_block *block; /* NULL once the journal has failed. */
    uint64_t epoch;
    struct tg_journal_source source;
};

uint64_t tg_quote_journal_key(const struct tg_quote_journal *journal, uint64_t line_number)
{
    return tg_mix64(line_number + ((journal != NULL ? journal->epoch - 1 : 0) << RUN_SHIFT));
}

enum tg_err tg_quote_journal_open(const char *data_dir, struct tg_quote_journal **journal,
                                  struct tg_why *why)
{
    struct tg_quote_journal *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory");
    }
    const enum tg_err locked = tg_data_lock(data_dir, &made->lock, why);
    if (locked != TG_OK) {
        free(made);
        return locked;
    }
    const struct tg_journal_params params = {
        .size_bytes = sizeof params, .streams_count = 1, .dir = data_dir, .is_sparse = true};
    const enum tg_err err = tg_journal_open(&params, &made->journal, why);
    if (err != TG_OK) {
        tg_data_unlock(&made->lock);
        free(made);
        return err;
    }
    made->epoch = tg_journal_next_epoch(made->journal);
    made->block = tg_journal_begin(made->journal, 0);
    made->source = (struct tg_journal_source){
        .source_key = tg_key_name(SOURCE_NAME, strlen(SOURCE_NAME)), .source_id = SOURCE_ID};
    *journal = made;
    return TG_OK;
}

struct take_up {
    const char *data_dir;
    const struct tg_catalog_snapshot *snapshot;
    struct tg_rate *rate;
    struct tg_quote_ids *ids;
    struct tg_credit *credit;
    struct tg_why *why;
};

/* What happened to balances; is_foreign: there is a note that no run of quote has written. */
static enum tg_err notes_take_up(const struct take_up *take, const struct tg_scan_view *view,
                                 bool *is_foreign)
{
    struct tg_scan_position at = {0};
    struct tg_scan_note note;
    enum tg_err err;
    while ((err = tg_scan_note_next(view, &at, &note, take->why)) == TG_OK && !*is_foreign) {
        struct tg_credit_event event = {.is_quoted = 0};
        if (strncmp(note.key, TG_CREDIT_NOTE, strlen(TG_CREDIT_NOTE)) == 0 &&
            note.length_bytes == sizeof event) {
            memcpy(&event, note.bytes, sizeof event);
        }
        *is_foreign = event.is_quoted == 0;
        if (!*is_foreign && take->credit != NULL) {
            err = tg_credit_replay(take->credit, &event);
            if (err != TG_OK) {
                return err;
            }
        }
    }
    return err == TG_E_NOT_FOUND ? TG_OK : err;
}

static void rows_take_up(const struct take_up *take, const struct tg_scan_view *view)
{
    for (uint32_t i = 0; take->credit != NULL && i < view->rows_count; i++) {
        const struct tg_roster_line *who =
            tg_roster_line(take->snapshot->roster, view->charges[i].subscriber);
        if (view->charges[i].fate == TG_FATE_RATED && who != NULL) {
            tg_credit_replay_row(take->credit, who->account, &view->charges[i]);
        }
    }
}

/* Rows as they were rated, in the journal's order: what is counted stands where it stood. */
static enum tg_err block_take_up(void *context, const struct tg_scan_view *view)
{
    const struct take_up *take = context;
    bool is_foreign = false;
    enum tg_err err = notes_take_up(take, view, &is_foreign);
    for (uint32_t i = 0; i < view->rows_count && err == TG_OK; i++) {
        is_foreign |= view->usage[i].source_id != SOURCE_ID;
        err = tg_quote_ids_note(take->ids, &view->usage[i]);
    }
    if (err == TG_OK && is_foreign) {
        return tg_why_set(take->why, TG_E_STATE,
                          "%s has rows of an engine, or corrections: usage can be added to what "
                          "`quote` has put there only",
                          take->data_dir);
    }
    rows_take_up(take, view);
    return err == TG_OK ? tg_rate_apply(take->rate, take->snapshot, view->usage, view->charges,
                                        view->rows_count)
                        : err;
}

enum tg_err tg_quote_journal_take_up(const char *data_dir,
                                     const struct tg_catalog_snapshot *snapshot,
                                     struct tg_rate *rate, struct tg_quote_ids *ids,
                                     struct tg_credit *credit, struct tg_why *why)
{
    struct take_up take = {data_dir, snapshot, rate, ids, credit, why};
    const struct tg_scan_params params = {
        .size_bytes = sizeof params, .dir = data_dir, .wants_structs = true};
    struct tg_scan *scan = NULL;
    enum tg_err err = tg_scan_open(&params, &scan, why);
    if (err == TG_OK) {
        err = tg_scan_fold(scan, block_take_up, &take, why);
    }
    tg_scan_close(scan);
    return err == TG_OK || why->text[0] != '\0'
               ? err
               : tg_why_set(why, err, "usage of earlier runs in %s: %s", data_dir,
                            tg_err_sentence(err));
}

/* Hand a full block over and begin the next of the same epoch. */
static void block_next(struct tg_quote_journal *journal)
{
    if (journal->block != NULL) {
        tg_journal_submit_part(journal->journal, journal->block, journal->epoch);
        journal->block = tg_journal_begin(journal->journal, 0);
    }
}

void tg_quote_journal_row(struct tg_quote_journal *journal, const struct tg_usage *row,
                          const struct tg_charge *charge)
{
    struct tg_usage kept = *row;
    kept.source_id = SOURCE_ID;
    journal->source.in_records++;
    journal->source.in_units += tg_usage_units(&kept);
    while (journal->block != NULL && tg_block_rows(journal->block, &kept, charge, 1) == 0) {
        block_next(journal);
    }
}

void tg_quote_journal_event(struct tg_quote_journal *journal, const struct tg_credit_event *event)
{
    struct tg_credit_event kept = *event;
    char key[48];
    kept.is_quoted = 1;
    (void)snprintf(key, sizeof key, TG_CREDIT_NOTE "%" PRIu32 "/%" PRIu64, kept.account,
                   kept.ordinal);
    while (journal->block != NULL && !tg_block_note(journal->block, key, &kept, sizeof kept)) {
        block_next(journal);
    }
}

void tg_quote_journal_refusal(struct tg_quote_journal *journal, const char *bytes,
                              size_t length_bytes, enum tg_err reason)
{
    const uint32_t length =
        length_bytes < TG_REFUSAL_BYTES_MAX ? (uint32_t)length_bytes : TG_REFUSAL_BYTES_MAX;
    const struct tg_journal_refusal refusal = {.bytes = (const uint8_t *)bytes,
                                               .length_bytes = length,
                                               .source_id = SOURCE_ID,
                                               .reason = (int16_t)reason,
                                               .fate = TG_FATE_SUSPENDED};
    journal->source.refused_records++;
    while (journal->block != NULL && !tg_block_refusal(journal->block, &refusal)) {
        block_next(journal);
    }
}

enum tg_err tg_quote_journal_close(struct tg_quote_journal *journal, bool is_kept,
                                   struct tg_why *why)
{
    if (journal == NULL) {
        return TG_OK;
    }
    if (!is_kept && journal->block != NULL) {
        tg_journal_discard(journal->journal, journal->block);
        journal->block = NULL;
    }
    while (journal->block != NULL && !tg_block_source(journal->block, &journal->source)) {
        block_next(journal);
    }
    if (journal->block != NULL) {
        tg_journal_submit(journal->journal, journal->block, journal->epoch);
    }
    (void)tg_journal_error(journal->journal, why);
    const enum tg_err err = tg_journal_close(journal->journal);
    if (err != TG_OK && why != NULL && why->text[0] == '\0') {
        (void)tg_why_set(why, err, "the journal: %s", tg_err_sentence(err));
    }
    tg_data_unlock(&journal->lock);
    free(journal);
    return err;
}
