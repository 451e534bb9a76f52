// The tenant that is measured: made through the public API like any other, with 1,000 users.
import { form } from './login.mjs';

const USERS = 1000;
const MEMBERS = 50; // of them, of the one organization: at least as many as there are lanes
const PASSWORD = 'Correct-horse-battery-9';

export const secrets = {
  ENCRYPTION_KEY: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
  ADMIN_EMAIL: 'admin@example.com',
  ADMIN_PASSWORD: PASSWORD,
  MANAGEMENT_CLIENT_ID: 'management',
  MANAGEMENT_CLIENT_SECRET: 'management-secret-of-the-benchmark',
};

/** `send` goes to the base domain. */
export async function makeWorld(send, port) {
  const base = `localhost:${port}`;
  const host = `bench.${base}`;
  const audience = `http://${base}/api/v2/`;
  const grant = form('/oauth/token', {
    grant_type: 'client_credentials',
    client_id: secrets.MANAGEMENT_CLIENT_ID,
    client_secret: secrets.MANAGEMENT_CLIENT_SECRET,
    audience,
  });
  const { access_token: token } = (await send({ ...grant, host: base })).json();

  const post = async (path, body, headers = {}) => {
    const response = await send({
      method: 'POST',
      host: base,
      path,
      body: JSON.stringify(body),
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      expect: [200, 201, 202, 204],
    });
    return response.text ? response.json() : undefined;
  };
  const inTenant = (path, body) => post(path, body, { 'tenant-id': 'bench' });

  /** Makes a tenant; returns the milliseconds from the request to its first answer. */
  const makeTenant = async (tenant) => {
    const began = performance.now();
    await post('/management/tenants', tenant);
    for (let answer; answer?.status !== 200; ) {
      answer = await send({ host: `${tenant.id}.${base}`, path: '/.well-known/jwks.json', expect: [200, 404, 503] });
    }
    return performance.now() - began;
  };
  await makeTenant({ id: 'bench', friendly_name: 'Bench' });

  const callback = 'http://localhost:9/callback';
  const client = await inTenant('/api/v2/clients', {
    name: 'Application',
    app_type: 'regular_web',
    token_endpoint_auth_method: 'client_secret_post',
    grant_types: ['authorization_code', 'refresh_token'],
    organization_usage: 'allow',
    callbacks: [callback],
    refresh_token: { rotation_type: 'rotating', expiration_type: 'expiring' },
  });
  const machine = await inTenant('/api/v2/clients', {
    name: 'Machine',
    app_type: 'non_interactive',
    token_endpoint_auth_method: 'client_secret_post',
    grant_types: ['client_credentials'],
  });
  const tenantAudience = `http://${host}/api/v2/`;
  const scope = ['read:users', 'create:users'];
  await inTenant('/api/v2/client-grants', { client_id: machine.client_id, audience: tenantAudience, scope });

  const newUser = (name) => ({
    connection: 'Username-Password-Authentication',
    email: `${name}@example.com`,
    password: PASSWORD,
    email_verified: true,
  });
  const people = [];
  for (let i = 0; i < USERS; i += 1) {
    const { user_id: id, email } = await inTenant('/api/v2/users', newUser(`user-${i}`));
    people.push({ id, email, password: PASSWORD });
  }
  const organization = await inTenant('/api/v2/organizations', { name: 'team' });
  for (let i = 0; i < MEMBERS; i += 10) {
    const members = people.slice(i, i + 10).map(({ id }) => id);
    await inTenant(`/api/v2/organizations/${organization.id}/members`, { members });
  }
  let met = 0;

  const tenantToken = await send({
    ...form('/oauth/token', {
      grant_type: 'client_credentials',
      client_id: machine.client_id,
      client_secret: machine.client_secret,
      audience: tenantAudience,
    }),
    host,
  });

  return {
    host,
    audience: tenantAudience,
    token: tenantToken.json().access_token,
    client: { id: client.client_id, secret: client.client_secret, callback },
    machine: { id: machine.client_id, secret: machine.client_secret },
    user: people[0],
    organization: organization.id,
    /** Somebody else each time: who signs in more than ten times at once is taken for a thief. */
    nextPerson: () => people[met++ % MEMBERS],
    newUser,
    makeTenant,
  };
}
