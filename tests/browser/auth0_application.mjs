// An application with auth0-spa-js in a page, as the quickstart has it: it makes its client whenever the page is loaded.
import { enter } from './scene.mjs';

/** The application, in a page of a site. */
export class Auth0Application {
  constructor(site, page, options) {
    Object.assign(this, { site, page, options });
  }

  /** Opens a page of the application, which makes its client. */
  async open() {
    await this.page.goto(this.site.home);
    await this.make();
  }

  make = () => this.page.evaluate(async (options) => void (window.client = await auth0.createAuth0Client(options)), this.options);

  /** Calls a method of the client; its result, or its error. */
  call = (method, ...args) =>
    this.page.evaluate(
      ([method, args]) =>
        client[method](...args).catch(({ error, message }) => {
          throw new Error(`${method}: ${error} ${message}`);
        }),
      [method, args],
    );

  /** Sends the person away and takes them back. */
  async redirect(person, more = {}) {
    await this.page.evaluate((more) => void client.loginWithRedirect(more), more);
    if (person) await enter(this.page, person);
    await this.page.waitForURL(`${this.site.callback}?**`);
    await this.page.evaluate((options) => void (window.client = new auth0.Auth0Client(options)), this.options);
    await this.call('handleRedirectCallback');
    await this.page.evaluate(() => history.replaceState({}, '', '/'));
  }

  /** A token that is not from the cache, and how many frames it took. */
  async renew(more = {}) {
    let frames = 0;
    const count = () => (frames += 1);
    this.page.on('frameattached', count);
    const token = await this.call('getTokenSilently', { cacheMode: 'off', ...more });
    this.page.off('frameattached', count);
    return { token, frames };
  }
}
