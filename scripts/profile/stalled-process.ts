// A server with a stall in one of its handlers: what the profile must find.
import { createServer } from 'node:http';

/** Seeded: longer than anything else this process does in one turn. */
const STALL_MS = 300;

/** Computes and does not return to the event loop. */
function seededStall(): number {
  const until = performance.now() + STALL_MS;
  let sum = 0;
  while (performance.now() < until) for (let step = 0; step < 1_000; step += 1) sum += Math.sqrt(step + sum);
  return sum;
}

const server = createServer((request, response) => {
  response.end(request.url === '/stall' ? String(seededStall()) : 'ok');
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address !== null) process.stdout.write(`port ${address.port}\n`);
});
process.on('SIGTERM', () => process.exit(0));
