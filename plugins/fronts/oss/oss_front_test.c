/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/fronts/lib/front_test.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ALARMS "/tmf-api/alarm/v4/alarm"
#define ACK    "/tmf-api/alarm/v4/ackAlarms"
#define BODY(id)                                                                                   \
    "{\"ackSystemId\":\"noc\",\"ackUserId\":\"u1\",\"alarmPattern\":[{\"id\":\"" id "\"}]}"

extern const struct tg_plugin tg_plugin_entry_oss;

static struct front_test test;

static void alarm_put(const char *id, const char *severity, bool is_root, const char *value)
{
    char json[512];
    (void)snprintf(json, sizeof json,
                   "{\"id\":\"%s\",\"href\":\"" ALARMS "/%s\",\"@type\":\"MediationAlarm\","
                   "\"perceivedSeverity\":\"%s\",\"isRootCause\":%s%s%s%s}",
                   id, id, severity, is_root ? "true" : "false",
                   value != NULL ? ",\"x_impact\":{\"revenuePerHour\":{\"unit\":\"EUR\",\"value\":"
                                 : "",
                   value != NULL ? value : "", value != NULL ? "}}" : "");
    front_test_put(&test, "alarm", id, json);
}

static void alarms_put(void)
{
    alarm_put("A-000001", "minor", false, "9.50");
    alarm_put("A-000002", "critical", true, "318.40");
    alarm_put("A-000003", "critical", false, "53.07");
    alarm_put("A-000004", "major", true, NULL);
    alarm_put("A-000005", "critical", true, "1000.00");
}

/* Otherwise the operator's list does not begin with the fault that costs most. */
Test(oss_front, alarms_sort_by_revenue_and_filter_by_cause, .timeout = 600)
{
    front_test_init(&test);
    alarms_put();
    front_test_start(&test, &tg_plugin_entry_oss);
    cr_expect_eq(front_test_ask(&test, "",
                                ALARMS "?perceivedSeverity=critical&isRootCause=true&"
                                       "sort=-x_revenuePerHour&fields=id"),
                 200);
    cr_expect(front_test_has(&test, "X-Total-Count: 2\r\n"));
    const char *first = strstr(test.reply, "\"id\":\"A-000005\"");
    const char *second = strstr(test.reply, "\"id\":\"A-000002\"");
    cr_expect(first != NULL && second != NULL && first < second, "%s", test.reply);
    cr_expect_eq(front_test_ask(&test, "", ALARMS "?sort=-x_revenuePerHour&offset=4&fields=id"),
                 200);
    cr_expect(front_test_has(&test, "A-000004"), "without revenue comes last: %s", test.reply);
    cr_expect_eq(front_test_ask(&test, "", ALARMS "/A-000003"), 200);
    cr_expect(front_test_has(&test, "\"value\":53.07"));
    cr_expect_eq(front_test_stop(&test, SIGTERM), 0);
    front_test_fini(&test);
}

/* A stand-in for the engine: answers `count` commands and writes down the last one. */
static pid_t engine_start(int count, const char *answer)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/control.sock", test.dir);
    const int listening = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_geq(listening, 0);
    (void)unlink(address.sun_path);
    cr_assert_eq(bind(listening, (const struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(listening, 4), 0);
    const pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid != 0) {
        (void)close(listening);
        return pid;
    }
    for (int i = 0; i < count; i++) {
        char path[128];
        char line[4096] = "";
        const int fd = accept(listening, NULL, NULL);
        FILE *stream = fdopen(fd, "r+");
        if (stream == NULL || fgets(line, sizeof line, stream) == NULL) {
            _exit(1);
        }
        (void)snprintf(path, sizeof path, "%s/command", test.dir);
        FILE *kept = fopen(path, "w");
        (void)fputs(line, kept);
        (void)fclose(kept);
        (void)fprintf(stream, "%s\n", answer);
        (void)fclose(stream);
    }
    _exit(0);
}

static const char *command_read(void)
{
    static char line[4096];
    char path[128];
    (void)snprintf(path, sizeof path, "%s/command", test.dir);
    FILE *kept = fopen(path, "r");
    cr_assert_not_null(kept);
    cr_assert_not_null(fgets(line, sizeof line, kept));
    (void)fclose(kept);
    return line;
}

/* Otherwise an acknowledgement is shown as done and the engine never heard of it. */
Test(oss_front, acknowledging_is_done_only_when_the_engine_says_so, .timeout = 600)
{
    front_test_init(&test);
    alarms_put();
    front_test_start(&test, &tg_plugin_entry_oss);
    cr_expect_eq(front_test_ask(&test, "-d '" BODY("A-000002") "'", ACK), 503, "no engine");
    pid_t engine = engine_start(1, "{\"ok\":true,\"acknowledged\":1}");
    cr_expect_eq(front_test_ask(&test, "-d '" BODY("A-000002") "'", ACK), 201);
    cr_expect(front_test_has(&test, "\"state\":\"done\""));
    cr_expect_str_eq(command_read(), "{\"command\":\"alarm_ack\",\"alarms\":[\"A-000002\"],"
                                     "\"system\":\"noc\",\"user\":\"u1\"}\n");
    (void)waitpid(engine, NULL, 0);
    engine =
        engine_start(1, "{\"ok\":false,\"reason\":\"ALARM_STATE\",\"message\":\"is cleared\"}");
    cr_expect_eq(front_test_ask(&test, "-d '" BODY("A-000002") "'", ACK), 409);
    cr_expect(front_test_has(&test, "is cleared"));
    (void)waitpid(engine, NULL, 0);
    engine = engine_start(1, "nonsense");
    cr_expect_eq(front_test_ask(&test, "-d '" BODY("A-000002") "'", ACK), 502);
    (void)waitpid(engine, NULL, 0);
    static const char *const bad[] = {"-d 'x'",
                                      "-d '[]'",
                                      "-d '{}'",
                                      "-X POST",
                                      "-d '{\"ackSystemId\":\"a\",\"ackUserId\":\"b\"}'",
                                      ("-d '{\"ackSystemId\":\"a\",\"ackUserId\":\"b\","
                                       "\"alarmPattern\":[{\"perceivedSeverity\":\"x\"}]}'")};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_eq(front_test_ask(&test, bad[i], ACK), 400, "%s", bad[i]);
    }
    cr_expect_eq(front_test_ask(&test, "", ACK), 405);
    cr_expect(front_test_has(&test, "Allow: POST\r\n"));
    cr_expect_eq(front_test_stop(&test, SIGTERM), 0);
    front_test_fini(&test);
}

/* Otherwise one oversized request fills the front's memory. */
Test(oss_front, a_body_over_the_bound_is_413, .timeout = 600)
{
    front_test_init(&test);
    alarms_put();
    front_test_start(&test, &tg_plugin_entry_oss);
    char command[128];
    (void)snprintf(command, sizeof command, "head -c 70000 /dev/zero | tr '\\0' ' ' > %s/big",
                   test.dir);
    cr_assert_eq(system(command), 0);
    (void)snprintf(command, sizeof command, "--data-binary @%s/big", test.dir);
    cr_expect_eq(front_test_ask(&test, command, ACK), 413);
    cr_expect_eq(front_test_stop(&test, SIGTERM), 0);
    front_test_fini(&test);
}
