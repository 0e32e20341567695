/* SPDX-License-Identifier: Apache-2.0 */
#include "control/front_host.h"

#include "base/arena.h"
#include "base/log.h"
#include "bill/standing.h"
#include "store/documents.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_WAIT_MS 5000

struct tg_front_process {
    struct tg_front_host host; /* self points back here. */
    struct tg_db *state;       /* Read-only. */
    char control_path[sizeof((struct sockaddr_un *)0)->sun_path];
};

/* Set by the handler, read by serve(): sig_atomic_t is all a handler may write. */
static volatile sig_atomic_t is_stopping;

static void stop_note(int number)
{
    (void)number;
    is_stopping = 1;
}

/* Bills are shown as they stand: payments and notes do not change what is stored of them. */
struct standing_visit {
    struct tg_txn *txn;
    tg_document_visit visit;
    void *context;
    char *room; /* Grows; of one document. */
    size_t room_bytes;
};

static bool standing_visit(void *context, const struct tg_document *document)
{
    struct standing_visit *own = context;
    const struct tg_bytes json = {document->json, document->json_bytes};
    const size_t needed = document->json_bytes + TG_BILL_STANDING_BYTES;
    struct tg_document shown = *document;
    size_t length = 0;
    if (needed > own->room_bytes) {
        free(own->room);
        own->room = malloc(needed * 2);
        own->room_bytes = own->room != NULL ? needed * 2 : 0;
    }
    if (own->room != NULL &&
        tg_bill_standing_show(own->txn, document->id, &json, own->room, own->room_bytes, &length) ==
            TG_OK &&
        length > 0) {
        shown.json = own->room;
        shown.json_bytes = length;
    }
    return own->visit(own->context, &shown);
}

static enum tg_err host_visit(void *self, const char *collection, tg_document_visit visit,
                              void *context)
{
    struct tg_front_process *process = self;
    struct tg_txn txn;
    tg_txn_begin(&txn, process->state, false);
    struct standing_visit bills = {.txn = &txn, .visit = visit, .context = context};
    const bool are_bills = strcmp(collection, "customerBill") == 0;
    const enum tg_err err =
        tg_documents_visit(&txn, collection, NULL, are_bills ? standing_visit : visit,
                           are_bills ? (void *)&bills : context, NULL);
    free(bills.room);
    tg_txn_abort(&txn);
    return err;
}

static enum tg_err host_read(void *self, const char *collection, const char *id,
                             tg_document_visit visit, void *context)
{
    struct tg_front_process *process = self;
    struct tg_txn txn;
    struct tg_bytes json;
    tg_txn_begin(&txn, process->state, false);
    const enum tg_err err = tg_documents_get(&txn, collection, id, &json);
    if (err == TG_OK) {
        const struct tg_document document = {
            .id = id, .json = json.at, .json_bytes = json.length_bytes};
        struct standing_visit bills = {.txn = &txn, .visit = visit, .context = context};
        (void)(strcmp(collection, "customerBill") == 0 ? standing_visit(&bills, &document)
                                                       : visit(context, &document));
        free(bills.room);
    }
    tg_txn_abort(&txn);
    return err;
}

static bool all_sent(int fd, const char *bytes, size_t length_bytes)
{
    size_t done = 0;
    while (done < length_bytes) {
        const ssize_t sent = send(fd, bytes + done, length_bytes - done, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent <= 0) {
            return false;
        }
        done += (size_t)sent;
    }
    return true;
}

/* One line, without its newline. */
static enum tg_err line_receive(int fd, char *answer, size_t answer_bytes)
{
    size_t done = 0;
    for (;;) {
        struct pollfd waits = {.fd = fd, .events = POLLIN};
        const int ready = poll(&waits, 1, ANSWER_WAIT_MS);
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready <= 0) {
            return TG_E_UNREACHABLE;
        }
        if (done + 1 >= answer_bytes) {
            return TG_E_FULL;
        }
        const ssize_t got = recv(fd, answer + done, answer_bytes - 1 - done, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 || (got == 0 && done == 0)) {
            return TG_E_UNREACHABLE;
        }
        done += (size_t)got;
        answer[done] = '\0';
        char *end = strchr(answer, '\n');
        if (end != NULL || got == 0) {
            *(end != NULL ? end : answer + done) = '\0';
            return TG_OK;
        }
    }
}

static enum tg_err host_command(void *self, const char *json, char *answer, size_t answer_bytes)
{
    const struct tg_front_process *process = self;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return TG_E_UNREACHABLE;
    }
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, process->control_path, sizeof address.sun_path);
    enum tg_err err = TG_E_UNREACHABLE;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
        all_sent(fd, json, strlen(json)) && all_sent(fd, "\n", 1)) {
        err = line_receive(fd, answer, answer_bytes);
    }
    (void)close(fd);
    return err;
}

static bool host_stopping(void *self)
{
    (void)self;
    return is_stopping != 0;
}

static void host_log(void *self, const char *text)
{
    (void)self;
    tg_log(TG_LOG_NOTICE, "front", "%s", text);
}

static enum tg_err control_path_make(struct tg_front_process *process,
                                     const struct tg_front_process_params *params,
                                     struct tg_why *why)
{
    const size_t room = sizeof process->control_path;
    const int length =
        params->control_path != NULL
            ? snprintf(process->control_path, room, "%s", params->control_path)
            : snprintf(process->control_path, room, "%s/control.sock", params->data_dir);
    return length >= 0 && (size_t)length < room
               ? TG_OK
               : tg_why_set(why, TG_E_INVALID,
                            "the control socket's path is longer than %zu octets; give a shorter "
                            "one",
                            room - 1);
}

static void signals_take(void)
{
    struct sigaction action = {.sa_handler = stop_note};
    (void)sigemptyset(&action.sa_mask);
    is_stopping = 0;
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
}

enum tg_err tg_front_process_open(const struct tg_front_process_params *params,
                                  struct tg_front_process **process, struct tg_why *why)
{
    *process = NULL;
    struct tg_front_process *made = tg_pages_take(sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for a front");
    }
    enum tg_err err = control_path_make(made, params, why);
    if (err == TG_OK) {
        err = tg_state_open(params->data_dir, true, 0, &made->state, why);
    }
    if (err != TG_OK) {
        tg_front_process_close(made);
        return err;
    }
    made->host = (struct tg_front_host){.size_bytes = sizeof made->host,
                                        .settings_count = params->settings_count,
                                        .settings = params->settings,
                                        .self = made,
                                        .visit = host_visit,
                                        .read = host_read,
                                        .command = host_command,
                                        .stopping = host_stopping,
                                        .log = host_log};
    signals_take();
    *process = made;
    return TG_OK;
}

const struct tg_front_host *tg_front_process_host(const struct tg_front_process *process)
{
    return &process->host;
}

void tg_front_process_close(struct tg_front_process *process)
{
    if (process == NULL) {
        return;
    }
    tg_db_close(process->state);
    tg_pages_free(process, sizeof *process);
}
