# SPDX-License-Identifier: Apache-2.0
"""The same pricing as SQL of ClickHouse (chdb), one thread, from a loaded table to a rated table on disk.

usage: python3 price.py FOLDER FULL|LEAN    prints NAME=VALUE; CPU time is of the queries alone

FULL and LEAN as in price.mjs. Addresses are a dictionary in memory, which is faster than a join.
"""
import resource
import shutil
import sys

from chdb import session

folder, kind = sys.argv[1:]
shutil.rmtree(f"{folder}/clickhouse", ignore_errors=True)
sql = session.Session(f"{folder}/clickhouse")
sql.query("CREATE DATABASE t")
sql.query(f"""CREATE TABLE t.records ENGINE = MergeTree ORDER BY number AS
  SELECT number::Int32 AS number, start_ms::Int64 AS start_ms, source::UInt32 AS source,
  destination::UInt32 AS destination, octets::Int64 AS octets
  FROM file('{folder}/records.csv', CSVWithNames)""")
sql.query(f"""CREATE TABLE t.sessions ENGINE = MergeTree ORDER BY address AS
  SELECT (167772160 + rowNumberInAllBlocks())::UInt64 AS address,
  rowNumberInAllBlocks()::Int32 AS subscriber FROM file('{folder}/catalog/subscribers.csv', CSVWithNames)
  SETTINGS max_threads = 1""")
sql.query("""CREATE DICTIONARY t.holder (address UInt64, subscriber Int32 DEFAULT -1) PRIMARY KEY address
  SOURCE(CLICKHOUSE(DB 't' TABLE 'sessions')) LIFETIME(0) LAYOUT(HASHED())""")
sql.query("SYSTEM RELOAD DICTIONARY t.holder")
sql.query("OPTIMIZE TABLE t.records FINAL")

units = "intDiv(intDiv(octets + 999, 1000) + 9, 10) * 10"
named = f"""SELECT number, dictGet('t.holder', 'subscriber', source::UInt64) AS a,
  if(a >= 0, a, dictGet('t.holder', 'subscriber', destination::UInt64)) AS subscriber,
  {units} AS units FROM t.records"""
full = f"""WITH used AS (SELECT *, sum(units) OVER (PARTITION BY subscriber ORDER BY number
  ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) - units AS before FROM ({named})), split AS
  (SELECT *, least(units, greatest(0, 5000 - before)) AS free FROM used) SELECT number, subscriber,
  units, free, intDiv(2 * (units - free) * 2000000 + 1000, 2000) AS amount FROM split"""
lean = f"""SELECT number, subscriber, units, 0 AS free,
  intDiv(2 * units * 2000000 + 1000, 2000) AS amount FROM ({named})"""


def cpu_us():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return round((used.ru_utime + used.ru_stime) * 1000000)


before = cpu_us()
sql.query(f"""CREATE TABLE t.rated ENGINE = MergeTree ORDER BY number AS
  {full if kind == "FULL" else lean} SETTINGS max_threads = 1, max_insert_threads = 1""")
spent = cpu_us() - before
row = sql.query("""SELECT countIf(subscriber >= 0), sum(amount), sum(units), sum(free), version()
  FROM t.rated""", "TabSeparated").bytes().decode().split()
print(f"cpu_us={spent}\nrecords={row[0]}\namount={row[1]}")
print(f"units={row[2]}\nfree_units={row[3]}\nversion={row[4]}")
