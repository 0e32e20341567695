/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/fronts/lib/front_query.h"

#include <criterion/criterion.h>
#include <string.h>

static struct tg_front_span span(const char *text)
{
    return (struct tg_front_span){text, strlen(text)};
}

/* Otherwise a broken document is served as if it were whole, or a whole one is left out. */
Test(front_json, only_whole_objects_are_objects)
{
    static const char *const good[] = {"{}",
                                       " { } ",
                                       "{\"a\":1}",
                                       "{\"a\":[],\"b\":{}}",
                                       "{\"a\":[1,-2.5e+3,\"x\\\"y\",true,false,null]}",
                                       "{\"a\":{\"b\":[{\"c\":[[]]}]}}"};
    static const char *const bad[] = {
        "",          "[]",           "1",           "{",
        "{\"a\"}",   "{\"a\":}",     "{\"a\":1,}",  "{\"a\":1 \"b\":2}",
        "{\"a\":01}", "{\"a\":1}x",   "{\"a\":tru}", "{\"a\":\"\n\"}",
        "{a:1}",     "{\"a\":[1,]}", "{\"a\":[1}",  "{\"a\":1]",
        "{,}",       "{\"a\":\"x}",  "{\"a\":-}",   "{\"a\":1.}"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        cr_expect(tg_front_json_is_object(span(good[i])), "%s", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_not(tg_front_json_is_object(span(bad[i])), "%s", bad[i]);
    }
    char deep[256];
    for (size_t levels = 1; levels < 99; levels++) {
        memset(deep, '[', sizeof deep);
        memcpy(deep, "{\"a\":", 5);
        memset(deep + 5 + levels, ']', levels);
        deep[5 + 2 * levels] = '}';
        const struct tg_front_span text = {deep, 6 + 2 * levels};
        cr_expect_eq(tg_front_json_is_object(text), levels < TG_FRONT_DEPTH_MAX, "%zu", levels);
    }
}

/* Otherwise cutting a document anywhere reads beyond its end (ASan) or passes for whole. */
Test(front_json, every_cut_of_a_document_is_refused)
{
    static const char text[] = "{\"a\":[1,{\"b\":\"\\u00e9\"}],\"c\":-1.5e3,\"d\":true}";
    for (size_t length = 0; length < sizeof text - 1; length++) {
        char *copy = malloc(length + 1);
        memcpy(copy, text, length);
        cr_expect_not(tg_front_json_is_object((struct tg_front_span){copy, length}), "%zu", length);
        cr_expect_not(tg_front_json_matches((struct tg_front_span){copy, length}, "d", "true", 4));
        free(copy);
    }
}

/* Otherwise a filter shows bills of another account, or hides the right ones. */
Test(front_json, filters_compare_texts_numbers_and_lists)
{
    static const char doc[] = "{\"n\":1.50,\"big\":90071992547409931,\"t\":\"a\\u00e9\\\"b\","
                              "\"l\":[{\"id\":\"x\"},{\"id\":\"y\"}],\"b\":true,\"z\":-0.0,"
                              "\"o\":{\"p\":{\"q\":\"deep\"}}}";
    static const struct {
        const char *path;
        const char *wanted;
        bool matches;
    } rows[] = {
        {"n", "1.5", true},
        {"n", "01.500", false},
        {"n", "1.51", false},
        {"big", "90071992547409931", true},
        {"big", "90071992547409932", false},
        {"t", "a\xc3\xa9\"b", true},
        {"t", "a\xc3\xa9", false},
        {"l.id", "x", true},
        {"l.id", "y", true},
        {"l.id", "z", false},
        {"b", "true", true},
        {"b", "false", false},
        {"z", "0", true},
        {"o.p.q", "deep", true},
        {"o.p", "deep", false},
        {"none", "", false},
        {"t", "", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(
            tg_front_json_matches(span(doc), rows[i].path, rows[i].wanted, strlen(rows[i].wanted)),
            rows[i].matches, "%s=%s", rows[i].path, rows[i].wanted);
    }
}

/* Otherwise 9 sorts above 318.4, as texts do. */
Test(front_json, numbers_order_by_value_however_long)
{
    static const char *const ascending[] = {"-100.5",
                                            "-100.25",
                                            "-9",
                                            "-0.5",
                                            "0",
                                            "0.05",
                                            "0.5",
                                            "9.50",
                                            "53.07",
                                            "318.4",
                                            "318.41",
                                            "90071992547409931",
                                            "90071992547409932"};
    const size_t count = sizeof ascending / sizeof ascending[0];
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            const int order = tg_front_json_compare(span(ascending[i]), span(ascending[j]));
            cr_expect_eq((order > 0) - (order < 0), (i > j) - (i < j), "%s %s", ascending[i],
                         ascending[j]);
        }
        cr_expect_gt(tg_front_json_compare(span(ascending[i]), (struct tg_front_span){NULL, 0}), 0);
    }
    cr_expect_eq(tg_front_json_compare(span("1.50"), span("1.5")), 0);
    cr_expect_lt(tg_front_json_compare(span("\"a\""), span("\"b\"")), 0);
}
