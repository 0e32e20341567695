/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static _Atomic int log_level = TG_LOG_NOTICE;

void tg_log_level_set(enum tg_log_level level)
{
    atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

void tg_log(enum tg_log_level level, const char *room, const char *format, ...)
{
    static const char *const names[] = {"error", "warning", "notice", "debug"};
    if ((int)level > atomic_load_explicit(&log_level, memory_order_relaxed)) {
        return;
    }
    char line[1024];
    int length = snprintf(line, sizeof line, "%s %s: ", names[level], room);
    va_list args;
    va_start(args, format);
    const int room_left = (int)sizeof line - length - 1;
    const int body = vsnprintf(line + length, (size_t)room_left, format, args);
    va_end(args);
    length += body < room_left ? (body > 0 ? body : 0) : room_left - 1;
    line[length++] = '\n';
    /* One write keeps lines of several threads whole; nothing can be done when stderr is gone. */
    if (write(STDERR_FILENO, line, (size_t)length) < 0) {
        return;
    }
}
