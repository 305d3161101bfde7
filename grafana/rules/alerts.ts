import type { Alert } from './alert.ts';
import { burnAlerts } from './burn.ts';
import { busAlerts } from './causes/bus.ts';
import { dataAlerts } from './causes/data.ts';
import { edgeAlerts } from './causes/edge.ts';
import { meshAlerts } from './causes/mesh.ts';
import { processAlerts } from './causes/process.ts';
import { registryAlerts } from './causes/registry.ts';
import { targetAlerts } from './causes/targets.ts';

/** Alerts by the group they are evaluated in. */
export const ALERT_GROUPS: Readonly<Record<string, readonly Alert[]>> = Object.freeze({
  burn: burnAlerts,
  targets: targetAlerts,
  processes: processAlerts,
  bus: busAlerts,
  data: dataAlerts,
  registry: registryAlerts,
  mesh: meshAlerts,
  edge: edgeAlerts,
});

/** Every alert. Those that differ by service or by window share a name, and a heading of the runbook. */
export const ALERTS: readonly Alert[] = Object.values(ALERT_GROUPS).flat();
