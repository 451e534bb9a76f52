// A person with a browser, played by hand: redirects, forms and cookies, and nothing that only a script could do.
import { createHash, randomBytes } from 'node:crypto';

const unescape = (text) =>
  text.replace(/&(amp|quot|lt|gt|#39|#x27);/g, (_, name) => ({ amp: '&', quot: '"', lt: '<', gt: '>' })[name] ?? "'");

const attribute = (tag, name) => {
  const value = tag.match(new RegExp(`\\s${name}="([^"]*)"`))?.[1];
  return value === undefined ? undefined : unescape(value);
};

/** The first form of a page: where it goes, and its fields with the values they start with. */
function readForm(html, url) {
  const [whole, open] = html.match(/(<form\b[^>]*>)[\s\S]*?<\/form>/) ?? [];
  if (!whole) throw new Error(`no form at ${url}: ${html.slice(0, 300)}`);
  const inputs = [...whole.matchAll(/<input\b[^>]*>/g)].map(([tag]) => tag).filter((tag) => attribute(tag, 'name'));
  const fields = Object.fromEntries(inputs.map((tag) => [attribute(tag, 'name'), attribute(tag, 'value') ?? '']));
  return { action: new URL(attribute(open, 'action') || url, url).href, fields };
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

export class Person {
  #send;
  #known;
  #cookies = new Map(); // host → name → value: every cookie of ours is of one host

  /**
   * `send({ method, url, headers, body })` answers `{ status, headers, text }`, as Node's http has headers, and follows no
   * redirect. The person knows their `email` and `password`, and perhaps the `code` that their authenticator app shows.
   */
  constructor(send, { email, password, code }) {
    this.#send = send;
    this.#known = { username: email, email, password, ...(code && { code }) };
  }

  /** Goes to a page, fills in what it asks for, and so on, until led to an address that begins with `end`: that address. */
  async visit(url, end) {
    let seen = await this.#ask({ method: 'GET', url });
    // Bounded, so that a login that goes in circles (a wrong password, say) is an error.
    for (let hops = 0; hops < 12; hops += 1) {
      const { location } = seen.headers;
      if (location) {
        const next = new URL(location, seen.url).href;
        if (next.startsWith(end)) return next;
        seen = await this.#ask({ method: 'GET', url: next });
      } else {
        const { action, fields } = readForm(seen.text, seen.url);
        for (const [name, value] of Object.entries(this.#known)) if (name in fields) fields[name] = value;
        const body = new URLSearchParams(fields).toString();
        seen = await this.#ask({ method: 'POST', url: action, headers: FORM, body });
      }
    }
    throw new Error(`led in circles, at last to ${seen.url}: ${seen.text.slice(0, 300)}`);
  }

  /** Goes to a page, and wherever that leads: what there is to read. */
  async read(url) {
    let seen = await this.#ask({ method: 'GET', url });
    for (let hops = 0; hops < 12 && seen.headers.location; hops += 1) {
      seen = await this.#ask({ method: 'GET', url: new URL(seen.headers.location, seen.url).href });
    }
    return seen.text;
  }

  async #ask(wanted) {
    const { host } = new URL(wanted.url);
    if (!this.#cookies.has(host)) this.#cookies.set(host, new Map());
    const jar = this.#cookies.get(host);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await this.#send({ ...wanted, headers: { ...wanted.headers, ...(cookie && { cookie }) } });
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      if (/max-age=0/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    return { ...answer, url: wanted.url };
  }
}

/** How a person's browser sends with a `fetch` that follows no redirect. */
export const browse =
  (fetch) =>
  async ({ url, ...init }) => {
    const answer = await fetch(url, init);
    const headers = { ...Object.fromEntries(answer.headers), 'set-cookie': answer.headers.getSetCookie() };
    return { status: answer.status, headers, text: await answer.text() };
  };

/** What an application keeps to itself while a person signs in, and the parameters that it sends them with. */
export function pkce() {
  const verifier = randomBytes(32).toString('base64url');
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  return { verifier, parameters: { code_challenge: challenge, code_challenge_method: 'S256' } };
}
