/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Micro-benchmarks: one hot function each, on inputs made ahead, its output checked.
 *
 *  Source: reference/performance.md section 4. Threads: main. Allocates: at open.
 *  Cost: what `size` says; a line tells octets and random lines an item.
 */
#ifndef TG_BENCH_MICRO_BENCH_MICRO_H
#define TG_BENCH_MICRO_BENCH_MICRO_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/** @brief One benchmark. */
struct tg_micro {
    const char *name; /**< "room function". */
    const char *note; /**< Octets and random lines an item. */
    /** Make inputs and objects. Returns the state, NULL without memory. */
    void *(*open)(void);
    /** The timed part. Returns items done. */
    uint64_t (*run)(void *state);
    /** Is the output of all runs so far right? Untimed. */
    bool (*check)(void *state);
    /** Free. Accepts NULL. */
    void (*close)(void *state);
    /** Can it run on this processor? NULL: yes. */
    bool (*is_here)(void);
};

/* One array a file, ended by an entry without a name. */
extern const struct tg_micro tg_micro_mediate[];
extern const struct tg_micro tg_micro_decode[];
extern const struct tg_micro tg_micro_store[];
extern const struct tg_micro tg_micro_rt[];
extern const struct tg_micro tg_micro_tariff[];

#endif
