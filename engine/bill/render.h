/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief An invoice as JSON (TM Forum TMF678 v4) and as text for people.
 *
 *  Source: TMF678 Customer Bill Management 4.0.0 (CustomerBill, AppliedCustomerBillingRate);
 *  fields beyond the standard begin with x_. Threads: pure. Allocates: never. Cost: formatting.
 *
 *  Money is a JSON number with exact decimal digits at bill scale; x_exactAmount is a decimal
 * string at rating scale. The same invoice renders to the same bytes.
 */
#ifndef TG_BILL_RENDER_H
#define TG_BILL_RENDER_H

#include "bill/invoice.h"
#include "bill/text.h"

/** Bytes that hold any one line in any rendering: names are at most TG_NAME_BYTES_MAX. */
#define TG_BILL_RENDER_LINE_BYTES 4096u
/** Bytes beside the lines: heads, taxes, totals. */
#define TG_BILL_RENDER_HEAD_BYTES 16384u

/** @brief What made a line is printed alike in the bill and in the line's own document: where it
 *  stands in the bill. */
struct tg_bill_detail {
    size_t at;          /**< In the text that tg_bill_render_json wrote. */
    size_t count_bytes; /**< How long. */
};

/**
 * @brief The invoice as a TMF678 CustomerBill, lines included as x_line.
 * @param[in]     invoice  Computed.
 * @param[in,out] out      Appended to; is_full tells that it did not fit.
 * @param[out]    details  Of each line; shape [lines_count]; may be NULL.
 */
void tg_bill_render_json(const struct tg_bill_invoice *invoice, struct tg_bill_text *out,
                         struct tg_bill_detail *details);

/**
 * @brief One line as a TMF678 AppliedCustomerBillingRate.
 * @param[in]     invoice     Computed.
 * @param[in]     line_index  0..lines_count-1.
 * @param[in]     detail      Its detail, printed already, shape [detail_bytes]; NULL: print it.
 * @param[in]     detail_bytes  Its length.
 * @param[in,out] out         Appended to.
 */
void tg_bill_render_rate(const struct tg_bill_invoice *invoice, uint32_t line_index,
                         const char *detail, size_t detail_bytes, struct tg_bill_text *out);

/** @brief Name in documents ("voice"). @param service enum tg_service. @return Static text. */
const char *tg_bill_service_name(uint8_t service);

/** @brief Name in documents ("normal"). @param document enum tg_bill_document. @return Static. */
const char *tg_bill_document_name(uint8_t document);

/** @brief Path of a bill's document in the BSS front. */
#define TG_BILL_HREF "/tmf-api/customerBillManagement/v4/customerBill/"
/** @brief Path of a line's document in the BSS front. */
#define TG_BILL_RATE_HREF "/tmf-api/customerBillManagement/v4/appliedCustomerBillingRate/"

/** @brief Id of a line's document: the invoice's id, "-", four or more digits from 0001.
 *  @param invoice Invoice. @param line_index From 0. @param[out] id Room. */
void tg_bill_render_rate_id(const struct tg_bill_invoice *invoice, uint32_t line_index,
                            char id[TG_BILL_ID_BYTES]);

/**
 * @brief The invoice as aligned columns: period, lines, allowance used, tax, total, number.
 * @param[in]     invoice  Computed.
 * @param[in,out] out      Appended to; lines end in a newline.
 */
void tg_bill_render_text(const struct tg_bill_invoice *invoice, struct tg_bill_text *out);

#endif
