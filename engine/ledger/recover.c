/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* SEEK_DATA */
#include "ledger/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "ledger/lanes.h"
#include "ledger/scan_state.h"


static enum tg_err replay_arrays(const struct tg_scan_view *view,
                                 const struct tg_recover_calls *calls, struct tg_why *why)
{
    enum tg_err err = TG_OK;
    if (calls->rows != NULL && view->rows_count > 0) {
        err = calls->rows(calls->context, view, why);
        if (err != TG_OK) {
            err = tg_scan_fail(view->scan, err, "the rows do not fit what came before them", why);
        }
    }
    uint32_t count = 0;
    if (err == TG_OK && calls->observations != NULL) {
        const struct tg_observation *observations = NULL;
        const uint8_t *text = NULL;
        uint32_t text_bytes = 0;
        err = tg_scan_observations(view, &observations, &count, &text, &text_bytes, why);
        if (err == TG_OK && count > 0) {
            err = calls->observations(calls->context, observations, count, text, text_bytes);
        }
    }
    if (err == TG_OK && calls->sessions != NULL) {
        const struct tg_session *sessions = NULL;
        err = tg_scan_sessions(view, &sessions, &count, why);
        if (err == TG_OK && count > 0) {
            err = calls->sessions(calls->context, sessions, count);
        }
    }
    if (err == TG_OK && calls->source != NULL) {
        const struct tg_journal_source *sources = NULL;
        err = tg_scan_sources(view, &sources, &count, why);
        for (uint32_t i = 0; i < count && err == TG_OK; i++) {
            err = calls->source(calls->context, &sources[i]);
        }
    }
    return err;
}

static enum tg_err replay_items(const struct tg_scan_view *view,
                                const struct tg_recover_calls *calls, struct tg_why *why)
{
    enum tg_err err = TG_OK;
    struct tg_scan_position at = {0};
    while (calls->input != NULL && err == TG_OK) {
        struct tg_scan_input item;
        err = tg_scan_input_next(view, &at, &item, why);
        if (err == TG_OK) {
            err = calls->input(calls->context, item.decoder, &item.input);
        }
    }
    at = (struct tg_scan_position){0};
    err = err == TG_E_NOT_FOUND ? TG_OK : err;
    while (calls->refusal != NULL && err == TG_OK) {
        struct tg_journal_refusal item;
        err = tg_scan_refusal_next(view, &at, &item, why);
        if (err == TG_OK) {
            err = calls->refusal(calls->context, &item);
        }
    }
    err = err == TG_E_NOT_FOUND ? TG_OK : err;
    if (err == TG_OK && calls->releases != NULL) {
        const uint64_t *keys = NULL;
        uint32_t count = 0;
        err = tg_scan_releases(view, &keys, &count, why);
        if (err == TG_OK && count > 0) {
            err = calls->releases(calls->context, keys, count);
        }
    }
    at = (struct tg_scan_position){0};
    while (calls->note != NULL && err == TG_OK) {
        struct tg_scan_note item;
        err = tg_scan_note_next(view, &at, &item, why);
        if (err == TG_OK) {
            err = calls->note(calls->context, item.key, item.bytes, item.length_bytes);
        }
    }
    return err == TG_E_NOT_FOUND ? TG_OK : err;
}

static enum tg_err replay_block(const struct tg_scan_view *view,
                                const struct tg_recover_calls *calls,
                                struct tg_recovered *recovered, struct tg_why *why)
{
    enum tg_err err = TG_OK;
    recovered->blocks_count++;
    recovered->rows_count += view->rows_total_count;
    recovered->epochs_count += view->is_commit ? 1 : 0;
    if (calls == NULL) {
        return TG_OK;
    }
    if (calls->block != NULL) {
        err = calls->block(calls->context, view);
    }
    if (err == TG_OK) {
        err = replay_arrays(view, calls, why);
    }
    if (err == TG_OK) {
        err = replay_items(view, calls, why);
    }
    if (err == TG_OK && view->is_commit && calls->commit != NULL) {
        err = calls->commit(calls->context, view->epoch);
    }
    return err;
}

/* Octets from an offset up to the last one that is not zero. */
static uint64_t file_used(int fd, uint64_t from_bytes)
{
    uint8_t window[65536];
    uint64_t end = from_bytes;
    off_t at = (off_t)from_bytes;
    for (;;) {
        const off_t data = lseek(fd, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO) {
            break;
        }
        at = data > at ? data : at;
        const ssize_t got = pread(fd, window, sizeof window, at);
        if (got <= 0) {
            break;
        }
        for (ssize_t i = 0; i < got; i++) {
            end = window[i] != 0 ? (uint64_t)(at + i) + 1 : end;
        }
        at += got;
    }
    return end - from_bytes;
}

/* Counts what lies behind the good end: whole blocks, and octets that are not zero. */
static void tail_measure(const struct tg_scan *scan, struct tg_recovered *recovered)
{
    recovered->torn_blocks_count = scan->ahead.next_number - 1 - scan->good.block_number;
    const uint64_t first = scan->good.segment > 0 ? scan->good.segment : 1;
    for (uint64_t segment = first;; segment++) {
        char path[4096];
        if (!tg_format_segment_path(scan->reader.dir, segment, path, sizeof path)) {
            return;
        }
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            return;
        }
        recovered->torn_bytes +=
            file_used(fd, segment == scan->good.segment ? scan->good.offset_bytes : 0);
        (void)close(fd);
    }
}

/* Removes segments behind the good one, last first, so that a crash here leaves no hole. */
static enum tg_err tail_remove(const struct tg_scan *scan, const struct tg_file_ops *ops,
                               struct tg_why *why)
{
    char path[4096];
    uint64_t last = scan->good.segment;
    for (;;) {
        struct stat status;
        if (!tg_format_segment_path(scan->reader.dir, last + 1, path, sizeof path) ||
            stat(path, &status) != 0) {
            break;
        }
        last++;
    }
    for (; last > scan->good.segment; last--) {
        (void)tg_format_segment_path(scan->reader.dir, last, path, sizeof path);
        const int result = ops->remove(ops->self, path);
        if (result < 0) {
            return tg_why_set(why, TG_E_IO, "cannot remove %s: %s", path, strerror(-result));
        }
        if (ops->sync_dir(ops->self, scan->reader.dir) < 0) {
            return tg_why_set(why, TG_E_NOT_DURABLE, "cannot sync %s", scan->reader.dir);
        }
    }
    return TG_OK;
}

/* Cuts the journal behind its last good epoch, durably: a stale block there could be taken for a
 * new one by a later recovery. */
static enum tg_err tail_cut(const struct tg_scan *scan, const struct tg_file_ops *ops,
                            struct tg_why *why)
{
    char path[4096];
    enum tg_err err = tail_remove(scan, ops, why);
    if (err != TG_OK || scan->good.segment == 0) {
        return err;
    }
    (void)tg_format_segment_path(scan->reader.dir, scan->good.segment, path, sizeof path);
    const int fd = ops->open(ops->self, path, O_RDWR, 0);
    if (fd < 0) {
        return tg_why_set(why, TG_E_IO, "cannot open %s: %s", path, strerror(-fd));
    }
    int result = ops->truncate(ops->self, fd, scan->good.offset_bytes);
    if (result >= 0) {
        result = ops->fdatasync(ops->self, fd);
    }
    (void)ops->close(ops->self, fd);
    return result < 0
               ? tg_why_set(why, TG_E_NOT_DURABLE, "cannot cut %s: %s", path, strerror(-result))
               : TG_OK;
}

enum tg_err tg_recover(const char *data_dir, uint64_t from_epoch, const struct tg_file_ops *ops,
                       const struct tg_recover_calls *calls, struct tg_recovered *recovered,
                       struct tg_why *why)
{
    const struct tg_scan_params params = {.size_bytes = sizeof params,
                                          .dir = data_dir,
                                          .epoch_min = from_epoch + 1,
                                          .columns = calls != NULL ? calls->columns : 0};
    const struct tg_lanes_work work = {.context = calls != NULL ? calls->context : NULL,
                                       .make = calls != NULL ? calls->make : NULL};
    struct tg_lanes *lanes = NULL;
    *recovered = (struct tg_recovered){0};
    /* Also what no callback asks for is checked, and the zeros between. */
    enum tg_err err =
        tg_lanes_open(&params, calls != NULL ? calls->lanes_count : 0, true, &work, &lanes, why);
    if (err != TG_OK) {
        return err;
    }
    struct tg_scan *scan = NULL;
    while (err == TG_OK) {
        struct tg_scan_view view;
        err = tg_lanes_next(lanes, &view, why);
        scan = tg_lanes_scan(lanes);
        if (err == TG_E_NOT_FOUND && scan->is_ended) {
            err = TG_OK;
            break;
        }
        if (err == TG_OK) {
            err = replay_block(&view, calls, recovered, why);
        }
    }
    if (err == TG_OK && scan->good.epoch < from_epoch) {
        err = tg_why_set(why, TG_E_CORRUPT,
                         "the journal in %s ends at epoch %" PRIu64
                         " but the checkpoint is of epoch %" PRIu64,
                         data_dir, scan->good.epoch, from_epoch);
    }
    if (err == TG_OK) {
        recovered->tail = scan->good;
        tail_measure(scan, recovered);
        err = tail_cut(scan, ops != NULL ? ops : tg_file_ops_real(), why);
    }
    tg_lanes_close(lanes);
    return err;
}
