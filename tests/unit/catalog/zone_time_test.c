/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/zone_time.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <string.h>

static int64_t at_ns(const char *text)
{
    int64_t ns = 0;
    cr_assert_eq(tg_clock_parse(text, strlen(text), &ns), TG_OK, "%s", text);
    return ns;
}

/* Berlin, 2026. If this failed, a cycle that begins at a midnight that does not exist or exists
 * twice would lose an hour of usage or bill it twice. */
Test(zone_time, skipped_and_repeated_midnights)
{
    const struct tg_zone_offset berlin[] = {{INT64_MIN, 3600 * TG_NS_PER_S},
                                            {at_ns("2026-03-29T01:00:00Z"), 7200 * TG_NS_PER_S},
                                            {at_ns("2026-10-25T01:00:00Z"), 3600 * TG_NS_PER_S}};
    const struct tg_zone_view zone = {berlin, 3, 0};
    static const struct {
        const char *local;
        const char *utc;
        const char *back; /* Local time of utc. */
    } rows[] = {{"2026-03-29T01:59:59Z", "2026-03-29T00:59:59Z", "2026-03-29T01:59:59Z"},
                {"2026-03-29T02:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00Z"},
                {"2026-03-29T02:59:59Z", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00Z"},
                {"2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00Z"},
                {"2026-10-25T02:00:00Z", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z"},
                {"2026-10-25T02:59:59Z", "2026-10-25T00:59:59Z", "2026-10-25T02:59:59Z"},
                {"2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z", "2026-10-25T03:00:00Z"},
                {"2026-11-01", "2026-10-31T23:00:00Z", "2026-11-01"},
                {"1960-01-01", "1959-12-31T23:00:00Z", "1960-01-01"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int64_t utc_ns = tg_zone_utc_ns(zone, at_ns(rows[i].local));
        cr_expect_eq(utc_ns, at_ns(rows[i].utc), "%s", rows[i].local);
        cr_expect_eq(tg_zone_local_ns(zone, utc_ns), at_ns(rows[i].back), "%s", rows[i].local);
    }
    const struct tg_zone_view utc = {NULL, 0, 0};
    cr_expect_eq(tg_zone_utc_ns(utc, 17), 17);
    cr_expect_eq(tg_zone_local_ns(utc, 17), 17);
}
