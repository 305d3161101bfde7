import { busMetrics } from '@macronode/bus';
import { goldenMetrics, processMetrics, readyzState } from '@macronode/metrics';
import { describe, expect, it } from 'vitest';
import { servicesBoard } from './services-board.ts';

interface PanelJson {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string; readonly refId: string }[];
}

const panels = servicesBoard['panels'] as readonly PanelJson[];
const queried = panels.filter((panel) => panel.type !== 'row');

const declared = new Map(
  [
    ...Object.values(goldenMetrics({ routes: ['any'], reasons: ['any'], buckets: [1] })),
    ...Object.values(busMetrics),
    ...Object.values(processMetrics),
    readyzState,
  ].map((declaration) => [declaration.name, declaration]),
);

const metricsIn = (expr: string): readonly string[] =>
  [...expr.matchAll(/([a-z][a-z0-9_]*)\{/g)].map((match) => match[1] ?? '');

describe('the services board', () => {
  it('fits the grid: 24 columns, no overlap, unique ids', () => {
    const cells = new Set<string>();
    for (const { gridPos, title } of panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(cells.has(`${x},${y}`), `${title} overlaps at ${x},${y}`).toBe(false);
          cells.add(`${x},${y}`);
        }
      }
    }
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });

  it.each(queried.map((panel) => [panel.title, panel] as const))(
    '%s says what it is, in which unit',
    (_title, panel) => {
      expect(panel.description).toMatch(/Good: .+ Bad: .+/);
      expect(panel.fieldConfig?.defaults.unit).toBeTruthy();
      expect(panel.targets?.length).toBeGreaterThan(0);
    },
  );

  const targets = queried.flatMap((panel) => (panel.targets ?? []).map((target) => [panel.title, target] as const));

  it.each(targets)('%s asks only for declared metrics, counters as rates', (_title, { expr }) => {
    const names = metricsIn(expr);
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      const base = name.replace(/_(bucket|sum|count)$/, '');
      const declaration = declared.get(name) ?? declared.get(base);
      expect(declaration, `${name} is declared nowhere`).toBeDefined();
      if (declaration?.type === 'histogram') expect(expr).toContain('[$__rate_interval]');
    }
  });

  it.each(targets)('%s names in its legend only labels the query keeps', (_title, { expr, legendFormat }) => {
    const kept = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap((match) => (match[1] ?? '').split(/, */));
    for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(kept).toContain(label);
  });
});
