/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/gen.h"

#include "base/clock.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: tollgate gen DIR [OPTION...]\n"
    "\n"
    "Make a small carrier in DIR: configuration, catalog, a pcap with NetFlow v9, IPFIX, RADIUS\n"
    "accounting and syslog, and voice CDR files. Same options, same bytes.\n"
    "\n"
    "  --seed N           random seed (1)\n"
    "  --subscribers N    10 .. 4000000 (10000)\n"
    "  --minutes N        length of the traffic, 30 .. 1440 (120)\n"
    "  --flows N          uses of data per mobile subscriber, two records each (10)\n"
    "  --calls N          calls per subscriber (3)\n"
    "  --start TIME       first moment, RFC 3339 (2026-10-15T08:00:00Z)\n"
    "  --no-fault         no node fails\n"
    "  --json             print what was made as JSON\n";

static void truth_print(const struct gen_truth *t, bool is_json)
{
    const struct {
        const char *name;
        uint64_t value;
    } lines[] = {{"datagrams", t->datagrams_count},       {"flow_records", t->flow_records_count},
                 {"flow_repeats", t->flow_repeats_count}, {"flow_lost", t->flow_lost_count},
                 {"flow_octets", t->flow_octets},         {"radius_starts", t->radius_starts_count},
                 {"radius_usage", t->radius_usage_count}, {"calls", t->calls_count},
                 {"call_repeats", t->call_repeats_count}, {"call_bad", t->call_bad_count},
                 {"call_seconds", t->call_seconds},       {"syslog", t->syslog_count}};
    const size_t count = sizeof lines / sizeof lines[0];
    for (size_t i = 0; i < count; i++) {
        if (is_json) {
            (void)printf("%s\"%s\":%llu%s", i == 0 ? "{" : ",", lines[i].name,
                         (unsigned long long)lines[i].value, i + 1 == count ? "}\n" : "");
        } else {
            (void)printf("  %-14s %llu\n", lines[i].name, (unsigned long long)lines[i].value);
        }
    }
}

static bool number_read(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
    char *end;
    *value = strtoull(text, &end, 10);
    return *text != '\0' && *text != '-' && *end == '\0' && *value >= min && *value <= max;
}

static int gen_run(int argc, char **argv)
{
    static const struct option options[] = {
        {"seed", 1, NULL, 's'},     {"subscribers", 1, NULL, 'n'}, {"minutes", 1, NULL, 'm'},
        {"flows", 1, NULL, 'f'},    {"calls", 1, NULL, 'c'},       {"start", 1, NULL, 't'},
        {"no-fault", 0, NULL, 'q'}, {"json", 0, NULL, 'j'},        {NULL, 0, NULL, 0}};
    struct gen_params p = {.seed = 1,
                           .subscribers_count = 10000,
                           .minutes = 120,
                           .flows_per_subscriber = 10,
                           .calls_per_subscriber = 3,
                           .is_faulty = true,
                           .start_ns = INT64_C(1792051200) * TG_NS_PER_S};
    bool is_json = false;
    bool is_good = true;
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1 && is_good) {
        uint64_t value = 0;
        switch (option) {
        case 's':
            is_good = number_read(optarg, 0, UINT64_MAX, &p.seed);
            break;
        case 'n':
            is_good = number_read(optarg, 10, 4000000, &value);
            p.subscribers_count = (uint32_t)value;
            break;
        case 'm':
            is_good = number_read(optarg, 30, 1440, &value);
            p.minutes = (uint32_t)value;
            break;
        case 'f':
            is_good = number_read(optarg, 0, 10000, &value);
            p.flows_per_subscriber = (uint32_t)value;
            break;
        case 'c':
            is_good = number_read(optarg, 0, 10000, &value);
            p.calls_per_subscriber = (uint32_t)value;
            break;
        case 't':
            is_good = tg_clock_parse(optarg, strlen(optarg), &p.start_ns) == TG_OK;
            break;
        case 'q':
            p.is_faulty = false;
            break;
        case 'j':
            is_json = true;
            break;
        default:
            return TG_EXIT_USAGE;
        }
    }
    extern const struct tg_verb tg_verb_gen;
    if (!is_good) {
        return tg_cli_usage(&tg_verb_gen, "'%s' is not a value this option takes", optarg);
    }
    if (optind + 1 != argc) {
        return tg_cli_usage(&tg_verb_gen, "one folder is needed");
    }
    struct gen_truth truth;
    struct tg_why why;
    p.dir = argv[optind];
    if (gen_all(&p, &truth, &why) != TG_OK) {
        return tg_cli_problem(&tg_verb_gen, "%s", why.text);
    }
    truth_print(&truth, is_json);
    return TG_EXIT_OK;
}

const struct tg_verb tg_verb_gen = {
    .name = "gen",
    .summary = "make a small carrier: pcap, CDR files, catalog, configuration",
    .usage = usage,
    .run = gen_run,
};
