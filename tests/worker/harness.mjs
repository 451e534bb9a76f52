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

const database = (binding, id) => ({ binding, database_name: binding.toLowerCase(), database_id: id });

/**
 * `vars` are added to those of wrangler.toml. `databases` maps further binding names to database ids; names with the same
 * id are the same database, which is how a spare one becomes a tenant's at run time.
 */
const config = ({ vars = {}, databases = {} }) => ({
  root,
  workers: [
    {
      config: {
        name: base.name,
        main: base.main,
        compatibility_date: base.compatibility_date,
        compatibility_flags: base.compatibility_flags,
        vars: { ...base.vars, ...secrets, ...vars },
        d1_databases: [
          ...base.d1_databases,
          ...Object.entries(databases).map(([binding, id]) => database(binding, id)),
        ],
        durable_objects: base.durable_objects,
        migrations: base.migrations,
        services: base.services,
        analytics_engine_datasets: base.analytics_engine_datasets,
        triggers: base.triggers,
      },
    },
  ],
});

/**
 * Starts one. Its `fetch` keeps the host of the URL it is given, so that any base domain will do, and never follows a
 * redirect by itself. A browser needs the true one: `reachable` makes it the address that the server listens on.
 */
export async function startGatehouse({ reachable = false, ...options } = {}) {
  const server = createTestHarness(config(options));
  const { url } = await server.listen();
  if (reachable) {
    options = { ...options, vars: { ...options.vars, BASE_DOMAIN: `localhost:${url.port}` } };
    await server.update(config(options));
  }
  return {
    base: `http://${options.vars?.BASE_DOMAIN ?? base.vars.BASE_DOMAIN}`,
    fetch: (target, init) => server.fetch(target, { redirect: 'manual', ...init }),
    /** The live bindings, to look into a database directly. */
    env: () => server.getWorker().getEnv(),
    /** Fires the cron trigger. */
    tick: () => server.getWorker().scheduled({ cron: base.triggers.crons[0] }),
    /** Restarts the Worker with other options; storage stays. Requests are held meanwhile, but a POST in flight is cut. */
    update: (changed) => server.update(config((options = { ...options, ...changed }))),
    logs: () => server.getLogs(),
    close: () => server.close(),
  };
}
