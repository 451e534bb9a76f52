// `npm run moves`: the tests of moves at full size. A million schedules against the protocol, a thousand tenants in one
// migration, six hundred trials on SQLite, and on workerd a hundred thousand people who move while they sign in, changed cells
// that are to be found, and whether the time in which nobody can write depends on how many people there are.
import { build } from './build.mjs';
import { main, path, run, step } from './project.mjs';

await main(import.meta, async () => {
  const native = (filter, env) => run('cargo', ['test', '--test', 'native', '--', '--nocapture', filter], { env });
  await step('a million schedules', () => native('moves::simulation', { SCHEDULES: '1000000' }));
  await step('a thousand tenants', () => native('moves::migration', { TENANTS: '1000' }));
  await step('six hundred trials', () => native('moves::rivals', { TRIALS: '200' }));
  await build();
  const options = ['--test', '--test-reporter=spec', '--test-timeout=3600000'];
  const onWorkerd = (name, env) => run('node', [...options, path(`tests/worker/${name}.test.mjs`)], { env: { CI: '1', ...env } });
  for (const people of ['1000', '100000']) {
    await step(`${people} people`, () => onWorkerd('move', { MOVE_PEOPLE: people, MOVE_PLANTED: '40' }));
  }
  await step('who waits how long', () => onWorkerd('pause', { MOVE_PEOPLE: '100000', PAUSE_EXCHANGES: '100' }));
});
