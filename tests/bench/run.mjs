// `npm run bench`: the release build against an empty Rust Worker on the same runtime, in the same run.
import { fileURLToPath } from 'node:url';
import { bundleSize } from '../../.scripts/build.mjs';
import { endpoints } from './endpoints.mjs';
import { flood } from './flood.mjs';
import { makeClient, measure } from './load.mjs';
import { coldStart, serve } from './server.mjs';
import { makeWorld, secrets } from './world.mjs';

const at = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const crates = {
  gatehouse: {
    folder: at('../..'),
    vars: (port) => ({ ...secrets, BASE_DOMAIN: `localhost:${port}`, METER_HEADER: '1', RATE_LIMITS: 'off' }),
  },
  null: { folder: at('null-worker'), vars: () => ({}) },
};

const SECONDS = 6; // per row and concurrency, at most
const HASH_MS = 28; // Argon2id m=19456 t=2 p=1 in WASM
const SIGN_MS = 0.6; // RS256 in the platform's WebCrypto
const CPU_BUDGET_MS = 1; // per request, beside these two
const TENANTS = 5; // made per placement: there must be as many in the pool of wrangler.toml
const PROVISION_BUDGET_MS = 300;

const wanted = process.argv.slice(2); // names, or parts of names, of the rows to measure
const table = (title, rows) => {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  console.log(`\n${title}\n${rows.map(line).join('\n')}`);
};
const number = (value, digits = 2) => (value === null || value === undefined ? '-' : value.toFixed(digits));
const verdict = (value, budget) =>
  value === null || budget === undefined ? '-' : `${value <= budget ? 'met' : 'MISSED'} (≤ ${budget})`;
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

async function measureBoth(server, host, row, world) {
  const common = {
    newClient: () => makeClient(server.port, host),
    newLane: async ({ send }) => ({ send, world, own: await row.prepare?.({ send, world }) }),
    operation: row.run,
    count: row.count,
    seconds: SECONDS,
    cpu: server.cpu,
  };
  process.stderr.write(`  ${row.name} …\n`);
  return { one: await measure({ ...common, concurrency: 1 }), sixteen: await measure({ ...common, concurrency: 16 }) };
}

async function withServer(crate, work) {
  const server = await serve(crate);
  try {
    return await work(server);
  } finally {
    await server.close();
  }
}

const floorRow = (name, count, path, first) => ({
  name,
  count,
  prepare: ({ send }) => first && send({ path: first }),
  run: ({ send }) => send({ path }),
});

console.log('▶ floor: a null Rust Worker');
const floor = await withServer(crates.null, async (server) => ({
  empty: await measureBoth(server, 'localhost', floorRow('nothing', 8000, '/')),
  read: await measureBoth(server, 'localhost', floorRow('one D1 read', 2000, '/d1')),
  write: await measureBoth(server, 'localhost', floorRow('one D1 write', 2000, '/d1-write', '/d1-table')),
}));
const readMs = floor.read.one.cpu - floor.empty.one.cpu;
const writeMs = floor.write.one.cpu - floor.empty.one.cpu;

console.log('▶ Gatehouse: a tenant with 1,000 users');
const rows = endpoints.filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
const provisioned = {};
let flooding = null; // of one tenant, as another one notices it
const results = await withServer(crates.gatehouse, async (server) => {
  const base = makeClient(server.port, `localhost:${server.port}`);
  const world = await makeWorld(base.send, server.port);
  for (const placement of ['isolated', 'shared']) {
    provisioned[placement] = [];
    for (let i = 1; i <= TENANTS; i += 1) {
      provisioned[placement].push(await world.makeTenant({ id: `${placement}-${i}`, placement }));
    }
  }
  base.close();
  const measured = [];
  for (const row of rows) {
    const { one, sixteen } = await measureBoth(server, world.host, row, world).catch((error) => ({ one: error }));
    measured.push({ row, one, sixteen });
  }
  if (wanted.length === 0 || wanted.includes('flood')) {
    process.stderr.write('  a flood …\n');
    flooding = await flood(server.port, world, `isolated-1.localhost:${server.port}`);
  }
  return measured;
});

const speed = ({ one, sixteen }) => [
  ...[one, sixteen].flatMap(({ rate, p50, p99 }) => [number(rate, 0), number(p50), number(p99)]),
  number(floor.empty.one.rate / one.rate, 1),
];
const done = results.filter(({ one }) => !(one instanceof Error));
table('Speed (ops/s and milliseconds; × floor: times slower than the null Worker at c=1)', [
  ['', 'c=1 ops/s', 'p50', 'p99', 'c=16 ops/s', 'p50', 'p99', '× floor'],
  ['null Worker', ...speed(floor.empty)],
  ['null Worker, one D1 read', ...speed(floor.read)],
  ['null Worker, one D1 write', ...speed(floor.write)],
  ...done.map((result) => [result.row.name, ...speed(result)]),
]);

// What is left of the CPU when the runtime and the simulated D1 are taken away, and then hashing and signing too.
const beyondRuntime = ({ row: { writes = 0 }, one: { cpu, requests, trips } }) =>
  cpu === null ? null : cpu - requests * floor.empty.one.cpu - (trips - writes) * readMs - writes * writeMs;
const own = ({ row, one }) => {
  const { hashes = 0, signs = 0 } = row;
  const cpu = beyondRuntime({ row, one });
  return cpu === null ? null : cpu - hashes * HASH_MS - signs * SIGN_MS;
};
table(`Cost of one operation (CPU of workerd, with its simulated D1: ${number(readMs)} ms per read, ${number(writeMs)} ms per write)`, [
  ['', 'requests', 'D1 trips', 'budget', 'rows read', 'written', 'CPU ms', 'own CPU ms', 'budget'],
  ['null Worker', '1', '0', '-', '0', '0', number(floor.empty.one.cpu), '0', '-'],
  ...done.map(({ row, one }) => [
    row.name,
    number(one.requests, 0),
    number(one.trips, 1),
    verdict(Math.round(one.trips), row.trips), // a cache that expires every few seconds is still warm
    number(one.read, 1),
    number(one.written, 1),
    number(one.cpu),
    number(own({ row, one })),
    row.cpu ? verdict(beyondRuntime({ row, one }), row.cpu) : verdict(own({ row, one }), CPU_BUDGET_MS * one.requests),
  ]),
]);
console.log(`own CPU: less the null Worker, the simulated D1, ${HASH_MS} ms per hash and ${SIGN_MS} ms per signature`);

table('A new tenant (from the request to its first answer, milliseconds)', [
  ['', 'median', 'slowest', 'budget'],
  ...Object.entries(provisioned).map(([placement, times]) => [
    placement === 'isolated' ? 'isolated, from the pool' : placement,
    number(median(times), 0),
    number(Math.max(...times), 0),
    verdict(median(times), PROVISION_BUDGET_MS),
  ]),
]);

if (flooding) {
  const { alone, flooded, statuses } = flooding;
  const row = (name, { p50, p99, count }) => [name, number(p50), number(p99), String(count)];
  table("Another tenant's key set while one tenant is flooded with sign-ups and wrong passwords (milliseconds)", [
    ['', 'p50', 'p99', 'requests'],
    row('alone', alone),
    row('beside the flood', flooded),
    ['×', number(flooded.p50 / alone.p50, 1), number(flooded.p99 / alone.p99, 1), ''],
  ]);
  console.log(`the flood met: ${Object.entries(statuses).map(([status, count]) => `${count} × ${status}`).join(', ')}`);
}

const starts = {};
for (const [name, crate] of Object.entries(crates)) {
  starts[name] = [];
  for (let i = 0; i < 7; i += 1) starts[name].push(await coldStart(crate));
}
const start = (name, what) => median(starts[name].map((each) => each[what]));
table('Size and start-up (bare workerd, spawn to first answer, median of 7)', [
  ['', 'KiB', 'KiB gzip', 'budget', 'ms', 'CPU ms', 'own CPU ms', 'budget'],
  ...Object.keys(crates).map((name) => {
    const ownCpu = start(name, 'cpu') - start('null', 'cpu');
    const { raw, gzip } = bundleSize(`${crates[name].folder}/build`);
    const cells = [number(raw / 1024, 0), number(gzip / 1024, 0)];
    const times = [number(start(name, 'wall'), 0), number(start(name, 'cpu'), 0), number(ownCpu, 0)];
    return name === 'null'
      ? ['null Worker', ...cells, '-', ...times, '-']
      : [name, ...cells, verdict(Math.round(gzip / 1000), 2000), ...times, verdict(ownCpu, 60)];
  }),
]);

for (const { row, one } of results) {
  if (one instanceof Error) console.error(`\n✗ ${row.name}: ${one.message}`);
}
process.exitCode = done.length === results.length ? 0 : 1;
