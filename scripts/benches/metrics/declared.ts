import { counter, histogram } from '@macronode/metrics';

const help = 'Of the benchmark.';
const REASONS = ['malformed', 'untrusted', 'replay', 'signature', 'clock', 'rate', 'full', 'stale'] as const;
const METHODS = ['GET', 'HEAD', 'PUT', 'POST'] as const;
const CODES = ['200', '201', '404', '429', '503'] as const;

export const BUCKETS_5 = [0.01, 0.05, 0.25, 1, 5];
const BUCKETS_15 = [0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.12, 0.25, 0.5, 1, 2, 4, 8, 16];

/** What is counted: as a hot path of ours would have it. */
export const declared = Object.freeze({
  hits: counter({ name: 'bench_hits_total', help }),
  drops: counter({ name: 'bench_drops_total', help, labels: { reason: REASONS }, zeroFill: true }),
  requests: counter({
    ...{ name: 'bench_requests_total', help, zeroFill: true },
    labels: { reason: REASONS, method: METHODS, code: CODES },
  }),
  wait5: histogram({ name: 'bench_wait5_seconds', help, buckets: BUCKETS_5, bucketsReason: 'five' }),
  wait15: histogram({ name: 'bench_wait15_seconds', help, buckets: BUCKETS_15, bucketsReason: 'fifteen' }),
});
