/* SPDX-License-Identifier: Apache-2.0 */
#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define PATH_BYTES_MAX 4096u

static int real_open(void *self, const char *path, int flags, unsigned mode)
{
    (void)self;
    const int fd = open(path, flags | O_CLOEXEC, (mode_t)mode);
    return fd >= 0 ? fd : -errno;
}

static int real_close(void *self, int fd)
{
    (void)self;
    return close(fd) == 0 ? 0 : -errno;
}

static int64_t real_pwrite(void *self, int fd, const void *bytes, size_t length_bytes,
                           uint64_t offset_bytes)
{
    (void)self;
    const ssize_t written = pwrite(fd, bytes, length_bytes, (off_t)offset_bytes);
    return written >= 0 ? (int64_t)written : -(int64_t)errno;
}

static int real_fdatasync(void *self, int fd)
{
    (void)self;
    return fdatasync(fd) == 0 ? 0 : -errno;
}

static int real_sync_dir(void *self, const char *dir)
{
    (void)self;
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    const int result = fsync(fd) == 0 ? 0 : -errno;
    (void)close(fd);
    return result;
}

static int real_rename(void *self, const char *from, const char *to)
{
    (void)self;
    return rename(from, to) == 0 ? 0 : -errno;
}

static int real_remove(void *self, const char *path)
{
    (void)self;
    return unlink(path) == 0 ? 0 : -errno;
}

static int real_truncate(void *self, int fd, uint64_t size_bytes)
{
    (void)self;
    return ftruncate(fd, (off_t)size_bytes) == 0 ? 0 : -errno;
}

static int real_allocate(void *self, int fd, uint64_t size_bytes)
{
    (void)self;
    return -posix_fallocate(fd, 0, (off_t)size_bytes);
}

const struct tg_file_ops *tg_file_ops_real(void)
{
    static const struct tg_file_ops ops = {.open = real_open,
                                           .close = real_close,
                                           .pwrite = real_pwrite,
                                           .fdatasync = real_fdatasync,
                                           .sync_dir = real_sync_dir,
                                           .rename = real_rename,
                                           .remove = real_remove,
                                           .truncate = real_truncate,
                                           .allocate = real_allocate};
    return &ops;
}

enum tg_err tg_file_error(int64_t result)
{
    if (result >= 0) {
        return TG_OK;
    }
    if (result == -ENOSPC || result == -EDQUOT) {
        return TG_E_NO_SPACE;
    }
    return result == -ENOENT ? TG_E_NOT_FOUND : TG_E_IO;
}

enum tg_err tg_file_write(const struct tg_file_ops *ops, int fd, const void *bytes,
                          size_t length_bytes, uint64_t offset_bytes)
{
    const uint8_t *at = bytes;
    while (length_bytes > 0) {
        const int64_t written = ops->pwrite(ops->self, fd, at, length_bytes, offset_bytes);
        if (written == -EINTR) {
            continue;
        }
        if (written < 0) {
            return tg_file_error(written);
        }
        if (written == 0) {
            return TG_E_IO; /* a write of nothing would loop for ever */
        }
        at += written;
        length_bytes -= (size_t)written;
        offset_bytes += (uint64_t)written;
    }
    return TG_OK;
}

enum tg_err tg_file_make_dir(const char *dir, struct tg_why *why)
{
    char path[PATH_BYTES_MAX];
    const size_t length = strlen(dir);
    if (length == 0 || length >= sizeof path) {
        return tg_why_set(why, TG_E_INVALID, "the directory name has %zu octets", length);
    }
    memcpy(path, dir, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        path[i] = '\0';
        if (mkdir(path, 0750) != 0 && errno != EEXIST) {
            return tg_why_set(why, TG_E_IO, "cannot make directory %s: %s", path, strerror(errno));
        }
        if (i < length) {
            path[i] = '/';
        }
    }
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
        return tg_why_set(why, TG_E_IO, "%s is not a directory", path);
    }
    return TG_OK;
}

/* Counts one operation and says whether it must fail. */
static bool fault_hits(struct tg_file_faults *faults, uint32_t kind)
{
    if ((faults->kinds & kind) == 0) {
        return false;
    }
    faults->seen_count++;
    const bool is_hit =
        faults->fail_at != 0 && (faults->seen_count == faults->fail_at ||
                                 (faults->is_forever && faults->seen_count > faults->fail_at));
    faults->failed_count += is_hit ? 1 : 0;
    return is_hit;
}

static int fault_open(void *self, const char *path, int flags, unsigned mode)
{
    struct tg_file_faults *faults = self;
    return fault_hits(faults, TG_FILE_FAULT_OTHER) ? -faults->error
                                                   : real_open(NULL, path, flags, mode);
}

static int fault_close(void *self, int fd)
{
    (void)self;
    return real_close(NULL, fd);
}

static int64_t fault_pwrite(void *self, int fd, const void *bytes, size_t length_bytes,
                            uint64_t offset_bytes)
{
    struct tg_file_faults *faults = self;
    if (!fault_hits(faults, TG_FILE_FAULT_PWRITE)) {
        return real_pwrite(NULL, fd, bytes, length_bytes, offset_bytes);
    }
    if (faults->is_torn && length_bytes > 1) {
        (void)real_pwrite(NULL, fd, bytes, length_bytes / 2, offset_bytes);
    }
    return -faults->error;
}

static int fault_fdatasync(void *self, int fd)
{
    struct tg_file_faults *faults = self;
    return fault_hits(faults, TG_FILE_FAULT_FDATASYNC) ? -faults->error : real_fdatasync(NULL, fd);
}

static int fault_sync_dir(void *self, const char *dir)
{
    struct tg_file_faults *faults = self;
    return fault_hits(faults, TG_FILE_FAULT_SYNC_DIR) ? -faults->error : real_sync_dir(NULL, dir);
}

static int fault_rename(void *self, const char *from, const char *to)
{
    struct tg_file_faults *faults = self;
    return fault_hits(faults, TG_FILE_FAULT_OTHER) ? -faults->error : real_rename(NULL, from, to);
}

static int fault_remove(void *self, const char *path)
{
    struct tg_file_faults *faults = self;
    return fault_hits(faults, TG_FILE_FAULT_OTHER) ? -faults->error : real_remove(NULL, path);
}

static int fault_truncate(void *self, int fd, uint64_t size_bytes)
{
    struct tg_file_faults *faults = self;
    return fault_hits(faults, TG_FILE_FAULT_OTHER) ? -faults->error
                                                   : real_truncate(NULL, fd, size_bytes);
}

static int fault_allocate(void *self, int fd, uint64_t size_bytes)
{
    struct tg_file_faults *faults = self;
    return fault_hits(faults, TG_FILE_FAULT_OTHER) ? -faults->error
                                                   : real_allocate(NULL, fd, size_bytes);
}

void tg_file_faults_init(struct tg_file_faults *faults, uint32_t kinds, uint32_t fail_at,
                         bool is_forever, int error)
{
    *faults = (struct tg_file_faults){.kinds = kinds,
                                      .fail_at = fail_at,
                                      .is_forever = is_forever,
                                      .error = error,
                                      .ops = {.self = faults,
                                              .open = fault_open,
                                              .close = fault_close,
                                              .pwrite = fault_pwrite,
                                              .fdatasync = fault_fdatasync,
                                              .sync_dir = fault_sync_dir,
                                              .rename = fault_rename,
                                              .remove = fault_remove,
                                              .truncate = fault_truncate,
                                              .allocate = fault_allocate}};
}

enum tg_err tg_data_lock(const char *data_dir, struct tg_data_lock *lock, struct tg_why *why)
{
    lock->fd = -1;
    const enum tg_err made = tg_file_make_dir(data_dir, why);
    if (made != TG_OK) {
        return made;
    }
    char path[PATH_BYTES_MAX];
    const int length = snprintf(path, sizeof path, "%s/lock", data_dir);
    if (length < 0 || (size_t)length >= sizeof path) {
        return tg_why_set(why, TG_E_INVALID, "the directory name is too long");
    }
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        return tg_why_set(why, TG_E_IO, "cannot open %s: %s", path, strerror(errno));
    }
    char text[32] = "";
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        const ssize_t got = pread(fd, text, sizeof text - 1, 0);
        text[got > 0 ? (size_t)got : 0] = '\0';
        text[strcspn(text, "\n")] = '\0';
        (void)close(fd);
        return tg_why_set(why, TG_E_LOCKED, "%s is in use by process %s; stop it first", data_dir,
                          text[0] != '\0' ? text : "(unknown)");
    }
    const int pid_bytes = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)pid_bytes, 0) != pid_bytes) {
        const int saved = errno;
        (void)close(fd);
        return tg_why_set(why, TG_E_IO, "cannot write %s: %s", path, strerror(saved));
    }
    lock->fd = fd;
    return TG_OK;
}

void tg_data_unlock(struct tg_data_lock *lock)
{
    if (lock->fd >= 0) {
        (void)close(lock->fd);
        lock->fd = -1;
    }
}
