// `npm run deploy`, as far as it can be seen without an account: what it asks the Cloudflare API to do, and what the command
// around it does to an installation that runs on real workerd meanwhile.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { secrets, startGatehouse } from './harness.mjs';
import { Operator } from './operator.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const account = '0123456789abcdef0123456789abcdef';

/** The deployments of the script so far, as the account knows them. */
let deployments = [];
const [OLD, NEW, NEWER] = ['2026-11-01T00:00:00Z', '2026-11-02T00:00:00Z', '2026-11-02T00:01:00Z'];
const deployment = (version_id, created_on) => ({
  id: `of-${version_id}`,
  created_on,
  source: 'wrangler',
  strategy: 'percentage',
  author_email: 'operator@example.com',
  versions: [{ version_id, percentage: 100 }],
});

/** An account with nothing in it: a number is the error of what is not there yet. */
const answers = [
  ['GET', /\/workers\/services\/gatehouse$/, 10007],
  ['GET', /\/scripts\/gatehouse\/settings$/, 10007],
  ['GET', /\/scripts\/gatehouse\/secrets$/, () => []],
  ['GET', /\/scripts\/gatehouse\/deployments$/, () => ({ deployments })],
  ['GET', /\/scripts\/gatehouse\/versions\/[^/]+$/, () => ({ id: 'old', number: 1, metadata: { created_on: OLD }, resources: {} })],
  ['GET', /\/workers\/workers\/gatehouse$/, () => ({ subdomain: { enabled: false, previews_enabled: false } })],
  ['GET', /\/d1\/database\/[^/]+$/, 7404],
  ['GET', /\/d1\/database\?/, () => []],
  ['POST', /\/d1\/database$/, (body) => ({ uuid: crypto.randomUUID(), name: JSON.parse(body).name })],
];

const calls = [];
/** What else happens when something is asked: by method and path. */
const hooks = new Map();
const recorder = createServer(async (incoming, outgoing) => {
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const { method, url, headers } = incoming;
  calls.push({ method, url, body, type: headers['content-type'] });
  const [, , answer = () => ({})] = answers.find(([verb, path]) => verb === method && path.test(url)) ?? [];
  for (const [asked, happens] of hooks) if (asked.test(`${method} ${url}`)) await happens();
  const missing = typeof answer === 'number';
  const errors = missing ? [{ code: answer, message: 'not found' }] : [];
  const reply = { success: !missing, errors, messages: [], result: missing ? null : answer(body) };
  outgoing.writeHead(missing ? 404 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
});

const find = (method, path) => calls.filter((call) => call.method === method && path.test(call.url));

/** Runs a program in this folder, with the recorder for Cloudflare; its exit code, and what it said. */
function run(program, args, env) {
  const child = spawn(program, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      CI: '1',
      BASE_DOMAIN: 'auth.example.com',
      CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${recorder.address().port}/client/v4`,
      CLOUDFLARE_API_TOKEN: 'token-of-the-tests',
      CLOUDFLARE_ACCOUNT_ID: account,
      ...env,
    },
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (text) => (said.out += text));
  child.stderr.on('data', (text) => (said.err += text));
  return new Promise((resolve) => child.on('exit', (code) => resolve({ code, ...said })));
}

before(async () => {
  await new Promise((resolve) => recorder.listen(0, '127.0.0.1', resolve));
  const { code, out, err } = await run('node', ['.scripts/deploy.mjs']);
  assert.equal(code, 0, out + err);
});
after(async () => {
  recorder.closeAllConnections();
  recorder.close();
  await gatehouse?.close();
});

test('creates the directory, the shared database and the pool', () => {
  const names = find('POST', /\/d1\/database$/).map(({ body }) => JSON.parse(body).name);
  const pool = Array.from({ length: 10 }, (_, i) => `gatehouse-pool-${String(i + 1).padStart(2, '0')}`);
  assert.deepEqual(names.sort(), ['gatehouse-directory', ...pool, 'gatehouse-shared'].sort());
});

test('uploads the Worker with its bindings, and keeps those that were attached at run time', async () => {
  const [{ body, type }] = find('PUT', /\/scripts\/gatehouse\?/);
  const form = await new Response(body, { headers: { 'content-type': type } }).formData();
  const metadata = JSON.parse(form.get('metadata'));
  assert.deepEqual(metadata.keep_bindings, ['d1', 'secret_text', 'secret_key']);
  assert.deepEqual(metadata.migrations.steps, [{ new_sqlite_classes: ['Coordinator'] }]);
  const binding = (name) => metadata.bindings.find((each) => each.name === name);
  assert.equal(binding('BASE_DOMAIN').text, 'auth.example.com');
  assert.equal(binding('SELF').service, 'gatehouse');
  assert.equal(binding('DIRECTORY').type, 'd1');
  assert.equal(binding('ADMIN_PASSWORD'), undefined, 'local secrets stay local');
});

test('routes the base domain and every tenant under it, and sets the schedule', () => {
  const [routes] = find('PUT', /\/scripts\/gatehouse\/routes$/);
  const patterns = JSON.parse(routes.body).map(({ pattern }) => pattern);
  assert.deepEqual(patterns, ['auth.example.com/*', '*.auth.example.com/*']);
  const [schedules] = find('PUT', /\/scripts\/gatehouse\/schedules$/);
  assert.deepEqual(JSON.parse(schedules.body), [{ cron: '*/5 * * * *' }]);
});

let gatehouse, operator, home;

/** `gatehouse deploy` of the installation; the recorder plays the upload. */
async function deploy(expected, ...more) {
  const args = ['--url', gatehouse.base, '--json', 'deploy', '--patience', '8', ...more];
  const { code, out, err } = await run(join(root, 'target/debug/gatehouse'), args, secrets);
  assert.equal(code, expected, out + err);
  return JSON.parse(out);
}

test('the command archives every tenant, deploys, and finds everything as it was', async () => {
  const built = await run('cargo', ['build', '--quiet', '--bin', 'gatehouse']);
  assert.equal(built.code, 0, built.err);
  gatehouse = await startGatehouse({ reachable: true });
  operator = await Operator.of(gatehouse);
  await operator.does('POST /management/tenants', { id: 'acme', placement: 'isolated' });
  home = await operator.does('GET /management/tenants/acme/database');
  const said = await deploy(0);
  assert.deepEqual([said.tenants, said.rolled_back, said.wrong], [2, false, []]);
  assert.deepEqual(said.backup.archives.map(({ tenant_id }) => tenant_id).toSorted(), ['acme', 'main']);
  const [archive] = said.backup.archives.filter(({ tenant_id }) => tenant_id === 'acme');
  const kept = (await (await gatehouse.env()).ARCHIVE.list()).objects;
  assert.ok(kept.some(({ key }) => key.includes(archive.id)), JSON.stringify(kept));
});

test('code that loses the binding of a tenant is taken back by itself', async () => {
  const uploaded = find('PUT', /\/scripts\/gatehouse\?/).length;
  const broken = gatehouse.dropped();
  deployments = [deployment('old', OLD)];
  hooks.set(/^PUT .*\/scripts\/gatehouse\?/, () => {
    // A database was attached meanwhile: the deployment before the last one is not what was live before.
    deployments = [deployment('newer', NEWER), deployment('new', NEW), deployment('old', OLD)];
    return gatehouse.update({ dropped: [...broken, home.binding] });
  });
  hooks.set(/^POST .*\/scripts\/gatehouse\/deployments/, () => gatehouse.update({ dropped: broken }));
  const said = await deploy(1, '--no-backup');
  assert.deepEqual(said.wrong, ['acme does not answer']);
  assert.deepEqual([said.rolled_back, said.left, said.backup.kind], [true, [], 'time_travel']);
  assert.equal(find('PUT', /\/scripts\/gatehouse\?/).length, uploaded + 1);
  const [{ body }] = find('POST', /\/scripts\/gatehouse\/deployments/);
  assert.deepEqual(JSON.parse(body).versions, [{ version_id: 'old', percentage: 100 }]);
  await operator.does('GET /api/v2/users', undefined, 'acme');
});
