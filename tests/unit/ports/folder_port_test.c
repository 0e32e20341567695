/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "ports/port.h"

#include "base/limits.h"
#include "ports/file_positions.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_BYTES 512

static void make_folder(char folder[64])
{
    (void)snprintf(folder, 64, "/tmp/tg_folder_XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(const char *folder)
{
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_assert_eq(system(command), 0);
}

static void drop_bytes(const char *folder, const char *name, const void *bytes, size_t length)
{
    char path[PATH_BYTES], hidden[PATH_BYTES];
    (void)snprintf(hidden, sizeof hidden, "%s/.%s", folder, name);
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(hidden, "w");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, length, file), length);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(rename(hidden, path), 0);
}

static void drop(const char *folder, const char *name, const char *text)
{
    drop_bytes(folder, name, text, strlen(text));
}

static bool is_there(const char *folder, const char *name)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static struct tg_port *open_folder(const char *folder, const char *pattern, bool follow)
{
    const struct tg_port_config config = {.size_bytes = sizeof config,
                                          .kind = TG_PORT_FOLDER,
                                          .name = "drop",
                                          .target = folder,
                                          .pattern = pattern,
                                          .follow = follow};
    struct tg_port *port = NULL;
    struct tg_why why = {""};
    cr_assert_eq(tg_port_open(&config, &port, &why), TG_OK, "%s", why.text);
    return port;
}

/* The next chunk, or NULL at the end; a bounded number of empty bursts may lie between. */
static const struct tg_input *next_chunk(struct tg_port *port, int64_t now_ns)
{
    static struct tg_input input;
    tg_port_release(port);
    for (int i = 0; i < 100 && !tg_port_is_finished(port); i++) {
        if (tg_port_burst(port, now_ns, &input, 1) == 1) {
            return &input;
        }
    }
    return NULL;
}

static struct tg_position position_of(const struct tg_port *port)
{
    struct tg_position position;
    tg_port_position(port, &position);
    return position;
}

static struct tg_port_counters counters_of(const struct tg_port *port)
{
    struct tg_port_counters counters;
    tg_port_counters(port, &counters);
    return counters;
}

/* If this failed, CDRs would be read in another order each time, half-written, or moved away
 * before they were safe. */
Test(folder_port, files_are_read_in_order_and_moved_only_when_durable)
{
    char folder[64];
    make_folder(folder);
    drop(folder, "b.csv", "b1\nb2\n");
    drop(folder, "a.csv", "a1\na2\na3");
    drop(folder, "c.csv", "c1\n");
    drop(folder, "empty.csv", "");
    drop(folder, "d.csv.tmp", "half");
    drop(folder, "other.log", "not mine\n");
    drop(folder, ".hidden.csv", "hidden\n");
    struct tg_port *port = open_folder(folder, "*.csv*", false);
    const char *expect[] = {"a1\na2\na3", "b1\nb2\n", "c1\n"};
    struct tg_position positions[3];
    for (int i = 0; i < 3; i++) {
        const struct tg_input *input = next_chunk(port, 5);
        cr_assert_not_null(input);
        cr_assert_eq(input->length_bytes, strlen(expect[i]));
        cr_expect_arr_eq(input->bytes, expect[i], input->length_bytes);
        cr_expect(input->flags == TG_INPUT_LAST_CHUNK && input->first_line == 1);
        cr_expect(input->offset_bytes == 0 && input->arrival_ns == 5);
        positions[i] = position_of(port);
        cr_expect(positions[i].file_key == input->file_key && input->file_key != 0);
        cr_expect_eq(positions[i].offset, strlen(expect[i]));
    }
    cr_expect_null(next_chunk(port, 5));
    cr_expect(tg_port_is_finished(port));
    cr_expect(!is_there(folder, "done/a.csv") && is_there(folder, ".claimed/a.csv"));
    cr_expect(is_there(folder, "done/empty.csv"));
    tg_port_durable(port, &(struct tg_position){positions[0].file_key, 4});
    cr_expect_not(is_there(folder, "done/a.csv"));
    tg_port_durable(port, &(struct tg_position){positions[1].file_key, 3});
    cr_expect(is_there(folder, "done/a.csv") && !is_there(folder, "done/b.csv"));
    tg_port_durable(port, &positions[2]);
    cr_expect(is_there(folder, "done/b.csv") && is_there(folder, "done/c.csv"));
    cr_expect(is_there(folder, "d.csv.tmp") && is_there(folder, "other.log"));
    cr_expect_eq(counters_of(port).files_done_count, 4);
    tg_port_close(port);
    remove_folder(folder);
}

/* If this failed, a file dropped twice would be billed twice, or a new file of an old name never.
 */
Test(folder_port, the_same_file_again_is_known_and_another_of_its_name_is_new)
{
    char folder[64];
    make_folder(folder);
    drop(folder, "x.csv", "one\ntwo\n");
    struct tg_port *port = open_folder(folder, NULL, true);
    int64_t now_ns = 0;
    cr_assert_not_null(next_chunk(port, now_ns));
    const struct tg_position first = position_of(port);
    drop(folder, "x.csv", "uno\ndos\n"); /* while the first still waits in .claimed */
    cr_expect_null(next_chunk(port, now_ns += 1000000000));
    tg_port_durable(port, &first);
    const struct tg_input *input = next_chunk(port, now_ns += 1000000000);
    cr_assert_not_null(input);
    cr_expect_arr_eq(input->bytes, "uno\ndos\n", 8);
    cr_expect_neq(input->file_key, first.file_key);
    const struct tg_position second = position_of(port);
    tg_port_durable(port, &second);
    drop(folder, "x.csv", "one\ntwo\n");
    cr_expect_null(next_chunk(port, now_ns += 1000000000));
    cr_expect_eq(counters_of(port).files_known_count, 1);
    cr_expect_eq(counters_of(port).files_done_count, 3);
    tg_port_close(port);
    /* Another start learns it from the journal. */
    drop(folder, "x.csv", "uno\ndos\n");
    drop(folder, "y.csv", "one\ntwo\n");
    port = open_folder(folder, NULL, false);
    tg_port_resume(port, &first);
    tg_port_resume(port, &second);
    input = next_chunk(port, 0);
    cr_assert_not_null(input);
    cr_expect_arr_eq(input->bytes, "one\ntwo\n", 8);
    cr_expect_neq(input->file_key, first.file_key); /* a copy under another name is another file */
    cr_expect_null(next_chunk(port, 0));
    cr_expect_eq(counters_of(port).files_known_count, 1);
    tg_port_close(port);
    remove_folder(folder);
}

/* If this failed, two engines on one folder would both bill a file, or a dead one's file nobody. */
Test(folder_port, two_ports_share_a_folder_without_sharing_a_file)
{
    char folder[64];
    make_folder(folder);
    drop(folder, "1", "1\n");
    drop(folder, "2", "2\n");
    drop(folder, "3", "3\n");
    struct tg_port *a = open_folder(folder, NULL, false);
    struct tg_port *b = open_folder(folder, NULL, false);
    const struct tg_input *input = next_chunk(a, 0);
    cr_assert(input != NULL && input->bytes[0] == '1');
    input = next_chunk(b, 0);
    cr_assert(input != NULL && input->bytes[0] == '2');
    input = next_chunk(a, 0);
    cr_assert(input != NULL && input->bytes[0] == '3');
    cr_expect(next_chunk(a, 0) == NULL && next_chunk(b, 0) == NULL);
    tg_port_close(a); /* dies with 1 and 3 not durable */
    struct tg_port *c = open_folder(folder, NULL, false);
    input = next_chunk(c, 0);
    cr_assert(input != NULL && input->bytes[0] == '1');
    input = next_chunk(c, 0);
    cr_assert(input != NULL && input->bytes[0] == '3');
    cr_expect_null(next_chunk(c, 0));
    tg_port_close(b);
    tg_port_close(c);
    remove_folder(folder);
}

/* If this failed, a line would be cut in two at a chunk's edge: two wrong CDRs for one right. */
Test(folder_port, chunks_are_whole_lines_and_resume_at_any_of_them)
{
    char folder[64];
    make_folder(folder);
    const size_t size = 5 * TG_FILE_CHUNK_BYTES + 777;
    char *content = malloc(size);
    uint32_t lines = 0;
    for (size_t i = 0; i < size; i++) {
        const bool ends = (i * 2654435761u >> 7) % 90 == 0;
        content[i] = ends ? '\n' : (char)('a' + i % 26);
        lines += ends;
    }
    content[size - 1] = 'z';
    drop_bytes(folder, "big", content, size);
    struct tg_position cuts[16] = {{0}};
    uint32_t chunks = 0;
    for (uint32_t skip = 0; skip <= chunks; skip++) {
        struct tg_port *port = open_folder(folder, NULL, false);
        uint64_t at = skip == 0 ? 0 : cuts[skip - 1].offset;
        uint32_t line = 1, chunk = skip;
        for (size_t i = 0; i < at; i++) {
            line += content[i] == '\n';
        }
        if (skip != 0) {
            tg_port_resume(port, &cuts[skip - 1]);
        }
        for (const struct tg_input *input; (input = next_chunk(port, 0)) != NULL; chunk++) {
            cr_assert_eq(input->offset_bytes, at);
            cr_assert_eq(input->first_line, line);
            cr_assert_arr_eq(input->bytes, content + at, input->length_bytes);
            for (uint32_t i = 0; i < input->length_bytes; i++) {
                line += input->bytes[i] == '\n';
            }
            at += input->length_bytes;
            cr_assert_eq((input->flags & TG_INPUT_LAST_CHUNK) != 0, at == size);
            cr_assert(at == size || input->bytes[input->length_bytes - 1] == '\n');
            cuts[chunk] = position_of(port);
            cr_assert_eq(cuts[chunk].offset, at);
        }
        cr_assert_eq(at, size);
        chunks = chunk;
        tg_port_close(port); /* nothing was durable: the next round finds it in .claimed */
    }
    cr_expect(chunks == 6 && lines > 1000);
    free(content);
    remove_folder(folder);
}

/* If this failed, a line too long to be a CDR would be read as several, or hide those after it. */
Test(folder_port, an_overlong_line_is_one_refused_piece_and_its_neighbours_are_read)
{
    static const uint64_t longs[] = {TG_FILE_CHUNK_BYTES - 1, TG_FILE_CHUNK_BYTES,
                                     TG_FILE_CHUNK_BYTES + 1, 3 * TG_FILE_CHUNK_BYTES + 5};
    for (size_t l = 0; l < sizeof longs / sizeof longs[0]; l++) {
        for (int is_last = 0; is_last < 2; is_last++) {
            char folder[64];
            make_folder(folder);
            const size_t size = 7 + longs[l] + (is_last ? 0 : 7);
            char *content = malloc(size + 16);
            memcpy(content, "before\n", 7);
            memset(content + 7, 'x', longs[l]);
            if (!is_last) {
                memcpy(content + 7 + longs[l], "\nafter\n", 7);
            }
            drop_bytes(folder, "long", content, size);
            /* With its newline the line fills a chunk at most up to TG_FILE_CHUNK_BYTES octets. */
            const bool is_over = longs[l] + !is_last > TG_FILE_CHUNK_BYTES;
            struct tg_port *port = open_folder(folder, NULL, false);
            const struct tg_input *input = next_chunk(port, 0);
            cr_assert(input != NULL && input->length_bytes == 7);
            input = next_chunk(port, 0);
            cr_assert_not_null(input);
            cr_expect(input->offset_bytes == 7 && input->first_line == 2);
            if (is_over) {
                cr_expect_eq(input->length_bytes, TG_FILE_CHUNK_BYTES + 1);
            } else {
                cr_expect_eq(input->length_bytes, longs[l] + !is_last, "%zu %d", l, is_last);
            }
            cr_expect_eq((input->flags & TG_INPUT_LAST_CHUNK) != 0, is_last);
            cr_expect_eq(position_of(port).offset, 7 + longs[l] + !is_last);
            input = next_chunk(port, 0);
            if (is_last) {
                cr_expect_null(input);
            } else {
                cr_assert_not_null(input);
                cr_expect(input->length_bytes == 6 && input->first_line == 3);
                cr_expect_arr_eq(input->bytes, "after\n", 6);
            }
            cr_expect_eq(counters_of(port).lines_overlong_count, is_over);
            tg_port_close(port);
            free(content);
            remove_folder(folder);
        }
    }
}

/* If this failed, a file that changes under our hands would be put away as if all was read. */
Test(folder_port, a_file_that_grows_after_its_claim_is_put_away_under_a_telling_name)
{
    char folder[64], path[PATH_BYTES];
    make_folder(folder);
    drop(folder, "g", "1\n");
    struct tg_port *port = open_folder(folder, NULL, true);
    (void)snprintf(path, sizeof path, "%s/g", folder);
    FILE *late = fopen(path, "a");
    cr_assert_eq(tg_port_burst(port, 0, &(struct tg_input){0}, 1), 1);
    const struct tg_position whole = position_of(port);
    tg_port_durable(port, &whole);
    cr_expect(is_there(folder, "done/g"));
    fclose(late);
    char *big = calloc(1, 2 * TG_FILE_CHUNK_BYTES);
    memset(big, '\n', 2 * TG_FILE_CHUNK_BYTES);
    drop_bytes(folder, "h", big, 2 * TG_FILE_CHUNK_BYTES);
    cr_assert_not_null(next_chunk(port, 1000000000));
    (void)snprintf(path, sizeof path, "%s/.claimed/h", folder);
    late = fopen(path, "a");
    cr_assert(fputs("late\n", late) >= 0 && fclose(late) == 0);
    const struct tg_input *input = next_chunk(port, 1000000000);
    cr_assert(input != NULL && input->flags == TG_INPUT_LAST_CHUNK);
    const struct tg_position end = position_of(port);
    cr_expect_eq(end.offset, 2 * TG_FILE_CHUNK_BYTES);
    tg_port_durable(port, &end);
    cr_expect(is_there(folder, "done/h.changed") && !is_there(folder, "done/h"));
    cr_expect_eq(counters_of(port).files_changed_count, 1);
    tg_port_close(port);
    free(big);
    remove_folder(folder);
}

/* If this failed, files beyond the first thousand would be forgotten or taken out of order. */
Test(folder_port, thousands_of_files_are_all_read_once_in_order)
{
    char folder[64], name[32];
    make_folder(folder);
    const int count = 2500;
    for (int i = 0; i < count; i++) {
        const int n = i * 1237 % count;
        (void)snprintf(name, sizeof name, "f%05d", n);
        drop(folder, name, name + 1);
    }
    struct tg_port *port = open_folder(folder, NULL, false);
    int next = 0;
    for (const struct tg_input *input; (input = next_chunk(port, 0)) != NULL; next++) {
        (void)snprintf(name, sizeof name, "%05d", next);
        cr_assert_arr_eq(input->bytes, name, 5, "file %d", next);
        if (next % 50 == 49) {
            const struct tg_position position = position_of(port);
            tg_port_durable(port, &position);
        }
    }
    cr_expect_eq(next, count);
    cr_expect_eq(counters_of(port).files_done_count, count);
    tg_port_close(port);
    remove_folder(folder);
}

/* If this failed, an engine that reads faster than it writes would hold files without a bound. */
Test(folder_port, without_durable_positions_reading_stops_and_goes_on_with_them)
{
    char folder[64], name[16];
    make_folder(folder);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "%03d", i);
        drop(folder, name, "x\n");
    }
    struct tg_port *port = open_folder(folder, NULL, false);
    int read = 0;
    while (next_chunk(port, 0) != NULL) {
        read++;
    }
    cr_expect(read == 64 && !tg_port_is_finished(port));
    const struct tg_position position = position_of(port);
    tg_port_durable(port, &position);
    while (next_chunk(port, 0) != NULL) {
        read++;
    }
    cr_expect(read == 100 && tg_port_is_finished(port));
    tg_port_close(port);
    remove_folder(folder);
}

/* If this failed, the table of positions would grow without end or lose what it promised to keep.
 */
Test(file_positions, keeps_its_bound_and_never_goes_back)
{
    struct tg_file_positions positions = {0};
    uint64_t offset = 0;
    cr_assert_eq(tg_file_positions_init(&positions), TG_OK);
    for (uint64_t i = 1; i <= TG_FILE_POSITIONS_MAX; i++) {
        cr_assert_eq(tg_file_positions_set(&positions, i * 131072, i), TG_OK);
    }
    cr_expect_eq(tg_file_positions_set(&positions, 7, 7), TG_E_FULL);
    cr_expect_not(tg_file_positions_get(&positions, 7, &offset));
    cr_expect_eq(tg_file_positions_set(&positions, 131072 * 5, 3), TG_OK);
    cr_expect(tg_file_positions_get(&positions, 131072 * 5, &offset) && offset == 5);
    tg_file_positions_fini(&positions);
}

/* If this failed, a wrong folder would be silence. */
Test(folder_port, what_cannot_be_opened_says_why)
{
    const struct tg_port_config config = {.size_bytes = sizeof config,
                                          .kind = TG_PORT_FOLDER,
                                          .name = "drop",
                                          .target = "/nonexistent/drop"};
    struct tg_port *port = NULL;
    struct tg_why why = {""};
    cr_expect_eq(tg_port_open(&config, &port, &why), TG_E_PORT_OPEN);
    cr_expect_not_null(strstr(why.text, "No such file"));
}

/* --- an engine in small, killed at every system call ------------------------------------------ */

/* The journal: position, then every octet taken so far; replaced in one step like a commit. */
static void journal_write(const char *folder, const struct tg_position *position, const char *rows,
                          size_t rows_bytes)
{
    char path[PATH_BYTES], next[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/.journal", folder);
    (void)snprintf(next, sizeof next, "%s/.journal.next", folder);
    const int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, position, sizeof *position) != (ssize_t)sizeof *position ||
        write(fd, rows, rows_bytes) != (ssize_t)rows_bytes || close(fd) != 0 ||
        rename(next, path) != 0) {
        _exit(3);
    }
}

static size_t journal_read(const char *folder, struct tg_position *position, char *rows,
                           size_t room)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/.journal", folder);
    const int fd = open(path, O_RDONLY);
    if (fd < 0) {
        return 0;
    }
    if (read(fd, position, sizeof *position) != (ssize_t)sizeof *position) {
        _exit(4);
    }
    const ssize_t got = read(fd, rows, room);
    (void)close(fd);
    return got > 0 ? (size_t)got : 0;
}

/* Returns 0 when the folder is read and put away to its end. */
static int engine_run(const char *folder)
{
    char rows[4096];
    struct tg_position position = {0};
    struct tg_input input;
    const struct tg_port_config config = {
        .size_bytes = sizeof config, .kind = TG_PORT_FOLDER, .name = "drop", .target = folder};
    struct tg_port *port = NULL;
    size_t rows_bytes = journal_read(folder, &position, rows, sizeof rows);
    if (tg_port_open(&config, &port, NULL) != TG_OK) {
        return 2;
    }
    if (position.file_key != 0) {
        tg_port_resume(port, &position);
    }
    while (!tg_port_is_finished(port)) {
        if (tg_port_burst(port, 0, &input, 1) == 1) {
            memcpy(rows + rows_bytes, input.bytes, input.length_bytes);
            rows_bytes += input.length_bytes;
            tg_port_position(port, &position);
            journal_write(folder, &position, rows, rows_bytes);
            tg_port_durable(port, &position);
        }
        tg_port_release(port);
    }
    tg_port_close(port);
    return 0;
}

/* Runs the engine in a child and kills it at its n-th system call; true when it finished before. */
static bool engine_run_until(const char *folder, int calls)
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
            _exit(77);
        }
        (void)raise(SIGSTOP);
        _exit(engine_run(folder));
    }
    cr_assert_gt(child, 0);
    (void)waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        fprintf(stderr, "folder: skipped: ptrace is not allowed here\n");
        cr_skip("ptrace is not allowed here");
    }
    for (int stops = 0; stops < calls; stops++) {
        (void)ptrace(PTRACE_SYSCALL, child, NULL, NULL);
        (void)waitpid(child, &status, 0);
        if (WIFEXITED(status)) {
            cr_assert_eq(WEXITSTATUS(status), 0);
            return true;
        }
    }
    (void)kill(child, SIGKILL);
    (void)waitpid(child, &status, 0);
    return false;
}

/* If this failed, a power cut at the wrong moment would lose a file of CDRs or bill it twice. */
Test(folder_port, killed_between_any_two_system_calls_every_row_is_taken_once, .timeout = 600)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    static const char *const texts[] = {"a1\na2\n", "b1\n", "", "d1\nd2\nd3"};
    static const char expect[] = "a1\na2\nb1\nd1\nd2\nd3";
    bool is_through = false;
    int kills = 0;
    for (int calls = 1; !is_through; calls++) {
        char folder[64], rows[4096];
        struct tg_position position;
        make_folder(folder);
        for (int i = 0; i < 4; i++) {
            drop(folder, names[i], texts[i]);
        }
        is_through = engine_run_until(folder, calls);
        kills += !is_through;
        cr_assert_eq(engine_run(folder), 0); /* the next start */
        const size_t rows_bytes = journal_read(folder, &position, rows, sizeof rows);
        cr_assert_eq(rows_bytes, strlen(expect), "killed at stop %d: %.*s", calls, (int)rows_bytes,
                     rows);
        cr_assert_arr_eq(rows, expect, rows_bytes, "killed at stop %d", calls);
        for (int i = 0; i < 4; i++) {
            char done[16];
            (void)snprintf(done, sizeof done, "done/%s", names[i]);
            cr_assert(is_there(folder, done), "killed at stop %d: %s", calls, names[i]);
        }
        remove_folder(folder);
    }
    cr_expect_gt(kills, 100);
    fprintf(stderr, "folder: killed at %d different moments\n", kills);
}
