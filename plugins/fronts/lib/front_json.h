/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Look into a stored JSON object without rebuilding it: members, paths, exact comparison.
 *
 *  Source: RFC 8259. Threads: pure. Allocates: never. Cost: one pass over the bytes it looks at.
 *
 *  Documents go out with the very bytes they were stored with: a general parser would read amounts
 *  into binary fractions and print other digits. Texts of more than TG_FRONT_DEPTH_MAX levels are
 *  refused. Key names are compared as written, without escapes, which is how the engine writes
 * them.
 */
#ifndef TG_FRONT_JSON_H
#define TG_FRONT_JSON_H

#include <stdbool.h>
#include <stddef.h>

#define TG_FRONT_DEPTH_MAX 32u

/** @brief Borrowed text, not NUL-terminated. */
struct tg_front_span {
    const char *at;      /**< First byte; NULL when there is none. */
    size_t length_bytes; /**< How many. */
};

/** @brief Walk over the members of an object or the elements of an array. */
struct tg_front_walk {
    const char *at;  /**< Next byte. */
    const char *end; /**< One past the text. */
    char close;      /**< '}' or ']'. */
    bool failed;     /**< The text is no JSON; sticky. */
};

/** @brief Start. @param json One value. @return A walk that gives nothing when it is neither object
 *  nor array. */
struct tg_front_walk tg_front_walk(struct tg_front_span json);

/**
 * @brief Next member or element.
 * @param[in,out] walk   Walk.
 * @param[out]    key    Name without quotes; empty for elements.
 * @param[out]    value  Value as written.
 * @return false at the end or when the text is broken (walk->failed).
 */
bool tg_front_walk_next(struct tg_front_walk *walk, struct tg_front_span *key,
                        struct tg_front_span *value);

/** @brief Is the whole text one well-formed object? @param json Text. @return true if so. */
bool tg_front_json_is_object(struct tg_front_span json);

/**
 * @brief First value at a dotted path; arrays on the way stand for their first fitting element.
 * @param[in]  json   Object.
 * @param[in]  path   "x_impact.revenuePerHour.value".
 * @param[out] value  Written when found.
 * @return Whether it is there.
 */
bool tg_front_json_find(struct tg_front_span json, const char *path, struct tg_front_span *value);

/**
 * @brief Does any value at the path equal the text? Numbers compare by value: 1.50 is 1.5.
 * @param json         Object.
 * @param path         Dotted path; every element of arrays on the way is tried.
 * @param wanted       Text as in a query, not quoted.
 * @param wanted_bytes Its length.
 * @return true if so.
 */
bool tg_front_json_matches(struct tg_front_span json, const char *path, const char *wanted,
                           size_t wanted_bytes);

/**
 * @brief Order two values: absent, then numbers by value, then all other texts by bytes.
 * @param a  Value or {NULL, 0}.
 * @param b  Value or {NULL, 0}.
 * @return Negative, 0 or positive.
 */
int tg_front_json_compare(struct tg_front_span a, struct tg_front_span b);

#endif
