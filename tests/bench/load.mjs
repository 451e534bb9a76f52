// A load generator: lanes that each do one operation after the other on a connection of their own.
import { Agent, request } from 'node:http';

/** What one lane sends with. Counts its requests and adds up what the Worker says it spent on D1. */
export function makeClient(port, host) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const spent = { requests: 0, trips: 0, read: 0, written: 0 };

  function send({ method = 'GET', path, host: otherHost = host, headers = {}, body, expect = [200] }) {
    const allHeaders = { host: otherHost, ...headers };
    if (body !== undefined) allHeaders['content-length'] = Buffer.byteLength(body);
    return new Promise((resolve, reject) => {
      const outgoing = request({ host: '127.0.0.1', port, agent, method, path, headers: allHeaders }, (incoming) => {
        const chunks = [];
        incoming.on('data', (chunk) => chunks.push(chunk));
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const { statusCode: status, headers: answered } = incoming;
          if (!expect.includes(status)) {
            reject(new Error(`${method} ${path} answered ${status}: ${text.slice(0, 300)}`));
            return;
          }
          const [trips, read, written] = (answered['x-gatehouse-d1'] ?? '0;0;0').split(';').map(Number);
          spent.requests += 1;
          spent.trips += trips;
          spent.read += read;
          spent.written += written;
          resolve({ status, headers: answered, text, json: () => JSON.parse(text) });
        });
      });
      outgoing.on('error', reject).end(body);
    });
  }

  return { send, spent, close: () => agent.destroy() };
}

const WARM_MS = 800;

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];

const total = (clients, what) => clients.reduce((sum, { spent }) => sum + spent[what], 0);

/**
 * Runs `operation(lane)` on `concurrency` lanes: until `count` are done or `seconds` are over, whichever comes first.
 * `newLane(client)` prepares a lane, outside the measurement.
 */
export async function measure({ newClient, newLane, operation, concurrency, count, seconds, cpu }) {
  const clients = Array.from({ length: concurrency }, newClient);
  const lanes = [];
  for (const client of clients) lanes.push(await newLane(client));
  // Warm caches, and code that the engine has optimised by now.
  const warm = performance.now() + WARM_MS;
  await Promise.all(
    lanes.map(async (lane) => {
      do await operation(lane);
      while (performance.now() < warm);
    }),
  );

  const before = Object.fromEntries(Object.keys(clients[0].spent).map((what) => [what, total(clients, what)]));
  const cpuBefore = cpu();
  const times = [];
  const began = performance.now();
  let left = count;
  await Promise.all(
    lanes.map(async (lane) => {
      while (left-- > 0 && performance.now() - began < seconds * 1000) {
        const start = performance.now();
        await operation(lane);
        times.push(performance.now() - start);
      }
    }),
  );
  const elapsed = performance.now() - began;
  const cpuAfter = cpu();
  const perOperation = (what) => (total(clients, what) - before[what]) / times.length;
  const result = {
    rate: (times.length / elapsed) * 1000,
    cpu: cpuBefore === null ? null : (cpuAfter - cpuBefore) / times.length,
    requests: perOperation('requests'),
    trips: perOperation('trips'),
    read: perOperation('read'),
    written: perOperation('written'),
  };
  times.sort((a, b) => a - b);
  for (const client of clients) client.close();
  return { ...result, p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
}
