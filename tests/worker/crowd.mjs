// A tenant with very many rows in every table, written straight into its database: only what is there matters, not how it
// came.

/** Tables that grow with the people of a tenant, and how many rows each gets for a hundred people. */
const GROWING = {
  users: 100,
  passwords: 100,
  refresh_tokens: 100,
  sessions: 60,
  logs: 200,
  codes: 10,
  login_attempts: 10,
  user_roles: 30,
  user_permissions: 20,
  organization_members: 50,
  password_history: 20,
  authentication_methods: 20,
  grants: 30,
  external_ids: 10,
};

/** How many rows every other table gets that has none; one, where there can only be one for each tenant. */
const FEW = 20;

const AT_ONCE = 10_000;

/** What must be so for the tenant to go on serving with them. */
const FIXED = {
  'former_keys.public_jwk': `'{"kty":"RSA","kid":"former ' || i || '","alg":"RS256","n":"AQAB","e":"AQAB"}'`,
  'imports.status': "'finished'",
  // Entries before a block's beginning are those of blocks that have been removed, and are swept.
  'log_blocks.since': "''",
};

/** Columns that hold JSON. */
const isJson = (name) => ['document', 'profile', 'profile_data', 'details', 'texts', 'settings'].includes(name) || name.endsWith('metadata');

/** What stands in a column of row `i`: unique where it must be, with letters that need escaping. */
function expression(tenant, table, { name, type }) {
  const fixed = FIXED[`${table}.${name}`];
  if (fixed) return fixed;
  if (name === 'tenant_id') return `'${tenant}'`;
  if (type === 'INTEGER') return name === 'expires_at' || name.endsWith('_expires_at') ? '4000000000000' : '1700000000000 + i';
  if (name === 'user_id') return "'auth0|crowd' || i";
  if (name === 'email') return "'crowd' || i || '@example.com'";
  if (name === 'linked_to' || name.endsWith('revoked_at')) return 'null';
  if (name === 'scope' || name === 'transports') return `'["a","b ' || i || '"]'`;
  if (isJson(name)) return `'{"a":"b ' || i || ' \\"c\\" é"}'`;
  return `'${name} ' || i || ' it''s "é" 🎩'`;
}

/** Fills the tables of a tenant, which have so many rows by now, for so many people; returns how many rows that makes. */
export async function crowd(database, tenant, tables, people) {
  let rows = 0;
  for (const [table, before] of Object.entries(tables)) {
    const { results: columns } = await database.prepare(`select name, type, pk from pragma_table_info('${table}') order by cid`).all();
    const isSingle = columns.filter(({ pk }) => pk > 0).length === 1;
    const few = before > 0 ? 0 : isSingle ? 1 : FEW;
    const wanted = table in GROWING ? Math.ceil((people * GROWING[table]) / 100) : few;
    const names = columns.map(({ name }) => name).join(', ');
    const values = columns.map((column) => expression(tenant, table, column)).join(', ');
    for (let from = 0; from < wanted; from += AT_ONCE) {
      const sql = `with recursive n (i) as (select ${from} union all select i + 1 from n where i < ${Math.min(from + AT_ONCE, wanted) - 1})
        insert into ${table} (${names}) select ${values} from n`;
      await database.prepare(sql).run();
    }
    rows += before + wanted;
  }
  return rows;
}
