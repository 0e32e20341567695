/* SPDX-License-Identifier: Apache-2.0 */
/* subscribers.csv: which lines there are, what they are sold by, and the keys that usage names them
 * by. */
#include "catalog/people_reader.h"

#include "abi/key.h"
#include "doc/csv.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AGAIN_MAX   99u /* lines of one id */
#define AGAIN_BYTES 3u  /* #99 */

enum subscriber_column {
    S_ID,
    S_ACCOUNT,
    S_PRODUCT,
    S_MSISDN,
    S_IMSI,
    S_USER,
    S_IP,
    S_FROM,
    S_TO,
    S_QUANTITY,
    S_COUNT
};
_Static_assert((int)S_COUNT <= (int)TG_PEOPLE_COLUMNS_MAX, "room");

static const struct tg_csv_column subscriber_columns[S_COUNT] = {
    {"id", true},         {"account", true},  {"product", true}, {"msisdn", false},
    {"imsi", false},      {"user", false},    {"ip", false},     {"active_from", false},
    {"active_to", false}, {"quantity", false}};

static void key_add(struct tg_people_reader *reader, uint32_t subscriber, enum tg_key_kind kind,
                    uint64_t key)
{
    const struct tg_roster_key out = {key, subscriber, kind};
    (void)tg_blob_append(&reader->people->keys, &out, sizeof out, 8);
}

static void number_take(struct tg_people_reader *reader, uint32_t subscriber,
                        struct tg_csv_field field, enum tg_key_kind kind)
{
    uint64_t key = 0;
    const uint32_t skip = kind == TG_KEY_E164 && field.text_bytes > 0 && field.text[0] == '+';
    if (field.text_bytes == 0) {
        return;
    }
    if (field.text_bytes - skip < 3 ||
        !tg_digits_pack(field.text + skip, field.text_bytes - skip, &key)) {
        tg_people_refuse(reader, &field, "write 3 to 15 digits", "\"%s\" is no number");
        return;
    }
    key_add(reader, subscriber, kind, key);
}

static void ip_take(struct tg_people_reader *reader, uint32_t subscriber, struct tg_csv_field field)
{
    char text[48];
    uint8_t bytes[16];
    if (field.text_bytes == 0) {
        return;
    }
    (void)snprintf(text, sizeof text, "%.*s", (int)(field.text_bytes < 47 ? field.text_bytes : 47),
                   field.text);
    if (inet_pton(AF_INET, text, bytes) == 1) {
        key_add(reader, subscriber, TG_KEY_IP4, tg_key_ip4(bytes));
    } else if (inet_pton(AF_INET6, text, bytes) == 1) {
        key_add(reader, subscriber, TG_KEY_IP6, tg_key_ip6(bytes));
    } else {
        tg_people_refuse(reader, &field, NULL, "\"%s\" is no IP address");
    }
}

/* Quarters and years are counted in months, which an account billed by the week has not. */
static void week_check(struct tg_people_reader *reader, const struct tg_csv_field *product,
                       const struct tg_roster_line *line)
{
    struct tg_roster_account account;
    const struct tg_product *sold = tg_image_product(reader->image, line->product);
    if (sold == NULL ||
        ((size_t)line->account + 1) * sizeof account > reader->people->accounts.size_bytes) {
        return;
    }
    memcpy(&account, reader->people->accounts.bytes + line->account * sizeof account,
           sizeof account);
    if ((account.flags & TG_ROSTER_BILLS_WEEK) != 0 &&
        ((sold->period >= TG_FEE_QUARTER && tg_fee_days(sold) == 0) ||
         sold->minimum_period != 0)) {
        tg_people_refuse(reader, product, "a fee by month is by the account's cycle, the week",
                         "product \"%s\" has a fee or minimum by quarter, half_year or year, and "
                         "the account is billed by the week");
    }
}

/* Does a product draw from a list of allowances? */
static bool has_shelves(const struct tg_image *image, uint16_t product)
{
    const struct tg_product *sold = tg_image_product(image, product);
    bool has = false;
    for (uint32_t cell = 0; sold != NULL && cell < TG_SERVICE_COUNT; cell++) {
        const struct tg_plan_service *plan_service = tg_image_plan_cell(image, sold->plan, cell);
        has |= plan_service != NULL && plan_service->buckets_count > 0;
    }
    return has;
}

/* A balance is rebuilt from rows by their subscriber's account, and what is left of a list of
 * allowances by his account and product: these may not change under rows that are there. */
static void line_kept(struct tg_people_reader *reader, const struct tg_csv_field *id,
                      const struct tg_csv_field *account, const struct tg_csv_field *product,
                      const struct tg_roster_line *now)
{
    static const char hint[] = "end the line with active_to and add one with a new id";
    const struct tg_people *people = reader->people;
    const uint32_t known = tg_names_find(&people->subscriber_ids, id->text, id->text_bytes);
    struct tg_roster_line before;
    if (known == UINT32_MAX ||
        ((size_t)known + 1) * sizeof before > people->subscribers.size_bytes) {
        return;
    }
    memcpy(&before, people->subscribers.bytes + (size_t)known * sizeof before, sizeof before);
    const uint32_t *lines = (const uint32_t *)(const void *)people->lines.bytes;
    if (known < people->lines.size_bytes / 4 && lines[known] != 0) {
        return; /* listed twice: that is told elsewhere */
    }
    const bool has_moved = before.account != now->account && now->account != UINT32_MAX;
    const bool has_list =
        has_shelves(reader->image, before.product) || has_shelves(reader->image, now->product);
    if (has_moved && (tg_people_is_prepaid(people, before.account) ||
                      tg_people_is_prepaid(people, now->account))) {
        tg_people_refuse(reader, account, hint,
                         "the subscriber cannot move to account \"%s\": one of the two is prepaid");
    } else if (has_moved && has_list) {
        tg_people_refuse(reader, account, hint,
                         "the subscriber cannot move to account \"%s\": what he used of a list of "
                         "allowances is kept with his account");
    }
    if (before.product != now->product && now->product != TG_PRODUCT_NONE && has_list) {
        tg_people_refuse(reader, product, hint,
                         "the subscriber cannot change to product \"%s\": what he used of a list "
                         "of allowances is kept with his product");
    }
}

static void never_warn(struct tg_people_reader *reader, const struct tg_csv_field *to)
{
    tg_diag_add(reader->diag, TG_DIAG_WARNING, tg_csv_mark(&reader->csv, to), NULL,
                "active_to is active_from: the subscription is never active");
}

/* Absent: 1. */
static uint32_t quantity_read(struct tg_people_reader *reader)
{
    const struct tg_csv_field field = tg_people_field(reader, S_QUANTITY);
    uint32_t quantity = field.text_bytes == 0 ? 1 : 0;
    for (size_t i = 0; i < field.text_bytes && quantity <= TG_ROSTER_QUANTITY_MAX; i++) {
        const uint32_t digit = (uint32_t)(uint8_t)field.text[i] - '0';
        quantity = digit <= 9 ? quantity * 10 + digit : UINT32_MAX;
    }
    if (quantity == 0 || quantity > TG_ROSTER_QUANTITY_MAX) {
        tg_people_refuse(reader, &field, "write a number from 1 to 4096",
                         "quantity: \"%s\" is no number of seats");
        return 1;
    }
    return quantity;
}

uint32_t tg_people_line(const struct tg_people *people, uint32_t index)
{
    const uint32_t *lines = (const uint32_t *)(const void *)people->lines.bytes;
    return index < people->lines.size_bytes / 4 ? lines[index] : 0;
}

/* The name of a line: its id, or when another line of the file has that, ID#2, ID#3 and so on. */
static struct tg_csv_field line_named(struct tg_people_reader *reader,
                                      char text[TG_PEOPLE_ID_BYTES_MAX + 5], uint32_t *first)
{
    const struct tg_people *people = reader->people;
    struct tg_csv_field id = tg_people_field(reader, S_ID);
    *first = tg_names_find(&people->subscriber_ids, id.text, id.text_bytes);
    if (*first == UINT32_MAX || tg_people_line(people, *first) == 0 ||
        id.text_bytes + AGAIN_BYTES > TG_PEOPLE_ID_BYTES_MAX) {
        *first = UINT32_MAX;
        return id;
    }
    for (uint32_t n = 2; n <= AGAIN_MAX; n++) {
        const int length =
            snprintf(text, TG_PEOPLE_ID_BYTES_MAX + 5, "%.*s#%u", (int)id.text_bytes, id.text, n);
        const uint32_t index = tg_names_find(&people->subscriber_ids, text, (size_t)length);
        if (index == UINT32_MAX || tg_people_line(people, index) == 0) {
            id.text = text;
            id.text_bytes = (uint32_t)length;
            return id;
        }
    }
    *first = UINT32_MAX;
    return id;
}

static void subscriber_take(struct tg_people_reader *reader)
{
    struct tg_people *people = reader->people;
    char name[TG_PEOPLE_ID_BYTES_MAX + 5];
    uint32_t first;
    const struct tg_csv_field id = line_named(reader, name, &first);
    const struct tg_csv_field account = tg_people_field(reader, S_ACCOUNT);
    const struct tg_csv_field product = tg_people_field(reader, S_PRODUCT);
    const struct tg_csv_field from = tg_people_field(reader, S_FROM);
    const struct tg_csv_field to = tg_people_field(reader, S_TO);
    const struct tg_csv_field user = tg_people_field(reader, S_USER);
    struct tg_roster_line out = {0};
    const uint32_t product_index =
        tg_people_entry(reader, TG_CATALOG_PRODUCT, &product, "there is no product \"%s\"");
    out.account = tg_people_account_find(reader, &account);
    out.product = (uint16_t)product_index;
    week_check(reader, &product, &out);
    const uint32_t zone = tg_people_account_zone(people, out.account);
    const bool has_from = tg_people_second(reader, &from, zone, 0, &out.active_from_s);
    const bool has_to = tg_people_second(reader, &to, zone, TG_ROSTER_OPEN_S, &out.active_to_s);
    out.flags = (uint16_t)((quantity_read(reader) - 1) << TG_ROSTER_QUANTITY_SHIFT);
    const bool is_never = has_from && has_to && out.active_from_s == out.active_to_s;
    if (has_from && has_to && out.active_from_s > out.active_to_s) {
        tg_people_refuse(reader, &to, NULL, "active_to \"%s\" is before active_from");
    }
    if (!tg_people_id_check(reader, &id)) {
        return;
    }
    line_kept(reader, &id, &account, &product, &out);
    const uint32_t index = tg_people_id_number(
        reader, &people->subscriber_ids, &people->subscribers, sizeof out, &people->lines, &id);
    if (index == UINT32_MAX) {
        return;
    }
    memcpy(people->subscribers.bytes + (size_t)index * sizeof out, &out, sizeof out);
    people->subscribers_listed_count++;
    if (first != UINT32_MAX) {
        const struct tg_people_again again = {first, index, id.line};
        (void)tg_blob_append(&people->again, &again, sizeof again, 4);
    }
    /* Ordered and cancelled: known by its id, but nobody's usage; its number is free. */
    if (is_never) {
        never_warn(reader, &to);
        return;
    }
    number_take(reader, index, tg_people_field(reader, S_MSISDN), TG_KEY_E164);
    number_take(reader, index, tg_people_field(reader, S_IMSI), TG_KEY_IMSI);
    ip_take(reader, index, tg_people_field(reader, S_IP));
    if (user.text_bytes != 0) {
        key_add(reader, index, TG_KEY_NAME, tg_key_name(user.text, user.text_bytes));
    }
}

static int keys_compare(const void *a, const void *b)
{
    const struct tg_roster_key *left = a;
    const struct tg_roster_key *right = b;
    if (left->kind != right->kind) {
        return left->kind < right->kind ? -1 : 1;
    }
    if (left->key != right->key) {
        return left->key < right->key ? -1 : 1;
    }
    return left->subscriber != right->subscriber ? (left->subscriber < right->subscriber ? -1 : 1)
                                                 : 0;
}

/* One key, two subscribers, one time: usage would go to either. */
static void shared_keys_refuse(struct tg_people_reader *reader)
{
    struct tg_people *people = reader->people;
    struct tg_roster_key *keys = (struct tg_roster_key *)(void *)people->keys.bytes;
    const size_t count = people->keys.size_bytes / sizeof *keys;
    const struct tg_roster_line *lines =
        (const struct tg_roster_line *)(const void *)people->subscribers.bytes;
    const uint32_t *csv_lines = (const uint32_t *)(const void *)people->lines.bytes;
    if (count > 1) {
        qsort(keys, count, sizeof *keys, keys_compare);
    }
    for (size_t i = 1; i < count; i++) {
        const struct tg_roster_key *key = &keys[i];
        for (size_t j = i; j > 0 && keys[j - 1].kind == key->kind && keys[j - 1].key == key->key;
             j--) {
            const uint32_t other = keys[j - 1].subscriber;
            const struct tg_roster_line *a = &lines[other];
            const struct tg_roster_line *b = &lines[key->subscriber];
            if (other == key->subscriber || a->active_from_s >= b->active_to_s ||
                b->active_from_s >= a->active_to_s) {
                continue;
            }
            const uint32_t first = csv_lines[other];
            const uint32_t second = csv_lines[key->subscriber];
            if (tg_people_line_is_told(reader, first) || tg_people_line_is_told(reader, second)) {
                continue;
            }
            const struct tg_mark mark = {&reader->csv.source, first > second ? first : second, 1};
            tg_diag_add(reader->diag, TG_DIAG_ERROR, mark, "end the earlier one with active_to",
                        "the subscriber on line %u holds the same number, IMSI, address or user "
                        "name at that time",
                        first > second ? second : first);
            break;
        }
    }
}

bool tg_people_subscribers_read(struct tg_people_reader *reader, const struct tg_folder *folder)
{
    struct tg_people *people = reader->people;
    char path[TG_FOLDER_PATH_BYTES];
    if (!tg_folder_join(folder, "subscribers.csv", path)) {
        return false;
    }
    if (access(path, F_OK) == 0) {
        tg_people_chain_keep(people);
        people->again.size_bytes = 0;
        people->keys.size_bytes = 0; /* the file is the whole truth about keys */
    }
    const bool has_file =
        tg_people_file_read(reader, path, subscriber_columns, S_COUNT, subscriber_take);
    if (has_file) {
        shared_keys_refuse(reader);
        tg_people_chain_make(reader);
        tg_people_unlisted_mark(&people->subscribers, sizeof(struct tg_roster_line),
                                offsetof(struct tg_roster_line, flags), &people->lines);
    }
    tg_csv_close(&reader->csv);
    return has_file;
}
