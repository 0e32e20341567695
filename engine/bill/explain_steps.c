/* SPDX-License-Identifier: Apache-2.0 */
#include "bill/explain_steps.h"

#include "base/money.h"
#include "bill/text.h"
#include "doc/json.h"
#include "plug/registry.h"

/* A fraction in lowest terms; every step keeps it exact or gives up. */
struct fraction {
    __int128 numerator;
    __int128 denominator;
};

static __int128 divisor_of(__int128 a, __int128 b)
{
    a = a < 0 ? -a : a;
    while (b != 0) {
        const __int128 rest = a % b;
        a = b;
        b = rest;
    }
    return a == 0 ? 1 : a;
}

/* sum += numerator / denominator; false when 128 bits do not hold it. */
static bool fraction_add(struct fraction *sum, __int128 numerator, uint64_t denominator)
{
    const __int128 common = divisor_of(sum->denominator, denominator);
    const __int128 sum_factor = (__int128)denominator / common;
    const __int128 own_factor = sum->denominator / common;
    const __int128 limit =
        ((__int128)1 << 125) / (sum_factor > own_factor ? sum_factor : own_factor);
    if (sum->denominator > limit || sum->numerator > limit || sum->numerator < -limit ||
        numerator > limit || numerator < -limit) {
        return false;
    }
    sum->numerator = sum->numerator * sum_factor + numerator * own_factor;
    sum->denominator *= sum_factor;
    const __int128 least = divisor_of(sum->numerator, sum->denominator);
    sum->numerator /= least;
    sum->denominator /= least;
    return true;
}

static bool part_sum(struct fraction *sum, const struct tg_tariff_part *part)
{
    return part->per_units > 0 &&
           fraction_add(sum, (__int128)part->price * part->counted, part->per_units) &&
           fraction_add(sum, part->flat, 1);
}

static bool parts_sum_up(const struct tg_rate_piece *piece, const struct tg_tariff_part *parts,
                         uint32_t count)
{
    struct fraction told = {0, 1};
    struct fraction made = {piece->amount, 1};
    for (uint32_t i = 0; i < count; i++) {
        if (!part_sum(&told, &parts[i])) {
            return false;
        }
    }
    return piece->denominator > 0 && fraction_add(&made, piece->remainder, piece->denominator) &&
           told.numerator == made.numerator && told.denominator == made.denominator;
}

uint32_t tg_explain_parts(const struct tg_image *image, const struct tg_rate_piece *piece,
                          struct tg_tariff_part *parts)
{
    const struct tg_price *price = tg_image_price(image, piece->price_id);
    const struct tg_plug *plug =
        tg_plug_find(TG_PLUGIN_TARIFF, tg_image_tariff_name(image, piece->price_id));
    if (price == NULL || plug == NULL || tg_plug_fault(plug)[0] != '\0') {
        return 0;
    }
    const struct tg_plugin *plugin = atomic_load_explicit(&plug->plugin, memory_order_acquire);
    const struct tg_tariff *tariff = plugin->contract;
    if (tariff->size_bytes < TG_TARIFF_BYTES_WITH_EXPLAIN || tariff->explain == NULL) {
        return 0;
    }
    const uint32_t count = tariff->explain(price, &piece->asked, parts, TG_EXPLAIN_PARTS_MAX);
    return count <= TG_EXPLAIN_PARTS_MAX && parts_sum_up(piece, parts, count) ? count : 0;
}

/* The part's own amount: exact where its decimals end, else rounded half up for people; what is
 * charged is the piece's amount, rounded once. */
static int64_t part_amount(const struct tg_tariff_part *part)
{
    int64_t amount = 0;
    const __int128 exact =
        (__int128)part->price * part->counted + (__int128)part->flat * part->per_units;
    (void)tg_money_divide(exact, part->per_units, TG_ROUND_HALF_UP, &amount);
    return amount;
}

static const char *kind_name(uint8_t kind)
{
    static const char *const names[] = {"step", "taken_off", "free", "once", "share"};
    return kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

static struct tg_json *part_json(const struct tg_price *price, const struct tg_tariff_part *part)
{
    struct tg_json *json = tg_json_object();
    const uint8_t scale = price->scale;
    const uint8_t minor = (uint8_t)(scale - TG_MONEY_EXTRA_DECIMALS);
    const bool is_step = part->kind == TG_TARIFF_PART_STEP || part->kind == TG_TARIFF_PART_TAKEN;
    tg_json_set_string(json, "kind", kind_name(part->kind));
    if (part->kind == TG_TARIFF_PART_SHARE) {
        tg_json_set_money(json, "money", (int64_t)part->units, scale, minor);
        tg_json_set_money(json, "percent", part->price, 7, 0);
    } else {
        tg_json_set_integer(json, "units", (int64_t)part->units);
    }
    if (is_step && part->counted != part->units) {
        tg_json_set_integer(json, "counted", (int64_t)part->counted);
    }
    if (is_step || part->kind == TG_TARIFF_PART_SHARE) {
        tg_json_set_integer(json, "step", part->step_index);
    }
    if (is_step) {
        const bool is_taken = part->kind == TG_TARIFF_PART_TAKEN;
        tg_json_set_money(json, "step_price", is_taken ? -part->price : part->price, scale, minor);
        tg_json_set_integer(json, "per", (int64_t)part->per_units);
    }
    if (part->flat != 0) {
        tg_json_set_money(json, "flat", part->flat, scale, minor);
    }
    tg_json_set_money(json, "amount", part_amount(part), scale, minor);
    return json;
}

void tg_explain_parts_set(struct tg_json *json, const struct tg_image *image,
                          const struct tg_rate_piece *piece)
{
    struct tg_tariff_part parts[TG_EXPLAIN_PARTS_MAX];
    const uint32_t count = tg_explain_parts(image, piece, parts);
    if (count == 0) {
        return;
    }
    struct tg_json *list = tg_json_list();
    for (uint32_t i = 0; i < count; i++) {
        tg_json_append(list, part_json(tg_image_price(image, piece->price_id), &parts[i]));
    }
    tg_json_set(json, "parts", list);
}

static void money_add(struct tg_bill_text *out, const struct tg_price *price, int64_t amount)
{
    tg_bill_text_money(out, amount, price->scale,
                       (uint8_t)(price->scale - TG_MONEY_EXTRA_DECIMALS));
}

static void step_add(struct tg_bill_text *out, const struct tg_price *price,
                     const struct tg_tariff_part *part, const char *unit)
{
    const bool is_taken = part->kind == TG_TARIFF_PART_TAKEN;
    const int64_t flat = is_taken ? -part->flat : part->flat;
    tg_bill_text_add(out, is_taken ? " less the %llu %s before" : " %llu %s",
                     (unsigned long long)part->units, unit);
    if (part->counted != part->units) {
        tg_bill_text_add(out, ", counted as %llu,", (unsigned long long)part->counted);
    }
    tg_bill_text_add(out, " at step %u (", part->step_index + 1);
    money_add(out, price, is_taken ? -part->price : part->price);
    tg_bill_text_add(out, " per %llu", (unsigned long long)part->per_units);
    if (flat != 0) {
        tg_bill_text_add(out, ", and ");
        money_add(out, price, flat);
        tg_bill_text_add(out, " once");
    }
    tg_bill_text_add(out, ")");
}

static void part_add(struct tg_bill_text *out, const struct tg_price *price,
                     const struct tg_tariff_part *part, const char *unit)
{
    switch (part->kind) {
    case TG_TARIFF_PART_FREE:
        tg_bill_text_add(out, " %llu %s free;", (unsigned long long)part->units, unit);
        return;
    case TG_TARIFF_PART_ONCE:
        tg_bill_text_add(out, " the record");
        break;
    case TG_TARIFF_PART_SHARE:
        tg_bill_text_add(out, " ");
        money_add(out, price, (int64_t)part->units);
        tg_bill_text_add(out, " at ");
        tg_bill_text_money(out, part->price, 7, 0);
        tg_bill_text_add(out, " %%");
        if (part->flat != 0) {
            tg_bill_text_add(out, " and ");
            money_add(out, price, part->flat);
        }
        break;
    default:
        step_add(out, price, part, unit);
        break;
    }
    tg_bill_text_add(out, " cost ");
    money_add(out, price, part_amount(part));
    tg_bill_text_add(out, ";");
}

uint32_t tg_explain_parts_add(struct tg_bill_text *out, const struct tg_image *image,
                              const struct tg_rate_piece *piece, const char *unit)
{
    struct tg_tariff_part parts[TG_EXPLAIN_PARTS_MAX];
    const uint32_t count = tg_explain_parts(image, piece, parts);
    for (uint32_t i = 0; i < count; i++) {
        part_add(out, tg_image_price(image, piece->price_id), &parts[i], unit);
    }
    return count;
}
