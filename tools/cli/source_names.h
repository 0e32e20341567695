/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Names of sources for people, from the notes the journal keeps of each.
 *
 *  Source: flow/ingest.h (note keys), mediate/source.h. Threads: main. Allocates: freely.
 */
#ifndef TG_CLI_SOURCE_NAMES_H
#define TG_CLI_SOURCE_NAMES_H

#include "base/limits.h"
#include "mediate/source.h"

/** @brief Names by source id; "" where the journal names none. */
struct source_names {
    char names[TG_SOURCES_MAX][TG_SOURCE_NAME_BYTES]; /**< "10.0.2.1->2055", "folder#...". */
};

/** @brief Read them. @param data_dir Data directory. @return Caller frees with free(); NULL when
 *  there is no memory. A journal that cannot be read gives empty names. */
struct source_names *source_names_read(const char *data_dir);

/** @brief Name of a source, or "source N". @param names May be NULL. @param source_id Any.
 *  @param[out] text Written. @return text. */
const char *source_names_text(const struct source_names *names, uint16_t source_id,
                              char text[TG_SOURCE_NAME_BYTES]);

#endif
