/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What waited for a template: where it came from, and the rows it gave in the end.
 *
 *  Source: abi/decoder.h (TG_E_PARKED and released keys), RFC 7011 9.1. Threads: one owner.
 *  Allocates: a copy of each parked piece; decoders bound these (4 MiB by default). At most
 *  TG_DECODE_LATE_ROWS_MAX rows are held; more are printed at once. Cost: linear in what waits.
 *
 *  A decoder frees a piece when it releases it and its rows then point into the text arena. The
 *  copy kept here finds the place in the file by content.
 */
#ifndef TG_CLI_DECODE_LATE_H
#define TG_CLI_DECODE_LATE_H

#include "abi/decoder.h"
#include "cli/decode_print.h"

#include <stdbool.h>
#include <stdint.h>

/** Late rows held back to see whether the record comes again. */
#define TG_DECODE_LATE_ROWS_MAX 65536u

/** @brief A piece that waits. */
struct tg_decode_parked {
    uint64_t record_key;            /**< Its identity. */
    struct tg_decode_origin origin; /**< Where it lies; from is set when read. */
    struct tg_endpoint from;        /**< Copy of the sender. */
    bool has_from;                  /**< from is valid. */
    uint32_t length_bytes;          /**< With the set header. */
    uint32_t payload_offset;        /**< Within its datagram. */
    uint8_t *bytes;                 /**< Owned copy. */
};

/** @brief A row that is printed at the end. */
struct tg_decode_late_row {
    uint64_t record_key; /**< Its identity. */
    char *line;          /**< Owned; not NUL-terminated. */
    size_t line_bytes;   /**< Length. */
    bool came_again;     /**< The exporter sent the record once more. */
};

/** @brief All of them; zeroed at first. */
struct tg_decode_late {
    struct tg_decode_parked *parked; /**< Shape [parked_count]. */
    uint32_t parked_count;           /**< Used. */
    uint32_t parked_capacity;        /**< Room. */
    struct tg_decode_late_row *rows; /**< Shape [rows_count], in order of arrival. */
    uint32_t rows_count;             /**< Used. */
    uint32_t *slots;                 /**< Open-addressed index of rows by key; 0 empty, else + 1. */
    bool has_failed;                 /**< No memory: nothing more is held. */
};

/** @brief Free what is held. @param late May be zeroed. */
void tg_decode_late_close(struct tg_decode_late *late);

/**
 * @brief Remember a parked piece.
 * @param late     Grows.
 * @param refusal  TG_E_PARKED; borrowed.
 * @param origin   Of its first octet; borrowed.
 * @param input    It lies in; borrowed.
 */
void tg_decode_late_park(struct tg_decode_late *late, const struct tg_refusal *refusal,
                         const struct tg_decode_origin *origin, const struct tg_input *input);

/** @brief Find a parked piece. @param late Borrowed. @param record_key Its identity.
 *  @return Or NULL; valid until the next park or release. */
const struct tg_decode_parked *tg_decode_late_parked(const struct tg_decode_late *late,
                                                     uint64_t record_key);

/**
 * @brief Where in which file do bytes of the text arena come from?
 * @param[in]     late    Borrowed.
 * @param[in]     out     Output of the call that released them.
 * @param[in]     at      Into out->text.
 * @param[in,out] origin  Moved there when found; else left as it is.
 */
void tg_decode_late_place(const struct tg_decode_late *late, const struct tg_decoded *out,
                          const uint8_t *at, struct tg_decode_origin *origin);

/** @brief Forget released pieces. @param late Shrinks. @param keys Shape [keys_count].
 *  @param keys_count How many. */
void tg_decode_late_release(struct tg_decode_late *late, const uint64_t *keys, uint32_t keys_count);

/** @brief Hold a late row's line until the end. @param late Grows. @param record_key Row's.
 *  @param line Copied. @param line_bytes Its length. @return false: print it now. */
bool tg_decode_late_hold(struct tg_decode_late *late, uint64_t record_key, const char *line,
                         size_t line_bytes);

/** @brief A record came in time: its late twin is not printed. @param late Borrowed.
 *  @param record_key Row's. */
void tg_decode_late_again(struct tg_decode_late *late, uint64_t record_key);

/** @brief Print held rows in order and forget them. @param late Emptied. @param text Grows.
 *  @return Rows left out because the record came again. */
uint64_t tg_decode_late_print(struct tg_decode_late *late, struct tg_text *text);

#endif
