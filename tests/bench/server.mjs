// Workers on workerd without wrangler's development proxy, which would cap even an empty one.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import workerd from 'workerd';
import { unstable_getMiniflareWorkerOptions as optionsOf, unstable_readConfig as readConfig } from 'wrangler';

export const freePort = () =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });

const read = (file) => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // the process or thread ended meanwhile
  }
};

const list = (folder) => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

const parentOf = (pid) => Number(read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ')[1]);

const workerdOf = (parent) =>
  list('/proc').find((pid) => parentOf(pid) === parent && read(`/proc/${pid}/comm`).startsWith('workerd'));

/** CPU milliseconds that the threads of a process have used; null where the system does not tell. */
function cpuOf(pid) {
  const threads = list(`/proc/${pid}/task`);
  if (threads.length === 0) return null;
  const nanoseconds = threads.map((thread) => Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]));
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e6;
}

/** Starts a built Worker, with the bindings of the wrangler.toml in its folder, on a socket of its own. */
export async function serve({ folder, vars }) {
  const port = await freePort();
  const build = join(folder, 'build');
  const config = readConfig({ config: join(folder, 'wrangler.toml') }, { hideWarnings: true });
  const { workerOptions } = optionsOf(config);
  const options = {
    ...workerOptions,
    name: config.name, // a service binding to itself refers to it
    bindings: { ...workerOptions.bindings, ...vars(port) },
    modulesRoot: build,
    modules: [
      { type: 'ESModule', path: join(build, 'index.js') },
      { type: 'CompiledWasm', path: join(build, 'index_bg.wasm') },
    ],
    unsafeDirectSockets: [{ host: '127.0.0.1', port }],
  };
  const miniflare = new Miniflare(convertV4MiniflareOptions({ workers: [options] }));
  await miniflare.ready;
  const pid = workerdOf(process.pid);
  return { port, cpu: () => cpuOf(pid), close: () => miniflare.dispose() };
}

const bareConfig = (port) => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [
      (name = "index.js", esModule = embed "index.js"),
      (name = "index_bg.wasm", wasm = embed "index_bg.wasm"),
    ],
    compatibilityDate = "2026-11-01",
  ))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);`;

/** From the spawn of a bare workerd to its first answer: milliseconds on the clock, and of CPU. */
export async function coldStart(crate) {
  const port = await freePort();
  const file = join(crate, 'build', 'cold-start.capnp'); // it embeds files beside it
  writeFileSync(file, bareConfig(port));
  const began = performance.now();
  const server = spawn(workerd.default, ['serve', file], { stdio: 'ignore' });
  try {
    // Any answer will do: without its databases Gatehouse says that it is not configured.
    while (!(await fetch(`http://127.0.0.1:${port}/healthz`).then(() => true, () => false))) {
      if (server.exitCode !== null) throw new Error(`workerd ended with ${server.exitCode}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return { wall: performance.now() - began, cpu: cpuOf(server.pid) };
  } finally {
    server.kill();
    rmSync(file);
  }
}
