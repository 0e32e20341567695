/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/explain.h"

#include "abi/key.h"
#include "base/arena.h"
#include "base/hash.h"
#include "bill/bands.h"
#include "bill/close.h"
#include "bill/collect.h"
#include "bill/convert.h"
#include "ledger/scan.h"

#include <string.h>

struct find {
    const struct tg_explain_ref *ref;
    struct tg_explain_found *found;
    uint64_t epoch; /* Being walked. */
    uint32_t index;
};

static bool number_parse(const char **at, unsigned base, uint64_t *number)
{
    const char *begin = *at;
    *number = 0;
    for (;; (*at)++) {
        const char c = **at;
        const unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                               : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                               : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                                      : 99;
        if (digit >= base) {
            break;
        }
        if (__builtin_mul_overflow(*number, (uint64_t)base, number) ||
            __builtin_add_overflow(*number, (uint64_t)digit, number)) {
            return false;
        }
    }
    return *at > begin;
}

bool tg_explain_ref_parse(const char *text, struct tg_explain_ref *ref)
{
    const char *at = text;
    uint64_t first = 0;
    uint64_t second = 0;
    *ref = (struct tg_explain_ref){.kind = TG_EXPLAIN_KEY};
    if (strlen(text) == 16 && number_parse(&at, 16, &first) && *at == '\0') {
        ref->record_key = first;
        return true;
    }
    at = text;
    if (!number_parse(&at, 10, &first) || *at != ':') {
        return false;
    }
    at++;
    if (!number_parse(&at, 10, &second) || *at != '\0' || second > UINT32_MAX) {
        return false;
    }
    ref->kind = TG_EXPLAIN_PLACE;
    ref->epoch = first;
    ref->index = (uint32_t)second;
    return true;
}

/* A recycled row comes twice under one key: what was rated counts, else the last. */
static enum tg_err block_find(void *context, const struct tg_scan_view *view)
{
    struct find *find = context;
    struct tg_explain_found *found = find->found;
    if (view->epoch != find->epoch) {
        find->epoch = view->epoch;
        find->index = 0;
    }
    for (uint32_t i = 0; i < view->rows_count; i++, find->index++) {
        const bool hits = find->ref->kind == TG_EXPLAIN_PLACE
                              ? find->epoch == find->ref->epoch && find->index == find->ref->index
                              : view->usage[i].record_key == find->ref->record_key;
        if (!hits) {
            continue;
        }
        found->count++;
        if (found->count == 1 || found->charge.fate != TG_FATE_RATED) {
            found->usage = view->usage[i];
            found->charge = view->charges[i];
            found->epoch = find->epoch;
            found->index = find->index;
        }
    }
    return TG_OK;
}

enum tg_err tg_explain_find(const char *data_dir, const struct tg_explain_ref *ref,
                            struct tg_explain_found *found, struct tg_why *why)
{
    *found = (struct tg_explain_found){.count = 0};
    struct find find = {.ref = ref, .found = found};
    struct tg_scan_params params = {
        .size_bytes = sizeof params, .dir = data_dir, .wants_structs = true};
    if (ref->kind == TG_EXPLAIN_PLACE) {
        if (ref->epoch == 0) {
            return tg_why_set(why, TG_E_NOT_FOUND, "epochs begin with 1");
        }
        params.epoch_min = ref->epoch;
        params.epoch_max = ref->epoch;
    }
    struct tg_scan *scan = NULL;
    enum tg_err err = tg_scan_open(&params, &scan, why);
    if (err == TG_OK) {
        err = tg_scan_fold(scan, block_find, &find, why);
    }
    tg_scan_close(scan);
    if (err == TG_OK && found->count == 0) {
        err = tg_why_set(why, TG_E_NOT_FOUND, "the journal has no such row");
    }
    return err;
}

struct asked {
    const struct tg_explain_params *params;
    struct tg_bill_collect collect;                    /* Of the run that made the line. */
    struct tg_bill_bands *bands;                       /* Of params' catalog. */
    struct tg_bill_closes closes;                      /* That were known then, and since. */
    struct tg_catalog_snapshot known;                  /* Versions it knew. */
    struct tg_bill_window windows[TG_BILL_CYCLE_DAYS]; /* All alike: the account's. */
};

/* A row is on one bill: what came behind the period's close is not on its line, however well it
 * fits. An adjustment is where its own epoch puts it, which the index does not keep. */
static bool place_is(const struct asked *asked, const struct tg_replay_rows *rows, uint32_t i)
{
    const struct tg_explain_ref *ref = &asked->params->ref;
    if (ref->month == 0 || ref->is_adjustment) {
        return true;
    }
    const struct tg_roster *roster = asked->params->catalog->roster;
    const bool has_policy = !ref->is_prepaid;
    return tg_bill_collect_place(&asked->collect, asked->params->account, rows->usage[i]->start_ns,
                                 rows->epoch,
                                 has_policy ? tg_roster_line(roster, ref->subscriber) : NULL) ==
           (ref->is_late ? TG_BILL_PLACE_LATE : TG_BILL_PLACE_HERE);
}

/* The run that made the line, as far as it decides which rows are on it. */
static enum tg_err place_open(struct asked *asked, struct tg_why *why)
{
    const struct tg_explain_params *params = asked->params;
    enum tg_err err = tg_bill_bands_open(params->catalog, &asked->bands, why);
    if (err != TG_OK || params->ref.kind != TG_EXPLAIN_LINE || params->ref.month == 0) {
        return err;
    }
    const struct tg_roster *roster = params->catalog->roster;
    const struct tg_bill_cycle cycle = tg_bill_cycle_of(params->catalog, params->account);
    const struct tg_bill_window window = tg_bill_cycle_bill(&cycle, params->ref.month);
    char name[TG_NAME_BYTES_MAX];
    for (uint32_t day = 0; day < TG_BILL_CYCLE_DAYS; day++) {
        asked->windows[day] = window;
    }
    asked->known = *params->catalog;
    (void)tg_roster_account_name(roster, params->account, name, sizeof name);
    err = tg_bill_closes_load(params->state, params->ref.month, &asked->closes, why);
    if (err == TG_OK && params->state != NULL) {
        err = tg_bill_close_versions(params->state, params->ref.month, name, &asked->known, why);
    }
    asked->collect = (struct tg_bill_collect){
        .roster = roster,
        .catalog = &asked->known,
        .image = tg_catalog_image_at(&asked->known, window.end_ns - 1),
        .closes = &asked->closes,
        .epoch_last = UINT64_MAX, /* A draft's run looked at all there was. */
        .month = params->ref.month,
        .windows = asked->windows,
        .zones_count = 1};
    return err;
}

/* Rows of different rates are on different lines. */
static bool exchange_is(const struct tg_catalog_snapshot *catalog, const struct tg_image *image,
                        const struct tg_charge *charge, int64_t at_ns, const char *wanted)
{
    const struct tg_roster_line *who = tg_roster_line(catalog->roster, charge->subscriber);
    const struct tg_roster_account *account =
        who != NULL ? tg_roster_account(catalog->roster, who->account) : NULL;
    const uint16_t own = account != NULL ? account->currency : charge->currency;
    const struct tg_exchange_rate *rate =
        tg_bill_slot_exchange(image, tg_bill_slot_currency(catalog, charge->catalog_version,
                                                           charge->currency, own, at_ns));
    return strcmp(rate != NULL ? tg_image_exchange_name(image, rate) : "", wanted) == 0;
}

static bool name_is(const struct tg_catalog_snapshot *catalog, const struct tg_charge *charge,
                    int64_t at_ns, const struct tg_explain_ref *ref)
{
    const struct tg_image *image = tg_catalog_image_version(catalog, charge->catalog_version);
    return image != NULL && exchange_is(catalog, image, charge, at_ns, ref->exchange_id) &&
           strcmp(tg_image_name(image, TG_CATALOG_ZONE, charge->zone), ref->zone_id) == 0 &&
           strcmp(tg_image_name(image, TG_CATALOG_PRICE, charge->price_id), ref->price_id) == 0;
}

static bool band_is(const struct asked *asked, const struct tg_usage *usage,
                    const struct tg_charge *stored, uint32_t who)
{
    const struct tg_explain_ref *ref = &asked->params->ref;
    return ref->band_id == NULL ||
           strcmp(tg_bill_band_name(asked->bands, tg_bill_band_of(asked->bands, usage, stored->site,
                                                                  who, stored->catalog_version)),
                  ref->band_id) == 0;
}

static bool line_has(const struct asked *asked, const struct tg_replay_rows *rows, uint32_t i)
{
    const struct tg_explain_ref *ref = &asked->params->ref;
    const struct tg_usage *usage = rows->usage[i];
    const struct tg_charge *stored = rows->stored[i];
    if ((stored->flags & TG_CHARGE_NOT_BILLABLE) != 0 && !ref->is_adjustment) {
        return false;
    }
    const uint32_t who =
        tg_roster_index_at(asked->params->catalog->roster, stored->subscriber, usage->start_ns);
    if (who != ref->subscriber || usage->service != ref->service ||
        usage->start_ns < ref->from_ns || usage->start_ns >= ref->to_ns ||
        ((stored->flags & TG_CHARGE_PREPAID) != 0) != ref->is_prepaid ||
        !place_is(asked, rows, i)) {
        return false;
    }
    if (ref->is_adjustment) {
        return rows->adjustments[i] > 0 &&
               name_is(asked->params->catalog, rows->stands[i], usage->start_ns, ref);
    }
    return stored->catalog_version > ref->version_after &&
           stored->catalog_version <= ref->version_to && band_is(asked, usage, stored, who) &&
           name_is(asked->params->catalog, stored, usage->start_ns, ref);
}

static bool row_is_asked(const struct asked *asked, const struct tg_replay_rows *rows, uint32_t i)
{
    const struct tg_explain_ref *ref = &asked->params->ref;
    switch (ref->kind) {
    case TG_EXPLAIN_PLACE:
        return rows->epoch == ref->epoch && rows->indices[i] == ref->index;
    case TG_EXPLAIN_KEY:
        return rows->usage[i]->record_key == ref->record_key;
    default:
        return line_has(asked, rows, i);
    }
}

static void choose(void *context, const struct tg_replay_rows *rows, uint8_t *choices)
{
    for (uint32_t i = 0; i < rows->count; i++) {
        choices[i] = row_is_asked(context, rows, i) ? TG_REPLAY_AS_PRICED : TG_REPLAY_APPLY;
    }
}

static enum tg_err visit(void *context, const struct tg_replay_batch *batch)
{
    const struct asked *asked = context;
    enum tg_err err = TG_OK;
    for (uint32_t i = 0; i < batch->rows.count && err == TG_OK; i++) {
        struct tg_replay_row row;
        tg_replay_batch_row(batch, i, &row);
        err = asked->params->visit(asked->params->context, &row);
    }
    return err;
}

enum tg_err tg_explain_run(const struct tg_explain_params *params, struct tg_why *why)
{
    const size_t wanted_bytes = (size_t)params->catalog->roster->accounts_count + 1;
    uint8_t *wanted = tg_pages_take(wanted_bytes);
    struct asked *asked = tg_pages_take(sizeof *asked);
    struct tg_adjust_index *adjustments = NULL;
    enum tg_err err = TG_OK;
    if (wanted == NULL || asked == NULL) {
        err = tg_why_set(why, TG_E_NO_MEMORY, "no memory to explain");
    } else {
        wanted[params->account] = 1;
        asked->params = params;
        err = place_open(asked, why);
    }
    err = err == TG_OK ? tg_adjust_index_open(params->data_dir, 0, &adjustments, why) : err;
    if (err == TG_OK) {
        struct tg_replay_stats stats;
        const struct tg_replay_params replay = {.size_bytes = sizeof replay,
                                                .wants_traces = true,
                                                .shows_outs = true,
                                                .data_dir = params->data_dir,
                                                .catalog = params->catalog,
                                                .adjustments = adjustments,
                                                .accounts_wanted = wanted,
                                                .from_ns = params->ref.from_ns,
                                                .to_ns = params->ref.to_ns,
                                                .choose = choose,
                                                .visit = visit,
                                                .context = asked};
        err = tg_replay_run(&replay, &stats, why);
    }
    tg_adjust_index_close(adjustments);
    if (asked != NULL) {
        tg_bill_closes_free(&asked->closes);
        tg_bill_bands_close(asked->bands);
    }
    tg_pages_free(asked, sizeof *asked);
    tg_pages_free(wanted, wanted_bytes);
    return err;
}

bool tg_explain_differs(const struct tg_replay_row *row)
{
    struct tg_usage adjustment;
    struct tg_charge difference;
    if (row->reason == TG_ADJUST_BACKOUT) {
        return false;
    }
    if (row->priced->fate != TG_FATE_RATED || row->priced->currency != row->stands->currency) {
        return true;
    }
    return tg_adjust_make(row->usage, row->stands, row->priced, row->adjustments_count,
                          TG_ADJUST_RERATE, false, &adjustment, &difference);
}

void tg_explain_prefix(const struct tg_replay_row *row, const struct tg_plan_service *plan_service,
                       char digits[20])
{
    digits[0] = '\0';
    if (plan_service == NULL || !tg_image_asks_deck(plan_service, row->usage)) {
        return;
    }
    char number[20];
    const uint64_t key = tg_image_peer_number(row->image, plan_service, row->usage);
    (void)tg_digits_unpack(key, number);
    uint16_t deck = TG_DECK_NONE;
    const uint16_t decided =
        tg_image_plan_zone(row->image, plan_service, key, row->usage->start_ns, &deck);
    if (tg_image_pair_zone(row->image, plan_service, row->usage, decided) != row->priced->zone) {
        return; /* priced by another catalog than the one at hand */
    }
    const unsigned length = tg_image_prefix_digits(row->image, deck, key, row->usage->start_ns);
    memcpy(digits, number, length);
    digits[length] = '\0';
}
