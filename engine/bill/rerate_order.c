/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/rerate_order.h"

#include "base/arena.h"
#include "bill/replay_order.h"
#include "ledger/scan.h"
#include "rate/account.h"

/* The latest row of an account so far. */
struct latest {
    int64_t start_ns;
    uint32_t sequence;
    uint16_t source_id;
    uint8_t class;
    uint8_t is_there;
};

struct find {
    const struct tg_rerate_params *params;
    const struct tg_adjust_index *adjustments;
    struct latest *latest; /* Shape [accounts_count + 1]. */
    uint8_t *late;
};

static void row_find(struct find *find, uint32_t account, const struct tg_usage *row)
{
    const struct tg_rerate_selector *selector = &find->params->selector;
    struct latest *latest = &find->latest[account];
    const uint32_t class = tg_replay_event_class(row->start_ns, selector->from_ns, selector->to_ns);
    const struct tg_usage before = {
        .start_ns = latest->start_ns, .source_id = latest->source_id, .sequence = latest->sequence};
    if (latest->is_there != 0 &&
        (class < latest->class ||
         (class == 1 && latest->class == 1 && tg_replay_event_compare(row, &before) < 0))) {
        find->late[account] = 1;
        return;
    }
    *latest = (struct latest){row->start_ns, row->sequence, row->source_id, (uint8_t) class, 1};
}

static enum tg_err block_find(void *context, const struct tg_scan_view *view)
{
    struct find *find = context;
    const struct tg_roster *roster = find->params->catalog->roster;
    const uint8_t *wanted = find->params->selector.accounts_wanted;
    for (uint32_t i = 0; i < view->rows_count; i++) {
        const uint32_t subscriber = view->subscriber[i];
        const uint32_t account = subscriber < roster->subscribers_count
                                     ? roster->lines[subscriber].account
                                     : roster->accounts_count;
        if (view->fate[i] != TG_FATE_RATED || view->source_id[i] == TG_ADJUST_SOURCE_ID ||
            account >= roster->accounts_count || (wanted != NULL && wanted[account] == 0) ||
            find->late[account] != 0 ||
            tg_adjust_is_out(find->adjustments, view->record_key[i], subscriber)) {
            continue;
        }
        const struct tg_usage row = {.start_ns = view->start_ns[i],
                                     .sequence = view->sequence[i],
                                     .source_id = view->source_id[i]};
        row_find(find, account, &row);
    }
    return TG_OK;
}

enum tg_err tg_rerate_late_find(const struct tg_rerate_params *params,
                                const struct tg_adjust_index *adjustments, uint8_t *late,
                                struct tg_why *why)
{
    const size_t latest_bytes =
        ((size_t)params->catalog->roster->accounts_count + 1) * sizeof(struct latest);
    struct find find = {.params = params,
                        .adjustments = adjustments,
                        .latest = tg_pages_take(latest_bytes),
                        .late = late};
    const struct tg_scan_params scan_params = {
        .size_bytes = sizeof scan_params,
        .sections = TG_SECTION_BIT(TG_SECTION_ROWS),
        .dir = params->data_dir,
        .epoch_max = params->epoch_max,
        .fates = 1u << TG_FATE_RATED,
        .columns = TG_COLUMN_BIT(fate) | TG_COLUMN_BIT(subscriber) | TG_COLUMN_BIT(start_ns) |
                   TG_COLUMN_BIT(source_id) | TG_COLUMN_BIT(sequence) | TG_COLUMN_BIT(record_key)};
    struct tg_scan *scan = NULL;
    if (find.latest == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the latest row of each account");
    }
    enum tg_err err = tg_scan_open(&scan_params, &scan, why);
    if (err == TG_OK) {
        err = tg_scan_fold(scan, block_find, &find, why);
    }
    tg_scan_close(scan);
    tg_pages_free(find.latest, latest_bytes);
    return err;
}
