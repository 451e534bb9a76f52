// `npm start`: from a fresh clone to a running identity server. `npm start -- --https` serves it over https, with a
// certificate of its own; tenants beside acme and globex that it is to be good for are named: `npm start -- --https initech`.
// More options go to `wrangler dev`.
import { readFileSync } from 'node:fs';
import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';
import { createConnection } from 'node:net';
import { build } from './build.mjs';
import { localCertificate } from './certificate.mjs';
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

/** The status of a page; `ca` is the certificate to trust. */
const status = (url, ca) =>
  new Promise((resolve) => {
    const asked = (ca ? getHttps : getHttp)(url, { ca }, (response) => resolve(response.resume().statusCode));
    asked.on('error', () => resolve(0));
  });

/** The first request migrates and seeds; ready means that it has. */
async function ready(base, ca, server) {
  while (server.exitCode === null) {
    if ((await status(`${base}/readyz`, ca)) === 200) return true;
    await pause(200);
  }
  return false;
}

/** What clients have to be told of the certificate, which nobody trusts by itself. */
const trust = (file) => `
The certificate is ${file}. Clients are told to trust it:

  export NODE_EXTRA_CA_CERTS=${file} SSL_CERT_FILE=${file} CURL_CA_BUNDLE=${file}

A browser asks once per tenant. It is good for acme and globex; name others: npm start -- --https initech
`;

const guide = (base, tenantBase, email, certificate) => `
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
${certificate ? trust(certificate) : ''}
Ctrl-C stops it; \`rm -rf .wrangler/state\` forgets every tenant.
────────────────────────────────────────────────────────────────────────────────`;

await main(import.meta, async (args) => {
  const port = Number(process.env.PORT ?? 8787);
  if (await answers(port)) {
    throw new Failure(`Port ${port} is taken: stop what runs there, or choose another: PORT=9000 npm start`);
  }
  const https = args.includes('--https');
  const rest = args.filter((arg) => arg !== '--https');
  const firstOption = rest.findIndex((arg) => arg.startsWith('-'));
  const options = firstOption === -1 ? [] : rest.splice(firstOption);
  if (!https && rest.length > 0) throw new Failure(`${rest.join(' ')}: tenants are named after --https only`);
  ensureDevVars();
  await build();

  const scheme = https ? 'https' : 'http';
  // As clients write it: the port that a scheme implies is left out (RFC 9110 §4.2).
  const { host } = new URL(`${scheme}://localhost:${port}`);
  const own = https && localCertificate(path('.wrangler/https'), ['acme', 'globex', ...rest]);
  const secure = https ? ['--local-protocol', 'https', '--https-key-path', own.keyFile, '--https-cert-path', own.file] : [];
  const vars = ['--var', `BASE_DOMAIN:${host}`, '--var', `PUBLIC_SCHEME:${scheme}`];
  // CI=1 keeps wrangler from asking questions and from taking over the keyboard.
  const server = start('wrangler', ['dev', '--port', `${port}`, ...secure, ...vars, ...options], { env: { CI: '1' } });
  // Ctrl-C reaches wrangler too: it stops first, and we end with it.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => server.kill('SIGTERM'));
  server.on('exit', (code) => (process.exitCode = code ?? 0));

  if (await ready(`${scheme}://${host}`, own && readFileSync(own.file), server)) {
    const email = readFileSync(path('.dev.vars'), 'utf8').match(/^ADMIN_EMAIL="?([^"\n]*)/m)?.[1];
    console.log(guide(`${scheme}://${host}`, (tenant) => `${scheme}://${tenant}.${host}`, email, own && own.file));
  }
});
