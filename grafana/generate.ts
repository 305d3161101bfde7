import { BOARDS } from './boards/index.ts';
import { dashboardJson } from './panels/dashboard-json.ts';

/** Every file this workspace derives: path from the repository root, and content. */
export function grafanaFiles(): ReadonlyMap<string, string> {
  return new Map(
    BOARDS.map((board) => [
      `grafana/dashboards/${board.uid}.json`,
      `${JSON.stringify(dashboardJson(board), null, 2)}\n`,
    ]),
  );
}
