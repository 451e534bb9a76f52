// `npm start -- --https` in a browser: the clients are told where it is by the lines of the README, and nothing else.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { lineOf } from '../clients/readme.mjs';
import { startOverTls } from '../clients/server.mjs';
import { Operator } from '../worker/operator.mjs';
import { launchTolerantChrome } from './chrome.mjs';
import { enter, setScene } from './scene.mjs';
import { startSite } from './site.mjs';

let gatehouse, context, pages, site, scene;
before(async () => {
  [gatehouse, pages, context] = await Promise.all([startOverTls(), startSite(), launchTolerantChrome()]);
  site = pages.at('localhost');
  scene = await setScene(await Operator.of(gatehouse), site, 'acme', 'isolated');
});
after(async () => {
  await context?.close();
  await gatehouse?.close();
  pages?.close();
});

let page;
beforeEach(async () => {
  await context.clearCookies();
  page = await context.newPage();
});

/** The page makes its client by the line of the README. */
const make = (client) =>
  page.evaluate(
    async ([line, names]) => {
      const known = { ...auth0, ...oidc, ...names };
      window.client = await new Function(...Object.keys(known), `return ${line}`)(...Object.values(known));
    },
    [
      lineOf(client, gatehouse),
      { clientId: scene.client_id, client_id: scene.client_id, redirect_uri: site.callback },
    ],
  );

test('auth0-spa-js signs in, is still signed in after a reload, and leaves cookies that are for the host alone', async () => {
  await page.goto(site.home);
  await make('auth0-spa-js');
  await page.evaluate(() => void client.loginWithRedirect());
  await enter(page, scene.user);
  await page.waitForURL(`${site.callback}?**`);
  await make('auth0-spa-js');
  await page.evaluate(() => client.handleRedirectCallback().then(() => undefined));
  await page.goto(site.home);
  await make('auth0-spa-js');
  assert.equal((await page.evaluate(() => client.getUser())).email, scene.user.email);
  const cookies = (await context.cookies()).filter(({ domain }) => domain === 'acme.localhost');
  assert.ok(cookies.length > 0);
  for (const { name, secure } of cookies) assert.ok(secure && name.startsWith('__Host-'), name);
});

test('oidc-client-ts signs in', async () => {
  await page.goto(site.home);
  await make('oidc-client-ts');
  await page.evaluate(() => void client.signinRedirect());
  await enter(page, scene.user);
  await page.waitForURL(`${site.callback}?**`);
  await make('oidc-client-ts');
  const { profile } = await page.evaluate(() => client.signinCallback());
  assert.equal(profile.sub, scene.user.id);
});
