/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Which tax something an account bought has: the product's or the account's own, of which
 *         version, and what of it the account is exempt from.
 *
 *  Source: rating-semantics 4.15 (tax point, compound taxes ordered, exemptions by account x
 *  product). Threads: pure. Allocates: never. Cost: a walk over the versions and the account's
 *  exemptions.
 *
 *  Bills, rows that are taxed by themselves and explanations ask the same question here, so that
 *  they cannot give different answers.
 */
#ifndef TG_BILL_TAX_CHOICE_H
#define TG_BILL_TAX_CHOICE_H

#include "bill/invoice.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_catalog_snapshot;
struct tg_roster_exempt;

#define TG_BILL_UNTAXED  "untaxed"  /**< Id of the category that has no tax. */
#define TG_BILL_NO_PRICE UINT32_MAX /**< Not usage. */

/** @brief What is to be taxed. */
struct tg_bill_tax_question {
    const struct tg_catalog_snapshot *catalog; /**< Versions and roster. */
    uint32_t account;    /**< Roster index; its own tax replaces the price's and the product's. */
    uint32_t version;    /**< That priced it: counts where the tax point is the usage. */
    uint32_t price;      /**< Price of usage, whose tax replaces the product's; TG_BILL_NO_PRICE. */
    uint16_t product;    /**< Product index. */
    bool is_prepaid;     /**< A balance paid it: its tax is in it. */
    uint8_t reserved[1]; /**< 0. */
    int64_t issued_ns;   /**< Date of the bill: counts where the tax point is that; 0: not known. */
    int64_t taxed_to_ns; /**< End of the period whose taxes and exemptions count, exclusive. */
};

/** @brief What was found beside the tax itself. */
struct tg_bill_tax_answer {
    struct tg_bill_tax tax;       /**< As an invoice's category; its texts are the image's. */
    const struct tg_image *image; /**< Version that says so. */
    int64_t exempt_day; /**< Day whose exemptions count, from 1970-01-01 in the account's zone. */
    const struct tg_roster_exempt *exempt; /**< From the whole tax; NULL: none. */
    const struct tg_roster_exempt *exempt_parts[TG_TAX_PARTS_MAX]; /**< From a part of a set. */
    uint16_t index;      /**< Tax of image; TG_TAX_NONE: not taxed. */
    bool is_own;         /**< The account's own tax, not the product's. */
    uint8_t reserved[5]; /**< 0. */
};

/** @brief Choose. @param question Borrowed. @param[out] answer Written when true.
 *  @return false: no stored version says how the product is taxed. */
bool tg_bill_tax_choose(const struct tg_bill_tax_question *question,
                        struct tg_bill_tax_answer *answer);

#endif
