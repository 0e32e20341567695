/* SPDX-License-Identifier: Apache-2.0 */
/* The same tables as JSON Schema, for editors and for whoever writes documents by program. */
#include "doc/schema.h"

#include "doc/json.h"

#include <string.h>

static struct tg_json *key_json(const struct tg_schema_key *key);

static bool has_bounds(const struct tg_schema_key *key)
{
    return key->max > key->min || key->max != 0;
}

/* Forms of scalars that are written as text. */
static const char *pattern_of(enum tg_type type)
{
    switch (type) {
    case TG_TYPE_NAME:
        return "^[a-z0-9][a-z0-9_.-]*$";
    case TG_TYPE_MONEY:
        return "^[+-]?[0-9]+(\\.[0-9]+)?$";
    case TG_TYPE_PERCENT:
        return "^[0-9]+(\\.[0-9]{1,4})?%$";
    case TG_TYPE_TIME:
        return "^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2}))?$";
    case TG_TYPE_SIZE:
    case TG_TYPE_DURATION:
        return "^[0-9]+[A-Za-z]*$";
    default:
        return NULL;
    }
}

static void list_bound(struct tg_json *json, const struct tg_schema_key *key, const char *least,
                       const char *most)
{
    if (has_bounds(key)) {
        tg_json_set_integer(json, least, key->min);
        tg_json_set_integer(json, most, key->max);
    }
}

static void scalar_set(struct tg_json *json, const struct tg_schema_key *key)
{
    const char *pattern = pattern_of(key->type);
    if (key->type == TG_TYPE_ENUM) {
        struct tg_json *names = tg_json_list();
        for (size_t i = 0; key->names[i] != NULL; i++) {
            tg_json_append(names, tg_json_string(key->names[i]));
        }
        tg_json_set(json, "enum", names);
    } else if (key->type == TG_TYPE_INTEGER) {
        tg_json_set_string(json, "type", "integer");
        list_bound(json, key, "minimum", "maximum");
    } else if (key->type == TG_TYPE_BOOL) {
        tg_json_set_string(json, "type", "boolean");
    } else if (key->type == TG_TYPE_DECIMAL) {
        struct tg_json *types = tg_json_list();
        tg_json_append(types, tg_json_string("number"));
        tg_json_append(types, tg_json_string("string"));
        tg_json_set(json, "type", types);
        tg_json_set_string(json, "pattern", pattern_of(TG_TYPE_MONEY));
        if (has_bounds(key)) {
            tg_json_set_integer(json, "exclusiveMinimum", key->min);
        }
    } else {
        tg_json_set_string(json, "type", "string");
        if (pattern != NULL) {
            tg_json_set_string(json, "pattern", pattern);
        }
        if (key->type == TG_TYPE_NAME) {
            tg_json_set_integer(json, "maxLength", 63);
        } else if (key->type == TG_TYPE_STRING) {
            list_bound(json, key, "minLength", "maxLength");
        }
    }
}

static void default_set(struct tg_json *json, const struct tg_schema_key *key)
{
    if (key->type == TG_TYPE_BOOL) {
        tg_json_set_bool(json, "default", strcmp(key->fallback, "true") == 0);
    } else if (key->type == TG_TYPE_INTEGER) {
        int64_t number = 0;
        for (const char *c = key->fallback; *c >= '0' && *c <= '9'; c++) {
            number = number * 10 + (*c - '0');
        }
        tg_json_set_integer(json, "default", number);
    } else {
        tg_json_set_string(json, "default", key->fallback);
    }
}

static void map_set(struct tg_json *json, const struct tg_schema *schema)
{
    struct tg_json *properties = tg_json_object();
    struct tg_json *required = tg_json_list();
    for (uint32_t i = 0; i < schema->keys_count; i++) {
        tg_json_set(properties, schema->keys[i].key, key_json(&schema->keys[i]));
        if (schema->keys[i].is_required) {
            tg_json_append(required, tg_json_string(schema->keys[i].key));
        }
    }
    tg_json_set_string(json, "type", "object");
    tg_json_set_bool(json, "additionalProperties", false);
    tg_json_set(json, "required", required);
    tg_json_set(json, "properties", properties);
}

static void table_set(struct tg_json *json, const struct tg_schema_key *key)
{
    tg_json_set_string(json, "type", "object");
    tg_json_set(json, "additionalProperties", key_json(key->item));
    if (!key->is_any_key) {
        struct tg_json *names = tg_json_object();
        tg_json_set_string(names, "pattern", pattern_of(TG_TYPE_NAME));
        tg_json_set_integer(names, "maxLength", 63);
        tg_json_set(json, "propertyNames", names);
    }
}

static void words_set(struct tg_json *json)
{
    struct tg_json *forms = tg_json_list();
    struct tg_json *word = tg_json_object();
    struct tg_json *list = tg_json_object();
    struct tg_json *items = tg_json_object();
    tg_json_set_string(word, "type", "string");
    tg_json_set_string(items, "type", "string");
    tg_json_set_string(list, "type", "array");
    tg_json_set(list, "items", items);
    tg_json_set_integer(list, "minItems", 1);
    tg_json_append(forms, word);
    tg_json_append(forms, list);
    tg_json_set(json, "anyOf", forms);
}

static struct tg_json *key_json(const struct tg_schema_key *key)
{
    struct tg_json *json = tg_json_object();
    if (key->help != NULL) {
        tg_json_set_string(json, "description", key->help);
    }
    switch (key->type) {
    case TG_TYPE_MAP:
        map_set(json, key->sub);
        break;
    case TG_TYPE_TABLE:
        table_set(json, key);
        break;
    case TG_TYPE_LIST:
        tg_json_set_string(json, "type", "array");
        list_bound(json, key, "minItems", "maxItems");
        tg_json_set(json, "items", key_json(key->item));
        break;
    case TG_TYPE_SETTINGS:
        tg_json_set_string(json, "type", "object");
        break;
    case TG_TYPE_ANY:
        break;
    case TG_TYPE_WORDS:
        words_set(json);
        break;
    default:
        scalar_set(json, key);
        break;
    }
    if (key->fallback != NULL) {
        default_set(json, key);
    }
    return json;
}

struct tg_json *tg_schema_json(const struct tg_schema *schema, const char *id, const char *title)
{
    struct tg_json *json = tg_json_object();
    tg_json_set_string(json, "$schema", "https://json-schema.org/draft/2020-12/schema");
    tg_json_set_string(json, "$id", id);
    tg_json_set_string(json, "title", title);
    map_set(json, schema);
    return json;
}
