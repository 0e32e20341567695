/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Leakage: a node that works and moves octets but is silent, or too quiet, in usage.
 *
 *  Source: the suspect matrix of the assurance semantics 4.3 of this project.
 *  Threads: owner thread of the alarm set. Allocates: in tg_leak_open only. Cost: one node a
 * window.
 */
#ifndef TG_HEALTH_LEAK_H
#define TG_HEALTH_LEAK_H

#include "health/alarm.h"

#include <stdbool.h>
#include <stdint.h>

#define TG_LEAK_BASELINE_MIN    20u /**< Records a window below which silence proves nothing. */
#define TG_LEAK_PARTIAL_PERCENT 50u /**< Below this share of the baseline a window is low. */
#define TG_LEAK_PARTIAL_WINDOWS 3u  /**< Low windows in a row that make a partial leak. */

/** @brief One node over one window (5 minutes), all given as counters. */
struct tg_leak_window {
    int64_t from_ns;        /**< Start of the window, event time. */
    int64_t until_ns;       /**< End. */
    uint64_t octets;        /**< Moved, by the node's own counters. */
    uint64_t octets_floor;  /**< At or below this the node is idle. */
    uint64_t records_count; /**< Usage records of the window. */
    uint64_t gap_count;     /**< Records missing in the node's sequence. */
    uint16_t node_id;       /**< Node. */
    uint8_t state;          /**< Worst enum tg_node_state of the window. */
    bool is_maintained;     /**< In maintenance. */
    bool has_octets;        /**< Counters were read at all. */
};

/** @brief What a window says. */
enum tg_leak_verdict {
    TG_LEAK_OK = 0,      /**< Usage is what it should be. */
    TG_LEAK_SILENT = 1,  /**< UP, moving octets, no usage. */
    TG_LEAK_PARTIAL = 2, /**< UP, moving octets, under half of the usage, three windows long. */
    TG_LEAK_HOLD_WHILE_DOWN = 3, /**< Usage from a node that was down. */
    TG_LEAK_UP_BY_USAGE = 4,     /**< Telemetry is missing, usage proves life. */
    TG_LEAK_LOSS = 5,            /**< A sequence gap: loss is known, not leakage. */
    TG_LEAK_EXPECTED = 6,        /**< Maintenance: silence is expected. */
    TG_LEAK_IDLE = 7             /**< Nothing moved, or nothing can be said. */
};

/** @brief What is remembered of a node; zero at start. */
struct tg_leak_memory {
    uint64_t baseline_milli; /**< Records a window times 1000: EWMA, alpha 0.1. */
    uint32_t windows_count;  /**< Windows in the baseline. */
    uint32_t low_count;      /**< Low windows in a row. */
};

/** @brief Opaque: memory of all nodes. */
struct tg_leak;

/**
 * @brief Take memory for all nodes of the inventory.
 * @param[in]  inventory  Borrowed until return.
 * @param[out] leak       Written on TG_OK; close with tg_leak_close.
 * @return TG_OK or TG_E_NO_MEMORY.
 */
enum tg_err tg_leak_open(const struct tg_inventory *inventory, struct tg_leak **leak);

/** @brief Free. @param leak From tg_leak_open, or NULL. */
void tg_leak_close(struct tg_leak *leak);

/**
 * @brief Judge one window; pure but for the memory. Only windows judged OK move the baseline, so a
 *        leak does not teach itself to be normal.
 * @param[in]     window  Borrowed.
 * @param[in,out] memory  The node's.
 * @return enum tg_leak_verdict.
 */
enum tg_leak_verdict tg_leak_judge(const struct tg_leak_window *window,
                                   struct tg_leak_memory *memory);

/**
 * @brief Judge windows and raise or clear "usageSilent", "usageLow" and "usageWhileDown".
 * @param[in,out] leak           Memory.
 * @param[in,out] alarms         Alarm set of the calling thread.
 * @param[in]     windows        Shape [windows_count], oldest first a node.
 * @param[in]     windows_count  0 or more.
 * @param[in]     arrival_ns     When this is known.
 * @param[out]    verdicts       enum tg_leak_verdict; shape [windows_count]; may be NULL.
 * @return Windows that leak (SILENT or PARTIAL).
 */
uint32_t tg_leak_run(struct tg_leak *leak, struct tg_alarm_set *alarms,
                     const struct tg_leak_window *windows, uint32_t windows_count,
                     int64_t arrival_ns, uint8_t *verdicts);

/** @brief "LEAK_SILENT". @param verdict enum tg_leak_verdict. @return Static text. */
const char *tg_leak_verdict_name(unsigned verdict);

#endif
