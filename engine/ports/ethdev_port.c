/* SPDX-License-Identifier: Apache-2.0 */
/* Ports over DPDK ethdev: one receive path for captures, interfaces, rings and any other device.
 *
 * (1) held[0..held_count) are the mbufs of the last burst, used or refused; release frees them all.
 * (2) frames[i] is the whole frame of input i in one piece: in its mbuf, or gathered in scratch
 * when the capture's frame was longer than one mbuf. (3) taken_count counts datagrams handed over
 * or skipped: it is the position. */
#include "base/arena.h"
#include "base/limits.h"
#include "base/log.h"
#include "ports/af_packet_drops.h"
#include "ports/ethdev_device.h"
#include "ports/frame_answer.h"
#include "ports/port_ops.h"
#include "ports/strip.h"
#include "rt/counters.h"
#include "rt/eal.h"

#include <assert.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TX_SLOTS        512u
#define POOL_CACHE      128u
#define ATTEMPTS_COUNT  3u
#define FRAME_BYTES_MAX 65536u
#define SCRATCH_BYTES   ((size_t)TG_BURST_MAX * FRAME_BYTES_MAX)
#define NS_PER_US       1000

struct ethdev_port {
    struct tg_port base;
    uint16_t device_id;
    bool is_attached;
    bool is_started;
    bool is_finite; /* a capture read once */
    bool is_at_end;
    bool has_timestamps; /* net_pcap's, in microseconds */
    int timestamp_offset;
    uint64_t timestamp_flag;
    int file;
    uint64_t file_key;
    uint64_t taken_count;
    uint64_t skip_count; /* still to be passed over */
    uint32_t mtu_octets;
    uint16_t rx_slots;
    uint32_t held_count;
    uint32_t inputs_count;
    struct rte_mempool *pool;
    uint8_t *scratch;
    struct rte_mbuf *held[TG_BURST_MAX];
    const uint8_t *frames[TG_BURST_MAX];
    uint32_t frames_bytes[TG_BURST_MAX];
    char device_name[64];
    struct tg_af_packet_drops drops;        /* AF_PACKET: what the kernel dropped */
    struct tg_af_packet_drops *drops_asked; /* &drops: also through a const port; NULL others */
};

static void ethdev_detach(struct ethdev_port *port)
{
    if (port->is_started) {
        (void)rte_eth_dev_stop(port->device_id);
    }
    if (port->is_attached) {
        (void)rte_eth_dev_close(port->device_id);
        (void)rte_eal_hotplug_remove("vdev", port->device_name);
    }
    rte_mempool_free(port->pool);
    if (port->file >= 0) {
        (void)close(port->file);
    }
    port->is_started = port->is_attached = false;
    port->drops_asked = NULL;
    port->pool = NULL;
    port->file = -1;
}

static enum tg_err ethdev_refused(const struct ethdev_port *port, const char *what, int code,
                                  struct tg_why *why)
{
    char said[240];
    tg_eal_last_words(said, sizeof said);
    return tg_why_set(why, TG_E_PORT_OPEN, "port %s: device %s: %s: %s%s%s", port->base.name,
                      port->device_name, what, rte_strerror(code < 0 ? -code : code),
                      said[0] != '\0' ? ": " : "", said);
}

/* Configure, give it buffers, start: the order every ethdev wants. */
static enum tg_err ethdev_start(struct ethdev_port *port, struct tg_why *why)
{
    struct rte_eth_conf conf = {.rxmode = {.mq_mode = RTE_ETH_MQ_RX_NONE}};
    struct rte_eth_dev_info info;
    uint16_t rx_slots = port->rx_slots, tx_slots = TX_SLOTS, mtu = 0;
    int code = rte_eth_dev_info_get(port->device_id, &info);
    if (code == 0) {
        conf.rxmode.offloads = info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
        code = rte_eth_dev_configure(port->device_id, 1, 1, &conf);
    }
    if (code == 0) {
        code = rte_eth_dev_adjust_nb_rx_tx_desc(port->device_id, &rx_slots, &tx_slots);
    }
    if (code == 0) {
        code = rte_eth_rx_queue_setup(port->device_id, 0, rx_slots, (unsigned)SOCKET_ID_ANY, NULL,
                                      port->pool);
    }
    if (code == 0) {
        code = rte_eth_tx_queue_setup(port->device_id, 0, tx_slots, (unsigned)SOCKET_ID_ANY, NULL);
    }
    if (code == 0) {
        code = rte_eth_dev_start(port->device_id);
    }
    if (code != 0) {
        return ethdev_refused(port, "cannot be started", code, why);
    }
    port->is_started = true;
    port->mtu_octets = rte_eth_dev_get_mtu(port->device_id, &mtu) == 0 && mtu != 0 ? mtu : 1500;
    return TG_OK;
}

static enum tg_err ethdev_attach(struct ethdev_port *port, const struct tg_port_config *config,
                                 uint32_t attempt, struct tg_why *why)
{
    struct tg_ethdev_device device;
    const enum tg_err err = tg_ethdev_device(config, attempt, &device, why);
    port->file = device.file;
    port->file_key = device.file_key;
    port->rx_slots = device.rx_slots;
    if (err != TG_OK) {
        return err;
    }
    char pool_name[RTE_MEMPOOL_NAMESIZE];
    (void)snprintf(port->device_name, sizeof port->device_name, "%s", device.name);
    (void)snprintf(pool_name, sizeof pool_name, "tg_%.20s", device.name);
    tg_eal_forget_words();
    uint16_t existing = 0;
    if (rte_eth_dev_get_port_by_name(device.name, &existing) == 0) {
        return tg_why_set(why, TG_E_PORT_OPEN, "port %s: device %s is open already", config->name,
                          device.name);
    }
    port->pool = rte_pktmbuf_pool_create(pool_name, device.mbufs_count, POOL_CACHE, 0,
                                         (uint16_t)(RTE_PKTMBUF_HEADROOM + device.data_bytes),
                                         SOCKET_ID_ANY);
    if (port->pool == NULL) {
        const uint64_t mib = ((uint64_t)device.mbufs_count * (device.data_bytes + 384u) >> 20) + 1;
        return tg_why_set(why, TG_E_NO_MEMORY,
                          "port %s: no DPDK memory for %u packet buffers (about %llu MiB): give "
                          "the EAL more",
                          config->name, device.mbufs_count, (unsigned long long)mib);
    }
    struct tg_af_packet_sockets sockets;
    if (config->kind == TG_PORT_AF_PACKET) {
        tg_af_packet_sockets(&sockets);
    }
    int code = rte_eal_hotplug_add("vdev", device.name, device.arguments);
    if (code != 0) {
        return ethdev_refused(port, "cannot be created", code, why);
    }
    code = rte_eth_dev_get_port_by_name(device.name, &port->device_id);
    if (code != 0) {
        (void)rte_eal_hotplug_remove("vdev", device.name);
        return ethdev_refused(port, "is no Ethernet device", code, why);
    }
    port->is_attached = true;
    if (config->kind == TG_PORT_AF_PACKET) {
        port->drops_asked = &port->drops;
        if (!tg_af_packet_drops_find(&sockets, &port->drops)) {
            tg_log(TG_LOG_WARNING, "ports", "%s: frames the kernel drops cannot be counted",
                   config->name);
        }
    }
    return ethdev_start(port, why);
}

static enum tg_err ethdev_open(struct tg_port *base, const struct tg_port_config *config,
                               struct tg_why *why)
{
    struct ethdev_port *port = (struct ethdev_port *)base;
    enum tg_err err = TG_E_PORT_OPEN;
    port->file = -1;
    /* Ring memory for af_packet may not be there: a smaller ring loses bursts, but runs. */
    const uint32_t attempts = config->kind == TG_PORT_AF_PACKET ? ATTEMPTS_COUNT : 1;
    for (uint32_t attempt = 0; attempt < attempts && err != TG_OK; attempt++) {
        ethdev_detach(port);
        err = ethdev_attach(port, config, attempt, why);
        if (err == TG_OK && attempt > 0) {
            tg_log(TG_LOG_WARNING, "ports",
                   "%s: memory for the full receive ring was refused; bursts may be lost",
                   config->name);
        }
    }
    if (err != TG_OK) {
        return err;
    }
    port->scratch = tg_pages_take(SCRATCH_BYTES);
    if (port->scratch == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "port %s: no memory", config->name);
    }
    port->is_finite = config->kind == TG_PORT_PCAP && !config->is_infinite;
    port->skip_count = config->kind == TG_PORT_PCAP ? config->skip_count : 0;
    port->timestamp_offset = rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, NULL);
    const int bit = rte_mbuf_dynflag_lookup(RTE_MBUF_DYNFLAG_RX_TIMESTAMP_NAME, NULL);
    /* Other drivers may stamp too, in clocks of their own: only net_pcap's are UTC. */
    port->has_timestamps = port->is_finite && port->timestamp_offset >= 0 && bit >= 0;
    port->timestamp_flag = bit >= 0 ? UINT64_C(1) << bit : 0;
    return TG_OK;
}

static void ethdev_release(struct tg_port *base)
{
    struct ethdev_port *port = (struct ethdev_port *)base;
    if (port->held_count != 0) {
        rte_pktmbuf_free_bulk(port->held, port->held_count);
        port->held_count = 0;
    }
    port->inputs_count = 0;
}

static int64_t ethdev_arrival_ns(const struct ethdev_port *port, const struct rte_mbuf *mbuf,
                                 int64_t now_ns)
{
    if (!port->has_timestamps || (mbuf->ol_flags & port->timestamp_flag) == 0) {
        return now_ns;
    }
    return (int64_t)*RTE_MBUF_DYNFIELD(mbuf, port->timestamp_offset, rte_mbuf_timestamp_t *) *
           NS_PER_US;
}

/* One frame to one input; false when it was refused or skipped. */
static bool ethdev_take(struct ethdev_port *port, uint32_t held_index, int64_t now_ns,
                        struct tg_input *input)
{
    const struct rte_mbuf *mbuf = port->held[held_index];
    const uint32_t frame_bytes = mbuf->pkt_len;
    const uint8_t *frame = rte_pktmbuf_mtod(mbuf, const uint8_t *);
    struct tg_strip found;
    if (mbuf->nb_segs > 1 && frame_bytes <= FRAME_BYTES_MAX) {
        frame = rte_pktmbuf_read(mbuf, 0, frame_bytes,
                                 port->scratch + (size_t)held_index * FRAME_BYTES_MAX);
    }
    const enum tg_err err = frame == NULL || frame_bytes > FRAME_BYTES_MAX
                                ? TG_E_LENGTH
                                : tg_strip(frame, frame_bytes, &found);
    if (err != TG_OK) {
        tg_port_count_refusal(&port->base, err);
        return false;
    }
    port->taken_count++;
    if (port->skip_count > 0) {
        port->skip_count--;
        tg_counter_add(&port->base.counters.skipped_count, 1);
        return false;
    }
    port->frames[port->inputs_count] = frame;
    port->frames_bytes[port->inputs_count] = frame_bytes;
    *input = (struct tg_input){.bytes = frame + found.payload_offset,
                               .length_bytes = found.payload_bytes,
                               .local_port = found.destination_port,
                               .from = {.port = found.source_port},
                               .arrival_ns = ethdev_arrival_ns(port, mbuf, now_ns)};
    memcpy(input->from.address, found.source_address, sizeof input->from.address);
    return true;
}

static uint32_t ethdev_burst(struct tg_port *base, int64_t now_ns, struct tg_input *inputs,
                             uint32_t capacity)
{
    struct ethdev_port *port = (struct ethdev_port *)base;
    ethdev_release(base);
    if (port->is_at_end) {
        return 0;
    }
    port->held_count = rte_eth_rx_burst(port->device_id, 0, port->held, (uint16_t)capacity);
    if (port->held_count == 0) {
        port->is_at_end = port->is_finite;
        return 0;
    }
    uint64_t octets = 0, payload_octets = 0;
    for (uint32_t i = 0; i < port->held_count; i++) {
        if (i + 4 < port->held_count) {
            rte_prefetch0(rte_pktmbuf_mtod(port->held[i + 4], const void *));
        }
        octets += port->held[i]->pkt_len;
        if (ethdev_take(port, i, now_ns, &inputs[port->inputs_count])) {
            payload_octets += inputs[port->inputs_count].length_bytes;
            port->inputs_count++;
        }
    }
    tg_counter_add(&base->counters.frames_count, port->held_count);
    tg_counter_add(&base->counters.octets, octets);
    tg_counter_add(&base->counters.datagrams_count, port->inputs_count);
    tg_counter_add(&base->counters.payload_octets, payload_octets);
    const uint32_t count = port->inputs_count;
    if (count == 0) {
        ethdev_release(base);
    }
    return count;
}

/* Found again from the frame, which is still ours: the hot path pays nothing for rare answers. */
static void ethdev_return_path(const struct tg_port *base, uint32_t input_index,
                               struct tg_return_path *path)
{
    const struct ethdev_port *port = (const struct ethdev_port *)base;
    struct tg_strip found;
    assert(input_index < port->inputs_count);
    const uint8_t *frame = port->frames[input_index];
    if (tg_strip(frame, port->frames_bytes[input_index], &found) != TG_OK) {
        return;
    }
    memcpy(path->mac_to, frame + 6, 6);
    memcpy(path->mac_from, frame, 6);
    memcpy(path->address_to, found.source_address, 16);
    memcpy(path->address_from, found.destination_address, 16);
    for (uint32_t i = 0; i < found.vlans_count; i++) {
        path->vlan_tpid[i] = found.vlan_tpid[i];
        path->vlan_tci[i] = found.vlan_tci[i];
    }
    path->vlans_count = found.vlans_count;
    path->port_to = found.source_port;
    path->port_from = found.destination_port;
    path->ip_version = found.ip_version;
}

static enum tg_err ethdev_answer(struct tg_port *base, const struct tg_return_path *path,
                                 const uint8_t *bytes, uint32_t length_bytes)
{
    struct ethdev_port *port = (struct ethdev_port *)base;
    const uint32_t ip_bytes = (path->ip_version == 4 ? 20u : 40u) + 8u;
    if (base->kind == TG_PORT_PCAP) {
        return TG_E_UNSUPPORTED;
    }
    if (length_bytes > port->mtu_octets || length_bytes + ip_bytes > port->mtu_octets) {
        return TG_E_LENGTH;
    }
    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(port->pool);
    if (mbuf == NULL) {
        return TG_E_AGAIN;
    }
    const uint32_t frame_bytes = tg_frame_answer(
        path, bytes, length_bytes, rte_pktmbuf_mtod(mbuf, uint8_t *), rte_pktmbuf_tailroom(mbuf));
    if (frame_bytes == 0) {
        rte_pktmbuf_free(mbuf);
        return TG_E_LENGTH;
    }
    mbuf->data_len = (uint16_t)frame_bytes;
    mbuf->pkt_len = frame_bytes;
    if (rte_eth_tx_burst(port->device_id, 0, &mbuf, 1) != 1) {
        rte_pktmbuf_free(mbuf);
        return TG_E_AGAIN;
    }
    return TG_OK;
}

static void ethdev_position(const struct tg_port *base, struct tg_position *position)
{
    const struct ethdev_port *port = (const struct ethdev_port *)base;
    *position = (struct tg_position){port->file_key, port->taken_count};
}

static void ethdev_resume(struct tg_port *base, const struct tg_position *position)
{
    struct ethdev_port *port = (struct ethdev_port *)base;
    if (!port->is_finite) {
        return;
    }
    if (position->file_key != port->file_key) {
        tg_log(TG_LOG_NOTICE, "ports",
               "%s: another capture than the one read before: from its start", base->name);
        return;
    }
    assert(port->taken_count == 0);
    port->skip_count = position->offset;
}

static bool ethdev_is_finished(const struct tg_port *base)
{
    return ((const struct ethdev_port *)base)->is_at_end;
}

static void ethdev_add_counters(const struct tg_port *base, struct tg_port_counters *counters)
{
    const struct ethdev_port *port = (const struct ethdev_port *)base;
    struct rte_eth_stats stats;
    if (rte_eth_stats_get(port->device_id, &stats) == 0) {
        counters->dropped_count += stats.imissed + stats.rx_nombuf;
        counters->errors_count += stats.ierrors;
    }
    if (port->drops_asked != NULL) {
        counters->dropped_count += tg_af_packet_drops_count(port->drops_asked);
    }
}

static void ethdev_close(struct tg_port *base)
{
    struct ethdev_port *port = (struct ethdev_port *)base;
    ethdev_release(base);
    ethdev_detach(port);
    tg_pages_free(port->scratch, SCRATCH_BYTES);
}

const struct tg_port_ops tg_port_ethdev_ops = {
    .size_bytes = sizeof(struct ethdev_port),
    .open = ethdev_open,
    .burst = ethdev_burst,
    .release = ethdev_release,
    .return_path = ethdev_return_path,
    .answer = ethdev_answer,
    .position = ethdev_position,
    .resume = ethdev_resume,
    .is_finished = ethdev_is_finished,
    .add_counters = ethdev_add_counters,
    .close = ethdev_close,
};
