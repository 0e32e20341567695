/* SPDX-License-Identifier: Apache-2.0 */
/* One tariff broken in the way that -DBROKEN_... says; each must be refused with its reason. */
#include "abi/plugin.h"
#include "abi/tariff.h"

#include <stdlib.h>
#include <unistd.h>

#ifdef BROKEN_CRASH
__attribute__((constructor)) static void crash(void)
{
    *(volatile int *)8 = 1;
}
#endif
#ifdef BROKEN_HANG
__attribute__((constructor)) static void hang(void)
{
    for (;;) {
        (void)sleep(1);
    }
}
#endif
#ifdef BROKEN_EXIT
__attribute__((constructor)) static void leave(void)
{
    _exit(0);
}
#endif

static uint32_t broken_price(const struct tg_price *const *prices, uint32_t prices_count,
                             const struct tg_tariff_row *rows, uint32_t rows_count,
                             struct tg_tariff_result *results)
{
    (void)prices;
    (void)prices_count;
    for (uint32_t i = 0; i < rows_count; i++) {
        results[i] = (struct tg_tariff_result){.amount = (int64_t)rows[i].units,
                                               .denominator = 1};
#ifdef BROKEN_RANGE
        results[i].amount = INT64_MAX;
#endif
#ifdef BROKEN_RANGE_LATE
        results[i].amount = rows[i].units == 77 ? INT64_MAX : 1;
#endif
    }
#ifdef BROKEN_PRICE_CRASH
    abort();
#endif
#ifdef BROKEN_COUNT
    return rows_count - 1;
#endif
#ifdef BROKEN_COUNT_LATE
    return rows[0].units == 77 ? rows_count + 1 : rows_count;
#endif
    return rows_count;
}

static const struct tg_tariff contract = {
    .size_bytes = sizeof(struct tg_tariff),
    .price = broken_price,
};

#ifdef BROKEN_ABI
TG_PLUGIN_VISIBLE extern const struct tg_plugin tg_plugin_entry;
TG_PLUGIN_VISIBLE const struct tg_plugin tg_plugin_entry = {
    99, sizeof(struct tg_plugin), TG_PLUGIN_TARIFF, sizeof(struct tg_tariff), "broken", "1", "x",
    &contract};
#elif defined(BROKEN_ENTRY)
extern const struct tg_tariff *unrelated(void);
TG_PLUGIN_VISIBLE const struct tg_tariff *unrelated(void)
{
    return &contract;
}
#else
TG_PLUGIN(broken, TG_PLUGIN_TARIFF, struct tg_tariff, contract, "1.0", "does not work");
#endif
