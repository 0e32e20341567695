/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "doc/csv.h"
#include "doc/diag.h"
#include "doc/json.h"
#include "doc/scalar.h"
#include "doc/schema.h"
#include "doc/yaml.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static char *printed(struct tg_diag *diag)
{
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *to = open_memstream(&text, &text_bytes);
    tg_diag_print(diag, to);
    (void)fclose(to);
    return text;
}

/* Operators and editors parse these lines; another form breaks their tools. */
Test(diag, message_has_place_hint_line_and_caret)
{
    static const char text[] = "a: 1\nwokers: 2\n";
    static const char *const names[] = {"ports", "workers", "data"};
    const struct tg_source source = {"c.yaml", text, sizeof text - 1};
    struct tg_diag *diag = tg_diag_open();
    cr_expect_str_eq(tg_diag_nearest("wokers", names, 3), "workers");
    cr_expect_str_eq(tg_diag_nearest("prots", names, 3), "ports", "a swap is one mistake");
    cr_expect_null(tg_diag_nearest("zzz", names, 3));
    tg_diag_add(diag, TG_DIAG_ERROR, (struct tg_mark){&source, 2, 3}, "did you mean \"workers\"?",
                "unknown key \"%s\"", "wokers");
    char *out = printed(diag);
    cr_expect_str_eq(out, "c.yaml:2:3: error: unknown key \"wokers\"; did you mean \"workers\"?\n"
                          "    wokers: 2\n      ^\n1 error, 0 warnings\n");
    free(out);
    tg_diag_close(diag);
}

/* A flood of mistakes must neither fill memory nor hide how many there are. */
Test(diag, thousands_are_bounded_and_counted)
{
    struct tg_diag *diag = tg_diag_open();
    for (uint32_t i = 0; i < 5000; i++) {
        tg_diag_add(diag, TG_DIAG_ERROR, (struct tg_mark){0}, NULL, "x");
    }
    cr_expect_eq(tg_diag_entries_count(diag), TG_DIAG_ENTRIES_MAX);
    cr_expect_eq(tg_diag_errors_count(diag), 5000);
    tg_diag_close(diag);
}

/* Values that mean one thing to one reader and another to the next become wrong prices. */
Test(scalar, forms_are_exact)
{
    static const struct {
        const char *text;
        char type;
        enum tg_err err;
        int64_t value;
    } cases[] = {
        {"0", 'i', TG_OK, 0},
        {"-12", 'i', TG_OK, -12},
        {"10_000", 'i', TG_OK, 10000},
        {"1__0", 'i', TG_E_SYNTAX, 0},
        {"+1", 'i', TG_E_SYNTAX, 0},
        {"1.0", 'i', TG_E_SYNTAX, 0},
        {"0x10", 'i', TG_E_SYNTAX, 0},
        {"", 'i', TG_E_SYNTAX, 0},
        {"9223372036854775807", 'i', TG_OK, INT64_MAX},
        {"9223372036854775808", 'i', TG_E_OVERFLOW, 0},
        {"64MiB", 's', TG_OK, 67108864},
        {"64 MB", 's', TG_OK, 64000000},
        {"1k", 's', TG_E_SYNTAX, 0},
        {"9000000000GiB", 's', TG_E_OVERFLOW, 0},
        {"5s", 'd', TG_OK, 5000000000},
        {"1h30min", 'd', TG_OK, 5400000000000},
        {"5", 'd', TG_E_SYNTAX, 0},
        {"0", 'd', TG_OK, 0},
        {"5m", 'd', TG_E_SYNTAX, 0},
        {"19%", 'p', TG_OK, 190000},
        {"7.7%", 'p', TG_OK, 77000},
        {"0.0001%", 'p', TG_OK, 1},
        {"0.00001%", 'p', TG_E_INVALID, 0},
        {"19", 'p', TG_E_SYNTAX, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const size_t length = strlen(cases[i].text);
        int64_t value = 0;
        const enum tg_err err =
            cases[i].type == 'i'   ? tg_scalar_integer(cases[i].text, length, &value)
            : cases[i].type == 's' ? tg_scalar_size(cases[i].text, length, &value)
            : cases[i].type == 'd' ? tg_scalar_duration(cases[i].text, length, &value)
                                   : tg_scalar_percent(cases[i].text, length, &value);
        cr_expect_eq(err, cases[i].err, "%s: %d", cases[i].text, err);
        cr_expect(err != TG_OK || value == cases[i].value, "%s: %lld", cases[i].text,
                  (long long)value);
    }
    uint8_t address[16];
    uint16_t port = 0;
    cr_expect_eq(tg_scalar_listen("127.0.0.1:2055", 14, address, &port), TG_OK);
    cr_expect(port == 2055 && address[10] == 0xff && address[12] == 127);
    cr_expect_eq(tg_scalar_listen("[::1]:53", 8, address, &port), TG_OK);
    cr_expect(port == 53 && address[15] == 1);
    cr_expect_eq(tg_scalar_listen(":80", 3, address, &port), TG_OK);
    cr_expect(address[12] == 127, "no host is loopback, never every interface");
    cr_expect_eq(tg_scalar_listen("1.2.3.4:65536", 13, address, &port), TG_E_SYNTAX);
    cr_expect_eq(tg_scalar_listen("1.2.3.4", 7, address, &port), TG_E_SYNTAX);
    cr_expect_eq(tg_scalar_listen("[", 1, address, &port), TG_E_SYNTAX);
}

/* `no` is Norway until a bool is asked for, and then it is refused, not false. */
Test(yaml, scalars_stay_text)
{
    static const char text[] = "country: no\nzip: 0123\nflag: yes\nquoted: \"a\\nb\"\nempty:\n";
    static const struct tg_schema_key keys_array[] = {
        {.key = "country", .type = TG_TYPE_STRING},
        {.key = "zip", .type = TG_TYPE_STRING},
        {.key = "flag", .type = TG_TYPE_BOOL},
        {.key = "quoted", .type = TG_TYPE_STRING},
        {.key = "empty", .type = TG_TYPE_STRING},
        {.key = "wait", .type = TG_TYPE_DURATION, .fallback = "5s"},
    };
    static const struct tg_schema keys = TG_SCHEMA(keys_array);
    struct tg_diag *diag = tg_diag_open();
    struct tg_yaml *yaml = NULL;
    cr_assert_eq(tg_yaml_parse("t", text, sizeof text - 1, NULL, diag, &yaml), TG_OK);
    const struct tg_yaml_node *root = tg_yaml_root(yaml);
    cr_expect_str_eq(tg_yaml_get(root, "country")->text, "no");
    cr_expect_str_eq(tg_yaml_get(root, "zip")->text, "0123");
    cr_expect_str_eq(tg_yaml_get(root, "quoted")->text, "a\nb");
    cr_expect_not(tg_schema_check(&keys, root, diag));
    cr_expect_eq(tg_diag_errors_count(diag), 2, "flag and empty");
    cr_expect_eq(tg_diag_entry(diag, 0)->line, 3);
    cr_expect_eq(tg_diag_entry(diag, 0)->column, 7);
    cr_expect_eq(tg_schema_number(&keys, root, "wait"), 5 * TG_NS_PER_S);
    tg_yaml_close(yaml);
    tg_diag_close(diag);
}

/* Editors that begin a file with a byte order mark must not move its first line's columns. */
Test(yaml, a_byte_order_mark_is_no_column)
{
    static const char text[] = "\xef\xbb\xbf"
                               "a: 1\nb: 2\n";
    struct tg_diag *diag = tg_diag_open();
    struct tg_yaml *yaml = NULL;
    cr_assert_eq(tg_yaml_parse("x.yaml", text, sizeof text - 1, NULL, diag, &yaml), TG_OK);
    const struct tg_yaml_node *first = tg_yaml_get(tg_yaml_root(yaml), "a");
    cr_assert_not_null(first);
    cr_expect_eq(first->key_mark.column, 1);
    cr_expect_not_null(tg_yaml_get(tg_yaml_root(yaml), "b"));
    tg_yaml_close(yaml);
    tg_diag_close(diag);
}

/* A document from anywhere must not take the machine: size, depth, nodes and scalars are bounded.
 */
Test(yaml, limits_hold)
{
    static const struct tg_yaml_limits limits = {
        .text_bytes_max = 1000, .nodes_max = 20, .depth_max = 4, .scalar_bytes_max = 10};
    static const char *const texts[] = {
        "[[[[[1]]]]]",    "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21]",
        "a: 12345678901", "{? {a: 1} : 2}",
        "a: *x",          "a: \xff\xfe"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct tg_diag *diag = tg_diag_open();
        struct tg_yaml *yaml = NULL;
        cr_expect_eq(tg_yaml_parse("t", texts[i], strlen(texts[i]), &limits, diag, &yaml),
                     TG_E_DOCUMENT, "%s", texts[i]);
        cr_expect_eq(tg_diag_errors_count(diag), 1, "%s: %u", texts[i], tg_diag_errors_count(diag));
        tg_yaml_close(yaml);
        tg_diag_close(diag);
    }
    char big[1001];
    memset(big, ' ', sizeof big);
    struct tg_diag *diag = tg_diag_open();
    struct tg_yaml *yaml = NULL;
    cr_expect_eq(tg_yaml_parse("t", big, sizeof big, &limits, diag, &yaml), TG_E_DOCUMENT);
    cr_expect_null(yaml);
    tg_diag_close(diag);
}

/* Fields of RFC 4180 section 2, rules 1 to 7, with the place of each. */
Test(csv, quoting_and_line_ends_follow_rfc_4180)
{
    static const char text[] = "\xef\xbb\xbf"
                               "a,b\r\n1,\"x,\"\"y\"\"\"\n\n\"two\nlines\",\r\n3,4";
    static const char *const expected[][2] = {
        {"a", "b"}, {"1", "x,\"y\""}, {"two\nlines", ""}, {"3", "4"}};
    static const uint32_t lines[] = {1, 2, 4, 6};
    struct tg_csv csv;
    struct tg_diag *diag = tg_diag_open();
    cr_assert_eq(tg_csv_open_text(&csv, "t", text, sizeof text - 1), TG_OK);
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(tg_csv_next(&csv, diag), TG_OK);
        cr_assert_eq(csv.fields_count, 2);
        cr_expect_eq(csv.line, lines[i]);
        for (size_t j = 0; j < 2; j++) {
            cr_expect(csv.fields[j].text_bytes == strlen(expected[i][j]) &&
                          memcmp(csv.fields[j].text, expected[i][j], csv.fields[j].text_bytes) == 0,
                      "row %zu field %zu", i, j);
        }
    }
    cr_expect_eq(tg_csv_next(&csv, diag), TG_E_NOT_FOUND);
    cr_expect_eq(tg_diag_errors_count(diag), 0);
    tg_csv_close(&csv);
    tg_diag_close(diag);
}

/* One bad row costs that row, not the rest of a rate sheet. */
Test(csv, a_bad_row_is_refused_and_the_next_one_read)
{
    static const char text[] = "a,b\n1,x\"y\n2,z\n\"q\"r,1\n4,ok\n";
    struct tg_csv csv;
    struct tg_diag *diag = tg_diag_open();
    cr_assert_eq(tg_csv_open_text(&csv, "t", text, sizeof text - 1), TG_OK);
    static const enum tg_err expected[] = {TG_OK,         TG_E_DOCUMENT, TG_OK,
                                           TG_E_DOCUMENT, TG_OK,         TG_E_NOT_FOUND};
    for (size_t i = 0; i < 6; i++) {
        cr_expect_eq(tg_csv_next(&csv, diag), expected[i], "row %zu", i);
    }
    cr_expect_eq(tg_diag_entry(diag, 0)->column, 4);
    cr_expect_eq(tg_diag_entry(diag, 1)->line, 4);
    cr_expect_eq(tg_diag_entry(diag, 1)->column, 4);
    tg_csv_close(&csv);
    tg_diag_close(diag);
}

Test(csv, columns_count_characters_and_bytes_must_be_utf8)
{
    /* If this failed, an editor would jump beside the mistake behind any umlaut, and bytes that no
     * reader of an invoice can show would be stored. */
    static const char text[] = "a,b\nZo\xc3\xab,x,\n\"\xc3\x84\n\xc3\x96\",\xe2\x82\xac,y\n\xc3\xab"
                               "a\xff,z,\n1,2,3\n";
    struct tg_csv csv;
    struct tg_diag *diag = tg_diag_open();
    cr_assert_eq(tg_csv_open_text(&csv, "t", text, sizeof text - 1), TG_OK);
    cr_assert_eq(tg_csv_next(&csv, diag), TG_OK);
    cr_assert_eq(tg_csv_next(&csv, diag), TG_OK);
    cr_expect_eq(csv.fields[1].column, 5);
    cr_expect_eq(csv.fields[2].column, 7, "empty, at the end of the row");
    cr_assert_eq(tg_csv_next(&csv, diag), TG_OK);
    cr_expect_eq(csv.fields[1].line, 4);
    cr_expect_eq(csv.fields[1].column, 4);
    cr_expect_eq(csv.fields[2].column, 6);
    cr_expect_eq(tg_csv_next(&csv, diag), TG_E_DOCUMENT);
    cr_assert_eq(tg_diag_entries_count(diag), 1);
    cr_expect_eq(tg_diag_entry(diag, 0)->line, 5);
    cr_expect_eq(tg_diag_entry(diag, 0)->column, 3);
    cr_expect_eq(tg_csv_next(&csv, diag), TG_OK);
    cr_expect_eq(csv.fields[2].column, 5);
    tg_csv_close(&csv);
    tg_diag_close(diag);
}

/* A deck of a million rows must not take minutes. */
Test(csv, reads_a_hundred_megabytes_a_second)
{
    const size_t rows = 1000000;
    char *text = malloc(rows * 40);
    size_t used = 0;
    for (size_t i = 0; i < rows; i++) {
        used += (size_t)snprintf(text + used, 40, "4915%08zu,germany_mobile_%zu\n", i, i % 97);
    }
    struct tg_csv csv;
    struct tg_diag *diag = tg_diag_open();
    cr_assert_eq(tg_csv_open_text(&csv, "t", text, used), TG_OK);
    size_t count = 0;
    const int64_t start_ns = tg_clock_thread_cpu_ns();
    while (tg_csv_next(&csv, diag) == TG_OK) {
        count++;
    }
    const int64_t taken_ns = tg_clock_thread_cpu_ns() - start_ns;
    cr_expect_eq(count, rows);
    cr_log_info("csv: %lld MB/s", (long long)used * 1000 / taken_ns);
#ifndef TG_SANITIZED
    cr_expect_gt((long long)used * 1000 / taken_ns, 60, "100 MB/s on a quiet core");
#endif
    tg_csv_close(&csv);
    tg_diag_close(diag);
    free(text);
}

/* Scripts and goldens compare these bytes; amounts must never pass through floating point. */
Test(json, builds_prints_and_reads_back)
{
    struct tg_json *object = tg_json_object();
    tg_json_set_string(object, "z", "first");
    tg_json_set_money(object, "amount", 1099000000, 8, 2);
    tg_json_set_integer(object, "big", INT64_MAX);
    tg_json_set_bool(object, "yes", true);
    tg_json_set_string(object, "bad",
                       "a\xff"
                       "b");
    tg_json_set_time(object, "at", 0);
    tg_json_set_string(object, "none", NULL);
    struct tg_json *list = tg_json_list();
    tg_json_append(list, tg_json_integer(1));
    tg_json_append(list, tg_json_string("two"));
    tg_json_set(object, "list", list);
    char *text = tg_json_dump(object, NULL);
    cr_expect_str_eq(text, "{\"z\":\"first\",\"amount\":\"10.99\",\"big\":9223372036854775807,"
                           "\"yes\":true,\"bad\":\"a\xef\xbf\xbd"
                           "b\",\"at\":"
                           "\"1970-01-01T00:00:00Z\",\"none\":null,\"list\":[1,\"two\"]}");
    struct tg_json *back = NULL;
    cr_assert_eq(tg_json_parse(text, strlen(text), &back, NULL), TG_OK);
    cr_expect_eq(tg_json_get_integer(back, "big", 0), INT64_MAX);
    cr_expect_str_eq(tg_json_text(tg_json_at(tg_json_get(back, "list"), 1)), "two");
    cr_expect_eq(tg_json_kind(tg_json_get(back, "nothing")), TG_JSON_ABSENT);
    tg_json_text_free(text);
    tg_json_free(back);
    tg_json_free(object);
}

/* A bad line names its place and the ones after it are still read. */
Test(json, lines_go_on_after_a_bad_one)
{
    static char text[] =
        "\xef\xbb\xbf{\"a\":1}\n\n{\"a\":}\n{\"a\":1,\"a\":2}\n\xfe\n{\"a\":1.5}\n";
    FILE *from = fmemopen(text, sizeof text - 1, "r");
    struct tg_json_lines lines;
    struct tg_json *json = NULL;
    struct tg_why why = {0};
    tg_json_lines_open(&lines, from);
    cr_expect_eq(tg_json_lines_next(&lines, &json, &why), TG_OK);
    tg_json_free(json);
    cr_expect_eq(tg_json_lines_next(&lines, &json, &why), TG_E_SYNTAX);
    cr_expect(strncmp(why.text, "3:6:", 4) == 0, "%s", why.text);
    cr_expect_eq(tg_json_lines_next(&lines, &json, &why), TG_E_SYNTAX, "a doubled key");
    cr_expect_eq(tg_json_lines_next(&lines, &json, &why), TG_E_SYNTAX, "no UTF-8");
    cr_expect(strncmp(why.text, "5:1:", 4) == 0, "%s", why.text);
    cr_expect_eq(tg_json_lines_next(&lines, &json, &why), TG_OK);
    cr_expect_eq(tg_json_kind(tg_json_get(json, "a")), TG_JSON_REAL);
    cr_expect_eq(tg_json_get_integer(json, "a", -1), -1, "a fraction is no integer");
    tg_json_free(json);
    cr_expect_eq(tg_json_lines_next(&lines, &json, &why), TG_E_NOT_FOUND);
    tg_json_lines_close(&lines);
    (void)fclose(from);
}
