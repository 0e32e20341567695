/* SPDX-License-Identifier: Apache-2.0 */
#include "control/post.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/answer.h"
#include "control/engine_state.h"
#include "flow/pipeline.h"

#include <string.h>
#include <unistd.h>

/* On the ingest lcore: the epoch, and what replaying it does. */
static enum tg_err post_work(void *context, const struct tg_desk_sink *sink)
{
    const struct tg_post *post = context;
    const struct tg_adjust_posting *content = &post->posting.content;
    const struct tg_adjust_sink to = {sink->context, sink->block, sink->next};
    if (!tg_adjust_write(content, &to)) {
        return TG_E_IO;
    }
    enum tg_err err = TG_OK;
    uint32_t from = 0;
    for (uint32_t count; err == TG_OK && (count = tg_adjust_run(content, &from)) > 0;) {
        err = tg_pipeline_correct(post->pipeline, content->rows + from, content->charges + from,
                                  count);
        from += count;
    }
    for (uint32_t i = 0; i < content->shelves_count && err == TG_OK; i++) {
        const struct tg_adjust_shelf *shelf = &content->shelves[i];
        if (!tg_adjust_has_shelf(content, shelf)) {
            continue;
        }
        err =
            tg_pipeline_correct_shelf(post->pipeline, shelf->is_pool, shelf->index, &shelf->shelf);
    }
    return err;
}

/* Leaves out what was overtaken; AGAIN: nothing is left. */
static enum tg_err conflict_look(struct tg_post *post, uint64_t from, uint64_t to)
{
    const enum tg_err err = tg_posting_conflict(&post->posting, post->catalog, post->touched,
                                                post->data_dir, from, to, &post->why);
    if (err != TG_E_AGAIN) {
        return err;
    }
    post->is_partial = true;
    return memchr(post->touched, 1, post->catalog->roster->accounts_count) != NULL ? TG_OK : err;
}

/* Steps (3) and (4). */
static enum tg_err held_post(struct tg_post *post)
{
    uint64_t last = 0;
    enum tg_err err = tg_pipeline_hold(post->pipeline, &last, &post->why);
    if (err != TG_OK) {
        return err;
    }
    err = conflict_look(post, post->seen + 1, last);
    if (err != TG_OK) {
        tg_pipeline_let_go(post->pipeline);
        return err;
    }
    err =
        tg_pipeline_post(post->pipeline, post_work, post, &post->epoch, &post->held_ns, &post->why);
    if (err == TG_OK) {
        tg_log(TG_LOG_NOTICE, "control",
               "%u corrections and %u shelves%s posted in epoch %llu; rows waited %lld us",
               post->posting.content.count, post->posting.content.shelves_count,
               post->is_partial ? ", less those of accounts with new rows," : "",
               (unsigned long long)post->epoch, (long long)(post->held_ns / 1000));
    }
    return err;
}

static bool is_empty(const struct tg_post *post)
{
    return post->posting.content.count == 0 && post->posting.content.shelves_count == 0;
}

/* Steps (1) and (2). */
static enum tg_err post_look(struct tg_post *post)
{
    post->seen = tg_pipeline_durable_epoch(post->pipeline);
    enum tg_err err = tg_posting_open(post->fd, &post->posting, &post->why);
    err = err == TG_OK ? tg_posting_check(&post->posting, post->catalog, &post->why) : err;
    if (err != TG_OK || is_empty(post)) {
        return err;
    }
    if (post->posting.head->epoch == 0 || post->posting.head->epoch > post->seen) {
        return tg_why_set(
            &post->why, TG_E_INVALID, "worked out up to epoch %llu, but only %llu is durable",
            (unsigned long long)post->posting.head->epoch, (unsigned long long)post->seen);
    }
    post->touched = tg_pages_take((size_t)post->catalog->roster->accounts_count + 1);
    if (post->touched == NULL) {
        return tg_why_set(&post->why, TG_E_NO_MEMORY, "no memory for a mark an account");
    }
    tg_posting_touch(&post->posting, post->catalog, post->touched);
    post->posting.content.accounts = post->touched;
    post->posting.content.roster = post->catalog->roster;
    return conflict_look(post, post->posting.head->epoch + 1, post->seen);
}

/* In threads of their own, one after the other. */
static void look_run(void *context)
{
    struct tg_engine *engine = context;
    engine->post.err = post_look(&engine->post);
}

static void hold_run(void *context)
{
    struct tg_engine *engine = context;
    engine->post.err = held_post(&engine->post);
}

static void post_finish(struct tg_engine *engine)
{
    struct tg_post *post = &engine->post;
    struct tg_json *answer = NULL;
    if (post->err == TG_OK) {
        answer = tg_answer_ok();
        tg_json_set_integer(answer, "epoch", (int64_t)post->epoch);
        tg_json_set_integer(answer, "heldNs", post->held_ns);
        tg_json_set_bool(answer, "partial", post->is_partial);
        tg_json_set_string(answer, "message", post->is_partial ? post->why.text : "");
    } else {
        answer = tg_answer_error(post->err, post->why.text);
    }
    tg_pages_free(post->touched, (size_t)post->catalog->roster->accounts_count + 1);
    tg_posting_close(&post->posting);
    (void)close(post->fd);
    tg_control_reply(engine->control, post->ticket, answer);
}

static void look_finish(struct tg_engine *engine)
{
    struct tg_post *post = &engine->post;
    if (post->err == TG_OK && !is_empty(post)) {
        post->err = tg_engine_chore_start(engine, hold_run, post_finish, true, &post->why);
        if (post->err == TG_OK) {
            return;
        }
    }
    post_finish(engine);
}

bool tg_command_post(struct tg_engine *engine, struct tg_control_request *request,
                     struct tg_json **answer)
{
    struct tg_why why = {""};
    if (request->fd < 0) {
        *answer = tg_answer_error(TG_E_INVALID, "`tollgate rerate --post` sends this command");
        return true;
    }
    if (!tg_engine_chore_is_free(engine, &why)) {
        *answer = tg_answer_error(TG_E_AGAIN, why.text);
        return true;
    }
    engine->post = (struct tg_post){.pipeline = engine->pipeline,
                                    .catalog = engine->catalog,
                                    .data_dir = engine->params.config->data_dir,
                                    .fd = request->fd,
                                    .ticket = request->ticket};
    const enum tg_err err = tg_engine_chore_start(engine, look_run, look_finish, false, &why);
    if (err != TG_OK) {
        *answer = tg_answer_error(err, why.text);
        return true;
    }
    request->fd = -1; /* the chore's now */
    return false;
}
