// `npm start`: from a fresh clone to a running identity server.
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { build } from './build.mjs';
import { ensureDevVars } from './dev-vars.mjs';
import { Failure, main, path, start } from './project.mjs';

const answers = (port) =>
  new Promise((resolve) => {
    const socket = createConnection({ port, host: 'localhost' });
    socket.on('error', () => resolve(false));
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The first request migrates and seeds; ready means that it has. */
async function ready(base, server) {
  while (server.exitCode === null) {
    const response = await fetch(`${base}/readyz`).catch(() => null);
    if (response?.ok) return true;
    await response?.body?.cancel();
    await pause(200);
  }
  return false;
}

const guide = (base, tenantBase, email) => `
────────────────────────────────────────────────────────────────────────────────
Gatehouse is ready.

  main tenant      ${base}
  discovery        ${base}/.well-known/openid-configuration
  administrator    ${email}, password: ADMIN_PASSWORD in .dev.vars

Next, in another terminal, in this folder:

  # 1. a token that may manage every tenant
  . ./.dev.vars
  TOKEN=$(curl -s ${base}/oauth/token -d grant_type=client_credentials \\
    -d "client_id=$MANAGEMENT_CLIENT_ID" -d "client_secret=$MANAGEMENT_CLIENT_SECRET" \\
    -d audience=${base}/api/v2/ | sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/')

  # 2. a tenant, on a database of its own
  curl -s ${base}/management/tenants -H "authorization: Bearer $TOKEN" \\
    -H 'content-type: application/json' -d '{"id":"acme","friendly_name":"Acme"}'

  # 3. its identity server
  curl -s ${tenantBase('acme')}/.well-known/openid-configuration

Ctrl-C stops it; \`rm -rf .wrangler/state\` forgets every tenant.
────────────────────────────────────────────────────────────────────────────────`;

await main(import.meta, async () => {
  const port = Number(process.env.PORT ?? 8787);
  if (await answers(port)) {
    throw new Failure(`Port ${port} is taken: stop what runs there, or choose another: PORT=9000 npm start`);
  }
  ensureDevVars();
  await build();

  const host = `localhost:${port}`;
  // CI=1 keeps wrangler from asking questions and from taking over the keyboard.
  const server = start('wrangler', ['dev', '--port', `${port}`, '--var', `BASE_DOMAIN:${host}`], { env: { CI: '1' } });
  // Ctrl-C reaches wrangler too: it stops first, and we end with it.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => server.kill('SIGTERM'));
  server.on('exit', (code) => (process.exitCode = code ?? 0));

  if (await ready(`http://${host}`, server)) {
    const email = readFileSync(path('.dev.vars'), 'utf8').match(/^ADMIN_EMAIL="?([^"\n]*)/m)?.[1];
    console.log(guide(`http://${host}`, (tenant) => `http://${tenant}.${host}`, email));
  }
});
