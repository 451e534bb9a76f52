// The dump of an AuthHero install, as D1 exports it, with very many people: to be imported.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';

const WHEN = '2026-11-23T08:00:00.000Z';
const MILLIS = 1_795_420_800_000;

/** What bcrypt at cost 10 makes of "Passw0rd!alice", by libxcrypt. */
const HASH = '$2b$10$abcdefghijklmnopqrstuuplh76hM01/c5Gxb9PtxzHueau9dOAU6';

/** Every table: its columns, and its rows, as many as the tenant has of them for `people`. */
const TABLES = {
  tenants: ['id friendly_name created_at updated_at', () => [['acme', 'Acme', WHEN, WHEN]]],
  connections: [
    'id tenant_id name strategy options created_at updated_at',
    () => [['con_acme', 'acme', 'Username-Password-Authentication', 'auth0', '{}', WHEN, WHEN]],
  ],
  clients: [
    'tenant_id client_id name app_type callbacks grant_types client_secret created_at updated_at',
    () => [['acme', 'app', 'App', 'spa', '["http://localhost:3000/callback"]', '["authorization_code","refresh_token"]', null, WHEN, WHEN]],
  ],
  resource_servers: [
    'id tenant_id name identifier scopes signing_alg token_lifetime created_at updated_at',
    () => [['api', 'acme', 'API', 'https://api.example.com', '[]', 'RS256', 86400, WHEN, WHEN]],
  ],
  roles: ['tenant_id id name description created_at updated_at', () => [['acme', 'rol_reader', 'Reader', '', WHEN, WHEN]]],
  users: [
    'tenant_id user_id email name provider connection email_verified is_social app_metadata user_metadata created_at updated_at',
    (n) => [['acme', `auth0|${n}`, `person${n}@example.com`, `Person ${n} “é”`, 'auth0', 'Username-Password-Authentication', 1, 0, '{"plan":"pro"}', '{}', WHEN, WHEN]],
  ],
  passwords: ['id user_id tenant_id password algorithm created_at updated_at is_current', (n) => [[`pw${n}`, `auth0|${n}`, 'acme', HASH, 'bcrypt', WHEN, WHEN, 1]]],
  user_roles: ['tenant_id user_id role_id organization_id created_at', (n) => (n % 3 === 0 ? [['acme', `auth0|${n}`, 'rol_reader', '', WHEN]] : [])],
  refresh_tokens: [
    'id tenant_id client_id user_id resource_servers device rotating created_at_ts expires_at_ts idle_expires_at_ts last_exchanged_at_ts login_id revoked_at_ts token_lookup token_hash family_id rotated_to rotated_at_ts',
    (n) => [[`rt${n}`, 'acme', 'app', `auth0|${n}`, '[{"audience":"https://api.example.com","scopes":"openid offline_access"}]', '{}', 1, MILLIS, null, null, null, `login${n}`, null, `look${n}`, n.toString(16).padStart(64, '0'), `rt${n}`, null, null]],
  ],
  logs: [
    'log_id tenant_id user_id type date description details',
    (n) => ['s', 'seacft'].map((type) => [`${type}${n}`, 'acme', `auth0|${n}`, type, WHEN, 'it happened', '{}']),
  ],
};

/** These have rows for each person. */
const GROWING = new Set(['users', 'passwords', 'user_roles', 'refresh_tokens', 'logs']);

const literal = (value) => (value === null ? 'NULL' : typeof value === 'number' ? value : `'${value.replaceAll("'", "''")}'`);

/** Writes the dump; answers how many rows of the source it has. */
export async function writeInstall(file, people) {
  const out = createWriteStream(file);
  const say = async (text) => out.write(text) || once(out, 'drain');
  await say('PRAGMA defer_foreign_keys=TRUE;\n');
  let rows = 0;
  for (const [table, [columns, of]] of Object.entries(TABLES)) {
    await say(`CREATE TABLE ${table} (${columns.split(' ').map((name) => `${name} text`).join(', ')});\n`);
    for (let n = 0; n < (GROWING.has(table) ? people : 1); n++) {
      for (const row of of(n)) {
        await say(`INSERT INTO ${table} VALUES (${row.map(literal).join(',')});\n`);
        rows += 1;
      }
    }
  }
  out.end();
  await once(out, 'finish');
  return rows;
}
