/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The control socket's command "credit": prepaid requests in JSON, answered once durable.
 *
 *  Source: schemas/control/README.md. Threads: control thread. Allocates: per command.
 *  Cost: one epoch a turn of the control thread: commands of all connections that came meanwhile
 *  go to the desk together, each request in the order of its connection.
 */
#ifndef TG_CONTROL_CREDIT_H
#define TG_CONTROL_CREDIT_H

#include "base/limits.h"
#include "control/socket.h"
#include "flow/desk.h"

#include <stdint.h>

struct tg_engine;

/** @brief A request of a command: what it came to before the desk, or its place there. */
struct tg_credit_outcome {
    int32_t err; /**< enum tg_err. */
    uint32_t at; /**< Place at the desk when TG_OK. */
};

/** @brief A command whose requests are at the desk. */
struct tg_credit_command {
    struct tg_control_ticket ticket; /**< Who asked. */
    struct tg_json *list;            /**< Its requests; shared. */
    uint32_t outcomes_at;            /**< Its first outcome. */
    uint32_t count;                  /**< How many. */
};

/** @brief What goes to the desk together; zeroed means nothing. */
struct tg_credit_round {
    struct tg_desk *desk;                                    /**< Being filled; NULL: none. */
    uint32_t commands_count;                                 /**< Commands. */
    uint32_t outcomes_count;                                 /**< Requests of all of them. */
    struct tg_credit_command commands[TG_DESK_REQUESTS_MAX]; /**< In order. */
    struct tg_credit_outcome outcomes[TG_DESK_REQUESTS_MAX]; /**< In order. */
};

/**
 * @brief Take up {"command": "credit", "requests": [...]}; tg_credit_flush carries it out.
 *
 * Requests are carried out in order; each is answered by itself. With a mistake in any of them none
 * is carried out.
 *
 * @param[in,out] engine   Runs.
 * @param[in]     request  Borrowed.
 * @param[in]     now_ns   Time of the command.
 * @param[out]    answer   When there are mistakes.
 * @return As tg_control_answer.
 */
bool tg_credit_command(struct tg_engine *engine, const struct tg_control_request *request,
                       int64_t now_ns, struct tg_json **answer);

/** @brief Carry out what was taken up, wait until it is durable, answer. @param engine Runs.
 *  @param now_ns Time, for expiry. */
void tg_credit_flush(struct tg_engine *engine, int64_t now_ns);

/** @brief Nodes whose reservations have been seen to; zeroed means none. */
struct tg_credit_outages {
    int64_t since_ns[TG_NODES_MAX + 1]; /**< By node: the latest outage that is done. */
    uint64_t search;                    /**< Number of the last search for reservations. */
    uint32_t count;                     /**< Of outages it is for; 0: it has ended. */
    struct tg_credit_outage outages[TG_DESK_OUTAGES_MAX]; /**< What it is for. */
};

/** @brief Return reservations of nodes that are down for longer than the grace of the
 *  configuration. @param engine Runs, and its alarms are of whole states. @param now_ns Time. */
void tg_credit_outages_tend(struct tg_engine *engine, int64_t now_ns);

/** @brief Return reservations whose time is up, if there are any. @param engine Runs.
 *  @param now_ns Time. */
void tg_credit_tend(struct tg_engine *engine, int64_t now_ns);

#endif
