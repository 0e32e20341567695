/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* gettid */
#include "flow/checkpointer.h"

#include "base/clock.h"
#include "flow/pipeline_state.h"
#include "ledger/checkpoint.h"
#include "ledger/journal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define WAIT_NS          200000 /* between looks at what the ingest lcore has done */
#define NICE             5      /* rows go first where there are not enough cores */
#define STATE_ROOM_LEAST ((size_t)65536)
#define STATE_ROOM_MAX   ((size_t)64 << 20)

struct tg_checkpointer {
    struct tg_checkpointer_params params;
    struct tg_positions positions;
    struct tg_checkpointer_status status; /* relaxed, each word by itself */
    pthread_t thread;
    bool is_started;      /* the thread is to be joined; the asker's own */
    bool is_here;         /* no lcore runs: this thread serves the cut itself */
    uint32_t is_over;     /* release by the thread, acquire by the asker */
    uint32_t is_given_up; /* relaxed; set by cancel */
    uint64_t *numbers;    /* pages stored by the running one */
    size_t numbers_count;
    size_t numbers_capacity;
    uint64_t octets;
    enum tg_err err;
    struct tg_why why;
};

static void status_set(uint64_t *field, uint64_t value)
{
    __atomic_store_n(field, value, __ATOMIC_RELAXED);
}

enum tg_err tg_checkpointer_create(const struct tg_checkpointer_params *params,
                                   struct tg_positions *positions, uint64_t epoch,
                                   struct tg_checkpointer **checkpointer, struct tg_why *why)
{
    struct tg_checkpointer *made = calloc(1, sizeof *made);
    *checkpointer = made;
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for checkpoints");
    }
    made->params = *params;
    made->positions = *positions;
    made->status.epoch = epoch;
    *positions = (struct tg_positions){0};
    return TG_OK;
}

void tg_checkpointer_destroy(struct tg_checkpointer *checkpointer)
{
    if (checkpointer == NULL) {
        return;
    }
    for (uint32_t i = 0; i < TG_DECODERS_MAX; i++) {
        free(checkpointer->params.cut->states[i].bytes);
        checkpointer->params.cut->states[i] = (struct tg_cut_state){0};
    }
    tg_positions_free(&checkpointer->positions);
    free(checkpointer->numbers);
    free(checkpointer);
}

/* Waits a little for the ingest lcore, or does its part where it does not run; false: it never will
 * come. */
static bool turn(struct tg_checkpointer *c)
{
    const struct timespec pause = {.tv_nsec = WAIT_NS};
    if (c->is_here) {
        tg_cut_serve(c->params.cut, tg_journal_durable_epoch(c->params.journal));
        return true;
    }
    (void)nanosleep(&pause, NULL);
    return __atomic_load_n(&c->is_given_up, __ATOMIC_RELAXED) == 0 &&
           tg_journal_error(c->params.journal, NULL) == TG_OK;
}

static enum tg_err given_up(struct tg_checkpointer *c)
{
    return tg_why_set(&c->why, TG_E_STATE, "the engine stopped before the checkpoint was whole");
}

/* Waits until the phase is none of these two. */
static enum tg_err phase_leave(struct tg_checkpointer *c, enum tg_cut_phase one,
                               enum tg_cut_phase other)
{
    for (;;) {
        /* Pairs with the release store of tg_cut_phase_set by the ingest lcore. */
        const uint32_t phase = __atomic_load_n(&c->params.cut->phase, __ATOMIC_ACQUIRE);
        if (phase != one && phase != other) {
            return TG_OK;
        }
        if (!turn(c)) {
            return given_up(c);
        }
    }
}

/* Room for decoder states, a quarter more than they need now. */
static enum tg_err states_room(struct tg_checkpointer *c)
{
    for (uint32_t i = 0; i < TG_DECODERS_MAX; i++) {
        struct tg_cut_state *state = &c->params.cut->states[i];
        const size_t wanted = state->size_bytes + state->size_bytes / 4 + STATE_ROOM_LEAST;
        if (state->size_bytes > STATE_ROOM_MAX) {
            return tg_why_set(&c->why, TG_E_FULL, "a decoder's state has more than %zu octets",
                              STATE_ROOM_MAX);
        }
        if (state->size_bytes == 0 || state->size_bytes <= state->capacity_bytes) {
            continue;
        }
        free(state->bytes);
        state->bytes = malloc(wanted);
        state->capacity_bytes = state->bytes != NULL ? wanted : 0;
        if (state->bytes == NULL) {
            return tg_why_set(&c->why, TG_E_NO_MEMORY, "no memory for a decoder's state");
        }
        memset(state->bytes, 0, wanted); /* its page faults are not the ingest lcore's */
    }
    return TG_OK;
}

static enum tg_err cut_ask(struct tg_checkpointer *c)
{
    struct tg_cut *cut = c->params.cut;
    cut->pause_ns_max = 0;
    cut->pause_ns_sum = 0;
    tg_cut_phase_set(cut, TG_CUT_MEASURE);
    enum tg_err err = phase_leave(c, TG_CUT_MEASURE, TG_CUT_MEASURE);
    while (err == TG_OK && __atomic_load_n(&cut->phase, __ATOMIC_ACQUIRE) == TG_CUT_MEASURED) {
        err = states_room(c);
        if (err == TG_OK) {
            tg_cut_phase_set(cut, TG_CUT_BEGIN);
            err = phase_leave(c, TG_CUT_BEGIN, TG_CUT_BEGIN);
        }
    }
    return err;
}

static enum tg_err number_note(struct tg_checkpointer *c, uint64_t number)
{
    if (c->numbers_count == c->numbers_capacity) {
        const size_t capacity = c->numbers_capacity * 2 + 1024;
        uint64_t *more = realloc(c->numbers, capacity * sizeof *more);
        if (more == NULL) {
            return tg_why_set(&c->why, TG_E_NO_MEMORY, "no memory for a list of pages");
        }
        c->numbers = more;
        c->numbers_capacity = capacity;
    }
    c->numbers[c->numbers_count++] = number;
    return TG_OK;
}

static enum tg_err page_store(struct tg_checkpointer *c, struct tg_checkpoint_writer *writer,
                              const struct tg_cut_page *taken)
{
    const struct tg_checkpoint_page page = {
        taken->number, taken->epoch, {taken->bytes, taken->size_bytes}};
    enum tg_err err = number_note(c, page.number); /* first: it is not dirty any more */
    if (err == TG_OK) {
        c->octets += page.bytes.length_bytes;
        err = tg_checkpoint_put(writer, &page, &c->why);
    }
    return err;
}

static enum tg_err pages_store(struct tg_checkpointer *c, struct tg_checkpoint_writer *writer)
{
    struct tg_cut *cut = c->params.cut;
    enum tg_err err = TG_OK;
    while (err == TG_OK) {
        /* Read before the ring: pages that were taken before it are seen there. */
        const bool is_taken = __atomic_load_n(&cut->phase, __ATOMIC_ACQUIRE) == TG_CUT_TAKEN;
        const struct tg_cut_page *page = tg_cut_page_next(cut);
        if (page != NULL) {
            err = page_store(c, writer, page);
            if (err == TG_OK) {
                tg_cut_page_done(cut);
            }
        } else if (is_taken) {
            return cut->is_whole ? TG_OK
                                 : tg_why_set(&c->why, TG_E_FULL,
                                              "rows changed shelves faster than they are copied");
        } else if (!turn(c)) {
            err = given_up(c);
        }
    }
    return err;
}

static uint32_t blobs_list(const struct tg_checkpointer *c, struct tg_checkpoint_blob *blobs)
{
    const struct tg_cut *cut = c->params.cut;
    uint32_t count = 0;
    for (uint32_t i = 0; i < TG_DECODERS_MAX; i++) {
        if (cut->states[i].size_bytes != 0) {
            (void)snprintf(blobs[count].name, sizeof blobs[count].name, TG_BLOB_DECODER "%s",
                           cut->params.dispatch->slots[i].name);
            blobs[count++].bytes =
                (struct tg_bytes){cut->states[i].bytes, cut->states[i].size_bytes};
        }
    }
    if (cut->sources_count > 1) {
        blobs[count++] = (struct tg_checkpoint_blob){
            TG_BLOB_SOURCES, {&cut->sources[1], (cut->sources_count - 1) * sizeof cut->sources[1]}};
    }
    return count;
}

static enum tg_err head_store(struct tg_checkpointer *c, struct tg_checkpoint_writer **writer)
{
    const struct tg_cut *cut = c->params.cut;
    struct tg_checkpoint_blob blobs[TG_DECODERS_MAX + 1] = {{"", {NULL, 0}}};
    /* A crash must not find a checkpoint with rows that the journal has lost. */
    enum tg_err err = tg_journal_wait(c->params.journal, cut->epoch_last);
    if (err != TG_OK) {
        return tg_why_set(&c->why, err, "the journal has failed");
    }
    if (c->params.is_positioned) {
        err = tg_positions_follow(&c->positions, c->params.data_dir, cut->epoch, &c->why);
    }
    if (err != TG_OK) {
        return err;
    }
    const struct tg_checkpoint head = {.size_bytes = sizeof head,
                                       .positions_count = c->positions.count,
                                       .epoch = cut->epoch,
                                       .epoch_last = cut->epoch_last,
                                       .positions = c->positions.list,
                                       .blobs = blobs,
                                       .blobs_count = blobs_list(c, blobs)};
    err = tg_checkpoint_end(*writer, &head, &c->why);
    *writer = NULL;
    return err;
}

/* Back to IDLE with every page dirty again that is not in a stored checkpoint. */
static void cut_abandon(struct tg_checkpointer *c)
{
    struct tg_cut *cut = c->params.cut;
    uint32_t phase = __atomic_load_n(&cut->phase, __ATOMIC_ACQUIRE);
    while (phase != TG_CUT_IDLE && phase != TG_CUT_TAKEN && phase != TG_CUT_MEASURED) {
        tg_cut_phase_set(cut, TG_CUT_ABANDON);
        if (!turn(c) && __atomic_load_n(&c->is_given_up, __ATOMIC_RELAXED) != 0) {
            c->is_here = true; /* the lcores have stopped */
        }
        phase = __atomic_load_n(&cut->phase, __ATOMIC_ACQUIRE);
    }
    for (size_t i = 0; i < c->numbers_count; i++) {
        tg_cut_page_mark(cut, c->numbers[i]);
    }
    for (const struct tg_cut_page *page; (page = tg_cut_page_next(cut)) != NULL;) {
        tg_cut_page_mark(cut, page->number);
        tg_cut_page_done(cut);
    }
    tg_cut_phase_set(cut, TG_CUT_IDLE);
}

static void status_tell(struct tg_checkpointer *c, int64_t from_ns)
{
    const struct tg_cut *cut = c->params.cut;
    struct tg_checkpointer_status *status = &c->status;
    const int64_t now_ns = tg_clock_monotonic_ns();
    status_set(&status->epoch, cut->epoch);
    status_set(&status->pages_count, c->numbers_count);
    status_set(&status->octets, c->octets);
    status_set(&status->kept_count, cut->kept_count);
    status_set(&status->duration_ns, (uint64_t)(now_ns - from_ns));
    status_set(&status->pause_ns_max, (uint64_t)cut->pause_ns_max);
    status_set(&status->pause_ns_sum, (uint64_t)cut->pause_ns_sum);
    status_set(&status->finished_ns, (uint64_t)now_ns);
    status_set(&status->done_count, status->done_count + 1);
}

static enum tg_err checkpoint_write(struct tg_checkpointer *c)
{
    const int64_t from_ns = tg_clock_monotonic_ns();
    struct tg_checkpoint_writer *writer = NULL;
    c->numbers_count = 0;
    c->octets = 0;
    enum tg_err err = tg_checkpoint_begin(c->params.state, &writer, &c->why);
    err = err == TG_OK ? cut_ask(c) : err;
    err = err == TG_OK ? pages_store(c, writer) : err;
    err = err == TG_OK ? head_store(c, &writer) : err;
    if (err != TG_OK) {
        tg_checkpoint_abandon(writer);
        cut_abandon(c);
        status_set(&c->status.failed_count, c->status.failed_count + 1);
        return err;
    }
    tg_cut_phase_set(c->params.cut, TG_CUT_IDLE);
    status_tell(c, from_ns);
    return TG_OK;
}

static void *checkpointer_main(void *context)
{
    struct tg_checkpointer *c = context;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), getpriority(PRIO_PROCESS, 0) + NICE);
    c->err = checkpoint_write(c);
    __atomic_store_n(&c->is_over, 1u, __ATOMIC_RELEASE);
    return NULL;
}

enum tg_err tg_checkpointer_start(struct tg_checkpointer *checkpointer, struct tg_why *why)
{
    struct tg_checkpointer *c = checkpointer;
    if (c->is_started) {
        return tg_why_set(why, TG_E_AGAIN, "a checkpoint is being written");
    }
    c->is_here = false;
    c->is_over = 0;
    c->is_given_up = 0;
    c->why = (struct tg_why){""};
    c->is_started = pthread_create(&c->thread, NULL, checkpointer_main, c) == 0;
    return c->is_started ? TG_OK : tg_why_set(why, TG_E_NO_MEMORY, "no thread for a checkpoint");
}

bool tg_checkpointer_is_running(const struct tg_checkpointer *checkpointer)
{
    return checkpointer->is_started &&
           __atomic_load_n(&checkpointer->is_over, __ATOMIC_ACQUIRE) == 0;
}

bool tg_checkpointer_ended(struct tg_checkpointer *checkpointer, enum tg_err *err,
                           struct tg_why *why)
{
    if (!checkpointer->is_started || tg_checkpointer_is_running(checkpointer)) {
        return false;
    }
    (void)pthread_join(checkpointer->thread, NULL);
    checkpointer->is_started = false;
    *err = checkpointer->err;
    if (why != NULL) {
        *why = checkpointer->why;
    }
    return true;
}

void tg_checkpointer_cancel(struct tg_checkpointer *checkpointer)
{
    if (checkpointer->is_started) {
        __atomic_store_n(&checkpointer->is_given_up, 1u, __ATOMIC_RELAXED);
        (void)pthread_join(checkpointer->thread, NULL);
        checkpointer->is_started = false;
    }
}

enum tg_err tg_checkpointer_run(struct tg_checkpointer *checkpointer, struct tg_why *why)
{
    if (tg_journal_durable_epoch(checkpointer->params.journal) == 0) {
        return TG_OK;
    }
    checkpointer->is_here = true;
    checkpointer->why = (struct tg_why){""};
    const enum tg_err err = checkpoint_write(checkpointer);
    if (err != TG_OK && why != NULL) {
        *why = checkpointer->why;
    }
    return err;
}

void tg_checkpointer_status(const struct tg_checkpointer *checkpointer,
                            struct tg_checkpointer_status *status)
{
    const uint64_t *from = (const uint64_t *)&checkpointer->status;
    uint64_t *to = (uint64_t *)status;
    _Static_assert(sizeof *status % sizeof *to == 0, "words only");
    for (size_t i = 0; i < sizeof *status / sizeof *to; i++) {
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
    }
}
