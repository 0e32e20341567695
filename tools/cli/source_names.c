/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/source_names.h"

#include "ledger/scan.h"
#include "record/credit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void note_take(struct source_names *names, const struct tg_scan_note *note)
{
    unsigned source_id;
    struct tg_source_key key;
    if (sscanf(note->key, "source/%5u", &source_id) == 1 && source_id < TG_SOURCES_MAX &&
        note->length_bytes == sizeof key) {
        memcpy(&key, note->bytes, sizeof key);
        tg_source_name(&key, names->names[source_id]);
    }
}

struct source_names *source_names_read(const char *data_dir)
{
    struct source_names *names = calloc(1, sizeof *names);
    const struct tg_scan_params params = {
        .size_bytes = sizeof params, .sections = TG_SECTION_BIT(TG_SECTION_NOTES), .dir = data_dir};
    struct tg_scan *scan = NULL;
    struct tg_scan_view view;
    if (names == NULL || tg_scan_open(&params, &scan, NULL) != TG_OK) {
        return names;
    }
    while (tg_scan_next(scan, &view, NULL) == TG_OK) {
        struct tg_scan_position at = {0, 0};
        struct tg_scan_note note;
        while (tg_scan_note_next(&view, &at, &note, NULL) == TG_OK) {
            note_take(names, &note);
        }
    }
    tg_scan_close(scan);
    return names;
}

const char *source_names_text(const struct source_names *names, uint16_t source_id,
                              char text[TG_SOURCE_NAME_BYTES])
{
    if (names != NULL && source_id < TG_SOURCES_MAX && names->names[source_id][0] != '\0') {
        memcpy(text, names->names[source_id], TG_SOURCE_NAME_BYTES);
    } else if (source_id == TG_CREDIT_SOURCE_ID) {
        (void)snprintf(text, TG_SOURCE_NAME_BYTES, "%s", TG_CREDIT_SOURCE_NAME);
    } else {
        (void)snprintf(text, TG_SOURCE_NAME_BYTES, "source %u", source_id);
    }
    return text;
}
