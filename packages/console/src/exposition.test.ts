import { describe, expect, it } from 'vitest';
import { readSamples } from './exposition.ts';

const read = (text: string, ...wanted: string[]) => [...readSamples(text, new Set(wanted))];

describe('readSamples', () => {
  it('reads what is wanted and passes over the rest', () => {
    const text = '# HELP a_total x\n# TYPE a_total counter\na_total 3\nb_total{service="x"} 4\nother 5\n';
    expect(read(text, 'a_total', 'b_total')).toEqual([
      { name: 'a_total', labels: {}, value: 3 },
      { name: 'b_total', labels: { service: 'x' }, value: 4 },
    ]);
  });

  it('reads labels with any text in them', () => {
    const [sample] = read('a{route="/o/{id}",text="a\\"b\\\\c\\nd, e} f"} 1', 'a');
    expect(sample?.labels).toEqual({ route: '/o/{id}', text: 'a"b\\c\nd, e} f' });
  });

  it('reads infinities and NaN, and neither timestamps nor exemplars', () => {
    const text = 'a +Inf\na -Inf\na NaN\na 1.5e3 1700000000\na{le="1"} 2 # {trace_id="7"} 0.4 1700000000.1';
    expect(read(text, 'a').map(({ value }) => value)).toEqual([Infinity, -Infinity, NaN, 1500, 2]);
  });

  it('passes over a line that is none', () => {
    expect(read('a{broken 1\na\n\na 1', 'a')).toEqual([{ name: 'a', labels: {}, value: 1 }]);
  });
});
