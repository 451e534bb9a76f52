// What only the shell around the server does, and only workerd can show: bindings, bodies, keys, the Durable Object.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { secrets, startGatehouse } from './harness.mjs';

const logged = (gatehouse) => gatehouse.logs().map(({ message }) => JSON.parse(message));

/** Waits until `look` finds something, for as long as a test may take. */
async function eventually(look) {
  for (;;) {
    const found = look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('a server that is not configured', () => {
  for (const [options, missing] of [
    [{ vars: { ENCRYPTION_KEY: 'k1:short' } }, /ENCRYPTION_KEY/],
    [{ dropped: ['SELF'] }, /SELF/],
    [{ dropped: ['DIRECTORY'] }, /DIRECTORY/],
  ]) {
    test(`tells its log, and only its log, about ${missing.source}`, async () => {
      const gatehouse = await startGatehouse(options);
      const response = await gatehouse.fetch(`${gatehouse.base}/readyz`);
      const text = await response.text();
      const lines = logged(gatehouse);
      await gatehouse.close();
      assert.equal(response.status, 500);
      assert.equal(JSON.parse(text).error, 'misconfigured');
      assert.doesNotMatch(text, missing);
      assert.match(lines.find(({ message }) => message === 'misconfigured').detail, missing);
    });
  }
});

describe('a server', () => {
  let gatehouse;
  before(async () => (gatehouse = await startGatehouse()));
  after(() => gatehouse.close());
  const post = (path, body, init) => gatehouse.fetch(`${gatehouse.base}${path}`, { method: 'POST', body, ...init });

  test('refuses a body that is too large, whether or not it says so', async () => {
    const bytes = new Uint8Array(1024 * 1024 + 1);
    assert.equal((await post('/oauth/token', bytes)).status, 413);
    const chunks = ReadableStream.from([bytes.slice(0, 600_000), bytes.slice(600_000)]);
    assert.equal((await post('/oauth/token', chunks, { duplex: 'half' })).status, 413);
  });

  test('reads a body of unknown length', async () => {
    const form = new TextEncoder().encode('grant_type=nonsense&client_id=nobody');
    const chunks = ReadableStream.from([form.slice(0, 10), form.slice(10)]);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await (await post('/oauth/token', chunks, { headers, duplex: 'half' })).json();
    const whole = await (await post('/oauth/token', form, { headers })).json();
    assert.deepEqual(answer, whole);
  });

  test('signs with a key that anybody can verify with', async () => {
    const token = await post(
      '/oauth/token',
      new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: secrets.MANAGEMENT_CLIENT_ID,
        client_secret: secrets.MANAGEMENT_CLIENT_SECRET,
        audience: `${gatehouse.base}/api/v2/`,
      }),
    );
    const [header, claims, signature] = (await token.json()).access_token.split('.');
    const { kid } = JSON.parse(Buffer.from(header, 'base64url'));
    const { keys } = await (await gatehouse.fetch(`${gatehouse.base}/.well-known/jwks.json`)).json();
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    const jwk = keys.find((key) => key.kid === kid);
    const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['verify']);
    const message = new TextEncoder().encode(`${header}.${claims}`);
    assert.ok(await crypto.subtle.verify(algorithm, key, Buffer.from(signature, 'base64url'), message));
  });

  const tell = async (name, message) => {
    const { COORDINATOR } = await gatehouse.env();
    const object = COORDINATOR.get(COORDINATOR.idFromName(name));
    return object.fetch('https://coordinator/', { method: 'POST', body: JSON.stringify(message) });
  };

  test('keeps its leases when the coordinator is moved to another machine', async () => {
    const acquire = async (holder) => {
      const ask = { message: 'ask', ask: 'acquire', name: 'bindings', holder, for_ms: 60_000 };
      return (await (await tell('coordinator', ask)).json()).answer;
    };
    assert.equal(await acquire('a'), 'granted');
    await gatehouse.evict('COORDINATOR', 'coordinator');
    assert.equal(await acquire('b'), 'wait');
    assert.equal(await acquire('a'), 'granted');
  });

  test('is called back by the alarm clock of an operation', async () => {
    await tell('op_1', { message: 'wake', operation: 'op_1', at: Date.now() });
    await eventually(() => logged(gatehouse).find(({ operation }) => operation === 'op_1'));
  });
});
