/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief JSON for every room: build, read, print; jansson stays behind it.
 *
 *  Source: RFC 8259; jansson 2.14. Threads: a value belongs to one thread.
 *  Allocates: yes, control plane. Cost: jansson's.
 *
 *  Keys keep the order in which they were set, so printing is deterministic. Money is always a
 *  decimal string. A number with a fraction or exponent is of kind TG_JSON_REAL and has no getter:
 *  amounts never pass through floating point.
 */
#ifndef TG_DOC_JSON_H
#define TG_DOC_JSON_H

#include "abi/err.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** A value of any kind; opaque. */
struct tg_json;

/** @brief What a value is. */
enum tg_json_kind {
    TG_JSON_ABSENT = 0, /**< No value (NULL pointer). */
    TG_JSON_NULL,       /**< null. */
    TG_JSON_BOOL,       /**< true, false. */
    TG_JSON_INTEGER,    /**< Fits int64. */
    TG_JSON_REAL,       /**< Any other number; cannot be read. */
    TG_JSON_STRING,     /**< Text. */
    TG_JSON_LIST,       /**< Array. */
    TG_JSON_OBJECT      /**< Object. */
};

/** @brief New empty object. @return Caller frees, or gives it to a set or append. NULL no memory.
 */
struct tg_json *tg_json_object(void);

/** @brief New empty array. @return As tg_json_object. */
struct tg_json *tg_json_list(void);

/** @brief New string. @param text NUL-terminated UTF-8; other bytes become U+FFFD. @return Value.
 */
struct tg_json *tg_json_string(const char *text);

/** @brief New integer. @param value Any. @return Value. */
struct tg_json *tg_json_integer(int64_t value);

/** @brief Take another reference. @param json Value. @return The same, to be freed once more. */
struct tg_json *tg_json_share(struct tg_json *json);

/** @brief Give a reference back. @param json Value or NULL. */
void tg_json_free(struct tg_json *json);

/** @brief Set a key. @param object Object. @param key Key. @param value Taken over, NULL is null.
 */
void tg_json_set(struct tg_json *object, const char *key, struct tg_json *value);

/** @brief Set a string. @param object Object. @param key Key. @param text UTF-8, NULL is null. */
void tg_json_set_string(struct tg_json *object, const char *key, const char *text);

/** @brief Set bytes as a string. @param object Object. @param key Key. @param text UTF-8.
 *  @param text_bytes Length. */
void tg_json_set_text(struct tg_json *object, const char *key, const char *text, size_t text_bytes);

/** @brief Set an integer. @param object Object. @param key Key. @param value Any. */
void tg_json_set_integer(struct tg_json *object, const char *key, int64_t value);

/** @brief Set a bool. @param object Object. @param key Key. @param value Any. */
void tg_json_set_bool(struct tg_json *object, const char *key, bool value);

/** @brief Set money as a decimal string. @param object Object. @param key Key.
 *  @param amount At scale. @param scale Decimals of amount. @param minor Decimals always shown. */
void tg_json_set_money(struct tg_json *object, const char *key, int64_t amount, uint8_t scale,
                       uint8_t minor);

/** @brief Set a time as RFC 3339 in UTC. @param object Object. @param key Key.
 *  @param time_ns UTC ns; INT64_MAX and INT64_MIN are null. */
void tg_json_set_time(struct tg_json *object, const char *key, int64_t time_ns);

/** @brief Append. @param list Array. @param value Taken over. */
void tg_json_append(struct tg_json *list, struct tg_json *value);

/** @brief Remove a key. @param object Object. @param key Key. */
void tg_json_remove(struct tg_json *object, const char *key);

/** @brief Kind. @param json Value or NULL. @return Kind. */
enum tg_json_kind tg_json_kind(const struct tg_json *json);

/** @brief Member. @param object Object, or anything: then NULL. @param key Key.
 *  @return Borrowed, or NULL. */
struct tg_json *tg_json_get(const struct tg_json *object, const char *key);

/** @brief Element count of an array or object. @param json Value or NULL. @return Count. */
size_t tg_json_count(const struct tg_json *json);

/** @brief Element. @param list Array. @param index From 0. @return Borrowed, or NULL. */
struct tg_json *tg_json_at(const struct tg_json *list, size_t index);

/**
 * @brief Walk the members of an object in order.
 * @param[in]     object  Object.
 * @param[in,out] cursor  NULL at first; then as left by the call before.
 * @param[out]    key     Borrowed key.
 * @param[out]    value   Borrowed value.
 * @return false at the end.
 */
bool tg_json_next(const struct tg_json *object, void **cursor, const char **key,
                  struct tg_json **value);

/** @brief Text. @param json Value or NULL. @return NUL-terminated, borrowed; NULL: no string. */
const char *tg_json_text(const struct tg_json *json);

/** @brief Text of a member. @param object Object. @param key Key. @param fallback When absent or no
 *  string. @return Borrowed. */
const char *tg_json_get_text(const struct tg_json *object, const char *key, const char *fallback);

/** @brief Integer of a value. @param json Value or NULL. @param[out] value Written when true.
 *  @return Whether it is an integer. */
bool tg_json_read_integer(const struct tg_json *json, int64_t *value);

/** @brief Integer of a member. @param object Object. @param key Key. @param fallback Otherwise.
 *  @return Value. */
int64_t tg_json_get_integer(const struct tg_json *object, const char *key, int64_t fallback);

/** @brief Bool of a member. @param object Object. @param key Key. @param fallback Otherwise.
 *  @return Value. */
bool tg_json_get_bool(const struct tg_json *object, const char *key, bool fallback);

/**
 * @brief Parse one value; duplicate keys and text after it are refused.
 * @param[in]  text        UTF-8.
 * @param[in]  text_bytes  Its length.
 * @param[out] json        Caller frees; NULL on error.
 * @param[out] why         "line L column C: ..."; may be NULL.
 * @return TG_OK, TG_E_SYNTAX or TG_E_NO_MEMORY.
 */
enum tg_err tg_json_parse(const char *text, size_t text_bytes, struct tg_json **json,
                          struct tg_why *why);

/**
 * @brief Print.
 * @param[in]     json       Value.
 * @param[in]     is_pretty  Indented by two, else one line without spaces.
 * @param[in,out] to         Stream; no newline is added.
 * @return TG_OK or TG_E_IO.
 */
enum tg_err tg_json_print(const struct tg_json *json, bool is_pretty, FILE *to);

/**
 * @brief Text of a value, on one line without spaces.
 * @param[in]  json        Value.
 * @param[out] text_bytes  Length without NUL; may be NULL.
 * @return NUL-terminated; caller frees with tg_json_text_free. NULL without memory.
 */
char *tg_json_dump(const struct tg_json *json, size_t *text_bytes);

/** @brief Text of a value, indented. @param json Value. @param[out] text_bytes Length or NULL.
 *  @return As tg_json_dump. */
char *tg_json_dump_pretty(const struct tg_json *json, size_t *text_bytes);

/** @brief Free a dumped text. @param text From tg_json_dump or NULL. */
void tg_json_text_free(char *text);

/** @brief Reader of JSON Lines. */
struct tg_json_lines {
    FILE *from;           /**< Borrowed. */
    char *line;           /**< Current line; owned. */
    size_t line_room;     /**< Room of it. */
    uint64_t line_number; /**< From 1. */
};

/** @brief Start. @param[out] lines Caller's. @param from Open stream. */
void tg_json_lines_open(struct tg_json_lines *lines, FILE *from);

/**
 * @brief Next value; empty lines are skipped.
 * @param[in,out] lines  Reader.
 * @param[out]    json   Caller frees.
 * @param[out]    why    "LINE:COL: ..." on TG_E_SYNTAX.
 * @return TG_OK; TG_E_NOT_FOUND at the end; TG_E_SYNTAX: this line only, call again; TG_E_IO.
 */
enum tg_err tg_json_lines_next(struct tg_json_lines *lines, struct tg_json **json,
                               struct tg_why *why);

/** @brief Free the line. @param lines Reader. The stream stays open. */
void tg_json_lines_close(struct tg_json_lines *lines);

#endif
