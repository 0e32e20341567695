/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief What the three flow fuzz targets share: feed, check what must always hold, save and load.
 *
 *  Source: abi/decoder.h, the rules a decoder lives by. Threads: one. Allocates: an exact copy of
 * each datagram, so that AddressSanitizer sees one octet too far. Cost: some microseconds a run.
 */
#ifndef TG_TESTS_FLOW_FUZZ_H
#define TG_TESTS_FLOW_FUZZ_H

#include "lib/flowfeed.h"

#include <stdlib.h>

/** Small bounds: opening is cheap and the full policies are reached. */
static const struct tg_setting tg_fuzz_settings[] = {{.key = "templates", .value = "64"},
                                                     {.key = "park_bytes", .value = "65536"},
                                                     {.key = "park_pieces", .value = "16"}};

/** @brief End the run as a finding when a law is broken. @param holds The law. */
static inline void tg_fuzz_require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/** @brief Every refusal names a reason and bytes that are there. @param feed Gathered.
 *  @param length_bytes Of the last datagram. @param first First refusal of it. */
static inline void tg_fuzz_refusals(const struct tg_feed *feed, uint32_t length_bytes,
                                    uint32_t first)
{
    for (uint32_t i = first; i < feed->refusals_count && i < TG_FEED_REFUSALS; i++) {
        const struct tg_refusal *r = &feed->refusals[i];
        const uint64_t end = (uint64_t)r->offset_bytes + r->length_bytes;
        tg_fuzz_require(r->reason != TG_OK && r->length_bytes > 0);
        tg_fuzz_require(end <= (r->input_index == UINT32_MAX ? TG_FEED_TEXT : length_bytes));
    }
}

/** @brief Rows stay within what the row promises. @param feed Gathered. @param first From here. */
static inline void tg_fuzz_rows(const struct tg_feed *feed, uint32_t first)
{
    for (uint32_t i = first; i < feed->rows_count && i < TG_FEED_ROWS; i++) {
        const struct tg_usage *row = &feed->rows[i];
        tg_fuzz_require(row->service == TG_SERVICE_DATA || row->service == TG_SERVICE_OPTIONS);
        tg_fuzz_require(row->service == TG_SERVICE_DATA ||
                        (row->quantity_up | row->quantity_down) == 0);
        tg_fuzz_require(row->start_ns >= -(INT64_C(1) << 61));
    }
}

/** @brief Saved and loaded, the state saves to the same bytes. @param feed Open. */
static inline void tg_fuzz_save(struct tg_feed *feed)
{
    const struct tg_decoder *decoder = feed->decoder;
    if (decoder->save == NULL) {
        return;
    }
    const struct tg_decoder_config config = {.size_bytes = sizeof(config),
                                             .settings_count = 3,
                                             .settings = tg_fuzz_settings,
                                             .hash_seed = 0x5eed};
    struct tg_complaint why;
    void *other = NULL;
    const size_t needed_bytes = decoder->save(feed->state, NULL, 0);
    uint8_t *first = malloc(2 * needed_bytes);
    uint8_t *second = first + needed_bytes;
    tg_fuzz_require(first != NULL && decoder->open(&config, &other, &why) == TG_OK);
    tg_fuzz_require(decoder->save(feed->state, first, needed_bytes) == needed_bytes);
    tg_fuzz_require(decoder->load(other, first, needed_bytes) == TG_OK);
    tg_fuzz_require(decoder->save(other, second, needed_bytes) == needed_bytes);
    tg_fuzz_require(memcmp(first, second, needed_bytes) == 0);
    decoder->close(other);
    free(first);
}

/**
 * @brief One run: a state, datagrams, then expire.
 * @param plugin        Decoder.
 * @param bytes         Datagrams, each after a big-endian u16 length.
 * @param length_bytes  Of all.
 * @return 0, as libFuzzer wants.
 */
static inline int tg_fuzz_flow(const struct tg_plugin *plugin, const uint8_t *bytes,
                               size_t length_bytes)
{
    static struct tg_feed feed;
    const bool has_settings = ((const struct tg_decoder *)plugin->contract)->save != NULL;
    tg_fuzz_require(tg_feed_open(&feed, plugin, tg_fuzz_settings, has_settings ? 3 : 0) == TG_OK);
    feed.wants_fields = (length_bytes & 1) != 0;
    for (size_t at = 0; at + 2 < length_bytes;) {
        size_t one = (size_t)bytes[at] << 8 | bytes[at + 1];
        at += 2;
        one = one == 0 ? 1 : one > length_bytes - at ? length_bytes - at : one;
        uint8_t *copy = malloc(one);
        memcpy(copy, bytes + at, one);
        const uint32_t first_refusal = feed.refusals_count;
        const uint32_t first_row = feed.rows_count;
        tg_feed_bytes(&feed, copy, (uint32_t)one, INT64_C(1600000000000000000));
        tg_fuzz_require(!feed.is_stuck);
        tg_fuzz_refusals(&feed, (uint32_t)one, first_refusal);
        tg_fuzz_rows(&feed, first_row);
        free(copy);
        at += one;
    }
    tg_fuzz_save(&feed);
    if (feed.decoder->expire != NULL) {
        tg_feed_expire(&feed, INT64_MAX);
        tg_fuzz_require(!feed.is_stuck);
    }
    tg_feed_close(&feed);
    return 0;
}

#endif
