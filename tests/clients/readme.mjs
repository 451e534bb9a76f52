// The lines of the README beside this that point a client at a tenant, carried out by the tests as they stand there but for the port.
import { readFileSync } from 'node:fs';

const readme = readFileSync(new URL('./README.md', import.meta.url), 'utf8');
const [, block] = readme.match(/<!-- clients -->\n```js\n([\s\S]*?)```\n<!-- \/clients -->/);

/** The line of a client, for a server that is elsewhere. */
export function lineOf(client, { base }) {
  const [, line] = block.match(new RegExp(`^// ${client}\n(.*)$`, 'm'));
  return line.replaceAll('localhost:8787', new URL(base).host);
}

/** What that line makes, given what else it names. */
export const madeBy = (client, gatehouse, names) =>
  new Function(...Object.keys(names), `return ${lineOf(client, gatehouse)}`)(...Object.values(names));
