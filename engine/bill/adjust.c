/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/adjust.h"

#include "abi/key.h"
#include "base/arena.h"
#include "base/hash.h"
#include "catalog/image.h"
#include "catalog/roster.h"
#include "ledger/journal.h"
#include "ledger/scan.h"
#include "rate/account.h"
#include "rate/shelf_note.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUMS_COUNT_FIRST 1024u

struct tg_adjust_index {
    struct tg_adjust_sum *sums; /* Sorted by (record_key, subscriber); shape [capacity]. */
    uint32_t count;
    uint32_t capacity;
    struct tg_adjust_order *orders; /* Sorted by (account, epoch); shape [orders_capacity]. */
    uint32_t orders_count;
    uint32_t orders_capacity;
    uint32_t *outs; /* Subscribers of rows that were backed out; shape [outs_count]. */
    uint32_t outs_count;
    bool has_any; /* Some row is an adjustment. */
};

/* Of an order note. */
struct order_value {
    int64_t from_ns;
    int64_t to_ns;
};
_Static_assert(sizeof(struct order_value) == 16, "stored");

const char *tg_adjust_reason_name(uint8_t reason)
{
    switch (reason) {
    case TG_ADJUST_ORDER:
        return "order";
    case TG_ADJUST_BACKOUT:
        return "backout";
    default:
        return "rerate";
    }
}

static int sum_compare(const void *a, const void *b)
{
    const struct tg_adjust_sum *left = a;
    const struct tg_adjust_sum *right = b;
    if (left->record_key != right->record_key) {
        return left->record_key < right->record_key ? -1 : 1;
    }
    return left->subscriber < right->subscriber ? -1 : left->subscriber > right->subscriber;
}

static bool index_grow(struct tg_adjust_index *index)
{
    const uint32_t capacity = index->capacity > 0 ? index->capacity * 2 : SUMS_COUNT_FIRST;
    struct tg_adjust_sum *more = tg_pages_take((size_t)capacity * sizeof *more);
    if (more == NULL) {
        return false;
    }
    if (index->sums != NULL) {
        memcpy(more, index->sums, (size_t)index->count * sizeof *more);
        tg_pages_free(index->sums, (size_t)index->capacity * sizeof *more);
    }
    index->sums = more;
    index->capacity = capacity;
    return true;
}

static enum tg_err adjustment_add(struct tg_adjust_index *index, const struct tg_scan_view *view,
                                  uint32_t i)
{
    if (index->count == index->capacity && !index_grow(index)) {
        return TG_E_NO_MEMORY;
    }
    index->sums[index->count++] = (struct tg_adjust_sum){
        .record_key = view->peer_key[i],
        .subscriber = view->subscriber[i],
        .count = view->sequence[i], /* Its ordinal until the sums are made. */
        .amount = view->amount[i],
        .remainder = view->remainder[i],
        .billed_base = view->billed_units[i],
        .allowance_base = view->allowance_units[i],
        .price_id = view->price_id[i],
        .catalog_version = view->catalog_version[i],
        .zone = view->zone[i],
        .reason = view->closing_cause[i],
    };
    return TG_OK;
}

static enum tg_err order_add(struct tg_adjust_index *index, const struct tg_adjust_order *order)
{
    if (index->orders_count == index->orders_capacity) {
        const uint32_t capacity =
            index->orders_capacity > 0 ? index->orders_capacity * 2 : SUMS_COUNT_FIRST;
        struct tg_adjust_order *more = tg_pages_take((size_t)capacity * sizeof *more);
        if (more == NULL) {
            return TG_E_NO_MEMORY;
        }
        if (index->orders != NULL) {
            memcpy(more, index->orders, (size_t)index->orders_count * sizeof *more);
            tg_pages_free(index->orders, (size_t)index->orders_capacity * sizeof *more);
        }
        index->orders = more;
        index->orders_capacity = capacity;
    }
    index->orders[index->orders_count++] = *order;
    return TG_OK;
}

static enum tg_err order_take(struct tg_adjust_index *index, uint64_t epoch,
                              const struct tg_scan_note *note)
{
    const char *digits = note->key + strlen(TG_ADJUST_ORDER_NOTE);
    char *end = NULL;
    struct order_value value;
    const unsigned long account = strtoul(digits, &end, 10);
    if (*digits < '0' || *digits > '9' || *end != '\0' || account > UINT32_MAX ||
        note->length_bytes != sizeof value) {
        return TG_E_CORRUPT;
    }
    memcpy(&value, note->bytes, sizeof value);
    const struct tg_adjust_order order = {.epoch = epoch,
                                          .from_ns = value.from_ns,
                                          .to_ns = value.to_ns,
                                          .account = (uint32_t)account};
    return order_add(index, &order);
}

static enum tg_err notes_fold(struct tg_adjust_index *index, const struct tg_scan_view *view)
{
    struct tg_scan_position at = {0};
    struct tg_scan_note note;
    enum tg_err err = TG_OK;
    if ((view->sections & TG_SECTION_BIT(TG_SECTION_NOTES)) == 0) {
        return TG_OK;
    }
    while (err == TG_OK && (err = tg_scan_note_next(view, &at, &note, NULL)) == TG_OK) {
        if (strncmp(note.key, TG_ADJUST_ORDER_NOTE, strlen(TG_ADJUST_ORDER_NOTE)) == 0) {
            err = order_take(index, view->epoch, &note);
        }
    }
    return err == TG_E_NOT_FOUND ? TG_OK : err;
}

static enum tg_err block_fold(void *context, const struct tg_scan_view *view)
{
    enum tg_err err = notes_fold(context, view);
    for (uint32_t i = 0; i < view->rows_count && err == TG_OK; i++) {
        if (view->source_id[i] == TG_ADJUST_SOURCE_ID && view->fate[i] == TG_FATE_RATED) {
            err = adjustment_add(context, view, i);
        }
    }
    return err;
}

/* One entry a corrected row: differences add up, the latest ordinal says price and version. */
static void index_sum(struct tg_adjust_index *index)
{
    if (index->count > 1) {
        qsort(index->sums, index->count, sizeof index->sums[0], sum_compare);
    }
    uint32_t kept = 0;
    uint32_t latest = 0;
    for (uint32_t i = 0; i < index->count; i++) {
        const struct tg_adjust_sum one = index->sums[i];
        struct tg_adjust_sum *sum = kept > 0 ? &index->sums[kept - 1] : NULL;
        if (sum == NULL || sum_compare(sum, &one) != 0) {
            sum = &index->sums[kept++];
            *sum = one;
            sum->count = 1;
            latest = one.count;
            continue;
        }
        sum->count++;
        sum->amount += one.amount;
        sum->remainder += one.remainder;
        sum->billed_base += one.billed_base;
        sum->allowance_base += one.allowance_base;
        if (one.count >= latest) {
            latest = one.count;
            sum->price_id = one.price_id;
            sum->catalog_version = one.catalog_version;
            sum->zone = one.zone;
            sum->reason = one.reason;
        }
    }
    index->count = kept;
}

static int order_compare(const void *a, const void *b)
{
    const struct tg_adjust_order *left = a;
    const struct tg_adjust_order *right = b;
    if (left->account != right->account) {
        return left->account < right->account ? -1 : 1;
    }
    return left->epoch < right->epoch ? -1 : left->epoch > right->epoch;
}

static enum tg_err index_settle(struct tg_adjust_index *index)
{
    index_sum(index);
    if (index->orders_count > 1) {
        qsort(index->orders, index->orders_count, sizeof index->orders[0], order_compare);
    }
    for (uint32_t i = 0; i < index->count; i++) {
        index->outs_count += index->sums[i].reason == TG_ADJUST_BACKOUT;
    }
    index->outs = tg_pages_take(((size_t)index->outs_count + 1) * sizeof index->outs[0]);
    if (index->outs == NULL) {
        return TG_E_NO_MEMORY;
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < index->count; i++) {
        if (index->sums[i].reason == TG_ADJUST_BACKOUT) {
            index->outs[at++] = index->sums[i].subscriber;
        }
    }
    return TG_OK;
}

/* Ends the fold at the first adjustment. */
static enum tg_err block_look(void *context, const struct tg_scan_view *view)
{
    struct tg_adjust_index *index = context;
    for (uint32_t i = 0; i < view->rows_count && !index->has_any; i++) {
        index->has_any = view->source_id[i] == TG_ADJUST_SOURCE_ID;
    }
    return index->has_any ? TG_E_EXISTS : notes_fold(index, view);
}

static enum tg_err journal_fold(const char *data_dir, uint64_t epoch_max, uint64_t columns,
                                tg_scan_fold_fn fold, void *context, struct tg_why *why)
{
    const struct tg_scan_params params = {.size_bytes = sizeof params,
                                          .sections = TG_SECTION_BIT(TG_SECTION_ROWS) |
                                                      TG_SECTION_BIT(TG_SECTION_NOTES),
                                          .dir = data_dir,
                                          .epoch_max = epoch_max,
                                          .fates = 1u << TG_FATE_RATED,
                                          .columns = columns};
    struct tg_scan *scan = NULL;
    enum tg_err err = tg_scan_open(&params, &scan, why);
    if (err == TG_OK) {
        err = tg_scan_fold(scan, fold, context, why);
    }
    tg_scan_close(scan);
    return err;
}

enum tg_err tg_adjust_index_open(const char *data_dir, uint64_t epoch_max,
                                 struct tg_adjust_index **index, struct tg_why *why)
{
    *index = NULL;
    struct tg_adjust_index *made = tg_pages_take(sizeof *made);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for adjustments");
    }
    /* Most journals have none: one column says so, where the index needs twelve. */
    enum tg_err err =
        journal_fold(data_dir, epoch_max, TG_COLUMN_BIT(source_id), block_look, made, why);
    if (made->has_any) {
        made->orders_count = 0; /* The look ended on its way. */
        err = journal_fold(
            data_dir, epoch_max,
            TG_COLUMN_BIT(source_id) | TG_COLUMN_BIT(fate) | TG_COLUMN_BIT(peer_key) |
                TG_COLUMN_BIT(sequence) | TG_COLUMN_BIT(amount) | TG_COLUMN_BIT(remainder) |
                TG_COLUMN_BIT(billed_units) | TG_COLUMN_BIT(allowance_units) |
                TG_COLUMN_BIT(subscriber) | TG_COLUMN_BIT(price_id) |
                TG_COLUMN_BIT(catalog_version) | TG_COLUMN_BIT(zone) | TG_COLUMN_BIT(closing_cause),
            block_fold, made, why);
    }
    err = err == TG_OK ? index_settle(made) : err;
    if (err != TG_OK) {
        tg_adjust_index_close(made);
        return err;
    }
    *index = made;
    return TG_OK;
}

void tg_adjust_index_close(struct tg_adjust_index *index)
{
    if (index == NULL) {
        return;
    }
    if (index->sums != NULL) {
        tg_pages_free(index->sums, (size_t)index->capacity * sizeof index->sums[0]);
    }
    tg_pages_free(index->orders, (size_t)index->orders_capacity * sizeof index->orders[0]);
    tg_pages_free(index->outs, ((size_t)index->outs_count + 1) * sizeof index->outs[0]);
    tg_pages_free(index, sizeof *index);
}

const struct tg_adjust_sum *tg_adjust_find(const struct tg_adjust_index *index, uint64_t record_key,
                                           uint32_t subscriber)
{
    if (index->count == 0) {
        return NULL;
    }
    const struct tg_adjust_sum key = {.record_key = record_key, .subscriber = subscriber};
    return bsearch(&key, index->sums, index->count, sizeof key, sum_compare);
}

uint32_t tg_adjust_count(const struct tg_adjust_index *index)
{
    return index->count;
}

const struct tg_adjust_order *tg_adjust_orders(const struct tg_adjust_index *index,
                                               uint32_t account, uint32_t *count)
{
    uint32_t low = 0;
    uint32_t high = index->orders_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (index->orders[middle].account < account) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *count = 0;
    while (low + *count < index->orders_count && index->orders[low + *count].account == account) {
        (*count)++;
    }
    return *count > 0 ? &index->orders[low] : NULL;
}

uint32_t tg_adjust_out_count(const struct tg_adjust_index *index)
{
    return index->outs_count;
}

uint32_t tg_adjust_out_subscriber(const struct tg_adjust_index *index, uint32_t i)
{
    assert(i < index->outs_count);
    return index->outs[i];
}

bool tg_adjust_is_out(const struct tg_adjust_index *index, uint64_t record_key, uint32_t subscriber)
{
    if (index->outs_count == 0) {
        return false;
    }
    const struct tg_adjust_sum *sum = tg_adjust_find(index, record_key, subscriber);
    return sum != NULL && sum->reason == TG_ADJUST_BACKOUT;
}

static uint8_t base_unit(uint8_t service)
{
    switch (tg_account_meter_of(service)) {
    case TG_METER_VOICE:
        return TG_UNIT_MILLISECOND;
    case TG_METER_EVENT:
        return TG_UNIT_EVENT;
    default:
        return TG_UNIT_OCTET;
    }
}

/* Access is metered as data but may be priced by time: its unit says which base it is. */
static uint8_t base_unit_of(const struct tg_usage *usage, uint8_t unit)
{
    switch (unit < TG_UNIT_COUNT ? tg_unit_dimension(unit) : TG_DIMENSION_EVENTS) {
    case TG_DIMENSION_TIME:
        return TG_UNIT_MILLISECOND;
    case TG_DIMENSION_BYTES:
        return TG_UNIT_OCTET;
    case TG_DIMENSION_MONEY: /* counted on shelves: account lines do not look at it */
        return TG_UNIT_AMOUNT;
    default:
        return unit < TG_UNIT_COUNT ? TG_UNIT_EVENT : base_unit(usage->service);
    }
}

static uint64_t base_of(const struct tg_charge *charge, uint64_t units)
{
    return charge->unit < TG_UNIT_COUNT ? units * tg_unit_base_count(charge->unit) : units;
}

uint32_t tg_adjust_apply(const struct tg_adjust_index *index, const struct tg_usage *usage,
                         const struct tg_charge *charge, struct tg_charge *result)
{
    *result = *charge;
    const struct tg_adjust_sum *sum = tg_adjust_find(index, usage->record_key, charge->subscriber);
    if (sum == NULL) {
        return 0;
    }
    result->amount += sum->amount;
    result->remainder += sum->remainder;
    result->billed_units = base_of(charge, charge->billed_units) + sum->billed_base;
    result->allowance_units = base_of(charge, charge->allowance_units) + sum->allowance_base;
    result->unit = base_unit_of(usage, charge->unit);
    result->price_id = sum->price_id;
    result->catalog_version = sum->catalog_version;
    result->zone = sum->zone;
    return sum->count;
}

bool tg_adjust_make(const struct tg_usage *usage, const struct tg_charge *stands,
                    const struct tg_charge *should, uint32_t count, uint8_t reason, bool is_silent,
                    struct tg_usage *row, struct tg_charge *charge)
{
    assert(stands->subscriber == should->subscriber && stands->currency == should->currency);
    assert(should->fate == TG_FATE_RATED);
    const uint64_t more =
        base_of(should, should->billed_units) - base_of(stands, stands->billed_units);
    const uint64_t billed = tg_usage_is_reversal(usage) ? -more : more; /* of the counters */
    const uint64_t allowance =
        base_of(should, should->allowance_units) - base_of(stands, stands->allowance_units);
    if (stands->amount == should->amount && billed == 0 && allowance == 0 && !is_silent) {
        return false;
    }
    const int64_t identity[8] = {(int64_t)usage->record_key,
                                 (int64_t)stands->subscriber,
                                 stands->amount,
                                 should->amount,
                                 (int64_t)billed,
                                 (int64_t)allowance,
                                 (int64_t)should->catalog_version,
                                 (int64_t)count};
    *row = (struct tg_usage){
        .subscriber_key = usage->subscriber_key,
        .peer_key = usage->record_key,
        .start_ns = usage->start_ns,
        .rating_group = usage->rating_group,
        .serving_network = usage->serving_network,
        .record_key = tg_key_hash(UINT64_C(0x61646a757374), identity, sizeof identity),
        .sequence = count + 1,
        .source_id = TG_ADJUST_SOURCE_ID,
        .node_id = usage->node_id,
        .service = usage->service,
        .key_kinds = tg_key_kinds(tg_usage_subscriber_kind(usage), TG_KEY_NONE),
        .closing_cause = reason,
    };
    *charge = (struct tg_charge){
        .amount = should->amount - stands->amount,
        .remainder = should->remainder - stands->remainder,
        .billed_units = billed,
        .allowance_units = allowance,
        .subscriber = should->subscriber,
        .price_id = should->price_id,
        .catalog_version = should->catalog_version,
        .currency = should->currency,
        .zone = should->zone,
        .reason = TG_OK,
        .fate = TG_FATE_RATED,
        .node_state = stands->node_state,
        .pieces_count = 0,
        .unit = base_unit_of(usage, should->unit),
        .flags = stands->flags & TG_CHARGE_PREPAID, /* the balance follows the correction */
    };
    return true;
}

static bool has_subscriber(const struct tg_adjust_posting *posting, uint32_t subscriber)
{
    return posting->accounts == NULL ||
           posting->accounts[posting->roster->lines[subscriber].account] == 1;
}

uint32_t tg_adjust_run(const struct tg_adjust_posting *posting, uint32_t *from)
{
    uint32_t at = *from;
    while (at < posting->count && !has_subscriber(posting, posting->charges[at].subscriber)) {
        at++;
    }
    *from = at;
    while (at < posting->count && has_subscriber(posting, posting->charges[at].subscriber)) {
        at++;
    }
    return at - *from;
}

bool tg_adjust_has_shelf(const struct tg_adjust_posting *posting,
                         const struct tg_adjust_shelf *shelf)
{
    return posting->accounts == NULL || (shelf->is_pool ? posting->accounts[shelf->index] == 1
                                                        : has_subscriber(posting, shelf->index));
}

static struct tg_block *shelves_write(const struct tg_adjust_posting *posting,
                                      const struct tg_adjust_sink *sink, struct tg_block *block)
{
    for (uint32_t i = 0; i < posting->shelves_count && block != NULL;) {
        const struct tg_adjust_shelf *shelf = &posting->shelves[i];
        char key[TG_SHELF_NOTE_KEY_BYTES];
        if (!tg_adjust_has_shelf(posting, shelf)) {
            i++;
            continue;
        }
        const uint32_t length_bytes =
            tg_shelf_note_make(shelf->is_pool, shelf->index, &shelf->shelf, key);
        if (tg_block_note(block, key, &shelf->shelf, length_bytes)) {
            i++;
        } else {
            block = sink->next(sink->context);
        }
    }
    return block;
}

static struct tg_block *orders_write(const struct tg_adjust_posting *posting,
                                     const struct tg_adjust_sink *sink, struct tg_block *block)
{
    for (uint32_t i = 0; i < posting->orders_count && block != NULL;) {
        const struct tg_adjust_order *order = &posting->orders[i];
        const struct order_value value = {order->from_ns, order->to_ns};
        char key[TG_SHELF_NOTE_KEY_BYTES];
        if (posting->accounts != NULL && posting->accounts[order->account] != 1) {
            i++;
            continue;
        }
        (void)snprintf(key, sizeof key, TG_ADJUST_ORDER_NOTE "%u", order->account);
        if (tg_block_note(block, key, &value, sizeof value)) {
            i++;
        } else {
            block = sink->next(sink->context);
        }
    }
    return block;
}

bool tg_adjust_write(const struct tg_adjust_posting *posting, const struct tg_adjust_sink *sink)
{
    struct tg_journal_source source = {
        .source_key = tg_key_name(TG_ADJUST_SOURCE_NAME, strlen(TG_ADJUST_SOURCE_NAME)),
        .source_id = TG_ADJUST_SOURCE_ID};
    struct tg_block *block = sink->block(sink->context);
    uint32_t from = 0;
    for (uint32_t count; block != NULL && (count = tg_adjust_run(posting, &from)) > 0;) {
        const uint32_t taken =
            tg_block_rows(block, posting->rows + from, posting->charges + from, count);
        from += taken;
        source.in_records += taken;
        block = taken < count ? sink->next(sink->context) : block;
    }
    block = block != NULL ? shelves_write(posting, sink, block) : NULL;
    block = block != NULL ? orders_write(posting, sink, block) : NULL;
    while (block != NULL && !tg_block_source(block, &source)) {
        block = sink->next(sink->context);
    }
    return block != NULL;
}

/* A journal that is opened for one epoch. */
struct own_epoch {
    struct tg_journal *journal;
    struct tg_block *block;
    uint64_t epoch;
    int64_t journal_ns;
};

static struct tg_block *own_block(void *context)
{
    struct own_epoch *own = context;
    if (own->block == NULL) {
        own->block = tg_journal_begin(own->journal, 0);
    }
    return own->block;
}

static struct tg_block *own_next(void *context)
{
    struct own_epoch *own = context;
    tg_block_time(own->block, own->journal_ns);
    tg_journal_submit_part(own->journal, own->block, own->epoch);
    own->block = NULL;
    return own_block(own);
}

/* All blocks of the epoch; the last one commits it and carries the source's count. */
static enum tg_err epoch_write(struct tg_journal *journal, const struct tg_adjust_posting *posting,
                               uint64_t epoch)
{
    struct own_epoch own = {.journal = journal, .epoch = epoch, .journal_ns = posting->journal_ns};
    const struct tg_adjust_sink sink = {&own, own_block, own_next};
    if (!tg_adjust_write(posting, &sink)) {
        return TG_E_IO;
    }
    tg_block_time(own.block, posting->journal_ns);
    tg_journal_submit(journal, own.block, epoch);
    return tg_journal_wait(journal, epoch);
}

enum tg_err tg_adjust_post(const char *data_dir, const struct tg_adjust_posting *posting,
                           uint64_t *epoch, struct tg_why *why)
{
    *epoch = 0;
    if (posting->count == 0 && posting->shelves_count == 0) {
        return TG_OK;
    }
    const struct tg_journal_params params = {.size_bytes = sizeof params,
                                             .streams_count = 1,
                                             .dir = data_dir,
                                             .ops = posting->ops,
                                             .is_sparse = true};
    struct tg_journal *journal = NULL;
    enum tg_err err = tg_journal_open(&params, &journal, why);
    if (err == TG_OK) {
        const uint64_t next = tg_journal_next_epoch(journal);
        err = epoch_write(journal, posting, next);
        if (err != TG_OK) {
            (void)tg_journal_error(journal, why);
        }
        const enum tg_err closed = tg_journal_close(journal);
        err = err == TG_OK ? closed : err;
        *epoch = err == TG_OK ? next : 0;
    }
    return err;
}
