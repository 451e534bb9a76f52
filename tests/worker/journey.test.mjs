// The whole journey on real workerd and real D1, with a client that nobody here wrote: two tenants are made, people sign in,
// stay signed in and sign out at each, and nothing of the one is worth anything at the other.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as openid from 'openid-client';
import { secrets, startGatehouse } from './harness.mjs';
import { CALLBACK, GOODBYE, machineToken, Operator } from './operator.mjs';
import { browse, Person } from './person.mjs';

const TENANTS = ['acme', 'globex'];
const PASSWORD = 'analytical-engine-1843';

/** A `fetch` that adds up the D1 round trips that the Worker reports. */
function metered(gatehouse) {
  let trips = 0;
  const fetch = async (url, init) => {
    const answer = await gatehouse.fetch(url, init);
    trips += Number(answer.headers.get('x-gatehouse-d1')?.split(';')[0] ?? NaN);
    return answer;
  };
  /** The fewest of three runs, since what is remembered for seconds may be forgotten in the middle of one. */
  const cost = async (work) => {
    const costs = [];
    for (let run = 0; run < 3; run += 1) {
      const before = trips;
      await work();
      costs.push(trips - before);
    }
    return Math.min(...costs);
  };
  return { base: gatehouse.base, fetch, cost };
}

/** An application as its developer writes it: only the issuer and what it was registered with. */
class Application {
  static async discover(at, issuer, { client_id, client_secret }) {
    const proof = client_secret ? openid.ClientSecretPost(client_secret) : openid.None();
    const execute = [openid.allowInsecureRequests, openid.enableNonRepudiationChecks];
    const options = { execute, [openid.customFetch]: at.fetch };
    const config = await openid.discovery(new URL(issuer), client_id, undefined, proof, options);
    return Object.assign(new Application(), { config });
  }

  /** Sends a person to sign in and redeems the code; state, nonce, issuer, PKCE and signature are checked by the library. */
  async signIn(person, more = {}) {
    const pkceCodeVerifier = openid.randomPKCECodeVerifier();
    const [expectedState, expectedNonce] = [openid.randomState(), openid.randomNonce()];
    const url = openid.buildAuthorizationUrl(this.config, {
      redirect_uri: CALLBACK,
      scope: 'openid profile email offline_access',
      state: expectedState,
      nonce: expectedNonce,
      code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      ...more,
    });
    const back = new URL(await person.visit(url.href, CALLBACK));
    const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
    return openid.authorizationCodeGrant(this.config, back, checks);
  }

  userinfo = ({ access_token }, { id }) => openid.fetchUserInfo(this.config, access_token, id);

  refresh = (token) => openid.refreshTokenGrant(this.config, token);

  signOut(person, tokens) {
    const state = openid.randomState();
    const parameters = { id_token_hint: tokens.id_token, post_logout_redirect_uri: GOODBYE, state };
    return person.visit(openid.buildEndSessionUrl(this.config, parameters).href, `${GOODBYE}?state=${state}`);
  }
}

const oauthError = (error) => ({ name: 'ResponseBodyError', error });

for (const placement of ['isolated', 'shared']) {
  describe(`two tenants (${placement})`, () => {
    let gatehouse, at, operator;
    const scenes = {}; // tenant → what was set up there

    before(async () => {
      gatehouse = await startGatehouse({ vars: { METER_HEADER: '1' } });
      at = metered(gatehouse);
      operator = await Operator.of(at);
    });
    after(() => gatehouse.close());

    for (const tenant of TENANTS) {
      test(`${tenant} is made with one request and discovered at once`, async (t) => {
        const began = performance.now();
        const made = await operator.ask('POST /management/tenants', { id: tenant, placement });
        const discovered = await at.fetch(`${operator.issuer(tenant)}.well-known/openid-configuration`);
        t.diagnostic(`POST to first discovery: ${(performance.now() - began).toFixed(0)} ms (budget: 300 ms)`);
        assert.equal(made.status, 201);
        assert.equal((await made.json()).placement, placement);
        assert.equal((await discovered.json()).issuer, operator.issuer(tenant));
      });
    }

    const kinds = {
      'a web server': { app_type: 'regular_web', token_endpoint_auth_method: 'client_secret_post' },
      'a single-page app': { app_type: 'spa', token_endpoint_auth_method: 'none' },
    };
    for (const tenant of TENANTS) {
      for (const [kind, settings] of Object.entries(kinds)) {
        test(`a person of ${tenant} signs in to ${kind}, stays signed in and signs out`, async () => {
          const email = `ada.of.${settings.app_type}@example.com`;
          const user = await operator.user(tenant, email, PASSWORD);
          // Without a leeway a rotated token is refused at once, instead of ten seconds later.
          const registered = await operator.application(tenant, { ...settings, refresh_token: { leeway: 0 } });
          const application = await Application.discover(at, operator.issuer(tenant), registered);
          const person = new Person(browse(at.fetch), user);

          const tokens = await application.signIn(person);
          assert.equal(tokens.claims().sub, user.id);
          assert.equal(tokens.claims().iss, operator.issuer(tenant));
          assert.equal((await application.userinfo(tokens, user)).email, email);
          // With the session that there is now, nobody is asked anything.
          assert.equal((await application.signIn(person, { prompt: 'none' })).claims().sid, tokens.claims().sid);

          const renewed = await application.refresh(tokens.refresh_token);
          assert.notEqual(renewed.refresh_token, tokens.refresh_token);
          assert.equal((await application.userinfo(renewed, user)).sub, user.id);
          await assert.rejects(application.refresh(tokens.refresh_token), oauthError('invalid_grant'));
          // It was in two hands: its successor is worth nothing either (RFC 9700 §4.14.2).
          await assert.rejects(application.refresh(renewed.refresh_token), oauthError('invalid_grant'));

          await application.signOut(person, tokens);
          const refusal = { name: 'AuthorizationResponseError', error: 'login_required' };
          await assert.rejects(application.signIn(person, { prompt: 'none' }), refusal);
          scenes[tenant] = { user, application, tokens: await application.signIn(person) };
        });
      }
    }

    test('costs no more D1 round trips than promised', async (t) => {
      const issuer = operator.issuer('acme');
      const { user, application } = scenes.acme;
      const { token: _, ...machine } = await operator.machine('acme', ['read:users']);
      let { refresh_token } = await application.signIn(new Person(browse(at.fetch), user));
      const budgets = {
        discovery: [0, () => at.fetch(`${issuer}.well-known/openid-configuration`)],
        JWKS: [0, () => at.fetch(`${issuer}.well-known/jwks.json`)],
        'client credentials': [1, () => machineToken(machine)],
        refresh: [1, async () => ({ refresh_token } = await application.refresh(refresh_token))],
        'a whole login': [4, () => application.signIn(new Person(browse(at.fetch), user))],
      };
      for (const [what, [budget, work]] of Object.entries(budgets)) {
        const cost = await at.cost(work);
        t.diagnostic(`${what}: ${cost} (budget: ${budget})`);
        assert.ok(cost <= budget, `${what}: ${cost}`);
      }
    });

    const probe = (token, host, headers) =>
      at.fetch(`${host}api/v2/clients`, { headers: { authorization: `Bearer ${token}`, ...headers } });
    const statuses = async (asked) => (await Promise.all(asked)).map(({ status }) => status);

    test("a person's token of acme is nothing to globex", async () => {
      const { access_token } = scenes.acme.tokens;
      const headers = { authorization: `Bearer ${access_token}` };
      const userinfo = (tenant) => at.fetch(`${operator.issuer(tenant)}userinfo`, { headers });
      assert.deepEqual(await statuses([userinfo('acme'), userinfo('globex')]), [200, 401]);
      // It is not for any management API, nor signed by anybody globex knows.
      const refused = TENANTS.map((tenant) => probe(access_token, operator.issuer(tenant)));
      assert.deepEqual(await statuses(refused), [403, 403]);
    });

    test("a machine of acme manages acme, and not globex, whatever its header says", async () => {
      const { token } = await operator.machine('acme', ['read:clients']);
      const [acme, globex, main] = [...TENANTS.map((tenant) => operator.issuer(tenant)), `${operator.base}/`];
      for (const header of ['tenant-id', 'x-tenant-id']) {
        const ways = [probe(token, acme), probe(token, main, { [header]: 'acme' }), probe(token, acme, { [header]: 'acme' })];
        assert.deepEqual(await statuses(ways), [200, 200, 200]);
        const astray = [acme, globex, main].map((host) => probe(token, host, { [header]: 'globex' }));
        assert.deepEqual(await statuses([probe(token, globex), probe(token, main), ...astray]), [403, 403, 403, 403, 403]);
      }
    });

    test('who administers acme by its organization administers only acme, and only as long as they are a member', async () => {
      const user = await operator.user(undefined, 'grace@example.com', PASSWORD);
      const { id } = await operator.does('GET /api/v2/organizations/name/acme');
      const members = `/api/v2/organizations/${id}/members`;
      await operator.does(`POST ${members}`, { members: [user.id] });
      await operator.does(`POST ${members}/${encodeURIComponent(user.id)}/roles`, { roles: ['rol_tenant_admin'] });
      const settings = { app_type: 'regular_web', organization_usage: 'allow' };
      const registered = await operator.application(undefined, settings);
      const application = await Application.discover(at, `${operator.base}/`, registered);
      const wanted = { audience: operator.audience, scope: 'openid read:clients', organization: 'acme' };
      const person = new Person(browse(at.fetch), user);
      const tokens = await application.signIn(person, wanted);
      assert.equal(tokens.claims().org_id, id);
      assert.equal(tokens.claims().org_name, 'acme');

      const [acme, globex, main] = [...TENANTS.map((tenant) => operator.issuer(tenant)), `${operator.base}/`];
      const everywhere = () =>
        statuses([
          probe(tokens.access_token, acme),
          probe(tokens.access_token, main, { 'tenant-id': 'acme' }),
          probe(tokens.access_token, globex),
          probe(tokens.access_token, main, { 'tenant-id': 'globex' }),
          probe(tokens.access_token, main),
        ]);
      assert.deepEqual(await everywhere(), [200, 200, 403, 403, 403]);
      await assert.rejects(application.signIn(person, { ...wanted, organization: 'globex' }), { error: 'access_denied' });

      await operator.does(`DELETE ${members}`, { members: [user.id] });
      assert.deepEqual(await everywhere(), [403, 403, 403, 403, 403]);
      await assert.rejects(application.signIn(person, { ...wanted, prompt: 'none' }), { error: 'access_denied' });
    });

    test('while the fleet is read-only, whoever is signed in goes on', async () => {
      const { user, application } = scenes.acme;
      const person = new Person(browse(at.fetch), user);
      const before = await application.signIn(person);
      await operator.does('POST /management/fleet/read_only');
      try {
        const tokens = await application.signIn(person, { prompt: 'none' });
        assert.equal(tokens.claims().sid, before.claims().sid);
        assert.equal(tokens.refresh_token, undefined);
        assert.equal((await application.userinfo(tokens, user)).sub, user.id);
        assert.equal((await application.refresh(before.refresh_token)).refresh_token, undefined);
        const change = await operator.ask('POST /api/v2/roles', { name: 'Any' }, 'acme');
        assert.deepEqual([change.status, change.headers.get('retry-after')], [503, '30']);
      } finally {
        await operator.does('POST /management/fleet/active');
      }
      assert.ok((await application.refresh(before.refresh_token)).refresh_token);
    });

    test('the administrator of the first start signs in too', async () => {
      const registered = await operator.application(undefined, { app_type: 'regular_web' });
      const application = await Application.discover(at, `${operator.base}/`, registered);
      const administrator = { email: secrets.ADMIN_EMAIL, password: secrets.ADMIN_PASSWORD };
      const wanted = { audience: operator.audience, scope: 'openid create:tenants tenants:all' };
      const tokens = await application.signIn(new Person(browse(at.fetch), administrator), wanted);
      assert.equal(tokens.scope, 'openid create:tenants');
    });
  });
}
