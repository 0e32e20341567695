/* SPDX-License-Identifier: Apache-2.0 */
/* Random catalogs as documents, a million random rows, and the slow rater of slow_rater.c: all
 * tariffs, two versions, decks with dates and a fallback, three bands over the change of summer
 * time, all split modes and owners of increments, several allowances, pools and caps. */
#include "slow_world.h"

#include "catalog/catalog.h"
#include "rate/rate.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#ifdef TG_SANITIZED
#define WORLDS         10 /* a tenth: the million is for the build that is fast enough */
#define CROSSING_LEAST 10 /* few worlds have calls that cross a band */
#else
#define WORLDS         100
#define CROSSING_LEAST 800
#endif
#define ROWS     10000
#define BATCH    100
#define MARCH_S  INT64_C(1772323200) /* 2026-03-01 */
#define SPAN_S   (INT64_C(61) * 86400)
#define CHANGE_S (INT64_C(35) * 86400) /* 5 April: rows of decks begin and end */
#define NEAR_S   INT64_C(64800)
#define JITTER_S INT64_C(72000) /* 20 hours: a row of the day before, never of one before that */

static struct slow_use use_make(struct slow_dice *dice, int row)
{
    struct slow_use use = {.subscriber = (uint32_t)slow_roll(dice, SLOW_SUBSCRIBERS)};
    const int64_t late_s = slow_roll(dice, 4) == 0 ? (int64_t)slow_roll(dice, JITTER_S) : 0;
    const int64_t at_s = SPAN_S * row / ROWS - late_s;
    use.start_s = MARCH_S + (at_s > 0 ? at_s : 0);
    use.cause = slow_roll(dice, 4) == 0 ? (uint8_t)slow_roll(dice, 32) : 0;
    use.is_reversal = slow_roll(dice, 20) == 0;
    (void)snprintf(use.peer, sizeof use.peer, "%llu",
                   (unsigned long long)(100 + slow_roll(dice, 99999)));
    switch (slow_roll(dice, 8)) {
    case 0:
        use.service = TG_SERVICE_DATA;
        use.quantity = slow_roll(dice, 300000);
        break;
    case 1:
        use.service = TG_SERVICE_MESSAGE;
        use.quantity = slow_roll(dice, 60);
        break;
    case 2:
        use.service = TG_SERVICE_EVENT;
        use.quantity = 1 + slow_roll(dice, 3000000);
        break;
    default:
        use.service = TG_SERVICE_VOICE;
        use.quantity = slow_roll(dice, slow_roll(dice, 9) == 0 ? 9000000 : 150000);
        if (late_s == 0 && at_s > CHANGE_S - NEAR_S &&
            at_s < CHANGE_S + NEAR_S) { /* over the change of rows */
            use.start_s = MARCH_S + CHANGE_S - 1 - (int64_t)slow_roll(dice, 1200);
            use.quantity += slow_roll(dice, 2500000);
        }
        break;
    }
    return use;
}

struct tally {
    uint64_t rated;
    uint64_t suspended;
    uint64_t by_tariff[SLOW_TARIFFS];
    uint64_t covered;
    uint64_t crossing;
    uint64_t segments; /* crossing, and each piece rounded by itself */
    uint64_t unrated;
    uint64_t unbillable;
    uint64_t taken_back;
    uint64_t unknown; /* taken back, and not counted or not reversed */
    uint64_t rate_changes;
};

static bool rounds_segments(const struct tg_catalog_snapshot *snapshot,
                            const struct tg_charge *charge)
{
    const struct tg_image *image = tg_catalog_image_version(snapshot, charge->catalog_version);
    const struct tg_price_info *info = tg_image_price_info(image, charge->price_id);
    return info->round_exponent != 0 && (info->options & TG_PRICE_ROUND_SEGMENTS) != 0;
}

/* Rate a batch with the engine and row by row with the slow rater. */
static void batch_compare(struct slow_dice *dice, const struct slow_world *world, int number,
                          int first, struct tg_rate *rate,
                          const struct tg_catalog_snapshot *snapshot,
                          struct slow_memories *memories, struct tally *tally)
{
    static struct tg_rate_trace traces[BATCH];
    struct slow_use uses[BATCH];
    struct tg_usage rows[BATCH];
    struct tg_charge charges[BATCH];
    const bool is_traced = number % 2 == 1; /* the other half goes the short way where it may */
    for (int i = 0; i < BATCH; i++) {
        uses[i] = use_make(dice, first + i);
        rows[i] = slow_row(&uses[i]);
        charges[i] = (struct tg_charge){.subscriber = uses[i].subscriber};
    }
    tg_rate_run_traced(rate, snapshot, rows, charges, BATCH, is_traced ? traces : NULL);
    for (int i = 0; i < BATCH; i++) {
        const struct slow_answer wanted = slow_rate(world, memories, &uses[i]);
        const bool is_rated = wanted.reason == TG_OK;
        const bool is_same =
            charges[i].reason == wanted.reason &&
            (is_rated ? charges[i].fate == TG_FATE_RATED && charges[i].amount == wanted.amount
                      : charges[i].fate == TG_FATE_SUSPENDED);
        cr_assert(is_same,
                  "world %d row %d: service %u quantity %llu at %lld peer %s of %u: %lld (reason "
                  "%d), not %lld (%d)%s",
                  number, first + i, uses[i].service, (unsigned long long)uses[i].quantity,
                  (long long)uses[i].start_s, uses[i].peer, uses[i].subscriber,
                  (long long)charges[i].amount, charges[i].reason, (long long)wanted.amount,
                  wanted.reason, uses[i].is_reversal ? ", taken back" : "");
        tally->rated += is_rated ? 1 : 0;
        tally->suspended += is_rated ? 0 : 1;
        tally->unrated += wanted.reason == TG_E_NO_RATE;
        tally->unbillable += wanted.is_free;
        tally->taken_back += is_rated && uses[i].is_reversal && wanted.amount < 0;
        tally->unknown += wanted.reason == TG_E_NEGATIVE_USAGE;
        tally->rate_changes += is_rated && wanted.cuts_rates;
        tally->covered += is_rated && charges[i].allowance_units > 0 ? 1 : 0;
        tally->crossing += is_rated && charges[i].pieces_count > 1 ? 1 : 0;
        tally->segments +=
            is_rated && charges[i].pieces_count > 1 && rounds_segments(snapshot, &charges[i]) ? 1
                                                                                              : 0;
    }
}

static void world_compare(struct slow_dice *dice, int number, struct tally *tally)
{
    static struct slow_world world;
    static struct slow_memories memories;
    slow_world_make(dice, &world);
    memset(&memories, 0, sizeof memories);
    for (uint32_t v = 0; v < SLOW_VERSIONS; v++) {
        tally->by_tariff[world.versions[v].voice[0][0].tariff]++;
        tally->by_tariff[world.versions[v].message.tariff]++;
        tally->by_tariff[world.versions[v].event.tariff]++;
    }
    struct tg_catalog_snapshot *snapshot = slow_world_import(&world);
    const struct tg_rate_params params = {.subscribers_count_max = SLOW_SUBSCRIBERS};
    struct tg_rate *rate = NULL;
    cr_assert_eq(tg_rate_create(&params, &rate, NULL), TG_OK);
    for (int done = 0; done < ROWS; done += BATCH) {
        batch_compare(dice, &world, number, done, rate, snapshot, &memories, tally);
    }
    tg_rate_destroy(rate);
    tg_catalog_close(snapshot);
}

Test(random_catalog, a_slow_rater_agrees_on_a_million_rows_over_random_catalogs, .timeout = 600)
{
    /* If this failed, some catalog that can be written down would be charged otherwise than its
     * documents say. */
    struct slow_dice dice = {20261126};
    struct tally tally = {0};
    for (int number = 0; number < WORLDS; number++) {
        world_compare(&dice, number, &tally);
    }
    printf("random catalogs: %d worlds of 2 versions, %llu rows rated, %llu suspended, %llu "
           "without a rate, %llu drew on allowances, %llu crossed bands, %llu of them rounded by "
           "segment, %llu cut by rates, %llu of causes that are free, %llu taken back, %llu "
           "refused to be; tariffs",
           WORLDS, (unsigned long long)tally.rated, (unsigned long long)tally.suspended,
           (unsigned long long)tally.unrated, (unsigned long long)tally.covered,
           (unsigned long long)tally.crossing, (unsigned long long)tally.segments,
           (unsigned long long)tally.rate_changes, (unsigned long long)tally.unbillable,
           (unsigned long long)tally.taken_back, (unsigned long long)tally.unknown);
    for (uint32_t i = 0; i < SLOW_TARIFFS; i++) {
        printf(" %llu", (unsigned long long)tally.by_tariff[i]);
        cr_expect_gt(tally.by_tariff[i], 0, "tariff %u", i);
    }
    printf("\n");
    cr_expect_eq(tally.rated + tally.suspended, WORLDS * ROWS);
    cr_expect_gt(tally.covered, WORLDS * 100);
    cr_expect_gt(tally.crossing, CROSSING_LEAST);
    cr_expect_gt(tally.segments, CROSSING_LEAST / 10);
    cr_expect_gt(tally.unrated, WORLDS * 10);
    cr_expect_gt(tally.rate_changes, CROSSING_LEAST / 10);
    cr_expect_gt(tally.unbillable, WORLDS * 10);
    cr_expect_gt(tally.taken_back, WORLDS);
    cr_expect_gt(tally.unknown, WORLDS * 10);
}
