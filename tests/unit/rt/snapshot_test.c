/* SPDX-License-Identifier: Apache-2.0 */
#include "rt/snapshot.h"

#include <criterion/criterion.h>

static int destroyed_count;

static void destroy(void *object, void *context)
{
    cr_assert_eq(context, &destroyed_count);
    *(int *)object = -1;
    destroyed_count++;
}

/* If this failed, a catalog still in use by a rate lcore would be freed under it, or never freed.
 */
Test(snapshot, the_old_object_lives_until_reclaimed_and_dies_once)
{
    int objects[3] = {10, 11, 12};
    struct tg_snapshot snapshot;
    tg_snapshot_init(&snapshot, &objects[0]);
    cr_expect_eq(tg_snapshot_reclaim(), 0);
    tg_snapshot_publish(&snapshot, &objects[1], destroy, &destroyed_count);
    cr_expect_eq(tg_snapshot_read(&snapshot), &objects[1]);
    cr_expect_eq(objects[0], 10);
    tg_snapshot_publish(&snapshot, &objects[2], destroy, &destroyed_count);
    cr_expect_eq(destroyed_count, 0);
    cr_expect_eq(tg_snapshot_reclaim(), 2);
    cr_expect(objects[0] == -1 && objects[1] == -1 && objects[2] == 12);
    cr_expect_eq(tg_snapshot_reclaim(), 0);
    cr_expect_eq(destroyed_count, 2);
}

/* If this failed, many catalog loads in a row would overrun the queue of objects to be freed. */
Test(snapshot, more_retired_objects_than_the_queue_holds_are_all_freed)
{
    static int objects[3 * TG_SNAPSHOT_RETIRED_MAX + 5];
    const int count = sizeof objects / sizeof objects[0];
    struct tg_snapshot snapshot;
    tg_snapshot_init(&snapshot, NULL);
    for (int i = 0; i < count; i++) {
        tg_snapshot_publish(&snapshot, &objects[i], destroy, &destroyed_count);
    }
    tg_snapshot_publish(&snapshot, NULL, destroy, &destroyed_count);
    (void)tg_snapshot_reclaim();
    cr_expect_eq(destroyed_count, count);
    for (int i = 0; i < count; i++) {
        cr_expect_eq(objects[i], -1);
    }
    cr_expect_null(tg_snapshot_read(&snapshot));
}
