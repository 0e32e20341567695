/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief For tests only: a front as a real process over a state filled here, asked with curl.
 *
 *  Source: none. Threads: one. Allocates: as tests do. Cost: a process a test.
 */
#ifndef TG_FRONT_TEST_H
#define TG_FRONT_TEST_H

#include "abi/front.h"
#include "control/front_host.h"
#include "store/documents.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/** @brief A front under test. */
struct front_test {
    char dir[64];        /**< Data directory. */
    pid_t pid;           /**< The front's process; 0 none. */
    unsigned port;       /**< Where it listens. */
    char reply[1 << 20]; /**< Headers and body of the last request. */
};

/** @brief Make the data directory. @param test Caller's. */
static inline void front_test_init(struct front_test *test)
{
    memset(test, 0, sizeof *test);
    (void)snprintf(test->dir, sizeof test->dir, "/tmp/tg_front_XXXXXX");
    cr_assert_not_null(mkdtemp(test->dir));
}

/** @brief Store a document. @param test Test. @param collection Name. @param id Name.
 *  @param json Text. */
static inline void front_test_put(struct front_test *test, const char *collection, const char *id,
                                  const char *json)
{
    struct tg_db *state = NULL;
    struct tg_txn txn;
    cr_assert_eq(tg_state_open(test->dir, false, UINT64_C(64) << 20, &state, NULL), TG_OK);
    tg_txn_begin(&txn, state, true);
    tg_documents_put(&txn, collection, id, json, strlen(json));
    cr_assert_eq(tg_txn_commit(&txn, NULL), TG_OK);
    tg_db_close(state);
}

/** @brief Start the front on a free port. @param test Test. @param plugin Its descriptor. */
static inline void front_test_start(struct front_test *test, const struct tg_plugin *plugin)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    test->pid = fork();
    cr_assert_geq(test->pid, 0);
    if (test->pid == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        const struct tg_setting listen = {.key = "listen", .value = "127.0.0.1:0"};
        const struct tg_front_process_params params = {.size_bytes = sizeof params,
                                                       .settings_count = 1,
                                                       .settings = &listen,
                                                       .data_dir = test->dir};
        struct tg_front_process *process = NULL;
        if (tg_front_process_open(&params, &process, NULL) != TG_OK) {
            _exit(9);
        }
        const struct tg_front *front = plugin->contract;
        const int code = front->serve(tg_front_process_host(process));
        tg_front_process_close(process);
        _exit(code);
    }
    (void)close(ends[1]);
    FILE *log = fdopen(ends[0], "r");
    char line[256] = "";
    const char *colon = NULL;
    while (colon == NULL && fgets(line, sizeof line, log) != NULL) {
        colon = strstr(line, "listening on 127.0.0.1:");
    }
    cr_assert_not_null(colon, "the front did not come up: %s", line);
    test->port = (unsigned)strtoul(colon + strlen("listening on 127.0.0.1:"), NULL, 10);
    (void)fclose(log);
}

/** @brief Ask with curl. @param test Test. @param options More of curl's options.
 *  @param path Path and query. @return HTTP status; headers and body are in test->reply. */
static inline unsigned front_test_ask(struct front_test *test, const char *options,
                                      const char *path)
{
    char command[1024];
    (void)snprintf(command, sizeof command,
                   "curl -s -i -m 10 -H 'Expect:' %s 'http://127.0.0.1:%u%s'", options, test->port,
                   path);
    FILE *pipe_end = popen(command, "r");
    cr_assert_not_null(pipe_end);
    const size_t length = fread(test->reply, 1, sizeof test->reply - 1, pipe_end);
    test->reply[length] = '\0';
    (void)pclose(pipe_end);
    unsigned status = 0;
    (void)sscanf(test->reply, "HTTP/1.1 %u", &status);
    return status;
}

/** @brief Does the last reply hold a text? @param test Test. @param text Text. @return true if so.
 */
static inline bool front_test_has(const struct front_test *test, const char *text)
{
    return strstr(test->reply, text) != NULL;
}

/** @brief The last reply's body. @param test Test. @return Text. */
static inline const char *front_test_body(const struct front_test *test)
{
    const char *blank = strstr(test->reply, "\r\n\r\n");
    return blank != NULL ? blank + 4 : "";
}

/** @brief End the front. @param test Test. @param number Signal.
 *  @return Its exit code, or -1 when the signal ended it. */
static inline int front_test_stop(struct front_test *test, int number)
{
    int status = 0;
    cr_assert_eq(kill(test->pid, number), 0);
    cr_assert_eq(waitpid(test->pid, &status, 0), test->pid);
    test->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/** @brief Remove the data directory. @param test Test. */
static inline void front_test_fini(struct front_test *test)
{
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", test->dir);
    cr_assert_eq(system(command), 0);
}

#endif
