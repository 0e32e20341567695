/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* renameat2 */
#include "ports/folder_claim.h"

#include "base/arena.h"
#include "ports/file_identity.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES_BYTES  ((size_t)TG_FOLDER_NAMES_MAX * TG_FOLDER_NAME_BYTES_MAX)
#define CLAIMED_NAME ".claimed"
#define FOLDER_MODE  0750

static int folder_made(int at, const char *path)
{
    if (mkdirat(at, path, FOLDER_MODE) != 0 && errno != EEXIST) {
        return -1;
    }
    return openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static DIR *folder_list(int at)
{
    const int copy = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
    if (copy >= 0 && list == NULL) {
        (void)close(copy);
    }
    return list;
}

enum tg_err tg_port_folder_open(struct tg_port_folder *folder, const char *target, const char *done,
                           const char *pattern, struct tg_why *why)
{
    *folder = (struct tg_port_folder){.target = -1, .claimed = -1, .done = -1};
    if (pattern != NULL && strlen(pattern) >= sizeof folder->pattern) {
        return tg_why_set(why, TG_E_INVALID, "folder %s: the pattern is too long", target);
    }
    (void)snprintf(folder->pattern, sizeof folder->pattern, "%s", pattern != NULL ? pattern : "");
    folder->names = tg_pages_take(NAMES_BYTES);
    if (folder->names == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "folder %s: no memory", target);
    }
    folder->target = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->target < 0 || faccessat(folder->target, ".", W_OK | X_OK, AT_EACCESS) != 0) {
        return tg_why_set(why, TG_E_PORT_OPEN,
                          "folder %s: %s (files are moved, so it must exist "
                          "and be writable)",
                          target, strerror(errno));
    }
    folder->claimed = folder_made(folder->target, CLAIMED_NAME);
    folder->done = done != NULL ? folder_made(AT_FDCWD, done) : folder_made(folder->target, "done");
    struct stat here, there;
    if (folder->claimed < 0 || folder->done < 0 || fstat(folder->claimed, &here) != 0 ||
        fstat(folder->done, &there) != 0) {
        return tg_why_set(why, TG_E_PORT_OPEN, "folder %s: cannot make %s: %s", target,
                          folder->claimed < 0 ? CLAIMED_NAME : (done != NULL ? done : "done"),
                          strerror(errno));
    }
    if (here.st_dev != there.st_dev) {
        return tg_why_set(why, TG_E_PORT_OPEN,
                          "folder %s: %s is on another file system, where files cannot be moved "
                          "in one step",
                          target, done != NULL ? done : "done");
    }
    folder->target_list = folder_list(folder->target);
    folder->claimed_list = folder_list(folder->claimed);
    if (folder->target_list == NULL || folder->claimed_list == NULL) {
        return tg_why_set(why, TG_E_PORT_OPEN, "folder %s: cannot be listed: %s", target,
                          strerror(errno));
    }
    return TG_OK;
}

void tg_port_folder_close(struct tg_port_folder *folder)
{
    if (folder->target_list != NULL) {
        (void)closedir(folder->target_list);
    }
    if (folder->claimed_list != NULL) {
        (void)closedir(folder->claimed_list);
    }
    const int descriptors[] = {folder->target, folder->claimed, folder->done};
    for (size_t i = 0; i < sizeof descriptors / sizeof descriptors[0]; i++) {
        if (descriptors[i] >= 0) {
            (void)close(descriptors[i]);
        }
    }
    tg_pages_free(folder->names, NAMES_BYTES);
    *folder = (struct tg_port_folder){.target = -1, .claimed = -1, .done = -1};
}

static bool name_is_wanted(const struct tg_port_folder *folder, int directory,
                           const struct dirent *entry)
{
    const size_t length = strlen(entry->d_name);
    struct stat status;
    if (entry->d_name[0] == '.' || length >= TG_FOLDER_NAME_BYTES_MAX ||
        (length >= 4 && strcmp(entry->d_name + length - 4, ".tmp") == 0)) {
        return false;
    }
    if (folder->pattern[0] != '\0' && fnmatch(folder->pattern, entry->d_name, FNM_PERIOD) != 0) {
        return false;
    }
    if (entry->d_type == DT_UNKNOWN) { /* file systems that do not say */
        return fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
               S_ISREG(status.st_mode);
    }
    return entry->d_type == DT_REG;
}

/* Keep the smallest names only: a folder may hold more of them than we have room for. */
static void name_keep(struct tg_port_folder *folder, const char *name)
{
    uint32_t low = 0, high = folder->names_count;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (strcmp(folder->names[folder->order[middle]], name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    uint16_t slot = (uint16_t)folder->names_count;
    if (folder->names_count == TG_FOLDER_NAMES_MAX) {
        folder->is_truncated = true;
        if (low == TG_FOLDER_NAMES_MAX) {
            return;
        }
        slot = folder->order[--folder->names_count]; /* the largest makes room */
    }
    memmove(&folder->order[low + 1], &folder->order[low],
            (folder->names_count - low) * sizeof folder->order[0]);
    memcpy(folder->names[slot], name, strlen(name) + 1); /* name_is_wanted has seen its length */
    folder->order[low] = slot;
    folder->names_count++;
}

void tg_port_folder_look(struct tg_port_folder *folder, bool in_claimed, bool from_start)
{
    DIR *list = in_claimed ? folder->claimed_list : folder->target_list;
    const int directory = in_claimed ? folder->claimed : folder->target;
    folder->names_count = folder->names_next = 0;
    folder->is_truncated = false;
    if (from_start) {
        folder->last[0] = '\0';
    }
    rewinddir(list);
    for (const struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        if (strcmp(entry->d_name, folder->last) > 0 && name_is_wanted(folder, directory, entry)) {
            name_keep(folder, entry->d_name);
        }
    }
}

const char *tg_port_folder_next(struct tg_port_folder *folder)
{
    if (folder->names_next == folder->names_count) {
        return NULL;
    }
    const char *name = folder->names[folder->order[folder->names_next++]];
    (void)snprintf(folder->last, sizeof folder->last, "%s", name);
    return name;
}

/* rename that never overwrites, also where the file system lacks the flag. */
static int rename_new(int from, const char *name, int to, const char *new_name)
{
    if (renameat2(from, name, to, new_name, RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return -1;
    }
    if (faccessat(to, new_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    return renameat(from, name, to, new_name);
}

static bool is_same_file(int directory, const char *name, const struct stat *opened)
{
    struct stat there;
    return fstatat(directory, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           there.st_ino == opened->st_ino && there.st_dev == opened->st_dev;
}

static int64_t modified_ns(const struct stat *status)
{
    return (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
}

/* Open and lock under a directory; the name must still lead to what was opened. */
static enum tg_err claim_lock(int directory, const char *name, int *descriptor, struct stat *status)
{
    *descriptor = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (*descriptor < 0) {
        return errno == ENOENT || errno == ELOOP ? TG_E_NOT_FOUND : TG_E_IO;
    }
    if (flock(*descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        return TG_E_LOCKED;
    }
    if (fstat(*descriptor, status) != 0) {
        return TG_E_IO;
    }
    if (!S_ISREG(status->st_mode) || !is_same_file(directory, name, status)) {
        return TG_E_NOT_FOUND;
    }
    return TG_OK;
}

enum tg_err tg_port_folder_claim(struct tg_port_folder *folder, const char *name, bool in_claimed,
                            struct tg_claim *claim)
{
    struct stat status;
    *claim = (struct tg_claim){.descriptor = -1};
    (void)snprintf(claim->name, sizeof claim->name, "%s", name);
    enum tg_err err = claim_lock(in_claimed ? folder->claimed : folder->target, claim->name,
                                 &claim->descriptor, &status);
    if (err == TG_OK && !in_claimed) {
        if (rename_new(folder->target, claim->name, folder->claimed, claim->name) != 0) {
            err = errno == EEXIST ? TG_E_EXISTS : errno == ENOENT ? TG_E_NOT_FOUND : TG_E_IO;
        } else if (!is_same_file(folder->claimed, claim->name, &status)) {
            /* The producer replaced the file between our look and our rename: ours is the new. */
            tg_claim_drop(claim);
            err = claim_lock(folder->claimed, claim->name, &claim->descriptor, &status);
        }
    }
    if (err == TG_OK) {
        claim->size_bytes = (uint64_t)status.st_size;
        claim->modified_ns = modified_ns(&status);
        err = tg_file_identity(claim->descriptor, claim->name, claim->size_bytes, &claim->file_key);
    }
    if (err != TG_OK) {
        const int kept = errno;
        tg_claim_drop(claim);
        errno = kept;
    }
    return err;
}

void tg_claim_check(struct tg_claim *claim)
{
    struct stat status;
    claim->is_changed = fstat(claim->descriptor, &status) != 0 ||
                        (uint64_t)status.st_size != claim->size_bytes ||
                        modified_ns(&status) != claim->modified_ns;
}

enum tg_err tg_port_folder_finish(struct tg_port_folder *folder, struct tg_claim *claim)
{
    char new_name[TG_FOLDER_NAME_BYTES_MAX + 32];
    const char *suffix = claim->is_changed ? ".changed" : "";
    (void)snprintf(new_name, sizeof new_name, "%s%s", claim->name, suffix);
    int result = rename_new(folder->claimed, claim->name, folder->done, new_name);
    if (result != 0 && errno == EEXIST) {
        /* The same name before: with its key beside it nothing but the same file is replaced. */
        (void)snprintf(new_name, sizeof new_name, "%s.%016" PRIx64 "%s", claim->name,
                       claim->file_key, suffix);
        result = renameat(folder->claimed, claim->name, folder->done, new_name);
    }
    const int kept = errno;
    tg_claim_drop(claim);
    errno = kept;
    return result == 0 ? TG_OK : TG_E_IO;
}

enum tg_err tg_port_folder_sync(const struct tg_port_folder *folder)
{
    /* done first: after a power cut a file is then in either place or, at worst, in both. */
    return fsync(folder->done) == 0 && fsync(folder->claimed) == 0 ? TG_OK : TG_E_IO;
}

void tg_claim_drop(struct tg_claim *claim)
{
    if (claim->descriptor >= 0) {
        (void)close(claim->descriptor);
    }
    claim->descriptor = -1;
}
