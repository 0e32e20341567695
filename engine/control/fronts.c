/* SPDX-License-Identifier: Apache-2.0 */
#include "control/fronts.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RETRY_NS_MIN (1 * TG_NS_PER_S)
#define RETRY_NS_MAX (30 * TG_NS_PER_S)
#define STOP_NS      (2 * TG_NS_PER_S)

extern char **environ;

void tg_fronts_init(struct tg_fronts *fronts, const struct tg_config *config)
{
    *fronts = (struct tg_fronts){.config = config};
}

static void front_start(struct tg_fronts *fronts, uint32_t index, int64_t now_ns)
{
    const struct tg_config_front *front = &fronts->config->fronts[index];
    struct tg_front_watch *watch = &fronts->watches[index];
    char engine[16];
    (void)snprintf(engine, sizeof engine, "%d", (int)getpid());
    char *const argv[] = {(char *)"tollgate",
                          (char *)"front",
                          (char *)front->name,
                          (char *)"--data",
                          (char *)fronts->config->data_dir,
                          (char *)"--engine",
                          engine,
                          front->listen != NULL ? (char *)"--listen" : NULL,
                          (char *)front->listen,
                          NULL};
    pid_t pid;
    const int rc = posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ);
    watch->started_ns = now_ns;
    if (rc != 0) {
        tg_log(TG_LOG_ERROR, "control", "front %s does not start: %s", front->name, strerror(rc));
        watch->retry_ns = now_ns + RETRY_NS_MAX;
        return;
    }
    watch->pid = pid;
    tg_log(TG_LOG_NOTICE, "control", "front %s runs as process %d", front->name, (int)pid);
}

static void front_reap(struct tg_fronts *fronts, uint32_t index, int64_t now_ns)
{
    struct tg_front_watch *watch = &fronts->watches[index];
    int status;
    if (waitpid(watch->pid, &status, WNOHANG) != watch->pid) {
        return;
    }
    /* Backing off doubles up to 30 s; half a minute of health starts it over. */
    int64_t wait_ns = RETRY_NS_MIN;
    if (now_ns - watch->started_ns < RETRY_NS_MAX) {
        for (uint32_t i = 0; i < watch->restarts_count && wait_ns < RETRY_NS_MAX; i++) {
            wait_ns *= 2;
        }
    } else {
        watch->restarts_count = 0;
    }
    tg_log(TG_LOG_WARNING, "control", "front %s ended (%s %d); it starts again in %lld s",
           fronts->config->fronts[index].name, WIFSIGNALED(status) ? "signal" : "exit",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
           (long long)(wait_ns / TG_NS_PER_S));
    watch->pid = 0;
    watch->restarts_count++;
    watch->retry_ns = now_ns + wait_ns;
}

void tg_fronts_tend(struct tg_fronts *fronts, int64_t now_ns)
{
    for (uint32_t i = 0; i < fronts->config->fronts_count; i++) {
        struct tg_front_watch *watch = &fronts->watches[i];
        if (watch->pid != 0) {
            front_reap(fronts, i, now_ns);
        } else if (now_ns >= watch->retry_ns) {
            front_start(fronts, i, now_ns);
        }
    }
}

void tg_fronts_stop(struct tg_fronts *fronts)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    const int64_t until_ns = tg_clock_monotonic_ns() + STOP_NS;
    for (uint32_t i = 0; i < fronts->config->fronts_count; i++) {
        if (fronts->watches[i].pid != 0) {
            (void)kill(fronts->watches[i].pid, SIGTERM);
        }
    }
    for (uint32_t i = 0; i < fronts->config->fronts_count; i++) {
        struct tg_front_watch *watch = &fronts->watches[i];
        while (watch->pid != 0 && waitpid(watch->pid, NULL, WNOHANG) == 0) {
            if (tg_clock_monotonic_ns() > until_ns) {
                (void)kill(watch->pid, SIGKILL);
                (void)waitpid(watch->pid, NULL, 0);
                break;
            }
            (void)nanosleep(&pause, NULL);
        }
        watch->pid = 0;
    }
}
