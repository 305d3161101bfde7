import { LATENCY_BUCKETS_SECONDS, type ServiceError } from '@macronode/contracts';
import {
  buildInfo,
  type BuildInfo,
  configValue,
  counter,
  gauge,
  goldenMetrics,
  type MetricsScope,
  readyzState,
  refusalMetrics,
} from '@macronode/metrics';
import { configGauges, type ConfigDeclaration } from './config.ts';
import type { GoldenHandles } from './http-metrics.ts';
import { REJECT_REASONS } from './map-error.ts';
import type { ReadinessRegistry } from './readiness.ts';

export const connectionMetrics = Object.freeze({
  connections: gauge({ name: 'http_connections', help: 'Open client connections.' }),
  dropped: counter({
    name: 'http_connections_dropped_total',
    help: 'Connections closed at once: the bound was reached.',
  }),
});

const reasonsOf = (extra: readonly string[] = []): readonly string[] => [...new Set([...REJECT_REASONS, ...extra])];

/** The golden metrics of a service with a public surface. */
export function httpGolden(templates: readonly string[], rejectReasons?: readonly string[]) {
  return goldenMetrics<string, string>({
    routes: templates,
    reasons: reasonsOf(rejectReasons),
    buckets: LATENCY_BUCKETS_SECONDS,
  });
}

export function bindHttpGolden(
  scope: MetricsScope,
  templates: readonly string[],
  rejectReasons?: readonly string[],
): GoldenHandles {
  return scope.bind(httpGolden(templates, rejectReasons));
}

/** Counts refusals by the finest word that is declared: the reason when it is, else the code. */
export function bindRefusals(
  scope: MetricsScope,
  restarts: number,
  rejectReasons?: readonly string[],
): (error: ServiceError) => void {
  const reasons = reasonsOf(rejectReasons);
  const known = new Set(reasons);
  const m = scope.bind(refusalMetrics<string>(reasons));
  m.serviceRestarts.inc(restarts);
  return ({ code, reason }) => {
    m.rejected.inc({ reason: reason !== undefined && known.has(reason) ? reason : code });
  };
}

/** Readiness, build and live settings of one service. */
export function bindServiceState(
  scope: MetricsScope,
  sources: {
    readonly readiness: ReadinessRegistry;
    readonly build: BuildInfo;
    readonly configs: readonly { readonly declaration: ConfigDeclaration<object>; readonly values: object }[];
  },
): void {
  const settings = new Map(
    sources.configs.flatMap(({ declaration, values }) => [...configGauges(declaration, values)]),
  );
  const m = scope.bind({
    state: readyzState,
    build: buildInfo(sources.build),
    config: configValue<string>([...settings.keys()]),
  });
  m.state.collect(() => {
    const { ready, write_ready } = sources.readiness.evaluate();
    return Number(ready) + Number(ready && write_ready);
  });
  const { version, gitSha, node } = sources.build;
  m.build.set(1, { version, git_sha: gitSha, node });
  for (const [key, value] of settings) m.config.set(value, { key });
}
