import type { PanelSpec } from '../panel.ts';
import type { ThresholdStep } from './json.ts';

const BREACH_COLOUR = Object.freeze({ saturation: 'orange', failure: 'red' });

/** Green up to the limit and the colour of its breach beyond; a floor the other way round. */
export function thresholdsOf({ limit, breach = 'failure', floor = false }: PanelSpec): readonly ThresholdStep[] {
  if (limit === undefined) return [{ color: 'green', value: null }];
  const colour = BREACH_COLOUR[breach];
  return floor
    ? [
        { color: colour, value: null },
        { color: 'green', value: limit.value },
      ]
    : [
        { color: 'green', value: null },
        { color: colour, value: limit.value },
      ];
}
