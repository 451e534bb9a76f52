// A tenant whose database is made through the Cloudflare API: served over REST from the first moment, then through the
// binding that was attached while the server runs, and deleted in the right order. Nothing else of the script changes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCloudflareApi } from './cloudflare-api.mjs';
import { startGatehouse } from './harness.mjs';
import { CALLBACK, Operator } from './operator.mjs';
import { browse, Person, pkce } from './person.mjs';

const POOL = Array.from({ length: 10 }, (_, i) => `POOL_${String(i + 1).padStart(2, '0')}`);

let api, gatehouse, operator, bindingsBefore, databasesBefore;
before(async () => {
  api = await startCloudflareApi();
  gatehouse = await startGatehouse({ vars: api.vars, databases: api.spares, dropped: POOL });
  api.serve(gatehouse);
  operator = await Operator.of(gatehouse);
  bindingsBefore = api.bindings;
  databasesBefore = api.databases;
});
after(async () => {
  await gatehouse.close();
  await api.close();
});

const discover = async (tenant) => {
  const answer = await gatehouse.fetch(`${operator.issuer(tenant)}.well-known/openid-configuration`);
  return answer.status;
};

/** A whole login of somebody new: an account, a page, a password, a code, tokens. */
async function signIn(tenant, email) {
  const user = await operator.user(tenant, email, 'analytical-engine-1843');
  const { client_id } = await operator.application(tenant, { app_type: 'spa', token_endpoint_auth_method: 'none' });
  const { verifier, parameters } = pkce();
  const asked = { client_id, redirect_uri: CALLBACK, response_type: 'code', scope: 'openid', ...parameters };
  const url = `${operator.issuer(tenant)}authorize?${new URLSearchParams(asked)}`;
  const back = await new Person(browse(gatehouse.fetch), user).visit(url, CALLBACK);
  const code = new URL(back).searchParams.get('code');
  const redeemed = { grant_type: 'authorization_code', client_id, redirect_uri: CALLBACK, code_verifier: verifier, code };
  const body = new URLSearchParams(redeemed);
  return (await gatehouse.fetch(`${operator.issuer(tenant)}oauth/token`, { method: 'POST', body })).status;
}

/** What was asked of the API meanwhile: the names of its routes, and the answers it gave. */
async function callsDuring(work) {
  const first = api.calls.length;
  await work();
  const calls = api.calls.slice(first);
  assert.deepEqual(calls.filter(({ status }) => status !== 200), [], 'every call succeeds');
  return calls.map(({ route }) => route);
}

/** On a slow machine a request is answered (202) before its operation has ended. */
async function ended(id) {
  const { operations } = await operator.does(`GET /management/tenants/${id}/operations`);
  if (operations.every(({ status }) => status === 'succeeded')) return;
  await new Promise((resolve) => setTimeout(resolve, 100));
  await ended(id);
}

async function make(id) {
  await operator.does('POST /management/tenants', { id, placement: 'isolated' });
  await ended(id);
}

async function remove(id) {
  await operator.does(`DELETE /management/tenants/${id}`);
  await ended(id);
}

const sorted = (bindings) => bindings.toSorted((a, b) => a.name.localeCompare(b.name));

let release;
test('with an empty pool, a database is made and filled over the API, and the script is bound to it', async (t) => {
  release = api.hold();
  const calls = await callsDuring(() => make('acme'));
  assert.deepEqual(calls.filter((route) => route === 'create' || route === 'bind'), ['create', 'bind']);
  t.diagnostic(`calls of the API: ${calls.join(' ')}`);
  assert.ok(calls.indexOf('create') < calls.indexOf('raw') && calls.indexOf('raw') < calls.indexOf('bind'));
});

test('the script keeps every other binding and secret', () => {
  const isNew = ({ name }) => !bindingsBefore.some((each) => each.name === name);
  assert.deepEqual(api.bindings.filter(isNew).map(({ type }) => type), ['d1']);
  assert.deepEqual(sorted(api.bindings.filter((each) => !isNew(each))), sorted(bindingsBefore));
});

test('until the binding is there, the tenant answers discovery and signs people in over REST', async () => {
  const { name } = api.bindings.find(({ name }) => name.startsWith('TENANT_'));
  assert.equal((await gatehouse.env())[name], undefined);
  const calls = await callsDuring(async () => {
    assert.equal(await discover('acme'), 200);
    assert.equal(await signIn('acme', 'ada@example.com'), 200);
  });
  assert.deepEqual([...new Set(calls)], ['raw']);
});

test('once it is there, the same rows are reached through it, and REST is not used any more', async () => {
  release();
  await api.settled();
  const calls = await callsDuring(async () => {
    assert.equal(await discover('acme'), 200);
    assert.equal(await signIn('acme', 'grace@example.com'), 200);
    const users = await operator.does('GET /api/v2/users', undefined, 'acme');
    assert.deepEqual(users.map(({ email }) => email).sort(), ['ada@example.com', 'grace@example.com']);
  });
  assert.deepEqual(calls, []);
});

test('a second tenant gets a database of its own beside the first', async () => {
  release = api.hold();
  await make('globex');
  release();
  await api.settled();
  const attached = api.bindings.filter(({ name }) => name.startsWith('TENANT_'));
  assert.equal(new Set(attached.map(({ database_id }) => database_id)).size, 2);
  const calls = await callsDuring(async () => assert.equal(await signIn('globex', 'ada@example.com'), 200));
  assert.deepEqual(calls, []);
});

test('a deleted tenant is let go of by the script before its database is deleted', async () => {
  release = api.hold();
  const calls = await callsDuring(() => remove('acme'));
  assert.deepEqual(calls.filter((route) => route === 'bind' || route === 'delete'), ['bind', 'delete']);
  release();
  await api.settled();
  assert.equal(await discover('acme'), 404);
  assert.equal(await discover('globex'), 200);
});

test('when all are deleted, the account is as it was', async () => {
  release = api.hold();
  await remove('globex');
  release();
  await api.settled();
  assert.deepEqual(sorted(api.bindings), sorted(bindingsBefore));
  assert.deepEqual(api.databases, databasesBefore);
});
