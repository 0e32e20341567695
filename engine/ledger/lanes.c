/* SPDX-License-Identifier: Apache-2.0 */
/* (1) A lane's scan belongs to its thread while `is_given` is false and to the caller while it is
 *     true; the lock hands it over.
 * (2) Blocks are numbered without a gap and none is filtered, so the lane of the next one is known;
 *     only which is the first must be looked for. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "ledger/lanes.h"

#include "base/error.h"
#include "ledger/scan_state.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

struct lane {
    struct tg_lanes *lanes;
    struct tg_scan *scan;
    pthread_t thread;
    bool is_started;
    bool is_given; /* the answer below is the caller's */
    struct tg_scan_view view;
    enum tg_err err;
    struct tg_why why;
};

struct tg_lanes {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_closing;
    uint32_t lanes_count;
    struct tg_lanes_work work;
    uint32_t at; /* lane of the block that was given last; lanes_count: none was */
    struct tg_read_ahead *read_ahead; /* NULL: blocks are not read whole, or there is no memory */
    struct lane lanes[TG_LANES_MAX];
};

static uint32_t cpus_count(void)
{
    cpu_set_t set;
    const int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count < 1 ? 1u : (uint32_t)count;
}

static void *lane_run(void *argument)
{
    struct lane *lane = argument;
    struct tg_lanes *lanes = lane->lanes;
    bool goes_on = true;
    while (goes_on) {
        lane->err = tg_scan_next(lane->scan, &lane->view, &lane->why);
        (void)pthread_mutex_lock(&lanes->lock);
        lane->is_given = true;
        (void)pthread_cond_broadcast(&lanes->changed);
        while (lane->is_given && !lanes->is_closing) {
            (void)pthread_cond_wait(&lanes->changed, &lanes->lock);
        }
        goes_on = !lanes->is_closing && lane->err == TG_OK;
        (void)pthread_mutex_unlock(&lanes->lock);
    }
    return NULL;
}

/* Blocks that are read whole, one after the other, are read ahead for all lanes. */
static void lane_reads_ahead(struct lane *lane)
{
    struct tg_lanes *lanes = lane->lanes;
    struct tg_reader *reader = &lane->scan->reader;
    if (lane == lanes->lanes && reader->offset_bytes > 0) {
        lanes->read_ahead = tg_read_ahead_open(reader->dir, reader->segment, reader->offset_bytes);
    }
    reader->read_ahead = lanes->read_ahead;
    lane->scan->ahead.read_ahead = lanes->read_ahead;
}

static enum tg_err lane_open(struct lane *lane, const struct tg_scan_params *params,
                             bool checks_all, struct tg_why *why)
{
    const struct tg_lanes *lanes = lane->lanes;
    const enum tg_err err = tg_scan_open(params, &lane->scan, why);
    if (err != TG_OK) {
        return err;
    }
    lane->scan->checks_all = checks_all;
    if (checks_all) {
        lane_reads_ahead(lane);
    }
    lane->scan->lanes_count = lanes->lanes_count;
    lane->scan->lane = (uint32_t)(lane - lanes->lanes);
    lane->scan->work = lanes->work;
    if (lanes->lanes_count == 1) {
        return TG_OK;
    }
    lane->is_started = pthread_create(&lane->thread, NULL, lane_run, lane) == 0;
    return lane->is_started ? TG_OK
                            : tg_why_set(why, TG_E_NO_MEMORY, "cannot start a reading thread");
}

enum tg_err tg_lanes_open(const struct tg_scan_params *params, uint32_t lanes_count,
                          bool checks_all, const struct tg_lanes_work *work,
                          struct tg_lanes **lanes, struct tg_why *why)
{
    assert(params->sections == 0);
    *lanes = NULL;
    struct tg_lanes *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for a scan");
    }
    const uint32_t wanted = lanes_count > 0 ? lanes_count : cpus_count();
    made->lanes_count = wanted < TG_LANES_MAX ? wanted : TG_LANES_MAX;
    made->at = made->lanes_count;
    made->work = work != NULL ? *work : (struct tg_lanes_work){0};
    (void)pthread_mutex_init(&made->lock, NULL);
    (void)pthread_cond_init(&made->changed, NULL);
    enum tg_err err = TG_OK;
    for (uint32_t i = 0; i < made->lanes_count && err == TG_OK; i++) {
        made->lanes[i].lanes = made;
        err = lane_open(&made->lanes[i], params, checks_all, why);
    }
    if (err != TG_OK) {
        tg_lanes_close(made);
        return err;
    }
    *lanes = made;
    return TG_OK;
}

/* Waits until a lane has its answer. The lock is held. */
static const struct lane *lane_wait(struct tg_lanes *lanes, uint32_t at)
{
    const struct lane *lane = &lanes->lanes[at];
    while (!lane->is_given) {
        (void)pthread_cond_wait(&lanes->changed, &lanes->lock);
    }
    return lane;
}

/* Block that a lane's answer is about: the one it gives or cannot read; when it cannot get further,
 * the last one it passed. */
static uint64_t lane_block(const struct lane *lane)
{
    return lane->err == TG_OK ? lane->view.block_number : lane->scan->reader.next_number - 1;
}

/* The lane whose answer a single scan would have given first. The lock is held. */
static uint32_t lane_first(struct tg_lanes *lanes)
{
    uint64_t block = UINT64_MAX;
    for (uint32_t i = 0; i < lanes->lanes_count; i++) {
        const uint64_t answered = lane_block(lane_wait(lanes, i));
        block = answered < block ? answered : block;
    }
    /* Who owns the block comes before those that only passed it. */
    const uint32_t owner = (uint32_t)(block % lanes->lanes_count);
    uint32_t first = owner;
    while (lane_block(&lanes->lanes[first]) != block) {
        first = (first + 1) % lanes->lanes_count;
    }
    return first;
}

/* Lanes are at the block that is given now or behind it. */
static void block_pass(struct tg_lanes *lanes)
{
    const struct tg_reader_block *block = &lanes->lanes[lanes->at].scan->block;
    tg_read_ahead_pass(lanes->read_ahead, block->segment, block->offset_bytes);
}

enum tg_err tg_lanes_next(struct tg_lanes *lanes, struct tg_scan_view *view, struct tg_why *why)
{
    if (lanes->lanes_count == 1) {
        lanes->at = 0;
        const enum tg_err err = tg_scan_next(lanes->lanes[0].scan, view, why);
        block_pass(lanes);
        return err;
    }
    (void)pthread_mutex_lock(&lanes->lock);
    if (lanes->at == lanes->lanes_count) {
        lanes->at = lane_first(lanes);
    } else if (lanes->lanes[lanes->at].err == TG_OK) {
        lanes->lanes[lanes->at].is_given = false;
        (void)pthread_cond_broadcast(&lanes->changed);
        lanes->at = (lanes->at + 1) % lanes->lanes_count;
    }
    const struct lane *lane = lane_wait(lanes, lanes->at);
    (void)pthread_mutex_unlock(&lanes->lock);
    if (lane->err != TG_OK) {
        return lane->err == TG_E_NOT_FOUND ? lane->err
                                           : tg_why_set(why, lane->err, "%s", lane->why.text);
    }
    *view = lane->view;
    block_pass(lanes);
    return TG_OK;
}

struct tg_scan *tg_lanes_scan(struct tg_lanes *lanes)
{
    return lanes->lanes[lanes->at % lanes->lanes_count].scan;
}

void tg_lanes_close(struct tg_lanes *lanes)
{
    if (lanes == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&lanes->lock);
    lanes->is_closing = true;
    (void)pthread_cond_broadcast(&lanes->changed);
    (void)pthread_mutex_unlock(&lanes->lock);
    for (uint32_t i = 0; i < lanes->lanes_count; i++) {
        if (lanes->lanes[i].is_started) {
            (void)pthread_join(lanes->lanes[i].thread, NULL);
        }
        tg_scan_close(lanes->lanes[i].scan);
    }
    tg_read_ahead_close(lanes->read_ahead);
    (void)pthread_cond_destroy(&lanes->changed);
    (void)pthread_mutex_destroy(&lanes->lock);
    free(lanes);
}
