import { counter, gauge, histogram } from './declarations.ts';

/** Methods of the public surface, and one word for all others, so that a scanner cannot make series. */
export const HTTP_METHODS = Object.freeze(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'other'] as const);

/** Statuses the services answer with; any other is counted as its class. */
export const HTTP_CODES = Object.freeze([
  '200', '201', '202', '204', '206', '304', '400', '401', '403', '404', '405', '408', '409', '410', '412', '413', '415', '416', '422',
  '429', '431', '499', '500', '502', '503', '504', '507', '1xx', '2xx', '3xx', '4xx', '5xx',
] as const); // prettier-ignore
export type HttpCode = (typeof HTTP_CODES)[number];

/** The route label of a request no route matched. */
export const UNMATCHED_ROUTE = 'unmatched';

export interface GoldenOptions<R extends string, Q extends string> {
  /** Route templates, never URLs. `unmatched` is added. */
  readonly routes: readonly R[];
  /** The closed list of refusal reasons. */
  readonly reasons: readonly Q[];
  /** Edges in seconds, each latency objective among them. */
  readonly buckets: readonly number[];
  readonly bucketsReason?: string;
}

/** The metrics every service has: rate, errors, duration, saturation, refusals. */
export function goldenMetrics<const R extends string, const Q extends string>(options: GoldenOptions<R, Q>) {
  const route: readonly (R | typeof UNMATCHED_ROUTE)[] = [...options.routes, UNMATCHED_ROUTE];
  return {
    httpRequests: counter({
      name: 'http_requests_total',
      help: 'Requests answered, by route template, method and status code.',
      labels: { route, method: HTTP_METHODS, code: HTTP_CODES },
    }),
    requestLatency: histogram({
      name: 'request_latency_seconds',
      unit: 'seconds',
      help: 'Time from the request header read to the answer sent.',
      labels: { route, method: HTTP_METHODS },
      buckets: options.buckets,
      bucketsReason:
        options.bucketsReason ?? 'Every latency objective is an exact edge, so that no SLI is interpolated.',
    }),
    inflightRequests: gauge({
      name: 'inflight_requests',
      help: 'Requests being answered now.',
      labels: { route },
      zeroFill: true,
    }),
    ...refusalMetrics(options.reasons),
  };
}

/** The golden metrics of a service without HTTP: refusals and restarts. Part of `goldenMetrics`. */
export function refusalMetrics<const Q extends string>(reasons: readonly Q[]) {
  return {
    rejected: counter({
      name: 'rejected_total',
      help: 'Requests refused, by reason.',
      labels: { reason: reasons },
      zeroFill: true,
    }),
    serviceRestarts: counter({
      name: 'service_restarts_total',
      help: 'Times the supervisor has started this service again.',
    }),
  };
}

/** 0 = not ready, 1 = ready for reads only, 2 = ready. */
export const readyzState = gauge({
  name: 'readyz_state',
  help: 'Readiness: 0 not ready, 1 reads only, 2 reads and writes.',
});

export interface BuildInfo {
  readonly version: string;
  readonly gitSha: string;
  readonly node: string;
}

/** `build_info`, always 1: what runs is in its labels. */
export const buildInfo = (build: BuildInfo) =>
  gauge({
    name: 'build_info',
    help: 'Always 1; the labels say what runs.',
    labels: { version: [build.version], git_sha: [build.gitSha], node: [build.node] },
  });

/** `config_value{key}`: the live settings, so that a panel can draw a limit beside what it limits. */
export const configValue = <const K extends string>(keys: readonly K[]) =>
  gauge({
    name: 'config_value',
    help: 'Live settings: numbers as they are, booleans as 0 or 1, choices by index, others 1 when set.',
    labels: { key: keys },
  });
