// `gatehouse import` of an install with very many people against real workerd and D1: it is killed in the middle, run again,
// and ends with every row, without having them all in memory.
//
// IMPORT_PEOPLE=100000 tries it with a hundred thousand people (about 530,000 rows).
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { writeInstall } from './crowded_install.mjs';
import { secrets, startGatehouse } from './harness.mjs';
import { Operator } from './operator.mjs';

const PEOPLE = Number(process.env.IMPORT_PEOPLE ?? 1_000);
const PATIENCE_MS = 60_000 + PEOPLE * 20;
const root = fileURLToPath(new URL('../..', import.meta.url));

// Compiled as it is installed where it is measured, and as the other tests have it where it is only tried.
const measured = PEOPLE > 1_000;
const binary = join(root, measured ? 'target/release/gatehouse' : 'target/debug/gatehouse');

let gatehouse, operator, folder, rows;

before(async () => {
  const built = spawnSync('cargo', ['build', '--quiet', '--bin', 'gatehouse', ...(measured ? ['--release'] : [])], { cwd: root, encoding: 'utf8' });
  assert.equal(built.status, 0, built.stderr);
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-import-'));
  rows = await writeInstall(join(folder, 'dump.sql'), PEOPLE);
  gatehouse = await startGatehouse({ reachable: true });
  operator = await Operator.of(gatehouse);
});
after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await gatehouse.close();
});

/** Runs the command until it ends, or until it is time to kill it: its exit code, its output, and the most memory it had (MiB). */
async function command(args, isTime = async () => false) {
  const child = spawn(binary, ['--url', gatehouse.base, ...args], { cwd: folder, env: { ...process.env, ...secrets } });
  const [said, ended] = [{ out: '', err: '', memory: 0 }, new Promise((resolve) => child.on('close', resolve))];
  child.stdout.on('data', (text) => (said.out += text));
  child.stderr.on('data', (text) => (said.err += text));
  let code;
  ended.then((value) => (code = value ?? 'killed'));
  while (code === undefined) {
    try {
      said.memory = Math.max(said.memory, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024);
    } catch {
      // It has just ended.
    }
    if (await isTime()) child.kill('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { code, ...said };
}

/** How many users the tenant has by now. */
async function users() {
  const answer = await operator.ask('GET /management/tenants/acme/import');
  return answer.ok ? ((await answer.json()).taken.users ?? 0) : 0;
}

test(`an install of ${PEOPLE} people is imported by a command that is killed and run again`, { timeout: 3 * PATIENCE_MS }, async (t) => {
  const planned = await command(['plan', '--from', 'dump.sql', '-o', 'plan.toml']);
  assert.equal(planned.code, 0, planned.err);

  let before = 0;
  const killed = await command(['import', '--plan', 'plan.toml', '--json'], async () => (before = await users()) > 0);
  assert.equal(killed.code, 'killed', `${killed.out}\n${killed.err}`);
  assert.ok(before > 0, 'it was killed with some of it done');

  const began = performance.now();
  const done = await command(['import', '--plan', 'plan.toml', '--json']);
  const seconds = (performance.now() - began) / 1000;
  assert.equal(done.code, 0, done.err);
  const [acme] = JSON.parse(done.out).tenants;
  assert.ok(acme.compared && acme.import.status === 'finished', done.out);
  t.diagnostic(`${rows} rows of the source, ${acme.rows} records, imported and compared in ${seconds.toFixed(1)} s: ${Math.round(acme.rows / seconds)} records/s`);
  t.diagnostic(`the command had ${Math.round(done.memory)} MiB at most; it was killed when ${before} users were there`);

  const { tables } = await operator.does('GET /management/tenants/acme/moves/plan?placement=shared');
  assert.deepEqual([tables.users, tables.passwords, tables.refresh_tokens], [PEOPLE, PEOPLE, PEOPLE]);
});
