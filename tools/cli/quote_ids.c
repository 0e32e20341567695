/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/quote_ids.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#define PLACES_FIRST 1024u

/* 64 bits of the id and of the content: of a million ids two are alike once in 3 * 10^7 files. */
struct place {
    uint64_t id; /* 0: empty. */
    uint64_t content;
};

struct tg_quote_ids {
    struct place *places;
    size_t places_count; /* A power of two. */
    size_t used;
};

struct tg_quote_ids *tg_quote_ids_open(void)
{
    struct tg_quote_ids *ids = calloc(1, sizeof *ids);
    if (ids == NULL) {
        return NULL;
    }
    ids->places_count = PLACES_FIRST;
    ids->places = calloc(ids->places_count, sizeof ids->places[0]);
    if (ids->places == NULL) {
        free(ids);
        return NULL;
    }
    return ids;
}

void tg_quote_ids_close(struct tg_quote_ids *ids)
{
    if (ids != NULL) {
        free(ids->places);
        free(ids);
    }
}

static struct place *place_of(struct place *places, size_t count, uint64_t id)
{
    size_t at = id & (count - 1);
    while (places[at].id != 0 && places[at].id != id) {
        at = (at + 1) & (count - 1);
    }
    return &places[at];
}

/* At most half of the places are taken, so a look-up ends soon. */
static bool room_ensure(struct tg_quote_ids *ids)
{
    if (ids->used * 2 < ids->places_count) {
        return true;
    }
    const size_t count = ids->places_count * 2;
    struct place *places = calloc(count, sizeof places[0]);
    if (places == NULL) {
        return false;
    }
    for (size_t i = 0; i < ids->places_count; i++) {
        if (ids->places[i].id != 0) {
            *place_of(places, count, ids->places[i].id) = ids->places[i];
        }
    }
    free(ids->places);
    ids->places = places;
    ids->places_count = count;
    return true;
}

uint64_t tg_quote_ids_key(const char *id)
{
    const uint64_t hash = tg_key_hash(0, id, strlen(id));
    return hash != 0 ? hash : 1;
}

static enum tg_err said_check(struct tg_quote_ids *ids, uint64_t key, const struct tg_usage *row)
{
    struct tg_usage content = *row;
    content.record_key = 0;
    content.source_id = 0;
    const struct place said = {key, tg_key_hash(1, &content, sizeof content)};
    if (!room_ensure(ids)) {
        return TG_E_NO_MEMORY;
    }
    struct place *place = place_of(ids->places, ids->places_count, said.id);
    if (place->id != 0) {
        return place->content == said.content ? TG_E_DUPLICATE : TG_E_DUP_CONFLICT;
    }
    *place = said;
    ids->used++;
    return TG_OK;
}

enum tg_err tg_quote_ids_check(struct tg_quote_ids *ids, const char *id, const struct tg_usage *row)
{
    return said_check(ids, tg_quote_ids_key(id), row);
}

enum tg_err tg_quote_ids_note(struct tg_quote_ids *ids, const struct tg_usage *row)
{
    const enum tg_err err = said_check(ids, row->record_key != 0 ? row->record_key : 1, row);
    return err == TG_E_NO_MEMORY ? err : TG_OK;
}
