/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/positions.h"

#include "ledger/scan.h"

#include <stdlib.h>

void tg_positions_free(struct tg_positions *positions)
{
    free(positions->list);
    *positions = (struct tg_positions){0};
}

enum tg_err tg_positions_set(struct tg_positions *positions, uint64_t port_hash, uint64_t file_key,
                             uint64_t offset)
{
    for (uint32_t i = positions->count; i-- > 0;) {
        struct tg_checkpoint_position *known = &positions->list[i];
        if (known->port_hash == port_hash && known->file_key == file_key) {
            known->offset_bytes = offset;
            return TG_OK;
        }
    }
    if (positions->count == positions->capacity) {
        const uint32_t capacity = positions->capacity * 2 + 64;
        struct tg_checkpoint_position *more = realloc(positions->list, capacity * sizeof *more);
        if (more == NULL) {
            return TG_E_NO_MEMORY;
        }
        positions->list = more;
        positions->capacity = capacity;
    }
    positions->list[positions->count++] =
        (struct tg_checkpoint_position){port_hash, file_key, offset};
    return TG_OK;
}

enum tg_err tg_positions_follow(struct tg_positions *positions, const char *data_dir,
                                uint64_t epoch, struct tg_why *why)
{
    const struct tg_scan_params params = {.size_bytes = sizeof params,
                                          .sections = TG_SECTION_BIT(TG_SECTION_SOURCES),
                                          .dir = data_dir,
                                          .epoch_min = positions->epoch + 1,
                                          .epoch_max = epoch};
    struct tg_scan *scan = NULL;
    struct tg_scan_view view;
    if (epoch <= positions->epoch) {
        return TG_OK;
    }
    enum tg_err err = tg_scan_open(&params, &scan, why);
    while (err == TG_OK && (err = tg_scan_next(scan, &view, why)) == TG_OK) {
        const struct tg_journal_source *sources;
        uint32_t count = 0;
        err = tg_scan_sources(&view, &sources, &count, why);
        for (uint32_t i = 0; i < count && err == TG_OK; i++) {
            err = (sources[i].flags & TG_SOURCE_HAS_POSITION) == 0
                      ? TG_OK
                      : tg_positions_set(positions, sources[i].port_hash, sources[i].file_key,
                                         sources[i].offset_bytes);
        }
    }
    tg_scan_close(scan);
    err = err == TG_E_NOT_FOUND ? TG_OK : err;
    positions->epoch = err == TG_OK ? epoch : positions->epoch;
    return err;
}
