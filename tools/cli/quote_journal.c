/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/quote_journal.h"

#include "abi/key.h"
#include "base/hash.h"
#include "ledger/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOURCE_ID   1u
#define SOURCE_NAME "quote"
#define PATH_BYTES  4096u

struct tg_quote_journal {
    struct tg_journal *journal;
    struct tg_block *block; /* NULL once the journal has failed. */
    uint64_t epoch;
    struct tg_journal_source source;
};

uint64_t tg_quote_journal_key(uint64_t line_number)
{
    return tg_mix64(line_number);
}

enum tg_err tg_quote_journal_open(const char *data_dir, struct tg_quote_journal **journal,
                                  struct tg_why *why)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/journal", data_dir);
    if (access(path, F_OK) == 0) {
        return tg_why_set(why, TG_E_EXISTS, "%s is there: usage goes into a data directory once",
                          path);
    }
    struct tg_quote_journal *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory");
    }
    const struct tg_journal_params params = {
        .size_bytes = sizeof params, .streams_count = 1, .dir = data_dir, .is_sparse = true};
    const enum tg_err err = tg_journal_open(&params, &made->journal, why);
    if (err != TG_OK) {
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

enum tg_err tg_quote_journal_close(struct tg_quote_journal *journal, struct tg_why *why)
{
    if (journal == NULL) {
        return TG_OK;
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
    free(journal);
    return err;
}
