/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/documents.h"

#include "store/documents.h"

#include <string.h>

struct walk {
    void (*visit)(void *context, const struct tg_json *document);
    void *context;
};

static bool document_visit(void *context, const struct tg_document *document)
{
    struct walk *walk = context;
    struct tg_json *json = NULL;
    if (tg_json_parse(document->json, document->json_bytes, &json, NULL) == TG_OK) {
        walk->visit(walk->context, json);
    }
    tg_json_free(json);
    return true;
}

int tg_cli_documents(const struct tg_verb *verb, const char *data_dir, const char *collection,
                     void (*visit)(void *context, const struct tg_json *document), void *context)
{
    struct tg_db *db = NULL;
    struct tg_why why = {""};
    enum tg_err err = tg_state_open(data_dir, true, 0, &db, &why);
    if (err != TG_OK) {
        return tg_cli_problem(verb, "%s", why.text[0] != '\0' ? why.text : tg_err_sentence(err));
    }
    struct walk walk = {visit, context};
    struct tg_txn txn;
    tg_txn_begin(&txn, db, false);
    err = tg_documents_visit(&txn, collection, NULL, document_visit, &walk, NULL);
    tg_txn_abort(&txn);
    tg_db_close(db);
    return err == TG_OK ? TG_EXIT_OK : tg_cli_problem(verb, "%s", tg_err_sentence(err));
}

int tg_cli_read_options(const struct tg_verb *verb, int argc, char **argv, const char **data_dir,
                        bool *is_json)
{
    *data_dir = "data";
    *is_json = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            *is_json = true;
        } else if (strcmp(argv[i], "--data") == 0 && i + 1 < argc) {
            *data_dir = argv[++i];
        } else {
            return tg_cli_usage(verb, "unexpected '%s'", argv[i]);
        }
    }
    return TG_EXIT_OK;
}
