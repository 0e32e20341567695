# SPDX-License-Identifier: Apache-2.0
"""A rich catalog without a mistake. ⟦kind|text⟧ marks a place where one can be seeded.

`seed.py` knows for every kind what may be written there instead and what must be said about it.
"""

import re

MARK = re.compile(r"⟦(\w+)\|([^⟧]*)⟧")


def plain(marked):
    return MARK.sub(lambda m: m.group(2), marked)


FILES = {
    "catalog.yaml": """\
# A carrier's catalog.
⟦key|catalog⟧:
  ⟦key|version⟧: ⟦int|3⟧
  ⟦key|valid_from⟧: ⟦time|2026-01-01⟧
  ⟦key|currency⟧: ⟦currency|EUR⟧
  rating_digits: 6
  rating_digits_of: {EUR: 5, JPY: 0}
  ⟦key|account_zones⟧: [⟦zone|America/New_York⟧, ⟦zone|Asia/Tokyo⟧]
  ⟦key|rounding⟧: {⟦key|rate⟧: ⟦enum|half_up⟧, ⟦key|bill⟧: ⟦enum|half_even⟧}
⟦key|taxes⟧:
  ⟦name|standard⟧: {⟦key|rate⟧: ⟦percent|19%⟧, ⟦key|category⟧: S, ⟦key|rounding⟧: ⟦enum|half_up⟧}
  ⟦name|reduced⟧: {⟦key|rate⟧: ⟦percent|7%⟧, ⟦key|mode⟧: ⟦enum|category⟧, ⟦key|compound⟧: ⟦bool|true⟧}
  ⟦name|both⟧: {⟦key|parts⟧: [⟦ref|standard⟧, ⟦ref|reduced⟧], ⟦key|inclusive⟧: ⟦bool|false⟧}
⟦key|decks⟧:
  ⟦name|world⟧: {⟦key|file⟧: ⟦file|decks/world.csv⟧}
  ⟦name|short⟧: {⟦key|prefixes⟧: {⟦digits|"331018"⟧: ⟦name|short_code⟧, ⟦digits|"1155"⟧: ⟦name|premium⟧}}
⟦key|networks⟧:
  ⟦name|vodafone_it⟧: {⟦key|plmn⟧: ⟦plmn|"22210"⟧, ⟦key|zone⟧: ⟦name|eu_roaming⟧}
  ⟦name|swisscom⟧: {⟦key|plmn⟧: ⟦plmn|"22801"⟧, ⟦key|zone⟧: ⟦name|ch_roaming⟧}
""",
    "prices.yaml": """\
⟦key|prices⟧:
  ⟦name|v_day⟧: {⟦key|unit⟧: ⟦enum|second⟧, ⟦key|price⟧: ⟦money|"0.09"⟧, ⟦key|per⟧: ⟦int|60⟧, ⟦key|first⟧: ⟦int|60⟧, ⟦key|next⟧: ⟦int|6⟧}
  ⟦name|v_night⟧:
    ⟦key|unit⟧: ⟦enum|second⟧
    ⟦key|price⟧: ⟦money|"0.05"⟧
    ⟦key|per⟧: ⟦int|60⟧
    ⟦key|connect⟧: ⟦money|"0.02"⟧
    ⟦key|minimum⟧: ⟦int|10⟧
    ⟦key|rounding⟧: ⟦enum|half_even⟧
  ⟦name|v_world⟧: {⟦key|unit⟧: ⟦enum|second⟧, ⟦key|price⟧: ⟦money|"0.99"⟧, ⟦key|per⟧: ⟦int|60⟧, ⟦key|min⟧: ⟦money|"0.10"⟧, ⟦key|max⟧: ⟦money|"50"⟧, ⟦key|at_max⟧: ⟦enum|stop⟧}
  ⟦name|tiers⟧:
    ⟦key|tariff⟧: ⟦tariff|graduated⟧
    ⟦key|unit⟧: ⟦enum|megabyte⟧
    ⟦key|counter⟧: ⟦enum|month⟧
    ⟦key|tiers⟧: ⟦list|[{up_to: 1000, price: "0.05"}, {up_to: 9000, price: "0.04"}, {price: "0.03"}]⟧
  ⟦name|roaming⟧: {⟦key|unit⟧: ⟦enum|megabyte⟧, ⟦key|price⟧: ⟦money|"0.49"⟧, ⟦key|quantity_rounding⟧: ⟦enum|half_up⟧}
  ⟦name|sms⟧: {⟦key|tariff⟧: ⟦tariff|flat⟧, ⟦key|unit⟧: ⟦enum|event⟧, ⟦key|price⟧: ⟦money|"0.07"⟧}
  ⟦name|share⟧: {⟦key|tariff⟧: ⟦tariff|percentage⟧, ⟦key|unit⟧: ⟦enum|amount⟧, ⟦key|params⟧: {rate: 5%}}
""",
    "plans.yaml": """\
⟦key|time_models⟧:
  ⟦name|day_night⟧:
    ⟦key|zone⟧: ⟦zone|Europe/Berlin⟧
    ⟦key|default⟧: ⟦name|day⟧
    ⟦key|bands⟧:
      - {⟦key|band⟧: ⟦name|night⟧, ⟦key|from⟧: ⟦wall|"00:00"⟧, to: "06:00"}
      - {⟦key|band⟧: ⟦name|night⟧, ⟦key|days⟧: ⟦enum|sat-sun⟧, from: "20:00", ⟦key|to⟧: ⟦wall|"24:00"⟧}
    ⟦key|holidays⟧: {⟦key|band⟧: ⟦name|night⟧, ⟦key|dates⟧: [⟦time|2026-12-25⟧, ⟦time|2026-12-26⟧]}
⟦key|allowances⟧:
  ⟦name|talk⟧: {⟦key|unit⟧: ⟦enum|minute⟧, ⟦key|amount⟧: ⟦int|100⟧, ⟦key|services⟧: [⟦enum|voice⟧], ⟦key|zones⟧: [⟦ref|germany⟧, ⟦ref|mobile⟧]}
  ⟦name|pool⟧:
    ⟦key|unit⟧: ⟦enum|gigabyte⟧
    ⟦key|amount⟧: ⟦int|5⟧
    ⟦key|services⟧: [⟦enum|data⟧]
    ⟦key|scope⟧: ⟦enum|account⟧
    ⟦key|member_cap⟧: ⟦int|2⟧
    ⟦key|priority⟧: ⟦int|10⟧
    ⟦key|rollover⟧: {⟦key|periods⟧: ⟦int|2⟧, ⟦key|max⟧: ⟦int|3⟧}
    ⟦key|thresholds⟧: [⟦int|50⟧, ⟦int|80⟧]
⟦key|plans⟧:
  ⟦name|basic⟧:
    ⟦key|voice⟧:
      ⟦key|deck⟧: ⟦ref|short⟧
      ⟦key|fallback_decks⟧: [⟦ref|world⟧]
      ⟦key|time_model⟧: ⟦ref|day_night⟧
      ⟦key|split⟧: ⟦enum|consecutive⟧
      ⟦key|increment_owner⟧: ⟦enum|increment_start⟧
      ⟦key|allowance⟧: ⟦ref|talk⟧
      ⟦key|prices⟧:
        ⟦zkey|germany⟧: {⟦bkey|day⟧: ⟦ref|v_day⟧, ⟦bkey|night⟧: ⟦ref|v_night⟧}
        ⟦zkey|mobile⟧: ⟦ref|v_day⟧
        "*": ⟦ref|v_world⟧
    ⟦key|data⟧: {⟦key|allowances⟧: [⟦ref|pool⟧], ⟦key|prices⟧: {home: ⟦ref|tiers⟧, "*": ⟦ref|roaming⟧}}
    ⟦key|message⟧: {⟦key|price⟧: ⟦ref|sms⟧}
    ⟦key|event⟧: {⟦key|price⟧: ⟦ref|share⟧}
⟦key|products⟧:
  ⟦name|mobile⟧:
    ⟦key|plan⟧: ⟦ref|basic⟧
    ⟦key|fee⟧: ⟦money|"9.99"⟧
    ⟦key|proration⟧: ⟦enum|actual_days⟧
    ⟦key|prorate_on_start⟧: ⟦bool|true⟧
    ⟦key|prorate_on_plan_change⟧: ⟦enum|refund_and_charge⟧
    ⟦key|tax⟧: ⟦ref|both⟧
    ⟦key|discount⟧: ⟦percent|10%⟧
    ⟦key|minimum⟧: ⟦money|"5.00"⟧
  ⟦name|extra⟧: {⟦key|fee⟧: ⟦money|"1.00"⟧, ⟦key|in_advance⟧: ⟦bool|false⟧, ⟦key|tax⟧: ⟦ref|reduced⟧, ⟦key|late_usage⟧: ⟦enum|suspend⟧}
""",
    "decks/world.csv": """\
⟦column|prefix⟧,⟦column|zone⟧,⟦column|valid_from⟧,⟦column|valid_to⟧
*,rest,,
1,america,,
33,france,,
49,germany,,
⟦cprefix|4915⟧,⟦czone|mobile⟧,⟦ctime|2026-01-01⟧,⟦ctime|2026-07-01⟧
⟦cprefix|4915⟧,⟦czone|mobile⟧,⟦ctime|2026-07-01⟧,
⟦cprefix|4930⟧,⟦czone|germany⟧,,
⟦cprefix|39⟧,⟦czone|italy⟧,,
⟦cprefix|44⟧,⟦czone|britain⟧,,⟦ctime|2027-01-01⟧
""",
    "accounts.csv": """\
⟦column|id⟧,⟦column|name⟧,⟦column|currency⟧,⟦column|cycle_day⟧,⟦column|tax⟧,⟦column|zone⟧
⟦cid|A1001⟧,Anna Schmidt,⟦ccurrency|EUR⟧,⟦cday|1⟧,⟦cref|reduced⟧,
⟦cid|A1002⟧,"Meyer, Schulz",⟦ccurrency|EUR⟧,⟦cday|15⟧,,⟦cref|Asia/Tokyo⟧
⟦cid|A1003⟧,Zoë Müller,EUR,⟦cday|31⟧,⟦cref|standard⟧,⟦cref|America/New_York⟧
""",
    "exemptions.csv": """\
⟦column|account⟧,⟦column|product⟧,⟦column|tax⟧,⟦column|valid_from⟧,⟦column|valid_to⟧
⟦cref|A1001⟧,⟦cref|mobile⟧,⟦cref|standard⟧,2026-01-01,2026-07-01
⟦cref|A1002⟧,,⟦cref|both⟧,,
""",
    "subscribers.csv": """\
⟦column|id⟧,⟦column|account⟧,⟦column|product⟧,⟦column|msisdn⟧,⟦column|imsi⟧,⟦column|ip⟧,⟦column|active_from⟧,⟦column|active_to⟧
⟦cid|S1001⟧,⟦cref|A1001⟧,⟦cref|mobile⟧,⟦cnumber|+491511234501⟧,⟦cnumber|262011234567801⟧,,⟦ctime|2026-01-01⟧,
⟦cid|S1002⟧,⟦cref|A1002⟧,⟦cref|mobile⟧,⟦cnumber|491511234502⟧,,⟦cip|10.1.2.3⟧,⟦ctime|2026-01-01⟧,⟦ctime|2026-09-01⟧
⟦cid|S1003⟧,⟦cref|A1002⟧,⟦cref|extra⟧,⟦cnumber|491511234503⟧,,⟦cip|2001:db8::1⟧,,
""",
}
