import { type CounterCell, type HistogramCell, Lanes, MetricsRegistry } from '@macronode/metrics';
import type { Counting, CountingCase } from './counting-case.ts';
import { declared } from './declared.ts';

const bound = () => new MetricsRegistry().scope({ service: 'bench' }).bind(declared);

const counting = (cell: CounterCell): Counting => ({ once: () => cell.inc(), counted: () => cell.value() });

const observing = (cell: HistogramCell): Counting => ({
  once: (seconds) => cell.observe(seconds),
  counted: () => cell.snapshot().count,
});

/** What counting costs with cells: held, in a lane, and looked up by labels. */
export const CELL_CASES: readonly CountingCase[] = [
  { name: 'cell', operations: 50_000_000, make: () => counting(bound().hits) },
  { name: 'cell_in_lane', operations: 50_000_000, make: () => counting(Lanes.create(declared, 2).bind(1).hits) },
  { name: 'cell_held', operations: 50_000_000, make: () => counting(bound().drops.cell({ reason: 'stale' })) },
  {
    name: 'cell_by_1_label',
    operations: 10_000_000,
    make: () => {
      const { drops } = bound();
      return {
        once: () => drops.inc({ reason: 'stale' }),
        counted: () => drops.cell({ reason: 'stale' }).value(),
      };
    },
  },
  {
    name: 'cell_by_3_labels',
    operations: 5_000_000,
    make: () => {
      const { requests } = bound();
      return {
        once: () => requests.inc({ reason: 'stale', method: 'PUT', code: '503' }),
        counted: () => requests.cell({ reason: 'stale', method: 'PUT', code: '503' }).value(),
      };
    },
  },
  { name: 'histogram_5', operations: 20_000_000, make: () => observing(bound().wait5) },
  { name: 'histogram_15', operations: 20_000_000, make: () => observing(bound().wait15) },
];
