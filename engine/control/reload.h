/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief The command "reload": a chore imports the catalog and opens it, the control thread
 *  publishes it.
 *
 *  Source: design.md 6 (swapping versions is one RCU pointer store). Threads: control thread; what
 *  runs in the chore touches nothing of the engine but its configuration. Allocates: yes.
 *  Cost: rows and prepaid requests go on meanwhile (chore.h).
 */
#ifndef TG_CONTROL_RELOAD_H
#define TG_CONTROL_RELOAD_H

#include "base/error.h"
#include "catalog/catalog.h"
#include "control/socket.h"

struct tg_engine;

/** @brief A reload on its way. */
struct tg_reload {
    const char *catalog_dir;           /**< Documents, or NULL: only open what is stored. */
    const char *data_dir;              /**< Data directory. */
    struct tg_catalog_snapshot *next;  /**< What came of it. */
    struct tg_catalog_summary summary; /**< Of the import. */
    struct tg_control_ticket ticket;   /**< Who asked. */
    struct tg_why why;                 /**< Reason. */
    enum tg_err err;                   /**< Outcome. */
};

/** @brief Start it. @param engine Runs. @param request Who asked. @param[out] answer When it cannot
 *  start. @return As tg_control_answer. */
bool tg_command_reload(struct tg_engine *engine, const struct tg_control_request *request,
                       struct tg_json **answer);

#endif
