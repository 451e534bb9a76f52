// The `gatehouse` command over real sockets against real workerd and D1: an install is imported, looked at and moved.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { secrets, startGatehouse } from './harness.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const binary = join(root, 'target/debug/gatehouse');
const USERS = 3_000;

let gatehouse, folder;

/** Runs a program; its exit code, output and errors. */
const run = (file, args, options) =>
  new Promise((resolve) =>
    execFile(file, args, { maxBuffer: 1 << 26, ...options }, (error, out, err) =>
      resolve({ code: error ? error.code : 0, out, err }),
    ),
  );

const command = (...args) =>
  run(binary, ['--url', gatehouse.base, ...args], { cwd: folder, env: { ...process.env, ...secrets } });

async function expect(code, ...args) {
  const said = await command(...args);
  assert.equal(said.code, code, `${args.join(' ')}\n${said.out}\n${said.err}`);
  return said.out;
}

/** A dump of an install with two tenants, as D1 exports it. */
function dump() {
  const when = "'2026-11-23T08:00:00.000Z'";
  const lines = [
    'PRAGMA defer_foreign_keys=TRUE;',
    'CREATE TABLE tenants (id text, friendly_name text, created_at text, updated_at text);',
    'CREATE TABLE connections (id text, tenant_id text, name text, strategy text, options text, created_at text, updated_at text);',
    'CREATE TABLE users (tenant_id text, user_id text, email text, provider text, connection text, email_verified integer, is_social integer, app_metadata text, created_at text, updated_at text);',
  ];
  for (const tenant of ['acme', 'globex']) {
    lines.push(`INSERT INTO tenants VALUES ('${tenant}','${tenant}',${when},${when});`);
    lines.push(`INSERT INTO connections VALUES ('con_${tenant}','${tenant}','Username-Password-Authentication','auth0','{}',${when},${when});`);
    const count = tenant === 'acme' ? USERS : 5;
    for (let n = 0; n < count; n++) {
      lines.push(`INSERT INTO users VALUES ('${tenant}','auth0|${tenant}-${n}','${tenant}${n}@example.com','auth0','Username-Password-Authentication',1,0,'{}',${when},${when});`);
    }
  }
  return lines.join('\n') + '\n';
}

before(async () => {
  const built = await run('cargo', ['build', '--quiet', '--bin', 'gatehouse'], { cwd: root });
  assert.equal(built.code, 0, built.err);
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-command-'));
  writeFileSync(join(folder, 'dump.sql'), dump());
  gatehouse = await startGatehouse({ reachable: true });
});
after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await gatehouse.close();
});

test('an install is imported, and every table has the hash that was sent', async () => {
  await expect(0, 'plan', '--from', 'dump.sql', '-o', 'plan.toml');
  const began = performance.now();
  const said = JSON.parse(await expect(0, 'import', '--plan', 'plan.toml', '--json'));
  const seconds = (performance.now() - began) / 1000;
  const rows = said.tenants.reduce((sum, tenant) => sum + tenant.rows, 0);
  console.log(`${rows} records imported and compared in ${seconds.toFixed(1)} s`);
  assert.ok(said.tenants.every((tenant) => tenant.compared && tenant.import.status === 'finished'));
  assert.match(await expect(0, 'doctor', 'acme'), new RegExp(`users +3,000`));
});

test('a tenant moves and comes back', async () => {
  const before = JSON.parse(await expect(0, 'verify', 'acme', '--json')).tenants[0];
  assert.match(await expect(0, 'move', 'acme', '--to', 'shared'), /to shared: switched/);
  const both = JSON.parse(await expect(0, 'verify', 'acme', '--json')).tenants[0];
  assert.deepEqual([both.mode, both.tables.users], ['compared', before.tables.users]);
  await expect(0, 'rollback', 'acme');
  const shown = JSON.parse(await expect(0, 'tenants', 'get', 'acme', '--json'));
  assert.equal(shown.placement, 'isolated');
  await expect(0, 'doctor');
});

test('a tenant is archived in R2, comes back as another one, and in its place', async () => {
  const rows = async (tenant) => JSON.parse(await expect(0, 'verify', tenant, '--json')).tenants[0].tables;
  const before = await rows('acme');
  const began = performance.now();
  const { backups } = JSON.parse(await expect(0, 'backup', 'acme', '--everything', '--json'));
  const [{ id, rows: archived, bytes }] = backups;
  console.log(`${archived} rows archived in ${((performance.now() - began) / 1000).toFixed(1)} s, ${bytes} bytes`);
  await expect(0, 'restore', 'acme', '--from', id, '--into', 'twin', '--placement', 'shared');
  assert.deepEqual((await rows('twin')).passwords, before.passwords);
  await expect(2, 'restore', 'acme', '--from', 'newest');
  assert.match(await expect(0, 'restore', 'acme', '--from', 'newest', '--confirm', 'acme'), /What it had before is in bak_/);
  assert.deepEqual((await rows('acme')).users, before.users);
  assert.match(await expect(0, 'backups', 'list', 'acme'), new RegExp(`${id}.*whole.*asked.*keys, sessions, logs`));
});

test('all are archived, and who has been is left out when it goes on', async () => {
  const since = new Date().toISOString();
  const all = JSON.parse(await expect(0, 'backup', '--all', '--json'));
  assert.deepEqual(all.backups.map(({ tenant_id }) => tenant_id).toSorted(), ['acme', 'globex', 'main', 'twin']);
  const again = JSON.parse(await expect(0, 'backup', '--all', '--since', since, '--json'));
  assert.deepEqual([again.backups.length, again.left_out.length], [0, 4]);
});

test('the doctor sees where each tenant lives, and that no index is missing', async () => {
  const { checks, databases } = JSON.parse(await expect(0, 'doctor', '--json'));
  assert.ok(checks.every(({ state }) => state === 'good'), JSON.stringify(checks));
  assert.deepEqual(databases.find(({ id }) => id === 'SHARED').tenants, ['main', 'twin']);
  const of = JSON.parse(await expect(0, 'doctor', 'acme', '--json')).checks;
  const found = (what) => of.find((check) => check.what === what);
  assert.match(found('indexes').found, /all that the schema declares, and no other/);
  assert.match(found('binding').found, /POOL_\d\d, which the running script has/);
});

test('who has no right is told so', async () => {
  const stranger = { ...process.env, ...secrets, MANAGEMENT_CLIENT_SECRET: 'wrong' };
  const refused = await run(binary, ['--url', gatehouse.base, 'tenants', 'list'], { cwd: folder, env: stranger });
  assert.equal(refused.code, 1, refused.err);
  assert.match(refused.err, /401|403/);
});
