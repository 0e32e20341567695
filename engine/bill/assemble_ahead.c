/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
/* What the bill before has charged in advance, as it was issued: who came or went at the begin of a
 * cycle may have been entered when that bill was out. Only they are looked up. */
#include "bill/assemble_parts.h"

#include "base/clock.h"
#include "doc/json.h"
#include "store/documents.h"

#include <string.h>

/* Whose fee: a change of product, or of seats, may keep the id. */
struct fee_ahead {
    const char *subscription;
    const char *product;
    int64_t quantity;
    int64_t start_ns; /* Of the cycle: a bill for several charges some ahead of its own. */
};

static bool has_line_ahead(const struct tg_json *bill, const struct fee_ahead *fee)
{
    const struct tg_json *lines = tg_json_get(bill, "x_line");
    for (size_t i = 0; i < tg_json_count(lines); i++) {
        const struct tg_json *line = tg_json_at(lines, i);
        const char *from = tg_json_get_text(line, "x_from", "");
        int64_t from_ns = 0;
        if (tg_clock_parse(from, strlen(from), &from_ns) == TG_OK && from_ns == fee->start_ns &&
            strcmp(tg_json_get_text(line, "x_subscription", ""), fee->subscription) == 0 &&
            strcmp(tg_json_get_text(line, "product", ""), fee->product) == 0 &&
            tg_json_get_integer(line, "x_quantity", 1) == fee->quantity &&
            strcmp(tg_json_get_text(line, "x_title", ""), TG_BILL_TITLE_AHEAD) == 0) {
            return true;
        }
    }
    return false;
}

/* The cycle before is on the same bill: its lines are there. */
static bool is_on_bill(const struct tg_bill_assembler *made, const struct fee_ahead *fee)
{
    for (uint32_t i = 0; i < made->cycle_from; i++) {
        const struct tg_bill_line *line = &made->lines[i];
        if (line->from_ns == fee->start_ns &&
            strcmp(line->subscriber_id, fee->subscription) == 0 &&
            strcmp(line->product_id, fee->product) == 0 &&
            strcmp(line->title, TG_BILL_TITLE_AHEAD) == 0) {
            return true;
        }
    }
    return false;
}

static bool was_charged(const struct tg_bill_assembler *made, const struct fee_ahead *fee)
{
    const uint32_t month = made->window.month - tg_bill_cycle_step(&made->cycle);
    if (made->window.month > made->month_first) {
        return is_on_bill(made, fee);
    }
    const struct tg_bill_window window = tg_bill_cycle_bill(&made->cycle, month);
    char bill_id[TG_BILL_ID_BYTES];
    if (!tg_bill_standing_id(made, &window, NULL, bill_id, NULL)) {
        return false;
    }
    struct tg_txn txn;
    struct tg_bytes bytes = {NULL, 0};
    struct tg_json *json = NULL;
    tg_txn_begin(&txn, made->state, false);
    enum tg_err err = tg_documents_get(&txn, "customerBill", bill_id, &bytes);
    /* Most have no such line: that is told without reading the document. */
    static const char ahead[] = "\"x_title\":\"" TG_BILL_TITLE_AHEAD "\"";
    if (err == TG_OK && memmem(bytes.at, bytes.length_bytes, ahead, sizeof ahead - 1) == NULL) {
        err = TG_E_NOT_FOUND;
    }
    err = err == TG_OK ? tg_json_parse(bytes.at, bytes.length_bytes, &json, NULL) : err;
    const bool was = err == TG_OK && has_line_ahead(json, fee);
    tg_json_free(json);
    tg_txn_abort(&txn);
    return was;
}

void tg_bill_ahead_find(const struct tg_bill_assembler *made, const struct tg_bill_member *member,
                        struct tg_bill_fee_params *params)
{
    const struct tg_roster_line *who = tg_roster_line(made->catalog->roster, member->subscriber);
    const uint32_t back = TG_BILL_ENDED_CYCLES * tg_bill_cycle_step(&made->cycle);
    const int64_t before_ns =
        tg_bill_cycle_window(&made->cycle, made->window.month - back).start_ns;
    const bool is_ahead = params->is_paid_ahead && params->next_end_ns != 0 &&
                          params->first.image != NULL && params->first.product->is_in_advance != 0;
    if (!is_ahead || made->state == NULL || params->active_from_ns >= params->active_to_ns) {
        return;
    }
    const struct fee_ahead fee = {
        .subscription = member->name,
        .product = tg_image_name(params->first.image, TG_CATALOG_PRODUCT, who->product),
        .quantity = tg_roster_quantity(who),
        .start_ns = params->start_ns};
    if (params->active_from_ns == params->start_ns) {
        params->is_paid_ahead = was_charged(made, &fee);
    } else if (params->active_to_ns <= params->start_ns && params->active_to_ns > before_ns) {
        params->has_ended_before = was_charged(made, &fee);
    }
}
