import { ToxicNetwork } from '../../../packages/bus/src/redis/toxic-network-fixture.ts';
import { provideGoTool, TOXIPROXY } from '../../go-tools.ts';
import { type Found, type Part, rounded, say, single } from './part.ts';
import { latencyMs, rateOf, Readers } from './readers.ts';
import { withRegistry } from './started.ts';

/** 100 ms for every round trip, half each way. */
const ONE_WAY_MS = 50;
const RATE = 500;
const CONNECTIONS = 128;
const P95_MS_MAX = 200;
const P99_MS_MAX = 350;

async function run(quick: boolean): Promise<Found> {
  process.env['TOXIPROXY_SERVER'] = await provideGoTool(TOXIPROXY);
  return withRegistry(quick, async ({ node, versions }) => {
    const network = await ToxicNetwork.to(node.url);
    try {
      await network.poison('latency', { latency: ONE_WAY_MS });
      await using readers = await Readers.start();
      const url = network.url.replace('redis:', 'http:');
      const order = { url, read: 'head', knownShare: 0.5, versions, connections: CONNECTIONS, rate: RATE } as const;
      await readers.read({ ...order, ms: 1_000 });
      const report = await readers.readRightly({ ...order, ms: quick ? 3_000 : 15_000 });
      const [p95, p99] = [latencyMs(report, 0.95), latencyMs(report, 0.99)];
      say(
        `the head from another region at ${RATE}/s: p95 ${p95.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, ${rateOf(report).toFixed(0)}/s right`,
      );
      return {
        cases: [single('head_far_p95', 'ms', p95, report.answered), single('head_far_p99', 'ms', p99, report.answered)],
        goals: [
          { name: 'head_far_p95_ms', measured: rounded(p95), is: 'at most', bound: P95_MS_MAX },
          { name: 'head_far_p99_ms', measured: rounded(p99), is: 'at most', bound: P99_MS_MAX },
        ],
      };
    } finally {
      await network.close();
    }
  });
}

/** The head with 100 ms injected into every round trip. */
export const far: Part = { name: 'far', run };
