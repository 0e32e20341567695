/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Captures for `tollgate decode`: frames to UDP payloads, each with its place in the file.
 *
 *  Source: libpcap; link types Ethernet, raw IP, BSD null, Linux cooked v1 and v2
 *  (tcpdump.org/linktypes.html). Threads: one owner. Allocates: libpcap. Cost: a copy a frame.
 */
#ifndef TG_CLI_DECODE_CAPTURE_H
#define TG_CLI_DECODE_CAPTURE_H

#include "cli/decode_file.h"

/** @brief A capture that is mapped. */
struct tg_decode_capture {
    const char *path;      /**< File. */
    const uint8_t *bytes;  /**< Its bytes. */
    uint64_t length_bytes; /**< Its length. */
};

/**
 * @brief Read a pcap or pcapng file to its end.
 * @param[in,out] reader   Counts grow.
 * @param[in]     capture  Borrowed; path is kept in lines until the end of the run.
 * @param[out]    why      Filled on failure.
 * @return TG_OK, TG_E_IO (standard output cannot be written to), TG_E_NO_MEMORY,
 *         TG_E_UNSUPPORTED (link type). A file that ends inside a frame is refused with
 *         TG_E_TRUNCATED at that frame.
 */
enum tg_err tg_decode_capture(struct tg_decode_reader *reader,
                              const struct tg_decode_capture *capture, struct tg_why *why);

#endif
