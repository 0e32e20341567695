/* SPDX-License-Identifier: Apache-2.0 */
#include "abi/key.h"
#include "base/clock.h"
#include "catalog/roster.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUBSCRIBERS 1000000u
#define FINDS       1000000u
#define DAY_S       86400u

static struct tg_roster *roster_make(const struct tg_roster_line *lines, uint32_t lines_count,
                                     const struct tg_roster_key *keys, uint64_t keys_count,
                                     enum tg_err *err)
{
    struct tg_roster *roster = NULL;
    const struct tg_roster_params params = {.size_bytes = sizeof params,
                                            .subscribers_count = lines_count,
                                            .lines = lines,
                                            .keys = keys,
                                            .keys_count = keys_count};
    *err = tg_roster_build(&params, &roster, NULL);
    return roster;
}

static uint32_t find_one(const struct tg_roster *roster, uint8_t kind, uint64_t key, int64_t at_ns)
{
    uint32_t subscriber = 0;
    (void)tg_roster_find(roster, &kind, &key, &at_ns, 1, &subscriber);
    return subscriber;
}

/* A number given out again must bill whoever held it at the time of the call. */
Test(roster, a_number_that_changed_hands_finds_the_holder_of_that_day)
{
    const struct tg_roster_line lines[] = {
        {.active_from_s = 0, .active_to_s = 10 * DAY_S},
        {.active_from_s = 20 * DAY_S, .active_to_s = TG_ROSTER_OPEN_S},
        {.active_from_s = 0, .active_to_s = TG_ROSTER_OPEN_S, .flags = TG_ROSTER_REMOVED}};
    const struct tg_roster_key keys[] = {
        {7, 0, TG_KEY_E164}, {7, 1, TG_KEY_E164}, {7, 2, TG_KEY_E164}, {7, 1, TG_KEY_IMSI}};
    enum tg_err err;
    struct tg_roster *roster = roster_make(lines, 3, keys, 4, &err);
    cr_assert_eq(err, TG_OK);
    cr_expect_eq(find_one(roster, TG_KEY_E164, 7, 5 * TG_NS_PER_DAY), 0);
    cr_expect_eq(find_one(roster, TG_KEY_E164, 7, 10 * TG_NS_PER_DAY - 1), 0);
    cr_expect_eq(find_one(roster, TG_KEY_E164, 7, 10 * TG_NS_PER_DAY), TG_SUBSCRIBER_NONE);
    cr_expect_eq(find_one(roster, TG_KEY_E164, 7, 20 * TG_NS_PER_DAY), 1);
    cr_expect_eq(find_one(roster, TG_KEY_IMSI, 7, 0), 1, "kinds are told apart");
    cr_expect_eq(find_one(roster, TG_KEY_NAME, 7, 0), TG_SUBSCRIBER_NONE);
    cr_expect_eq(find_one(roster, TG_KEY_NONE, 7, 0), TG_SUBSCRIBER_NONE);
    tg_roster_free(roster);
}

/* Who comes back would be granted everything again, or be sold by what he had before. */
Test(roster, lines_that_are_counted_together_are_found_as_their_holder)
{
    const struct tg_roster_line lines[] = {
        {.product = 1, .active_from_s = 20 * DAY_S, .active_to_s = 30 * DAY_S},
        {.product = 2, .active_from_s = 0, .active_to_s = 10 * DAY_S},
        {.product = 3, .active_from_s = 90 * DAY_S, .active_to_s = TG_ROSTER_OPEN_S},
        {.product = 4, .active_from_s = 0, .active_to_s = TG_ROSTER_OPEN_S}};
    const struct tg_roster_key keys[] = {
        {7, 0, TG_KEY_E164},          {7, 1, TG_KEY_E164}, {7, 2, TG_KEY_E164},
        {8, 1, TG_KEY_IMSI},          {9, 3, TG_KEY_E164}, {0, 1, TG_ROSTER_KEY_STRETCH},
        {0, 2, TG_ROSTER_KEY_STRETCH}};
    enum tg_err err;
    struct tg_roster *roster = roster_make(lines, 4, keys, 7, &err);
    cr_assert_eq(err, TG_OK);
    cr_expect_eq(find_one(roster, TG_KEY_E164, 7, 5 * TG_NS_PER_DAY), 0);
    cr_expect_eq(find_one(roster, TG_KEY_E164, 7, 25 * TG_NS_PER_DAY), 0);
    cr_expect_eq(find_one(roster, TG_KEY_E164, 7, 95 * TG_NS_PER_DAY), 0);
    cr_expect_eq(find_one(roster, TG_KEY_E164, 7, 40 * TG_NS_PER_DAY), TG_SUBSCRIBER_NONE);
    cr_expect_eq(find_one(roster, TG_KEY_IMSI, 8, 25 * TG_NS_PER_DAY), TG_SUBSCRIBER_NONE,
                 "a card of before is nobody's");
    const struct {
        int64_t day;
        uint32_t index;
        uint16_t product;
    } times[] = {{5, 1, 2},
                 {10, 1, TG_ROSTER_ASK_LINE},
                 {25, 0, 1},
                 {50, 0, TG_ROSTER_ASK_LINE},
                 {90, 2, 3}};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        for (uint32_t subscriber = 0; subscriber < 3; subscriber++) {
            cr_expect_eq(tg_roster_index_at(roster, subscriber, times[i].day * TG_NS_PER_DAY),
                         times[i].index, "day %lld", (long long)times[i].day);
            cr_expect_eq(tg_roster_product(roster, subscriber, times[i].day * TG_NS_PER_DAY),
                         times[i].product, "day %lld", (long long)times[i].day);
            cr_expect_eq(tg_roster_holder(roster, subscriber), 0);
        }
    }
    cr_expect_eq(tg_roster_since_s(roster, 0), 0, "ten days away");
    cr_expect_eq(tg_roster_since_s(roster, 2), 90 * DAY_S, "sixty days away");
    cr_expect_eq(tg_roster_index_at(roster, 3, 0), 3);
    cr_expect_eq(tg_roster_holder(roster, 3), 3);
    cr_expect_eq(tg_roster_product(roster, 3, 0), 4);
    tg_roster_free(roster);
    const struct tg_roster_key forward[] = {{2, 1, TG_ROSTER_KEY_STRETCH}};
    cr_expect_null(roster_make(lines, 4, forward, 1, &err));
    cr_expect_eq(err, TG_E_INVALID, "a holder is the first of them");
}

/* Usage of who is suspended would be charged, or refused a second too long. */
Test(roster, a_suspension_counts_from_its_first_second_to_its_last)
{
    const struct tg_roster_line lines[] = {
        {.product = 1, .active_from_s = 0, .active_to_s = TG_ROSTER_OPEN_S},
        {.product = 1, .active_from_s = 0, .active_to_s = TG_ROSTER_OPEN_S}};
    const struct tg_roster_key keys[] = {
        {UINT64_C(50) << 32 | TG_ROSTER_OPEN_S, 0,
         TG_ROSTER_KEY_PAUSE + (TG_PAUSE_RATE << 4) + TG_PAUSE_FEE_FULL},
        {UINT64_C(10) << 32 | 20, 0, TG_ROSTER_KEY_PAUSE},
        {7, 0, TG_KEY_E164}};
    const struct {
        int64_t at_ns;
        enum tg_err err;
        bool is_paused;
    } times[] = {{10 * TG_NS_PER_S - 1, TG_OK, false},
                 {10 * TG_NS_PER_S, TG_E_SUBSCRIPTION_SUSPENDED, true},
                 {20 * TG_NS_PER_S - 1, TG_E_SUBSCRIPTION_SUSPENDED, true},
                 {20 * TG_NS_PER_S, TG_OK, false},
                 {50 * TG_NS_PER_S, TG_OK, true},
                 {INT64_MAX, TG_OK, true}};
    enum tg_err err;
    uint32_t index;
    struct tg_roster *roster = roster_make(lines, 2, keys, 3, &err);
    cr_assert_eq(err, TG_OK);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        cr_expect_eq(tg_roster_admit(roster, 0, times[i].at_ns, &index), times[i].err);
        cr_expect_eq(tg_roster_pause_at(roster, 0, times[i].at_ns) != NULL, times[i].is_paused);
        cr_expect_eq(tg_roster_product(roster, 0, times[i].at_ns),
                     times[i].err == TG_OK ? 1 : TG_ROSTER_ASK_LINE);
        cr_expect_eq(tg_roster_admit(roster, 1, times[i].at_ns, &index), TG_OK);
    }
    cr_expect_eq(find_one(roster, TG_KEY_E164, 7, 15 * TG_NS_PER_S), 0, "known all the same");
    tg_roster_free(roster);
}

/* Two holders of one number at one time: usage would go to either, so there is no roster. */
Test(roster, two_holders_at_one_time_are_refused)
{
    const struct tg_roster_line lines[] = {
        {.active_from_s = 0, .active_to_s = 11 * DAY_S},
        {.active_from_s = 10 * DAY_S, .active_to_s = TG_ROSTER_OPEN_S}};
    const struct tg_roster_key keys[] = {{7, 0, TG_KEY_E164}, {7, 1, TG_KEY_E164}};
    const struct tg_roster_key outside[] = {{7, 2, TG_KEY_E164}};
    enum tg_err err;
    cr_expect_null(roster_make(lines, 2, keys, 2, &err));
    cr_expect_eq(err, TG_E_EXISTS);
    cr_expect_null(roster_make(lines, 2, outside, 1, &err));
    cr_expect_eq(err, TG_E_INVALID);
}

/* A number handed over at midnight belongs to the next holder from that second on. */
Test(roster, handing_over_without_a_gap_is_allowed)
{
    const struct tg_roster_line lines[] = {
        {.active_from_s = 0, .active_to_s = DAY_S},
        {.active_from_s = DAY_S, .active_to_s = TG_ROSTER_OPEN_S}};
    const struct tg_roster_key keys[] = {{7, 1, TG_KEY_E164}, {7, 0, TG_KEY_E164}};
    enum tg_err err;
    struct tg_roster *roster = roster_make(lines, 2, keys, 2, &err);
    cr_assert_eq(err, TG_OK);
    cr_expect_eq(find_one(roster, TG_KEY_E164, 7, TG_NS_PER_DAY - 1), 0);
    cr_expect_eq(find_one(roster, TG_KEY_E164, 7, TG_NS_PER_DAY), 1);
    tg_roster_free(roster);
}

/* An empty roster must answer too: the first import may hold prices only. */
Test(roster, an_empty_one_finds_nobody)
{
    enum tg_err err;
    struct tg_roster *roster = roster_make(NULL, 0, NULL, 0, &err);
    cr_assert_eq(err, TG_OK);
    cr_expect_eq(find_one(roster, TG_KEY_E164, 7, 0), TG_SUBSCRIBER_NONE);
    cr_expect_null(tg_roster_line(roster, 0));
    tg_roster_free(roster);
}

/* A million subscribers: each of their keys finds its owner, no other key finds anybody. */
Test(roster, a_million_are_each_found_and_cost_is_told, .timeout = 600)
{
    struct tg_roster_line *lines = calloc(SUBSCRIBERS, sizeof *lines);
    struct tg_roster_key *keys = calloc(SUBSCRIBERS, sizeof *keys);
    uint64_t *wanted = calloc(FINDS, sizeof *wanted);
    uint8_t *kinds = malloc(FINDS);
    int64_t *at_ns = calloc(FINDS, sizeof *at_ns);
    uint32_t *found = calloc(FINDS, sizeof *found);
    for (uint32_t i = 0; i < SUBSCRIBERS; i++) {
        char digits[16];
        lines[i] = (struct tg_roster_line){.account = i, .active_to_s = TG_ROSTER_OPEN_S};
        (void)snprintf(digits, sizeof digits, "49151%08u", i * 7);
        keys[i] = (struct tg_roster_key){.subscriber = i, .kind = TG_KEY_E164};
        cr_assert(tg_digits_pack(digits, strlen(digits), &keys[i].key));
    }
    enum tg_err err;
    const int64_t build_ns = tg_clock_thread_cpu_ns();
    struct tg_roster *roster = roster_make(lines, SUBSCRIBERS, keys, SUBSCRIBERS, &err);
    const int64_t built_ns = tg_clock_thread_cpu_ns();
    cr_assert_eq(err, TG_OK);
    memset(kinds, TG_KEY_E164, FINDS);
    for (uint32_t i = 0; i < FINDS; i++) {
        const uint32_t subscriber = (uint32_t)(i * UINT64_C(2654435761) % SUBSCRIBERS);
        wanted[i] = keys[subscriber].key + (i % 4 == 3 ? 16 : 0); /* every fourth is nobody's */
    }
    const int64_t start_ns = tg_clock_thread_cpu_ns();
    const uint32_t hits = tg_roster_find(roster, kinds, wanted, at_ns, FINDS, found);
    const int64_t end_ns = tg_clock_thread_cpu_ns();
    cr_expect_eq(hits, FINDS / 4 * 3);
    for (uint32_t i = 0; i < FINDS; i++) {
        const uint32_t subscriber = (uint32_t)(i * UINT64_C(2654435761) % SUBSCRIBERS);
        cr_assert_eq(found[i], i % 4 == 3 ? TG_SUBSCRIBER_NONE : subscriber);
    }
    cr_log_info("1 M subscribers: build %.0f ns each, find %.1f ns each, %.1f bytes each",
                (built_ns - build_ns) / (double)SUBSCRIBERS, (end_ns - start_ns) / (double)FINDS,
                roster->memory_bytes / (double)SUBSCRIBERS);
    cr_expect_leq(roster->memory_bytes, (size_t)SUBSCRIBERS * 48);
    tg_roster_free(roster);
    free(lines);
    free(keys);
    free(wanted);
    free(kinds);
    free(at_ns);
    free(found);
}
