// The upload in `BASE_DOMAIN=auth.example.com npm run deploy`: the domain and the routes of production; all else is in
// wrangler.toml. More arguments go to wrangler; the first time, `--secrets-file FILE` with what .dev.vars.example lists.
import { build } from './build.mjs';
import { Failure, main, run } from './project.mjs';

await main(import.meta, async (args) => {
  const domain = process.env.BASE_DOMAIN;
  if (!domain) {
    throw new Failure('BASE_DOMAIN is the host of the main tenant: BASE_DOMAIN=auth.example.com npm run deploy');
  }
  await build();
  const routes = [`${domain}/*`, `*.${domain}/*`].flatMap((route) => ['--route', route]);
  await run('wrangler', ['deploy', '--var', `BASE_DOMAIN:${domain}`, ...routes, ...args]);
});
