/* SPDX-License-Identifier: Apache-2.0 */
/* Every mistake a pricing person can make is found at its place. A backtick in the text marks the
 * place and is taken out before the text is written, so the expected line and column do not come
 * from the code under test. */
#include "catalog/catalog.h"
#include "doc/diag.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct mistake {
    const char *file;    /* replaces or joins the base folder's file of that name */
    const char *content; /* with one backtick */
    const char *text;    /* part of the message */
    const char *hint;    /* part of the hint, or NULL */
};

static const char base_head[] = "catalog: {version: 1, valid_from: 2026-01-01, currency: EUR}\n";
static const char base_parts[] =
    "taxes:\n  vat: {rate: 19%}\n"
    "decks:\n  world: {file: world.csv}\n"
    "  sheet: {file: sheet.csv, rates: {unit: second}}\n"
    "prices:\n  p_voice: {unit: second, price: \"0.10\", per: 60}\n"
    "  p_data: {unit: octet, price: \"0.10\", per: 1000000}\n"
    "time_models:\n  tm: {default: day, bands: [{band: night, from: \"22:00\"}]}\n"
    "allowances:\n  free: {unit: minute, amount: 100, services: [voice]}\n"
    "plans:\n  basic:\n    voice: {deck: world, prices: {\"*\": p_voice}, allowance: free}\n"
    "    data: {price: p_data}\n"
    "products:\n  prod: {plan: basic, fee: \"9.99\", tax: vat}\n";
static const char base_sheet[] = "prefix,zone,price\n49,Germany,0.1\n";
static const char base_deck[] = "prefix,zone\n49,germany\n39,italy\n";
static const char base_accounts[] = "id,name\nA1,Anna\n";
static const char base_subscribers[] = "id,account,product,msisdn\nS1,A1,prod,491511\n";

static const struct mistake mistakes[] = {
    {"head.yaml", "catalog: {version: 1, valid_from: 2026-01-01, currency: EUR, `wokers: 2}\n",
     "unknown key \"wokers\"", NULL},
    {"head.yaml", "catalog: {version: 1, `curency: EUR, valid_from: 2026-01-01, currency: EUR}\n",
     "unknown key \"curency\"", "did you mean \"currency\"?"},
    {"head.yaml", "`catalog: {version: 1, valid_from: 2026-01-01}\n", "\"currency\" is missing",
     NULL},
    {"head.yaml", "catalog: {version: `0, valid_from: 2026-01-01, currency: EUR}\n", "out of range",
     NULL},
    {"head.yaml", "catalog: {version: `one, valid_from: 2026-01-01, currency: EUR}\n",
     "not of the expected form", "an integer"},
    {"head.yaml",
     "catalog: {version: `99999999999999999999, valid_from: 2026-01-01, currency: EUR}",
     "too large", NULL},
    {"head.yaml", "catalog: {version: 1, valid_from: `2026-13-01, currency: EUR}\n",
     "not of the expected form", "a date or time"},
    {"head.yaml", "catalog: {version: 1, valid_from: 2026-01-01, currency: `EUX}\n",
     "currency \"EUX\" is not known", "ISO 4217"},
    {"head.yaml",
     "catalog: {version: 1, valid_from: 2026-01-01, currency: EUR, rounding: {rate: `half_upp}}\n",
     "none of its values", "did you mean \"half_up\"?"},
    {"more.yaml", "plans: {q: {data: {price: p_data, number: `routed}}}\n",
     "of calls that were made", "a deck of ported numbers"},
    {"more.yaml", "plans: {q: {voice: {price: p_voice, rate_change: `split}}}\n", "has no deck",
     NULL},
    {"more.yaml",
     "plans: {q: {voice: {deck: world, price: p_voice, split: end, rate_change: `split}}}\n",
     "consecutive or isolated", NULL},
    {"more.yaml", "plans: {q: {voice: {price: p_voice, rate_change: `call}}}\n", "has no deck",
     NULL},
    {"more.yaml",
     "allowances: {w: {unit: second, amount: 9, services: [voice], consume: raw}}\n"
     "plans: {q: {voice: {deck: world, price: p_voice, rate_change: call, allowance: `w}}}\n",
     "covers each record by itself", "rate_change: start"},
    {"more.yaml", "plans: {q: {data: {deck: world, price: p_data, rate_change: `split}}}\n",
     "not counted along its time", "by_time"},
    {"more.yaml",
     "prices: {p_min: {unit: minute, price: \"1\"}}\n"
     "plans: {q: {voice: {deck: world, prices: {germany: p_voice, italy: `p_min}, "
     "rate_change: split}}}\n",
     "has another unit or block", NULL},
    {"more.yaml",
     "plans: {q: {voice: {price: p_voice, allowance: free, negative_usage: `reverse}}}\n",
     "has an allowance", "rerate"},
    {"more.yaml",
     "spend_limits: {cap: {maximum: \"5\"}}\n"
     "plans: {q: {voice: {price: p_voice, spend_limit: cap, negative_usage: `reverse}}}\n",
     "have a spend limit", "rerate"},
    {"more.yaml",
     "prices: {p_carry: {unit: second, price: \"1\", carry_remainder: true}}\n"
     "plans: {q: {voice: {price: p_carry, negative_usage: `reverse}}}\n",
     "carry remainders", "rerate"},
    {"more.yaml", "causes: {t: {billable: [16, `256]}}\n", "is no closing cause", "0-15"},
    {"more.yaml", "causes: {t: {billable: [16, `9-8]}}\n", "is no closing cause", NULL},
    {"more.yaml", "causes: {t: {billable: [16, `10-20]}}\n", "16 is in the list already", NULL},
    {"more.yaml", "causes: {`t: {otherwise: free}}\n", "either billable or not_billable", NULL},
    {"more.yaml",
     "plans: {q: {voice: {price: p_voice, causes: `tt}}}\ncauses: {t: {billable: [1]}}\n",
     "no table of causes \"tt\"", "did you mean \"t\"?"},
    {"more.yaml", "`catalog: {version: 1, valid_from: 2026-01-01, currency: EUR}\n",
     "catalog is already in", NULL},
    {"more.yaml", "taxes:\n  x: {rate: `nineteen}\n", "not of the expected form", "19%"},
    {"more.yaml", "taxes:\n  x: {rate: `19.00001%}\n", "not of the expected form", NULL},
    {"zz.yaml", "taxes:\n  `vat: {rate: 7%}\n", "\"vat\" is already in", NULL},
    {"more.yaml", "taxes:\n  a: {rate: 7%}\n  `a: {rate: 8%}\n", "is already on line 2", NULL},
    {"more.yaml", "taxes:\n  `A B: {rate: 7%}\n", "is not a name", "a-z"},
    {"more.yaml", "taxes: `[1, 2]\n", "expected a map", "each has its id: taxes: {id: ...}"},
    {"more.yaml", "allowances:\n  a: {unit: minute, amount: 1, services: `voice}\n",
     "expected a list", "write [voice]"},
    {"more.yaml", "allowances:\n  a: {unit: amount, amount: `\"5.0000001\", services: [event]}\n",
     "no whole number of units", NULL},
    {"more.yaml", "products:\n  x: {fee: \"1\", period_from: `start}\n",
     "is of a fee by quarter, half_year or year", NULL},
    {"more.yaml", "products:\n  x: {fee: \"1\", period: year, period_count: `2}\n",
     "no year says where", "add period_from: start"},
    {"more.yaml", "products:\n  x: {fee: \"1\", maximum: `\"0\"}\n", "must be above 0",
     "discount: 100%"},
    {"more.yaml", "products:\n  x: {fee: \"1\", period: week, period_count: `2}\n",
     "nothing says where", "add period_from: start"},
    {"more.yaml", "products:\n  x: {fee: \"1\", period: ever, period_count: `2}\n",
     "paid once has no periods", NULL},
    {"more.yaml",
     "products:\n  x: {fee: \"1\", period: week, period_from: start, period_count: `53}\n",
     "more than 52 weeks", NULL},
    {"more.yaml",
     "products:\n  x: {fee: \"1\", period: day, period_from: start, period_count: 28, "
     "proration: `fixed_30}\n",
     "none of a fee by this period", "use actual_days"},
    {"more.yaml",
     "products:\n  x: {fee: \"1\", period: year, period_from: start, period_count: `21}\n",
     "more than twenty years", NULL},
    {"more.yaml",
     "allowances:\n  a: {unit: event, amount: 1, services: [event], period_count: `2}\n",
     "one each", "add period_from: start"},
    {"more.yaml",
     "allowances:\n  a: {unit: event, amount: 1, services: [event], period: cycle, "
     "period_from: `start}\n",
     "the account's cycle_day", NULL},
    {"more.yaml",
     "allowances:\n  a: {unit: event, amount: 1, services: [event], period: year, "
     "period_from: start, period_count: `101}\n",
     "a hundred years", NULL},
    {"more.yaml", "prices:\n  x: {unit: second, price: \"1\", meter: `max}\n", "max is of counts",
     "the level as `count`"},
    {"more.yaml", "prices:\n  x: {unit: event, price: \"1\", meter: max, counter: `record}\n",
     "max is of a period", NULL},
    {"more.yaml",
     "prices: {x: {unit: event, price: \"1\", meter: max}}\n"
     "plans: {q: {`event: {price: x, negative_usage: reverse}}}\n",
     "takes usage back", NULL},
    {"more.yaml",
     "prices:\n  x: {unit: event, price: \"1\", counter: c}\n"
     "  y: {unit: event, price: \"1\", meter: max, counter: `c}\ncounters: {c: {}}\n",
     "counts something else", NULL},
    {"more.yaml", "products:\n  x: {bounds_scope: account, bounds_order: `before_discounts}\n",
     "behind all discounts", "use bounds_scope: subscriber"},
    {"more.yaml", "taxes:\n  x: `&a {rate: 7%}\n", "anchors are not allowed", NULL},
    {"more.yaml", "taxes:\n  x: `!!map {rate: 7%}\n", "tags are not allowed", NULL},
    {"more.yaml", "taxes:\n  x: {rate: 7%}\n`---\ntaxes: {}\n", "several documents", NULL},
    {"more.yaml", "taxes:\n`\tx: {rate: 7%}\n", "tabs are not allowed", "blanks"},
    {"more.yaml", "taxes:\n  x: {rate: 7%\ny`: 1\n", "did not find expected", NULL},
    {"more.yaml", "decks:\n  `d: {}\n", "needs one of file, sheets and prefixes", NULL},
    {"more.yaml", "decks:\n  d: {file: `nowhere.csv}\n", "cannot be read", NULL},
    {"more.yaml", "decks:\n  d: {file: `../../etc/passwd}\n", "outside the folder", NULL},
    {"more.yaml", "decks:\n  d: {prefixes: {`\"4a\": italy}}\n", "not 1 to 15 digits", NULL},
    {"more.yaml", "decks:\n  d: {prefixes: {\"49\": `It aly}}\n", "not of the expected form", NULL},
    {"world.csv", "prefix,`zoen,zone\n49,germany,x\n", "unknown column \"zoen\"",
     "did you mean \"zone\"?"},
    {"world.csv", "`prefix\n49\n", "column \"zone\" is missing", NULL},
    {"world.csv", "prefix,zone\n49,germany\n`49,italy\n", "prefix 49 is already on line 2", NULL},
    {"world.csv",
     "prefix,zone,valid_from,valid_to\n49,a,2026-01-01,2026-07-01\n`49,b,2026-06-01,\n",
     "overlaps its row on line 2", "valid_to"},
    {"world.csv", "prefix,zone,valid_from,valid_to\n49,a,2026-07-01,`2026-01-01\n",
     "valid_to is not after", NULL},
    {"more.yaml",
     "allowances:\n  x: {unit: minute, amount: 1, services: [voice],\n"
     "      valid_from: 2026-03-01, valid_to: `2026-03-01}\n",
     "valid_to is not after", NULL},
    {"more.yaml", "allowances:\n  x: {unit: octet, amount: `0.5, services: [data]}\n",
     "no whole number of octets", NULL},
    {"more.yaml", "allowances:\n  x: {unit: octet, amount: `0, services: [data]}\n", "out of range",
     NULL},
    {"more.yaml", "allowances:\n  x: {unit: octet, amount: `many, services: [data]}\n",
     "not of the expected form", "a decimal number"},
    {"more.yaml",
     "allowances:\n  x: {unit: minute, amount: 1, services: [voice], price_when_used: p_data}\n"
     "plans:\n  x:\n    voice: {price: p_voice, allowance: `x}\n",
     "price_when_used does not fit", "per_unit"},
    {"more.yaml",
     "prices: {c: {unit: second, price: \"1\", decimals: 2, carry_remainder: true}}\n"
     "allowances: {x: {unit: minute, amount: 1, services: [voice], price_when_used: p_voice}}\n"
     "plans: {q: {voice: {price: c, allowance: `x}}}\n",
     "price \"c\" of the service carries its remainder", "one charge"},
    {"more.yaml",
     "allowances:\n  x: {unit: minute, amount: 1, services: [voice], consume: raw}\n"
     "plans:\n  x:\n    voice: {price: p_voice, time_model: tm, allowance: `x}\n",
     "consumes raw units", "split: start or end"},
    {"more.yaml", "plans:\n  x:\n    data: {price: p_data, groups: {a: [1, 5-9], b: [2, `9-12]}}\n",
     "is in a group already", NULL},
    {"more.yaml", "plans:\n  x:\n    data: {price: p_data, groups: {a: [`65536]}}\n",
     "no rating group", "200-299"},
    {"more.yaml", "plans:\n  x:\n    data: {price: p_data, groups: {`home: [1]}}\n",
     "usage in no zone", NULL},
    {"more.yaml",
     "allowances:\n  x: {unit: minute, amount: 1, services: [voice], zones: [home, `hoem]}\n",
     "there is no zone \"hoem\"", NULL},
    {"world.csv", "prefix,zone\n`+49,germany\n", "not 1 to 15 digits", "without +"},
    {"world.csv", "prefix,zone\n`1234567890123456,germany\n", "not 1 to 15 digits", NULL},
    {"world.csv", "prefix,zone\n`49\n", "the row has 1 field, the header has 2", NULL},
    {"world.csv", "prefix,zone\n49,`\"germany\n", "never closed", NULL},
    {"world.csv", "prefix,zone\n49,ger`\"many\n", "a quote inside a field", NULL},
    {"more.yaml", "prices:\n  p: {unit: second, price: `0.10}\n", "written in quotes",
     "write \"0.10\""},
    {"more.yaml", "prices:\n  p: {unit: second, price: `\"0.123456789\"}\n", "more than 8 decimals",
     NULL},
    {"more.yaml", "prices:\n  p: {unit: second, price: `\"99999999999999\"}\n", "too large", NULL},
    {"more.yaml", "prices:\n  p: {unit: second, price: `\"ten\"}\n", "not of the expected form",
     NULL},
    {"more.yaml", "prices:\n  p: {unit: `secund, price: \"1\"}\n", "none of its values",
     "did you mean \"second\"?"},
    {"more.yaml", "prices:\n  `p: {price: \"1\"}\n", "\"unit\" is missing", NULL},
    {"more.yaml", "prices:\n  p: {unit: second, price: \"1\", per: `0}\n", "out of range", NULL},
    {"more.yaml", "prices:\n  `p: {unit: second}\n", "needs price, tiers or params", NULL},
    {"more.yaml", "prices:\n  p: {unit: second, price: \"1\", currency: `EUX}\n",
     "currency \"EUX\" is not known", "ISO 4217"},
    {"more.yaml",
     "prices:\n  p: {unit: event, tariff: percentage, currency: `USD, params: {percent: 1%}}\n",
     "is in the catalog's, which is EUR", NULL},
    {"more.yaml",
     "exchange_rates:\n  x: {from: USD, to: EUX, rate: \"1\", valid_from: 2026-01-01, `ato: EUR}\n",
     "unknown key \"ato\"", NULL},
    {"more.yaml",
     "exchange_rates:\n  x: {from: USD, to: `EUX, rate: \"1\", valid_from: 2026-01-01}\n",
     "currency \"EUX\" is not known", "ISO 4217"},
    {"more.yaml",
     "exchange_rates:\n  x: {from: EUR, to: `EUR, rate: \"1\", valid_from: 2026-01-01}\n",
     "from and to are the same", NULL},
    {"more.yaml",
     "exchange_rates:\n  x: {from: USD, to: EUR, rate: `\"0\", valid_from: 2026-01-01}\n",
     "is not above 0", NULL},
    {"more.yaml",
     "exchange_rates:\n"
     "  x: {from: USD, to: EUR, rate: `\"0.1234567890123\", valid_from: 2026-01-01}\n",
     "more than 12 decimals", NULL},
    {"more.yaml",
     "exchange_rates:\n"
     "  x: {from: USD, to: EUR, rate: \"1\", valid_from: 2026-01-02, valid_to: `2026-01-02}\n",
     "valid_to is not after valid_from", NULL},
    {"more.yaml",
     "exchange_rates:\n"
     "  y: {from: USD, to: EUR, rate: \"0.9\", valid_from: 2026-01-01, valid_to: 2026-03-01}\n"
     "  `x: {from: USD, to: EUR, rate: \"0.8\", valid_from: 2026-02-01}\n",
     "exchange rate \"x\" overlaps \"y\"", "end the earlier one"},
    {"more.yaml", "spend_limits:\n  `l: {period: day}\n",
     "needs a maximum, a minimum or thresholds", NULL},
    {"more.yaml",
     "prices: {p: {unit: second, price: \"1\", decimals: 2, rounding_of: segment, min: "
     "`\"0.005\"}}\n",
     "min: has more decimals than segments", NULL},
    {"more.yaml", "prices: {p: {unit: second, price: \"1\", decimals: `0, rounding_of: segment}}\n",
     "decimals: must be 1 to 8", NULL},
    {"more.yaml",
     "prices: {p: {unit: second, price: \"1\", decimals: 2, rounding_of: `segment, "
     "carry_remainder: true}}\n",
     "is carried of charges", NULL},
    {"more.yaml",
     "prices: {p: {unit: second, price: \"1\", decimals: 2, rounding_of: segment}}\n"
     "time_models: {t: {default: a, bands: [{band: b, from: \"08:00\"}]}}\n"
     "plans: {q: {voice: {time_model: t, prices: {\"*\": {a: p, b: `p_voice}}}}}\n",
     "differ in rounding_of", "one charge"},
    {"more.yaml", "spend_limits:\n  l: {minimum: `\"0\"}\n", "minimum: must be above 0", NULL},
    {"more.yaml", "spend_limits:\n  l: {maximum: \"5\", minimum: `\"6\"}\n",
     "minimum: is above the maximum", NULL},
    {"more.yaml", "spend_limits:\n  l: {minimum: \"6\", period: `month}\n",
     "a minimum is of the cycle of a bill", "leave it out"},
    {"more.yaml",
     "spend_limits: {l: {minimum: \"6\"}}\n"
     "plans: {q: {voice: {price: p_voice, spend_limit: `l}}}\n",
     "has a minimum, which is of prices", "in the prices"},
    {"more.yaml", "spend_limits:\n  l: {maximum: `\"-1\"}\n", "must not be negative", NULL},
    {"more.yaml", "spend_limits:\n  l: {thresholds: [\"5\", `\"5\"]}\n", "thresholds must rise",
     NULL},
    {"more.yaml", "prices:\n  p: {unit: second, price: \"1\", spend_limit: `lim}\n",
     "there is no spend limit \"lim\"", NULL},
    {"more.yaml", "prices:\n  p: {unit: second, price: \"1\", carry_scope: `account}\n",
     "carry_scope: no remainder is carried", "carry_remainder"},
    {"more.yaml",
     "prices:\n  p: {unit: second, price: \"1\", rounding: none, carry_remainder: `false}\n",
     "rounding: none keeps every remainder", "leave it out"},
    {"more.yaml", "prices:\n  p: {unit: second, tariff: prorated, price: \"1\", rounding: `none}\n",
     "have no known denominator", NULL},
    {"head.yaml",
     "catalog: {version: 1, valid_from: 2026-01-01, currency: EUR, rating_digits: 0}\n"
     "exchange_rates:\n  x: {from: EUR, to: JPY, rate: `\"1.123456789012\", valid_from: "
     "2026-01-01}\n",
     "12 decimals are too many for amounts of 0 rating digits", "more rating_digits"},
    {"more.yaml",
     "prices:\n  p: {unit: second, price: \"1\", per: 2147483648, carry_remainder: `true}\n",
     "no common multiple below 2^31", "larger unit"},
    {"more.yaml",
     "prices:\n  p: {unit: second, tariff: prorated, price: \"1\", carry_remainder: `true}\n",
     "have no known denominator", NULL},
    {"more.yaml",
     "allowances:\n  a: {unit: minute, amount: 1, services: [voice], bands: [`nigth]}\n",
     "no time model has a band \"nigth\"", NULL},
    {"more.yaml",
     "allowances:\n  a: {unit: minute, amount: 1, services: [voice], bands: [night]}\n"
     "plans:\n  q:\n    voice: {price: p_voice, allowance: `a}\n",
     "is for some bands, the service has none", "time_model"},
    {"more.yaml",
     "spend_limits:\n  l: {maximum: \"1\"}\n  m: {maximum: \"1\"}\n"
     "prices:\n"
     "  v: {unit: second, tariff: package, price: \"1\", counter: day, spend_limit: l,\n"
     "      carry_remainder: true}\n"
     "  d: {unit: octet, tariff: package, price: \"1\", counter: day, spend_limit: m}\n"
     "  s: {unit: event, tariff: package, price: \"1\", counter: day}\n"
     "  e: {unit: event, tariff: package, price: \"1\", counter: week}\n"
     "allowances:\n  x: {unit: minute, amount: 1, services: [voice], period: day}\n"
     "  y: {unit: minute, amount: 1, services: [voice], period: week}\n"
     "plans:\n  `q:\n    voice: {price: v, allowances: [x, y]}\n"
     "    data: {price: d}\n    message: {price: s}\n    event: {price: e}\n",
     "plan \"q\" needs 9 places on the shelf of a subscription, which has 8", "share"},
    {"more.yaml", "counters:\n  `week: {period: month}\n", "has the name of a period", "else"},
    {"more.yaml", "counters:\n  calls: {period: `decade}\n", "\"decade\"", NULL},
    {"more.yaml",
     "counters:\n  calls: {period: week}\n"
     "prices:\n  p: {unit: second, price: \"1\", counter: `cals}\n",
     "there is no counter \"cals\"", "did you mean \"calls\"?"},
    {"more.yaml",
     "counters:\n  both: {period: week}\n"
     "prices:\n  p: {unit: second, price: \"1\", counter: both}\n"
     "  q: {unit: octet, price: \"1\", counter: `both}\n",
     "counts something else for prices before this one", NULL},
    {"more.yaml",
     "prices:\n  d: {unit: second, tariff: package, price: \"1\", counter: day}\n"
     "  `n: {unit: second, tariff: package, price: \"1\", counter: week}\n"
     "time_models:\n  t: {default: x, bands: [{band: y, from: \"20:00\"}]}\n"
     "plans:\n  q:\n    voice: {time_model: t, prices: {home: {x: d, y: n}}}\n",
     "count apart", "the same counter"},
    {"head.yaml",
     "catalog: {version: 1, valid_from: 2026-01-01, currency: EUR, period_zone: `Europe/Berln}\n",
     "there is no time zone \"Europe/Berln\"", "IANA"},
    {"more.yaml", "prices:\n  p: {unit: second, price: \"1\", tariff: `per_unitt}\n",
     "no tariff plug-in", "did you mean \"per_unit\"?"},
    {"more.yaml", "prices:\n  p: {unit: second, price: \"1\", min: `\"2\", max: \"1\"}\n",
     "min is above max", NULL},
    {"more.yaml", "prices:\n  p: {unit: second, price: \"1\", `tiers: [{price: \"1\"}]}\n",
     "both price and tiers", NULL},
    {"more.yaml",
     "prices:\n  p:\n    unit: second\n    tiers:\n      - {up_to: 10, price: \"1\"}\n"
     "      - {up_to: `5, price: \"1\"}\n      - {price: \"1\"}\n",
     "up_to must rise", NULL},
    {"more.yaml",
     "prices:\n  p:\n    unit: second\n    tiers:\n      - `{price: \"1\"}\n"
     "      - {price: \"1\"}\n",
     "only the last tier", NULL},
    {"more.yaml", "prices:\n  p: {unit: second, tiers: [{price: \"1\", up_to: `9}]}\n",
     "last tier must be without", NULL},
    {"more.yaml", "time_models:\n  t: {default: a, zone: `Europe/Atlantis}\n", "no time zone",
     NULL},
    {"more.yaml", "time_models:\n  t: {default: a, bands: [{band: b, from: `\"25:00\"}]}\n",
     "no wall time", NULL},
    {"more.yaml",
     "time_models:\n  t: {default: a, bands: [`{band: b, from: \"20:00\", to: \"20:00\"}]}\n",
     "from and to are the same", "of the day on which it begins"},
    {"more.yaml",
     "time_models:\n  t: {default: a, bands: [`{band: b, from: \"24:00\", to: \"06:00\"}]}\n",
     "from is the end of the day", "of the day on which it begins"},
    {"more.yaml", "allowances:\n  a: {unit: minute, amount: 1, services: `[message]}\n",
     "not counted in minutes", NULL},
    {"more.yaml",
     "allowances:\n  a: {unit: minute, amount: 1, services: [voice], zones: [`mars]}\n",
     "no zone \"mars\"", NULL},
    {"more.yaml", "plans:\n  p: {voice: {deck: `worl, prices: {\"*\": p_voice}}}\n",
     "no deck \"worl\"", "did you mean \"world\"?"},
    {"more.yaml", "plans:\n  p: {voice: {deck: world, prices: {\"*\": `p_voise}}}\n",
     "no price \"p_voise\"", "did you mean \"p_voice\"?"},
    {"more.yaml",
     "plans:\n  p: {voice: {deck: world, prices: {`itali: p_voice, \"*\": p_voice}}}\n",
     "no zone \"itali\"", "did you mean \"italy\"?"},
    /* found by the fuzzer: a plan that names a time model which is itself wrong */
    {"more.yaml",
     "time_models:\n  t: {default: a, zone: `Mars/Base}\nplans:\n  p: {voice: {deck: world, "
     "time_model: t, prices: {\"*\": {a: p_voice}}}}\n",
     "no time zone", NULL},
    {"more.yaml",
     "time_models:\n  t: `[]\nplans:\n  p: {voice: {deck: world, time_model: t, prices: {\"*\": "
     "{a: p_voice}}}}\n",
     "expected a map", NULL},
    /* found by the fuzzer: a list where a map of prices belongs */
    {"more.yaml", "plans:\n  p: {voice: {deck: world, prices: `[p_voice]}}\n", "expected a map",
     NULL},
    {"more.yaml", "decks:\n  d: {prefixes: {\"49\": x}, `rates: {unit: second}}\n",
     "only a file has prices", NULL},
    {"more.yaml", "decks:\n  d: {file: sheet.csv, rates: {unit: second, decimals: `9}}\n",
     "decimals: must be -1 to 8", NULL},
    {"more.yaml", "decks:\n  d: {file: world.csv, buy: `world}\n", "brings no prices", NULL},
    {"more.yaml", "decks:\n  d: {file: world.csv, `rates: {per: 60}}\n", "\"unit\" is missing",
     NULL},
    {"sheet.csv", "prefix,zone,price\n49,Germany,`0.1x\n", "is no amount of money", NULL},
    {"sheet.csv", "prefix,zone,price\n49,Germany,`\n", "has no price", NULL},
    {"sheet.csv", "prefix,zone,price\n49,Germany,`0.123456789\n", "more than 8 decimals", NULL},
    {"sheet.csv", "prefix,zone,price,first\n49,Germany,0.1,`0\n", "is no increment", NULL},
    {"sheet.csv", "prefix,zone,price,connect\n49,Germany,0.1,`a\n", "is no amount", NULL},
    {"sheet.csv", "prefix,zone,price,grace\n49,Germany,0.1,`-1\n", "are no units", NULL},
    {"sheet.csv", "prefix,zone,price,min,max\n`49,Germany,0.1,2,1\n", "min is above max", NULL},
    {"sheet.csv", "prefix,zone,price,intra\n1212,NY,0.1,`0.2\n", "but the row has none",
     "jurisdiction"},
    {"sheet.csv", "prefix,zone,price,intra,jurisdiction\n1212,NY,0.1,0.2,`n>y\n", "without >",
     NULL},
    {"sheet.csv", "prefix,zone,price,indeterminate\n1212,NY,0.1,`x\n", "is no amount", NULL},
    {"sheet.csv", "prefix,zone,price\n49,`--,0.1\n", "neither letters nor digits", NULL},
    {"sheet.csv", "prefix,zone,price\n49,Germany,0.1\n`49,Germany,0.2\n", "already on line 2",
     NULL},
    {"sheet.csv", "`prefix,zone\n49,Germany\n", "column \"price\" is missing", NULL},
    {"more.yaml", "plans:\n  p: {voice: {deck: sheet, prices: {`\"sheet/grmany\": p_voice}}}\n",
     "there is no zone \"sheet/grmany\"", "did you mean \"sheet/germany\"?"},
    {"more.yaml", "plans:\n  p: {message: {deck: `sheet}}\n", "which the service has not", NULL},
    {"more.yaml", "sites:\n  s: {nodes: [gw1], time_zone: `Europe/Pariss}\n",
     "there is no time zone \"Europe/Pariss\"", "IANA"},
    {"more.yaml", "sites:\n  `s: {time_zone: Europe/Paris}\n", "\"nodes\" is missing", NULL},
    {"more.yaml", "sites:\n  s: {nodes: [192.0.2.1, `192.0.2]}\n", "is no address",
     "a node's name"},
    {"more.yaml", "sites:\n  s: {nodes: [`192.0.2.0/33]}\n", "has no prefix length of 0 to 32",
     NULL},
    {"more.yaml", "sites:\n  s: {nodes: [`\"2001:db8::/129\"]}\n",
     "has no prefix length of 0 to 128", NULL},
    {"more.yaml", "sites:\n  s: {nodes: [`192.0.2.1/24]}\n", "has bits behind its prefix length",
     "192.0.2.0/24"},
    {"more.yaml", "sites:\n  s: {nodes: [192.0.2.0/24]}\n  t: {nodes: [`192.0.2.0/24]}\n",
     "site \"s\" has \"192.0.2.0/24\" already", NULL},
    {"more.yaml", "sites:\n  s: {nodes: [gw1]}\n  t: {nodes: [gw2, `GW1]}\n",
     "site \"s\" has \"GW1\" already", NULL},
    {"more.yaml", "networks:\n  n: {plmn: \"20801\", zone: z, time_zone: `Europe/Pariss}\n",
     "there is no time zone \"Europe/Pariss\"", "IANA"},
    {"more.yaml", "decks:\n  d: {prefixes: {`\"=\": italy}}\n", "not 1 to 15 digits", NULL},
    {"world.csv", "prefix,zone\n=110,police\n110,us\n`=110,fire\n",
     "short code 110 is already on line 2", NULL},
    {"world.csv", "prefix,zone\n49,germany\n44,`home\n", "what plans call usage in no zone",
     "another name"},
    {"more.yaml", "decks:\n  d: {prefixes: {`\"11[9-2]\": z}}\n", "is not 1 to 15 digits",
     "x for any digit"},
    {"more.yaml", "decks:\n  d: {prefixes: {`\"=1xxxxx\": z}}\n", "more than 10000 numbers", NULL},
    {"more.yaml", "networks:\n  n1: {plmn: \"99901\"}\n  n2: {plmn: `\"99901\", zone: z}\n",
     "has that plmn already", NULL},
    {"more.yaml", "prices:\n  p: {unit: octet, price: `\"0.000000001\"}\n",
     "has more than 8 decimals", "with per"},
    {"more.yaml", "plans:\n  q: {voice: {deck: world, deck_match: `longst, price: p_voice}}\n",
     "deck_match", "longest"},
    {"more.yaml", "products:\n  p: {plan: basic, decks: {voice: `wrld}}\n",
     "there is no deck \"wrld\"", "did you mean \"world\"?"},
    {"more.yaml", "products:\n  p: {plan: basic, decks: {`message: world}}\n",
     "does not sell message", NULL},
    {"more.yaml", "products:\n  p: {plan: basic, decks: {data: `world}}\n", "has no deck for data",
     NULL},
    {"more.yaml", "products:\n  p: {`decks: {voice: world}}\n", "the product has no plan", NULL},
    {"more.yaml",
     "plans:\n  q: {voice: {deck: world, fallback_decks: [world, world, world], price: p_voice}}\n"
     "products:\n  p: {plan: q, decks: {voice: `world}}\n",
     "one too many", NULL},
    {"more.yaml", "time_models:\n  t: {default: a, bands: [{band: b, yearly: [`\"02-30\"]}]}\n",
     "\"02-30\" is no month and day", "12-25"},
    {"more.yaml",
     "time_models:\n  t: {default: a, bands: [{band: b, yearly: [`\"12-24..13-06\"]}]}\n",
     "is no month and day", "12-24..01-06"},
    {"more.yaml",
     "time_models:\n  t: {default: a, bands: [{band: b, dates: [`2026-08-31..2026-06-15]}]}\n",
     "not of the expected form", "2026-06-15..2026-08-31"},
    {"more.yaml", "time_models:\n  t: {default: a, bands: [{band: b, days: [mon, `mon-son]}]}\n",
     "\"mon-son\" is no weekday", "or a list"},
    {"more.yaml", "time_models:\n  t: {default: a, bands: [{band: b, days: `{mon: 1}}]}\n",
     "expected a word or a list of words", NULL},
    {"more.yaml", "time_models:\n  t: {default: a, bands: [{band: b, days: `[]}]}\n",
     "the list is empty", NULL},
    {"more.yaml", "time_models:\n  t: {default: a, bands: [{band: b, from: `\"08:00:60\"}]}\n",
     "is no wall time", "08:00:30"},
    {"more.yaml", "time_models:\n  t: {default: a, bands: [{band: b, years: [`1969]}]}\n",
     "out of range", NULL},
    {"more.yaml", "time_models:\n  t: {default: a, bands: [{band: b, month_days: [1, `32]}]}\n",
     "out of range", NULL},
    {"more.yaml", "time_models:\n  t: {default: a, bands: [{band: b, months: [`0]}]}\n",
     "out of range", NULL},
    {"more.yaml", "time_models:\n  t: {default: a, bands: [{band: b, weight: `1001}]}\n",
     "out of range", NULL},
    {"more.yaml", "time_models:\n  t: {default: a, `holidays: {band: b}}\n",
     "needs dates or yearly", NULL},
    {"head.yaml", "catalog: {version: 1, valid_from: 2026-01-01, currency: EUR, tzdata: `1999x}\n",
     "the catalog wants 1999x", "TZDIR"},
    {"head.yaml",
     "catalog: {version: 1, valid_from: 2026-01-01, currency: EUR, lint: {ignore: [`holes]}}\n",
     "none of its values", "did you mean \"hole\"?"},
    {"more.yaml", "plans:\n  p: {voice: {deck: world, prices: {`\"italy>germany\": p_voice}}}\n",
     "the service has no origin", "add origin"},
    {"more.yaml", "plans:\n  p: {voice: {price: p_voice, `origin: {by: network}}}\n", "has no deck",
     NULL},
    {"more.yaml",
     "plans:\n  p: {voice: {deck: world, `origin: {by: number}, prices: {\"=\": p_voice}}}\n",
     "needs a deck of the calling numbers", NULL},
    {"more.yaml",
     "plans:\n  p: {voice: {deck: world, origin: {by: network, `deck: world}, price: p_voice}}\n",
     "not a deck", NULL},
    {"more.yaml",
     "plans:\n  p: {voice: {deck: world, origin: {by: number, deck: `wold}, price: p_voice}}\n",
     "there is no deck \"wold\"", "did you mean \"world\"?"},
    {"more.yaml",
     "plans:\n  p: {voice: {deck: world, origin: {by: number, deck: world},\n"
     "    prices: {`\"ital>germany\": p_voice, \"*\": p_voice}}}\n",
     "the origin's deck has no zone \"ital\"", "or ?"},
    {"more.yaml",
     "plans:\n  p: {voice: {deck: world, origin: {by: number, deck: world},\n"
     "    prices: {`\"italy>mars\": p_voice, \"*\": p_voice}}}\n",
     "the service's decks have no zone \"mars\"", "or *"},
    {"more.yaml",
     "plans:\n  p: {voice: {deck: world, origin: {by: number, deck: world},\n"
     "    prices: {`\"*>italy\": p_voice, \"*\": p_voice}}}\n",
     "the origin's deck has no zone \"*\"", "any origin is the price of the zone alone"},
    {"more.yaml",
     "plans:\n  p: {voice: {deck: world, origin: {by: network},\n"
     "    prices: {`\"italy>italy\": p_voice, \"*\": p_voice}}}\n",
     "no network has the zone \"italy\"", "or home"},
    {"more.yaml", "plans:\n  p: {`voice: {deck: world}}\n", "either price or prices", NULL},
    {"more.yaml", "plans:\n  p: {voice: {deck: world, price: `p_data}}\n", "counts octets", NULL},
    {"more.yaml", "plans:\n  p: {data: {price: p_data, allowance: `free}}\n", "does not cover data",
     NULL},
    {"more.yaml",
     "plans:\n  p: {voice: {time_model: tm, deck: world, prices: {\"*\": {`peak: p_voice, day: "
     "p_voice, night: p_voice}}}}\n",
     "no band \"peak\"", NULL},
    {"more.yaml",
     "plans:\n  p: {voice: {time_model: tm, deck: world, prices: {`\"*\": {day: p_voice}}}}\n",
     "has no price in band", NULL},
    {"more.yaml", "products:\n  x: {plan: `basik}\n", "no plan \"basik\"",
     "did you mean \"basic\"?"},
    {"more.yaml", "products:\n  x: {plan: basic, tax: `vta}\n", "no tax \"vta\"",
     "did you mean \"vat\"?"},
    {"more.yaml", "products:\n  x: {plan: basic, prorate_on_start: `yes}\n",
     "not of the expected form", "true or false"},
    {"more.yaml", "networks:\n  n: {plmn: `\"26x01\", zone: eu}\n", "not 5 or 6 digits", NULL},
    {"accounts.csv", "id,name,cycle_day\nA1,Anna,`32\n", "is not 1 to 31", NULL},
    {"accounts.csv", "id,name,currency\nA1,Anna,`USD\n",
     "there is no exchange rate from the catalog's to \"USD\"", "exchange_rates"},
    {"accounts.csv", "id,name,currency\nA1,Anna,`EURO\n", "\"EURO\" is not known", NULL},
    {"accounts.csv", "id,name,tax\nA1,Anna,`vad\n", "no tax \"vad\"", "did you mean \"vat\"?"},
    {"accounts.csv", "id,name\nA1,Anna\n`A1,Anna\n", "is already on line 2", NULL},
    {"accounts.csv", "id,name\nA1,Anna\n`A1-USD,Bo\n", "as those of account \"A1\"", "another id"},
    {"accounts.csv", "id,prepaid\nA1,`yes\n", "is not true or false", NULL},
    {"accounts.csv", "id,prepaid,credit_limit\nA1,true,`-1\n", "is below 0", NULL},
    {"accounts.csv", "id,prepaid,credit_limit\nA1,true,`1.123456789\n", "no amount of money", NULL},
    {"accounts.csv", "id,credit_limit\nA1,`5\n", "of a prepaid account only", "prepaid to true"},
    {"accounts.csv", "id,credit_alerts\nA1,`5\n", "of a prepaid account only", "prepaid to true"},
    {"accounts.csv", "id,prepaid,credit_alerts\nA1,true,`1 2 3 4\n", "more than three", NULL},
    {"subscribers.csv", "id,account,product,msisdn\nS1,`A9,prod,491511\n", "no account \"A9\"",
     "did you mean \"A1\"?"},
    {"subscribers.csv", "id,account,product,msisdn\nS1,A1,`prodd,491511\n", "no product \"prodd\"",
     "did you mean \"prod\"?"},
    {"subscribers.csv", "id,account,product,msisdn\nS1,A1,prod,`49x511\n", "is no number", NULL},
    {"subscribers.csv", "id,account,product,msisdn\nS1,A1,prod,491511\n`S2,A1,prod,491511\n",
     "holds the same number", "active_to"},
    {"subscribers.csv", "id,account,product,ip\nS1,A1,prod,`10.0.0.256\n", "is no IP address",
     NULL},
    {"subscribers.csv",
     "id,account,product,active_from,active_to\nS1,A1,prod,2026-02-01,`2026-01-01\n",
     "is before active_from", NULL},
    {"subscribers.csv", "id,account,product\n`S1\n", "the row has 1 field", NULL},
};

static char folder[64];

static void folder_make(void)
{
    (void)strcpy(folder, "/tmp/tg_mistakes_XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void folder_remove(void)
{
    static const char *const names[] = {"head.yaml",    "parts.yaml",     "more.yaml",
                                        "zz.yaml",      "world.csv",      "sheet.csv",
                                        "accounts.csv", "subscribers.csv"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

/* Write a text without its backtick; the place where it was. */
static void file_write(const char *name, const char *text, uint32_t *line, uint32_t *column)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    uint32_t at_line = 1;
    uint32_t at_column = 1;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '`') {
            *line = at_line;
            *column = at_column;
            continue;
        }
        (void)fputc(*c, file);
        at_column = *c == '\n' ? 1 : at_column + 1;
        at_line += *c == '\n' ? 1 : 0;
    }
    (void)fclose(file);
}

static void base_write(void)
{
    uint32_t ignored = 0;
    file_write("head.yaml", base_head, &ignored, &ignored);
    file_write("parts.yaml", base_parts, &ignored, &ignored);
    file_write("more.yaml", "# nothing more\n", &ignored, &ignored);
    file_write("zz.yaml", "# nor here\n", &ignored, &ignored);
    file_write("world.csv", base_deck, &ignored, &ignored);
    file_write("sheet.csv", base_sheet, &ignored, &ignored);
    file_write("accounts.csv", base_accounts, &ignored, &ignored);
    file_write("subscribers.csv", base_subscribers, &ignored, &ignored);
}

static const struct tg_diag_entry *entry_find(const struct tg_diag *diag, enum tg_severity severity,
                                              const char *file, uint32_t line, uint32_t column,
                                              const char *text)
{
    for (uint32_t i = 0; i < tg_diag_entries_count(diag); i++) {
        const struct tg_diag_entry *entry = tg_diag_entry(diag, i);
        const char *slash = strrchr(entry->path, '/');
        if (entry->severity == severity && slash != NULL && strcmp(slash + 1, file) == 0 &&
            entry->line == line && entry->column == column && strstr(entry->text, text) != NULL) {
            return entry;
        }
    }
    return NULL;
}

/* A mistake found at another place, or not at all, sends a person to the wrong line or to
 * production with a wrong price. */
Test(mistakes, each_is_found_at_its_line_and_column, .init = folder_make, .fini = folder_remove)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        const struct mistake *mistake = &mistakes[i];
        uint32_t line = 0;
        uint32_t column = 0;
        base_write();
        file_write(mistake->file, mistake->content, &line, &column);
        struct tg_diag *diag = tg_diag_open();
        const enum tg_err err = tg_catalog_check(folder, diag, NULL);
        const struct tg_diag_entry *entry =
            entry_find(diag, TG_DIAG_ERROR, mistake->file, line, column, mistake->text);
        cr_expect_eq(err, TG_E_DOCUMENT, "%s: accepted", mistake->content);
        cr_expect_not_null(entry, "%s:%u:%u not reported for: %s", mistake->file, line, column,
                           mistake->content);
        if (entry == NULL) {
            tg_diag_print(diag, stderr);
        } else if (mistake->hint != NULL) {
            cr_expect(entry->hint != NULL && strstr(entry->hint, mistake->hint) != NULL,
                      "%s: hint is %s", mistake->content,
                      entry->hint != NULL ? entry->hint : "missing");
        }
        tg_diag_close(diag);
    }
    cr_expect_geq(sizeof mistakes / sizeof mistakes[0], 40);
}

/* If the base itself had a mistake, the table above would prove nothing. */
Test(mistakes, base_folder_has_none, .init = folder_make, .fini = folder_remove)
{
    base_write();
    struct tg_diag *diag = tg_diag_open();
    struct tg_catalog_summary summary;
    const enum tg_err err = tg_catalog_check(folder, diag, &summary);
    if (err != TG_OK || tg_diag_warnings_count(diag) != 0) {
        tg_diag_print(diag, stderr);
    }
    cr_expect_eq(err, TG_OK);
    cr_expect_eq(tg_diag_warnings_count(diag), 0);
    cr_expect_eq(summary.subscribers_count, 1);
    tg_diag_close(diag);
}

/* Stopping at the first mistake costs a person one round trip for each. */
Test(mistakes, all_of_a_folder_come_at_once, .init = folder_make, .fini = folder_remove)
{
    uint32_t ignored = 0;
    base_write();
    file_write("more.yaml",
               "taxes:\n  x: {rate: nope}\nprices:\n  p: {unit: second, price: 1}\n"
               "plans:\n  q: {voice: {deck: nodeck, price: noprice}}\n"
               "products:\n  r: {plan: noplan, tax: notax}\n",
               &ignored, &ignored);
    file_write("world.csv", "prefix,zone\n49,germany\n49,germany\nyy,italy\n", &ignored, &ignored);
    struct tg_diag *diag = tg_diag_open();
    cr_expect_eq(tg_catalog_check(folder, diag, NULL), TG_E_DOCUMENT);
    cr_expect_eq(tg_diag_errors_count(diag), 8, "found %u", tg_diag_errors_count(diag));
    if (tg_diag_errors_count(diag) != 8) {
        tg_diag_print(diag, stderr);
    }
    tg_diag_close(diag);
}

/* What may be meant is imported, but said: a day without a rate, or a currency with none, stops
 * usage on that day and no sooner. */
Test(mistakes, what_will_suspend_usage_is_warned_of, .init = folder_make, .fini = folder_remove)
{
    static const struct mistake warnings[] = {
        {"more.yaml",
         "exchange_rates:\n"
         "  y: {from: USD, to: EUR, rate: \"0.9\", valid_from: 2026-01-01, valid_to: 2026-02-01}\n"
         "  `x: {from: USD, to: EUR, rate: \"0.8\", valid_from: 2026-02-02}\n",
         "a hole between \"y\" and \"x\"", NULL},
        {"more.yaml",
         "exchange_rates:\n  x: {from: EUR, to: JPY, rate: \"160\", valid_from: 2026-01-01}\n"
         "prices:\n  p: {unit: second, price: \"1\", currency: `JPY}\n",
         "no exchange rate to EUR", "the inverse of a rate is not made up"},
    };
    for (size_t i = 0; i < sizeof warnings / sizeof warnings[0]; i++) {
        uint32_t line = 0;
        uint32_t column = 0;
        base_write();
        file_write(warnings[i].file, warnings[i].content, &line, &column);
        struct tg_diag *diag = tg_diag_open();
        cr_expect_eq(tg_catalog_check(folder, diag, NULL), TG_OK, "%s", warnings[i].content);
        const struct tg_diag_entry *entry =
            entry_find(diag, TG_DIAG_WARNING, warnings[i].file, line, column, warnings[i].text);
        cr_expect(entry != NULL &&
                      (warnings[i].hint == NULL || strcmp(entry->hint, warnings[i].hint) == 0),
                  "%s:%u:%u: %s", warnings[i].file, line, column, warnings[i].text);
        tg_diag_close(diag);
    }
}
