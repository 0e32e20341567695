/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Random catalogs, and a rater that looks at every unit by itself; for tests only.
 *
 *  Source: rating-semantics 4.1 to 4.6. Threads: one test. Allocates: never. Cost: units of a row.
 *
 *  A world is what a catalog says, in the plainest form; slow_world_write makes a folder of YAML
 * and CSV from it, so that the engine reads documents and shares nothing with the slow rater but
 * them.
 */
#ifndef TG_SLOW_WORLD_H
#define TG_SLOW_WORLD_H

#include "abi/usage.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_catalog_snapshot;

#define SLOW_ZONES       4u
#define SLOW_BANDS       3u
#define SLOW_STEPS       3u
#define SLOW_BUCKETS     3u
#define SLOW_PREFIXES    40u
#define SLOW_VERSIONS    2u
#define SLOW_SUBSCRIBERS 60u
#define SLOW_ACCOUNTS    20u
#define SLOW_PERIODS     64u
#define SLOW_PIECES      64u
#define SLOW_MINUTES     1440u
#define SLOW_NO_ZONE     UINT32_MAX

/** @brief Tariffs that a world sells. */
enum slow_tariff {
    SLOW_PER_UNIT,   /**< Units x price. */
    SLOW_GRADUATED,  /**< Each unit at its tier. */
    SLOW_VOLUME,     /**< All units at the tier reached. */
    SLOW_PACKAGE,    /**< Started groups. */
    SLOW_STEPPED,    /**< Tiers with increments. */
    SLOW_FLAT,       /**< A record. */
    SLOW_PERCENTAGE, /**< Of carried money. */
    SLOW_DYNAMIC,    /**< The carried money. */
    SLOW_TARIFFS     /**< How many. */
};

/** @brief A price; amounts in 1e-8. */
struct slow_price {
    enum slow_tariff tariff;    /**< Which. */
    uint32_t steps_count;       /**< Tiers. */
    uint64_t unit_base;         /**< Milliseconds or octets of a unit; 1. */
    uint64_t block;             /**< Units that count as one. */
    uint64_t up_to[SLOW_STEPS]; /**< Last of a tier. */
    int64_t price[SLOW_STEPS];  /**< Of per. */
    int64_t flat[SLOW_STEPS];   /**< Of a tier. */
    uint64_t steps[SLOW_STEPS]; /**< Increments of stepped. */
    uint64_t per;               /**< Units. */
    uint64_t first;             /**< First increment. */
    uint64_t next;              /**< Next ones. */
    uint64_t grace;             /**< Free at or below. */
    uint64_t minimum;           /**< Raised to. */
    uint64_t included;          /**< Free of each record. */
    uint64_t free_units;        /**< Of package. */
    uint64_t free_events;       /**< Of percentage. */
    int64_t rate_ppm;           /**< Of percentage. */
    int64_t fixed;              /**< Of percentage. */
    int64_t connect;            /**< Once. */
    int64_t min;                /**< INT64_MIN: none. */
    int64_t max;                /**< INT64_MAX: none. */
    unsigned rounding;          /**< enum tg_rounding. */
    unsigned quantity_rounding; /**< enum tg_rounding. */
    unsigned exponent;          /**< Decimals = 8 - this. */
    bool is_of_record;          /**< counter: record. */
    bool connects_on_use;       /**< connect_on: used. */
    bool max_stops;             /**< at_max: stop. */
    bool is_threshold;          /**< Of stepped. */
    bool is_of_total;           /**< Of stepped. */
    bool rounds_segments;       /**< rounding_of: segment. */
};

/** @brief An allowance of voice. */
struct slow_bucket {
    uint64_t seconds;    /**< Granted. */
    uint64_t cap;        /**< A member; UINT64_MAX: none. */
    uint32_t priority;   /**< Lower first. */
    uint32_t zones_mask; /**< 0: all. */
    unsigned period;     /**< 0 month, 1 day, 2 ever. */
    bool is_pool;        /**< scope: account. */
};

/** @brief A row of a deck. */
struct slow_prefix {
    char digits[8]; /**< NUL-terminated; empty: any number. */
    uint32_t zone;  /**< Below SLOW_ZONES. */
    int64_t from_s; /**< INT64_MIN: always. */
    int64_t to_s;   /**< INT64_MAX: open. */
};

/** @brief One version of the catalog. */
struct slow_version {
    int64_t from_s;                                  /**< valid_from. */
    struct slow_price voice[SLOW_ZONES][SLOW_BANDS]; /**< Of zone and band. */
    bool is_sold[SLOW_ZONES];                        /**< Zones with a price. */
    struct slow_price data;                          /**< Kilobytes. */
    struct slow_price message;                       /**< Events. */
    struct slow_price event;                         /**< Carried money. */
    struct slow_prefix deck[SLOW_PREFIXES];          /**< First deck. */
    struct slow_prefix fallback[6];                  /**< Second deck. */
    bool is_longest;                                 /**< Its prefix counts when it is longer. */
    uint32_t bands_count;                            /**< 1: no time model. */
    uint32_t peak_from;                              /**< Hour of band 1, weekdays. */
    uint32_t peak_to;                                /**< Hour. */
    uint32_t night_to;                               /**< Hour of band 2, from 00:00; 0 none. */
    unsigned split;                                  /**< consecutive, start, end, isolated. */
    unsigned owner;                                  /**< start, per_second, per_segment. */
    uint32_t buckets_mask;                           /**< Allowances of voice. */
    uint32_t billable_mask;                          /**< Closing causes 0..31; 0: all are. */
    bool suspends_causes;                            /**< otherwise: suspend. */
    bool reverses;                                   /**< negative_usage: reverse. */
    bool cuts_rates;                                 /**< rate_change: split. */
};

/** @brief What catalogs say. */
struct slow_world {
    struct slow_version versions[SLOW_VERSIONS]; /**< Ascending. */
    struct slow_bucket buckets[SLOW_BUCKETS];    /**< The same in all. */
};

/** @brief What the rater remembers of a subscriber. */
struct slow_memory {
    uint64_t voice_base[SLOW_ZONES][2];        /**< By zone and month: each has its prices. */
    uint64_t data_base[2];                     /**< By month; one price. */
    uint64_t messages[2];                      /**< By month; one price. */
    uint64_t money[2];                         /**< Carried, by month. */
    uint64_t events[2];                        /**< That carried it. */
    uint64_t used[SLOW_BUCKETS][SLOW_PERIODS]; /**< Milliseconds of own buckets, or as member. */
};

/** @brief All that is remembered. */
struct slow_memories {
    struct slow_memory subscribers[SLOW_SUBSCRIBERS];          /**< By index. */
    uint64_t pools[SLOW_ACCOUNTS][SLOW_BUCKETS][SLOW_PERIODS]; /**< Milliseconds. */
};

/** @brief One use. */
struct slow_use {
    int64_t start_s;     /**< UTC. */
    uint64_t quantity;   /**< Milliseconds, octets, events, 1e-4 minor units. */
    unsigned service;    /**< enum tg_service: data, voice, message, event. */
    uint32_t subscriber; /**< Index. */
    char peer[12];       /**< Digits. */
    uint8_t cause;       /**< Closing cause. */
    bool is_reversal;    /**< Takes the quantity back. */
};

/** @brief What becomes of a use. */
struct slow_answer {
    int64_t amount;  /**< Of a rated one. */
    int reason;      /**< enum tg_err; TG_OK: rated. */
    bool cuts_rates; /**< It was cut where a row of the deck begins. */
    bool is_free;    /**< Its cause is not billable. */
};

/** @brief Source of chance. */
struct slow_dice {
    uint64_t state; /**< Seed. */
};

/** @brief Roll. @param dice State. @param sides At least 1. @return 0..sides - 1. */
uint64_t slow_roll(struct slow_dice *dice, uint64_t sides);

/** @brief Round by looking at both neighbours. @param numerator Any. @param denominator Above 0.
 *  @param mode enum tg_rounding. @return Whole number. */
int64_t slow_round(__int128 numerator, __int128 denominator, unsigned mode);

/** @brief Make up a world. @param dice State. @param world Written. */
void slow_world_make(struct slow_dice *dice, struct slow_world *world);

/** @brief Write a version as a catalog folder. @param world Borrowed. @param version Index.
 *  @param folder Exists. */
void slow_world_write(const struct slow_world *world, uint32_t version, const char *folder);

/** @brief Write a version into a folder that lives as long as it takes to compile it.
 *  @param world Borrowed. @param version Index. @return Caller closes; mistakes fail the test. */
struct tg_catalog_snapshot *slow_world_open(const struct slow_world *world, uint32_t version);

/** @brief Import all versions, in order. @param world Borrowed. @return Caller closes; mistakes
 *  fail the test. */
struct tg_catalog_snapshot *slow_world_import(const struct slow_world *world);

/** @brief The engine's row of a use. @param use Borrowed. @return Row. */
struct tg_usage slow_row(const struct slow_use *use);

/** @brief Rate a use. @param world Borrowed. @param memories Moved on. @param use Borrowed.
 *  @return Answer. */
struct slow_answer slow_rate(const struct slow_world *world, struct slow_memories *memories,
                             const struct slow_use *use);

#endif
