/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/members.h"

#include "base/arena.h"
#include "catalog/roster.h"

static void *take(size_t count, size_t item_bytes)
{
    return tg_pages_take((count > 0 ? count : 1) * item_bytes);
}

static void give(void *memory, size_t count, size_t item_bytes)
{
    tg_pages_free(memory, (count > 0 ? count : 1) * item_bytes);
}

/* Counting sort of subscribers by account. */
static void members_list(struct tg_bill_members *made, const struct tg_roster *roster)
{
    for (uint32_t s = 0; s < roster->subscribers_count; s++) {
        if (roster->lines[s].account < roster->accounts_count) {
            made->first[roster->lines[s].account + 1]++;
        }
    }
    for (uint32_t a = 0; a < roster->accounts_count; a++) {
        made->first[a + 1] += made->first[a];
    }
    /* Filling moves each begin to the next account's; shifting back restores them. */
    for (uint32_t s = 0; s < roster->subscribers_count; s++) {
        if (roster->lines[s].account < roster->accounts_count) {
            made->members[made->first[roster->lines[s].account]++] = s;
        }
    }
    for (uint32_t a = roster->accounts_count; a > 0; a--) {
        made->first[a] = made->first[a - 1];
    }
    made->first[0] = 0;
}

struct tg_bill_members *tg_bill_members_open(const struct tg_roster *roster, struct tg_why *why)
{
    struct tg_bill_members *made = tg_pages_take(sizeof *made);
    if (made != NULL) {
        made->roster = roster;
        made->first = take((size_t)roster->accounts_count + 1, sizeof made->first[0]);
        made->members = take(roster->subscribers_count, sizeof made->members[0]);
    }
    if (made == NULL || made->first == NULL || made->members == NULL) {
        tg_bill_members_close(made);
        (void)tg_why_set(why, TG_E_NO_MEMORY, "no memory for %u accounts", roster->accounts_count);
        return NULL;
    }
    members_list(made, roster);
    return made;
}

void tg_bill_members_close(struct tg_bill_members *members)
{
    if (members == NULL) {
        return;
    }
    const struct tg_roster *roster = members->roster;
    give(members->first, (size_t)roster->accounts_count + 1, sizeof members->first[0]);
    give(members->members, roster->subscribers_count, sizeof members->members[0]);
    tg_pages_free(members, sizeof *members);
}
