/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads of about 35 vendors' exporters against what another collector's own test-suite expects
 * of them: the number of records and single field values (logstash_expect.jsonl, outside the tree).
 */
#include "lib/flowfeed.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FOLDER     TG_SOURCE_DIR "/../shared/data/netflow/logstash-plugins_logstash-codec-netflow/"
#define ARRIVAL_NS (INT64_C(1600000000) * 1000000000)
#define FILES_MAX  8u

extern const struct tg_plugin tg_plugin_entry_netflow5;
extern const struct tg_plugin tg_plugin_entry_netflow9;
extern const struct tg_plugin tg_plugin_entry_ipfix;

static struct tg_feed feed;
static uint8_t files[FILES_MAX][65536];
static uint32_t files_bytes[FILES_MAX];

/** That source's names where they are not the standard's in lower case. */
static const char *const aliases[][2] = {
    {"fwd_flow_delta_bytes", "initiatorOctets"},
    {"rev_flow_delta_bytes", "responderOctets"},
    {"conn_id", "flowId"},
    {"nprobe_proto", "L7_PROTO"},
    {"ipv4_src_addr", "srcaddr"},
    {"ipv4_dst_addr", "dstaddr"},
    {"l4_src_port", "srcport"},
    {"l4_dst_port", "dstport"},
    {"src_tos", "tos"},
};

static bool same_word(const char *a, const char *b)
{
    while (*a != '\0' && tolower((unsigned char)*a) == tolower((unsigned char)*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

static uint64_t number(const struct tg_field *field)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < field->length_bytes && i < 8; i++) {
        value = value << 8 | field->bytes[i];
    }
    return value;
}

static void print_time(const struct tg_field *field, char *text, size_t room)
{
    const uint64_t value = number(field);
    const time_t seconds = (time_t)((value >> 32) - UINT64_C(2208988800));
    const uint64_t fraction_ns = ((value & UINT32_MAX) * UINT64_C(1000000000)) >> 32;
    struct tm parts;
    char stem[32];
    gmtime_r(&seconds, &parts);
    strftime(stem, sizeof(stem), "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text, room, "%s.%09" PRIu64 "Z", stem, fraction_ns);
}

/* RFC 6759 4.1: engine, for engine 20 an enterprise number, selector. */
static void print_application(const struct tg_field *field, char *text, size_t room)
{
    uint32_t at = 1;
    size_t used = (size_t)snprintf(text, room, "%u", field->bytes[0]);
    if (field->bytes[0] == 20 && field->length_bytes > 5) {
        const struct tg_field pen = {.bytes = field->bytes + 1, .length_bytes = 4};
        used += (size_t)snprintf(text + used, room - used, "..%" PRIu64, number(&pen));
        at = 5;
    }
    const struct tg_field selector = {.bytes = field->bytes + at,
                                      .length_bytes = (uint16_t)(field->length_bytes - at)};
    snprintf(text + used, room - used, "..%" PRIu64, number(&selector));
}

static void print_bytes(const struct tg_field *field, const char *form, const char *between,
                        char *text, size_t room)
{
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < field->length_bytes && used + 4 < room; i++) {
        used += (size_t)snprintf(text + used, room - used, "%s", i > 0 ? between : "");
        used += (size_t)snprintf(text + used, room - used, form, field->bytes[i]);
    }
}

static void print_field(const struct tg_field *field, char *text, size_t room)
{
    switch (field->type) {
    case TG_FIELD_IP4:
        inet_ntop(AF_INET, field->bytes, text, (socklen_t)room);
        break;
    case TG_FIELD_IP6:
        inet_ntop(AF_INET6, field->bytes, text, (socklen_t)room);
        break;
    case TG_FIELD_MAC:
        print_bytes(field, "%02x", ":", text, room);
        break;
    case TG_FIELD_STRING:
        snprintf(text, room, "%.*s", (int)field->length_bytes, (const char *)field->bytes);
        break;
    case TG_FIELD_MICROSECONDS:
        print_time(field, text, room);
        break;
    case TG_FIELD_OCTETS:
        if (field->element == 95 && field->enterprise == 0) {
            print_application(field, text, room);
        } else {
            print_bytes(field, "%02x", "", text, room);
        }
        break;
    default:
        snprintf(text, room, "%" PRIu64, number(field));
        break;
    }
}

static const struct tg_field *find_field(uint32_t row, const char *name)
{
    const char *other = name;
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        if (strcmp(aliases[i][0], name) == 0) {
            other = aliases[i][1];
        }
    }
    for (uint32_t i = 0; i < feed.fields_count; i++) {
        const struct tg_field *field = &feed.fields[i];
        if (field->row_index == row && field->name != NULL &&
            (same_word(field->name, name) || same_word(field->name, other))) {
            return field;
        }
    }
    return NULL;
}

/* The set a row's bytes lie in: its header is the last one before them. */
static uint32_t set_id_of(uint32_t row)
{
    const struct tg_field *field = NULL;
    for (uint32_t i = 0; i < feed.fields_count && field == NULL; i++) {
        field = feed.fields[i].row_index == row ? &feed.fields[i] : NULL;
    }
    for (uint32_t f = 0; f < FILES_MAX && field != NULL; f++) {
        const uint8_t *bytes = files[f];
        if (field->bytes < bytes || field->bytes >= bytes + files_bytes[f]) {
            continue;
        }
        uint32_t at = bytes[1] == 9 ? 20 : 16;
        for (;;) {
            const uint32_t length = (uint32_t)bytes[at + 2] << 8 | bytes[at + 3];
            if (field->bytes < bytes + at + length) {
                return (uint32_t)bytes[at] << 8 | bytes[at + 1];
            }
            at += length;
        }
    }
    return 0;
}

/* Values come as JSON text, or as Ruby text in single quotes with an interpolation. */
static void expected_text(const char *value, char *text, size_t room)
{
    size_t used = 0;
    const size_t length = strlen(value);
    const bool is_quoted = length >= 2 && (value[0] == '"' || value[0] == '\'');
    for (size_t i = is_quoted ? 1 : 0; i < length - (is_quoted ? 1 : 0) && used + 8 < room; i++) {
        if (strncmp(value + i, "#{nanos}", 8) == 0) {
            used += (size_t)snprintf(text + used, room - used, "127768");
            i += 7;
            continue;
        }
        text[used++] = value[i];
    }
    text[used] = '\0';
}

/* That source prints times with the precision its Ruby has. */
static bool is_time_equal(const char *got, const char *expected)
{
    const size_t length = strlen(expected);
    return length > 20 && expected[length - 1] == 'Z' && strlen(got) > length &&
           strncmp(got, expected, length - 1) == 0;
}

static void check_value(const char *context, uint32_t row, const char *path, const char *value)
{
    static char got[4096];
    static char expected[4096];
    char name[128];
    snprintf(name, sizeof(name), "%s", strrchr(path, '[') + 1);
    name[strlen(name) - 1] = '\0';
    expected_text(value, expected, sizeof(expected));
    if (strcmp(name, "version") == 0) {
        snprintf(got, sizeof(got), "%u", files[0][1]);
    } else if (strcmp(name, "flowset_id") == 0) {
        snprintf(got, sizeof(got), "%u", set_id_of(row));
    } else {
        const struct tg_field *field = find_field(row, name);
        cr_expect_not_null(field, "%s: event %u has no %s", context, row, name);
        if (field == NULL) {
            return;
        }
        print_field(field, got, sizeof(got));
    }
    cr_expect(strcmp(got, expected) == 0 || is_time_equal(got, expected),
              "%s: event %u %s is '%s', expected '%s'", context, row, name, got, expected);
}

static const struct tg_plugin *plugin_of(uint16_t version)
{
    return version == 5   ? &tg_plugin_entry_netflow5
           : version == 9 ? &tg_plugin_entry_netflow9
                          : &tg_plugin_entry_ipfix;
}

static void load_files(const json_t *names)
{
    memset(files_bytes, 0, sizeof(files_bytes));
    for (uint32_t f = 0; f < json_array_size(names); f++) {
        char path[512];
        snprintf(path, sizeof(path), FOLDER "%s", json_string_value(json_array_get(names, f)));
        FILE *file = fopen(path, "rb");
        cr_assert_not_null(file, "%s", path);
        files_bytes[f] = (uint32_t)fread(files[f], 1, sizeof(files[f]), file);
        fclose(file);
    }
}

/* Feed the files of a context. Returns rows that came late, from data parked before its template:
 * that source drops such data, RFC 7011 9.1 lets a collector keep it. They come before all events
 * of the one context that has any. */
static uint32_t feed_context(const json_t *context)
{
    const json_t *names = json_object_get(context, "files");
    load_files(names);
    const struct tg_plugin *plugin = plugin_of(files[0][1]);
    cr_assert(((const struct tg_decoder *)plugin->contract)->probe(files[0], files_bytes[0]));
    cr_assert_eq(tg_feed_open(&feed, plugin, NULL, 0), TG_OK);
    feed.wants_fields = true;
    uint32_t late_count = 0;
    for (uint32_t f = 0; f < json_array_size(names); f++) {
        const uint32_t rows_before = feed.rows_count;
        const uint32_t released_before = feed.released_count;
        tg_feed_bytes(&feed, files[f], files_bytes[f], ARRIVAL_NS);
        if (feed.released_count > released_before) {
            late_count += feed.rows_count - rows_before;
        }
    }
    cr_assert(!feed.is_stuck);
    tg_feed_close(&feed);
    return late_count;
}

/* If this fails we count or read the records of some vendor's exporter otherwise than the standard
 * says, and its subscribers are billed by wrong octets or addresses. */
Test(flow_logstash, every_context_has_its_records_and_fields, .timeout = 600)
{
    FILE *lines = fopen(FOLDER "logstash_expect.jsonl", "r");
    if (lines == NULL) {
        cr_skip("no shared data beside the source tree");
    }
    static char line[1 << 20];
    uint32_t counts = 0;
    uint32_t checks = 0;
    while (fgets(line, sizeof(line), lines) != NULL) {
        json_t *context = json_loads(line, JSON_ALLOW_NUL, NULL);
        cr_assert_not_null(context);
        const char *name = json_string_value(json_object_get(context, "context"));
        const json_t *events = json_object_get(context, "events");
        const uint32_t late_count = feed_context(context);
        if (json_is_integer(events)) {
            counts++;
            cr_expect_eq((json_int_t)(feed.rows_count - late_count), json_integer_value(events),
                         "%s: %u records and %u late, expected %lld", name,
                         feed.rows_count - late_count, late_count,
                         (long long)json_integer_value(events));
        }
        size_t i;
        json_t *check;
        json_array_foreach(json_object_get(context, "field_checks"), i, check)
        {
            checks++;
            check_value(name,
                        late_count + (uint32_t)json_integer_value(json_object_get(check, "event")),
                        json_string_value(json_object_get(check, "field")),
                        json_string_value(json_object_get(check, "value")));
        }
        json_decref(context);
    }
    fclose(lines);
    cr_expect_eq(counts, 43);
    cr_expect_eq(checks, 172);
}
