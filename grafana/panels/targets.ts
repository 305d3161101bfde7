import type { PanelSpec } from '../panel.ts';
import { PROMETHEUS } from './datasource.ts';
import type { Json, TargetJson } from './json.ts';

const DASHED_COLOUR = Object.freeze({ limit: 'red', request: 'yellow' });

const refIdOf = (index: number): string => String.fromCharCode('A'.charCodeAt(0) + index);

/** The queries of a panel, as its kind needs them. */
export function targetsOf({ kind, targets }: PanelSpec): readonly TargetJson[] {
  const table = kind === 'table';
  return targets.map((target, index) => ({
    datasource: PROMETHEUS,
    editorMode: 'code',
    ...(target.exemplar === true && { exemplar: true }),
    expr: target.expr,
    format: table ? 'table' : kind === 'heatmap' ? 'heatmap' : 'time_series',
    ...(table && { instant: true }),
    legendFormat: target.legend,
    range: !table,
    refId: refIdOf(index),
  }));
}

/** Limits and requests are drawn dashed, without a fill. */
export const dashedOverridesOf = ({ targets }: PanelSpec): readonly Json[] =>
  targets.flatMap(({ dashed }, index) =>
    dashed === undefined
      ? []
      : [
          {
            matcher: { id: 'byFrameRefID', options: refIdOf(index) },
            properties: [
              { id: 'color', value: { fixedColor: DASHED_COLOUR[dashed], mode: 'fixed' } },
              { id: 'custom.fillOpacity', value: 0 },
              { id: 'custom.lineStyle', value: { dash: [10, 10], fill: 'dash' } },
              { id: 'custom.stacking', value: { group: 'A', mode: 'none' } },
            ],
          },
        ],
  );
