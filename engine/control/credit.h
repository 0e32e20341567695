/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The control socket's command "credit": prepaid requests in JSON, answered once durable.
 *
 *  Source: schemas/control/README.md. Threads: control thread. Allocates: per command.
 *  Cost: one epoch a command, whatever the number of requests in it.
 */
#ifndef TG_CONTROL_CREDIT_H
#define TG_CONTROL_CREDIT_H

#include "doc/json.h"

#include <stdint.h>

struct tg_engine;

/**
 * @brief Carry out {"command": "credit", "requests": [...]}.
 *
 * Requests are carried out in order; each is answered by itself. With a mistake in any of them none
 * is carried out.
 *
 * @param[in,out] engine   Runs.
 * @param[in]     request  Borrowed.
 * @param[in]     now_ns   Time of the command.
 * @return New answer.
 */
struct tg_json *tg_credit_command(struct tg_engine *engine, const struct tg_json *request,
                                  int64_t now_ns);

/** @brief Return reservations whose time is up, if there are any. @param engine Runs.
 *  @param now_ns Time. */
void tg_credit_tend(struct tg_engine *engine, int64_t now_ns);

#endif
