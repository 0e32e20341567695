/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "base/arena.h"
#include "base/limits.h"
#include "bench/bench.h"
#include "bench/bench_extra.h"
#include "bench/bench_feed.h"
#include "rt/eal.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: tollgate bench [OPTION...]\n"
    "\n"
    "CPU time per row of every stage and of the whole path, from IPFIX frames to durable journal\n"
    "blocks. Rounds of stages and of the whole alternate; medians are given. Each run rates its\n"
    "records a second time with a slow, separate reference rater and reads the journal back: when\n"
    "rows or sums differ, its lines say `void` and the exit code is 1.\n"
    "\n"
    "  --subscribers N[,N...]    sizes; default 1000000\n"
    "  --skew uniform|zipf|both  which subscribers the records hit; default uniform. Zipf is 0.99\n"
    "  --seconds N               for each size and skew, set-up apart; default 10\n"
    "  --stage NAME              only this line: receive decode identify dedup price journal "
    "whole\n"
    "                            voice, or a micro-benchmark's name\n"
    "  --datagrams N             in the capture, 26 records each; default 20000\n"
    "  --prefixes N              in the deck of the voice line; default 200000\n"
    "  --down PERCENT            flows towards the subscriber, found by their other end; default "
    "50\n"
    "  --burst N                 datagrams a burst, 1 to 64; default 64. A batch has up to 256 "
    "rows\n"
    "  --records N               records a datagram, 1 to 26; default 26\n"
    "  --templates N             templates the datagrams use in turn, 1 to 1024; default 1\n"
    "  --duplicates PERCENT      datagrams that bring earlier records once more, 0 to 90; default "
    "0\n"
    "  --theta HUNDREDTHS        exponent of --skew zipf, 1 to 99; default 99\n"
    "  --dir DIR                 where the journal is written and removed again; default /tmp\n"
    "  --micro                   the hot functions one by one\n"
    "  --fixed                   one round, 10000 subscribers, no DPDK: to count instructions "
    "with\n"
    "                            valgrind --tool=callgrind; the functions are bench_stage_*\n"
    "  --reference-price N       what the reference rater takes 1000 kB to cost, at scale 8: any\n"
    "                            other than 2000000 must void the run (a test of the check)\n"
    "  --json, --csv             for programs; times are in picoseconds\n"
    "\n"
    "  --capture DIR             write the traffic, catalog and expected sums for other programs;\n"
    "                            --subscribers N, --datagrams N\n"
    "  --sums DATA               what the rated rows of a data folder add up to\n"
    "  --scan                    writes a journal, then folds two columns, a bill run's columns "
    "and\n"
    "                            whole rows of it; --rows N, --subscribers N, --csv\n"
    "  --bill-world DIR          make a carrier whose month 2026-10 waits to be billed, and the "
    "sums\n"
    "                            its invoices must have; --subscribers N accounts, --rows N each\n"
    "  --replay DATA             rerate and what-if over a data folder, on one thread and two,\n"
    "                            beside the rating stage (dedup, price, account); --csv\n"
    "  --sustained               rows a second of wall time while input is always there, until\n"
    "                            all are durable, on one lcore and on two: median of five runs\n"
    "                            of --seconds N; --subscribers N, --csv\n"
    "  --latency                 open loop at 50 and 80 % load, to rated and to durable;\n"
    "                            --subscribers N, --seconds N, --rate ROWS_PER_S, --csv\n"
    "  --lossless                highest rate over a UDP socket that loses no record, by halving;\n"
    "                            --subscribers N, --seconds N a trial, --trials N, --rate "
    "HIGHEST;\n"
    "                            --port af_packet:IF or af_xdp:IF instead of the socket, sent to\n"
    "                            --address IPV4 from the network namespace --peer PATH\n"
    "                            (tools/ports-compare sets both up)\n"
    "  --start                   memory a subscriber, table by table, the time to load them from\n"
    "                            LMDB, and a start after a crash with a journal of --journal MIB\n"
    "                            (default 954: 1 GB) and no checkpoint, step by step;\n"
    "                            --subscribers N, --prefixes N, --dedup-records N, --csv\n"
    "  --recover DATA            that start alone, for the same folder again and again; an empty\n"
    "                            folder is filled first\n"
    "  --roofline                what the machine gives: random lines, streams, CRC and plain\n"
    "                            instructions, beside the reference machine; --csv\n"
    "  --swap                    open loop while catalogs of --prefixes N are imported and "
    "swapped:\n"
    "                            latency with and without; --subscribers N, --seconds N, --rate\n"
    "                            ROWS_PER_S (default half of full load), --trials SWAPS, --csv\n"
    "  --checkpoint              open loop while checkpoints are written, and a recovery from the "
    "last:\n"
    "                            latency with and without; --subscribers N, --seconds N, --rate\n"
    "                            ROWS_PER_S (default half of full load), --trials CHECKPOINTS, "
    "--csv\n"
    "\n"
    "The capture comes through DPDK's net_pcap with infinite_rx and is repeated. Repeated records\n"
    "would be duplicates, so every datagram is made fresh as it is handed over: the sequence "
    "number\n"
    "moves on and each record moves to another subscriber (uniform) or another millisecond "
    "(Zipf).\n"
    "That is not the engine's work: it is measured by itself (line `make`) and taken off the "
    "whole.\n";

#define TEMPLATES_MAX 1024u /* what the decoder takes from one exporter by default */

extern const struct tg_verb tg_verb_bench;

static bool number_read(const char *text, uint32_t least, uint32_t *value)
{
    char *end = NULL;
    const unsigned long long read = strtoull(text, &end, 10);
    *value = (uint32_t)read;
    return end != text && *end == '\0' && read >= least && read <= 100000000;
}

static bool sizes_read(const char *text, struct tg_bench_options *options)
{
    char copy[256];
    options->sizes_count = 0;
    if (strlen(text) >= sizeof copy) {
        return false;
    }
    memcpy(copy, text, strlen(text) + 1);
    char *save = NULL;
    for (char *at = strtok_r(copy, ",", &save); at != NULL; at = strtok_r(NULL, ",", &save)) {
        if (options->sizes_count == TG_BENCH_SIZES_MAX ||
            !number_read(at, 1000, &options->sizes[options->sizes_count++])) {
            return false;
        }
    }
    return options->sizes_count > 0;
}

static bool skew_read(const char *text, struct tg_bench_options *options)
{
    options->skews[0] = strcmp(text, "zipf") != 0;
    options->skews[1] = strcmp(text, "uniform") != 0;
    return strcmp(text, "uniform") == 0 || strcmp(text, "zipf") == 0 || strcmp(text, "both") == 0;
}

static bool flag_read(const char *name, struct tg_bench_options *options)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--micro", &options->is_micro},
                 {"--fixed", &options->is_fixed},
                 {"--json", &options->is_json},
                 {"--csv", &options->is_csv}};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (strcmp(name, flags[i].name) == 0) {
            *flags[i].flag = true;
            return true;
        }
    }
    return false;
}

static bool value_read(const char *name, const char *value, struct tg_bench_options *options)
{
    if (strcmp(name, "--subscribers") == 0) {
        return sizes_read(value, options);
    }
    if (strcmp(name, "--skew") == 0) {
        return skew_read(value, options);
    }
    const struct {
        const char *name;
        uint32_t *value;
        uint32_t least;
        uint32_t most;
    } numbers[] = {{"--seconds", &options->seconds, 1, 100000},
                   {"--datagrams", &options->datagrams_count, 1, 100000000},
                   {"--prefixes", &options->prefixes_count, 10, 100000000},
                   {"--down", &options->down_percent, 0, 100},
                   {"--burst", &options->burst_max, 1, TG_BURST_MAX},
                   {"--records", &options->records_count, 1, TG_FEED_RECORDS},
                   {"--templates", &options->templates_count, 1, TEMPLATES_MAX},
                   {"--duplicates", &options->duplicates_percent, 0, 90},
                   {"--theta", &options->theta_percent, 1, 99},
                   {"--reference-price", &options->reference_price, 1, 100000000}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(name, numbers[i].name) == 0) {
            return number_read(value, numbers[i].least, numbers[i].value) &&
                   *numbers[i].value <= numbers[i].most;
        }
    }
    if (strcmp(name, "--stage") == 0) {
        options->stage = value;
        return true;
    }
    options->dir = value;
    return strcmp(name, "--dir") == 0;
}

static int paths_run(const struct tg_bench_options *options, struct tg_why *why)
{
    bool is_void = false;
    enum tg_err err = TG_OK;
    tg_bench_print_head(options, stdout);
    if (options->is_micro) {
        err = tg_bench_micro(options, stdout, &is_void, why);
    }
    for (uint32_t i = 0; i < options->sizes_count && err == TG_OK && !options->is_micro; i++) {
        for (int skew = 0; skew < 2 && err == TG_OK; skew++) {
            const bool is_voice = tg_bench_wants(options, "voice");
            const bool is_path = options->stage == NULL || strcmp(options->stage, "voice") != 0;
            if (options->skews[skew] && is_path) {
                err = tg_bench_path(options, options->sizes[i], skew == 1, stdout, &is_void, why);
            }
            if (options->skews[skew] && is_voice && err == TG_OK) {
                err = tg_bench_voice(options, options->sizes[i], skew == 1, stdout, &is_void, why);
            }
        }
    }
    tg_eal_stop();
    if (err != TG_OK || is_void) {
        return tg_cli_problem(&tg_verb_bench, "%s",
                              why->text[0] != '\0' ? why->text : tg_err_sentence(err));
    }
    return TG_EXIT_OK;
}

static int run_bench(int argc, char **argv)
{
    struct tg_bench_options options = {.sizes = {1000000},
                                       .sizes_count = 1,
                                       .seconds = 10,
                                       .datagrams_count = 20000,
                                       .prefixes_count = 200000,
                                       .down_percent = 50,
                                       .seed = 1,
                                       .dir = "/tmp",
                                       .skews = {true, false}};
    int code;
    tg_pages_prefault(); /* as an engine does */
    if (tg_bench_extra_run(argc, argv, &code)) {
        return code;
    }
    for (int i = 1; i < argc; i++) {
        if (flag_read(argv[i], &options)) {
            continue;
        }
        if (i + 1 == argc || !value_read(argv[i], argv[i + 1], &options)) {
            return tg_cli_usage(&tg_verb_bench, "'%s' is no option, or its value is wrong",
                                argv[i]);
        }
        i++;
    }
    if (options.is_fixed) {
        options.is_settled = true;
        options.sizes[0] = 10000;
        options.sizes_count = 1;
        options.datagrams_count = options.datagrams_count > 1000 ? 1000 : options.datagrams_count;
    }
    struct tg_why why = {""};
    return paths_run(&options, &why);
}

const struct tg_verb tg_verb_bench = {
    .name = "bench",
    .summary = "CPU time per row, stage by stage, output checked",
    .usage = usage,
    .run = run_bench,
};
