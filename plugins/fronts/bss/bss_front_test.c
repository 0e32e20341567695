/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/fronts/lib/front_test.h"

#include <signal.h>

#define BILLS "/tmf-api/customerBillManagement/v4/customerBill"
#define RATES "/tmf-api/customerBillManagement/v4/appliedCustomerBillingRate"

extern const struct tg_plugin tg_plugin_entry_bss;

static struct front_test test;

static void bills_put(unsigned count)
{
    for (unsigned i = 1; i <= count; i++) {
        char id[32];
        char json[512];
        (void)snprintf(id, sizeof id, "B-%04u", i);
        (void)snprintf(json, sizeof json,
                       "{\"id\":\"%s\",\"href\":\"" BILLS "/%s\",\"@type\":\"CustomerBill\","
                       "\"billNo\":\"INV-%u\",\"state\":\"%s\",\"amountDue\":{\"unit\":\"EUR\","
                       "\"value\":%u.10},\"billingAccount\":{\"id\":\"A-%u\"}}",
                       id, id, i,
                       i % 3 == 0   ? "sent"
                       : i % 3 == 1 ? "new"
                                    : "onHold",
                       i, i);
        front_test_put(&test, "customerBill", id, json);
    }
}

static unsigned ids_count(void)
{
    unsigned count = 0;
    for (const char *at = front_test_body(&test); (at = strstr(at, "\"@type\"")) != NULL; at++) {
        count++;
    }
    return count;
}

/* Otherwise a BSS cannot page through the bills: it misses some, or never knows how many there
 * are. */
Test(bss_front, lists_page_count_filter_and_select, .timeout = 600)
{
    front_test_init(&test);
    bills_put(120);
    front_test_start(&test, &tg_plugin_entry_bss);
    cr_expect_eq(front_test_ask(&test, "", BILLS), 200);
    cr_expect(front_test_has(&test, "X-Total-Count: 120\r\n"), "%s", test.reply);
    cr_expect(front_test_has(&test, "X-Result-Count: 100\r\n"));
    cr_expect_eq(ids_count(), 100);
    cr_expect(front_test_has(&test, "\"value\":7.10}"), "an amount's digits were changed");

    cr_expect_eq(front_test_ask(&test, "", BILLS "?offset=115&limit=10"), 200);
    cr_expect(front_test_has(&test, "X-Total-Count: 120\r\n"));
    cr_expect(front_test_has(&test, "X-Result-Count: 5\r\n"));
    cr_expect(front_test_has(&test, "\"id\":\"B-0116\"") && !front_test_has(&test, "B-0115"));

    cr_expect_eq(front_test_ask(&test, "", BILLS "?state=sent,new&limit=9999"), 200);
    cr_expect(front_test_has(&test, "X-Total-Count: 80\r\n"), "%s", test.reply);
    cr_expect_eq(front_test_ask(&test, "", BILLS "?billingAccount.id=A-7&fields=billNo,nonsense"),
                 200);
    cr_expect_str_eq(front_test_body(&test),
                     "[{\"id\":\"B-0007\",\"href\":\"" BILLS
                     "/B-0007\",\"@type\":\"CustomerBill\",\"billNo\":\"INV-7\"}]");
    cr_expect_eq(front_test_ask(&test, "", BILLS "?amountDue.value=7.1"), 200);
    cr_expect(front_test_has(&test, "X-Total-Count: 1\r\n"), "numbers compare by value");
    cr_expect_eq(front_test_ask(&test, "", BILLS "?sort=-amountDue.value&limit=2&fields=id"), 200);
    cr_expect(front_test_has(&test, "[{\"id\":\"B-0120\""), "%s", test.reply);
    cr_expect(front_test_has(&test, "{\"id\":\"B-0119\""));
    cr_expect_eq(front_test_ask(&test, "", BILLS "?limit=0"), 200);
    cr_expect_str_eq(front_test_body(&test), "[]");
    cr_expect(front_test_has(&test, "X-Total-Count: 120\r\n"));

    cr_expect_eq(front_test_ask(&test, "", BILLS "/B-0042?fields=state"), 200);
    cr_expect_str_eq(front_test_body(&test),
                     "{\"id\":\"B-0042\",\"href\":\"" BILLS
                     "/B-0042\",\"@type\":\"CustomerBill\",\"state\":\"sent\"}");
    cr_expect_eq(front_test_ask(&test, "", RATES), 200);
    cr_expect_str_eq(front_test_body(&test), "[]");
    cr_expect_eq(front_test_stop(&test, SIGTERM), 0);
    front_test_fini(&test);
}

/* Otherwise a client with a mistake gets a page it did not ask for, or a body it cannot read. */
Test(bss_front, mistakes_get_a_status_and_an_error_body, .timeout = 600)
{
    static const struct {
        const char *options;
        const char *path;
        unsigned status;
    } rows[] = {
        {"", BILLS "?offset=-1", 400},
        {"", BILLS "?offset=x", 400},
        {"", BILLS "?limit=1.5", 400},
        {"", BILLS "?offset=99999999999999999999", 400},
        {"", BILLS "?sort=a,b", 400},
        {"", BILLS "/nobody", 404},
        {"", BILLS "/a/b", 404},
        {"", "/", 404},
        {"", "/tmf-api", 404},
        {"-X POST -d '{}'", BILLS, 405},
        {"-X DELETE", BILLS "/B-0001", 405},
        {"-X POST", "/healthz", 405},
    };
    front_test_init(&test);
    bills_put(1);
    front_test_start(&test, &tg_plugin_entry_bss);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char status[32];
        (void)snprintf(status, sizeof status, "\"status\":\"%u\"", rows[i].status);
        cr_expect_eq(front_test_ask(&test, rows[i].options, rows[i].path), rows[i].status, "%s %s",
                     rows[i].options, rows[i].path);
        cr_expect(front_test_has(&test, "\"@type\":\"Error\"") && front_test_has(&test, status) &&
                      front_test_has(&test, "\"reason\":"),
                  "%s: %s", rows[i].path, test.reply);
        cr_expect(rows[i].status != 405 || front_test_has(&test, "Allow: GET, HEAD\r\n"));
    }
    cr_expect_eq(front_test_ask(&test, "", "/healthz"), 200);
    cr_expect_eq(front_test_ask(&test, "-I", BILLS), 200);
    cr_expect_eq(front_test_stop(&test, SIGTERM), 0);
    front_test_fini(&test);
}

/* Otherwise a front that dies takes the engine's data with it: a reader killed in the middle of
 * lists must leave an environment that reads and writes as before. */
Test(bss_front, killing_a_front_leaves_the_state_usable, .timeout = 600)
{
    front_test_init(&test);
    bills_put(50);
    for (unsigned round = 0; round < 5; round++) {
        front_test_start(&test, &tg_plugin_entry_bss);
        char command[160];
        (void)snprintf(command, sizeof command,
                       "for i in 1 2 3 4 5 6 7 8; do curl -s -m 2 -o /dev/null "
                       "'http://127.0.0.1:%u" BILLS "' & done; wait",
                       test.port);
        const pid_t asking = fork();
        cr_assert_geq(asking, 0);
        if (asking == 0) {
            _exit(system(command) != 0);
        }
        (void)usleep(4000 * (round + 1));
        cr_expect_eq(front_test_stop(&test, SIGKILL), -1);
        (void)waitpid(asking, NULL, 0);
        front_test_put(&test, "customerBill", "B-9999", "{\"id\":\"B-9999\"}");
    }
    front_test_start(&test, &tg_plugin_entry_bss);
    cr_expect_eq(front_test_ask(&test, "", BILLS), 200);
    cr_expect(front_test_has(&test, "X-Total-Count: 51\r\n"));
    front_test_put(&test, "customerBill", "B-A", "{\"id\":\"B-A\"}");
    cr_expect_eq(front_test_ask(&test, "", BILLS "/B-A"), 200, "a running front sees new bills");
    cr_expect_eq(front_test_stop(&test, SIGTERM), 0);
    front_test_fini(&test);
}
