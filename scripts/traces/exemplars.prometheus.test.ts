import { ROUTES } from '@macronode/contracts';
import { afterEach, expect, it, vi } from 'vitest';
import { METRICS } from '../../grafana/declared.ts';
import { startPrometheus } from '../prometheus.ts';
import { startTarget } from '../targets.ts';
import { OtlpSink } from './sink.ts';

const REQUESTS = 5;
const DEADLINE_MS = 20_000;
const RANGE_SECONDS = 600;

interface ExemplarSeries {
  readonly seriesLabels: Readonly<Record<string, string>>;
  readonly exemplars: readonly { readonly labels: Readonly<Record<string, string>> }[];
}

afterEach(() => void vi.unstubAllEnvs());

it('leads from a latency in Prometheus to a trace the collector got', { timeout: 90_000 }, async () => {
  await using sink = await OtlpSink.start({ keep: true });
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', sink.endpoint);
  vi.stubEnv('OTEL_TRACES_SAMPLER_ARG', '1');
  await using node = await startTarget('micronode');
  for (let n = 0; n < REQUESTS; n += 1) {
    expect((await fetch(`${node.state.url}${ROUTES.openapi.template}`)).status).toBe(200);
  }
  const address = new URL(node.state.ops['gateway']?.[0] ?? '').host;
  await using prometheus = await startPrometheus({ targets: [{ address }], scrapeSeconds: 1 });

  const found = await vi.waitFor(
    async () => {
      const now = Date.now() / 1_000;
      const query = `${METRICS.golden.requestLatency.name}_bucket`;
      const answer = await prometheus.exemplars(query, now - RANGE_SECONDS, now + RANGE_SECONDS);
      const series = answer as readonly ExemplarSeries[];
      const ofRoute = series.filter(({ seriesLabels }) => seriesLabels['route'] === ROUTES.openapi.template);
      expect(ofRoute.length).toBeGreaterThan(0);
      return ofRoute;
    },
    { timeout: DEADLINE_MS, interval: 200 },
  );
  const traceIds = found.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels['trace_id'] ?? 'none'));
  for (const traceId of traceIds) {
    expect(traceId).toMatch(/^[0-9a-f]{32}$/);
    await vi.waitFor(() => expect(sink.got(traceId)).toBe(true), { timeout: DEADLINE_MS });
  }
});
