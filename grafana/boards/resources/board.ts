import { BOUNDS } from '../../bounds.ts';
import type { Board, BoardRow } from '../../panel.ts';
import { buildRow } from '../build-row.ts';
import { SANE } from '../sane.ts';
import { number } from '../sizes.ts';
import { storeRow } from '../store-row.ts';
import { FLEET_VARIABLES } from '../variables.ts';
import { cpu } from './cpu.ts';
import { fleet } from './faces.ts';
import { memory } from './memory.ts';
import { processes } from './processes.ts';

const worst = (key: Parameters<typeof fleet.recorded>[0]): string => `max (${fleet.recorded(key)})`;

const headroom: BoardRow = {
  title: 'Which resource ends first',
  about: 'use',
  collapsed: false,
  panels: [
    number({
      title: 'Latest loop',
      what: 'Event loop lag p99 of the worst process.',
      good: 'under 20 ms.',
      bad: 'something computes on its event loop: profile it.',
      runbook: 'EventLoopLag',
      unit: 's',
      targets: [{ expr: worst('eventLoopLag'), legend: 'worst' }],
      limit: BOUNDS.event_loop_lag_p99,
      breach: 'saturation',
      evidence: { sane: SANE.latency },
    }),
    number({
      title: 'Busiest core',
      what: 'Cores in use by the busiest process.',
      good: 'below 0.7.',
      bad: 'add an instance, or profile it.',
      runbook: 'CpuSaturated',
      unit: 'short',
      targets: [{ expr: worst('cpuCores'), legend: 'busiest' }],
      limit: BOUNDS.cpu_cores,
      breach: 'saturation',
      evidence: { sane: [0, 64] },
    }),
    number({
      title: 'Most in collection',
      what: 'Share of time in garbage collection of the worst process.',
      good: 'a few percent.',
      bad: 'memory pressure: compare the heap with its limit.',
      runbook: 'GcPressure',
      unit: 'percentunit',
      targets: [{ expr: worst('gcShare'), legend: 'worst' }],
      limit: BOUNDS.gc_share,
      breach: 'saturation',
      evidence: { sane: SANE.share },
    }),
    number({
      title: 'Fullest memory',
      what: 'Resident memory over the limit, of the fullest process.',
      good: 'below the line.',
      bad: 'the next burst meets the limit of the container.',
      runbook: 'MemoryNearLimit',
      unit: 'percentunit',
      targets: [{ expr: worst('memoryShare'), legend: 'fullest' }],
      limit: BOUNDS.memory_share,
      breach: 'saturation',
      evidence: { sane: SANE.share },
    }),
    number({
      title: 'Most descriptors',
      what: 'Open descriptors over their limit, of the fullest process.',
      good: 'below the line.',
      bad: 'connections that never close, or a limit that is too low.',
      runbook: 'DescriptorsNearLimit',
      unit: 'percentunit',
      targets: [{ expr: worst('fdShare'), legend: 'fullest' }],
      limit: BOUNDS.fd_share,
      breach: 'saturation',
      evidence: { sane: SANE.share },
    }),
    number({
      title: 'Most starts',
      what: 'Starts of one process within fifteen minutes: the most.',
      good: 'one after a deployment.',
      bad: 'a loop: read the last lines of its log.',
      runbook: 'RestartLoop',
      unit: 'short',
      targets: [{ expr: worst('restarts'), legend: 'most' }],
      limit: BOUNDS.restarts,
      breach: 'failure',
      evidence: { sane: [0, 1_000] },
    }),
  ],
};

/** Utilization, saturation and errors of every process. */
export const resourcesBoard: Board = {
  uid: 'macronode-resources',
  title: 'Macronode / Node resources',
  description: 'Event loop, CPU, garbage collection, memory, descriptors, stores and starts of every process.',
  variables: FLEET_VARIABLES,
  rows: [headroom, cpu, memory, storeRow(), processes, buildRow()],
};
