/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief A shelf as a note of the journal: what a rerate leaves on it.
 *
 *  Source: rating-semantics 4.11 (bucket and counter state replaced atomically). Threads: pure; the
 *  shelf's writer applies. Allocates: never. Cost: a few hundred octets a shelf.
 *
 *  Rows move shelves by what they draw; a correction of rows does not say what they would have left
 *  there. So it carries the shelf itself. The note stands for the shelf at its place in the
 * journal: whoever replays rows sets it there, whoever replays corrected rows from the beginning
 * comes to the same octets and passes it over.
 */
#ifndef TG_RATE_SHELF_NOTE_H
#define TG_RATE_SHELF_NOTE_H

#include "rate/account.h"
#include "rate/bucket.h"

#include <stdbool.h>
#include <stdint.h>

/** Keys begin with it: "shelf/own/SUBSCRIBER" and "shelf/pool/ACCOUNT", both decimal. */
#define TG_SHELF_NOTE "shelf/"
/** Room for a key. */
#define TG_SHELF_NOTE_KEY_BYTES 32u

/**
 * @brief Put the buckets in order: by kind, then by what, free ones last.
 *
 * Which bucket of a shelf is which depends on whose turn came first in a group of rows; only their
 * set is a function of the rows. So shelves are compared and journaled in order.
 *
 * @param[in,out] shelf  Sorted.
 */
void tg_shelf_sort(struct tg_shelf *shelf);

/**
 * @brief Key and value of a shelf.
 * @param[in]  is_pool  Of an account, else of a subscriber.
 * @param[in]  index    Account or subscriber.
 * @param[in]  shelf    Borrowed.
 * @param[out] key      Shape [TG_SHELF_NOTE_KEY_BYTES], NUL-terminated.
 * @return Octets of the value, which is the shelf's first ones; buckets behind them are free.
 */
uint32_t tg_shelf_note_make(bool is_pool, uint32_t index, const struct tg_shelf *shelf,
                            char key[TG_SHELF_NOTE_KEY_BYTES]);

/**
 * @brief Set the shelf a note is about.
 * @param[in,out] accounts      Lines and shelves; no worker runs.
 * @param[in]     key           NUL-terminated.
 * @param[in]     bytes         Borrowed; shape [length_bytes].
 * @param[in]     length_bytes  Value's length.
 * @return TG_OK, TG_E_FORMAT (no note of a shelf), TG_E_CORRUPT (a bucket of no known kind),
 *         TG_E_FULL (more subscribers or accounts than configured).
 */
enum tg_err tg_shelf_note_apply(struct tg_accounts *accounts, const char *key, const uint8_t *bytes,
                                uint32_t length_bytes);

#endif
