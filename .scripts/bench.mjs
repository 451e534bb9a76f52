// `npm run bench`: builds the Worker and the null Worker it is measured against, then measures.
import { build } from './build.mjs';
import { main, path, run } from './project.mjs';

await main(import.meta, async (args) => {
  await build();
  await build(path('tests/bench/null-worker'));
  await run('node', [path('tests/bench/run.mjs'), ...args], { env: { WRANGLER_LOG: 'error' } });
});
