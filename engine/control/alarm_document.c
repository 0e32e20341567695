/* SPDX-License-Identifier: Apache-2.0 */
#include "control/alarm_document.h"

#include "base/clock.h"
#include "base/money.h"

#include <stdio.h>

static void set_href(struct tg_json *document, const char *base, const char *id)
{
    char href[256];
    (void)snprintf(href, sizeof href, "%s/%s", base, id);
    tg_json_set_string(document, "id", id);
    tg_json_set_string(document, "href", href);
}

static struct tg_json *reference(const char *id)
{
    struct tg_json *ref = tg_json_object();
    tg_json_set_string(ref, "id", id);
    return ref;
}

static struct tg_json *money(uint16_t currency, int64_t amount)
{
    const struct tg_currency *known = tg_currency_by_numeric(currency);
    struct tg_json *value = tg_json_object();
    int64_t minor = 0;
    if (known != NULL && tg_money_rescale(amount, known->scale, known->minor, TG_ROUND_HALF_UP,
                                          &minor) == TG_OK) {
        tg_json_set_string(value, "unit", known->code);
        tg_json_set_money(value, "value", minor, known->minor, known->minor);
    }
    return value;
}

static struct tg_json *impact(const struct tg_impact_answer *answer)
{
    struct tg_json *document = tg_json_object();
    tg_json_set_integer(document, "subscribers", (int64_t)answer->subscribers_count);
    tg_json_set_integer(document, "nodes", answer->nodes_count);
    if (answer->moneys_count > 0) {
        /* Carriers bill in one currency; further ones follow as a list. */
        const struct tg_impact_money *first = &answer->moneys[0];
        tg_json_set(document, "revenuePerHour", money(first->currency, first->revenue_per_hour));
        tg_json_set(document, "atRisk", money(first->currency, first->at_risk));
    }
    tg_json_set_bool(document, "isEstimate", answer->is_estimate);
    tg_json_set_bool(document, "isAtLeast", answer->is_at_least);
    return document;
}

static struct tg_json *suppressed_by(uint32_t bits)
{
    static const char *const names[] = {"shelved", "maintenance", "byRoot", "flap"};
    struct tg_json *list = tg_json_list();
    for (unsigned i = 0; i < 4; i++) {
        if ((bits & (1u << i)) != 0) {
            tg_json_append(list, tg_json_string(names[i]));
        }
    }
    return list;
}

static void set_object(struct tg_json *document, const struct tg_summary_item *item)
{
    char object[160];
    const struct tg_alarm *alarm = item->alarm;
    const char *node = item->node_name[0] != '\0' ? item->node_name : "engine";
    (void)snprintf(object, sizeof object, "%s%s%s", node, alarm->part[0] != '\0' ? "/" : "",
                   alarm->part);
    tg_json_set(document, "alarmedObject", reference(object));
    tg_json_set_string(document, "alarmedObjectType", alarm->part[0] != '\0' ? "part" : "node");
    tg_json_set_string(document, "sourceSystemId", node);
    tg_json_set_string(document, "reportingSystemId", "tollgate");
}

struct tg_json *tg_alarm_document(const struct tg_summary_item *item)
{
    const struct tg_alarm *alarm = item->alarm;
    struct tg_json *d = tg_json_object();
    set_href(d, "/tmf-api/alarm/v4/alarm", item->id);
    tg_json_set_string(d, "@type", "MediationAlarm");
    tg_json_set_string(d, "@baseType", "Alarm");
    tg_json_set_string(d, "alarmType", tg_alarm_type_name(alarm->kind->type));
    tg_json_set_string(d, "perceivedSeverity", item->severity);
    tg_json_set_string(d, "probableCause", alarm->kind->probable_cause);
    tg_json_set_string(d, "specificProblem", alarm->kind->specific_problem);
    tg_json_set_string(d, "proposedRepairedActions", alarm->kind->repair_action);
    tg_json_set_string(d, "alarmDetails", alarm->text);
    tg_json_set_string(d, "state", item->state);
    tg_json_set_string(d, "ackState", item->ack_state);
    tg_json_set_bool(d, "isRootCause", item->is_root_cause);
    tg_json_set_bool(d, "serviceAffecting", alarm->kind->is_service_affecting);
    tg_json_set_string(d, "plannedOutageIndicator",
                       alarm->state.is_maintained ? "outOfService" : "inService");
    set_object(d, item);
    tg_json_set_time(d, "alarmRaisedTime", alarm->state.last_raised_ns);
    tg_json_set_time(d, "alarmReportingTime", alarm->reported_ns);
    if (alarm->state.is_cleared) {
        tg_json_set_time(d, "alarmClearedTime", alarm->state.cleared_ns);
    }
    struct tg_json *parents = tg_json_list();
    if (item->parent_id[0] != '\0') {
        tg_json_append(parents, reference(item->parent_id));
    }
    tg_json_set(d, "parentAlarm", parents);
    tg_json_set_integer(d, "x_correlatedCount", item->correlated_count);
    tg_json_set_integer(d, "x_confidencePercent", item->confidence_percent);
    tg_json_set_integer(d, "x_repeatCount", (int64_t)alarm->state.raises_count);
    tg_json_set(d, "x_suppressedBy", suppressed_by(item->suppress));
    tg_json_set(d, "x_impact", impact(&item->impact));
    return d;
}

static struct tg_json *characteristic(const char *name, const char *value)
{
    struct tg_json *pair = tg_json_object();
    tg_json_set_string(pair, "name", name);
    tg_json_set_string(pair, "value", value);
    return pair;
}

static struct tg_json *relationships(const struct tg_inventory *inventory,
                                     const struct tg_node *node)
{
    struct tg_json *list = tg_json_list();
    for (uint32_t g = 0; g < node->groups_count; g++) {
        const struct tg_group *group = &inventory->groups[node->groups_first + g];
        for (uint32_t p = 0; p < group->parents_count; p++) {
            const uint16_t parent = inventory->parents[group->parents_first + p];
            struct tg_json *relation = tg_json_object();
            tg_json_set_string(relation, "relationshipType", "dependsOn");
            tg_json_set_integer(relation, "group", (int64_t)g);
            tg_json_set_integer(relation, "minAvailable", group->needed_count);
            tg_json_set(relation, "resource",
                        reference(tg_inventory_node(inventory, parent)->name));
            tg_json_append(list, relation);
        }
    }
    return list;
}

struct tg_json *tg_node_document(const struct tg_inventory *inventory,
                                 const struct tg_timeline *timeline, uint16_t node_id,
                                 int64_t now_ns)
{
    const struct tg_node *node = tg_inventory_node(inventory, node_id);
    const uint8_t state = tg_timeline_state_at(timeline, node_id, now_ns);
    const int64_t life_ns = tg_timeline_life_last_ns(timeline, node_id);
    struct tg_json *d = tg_json_object();
    set_href(d, "/tmf-api/resourceInventoryManagement/v4/resource", node->name);
    tg_json_set_string(d, "@type", "Node");
    tg_json_set_string(d, "@baseType", "Resource");
    tg_json_set_string(d, "name", node->name);
    tg_json_set_string(d, "administrativeState", "unlocked");
    tg_json_set_string(d, "operationalState", state == TG_NODE_DOWN ? "disable" : "enable");
    tg_json_set_string(d, "resourceStatus",
                       state == TG_NODE_UP
                           ? "available"
                           : (state == TG_NODE_UNKNOWN ? "unknown" : "alarm"));
    struct tg_json *characteristics = tg_json_list();
    tg_json_append(characteristics, characteristic("health", tg_node_state_name(state)));
    if (life_ns != INT64_MIN) {
        char text[TG_CLOCK_TEXT_BYTES];
        (void)tg_clock_format(life_ns, text);
        tg_json_append(characteristics, characteristic("lastSeen", text));
    }
    tg_json_set(d, "resourceCharacteristic", characteristics);
    tg_json_set(d, "resourceRelationship", relationships(inventory, node));
    return d;
}
