/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml's events become nodes in chunks of memory that live as long as the document. */
#include "doc/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#define CHUNK_BYTES      65536u
#define DEPTH_MOST       64u
#define TAB_ERRORS_MOST  20u
#define TEXT_BYTES_MAX   ((size_t)16 << 20)
#define NODES_MAX        1000000u
#define DEPTH_MAX        16u
#define SCALAR_BYTES_MAX 65536u

struct chunk {
    struct chunk *next;
    size_t used_bytes;
    size_t room_bytes;
    alignas(16) char bytes[];
};

struct tg_yaml {
    struct tg_source source;
    struct tg_yaml_node *root;
    struct chunk *chunks;
    bool is_cut;
};

/* A map or list being filled. */
struct level {
    struct tg_yaml_node *node;
    struct tg_yaml_node *last;
    const char *key;
    struct tg_mark key_mark;
    bool has_key;
};

struct reader {
    struct tg_yaml *yaml;
    struct tg_diag *diag;
    struct tg_yaml_limits limits;
    struct level levels[DEPTH_MOST];
    uint32_t depth;
    uint32_t nodes_count;
    uint32_t documents_count;
    bool is_over;
    bool no_memory;
    bool has_tabs;
};

static void *chunk_take(struct tg_yaml *yaml, size_t size_bytes)
{
    const size_t wanted = (size_bytes + 15) & ~(size_t)15;
    struct chunk *chunk = yaml->chunks;
    if (chunk == NULL || chunk->room_bytes - chunk->used_bytes < wanted) {
        const size_t room = wanted > CHUNK_BYTES ? wanted : CHUNK_BYTES;
        chunk = malloc(sizeof *chunk + room);
        if (chunk == NULL) {
            return NULL;
        }
        *chunk = (struct chunk){.next = yaml->chunks, .room_bytes = room};
        yaml->chunks = chunk;
    }
    void *memory = chunk->bytes + chunk->used_bytes;
    chunk->used_bytes += wanted;
    return memory;
}

static const char *chunk_text(struct reader *reader, const void *text, size_t text_bytes)
{
    char *copy = chunk_take(reader->yaml, text_bytes + 1);
    if (copy == NULL) {
        reader->no_memory = reader->is_over = true;
        return "";
    }
    memcpy(copy, text, text_bytes);
    copy[text_bytes] = '\0';
    return copy;
}

static struct tg_mark mark_of(const struct reader *reader, const yaml_mark_t *mark)
{
    return (struct tg_mark){&reader->yaml->source, (uint32_t)mark->line + 1,
                            (uint32_t)mark->column + 1};
}

/* Tabs look like blanks and are none; each line's first is reported, then they read as blanks. */
static void tabs_replace(struct reader *reader, char *text, size_t text_bytes)
{
    uint32_t line = 1;
    uint32_t column = 1;
    uint32_t reported_line = 0;
    uint32_t reported_count = 0;
    for (size_t i = 0; i < text_bytes; i++) {
        if (text[i] == '\n') {
            line++;
            column = 1;
            continue;
        }
        if (text[i] == '\t') {
            text[i] = ' ';
            reader->has_tabs = true;
            if (reported_line != line && reported_count++ < TAB_ERRORS_MOST) {
                const struct tg_mark mark = {&reader->yaml->source, line, column};
                tg_diag_add(reader->diag, TG_DIAG_ERROR, mark, "use blanks",
                            "tabs are not allowed");
            }
            reported_line = line;
        }
        column += ((unsigned char)text[i] & 0xc0) != 0x80 ? 1 : 0;
    }
}

static void refuse(struct reader *reader, struct tg_mark mark, const char *hint, const char *text)
{
    tg_diag_add(reader->diag, TG_DIAG_ERROR, mark, hint, "%s", text);
}

/* Hang a node below the current level; the first one is the root. */
static struct tg_yaml_node *node_add(struct reader *reader, enum tg_yaml_kind kind,
                                     struct tg_mark mark)
{
    if (++reader->nodes_count > reader->limits.nodes_max) {
        refuse(reader, mark, "split the document", "the document has too many nodes");
        reader->is_over = true;
        return NULL;
    }
    struct tg_yaml_node *node = chunk_take(reader->yaml, sizeof *node);
    if (node == NULL) {
        reader->no_memory = reader->is_over = true;
        return NULL;
    }
    *node = (struct tg_yaml_node){.kind = kind, .text = "", .mark = mark, .key_mark = mark};
    if (reader->depth == 0) {
        reader->yaml->root = node;
        return node;
    }
    struct level *level = &reader->levels[reader->depth - 1];
    if (level->node->kind == TG_YAML_MAP) {
        node->key = level->key;
        node->key_mark = level->key_mark;
        level->has_key = false;
    }
    if (level->last == NULL) {
        level->node->child = node;
    } else {
        level->last->next = node;
    }
    level->last = node;
    level->node->children_count++;
    return node;
}

static bool expects_key(const struct reader *reader)
{
    return reader->depth > 0 && reader->levels[reader->depth - 1].node->kind == TG_YAML_MAP &&
           !reader->levels[reader->depth - 1].has_key;
}

static void decorations_refuse(struct reader *reader, struct tg_mark mark, const void *anchor,
                               const void *tag)
{
    if (anchor != NULL) {
        refuse(reader, mark, "write the value out", "anchors are not allowed");
    }
    if (tag != NULL) {
        refuse(reader, mark, "leave it out", "tags are not allowed");
    }
}

static void scalar_take(struct reader *reader, const yaml_event_t *event)
{
    const struct tg_mark mark = mark_of(reader, &event->start_mark);
    decorations_refuse(reader, mark, event->data.scalar.anchor, event->data.scalar.tag);
    size_t length = event->data.scalar.length;
    if (length > reader->limits.scalar_bytes_max) {
        refuse(reader, mark, NULL, "the text is too long");
        length = reader->limits.scalar_bytes_max;
    }
    if (expects_key(reader)) {
        struct level *level = &reader->levels[reader->depth - 1];
        level->key = chunk_text(reader, event->data.scalar.value, length);
        level->key_mark = mark;
        level->has_key = true;
        if (strcmp(level->key, "<<") == 0) {
            refuse(reader, mark, "write the keys out", "merge keys are not allowed");
        } else if (strlen(level->key) != length) {
            refuse(reader, mark, NULL, "a key must not hold a NUL");
        }
        return;
    }
    struct tg_yaml_node *node = node_add(reader, TG_YAML_SCALAR, mark);
    if (node != NULL) {
        node->text = chunk_text(reader, event->data.scalar.value, length);
        node->text_bytes = (uint32_t)length;
        node->is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    }
}

static void level_open(struct reader *reader, const yaml_event_t *event, enum tg_yaml_kind kind)
{
    const struct tg_mark mark = mark_of(reader, &event->start_mark);
    const bool is_map = kind == TG_YAML_MAP;
    decorations_refuse(
        reader, mark, is_map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor,
        is_map ? event->data.mapping_start.tag : event->data.sequence_start.tag);
    if (expects_key(reader)) {
        refuse(reader, mark, NULL, "a key must be a plain text");
        reader->is_over = true;
        return;
    }
    if (reader->depth >= reader->limits.depth_max) {
        refuse(reader, mark, NULL, "the document is nested too deeply");
        reader->is_over = true;
        return;
    }
    struct tg_yaml_node *node = node_add(reader, kind, mark);
    if (node != NULL) {
        reader->levels[reader->depth++] = (struct level){.node = node};
    }
}

static int keys_compare(const void *a, const void *b)
{
    const struct tg_yaml_node *const *left = a;
    const struct tg_yaml_node *const *right = b;
    const int order = strcmp((*left)->key, (*right)->key);
    if (order != 0) {
        return order;
    }
    return (*left)->key_mark.line != (*right)->key_mark.line
               ? ((*left)->key_mark.line < (*right)->key_mark.line ? -1 : 1)
               : ((*left)->key_mark.column < (*right)->key_mark.column ? -1 : 1);
}

/* Sorting keeps a map of 100,000 keys from taking 10^10 comparisons. */
static void duplicates_refuse(struct reader *reader, const struct tg_yaml_node *map)
{
    const uint32_t count = map->children_count;
    if (count < 2) {
        return;
    }
    const struct tg_yaml_node **keys = malloc(count * sizeof *keys);
    if (keys == NULL) {
        reader->no_memory = reader->is_over = true;
        return;
    }
    uint32_t used = 0;
    for (const struct tg_yaml_node *child = map->child; child != NULL; child = child->next) {
        keys[used++] = child;
    }
    qsort(keys, used, sizeof *keys, keys_compare);
    for (uint32_t i = 1; i < used; i++) {
        if (strcmp(keys[i - 1]->key, keys[i]->key) == 0) {
            tg_diag_add(reader->diag, TG_DIAG_ERROR, keys[i]->key_mark, NULL,
                        "key \"%s\" is already on line %u", keys[i]->key,
                        keys[i - 1]->key_mark.line);
        }
    }
    free(keys);
}

static void level_close(struct reader *reader)
{
    const struct tg_yaml_node *node = reader->levels[--reader->depth].node;
    if (node->kind == TG_YAML_MAP) {
        duplicates_refuse(reader, node);
    }
}

static void document_open(struct reader *reader, const yaml_event_t *event)
{
    const struct tg_mark mark = mark_of(reader, &event->start_mark);
    if (event->data.document_start.version_directive != NULL ||
        event->data.document_start.tag_directives.start !=
            event->data.document_start.tag_directives.end) {
        refuse(reader, mark, "leave it out", "directives are not allowed");
    }
    if (++reader->documents_count > 1) {
        refuse(reader, mark, "use one file each", "several documents in one file");
        reader->is_over = true;
    }
}

static void event_take(struct reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        document_open(reader, event);
        break;
    case YAML_SCALAR_EVENT:
        scalar_take(reader, event);
        break;
    case YAML_ALIAS_EVENT:
        refuse(reader, mark_of(reader, &event->start_mark), "write the value out",
               "aliases are not allowed");
        reader->is_over = reader->is_over || expects_key(reader);
        if (!reader->is_over) {
            (void)node_add(reader, TG_YAML_SCALAR, mark_of(reader, &event->start_mark));
        }
        break;
    case YAML_SEQUENCE_START_EVENT:
        level_open(reader, event, TG_YAML_LIST);
        break;
    case YAML_MAPPING_START_EVENT:
        level_open(reader, event, TG_YAML_MAP);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        level_close(reader);
        break;
    case YAML_STREAM_END_EVENT:
        reader->is_over = true;
        break;
    default:
        break;
    }
}

static void syntax_refuse(struct reader *reader, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        reader->no_memory = true;
        return;
    }
    reader->yaml->is_cut = true;
    if (reader->has_tabs) {
        return; /* as blanks they are too many or too few, which they are told for */
    }
    yaml_mark_t at = parser->problem_mark;
    if (parser->error == YAML_READER_ERROR) {
        /* Reader errors carry a byte offset only. */
        at = (yaml_mark_t){0};
        const char *text = reader->yaml->source.text;
        for (size_t i = 0; i < parser->problem_offset && i < reader->yaml->source.text_bytes; i++) {
            at.line += text[i] == '\n' ? 1 : 0;
            at.column = text[i] == '\n' ? 0 : at.column + 1;
        }
    }
    char text[256];
    (void)snprintf(
        text, sizeof text, "%s%s%s", parser->problem != NULL ? parser->problem : "not YAML",
        parser->context != NULL ? " " : "", parser->context != NULL ? parser->context : "");
    refuse(reader, mark_of(reader, &at), NULL, text);
}

static void events_read(struct reader *reader, const char *text, size_t text_bytes)
{
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0) {
        reader->no_memory = true;
        return;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, text_bytes);
    while (!reader->is_over) {
        yaml_event_t event;
        if (yaml_parser_parse(&parser, &event) == 0) {
            syntax_refuse(reader, &parser);
            break;
        }
        event_take(reader, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
}

static struct tg_yaml_limits limits_full(const struct tg_yaml_limits *limits)
{
    struct tg_yaml_limits full = limits != NULL ? *limits : (struct tg_yaml_limits){0};
    full.text_bytes_max = full.text_bytes_max != 0 ? full.text_bytes_max : TEXT_BYTES_MAX;
    full.nodes_max = full.nodes_max != 0 ? full.nodes_max : NODES_MAX;
    full.depth_max = full.depth_max != 0 ? full.depth_max : DEPTH_MAX;
    full.depth_max = full.depth_max > DEPTH_MOST ? DEPTH_MOST : full.depth_max;
    full.scalar_bytes_max = full.scalar_bytes_max != 0 ? full.scalar_bytes_max : SCALAR_BYTES_MAX;
    return full;
}

static struct tg_yaml *yaml_make(const char *path, const char *text, size_t text_bytes)
{
    struct tg_yaml *yaml = calloc(1, sizeof *yaml);
    if (yaml == NULL) {
        return NULL;
    }
    const size_t path_bytes = strlen(path) + 1;
    char *path_copy = chunk_take(yaml, path_bytes);
    char *text_copy = chunk_take(yaml, text_bytes + 1);
    if (path_copy == NULL || text_copy == NULL) {
        tg_yaml_close(yaml);
        return NULL;
    }
    memcpy(path_copy, path, path_bytes);
    if (text_bytes > 0) {
        memcpy(text_copy, text, text_bytes);
    }
    text_copy[text_bytes] = '\0';
    yaml->source = (struct tg_source){path_copy, text_copy, text_bytes};
    return yaml;
}

enum tg_err tg_yaml_parse(const char *path, const char *text, size_t text_bytes,
                          const struct tg_yaml_limits *limits, struct tg_diag *diag,
                          struct tg_yaml **yaml)
{
    *yaml = NULL;
    struct reader reader = {.diag = diag, .limits = limits_full(limits)};
    if (text_bytes > reader.limits.text_bytes_max) {
        const struct tg_source source = {path, NULL, 0};
        tg_diag_add(diag, TG_DIAG_ERROR, (struct tg_mark){&source, 0, 0}, "split the document",
                    "the file is larger than %zu bytes", reader.limits.text_bytes_max);
        return TG_E_DOCUMENT;
    }
    const uint32_t errors_before = tg_diag_errors_count(diag);
    if (text_bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3; /* a byte order mark would count as a column of the first line */
        text_bytes -= 3;
    }
    reader.yaml = yaml_make(path, text, text_bytes);
    char *blanked = malloc(text_bytes + 1);
    if (reader.yaml == NULL || blanked == NULL) {
        tg_yaml_close(reader.yaml);
        free(blanked);
        return TG_E_NO_MEMORY;
    }
    memcpy(blanked, reader.yaml->source.text, text_bytes);
    tabs_replace(&reader, blanked, text_bytes);
    events_read(&reader, blanked, text_bytes);
    free(blanked);
    if (!reader.no_memory && reader.yaml->root == NULL) {
        /* An empty file, or one with comments only. */
        reader.is_over = false;
        (void)node_add(&reader, TG_YAML_MAP, (struct tg_mark){&reader.yaml->source, 1, 1});
    }
    if (reader.no_memory) {
        tg_yaml_close(reader.yaml);
        return TG_E_NO_MEMORY;
    }
    *yaml = reader.yaml;
    return tg_diag_errors_count(diag) == errors_before ? TG_OK : TG_E_DOCUMENT;
}

static char *file_read(const char *path, size_t text_bytes_max, size_t *text_bytes, int *error)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat stat_of = {0};
    if (fd < 0 || fstat(fd, &stat_of) != 0 || !S_ISREG(stat_of.st_mode)) {
        *error = fd >= 0 && errno == 0 ? EISDIR : errno;
        *error = fd >= 0 && !S_ISREG(stat_of.st_mode) ? EISDIR : *error;
        (void)(fd >= 0 ? close(fd) : 0);
        return NULL;
    }
    const size_t room =
        (size_t)stat_of.st_size < text_bytes_max ? (size_t)stat_of.st_size : text_bytes_max;
    char *text = malloc(room + 2);
    size_t used = 0;
    ssize_t got = text != NULL ? 1 : -1;
    while (got > 0 && used <= room) {
        got = read(fd, text + used, room + 1 - used);
        used += got > 0 ? (size_t)got : 0;
    }
    *error = got < 0 ? errno : 0;
    (void)close(fd);
    if (got < 0) {
        free(text);
        return NULL;
    }
    *text_bytes = used;
    return text;
}

enum tg_err tg_yaml_load(const char *path, const struct tg_yaml_limits *limits,
                         struct tg_diag *diag, struct tg_yaml **yaml)
{
    *yaml = NULL;
    size_t text_bytes = 0;
    int error = 0;
    char *text = file_read(path, limits_full(limits).text_bytes_max, &text_bytes, &error);
    if (text == NULL) {
        const struct tg_source source = {path, NULL, 0};
        tg_diag_add(diag, TG_DIAG_ERROR, (struct tg_mark){&source, 0, 0}, NULL,
                    "the file cannot be read: %s", strerror(error));
        return TG_E_DOCUMENT;
    }
    const enum tg_err err = tg_yaml_parse(path, text, text_bytes, limits, diag, yaml);
    free(text);
    return err;
}

void tg_yaml_close(struct tg_yaml *yaml)
{
    if (yaml == NULL) {
        return;
    }
    for (struct chunk *chunk = yaml->chunks; chunk != NULL;) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    free(yaml);
}

const struct tg_yaml_node *tg_yaml_root(const struct tg_yaml *yaml)
{
    return yaml->root;
}

const struct tg_source *tg_yaml_source(const struct tg_yaml *yaml)
{
    return &yaml->source;
}

const struct tg_yaml_node *tg_yaml_get(const struct tg_yaml_node *map, const char *key)
{
    if (map == NULL || map->kind != TG_YAML_MAP) {
        return NULL;
    }
    for (const struct tg_yaml_node *child = map->child; child != NULL; child = child->next) {
        if (strcmp(child->key, key) == 0) {
            return child;
        }
    }
    return NULL;
}

bool tg_yaml_is_cut(const struct tg_yaml *yaml)
{
    return yaml->is_cut;
}

static bool is_behind(uint32_t line, uint32_t column, uint32_t than_line, uint32_t than_column)
{
    return line > than_line || (line == than_line && column > than_column);
}

bool tg_yaml_has_error(const struct tg_yaml_node *node, const struct tg_diag *diag)
{
    if (node == NULL || tg_diag_errors_count(diag) == 0) {
        return false;
    }
    const struct tg_yaml_node *last = node;
    while (last->child != NULL) {
        last = last->child;
        while (last->next != NULL) {
            last = last->next;
        }
    }
    const struct tg_mark from = node->key_mark;
    const uint32_t column_max = last->mark.column + last->text_bytes + 1; /* and a quote */
    for (uint32_t i = 0; i < tg_diag_entries_count(diag); i++) {
        const struct tg_diag_entry *entry = tg_diag_entry(diag, i);
        if (entry->severity == TG_DIAG_ERROR &&
            !is_behind(from.line, from.column, entry->line, entry->column) &&
            !is_behind(entry->line, entry->column, last->mark.line, column_max) &&
            strcmp(entry->path, from.source->path) == 0) {
            return true;
        }
    }
    return false;
}
