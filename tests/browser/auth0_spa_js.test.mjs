// auth0-spa-js, as it is published, in a browser: the application that Auth0's quickstart makes, with nothing changed but its domain.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Auth0Application } from './auth0_application.mjs';
import { launchTolerantChrome } from './chrome.mjs';
import { claims, enter, INVOICES, ORDERS, setScene } from './scene.mjs';
import { inBothPlacements, setStage } from './stage.mjs';

const stage = setStage();

inBothPlacements(stage, 'auth0-spa-js', (here) => {
  const application = async (more = {}) => {
    const options = {
      domain: here.scene.issuer.slice(0, -1),
      clientId: here.scene.client_id,
      authorizationParams: { redirect_uri: here.site().callback },
      authorizeTimeoutInSeconds: 10,
      ...more,
    };
    const made = new Auth0Application(here.site(), await here.context.newPage(), options);
    await made.open();
    return made;
  };

  test('signs in by redirect, and is still signed in after a reload', async () => {
    const app = await application();
    assert.equal(await app.call('isAuthenticated'), false);
    await app.redirect(here.scene.user);
    assert.equal((await app.call('getUser')).email, here.scene.user.email);
    await app.open();
    assert.equal(await app.call('isAuthenticated'), true);
    assert.equal((await app.call('getUser')).sub, here.scene.user.id);
  });

  test('signs in by a pop-up', async () => {
    const app = await application();
    const opened = here.context.waitForEvent('page');
    const signedIn = app.call('loginWithPopup');
    await enter(await opened, here.scene.user);
    await signedIn;
    assert.equal((await app.call('getUser')).email, here.scene.user.email);
  });

  test('renews silently by a frame, for another API as well', async () => {
    const app = await application({ authorizationParams: { redirect_uri: here.site().callback, audience: ORDERS } });
    await app.redirect(here.scene.user);
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
    await app.redirect(here.scene.user);
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
    assert.equal(await inside('engineers', here.scene.user), here.scene.organizations.engineers);
    // The person is known by now; the organization is another all the same.
    assert.equal(await inside('poets'), here.scene.organizations.poets);
  });

  test('signs out, for good', async () => {
    const app = await application();
    await app.redirect(here.scene.user);
    const { goodbye } = here.site();
    await app.page.evaluate((returnTo) => void client.logout({ logoutParams: { returnTo } }), goodbye);
    await app.page.waitForURL(goodbye);
    await app.make();
    assert.equal(await app.call('isAuthenticated'), false);
    await assert.rejects(app.call('getTokenSilently'), /login_required/);
  });

  test('gets nothing in a frame of an origin that is not registered', async () => {
    const app = await application();
    await app.redirect(here.scene.user);
    const stranger = stage.pages.at(`stranger.${here.tenant}.localhost`);
    const authorizationParams = { redirect_uri: stranger.callback };
    const options = { ...app.options, authorizationParams, authorizeTimeoutInSeconds: 2 };
    const foreign = new Auth0Application(stranger, app.page, options);
    await foreign.open();
    await assert.rejects(foreign.renew(), /getTokenSilently/);
  });
});

test('on another site than the tenant it renews by a frame, where the browser lets it', async () => {
  const site = stage.pages.at('localhost');
  const scene = await setScene(stage.operator, site, 'initech', 'shared');
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
