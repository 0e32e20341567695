/* SPDX-License-Identifier: Apache-2.0 */
#include "control/metrics.h"

#include "base/clock.h"
#include "doc/scalar.h"
#include "plug/registry.h"
#include "record/charge.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES 65536u

struct tg_metrics {
    struct MHD_Daemon *daemon;
    const struct tg_pipeline *pipeline;
    const struct tg_pipeline_port *ports;
    uint32_t ports_count;
};

struct page {
    char *text;
    size_t room;
    size_t used;
};

static void say(struct page *page, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct page *page, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length =
        vsnprintf(page->text + page->used, page->room - page->used, format, args);
    va_end(args);
    if (length > 0 && page->used + (size_t)length < page->room) {
        page->used += (size_t)length;
    }
}

static void counter(struct page *page, const char *name, const char *help, uint64_t value)
{
    say(page, "# HELP %s %s\n# TYPE %s counter\n%s %llu\n", name, help, name, name,
        (unsigned long long)value);
}

static void head(struct page *page, const char *name, const char *type, const char *help)
{
    say(page, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void say_fates(struct page *page, const struct tg_pipeline_status *status)
{
    head(page, "tollgate_rows_total", "counter", "Rows by their one fate.");
    for (unsigned fate = 1; fate < TG_FATE_COUNT; fate++) {
        say(page, "tollgate_rows_total{fate=\"%s\"} %llu\n", tg_fate_name(fate),
            (unsigned long long)status->fate_rows[fate]);
    }
}

static void say_stages(struct page *page, const struct tg_pipeline_status *status)
{
    const uint64_t per_s = tg_stage_ticks_per_s();
    head(page, "tollgate_stage_rows_total", "counter", "Rows that left a stage.");
    for (unsigned i = 0; i < TG_STAGES_COUNT; i++) {
        say(page, "tollgate_stage_rows_total{stage=\"%s\"} %llu\n", tg_stage_name(i),
            (unsigned long long)status->stages[i].rows_count);
    }
    head(page, "tollgate_stage_nanoseconds_total", "counter", "Time spent in a stage.");
    for (unsigned i = 0; i < TG_STAGES_COUNT; i++) {
        const unsigned __int128 ns =
            (unsigned __int128)status->stages[i].cycles * 1000000000u / (per_s != 0 ? per_s : 1);
        say(page, "tollgate_stage_nanoseconds_total{stage=\"%s\"} %llu\n", tg_stage_name(i),
            (unsigned long long)ns);
    }
}

static void say_port(struct page *page, const char *port, const struct tg_port_counters *c)
{
    const struct {
        const char *reason;
        uint64_t value;
    } refused[] = {{"not_udp", c->refused_not_udp_count},   {"fragment", c->refused_fragment_count},
                   {"length", c->refused_length_count},     {"checksum", c->refused_checksum_count},
                   {"empty", c->refused_empty_count},       {"dropped", c->dropped_count}};
    say(page, "tollgate_port_datagrams_total{port=\"%s\"} %llu\n", port,
        (unsigned long long)c->datagrams_count);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        say(page, "tollgate_port_refused_total{port=\"%s\",reason=\"%s\"} %llu\n", port,
            refused[i].reason, (unsigned long long)refused[i].value);
    }
}

static void say_ingest(struct page *page, const struct tg_pipeline_status *status)
{
    const struct tg_ingest_counts *in = &status->ingest;
    counter(page, "tollgate_inputs_total", "Datagrams and file chunks.", in->inputs_count);
    counter(page, "tollgate_input_octets_total", "Their octets.", in->octets);
    counter(page, "tollgate_decoded_rows_total", "Rows decoded.", in->rows_count);
    counter(page, "tollgate_refusals_total", "Pieces refused by decoders.", in->refusals_count);
    counter(page, "tollgate_parked_total", "Pieces parked for their template.", in->parked_count);
    counter(page, "tollgate_observations_total", "Telemetry.", in->observations_count);
    counter(page, "tollgate_sessions_total", "Session events.", in->sessions_count);
    counter(page, "tollgate_lost_records_total", "Missing by sequence number.", in->lost_records);
    counter(page, "tollgate_answers_total", "Answers sent.", in->answers_sent_count);
    counter(page, "tollgate_answers_dropped_total", "Answers not sent.",
            in->answers_dropped_count);
    counter(page, "tollgate_hop_waits_total", "Times a rate worker's ring was full.",
            in->hop_waits_count);
}

static void gauge(struct page *page, const char *name, const char *help, uint64_t value)
{
    head(page, name, "gauge", help);
    say(page, "%s %llu\n", name, (unsigned long long)value);
}

static void say_checkpoint(struct page *page, const struct tg_checkpointer_status *c)
{
    const uint64_t now_ns = (uint64_t)tg_clock_monotonic_ns();
    counter(page, "tollgate_checkpoints_total", "Checkpoints stored while running.",
            c->done_count);
    counter(page, "tollgate_checkpoints_failed_total",
            "Checkpoints given up; the one before stayed good.", c->failed_count);
    gauge(page, "tollgate_checkpoint_epoch", "A restart replays the journal after it.", c->epoch);
    if (c->finished_ns == 0) {
        return;
    }
    gauge(page, "tollgate_checkpoint_age_nanoseconds", "Since the last one was stored.",
          now_ns - c->finished_ns);
    gauge(page, "tollgate_checkpoint_duration_nanoseconds", "The last one, from start to stored.",
          c->duration_ns);
    gauge(page, "tollgate_checkpoint_pause_nanoseconds",
          "The longest time that rows waited for a piece of it.", c->pause_ns_max);
    gauge(page, "tollgate_checkpoint_pages", "Its pages.", c->pages_count);
    gauge(page, "tollgate_checkpoint_octets", "Their octets.", c->octets);
}

/* Those from outside only: what is linked in cannot be taken out of use. */
static void say_plugins(struct page *page)
{
    head(page, "tollgate_plugin_quarantined", "gauge", "1: taken out of use, by reason.");
    for (uint32_t i = 0; i < tg_plug_count(); i++) {
        const struct tg_plug *plug = tg_plug_at(i);
        const int32_t reason = atomic_load_explicit(&plug->quarantine, memory_order_relaxed);
        if (plug->origin != TG_PLUG_BUILTIN) {
            say(page, "tollgate_plugin_quarantined{plugin=\"%s\",reason=\"%s\"} %d\n",
                plug->name, reason != TG_OK ? tg_err_name(reason) : "", reason != TG_OK);
        }
    }
    head(page, "tollgate_plugin_faults_total", "counter", "Faulty answers since it was loaded.");
    for (uint32_t i = 0; i < tg_plug_count(); i++) {
        const struct tg_plug *plug = tg_plug_at(i);
        if (plug->origin != TG_PLUG_BUILTIN) {
            say(page, "tollgate_plugin_faults_total{plugin=\"%s\"} %llu\n", plug->name,
                (unsigned long long)atomic_load_explicit(&plug->faults_count,
                                                         memory_order_relaxed));
        }
    }
}

static void say_credit(struct page *page, const struct tg_credit_counts *credit)
{
    const struct {
        const char *state;
        uint64_t value;
    } states[] = {{"held", credit->opened_count},
                  {"posted", credit->posted_count},
                  {"voided", credit->voided_count},
                  {"expired", credit->expired_count}};
    head(page, "tollgate_reservations_total", "counter",
         "Prepaid reservations: made (held), committed (posted), released (voided), expired.");
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        say(page, "tollgate_reservations_total{state=\"%s\"} %llu\n", states[i].state,
            (unsigned long long)states[i].value);
    }
    counter(page, "tollgate_reservations_node_down_total",
            "Of the expired, those whose node was down.", credit->outages_count);
    head(page, "tollgate_reservations_open", "gauge", "Reservations that hold money now.");
    say(page, "tollgate_reservations_open %llu\n", (unsigned long long)credit->open_count);
    counter(page, "tollgate_topups_total", "Prepaid top-ups.", credit->topups_count);
    counter(page, "tollgate_credit_lapsed_total", "Times that prepaid money lapsed.",
            credit->lapsed_count);
    counter(page, "tollgate_credit_refused_total", "Prepaid requests refused.",
            credit->refused_count);
    counter(page, "tollgate_credit_full_total", "Of these, for want of room.", credit->full_count);
    counter(page, "tollgate_credit_forgotten_total", "Closed prepaid ids forgotten to make room.",
            credit->forgotten_count);
    counter(page, "tollgate_over_credit_rows_total", "Rows rated beyond the prepaid credit.",
            credit->over_count);
    counter(page, "tollgate_credit_alerts_total", "Balances that fell below an alert.",
            credit->alerts_count);
}

size_t tg_metrics_text(const struct tg_pipeline *pipeline, const struct tg_pipeline_port *ports,
                       uint32_t ports_count, char *text, size_t text_bytes)
{
    struct page page = {text, text_bytes, 0};
    struct tg_pipeline_status status;
    text[0] = '\0';
    tg_pipeline_status(pipeline, &status);
    say_fates(&page, &status);
    say_ingest(&page, &status);
    say_stages(&page, &status);
    counter(&page, "tollgate_journal_rows_total", "Rows written.", status.journal_rows_count);
    counter(&page, "tollgate_journal_plain_bytes_total", "Before compression.",
            status.journal_plain_bytes);
    counter(&page, "tollgate_journal_stored_bytes_total", "After compression.",
            status.journal_stored_bytes);
    counter(&page, "tollgate_journal_syncs_total", "fdatasync calls.", status.journal_syncs_count);
    counter(&page, "tollgate_journal_waits_total", "Back-pressure.", status.journal_waits_count);
    counter(&page, "tollgate_durable_epoch", "Last durable epoch.", status.durable_epoch);
    head(&page, "tollgate_addresses", "gauge", "Addresses with a known holder.");
    say(&page, "tollgate_addresses %u\n", status.sessions_count);
    head(&page, "tollgate_dedup_records", "gauge", "Records remembered.");
    say(&page, "tollgate_dedup_records %llu\n", (unsigned long long)status.dedup_records_count);
    counter(&page, "tollgate_addresses_refused_total", "Session events that found no place.",
            status.sessions_refused_count);
    counter(&page, "tollgate_dedup_rotations_total", "Generations of records forgotten.",
            status.dedup_rotations_count);
    counter(&page, "tollgate_calls_forgotten_total",
            "Open calls forgotten to make room: their later records are calls of their own.",
            status.calls_forgotten_count);
    counter(&page, "tollgate_readings_evicted_total", "Cumulative readings pushed out.",
            status.readings_evicted_count);
    counter(&page, "tollgate_sequence_unaudited_total", "Messages whose stream found no place.",
            status.sequence_refused_count);
    say_plugins(&page);
    say_checkpoint(&page, &status.checkpoint);
    say_credit(&page, &status.credit);
    head(&page, "tollgate_port_datagrams_total", "counter", "Payloads by port.");
    for (uint32_t i = 0; i < ports_count; i++) {
        struct tg_port_counters counters;
        tg_pipeline_port_counters(pipeline, i, &counters);
        say_port(&page, ports[i].config.name, &counters);
    }
    return page.used;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_bytes, void **state)
{
    const struct tg_metrics *metrics = context;
    (void)version;
    (void)data;
    (void)data_bytes;
    (void)state;
    const bool is_metrics = strcmp(url, "/metrics") == 0;
    const bool is_known = is_metrics || strcmp(url, "/healthz") == 0;
    char *text = malloc(TEXT_BYTES);
    unsigned status = MHD_HTTP_OK;
    if (text == NULL || strcmp(method, "GET") != 0) {
        free(text);
        return MHD_NO;
    }
    if (is_metrics) {
        (void)tg_metrics_text(metrics->pipeline, metrics->ports, metrics->ports_count, text,
                              TEXT_BYTES);
    } else {
        status = is_known ? MHD_HTTP_OK : MHD_HTTP_NOT_FOUND;
        (void)snprintf(text, TEXT_BYTES, is_known ? "ok\n" : "only /metrics and /healthz\n");
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    (void)MHD_add_response_header(response, "Content-Type", "text/plain; version=0.0.4");
    const enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

enum tg_err tg_metrics_open(const char *listen, const struct tg_pipeline *pipeline,
                            const struct tg_pipeline_port *ports, uint32_t ports_count,
                            struct tg_metrics **metrics, struct tg_why *why)
{
    uint8_t address[16];
    uint16_t port;
    if (tg_scalar_listen(listen, strlen(listen), address, &port) != TG_OK) {
        return tg_why_set(why, TG_E_SYNTAX, "metrics: %s is no address:port", listen);
    }
    struct tg_metrics *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return TG_E_NO_MEMORY;
    }
    made->pipeline = pipeline;
    made->ports = ports;
    made->ports_count = ports_count;
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&at.sin6_addr, address, 16);
    made->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_DUAL_STACK, port,
                                    NULL, NULL, answer, made, MHD_OPTION_SOCK_ADDR, &at,
                                    MHD_OPTION_CONNECTION_LIMIT, 16u,
                                    MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_END);
    if (made->daemon == NULL) {
        free(made);
        return tg_why_set(why, TG_E_PORT_OPEN, "metrics: cannot listen on %s", listen);
    }
    *metrics = made;
    return TG_OK;
}

void tg_metrics_close(struct tg_metrics *metrics)
{
    if (metrics != NULL) {
        MHD_stop_daemon(metrics->daemon);
        free(metrics);
    }
}
