// A browser reaches a tenant by its name alone: no hosts file, no proxy.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startGatehouse } from '../worker/harness.mjs';
import { launchChrome } from './chrome.mjs';

const port = 8799;
let gatehouse, chrome;
before(async () => {
  gatehouse = await startGatehouse({ port, vars: { BASE_DOMAIN: `localhost:${port}` } });
  chrome = await launchChrome();
});
after(async () => {
  await chrome?.close();
  await gatehouse?.close();
});

test('the base domain answers a browser', async () => {
  const page = await chrome.newPage();
  const response = await page.goto(`http://localhost:${port}/healthz`);
  assert.equal(response.status(), 200);
});
