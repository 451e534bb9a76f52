// A tenant with very many people is archived on real workerd, with real D1 and R2, and comes back: in its place, and as another
// tenant. Nothing may be missing, and nobody may have more in memory than a part of it.
//
// BACKUP_PEOPLE=100000 tries it with a hundred thousand people (about 680,000 rows).
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { crowd } from './crowd.mjs';
import { startGatehouse } from './harness.mjs';
import { Operator } from './operator.mjs';

const PEOPLE = Number(process.env.BACKUP_PEOPLE ?? 300);
const PATIENCE_MS = 60_000 + PEOPLE * 20;
const TENANT = 'acme';

let gatehouse, operator, rows, sums, backup;

/** A hash, as the server writes it: 32 bytes, the lowest first. */
const read = (hex) => BigInt(`0x${hex.match(/../g).toReversed().join('')}`);

/** Every table of a tenant: its rows, and the sum of their hashes. How it is cut into answers depends on the time they take. */
async function hashes(tenant) {
  const [tables, query] = [{}, new URLSearchParams()];
  for (;;) {
    const part = await operator.does(`GET /management/tenants/${tenant}/verify?${query}`);
    for (const [table, text] of Object.entries(part.tables)) {
      const [rows, hash] = text.split(':');
      const sum = (tables[table] ??= { rows: 0, hash: 0n });
      sum.rows += Number(rows);
      sum.hash = BigInt.asUintN(256, sum.hash + read(hash));
    }
    if (part.next === undefined) return tables;
    query.set('from', part.next);
  }
}

/** How many rows those are, by table. */
const counts = (tables) => Object.fromEntries(Object.entries(tables).map(([table, { rows }]) => [table, rows]));

/** The most memory that a workerd which this process has started has had at one time, in MiB. */
function peak() {
  const status = (pid) => {
    try {
      return readFileSync(`/proc/${pid}/status`, 'utf8');
    } catch {
      return '';
    }
  };
  const ours = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).map(status);
  const own = ours.filter((text) => /^Name:\s+workerd/m.test(text) && text.includes(`PPid:\t${process.pid}\n`));
  return Math.max(0, ...own.map((text) => Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0))) / 1024;
}

/** Waits for the end of an operation; how long it took, in seconds. */
async function succeeded({ id }) {
  const began = performance.now();
  while (performance.now() - began < PATIENCE_MS) {
    const shown = await operator.does(`GET /management/operations/${id}`);
    if (shown.status === 'succeeded') return (performance.now() - began) / 1000;
    assert.notEqual(shown.status, 'failed', shown.error);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`${id} has not come to its end`);
}

const said = (seconds) => `${rows} rows in ${seconds.toFixed(1)} s: ${Math.round(rows / seconds)} rows/s; workerd had ${Math.round(peak())} MiB at most`;

before(async () => {
  gatehouse = await startGatehouse();
  operator = await Operator.of(gatehouse);
  await operator.does('POST /management/tenants', { id: TENANT, placement: 'shared' });
  const { tables } = await operator.does(`GET /management/tenants/${TENANT}/moves/plan?placement=isolated`);
  await crowd((await gatehouse.env()).SHARED, TENANT, tables, PEOPLE);
  sums = await hashes(TENANT);
  rows = Object.values(counts(sums)).reduce((sum, count) => sum + count);
});
after(() => gatehouse.close());

test(`a tenant of ${PEOPLE} people is archived`, { timeout: PATIENCE_MS }, async (t) => {
  const asked = await operator.does(`POST /management/tenants/${TENANT}/backups`, { include: ['keys', 'sessions', 'logs'] });
  const seconds = await succeeded(asked);
  ({ backup } = asked);
  const shown = await operator.does(`GET /management/tenants/${TENANT}/backups/${backup}`);
  assert.equal(shown.status, 'whole');
  t.diagnostic(`archived ${said(seconds)}; ${shown.parts} parts, ${(shown.bytes / 1e6).toFixed(1)} MB`);
});

test('and comes back as another tenant', { timeout: PATIENCE_MS }, async (t) => {
  const seconds = await succeeded(await operator.does(`POST /management/tenants/${TENANT}/restores`, { backup, into: 'twin', placement: 'isolated' }));
  t.diagnostic(`restored as another tenant: ${said(seconds)}`);
  // A copy signs with keys of its own, and takes along none that others trust.
  const { signing_keys: made, former_keys: none, ...copied } = counts(await hashes('twin'));
  const { signing_keys: kept, former_keys: brought, ...original } = counts(sums);
  assert.deepEqual([copied, made > 0, none], [original, kept > 0, 0]);
});

test('and in its place', { timeout: PATIENCE_MS }, async (t) => {
  const { SHARED } = await gatehouse.env();
  await SHARED.prepare(`delete from users where tenant_id = '${TENANT}' and user_id like '%7'`).run();
  await SHARED.prepare(`update sessions set user_id = 'somebody' where tenant_id = '${TENANT}' and id like '%5%'`).run();
  const seconds = await succeeded(await operator.does(`POST /management/tenants/${TENANT}/restores`, { backup }));
  t.diagnostic(`archived again, and restored in its place: ${said(seconds)}`);
  assert.deepEqual(await hashes(TENANT), sums);
});
