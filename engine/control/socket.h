/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The control socket: one JSON object a line in, one JSON object a line out.
 *
 *  Source: <data>/control.sock, a Unix stream socket with mode 0600: who may open it may command.
 *  Threads: the server belongs to the control thread; a client call to any process.
 *  Allocates: a little, control plane. Cost: a poll a turn.
 */
#ifndef TG_CONTROL_SOCKET_H
#define TG_CONTROL_SOCKET_H

#include "base/error.h"
#include "doc/json.h"

#include <stddef.h>

/** Longest request or answer. */
#define TG_CONTROL_LINE_BYTES_MAX 65536u

struct tg_control_server;

/**
 * @brief Answer one request.
 * @param context  As given.
 * @param request  Borrowed.
 * @return New answer object, freed by the server; NULL without memory.
 */
typedef struct tg_json *(*tg_control_answer)(void *context, const struct tg_json *request);

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
 * @param timeout_ms  0 or more; returns early once something was served.
 * @param answer      Called for each request.
 * @param context     For answer.
 */
void tg_control_serve(struct tg_control_server *server, int timeout_ms, tg_control_answer answer,
                      void *context);

/** @brief Stop listening, remove the socket. @param server May be NULL. */
void tg_control_close(struct tg_control_server *server);

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

#endif
