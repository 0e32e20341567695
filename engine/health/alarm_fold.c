/* SPDX-License-Identifier: Apache-2.0 */
#include "health/alarm_fold.h"

#include "health/order_by.h"

#include <assert.h>
#include <string.h>

void tg_alarm_state_reset(struct tg_alarm_state *state)
{
    *state = (struct tg_alarm_state){.first_raised_ns = INT64_MAX,
                                     .last_raised_ns = INT64_MIN,
                                     .last_seen_ns = INT64_MIN,
                                     .cleared_ns = INT64_MIN,
                                     .changed_ns = INT64_MIN,
                                     .shelved_until_ns = INT64_MIN,
                                     .operated_ns = INT64_MIN,
                                     .flap_ns = INT64_MIN};
}

bool tg_alarm_state_is_raised(const struct tg_alarm_state *state)
{
    return state->first_raised_ns != INT64_MAX;
}

int32_t tg_alarm_flap_decay(int32_t penalty, int64_t from_ns, int64_t now_ns)
{
    /* 65536 * 2^(-i/16): straight lines between them are off by less than 0.03 % */
    static const uint32_t curve[17] = {65536, 62757, 60097, 57549, 55109, 52773,
                                       50535, 48393, 46341, 44376, 42495, 40693,
                                       38968, 37316, 35734, 34219, 32768};
    int64_t passed_ns = 0;
    if (penalty <= 0 || now_ns <= from_ns) {
        return penalty < 0 ? 0 : penalty;
    }
    if (__builtin_sub_overflow(now_ns, from_ns, &passed_ns) ||
        passed_ns / TG_ALARM_FLAP_HALF_NS >= 31) {
        return 0;
    }
    const int64_t part_ns = passed_ns % TG_ALARM_FLAP_HALF_NS;
    const int64_t step_ns = TG_ALARM_FLAP_HALF_NS / 16;
    const uint32_t at = (uint32_t)(part_ns / step_ns);
    const int64_t drop = (int64_t)(curve[at] - curve[at + 1]) * (part_ns % step_ns) / step_ns;
    const int64_t scaled = (int64_t)penalty * ((int64_t)curve[at] - drop) / 65536;
    return (int32_t)(scaled >> (passed_ns / TG_ALARM_FLAP_HALF_NS));
}

unsigned tg_alarm_suppress_at(const struct tg_alarm *alarm, int64_t now_ns)
{
    const struct tg_alarm_state *state = &alarm->state;
    unsigned bits = 0;
    bits |= now_ns < state->shelved_until_ns ? TG_SUPPRESS_SHELVED : 0u;
    bits |= state->is_maintained != 0 ? TG_SUPPRESS_MAINTENANCE : 0u;
    bits |= alarm->is_by_root != 0 ? TG_SUPPRESS_BY_ROOT : 0u;
    if (state->is_flapping != 0 &&
        tg_alarm_flap_decay(state->flap_penalty, state->flap_ns, now_ns) > TG_ALARM_FLAP_REUSE) {
        bits |= TG_SUPPRESS_FLAP;
    }
    return bits;
}

/* Equal times: clears without sequence, then by sequence, then raises without, then operators. */
static unsigned change_class(const struct tg_alarm_change *change)
{
    if (change->kind > TG_CHANGE_RAISE) {
        return 3;
    }
    if (change->sequence != 0) {
        return 1;
    }
    return change->kind == TG_CHANGE_CLEAR ? 0 : 2;
}

int tg_alarm_change_order(const struct tg_alarm_change *a, const struct tg_alarm_change *b)
{
    TG_ORDER_BY(a->at_ns, b->at_ns);
    TG_ORDER_BY(change_class(a), change_class(b));
    TG_ORDER_BY(a->sequence, b->sequence);
    if (change_class(a) == 3) {
        return -1; /* operators' commands stay in the order they were given */
    }
    TG_ORDER_BY(a->kind, b->kind);
    TG_ORDER_BY(a->severity, b->severity);
    TG_ORDER_BY(a->record_key, b->record_key);
    return 0;
}

static void reopen(struct tg_alarm_state *state, const struct tg_alarm_change *change)
{
    const int32_t left = tg_alarm_flap_decay(state->flap_penalty, state->flap_ns, change->at_ns);
    const int32_t now = left + TG_ALARM_FLAP_PENALTY;
    if (state->is_flapping != 0 && left <= TG_ALARM_FLAP_REUSE) {
        state->is_flapping = 0;
    }
    state->flap_penalty = now < TG_ALARM_FLAP_MAX ? now : TG_ALARM_FLAP_MAX;
    state->flap_ns = change->at_ns;
    if (state->flap_penalty >= TG_ALARM_FLAP_SUPPRESS) {
        state->is_flapping = 1;
    }
    state->is_cleared = 0;
    state->severity = change->severity;
    state->operator_state = TG_OPERATOR_NONE;
    state->last_raised_ns = change->at_ns;
}

static bool step_raise(struct tg_alarm_state *state, const struct tg_alarm_change *change)
{
    const bool is_first = !tg_alarm_state_is_raised(state);
    const uint8_t before = state->severity;
    state->raises_count++;
    state->last_seen_ns = change->at_ns;
    if (is_first) {
        state->first_raised_ns = change->at_ns;
        state->last_raised_ns = change->at_ns;
        state->severity = change->severity;
        state->is_cleared = 0;
        return true;
    }
    if (state->is_cleared != 0) {
        reopen(state, change);
        return true;
    }
    state->severity = change->severity;
    if (change->severity > before && state->operator_state == TG_OPERATOR_ACKED) {
        state->operator_state = TG_OPERATOR_NONE; /* worse than what was acknowledged: re-alarm */
    }
    return change->severity != before;
}

static bool step_clear(struct tg_alarm_state *state, const struct tg_alarm_change *change)
{
    state->clears_count++;
    if (!tg_alarm_state_is_raised(state)) {
        state->cleared_ns = change->at_ns; /* tombstone */
        return true;
    }
    if (state->is_cleared != 0) {
        return false;
    }
    state->is_cleared = 1;
    state->cleared_ns = change->at_ns;
    return true;
}

static bool step_operator(struct tg_alarm_state *state, const struct tg_alarm_change *change,
                          enum tg_alarm_operator operator_state)
{
    const bool is_new = state->operator_state != operator_state;
    state->operator_state = (uint8_t)operator_state;
    state->operated_ns = change->at_ns;
    return is_new;
}

bool tg_alarm_state_step(struct tg_alarm_state *state, const struct tg_alarm_change *change)
{
    bool is_effective = false;
    switch (change->kind) {
    case TG_CHANGE_RAISE:
        is_effective = step_raise(state, change);
        break;
    case TG_CHANGE_CLEAR:
        is_effective = step_clear(state, change);
        break;
    case TG_CHANGE_ACK:
        is_effective = step_operator(state, change, TG_OPERATOR_ACKED);
        break;
    case TG_CHANGE_UNACK:
        is_effective = step_operator(state, change, TG_OPERATOR_NONE);
        break;
    case TG_CHANGE_CLOSE:
        is_effective = step_operator(state, change, TG_OPERATOR_CLOSED);
        break;
    case TG_CHANGE_SHELVE:
        is_effective = state->shelved_until_ns != change->until_ns;
        state->shelved_until_ns = change->until_ns;
        break;
    case TG_CHANGE_UNSHELVE:
        is_effective = state->shelved_until_ns != INT64_MIN;
        state->shelved_until_ns = INT64_MIN;
        break;
    case TG_CHANGE_MAINTENANCE_ON:
    case TG_CHANGE_MAINTENANCE_OFF: {
        const uint8_t is_on = change->kind == TG_CHANGE_MAINTENANCE_ON;
        is_effective = state->is_maintained != is_on;
        state->is_maintained = is_on;
        break;
    }
    default:
        assert(false && "a change of no kind was stored");
        break;
    }
    if (is_effective) {
        state->changed_ns = change->at_ns;
    }
    return is_effective;
}

static void refold(struct tg_alarm *alarm)
{
    alarm->state = alarm->base;
    for (uint32_t i = 0; i < alarm->changes_count; i++) {
        struct tg_alarm_change *change = &alarm->changes[i];
        change->is_effective = tg_alarm_state_step(&alarm->state, change);
    }
}

static void remove_at(struct tg_alarm *alarm, uint32_t index)
{
    memmove(&alarm->changes[index], &alarm->changes[index + 1],
            (alarm->changes_count - index - 1u) * sizeof alarm->changes[0]);
    alarm->changes_count--;
}

/* Repeats say least, so they go first: the history keeps what really changed. */
static void make_room(struct tg_alarm *alarm, struct tg_fold_counters *counters)
{
    for (uint32_t i = 0; i + 1 < alarm->changes_count; i++) {
        const struct tg_alarm_change *change = &alarm->changes[i];
        if (change->is_effective == 0 && change->kind <= TG_CHANGE_RAISE) {
            alarm->base.raises_count += change->kind == TG_CHANGE_RAISE;
            alarm->base.clears_count += change->kind == TG_CHANGE_CLEAR;
            remove_at(alarm, i);
            counters->repeats_count++;
            return;
        }
    }
    (void)tg_alarm_state_step(&alarm->base, &alarm->changes[0]);
    alarm->base_ns = alarm->changes[0].at_ns;
    remove_at(alarm, 0);
    counters->changes_count++;
}

/* Older than the base: it cannot change how things stand, only how often and since when. */
static void count_late(struct tg_alarm *alarm, const struct tg_alarm_change *change)
{
    struct tg_alarm_state *base = &alarm->base;
    if (change->kind == TG_CHANGE_CLEAR) {
        base->clears_count++;
    } else if (change->kind == TG_CHANGE_RAISE) {
        base->raises_count++;
        if (!tg_alarm_state_is_raised(base)) {
            base->is_cleared = base->cleared_ns != INT64_MIN;
            base->severity = change->severity;
            base->last_raised_ns = change->at_ns;
            base->last_seen_ns = change->at_ns;
        }
        if (change->at_ns < base->first_raised_ns) {
            base->first_raised_ns = change->at_ns;
        }
    }
    refold(alarm);
}

enum tg_fold_result tg_alarm_fold_insert(struct tg_alarm *alarm,
                                         const struct tg_alarm_change *change,
                                         struct tg_fold_counters *counters)
{
    if (alarm->base_ns != INT64_MIN && change->at_ns <= alarm->base_ns) {
        count_late(alarm, change);
        return TG_FOLD_LATE;
    }
    uint32_t at = alarm->changes_count;
    while (at > 0) {
        const int order = tg_alarm_change_order(&alarm->changes[at - 1], change);
        if (order == 0) {
            return TG_FOLD_DUPLICATE;
        }
        if (order < 0) {
            break;
        }
        at--;
    }
    if (alarm->changes_count == TG_ALARM_CHANGES_MAX) {
        make_room(alarm, counters);
        return tg_alarm_fold_insert(alarm, change, counters); /* once: there is room now */
    }
    memmove(&alarm->changes[at + 1], &alarm->changes[at],
            (alarm->changes_count - at) * sizeof alarm->changes[0]);
    alarm->changes[at] = *change;
    alarm->changes_count++;
    if (at + 1u == alarm->changes_count) {
        alarm->changes[at].is_effective = tg_alarm_state_step(&alarm->state, &alarm->changes[at]);
    } else {
        refold(alarm);
    }
    return TG_FOLD_APPLIED;
}
