/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/usage_action.h"

#include "base/clock.h"
#include "base/money.h"
#include "bill/taken.h"
#include "record/credit.h"

#include <string.h>

static void tell(struct tg_usage_mistakes *mistakes, const char *key, enum tg_err err,
                 const struct tg_why *why)
{
    if (mistakes->count < TG_USAGE_MISTAKES_MAX) {
        mistakes->list[mistakes->count] = (struct tg_usage_mistake){key, err, *why};
    }
    mistakes->count++;
}

static enum tg_err action_read(const char *text, struct tg_usage_line *line, struct tg_why *why)
{
    line->action = text == NULL                   ? TG_USAGE_ROW
                   : strcmp(text, "topup") == 0   ? TG_USAGE_TOPUP
                   : strcmp(text, "balance") == 0 ? TG_USAGE_BALANCE
                                                  : TG_USAGE_ROW;
    return line->action != TG_USAGE_ROW
               ? TG_OK
               : tg_why_set(why, TG_E_SYNTAX, "action: is none of: topup, balance");
}

static enum tg_err id_read(const char *text, struct tg_usage_line *line, struct tg_why *why)
{
    const size_t length = text != NULL ? strlen(text) : 0;
    line->id = text;
    if (length == 0 || length >= TG_CREDIT_ID_BYTES) {
        return tg_why_set(why, TG_E_SYNTAX, "id: must be a string of 1 to %u octets",
                          TG_CREDIT_ID_BYTES - 1);
    }
    return strncmp(text, TG_BILL_TAKE_ID, strlen(TG_BILL_TAKE_ID)) != 0
               ? TG_OK
               : tg_why_set(why, TG_E_SYNTAX, "id: what begins with bill: is what bills take");
}

static enum tg_err time_read(const char *key, const char *text, int64_t *time_ns,
                             struct tg_why *why)
{
    return text != NULL && tg_clock_parse(text, strlen(text), time_ns) == TG_OK && *time_ns > 0
               ? TG_OK
               : tg_why_set(why, TG_E_BAD_TIMESTAMP,
                            "%s: must be RFC 3339, such as 2026-11-23T06:10:00Z", key);
}

static enum tg_err amount_read(const struct tg_image *image, const char *text,
                               struct tg_usage_line *line, struct tg_why *why)
{
    const uint8_t scale = image != NULL ? (uint8_t)image->scale : 0;
    const enum tg_err err = text != NULL && image != NULL
                                ? tg_money_parse(text, strlen(text), scale, &line->amount)
                                : TG_E_SYNTAX;
    return err == TG_OK
               ? TG_OK
               : tg_why_set(why, err == TG_E_INVALID ? TG_E_SYNTAX : err,
                            "amount: must be a decimal in quotes with at most %u decimals", scale);
}

static enum tg_err member_read(const struct tg_image *image, const char *key,
                               const struct tg_json *value, struct tg_usage_line *line,
                               struct tg_why *why)
{
    const char *text = tg_json_text(value);
    if (strcmp(key, "action") == 0) {
        return action_read(text, line, why);
    }
    if (strcmp(key, "id") == 0) {
        return id_read(text, line, why);
    }
    if (strcmp(key, "start") == 0) {
        return time_read(key, text, &line->row.start_ns, why);
    }
    if (strcmp(key, "valid_to") == 0) {
        return time_read(key, text, &line->valid_to_ns, why);
    }
    if (strcmp(key, "amount") == 0) {
        return amount_read(image, text, line, why);
    }
    if (strcmp(key, "account") == 0) {
        line->account = text;
        return text != NULL && text[0] != '\0'
                   ? TG_OK
                   : tg_why_set(why, TG_E_SYNTAX, "account: must be an id of accounts.csv");
    }
    return tg_why_set(why, TG_E_SYNTAX, "'%s' is no key of an action; see schemas/quote", key);
}

enum tg_err tg_usage_action_read(const struct tg_json *json, const struct tg_image *image,
                                 struct tg_usage_line *line, struct tg_usage_mistakes *mistakes)
{
    static const char *const mandatory[] = {"account", "start", "id", "amount"};
    struct tg_why why = {""};
    void *cursor = NULL;
    const char *key;
    struct tg_json *value;
    while (tg_json_next(json, &cursor, &key, &value)) {
        const enum tg_err err = member_read(image, key, value, line, &why);
        if (err != TG_OK) {
            tell(mistakes, key, err, &why);
        }
    }
    const bool is_topup = line->action == TG_USAGE_TOPUP;
    for (size_t i = 0; i < (is_topup ? 4u : 2u); i++) {
        if (tg_json_get(json, mandatory[i]) == NULL) {
            const enum tg_err err =
                tg_why_set(&why, TG_E_MISSING_FIELD, "'%s' is missing", mandatory[i]);
            tell(mistakes, NULL, err, &why);
        }
    }
    for (size_t i = 0; i < 2 && line->action == TG_USAGE_BALANCE; i++) {
        static const char *const strays[] = {"amount", "valid_to"};
        if (tg_json_get(json, strays[i]) != NULL) {
            const enum tg_err err =
                tg_why_set(&why, TG_E_SYNTAX, "%s: is of a top-up only", strays[i]);
            tell(mistakes, strays[i], err, &why);
        }
    }
    return mistakes->count > 0 ? mistakes->list[0].err : TG_OK;
}
