/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* nftw */
#include "ports/port.h"

#include "base/limits.h"
#include "frames.h"
#include "rt/eal.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <pcap/pcap.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define START_US INT64_C(1767225600123456)

static void start_eal(void)
{
    const struct tg_eal_config config = {
        .size_bytes = sizeof config, .memory = TG_EAL_MEMORY_NO_HUGE, .memory_mib = 160};
    struct tg_why why = {""};
    cr_assert_eq(tg_eal_start(&config, &why), TG_OK, "%s", why.text);
}

TestSuite(ethdev_port, .init = start_eal);

static struct tg_port *open_port(struct tg_port_config config)
{
    struct tg_port *port = NULL;
    struct tg_why why = {""};
    config.size_bytes = sizeof config;
    config.name = "test";
    cr_assert_eq(tg_port_open(&config, &port, &why), TG_OK, "%s", why.text);
    return port;
}

static void temporary(char path[64], const char *suffix)
{
    (void)snprintf(path, 64, "/tmp/tg_ports_XXXXXX%s", suffix);
    const int fd = mkstemps(path, (int)strlen(suffix));
    cr_assert_geq(fd, 0);
    (void)close(fd);
}

/* Every shape a capture may hold, among datagrams that are good: returns how many are good. */
static uint32_t write_capture(const char *path)
{
    static const struct frame_shape shapes[] = {{0},
                                                {.vlans_count = 1},
                                                {.ether_type = 0x0806},
                                                {.vlans_count = 2, .options_bytes = 8},
                                                {.fragment = 0x2000},
                                                {.is_ipv6 = true},
                                                {.udp_length_change = 5},
                                                {.is_ipv6 = true, .options_bytes = 16},
                                                {.has_bad_checksum = true},
                                                {.is_ipv6 = true, .fragment = 8},
                                                {.padding_bytes = 6},
                                                {.protocol = 6}};
    static const bool good[] = {1, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0};
    static uint8_t frame[20000], payload[16000];
    struct capture_file *capture = capture_create(path, DLT_EN10MB);
    uint32_t count = 0;
    cr_assert_not_null(capture);
    for (uint32_t i = 0; i < 600; i++) {
        const uint32_t which = i % 12;
        /* Every 50th is longer than a packet buffer, so that it comes in several pieces. */
        const uint32_t bytes = i % 50 == 0 ? 9000 + i : 40 + i % 100;
        memset(payload, (int)i, bytes);
        const uint32_t number = count;
        memcpy(payload, &number, sizeof number);
        const uint32_t length = frame_make(&shapes[which], payload, bytes, frame);
        capture_add(capture, START_US + i, frame, length, length);
        count += good[which];
    }
    memset(payload, 0, sizeof payload);
    const uint32_t length = frame_make(&shapes[0], payload, 500, frame);
    capture_add(capture, START_US, frame, 300, length); /* cut by the snapshot length */
    capture_add(capture, START_US, frame, frame_make(&shapes[0], payload, 0, frame), 60);
    capture_close(capture);
    return count;
}

/* Reads to the end, checks that the datagrams are numbered first, first + 1, ... */
static uint32_t read_all(struct tg_port *port, uint32_t first, uint32_t capacity)
{
    struct tg_input inputs[TG_BURST_MAX];
    uint32_t next = first;
    while (!tg_port_is_finished(port)) {
        const uint32_t count = tg_port_burst(port, 7, inputs, capacity);
        for (uint32_t i = 0; i < count; i++, next++) {
            uint32_t number;
            memcpy(&number, inputs[i].bytes, sizeof number);
            cr_assert_eq(number, next);
            const uint8_t fill = inputs[i].bytes[4];
            for (uint32_t b = 4; b < inputs[i].length_bytes; b++) {
                cr_assert_eq(inputs[i].bytes[b], fill, "datagram %u octet %u", number, b);
            }
            cr_assert(inputs[i].local_port == 2055 && inputs[i].from.port == 40000);
            cr_assert_eq(inputs[i].from.address[15], 1);
            cr_assert_geq(inputs[i].arrival_ns, START_US * 1000);
            cr_assert_leq(inputs[i].arrival_ns, (START_US + 600) * 1000);
            cr_assert_eq((inputs[i].arrival_ns / 1000 - START_US) % 256, fill);
        }
        struct tg_position position;
        tg_port_position(port, &position);
        cr_assert(count == 0 || position.offset == next);
        tg_port_release(port);
    }
    return next;
}

/* If this failed, a capture would give other usage than was in it, or refuse it without a count. */
Test(ethdev_port, a_capture_gives_its_payloads_and_counts_the_rest_by_reason)
{
    char path[64];
    temporary(path, ",[odd] name.pcap");
    const uint32_t good = write_capture(path);
    const uint32_t capacities[] = {64, 7, 1};
    for (size_t c = 0; c < 3; c++) {
        struct tg_port *port =
            open_port((struct tg_port_config){.kind = TG_PORT_PCAP, .target = path});
        struct tg_port_counters counters;
        cr_expect_eq(read_all(port, 0, capacities[c]), good);
        tg_port_counters(port, &counters);
        cr_expect_eq(counters.frames_count, 602);
        cr_expect_eq(counters.datagrams_count, good);
        cr_expect_eq(counters.refused_not_udp_count, 100);
        cr_expect_eq(counters.refused_fragment_count, 100);
        cr_expect_eq(counters.refused_length_count, 51);
        cr_expect_eq(counters.refused_checksum_count, 50);
        cr_expect_eq(counters.refused_empty_count, 1);
        cr_expect(counters.dropped_count == 0 && counters.errors_count == 0);
        const struct tg_return_path path_to = {.ip_version = 4};
        cr_expect_eq(tg_port_answer(port, &path_to, (const uint8_t *)"x", 1), TG_E_UNSUPPORTED);
        tg_port_close(port);
    }
    (void)unlink(path);
}

/* If this failed, a restart in the middle of a capture would bill datagrams twice or lose them. */
Test(ethdev_port, a_resumed_capture_gives_exactly_the_rest)
{
    char path[64];
    temporary(path, ".pcap");
    const uint32_t good = write_capture(path);
    for (uint32_t skip = 0; skip <= good; skip += skip < 70 ? 1 : 57) {
        struct tg_port *port =
            open_port((struct tg_port_config){.kind = TG_PORT_PCAP, .target = path});
        struct tg_position position;
        struct tg_port_counters counters;
        tg_port_position(port, &position);
        cr_assert(position.offset == 0 && position.file_key != 0);
        position.offset = skip;
        tg_port_resume(port, &position);
        cr_expect_eq(read_all(port, skip, 64), good);
        tg_port_counters(port, &counters);
        cr_expect_eq(counters.skipped_count, skip);
        cr_expect_eq(counters.datagrams_count, good - skip);
        tg_port_close(port);
    }
    struct tg_port *port =
        open_port((struct tg_port_config){.kind = TG_PORT_PCAP, .target = path, .skip_count = 100});
    cr_expect_eq(read_all(port, 100, 64), good);
    tg_port_close(port);
    /* Another file's position is not this file's. */
    port = open_port((struct tg_port_config){.kind = TG_PORT_PCAP, .target = path});
    tg_port_resume(port, &(struct tg_position){12345, 10});
    cr_expect_eq(read_all(port, 0, 64), good);
    tg_port_close(port);
    (void)unlink(path);
}

/* If this failed, a capture cut short by a full disk would end as if it were complete. */
Test(ethdev_port, a_capture_that_ends_inside_a_frame_is_an_error_that_is_counted)
{
    char path[64];
    temporary(path, ".pcap");
    (void)write_capture(path);
    struct stat status;
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(truncate(path, status.st_size - 10), 0);
    struct tg_port *port = open_port((struct tg_port_config){.kind = TG_PORT_PCAP, .target = path});
    struct tg_input inputs[TG_BURST_MAX];
    while (!tg_port_is_finished(port)) {
        (void)tg_port_burst(port, 0, inputs, TG_BURST_MAX);
        tg_port_release(port);
    }
    struct tg_port_counters counters;
    tg_port_counters(port, &counters);
    cr_expect_eq(counters.frames_count, 601);
    cr_expect_eq(counters.errors_count, 1);
    tg_port_close(port);
    (void)unlink(path);
}

static struct {
    uint32_t captures_count;
    uint32_t others_count; /* not Ethernet */
    uint64_t frames_count;
    uint64_t datagrams_count;
} walked;

/* libpcap's own filter is the second opinion: UDP that is no fragment. */
static uint64_t count_by_libpcap(const char *path, int *link, uint64_t *frames_count)
{
    static const char udp[] = "udp or (vlan and udp)"; /* vlan last: it shifts what follows */
    char said[PCAP_ERRBUF_SIZE];
    struct bpf_program program;
    struct pcap_pkthdr *header;
    const u_char *bytes;
    uint64_t count = 0;
    pcap_t *pcap = pcap_open_offline(path, said);
    cr_assert_not_null(pcap, "%s: %s", path, said);
    *link = pcap_datalink(pcap);
    *frames_count = 0;
    if (*link != DLT_EN10MB) {
        pcap_close(pcap);
        return 0;
    }
    cr_assert_eq(pcap_compile(pcap, &program, udp, 1, PCAP_NETMASK_UNKNOWN), 0, "%s",
                 pcap_geterr(pcap));
    while (pcap_next_ex(pcap, &header, &bytes) == 1) {
        ++*frames_count;
        count += pcap_offline_filter(&program, header, bytes) != 0;
    }
    pcap_freecode(&program);
    pcap_close(pcap);
    return count;
}

static int walk_capture(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)at;
    if (type != FTW_F || strstr(path, ".pcap") == NULL || strstr(path, ".json") != NULL) {
        return 0;
    }
    int link = 0;
    uint64_t frames_count = 0;
    const uint64_t udp_count = count_by_libpcap(path, &link, &frames_count);
    if (link != DLT_EN10MB) {
        walked.others_count++;
        return 0;
    }
    struct tg_port *port = open_port((struct tg_port_config){.kind = TG_PORT_PCAP, .target = path});
    struct tg_input inputs[TG_BURST_MAX];
    while (!tg_port_is_finished(port)) {
        (void)tg_port_burst(port, 0, inputs, TG_BURST_MAX);
        tg_port_release(port);
    }
    struct tg_port_counters c;
    tg_port_counters(port, &c);
    cr_expect_eq(c.frames_count, frames_count, "%s", path);
    cr_expect_eq(c.frames_count,
                 c.datagrams_count + c.refused_not_udp_count + c.refused_fragment_count +
                     c.refused_length_count + c.refused_checksum_count + c.refused_empty_count,
                 "%s", path);
    const uint64_t whole = c.datagrams_count + c.refused_length_count + c.refused_empty_count +
                           c.refused_checksum_count;
    cr_expect(whole <= udp_count + c.refused_length_count &&
                  whole + c.refused_fragment_count >= udp_count,
              "%s: %lu of libpcap's %lu", path, (unsigned long)whole, (unsigned long)udp_count);
    if (strstr(path, "/wrapped/") != NULL) { /* made of good datagrams only */
        cr_expect_eq(c.datagrams_count, frames_count, "%s", path);
    }
    walked.captures_count++;
    walked.frames_count += frames_count;
    walked.datagrams_count += c.datagrams_count;
    tg_port_close(port);
    return 0;
}

/* If this failed, captures of real exporters would lose datagrams before any decoder saw them. */
Test(ethdev_port, every_frame_of_every_real_capture_has_one_fate, .timeout = 600)
{
    if (access(TG_SOURCE_DIR "/../shared/data", R_OK) != 0) {
        fprintf(stderr, "ethdev_port: skipped: no shared captures\n");
        cr_skip("no shared captures");
    }
    cr_assert_eq(nftw(TG_SOURCE_DIR "/../shared/data", walk_capture, 16, FTW_PHYS), 0);
    cr_expect_gt(walked.captures_count, 50);
    fprintf(stderr, "ethdev_port: %u captures, %lu frames, %lu datagrams (%u not Ethernet)\n",
            walked.captures_count, (unsigned long)walked.frames_count,
            (unsigned long)walked.datagrams_count, walked.others_count);
}

/* If this failed, the throughput measurement would measure something that is not our path. */
Test(ethdev_port, an_endless_capture_repeats_itself)
{
    char path[64];
    uint8_t frame[2000], payload[1400];
    temporary(path, ".pcap");
    struct capture_file *capture = capture_create(path, DLT_EN10MB);
    for (uint32_t i = 0; i < 5000; i++) { /* more than the usual pool holds */
        memset(payload, (int)i, sizeof payload);
        const uint32_t length = frame_make(&(struct frame_shape){0}, payload, 900, frame);
        capture_add(capture, START_US, frame, length, length);
    }
    capture_close(capture);
    struct tg_port *port = open_port(
        (struct tg_port_config){.kind = TG_PORT_PCAP, .target = path, .is_infinite = true});
    struct tg_input inputs[TG_BURST_MAX];
    uint32_t total = 0;
    for (int i = 0; i < 400; i++) {
        const uint32_t count = tg_port_burst(port, 99, inputs, TG_BURST_MAX);
        for (uint32_t j = 0; j < count; j++, total++) {
            cr_assert_eq(inputs[j].bytes[0], (uint8_t)(total % 5000));
            cr_assert(inputs[j].length_bytes == 900 && inputs[j].arrival_ns == 99);
        }
        tg_port_release(port);
    }
    cr_expect_gt(total, 15000);
    cr_expect_not(tg_port_is_finished(port));
    tg_port_close(port);
    (void)unlink(path);
}

static void inject(const char *device, struct rte_mempool *pool, const uint8_t *frame,
                   uint32_t length)
{
    uint16_t id = 0;
    cr_assert_eq(rte_eth_dev_get_port_by_name(device, &id), 0);
    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
    cr_assert_not_null(mbuf);
    memcpy(rte_pktmbuf_append(mbuf, (uint16_t)length), frame, length);
    cr_assert_eq(rte_eth_tx_burst(id, 0, &mbuf, 1), 1);
}

/* If this failed, an answer would go to the wrong host, VLAN or port, or leave in no valid frame.
 */
Test(ethdev_port, on_a_ring_an_answer_comes_back_with_all_addresses_turned_round)
{
    struct tg_port *port =
        open_port((struct tg_port_config){.kind = TG_PORT_RING, .target = "loop"});
    struct rte_mempool *pool = rte_pktmbuf_pool_create("t", 255, 0, 0, 2176, SOCKET_ID_ANY);
    for (int v6 = 0; v6 < 2; v6++) {
        const struct frame_shape shape = {.vlans_count = 2, .is_ipv6 = v6};
        uint8_t frame[300];
        struct tg_input inputs[4];
        struct tg_return_path there, back;
        inject("net_ring_loop", pool, frame, frame_make(&shape, "question", 8, frame));
        cr_assert_eq(tg_port_burst(port, 1234, inputs, 4), 1);
        cr_expect_eq(inputs[0].arrival_ns, 1234);
        cr_expect_arr_eq(inputs[0].bytes, "question", 8);
        tg_port_return_path(port, 0, &there);
        tg_port_release(port);
        cr_expect_eq(tg_port_burst(port, 0, inputs, 4), 0);
        cr_expect_eq(tg_port_answer(port, &there, (const uint8_t *)"answer!", 7), TG_OK);
        cr_assert_eq(tg_port_burst(port, 0, inputs, 4), 1);
        cr_expect_arr_eq(inputs[0].bytes, "answer!", 7);
        cr_expect(inputs[0].local_port == 40000 && inputs[0].from.port == 2055);
        cr_expect_eq(inputs[0].from.address[15], 2);
        tg_port_return_path(port, 0, &back);
        cr_expect_arr_eq(back.mac_to, there.mac_from, 6);
        cr_expect_arr_eq(back.mac_from, there.mac_to, 6);
        cr_expect_arr_eq(back.vlan_tci, there.vlan_tci, sizeof there.vlan_tci);
        cr_expect_arr_eq(back.vlan_tpid, there.vlan_tpid, sizeof there.vlan_tpid);
        cr_expect_eq(back.vlans_count, 2);
        tg_port_release(port);
        static const uint8_t big[2000];
        cr_expect_eq(tg_port_answer(port, &there, big, sizeof big), TG_E_LENGTH);
        cr_expect_eq(tg_port_answer(port, &there, big, 0), TG_E_LENGTH);
    }
    struct tg_port_counters counters;
    tg_port_counters(port, &counters);
    cr_expect(counters.answers_count == 2 && counters.answers_failed_count == 4);
    tg_port_close(port);
}

/* If this failed, buffers would leak a few a burst and the port would fall silent after hours. */
Test(ethdev_port, more_frames_than_buffers_leave_no_buffer_behind)
{
    struct tg_port *port =
        open_port((struct tg_port_config){.kind = TG_PORT_VDEV, .target = "net_ring_many"});
    struct tg_return_path path = {.ip_version = 4, .port_to = 1, .port_from = 2};
    struct tg_input inputs[TG_BURST_MAX];
    uint32_t received = 0;
    path.address_to[10] = path.address_to[11] = 255;
    for (uint32_t i = 0; i < 300000; i += 32) {
        for (uint32_t j = 0; j < 32; j++) {
            cr_assert_eq(tg_port_answer(port, &path, (const uint8_t *)"hello", 5), TG_OK);
        }
        received += tg_port_burst(port, 0, inputs, TG_BURST_MAX);
        if (i % 64 == 0) {
            tg_port_release(port);
        }
    }
    cr_expect_eq(received, 300000);
    tg_port_close(port);
}

/* If this failed, a mistake in the configuration would be a puzzle instead of a sentence. */
Test(ethdev_port, what_cannot_be_opened_says_why)
{
    char empty[64], raw[64];
    temporary(empty, ".pcap");
    temporary(raw, ".pcap");
    capture_close(capture_create(raw, DLT_LINUX_SLL));
    const struct {
        struct tg_port_config config;
        enum tg_err expect;
        const char *says;
    } rows[] = {
        {{.kind = TG_PORT_PCAP, .target = "/nonexistent.pcap"}, TG_E_PORT_OPEN, "No such file"},
        {{.kind = TG_PORT_PCAP, .target = empty}, TG_E_PORT_OPEN, "not a capture"},
        {{.kind = TG_PORT_PCAP, .target = raw}, TG_E_PORT_OPEN, "LINUX_SLL"},
        {{.kind = TG_PORT_PCAP, .target = "/tmp"}, TG_E_PORT_OPEN, "not a file"},
        {{.kind = TG_PORT_PCAP, .target = ""}, TG_E_INVALID, "target"},
        {{.kind = TG_PORT_PCAP, .target = empty, .queue = 1}, TG_E_UNSUPPORTED, "queue 0"},
        {{.kind = TG_PORT_AF_PACKET, .target = "nosuch0"}, TG_E_PORT_OPEN, "No such device"},
        {{.kind = TG_PORT_VDEV, .target = "net_nosuch0"}, TG_E_PORT_OPEN, "net_nosuch0"},
        {{.kind = TG_PORT_RING, .target = "a-name-that-is-too-long"}, TG_E_INVALID, "20"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tg_port_config config = rows[i].config;
        struct tg_port *port = NULL;
        struct tg_why why = {""};
        config.size_bytes = sizeof config;
        config.name = "edge";
        cr_expect_eq(tg_port_open(&config, &port, &why), rows[i].expect, "row %zu", i);
        cr_expect_not_null(strstr(why.text, rows[i].says), "row %zu: %s", i, why.text);
        cr_expect_not_null(strstr(why.text, "edge"), "row %zu: %s", i, why.text);
        cr_expect_null(port);
    }
    (void)unlink(empty);
    (void)unlink(raw);
}

/* If this failed, an engine that runs on sockets and files alone would still have to start DPDK. */
Test(ethdev_port_without_eal, a_dpdk_port_asks_for_the_eal_instead_of_crashing)
{
    const struct tg_port_config config = {
        .size_bytes = sizeof config, .kind = TG_PORT_PCAP, .name = "p", .target = "/dev/null"};
    struct tg_port *port = NULL;
    cr_expect_eq(tg_port_open(&config, &port, NULL), TG_E_EAL);
}
