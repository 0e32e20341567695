/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* nftw */
#include "bench/bench_rig.h"

#include "abi/key.h"
#include "base/arena.h"
#include "base/clock.h"
#include "ledger/scan.h"
#include "mediate/cumulative.h"
#include "mediate/sequence.h"
#include "mediate/session.h"
#include "mediate/source.h"
#include "plug/registry.h"
#include "ports/strip.h"
#include "rate/account.h"
#include "rt/eal.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SEQUENCE_STREAMS 64u
#define CUMULATIVE_COUNT 1024u
#define DEDUP_RECORDS    UINT64_C(4000000) /* the pipeline's default */
#define HOP_ROWS         16384u            /* the pipeline's, too */
#define SMALL_DECK       1000u
#define HEAD_OCTETS      42u
#define MONTH_ROWS       2u /* of each: one begins the line, one finds it */
#define MONTH_OCTETS     1000u

int64_t tg_bench_process_cpu_ns(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (int64_t)at.tv_sec * TG_NS_PER_S + at.tv_nsec;
}

/* ---- the port ------------------------------------------------------------------------------- */

static void input_of(const uint8_t *frame, uint32_t octets, int64_t now_ns, struct tg_input *input)
{
    struct tg_strip found;
    if (tg_strip(frame, octets, &found) != TG_OK) {
        return; /* the check at the end tells */
    }
    *input = (struct tg_input){.bytes = frame + found.payload_offset,
                               .length_bytes = found.payload_bytes,
                               .local_port = found.destination_port,
                               .from = {.port = found.source_port},
                               .arrival_ns = now_ns};
    memcpy(input->from.address, found.source_address, sizeof input->from.address);
}

static void port_salt(const struct tg_bench_port *port, struct tg_input *input, uint64_t given)
{
    const struct tg_feed *feed = port->feed;
    const uint64_t pass = given / feed->datagrams_count;
    const uint32_t index = (uint32_t)(given % feed->datagrams_count);
    if (pass > 0 && port->is_salted) {
        tg_feed_salt(feed, (uint8_t *)(uintptr_t)input->bytes, index, pass);
    }
}

/* The frame is copied first, as a driver's is: the next pass starts from the capture again. */
static uint32_t port_memory(struct tg_bench_port *port, int64_t now_ns, struct tg_input *inputs,
                            uint32_t wanted)
{
    static uint8_t frames[TG_BURST_MAX][TG_FEED_STRIDE_BYTES] __attribute__((aligned(64)));
    const struct tg_feed *feed = port->feed;
    for (uint32_t i = 0; i < wanted; i++) {
        const size_t index = (port->given_count + i) % feed->datagrams_count;
        memcpy(frames[i], feed->frames + index * TG_FEED_STRIDE_BYTES, feed->frame_octets);
        input_of(frames[i], feed->frame_octets, now_ns, &inputs[i]);
    }
    return wanted;
}

static uint32_t port_burst(struct tg_port *base, int64_t now_ns, struct tg_input *inputs,
                           uint32_t capacity)
{
    struct tg_bench_port *port = (struct tg_bench_port *)base;
    const uint64_t left = port->limit_count - port->given_count;
    const uint32_t room =
        port->burst_max != 0 && port->burst_max < capacity ? port->burst_max : capacity;
    const uint32_t wanted = left < room ? (uint32_t)left : room;
    (void)now_ns; /* arrival follows the capture, or its events would lie in the future */
    const int64_t pass = (int64_t)(port->given_count / port->feed->datagrams_count);
    const int64_t arrival_ns =
        TG_FEED_START_NS + TG_NS_PER_HOUR + pass * TG_FEED_PASS_S * TG_NS_PER_S;
    if (!port->has_template) {
        tg_feed_template(port->feed, port->templates_given++, port->template_frame);
        port->has_template = port->templates_given == port->feed->templates_count;
        input_of(port->template_frame, port->feed->template_octets, arrival_ns, inputs);
        return 1;
    }
    if (wanted == 0) {
        return 0;
    }
    const uint32_t count = port->inner != NULL
                               ? tg_port_burst(port->inner, arrival_ns, inputs, wanted)
                               : port_memory(port, arrival_ns, inputs, wanted);
    for (uint32_t i = 0; i < count; i++) {
        port_salt(port, &inputs[i], port->given_count + i);
    }
    port->given_count += count;
    return count;
}

static void port_release(struct tg_port *base)
{
    const struct tg_bench_port *port = (const struct tg_bench_port *)base;
    if (port->inner != NULL) {
        tg_port_release(port->inner);
    }
}

static void port_position(const struct tg_port *base, struct tg_position *position)
{
    *position = (struct tg_position){0, ((const struct tg_bench_port *)base)->given_count};
}

static const struct tg_port_ops port_ops = {.size_bytes = sizeof(struct tg_bench_port),
                                            .burst = port_burst,
                                            .release = port_release,
                                            .position = port_position};

/* ---- assembly ------------------------------------------------------------------------------- */

static enum tg_err open_port(struct tg_rig *rig, struct tg_why *why)
{
    rig->port =
        (struct tg_bench_port){.base = {.ops = &port_ops, .kind = TG_PORT_VDEV, .name = "bench"},
                               .feed = &rig->feed,
                               .burst_max = rig->options->burst_max,
                               .is_salted = true};
    if (rig->options->is_fixed) {
        return TG_OK;
    }
    char path[320];
    (void)snprintf(path, sizeof path, "%s/flows.pcap", rig->dir);
    const struct tg_port_config config = {.size_bytes = sizeof config,
                                          .kind = TG_PORT_PCAP,
                                          .name = "bench",
                                          .target = path,
                                          .is_infinite = true};
    enum tg_err err = tg_feed_pcap(&rig->feed, path, why);
    if (err == TG_OK && !tg_eal_is_running()) {
        const struct tg_eal_config eal = {.size_bytes = sizeof eal,
                                          .memory_mib = 256 + rig->options->datagrams_count / 400};
        err = tg_eal_start(&eal, why);
    }
    return err == TG_OK ? tg_port_open(&config, &rig->port.inner, why) : err;
}

static enum tg_err open_tables(struct tg_rig *rig, struct tg_why *why)
{
    struct tg_plug *plug = tg_plug_find(TG_PLUGIN_DECODER, "ipfix");
    const struct tg_decoder_config decoder = {.size_bytes = sizeof decoder, .hash_seed = 7};
    if (plug == NULL) {
        return tg_why_set(why, TG_E_NOT_FOUND, "the ipfix decoder is not linked in");
    }
    rig->sources = tg_sources_create();
    rig->sequence = tg_sequence_create(SEQUENCE_STREAMS);
    rig->cumulative = tg_cumulative_create(CUMULATIVE_COUNT);
    if (rig->sources == NULL || rig->sequence == NULL || rig->cumulative == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for tables");
    }
    enum tg_err err = tg_dispatch_add(&rig->dispatch, "ipfix", plug->plugin->contract, TG_FEED_PORT,
                                      &decoder, why);
    return err == TG_OK ? tg_accounts_create(rig->world.subscribers_count, &rig->accounts, why)
                        : err;
}

static enum tg_err open_flow(struct tg_rig *rig, struct tg_why *why)
{
    const bool has_hop = rig->options->has_hop;
    const struct tg_journal_params journal = {
        .size_bytes = sizeof journal, .streams_count = has_hop ? 2 : 1, .dir = rig->dir};
    enum tg_err err = tg_journal_open(&journal, &rig->journal, why);
    const struct tg_rating_params rating = {.dedup_records_max = DEDUP_RECORDS,
                                            .ring_rows_count = has_hop ? HOP_ROWS : 0,
                                            .stream = has_hop ? 1 : 0,
                                            .accounts = rig->accounts,
                                            .journal = rig->journal,
                                            .catalog = &rig->world.published};
    err = err == TG_OK ? tg_rating_create(&rating, &rig->rating, why) : err;
    tg_snapshot_init(&rig->sessions_published, rig->world.sessions);
    const struct tg_ingest_params params = {.journal = rig->journal,
                                            .catalog = &rig->world.published,
                                            .inventory = rig->world.inventory,
                                            .dispatch = &rig->dispatch,
                                            .sources = rig->sources,
                                            .sequence = rig->sequence,
                                            .sessions = rig->world.sessions,
                                            .sessions_published = &rig->sessions_published,
                                            .cumulative = rig->cumulative,
                                            .timeline = rig->world.timeline,
                                            .ratings = {rig->rating},
                                            .ratings_count = 1,
                                            .is_inline = !has_hop,
                                            .time = tg_time_live()};
    err = err == TG_OK ? tg_ingest_create(&params, &rig->ingest, why) : err;
    const struct tg_ingest_port port = {
        .port = &rig->port.base, .name_hash = 1, .decoder = TG_DECODER_NONE};
    return err == TG_OK ? tg_ingest_add_port(rig->ingest, &port) : err;
}

enum tg_err tg_rig_open(struct tg_rig *rig, const struct tg_bench_options *options,
                        uint32_t subscribers_count, bool is_zipf, struct tg_why *why)
{
    memset(rig, 0, sizeof *rig);
    rig->options = options;
    (void)snprintf(rig->dir, sizeof rig->dir, "%s/tollgate-bench-XXXXXX", options->dir);
    if (mkdtemp(rig->dir) == NULL) {
        rig->dir[0] = '\0';
        return tg_why_set(why, TG_E_IO, "cannot make a folder in %s", options->dir);
    }
    const struct tg_feed_shape shape = {.datagrams_count = options->datagrams_count,
                                        .subscribers_count = subscribers_count,
                                        .down_percent = options->down_percent,
                                        .records_count = options->records_count,
                                        .templates_count = options->templates_count,
                                        .duplicates_percent = options->duplicates_percent,
                                        .theta_percent = options->theta_percent,
                                        .seed = options->seed,
                                        .is_zipf = is_zipf};
    enum tg_err err = tg_feed_open_shaped(&rig->feed, &shape);
    err = err == TG_OK ? tg_world_open(&rig->world, rig->dir, subscribers_count, SMALL_DECK, true,
                                       options->seed, why)
                       : err;
    err = err == TG_OK ? tg_reference_open(&rig->reference, &rig->world) : err;
    if (options->reference_price != 0) {
        rig->reference.data_price = options->reference_price;
    }
    err = err == TG_OK ? open_port(rig, why) : err;
    err = err == TG_OK ? open_tables(rig, why) : err;
    return err == TG_OK ? open_flow(rig, why) : err;
}

static int entry_remove(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status;
    (void)kind;
    (void)at;
    return remove(path);
}

void tg_rig_remove(const char *dir)
{
    (void)nftw(dir, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static void *rater_run(void *argument)
{
    struct tg_rig *rig = argument;
    tg_snapshot_reader_register();
    tg_rating_run(rig->rating, &rig->stop);
    tg_snapshot_reader_unregister();
    return NULL;
}

/* Not before the first pass: until then the main thread may rate by itself (tg_rig_month). */
static enum tg_err rater_start(struct tg_rig *rig, struct tg_why *why)
{
    if (!rig->options->has_hop || rig->is_rater_started) {
        return TG_OK;
    }
    rig->rating->epoch = rig->ingest->epoch;
    rig->is_rater_started = pthread_create(&rig->rater, NULL, rater_run, rig) == 0;
    return rig->is_rater_started ? TG_OK
                                 : tg_why_set(why, TG_E_NO_MEMORY, "cannot start a rate worker");
}

static void rater_stop(struct tg_rig *rig)
{
    if (rig->is_rater_started) {
        tg_stop_request(&rig->stop);
        (void)pthread_join(rig->rater, NULL);
    }
}

void tg_rig_close(struct tg_rig *rig)
{
    rater_stop(rig);
    tg_ingest_destroy(rig->ingest);
    (void)tg_journal_close(rig->journal);
    tg_rating_destroy(rig->rating);
    tg_accounts_destroy(rig->accounts);
    tg_dispatch_close(&rig->dispatch);
    tg_cumulative_free(rig->cumulative);
    tg_sequence_free(rig->sequence);
    tg_sources_free(rig->sources);
    tg_port_close(rig->port.inner);
    tg_reference_close(&rig->reference);
    tg_world_close(&rig->world);
    tg_feed_close(&rig->feed);
    if (rig->dir[0] != '\0') {
        tg_rig_remove(rig->dir);
    }
    memset(rig, 0, sizeof *rig);
}

/* ---- the month so far ------------------------------------------------------------------------ */

static void month_batch(struct tg_rig *rig, struct tg_batch *batch, uint32_t first)
{
    const uint32_t left = rig->world.subscribers_count - first;
    batch->rows_count = left < TG_BATCH_ROWS_MAX ? left : TG_BATCH_ROWS_MAX;
    for (uint32_t i = 0; i < batch->rows_count; i++) {
        batch->rows[i] = (struct tg_usage){
            .start_ns = TG_FEED_START_NS, .quantity_up = MONTH_OCTETS, .service = TG_SERVICE_DATA};
        batch->charges[i] = (struct tg_charge){.subscriber = first + i, .node_state = TG_NODE_UP};
        tg_reference_data(&rig->reference, first + i, MONTH_OCTETS);
    }
    tg_rating_price(rig->rating, batch);
}

enum tg_err tg_rig_month(struct tg_rig *rig, struct tg_why *why)
{
    static struct tg_batch batch;
    const struct tg_sums before = rig->reference.sums;
    for (uint32_t row = 0; row < MONTH_ROWS; row++) {
        for (uint32_t first = 0; first < rig->world.subscribers_count; first += TG_BATCH_ROWS_MAX) {
            month_batch(rig, &batch, first);
            for (uint32_t i = 0; i < batch.rows_count; i++) {
                if (batch.charges[i].fate != TG_FATE_RATED) {
                    return tg_why_set(why, TG_E_INVALID, "subscriber %u: no row before the first",
                                      first + i);
                }
            }
        }
    }
    tg_snapshot_quiescent();
    rig->reference.sums = before;
    return TG_OK;
}

/* ---- runs ----------------------------------------------------------------------------------- */

void tg_rig_settle(struct tg_rig *rig)
{
    if (rig->options->is_settled) {
        (void)tg_journal_wait(rig->journal, rig->ingest->epoch - 1);
    }
}

enum tg_err tg_rig_pass(struct tg_rig *rig, struct tg_why *why)
{
    const enum tg_err err = rater_start(rig, why);
    if (err != TG_OK) {
        return err;
    }
    rig->port.limit_count += rig->feed.datagrams_count;
    rig->passes_count++;
    while (rig->port.given_count < rig->port.limit_count && !tg_ingest_has_failed(rig->ingest)) {
        tg_rig_settle(rig);
        (void)tg_ingest_step(rig->ingest);
    }
    return TG_OK;
}

enum tg_err tg_rig_durable(struct tg_rig *rig, struct tg_why *why)
{
    const uint64_t last = tg_ingest_end_epoch(rig->ingest);
    const enum tg_err err = tg_journal_wait(rig->journal, last);
    tg_ingest_acknowledge(rig->ingest);
    return err == TG_OK ? TG_OK : tg_journal_error(rig->journal, why);
}

enum tg_err tg_rig_whole(struct tg_rig *rig, struct tg_why *why)
{
    const enum tg_err err = tg_rig_pass(rig, why);
    return err == TG_OK ? tg_rig_durable(rig, why) : err;
}

static enum tg_err sums_fold(void *context, const struct tg_scan_view *view)
{
    struct tg_sums *sums = context;
    for (uint32_t i = 0; i < view->rows_count; i++) {
        if (view->fate[i] == TG_FATE_DUPLICATE) {
            sums->duplicates_count++;
            continue;
        }
        if (view->fate[i] != TG_FATE_RATED || view->node_state[i] != TG_NODE_UP) {
            sums->other_count++;
            continue;
        }
        sums->rows_count++;
        sums->amount += view->amount[i];
        sums->billed_units += view->billed_units[i];
        sums->allowance_units += view->allowance_units[i];
    }
    return TG_OK;
}

static void refer(struct tg_rig *rig)
{
    const uint64_t records_count = (uint64_t)rig->feed.datagrams_count * rig->feed.records_count;
    for (; rig->referred_count < rig->passes_count; rig->referred_count++) {
        for (uint64_t i = 0; i < records_count; i++) {
            const struct tg_feed_record *record = &rig->feed.records[i];
            if (record->is_duplicate) {
                rig->reference.sums.duplicates_count++;
                continue;
            }
            tg_reference_data(&rig->reference,
                              tg_feed_subscriber_in(&rig->feed, record, rig->referred_count),
                              record->octets);
        }
    }
}

enum tg_err tg_rig_check(struct tg_rig *rig, bool *is_void, struct tg_why *why)
{
    struct tg_sums sums = {0};
    struct tg_scan *scan = NULL;
    const struct tg_scan_params params = {
        .size_bytes = sizeof params,
        .dir = rig->dir,
        .columns = TG_COLUMN_BIT(fate) | TG_COLUMN_BIT(amount) | TG_COLUMN_BIT(billed_units) |
                   TG_COLUMN_BIT(allowance_units) | TG_COLUMN_BIT(node_state)};
    enum tg_err err = tg_scan_open(&params, &scan, why);
    err = err == TG_OK ? tg_scan_fold(scan, sums_fold, &sums, why) : err;
    tg_scan_close(scan);
    refer(rig);
    const struct tg_sums *wanted = &rig->reference.sums;
    if (err == TG_OK && !tg_sums_equal(&sums, wanted)) {
        *is_void = true;
        (void)tg_why_set(
            why, TG_E_INVALID,
            "journal: %" PRIu64 " rated rows of %" PRIi64 ", %" PRIu64 " units, %" PRIu64
            " free, %" PRIu64 " duplicates, %" PRIu64 " other rows; reference: %" PRIu64
            " of %" PRIi64 ", %" PRIu64 " units, %" PRIu64 " free, %" PRIu64 " duplicates",
            sums.rows_count, sums.amount, sums.billed_units, sums.allowance_units,
            sums.duplicates_count, sums.other_count, wanted->rows_count, wanted->amount,
            wanted->billed_units, wanted->allowance_units, wanted->duplicates_count);
    }
    return err;
}
