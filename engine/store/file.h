/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Files through a table of functions, so that a test can make the Nth operation fail.
 *
 *  Source: POSIX.1-2017 open, pwrite, fdatasync, rename, ftruncate; posix_fallocate.
 *  Threads: the real table is stateless; a fault table belongs to one thread at a time.
 *  Allocates: never. Cost: one indirect call before a system call.
 */
#ifndef TG_STORE_FILE_H
#define TG_STORE_FILE_H

#include "abi/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tg_why;

/** @brief What a writer of files may do. Every function gives a negative errno when it fails. */
struct tg_file_ops {
    void *self; /**< Passed to every function; NULL for the real table. */

    /** open(2) with O_CLOEXEC added; returns a descriptor. */
    int (*open)(void *self, const char *path, int flags, unsigned mode);
    /** close(2). */
    int (*close)(void *self, int fd);
    /** pwrite(2); returns the bytes written, which may be fewer than asked. */
    int64_t (*pwrite)(void *self, int fd, const void *bytes, size_t length_bytes,
                      uint64_t offset_bytes);
    /** fdatasync(2). After a failure the descriptor must not be trusted again. */
    int (*fdatasync)(void *self, int fd);
    /** fsync(2) of the directory, so that a name in it survives a power cut. */
    int (*sync_dir)(void *self, const char *dir);
    /** rename(2). */
    int (*rename)(void *self, const char *from, const char *to);
    /** unlink(2). */
    int (*remove)(void *self, const char *path);
    /** ftruncate(2). */
    int (*truncate)(void *self, int fd, uint64_t size_bytes);
    /** posix_fallocate(3) from 0: the blocks are there before they are written. */
    int (*allocate)(void *self, int fd, uint64_t size_bytes);
};

/** @brief The table of the operating system. @return Static. */
const struct tg_file_ops *tg_file_ops_real(void);

/**
 * @brief Write all bytes at an offset: repeats short and interrupted writes.
 * @param[in]  ops           Borrowed until return.
 * @param[in]  fd            Open for writing.
 * @param[in]  bytes         Borrowed until return.
 * @param[in]  length_bytes  How many.
 * @param[in]  offset_bytes  Where in the file.
 * @return TG_OK, TG_E_NO_SPACE (ENOSPC, EDQUOT), TG_E_IO (all else, also a write of nothing).
 */
enum tg_err tg_file_write(const struct tg_file_ops *ops, int fd, const void *bytes,
                          size_t length_bytes, uint64_t offset_bytes);

/** @brief Error of a negative errno. @param result Negative errno, or anything else.
 *  @return TG_OK when >= 0, TG_E_NO_SPACE, TG_E_NOT_FOUND (ENOENT), TG_E_IO. */
enum tg_err tg_file_error(int64_t result);

/**
 * @brief Make a directory and those above it; fine when it is there.
 * @param[in]  dir  NUL-terminated, shorter than 4096.
 * @param[out] why  Filled on failure; may be NULL.
 * @return TG_OK, TG_E_INVALID (too long), TG_E_IO.
 */
enum tg_err tg_file_make_dir(const char *dir, struct tg_why *why);

/** @brief Which operations a fault table may fail; bits. */
enum tg_file_fault_kind {
    TG_FILE_FAULT_PWRITE = 1,    /**< Writes. */
    TG_FILE_FAULT_FDATASYNC = 2, /**< Syncs of data. */
    TG_FILE_FAULT_SYNC_DIR = 4,  /**< Syncs of directories. */
    TG_FILE_FAULT_OTHER = 8,     /**< open, rename, remove, truncate, allocate. */
    TG_FILE_FAULT_ALL = 15       /**< Any. */
};

/** @brief A table that fails on purpose; for tests. Owner: the caller. */
struct tg_file_faults {
    struct tg_file_ops ops; /**< Give &faults.ops to the code under test. */
    uint32_t kinds;         /**< enum tg_file_fault_kind bits that count. */
    uint32_t fail_at;       /**< 1-based operation to fail; 0 never. */
    uint32_t seen_count;    /**< Operations counted so far. */
    uint32_t failed_count;  /**< Operations failed so far. */
    int error;              /**< errno to give, positive. */
    bool is_forever;        /**< Fail every later one too. */
    bool is_torn;           /**< A failing pwrite writes its first half before it fails. */
};

/**
 * @brief Prepare a fault table over the real one.
 * @param[out] faults      Caller's; stays in place while its ops are used.
 * @param[in]  kinds       enum tg_file_fault_kind bits.
 * @param[in]  fail_at     1-based operation to fail; 0 never.
 * @param[in]  is_forever  Whether all later ones fail too.
 * @param[in]  error       Positive errno, e.g. EIO.
 */
void tg_file_faults_init(struct tg_file_faults *faults, uint32_t kinds, uint32_t fail_at,
                         bool is_forever, int error);

/** @brief A held data directory. */
struct tg_data_lock {
    int fd; /**< Open lock file; -1 when not held. */
};

/**
 * @brief Become the one engine of a data directory: flock on DIR/lock, the pid written into it.
 *
 * The kernel drops the lock with the process, so a crash leaves nothing to clean.
 *
 * @param[in]  data_dir  Made when missing.
 * @param[out] lock      Written; give back with tg_data_unlock.
 * @param[out] why       Filled on failure, naming the pid that holds it; may be NULL.
 * @return TG_OK, TG_E_LOCKED, TG_E_INVALID (path too long), TG_E_IO.
 */
enum tg_err tg_data_lock(const char *data_dir, struct tg_data_lock *lock, struct tg_why *why);

/** @brief Let go. @param lock Held, or fd -1. */
void tg_data_unlock(struct tg_data_lock *lock);

#endif
