/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Templates and boot times by (source, domain, id), bounded.
 *
 *  Source: RFC 7011 8 (template management), RFC 3954 5.1 and 9; the bound after RFC 7011 11
 * (denial of service). Threads: one owner. Allocates: only tg_flow_store_open. Cost: a template
 * look-up is one hash and usually one compare; pages of slots never used cost nothing.
 *
 *  Policy when full: a source that holds its share loses its own template used longest ago; when
 *  the whole table is full the one used longest ago of all goes. Both are counted. What is lost is
 *  learnt again at the exporter's next refresh, and data until then is parked.
 */
#ifndef TG_DECODERS_LIB_FLOWSTORE_H
#define TG_DECODERS_LIB_FLOWSTORE_H

#include "abi/err.h"
#include "lib/flowplan.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_FLOW_TEMPLATES_DEFAULT 4096u  /**< Templates of all sources. */
#define TG_FLOW_TEMPLATES_MAX     65534u /**< Most a setting may ask for. */
#define TG_FLOW_BOOTS_COUNT       1024u  /**< Boot times kept; the oldest slot is taken over. */
#define TG_FLOW_SOURCES_COUNT     65536u /**< source_id is 16 bits. */

/** @brief Name of a template. */
struct tg_flow_key {
    uint16_t source_id; /**< Exporter. */
    uint16_t id;        /**< Template id, 256..65535. */
    uint32_t domain;    /**< Observation domain or source id. */
};

/** @brief A stored template; index 0 of the slots is never used, so that 0 means none. */
struct tg_flow_template {
    struct tg_flow_key key;
    uint16_t hash_next;                              /**< Chain of the bucket. */
    uint16_t newer[2];                               /**< [0] among all, [1] of the same source. */
    uint16_t older[2];                               /**< As newer. */
    uint16_t scopes_count;                           /**< Options scope fields at the front. */
    struct tg_flow_plan plan;                        /**< Compiled. */
    struct tg_flow_field fields[TG_FLOW_FIELDS_MAX]; /**< Shape [plan.fields_count]. */
};

/** @brief When an exporter's process booted (IPFIX systemInitTimeMilliseconds). */
struct tg_flow_boot {
    uint64_t init_ms;   /**< Milliseconds since 1970. */
    uint32_t domain;    /**< Of it. */
    uint16_t source_id; /**< Of it. */
    uint16_t is_set;    /**< 0 a free slot. */
};

/** @brief Ends of a list by use. */
struct tg_flow_list {
    uint16_t newest;
    uint16_t oldest;
    uint16_t count;
};

/** @brief The table. */
struct tg_flow_store {
    struct tg_flow_template *slots; /**< Shape [capacity + 1]. */
    uint16_t *buckets;              /**< Shape [buckets_count], a power of two. */
    struct tg_flow_list *sources;   /**< Shape [TG_FLOW_SOURCES_COUNT]. */
    struct tg_flow_boot *boots;     /**< Shape [TG_FLOW_BOOTS_COUNT]. */
    struct tg_flow_list all;        /**< By use. */
    uint32_t capacity;              /**< Templates at most. */
    uint32_t source_capacity;       /**< Templates of one source at most. */
    uint32_t buckets_count;
    uint32_t boots_next; /**< Slot to take over next. */
    uint16_t free_first; /**< Chain of free slots by hash_next. */
    uint64_t hash_seed;
    uint64_t evicted_count; /**< Templates pushed out by newer ones, since open. */
};

/**
 * @brief Take the memory.
 * @param store            To fill; untouched memory counts as closed.
 * @param capacity         1..TG_FLOW_TEMPLATES_MAX templates.
 * @param source_capacity  1..capacity templates of one source.
 * @param hash_seed        Against senders that aim at buckets.
 * @return TG_OK or TG_E_NO_MEMORY (the store is closed then).
 */
enum tg_err tg_flow_store_open(struct tg_flow_store *store, uint32_t capacity,
                               uint32_t source_capacity, uint64_t hash_seed);

/** @brief Give the memory back; a half-opened or zeroed store is fine. @param store Owned. */
void tg_flow_store_close(struct tg_flow_store *store);

/** @brief Forget everything. @param store Open. */
void tg_flow_store_clear(struct tg_flow_store *store);

/** @brief Find without counting as use. @param store Open. @param key Name. @return NULL if none.
 */
struct tg_flow_template *tg_flow_store_find(const struct tg_flow_store *store,
                                            struct tg_flow_key key);

/** @brief Mark as used just now. @param store Open. @param t A slot of it. */
void tg_flow_store_touch(struct tg_flow_store *store, struct tg_flow_template *t);

/**
 * @brief Store a template, replacing one of that name, pushing another out when full.
 * @param store     Open.
 * @param made      Copied: key, scopes_count, plan, fields[0..plan.fields_count).
 * @return true when this changed anything: false for a template identical to the stored one.
 */
bool tg_flow_store_put(struct tg_flow_store *store, const struct tg_flow_template *made);

/** @brief Forget one. @param store Open. @param key Name. @return Was it there? */
bool tg_flow_store_remove(struct tg_flow_store *store, struct tg_flow_key key);

/**
 * @brief Withdraw all data or all options templates of a domain (RFC 7011 8.1).
 * @param store       Open.
 * @param source_id   Exporter.
 * @param domain      Observation domain.
 * @param is_options  Which sort.
 * @return How many went.
 */
uint32_t tg_flow_store_remove_all(struct tg_flow_store *store, uint16_t source_id, uint32_t domain,
                                  bool is_options);

/** @brief Learn a boot time. @param store Open. @param boot Copied. @return Did it change? */
bool tg_flow_store_set_boot(struct tg_flow_store *store, const struct tg_flow_boot *boot);

/** @brief Boot time. @param store Open. @param source_id Of. @param domain Of. @return NULL: none.
 */
const struct tg_flow_boot *tg_flow_store_boot(const struct tg_flow_store *store, uint16_t source_id,
                                              uint32_t domain);

#endif
