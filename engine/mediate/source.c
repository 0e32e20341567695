/* SPDX-License-Identifier: Apache-2.0 */
#include "mediate/source.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/limits.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define SLOTS_COUNT (TG_SOURCES_MAX * 2u) /* load <= 0.5; a power of two */
_Static_assert((SLOTS_COUNT & (SLOTS_COUNT - 1)) == 0, "mask needs a power of two");

struct tg_sources {
    struct tg_source lines[TG_SOURCES_MAX];
    uint16_t slots[SLOTS_COUNT]; /* source id, 0 = free: number 0 is never looked up */
    uint32_t count;
    struct tg_source_key last_key; /* senders come in runs */
    uint16_t last_id;
};

struct tg_sources *tg_sources_create(void)
{
    struct tg_sources *sources = tg_pages_take(sizeof *sources);
    if (sources != NULL) {
        sources->count = 1;
    }
    return sources;
}

void tg_sources_free(struct tg_sources *sources)
{
    tg_pages_free(sources, sizeof *sources);
}

static uint32_t slot_of(const struct tg_sources *sources, const struct tg_source_key *key)
{
    uint32_t slot = (uint32_t)tg_key_hash(0, key, sizeof *key) & (SLOTS_COUNT - 1);
    while (sources->slots[slot] != 0 &&
           memcmp(&sources->lines[sources->slots[slot]].key, key, sizeof *key) != 0) {
        slot = (slot + 1) & (SLOTS_COUNT - 1);
    }
    return slot;
}

uint16_t tg_sources_find(struct tg_sources *sources, const struct tg_source_key *key, bool *is_new)
{
    *is_new = false;
    if (sources->last_id != 0 && memcmp(&sources->last_key, key, sizeof *key) == 0) {
        return sources->last_id;
    }
    const uint32_t slot = slot_of(sources, key);
    uint16_t source_id = sources->slots[slot];
    if (source_id == 0) {
        if (sources->count >= TG_SOURCES_MAX) {
            return 0;
        }
        source_id = (uint16_t)sources->count++;
        sources->lines[source_id].key = *key;
        sources->slots[slot] = source_id;
        *is_new = true;
    }
    sources->last_key = *key;
    sources->last_id = source_id;
    return source_id;
}

enum tg_err tg_sources_restore(struct tg_sources *sources, uint16_t source_id,
                               const struct tg_source_key *key)
{
    if (source_id == 0 || source_id >= TG_SOURCES_MAX) {
        return TG_E_INVALID;
    }
    static const struct tg_source_key unused;
    const uint32_t slot = slot_of(sources, key);
    if (sources->slots[slot] == source_id) {
        return TG_OK;
    }
    if (sources->slots[slot] != 0 ||
        memcmp(&sources->lines[source_id].key, &unused, sizeof unused) != 0) {
        return TG_E_EXISTS;
    }
    sources->lines[source_id].key = *key;
    sources->slots[slot] = source_id;
    if (source_id >= sources->count) {
        sources->count = source_id + 1u;
    }
    return TG_OK;
}

struct tg_source *tg_sources_at(struct tg_sources *sources, uint16_t source_id)
{
    return &sources->lines[source_id < TG_SOURCES_MAX ? source_id : 0];
}

uint32_t tg_sources_count(const struct tg_sources *sources)
{
    return sources->count;
}

void tg_source_key_of(const struct tg_input *input, uint64_t folder_key, struct tg_source_key *key)
{
    memset(key, 0, sizeof *key);
    if (folder_key != 0) {
        key->folder_key = folder_key;
        return;
    }
    memcpy(key->address, input->from.address, sizeof key->address);
    key->local_port = input->local_port;
}

void tg_source_name(const struct tg_source_key *key, char text[TG_SOURCE_NAME_BYTES])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    char address[INET6_ADDRSTRLEN] = "";
    if (key->folder_key != 0) {
        (void)snprintf(text, TG_SOURCE_NAME_BYTES, "folder#%016llx",
                       (unsigned long long)key->folder_key);
    } else if (memcmp(key->address, mapped, sizeof mapped) == 0) {
        (void)inet_ntop(AF_INET, key->address + 12, address, sizeof address);
        (void)snprintf(text, TG_SOURCE_NAME_BYTES, "%s->%u", address, key->local_port);
    } else {
        (void)inet_ntop(AF_INET6, key->address, address, sizeof address);
        (void)snprintf(text, TG_SOURCE_NAME_BYTES, "[%s]->%u", address, key->local_port);
    }
}
