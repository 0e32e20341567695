/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/alarms_table.h"

#include "base/money.h"

#include <stdlib.h>
#include <string.h>

void alarms_table_add(void *context, const struct tg_json *document)
{
    struct alarms_table *table = context;
    if (table->count == table->capacity) {
        const size_t capacity = table->capacity * 2 + 64;
        struct tg_json **more = realloc(table->documents, capacity * sizeof *more);
        if (more == NULL) {
            return;
        }
        table->documents = more;
        table->capacity = capacity;
    }
    table->documents[table->count++] = tg_json_share((struct tg_json *)document);
}

void alarms_table_free(struct alarms_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        tg_json_free(table->documents[i]);
    }
    free(table->documents);
    *table = (struct alarms_table){0};
}

static int64_t revenue_of(const struct tg_json *alarm, const char *key, const char **unit,
                          const char **text)
{
    const struct tg_json *money = tg_json_get(tg_json_get(alarm, "x_impact"), key);
    int64_t amount = 0;
    *unit = tg_json_get_text(money, "unit", "");
    *text = tg_json_get_text(money, "value", "0");
    (void)tg_money_parse(*text, strlen(*text), 6, &amount);
    return amount;
}

static bool is_cleared(const struct tg_json *alarm)
{
    return strcmp(tg_json_get_text(alarm, "state", ""), "CLEARED") == 0;
}

/* 0 active root cause, 1 active without a cause, 2 active symptom, 3 cleared. */
static int rank_of(const struct tg_json *alarm)
{
    if (is_cleared(alarm)) {
        return 3;
    }
    if (tg_json_get_bool(alarm, "isRootCause", false)) {
        return 0;
    }
    return tg_json_count(tg_json_get(alarm, "parentAlarm")) == 0 ? 1 : 2;
}

static int alarm_compare(const void *left, const void *right)
{
    const struct tg_json *a = *(struct tg_json *const *)left;
    const struct tg_json *b = *(struct tg_json *const *)right;
    const char *unit;
    const char *text;
    if (rank_of(a) != rank_of(b)) {
        return rank_of(a) - rank_of(b);
    }
    const int64_t of_a = revenue_of(a, "revenuePerHour", &unit, &text);
    const int64_t of_b = revenue_of(b, "revenuePerHour", &unit, &text);
    if (of_a != of_b) {
        return of_a > of_b ? -1 : 1;
    }
    return strcmp(tg_json_get_text(a, "id", ""), tg_json_get_text(b, "id", ""));
}

static void alarm_print(const struct tg_json *alarm, FILE *to)
{
    const char *unit;
    const char *per_hour;
    const char *at_risk;
    const char *object = tg_json_get_text(tg_json_get(alarm, "alarmedObject"), "id", "");
    (void)revenue_of(alarm, "atRisk", &unit, &at_risk);
    (void)revenue_of(alarm, "revenuePerHour", &unit, &per_hour);
    static const char *const marks[] = {"ROOT", "    ", "  - ", "  ok"};
    const int rank = rank_of(alarm);
    (void)fprintf(to, "%s %s %-8s %-22s %s\n", marks[rank], tg_json_get_text(alarm, "id", ""),
                  tg_json_get_text(alarm, "perceivedSeverity", ""), object,
                  tg_json_get_text(alarm, "specificProblem", ""));
    if (rank < 2) {
        (void)fprintf(
            to,
            "       since %s, %lld subscribers, %s %s per hour, %s %s at risk, "
            "%lld alarms explained, confidence %lld %%\n",
            tg_json_get_text(alarm, "alarmRaisedTime", "?"),
            (long long)tg_json_get_integer(tg_json_get(alarm, "x_impact"), "subscribers", 0),
            per_hour, unit, at_risk, unit,
            (long long)tg_json_get_integer(alarm, "x_correlatedCount", 0),
            (long long)tg_json_get_integer(alarm, "x_confidencePercent", 0));
        (void)fprintf(to, "       to do: %s\n",
                      tg_json_get_text(alarm, "proposedRepairedActions", ""));
    }
}

void alarms_table_print(struct alarms_table *table, FILE *to)
{
    if (table->count > 1) {
        qsort(table->documents, table->count, sizeof *table->documents, alarm_compare);
    }
    size_t active = 0;
    for (size_t i = 0; i < table->count; i++) {
        active += is_cleared(table->documents[i]) ? 0 : 1;
        alarm_print(table->documents[i], to);
    }
    (void)fprintf(to, "%zu alarms, %zu active\n", table->count, active);
}
