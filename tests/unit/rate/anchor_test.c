/* SPDX-License-Identifier: Apache-2.0 */
#include "rate/anchor.h"

#include "base/clock.h"
#include "rate_fixture.h"

#include <criterion/criterion.h>

static uint32_t number(const struct tg_allowance *allowance, const char *begin, const char *at)
{
    const struct tg_bucket_time time = {.at_ns = fixture_ns(at),
                                        .active_from_ns = fixture_ns(begin)};
    const uint32_t found = tg_anchor_period(allowance, &time);
    int64_t from_ns;
    int64_t to_ns;
    tg_anchor_span(allowance, &time, found, &from_ns, &to_ns);
    cr_expect(from_ns <= time.at_ns && time.at_ns < to_ns, "%s from %s", at, begin);
    cr_expect((from_ns - time.active_from_ns) % TG_NS_PER_DAY == 0, "%s from %s", at, begin);
    return found;
}

Test(anchor, who_comes_back_begins_a_period_of_his_own)
{
    /* If this failed, who was away for longer than a month would find the allowance of before, used
     * up, for up to a whole period. */
    static const struct tg_allowance lengths[] = {{.period = TG_PERIOD_DAY, .period_count = 1},
                                                  {.period = TG_PERIOD_DAY, .period_count = 30},
                                                  {.period = TG_PERIOD_DAY, .period_count = 90},
                                                  {.period = TG_PERIOD_WEEK, .period_count = 6},
                                                  {.period = TG_PERIOD_MONTH, .period_count = 1},
                                                  {.period = TG_PERIOD_QUARTER, .period_count = 1},
                                                  {.period = TG_PERIOD_YEAR, .period_count = 1},
                                                  {.period = TG_PERIOD_YEAR, .period_count = 3}};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        const uint32_t first = number(&lengths[i], "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z");
        const uint32_t last = number(&lengths[i], "2026-01-01T00:00:00Z", "2026-01-10T23:59:59Z");
        const uint32_t back = number(&lengths[i], "2026-02-20T00:00:00Z", "2026-02-20T00:00:00Z");
        const uint32_t late = number(&lengths[i], "2026-02-20T00:00:00Z", "2031-02-19T23:59:59Z");
        const uint32_t again = number(&lengths[i], "2031-04-01T00:00:00Z", "2031-04-01T00:00:00Z");
        cr_expect(first <= last && last < back && back < late && late < again,
                  "length %zu: %u %u %u %u %u", i, first, last, back, late, again);
        cr_expect_gt(number(&lengths[i], "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z"), 0);
    }
}
