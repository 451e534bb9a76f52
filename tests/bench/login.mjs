// A person's sign-in with code and PKCE, as a browser and an application do it: redirects, forms and cookies by hand.
import { createHash, randomBytes } from 'node:crypto';

export const form = (path, fields, more = {}) => ({
  method: 'POST',
  path,
  body: new URLSearchParams(fields).toString(),
  ...more,
  headers: { 'content-type': 'application/x-www-form-urlencoded', ...more.headers },
});

const unescape = (text) =>
  text.replace(/&(amp|quot|lt|gt|#39|#x27);/g, (_, name) => ({ amp: '&', quot: '"', lt: '<', gt: '>' })[name] ?? "'");

const attribute = (tag, name) => {
  const value = tag.match(new RegExp(`\\s${name}="([^"]*)"`))?.[1];
  return value === undefined ? undefined : unescape(value);
};

/** The first form of a page: where it goes, and its fields with the values they start with. */
function readForm(html, path) {
  const [whole, open] = html.match(/(<form\b[^>]*>)[\s\S]*?<\/form>/) ?? [];
  if (!whole) throw new Error(`no form at ${path}: ${html.slice(0, 300)}`);
  const inputs = [...whole.matchAll(/<input\b[^>]*>/g)].map(([tag]) => tag).filter((tag) => attribute(tag, 'name'));
  const fields = Object.fromEntries(inputs.map((tag) => [attribute(tag, 'name'), attribute(tag, 'value') ?? '']));
  return { action: attribute(open, 'action') || path, fields };
}

/** Every request of one sign-in of a new browser; returns the tokens. */
export async function login({ send }, { client, user }) {
  const cookies = new Map();
  const browse = async (wanted) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = cookie ? { ...wanted.headers, cookie } : wanted.headers;
    const response = await send({ ...wanted, headers, expect: [200, 302, 303] });
    for (const line of response.headers['set-cookie'] ?? []) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      if (value === '' || /max-age=0/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  };

  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    client_id: client.id,
    redirect_uri: client.callback,
    response_type: 'code',
    scope: 'openid profile email offline_access',
    state: randomBytes(8).toString('base64url'),
    nonce: randomBytes(8).toString('base64url'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });

  const known = { username: user.email, email: user.email, password: user.password };
  let path = `/authorize?${query}`;
  let response = await browse({ path });
  // Each page is a form or a redirect; the last redirect leads to the application. Bounded, so that a loop is an error.
  for (let hops = 0; hops < 12; hops += 1) {
    const { location } = response.headers;
    if (location?.startsWith(client.callback)) {
      const code = new URL(location).searchParams.get('code');
      if (!code) throw new Error(`no code in ${location}`);
      const tokens = await send(
        form('/oauth/token', {
          grant_type: 'authorization_code',
          client_id: client.id,
          client_secret: client.secret,
          redirect_uri: client.callback,
          code_verifier: verifier,
          code,
        }),
      );
      return tokens.json();
    }
    if (location) {
      const { pathname, search } = new URL(location, `http://localhost${path}`);
      path = pathname + search;
      response = await browse({ path });
    } else {
      const { action, fields } = readForm(response.text, path);
      for (const [name, value] of Object.entries(known)) if (name in fields) fields[name] = value;
      path = action;
      response = await browse(form(path, fields));
    }
  }
  throw new Error(`the sign-in did not end; last page ${path}: ${response.text.slice(0, 300)}`);
}
