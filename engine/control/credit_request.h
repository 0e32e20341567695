/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A prepaid request as JSON, checked: every mistake is named, nothing is guessed.
 *
 *  Source: schemas/control/README.md. Threads: control thread. Allocates: the list of mistakes.
 *  Cost: a look-up or two a request.
 */
#ifndef TG_CONTROL_CREDIT_REQUEST_H
#define TG_CONTROL_CREDIT_REQUEST_H

#include "control/id_index.h"
#include "doc/json.h"
#include "health/inventory.h"
#include "rate/credit.h"

/** @brief What requests are read against. */
struct tg_credit_reader {
    const struct tg_catalog_snapshot *catalog; /**< In force. */
    struct tg_id_index *accounts;              /**< Ids of accounts. */
    struct tg_id_index *subscribers;           /**< Ids of subscribers. */
    const struct tg_inventory *inventory;      /**< Nodes. */
    int64_t now_ns;                            /**< Stands for an absent `at`. */
};

/**
 * @brief Read one request.
 * @param[in]     reader    Borrowed.
 * @param[in]     json      Borrowed.
 * @param[in]     place     "requests[3]", for mistakes.
 * @param[out]    request   Written; of use when nothing was added to mistakes.
 * @param[in,out] mistakes  List of texts "requests[3].quantity: ...".
 * @return TG_OK; TG_E_DOCUMENT: there are mistakes; TG_E_NOT_FOUND, TG_E_UNKNOWN_SUBSCRIBER: well
 *         formed, but no such account or subscriber.
 */
enum tg_err tg_credit_request_read(const struct tg_credit_reader *reader,
                                   const struct tg_json *json, const char *place,
                                   struct tg_credit_request *request, struct tg_json *mistakes);

/** @brief Name of an action, as in requests. @param action enum tg_credit_action.
 *  @return Static. */
const char *tg_credit_action_name(uint8_t action);

#endif
