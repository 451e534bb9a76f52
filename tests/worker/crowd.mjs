// A tenant with very many rows, written straight into its database: only what is there matters, not how it came.

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
};

const AT_ONCE = 10_000;

/** What stands in a column of row `i`: unique where it must be, with letters that need escaping. */
function expression({ name, type }, tenant) {
  if (name === 'tenant_id') return `'${tenant}'`;
  if (type === 'INTEGER') return name === 'expires_at' || name.endsWith('_expires_at') ? '4000000000000' : '1700000000000 + i';
  if (name === 'user_id') return "'auth0|crowd' || i";
  if (name === 'email') return "'crowd' || i || '@example.com'";
  if (name === 'linked_to' || name.endsWith('revoked_at')) return 'null';
  if (name.endsWith('metadata') || name === 'profile' || name === 'details') return `'{"a":"b ' || i || ' \\"c\\" é"}'`;
  return `'${name} ' || i || ' it''s "é" 🎩'`;
}

/** Fills the tables; returns how many rows there are now. */
export async function crowd(database, tenant, people) {
  let rows = 0;
  for (const [table, share] of Object.entries(GROWING)) {
    const { results: columns } = await database.prepare(`select name, type from pragma_table_info('${table}') order by cid`).all();
    const names = columns.map(({ name }) => name).join(', ');
    const values = columns.map((column) => expression(column, tenant)).join(', ');
    const wanted = Math.ceil((people * share) / 100);
    for (let from = 0; from < wanted; from += AT_ONCE) {
      const sql = `with recursive n (i) as (select ${from} union all select i + 1 from n where i < ${Math.min(from + AT_ONCE, wanted) - 1})
        insert into ${table} (${names}) select ${values} from n`;
      await database.prepare(sql).run();
    }
    rows += wanted;
  }
  return rows;
}
