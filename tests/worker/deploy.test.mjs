// `npm run deploy`, as far as it can be seen without an account: what it asks the Cloudflare API to do.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';

const root = fileURLToPath(new URL('../..', import.meta.url));
const account = '0123456789abcdef0123456789abcdef';

/** An account with nothing in it: a number is the error of what is not there yet. */
const answers = [
  ['GET', /\/workers\/services\/gatehouse$/, 10007],
  ['GET', /\/scripts\/gatehouse\/settings$/, 10007],
  ['GET', /\/scripts\/gatehouse\/secrets$/, () => []],
  ['GET', /\/scripts\/gatehouse\/deployments$/, () => ({ deployments: [] })],
  ['GET', /\/workers\/workers\/gatehouse$/, () => ({ subdomain: { enabled: false, previews_enabled: false } })],
  ['GET', /\/d1\/database\/[^/]+$/, 7404],
  ['GET', /\/d1\/database\?/, () => []],
  ['POST', /\/d1\/database$/, (body) => ({ uuid: crypto.randomUUID(), name: JSON.parse(body).name })],
];

const calls = [];
const recorder = createServer(async (incoming, outgoing) => {
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const { method, url, headers } = incoming;
  calls.push({ method, url, body, type: headers['content-type'] });
  const [, , answer = () => ({})] = answers.find(([verb, path]) => verb === method && path.test(url)) ?? [];
  const missing = typeof answer === 'number';
  const errors = missing ? [{ code: answer, message: 'not found' }] : [];
  const reply = { success: !missing, errors, messages: [], result: missing ? null : answer(body) };
  outgoing.writeHead(missing ? 404 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
});

const find = (method, path) => calls.filter((call) => call.method === method && path.test(call.url));

before(async () => {
  await new Promise((resolve) => recorder.listen(0, '127.0.0.1', resolve));
  const deploy = spawn('node', ['.scripts/deploy.mjs'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      CI: '1',
      BASE_DOMAIN: 'auth.example.com',
      CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${recorder.address().port}/client/v4`,
      CLOUDFLARE_API_TOKEN: 'token-of-the-tests',
      CLOUDFLARE_ACCOUNT_ID: account,
    },
  });
  let output = '';
  deploy.stdout.on('data', (text) => (output += text));
  deploy.stderr.on('data', (text) => (output += text));
  const code = await new Promise((resolve) => deploy.on('exit', resolve));
  assert.equal(code, 0, output);
});
after(() => {
  recorder.closeAllConnections();
  recorder.close();
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
