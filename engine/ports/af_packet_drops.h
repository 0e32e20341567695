/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief How many frames the kernel dropped for net_af_packet because its ring was full.
 *
 *  Source: packet(7), PACKET_STATISTICS. DPDK 22.11's driver does not ask for them, so its imissed
 *  stays 0 while frames are lost; we ask its socket ourselves. A driver that does ask takes its
 *  share away from ours (reading resets), so the sum stays exact.
 *  Threads: find at open; count from any thread. Allocates: never. Cost: one system call a count.
 */
#ifndef TG_PORTS_AF_PACKET_DROPS_H
#define TG_PORTS_AF_PACKET_DROPS_H

#include <stdbool.h>
#include <stdint.h>

/** Descriptors looked at; a process with more open at start counts no drops, with a log line. */
#define TG_AF_PACKET_DESCRIPTORS_MAX 1024

/** @brief Packet sockets this process had open at some moment. */
struct tg_af_packet_sockets {
    bool is_packet[TG_AF_PACKET_DESCRIPTORS_MAX]; /**< By descriptor. */
};

/** @brief The driver's socket and what it dropped. */
struct tg_af_packet_drops {
    int descriptor; /**< The driver's; borrowed; -1 not known. */
    uint64_t count; /**< Sum so far, atomic. */
};

/** @brief Note the packet sockets now open. @param[out] sockets Written. */
void tg_af_packet_sockets(struct tg_af_packet_sockets *sockets);

/**
 * @brief Find the socket the driver has opened since.
 * @param[in]  before  Borrowed; noted before the driver was attached.
 * @param[out] drops   Written.
 * @return Whether exactly one new packet socket was found.
 */
bool tg_af_packet_drops_find(const struct tg_af_packet_sockets *before,
                             struct tg_af_packet_drops *drops);

/** @brief Ask again. @param drops Owned. @return Frames dropped since find. */
uint64_t tg_af_packet_drops_count(struct tg_af_packet_drops *drops);

#endif
