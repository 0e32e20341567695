/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/usage_json.h"

#include "cli/usage_action.h"

#include "abi/key.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/money.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

struct word {
    const char *text;
    int value;
};

static const struct word kinds[] = {
    {"e164", TG_KEY_E164},
    {"imsi", TG_KEY_IMSI},
    {"ip", TG_KEY_IP4},
    {"name", TG_KEY_NAME},
    {NULL, 0},
};

static const struct word services[] = {
    {"data", TG_SERVICE_DATA},   {"voice", TG_SERVICE_VOICE},   {"message", TG_SERVICE_MESSAGE},
    {"event", TG_SERVICE_EVENT}, {"access", TG_SERVICE_ACCESS}, {NULL, 0},
};

static const struct word states[] = {
    {"unknown", TG_NODE_UNKNOWN}, {"up", TG_NODE_UP}, {"degraded", TG_NODE_DEGRADED},
    {"down", TG_NODE_DOWN},       {NULL, 0},
};

static const struct word flags[] = {
    {"partial", TG_USAGE_PARTIAL},
    {"incoming", TG_USAGE_INCOMING},
    {"recycled", TG_USAGE_RECYCLED},
    {"cumulative", TG_USAGE_CUMULATIVE},
    {NULL, 0},
};

/* One key of the object on its way into the row. */
struct reading {
    struct tg_usage_line *line;
    const struct tg_image *image;
    const struct tg_json *object;
    struct tg_usage_mistakes *mistakes;
    struct tg_why *why; /* of the key at hand */
    const char *key;
};

/* A key has one mistake, the first: others would follow from it. */
static bool is_told(const struct reading *at, const char *key)
{
    for (uint32_t i = 0; i < at->mistakes->count && i < TG_USAGE_MISTAKES_MAX; i++) {
        const char *told = at->mistakes->list[i].key;
        if (key != NULL && told != NULL && strcmp(told, key) == 0) {
            return true;
        }
    }
    return false;
}

static void tell(const struct reading *at, const char *key, enum tg_err err)
{
    struct tg_usage_mistakes *mistakes = at->mistakes;
    if (is_told(at, key)) {
        return;
    }
    if (mistakes->count < TG_USAGE_MISTAKES_MAX) {
        mistakes->list[mistakes->count] = (struct tg_usage_mistake){key, err, *at->why};
    }
    mistakes->count++;
}

static enum tg_err word_find(const struct reading *at, const char *key, const struct word *words,
                             const char *text, int *value)
{
    char list[120] = "";
    for (const struct word *word = words; word->text != NULL; word++) {
        if (text != NULL && strcmp(word->text, text) == 0) {
            *value = word->value;
            return TG_OK;
        }
        const size_t used = strlen(list);
        (void)snprintf(list + used, sizeof list - used, "%s%s", used > 0 ? ", " : "", word->text);
    }
    return tg_why_set(at->why, TG_E_SYNTAX, "%s: '%s' is none of: %s", key,
                      text != NULL ? text : "(no text)", list);
}

static enum tg_err integer_read(const struct reading *at, const struct tg_json *value, uint64_t max,
                                uint64_t *number)
{
    int64_t read;
    if (!tg_json_read_integer(value, &read)) {
        return tg_why_set(at->why, TG_E_SYNTAX, "%s: must be a whole number", at->key);
    }
    if (read < 0) {
        return tg_why_set(at->why, TG_E_NEGATIVE_USAGE, "%s: is below zero", at->key);
    }
    if ((uint64_t)read > max) {
        return tg_why_set(at->why, TG_E_OVERFLOW, "%s: is above %llu", at->key,
                          (unsigned long long)max);
    }
    *number = (uint64_t)read;
    return TG_OK;
}

/* Quantities of one record are all of one sign: below 0 they are taken back. */
static enum tg_err sign_note(const struct reading *at, bool is_negative, bool is_zero)
{
    struct tg_usage_line *line = at->line;
    const bool was_both = line->has_negative && line->has_positive;
    line->has_negative |= is_negative && !is_zero;
    line->has_positive |= !is_negative && !is_zero;
    if (line->has_negative && line->has_positive && !was_both) {
        return tg_why_set(at->why, TG_E_NEGATIVE_USAGE,
                          "%s: quantities of one record are all above 0 or all below", at->key);
    }
    return TG_OK;
}

static enum tg_err quantity_read(const struct reading *at, const struct tg_json *value,
                                 uint64_t max, uint64_t *number)
{
    int64_t read;
    if (!tg_json_read_integer(value, &read)) {
        return tg_why_set(at->why, TG_E_SYNTAX, "%s: must be a whole number", at->key);
    }
    *number = read < 0 ? -(uint64_t)read : (uint64_t)read;
    if (*number > max) {
        return tg_why_set(at->why, TG_E_OVERFLOW, "%s: is above %llu", at->key,
                          (unsigned long long)max);
    }
    return sign_note(at, read < 0, read == 0);
}

static enum tg_err key_read(const struct reading *at, const struct tg_json *value,
                            const char *kind_key, uint64_t *key, enum tg_key_kind *key_kind)
{
    const char *text = tg_json_text(value);
    int kind = TG_KEY_E164;
    if (text == NULL) {
        return tg_why_set(at->why, TG_E_SYNTAX, "%s: must be a string", at->key);
    }
    const struct tg_json *said = tg_json_get(at->object, kind_key);
    if (said != NULL) {
        const enum tg_err err = word_find(at, kind_key, kinds, tg_json_text(said), &kind);
        if (err != TG_OK) {
            tell(at, kind_key, err);
            return TG_OK; /* what the text is to be is not known */
        }
    }
    uint8_t address[16];
    *key_kind = (enum tg_key_kind)kind;
    if (kind == TG_KEY_NAME) {
        *key = tg_key_name(text, strlen(text));
    } else if (kind == TG_KEY_IP4 && inet_pton(AF_INET, text, address) == 1) {
        *key = tg_key_ip4(address);
    } else if (kind == TG_KEY_IP4 && inet_pton(AF_INET6, text, address) == 1) {
        *key = tg_key_ip6(address);
        *key_kind = TG_KEY_IP6;
    } else {
        text += kind == TG_KEY_E164 && text[0] == '+';
        if (kind == TG_KEY_IP4 || text[0] == '\0' || !tg_digits_pack(text, strlen(text), key)) {
            return tg_why_set(at->why, TG_E_BAD_NUMBER, "%s: '%s' is no %s", at->key, text,
                              kind == TG_KEY_IP4 ? "IP address" : "number of 1 to 15 digits");
        }
    }
    return TG_OK;
}

static enum tg_err routed_read(const struct reading *at, const struct tg_json *value)
{
    const char *text = tg_json_text(value);
    uint64_t key = 0;
    text += text != NULL && text[0] == '+';
    if (text == NULL || text[0] == '\0' || !tg_digits_pack(text, strlen(text), &key) ||
        tg_digits_value(key) > TG_QUANTITY_MAX) {
        return tg_why_set(at->why, TG_E_BAD_NUMBER, "routed_to: must be a number up to %llu",
                          (unsigned long long)TG_QUANTITY_MAX);
    }
    at->line->row.quantity_down = tg_digits_value(key) & TG_QUANTITY_MAX;
    return TG_OK;
}

static enum tg_err flags_read(const struct reading *at, const struct tg_json *value)
{
    if (tg_json_kind(value) != TG_JSON_LIST) {
        return tg_why_set(at->why, TG_E_SYNTAX, "flags: must be a list of words");
    }
    for (size_t i = 0; i < tg_json_count(value); i++) {
        int flag;
        const enum tg_err err =
            word_find(at, at->key, flags, tg_json_text(tg_json_at(value, i)), &flag);
        if (err != TG_OK) {
            return err;
        }
        at->line->row.flags |= (uint8_t)flag;
    }
    return TG_OK;
}

static enum tg_err network_read(const struct reading *at, const struct tg_json *value)
{
    const char *text = tg_json_text(value);
    uint32_t index = text != NULL && at->image != NULL
                         ? tg_image_find(at->image, TG_CATALOG_NETWORK, text)
                         : UINT32_MAX;
    const uint32_t plmn = text != NULL ? tg_plmn_pack(text, (uint32_t)strnlen(text, 7)) : 0;
    if (index > UINT16_MAX && plmn != 0 && at->image != NULL) {
        index = tg_image_network_find(at->image, plmn);
    }
    if (index > UINT16_MAX && plmn != 0) {
        return tg_why_set(at->why, TG_E_UNKNOWN_NETWORK,
                          "serving_network: the catalog has no network of PLMN %.6s", text);
    }
    if (index > UINT16_MAX) {
        return tg_why_set(at->why, TG_E_SYNTAX,
                          "serving_network: the catalog has no network of that name");
    }
    at->line->row.serving_network = (uint16_t)index;
    return TG_OK;
}

/* As the engine finds it: a node's name, else the address it sends from. */
static enum tg_err node_read(const struct reading *at, const struct tg_json *value)
{
    const char *text = tg_json_text(value);
    uint8_t address[16] = {0};
    char name[TG_NAME_BYTES_MAX] = "";
    if (text == NULL || text[0] == '\0' || strlen(text) >= sizeof name || at->image == NULL) {
        return tg_why_set(at->why, TG_E_SYNTAX,
                          "node: must be an address or a name of 1 to %u characters",
                          (unsigned)sizeof name - 1);
    }
    const bool is_ip6 = inet_pton(AF_INET6, text, address) == 1;
    const bool is_ip4 = !is_ip6 && inet_pton(AF_INET, text, &address[12]) == 1;
    if (is_ip4) {
        memset(&address[10], 0xff, 2);
    }
    for (size_t i = 0; !is_ip4 && !is_ip6 && text[i] != '\0'; i++) {
        name[i] = (char)tolower((unsigned char)text[i]);
    }
    at->line->site = tg_image_site_find(at->image, is_ip4 || is_ip6 ? address : NULL, name);
    return TG_OK;
}

static enum tg_err start_read(const struct reading *at, const struct tg_json *value)
{
    const char *text = tg_json_text(value);
    const enum tg_err err =
        text != NULL ? tg_clock_parse(text, strlen(text), &at->line->row.start_ns) : TG_E_SYNTAX;
    if (err == TG_E_BAD_TIMESTAMP) {
        return tg_why_set(at->why, err, "start: there is no time %.40s, or not before 2262", text);
    }
    return err == TG_OK ? TG_OK
                        : tg_why_set(at->why, TG_E_BAD_TIMESTAMP,
                                     "start: must be RFC 3339, such as 2026-11-23T06:10:00Z");
}

static enum tg_err number_member(const struct reading *at, const struct tg_json *value)
{
    struct tg_usage *row = &at->line->row;
    const char *key = at->key;
    const bool is_small = strcmp(key, "rating_group") == 0 || strcmp(key, "node_id") == 0;
    const bool is_time = strcmp(key, "duration_ms") == 0 || strcmp(key, "duration_s") == 0;
    const bool is_per = strcmp(key, "price_max_per") == 0;
    const uint64_t max = is_small                            ? UINT16_MAX
                         : strcmp(key, "closing_cause") == 0 ? UINT8_MAX
                         : strcmp(key, "duration_s") == 0    ? UINT32_MAX / 1000
                         : is_time || is_per                 ? UINT32_MAX
                                                             : TG_QUANTITY_MAX;
    uint64_t number = 0;
    const bool is_quantity = max == TG_QUANTITY_MAX || is_time;
    const enum tg_err err = is_quantity ? quantity_read(at, value, max, &number)
                                        : integer_read(at, value, max, &number);
    if (err != TG_OK) {
        return err;
    }
    if (is_time) {
        row->duration_ms = (uint32_t)(strcmp(key, "duration_s") == 0 ? number * 1000 : number);
    } else if (strcmp(key, "quantity_up") == 0 || strcmp(key, "count") == 0) {
        row->quantity_up = number & TG_QUANTITY_MAX;
    } else if (strcmp(key, "quantity_down") == 0) {
        row->quantity_down = number & TG_QUANTITY_MAX;
    } else if (strcmp(key, "rating_group") == 0) {
        row->rating_group = (uint16_t)number;
    } else if (strcmp(key, "node_id") == 0) {
        row->node_id = (uint16_t)number;
    } else if (strcmp(key, "price_max_per") == 0) {
        at->line->price_max_per = (uint32_t)number;
    } else {
        row->closing_cause = (uint8_t)number;
    }
    return TG_OK;
}

/* Decimals that carried money has below the minor unit's. */
#define AMOUNT_EXTRA_DECIMALS 4

static enum tg_err money_read(const struct reading *at, const struct tg_json *value, uint8_t scale,
                              int64_t *amount)
{
    const char *text = tg_json_text(value);
    const enum tg_err err =
        text != NULL ? tg_money_parse(text, strlen(text), scale, amount) : TG_E_SYNTAX;
    if (err == TG_OK) {
        return TG_OK;
    }
    return tg_why_set(at->why, err == TG_E_INVALID ? TG_E_SYNTAX : err,
                      "%s: must be a decimal in quotes with at most %u decimals", at->key, scale);
}

/* Money that the record carries, or that may be spent on it. */
static enum tg_err money_member(const struct reading *at, const struct tg_json *value)
{
    struct tg_usage_line *line = at->line;
    if (at->image == NULL) {
        return tg_why_set(at->why, TG_E_SYNTAX, "%s: there is no catalog to say the currency",
                          at->key);
    }
    if (strcmp(at->key, "credit") == 0) {
        const char *text = tg_json_text(value);
        line->has_credit = true;
        line->is_from_balance = text != NULL && strcmp(text, "balance") == 0;
        if (line->is_from_balance) {
            return TG_OK;
        }
        return money_read(at, value, at->image->scale, &line->credit);
    }
    if (strcmp(at->key, "price_max") == 0) {
        const enum tg_err price_err = money_read(at, value, at->image->scale, &line->price_max);
        return price_err == TG_OK && line->price_max < 0
                   ? tg_why_set(at->why, TG_E_OVERFLOW, "price_max: is below zero")
                   : price_err;
    }
    if (strcmp(at->key, "credit_floor") == 0) {
        const enum tg_err floor_err = money_read(at, value, at->image->scale, &line->credit_floor);
        return floor_err == TG_OK && line->credit_floor > 0
                   ? tg_why_set(at->why, TG_E_OVERFLOW, "credit_floor: is above zero")
                   : floor_err;
    }
    int64_t amount = 0;
    const enum tg_err err =
        money_read(at, value, (uint8_t)(at->image->minor + AMOUNT_EXTRA_DECIMALS), &amount);
    if (err != TG_OK) {
        return err;
    }
    const uint64_t magnitude = amount < 0 ? -(uint64_t)amount : (uint64_t)amount;
    if (magnitude > TG_QUANTITY_MAX) {
        return tg_why_set(at->why, TG_E_OVERFLOW, "amount: is too large for a record");
    }
    line->row.quantity_down = magnitude & TG_QUANTITY_MAX;
    line->row.flags |= TG_USAGE_AMOUNT;
    return sign_note(at, amount < 0, amount == 0);
}

static enum tg_err member_read(const struct reading *at, const struct tg_json *value,
                               enum tg_key_kind *subscriber_kind, enum tg_key_kind *peer_kind)
{
    static const char *const numbers[] = {"duration_ms", "duration_s",    "quantity_up",
                                          "count",       "quantity_down", "rating_group",
                                          "node_id",     "closing_cause", "price_max_per"};
    struct tg_usage_line *line = at->line;
    const char *key = at->key;
    int word = 0;
    enum tg_err err = TG_OK;
    if (strcmp(key, "id") == 0) {
        line->id = tg_json_text(value);
        err = line->id != NULL ? TG_OK : tg_why_set(at->why, TG_E_SYNTAX, "id: must be a string");
    } else if (strcmp(key, "subscriber") == 0) {
        err = key_read(at, value, "subscriber_kind", &line->row.subscriber_key, subscriber_kind);
    } else if (strcmp(key, "peer") == 0) {
        err = key_read(at, value, "peer_kind", &line->row.peer_key, peer_kind);
    } else if (strcmp(key, "service") == 0) {
        err = word_find(at, key, services, tg_json_text(value), &word);
        line->row.service = (uint8_t)word;
    } else if (strcmp(key, "node_state") == 0) {
        err = word_find(at, key, states, tg_json_text(value), &word);
        line->node_state = (uint8_t)word;
    } else if (strcmp(key, "start") == 0) {
        err = start_read(at, value);
    } else if (strcmp(key, "flags") == 0) {
        err = flags_read(at, value);
    } else if (strcmp(key, "amount") == 0 || strcmp(key, "credit") == 0 ||
               strcmp(key, "credit_floor") == 0 || strcmp(key, "price_max") == 0) {
        err = money_member(at, value);
    } else if (strcmp(key, "routed_to") == 0) {
        err = routed_read(at, value);
    } else if (strcmp(key, "serving_network") == 0) {
        err = network_read(at, value);
    } else if (strcmp(key, "node") == 0) {
        err = node_read(at, value);
    } else if (strcmp(key, "subscriber_kind") != 0 && strcmp(key, "peer_kind") != 0) {
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            if (strcmp(key, numbers[i]) == 0) {
                return number_member(at, value);
            }
        }
        err = tg_why_set(at->why, TG_E_SYNTAX, "unknown key '%s'; see schemas/quote", key);
    }
    return err;
}

/* What another service has would be passed over, and the usage cost nothing. */
static void strays_refuse(const struct reading *at)
{
    static const char *const strays[][3] = {
        [TG_SERVICE_DATA] = {"count", "routed_to", NULL},
        [TG_SERVICE_VOICE] = {"count", "quantity_up", "quantity_down"},
        [TG_SERVICE_MESSAGE] = {"quantity_down", "routed_to", NULL},
        [TG_SERVICE_EVENT] = {"routed_to", NULL, NULL},
        [TG_SERVICE_ACCESS] = {"count", "routed_to", NULL},
    };
    const uint8_t service = at->line->row.service;
    for (unsigned i = 0; i < 3 && strays[service][i] != NULL; i++) {
        const char *key = strays[service][i];
        if (tg_json_get(at->object, key) != NULL) {
            tell(at, key,
                 tg_why_set(at->why, TG_E_SYNTAX, "%s: %s", key,
                            strcmp(key, "routed_to") == 0 ? "only for service voice"
                            : strcmp(key, "count") == 0   ? "only for service message and event"
                            : service == TG_SERVICE_VOICE
                                ? "a call has no octets, but a duration"
                                : "a message has no octets, but a count"));
        }
    }
}

/* What is missing, and what is there in two ways. */
static void keys_check(const struct reading *at)
{
    static const char *const mandatory[] = {"subscriber", "service", "start"};
    static const char *const twins[][2] = {{"duration_s", "duration_ms"}, {"count", "quantity_up"}};
    for (size_t i = 0; i < sizeof mandatory / sizeof mandatory[0]; i++) {
        if (tg_json_get(at->object, mandatory[i]) == NULL) {
            tell(at, NULL,
                 tg_why_set(at->why, TG_E_MISSING_FIELD, "'%s' is missing", mandatory[i]));
        }
    }
    for (size_t i = 0; i < sizeof twins / sizeof twins[0]; i++) {
        if (tg_json_get(at->object, twins[i][0]) != NULL &&
            tg_json_get(at->object, twins[i][1]) != NULL) {
            tell(at, twins[i][0],
                 tg_why_set(at->why, TG_E_SYNTAX, "%s: give it or %s, not both", twins[i][0],
                            twins[i][1]));
        }
    }
}

/* Keys that do not go together. */
static void pairs_check(const struct reading *at)
{
    struct tg_usage_line *line = at->line;
    /* A service that is refused is told; what would go with it is not known. */
    if ((line->row.flags & TG_USAGE_AMOUNT) != 0 && line->row.service != TG_SERVICE_NONE &&
        (line->row.service != TG_SERVICE_EVENT ||
         tg_json_get(at->object, "quantity_down") != NULL)) {
        tell(at, "amount",
             tg_why_set(at->why, TG_E_SYNTAX,
                        "amount: only for service event, which has no octets"));
    }
    strays_refuse(at);
    const bool has_per = tg_json_get(at->object, "price_max_per") != NULL;
    const bool has_highest = tg_json_get(at->object, "price_max") != NULL;
    line->price_max_per = has_highest && !has_per ? 1 : line->price_max_per;
    if (has_per && (!has_highest || line->price_max_per == 0)) {
        tell(
            at, "price_max_per",
            tg_why_set(at->why, TG_E_SYNTAX, "price_max_per: at least 1, together with price_max"));
    }
    if (line->is_from_balance && tg_json_get(at->object, "credit_floor") != NULL) {
        tell(at, "credit_floor",
             tg_why_set(at->why, TG_E_SYNTAX, "credit_floor: the account's credit_limit says it"));
    }
    if (line->has_negative && (line->has_credit || line->price_max_per != 0)) {
        const char *key = line->has_credit ? "credit" : "price_max";
        tell(at, key,
             tg_why_set(at->why, TG_E_NEGATIVE_USAGE, "%s: usage is taken back, not granted", key));
    }
}

enum tg_err tg_usage_line_read(const struct tg_json *json, const struct tg_image *image,
                               struct tg_usage_line *line, struct tg_usage_mistakes *mistakes)
{
    struct tg_why why = {""};
    struct reading at = {line, image, json, mistakes, &why, NULL};
    enum tg_key_kind subscriber_kind = TG_KEY_NONE;
    enum tg_key_kind peer_kind = TG_KEY_NONE;
    void *cursor = NULL;
    struct tg_json *value;
    *line = (struct tg_usage_line){.node_state = TG_NODE_UNKNOWN};
    mistakes->count = 0;
    if (tg_json_kind(json) != TG_JSON_OBJECT) {
        tell(&at, NULL, tg_why_set(&why, TG_E_SYNTAX, "a usage row is a JSON object"));
        return TG_E_SYNTAX;
    }
    if (tg_json_get(json, "action") != NULL) {
        return tg_usage_action_read(json, image, line, mistakes);
    }
    while (tg_json_next(json, &cursor, &at.key, &value)) {
        const enum tg_err err = member_read(&at, value, &subscriber_kind, &peer_kind);
        if (err != TG_OK) {
            tell(&at, at.key, err);
        }
    }
    keys_check(&at);
    pairs_check(&at);
    if (mistakes->count > 0) {
        return mistakes->list[0].err;
    }
    const bool is_counted =
        line->row.service == TG_SERVICE_MESSAGE || line->row.service == TG_SERVICE_EVENT;
    if (is_counted && tg_json_get(json, "count") == NULL &&
        tg_json_get(json, "quantity_up") == NULL) {
        line->row.quantity_up = 1;
    }
    line->row.key_kinds = tg_key_kinds(subscriber_kind, peer_kind);
    line->row.key_kinds |= line->has_negative ? TG_KEY_KINDS_REVERSAL : 0;
    return TG_OK;
}
