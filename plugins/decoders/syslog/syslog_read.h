/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief One syslog message taken apart, RFC 5424 or RFC 3164, told apart by what follows the PRI.
 *
 *  Source: RFC 5424 6 (format), RFC 3164 4 (observed format), RFC 5426 3 (one message a datagram);
 *          header lengths and qualifiers are schemas/syslog/fields.tsv.
 *  Threads: pure. Allocates: never. Cost: one pass over the header and the structured data.
 */
#ifndef TG_SYSLOG_READ_H
#define TG_SYSLOG_READ_H

#include "abi/err.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_SYSLOG_SD_NAME_OCTETS_MAX 32u /**< RFC 5424 6.3.2, 6.3.3. */

/** @brief How messages are read. */
struct tg_syslog_rules {
    int32_t utc_offset_s;    /**< Zone of RFC 3164 times that name none, seconds east of UTC. */
    bool only_first_version; /**< Refuse VERSION other than 1. */
};

/** @brief Some octets of the message; borrowed from it. */
struct tg_syslog_span {
    const uint8_t *bytes;  /**< NULL when length_bytes is 0. */
    uint32_t length_bytes; /**< 0: absent or NILVALUE. */
};

/** @brief A message taken apart. */
struct tg_syslog_message {
    int64_t event_ns;            /**< Its own time, UTC; arrival when it has none. */
    uint64_t qualifier;          /**< tg_key_name of what it is about within the node, or 0. */
    uint32_t sequence_id;        /**< RFC 5424 7.3.1 meta sequenceId, or 0. */
    uint8_t facility;            /**< 0..23. */
    uint8_t severity;            /**< 0 emergency .. 7 debug. */
    struct tg_syslog_span host;  /**< HOSTNAME. */
    struct tg_syslog_span app;   /**< APP-NAME, or RFC 3164's TAG. */
    struct tg_syslog_span msgid; /**< MSGID. */
    struct tg_syslog_span data;  /**< STRUCTURED-DATA as found. */
    struct tg_syslog_span body;  /**< MSG without BOM and without trailing newline or NUL. */
    uint32_t error_offset;       /**< Of the fault, when reading failed. */
    const char *error_field;     /**< Static name of the field at fault. */
};

/**
 * @brief Read one message.
 * @param[in]  bytes         Borrowed as long as message is used.
 * @param[in]  length_bytes  At least 1.
 * @param[in]  arrival_ns    UTC; gives a missing time, or the year of RFC 3164.
 * @param[in]  rules         Borrowed.
 * @param[out] message       Written; on failure error_offset and error_field.
 * @return TG_OK, TG_E_DECODE_SYNTAX (PRI, a header or structured data character), TG_E_VERSION,
 *         TG_E_BAD_TIMESTAMP, TG_E_LENGTH (a header field over its longest form), TG_E_TRUNCATED
 *         (ends inside the header or the structured data).
 */
enum tg_err tg_syslog_read(const uint8_t *bytes, uint32_t length_bytes, int64_t arrival_ns,
                           const struct tg_syslog_rules *rules, struct tg_syslog_message *message);

#endif
