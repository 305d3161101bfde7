import { describe, expect, it } from 'vitest';
import { bounded, counter, gauge, histogram, MetricDeclarationError } from './declarations.ts';

const help = 'Help.';

describe('a declaration is refused when', () => {
  const refused: [string, () => unknown][] = [
    ['a counter does not end in _total', () => counter({ name: 'requests', help })],
    ['a gauge ends in _total', () => gauge({ name: 'requests_total', help })],
    ['the name is not snake_case', () => counter({ name: 'Requests_total', help })],
    ['the unit is not in the name', () => gauge({ name: 'lag', unit: 'seconds', help })],
    ['a gauge has neither unit nor plural', () => gauge({ name: 'lag', help })],
    [
      'a histogram in ms',
      () => histogram({ name: 'latency_ms', unit: 'seconds', help, buckets: [1], bucketsReason: 'x' }),
    ],
    ['help is empty', () => counter({ name: 'x_total', help: ' ' })],
    ['a label is an id', () => counter({ name: 'x_total', help, labels: { object_id: ['a'] } })],
    ['a label belongs to the scope', () => counter({ name: 'x_total', help, labels: { service: ['a'] } })],
    ['a label has no values', () => counter({ name: 'x_total', help, labels: { kind: [] } })],
    ['a label repeats a value', () => counter({ name: 'x_total', help, labels: { kind: ['a', 'a'] } })],
    ['the series are too many', () => counter({ name: 'x_total', help, labels: { kind: bounded(100_000, 'none') } })],
    ['buckets do not ascend', () => histogram({ name: 'x_seconds', help, buckets: [2, 1], bucketsReason: 'x' })],
    ['buckets are empty', () => histogram({ name: 'x_seconds', help, buckets: [], bucketsReason: 'x' })],
    ['buckets have no reason', () => histogram({ name: 'x_seconds', help, buckets: [1], bucketsReason: '' })],
  ];
  it.each(refused)('%s', (_, declare) => {
    expect(declare).toThrow(MetricDeclarationError);
  });
});

describe('a declaration', () => {
  it('reads its unit off its name', () => {
    expect(counter({ name: 'read_bytes_total', help }).unit).toBe('bytes');
    expect(gauge({ name: 'lag_seconds', help }).unit).toBe('seconds');
    expect(gauge({ name: 'inflight_requests', help }).unit).toBe('count');
    expect(gauge({ name: 'readyz_state', help }).unit).toBe('state');
  });

  it('is frozen', () => {
    expect(Object.isFrozen(counter({ name: 'x_total', help }))).toBe(true);
  });
});
