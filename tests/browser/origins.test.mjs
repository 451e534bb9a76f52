// Whatever a page of another origin may call, a real browser lets it call: preflight, answer and all.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { startGatehouse } from '../worker/harness.mjs';
import { Operator } from '../worker/operator.mjs';
import { launchChrome } from './chrome.mjs';
import { startSite } from './site.mjs';

/** Where a browser is sent, rather than calling. */
const NAVIGATED = /^\/(u\/|authorize|v2\/logout|oidc\/logout)|^\/$/;

/** A server that has never heard of other origins: what the test must find. */
const deaf = createServer((_, answer) => answer.end('{}'));

let gatehouse, chrome, site, issuer, endpoints;
before(async () => {
  [gatehouse, site, chrome] = await Promise.all([startGatehouse({ reachable: true }), startSite(), launchChrome()]);
  await new Promise((resolve) => deaf.listen(0, '127.0.0.1', resolve));
  const operator = await Operator.of(gatehouse);
  await operator.does('POST /management/tenants', { id: 'acme', placement: 'isolated' });
  issuer = operator.issuer('acme');
  const { paths } = await (await gatehouse.fetch(`${issuer}api/v2/spec`)).json();
  endpoints = Object.entries(paths)
    .filter(([path]) => !NAVIGATED.test(path))
    .flatMap(([path, operations]) => Object.keys(operations).map((method) => [method.toUpperCase(), path.replace(/\{\w+\}/g, 'x')]));
});
after(async () => {
  await chrome?.close();
  await gatehouse?.close();
  site?.close();
  deaf.closeAllConnections();
  deaf.close();
});

/** Calls them all from a page of the site; those that the browser did not let it read. */
async function unreadable(calls) {
  const page = await chrome.newPage();
  await page.goto(site.at('localhost').home);
  const answers = await page.evaluate(
    (calls) =>
      Promise.all(
        calls.map(async ([method, url]) => {
          const headers = { authorization: 'Bearer nonsense', 'auth0-client': 'e30', 'content-type': 'application/json' };
          const body = method === 'GET' ? undefined : '{}';
          try {
            const answer = await fetch(url, { method, headers, body });
            await answer.text();
            return answer.status > 0;
          } catch {
            return false;
          }
        }),
      ),
    calls,
  );
  await page.close();
  return calls.filter((_, index) => !answers[index]);
}

test('every endpoint that a browser calls can be called from a page of another origin', async (t) => {
  for (const path of ['/oauth/token', '/userinfo', '/oauth/revoke', '/.well-known/openid-configuration', '/.well-known/jwks.json']) {
    assert.ok(endpoints.some(([, known]) => known === path), `${path} is not described`);
  }
  assert.ok(endpoints.filter(([, path]) => path.startsWith('/api/v2/')).length > 50);
  t.diagnostic(`${endpoints.length} endpoints`);
  const calls = endpoints.map(([method, path]) => [method, issuer.slice(0, -1) + path]);
  assert.deepEqual(await unreadable(calls), []);
});

test('a server that does not answer preflights would be found', async () => {
  const call = ['POST', `http://localhost:${deaf.address().port}/oauth/token`];
  assert.deepEqual(await unreadable([call]), [call]);
});
