// Archives on real workerd: a tenant on real D1 is archived in real R2, comes back in its place, and as another tenant.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startGatehouse } from './harness.mjs';
import { Operator } from './operator.mjs';

let gatehouse, operator, keys;
before(async () => {
  gatehouse = await startGatehouse();
  operator = await Operator.of(gatehouse);
  await operator.does('POST /management/tenants', { id: 'acme', placement: 'isolated' });
  await operator.user('acme', 'ada@example.com', 'analytical-engine-1843');
  keys = await jwks('acme');
});
after(() => gatehouse.close());

const jwks = async (tenant) => (await gatehouse.fetch(`${operator.issuer(tenant)}.well-known/jwks.json`)).text();
const emails = async (tenant) =>
  (await operator.does('GET /api/v2/users', undefined, tenant)).map(({ email }) => email).toSorted();

/** Waits for the end of an operation. */
async function succeeded({ id }) {
  const shown = await operator.does(`GET /management/operations/${id}`);
  if (['succeeded', 'failed'].includes(shown.status)) return assert.equal(shown.status, 'succeeded', shown.error);
  await new Promise((resolve) => setTimeout(resolve, 100));
  return succeeded({ id });
}

const objects = async () => (await (await gatehouse.env()).ARCHIVE.list()).objects.map(({ key }) => key);

let backup;
test('a tenant is archived, and what is kept can be read by nobody', async () => {
  const asked = await operator.does('POST /management/tenants/acme/backups', { include: ['keys', 'sessions', 'logs'] });
  await succeeded(asked);
  ({ backup } = asked);
  const shown = await operator.does(`GET /management/tenants/acme/backups/${backup}`);
  assert.equal(shown.status, 'whole');
  const kept = await objects();
  assert.equal(kept.length, shown.parts + 1);
  const { ARCHIVE } = await gatehouse.env();
  for (const key of kept) assert.ok(!(await (await ARCHIVE.get(key)).text()).includes('ada@example.com'), key);
});

test('it comes back in its place', async () => {
  await operator.user('acme', 'grace@example.com', 'analytical-engine-1843');
  await succeeded(await operator.does('POST /management/tenants/acme/restores', { backup }));
  assert.equal(await jwks('acme'), keys);
  assert.deepEqual(await emails('acme'), ['ada@example.com']);
});

test('and as another tenant, which signs with keys of its own', async () => {
  await succeeded(await operator.does('POST /management/tenants/acme/restores', { backup, into: 'twin' }));
  const kids = (set) => JSON.parse(set).keys.map(({ kid }) => kid);
  const twin = kids(await jwks('twin'));
  assert.ok(twin.length > 0 && twin.every((kid) => !kids(keys).includes(kid)), `${twin}`);
  assert.deepEqual(await emails('twin'), ['ada@example.com']);
});

test('a changed byte is found, and changes nothing', async () => {
  const { ARCHIVE } = await gatehouse.env();
  const part = (await objects()).find((key) => key.includes(`${backup}/000000`));
  const bytes = new Uint8Array(await (await ARCHIVE.get(part)).arrayBuffer());
  bytes[bytes.length >> 1] ^= 1;
  await ARCHIVE.put(part, bytes);
  const { id } = await operator.does('POST /management/tenants/acme/restores', { backup });
  await assert.rejects(succeeded({ id }), /part 0 of/);
  assert.deepEqual(await emails('acme'), ['ada@example.com']);
});
