/* SPDX-License-Identifier: Apache-2.0 */
#include "front_list.h"

#include <stdlib.h>
#include <string.h>

#define ID_BYTES 241u /* TG_DOCUMENT_NAME_MAX of the store, and a NUL. */

/* What a visit knows. */
struct list {
    const struct tg_front_query *query;
    struct tg_front_reply *reply;
    uint64_t matches_count;
    uint64_t shown_count;
};

/* The document as stored, or only the members that the query asks for. */
static void document_add(const struct tg_front_query *query, struct tg_front_reply *reply,
                         struct tg_front_span json)
{
    if (query->fields == NULL) {
        tg_front_reply_add(reply, json.at, json.length_bytes);
        return;
    }
    struct tg_front_span key;
    struct tg_front_span value;
    struct tg_front_walk walk = tg_front_walk(json);
    const char *comma = "{\"";
    while (tg_front_walk_next(&walk, &key, &value)) {
        if (tg_front_query_shows(query, key)) {
            tg_front_reply_text(reply, comma);
            tg_front_reply_add(reply, key.at, key.length_bytes);
            tg_front_reply_text(reply, "\":");
            tg_front_reply_add(reply, value.at, value.length_bytes);
            comma = ",\"";
        }
    }
    tg_front_reply_text(reply, comma[0] == '{' ? "{}" : "}");
}

static void page_add(struct list *list, struct tg_front_span json)
{
    tg_front_reply_text(list->reply, list->shown_count > 0 ? "," : "");
    document_add(list->query, list->reply, json);
    list->shown_count++;
}

static struct tg_front_span document_span(const struct tg_document *document)
{
    return (struct tg_front_span){document->json, document->json_bytes};
}

static bool list_visit(void *context, const struct tg_document *document)
{
    struct list *list = context;
    const struct tg_front_span json = document_span(document);
    if (!tg_front_json_is_object(json) || !tg_front_query_matches(list->query, json)) {
        return true;
    }
    const uint64_t index = list->matches_count++;
    if (index >= list->query->offset && list->shown_count < list->query->limit) {
        page_add(list, json);
    }
    return !list->reply->is_full;
}

/* One match of a sorted list: its key as text and which document it is. */
struct sort_key {
    struct tg_front_span key; /* Owned copy; {NULL, 0} when the attribute is absent. */
    uint64_t ordinal;         /* Place in id order: keeps equal keys in a stable order. */
    char id[ID_BYTES];
};

struct sort {
    const struct tg_front_query *query;
    struct sort_key *keys;
    size_t keys_count;
    size_t keys_capacity;
    bool is_too_many;
    bool is_short; /* Of memory. */
};

static bool keys_grow(struct sort *sort)
{
    const size_t wanted = sort->keys_capacity > 0 ? sort->keys_capacity * 2 : 1024;
    struct sort_key *grown = realloc(sort->keys, wanted * sizeof grown[0]);
    if (grown == NULL) {
        sort->is_short = true;
        return false;
    }
    sort->keys = grown;
    sort->keys_capacity = wanted;
    return true;
}

static bool sort_visit(void *context, const struct tg_document *document)
{
    struct sort *sort = context;
    const struct tg_front_span json = document_span(document);
    const size_t id_bytes = strlen(document->id);
    if (id_bytes >= ID_BYTES || !tg_front_json_is_object(json) ||
        !tg_front_query_matches(sort->query, json)) {
        return true;
    }
    if (sort->keys_count == TG_FRONT_SORT_MAX) {
        sort->is_too_many = true;
        return false;
    }
    if (sort->keys_count == sort->keys_capacity && !keys_grow(sort)) {
        return false;
    }
    struct sort_key *key = &sort->keys[sort->keys_count];
    key->key = (struct tg_front_span){NULL, 0};
    key->ordinal = sort->keys_count;
    memcpy(key->id, document->id, id_bytes + 1);
    struct tg_front_span found;
    if (tg_front_json_find(json, sort->query->sort, &found)) {
        char *copy = malloc(found.length_bytes);
        if (copy == NULL) {
            sort->is_short = true;
            return false;
        }
        memcpy(copy, found.at, found.length_bytes);
        key->key = (struct tg_front_span){copy, found.length_bytes};
    }
    sort->keys_count++;
    return true;
}

static int ordinal_compare(const struct sort_key *a, const struct sort_key *b)
{
    return a->ordinal < b->ordinal ? -1 : a->ordinal > b->ordinal;
}

static int ascending_compare(const void *a, const void *b)
{
    const struct sort_key *left = a;
    const struct sort_key *right = b;
    const int order = tg_front_json_compare(left->key, right->key);
    return order != 0 ? order : ordinal_compare(left, right);
}

static int descending_compare(const void *a, const void *b)
{
    const struct sort_key *left = a;
    const struct sort_key *right = b;
    const int order = tg_front_json_compare(right->key, left->key);
    return order != 0 ? order : ordinal_compare(left, right);
}

static bool page_visit(void *context, const struct tg_document *document)
{
    struct list *list = context;
    page_add(list, document_span(document));
    return true;
}

/* Two steps: keys in one transaction, then the page's documents; one that went in between is left
 * out of the page. */
static enum tg_err sorted_list(const struct tg_front_request *request, struct list *list,
                               const char **complaint)
{
    const struct tg_front_host *host = request->host;
    const struct tg_front_query *query = request->query;
    struct sort sort = {.query = query};
    enum tg_err err = host->visit(host->self, request->route->collection, sort_visit, &sort);
    *complaint = sort.is_too_many ? "too many matches to sort; filter them" : NULL;
    err = err == TG_OK && sort.is_short ? TG_E_NO_MEMORY : err;
    if (err == TG_OK && !sort.is_too_many && sort.keys_count > 0) {
        qsort(sort.keys, sort.keys_count, sizeof sort.keys[0],
              query->is_descending ? descending_compare : ascending_compare);
        list->matches_count = sort.keys_count;
        const uint64_t left = query->offset < sort.keys_count ? sort.keys_count - query->offset : 0;
        const uint64_t page = left < query->limit ? left : query->limit;
        for (uint64_t i = 0; i < page && err == TG_OK && !list->reply->is_full; i++) {
            err = host->read(host->self, request->route->collection,
                             sort.keys[query->offset + i].id, page_visit, list);
            err = err == TG_E_NOT_FOUND ? TG_OK : err;
        }
    }
    for (size_t i = 0; i < sort.keys_count; i++) {
        free((void *)(uintptr_t)sort.keys[i].key.at);
    }
    free(sort.keys);
    return err;
}

void tg_front_list(const struct tg_front_request *request, struct tg_front_reply *reply)
{
    const struct tg_front_host *host = request->host;
    struct list list = {.query = request->query, .reply = reply};
    const char *complaint = NULL;
    tg_front_reply_text(reply, "[");
    const enum tg_err err =
        request->query->sort != NULL
            ? sorted_list(request, &list, &complaint)
            : host->visit(host->self, request->route->collection, list_visit, &list);
    if (complaint != NULL) {
        tg_front_reply_error(reply, 400, "too many to sort", complaint);
        return;
    }
    if (err != TG_OK) {
        tg_front_reply_error(reply, 503, "unavailable", "the documents cannot be read now");
        return;
    }
    tg_front_reply_text(reply, "]");
    reply->has_counts = true;
    reply->total_count = list.matches_count;
    reply->result_count = list.shown_count;
}

static bool item_visit(void *context, const struct tg_document *document)
{
    struct list *list = context;
    document_add(list->query, list->reply, document_span(document));
    return false;
}

void tg_front_item(const struct tg_front_request *request, struct tg_front_reply *reply)
{
    const struct tg_front_host *host = request->host;
    struct list list = {.query = request->query, .reply = reply};
    const enum tg_err err =
        host->read(host->self, request->route->collection, request->id, item_visit, &list);
    if (err == TG_E_NOT_FOUND || err == TG_E_INVALID) {
        tg_front_reply_error(reply, 404, "not found", "nothing has that id");
    } else if (err != TG_OK) {
        tg_front_reply_error(reply, 503, "unavailable", "the documents cannot be read now");
    }
}
