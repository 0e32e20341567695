/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A real radclient sends accounting over loopback and judges our answers; its bytes are
 * kept.
 *
 *  With TG_GOLDEN_WRITE=DIR in the environment the live test writes what radclient sent to DIR:
 * that is how tests/golden/data/radius_radclient_*.bin were made (freeradius-utils 3.2.1).
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
#include <unistd.h>

extern const struct tg_plugin tg_plugin_entry_radius;

#define ARRIVAL_NS INT64_C(1700000000000000000)

struct bed {
    const struct tg_decoder *decoder;
    void *state;
    struct tg_decoded out;
    struct tg_usage rows[256];
    uint32_t rows_input[256];
    struct tg_session sessions[64];
    struct tg_refusal refusals[64];
    struct tg_message messages[1];
    uint8_t datagram[4096];
    uint32_t datagram_bytes;
};

static const char common[] = "Acct-Session-Id = \"4D2BB8AC-00000098\"\n"
                             "User-Name = \"alice@example.net\"\n"
                             "Calling-Station-Id = \"491701234567\"\n"
                             "NAS-IP-Address = 192.0.2.1\n"
                             "Framed-IP-Address = 198.51.100.7\n"
                             "Framed-IPv6-Prefix = 2001:db8:1:2::/64\n"
                             "Event-Timestamp = 1699999990\n"
                             "3GPP-IMSI = \"262011234567890\"\n";
static const char counters[] = "Acct-Session-Time = 3600\n"
                               "Acct-Input-Octets = 123456\n"
                               "Acct-Input-Gigawords = 1\n"
                               "Acct-Output-Octets = 654321\n"
                               "Acct-Output-Gigawords = 2\n";

static void bed_open(struct bed *bed)
{
    static const struct tg_setting settings[] = {{"secret.127.0.0.1", "testing123", NULL, 0, 0}};
    const struct tg_decoder_config config = {sizeof(config), 1, settings, 1};
    struct tg_complaint why;
    memset(bed, 0, sizeof(*bed));
    bed->decoder = tg_plugin_entry_radius.contract;
    cr_assert_eq(bed->decoder->open(&config, &bed->state, &why), TG_OK);
    bed->out = (struct tg_decoded){.size_bytes = sizeof(bed->out),
                                   .rows_capacity = 256,
                                   .rows = bed->rows,
                                   .rows_input = bed->rows_input,
                                   .sessions_capacity = 64,
                                   .sessions = bed->sessions,
                                   .refusals_capacity = 64,
                                   .refusals = bed->refusals,
                                   .messages = bed->messages};
}

static struct tg_input bed_decode(struct bed *bed)
{
    struct tg_input input = {
        .bytes = bed->datagram, .length_bytes = bed->datagram_bytes, .arrival_ns = ARRIVAL_NS};
    memcpy(input.from.address, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
    bed->out.rows_count = bed->out.sessions_count = bed->out.refusals_count = 0;
    cr_assert_eq(bed->decoder->decode(bed->state, &input, 1, &bed->out), 1);
    return input;
}

static int loopback_socket(char port[8])
{
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
    socklen_t size = sizeof(address);
    cr_assert_geq(fd, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(port, 8, "%u", ntohs(address.sin_port));
    return fd;
}

static pid_t radclient(const char *port, const char *command, const char *attributes)
{
    int pipe_ends[2];
    char server[32];
    snprintf(server, sizeof(server), "127.0.0.1:%s", port);
    cr_assert_eq(pipe(pipe_ends), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        dup2(pipe_ends[0], 0);
        close(pipe_ends[0]);
        close(pipe_ends[1]);
        if (freopen("/dev/null", "w", stdout) == NULL) {
            _exit(126);
        }
        execlp("radclient", "radclient", "-r", "2", "-t", "3", server, command, "testing123",
               (char *)NULL);
        _exit(127);
    }
    close(pipe_ends[0]);
    cr_assert_eq(write(pipe_ends[1], attributes, strlen(attributes)), (ssize_t)strlen(attributes));
    close(pipe_ends[1]);
    return pid;
}

/* One request of radclient, decoded and answered. Returns radclient's exit code. */
static int exchange(struct bed *bed, const char *command, const char *attributes, bool spoil)
{
    char port[8];
    const int fd = loopback_socket(port);
    const pid_t pid = radclient(port, command, attributes);
    struct pollfd waiting = {fd, POLLIN, 0};
    int status = 0;
    bed->datagram_bytes = 0;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (poll(&waiting, 1, 50) != 1) {
            continue;
        }
        struct sockaddr_in from;
        socklen_t size = sizeof(from);
        const ssize_t got =
            recvfrom(fd, bed->datagram, sizeof(bed->datagram), 0, (struct sockaddr *)&from, &size);
        cr_assert_gt(got, 0);
        bed->datagram_bytes = (uint32_t)got;
        const struct tg_input input = bed_decode(bed);
        uint8_t answer[4096];
        if (bed->messages[0].flags & TG_MESSAGE_WANTS_ANSWER) {
            const uint32_t length =
                bed->decoder->answer(bed->state, &input, answer, sizeof(answer));
            answer[19] ^= spoil ? 1 : 0;
            cr_expect_eq(sendto(fd, answer, length, 0, (struct sockaddr *)&from, size),
                         (ssize_t)length);
        }
    }
    close(fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool has_radclient(void)
{
    return access("/usr/bin/radclient", X_OK) == 0;
}

static void keep_golden(const struct bed *bed, const char *name)
{
    char path[512];
    const char *folder = getenv("TG_GOLDEN_WRITE");
    if (folder != NULL) {
        snprintf(path, sizeof(path), "%s/radius_radclient_%s.bin", folder, name);
        FILE *file = fopen(path, "wb");
        cr_assert_not_null(file);
        fwrite(bed->datagram, 1, bed->datagram_bytes, file);
        fclose(file);
    }
}

static void check_usage(const struct bed *bed, const char *name)
{
    uint64_t number = 0;
    tg_digits_pack("491701234567", 12, &number);
    cr_assert_eq(bed->out.refusals_count, 0, "%s: %d", name, bed->messages[0].verdict);
    cr_assert_eq(bed->out.sessions_count, 2, "%s: IPv4 and IPv6", name);
    cr_expect_eq(bed->sessions[0].address_key, 0xc6336407);
    cr_expect_eq(bed->sessions[1].address_key, UINT64_C(0x20010db800010002));
    cr_expect_eq(bed->sessions[0].subscriber_key, number);
    if (strcmp(name, "start") == 0) {
        cr_expect_eq(bed->out.rows_count, 0);
        return;
    }
    cr_assert_eq(bed->out.rows_count, 1, "%s", name);
    cr_expect_eq(bed->rows[0].quantity_up, (UINT64_C(1) << 32) + 123456);
    cr_expect_eq(bed->rows[0].quantity_down, (UINT64_C(2) << 32) + 654321);
    cr_expect_eq(bed->rows[0].duration_ms, 3600000);
    cr_expect_eq(bed->rows[0].start_ns, INT64_C(1699996390000000000));
}

static const struct {
    const char *name;
    const char *status;
    bool has_counters;
} requests[] = {{"start", "Acct-Status-Type = Start\n", false},
                {"interim", "Acct-Status-Type = Interim-Update\n", true},
                {"stop", "Acct-Status-Type = Stop\nAcct-Terminate-Cause = User-Request\n", true}};

Test(radius_radclient, real_client_accepts_our_answers)
{
    /* If this fails, real access servers see no valid answer and resend their accounting for ever.
     */
    if (!has_radclient()) {
        cr_skip("radclient (freeradius-utils) is not installed");
    }
    struct bed *bed = malloc(sizeof(*bed));
    bed_open(bed);
    for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        char attributes[1024];
        snprintf(attributes, sizeof(attributes), "%s%s%s", requests[i].status, common,
                 requests[i].has_counters ? counters : "");
        cr_expect_eq(exchange(bed, "acct", attributes, false), 0, "%s", requests[i].name);
        check_usage(bed, requests[i].name);
        keep_golden(bed, requests[i].name);
    }
    bed->decoder->close(bed->state);
    free(bed);
}

Test(radius_radclient, real_client_rejects_a_spoilt_answer)
{
    /* If this fails, radclient accepts anything and the test beside this one proves nothing. */
    if (!has_radclient()) {
        cr_skip("radclient (freeradius-utils) is not installed");
    }
    struct bed *bed = malloc(sizeof(*bed));
    bed_open(bed);
    char attributes[1024];
    snprintf(attributes, sizeof(attributes), "%s%s", requests[0].status, common);
    cr_expect_neq(exchange(bed, "acct", attributes, true), 0);
    bed->decoder->close(bed->state);
    free(bed);
}

Test(radius_radclient, status_server_of_a_real_client_is_answered)
{
    /* If this fails, a client that probes before it sends (RFC 5997) believes that we are dead. */
    if (!has_radclient()) {
        cr_skip("radclient (freeradius-utils) is not installed");
    }
    struct bed *bed = malloc(sizeof(*bed));
    bed_open(bed);
    const char attributes[] = "Message-Authenticator = 0x00\nResponse-Packet-Type = 5\n";
    cr_expect_eq(exchange(bed, "status", attributes, false), 0);
    cr_expect_eq(bed->messages[0].verdict, TG_OK);
    cr_expect_eq(bed->datagram[0], 12);
    keep_golden(bed, "status");
    bed->decoder->close(bed->state);
    free(bed);
}

Test(radius_radclient, accounting_lists_of_freeradius_are_answered)
{
    /* If this fails, what FreeRADIUS' own tests send as accounting is not even acknowledged. */
    static const struct {
        const char *name;
        int verdict;
    } lists[] = {{"performance/packets/packet-acct.txt", TG_OK},
                 {"radclient/acct_1.txt", TG_E_MISSING_FIELD},
                 {"radclient/acct_2.txt", TG_E_MISSING_FIELD},
                 {"radclient/acct_3.txt", TG_E_MISSING_FIELD}};
    if (!has_radclient()) {
        cr_skip("radclient (freeradius-utils) is not installed");
    }
    struct bed *bed = malloc(sizeof(*bed));
    bed_open(bed);
    for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        char path[512];
        char text[2048];
        snprintf(path, sizeof(path),
                 TG_SOURCE_DIR "/../shared/data/radius/FreeRADIUS_freeradius-server/%s",
                 lists[i].name);
        FILE *file = fopen(path, "r");
        if (file == NULL) {
            cr_skip("no FreeRADIUS vectors beside the tree");
        }
        text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
        fclose(file);
        /* Version 4 writes enumerated values with two colons; Debian's client is version 3. */
        for (char *at = strstr(text, "::"); at != NULL; at = strstr(text, "::")) {
            memmove(at, at + 2, strlen(at + 2) + 1);
        }
        cr_expect_eq(exchange(bed, "acct", text, false), 0, "%s", lists[i].name);
        cr_expect_eq(bed->messages[0].verdict, lists[i].verdict, "%s", lists[i].name);
    }
    bed->decoder->close(bed->state);
    free(bed);
}

Test(radius_radclient, kept_bytes_give_the_same_rows)
{
    /* If this fails, a change of the decoder changes what real requests mean, radclient or not. */
    struct bed *bed = malloc(sizeof(*bed));
    bed_open(bed);
    for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        char path[512];
        snprintf(path, sizeof(path), TG_SOURCE_DIR "/tests/golden/data/radius_radclient_%s.bin",
                 requests[i].name);
        FILE *file = fopen(path, "rb");
        cr_assert_not_null(file, "%s", path);
        bed->datagram_bytes = (uint32_t)fread(bed->datagram, 1, sizeof(bed->datagram), file);
        fclose(file);
        bed_decode(bed);
        check_usage(bed, requests[i].name);
    }
    bed->decoder->close(bed->state);
    free(bed);
}
