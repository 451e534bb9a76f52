// How long nobody can write while a tenant changes its home does not depend on how large it is. A small tenant and a large
// one, each on a server of its own, go there and back by turns, while people use them.
//
// PAUSE_EXCHANGES=60 MOVE_PEOPLE=100000 compares a thousand people with a hundred thousand.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { percentile, sleep, TenantInUse } from './tenant_in_use.mjs';

const SMALL = 1_000;
const LARGE = Number(process.env.MOVE_PEOPLE ?? 3_000);
const EXCHANGES = Number(process.env.PAUSE_EXCHANGES ?? 4);
const PATIENCE_MS = 60_000 + LARGE * 10;

/** How long people have used a tenant before it changes its home. */
const WARM_MS = 300;

const sizes = [SMALL, LARGE];
let tenants;

before(async () => {
  tenants = [await TenantInUse.start(), await TenantInUse.start()];
});
after(() => Promise.all(tenants.map((tenant) => tenant.close())));

/** Has it change its home once, while it is used; answers how many milliseconds nobody could write. */
async function exchange(tenant, id, what) {
  const use = await tenant.use();
  await sleep(WARM_MS);
  await tenant.steer(id, what);
  const there = what === 'switch';
  const settled = ({ move }) => move.arrived === there && move.lag === 0 && move.phase === (there ? 'switched' : 'following');
  const { move } = await tenant.until(id, settled, PATIENCE_MS);
  await use.stop();
  assert.equal(await tenant.kept(), tenant.written, 'the last write is there, and no other');
  return move.pauses_ms.at(-1);
}

test(`${EXCHANGES} exchanges of ${SMALL} and of ${LARGE} people`, { timeout: EXCHANGES * 120_000 + 40 * PATIENCE_MS }, async (t) => {
  const moves = [];
  for (const [index, tenant] of tenants.entries()) {
    await tenant.fill(sizes[index]);
    const id = await tenant.move({ placement: 'isolated', switch: 'manual' });
    await tenant.until(id, ({ move }) => move.phase === 'following' && move.lag === 0, PATIENCE_MS);
    moves.push(id);
  }
  const pauses = { switch: [[], []], return: [[], []] };
  for (let turn = 0; turn < EXCHANGES; turn += 1) {
    const what = turn % 2 === 0 ? 'switch' : 'return';
    for (const [index, tenant] of tenants.entries()) pauses[what][index].push(await exchange(tenant, moves[index], what));
  }
  for (const [index, tenant] of tenants.entries()) {
    assert.deepEqual((await tenant.compare()).differences, []);
    await tenant.steer(moves[index], EXCHANGES % 2 === 0 ? 'abort' : 'rollback');
    await tenant.until(moves[index], ({ status }) => status === 'cancelled', PATIENCE_MS);
  }
  for (const [what, both] of [...Object.entries(pauses), ['either', [0, 1].map((index) => [...pauses.switch[index], ...pauses.return[index]])]]) {
    const told = both.map((some, index) => `${sizes[index]} people p50 ${percentile(some, 0.5)} ms, p99 ${percentile(some, 0.99)} ms`);
    const ratio = percentile(both[1], 0.5) / percentile(both[0], 0.5);
    t.diagnostic(`${what}, ${both[0].length} times: ${told.join('; ')}; medians × ${ratio.toFixed(2)}`);
  }
});
