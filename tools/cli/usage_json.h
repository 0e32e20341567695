/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A usage row written as JSON, as `quote` reads it: strict, every
 * mistake named.
 *
 *  Source: schemas/quote/usage.schema.json. Threads: main only. Allocates:
 * never itself. Cost: no data path.
 */
#ifndef TG_CLI_USAGE_JSON_H
#define TG_CLI_USAGE_JSON_H

#include "abi/err.h"
#include "abi/usage.h"
#include "base/error.h"
#include "catalog/image.h"
#include "doc/json.h"

#include <stdbool.h>
#include <stdint.h>

/** @brief What a line is. */
enum tg_usage_action {
    TG_USAGE_ROW = 0,    /**< Usage. */
    TG_USAGE_TOPUP = 1,  /**< Money for a prepaid account. */
    TG_USAGE_BALANCE = 2 /**< The question what it has. */
};

/** @brief One line of input. */
struct tg_usage_line {
    struct tg_usage row;    /**< The row; of an action only start_ns. */
    const char *id;         /**< Borrowed from the JSON; NULL none. */
    const char *account;    /**< Of an action: its id, borrowed likewise; else NULL. */
    int64_t amount;         /**< Of a top-up, at the rating scale. */
    int64_t valid_to_ns;    /**< Of a top-up: until when it may be used; 0: for ever. */
    int64_t credit;         /**< Money the row may cost, at the rating scale. */
    int64_t credit_floor;   /**< Where the credit ends; 0 or below. */
    int64_t price_max;      /**< Most that price_max_per units may cost, at the rating scale. */
    uint32_t price_max_per; /**< Units; 0: no such bound. */
    uint8_t action;         /**< enum tg_usage_action. */
    bool has_credit;        /**< credit was named. */
    bool is_from_balance;   /**< As "balance": what the account has then. */
    bool has_positive;      /**< A quantity is above 0. */
    bool has_negative;      /**< A quantity is below 0: the row takes usage back. */
    uint8_t node_state;     /**< enum tg_node_state. */
    uint8_t site;           /**< Site of the node, as the catalog says. */
};

/** Mistakes of a line that are told one by one; what is behind them is counted. */
#define TG_USAGE_MISTAKES_MAX 32u

/** @brief What is wrong with a line, in the order in which it is read. */
struct tg_usage_mistakes {
    uint32_t count; /**< All there are; above TG_USAGE_MISTAKES_MAX the last ones are not kept. */
    struct tg_usage_mistake {
        const char *key;   /**< At fault, borrowed from the JSON; NULL: the object itself. */
        enum tg_err err;   /**< As tg_usage_line_read has it. */
        struct tg_why why; /**< What is wrong and what is accepted. */
    } list[TG_USAGE_MISTAKES_MAX]; /**< Shape [count]. */
};

/**
 * @brief Read one object.
 * @param[in]  json   Borrowed; strings in line point into it.
 * @param[in]  image  Names of visited networks, decimals of money; NULL: neither is accepted.
 * @param[out] line   Written; of use without mistakes, its id with some too.
 * @param[out] mistakes  All there are; a key that is told is not told again.
 * @return TG_OK, or the first of them: TG_E_SYNTAX (not an object, unknown key, wrong type),
 * TG_E_UNKNOWN_NETWORK (a PLMN that the catalog has not),
 * TG_E_MISSING_FIELD, TG_E_BAD_NUMBER, TG_E_BAD_TIMESTAMP, TG_E_OVERFLOW,
 * TG_E_NEGATIVE_USAGE.
 */
enum tg_err tg_usage_line_read(const struct tg_json *json, const struct tg_image *image,
                               struct tg_usage_line *line, struct tg_usage_mistakes *mistakes);

#endif
