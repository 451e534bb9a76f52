// The pages as a person meets them: with the keyboard alone, with a password manager, with a screen reader, in the dark.
import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { startGatehouse } from '../worker/harness.mjs';
import { Operator } from '../worker/operator.mjs';
import { pkce } from '../worker/person.mjs';
import { launchChrome } from './chrome.mjs';

const EMAIL = 'ada@example.com';
const PASSWORD = 'analytical-engine-1843';

/** The application that people come from and go back to. */
const site = createServer((_, answer) => {
  answer.setHeader('content-type', 'text/html');
  answer.end('<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Application</title></html>');
});

let gatehouse, chrome, issuer, application, callback, goodbye;
before(async () => {
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
  [callback, goodbye] = ['callback', 'goodbye'].map((path) => `http://localhost:${site.address().port}/${path}`);
  gatehouse = await startGatehouse({ reachable: true });
  const operator = await Operator.of(gatehouse);
  await operator.does('POST /management/tenants', { id: 'acme', friendly_name: 'Acme' });
  await operator.user('acme', 'grace@example.com', PASSWORD);
  issuer = operator.issuer('acme');
  application = await operator.application('acme', {
    app_type: 'spa',
    token_endpoint_auth_method: 'none',
    callbacks: [callback],
    allowed_logout_urls: [goodbye],
  });
  chrome = await launchChrome();
});
after(async () => {
  await chrome?.close();
  await gatehouse?.close();
  site.closeAllConnections();
  site.close();
});

let context, page, complaints;
beforeEach(async () => {
  context = await chrome.newContext();
  page = await context.newPage();
  complaints = [];
  // A violation of the Content-Security-Policy is an error of the console, too.
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(`${error}`));
});
afterEach(() => context.close());

function authorize(more = {}) {
  const asked = { client_id: application.client_id, redirect_uri: callback, response_type: 'code', scope: 'openid' };
  return `${issuer}authorize?${new URLSearchParams({ ...asked, ...pkce().parameters, ...more })}`;
}

const arrivedWith = (parameter) => new URL(page.url()).searchParams.get(parameter);
const press = async (...keys) => {
  for (const key of keys) await page.keyboard.press(key);
};
const focused = () => page.evaluate(() => document.activeElement.name || document.activeElement.textContent);

test('somebody new signs up, signs out and signs in again, with the keyboard alone', async () => {
  await page.goto(authorize());
  assert.equal(await page.title(), 'Sign in | Acme');
  assert.equal(await focused(), 'username');
  await press('Tab', 'Tab', 'Enter'); // past the button, to the link
  await page.waitForURL('**/u/signup?**');
  assert.equal(await focused(), 'email');
  await page.keyboard.type(EMAIL);
  await press('Tab');
  await page.keyboard.type(PASSWORD);
  await press('Enter');
  await page.waitForURL(`${callback}?**`);
  assert.ok(arrivedWith('code'));

  // The session answers for them, until they sign out.
  await page.goto(authorize({ prompt: 'none' }));
  assert.ok(arrivedWith('code'));
  const leaving = { client_id: application.client_id, post_logout_redirect_uri: goodbye };
  await page.goto(`${issuer}oidc/logout?${new URLSearchParams(leaving)}`);
  // No application vouches for this request, so that the person is asked.
  assert.equal(await focused(), 'Sign out');
  await press('Enter');
  await page.waitForURL(goodbye);
  await page.goto(authorize({ prompt: 'none' }));
  assert.equal(arrivedWith('error'), 'login_required');

  await page.goto(authorize());
  await page.keyboard.type(EMAIL);
  await press('Enter');
  await page.waitForURL('**/u/login/password?**');
  assert.equal(await focused(), 'password');
  await page.keyboard.type('a wrong guess');
  await press('Enter');
  await page.getByRole('alert').waitFor();
  assert.match(await page.getByRole('alert').textContent(), /wrong/);
  // The field says that it is the one, and where the reason is.
  const password = page.getByLabel('Password');
  assert.equal(await password.getAttribute('aria-invalid'), 'true');
  assert.equal(await password.getAttribute('aria-describedby'), await page.getByRole('alert').getAttribute('id'));
  assert.equal(await focused(), 'password');
  assert.equal(await password.inputValue(), '', 'a password is never sent back');
  await page.keyboard.type(PASSWORD);
  await press('Enter');
  await page.waitForURL(`${callback}?**`);
  assert.ok(arrivedWith('code'));
  // The browser itself says so of the one page that refused a password.
  assert.deepEqual(complaints.filter((text) => !text.includes('400 (Bad Request)')), []);
});

test('every field has a label, and says what may be filled in', async () => {
  const fields = () =>
    page.locator('input').evaluateAll((inputs) =>
      inputs.map(({ name, autocomplete, labels }) => [name, autocomplete, labels[0]?.textContent]),
    );
  const who = ['username', 'username', 'Email address or user name'];
  await page.goto(authorize());
  assert.deepEqual(await fields(), [who]);
  await page.getByRole('link', { name: 'Sign up' }).click();
  assert.deepEqual(await fields(), [['email', 'email', 'Email address'], ['password', 'new-password', 'Password']]);
  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByLabel('Email address or user name').fill(EMAIL);
  await page.getByRole('button', { name: 'Continue' }).click();
  assert.deepEqual(await fields(), [who, ['password', 'current-password', 'Password']]);
  await page.getByRole('link', { name: 'Change' }).click();
  assert.equal(await page.getByLabel('Email address or user name').inputValue(), EMAIL);
  assert.deepEqual(complaints, []);
});

/** The contrast of two colours as computed styles give them (WCAG 2.2, relative luminance). */
function contrast(...colours) {
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/[\d.]+/g).slice(0, 3).map((part) => {
      const value = Number(part) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [dark, light] = colours.map(luminance).sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

test('in light and dark, large and small, the pages can be read and nothing is cut off', async (t) => {
  const folder = process.env.SCREENSHOTS || mkdtempSync(join(tmpdir(), 'gatehouse-pages-'));
  t.diagnostic(`screenshots: ${folder}`);
  const pages = {
    identifier: () => page.goto(authorize({ prompt: 'login' })),
    'sign-up': () => page.goto(authorize({ prompt: 'login', screen_hint: 'signup' })),
    password: async () => {
      await page.goto(authorize({ prompt: 'login' }));
      await page.getByLabel('Email address or user name').fill('grace@example.com');
      await press('Enter');
      await page.waitForURL('**/u/login/password?**');
    },
    'wrong password': async () => {
      await page.getByLabel('Password').fill('a wrong guess');
      await press('Enter');
      await page.getByRole('alert').waitFor();
    },
    'sign-out': async () => {
      await page.getByLabel('Password').fill(PASSWORD);
      await press('Enter');
      await page.waitForURL(`${callback}?**`);
      await page.goto(`${issuer}oidc/logout`);
    },
    'bad link': () => page.goto(`${issuer}u/login/identifier?state=nonsense`),
  };
  for (const colorScheme of ['light', 'dark']) {
    for (const [size, width, height] of [['desktop', 1280, 800], ['phone', 320, 640]]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height });
      for (const [name, go] of Object.entries(pages)) {
        await go();
        await page.screenshot({ path: join(folder, `${name} ${colorScheme} ${size}.png`) });
        const what = `${name}, ${colorScheme}, ${size}`;
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        assert.ok(!overflow, `${what}: wider than the screen`);
        const texts = await page.locator('h1, p, label, button, a, input').evaluateAll((elements) =>
          elements.map((element) => {
            let behind = element;
            const isClear = () => getComputedStyle(behind).backgroundColor === 'rgba(0, 0, 0, 0)';
            while (behind.parentElement && isClear()) behind = behind.parentElement;
            return [element.textContent || element.name, getComputedStyle(element).color, getComputedStyle(behind).backgroundColor];
          }),
        );
        for (const [text, ...colours] of texts) assert.ok(contrast(...colours) >= 4.5, `${what}: ${text} ${colours}`);
      }
    }
  }
});
