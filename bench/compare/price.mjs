// SPDX-License-Identifier: Apache-2.0
// The same pricing as SQL: DuckDB, one thread, from a loaded table to a rated table on disk.
// usage: node price.mjs FOLDER FULL|LEAN    prints NAME=VALUE; CPU time is of the queries alone
//
// FULL: allowance and increments as the catalog says; the running allowance is a window over each
// subscriber's records in their order. LEAN: join, increments and price only, no allowance: less
// than the task, what a hasty comparison would take.
import duckdb from '@duckdb/node-api';
import { rmSync } from 'node:fs';

const [folder, kind] = process.argv.slice(2);
const file = `${folder}/duck.db`;
rmSync(file, { force: true });
rmSync(`${file}.wal`, { force: true });
const instance = await duckdb.DuckDBInstance.create(file, { threads: '1' });
const sql = await instance.connect();
await sql.run(`CREATE TABLE records AS SELECT number::INTEGER AS number, start_ms::BIGINT AS start_ms,
  source::UINTEGER AS source, destination::UINTEGER AS destination, octets::BIGINT AS octets
  FROM read_csv('${folder}/records.csv')`);
await sql.run(`CREATE TABLE sessions AS SELECT (167772160 + row_number() OVER () - 1)::UINTEGER AS address,
  (row_number() OVER () - 1)::INTEGER AS subscriber FROM read_csv('${folder}/catalog/subscribers.csv')`);
await sql.run('CHECKPOINT');

const units = '((r.octets + 999) // 1000 + 9) // 10 * 10';
const named = `SELECT r.number, coalesce(a.subscriber, b.subscriber) AS subscriber, ${units} AS units
  FROM records r LEFT JOIN sessions a ON r.source = a.address
  LEFT JOIN sessions b ON r.destination = b.address`;
const full = `CREATE TABLE rated AS WITH named AS (${named}), used AS (SELECT *, coalesce(sum(units) OVER
  (PARTITION BY subscriber ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::BIGINT
  AS before FROM named), split AS (SELECT *, least(units, greatest(0, 5000 - before)) AS free FROM used)
  SELECT number, subscriber, units, free, (2 * (units - free) * 2000000 + 1000) // 2000 AS amount FROM split`;
const lean = `CREATE TABLE rated AS WITH named AS (${named})
  SELECT number, subscriber, units, 0 AS free, (2 * units * 2000000 + 1000) // 2000 AS amount FROM named`;

const before = process.cpuUsage();
await sql.run(kind === 'FULL' ? full : lean);
await sql.run('CHECKPOINT');
const used = process.cpuUsage(before);
const reader = await sql.runAndReadAll(`SELECT count(*) FILTER (subscriber IS NOT NULL) AS records,
  sum(amount)::BIGINT AS amount, sum(units)::BIGINT AS units, sum(free)::BIGINT AS free FROM rated`);
const [row] = reader.getRowObjects();
const version = (await sql.runAndReadAll('SELECT version() AS v')).getRowObjects()[0].v;
console.log(`cpu_us=${used.user + used.system}\nrecords=${row.records}\namount=${row.amount}`);
console.log(`units=${row.units}\nfree_units=${row.free}\nversion=${version}`);
