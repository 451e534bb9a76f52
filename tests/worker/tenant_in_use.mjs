// A tenant on a Gatehouse of its own that people use all the time: they sign in, refresh, write and read. What a move must
// not be noticed by.
import assert from 'node:assert/strict';
import { crowd } from './crowd.mjs';
import { startGatehouse } from './harness.mjs';
import { CALLBACK, Operator } from './operator.mjs';
import { browse, Person, pkce } from './person.mjs';

export const TENANT = 'acme';
const PASSWORD = 'analytical-engine-1843';

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The value below which that share of the values is. */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** Requests one after the other, for as long as it is wanted; every one must succeed. */
class Client {
  #wanted = true;
  times = [];
  failures = [];

  /** `request` does one thing, and throws if it does not succeed. */
  constructor(name, request, pause) {
    Object.assign(this, { name, done: this.#run(request, pause) });
  }

  async #run(request, pause) {
    while (this.#wanted) {
      const began = performance.now();
      await request().catch((error) => this.failures.push(`${this.name}: ${error.message}`));
      this.times.push(performance.now() - began);
      await sleep(pause);
    }
  }

  async stop() {
    this.#wanted = false;
    await this.done;
    return this;
  }
}

const expectOk = async (answer) => {
  const text = await answer.text();
  assert.ok(answer.status < 400, `${answer.status}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
};

export class TenantInUse {
  /** How often the person's metadata was written. */
  written = 0;

  static async start() {
    const gatehouse = await startGatehouse();
    const operator = await Operator.of(gatehouse);
    await operator.does('POST /management/tenants', { id: TENANT, placement: 'shared' });
    const person = await operator.user(TENANT, 'ada@example.com', PASSWORD);
    const public_client = { app_type: 'spa', token_endpoint_auth_method: 'none', refresh_token: { leeway: 0 } };
    const app = await operator.application(TENANT, public_client);
    return Object.assign(new TenantInUse(), { gatehouse, operator, person, app, issuer: operator.issuer(TENANT) });
  }

  close() {
    return this.gatehouse.close();
  }

  /** A browser of the person's, that has been nowhere yet. */
  browser() {
    return new Person(browse(this.gatehouse.fetch), this.person);
  }

  async token(fields) {
    const body = new URLSearchParams({ client_id: this.app.client_id, ...fields });
    return expectOk(await this.gatehouse.fetch(`${this.issuer}oauth/token`, { method: 'POST', body }));
  }

  refresh({ refresh_token }) {
    return this.token({ grant_type: 'refresh_token', refresh_token });
  }

  /** Signs in from the first page to the tokens, in a new browser or the given one. */
  async signIn(visitor = this.browser(), more = {}) {
    const { verifier, parameters } = pkce();
    const asked = { client_id: this.app.client_id, redirect_uri: CALLBACK, response_type: 'code', state: 's', ...parameters, ...more };
    const url = `${this.issuer}authorize?${new URLSearchParams({ scope: 'openid email offline_access', ...asked })}`;
    const back = new URL(await visitor.visit(url, CALLBACK));
    const code = back.searchParams.get('code');
    assert.ok(code, back.href);
    return this.token({ grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: verifier });
  }

  #person(method, body) {
    return this.operator.does(`${method} /api/v2/users/${encodeURIComponent(this.person.id)}`, body, TENANT);
  }

  /** What was written last, as a read says. */
  async kept() {
    return (await this.#person('GET')).user_metadata?.written ?? 0;
  }

  /** Steady use, from now on: somebody refreshes all the time, somebody writes, somebody reads, somebody signs in. */
  async use() {
    let chain = await this.signIn();
    const clients = [
      new Client('refresh', async () => (chain = await this.refresh(chain)), 20),
      new Client('write', async () => {
        await this.#person('PATCH', { user_metadata: { written: this.written + 1 } });
        this.written += 1;
      }, 20),
      new Client('read', async () => {
        assert.ok((await this.kept()) >= this.written - 1, 'a read is older than what was written');
      }, 50),
      new Client('login', () => this.signIn(), 500),
    ];
    return {
      clients,
      /** Ends it: none of the requests may have failed. Answers the tokens that were refreshed last. */
      stop: async () => {
        for (const client of clients) await client.stop();
        assert.deepEqual(clients.flatMap(({ failures }) => failures), [], 'no request of a client fails');
        return chain;
      },
    };
  }

  /** The database in which it is at home, to look into. */
  async home() {
    const env = await this.gatehouse.env();
    const sql = 'select d.binding from tenants t join databases d on d.id = t.database_id where t.id = ?1';
    const { binding } = await env.DIRECTORY.prepare(sql).bind(TENANT).first();
    return env[binding];
  }

  /** Fills every table that a move takes along, for so many people; how many rows that makes. */
  async fill(people) {
    const { tables } = await this.operator.does(`GET /management/tenants/${TENANT}/moves/plan?placement=isolated`);
    return crowd(await this.home(), TENANT, tables, people);
  }

  /** Begins a move; its id. */
  async move(terms) {
    return (await this.operator.does(`POST /management/tenants/${TENANT}/moves`, terms)).id;
  }

  steer(id, what) {
    return this.operator.does(`POST /management/operations/${id}/${what}`);
  }

  /** Waits until the operation is as wanted. */
  async until(id, wanted, patience) {
    const end = performance.now() + patience;
    let shown;
    do {
      shown = await this.operator.does(`GET /management/operations/${id}`);
      if (wanted(shown)) return shown;
      await sleep(100);
    } while (performance.now() < end);
    assert.fail(`it does not come to that: ${JSON.stringify(shown, null, 1)}`);
  }

  /** Compares every row and every column of both databases, or those of one table. */
  async compare(table) {
    const found = { rows: 0, differences: [], mode: '' };
    for (let from; ; ) {
      const query = new URLSearchParams({ ...(table && { table }), ...(from && { from }) });
      const part = await this.operator.does(`GET /management/tenants/${TENANT}/verify?${query}`);
      found.mode = part.mode;
      found.differences.push(...part.differences);
      for (const sum of Object.values(part.tables)) found.rows += Number(sum.split(':')[0]);
      if (!part.next) return found;
      from = part.next;
    }
  }
}
