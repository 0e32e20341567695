/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Scalars of documents: integers, sizes, durations, percentages, listen addresses.
 *
 *  Source: our own small grammar; sizes IEC 80000-13 (KiB) and SI (kB). Threads: pure.
 *  Allocates: never. Cost: a scan of the text. Times: base/clock.h; money: base/money.h.
 */
#ifndef TG_DOC_SCALAR_H
#define TG_DOC_SCALAR_H

#include "abi/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * @brief Decimal integer: [-]digits with single underscores between digits allowed ("10_000").
 * @param[in]  text        Not NUL-terminated.
 * @param[in]  text_bytes  Its length.
 * @param[out] value       Written on TG_OK.
 * @return TG_OK, TG_E_SYNTAX or TG_E_OVERFLOW.
 */
enum tg_err tg_scalar_integer(const char *text, size_t text_bytes, int64_t *value);

/** @brief `true` or `false`, nothing else. @param text Text. @param text_bytes Length.
 *  @param[out] value Written on TG_OK. @return TG_OK or TG_E_SYNTAX. */
enum tg_err tg_scalar_bool(const char *text, size_t text_bytes, bool *value);

/**
 * @brief Size: integer and optional unit B, kB, MB, GB, TB (1000) or KiB, MiB, GiB, TiB (1024).
 * @param[in]  text        e.g. "64MiB"; one space before the unit is allowed.
 * @param[in]  text_bytes  Its length.
 * @param[out] size_bytes  Written on TG_OK.
 * @return TG_OK, TG_E_SYNTAX or TG_E_OVERFLOW.
 */
enum tg_err tg_scalar_size(const char *text, size_t text_bytes, int64_t *size_bytes);

/**
 * @brief Duration: integer and unit ns, us, ms, s, min, h, d; parts may be joined: "1h30min".
 * @param[in]  text         e.g. "5s". A bare number is refused except "0".
 * @param[in]  text_bytes   Its length.
 * @param[out] duration_ns  Written on TG_OK.
 * @return TG_OK, TG_E_SYNTAX or TG_E_OVERFLOW.
 */
enum tg_err tg_scalar_duration(const char *text, size_t text_bytes, int64_t *duration_ns);

/**
 * @brief Percentage to parts per million: "19%" is 190,000; at most four decimals.
 * @param[in]  text        Text.
 * @param[in]  text_bytes  Its length.
 * @param[out] rate_ppm    Written on TG_OK.
 * @return TG_OK, TG_E_SYNTAX, TG_E_OVERFLOW or TG_E_INVALID (finer than a ppm).
 */
enum tg_err tg_scalar_percent(const char *text, size_t text_bytes, int64_t *rate_ppm);

/**
 * @brief Listen address: IPv4:PORT, [IPv6]:PORT or :PORT for loopback.
 * @param[in]  text        e.g. "127.0.0.1:2055".
 * @param[in]  text_bytes  Its length.
 * @param[out] address     16 octets in network order, IPv4 as ::ffff:a.b.c.d.
 * @param[out] port        Host order.
 * @return TG_OK or TG_E_SYNTAX.
 */
enum tg_err tg_scalar_listen(const char *text, size_t text_bytes, uint8_t address[16],
                             uint16_t *port);

/** @brief A name: [a-z0-9][a-z0-9_.-]*, at most 63 bytes. @param text Text. @param text_bytes
 * Length.
 *  @return Whether it is one. */
bool tg_scalar_is_name(const char *text, size_t text_bytes);

#endif
