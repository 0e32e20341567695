/* SPDX-License-Identifier: Apache-2.0 */
#include "rt/time.h"

#include "base/clock.h"

#include <stddef.h>

static int64_t time_live(void *context)
{
    (void)context;
    return tg_clock_now_ns();
}

static int64_t time_from_variable(void *context)
{
    return *(const int64_t *)context;
}

struct tg_time tg_time_live(void)
{
    return (struct tg_time){time_live, NULL};
}

struct tg_time tg_time_set_by(int64_t *time_ns)
{
    return (struct tg_time){time_from_variable, time_ns};
}
