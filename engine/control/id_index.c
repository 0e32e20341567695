/* SPDX-License-Identifier: Apache-2.0 */
#include "control/id_index.h"

#include "abi/key.h"
#include "base/limits.h"
#include "catalog/catalog.h"

#include <stdlib.h>
#include <string.h>

static size_t name_of(const struct tg_roster *roster, bool is_account, uint32_t index,
                      char text[TG_NAME_BYTES_MAX])
{
    return is_account ? tg_roster_account_name(roster, index, text, TG_NAME_BYTES_MAX)
                      : tg_roster_subscriber_name(roster, index, text, TG_NAME_BYTES_MAX);
}

static int place_compare(const void *a, const void *b)
{
    const struct tg_id_place *left = a;
    const struct tg_id_place *right = b;
    return left->hash < right->hash ? -1 : left->hash > right->hash;
}

static bool index_build(struct tg_id_index *index, const struct tg_catalog_snapshot *snapshot,
                        bool is_account)
{
    const struct tg_roster *roster = snapshot->roster;
    char text[TG_NAME_BYTES_MAX];
    tg_id_index_free(index);
    index->count = is_account ? roster->accounts_count : roster->subscribers_count;
    index->places = calloc(index->count + 1u, sizeof *index->places);
    if (index->places == NULL) {
        index->count = 0;
        return false;
    }
    for (uint32_t i = 0; i < index->count; i++) {
        const size_t length = name_of(roster, is_account, i, text);
        index->places[i] = (struct tg_id_place){tg_key_name(text, length), i, 0};
    }
    qsort(index->places, index->count, sizeof *index->places, place_compare);
    index->generation = snapshot->generation;
    index->is_built = true;
    return true;
}

uint32_t tg_id_index_find(struct tg_id_index *index, const struct tg_catalog_snapshot *snapshot,
                          bool is_account, const char *id)
{
    char text[TG_NAME_BYTES_MAX];
    const uint64_t hash = tg_key_name(id, strlen(id));
    if ((!index->is_built || index->generation != snapshot->generation) &&
        !index_build(index, snapshot, is_account)) {
        return UINT32_MAX;
    }
    uint32_t low = 0;
    uint32_t high = index->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (index->places[middle].hash < hash) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < index->count && index->places[low].hash == hash; low++) {
        (void)name_of(snapshot->roster, is_account, index->places[low].index, text);
        if (strcmp(text, id) == 0) {
            return index->places[low].index;
        }
    }
    return UINT32_MAX;
}

void tg_id_index_free(struct tg_id_index *index)
{
    free(index->places);
    *index = (struct tg_id_index){0};
}
