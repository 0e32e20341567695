/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Which local days a rule of a time model is for, and from when to when within them.
 *
 *  Source: reference/rating-semantics.md 4.4 (specificity of rules). Threads: import only.
 *  Allocates: the list of spans. Cost: spans of a rule for each day that is expanded.
 */
#ifndef TG_CATALOG_BAND_DAYS_H
#define TG_CATALOG_BAND_DAYS_H

#include "catalog/blob.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_diag;
struct tg_yaml_node;

#define TG_BAND_DAY_SECONDS 86400u /**< Of the wall clock, whatever the day really lasts. */

/** @brief A local day as rules look at it. */
struct tg_band_day {
    int64_t number;     /**< Since 1970-01-01. */
    uint32_t year;      /**< Of the calendar. */
    uint32_t weekday;   /**< 0 Monday. */
    uint32_t month;     /**< 1..12. */
    uint32_t month_day; /**< 1..31. */
};

/** @brief Days of a rule: all that it names must fit. */
struct tg_band_days {
    uint32_t weekdays_mask;   /**< Bit 0 Monday. */
    uint32_t months_mask;     /**< Bit 1 January. */
    uint32_t month_days_mask; /**< Bit 1 the first. */
    bool has_calendar;        /**< months, month_days or years are named. */
    bool is_special;          /**< dates or yearly are: one of the spans must have the day. */
    uint32_t spans_first;     /**< In the spans handed to tg_band_days_read. */
    uint32_t spans_count;     /**< How many. */
    uint32_t years_first;     /**< The same of years. */
    uint32_t years_count;     /**< 0: every year. */
};

/**
 * @brief Read the days of a rule: days, months, month_days, years, dates, yearly.
 * @param[in]     rule   A rule of `bands`, or `holidays`; borrowed until return.
 * @param[in,out] spans  Days of all rules of a model are appended; caller frees.
 * @param[out]    days   What the rule says.
 * @param[in,out] diag   Every word that is no day, at its mark.
 */
void tg_band_days_read(const struct tg_yaml_node *rule, struct tg_blob *spans,
                       struct tg_band_days *days, struct tg_diag *diag);

/** @brief Is the rule for a day? @param days Of the rule. @param spans As read. @param day Any.
 *  @return Whether all it names fits. */
bool tg_band_days_have(const struct tg_band_days *days, const struct tg_blob *spans,
                       const struct tg_band_day *day);

/** @brief A wall time, "08:00" or "08:00:30". @param text NUL-terminated.
 *  @param[out] second Of the day, up to TG_BAND_DAY_SECONDS ("24:00"). @return Whether it is one.
 */
bool tg_band_second_read(const char *text, uint32_t *second);

#endif
