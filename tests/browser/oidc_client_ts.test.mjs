// oidc-client-ts, as it is published, in a browser: an OpenID Connect client that knows nothing of Auth0.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claims, enter, INVOICES, ORDERS } from './scene.mjs';
import { inBothPlacements, setStage } from './stage.mjs';

const stage = setStage();

/** The application, in a page. */
class Application {
  constructor(site, page, settings) {
    Object.assign(this, { site, page, settings });
  }

  async open() {
    await this.page.goto(this.site.home);
    await this.make();
  }

  make = () => this.page.evaluate((settings) => void (window.manager = new oidc.UserManager(settings)), this.settings);

  /** Calls a method of the manager; the user that it answers with, or its error. */
  call = (method, ...args) =>
    this.page.evaluate(
      ([method, args]) =>
        manager[method](...args).catch(({ error, message }) => {
          throw new Error(`${method}: ${error} ${message}`);
        }),
      [method, args],
    );

  async redirect(person, more = {}) {
    await this.page.evaluate((more) => void manager.signinRedirect(more), more);
    if (person) await enter(this.page, person);
    await this.page.waitForURL(`${this.site.callback}?**`);
    await this.make();
    const user = await this.call('signinCallback');
    await this.page.evaluate(() => history.replaceState({}, '', '/'));
    return user;
  }
}

inBothPlacements(stage, 'oidc-client-ts', (here) => {
  const application = async (more = {}) => {
    const settings = {
      authority: here.scene.issuer,
      client_id: here.scene.client_id,
      redirect_uri: here.site().callback,
      popup_redirect_uri: here.site().back,
      silent_redirect_uri: here.site().back,
      post_logout_redirect_uri: here.site().goodbye,
      scope: 'openid profile email',
      loadUserInfo: true,
      ...more,
    };
    const made = new Application(here.site(), await here.context.newPage(), settings);
    await made.open();
    return made;
  };

  test('signs in by redirect, and is still signed in after a reload', async () => {
    const app = await application();
    assert.equal((await app.redirect(here.scene.user)).profile.email, here.scene.user.email);
    await app.open();
    assert.equal((await app.call('getUser')).profile.sub, here.scene.user.id);
  });

  test('signs in by a pop-up', async () => {
    const app = await application();
    const opened = here.context.waitForEvent('page');
    const signedIn = app.call('signinPopup');
    await enter(await opened, here.scene.user);
    assert.equal((await signedIn).profile.email, here.scene.user.email);
  });

  test('renews silently by a frame, for another API as well', async () => {
    const app = await application({ extraQueryParams: { audience: ORDERS } });
    const first = await app.redirect(here.scene.user);
    const renewed = await app.call('signinSilent');
    assert.notEqual(renewed.access_token, first.access_token);
    assert.ok([claims(renewed.access_token).aud].flat().includes(ORDERS));
    const other = await app.call('signinSilent', { extraQueryParams: { audience: INVOICES } });
    assert.ok([claims(other.access_token).aud].flat().includes(INVOICES));
  });

  test('renews silently by a refresh token', async () => {
    const app = await application({ scope: 'openid profile email offline_access' });
    const first = await app.redirect(here.scene.user);
    const renewed = await app.call('signinSilent');
    assert.notEqual(renewed.access_token, first.access_token);
    assert.notEqual(renewed.refresh_token, first.refresh_token);
  });

  test('goes from one organization to another', async () => {
    const app = await application();
    const inside = async (organization, person) =>
      (await app.redirect(person, { extraQueryParams: { organization } })).profile.org_id;
    assert.equal(await inside('engineers', here.scene.user), here.scene.organizations.engineers);
    assert.equal(await inside('poets'), here.scene.organizations.poets);
  });

  test('signs out, for good', async () => {
    const app = await application();
    await app.redirect(here.scene.user);
    await app.page.evaluate(() => void manager.signoutRedirect());
    await app.page.waitForURL(`${here.site().goodbye}**`);
    await app.make();
    await assert.rejects(app.call('signinSilent'), /login_required/);
  });
});
