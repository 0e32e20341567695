/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief BSS front: customer bills and the rates applied on them.
 *
 *  Source: TM Forum TMF678 Customer Bill Management 4.0.0; clause table in README.md.
 *  Threads: its own process. Allocates: as lib/front_http.h. Cost: a walk over a collection a list.
 */
#include "lib/front_http.h"
#include "lib/front_list.h"

#include "abi/front.h"

#define BASE   "/tmf-api/customerBillManagement/v4"
#define LISTEN "127.0.0.1:8081"

static const struct tg_front_route routes[] = {
    {"GET", BASE "/customerBill", false, tg_front_list, "customerBill", NULL},
    {"GET", BASE "/customerBill", true, tg_front_item, "customerBill", NULL},
    {"GET", BASE "/appliedCustomerBillingRate", false, tg_front_list, "appliedRate", NULL},
    {"GET", BASE "/appliedCustomerBillingRate", true, tg_front_item, "appliedRate", NULL},
};

static int bss_serve(const struct tg_front_host *host)
{
    return tg_front_http_serve(host, routes, sizeof routes / sizeof routes[0], LISTEN);
}

static const struct tg_front contract = {
    .size_bytes = sizeof(struct tg_front),
    .default_listen = LISTEN,
    .serve = bss_serve,
};

TG_PLUGIN(bss, TG_PLUGIN_FRONT, struct tg_front, contract, "1.0",
          "Customer bills and applied rates over HTTP (TMF678)");
