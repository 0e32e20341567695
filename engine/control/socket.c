/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* accept4 */
#include "control/socket.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS_MAX 16

struct client {
    int fd; /* -1 free */
    size_t used;
    char line[TG_CONTROL_LINE_BYTES_MAX];
};

struct tg_control_server {
    int fd;
    char path[108];
    struct client clients[CLIENTS_MAX];
};

static bool address_set(struct sockaddr_un *address, const char *path)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path) {
        return false;
    }
    memcpy(address->sun_path, path, strlen(path) + 1);
    return true;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || !address_set(&address, path) ||
        connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return -1;
    }
    return fd;
}

enum tg_err tg_control_listen(const char *path, struct tg_control_server **server,
                              struct tg_why *why)
{
    struct sockaddr_un address;
    if (!address_set(&address, path)) {
        return tg_why_set(why, TG_E_INVALID, "%s: the path is longer than 107 octets", path);
    }
    const int other = connect_to(path);
    if (other >= 0) {
        (void)close(other);
        return tg_why_set(why, TG_E_EXISTS, "%s: another engine listens there", path);
    }
    struct tg_control_server *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the control socket");
    }
    memcpy(made->path, address.sun_path, sizeof made->path);
    for (int i = 0; i < CLIENTS_MAX; i++) {
        made->clients[i].fd = -1;
    }
    (void)unlink(path);
    made->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const mode_t mask = umask(0177);
    const int bound = made->fd < 0
                          ? -1
                          : bind(made->fd, (struct sockaddr *)&address, sizeof address);
    (void)umask(mask);
    if (bound != 0 || listen(made->fd, 8) != 0) {
        (void)tg_why_set(why, TG_E_IO, "%s: %s", path, strerror(errno));
        tg_control_close(made);
        return TG_E_IO;
    }
    *server = made;
    return TG_OK;
}

void tg_control_close(struct tg_control_server *server)
{
    if (server == NULL) {
        return;
    }
    for (int i = 0; i < CLIENTS_MAX; i++) {
        if (server->clients[i].fd >= 0) {
            (void)close(server->clients[i].fd);
        }
    }
    if (server->fd >= 0) {
        (void)close(server->fd);
        (void)unlink(server->path);
    }
    free(server);
}

static void client_drop(struct client *client)
{
    (void)close(client->fd);
    client->fd = -1;
    client->used = 0;
}

static void client_accept(struct tg_control_server *server)
{
    const int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    for (int i = 0; fd >= 0 && i < CLIENTS_MAX; i++) {
        if (server->clients[i].fd < 0) {
            server->clients[i].fd = fd;
            return;
        }
    }
    if (fd >= 0) {
        (void)close(fd); /* sixteen talk already: the seventeenth asks again */
    }
}

static struct tg_json *error_answer(enum tg_err err, const char *text)
{
    struct tg_json *answer = tg_json_object();
    tg_json_set_bool(answer, "ok", false);
    tg_json_set_string(answer, "reason", tg_err_name(err));
    tg_json_set_string(answer, "message", text);
    return answer;
}

static void line_answer(struct client *client, size_t length, tg_control_answer answer,
                        void *context)
{
    struct tg_json *request = NULL;
    struct tg_why why = {""};
    const enum tg_err err = tg_json_parse(client->line, length, &request, &why);
    struct tg_json *reply =
        err == TG_OK ? answer(context, request) : error_answer(err, why.text);
    char *text = tg_json_dump(reply, &length);
    if (text != NULL) {
        /* A client that does not read loses its answer: the engine waits for nobody. */
        if (send(client->fd, text, length, MSG_NOSIGNAL) == (ssize_t)length) {
            (void)send(client->fd, "\n", 1, MSG_NOSIGNAL);
        }
    }
    tg_json_text_free(text);
    tg_json_free(reply);
    tg_json_free(request);
}

static void client_read(struct client *client, tg_control_answer answer, void *context)
{
    const ssize_t got = recv(client->fd, client->line + client->used,
                             sizeof client->line - client->used, 0);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            client_drop(client);
        }
        return;
    }
    client->used += (size_t)got;
    char *end;
    while ((end = memchr(client->line, '\n', client->used)) != NULL) {
        const size_t length = (size_t)(end - client->line);
        line_answer(client, length, answer, context);
        client->used -= length + 1;
        memmove(client->line, end + 1, client->used);
    }
    if (client->used == sizeof client->line) {
        client_drop(client);
    }
}

void tg_control_serve(struct tg_control_server *server, int timeout_ms, tg_control_answer answer,
                      void *context)
{
    struct pollfd fds[CLIENTS_MAX + 1] = {{server->fd, POLLIN, 0}};
    for (int i = 0; i < CLIENTS_MAX; i++) {
        fds[i + 1] = (struct pollfd){server->clients[i].fd, POLLIN, 0};
    }
    if (poll(fds, CLIENTS_MAX + 1, timeout_ms) <= 0) {
        return;
    }
    for (int i = 0; i < CLIENTS_MAX; i++) {
        if (fds[i + 1].revents != 0) {
            client_read(&server->clients[i], answer, context);
        }
    }
    if (fds[0].revents != 0) {
        client_accept(server);
    }
}

enum tg_err tg_control_ask(const char *path, const char *request, char *answer,
                           size_t answer_bytes)
{
    const int fd = connect_to(path);
    if (fd < 0) {
        return TG_E_UNREACHABLE;
    }
    const struct timeval limit = {.tv_sec = 30};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    enum tg_err err = TG_E_IO;
    size_t used = 0;
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) == (ssize_t)strlen(request) &&
        send(fd, "\n", 1, MSG_NOSIGNAL) == 1) {
        for (;;) {
            const ssize_t got = recv(fd, answer + used, answer_bytes - used, 0);
            if (got <= 0) {
                break;
            }
            used += (size_t)got;
            char *end = memchr(answer, '\n', used);
            if (end != NULL) {
                *end = '\0';
                err = TG_OK;
                break;
            }
            if (used == answer_bytes) {
                err = TG_E_FULL;
                break;
            }
        }
    }
    (void)close(fd);
    return err;
}
