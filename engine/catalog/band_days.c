/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/band_days.h"

#include "base/clock.h"
#include "doc/diag.h"
#include "doc/yaml.h"

#include <stdlib.h>
#include <string.h>

/* Days from one to another, both of them. Yearly ones are month * 32 + day, and may go over the
 * end of the year: from is then behind to. */
struct span {
    int64_t from;
    int64_t to;
    bool is_yearly;
};

static bool is_digits(const char *text, size_t count)
{
    return strspn(text, "0123456789") >= count;
}

static uint32_t two_digits(const char *text)
{
    return (uint32_t)((text[0] - '0') * 10 + text[1] - '0');
}

bool tg_band_second_read(const char *text, uint32_t *second)
{
    const size_t length = strlen(text);
    const bool has_seconds = length == 8 && text[5] == ':' && is_digits(text + 6, 2);
    if ((length != 5 && !has_seconds) || text[2] != ':' || !is_digits(text, 2) ||
        !is_digits(text + 3, 2) || text[3] > '5' || (has_seconds && text[6] > '5')) {
        return false;
    }
    *second = two_digits(text) * 3600 + two_digits(text + 3) * 60 +
              (has_seconds ? two_digits(text + 6) : 0);
    return *second <= TG_BAND_DAY_SECONDS;
}

/* "12-25"; 29 February is a day of leap years only. */
static bool month_day_read(const char *text, size_t length, int64_t *day)
{
    static const uint8_t lengths[13] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (length != 5 || text[2] != '-' || !is_digits(text, 2) || !is_digits(text + 3, 2)) {
        return false;
    }
    const uint32_t month = two_digits(text);
    const uint32_t of_month = two_digits(text + 3);
    *day = (int64_t)month * 32 + of_month;
    return month >= 1 && month <= 12 && of_month >= 1 && of_month <= lengths[month];
}

static bool date_read(const char *text, size_t length, int64_t *day)
{
    int64_t at_ns = 0;
    if (length != 10 || tg_clock_parse(text, length, &at_ns) != TG_OK) {
        return false;
    }
    *day = at_ns / TG_NS_PER_DAY; /* a whole day: nothing is rounded, below 1970 either */
    return true;
}

/* A day, or the first and the last of some: "2026-06-15..2026-08-31". */
static bool span_read(const char *text, bool is_yearly, struct span *span)
{
    bool (*const read)(const char *, size_t, int64_t *) = is_yearly ? month_day_read : date_read;
    const char *dots = strstr(text, "..");
    const size_t length = dots != NULL ? (size_t)(dots - text) : strlen(text);
    *span = (struct span){.is_yearly = is_yearly};
    if (!read(text, length, &span->from)) {
        return false;
    }
    span->to = span->from;
    return dots == NULL ||
           (read(dots + 2, strlen(dots + 2), &span->to) && (is_yearly || span->to >= span->from));
}

static void spans_read(const struct tg_yaml_node *list, bool is_yearly, struct tg_blob *spans,
                       struct tg_band_days *days, struct tg_diag *diag)
{
    const struct tg_yaml_node *item =
        list != NULL && list->kind == TG_YAML_LIST ? list->child : NULL;
    days->is_special |= list != NULL;
    for (; item != NULL; item = item->next) {
        struct span span;
        if (item->kind != TG_YAML_SCALAR) {
            continue; /* refused by the schema */
        }
        if (!span_read(item->text, is_yearly, &span)) {
            tg_diag_add(diag, TG_DIAG_ERROR, item->mark,
                        is_yearly ? "write \"12-25\", or the first and the last day, "
                                    "\"12-24..01-06\""
                                  : "write a date such as 2026-12-25, or the first and the last, "
                                    "2026-06-15..2026-08-31",
                        is_yearly ? "yearly: \"%.32s\" is no month and day"
                                  : "dates: \"%.32s\" is not of the expected form",
                        item->text);
            continue;
        }
        (void)tg_blob_append(spans, &span, sizeof span, 8);
        days->spans_count++;
    }
}

static void years_read(const struct tg_yaml_node *list, struct tg_blob *spans,
                       struct tg_band_days *days)
{
    const struct tg_yaml_node *item =
        list != NULL && list->kind == TG_YAML_LIST ? list->child : NULL;
    for (; item != NULL; item = item->next) {
        const long year = strtol(item->text != NULL ? item->text : "", NULL, 10);
        const struct span span = {.from = year, .to = year};
        (void)tg_blob_append(spans, &span, sizeof span, 8);
        days->years_count++;
    }
}

/* Numbers of a list as bits; all bits without one. */
static uint32_t numbers_mask(const struct tg_yaml_node *list)
{
    uint32_t mask = 0;
    if (list == NULL || list->kind != TG_YAML_LIST) {
        return UINT32_MAX;
    }
    for (const struct tg_yaml_node *item = list->child; item != NULL; item = item->next) {
        const unsigned long number = strtoul(item->text != NULL ? item->text : "", NULL, 10);
        mask |= number < 32 ? 1u << number : 0;
    }
    return mask;
}

/* Weekday of three letters, 7 none. */
static uint32_t weekday_read(const char *text)
{
    static const char names[7][4] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    uint32_t day = 0;
    while (day < 7 && strncmp(text, names[day], 3) != 0) {
        day++;
    }
    return day;
}

/* "sat", "mon-thu", "fri-mon", "all"; 0 when it is none. */
static uint32_t word_mask(const char *text)
{
    const size_t length = strlen(text);
    if (strcmp(text, "all") == 0) {
        return 0x7f;
    }
    const uint32_t first = length >= 3 ? weekday_read(text) : 7;
    const uint32_t last = length == 7 && text[3] == '-' ? weekday_read(text + 4) : first;
    if ((length != 3 && length != 7) || first == 7 || last == 7 ||
        (length == 7 && text[3] != '-')) {
        return 0;
    }
    uint32_t mask = 1u << last;
    for (uint32_t day = first; day != last; day = (day + 1) % 7) {
        mask |= 1u << day;
    }
    return mask;
}

static uint32_t weekdays_read(const struct tg_yaml_node *node, struct tg_diag *diag)
{
    const struct tg_yaml_node *word =
        node != NULL && node->kind == TG_YAML_LIST ? node->child : node;
    uint32_t mask = 0;
    if (node == NULL) {
        return 0x7f;
    }
    for (; word != NULL; word = node->kind == TG_YAML_LIST ? word->next : NULL) {
        const uint32_t days = word->kind == TG_YAML_SCALAR ? word_mask(word->text) : 0;
        if (days == 0 && word->kind == TG_YAML_SCALAR) {
            tg_diag_add(diag, TG_DIAG_ERROR, word->mark,
                        "use all, mon, tue, wed, thu, fri, sat, sun, from one to another as "
                        "mon-fri, or a list of them",
                        "days: \"%.32s\" is no weekday", word->text);
        }
        mask |= days;
    }
    return mask;
}

void tg_band_days_read(const struct tg_yaml_node *rule, struct tg_blob *spans,
                       struct tg_band_days *days, struct tg_diag *diag)
{
    const struct tg_yaml_node *months = tg_yaml_get(rule, "months");
    const struct tg_yaml_node *month_days = tg_yaml_get(rule, "month_days");
    const struct tg_yaml_node *years = tg_yaml_get(rule, "years");
    *days = (struct tg_band_days){
        .weekdays_mask = weekdays_read(tg_yaml_get(rule, "days"), diag),
        .months_mask = numbers_mask(months),
        .month_days_mask = numbers_mask(month_days),
        .has_calendar = months != NULL || month_days != NULL || years != NULL,
        .spans_first = (uint32_t)(spans->size_bytes / sizeof(struct span)),
    };
    spans_read(tg_yaml_get(rule, "dates"), false, spans, days, diag);
    spans_read(tg_yaml_get(rule, "yearly"), true, spans, days, diag);
    days->years_first = days->spans_first + days->spans_count;
    years_read(years, spans, days);
}

bool tg_band_days_have(const struct tg_band_days *days, const struct tg_blob *spans,
                       const struct tg_band_day *day)
{
    if (((days->weekdays_mask >> day->weekday) & 1u) == 0 ||
        ((days->months_mask >> day->month) & 1u) == 0 ||
        ((days->month_days_mask >> day->month_day) & 1u) == 0 || spans->is_broken) {
        return false;
    }
    const struct span *all = (const struct span *)(const void *)spans->bytes;
    bool has_year = days->years_count == 0;
    for (uint32_t i = 0; i < days->years_count && !has_year; i++) {
        has_year = all[days->years_first + i].from == day->year;
    }
    bool has_day = !days->is_special;
    const int64_t of_year = (int64_t)day->month * 32 + day->month_day;
    for (uint32_t i = 0; has_year && i < days->spans_count && !has_day; i++) {
        const struct span *span = &all[days->spans_first + i];
        const int64_t at = span->is_yearly ? of_year : day->number;
        has_day = span->from <= span->to ? at >= span->from && at <= span->to
                                         : at >= span->from || at <= span->to;
    }
    return has_year && has_day;
}
