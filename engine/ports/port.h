/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief One contract for everything bytes enter by: DPDK queues, kernel sockets, drop folders.
 *
 *  Source: DPDK 22.11 ethdev; RFC 768, 791, 8200 (strip.h); recvmmsg(2); rename(2).
 *  Threads: a port belongs to the one ingest lcore that opened or was handed it; only
 *  tg_port_counters may be called from another thread. tg_port_durable is called by the owner too,
 *  with a position the journal writer published.
 *  Allocates: tg_port_open only. Cost: see engine/ports/README.md.
 *
 *  The owner's loop:
 *
 *      open -> [resume] -> { burst -> use inputs -> position -> release -> ... durable } -> close
 *
 *  (1) Inputs of a burst are borrowed until tg_port_release; a burst is released before the next.
 *  (2) What a burst refuses is counted by reason in tg_port_counters; nothing is dropped silently.
 *  (3) Resuming at a position gives exactly the inputs that followed it: no more, no fewer.
 */
#ifndef TG_PORTS_PORT_H
#define TG_PORTS_PORT_H

#include "abi/decoder.h"
#include "abi/err.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/** @brief What kind of thing a port is. */
enum tg_port_kind {
    TG_PORT_PCAP,      /**< Capture file through DPDK's net_pcap. Needs the EAL. */
    TG_PORT_AF_PACKET, /**< Network interface through DPDK's net_af_packet. EAL, CAP_NET_RAW. */
    TG_PORT_RING,      /**< DPDK's net_ring: what is sent comes back. Tests. Needs the EAL. */
    TG_PORT_SOCKET,    /**< Kernel UDP socket: no privilege, no EAL. */
    TG_PORT_FOLDER,    /**< Drop folder of files. No EAL. */
    TG_PORT_VDEV,      /**< Any DPDK virtual device by its own arguments. Needs the EAL. */
    TG_PORT_AF_XDP     /**< One queue of an interface through DPDK's net_af_xdp. EAL, CAP_NET_RAW,
                            CAP_BPF, CAP_NET_ADMIN. */
};

/** @brief What to open. All texts are borrowed until tg_port_open returns. */
struct tg_port_config {
    uint32_t size_bytes;    /**< sizeof(struct tg_port_config). */
    enum tg_port_kind kind; /**< See enum. */
    const char *name;       /**< Configured name, for messages; 1..47 octets. */
    /** PCAP: file. AF_PACKET, AF_XDP: interface. RING: device name after "net_ring_". SOCKET:
     * numeric address and port, "127.0.0.1:2055", "[::1]:2055", "[::]:2055" (both families).
     * FOLDER: folder. VDEV: device and arguments as after --vdev, "net_af_packet0,iface=eth1". */
    const char *target;
    const char *pattern; /**< FOLDER: fnmatch pattern of names to take; NULL all. */
    const char *done;    /**< FOLDER: where finished files go, on the same file system; NULL:
                              <target>/done. */
    bool is_infinite;    /**< PCAP: net_pcap infinite_rx, for measuring; arrival is now_ns. */
    uint16_t queue;      /**< AF_PACKET: 0..n, flows are spread over ports of the same interface
                              in one process by the kernel's fan-out. AF_XDP: the
                              interface's receive queue, one port each. Other kinds: 0. */
    uint64_t skip_count; /**< PCAP: datagrams already durable, skipped; as tg_port_resume. */
    bool follow;         /**< FOLDER: keep watching. false: finished when empty. */
};

/** @brief How far a port has been read. */
struct tg_position {
    uint64_t file_key; /**< PCAP, FOLDER: identity (file_identity.h); others 0. */
    uint64_t offset;   /**< FOLDER: octets of that file taken. Others: datagrams taken since the
                            capture's first, or since open. */
};

/** @brief How an answer finds its way back; plain data, may be kept after release. 64 bytes. */
struct tg_return_path {
    uint8_t mac_to[6];        /**< Answer's destination: the frame's source. */
    uint8_t mac_from[6];      /**< Answer's source: the frame's destination. */
    uint16_t vlan_tpid[2];    /**< Tags, outermost first, host order; see vlans_count. */
    uint16_t vlan_tci[2];     /**< Tag control information, host order. */
    uint8_t address_to[16];   /**< Answer's destination, IPv4 as ::ffff:a.b.c.d. */
    uint8_t address_from[16]; /**< Answer's source: where the datagram was sent to. */
    uint16_t port_to;         /**< UDP port of the sender, host order. */
    uint16_t port_from;       /**< UDP port it was sent to, host order. */
    uint32_t scope_id;        /**< SOCKET: interface index of a link-local IPv6 peer, or 0. */
    uint8_t vlans_count;      /**< 0..2. */
    uint8_t ip_version;       /**< 4 or 6; 0: no answer is possible. */
    uint8_t reserved[2];      /**< 0. */
};
_Static_assert(sizeof(struct tg_return_path) == 64, "a return path is one cache line");

/** @brief What a port has seen since open; each value only grows. */
struct tg_port_counters {
    uint64_t frames_count;           /**< Frames, datagrams (SOCKET) or chunks (FOLDER) read. */
    uint64_t octets;                 /**< Octets of these. */
    uint64_t datagrams_count;        /**< Inputs handed over. */
    uint64_t payload_octets;         /**< Octets of these. */
    uint64_t skipped_count;          /**< Datagrams passed over to reach a resume position. */
    uint64_t refused_not_udp_count;  /**< Frames that carry no UDP over IP (ARP, TCP, LLC, ...). */
    uint64_t refused_fragment_count; /**< IP fragments. */
    uint64_t refused_length_count;   /**< Lengths that contradict each other or the frame. */
    uint64_t refused_checksum_count; /**< IPv4 header checksums that are wrong. */
    uint64_t refused_empty_count;    /**< UDP datagrams without payload. */
    uint64_t dropped_count;          /**< Lost before us: ring full, socket buffer full, no mbuf. */
    uint64_t errors_count;           /**< Reads the system refused. */
    uint64_t answers_count;          /**< Answers sent. */
    uint64_t answers_failed_count;   /**< Answers that could not be sent. */
    uint64_t files_claimed_count;    /**< FOLDER: files taken. */
    uint64_t files_done_count;       /**< FOLDER: files moved to done. */
    uint64_t files_known_count;      /**< FOLDER: of these, read before: not handed over again. */
    uint64_t files_changed_count;    /**< FOLDER: files that changed after they were claimed. */
    uint64_t lines_overlong_count;   /**< FOLDER: lines longer than TG_FILE_CHUNK_BYTES. */
    uint64_t positions_forgotten_count; /**< FOLDER: positions beyond what is remembered. */
};

struct tg_port;

/**
 * @brief Open a port: everything it will ever need is taken here.
 * @param[in]  config  Borrowed until return.
 * @param[out] port    Caller owns; tg_port_close.
 * @param[out] why     Sentence naming the port and what to do, on failure; may be NULL.
 * @return TG_OK; TG_E_INVALID an impossible configuration; TG_E_EAL the kind needs an EAL that is
 *         not started; TG_E_UNSUPPORTED queue on a kind without; TG_E_NO_MEMORY; TG_E_PORT_OPEN the
 *         system or DPDK refuses (no such file or interface, no privilege, address in use).
 */
enum tg_err tg_port_open(const struct tg_port_config *config, struct tg_port **port,
                         struct tg_why *why);

/**
 * @brief Take what is there, without waiting.
 * @param[in]  port      Owned; the burst before is released.
 * @param[in]  now_ns    UTC; becomes arrival_ns except where the capture has its own time.
 * @param[out] inputs    UDP payloads after strip, or one chunk of a file; source_id is 0. Bytes are
 *                       borrowed until tg_port_release; shape [capacity].
 * @param[in]  capacity  At least 1; more than TG_BURST_MAX counts as that.
 * @return Inputs written; 0 also when all that came was refused or skipped.
 *
 * Files: an input of TG_FILE_CHUNK_BYTES + 1 octets is the start of a line longer than that: it is
 * one record to refuse with TG_E_LENGTH, never to decode; the next input begins after that line.
 */
uint32_t tg_port_burst(struct tg_port *port, int64_t now_ns, struct tg_input *inputs,
                       uint32_t capacity);

/** @brief Give the last burst's memory back; harmless twice. @param port Owned. */
void tg_port_release(struct tg_port *port);

/**
 * @brief How to answer an input of the last, unreleased burst.
 * @param[in]  port         Owned.
 * @param[in]  input_index  Below what the burst returned.
 * @param[out] path         Written; ip_version 0 where no answer is possible.
 */
void tg_port_return_path(const struct tg_port *port, uint32_t input_index,
                         struct tg_return_path *path);

/**
 * @brief Send one UDP datagram back: a crafted frame on ethdev ports, sendmsg on sockets.
 * @param port          Owned.
 * @param path          Borrowed; from tg_port_return_path of this port, any burst.
 * @param bytes         Borrowed until return.
 * @param length_bytes  1 up to what one frame of the interface holds: an answer is not fragmented.
 * @return TG_OK; TG_E_UNSUPPORTED the port cannot send (PCAP, FOLDER, path without address);
 *         TG_E_LENGTH too long; TG_E_AGAIN no room now, call again; TG_E_PORT_IO refused.
 */
enum tg_err tg_port_answer(struct tg_port *port, const struct tg_return_path *path,
                           const uint8_t *bytes, uint32_t length_bytes);

/**
 * @brief Where the port stands after the last burst.
 * @param[in]  port      Owned.
 * @param[out] position  Written. FOLDER: in the file the last input came from.
 */
void tg_port_position(const struct tg_port *port, struct tg_position *position);

/**
 * @brief Before the first burst: continue exactly there. FOLDER: once for every position known, in
 *        any order; files at other keys are new.
 * @param port      Owned.
 * @param position  Borrowed. PCAP: ignored, with a log line, when file_key is another file's.
 *                  Ignored by live ports: what they missed is gone.
 */
void tg_port_resume(struct tg_port *port, const struct tg_position *position);

/**
 * @brief Everything up to here is on disk. FOLDER: files read to their end up to and including this
 *        one are moved to done. Others: nothing to do.
 * @param port      Owned.
 * @param position  Borrowed; one that tg_port_position gave earlier.
 */
void tg_port_durable(struct tg_port *port, const struct tg_position *position);

/**
 * @brief Will no input come any more?
 * @param port  Owned.
 * @return true at a capture's end and for an empty folder that is not followed. Files not yet
 *         durable may still be waiting for tg_port_durable then.
 */
bool tg_port_is_finished(const struct tg_port *port);

/**
 * @brief Counters; any thread, exact when the owner is quiet.
 * @param[in]  port      Borrowed.
 * @param[out] counters  Written.
 */
void tg_port_counters(const struct tg_port *port, struct tg_port_counters *counters);

/** @brief Close. Claimed files stay claimed for the next start. @param port Owned, or NULL. */
void tg_port_close(struct tg_port *port);

#endif
