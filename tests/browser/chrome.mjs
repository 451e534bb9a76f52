// The browser that is already on the machine: nothing is downloaded.
import { accessSync, constants } from 'node:fs';
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

/** Starts it without a window. Its sandbox refuses to run as root, which is who a container often is. */
export async function launchChrome() {
  const { chromium } = await import('playwright-core');
  return chromium.launch({ executablePath: findChrome(), chromiumSandbox: process.getuid?.() !== 0, args: QUIET });
}
