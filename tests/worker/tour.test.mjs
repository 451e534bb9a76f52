// The first tour of the README is run as it stands there, and every step does what it says.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { secrets, startGatehouse } from './harness.mjs';
import { CALLBACK, Operator } from './operator.mjs';
import { browse, Person } from './person.mjs';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const [, tour] = readme.match(/<!-- tour -->\n```sh\n([\s\S]*?)```\n<!-- \/tour -->/);
// RFC 7636, appendix B: the verifier of the challenge that the tour uses.
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';

// The token of the first screen: all but the line that starts the server.
const [, first] = readme.match(/<!-- first -->\n```sh\nnpm start.*\n([\s\S]*?)```\n<!-- \/first -->/);

let gatehouse, folder, printed;
before(async () => {
  gatehouse = await startGatehouse({ reachable: true });
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-tour-'));
  const lines = Object.entries(secrets).map(([name, value]) => `${name}="${value}"\n`);
  writeFileSync(join(folder, '.dev.vars'), lines.join(''));
  // curl ends no line: the answers follow each other.
  printed = (await carriedOut(tour)).trim().split(/(?<=\})(?=\{|http)|\n/);
});

/** What the lines print. The one thing that differs from `npm start` is the port. */
async function carriedOut(lines) {
  const script = lines.replaceAll('localhost:8787', gatehouse.base.replace('http://', ''));
  const { stdout, stderr } = await promisify(execFile)('bash', ['-eu', '-o', 'pipefail', '-c', script], { cwd: folder });
  assert.equal(stderr, '');
  return stdout;
}

after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await gatehouse.close();
});

test('the lines of the first screen end with a token', async () => {
  assert.equal(JSON.parse(await carriedOut(first)).token_type, 'Bearer');
});

test('it makes two tenants, each on a database of its own', async () => {
  const [acme, globex] = printed.slice(0, 2).map((text) => JSON.parse(text));
  assert.deepEqual([acme.id, acme.status, acme.placement], ['acme', 'active', 'isolated']);
  assert.deepEqual([globex.id, globex.status, globex.placement], ['globex', 'active', 'isolated']);
  const { DIRECTORY } = await gatehouse.env();
  const { results } = await DIRECTORY.prepare("select database_id from tenants where id in ('acme', 'globex')").all();
  assert.equal(new Set(results.map(({ database_id }) => database_id)).size, 2);
});

test('it makes a person in acme, and only there', async () => {
  assert.equal(JSON.parse(printed[2]).email, 'ada@example.com');
  const operator = await Operator.of(gatehouse);
  const emails = async (tenant) => (await operator.does('GET /api/v2/users', undefined, tenant)).map(({ email }) => email);
  assert.deepEqual(await emails('acme'), ['ada@example.com']);
  assert.deepEqual(await emails('globex'), []);
});

test("it shows acme's own provider", () => {
  const issuer = gatehouse.base.replace('://', '://acme.');
  assert.equal(JSON.parse(printed[3]).issuer, `${issuer}/`);
});

test('the link that it ends with signs the person in, and the code is good for tokens', async () => {
  assert.equal(printed.length, 5);
  const person = new Person(browse(gatehouse.fetch), { email: 'ada@example.com', password: 'analytical-engine-1843' });
  const back = new URL(await person.visit(printed[4], CALLBACK));
  assert.equal(back.searchParams.get('state'), 'any');
  const link = new URL(printed[4]);
  const redeemed = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: link.searchParams.get('client_id'),
    redirect_uri: CALLBACK,
    code_verifier: VERIFIER,
    code: back.searchParams.get('code'),
  });
  const tokens = await gatehouse.fetch(`${link.origin}/oauth/token`, { method: 'POST', body: redeemed });
  assert.equal(tokens.status, 200, await tokens.clone().text());
  assert.equal((await tokens.json()).scope, 'openid profile email');
});
