/* SPDX-License-Identifier: Apache-2.0 */
/* From a world to what the engine reads. */
#include "slow_world.h"

#include "abi/key.h"
#include "catalog/catalog.h"
#include "doc/diag.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUANTITY_MASK ((UINT64_C(1) << 48) - 1)

static void folder_remove(const char *folder)
{
    static const char *const names[] = {"catalog.yaml", "d.csv", "f.csv", "accounts.csv",
                                        "subscribers.csv"};
    char path[256];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

struct tg_catalog_snapshot *slow_world_open(const struct slow_world *world, uint32_t version)
{
    char folder[] = "/tmp/tg_slow_XXXXXX";
    struct tg_catalog_snapshot *snapshot = NULL;
    struct tg_why why = {{0}};
    struct tg_diag *diag = tg_diag_open();
    cr_assert_not_null(mkdtemp(folder));
    slow_world_write(world, version, folder);
    const enum tg_err err = tg_catalog_open_folder(folder, diag, &snapshot, &why);
    if (err != TG_OK) {
        (void)tg_diag_print(diag, stderr);
    }
    tg_diag_close(diag);
    folder_remove(folder);
    cr_assert_eq(err, TG_OK, "%s", why.text);
    return snapshot;
}

/* As a carrier does: one version after the other, whose numbers go on. */
struct tg_catalog_snapshot *slow_world_import(const struct slow_world *world)
{
    char data[] = "/tmp/tg_slow_XXXXXX";
    char path[256];
    struct tg_catalog_snapshot *snapshot = NULL;
    struct tg_why why = {{0}};
    enum tg_err err = TG_OK;
    cr_assert_not_null(mkdtemp(data));
    for (uint32_t v = 0; v < SLOW_VERSIONS && err == TG_OK; v++) {
        char folder[] = "/tmp/tg_slow_XXXXXX";
        struct tg_diag *diag = tg_diag_open();
        cr_assert_not_null(mkdtemp(folder));
        slow_world_write(world, v, folder);
        err = tg_catalog_import(folder, data, 1, diag, NULL, &why);
        if (err != TG_OK) {
            (void)tg_diag_print(diag, stderr);
        }
        tg_diag_close(diag);
        folder_remove(folder);
    }
    err = err == TG_OK ? tg_catalog_open(data, &snapshot, &why) : err;
    for (size_t i = 0; i < 2; i++) { /* the map stays where it is open */
        (void)snprintf(path, sizeof path, "%s/catalog/%s", data, i == 0 ? "data.mdb" : "lock.mdb");
        (void)unlink(path);
    }
    (void)snprintf(path, sizeof path, "%s/catalog", data);
    (void)rmdir(path);
    (void)rmdir(data);
    cr_assert_eq(err, TG_OK, "%s", why.text);
    return snapshot;
}

struct tg_usage slow_row(const struct slow_use *use)
{
    struct tg_usage row = {.start_ns = use->start_s * INT64_C(1000000000),
                           .service = (uint8_t)use->service,
                           .closing_cause = use->cause,
                           .key_kinds = tg_key_kinds(TG_KEY_E164, TG_KEY_E164)};
    row.key_kinds |= use->is_reversal ? TG_KEY_KINDS_REVERSAL : 0;
    cr_assert(tg_digits_pack(use->peer, strlen(use->peer), &row.peer_key));
    if (use->service == TG_SERVICE_VOICE) {
        row.duration_ms = (uint32_t)use->quantity;
    } else if (use->service == TG_SERVICE_EVENT) {
        row.quantity_up = 1;
        row.quantity_down = use->quantity & QUANTITY_MASK;
        row.flags = TG_USAGE_AMOUNT;
    } else if (use->service == TG_SERVICE_DATA) {
        row.quantity_down = use->quantity & QUANTITY_MASK;
    } else {
        row.quantity_up = use->quantity & QUANTITY_MASK;
    }
    return row;
}
