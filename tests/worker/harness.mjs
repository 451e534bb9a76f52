// A Gatehouse on real workerd with real D1, from the same wrangler.toml as any other, with throw-away storage.
import { fileURLToPath } from 'node:url';
import { createTestHarness, unstable_readConfig as readConfig } from 'wrangler';

const root = fileURLToPath(new URL('../..', import.meta.url));
const base = readConfig({ config: `${root}/wrangler.toml` }, { hideWarnings: true });

/** What `.dev.vars` holds locally and secrets hold in production. */
export const secrets = {
  ENCRYPTION_KEY: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
  ADMIN_EMAIL: 'admin@example.com',
  ADMIN_PASSWORD: 'correct-horse-battery-staple',
  MANAGEMENT_CLIENT_ID: 'management',
  MANAGEMENT_CLIENT_SECRET: 'management-secret-of-the-tests',
};

/**
 * `vars` are added to those of wrangler.toml. `databases` maps further binding names to database ids; names with the same
 * id are the same database, which is how a spare one becomes a tenant's at run time. `dropped` names bindings to leave out.
 */
function config({ vars = {}, databases = {}, dropped = [] }) {
  const kept = (list, key) => list.filter((each) => !dropped.includes(each[key]));
  const extra = Object.entries(databases).map(([binding, id]) => ({ binding, database_name: binding, database_id: id }));
  // All requests of a test come from one address.
  const allVars = Object.entries({ ...base.vars, ...secrets, RATE_LIMITS: 'off', ...vars });
  return {
    name: base.name,
    main: base.main,
    compatibility_date: base.compatibility_date,
    compatibility_flags: base.compatibility_flags,
    vars: Object.fromEntries(allVars.filter(([name]) => !dropped.includes(name))),
    d1_databases: kept([...base.d1_databases, ...extra], 'binding'),
    durable_objects: { bindings: kept(base.durable_objects.bindings, 'name') },
    migrations: base.migrations,
    services: kept(base.services, 'binding'),
    analytics_engine_datasets: kept(base.analytics_engine_datasets, 'binding'),
    r2_buckets: kept(base.r2_buckets, 'binding'),
    triggers: base.triggers,
  };
}

// The variables once more, since those of a `.dev.vars` would win over those of the configuration.
const harnessOptions = (options) => {
  const worker = config(options);
  return { root, workers: [{ config: worker, vars: worker.vars }] };
};

/** The same bindings as the Cloudflare API lists them. */
function bindingsOf(options) {
  const { vars, d1_databases, durable_objects, services, analytics_engine_datasets, r2_buckets } = config(options);
  const isSecret = (name) => name in secrets || name === 'CF_API_TOKEN';
  return [
    ...Object.entries(vars).map(([name, text]) => ({ type: isSecret(name) ? 'secret_text' : 'plain_text', name, text })),
    ...d1_databases.map(({ binding, database_id, database_name }) => ({ type: 'd1', name: binding, database_id, database_name })),
    ...durable_objects.bindings.map(({ name, class_name }) => ({ type: 'durable_object_namespace', name, class_name })),
    ...services.map(({ binding, service }) => ({ type: 'service', name: binding, service })),
    ...r2_buckets.map(({ binding, bucket_name }) => ({ type: 'r2_bucket', name: binding, bucket_name })),
    ...analytics_engine_datasets.map(({ binding, dataset }) => ({ type: 'analytics_engine', name: binding, dataset })),
  ];
}

/**
 * Starts one. Its `fetch` keeps the host of the URL it is given, so that any base domain will do, and never follows a
 * redirect by itself. A browser needs the true one: `reachable` makes it the address that the server listens on.
 */
export async function startGatehouse({ reachable = false, ...options } = {}) {
  const server = createTestHarness(harnessOptions(options));
  const { url } = await server.listen();
  if (reachable) {
    options = { ...options, vars: { ...options.vars, BASE_DOMAIN: `localhost:${url.port}` } };
    await server.update(harnessOptions(options));
  }
  return {
    base: `http://${options.vars?.BASE_DOMAIN ?? base.vars.BASE_DOMAIN}`,
    fetch: (target, init) => server.fetch(target, { redirect: 'manual', ...init }),
    bindings: () => bindingsOf(options),
    dropped: () => options.dropped ?? [],
    /** The live bindings, to look into a database directly. */
    env: () => server.getWorker().getEnv(),
    /** Fires the cron trigger. */
    tick: () => server.getWorker().scheduled({ cron: base.triggers.crons[0] }),
    /** Restarts the Worker with other options; storage stays. Requests are held meanwhile, but a POST in flight is cut. */
    update: (changed) => server.update(harnessOptions((options = { ...options, ...changed }))),
    /** Takes a Durable Object out of memory, as the platform may at any time. */
    evict: (binding, name) => server.getWorker().evictDurableObject(binding, { name }),
    logs: () => server.getLogs(),
    close: () => server.close(),
  };
}
