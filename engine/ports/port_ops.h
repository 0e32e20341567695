/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What each kind of port implements behind port.h. Seen by engine/ports only.
 *
 *  Source: engine/ports/port.h, whose contract each function here has.
 *  Threads: as port.h. Allocates: open only. Cost: one indirect call a burst.
 */
#ifndef TG_PORTS_PORT_OPS_H
#define TG_PORTS_PORT_OPS_H

#include "ports/port.h"

#include <stddef.h>

#define TG_PORT_NAME_BYTES_MAX 48u

struct tg_port_ops;

/** @brief Common head of every kind's own struct; allocated with it from base/arena. */
struct tg_port {
    const struct tg_port_ops *ops;     /**< Kind's functions; static. */
    size_t size_bytes;                 /**< Of the kind's whole struct, for giving it back. */
    enum tg_port_kind kind;            /**< As configured. */
    char name[TG_PORT_NAME_BYTES_MAX]; /**< As configured. */
    struct tg_port_counters counters;  /**< Written by the owner with tg_counter_add. */
};

/** @brief One kind of port. Functions that may be NULL say so. */
struct tg_port_ops {
    size_t size_bytes; /**< Of the kind's struct; taken zeroed by tg_port_open. */
    /** @brief Open the rest; on failure close() is called on what there is. */
    enum tg_err (*open)(struct tg_port *port, const struct tg_port_config *config,
                        struct tg_why *why);
    /** @brief As tg_port_burst; capacity is 1..TG_BURST_MAX. */
    uint32_t (*burst)(struct tg_port *port, int64_t now_ns, struct tg_input *inputs,
                      uint32_t capacity);
    /** @brief As tg_port_release. */
    void (*release)(struct tg_port *port);
    /** @brief As tg_port_return_path; path is zeroed. NULL: no answers. */
    void (*return_path)(const struct tg_port *port, uint32_t input_index,
                        struct tg_return_path *path);
    /** @brief As tg_port_answer. NULL: TG_E_UNSUPPORTED. */
    enum tg_err (*answer)(struct tg_port *port, const struct tg_return_path *path,
                          const uint8_t *bytes, uint32_t length_bytes);
    /** @brief As tg_port_position. */
    void (*position)(const struct tg_port *port, struct tg_position *position);
    /** @brief As tg_port_resume. NULL: nothing to do. */
    void (*resume)(struct tg_port *port, const struct tg_position *position);
    /** @brief As tg_port_durable. NULL: nothing to do. */
    void (*durable)(struct tg_port *port, const struct tg_position *position);
    /** @brief As tg_port_is_finished. NULL: never. */
    bool (*is_finished)(const struct tg_port *port);
    /** @brief Add what is counted elsewhere (driver, kernel). NULL: nothing is. Any thread. */
    void (*add_counters)(const struct tg_port *port, struct tg_port_counters *counters);
    /** @brief Close; must stand a half-open port. The struct itself is given back by port.c. */
    void (*close)(struct tg_port *port);
};

extern const struct tg_port_ops tg_port_ethdev_ops; /**< PCAP, AF_PACKET, RING, VDEV. */
extern const struct tg_port_ops tg_port_socket_ops; /**< SOCKET. */
extern const struct tg_port_ops tg_port_folder_ops; /**< FOLDER. */

/** @brief Count one refused datagram by reason. @param port Owned. @param reason enum tg_err of
 *  tg_strip, or TG_E_MISSING_FIELD for a datagram without payload. */
void tg_port_count_refusal(struct tg_port *port, enum tg_err reason);

#endif
