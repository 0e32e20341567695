/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration and catalog of the small carrier, written for a person to read and change. */
#include "cli/gen.h"

#include "base/clock.h"

#include <string.h>

static const char config_head[] =
    "# Tollgate: one engine, one file. `tollgate check FILE` reads it and names every mistake.\n"
    "# Relative paths start at this file's folder.\n"
    "\n"
    "data: data                 # journal, state, catalog versions\n"
    "catalog: catalog           # documents imported at start: products, prices, subscribers\n"
    "workers: 1                 # 1: one core does all; n: one ingest and n - 1 rate workers\n"
    "preallocate: false         # true in production: a full disk then shows early\n"
    "checkpoint: {every: 5min}  # state is stored beside the rows: a restart replays less\n"
    "\n"
    "memory:\n"
    "  huge_pages: auto         # used when there are any; nothing needs them\n"
    "  mib: 64\n"
    "\n"
    "limits:                    # every table is taken at start and counted when full\n"
    "  sessions: %u\n"
    "  dedup_records: %u\n"
    "\n"
    "# metrics: \"127.0.0.1:9464\"   # Prometheus /metrics\n"
    "\n"
    "decoders:\n"
    "  - {decoder: netflow9, port: 2055}      # decoders may share a port:\n"
    "  - {decoder: ipfix, port: 2055}         # each knows its version\n"
    "  - {decoder: netflow5, port: 2055}\n"
    "  - decoder: radius\n"
    "    port: 1813\n"
    "    settings:\n"
    "      secret: {default: \"" GEN_RADIUS_SECRET "\"}\n"
    "  - {decoder: syslog, port: 1514}\n"
    "  - decoder: csv\n"
    "    settings:\n"
    "      service: voice\n"
    "      columns: {record_id: id, caller: caller, called: called, start: start,\n"
    "                duration: duration_s, cause: cause}\n"
    "\n"
    "ports:\n"
    "  - {name: tap, kind: pcap, target: inputs/network.pcap}\n"
    "  - {name: cdr, kind: folder, target: inputs/cdr, pattern: \"*.csv\", decoder: csv,\n"
    "     node: msc-01, done: inputs/done}\n"
    "  # Live instead: what `softflowd -n 127.0.0.1:2055` and friends send.\n"
    "  # - {name: flows, kind: socket, target: \"127.0.0.1:2055\"}\n"
    "  # - {name: accounting, kind: socket, target: \"127.0.0.1:1813\"}\n"
    "  # - {name: logs, kind: socket, target: \"127.0.0.1:1514\"}\n"
    "  # - {name: nic, kind: af_packet, target: eth1}\n"
    "\n"
    "fronts:                    # processes of their own, on loopback\n"
    "  - {front: bss, listen: \"127.0.0.1:8081\"}\n"
    "  - {front: oss, listen: \"127.0.0.1:8082\"}\n"
    "\n"
    "nodes:                     # who sends, and who depends on whom (any k of a group)\n";

static const char catalog_text[] =
    "# What is sold and at which price. `tollgate catalog check DIR` names every mistake;\n"
    "# `tollgate quote --catalog DIR` prices usage you type in.\n"
    "\n"
    "catalog:\n"
    "  version: 1\n"
    "  valid_from: 2026-01-01\n"
    "  currency: EUR\n"
    "\n"
    "taxes:\n"
    "  vat: {rate: 19%, title: \"VAT 19 %\"}\n"
    "\n"
    "decks:\n"
    "  world: {file: world.csv}\n"
    "\n"
    "prices:                    # money is text, so that it stays exact\n"
    "  national:      {unit: second, price: \"0.09\", per: 60, first: 60, next: 1}\n"
    "  mobile:        {unit: second, price: \"0.19\", per: 60, first: 60, next: 1}\n"
    "  europe:        {unit: second, price: \"0.29\", per: 60, first: 30, next: 30}\n"
    "  world-1:       {unit: second, price: \"0.99\", per: 60, first: 60, next: 60, connect: "
    "\"0.15\"}\n"
    "  satellite:     {unit: second, price: \"4.99\", per: 60, first: 60, next: 60}\n"
    "  premium:       {unit: second, price: \"1.49\", per: 60, first: 60, next: 60, connect: "
    "\"0.50\"}\n"
    "  data-mobile:   {unit: kilobyte, price: \"0.02\", per: 1000}\n"
    "  data-home:\n"
    "    tariff: graduated      # cheaper the more is used in a month\n"
    "    unit: megabyte\n"
    "    tiers:\n"
    "      - {up_to: 1000, price: \"0.004\"}\n"
    "      - {up_to: 10000, price: \"0.002\"}\n"
    "      - {price: \"0.001\"}\n"
    "\n"
    "allowances:\n"
    "  minutes-20: {unit: minute, amount: 20, services: [voice], zones: [national, mobile]}\n"
    "  data-5mb:   {unit: megabyte, amount: 5, services: [data]}\n"
    "\n"
    "plans:\n"
    "  mobile:\n"
    "    voice:\n"
    "      deck: world\n"
    "      allowance: minutes-20\n"
    "      prices: {national: national, mobile: mobile, europe: europe, world: world-1,\n"
    "               satellite: satellite, premium: premium}\n"
    "    data: {price: data-mobile, allowance: data-5mb}\n"
    "  home:\n"
    "    voice:\n"
    "      deck: world\n"
    "      prices: {national: national, mobile: mobile, europe: europe, world: world-1,\n"
    "               satellite: satellite, premium: premium}\n"
    "    access: {price: data-home}\n"
    "\n"
    "products:\n"
    "  mobile-s: {plan: mobile, fee: \"9.99\", tax: vat, title: \"Mobile S\"}\n"
    "  home-m:   {plan: home, fee: \"24.90\", tax: vat, title: \"Home M\"}\n";

static const char world_text[] = "prefix,zone\n"
                                 "49,national\n"
                                 "4915,mobile\n"
                                 "4916,mobile\n"
                                 "4917,mobile\n"
                                 "49900,premium\n"
                                 "3,europe\n"
                                 "4,europe\n"
                                 "1,world\n"
                                 "2,world\n"
                                 "5,world\n"
                                 "6,world\n"
                                 "7,world\n"
                                 "8,world\n"
                                 "9,world\n"
                                 "881,satellite\n"
                                 "882,satellite\n";

static enum tg_err file_close(FILE *file, const char *name, struct tg_why *why)
{
    const int failed = ferror(file);
    return fclose(file) == 0 && failed == 0 ? TG_OK
                                            : tg_why_set(why, TG_E_IO, "%s: cannot write", name);
}

static enum tg_err text_write(const char *dir, const char *name, const char *text,
                              struct tg_why *why)
{
    FILE *file = gen_open(dir, name, why);
    if (file == NULL) {
        return TG_E_IO;
    }
    (void)fputs(text, file);
    return file_close(file, name, why);
}

static void node_write(FILE *file, const struct gen_node *node)
{
    (void)fprintf(file, "  - {name: %s, addresses: [%u.%u.%u.%u], interval: 60s", node->name,
                  node->address >> 24, (node->address >> 16) & 255, (node->address >> 8) & 255,
                  node->address & 255);
    if (node->parents[0] != '\0') {
        (void)fputs(", depends_on: [{any: 1, of: [", file);
        for (const char *at = node->parents; *at != '\0'; at++) {
            if (*at == '|') {
                (void)fputs(", ", file);
            } else {
                (void)fputc(*at, file);
            }
        }
        (void)fputs("]}]", file);
    }
    (void)fputs("}\n", file);
}

static enum tg_err config_write(const struct gen_params *p, struct tg_why *why)
{
    FILE *file = gen_open(p->dir, "tollgate.yaml", why);
    if (file == NULL) {
        return TG_E_IO;
    }
    const uint32_t sessions = p->subscribers_count < 1000 ? 10000 : p->subscribers_count * 2;
    const uint64_t rows = (uint64_t)p->subscribers_count *
                          (p->flows_per_subscriber * 2 + p->calls_per_subscriber + 16);
    (void)fprintf(file, config_head, sessions, rows < 100000 ? 100000u : (unsigned)rows);
    for (unsigned i = 0; i < GEN_NODES_COUNT; i++) {
        node_write(file, &gen_nodes[i]);
    }
    return file_close(file, "tollgate.yaml", why);
}

static enum tg_err accounts_write(const struct gen_params *p, struct tg_why *why)
{
    FILE *file = gen_open(p->dir, "catalog/accounts.csv", why);
    if (file == NULL) {
        return TG_E_IO;
    }
    (void)fputs("id,name,currency,cycle_day\n", file);
    for (uint32_t i = 0; i < p->subscribers_count; i++) {
        (void)fprintf(file, "A%07u,Customer %u,EUR,1\n", i + 1, i + 1);
    }
    return file_close(file, "catalog/accounts.csv", why);
}

static enum tg_err subscribers_write(const struct gen_params *p, struct tg_why *why)
{
    FILE *file = gen_open(p->dir, "catalog/subscribers.csv", why);
    if (file == NULL) {
        return TG_E_IO;
    }
    (void)fputs("id,account,msisdn,imsi,product,active_from\n", file);
    for (uint32_t i = 0; i < p->subscribers_count; i++) {
        char number[16];
        gen_msisdn(i, number);
        const bool is_home = gen_kind_of(i, p->subscribers_count) == GEN_HOME;
        (void)fprintf(file, "S%07u,A%07u,%s,26201%010u,%s,2026-01-01\n", i + 1, i + 1, number, i,
                      is_home ? "home-m" : "mobile-s");
    }
    return file_close(file, "catalog/subscribers.csv", why);
}

enum tg_err gen_documents(const struct gen_params *p, struct tg_why *why)
{
    enum tg_err err = config_write(p, why);
    if (err == TG_OK) {
        err = text_write(p->dir, "catalog/catalog.yaml", catalog_text, why);
    }
    if (err == TG_OK) {
        err = text_write(p->dir, "catalog/world.csv", world_text, why);
    }
    if (err == TG_OK) {
        err = accounts_write(p, why);
    }
    return err == TG_OK ? subscribers_write(p, why) : err;
}
