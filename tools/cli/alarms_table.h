/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The alarm list for a person: causes first, symptoms counted under them.
 *
 *  Source: TMF642 documents of the collection `alarm`. Threads: main. Allocates: freely.
 */
#ifndef TG_CLI_ALARMS_TABLE_H
#define TG_CLI_ALARMS_TABLE_H

#include "doc/json.h"

#include <stddef.h>
#include <stdio.h>

/** @brief Documents gathered for printing. */
struct alarms_table {
    struct tg_json **documents; /**< Shared references. */
    size_t count;               /**< How many. */
    size_t capacity;            /**< Room. */
};

/** @brief Add one. @param context struct alarms_table. @param document Borrowed. */
void alarms_table_add(void *context, const struct tg_json *document);

/** @brief Print: active root causes, then other active ones, then cleared ones.
 *  @param table Gathered; sorted by this call. @param to Stream. */
void alarms_table_print(struct alarms_table *table, FILE *to);

/** @brief Free. @param table Gathered. */
void alarms_table_free(struct alarms_table *table);

#endif
