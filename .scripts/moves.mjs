// `npm run moves`: the tests of moves at full size. A million schedules against the protocol, a thousand tenants in one
// migration, two thousand trials on SQLite, and a hundred thousand people who move on workerd while they sign in.
import { build } from './build.mjs';
import { main, path, run, step } from './project.mjs';

await main(import.meta, async () => {
  const native = (filter, env) => run('cargo', ['test', '--test', 'native', '--', '--nocapture', filter], { env });
  await step('a million schedules', () => native('moves::simulation', { SCHEDULES: '1000000' }));
  await step('a thousand tenants', () => native('moves::migration', { TENANTS: '1000' }));
  await step('two thousand trials', () => native('moves::rivals', { TRIALS: '1000' }));
  await build();
  const options = ['--test', '--test-reporter=spec', '--test-timeout=3600000'];
  const file = path('tests/worker/move.test.mjs');
  for (const people of ['1000', '100000']) {
    await step(`${people} people`, () => run('node', [...options, file], { env: { CI: '1', MOVE_PEOPLE: people } }));
  }
});
