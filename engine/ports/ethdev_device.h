/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What differs between kinds of DPDK device: name, arguments, sizes. All else is shared.
 *
 *  Source: DPDK 22.11 net_pcap, net_af_packet, net_af_xdp, net_ring arguments; libpcap for looking
 * at a capture. Threads: control, at open. Allocates: inside libpcap, freed before return. Cost:
 * start only.
 */
#ifndef TG_PORTS_ETHDEV_DEVICE_H
#define TG_PORTS_ETHDEV_DEVICE_H

#include "ports/port.h"

#include <stdint.h>

/** @brief How to create one device. */
struct tg_ethdev_device {
    char name[64];        /**< DPDK's device name; the driver is found by its prefix. */
    char arguments[1024]; /**< Its arguments. */
    uint32_t mbufs_count; /**< Packet buffers it needs. */
    uint16_t rx_slots;    /**< Of the receive queue. */
    uint16_t data_bytes;  /**< Octets of a frame one packet buffer holds. */
    int file;             /**< PCAP: the capture, open; else -1. */
    uint64_t file_key;    /**< PCAP: identity of the capture; else 0. */
};

/**
 * @brief Work out the device for a port.
 * @param[in]  config  Borrowed; of an ethdev kind.
 * @param[in]  attempt 0 first; AF_PACKET asks for less ring memory on 1 and 2.
 * @param[out] device  Written; file is the caller's to close, also on failure.
 * @param[out] why     Filled on failure.
 * @return TG_OK; TG_E_PORT_OPEN no such file or interface, or no Ethernet capture; TG_E_INVALID a
 *         name or arguments too long.
 */
enum tg_err tg_ethdev_device(const struct tg_port_config *config, uint32_t attempt,
                             struct tg_ethdev_device *device, struct tg_why *why);

#endif
