import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { counter, expositionFor, gauge, histogram, Lanes, MetricsRegistry } from '@macronode/metrics';
import { afterEach, expect, it, vi } from 'vitest';
import { startPrometheus } from './prometheus.ts';

const DEADLINE_MS = 20_000;
const help = 'A line\nwith a \\ and "quotes".';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** What a node exposes, of every type, a part of it counted in lanes. */
function exposed(): MetricsRegistry {
  const registry = new MetricsRegistry();
  const scope = registry.scope({ service: 'a"b\\c\nd' });
  const labels = { kind: ['read', 'write "all"'] };
  const m = scope.bind({
    open: gauge({ name: 'open_files', help }),
    wait: histogram({
      name: 'wait_seconds',
      help,
      labels,
      buckets: [0.1, 1],
      bucketsReason: 'A test.',
      zeroFill: true,
    }),
  });
  m.open.set(-0.5);
  m.wait.cell({ kind: 'read' }).observeTraced(0.5, TRACE);
  const lanes = Lanes.create({ hits: counter({ name: 'hits_total', help, labels }) }, 2);
  scope.mount(lanes);
  for (const lane of [0, 1]) lanes.bind(lane).hits.inc({ kind: 'read' }, 21);
  return registry;
}

/** Serves a registry in the format its scraper asks for, or always in the classic one. Answers the address. */
async function serve(registry: MetricsRegistry, asked: (accept: string) => 'classic' | 'openmetrics'): Promise<string> {
  const server = createServer((request, response) => {
    const format = asked(request.headers.accept ?? '');
    void registry.render(format).then((text) => {
      response.setHeader('content-type', registry.contentType(format)).end(text);
    });
  });
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('is read by Prometheus whole, in the format it prefers and in the classic one', { timeout: 60_000 }, async () => {
  const formats = new Set<string>();
  const negotiated = await serve(exposed(), (accept) => {
    const format = expositionFor(accept);
    formats.add(format);
    return format;
  });
  const classic = await serve(exposed(), () => 'classic');
  await using prometheus = await startPrometheus({
    targets: [{ address: negotiated }, { address: classic }],
    scrapeSeconds: 1,
  });
  const values = async (query: string): Promise<readonly string[]> =>
    (await prometheus.query(query)).series.map(({ value }) => value?.[1] ?? '');
  await vi.waitFor(async () => expect(await values('up')).toEqual(['1', '1']), { timeout: DEADLINE_MS, interval: 200 });
  expect(formats).toEqual(new Set(['openmetrics']));
  expect(await values('scrape_samples_scraped == metrics_series')).toHaveLength(2);
  expect(await values('hits_total{kind="read"}')).toEqual(['42', '42']);
  expect(await values('hits_total{kind="write \\"all\\""}')).toEqual(['0', '0']);
  expect(await values('open_files{service="a\\"b\\\\c\\nd"}')).toEqual(['-0.5', '-0.5']);
  expect(
    await values('wait_seconds_bucket{kind="read", le="1"} or wait_seconds_bucket{kind="read", le="1.0"}'),
  ).toEqual(['1', '1']);
  const now = Date.now() / 1_000;
  const exemplars = await prometheus.exemplars('wait_seconds_bucket', now - 60, now + 60);
  expect(JSON.stringify(exemplars).match(new RegExp(TRACE, 'g'))).toHaveLength(1);
});
