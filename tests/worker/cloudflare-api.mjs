// A stand-in for the part of the Cloudflare API that Gatehouse uses. Its databases are real D1: spare ones of the
// instance under test, hidden behind names that the Worker does not know until one of them is bound for it.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { unstable_splitSqlQuery as splitSql } from 'wrangler';

const ACCOUNT = '0123456789abcdef0123456789abcdef';
const TOKEN = 'token-of-the-tests';
const SCRIPT = 'gatehouse';
const SPARES = 12;
const RESTART_DELAY_MS = 300; // a change of bindings shows a little later, as it does in the real world

class ApiError extends Error {
  constructor(status, code, message, headers = {}) {
    super(message);
    Object.assign(this, { status, code, headers });
  }
}

const notFound = (what) => new ApiError(404, 7404, `The ${what} could not be found`);

const envelope = (result, info) => ({ success: true, errors: [], messages: [], result, result_info: info });
const failure = ({ code, message }) => ({ success: false, errors: [{ code, message }], messages: [], result: null });

/** Rows as `/raw` gives them. */
const columnar = (results) => ({ columns: Object.keys(results[0] ?? {}), rows: results.map((row) => Object.values(row)) });

/** In the order in which they are tried; a name is what `fail` and `calls` know a route by. */
const routes = [
  ['create', 'POST', /^\/d1\/database$/],
  ['list', 'GET', /^\/d1\/database$/],
  ['query', 'POST', /^\/d1\/database\/([^/]+)\/query$/],
  ['raw', 'POST', /^\/d1\/database\/([^/]+)\/raw$/],
  ['get', 'GET', /^\/d1\/database\/([^/]+)$/],
  ['delete', 'DELETE', /^\/d1\/database\/([^/]+)$/],
  ['settings', 'GET', /^\/workers\/scripts\/([^/]+)\/settings$/],
  ['bind', 'PATCH', /^\/workers\/scripts\/([^/]+)\/settings$/],
];

class CloudflareApi {
  #databases = new Map(); // uuid → { uuid, name, created_at, version, binding }
  #bindings = [];
  #declared = []; // names that the configuration of the instance knows
  #usedUp = new Set(); // spares, even after a delete: a new database must be empty
  #faults = [];
  #restart = Promise.resolve(); // until the last change of bindings is in force
  #held = Promise.resolve(); // until then no change comes into force
  #turn = Promise.resolve(); // a restart must not cut a query off, nor the reverse
  #gatehouse;
  #server = createServer((incoming, outgoing) => this.#serve(incoming, outgoing));

  /** Every call that arrived: `{ route, method, path, status }`, in order. */
  calls = [];
  /** What the instance under test must declare for it: hidden binding → database id. */
  spares = Object.fromEntries(Array.from({ length: SPARES }, (_, i) => [`SPARE_${i + 1}`, randomUUID()]));

  async listen() {
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address();
    this.vars = { CF_API_BASE: `http://127.0.0.1:${port}/client/v4`, CF_ACCOUNT_ID: ACCOUNT, CF_API_TOKEN: TOKEN };
    return this;
  }

  /** From here on it speaks for this instance: its databases, its bindings. */
  serve(gatehouse) {
    this.#gatehouse = gatehouse;
    this.#bindings = gatehouse.bindings().filter(({ name }) => !(name in this.spares));
    this.#declared = [...this.#bindings.map(({ name }) => name), ...gatehouse.dropped()];
    for (const binding of this.#bindings.filter(({ type }) => type === 'd1')) {
      binding.database_id ??= randomUUID();
      this.#adopt(binding.database_id, binding.database_name, binding.name);
      delete binding.database_name;
    }
  }

  /** What the script is bound to now, as the API shows it. */
  get bindings() {
    return structuredClone(this.#bindings);
  }

  get databases() {
    return [...this.#databases.values()].map(this.#shown);
  }

  /**
   * The next `times` calls of a route go wrong: `refuse` (500, not done), `lose` (done, no reply), `break` (done, 500),
   * `throttle` (429, not done), `double` (done twice, the second reply), `delay` (done `ms` later).
   */
  fail(route, how, { times = 1, ms = 1000 } = {}) {
    this.#faults.push({ route, how, times, ms });
  }

  /** From here on a change of bindings is recorded, but comes into force only when what is returned is called. */
  hold() {
    let release;
    this.#held = new Promise((resolve) => (release = resolve));
    return release;
  }

  /** Waits until the last change of bindings is in force. */
  settled() {
    return this.#restart;
  }

  async close() {
    await this.#restart;
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #adopt(uuid, name, binding) {
    this.#databases.set(uuid, { uuid, name, created_at: new Date().toISOString(), version: 'production', binding });
    return this.#databases.get(uuid);
  }

  async #serve(incoming, outgoing) {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { pathname, searchParams } = new URL(incoming.url, 'http://api');
    const path = pathname.replace(`/client/v4/accounts/${ACCOUNT}`, '');
    const [route, , pattern] = routes.find(([, method, at]) => method === incoming.method && at.test(path)) ?? ['none'];
    const call = { route, method: incoming.method, path, status: 0 };
    this.calls.push(call);
    const id = pattern && decodeURIComponent(path.match(pattern)[1] ?? '');
    const request = { id, searchParams, headers: incoming.headers, body: Buffer.concat(chunks) };
    const headers = { 'content-type': 'application/json', ratelimit: '"default";r=1100;t=300' };
    try {
      const answer = await this.#withFaults(route, () => this.#answer(route, request));
      if (answer === 'lost') {
        incoming.socket.destroy();
        return;
      }
      call.status = 200;
      outgoing.writeHead(200, headers).end(JSON.stringify(answer));
    } catch (error) {
      const known = error instanceof ApiError ? error : new ApiError(500, 7500, `${error}`);
      call.status = known.status;
      outgoing.writeHead(known.status, { ...headers, ...known.headers }).end(JSON.stringify(failure(known)));
    }
  }

  async #withFaults(route, work) {
    const fault = this.#faults.find((each) => each.route === route && each.times > 0);
    if (!fault) return work();
    fault.times -= 1;
    switch (fault.how) {
      case 'refuse':
        throw new ApiError(500, 7500, 'internal error');
      case 'throttle':
        throw new ApiError(429, 971, 'Please wait and consider throttling your request speed', { 'retry-after': '1' });
      case 'lose':
        await work();
        return 'lost';
      case 'break':
        await work();
        throw new ApiError(500, 7500, 'internal error');
      case 'double':
        await work();
        return work();
      case 'delay':
        await new Promise((resolve) => setTimeout(resolve, fault.ms));
        return work();
      default:
        throw new Error(`no fault ${fault.how}`);
    }
  }

  #answer(route, request) {
    if (request.headers.authorization !== `Bearer ${TOKEN}`) throw new ApiError(401, 10000, 'Authentication error');
    switch (route) {
      case 'create':
        return this.#create(JSON.parse(request.body));
      case 'list':
        return this.#list(request.searchParams);
      case 'get':
        return envelope(this.#shown(this.#database(request.id)));
      case 'delete':
        this.#databases.delete(this.#database(request.id).uuid);
        return envelope(null);
      case 'query':
        return this.#query(request, (results) => results);
      case 'raw':
        return this.#query(request, columnar);
      case 'settings':
        return this.#settings(request.id);
      case 'bind':
        return this.#bind(request);
      default:
        throw new ApiError(404, 7003, 'Could not route to that path');
    }
  }

  #shown({ binding: _, ...database }) {
    return database;
  }

  /** By id or by name, as the real one takes either. */
  #database(key) {
    const found = this.#databases.get(key) ?? [...this.#databases.values()].find(({ name }) => name === key);
    if (!found) throw notFound('database');
    return found;
  }

  #create({ name }) {
    if (typeof name !== 'string' || name === '') throw new ApiError(400, 7400, 'name is required');
    if ([...this.#databases.values()].some((each) => each.name === name)) {
      throw new ApiError(400, 7502, `Database with name '${name}' already exists`);
    }
    const spare = Object.keys(this.spares).find((binding) => !this.#usedUp.has(binding));
    if (!spare) throw new ApiError(400, 7406, 'The account has reached its limit of databases');
    this.#usedUp.add(spare);
    return envelope(this.#shown(this.#adopt(this.spares[spare], name, spare)));
  }

  #list(parameters) {
    const page = Number(parameters.get('page') ?? 1);
    const perPage = Number(parameters.get('per_page') ?? 10);
    const all = this.databases.filter(({ name }) => name.includes(parameters.get('name') ?? ''));
    const shown = all.slice((page - 1) * perPage, page * perPage);
    return envelope(shown, { page, per_page: perPage, count: shown.length, total_count: all.length });
  }

  async #query({ id, body }, shape) {
    const { binding } = this.#database(id);
    const { sql, params = [], batch = [{ sql, params }] } = JSON.parse(body);
    const statements = batch.flatMap((each) => {
      const parts = splitSql(each.sql);
      if (parts.length > 1 && each.params?.length > 0) throw new ApiError(400, 7400, 'parameters need a single statement');
      return parts.map((part) => ({ sql: part, params: each.params ?? [] }));
    });
    try {
      const results = await this.#inTurn(async () => {
        const database = (await this.#gatehouse.env())[binding];
        return database.batch(statements.map((each) => database.prepare(each.sql).bind(...each.params)));
      });
      return envelope(results.map((each) => ({ ...each, results: shape(each.results) })));
    } catch (error) {
      throw new ApiError(400, 7500, error.message.replace('D1_ERROR: ', ''));
    }
  }

  #settings(script) {
    if (script !== SCRIPT) throw new ApiError(404, 10007, 'This Worker does not exist on your account.');
    // A secret never comes back.
    const shown = this.#bindings.map(({ text, ...rest }) => (rest.type === 'plain_text' ? { ...rest, text } : rest));
    return envelope({ bindings: shown });
  }

  async #bind({ id, headers, body }) {
    if (id !== SCRIPT) throw new ApiError(404, 10007, 'This Worker does not exist on your account.');
    const sent = new Response(body, { headers: { 'content-type': headers['content-type'] ?? '' } });
    const part = (await sent.formData().catch(() => null))?.get('settings');
    if (!part) throw new ApiError(400, 10201, 'The settings part is missing');
    const { bindings } = JSON.parse(typeof part === 'string' ? part : await part.text());
    if (bindings) {
      this.#bindings = bindings.map((wanted) => this.#resolve(wanted));
      this.#restart = this.#restart.then(() => this.#restartGatehouse());
    }
    return this.#settings(id);
  }

  #resolve(wanted) {
    if (wanted.type === 'inherit') {
      const existing = this.#bindings.find(({ name }) => name === (wanted.old_name ?? wanted.name));
      if (!existing) throw new ApiError(400, 10057, `There is no binding ${wanted.name} to inherit`);
      return this.#resolve({ ...existing, name: wanted.name });
    }
    if (wanted.type === 'd1' && !this.#databases.has(wanted.database_id)) {
      throw new ApiError(400, 10181, `D1 binding '${wanted.name}' references a database that was not found`);
    }
    return wanted;
  }

  async #restartGatehouse() {
    await new Promise((resolve) => setTimeout(resolve, RESTART_DELAY_MS));
    await this.#held;
    const spares = new Set(Object.values(this.spares));
    const attached = this.#bindings.filter(({ database_id }) => spares.has(database_id));
    const bound = new Set(this.#bindings.map(({ name }) => name));
    const changed = {
      databases: { ...this.spares, ...Object.fromEntries(attached.map(({ name, database_id }) => [name, database_id])) },
      dropped: this.#declared.filter((name) => !bound.has(name)),
    };
    await this.#inTurn(() => this.#gatehouse.update(changed));
  }

  #inTurn(work) {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }
}

/** Starts the stand-in; hand its `vars` and `spares` to the instance, then let it `serve` that. */
export const startCloudflareApi = () => new CloudflareApi().listen();
