import type { Board } from '../panel.ts';
import { annotationsJson } from './annotations.ts';
import { rowsJson } from './grid.ts';
import type { DashboardJson } from './json.ts';
import { variablesJson } from './variables.ts';

/** The tag of the whole family: the links of every board list what carries it. */
export const TAG = 'macronode';

/** Classic, as Grafana 12 and 13 write it. */
export const SCHEMA_VERSION = 42;

/** A whole dashboard as Grafana's file provisioning reads it. A pure function: the same board gives the same bytes. */
export function dashboardJson(board: Board): DashboardJson {
  return {
    annotations: { list: annotationsJson() },
    description: board.description,
    editable: false,
    graphTooltip: 1,
    id: null,
    links: [
      {
        asDropdown: true,
        icon: 'external link',
        includeVars: true,
        keepTime: true,
        tags: [TAG],
        targetBlank: false,
        title: 'Macronode',
        tooltip: 'The other boards, with these variables and this time',
        type: 'dashboards',
      },
    ],
    panels: rowsJson(board.rows),
    refresh: '10s',
    schemaVersion: SCHEMA_VERSION,
    tags: [TAG],
    templating: { list: variablesJson(board.variables) },
    time: { from: 'now-15m', to: 'now' },
    timezone: 'browser',
    title: board.title,
    uid: board.uid,
    version: 1,
  };
}
