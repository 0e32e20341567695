/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief One invoice as plain numbers: lines, one tax a category, totals that add up.
 *
 *  Source: rating-semantics 4.14 (lines), 4.15 and EN 16931 BR-S-09 (tax per category).
 *  Threads: pure. Allocates: never; the caller owns all arrays.
 *  Cost: a pass over the lines a tax category, and a sort.
 *
 *  Invariants after tg_bill_invoice_compute:
 *  (1) a category's net = round(sum of its lines' exact amounts), once, in the mode the
 *      catalog declares: the BILL stage;
 *  (2) its tax = round(net x rate), once, in the mode the catalog declares: the TAX stage; or,
 * where the catalog says so, the sum of its lines' or its rows' rounded taxes; (3) printed line
 * amounts sum to their category's net, printed line taxes to its tax; (4) net_total = sum of nets,
 * tax_total = sum of taxes, total = net_total + tax_total; (5) due = total - paid - credit_used +
 * cash_added.
 *
 *  Where a tax is inclusive (prices are with it), (1) and (2) are: gross = round(sum of exact
 *  amounts), tax = round(gross x rate / (1 + rate)), net = gross - tax; lines likewise.
 *
 *  Discounts, the maximum and the minimum are lines that assemble.c appends before compute, so that
 * tax comes last (order of rating-semantics 4.14).
 */
#ifndef TG_BILL_INVOICE_H
#define TG_BILL_INVOICE_H

#include "base/error.h"
#include "base/money.h"
#include "bill/allocate.h"
#include "bill/cash.h"
#include "bill/seller.h"
#include "catalog/image.h"
#include "catalog/zone_time.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_BILL_TAXES_MAX     16u /**< Tax categories of an invoice's own; more is TG_E_FULL. */
#define TG_BILL_TAXES_ALL_MAX 48u /**< With those of interim bills that it takes off; of a note.   \
                                   */
#define TG_BILL_NUMBER_BYTES 48u  /**< Printed invoice number, NUL included. */
#define TG_BILL_ID_BYTES     128u /**< Document id, NUL included. */

struct tg_bill_replaced;
struct tg_exchange_rate;

/** @brief What a line charges for. Values are stored in documents by name. */
enum tg_bill_line_kind {
    TG_BILL_LINE_RECURRING = 0,  /**< Fee of the product for the cycle. */
    TG_BILL_LINE_USAGE = 1,      /**< Rated usage. */
    TG_BILL_LINE_ONE_OFF = 2,    /**< Fee or charge once, in the cycle of its date. */
    TG_BILL_LINE_ADJUSTMENT = 3, /**< Corrections of charges (bill/adjust.h). */
    TG_BILL_LINE_LATE = 4,       /**< Usage of a period whose bill was issued before it came. */
    TG_BILL_LINE_DISCOUNT = 5,   /**< Taken off the subscription's eligible lines. */
    TG_BILL_LINE_MINIMUM = 6,    /**< What is missing to the minimum commitment. */
    TG_BILL_LINE_CREDIT = 7,     /**< Of a credit or debit note: refers to an issued line. */
    TG_BILL_LINE_MAXIMUM = 8,    /**< What is beyond the most a cycle may cost, taken off. */
    TG_BILL_LINE_SPEND = 9,      /**< What usage of prices misses to their minimum spend. */
    TG_BILL_LINE_INTERIM = 10,   /**< Taken off, as an interim bill has charged it (interim.h). */
    TG_BILL_LINE_KINDS = 11      /**< How many. */
};

/** @brief Is it a sum of rows? @param kind enum tg_bill_line_kind. @return true if so. */
static inline bool tg_bill_line_has_rows(uint8_t kind)
{
    return kind == TG_BILL_LINE_USAGE || kind == TG_BILL_LINE_ADJUSTMENT ||
           kind == TG_BILL_LINE_LATE;
}

/** @brief One line; amounts before tax. Texts are borrowed and outlive the invoice. */
struct tg_bill_line {
    const char *subscriber_id; /**< Subscription's id. */
    const char *product_id;    /**< Product. */
    const char *zone_id;       /**< Zone; "" when none. */
    const char *band_id;       /**< Band its rows begin in; NULL or "" when none. */
    const char *price_id;      /**< Price; "" for recurring fees. */
    const char *unit_id;       /**< Unit of billed_units, "second"; "" for fees. */
    __int128 amount_exact;     /**< Sum of charges at rating scale. */
    __int128 amount_usage;   /**< Of a discount or maximum: how much of amount_exact is of usage. */
    __int128 residual;       /**< Sum of what RATE rounding cut off, in 2^-32 of a scale unit. */
    uint64_t rows_count;     /**< Usage rows behind it. */
    uint64_t crossing_count; /**< Of rows_count, with usage that goes on into other bands. */
    uint64_t units; /**< As reported: octets, milliseconds, events; of a fee its seats, 0: one. */
    uint64_t billed_units;    /**< After increments, in the price's unit. */
    uint64_t allowance_units; /**< Of billed_units, covered by the allowance. */
    uint64_t covered;         /**< Recurring: proration numerator. */
    uint64_t covered_total;   /**< Recurring: proration denominator; 0 for usage. */
    int64_t fee;              /**< Recurring: full fee at rating scale. */
    int64_t from_ns;          /**< Event time of late rows; 0: the invoice's period. */
    int64_t to_ns;            /**< End of it, exclusive. */
    int64_t charge_tax;       /**< Sum of the rows' own taxes, bill scale; tax mode charge. */
    const char *exchange_id;  /**< Exchange rate of the amounts; NULL: none was needed. */
    const struct tg_exchange_rate *exchange; /**< The rate; borrowed from its image. */
    __int128 amount_foreign; /**< With exchange: exact sum at the rating scale of its `from`. */
    const char *title;       /**< For people; "" when the ids say it; borrowed. */
    int64_t amount;          /**< Printed, at bill scale; compute writes it. */
    int64_t tax_amount;      /**< Its share of the category's tax, bill scale; compute writes it. */
    int64_t tax_parts[TG_TAX_PARTS_MAX]; /**< Of a set: tax_amount by part; compute writes it. */
    uint32_t price;                      /**< Of rows: price index; of a minimum spend: limit. */
    uint32_t subscriber;                 /**< Roster index; the first sorting key. */
    uint32_t catalog_version;            /**< Version that priced it. */
    uint16_t currency;                   /**< ISO 4217 numeric of all its amounts. */
    uint16_t tax_index;                  /**< Into the invoice's taxes. */
    uint8_t service;                     /**< enum tg_service; TG_SERVICE_NONE for recurring. */
    uint8_t kind;                        /**< enum tg_bill_line_kind. */
    uint8_t proration;                   /**< enum tg_proration, recurring only. */
    bool has_charge_tax;    /**< charge_tax is set, and tax_parts where the tax is a set. */
    bool is_prepaid;        /**< Its rows were taken from a balance: nothing of it is due. */
    uint32_t tax_of_plus;   /**< Its tax is that of this subscriber's product, less one; 0: own. */
    uint32_t tax_version;   /**< ... in this version; with tax_of_plus. */
    uint32_t tax_price;     /**< ... or of this price; with tax_of_plus. */
    int64_t taken_whole;    /**< What is taken off all taxes together; with tax_of_plus. */
    uint32_t charged_month; /**< Of a fee given back: period whose bill charged it; else 0. */
    uint16_t note_month;    /**< Period on whose bill it is a note; 0: on this invoice. */
};

/** @brief One tax of a set. */
struct tg_bill_tax_part {
    const char *id;    /**< Catalog's name; borrowed. */
    uint32_t rate_ppm; /**< Exempt: 0. */
    uint8_t rounding;  /**< enum tg_rounding. */
    bool is_compound;  /**< Also on the parts before it. */
    bool is_exempt;    /**< The account does not pay it. */
    uint8_t reserved;  /**< 0. */
    int64_t taxable;   /**< What it is a tax on, bill scale; compute writes it. */
    int64_t tax;       /**< Amount, bill scale; compute writes it. */
};

/** @brief One tax category of an invoice (EN 16931 BG-23). */
struct tg_bill_tax {
    const char *id;      /**< Catalog's name of the tax; borrowed. */
    uint32_t rate_ppm;   /**< 190000 is 19 %. */
    uint8_t rounding;    /**< enum tg_rounding of the TAX stage. */
    uint8_t mode;        /**< enum tg_tax_mode (catalog/image.h). */
    bool is_inclusive;   /**< Its lines' exact amounts are with this tax in them. */
    bool is_exempt;      /**< The account does not pay it: rate 0. */
    uint8_t parts_count; /**< Of a set of taxes; 0: one tax. */
    bool is_given;       /**< Its lines bring their taxes: a note's. */
    uint8_t reserved[2]; /**< 0. */
    int64_t net;         /**< Taxable amount, bill scale; compute writes it. */
    int64_t tax;         /**< Tax amount, bill scale; compute writes it. */
    struct tg_bill_tax_part parts[TG_TAX_PARTS_MAX]; /**< In order; shape [parts_count]. */
};

/** @brief What a prepaid balance did over the period; amounts at the currency's rating scale. */
struct tg_bill_statement {
    __int128 opening; /**< When the period began. */
    __int128 topups;  /**< Added in it. */
    __int128 usage;   /**< What rows on the bill took: below 0. */
    __int128 lapsed;  /**< What was not used in its time: below 0. */
    __int128 fees;    /**< What this bill took for fees: below 0; compute writes it. */
    bool is_there;    /**< Else all is 0: nothing to state. */
};

/** @brief Balance when the period ended. @param statement Statement. @return Rating scale. */
static inline __int128 tg_bill_statement_closing(const struct tg_bill_statement *statement)
{
    return statement->opening + statement->topups + statement->usage + statement->lapsed +
           statement->fees;
}

/** @brief What a document is. */
enum tg_bill_document {
    TG_BILL_INVOICE = 0,     /**< Of a period. */
    TG_BILL_CREDIT_NOTE = 1, /**< Takes back part of an issued invoice; amounts are negative. */
    TG_BILL_DEBIT_NOTE = 2,  /**< Adds to an issued invoice. */
    TG_BILL_DOCUMENTS = 3    /**< How many. */
};

/** @brief An invoice. A pure function of (journal, catalog versions, accounts). */
struct tg_bill_invoice {
    const char *account_id;             /**< Who pays; borrowed. */
    const char *account_name;           /**< For people; borrowed; may be "". */
    const struct tg_currency *currency; /**< Of every amount. */
    int64_t period_start_ns;            /**< Begin of the cycle, UTC. */
    int64_t period_end_ns;              /**< End of the cycle, UTC, exclusive. */
    struct tg_zone_view zone;           /**< Whose days are printed; all 0: UTC. */
    const char *zone_name;              /**< Its IANA name; NULL: UTC. */
    int64_t issued_ns;                  /**< Date on the invoice; an argument of the run. */
    struct tg_bill_line *lines;         /**< In printed order; owned by the caller. */
    uint32_t lines_count;               /**< How many. */
    uint32_t taxes_count;               /**< How many of taxes[]. */
    struct tg_bill_tax taxes[TG_BILL_TAXES_ALL_MAX]; /**< In order of first use. */
    uint8_t rounding;                                /**< enum tg_rounding of the BILL stage. */
    uint8_t document;                                /**< enum tg_bill_document. */
    bool is_issued;                                  /**< Gets a number; false: a draft. */
    uint8_t draft_state;                             /**< enum tg_bill_period_state of a draft. */
    bool carries_credit;                             /**< Below 0 it leaves credit to later ones. */
    bool is_interim;                                 /**< Of a part of a cycle (interim.h). */
    bool rounds_lines;                               /**< Each line is rounded by itself. */
    uint8_t weeks;                                   /**< Of the cycle, when several; else 0. */
    int64_t due_ns;                                  /**< Day to pay by; 0: none. */
    struct tg_bill_seller seller;                    /**< Who bills; borrowed. */
    const char *reference_id;                        /**< Of a note: the invoice's id; else NULL. */
    const char *reference_number;                    /**< Of a note: the invoice's number. */
    const char *reason;                              /**< Of a note: why, for people. */
    const struct tg_bill_replaced *replaces; /**< Voided bill it is instead of; NULL: none. */
    uint32_t voids_month;                    /**< Of a note that voids: number of the invoice's
                                                  period; else 0. */
    uint32_t reserved_3;                     /**< 0. */
    int64_t net_total;                       /**< Before tax, bill scale. */
    int64_t tax_total;                       /**< Tax, bill scale. */
    int64_t total;                           /**< With tax, bill scale. */
    int64_t paid;                            /**< Of total, taken from a balance already. */
    uint8_t balance_mode;  /**< enum tg_prepaid_fees: how the balance pays what is left to pay. */
    bool is_taken;         /**< balance_taken is given: that of the bill as it was issued. */
    uint8_t reserved_2[2]; /**< 0. */
    uint32_t account;      /**< Roster index. */
    int64_t balance_taken; /**< Of paid, for fees; compute writes it. */
    int64_t interim_paid;  /**< What balances paid on interim bills that it takes off. */
    int64_t credit;        /**< What earlier bills left to this one, bill scale, 0 or more. */
    int64_t credit_used;   /**< Of credit, taken off the rest; compute writes it. */
    int64_t taken_over;    /**< Of paid, given by the bill it replaces; compute writes it. */
    int64_t cash_added;    /**< What rounding by cash adds to the rest. */
    struct tg_bill_cash cash;           /**< How what is due is rounded. */
    struct tg_bill_statement statement; /**< Of that balance. */
    char id[TG_BILL_ID_BYTES];          /**< Document id; tells account and period. */
    char number[TG_BILL_NUMBER_BYTES];  /**< Gapless number; "" for a draft, and
                                             before its turn has come. */
};

/** @brief What is to be paid. @param invoice Computed. @return Bill scale. */
static inline int64_t tg_bill_invoice_due(const struct tg_bill_invoice *invoice)
{
    return invoice->total - invoice->paid - invoice->credit_used + invoice->cash_added;
}

/** @brief Credit of the account with this invoice. @param invoice Computed. @return Bill scale. */
static inline int64_t tg_bill_invoice_credit_left(const struct tg_bill_invoice *invoice)
{
    const int64_t due = tg_bill_invoice_due(invoice);
    return invoice->credit - invoice->credit_used - (due < 0 && invoice->carries_credit ? due : 0);
}

/** @brief Arrays compute() needs, all of the same length; owned by the caller, contents free. */
struct tg_bill_scratch {
    uint32_t capacity;                  /**< Lines the arrays have room for. */
    uint32_t reserved;                  /**< 0. */
    __int128 *exact;                    /**< Shape [capacity]. */
    int64_t *weights;                   /**< Shape [capacity]. */
    int64_t *parts;                     /**< Shape [capacity]. */
    uint32_t *rows;                     /**< Shape [capacity]. */
    struct tg_bill_fraction *fractions; /**< Shape [capacity]. */
};

/**
 * @brief Find or add a tax category.
 * @param[in,out] invoice   Caller's.
 * @param[in]     id        Catalog's name; borrowed for the invoice's life.
 * @param[in]     rate_ppm  Rate; the same id with another rate is another category.
 * @param[in]     rounding  enum tg_rounding.
 * @return Index 0..TG_BILL_TAXES_ALL_MAX-1, or UINT16_MAX when the invoice has no room for another.
 */
uint16_t tg_bill_invoice_tax(struct tg_bill_invoice *invoice, const char *id, uint32_t rate_ppm,
                             uint8_t rounding);

/** @brief Whether two taxes are one category. @param a Tax. @param b Tax. @return Whether id,
 * rates, rounding and mode are the same, parts too. */
bool tg_bill_tax_is(const struct tg_bill_tax *a, const struct tg_bill_tax *b);

/** @brief Find or add a tax category with all that makes it one. @param[in,out] invoice Caller's.
 *  @param[in] wanted Copied; its texts are borrowed for the invoice's life. @return As
 *  tg_bill_invoice_tax. */
uint16_t tg_bill_invoice_category(struct tg_bill_invoice *invoice,
                                  const struct tg_bill_tax *wanted);

/** @brief Put lines into printed order: subscriber, recurring first, service, zone, price, version.
 *  @param[in,out] lines Shape [lines_count]. @param lines_count How many. */
void tg_bill_lines_sort(struct tg_bill_line *lines, uint32_t lines_count);

/**
 * @brief Round, tax and total the lines; see the invariants above.
 * @param[in,out] invoice  lines with amount_exact and tax_index set; taxes with rate and rounding;
 *                         cash.
 * @param[in]     scratch  Room for at least invoice->lines_count.
 * @param[out]    why      Filled on failure; may be NULL.
 * @return TG_OK, TG_E_FULL (scratch too small), TG_E_INVALID (a tax index out of range),
 *         TG_E_AMOUNT_OVERFLOW.
 */
enum tg_err tg_bill_invoice_compute(struct tg_bill_invoice *invoice,
                                    const struct tg_bill_scratch *scratch, struct tg_why *why);

/** @brief Tax in an amount that is with tax, rounded once: amount x rate / (1 + rate).
 *  @param gross At the scale of the result times divisor. @param rate_ppm Rate.
 *  @param rounding enum tg_rounding. @param divisor At least 1. @param[out] tax Written on TG_OK.
 *  @return TG_OK or TG_E_AMOUNT_OVERFLOW. */
enum tg_err tg_bill_tax_in(__int128 gross, uint32_t rate_ppm, uint8_t rounding, uint64_t divisor,
                           int64_t *tax);

/** @brief Tax on a net, rounded once. @param net Bill scale. @param rate_ppm Rate.
 *  @param rounding enum tg_rounding. @param[out] tax Written on TG_OK.
 *  @return TG_OK or TG_E_AMOUNT_OVERFLOW. */
enum tg_err tg_bill_tax_on(int64_t net, uint32_t rate_ppm, uint8_t rounding, int64_t *tax);

/** @brief Lower-case name ("usage"). @param kind enum tg_bill_line_kind. @return Static text. */
const char *tg_bill_line_kind_name(uint8_t kind);

#endif
