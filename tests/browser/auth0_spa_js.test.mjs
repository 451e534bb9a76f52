// auth0-spa-js, as it is published, in a browser: the application that Auth0's quickstart makes, with nothing changed but its domain.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { startGatehouse } from '../worker/harness.mjs';
import { Operator } from '../worker/operator.mjs';
import { Auth0Application } from './auth0_application.mjs';
import { launchChrome, launchTolerantChrome } from './chrome.mjs';
import { claims, enter, INVOICES, ORDERS, setScene } from './scene.mjs';
import { startSite } from './site.mjs';

let gatehouse, chrome, pages, operator;
before(async () => {
  [gatehouse, pages, chrome] = await Promise.all([startGatehouse({ reachable: true }), startSite(), launchChrome()]);
  operator = await Operator.of(gatehouse);
});
after(async () => {
  await chrome?.close();
  await gatehouse?.close();
  pages?.close();
});

for (const [tenant, placement] of [['acme', 'isolated'], ['globex', 'shared']]) {
  describe(`auth0-spa-js (${placement})`, () => {
    let scene, context;
    const site = () => pages.at(`app.${tenant}.localhost`);
    before(async () => (scene = await setScene(operator, site(), tenant, placement)));
    beforeEach(async () => (context = await chrome.newContext()));
    afterEach(() => context.close());

    const application = async (more = {}) => {
      const options = {
        domain: scene.issuer.slice(0, -1),
        clientId: scene.client_id,
        authorizationParams: { redirect_uri: site().callback },
        authorizeTimeoutInSeconds: 10,
        ...more,
      };
      const made = new Auth0Application(site(), await context.newPage(), options);
      await made.open();
      return made;
    };

    test('signs in by redirect, and is still signed in after a reload', async () => {
      const app = await application();
      assert.equal(await app.call('isAuthenticated'), false);
      await app.redirect(scene.user);
      assert.equal((await app.call('getUser')).email, scene.user.email);
      await app.open();
      assert.equal(await app.call('isAuthenticated'), true);
      assert.equal((await app.call('getUser')).sub, scene.user.id);
    });

    test('signs in by a pop-up', async () => {
      const app = await application();
      const opened = context.waitForEvent('page');
      const signedIn = app.call('loginWithPopup');
      await enter(await opened, scene.user);
      await signedIn;
      assert.equal((await app.call('getUser')).email, scene.user.email);
    });

    test('renews silently by a frame, for another API as well', async () => {
      const app = await application({ authorizationParams: { redirect_uri: site().callback, audience: ORDERS } });
      await app.redirect(scene.user);
      const first = await app.call('getTokenSilently');
      const { token, frames } = await app.renew();
      assert.notEqual(token, first);
      assert.equal(frames, 1);
      assert.ok([claims(token).aud].flat().includes(ORDERS));
      const other = await app.renew({ authorizationParams: { audience: INVOICES, scope: 'read:all' } });
      assert.ok([claims(other.token).aud].flat().includes(INVOICES));
    });

    test('renews silently by a refresh token, also after a reload', async () => {
      const app = await application({ useRefreshTokens: true, cacheLocation: 'localstorage' });
      await app.redirect(scene.user);
      const first = await app.call('getTokenSilently');
      const { token, frames } = await app.renew();
      assert.notEqual(token, first);
      assert.equal(frames, 0);
      await app.open();
      assert.equal((await app.renew()).frames, 0);
    });

    test('goes from one organization to another', async () => {
      const app = await application();
      const inside = async (organization, person) => {
        await app.redirect(person, { authorizationParams: { organization } });
        return (await app.call('getIdTokenClaims')).org_id;
      };
      assert.equal(await inside('engineers', scene.user), scene.organizations.engineers);
      // The person is known by now; the organization is another all the same.
      assert.equal(await inside('poets'), scene.organizations.poets);
    });

    test('signs out, for good', async () => {
      const app = await application();
      await app.redirect(scene.user);
      const { goodbye } = site();
      await app.page.evaluate((returnTo) => void client.logout({ logoutParams: { returnTo } }), goodbye);
      await app.page.waitForURL(goodbye);
      await app.make();
      assert.equal(await app.call('isAuthenticated'), false);
      await assert.rejects(app.call('getTokenSilently'), /login_required/);
    });

    test('gets nothing in a frame of an origin that is not registered', async () => {
      const app = await application();
      await app.redirect(scene.user);
      const stranger = pages.at(`stranger.${tenant}.localhost`);
      const authorizationParams = { redirect_uri: stranger.callback };
      const options = { ...app.options, authorizationParams, authorizeTimeoutInSeconds: 2 };
      const foreign = new Auth0Application(stranger, app.page, options);
      await foreign.open();
      await assert.rejects(foreign.renew(), /getTokenSilently/);
    });
  });
}

test('on another site than the tenant it renews by a frame, where the browser lets it', async () => {
  const site = pages.at('localhost');
  const scene = await setScene(operator, site, 'initech', 'shared');
  const context = await launchTolerantChrome();
  try {
    const app = new Auth0Application(site, await context.newPage(), {
      domain: scene.issuer.slice(0, -1),
      clientId: scene.client_id,
      authorizationParams: { redirect_uri: site.callback },
    });
    await app.open();
    await app.redirect(scene.user);
    await app.open();
    assert.equal((await app.call('getUser')).sub, scene.user.id);
  } finally {
    await context.close();
  }
});
