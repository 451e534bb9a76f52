// What only the shell around the server does, and only workerd can show: bindings, bodies, keys, the Durable Object.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { secrets, startGatehouse } from './harness.mjs';

const logged = (gatehouse) => gatehouse.logs().map(({ message }) => JSON.parse(message));

/** Waits until it is so, for as long as a test may take. */
async function eventually(isSo) {
  for (;;) {
    if (await isSo()) return;
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

  const token = async () => {
    const fields = {
      grant_type: 'client_credentials',
      client_id: secrets.MANAGEMENT_CLIENT_ID,
      client_secret: secrets.MANAGEMENT_CLIENT_SECRET,
      audience: `${gatehouse.base}/api/v2/`,
    };
    return (await (await post('/oauth/token', new URLSearchParams(fields))).json()).access_token;
  };

  test('signs with a key that anybody can verify with', async () => {
    const [header, claims, signature] = (await token()).split('.');
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

  describe('that died while it made a tenant', () => {
    const directory = async () => (await gatehouse.env()).DIRECTORY;
    const statuses = async () => {
      const sql = 'select t.status as tenant, o.status as operation from tenants t join operations o on o.tenant_id = t.id';
      return (await (await directory()).prepare(sql).first()) ?? {};
    };
    const die = async () => {
      const db = await directory();
      await db.batch([
        db.prepare("update tenants set status = 'provisioning' where id = 'acme'"),
        db.prepare(`update operations set status = 'running', step = 'seed', lease_holder = null, lease_until = null,
                    run_at = 0, finished_at = null`),
      ]);
    };
    before(async () => {
      const headers = { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' };
      assert.equal((await post('/management/tenants', '{"id":"acme"}', { headers })).status, 201);
    });
    beforeEach(die);
    const finished = async () => {
      const { tenant, operation } = await statuses();
      return tenant === 'active' && operation === 'succeeded';
    };

    test('goes on with it when the alarm clock rings', async () => {
      const { id } = await (await directory()).prepare('select id from operations').first();
      await tell(id, { message: 'wake', operation: id, at: Date.now() });
      await eventually(finished);
    });

    test('goes on with it when the clock strikes', async () => {
      await gatehouse.tick();
      await eventually(finished);
    });
  });
});
