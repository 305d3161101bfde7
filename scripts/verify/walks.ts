// The runbook walked while its fault is there: a step that leads nowhere is a finding.
import type { FaultName } from '../../grafana/faults.ts';

export interface WalkResult {
  readonly fault: FaultName;
  readonly heading: string;
  readonly query: string;
  readonly answer: string;
  readonly problem: string | undefined;
}
