import type { BoardRow, PanelSpec } from '../panel.ts';
import type { GridPosition, PanelJson } from './json.ts';
import { panelJson } from './panel-json.ts';

/** Grafana's grid. */
export const COLUMNS = 24;

interface Placed {
  readonly spec: PanelSpec;
  readonly gridPos: GridPosition;
}

/** Places panels left to right, a new line when one does not fit; says where the next row may start. */
function place(
  panels: readonly PanelSpec[],
  top: number,
): { readonly placed: readonly Placed[]; readonly end: number } {
  let x = 0;
  let y = top;
  let lineHeight = 0;
  const placed = panels.map((spec) => {
    if (x + spec.width > COLUMNS) {
      y += lineHeight;
      x = 0;
      lineHeight = 0;
    }
    const gridPos = { h: spec.height, w: spec.width, x, y };
    x += spec.width;
    lineHeight = Math.max(lineHeight, spec.height);
    return { spec, gridPos };
  });
  return { placed, end: y + lineHeight };
}

/**
 * Rows with their panels, numbered from 1 in order. A collapsed row holds its panels, an open one is followed by them;
 * either way a panel stands where it stands when its row is open.
 */
export function rowsJson(rows: readonly BoardRow[]): readonly PanelJson[] {
  let id = 0;
  let y = 0;
  return rows.flatMap(({ title, collapsed, panels }) => {
    id += 1;
    const heading = { id, type: 'row', title, gridPos: { h: 1, w: COLUMNS, x: 0, y }, collapsed };
    const { placed, end } = place(panels, y + 1);
    const inside = placed.map(({ spec, gridPos }) => {
      id += 1;
      return panelJson(spec, id, gridPos);
    });
    y = collapsed ? y + 1 : end;
    return collapsed ? [{ ...heading, panels: inside }] : [{ ...heading, panels: [] }, ...inside];
  });
}
