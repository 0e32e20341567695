/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/stages.h"

#include "base/clock.h"

#include <time.h>

const char *tg_stage_name(unsigned stage)
{
    static const char *const names[TG_STAGES_COUNT] = {
#define TG_STAGE(name, room, what) #name,
#include "flow/stages.def"
#undef TG_STAGE
    };
    return stage < TG_STAGES_COUNT ? names[stage] : "unknown";
}

uint64_t tg_stage_ticks_per_s(void)
{
    static uint64_t ticks_per_s;
    if (ticks_per_s == 0) {
        const struct timespec pause = {.tv_nsec = 20000000};
        const int64_t began_ns = tg_clock_monotonic_ns();
        const uint64_t began = tg_stage_ticks();
        (void)nanosleep(&pause, NULL);
        const uint64_t ticks = tg_stage_ticks() - began;
        const int64_t elapsed_ns = tg_clock_monotonic_ns() - began_ns;
        ticks_per_s = (uint64_t)((unsigned __int128)ticks * TG_NS_PER_S / (uint64_t)elapsed_ns);
    }
    return ticks_per_s;
}
