/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What util-linux' logger sends, over loopback and as kept bytes.
 *
 *  With TG_GOLDEN_WRITE=DIR in the environment the live test writes what logger sent to DIR: that
 * is how tests/golden/data/syslog_logger_*.bin were made (bsdutils 2.38.1).
 */
#include "abi/decoder.h"
#include "abi/key.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern const struct tg_plugin tg_plugin_entry_syslog;

struct seen {
    struct tg_observation observation;
    uint8_t text[65536];
};

static const char *text_of(const struct seen *seen, unsigned i)
{
    const char *at = (const char *)seen->text;
    while (i-- > 0) {
        at += strlen(at) + 1;
    }
    return at;
}

static void decode(const char *bytes, uint32_t length, int64_t arrival_ns, struct seen *seen)
{
    const struct tg_decoder *decoder = tg_plugin_entry_syslog.contract;
    const struct tg_decoder_config config = {sizeof(config), 0, NULL, 1};
    const struct tg_input input = {
        .bytes = (const uint8_t *)bytes, .length_bytes = length, .arrival_ns = arrival_ns};
    struct tg_refusal refusal;
    struct tg_message message;
    struct tg_decoded out = {.size_bytes = sizeof(out),
                             .observations_capacity = 1,
                             .observations = &seen->observation,
                             .refusals_capacity = 1,
                             .refusals = &refusal,
                             .text_capacity_bytes = sizeof(seen->text),
                             .text = seen->text,
                             .messages = &message};
    struct tg_complaint why;
    void *state;
    cr_assert_eq(decoder->open(&config, &state, &why), TG_OK);
    cr_assert_eq(decoder->decode(state, &input, 1, &out), 1);
    cr_assert_eq(out.observations_count, 1, "%.*s: %d", (int)length, bytes, message.verdict);
    decoder->close(state);
}

static void check(const char *name, const struct seen *seen)
{
    const bool is_new = strcmp(name, "rfc5424") == 0;
    cr_expect_eq(seen->observation.facility, 20, "%s: local4", name);
    cr_expect_eq(seen->observation.severity, 3, "%s: err", name);
    cr_expect_gt(strlen(text_of(seen, 0)), 0, "%s: host", name);
    cr_expect_str_eq(text_of(seen, 1), "bgpd");
    cr_expect_str_eq(text_of(seen, 2), is_new ? "ADJCHANGE" : "");
    const char *body = text_of(seen, 3);
    cr_expect_not_null(strstr(body, "neighbor 10.0.0.2 down"), "%s: %s", name, body);
    cr_expect_eq(seen->observation.qualifier, is_new ? tg_key_name("ge-0/0/1", 8) : 0);
    cr_expect_eq(strstr(body, "[port@32473 if=\"ge-0/0/1\"]") != NULL, is_new);
}

static void keep_golden(const char *name, const char *bytes, size_t length)
{
    char path[512];
    const char *folder = getenv("TG_GOLDEN_WRITE");
    if (folder != NULL) {
        snprintf(path, sizeof(path), "%s/syslog_logger_%s.bin", folder, name);
        FILE *file = fopen(path, "wb");
        cr_assert_not_null(file);
        fwrite(bytes, 1, length, file);
        fclose(file);
    }
}

static size_t hear_logger(const char *name, char *bytes, size_t capacity)
{
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
    socklen_t size = sizeof(address);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    char port[8];
    snprintf(port, sizeof(port), "%u", ntohs(address.sin_port));
    const pid_t pid = fork();
    if (pid == 0) {
        setenv("TZ", "UTC", 1);
        if (strcmp(name, "rfc5424") == 0) {
            execlp("logger", "logger", "-n", "127.0.0.1", "-P", port, "-d", "--rfc5424", "-p",
                   "local4.err", "-t", "bgpd", "--msgid", "ADJCHANGE", "--sd-id", "port@32473",
                   "--sd-param", "if=\"ge-0/0/1\"", "neighbor 10.0.0.2 down", (char *)NULL);
        } else {
            execlp("logger", "logger", "-n", "127.0.0.1", "-P", port, "-d", "--rfc3164", "-p",
                   "local4.err", "-t", "bgpd", "neighbor 10.0.0.2 down", (char *)NULL);
        }
        _exit(127);
    }
    struct pollfd waiting = {fd, POLLIN, 0};
    cr_assert_eq(poll(&waiting, 1, 5000), 1, "logger sent nothing");
    const ssize_t got = recv(fd, bytes, capacity, 0);
    waitpid(pid, NULL, 0);
    close(fd);
    cr_assert_gt(got, 0);
    return (size_t)got;
}

Test(syslog_logger, real_logger_is_understood)
{
    /* If this fails, what every Linux node sends by default is refused or misread. */
    if (access("/usr/bin/logger", X_OK) != 0) {
        cr_skip("logger (bsdutils) is not installed");
    }
    static struct seen seen;
    static char bytes[65536];
    static const char *const names[] = {"rfc5424", "rfc3164"};
    for (unsigned i = 0; i < 2; i++) {
        const size_t length = hear_logger(names[i], bytes, sizeof(bytes));
        const int64_t now_ns = (int64_t)time(NULL) * 1000000000;
        decode(bytes, (uint32_t)length, now_ns, &seen);
        check(names[i], &seen);
        const int64_t apart_ns = now_ns - seen.observation.event_ns;
        cr_expect(apart_ns > -INT64_C(5000000000) && apart_ns < INT64_C(5000000000),
                  "%s: the event is %lld ns from now", names[i], (long long)apart_ns);
        keep_golden(names[i], bytes, length);
    }
}

Test(syslog_logger, kept_bytes_are_understood)
{
    /* If this fails, a change of the decoder changes what real messages mean, logger or not. */
    static struct seen seen;
    static char bytes[65536];
    static const char *const names[] = {"rfc5424", "rfc3164"};
    for (unsigned i = 0; i < 2; i++) {
        char path[512];
        snprintf(path, sizeof(path), TG_SOURCE_DIR "/tests/golden/data/syslog_logger_%s.bin",
                 names[i]);
        FILE *file = fopen(path, "rb");
        cr_assert_not_null(file, "%s", path);
        const size_t length = fread(bytes, 1, sizeof(bytes), file);
        fclose(file);
        decode(bytes, (uint32_t)length, INT64_C(1795435200000000000), &seen);
        check(names[i], &seen);
    }
}
