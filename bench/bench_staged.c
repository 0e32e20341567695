/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/bench_staged.h"

#include "base/clock.h"
#include "mediate/source.h"

#include <string.h>

#define STAGE __attribute__((noinline)) static void

STAGE bench_stage_receive(struct tg_staged *staged)
{
    struct tg_port *port = &staged->rig->port.base;
    staged->inputs_count = tg_port_burst(port, 0, staged->inputs, TG_BURST_MAX);
}

/* Source numbers and the decoder, as burst_decode finds them, then the calls of decode_run. */
STAGE bench_stage_decode(struct tg_staged *staged)
{
    struct tg_ingest *ingest = staged->rig->ingest;
    uint8_t slot_index = TG_DECODER_NONE;
    for (uint32_t i = 0; i < staged->inputs_count; i++) {
        struct tg_source_key key;
        bool is_new;
        tg_source_key_of(&staged->inputs[i], 0, &key);
        staged->inputs[i].source_id = tg_sources_find(ingest->params.sources, &key, &is_new);
        slot_index = tg_dispatch_find(ingest->params.dispatch, &staged->inputs[i]);
    }
    const struct tg_decoder_slot *slot = &ingest->params.dispatch->slots[slot_index];
    uint32_t first = 0;
    staged->batches_count = 0;
    while (first < staged->inputs_count && staged->batches_count < TG_STAGED_BATCHES) {
        const uint32_t b = staged->batches_count++;
        tg_ingest_out_reset(ingest);
        ingest->out.rows = staged->batches[b].rows;
        ingest->out.rows_input = staged->rows_input[b];
        ingest->out.messages = staged->messages[b];
        staged->first[b] = first;
        staged->finished[b] = slot->decoder->decode(slot->state, &staged->inputs[first],
                                                    staged->inputs_count - first, &ingest->out);
        staged->batches[b].rows_count = ingest->out.rows_count;
        first += staged->finished[b];
    }
}

STAGE bench_stage_identify(struct tg_staged *staged)
{
    struct tg_ingest *ingest = staged->rig->ingest;
    struct tg_decoder_slot *slot = &ingest->params.dispatch->slots[0];
    for (uint32_t b = 0; b < staged->batches_count; b++) {
        const struct tg_input *inputs = &staged->inputs[staged->first[b]];
        memcpy(ingest->messages, staged->messages[b],
               staged->finished[b] * sizeof ingest->messages[0]);
        ingest->burst = staged->inputs;
        tg_ingest_messages(ingest, &ingest->ports[0], slot, inputs, staged->finished[b]);
        if (staged->batches[b].rows_count > 0) {
            tg_ingest_admit(ingest, &staged->batches[b], staged->rows_input[b], inputs,
                            staged->inputs_count - staged->first[b]);
            tg_ingest_identify(ingest, &staged->batches[b]);
        }
    }
}

STAGE bench_stage_dedup(struct tg_staged *staged)
{
    for (uint32_t b = 0; b < staged->batches_count; b++) {
        tg_rating_dedup(staged->rig->rating, &staged->batches[b]);
    }
}

STAGE bench_stage_price(struct tg_staged *staged)
{
    for (uint32_t b = 0; b < staged->batches_count; b++) {
        tg_rating_price(staged->rig->rating, &staged->batches[b]);
    }
}

STAGE bench_stage_journal(struct tg_staged *staged)
{
    struct tg_ingest *ingest = staged->rig->ingest;
    for (uint32_t b = 0; b < staged->batches_count; b++) {
        tg_ingest_append(ingest, &staged->batches[b]);
        staged->rows_count += staged->batches[b].rows_count;
    }
    if (tg_ingest_epoch_is_due(ingest)) {
        (void)tg_ingest_end_epoch(ingest);
    }
    tg_ingest_acknowledge(ingest);
    tg_snapshot_quiescent();
}

static void (*const stages[])(struct tg_staged *) = {
    [TG_BENCH_RECEIVE] = bench_stage_receive,   [TG_BENCH_DECODE] = bench_stage_decode,
    [TG_BENCH_IDENTIFY] = bench_stage_identify, [TG_BENCH_DEDUP] = bench_stage_dedup,
    [TG_BENCH_PRICE] = bench_stage_price,       [TG_BENCH_JOURNAL] = bench_stage_journal};

enum tg_err tg_staged_pass(struct tg_staged *staged, struct tg_why *why)
{
    struct tg_rig *rig = staged->rig;
    rig->port.limit_count += rig->feed.datagrams_count;
    rig->passes_count++;
    const int64_t process_ns = tg_bench_process_cpu_ns();
    const int64_t main_ns = tg_clock_thread_cpu_ns();
    int64_t before_ns = main_ns;
    while (rig->port.given_count < rig->port.limit_count && !tg_ingest_has_failed(rig->ingest)) {
        tg_rig_settle(rig);
        for (unsigned s = 0; s < sizeof stages / sizeof stages[0]; s++) {
            stages[s](staged);
            const int64_t now_ns = tg_clock_thread_cpu_ns();
            staged->cpu_ns[s] += now_ns - before_ns;
            before_ns = now_ns;
        }
        tg_port_release(&rig->port.base);
    }
    const uint64_t last = tg_ingest_end_epoch(rig->ingest);
    const enum tg_err err = tg_journal_wait(rig->journal, last);
    tg_ingest_acknowledge(rig->ingest);
    const int64_t now_ns = tg_clock_thread_cpu_ns();
    staged->cpu_ns[TG_BENCH_JOURNAL] += now_ns - before_ns;
    /* What the process used besides this thread is the journal's writer. */
    staged->cpu_ns[TG_BENCH_JOURNAL] += tg_bench_process_cpu_ns() - process_ns - (now_ns - main_ns);
    return err == TG_OK ? TG_OK : tg_journal_error(rig->journal, why);
}
