// A tenant moves between databases on real workerd and real D1 while people use it: no request fails, nothing differs,
// nobody can write for a moment only, and everything that was given out before, during and after works on both sides.
//
// MOVE_PEOPLE=100000 tries it with a hundred thousand people (about 770,000 rows); MOVE_PLANTED says how many changed cells
// are to be found, SEED which ones.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { percentile, TENANT, TenantInUse } from './tenant_in_use.mjs';

const PEOPLE = Number(process.env.MOVE_PEOPLE ?? 3_000);
const PLANTED = Number(process.env.MOVE_PLANTED ?? 12);
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);
const PATIENCE_MS = 60_000 + PEOPLE * 10;

let tenant;

before(async () => {
  tenant = await TenantInUse.start();
});
after(() => tenant.close());

const number = (value) => value.toFixed(0);

test(`a tenant of ${PEOPLE} people moves while it is used, and back`, { timeout: 20 * PATIENCE_MS }, async (t) => {
  const rows = await tenant.fill(PEOPLE);
  const early = { tokens: await tenant.signIn(), browser: tenant.browser() };
  await tenant.signIn(early.browser);
  const use = await tenant.use();

  const began = performance.now();
  const id = await tenant.move({ placement: 'isolated' });
  const moved = await tenant.until(id, ({ move }) => move.arrived && move.phase === 'switched', PATIENCE_MS);
  const took = performance.now() - began;
  const during = await tenant.signIn();

  const { rows: compared, differences, mode } = await tenant.compare();
  assert.equal(mode, 'compared');
  assert.deepEqual(differences, []);
  assert.ok(compared >= rows, `${compared} of ${rows} rows were compared`);

  // What was given out before works after.
  early.tokens = await tenant.refresh(early.tokens);
  const again = await tenant.signIn(early.browser, { prompt: 'none' });

  await tenant.steer(id, 'rollback');
  const ended = await tenant.until(id, ({ status }) => status !== 'running', PATIENCE_MS);
  assert.equal(ended.status, 'cancelled');
  const chain = await use.stop();
  for (const tokens of [early.tokens, during, again, chain]) await tenant.refresh(tokens);
  await tenant.signIn(early.browser, { prompt: 'none' });
  assert.equal(await tenant.kept(), tenant.written, 'the last write is there, and no other');

  const times = use.clients.flatMap(({ times }) => times);
  const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)];
  t.diagnostic(`${moved.move.rows_done} rows moved and compared in ${number(took)} ms: copied ${moved.move.rows_per_second} rows/s, in all ${number((moved.move.rows_done / took) * 1000)} rows/s`);
  t.diagnostic(`nobody could write for ${ended.move.pauses_ms.join(' and ')} ms (there and back); budget 500 ms`);
  for (const { name, times } of use.clients) {
    t.diagnostic(`${name}: ${times.length}, p50 ${number(percentile(times, 0.5))} ms, longest ${number(Math.max(...times))} ms`);
  }
  t.diagnostic(`${times.length} requests, none failed: p50 ${number(p50)} ms, p99 ${number(p99)} ms, longest ${number(Math.max(...times))} ms`);
  assert.ok(moved.move.rows_done >= rows);
});

/** A random number below `limit`, the same for the same seed (mulberry32). */
const seeded = (state) => (limit) => {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
};

/** The columns of a table: those of its key without the tenant, and the others. */
async function columnsOf(database, table) {
  const { results } = await database.prepare(`select name, type, pk from pragma_table_info('${table}') order by pk, cid`).all();
  const named = results.filter(({ name }) => name !== 'tenant_id');
  return { key: named.filter(({ pk }) => pk > 0).map(({ name }) => name), others: named.filter(({ pk }) => pk === 0) };
}

/** Any row, as the table and its number in it. */
function anyRow(tables, chance) {
  let number = chance(Object.values(tables).reduce((sum, count) => sum + count));
  for (const [table, count] of Object.entries(tables)) {
    if (number < count) return { table, number };
    number -= count;
  }
}

/** A row of any table, however small that is. */
function anyTable(tables, chance) {
  const [table, count] = Object.entries(tables)[chance(Object.keys(tables).length)];
  return { table, number: chance(count) };
}

/** Some cell that is no part of a key, and the same with one byte changed. */
async function pick(database, tables, from, chance) {
  for (;;) {
    const { table, number } = from(tables, chance);
    const { key, others } = await columnsOf(database, table);
    if (others.length === 0) continue;
    const { name: column, type } = others[chance(others.length)];
    const sql = `select ${[...key, `${column} as cell`].join(', ')} from ${table} where tenant_id = ?1 limit 1 offset ?2`;
    const { cell: value, ...rest } = await database.prepare(sql).bind(TENANT, number).first();
    if (value === null || value === '') continue;
    const letters = [...String(value)];
    const at = chance(letters.length);
    letters[at] = letters[at] === '~' ? '!' : '~';
    const spoilt = type === 'INTEGER' ? value + (value % 2 === 0 ? 1 : -1) : letters.join('');
    const values = key.map((part) => rest[part]);
    const where = key.map((part, index) => ` and ${part} = ?${index + 3}`).join('');
    const update = `update ${table} set ${column} = ?2 where tenant_id = ?1${where}`;
    const set = (wanted) => database.prepare(update).bind(TENANT, wanted, ...values).run();
    return { table, key: values, name: `${table}.${column} of row ${number}, letter ${at}`, value, spoilt, set };
  }
}

test('a byte that changes in one cell is found, wherever it is', { timeout: 20 * PATIENCE_MS }, async (t) => {
  t.diagnostic(`SEED=${SEED}`);
  const id = await tenant.move({ placement: 'isolated', switch: 'manual' });
  await tenant.until(id, ({ move }) => move.phase === 'following' && move.lag === 0, PATIENCE_MS);
  const env = await tenant.gatehouse.env();
  const { binding } = await env.DIRECTORY.prepare('select d.binding from operations o join databases d on d.id = o.target_id where o.id = ?1').bind(id).first();
  const target = env[binding];
  const { rows, differences: none } = await tenant.compare();
  assert.deepEqual(none, []);
  assert.ok(rows > PEOPLE);
  const { tables } = await tenant.operator.does(`GET /management/tenants/${TENANT}/moves/plan?placement=isolated`);
  for (const [table, count] of Object.entries(tables)) assert.ok(count > 0, `${table} is empty`);
  let cells = 0;
  for (const [table, count] of Object.entries(tables)) {
    const { key, others } = await columnsOf(target, table);
    cells += count * (key.length + others.length);
  }
  const chance = seeded(SEED);
  for (let planted = 0; planted < PLANTED; planted += 1) {
    const cell = await pick(target, tables, planted % 2 === 0 ? anyRow : anyTable, chance);
    await cell.set(cell.spoilt);
    const { differences } = await tenant.compare(cell.table);
    assert.equal(differences.length, 1, `${cell.name}: ${JSON.stringify(differences)}`);
    assert.deepEqual([differences[0].table, differences[0].kind], [cell.table, 'changed'], cell.name);
    assert.deepEqual(JSON.parse(differences[0].key), cell.key, cell.name);
    await cell.set(cell.value);
  }
  assert.deepEqual((await tenant.compare()).differences, []);
  await tenant.steer(id, 'abort');
  await tenant.until(id, ({ status }) => status === 'cancelled', PATIENCE_MS);
  t.diagnostic(`${PLANTED} of ${PLANTED} changed cells found, each alone among ${cells} cells of ${rows} rows`);
});
