// What the project needs beyond Rust and Node: each piece at one exact version, installed only when it is missing.
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Failure, path, run, step } from './project.mjs';

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'gatehouse', 'tools');

const output = (command, args) => {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
};

/** npm writes what it installed into node_modules; it must be what the lock file asks for. */
function packagesAreCurrent() {
  const installed = path('node_modules/.package-lock.json');
  if (!existsSync(installed)) return false;
  const packages = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;
  const have = packages(installed);
  return Object.entries(packages(path('package-lock.json'))).every(
    ([name, { version, optional }]) => name === '' || optional || have[name]?.version === version,
  );
}

export async function installPackages() {
  if (packagesAreCurrent()) return;
  // The packages that ask for a newer Node get one: it is among them.
  await step('npm packages', () => run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']));
}

export async function installTarget() {
  const sysroot = output('rustc', ['--print', 'sysroot']);
  if (!sysroot) throw new Failure('Rust is missing: install it with rustup, then try again.');
  if (existsSync(join(sysroot, 'lib/rustlib/wasm32-unknown-unknown'))) return;
  await step('Rust target for WebAssembly', () => run('rustup', ['target', 'add', 'wasm32-unknown-unknown']));
}

const isExecutable = (file) => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/**
 * Unoptimised: the two tools compile in four minutes of processor time, and are slower by two seconds in a build that takes
 * minutes. What both depend on is compiled once.
 */
const QUICKLY = {
  CARGO_PROFILE_RELEASE_OPT_LEVEL: '0',
  CARGO_PROFILE_RELEASE_LTO: 'off',
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
  CARGO_TARGET_DIR: join(cache, 'target'),
};

/** A command that cargo installs, at exactly this version: one that is already there, or a new one in the cache. */
async function cargoTool(crate, command, version) {
  const home = join(cache, `${crate}-${version}`);
  const places = [path('.tools/bin'), join(home, 'bin'), ...(process.env.PATH ?? '').split(delimiter)];
  const found = places
    .map((place) => join(place, command))
    .find((file) => isExecutable(file) && output(file, ['--version']).split(' ').at(-1) === version);
  if (found) return found;
  // Not --locked: its own lock may name a version that was yanked since, and a build tool is not shipped.
  await step(`${crate} ${version} (compiled once per machine, takes a minute or two)`, () =>
    run('cargo', ['install', '--root', home, `${crate}@${version}`], { env: QUICKLY }),
  );
  return join(home, 'bin', command);
}

/** The version of a crate in a Cargo.lock: a tool must match the library it is the other half of. */
function lockedVersion(crateDir, name) {
  const lock = readFileSync(join(crateDir, 'Cargo.lock'), 'utf8');
  const version = lock.match(new RegExp(`^name = "${name}"\nversion = "(.+)"`, 'm'))?.[1];
  if (!version) throw new Failure(`${join(crateDir, 'Cargo.lock')} names no ${name}`);
  return version;
}

/** Installs what a WASM build of the crate needs; returns worker-build and the variables that keep it from downloading. */
export async function buildTools(crateDir) {
  await installPackages();
  await installTarget();
  const workerBuild = await cargoTool('worker-build', 'worker-build', lockedVersion(crateDir, 'worker'));
  const bindgen = await cargoTool('wasm-bindgen-cli', 'wasm-bindgen', lockedVersion(crateDir, 'wasm-bindgen'));
  rmSync(QUICKLY.CARGO_TARGET_DIR, { recursive: true, force: true });
  return {
    workerBuild,
    env: {
      WASM_BINDGEN_BIN: bindgen,
      WASM_OPT_BIN: path('node_modules/.bin/wasm-opt'),
      ESBUILD_BIN: path('node_modules/.bin/esbuild'),
    },
  };
}
