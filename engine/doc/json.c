/* SPDX-License-Identifier: Apache-2.0 */
/* A struct tg_json is a json_t under another name: jansson's type never leaves this file. */
#include "doc/json.h"

#include "base/clock.h"
#include "base/money.h"
#include "doc/utf8.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static json_t *in(const struct tg_json *json)
{
    return (json_t *)(uintptr_t)json;
}

static struct tg_json *out(json_t *json)
{
    return (struct tg_json *)json;
}

struct tg_json *tg_json_object(void)
{
    return out(json_object());
}

struct tg_json *tg_json_list(void)
{
    return out(json_array());
}

static json_t *string_make(const char *text, size_t text_bytes)
{
    json_t *value = json_stringn(text, text_bytes);
    if (value != NULL) {
        return value;
    }
    char *clean = malloc(text_bytes * 3 + 1); /* U+FFFD takes three bytes for one */
    if (clean == NULL) {
        return NULL;
    }
    size_t used = 0;
    for (size_t i = 0; i < text_bytes;) {
        const size_t length = tg_utf8_length((const unsigned char *)text + i, text_bytes - i);
        memcpy(clean + used, length > 0 ? text + i : "\xef\xbf\xbd", length > 0 ? length : 3);
        used += length > 0 ? length : 3;
        i += length > 0 ? length : 1;
    }
    value = json_stringn(clean, used);
    free(clean);
    return value;
}

struct tg_json *tg_json_string(const char *text)
{
    return out(string_make(text, strlen(text)));
}

struct tg_json *tg_json_integer(int64_t value)
{
    return out(json_integer(value));
}

struct tg_json *tg_json_share(struct tg_json *json)
{
    return out(json_incref(in(json)));
}

void tg_json_free(struct tg_json *json)
{
    json_decref(in(json));
}

void tg_json_set(struct tg_json *object, const char *key, struct tg_json *value)
{
    (void)json_object_set_new(in(object), key, value != NULL ? in(value) : json_null());
}

void tg_json_set_string(struct tg_json *object, const char *key, const char *text)
{
    tg_json_set(object, key, text != NULL ? tg_json_string(text) : NULL);
}

void tg_json_set_text(struct tg_json *object, const char *key, const char *text, size_t text_bytes)
{
    tg_json_set(object, key, out(string_make(text, text_bytes)));
}

void tg_json_set_integer(struct tg_json *object, const char *key, int64_t value)
{
    tg_json_set(object, key, tg_json_integer(value));
}

void tg_json_set_bool(struct tg_json *object, const char *key, bool value)
{
    tg_json_set(object, key, out(json_boolean(value)));
}

void tg_json_set_money(struct tg_json *object, const char *key, int64_t amount, uint8_t scale,
                       uint8_t minor)
{
    char text[TG_MONEY_TEXT_BYTES];
    (void)tg_money_format(amount, scale, minor, text);
    tg_json_set_string(object, key, text);
}

void tg_json_set_time(struct tg_json *object, const char *key, int64_t time_ns)
{
    char text[TG_CLOCK_TEXT_BYTES];
    if (time_ns == INT64_MAX || time_ns == INT64_MIN) {
        tg_json_set(object, key, NULL);
        return;
    }
    (void)tg_clock_format(time_ns, text);
    tg_json_set_string(object, key, text);
}

void tg_json_append(struct tg_json *list, struct tg_json *value)
{
    (void)json_array_append_new(in(list), value != NULL ? in(value) : json_null());
}

void tg_json_remove(struct tg_json *object, const char *key)
{
    (void)json_object_del(in(object), key);
}

enum tg_json_kind tg_json_kind(const struct tg_json *json)
{
    if (json == NULL) {
        return TG_JSON_ABSENT;
    }
    switch (json_typeof(in(json))) {
    case JSON_OBJECT:
        return TG_JSON_OBJECT;
    case JSON_ARRAY:
        return TG_JSON_LIST;
    case JSON_STRING:
        return TG_JSON_STRING;
    case JSON_INTEGER:
        return TG_JSON_INTEGER;
    case JSON_REAL:
        return TG_JSON_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return TG_JSON_BOOL;
    default:
        return TG_JSON_NULL;
    }
}

struct tg_json *tg_json_get(const struct tg_json *object, const char *key)
{
    return out(json_object_get(in(object), key));
}

size_t tg_json_count(const struct tg_json *json)
{
    return json_is_object(in(json)) ? json_object_size(in(json)) : json_array_size(in(json));
}

struct tg_json *tg_json_at(const struct tg_json *list, size_t index)
{
    return out(json_array_get(in(list), index));
}

bool tg_json_next(const struct tg_json *object, void **cursor, const char **key,
                  struct tg_json **value)
{
    *cursor =
        *cursor == NULL ? json_object_iter(in(object)) : json_object_iter_next(in(object), *cursor);
    if (*cursor == NULL) {
        return false;
    }
    *key = json_object_iter_key(*cursor);
    *value = out(json_object_iter_value(*cursor));
    return true;
}

const char *tg_json_text(const struct tg_json *json)
{
    return json != NULL ? json_string_value(in(json)) : NULL;
}

const char *tg_json_get_text(const struct tg_json *object, const char *key, const char *fallback)
{
    const char *text = tg_json_text(tg_json_get(object, key));
    return text != NULL ? text : fallback;
}

bool tg_json_read_integer(const struct tg_json *json, int64_t *value)
{
    if (!json_is_integer(in(json))) {
        return false;
    }
    *value = json_integer_value(in(json));
    return true;
}

int64_t tg_json_get_integer(const struct tg_json *object, const char *key, int64_t fallback)
{
    int64_t value = fallback;
    (void)tg_json_read_integer(tg_json_get(object, key), &value);
    return value;
}

bool tg_json_get_bool(const struct tg_json *object, const char *key, bool fallback)
{
    const json_t *value = in(tg_json_get(object, key));
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

static enum tg_err json_read(const char *text, size_t text_bytes, struct tg_json **json,
                             json_error_t *error)
{
    *json = out(json_loadb(text, text_bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, error));
    if (*json != NULL) {
        return TG_OK;
    }
    return json_error_code(error) == json_error_out_of_memory ? TG_E_NO_MEMORY : TG_E_SYNTAX;
}

enum tg_err tg_json_parse(const char *text, size_t text_bytes, struct tg_json **json,
                          struct tg_why *why)
{
    json_error_t error;
    const enum tg_err err = json_read(text, text_bytes, json, &error);
    return err == TG_OK ? TG_OK
                        : tg_why_set(why, err, "line %d column %d: %s", error.line, error.column,
                                     error.text);
}

enum tg_err tg_json_print(const struct tg_json *json, bool is_pretty, FILE *to)
{
    const size_t flags = JSON_ENCODE_ANY | (is_pretty ? JSON_INDENT(2) : JSON_COMPACT);
    return json_dumpf(in(json), to, flags) == 0 ? TG_OK : TG_E_IO;
}

static char *json_text(const struct tg_json *json, size_t flags, size_t *text_bytes)
{
    char *text = json_dumps(in(json), flags | JSON_ENCODE_ANY);
    if (text_bytes != NULL) {
        *text_bytes = text != NULL ? strlen(text) : 0;
    }
    return text;
}

char *tg_json_dump(const struct tg_json *json, size_t *text_bytes)
{
    return json_text(json, JSON_COMPACT, text_bytes);
}

char *tg_json_dump_pretty(const struct tg_json *json, size_t *text_bytes)
{
    return json_text(json, JSON_INDENT(2), text_bytes);
}

void tg_json_text_free(char *text)
{
    free(text);
}

void tg_json_lines_open(struct tg_json_lines *lines, FILE *from)
{
    *lines = (struct tg_json_lines){.from = from};
}

enum tg_err tg_json_lines_next(struct tg_json_lines *lines, struct tg_json **json,
                               struct tg_why *why)
{
    *json = NULL;
    for (;;) {
        const ssize_t length = getline(&lines->line, &lines->line_room, lines->from);
        if (length < 0) {
            return ferror(lines->from) != 0 ? tg_why_set(why, TG_E_IO, "the input cannot be read")
                                            : TG_E_NOT_FOUND;
        }
        lines->line_number++;
        size_t bytes = (size_t)length;
        if (lines->line_number == 1 && bytes >= 3 && memcmp(lines->line, "\xef\xbb\xbf", 3) == 0) {
            bytes -= 3; /* a byte order mark, as some editors begin files */
            memmove(lines->line, lines->line + 3, bytes + 1);
        }
        if (strspn(lines->line, " \t\r\n") == bytes) {
            continue;
        }
        json_error_t error;
        const enum tg_err err = json_read(lines->line, bytes, json, &error);
        return err == TG_OK
                   ? TG_OK
                   : tg_why_set(why, err, "%llu:%d: %s", (unsigned long long)lines->line_number,
                                error.column > 0 ? error.column : 1, error.text);
    }
}

void tg_json_lines_close(struct tg_json_lines *lines)
{
    free(lines->line);
    *lines = (struct tg_json_lines){0};
}
