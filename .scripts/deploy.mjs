// `BASE_DOMAIN=auth.example.com npm run deploy`: the routes and the domain of production, everything else from wrangler.toml.
import { build } from './build.mjs';
import { Failure, main, run } from './project.mjs';

await main(import.meta, async (args) => {
  const domain = process.env.BASE_DOMAIN;
  if (!domain) throw new Failure('Set BASE_DOMAIN to the host of the main tenant: BASE_DOMAIN=auth.example.com npm run deploy');
  await build();
  const routes = [`${domain}/*`, `*.${domain}/*`].flatMap((route) => ['--route', route]);
  await run('wrangler', ['deploy', '--var', `BASE_DOMAIN:${domain}`, ...routes, ...args]);
});
