/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* fopencookie, CPU sets */
#include "rt/eal.h"

#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENTS_MAX 24
#define LAYOUT_BYTES  4096u
#define WORDS_BYTES   2048u
#define CPUS_MAX      1024u

enum eal_state { EAL_NEVER, EAL_RUNNING, EAL_STOPPED };

static enum eal_state state; /* NEVER -> RUNNING (start) -> STOPPED (stop); FAILED is STOPPED */
static bool is_huge;
static uint32_t workers_count;

/* Drivers may log from any thread, so the last words are the one thing here behind a lock; nothing
 * on the data path logs. */
static pthread_mutex_t words_lock = PTHREAD_MUTEX_INITIALIZER;
static char words[WORDS_BYTES];
static size_t words_bytes;

static ssize_t words_write(void *cookie, const char *text, size_t size_bytes)
{
    (void)cookie;
    pthread_mutex_lock(&words_lock);
    for (size_t i = 0; i < size_bytes; i++) {
        if (words_bytes == sizeof words) { /* keep the newer half */
            memmove(words, words + sizeof words / 2, sizeof words / 2);
            words_bytes = sizeof words / 2;
        }
        words[words_bytes++] = text[i];
    }
    pthread_mutex_unlock(&words_lock);
    return (ssize_t)size_bytes;
}

void tg_eal_forget_words(void)
{
    pthread_mutex_lock(&words_lock);
    words_bytes = 0;
    pthread_mutex_unlock(&words_lock);
}

void tg_eal_last_words(char *text, size_t text_bytes)
{
    assert(text_bytes > 0);
    pthread_mutex_lock(&words_lock);
    const size_t keep = words_bytes < text_bytes - 1 ? words_bytes : text_bytes - 1;
    const char *from = words + words_bytes - keep;
    size_t out = 0;
    for (size_t i = 0; i < keep; i++) {
        const char c = from[i];
        if (c == '\n') {
            if (i + 1 < keep) {
                text[out++] = ';';
            }
        } else {
            text[out++] = (unsigned char)c < ' ' ? ' ' : c;
        }
    }
    text[out] = '\0';
    pthread_mutex_unlock(&words_lock);
}

/* Log to memory instead of the terminal and syslog: what matters is told in our own words. */
static void words_capture(void)
{
    const cookie_io_functions_t io = {.write = words_write};
    FILE *stream = fopencookie(NULL, "w", io);
    if (stream != NULL) {
        (void)setvbuf(stream, NULL, _IOLBF, 1024);
        (void)rte_openlog_stream(stream);
    }
}

/* On a bad option EAL prints two pages of usage to stdout and FATAL to stderr, past its own log.
 * They name options our user never typed, so both go nowhere while EAL starts. */
struct silence {
    int kept[2]; /* copies of descriptors 1 and 2, or -1 */
};

static void silence_begin(struct silence *silence)
{
    (void)fflush(NULL);
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (int i = 0; i < 2; i++) {
        silence->kept[i] = nowhere >= 0 ? fcntl(i + 1, F_DUPFD_CLOEXEC, 3) : -1;
        if (silence->kept[i] >= 0) {
            (void)dup2(nowhere, i + 1);
        }
    }
    if (nowhere >= 0) {
        (void)close(nowhere);
    }
}

static void silence_end(const struct silence *silence)
{
    (void)fflush(NULL);
    for (int i = 0; i < 2; i++) {
        if (silence->kept[i] >= 0) {
            (void)dup2(silence->kept[i], i + 1);
            (void)close(silence->kept[i]);
        }
    }
}

static uint64_t sysfs_number(const char *path)
{
    FILE *file = fopen(path, "re");
    unsigned long long value = 0;
    if (file == NULL) {
        return 0;
    }
    if (fscanf(file, "%llu", &value) != 1) {
        value = 0;
    }
    (void)fclose(file);
    return value;
}

static bool huge_pages_suffice(uint32_t memory_mib)
{
    const uint64_t free_mib =
        2 * sysfs_number("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages") +
        1024 * sysfs_number("/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages");
    return free_mib >= memory_mib;
}

struct layout {
    char text[LAYOUT_BYTES];
    size_t used_bytes;
};

static void layout_add(struct layout *layout, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void layout_add(struct layout *layout, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const size_t room = sizeof layout->text - layout->used_bytes;
    const int wrote = vsnprintf(layout->text + layout->used_bytes, room, format, args);
    va_end(args);
    if (wrote > 0) {
        layout->used_bytes += (size_t)wrote < room ? (size_t)wrote : room - 1;
    }
}

/* "0@(0,1),1@0,2@1": EAL's own -l would pin the control thread to one CPU and refuse two lcores on
 * one CPU, and so could not start on a machine with fewer CPUs than workers. */
static enum tg_err layout_make(uint32_t workers, struct layout *layout, struct tg_why *why)
{
    cpu_set_t set;
    static uint16_t cpus[CPUS_MAX];
    uint32_t cpus_count = 0;
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        return tg_why_set(why, TG_E_EAL, "cannot read the CPUs this process may use: %s",
                          strerror(errno));
    }
    struct layout all = {.used_bytes = 0};
    for (uint32_t cpu = 0; cpu < CPU_SETSIZE && cpus_count < CPUS_MAX; cpu++) {
        if (CPU_ISSET(cpu, &set) && cpu < RTE_MAX_LCORE) {
            layout_add(&all, cpus_count == 0 ? "(%u" : ",%u", cpu);
            cpus[cpus_count++] = (uint16_t)cpu;
        }
    }
    layout_add(&all, ")");
    if (cpus_count == 0) {
        return tg_why_set(why, TG_E_EAL, "DPDK can use none of the CPUs this process may use");
    }
    layout_add(layout, "0@%s", all.text);
    for (uint32_t i = 0; i < workers; i++) {
        if (workers <= cpus_count) {
            /* From the last CPU down: CPU 0 gets most interrupts. */
            layout_add(layout, ",%u@%u", i + 1, cpus[cpus_count - 1 - i]);
        } else {
            layout_add(layout, ",%u@%s", i + 1, all.text);
        }
    }
    if (layout->used_bytes + 1 >= sizeof layout->text) {
        return tg_why_set(why, TG_E_INVALID, "%u workers on %u CPUs: the layout is too long",
                          workers, cpus_count);
    }
    return TG_OK;
}

static int eal_init(const struct tg_eal_config *config, const char *lcores, bool with_huge)
{
    char memory_text[16];
    char program[] = "tollgate", no_pci[] = "--no-pci", no_telemetry[] = "--no-telemetry";
    char lcores_option[] = "--lcores", main_option[] = "--main-lcore", zero[] = "0";
    char in_memory[] = "--in-memory", no_huge[] = "--no-huge", no_shconf[] = "--no-shconf";
    char memory_option[] = "-m", quiet[] = "--log-level=warning";
    char lcores_text[LAYOUT_BYTES];
    char *arguments[ARGUMENTS_MAX];
    int count = 0;
    const uint32_t memory_mib =
        config->memory_mib != 0 ? config->memory_mib : TG_EAL_MEMORY_MIB_DEFAULT;
    (void)snprintf(memory_text, sizeof memory_text, "%u", memory_mib);
    (void)snprintf(lcores_text, sizeof lcores_text, "%s", lcores);
    arguments[count++] = program;
    arguments[count++] = no_pci;
    arguments[count++] = no_telemetry;
    arguments[count++] = quiet;
    arguments[count++] = lcores_option;
    arguments[count++] = lcores_text;
    if (config->lcores == NULL) {
        arguments[count++] = main_option;
        arguments[count++] = zero;
    }
    if (with_huge) {
        arguments[count++] = in_memory;
    } else {
        arguments[count++] = no_huge;
        arguments[count++] = no_shconf;
    }
    arguments[count++] = memory_option;
    arguments[count++] = memory_text;
    arguments[count] = NULL;
    assert(count < ARGUMENTS_MAX);
    struct silence silence;
    silence_begin(&silence);
    const int result = rte_eal_init(count, arguments);
    silence_end(&silence);
    return result;
}

enum tg_err tg_eal_start(const struct tg_eal_config *config, struct tg_why *why)
{
    assert(config != NULL);
    if (state != EAL_NEVER) {
        return tg_why_set(why, TG_E_STATE, "the EAL can be started once in a process");
    }
    if (config->size_bytes != sizeof *config || config->workers_count > TG_EAL_WORKERS_MAX) {
        return tg_why_set(why, TG_E_INVALID, "EAL configuration: %u workers (at most %u)",
                          config->workers_count, TG_EAL_WORKERS_MAX);
    }
    const uint32_t memory_mib =
        config->memory_mib != 0 ? config->memory_mib : TG_EAL_MEMORY_MIB_DEFAULT;
    const bool huge_there = huge_pages_suffice(memory_mib);
    if (config->memory == TG_EAL_MEMORY_HUGE && !huge_there) {
        return tg_why_set(why, TG_E_EAL,
                          "fewer than %u MiB of huge pages are free; reserve them with: "
                          "sysctl vm.nr_hugepages=%u, or let memory be auto",
                          memory_mib, (memory_mib + 1) / 2);
    }
    struct layout layout = {.used_bytes = 0};
    if (config->lcores == NULL) {
        const enum tg_err err = layout_make(config->workers_count, &layout, why);
        if (err != TG_OK) {
            return err;
        }
    }
    const bool with_huge = huge_there && config->memory != TG_EAL_MEMORY_NO_HUGE;
    tg_eal_forget_words();
    words_capture();
    state = EAL_STOPPED; /* DPDK cannot be tried twice: a failed start is final */
    const char *lcores = config->lcores != NULL ? config->lcores : layout.text;
    if (eal_init(config, lcores, with_huge) < 0) {
        char said[300];
        tg_eal_last_words(said, sizeof said);
        return tg_why_set(why, TG_E_EAL, "DPDK's EAL does not start (%s; %u MiB, lcores %.60s): %s",
                          with_huge ? "huge pages" : "no huge pages", memory_mib, lcores,
                          said[0] != '\0' ? said : rte_strerror(rte_errno));
    }
    state = EAL_RUNNING;
    is_huge = with_huge;
    workers_count = rte_lcore_count() - 1;
    tg_log(TG_LOG_DEBUG, "rt", "EAL up: %u workers, %u MiB, %s pages", workers_count, memory_mib,
           with_huge ? "huge" : "ordinary");
    return TG_OK;
}

void tg_eal_stop(void)
{
    if (state == EAL_RUNNING) {
        (void)rte_eal_cleanup();
        state = EAL_STOPPED;
        is_huge = false;
        workers_count = 0;
    }
}

bool tg_eal_is_running(void)
{
    return state == EAL_RUNNING;
}

bool tg_eal_is_huge(void)
{
    return is_huge;
}

uint32_t tg_eal_workers_count(void)
{
    return workers_count;
}
