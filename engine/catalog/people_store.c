/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks of people: what LMDB holds of accounts and subscribers. */
#include "base/hash.h"
#include "catalog/people.h"

#include <stdlib.h>
#include <string.h>

#define CHECKSUMMED_FROM (offsetof(struct tg_people_chunk, checksum) + sizeof(uint32_t))

/* A chunk's head and where its parts lie; LMDB gives no alignment, so items are copied out. */
struct chunk_view {
    struct tg_people_chunk head;
    const uint8_t *items;
    const uint8_t *keys;
    const char *text;
};

static bool chunk_look(const void *bytes, size_t size_bytes, size_t item_bytes,
                       struct chunk_view *view)
{
    const uint8_t *at = bytes;
    if (size_bytes < sizeof view->head) {
        return false;
    }
    memcpy(&view->head, at, sizeof view->head);
    const uint64_t items_bytes = (uint64_t)view->head.items_count * item_bytes;
    const uint64_t keys_bytes = (uint64_t)view->head.keys_count * sizeof(struct tg_roster_key);
    if (view->head.magic != TG_PEOPLE_MAGIC || view->head.text_bytes == 0 ||
        sizeof view->head + items_bytes + keys_bytes + view->head.text_bytes != size_bytes) {
        return false;
    }
    view->items = at + sizeof view->head;
    view->keys = view->items + items_bytes;
    view->text = (const char *)view->keys + keys_bytes;
    return view->text[view->head.text_bytes - 1] == '\0';
}

static bool chunk_verify(const void *bytes, size_t size_bytes, const struct chunk_view *view)
{
    return tg_crc32c(0, (const uint8_t *)bytes + CHECKSUMMED_FROM, size_bytes - CHECKSUMMED_FROM) ==
           view->head.checksum;
}

/* A stored name must get the number it had. */
static bool name_seat(const struct tg_people *people, struct tg_names *names,
                      const struct chunk_view *view, uint32_t offset, uint32_t index)
{
    if (offset >= view->head.text_bytes) {
        return false;
    }
    if (people->is_nameless) {
        return true;
    }
    const char *name = view->text + offset;
    return tg_names_add(names, name, strlen(name)) == index;
}

enum tg_err tg_people_load_accounts(struct tg_people *people, const void *bytes, size_t size_bytes)
{
    struct chunk_view view;
    if (!chunk_look(bytes, size_bytes, sizeof(struct tg_people_account), &view) ||
        !chunk_verify(bytes, size_bytes, &view)) {
        return TG_E_CORRUPT;
    }
    for (uint32_t i = 0; i < view.head.items_count; i++) {
        struct tg_people_account item;
        memcpy(&item, view.items + (size_t)i * sizeof item, sizeof item);
        if (!name_seat(people, &people->account_ids, &view, item.id_offset,
                       view.head.first_index + i) ||
            item.title_offset >= view.head.text_bytes) {
            return people->account_ids.is_broken ? TG_E_NO_MEMORY : TG_E_CORRUPT;
        }
        (void)tg_blob_append(&people->accounts, &item.line, sizeof item.line, 1);
        if (people->is_nameless) {
            continue;
        }
        const char *title = view.text + item.title_offset;
        const uint32_t title_index = tg_names_add(&people->titles, title, strlen(title));
        (void)tg_blob_append(&people->account_titles, &title_index, sizeof title_index, 1);
    }
    (void)tg_blob_append(&people->terms, view.keys,
                         (size_t)view.head.keys_count * sizeof(struct tg_roster_term), 8);
    return tg_people_is_broken(people) ? TG_E_NO_MEMORY : TG_OK;
}

enum tg_err tg_people_load_subscribers(struct tg_people *people, const void *bytes,
                                       size_t size_bytes)
{
    struct chunk_view view;
    if (!chunk_look(bytes, size_bytes, sizeof(struct tg_people_subscriber), &view) ||
        !chunk_verify(bytes, size_bytes, &view)) {
        return TG_E_CORRUPT;
    }
    for (uint32_t i = 0; i < view.head.items_count; i++) {
        struct tg_people_subscriber item;
        memcpy(&item, view.items + (size_t)i * sizeof item, sizeof item);
        if (!name_seat(people, &people->subscriber_ids, &view, item.id_offset,
                       view.head.first_index + i)) {
            return people->subscriber_ids.is_broken ? TG_E_NO_MEMORY : TG_E_CORRUPT;
        }
        (void)tg_blob_append(&people->subscribers, &item.line, sizeof item.line, 1);
    }
    (void)tg_blob_append(&people->keys, view.keys,
                         (size_t)view.head.keys_count * sizeof(struct tg_roster_key), 8);
    return tg_people_is_broken(people) ? TG_E_NO_MEMORY : TG_OK;
}

static void chunk_finish(struct tg_blob *out, struct tg_people_chunk head)
{
    if (out->is_broken) {
        return;
    }
    memcpy(out->bytes, &head, sizeof head);
    head.checksum = tg_crc32c(0, out->bytes + CHECKSUMMED_FROM, out->size_bytes - CHECKSUMMED_FROM);
    memcpy(out->bytes, &head, sizeof head);
}

/* First term of an account or a later one. */
static size_t terms_from(const struct tg_people *people, uint32_t account)
{
    const struct tg_roster_term *terms =
        (const struct tg_roster_term *)(const void *)people->terms.bytes;
    size_t at = 0;
    size_t high = people->terms.size_bytes / sizeof *terms;
    while (at < high) {
        const size_t middle = at + (high - at) / 2;
        if (terms[middle].account < account) {
            at = middle + 1;
        } else {
            high = middle;
        }
    }
    return at;
}

bool tg_people_store_accounts(const struct tg_people *people, uint32_t chunk, struct tg_blob *out)
{
    const uint32_t first = chunk * TG_PEOPLE_CHUNK_COUNT;
    const uint32_t total = people->account_ids.count;
    if (first >= total) {
        return false;
    }
    const uint32_t count =
        total - first < TG_PEOPLE_CHUNK_COUNT ? total - first : TG_PEOPLE_CHUNK_COUNT;
    struct tg_blob text = {0};
    const uint32_t *titles = (const uint32_t *)(const void *)people->account_titles.bytes;
    out->size_bytes = 0;
    (void)tg_blob_extend(out, sizeof(struct tg_people_chunk), 1);
    for (uint32_t i = first; i < first + count; i++) {
        const char *id = tg_names_text(&people->account_ids, i);
        const char *title = tg_names_text(&people->titles, titles[i]);
        struct tg_people_account item = {0};
        memcpy(&item.line, people->accounts.bytes + (size_t)i * sizeof item.line, sizeof item.line);
        item.id_offset = (uint32_t)tg_blob_append(&text, id, strlen(id) + 1, 1);
        item.title_offset = (uint32_t)tg_blob_append(&text, title, strlen(title) + 1, 1);
        (void)tg_blob_append(out, &item, sizeof item, 1);
    }
    const size_t terms_first = terms_from(people, first);
    const size_t terms_count = terms_from(people, first + count) - terms_first;
    const size_t term_bytes = sizeof(struct tg_roster_term);
    if (terms_count > 0) {
        (void)tg_blob_append(out, people->terms.bytes + terms_first * term_bytes,
                             terms_count * term_bytes, 1);
    }
    (void)tg_blob_append(out, text.bytes, text.size_bytes, 1);
    chunk_finish(out, (struct tg_people_chunk){.magic = TG_PEOPLE_MAGIC,
                                               .first_index = first,
                                               .items_count = count,
                                               .keys_count = (uint32_t)terms_count,
                                               .text_bytes = (uint32_t)text.size_bytes});
    out->is_broken = out->is_broken || text.is_broken;
    tg_blob_free(&text);
    return true;
}

static int keys_by_subscriber(const void *a, const void *b)
{
    const struct tg_roster_key *left = a;
    const struct tg_roster_key *right = b;
    if (left->subscriber != right->subscriber) {
        return left->subscriber < right->subscriber ? -1 : 1;
    }
    return left->kind != right->kind ? (left->kind < right->kind ? -1 : 1)
           : left->key != right->key ? (left->key < right->key ? -1 : 1)
                                     : 0;
}

static int terms_by_account(const void *a, const void *b)
{
    const struct tg_roster_term *left = a;
    const struct tg_roster_term *right = b;
    if (left->account != right->account) {
        return left->account < right->account ? -1 : 1;
    }
    return left->kind != right->kind       ? (left->kind < right->kind ? -1 : 1)
           : left->amount != right->amount ? (left->amount < right->amount ? -1 : 1)
                                           : 0;
}

void tg_people_sort(struct tg_people *people)
{
    const size_t terms_count = people->terms.size_bytes / sizeof(struct tg_roster_term);
    if (terms_count > 1) {
        qsort(people->terms.bytes, terms_count, sizeof(struct tg_roster_term), terms_by_account);
    }
    const size_t count = people->keys.size_bytes / sizeof(struct tg_roster_key);
    if (count > 1) {
        qsort(people->keys.bytes, count, sizeof(struct tg_roster_key), keys_by_subscriber);
    }
}

/* First key of a subscriber or a later one. */
static size_t keys_from(const struct tg_people *people, uint32_t subscriber)
{
    const struct tg_roster_key *keys =
        (const struct tg_roster_key *)(const void *)people->keys.bytes;
    size_t low = 0;
    size_t high = people->keys.size_bytes / sizeof *keys;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (keys[middle].subscriber < subscriber) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool tg_people_store_subscribers(const struct tg_people *people, uint32_t chunk,
                                 struct tg_blob *out)
{
    const uint32_t first = chunk * TG_PEOPLE_CHUNK_COUNT;
    const uint32_t total = people->subscriber_ids.count;
    if (first >= total) {
        return false;
    }
    const uint32_t count =
        total - first < TG_PEOPLE_CHUNK_COUNT ? total - first : TG_PEOPLE_CHUNK_COUNT;
    struct tg_blob text = {0};
    out->size_bytes = 0;
    (void)tg_blob_extend(out, sizeof(struct tg_people_chunk), 1);
    for (uint32_t i = first; i < first + count; i++) {
        const char *id = tg_names_text(&people->subscriber_ids, i);
        struct tg_people_subscriber item = {0};
        memcpy(&item.line, people->subscribers.bytes + (size_t)i * sizeof item.line,
               sizeof item.line);
        item.id_offset = (uint32_t)tg_blob_append(&text, id, strlen(id) + 1, 1);
        (void)tg_blob_append(out, &item, sizeof item, 1);
    }
    const size_t keys_first = keys_from(people, first);
    const size_t keys_count = keys_from(people, first + count) - keys_first;
    const size_t key_bytes = sizeof(struct tg_roster_key);
    if (keys_count > 0) {
        (void)tg_blob_append(out, people->keys.bytes + keys_first * key_bytes,
                             keys_count * key_bytes, 1);
    }
    (void)tg_blob_append(out, text.bytes, text.size_bytes, 1);
    chunk_finish(out, (struct tg_people_chunk){.magic = TG_PEOPLE_MAGIC,
                                               .first_index = first,
                                               .items_count = count,
                                               .keys_count = (uint32_t)keys_count,
                                               .text_bytes = (uint32_t)text.size_bytes});
    out->is_broken = out->is_broken || text.is_broken;
    tg_blob_free(&text);
    return true;
}

bool tg_people_is_prepaid(const struct tg_people *people, uint32_t account)
{
    const size_t at = terms_from(people, account);
    const struct tg_roster_term *terms =
        (const struct tg_roster_term *)(const void *)people->terms.bytes;
    /* Kinds are in order, so the limit of a prepaid account is its first term. */
    return at < people->terms.size_bytes / sizeof *terms && terms[at].account == account &&
           terms[at].kind == TG_TERM_LIMIT;
}

enum tg_err tg_people_roster(const struct tg_people *people, const struct tg_image *const *images,
                             uint32_t images_count, struct tg_roster **roster, struct tg_why *why)
{
    const struct tg_roster_params params = {
        .size_bytes = sizeof params,
        .subscribers_count =
            (uint32_t)(people->subscribers.size_bytes / sizeof(struct tg_roster_line)),
        .lines = (const struct tg_roster_line *)(const void *)people->subscribers.bytes,
        .keys = (const struct tg_roster_key *)(const void *)people->keys.bytes,
        .keys_count = people->keys.size_bytes / sizeof(struct tg_roster_key),
        .accounts = (const struct tg_roster_account *)(const void *)people->accounts.bytes,
        .accounts_count =
            (uint32_t)(people->accounts.size_bytes / sizeof(struct tg_roster_account)),
        .terms_count = (uint32_t)(people->terms.size_bytes / sizeof(struct tg_roster_term)),
        .terms = (const struct tg_roster_term *)(const void *)people->terms.bytes,
        .images = images,
        .images_count = images_count,
    };
    return tg_roster_build(&params, roster, why);
}

size_t tg_people_text(const void *bytes, size_t size_bytes, bool is_account, uint32_t index,
                      bool is_title, char *text, size_t text_room)
{
    struct chunk_view view;
    const size_t item_bytes =
        is_account ? sizeof(struct tg_people_account) : sizeof(struct tg_people_subscriber);
    if (!chunk_look(bytes, size_bytes, item_bytes, &view) || index < view.head.first_index ||
        index - view.head.first_index >= view.head.items_count) {
        return 0;
    }
    const uint8_t *item = view.items + (size_t)(index - view.head.first_index) * item_bytes;
    const size_t field = !is_account ? offsetof(struct tg_people_subscriber, id_offset)
                         : is_title  ? offsetof(struct tg_people_account, title_offset)
                                     : offsetof(struct tg_people_account, id_offset);
    uint32_t offset;
    memcpy(&offset, item + field, sizeof offset);
    if (offset >= view.head.text_bytes || text_room == 0) {
        return 0;
    }
    const size_t length = strlen(view.text + offset);
    const size_t copied = length < text_room ? length : text_room - 1;
    memcpy(text, view.text + offset, copied);
    text[copied] = '\0';
    return copied;
}
