/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief CDR-Stats' sample CDR files through the maps in schemas/csv.
 *
 *  The files are read in place from ../shared/data; skipped where that is absent.
 */
#include "abi/decoder.h"
#include "abi/key.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct tg_plugin tg_plugin_entry_csv;

#define FILES TG_SOURCE_DIR "/../shared/data/cdr/cdr-stats_cdr-stats/"

struct sheet {
    struct tg_usage rows[256];
    uint32_t rows_input[256];
    struct tg_refusal refusals[64];
    struct tg_message message;
    struct tg_decoded out;
};

static size_t read_whole(const char *path, char *text, size_t capacity)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return 0;
    }
    const size_t length = fread(text, 1, capacity - 1, file);
    fclose(file);
    text[length] = '\0';
    return length;
}

static void read_sheet(const char *map, const char *name, struct sheet *sheet)
{
    static char settings_text[4096];
    static char text[65536];
    char path[600];
    struct tg_setting settings[32];
    uint32_t count = 0;
    snprintf(path, sizeof(path), TG_SOURCE_DIR "/schemas/csv/%s", map);
    cr_assert_gt(read_whole(path, settings_text, sizeof(settings_text)), 0, "%s", path);
    for (char *line = strtok(settings_text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char *equals = strchr(line, '=');
        if (line[0] != '#' && equals != NULL) {
            *equals = '\0';
            settings[count++] = (struct tg_setting){line, equals + 1, NULL, 0, 0};
        }
    }
    snprintf(path, sizeof(path), FILES "%s", name);
    const size_t length = read_whole(path, text, sizeof(text));
    if (length == 0) {
        cr_skip("no CDR files beside the tree");
    }
    const struct tg_decoder *decoder = tg_plugin_entry_csv.contract;
    const struct tg_decoder_config config = {sizeof(config), count, settings, 1};
    struct tg_complaint why;
    void *state;
    cr_assert_eq(decoder->open(&config, &state, &why), TG_OK, "%s: %s", map, why.text);
    const struct tg_input input = {.bytes = (const uint8_t *)text,
                                   .length_bytes = (uint32_t)length,
                                   .file_key = 7,
                                   .first_line = 1};
    sheet->out = (struct tg_decoded){.size_bytes = sizeof(sheet->out),
                                     .rows_capacity = 256,
                                     .rows = sheet->rows,
                                     .rows_input = sheet->rows_input,
                                     .refusals_capacity = 64,
                                     .refusals = sheet->refusals,
                                     .messages = &sheet->message};
    cr_assert_eq(decoder->decode(state, &input, 1, &sheet->out), 1);
    decoder->close(state);
}

static uint64_t total_ms(const struct sheet *sheet)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < sheet->out.rows_count; i++) {
        sum += sheet->rows[i].duration_ms;
    }
    return sum;
}

static uint64_t digits(const char *text)
{
    uint64_t key = 0;
    cr_assert(tg_digits_pack(text, strlen(text), &key));
    return key;
}

Test(csv_cdr, import_file_with_header)
{
    /* If this fails, a real switch's CDR export is billed with wrong seconds or numbers. */
    static struct sheet sheet;
    read_sheet("cdr_stats_import.map", "cdrimport/CDRImport-2015-10-26.csv", &sheet);
    cr_assert_eq(sheet.out.refusals_count, 0);
    cr_assert_eq(sheet.out.rows_count, 5);
    cr_expect_eq(total_ms(&sheet), (50 + 10 + 34 + 11 + 5) * 1000);
    cr_expect_eq(sheet.rows[0].subscriber_key, digits("34904151440"));
    cr_expect_eq(sheet.rows[0].peer_key, digits("34798400122"));
    cr_expect_eq(sheet.rows[0].start_ns, INT64_C(1445429590000000000));
    cr_expect_eq(sheet.rows[4].sequence, 6);
}

Test(csv_cdr, call_report_refuses_only_its_short_line)
{
    /* If this fails, the report's broken last line is billed, or nine good ones are not. */
    static struct sheet sheet;
    read_sheet("cdr_stats_voipcall.map", "billing/import_voipcall_report.txt", &sheet);
    cr_assert_eq(sheet.out.rows_count, 9);
    cr_expect_eq(total_ms(&sheet), (12 + 12 + 11 + 35 + 24 + 50 + 40 + 14 + 60) * 1000);
    cr_expect_eq(sheet.rows[1].closing_cause, 4);
    cr_assert_eq(sheet.out.refusals_count, 1);
    cr_expect_eq(sheet.refusals[0].reason, TG_E_MISSING_FIELD);
    cr_expect_str_eq(sheet.refusals[0].field, "start");
    cr_expect_eq(sheet.refusals[0].offset_bytes, 586 - 42);
}

Test(csv_cdr, switch_files_with_spaces_and_unix_times)
{
    /* If this fails, spaces behind commas turn every number of these files into a refusal. */
    static struct sheet sheet;
    read_sheet("cdr_stats_asterisk.map", "import_cdr_100.txt", &sheet);
    /* Line 37 really has -6 billed seconds. */
    cr_assert_eq(sheet.out.rows_count, 99);
    cr_assert_eq(sheet.out.refusals_count, 1);
    cr_expect_eq(sheet.refusals[0].reason, TG_E_NEGATIVE_USAGE);
    cr_expect_str_eq(sheet.refusals[0].field, "duration");
    cr_expect_eq(sheet.rows[35].sequence, 36);
    cr_expect_eq(sheet.rows[36].sequence, 38);
    cr_expect_eq(sheet.rows[0].peer_key, digits("650200000"));
    cr_expect_eq(sheet.rows[0].subscriber_key, tg_key_name("abbey1", 6));
    cr_expect_eq(sheet.rows[0].start_ns, INT64_C(1336101842000000000));
    cr_expect_eq(sheet.rows[0].duration_ms, 78000);
    /* The other sample has its time in column 10: read by this map, column 8 is no time. */
    read_sheet("cdr_stats_asterisk.map", "import_cdr.txt", &sheet);
    cr_expect_eq(sheet.out.rows_count, 0);
    cr_assert_eq(sheet.out.refusals_count, 5);
    cr_expect_eq(sheet.refusals[0].reason, TG_E_BAD_TIMESTAMP);
}
