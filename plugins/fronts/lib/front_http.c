/* SPDX-License-Identifier: Apache-2.0 */
#include "front_http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define IDLE_SECONDS 10u
#define POLL_NS      50000000L

/* What the HTTP thread needs; lives while serve() runs. */
struct server {
    const struct tg_front_host *host;
    const struct tg_front_route *routes;
    uint32_t routes_count;
};

/* One request's state between libmicrohttpd's calls. */
struct exchange {
    char body[TG_FRONT_BODY_BYTES_MAX + 1];
    size_t body_bytes;
    bool is_too_long;
    const struct tg_front_route *route; /* Whose aliases the query may use. */
    struct tg_front_query query;
};

void tg_front_reply_add(struct tg_front_reply *reply, const char *bytes, size_t length_bytes)
{
    if (reply->is_full || length_bytes > TG_FRONT_REPLY_BYTES_MAX - reply->length_bytes) {
        reply->is_full = true;
        return;
    }
    const size_t needed = reply->length_bytes + length_bytes;
    if (needed > reply->capacity_bytes) {
        const size_t wanted = needed < 4096 ? 8192 : needed * 2;
        char *grown = realloc(reply->bytes, wanted);
        if (grown == NULL) {
            reply->is_full = true;
            return;
        }
        reply->bytes = grown;
        reply->capacity_bytes = wanted;
    }
    if (length_bytes > 0) {
        memcpy(reply->bytes + reply->length_bytes, bytes, length_bytes);
    }
    reply->length_bytes = needed;
}

void tg_front_reply_text(struct tg_front_reply *reply, const char *text)
{
    tg_front_reply_add(reply, text, strlen(text));
}

void tg_front_reply_quote(struct tg_front_reply *reply, const char *text)
{
    tg_front_reply_text(reply, "\"");
    for (const char *at = text; *at != '\0'; at++) {
        char escape[8];
        if (*at == '"' || *at == '\\') {
            (void)snprintf(escape, sizeof escape, "\\%c", *at);
            tg_front_reply_text(reply, escape);
        } else if ((unsigned char)*at < 0x20) {
            (void)snprintf(escape, sizeof escape, "\\u%04x", (unsigned char)*at);
            tg_front_reply_text(reply, escape);
        } else {
            tg_front_reply_add(reply, at, 1);
        }
    }
    tg_front_reply_text(reply, "\"");
}

void tg_front_reply_error(struct tg_front_reply *reply, unsigned status, const char *reason,
                          const char *message)
{
    char code[16];
    (void)snprintf(code, sizeof code, "%u", status);
    reply->status = status;
    reply->has_counts = false;
    reply->is_full = false;
    reply->length_bytes = 0;
    tg_front_reply_text(reply, "{\"code\":\"");
    tg_front_reply_text(reply, code);
    tg_front_reply_text(reply, "\",\"reason\":");
    tg_front_reply_quote(reply, reason);
    tg_front_reply_text(reply, ",\"message\":");
    tg_front_reply_quote(reply, message);
    tg_front_reply_text(reply, ",\"status\":\"");
    tg_front_reply_text(reply, code);
    tg_front_reply_text(reply, "\",\"@type\":\"Error\"}");
}

/* Whether the route's path is the URL's; *id is the segment behind it for routes that take one. */
static bool route_fits(const struct tg_front_route *route, const char *url, const char **id)
{
    const size_t length = strlen(route->path);
    if (strncmp(url, route->path, length) != 0) {
        return false;
    }
    const char *rest = url + length;
    if (!route->takes_id) {
        return rest[0] == '\0' || (rest[0] == '/' && rest[1] == '\0');
    }
    *id = rest + 1;
    return rest[0] == '/' && rest[1] != '\0' && strchr(rest + 1, '/') == NULL;
}

/* The route, or NULL with the reason in reply: 404, or 405 with what would be allowed. */
static const struct tg_front_route *route_find(const struct server *server, const char *method,
                                               const char *url, const char **id,
                                               struct tg_front_reply *reply)
{
    const char *verb = strcmp(method, "HEAD") == 0 ? "GET" : method;
    const char *allow = NULL;
    for (uint32_t i = 0; i < server->routes_count; i++) {
        const struct tg_front_route *route = &server->routes[i];
        const char *segment = NULL;
        if (!route_fits(route, url, &segment)) {
            continue;
        }
        if (strcmp(route->method, verb) == 0) {
            *id = segment;
            return route;
        }
        allow = route->method;
    }
    if (allow != NULL) {
        tg_front_reply_error(reply, 405, "method not allowed", "see the Allow header");
        reply->allow = strcmp(allow, "GET") == 0 ? "GET, HEAD" : allow;
    } else {
        tg_front_reply_error(reply, 404, "not found", "no such resource");
    }
    return NULL;
}

static const char *alias_path(const struct tg_front_route *route, const char *name)
{
    for (const struct tg_front_alias *alias = route->aliases; alias != NULL && alias->name != NULL;
         alias++) {
        if (strcmp(alias->name, name) == 0) {
            return alias->path;
        }
    }
    return name;
}

static enum MHD_Result argument_take(void *context, enum MHD_ValueKind kind, const char *key,
                                     const char *value)
{
    struct exchange *exchange = context;
    (void)kind;
    tg_front_query_add(&exchange->query, alias_path(exchange->route, key), value);
    return MHD_YES;
}

static bool any_visit(void *context, const struct tg_document *document)
{
    (void)context;
    (void)document;
    return false;
}

/* Alive means: this process answers and the documents can be read. */
static void health_answer(const struct tg_front_host *host, struct tg_front_reply *reply)
{
    const enum tg_err err = host->visit(host->self, "status", any_visit, NULL);
    if (err == TG_OK) {
        tg_front_reply_text(reply, "{\"status\":\"ok\"}");
    } else {
        tg_front_reply_error(reply, 503, "unavailable", "the documents cannot be read now");
    }
}

static void request_answer(const struct server *server, struct MHD_Connection *connection,
                           const char *url, const char *method, struct exchange *exchange,
                           struct tg_front_reply *reply)
{
    const struct tg_front_route health = {.method = "GET", .path = "/healthz"};
    const struct server only_health = {server->host, &health, 1};
    const bool is_health = strcmp(url, "/healthz") == 0;
    const char *id = NULL;
    const struct tg_front_route *route =
        route_find(is_health ? &only_health : server, method, url, &id, reply);
    if (route == NULL) {
        return;
    }
    if (is_health) {
        health_answer(server->host, reply);
        return;
    }
    if (exchange->is_too_long) {
        tg_front_reply_error(reply, 413, "too long", "the body is longer than 64 KiB");
        return;
    }
    exchange->route = route;
    exchange->query = tg_front_query();
    (void)MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, argument_take, exchange);
    if (exchange->query.sort != NULL) {
        exchange->query.sort = alias_path(route, exchange->query.sort);
    }
    if (exchange->query.complaint != NULL) {
        tg_front_reply_error(reply, 400, "bad query", exchange->query.complaint);
        return;
    }
    const struct tg_front_request request = {.host = server->host,
                                             .route = route,
                                             .id = id,
                                             .query = &exchange->query,
                                             .body = exchange->body,
                                             .body_bytes = exchange->body_bytes};
    route->handle(&request, reply);
    if (reply->is_full) {
        tg_front_reply_error(reply, 507, "too large", "the page is too large; use a smaller limit");
    }
}

static void header_number(struct MHD_Response *response, const char *name, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    (void)MHD_add_response_header(response, name, text);
}

static enum MHD_Result reply_queue(struct MHD_Connection *connection, struct tg_front_reply *reply)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(reply->length_bytes, reply->bytes, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(reply->bytes);
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, "Content-Type", "application/json;charset=utf-8");
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (reply->allow != NULL) {
        (void)MHD_add_response_header(response, "Allow", reply->allow);
    }
    if (reply->has_counts) {
        header_number(response, "X-Total-Count", reply->total_count);
        header_number(response, "X-Result-Count", reply->result_count);
    }
    const enum MHD_Result result = MHD_queue_response(connection, reply->status, response);
    MHD_destroy_response(response);
    return result;
}

/* First call: make the state. Then once a piece of body. Then the answer. */
static enum MHD_Result request_take(void *self, struct MHD_Connection *connection, const char *url,
                                    const char *method, const char *version, const char *upload,
                                    size_t *upload_bytes, void **state)
{
    const struct server *server = self;
    (void)version;
    if (*state == NULL) {
        *state = calloc(1, sizeof(struct exchange));
        return *state != NULL ? MHD_YES : MHD_NO;
    }
    struct exchange *exchange = *state;
    if (*upload_bytes > 0) {
        const size_t room = TG_FRONT_BODY_BYTES_MAX - exchange->body_bytes;
        const size_t count = *upload_bytes < room ? *upload_bytes : room;
        memcpy(exchange->body + exchange->body_bytes, upload, count);
        exchange->body_bytes += count;
        exchange->is_too_long = exchange->is_too_long || *upload_bytes > room;
        *upload_bytes = 0;
        return MHD_YES;
    }
    struct tg_front_reply reply = {.status = 200};
    request_answer(server, connection, url, method, exchange, &reply);
    return reply_queue(connection, &reply);
}

static void request_end(void *self, struct MHD_Connection *connection, void **state,
                        enum MHD_RequestTerminationCode code)
{
    (void)self;
    (void)connection;
    (void)code;
    free(*state);
    *state = NULL;
}

/* Where to listen, in the shape bind(2) wants. */
union address {
    struct sockaddr any;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
};

static bool port_read(const char *text, uint16_t *port)
{
    unsigned value = 0;
    if (text[0] == '\0' || strlen(text) > 5) {
        return false;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9') {
            return false;
        }
        value = value * 10 + (unsigned)(*at - '0');
    }
    *port = (uint16_t)value;
    return value <= 65535;
}

static bool address_read(const char *listen, union address *address)
{
    char host[64];
    const char *colon = strrchr(listen, ':');
    uint16_t port = 0;
    if (colon == NULL || (size_t)(colon - listen) >= sizeof host || !port_read(colon + 1, &port)) {
        return false;
    }
    memcpy(host, listen, (size_t)(colon - listen));
    host[colon - listen] = '\0';
    memset(address, 0, sizeof *address);
    const size_t length = strlen(host);
    if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        address->ip6.sin6_family = AF_INET6;
        address->ip6.sin6_port = htons(port);
        return inet_pton(AF_INET6, host + 1, &address->ip6.sin6_addr) == 1;
    }
    address->ip4.sin_family = AF_INET;
    address->ip4.sin_port = htons(port);
    return inet_pton(AF_INET, host, &address->ip4.sin_addr) == 1;
}

static bool address_is_loopback(const union address *address)
{
    return address->any.sa_family == AF_INET6 ? IN6_IS_ADDR_LOOPBACK(&address->ip6.sin6_addr) != 0
                                              : (ntohl(address->ip4.sin_addr.s_addr) >> 24) == 127;
}

static const char *setting_find(const struct tg_front_host *host, const char *key,
                                const char *fallback)
{
    for (uint32_t i = 0; i < host->settings_count; i++) {
        if (strcmp(host->settings[i].key, key) == 0) {
            return host->settings[i].value;
        }
    }
    return fallback;
}

static void listening_log(const struct tg_front_host *host, struct MHD_Daemon *daemon,
                          const char *listen)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    char text[128];
    const char *colon = strrchr(listen, ':');
    (void)snprintf(text, sizeof text, "listening on %.*s:%u", (int)(colon - listen), listen,
                   info != NULL ? info->port : 0u);
    host->log(host->self, text);
}

int tg_front_http_serve(const struct tg_front_host *host, const struct tg_front_route *routes,
                        uint32_t routes_count, const char *default_listen)
{
    struct server server = {host, routes, routes_count};
    const char *listen = setting_find(host, "listen", default_listen);
    union address address;
    char text[160];
    if (!address_read(listen, &address)) {
        (void)snprintf(text, sizeof text,
                       "listen: '%.64s' is no ADDRESS:PORT such as 127.0.0.1:8081 or [::1]:8081",
                       listen);
        host->log(host->self, text);
        return 2;
    }
    if (!address_is_loopback(&address)) {
        host->log(host->self, "warning: listening beyond loopback without authentication");
    }
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;
    flags |= address.any.sa_family == AF_INET6 ? MHD_USE_IPv6 : 0u;
    struct MHD_Daemon *daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, request_take, &server, MHD_OPTION_SOCK_ADDR, &address.any,
        MHD_OPTION_CONNECTION_LIMIT, TG_FRONT_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768,
        MHD_OPTION_NOTIFY_COMPLETED, request_end, NULL, MHD_OPTION_END);
    if (daemon == NULL) {
        (void)snprintf(text, sizeof text, "cannot listen on %.64s: is the port taken?", listen);
        host->log(host->self, text);
        return 1;
    }
    listening_log(host, daemon, listen);
    while (!host->stopping(host->self)) {
        const struct timespec pause = {.tv_sec = 0, .tv_nsec = POLL_NS};
        (void)nanosleep(&pause, NULL); /* a signal ends it early, which is what is wanted */
    }
    MHD_stop_daemon(daemon);
    return 0;
}
