/* SPDX-License-Identifier: Apache-2.0 */
/* exemptions.csv: which account does not pay which tax, on which product, from which day. */
#include "base/clock.h"
#include "catalog/people_reader.h"

#include <string.h>

enum exempt_column { E_ACCOUNT, E_PRODUCT, E_TAX, E_FROM, E_TO, E_COUNT };
_Static_assert((int)E_COUNT <= (int)TG_PEOPLE_COLUMNS_MAX, "room");

static const struct tg_csv_column columns[E_COUNT] = {{"account", true},
                                                      {"product", false},
                                                      {"tax", false},
                                                      {"valid_from", false},
                                                      {"valid_to", false}};

static bool day_read(struct tg_people_reader *reader, uint32_t column, uint16_t absent,
                     uint16_t *day)
{
    const struct tg_csv_field field = tg_people_field(reader, column);
    int64_t at_ns = 0;
    *day = absent;
    if (field.text_bytes == 0) {
        return true;
    }
    if (tg_clock_parse(field.text, field.text_bytes, &at_ns) != TG_OK ||
        field.text_bytes != strlen("2026-10-01") || at_ns < 0 ||
        at_ns / TG_NS_PER_DAY >= TG_EXEMPT_ANY) {
        tg_people_refuse(reader, &field, "write a date such as 2026-10-01",
                         "\"%s\" is no date from 1970 to 2149");
        return false;
    }
    *day = (uint16_t)(at_ns / TG_NS_PER_DAY);
    return true;
}

static void exempt_take(struct tg_people_reader *reader)
{
    const struct tg_csv_field id = tg_people_field(reader, E_ACCOUNT);
    const struct tg_csv_field product = tg_people_field(reader, E_PRODUCT);
    const struct tg_csv_field tax = tg_people_field(reader, E_TAX);
    const struct tg_csv_field to = tg_people_field(reader, E_TO);
    struct tg_roster_exempt out = {.product = TG_EXEMPT_ANY, .tax = TG_EXEMPT_ANY};
    out.account = tg_people_account_find(reader, &id);
    bool is_fine = out.account != UINT32_MAX;
    if (product.text_bytes != 0) {
        const uint32_t index =
            tg_people_entry(reader, TG_CATALOG_PRODUCT, &product, "there is no product \"%s\"");
        is_fine = is_fine && index < TG_EXEMPT_ANY;
        out.product = (uint16_t)index;
    }
    if (tax.text_bytes != 0) {
        const uint32_t index =
            tg_people_entry(reader, TG_CATALOG_TAX, &tax, "there is no tax \"%s\"");
        is_fine = is_fine && index < TG_EXEMPT_ANY;
        out.tax = (uint16_t)index;
    }
    const bool has_from = day_read(reader, E_FROM, 0, &out.from_day);
    const bool has_to = day_read(reader, E_TO, TG_EXEMPT_ANY, &out.to_day);
    if (has_from && has_to && out.from_day >= out.to_day) {
        tg_people_refuse(reader, &to, NULL, "valid_to \"%s\" is not after valid_from");
    }
    if (is_fine && has_from && has_to) {
        const struct tg_roster_term term = {tg_roster_exempt_pack(&out), out.account,
                                            TG_TERM_EXEMPT};
        (void)tg_blob_append(&reader->people->terms, &term, sizeof term, 8);
    }
}

void tg_people_exempt_read(struct tg_people_reader *reader, const struct tg_folder *folder)
{
    char path[TG_FOLDER_PATH_BYTES];
    if (tg_folder_join(folder, "exemptions.csv", path)) {
        (void)tg_people_file_read(reader, path, columns, E_COUNT, exempt_take);
        tg_csv_close(&reader->csv);
    }
}
