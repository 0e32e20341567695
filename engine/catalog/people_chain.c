/* SPDX-License-Identifier: Apache-2.0 */
/* Which lines of subscribers.csv are one subscription: it ended and came back, or changed to a
 * product of the same plan. They are counted together: what was used of an allowance before is used
 * afterwards (rating-semantics 4.6: granted once per cycle, never again on re-activation).
 *
 * (1) Lines of one id, or of one account that share a number, an IMSI, a user, or (without a pause
 *     between them) an address, are one subscription, as far as they are of one plan: account lines
 *     count by service, so those of different plans must not meet.
 * (2) Each goes on from one line before it, and no two that are counted together overlap.
 * (3) The holder is the one with the least number, which is the one that was known first: what is
 *     counted already stays where it is when another line is added.
 * (4) Lines that were counted together stay together when a version gives one of them another
 *     plan.
 * (5) Linked the same way whatever their plans, lines have a root: on its shelf lies what plans of
 *     one subscription share (allowances with `stacking: once`). */
#include "catalog/people_reader.h"

#include "abi/key.h"

#include <stdlib.h>
#include <string.h>

/* A line may go on from another. */
struct link {
    uint32_t from_s; /* begin of the line */
    uint32_t line;
    uint32_t before;
};

/* A line that has a link. */
struct entry {
    uint32_t line;
    uint32_t root; /* index of an entry */
    uint32_t holder;
    uint32_t end_s;
    bool has_before;
};

struct chain {
    struct tg_people_reader *reader;
    const struct tg_roster_line *lines;
    struct tg_blob links;   /* struct link */
    struct tg_blob members; /* uint32_t, lines of one key or id */
    struct entry *entries;  /* by line; shape [entries_count] */
    size_t entries_count;
    bool ignores_plans; /* roots, see (5) */
    bool has_groups;    /* some lines have a key or an id in common */
};

static int link_compare(const void *a, const void *b)
{
    const struct link *left = a;
    const struct link *right = b;
    if (left->from_s != right->from_s) {
        return left->from_s < right->from_s ? -1 : 1;
    }
    if (left->line != right->line) {
        return left->line < right->line ? -1 : 1;
    }
    return left->before < right->before ? -1 : left->before > right->before;
}

static int stretch_compare(const void *a, const void *b)
{
    const struct tg_roster_stretch *left = a;
    const struct tg_roster_stretch *right = b;
    return left->line < right->line ? -1 : left->line > right->line;
}

void tg_people_chain_keep(struct tg_people *people)
{
    const struct tg_roster_key *keys =
        (const struct tg_roster_key *)(const void *)people->keys.bytes;
    people->stretches.size_bytes = 0;
    for (size_t i = 0; i < people->keys.size_bytes / sizeof *keys; i++) {
        if (keys[i].kind == TG_ROSTER_KEY_STRETCH) {
            const struct tg_roster_stretch one = {(uint32_t)keys[i].key, keys[i].subscriber};
            (void)tg_blob_append(&people->stretches, &one, sizeof one, 4);
        }
    }
    if (people->stretches.size_bytes > 0) {
        qsort(people->stretches.bytes,
              people->stretches.size_bytes / sizeof(struct tg_roster_stretch),
              sizeof(struct tg_roster_stretch), stretch_compare);
    }
}

static uint32_t holder_before(const struct tg_people *people, uint32_t line)
{
    const struct tg_roster_stretch key = {.line = line};
    const size_t count = people->stretches.size_bytes / sizeof key;
    const struct tg_roster_stretch *found =
        count > 0 ? bsearch(&key, people->stretches.bytes, count, sizeof key, stretch_compare)
                  : NULL;
    return found != NULL ? found->holder : line;
}

static uint32_t plan_of(const struct tg_image *image, uint16_t product)
{
    const struct tg_product *sold = tg_image_product(image, product);
    return sold != NULL ? sold->plan : UINT32_MAX;
}

static bool is_one(const struct chain *chain, uint32_t before, uint32_t line, bool wants_no_pause)
{
    const struct tg_roster_line *a = &chain->lines[before];
    const struct tg_roster_line *b = &chain->lines[line];
    const struct tg_people *people = chain->reader->people;
    if (before == line || a->account != b->account || a->active_to_s > b->active_from_s ||
        a->active_from_s >= a->active_to_s || b->active_from_s >= b->active_to_s ||
        (wants_no_pause && a->active_to_s != b->active_from_s)) {
        return false;
    }
    return chain->ignores_plans ||
           plan_of(chain->reader->image, a->product) == plan_of(chain->reader->image, b->product) ||
           holder_before(people, before) == holder_before(people, line);
}

/* Each of the lines goes on from the one before it that is of its kind. */
static void members_link(struct chain *chain, bool wants_no_pause)
{
    struct link *sorted = NULL;
    const uint32_t *members = (const uint32_t *)(const void *)chain->members.bytes;
    const size_t count = chain->members.size_bytes / sizeof *members;
    if (count < 2 || (sorted = calloc(count, sizeof *sorted)) == NULL) {
        chain->links.is_broken |= count >= 2;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = (struct link){chain->lines[members[i]].active_from_s, members[i], 0};
    }
    qsort(sorted, count, sizeof *sorted, link_compare);
    for (size_t i = 1; i < count; i++) {
        for (size_t j = i; j > 0; j--) {
            if (is_one(chain, sorted[j - 1].line, sorted[i].line, wants_no_pause)) {
                sorted[i].before = sorted[j - 1].line;
                (void)tg_blob_append(&chain->links, &sorted[i], sizeof sorted[i], 4);
                sorted[i].before = 0;
                break;
            }
        }
    }
    free(sorted);
}

static void member_add(struct chain *chain, uint32_t line)
{
    (void)tg_blob_append(&chain->members, &line, sizeof line, 4);
}

/* Keys lie sorted by kind, key and line. */
static void keys_link(struct chain *chain)
{
    const struct tg_people *people = chain->reader->people;
    const struct tg_roster_key *keys =
        (const struct tg_roster_key *)(const void *)people->keys.bytes;
    const size_t count = people->keys.size_bytes / sizeof *keys;
    for (size_t from = 0; from < count;) {
        size_t end = from + 1;
        while (end < count && keys[end].kind == keys[from].kind &&
               keys[end].key == keys[from].key) {
            end++;
        }
        if (end - from > 1) {
            chain->has_groups = true;
            chain->members.size_bytes = 0;
            for (size_t i = from; i < end; i++) {
                member_add(chain, keys[i].subscriber);
            }
            members_link(chain, keys[from].kind == TG_KEY_IP4 || keys[from].kind == TG_KEY_IP6);
        }
        from = end;
    }
}

/* One id on several lines: the same account, and not at the same time. */
static void again_check(const struct chain *chain, const struct tg_people_again *again)
{
    struct tg_people_reader *reader = chain->reader;
    const uint32_t *members = (const uint32_t *)(const void *)chain->members.bytes;
    const size_t count = chain->members.size_bytes / sizeof *members;
    const struct tg_roster_line *line = &chain->lines[again->line];
    for (size_t i = 0; i < count; i++) {
        const struct tg_roster_line *other = &chain->lines[members[i]];
        if (tg_people_line_is_told(reader, again->csv_line) ||
            tg_people_line_is_told(reader, tg_people_line(reader->people, members[i]))) {
            continue;
        }
        const struct tg_mark mark = {&reader->csv.source, again->csv_line, 1};
        if (other->account != line->account) {
            tg_diag_add(reader->diag, TG_DIAG_ERROR, mark, "a subscription that moves has a new id",
                        "the id is already on line %u, in another account",
                        tg_people_line(reader->people, members[i]));
            return;
        }
        if (other->active_from_s < line->active_to_s && line->active_from_s < other->active_to_s) {
            tg_diag_add(reader->diag, TG_DIAG_ERROR, mark, "end the earlier one with active_to",
                        "the id is already on line %u, and active at that time",
                        tg_people_line(reader->people, members[i]));
            return;
        }
    }
}

static void ids_link(struct chain *chain)
{
    const struct tg_people *people = chain->reader->people;
    const struct tg_people_again *again =
        (const struct tg_people_again *)(const void *)people->again.bytes;
    const size_t count = people->again.size_bytes / sizeof *again;
    chain->has_groups |= count > 0;
    for (size_t i = 0; i < count; i++) {
        bool is_first = true;
        for (size_t j = 0; j < i && is_first; j++) {
            is_first = again[j].first != again[i].first;
        }
        if (!is_first) {
            continue;
        }
        chain->members.size_bytes = 0;
        member_add(chain, again[i].first);
        for (size_t j = i; j < count; j++) {
            if (again[j].first == again[i].first) {
                if (!chain->ignores_plans) { /* said once */
                    again_check(chain, &again[j]);
                }
                member_add(chain, again[j].line);
            }
        }
        members_link(chain, false);
    }
}

static int entry_compare(const void *a, const void *b)
{
    const struct entry *left = a;
    const struct entry *right = b;
    return left->line < right->line ? -1 : left->line > right->line;
}

static uint32_t entry_find(const struct chain *chain, uint32_t line)
{
    const struct entry key = {.line = line};
    const struct entry *found =
        bsearch(&key, chain->entries, chain->entries_count, sizeof key, entry_compare);
    return (uint32_t)(found - chain->entries);
}

static bool entries_make(struct chain *chain)
{
    const struct link *links = (const struct link *)(const void *)chain->links.bytes;
    const size_t count = chain->links.size_bytes / sizeof *links;
    chain->entries = calloc(count * 2 + 1, sizeof *chain->entries);
    if (chain->entries == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        chain->entries[i * 2].line = links[i].line;
        chain->entries[i * 2 + 1].line = links[i].before;
    }
    qsort(chain->entries, count * 2, sizeof *chain->entries, entry_compare);
    for (size_t i = 0; i < count * 2; i++) {
        const uint32_t line = chain->entries[i].line;
        if (chain->entries_count == 0 || chain->entries[chain->entries_count - 1].line != line) {
            const uint32_t at = (uint32_t)chain->entries_count++;
            chain->entries[at] = (struct entry){
                .line = line, .root = at, .holder = line, .end_s = chain->lines[line].active_to_s};
        }
    }
    return true;
}

/* In order of time, so that each finds the whole of what it may go on from. */
static void links_join(struct chain *chain)
{
    struct link *links = (struct link *)(void *)chain->links.bytes;
    const size_t count = chain->links.size_bytes / sizeof *links;
    qsort(links, count, sizeof *links, link_compare);
    for (size_t i = 0; i < count; i++) {
        struct entry *line = &chain->entries[entry_find(chain, links[i].line)];
        struct entry *root =
            &chain->entries[chain->entries[entry_find(chain, links[i].before)].root];
        if (line->has_before || root->end_s > links[i].from_s) {
            continue;
        }
        line->has_before = true;
        line->root = (uint32_t)(root - chain->entries);
        root->end_s = chain->lines[line->line].active_to_s;
        root->holder = line->line < root->holder ? line->line : root->holder;
    }
}

static uint32_t holder_of(const struct chain *chain, uint32_t line)
{
    const struct entry key = {.line = line};
    const struct entry *found =
        chain->entries_count > 0
            ? bsearch(&key, chain->entries, chain->entries_count, sizeof key, entry_compare)
            : NULL;
    return found != NULL ? chain->entries[found->root].holder : line;
}

static void key_store(const struct chain *chain, uint32_t line, uint32_t of, uint32_t kind)
{
    const struct tg_roster_key key = {of, line, kind};
    (void)tg_blob_append(&chain->reader->people->keys, &key, sizeof key, 8);
}

static void stretches_store(const struct chain *chain)
{
    for (size_t i = 0; i < chain->entries_count; i++) {
        const uint32_t line = chain->entries[i].line;
        if (holder_of(chain, line) != line) {
            key_store(chain, line, holder_of(chain, line), TG_ROSTER_KEY_STRETCH);
        }
    }
}

/* Rows are of holders, so only these need to know a root. */
static void roots_store(const struct chain *roots, const struct chain *stretches)
{
    for (size_t i = 0; i < roots->entries_count; i++) {
        const uint32_t line = roots->entries[i].line;
        const uint32_t root = holder_of(roots, line);
        if (root != line && holder_of(stretches, line) == line) {
            key_store(roots, line, root, TG_ROSTER_KEY_ROOT);
        }
    }
}

/* false: nothing goes on from anything. */
static bool chain_link(struct chain *chain)
{
    struct tg_people *people = chain->reader->people;
    keys_link(chain);
    ids_link(chain);
    const bool has_links = chain->links.size_bytes > 0 && !chain->links.is_broken;
    if (has_links && entries_make(chain)) {
        links_join(chain);
        return true;
    }
    people->keys.is_broken |= has_links || chain->links.is_broken || chain->members.is_broken;
    return false;
}

static void chain_free(struct chain *chain)
{
    free(chain->entries);
    tg_blob_free(&chain->links);
    tg_blob_free(&chain->members);
}

void tg_people_chain_make(struct tg_people_reader *reader)
{
    struct tg_people *people = reader->people;
    struct chain stretches = {
        .reader = reader,
        .lines = (const struct tg_roster_line *)(const void *)people->subscribers.bytes};
    struct chain roots = stretches;
    roots.ignores_plans = true;
    /* Both look at the keys of people alone, so they are linked before anything is stored. */
    const bool has_stretches = chain_link(&stretches);
    const bool has_roots = stretches.has_groups && chain_link(&roots);
    if (has_stretches) {
        stretches_store(&stretches);
    }
    if (has_roots) {
        roots_store(&roots, &stretches);
    }
    chain_free(&stretches);
    chain_free(&roots);
}
