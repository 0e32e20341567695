/* SPDX-License-Identifier: Apache-2.0 */
/* The files of people one after another, and what reading any of them needs. */
#include "catalog/people_reader.h"
#include "catalog/zone_time.h"

#include "base/clock.h"
#include "doc/csv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DATE_BYTES 10u /* 2026-10-01 */

void tg_people_read(struct tg_people *people, const struct tg_folder *folder,
                    const struct tg_image *image, struct tg_diag *diag)
{
    struct tg_people_reader reader = {.people = people, .image = image, .diag = diag};
    const bool has_accounts = tg_people_accounts_read(&reader, folder);
    reader.has_lost_accounts = reader.has_lost_rows;
    if (has_accounts) {
        tg_people_exempt_read(&reader, folder);
        tg_people_sort(people);
    }
    const bool has_subscribers = tg_people_subscribers_read(&reader, folder);
    reader.has_lost_lines = reader.has_lost_rows;
    if (has_subscribers) {
        tg_people_pause_read(&reader, folder);
    }
    people->has_files = has_accounts || has_subscribers;
}

bool tg_people_is_broken(const struct tg_people *people)
{
    return people->account_ids.is_broken || people->subscriber_ids.is_broken ||
           people->titles.is_broken || people->accounts.is_broken ||
           people->account_titles.is_broken || people->subscribers.is_broken ||
           people->lines.is_broken || people->account_lines.is_broken || people->keys.is_broken ||
           people->terms.is_broken || people->again.is_broken || people->stretches.is_broken;
}

void tg_people_free(struct tg_people *people)
{
    tg_names_free(&people->account_ids);
    tg_names_free(&people->subscriber_ids);
    tg_names_free(&people->titles);
    tg_blob_free(&people->accounts);
    tg_blob_free(&people->account_titles);
    tg_blob_free(&people->subscribers);
    tg_blob_free(&people->lines);
    tg_blob_free(&people->account_lines);
    tg_blob_free(&people->keys);
    tg_blob_free(&people->terms);
    tg_blob_free(&people->again);
    tg_blob_free(&people->stretches);
}

bool tg_people_file_read(struct tg_people_reader *reader, const char *path,
                         const struct tg_csv_column *columns, uint32_t columns_count,
                         void (*take)(struct tg_people_reader *))
{
    reader->has_lost_rows = false;
    if (access(path, F_OK) != 0) {
        return false;
    }
    enum tg_err err = tg_csv_open(&reader->csv, path, reader->diag);
    err = err == TG_OK
              ? tg_csv_header(&reader->csv, columns, columns_count, reader->index, reader->diag)
              : err;
    if (err != TG_OK) { /* of rows it is not known what their fields are */
        reader->has_lost_rows = true;
        return true;
    }
    while (err != TG_E_NOT_FOUND && err != TG_E_IO && err != TG_E_NO_MEMORY) {
        err = tg_csv_next(&reader->csv, reader->diag);
        if (err == TG_OK) {
            take(reader);
        }
        reader->has_lost_rows = reader->has_lost_rows || err == TG_E_DOCUMENT;
    }
    return true;
}

bool tg_people_line_is_told(const struct tg_people_reader *reader, uint32_t line)
{
    for (uint32_t i = 0; i < tg_diag_entries_count(reader->diag); i++) {
        const struct tg_diag_entry *entry = tg_diag_entry(reader->diag, i);
        if (entry->severity == TG_DIAG_ERROR && entry->line == line &&
            strcmp(entry->path, reader->csv.source.path) == 0) {
            return true;
        }
    }
    return false;
}

/* Field of a known column; an absent one reads as empty. */
struct tg_csv_field tg_people_field(const struct tg_people_reader *reader, uint32_t column)
{
    const int16_t index = reader->index[column];
    return index >= 0 ? reader->csv.fields[index]
                      : (struct tg_csv_field){"", 0, reader->csv.line, 1};
}

void tg_people_refuse(struct tg_people_reader *reader, const struct tg_csv_field *field,
                      const char *hint, const char *format)
{
    char word[65];
    (void)snprintf(word, sizeof word, "%.*s",
                   (int)(field->text_bytes < 64 ? field->text_bytes : 64), field->text);
    char text[200];
    (void)snprintf(text, sizeof text, format, word); /* formats are ours and take the word only */
    tg_diag_add(reader->diag, TG_DIAG_ERROR, tg_csv_mark(&reader->csv, field), hint, "%s", text);
}

/* Index of an entry that this version of the catalog has. */
uint32_t tg_people_entry(struct tg_people_reader *reader, enum tg_catalog_kind kind,
                         const struct tg_csv_field *field, const char *format)
{
    char name[65];
    (void)snprintf(name, sizeof name, "%.*s",
                   (int)(field->text_bytes < 64 ? field->text_bytes : 64), field->text);
    const uint32_t index = tg_image_find(reader->image, kind, name);
    const bool is_there =
        index != UINT32_MAX &&
        (kind == TG_CATALOG_PRODUCT  ? tg_image_product(reader->image, index) != NULL
         : kind == TG_CATALOG_TAX    ? tg_image_tax(reader->image, index) != NULL
         : kind == TG_CATALOG_ENTITY ? tg_image_entity(reader->image, index) != NULL
                                     : index > 0);
    if (is_there) {
        return index;
    }
    const uint32_t count = tg_image_count(reader->image, kind);
    const char **known = calloc(count + 1, sizeof *known);
    for (uint32_t i = 0; known != NULL && i < count; i++) {
        known[i] = tg_image_name(reader->image, kind, i);
    }
    const char *near = known != NULL ? tg_diag_nearest(name, known, count) : NULL;
    char hint[128];
    (void)snprintf(hint, sizeof hint, "did you mean \"%s\"?", near != NULL ? near : "");
    tg_people_refuse(reader, field, near != NULL ? hint : NULL, format);
    free(known);
    return UINT32_MAX;
}

/* A date alone is the midnight with which it begins where the account is. */
bool tg_people_second(struct tg_people_reader *reader, const struct tg_csv_field *field,
                      uint32_t zone, uint32_t absent, uint32_t *seconds)
{
    int64_t at_ns = 0;
    *seconds = absent;
    if (field->text_bytes == 0) {
        return true;
    }
    const bool is_time = tg_clock_parse(field->text, field->text_bytes, &at_ns) == TG_OK;
    if (is_time && field->text_bytes == DATE_BYTES) {
        at_ns = tg_zone_utc_ns(tg_image_zone(reader->image, zone), at_ns);
    }
    if (!is_time || at_ns < 0 || at_ns % TG_NS_PER_S != 0 ||
        at_ns / TG_NS_PER_S >= TG_ROSTER_OPEN_S) {
        tg_people_refuse(reader, field, "write a date or whole second from 1970 to 2106",
                         "\"%s\" is no date or time");
        return false;
    }
    *seconds = (uint32_t)(at_ns / TG_NS_PER_S);
    return true;
}

bool tg_people_id_check(struct tg_people_reader *reader, const struct tg_csv_field *id)
{
    bool is_fine = id->text_bytes > 0 && id->text_bytes <= TG_PEOPLE_ID_BYTES_MAX;
    for (uint32_t i = 0; i < id->text_bytes && is_fine; i++) {
        is_fine = (unsigned char)id->text[i] > ' ' && id->text[i] != 0x7f;
    }
    if (!is_fine) {
        reader->has_lost_rows = true;
        tg_people_refuse(reader, id, "use 1 to 63 characters without blanks", "id: \"%s\" is none");
    }
    return is_fine;
}

/* Number of a listed id; doubled ones are refused. The blobs grow with it. */
uint32_t tg_people_id_number(struct tg_people_reader *reader, struct tg_names *ids,
                             struct tg_blob *items, size_t item_bytes, struct tg_blob *lines,
                             const struct tg_csv_field *id)
{
    const uint32_t index = tg_names_add(ids, id->text, id->text_bytes);
    if (index == UINT32_MAX) {
        return index;
    }
    while (items->size_bytes / item_bytes < ids->count && !items->is_broken) {
        (void)tg_blob_extend(items, item_bytes, 1);
    }
    while (lines->size_bytes / 4 < ids->count && !lines->is_broken) {
        (void)tg_blob_extend(lines, 4, 1);
    }
    if (items->is_broken || lines->is_broken) {
        return UINT32_MAX;
    }
    uint32_t *line = (uint32_t *)(void *)lines->bytes + index;
    if (*line != 0) {
        char text[96];
        (void)snprintf(text, sizeof text, "id \"%%s\" is already on line %u", *line);
        tg_people_refuse(reader, id, NULL, text);
        return UINT32_MAX;
    }
    *line = id->line;
    return index;
}

/* Who is no longer listed keeps his number; his keys are not there any more. */
void tg_people_unlisted_mark(struct tg_blob *items, size_t item_bytes, size_t flags_offset,
                             const struct tg_blob *lines)
{
    const uint32_t *listed = (const uint32_t *)(const void *)lines->bytes;
    for (size_t i = 0; i < items->size_bytes / item_bytes; i++) {
        uint8_t *flags = items->bytes + i * item_bytes + flags_offset;
        const bool is_listed = i < lines->size_bytes / 4 && listed[i] != 0;
        *flags = (uint8_t)(is_listed ? *flags & ~TG_ROSTER_REMOVED : *flags | TG_ROSTER_REMOVED);
    }
}
