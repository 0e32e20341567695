/* SPDX-License-Identifier: Apache-2.0 */
#include "front_query.h"

#include <string.h>

struct tg_front_query tg_front_query(void)
{
    return (struct tg_front_query){.limit = TG_FRONT_LIMIT_DEFAULT};
}

/* Plain digits up to 2^53: what every client can hold. */
static bool number_read(const char *text, uint64_t *number)
{
    uint64_t value = 0;
    if (text[0] == '\0') {
        return false;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || value > (UINT64_C(1) << 53)) {
            return false;
        }
        value = value * 10 + (uint64_t)(*at - '0');
    }
    *number = value;
    return true;
}

void tg_front_query_add(struct tg_front_query *query, const char *key, const char *value)
{
    const char *text = value != NULL ? value : "";
    uint64_t number = 0;
    if (strcmp(key, "offset") == 0) {
        if (!number_read(text, &query->offset)) {
            query->complaint = "offset must be a number from 0";
        }
    } else if (strcmp(key, "limit") == 0) {
        if (!number_read(text, &number)) {
            query->complaint = "limit must be a number from 0";
            return;
        }
        query->limit = number > TG_FRONT_LIMIT_MAX ? TG_FRONT_LIMIT_MAX : (uint32_t)number;
    } else if (strcmp(key, "fields") == 0) {
        query->fields = text;
    } else if (strcmp(key, "sort") == 0) {
        query->is_descending = text[0] == '-';
        query->sort = text + (text[0] == '-' || text[0] == '+' || text[0] == ' ');
        if (query->sort[0] == '\0' || strchr(query->sort, ',') != NULL) {
            query->complaint = "sort takes one attribute, with - before it for descending order";
        }
    } else if (query->filters_count == TG_FRONT_FILTERS_MAX) {
        query->complaint = "too many filters";
    } else {
        query->filters[query->filters_count++] = (struct tg_front_filter){key, text};
    }
}

bool tg_front_query_matches(const struct tg_front_query *query, struct tg_front_span json)
{
    for (uint32_t i = 0; i < query->filters_count; i++) {
        const char *at = query->filters[i].values;
        bool matches = false;
        while (!matches) {
            const size_t length = strcspn(at, ",");
            matches = tg_front_json_matches(json, query->filters[i].path, at, length);
            if (at[length] == '\0') {
                break;
            }
            at += length + 1;
        }
        if (!matches) {
            return false;
        }
    }
    return true;
}

static bool span_is(struct tg_front_span span, const char *text, size_t text_bytes)
{
    return span.length_bytes == text_bytes && memcmp(span.at, text, text_bytes) == 0;
}

bool tg_front_query_shows(const struct tg_front_query *query, struct tg_front_span key)
{
    if (query->fields == NULL || span_is(key, "id", 2) || span_is(key, "href", 4) ||
        span_is(key, "@type", 5)) {
        return true;
    }
    /* "a.b" shows all of a: a part of a member would be another document than the stored one. */
    for (const char *at = query->fields; *at != '\0';) {
        const size_t length = strcspn(at, ",");
        if (span_is(key, at, strcspn(at, ",.")) && length > 0) {
            return true;
        }
        at += length + (at[length] == ',');
    }
    return false;
}
