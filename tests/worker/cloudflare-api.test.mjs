// The stand-in behaves as the tests of provisioning rely on: real SQL, real bindings, and faults on demand.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCloudflareApi } from './cloudflare-api.mjs';
import { startGatehouse } from './harness.mjs';

let api, gatehouse;
before(async () => {
  api = await startCloudflareApi();
  gatehouse = await startGatehouse({ vars: api.vars, databases: api.spares });
  api.serve(gatehouse);
});
after(async () => {
  await gatehouse.close();
  await api.close();
});

async function call(method, path, body, token = api.vars.CF_API_TOKEN) {
  const isForm = body instanceof FormData;
  const response = await fetch(`${api.vars.CF_API_BASE}/accounts/${api.vars.CF_ACCOUNT_ID}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    body: isForm ? body : body && JSON.stringify(body),
  });
  const { result, errors } = await response.json();
  return { status: response.status, headers: response.headers, result, code: errors[0]?.code };
}

const inheritAll = () => api.bindings.map(({ name }) => ({ type: 'inherit', name }));

function settings(bindings) {
  const form = new FormData();
  form.set('settings', new Blob([JSON.stringify({ bindings })], { type: 'application/json' }));
  return call('PATCH', '/workers/scripts/gatehouse/settings', form);
}

test('refuses a wrong token and unknown paths', async () => {
  assert.equal((await call('GET', '/d1/database', undefined, 'wrong')).code, 10000);
  assert.equal((await call('GET', '/nowhere')).code, 7003);
});

test('a database is created once, found by id and by name, and gone after its deletion', async () => {
  const { result } = await call('POST', '/d1/database', { name: 'once' });
  assert.equal((await call('POST', '/d1/database', { name: 'once' })).code, 7502);
  assert.equal((await call('GET', `/d1/database/${result.uuid}`)).result.name, 'once');
  assert.equal((await call('GET', '/d1/database/once')).result.uuid, result.uuid);
  assert.deepEqual((await call('GET', '/d1/database?name=once')).result.map(({ uuid }) => uuid), [result.uuid]);
  assert.equal((await call('DELETE', `/d1/database/${result.uuid}`)).status, 200);
  assert.equal((await call('GET', '/d1/database/once')).code, 7404);
});

test('what was written over the API is there when the Worker is bound to it, and nothing else has changed', async () => {
  const { uuid } = (await call('POST', '/d1/database', { name: 'tenant' })).result;
  const sql = 'create table kept (word text); insert into kept values (\'one\');';
  await call('POST', `/d1/database/${uuid}/query`, { sql });
  const batch = [{ sql: 'insert into kept values (?)', params: ['two'] }, { sql: 'select word from kept' }];
  const { result } = await call('POST', `/d1/database/${uuid}/raw`, { batch });
  assert.deepEqual(result[1].results, { columns: ['word'], rows: [['one'], ['two']] });
  assert.equal((await call('POST', `/d1/database/${uuid}/query`, { sql: 'select * from absent' })).code, 7500);

  const binding = `D1_${uuid.replaceAll('-', '')}`;
  const earlier = await gatehouse.env();
  const { status } = await settings([...inheritAll(), { type: 'd1', name: binding, database_id: uuid }]);
  assert.equal(status, 200);
  await api.settled();
  const env = await gatehouse.env();
  assert.equal(await env[binding].prepare('select count(*) as n from kept').first('n'), 2);
  assert.deepEqual(Object.keys(env).filter((name) => name !== binding).sort(), Object.keys(earlier).sort());
});

test('a binding that is not listed is dropped, secrets are never shown, and nonsense is refused', async () => {
  const shown = (await call('GET', '/workers/scripts/gatehouse/settings')).result.bindings;
  assert.deepEqual(shown.find(({ name }) => name === 'ADMIN_PASSWORD'), { type: 'secret_text', name: 'ADMIN_PASSWORD' });
  assert.equal((await settings([{ type: 'inherit', name: 'ABSENT' }])).code, 10057);
  assert.equal((await settings([{ type: 'd1', name: 'X', database_id: 'absent' }])).code, 10181);
  assert.equal((await call('PATCH', '/workers/scripts/gatehouse/settings', {})).code, 10201);

  await settings(inheritAll().filter(({ name }) => name !== 'POOL_10'));
  await api.settled();
  assert.equal((await gatehouse.env()).POOL_10, undefined);
});

test('goes wrong on demand', async () => {
  api.fail('create', 'throttle');
  const throttled = await call('POST', '/d1/database', { name: 'faulty' });
  assert.deepEqual([throttled.status, throttled.headers.get('retry-after')], [429, '1']);
  api.fail('create', 'lose');
  await assert.rejects(call('POST', '/d1/database', { name: 'faulty' }));
  assert.equal((await call('GET', '/d1/database/faulty')).status, 200);
  api.fail('create', 'double');
  assert.equal((await call('POST', '/d1/database', { name: 'twice' })).code, 7502);
});
