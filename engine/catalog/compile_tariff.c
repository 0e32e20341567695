/* SPDX-License-Identifier: Apache-2.0 */
/* Tariffs that a catalog brings itself, as BPF: verified here, once, and laid behind the parameters
 * of each price that uses one. The image then needs no file, and each of its versions is priced by
 * the code it was imported with; the tariff's name in it carries the code's hash. */
#include "abi/key.h"
#include "catalog/compile.h"
#include "catalog/keys.h"
#include "doc/schema.h"
#include "plug/bpf.h"
#include "plug/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CODES_MAX 64u

struct tg_compile_codes {
    const struct tg_yaml_node *entries[CODES_MAX];
    struct tg_bpf_code *codes[CODES_MAX]; /* NULL: refused, and said so */
    uint32_t count;
};

/* The object's octets; NULL after reporting. */
static uint8_t *object_load(struct tg_compile *compile, const struct tg_yaml_node *file,
                            size_t *size_bytes)
{
    char path[TG_FOLDER_PATH_BYTES];
    if (file->text[0] == '/' || strstr(file->text, "..") != NULL ||
        !tg_folder_join(compile->folder, file->text, path)) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, file->mark,
                    "write a path below the catalog's folder",
                    "bpf: \"%.64s\" lies outside the folder", file->text);
        return NULL;
    }
    FILE *from = fopen(path, "rbe");
    uint8_t *bytes = from != NULL ? malloc(TG_BPF_OBJECT_BYTES_MAX + 1) : NULL;
    *size_bytes = bytes != NULL ? fread(bytes, 1, TG_BPF_OBJECT_BYTES_MAX + 1, from) : 0;
    const bool is_unreadable = from == NULL || ferror(from) != 0;
    if (from != NULL) {
        (void)fclose(from);
    }
    if (is_unreadable || *size_bytes > TG_BPF_OBJECT_BYTES_MAX) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, file->mark, NULL,
                    is_unreadable ? "bpf: \"%.64s\" cannot be read"
                                  : "bpf: \"%.64s\" is larger than an object may be",
                    file->text);
        free(bytes);
        return NULL;
    }
    compile->is_out_of_memory |= bytes == NULL;
    return bytes;
}

static struct tg_bpf_code *code_load(struct tg_compile *compile, const struct tg_yaml_node *entry)
{
    const struct tg_yaml_node *file = tg_yaml_get(entry, "bpf");
    size_t size_bytes = 0;
    if (file == NULL || file->kind != TG_YAML_SCALAR) {
        return NULL; /* the schema has said so */
    }
    if (!tg_plug_name_is_valid(entry->key)) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, entry->key_mark, NULL,
                    "tariffs: a tariff's name is [a-z0-9_], at most 31");
        return NULL;
    }
    const struct tg_plug *holder = tg_plug_find(TG_PLUGIN_TARIFF, entry->key);
    if (holder != NULL && holder->origin != TG_PLUG_REFUSED) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, entry->key_mark, "give it another name",
                    "tariffs: there is a plug-in \"%.64s\"", entry->key);
        return NULL;
    }
    uint8_t *bytes = object_load(compile, file, &size_bytes);
    struct tg_bpf_code *code = bytes != NULL ? calloc(1, sizeof *code) : NULL;
    if (code != NULL) {
        struct tg_why why = {""};
        struct tg_folder *folder = compile->folder;
        folder->content_hash = tg_key_hash(folder->content_hash, bytes, size_bytes);
        if (tg_bpf_check(file->text, bytes, size_bytes, code, &why) != TG_OK) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, file->mark, NULL, "bpf: %s", why.text);
            free(code);
            code = NULL;
        }
    }
    free(bytes);
    return code;
}

void tg_compile_tariffs(struct tg_compile *compile)
{
    uint32_t document = 0;
    const struct tg_yaml_node *entry = NULL;
    while (tg_folder_next(compile->folder, "tariffs", &document, &entry)) {
        if (compile->codes == NULL) {
            compile->codes = calloc(1, sizeof *compile->codes);
        }
        struct tg_compile_codes *codes = compile->codes;
        if (codes == NULL) {
            compile->is_out_of_memory = true;
            return;
        }
        if (codes->count == CODES_MAX) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, entry->key_mark, NULL,
                        "tariffs: more than %u", CODES_MAX);
            return;
        }
        for (uint32_t i = 0; i < codes->count; i++) {
            if (strcmp(codes->entries[i]->key, entry->key) == 0) {
                tg_diag_add(compile->diag, TG_DIAG_ERROR, entry->key_mark, NULL,
                            "tariffs: \"%.64s\" is already in %s:%u", entry->key,
                            codes->entries[i]->key_mark.source->path,
                            codes->entries[i]->key_mark.line);
            }
        }
        codes->entries[codes->count] = entry;
        codes->codes[codes->count++] = code_load(compile, entry);
    }
}

void tg_compile_tariffs_free(struct tg_compile *compile)
{
    for (uint32_t i = 0; compile->codes != NULL && i < compile->codes->count; i++) {
        free(compile->codes->codes[i]);
    }
    free(compile->codes);
    compile->codes = NULL;
}

/* `params: {values: [5, -1]}`: whole numbers by position, as a program has no names. */
static void params_read(struct tg_compile *compile, const struct tg_yaml_node *node,
                        int64_t params[TG_BPF_PARAMS_MAX])
{
    const struct tg_yaml_node *map = tg_yaml_get(node, "params");
    uint32_t count = 0;
    for (const struct tg_yaml_node *key = map != NULL ? map->child : NULL; key != NULL;
         key = key->next) {
        if (key->kind != TG_YAML_LIST || key->key == NULL || strcmp(key->key, "values") != 0) {
            tg_diag_add(compile->diag, TG_DIAG_ERROR, key->mark, NULL,
                        "params: a tariff in BPF takes `values`, a list of whole numbers");
            continue;
        }
        for (const struct tg_yaml_node *item = key->child; item != NULL; item = item->next) {
            char *end = NULL;
            errno = 0;
            const long long value =
                item->kind == TG_YAML_SCALAR ? strtoll(item->text, &end, 10) : 0;
            if (end == NULL || end == item->text || *end != '\0' || errno != 0) {
                tg_diag_add(compile->diag, TG_DIAG_ERROR, item->mark, NULL,
                            "params: not a whole number of 64 bits");
            } else if (count == TG_BPF_PARAMS_MAX) {
                tg_diag_add(compile->diag, TG_DIAG_ERROR, item->mark, NULL,
                            "params: a program sees at most %u values", TG_BPF_PARAMS_MAX);
                return;
            } else {
                params[count++] = value;
            }
        }
    }
}

bool tg_compile_tariff_bpf(struct tg_compile *compile, const struct tg_yaml_node *node,
                           const struct tg_price *price, uint16_t *index, struct tg_blob *params)
{
    const char *name = tg_schema_text(&tg_catalog_price_keys, node, "tariff");
    const struct tg_compile_codes *codes = compile->codes;
    uint32_t at = 0;
    while (codes != NULL && at < codes->count && strcmp(codes->entries[at]->key, name) != 0) {
        at++;
    }
    if (codes == NULL || at == codes->count) {
        return false;
    }
    const struct tg_bpf_code *code = codes->codes[at];
    if (price->steps_count > TG_BPF_STEPS_MAX) {
        tg_diag_add(compile->diag, TG_DIAG_ERROR, tg_yaml_get(node, "tiers")->key_mark, NULL,
                    "tiers: a tariff in BPF sees at most %u", TG_BPF_STEPS_MAX);
    }
    if (code == NULL) {
        return true;
    }
    char label[TG_PLUG_LABEL_BYTES_MAX];
    (void)snprintf(label, sizeof label, "%s@%016llx", name, (unsigned long long)code->hash);
    *index = (uint16_t)tg_names_add(&compile->names[TG_CATALOG_TARIFF], label, strlen(label));
    struct tg_bpf_block block = {.hash = code->hash, .insns_count = code->insns_count};
    params_read(compile, node, block.params);
    (void)tg_blob_append(params, &block, sizeof block, 8);
    (void)tg_blob_append(params, code->insns, code->insns_count * sizeof code->insns[0], 8);
    return true;
}

enum tg_err tg_image_code_ensure(const struct tg_image *image, struct tg_why *why)
{
    for (uint32_t i = 0; i < tg_image_prices_count(image); i++) {
        const struct tg_price *price = tg_image_price(image, i);
        const char *name = price != NULL ? tg_image_tariff_name(image, i) : "";
        if (strchr(name, '@') == NULL) {
            continue;
        }
        const enum tg_err err =
            tg_plug_bpf_ensure(name, tg_price_params(price), price->params_bytes, why);
        if (err != TG_OK && err != TG_E_PLUGIN_ABI) {
            return err;
        }
    }
    return TG_OK;
}
