/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/sheets.h"

#include <assert.h>

/* One sheet against the rows [from, to) of one prefix that sheets before it brought. */
static void sheet_apply(struct tg_deck_row *rows, uint32_t from, uint32_t to, uint32_t sheet,
                        struct tg_sheet_rule *rule)
{
    int64_t first_ns = INT64_MAX;
    bool is_there = false;
    bool was_there = false;
    for (uint32_t i = from; i < to; i++) {
        if (rows[i].file == sheet) {
            is_there = true;
            first_ns = rows[i].valid_from_ns < first_ns ? rows[i].valid_from_ns : first_ns;
        } else if (rows[i].file < sheet) {
            was_there = was_there || (rows[i].valid_from_ns < rule->from_ns &&
                                      rows[i].valid_to_ns >= rule->from_ns);
        }
    }
    rule->missing_count += was_there && !is_there ? 1 : 0;
    if (!is_there && !rule->is_deleting) {
        return;
    }
    const int64_t end_ns = is_there ? first_ns : rule->from_ns;
    for (uint32_t i = from; i < to; i++) {
        if (rows[i].file < sheet && rows[i].valid_to_ns > end_ns) {
            rows[i].valid_to_ns = end_ns; /* not behind its beginning: the row is gone */
            rows[i].flags |= is_there ? 0 : TG_ROW_ENDED;
        }
    }
}

uint32_t tg_sheets_settle(struct tg_deck_row *rows, uint32_t rows_count,
                          struct tg_sheet_rule *rules, uint32_t rules_count)
{
    uint32_t kept = 0;
    assert(rules_count >= 1 && rules_count <= TG_DECK_FILES_MAX);
    for (uint32_t from = 0, to = 1; from < rows_count; from = to++) {
        while (to < rows_count && rows[to].key == rows[from].key &&
               rows[to].is_exact == rows[from].is_exact) {
            to++;
        }
        for (uint32_t sheet = 1; sheet < rules_count; sheet++) {
            sheet_apply(rows, from, to, sheet, &rules[sheet]);
        }
        for (uint32_t i = from; i < to; i++) {
            if (rows[i].valid_from_ns < rows[i].valid_to_ns) {
                rows[kept++] = rows[i];
            }
        }
    }
    return kept;
}
