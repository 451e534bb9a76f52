// The operator of an installation: the machine client that the first start made, and what it sets up over the API.
import assert from 'node:assert/strict';
import { secrets } from './harness.mjs';

/** The token of a machine client. */
export async function machineToken({ fetch, issuer, id, secret, audience }) {
  const form = { grant_type: 'client_credentials', client_id: id, client_secret: secret, audience };
  const answer = await fetch(`${issuer}oauth/token`, { method: 'POST', body: new URLSearchParams(form) });
  assert.equal(answer.status, 200, `${issuer}: ${await answer.clone().text()}`);
  return (await answer.json()).access_token;
}

export class Operator {
  #token;

  /** `at` has the `base` of the installation and a `fetch`, and its `secrets` if they are not those of every test. */
  static async of(at) {
    const audience = `${at.base}/api/v2/`;
    const { MANAGEMENT_CLIENT_ID: id, MANAGEMENT_CLIENT_SECRET: secret } = at.secrets ?? secrets;
    const token = await machineToken({ fetch: at.fetch, issuer: `${at.base}/`, id, secret, audience });
    return new Operator(at, token);
  }

  constructor({ base, fetch }, token) {
    Object.assign(this, { base, fetch, audience: `${base}/api/v2/` });
    this.#token = token;
  }

  /** The issuer of a tenant. */
  issuer(tenant) {
    return this.base.replace('://', `://${tenant}.`) + '/';
  }

  /** `METHOD /path`, at the base domain, about `tenant` (or the main one): the answer, whatever it is. */
  ask(request, body, tenant) {
    const [method, path] = request.split(' ');
    const headers = { authorization: `Bearer ${this.#token}`, ...(tenant && { 'tenant-id': tenant }) };
    if (body) headers['content-type'] = 'application/json';
    return this.fetch(this.base + path, { method, headers, body: body && JSON.stringify(body) });
  }

  /** The same; anything but success is a failed test. The body, if there is one. */
  async does(request, body, tenant) {
    const answer = await this.ask(request, body, tenant);
    const text = await answer.text();
    assert.ok(answer.ok, `${request} answered ${answer.status}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** A person with a password. */
  async user(tenant, email, password) {
    const connection = 'Username-Password-Authentication';
    const { user_id } = await this.does('POST /api/v2/users', { connection, email, password }, tenant);
    return { id: user_id, email, password };
  }

  /** An application that people sign in to. */
  async application(tenant, more) {
    const grant_types = ['authorization_code', 'refresh_token'];
    const asked = { name: 'Application', grant_types, callbacks: [CALLBACK], allowed_logout_urls: [GOODBYE], ...more };
    return this.does('POST /api/v2/clients', asked, tenant);
  }

  /** A machine client, and the token that it gets of the tenant's own management API. */
  async machine(tenant, scope) {
    const issuer = this.issuer(tenant);
    const audience = `${issuer}api/v2/`;
    const asked = { name: 'Machine', app_type: 'non_interactive', grant_types: ['client_credentials'] };
    const { client_id: id, client_secret: secret } = await this.does('POST /api/v2/clients', asked, tenant);
    await this.does('POST /api/v2/client-grants', { client_id: id, audience, scope }, tenant);
    const machine = { fetch: this.fetch, issuer, id, secret, audience };
    return { ...machine, token: await machineToken(machine) };
  }
}

/** Where applications take people back, and where they are led after signing out. Nothing listens there. */
export const CALLBACK = 'http://localhost:3000/callback';
export const GOODBYE = 'http://localhost:3000/goodbye';
