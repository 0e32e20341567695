/* SPDX-License-Identifier: Apache-2.0 */
/* The verb table and the shared small change of all verbs. */
#include "cli/cli.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TG_VERB(name) extern const struct tg_verb tg_verb_##name;
#include "verbs.def"
#undef TG_VERB

static const struct tg_verb *const verbs[] = {
#define TG_VERB(name) &tg_verb_##name,
#include "verbs.def"
#undef TG_VERB
};

static void verbs_list(FILE *to)
{
    (void)fprintf(to,
                  "tollgate: mediation and rating engine\n\nusage: tollgate VERB [OPTION...]\n\n");
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        (void)fprintf(to, "  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
    }
    (void)fprintf(to, "\n`tollgate VERB --help` tells more. Exit codes: 0 ok, 1 problem found, "
                      "2 usage, 3 engine unreachable.\n");
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        verbs_list(stderr);
        return TG_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        verbs_list(stdout);
        return TG_EXIT_OK;
    }
    const char *name = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i]->name, name) == 0) {
            if (wants_help(argc - 1, argv + 1)) {
                (void)fputs(verbs[i]->usage, stdout);
                return TG_EXIT_OK;
            }
            return verbs[i]->run(argc - 1, argv + 1);
        }
    }
    (void)fprintf(stderr, "tollgate: unknown verb '%s'; `tollgate --help` lists them\n", argv[1]);
    return TG_EXIT_USAGE;
}

static void cli_say(const struct tg_verb *verb, const char *format, va_list args)
{
    (void)fprintf(stderr, "tollgate %s: ", verb->name);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
}

int tg_cli_usage(const struct tg_verb *verb, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    cli_say(verb, format, args);
    va_end(args);
    (void)fprintf(stderr, "try: tollgate %s --help\n", verb->name);
    return TG_EXIT_USAGE;
}

int tg_cli_problem(const struct tg_verb *verb, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    cli_say(verb, format, args);
    va_end(args);
    return TG_EXIT_PROBLEM;
}

#define PROGRESS_QUIET_NS (2 * TG_NS_PER_S)
#define PROGRESS_STEP_NS  (TG_NS_PER_S / 5)

void tg_progress_start(struct tg_progress *progress, const char *what, uint64_t total)
{
    *progress =
        (struct tg_progress){.what = what, .total = total, .started_ns = tg_clock_monotonic_ns()};
}

void tg_progress_step(struct tg_progress *progress, uint64_t done)
{
    const int64_t now_ns = tg_clock_monotonic_ns();
    const int64_t elapsed_ns = now_ns - progress->started_ns;
    const bool is_shown =
        progress->is_forced || (elapsed_ns >= PROGRESS_QUIET_NS && isatty(STDERR_FILENO) != 0);
    if (!is_shown || now_ns - progress->shown_ns < PROGRESS_STEP_NS) {
        return;
    }
    progress->shown_ns = now_ns;
    progress->is_drawn = true;
    const uint64_t rate = done * 1000 / (uint64_t)(elapsed_ns / TG_NS_PER_MS + 1);
    if (progress->total > 0) {
        const unsigned filled = (unsigned)(done * 30 / progress->total);
        (void)fprintf(stderr, "\r%s [%.*s%*s] %3u %%  %llu/s ", progress->what,
                      filled > 30 ? 30 : (int)filled, "##############################",
                      filled > 30 ? 0 : (int)(30 - filled), "",
                      (unsigned)(done * 100 / progress->total), (unsigned long long)rate);
    } else {
        (void)fprintf(stderr, "\r%s %llu  %llu/s ", progress->what, (unsigned long long)done,
                      (unsigned long long)rate);
    }
    (void)fflush(stderr);
}

void tg_progress_end(struct tg_progress *progress)
{
    if (progress->is_drawn) {
        (void)fprintf(stderr, "\r%78s\r", "");
        (void)fflush(stderr);
    }
}
