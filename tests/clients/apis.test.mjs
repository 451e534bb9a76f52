// APIs that are given access tokens, and the libraries with which they look at them: what a strict one asks of a token (RFC 9068).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import express from 'express';
import bearer from 'express-oauth2-jwt-bearer';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { freePort } from '../bench/server.mjs';
import { CALLBACK } from '../worker/operator.mjs';
import { browse, Person } from '../worker/person.mjs';
import { madeBy } from './readme.mjs';
import { ORDERS, setScene } from './scene.mjs';
import { listen, startOverTls } from './server.mjs';

let gatehouse, operator, issuer, user, client;
before(async () => {
  gatehouse = await startOverTls();
  ({ operator, issuer, user } = await setScene(gatehouse, 'acme'));
  client = await operator.application('acme', { app_type: 'regular_web', token_endpoint_auth_method: 'client_secret_basic' });
});
after(() => gatehouse?.close());

/** oauth4webapi, step by step as its documentation has it: the server's metadata, and the tokens of a person. */
async function signIn(algorithm, { scope, audience, claims, own = client, proof = oauth.ClientSecretBasic(own.client_secret) }) {
  const url = new URL(issuer);
  const as = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { algorithm }));
  const me = { client_id: own.client_id };
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const asked = {
    client_id: me.client_id,
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...(audience && { audience }),
    ...(claims && { claims: JSON.stringify(claims) }),
  };
  const person = new Person(browse(gatehouse.fetch), user);
  const back = await person.visit(`${as.authorization_endpoint}?${new URLSearchParams(asked)}`, CALLBACK);
  const parameters = oauth.validateAuthResponse(as, me, new URL(back), state);
  const answer = await oauth.authorizationCodeGrantRequest(as, me, proof, parameters, CALLBACK, verifier);
  const tokens = await oauth.processAuthorizationCodeResponse(as, me, answer, { expectedNonce: nonce, requireIdToken: true });
  await oauth.validateApplicationLevelSignature(as, answer);
  return { as, me, proof, tokens };
}

const request = (token) => new Request('https://orders.example/all', { headers: { authorization: `Bearer ${token}` } });

for (const algorithm of ['oidc', 'oauth2']) {
  test(`oauth4webapi discovers by ${algorithm}, signs a person in, and asks who it is`, async () => {
    const { as, me, proof, tokens } = await signIn(algorithm, { scope: 'openid email offline_access' });
    const { sub } = oauth.getValidatedIdTokenClaims(tokens);
    const info = await oauth.userInfoRequest(as, me, tokens.access_token);
    assert.equal((await oauth.processUserInfoResponse(as, me, sub, info)).email, user.email);
    const refreshed = await oauth.refreshTokenGrantRequest(as, me, proof, tokens.refresh_token);
    assert.notEqual((await oauth.processRefreshTokenResponse(as, me, refreshed)).refresh_token, tokens.refresh_token);
  });
}

for (const algorithm of ['ES256', 'RS256']) {
  test(`oauth4webapi proves by a key who its client is (${algorithm}), and asks for single claims`, async () => {
    const { privateKey, publicKey } = await oauth.generateKeyPair(algorithm, { extractable: true });
    const spki = Buffer.from(await crypto.subtle.exportKey('spki', publicKey)).toString('base64');
    const pem = `-----BEGIN PUBLIC KEY-----\n${spki}\n-----END PUBLIC KEY-----`;
    const credentials = [{ credential_type: 'public_key', kid: 'mine', pem }];
    const methods = { private_key_jwt: { credentials } };
    const own = await operator.application('acme', { app_type: 'regular_web', client_authentication_methods: methods });
    const proof = oauth.PrivateKeyJwt({ key: privateKey, kid: 'mine' });
    const claims = { id_token: { email: { essential: true } }, userinfo: { email: null } };
    const { as, me, tokens } = await signIn('oidc', { scope: 'openid', claims, own, proof });
    assert.equal(oauth.getValidatedIdTokenClaims(tokens).email, user.email);
    const info = await oauth.userInfoRequest(as, me, tokens.access_token);
    assert.equal((await oauth.processUserInfoResponse(as, me, user.id, info)).email, user.email);
  });
}

test('oauth4webapi finds access tokens of people and of machines to be what RFC 9068 says', async () => {
  const { as, tokens } = await signIn('oidc', { scope: 'openid read:orders', audience: ORDERS });
  const claims = await oauth.validateJwtAccessToken(as, request(tokens.access_token), ORDERS);
  assert.deepEqual([claims.sub, claims.client_id], [user.id, client.client_id]);
  await assert.rejects(oauth.validateJwtAccessToken(as, request(tokens.access_token), 'https://invoices.example/'));

  const machine = await operator.machine('acme', ['read:users']);
  const ofMachine = await oauth.validateJwtAccessToken(as, request(machine.token), machine.audience);
  assert.equal(ofMachine.client_id, machine.id);
});

test('the lines of the README find the server that they name', async () => {
  const { discoveryRequest, processDiscoveryResponse } = oauth;
  const answer = await madeBy('oauth4webapi', gatehouse, { discoveryRequest });
  assert.equal((await processDiscoveryResponse(new URL(issuer), answer)).issuer, issuer);
});

test('openid-client signs a person in over https: metadata, PKCE, state, nonce and issuer as it likes them', async () => {
  const { client_id, client_secret } = await operator.application('acme', { app_type: 'regular_web', token_endpoint_auth_method: 'client_secret_post' });
  const config = await madeBy('openid-client', gatehouse, { discovery: openid.discovery, client_id, client_secret });
  const pkceCodeVerifier = openid.randomPKCECodeVerifier();
  const [expectedState, expectedNonce] = [openid.randomState(), openid.randomNonce()];
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: 'openid email',
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  });
  const person = new Person(browse(gatehouse.fetch), user);
  const back = new URL(await person.visit(url.href, CALLBACK));
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
  const tokens = await openid.authorizationCodeGrant(config, back, checks);
  assert.equal(tokens.claims().iss, issuer);
  assert.equal((await openid.fetchUserInfo(config, tokens.access_token, user.id)).email, user.email);
});

describe('express-oauth2-jwt-bearer', () => {
  let api, base;
  before(async () => {
    const app = express();
    const { auth, claimIncludes, requiredScopes } = bearer;
    app.use(madeBy('express-oauth2-jwt-bearer', gatehouse, { auth, audience: ORDERS }));
    const claims = (request, answer) => answer.json(request.auth.payload);
    app.get('/scope', requiredScopes('read:orders'), claims);
    app.get('/read', claimIncludes('permissions', 'read:orders'), claims);
    app.get('/write', claimIncludes('permissions', 'write:orders'), claims);
    const port = await freePort();
    base = `http://localhost:${port}`;
    api = await listen(port, app);
  });
  after(() => api?.close());

  const ask = (path, token) => fetch(base + path, { headers: { authorization: `Bearer ${token}` } });

  test('accepts tokens in strict mode, by their scope and by the permissions of the person', async () => {
    const { tokens } = await signIn('oidc', { scope: 'openid read:orders write:orders', audience: ORDERS });
    const answers = await Promise.all(['/scope', '/read', '/write'].map((path) => ask(path, tokens.access_token)));
    assert.deepEqual(answers.map(({ status }) => status), [200, 200, 401]);
    assert.deepEqual((await answers[1].json()).permissions, ['read:orders']);
  });

  test('refuses tokens for another API, and ID tokens', async () => {
    const { tokens } = await signIn('oidc', { scope: 'openid' });
    for (const token of [tokens.access_token, tokens.id_token]) assert.equal((await ask('/read', token)).status, 401);
  });
});
