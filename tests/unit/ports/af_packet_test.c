/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* setns */
#include "ports/port.h"

#include "base/clock.h"
#include "base/limits.h"
#include "rt/eal.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ECHOES_COUNT 200
#define BLAST_COUNT  60000u /* twice what the receive ring holds */
#define BLAST_MARK   0xb1a57u

static int run_library(const char *call)
{
    char command[512];
    (void)snprintf(command, sizeof command,
                   "bash -c '. \"%s/tests/system/lib_netns.sh\"; %s tgt%d'", TG_SOURCE_DIR, call,
                   (int)getpid());
    return system(command);
}

static bool enter(const char *side)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/run/netns/tgt%d-%s", (int)getpid(), side);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const bool is_in = fd >= 0 && setns(fd, CLONE_NEWNET) == 0;
    (void)close(fd);
    return is_in;
}

/* A plain kernel client: it takes an answer only from the address and port it is connected to, and
 * only with right checksums. Returns how many of its datagrams were answered in kind. */
static int client_echo(int family)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(1813)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(1813)};
    const struct timeval patience = {.tv_sec = 2};
    int answered = 0;
    (void)inet_pton(AF_INET, "10.99.0.2", &v4.sin_addr);
    (void)inet_pton(AF_INET6, "fd99::2", &v6.sin6_addr);
    const int fd = socket(family, SOCK_DGRAM, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (family == AF_INET ? connect(fd, (struct sockaddr *)&v4, sizeof v4)
                          : connect(fd, (struct sockaddr *)&v6, sizeof v6)) {
        return -1;
    }
    for (int i = 0; i < ECHOES_COUNT; i++) {
        uint8_t question[1400], answer[1500];
        const size_t bytes = 1 + (size_t)i * 7 % sizeof question;
        memset(question, i, bytes);
        if (send(fd, question, bytes, 0) != (ssize_t)bytes) {
            break;
        }
        const ssize_t got = recv(fd, answer, sizeof answer, 0);
        if (got != (ssize_t)bytes || memcmp(question, answer, bytes) != 0) {
            break;
        }
        answered++;
    }
    (void)close(fd);
    return answered;
}

static void client_blast(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(2055)};
    (void)inet_pton(AF_INET, "10.99.0.2", &to.sin_addr);
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    uint32_t words[75] = {BLAST_MARK};
    for (uint32_t i = 0; i < BLAST_COUNT; i++) {
        words[1] = i;
        if (sendto(fd, words, sizeof words, 0, (struct sockaddr *)&to, sizeof to) < 0) {
            _exit(9);
        }
    }
    (void)close(fd);
}

static pid_t start_client(void)
{
    const pid_t child = fork();
    if (child == 0) {
        const int v4 = client_echo(AF_INET);
        const int v6 = client_echo(AF_INET6);
        if (v4 != ECHOES_COUNT || v6 != ECHOES_COUNT) {
            fprintf(stderr, "client: %d and %d of %d echoes\n", v4, v6, ECHOES_COUNT);
            _exit(1);
        }
        client_blast();
        _exit(0);
    }
    return child;
}

/* What the kernel says the interface received, in the namespace we are in. */
static uint64_t interface_frames(void)
{
    char line[512];
    unsigned long long octets = 0, frames = 0;
    FILE *file = fopen("/proc/thread-self/net/dev", "r");
    cr_assert_not_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        const char *at = strstr(line, "tgb0:");
        if (at != NULL) {
            (void)sscanf(at + 5, "%llu %llu", &octets, &frames);
        }
    }
    (void)fclose(file);
    return frames;
}

struct seen {
    uint32_t blast_count;
    uint32_t out_of_order_count;
    uint32_t next;
};

static void serve(struct tg_port *port, struct seen *seen)
{
    struct tg_input inputs[TG_BURST_MAX];
    const uint32_t count = tg_port_burst(port, 5, inputs, TG_BURST_MAX);
    for (uint32_t i = 0; i < count; i++) {
        if (inputs[i].local_port == 1813) {
            struct tg_return_path path;
            tg_port_return_path(port, i, &path);
            cr_expect_eq(tg_port_answer(port, &path, inputs[i].bytes, inputs[i].length_bytes),
                         TG_OK);
            continue;
        }
        uint32_t words[2];
        memcpy(words, inputs[i].bytes, sizeof words);
        cr_assert(words[0] == BLAST_MARK && inputs[i].length_bytes == 300);
        seen->blast_count++;
        seen->out_of_order_count += words[1] < seen->next;
        seen->next = words[1] + 1;
    }
    tg_port_release(port);
}

static void tear_down(void)
{
    if (geteuid() == 0) {
        (void)run_library("tg_netns_down");
    }
}

/* If this failed, a NIC shared with the kernel would lose usage uncounted, and RADIUS clients would
 * never see our accounting responses. */
Test(af_packet, a_kernel_client_over_a_veth_pair_is_read_and_answered, .fini = tear_down,
     .timeout = 600)
{
    const struct tg_eal_config eal = {
        .size_bytes = sizeof eal, .memory = TG_EAL_MEMORY_NO_HUGE, .memory_mib = 160};
    const struct tg_port_config config = {
        .size_bytes = sizeof config, .kind = TG_PORT_AF_PACKET, .name = "veth", .target = "tgb0"};
    struct tg_why why = {""};
    struct tg_port *port = NULL;
    if (geteuid() != 0 || run_library("tg_netns_up") != 0 || !enter("b")) {
        fprintf(stderr, "af_packet: skipped: no root or no network namespaces\n");
        cr_skip("needs root and network namespaces");
    }
    cr_assert_eq(tg_eal_start(&eal, &why), TG_OK, "%s", why.text);
    const uint64_t before_open = interface_frames();
    cr_assert_eq(tg_port_open(&config, &port, &why), TG_OK, "%s", why.text);
    const uint64_t after_open = interface_frames();
    cr_assert(enter("a"));
    const pid_t child = start_client();
    cr_assert(enter("b"));
    struct seen seen = {0};
    int status = -1;
    bool is_over = false;
    for (int64_t quiet_ns = INT64_MAX; !is_over || tg_clock_monotonic_ns() < quiet_ns;) {
        /* Once the blast begins nobody reads until it is over: the ring must overflow. */
        if (seen.blast_count == 0 || is_over) {
            serve(port, &seen);
        }
        if (!is_over && waitpid(child, &status, WNOHANG) == child) {
            is_over = true;
            quiet_ns = tg_clock_monotonic_ns() + 300 * TG_NS_PER_MS;
        }
    }
    struct tg_port_counters counters;
    /* The kernels of both sides still say a word now and then (multicast reports): look until a
     * frame that the interface has counted has reached the port too. */
    for (unsigned i = 0; i < 50; i++) {
        serve(port, &seen);
        tg_port_counters(port, &counters);
        if (counters.frames_count + counters.dropped_count >= interface_frames() - after_open) {
            break;
        }
        (void)usleep(20000);
    }
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "client status %x", status);
    cr_expect_eq(counters.answers_count, 2 * ECHOES_COUNT);
    cr_expect_eq(seen.out_of_order_count, 0);
    cr_expect_gt(seen.blast_count, 0);
    cr_expect_gt(counters.dropped_count, 0);
    fprintf(stderr, "af_packet: %u of %u received, %llu counted as dropped\n", seen.blast_count,
            BLAST_COUNT, (unsigned long long)counters.dropped_count);
    /* Offered = accepted + dropped. The client's kernel may add a multicast report or two, so
     * the interface's own count is what must agree; it may have begun while the port was opened. */
    const uint64_t fates = counters.frames_count + counters.dropped_count;
    const uint64_t end = interface_frames();
    cr_expect(fates >= end - after_open && fates <= end - before_open,
              "%lu frames have a fate, the interface received %lu", (unsigned long)fates,
              (unsigned long)(end - after_open));
    cr_expect_geq(seen.blast_count + counters.dropped_count, BLAST_COUNT);
    cr_expect_leq(seen.blast_count + counters.dropped_count, BLAST_COUNT + 16);
    tg_port_close(port);
    tg_eal_stop();
}
