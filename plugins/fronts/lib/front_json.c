/* SPDX-License-Identifier: Apache-2.0 */
#include "front_json.h"

#include <stdint.h>
#include <string.h>

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) {
        at++;
    }
    return at;
}

/* One past the closing quote of the string that begins at `at`, or NULL. */
static const char *skip_string(const char *at, const char *end)
{
    if (at >= end || *at != '"') {
        return NULL;
    }
    for (at++; at < end; at++) {
        if (*at == '"') {
            return at + 1;
        }
        if ((unsigned char)*at < 0x20) {
            return NULL;
        }
        at += *at == '\\';
    }
    return NULL;
}

static bool is_digit(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

static const char *skip_digits(const char *at, const char *end)
{
    while (is_digit(at, end)) {
        at++;
    }
    return at;
}

static const char *skip_number(const char *at, const char *end)
{
    at += at < end && *at == '-';
    if (!is_digit(at, end) || (*at == '0' && is_digit(at + 1, end))) {
        return NULL;
    }
    at = skip_digits(at, end);
    if (at < end && *at == '.') {
        if (!is_digit(at + 1, end)) {
            return NULL;
        }
        at = skip_digits(at + 1, end);
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        if (!is_digit(at, end)) {
            return NULL;
        }
        at = skip_digits(at, end);
    }
    return at;
}

static const char *skip_scalar(const char *at, const char *end)
{
    static const char *const words[] = {"true", "false", "null"};
    if (at < end && *at == '"') {
        return skip_string(at, end);
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const size_t length = strlen(words[i]);
        if ((size_t)(end - at) >= length && memcmp(at, words[i], length) == 0) {
            return at + length;
        }
    }
    return at < end ? skip_number(at, end) : NULL;
}

/* After a value: the comma goes, a closing bracket stays. Gives NULL when neither follows. */
static const char *skip_member_end(const char *at, const char *end, char close, bool *is_closed)
{
    at = skip_space(at, end);
    if (at >= end || (*at != ',' && *at != close)) {
        return NULL;
    }
    *is_closed = *at == close;
    return *is_closed ? at : skip_space(at + 1, end);
}

/* Past "name": and the space round it, or NULL. */
static const char *skip_name(const char *at, const char *end)
{
    at = skip_string(at, end);
    at = at != NULL ? skip_space(at, end) : NULL;
    return at != NULL && at < end && *at == ':' ? skip_space(at + 1, end) : NULL;
}

/*
 * One past the value that begins at `at`, or NULL. A stack of closing brackets stands in for
 * recursion; `is_value` says whether a value or the end of a bracket is due.
 */
static const char *skip_value(const char *at, const char *end)
{
    char closes[TG_FRONT_DEPTH_MAX];
    unsigned depth = 0;
    bool is_value = true;
    while (at != NULL && at < end) {
        if (is_value && (*at == '{' || *at == '[')) {
            if (depth == TG_FRONT_DEPTH_MAX) {
                return NULL;
            }
            closes[depth++] = *at == '{' ? '}' : ']';
            at = skip_space(at + 1, end);
            is_value = at < end && *at != closes[depth - 1];
            at = is_value && closes[depth - 1] == '}' ? skip_name(at, end) : at;
            continue;
        }
        if (is_value) {
            at = skip_scalar(at, end);
        } else {
            at++; /* the closing bracket */
            depth--;
        }
        if (at == NULL || depth == 0) {
            return at;
        }
        bool is_closed = false;
        at = skip_member_end(at, end, closes[depth - 1], &is_closed);
        is_value = !is_closed;
        at = at != NULL && is_value && closes[depth - 1] == '}' ? skip_name(at, end) : at;
    }
    return NULL;
}

struct tg_front_walk tg_front_walk(struct tg_front_span json)
{
    const char *end = json.at + json.length_bytes;
    const char *at = json.at != NULL ? skip_space(json.at, end) : end;
    struct tg_front_walk walk = {.at = at, .end = end, .close = '}'};
    if (json.at == NULL || at == end || (*at != '{' && *at != '[')) {
        walk.at = end;
        walk.failed = true;
        return walk;
    }
    walk.close = *at == '{' ? '}' : ']';
    walk.at = skip_space(at + 1, end);
    return walk;
}

bool tg_front_walk_next(struct tg_front_walk *walk, struct tg_front_span *key,
                        struct tg_front_span *value)
{
    if (walk->failed || walk->at >= walk->end) {
        walk->failed = true;
        return false;
    }
    const char *at = walk->at;
    if (*at == walk->close) {
        return false;
    }
    *key = (struct tg_front_span){NULL, 0};
    if (walk->close == '}') {
        const char *name_end = skip_string(at, walk->end);
        if (name_end != NULL) {
            *key = (struct tg_front_span){at + 1, (size_t)(name_end - at - 2)};
        }
        at = skip_name(at, walk->end);
    }
    const char *value_end = at != NULL ? skip_value(at, walk->end) : NULL;
    bool is_closed = false;
    const char *next =
        value_end != NULL ? skip_member_end(value_end, walk->end, walk->close, &is_closed) : NULL;
    if (next == NULL || (!is_closed && (next >= walk->end || *next == walk->close))) {
        walk->failed = true;
        return false;
    }
    *value = (struct tg_front_span){at, (size_t)(value_end - at)};
    walk->at = next;
    return true;
}

bool tg_front_json_is_object(struct tg_front_span json)
{
    const char *end = json.at + json.length_bytes;
    const char *at = json.at != NULL ? skip_space(json.at, end) : end;
    if (json.at == NULL || at == end || *at != '{') {
        return false;
    }
    at = skip_value(at, end);
    return at != NULL && skip_space(at, end) == end;
}

static bool span_is(struct tg_front_span span, const char *text, size_t text_bytes)
{
    return span.at != NULL && span.length_bytes == text_bytes &&
           memcmp(span.at, text, text_bytes) == 0;
}

/* Called with each value at the path; returning false stops. */
typedef bool (*visit_fn)(void *context, struct tg_front_span value);

/* Recursion follows the path and the depth of the document, both at most TG_FRONT_DEPTH_MAX. */
static bool path_visit(struct tg_front_span json, const char *path, unsigned depth, visit_fn visit,
                       void *context)
{
    if (depth > TG_FRONT_DEPTH_MAX || json.length_bytes == 0) {
        return true;
    }
    struct tg_front_span key;
    struct tg_front_span value;
    struct tg_front_walk walk = tg_front_walk(json);
    if (json.at[0] == '[') {
        while (tg_front_walk_next(&walk, &key, &value)) {
            if (!path_visit(value, path, depth + 1, visit, context)) {
                return false;
            }
        }
        return true;
    }
    if (path[0] == '\0') {
        return visit(context, json);
    }
    const char *dot = strchr(path, '.');
    const size_t name_bytes = dot != NULL ? (size_t)(dot - path) : strlen(path);
    const char *rest = dot != NULL ? dot + 1 : "";
    while (json.at[0] == '{' && tg_front_walk_next(&walk, &key, &value)) {
        if (span_is(key, path, name_bytes)) {
            return path_visit(value, rest, depth + 1, visit, context);
        }
    }
    return true;
}

static bool first_take(void *context, struct tg_front_span value)
{
    *(struct tg_front_span *)context = value;
    return false;
}

bool tg_front_json_find(struct tg_front_span json, const char *path, struct tg_front_span *value)
{
    struct tg_front_span found = {NULL, 0};
    (void)path_visit(json, path, 0, first_take, &found);
    *value = found;
    return found.at != NULL;
}

/* A decimal taken apart: sign, digits before and after the point. Exponents are not compared. */
struct decimal {
    bool is_negative;
    bool is_valid;
    struct tg_front_span whole;
    struct tg_front_span fraction;
};

static struct decimal decimal_read(struct tg_front_span text)
{
    struct decimal decimal = {.is_valid = false};
    const char *at = text.at;
    const char *end = at + text.length_bytes;
    if (text.length_bytes == 0 || skip_number(at, end) != end) {
        return decimal;
    }
    decimal.is_negative = *at == '-';
    at += decimal.is_negative;
    const char *point = skip_digits(at, end);
    decimal.whole = (struct tg_front_span){at, (size_t)(point - at)};
    const char *last = point;
    if (point < end && *point == '.') {
        last = skip_digits(point + 1, end);
        const char *tail = last;
        while (tail > point + 1 && tail[-1] == '0') {
            tail--;
        }
        decimal.fraction = (struct tg_front_span){point + 1, (size_t)(tail - point - 1)};
    }
    decimal.is_valid = last == end;
    const bool is_zero = decimal.fraction.length_bytes == 0 && decimal.whole.length_bytes == 1 &&
                         decimal.whole.at[0] == '0';
    decimal.is_negative = decimal.is_negative && !is_zero;
    return decimal;
}

static int bytes_compare(struct tg_front_span a, struct tg_front_span b)
{
    const size_t common = a.length_bytes < b.length_bytes ? a.length_bytes : b.length_bytes;
    const int order = common > 0 ? memcmp(a.at, b.at, common) : 0;
    return order != 0 ? order
                      : (a.length_bytes > b.length_bytes) - (a.length_bytes < b.length_bytes);
}

static int decimal_compare(const struct decimal *a, const struct decimal *b)
{
    if (a->is_negative != b->is_negative) {
        return a->is_negative ? -1 : 1;
    }
    int order = (a->whole.length_bytes > b->whole.length_bytes) -
                (a->whole.length_bytes < b->whole.length_bytes);
    order = order != 0 ? order : bytes_compare(a->whole, b->whole);
    order = order != 0 ? order : bytes_compare(a->fraction, b->fraction);
    return a->is_negative ? -order : order;
}

int tg_front_json_compare(struct tg_front_span a, struct tg_front_span b)
{
    if (a.at == NULL || b.at == NULL) {
        return (a.at != NULL) - (b.at != NULL);
    }
    const struct decimal left = decimal_read(a);
    const struct decimal right = decimal_read(b);
    if (left.is_valid && right.is_valid) {
        return decimal_compare(&left, &right);
    }
    if (left.is_valid != right.is_valid) {
        return left.is_valid ? -1 : 1;
    }
    return bytes_compare(a, b);
}

static unsigned hex_digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 32) - 'a' + 10) & 15u;
}

/* Write the character of an escape as UTF-8; surrogates stay as they are and match nothing. */
static size_t escape_read(const char *at, const char *end, char out[4], size_t *used)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    const char *plain = at < end && *at != '\0' ? strchr(from, *at) : NULL;
    *used = 1;
    if (plain != NULL) {
        out[0] = to[plain - from];
        return 1;
    }
    if (end - at < 5 || *at != 'u') {
        return 0;
    }
    *used = 5;
    uint32_t code = 0;
    for (int i = 1; i <= 4; i++) {
        code = code << 4 | hex_digit(at[i]);
    }
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 63));
        return 2;
    }
    out[0] = (char)(0xe0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 63));
    out[2] = (char)(0x80 | (code & 63));
    return 3;
}

/* Does a JSON string, quotes included, spell the wanted bytes? */
static bool string_is(struct tg_front_span string, const char *wanted, size_t wanted_bytes)
{
    const char *at = string.at + 1;
    const char *end = string.at + string.length_bytes - 1;
    size_t done = 0;
    while (at < end) {
        char piece[4] = {*at};
        size_t piece_bytes = 1;
        size_t used = 1;
        if (*at == '\\') {
            piece_bytes = escape_read(at + 1, end, piece, &used);
            used++;
        }
        if (piece_bytes == 0 || wanted_bytes - done < piece_bytes ||
            memcmp(wanted + done, piece, piece_bytes) != 0) {
            return false;
        }
        done += piece_bytes;
        at += used;
    }
    return done == wanted_bytes;
}

struct match {
    struct tg_front_span wanted;
    bool is_found;
};

static bool match_try(void *context, struct tg_front_span value)
{
    struct match *match = context;
    if (value.at[0] == '"') {
        match->is_found = string_is(value, match->wanted.at, match->wanted.length_bytes);
    } else {
        const struct decimal left = decimal_read(value);
        const struct decimal right = decimal_read(match->wanted);
        match->is_found = left.is_valid && right.is_valid
                              ? decimal_compare(&left, &right) == 0
                              : span_is(value, match->wanted.at, match->wanted.length_bytes);
    }
    return !match->is_found;
}

bool tg_front_json_matches(struct tg_front_span json, const char *path, const char *wanted,
                           size_t wanted_bytes)
{
    struct match match = {.wanted = {wanted, wanted_bytes}};
    (void)path_visit(json, path, 0, match_try, &match);
    return match.is_found;
}
