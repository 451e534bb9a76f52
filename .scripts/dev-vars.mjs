// The secrets of the local instance: made once, never shown, never committed.
import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { path } from './project.mjs';

const file = path('.dev.vars');

/** Five groups of letters that cannot be mistaken for one another: 99 bits, and a person can type it. */
const readable = () =>
  Array.from({ length: 5 }, () =>
    Array.from({ length: 4 }, () => 'abcdefghijkmnpqrstuvwxyz23456789'[randomInt(32)]).join(''),
  ).join('-');

export function ensureDevVars() {
  if (existsSync(file)) return;
  const vars = {
    ENCRYPTION_KEY: `k1:${randomBytes(32).toString('base64')}`,
    ADMIN_EMAIL: 'admin@example.com',
    ADMIN_PASSWORD: readable(),
    MANAGEMENT_CLIENT_ID: randomBytes(16).toString('base64url'),
    MANAGEMENT_CLIENT_SECRET: randomBytes(48).toString('base64url'),
  };
  const lines = Object.entries(vars).map(([name, value]) => `${name}="${value}"`);
  writeFileSync(file, `# Made by the first start; see .dev.vars.example.\n${lines.join('\n')}\n`, { mode: 0o600 });
  console.log('✓ .dev.vars made, with an administrator and a machine client of its own');
}
