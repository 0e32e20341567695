/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The calendar of bills: where an account's cycles begin, and which one an instant is in.
 *
 *  Source: rating-semantics 4.7: cycles and days are of the account's zone, half-open; the anchor
 *  day is clamped to the month's last and kept. Threads: pure. Allocates: never. Cost: a calendar
 *  date and a walk over some 25 offsets.
 *
 *  An account's bill is for one cycle, or for those of a quarter, half or whole year, which begin
 *  with the cycle that begins in January; it is made with the last of them.
 *
 *  An account billed by weeks has cycles of so many times seven days (catalog/week_cycle.h); one
 * has the number of the ISO week that its last day is in, so those of two weeks have every second
 * one.
 *
 *  A cycle of a month has the number of the month it closes in: with day 1 it is that month, with
 * day d > 1 it goes from day d of the month before to day d of it. An edge is the local midnight of
 * its date, by the catalog version valid around that date: so the end of one cycle is the begin of
 * the next also where a version brings another zone.
 */
#ifndef TG_BILL_CYCLE_H
#define TG_BILL_CYCLE_H

#include "base/error.h"
#include "catalog/week_cycle.h"
#include "catalog/zone_time.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_catalog_snapshot;
struct tg_roster_account;

/** @brief A half-open interval of event time. */
struct tg_bill_window {
    int64_t start_ns;    /**< Inclusive. */
    int64_t end_ns;      /**< Exclusive. */
    int64_t next_end_ns; /**< End of the next one, which begins at end_ns; 0: not a cycle. */
    uint32_t month;      /**< Number of the cycle; of no meaning when it is not one. Of a bill
                              for several that of the last. */
    uint32_t cycles;     /**< Of a bill for several: how many; else 0. */
    uint32_t weeks;      /**< That the cycle has; 0: it is one of months. */
};

/** @brief Whose cycles. */
struct tg_bill_cycle {
    const struct tg_catalog_snapshot *catalog; /**< Its versions' zones; borrowed. */
    uint16_t zone;                             /**< tg_roster_account.zone. */
    uint8_t day;                               /**< 1..31; of weeks not looked at. */
    uint8_t bills;                             /**< tg_roster_bills: cycles on one bill. */
    struct tg_week_cycle weeks;                /**< Of weeks; else weeks is 0. */
};

/** Number of the week that begins on Monday, 1970-01-05; months have lower ones. */
#define TG_BILL_WEEK_FIRST 32768u

#define TG_BILL_PERIOD_BYTES 16u /**< "2026-10" or "2026-W14", NUL included. */

#define TG_BILL_LATE_MONTHS 24u  /**< Usage later than so many periods is not looked for. */
#define TG_BILL_LATE_WEEKS  104u /**< Of weeks. */

/** @brief Whether a number is that of a week. @param number Of a cycle. @return Whether. */
static inline bool tg_bill_is_week(uint32_t number)
{
    return number >= TG_BILL_WEEK_FIRST;
}

/** @brief How many periods before one usage of is looked for. @param number Of a cycle.
 *  @return Months, or weeks. */
static inline uint32_t tg_bill_late_periods(uint32_t number)
{
    return tg_bill_is_week(number) ? TG_BILL_LATE_WEEKS : TG_BILL_LATE_MONTHS;
}

/** @brief Number of the cycle that an interval is: of weeks that of the ISO week, else that of the
 *  month, in which it ends. @param start_ns Local time, or UTC. @param end_ns Its end, exclusive.
 *  @param weeks So many it is said to be; 0: seven days are one, all else is of months.
 *  @return Number. */
uint32_t tg_bill_period_number(int64_t start_ns, int64_t end_ns, uint32_t weeks);

/** @brief Read "2026-10" as the UTC month, "2026-W14" as the ISO week. @param text NUL-terminated
 *  YYYY-MM or YYYY-Www. @param[out] start_ns Begin of it. @param[out] end_ns Begin of the next.
 *  @return TG_OK or TG_E_SYNTAX. */
enum tg_err tg_bill_period_parse(const char *text, int64_t *start_ns, int64_t *end_ns);

/** @brief Print the number of a cycle: "2026-10", "2026-W14". @param number Number. @param[out]
 * text Room. */
void tg_bill_period_print(uint32_t number, char text[TG_BILL_PERIOD_BYTES]);

/** @brief Begin of the month, or Monday of the week, of a number. @param number Number.
 *  @return UTC. */
int64_t tg_bill_period_start_ns(uint32_t number);

/** @brief Number of a calendar month. @param time_ns Local time, or UTC. @return year * 12 + month
 *  - 1. */
uint32_t tg_bill_month(int64_t time_ns);

/** @brief Begin of a day of a month, clamped to its last. @param month tg_bill_month.
 *  @param day 1..31. @return Local time, or UTC, as it is taken. */
int64_t tg_bill_month_day_ns(uint32_t month, uint8_t day);

/** @brief Cycles by what an account says. @param catalog Borrowed. @param line Of the account; NULL
 *  counts as one of months from the first. @return By value. */
struct tg_bill_cycle tg_bill_cycle_make(const struct tg_catalog_snapshot *catalog,
                                        const struct tg_roster_account *line);

/** @brief Cycles of an account. @param catalog Borrowed. @param account Roster index.
 *  @return By value. */
struct tg_bill_cycle tg_bill_cycle_of(const struct tg_catalog_snapshot *catalog, uint32_t account);

/** @brief Its zone as the version valid at an instant has it. @param cycle Borrowed. @param at_ns
 *  UTC. @return View. */
struct tg_zone_view tg_bill_cycle_zone(const struct tg_bill_cycle *cycle, int64_t at_ns);

/** @brief IANA name of that zone. @param cycle Borrowed. @param at_ns UTC. @return Borrowed. */
const char *tg_bill_cycle_zone_name(const struct tg_bill_cycle *cycle, int64_t at_ns);

/** @brief The cycle with a number. @param cycle Borrowed. @param month Its number.
 *  @return With next_end_ns. */
struct tg_bill_window tg_bill_cycle_window(const struct tg_bill_cycle *cycle, uint32_t month);

/** @brief Number of the cycle an instant is in. @param cycle Borrowed. @param at_ns UTC.
 *  @return tg_bill_month of where it closes. */
uint32_t tg_bill_cycle_month(const struct tg_bill_cycle *cycle, int64_t at_ns);

/** @brief By how much the numbers of a cycle and of the next one differ. @param cycle Borrowed.
 *  @return 1, or the weeks that each has. */
static inline uint32_t tg_bill_cycle_step(const struct tg_bill_cycle *cycle)
{
    return cycle->weeks.weeks > 1 ? cycle->weeks.weeks : 1;
}

/** @brief How many cycles a bill is for. @param cycle Borrowed. @return 1, 3, 6 or 12. */
uint32_t tg_bill_cycles_count(const struct tg_bill_cycle *cycle);

/** @brief The cycle with which the bill of a cycle is made. @param cycle Borrowed. @param month
 *  Number of a cycle. @return Number of the last on that bill: month itself, or a later one. */
uint32_t tg_bill_cycle_last(const struct tg_bill_cycle *cycle, uint32_t month);

/** @brief What the bill made with a cycle is for. @param cycle Borrowed. @param month Its number.
 *  @return From the begin of the first cycle to the end of it; no time at all, long ago, when no
 *  bill is made with it, as none of weeks is with a month, nor one of two weeks with the first. */
struct tg_bill_window tg_bill_cycle_bill(const struct tg_bill_cycle *cycle, uint32_t month);

#endif
