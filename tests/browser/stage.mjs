// Where the libraries of applications are tried as they are published: a Gatehouse, a browser, and pages of an application.
import { after, afterEach, before, beforeEach, describe } from 'node:test';
import { startGatehouse } from '../worker/harness.mjs';
import { Operator } from '../worker/operator.mjs';
import { launchChrome } from './chrome.mjs';
import { setScene } from './scene.mjs';
import { startSite } from './site.mjs';

/** One for all tests of a file. */
export function setStage() {
  const stage = {};
  before(async () => {
    [stage.gatehouse, stage.pages, stage.chrome] = await Promise.all([
      startGatehouse({ reachable: true }),
      startSite(),
      launchChrome(),
    ]);
    stage.operator = await Operator.of(stage.gatehouse);
  });
  after(async () => {
    await stage.chrome?.close();
    await stage.gatehouse?.close();
    stage.pages?.close();
  });
  return stage;
}

/**
 * Runs the tests of a library for a tenant in a database of its own, and for one in the shared database. `tests` gets what
 * each test finds: the tenant's scene, its pages, and a browser context without a past.
 */
export function inBothPlacements(stage, library, tests) {
  for (const [tenant, placement] of [['acme', 'isolated'], ['globex', 'shared']]) {
    describe(`${library} (${placement})`, () => {
      const here = { tenant, site: () => stage.pages.at(`app.${tenant}.localhost`) };
      before(async () => (here.scene = await setScene(stage.operator, here.site(), tenant, placement)));
      beforeEach(async () => (here.context = await stage.chrome.newContext()));
      afterEach(() => here.context.close());
      tests(here);
    });
  }
}
