/* SPDX-License-Identifier: Apache-2.0 */
#include "health/impact.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "record/charge.h"

#define PAIRS_MAX        (1u << 26)
#define PAIR_NONE        UINT32_MAX
#define PLACE_KNOWN      UINT32_MAX /* of a row whose pair has it */
#define SLOTS_ASKED      24u
#define GROUP_ROWS       16u /* whose pairs are asked for together: each is a cache miss */
#define CURRENCY_MISSING TG_IMPACT_CURRENCIES_MAX

/* A subscriber seen at a node: in which of the last 64 slots, counted back from last_slot. */
struct pair {
    uint64_t slots; /* bit i: slot last_slot - i */
    uint32_t last_slot;
    uint32_t subscriber;
    uint32_t next;    /* next pair of the same node */
    uint16_t node_id; /* 0: free */
    uint16_t reserved;
};
_Static_assert(sizeof(struct pair) == 24, "pairs are the bulk of the memory");

/* The slot that holds times in [from_ns, to_ns). */
struct span {
    int64_t from_ns;
    int64_t to_ns;
    uint32_t slot;
};

/* Revenue of a node in one slot; stamp tells which slot the ring place stands for. */
struct cell {
    int64_t amounts[TG_IMPACT_CURRENCIES_MAX];
    uint32_t stamp;
    uint32_t reserved;
};

struct tg_impact {
    struct cell *cells; /* [(nodes_count + 1) * TG_IMPACT_SLOTS_COUNT] */
    struct pair *pairs; /* [pairs_mask + 1] */
    uint32_t *firsts;   /* [nodes_count + 1]: newest pair of a node */
    uint64_t *marks;    /* bit a subscriber: scratch of one question */
    uint64_t *latest;   /* by subscriber: sight() of his last row whose pair has it, 0 none */
    const struct tg_inventory *inventory;
    struct tg_closure closure;
    size_t size_bytes;
    int64_t slot_ns;
    uint32_t pairs_mask;
    uint32_t pairs_count_max;
    uint32_t subscribers_count_max;
    uint32_t slot_first; /* earliest slot ever seen */
    uint32_t slot_last;  /* latest slot ever seen */
    uint16_t currencies[TG_IMPACT_CURRENCIES_MAX];
    uint32_t currencies_count;
    struct tg_impact_counters counters;
};

static void *carve(uint8_t *block, size_t *used_bytes, size_t bytes)
{
    void *at = block == NULL ? NULL : block + *used_bytes;
    *used_bytes += (bytes + 63) & ~(size_t)63;
    return at;
}

static size_t impact_carve(struct tg_impact *impact, uint8_t *block)
{
    size_t used = 0;
    const size_t nodes = impact->inventory->nodes_count + 1u;
    (void)carve(block, &used, sizeof *impact);
    impact->cells = carve(block, &used, nodes * TG_IMPACT_SLOTS_COUNT * sizeof *impact->cells);
    impact->pairs = carve(block, &used, (impact->pairs_mask + (size_t)1) * sizeof *impact->pairs);
    impact->firsts = carve(block, &used, nodes * sizeof *impact->firsts);
    impact->marks = carve(block, &used, (impact->subscribers_count_max / 64 + (size_t)1) * 8);
    impact->latest = carve(block, &used, impact->subscribers_count_max * sizeof *impact->latest);
    return used;
}

enum tg_err tg_impact_open(const struct tg_impact_config *config, struct tg_impact **impact)
{
    *impact = NULL;
    if (config->pairs_count_max < 16 || config->pairs_count_max > PAIRS_MAX ||
        config->slot_ns < 0) {
        return TG_E_INVALID;
    }
    struct tg_impact draft = {
        .inventory = config->inventory,
        .slot_ns = config->slot_ns == 0 ? TG_NS_PER_HOUR : config->slot_ns,
        .pairs_count_max = config->pairs_count_max,
        .subscribers_count_max = config->subscribers_count_max,
        .slot_first = UINT32_MAX,
    };
    if (draft.slot_ns < TG_NS_PER_S) {
        return TG_E_INVALID; /* slot numbers of today would not fit 32 bits */
    }
    /* There are no more pairs than nodes times subscribers: few of them need no large table. */
    const uint64_t pairs_possible =
        (uint64_t)config->inventory->nodes_count * config->subscribers_count_max;
    if (pairs_possible < draft.pairs_count_max) {
        draft.pairs_count_max = (uint32_t)pairs_possible;
    }
    draft.pairs_mask = 31;
    while (draft.pairs_mask < draft.pairs_count_max + draft.pairs_count_max / 2) {
        draft.pairs_mask = draft.pairs_mask * 2 + 1;
    }
    draft.size_bytes = impact_carve(&draft, NULL);
    uint8_t *block = tg_pages_take(draft.size_bytes);
    if (block == NULL) {
        return TG_E_NO_MEMORY;
    }
    (void)impact_carve(&draft, block);
    struct tg_impact *made = (struct tg_impact *)(void *)block;
    *made = draft;
    for (uint32_t id = 0; id <= made->inventory->nodes_count; id++) {
        made->firsts[id] = PAIR_NONE;
    }
    if (tg_closure_open(made->inventory, &made->closure) != TG_OK) {
        tg_impact_close(made);
        return TG_E_NO_MEMORY;
    }
    *impact = made;
    return TG_OK;
}

void tg_impact_close(struct tg_impact *impact)
{
    if (impact != NULL) {
        tg_closure_close(&impact->closure);
        tg_pages_free(impact, impact->size_bytes);
    }
}

static uint32_t currency_find(struct tg_impact *impact, uint16_t currency)
{
    for (uint32_t i = 0; i < impact->currencies_count; i++) {
        if (impact->currencies[i] == currency) {
            return i;
        }
    }
    if (impact->currencies_count == TG_IMPACT_CURRENCIES_MAX) {
        return CURRENCY_MISSING;
    }
    impact->currencies[impact->currencies_count] = currency;
    return impact->currencies_count++;
}

/* Only ever grows the window: a slot that slid out of it is not taken back. */
static void revenue_add(struct tg_impact *impact, uint16_t node_id, uint32_t slot, uint16_t code,
                        int64_t amount)
{
    struct cell *cell =
        &impact->cells[(size_t)node_id * TG_IMPACT_SLOTS_COUNT + slot % TG_IMPACT_SLOTS_COUNT];
    if (cell->stamp < slot) {
        *cell = (struct cell){.stamp = slot};
    }
    const uint32_t currency = currency_find(impact, code);
    if (currency == CURRENCY_MISSING) {
        impact->counters.currency_dropped_count++;
        return;
    }
    if (__builtin_add_overflow(cell->amounts[currency], amount, &cell->amounts[currency])) {
        cell->amounts[currency] = amount > 0 ? INT64_MAX : INT64_MIN;
        impact->counters.overflow_count++;
    }
}

static inline uint32_t pair_place(const struct tg_impact *impact, uint16_t node_id,
                                  uint32_t subscriber)
{
    return (uint32_t)tg_mix64((uint64_t)node_id << 32 | subscriber) & impact->pairs_mask;
}

/* Where and when a row is of. Nearly all rows are of the node and the hour of their subscriber's
 * last one, and change nothing: a word, in the order of subscribers, tells them. */
static inline uint64_t sight(uint16_t node_id, uint32_t slot)
{
    return (uint64_t)slot << 16 | node_id;
}

/* at: the pair's place. */
static void pair_add(struct tg_impact *impact, uint16_t node_id, uint32_t slot, uint32_t subscriber,
                     uint32_t at)
{
    if (subscriber >= impact->subscribers_count_max) {
        impact->counters.pairs_dropped_count++;
        return;
    }
    struct pair *pair = &impact->pairs[at];
    while (pair->node_id != 0 && (pair->node_id != node_id || pair->subscriber != subscriber)) {
        at = (at + 1) & impact->pairs_mask;
        pair = &impact->pairs[at];
    }
    if (pair->node_id == 0) {
        if (impact->counters.pairs_count == impact->pairs_count_max) {
            impact->counters.pairs_dropped_count++;
            return;
        }
        impact->counters.pairs_count++;
        impact->latest[subscriber] = sight(node_id, slot);
        *pair = (struct pair){1, slot, subscriber, impact->firsts[node_id], node_id, 0};
        impact->firsts[node_id] = at;
        return;
    }
    impact->latest[subscriber] = sight(node_id, slot);
    if (slot >= pair->last_slot) {
        const uint32_t step = slot - pair->last_slot;
        pair->slots = (step < 64 ? pair->slots << step : 0) | 1;
        pair->last_slot = slot;
    } else if (pair->last_slot - slot < 64) {
        pair->slots |= UINT64_C(1) << (pair->last_slot - slot);
    }
}

/* Rows mostly come hour by hour: one division an hour. false: there is no such slot. */
static inline bool slot_enter(const struct tg_impact *impact, struct span *span, int64_t start_ns)
{
    if (start_ns >= span->from_ns && start_ns < span->to_ns) {
        return true;
    }
    const int64_t number = start_ns / impact->slot_ns;
    if (start_ns < 0 || number >= UINT32_MAX) {
        return false;
    }
    *span =
        (struct span){number * impact->slot_ns, (number + 1) * impact->slot_ns, (uint32_t)number};
    return true;
}

static inline void row_add(struct tg_impact *impact, const struct tg_impact_rows *rows, uint32_t i,
                           struct span *span, uint32_t place)
{
    const uint16_t node_id = rows->node_id[i];
    if (rows->fate[i] != TG_FATE_RATED || node_id == TG_NODE_ID_NONE ||
        node_id > impact->inventory->nodes_count || !slot_enter(impact, span, rows->start_ns[i])) {
        impact->counters.skipped_count++;
        return;
    }
    const uint32_t slot = span->slot;
    impact->slot_last = slot > impact->slot_last ? slot : impact->slot_last;
    if (impact->slot_last - slot >= TG_IMPACT_SLOTS_COUNT) {
        impact->counters.late_count++;
        return;
    }
    impact->slot_first = slot < impact->slot_first ? slot : impact->slot_first;
    impact->counters.rows_count++;
    revenue_add(impact, node_id, slot, rows->currency[i], rows->amount[i]);
    if (place != PLACE_KNOWN) {
        pair_add(impact, node_id, slot, rows->subscriber[i], place);
    }
}

static inline void latest_ask(const struct tg_impact *impact, const struct tg_impact_rows *rows,
                              uint32_t from, uint32_t count)
{
    for (uint32_t i = from; i < from + count; i++) {
        if (rows->subscriber[i] < impact->subscribers_count_max) {
            __builtin_prefetch(&impact->latest[rows->subscriber[i]]);
        }
    }
}

/* Places of pairs, but of rows that change nothing. */
static inline void places_ask(const struct tg_impact *impact, const struct tg_impact_rows *rows,
                              uint32_t from, uint32_t count, struct span *span, uint32_t *places)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint16_t node_id = rows->node_id[from + i];
        const uint32_t subscriber = rows->subscriber[from + i];
        if (subscriber < impact->subscribers_count_max &&
            slot_enter(impact, span, rows->start_ns[from + i]) &&
            impact->latest[subscriber] == sight(node_id, span->slot)) {
            places[i] = PLACE_KNOWN;
            continue;
        }
        places[i] = pair_place(impact, node_id, subscriber);
        __builtin_prefetch(&impact->pairs[places[i]], 1);
    }
}

static inline uint32_t group_count(uint32_t from, uint32_t count)
{
    const uint32_t left = from < count ? count - from : 0;
    return left < GROUP_ROWS ? left : GROUP_ROWS;
}

/* What the group after the next needs to know and the next one's pairs are asked for before this
 * one is worked on. */
void tg_impact_add(struct tg_impact *impact, const struct tg_impact_rows *rows, uint32_t count)
{
    uint32_t places[2][GROUP_ROWS];
    struct span span = {0, 0, 0};
    latest_ask(impact, rows, 0, group_count(0, count));
    latest_ask(impact, rows, GROUP_ROWS, group_count(GROUP_ROWS, count));
    places_ask(impact, rows, 0, group_count(0, count), &span, places[0]);
    for (uint32_t from = 0; from < count; from += GROUP_ROWS) {
        const uint32_t half = from / GROUP_ROWS % 2;
        const uint32_t next = from + GROUP_ROWS;
        latest_ask(impact, rows, next + GROUP_ROWS, group_count(next + GROUP_ROWS, count));
        places_ask(impact, rows, next, group_count(next, count), &span, places[half ^ 1]);
        for (uint32_t i = 0; i < group_count(from, count); i++) {
            row_add(impact, rows, from + i, &span, places[half][i]);
        }
    }
}

/* Slots [from, until) as the bits of a pair whose bit 0 stands for last_slot. */
static uint64_t window_bits(uint32_t last_slot, uint32_t from, uint32_t until)
{
    if (last_slot < from || until <= from) {
        return 0;
    }
    const uint32_t low = last_slot >= until ? last_slot - until + 1 : 0;
    const uint32_t high = last_slot - from; /* inclusive */
    if (low > 63) {
        return 0;
    }
    const uint64_t upto = high >= 63 ? UINT64_MAX : (UINT64_C(1) << (high + 1)) - 1;
    return upto & ~((UINT64_C(1) << low) - 1);
}

static uint64_t subscribers_count(struct tg_impact *impact, uint32_t from, uint32_t until)
{
    uint64_t count = 0;
    for (uint32_t m = 0; m < impact->closure.members_count; m++) {
        for (uint32_t at = impact->firsts[impact->closure.members[m]]; at != PAIR_NONE;
             at = impact->pairs[at].next) {
            const struct pair *pair = &impact->pairs[at];
            uint64_t *word = &impact->marks[pair->subscriber / 64];
            const uint64_t bit = UINT64_C(1) << (pair->subscriber % 64);
            if ((pair->slots & window_bits(pair->last_slot, from, until)) != 0 &&
                (*word & bit) == 0) {
                *word |= bit;
                count++;
            }
        }
    }
    for (uint32_t m = 0; m < impact->closure.members_count; m++) {
        for (uint32_t at = impact->firsts[impact->closure.members[m]]; at != PAIR_NONE;
             at = impact->pairs[at].next) {
            impact->marks[impact->pairs[at].subscriber / 64] = 0;
        }
    }
    return count;
}

static __int128 revenue_sum(const struct tg_impact *impact, uint32_t currency, uint32_t from,
                            uint32_t until)
{
    __int128 sum = 0;
    for (uint32_t m = 0; m < impact->closure.members_count; m++) {
        const struct cell *ring =
            &impact->cells[(size_t)impact->closure.members[m] * TG_IMPACT_SLOTS_COUNT];
        for (uint32_t slot = from; slot < until; slot++) {
            const struct cell *cell = &ring[slot % TG_IMPACT_SLOTS_COUNT];
            sum += cell->stamp == slot ? cell->amounts[currency] : 0;
        }
    }
    return sum;
}

static int64_t clamp64(__int128 value)
{
    return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

/* Averages are rounded down toward zero: they are estimates for ranking, never billed. */
static void moneys_fill(const struct tg_impact *impact, const struct tg_impact_question *question,
                        uint32_t from, uint32_t until, int64_t covered_ns,
                        struct tg_impact_answer *answer)
{
    int64_t elapsed_ns = 0;
    if (question->until_ns <= question->fault_ns ||
        __builtin_sub_overflow(question->until_ns, question->fault_ns, &elapsed_ns)) {
        elapsed_ns = 0;
    }
    for (uint32_t c = 0; c < impact->currencies_count; c++) {
        const __int128 sum = revenue_sum(impact, c, from, until);
        const int64_t per_hour = covered_ns <= 0 ? 0 : clamp64(sum * TG_NS_PER_HOUR / covered_ns);
        struct tg_impact_money money = {
            .revenue_per_hour = per_hour,
            .at_risk = clamp64((__int128)per_hour * elapsed_ns / TG_NS_PER_HOUR),
            .currency = impact->currencies[c]};
        uint32_t at = answer->moneys_count++;
        for (; at > 0 && answer->moneys[at - 1].currency > money.currency; at--) {
            answer->moneys[at] = answer->moneys[at - 1];
        }
        answer->moneys[at] = money;
    }
}

enum tg_err tg_impact_ask(struct tg_impact *impact, const struct tg_impact_question *question,
                          struct tg_impact_answer *answer)
{
    memset(answer, 0, sizeof *answer);
    if (question->node_id == TG_NODE_ID_NONE ||
        question->node_id > impact->inventory->nodes_count) {
        return TG_E_UNKNOWN_NODE;
    }
    if (question->slots_count >= TG_IMPACT_SLOTS_COUNT || question->fault_ns < 0 ||
        question->fault_ns / impact->slot_ns >= UINT32_MAX) {
        return TG_E_INVALID;
    }
    (void)tg_inventory_closure(impact->inventory, &impact->closure, &question->node_id, 1);
    if (!question->is_with_children) {
        impact->closure.members_count = 1; /* seeds stand first */
    }
    answer->nodes_count = impact->closure.members_count;
    answer->is_at_least = impact->counters.pairs_dropped_count > 0;
    if (impact->slot_first == UINT32_MAX) {
        return TG_OK; /* no usage yet */
    }
    const uint32_t wanted = question->slots_count == 0 ? SLOTS_ASKED : question->slots_count;
    const uint32_t fault = (uint32_t)(question->fault_ns / impact->slot_ns);
    const uint32_t kept = impact->slot_last >= TG_IMPACT_SLOTS_COUNT - 1
                              ? impact->slot_last - (TG_IMPACT_SLOTS_COUNT - 1)
                              : 0;
    uint32_t from = fault > wanted ? fault - wanted : 0;
    from = from < impact->slot_first ? impact->slot_first : from;
    from = from < kept ? kept : from;
    uint32_t until = fault;
    int64_t covered_ns = 0;
    if (from < until) {
        answer->slots_count = until - from;
        covered_ns = answer->slots_count * impact->slot_ns;
    } else {
        from = fault;
        until = fault + 1;
        covered_ns = question->fault_ns - (int64_t)fault * impact->slot_ns;
        answer->is_estimate = true;
    }
    answer->subscribers_count = subscribers_count(impact, from, until);
    moneys_fill(impact, question, from, until, covered_ns, answer);
    return TG_OK;
}

void tg_impact_counters_get(const struct tg_impact *impact, struct tg_impact_counters *counters)
{
    *counters = impact->counters;
}
