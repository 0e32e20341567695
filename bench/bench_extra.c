/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/bench_extra.h"

#include "rt/eal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_PROBLEM 1
#define EXIT_USAGE   2

static const struct mode {
    const char *option;
    enum tg_err (*run)(const struct tg_bench_extra *extra, struct tg_why *why);
    bool is_flag;        /* else a folder follows */
    uint32_t rows_count; /* unless --rows says otherwise */
} modes[] = {{"--capture", tg_bench_capture, false, 0},
             {"--sums", tg_bench_sums, false, 0},
             {"--scan", tg_bench_scan, true, 4000000},
             {"--replay", tg_bench_replay, false, 0},
             {"--bill-world", tg_bench_bill_world, false, 10},
             {"--sustained", tg_bench_sustained, true, 0},
             {"--latency", tg_bench_latency, true, 0},
             {"--lossless", tg_bench_lossless, true, 0},
             {"--start", tg_bench_start, true, 0},
             {"--recover", tg_bench_recover, false, 0},
             {"--roofline", tg_bench_roofline, true, 0},
             {"--swap", tg_bench_swap, true, 0},
             {"--checkpoint", tg_bench_checkpoint, true, 0}};

static bool number_read(const char *text, uint32_t *value)
{
    char *end = NULL;
    const unsigned long long read = strtoull(text, &end, 10);
    *value = (uint32_t)read;
    return end != text && *end == '\0' && read > 0 && read <= 1000000000;
}

static bool option_read(const char *name, const char *value, struct tg_bench_extra *extra)
{
    const struct {
        const char *name;
        uint32_t *value;
    } numbers[] = {{"--subscribers", &extra->subscribers_count},
                   {"--datagrams", &extra->datagrams_count},
                   {"--seconds", &extra->seconds},
                   {"--rows", &extra->rows_count},
                   {"--rate", &extra->rate},
                   {"--prefixes", &extra->prices_count},
                   {"--journal", &extra->journal_mib},
                   {"--dedup-records", &extra->dedup_records},
                   {"--trials", &extra->trials_count}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(name, numbers[i].name) == 0) {
            return number_read(value, numbers[i].value);
        }
    }
    const struct {
        const char *name;
        const char **text;
    } texts[] = {
        {"--port", &extra->port}, {"--peer", &extra->peer}, {"--address", &extra->address}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(name, texts[i].name) == 0) {
            *texts[i].text = value;
            return true;
        }
    }
    if (strcmp(name, "--dir") != 0 && strcmp(name, "--capture") != 0 &&
        strcmp(name, "--sums") != 0 && strcmp(name, "--bill-world") != 0 &&
        strcmp(name, "--replay") != 0 && strcmp(name, "--recover") != 0) {
        return false;
    }
    extra->dir = value;
    return true;
}

static const struct mode *mode_find(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        for (size_t m = 0; m < sizeof modes / sizeof modes[0]; m++) {
            if (strcmp(argv[i], modes[m].option) == 0) {
                return &modes[m];
            }
        }
    }
    return NULL;
}

bool tg_bench_extra_run(int argc, char **argv, int *code)
{
    struct tg_bench_extra extra = {.dir = "/tmp",
                                   .subscribers_count = 100000,
                                   .datagrams_count = 20000,
                                   .seconds = 5,
                                   .prices_count = 500000,
                                   .journal_mib = 954, /* 10^9 octets */
                                   .dedup_records = 4000000,
                                   .trials_count = 8};
    const struct mode *mode = mode_find(argc, argv);
    if (mode == NULL) {
        return false;
    }
    extra.rows_count = mode->rows_count;
    for (int i = 1; i < argc; i++) {
        const bool is_flag =
            strcmp(argv[i], "--csv") == 0 || (strcmp(argv[i], mode->option) == 0 && mode->is_flag);
        extra.is_csv = extra.is_csv || strcmp(argv[i], "--csv") == 0;
        if (is_flag) {
            continue;
        }
        if (i + 1 == argc || !option_read(argv[i], argv[i + 1], &extra)) {
            (void)fprintf(stderr,
                          "tollgate bench: '%s' is no option of %s, or its value is wrong\n",
                          argv[i], mode->option);
            *code = EXIT_USAGE;
            return true;
        }
        i++;
    }
    struct tg_why why = {""};
    const enum tg_err err = mode->run(&extra, &why);
    if (err != TG_OK) {
        (void)fprintf(stderr, "tollgate bench %s: %s\n", mode->option,
                      why.text[0] != '\0' ? why.text : tg_err_sentence(err));
    }
    tg_eal_stop();
    *code = err == TG_OK ? 0 : EXIT_PROBLEM;
    return true;
}
