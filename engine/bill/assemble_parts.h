/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The assembler from inside: what its parts share, one part a kind of line.
 *
 *  Source: rating-semantics 4.14 (order: usage, discounts, maximum, minimum, tax).
 *  Threads: that of the assembler. Allocates: never. Only assemble*.c include this.
 */
#ifndef TG_BILL_ASSEMBLE_PARTS_H
#define TG_BILL_ASSEMBLE_PARTS_H

#include "abi/usage.h"
#include "base/limits.h"
#include "bill/assemble.h"
#include "bill/fee.h"
#include "bill/lines.h"
#include "bill/tax_choice.h"
#include "bill/voided.h"
#include "catalog/catalog.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_BILL_NAME_BYTES  TG_NAME_BYTES_MAX /**< Ids, NUL included. */
#define TG_BILL_TITLE_BYTES 256u              /**< Names of accounts, NUL included. */

#define TG_BILL_NOTES_MAX                                                                          \
    32u /**< Notes of one account on a run; more late usage is next bill's.                        \
         */

/** @brief A note that late usage makes on an issued invoice. */
struct tg_bill_note_head {
    struct tg_bill_window window;      /**< Of the invoice. */
    uint32_t month;                    /**< Its number. */
    uint16_t currency;                 /**< Of its amounts. */
    uint16_t reserved;                 /**< 0. */
    char bill_id[TG_BILL_ID_BYTES];    /**< Of the invoice. */
    char number[TG_BILL_NUMBER_BYTES]; /**< Of the invoice. */
    char entity[TG_BILL_NAME_BYTES];   /**< Who issued it. */
    char title[TG_BILL_TITLE_BYTES];   /**< Its name on it; "": none. */
    char tax_id[TG_BILL_NAME_BYTES];   /**< Its tax number on it; "": none. */
};

/** @brief What an assembler holds. */
struct tg_bill_assembler {
    const struct tg_catalog_snapshot *catalog; /**< Borrowed. */
    const struct tg_bill_charge *charges;      /**< One-off charges; may be NULL. */
    uint32_t charges_count;                    /**< Of charges. */
    const struct tg_bill_closes *closes;       /**< May be NULL. */
    const struct tg_bill_bands *bands;         /**< May be NULL. */
    uint32_t spends_max;                       /**< Minimum spends of the version with most. */
    uint32_t fee_days_min;                  /**< Of the shortest fee by days; 0: there is none. */
    uint64_t written_off_count;             /**< Late rows not charged, of this account. */
    const struct tg_bill_members *members;  /**< Borrowed. */
    const struct tg_bill_lines *table;      /**< Of the account's rows; borrowed. */
    uint32_t capacity;                      /**< Lines the arrays below have room for. */
    struct tg_bill_slot *slots;             /**< One member's at a time; shape [capacity]. */
    struct tg_bill_line *lines;             /**< The account's, all currencies; shape [capacity]. */
    struct tg_bill_line *selected;          /**< One invoice's; shape [capacity]. */
    char (*names)[TG_BILL_NAME_BYTES];      /**< Subscription ids; shape [capacity]. */
    struct tg_bill_scratch scratch;         /**< Of tg_bill_invoice_compute. */
    uint32_t lines_count;                   /**< Of lines. */
    uint32_t names_count;                   /**< Of names. */
    uint64_t rows_count;                    /**< Rows behind the lines. */
    uint32_t account;                       /**< Roster index. */
    struct tg_bill_window window;           /**< Its period; while lines are gathered for several
                                                 cycles that of one of them. */
    uint32_t month_first;                   /**< Number of the first cycle on the bill. */
    uint32_t month_last;                    /**< Of the last: which the bill has its number of. */
    uint32_t cycle_from;                    /**< First line of the cycle. */
    struct tg_bill_cycle cycle;             /**< Its calendar. */
    struct tg_zone_view zone;               /**< Its zone at the end of the period. */
    int64_t run_issued_ns;                  /**< Date of the bills that the run issues. */
    int64_t issued_ns;                      /**< Of the account's: once issued that of then. */
    int64_t taxed_to_ns;                    /**< End of the period whose taxes count. */
    bool is_paid_ahead;                     /**< The bill of the cycle before is closed. */
    bool rounds_lines;                      /**< Each line is rounded by itself ... */
    uint8_t rounding;                       /**< ... enum tg_rounding; of the BILL stage. */
    bool splits_taxes;                      /**< What is taken off may be of several taxes. */
    bool taxes_prices;                      /**< Prices have taxes of their own ... */
    bool taxes_prices_usage;                /**< ... that may be those of the usage's time. */
    bool taxes_by_date;                     /**< A tax is as of the bill's date. */
    const struct tg_bill_balance *balances; /**< By account; NULL: nobody is prepaid. */
    struct tg_db *state;                    /**< Where issued bills are; may be NULL. */
    struct tg_bill_sellers sellers;         /**< Who bills. */
    const struct tg_bill_carries *carries;  /**< Credit of accounts; NULL: nobody has any. */
    const struct tg_bill_interims *interims; /**< Of the period; NULL: there are none. */
    bool is_interim;                         /**< Usage and charges only. */
    const struct tg_bill_voids *voids;       /**< Voided bills; NULL: none was. */
    struct tg_bill_replaced replaced;        /**< What the invoice in hand replaces; id "": none. */
    uint32_t notes_count;                    /**< Of notes. */
    struct tg_bill_note_head notes[TG_BILL_NOTES_MAX]; /**< Late usage beside the invoices. */
    uint32_t currencies_count;                         /**< Of currencies. */
    uint16_t currencies[TG_BILL_CURRENCIES_MAX];       /**< The account's own first. */
    char account_id[TG_BILL_NAME_BYTES];               /**< NUL-terminated. */
    char account_name[TG_BILL_TITLE_BYTES];            /**< NUL-terminated; may be "". */
};

/** @brief One subscription while its lines are gathered. */
struct tg_bill_member {
    const char *name;                   /**< Its id. */
    uint32_t subscriber;                /**< Roster index. */
    uint32_t from;                      /**< Its first line. */
    struct tg_bill_fee_version version; /**< Its product at the end of the period, amounts in the
                                             account's currency; image NULL: none has it. */
};

/** @brief Number of the cycle before the one in hand. @param made Assembler. @return Number. */
static inline uint32_t tg_bill_month_before(const struct tg_bill_assembler *made)
{
    return made->window.month - tg_bill_cycle_step(&made->cycle);
}

/** @brief The version valid just before an instant; a product it no longer has is looked for
 *  backwards. @param made Assembler. @param product Product index. @param before_ns Instant.
 *  @return Version; its image is NULL when none has the product. */
struct tg_bill_fee_version tg_bill_product_before(const struct tg_bill_assembler *made,
                                                  uint16_t product, int64_t before_ns);

/** @brief A subscription for terms of the whole account: all lines of the cycle are its. @param
 * made Assembler. @param members Of the account; shape [more than m]. @param m Which.
 *  @return Member; amounts of its version are in the version's currency. */
struct tg_bill_member tg_bill_account_member(const struct tg_bill_assembler *made,
                                             const uint32_t *members, uint32_t m);

/** @brief The version whose fees and taxes count: at the end of the period. @param made Assembler.
 *  @param product Product index. @return Borrowed or NULL. */
const struct tg_image *tg_bill_product_image(const struct tg_bill_assembler *made,
                                             uint16_t product);

/** @brief A version's amounts in the account's currency. @param made Assembler. @param at_ns Whose
 *  rate counts. @param[out] local Room for the converted product. @param[in,out] version Its
 *  product becomes local. @return As tg_bill_product_convert. */
enum tg_err tg_bill_version_localize(const struct tg_bill_assembler *made, int64_t at_ns,
                                     struct tg_product *local, struct tg_bill_fee_version *version);

/** @brief What tg_bill_fees is asked for a subscription. @param made Assembler. @param who Its
 *  roster line. @return Parameters, amounts not yet in the account's currency. */
struct tg_bill_fee_params tg_bill_fee_params_of(const struct tg_bill_assembler *made,
                                                const struct tg_roster_line *who);

/** @brief Id of the bill that stands for an account's period, or will. @param made Assembler.
 *  @param window The period. @param currency_suffix As tg_bill_id_format. @param[out] id Written
 *  when true. @param[out] replaced Id of the voided bill before it, "": none; may be NULL.
 *  @return false: the id does not fit. */
bool tg_bill_standing_id(const struct tg_bill_assembler *made, const struct tg_bill_window *window,
                         const char *currency_suffix, char id[TG_BILL_ID_BYTES],
                         char replaced[TG_BILL_ID_BYTES]);

/** @brief Turn the parameters of a cycle into those of the quarter or year it is part of. @param
 *  made Assembler. @param subscriber Whose. @param anchor_ns Since when its periods are counted
 *  where they begin with it. @param period enum tg_fee_period. @param[in,out] params Of the cycle
 *  made->window.
 *  @param[out] span The cycle. @return false: the bill is not one of a cycle. */
bool tg_bill_fee_long(const struct tg_bill_assembler *made, uint32_t subscriber, int64_t anchor_ns,
                      uint8_t period, struct tg_bill_fee_params *params,
                      struct tg_bill_fee_span *span);

/** @brief Turn the parameters of a cycle into those of the period of a fee by days that an instant
 *  is in. @param made Assembler. @param subscriber Whose. @param at_ns Instant.
 *  @param[in,out] params Of the cycle made->window; next is none then. @param[out] span The cycle.
 */
void tg_bill_fee_days(const struct tg_bill_assembler *made, uint32_t subscriber, int64_t at_ns,
                      struct tg_bill_fee_params *params, struct tg_bill_fee_span *span);

struct tg_bill_pause_params;
struct tg_bill_paused;

/** @brief What suspensions give back of a longer period, at once. @param made Assembler. @param
 *  whole Of all of the period. @param[out] paused Written on TG_OK. @return As tg_bill_pause_owed.
 */
enum tg_err tg_bill_pause_long(const struct tg_bill_assembler *made,
                               const struct tg_bill_pause_params *whole,
                               struct tg_bill_paused *paused);

/** @brief Add what suspensions give back. @param made Assembler with room for a line. @param member
 *  Whose. @param ask What was asked. @param paused What came of it. @param charged_month Of the
 *  earlier bill that charged it; 0: this one does. */
void tg_bill_pause_line(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                        const struct tg_bill_pause_params *ask, const struct tg_bill_paused *paused,
                        uint32_t charged_month);

/** @brief Take off an invoice what interim bills of its period have charged. @param made Assembler.
 *  @param[in,out] invoice Its lines and taxes are there, not yet computed. @param[out] why May be
 *  NULL. @return TG_OK, TG_E_FULL, TG_E_CORRUPT, TG_E_DATABASE. */
enum tg_err tg_bill_interim_lines(struct tg_bill_assembler *made, struct tg_bill_invoice *invoice,
                                  struct tg_why *why);

/** @brief Whether the account's bill of a cycle is issued, or this one has gathered its lines
 *  already. @param made Assembler. @param month Its number. @return Whether. */
bool tg_bill_cycle_is_closed(const struct tg_bill_assembler *made, uint32_t month);

/** @brief Whether bills of later cycles of the account are out: the one in hand is made again, or
 * was not made in its time. @param made Assembler. @return Whether. */
bool tg_bill_cycle_is_passed(const struct tg_bill_assembler *made);

#define TG_BILL_TITLE_AHEAD  "in advance"      /**< Of a line that charges the next cycle's fee. */
#define TG_BILL_TITLE_FIXED  "discount_amount" /**< Of a line that takes off a fixed amount. */
#define TG_BILL_TITLE_UNUSED "unused" /**< Of a line that gives back a fee that was charged. */

/** @brief Whether a line of the roster is a subscriber at some time of the period. @param made
 *  Assembler. @param who Line. @return Whether. */
bool tg_bill_is_billed(const struct tg_bill_assembler *made, const struct tg_roster_line *who);

/** @brief First of the lines of one product that follow each other without a pause, as another
 *  number of seats does. @param made Assembler. @param subscriber The last. @return Roster index;
 *  itself when it follows none. */
uint32_t tg_bill_chain_first(const struct tg_bill_assembler *made, uint32_t subscriber);

/** @brief Since when periods of years and quarters are counted: the begin of the first of the lines
 *  that follow each other with fees by one period. @param made Assembler. @param subscriber The
 *  last. @return Instant. */
int64_t tg_bill_chain_anchor_ns(const struct tg_bill_assembler *made, uint32_t subscriber);

/** @brief The same of a whole account: of the first of all its subscriptions to a product, also
 * when that has ended and another one goes on. @param made Assembler. @param subscriber Any of
 * them.
 *  @return Instant. */
int64_t tg_bill_chain_account_anchor_ns(const struct tg_bill_assembler *made, uint32_t subscriber);

/** @brief Seats that none of the lines of its product before had. @param made Assembler.
 *  @param subscriber Whose. @param since_ns Lines that ended by then do not count; INT64_MIN: all
 *  do. @return All of its own when it follows none. */
uint32_t tg_bill_chain_quantity_new(const struct tg_bill_assembler *made, uint32_t subscriber,
                                    int64_t since_ns);

/** @brief What discounts have taken on this bill off other lines of its chain. @param made
 *  Assembler. @param subscriber Whose. @param is_fixed By amount, else by percentage.
 *  @return Rating scale. */
int64_t tg_bill_chain_taken(const struct tg_bill_assembler *made, uint32_t subscriber,
                            bool is_fixed);

/** @brief Widen a subscription's time to that of all of the account that have its product.
 *  @param made Assembler. @param subscriber One of them. @param[in,out] params Its.
 *  @param[out] is_alone No other has the product. */
void tg_bill_chain_account(const struct tg_bill_assembler *made, uint32_t subscriber,
                           struct tg_bill_fee_params *params, bool *is_alone);

/** @brief Look up what the bill before has charged for this cycle, of who begins with it or ended
 *  before it. @param made Assembler. @param member Whose. @param[in,out] params Of a period
 *  that begins with the cycle; is_paid_ahead and has_ended_before are written. */
void tg_bill_ahead_find(const struct tg_bill_assembler *made, const struct tg_bill_member *member,
                        struct tg_bill_fee_params *params);

#define TG_BILL_ENDED_CYCLES                                                                       \
    12u /**< An end or change entered later than so many cycles gives nothing back. */
#define TG_BILL_CYCLE_DAYS_MAX 56u /**< Days of the longest cycle, which is one of eight weeks. */

/** @brief Give back fees that issued bills have charged for time behind the end of a subscription,
 *  and charge what they did not as it was entered when they were out: a longer fee in arrears to
 *  its end, and what a change of product began.
 *  @param made Assembler. @param member Whose. @return TG_OK, TG_E_FULL, or as tg_bill_fee_owed. */
enum tg_err tg_bill_ended_lines(struct tg_bill_assembler *made,
                                const struct tg_bill_member *member);

/** @brief Charge what bills of later cycles gave back, behind an end that was entered late, of fees
 *  that a voided bill had charged and the one made again does not. @param made Assembler. @param
 *  member Whose. @return As tg_bill_ended_lines. */
enum tg_err tg_bill_again_lines(struct tg_bill_assembler *made,
                                const struct tg_bill_member *member);

/** @brief Add the recurring fees of a subscription. @param made Assembler. @param member Whose.
 *  @param[out] why May be NULL. @return TG_OK, or why the account fails. */
enum tg_err tg_bill_fee_lines(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                              struct tg_why *why);

/** @brief Add the charges dated in the period. @param made Assembler. @param member Whose.
 *  @param[out] why May be NULL. @return TG_OK or TG_E_FULL. */
enum tg_err tg_bill_charge_lines(struct tg_bill_assembler *made,
                                 const struct tg_bill_member *member, struct tg_why *why);

/** @brief Add the lines of a subscription's slots. @param made Assembler. @param member Whose.
 *  @param slots Sorted; shape [slots_count]. @param slots_count Any. @param[out] why May be NULL.
 *  @return TG_OK, or why the account fails. */
enum tg_err tg_bill_usage_lines(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                                const struct tg_bill_slot *slots, uint32_t slots_count,
                                struct tg_why *why);

/** @brief What lines of one tax count. */
struct tg_bill_tax_sum {
    struct tg_bill_tax tax; /**< The category. */
    __int128 sum;           /**< Of the lines. */
    __int128 usage;         /**< How much of sum is usage. */
    uint32_t subscriber;    /**< Whose product has the tax ... */
    uint32_t version;       /**< ... in this version ... */
    uint32_t price;         /**< ... or this price; TG_BILL_NO_PRICE. */
};

/** @brief The same of all taxes. */
struct tg_bill_tax_sums {
    uint32_t count;                                 /**< Taxes. */
    struct tg_bill_tax_sum sums[TG_BILL_TAXES_MAX]; /**< In order of the lines; shape [count]. */
};

/** @brief What lines of a kind count. */
struct tg_bill_counted {
    __int128 sum;                   /**< Of the lines. */
    __int128 usage;                 /**< How much of sum is usage. */
    struct tg_bill_tax_sums *taxes; /**< By tax; NULL: they have one. */
};

/** @brief What a line comes to where terms look at it: its exact amount, or the printed one where
 *  each line is rounded by itself. @param made Assembler. @param line Line. @return Amount at the
 *  rating scale. */
__int128 tg_bill_line_sum(const struct tg_bill_assembler *made, const struct tg_bill_line *line);

/** @brief What a line counts among those of a kind. @param made Assembler. @param line Line.
 *  @param eligible enum tg_eligible. @return Rating scale. */
__int128 tg_bill_line_counted(const struct tg_bill_assembler *made, const struct tg_bill_line *line,
                              uint8_t eligible);

/** @brief Period of a minimum that is longer than a cycle. @param product Product.
 *  @return enum tg_fee_period; 0: it is of a cycle. */
static inline uint8_t tg_bill_minimum_period(const struct tg_product *product)
{
    static const uint8_t periods[] = {0, TG_FEE_QUARTER, TG_FEE_HALF_YEAR, TG_FEE_YEAR};
    return periods[product->minimum_period & 3];
}

/** @brief Add what the bills of a longer period miss to its minimum, on the bill in which it or the
 *  subscription ends. @param made Assembler. @param member Whose, with a version. @return TG_OK,
 *  TG_E_FULL, TG_E_AMOUNT_OVERFLOW or as tg_bill_fee_owed. */
enum tg_err tg_bill_commit_line(struct tg_bill_assembler *made,
                                const struct tg_bill_member *member);

/** @brief Count a line, as far as it is of a kind. @param made Assembler. @param line Line.
 *  @param eligible enum tg_eligible. @param[in,out] of Counted. */
void tg_bill_counted_add(const struct tg_bill_assembler *made, const struct tg_bill_line *line,
                         uint8_t eligible, struct tg_bill_counted *of);

/** @brief The share of usage in what is taken off, in proportion. @param taken Rating scale.
 *  @param of What it is taken off. @return Rating scale. */
__int128 tg_bill_counted_usage(__int128 taken, const struct tg_bill_counted *of);

/** @brief Add a discount or maximum: a line, or one for each tax of what it is taken off.
 *  @param made Assembler. @param member Whose. @param line Title, kind, fraction, fee.
 *  @param taken Rating scale. @param[in,out] of What it is taken off; it is less then.
 *  @return TG_OK or TG_E_AMOUNT_OVERFLOW. */
enum tg_err tg_bill_taken_lines(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                                const struct tg_bill_line *line, int64_t taken,
                                struct tg_bill_counted *of);

/** @brief Add the discounts on the lines that are there. @param made Assembler. @param member
 *  Whose, with a version. @return TG_OK or TG_E_AMOUNT_OVERFLOW. */
enum tg_err tg_bill_discount_lines(struct tg_bill_assembler *made,
                                   const struct tg_bill_member *member);

/** @brief Add what the maximum takes off and the minimum wants. @param made Assembler.
 *  @param member Whose, with a version. @return TG_OK or as tg_bill_fee_owed. */
enum tg_err tg_bill_bound_lines(struct tg_bill_assembler *made,
                                const struct tg_bill_member *member);

/** @brief What is owed of a minimum or maximum in the cycle: prorated as the product's fee, less
 *  the time of suspensions that give it back. @param made Assembler. @param member Whose, with a
 *  version. @param bound Of a whole cycle. @param scope enum tg_allowance_scope; of an account it
 *  is prorated to the time of all that have the product. @param[out] owed Written on TG_OK. @return
 * TG_OK or as tg_bill_fee_owed. */
enum tg_err tg_bill_bound_owed(const struct tg_bill_assembler *made,
                               const struct tg_bill_member *member, int64_t bound, uint8_t scope,
                               struct tg_bill_prorated *owed);

/** @brief Add a line that terms make. @param made Assembler. @param member Whose, with a version.
 *  @param line Kind, title, amounts and shares; who and whose are added. */
void tg_bill_extra_line(struct tg_bill_assembler *made, const struct tg_bill_member *member,
                        const struct tg_bill_line *line);

/** @brief Add what a subscription's usage of prices misses to their minimum spend; before
 *  discounts, maximum and minimum of its product. @param made Assembler. @param member Whose, with
 *  a version. @return TG_OK, TG_E_NO_EXCHANGE_RATE or as tg_bill_bound_owed. */
enum tg_err tg_bill_spend_lines(struct tg_bill_assembler *made,
                                const struct tg_bill_member *member);

/** @brief Add what the usage of an account misses to the minimum spends that are its own: of the
 *  first subscription that owes each, behind the lines of all. @param made Assembler. @param
 * members Roster indices, in the order of made->names; shape [count]. @param count Any. @return As
 *  tg_bill_spend_lines. */
enum tg_err tg_bill_spend_account(struct tg_bill_assembler *made, const uint32_t *members,
                                  uint32_t count);

/** @brief Minimum spends of a version. @param image Version. @return How many a subscription could
 *  owe at most. */
uint32_t tg_bill_spend_count(const struct tg_image *image);

/** @brief Take a line of late usage off the invoice, for a note on the one it is late for; it stays
 *  where that was never issued. @param made Assembler. @param line One of its lines. @param month
 *  Period it is late for. */
void tg_bill_note_mark(struct tg_bill_assembler *made, struct tg_bill_line *line, uint32_t month);

/** @brief Head of the document a note is. @param made Assembler. @param note One of its.
 *  @param[in,out] invoice Account, date and currency set; the rest is written, lines aside.
 *  @return TG_OK or TG_E_FULL. */
enum tg_err tg_bill_note_head_make(const struct tg_bill_assembler *made,
                                   const struct tg_bill_note_head *note,
                                   struct tg_bill_invoice *invoice);

/** @brief Is usage of a product taxed as of its time? Then versions are lines of their own.
 *  @param made Assembler. @param product Product index. @return true if so. */
bool tg_bill_taxes_usage(const struct tg_bill_assembler *made, uint16_t product);

/** @brief Whose product's tax a line has. @param line Line. @return Roster index. */
static inline uint32_t tg_bill_line_taxed_as(const struct tg_bill_line *line)
{
    return line->tax_of_plus != 0 ? line->tax_of_plus - 1 : line->subscriber;
}

/** @brief What decides on the tax of a line. @param made Assembler. @param line One of its.
 *  @param taxed_to_ns End of the period. @return Question. */
struct tg_bill_tax_question tg_bill_tax_question_of(const struct tg_bill_assembler *made,
                                                    const struct tg_bill_line *line,
                                                    int64_t taxed_to_ns);

/** @brief Take the date that the account's bill has: where a tax is as of it, and the bill is
 * issued already, that on the bill, else the run's. @param made At the account. */
void tg_bill_date_find(struct tg_bill_assembler *made);

/** @brief Give a line of an invoice its tax category. @param made Assembler. @param invoice Gets
 * the category when it has not. @param line One of its. @param[out] why May be NULL. @return TG_OK,
 *  TG_E_CATALOG_VERSION, TG_E_FULL. */
enum tg_err tg_bill_line_tax(struct tg_bill_assembler *made, struct tg_bill_invoice *invoice,
                             struct tg_bill_line *line, struct tg_why *why);

#endif
