/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief One log line to stderr: `level room: text`. Control plane only; the data path counts.
 *
 *  Source: operators' habit: one line, no subscriber numbers in it. Threads: any; one write a line.
 *  Allocates: never. Cost: a system call.
 */
#ifndef TG_BASE_LOG_H
#define TG_BASE_LOG_H

#include <stdbool.h>

/** @brief Least severe last. */
enum tg_log_level {
    TG_LOG_ERROR = 0,   /**< Something is lost or stops. */
    TG_LOG_WARNING = 1, /**< An operator should look. */
    TG_LOG_NOTICE = 2,  /**< Life cycle. */
    TG_LOG_DEBUG = 3    /**< For developers. */
};

/** @brief Show lines up to this level; TG_LOG_NOTICE at start. @param level enum. */
void tg_log_level_set(enum tg_log_level level);

/** @brief Write one line. @param level enum. @param room Room's name. @param format printf. */
void tg_log(enum tg_log_level level, const char *room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
