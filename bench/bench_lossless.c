/* SPDX-License-Identifier: Apache-2.0 */
/* Lossless rate after RFC 2544 26.1: offer a rate for a while, count what is missing, halve the
 * interval, and try the highest rate that lost nothing once more. Datagrams go through a kernel UDP
 * socket on loopback, or over a veth pair into a DPDK port, from a thread that never waits for the
 * receiver. Loss is counted in records,
 * twice: sent less received, and by the exporter's sequence numbers as the audit sees them; a trial
 * in which the two differ is void. */
#define _GNU_SOURCE /* sendmmsg, setns */
#include "bench/bench_extra.h"

#include "base/clock.h"
#include "bench/bench_rig.h"
#include "ledger/scan.h"
#include "rt/eal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATAGRAMS_COUNT 20000u
#define HEAD_OCTETS     42u
#define SEND_MAX        16u /* datagrams a system call */
#define TAIL_COUNT      8u  /* sent when all is quiet: a loss before them shows in the sequence */
#define QUIET_NS        INT64_C(200000000) /* nothing more comes */
#define RATE_MAX        8000000u
#define ADDRESS         "127.47.39.1" /* loopback, and nobody else's */

/* What the sender works on; the main thread's again after is_done. */
struct sender {
    const struct tg_feed *feed;
    int socket;
    uint64_t next;       /* datagrams sent in all trials */
    uint64_t count;      /* to send in this one, tail included; the tail is the main thread's */
    uint64_t rows_per_s; /* offered */
    int64_t took_ns;     /* for all but the tail */
    int64_t cpu_ns;      /* for all but the tail; the kernel's delivery on this thread too */
    uint64_t errors_count;
    uint32_t is_done; /* release; partner: acquire in trial_run */
};

struct lossless {
    struct tg_rig rig;
    struct sender sender;
    uint64_t received_rows;
    int64_t last_cpu_ns; /* of the main thread, when it last looked */
    int64_t busy_ns;     /* of these, in steps that took something in */
};

struct trial {
    uint64_t rate;
    uint64_t offered; /* rows a second that really left */
    uint64_t sent_rows;
    uint64_t lost_rows;
    uint64_t lost_by_sequence;
    uint64_t dropped_datagrams; /* as the kernel says */
    int64_t engine_cpu_ns;      /* busy steps and the journal's writer */
    int64_t sender_cpu_ns;
};

static void fill(const struct sender *sender, uint64_t number, uint8_t *payload)
{
    const struct tg_feed *feed = sender->feed;
    const uint32_t index = (uint32_t)(number % feed->datagrams_count);
    memcpy(payload, feed->frames + (size_t)index * TG_FEED_STRIDE_BYTES + HEAD_OCTETS,
           TG_FEED_FRAME_OCTETS - HEAD_OCTETS);
    tg_feed_salt(feed, payload, index, number / feed->datagrams_count);
}

static void send_some(struct sender *sender, uint32_t count)
{
    static uint8_t payloads[SEND_MAX][TG_FEED_STRIDE_BYTES];
    struct iovec parts[SEND_MAX];
    struct mmsghdr messages[SEND_MAX];
    memset(messages, 0, sizeof messages);
    for (uint32_t i = 0; i < count; i++) {
        fill(sender, sender->next + i, payloads[i]);
        parts[i] = (struct iovec){payloads[i], TG_FEED_FRAME_OCTETS - HEAD_OCTETS};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    for (uint32_t done = 0; done < count;) {
        const int sent = sendmmsg(sender->socket, messages + done, count - done, 0);
        if (sent <= 0) {
            sender->errors_count += count - done;
            break;
        }
        done += (uint32_t)sent;
    }
    sender->next += count;
}

static void *sender_main(void *context)
{
    struct sender *sender = context;
    const int64_t begin_ns = tg_clock_monotonic_ns();
    const int64_t begin_cpu_ns = tg_clock_thread_cpu_ns();
    const uint64_t bulk = sender->count - TAIL_COUNT;
    for (uint64_t sent = 0; sent < bulk;) {
        const uint64_t passed_ns = (uint64_t)(tg_clock_monotonic_ns() - begin_ns);
        const uint64_t due = (uint64_t)((unsigned __int128)passed_ns * sender->rows_per_s /
                                        TG_FEED_RECORDS / 1000000000u);
        const uint64_t wanted = (due < bulk ? due : bulk) - sent;
        const uint32_t count = wanted < SEND_MAX ? (uint32_t)wanted : SEND_MAX;
        if (count > 0) {
            send_some(sender, count);
            sent += count;
        }
    }
    sender->took_ns = tg_clock_monotonic_ns() - begin_ns;
    sender->cpu_ns = tg_clock_thread_cpu_ns() - begin_cpu_ns;
    __atomic_store_n(&sender->is_done, 1u, __ATOMIC_RELEASE);
    return NULL;
}

/* Looking at an empty port is no row's work: only steps that took something in are counted. */
static uint32_t step_timed(struct lossless *lossless)
{
    const uint32_t taken = tg_ingest_step(lossless->rig.ingest);
    const int64_t now_ns = tg_clock_thread_cpu_ns();
    lossless->busy_ns += taken > 0 ? now_ns - lossless->last_cpu_ns : 0;
    lossless->last_cpu_ns = now_ns;
    return taken;
}

static void until_quiet(struct lossless *lossless)
{
    struct tg_ingest *ingest = lossless->rig.ingest;
    int64_t last_ns = tg_clock_monotonic_ns();
    int64_t now_ns = last_ns;
    while (now_ns - last_ns <= QUIET_NS && !tg_ingest_has_failed(ingest)) {
        const uint32_t taken = step_timed(lossless);
        now_ns = tg_clock_monotonic_ns(); /* after the step: it may wait for the disk */
        last_ns = taken > 0 ? now_ns : last_ns;
    }
}

static enum tg_err trial_run(struct lossless *lossless, uint64_t rate, uint32_t seconds,
                             struct trial *trial, struct tg_why *why)
{
    struct tg_rig *rig = &lossless->rig;
    struct sender *sender = &lossless->sender;
    const struct tg_ingest_counts before = *tg_ingest_counts(rig->ingest);
    struct tg_port_counters port_before;
    struct tg_port_counters port_after;
    pthread_t thread;
    tg_port_counters(rig->port.inner, &port_before);
    sender->rows_per_s = rate;
    sender->count = rate * seconds / TG_FEED_RECORDS + 1 + TAIL_COUNT;
    sender->is_done = 0;
    lossless->busy_ns = 0;
    lossless->last_cpu_ns = tg_clock_thread_cpu_ns();
    const int64_t main_ns = lossless->last_cpu_ns;
    const int64_t process_ns = tg_bench_process_cpu_ns();
    if (pthread_create(&thread, NULL, sender_main, sender) != 0) {
        return tg_why_set(why, TG_E_NO_MEMORY, "cannot start the sender");
    }
    while (__atomic_load_n(&sender->is_done, __ATOMIC_ACQUIRE) == 0 &&
           !tg_ingest_has_failed(rig->ingest)) {
        (void)step_timed(lossless);
    }
    (void)pthread_join(thread, NULL);
    until_quiet(lossless);
    const int64_t writer_ns = tg_bench_process_cpu_ns() - process_ns - sender->cpu_ns -
                              (tg_clock_thread_cpu_ns() - main_ns);
    const int64_t engine_ns = lossless->busy_ns + (writer_ns > 0 ? writer_ns : 0);
    send_some(sender, TAIL_COUNT);
    until_quiet(lossless);
    const struct tg_ingest_counts *after = tg_ingest_counts(rig->ingest);
    const uint64_t received = after->rows_count - before.rows_count;
    tg_port_counters(rig->port.inner, &port_after);
    lossless->received_rows += received;
    rig->port.given_count = sender->next; /* the clock of arrival goes on with the sender */
    *trial =
        (struct trial){.rate = rate,
                       .sent_rows = sender->count * TG_FEED_RECORDS,
                       .offered = (sender->count - TAIL_COUNT) * TG_FEED_RECORDS * 1000000000 /
                                  (uint64_t)(sender->took_ns > 0 ? sender->took_ns : 1),
                       .lost_rows = sender->count * TG_FEED_RECORDS - received,
                       .lost_by_sequence = after->lost_records - before.lost_records,
                       .dropped_datagrams = port_after.dropped_count - port_before.dropped_count,
                       .engine_cpu_ns = engine_ns,
                       .sender_cpu_ns = sender->cpu_ns};
    return tg_ingest_has_failed(rig->ingest) ? tg_journal_error(rig->journal, why) : TG_OK;
}

static enum tg_err trial_print(const struct tg_bench_extra *extra, const struct trial *trial,
                               struct tg_why *why)
{
    const bool is_void = trial->lost_rows != trial->lost_by_sequence;
    const uint64_t received_rows = trial->sent_rows - trial->lost_rows;
    (void)printf(extra->is_csv ? "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
                                 ",%" PRIu64 ",%s,%" PRIi64 ",%" PRIi64 "\n"
                               : "%10" PRIu64 " %10" PRIu64 " %12" PRIu64 " %10" PRIu64
                                 " %12" PRIu64 " %10" PRIu64 "  %-8s %9" PRIi64 " %9" PRIi64 "\n",
                 trial->rate, trial->offered, trial->sent_rows, trial->lost_rows,
                 trial->lost_by_sequence, trial->dropped_datagrams,
                 is_void                 ? "void"
                 : trial->lost_rows == 0 ? "lossless"
                                         : "loss",
                 received_rows == 0 ? 0 : trial->engine_cpu_ns / (int64_t)received_rows,
                 trial->sender_cpu_ns / (int64_t)trial->sent_rows);
    (void)fflush(stdout);
    return is_void ? tg_why_set(why, TG_E_INVALID,
                                "the audit counts %" PRIu64 " lost records, %" PRIu64 " are",
                                trial->lost_by_sequence, trial->lost_rows)
                   : TG_OK;
}

/* A sender that could not offer the rate proves nothing about it: its own rate is what counts. */
static uint64_t proved(const struct trial *trial)
{
    return trial->offered < trial->rate ? trial->offered : trial->rate;
}

/* Pacing is by 16 datagrams, so the last step may be a little late: that is no limit of the sender.
 */
static bool is_offered(const struct trial *trial)
{
    return trial->offered >= trial->rate / 100 * 97;
}

static enum tg_err search(struct lossless *lossless, const struct tg_bench_extra *extra,
                          struct tg_why *why)
{
    uint64_t low = 0;
    uint64_t high = extra->rate != 0 ? extra->rate : RATE_MAX;
    struct trial trial;
    /* A slow trial first: the template, the audit's learning, cold tables. */
    enum tg_err err = trial_run(lossless, 26000, 1, &trial, why);
    for (uint32_t i = 0; i < extra->trials_count && err == TG_OK; i++) {
        const uint64_t rate = (low + high) / 2;
        err = trial_run(lossless, rate, extra->seconds, &trial, why);
        err = err == TG_OK ? trial_print(extra, &trial, why) : err;
        if (trial.lost_rows == 0) {
            low = proved(&trial) > low ? proved(&trial) : low;
        }
        if (trial.lost_rows > 0 || !is_offered(&trial)) {
            high = proved(&trial) > low ? proved(&trial) : high;
        }
    }
    while (err == TG_OK && low > 0) {
        err = trial_run(lossless, low, extra->seconds, &trial, why);
        err = err == TG_OK ? trial_print(extra, &trial, why) : err;
        if (trial.lost_rows == 0) {
            break;
        }
        low = low * 9 / 10;
    }
    if (err == TG_OK && !extra->is_csv && low == 0) {
        (void)printf("no rate without loss found in %" PRIu32 " trials\n", extra->trials_count);
    } else if (err == TG_OK && !extra->is_csv) {
        (void)printf("lossless, twice: %" PRIu64 " rows/s\n", low);
    }
    return err;
}

static enum tg_err rows_fold(void *context, const struct tg_scan_view *view)
{
    uint64_t *counts = context;
    for (uint32_t i = 0; i < view->rows_count; i++) {
        counts[view->fate[i] == TG_FATE_RATED ? 0 : 1]++;
    }
    return TG_OK;
}

/* What was received is in the journal, and rated. */
static enum tg_err journal_check(struct lossless *lossless, struct tg_why *why)
{
    uint64_t counts[2] = {0, 0};
    struct tg_scan *scan = NULL;
    struct tg_rig *rig = &lossless->rig;
    const uint64_t last = tg_ingest_end_epoch(rig->ingest);
    enum tg_err err = tg_journal_wait(rig->journal, last);
    const struct tg_scan_params params = {
        .size_bytes = sizeof params, .dir = rig->dir, .columns = TG_COLUMN_BIT(fate)};
    err = err == TG_OK ? tg_scan_open(&params, &scan, why) : err;
    err = err == TG_OK ? tg_scan_fold(scan, rows_fold, counts, why) : err;
    tg_scan_close(scan);
    if (err == TG_OK && (counts[0] != lossless->received_rows || counts[1] != 0)) {
        return tg_why_set(why, TG_E_INVALID,
                          "void: %" PRIu64 " rows came in, %" PRIu64 " are rated, %" PRIu64
                          " have another fate",
                          lossless->received_rows, counts[0], counts[1]);
    }
    return err;
}

/* A socket belongs to the namespace it was made in, whoever uses it later. */
static int socket_in(const char *peer, struct tg_why *why)
{
    if (peer == NULL) {
        return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    }
    const int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    const int away = open(peer, O_RDONLY | O_CLOEXEC);
    int made = -1;
    if (home >= 0 && away >= 0 && setns(away, CLONE_NEWNET) == 0) {
        made = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (setns(home, CLONE_NEWNET) != 0) {
            (void)close(made);
            made = -1;
        }
    }
    if (made < 0) {
        (void)tg_why_set(why, TG_E_IO, "cannot send from namespace %s: %s", peer, strerror(errno));
    }
    (void)close(home);
    (void)close(away);
    return made;
}

static enum tg_err sender_open(struct lossless *lossless, const struct tg_bench_extra *extra,
                               struct tg_why *why)
{
    struct sender *sender = &lossless->sender;
    const struct tg_feed *feed = &lossless->rig.feed;
    const char *address = extra->address != NULL ? extra->address : ADDRESS;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(TG_FEED_PORT)};
    if (inet_pton(AF_INET, address, &to.sin_addr) != 1) {
        return tg_why_set(why, TG_E_INVALID, "%s is no IPv4 address", address);
    }
    sender->feed = feed;
    sender->socket = socket_in(extra->peer, why);
    if (sender->socket < 0) {
        return TG_E_IO;
    }
    if (connect(sender->socket, (const void *)&to, sizeof to) != 0 ||
        send(sender->socket, feed->template_frame + HEAD_OCTETS,
             feed->template_octets - HEAD_OCTETS, 0) < 0) {
        return tg_why_set(why, TG_E_IO, "cannot send to %s:%u: %s", address, TG_FEED_PORT,
                          strerror(errno));
    }
    return TG_OK;
}

static enum tg_err receiver_open(struct lossless *lossless, const struct tg_bench_extra *extra,
                                 struct tg_why *why)
{
    char target[32];
    struct tg_port_config config = {
        .size_bytes = sizeof config, .kind = TG_PORT_SOCKET, .name = "bench", .target = target};
    (void)snprintf(target, sizeof target, "%s:%u", ADDRESS, TG_FEED_PORT);
    if (extra->port != NULL) {
        const char *colon = strchr(extra->port, ':');
        const size_t kind_bytes = colon != NULL ? (size_t)(colon - extra->port) : 0;
        config.kind = kind_bytes == 9 && strncmp(extra->port, "af_packet", 9) == 0
                          ? TG_PORT_AF_PACKET
                      : kind_bytes == 6 && strncmp(extra->port, "af_xdp", 6) == 0 ? TG_PORT_AF_XDP
                                                                                  : TG_PORT_SOCKET;
        if (config.kind == TG_PORT_SOCKET || extra->address == NULL) {
            return tg_why_set(why, TG_E_INVALID,
                              "--port is af_packet:INTERFACE or af_xdp:INTERFACE, with --address");
        }
        config.target = colon + 1;
        const struct tg_eal_config eal = {.size_bytes = sizeof eal, .memory_mib = 192};
        const enum tg_err err = tg_eal_start(&eal, why);
        if (err != TG_OK) {
            return err;
        }
    }
    return tg_port_open(&config, &lossless->rig.port.inner, why);
}

enum tg_err tg_bench_lossless(const struct tg_bench_extra *extra, struct tg_why *why)
{
    static struct lossless lossless;
    const struct tg_bench_options options = {.datagrams_count = DATAGRAMS_COUNT,
                                             .down_percent = 50,
                                             .seed = 1,
                                             .dir = extra->dir,
                                             .is_fixed = true};
    memset(&lossless, 0, sizeof lossless);
    lossless.sender.socket = -1;
    enum tg_err err = tg_rig_open(&lossless.rig, &options, extra->subscribers_count, false, why);
    err = err == TG_OK ? receiver_open(&lossless, extra, why) : err;
    if (err == TG_OK) {
        lossless.rig.port.is_salted = false; /* the sender has done it */
        lossless.rig.port.has_template = true;
        lossless.rig.port.limit_count = UINT64_MAX;
        err = sender_open(&lossless, extra, why);
    }
    if (err == TG_OK) {
        (void)fputs(extra->is_csv ? "rate,offered,sent_rows,lost_rows,lost_by_sequence,"
                                    "dropped_datagrams,verdict,engine_cpu_ns_per_row,"
                                    "sender_cpu_ns_per_row\n"
                                  : "    rate/s  offered/s    sent rows       lost  by sequence  "
                                    "kernel drops  verdict  engine ns sender ns\n",
                    stdout);
        err = search(&lossless, extra, why);
    }
    err = err == TG_OK ? journal_check(&lossless, why) : err;
    if (lossless.sender.socket >= 0) {
        (void)close(lossless.sender.socket);
    }
    tg_rig_close(&lossless.rig);
    return err;
}
