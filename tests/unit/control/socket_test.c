/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to the control socket beside each other: who is slow waits alone. Server and clients
 * share the test's thread; time is given. */
#include "control/socket.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

static char dir[64];
static char path[96];
static struct tg_control_server *server;
static int64_t now_ns;

/* What the answering side saw. */
static struct tg_control_ticket later;
static unsigned later_count;
static char seen[64]; /* names of the requests, in order */
static int64_t passed_number;

static bool answer(void *context, struct tg_control_request *request, struct tg_json **out)
{
    (void)context;
    const char *name = tg_json_get_text(request->json, "name", "?");
    if (strlen(seen) + 1 < sizeof seen) {
        (void)strncat(seen, name, 1);
    }
    if (request->fd >= 0) {
        char text[16] = "";
        cr_assert_gt(pread(request->fd, text, sizeof text - 1, 0), 0);
        passed_number = atoll(text);
    }
    if (strcmp(name, "later") == 0) {
        later = request->ticket;
        later_count++;
        return false;
    }
    *out = tg_json_object();
    tg_json_set_string(*out, "name", name);
    if (strcmp(name, "big") == 0) {
        char *text = malloc(4u << 20);
        memset(text, 'x', (4u << 20) - 1);
        text[(4u << 20) - 1] = '\0';
        tg_json_set_string(*out, "text", text);
        free(text);
    }
    return true;
}

static void set_up(void)
{
    (void)snprintf(dir, sizeof dir, "/tmp/tg_socket_XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/control.sock", dir);
    struct tg_why why = {""};
    cr_assert_eq(tg_control_listen(path, &server, &why), TG_OK, "%s", why.text);
    now_ns = 1000 * SECOND;
}

static void tear_down(void)
{
    tg_control_close(server);
    cr_expect_eq(rmdir(dir), 0, "the socket is removed");
}

static void turns(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        tg_control_serve(server, 0, now_ns, answer, NULL);
    }
}

static int client_open(void)
{
    const int fd = tg_control_connect(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What has come: "" nothing, "gone" the connection is closed. */
static const char *hear(int fd)
{
    static char text[4096];
    const ssize_t got = recv(fd, text, sizeof text - 1, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        return "gone";
    }
    text[got > 0 ? got : 0] = '\0';
    return text;
}

static struct tg_control_counts counts(void)
{
    struct tg_control_counts counts;
    tg_control_counts(server, &counts);
    return counts;
}

/* If this failed, one gateway that hangs in the middle of a line would stop all prepaid customers.
 */
Test(socket, half_a_line_holds_nobody_up_and_ends_after_five_seconds, .init = set_up,
     .fini = tear_down)
{
    const int slow = client_open();
    const int quick = client_open();
    say(slow, "{\"name\":\"never\"");
    say(quick, "{\"name\":\"a\"}\n");
    turns(2);
    cr_expect_str_eq(hear(quick), "{\"name\":\"a\"}\n");
    now_ns += TG_CONTROL_STALL_NS - 1;
    say(slow, " "); /* an octet now and then does not help */
    turns(2);
    cr_expect_str_eq(hear(slow), "");
    now_ns += 1;
    turns(2);
    cr_expect(strstr(hear(slow), "TRUNCATED") != NULL, "it is told why");
    cr_expect_str_eq(hear(slow), "gone");
    cr_expect_eq(counts().unfinished_count, 1);
    cr_expect_str_eq(seen, "a", "half a request has no effect");
    say(quick, "{\"name\":\"b\"}\n");
    turns(2);
    cr_expect_str_eq(hear(quick), "{\"name\":\"b\"}\n", "a silent one stays while there is room");
    (void)close(slow);
    (void)close(quick);
}

/* If this failed, forgotten connections would lock everybody out for ever. */
Test(socket, a_full_house_makes_room_or_says_so, .init = set_up, .fini = tear_down)
{
    int fds[TG_CONTROL_CLIENTS_MAX];
    for (uint32_t i = 0; i < TG_CONTROL_CLIENTS_MAX; i++) {
        fds[i] = client_open();
        turns(1);
        now_ns += 1;
    }
    const int early = client_open();
    turns(2);
    cr_expect(strstr(hear(early), "\"FULL\"") != NULL, "nobody has been silent for long");
    cr_expect_str_eq(hear(early), "gone");
    now_ns += TG_CONTROL_IDLE_NS;
    say(fds[0], "{\"name\":\"a\"}\n"); /* so fds[1] is silent longest */
    turns(1);
    const int late = client_open();
    say(late, "{\"name\":\"b\"}\n");
    turns(2);
    cr_expect_str_eq(hear(late), "{\"name\":\"b\"}\n");
    cr_expect_str_eq(hear(fds[1]), "gone");
    cr_expect_str_eq(hear(fds[0]), "{\"name\":\"a\"}\n");
    cr_expect_eq(counts().refused_count, 1);
    cr_expect_eq(counts().displaced_count, 1);
    cr_expect_eq(counts().connections_count, TG_CONTROL_CLIENTS_MAX + 1);
    for (uint32_t i = 0; i < TG_CONTROL_CLIENTS_MAX; i++) {
        (void)close(fds[i]);
    }
    (void)close(early);
    (void)close(late);
}

/* If this failed, a reload of the catalog would hold up prepaid requests, or its answer would reach
 * somebody else. */
Test(socket, what_is_answered_later_lets_others_go_first, .init = set_up, .fini = tear_down)
{
    const int patient = client_open();
    const int quick = client_open();
    say(patient, "{\"name\":\"later\"}\n{\"name\":\"z\"}\n");
    say(quick, "{\"name\":\"a\"}\n");
    turns(3);
    cr_expect_str_eq(hear(quick), "{\"name\":\"a\"}\n");
    cr_expect_str_eq(hear(patient), "");
    now_ns += 10 * TG_CONTROL_STALL_NS;
    turns(2);
    cr_expect_str_eq(hear(patient), "", "who waits for us is not slow");
    struct tg_json *reply = tg_json_object();
    tg_json_set_string(reply, "name", "done");
    tg_control_reply(server, later, reply);
    cr_expect_str_eq(hear(patient), "{\"name\":\"done\"}\n", "before the request behind it");
    turns(1);
    cr_expect_str_eq(hear(patient), "{\"name\":\"z\"}\n");
    cr_expect(strlen(seen) == 3 && seen[2] == 'z', "in the order of the connection: %s", seen);
    say(patient, "{\"name\":\"later\"}\n");
    turns(2);
    (void)close(patient);
    turns(1);
    const int next = client_open(); /* gets the same place */
    turns(1);
    tg_control_reply(server, later, tg_json_object());
    cr_expect_str_eq(hear(next), "", "the answer was for another");
    cr_expect_eq(later_count, 2);
    (void)close(quick);
    (void)close(next);
}

/* If this failed, a script in a loop would starve the gateways. */
Test(socket, a_flood_takes_turns, .init = set_up, .fini = tear_down)
{
    const int flood = client_open();
    const int other = client_open();
    turns(1);
    for (unsigned i = 0; i < 20; i++) {
        say(flood, "{\"name\":\"f\"}\n");
    }
    say(other, "{\"name\":\"o\"}\n");
    turns(1);
    cr_expect_eq(strlen(seen), 2, "one of each: %s", seen);
    cr_expect(strchr(seen, 'o') != NULL);
    turns(19);
    cr_expect_eq(strlen(seen), 21);
    (void)close(flood);
    turns(1);
    say(other, "{\"name\":\"p\"}\n{\"name\":\"q\"}\n");
    (void)shutdown(other, SHUT_WR);
    (void)hear(other);
    turns(3);
    cr_expect_str_eq(hear(other), "{\"name\":\"p\"}\n{\"name\":\"q\"}\n",
                     "what came before the end is still answered");
    cr_expect_str_eq(hear(other), "gone");
    (void)close(other);
}

/* If this failed, a client that asks and never reads would keep its place, or cut answers short. */
Test(socket, an_answer_that_nobody_reads_ends_the_connection, .init = set_up, .fini = tear_down)
{
    const int reader = client_open();
    const int sleeper = client_open();
    say(reader, "{\"name\":\"big\"}\n");
    say(sleeper, "{\"name\":\"big\"}\n{\"name\":\"never\"}\n");
    turns(2);
    size_t got = 0;
    bool is_whole = false;
    for (unsigned i = 0; i < 100000 && !is_whole; i++) {
        const char *text = hear(reader);
        got += strlen(text);
        is_whole = strchr(text, '\n') != NULL;
        turns(1);
    }
    cr_expect(is_whole && got > (4u << 20), "%zu octets", got);
    now_ns += TG_CONTROL_STALL_NS;
    turns(2);
    cr_expect_eq(counts().unread_count, 1);
    cr_expect_str_eq(seen, "bb", "nothing more is taken from who does not read");
    (void)close(reader);
    (void)close(sleeper);
}

static void *ask_main(void *context)
{
    char text[256] = "";
    char line[300];
    (void)snprintf(line, sizeof line, "%s/number", dir);
    const int fd = open(line, O_RDWR | O_CREAT, 0600);
    (void)unlink(line);
    *(enum tg_err *)context = TG_E_IO;
    if (write(fd, "4711", 4) == 4) {
        *(enum tg_err *)context =
            tg_control_ask_with(path, "{\"name\":\"d\"}", fd, 10, text, sizeof text);
    }
    (void)close(fd);
    return NULL;
}

/* If this failed, adjustments could not be handed to a running engine. */
Test(socket, a_descriptor_comes_with_its_request, .init = set_up, .fini = tear_down)
{
    pthread_t thread;
    enum tg_err err = TG_OK;
    cr_assert_eq(pthread_create(&thread, NULL, ask_main, &err), 0);
    while (seen[0] == '\0') {
        tg_control_serve(server, 10, now_ns, answer, NULL);
    }
    (void)pthread_join(thread, NULL);
    cr_expect_eq(err, TG_OK);
    cr_expect_eq(passed_number, 4711);
}
