/* SPDX-License-Identifier: Apache-2.0 */
#include "control/reload.h"

#include "base/clock.h"
#include "control/answer.h"
#include "control/engine_state.h"
#include "doc/diag.h"

static void import_run(struct tg_reload *reload)
{
    struct tg_diag *diag = tg_diag_open();
    reload->err = tg_catalog_import(reload->catalog_dir, reload->data_dir, tg_clock_now_ns(), diag,
                                    &reload->summary, &reload->why);
    if (reload->err == TG_E_DOCUMENT && tg_diag_entries_count(diag) > 0) {
        tg_diag_sort(diag);
        const struct tg_diag_entry *entry = tg_diag_entry(diag, 0);
        (void)tg_why_set(&reload->why, reload->err, "%s:%u:%u: %s (%u mistakes in all)",
                         entry->path, entry->line, entry->column, entry->text,
                         tg_diag_errors_count(diag));
    }
    tg_diag_close(diag);
}

/* In the chore's thread. */
static void reload_run(void *context)
{
    struct tg_engine *engine = context;
    struct tg_reload *reload = &engine->reload;
    if (reload->catalog_dir != NULL) {
        import_run(reload);
    }
    if (reload->err == TG_OK) {
        reload->err = tg_catalog_open(reload->data_dir, &reload->next, &reload->why);
    }
}

static void catalog_destroy(void *object, void *context)
{
    (void)context;
    tg_catalog_close(object);
}

/* Rows flow on: the new snapshot is complete before one pointer store publishes it. */
static void reload_finish(struct tg_engine *engine)
{
    struct tg_reload *reload = &engine->reload;
    if (reload->err == TG_OK && reload->next->roster->subscribers_count > engine->subscribers_max) {
        reload->err = tg_why_set(&reload->why, TG_E_FULL,
                                 "%u subscribers, but memory was taken for %u: raise "
                                 "limits.subscribers and restart",
                                 reload->next->roster->subscribers_count, engine->subscribers_max);
    }
    if (reload->err != TG_OK) {
        tg_catalog_close(reload->next);
        tg_control_reply(engine->control, reload->ticket,
                         tg_answer_error(reload->err, reload->why.text));
        return;
    }
    tg_snapshot_publish(&engine->published, reload->next, catalog_destroy, NULL);
    engine->catalog = reload->next;
    struct tg_json *answer = tg_answer_ok();
    tg_json_set_integer(answer, "version", reload->summary.version);
    tg_json_set_bool(answer, "isUnchanged", reload->summary.is_unchanged);
    tg_control_reply(engine->control, reload->ticket, answer);
}

bool tg_command_reload(struct tg_engine *engine, const struct tg_control_request *request,
                       struct tg_json **answer)
{
    const struct tg_config *config = engine->params.config;
    struct tg_why why = {""};
    if (!tg_engine_chore_is_free(engine, &why)) {
        *answer = tg_answer_error(TG_E_AGAIN, why.text);
        return true;
    }
    engine->reload = (struct tg_reload){.catalog_dir = config->catalog_dir,
                                        .data_dir = config->data_dir,
                                        .ticket = request->ticket};
    const enum tg_err err = tg_engine_chore_start(engine, reload_run, reload_finish, false, &why);
    if (err != TG_OK) {
        *answer = tg_answer_error(err, why.text);
    }
    return err != TG_OK;
}
