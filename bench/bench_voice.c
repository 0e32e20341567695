/* SPDX-License-Identifier: Apache-2.0 */
/* The price stage with calls: numbers dialled over a large deck, subscribers found by number. Rows
 * come from memory, batch by batch, as dedup would leave them. */
#include "bench/bench_rig.h"

#include "abi/key.h"
#include "base/arena.h"
#include "base/clock.h"
#include "flow/rating.h"
#include "mediate/identify.h"
#include "rate/account.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCHES_COUNT 64u /* made, then rated: 16,384 rows and their verdicts, 2 MiB */
#define ROUNDS_MIN    3u

struct voice {
    struct tg_world world;
    struct tg_reference reference;
    struct tg_accounts *accounts;
    struct tg_rating *rating;
    struct tg_sums sums;
    uint64_t random;
    uint64_t number;
    bool is_zipf;
    struct tg_batch batches[BATCHES_COUNT];
};

/* A prefix of the deck and digits behind it: as likely to match a long one as the deck is. */
static uint64_t number_dialled(struct voice *voice)
{
    char text[16];
    uint64_t key = 0;
    const uint64_t at = tg_feed_random(&voice->random) % voice->world.prefixes_count;
    unsigned digits = tg_digits_unpack(voice->world.prefixes[at].key, text);
    while (digits < 12) {
        text[digits++] = (char)('0' + tg_feed_random(&voice->random) % 10);
    }
    (void)tg_digits_pack(text, digits, &key);
    return key;
}

static void batch_make(struct voice *voice, struct tg_batch *batch)
{
    batch->rows_count = TG_BATCH_ROWS_MAX;
    for (uint32_t i = 0; i < TG_BATCH_ROWS_MAX; i++) {
        const uint32_t subscriber =
            tg_feed_subscriber(&voice->random, voice->world.subscribers_count, voice->is_zipf);
        batch->rows[i] = (struct tg_usage){
            .subscriber_key = tg_world_number(subscriber),
            .peer_key = number_dialled(voice),
            .start_ns = TG_FEED_START_NS + (int64_t)(voice->number % 86400000) * TG_NS_PER_MS,
            .record_key = ++voice->number,
            .duration_ms = 1000 + (uint32_t)(tg_feed_random(&voice->random) % 600000),
            .service = TG_SERVICE_VOICE,
            .key_kinds = tg_key_kinds(TG_KEY_E164, TG_KEY_E164)};
        tg_charge_start(&batch->charges[i]);
    }
}

static void batch_check(struct voice *voice, const struct tg_batch *batch)
{
    for (uint32_t i = 0; i < batch->rows_count; i++) {
        const struct tg_charge *charge = &batch->charges[i];
        tg_reference_call(&voice->reference, batch->rows[i].peer_key, batch->rows[i].duration_ms);
        voice->sums.rows_count += charge->fate == TG_FATE_RATED;
        voice->sums.other_count += charge->fate != TG_FATE_RATED;
        voice->sums.amount += charge->amount;
        voice->sums.billed_units += charge->billed_units;
        voice->sums.allowance_units += charge->allowance_units;
    }
}

static void voice_round(struct voice *voice, struct tg_bench_figure *identify,
                        struct tg_bench_figure *price)
{
    const struct tg_identify self = {voice->world.snapshot->roster, NULL, NULL};
    for (uint32_t b = 0; b < BATCHES_COUNT; b++) {
        batch_make(voice, &voice->batches[b]);
    }
    const uint64_t rows_count = (uint64_t)BATCHES_COUNT * TG_BATCH_ROWS_MAX;
    const int64_t from_ns = tg_clock_thread_cpu_ns();
    for (uint32_t b = 0; b < BATCHES_COUNT; b++) {
        tg_identify_run(&self, &voice->batches[b]);
    }
    const int64_t middle_ns = tg_clock_thread_cpu_ns();
    for (uint32_t b = 0; b < BATCHES_COUNT; b++) {
        tg_rating_price(voice->rating, &voice->batches[b]);
    }
    tg_bench_round(identify, middle_ns - from_ns, rows_count);
    tg_bench_round(price, tg_clock_thread_cpu_ns() - middle_ns, rows_count);
    for (uint32_t b = 0; b < BATCHES_COUNT; b++) {
        batch_check(voice, &voice->batches[b]);
    }
}

static enum tg_err voice_open(struct voice *voice, const struct tg_bench_options *options,
                              uint32_t subscribers_count, bool is_zipf, const char *dir,
                              struct tg_why *why)
{
    voice->random = options->seed;
    voice->is_zipf = is_zipf;
    enum tg_err err = tg_world_open(&voice->world, dir, subscribers_count, options->prefixes_count,
                                    false, options->seed, why);
    err = err == TG_OK ? tg_reference_open(&voice->reference, &voice->world) : err;
    err = err == TG_OK ? tg_accounts_create(subscribers_count, &voice->accounts, why) : err;
    const struct tg_rating_params params = {
        .dedup_records_max = 1, .accounts = voice->accounts, .catalog = &voice->world.published};
    return err == TG_OK ? tg_rating_create(&params, &voice->rating, why) : err;
}

static void voice_close(struct voice *voice)
{
    tg_rating_destroy(voice->rating);
    tg_accounts_destroy(voice->accounts);
    tg_reference_close(&voice->reference);
    tg_world_close(&voice->world);
}

static void voice_print(const struct tg_bench_options *options, const struct voice *voice,
                        struct tg_bench_figure *figure, bool is_void, FILE *out)
{
    figure->subscribers_count = voice->world.subscribers_count;
    figure->is_zipf = voice->is_zipf;
    figure->is_void = is_void;
    tg_bench_close(figure);
    tg_bench_print(options, figure, out);
}

enum tg_err tg_bench_voice(const struct tg_bench_options *options, uint32_t subscribers_count,
                           bool is_zipf, FILE *out, bool *is_void, struct tg_why *why)
{
    static struct tg_bench_figure identify;
    static struct tg_bench_figure price;
    char dir[256];
    identify = (struct tg_bench_figure){.name = "voice identify", .note = "by number: the roster"};
    price = (struct tg_bench_figure){.name = "voice price", .note = "longest prefix in the deck"};
    (void)snprintf(dir, sizeof dir, "%s/tollgate-bench-XXXXXX", options->dir);
    struct voice *voice = tg_pages_take(sizeof *voice);
    if (voice == NULL || mkdtemp(dir) == NULL) {
        tg_pages_free(voice, sizeof *voice);
        return tg_why_set(why, TG_E_IO, "cannot make a folder in %s", options->dir);
    }
    enum tg_err err = voice_open(voice, options, subscribers_count, is_zipf, dir, why);
    const int64_t until_ns = tg_clock_monotonic_ns() + (int64_t)options->seconds * TG_NS_PER_S / 4;
    for (uint32_t round = 0; err == TG_OK && round < TG_BENCH_ROUNDS_MAX; round++) {
        if (round >= ROUNDS_MIN && (options->is_fixed || tg_clock_monotonic_ns() >= until_ns)) {
            break;
        }
        voice_round(voice, &identify, &price);
    }
    if (err == TG_OK) {
        const bool is_wrong = !tg_sums_equal(&voice->sums, &voice->reference.sums);
        *is_void = *is_void || is_wrong;
        voice_print(options, voice, &identify, is_wrong, out);
        voice_print(options, voice, &price, is_wrong, out);
        if (is_wrong) {
            (void)tg_why_set(why, TG_E_INVALID, "calls: the sums differ from the reference's");
        }
    }
    voice_close(voice);
    tg_rig_remove(dir);
    tg_pages_free(voice, sizeof *voice);
    return err;
}
