// Builds the Worker into build/, unless what is there was made from the same sources. `wrangler` runs this too.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ensureDevVars } from './dev-vars.mjs';
import { buildTools } from './install.mjs';
import { main, path, root, run, step } from './project.mjs';

// package.json holds the versions of wasm-opt and esbuild, Cargo.lock those of all the rest.
const inputs = (crateDir) => [
  path('package.json'),
  ...['Cargo.toml', 'Cargo.lock', '.cargo', 'src', 'migrations'].map((name) => join(crateDir, name)),
];

const outputs = ['index.js', 'index_bg.wasm'];

const filesIn = (place) =>
  !existsSync(place)
    ? []
    : readdirSync(place, { withFileTypes: true, recursive: true })
        .filter((entry) => entry.isFile() && !entry.name.endsWith('.md'))
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
        .sort();

function fingerprint(crateDir) {
  const hash = createHash('sha256');
  for (const input of inputs(crateDir)) {
    const files = /\.(toml|lock|json)$/.test(input) ? [input] : filesIn(input);
    for (const file of files) hash.update(`${file.slice(root.length)}\0`).update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

/** What Rust and wasm-bindgen use of WebAssembly; nothing newer may be written into the file. */
const features = [
  'mutable-globals',
  'sign-ext',
  'nontrapping-float-to-int',
  'bulk-memory',
  'multivalue',
  'reference-types',
  'exception-handling',
].map((feature) => `--enable-${feature}`);

/** Builds a Worker crate in release form; returns its build folder. */
export async function build(crateDir = root) {
  const out = join(crateDir, 'build');
  const stamp = join(out, '.inputs');
  const tools = await buildTools(crateDir);
  const before = fingerprint(crateDir);
  const current = existsSync(stamp) && readFileSync(stamp, 'utf8') === before;
  if (current && outputs.every((name) => existsSync(join(out, name)))) return out;
  const env = {
    ...tools.env,
    CARGO_TARGET_DIR: path('target'),
    // A client that hangs up must not cut a request off between two of its writes.
    RUN_TO_COMPLETION: '1',
  };
  await step('Worker (Rust to WebAssembly)', () => run(tools.workerBuild, ['--release'], { cwd: crateDir, env }));
  // The names of functions are a tenth of the bundle, and for debuggers: a panic names its place without them.
  const wasm = join(out, 'index_bg.wasm');
  await run(tools.env.WASM_OPT_BIN, ['-Os', '--strip-debug', ...features, wasm, '-o', wasm]);
  // Taken before the build: a file saved meanwhile must lead to another build.
  writeFileSync(stamp, before);
  return out;
}

/** Bytes of what is uploaded, as they are and compressed. */
export function bundleSize(out) {
  const files = outputs.map((name) => readFileSync(join(out, name)));
  const sum = (sizes) => sizes.reduce((total, size) => total + size, 0);
  return { raw: sum(files.map((file) => file.length)), gzip: sum(files.map((file) => gzipSync(file).length)) };
}

await main(import.meta, async () => {
  ensureDevVars();
  await build();
});
