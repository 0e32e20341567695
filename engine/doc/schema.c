/* SPDX-License-Identifier: Apache-2.0 */
#include "doc/schema.h"

#include "base/clock.h"
#include "base/money.h"
#include "doc/scalar.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define KEYS_MAX 64u /* keys of one map; a schema with more is a bug */

static const char *const type_names[] = {
    [TG_TYPE_STRING] = "a text",
    [TG_TYPE_NAME] = "a name (a-z, 0-9, _ . -)",
    [TG_TYPE_INTEGER] = "an integer",
    [TG_TYPE_MONEY] = "an amount in quotes such as \"0.10\"",
    [TG_TYPE_DECIMAL] = "a decimal number such as 0.10",
    [TG_TYPE_PERCENT] = "a percentage such as 19%",
    [TG_TYPE_BOOL] = "true or false",
    [TG_TYPE_SIZE] = "a size such as 64MiB",
    [TG_TYPE_DURATION] = "a duration such as 5s",
    [TG_TYPE_TIME] = "a date or time such as 2026-11-01 or 2026-11-01T08:00:00Z",
    [TG_TYPE_ENUM] = "one of a list",
    [TG_TYPE_LISTEN] = "an address such as 127.0.0.1:2055",
    [TG_TYPE_MAP] = "a map",
    [TG_TYPE_TABLE] = "a map",
    [TG_TYPE_LIST] = "a list",
    [TG_TYPE_SETTINGS] = "settings",
    [TG_TYPE_ANY] = "a text or a map",
    [TG_TYPE_WORDS] = "a word or a list of words",
};

static bool has_range(const struct tg_schema_key *key)
{
    return key->max > key->min || key->max != 0;
}

/* Read a scalar of any type; number is written for those that have one. */
static enum tg_err value_read(const struct tg_schema_key *key, const char *text, size_t text_bytes,
                              int64_t *number)
{
    bool flag = false;
    uint8_t address[16];
    uint16_t port;
    enum tg_err err = TG_OK;
    switch (key->type) {
    case TG_TYPE_NAME:
        return tg_scalar_is_name(text, text_bytes) ? TG_OK : TG_E_SYNTAX;
    case TG_TYPE_INTEGER:
        return tg_scalar_integer(text, text_bytes, number);
    case TG_TYPE_MONEY:
    case TG_TYPE_DECIMAL: {
        int64_t ignored = 0;
        err = tg_money_parse(text, text_bytes, 0, &ignored);
        return err == TG_E_INVALID || err == TG_E_OVERFLOW ? TG_OK : err; /* the reader's scale */
    }
    case TG_TYPE_PERCENT:
        return tg_scalar_percent(text, text_bytes, number);
    case TG_TYPE_BOOL:
        err = tg_scalar_bool(text, text_bytes, &flag);
        *number = flag ? 1 : 0;
        return err;
    case TG_TYPE_SIZE:
        return tg_scalar_size(text, text_bytes, number);
    case TG_TYPE_DURATION:
        return tg_scalar_duration(text, text_bytes, number);
    case TG_TYPE_TIME:
        return tg_clock_parse(text, text_bytes, number);
    case TG_TYPE_ENUM:
        for (size_t i = 0; key->names[i] != NULL; i++) {
            if (strlen(key->names[i]) == text_bytes &&
                memcmp(key->names[i], text, text_bytes) == 0) {
                *number = (int64_t)i;
                return TG_OK;
            }
        }
        return TG_E_NOT_FOUND;
    case TG_TYPE_LISTEN:
        return tg_scalar_listen(text, text_bytes, address, &port);
    default:
        return TG_OK;
    }
}

static const char *what(const struct tg_yaml_node *node)
{
    return node->key != NULL ? node->key : "item";
}

static bool enum_refuse(const struct tg_schema_key *key, const struct tg_yaml_node *node,
                        struct tg_diag *diag)
{
    size_t names_count = 0;
    char all[256] = "";
    for (; key->names[names_count] != NULL; names_count++) {
        const size_t used = strlen(all);
        (void)snprintf(all + used, sizeof all - used, "%s%s", names_count > 0 ? ", " : "",
                       key->names[names_count]);
    }
    const char *near = tg_diag_nearest(node->text, key->names, names_count);
    char hint[320];
    (void)snprintf(hint, sizeof hint, near != NULL ? "did you mean \"%s\"?" : "use one of %s",
                   near != NULL ? near : all);
    tg_diag_add(diag, TG_DIAG_ERROR, node->mark, hint, "%s: \"%s\" is none of its values",
                what(node), node->text);
    return false;
}

static void bound_format(const struct tg_schema_key *key, int64_t value, char *text,
                         size_t text_room)
{
    if (key->type == TG_TYPE_DURATION && value % TG_NS_PER_S == 0) {
        (void)snprintf(text, text_room, "%" PRId64 "s", value / TG_NS_PER_S);
    } else if (key->type == TG_TYPE_DURATION) {
        (void)snprintf(text, text_room, "%" PRId64 "ns", value);
    } else if (key->type == TG_TYPE_SIZE && value != 0 && value % 1048576 == 0) {
        (void)snprintf(text, text_room, "%" PRId64 "MiB", value / 1048576);
    } else if (key->type == TG_TYPE_PERCENT) {
        (void)snprintf(text, text_room, "%" PRId64 "%%", value / 10000);
    } else {
        (void)snprintf(text, text_room, "%" PRId64, value);
    }
}

static bool range_check(const struct tg_schema_key *key, const struct tg_yaml_node *node,
                        int64_t value, const char *noun, struct tg_diag *diag)
{
    if (!has_range(key) || (value >= key->min && value <= key->max)) {
        return true;
    }
    char low[32];
    char high[32];
    bound_format(key, key->min, low, sizeof low);
    bound_format(key, key->max, high, sizeof high);
    tg_diag_add(diag, TG_DIAG_ERROR, node->mark, NULL, "%s: %sout of range; allowed %s to %s",
                what(node), noun, low, high);
    return false;
}

static bool scalar_check(const struct tg_schema_key *key, const struct tg_yaml_node *node,
                         struct tg_diag *diag)
{
    if (node->kind != TG_YAML_SCALAR || (node->text_bytes == 0 && !node->is_quoted)) {
        tg_diag_add(diag, TG_DIAG_ERROR, node->kind == TG_YAML_SCALAR ? node->key_mark : node->mark,
                    NULL, "%s: expected %s, found %s", what(node), type_names[key->type],
                    node->kind == TG_YAML_SCALAR ? "nothing"
                    : node->kind == TG_YAML_MAP  ? "a map"
                                                 : "a list");
        return false;
    }
    if (strlen(node->text) != node->text_bytes) {
        tg_diag_add(diag, TG_DIAG_ERROR, node->mark, NULL, "%s: a text must not hold a NUL",
                    what(node));
        return false;
    }
    int64_t number = 0;
    const enum tg_err err = value_read(key, node->text, node->text_bytes, &number);
    if (err == TG_E_NOT_FOUND) {
        return enum_refuse(key, node, diag);
    }
    if (err != TG_OK) {
        char hint[160];
        (void)snprintf(hint, sizeof hint, "write %s", type_names[key->type]);
        tg_diag_add(diag, TG_DIAG_ERROR, node->mark, err == TG_E_OVERFLOW ? NULL : hint,
                    err == TG_E_OVERFLOW ? "%s: \"%s\" is too large"
                                         : "%s: \"%s\" is not of the expected form",
                    what(node), node->text);
        return false;
    }
    if (key->type == TG_TYPE_MONEY && !node->is_quoted) {
        char hint[128];
        (void)snprintf(hint, sizeof hint, "write \"%.64s\"", node->text);
        tg_diag_add(diag, TG_DIAG_ERROR, node->mark, hint,
                    "%s: amounts of money are written in quotes", what(node));
        return false;
    }
    if (key->type == TG_TYPE_STRING) {
        return range_check(key, node, node->text_bytes, "length ", diag);
    }
    return range_check(key, node, number, "", diag);
}

static bool items_check(const struct tg_schema_key *key, const struct tg_yaml_node *node,
                        struct tg_diag *diag)
{
    const bool is_list = key->type == TG_TYPE_LIST;
    if (node->kind != (is_list ? TG_YAML_LIST : TG_YAML_MAP)) {
        char hint[128];
        if (is_list) {
            (void)snprintf(hint, sizeof hint, "write [%.64s]",
                           node->text != NULL ? node->text : "");
        } else {
            (void)snprintf(hint, sizeof hint, "each has its id: %.32s: {id: ...}",
                           node->key != NULL ? node->key : "name");
        }
        const bool is_hinted = node->kind == (is_list ? TG_YAML_SCALAR : TG_YAML_LIST);
        tg_diag_add(diag, TG_DIAG_ERROR, node->mark, is_hinted ? hint : NULL, "%s: expected %s",
                    what(node), type_names[key->type]);
        return false;
    }
    bool is_fine = range_check(key, node, node->children_count, "number of items ", diag);
    for (const struct tg_yaml_node *child = node->child; child != NULL; child = child->next) {
        if (!is_list && !key->is_any_key && !tg_scalar_is_name(child->key, strlen(child->key))) {
            tg_diag_add(diag, TG_DIAG_ERROR, child->key_mark,
                        "use a-z, 0-9, _ . - and at most 63 of them", "\"%.64s\" is not a name",
                        child->key);
            is_fine = false;
        }
        is_fine = tg_schema_check_value(key->item, child, diag) && is_fine;
    }
    return is_fine;
}

static bool words_check(const struct tg_schema_key *key, const struct tg_yaml_node *node,
                        struct tg_diag *diag)
{
    bool is_fine = node->kind != TG_YAML_LIST || node->child != NULL;
    if (!is_fine) {
        tg_diag_add(diag, TG_DIAG_ERROR, node->mark, NULL, "%s: the list is empty", what(node));
    }
    const struct tg_yaml_node *word = node->kind == TG_YAML_LIST ? node->child : node;
    for (; word != NULL; word = node->kind == TG_YAML_LIST ? word->next : NULL) {
        is_fine = scalar_check(key, word, diag) && is_fine;
    }
    return is_fine;
}

bool tg_schema_check_value(const struct tg_schema_key *key, const struct tg_yaml_node *node,
                           struct tg_diag *diag)
{
    switch (key->type) {
    case TG_TYPE_MAP:
        return tg_schema_check(key->sub, node, diag);
    case TG_TYPE_TABLE:
    case TG_TYPE_LIST:
        return items_check(key, node, diag);
    case TG_TYPE_SETTINGS:
        if (node->kind != TG_YAML_MAP) {
            tg_diag_add(diag, TG_DIAG_ERROR, node->mark, NULL, "%s: expected a map", what(node));
            return false;
        }
        return true;
    case TG_TYPE_ANY:
        return true;
    case TG_TYPE_WORDS:
        return words_check(key, node, diag);
    default:
        return scalar_check(key, node, diag);
    }
}

static const struct tg_schema_key *key_find(const struct tg_schema *schema, const char *name)
{
    for (uint32_t i = 0; i < schema->keys_count; i++) {
        if (strcmp(schema->keys[i].key, name) == 0) {
            return &schema->keys[i];
        }
    }
    return NULL;
}

/* The key that was meant, for nobody misses it as well; NULL: no telling. */
static const struct tg_schema_key *unknown_refuse(const struct tg_schema *schema,
                                                  const struct tg_yaml_node *child,
                                                  struct tg_diag *diag)
{
    const char *names[KEYS_MAX];
    for (uint32_t i = 0; i < schema->keys_count; i++) {
        names[i] = schema->keys[i].key;
    }
    const char *near = tg_diag_nearest(child->key, names, schema->keys_count);
    char hint[128];
    (void)snprintf(hint, sizeof hint, "did you mean \"%s\"?", near != NULL ? near : "");
    tg_diag_add(diag, TG_DIAG_ERROR, child->key_mark, near != NULL ? hint : NULL,
                "unknown key \"%.64s\"", child->key);
    return near != NULL ? key_find(schema, near) : NULL;
}

bool tg_schema_check(const struct tg_schema *schema, const struct tg_yaml_node *map,
                     struct tg_diag *diag)
{
    assert(schema->keys_count <= KEYS_MAX);
    if (map->kind != TG_YAML_MAP) {
        tg_diag_add(diag, TG_DIAG_ERROR, map->mark, NULL, "%s: expected a map",
                    map->key != NULL ? map->key : "document");
        return false;
    }
    bool is_fine = true;
    bool seen[KEYS_MAX] = {false};
    for (const struct tg_yaml_node *child = map->child; child != NULL; child = child->next) {
        const struct tg_schema_key *key = key_find(schema, child->key);
        if (key == NULL) {
            key = unknown_refuse(schema, child, diag);
            is_fine = false;
            if (key != NULL) {
                seen[key - schema->keys] = true;
            }
            continue;
        }
        seen[key - schema->keys] = true;
        is_fine = tg_schema_check_value(key, child, diag) && is_fine;
    }
    for (uint32_t i = 0; i < schema->keys_count; i++) {
        if (schema->keys[i].is_required && !seen[i]) {
            tg_diag_add(diag, TG_DIAG_ERROR, map->key_mark, NULL, "%s%skey \"%s\" is missing",
                        map->key != NULL ? map->key : "", map->key != NULL ? ": " : "",
                        schema->keys[i].key);
            is_fine = false;
        }
    }
    return is_fine;
}

int64_t tg_schema_number(const struct tg_schema *schema, const struct tg_yaml_node *map,
                         const char *key)
{
    const struct tg_schema_key *described = key_find(schema, key);
    assert(described != NULL);
    const struct tg_yaml_node *node = tg_yaml_get(map, key);
    int64_t number = 0;
    if (node != NULL && node->kind == TG_YAML_SCALAR &&
        value_read(described, node->text, node->text_bytes, &number) == TG_OK) {
        return number;
    }
    number = 0;
    if (described->fallback != NULL) {
        const enum tg_err err =
            value_read(described, described->fallback, strlen(described->fallback), &number);
        assert(err == TG_OK);
        (void)err;
    }
    return number;
}

const char *tg_schema_text(const struct tg_schema *schema, const struct tg_yaml_node *map,
                           const char *key)
{
    const struct tg_schema_key *described = key_find(schema, key);
    assert(described != NULL);
    const struct tg_yaml_node *node = tg_yaml_get(map, key);
    return node != NULL && node->kind == TG_YAML_SCALAR ? node->text : described->fallback;
}

static void schema_print(const struct tg_schema *schema, FILE *to, unsigned indent)
{
    for (uint32_t i = 0; i < schema->keys_count; i++) {
        const struct tg_schema_key *key = &schema->keys[i];
        (void)fprintf(to, "%*s- `%s`: %s", (int)indent, "", key->key, type_names[key->type]);
        if (key->type == TG_TYPE_ENUM) {
            (void)fputs(":", to);
            for (size_t j = 0; key->names[j] != NULL; j++) {
                (void)fprintf(to, " %s", key->names[j]);
            }
        }
        if (has_range(key)) {
            char low[32];
            char high[32];
            bound_format(key, key->min, low, sizeof low);
            bound_format(key, key->max, high, sizeof high);
            (void)fprintf(to, ", %s to %s", low, high);
        }
        if (key->is_required) {
            (void)fputs(", required", to);
        } else if (key->fallback != NULL) {
            (void)fprintf(to, ", default %s", key->fallback);
        }
        (void)fprintf(to, ". %s\n", key->help != NULL ? key->help : "");
        const struct tg_schema_key *inner = key;
        while (inner->item != NULL) {
            inner = inner->item;
        }
        if (inner->sub != NULL) {
            schema_print(inner->sub, to, indent + 2);
        }
    }
}

void tg_schema_print(const struct tg_schema *schema, FILE *to)
{
    schema_print(schema, to, 0);
}
