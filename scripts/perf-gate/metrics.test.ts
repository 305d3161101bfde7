import { expect, it } from 'vitest';
import { readMetrics } from './metrics.ts';

it('adds up the series of a metric over processes, and knows which have any', () => {
  const text = [
    '# TYPE bus_overflow_total counter',
    'bus_overflow_total{service="a",gate="x"} 2',
    'bus_overflow_total{service="b",gate="} y"} 3',
    '# TYPE request_latency_seconds histogram',
    'request_latency_seconds_bucket{le="+Inf"} 1',
    '# TYPE rejected_total counter',
    'http_connections 4.5',
  ].join('\n');
  const { families, total } = readMetrics(text);
  expect(total('bus_overflow_total')).toBe(5);
  expect(total('http_connections')).toBe(4.5);
  expect(total('absent')).toBe(0);
  expect(families.has('request_latency_seconds')).toBe(true);
  expect(families.has('rejected_total')).toBe(false);
});
