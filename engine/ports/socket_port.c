/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel UDP sockets, for hosts that cannot give up a NIC: one recvmmsg a burst.
 *
 * (1) Message i of a burst owns buffers[i], 65,535 octets: no datagram is ever cut.
 * (2) On a wildcard address the datagram's own destination is asked for (IP_PKTINFO), so that an
 *     answer leaves from the address the client sent to: RADIUS clients drop any other. */
#define _GNU_SOURCE /* recvmmsg */
#include "base/arena.h"
#include "base/limits.h"
#include "base/log.h"
#include "ports/port_ops.h"
#include "rt/counters.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES     65536u
#define BUFFERS_BYTES    ((size_t)TG_BURST_MAX * BUFFER_BYTES)
#define CONTROL_BYTES    128u
#define RECEIVE_BYTES    (32 << 20) /* 0.4 s of 0.06 M datagrams/s of 1,400 octets */
#define TARGET_BYTES_MAX 80u

struct message {
    struct sockaddr_in6 peer; /* of either family: sockaddr_in is smaller */
    struct iovec part;
    uint8_t control[CONTROL_BYTES] __attribute__((aligned(8)));
};

struct socket_port {
    struct tg_port base;
    int descriptor;
    bool is_wildcard;
    struct sockaddr_in6 local; /* bound address, of either family */
    uint16_t local_port;
    uint32_t kernel_drops; /* last SO_RXQ_OVFL value, wraps */
    uint32_t inputs_count;
    uint64_t taken_count;
    uint8_t *buffers;
    struct mmsghdr headers[TG_BURST_MAX];
    struct message messages[TG_BURST_MAX];
    uint16_t input_message[TG_BURST_MAX]; /* which message an input came in */
};

static enum tg_err socket_resolve(const struct tg_port_config *config, struct sockaddr_in6 *local,
                                  socklen_t *local_bytes, struct tg_why *why)
{
    char host[TARGET_BYTES_MAX];
    const char *colon = strrchr(config->target, ':');
    size_t host_bytes = colon != NULL ? (size_t)(colon - config->target) : 0;
    const char *from = config->target;
    if (host_bytes >= 2 && from[0] == '[' && from[host_bytes - 1] == ']') {
        from++;
        host_bytes -= 2;
    } else if (memchr(from, ':', host_bytes) != NULL) {
        host_bytes = 0; /* an IPv6 address needs its brackets: ::1:2055 could be read two ways */
    }
    if (host_bytes == 0 || host_bytes >= sizeof host) {
        return tg_why_set(why, TG_E_INVALID,
                          "port %s: \"%s\" is not address:port; write 127.0.0.1:2055, [::1]:2055 "
                          "or, to listen on every address, [::]:2055",
                          config->name, config->target);
    }
    memcpy(host, from, host_bytes);
    host[host_bytes] = '\0';
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_DGRAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *found = NULL;
    const int code = getaddrinfo(host, colon + 1, &hints, &found);
    if (code != 0 || found->ai_addrlen > sizeof *local) {
        if (code == 0) {
            freeaddrinfo(found);
        }
        return tg_why_set(why, TG_E_INVALID, "port %s: \"%s\": %s (numeric address and port only)",
                          config->name, config->target,
                          code != 0 ? gai_strerror(code) : "unknown family");
    }
    memcpy(local, found->ai_addr, found->ai_addrlen);
    *local_bytes = found->ai_addrlen;
    freeaddrinfo(found);
    return TG_OK;
}

static bool address_is_wildcard(const struct sockaddr_in6 *local)
{
    if (local->sin6_family == AF_INET6) {
        return IN6_IS_ADDR_UNSPECIFIED(&local->sin6_addr);
    }
    return ((const struct sockaddr_in *)(const void *)local)->sin_addr.s_addr == INADDR_ANY;
}

/* The big buffer is a wish: without CAP_NET_ADMIN the kernel caps it at net.core.rmem_max. */
static void socket_widen(const struct socket_port *port)
{
    const int wanted = RECEIVE_BYTES;
    int got = 0;
    socklen_t got_bytes = sizeof got;
    if (setsockopt(port->descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted) != 0) {
        (void)setsockopt(port->descriptor, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted);
    }
    (void)getsockopt(port->descriptor, SOL_SOCKET, SO_RCVBUF, &got, &got_bytes);
    if (got / 2 < wanted) { /* the kernel reports twice what it was asked */
        tg_log(TG_LOG_NOTICE, "ports",
               "%s: receive buffer is %d KiB; for bursts: sysctl net.core.rmem_max=%d",
               port->base.name, got / 2048, wanted);
    }
}

static void socket_prepare(struct socket_port *port)
{
    for (uint32_t i = 0; i < TG_BURST_MAX; i++) {
        struct message *message = &port->messages[i];
        message->part.iov_base = port->buffers + (size_t)i * BUFFER_BYTES;
        message->part.iov_len = BUFFER_BYTES;
        port->headers[i].msg_hdr = (struct msghdr){.msg_name = &message->peer,
                                                   .msg_iov = &message->part,
                                                   .msg_iovlen = 1,
                                                   .msg_control = message->control};
    }
}

static enum tg_err socket_open(struct tg_port *base, const struct tg_port_config *config,
                               struct tg_why *why)
{
    struct socket_port *port = (struct socket_port *)base;
    socklen_t local_bytes = 0;
    const int on = 1, off = 0;
    port->descriptor = -1;
    const enum tg_err err = socket_resolve(config, &port->local, &local_bytes, why);
    if (err != TG_OK) {
        return err;
    }
    const int family = port->local.sin6_family;
    port->is_wildcard = address_is_wildcard(&port->local);
    port->buffers = tg_pages_take(BUFFERS_BYTES);
    if (port->buffers == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "port %s: no memory", config->name);
    }
    socket_prepare(port);
    port->descriptor = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool is_ready = port->descriptor >= 0;
    is_ready =
        is_ready && setsockopt(port->descriptor, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on) == 0;
    if (is_ready && family == AF_INET6) {
        is_ready = setsockopt(port->descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0;
    }
    if (is_ready && port->is_wildcard && family == AF_INET6) {
        is_ready =
            setsockopt(port->descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) == 0;
    } else if (is_ready && port->is_wildcard) {
        is_ready = setsockopt(port->descriptor, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == 0;
    }
    is_ready = is_ready &&
               bind(port->descriptor, (const struct sockaddr *)&port->local, local_bytes) == 0 &&
               getsockname(port->descriptor, (struct sockaddr *)&port->local, &local_bytes) == 0;
    if (!is_ready) {
        return tg_why_set(why, TG_E_PORT_OPEN, "port %s: cannot listen on %s: %s", config->name,
                          config->target, strerror(errno));
    }
    port->local_port = ntohs(port->local.sin6_port); /* same place in both families */
    socket_widen(port);
    return TG_OK;
}
_Static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
               "both families keep the port in one place");

static void address_of(const struct sockaddr_in6 *from, uint8_t address[16])
{
    if (from->sin6_family == AF_INET6) {
        memcpy(address, &from->sin6_addr, 16);
        return;
    }
    memset(address, 0, 10);
    address[10] = address[11] = 0xff;
    memcpy(address + 12, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
}

/* SO_RXQ_OVFL counts since the socket's creation, in 32 bits; 0 drops may send no message. */
static void socket_count_drops(struct socket_port *port, struct msghdr *header)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
            uint32_t drops;
            memcpy(&drops, CMSG_DATA(c), sizeof drops);
            tg_counter_add(&port->base.counters.dropped_count, drops - port->kernel_drops);
            port->kernel_drops = drops;
        }
    }
}

static void socket_release(struct tg_port *base)
{
    ((struct socket_port *)base)->inputs_count = 0;
}

static uint32_t socket_burst(struct tg_port *base, int64_t now_ns, struct tg_input *inputs,
                             uint32_t capacity)
{
    struct socket_port *port = (struct socket_port *)base;
    for (uint32_t i = 0; i < capacity; i++) {
        port->headers[i].msg_hdr.msg_namelen = sizeof port->messages[i].peer;
        port->headers[i].msg_hdr.msg_controllen = CONTROL_BYTES;
    }
    port->inputs_count = 0;
    const int received = recvmmsg(port->descriptor, port->headers, capacity, MSG_DONTWAIT, NULL);
    if (received <= 0) {
        if (received < 0 && errno != EAGAIN && errno != EINTR) {
            tg_counter_add(&base->counters.errors_count, 1);
        }
        return 0;
    }
    uint64_t octets = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < (uint32_t)received; i++) {
        const struct message *message = &port->messages[i];
        const uint32_t length_bytes = port->headers[i].msg_len;
        if (length_bytes == 0) {
            tg_port_count_refusal(base, TG_E_MISSING_FIELD);
            continue;
        }
        inputs[count] = (struct tg_input){.bytes = message->part.iov_base,
                                          .length_bytes = length_bytes,
                                          .local_port = port->local_port,
                                          .from = {.port = ntohs(message->peer.sin6_port)},
                                          .arrival_ns = now_ns};
        address_of(&message->peer, inputs[count].from.address);
        port->input_message[count++] = (uint16_t)i;
        octets += length_bytes;
    }
    /* The counter only grows: the burst's last message knows all the drops before it. */
    socket_count_drops(port, &port->headers[received - 1].msg_hdr);
    tg_counter_add(&base->counters.frames_count, (uint64_t)received);
    tg_counter_add(&base->counters.octets, octets);
    tg_counter_add(&base->counters.datagrams_count, count);
    tg_counter_add(&base->counters.payload_octets, octets);
    port->taken_count += count;
    port->inputs_count = count;
    return count;
}

/* Where the datagram was sent to: from its control data on a wildcard, else the bound address. */
static void socket_own_address(const struct socket_port *port, struct msghdr *header,
                               uint8_t address[16])
{
    address_of(&port->local, address);
    if (!port->is_wildcard) {
        return;
    }
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            memcpy(address, &info.ipi6_addr, 16);
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            memcpy(address + 12, &info.ipi_addr, 4);
        }
    }
}

static void socket_return_path(const struct tg_port *base, uint32_t input_index,
                               struct tg_return_path *path)
{
    const struct socket_port *port = (const struct socket_port *)base;
    assert(input_index < port->inputs_count);
    const uint32_t i = port->input_message[input_index];
    const struct sockaddr_in6 *peer = &port->messages[i].peer;
    struct msghdr header = port->headers[i].msg_hdr;
    address_of(peer, path->address_to);
    socket_own_address(port, &header, path->address_from);
    path->port_to = ntohs(peer->sin6_port);
    path->port_from = port->local_port;
    path->scope_id = peer->sin6_family == AF_INET6 ? peer->sin6_scope_id : 0;
    path->ip_version = peer->sin6_family == AF_INET6 ? 6 : 4; /* the socket's, not the packet's */
}

/* Name our own address in the control data; only where the kernel would have to choose one. */
static void answer_from(const struct tg_return_path *path, struct msghdr *header)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(header);
    if (path->ip_version == 6) {
        struct in6_pktinfo info = {.ipi6_ifindex = path->scope_id};
        memcpy(&info.ipi6_addr, path->address_from, 16);
        c->cmsg_level = IPPROTO_IPV6;
        c->cmsg_type = IPV6_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(c), &info, sizeof info);
        header->msg_controllen = CMSG_SPACE(sizeof info);
    } else {
        struct in_pktinfo info = {.ipi_ifindex = 0};
        memcpy(&info.ipi_spec_dst, path->address_from + 12, 4);
        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(c), &info, sizeof info);
        header->msg_controllen = CMSG_SPACE(sizeof info);
    }
}

static enum tg_err socket_answer(struct tg_port *base, const struct tg_return_path *path,
                                 const uint8_t *bytes, uint32_t length_bytes)
{
    const struct socket_port *port = (const struct socket_port *)base;
    uint8_t control[CONTROL_BYTES] __attribute__((aligned(8))) = {0};
    struct sockaddr_in6 peer6 = {.sin6_family = AF_INET6,
                                 .sin6_port = htons(path->port_to),
                                 .sin6_scope_id = path->scope_id};
    struct sockaddr_in peer4 = {.sin_family = AF_INET, .sin_port = htons(path->port_to)};
    memcpy(&peer6.sin6_addr, path->address_to, 16);
    memcpy(&peer4.sin_addr, path->address_to + 12, 4);
    struct iovec part = {(void *)(uintptr_t)bytes, length_bytes};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    header.msg_name = path->ip_version == 6 ? (void *)&peer6 : (void *)&peer4;
    header.msg_namelen = path->ip_version == 6 ? sizeof peer6 : sizeof peer4;
    if (port->is_wildcard) {
        header.msg_control = control;
        header.msg_controllen = sizeof control;
        answer_from(path, &header);
    }
    if (sendmsg(port->descriptor, &header, MSG_DONTWAIT) >= 0) {
        return TG_OK;
    }
    if (errno == EMSGSIZE) {
        return TG_E_LENGTH;
    }
    return errno == EAGAIN || errno == ENOBUFS || errno == EINTR ? TG_E_AGAIN : TG_E_PORT_IO;
}

static void socket_position(const struct tg_port *base, struct tg_position *position)
{
    *position = (struct tg_position){0, ((const struct socket_port *)base)->taken_count};
}

static void socket_close(struct tg_port *base)
{
    struct socket_port *port = (struct socket_port *)base;
    if (port->descriptor >= 0) {
        (void)close(port->descriptor);
    }
    tg_pages_free(port->buffers, BUFFERS_BYTES);
}

const struct tg_port_ops tg_port_socket_ops = {
    .size_bytes = sizeof(struct socket_port),
    .open = socket_open,
    .burst = socket_burst,
    .release = socket_release,
    .return_path = socket_return_path,
    .answer = socket_answer,
    .position = socket_position,
    .close = socket_close,
};
