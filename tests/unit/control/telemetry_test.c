/* SPDX-License-Identifier: Apache-2.0 */
#include "control/telemetry.h"

#include "abi/key.h"
#include "base/clock.h"
#include "health/inventory.h"
#include "health/profile.h"
#include "ledger/block.h"
#include "ledger/journal.h"
#include "record/charge.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_NS      (INT64_C(1764000000) * TG_NS_PER_S)
#define EPOCHS_COUNT  60u
#define EPOCH_ROWS    300u
#define SUBSCRIBERS   1000u
#define ITEMS_MAX     64u

struct office {
    char dir[64];
    struct tg_inventory *inventory;
    struct tg_profile *profile;
    const struct tg_profile *profiles[1];
};

static void office_open(struct office *office)
{
    const struct tg_node_spec nodes[] = {{.name = "core"}, {.name = "edge"}, {.name = "leaf"}};
    uint32_t rules_count = 0;
    const struct tg_rule_spec *rules = tg_profile_default_rules(&rules_count);
    (void)snprintf(office->dir, sizeof office->dir, "/tmp/tg_telemetry_XXXXXX");
    cr_assert_not_null(mkdtemp(office->dir));
    cr_assert_eq(tg_inventory_open(nodes, 3, &office->inventory, NULL), TG_OK);
    cr_assert_eq(tg_profile_open(rules, rules_count, &office->profile, NULL), TG_OK);
    office->profiles[0] = office->profile;
}

static void office_close(struct office *office)
{
    char command[128];
    tg_profile_close(office->profile);
    tg_inventory_close(office->inventory);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", office->dir);
    cr_assert_eq(system(command), 0);
}

/* A node fails in one epoch and works again in another, so that a part of the journal has other
 * alarms than the whole. */
static void observation_add(struct tg_block *block, uint32_t epoch)
{
    static const char text[] = "host\0app\0\0Fan tray 1 failed\0host\0app\0\0Fan tray 1 ok";
    const bool is_over = epoch % 20 >= 10;
    const uint16_t failed_bytes = sizeof "host\0app\0\0Fan tray 1 failed";
    const struct tg_observation observation = {
        .event_ns = START_NS + (int64_t)epoch * 60 * TG_NS_PER_S,
        .arrival_ns = START_NS + (int64_t)epoch * 60 * TG_NS_PER_S,
        .record_key = epoch,
        .text_offset = is_over ? failed_bytes : 0,
        .text_bytes = is_over ? sizeof text - failed_bytes : failed_bytes,
        .source_id = 1,
        .node_id = (uint16_t)((epoch - 1) / 20 + 1),
        .kind = TG_OBSERVATION_LOG,
        .severity = 3};
    cr_assert_eq(tg_block_observations(block, &observation, 1, (const uint8_t *)text, sizeof text),
                 1);
}

static void rows_make(uint32_t epoch, struct tg_usage *rows, struct tg_charge *charges)
{
    for (uint32_t i = 0; i < EPOCH_ROWS; i++) {
        rows[i] = (struct tg_usage){.start_ns = START_NS + (int64_t)epoch * 60 * TG_NS_PER_S,
                                    .record_key = (uint64_t)epoch << 32 | i,
                                    .node_id = (uint16_t)(i % 3 + 1)};
        charges[i] = (struct tg_charge){.amount = 1000 + i,
                                        .subscriber = (epoch * 7 + i) % SUBSCRIBERS,
                                        .currency = 978,
                                        .fate = TG_FATE_RATED};
    }
}

/* Every third epoch has a block of a worker before the one that ends it. */
static void journal_write(const struct office *office)
{
    const struct tg_journal_params params = {.size_bytes = sizeof params,
                                             .streams_count = 2,
                                             .dir = office->dir,
                                             .is_sparse = true,
                                             .is_inline = true};
    static struct tg_usage rows[EPOCH_ROWS];
    static struct tg_charge charges[EPOCH_ROWS];
    struct tg_journal *journal = NULL;
    cr_assert_eq(tg_journal_open(&params, &journal, NULL), TG_OK);
    for (uint32_t epoch = 1; epoch <= EPOCHS_COUNT; epoch++) {
        rows_make(epoch, rows, charges);
        uint32_t first = 0;
        if (epoch % 3 == 0) {
            struct tg_block *block = tg_journal_begin(journal, 1);
            first = tg_block_rows(block, rows, charges, EPOCH_ROWS / 2);
            tg_journal_submit(journal, block, epoch);
        }
        struct tg_block *block = tg_journal_begin(journal, 0);
        cr_assert_eq(tg_block_rows(block, rows + first, charges + first, EPOCH_ROWS - first),
                     EPOCH_ROWS - first);
        observation_add(block, epoch);
        tg_journal_submit(journal, block, epoch);
    }
    cr_assert_eq(tg_journal_durable_epoch(journal), EPOCHS_COUNT);
    cr_assert_eq(tg_journal_close(journal), TG_OK);
}

static struct tg_telemetry *telemetry_open(const struct office *office)
{
    const struct tg_telemetry_params params = {.data_dir = office->dir,
                                               .inventory = office->inventory,
                                               .profiles = office->profiles,
                                               .profiles_count = 1,
                                               .subscribers_max = SUBSCRIBERS};
    struct tg_telemetry *telemetry = NULL;
    cr_assert_eq(tg_telemetry_open(&params, &telemetry, NULL), TG_OK);
    return telemetry;
}

Test(telemetry, a_journal_folded_in_parts_gives_what_it_gives_at_once)
{
    /* If this failed, alarms after a restart would depend on how often somebody asked meanwhile. */
    static struct tg_summary_item whole[ITEMS_MAX];
    static struct tg_summary_item parts[ITEMS_MAX];
    struct office office;
    office_open(&office);
    journal_write(&office);
    struct tg_telemetry *at_once = telemetry_open(&office);
    cr_assert_eq(tg_telemetry_follow(at_once, EPOCHS_COUNT, 0, INT64_MIN, NULL), TG_OK);
    const uint32_t count = tg_telemetry_summary(at_once, whole, ITEMS_MAX, true, NULL);
    cr_assert_geq(count, 3, "an alarm a node, not %u", count);
    cr_expect_gt(whole[0].impact.subscribers_count, 0);

    struct tg_telemetry *in_parts = telemetry_open(&office);
    uint32_t calls_count = 0;
    uint64_t before = 0;
    enum tg_err err = TG_E_AGAIN;
    while (err == TG_E_AGAIN) {
        err = tg_telemetry_follow(in_parts, EPOCHS_COUNT, EPOCH_ROWS + 1, INT64_MIN, NULL);
        cr_expect_eq(tg_telemetry_epoch(in_parts), before + 2, "two epochs have that many rows");
        before = tg_telemetry_epoch(in_parts);
        calls_count++;
    }
    cr_expect_eq(err, TG_OK);
    cr_expect_eq(calls_count, EPOCHS_COUNT / 2);
    cr_expect_eq(tg_telemetry_summary(in_parts, parts, ITEMS_MAX, true, NULL), count);
    for (uint32_t i = 0; i < count; i++) {
        cr_expect_str_eq(parts[i].id, whole[i].id);
        cr_expect_str_eq(parts[i].node_name, whole[i].node_name);
        cr_expect_str_eq(parts[i].state, whole[i].state);
        cr_expect_eq(memcmp(&parts[i].impact, &whole[i].impact, sizeof parts[i].impact), 0,
                     "line %u", i);
    }
    tg_telemetry_close(in_parts);
    tg_telemetry_close(at_once);
    office_close(&office);
}
