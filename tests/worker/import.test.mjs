// An import on real workerd and real D1: what another server held is sent in chunks, compared, and its people sign in.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startGatehouse } from './harness.mjs';
import { CALLBACK, Operator } from './operator.mjs';
import { browse, Person, pkce } from './person.mjs';

const PEOPLE = 5_000;
const CHUNK = 500;
const PASSWORD = 'Passw0rd!alice';
// bcrypt at cost 10, as an identity server stores it: made by libxcrypt.
const HASHES = Array(2).fill('$2b$10$abcdefghijklmnopqrstuuplh76hM01/c5Gxb9PtxzHueau9dOAU6');

/** What an authenticator app shows (RFC 6238) whose seed is the base32 of twenty times the letter A. */
const SEED = 'IFAUCQKBIFAUCQKBIFAUCQKBIFAUCQKB';
function shown() {
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const hash = createHmac('sha1', 'A'.repeat(20)).update(step).digest();
  const number = hash.readUInt32BE(hash.at(-1) & 0xf) & 0x7fff_ffff;
  return String(number % 1_000_000).padStart(6, '0');
}

const dates = { created_at: 1_700_000_000_000, updated_at: 1_700_000_000_001 };
const user = (number) => ({
  user_id: `auth0|${String(number).padStart(6, '0')}`,
  provider: 'auth0',
  connection: 'Username-Password-Authentication',
  email: `person${number}@example.com`,
  email_verified: true,
  phone_verified: false,
  name: `Person ${number} “é”`,
  profile: { locale: 'sv' },
  user_metadata: {},
  app_metadata: { plan: 'pro', seats: 1.5 },
  blocked: false,
  ...dates,
});
const activity = (number) => ({
  user_id: user(number).user_id,
  last_login: dates.created_at + number,
  last_ip: '192.0.2.1',
  logins_count: number,
});

/** The sum of rows as the server forms it: SHA-256 of each row's cells, added in four lanes of 64 bits. */
function sumOf(rows) {
  const lanes = [0n, 0n, 0n, 0n];
  for (const cells of rows) {
    const digest = createHash('sha256').update(JSON.stringify(cells)).digest();
    lanes.forEach((_, lane) => (lanes[lane] = BigInt.asUintN(64, lanes[lane] + digest.readBigUInt64BE(lane * 8))));
  }
  return lanes;
}

describe('an import', () => {
  let gatehouse, operator;
  const path = '/management/tenants/moved/import';

  before(async () => {
    gatehouse = await startGatehouse();
    operator = await Operator.of(gatehouse);
    await operator.does('POST /management/tenants', { id: 'moved' });
  });
  after(() => gatehouse.close());

  const send = (table, from, records) => operator.does(`POST ${path}/records`, { table, from, records });

  /** What the server holds of a table, page by page. */
  async function held(table) {
    const [lanes, query] = [[0n, 0n, 0n, 0n], new URLSearchParams()];
    for (let count = 0; ; ) {
      const page = await operator.does(`GET ${path}/tables/${table}?${query}`);
      count += page.count;
      page.hash.match(/.{16}/g).forEach((hex, lane) => (lanes[lane] = BigInt.asUintN(64, lanes[lane] + BigInt(`0x${hex}`))));
      if (page.after === null) return { count, lanes };
      query.set('after', page.after);
    }
  }

  test('takes records in chunks, while nobody is served', async (t) => {
    await operator.does(`POST ${path}`, { source: 'authhero', tenant: 'acme' });
    assert.equal((await gatehouse.fetch(`${operator.issuer('moved')}.well-known/jwks.json`)).status, 403);
    const connection = { id: 'con_1', name: 'Username-Password-Authentication', strategy: 'auth0' };
    await send('connections', 0, [{ ...connection, document: { options: {} }, ...dates }]);
    const document = { app_type: 'regular_web', grant_types: ['authorization_code'], callbacks: [CALLBACK] };
    await send('clients', 0, [{ client_id: 'app', name: 'App', document, client_secret: 'a-secret', ...dates }]);
    const began = performance.now();
    for (const [table, record] of [['users', user], ['user_activity', activity]]) {
      for (let from = 0; from < PEOPLE; from += CHUNK) {
        await send(table, from, Array.from({ length: CHUNK }, (_, index) => record(from + index)));
      }
    }
    const seconds = (performance.now() - began) / 1000;
    t.diagnostic(`${2 * PEOPLE} rows in ${seconds.toFixed(1)} s: ${Math.round((2 * PEOPLE) / seconds)} rows/s`);
    const changed_at = dates.created_at;
    await send('passwords', 0, HASHES.map((hash, number) => ({ user_id: user(number).user_id, hash, changed_at })));
    const method = { id: 'm1', user_id: user(1).user_id, type: 'totp', confirmed: true, secret: SEED, ...dates };
    await send('authentication_methods', 0, [method]);
  });

  test('holds what was sent, and not one row more for a chunk that came twice', async () => {
    assert.deepEqual(await send('users', 0, [user(0), user(1)]), { table: 'users', taken: PEOPLE });
    const { count, lanes } = await held('user_activity');
    assert.equal(count, PEOPLE);
    const rows = Array.from({ length: PEOPLE }, (_, number) => Object.values(activity(number)));
    assert.deepEqual(lanes, sumOf(rows));
    assert.equal((await held('users')).count, PEOPLE);
  });

  test('leaves nothing of a chunk with one bad record, and names it', async () => {
    const records = [user(PEOPLE), { ...user(PEOPLE + 1), email: user(0).email }];
    const answer = await operator.ask(`POST ${path}/records`, { table: 'users', from: PEOPLE, records });
    assert.equal(answer.status, 409);
    const { detail } = await answer.json();
    assert.deepEqual([detail.key, detail.column, detail.index], [user(PEOPLE + 1).user_id, 'email', 1]);
    assert.equal((await held('users')).count, PEOPLE);
  });

  const authorize = () => {
    const { parameters } = pkce();
    const asked = { client_id: 'app', redirect_uri: CALLBACK, response_type: 'code', scope: 'openid', ...parameters };
    return `${operator.issuer('moved')}authorize?${new URLSearchParams(asked)}`;
  };

  test('is finished, and a person signs in with the password they had', async (t) => {
    await operator.does(`POST ${path}/finish`, { counts: { users: PEOPLE, passwords: HASHES.length } });
    const url = authorize();
    for (const time of ['bcrypt', 'Argon2id']) {
      const person = new Person(browse(gatehouse.fetch), { email: user(0).email, password: PASSWORD });
      const began = performance.now();
      assert.match(await person.visit(url, CALLBACK), /[?&]code=/);
      t.diagnostic(`a login with ${time}: ${(performance.now() - began).toFixed(0)} ms`);
    }
  });

  test('leaves a person their second factor, whose codes are good for once', async () => {
    const signsIn = (code) =>
      new Person(browse(gatehouse.fetch), { email: user(1).email, password: PASSWORD, code }).visit(authorize(), CALLBACK);
    await assert.rejects(signsIn('000000'), /led in circles, at last to .*mfa-otp-challenge/);
    const code = shown();
    assert.match(await signsIn(code), /[?&]code=/);
    await assert.rejects(signsIn(code), /led in circles, at last to .*mfa-otp-challenge/);
  });
});
