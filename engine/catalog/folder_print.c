/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/folder_print.h"

#include "base/clock.h"
#include "base/hash.h"
#include "catalog/catalog_store.h"
#include "catalog/compile.h"
#include "catalog/folder.h"
#include "plug/registry.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 8u
#define FRESH_NS  TG_NS_PER_S
#define KEY       "folder"
#define SELF      "/proc/self/exe"

struct print {
    uint64_t sum;       /* of all entries, in whatever order a folder lists them */
    size_t root_length; /* octets of the folder's own path: names count below it */
    int64_t changed_ns; /* latest */
    bool is_broken;
};

struct stored {
    uint64_t print;
    uint64_t generation;
};
_Static_assert(sizeof(struct stored) == 16, "stored");

static int64_t time_ns(const struct timespec *at)
{
    return (int64_t)at->tv_sec * TG_NS_PER_S + at->tv_nsec;
}

static uint64_t status_mix(uint64_t mixed, const struct stat *status)
{
    const uint64_t words[] = {(uint64_t)status->st_dev,
                              (uint64_t)status->st_ino,
                              (uint64_t)status->st_size,
                              (uint64_t)status->st_mode,
                              (uint64_t)time_ns(&status->st_mtim),
                              (uint64_t)time_ns(&status->st_ctim)};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        mixed = tg_mix64(mixed ^ words[i]) + i;
    }
    return mixed;
}

static uint64_t text_mix(uint64_t mixed, const char *text)
{
    for (; *text != '\0'; text++) {
        mixed = tg_mix64(mixed ^ (uint8_t)*text) + 1;
    }
    return mixed;
}

static void folder_walk(struct print *print, const char *path, unsigned depth);

static void entry_add(struct print *print, const char *path, unsigned depth)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        print->is_broken = true;
        return;
    }
    const int64_t changed_ns = time_ns(&status.st_ctim);
    print->changed_ns = changed_ns > print->changed_ns ? changed_ns : print->changed_ns;
    print->sum += tg_mix64(status_mix(text_mix(1, path + print->root_length), &status));
    if (S_ISDIR(status.st_mode)) {
        folder_walk(print, path, depth + 1);
    }
}

static void folder_walk(struct print *print, const char *path, unsigned depth)
{
    DIR *list = depth < DEPTH_MAX ? opendir(path) : NULL;
    print->is_broken = print->is_broken || list == NULL;
    for (const struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
        char name[TG_FOLDER_PATH_BYTES];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        const int length = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (length < 0 || (size_t)length >= sizeof name) {
            print->is_broken = true;
            continue;
        }
        entry_add(print, name, depth);
    }
    if (list != NULL) {
        (void)closedir(list);
    }
}

/* Tariffs check their parameters as they are compiled. Those of BPF come with the folder, and an
 * import adds them between two looks. */
static uint64_t plugs_mix(uint64_t mixed)
{
    for (uint32_t i = 0; i < tg_plug_count(); i++) {
        const struct tg_plug *plug = tg_plug_at(i);
        if (plug->bpf == NULL) {
            mixed = tg_mix64(text_mix(mixed, plug->name) ^ plug->object.hash) + plug->origin;
        }
    }
    return mixed;
}

uint64_t tg_folder_print(const char *folder, int64_t now_ns)
{
    struct print print = {.root_length = strlen(folder)};
    struct stat self;
    char release[TG_TZDATA_RELEASE_BYTES];
    entry_add(&print, folder, 0);
    tg_tzdata_release(release);
    if (print.is_broken || print.changed_ns > now_ns - FRESH_NS || stat(SELF, &self) != 0 ||
        strcmp(release, TG_TZDATA_UNKNOWN) == 0) {
        return 0;
    }
    const uint64_t mixed = plugs_mix(status_mix(text_mix(print.sum, release), &self));
    return mixed != 0 ? mixed : 1;
}

void tg_folder_print_put(struct tg_txn *txn, uint64_t print, uint64_t generation)
{
    const struct stored stored = {print, generation};
    tg_txn_put(txn, TG_CATALOG_TABLE_META, tg_bytes_text(KEY),
               (struct tg_bytes){&stored, sizeof stored});
}

bool tg_folder_print_is(struct tg_txn *txn, uint64_t print, uint64_t generation)
{
    struct stored stored;
    struct tg_bytes value;
    if (print == 0 || !tg_txn_get(txn, TG_CATALOG_TABLE_META, tg_bytes_text(KEY), &value) ||
        value.length_bytes != sizeof stored) {
        return false;
    }
    memcpy(&stored, value.at, sizeof stored);
    return stored.print == print && stored.generation == generation;
}
