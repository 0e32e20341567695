/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/keys.h"

#include "catalog/image_layout.h"

#define U32_MOST INT64_C(2147483647)
#define I64_MOST INT64_MAX

static const char *const roundings[] = {"half_up", "half_even", "up", "down",
                                        "ceil",    "floor",     NULL};
static const char *const charge_roundings[] = {"half_up", "half_even", "up",   "down",
                                               "ceil",    "floor",     "none", NULL};
static const char *const units[] = {"millisecond", "second",   "minute",   "hour",     "octet",
                                    "kilobyte",    "kibibyte", "megabyte", "mebibyte", "gigabyte",
                                    "gibibyte",    "event",    "amount",   NULL};
static const char *const scopes[] = {"subscriber", "account", NULL};
static const char *const converts[] = {"bill", "event", NULL};
static const char *const at_maxes[] = {"free", "stop", NULL};
static const char *const connects[] = {"priced", "used", NULL};
static const char *const included_offs[] = {"billed", "used", NULL};
static const char *const units_ofs[] = {"record", "call", NULL};
static const char *const splits[] = {"consecutive", "start", "end", "isolated", NULL};
static const char *const owners[] = {"increment_start", "per_second", "per_segment", NULL};
static const char *const prorations[] = {"actual_days", "fixed_30",   "seconds", "none_full",
                                         "none_zero",   "thirtieths", NULL};
static const char *const tax_points[] = {"period_end", "usage", "issue_date", NULL};
static const char *const tax_modes[] = {"category", "line", "charge", NULL};
static const char *const eligibles[] = {"usage", "fees", "all", NULL};
static const char *const late_usages[] = {"next_bill", "write_off", "suspend", "note", NULL};
static const char *const plan_changes[] = {"refund_and_charge", "charge_only", "keep", "none",
                                           "added_seats",       NULL};
static const char *const fee_periods[] = {"month",   "day",  "ever",      "week",
                                          "quarter", "year", "half_year", NULL};
static const char *const fee_anchors[] = {"january", "start", NULL};
static const char *const minimum_periods[] = {"cycle", "quarter", "half_year", "year", NULL};
static const char *const bounds_orders[] = {"after_discounts", "before_discounts", NULL};
static const char *const usage_periods[] = {"month", "day",  "ever",    "week",      "cycle",
                                            "year",  "hour", "quarter", "half_year", NULL};
const char *const *const tg_catalog_usage_periods = usage_periods;
static const char *const directions[] = {"both", "out", "in", NULL};
const char *const tg_catalog_lints[] = {
    "hole",      "missing",          "price_jump", "sell_below_buy", "negative_margin",
    "tier_drop", "unreachable_tier", NULL};
const char *const tg_catalog_services[] = {"data", "voice", "message", "event", "access", NULL};

#define KEYS(name, ...)                                                                            \
    static const struct tg_schema_key name##_array[] = {__VA_ARGS__};                              \
    const struct tg_schema name = TG_SCHEMA(name##_array)

/* clang-format off */
KEYS(tg_catalog_rounding_keys,
    {.key = "rate", .type = TG_TYPE_ENUM, .names = roundings, .fallback = "half_up",
     .help = "Default of every price."},
    {.key = "tax", .type = TG_TYPE_ENUM, .names = roundings, .fallback = "half_up",
     .help = "Default of every tax."},
    {.key = "bill", .type = TG_TYPE_ENUM, .names = roundings, .fallback = "half_up",
     .help = "Line amounts to the currency's minor unit."},
    {.key = "exchange", .type = TG_TYPE_ENUM, .names = roundings, .fallback = "half_up",
     .help = "Amounts that change currency, to the rating scale."});
static const struct tg_schema_key lint_item = {.type = TG_TYPE_ENUM, .names = tg_catalog_lints};
KEYS(tg_catalog_lint_keys,
    {.key = "price_jump", .type = TG_TYPE_PERCENT, .min = 0, .max = I64_MOST, .fallback = "50%",
     .help = "Change of a price that is told; up or down."},
    {.key = "ignore", .type = TG_TYPE_LIST, .min = 1, .max = 16, .item = &lint_item,
     .help = "Lints that say nothing."});
static const char *const approvals[] = {"none", "required", NULL};
static const char *const credits[] = {"carry", "open", NULL};
static const char *const prepaid_fees[] = {"due", "partial", "whole", NULL};
static const char *const line_roundings[] = {"shared", "each", NULL};
static const struct tg_schema_key dunning_item = {.type = TG_TYPE_INTEGER, .min = 0, .max = 3650};
KEYS(tg_catalog_billing_keys,
    {.key = "approval", .type = TG_TYPE_ENUM, .names = approvals, .fallback = "none",
     .help = "Must a bill run be approved before it is issued?"},
    {.key = "credit", .type = TG_TYPE_ENUM, .names = credits, .fallback = "carry",
     .help = "What is open below 0 on a bill: taken off later ones, or left open on it."},
    {.key = "prepaid_fees", .type = TG_TYPE_ENUM, .names = prepaid_fees, .fallback = "due",
     .help = "What a prepaid account's bill asks for: due; taken from its balance as far as that "
             "reaches; or only where it pays all."},
    {.key = "line_rounding", .type = TG_TYPE_ENUM, .names = line_roundings, .fallback = "shared",
     .help = "What `rounding: bill` rounds: the sum of a tax category, shared out over its lines; "
             "or each line by itself."},
    {.key = "grace_days", .type = TG_TYPE_INTEGER, .min = 0, .max = 7,
     .help = "Days that a run waits for sources that are not complete; absent: it does not."},
    {.key = "payment_days", .type = TG_TYPE_INTEGER, .min = 0, .max = 3650,
     .help = "From the date of a bill to the day it is due; absent: it names none."},
    {.key = "dunning_days", .type = TG_TYPE_LIST, .min = 1, .max = 8, .item = &dunning_item,
     .help = "Days after the due date at which an unpaid bill is told, rising."});
static const struct tg_schema_key account_zone_item = {.type = TG_TYPE_STRING, .min = 1,
                                                       .max = 63};
static const struct tg_schema_key rating_digits_item = {.type = TG_TYPE_INTEGER, .min = 0,
                                                        .max = TG_RATING_DIGITS};
KEYS(tg_catalog_head_keys,
    {.key = "version", .type = TG_TYPE_INTEGER, .is_required = true, .min = 1, .max = U32_MOST,
     .help = "Number of this version; stored with every charge."},
    {.key = "valid_from", .type = TG_TYPE_TIME, .is_required = true,
     .help = "Events from this instant on use this version."},
    {.key = "currency", .type = TG_TYPE_STRING, .is_required = true, .min = 3, .max = 3,
     .help = "ISO 4217 code of every amount."},
    {.key = "title", .type = TG_TYPE_STRING, .help = "For people."},
    {.key = "period_zone", .type = TG_TYPE_STRING, .min = 1, .max = 63, .fallback = "UTC",
     .help = "IANA zone in which days, weeks, months and cycles begin, of usage and of bills."},
    {.key = "account_zones", .type = TG_TYPE_LIST, .min = 1, .max = 63, .item = &account_zone_item,
     .help = "IANA zones that accounts.csv may give an account instead."},
    {.key = "tzdata", .type = TG_TYPE_STRING, .min = 1, .max = 15,
     .help = "Release of the tz data it must be compiled with, such as 2025b; absent: any."},
    {.key = "lint", .type = TG_TYPE_MAP, .sub = &tg_catalog_lint_keys,
     .help = "What a person is told of."},
    {.key = "rounding", .type = TG_TYPE_MAP, .sub = &tg_catalog_rounding_keys,
     .help = "Where amounts are rounded, once a stage."},
    {.key = "rating_digits", .type = TG_TYPE_INTEGER, .min = 0, .max = TG_RATING_DIGITS,
     .fallback = "6",
     .help = "Decimals beyond the currency's minor unit to which charges and fees are rounded."},
    {.key = "rating_digits_of", .type = TG_TYPE_TABLE, .is_any_key = true, .min = 1, .max = 200,
     .item = &rating_digits_item,
     .help = "The same of single currencies, by their ISO 4217 code."},
    {.key = "billing", .type = TG_TYPE_MAP, .sub = &tg_catalog_billing_keys,
     .help = "How bills go from draft to paid."});
static const struct tg_schema_key tax_part_item = {.type = TG_TYPE_NAME};
KEYS(tg_catalog_tax_keys,
    {.key = "rate", .type = TG_TYPE_PERCENT, .min = 0, .max = 10000000,
     .help = "Such as 19%; exact to a ppm. Or give parts."},
    {.key = "parts", .type = TG_TYPE_LIST, .min = 1, .max = 6, .item = &tax_part_item,
     .help = "Taxes that are charged together, in this order."},
    {.key = "compound", .type = TG_TYPE_BOOL, .fallback = "false",
     .help = "As a part also a tax on the parts before it."},
    {.key = "rounding", .type = TG_TYPE_ENUM, .names = roundings,
     .help = "Of the tax amount; catalog: rounding: tax when absent."},
    {.key = "title", .type = TG_TYPE_STRING, .max = 200, .help = "On invoices."},
    {.key = "category", .type = TG_TYPE_STRING, .min = 1, .max = 2, .fallback = "S",
     .help = "UN/ECE 5305 code."},
    {.key = "mode", .type = TG_TYPE_ENUM, .names = tax_modes, .fallback = "category",
     .help = "What is rounded: the category's tax, each line's, or each charge's."},
    {.key = "inclusive", .type = TG_TYPE_BOOL, .fallback = "false",
     .help = "Prices and fees are with this tax in them."},
    {.key = "tax_point", .type = TG_TYPE_ENUM, .names = tax_points, .fallback = "period_end",
     .help = "Whose rate counts: of the bill's last instant, the time of usage, or its date."});
static const struct tg_schema_key zone_item = {.type = TG_TYPE_NAME};
static const struct tg_schema_key any_zone_item = {.type = TG_TYPE_STRING, .min = 1, .max = 140};
static const char *const open_ends[] = {"refuse", "close", NULL};
KEYS(tg_catalog_rates_keys,
    {.key = "unit", .type = TG_TYPE_ENUM, .names = units, .is_required = true,
     .help = "What is counted."},
    {.key = "per", .type = TG_TYPE_INTEGER, .min = 1, .max = I64_MOST, .fallback = "1",
     .help = "Units that the column price is for."},
    {.key = "first", .type = TG_TYPE_INTEGER, .min = 1, .max = I64_MOST, .fallback = "1",
     .help = "First increment of rows without one."},
    {.key = "next", .type = TG_TYPE_INTEGER, .min = 1, .max = I64_MOST, .fallback = "1",
     .help = "Further increments of rows without them."},
    {.key = "connect", .type = TG_TYPE_MONEY, .fallback = "0",
     .help = "Connect fee of rows without one."},
    {.key = "minimum", .type = TG_TYPE_INTEGER, .min = 0, .max = I64_MOST, .fallback = "0",
     .help = "Units are raised to this, of rows without one."},
    {.key = "grace", .type = TG_TYPE_INTEGER, .min = 0, .max = I64_MOST, .fallback = "0",
     .help = "At or below this many units nothing is billed, of rows without one."},
    {.key = "included", .type = TG_TYPE_INTEGER, .min = 0, .max = I64_MOST, .fallback = "0",
     .help = "Units of every call that are free, of rows without any."},
    {.key = "min", .type = TG_TYPE_MONEY, .help = "Charge is raised to this, of rows without one."},
    {.key = "max", .type = TG_TYPE_MONEY, .help = "Charge is cut to this, of rows without one."},
    {.key = "tax", .type = TG_TYPE_NAME,
     .help = "Of the usage instead of the product's, of rows without one."},
    {.key = "currency", .type = TG_TYPE_STRING, .min = 3, .max = 3,
     .help = "Of all money of the sheet; absent: the catalog's."},
    {.key = "rounding", .type = TG_TYPE_ENUM, .names = roundings,
     .help = "Of the amount; catalog: rounding: rate when absent."},
    {.key = "decimals", .type = TG_TYPE_INTEGER, .min = -18, .max = 18,
     .help = "Charges are rounded to these by `rounding`; absent: the rating scale."},
    {.key = "quantity_rounding", .type = TG_TYPE_ENUM, .names = roundings, .fallback = "up",
     .help = "Of milliseconds or octets to whole units."},
    {.key = "included_off", .type = TG_TYPE_ENUM, .names = included_offs, .fallback = "billed",
     .help = "What free units come off: billed units, or used ones, before minimum and "
             "increments."},
    {.key = "connect_on", .type = TG_TYPE_ENUM, .names = connects, .fallback = "priced",
     .help = "Fee needs a priced unit, or also an allowance's."});
static const char *const missings[] = {"keep", "delete", NULL};
KEYS(tg_catalog_sheet_keys,
    {.key = "file", .type = TG_TYPE_STRING, .is_required = true, .min = 1, .max = 255,
     .help = "CSV, relative to the folder."},
    {.key = "valid_from", .type = TG_TYPE_TIME,
     .help = "From when the sheet counts; required behind the first."},
    {.key = "missing", .type = TG_TYPE_ENUM, .names = missings,
     .help = "Prefixes before it that it lacks go on, or end then; required behind the first."});
static const struct tg_schema_key sheet_item = {.type = TG_TYPE_MAP, .sub = &tg_catalog_sheet_keys};
KEYS(tg_catalog_deck_keys,
    {.key = "file", .type = TG_TYPE_STRING, .min = 1, .max = 255,
     .help = "CSV with prefix,zone[,valid_from,valid_to], relative to the folder."},
    {.key = "sheets", .type = TG_TYPE_LIST, .min = 1, .max = 24, .item = &sheet_item,
     .help = "Several such files, by time; a later one closes rows of those before."},
    {.key = "prefixes", .type = TG_TYPE_TABLE, .is_any_key = true, .item = &zone_item,
     .help = "Prefixes written here: \"49\": germany. \"*\" is any number."},
    {.key = "rates", .type = TG_TYPE_MAP, .sub = &tg_catalog_rates_keys,
     .help = "The file is a rate sheet: its rows bring price[,connect,first,next,buy]."},
    {.key = "open_end", .type = TG_TYPE_ENUM, .names = open_ends, .fallback = "refuse",
     .help = "A row without valid_to and a later one of its prefix: overlap, or its end."},
    {.key = "buy", .type = TG_TYPE_NAME,
     .help = "Rate sheet of what calls cost us; compared with what they are sold for."});
KEYS(tg_catalog_tier_keys,
    {.key = "up_to", .type = TG_TYPE_INTEGER, .min = 1, .max = I64_MOST,
     .help = "Last unit of the tier, inclusive; absent in the last tier."},
    {.key = "price", .type = TG_TYPE_MONEY, .help = "Of `per` units; absent: 0, beside a flat."},
    {.key = "per", .type = TG_TYPE_INTEGER, .min = 1, .max = I64_MOST, .fallback = "1",
     .help = "Units the price is for."},
    {.key = "flat", .type = TG_TYPE_MONEY, .help = "Added once when the tier is entered."});
static const struct tg_schema_key tier_item = {.type = TG_TYPE_MAP, .sub = &tg_catalog_tier_keys};
static const char *const meters[] = {"sum", "max", NULL};
static const char *const rounding_ofs[] = {"event", "segment", NULL};
KEYS(tg_catalog_price_keys,
    {.key = "tariff", .type = TG_TYPE_NAME, .fallback = "per_unit", .help = "Plug-in that prices."},
    {.key = "currency", .type = TG_TYPE_STRING, .min = 3, .max = 3,
     .help = "Of this price's amounts; the catalog's when absent."},
    {.key = "convert", .type = TG_TYPE_ENUM, .names = converts, .fallback = "bill",
     .help = "Where charges become the account's currency: a bill's line, or each event."},
    {.key = "carry_remainder", .type = TG_TYPE_BOOL, .fallback = "false",
     .help = "What rounding cuts off a charge goes into the next: sums of events are exact."},
    {.key = "carry_scope", .type = TG_TYPE_ENUM, .names = scopes, .fallback = "subscriber",
     .help = "Into the next charge of the subscription, or of the account."},
    {.key = "spend_limit", .type = TG_TYPE_NAME, .help = "Limit that its charges count to."},
    {.key = "tax", .type = TG_TYPE_NAME, .help = "Of its usage, instead of the product's."},
    {.key = "unit", .type = TG_TYPE_ENUM, .names = units, .is_required = true,
     .help = "What is counted."},
    {.key = "price", .type = TG_TYPE_MONEY, .help = "Of `per` units; or give tiers."},
    {.key = "per", .type = TG_TYPE_INTEGER, .min = 1, .max = I64_MOST, .fallback = "1",
     .help = "Units the price is for."},
    {.key = "first", .type = TG_TYPE_INTEGER, .min = 1, .max = I64_MOST, .fallback = "1",
     .help = "Units charged at least."},
    {.key = "next", .type = TG_TYPE_INTEGER, .min = 1, .max = I64_MOST, .fallback = "1",
     .help = "Then in steps of this."},
    {.key = "minimum", .type = TG_TYPE_INTEGER, .min = 0, .max = I64_MOST, .fallback = "0",
     .help = "Units are raised to this before increments."},
    {.key = "grace", .type = TG_TYPE_INTEGER, .min = 0, .max = I64_MOST, .fallback = "0",
     .help = "At or below this many units nothing is billed."},
    {.key = "included", .type = TG_TYPE_INTEGER, .min = 0, .max = I64_MOST, .fallback = "0",
     .help = "Units of every call that are free."},
    {.key = "included_off", .type = TG_TYPE_ENUM, .names = included_offs, .fallback = "billed",
     .help = "What they come off: billed units, or used ones, before minimum and increments."},
    {.key = "connect", .type = TG_TYPE_MONEY, .fallback = "0", .help = "Fee once a call."},
    {.key = "min", .type = TG_TYPE_MONEY, .help = "Charge is raised to this."},
    {.key = "max", .type = TG_TYPE_MONEY, .help = "Charge is cut to this."},
    {.key = "rounding", .type = TG_TYPE_ENUM, .names = charge_roundings,
     .help = "Of the amount; none: down, and the remainder goes into the next charge; catalog: "
             "rounding: rate when absent."},
    {.key = "block", .type = TG_TYPE_INTEGER, .min = 1, .max = I64_MOST, .fallback = "1",
     .help = "So many of `unit` count as one in every other key of this price."},
    {.key = "counter", .type = TG_TYPE_NAME,
     .help = "What tiers count: the price's own units of a period (as those of `counters`), each "
             "record by itself, or one of `counters`; absent: month."},
    {.key = "meter", .type = TG_TYPE_ENUM, .names = meters, .fallback = "sum",
     .help = "What the counter keeps of records: their sum, or the greatest of a period, which is "
             "then what the period costs."},
    {.key = "decimals", .type = TG_TYPE_INTEGER, .min = -18, .max = 18,
     .help = "Charge is rounded to these by `rounding`; absent: the rating scale."},
    {.key = "rounding_of", .type = TG_TYPE_ENUM, .names = rounding_ofs, .fallback = "event",
     .help = "What is rounded to `decimals`: the charge, or each segment of it that bands cut."},
    {.key = "at_max", .type = TG_TYPE_ENUM, .names = at_maxes, .fallback = "free",
     .help = "Beyond max usage is free, or may not be granted."},
    {.key = "connect_on", .type = TG_TYPE_ENUM, .names = connects, .fallback = "priced",
     .help = "Fee needs a priced unit, or also an allowance's."},
    {.key = "quantity_rounding", .type = TG_TYPE_ENUM, .names = roundings, .fallback = "up",
     .help = "Of milliseconds or octets to whole units."},
    {.key = "units_of", .type = TG_TYPE_ENUM, .names = units_ofs, .fallback = "record",
     .help = "What is rounded to whole units: each record of a call, or their sum."},
    {.key = "tiers", .type = TG_TYPE_LIST, .min = 1, .max = 1000, .item = &tier_item,
     .help = "Steps, ascending."},
    {.key = "params", .type = TG_TYPE_SETTINGS, .help = "Handed to the tariff."});
static const struct tg_schema_key date_item = {.type = TG_TYPE_STRING, .min = 1, .max = 64};
static const struct tg_schema_key yearly_item = {.type = TG_TYPE_STRING, .min = 1, .max = 64};
static const struct tg_schema_key year_item = {.type = TG_TYPE_INTEGER, .min = 1970, .max = 2261};
static const struct tg_schema_key month_item = {.type = TG_TYPE_INTEGER, .min = 1, .max = 12};
static const struct tg_schema_key month_day_item = {.type = TG_TYPE_INTEGER, .min = 1, .max = 31};
KEYS(tg_catalog_band_keys,
    {.key = "band", .type = TG_TYPE_NAME, .is_required = true, .help = "Its name."},
    {.key = "days", .type = TG_TYPE_WORDS, .fallback = "all",
     .help = "Weekdays: sat, mon-fri, or a list of such."},
    {.key = "from", .type = TG_TYPE_STRING, .min = 1, .max = 15, .fallback = "00:00",
     .help = "Wall time, inclusive: \"08:00\" or \"08:00:30\"."},
    {.key = "to", .type = TG_TYPE_STRING, .min = 1, .max = 15, .fallback = "24:00",
     .help = "Wall time, exclusive; before `from` it is the next day's."},
    {.key = "dates", .type = TG_TYPE_LIST, .min = 1, .max = 1000, .item = &date_item,
     .help = "Only on these days, such as 2026-12-25 or 2026-06-15..2026-08-31; wins over rules "
             "without days of its own."},
    {.key = "yearly", .type = TG_TYPE_LIST, .min = 1, .max = 366, .item = &yearly_item,
     .help = "Also on these days of every year, such as \"12-25\" or \"12-24..01-06\"."},
    {.key = "month_days", .type = TG_TYPE_LIST, .min = 1, .max = 31, .item = &month_day_item,
     .help = "Only on these days of the month."},
    {.key = "months", .type = TG_TYPE_LIST, .min = 1, .max = 12, .item = &month_item,
     .help = "Only in these months."},
    {.key = "years", .type = TG_TYPE_LIST, .min = 1, .max = 100, .item = &year_item,
     .help = "Only in these years."},
    {.key = "weight", .type = TG_TYPE_INTEGER, .min = -1000, .max = 1000, .fallback = "0",
     .help = "Higher wins among rules as specific; then the first."});
KEYS(tg_catalog_holiday_keys,
    {.key = "band", .type = TG_TYPE_NAME, .is_required = true, .help = "All day long."},
    {.key = "dates", .type = TG_TYPE_LIST, .min = 1, .max = 1000, .item = &date_item,
     .help = "Days such as 2026-12-25."},
    {.key = "yearly", .type = TG_TYPE_LIST, .min = 1, .max = 366, .item = &yearly_item,
     .help = "Days of every year, such as \"12-25\"."});
static const char *const occurrences[] = {"first", "second", NULL};
static const char *const wall_times[] = {"fixed", "serving", "node", "home", NULL};
static const struct tg_schema_key band_item = {.type = TG_TYPE_MAP, .sub = &tg_catalog_band_keys};
KEYS(tg_catalog_time_model_keys,
    {.key = "zone", .type = TG_TYPE_STRING, .min = 1, .max = 63, .fallback = "UTC",
     .help = "IANA time zone of the wall times."},
    {.key = "by", .type = TG_TYPE_ENUM, .names = wall_times, .fallback = "fixed",
     .help = "Whose wall time: zone's always, the serving network's, the node's, the account's."},
    {.key = "ambiguous", .type = TG_TYPE_ENUM, .names = occurrences, .fallback = "first",
     .help = "Which pass of a repeated hour a boundary in it belongs to."},
    {.key = "default", .type = TG_TYPE_NAME, .is_required = true,
     .help = "Band where no rule matches."},
    {.key = "bands", .type = TG_TYPE_LIST, .max = 100, .item = &band_item,
     .help = "Rules; the most specific wins, then the weightiest, then the first."},
    {.key = "holidays", .type = TG_TYPE_MAP, .sub = &tg_catalog_holiday_keys,
     .help = "Days with a band of their own; they win over the rules."});
static const char *const origins[] = {"number", "network", NULL};
KEYS(tg_catalog_origin_keys,
    {.key = "by", .type = TG_TYPE_ENUM, .names = origins, .is_required = true,
     .help = "What the zone of the A party is taken from."},
    {.key = "deck", .type = TG_TYPE_NAME, .help = "Zones of the calling numbers; by number."});
static const struct tg_schema_key group_item = {.type = TG_TYPE_ANY};
static const struct tg_schema_key group_list = {.type = TG_TYPE_LIST, .min = 1, .max = 256,
                                                .item = &group_item};
static const char *const data_splits[] = {"start", "by_time", NULL};
static const char *const deck_matches[] = {"first", "longest", NULL};
static const struct tg_schema_key zone_price_item = {.type = TG_TYPE_ANY};
static const char *const cause_otherwises[] = {"free", "suspend", NULL};
static const char *const zero_usages[] = {"free", "first", "suspend", NULL};
static const char *const number_ofs[] = {"dialled", "routed", NULL};
static const char *const rate_changes[] = {"start", "split", "call", NULL};
static const char *const negative_usages[] = {"suspend", "reverse", NULL};
static const struct tg_schema_key cause_code_item = {.type = TG_TYPE_STRING, .min = 1, .max = 7};
KEYS(tg_catalog_cause_keys,
    {.key = "billable", .type = TG_TYPE_LIST, .min = 1, .max = 256, .item = &cause_code_item,
     .help = "Closing causes (16) and ranges of them (0-15) whose usage is charged, no other."},
    {.key = "not_billable", .type = TG_TYPE_LIST, .min = 1, .max = 256, .item = &cause_code_item,
     .help = "Or: those whose usage is not charged; every other one's is."},
    {.key = "otherwise", .type = TG_TYPE_ENUM, .names = cause_otherwises, .fallback = "free",
     .help = "Usage that is not charged costs nothing, or is suspended."},
    {.key = "title", .type = TG_TYPE_STRING, .max = 200, .help = "For people."});
KEYS(tg_catalog_service_keys,
    {.key = "deck", .type = TG_TYPE_NAME, .help = "Deck that turns numbers into zones."},
    {.key = "fallback_decks", .type = TG_TYPE_LIST, .min = 1, .max = 3, .item = &zone_item,
     .help = "Decks asked in turn for numbers that no deck before has."},
    {.key = "deck_match", .type = TG_TYPE_ENUM, .names = deck_matches, .fallback = "first",
     .help = "Of several decks: the first with any match, or the one with the longest prefix."},
    {.key = "origin", .type = TG_TYPE_MAP, .sub = &tg_catalog_origin_keys,
     .help = "Where from, for prices of pairs: \"A>B\", \"A>*\", \"=\"."},
    {.key = "groups", .type = TG_TYPE_TABLE, .item = &group_list,
     .help = "Zone to rating groups (100, 200-299) and names of services."},
    {.key = "price", .type = TG_TYPE_NAME, .help = "Short for prices: {\"*\": ...}."},
    {.key = "prices", .type = TG_TYPE_TABLE, .is_any_key = true, .item = &zone_price_item,
     .help = "Zone to price, or to a map of band to price; \"*\" any other zone, home no zone."},
    {.key = "time_model", .type = TG_TYPE_NAME, .help = "Bands; absent: one band."},
    {.key = "split", .type = TG_TYPE_ENUM, .names = splits, .fallback = "consecutive",
     .help = "Usage across a band boundary."},
    {.key = "increment_owner", .type = TG_TYPE_ENUM, .names = owners,
     .fallback = "increment_start", .help = "Increment across a band boundary."},
    {.key = "data_split", .type = TG_TYPE_ENUM, .names = data_splits, .fallback = "start",
     .help = "Octets across a band boundary: of the start's band, or by time as split says."},
    {.key = "causes", .type = TG_TYPE_NAME,
     .help = "Table of the closing causes that are charged; absent: all are."},
    {.key = "zero_usage", .type = TG_TYPE_ENUM, .names = zero_usages, .fallback = "free",
     .help = "A record without usage costs nothing, its first increment, or is suspended."},
    {.key = "number", .type = TG_TYPE_ENUM, .names = number_ofs, .fallback = "dialled",
     .help = "Number of the other party that decks look at; routed: where a ported one led."},
    {.key = "rate_change", .type = TG_TYPE_ENUM, .names = rate_changes, .fallback = "start",
     .help = "Row of the deck that counts: of the record's start, each, or of the call's start."},
    {.key = "negative_usage", .type = TG_TYPE_ENUM, .names = negative_usages,
     .fallback = "suspend",
     .help = "A record that takes usage back is suspended, or its price is."},
    {.key = "spend_limit", .type = TG_TYPE_NAME,
     .help = "Limit that all charges of the service count to, beside those of prices."},
    {.key = "allowance", .type = TG_TYPE_NAME, .help = "Bucket that is used first."},
    {.key = "allowances", .type = TG_TYPE_LIST, .min = 1, .max = 6, .item = &zone_item,
     .help = "Several, used by priority, soonest expiry, own before shared, name."});
#define SERVICE(text) {.key = text, .type = TG_TYPE_MAP, .sub = &tg_catalog_service_keys,          \
                       .help = "How this service is priced."}
KEYS(tg_catalog_plan_keys,
    SERVICE("data"), SERVICE("voice"), SERVICE("message"), SERVICE("event"), SERVICE("access"),
    SERVICE("voice_received"), SERVICE("message_received"),
    {.key = "title", .type = TG_TYPE_STRING, .help = "For people."});
static const struct tg_schema_key service_item = {.type = TG_TYPE_ENUM,
                                                  .names = tg_catalog_services};
static const char *const rolls[] = {"oldest_first", "newest_first", NULL};
static const char *const stackings[] = {"each", "once", NULL};
static const char *const consumes[] = {"billed", "raw", NULL};
static const char *const grants[] = {"full", "actual_days", NULL};
static const struct tg_schema_key threshold_item = {.type = TG_TYPE_INTEGER, .min = 1, .max = 100};
KEYS(tg_catalog_rollover_keys,
    {.key = "periods", .type = TG_TYPE_INTEGER, .is_required = true, .min = 1, .max = 4,
     .help = "How often units may roll before they are gone."},
    {.key = "order", .type = TG_TYPE_ENUM, .names = rolls, .fallback = "oldest_first",
     .help = "Which units are used first: those that rolled, or the period's own."},
    {.key = "share", .type = TG_TYPE_INTEGER, .min = 1, .max = 100, .fallback = "100",
     .help = "Percent of what a period leaves that rolls over, rounded down."},
    {.key = "min", .type = TG_TYPE_DECIMAL,
     .help = "At least this rolls over, even when less is left; absent: 0."},
    {.key = "max", .type = TG_TYPE_DECIMAL,
     .help = "At most this rolls over from one period; absent: all."},
    {.key = "total", .type = TG_TYPE_DECIMAL,
     .help = "At most this is carried from all periods together; absent: all."});
static const char *const grant_froms[] = {"calendar", "start", NULL};
KEYS(tg_catalog_allowance_keys,
    {.key = "unit", .type = TG_TYPE_ENUM, .names = units, .is_required = true,
     .help = "Unit of the amount."},
    {.key = "amount", .type = TG_TYPE_DECIMAL, .is_required = true, .min = 0, .max = I64_MOST,
     .help = "Granted a period; such as 100 or 1.5."},
    {.key = "consume", .type = TG_TYPE_ENUM, .names = consumes, .fallback = "billed",
     .help = "Draws billed units, or what was used, before minimum and increments."},
    {.key = "price_when_used", .type = TG_TYPE_NAME,
     .help = "Price of the units it covers; absent: nothing."},
    {.key = "stacking", .type = TG_TYPE_ENUM, .names = stackings, .fallback = "each",
     .help = "A subscription that changes to another plan which names it: granted anew, or once."},
    {.key = "blocker", .type = TG_TYPE_BOOL, .fallback = "false",
     .help = "What it does not cover is priced: no allowance behind it is asked."},
    {.key = "services", .type = TG_TYPE_LIST, .is_required = true, .min = 1, .max = 5,
     .item = &service_item, .help = "What it may cover."},
    {.key = "zones", .type = TG_TYPE_LIST, .min = 1, .max = 65534, .item = &any_zone_item,
     .help = "Zones it may cover, also of pairs; absent: all."},
    {.key = "bands", .type = TG_TYPE_LIST, .min = 1, .max = 64, .item = &zone_item,
     .help = "Bands of the service's time model it may cover; absent: any time."},
    {.key = "direction", .type = TG_TYPE_ENUM, .names = directions, .fallback = "both",
     .help = "Usage made, received, or both."},
    {.key = "period", .type = TG_TYPE_ENUM, .names = usage_periods,
     .help = "When it is granted anew; absent: month, with valid_from or valid_to ever."},
    {.key = "period_from", .type = TG_TYPE_ENUM, .names = grant_froms, .fallback = "calendar",
     .help = "Periods are the calendar's, or counted from when the subscription begins."},
    {.key = "period_count", .type = TG_TYPE_INTEGER, .min = 1, .max = 400, .fallback = "1",
     .help = "From start: so many of `period` are one, such as 30 days."},
    {.key = "valid_from", .type = TG_TYPE_TIME,
     .help = "Nothing before is covered; a date is the account's local midnight."},
    {.key = "valid_to", .type = TG_TYPE_TIME, .help = "First instant that is not covered."},
    {.key = "priority", .type = TG_TYPE_INTEGER, .min = 0, .max = 65535, .fallback = "100",
     .help = "Lower is used first."},
    {.key = "scope", .type = TG_TYPE_ENUM, .names = scopes, .fallback = "subscriber",
     .help = "Each subscription its own, or one pool an account."},
    {.key = "member_cap", .type = TG_TYPE_DECIMAL, .min = 0, .max = I64_MOST,
     .help = "At most this of a pool for one member a period; absent: all."},
    {.key = "proration", .type = TG_TYPE_ENUM, .names = grants, .fallback = "full",
     .help = "Grant of the period in which the subscription begins."},
    {.key = "rollover", .type = TG_TYPE_MAP, .sub = &tg_catalog_rollover_keys,
     .help = "Units left over go on into the next period; absent: they end."},
    {.key = "thresholds", .type = TG_TYPE_LIST, .min = 1, .max = 3, .item = &threshold_item,
     .help = "Percent of use that is told once a period, rising."});
#define PRODUCT_DECK(text)                                                                         \
    {.key = text, .type = TG_TYPE_NAME, .help = "Deck that is asked before the plan's."}
KEYS(tg_catalog_product_deck_keys,
    PRODUCT_DECK("data"), PRODUCT_DECK("voice"), PRODUCT_DECK("message"), PRODUCT_DECK("event"),
    PRODUCT_DECK("access"));
static const struct tg_schema_key discount_price_item = {.type = TG_TYPE_NAME};
KEYS(tg_catalog_product_keys,
    {.key = "plan", .type = TG_TYPE_NAME, .help = "Absent: fees only."},
    {.key = "decks", .type = TG_TYPE_MAP, .sub = &tg_catalog_product_deck_keys,
     .help = "Decks of this customer, by service; the plan's come behind them."},
    {.key = "title", .type = TG_TYPE_STRING, .max = 200, .help = "On invoices."},
    {.key = "fee", .type = TG_TYPE_MONEY, .fallback = "0", .help = "Recurring, a period."},
    {.key = "period", .type = TG_TYPE_ENUM, .names = fee_periods, .fallback = "month",
     .help = "Of the fee."},
    {.key = "period_from", .type = TG_TYPE_ENUM, .names = fee_anchors, .fallback = "january",
     .help = "From where periods of several, and weeks of the fee, are counted."},
    {.key = "period_count", .type = TG_TYPE_INTEGER, .min = 1, .max = 240, .fallback = "1",
     .help = "So many of `period` are one period of the fee."},
    {.key = "proration", .type = TG_TYPE_ENUM, .names = prorations, .fallback = "actual_days",
     .help = "Fee of part of a period."},
    {.key = "prorate_on_start", .type = TG_TYPE_BOOL, .fallback = "true",
     .help = "First part period; false: whole fee."},
    {.key = "prorate_on_end", .type = TG_TYPE_BOOL, .fallback = "true",
     .help = "Last part period; false: whole fee."},
    {.key = "prorate_on_plan_change", .type = TG_TYPE_ENUM, .names = plan_changes,
     .fallback = "refund_and_charge",
     .help = "Fees of the cycle in which a subscription changes to this product."},
    {.key = "in_advance", .type = TG_TYPE_BOOL, .fallback = "false",
     .help = "Billed at the start of the period."},
    {.key = "tax", .type = TG_TYPE_NAME, .help = "Tax category; absent: not taxed."},
    {.key = "discount", .type = TG_TYPE_PERCENT, .min = 0, .max = 1000000, .fallback = "0%",
     .help = "Part of the eligible lines taken off, before tax."},
    {.key = "discount_amount", .type = TG_TYPE_MONEY, .fallback = "0",
     .help = "Taken off the eligible lines a cycle, never below 0."},
    {.key = "discount_on", .type = TG_TYPE_ENUM, .names = eligibles, .fallback = "usage",
     .help = "Lines that discounts are of."},
    {.key = "discount_scope", .type = TG_TYPE_ENUM, .names = scopes, .fallback = "subscriber",
     .help = "Discounts on the lines of each subscription, or once on all of the account."},
    {.key = "discount_rounding", .type = TG_TYPE_ENUM, .names = roundings,
     .help = "Of the discount; absent: the catalog's for rates."},
    {.key = "discount_decimals", .type = TG_TYPE_INTEGER, .min = 0, .max = 18,
     .help = "Decimals the discount is rounded to; absent: the rating scale."},
    {.key = "discount_from", .type = TG_TYPE_MONEY, .fallback = "0",
     .help = "Discounts only in a cycle whose eligible lines make at least this."},
    {.key = "discount_max", .type = TG_TYPE_MONEY,
     .help = "Most that the percentage takes off a cycle; absent: no bound."},
    {.key = "discount_prices", .type = TG_TYPE_LIST, .min = 1, .max = 8,
     .item = &discount_price_item,
     .help = "Prices whose usage discounts are of; absent: all."},
    {.key = "discount_cycles", .type = TG_TYPE_INTEGER, .min = 1, .max = 1200,
     .help = "On so many bills of a subscription, its first ones; absent: on all."},
    {.key = "minimum", .type = TG_TYPE_MONEY, .fallback = "0",
     .help = "Least net a cycle of the eligible lines after discounts, prorated as the fee."},
    {.key = "minimum_period", .type = TG_TYPE_ENUM, .names = minimum_periods, .fallback = "cycle",
     .help = "What the minimum is of; what is missing is on the bill of its last cycle."},
    {.key = "minimum_on", .type = TG_TYPE_ENUM, .names = eligibles, .fallback = "usage",
     .help = "Lines that count towards the minimum."},
    {.key = "maximum", .type = TG_TYPE_MONEY, .fallback = "0",
     .help = "Most net a cycle of the eligible lines after discounts, prorated as the fee."},
    {.key = "maximum_on", .type = TG_TYPE_ENUM, .names = eligibles, .fallback = "usage",
     .help = "Lines that count towards the maximum."},
    {.key = "bounds_scope", .type = TG_TYPE_ENUM, .names = scopes, .fallback = "subscriber",
     .help = "Minimum and maximum of each subscription, or once of the account."},
    {.key = "bounds_order", .type = TG_TYPE_ENUM, .names = bounds_orders,
     .fallback = "after_discounts",
     .help = "Minimum and maximum look at lines less discounts, or as they are."},
    {.key = "late_usage", .type = TG_TYPE_ENUM, .names = late_usages, .fallback = "next_bill",
     .help = "Usage that arrives when its bill is issued."},
    {.key = "late_write_off_below", .type = TG_TYPE_MONEY, .fallback = "0",
     .help = "Late usage of a cycle under this is not charged."});
KEYS(tg_catalog_network_keys,
    {.key = "plmn", .type = TG_TYPE_STRING, .is_required = true, .min = 5, .max = 6,
     .help = "Mobile country and network code."},
    {.key = "zone", .type = TG_TYPE_NAME, .fallback = "home",
     .help = "Zone of usage there; home: as in no visited network."},
    {.key = "time_zone", .type = TG_TYPE_STRING, .min = 1, .max = 63,
     .help = "IANA time zone there, for time models by: serving; absent: home."});
static const struct tg_schema_key site_node_item = {.type = TG_TYPE_STRING, .min = 1, .max = 63};
KEYS(tg_catalog_site_keys,
    {.key = "nodes", .type = TG_TYPE_LIST, .is_required = true, .min = 1, .max = 4096,
     .item = &site_node_item,
     .help = "Who stands there: addresses, prefixes such as 192.0.2.0/24, names of nodes."},
    {.key = "time_zone", .type = TG_TYPE_STRING, .min = 1, .max = 63,
     .help = "IANA time zone there, for time models by: node; absent: the model's."});
KEYS(tg_catalog_tariff_keys,
    {.key = "bpf", .type = TG_TYPE_STRING, .is_required = true, .min = 1, .max = 255,
     .help = "Object file of `tollgate plugin build`, relative to the folder."},
    {.key = "title", .type = TG_TYPE_STRING, .max = 200, .help = "For people."});
KEYS(tg_catalog_exchange_keys,
    {.key = "from", .type = TG_TYPE_STRING, .is_required = true, .min = 3, .max = 3,
     .help = "ISO 4217 code of what is converted."},
    {.key = "to", .type = TG_TYPE_STRING, .is_required = true, .min = 3, .max = 3,
     .help = "ISO 4217 code of what it becomes."},
    {.key = "rate", .type = TG_TYPE_MONEY, .is_required = true,
     .help = "Units of `to` for one unit of `from`, exact, at most 12 decimals."},
    {.key = "valid_from", .type = TG_TYPE_TIME, .is_required = true,
     .help = "First instant; event time."},
    {.key = "valid_to", .type = TG_TYPE_TIME, .help = "First instant behind; absent: open."});
static const char *const cash_accounts[] = {"all", "named", NULL};
KEYS(tg_catalog_cash_keys,
    {.key = "currency", .type = TG_TYPE_STRING, .is_required = true, .min = 3, .max = 3,
     .help = "ISO 4217 code of the amounts due."},
    {.key = "step", .type = TG_TYPE_MONEY, .is_required = true,
     .help = "Amounts due are multiples of this, such as 0.05."},
    {.key = "rounding", .type = TG_TYPE_ENUM, .names = roundings, .fallback = "half_up",
     .help = "How they become one."},
    {.key = "accounts", .type = TG_TYPE_ENUM, .names = cash_accounts, .fallback = "all",
     .help = "Whose: all but those that say false in accounts.csv, or only those that say true."});
KEYS(tg_catalog_entity_keys,
    {.key = "title", .type = TG_TYPE_STRING, .min = 1, .max = 120,
     .help = "The seller's name on bills; absent: its id."},
    {.key = "tax_id", .type = TG_TYPE_STRING, .min = 1, .max = 63,
     .help = "Its tax number on bills; absent: none."},
    {.key = "series", .type = TG_TYPE_STRING, .min = 1, .max = 16,
     .help = "Prefix of the numbers of its invoices; absent: that of the run, INV."});
static const struct tg_schema_key spend_item = {.type = TG_TYPE_MONEY};
KEYS(tg_catalog_spend_limit_keys,
    {.key = "period", .type = TG_TYPE_ENUM, .names = usage_periods,
     .help = "When it starts again at 0; absent: month, with a minimum cycle."},
    {.key = "scope", .type = TG_TYPE_ENUM, .names = scopes, .fallback = "subscriber",
     .help = "Each subscription its own, or one for the account."},
    {.key = "maximum", .type = TG_TYPE_MONEY,
     .help = "Charges are cut to what is left of this; absent: never."},
    {.key = "at_maximum", .type = TG_TYPE_ENUM, .names = at_maxes, .fallback = "free",
     .help = "Usage goes on, free; or the maximum only bounds what may be granted."},
    {.key = "minimum", .type = TG_TYPE_MONEY,
     .help = "What is missing to this in a cycle is a line of the bill; absent: nothing."},
    {.key = "thresholds", .type = TG_TYPE_LIST, .min = 1, .max = 3, .item = &spend_item,
     .help = "Amounts that are told once a period with the row that reaches them."});
KEYS(tg_catalog_counter_keys,
    {.key = "period", .type = TG_TYPE_ENUM, .names = usage_periods, .fallback = "month",
     .help = "When it starts again at 0."},
    {.key = "scope", .type = TG_TYPE_ENUM, .names = scopes, .fallback = "subscriber",
     .help = "Each subscription its own, or one for the account."},
    {.key = "title", .type = TG_TYPE_STRING, .max = 200, .help = "For people."});
#define ITEM(what) static const struct tg_schema_key what##_item = {                               \
    .type = TG_TYPE_MAP, .sub = &tg_catalog_##what##_keys}
ITEM(tax);
ITEM(deck);
ITEM(price);
ITEM(time_model);
ITEM(plan);
ITEM(allowance);
ITEM(product);
ITEM(network);
ITEM(site);
ITEM(tariff);
ITEM(exchange);
ITEM(cash);
ITEM(entity);
ITEM(spend_limit);
ITEM(counter);
ITEM(cause);
KEYS(tg_catalog_keys,
    {.key = "catalog", .type = TG_TYPE_MAP, .sub = &tg_catalog_head_keys,
     .help = "Once in a folder."},
    {.key = "taxes", .type = TG_TYPE_TABLE, .item = &tax_item, .help = "Tax categories."},
    {.key = "decks", .type = TG_TYPE_TABLE, .item = &deck_item, .help = "Numbers to zones."},
    {.key = "prices", .type = TG_TYPE_TABLE, .item = &price_item, .help = "Prices."},
    {.key = "time_models", .type = TG_TYPE_TABLE, .item = &time_model_item, .help = "Bands."},
    {.key = "plans", .type = TG_TYPE_TABLE, .item = &plan_item, .help = "Price plans."},
    {.key = "allowances", .type = TG_TYPE_TABLE, .item = &allowance_item, .help = "Buckets."},
    {.key = "products", .type = TG_TYPE_TABLE, .item = &product_item, .help = "What is sold."},
    {.key = "exchange_rates", .type = TG_TYPE_TABLE, .item = &exchange_item,
     .help = "What a currency is worth in another, from when to when."},
    {.key = "cash_roundings", .type = TG_TYPE_TABLE, .item = &cash_item,
     .help = "Amounts due that coins can pay."},
    {.key = "legal_entities", .type = TG_TYPE_TABLE, .item = &entity_item,
     .help = "Who bills: sellers with numbers of their own."},
    {.key = "counters", .type = TG_TYPE_TABLE, .item = &counter_item,
     .help = "What tiers of several prices count together."},
    {.key = "causes", .type = TG_TYPE_TABLE, .item = &cause_item,
     .help = "Which closing causes make usage billable."},
    {.key = "spend_limits", .type = TG_TYPE_TABLE, .item = &spend_limit_item,
     .help = "Money that may be spent in a period."},
    {.key = "networks", .type = TG_TYPE_TABLE, .item = &network_item, .help = "For roaming."},
    {.key = "sites", .type = TG_TYPE_TABLE, .item = &site_item,
     .help = "Where nodes stand, and in which time zone."},
    {.key = "tariffs", .type = TG_TYPE_TABLE, .item = &tariff_item,
     .help = "Tariffs that the catalog brings as verified code."});
/* clang-format on */
