// `npm start -- --https`: what a local server over https is, before any client library meets it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { localCertificate, makeCertificate } from '../../.scripts/certificate.mjs';
import { Operator } from '../worker/operator.mjs';
import { pkce } from '../worker/person.mjs';
import { startOverTls } from './server.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the certificate', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-certificate-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const names = (file) => new X509Certificate(readFileSync(file)).subjectAltName;

  test('is its own, fits its key, and is good for the names that it was made for', () => {
    const { key, certificate } = makeCertificate(['localhost', 'acme.localhost']);
    const made = new X509Certificate(certificate);
    assert.ok(made.verify(made.publicKey));
    assert.ok(made.checkPrivateKey(createPrivateKey(key)));
    assert.equal(made.ca, false);
    for (const name of ['localhost', 'acme.localhost']) assert.equal(made.checkHost(name), name);
    assert.equal(made.checkHost('globex.localhost'), undefined);
    assert.equal(made.checkIP('127.0.0.1'), '127.0.0.1');
  });

  test('stays as it is until it lacks a name, and loses none', () => {
    const { file, keyFile } = localCertificate(folder, ['acme']);
    assert.equal(statSync(keyFile).mode & 0o077, 0);
    const first = readFileSync(file, 'utf8');
    localCertificate(folder, ['acme']);
    assert.equal(readFileSync(file, 'utf8'), first);
    localCertificate(folder, ['initech']);
    assert.match(names(file), /DNS:acme\.localhost.*DNS:initech\.localhost/);
  });
});

describe('a local server over https', () => {
  let gatehouse, operator, issuer;
  before(async () => {
    gatehouse = await startOverTls('initech');
    operator = await Operator.of(gatehouse);
    for (const id of ['acme', 'initech']) await operator.does('POST /management/tenants', { id, placement: 'isolated' });
    issuer = operator.issuer('acme');
  });
  after(() => gatehouse?.close());

  test('has an https issuer at the base domain and at every tenant, named ones too', async () => {
    for (const expected of [`${gatehouse.base}/`, issuer, operator.issuer('initech')]) {
      const document = await (await gatehouse.fetch(`${expected}.well-known/openid-configuration`)).json();
      assert.equal(document.issuer, expected);
      for (const url of [document.authorization_endpoint, document.token_endpoint, document.jwks_uri]) assert.ok(url.startsWith(expected), url);
    }
  });

  test('sets cookies that are for its host alone, over https alone', async () => {
    const { client_id } = await operator.application('acme', { app_type: 'spa', token_endpoint_auth_method: 'none' });
    const [redirect_uri] = (await operator.does(`GET /api/v2/clients/${client_id}`, undefined, 'acme')).callbacks;
    const asked = { client_id, redirect_uri, response_type: 'code', scope: 'openid', ...pkce().parameters };
    const answer = await gatehouse.fetch(`${issuer}authorize?${new URLSearchParams(asked)}`);
    const cookies = answer.headers.getSetCookie();
    assert.ok(cookies.length > 0);
    for (const cookie of cookies) assert.match(cookie, /^__Host-.*; Secure/);
  });

  test('answers nobody over plain http', async () => {
    const asked = new Promise((resolve, reject) => {
      http.get(`${gatehouse.base.replace('https:', 'http:')}/readyz`, resolve).on('error', reject);
    });
    await assert.rejects(asked);
  });

  // Long enough to compile the command, where no other check has.
  test('is reached by the command, which trusts the certificate that it is shown', { timeout: 600_000 }, async () => {
    await promisify(execFile)('cargo', ['build', '--quiet', '--bin', 'gatehouse'], { cwd: root });
    const { MANAGEMENT_CLIENT_ID, MANAGEMENT_CLIENT_SECRET } = gatehouse.secrets;
    const env = { ...process.env, MANAGEMENT_CLIENT_ID, MANAGEMENT_CLIENT_SECRET, SSL_CERT_FILE: gatehouse.certificate };
    const ask = (...args) =>
      promisify(execFile)(join(root, 'target/debug/gatehouse'), ['--url', gatehouse.base, '--json', ...args], { env, cwd: root });
    assert.match((await ask('tenants', 'list')).stdout, /"initech"/);
    const { checks } = JSON.parse((await ask('doctor', 'acme')).stdout);
    assert.equal(checks.find(({ what }) => what === 'issuer').found, issuer);
  });
});
