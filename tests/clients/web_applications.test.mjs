// Web applications on Express, with the middleware that Auth0 publishes for them, in its default configuration. It speaks https only.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import express from 'express';
import openidConnect from 'express-openid-connect';
import session from 'express-session';
import passport from 'passport';
import Auth0Strategy from 'passport-auth0';
import { freePort } from '../bench/server.mjs';
import { browse, Person } from '../worker/person.mjs';
import { madeBy } from './readme.mjs';
import { setScene } from './scene.mjs';
import { listen, startOverTls } from './server.mjs';

let gatehouse, operator, issuer, user;
before(async () => {
  gatehouse = await startOverTls();
  ({ operator, issuer, user } = await setScene(gatehouse, 'acme'));
});
after(() => gatehouse?.close());

/** An application at an address of its own, registered: `make` gets the registration and makes it. */
async function serving(t, more, make) {
  const port = await freePort();
  const base = `http://localhost:${port}`;
  const asked = { app_type: 'regular_web', callbacks: [`${base}/callback`], allowed_logout_urls: [base], ...more };
  const { client_id: clientID, client_secret: clientSecret } = await operator.application('acme', asked);
  const app = express();
  make(app, { base, clientID, clientSecret });
  const server = await listen(port, app);
  t.after(() => server.close());
  return base;
}

test('passport-auth0 signs people in and reads their profile', async (t) => {
  // It sends the access token in the query, which a tenant has to allow (RFC 6750 §2.3).
  await operator.does('PATCH /api/v2/tenants/settings', { flags: { allow_access_token_in_query: true } }, 'acme');
  const base = await serving(t, {}, (app, { base, clientID, clientSecret }) => {
    const callbackURL = `${base}/callback`;
    const verify = (accessToken, refreshToken, extraParams, profile, done) => done(null, profile);
    passport.use(madeBy('passport-auth0', gatehouse, { Auth0Strategy, clientID, clientSecret, callbackURL, verify }));
    passport.serializeUser((profile, done) => done(null, profile));
    passport.deserializeUser((profile, done) => done(null, profile));
    app.use(session({ secret: 'of the application', resave: false, saveUninitialized: false }));
    app.use(passport.session());
    app.get('/login', passport.authenticate('auth0', { scope: 'openid email profile' }));
    app.get('/callback', passport.authenticate('auth0'), (_, answer) => answer.redirect('/home'));
    app.get('/home', (request, answer) => answer.json(request.user));
  });
  const person = new Person(browse(gatehouse.fetch), user);
  const home = await person.visit(`${base}/login`, `${base}/home`);
  const profile = JSON.parse(await person.read(home));
  assert.deepEqual([profile.id, profile.emails[0].value], [user.id, user.email]);
});

/** An application of express-openid-connect that shows who is signed in; `middleware` is how it is made. */
const signedIn = (t, registration, middleware) =>
  serving(t, registration, (app, { base: baseURL, clientID, clientSecret }) => {
    app.use(middleware({ baseURL, clientID, clientSecret, secret: 'of the application, and long' }));
    app.get('/', (request, answer) => answer.json({ ...request.oidc.user, refreshable: !!request.oidc.refreshToken }));
    app.get('/userinfo', async (request, answer) => answer.json(await request.oidc.fetchUserInfo()));
    app.get('/refreshed', async (request, answer) => {
      const before = request.oidc.accessToken.access_token;
      const after = (await request.oidc.accessToken.refresh()).access_token;
      answer.json({ renewed: before !== after });
    });
  });

test('express-openid-connect signs people in by an ID token that a form brings, its default', async (t) => {
  const base = await signedIn(t, { grant_types: ['implicit'] }, ({ baseURL, clientID, secret }) =>
    madeBy('express-openid-connect', gatehouse, { auth: openidConnect.auth, baseURL, clientID, secret }),
  );
  const person = new Person(browse(gatehouse.fetch), user);
  const home = await person.visit(`${base}/`, `${base}/`);
  assert.equal(JSON.parse(await person.read(home)).sub, user.id);
});

test('express-openid-connect signs people in by a code, refreshes, and signs them out', async (t) => {
  const base = await signedIn(t, {}, (options) =>
    openidConnect.auth({
      issuerBaseURL: issuer,
      idpLogout: true,
      authorizationParams: { response_type: 'code', scope: 'openid profile email offline_access' },
      ...options,
    }),
  );
  const person = new Person(browse(gatehouse.fetch), user);
  await person.visit(`${base}/`, `${base}/`);
  assert.equal(JSON.parse(await person.read(`${base}/`)).email, user.email);
  assert.equal(JSON.parse(await person.read(`${base}/userinfo`)).sub, user.id);
  assert.deepEqual(JSON.parse(await person.read(`${base}/refreshed`)), { renewed: true });
  await person.visit(`${base}/logout`, base);
  // Neither the application nor the server knows them any more: they are asked again.
  assert.match(await person.read(`${base}/`), /name="username"/);
});
