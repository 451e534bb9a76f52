// What is uploaded stays small: its size is paid for at every cold start.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { bundleSize } from '../../.scripts/build.mjs';

test('the bundle is at most 2 MB compressed', (t) => {
  const { raw, gzip } = bundleSize(fileURLToPath(new URL('../../build', import.meta.url)));
  t.diagnostic(`bundle: ${(raw / 1024).toFixed(0)} KiB, ${(gzip / 1024).toFixed(0)} KiB compressed`);
  assert.ok(gzip <= 2_000_000, `${gzip} bytes compressed`);
});
