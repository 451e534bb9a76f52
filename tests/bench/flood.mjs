// What another tenant of the same isolate notices while one is flooded with sign-ups and wrong passwords.
import { randomBytes } from 'node:crypto';
import { pkce } from '../worker/person.mjs';
import { form } from './login.mjs';
import { makeClient } from './load.mjs';

const LANES = 40;
const ALONE_MS = 4000;
const FLOODED_MS = 8000;
const ANY = [200, 302, 303, 400, 403, 429, 503];

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];

/** Milliseconds that the key set of `host` takes, asked for again and again for so long. */
async function sample(port, host, milliseconds) {
  const { send, close } = makeClient(port, host);
  const times = [];
  for (const end = performance.now() + milliseconds; performance.now() < end; ) {
    const began = performance.now();
    await send({ path: '/.well-known/jwks.json' });
    times.push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  close();
  const sorted = times.toSorted((a, b) => a - b);
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), count: sorted.length };
}

/** One stranger from an address of their own: signs up, or types a wrong password. Answers the last status. */
async function stranger({ send }, { client }, address, signsUp) {
  let cookie = '';
  const browse = async (request) => {
    const headers = { 'cf-connecting-ip': address, ...(cookie && { cookie }), ...request.headers };
    const answer = await send({ ...request, headers, expect: ANY });
    const set = answer.headers['set-cookie'] ?? [];
    if (set.length > 0) cookie = set.map((each) => each.split(';')[0]).join('; ');
    return answer;
  };
  const query = new URLSearchParams({
    client_id: client.id,
    redirect_uri: client.callback,
    response_type: 'code',
    scope: 'openid',
    ...pkce().parameters,
    ...(signsUp && { screen_hint: 'signup' }),
  });
  let page = await browse({ path: `/authorize?${query}` });
  const email = `${randomBytes(6).toString('hex')}@example.com`;
  const password = randomBytes(12).toString('base64url');
  const steps = signsUp ? [{ email, password }] : [{ username: email }, { password }];
  for (const fields of steps) {
    if (!page.headers.location) return page.status;
    page = await browse(form(page.headers.location, fields));
  }
  return page.status;
}

/** Latencies at `quiet`, a tenant that nobody attacks, before and during the flood of the world's tenant, and what that met. */
export async function flood(port, world, quiet) {
  await sample(port, quiet, 500);
  const alone = await sample(port, quiet, ALONE_MS);
  let over = false;
  const statuses = {};
  const lanes = Array.from({ length: LANES }, async (_, lane) => {
    const client = makeClient(port, world.host);
    for (let turn = 0; !over; turn += 1) {
      const status = await stranger(client, world, `203.0.${lane}.${turn % 250}`, (lane + turn) % 2 === 0);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    client.close();
  });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const flooded = await sample(port, quiet, FLOODED_MS);
  over = true;
  await Promise.all(lanes);
  return { alone, flooded, statuses };
}
