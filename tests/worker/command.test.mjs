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

test('who has no right is told so', async () => {
  const stranger = { ...process.env, ...secrets, MANAGEMENT_CLIENT_SECRET: 'wrong' };
  const refused = await run(binary, ['--url', gatehouse.base, 'tenants', 'list'], { cwd: folder, env: stranger });
  assert.equal(refused.code, 1, refused.err);
  assert.match(refused.err, /401|403/);
});
