/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The configuration: one strict YAML file, every mistake at once, every default stated.
 *
 *  Source: operators' habits (strict keys, units on values, did-you-mean).
 *  Threads: control thread; read only afterwards. Allocates: yes, at start. Cost: a parse.
 *
 *  Relative paths are relative to the configuration file's folder.
 */
#ifndef TG_CONTROL_CONFIG_H
#define TG_CONTROL_CONFIG_H

#include "abi/plugin.h"
#include "base/error.h"
#include "base/limits.h"
#include "doc/diag.h"
#include "health/inventory.h"
#include "ports/port.h"
#include "rt/eal.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define TG_CONFIG_PLUGINS_MAX  32u /**< Shared objects; more is an error. */
#define TG_CONFIG_FRONTS_MAX   8u  /**< Fronts; more is an error. */
#define TG_CONFIG_SETTINGS_MAX 256u /**< Settings of one decoder or front; more is an error. */

/** @brief A decoder as configured. */
struct tg_config_decoder {
    const char *name;                  /**< Plug-in. */
    uint16_t local_port;               /**< UDP port; 0: folders only. */
    const struct tg_setting *settings; /**< Shape [settings_count]. */
    uint32_t settings_count;           /**< How many. */
};

/** @brief A port as configured. */
struct tg_config_port {
    struct tg_port_config port; /**< As tg_port_open wants it. */
    const char *decoder;        /**< Folders: which decoder; else NULL. */
    const char *node;           /**< Folders: node whose records these are, or NULL. */
};

/** @brief A front as configured. */
struct tg_config_front {
    const char *name;                  /**< Plug-in. */
    const char *listen;                /**< "127.0.0.1:8081", or NULL: the front's default. */
};

/** @brief Everything; all pointers live until tg_config_close. */
struct tg_config {
    const char *data_dir;              /**< Data directory. */
    const char *catalog_dir; /**< Catalog folder, imported at start; NULL: what is stored. */
    const char *metrics_listen;        /**< "127.0.0.1:9464"; NULL: no metrics. */
    uint32_t workers_count;            /**< Lcores of the data plane. */
    enum tg_eal_memory memory;         /**< Huge pages. */
    uint32_t memory_mib;               /**< DPDK's memory. */
    uint32_t subscribers_max;          /**< 0: as many as the roster holds. */
    uint32_t sessions_max;             /**< 0: default. */
    uint64_t dedup_records_max;        /**< 0: default. */
    uint32_t tariff_budget_ms;         /**< Processor time of a native tariff call. */
    int64_t park_ns;                   /**< 0: default. */
    int64_t outage_grace_ns;           /**< Of reservations on a node that is down. */
    uint32_t reservations_max;         /**< 0: default. */
    bool is_journal_sparse;            /**< Do not preallocate journal segments. */
    int64_t checkpoint_ns;             /**< Between two checkpoints at most; 0: none by time. */
    uint64_t checkpoint_octets;        /**< Of the journal between two; 0: none by size. */
    const char *plugins[TG_CONFIG_PLUGINS_MAX];          /**< Shared objects. */
    uint32_t plugins_count;                              /**< How many. */
    struct tg_config_decoder decoders[TG_PORTS_MAX];     /**< Decoders. */
    uint32_t decoders_count;                             /**< How many. */
    struct tg_config_port ports[TG_PORTS_MAX];           /**< Ports. */
    uint32_t ports_count;                                /**< How many. */
    struct tg_config_front fronts[TG_CONFIG_FRONTS_MAX]; /**< Fronts. */
    uint32_t fronts_count;                               /**< How many. */
    struct tg_node_spec *nodes;                          /**< Inventory. */
    uint32_t nodes_count;                                /**< How many. */
    void *memory_owner;                                  /**< Private. */
};

/**
 * @brief Read and check a configuration.
 * @param[in]     path    File.
 * @param[in,out] diag    Every mistake is added.
 * @param[out]    config  New; tg_config_close. NULL unless TG_OK.
 * @return TG_OK, TG_E_DOCUMENT (diag tells), TG_E_NO_MEMORY.
 */
enum tg_err tg_config_load(const char *path, struct tg_diag *diag, struct tg_config **config);

/** @brief Free. @param config May be NULL. */
void tg_config_close(struct tg_config *config);

/** @brief Print every key with type, default and help. @param to Stream. */
void tg_config_reference(FILE *to);

#endif
