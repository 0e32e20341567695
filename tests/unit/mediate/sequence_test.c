/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that never came, and the ones that only look like it. Numbers as softflowd 1.1.0 and
 * pmacct 1.7.7 send them. */
#include "mediate/sequence.h"

#include <criterion/criterion.h>

#define SECOND_NS INT64_C(1000000000)
#define BEGAN_NS  (INT64_C(1767225600) * SECOND_NS)

static struct tg_sequence *sequence;

static void open_sequence(void)
{
    sequence = tg_sequence_create(16);
    cr_assert_not_null(sequence);
}

static void close_sequence(void)
{
    tg_sequence_free(sequence);
}

TestSuite(sequence, .init = open_sequence, .fini = close_sequence);

static struct tg_message records_message(uint32_t number, uint32_t records_count, int64_t second)
{
    return (struct tg_message){.export_ns = BEGAN_NS + second * SECOND_NS,
                               .sequence = number,
                               .records_count = records_count,
                               .sequence_kind = TG_SEQUENCE_RECORDS};
}

static struct tg_sequence_finding note(struct tg_message message)
{
    struct tg_sequence_finding finding;
    tg_sequence_note(sequence, 1, &message, &finding);
    return finding;
}

/* The numbers of a meter: records 3, 4, 5, 3, 4, 5 ... so that only one equation fits. */
static int64_t meter_run(bool is_inclusive, uint32_t messages_count, int64_t second,
                         uint32_t restarts_expected)
{
    uint32_t total = 0;
    uint32_t restarts_count = 0;
    int64_t lost = 0;
    for (uint32_t i = 0; i < messages_count; i++) {
        const uint32_t records_count = 3 + i % 3;
        const uint32_t number = is_inclusive ? total + records_count : total;
        const struct tg_sequence_finding finding =
            note(records_message(number, records_count, second + i / 4));
        total += records_count;
        lost += finding.lost;
        restarts_count += finding.is_restart;
    }
    cr_expect_eq(restarts_count, restarts_expected, "%u restarts", restarts_count);
    return lost;
}

Test(sequence, both_habits_of_counting_are_learnt_without_a_loss)
{
    /* If this fails every softflowd in the field raises an alarm of records it never lost. */
    cr_expect_eq(meter_run(true, 40, 0, 0), 0);
    cr_expect_eq(note(records_message(1000, 5, 20)).mode, TG_SEQUENCE_INCLUSIVE);
    tg_sequence_free(sequence);
    open_sequence();
    cr_expect_eq(meter_run(false, 40, 0, 0), 0);
    cr_expect_eq(note(records_message(1000, 5, 20)).mode, TG_SEQUENCE_EXCLUSIVE);
}

Test(sequence, a_gap_is_counted_and_a_late_message_takes_it_back)
{
    /* If this fails usage that never arrived is nobody's loss, or reordering is taken for one. */
    (void)meter_run(false, 12, 0, 0); /* 48 records */
    cr_expect_eq(note(records_message(48 + 7, 5, 3)).lost, 7);
    cr_expect_eq(note(records_message(48, 4, 3)).lost, -4, "late, exported in the same second");
    cr_expect_eq(note(records_message(52, 3, 2)).lost, -3, "late, exported before");
    cr_expect_eq(note(records_message(60, 5, 4)).lost, 0);
    const struct tg_sequence_finding again = note(records_message(55, 5, 3));
    cr_expect_eq(again.lost, 0);
    cr_expect(again.is_repeat);
    cr_expect_not(again.is_restart);
}

Test(sequence, a_meter_started_again_at_once_is_audited_again)
{
    /* If this fails, losses stay unseen after a restart until the new count passes the old one:
     * IPFIX tells no uptime, an inclusive meter never sends 0, and nobody waits a minute. */
    cr_expect_eq(meter_run(true, 100, 0, 0), 0);
    cr_expect_eq(meter_run(true, 12, 26, 1), 0);
    cr_expect_eq(note(records_message(48 + 9 + 4, 4, 40)).lost, 9);
}

Test(sequence, versions_of_one_exporter_are_streams_of_their_own)
{
    /* If this fails an operator who goes from NetFlow v5 to v9 or IPFIX gets losses invented or
     * hidden: softflowd sends all three with domain 0. */
    uint32_t total = 0;
    int64_t lost = 0;
    for (uint32_t i = 0; i < 60; i++) {
        struct tg_message v5 = records_message(total, 3 + i % 3, i);
        v5.flags = TG_MESSAGE_HAS_UPTIME;
        struct tg_message v9 = records_message(i + 1, 7, i);
        v9.sequence_kind = TG_SEQUENCE_MESSAGES;
        v9.flags = TG_MESSAGE_HAS_UPTIME;
        total += 3 + i % 3;
        const struct tg_message ipfix = records_message(total, 3 + i % 3, i);
        const struct tg_message messages[] = {v5, v9, ipfix};
        for (uint32_t k = 0; k < 3; k++) {
            const struct tg_sequence_finding finding = note(messages[k]);
            lost += finding.lost;
            cr_expect_not(finding.is_restart || finding.is_repeat, "%u of turn %u", k, i);
        }
    }
    cr_expect_eq(lost, 0, "%lld", (long long)lost);
    struct tg_message v9 = records_message(63, 7, 70);
    v9.sequence_kind = TG_SEQUENCE_MESSAGES;
    v9.flags = TG_MESSAGE_HAS_UPTIME;
    cr_expect_eq(note(v9).lost, 2);
}

Test(sequence, meters_that_share_a_domain_by_mistake_are_not_restarts)
{
    /* If this fails a mistake in two meters' configuration becomes an alarm with every message. */
    for (uint32_t i = 0; i < 50; i++) {
        cr_expect_not(note(records_message(1000 + i * 5, 5, i)).is_restart);
        cr_expect_not(note(records_message(20 + i * 4, 4, i)).is_restart);
    }
}

/* What softflowd sends at each refresh of its templates: one options record more than it counts. */
static int64_t refresh_run(bool is_inclusive, bool is_counted)
{
    uint32_t total = 0;
    int64_t lost = 0;
    for (uint32_t i = 0; i < 100; i++) {
        struct tg_message message = records_message(0, 30 + i % 3, i / 9);
        message.options_count = i % 20 == 0 ? 1 : 0;
        const uint32_t counted = message.records_count - (is_counted ? 0 : message.options_count);
        message.sequence = is_inclusive ? total + counted : total;
        total += counted;
        const struct tg_sequence_finding finding = note(message);
        lost += finding.lost;
        cr_expect_not(finding.is_repeat || finding.is_restart, "%u", i);
    }
    return lost;
}

Test(sequence, options_records_count_or_not_as_the_exporter_does_it)
{
    /* If this fails each refresh of softflowd's templates is reported as 24 records lost. */
    for (unsigned way = 0; way < 4; way++) {
        cr_expect_eq(refresh_run((way & 1) != 0, (way & 2) != 0), 0, "way %u", way);
        tg_sequence_free(sequence);
        open_sequence();
    }
}
