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

const configOf = (folder) => readConfig({ config: join(folder, 'wrangler.toml') }, { hideWarnings: true });

/** Starts a built Worker, with the bindings of the wrangler.toml in its folder, on a socket of its own. */
export async function serve({ folder, vars }) {
  const port = await freePort();
  const build = join(folder, 'build');
  const config = configOf(folder);
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

const START_LIMIT_MS = 10_000;

/** Bindings that are there, but lead nowhere: nothing uses them before the first answer. */
function bareBindings(config, vars) {
  const d1 = 'wrapped = (moduleName = "cloudflare-internal:d1-api", innerBindings = [(name = "fetcher", service = "main")])';
  return [
    ...Object.entries({ ...config.vars, ...vars }).map(([name, text]) => `(name = "${name}", text = "${text}")`),
    ...config.d1_databases.map(({ binding }) => `(name = "${binding}", ${d1})`),
    ...config.durable_objects.bindings.map((each) => `(name = "${each.name}", durableObjectNamespace = "${each.class_name}")`),
    ...(config.services ?? []).map(({ binding }) => `(name = "${binding}", service = "main")`),
  ].join(', ');
}

const bareConfig = (config, port, vars) => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [
      (name = "index.js", esModule = embed "index.js"),
      (name = "index_bg.wasm", wasm = embed "index_bg.wasm"),
    ],
    bindings = [${bareBindings(config, vars)}],
    durableObjectNamespaces = [${config.durable_objects.bindings
      .map((each) => `(className = "${each.class_name}", uniqueKey = "${each.class_name}", enableSql = true)`)
      .join(', ')}],
    durableObjectStorage = (inMemory = void),
    compatibilityDate = "${config.compatibility_date}",
  ))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);`;

/** From the spawn of a bare workerd to its first answer: milliseconds on the clock, and of CPU. */
export async function coldStart({ folder, vars }) {
  const port = await freePort();
  const file = join(folder, 'build', 'cold-start.capnp'); // it embeds files beside it
  writeFileSync(file, bareConfig(configOf(folder), port, vars(port)));
  const began = performance.now();
  const server = spawn(workerd.default, ['serve', '--experimental', file], { stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    let answer;
    while (!(answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => null))) {
      if (server.exitCode !== null) throw new Error(`workerd ended with ${server.exitCode}`);
      if (performance.now() - began > START_LIMIT_MS) throw new Error('workerd does not listen');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const spent = { wall: performance.now() - began, cpu: cpuOf(server.pid) };
    if (!answer.ok) throw new Error(`/healthz answered ${answer.status}: ${await answer.text()}`);
    return spent;
  } finally {
    server.kill();
    rmSync(file);
  }
}
