/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

int64_t tg_days_from_civil(int32_t year, uint8_t month, uint8_t day)
{
    /* March-based year, so that the leap day is the last of its year. */
    const int64_t y = (int64_t)year - (month <= 2 ? 1 : 0);
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t year_of_era = y - era * 400;
    const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

uint8_t tg_days_in_month(int32_t year, uint8_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return (uint8_t)(days[month - 1] + (month == 2 && leap ? 1 : 0));
}

int64_t tg_clock_from_civil(const struct tg_civil *civil)
{
    const int64_t days = tg_days_from_civil(civil->year, civil->month, civil->day);
    const int64_t seconds = days * 86400 + civil->hour * 3600 + civil->minute * 60 + civil->second;
    return seconds * TG_NS_PER_S + civil->nanosecond;
}

void tg_clock_to_civil(int64_t time_ns, struct tg_civil *civil)
{
    int64_t days = time_ns / TG_NS_PER_DAY;
    int64_t rest = time_ns % TG_NS_PER_DAY;
    if (rest < 0) {
        rest += TG_NS_PER_DAY;
        days--;
    }
    const int64_t z = days + 719468;
    const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    const int64_t doe = z - era * 146097;
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const int64_t mp = (5 * doy + 2) / 153;
    civil->day = (uint8_t)(doy - (153 * mp + 2) / 5 + 1);
    civil->month = (uint8_t)(mp < 10 ? mp + 3 : mp - 9);
    civil->year = (int32_t)(yoe + era * 400 + (civil->month <= 2 ? 1 : 0));
    civil->weekday = (uint8_t)(((days % 7) + 10) % 7); /* 1970-01-01 was a Thursday (3). */
    civil->hour = (uint8_t)(rest / TG_NS_PER_HOUR);
    civil->minute = (uint8_t)(rest / (60 * TG_NS_PER_S) % 60);
    civil->second = (uint8_t)(rest / TG_NS_PER_S % 60);
    civil->nanosecond = (uint32_t)(rest % TG_NS_PER_S);
}

struct scan {
    const char *at;
    const char *end;
};

static bool scan_digits(struct scan *s, unsigned count, uint32_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < count; i++) {
        if (s->at == s->end || *s->at < '0' || *s->at > '9') {
            return false;
        }
        *value = *value * 10 + (uint32_t)(*s->at++ - '0');
    }
    return true;
}

static bool scan_char(struct scan *s, char wanted)
{
    if (s->at == s->end || *s->at != wanted) {
        return false;
    }
    s->at++;
    return true;
}

static bool scan_fraction(struct scan *s, uint32_t *nanosecond)
{
    *nanosecond = 0;
    if (!scan_char(s, '.') && !scan_char(s, ',')) {
        return true;
    }
    uint32_t factor = 100000000;
    const char *first = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9') {
        *nanosecond += (uint32_t)(*s->at++ - '0') * factor;
        factor /= 10;
    }
    return s->at > first;
}

static bool scan_offset(struct scan *s, int64_t *offset_s)
{
    *offset_s = 0;
    if (s->at == s->end || scan_char(s, 'Z') || scan_char(s, 'z')) {
        return true;
    }
    const int sign = *s->at == '-' ? -1 : 1;
    uint32_t hours;
    uint32_t minutes;
    if (!scan_char(s, '+') && !scan_char(s, '-')) {
        return false;
    }
    if (!scan_digits(s, 2, &hours) || (scan_char(s, ':'), !scan_digits(s, 2, &minutes))) {
        return false;
    }
    *offset_s = sign * (int64_t)(hours * 3600 + minutes * 60);
    return hours < 24 && minutes < 60;
}

enum tg_err tg_clock_parse(const char *text, size_t text_bytes, int64_t *time_ns)
{
    struct scan s = {text, text + text_bytes};
    uint32_t year, month, day;
    uint32_t hour = 0, minute = 0, second = 0, nanosecond = 0;
    int64_t offset_s = 0;
    if (!scan_digits(&s, 4, &year) || !scan_char(&s, '-') || !scan_digits(&s, 2, &month) ||
        !scan_char(&s, '-') || !scan_digits(&s, 2, &day)) {
        return TG_E_SYNTAX;
    }
    if (s.at < s.end) {
        if (!scan_char(&s, 'T') && !scan_char(&s, 't') && !scan_char(&s, ' ')) {
            return TG_E_SYNTAX;
        }
        if (!scan_digits(&s, 2, &hour) || !scan_char(&s, ':') || !scan_digits(&s, 2, &minute)) {
            return TG_E_SYNTAX;
        }
        const bool has_seconds = scan_char(&s, ':');
        if (has_seconds && (!scan_digits(&s, 2, &second) || !scan_fraction(&s, &nanosecond))) {
            return TG_E_SYNTAX;
        }
        if (!scan_offset(&s, &offset_s) || s.at != s.end) {
            return TG_E_SYNTAX;
        }
    }
    if (year < 1900 || year > 2261 || month < 1 || month > 12 || day < 1 ||
        day > tg_days_in_month((int32_t)year, (uint8_t)month) || hour > 23 || minute > 59 ||
        second > 60) {
        return TG_E_BAD_TIMESTAMP;
    }
    const struct tg_civil civil = {.year = (int32_t)year,
                                   .month = (uint8_t)month,
                                   .day = (uint8_t)day,
                                   .hour = (uint8_t)hour,
                                   .minute = (uint8_t)minute,
                                   .second = (uint8_t)(second == 60 ? 59 : second),
                                   .nanosecond = nanosecond};
    *time_ns = tg_clock_from_civil(&civil) - offset_s * TG_NS_PER_S;
    return TG_OK;
}

size_t tg_clock_format(int64_t time_ns, char text[TG_CLOCK_TEXT_BYTES])
{
    struct tg_civil c;
    tg_clock_to_civil(time_ns, &c);
    char fraction[16] = "";
    if (c.nanosecond % 1000 != 0) {
        (void)snprintf(fraction, sizeof fraction, ".%09u", c.nanosecond);
    } else if (c.nanosecond % 1000000 != 0) {
        (void)snprintf(fraction, sizeof fraction, ".%06u", c.nanosecond / 1000);
    } else if (c.nanosecond != 0) {
        (void)snprintf(fraction, sizeof fraction, ".%03u", c.nanosecond / 1000000);
    }
    const int length = snprintf(text, TG_CLOCK_TEXT_BYTES, "%04d-%02u-%02uT%02u:%02u:%02u%sZ",
                                (int)c.year % 10000, c.month, c.day, c.hour, c.minute, c.second,
                                fraction);
    return (size_t)length;
}

static int64_t clock_read_ns(clockid_t id)
{
    struct timespec now;
    (void)clock_gettime(id, &now);
    return now.tv_sec * TG_NS_PER_S + now.tv_nsec;
}

int64_t tg_clock_now_ns(void)
{
    return clock_read_ns(CLOCK_REALTIME);
}

int64_t tg_clock_monotonic_ns(void)
{
    return clock_read_ns(CLOCK_MONOTONIC);
}

int64_t tg_clock_thread_cpu_ns(void)
{
    return clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

int64_t tg_clock_process_cpu_ns(void)
{
    return clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
}
