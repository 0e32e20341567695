/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Telegraf's syslog test cases: their inputs, their expected lines, our observations.
 *
 *  Read in place from ../shared/data; skipped where that is absent. Where Telegraf is run
 *  "best effort" it keeps the PRI of a message that ends early; we refuse such a message whole.
 */
#include "abi/decoder.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct tg_plugin tg_plugin_entry_syslog;

#define CASES TG_SOURCE_DIR "/../shared/data/syslog/influxdata_telegraf"
/* 2026-12-02T16:31:10Z: Telegraf's RFC 3164 expectation is in that year. */
#define ARRIVAL_NS INT64_C(1796229070000000000)

static size_t read_case(const char *name, const char *file_name, char *text, size_t capacity)
{
    char path[700];
    snprintf(path, sizeof(path), CASES "/%s/%s", name, file_name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return 0;
    }
    const size_t length = fread(text, 1, capacity - 1, file);
    fclose(file);
    text[length] = '\0';
    return length;
}

/* Value of `key=` in a line of influx protocol, quotes and escapes taken off. */
static bool expected(const char *line, const char *key, char *value, size_t capacity)
{
    const char *at = line;
    const size_t key_length = strlen(key);
    while ((at = strstr(at, key)) != NULL &&
           (at[key_length] != '=' || (at != line && at[-1] != ',' && at[-1] != ' '))) {
        at++;
    }
    size_t count = 0;
    if (at == NULL) {
        value[0] = '\0';
        return false;
    }
    at += key_length + 1;
    if (*at == '"') {
        for (at++; *at != '"' && count < capacity - 1; at++) {
            at += *at == '\\';
            value[count++] = *at == 'n' && at[-1] == '\\' ? '\n' : *at;
        }
    } else {
        for (; *at != ',' && *at != ' ' && *at != '\0' && count < capacity - 1; at++) {
            value[count++] = *at;
        }
        /* "3i" is an integer. */
        count -= count > 1 && value[count - 1] == 'i' && value[0] <= '9' && value[0] >= '0';
    }
    value[count] = '\0';
    return true;
}

static const char *text_of(const uint8_t *text, unsigned i)
{
    const char *at = (const char *)text;
    while (i-- > 0) {
        at += strlen(at) + 1;
    }
    return at;
}

static void compare(const char *name, const char *line, const struct tg_observation *o,
                    const uint8_t *text)
{
    static char value[9000];
    expected(line, "facility_code", value, sizeof(value));
    cr_expect_eq(o->facility, strtol(value, NULL, 10), "%s: facility", name);
    expected(line, "severity_code", value, sizeof(value));
    cr_expect_eq(o->severity, strtol(value, NULL, 10), "%s: severity", name);
    const bool has_time = expected(line, "timestamp", value, sizeof(value));
    cr_expect_eq(o->event_ns, has_time ? strtoll(value, NULL, 10) : ARRIVAL_NS, "%s: %" PRId64,
                 name, o->event_ns);
    expected(line, "hostname", value, sizeof(value));
    cr_expect_str_eq(text_of(text, 0), value, "%s: host", name);
    expected(line, "appname", value, sizeof(value));
    cr_expect_str_eq(text_of(text, 1), value, "%s: app", name);
    expected(line, "msgid", value, sizeof(value));
    cr_expect_str_eq(text_of(text, 2), value, "%s: msgid", name);
    expected(line, "message", value, sizeof(value));
    const char *body = text_of(text, 3);
    const size_t body_length = strlen(body);
    const size_t length = strlen(value);
    cr_expect(body_length >= length && strcmp(body + body_length - length, value) == 0,
              "%s: body is '%s'", name, body);
}

Test(syslog_telegraf, all_cases_read_as_telegraf_reads_them)
{
    /* If this fails, we read a fault in a log line that the rest of the world reads otherwise. */
    static char input_text[16384];
    static char line[16384];
    static char conf[1024];
    static uint8_t text[65536];
    static struct tg_observation observations[64];
    static struct tg_refusal refusals[64];
    const struct tg_decoder *decoder = tg_plugin_entry_syslog.contract;
    DIR *folder = opendir(CASES);
    if (folder == NULL) {
        cr_skip("no Telegraf cases beside the tree");
    }
    unsigned compared = 0;
    unsigned refused = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        const char *name = entry->d_name;
        const size_t length = read_case(name, "input.txt", input_text, sizeof(input_text));
        if (name[0] == '.' || length == 0) {
            continue;
        }
        line[0] = '\0';
        read_case(name, "expected.out", line, sizeof(line));
        read_case(name, "telegraf.conf", conf, sizeof(conf));
        const bool is_udp = strstr(conf, "udp://") != NULL;
        const bool has_lines = strstr(conf, "non-transparent") != NULL;
        const struct tg_setting setting = {"framing",
                                           is_udp      ? "datagram"
                                           : has_lines ? "newline"
                                                       : "octet-counting",
                                           NULL, 0, 0};
        const struct tg_decoder_config config = {sizeof(config), 1, &setting, 1};
        const struct tg_input input = {.bytes = (const uint8_t *)input_text,
                                       .length_bytes = (uint32_t)length,
                                       .arrival_ns = ARRIVAL_NS};
        struct tg_message message;
        struct tg_decoded out = {.size_bytes = sizeof(out),
                                 .observations_capacity = 64,
                                 .observations = observations,
                                 .refusals_capacity = 64,
                                 .refusals = refusals,
                                 .text_capacity_bytes = sizeof(text),
                                 .text = text,
                                 .messages = &message};
        struct tg_complaint why;
        void *state;
        cr_assert_eq(decoder->open(&config, &state, &why), TG_OK);
        cr_assert_eq(decoder->decode(state, &input, 1, &out), 1);
        decoder->close(state);
        if (strstr(name, "underflow") != NULL) {
            cr_expect_eq(out.refusals_count, 1, "%s", name);
            cr_expect_eq(refusals[0].reason, TG_E_TRUNCATED, "%s", name);
            refused++;
            continue;
        }
        cr_expect_eq(out.refusals_count, 0, "%s: %d", name, message.verdict);
        cr_assert_eq(out.observations_count, 1, "%s", name);
        compare(name, line, &observations[0], text);
        compared++;
    }
    closedir(folder);
    cr_expect_geq(compared, 20, "%u cases", compared);
    cr_expect_eq(refused, 2);
}
