/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The thin HTTP/1.1 layer of both fronts: a table of routes on libmicrohttpd.
 *
 *  Source: RFC 9110, RFC 9112; TM Forum TMF630 (error body, X-Total-Count, X-Result-Count).
 *  Threads: one for HTTP, handlers run in it one after another; serve waits beside it.
 *  Allocates: one buffer a response. Cost: see bench of a list in the commit body.
 *
 *  Bounds: TG_FRONT_CONNECTIONS_MAX connections (more wait in the kernel's queue), 10 s without a
 *  byte closes one, 64 KiB of body (413), 64 MiB of response (507). Loopback unless told otherwise.
 */
#ifndef TG_FRONT_HTTP_H
#define TG_FRONT_HTTP_H

#include "front_query.h"

#include "abi/front.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TG_FRONT_CONNECTIONS_MAX 64u
#define TG_FRONT_BODY_BYTES_MAX  65536u
#define TG_FRONT_REPLY_BYTES_MAX 67108864u

/** @brief A response under construction; owned by the layer. */
struct tg_front_reply {
    unsigned status;       /**< HTTP status; 200 at first. */
    bool has_counts;       /**< total_count and result_count become headers. */
    bool is_full;          /**< Sticky: grew beyond TG_FRONT_REPLY_BYTES_MAX or memory is short. */
    uint64_t total_count;  /**< X-Total-Count. */
    uint64_t result_count; /**< X-Result-Count. */
    const char *allow;     /**< Allow header of a 405, or NULL. */
    char *bytes;           /**< JSON body. */
    size_t length_bytes;   /**< Of it. */
    size_t capacity_bytes; /**< Room. */
};

/** @brief Append bytes. @param reply Reply. @param bytes Borrowed. @param length_bytes Count. */
void tg_front_reply_add(struct tg_front_reply *reply, const char *bytes, size_t length_bytes);

/** @brief Append a text. @param reply Reply. @param text NUL-terminated. */
void tg_front_reply_text(struct tg_front_reply *reply, const char *text);

/** @brief Append a JSON string, quoted and escaped. @param reply Reply. @param text UTF-8. */
void tg_front_reply_quote(struct tg_front_reply *reply, const char *text);

/**
 * @brief Throw away what was built and answer with a TMF630 error body.
 * @param reply    Reply.
 * @param status   400..599.
 * @param reason   Short and constant for a program: "bad offset".
 * @param message  For a person; borrowed until return.
 */
void tg_front_reply_error(struct tg_front_reply *reply, unsigned status, const char *reason,
                          const char *message);

struct tg_front_route;

/** @brief What a handler sees; all borrowed until it returns. */
struct tg_front_request {
    const struct tg_front_host *host;   /**< The process. */
    const struct tg_front_route *route; /**< The matched one. */
    const char *id;                     /**< Last path segment, decoded, or NULL. */
    const struct tg_front_query *query; /**< Parsed, without complaint. */
    const char *body;                   /**< Request body; "" when none. */
    size_t body_bytes;                  /**< Its length. */
};

/** @brief Answer a request. */
typedef void (*tg_front_handler)(const struct tg_front_request *request,
                                 struct tg_front_reply *reply);

/** @brief Another name of an attribute in sort and filters. */
struct tg_front_alias {
    const char *name; /**< As in the query. */
    const char *path; /**< Dotted path in the document. */
};

/** @brief One line of the routing table. */
struct tg_front_route {
    const char *method;                   /**< "GET", "POST". */
    const char *path;                     /**< Without a trailing slash. */
    bool takes_id;                        /**< path + "/" + one segment. */
    tg_front_handler handle;              /**< Answers. */
    const char *collection;               /**< For tg_front_list and tg_front_item. */
    const struct tg_front_alias *aliases; /**< Ends with a NULL name; or NULL. */
};

/**
 * @brief Serve until host->stopping(); answers /healthz itself.
 *
 * Settings: "listen" ADDRESS:PORT ("127.0.0.1:8081", "[::1]:0"; port 0 takes a free one). The
 * address in use is logged as "listening on ADDRESS:PORT". Beyond loopback a warning is logged:
 * there is no authentication here, put a proxy before it.
 *
 * @param host            From the process.
 * @param routes          Table; shape [routes_count].
 * @param routes_count    How many.
 * @param default_listen  ADDRESS:PORT without the setting.
 * @return 0 after a clean stop, 1 when it cannot listen, 2 for a wrong setting.
 */
int tg_front_http_serve(const struct tg_front_host *host, const struct tg_front_route *routes,
                        uint32_t routes_count, const char *default_listen);

#endif
