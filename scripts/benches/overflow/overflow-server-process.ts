// The slow handler: one process that is busy for a fixed time per request. It lives as long as the one that started it.
import { Bus, RedisLink } from '@macronode/bus';
import { MetricsRegistry } from '@macronode/metrics';
import type { OverflowMessage } from './messages.ts';

const [redisUrl = '', busyMicros = ''] = process.argv.slice(2);
process.on('disconnect', () => process.exit());
const busyMs = Number(busyMicros) / 1_000;
const metrics = new MetricsRegistry().scope({ service: 'bench' });
const bus = new Bus({ service: 'bench', link: new RedisLink({ url: redisUrl, name: 'bench', metrics }), metrics });
bus.serve('bench.slow', (request) => {
  const until = performance.now() + busyMs;
  while (performance.now() < until);
  return request;
});
await bus.start();
process.send?.({ type: 'ready' } satisfies OverflowMessage);
