/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A rate stage with a prepaid ledger and a journal that can be replayed; for tests only.
 *
 *  Source: rate/credit.h. Threads: one test. Allocates: the journal. Cost: none.
 */
#ifndef TG_CREDIT_WORLD_H
#define TG_CREDIT_WORLD_H

#include "rate_fixture.h"

#include "rate/credit.h"
#include "rate/grant.h"

#include <stdbool.h>
#include <stdint.h>

#define CREDIT_ACCOUNTS 4u /**< The last one is postpaid. */
#define CREDIT_IDS      400u
#define CREDIT_ENTRIES  512u
#define CREDIT_RATE     INT64_C(7)
#define CREDIT_CONNECT  INT64_C(30)

/** @brief A piece of the journal: a row with its verdict, or an event. */
struct credit_piece {
    struct tg_usage row;          /**< Unless it is an event. */
    struct tg_charge charge;      /**< Likewise. */
    struct tg_credit_event event; /**< If it is one. */
    bool is_event;                /**< Which of the two. */
};

/** @brief What the model knows of a reservation or top-up. */
struct credit_model_id {
    uint8_t state;                    /**< enum tg_credit_state */
    uint32_t account;                 /**< Whose. */
    uint64_t asked;                   /**< Quantity, ms. */
    uint64_t granted;                 /**< Likewise. */
    uint64_t used;                    /**< Likewise. */
    int64_t held;                     /**< While open. */
    int64_t charge;                   /**< When committed. */
    int64_t valid_to_ns;              /**< Until when. */
    int64_t amount;                   /**< Of a top-up. */
    bool is_outage;                   /**< Its node went down. */
    struct tg_credit_request request; /**< To be repeated. */
};

/** @brief Money that lapses then; the soonest first, empty ones anywhere. */
struct credit_model_lot {
    int64_t valid_to_ns; /**< When. */
    int64_t left;        /**< How much. */
};

/** @brief What ought to be. */
struct credit_model {
    int64_t balance[CREDIT_ACCOUNTS];                                  /**< Of each. */
    struct credit_model_lot lots[CREDIT_ACCOUNTS][TG_CREDIT_LOTS_MAX]; /**< Of each. */
    struct credit_model_id ids[CREDIT_IDS];                            /**< As they came. */
    uint32_t ids_count;                                                /**< How many. */
};

/** @brief One ledger, its journal, and what a model says of it. */
struct credit_world {
    struct fixture f;                                   /**< Catalog and roster. */
    struct tg_roster_account accounts[CREDIT_ACCOUNTS]; /**< Of the roster. */
    struct tg_roster_credit credits[CREDIT_ACCOUNTS];   /**< Their terms. */
    struct tg_rate *rate;                               /**< Prices. */
    struct tg_credit_book *book;                        /**< Balances. */
    struct tg_credit *credit;                           /**< What is tested. */
    struct credit_piece *journal;                       /**< All that was written. */
    uint32_t journal_count;                             /**< How much. */
    uint32_t durable_count;                             /**< Of it, what a crash leaves. */
    struct credit_model model;                          /**< Of the journal. */
    struct credit_model durable;                        /**< Of what a crash leaves. */
    int64_t now_ns;                                     /**< Time. */
    uint64_t seed;                                      /**< Of what is random. */
    bool is_simple; /**< No allowance: every price is known in closed form. */
};

/** @brief Open. @param w Written. @param seed Not 0. @param is_simple Without an allowance. */
void credit_world_open(struct credit_world *w, uint64_t seed, bool is_simple);

/** @brief Give back. @param w Open. */
void credit_world_close(struct credit_world *w);

/** @brief Ask, price what is used, and write both down. @param w World. @param request Borrowed.
 *  @return Answer. */
struct tg_credit_answer credit_world_ask(struct credit_world *w,
                                         const struct tg_credit_request *request);

/** @brief Ask for a balance. @param w World. @param account Whose. @return Answer. */
struct tg_credit_answer credit_world_balance(struct credit_world *w, uint32_t account);

/** @brief A row that nobody reserved. @param w World. @param row Borrowed. @param charge With its
 *  subscriber. @return Its verdict. */
struct tg_charge credit_world_row(struct credit_world *w, const struct tg_usage *row,
                                  struct tg_charge charge);

/** @brief Write down the events that wait. @param w World. */
void credit_world_events(struct credit_world *w);

/** @brief Start again from the durable part of the journal, as after SIGKILL. @param w World. */
void credit_world_crash(struct credit_world *w);

#endif
