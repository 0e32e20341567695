/* SPDX-License-Identifier: Apache-2.0 */
#include "control/credit_request.h"

#include "abi/key.h"
#include "base/clock.h"
#include "base/money.h"
#include "catalog/catalog.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ON(action) (1u << TG_CREDIT_DO_##action)

static const char *const action_names[] = {NULL,      "reserve", "update",  "commit",
                                           "release", "topup",   "balance", "list"};
static const char *const service_names[] = {NULL, "data", "voice", "message", "event"};

struct reading {
    const struct tg_credit_reader *reader;
    const struct tg_json *json;
    const char *place;
    struct tg_json *mistakes;
    struct tg_credit_request *request;
    bool is_wrong;
};

static void mistake(struct reading *at, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void mistake(struct reading *at, const char *key, const char *format, ...)
{
    char text[256];
    char line[320];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)snprintf(line, sizeof line, "%s.%s: %s", at->place, key, text);
    tg_json_append(at->mistakes, tg_json_string(line));
    at->is_wrong = true;
}

static void read_id(struct reading *at, const char *key, const struct tg_json *value)
{
    const char *text = tg_json_text(value);
    const size_t length = text != NULL ? strlen(text) : 0;
    if (length == 0 || length >= TG_CREDIT_ID_BYTES) {
        mistake(at, key, "write a text of 1 to 63 octets");
        return;
    }
    memcpy(at->request->id, text, length);
}

static bool read_whole(struct reading *at, const char *key, const struct tg_json *value,
                       int64_t min, int64_t max, int64_t *number)
{
    if (!tg_json_read_integer(value, number) || *number < min || *number > max) {
        mistake(at, key, "write a whole number, %lld to %lld", (long long)min, (long long)max);
        *number = min;
        return false;
    }
    return true;
}

static void read_number(struct reading *at, const char *key, const struct tg_json *value)
{
    int64_t number;
    const bool is_update = at->request->action == TG_CREDIT_DO_UPDATE;
    if (read_whole(at, key, value, is_update ? 1 : 0, UINT32_MAX, &number)) {
        at->request->number = (uint32_t)number;
    }
}

static void read_group(struct reading *at, const char *key, const struct tg_json *value)
{
    int64_t number;
    if (read_whole(at, key, value, 0, UINT16_MAX, &number)) {
        at->request->row.rating_group = (uint16_t)number;
    }
}

static void read_validity(struct reading *at, const char *key, const struct tg_json *value)
{
    int64_t seconds;
    (void)read_whole(at, key, value, 1, TG_CREDIT_VALIDITY_NS_MAX / TG_NS_PER_S, &seconds);
    at->request->validity_ns = seconds * TG_NS_PER_S;
}

/* Until when money may be used; a date is midnight UTC. */
static void read_valid_to(struct reading *at, const char *key, const struct tg_json *value)
{
    const char *text = tg_json_text(value);
    struct tg_credit_request *request = at->request;
    if (text == NULL || tg_clock_parse(text, strlen(text), &request->valid_to_ns) != TG_OK ||
        request->valid_to_ns <= 0) {
        mistake(at, key, "write a time such as 2026-10-01T12:00:00Z");
    } else if (request->amount <= 0) {
        mistake(at, key, "is of an amount above 0 only");
    }
}

static void read_used(struct reading *at, const char *key, const struct tg_json *value)
{
    int64_t number;
    (void)read_whole(at, key, value, 0, (int64_t)TG_QUANTITY_MAX, &number);
    at->request->used = (uint64_t)number;
}

/* In base units, so the same number for every price: milliseconds, octets, messages, events. */
static void read_quantity(struct reading *at, const char *key, const struct tg_json *value)
{
    struct tg_usage *row = &at->request->row;
    const bool is_voice = row->service == TG_SERVICE_VOICE;
    int64_t number;
    (void)read_whole(at, key, value, 1, is_voice ? UINT32_MAX : (int64_t)TG_QUANTITY_MAX, &number);
    at->request->wanted = at->request->action == TG_CREDIT_DO_UPDATE ? (uint64_t)number : 0;
    row->duration_ms = is_voice ? (uint32_t)number : 0;
    if (row->service == TG_SERVICE_DATA) {
        row->quantity_down = (uint64_t)number;
    } else if (!is_voice && at->request->action == TG_CREDIT_DO_RESERVE) {
        row->quantity_up = (uint64_t)number;
    }
}

static void read_service(struct reading *at, const char *key, const struct tg_json *value)
{
    const char *text = tg_json_text(value);
    for (uint8_t i = TG_SERVICE_DATA; text != NULL && i <= TG_SERVICE_EVENT; i++) {
        if (strcmp(text, service_names[i]) == 0) {
            at->request->row.service = i;
            return;
        }
    }
    mistake(at, key, "write data, voice, message or event");
}

/* Digits are a number, anything else a name such as an APN. */
static void read_peer(struct reading *at, const char *key, const struct tg_json *value)
{
    const char *text = tg_json_text(value);
    struct tg_usage *row = &at->request->row;
    const size_t skip = text != NULL && text[0] == '+' ? 1 : 0;
    const size_t length = text != NULL ? strlen(text) : 0;
    uint64_t digits = 0;
    if (length == 0) {
        mistake(at, key, "write the number, or the name of the service");
    } else if (length > skip && tg_digits_pack(text + skip, length - skip, &digits)) {
        row->peer_key = digits;
        row->key_kinds = tg_key_kinds(tg_usage_subscriber_kind(row), TG_KEY_E164);
    } else {
        row->peer_key = tg_key_name(text, length);
        row->key_kinds = tg_key_kinds(tg_usage_subscriber_kind(row), TG_KEY_NAME);
    }
}

static void read_network(struct reading *at, const char *key, const struct tg_json *value)
{
    const struct tg_catalog_snapshot *catalog = at->reader->catalog;
    const char *text = tg_json_text(value);
    const uint32_t index = text != NULL ? tg_image_find(catalog->images[catalog->images_count - 1],
                                                        TG_CATALOG_NETWORK, text)
                                        : UINT32_MAX;
    if (index == UINT32_MAX || index > UINT16_MAX) {
        mistake(at, key, "write the name of a network of the catalog");
        return;
    }
    at->request->row.serving_network = (uint16_t)index;
}

/* Where the session runs: what brings it down is told by the alarms of that node. */
static void read_node(struct reading *at, const char *key, const struct tg_json *value)
{
    const char *text = tg_json_text(value);
    const uint16_t node_id = text != NULL
                                 ? tg_inventory_by_host(at->reader->inventory, text, strlen(text))
                                 : TG_NODE_ID_NONE;
    if (node_id == TG_NODE_ID_NONE) {
        mistake(at, key, "write the name of a node of the configuration");
    }
    at->request->row.node_id = node_id;
}

static void read_at(struct reading *at, const char *key, const struct tg_json *value)
{
    const char *text = tg_json_text(value);
    if (text == NULL || tg_clock_parse(text, strlen(text), &at->request->at_ns) != TG_OK ||
        at->request->at_ns < 0) {
        mistake(at, key, "write a time such as 2026-10-01T12:00:00Z");
    }
}

static void read_amount(struct reading *at, const char *key, const struct tg_json *value)
{
    const struct tg_catalog_snapshot *catalog = at->reader->catalog;
    const struct tg_image *image = catalog->images[catalog->images_count - 1];
    const char *text = tg_json_text(value);
    if (text == NULL ||
        tg_money_parse(text, strlen(text), (uint8_t)image->scale, &at->request->amount) != TG_OK) {
        mistake(at, key, "write an exact amount in quotes, such as \"12.50\"");
    }
}

static void read_text(struct reading *at, const char *key, const struct tg_json *value)
{
    const char *text = tg_json_text(value);
    if (text == NULL || text[0] == '\0') {
        mistake(at, key, "write a text");
    }
}

static void read_action(struct reading *at, const char *key, const struct tg_json *value)
{
    (void)at; /* read first, as the other keys depend on it */
    (void)key;
    (void)value;
}

/* Order: service before quantity, amount before valid_to. */
static const struct {
    const char *key;
    uint32_t required; /* Actions that need it. */
    uint32_t allowed;  /* Others that may have it. */
    void (*read)(struct reading *, const char *, const struct tg_json *);
} fields[] = {
    {"action", 0, UINT32_MAX, read_action},
    {"id", ON(RESERVE) | ON(UPDATE) | ON(COMMIT) | ON(RELEASE) | ON(TOPUP), 0, read_id},
    {"number", ON(UPDATE), ON(COMMIT) | ON(RELEASE), read_number},
    {"service", ON(RESERVE), 0, read_service},
    {"peer", 0, ON(RESERVE), read_peer},
    {"serving_network", 0, ON(RESERVE), read_network},
    {"rating_group", 0, ON(RESERVE), read_group},
    {"node", 0, ON(RESERVE) | ON(UPDATE), read_node},
    {"quantity", ON(RESERVE) | ON(UPDATE), 0, read_quantity},
    {"validity_s", ON(RESERVE) | ON(UPDATE), 0, read_validity},
    {"used", ON(UPDATE) | ON(COMMIT), 0, read_used},
    {"amount", ON(TOPUP), 0, read_amount},
    {"valid_to", 0, ON(TOPUP), read_valid_to},
    {"at", 0, ON(RESERVE) | ON(UPDATE) | ON(COMMIT) | ON(RELEASE) | ON(TOPUP), read_at},
    {"account", 0, ON(TOPUP) | ON(BALANCE) | ON(LIST), read_text},
    {"subscriber", 0, ON(RESERVE) | ON(TOPUP) | ON(BALANCE), read_text},
    {"msisdn", 0, ON(RESERVE) | ON(TOPUP) | ON(BALANCE), read_text},
    {"imsi", 0, ON(RESERVE) | ON(TOPUP) | ON(BALANCE), read_text},
    {"user", 0, ON(RESERVE) | ON(TOPUP) | ON(BALANCE), read_text},
};
#define FIELDS_COUNT (sizeof fields / sizeof fields[0])

static void fields_read(struct reading *at)
{
    const uint32_t bit = 1u << at->request->action;
    for (size_t i = 0; i < FIELDS_COUNT; i++) {
        const struct tg_json *value = tg_json_get(at->json, fields[i].key);
        if (value != NULL && (bit & (fields[i].required | fields[i].allowed)) != 0) {
            fields[i].read(at, fields[i].key, value);
        } else if (value == NULL && (bit & fields[i].required) != 0) {
            mistake(at, fields[i].key, "is missing");
        }
    }
    void *cursor = NULL;
    const char *key;
    struct tg_json *value;
    while (tg_json_next(at->json, &cursor, &key, &value)) {
        size_t i = 0;
        while (i < FIELDS_COUNT && strcmp(fields[i].key, key) != 0) {
            i++;
        }
        if (i == FIELDS_COUNT || (bit & (fields[i].required | fields[i].allowed)) == 0) {
            mistake(at, key, "is no key of %s", action_names[at->request->action]);
        }
    }
}

/* Who: exactly one way of naming. */
static const char *who_named(struct reading *at)
{
    static const char *const keys[] = {"account", "subscriber", "msisdn", "imsi", "user"};
    const uint8_t action = at->request->action;
    const char *named = NULL;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (tg_json_get(at->json, keys[i]) != NULL) {
            if (named != NULL) {
                mistake(at, keys[i], "is named by %s already", named);
            }
            named = named == NULL ? keys[i] : named;
        }
    }
    const bool needs = action == TG_CREDIT_DO_RESERVE || action == TG_CREDIT_DO_TOPUP ||
                       action == TG_CREDIT_DO_BALANCE;
    if (named == NULL && needs) {
        mistake(at, action == TG_CREDIT_DO_RESERVE ? "msisdn" : "account",
                "is missing (or another way to say who)");
    }
    return named;
}

static bool key_of(struct reading *at, const char *named, const char *text, uint8_t *kind,
                   uint64_t *key)
{
    const size_t skip = text[0] == '+' && strcmp(named, "msisdn") == 0 ? 1 : 0;
    if (strcmp(named, "user") == 0) {
        *kind = TG_KEY_NAME;
        *key = tg_key_name(text, strlen(text));
        return true;
    }
    *kind = strcmp(named, "imsi") == 0 ? TG_KEY_IMSI : TG_KEY_E164;
    if (strlen(text + skip) < 3 || !tg_digits_pack(text + skip, strlen(text + skip), key)) {
        mistake(at, named, "write 3 to 15 digits");
        return false;
    }
    return true;
}

/* Finds the account, and for a reservation the subscriber. */
static enum tg_err who_find(struct reading *at, const char *named)
{
    struct tg_credit_request *request = at->request;
    const struct tg_roster *roster = at->reader->catalog->roster;
    const char *text = tg_json_get_text(at->json, named, "");
    if (strcmp(named, "account") == 0) {
        request->account = tg_id_index_find(at->reader->accounts, at->reader->catalog, true, text);
        return request->account != UINT32_MAX ? TG_OK : TG_E_NOT_FOUND;
    }
    uint32_t subscriber = TG_SUBSCRIBER_NONE;
    uint8_t kind = TG_KEY_NONE;
    uint64_t key = 0;
    if (strcmp(named, "subscriber") == 0) {
        subscriber = tg_id_index_find(at->reader->subscribers, at->reader->catalog, false, text);
    } else if (key_of(at, named, text, &kind, &key)) {
        (void)tg_roster_find(roster, &kind, &key, &request->at_ns, 1, &subscriber);
    }
    if (subscriber >= roster->subscribers_count) {
        return TG_E_UNKNOWN_SUBSCRIBER;
    }
    request->account = roster->lines[subscriber].account;
    if (request->action == TG_CREDIT_DO_RESERVE) {
        request->subscriber = subscriber;
        request->row.subscriber_key = key;
        request->row.key_kinds =
            tg_key_kinds((enum tg_key_kind)kind, tg_usage_peer_kind(&request->row));
    }
    return TG_OK;
}

enum tg_err tg_credit_request_read(const struct tg_credit_reader *reader,
                                   const struct tg_json *json, const char *place,
                                   struct tg_credit_request *request, struct tg_json *mistakes)
{
    struct reading at = {reader, json, place, mistakes, request, false};
    const char *action = tg_json_get_text(json, "action", "");
    *request = (struct tg_credit_request){
        .at_ns = reader->now_ns, .account = TG_ACCOUNT_NONE, .subscriber = TG_SUBSCRIBER_NONE};
    for (uint8_t i = TG_CREDIT_DO_RESERVE; i <= TG_CREDIT_DO_LIST; i++) {
        request->action = strcmp(action, action_names[i]) == 0 ? i : request->action;
    }
    if (request->action == 0) {
        mistake(&at, "action", "write reserve, update, commit, release, topup, balance or list");
        return TG_E_DOCUMENT;
    }
    fields_read(&at);
    const char *named = who_named(&at);
    enum tg_err err = TG_OK;
    if (named != NULL && !at.is_wrong) {
        err = who_find(&at, named);
    }
    request->row.start_ns = request->action == TG_CREDIT_DO_RESERVE ? request->at_ns : 0;
    return at.is_wrong ? TG_E_DOCUMENT : err;
}

const char *tg_credit_action_name(uint8_t action)
{
    return action < sizeof action_names / sizeof action_names[0] && action > 0
               ? action_names[action]
               : "none";
}
