/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/port.h"

#include "base/limits.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A free UDP port: bind to 0, look, let go. */
static uint16_t free_port(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    socklen_t bytes = sizeof address;
    const int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, bytes), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &bytes), 0);
    (void)close(fd);
    return ntohs(address.sin6_port);
}

static struct tg_port *open_port(const char *host, uint16_t number)
{
    char target[80];
    struct tg_port *port = NULL;
    struct tg_why why = {""};
    (void)snprintf(target, sizeof target, "%s:%u", host, number);
    const struct tg_port_config config = {
        .size_bytes = sizeof config, .kind = TG_PORT_SOCKET, .name = "udp", .target = target};
    cr_assert_eq(tg_port_open(&config, &port, &why), TG_OK, "%s", why.text);
    return port;
}

/* A client connected to host: the kernel then drops answers from any other address or port. */
static int connect_to(const char *host, uint16_t number)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(number)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(number)};
    const bool is_v4 = inet_pton(AF_INET, host, &v4.sin_addr) == 1;
    cr_assert(is_v4 || inet_pton(AF_INET6, host, &v6.sin6_addr) == 1);
    const int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
    cr_assert_eq(is_v4 ? connect(fd, (struct sockaddr *)&v4, sizeof v4)
                       : connect(fd, (struct sockaddr *)&v6, sizeof v6),
                 0);
    const struct timeval patience = {.tv_sec = 2};
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    return fd;
}

static const struct pair {
    const char *listen;
    const char *client;
} pairs[] = {{"127.0.0.1", "127.0.0.1"}, {"[::1]", "::1"}, {"0.0.0.0", "127.0.0.1"},
             {"0.0.0.0", "127.0.0.9"},   {"[::]", "::1"},  {"[::]", "127.0.0.1"},
             {"[::]", "127.0.0.7"}};

/* If this failed, a laptop without a spare NIC could not feed the engine, and RADIUS clients would
 * drop our answers because they come from another address than the one asked. */
Test(socket_port, datagrams_arrive_and_answers_are_accepted_on_both_families)
{
    for (size_t p = 0; p < sizeof pairs / sizeof pairs[0]; p++) {
        const uint16_t number = free_port();
        struct tg_port *port = open_port(pairs[p].listen, number);
        struct tg_input inputs[TG_BURST_MAX];
        const int client = connect_to(pairs[p].client, number);
        cr_expect_eq(tg_port_burst(port, 1, inputs, TG_BURST_MAX), 0);
        for (int i = 0; i < 100; i++) {
            char text[16];
            const int bytes = snprintf(text, sizeof text, "datagram %d", i);
            cr_assert_eq(send(client, text, (size_t)bytes, 0), bytes);
            if (i == 50) {
                cr_assert_eq(send(client, "", 0, 0), 0);
            }
        }
        int received = 0;
        for (uint32_t count; (count = tg_port_burst(port, 77, inputs, TG_BURST_MAX)) != 0;) {
            for (uint32_t i = 0; i < count; i++, received++) {
                char text[16], answer[16];
                const int bytes = snprintf(text, sizeof text, "datagram %d", received);
                cr_assert_eq(inputs[i].length_bytes, (uint32_t)bytes, "%s", pairs[p].listen);
                cr_assert_arr_eq(inputs[i].bytes, text, (size_t)bytes);
                cr_assert(inputs[i].arrival_ns == 77 && inputs[i].local_port == number);
                const bool is_v4 = strchr(pairs[p].client, '.') != NULL;
                cr_assert_eq(inputs[i].from.address[10], is_v4 ? 255 : 0);
                struct tg_return_path path;
                tg_port_return_path(port, i, &path);
                cr_assert_eq(tg_port_answer(port, &path, inputs[i].bytes, inputs[i].length_bytes),
                             TG_OK, "%s -> %s", pairs[p].listen, pairs[p].client);
                cr_assert_eq(recv(client, answer, sizeof answer, 0), bytes, "%s -> %s",
                             pairs[p].listen, pairs[p].client);
                cr_assert_arr_eq(answer, text, (size_t)bytes);
            }
            tg_port_release(port);
        }
        cr_expect_eq(received, 100);
        struct tg_port_counters counters;
        struct tg_position position;
        tg_port_counters(port, &counters);
        tg_port_position(port, &position);
        cr_expect(counters.datagrams_count == 100 && counters.refused_empty_count == 1);
        cr_expect(counters.answers_count == 100 && counters.dropped_count == 0);
        cr_expect_eq(position.offset, 100);
        cr_expect_not(tg_port_is_finished(port));
        (void)close(client);
        tg_port_close(port);
    }
}

/* If this failed, a long IPFIX message would be cut and decoded wrong, or refused. */
Test(socket_port, the_longest_datagram_there_can_be_arrives_whole)
{
    static uint8_t sent[65507];
    const uint16_t number = free_port();
    struct tg_port *port = open_port("127.0.0.1", number);
    const int client = connect_to("127.0.0.1", number);
    struct tg_input inputs[4];
    for (size_t i = 0; i < sizeof sent; i++) {
        sent[i] = (uint8_t)(i * 31 + i / 256);
    }
    cr_assert_eq(send(client, sent, sizeof sent, 0), (ssize_t)sizeof sent);
    cr_assert_eq(tg_port_burst(port, 0, inputs, 4), 1);
    cr_assert_eq(inputs[0].length_bytes, sizeof sent);
    cr_expect_arr_eq(inputs[0].bytes, sent, sizeof sent);
    (void)close(client);
    tg_port_close(port);
}

/* If this failed, an overrun receive buffer would lose usage without anyone knowing how much. */
Test(socket_port, what_the_kernel_drops_is_counted_exactly)
{
    static uint8_t big[60000];
    const uint16_t number = free_port();
    struct tg_port *port = open_port("127.0.0.1", number);
    const int client = connect_to("127.0.0.1", number);
    struct tg_input inputs[TG_BURST_MAX];
    uint64_t sent = 0, received = 0;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 2000; i++) {
            sent += send(client, big, sizeof big, 0) == (ssize_t)sizeof big;
        }
        for (uint32_t count; (count = tg_port_burst(port, 0, inputs, TG_BURST_MAX)) != 0;) {
            received += count;
            tg_port_release(port);
        }
    }
    /* The drop count rides on the next datagram that gets through. */
    sent += send(client, "x", 1, 0) == 1;
    received += tg_port_burst(port, 0, inputs, TG_BURST_MAX);
    struct tg_port_counters counters;
    tg_port_counters(port, &counters);
    cr_expect_gt(counters.dropped_count, 0);
    cr_expect_eq(received + counters.dropped_count, sent);
    (void)close(client);
    tg_port_close(port);
}

/* If this failed, a typing mistake in an address would be silence on the wire. */
Test(socket_port, what_cannot_be_listened_on_says_why)
{
    char taken[64];
    const uint16_t number = free_port();
    struct tg_port *first = open_port("127.0.0.1", number);
    (void)snprintf(taken, sizeof taken, "127.0.0.1:%u", number);
    const struct {
        const char *target;
        enum tg_err expect;
        const char *says;
    } rows[] = {{"2055", TG_E_INVALID, "127.0.0.1:2055"},
                {":2055", TG_E_INVALID, "127.0.0.1:2055"},
                {"::1:2055", TG_E_INVALID, "[::1]:2055"},
                {"localhost:2055", TG_E_INVALID, "numeric"},
                {"127.0.0.1:http", TG_E_INVALID, "numeric"},
                {"192.0.2.77:2055", TG_E_PORT_OPEN, "192.0.2.77"},
                {taken, TG_E_PORT_OPEN, "in use"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct tg_port_config config = {.size_bytes = sizeof config,
                                              .kind = TG_PORT_SOCKET,
                                              .name = "udp",
                                              .target = rows[i].target};
        struct tg_port *port = NULL;
        struct tg_why why = {""};
        cr_expect_eq(tg_port_open(&config, &port, &why), rows[i].expect, "%s", rows[i].target);
        cr_expect_not_null(strstr(why.text, rows[i].says), "%s: %s", rows[i].target, why.text);
    }
    tg_port_close(first);
}
