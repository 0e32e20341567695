/* SPDX-License-Identifier: Apache-2.0 */
/* A child process loads the object first. Its report comes over a pipe in two parts, the name as
 * soon as it is known and the verdict at the end, so that an object which then crashes is still
 * known by name. */
#define _GNU_SOURCE /* pipe2 */
#include "plug/probe.h"

#include "abi/decoder.h"
#include "abi/front.h"
#include "abi/tariff.h"
#include "base/clock.h"
#include "plug/guard.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SMOKE_ROWS             3u
#define SMOKE_PARAMS_BYTES_MAX 4096u
#define DESCRIPTOR_BYTES_MAX   4096u

struct probe_report {
    char name[TG_PLUG_NAME_BYTES_MAX];
    int32_t err;
    struct tg_why why;
};

static enum tg_err file_judge(const char *path, const struct stat *file, struct tg_why *why)
{
    if (!S_ISREG(file->st_mode)) {
        return tg_why_set(why, TG_E_PLUGIN_OPEN, "%s: not a regular file", path);
    }
    if ((file->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return tg_why_set(why, TG_E_PLUGIN_OPEN,
                          "%s: others than its owner may write to it (mode %03o); chmod go-w it",
                          path, (unsigned)file->st_mode & 0777u);
    }
    if (file->st_uid != geteuid() && file->st_uid != 0) {
        return tg_why_set(why, TG_E_PLUGIN_OPEN,
                          "%s: owned by user %u; it must be this user's or root's", path,
                          (unsigned)file->st_uid);
    }
    char folder[PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL) {
        (void)snprintf(folder, sizeof folder, ".");
    } else {
        slash[slash == folder ? 1 : 0] = '\0';
    }
    struct stat parent;
    if (stat(folder, &parent) != 0 ||
        ((parent.st_mode & S_IWOTH) != 0 && (parent.st_mode & S_ISVTX) == 0)) {
        return tg_why_set(why, TG_E_PLUGIN_OPEN,
                          "%s: everybody may replace files in %s; chmod o-w it", path, folder);
    }
    return TG_OK;
}

enum tg_err tg_plug_probe_file(const char *path, struct tg_why *why)
{
    struct stat file;
    return stat(path, &file) == 0
               ? file_judge(path, &file, why)
               : tg_why_set(why, TG_E_PLUGIN_OPEN, "%s: %s", path, strerror(errno));
}

enum tg_err tg_plug_probe_open(const char *path, int fd, struct tg_why *why)
{
    struct stat file;
    return fstat(fd, &file) == 0
               ? file_judge(path, &file, why)
               : tg_why_set(why, TG_E_PLUGIN_OPEN, "%s: %s", path, strerror(errno));
}

const char *tg_plug_probe_words(const char *words, const char *path)
{
    const size_t length = strlen(path);
    if (words == NULL) {
        return "the loader does not say why";
    }
    return strncmp(words, path, length) == 0 && strncmp(words + length, ": ", 2) == 0
               ? words + length + 2
               : words;
}

/* The least that a contract of ABI 1 has; what grew behind it is told by its size. */
static size_t contract_bytes(uint32_t kind)
{
    switch (kind) {
    case TG_PLUGIN_DECODER:
        return sizeof(struct tg_decoder);
    case TG_PLUGIN_TARIFF:
        return offsetof(struct tg_tariff, promises);
    case TG_PLUGIN_FRONT:
        return sizeof(struct tg_front);
    default:
        return 0;
    }
}

static bool contract_is_whole(const struct tg_plugin *plugin)
{
    switch (plugin->kind) {
    case TG_PLUGIN_DECODER: {
        const struct tg_decoder *decoder = plugin->contract;
        return decoder->open != NULL && decoder->close != NULL && decoder->decode != NULL;
    }
    case TG_PLUGIN_TARIFF:
        return ((const struct tg_tariff *)plugin->contract)->price != NULL;
    default:
        return ((const struct tg_front *)plugin->contract)->serve != NULL;
    }
}

enum tg_err tg_plug_probe_descriptor(const char *path, const struct tg_plugin *plugin,
                                     struct tg_why *why)
{
    if (plugin == NULL) {
        return tg_why_set(why, TG_E_PLUGIN_ENTRY,
                          "%s: exports no '%s'; define it with TG_PLUGIN and build with "
                          "-DTG_PLUGIN_SHARED",
                          path, TG_PLUG_ENTRY_SYMBOL);
    }
    if (plugin->abi_version != TG_ABI_VERSION) {
        return tg_why_set(why, TG_E_PLUGIN_ABI,
                          "%s: built against ABI %u, this engine has ABI %u; rebuild it", path,
                          plugin->abi_version, TG_ABI_VERSION);
    }
    if (plugin->size_bytes < sizeof *plugin || plugin->size_bytes > DESCRIPTOR_BYTES_MAX) {
        return tg_why_set(why, TG_E_PLUGIN_ABI, "%s: its descriptor has %u octets, not %zu", path,
                          plugin->size_bytes, sizeof *plugin);
    }
    const size_t wanted_bytes = contract_bytes(plugin->kind);
    if (wanted_bytes == 0) {
        return tg_why_set(why, TG_E_PLUGIN_ENTRY, "%s: unknown kind %u", path, plugin->kind);
    }
    if (!tg_plug_name_is_valid(plugin->name)) {
        return tg_why_set(why, TG_E_PLUGIN_ENTRY, "%s: its name is not [a-z0-9_]{1,31}", path);
    }
    if (plugin->version == NULL || plugin->summary == NULL || plugin->contract == NULL) {
        return tg_why_set(why, TG_E_PLUGIN_ENTRY, "%s: its version, summary or contract is missing",
                          path);
    }
    uint32_t said_bytes; /* every contract begins with its own size */
    memcpy(&said_bytes, plugin->contract, sizeof said_bytes);
    if (plugin->contract_size_bytes < wanted_bytes ||
        plugin->contract_size_bytes > DESCRIPTOR_BYTES_MAX ||
        said_bytes != plugin->contract_size_bytes) {
        return tg_why_set(why, TG_E_PLUGIN_ABI,
                          "%s: its contract has %u octets (says %u), this engine's has %zu", path,
                          plugin->contract_size_bytes, said_bytes, wanted_bytes);
    }
    if (!contract_is_whole(plugin)) {
        return tg_why_set(why, TG_E_PLUGIN_ENTRY, "%s: a function the contract demands is missing",
                          path);
    }
    return TG_OK;
}

/* One price of 1 a unit and three rows. A tariff may refuse them; it may not lie about them. */
static enum tg_err smoke_price(const char *path, const struct tg_plugin *plugin, struct tg_why *why)
{
    struct {
        struct tg_price price;
        struct tg_price_step step;
        uint64_t params[SMOKE_PARAMS_BYTES_MAX / 8];
    } image = {.price = {.size_bytes = sizeof(struct tg_price),
                         .currency = 978,
                         .scale = 8,
                         .steps_count = 1,
                         .steps_offset = sizeof(struct tg_price),
                         .params_offset = sizeof(struct tg_price) + sizeof(struct tg_price_step),
                         .first_increment = 1,
                         .next_increment = 1,
                         .charge_min = INT64_MIN,
                         .charge_max = INT64_MAX},
               .step = {.up_to_units = UINT64_MAX, .price = 1, .per_units = 1}};
    const struct tg_tariff *tariff = plugin->contract;
    if (tariff->params_bytes_max > SMOKE_PARAMS_BYTES_MAX) {
        return tg_why_set(why, TG_E_PLUGIN_ENTRY, "%s: wants %u octets of parameters, more than %u",
                          path, tariff->params_bytes_max, SMOKE_PARAMS_BYTES_MAX);
    }
    if (tariff->compile != NULL) {
        struct tg_complaint complaint = {{0}, UINT32_MAX};
        const struct tg_tariff_source source = {sizeof source, 0, NULL, &image.price};
        if (tariff->compile(&source, (uint8_t *)image.params, &image.price.params_bytes,
                            &complaint) != TG_OK) {
            return TG_OK; /* it wants parameters of its own, which only a catalog has */
        }
    }
    const struct tg_price *const prices[1] = {&image.price};
    struct tg_tariff_row rows[SMOKE_ROWS] = {
        {.units = 1, .flags = TG_TARIFF_FIRST_PIECE | TG_TARIFF_LAST_PIECE},
        {.units = 0, .units_before = 1, .events_before = 1},
        {.units = 1000, .units_before = 1, .events_before = 2},
    };
    struct tg_tariff_result results[SMOKE_ROWS + 1];
    static struct tg_plug plug;
    plug.plugin = plugin;
    const struct tg_guard_bounds bounds = tg_guard_bounds_default();
    (void)tg_guard_price(&plug, &bounds, prices, 1, rows, SMOKE_ROWS, results);
    if (atomic_load(&plug.faults_count) == 0) {
        return TG_OK;
    }
    for (uint32_t i = 0; i < SMOKE_ROWS; i++) {
        if (results[i].verdict != TG_OK) {
            return tg_why_set(why, (enum tg_err)results[i].verdict,
                              "%s: three rows were priced to try it: it %s", path,
                              tg_err_sentence(results[i].verdict));
        }
    }
    return tg_why_set(why, TG_E_PLUGIN_ERROR, "%s: failed when tried", path);
}

static void report_write(int to, const struct probe_report *report)
{
    const uint8_t *at = (const uint8_t *)report;
    size_t left = sizeof *report;
    while (left > 0) {
        const ssize_t written = write(to, at, left);
        if (written <= 0) {
            _exit(3);
        }
        at += written;
        left -= (size_t)written;
    }
}

static void child_settle(pid_t parent)
{
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(3);
    }
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGTERM};
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++) {
        (void)signal(crashes[i], SIG_DFL);
    }
    const int nowhere = open("/dev/null", O_RDWR);
    if (nowhere >= 0) {
        (void)dup2(nowhere, STDIN_FILENO);
        (void)dup2(nowhere, STDOUT_FILENO);
        (void)dup2(nowhere, STDERR_FILENO);
    }
}

/* What a child is to try: an object to load, or whatever the caller brings. */
struct probe_task {
    const char *path;
    const char *copy;    /* what to load */
    tg_plug_trial trial; /* NULL: load the object */
    void *context;
};

static void child_run(const struct probe_task *task, int to)
{
    static struct probe_report report;
    const char *path = task->path;
    if (task->trial != NULL) {
        report.err = task->trial(task->context, &report.why);
        report_write(to, &report);
        _exit(0);
    }
    report.err = TG_E_AGAIN; /* "not done yet": what stays when it crashes later */
    void *object = dlopen(task->copy, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL) {
        report.err = tg_why_set(&report.why, TG_E_PLUGIN_OPEN, "%s: %s", path,
                                tg_plug_probe_words(dlerror(), task->copy));
        report_write(to, &report);
        _exit(0);
    }
    const struct tg_plugin *plugin = dlsym(object, TG_PLUG_ENTRY_SYMBOL);
    if (plugin != NULL && plugin->size_bytes == sizeof *plugin &&
        tg_plug_name_is_valid(plugin->name)) {
        (void)snprintf(report.name, sizeof report.name, "%s", plugin->name);
        report_write(to, &report);
    }
    enum tg_err err = tg_plug_probe_descriptor(path, plugin, &report.why);
    if (err == TG_OK && plugin->kind == TG_PLUGIN_TARIFF) {
        err = smoke_price(path, plugin, &report.why);
    }
    report.err = err;
    report_write(to, &report);
    _exit(0);
}

/* Read whole reports until the end of the pipe; false when the time is up first. */
static bool reports_read(int from, int64_t deadline_ns, struct probe_report *last, bool *is_told)
{
    struct probe_report report;
    size_t have = 0;
    for (;;) {
        const int64_t left_ns = deadline_ns - tg_clock_monotonic_ns();
        if (left_ns <= 0) {
            return false;
        }
        struct pollfd wait = {.fd = from, .events = POLLIN};
        if (poll(&wait, 1, (int)(left_ns / TG_NS_PER_MS) + 1) <= 0) {
            continue;
        }
        const ssize_t got = read(from, (uint8_t *)&report + have, sizeof report - have);
        if (got <= 0) {
            return true;
        }
        have += (size_t)got;
        if (have == sizeof report) {
            *last = report;
            *is_told = report.err != TG_E_AGAIN;
            have = 0;
        }
        if (*is_told) {
            return true;
        }
    }
}

/* The pipe's end is gone: the child is dying, or it closed the pipe and goes on. */
static bool child_ended(pid_t child, int64_t deadline_ns, int *status)
{
    while (tg_clock_monotonic_ns() < deadline_ns) {
        if (waitpid(child, status, WNOHANG) == child) {
            return true;
        }
        (void)poll(NULL, 0, 1);
    }
    return false;
}

static enum tg_err child_try(const struct probe_task *task, uint32_t limit_ms,
                             char name[TG_PLUG_NAME_BYTES_MAX], struct tg_why *why)
{
    const char *path = task->path;
    int pipe_ends[2];
    name[0] = '\0';
    if (pipe2(pipe_ends, O_CLOEXEC) != 0) {
        return tg_why_set(why, TG_E_PLUGIN_OPEN, "%s: pipe: %s", path, strerror(errno));
    }
    const int64_t deadline_ns = tg_clock_monotonic_ns() + (int64_t)limit_ms * TG_NS_PER_MS;
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child == 0) {
        (void)close(pipe_ends[0]);
        child_settle(parent);
        child_run(task, pipe_ends[1]);
    }
    (void)close(pipe_ends[1]);
    if (child < 0) {
        (void)close(pipe_ends[0]);
        return tg_why_set(why, TG_E_PLUGIN_OPEN, "%s: fork: %s", path, strerror(errno));
    }
    (void)setpgid(child, child); /* both sides do it: whoever is first, the group exists */
    struct probe_report report = {.err = TG_E_AGAIN};
    bool is_told = false;
    const bool in_time = reports_read(pipe_ends[0], deadline_ns, &report, &is_told);
    (void)close(pipe_ends[0]);
    int status = 0;
    const bool has_ended = !is_told && in_time && child_ended(child, deadline_ns, &status);
    (void)kill(-child, SIGKILL);
    if (!has_ended) {
        (void)waitpid(child, &status, 0);
    }
    report.name[sizeof report.name - 1] = '\0';
    report.why.text[sizeof report.why.text - 1] = '\0';
    if (tg_plug_name_is_valid(report.name)) {
        (void)snprintf(name, TG_PLUG_NAME_BYTES_MAX, "%s", report.name);
    }
    if (is_told) {
        *why = report.why;
        return (enum tg_err)report.err;
    }
    if (!has_ended) {
        return tg_why_set(why, TG_E_PLUGIN_TIMEOUT, "%s: was not ready within %u ms and was killed",
                          path, limit_ms);
    }
    if (WIFSIGNALED(status)) {
        return tg_why_set(why, TG_E_PLUGIN_CRASH, "%s: died of %s while it was tried", path,
                          strsignal(WTERMSIG(status)));
    }
    return tg_why_set(why, TG_E_PLUGIN_CRASH, "%s: ended the process (exit %d) while it was tried",
                      path, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

enum tg_err tg_plug_probe_child(const char *path, const char *copy, uint32_t limit_ms,
                                char name[TG_PLUG_NAME_BYTES_MAX], struct tg_why *why)
{
    const struct probe_task task = {path, copy, NULL, NULL};
    return child_try(&task, limit_ms, name, why);
}

enum tg_err tg_plug_probe_trial(const char *path, uint32_t limit_ms, tg_plug_trial trial,
                                void *context, struct tg_why *why)
{
    char name[TG_PLUG_NAME_BYTES_MAX];
    struct tg_why local;
    const struct probe_task task = {path, path, trial, context};
    return child_try(&task, limit_ms, name, why != NULL ? why : &local);
}
