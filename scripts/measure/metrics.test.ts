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

const TEXT = [
  '# HELP asked_total Requests.',
  '# TYPE asked_total counter',
  'asked_total{service="registry",code="200"} 12',
  'asked_total{service="registry",code="503"} 3',
  'asked_total_of_others 100',
  'not_asked_total 100',
  'ratio 0.25',
  'large 1.5e+03',
  '',
].join('\n');
const { series, total } = readMetrics(TEXT);

it('adds up a metric over its labels', () => expect(total('asked_total')).toBe(15));

it('reads a metric without labels, and any way a number is written', () => {
  expect(total('ratio')).toBe(0.25);
  expect(total('large')).toBe(1_500);
});

it('finds the series of a metric that have a label', () => {
  expect(series('asked_total', { code: '503' })).toEqual([3]);
  expect(series('asked_total', { code: '50' })).toEqual([]);
  expect(series('ratio')).toEqual([0.25]);
});

it('is 0 for a metric that is not there', () => expect(total('asked')).toBe(0));
