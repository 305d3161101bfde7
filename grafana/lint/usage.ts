import type { Board } from '../panel.ts';
import { annotationsJson } from '../panels/annotations.ts';
import type { Catalogue } from './catalogue.ts';
import { seriesOf } from './catalogue.ts';
import { selectorsIn } from './promql.ts';

/** Names of our metrics in a query, histograms by the name they are declared under. */
const metricsIn = (catalogue: Catalogue, expr: string): readonly string[] =>
  selectorsIn(expr).flatMap(({ metric }) => seriesOf(catalogue, metric)?.declaration?.name ?? []);

/** Titles of the boards that show each declared metric, in their order. */
export function shownOn(boards: readonly Board[], catalogue: Catalogue): ReadonlyMap<string, readonly string[]> {
  const shown = new Map<string, string[]>();
  for (const { title, rows } of boards) {
    const targets = rows.flatMap(({ panels }) => panels.flatMap((panel) => panel.targets));
    const names = new Set(targets.flatMap(({ expr }) => metricsIn(catalogue, expr)));
    for (const name of names) shown.set(name, [...(shown.get(name) ?? []), title]);
  }
  return shown;
}

/** Every declared metric that some panel, annotation or one of `expressions` asks for. */
export function usedMetrics(
  boards: readonly Board[],
  expressions: readonly string[],
  catalogue: Catalogue,
): ReadonlySet<string> {
  const annotations = annotationsJson().flatMap(({ expr }) => expr ?? []);
  return new Set([
    ...shownOn(boards, catalogue).keys(),
    ...[...annotations, ...expressions].flatMap((expr) => metricsIn(catalogue, expr)),
  ]);
}
