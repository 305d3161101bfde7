import { expect, it } from 'vitest';
import { sumOf } from './metric-sum.ts';

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

it('adds up a metric over its labels', () => expect(sumOf(TEXT, 'asked_total')).toBe(15));

it('reads a metric without labels, and any way a number is written', () => {
  expect(sumOf(TEXT, 'ratio')).toBe(0.25);
  expect(sumOf(TEXT, 'large')).toBe(1_500);
});

it('is 0 for a metric that is not there', () => expect(sumOf(TEXT, 'asked')).toBe(0));
