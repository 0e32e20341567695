/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The query of a list: offset, limit, fields, sort and equality filters.
 *
 *  Source: TM Forum TMF630 part 1, 4.3 to 4.5 (pagination, attribute selection, filtering,
 * sorting). Threads: pure. Allocates: never; the query keeps pointers to the texts it was given.
 *  Cost: a look at each parameter.
 */
#ifndef TG_FRONT_QUERY_H
#define TG_FRONT_QUERY_H

#include "front_json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TG_FRONT_LIMIT_DEFAULT 100u  /**< Items without `limit`. */
#define TG_FRONT_LIMIT_MAX     1000u /**< A greater `limit` means this. */
#define TG_FRONT_FILTERS_MAX   16u   /**< More is a 400. */

/** @brief `path=a,b`: the value at path is a or b. */
struct tg_front_filter {
    const char *path;   /**< Dotted; borrowed. */
    const char *values; /**< Comma means OR; borrowed. */
};

/** @brief A parsed query. */
struct tg_front_query {
    uint64_t offset;        /**< Items to pass over. */
    uint32_t limit;         /**< 0..TG_FRONT_LIMIT_MAX. */
    uint32_t filters_count; /**< How many. */
    struct tg_front_filter filters[TG_FRONT_FILTERS_MAX];
    const char *fields;    /**< Comma list, or NULL: all. */
    const char *sort;      /**< Path to sort by, or NULL. */
    bool is_descending;    /**< `sort=-path`. */
    const char *complaint; /**< Why the query is refused, static; NULL when it is fine. */
};

/** @brief A query with no parameters. @return Defaults. */
struct tg_front_query tg_front_query(void);

/**
 * @brief Take one parameter.
 * @param[in,out] query  Query; complaint is set when the parameter is refused.
 * @param[in]     key    Decoded name; borrowed for the query's life.
 * @param[in]     value  Decoded value; NULL counts as "".
 */
void tg_front_query_add(struct tg_front_query *query, const char *key, const char *value);

/** @brief Do all filters hold? @param query Query. @param json Document. @return true if so. */
bool tg_front_query_matches(const struct tg_front_query *query, struct tg_front_span json);

/** @brief Is a member to be shown? id, href and @type always are.
 *  @param query Query. @param key Name. @return true if so. */
bool tg_front_query_shows(const struct tg_front_query *query, struct tg_front_span key);

#endif
