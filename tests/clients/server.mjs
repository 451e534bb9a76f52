// `npm start -- --https` as a developer starts it, with throw-away storage. This process trusts its certificate, and finds the
// names below localhost as browsers do, so that the clients that are tested need no word about either.
import { spawn } from 'node:child_process';
import dns from 'node:dns';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { freePort } from '../bench/server.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

// RFC 6761 §6.3: they are this machine, which not every resolver knows.
const { lookup } = dns;
dns.lookup = (name, options, done = options) =>
  lookup(`${name}`.endsWith('.localhost') ? '127.0.0.1' : name, done === options ? {} : options, done);

/** The secrets that the first start made. */
const devVars = () =>
  Object.fromEntries(
    [...readFileSync(join(root, '.dev.vars'), 'utf8').matchAll(/^(\w+)="(.*)"$/gm)].map(([, name, value]) => [name, value]),
  );

/** Starts one, with a certificate that is good for these tenants as well. */
export async function startOverTls(...tenants) {
  const port = await freePort();
  const storage = mkdtempSync(join(tmpdir(), 'gatehouse-https-'));
  const args = [join(root, '.scripts/start.mjs'), '--https', ...tenants, '--persist-to', storage];
  const server = spawn(process.execPath, args, { env: { ...process.env, PORT: port }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const gone = new Promise((resolve) => server.on('exit', resolve));
  await new Promise((resolve, reject) => {
    for (const stream of [server.stdout, server.stderr]) {
      stream.on('data', (text) => {
        said += text;
        if (said.includes('Ctrl-C stops it')) resolve();
      });
    }
    gone.then(() => reject(new Error(`it ended: ${said}`)));
  });
  const certificate = said.match(/The certificate is (\S+)\./)[1];
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), readFileSync(certificate, 'utf8')]);
  return {
    base: `https://localhost:${port}`,
    certificate,
    secrets: devVars(),
    fetch: (target, init) => fetch(target, { redirect: 'manual', ...init }),
    async close() {
      server.kill('SIGTERM');
      await gone;
      rmSync(storage, { recursive: true, force: true });
    },
  };
}

/** Has an Express application listen at `http://localhost:…`; its address, and how to stop it. */
export async function listen(port, app) {
  const server = app.listen(port, '127.0.0.1');
  await new Promise((resolve) => server.on('listening', resolve));
  return {
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
