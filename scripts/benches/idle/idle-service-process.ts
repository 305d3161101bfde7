// A service that has nothing to do: it serves a subject, has an inbox, handles work and follows a hint.
import { Bus, RedisLink } from '@macronode/bus';
import { MetricsRegistry } from '@macronode/metrics';

const [redisUrl = ''] = process.argv.slice(2);
process.on('disconnect', () => process.exit());
const metrics = new MetricsRegistry().scope({ service: 'bench' });
const bus = new Bus({ service: 'bench', link: new RedisLink({ url: redisUrl, name: 'bench', metrics }), metrics });
bus.serve('bench.echo', (request) => request);
await bus.onWork('bench.done', 'bench', () => undefined);
await bus.onHint(
  'bench.head',
  () => undefined,
  () => undefined,
);
await bus.start();
process.send?.({ type: 'ready' });
