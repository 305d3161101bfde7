import { createServer } from 'node:net';

/** True when nothing listens on the port of the loopback address. */
export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A port the system had free a moment ago. */
export function freePort(host = '127.0.0.1'): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port: 0, host, exclusive: true }, () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port was given'));
        else resolve(address.port);
      });
    });
  });
}

/** Below the range systems give to outgoing connections, so that none of ours is taken meanwhile. */
const BASE_MIN = 12_000;
const BASE_MAX = 30_000;
const BASE_STEP = 500;

/** A base port for which every `base + offset` is free. */
export async function freePortBase(offsets: readonly number[]): Promise<number> {
  const steps = (BASE_MAX - BASE_MIN) / BASE_STEP;
  const first = Math.floor(Math.random() * steps);
  for (let step = 0; step < steps; step += 1) {
    const base = BASE_MIN + ((first + step) % steps) * BASE_STEP;
    const free = await Promise.all(offsets.map((offset) => isPortFree(base + offset)));
    if (free.every(Boolean)) return base;
  }
  throw new Error(`No base between ${BASE_MIN} and ${BASE_MAX} has these offsets free: ${offsets.join(', ')}`);
}
