import { servicesBoard } from './services-board.ts';

/** Every file this workspace derives: path from the repository root, and content. */
export function grafanaFiles(): ReadonlyMap<string, string> {
  return new Map([['grafana/dashboards/macronode-services.json', `${JSON.stringify(servicesBoard, null, 2)}\n`]]);
}
