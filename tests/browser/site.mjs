// A web site that is not ours: pages with the client libraries as their makers publish them.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

const published = (file) => readFileSync(fileURLToPath(new URL(`../../node_modules/${file}`, import.meta.url)));

const LIBRARIES = {
  '/auth0-spa-js.js': published('@auth0/auth0-spa-js/dist/auth0-spa-js.production.js'),
  '/oidc-client-ts.js': published('oidc-client-ts/dist/browser/oidc-client-ts.min.js'),
};

/** What oidc-client-ts asks of the page that its pop-ups and frames come back to. */
const BACK = `<script>
  const isMain = !window.opener && window.parent === window;
  if (!isMain) new oidc.UserManager({ authority: '-', client_id: '-', redirect_uri: '-' }).signinCallback();
</script>`;

const page = (path) => `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Application</title>
<script src="/auth0-spa-js.js"></script><script src="/oidc-client-ts.js"></script>${path === '/back' ? BACK : ''}</html>`;

/**
 * Starts it: `at` gives its pages at a host, the `callback` of redirects and the page `back` of frames and pop-ups among them.
 * At a host below a tenant's it is of the same site as the tenant, as an application below the domain of its custom domain is:
 * browsers send the tenant's cookies with its frames. At `localhost` it is another site, of which not all browsers do.
 */
export async function startSite() {
  const server = createServer(({ url }, answer) => {
    const { pathname } = new URL(url, 'http://localhost');
    const library = LIBRARIES[pathname];
    answer.setHeader('content-type', library ? 'text/javascript' : 'text/html');
    answer.end(library ?? page(pathname));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = (host) => {
    const origin = `http://${host}:${server.address().port}`;
    const pages = ['callback', 'back', 'goodbye', ''].map((path) => [path || 'home', `${origin}/${path}`]);
    return { origin, ...Object.fromEntries(pages) };
  };
  return {
    at,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
