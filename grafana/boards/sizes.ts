import type { PanelKind, PanelSpec } from '../panel.ts';

/** A panel without what its kind gives it; a size is set where the layout asks for another. */
type Sized = Omit<PanelSpec, 'kind' | 'width' | 'height'> & Partial<Pick<PanelSpec, 'width' | 'height'>>;

const sized =
  (kind: PanelKind, width: number, height: number) =>
  (spec: Sized): PanelSpec => ({ width, height, ...spec, kind });

/** Lines over time, three to a line of the grid. */
export const lines = sized('timeseries', 8, 8);
/** One number, six to a line. */
export const number = sized('stat', 4, 4);
export const heatmap = sized('heatmap', 8, 8);
export const table = sized('table', 12, 8);
export const states = sized('state-timeline', 8, 8);
