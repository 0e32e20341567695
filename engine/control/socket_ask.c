/* SPDX-License-Identifier: Apache-2.0 */
/* The asking side of the control socket: verbs and fronts. */
#include "control/socket.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

int tg_control_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const size_t length = strlen(path);
    if (fd >= 0 && length < sizeof address.sun_path) {
        memcpy(address.sun_path, path, length + 1);
        if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
            return fd;
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return -1;
}

/* The line, with the descriptor beside its first octet. */
static bool request_send(int to, const char *request, int fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control = {.bytes = {0}};
    size_t left = strlen(request);
    struct iovec part = {(char *)(uintptr_t)request, left};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    const ssize_t sent = sendmsg(to, &message, MSG_NOSIGNAL);
    left = sent < 0 ? left : left - (size_t)sent;
    return sent >= 0 &&
           (left == 0 || send(to, request + sent, left, MSG_NOSIGNAL) == (ssize_t)left) &&
           send(to, "\n", 1, MSG_NOSIGNAL) == 1;
}

static enum tg_err line_receive(int fd, char *answer, size_t answer_bytes)
{
    size_t used = 0;
    while (used < answer_bytes) {
        const ssize_t got = recv(fd, answer + used, answer_bytes - used, 0);
        if (got <= 0) {
            return TG_E_IO;
        }
        char *end = memchr(answer + used, '\n', (size_t)got);
        used += (size_t)got;
        if (end != NULL) {
            *end = '\0';
            return TG_OK;
        }
    }
    return TG_E_FULL;
}

enum tg_err tg_control_ask_with(const char *path, const char *request, int fd, uint32_t wait_s,
                                char *answer, size_t answer_bytes)
{
    const int to = tg_control_connect(path);
    if (to < 0) {
        return TG_E_UNREACHABLE;
    }
    const struct timeval limit = {.tv_sec = wait_s};
    (void)setsockopt(to, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    /* A full engine answers before it is asked and hangs up: its answer is read all the same. */
    (void)request_send(to, request, fd);
    const enum tg_err err = line_receive(to, answer, answer_bytes);
    (void)close(to);
    return err;
}

enum tg_err tg_control_ask(const char *path, const char *request, char *answer, size_t answer_bytes)
{
    return tg_control_ask_with(path, request, -1, 30, answer, answer_bytes);
}
