// What an administrator sets up for the applications and APIs of a tenant: a person with a role, and an API that has its
// permissions in its access tokens.
import { Operator } from '../worker/operator.mjs';

const PASSWORD = 'analytical-engine-1843';

export const ORDERS = 'https://orders.example/';

export async function setScene(gatehouse, tenant) {
  const operator = await Operator.of(gatehouse);
  await operator.does('POST /management/tenants', { id: tenant, placement: 'isolated' });
  const user = await operator.user(tenant, 'ada@example.com', PASSWORD);
  const api = {
    name: 'Orders',
    identifier: ORDERS,
    scopes: [{ value: 'read:orders' }, { value: 'write:orders' }],
    allow_offline_access: true,
    enforce_policies: true,
    token_dialect: 'access_token_authz',
  };
  await operator.does('POST /api/v2/resource-servers', api, tenant);
  const { id } = await operator.does('POST /api/v2/roles', { name: 'Clerk' }, tenant);
  const permissions = [{ resource_server_identifier: ORDERS, permission_name: 'read:orders' }];
  await operator.does(`POST /api/v2/roles/${id}/permissions`, { permissions }, tenant);
  await operator.does(`POST /api/v2/users/${encodeURIComponent(user.id)}/roles`, { roles: [id] }, tenant);
  return { operator, issuer: operator.issuer(tenant), user };
}
