/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/shards.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>

struct part {
    tg_bill_shard_work work;
    void *context;
    struct tg_bill_range range;
    struct tg_why why;
    uint32_t shard;
    enum tg_err err;
    pthread_t thread;
    bool has_thread;
};

static void *part_run(void *context)
{
    struct part *part = context;
    part->err = part->work(part->context, part->shard, &part->range, &part->why);
    return NULL;
}

enum tg_err tg_bill_shards_run(uint32_t shards_count, uint32_t accounts_count,
                               tg_bill_shard_work work, void *context, struct tg_why *why)
{
    assert(shards_count >= 1 && shards_count <= TG_BILL_SHARDS_MAX);
    struct part parts[TG_BILL_SHARDS_MAX];
    /* No range is empty: its end would be 0, which is no bound. */
    shards_count = shards_count < accounts_count ? shards_count : accounts_count;
    shards_count = shards_count > 0 ? shards_count : 1;
    for (uint32_t i = 0; i < shards_count; i++) {
        parts[i] = (struct part){.work = work, .context = context, .shard = i};
        if (shards_count > 1) {
            parts[i].range.account_from = (uint32_t)((uint64_t)accounts_count * i / shards_count);
            parts[i].range.account_to =
                (uint32_t)((uint64_t)accounts_count * (i + 1) / shards_count);
        }
    }
    for (uint32_t i = 1; i < shards_count; i++) {
        parts[i].has_thread = pthread_create(&parts[i].thread, NULL, part_run, &parts[i]) == 0;
    }
    (void)part_run(&parts[0]);
    enum tg_err err = TG_OK;
    for (uint32_t i = 0; i < shards_count; i++) {
        if (parts[i].has_thread) {
            (void)pthread_join(parts[i].thread, NULL);
        } else if (i > 0) {
            (void)part_run(&parts[i]); /* No thread was to be had: it takes longer. */
        }
        if (err == TG_OK && parts[i].err != TG_OK) {
            err = tg_why_set(why, parts[i].err, "%s", parts[i].why.text);
        }
    }
    return err;
}
