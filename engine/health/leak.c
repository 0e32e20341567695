/* SPDX-License-Identifier: Apache-2.0 */
#include "health/leak.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"

#define MILLI 1000u

struct tg_leak {
    struct tg_leak_memory *memories; /* [nodes_count + 1] */
    const struct tg_alarm_kind *kind_silent;
    const struct tg_alarm_kind *kind_low;
    const struct tg_alarm_kind *kind_down;
    size_t size_bytes;
    uint32_t nodes_count;
};

enum tg_err tg_leak_open(const struct tg_inventory *inventory, struct tg_leak **leak)
{
    const size_t head_bytes = (sizeof(struct tg_leak) + 63) & ~(size_t)63;
    const size_t size_bytes =
        head_bytes + (inventory->nodes_count + 1u) * sizeof(struct tg_leak_memory);
    uint8_t *block = tg_pages_take(size_bytes);
    *leak = (struct tg_leak *)(void *)block;
    if (block == NULL) {
        return TG_E_NO_MEMORY;
    }
    (*leak)->memories = (struct tg_leak_memory *)(void *)(block + head_bytes);
    (*leak)->size_bytes = size_bytes;
    (*leak)->nodes_count = inventory->nodes_count;
    (*leak)->kind_silent = tg_alarm_kind_by_name("usageSilent");
    (*leak)->kind_low = tg_alarm_kind_by_name("usageLow");
    (*leak)->kind_down = tg_alarm_kind_by_name("usageWhileDown");
    assert((*leak)->kind_silent != NULL && (*leak)->kind_low != NULL);
    assert((*leak)->kind_down != NULL);
    return TG_OK;
}

void tg_leak_close(struct tg_leak *leak)
{
    if (leak != NULL) {
        tg_pages_free(leak, leak->size_bytes);
    }
}

/* EWMA with alpha 0.1 in thousandths of a record, so that small nodes do not stick. */
static void baseline_learn(struct tg_leak_memory *memory, uint64_t records_count)
{
    const uint64_t sample =
        records_count < UINT64_MAX / (2 * MILLI) ? records_count * MILLI : UINT64_MAX / 2;
    if (memory->windows_count == 0) {
        memory->baseline_milli = sample;
    } else if (sample >= memory->baseline_milli) {
        memory->baseline_milli += (sample - memory->baseline_milli) / 10;
    } else {
        memory->baseline_milli -= (memory->baseline_milli - sample) / 10;
    }
    memory->windows_count += memory->windows_count < UINT32_MAX;
}

static enum tg_leak_verdict judge_working(const struct tg_leak_window *window,
                                          struct tg_leak_memory *memory)
{
    const uint64_t baseline = memory->baseline_milli / MILLI;
    if (!window->has_octets || window->octets <= window->octets_floor) {
        return TG_LEAK_IDLE;
    }
    if (baseline < TG_LEAK_BASELINE_MIN) {
        if (window->records_count == 0) {
            return TG_LEAK_IDLE; /* silence of one that never spoke proves nothing */
        }
    } else if (window->records_count == 0) {
        return TG_LEAK_SILENT;
    } else if (window->records_count < baseline * TG_LEAK_PARTIAL_PERCENT / 100) {
        memory->low_count++;
        return memory->low_count >= TG_LEAK_PARTIAL_WINDOWS ? TG_LEAK_PARTIAL : TG_LEAK_OK;
    }
    memory->low_count = 0;
    baseline_learn(memory, window->records_count);
    return TG_LEAK_OK;
}

enum tg_leak_verdict tg_leak_judge(const struct tg_leak_window *window,
                                   struct tg_leak_memory *memory)
{
    if (window->gap_count > 0) {
        return TG_LEAK_LOSS;
    }
    if (window->is_maintained && window->records_count == 0) {
        return TG_LEAK_EXPECTED;
    }
    if (window->state == TG_NODE_DOWN) {
        return window->records_count > 0 ? TG_LEAK_HOLD_WHILE_DOWN : TG_LEAK_IDLE;
    }
    if (window->state == TG_NODE_UNKNOWN) {
        return window->records_count > 0 ? TG_LEAK_UP_BY_USAGE : TG_LEAK_IDLE;
    }
    return judge_working(window, memory);
}

static void tell(struct tg_alarm_set *alarms, const struct tg_leak_window *window,
                 const struct tg_alarm_kind *kind, bool is_on, int64_t arrival_ns)
{
    const struct tg_alarm *known = tg_alarm_set_find(alarms, window->node_id, kind, 0);
    const bool is_active = known != NULL && known->state.is_cleared == 0;
    if (!is_on && !is_active) {
        return;
    }
    /* back-dated: it leaks since the window began; it is whole since the window that shows it */
    const struct tg_alarm_event event = {.kind = kind,
                                         .text = kind->specific_problem,
                                         .text_bytes = (uint32_t)strlen(kind->specific_problem),
                                         .event_ns = is_on ? window->from_ns : window->until_ns,
                                         .arrival_ns = arrival_ns,
                                         .node_id = window->node_id,
                                         .action = is_on ? TG_ALARM_RAISE : TG_ALARM_CLEAR};
    (void)tg_alarm_set_report(alarms, &event);
}

uint32_t tg_leak_run(struct tg_leak *leak, struct tg_alarm_set *alarms,
                     const struct tg_leak_window *windows, uint32_t windows_count,
                     int64_t arrival_ns, uint8_t *verdicts)
{
    uint32_t leaks_count = 0;
    for (uint32_t i = 0; i < windows_count; i++) {
        const struct tg_leak_window *window = &windows[i];
        enum tg_leak_verdict verdict = TG_LEAK_IDLE;
        if (window->node_id != TG_NODE_ID_NONE && window->node_id <= leak->nodes_count) {
            verdict = tg_leak_judge(window, &leak->memories[window->node_id]);
        }
        if (verdicts != NULL) {
            verdicts[i] = (uint8_t)verdict;
        }
        leaks_count += verdict == TG_LEAK_SILENT || verdict == TG_LEAK_PARTIAL;
        if (verdict == TG_LEAK_IDLE || verdict == TG_LEAK_EXPECTED || verdict == TG_LEAK_LOSS) {
            continue; /* nothing was shown: neither raise nor clear */
        }
        tell(alarms, window, leak->kind_silent, verdict == TG_LEAK_SILENT, arrival_ns);
        tell(alarms, window, leak->kind_low, verdict == TG_LEAK_PARTIAL, arrival_ns);
        tell(alarms, window, leak->kind_down, verdict == TG_LEAK_HOLD_WHILE_DOWN, arrival_ns);
    }
    return leaks_count;
}

const char *tg_leak_verdict_name(unsigned verdict)
{
    static const char *const names[] = {
        "OK",          "LEAK_SILENT", "LEAK_PARTIAL", "HOLD_USAGE_WHILE_DOWN",
        "UP_BY_USAGE", "LOSS_EST",    "EXPECTED",     "IDLE"};
    return verdict < sizeof names / sizeof names[0] ? names[verdict] : "UNKNOWN";
}
