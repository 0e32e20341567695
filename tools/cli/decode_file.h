/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Files of `tollgate decode`: captures, bare payloads, IPFIX files, text; to inputs.
 *
 *  Source: pcap (draft-ietf-opsawg-pcap), pcapng (draft-ietf-opsawg-pcapng), RFC 5655 (IPFIX file:
 *  messages in a row), RFC 4180 and RFC 6587 3.4.2 (lines). Threads: one owner. Allocates: libpcap.
 *  Cost: the file is mapped, a pipe read into memory first; nothing else is copied but frames.
 *
 *  What a file is, is seen from its bytes:
 *  (1) a pcap or pcapng magic: a capture; every UDP payload is an input;
 *  (2) the name ends in .csv, or a text no decoder claims: lines in chunks, read as CSV;
 *  (3) text a decoder claims (syslog): lines in chunks;
 *  (4) messages of version 10 in a row, if the name ends in .ipfix, the file is longer than any
 *      datagram, or the reader was told so: an IPFIX file; every message is an input;
 *  (5) anything else: one datagram. Captured payloads of collectors' test-suites have octets behind
 *      the message that happen to be messages too; a datagram carries one (RFC 7011 3.1), so the
 *      bytes alone cannot decide (4).
 */
#ifndef TG_CLI_DECODE_FILE_H
#define TG_CLI_DECODE_FILE_H

#include "cli/cli.h"
#include "cli/decode_feed.h"

#include <stdbool.h>
#include <stdint.h>

/** @brief What all files share. */
struct tg_decode_reader {
    struct tg_decode_feed *feed;  /**< Open; where inputs go. */
    struct tg_progress *progress; /**< Started, in octets of all files. */
    uint64_t done_bytes;          /**< Octets of files already read. */
    uint16_t port;                /**< Captures: only this UDP port; 0 all. */
    int64_t arrival_ns;           /**< For bytes without a time of their own; INT64_MIN: the
                                     file's time of modification. */
    bool is_message_file;   /**< Payload files hold IPFIX messages in a row, whatever their name. */
    uint64_t frames_count;  /**< Frames of captures. */
    uint64_t not_udp_count; /**< Frames without UDP over IP: passed over. */
    uint64_t other_port_count; /**< Datagrams to other ports: passed over. */
};

/**
 * @brief Read a file to its end.
 * @param[in,out] reader  Counts grow.
 * @param[in]     path    File; kept in lines until the end of the run.
 * @param[out]    why     Filled on failure.
 * @return TG_OK; TG_E_IO (the file cannot be read, or standard output not written),
 *         TG_E_UNSUPPORTED (a capture of a link type that carries no IP). What the bytes are worth
 *         is told by refusals.
 */
enum tg_err tg_decode_file(struct tg_decode_reader *reader, const char *path, struct tg_why *why);

#endif
