# SPDX-License-Identifier: Apache-2.0
"""A second rich catalog, of keys that base.py has not, and mistakes that are made in it at once.

Each must be named where its ` is, and nothing else: neither what follows from one nor anything
that another one hides."""

FILES = {
    "accounts.csv": """\
id,name,currency,cycle_day,zone,legal_entity,bill_period,cash_rounding,tax,prepaid,credit_limit,credit_alerts
A1,Anna,CHF,15,America/New_York,north,quarter,true,,,,
A2,Bert,USD,31,,south,,,quebec,,,
A3,Cleo,CHF,7,,,week,,,,,
A4,Dora,CHF,,,,,,,true,10.00,1.00 5.00
""",
    "catalog.yaml": """\
catalog:
  version: 3
  valid_from: 2026-01-01
  currency: CHF
  period_zone: Europe/Zurich
  account_zones: [America/New_York, Asia/Tokyo]
  rounding: {rate: half_up, exchange: half_even, tax: half_up, bill: half_up}
  billing: {approval: required, credit: carry, line_rounding: shared, prepaid_fees: partial, grace_days: 2, payment_days: 30, dunning_days: [5, 20]}
  lint: {price_jump: 20%, ignore: [tier_drop]}
taxes:
  vat: {rate: 8.1%, inclusive: true, tax_point: usage}
  gst: {rate: 5%}
  qst: {rate: 9.5%, compound: true}
  quebec: {parts: [gst, qst], mode: line}
exchange_rates:
  usd26: {from: CHF, to: USD, rate: "1.12", valid_from: 2026-01-01, valid_to: 2026-07-01}
  usd27: {from: CHF, to: USD, rate: "1.15", valid_from: 2026-07-01}
  eur: {from: EUR, to: CHF, rate: "0.95", valid_from: 2025-01-01}
cash_roundings:
  chf: {currency: CHF, step: "0.05", rounding: half_up, accounts: named}
legal_entities:
  north: {title: "North SA", tax_id: FR12345, series: "N"}
  south: {series: "S"}
networks:
  own: {plmn: "22801", zone: home}
  tim: {plmn: "22201", zone: eu, time_zone: Europe/Rome}
  att: {plmn: "310410", zone: us, time_zone: America/New_York}
sites:
  geneva: {nodes: [192.0.2.0/26, "2001:db8::/32"], time_zone: Europe/Zurich}
  tokyo: {nodes: [192.0.2.64/26], time_zone: Asia/Tokyo}
causes:
  isup: {billable: [16, 31]}
  ims: {not_billable: [1-15, 17-30], otherwise: suspend}
counters:
  calls: {period: cycle, scope: account}
  mb: {period: week}
spend_limits:
  cap: {period: month, maximum: "50.00", thresholds: ["10.00", "40.00"]}
  commit: {minimum: "10.00"}
decks:
  world: {file: decks/world.csv, open_end: close}
  lerg: {prefixes: {"1212": ny, "1415": ca}}
  az: {rates: {unit: second, per: 60, first: 30, next: 6}, sheets: [{file: decks/az1.csv}, {file: decks/az2.csv, valid_from: 2026-03-01, missing: delete}]}
""",
    "decks/az1.csv": """\
prefix,zone,price,connect,first,next,minimum,valid_from
1,USA,0.010,,,,,2026-01-01
44,"UK - Fixed",0.012,0.01,60,6,,2026-01-01
4477,"UK - Mobile",0.03,,,,,2026-01-01
""",
    "decks/az2.csv": """\
prefix,zone,price,connect,first,next,minimum
1,USA,0.011,,,,
44,"UK - Fixed",0.012,0.01,60,6,
""",
    "decks/world.csv": """\
prefix,zone,valid_from,valid_to
41,swiss,,
"=117",emergency,,
"=18xx",info,,
49,germany,,
*,rest,,
""",
    "exemptions.csv": """\
account,product,tax,valid_from,valid_to
A2,usa,qst,2026-01-01,2027-01-01
""",
    "plans.yaml": """\
time_models:
  dn:
    zone: Europe/Zurich
    by: home
    ambiguous: second
    default: d
    bands:
      - {band: n, from: "22:00", to: "06:00"}
      - {band: n, days: [sat, sun], weight: 5}
      - {band: n, yearly: ["12-25", "12-31..01-02"], from: "08:00"}
      - {band: n, month_days: [1, 2], months: [6], years: [2026]}
allowances:
  talk: {unit: minute, amount: 100, services: [voice], zones: [swiss, home], bands: [d], direction: out, consume: billed}
  gb: {unit: gigabyte, amount: 1.5, services: [data], scope: account, member_cap: 1, rollover: {periods: 2, order: newest_first, share: 50, max: 3, total: 4}}
  pass: {unit: gigabyte, amount: 1, services: [data], period: day, period_from: start, period_count: 30, blocker: true}
  gift: {unit: gigabyte, amount: 1, services: [data], valid_from: 2026-02-01, valid_to: 2026-03-01, priority: 1, thresholds: [50, 80, 100]}
plans:
  a:
    voice:
      deck: world
      fallback_decks: [az]
      deck_match: longest
      time_model: dn
      split: isolated
      increment_owner: per_segment
      allowance: talk
      causes: isup
      zero_usage: first
      number: routed
      prices:
        swiss: {d: day, n: night}
        germany: {d: day, n: night}
        emergency: {d: day, n: night}
        info: {d: day, n: night}
        rest: {d: day, n: night}
        home: {d: day, n: night}
    data:
      groups: {social: [100, 200-299, chat.example], video: [300]}
      allowances: [gift, pass, gb]
      prices: {social: social, video: mbs, eu: eurp, "*": mbs}
    event: {price: pct}
    message: {price: seats}
  us:
    voice:
      deck: lerg
      origin: {by: number, deck: lerg}
      rate_change: split
      negative_usage: reverse
      prices: {"ny>ca": intra, "=": intra, "ca>*": intra, "?>ny": intra, "*": intra}
    data:
      origin: {by: network}
      groups: {us: [700]}
      prices: {"eu>us": mbs, "*": mbs}
  b:
    voice: {price: out}
    voice_received: {price: land}
products:
  base: {plan: a, fee: "30.00", tax: vat, discount: 10%, discount_on: fees, discount_cycles: 3, discount_rounding: down, discount_decimals: 2, minimum: "20.00", minimum_on: all, maximum: "300.00", maximum_on: all}
  usa: {plan: us, fee: "120.00", period: year, period_from: start, in_advance: true, tax: quebec, minimum: "1000.00", minimum_period: year}
  two: {plan: b, fee: "10.00", period: week, proration: none_full, tax: gst, discount_amount: "1.00", discount_scope: account, late_usage: note, late_write_off_below: "0.50"}
  coup: {fee: "5.00", period: month, period_count: 2, period_from: start, discount: 50%, discount_from: "10.00", discount_max: "3.00", bounds_order: before_discounts}
""",
    "prices.yaml": """\
prices:
  day: {unit: second, price: "0.12", per: 60, first: 60, next: 6, decimals: 4, rounding_of: segment}
  night: {unit: second, price: "0.06", per: 60, first: 60, next: 6, decimals: 4, rounding_of: segment}
  intra: {unit: second, price: "0.02", per: 60, units_of: call, connect: "0.05", connect_on: used}
  out: {unit: second, price: "0.05", per: 60, grace: 3, included: 10, included_off: used, spend_limit: commit}
  land: {unit: second, tariff: graduated, counter: calls, tiers: [{up_to: 6000, price: "0.02"}, {price: "0.01"}]}
  seats: {tariff: graduated, unit: event, meter: max, tiers: [{up_to: 10, price: "5.00"}, {price: "4.00"}]}
  mbs: {unit: megabyte, price: "0.01", carry_remainder: true, decimals: 2}
  eurp: {unit: megabyte, price: "0.20", currency: EUR, convert: event, tax: gst}
  social: {unit: megabyte, price: "0"}
  used: {unit: megabyte, price: "0.001"}
  pct: {tariff: percentage, unit: amount, params: {rate: 2.5%}, min: "0.10", max: "5.00"}
""",
    "subscribers.csv": """\
id,account,product,msisdn,quantity,active_from,active_to
S1,A1,base,41791112201,2,2026-01-01,2026-03-10
S1,A1,base,41791112201,3,2026-03-10,
S2,A2,usa,12125550001,,2026-02-15,
S3,A3,two,41791112203,,2026-01-05,
S4,A4,coup,41791112204,,2026-01-01,
""",
    "suspensions.csv": """\
subscriber,from,to,usage,fee
S2,2026-04-01,2026-05-01,refuse,prorate
S3,2026-06-01,,rate,none
""",
}

# File, what stands there, what is written instead.
MISTAKES = [
    ("catalog.yaml", "approval: required", "approval: `reqired"),
    ("catalog.yaml", "dunning_days: [5, 20]", "dunning_days: [20, `5]"),
    ("catalog.yaml", "grace_days: 2", "grace_days: `8"),
    ("catalog.yaml", "ignore: [tier_drop]", "ignore: [`tier_dorp]"),
    ("catalog.yaml", "price_jump: 20%", "price_jump: `20"),
    ("catalog.yaml", "account_zones: [America/New_York", "account_zones: [`America/New_Yrok"),
    ("catalog.yaml", "period_zone: Europe/Zurich", "period_zone: `Europe/Zurch"),
    ("catalog.yaml", "exchange: half_even", "exchange: `bankers"),
    ("catalog.yaml", "tax_point: usage", "tax_point: `delivery"),
    ("catalog.yaml", "parts: [gst, qst], mode: line", "parts: [gst, `qts], mode: line"),
    ("catalog.yaml", "valid_to: 2026-07-01}\n  usd27", "valid_to: `2026-01-01}\n  usd27"),
    ("catalog.yaml", 'rate: "0.95"', 'rate: `"0"'),
    ("catalog.yaml", "from: EUR, to: CHF", "from: EUR, to: `EUR"),
    ("catalog.yaml", 'step: "0.05"', 'step: `"0.001"'),
    ("catalog.yaml", 'series: "N"', 'series: `"CN"'),
    ("catalog.yaml", 'plmn: "22201"', 'plmn: `"22801"'),
    ("catalog.yaml", "time_zone: Europe/Rome", "time_zone: `Europe/Roma"),
    ("catalog.yaml", "192.0.2.64/26", "`192.0.2.0/26"),
    ("catalog.yaml", "billable: [16, 31]", "billable: [16, `256]"),
    ("catalog.yaml", "not_billable: [1-15, 17-30]", "not_billable: [`15-1, 17-30]"),
    ("catalog.yaml", "calls: {period: cycle", "calls: {period: `fortnight"),
    ("catalog.yaml", 'thresholds: ["10.00", "40.00"]', 'thresholds: ["10.00", `"10.00"]'),
    ("catalog.yaml", 'commit: {minimum: "10.00"}', 'commit: {minimum: "10.00", period: `month}'),
    ("catalog.yaml", "open_end: close", "open_end: `closed"),
    ("catalog.yaml", "missing: delete", "missing: `drop"),
    ("catalog.yaml", "valid_from: 2026-03-01, missing", "valid_from: `2026-03-32, missing"),
    ("catalog.yaml", "rates: {unit: second,", "rates: {unit: `secnd,"),
    ("decks/world.csv", '"=18xx"', '`"=18[5-2]x"'),
    ("decks/az1.csv", "USA,0.010", "USA,`0.01.0"),
    ("decks/az1.csv", '"UK - Mobile",0.03', '`"---",0.03'),
    ("decks/az1.csv", "0.012,0.01,60,6", "0.012,0.01,60,`0"),
    ("prices.yaml", "connect_on: used", "connect_on: `always"),
    ("prices.yaml", "included_off: used", "included_off: `raw"),
    ("prices.yaml", "spend_limit: commit", "spend_limit: `comit"),
    ("prices.yaml", "counter: calls", "counter: `call"),
    ("prices.yaml", "unit: event, meter: max", "unit: second, meter: `max"),
    ("prices.yaml", "tax: gst", "tax: `gts"),
    ("prices.yaml", "rate: 2.5%", "rate: `2.5"),
    ("plans.yaml", "by: home", "by: `subscriber"),
    ("plans.yaml", "days: [sat, sun]", "days: [sat, `sunday]"),
    ("plans.yaml", '"12-31..01-02"', '`"12-31..02-30"'),
    ("plans.yaml", "month_days: [1, 2]", "month_days: [1, `32]"),
    ("plans.yaml", "years: [2026]", "years: [`26]"),
    ("plans.yaml", "weight: 5", "weight: `5000"),
    ("plans.yaml", 'from: "22:00", to: "06:00"', 'from: "22:00", to: `"6:00"'),
    ("plans.yaml", "direction: out", "direction: `outgoing"),
    ("plans.yaml", "share: 50", "share: `150"),
    ("plans.yaml", "order: newest_first", "order: `newest"),
    ("plans.yaml", "period_count: 30", "period_count: `401"),
    ("plans.yaml", "valid_to: 2026-03-01", "valid_to: `2026-01-01"),
    ("plans.yaml", "deck_match: longest", "deck_match: `longst"),
    ("plans.yaml", "causes: isup", "causes: `isub"),
    ("plans.yaml", "number: routed", "number: `ported"),
    ("plans.yaml", "social: [100, 200-299", "social: [100, `299-200"),
    ("plans.yaml", "video: mbs", "`vidoe: mbs"),
    ("plans.yaml", "origin: {by: number, deck: lerg}", "origin: {by: number, deck: `lrg}"),
    ("plans.yaml", "rate_change: split", "rate_change: `cut"),
    ("plans.yaml", "{price: land}", "{price: `mbs}"),
    ("plans.yaml", "discount_on: fees", "discount_on: `fee"),
    ("plans.yaml", "discount_cycles: 3", "discount_cycles: `0"),
    ("plans.yaml", "discount_decimals: 2", "discount_decimals: `19"),
    ("plans.yaml", "period: year, period_from: start", "period: `annual, period_from: start"),
    ("plans.yaml", "minimum_period: year", "minimum_period: `month"),
    ("plans.yaml", "proration: none_full", "proration: `fixed_30"),
    ("plans.yaml", "period_count: 2", "period_count: `241"),
    ("plans.yaml", 'discount_from: "10.00"', "discount_from: `10.00"),
]

# The same of people, whose files are read when the documents have no mistake.
PEOPLE = [
    ("accounts.csv", "15,America/New_York", "15,`Europe/Paris"),
    ("accounts.csv", "quarter,true", "`quartal,true"),
    ("accounts.csv", "Cleo,CHF,7", "Cleo,CHF,`8"),
    ("accounts.csv", "1.00 5.00", "`1.00;5.00"),
    ("accounts.csv", "true,10.00", "true,`ten"),
    ("subscribers.csv", "41791112201,2,", "41791112201,`0,"),
    ("subscribers.csv", "A3,two", "A3,`usa"),
    ("suspensions.csv", "S2,2026-04-01,2026-05-01", "S2,2026-04-01,`2026-03-01"),
    ("suspensions.csv", "S3,2026", "`S9,2026"),
    ("suspensions.csv", "rate,none", "rate,`nothing"),
    ("accounts.csv", "A1,Anna,CHF,15", "A1,Anna,`EUX,15"),
    ("accounts.csv", "A4,Dora,CHF,,", "A4,Dora,CHF,`0,"),
    ("subscribers.csv", "S4,A4,coup,41791112204", "S4,A4,`copu,41791112204"),
    ("subscribers.csv", "S2,A2,usa,12125550001", "S2,A2,usa,`+1-212"),
    ("subscribers.csv", "41791112203,,2026-01-05", "41791112203,,`2026-01-32"),
    ("subscribers.csv", "41791112201,3,2026-03-10", "41791112201,`4097,2026-03-10"),
    ("exemptions.csv", "2026-01-01,2027-01-01", "2026-01-01,`2025-01-01"),
    ("accounts.csv", ",,south,", ",,`suoth,"),
    ("accounts.csv", ",quebec,", ",`qubec,"),
    ("exemptions.csv", "A2,usa", "A2,`us"),
]
