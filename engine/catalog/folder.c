/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/folder.h"

#include "abi/key.h"
#include "catalog/keys.h"
#include "doc/schema.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool tg_folder_join(const struct tg_folder *folder, const char *name,
                    char path[TG_FOLDER_PATH_BYTES])
{
    const int length = snprintf(path, TG_FOLDER_PATH_BYTES, "%s/%s", folder->path, name);
    return length > 0 && (size_t)length < TG_FOLDER_PATH_BYTES;
}

static int yaml_only(const struct dirent *entry)
{
    const size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 5 &&
           strcmp(entry->d_name + length - 5, ".yaml") == 0;
}

static int names_compare(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* never by locale: order is part of the result */
}

static enum tg_err document_add(struct tg_folder *folder, const char *name, struct tg_diag *diag)
{
    char path[TG_FOLDER_PATH_BYTES];
    if (!tg_folder_join(folder, name, path)) {
        return TG_E_DOCUMENT;
    }
    struct tg_yaml *yaml = NULL;
    const enum tg_err err = tg_yaml_load(path, NULL, diag, &yaml);
    folder->has_lost_text = folder->has_lost_text || err != TG_OK;
    if (yaml == NULL || tg_yaml_is_cut(yaml)) {
        tg_yaml_close(yaml);
        return err;
    }
    folder->documents[folder->documents_count++] = yaml;
    const struct tg_source *source = tg_yaml_source(yaml);
    folder->content_hash = tg_key_hash(folder->content_hash, source->text, source->text_bytes);
    const struct tg_yaml_node *root = tg_yaml_root(yaml);
    (void)tg_schema_check(&tg_catalog_keys, root, diag);
    const struct tg_yaml_node *head = tg_yaml_get(root, "catalog");
    if (head != NULL && folder->head != NULL) {
        tg_diag_add(diag, TG_DIAG_ERROR, head->key_mark, NULL, "catalog is already in %s:%u",
                    folder->head->mark.source->path, folder->head->key_mark.line);
    } else if (head != NULL) {
        folder->head = head;
    }
    return err;
}

/* Whether a document has a key that was meant to be "catalog", and is told so. */
static bool is_misspelt(const struct tg_folder *folder)
{
    static const char *const head[] = {"catalog"};
    for (uint32_t i = 0; i < folder->documents_count; i++) {
        const struct tg_yaml_node *root = tg_yaml_root(folder->documents[i]);
        const struct tg_yaml_node *node = root->kind == TG_YAML_MAP ? root->child : NULL;
        for (; node != NULL; node = node->next) {
            if (tg_diag_nearest(node->key, head, 1) != NULL) {
                return true;
            }
        }
    }
    return false;
}

enum tg_err tg_folder_open(const char *path, struct tg_diag *diag, struct tg_folder *folder)
{
    *folder = (struct tg_folder){0};
    (void)snprintf(folder->path, sizeof folder->path, "%s", path);
    folder->source.path = folder->path;
    const struct tg_mark whole = {&folder->source, 0, 0};
    struct dirent **entries = NULL;
    const int count = scandir(path, &entries, yaml_only, names_compare);
    if (count < 0) {
        tg_diag_add(diag, TG_DIAG_ERROR, whole, NULL, "the folder cannot be read: %s",
                    strerror(errno));
        return TG_E_DOCUMENT;
    }
    if (count == 0 || (uint32_t)count > TG_FOLDER_FILES_MAX) {
        tg_diag_add(diag, TG_DIAG_ERROR, whole, NULL,
                    count == 0 ? "the folder has no *.yaml" : "the folder has too many *.yaml");
    }
    enum tg_err err = TG_OK;
    bool is_read = true;
    for (int i = 0; i < count; i++) {
        if ((uint32_t)i < TG_FOLDER_FILES_MAX && err != TG_E_NO_MEMORY) {
            err = document_add(folder, entries[i]->d_name, diag);
            is_read = is_read && err == TG_OK;
        }
        free(entries[i]);
    }
    free(entries);
    if (err == TG_E_NO_MEMORY) {
        return err;
    }
    if (folder->head == NULL) {
        if (count > 0 && is_read && !is_misspelt(folder)) { /* it may be in one that is no YAML */
            tg_diag_add(diag, TG_DIAG_ERROR, whole, NULL, "no document has the key \"catalog\"");
        }
        return TG_E_DOCUMENT;
    }
    return TG_OK;
}

void tg_folder_close(struct tg_folder *folder)
{
    for (uint32_t i = 0; i < folder->documents_count; i++) {
        tg_yaml_close(folder->documents[i]);
    }
    folder->documents_count = 0;
}

bool tg_folder_next(const struct tg_folder *folder, const char *table, uint32_t *document,
                    const struct tg_yaml_node **entry)
{
    const struct tg_yaml_node *next = *entry != NULL ? (*entry)->next : NULL;
    bool is_within = *entry != NULL;
    while (next == NULL) {
        *document += is_within ? 1 : 0;
        is_within = true;
        if (*document >= folder->documents_count) {
            return false;
        }
        const struct tg_yaml_node *map =
            tg_yaml_get(tg_yaml_root(folder->documents[*document]), table);
        next = map != NULL && map->kind == TG_YAML_MAP ? map->child : NULL;
    }
    *entry = next;
    return true;
}
