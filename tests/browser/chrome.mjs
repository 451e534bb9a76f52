// The browser that is already on the machine: nothing is downloaded.
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const names = ['google-chrome', 'google-chrome-stable', 'chromium', 'chromium-browser'];

const isExecutable = (file) => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

export function findChrome() {
  const places = (process.env.PATH ?? '').split(delimiter);
  const candidates = [
    process.env.CHROME,
    ...names.flatMap((name) => places.map((place) => join(place, name))),
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ];
  return candidates.find((file) => file && isExecutable(file));
}

/** What a browser does of its own accord is no part of a test, and needs a network that there may not be. */
const QUIET = ['--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** Its sandbox refuses to run as root, which is who a container often is. */
const launch = () => ({ executablePath: findChrome(), chromiumSandbox: process.getuid?.() !== 0, args: QUIET });

/** Starts it without a window. */
export async function launchChrome() {
  const { chromium } = await import('playwright-core');
  return chromium.launch(launch());
}

/**
 * One whose person lets sites use their cookies inside pages of other sites, which some Chromiums forbid unless told
 * otherwise, and trusts the certificate of a local server. A browser and its one context, with a profile of its own.
 */
export async function launchTolerantChrome() {
  const { chromium } = await import('playwright-core');
  const profile = mkdtempSync(join(tmpdir(), 'gatehouse-profile-'));
  mkdirSync(join(profile, 'Default'));
  const settings = { profile: { cookie_controls_mode: 0, block_third_party_cookies: false } };
  writeFileSync(join(profile, 'Default/Preferences'), JSON.stringify(settings));
  const context = await chromium.launchPersistentContext(profile, { ...launch(), ignoreHTTPSErrors: true });
  context.on('close', () => rmSync(profile, { recursive: true, force: true }));
  return context;
}
