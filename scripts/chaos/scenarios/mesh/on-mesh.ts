import { meshAgrees } from '../../mesh-agreement.ts';
import type { Scenario } from '../../scenario.ts';

/** On gateways that are peers of each other; afterwards their tables, ledgers and audit logs are judged, whatever was broken. */
export const onMesh = (scenario: Omit<Scenario<'meshed'>, 'node' | 'after'>): Scenario =>
  ({ ...scenario, node: 'meshed', after: meshAgrees }) as Scenario;
