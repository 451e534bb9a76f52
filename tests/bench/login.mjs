// A person's sign-in with code and PKCE, from the application's request to its tokens.
import { randomBytes } from 'node:crypto';
import { Person, pkce } from '../worker/person.mjs';

export const form = (path, fields) => ({
  method: 'POST',
  path,
  body: new URLSearchParams(fields).toString(),
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
});

/** Every request of one sign-in of `user` in a new browser at the client's tenant; `asked` goes into the first. Returns the tokens. */
export async function login({ send }, { host, client }, user, asked = {}) {
  const browse = ({ url, ...wanted }) => {
    const { pathname, search } = new URL(url);
    return send({ ...wanted, path: pathname + search, expect: [200, 302, 303] });
  };
  const { verifier, parameters } = pkce();
  const query = new URLSearchParams({
    client_id: client.id,
    redirect_uri: client.callback,
    response_type: 'code',
    scope: 'openid profile email offline_access',
    state: randomBytes(8).toString('base64url'),
    nonce: randomBytes(8).toString('base64url'),
    ...parameters,
    ...asked,
  });
  const back = await new Person(browse, user).visit(`http://${host}/authorize?${query}`, client.callback);
  const code = new URL(back).searchParams.get('code');
  if (!code) throw new Error(`no code in ${back}`);
  const fields = {
    grant_type: 'authorization_code',
    client_id: client.id,
    client_secret: client.secret,
    redirect_uri: client.callback,
    code_verifier: verifier,
    code,
  };
  return (await send(form('/oauth/token', fields))).json();
}
