// A tenant moves between databases on real workerd and real D1 while people use it: no request fails, nothing differs,
// nobody can write for a moment only, and everything that was given out before, during and after works on both sides.
//
// MOVE_PEOPLE=100000 tries it with a hundred thousand people (about 680,000 rows).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { crowd } from './crowd.mjs';
import { startGatehouse } from './harness.mjs';
import { CALLBACK, Operator } from './operator.mjs';
import { browse, Person, pkce } from './person.mjs';

const PEOPLE = Number(process.env.MOVE_PEOPLE ?? 3_000);
const TENANT = 'acme';
const PASSWORD = 'analytical-engine-1843';
const PATIENCE_MS = 60_000 + PEOPLE * 10;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

/** Requests one after the other, for as long as it is wanted; every one must succeed. */
class Client {
  #wanted = true;
  times = [];
  failures = [];

  /** `request` does one thing, and throws if it does not succeed. */
  constructor(name, request, pause) {
    Object.assign(this, { name, done: this.#run(request, pause) });
  }

  async #run(request, pause) {
    while (this.#wanted) {
      const began = performance.now();
      await request().catch((error) => this.failures.push(`${this.name}: ${error.message}`));
      this.times.push(performance.now() - began);
      await sleep(pause);
    }
  }

  async stop() {
    this.#wanted = false;
    await this.done;
    return this;
  }
}

let gatehouse, operator, app, issuer, person;

before(async () => {
  gatehouse = await startGatehouse();
  operator = await Operator.of(gatehouse);
  await operator.does('POST /management/tenants', { id: TENANT, placement: 'shared' });
  person = await operator.user(TENANT, 'ada@example.com', PASSWORD);
  app = await operator.application(TENANT, { app_type: 'spa', token_endpoint_auth_method: 'none', refresh_token: { leeway: 0 } });
  issuer = operator.issuer(TENANT);
});
after(() => gatehouse.close());

const expectOk = async (answer) => {
  const text = await answer.text();
  assert.ok(answer.status < 400, `${answer.status}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
};

const token = async (fields) =>
  expectOk(
    await gatehouse.fetch(`${issuer}oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: app.client_id, ...fields }),
    }),
  );

/** Signs in from the first page to the tokens, in a browser of one's own or the given one. */
async function signIn(visitor = new Person(browse(gatehouse.fetch), person), more = {}) {
  const { verifier, parameters } = pkce();
  const asked = { client_id: app.client_id, redirect_uri: CALLBACK, response_type: 'code', state: 's', ...parameters, ...more };
  const url = `${issuer}authorize?${new URLSearchParams({ scope: 'openid email offline_access', ...asked })}`;
  const back = new URL(await visitor.visit(url, CALLBACK));
  const code = back.searchParams.get('code');
  assert.ok(code, back.href);
  return token({ grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: verifier });
}

const refresh = ({ refresh_token }) => token({ grant_type: 'refresh_token', refresh_token });

const home = async () => {
  const env = await gatehouse.env();
  const sql = 'select d.binding from tenants t join databases d on d.id = t.database_id where t.id = ?1';
  const { binding } = await env.DIRECTORY.prepare(sql).bind(TENANT).first();
  return env[binding];
};

/** Waits until the operation is as wanted. */
async function until(id, wanted) {
  const end = performance.now() + PATIENCE_MS;
  let shown;
  do {
    shown = await operator.does(`GET /management/operations/${id}`);
    if (wanted(shown)) return shown;
    await sleep(100);
  } while (performance.now() < end);
  assert.fail(`it does not come to that: ${JSON.stringify(shown, null, 1)}`);
}

/** Compares every row and every column of both databases. */
async function compare() {
  const found = { rows: 0, differences: [], mode: '' };
  for (let from; ; ) {
    const part = await operator.does(`GET /management/tenants/${TENANT}/verify${from ? `?from=${encodeURIComponent(from)}` : ''}`);
    found.mode = part.mode;
    found.differences.push(...part.differences);
    for (const sum of Object.values(part.tables)) found.rows += Number(sum.split(':')[0]);
    if (!part.next) return found;
    from = part.next;
  }
}

test(`a tenant of ${PEOPLE} people moves while it is used, and back`, { timeout: 20 * PATIENCE_MS }, async (t) => {
  const rows = await crowd(await home(), TENANT, PEOPLE);
  const early = { tokens: await signIn(), browser: new Person(browse(gatehouse.fetch), person) };
  await signIn(early.browser);

  // Steady use: somebody refreshes all the time, somebody writes, somebody signs in.
  let chain = await signIn();
  let written = 0;
  const clients = [
    new Client('refresh', async () => (chain = await refresh(chain)), 20),
    new Client('write', async () => {
      await operator.does(`PATCH /api/v2/users/${encodeURIComponent(person.id)}`, { user_metadata: { written: written + 1 } }, TENANT);
      written += 1;
    }, 20),
    new Client('read', async () => {
      const { user_metadata: kept } = await operator.does(`GET /api/v2/users/${encodeURIComponent(person.id)}`, undefined, TENANT);
      assert.ok((kept?.written ?? 0) >= written - 1, 'a read is older than what was written');
    }, 50),
    new Client('login', () => signIn(), 500),
  ];

  const began = performance.now();
  const { id } = await operator.does(`POST /management/tenants/${TENANT}/moves`, { placement: 'isolated' });
  const moved = await until(id, ({ move }) => move.arrived && move.phase === 'switched');
  const took = performance.now() - began;
  const during = await signIn();

  const { rows: compared, differences, mode } = await compare();
  assert.equal(mode, 'compared');
  assert.deepEqual(differences, []);
  assert.ok(compared >= rows, `${compared} of ${rows} rows were compared`);

  // What was given out before works after.
  early.tokens = await refresh(early.tokens);
  const again = await signIn(early.browser, { prompt: 'none' });

  await operator.does(`POST /management/operations/${id}/rollback`);
  const ended = await until(id, ({ status }) => status !== 'running');
  assert.equal(ended.status, 'cancelled');
  for (const client of clients) await client.stop();

  const failures = clients.flatMap((client) => client.failures);
  assert.deepEqual(failures, [], 'no request of a client fails');
  for (const tokens of [early.tokens, during, again, chain]) await refresh(tokens);
  await signIn(early.browser, { prompt: 'none' });
  const kept = await operator.does(`GET /api/v2/users/${encodeURIComponent(person.id)}`, undefined, TENANT);
  assert.equal(kept.user_metadata.written, written, 'the last write is there, and no other');

  const requests = clients.flatMap(({ times }) => times).sort((a, b) => a - b);
  const pauses = ended.move.pauses_ms;
  const number = (value) => value.toFixed(0);
  t.diagnostic(`${moved.move.rows_done} rows moved and compared in ${number(took)} ms: copied ${moved.move.rows_per_second} rows/s, in all ${number((moved.move.rows_done / took) * 1000)} rows/s`);
  t.diagnostic(`nobody could write for ${pauses.join(' and ')} ms (there and back); budget 500 ms`);
  for (const { name, times } of clients) {
    const sorted = [...times].sort((a, b) => a - b);
    t.diagnostic(`${name}: ${sorted.length}, p50 ${number(percentile(sorted, 0.5))} ms, longest ${number(sorted.at(-1))} ms`);
  }
  t.diagnostic(`${requests.length} requests, none failed: p50 ${number(percentile(requests, 0.5))} ms, p99 ${number(percentile(requests, 0.99))} ms, longest ${number(requests.at(-1))} ms`);
  assert.ok(moved.move.rows_done >= rows);
});

test('a byte that changes in one cell is found, wherever it is', { timeout: PATIENCE_MS }, async (t) => {
  const { id } = await operator.does(`POST /management/tenants/${TENANT}/moves`, { placement: 'isolated', switch: 'manual' });
  await until(id, ({ move }) => move.phase === 'following' && move.lag === 0);
  const env = await gatehouse.env();
  const { binding } = await env.DIRECTORY.prepare('select d.binding from operations o join databases d on d.id = o.target_id where o.id = ?1').bind(id).first();
  const target = env[binding];
  let found = 0;
  for (const [table, key, column] of [['users', 'user_id', 'name'], ['logs', 'id', 'description'], ['passwords', 'user_id', 'hash']]) {
    for (const share of [0, 0.37, 1]) {
      const { n } = await target.prepare(`select count(*) as n from ${table}`).first();
      const at = Math.floor((n - 1) * share);
      const row = await target.prepare(`select ${key} as key, ${column} as value from ${table} order by ${key} limit 1 offset ?1`).bind(at).first();
      const spoilt = (row.value ?? '').replace(/.$/u, '~') || '~';
      const set = (value) => target.prepare(`update ${table} set ${column} = ?1 where ${key} = ?2`).bind(value, row.key).run();
      await set(spoilt);
      const { differences } = await compare();
      assert.equal(differences.length, 1, `${table} ${row.key}: ${JSON.stringify(differences)}`);
      assert.deepEqual([differences[0].table, differences[0].kind], [table, 'changed']);
        assert.deepEqual(JSON.parse(differences[0].key), [row.key]);
      await set(row.value);
      found += 1;
    }
  }
  assert.deepEqual((await compare()).differences, []);
  await operator.does(`POST /management/operations/${id}/abort`);
  await until(id, ({ status }) => status === 'cancelled');
  t.diagnostic(`${found} of ${found} changed cells found`);
});
