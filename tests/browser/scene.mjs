// What an administrator sets up for an application in the browser: a person in two organizations, two APIs, and the registration
// with everything that the application needs.
const PASSWORD = 'analytical-engine-1843';

export const ORDERS = 'https://orders.example/';
export const INVOICES = 'https://invoices.example/';
export const ORGANIZATIONS = ['engineers', 'poets'];

/** `site` is the application's pages at the host that it has. */
export async function setScene(operator, site, tenant, placement) {
  await operator.does('POST /management/tenants', { id: tenant, placement });
  const user = await operator.user(tenant, 'ada@example.com', PASSWORD);
  const organizations = {};
  for (const name of ORGANIZATIONS) {
    const { id } = await operator.does('POST /api/v2/organizations', { name }, tenant);
    await operator.does(`POST /api/v2/organizations/${id}/members`, { members: [user.id] }, tenant);
    organizations[name] = id;
  }
  for (const identifier of [ORDERS, INVOICES]) {
    const scopes = [{ value: 'read:all', description: 'Read all' }];
    const api = { name: identifier, identifier, scopes, allow_offline_access: true };
    await operator.does('POST /api/v2/resource-servers', api, tenant);
  }
  const registration = {
    app_type: 'spa',
    token_endpoint_auth_method: 'none',
    callbacks: [site.callback, site.back],
    allowed_logout_urls: [site.goodbye],
    web_origins: [site.origin], // who may be answered in a frame or a pop-up
    organization_usage: 'allow',
  };
  const { client_id } = await operator.application(tenant, registration);
  return { issuer: operator.issuer(tenant), client_id, user, organizations };
}

/** Signs a person in at the pages of Gatehouse. */
export async function enter(page, { email, password }) {
  await page.getByLabel('Email address or user name').fill(email);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByLabel('Password').fill(password);
  await page.getByLabel('Password').press('Enter');
}

/** What a JWT claims. */
export const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
