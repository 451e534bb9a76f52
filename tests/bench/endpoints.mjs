// What is measured. A row is one operation of one lane; everything else follows from it.
import { form, login } from './login.mjs';

const bearer = (token) => ({ authorization: `Bearer ${token}` });
const json = (path, body, headers) => ({
  method: 'POST',
  path,
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json', ...headers },
});

let created = 0;

/**
 * `run(lane)`: lane has `send`, `world` (see world.mjs) and what `prepare(lane)` returned as `own`.
 * `hashes` and `signs`: password hashes and RS256 signatures in one operation, whose cost no code of ours can lower.
 * `trips`: the budget of D1 round trips, warm; `writes`: how many of them write. `count`: operations at most, per concurrency.
 */
export const endpoints = [
  {
    name: 'discovery',
    trips: 0,
    count: 8000,
    run: ({ send }) => send({ path: '/.well-known/openid-configuration' }),
  },
  {
    name: 'JWKS',
    trips: 0,
    count: 8000,
    run: ({ send }) => send({ path: '/.well-known/jwks.json' }),
  },
  {
    name: 'client credentials',
    writes: 1,
    trips: 1,
    signs: 1,
    count: 2000,
    run: ({ send, world }) =>
      send(
        form('/oauth/token', {
          grant_type: 'client_credentials',
          client_id: world.machine.id,
          client_secret: world.machine.secret,
          audience: world.audience,
        }),
      ),
  },
  {
    name: 'refresh, rotating',
    writes: 1,
    trips: 1,
    signs: 2, // an access token and an ID token
    count: 1500,
    prepare: ({ send, world }) => login({ send }, world, world.nextPerson()),
    run: async ({ send, world, own }) => {
      const fields = {
        grant_type: 'refresh_token',
        client_id: world.client.id,
        client_secret: world.client.secret,
        refresh_token: own.refresh_token,
      };
      Object.assign(own, (await send(form('/oauth/token', fields))).json());
    },
  },
  {
    name: 'userinfo',
    count: 3000,
    prepare: ({ send, world }) => login({ send }, world, world.nextPerson()),
    run: ({ send, own }) => send({ path: '/userinfo', headers: bearer(own.access_token) }),
  },
  {
    name: 'list 50 of 1,000 users',
    count: 1500,
    run: ({ send, world }) => send({ path: '/api/v2/users?per_page=50', headers: bearer(world.token) }),
  },
  {
    name: 'get user',
    count: 3000,
    run: ({ send, world }) =>
      send({ path: `/api/v2/users/${encodeURIComponent(world.user.id)}`, headers: bearer(world.token) }),
  },
  {
    name: 'create user',
    writes: 1,
    hashes: 1,
    count: 200,
    run: ({ send, world }) => {
      created += 1;
      return send({ ...json('/api/v2/users', world.newUser(`new-${created}`), bearer(world.token)), expect: [201] });
    },
  },
  {
    name: 'whole login, code + PKCE',
    writes: 3,
    trips: 4,
    hashes: 1,
    signs: 2,
    cpu: 40,
    count: 150,
    prepare: ({ world }) => world.nextPerson(),
    run: ({ send, world, own }) => login({ send }, world, own),
  },
  {
    name: 'the same, in an organization',
    writes: 3,
    trips: 4,
    hashes: 1,
    signs: 2,
    cpu: 40,
    count: 100,
    prepare: ({ world }) => world.nextPerson(),
    run: ({ send, world, own }) => login({ send }, world, own, { organization: world.organization }),
  },
];
