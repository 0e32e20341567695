/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief How every answer of the control socket begins.
 *
 *  Source: schemas/control/README.md. Threads: control thread. Allocates: JSON. Cost: none.
 */
#ifndef TG_CONTROL_ANSWER_H
#define TG_CONTROL_ANSWER_H

#include "base/error.h"
#include "doc/json.h"

/** @brief {"ok":true}. @return New object. */
struct tg_json *tg_answer_ok(void);

/** @brief {"ok":false,"reason":...,"message":...}. @param err Its name is the reason.
 *  @param text For people; NULL or "": the usual sentence. @return New object. */
struct tg_json *tg_answer_error(enum tg_err err, const char *text);

#endif
