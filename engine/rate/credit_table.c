/* SPDX-License-Identifier: Apache-2.0 */
/* Where reservations are remembered: chained hashing over one array, a list of the open ones an
 * account, and one of the closed ones in the order in which they may be forgotten. */
#include "rate/credit_state.h"

#include "abi/key.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Address space: a carrier without prepaid accounts never touches it. */
static void *space_take(size_t size_bytes)
{
    void *map = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return map == MAP_FAILED ? NULL : map;
}

static void space_give(void *memory, size_t size_bytes)
{
    if (memory != NULL) {
        (void)munmap(memory, size_bytes);
    }
}

enum tg_err tg_credit_book_open(uint32_t accounts_max, struct tg_credit_book **book,
                                struct tg_why *why)
{
    struct tg_credit_book *made = calloc(1, sizeof *made);
    if (made != NULL) {
        made->accounts_max = accounts_max;
        made->accounts = space_take((size_t)accounts_max * sizeof *made->accounts);
    }
    if (made == NULL || made->accounts == NULL) {
        free(made);
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the balances of %u accounts",
                          accounts_max);
    }
    *book = made;
    return TG_OK;
}

void tg_credit_book_close(struct tg_credit_book *book)
{
    if (book != NULL) {
        space_give(book->accounts, (size_t)book->accounts_max * sizeof *book->accounts);
        free(book);
    }
}

enum tg_err tg_credit_create(struct tg_credit_book *book, struct tg_accounts *accounts,
                             uint32_t entries_max, struct tg_credit **credit, struct tg_why *why)
{
    const struct tg_rate_params trial = {.accounts = accounts};
    if (entries_max < 16 || entries_max > UINT32_MAX / 4) {
        return tg_why_set(why, TG_E_INVALID, "%u reservations cannot be kept", entries_max);
    }
    struct tg_credit *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for reservations");
    }
    made->book = book;
    made->entries_max = entries_max;
    made->free_first = CREDIT_NONE;
    made->closed_first = CREDIT_NONE;
    made->closed_last = CREDIT_NONE;
    made->forgotten_ns = INT64_MIN;
    made->due_ns = INT64_MAX;
    made->lots_due_ns = INT64_MAX;
    made->buckets_count = 16;
    while (made->buckets_count < entries_max) {
        made->buckets_count *= 2;
    }
    made->entries = space_take((size_t)entries_max * sizeof *made->entries);
    made->buckets = space_take((size_t)made->buckets_count * sizeof *made->buckets);
    made->lots = space_take((size_t)entries_max * sizeof *made->lots);
    made->due = space_take((size_t)entries_max * sizeof *made->due);
    enum tg_err err =
        made->entries != NULL && made->buckets != NULL && made->lots != NULL && made->due != NULL
            ? tg_rate_create(&trial, &made->trial, why)
            : tg_why_set(why, TG_E_NO_MEMORY, "no memory for %u reservations", entries_max);
    if (err != TG_OK) {
        tg_credit_destroy(made);
        return err;
    }
    *credit = made;
    return TG_OK;
}

void tg_credit_destroy(struct tg_credit *credit)
{
    if (credit != NULL) {
        tg_rate_destroy(credit->trial);
        space_give(credit->entries, (size_t)credit->entries_max * sizeof *credit->entries);
        space_give(credit->buckets, (size_t)credit->buckets_count * sizeof *credit->buckets);
        space_give(credit->lots, (size_t)credit->entries_max * sizeof *credit->lots);
        space_give(credit->due, (size_t)credit->entries_max * sizeof *credit->due);
        free(credit);
    }
}

static uint32_t *bucket_of(const struct tg_credit *credit, const char id[TG_CREDIT_ID_BYTES],
                           uint32_t number)
{
    const uint64_t hash = tg_key_hash(number, id, TG_CREDIT_ID_BYTES);
    return &credit->buckets[hash & (credit->buckets_count - 1)];
}

uint32_t tg_credit_find(const struct tg_credit *credit, const char id[TG_CREDIT_ID_BYTES],
                        uint32_t number)
{
    uint32_t at = *bucket_of(credit, id, number) - 1; /* an empty bucket is 0: CREDIT_NONE */
    while (at != CREDIT_NONE && (credit->entries[at].number != number ||
                                 memcmp(credit->entries[at].id, id, TG_CREDIT_ID_BYTES) != 0)) {
        at = credit->entries[at].hash_next;
    }
    return at;
}

static void closed_unlink(struct tg_credit *credit, uint32_t at)
{
    const struct tg_credit_entry *entry = &credit->entries[at];
    if (entry->before != CREDIT_NONE) {
        credit->entries[entry->before].after = entry->after;
    } else {
        credit->closed_first = entry->after;
    }
    if (entry->after != CREDIT_NONE) {
        credit->entries[entry->after].before = entry->before;
    } else {
        credit->closed_last = entry->before;
    }
}

static void entry_forget(struct tg_credit *credit, uint32_t at)
{
    struct tg_credit_entry *entry = &credit->entries[at];
    uint32_t *link = bucket_of(credit, entry->id, entry->number);
    if (*link - 1 == at) {
        *link = entry->hash_next + 1;
    } else {
        uint32_t before = *link - 1;
        while (credit->entries[before].hash_next != at) {
            before = credit->entries[before].hash_next;
        }
        credit->entries[before].hash_next = entry->hash_next;
    }
    closed_unlink(credit, at);
    if (entry->at_ns > credit->forgotten_ns) {
        credit->forgotten_ns = entry->at_ns;
    }
    tg_credit_count(&credit->counts.forgotten_count, 1);
    entry->hash_next = credit->free_first;
    credit->free_first = at;
}

uint32_t tg_credit_take(struct tg_credit *credit, const char id[TG_CREDIT_ID_BYTES],
                        uint32_t number)
{
    if (credit->free_first == CREDIT_NONE && credit->used_count == credit->entries_max) {
        if (credit->closed_first == CREDIT_NONE) {
            return CREDIT_NONE;
        }
        entry_forget(credit, credit->closed_first);
    }
    uint32_t at = credit->free_first;
    if (at != CREDIT_NONE) {
        credit->free_first = credit->entries[at].hash_next;
    } else {
        at = credit->used_count++;
    }
    uint32_t *bucket = bucket_of(credit, id, number);
    struct tg_credit_entry *entry = &credit->entries[at];
    *entry = (struct tg_credit_entry){
        .number = number, .hash_next = *bucket - 1, .before = CREDIT_NONE, .after = CREDIT_NONE};
    memcpy(entry->id, id, TG_CREDIT_ID_BYTES);
    *bucket = at + 1;
    return at;
}

void tg_credit_link(struct tg_credit *credit, uint32_t at)
{
    struct tg_credit_entry *entry = &credit->entries[at];
    struct tg_credit_account *account = &credit->book->accounts[entry->account];
    entry->state = TG_CREDIT_IS_OPEN;
    entry->before = CREDIT_NONE;
    entry->after = account->open_first - 1;
    if (entry->after != CREDIT_NONE) {
        credit->entries[entry->after].before = at;
    }
    account->open_first = at + 1;
    account->open_count++;
    account->held += entry->held;
    tg_credit_due_add(credit, at);
    tg_credit_count(&credit->counts.open_count, 1);
}

void tg_credit_close(struct tg_credit *credit, uint32_t at, uint8_t state)
{
    struct tg_credit_entry *entry = &credit->entries[at];
    struct tg_credit_account *account = &credit->book->accounts[entry->account];
    assert(entry->state == TG_CREDIT_IS_OPEN && account->open_count > 0);
    if (entry->before != CREDIT_NONE) {
        credit->entries[entry->before].after = entry->after;
    } else {
        account->open_first = entry->after + 1;
    }
    if (entry->after != CREDIT_NONE) {
        credit->entries[entry->after].before = entry->before;
    }
    tg_credit_due_remove(credit, at);
    account->open_count--;
    account->held -= entry->held;
    assert(account->held >= 0);
    entry->state = state;
    tg_credit_count(&credit->counts.open_count, UINT64_MAX); /* one less */
    tg_credit_retire(credit, at);
}

void tg_credit_hold(struct tg_credit *credit, uint32_t at, int64_t held)
{
    struct tg_credit_entry *entry = &credit->entries[at];
    assert(entry->state == TG_CREDIT_IS_OPEN);
    credit->book->accounts[entry->account].held += (__int128)held - entry->held;
    entry->held = held;
}

void tg_credit_retire(struct tg_credit *credit, uint32_t at)
{
    struct tg_credit_entry *entry = &credit->entries[at];
    entry->after = CREDIT_NONE;
    entry->before = credit->closed_last;
    if (entry->before != CREDIT_NONE) {
        credit->entries[entry->before].after = at;
    } else {
        credit->closed_first = at;
    }
    credit->closed_last = at;
}

uint32_t tg_credit_list(const struct tg_credit *credit, uint32_t account,
                        struct tg_credit_view *views, uint32_t views_max)
{
    uint32_t count = 0;
    for (uint32_t at = 0; at < credit->used_count; at++) {
        const struct tg_credit_entry *entry = &credit->entries[at];
        if (entry->state != TG_CREDIT_IS_OPEN ||
            (account != TG_ACCOUNT_NONE && entry->account != account)) {
            continue;
        }
        if (count < views_max) {
            struct tg_credit_view *view = &views[count];
            *view = (struct tg_credit_view){.row = entry->row,
                                            .valid_to_ns = entry->valid_to_ns,
                                            .held = entry->held,
                                            .granted = entry->granted,
                                            .account = entry->account,
                                            .subscriber = entry->subscriber,
                                            .number = entry->number};
            memcpy(view->id, entry->id, sizeof view->id);
        }
        count++;
    }
    return count;
}

const struct tg_credit_counts *tg_credit_counts(const struct tg_credit *credit)
{
    return &credit->counts;
}
