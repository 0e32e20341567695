/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* accept4 */
#include "control/socket.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64 /* connections that wait for a turn */

struct client {
    int fd;             /* -1: free */
    int passed;         /* descriptor that came with the request being read, or -1 */
    bool is_ended;      /* nothing more comes from it */
    uint64_t waits_for; /* turn of the request that is answered later; 0 none */
    int64_t moved_ns;   /* the line began, the answer began, or it fell silent */
    char *out;          /* answer on its way without its newline; NULL none */
    size_t out_bytes;
    size_t out_sent;
    size_t used;
    char line[TG_CONTROL_LINE_BYTES_MAX];
};

struct tg_control_server {
    int fd;
    int wake; /* eventfd */
    uint64_t turn;
    int64_t now_ns;
    uint32_t first; /* whose turn it is first */
    struct tg_control_counts counts;
    char path[108];
    struct client clients[TG_CONTROL_CLIENTS_MAX];
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

static struct tg_control_server *server_make(const struct sockaddr_un *address)
{
    struct tg_control_server *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    memcpy(made->path, address->sun_path, sizeof made->path);
    for (uint32_t i = 0; i < TG_CONTROL_CLIENTS_MAX; i++) {
        made->clients[i].fd = -1;
        made->clients[i].passed = -1;
    }
    made->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    made->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return made;
}

enum tg_err tg_control_listen(const char *path, struct tg_control_server **server,
                              struct tg_why *why)
{
    struct sockaddr_un address;
    if (!address_set(&address, path)) {
        return tg_why_set(why, TG_E_INVALID, "%s: the path is longer than 107 octets", path);
    }
    const int other = tg_control_connect(path);
    if (other >= 0) {
        (void)close(other);
        return tg_why_set(why, TG_E_EXISTS, "%s: another engine listens there", path);
    }
    struct tg_control_server *made = server_make(&address);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the control socket");
    }
    (void)unlink(path);
    const mode_t mask = umask(0177);
    const int bound = made->fd < 0 || made->wake < 0
                          ? -1
                          : bind(made->fd, (struct sockaddr *)&address, sizeof address);
    (void)umask(mask);
    if (bound != 0 || listen(made->fd, BACKLOG) != 0) {
        (void)tg_why_set(why, TG_E_IO, "%s: %s", path, strerror(errno));
        tg_control_close(made);
        return TG_E_IO;
    }
    *server = made;
    return TG_OK;
}

static void passed_drop(struct client *client)
{
    if (client->passed >= 0) {
        (void)close(client->passed);
        client->passed = -1;
    }
}

static void out_done(struct client *client)
{
    tg_json_text_free(client->out);
    client->out = NULL;
    client->out_bytes = 0;
    client->out_sent = 0;
}

static void client_drop(struct client *client)
{
    (void)close(client->fd);
    passed_drop(client);
    out_done(client);
    client->fd = -1;
    client->is_ended = false;
    client->waits_for = 0;
    client->used = 0;
}

void tg_control_close(struct tg_control_server *server)
{
    if (server == NULL) {
        return;
    }
    for (uint32_t i = 0; i < TG_CONTROL_CLIENTS_MAX; i++) {
        if (server->clients[i].fd >= 0) {
            client_drop(&server->clients[i]);
        }
    }
    if (server->fd >= 0) {
        (void)close(server->fd);
        (void)unlink(server->path);
    }
    if (server->wake >= 0) {
        (void)close(server->wake);
    }
    free(server);
}

static struct tg_json *error_answer(enum tg_err err, const char *text)
{
    struct tg_json *answer = tg_json_object();
    tg_json_set_bool(answer, "ok", false);
    tg_json_set_string(answer, "reason", tg_err_name(err));
    tg_json_set_string(answer, "message", text);
    return answer;
}

/* As much as the client takes now; the newline follows the text. */
static void client_write(struct tg_control_server *server, struct client *client)
{
    char newline[] = "\n";
    while (client->out != NULL) {
        const struct iovec parts[2] = {
            {client->out + client->out_sent, client->out_bytes - client->out_sent}, {newline, 1}};
        const bool is_text_out = client->out_sent == client->out_bytes;
        const struct msghdr message = {.msg_iov = (struct iovec *)&parts[is_text_out],
                                       .msg_iovlen = is_text_out ? 1 : 2};
        const ssize_t sent = sendmsg(client->fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            if (errno != EAGAIN) {
                client_drop(client);
            }
            return;
        }
        client->out_sent += (size_t)sent;
        if (client->out_sent == client->out_bytes + 1) {
            out_done(client);
            client->moved_ns = server->now_ns; /* the next line may have begun */
        }
    }
}

static void client_answer(struct tg_control_server *server, struct client *client,
                          struct tg_json *answer)
{
    client->waits_for = 0;
    client->moved_ns = server->now_ns;
    client->out = tg_json_dump(answer, &client->out_bytes);
    tg_json_free(answer);
    if (client->out == NULL) {
        client_drop(client); /* no memory: better no answer than half of one */
        return;
    }
    client_write(server, client);
}

void tg_control_reply(struct tg_control_server *server, struct tg_control_ticket ticket,
                      struct tg_json *answer)
{
    struct client *client = &server->clients[ticket.client % TG_CONTROL_CLIENTS_MAX];
    if (client->fd >= 0 && client->waits_for == ticket.turn && ticket.turn != 0) {
        client_answer(server, client, answer);
    } else {
        tg_json_free(answer);
    }
}

/* Told in one piece that fits any socket's buffer, then closed. */
static void newcomer_refuse(struct tg_control_server *server, int fd)
{
    static const char text[] =
        "{\"ok\":false,\"reason\":\"FULL\",\"message\":\"too many connections "
        "to the control socket: ask again\"}\n";
    (void)send(fd, text, sizeof text - 1, MSG_NOSIGNAL);
    (void)close(fd);
    server->counts.refused_count++;
}

static bool is_silent(const struct tg_control_server *server, const struct client *client)
{
    return client->used == 0 && client->out == NULL && client->waits_for == 0 &&
           server->now_ns - client->moved_ns >= TG_CONTROL_IDLE_NS;
}

/* A free place, or that of the one that is silent longest; NULL: all are at work. */
static struct client *place_find(struct tg_control_server *server)
{
    struct client *silent = NULL;
    for (uint32_t i = 0; i < TG_CONTROL_CLIENTS_MAX; i++) {
        struct client *client = &server->clients[i];
        if (client->fd < 0) {
            return client;
        }
        if (is_silent(server, client) && (silent == NULL || client->moved_ns < silent->moved_ns)) {
            silent = client;
        }
    }
    if (silent != NULL) {
        client_drop(silent);
        server->counts.displaced_count++;
    }
    return silent;
}

static void newcomers_take(struct tg_control_server *server)
{
    for (uint32_t i = 0; i < TG_CONTROL_CLIENTS_MAX; i++) {
        const int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            return;
        }
        struct client *place = place_find(server);
        if (place == NULL) {
            newcomer_refuse(server, fd);
            continue;
        }
        place->fd = fd;
        place->moved_ns = server->now_ns;
        server->counts.connections_count++;
    }
}

static bool has_line(const struct client *client)
{
    return client->fd >= 0 && client->out == NULL && client->waits_for == 0 &&
           memchr(client->line, '\n', client->used) != NULL;
}

/* The descriptor of a message, if one came; an earlier one that no line used is closed. */
static void passed_take(struct client *client, struct msghdr *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
         part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS &&
            part->cmsg_len >= CMSG_LEN(sizeof(int))) {
            passed_drop(client);
            memcpy(&client->passed, CMSG_DATA(part), sizeof client->passed);
        }
    }
}

static void client_read(struct tg_control_server *server, struct client *client)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control;
    struct iovec part = {client->line + client->used, sizeof client->line - client->used};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    const ssize_t got = recvmsg(client->fd, &message, MSG_CMSG_CLOEXEC);
    if (got < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            client_drop(client);
        }
        return;
    }
    passed_take(client, &message);
    client->is_ended = got == 0;
    if (client->used == 0) {
        client->moved_ns = server->now_ns; /* a line begins */
    }
    client->used += (size_t)got;
}

static void line_serve(struct tg_control_server *server, uint32_t index, tg_control_answer answer,
                       void *context)
{
    struct client *client = &server->clients[index];
    const char *end = memchr(client->line, '\n', client->used);
    const size_t length = (size_t)(end - client->line);
    struct tg_json *json = NULL;
    struct tg_json *reply = NULL;
    struct tg_why why = {""};
    const enum tg_err err = tg_json_parse(client->line, length, &json, &why);
    client->used -= length + 1;
    memmove(client->line, end + 1, client->used);
    client->moved_ns = server->now_ns;
    server->counts.requests_count++;
    struct tg_control_request request = {
        .json = json, .ticket = {.client = index, .turn = ++server->turn}, .fd = client->passed};
    client->passed = -1;
    client->waits_for = request.ticket.turn;
    bool is_now = true;
    if (err == TG_OK) {
        is_now = answer(context, &request, &reply);
    } else {
        reply = error_answer(err, why.text);
    }
    if (request.fd >= 0) {
        (void)close(request.fd);
    }
    tg_json_free(json);
    if (is_now) {
        client_answer(server, client, reply);
    }
}

/* Who keeps others from his place without getting on with it. */
static void client_judge(struct tg_control_server *server, struct client *client)
{
    if (client->fd < 0 || has_line(client) || client->waits_for != 0) {
        return;
    }
    const bool is_late = server->now_ns - client->moved_ns >= TG_CONTROL_STALL_NS;
    const bool is_long = client->used == sizeof client->line;
    if (client->out != NULL) {
        if (is_late) {
            server->counts.unread_count++;
            client_drop(client);
        }
    } else if (client->used > 0 && (is_late || is_long || client->is_ended)) {
        server->counts.unfinished_count++;
        client_answer(server, client,
                      error_answer(is_long ? TG_E_FULL : TG_E_TRUNCATED,
                                   is_long
                                       ? "a request is longer than 65536 octets"
                                       : "the request did not come to its end in five seconds"));
        if (client->fd >= 0) {
            client_drop(client);
        }
    } else if (client->is_ended) {
        client_drop(client);
    }
}

static short events_wanted(const struct client *client)
{
    if (client->out != NULL) {
        return POLLOUT;
    }
    const bool reads = !client->is_ended && client->waits_for == 0 && !has_line(client) &&
                       client->used < sizeof client->line;
    return reads ? POLLIN : 0;
}

static bool wait_for_some(struct tg_control_server *server, int timeout_ms, struct pollfd *fds)
{
    fds[0] = (struct pollfd){server->fd, POLLIN, 0};
    fds[1] = (struct pollfd){server->wake, POLLIN, 0};
    bool has_work = false;
    for (uint32_t i = 0; i < TG_CONTROL_CLIENTS_MAX; i++) {
        const struct client *client = &server->clients[i];
        has_work = has_work || has_line(client);
        fds[i + 2] = (struct pollfd){client->fd, client->fd >= 0 ? events_wanted(client) : 0, 0};
    }
    return poll(fds, TG_CONTROL_CLIENTS_MAX + 2, has_work ? 0 : timeout_ms) >= 0;
}

static void client_move(struct tg_control_server *server, struct client *client, short events)
{
    if (client->fd < 0 || events == 0) {
        return;
    }
    if ((events & POLLOUT) != 0) {
        client_write(server, client);
    } else if ((events & POLLIN) != 0) {
        client_read(server, client);
    } else if (!has_line(client)) {
        client_drop(client); /* gone, whatever it waits for */
    }
}

void tg_control_serve(struct tg_control_server *server, int timeout_ms, int64_t now_ns,
                      tg_control_answer answer, void *context)
{
    struct pollfd fds[TG_CONTROL_CLIENTS_MAX + 2];
    uint64_t woken;
    server->now_ns = now_ns;
    if (!wait_for_some(server, timeout_ms, fds)) {
        return;
    }
    for (uint32_t i = 0; i < TG_CONTROL_CLIENTS_MAX; i++) {
        client_move(server, &server->clients[i], fds[i + 2].revents);
    }
    for (uint32_t i = 0; i < TG_CONTROL_CLIENTS_MAX; i++) {
        const uint32_t index = (server->first + i) % TG_CONTROL_CLIENTS_MAX;
        if (has_line(&server->clients[index])) {
            line_serve(server, index, answer, context);
        }
        client_judge(server, &server->clients[index]);
    }
    server->first++; /* nobody is always first at the desk */
    if (fds[0].revents != 0) {
        newcomers_take(server);
    }
    if (fds[1].revents != 0) {
        (void)!read(server->wake, &woken, sizeof woken);
    }
}

void tg_control_wake(struct tg_control_server *server)
{
    const uint64_t one = 1;
    (void)!write(server->wake, &one, sizeof one); /* full: it is awake already */
}

void tg_control_counts(const struct tg_control_server *server, struct tg_control_counts *counts)
{
    *counts = server->counts;
}
