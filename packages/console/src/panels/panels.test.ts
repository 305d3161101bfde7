import { describe, expect, it } from 'vitest';
import { keyOf } from '../history/reading.ts';
import { Readings } from '../history/readings.ts';
import type { ByLabel, ConsoleState } from '../history/state.ts';
import { PANELS } from './index.ts';

/** Answers with something for every reading a panel declares, and notes what is read beside them. */
function watched(declared: ReadonlySet<string>, missed: Set<string>): Record<string, ByLabel> {
  return new Proxy<Record<string, ByLabel>>(
    {},
    {
      get(_target, key) {
        const name = String(key);
        if (!declared.has(name)) missed.add(name);
        return { '': 1 };
      },
    },
  );
}

describe.each(PANELS)('the panel of $id', (panel) => {
  it('declares everything it reads, and nothing twice', () => {
    const declared = panel.readings.map(keyOf);
    expect(new Set(declared).size).toBe(declared.length);
    const missed = new Set<string>();
    const at = (time: number): ConsoleState => ({
      at: time,
      node: 'n',
      objectives: { availability: 0.999, readSeconds: 0.08 },
      instances: [
        {
          id: 'self',
          name: 'n',
          at: time,
          problem: null,
          version: null,
          started_at: 1,
          readiness: [],
          services: [{ service: 'n', values: watched(new Set(declared), missed) }],
        },
      ],
    });
    const readings = new Readings([at(0), at(2_000)]);
    const [instance] = readings.instances;
    for (const { read } of [...panel.stats, ...panel.plots.flatMap(({ lines }) => lines)]) read(readings);
    for (const { read } of panel.table?.columns ?? []) if (instance !== undefined) read(readings, instance);
    expect([...missed]).toEqual([]);
  });
});

it('has one panel of a name', () => {
  expect(new Set(PANELS.map(({ id }) => id)).size).toBe(PANELS.length);
});
