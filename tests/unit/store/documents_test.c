/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "store/documents.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "store/file.h"

static char dir[64];

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status;
    (void)kind;
    (void)at;
    return remove(path);
}

static struct tg_db *state(bool is_read_only)
{
    struct tg_db *db = NULL;
    struct tg_why why = {.text = ""};
    cr_assert_eq(tg_state_open(dir, is_read_only, 64u << 20, &db, &why), TG_OK, "%s", why.text);
    return db;
}

static void set_up(void)
{
    (void)snprintf(dir, sizeof dir, "/tmp/tg_store_XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
}

static void tear_down(void)
{
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(documents, .init = set_up, .fini = tear_down);
TestSuite(lmdb, .init = set_up, .fini = tear_down);
TestSuite(file, .init = set_up, .fini = tear_down);

struct visited {
    char ids[256];
    uint32_t stop_after;
    uint32_t count;
};

static bool visit(void *context, const struct tg_document *document)
{
    struct visited *visited = context;
    (void)strncat(visited->ids, document->id, 40);
    (void)strncat(visited->ids, " ", 2);
    return ++visited->count != visited->stop_after;
}

Test(documents, a_collection_is_visited_in_order_and_alone)
{
    /* If this failed, a customer would see another collection's documents, or a page twice. */
    struct tg_db *db = state(false);
    struct tg_txn txn;
    struct tg_bytes json;
    uint64_t count = 0;
    tg_txn_begin(&txn, db, true);
    static const char *const names[][2] = {
        {"bill", "2"}, {"bill", "10"}, {"bil", "x"}, {"billa", "y"}, {"bill", "1"}};
    for (uint32_t i = 0; i < 5; i++) {
        tg_documents_put(&txn, names[i][0], names[i][1], "{\"n\":1}", 7);
    }
    cr_assert_eq(tg_txn_commit(&txn, NULL), TG_OK);
    tg_txn_begin(&txn, db, false);
    struct visited visited = {.ids = ""};
    cr_expect_eq(tg_documents_visit(&txn, "bill", NULL, visit, &visited, &count), TG_OK);
    cr_expect_str_eq(visited.ids, "1 10 2 ");
    cr_expect_eq(count, 3);
    visited = (struct visited){.stop_after = 1};
    cr_expect_eq(tg_documents_visit(&txn, "bill", "10", visit, &visited, &count), TG_OK);
    cr_expect_str_eq(visited.ids, "10 ");
    cr_expect_eq(tg_documents_get(&txn, "bill", "2", &json), TG_OK);
    cr_expect_eq(json.length_bytes, 7);
    cr_expect_eq(tg_documents_get(&txn, "bill", "3", &json), TG_E_NOT_FOUND);
    cr_expect_eq(tg_documents_get(&txn, "", "3", &json), TG_E_INVALID);
    tg_txn_abort(&txn);
    tg_txn_begin(&txn, db, true);
    cr_expect_eq(tg_documents_clear(&txn, "bill"), 3);
    cr_assert_eq(tg_txn_commit(&txn, NULL), TG_OK);
    tg_txn_begin(&txn, db, false);
    cr_expect_eq(tg_txn_count(&txn, TG_STATE_DOCUMENTS), 2);
    tg_txn_abort(&txn);
    tg_db_close(db);
}

Test(documents, numbers_have_no_gap_even_when_a_transaction_fails)
{
    /* If this failed, an auditor would find an invoice number that was never issued. */
    struct tg_db *db = state(false);
    for (uint32_t i = 0; i < 10; i++) {
        struct tg_txn txn;
        tg_txn_begin(&txn, db, true);
        const uint64_t number = tg_counter_next(&txn, "invoice");
        cr_expect_eq(number, i / 2 + 1);
        cr_expect_eq(tg_outbox_append(&txn, "{}", 2), i / 2 + 1);
        if (i % 2 == 0) {
            tg_txn_fail(&txn, TG_E_OVERFLOW);
            cr_expect_eq(tg_txn_commit(&txn, NULL), TG_E_OVERFLOW);
        } else {
            cr_expect_eq(tg_txn_commit(&txn, NULL), TG_OK);
        }
    }
    struct tg_txn txn;
    struct visited visited = {.ids = ""};
    tg_txn_begin(&txn, db, true);
    cr_expect_eq(tg_counter_last(&txn, "invoice"), 5);
    cr_expect_eq(tg_outbox_trim(&txn, 4), 3);
    cr_expect_eq(tg_outbox_visit(&txn, 1, visit, &visited), TG_OK);
    cr_expect_str_eq(visited.ids, "00000000000000000004 00000000000000000005 ");
    cr_expect_eq(tg_txn_commit(&txn, NULL), TG_OK);
    tg_db_close(db);
}

Test(lmdb, a_transaction_keeps_its_first_error)
{
    /* If this failed, a bill would be stored without its number. */
    struct tg_db *db = state(false);
    struct tg_txn txn;
    struct tg_bytes value;
    char key[600];
    memset(key, 'k', sizeof key);
    tg_txn_begin(&txn, db, true);
    tg_txn_put(&txn, TG_STATE_SPARE, tg_bytes_text("a"), tg_bytes_text("1"));
    tg_txn_put(&txn, TG_STATE_SPARE, (struct tg_bytes){key, sizeof key}, tg_bytes_text("2"));
    tg_txn_put(&txn, TG_STATE_SPARE, tg_bytes_text("b"), tg_bytes_text("3"));
    cr_expect_null(tg_txn_reserve(&txn, TG_STATE_SPARE, tg_bytes_text("c"), 8));
    cr_expect_eq(tg_txn_commit(&txn, NULL), TG_E_INVALID);
    tg_txn_begin(&txn, db, false);
    cr_expect(!tg_txn_get(&txn, TG_STATE_SPARE, tg_bytes_text("a"), &value));
    tg_txn_abort(&txn);
    tg_db_close(db);
}

Test(lmdb, a_full_map_is_no_space_and_loses_nothing)
{
    /* If this failed, a full disk would read as a database fault, or tear a transaction. */
    struct tg_db *db = NULL;
    struct tg_txn txn;
    struct tg_bytes value;
    static char big[300000];
    cr_assert_eq(tg_state_open(dir, false, 1u << 20, &db, NULL), TG_OK);
    enum tg_err err = TG_OK;
    uint32_t stored_count = 0;
    while (err == TG_OK && stored_count < 100) {
        char key[16];
        (void)snprintf(key, sizeof key, "%u", stored_count);
        tg_txn_begin(&txn, db, true);
        tg_txn_put(&txn, TG_STATE_SPARE, tg_bytes_text(key), (struct tg_bytes){big, sizeof big});
        err = tg_txn_commit(&txn, NULL);
        stored_count += err == TG_OK ? 1 : 0;
    }
    cr_expect_eq(err, TG_E_NO_SPACE);
    cr_expect(stored_count > 0);
    tg_txn_begin(&txn, db, false);
    cr_expect_eq(tg_txn_count(&txn, TG_STATE_SPARE), stored_count);
    cr_expect(tg_txn_get(&txn, TG_STATE_SPARE, tg_bytes_text("0"), &value));
    tg_txn_abort(&txn);
    tg_db_close(db);
}

Test(lmdb, another_process_reads_what_was_committed)
{
    /* If this failed, a front would show nothing, or could change what it shows. */
    struct tg_db *db = state(false);
    struct tg_txn txn;
    tg_txn_begin(&txn, db, true);
    tg_documents_put(&txn, "alarm", "1", "{}", 2);
    cr_assert_eq(tg_txn_commit(&txn, NULL), TG_OK);
    tg_db_close(db);
    const pid_t child = fork();
    if (child == 0) {
        struct tg_db *reader = NULL;
        struct tg_bytes json;
        int bad = tg_state_open(dir, true, 0, &reader, NULL) != TG_OK;
        tg_txn_begin(&txn, reader, false);
        bad += tg_documents_get(&txn, "alarm", "1", &json) != TG_OK;
        tg_txn_abort(&txn);
        tg_txn_begin(&txn, reader, true);
        tg_documents_put(&txn, "alarm", "2", "{}", 2);
        bad += tg_txn_commit(&txn, NULL) != TG_E_STATE;
        _exit(bad);
    }
    int status = -1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0);
}

Test(file, a_second_engine_is_refused_and_told_who_holds_it)
{
    /* If this failed, two engines would write one journal and both would be believed. */
    struct tg_data_lock lock;
    struct tg_data_lock second;
    struct tg_why why = {.text = ""};
    char pid[32];
    cr_assert_eq(tg_data_lock(dir, &lock, NULL), TG_OK);
    cr_expect_eq(tg_data_lock(dir, &second, &why), TG_E_LOCKED);
    (void)snprintf(pid, sizeof pid, "process %ld;", (long)getpid());
    cr_expect_not_null(strstr(why.text, pid), "%s", why.text);
    tg_data_unlock(&lock);
    cr_expect_eq(tg_data_lock(dir, &second, &why), TG_OK);
    tg_data_unlock(&second);
}
