/* SPDX-License-Identifier: Apache-2.0 */
/* Slots in two lists by use (all, and per source) and one hash chain. Numbers instead of pointers
 * keep the lists small; slot 0 is the end of every list. */
#include "lib/flowstore.h"

#include "abi/key.h"

#include <stdlib.h>
#include <string.h>

enum list_kind { LIST_ALL = 0, LIST_SOURCE = 1 };

static uint32_t bucket_of(const struct tg_flow_store *store, struct tg_flow_key key)
{
    const uint64_t name = (uint64_t)key.domain << 32 | (uint64_t)key.source_id << 16 | key.id;
    return (uint32_t)tg_key_mix(name ^ store->hash_seed, UINT64_C(0xa0761d6478bd642f)) &
           (store->buckets_count - 1);
}

static bool is_key(const struct tg_flow_template *t, struct tg_flow_key key)
{
    return t->key.id == key.id && t->key.source_id == key.source_id && t->key.domain == key.domain;
}

static uint16_t index_of(const struct tg_flow_store *store, const struct tg_flow_template *t)
{
    return (uint16_t)(t - store->slots);
}

static struct tg_flow_list *list_of(struct tg_flow_store *store, uint16_t source_id, int kind)
{
    return kind == LIST_ALL ? &store->all : &store->sources[source_id];
}

static void unlink_from(struct tg_flow_store *store, struct tg_flow_template *t, int kind)
{
    struct tg_flow_list *list = list_of(store, t->key.source_id, kind);
    const uint16_t newer = t->newer[kind];
    const uint16_t older = t->older[kind];
    if (newer != 0) {
        store->slots[newer].older[kind] = older;
    } else {
        list->newest = older;
    }
    if (older != 0) {
        store->slots[older].newer[kind] = newer;
    } else {
        list->oldest = newer;
    }
    list->count--;
}

static void link_newest(struct tg_flow_store *store, struct tg_flow_template *t, int kind)
{
    struct tg_flow_list *list = list_of(store, t->key.source_id, kind);
    const uint16_t index = index_of(store, t);
    t->newer[kind] = 0;
    t->older[kind] = list->newest;
    if (list->newest != 0) {
        store->slots[list->newest].newer[kind] = index;
    } else {
        list->oldest = index;
    }
    list->newest = index;
    list->count++;
}

enum tg_err tg_flow_store_open(struct tg_flow_store *store, uint32_t capacity,
                               uint32_t source_capacity, uint64_t hash_seed)
{
    memset(store, 0, sizeof(*store));
    store->capacity = capacity;
    store->source_capacity = source_capacity;
    store->hash_seed = hash_seed;
    store->buckets_count = 16;
    while (store->buckets_count < 2 * capacity) {
        store->buckets_count *= 2;
    }
    store->slots = calloc((size_t)capacity + 1, sizeof(*store->slots));
    store->buckets = calloc(store->buckets_count, sizeof(*store->buckets));
    store->sources = calloc(TG_FLOW_SOURCES_COUNT, sizeof(*store->sources));
    store->boots = calloc(TG_FLOW_BOOTS_COUNT, sizeof(*store->boots));
    if (store->slots == NULL || store->buckets == NULL || store->sources == NULL ||
        store->boots == NULL) {
        tg_flow_store_close(store);
        return TG_E_NO_MEMORY;
    }
    tg_flow_store_clear(store);
    return TG_OK;
}

void tg_flow_store_close(struct tg_flow_store *store)
{
    free(store->slots);
    free(store->buckets);
    free(store->sources);
    free(store->boots);
    memset(store, 0, sizeof(*store));
}

void tg_flow_store_clear(struct tg_flow_store *store)
{
    while (store->all.oldest != 0) {
        (void)tg_flow_store_remove(store, store->slots[store->all.oldest].key);
    }
    memset(store->boots, 0, TG_FLOW_BOOTS_COUNT * sizeof(*store->boots));
    store->boots_next = 0;
    store->evicted_count = 0;
    /* The free chain is made lazily: `free_first` 0 and count < capacity means the next fresh slot
     * is count + 1; only slots given back are chained. After a clear all may start afresh. */
    store->free_first = 0;
}

struct tg_flow_template *tg_flow_store_find(const struct tg_flow_store *store,
                                            struct tg_flow_key key)
{
    uint16_t index = store->buckets[bucket_of(store, key)];
    while (index != 0) {
        struct tg_flow_template *t = &store->slots[index];
        if (is_key(t, key)) {
            return t;
        }
        index = t->hash_next;
    }
    return NULL;
}

void tg_flow_store_touch(struct tg_flow_store *store, struct tg_flow_template *t)
{
    if (store->all.newest != index_of(store, t)) {
        unlink_from(store, t, LIST_ALL);
        link_newest(store, t, LIST_ALL);
    }
    if (store->sources[t->key.source_id].newest != index_of(store, t)) {
        unlink_from(store, t, LIST_SOURCE);
        link_newest(store, t, LIST_SOURCE);
    }
}

bool tg_flow_store_remove(struct tg_flow_store *store, struct tg_flow_key key)
{
    uint16_t *link = &store->buckets[bucket_of(store, key)];
    while (*link != 0) {
        struct tg_flow_template *t = &store->slots[*link];
        if (is_key(t, key)) {
            const uint16_t index = *link;
            *link = t->hash_next;
            unlink_from(store, t, LIST_ALL);
            unlink_from(store, t, LIST_SOURCE);
            t->hash_next = store->free_first;
            store->free_first = index;
            return true;
        }
        link = &t->hash_next;
    }
    return false;
}

/* A slot for a new template of that source, making room by the policy in the header. */
static struct tg_flow_template *slot_take(struct tg_flow_store *store, uint16_t source_id)
{
    const struct tg_flow_list *mine = &store->sources[source_id];
    if (mine->count >= store->source_capacity) {
        store->evicted_count++;
        (void)tg_flow_store_remove(store, store->slots[mine->oldest].key);
    } else if (store->all.count >= store->capacity) {
        store->evicted_count++;
        (void)tg_flow_store_remove(store, store->slots[store->all.oldest].key);
    }
    if (store->free_first != 0) {
        struct tg_flow_template *t = &store->slots[store->free_first];
        store->free_first = t->hash_next;
        return t;
    }
    return &store->slots[store->all.count + 1u];
}

static bool is_same(const struct tg_flow_template *a, const struct tg_flow_template *b)
{
    return a->plan.fields_count == b->plan.fields_count && a->scopes_count == b->scopes_count &&
           a->plan.is_options == b->plan.is_options &&
           memcmp(a->fields, b->fields, a->plan.fields_count * sizeof(a->fields[0])) == 0;
}

bool tg_flow_store_put(struct tg_flow_store *store, const struct tg_flow_template *made)
{
    struct tg_flow_template *t = tg_flow_store_find(store, made->key);
    if (t != NULL && is_same(t, made)) {
        tg_flow_store_touch(store, t);
        return false;
    }
    if (t == NULL) {
        t = slot_take(store, made->key.source_id);
        const uint32_t bucket = bucket_of(store, made->key);
        t->key = made->key;
        t->hash_next = store->buckets[bucket];
        store->buckets[bucket] = index_of(store, t);
        link_newest(store, t, LIST_ALL);
        link_newest(store, t, LIST_SOURCE);
    } else {
        tg_flow_store_touch(store, t);
    }
    t->scopes_count = made->scopes_count;
    t->plan = made->plan;
    memcpy(t->fields, made->fields, made->plan.fields_count * sizeof(made->fields[0]));
    return true;
}

uint32_t tg_flow_store_remove_all(struct tg_flow_store *store, uint16_t source_id, uint32_t domain,
                                  bool is_options)
{
    uint32_t removed_count = 0;
    uint16_t index = store->sources[source_id].oldest;
    while (index != 0) {
        const struct tg_flow_template *t = &store->slots[index];
        index = t->newer[LIST_SOURCE];
        if (t->key.domain == domain && t->plan.is_options == is_options) {
            removed_count += tg_flow_store_remove(store, t->key) ? 1 : 0;
        }
    }
    return removed_count;
}

static struct tg_flow_boot *boot_find(const struct tg_flow_store *store, uint16_t source_id,
                                      uint32_t domain)
{
    /* Few exporters say their boot time; the search ends at the first slot never used. */
    for (uint32_t i = 0; i < TG_FLOW_BOOTS_COUNT && store->boots[i].is_set; i++) {
        if (store->boots[i].source_id == source_id && store->boots[i].domain == domain) {
            return &store->boots[i];
        }
    }
    return NULL;
}

bool tg_flow_store_set_boot(struct tg_flow_store *store, const struct tg_flow_boot *boot)
{
    struct tg_flow_boot *slot = boot_find(store, boot->source_id, boot->domain);
    if (slot != NULL && slot->init_ms == boot->init_ms) {
        return false;
    }
    if (slot == NULL) {
        slot = &store->boots[store->boots_next];
        store->boots_next = (store->boots_next + 1) % TG_FLOW_BOOTS_COUNT;
    }
    *slot = *boot;
    slot->is_set = 1;
    return true;
}

const struct tg_flow_boot *tg_flow_store_boot(const struct tg_flow_store *store, uint16_t source_id,
                                              uint32_t domain)
{
    return boot_find(store, source_id, domain);
}
