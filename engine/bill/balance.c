/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/balance.h"

#include "bill/taken.h"
#include "catalog/roster.h"
#include "ledger/scan.h"
#include "record/credit.h"

#include <assert.h>
#include <string.h>

struct fold {
    const struct tg_bill_collect *collect;
    struct tg_bill_balance *balances;
    struct tg_why *why;
};

/* Why a balance moves. */
enum moved { MOVED_USAGE, MOVED_TOPUP, MOVED_LAPSE };

/* Moves a balance by an amount that came with an epoch. */
static void move(const struct fold *fold, uint32_t account, int64_t at_ns, uint64_t epoch,
                 __int128 amount, enum moved why)
{
    if (account >= fold->collect->roster->accounts_count) {
        return;
    }
    struct tg_bill_balance *balance = &fold->balances[account];
    switch (tg_bill_collect_place(fold->collect, account, at_ns, epoch, NULL)) {
    case TG_BILL_PLACE_BEFORE:
        balance->opening += amount;
        break;
    case TG_BILL_PLACE_HERE:
    case TG_BILL_PLACE_LATE:
        *(why == MOVED_TOPUP   ? &balance->topups
          : why == MOVED_LAPSE ? &balance->lapsed
                               : &balance->usage) += amount;
        break;
    default:
        break;
    }
}

static enum tg_err block_fold(void *context, const struct tg_scan_view *view)
{
    const struct fold *fold = context;
    struct tg_scan_position at = {0};
    struct tg_scan_note note;
    for (uint32_t i = 0; i < view->rows_count; i++) {
        const struct tg_roster_line *line =
            tg_roster_line(fold->collect->roster, view->subscriber[i]);
        if ((view->charge_flags[i] & TG_CHARGE_PREPAID) != 0 && view->fate[i] == TG_FATE_RATED &&
            line != NULL) {
            move(fold, line->account, view->start_ns[i], view->epoch, -(__int128)view->amount[i],
                 MOVED_USAGE);
        }
    }
    enum tg_err err;
    while ((err = tg_scan_note_next(view, &at, &note, fold->why)) == TG_OK) {
        struct tg_credit_event event;
        if (strncmp(note.key, TG_CREDIT_NOTE, strlen(TG_CREDIT_NOTE)) != 0) {
            continue;
        }
        if (note.length_bytes != sizeof event) {
            return tg_why_set(fold->why, TG_E_CORRUPT, "note %s has %u octets", note.key,
                              note.length_bytes);
        }
        memcpy(&event, note.bytes, sizeof event);
        if (strncmp(event.id, TG_BILL_TAKE_ID, sizeof TG_BILL_TAKE_ID - 1) == 0) {
            continue; /* The bill that took it says so. */
        }
        if (event.kind == TG_CREDIT_TOPUP || event.kind == TG_CREDIT_LAPSE) {
            move(fold, event.account, event.at_ns, view->epoch, event.amount,
                 event.kind == TG_CREDIT_TOPUP ? MOVED_TOPUP : MOVED_LAPSE);
        }
    }
    return err == TG_E_NOT_FOUND ? TG_OK : err;
}

enum tg_err tg_bill_balances_read(const struct tg_bill_collect *collect,
                                  struct tg_bill_balance *balances, struct tg_why *why)
{
    struct fold fold = {.collect = collect, .balances = balances, .why = why};
    const struct tg_scan_params params = {
        .size_bytes = sizeof params,
        .sections = TG_SECTION_BIT(TG_SECTION_ROWS) | TG_SECTION_BIT(TG_SECTION_NOTES),
        .dir = collect->data_dir,
        .columns = TG_COLUMN_BIT(start_ns) | TG_COLUMN_BIT(amount) | TG_COLUMN_BIT(subscriber) |
                   TG_COLUMN_BIT(fate) | TG_COLUMN_BIT(charge_flags),
        .epoch_max = collect->epoch_last};
    struct tg_scan *scan = NULL;
    enum tg_err err = tg_scan_open(&params, &scan, why);
    if (err == TG_OK) {
        err = tg_scan_fold(scan, block_fold, &fold, why);
    }
    tg_scan_close(scan);
    return err;
}
