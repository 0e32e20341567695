/* SPDX-License-Identifier: Apache-2.0 */
#include "control/node_numbers.h"

#include "base/log.h"
#include "doc/json.h"
#include "health/inventory.h"
#include "store/documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLLECTION  "nodeNumber"
#define INTERVAL_NO (-1) /* Never silent. */

struct load {
    struct tg_node_numbers *numbers;
    enum tg_err err;
};

static bool number_read(void *context, const struct tg_document *document)
{
    struct load *load = context;
    struct tg_json *json = NULL;
    const unsigned long number = strtoul(document->id, NULL, 10);
    load->err = tg_json_parse(document->json, document->json_bytes, &json, NULL);
    const char *name = tg_json_get_text(json, "name", "");
    if (load->err == TG_OK && (number == 0 || number > TG_NODES_MAX || name[0] == '\0' ||
                               strlen(name) >= TG_NAME_BYTES_MAX)) {
        load->err = TG_E_CORRUPT;
    }
    if (load->err == TG_OK) {
        struct tg_node_numbers *numbers = load->numbers;
        (void)snprintf(numbers->names[number - 1], TG_NAME_BYTES_MAX, "%s", name);
        numbers->count = number > numbers->count ? (uint32_t)number : numbers->count;
    }
    tg_json_free(json);
    return load->err == TG_OK;
}

/* Index of a name that has a number, looked for at its place in the configuration first; count:
 * none has. */
static uint32_t name_find(const struct tg_node_numbers *numbers, const char *name, uint32_t place)
{
    uint32_t i = 0;
    if (place < numbers->count && strcmp(numbers->names[place], name) == 0) {
        return place;
    }
    while (i < numbers->count && strcmp(numbers->names[i], name) != 0) {
        i++;
    }
    return i;
}

static void number_write(struct tg_txn *txn, uint32_t index, const char *name)
{
    char id[8];
    size_t length = 0;
    struct tg_json *json = tg_json_object();
    tg_json_set_string(json, "name", name);
    char *text = tg_json_dump(json, &length);
    (void)snprintf(id, sizeof id, "%05u", index + 1);
    if (text != NULL) {
        tg_documents_put(txn, COLLECTION, id, text, length);
    } else {
        tg_txn_fail(txn, TG_E_NO_MEMORY);
    }
    free(text);
    tg_json_free(json);
}

/* The next number, or one of a node that is gone. There is one, as there are not more nodes than
 * numbers. */
static uint32_t number_take(struct tg_node_numbers *numbers, const char *name)
{
    if (numbers->count < TG_NODES_MAX) {
        return numbers->count++;
    }
    uint32_t i = 0;
    while (!numbers->specs[i].is_gone) {
        i++;
    }
    numbers->reused_count++;
    tg_log(TG_LOG_WARNING, "control",
           "node %s gets the number of %s, which is not configured: the journal's past of that one "
           "counts as its own",
           name, numbers->names[i]);
    return i;
}

static void numbers_give(struct tg_txn *txn, struct tg_node_numbers *numbers,
                         const struct tg_node_spec *specs, uint32_t specs_count)
{
    const uint32_t known_count = numbers->count;
    for (uint32_t i = 0; i < TG_NODES_MAX; i++) {
        numbers->specs[i] = (struct tg_node_spec){
            .name = numbers->names[i], .interval_ns = INTERVAL_NO, .is_gone = true};
    }
    for (uint32_t i = 0; i < specs_count; i++) {
        const uint32_t at = name_find(numbers, specs[i].name, i);
        if (at < known_count) {
            numbers->specs[at] = specs[i];
        }
    }
    for (uint32_t i = 0; i < specs_count; i++) {
        if (name_find(numbers, specs[i].name, i) == numbers->count) {
            const uint32_t at = number_take(numbers, specs[i].name);
            (void)snprintf(numbers->names[at], TG_NAME_BYTES_MAX, "%s", specs[i].name);
            numbers->specs[at] = specs[i];
            number_write(txn, at, specs[i].name);
        }
    }
}

enum tg_err tg_node_numbers_apply(struct tg_db *state, const struct tg_node_spec *specs,
                                  uint32_t specs_count, struct tg_node_numbers *numbers,
                                  struct tg_why *why)
{
    struct load load = {.numbers = numbers};
    struct tg_txn txn;
    *numbers = (struct tg_node_numbers){.count = 0};
    numbers->specs = calloc(TG_NODES_MAX, sizeof numbers->specs[0]);
    numbers->names = calloc(TG_NODES_MAX, sizeof numbers->names[0]);
    if (numbers->specs == NULL || numbers->names == NULL) {
        tg_node_numbers_free(numbers);
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the numbers of nodes");
    }
    tg_txn_begin(&txn, state, true);
    enum tg_err err = tg_documents_visit(&txn, COLLECTION, NULL, number_read, &load, NULL);
    err = load.err != TG_OK ? load.err : err;
    for (uint32_t i = 0; i < numbers->count; i++) {
        err = err == TG_OK && numbers->names[i][0] == '\0' ? TG_E_CORRUPT : err;
    }
    if (err != TG_OK) {
        tg_txn_abort(&txn);
        tg_node_numbers_free(numbers);
        return tg_why_set(why, err, "the numbers of nodes cannot be read: %s",
                          tg_err_sentence(err));
    }
    numbers_give(&txn, numbers, specs, specs_count);
    err = tg_txn_commit(&txn, why);
    if (err != TG_OK) {
        tg_node_numbers_free(numbers);
    }
    return err;
}

void tg_node_numbers_free(struct tg_node_numbers *numbers)
{
    free(numbers->specs);
    free(numbers->names);
    *numbers = (struct tg_node_numbers){.count = 0};
}
