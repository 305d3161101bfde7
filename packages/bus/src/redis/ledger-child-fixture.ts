import { writeSync } from 'node:fs';
import { MetricsRegistry } from '@macronode/metrics';
import { Bus } from '../bus.ts';
import { LEDGER_LIMITS, LEDGER_SERVICE, serveLedger } from '../conformance/conformance-ledger-load.ts';
import { RedisLink } from './redis-link.ts';
import type { RedisLinkTimings } from './redis-options.ts';

/**
 * The process the ledger kills and restarts: `<url> <namespace> <instance> <timings as JSON>`. Prints `ready`, then a
 * line per effect: `ran <id>` or `handled <group> <id>`. SIGTERM drains it, as a service is stopped.
 */
const [url = '', namespace = '', instance = '', timings = '{}'] = process.argv.slice(2);
const DRAIN_MS = 8_000;

const link = new RedisLink({
  url,
  namespace,
  name: instance,
  timings: JSON.parse(timings) as Partial<RedisLinkTimings>,
});
const metrics = new MetricsRegistry().scope({ service: LEDGER_SERVICE });
const bus = new Bus({ service: LEDGER_SERVICE, link, metrics, instance, limits: LEDGER_LIMITS });
// Synchronous, so that a line that was printed is not lost in this process's own buffers.
const print = (line: string): void => void writeSync(1, `${line}\n`);

await serveLedger(bus, {
  ran: (id) => print(`ran ${id}`),
  handled: (group, id) => print(`handled ${group} ${id}`),
});
process.once('SIGTERM', () => {
  void bus.drain(DRAIN_MS).then(() => link.close());
});
await bus.start();
print('ready');
