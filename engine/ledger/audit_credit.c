/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/audit_credit.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "ledger/scan_state.h"
#include "record/charge.h"

#define SLOTS_FIRST 1024u

/* A reservation that was made; ended ones stay, so that a second end is seen. */
struct made {
    char id[TG_CREDIT_ID_BYTES];
    int64_t held;
    uint32_t number;
    uint8_t kind; /* 0 empty, OPEN, or the event that ended it */
};

struct tg_audit_credit_run {
    struct tg_audit_credit sums;
    struct made *slots; /* open addressing; shape [slots_count] */
    uint32_t slots_count;
    uint32_t slots_used;
    uint64_t *ordinals; /* by account; shape [ordinals_count] */
    uint32_t ordinals_count;
};

struct tg_audit_credit_run *tg_audit_credit_open(void)
{
    return calloc(1, sizeof(struct tg_audit_credit_run));
}

static struct made *slot_of(struct made *slots, uint32_t count, const char *id, uint32_t number)
{
    uint64_t hash = number;
    for (size_t i = 0; i < TG_CREDIT_ID_BYTES; i += 8) {
        uint64_t word;
        memcpy(&word, id + i, sizeof word);
        hash = tg_mix64(hash ^ word);
    }
    for (;; hash++) {
        struct made *slot = &slots[hash & (count - 1)];
        if (slot->kind == 0 ||
            (slot->number == number && memcmp(slot->id, id, TG_CREDIT_ID_BYTES) == 0)) {
            return slot;
        }
    }
}

static bool slots_grow(struct tg_audit_credit_run *run)
{
    if (run->slots_used * 2 < run->slots_count) {
        return true;
    }
    const uint32_t count = run->slots_count != 0 ? run->slots_count * 2 : SLOTS_FIRST;
    struct made *slots = calloc(count, sizeof *slots);
    for (uint32_t i = 0; slots != NULL && i < run->slots_count; i++) {
        if (run->slots[i].kind != 0) {
            *slot_of(slots, count, run->slots[i].id, run->slots[i].number) = run->slots[i];
        }
    }
    if (slots == NULL) {
        return false;
    }
    free(run->slots);
    run->slots = slots;
    run->slots_count = count;
    return true;
}

static bool ordinal_follow(struct tg_audit_credit_run *run, const struct tg_credit_event *event)
{
    if (event->account >= run->ordinals_count) {
        const uint32_t count = event->account + event->account / 2 + 64;
        uint64_t *more = realloc(run->ordinals, count * sizeof *more);
        if (more == NULL) {
            return false;
        }
        memset(more + run->ordinals_count, 0, (count - run->ordinals_count) * sizeof *more);
        run->ordinals = more;
        run->ordinals_count = count;
    }
    run->sums.gaps_count += event->ordinal != run->ordinals[event->account] + 1;
    run->ordinals[event->account] = event->ordinal;
    return true;
}

static void posted_book(struct tg_audit_credit *sums, const struct tg_credit_event *event,
                        int64_t held)
{
    const int64_t charge = event->amount > 0 ? event->amount : 0;
    const int64_t taken = charge < held ? charge : held;
    sums->taken += taken;
    sums->returned += held - taken;
}

static void commit_book(struct tg_audit_credit *sums, const struct tg_credit_event *event)
{
    if (event->record_key != 0) {
        sums->row_events_count++;
        sums->events_keys += event->record_key;
        sums->events_amount += event->amount;
    }
}

static void end_book(struct tg_audit_credit_run *run, const struct tg_credit_event *event)
{
    struct tg_audit_credit *sums = &run->sums;
    struct made *slot = run->slots_count > 0
                            ? slot_of(run->slots, run->slots_count, event->id, event->number)
                            : NULL;
    const bool is_late =
        slot != NULL && slot->kind == TG_CREDIT_EXPIRE && event->kind == TG_CREDIT_POST;
    if (slot == NULL || (slot->kind != TG_CREDIT_OPEN && !is_late) ||
        event->held != (is_late ? 0 : slot->held)) {
        sums->strays_count++;
        return;
    }
    switch (event->kind) {
    case TG_CREDIT_POST:
        sums->committed_count += !is_late;
        sums->late_count += is_late;
        posted_book(sums, event, event->held);
        commit_book(sums, event);
        break;
    case TG_CREDIT_VOID:
        sums->released_count++;
        sums->released += event->held;
        break;
    default:
        sums->expired_count++;
        sums->outages_count += event->is_outage;
        sums->expired += event->held;
        break;
    }
    slot->kind = event->kind;
}

static void hold_book(struct tg_audit_credit_run *run, const struct tg_credit_event *event)
{
    struct made *slot = run->slots_count > 0
                            ? slot_of(run->slots, run->slots_count, event->id, event->number)
                            : NULL;
    if (slot == NULL || slot->kind != TG_CREDIT_OPEN || slot->held != event->held) {
        run->sums.strays_count++;
        return;
    }
    run->sums.reserved += event->amount - event->held;
    slot->held = event->amount;
}

static bool event_book(struct tg_audit_credit_run *run, const struct tg_credit_event *event)
{
    struct tg_audit_credit *sums = &run->sums;
    sums->events_count++;
    sums->currency = event->currency;
    if (!ordinal_follow(run, event) || !slots_grow(run)) {
        return false;
    }
    if (event->kind == TG_CREDIT_TOPUP) {
        sums->topups_count++;
        sums->topups += event->amount;
    } else if (event->kind == TG_CREDIT_OPEN) {
        struct made *slot = slot_of(run->slots, run->slots_count, event->id, event->number);
        sums->strays_count += slot->kind == TG_CREDIT_OPEN;
        run->slots_used += slot->kind == 0;
        memcpy(slot->id, event->id, sizeof slot->id);
        slot->number = event->number;
        slot->held = event->amount;
        slot->kind = TG_CREDIT_OPEN;
        sums->made_count++;
        sums->reserved += event->amount;
    } else if (event->kind == TG_CREDIT_LAPSE) {
        sums->lapsed -= event->amount;
    } else if (event->kind == TG_CREDIT_HOLD) {
        hold_book(run, event);
    } else if (event->kind != TG_CREDIT_ALERT) {
        end_book(run, event);
    }
    return true;
}

static void rows_book(struct tg_audit_credit *sums, const struct tg_scan_view *view)
{
    for (uint32_t i = 0; i < view->rows_count; i++) {
        if (view->source_id[i] == TG_CREDIT_SOURCE_ID) {
            sums->rows_count++;
            sums->rows_keys += view->record_key[i];
            sums->rows_amount += view->fate[i] == TG_FATE_RATED ? view->amount[i] : 0;
        }
        if ((view->charge_flags[i] & TG_CHARGE_PREPAID) != 0) {
            sums->debited_count++;
            sums->debited += view->amount[i];
            sums->over_count += (view->charge_flags[i] & TG_CHARGE_OVER_CREDIT) != 0;
        }
    }
}

enum tg_err tg_audit_credit_block(struct tg_audit_credit_run *run, const struct tg_scan_view *view,
                                  struct tg_why *why)
{
    struct tg_scan_position at = {0};
    struct tg_scan_note note;
    enum tg_err err;
    rows_book(&run->sums, view);
    while ((err = tg_scan_note_next(view, &at, &note, why)) == TG_OK) {
        struct tg_credit_event event;
        if (strncmp(note.key, TG_CREDIT_NOTE, strlen(TG_CREDIT_NOTE)) != 0) {
            continue;
        }
        if (note.length_bytes != sizeof event) {
            return tg_why_set(why, TG_E_CORRUPT, "note %s has %u octets", note.key,
                              note.length_bytes);
        }
        memcpy(&event, note.bytes, sizeof event);
        if (!event_book(run, &event)) {
            return tg_why_set(why, TG_E_NO_MEMORY, "no memory for the audit's reservations");
        }
    }
    return err == TG_E_NOT_FOUND ? TG_OK : err;
}

void tg_audit_credit_close(struct tg_audit_credit_run *run, struct tg_audit_credit *sums)
{
    *sums = (struct tg_audit_credit){0};
    if (run == NULL) {
        return;
    }
    *sums = run->sums;
    for (uint32_t i = 0; i < run->slots_count; i++) {
        if (run->slots[i].kind == TG_CREDIT_OPEN) {
            sums->open_count++;
            sums->open += run->slots[i].held;
        }
    }
    sums->is_balanced = sums->gaps_count == 0 && sums->strays_count == 0 &&
                        sums->reserved == sums->taken + sums->returned + sums->released +
                                              sums->expired + sums->open &&
                        sums->made_count == sums->committed_count + sums->released_count +
                                                sums->expired_count + sums->open_count &&
                        sums->rows_count == sums->row_events_count &&
                        sums->rows_keys == sums->events_keys &&
                        sums->rows_amount == sums->events_amount;
    free(run->slots);
    free(run->ordinals);
    free(run);
}
