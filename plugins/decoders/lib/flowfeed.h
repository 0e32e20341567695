/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Drives a decoder the way the engine does, for tests, fuzzing and benchmarks.
 *
 *  Source: abi/decoder.h. Threads: one owner. Allocates: never; the caller gives static memory.
 *  Cost: a copy of everything that comes out.
 *
 *  It gives the decoder small arrays (or large ones), drains them and calls again until the input
 *  is finished, and gathers all output in one place.
 */
#ifndef TG_DECODERS_LIB_FLOWFEED_H
#define TG_DECODERS_LIB_FLOWFEED_H

#include "abi/decoder.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define TG_FEED_ROWS     8192u              /**< Rows gathered; more are counted only. */
#define TG_FEED_FIELDS   (TG_FEED_ROWS * 8) /**< Fields of a call. */
#define TG_FEED_REFUSALS 4096u              /**< Refusals gathered; more are counted only. */
#define TG_FEED_TEXT     (8u * 1024 * 1024) /**< Text arena over all calls; then starts again. */
#define TG_FEED_CALLS    200000u            /**< A decoder that needs more for one input hangs. */

/** @brief Everything a decoder said since tg_feed_clear. */
struct tg_feed {
    const struct tg_decoder *decoder; /**< Contract. */
    void *state;                      /**< Its state. */
    uint32_t rows_capacity;           /**< Offered a call; at least TG_DECODE_ROWS_MIN. */
    bool wants_fields;                /**< Offer room for fields. */
    bool is_stuck;                    /**< A call made no progress, or TG_FEED_CALLS were needed. */

    uint32_t rows_count;                          /**< Rows that came. */
    struct tg_usage rows[TG_FEED_ROWS];           /**< The first of them. */
    uint32_t rows_order[TG_FEED_ROWS];            /**< Input they came with, from 0. */
    uint32_t fields_count;                        /**< Fields gathered. */
    struct tg_field fields[TG_FEED_FIELDS];       /**< row_index counts from the clear. */
    uint32_t refusals_count;                      /**< Refusals that came. */
    struct tg_refusal refusals[TG_FEED_REFUSALS]; /**< The first of them. */
    uint32_t released_count;                      /**< Keys that came. */
    uint64_t released[TG_FEED_REFUSALS];          /**< The first of them. */
    uint32_t inputs_count;                        /**< Inputs finished. */
    uint32_t calls_count;                         /**< Decode calls made. */
    struct tg_message message;                    /**< Of the last input. */

    struct tg_usage call_rows[TG_FEED_ROWS];
    uint32_t call_rows_input[TG_FEED_ROWS];
    struct tg_observation call_observations[64];
    struct tg_session call_sessions[64];
    struct tg_refusal call_refusals[64];
    uint64_t call_released[64];
    struct tg_field call_fields[TG_FEED_FIELDS];
    uint32_t text_used;
    uint8_t text[TG_FEED_TEXT];
};

/** @brief Forget the output; state stays. @param feed Owned. */
static inline void tg_feed_clear(struct tg_feed *feed)
{
    feed->rows_count = 0;
    feed->fields_count = 0;
    feed->refusals_count = 0;
    feed->released_count = 0;
    feed->inputs_count = 0;
    feed->calls_count = 0;
    feed->is_stuck = false;
}

/**
 * @brief Open a decoder.
 * @param feed            To use; its output is cleared.
 * @param plugin          Descriptor of a decoder.
 * @param settings        Borrowed; may be NULL when settings_count is 0.
 * @param settings_count  How many.
 * @return What open() said; on failure feed->state is NULL.
 */
static inline enum tg_err tg_feed_open(struct tg_feed *feed, const struct tg_plugin *plugin,
                                       const struct tg_setting *settings, uint32_t settings_count)
{
    const struct tg_decoder_config config = {.size_bytes = sizeof(config),
                                             .settings_count = settings_count,
                                             .settings = settings,
                                             .hash_seed = UINT64_C(0x5eed)};
    struct tg_complaint why = {.text = ""};
    feed->decoder = (const struct tg_decoder *)plugin->contract;
    feed->state = NULL;
    feed->rows_capacity = TG_DECODE_ROWS_MIN;
    feed->wants_fields = false;
    feed->text_used = 0;
    tg_feed_clear(feed);
    return feed->decoder->open(&config, &feed->state, &why);
}

/** @brief Close the state. @param feed Owned. */
static inline void tg_feed_close(struct tg_feed *feed)
{
    feed->decoder->close(feed->state);
    feed->state = NULL;
}

/** @brief Arrays for one call. @param feed Lends them. @param message Where the message goes.
 *  @return Empty output. */
static inline struct tg_decoded tg_feed_out(struct tg_feed *feed, struct tg_message *message)
{
    if (TG_FEED_TEXT - feed->text_used < 65536) {
        feed->text_used = 0;
    }
    return (struct tg_decoded){.size_bytes = sizeof(struct tg_decoded),
                               .rows_capacity = feed->rows_capacity,
                               .rows = feed->call_rows,
                               .rows_input = feed->call_rows_input,
                               .observations_capacity = 64,
                               .observations = feed->call_observations,
                               .sessions_capacity = 64,
                               .sessions = feed->call_sessions,
                               .refusals_capacity = 64,
                               .refusals = feed->call_refusals,
                               .text_capacity_bytes = 65536,
                               .text = feed->text + feed->text_used,
                               .released_capacity = 64,
                               .released_keys = feed->call_released,
                               .messages = message,
                               .fields_capacity = feed->wants_fields ? TG_FEED_FIELDS : 0,
                               .fields = feed->call_fields};
}

/** @brief Gather what a call gave. Offsets into the text arena become offsets into feed->text.
 *  @param feed Gathers. @param out The call's output. */
static inline void tg_feed_drain(struct tg_feed *feed, const struct tg_decoded *out)
{
    for (uint32_t i = 0; i < out->fields_count && feed->fields_count < TG_FEED_FIELDS; i++) {
        feed->fields[feed->fields_count] = out->fields[i];
        feed->fields[feed->fields_count++].row_index += feed->rows_count;
    }
    for (uint32_t i = 0; i < out->rows_count; i++, feed->rows_count++) {
        if (feed->rows_count < TG_FEED_ROWS) {
            feed->rows[feed->rows_count] = out->rows[i];
            feed->rows_order[feed->rows_count] = feed->inputs_count;
        }
    }
    for (uint32_t i = 0; i < out->refusals_count; i++, feed->refusals_count++) {
        if (feed->refusals_count < TG_FEED_REFUSALS) {
            feed->refusals[feed->refusals_count] = out->refusals[i];
            if (out->refusals[i].input_index == UINT32_MAX) {
                feed->refusals[feed->refusals_count].offset_bytes += feed->text_used;
            }
        }
    }
    for (uint32_t i = 0; i < out->released_count; i++, feed->released_count++) {
        if (feed->released_count < TG_FEED_REFUSALS) {
            feed->released[feed->released_count] = out->released_keys[i];
        }
    }
    feed->text_used += out->text_bytes;
}

/** @brief Decode one input to its end. @param feed Gathers. @param input Borrowed. */
static inline void tg_feed_input(struct tg_feed *feed, const struct tg_input *input)
{
    for (uint32_t calls = 0; calls < TG_FEED_CALLS; calls++) {
        struct tg_decoded out = tg_feed_out(feed, &feed->message);
        const uint32_t done = feed->decoder->decode(feed->state, input, 1, &out);
        feed->calls_count++;
        tg_feed_drain(feed, &out);
        if (done == 1) {
            feed->inputs_count++;
            return;
        }
        if (out.rows_count == 0 && out.refusals_count == 0 && out.released_count == 0 &&
            out.text_bytes == 0) {
            break;
        }
    }
    feed->is_stuck = true;
}

/**
 * @brief Decode bytes as a datagram of source 1 from 192.0.2.1.
 * @param feed          Gathers.
 * @param bytes         Borrowed; fields point into it.
 * @param length_bytes  At least 1.
 * @param arrival_ns    Arrival.
 */
static inline void tg_feed_bytes(struct tg_feed *feed, const uint8_t *bytes, uint32_t length_bytes,
                                 int64_t arrival_ns)
{
    struct tg_input input = {.bytes = bytes,
                             .length_bytes = length_bytes,
                             .source_id = 1,
                             .local_port = 2055,
                             .arrival_ns = arrival_ns};
    static const uint8_t from[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1};
    memcpy(input.from.address, from, sizeof(from));
    input.from.port = 9999;
    tg_feed_input(feed, &input);
}

/** @brief Let the decoder give up on old pieces. @param feed Gathers. @param before_ns Arrivals
 *  before this. */
static inline void tg_feed_expire(struct tg_feed *feed, int64_t before_ns)
{
    bool is_more = true;
    for (uint32_t calls = 0; is_more && calls < TG_FEED_CALLS; calls++) {
        struct tg_decoded out = tg_feed_out(feed, &feed->message);
        is_more = feed->decoder->expire(feed->state, before_ns, &out);
        tg_feed_drain(feed, &out);
    }
    feed->is_stuck = feed->is_stuck || is_more;
}

/** @brief Count refusals of a reason. @param feed Gathered. @param reason Which. @return Count. */
static inline uint32_t tg_feed_refused(const struct tg_feed *feed, enum tg_err reason)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < feed->refusals_count && i < TG_FEED_REFUSALS; i++) {
        count += feed->refusals[i].reason == reason ? 1 : 0;
    }
    return count;
}

#endif
