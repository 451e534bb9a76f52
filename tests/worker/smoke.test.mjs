// The Worker starts on workerd, with every binding that wrangler.toml promises.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startGatehouse } from './harness.mjs';

let gatehouse;
before(async () => (gatehouse = await startGatehouse()));
after(() => gatehouse.close());

test('is alive on its base domain', async () => {
  const response = await gatehouse.fetch(`${gatehouse.base}/healthz`);
  assert.equal(response.status, 200);
});

test('has its databases, its coordinator, itself and its metrics', async () => {
  const env = await gatehouse.env();
  for (const name of ['DIRECTORY', 'SHARED', 'POOL_01', 'POOL_10', 'COORDINATOR', 'SELF', 'METRICS']) {
    assert.ok(env[name], `binding ${name}`);
  }
});

test('a database bound while it runs is the one that was filled before', async () => {
  const id = '00000000-0000-4000-8000-000000000001';
  await gatehouse.update({ databases: { SPARE: id } });
  const before = await gatehouse.env();
  await before.SPARE.exec('create table kept (word text)');
  await before.SPARE.prepare('insert into kept values (?)').bind('same').run();

  await gatehouse.update({ databases: { SPARE: id, D1_00000000000040008000000000000001: id } });
  const env = await gatehouse.env();
  const word = await env.D1_00000000000040008000000000000001.prepare('select word from kept').first('word');
  assert.equal(word, 'same');
});
