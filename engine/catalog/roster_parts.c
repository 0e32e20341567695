/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/roster_parts.h"

#include "base/arena.h"

#include <stdlib.h>

#define AWAY_S (UINT32_C(31) * 86400) /* away for so long: granted like who is new */

void *tg_roster_array(struct tg_roster *roster, size_t count, size_t item_bytes)
{
    const size_t size_bytes = (count > 0 ? count : 1) * item_bytes;
    void *memory = tg_pages_take(size_bytes);
    roster->memory_bytes += memory != NULL ? size_bytes : 0;
    return memory;
}

/* A stretch and its time, to be sorted. */
struct stretch {
    struct tg_roster_stretch at;
    uint32_t from_s;
};

static int stretch_compare(const void *a, const void *b)
{
    const struct stretch *left = a;
    const struct stretch *right = b;
    if (left->at.holder != right->at.holder) {
        return left->at.holder < right->at.holder ? -1 : 1;
    }
    if (left->from_s != right->from_s) {
        return left->from_s < right->from_s ? -1 : 1;
    }
    return left->at.line < right->at.line ? -1 : left->at.line > right->at.line;
}

static int line_compare(const void *a, const void *b)
{
    const struct tg_roster_stretch *left = a;
    const struct tg_roster_stretch *right = b;
    return left->line < right->line ? -1 : left->line > right->line;
}

static int pause_compare(const void *a, const void *b)
{
    const struct tg_roster_pause *left = a;
    const struct tg_roster_pause *right = b;
    if (left->subscriber != right->subscriber) {
        return left->subscriber < right->subscriber ? -1 : 1;
    }
    return left->from_s < right->from_s ? -1 : left->from_s > right->from_s;
}

static bool stretch_is_possible(const struct tg_roster_params *params,
                                const struct tg_roster_key *key)
{
    return key->subscriber < params->subscribers_count && key->key < key->subscriber &&
           params->lines[key->key].account == params->lines[key->subscriber].account;
}

/* Each holder once beside its lines, then all in order. */
static enum tg_err stretches_fill(struct tg_roster *roster, const struct tg_roster_params *params,
                                  struct tg_roster_line *lines, struct stretch *stretches,
                                  struct tg_why *why)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < params->keys_count; i++) {
        const struct tg_roster_key *key = &params->keys[i];
        if (key->kind != TG_ROSTER_KEY_STRETCH) {
            continue;
        }
        if (!stretch_is_possible(params, key)) {
            return tg_why_set(why, TG_E_INVALID, "subscriber #%u cannot go on from #%llu",
                              key->subscriber, (unsigned long long)key->key);
        }
        const uint32_t both[2] = {(uint32_t)key->key, key->subscriber};
        for (uint32_t j = 0; j < 2; j++) {
            if ((lines[both[j]].flags & TG_ROSTER_STRETCH) == 0) {
                lines[both[j]].flags |= TG_ROSTER_STRETCH;
                stretches[count++] =
                    (struct stretch){{both[0], both[j]}, lines[both[j]].active_from_s};
            }
        }
    }
    qsort(stretches, count, sizeof *stretches, stretch_compare);
    struct tg_roster_stretch *by_holder = tg_roster_array(roster, count, sizeof *by_holder);
    struct tg_roster_stretch *by_line = tg_roster_array(roster, count, sizeof *by_line);
    roster->stretches = by_holder;
    roster->by_line = by_line;
    roster->stretches_count = count;
    if (by_holder == NULL || by_line == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the roster");
    }
    for (uint32_t i = 0; i < count; i++) {
        by_holder[i] = stretches[i].at;
        by_line[i] = stretches[i].at;
    }
    qsort(by_line, count, sizeof *by_line, line_compare);
    return TG_OK;
}

static enum tg_err pauses_fill(struct tg_roster *roster, const struct tg_roster_params *params,
                               struct tg_roster_line *lines, uint32_t count, struct tg_why *why)
{
    struct tg_roster_pause *pauses = tg_roster_array(roster, count, sizeof *pauses);
    roster->pauses = pauses;
    if (pauses == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the roster");
    }
    for (uint64_t i = 0; i < params->keys_count; i++) {
        const struct tg_roster_key *key = &params->keys[i];
        if (key->kind < TG_ROSTER_KEY_PAUSE) {
            continue;
        }
        const uint32_t said = key->kind - TG_ROSTER_KEY_PAUSE;
        if (key->subscriber >= params->subscribers_count || said >> 4 > TG_PAUSE_RATE ||
            (said & 15u) > TG_PAUSE_FEE_NONE) {
            return tg_why_set(why, TG_E_INVALID, "suspension %llu is none of subscriber #%u",
                              (unsigned long long)i, key->subscriber);
        }
        pauses[roster->pauses_count++] = (struct tg_roster_pause){
            .subscriber = key->subscriber,
            .from_s = (uint32_t)(key->key >> 32),
            .to_s = (uint32_t)key->key,
            .usage = (uint8_t)(said >> 4),
            .fee = (uint8_t)(said & 15u),
        };
        lines[key->subscriber].flags |= TG_ROSTER_PAUSES;
    }
    qsort(pauses, count, sizeof *pauses, pause_compare);
    return TG_OK;
}

static enum tg_err roots_fill(struct tg_roster *roster, const struct tg_roster_params *params,
                              struct tg_roster_line *lines, uint32_t count, struct tg_why *why)
{
    struct tg_roster_stretch *roots = tg_roster_array(roster, count, sizeof *roots);
    roster->roots = roots;
    if (roots == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the roster");
    }
    roster->roots_count = count;
    uint32_t at = 0;
    for (uint64_t i = 0; i < params->keys_count; i++) {
        const struct tg_roster_key *key = &params->keys[i];
        if (key->kind != TG_ROSTER_KEY_ROOT) {
            continue;
        }
        if (!stretch_is_possible(params, key)) {
            return tg_why_set(why, TG_E_INVALID, "subscriber #%u cannot go on from #%llu",
                              key->subscriber, (unsigned long long)key->key);
        }
        lines[key->subscriber].flags |= TG_ROSTER_ROOTED;
        roots[at++] = (struct tg_roster_stretch){(uint32_t)key->key, key->subscriber};
    }
    qsort(roots, count, sizeof *roots, line_compare);
    return TG_OK;
}

enum tg_err tg_roster_parts_build(struct tg_roster *roster, const struct tg_roster_params *params,
                                  struct tg_roster_line *lines, struct tg_why *why)
{
    uint32_t stretches_count = 0;
    uint32_t pauses_count = 0;
    uint32_t roots_count = 0;
    for (uint32_t i = 0; i < params->subscribers_count; i++) {
        lines[i].flags &= (uint16_t) ~(
            TG_ROSTER_PARTS | TG_ROSTER_ROOTED); /* the others are said by this build's keys */
    }
    for (uint64_t i = 0; i < params->keys_count; i++) {
        stretches_count += params->keys[i].kind == TG_ROSTER_KEY_STRETCH;
        roots_count += params->keys[i].kind == TG_ROSTER_KEY_ROOT;
        pauses_count += params->keys[i].kind >= TG_ROSTER_KEY_PAUSE;
    }
    enum tg_err err = TG_OK;
    if (stretches_count > 0) {
        struct stretch *stretches = calloc((size_t)stretches_count * 2, sizeof *stretches);
        err = stretches != NULL ? stretches_fill(roster, params, lines, stretches, why)
                                : tg_why_set(why, TG_E_NO_MEMORY, "no memory for the roster");
        free(stretches);
    }
    if (err == TG_OK && roots_count > 0) {
        err = roots_fill(roster, params, lines, roots_count, why);
    }
    return err == TG_OK && pauses_count > 0 ? pauses_fill(roster, params, lines, pauses_count, why)
                                            : err;
}

void tg_roster_parts_free(struct tg_roster *roster)
{
    const size_t bytes = (size_t)(roster->stretches_count > 0 ? roster->stretches_count : 1) *
                         sizeof *roster->stretches;
    tg_pages_free((void *)(uintptr_t)roster->stretches, bytes);
    tg_pages_free((void *)(uintptr_t)roster->by_line, bytes);
    tg_pages_free((void *)(uintptr_t)roster->roots,
                  (size_t)(roster->roots_count > 0 ? roster->roots_count : 1) *
                      sizeof *roster->roots);
    tg_pages_free((void *)(uintptr_t)roster->pauses,
                  (size_t)(roster->pauses_count > 0 ? roster->pauses_count : 1) *
                      sizeof *roster->pauses);
}

uint32_t tg_roster_holder(const struct tg_roster *roster, uint32_t subscriber)
{
    if ((roster->lines[subscriber].flags & TG_ROSTER_STRETCH) == 0) {
        return subscriber;
    }
    const struct tg_roster_stretch key = {.line = subscriber};
    const struct tg_roster_stretch *found =
        bsearch(&key, roster->by_line, roster->stretches_count, sizeof key, line_compare);
    return found != NULL ? found->holder : subscriber;
}

uint32_t tg_roster_root(const struct tg_roster *roster, uint32_t subscriber)
{
    if ((roster->lines[subscriber].flags & TG_ROSTER_ROOTED) == 0) {
        return subscriber;
    }
    const struct tg_roster_stretch key = {.line = subscriber};
    const struct tg_roster_stretch *found =
        bsearch(&key, roster->roots, roster->roots_count, sizeof key, line_compare);
    return found != NULL ? tg_roster_holder(roster, found->holder) : subscriber;
}

/* The lines of a holder, by time. */
static const struct tg_roster_stretch *stretches_of(const struct tg_roster *roster, uint32_t holder,
                                                    uint32_t *count)
{
    uint32_t low = 0;
    uint32_t high = roster->stretches_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (roster->stretches[middle].holder < holder) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *count = 0;
    while (low + *count < roster->stretches_count &&
           roster->stretches[low + *count].holder == holder) {
        (*count)++;
    }
    return &roster->stretches[low];
}

uint32_t tg_roster_stretch_at(const struct tg_roster *roster, uint32_t subscriber, int64_t at_ns)
{
    uint32_t count;
    const struct tg_roster_stretch *stretches =
        stretches_of(roster, tg_roster_holder(roster, subscriber), &count);
    uint32_t index = count > 0 ? stretches[0].line : subscriber;
    for (uint32_t i = 0; i < count; i++) {
        const struct tg_roster_line *line = &roster->lines[stretches[i].line];
        if (at_ns >= (int64_t)line->active_from_s * TG_NS_PER_S) {
            index = stretches[i].line;
        }
    }
    return index;
}

uint32_t tg_roster_since_s(const struct tg_roster *roster, uint32_t subscriber)
{
    uint32_t since_s = roster->lines[subscriber].active_from_s;
    uint32_t count = 0;
    const struct tg_roster_stretch *stretches = NULL;
    if ((roster->lines[subscriber].flags & TG_ROSTER_STRETCH) != 0) {
        stretches = stretches_of(roster, tg_roster_holder(roster, subscriber), &count);
    }
    for (uint32_t i = count; i > 0; i--) {
        const struct tg_roster_line *line = &roster->lines[stretches[i - 1].line];
        if (line->active_from_s < since_s && line->active_to_s <= since_s &&
            since_s - line->active_to_s < AWAY_S) {
            since_s = line->active_from_s;
        }
    }
    return since_s;
}

const struct tg_roster_pause *tg_roster_pauses(const struct tg_roster *roster, uint32_t subscriber,
                                               uint32_t *count)
{
    uint32_t low = 0;
    uint32_t high = roster->pauses_count;
    *count = 0;
    if ((roster->lines[subscriber].flags & TG_ROSTER_PAUSES) == 0) {
        return NULL;
    }
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (roster->pauses[middle].subscriber < subscriber) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    while (low + *count < roster->pauses_count &&
           roster->pauses[low + *count].subscriber == subscriber) {
        (*count)++;
    }
    return &roster->pauses[low];
}

const struct tg_roster_pause *tg_roster_pause_at(const struct tg_roster *roster,
                                                 uint32_t subscriber, int64_t at_ns)
{
    uint32_t count;
    const struct tg_roster_pause *pauses = tg_roster_pauses(roster, subscriber, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (at_ns >= (int64_t)pauses[i].from_s * TG_NS_PER_S &&
            (pauses[i].to_s == TG_ROSTER_OPEN_S || at_ns < (int64_t)pauses[i].to_s * TG_NS_PER_S)) {
            return &pauses[i];
        }
    }
    return NULL;
}

enum tg_err tg_roster_admit(const struct tg_roster *roster, uint32_t subscriber, int64_t at_ns,
                            uint32_t *index)
{
    *index = tg_roster_index_at(roster, subscriber, at_ns);
    if (!tg_roster_is_active(&roster->lines[*index], at_ns)) {
        return TG_E_SUBSCRIBER_INACTIVE;
    }
    const struct tg_roster_pause *pause = tg_roster_pause_at(roster, *index, at_ns);
    return pause != NULL && pause->usage == TG_PAUSE_REFUSE ? TG_E_SUBSCRIPTION_SUSPENDED : TG_OK;
}

uint16_t tg_roster_product_at(const struct tg_roster *roster, uint32_t subscriber, int64_t at_ns)
{
    uint32_t index;
    return tg_roster_admit(roster, subscriber, at_ns, &index) == TG_OK
               ? roster->lines[index].product
               : TG_ROSTER_ASK_LINE;
}
