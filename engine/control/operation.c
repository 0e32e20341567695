/* SPDX-License-Identifier: Apache-2.0 */
#include "control/operation.h"

#include "doc/json.h"
#include "health/inventory.h"
#include "store/documents.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLLECTION "operation"
#define ID_BYTES   24u
#define FORGET_MAX 4096u /* documents forgotten at one start; the rest at the next */

void tg_operation_keep(struct tg_txn *txn, const struct tg_inventory *inventory,
                       const struct tg_alarm *alarm, const struct tg_operation *operation)
{
    char id[ID_BYTES];
    char key[24];
    const struct tg_node *node =
        alarm->node_id != 0 ? tg_inventory_node(inventory, alarm->node_id) : NULL;
    struct tg_json *document = tg_json_object();
    (void)snprintf(id, sizeof id, "%020" PRIu64, tg_counter_next(txn, COLLECTION));
    tg_json_set_string(document, "node", node != NULL ? node->name : "");
    tg_json_set_string(document, "alarmKind", alarm->kind->name);
    (void)snprintf(key, sizeof key, "%016" PRIx64, alarm->qualifier);
    tg_json_set_string(document, "qualifier", key);
    tg_json_set_integer(document, "change", operation->kind);
    tg_json_set_integer(document, "atNs", operation->at_ns);
    tg_json_set_bool(document, "force", operation->is_forced);
    size_t length = 0;
    char *text = tg_json_dump(document, &length);
    if (text != NULL) {
        tg_documents_put(txn, COLLECTION, id, text, length);
    } else {
        tg_txn_fail(txn, TG_E_NO_MEMORY);
    }
    tg_json_text_free(text);
    tg_json_free(document);
}

struct replay {
    const struct tg_inventory *inventory;
    struct tg_alarm_set *alarms;
    char (*forgotten)[ID_BYTES]; /* shape [FORGET_MAX] */
    uint32_t forgotten_count;
};

/* Whether the command still has an alarm to act on. */
static bool replay_one(const struct replay *replay, const struct tg_json *document)
{
    const char *node = tg_json_get_text(document, "node", "");
    const uint16_t node_id =
        node[0] != '\0' ? tg_inventory_by_host(replay->inventory, node, strlen(node)) : 0;
    if (node[0] != '\0' && node_id == 0) {
        return false;
    }
    const struct tg_alarm_kind kind = {.name = tg_json_get_text(document, "alarmKind", "")};
    const uint64_t qualifier = strtoull(tg_json_get_text(document, "qualifier", "0"), NULL, 16);
    const struct tg_alarm *alarm = tg_alarm_set_find(replay->alarms, node_id, &kind, qualifier);
    if (alarm == NULL || alarm->number == 0) {
        return false;
    }
    const enum tg_err err = tg_alarm_set_command(
        replay->alarms, alarm->number,
        (enum tg_change_kind)tg_json_get_integer(document, "change", 0),
        tg_json_get_integer(document, "atNs", 0), 0, tg_json_get_bool(document, "force", false));
    return err != TG_E_NOT_FOUND && err != TG_E_INVALID;
}

static bool replay_visit(void *context, const struct tg_document *document)
{
    struct replay *replay = context;
    struct tg_json *json = NULL;
    const bool is_alive =
        tg_json_parse(document->json, document->json_bytes, &json, NULL) == TG_OK &&
        replay_one(replay, json);
    tg_json_free(json);
    if (!is_alive && replay->forgotten_count < FORGET_MAX) {
        (void)snprintf(replay->forgotten[replay->forgotten_count++], ID_BYTES, "%s", document->id);
    }
    return true;
}

enum tg_err tg_operation_replay(struct tg_db *state, const struct tg_inventory *inventory,
                                struct tg_alarm_set *alarms, struct tg_why *why)
{
    struct replay replay = {inventory, alarms, calloc(FORGET_MAX, ID_BYTES), 0};
    if (replay.forgotten == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory to read operators' commands");
    }
    struct tg_txn txn;
    tg_txn_begin(&txn, state, true);
    const enum tg_err err = tg_documents_visit(&txn, COLLECTION, NULL, replay_visit, &replay, NULL);
    if (err != TG_OK) {
        tg_txn_fail(&txn, err);
    }
    for (uint32_t i = 0; i < replay.forgotten_count; i++) {
        (void)tg_documents_remove(&txn, COLLECTION, replay.forgotten[i]);
    }
    free(replay.forgotten);
    return tg_txn_commit(&txn, why);
}
