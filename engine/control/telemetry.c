/* SPDX-License-Identifier: Apache-2.0 */
#include "control/telemetry.h"

#include "control/alarm_document.h"
#include "control/threshold.h"
#include "health/cause.h"
#include "ledger/scan.h"
#include "record/credit.h"
#include "store/documents.h"

#include <stdlib.h>
#include <string.h>

#define IMPACT_PAIRS (1u << 21) /* (node, subscriber) pairs: 48 MiB */
#define ALARMS       20000u
#define SUMMARY_MAX  20000u

/* Six words of a row's sixteen: what alarms ask of usage. */
#define ROW_COLUMNS                                                                                \
    (TG_COLUMN_BIT(start_ns) | TG_COLUMN_BIT(node_id) | TG_COLUMN_BIT(amount) |                    \
     TG_COLUMN_BIT(subscriber) | TG_COLUMN_BIT(currency) | TG_COLUMN_BIT(fate) |                   \
     TG_COLUMN_BIT(charge_flags) | TG_COLUMN_BIT(source_id))

struct tg_telemetry {
    struct tg_telemetry_params params;
    struct tg_timeline *timeline;
    struct tg_alarm_set *alarms;
    struct tg_cause *cause;
    struct tg_impact *impact;
    struct tg_threshold_list *thresholds;
    uint64_t epoch;   /* folded up to here */
    int64_t event_ns; /* latest event */
    int64_t arrival_ns;
    bool has_changed; /* something was folded since the last publish */
    struct tg_summary_item *items;
};

enum tg_err tg_telemetry_open(const struct tg_telemetry_params *params,
                              struct tg_telemetry **telemetry, struct tg_why *why)
{
    struct tg_telemetry *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for telemetry");
    }
    t->params = *params;
    t->event_ns = INT64_MIN;
    t->arrival_ns = INT64_MIN;
    const struct tg_timeline_config timeline = {.inventory = params->inventory,
                                                .profiles = params->profiles,
                                                .profiles_count = params->profiles_count,
                                                .claims_count = 256};
    const struct tg_alarm_config alarms = {.inventory = params->inventory,
                                           .profiles = params->profiles,
                                           .profiles_count = params->profiles_count,
                                           .alarms_count_max = ALARMS};
    const struct tg_impact_config impact = {.inventory = params->inventory,
                                            .pairs_count_max = IMPACT_PAIRS,
                                            .subscribers_count_max = params->subscribers_max};
    enum tg_err err = tg_timeline_open(&timeline, &t->timeline, why);
    if (err == TG_OK) {
        err = tg_alarm_set_open(&alarms, &t->alarms, why);
    }
    if (err == TG_OK) {
        err = tg_cause_open(params->inventory, &t->cause);
    }
    if (err == TG_OK) {
        err = tg_impact_open(&impact, &t->impact);
    }
    t->items = calloc(SUMMARY_MAX, sizeof *t->items);
    t->thresholds = tg_threshold_list_open();
    if (err == TG_OK && (t->items == NULL || t->thresholds == NULL)) {
        err = tg_why_set(why, TG_E_NO_MEMORY, "no memory for telemetry");
    }
    if (err != TG_OK) {
        tg_telemetry_close(t);
        return err;
    }
    *telemetry = t;
    return TG_OK;
}

void tg_telemetry_close(struct tg_telemetry *telemetry)
{
    if (telemetry == NULL) {
        return;
    }
    free(telemetry->items);
    tg_threshold_list_close(telemetry->thresholds);
    tg_impact_close(telemetry->impact);
    tg_cause_close(telemetry->cause);
    tg_alarm_set_close(telemetry->alarms);
    tg_timeline_close(telemetry->timeline);
    free(telemetry);
}

static void later(int64_t *latest, int64_t at_ns)
{
    *latest = at_ns > *latest ? at_ns : *latest;
}

static enum tg_err fold_observations(struct tg_telemetry *t, const struct tg_scan_view *view,
                                     struct tg_why *why)
{
    const struct tg_observation *observations;
    const uint8_t *text;
    uint32_t count = 0;
    uint32_t text_bytes = 0;
    const enum tg_err err =
        tg_scan_observations(view, &observations, &count, &text, &text_bytes, why);
    if (err != TG_OK || count == 0) {
        return err;
    }
    (void)tg_timeline_apply(t->timeline, observations, count, text, text_bytes, NULL, 0);
    tg_alarm_set_apply(t->alarms, observations, count, text, text_bytes);
    for (uint32_t i = 0; i < count; i++) {
        later(&t->event_ns, observations[i].event_ns);
        later(&t->arrival_ns, observations[i].arrival_ns);
    }
    return TG_OK;
}

static void fold_rows(struct tg_telemetry *t, const struct tg_scan_view *view)
{
    const struct tg_impact_rows rows = {.node_id = view->node_id,
                                        .start_ns = view->start_ns,
                                        .fate = view->fate,
                                        .subscriber = view->subscriber,
                                        .currency = view->currency,
                                        .amount = view->amount};
    tg_impact_add(t->impact, &rows, view->rows_count);
    uint32_t end = 0;
    for (uint32_t from = tg_credit_told_rows(view->source_id, 0, view->rows_count, &end);
         from < view->rows_count;
         from = tg_credit_told_rows(view->source_id, end, view->rows_count, &end)) {
        tg_timeline_life(t->timeline, view->node_id + from, view->start_ns + from, end - from);
        tg_alarm_set_usage(t->alarms, view->node_id + from, view->start_ns + from, end - from);
    }
}

/* Epochs whole, or time would pass between the blocks of one. */
static enum tg_err fold_epochs(struct tg_telemetry *t, uint64_t epoch_max, uint64_t rows_max,
                               struct tg_why *why)
{
    const struct tg_scan_params params = {.size_bytes = sizeof params,
                                          .sections = TG_SECTION_BIT(TG_SECTION_ROWS) |
                                                      TG_SECTION_BIT(TG_SECTION_OBSERVATIONS),
                                          .dir = t->params.data_dir,
                                          .epoch_min = t->epoch + 1,
                                          .epoch_max = epoch_max,
                                          .columns = ROW_COLUMNS};
    struct tg_scan *scan = NULL;
    struct tg_scan_view view;
    uint64_t rows_count = 0;
    enum tg_err err = tg_scan_open(&params, &scan, why);
    while (err == TG_OK && (err = tg_scan_next(scan, &view, why)) == TG_OK) {
        err = fold_observations(t, &view, why);
        fold_rows(t, &view);
        err = err == TG_OK ? tg_threshold_list_fold(t->thresholds, &view, why) : err;
        t->epoch = view.epoch;
        rows_count += view.rows_count;
        if (err == TG_OK && view.is_commit && rows_max != 0 && rows_count >= rows_max &&
            view.epoch < epoch_max) {
            err = TG_E_AGAIN;
        }
    }
    tg_scan_close(scan);
    err = err == TG_E_NOT_FOUND ? TG_OK : err;
    t->epoch = err == TG_OK ? epoch_max : t->epoch;
    t->has_changed = true;
    return err;
}

enum tg_err tg_telemetry_follow(struct tg_telemetry *t, uint64_t epoch_max, uint64_t rows_max,
                                int64_t wall_ns, struct tg_why *why)
{
    const enum tg_err err = epoch_max > t->epoch ? fold_epochs(t, epoch_max, rows_max, why) : TG_OK;
    if (err != TG_E_AGAIN && t->event_ns != INT64_MIN) {
        tg_alarm_set_tick(t->alarms, t->event_ns - TG_TELEMETRY_DISORDER_NS, wall_ns);
        tg_cause_observe(t->cause, t->timeline, t->alarms, t->event_ns);
        (void)tg_cause_run(t->cause, t->event_ns);
        tg_cause_publish(t->cause, t->alarms, t->event_ns);
    }
    return err;
}

uint64_t tg_telemetry_epoch(const struct tg_telemetry *t)
{
    return t->epoch;
}

/* Kinds that say of a whole node that it does not work: what ran on it has ended. */
static const char *const outage_names[] = {"nodeDown", "nodeRestarting", "powerFailure",
                                           "inferredOutage"};
#define OUTAGES_COUNT (sizeof outage_names / sizeof outage_names[0])

struct outages {
    const struct tg_alarm_kind *kinds[OUTAGES_COUNT];
    int64_t *since_ns;
    uint32_t nodes_count;
};

static bool outage_note(void *context, const struct tg_alarm *alarm)
{
    const struct outages *outages = context;
    for (size_t i = 0; i < OUTAGES_COUNT; i++) {
        if (alarm->kind == outages->kinds[i] && alarm->state.is_cleared == 0 &&
            alarm->node_id <= outages->nodes_count) {
            /* The first of those that are active: later ones tell the same outage again. */
            int64_t *since_ns = &outages->since_ns[alarm->node_id];
            *since_ns = *since_ns == INT64_MIN || alarm->state.last_raised_ns < *since_ns
                            ? alarm->state.last_raised_ns
                            : *since_ns;
        }
    }
    return true;
}

void tg_telemetry_outages(const struct tg_telemetry *t, int64_t *since_ns)
{
    struct outages outages = {.since_ns = since_ns,
                              .nodes_count = t->params.inventory->nodes_count};
    for (size_t i = 0; i < OUTAGES_COUNT; i++) {
        outages.kinds[i] = tg_alarm_kind_by_name(outage_names[i]);
    }
    for (uint32_t i = 0; i <= outages.nodes_count; i++) {
        since_ns[i] = INT64_MIN;
    }
    tg_alarm_set_visit(t->alarms, outage_note, &outages);
}

uint32_t tg_telemetry_summary(struct tg_telemetry *t, struct tg_summary_item *items,
                              uint32_t capacity, bool is_with_cleared, uint32_t *alarms_count)
{
    const struct tg_summary_config config = {.inventory = t->params.inventory,
                                             .alarms = t->alarms,
                                             .impact = t->impact,
                                             .now_ns = t->event_ns,
                                             .is_with_cleared = is_with_cleared};
    return tg_summary_build(&config, items, capacity, alarms_count);
}

enum tg_err tg_telemetry_command(struct tg_telemetry *t, uint32_t number,
                                 const struct tg_operation *operation, struct tg_txn *txn)
{
    t->has_changed = true;
    const enum tg_err err = tg_alarm_set_command(t->alarms, number, operation->kind,
                                                 operation->at_ns, 0, operation->is_forced);
    const struct tg_alarm *alarm = tg_alarm_set_by_number(t->alarms, number);
    if (err == TG_OK && alarm != NULL) {
        tg_operation_keep(txn, t->params.inventory, alarm, operation);
    }
    return err;
}

enum tg_err tg_telemetry_restore(struct tg_telemetry *t, struct tg_db *state, struct tg_why *why)
{
    t->has_changed = true;
    return tg_operation_replay(state, t->params.inventory, t->alarms, why);
}

static void document_put(struct tg_txn *txn, const char *collection, const char *id,
                         struct tg_json *document)
{
    size_t length = 0;
    char *text = tg_json_dump(document, &length);
    if (text != NULL) {
        tg_documents_put(txn, collection, id, text, length);
    } else {
        tg_txn_fail(txn, TG_E_NO_MEMORY);
    }
    tg_json_text_free(text);
    tg_json_free(document);
}

/* A new root cause is announced once, numbered, for whoever follows the outbox. */
static void announce(struct tg_txn *txn, const struct tg_summary_item *item)
{
    struct tg_bytes stored;
    if (!item->is_root_cause ||
        tg_documents_get(txn, "alarm", item->id, &stored) != TG_E_NOT_FOUND) {
        return;
    }
    struct tg_json *entry = tg_json_object();
    tg_json_set_string(entry, "kind", "alarmSummary");
    tg_json_set(entry, "alarm", tg_alarm_document(item));
    size_t length = 0;
    char *text = tg_json_dump(entry, &length);
    if (text != NULL) {
        (void)tg_outbox_append(txn, text, length);
    }
    tg_json_text_free(text);
    tg_json_free(entry);
}

enum tg_err tg_telemetry_publish(struct tg_telemetry *t, struct tg_db *state, struct tg_why *why)
{
    const enum tg_err err = tg_threshold_list_publish(t->thresholds, state, why);
    if (err != TG_OK || !t->has_changed || t->event_ns == INT64_MIN) {
        return err;
    }
    struct tg_txn txn;
    const uint32_t count = tg_telemetry_summary(t, t->items, SUMMARY_MAX, true, NULL);
    tg_txn_begin(&txn, state, true);
    for (uint32_t i = 0; i < count; i++) {
        announce(&txn, &t->items[i]);
        document_put(&txn, "alarm", t->items[i].id, tg_alarm_document(&t->items[i]));
    }
    for (uint32_t id = 1; id <= t->params.inventory->nodes_count; id++) {
        const struct tg_node *node = tg_inventory_node(t->params.inventory, (uint16_t)id);
        if (node->is_gone) {
            (void)tg_documents_remove(&txn, "node", node->name);
            continue;
        }
        document_put(&txn, "node", node->name,
                     tg_node_document(t->params.inventory, t->timeline, (uint16_t)id, t->event_ns));
    }
    t->has_changed = false;
    return tg_txn_commit(&txn, why);
}
