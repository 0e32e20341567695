/* SPDX-License-Identifier: Apache-2.0 */
#include "rate/quick.h"

#include "base/clock.h"
#include "rate/account_state.h"
#include "rate/worker.h"

#include <assert.h>
#include <string.h>

/* Node state and site: what the stages before have written into a charge's last word. */
#define TAIL_WORD     offsetof(struct tg_charge, reason)
#define TAIL_OCTET(m) (UINT64_C(0xff) << 8 * (offsetof(struct tg_charge, m) - TAIL_WORD))
#define TAIL_KEPT     (TAIL_OCTET(node_state) | TAIL_OCTET(site))
#define LABEL_WORD    offsetof(struct tg_charge, catalog_version)
#define LABEL_ZONE    (8 * (offsetof(struct tg_charge, zone) - LABEL_WORD))
_Static_assert(TAIL_WORD + 8 == sizeof(struct tg_charge), "the last word");
_Static_assert(LABEL_WORD + 8 == TAIL_WORD, "the word before");
/* First word of an account line: month, product, calls open, tag of the roster. */
#define LINE_MONTH         UINT64_C(0x000000ff0000ffff) /* a month, and no call open */
#define LINE_PRODUCT       UINT64_C(0x00000000ffff0000)
#define LINE_PRODUCT_SHIFT 16u
#define LINE_TAG_SHIFT     40u
#define LINE_TAGS_MAX      ((1u << (64 - LINE_TAG_SHIFT)) - 1)
_Static_assert(offsetof(struct tg_account_line, period) == 0 &&
                   8 * offsetof(struct tg_account_line, product) == LINE_PRODUCT_SHIFT &&
                   offsetof(struct tg_account_line, cost) == 8,
               "the first word");
/* Rows of a batch that ask the roster, above which all of the next one ask ahead. */
#define UNKNOWN_MANY 16u

/* Keeps a pointer in a register: gcc 12 works its address out anew at each use. */
#define HELD(pointer) __asm__("" : "+r"(pointer))

/* Rows that always go the long way: received, part of a call, or taking usage back. The octets of
 * service, kinds of keys, cause and flags are looked at as one word. */
#define KINDS_AT (8 * (offsetof(struct tg_usage, key_kinds) - offsetof(struct tg_usage, service)))
#define FLAGS_AT (8 * (offsetof(struct tg_usage, flags) - offsetof(struct tg_usage, service)))
#define UNUSUAL                                                                                    \
    ((uint32_t)TG_KEY_KINDS_REVERSAL << KINDS_AT |                                                 \
     (uint32_t)(TG_USAGE_INCOMING | TG_USAGE_PARTIAL) << FLAGS_AT)
_Static_assert(offsetof(struct tg_usage, service) + 4 == sizeof(struct tg_usage), "the last ones");

static inline uint64_t word_get(const void *object, size_t offset_bytes)
{
    uint64_t word;
    memcpy(&word, (const uint8_t *)object + offset_bytes, sizeof word);
    return word;
}

static inline bool row_is_unusual(const struct tg_usage *row)
{
    uint32_t last;
    memcpy(&last, &row->service, sizeof last);
    return (last & UNUSUAL) != 0;
}

/* Lines are shared by workers and by trials of prepaid: the tag is the roster's own number, the
 * same for all of them. Above the tag's bits lines know nothing and the roster is asked. */
static uint64_t roster_word(const struct tg_roster *roster)
{
    return roster->number != 0 && roster->number <= LINE_TAGS_MAX ? roster->number << LINE_TAG_SHIFT
                                                                  : UINT64_MAX;
}

void tg_rate_quick_start(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                         int64_t at_ns)
{
    struct tg_quick *quick = &rate->quick;
    const uint32_t subscribers_count = snapshot->roster->subscribers_count;
    const uint32_t lines_count = rate->accounts->subscribers_count_max;
    quick->image = NULL;
    quick->from_ns = 0;
    quick->to_ns = 0;
    quick->usual_ns = 0;
    quick->usual_span_ns = 0;
    quick->usual_count = subscribers_count < lines_count ? subscribers_count : lines_count;
    quick->ask_mask = quick->unknown_count > UNKNOWN_MANY ? UINT32_MAX : 0;
    quick->unknown_count = 0;
    quick->roster_word = roster_word(snapshot->roster);
    (void)tg_rate_quick_times(rate, snapshot, at_ns);
}

/* One row after the other: addresses first and then all prefetches at once was no faster. Where the
 * host maps small pages a prefetch is a page walk of 20 to 50 ns, so the roster is asked by its
 * small array (tg_roster_product), and only while many lines do not know the product: after a start
 * or a change of people. Else the first product is asked for, which costs nothing. */
void tg_rate_quick_ahead(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                         const struct tg_usage *rows, const struct tg_charge *charges,
                         uint32_t count, uint32_t turn)
{
    struct tg_quick *quick = &rate->quick;
    const uint16_t *hot = snapshot->roster->hot;
    struct tg_account_line *lines = rate->accounts->lines[quick->period & 1];
    const int64_t usual_ns = quick->usual_ns;
    const uint64_t span_ns = quick->usual_span_ns;
    const uint32_t subscribers_count = quick->usual_count;
    const uint32_t period = quick->period;
    const uint32_t ask_mask = quick->ask_mask;
    assert(count <= TG_QUICK_ROWS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        struct tg_quick_row *row = &quick->rows[turn & 1][i];
        const uint32_t subscriber = charges[i].subscriber;
        row->line = NULL;
        if (charges[i].fate == TG_FATE_NONE && subscriber < subscribers_count &&
            (uint64_t)rows[i].start_ns - (uint64_t)usual_ns < span_ns &&
            !row_is_unusual(&rows[i])) {
            row->line = &lines[subscriber];
            row->period = period;
            __builtin_prefetch(row->line, 0, 3);
            __builtin_prefetch(&hot[subscriber & ask_mask], 0, 3);
        }
    }
}

/* Rows of the group that a slot was found for before another takes it go the long way. A pointer of
 * a group before may be met too, which only costs its row the short way. */
static void slot_leave(struct tg_quick *quick, const void *slot)
{
    for (uint32_t i = 0; i < TG_QUICK_ROWS_MAX; i++) {
        struct tg_quick_row *row = &quick->group[i];
        if (row->cell == slot || row->price == slot) {
            row->cell = NULL;
        }
    }
}

static __attribute__((noinline)) void cell_enter(struct tg_quick *quick, uint64_t tag,
                                                 uint32_t product, uint8_t service,
                                                 struct tg_quick_cell *cell)
{
    slot_leave(quick, cell);
    tg_rate_quick_cell_make(quick, tag, product, service, cell);
}

static __attribute__((noinline)) void price_enter(struct tg_rate *rate, uint64_t tag,
                                                  uint32_t price_id, struct tg_quick_price *price)
{
    slot_leave(&rate->quick, price);
    tg_rate_quick_price_make(rate->quick.image, tag, price_id, rate->bounds.amount_max, price);
}

static inline struct tg_quick_cell *cell_of(struct tg_quick *quick, uint32_t product,
                                            uint8_t service)
{
    const uint64_t tag = (uint64_t)quick->tag << 32 | product << 8 | service;
    struct tg_quick_cell *cell =
        &quick->cells[(product * TG_SERVICE_COUNT + service) % TG_QUICK_CELLS_COUNT];
    HELD(cell);
    if (__builtin_expect(cell->tag != tag, 0)) {
        cell_enter(quick, tag, product, service, cell);
    }
    return cell;
}

static inline void price_find(struct tg_rate *rate, uint32_t price_id, struct tg_quick_row *row)
{
    const uint64_t tag = (uint64_t)rate->quick.tag << 32 | price_id;
    struct tg_quick_price *price = &rate->quick.prices[price_id % TG_QUICK_PRICES_COUNT];
    const struct tg_quick_cell *cell = row->cell;
    if (__builtin_expect(price->tag != tag, 0)) {
        price_enter(rate, tag, price_id, price);
    }
    row->price = price;
    row->cell = price->is_quick != 0 ? cell : NULL;
}

/* A plain cell's price is not there: it is made, or the cell found not to be plain. */
static __attribute__((noinline)) void plain_enter(struct tg_rate *rate, struct tg_quick_cell *cell,
                                                  struct tg_quick_row *row)
{
    price_find(rate, (uint32_t)cell->price_tag, row);
    cell->is_plain = cell->price->is_quick;
}

/* Band of the start; false when the row goes on behind the band's end or has none. */
static bool band_of(const struct tg_image *image, const struct tg_quick_cell *cell,
                    const struct tg_usage *row, uint16_t *band)
{
    int64_t until_ns;
    const uint32_t found = tg_image_band(image, cell->time_model, row->start_ns, &until_ns);
    *band = (uint16_t)found;
    return found != TG_BAND_NONE &&
           (cell->is_cut_by_time == 0 || (uint64_t)row->duration_ms * TG_NS_PER_MS <=
                                             (uint64_t)until_ns - (uint64_t)row->start_ns);
}

/* What the line does not know, the roster tells once. It is the same for all usual times, so it is
 * known to the line from then on, until there is another roster or month. */
static __attribute__((noinline)) uint16_t line_learn(struct tg_quick *quick,
                                                     const struct tg_roster *roster,
                                                     uint32_t subscriber,
                                                     const struct tg_quick_row *row)
{
    struct tg_account_line *line = row->line;
    quick->unknown_count++;
    if (line->period == row->period && quick->roster_word != UINT64_MAX) {
        line->product = roster->hot[subscriber];
        line->roster_tag = (uint32_t)(quick->roster_word >> LINE_TAG_SHIFT);
    }
    return roster->hot[subscriber];
}

/* The product of a row that the group's look ahead found nothing unusual about. */
static inline uint16_t usual_product(struct tg_quick *quick, const struct tg_roster *roster,
                                     uint32_t subscriber, const struct tg_usage *row,
                                     const struct tg_quick_row *quick_row)
{
    const uint64_t word = word_get(quick_row->line, 0);
    const uint16_t product =
        __builtin_expect((word & ~LINE_PRODUCT) == (quick_row->period | quick->roster_word), 1)
            ? (uint16_t)(word >> LINE_PRODUCT_SHIFT)
            : line_learn(quick, roster, subscriber, quick_row);
    return __builtin_expect(product != TG_ROSTER_ASK_LINE, 1)
               ? product
               : tg_roster_product(roster, subscriber, row->start_ns);
}

/* The same for any other: of another month, or of a roster that has no hot array. */
static __attribute__((noinline)) uint16_t other_product(struct tg_rate *rate,
                                                        const struct tg_catalog_snapshot *snapshot,
                                                        const struct tg_usage *row,
                                                        const struct tg_charge *charge,
                                                        struct tg_quick_row *quick_row)
{
    struct tg_quick *quick = &rate->quick;
    const uint32_t subscriber = charge->subscriber;
    if (charge->fate != TG_FATE_NONE || subscriber >= quick->usual_count || row_is_unusual(row)) {
        return TG_ROSTER_ASK_LINE;
    }
    const uint16_t product = tg_roster_product(snapshot->roster, subscriber, row->start_ns);
    if (product == TG_ROSTER_ASK_LINE ||
        ((row->start_ns < quick->from_ns || row->start_ns >= quick->to_ns) &&
         !tg_rate_quick_times(rate, snapshot, row->start_ns))) {
        return TG_ROSTER_ASK_LINE;
    }
    quick_row->line = &rate->accounts->lines[quick->period & 1][subscriber];
    quick_row->period = quick->period;
    return product;
}

/* Zones of numbers, the rows of one deck together so that their misses overlap. A number that the
 * plan's own deck does not have goes the long way, where the other decks are asked. */
static void group_zones(struct tg_quick *quick, const struct tg_usage *rows, uint32_t wanted)
{
    while (wanted != 0) {
        const uint32_t first = (uint32_t)__builtin_ctz(wanted);
        const uint16_t deck = quick->group[first].cell->deck;
        uint64_t keys[TG_QUICK_ROWS_MAX];
        int64_t at_ns[TG_QUICK_ROWS_MAX];
        uint16_t zones[TG_QUICK_ROWS_MAX];
        uint32_t taken[TG_QUICK_ROWS_MAX];
        uint32_t taken_count = 0;
        for (uint32_t rest = wanted; rest != 0; rest &= rest - 1) {
            const uint32_t i = (uint32_t)__builtin_ctz(rest);
            if (quick->group[i].cell->deck == deck) {
                keys[taken_count] = rows[i].peer_key;
                at_ns[taken_count] = rows[i].start_ns;
                taken[taken_count++] = i;
                wanted &= ~(1u << i);
            }
        }
        tg_image_zones(quick->image, deck, keys, at_ns, taken_count, zones);
        for (uint32_t k = 0; k < taken_count; k++) {
            struct tg_quick_row *row = &quick->group[taken[k]];
            row->zone = zones[k];
            row->cell = zones[k] != TG_ZONE_NONE ? row->cell : NULL;
        }
    }
}

static inline void row_price(struct tg_rate *rate, struct tg_quick_row *row)
{
    const struct tg_quick_cell *cell = row->cell;
    const uint32_t price_id = row->zone < cell->zones_count && row->band < cell->bands_count
                                  ? cell->matrix[(size_t)row->zone * cell->bands_count + row->band]
                                  : TG_PRICE_NONE;
    if (price_id == TG_PRICE_NONE) {
        row->cell = NULL;
        return;
    }
    price_find(rate, price_id, row);
}

/* A row with bands, networks or a deck; true when its zone is the deck's to tell. */
static inline bool row_ask(struct tg_rate *rate, const struct tg_usage *row,
                           const struct tg_quick_cell *cell, struct tg_quick_row *quick_row)
{
    const struct tg_image *image = rate->quick.image;
    if (cell->is_quick == 0 ||
        (cell->causes != NULL && !tg_causes_bill(cell->causes, row->closing_cause)) ||
        (cell->time_model != TG_TIME_MODEL_NONE && !band_of(image, cell, row, &quick_row->band))) {
        quick_row->cell = NULL;
        return false;
    }
    if (cell->is_zoned_by_network != 0) {
        quick_row->zone = tg_image_network_zone(image, row->serving_network);
    }
    if (cell->deck != TG_DECK_NONE && tg_usage_peer_kind(row) == TG_KEY_E164) {
        return true;
    }
    row_price(rate, quick_row);
    return false;
}

/* Rows whose deck is to be asked, once all cells are there: any of them may have lost its own. */
static void group_ask(struct tg_rate *rate, const struct tg_usage *rows, uint32_t wanted)
{
    struct tg_quick *quick = &rate->quick;
    for (uint32_t rest = wanted; rest != 0; rest &= rest - 1) {
        const uint32_t i = (uint32_t)__builtin_ctz(rest);
        wanted &= ~((quick->group[i].cell == NULL ? 1u : 0u) << i);
    }
    group_zones(quick, rows, wanted);
    for (; wanted != 0; wanted &= wanted - 1) {
        struct tg_quick_row *row = &quick->group[__builtin_ctz(wanted)];
        if (row->cell != NULL) {
            row_price(rate, row);
        }
    }
}

void tg_rate_quick_resolve(struct tg_rate *rate, const struct tg_catalog_snapshot *snapshot,
                           const struct tg_usage *rows, const struct tg_charge *charges,
                           uint32_t count, uint32_t turn)
{
    struct tg_quick *quick = &rate->quick;
    const struct tg_roster *roster = snapshot->roster;
    struct tg_quick_row *group = quick->rows[turn & 1];
    uint32_t wanted = 0; /* rows that ask a deck */
    assert(count <= TG_QUICK_ROWS_MAX);
    quick->group = group;
    for (uint32_t i = 0; i < count; i++) {
        struct tg_quick_row *row = &group[i];
        const uint16_t product =
            __builtin_expect(row->line != NULL, 1)
                ? usual_product(quick, roster, charges[i].subscriber, &rows[i], row)
                : other_product(rate, snapshot, &rows[i], &charges[i], row);
        if (__builtin_expect(product == TG_ROSTER_ASK_LINE, 0)) {
            row->cell = NULL;
            continue;
        }
        struct tg_quick_cell *cell = cell_of(quick, product, rows[i].service);
        row->cell = cell;
        row->zone = TG_ZONE_NONE;
        row->band = 0;
        if (__builtin_expect(cell->is_plain != 0, 1)) {
            row->price = cell->price;
            if (__builtin_expect(cell->price->tag != cell->price_tag, 0)) {
                plain_enter(rate, cell, row);
            }
        } else if (row_ask(rate, &rows[i], cell, row)) {
            wanted |= 1u << i;
        }
    }
    if (wanted != 0) {
        group_ask(rate, rows, wanted);
    }
}

/* Base quantity to whole units, then increments, less what is free. 0 or so much that something
 * might overflow goes the long way, and so does what is not a unit. */
static inline bool units_billed(const struct tg_quick_price *price, uint64_t base, uint64_t *billed)
{
    uint64_t units = tg_reciprocal_divide(&price->unit_base, base + price->unit_base_add);
    const bool is_used = units != 0;
    units = units < price->units_min ? price->units_min : units;
    const uint64_t steps = tg_reciprocal_divide(&price->next, units + price->next_add);
    *billed = steps * price->next.divisor + (uint64_t)price->billed_add;
    return is_used && *billed - 1 < price->billed_max;
}

/* An amount and the rest that rounding left, in 2^-32. */
struct cost {
    int64_t amount;
    int64_t remainder;
};

/* A quotient with a tie that went up to an odd one, or of steps of the price's decimals: the rest
 * is of 2^31 x 10^9 at most, so its parts take 128 bits. */
static __attribute__((noinline)) struct cost cost_turn(const struct tg_quick_price *price,
                                                       int64_t whole, int64_t rest)
{
    const uint64_t divisor = price->per_units.divisor;
    if (price->is_half_even != 0 && (whole & 1) != 0 && -rest == (int64_t)(divisor / 2)) {
        whole -= 1;
        rest += (int64_t)divisor;
    }
    const unsigned __int128 gap = (uint64_t)(rest < 0 ? -rest : rest);
    const int64_t parts = (int64_t)((gap << 32) / (divisor / (uint64_t)price->grid));
    const bool is_below = (rest < 0) != (price->is_negative != 0);
    const int64_t amount = whole * price->grid;
    return (struct cost){price->is_negative != 0 ? -amount : amount, is_below ? -parts : parts};
}

/* What priced units cost where a unit does not cost a whole amount. Out of line: it would take the
 * registers of rows that need none of it. */
static __attribute__((noinline)) struct cost units_price(const struct tg_quick_price *price,
                                                         uint64_t units)
{
    const uint64_t divisor = price->per_units.divisor;
    const uint64_t product = (uint64_t)price->step_price * units;
    const int64_t whole =
        (int64_t)tg_reciprocal_divide(&price->per_units, product + price->per_units_add);
    const int64_t rest = (int64_t)(product - (uint64_t)whole * divisor);
    if (price->has_turns != 0) {
        return cost_turn(price, whole, rest);
    }
    const uint64_t gap = (uint64_t)(rest < 0 ? -rest : rest);
    const int64_t parts = (int64_t)tg_reciprocal_divide(&price->per_units, gap << 32);
    const bool is_below = (rest < 0) != (price->is_negative != 0);
    return (struct cost){price->is_negative != 0 ? -whole : whole, is_below ? -parts : parts};
}

/* Units that the line's own allowance still covers. */
static inline uint64_t allowance_left(const struct tg_quick_row *row, uint64_t used_base)
{
    const struct tg_quick_cell *cell = row->cell;
    const uint64_t granted_base = cell->allowance_base;
    uint64_t left_base = granted_base > used_base ? granted_base - used_base : 0;
    if (__builtin_expect(cell->zone_bits != NULL, 0) &&
        ((cell->zone_bits[row->zone / 8] >> (row->zone % 8)) & 1u) == 0) {
        left_base = 0;
    }
    return tg_reciprocal_divide(&row->price->unit_base, left_base);
}

/* Fee and bounds that few prices have; false: not within 64 bits. */
static __attribute__((noinline)) bool cost_finish(const struct tg_quick_price *price,
                                                  bool is_priced, struct cost *cost)
{
    if ((is_priced || price->is_connect_on_use != 0) &&
        __builtin_add_overflow(cost->amount, price->connect_fee, &cost->amount)) {
        return false;
    }
    const int64_t unlimited = cost->amount;
    if (is_priced) {
        cost->amount = cost->amount < price->charge_min ? price->charge_min : cost->amount;
        cost->amount = cost->amount > price->charge_max ? price->charge_max : cost->amount;
        cost->remainder = cost->amount == unlimited ? cost->remainder : 0;
    }
    return true;
}

static inline void word_put(void *object, size_t offset_bytes, uint64_t word)
{
    memcpy((uint8_t *)object + offset_bytes, &word, sizeof word);
}

/* The quantity that the service's dimension counts. */
static inline uint64_t base_quantity(const struct tg_usage *row, const struct tg_quick_cell *cell)
{
    const size_t up = offsetof(struct tg_usage, start_ns) + 8;
    return (word_get(row, up) & cell->up_mask) + (word_get(row, up + 8) & cell->down_mask) +
           (row->duration_ms & cell->duration_mask);
}

/* All or nothing: false leaves line and charge as they were. The meter is two words: 48 bits of
 * quantity below 16 of the events' count, whose carry and end, once in 65536, are the long way's.
 */
static inline __attribute__((always_inline)) bool
line_post(struct tg_rate *rate, const struct tg_usage *row, struct tg_charge *charge,
          const struct tg_quick_row *quick_row, struct tg_account_line *line)
{
    const struct tg_quick_price *price = quick_row->price;
    const size_t meter = quick_row->cell->meter_offset;
    const uint64_t priced_word = word_get(line, meter);
    const uint64_t allowance_word = word_get(line, meter + 8);
    const uint64_t before_base = priced_word & TG_METER_BASE_MAX;
    const uint64_t used_base = allowance_word & TG_METER_BASE_MAX;
    uint64_t billed;
    int64_t line_cost;
    if (__builtin_expect(!units_billed(price, base_quantity(row, quick_row->cell), &billed), 0)) {
        return false;
    }
    const uint64_t left = allowance_left(quick_row, used_base);
    const uint64_t covered = left < billed ? left : billed;
    const uint64_t priced = billed - covered;
    struct cost cost = {price->step_price * (int64_t)priced, 0};
    if (__builtin_expect(price->is_whole == 0, 0)) {
        cost = units_price(price, priced);
    }
    if (__builtin_expect(price->has_extras != 0, 0)) {
        struct cost finished = cost;
        if (!cost_finish(price, priced != 0, &finished)) {
            return false;
        }
        cost = finished;
    }
    const uint64_t priced_base = priced * price->unit_base.divisor;
    const uint64_t covered_base = covered * price->unit_base.divisor;
    if (__builtin_expect(((before_base + priced_base) | (used_base + covered_base)) >>
                                     TG_METER_EVENTS_SHIFT !=
                                 0 ||
                             priced_word >> TG_METER_EVENTS_SHIFT == UINT16_MAX ||
                             __builtin_add_overflow(line->cost, cost.amount, &line_cost),
                         0)) {
        return false;
    }
    word_put(line, meter, priced_word + priced_base + (UINT64_C(1) << TG_METER_EVENTS_SHIFT));
    word_put(line, meter + 8, allowance_word + covered_base);
    line->cost = line_cost;
    if (__builtin_expect(price->has_extras != 0, 0)) {
        rate->counts.connect_fees_count +=
            price->connect_fee != 0 && (priced != 0 || price->is_connect_on_use != 0);
    }
    charge->amount = cost.amount;
    charge->remainder = cost.remainder;
    charge->billed_units = billed;
    charge->allowance_units = covered;
    charge->units_before =
        tg_reciprocal_divide(&price->unit_base, before_base & price->before_mask);
    charge->price_id = (uint32_t)price->tag;
    word_put(charge, LABEL_WORD, price->label | (uint64_t)quick_row->zone << LABEL_ZONE);
    word_put(charge, TAIL_WORD, (word_get(charge, TAIL_WORD) & TAIL_KEPT) | price->tail);
    return true;
}

/* The line's first row of a month. */
static __attribute__((noinline)) bool fresh_post(struct tg_rate *rate, const struct tg_usage *row,
                                                 struct tg_charge *charge,
                                                 const struct tg_quick_row *quick_row)
{
    struct tg_account_line *line = quick_row->line;
    const struct tg_account_line before = *line;
    if (!tg_accounts_line_begin(rate->accounts, line, charge->subscriber, quick_row->period) &&
        tg_accounts_line(rate->accounts, charge->subscriber, quick_row->period) == NULL) {
        return false;
    }
    if (line->calls_open != 0 || !line_post(rate, row, charge, quick_row, line)) {
        *line = before;
        return false;
    }
    return true;
}

static inline bool row_post(struct tg_rate *rate, const struct tg_usage *row,
                            struct tg_charge *charge, const struct tg_quick_row *quick_row)
{
    struct tg_account_line *line = quick_row->line;
    if (__builtin_expect(tg_plug_is_quarantined(quick_row->price->plug), 0)) {
        return false;
    }
    if (__builtin_expect((word_get(line, 0) & LINE_MONTH) != quick_row->period, 0)) {
        return line->period != quick_row->period && fresh_post(rate, row, charge, quick_row);
    }
    tg_accounts_touch(rate->accounts, charge->subscriber, quick_row->period);
    return line_post(rate, row, charge, quick_row, line);
}

uint32_t tg_rate_quick_run(struct tg_rate *rate, const struct tg_usage *rows,
                           struct tg_charge *charges, uint32_t from, uint32_t count)
{
    uint32_t at = from;
    for (; at < count; at++) {
        const struct tg_quick_row *quick_row = &rate->quick.group[at];
        if (quick_row->cell == NULL || !row_post(rate, &rows[at], &charges[at], quick_row)) {
            break;
        }
    }
    rate->counts.rated_count += at - from;
    return at;
}
