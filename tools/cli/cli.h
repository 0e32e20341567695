/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The `tollgate` command: one binary, a table of verbs.
 *
 *  Source: design.md section 10. Threads: main only. Allocates: freely; this is no data path.
 *
 *  A verb is a file verb_<name>.c that defines `const struct tg_verb tg_verb_<name>`; the build
 * finds it and puts it in the table. Every verb understands --help, and --json when it prints
 * something a script may read. Results go to stdout, everything else to stderr.
 */
#ifndef TG_CLI_CLI_H
#define TG_CLI_CLI_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/** @brief Exit codes; scripts rely on them. */
enum tg_exit {
    TG_EXIT_OK = 0,          /**< Done; nothing wrong found. */
    TG_EXIT_PROBLEM = 1,     /**< It ran and found a problem. */
    TG_EXIT_USAGE = 2,       /**< The command line is wrong. */
    TG_EXIT_UNREACHABLE = 3  /**< No engine answers on the control socket. */
};

/** @brief One verb. */
struct tg_verb {
    const char *name;     /**< Lower case. */
    const char *summary;  /**< One line for the list. */
    const char *usage;    /**< Full --help text, ending in a newline. */
    /** Run with argv[0] = the verb's name. Returns enum tg_exit. --help never gets here. */
    int (*run)(int argc, char **argv);
};

/** @brief Report a wrong command line. @param verb The verb. @param format printf.
 *  @return TG_EXIT_USAGE. */
int tg_cli_usage(const struct tg_verb *verb, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** @brief Report a problem as "tollgate VERB: text" on stderr. @param verb Verb. @param format
 * printf.
 *  @return TG_EXIT_PROBLEM. */
int tg_cli_problem(const struct tg_verb *verb, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** @brief A progress bar on stderr; silent unless that is a terminal and two seconds have passed.
 */
struct tg_progress {
    const char *what;       /**< Label; static. */
    uint64_t total;         /**< Expected units; 0 unknown. */
    int64_t started_ns;     /**< Monotonic. */
    int64_t shown_ns;       /**< Last draw. */
    bool is_drawn;          /**< Something is on the line. */
    bool is_forced;         /**< Draw at once, and also where stderr is no terminal. */
};

/** @brief Begin. @param progress Caller's. @param what Static label. @param total Units or 0. */
void tg_progress_start(struct tg_progress *progress, const char *what, uint64_t total);

/** @brief Move on. @param progress Started. @param done Units done so far. */
void tg_progress_step(struct tg_progress *progress, uint64_t done);

/** @brief Wipe the bar. @param progress Started. */
void tg_progress_end(struct tg_progress *progress);

#endif
