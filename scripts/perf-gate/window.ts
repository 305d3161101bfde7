// One window of load against one side, and what it cost.
import type { FlowName } from '../../k6/flows/flows.ts';
import type { LoadLoop } from '../load/load-loop.ts';
import { latenciesOf, type LoadReport } from '../load/load-tally.ts';
import { residentBytesOf, watchCpu } from '../measure/cpu.ts';
import type { Sample } from './recording.ts';
import type { Side } from './side.ts';

/** Closed loop: enough that no process of the node waits for work. */
export const CLOSED_USERS = 32;
/** A window with a fixed number of turns ends here at the latest. */
export const CLOSED_MS_MAX = 10_000;
const OPEN_MS = 800;
const MEMORY_PERIOD_MS = 100;
const MS_PER_SECOND = 1_000;

/** A side with the users that load it. */
export interface LoadedSide {
  readonly side: Side;
  readonly loop: LoadLoop;
}

/** How a flow is asked for, the same of both sides. */
export interface FlowLoad {
  readonly flow: FlowName;
  /** Turns of one closed window: both sides do the same work and store as much. */
  readonly closedTurns: number;
  readonly openTurnsPerSecond: number;
}

export interface OpenWindow extends Omit<Sample, 'requestsPerSecond'> {
  readonly report: LoadReport;
}

export function runClosed({ loop }: LoadedSide, { flow, closedTurns }: FlowLoad): Promise<LoadReport> {
  return loop.run({ flow, ms: CLOSED_MS_MAX, users: CLOSED_USERS, turns: closedTurns });
}

export const requestsPerSecond = ({ requests, elapsedMs }: LoadReport): number =>
  (requests / elapsedMs) * MS_PER_SECOND;

/** Load at the fixed rate with everything watched. `others` are processes of this run that are no strangers either. */
export async function runOpen(one: LoadedSide, load: FlowLoad, others: readonly number[]): Promise<OpenWindow> {
  const { side, loop } = one;
  const own = [...side.pids, ...(side.redisPid === undefined ? [] : [side.redisPid])];
  const resident: number[] = [];
  const look = (): void => void resident.push(side.pids.reduce((sum, pid) => sum + residentBytesOf(pid), 0));
  const end = watchCpu([
    ...own.map((pid) => ({ name: 'side', pid })),
    ...others.map((pid) => ({ name: 'others', pid })),
  ]);
  const looks = setInterval(look, MEMORY_PERIOD_MS);
  let report: LoadReport;
  try {
    report = await loop.run({ flow: load.flow, ms: OPEN_MS, turnsPerSecond: load.openTurnsPerSecond });
  } finally {
    clearInterval(looks);
  }
  const cpu = end();
  look();
  const latencies = latenciesOf(report);
  const quantile = (share: number): number => latencies.quantile(share) / MS_PER_SECOND;
  return {
    report,
    p50Ms: quantile(0.5),
    p95Ms: quantile(0.95),
    p99Ms: quantile(0.99),
    cpuMicrosPerRequest: (cpu.micros['side'] ?? 0) / report.requests,
    residentBytes: resident.reduce((sum, bytes) => sum + bytes, 0) / resident.length,
    residentPeakBytes: Math.max(...resident),
    foreignShare: cpu.foreignShare,
  };
}
