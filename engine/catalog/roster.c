/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing without deletion: a roster is built once and replaced as a whole. */
#include "catalog/roster.h"

#include "catalog/roster_parts.h"

#include "base/arena.h"
#include "base/hash.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUP       32u
#define SLOT_SHARED 0x100u /* several subscribers held the key: look at the time */
#define SLOT_KIND   0xffu
#define SLOTS_MIN   16u

/* Active for longer than the newest 3 %: these ask their line. */
#define HOT_PERCENT    97u
#define HOT_BIN_S      65536u
#define HOT_BINS_COUNT 65536u

struct tg_roster_slot {
    uint64_t key;
    uint32_t subscriber;
    uint32_t tag; /* kind and SLOT_SHARED; 0 empty */
};
_Static_assert(sizeof(struct tg_roster_slot) == 16, "four in a cache line");

/* Multiply-shift instead of a mask: the table need not be a power of two, so the load stays 0.65.
 */
static inline uint64_t slot_home(uint64_t key, uint32_t kind, uint64_t slots_count)
{
    const uint64_t hash = tg_mix64(key ^ (uint64_t)kind * UINT64_C(0x9e3779b97f4a7c15));
    return (uint64_t)(((unsigned __int128)hash * slots_count) >> 64);
}

static bool times_overlap(const struct tg_roster_line *a, const struct tg_roster_line *b)
{
    const uint64_t a_to = a->active_to_s == TG_ROSTER_OPEN_S ? UINT64_MAX : a->active_to_s;
    const uint64_t b_to = b->active_to_s == TG_ROSTER_OPEN_S ? UINT64_MAX : b->active_to_s;
    return a->active_from_s < b_to && b->active_from_s < a_to;
}

/* A key that goes on without a pause to another line of the account is a change of product. */
static enum tg_err change_note(struct tg_roster *roster, uint32_t one, uint32_t other,
                               struct tg_why *why)
{
    const struct tg_roster_line *lines = roster->lines;
    const bool is_first = lines[one].active_to_s == lines[other].active_from_s;
    if (lines[one].account != lines[other].account ||
        (!is_first && lines[other].active_to_s != lines[one].active_from_s)) {
        return TG_OK;
    }
    if (roster->changes == NULL) {
        roster->changes =
            tg_roster_array(roster, roster->subscribers_count, sizeof *roster->changes);
    }
    if (roster->changes == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for changes of product");
    }
    struct tg_roster_change *changes = (struct tg_roster_change *)(uintptr_t)roster->changes;
    changes[is_first ? one : other].after = (is_first ? other : one) + 1;
    changes[is_first ? other : one].before = (is_first ? one : other) + 1;
    return TG_OK;
}

static enum tg_err key_insert(struct tg_roster *roster, struct tg_roster_slot *slots,
                              const struct tg_roster_key *key, struct tg_why *why)
{
    const struct tg_roster_line *line = &roster->lines[key->subscriber];
    uint32_t shared = 0;
    uint64_t at = slot_home(key->key, key->kind, roster->slots_count);
    for (; slots[at].tag != 0; at = at + 1 == roster->slots_count ? 0 : at + 1) {
        struct tg_roster_slot *other = &slots[at];
        if (other->key != key->key || (other->tag & SLOT_KIND) != key->kind) {
            continue;
        }
        if (other->subscriber == key->subscriber) {
            return TG_OK;
        }
        if (times_overlap(line, &roster->lines[other->subscriber])) {
            return tg_why_set(why, TG_E_EXISTS,
                              "subscribers #%u and #%u hold the same key at the same time",
                              other->subscriber, key->subscriber);
        }
        other->tag |= SLOT_SHARED;
        shared = SLOT_SHARED;
        const enum tg_err err = change_note(roster, key->subscriber, other->subscriber, why);
        if (err != TG_OK) {
            return err;
        }
    }
    slots[at] = (struct tg_roster_slot){key->key, key->subscriber, key->kind | shared};
    roster->keys_count++;
    roster->kinds |= 1u << (key->kind & 31u);
    return TG_OK;
}

static enum tg_err keys_insert(struct tg_roster *roster, struct tg_roster_slot *slots,
                               const struct tg_roster_params *params, struct tg_why *why)
{
    enum tg_err err = TG_OK;
    for (uint64_t i = 0; i < params->keys_count && err == TG_OK; i++) {
        const struct tg_roster_key *key = &params->keys[i];
        if (key->kind >= TG_ROSTER_KEY_STRETCH) {
            continue; /* tg_roster_parts_build */
        }
        if (key->subscriber >= params->subscribers_count || key->kind == TG_KEY_NONE ||
            key->kind > SLOT_KIND) {
            return tg_why_set(why, TG_E_INVALID, "key %llu names subscriber #%u of %u, kind %u",
                              (unsigned long long)i, key->subscriber, params->subscribers_count,
                              key->kind);
        }
        if ((roster->lines[key->subscriber].flags & TG_ROSTER_REMOVED) == 0) {
            err = key_insert(roster, slots, key, why);
        }
    }
    return err;
}

/* Rows of lines that are counted together are of their holder, and whose SIM card it was is told by
 * the time, though nobody else has its number. */
static void stretches_share(struct tg_roster *roster, struct tg_roster_slot *slots)
{
    for (uint64_t at = 0; roster->stretches_count > 0 && at < roster->slots_count; at++) {
        if (slots[at].tag != 0 &&
            (roster->lines[slots[at].subscriber].flags & TG_ROSTER_STRETCH) != 0) {
            slots[at].tag |= SLOT_SHARED;
        }
    }
}

static int exempt_compare(const void *a, const void *b)
{
    const struct tg_roster_exempt *left = a;
    const struct tg_roster_exempt *right = b;
    return left->account < right->account ? -1 : left->account > right->account;
}

static bool exempt_take(struct tg_roster_exempt *exempt, const struct tg_roster_term *term,
                        uint32_t accounts_count)
{
    const uint64_t packed = (uint64_t)term->amount;
    *exempt = (struct tg_roster_exempt){.account = term->account,
                                        .product = (uint16_t)(packed >> 48),
                                        .tax = (uint16_t)(packed >> 32),
                                        .from_day = (uint16_t)(packed >> 16),
                                        .to_day = (uint16_t)packed};
    return term->account < accounts_count;
}

static enum tg_err exempts_take(struct tg_roster *roster, const struct tg_roster_params *params,
                                uint32_t count, struct tg_why *why)
{
    struct tg_roster_exempt *exempts =
        count > 0 ? tg_roster_array(roster, count, sizeof *exempts) : NULL;
    roster->exempts = exempts;
    roster->exempts_count = exempts != NULL ? count : 0;
    if (count == 0) {
        return TG_OK;
    }
    if (exempts == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for %u tax exemptions", count);
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < params->terms_count; i++) {
        const struct tg_roster_term *term = &params->terms[i];
        if (term->kind == TG_TERM_EXEMPT &&
            !exempt_take(&exempts[at++], term, params->accounts_count)) {
            return tg_why_set(why, TG_E_INVALID, "exemption %u is of no account", i);
        }
    }
    qsort(exempts, count, sizeof *exempts, exempt_compare);
    return TG_OK;
}

/* Who bills each account. */
static enum tg_err entities_take(struct tg_roster *roster, const struct tg_roster_params *params,
                                 struct tg_why *why)
{
    uint16_t *entities = tg_roster_array(roster, params->accounts_count, sizeof *entities);
    roster->entities = entities;
    if (entities == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for legal entities");
    }
    for (uint32_t i = 0; i < params->terms_count; i++) {
        const struct tg_roster_term *term = &params->terms[i];
        if (term->kind != TG_TERM_ENTITY) {
            continue;
        }
        if (term->account >= params->accounts_count || term->amount < 1 ||
            term->amount > UINT16_MAX) {
            return tg_why_set(why, TG_E_INVALID, "term %u names no legal entity", i);
        }
        entities[term->account] = (uint16_t)term->amount;
    }
    return TG_OK;
}

/* Limits and alerts. */
static enum tg_err credits_take(struct tg_roster *roster, const struct tg_roster_params *params,
                                struct tg_why *why)
{
    struct tg_roster_credit *credits =
        tg_roster_array(roster, params->accounts_count, sizeof *credits);
    roster->credits = credits;
    if (credits == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for credit terms");
    }
    for (uint32_t i = 0; i < params->terms_count; i++) {
        const struct tg_roster_term *term = &params->terms[i];
        struct tg_roster_credit *credit =
            term->account < params->accounts_count ? &credits[term->account] : NULL;
        if (term->kind == TG_TERM_EXEMPT || term->kind == TG_TERM_ENTITY) {
            continue;
        }
        if (credit != NULL && term->kind == TG_TERM_LIMIT && term->amount >= 0) {
            credit->is_prepaid = true;
            credit->limit = term->amount;
        } else if (credit != NULL && term->kind == TG_TERM_ALERT &&
                   credit->alerts_count < TG_CREDIT_ALERTS_MAX) {
            credit->alerts[credit->alerts_count++] = term->amount;
        } else {
            return tg_why_set(why, TG_E_INVALID, "credit term %u is none of account #%u", i,
                              term->account);
        }
    }
    return TG_OK;
}

/* Terms in any order become an entry an account; without any, nothing is taken. */
static enum tg_err terms_take(struct tg_roster *roster, const struct tg_roster_params *params,
                              struct tg_why *why)
{
    uint32_t exempts_count = 0;
    uint32_t entities_count = 0;
    for (uint32_t i = 0; i < params->terms_count; i++) {
        exempts_count += params->terms[i].kind == TG_TERM_EXEMPT;
        entities_count += params->terms[i].kind == TG_TERM_ENTITY;
    }
    enum tg_err err = entities_count > 0 ? entities_take(roster, params, why) : TG_OK;
    if (err == TG_OK && exempts_count + entities_count < params->terms_count) {
        err = credits_take(roster, params, why);
    }
    return err == TG_OK ? exempts_take(roster, params, exempts_count, why) : err;
}

const struct tg_roster_exempt *tg_roster_exempt_find(const struct tg_roster *roster,
                                                     uint32_t account, uint16_t product,
                                                     uint16_t tax, int64_t day)
{
    uint32_t low = 0;
    uint32_t high = roster->exempts_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (roster->exempts[middle].account < account) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < roster->exempts_count && roster->exempts[low].account == account; low++) {
        const struct tg_roster_exempt *exempt = &roster->exempts[low];
        if ((exempt->product == TG_EXEMPT_ANY || exempt->product == product) &&
            (exempt->tax == TG_EXEMPT_ANY || exempt->tax == tax) && day >= exempt->from_day &&
            (exempt->to_day == TG_EXEMPT_ANY || day < exempt->to_day)) {
            return exempt;
        }
    }
    return NULL;
}

static bool line_is_lasting(const struct tg_roster_line *line)
{
    return (line->flags & (TG_ROSTER_REMOVED | TG_ROSTER_PARTS)) == 0 &&
           line->active_to_s == TG_ROSTER_OPEN_S;
}

/* The second from which at least HOT_PERCENT of all lasting subscribers are active. */
static uint32_t hot_from_s(const struct tg_roster_line *lines, uint32_t count, uint32_t *counts)
{
    uint64_t lasting_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (line_is_lasting(&lines[i])) {
            counts[lines[i].active_from_s / HOT_BIN_S]++;
            lasting_count++;
        }
    }
    uint64_t seen_count = 0;
    uint32_t bin = 0;
    while (bin + 1 < HOT_BINS_COUNT &&
           (seen_count += counts[bin]) * 100 < lasting_count * HOT_PERCENT) {
        bin++;
    }
    uint32_t from_s = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (line_is_lasting(&lines[i]) && lines[i].active_from_s / HOT_BIN_S <= bin &&
            lines[i].active_from_s > from_s) {
            from_s = lines[i].active_from_s;
        }
    }
    return from_s;
}

static bool hot_build(struct tg_roster *roster, uint16_t *hot)
{
    uint32_t *counts = calloc(HOT_BINS_COUNT, sizeof *counts);
    if (counts == NULL) {
        return false;
    }
    const uint32_t from_s = hot_from_s(roster->lines, roster->subscribers_count, counts);
    free(counts);
    for (uint32_t i = 0; i < roster->subscribers_count; i++) {
        const struct tg_roster_line *line = &roster->lines[i];
        hot[i] = line_is_lasting(line) && line->active_from_s <= from_s ? line->product
                                                                        : TG_ROSTER_ASK_LINE;
    }
    roster->hot_from_ns = (int64_t)from_s * TG_NS_PER_S;
    return true;
}

enum tg_err tg_roster_build(const struct tg_roster_params *params, struct tg_roster **roster,
                            struct tg_why *why)
{
    *roster = NULL;
    assert(params->size_bytes == sizeof *params);
    struct tg_roster *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the roster");
    }
    static _Atomic uint64_t numbers_given;
    made->number = atomic_fetch_add_explicit(&numbers_given, 1, memory_order_relaxed) + 1;
    made->subscribers_count = params->subscribers_count;
    made->accounts_count = params->accounts_count;
    made->slots_count = params->keys_count * 100 / 65 + SLOTS_MIN;
    struct tg_roster_line *lines =
        tg_roster_array(made, params->subscribers_count, sizeof *params->lines);
    struct tg_roster_account *accounts =
        tg_roster_array(made, params->accounts_count, sizeof *params->accounts);
    struct tg_roster_slot *slots = tg_roster_array(made, made->slots_count, sizeof *slots);
    uint16_t *hot = tg_roster_array(made, params->subscribers_count, sizeof *hot);
    made->lines = lines;
    made->accounts = accounts;
    made->slots = slots;
    made->hot = hot;
    if (lines == NULL || accounts == NULL || slots == NULL || hot == NULL) {
        tg_roster_free(made);
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for %u subscribers",
                          params->subscribers_count);
    }
    if (params->subscribers_count > 0) {
        memcpy(lines, params->lines, params->subscribers_count * sizeof *lines);
    }
    if (params->accounts_count > 0) {
        memcpy(accounts, params->accounts, params->accounts_count * sizeof *accounts);
    }
    enum tg_err err = tg_roster_parts_build(made, params, lines, why);
    err = err == TG_OK ? terms_take(made, params, why) : err;
    err = err == TG_OK ? tg_roster_pools_build(made, params) : err;
    err = err == TG_OK ? keys_insert(made, slots, params, why) : err;
    if (err == TG_OK) {
        stretches_share(made, slots);
    }
    if (err == TG_OK && !hot_build(made, hot)) {
        err = tg_why_set(why, TG_E_NO_MEMORY, "no memory for the roster");
    }
    if (err != TG_OK) {
        tg_roster_free(made);
        return err;
    }
    *roster = made;
    return TG_OK;
}

void tg_roster_free(struct tg_roster *roster)
{
    if (roster == NULL) {
        return;
    }
    const size_t lines = roster->subscribers_count > 0 ? roster->subscribers_count : 1;
    const size_t accounts = roster->accounts_count > 0 ? roster->accounts_count : 1;
    tg_pages_free((void *)(uintptr_t)roster->lines, lines * sizeof *roster->lines);
    tg_pages_free((void *)(uintptr_t)roster->accounts, accounts * sizeof *roster->accounts);
    tg_pages_free((void *)(uintptr_t)roster->hot, lines * sizeof *roster->hot);
    tg_pages_free((void *)(uintptr_t)roster->credits, accounts * sizeof *roster->credits);
    tg_pages_free((void *)(uintptr_t)roster->entities, accounts * sizeof *roster->entities);
    tg_pages_free((void *)(uintptr_t)roster->pools,
                  ((size_t)roster->pools_count + 1) * sizeof *roster->pools);
    tg_pages_free((void *)(uintptr_t)roster->pools_from,
                  ((size_t)roster->accounts_count + 1) * sizeof *roster->pools_from);
    tg_pages_free((void *)(uintptr_t)roster->changes, lines * sizeof *roster->changes);
    tg_pages_free((void *)(uintptr_t)roster->exempts,
                  roster->exempts_count * sizeof *roster->exempts);
    tg_roster_parts_free(roster);
    tg_pages_free((void *)(uintptr_t)roster->slots, roster->slots_count * sizeof *roster->slots);
    free(roster);
}

/* A shared key goes on until a holder was active at that time. */
static __attribute__((noinline, cold)) uint32_t slot_probe_shared(const struct tg_roster *roster,
                                                                  uint64_t at, uint64_t key,
                                                                  uint32_t kind, int64_t at_ns)
{
    for (;; at = at + 1 == roster->slots_count ? 0 : at + 1) {
        const struct tg_roster_slot *slot = &roster->slots[at];
        if (slot->tag == 0) {
            return TG_SUBSCRIBER_NONE;
        }
        if (slot->key == key && (slot->tag & SLOT_KIND) == kind &&
            tg_roster_is_active(&roster->lines[slot->subscriber], at_ns)) {
            return tg_roster_holder(roster, slot->subscriber);
        }
    }
}

/* Walk from the home slot. All slots of a shared key say so. */
static inline uint32_t slot_probe(const struct tg_roster *roster, uint64_t at, uint64_t key,
                                  uint32_t kind, int64_t at_ns)
{
    for (;; at = at + 1 == roster->slots_count ? 0 : at + 1) {
        const struct tg_roster_slot *slot = &roster->slots[at];
        if (slot->tag == 0) {
            return TG_SUBSCRIBER_NONE;
        }
        if (slot->key == key && (slot->tag & SLOT_KIND) == kind) {
            return (slot->tag & SLOT_SHARED) == 0 ? slot->subscriber
                                                  : slot_probe_shared(roster, at, key, kind, at_ns);
        }
    }
}

uint32_t tg_roster_find(const struct tg_roster *roster, const uint8_t *kinds, const uint64_t *keys,
                        const int64_t *at_ns, uint32_t count, uint32_t *subscribers)
{
    uint64_t homes[GROUP];
    uint32_t found_count = 0;
    for (uint32_t done = 0; done < count; done += GROUP) {
        const uint32_t group = count - done < GROUP ? count - done : GROUP;
        for (uint32_t i = 0; i < group; i++) {
            /* Flows ask by address; most rosters hold none, and then no line is touched. */
            if ((roster->kinds >> (kinds[done + i] & 31u) & 1u) != 0) {
                homes[i] = slot_home(keys[done + i], kinds[done + i], roster->slots_count);
                __builtin_prefetch(&roster->slots[homes[i]]);
            }
        }
        for (uint32_t i = 0; i < group; i++) {
            const uint32_t row = done + i;
            subscribers[row] = (roster->kinds >> (kinds[row] & 31u) & 1u) != 0
                                   ? slot_probe(roster, homes[i], keys[row], kinds[row], at_ns[row])
                                   : TG_SUBSCRIBER_NONE;
            found_count += subscribers[row] != TG_SUBSCRIBER_NONE ? 1 : 0;
        }
    }
    return found_count;
}

static size_t name_write(size_t length, uint32_t index, char *text, size_t text_room)
{
    if (length == 0) {
        (void)snprintf(text, text_room, "#%u", index);
    }
    return length;
}

size_t tg_roster_subscriber_name(const struct tg_roster *roster, uint32_t subscriber, char *text,
                                 size_t text_room)
{
    const struct tg_roster_names *names = &roster->names;
    const size_t length = names->subscriber != NULL && subscriber < roster->subscribers_count
                              ? names->subscriber(names->context, subscriber, text, text_room)
                              : 0;
    return name_write(length, subscriber, text, text_room);
}

size_t tg_roster_account_name(const struct tg_roster *roster, uint32_t account, char *text,
                              size_t text_room)
{
    const struct tg_roster_names *names = &roster->names;
    const size_t length = names->account != NULL && account < roster->accounts_count
                              ? names->account(names->context, account, text, text_room)
                              : 0;
    return name_write(length, account, text, text_room);
}

size_t tg_roster_account_title(const struct tg_roster *roster, uint32_t account, char *text,
                               size_t text_room)
{
    const struct tg_roster_names *names = &roster->names;
    const size_t length = names->account_title != NULL && account < roster->accounts_count
                              ? names->account_title(names->context, account, text, text_room)
                              : 0;
    return name_write(length, account, text, text_room);
}
