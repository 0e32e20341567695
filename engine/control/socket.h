/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The control socket: one JSON object a line in, one JSON object a line out.
 *
 *  Source: <data>/control.sock, a Unix stream socket with mode 0600: who may open it may command.
 *  Threads: the server belongs to the control thread, but for tg_control_wake; a client call to any
 *  process. Allocates: a little, control plane; each answer. Cost: a poll a turn.
 *
 *      READING --a whole line--> ANSWERED now, or WAITING --tg_control_reply--> WRITING --> READING
 *
 *  Nobody holds anybody else up:
 *  (1) At most TG_CONTROL_CLIENTS_MAX connections. A newcomer beyond that takes the place of the
 *      one that has been silent longest, for TG_CONTROL_IDLE_NS at least; else it is told FULL.
 *  (2) A turn takes one request of each connection, so a flood on one of them waits for the others.
 *      Requests of one connection are answered one by one, in order.
 *  (3) A line that is not finished, or an answer that is not read, TG_CONTROL_STALL_NS after its
 *      first octet ends the connection. Half a request has no effect.
 *  (4) What takes long is answered later; its connection waits, the others go on.
 *  All of it is counted (struct tg_control_counts).
 */
#ifndef TG_CONTROL_SOCKET_H
#define TG_CONTROL_SOCKET_H

#include "base/error.h"
#include "doc/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Longest request or answer of the small commands. */
#define TG_CONTROL_LINE_BYTES_MAX 65536u
/** Connections at a time. */
#define TG_CONTROL_CLIENTS_MAX 64u
/** A line, or the reading of an answer, may take this long. */
#define TG_CONTROL_STALL_NS INT64_C(5000000000)
/** Who was silent for so long may be closed for a newcomer. */
#define TG_CONTROL_IDLE_NS INT64_C(1000000000)

struct tg_control_server;

/** @brief Names a request that is answered later. */
struct tg_control_ticket {
    uint32_t client;   /**< Place of its connection. */
    uint32_t reserved; /**< 0. */
    uint64_t turn;     /**< Tells it from others of that place. */
};

/** @brief A request. */
struct tg_control_request {
    const struct tg_json *json;      /**< Borrowed until the call returns. */
    struct tg_control_ticket ticket; /**< For tg_control_reply. */
    int fd; /**< Descriptor that came with it, or -1; who keeps it sets -1 and closes it. */
};

/** @brief What the server did; only grow. */
struct tg_control_counts {
    uint64_t connections_count; /**< Taken. */
    uint64_t requests_count;    /**< Whole lines. */
    uint64_t refused_count;     /**< Newcomers told FULL. */
    uint64_t displaced_count;   /**< Silent ones closed for a newcomer. */
    uint64_t unfinished_count;  /**< Closed with half a line: too slow or too long. */
    uint64_t unread_count;      /**< Closed since they did not read their answer. */
};

/**
 * @brief Answer one request.
 * @param[in]     context  As given.
 * @param[in,out] request  Borrowed.
 * @param[out]    answer   On true: new answer, freed by the server; NULL without memory.
 * @return false: tg_control_reply will answer.
 */
typedef bool (*tg_control_answer)(void *context, struct tg_control_request *request,
                                  struct tg_json **answer);

/**
 * @brief Listen.
 * @param[in]  path    Socket path; an old one nobody listens on is replaced.
 * @param[out] server  Caller's.
 * @param[out] why     May be NULL.
 * @return TG_OK, TG_E_EXISTS (somebody listens), TG_E_IO, TG_E_NO_MEMORY.
 */
enum tg_err tg_control_listen(const char *path, struct tg_control_server **server,
                              struct tg_why *why);

/**
 * @brief Serve what is waiting, for at most timeout_ms.
 * @param server      Listening.
 * @param timeout_ms  0 or more; returns early once something came, or when woken.
 * @param now_ns      Monotonic, for the bounds above.
 * @param answer      Called for each request.
 * @param context     For answer.
 */
void tg_control_serve(struct tg_control_server *server, int timeout_ms, int64_t now_ns,
                      tg_control_answer answer, void *context);

/** @brief Answer a request that answer() left for later. @param server Listening.
 *  @param ticket Of the request; when its connection is gone nothing happens.
 *  @param answer Freed. */
void tg_control_reply(struct tg_control_server *server, struct tg_control_ticket ticket,
                      struct tg_json *answer);

/** @brief End a running or the next tg_control_serve early. @param server Listening; any thread. */
void tg_control_wake(struct tg_control_server *server);

/** @brief Read the counts. @param server Listening. @param[out] counts Written. */
void tg_control_counts(const struct tg_control_server *server, struct tg_control_counts *counts);

/** @brief Stop listening, remove the socket. @param server May be NULL. */
void tg_control_close(struct tg_control_server *server);

/** @brief Connect to an engine. @param path Socket path. @return Blocking descriptor, the caller's;
 *  -1: nobody answers there. */
int tg_control_connect(const char *path);

/**
 * @brief Ask an engine.
 * @param[in]  path     Socket path.
 * @param[in]  request  One JSON object, NUL-terminated.
 * @param[out] answer   NUL-terminated line without its newline.
 * @param[in]  answer_bytes  Room.
 * @return TG_OK, TG_E_UNREACHABLE, TG_E_FULL, TG_E_IO.
 */
enum tg_err tg_control_ask(const char *path, const char *request, char *answer,
                           size_t answer_bytes);

/**
 * @brief As tg_control_ask, with a descriptor for the engine and its own patience.
 * @param[in]  path     Socket path.
 * @param[in]  request  One JSON object, NUL-terminated.
 * @param[in]  fd       The engine gets a copy; -1 none.
 * @param[in]  wait_s   Seconds without an octet of the answer after which it is TG_E_IO.
 * @param[out] answer   NUL-terminated line without its newline.
 * @param[in]  answer_bytes  Room.
 * @return As tg_control_ask.
 */
enum tg_err tg_control_ask_with(const char *path, const char *request, int fd, uint32_t wait_s,
                                char *answer, size_t answer_bytes);

#endif
