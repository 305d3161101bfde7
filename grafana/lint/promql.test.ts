import { describe, expect, it } from 'vitest';
import { CATALOGUE, seriesOf } from './catalogue.ts';
import { keptLabels } from './kept-labels.ts';
import { selectorsIn, syntaxError } from './promql.ts';
import { seriesBound } from './series-bound.ts';

describe('a query', () => {
  it.each([
    'sum by (le) (rate(a_bucket{job=~"$job"}[$__rate_interval]))',
    'slo:burn_rate:ratio{} > 0 or vector(0)',
    'a / on (service) group_left (version) b',
    'rate(a_total[${__range}])',
    'topk(5, a) unless b{c!~"x|y"} offset 5m',
  ])('is PromQL, macros and all: %s', (expr) => {
    expect(syntaxError(expr)).toBeUndefined();
  });

  it.each(['', 'sum (a', 'a{b="c}', 'a +', 'sum by a (b)', 'rate(a_total[5m)'])('is not: %s', (expr) => {
    expect(syntaxError(expr)).toBeDefined();
  });

  it('shows what it selects, as it is written', () => {
    expect(selectorsIn('sum (rate(a_total{x=~"$job",y!="2"}[$__rate_interval])) > 2 * b')).toEqual([
      {
        metric: 'a_total',
        matchers: [
          { label: 'x', operator: '=~', value: '$job' },
          { label: 'y', operator: '!=', value: '2' },
        ],
        range: '$__rate_interval',
        rangeFunction: 'rate',
      },
      { metric: 'b', matchers: [] },
    ]);
  });
});

describe('the labels a query keeps', () => {
  const labelsOf = (metric: string): readonly string[] => (metric === 'h_bucket' ? ['x', 'le'] : ['x', 'y', 'z']);

  it.each([
    ['a', 'x y z'],
    ['sum (a)', ''],
    ['sum by (x) (a)', 'x'],
    ['sum by (gone) (a)', ''],
    ['sum without (x) (a)', 'y z'],
    ['topk(5, sum by (x, y) (a))', 'x y'],
    ['histogram_quantile(0.9, sum by (le, x) (rate(h_bucket[5m])))', 'x'],
    ['(sum by (x) (a)) / (sum by (x) (a) > 0)', 'x'],
    ['sum by (x) (a) or sum by (y) (a)', ''],
    ['1 - sum by (x) (a)', 'x'],
    ['a / on (x) b', 'x'],
    ['a * on (x) group_left sum by (x) (b)', 'x y z'],
    ['label_replace(sum by (x) (a), "w", "v", "", "")', 'x w'],
    ['vector(1)', ''],
    ['max by (x) (time() - a) < 60', 'x'],
    ['scalar(a) * sum by (y) (a)', 'y'],
    ['-rate(a[5m])', 'x y z'],
    ['max_over_time(sum by (x) (a)[5m:1m])', 'x'],
  ])('%s: %s', (expr, kept) => {
    expect([...keptLabels(expr, labelsOf)].join(' ')).toBe(kept);
  });
});

describe('the most series a query gives', () => {
  it.each([
    ['sum (bus_pending_entries)', 1],
    ['sum by (direction) (bus_open_streams)', 2],
    ['sum by (direction) (bus_open_streams{direction="in"})', 1],
    ['topk(15, sum by (subject) (rate(bus_handler_seconds_count[1m])))', 15],
    ['max by (service, instance) (bus_credits)', 10],
    ['sum by (le) (rate(bus_retry_after_seconds_bucket[1m]))', 8],
    ['max by (name) (k6_http_req_failed_rate)', 1_000],
  ])('%s: %i', (expr, bound) => {
    expect(seriesBound(expr, CATALOGUE)).toBe(bound);
  });
});

describe('a name in a query', () => {
  it.each([
    ['bus_requests_total', 'counter'],
    ['bus_credits', 'gauge'],
    ['bus_request_seconds_bucket', 'bucket'],
    ['bus_request_seconds_count', 'part'],
    ['slo:burn_rate:ratio', 'recorded'],
    ['k6_http_reqs_total', 'counter'],
    ['up', 'external'],
  ])('%s is a %s', (name, kind) => {
    expect(seriesOf(CATALOGUE, name)?.kind).toBe(kind);
  });

  it.each(['bus_request_seconds', 'bus_credits_bucket', 'no_such_series'])('%s is no series', (name) => {
    expect(seriesOf(CATALOGUE, name)).toBeUndefined();
  });
});
