/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Names and sentences of enum tg_err, and a bounded message to carry a reason upward.
 *
 *  Source: abi/err.h. Threads: pure. Allocates: never. Cost: a table look-up.
 */
#ifndef TG_BASE_ERROR_H
#define TG_BASE_ERROR_H

#include "abi/err.h"

#include <stdint.h>

/** @brief Stable name such as "NO_RATE". @param err Any value. @return Static text, never NULL. */
const char *tg_err_name(int err);

/** @brief Sentence for a person. @param err Any value. @return Static text, never NULL. */
const char *tg_err_sentence(int err);

/**
 * @brief Find an error by its stable name.
 * @param[in]  name  NUL-terminated, e.g. "NO_RATE".
 * @param[out] err   Written when found.
 * @return TG_OK or TG_E_NOT_FOUND.
 */
enum tg_err tg_err_by_name(const char *name, int *err);

/** @brief Why something failed, with its particulars; owned by the caller, filled by the callee. */
struct tg_why {
    char text[400]; /**< NUL-terminated sentence: what, where, and what to do. */
};

/**
 * @brief Fill a reason and hand the error on: `return tg_why_set(why, TG_E_IO, "...", ...)`.
 * @param[out] why     May be NULL.
 * @param[in]  err     Returned as is.
 * @param[in]  format  printf format.
 * @return err.
 */
enum tg_err tg_why_set(struct tg_why *why, enum tg_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
