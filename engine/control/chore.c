/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* gettid */
#include "control/chore.h"

#include <sys/resource.h>
#include <unistd.h>

static void *chore_main(void *context)
{
    struct tg_chore *chore = context;
    if (!chore->is_urgent) {
        (void)setpriority(PRIO_PROCESS, (id_t)gettid(),
                          getpriority(PRIO_PROCESS, 0) + TG_CHORE_NICE);
    }
    chore->run(chore->context);
    /* Pairs with the acquire in tg_chore_ended: the work is seen whole. */
    __atomic_store_n(&chore->is_over, 1u, __ATOMIC_RELEASE);
    if (chore->done != NULL) {
        chore->done(chore->context);
    }
    return NULL;
}

enum tg_err tg_chore_start(struct tg_chore *chore, void (*run)(void *context),
                           void (*done)(void *context), void *context, bool is_urgent,
                           struct tg_why *why)
{
    if (chore->is_started) {
        return tg_why_set(why, TG_E_AGAIN, "another long command is at work: ask again");
    }
    chore->run = run;
    chore->done = done;
    chore->context = context;
    chore->is_urgent = is_urgent;
    chore->is_over = 0;
    chore->is_started = pthread_create(&chore->thread, NULL, chore_main, chore) == 0;
    return chore->is_started ? TG_OK : tg_why_set(why, TG_E_NO_MEMORY, "no thread for the command");
}

bool tg_chore_ended(struct tg_chore *chore)
{
    return chore->is_started && __atomic_load_n(&chore->is_over, __ATOMIC_ACQUIRE) != 0 &&
           tg_chore_wait(chore);
}

bool tg_chore_wait(struct tg_chore *chore)
{
    const bool was_started = chore->is_started;
    if (was_started) {
        (void)pthread_join(chore->thread, NULL);
        chore->is_started = false;
    }
    return was_started;
}
