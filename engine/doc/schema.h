/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Tables that say what a document may hold; one walk reports every violation at once.
 *
 *  Source: design.md section 10. Threads: pure over constant tables. Allocates: only what
 *  diagnostics need. Cost: nodes x keys of their map.
 *
 *  A key is described once: type, bounds, default and help. The checker, the getters below and the
 *  printed reference all read that one table.
 */
#ifndef TG_DOC_SCHEMA_H
#define TG_DOC_SCHEMA_H

#include "doc/diag.h"
#include "doc/yaml.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_json;

/** @brief Types of values. */
enum tg_type {
    TG_TYPE_STRING = 0, /**< Any scalar text; min..max bound its length when max > 0. */
    TG_TYPE_NAME,       /**< Identifier [a-z0-9][a-z0-9_.-]*, at most 63 bytes. */
    TG_TYPE_INTEGER,    /**< int64 within min..max when max > min. */
    TG_TYPE_MONEY,      /**< Exact decimal in quotes; scale and range are the reader's check. */
    TG_TYPE_DECIMAL,    /**< Exact decimal, quoted or not, kept as text; above min when
                             max > min, which the reader checks. */
    TG_TYPE_PERCENT,    /**< "19%"; value in ppm within min..max. */
    TG_TYPE_BOOL,       /**< true or false. */
    TG_TYPE_SIZE,       /**< "64MiB"; bytes within min..max. */
    TG_TYPE_DURATION,   /**< "5s"; nanoseconds within min..max. */
    TG_TYPE_TIME,       /**< RFC 3339 date or time; UTC nanoseconds. */
    TG_TYPE_ENUM,       /**< One of names; value is its index. */
    TG_TYPE_LISTEN,     /**< "127.0.0.1:2055". */
    TG_TYPE_MAP,        /**< Map with the keys of sub. */
    TG_TYPE_TABLE,      /**< Map of any names to values described by item. */
    TG_TYPE_LIST,       /**< List of values described by item; min..max bound its length. */
    TG_TYPE_SETTINGS,   /**< Map of anything: handed to a plug-in as dotted keys. */
    TG_TYPE_ANY,        /**< Anything; the reader checks it. */
    TG_TYPE_WORDS       /**< A word or a list of words; the reader checks them. */
};

/** @brief One key. Unused fields stay zero. */
struct tg_schema_key {
    const char *key;                  /**< Name in the map; NULL for an item description. */
    enum tg_type type;                /**< What is expected. */
    bool is_required;                 /**< Its absence is an error. */
    bool is_any_key;                  /**< TABLE: keys need not be names (prefixes, "*"). */
    const char *fallback;             /**< Default as text, or NULL none. */
    int64_t min;                      /**< Lower bound when max > min, or max != 0. */
    int64_t max;                      /**< Upper bound. */
    const char *const *names;         /**< ENUM: NULL-terminated. */
    const struct tg_schema *sub;      /**< MAP: its keys. */
    const struct tg_schema_key *item; /**< TABLE, LIST: what each value is. */
    const char *help;                 /**< One sentence; unit and meaning. */
};

/** @brief Keys of one map. */
struct tg_schema {
    const struct tg_schema_key *keys; /**< Shape [keys_count]. */
    uint32_t keys_count;              /**< How many. */
};

/** @brief Initialiser of struct tg_schema from an array of keys. */
#define TG_SCHEMA(array)                                                                           \
    {                                                                                              \
        .keys = (array), .keys_count = sizeof(array) / sizeof((array)[0])                          \
    }

/**
 * @brief Check a map against its keys, all the way down.
 * @param[in]     schema  Expected keys.
 * @param[in]     map     Node; anything but a map is an error.
 * @param[in,out] diag    Every violation: unknown key (did you mean), missing key, wrong type,
 *                        outside range, not one of the names.
 * @return Whether the map has no error.
 */
bool tg_schema_check(const struct tg_schema *schema, const struct tg_yaml_node *map,
                     struct tg_diag *diag);

/**
 * @brief Check one value against its description.
 * @param[in]     key    Description.
 * @param[in]     node   Value.
 * @param[in,out] diag   Every violation.
 * @return Whether the value has no error.
 */
bool tg_schema_check_value(const struct tg_schema_key *key, const struct tg_yaml_node *node,
                           struct tg_diag *diag);

/**
 * @brief Number of a key: INTEGER, PERCENT (ppm), SIZE (bytes), DURATION (ns), TIME (ns), BOOL
 *        (0/1), ENUM (index); the schema's default when the key is absent, 0 without one.
 * @param schema  That has the key: an unknown one is a bug and asserted.
 * @param map     Node or NULL; a value that fails its check counts as absent.
 * @param key     NUL-terminated.
 * @return Value.
 */
int64_t tg_schema_number(const struct tg_schema *schema, const struct tg_yaml_node *map,
                         const char *key);

/**
 * @brief Text of a scalar key, or the schema's default, or NULL.
 * @param schema  That has the key.
 * @param map     Node or NULL.
 * @param key     NUL-terminated.
 * @return Borrowed from the document or the schema.
 */
const char *tg_schema_text(const struct tg_schema *schema, const struct tg_yaml_node *map,
                           const char *key);

/**
 * @brief Print every key with type, default, range and help, indented as a Markdown list.
 * @param[in]     schema  Keys.
 * @param[in,out] to      Stream.
 */
void tg_schema_print(const struct tg_schema *schema, FILE *to);

/**
 * @brief The same as a JSON Schema (2020-12) of one document; what only a reader can check, such as
 *        references, is not in it.
 * @param schema  Keys.
 * @param id      Its $id.
 * @param title   Its title.
 * @return Object; caller frees.
 */
struct tg_json *tg_schema_json(const struct tg_schema *schema, const char *id, const char *title);

#endif
