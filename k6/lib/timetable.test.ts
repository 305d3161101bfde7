import { expect, it } from 'vitest';
import { switchesOf } from './timetable.ts';

it('switches faults on and off in the order of time', () => {
  const text = JSON.stringify([
    { at_s: 30, for_s: 10, fault: 'down' },
    { at_s: 20, for_s: 15, fault: 'latency', attributes: { latency: 100 } },
  ]);
  expect(switchesOf(text, 60).map(({ atS, on, hour }) => [atS, on, hour.fault])).toEqual([
    [20, true, 'latency'],
    [30, true, 'down'],
    [35, false, 'latency'],
    [40, false, 'down'],
  ]);
});

it('has a timetable of its own that ends within the load', () => {
  expect(switchesOf('', 60).at(-1)).toMatchObject({ on: false, atS: 44 });
});

it('refuses a fault that outlives the load, and one without times', () => {
  expect(() => switchesOf('[{"at_s":50,"for_s":20,"fault":"down"}]', 60)).toThrow(/ends after the load/);
  expect(() => switchesOf('[{"fault":"down"}]', 60)).toThrow(/at_s, for_s and fault/);
});
