/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Front contract: a process of its own that shows what the engine keeps and passes
 * commands.
 *
 *  Source: Tollgate ABI 1; TM Forum TMF630 REST guidelines for the two fronts that ship.
 *  Threads: serve() owns its process. Allocates: as it likes; the engine does not care.
 *  Cost: none to the engine: the host reads LMDB, never the data path.
 *
 *  The host gives documents: JSON objects kept by collection and id, ordered by id. Collections:
 *  `customerBill`, `appliedRate`, `alarm`, `node`, `account`, `outbox`, `status`.
 */
#ifndef TG_ABI_FRONT_H
#define TG_ABI_FRONT_H

#include "abi/err.h"
#include "abi/plugin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** @brief One document, borrowed inside the visit callback only. */
struct tg_document {
    const char *id;      /**< NUL-terminated. */
    const char *json;    /**< One JSON object; not NUL-terminated. */
    size_t json_bytes;   /**< Its length. */
};

/** @brief Called once a document in id order; return false to stop. */
typedef bool (*tg_document_visit)(void *context, const struct tg_document *document);

/** @brief What the process gives a front; all pointers live until serve() returns. */
struct tg_front_host {
    uint32_t size_bytes;               /**< sizeof of the host's struct. */
    uint32_t settings_count;           /**< How many. */
    const struct tg_setting
        *settings; /**< From the configuration's `fronts:` entry: "listen", ... */
    void *self;                        /**< Pass to every function here. */

    /** Visit all documents of a collection in one consistent read transaction. TG_E_DATABASE. */
    enum tg_err (*visit)(void *self, const char *collection, tg_document_visit visit,
                         void *context);

    /** Visit one document. TG_E_NOT_FOUND, TG_E_DATABASE. */
    enum tg_err (*read)(void *self, const char *collection, const char *id,
                        tg_document_visit visit, void *context);

    /**
     * Send one JSON command to the engine's control socket and get one JSON answer.
     * answer is NUL-terminated. TG_E_UNREACHABLE when no engine runs, TG_E_FULL.
     */
    enum tg_err (*command)(void *self, const char *json, char *answer, size_t answer_bytes);

    /** True once the process was asked to end (SIGTERM); serve() then returns soon. */
    bool (*stopping)(void *self);

    /** One log line. */
    void (*log)(void *self, const char *text);
};

/** @brief The contract. */
struct tg_front {
    uint32_t size_bytes;        /**< sizeof(struct tg_front). */
    const char *default_listen; /**< "127.0.0.1:PORT": never beyond loopback by default. */

    /** Serve until host->stopping(). Returns a process exit code. */
    int (*serve)(const struct tg_front_host *host);
};

#endif
