/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A stored bill as text for people: the document is kept once, its readable form is not.
 *
 *  Source: render.h, which printed the document. Threads: pure. Allocates: the lines, until return.
 *  Cost: a walk over the document.
 */
#ifndef TG_BILL_REPRINT_H
#define TG_BILL_REPRINT_H

#include "base/error.h"
#include "bill/text.h"

struct tg_json;

/**
 * @brief Print what tg_bill_render_text prints of the invoice that a document was made of.
 * @param[in]     bill  A CustomerBill: invoice, draft or note.
 * @param[in,out] out   Appended to; is_full tells that it did not fit.
 * @param[out]    why   May be NULL.
 * @return TG_OK; TG_E_CORRUPT (a field is missing or cannot be read); TG_E_NO_MEMORY.
 */
enum tg_err tg_bill_reprint(const struct tg_json *bill, struct tg_bill_text *out,
                            struct tg_why *why);

#endif
