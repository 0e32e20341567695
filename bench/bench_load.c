/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/bench_load.h"

#include "base/clock.h"

#include <inttypes.h>
#include <string.h>

static const uint32_t shares_ppm[] = {500000, 900000, 990000, 999000, 999900};

static void add(const struct tg_load *load, struct tg_histogram *histogram, uint64_t from,
                uint64_t to, int64_t now_ns)
{
    for (uint64_t i = from; i < to; i++) {
        const int64_t intended_ns =
            load->begin_ns + (int64_t)(i - load->first_datagram) * load->interval_ns;
        tg_histogram_add(histogram, now_ns - intended_ns, TG_FEED_RECORDS);
    }
}

static void durable_take(struct tg_load *load)
{
    const uint64_t durable = tg_journal_durable_epoch(load->rig.journal);
    uint32_t done = 0;
    while (done < load->pending_count && load->pending[done].epoch <= durable) {
        const uint64_t end = load->pending[done++].datagrams_end;
        add(load, &load->durable, load->durable_end, end, tg_clock_monotonic_ns());
        load->durable_end = end;
    }
    load->pending_count -= done;
    memmove(load->pending, load->pending + done, load->pending_count * sizeof load->pending[0]);
}

static enum tg_err pending_add(struct tg_load *load, uint64_t epoch, struct tg_why *why)
{
    if (load->pending_count == TG_LOAD_EPOCHS_MAX) {
        return tg_why_set(why, TG_E_FULL, "the disk is %u epochs behind", TG_LOAD_EPOCHS_MAX);
    }
    load->pending[load->pending_count++] =
        (struct tg_load_pending){epoch, load->rig.port.given_count};
    return TG_OK;
}

static enum tg_err step(struct tg_load *load, uint64_t end, struct tg_why *why)
{
    struct tg_rig *rig = &load->rig;
    const uint64_t epoch = rig->ingest->epoch;
    const uint64_t before = rig->port.given_count;
    const int64_t now_ns = tg_clock_monotonic_ns();
    const uint64_t due =
        now_ns < load->begin_ns ? 0 : 1 + (uint64_t)((now_ns - load->begin_ns) / load->interval_ns);
    const uint64_t limit = load->first_datagram + due;
    enum tg_err err = TG_OK;
    rig->port.limit_count = limit < end ? limit : end;
    (void)tg_ingest_step(rig->ingest);
    if (rig->port.given_count > before) {
        add(load, &load->rated, before, rig->port.given_count, tg_clock_monotonic_ns());
    }
    if (rig->ingest->epoch != epoch) {
        err = pending_add(load, epoch, why);
    }
    durable_take(load);
    return err == TG_OK && tg_ingest_has_failed(rig->ingest) ? tg_journal_error(rig->journal, why)
                                                             : err;
}

static enum tg_err end_reach(struct tg_load *load, uint64_t end, struct tg_why *why)
{
    enum tg_err err = TG_OK;
    while (err == TG_OK && load->rig.port.given_count < end) {
        err = step(load, end, why);
    }
    return err;
}

enum tg_err tg_load_run(struct tg_load *load, uint64_t rows_per_s, uint32_t seconds,
                        const uint32_t *is_over, struct tg_why *why)
{
    struct tg_rig *rig = &load->rig;
    const uint64_t pass_rows = (uint64_t)TG_LOAD_DATAGRAMS * TG_FEED_RECORDS;
    const uint64_t passes = 1 + rows_per_s * seconds / pass_rows;
    uint64_t end = rig->port.given_count + passes * TG_LOAD_DATAGRAMS;
    memset(&load->rated, 0, sizeof load->rated);
    memset(&load->durable, 0, sizeof load->durable);
    load->pending_count = 0;
    load->first_datagram = rig->port.given_count;
    load->durable_end = rig->port.given_count;
    load->interval_ns = (int64_t)(TG_FEED_RECORDS * UINT64_C(1000000000) / rows_per_s);
    load->begin_ns = tg_clock_monotonic_ns() + 1000000;
    rig->passes_count += passes;
    enum tg_err err = end_reach(load, end, why);
    while (err == TG_OK && is_over != NULL && __atomic_load_n(is_over, __ATOMIC_ACQUIRE) == 0) {
        end += TG_LOAD_DATAGRAMS;
        rig->passes_count++;
        err = end_reach(load, end, why);
    }
    while (err == TG_OK && load->durable_end < end) {
        err = step(load, end, why); /* the last epoch ends by its age */
    }
    return err;
}

enum tg_err tg_load_full(struct tg_load *load, uint64_t *rows_per_s, struct tg_why *why)
{
    const uint64_t pass_rows = (uint64_t)TG_LOAD_DATAGRAMS * TG_FEED_RECORDS;
    uint64_t rates[9];
    enum tg_err err = tg_rig_whole(&load->rig, why);
    for (unsigned i = 0; i < 9 && err == TG_OK; i++) {
        const int64_t from_ns = tg_clock_monotonic_ns();
        err = tg_rig_whole(&load->rig, why);
        rates[i] = pass_rows * 1000000000 / (uint64_t)(tg_clock_monotonic_ns() - from_ns);
        for (unsigned k = i; k > 0 && rates[k] < rates[k - 1]; k--) {
            const uint64_t swapped = rates[k];
            rates[k] = rates[k - 1];
            rates[k - 1] = swapped;
        }
    }
    *rows_per_s = err == TG_OK ? rates[4] : 0;
    return err;
}

static void print_us(uint64_t value_ns, bool is_csv)
{
    if (is_csv) {
        (void)printf(",%" PRIu64, value_ns);
    } else {
        (void)printf(" %8" PRIu64 ".%01" PRIu64, value_ns / 1000, value_ns % 1000 / 100);
    }
}

void tg_load_print(const struct tg_histogram *histogram, bool is_csv)
{
    for (unsigned i = 0; i < sizeof shares_ppm / sizeof shares_ppm[0]; i++) {
        print_us(tg_histogram_at_ns(histogram, shares_ppm[i]), is_csv);
    }
    print_us(histogram->max_ns, is_csv);
    (void)printf(is_csv ? ",%" PRIu64 "\n" : " %10" PRIu64 "\n", histogram->total_count);
    (void)fflush(stdout);
}
