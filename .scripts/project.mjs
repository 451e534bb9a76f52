// Where things are, and how the scripts run commands. Node built-ins only: this runs before anything is installed.
import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const path = (...parts) => join(root, ...parts);

// Installed commands first, among them a Node new enough for wrangler: the one that started us may be older.
const env = {
  ...process.env,
  PATH: [path('node_modules/.bin'), process.env.PATH].join(delimiter),
  WRANGLER_SEND_METRICS: 'false',
  // Asks a server on the internet where we are; a placeholder does.
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
};

export class Failure extends Error {}

/** Starts a command in the project, its output on our screen. */
export const start = (command, args = [], options = {}) =>
  spawn(command, args, { cwd: root, stdio: 'inherit', ...options, env: { ...env, ...options.env } });

/** Runs a command to its end; anything but success is a Failure. */
export const run = (command, args = [], options) =>
  new Promise((resolve, reject) => {
    const child = start(command, args, options);
    child.on('error', (error) => reject(new Failure(`cannot start ${command}: ${error.message}`)));
    child.on('exit', (code, signal) =>
      code === 0 ? resolve() : reject(new Failure(`${command} ${args.join(' ')} ended with ${signal ?? code}`)),
    );
  });

/** Runs one named piece of work and says how long it took. */
export async function step(title, work) {
  console.log(`\n▶ ${title}`);
  const began = performance.now();
  const result = await work();
  console.log(`✓ ${title} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
  return result;
}

/** Runs a script's `main` if it was named on the command line. A Failure needs no stack trace: it says what to do. */
export async function main(meta, work) {
  if (process.argv[1] !== fileURLToPath(meta.url)) return;
  try {
    await work(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Failure ? `\n✗ ${error.message}` : error);
    process.exitCode = 1;
  }
}
