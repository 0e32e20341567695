/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Start and stop DPDK's environment layer once, quietly, with or without huge pages.
 *
 *  Source: DPDK 22.11 EAL options. Without huge pages: --no-huge --no-shconf (--in-memory is
 * refused beside --no-huge in this version). With: --in-memory, which needs no hugetlbfs mount.
 *  Threads: control thread only, before any worker and after all of them.
 *  Allocates: yes, inside DPDK. Cost: 0.1 to 0.3 s, most of it loading poll-mode drivers.
 *
 *  lcore 0 is the control thread and may run on every allowed CPU. Workers are lcores 1..n: pinned
 *  one to a CPU while there are enough CPUs, else free to move, so that spinning workers that share
 *  a CPU are not stuck there.
 */
#ifndef TG_RT_EAL_H
#define TG_RT_EAL_H

#include "abi/err.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Memory for mbuf pools when the configuration names none. */
#define TG_EAL_MEMORY_MIB_DEFAULT 256u
/** Worker lcores; more is TG_E_INVALID. */
#define TG_EAL_WORKERS_MAX 64u

/** @brief Where DPDK's memory comes from. */
enum tg_eal_memory {
    TG_EAL_MEMORY_AUTO = 0,    /**< Huge pages when enough are free, else ordinary ones. */
    TG_EAL_MEMORY_NO_HUGE = 1, /**< Ordinary pages: no privilege needed. */
    TG_EAL_MEMORY_HUGE = 2     /**< Huge pages or TG_E_EAL. */
};

/** @brief How to start. Zeroed apart from size_bytes gives the defaults. */
struct tg_eal_config {
    uint32_t size_bytes;       /**< sizeof(struct tg_eal_config). */
    enum tg_eal_memory memory; /**< See enum. */
    uint32_t memory_mib;       /**< 0: TG_EAL_MEMORY_MIB_DEFAULT. */
    uint32_t workers_count;    /**< 0..TG_EAL_WORKERS_MAX lcores besides the control thread. */
    const char *lcores;        /**< Raw --lcores text, borrowed; NULL: laid out as said above. */
};

/**
 * @brief Start. A process can do this once; after tg_eal_stop it cannot start again.
 * @param[in]  config  Borrowed until return.
 * @param[out] why     What DPDK said, in one line, on failure; may be NULL.
 * @return TG_OK; TG_E_INVALID bad config; TG_E_STATE started before; TG_E_EAL DPDK refused.
 */
enum tg_err tg_eal_start(const struct tg_eal_config *config, struct tg_why *why);

/** @brief Stop and give memory back; workers must have been joined. Does nothing if not running. */
void tg_eal_stop(void);

/** @brief Is the EAL up? @return true between start and stop. */
bool tg_eal_is_running(void);

/** @brief Does it run on huge pages? @return false when not running. */
bool tg_eal_is_huge(void);

/** @brief Worker lcores there are. @return 0..TG_EAL_WORKERS_MAX. */
uint32_t tg_eal_workers_count(void);

/**
 * @brief The latest lines DPDK logged since tg_eal_forget_words, on one line, for an error message.
 * @param[out] text        NUL-terminated, "" when DPDK said nothing.
 * @param[in]  text_bytes  Room, at least 1.
 */
void tg_eal_last_words(char *text, size_t text_bytes);

/** @brief Forget what DPDK logged so far: call before an operation whose words matter. */
void tg_eal_forget_words(void);

#endif
