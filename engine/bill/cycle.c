/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/cycle.h"

#include "base/clock.h"
#include "catalog/catalog.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

uint32_t tg_bill_month(int64_t time_ns)
{
    struct tg_civil civil;
    tg_clock_to_civil(time_ns, &civil);
    return (uint32_t)civil.year * 12 + civil.month - 1;
}

int64_t tg_bill_month_day_ns(uint32_t month, uint8_t day)
{
    const int32_t year = (int32_t)(month / 12);
    const uint8_t of_year = (uint8_t)(month % 12 + 1);
    const uint8_t last = tg_days_in_month(year, of_year);
    const struct tg_civil civil = {.year = year, .month = of_year, .day = day > last ? last : day};
    return tg_clock_from_civil(&civil);
}

struct tg_bill_cycle tg_bill_cycle_make(const struct tg_catalog_snapshot *catalog,
                                        const struct tg_roster_account *line)
{
    struct tg_bill_cycle cycle = {.catalog = catalog, .day = 1};
    if (line == NULL) {
        return cycle;
    }
    cycle.zone = line->zone;
    cycle.bills = (uint8_t)tg_roster_bills(line);
    if ((line->flags & TG_ROSTER_BILLS_WEEK) != 0) {
        cycle.weeks = tg_week_cycle_of(line->cycle_day);
    } else {
        cycle.day = line->cycle_day >= 1 && line->cycle_day <= 31 ? line->cycle_day : 1;
    }
    return cycle;
}

struct tg_bill_cycle tg_bill_cycle_of(const struct tg_catalog_snapshot *catalog, uint32_t account)
{
    return tg_bill_cycle_make(catalog, tg_roster_account(catalog->roster, account));
}

/* Ahead of the first version the first one's zone counts. */
static const struct tg_image *image_at(const struct tg_bill_cycle *cycle, int64_t at_ns)
{
    const struct tg_image *image = tg_catalog_image_at(cycle->catalog, at_ns);
    return image == NULL && cycle->catalog->images_count > 0 ? cycle->catalog->images[0] : image;
}

struct tg_zone_view tg_bill_cycle_zone(const struct tg_bill_cycle *cycle, int64_t at_ns)
{
    const struct tg_image *image = image_at(cycle, at_ns);
    return image != NULL ? tg_image_zone(image, cycle->zone) : (struct tg_zone_view){NULL, 0, 0};
}

const char *tg_bill_cycle_zone_name(const struct tg_bill_cycle *cycle, int64_t at_ns)
{
    const struct tg_image *image = image_at(cycle, at_ns);
    return image != NULL ? tg_image_zone_name(image, cycle->zone) : "UTC";
}

static bool has_weeks(const struct tg_bill_cycle *cycle)
{
    return cycle->weeks.weeks != 0;
}

#define WEEK_NS (7 * TG_NS_PER_DAY)

static int64_t day_of(int64_t local_ns)
{
    return local_ns / TG_NS_PER_DAY - (local_ns % TG_NS_PER_DAY < 0);
}

/* Number of the ISO week that a day is in. */
static uint32_t week_number(int64_t day)
{
    const int64_t weeks = tg_week_cycle_number((struct tg_week_cycle){1, 0}, day);
    return weeks < 0 ? TG_BILL_WEEK_FIRST : TG_BILL_WEEK_FIRST + (uint32_t)weeks;
}

/* Day on which the cycle begins whose last day is in a week. */
static int64_t week_begin_day(const struct tg_bill_cycle *cycle, uint32_t number)
{
    const int64_t sunday = ((int64_t)number - TG_BILL_WEEK_FIRST) * 7 + TG_WEEK_CYCLE_MONDAY + 6;
    /* The one behind it begins between the second day of that week and the Monday after. */
    const int64_t next = tg_week_cycle_number(cycle->weeks, sunday + 1);
    return tg_week_cycle_day(cycle->weeks, next - 1);
}

uint32_t tg_bill_period_number(int64_t start_ns, int64_t end_ns, uint32_t weeks)
{
    return weeks > 0 || end_ns - start_ns == WEEK_NS ? week_number(day_of(end_ns - 1))
                                                     : tg_bill_month(end_ns - 1);
}

int64_t tg_bill_period_start_ns(uint32_t number)
{
    const int64_t weeks = (int64_t)number - TG_BILL_WEEK_FIRST;
    return tg_bill_is_week(number) ? (weeks * 7 + TG_WEEK_CYCLE_MONDAY) * TG_NS_PER_DAY
                                   : tg_bill_month_day_ns(number, 1);
}

void tg_bill_period_print(uint32_t number, char text[TG_BILL_PERIOD_BYTES])
{
    struct tg_civil civil;
    if (!tg_bill_is_week(number)) {
        (void)snprintf(text, TG_BILL_PERIOD_BYTES, "%04u-%02u", number / 12 % 10000,
                       number % 12 + 1);
        return;
    }
    /* The year of a week is that of its Thursday (ISO 8601). */
    const int64_t thursday_ns = tg_bill_period_start_ns(number) + 3 * TG_NS_PER_DAY;
    tg_clock_to_civil(thursday_ns, &civil);
    const struct tg_civil first = {.year = civil.year, .month = 1, .day = 1};
    const int64_t days = (thursday_ns - tg_clock_from_civil(&first)) / TG_NS_PER_DAY;
    (void)snprintf(text, TG_BILL_PERIOD_BYTES, "%04u-W%02u", (unsigned)civil.year % 10000,
                   (unsigned)(days / 7 + 1) % 100);
}

/* The Monday of an ISO week: that of week 1 is in the week of the 4th of January. */
static enum tg_err week_parse(const char *text, int64_t *start_ns, int64_t *end_ns)
{
    unsigned year = 0;
    unsigned week = 0;
    char again[TG_BILL_PERIOD_BYTES];
    if (sscanf(text, "%4u-W%2u", &year, &week) != 2 || year < 1971 || year > 2261 || week < 1) {
        return TG_E_SYNTAX;
    }
    const struct tg_civil fourth = {.year = (int32_t)year, .month = 1, .day = 4};
    const int64_t at_ns = tg_clock_from_civil(&fourth);
    const uint32_t number =
        tg_bill_period_number(at_ns, at_ns + TG_NS_PER_DAY, 1) + week - 1;
    tg_bill_period_print(number, again);
    *start_ns = tg_bill_period_start_ns(number);
    *end_ns = *start_ns + 7 * TG_NS_PER_DAY;
    return strcmp(text, again) == 0 ? TG_OK : TG_E_SYNTAX; /* 2026 has no 54th. */
}

enum tg_err tg_bill_period_parse(const char *text, int64_t *start_ns, int64_t *end_ns)
{
    unsigned digits[6];
    static const char shape[] = "dddd-dd";
    unsigned at = 0;
    if (strlen(text) == 8) {
        return week_parse(text, start_ns, end_ns);
    }
    for (unsigned i = 0; i < sizeof shape - 1; i++) {
        const bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (shape[i] == 'd' ? !is_digit : text[i] != shape[i]) {
            return TG_E_SYNTAX;
        }
        if (shape[i] == 'd') {
            digits[at++] = (unsigned)(text[i] - '0');
        }
    }
    const unsigned year = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3];
    const unsigned month = digits[4] * 10 + digits[5];
    if (text[7] != '\0' || year < 1970 || year > 2261 || month < 1 || month > 12) {
        return TG_E_SYNTAX;
    }
    *start_ns = tg_bill_month_day_ns(year * 12 + month - 1, 1);
    *end_ns = tg_bill_month_day_ns(year * 12 + month, 1);
    return TG_OK;
}

/* Begin of the cycle with a number; the version is looked up by the date's midnight in UTC. */
static int64_t edge_ns(const struct tg_bill_cycle *cycle, uint32_t month)
{
    const int64_t local_ns = has_weeks(cycle)  ? week_begin_day(cycle, month) * TG_NS_PER_DAY
                             : cycle->day == 1 ? tg_bill_month_day_ns(month, 1)
                                               : tg_bill_month_day_ns(month - 1, cycle->day);
    return tg_zone_utc_ns(tg_bill_cycle_zone(cycle, local_ns), local_ns);
}

/* Week of the last day of the cycle that a local instant is in. */
static uint32_t week_last(const struct tg_bill_cycle *cycle, int64_t local_ns)
{
    const int64_t number = tg_week_cycle_number(cycle->weeks, day_of(local_ns));
    return week_number(tg_week_cycle_day(cycle->weeks, number + 1) - 1);
}

struct tg_bill_window tg_bill_cycle_window(const struct tg_bill_cycle *cycle, uint32_t month)
{
    assert(cycle->day >= 1 && cycle->day <= 31);
    const uint32_t step = tg_bill_cycle_step(cycle);
    return (struct tg_bill_window){.start_ns = edge_ns(cycle, month),
                                   .end_ns = edge_ns(cycle, month + step),
                                   .next_end_ns = edge_ns(cycle, month + 2 * step),
                                   .month = month,
                                   .weeks = cycle->weeks.weeks};
}

uint32_t tg_bill_cycle_month(const struct tg_bill_cycle *cycle, int64_t at_ns)
{
    /* No zone is a day from UTC, so the cycle is this one or a neighbour; the edges decide. */
    const uint32_t step = tg_bill_cycle_step(cycle);
    uint32_t month = has_weeks(cycle) ? week_last(cycle, at_ns) : tg_bill_month(at_ns);
    if (!has_weeks(cycle) && cycle->day > 1 && at_ns >= tg_bill_month_day_ns(month, cycle->day)) {
        month++;
    }
    if (at_ns >= edge_ns(cycle, month + step)) {
        return month + step;
    }
    return at_ns < edge_ns(cycle, month) ? month - step : month;
}

uint32_t tg_bill_cycles_count(const struct tg_bill_cycle *cycle)
{
    static const uint32_t counts[TG_ROSTER_BILLS_KINDS] = {1, 3, 6, 12, 1};
    assert(cycle->bills < TG_ROSTER_BILLS_KINDS);
    return counts[cycle->bills];
}

uint32_t tg_bill_cycle_last(const struct tg_bill_cycle *cycle, uint32_t month)
{
    const uint32_t cycles = tg_bill_cycles_count(cycle);
    /* A cycle has the number of the month it ends in: which begins in January ends there or in
     * February. */
    const uint32_t january = cycle->day > 1 ? 1 : 0;
    return month + (cycles - 1) - (month + cycles - january) % cycles;
}

struct tg_bill_window tg_bill_cycle_bill(const struct tg_bill_cycle *cycle, uint32_t month)
{
    const uint32_t cycles = tg_bill_cycles_count(cycle);
    if (has_weeks(cycle) != tg_bill_is_week(month)) {
        return (struct tg_bill_window){.start_ns = INT64_MIN, .end_ns = INT64_MIN};
    }
    const bool is_none =
        has_weeks(cycle) ? week_last(cycle, week_begin_day(cycle, month) * TG_NS_PER_DAY) != month
                         : tg_bill_cycle_last(cycle, month) != month;
    if (is_none) {
        return (struct tg_bill_window){.start_ns = INT64_MIN, .end_ns = INT64_MIN};
    }
    struct tg_bill_window window = tg_bill_cycle_window(cycle, month);
    if (cycles == 1) {
        return window;
    }
    window.start_ns = edge_ns(cycle, month - (cycles - 1));
    window.cycles = cycles;
    return window;
}
