/* SPDX-License-Identifier: Apache-2.0 */
/* suspensions.csv: which subscription is suspended from when to when, and what that means for its
 * usage and its fee. */
#include "base/clock.h"
#include "catalog/people_reader.h"

#include <stdlib.h>
#include <string.h>

enum pause_column { P_SUBSCRIBER, P_FROM, P_TO, P_USAGE, P_FEE, P_COUNT };
_Static_assert((int)P_COUNT <= (int)TG_PEOPLE_COLUMNS_MAX, "room");

static const struct tg_csv_column columns[P_COUNT] = {
    {"subscriber", true}, {"from", true}, {"to", false}, {"usage", false}, {"fee", false}};

static bool word_is(const struct tg_csv_field *field, const char *word)
{
    return field->text_bytes == strlen(word) && memcmp(field->text, word, strlen(word)) == 0;
}

static bool usage_read(struct tg_people_reader *reader, uint32_t *usage)
{
    const struct tg_csv_field field = tg_people_field(reader, P_USAGE);
    *usage = word_is(&field, "rate") ? TG_PAUSE_RATE : TG_PAUSE_REFUSE;
    if (field.text_bytes == 0 || word_is(&field, "rate") || word_is(&field, "refuse")) {
        return true;
    }
    tg_people_refuse(reader, &field, "write refuse or rate", "usage: \"%s\" is not known");
    return false;
}

static bool fee_read(struct tg_people_reader *reader, uint32_t *fee)
{
    const struct tg_csv_field field = tg_people_field(reader, P_FEE);
    *fee = word_is(&field, "full")   ? TG_PAUSE_FEE_FULL
           : word_is(&field, "none") ? TG_PAUSE_FEE_NONE
                                     : TG_PAUSE_FEE_PRORATE;
    if (field.text_bytes == 0 || *fee != TG_PAUSE_FEE_PRORATE || word_is(&field, "prorate")) {
        return true;
    }
    tg_people_refuse(reader, &field, "write prorate, full or none", "fee: \"%s\" is not known");
    return false;
}

/* The listed subscriber of an id; UINT32_MAX after reporting. */
static uint32_t subscriber_find(struct tg_people_reader *reader, const struct tg_csv_field *id)
{
    const struct tg_people *people = reader->people;
    const uint32_t index = tg_names_find(&people->subscriber_ids, id->text, id->text_bytes);
    if (index != UINT32_MAX && tg_people_line(people, index) != 0) {
        return index;
    }
    if (!reader->has_lost_lines) {
        tg_people_refuse(reader, id, NULL, "there is no subscriber \"%s\"");
    }
    return UINT32_MAX;
}

static bool line_holds(const struct tg_people *people, uint32_t line, uint32_t from_s)
{
    struct tg_roster_line one;
    memcpy(&one, people->subscribers.bytes + (size_t)line * sizeof one, sizeof one);
    return from_s >= one.active_from_s && from_s < one.active_to_s;
}

/* Of several lines of an id the one that is active when it begins; UINT32_MAX: none. */
static uint32_t line_find(const struct tg_people *people, uint32_t first, uint32_t from_s)
{
    const struct tg_people_again *again =
        (const struct tg_people_again *)(const void *)people->again.bytes;
    if (line_holds(people, first, from_s)) {
        return first;
    }
    for (size_t i = 0; i < people->again.size_bytes / sizeof *again; i++) {
        if (again[i].first == first && line_holds(people, again[i].line, from_s)) {
            return again[i].line;
        }
    }
    return UINT32_MAX;
}

static bool overlaps(const struct tg_people *people, uint32_t line, uint32_t from_s, uint32_t to_s)
{
    const struct tg_roster_key *keys =
        (const struct tg_roster_key *)(const void *)people->keys.bytes;
    for (size_t i = people->keys.size_bytes / sizeof *keys; i > 0; i--) {
        const struct tg_roster_key *key = &keys[i - 1];
        if (key->kind < TG_ROSTER_KEY_PAUSE) {
            return false; /* they are the last ones */
        }
        if (key->subscriber == line && (uint32_t)(key->key >> 32) < to_s &&
            from_s < (uint32_t)key->key) {
            return true;
        }
    }
    return false;
}

static void pause_take(struct tg_people_reader *reader)
{
    struct tg_people *people = reader->people;
    const struct tg_csv_field id = tg_people_field(reader, P_SUBSCRIBER);
    const struct tg_csv_field from = tg_people_field(reader, P_FROM);
    const struct tg_csv_field to = tg_people_field(reader, P_TO);
    uint32_t usage;
    uint32_t fee;
    uint32_t from_s = 0;
    uint32_t to_s = 0;
    const bool has_usage = usage_read(reader, &usage); /* each tells its own mistake */
    const bool has_fee = fee_read(reader, &fee);
    const uint32_t first = subscriber_find(reader, &id);
    if (first == UINT32_MAX) {
        return;
    }
    struct tg_roster_line line;
    memcpy(&line, people->subscribers.bytes + (size_t)first * sizeof line, sizeof line);
    const uint32_t zone = tg_people_account_zone(people, line.account);
    if (from.text_bytes == 0) {
        tg_people_refuse(reader, &from, "write a date", "from: there is none");
        return;
    }
    if (!tg_people_second(reader, &from, zone, 0, &from_s) ||
        !tg_people_second(reader, &to, zone, TG_ROSTER_OPEN_S, &to_s)) {
        return;
    }
    const uint32_t at = line_find(people, first, from_s);
    if (to_s <= from_s) {
        tg_people_refuse(reader, &to, NULL, "to: \"%s\" is not after from");
    } else if (at == UINT32_MAX) {
        tg_people_refuse(reader, &from, NULL, "from: the subscription is not active at \"%s\"");
    } else if (memcpy(&line, people->subscribers.bytes + (size_t)at * sizeof line, sizeof line),
               to_s != TG_ROSTER_OPEN_S && to_s > line.active_to_s) {
        tg_people_refuse(reader, &to, NULL, "to: \"%s\" is behind the subscription's active_to");
    } else if (overlaps(people, at, from_s, to_s)) {
        tg_people_refuse(reader, &from, "end the earlier one with to",
                         "from: the subscription is suspended already at \"%s\" or later");
    } else if (has_usage && has_fee) {
        const struct tg_roster_key key = {(uint64_t)from_s << 32 | to_s, at,
                                          TG_ROSTER_KEY_PAUSE + (usage << 4) + fee};
        (void)tg_blob_append(&people->keys, &key, sizeof key, 8);
    }
}

void tg_people_pause_read(struct tg_people_reader *reader, const struct tg_folder *folder)
{
    char path[TG_FOLDER_PATH_BYTES];
    if (tg_folder_join(folder, "suspensions.csv", path)) {
        (void)tg_people_file_read(reader, path, columns, P_COUNT, pause_take);
        tg_csv_close(&reader->csv);
    }
}
