// A browser reaches a tenant by its name alone: no hosts file, no proxy.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startGatehouse } from '../worker/harness.mjs';
import { launchChrome } from './chrome.mjs';

let gatehouse, chrome;
before(async () => {
  gatehouse = await startGatehouse({ reachable: true });
  chrome = await launchChrome();
});
after(async () => {
  await chrome?.close();
  await gatehouse?.close();
});

test('the base domain answers a browser', async () => {
  const page = await chrome.newPage();
  const response = await page.goto(`${gatehouse.base}/healthz`);
  assert.equal(response.status(), 200);
});
