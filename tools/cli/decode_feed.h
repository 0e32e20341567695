/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief `tollgate decode` between its files and its lines: decoders, their state, what is parked.
 *
 *  Source: abi/decoder.h. Threads: one owner. Allocates: at open and for what is parked or late.
 *  Cost: the decoder's, and that of decode_print.h.
 *
 *  One state a decoder and one source a sender, over all files: templates in one file serve data in
 *  the next, as they do between the datagrams of one exporter.
 *
 *  Life of data that came before its template:
 *
 *      TG_E_PARKED --template comes--> late rows, held --end--> printed, unless the exporter sent
 *           |                                                   the same record again meanwhile
 *           +-------------end of input--> refused NO_TEMPLATE at its own file and offset
 */
#ifndef TG_CLI_DECODE_FEED_H
#define TG_CLI_DECODE_FEED_H

#include "abi/decoder.h"
#include "base/error.h"
#include "cli/decode_print.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/** Settings given on the command line; more is TG_E_FULL. */
#define TG_DECODE_SETTINGS_MAX 512u
/** Distinct reasons counted for --stats. */
#define TG_DECODE_REASONS_MAX 128u
/** What tg_decode_feed_probe answers when nobody reads the bytes. */
#define TG_DECODE_NOBODY UINT32_MAX

/** @brief What the command line asked for. */
struct tg_decode_options {
    const char *decoder;     /**< The one to use for everything; NULL: ask each. */
    bool wants_all;          /**< Sessions and observations too. */
    bool omits_options;      /**< No rows of options data. */
    uint32_t settings_count; /**< How many. */
    struct tg_setting settings[TG_DECODE_SETTINGS_MAX]; /**< Borrowed texts. */
    bool is_taken[TG_DECODE_SETTINGS_MAX];              /**< Some decoder accepted it. */
};

/** @brief Counts of a reason. */
struct tg_decode_reason {
    int reason;     /**< enum tg_err. */
    uint64_t count; /**< Refusals. */
};

/** @brief What was seen; for --stats and the exit code. */
struct tg_decode_counts {
    uint64_t inputs_count;       /**< Datagrams and chunks. */
    uint64_t rows_count;         /**< Rows printed. */
    uint64_t options_count;      /**< Of these of options data; or left out. */
    uint64_t sessions_count;     /**< Session events. */
    uint64_t observations_count; /**< Observations. */
    uint64_t parked_count;       /**< Pieces that had to wait for a template. */
    uint64_t late_again_count;   /**< Late rows not printed: the record came again. */
    uint64_t refusals_count;     /**< Refusals. */
    uint32_t reasons_count;      /**< Used. */
    struct tg_decode_reason reasons[TG_DECODE_REASONS_MAX]; /**< By reason. */
};

struct tg_decode_feed;

/**
 * @brief Make; with options->decoder its state is opened at once, so that mistakes in its settings
 *        show before anything is printed.
 * @param[in,out] options  Borrowed; is_taken is written.
 * @param[out]    feed     Close with tg_decode_feed_close.
 * @param[out]    why      Filled on failure.
 * @return TG_OK, TG_E_NO_MEMORY, TG_E_NOT_FOUND (no such decoder), or what its open() said.
 */
enum tg_err tg_decode_feed_open(struct tg_decode_options *options, struct tg_decode_feed **feed,
                                struct tg_why *why);

/** @brief Free. @param feed May be NULL. */
void tg_decode_feed_close(struct tg_decode_feed *feed);

/**
 * @brief Who reads these bytes?
 * @param feed          Open.
 * @param bytes         Borrowed.
 * @param length_bytes  Count.
 * @return Slot, or TG_DECODE_NOBODY.
 */
uint32_t tg_decode_feed_probe(const struct tg_decode_feed *feed, const uint8_t *bytes,
                              uint32_t length_bytes);

/** @brief Slot by name. @param feed Open. @param name NUL-terminated. @return Or NOBODY. */
uint32_t tg_decode_feed_named(const struct tg_decode_feed *feed, const char *name);

/** @brief Name of a slot's decoder. @param feed Open. @param slot Or NOBODY. @return Or NULL. */
const char *tg_decode_feed_name(const struct tg_decode_feed *feed, uint32_t slot);

/**
 * @brief Decode an input and print what becomes of it.
 * @param feed    Open.
 * @param slot    From probe or named; NOBODY refuses the input with TG_E_NO_DECODER.
 * @param input   Borrowed; source_id is written.
 * @param origin  Borrowed; of the input's first octet; its decoder is not read.
 * @return false: standard output cannot be written to any more.
 */
bool tg_decode_feed_input(struct tg_decode_feed *feed, uint32_t slot, struct tg_input *input,
                          const struct tg_decode_origin *origin);

/** @brief Refuse bytes no decoder was asked about. @param feed Open. @param refusal Borrowed. */
void tg_decode_feed_refuse(struct tg_decode_feed *feed, const struct tg_decode_refusal *refusal);

/** @brief End of input: print late rows, refuse what still waits. @param feed Open.
 *  @return false: standard output cannot be written to any more. */
bool tg_decode_feed_end(struct tg_decode_feed *feed);

/** @brief Counts so far. @param feed Open. @return Borrowed. */
const struct tg_decode_counts *tg_decode_feed_counts(const struct tg_decode_feed *feed);

#endif
