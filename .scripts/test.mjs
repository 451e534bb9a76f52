// `npm test`: every check there is. `npm test -- native worker` runs only the named ones; `npm test -- quick` what fails fast.
import { readdirSync } from 'node:fs';
import { findChrome } from '../tests/browser/chrome.mjs';
import { build } from './build.mjs';
import { installPackages, installTarget } from './install.mjs';
import { Failure, main, path, run, step } from './project.mjs';

const clippy = (...args) => run('cargo', ['clippy', '--quiet', ...args, '--', '--deny', 'warnings']);

/** Node's own test runner, on every *.test.mjs of a folder; one file at a time, since each starts a server. */
function nodeTests(folder) {
  const files = readdirSync(path(folder)).filter((name) => name.endsWith('.test.mjs'));
  const options = ['--test', '--test-concurrency=1', '--test-reporter=spec', '--test-timeout=120000'];
  return run('node', [...options, ...files.map((name) => path(folder, name))], { env: { CI: '1' } });
}

function browserTests() {
  if (findChrome()) return nodeTests('tests/browser');
  const missing = 'no Chrome or Chromium on PATH, nor in CHROME';
  if (process.env.CI === 'true') throw new Failure(missing);
  console.warn(`\n⚠ BROWSER TESTS SKIPPED: ${missing}`);
}

/** In this order: what fails fast comes first. */
const checks = {
  format: () => run('cargo', ['fmt', '--check']),
  lint: () => clippy('--all-targets'),
  'lint-wasm': () => installTarget().then(() => clippy('--target', 'wasm32-unknown-unknown', '--lib')),
  native: () => run('cargo', ['test']),
  build: () => build(),
  worker: () => build().then(() => nodeTests('tests/worker')),
  clients: () => build().then(() => nodeTests('tests/clients')),
  browser: () => build().then(browserTests),
};

/** Of the native tests those that say within seconds that something is wrong; it is no part of `npm test`, which runs them all. */
const FAST = ['laws::layers', 'laws::tidy', 'laws::routes', 'laws::doors', 'laws::headers', 'laws::migrations', 'laws::bodies'];
const quick = async () => {
  await step('format', checks.format);
  await step('native, what is fast', () =>
    run('cargo', ['test', '--quiet', '--test', 'native', '--', ...FAST, 'login::', 'management::', 'oauth::']),
  );
};

await main(import.meta, async (wanted) => {
  if (wanted.join() === 'quick') return quick();
  const unknown = wanted.find((name) => !(name in checks));
  if (unknown) throw new Failure(`There is no check ${unknown}; there are ${Object.keys(checks).join(', ')}`);
  await installPackages();

  const failed = [];
  for (const [name, check] of Object.entries(checks)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    // The others still run: one failure must not hide the next.
    await step(name, check).catch((error) => {
      console.error(`✗ ${name}: ${error.message}`);
      failed.push(name);
    });
  }
  if (failed.length > 0) throw new Failure(`failed: ${failed.join(', ')}`);
  console.log('\n✓ all checks passed');
});
