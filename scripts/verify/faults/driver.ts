import type { Client } from '../../rig/client.ts';
import type { Mend } from '../../rig/mend.ts';
import type { Rig } from '../rig.ts';

/** How a fault is made and mended; what follows from it is written beside the alerts. */
export interface FaultDriver {
  readonly what: string;
  /** Seconds it is kept up at most, waiting for what must follow. */
  readonly holdSeconds: number;
  readonly make: (rig: Rig, client: Client) => Promise<Mend>;
  /** May fire too: what depends on the thing that is broken. Anything else that fires is a finding. */
  readonly beside: readonly string[];
}

export const LATENCY = ['ObjectGetLatencyBudgetBurn', 'ObjectPutLatencyBudgetBurn'] as const;

/** What a part that is gone sets off at the edge. */
export const OUTAGE = [
  'AvailabilityBudgetBurn',
  'AdmissionBudgetBurn',
  'ServiceNotReady',
  'BusOutcomeUnknown',
  ...LATENCY,
] as const;
