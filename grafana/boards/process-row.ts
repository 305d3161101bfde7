import type { ServiceName } from '@macronode/contracts';
import { BOUNDS } from '../bounds.ts';
import type { BoardRow } from '../panel.ts';
import { series } from '../series.ts';
import { SANE } from './sane.ts';
import { lines } from './sizes.ts';

/** The processes of one service in three panels; the board of resources has the rest. */
export function processRow(service?: ServiceName): BoardRow {
  const { recorded } = series(service);
  return {
    title: 'Processes',
    about: 'use',
    collapsed: true,
    panels: [
      lines({
        title: 'Event loop lag p99',
        what: 'How late timers run, 99th percentile over the last 10 to 20 s.',
        good: 'under 20 ms.',
        bad: 'something computes on the event loop: profile it.',
        runbook: 'EventLoopLag',
        unit: 's',
        targets: [{ expr: recorded('eventLoopLag'), legend: '{{service}} {{instance}}' }],
        limit: BOUNDS.event_loop_lag_p99,
        breach: 'saturation',
        evidence: { sane: SANE.latency },
      }),
      lines({
        title: 'CPU',
        what: 'Cores in use per process.',
        good: 'below 0.7.',
        bad: 'one thread has no more to give: add an instance, or profile it.',
        runbook: 'CpuSaturated',
        unit: 'short',
        targets: [{ expr: recorded('cpuCores'), legend: '{{service}} {{instance}}' }],
        limit: BOUNDS.cpu_cores,
        breach: 'saturation',
        evidence: { sane: [0, 64] },
      }),
      lines({
        title: 'Memory of the limit',
        what: 'Resident memory over the memory this process may have.',
        good: 'flat, below the line.',
        bad: 'a steady slope is a leak; compare heap and external memory.',
        runbook: 'MemoryNearLimit',
        unit: 'percentunit',
        targets: [{ expr: recorded('memoryShare'), legend: '{{service}} {{instance}}' }],
        limit: BOUNDS.memory_share,
        breach: 'saturation',
        evidence: { sane: SANE.share },
      }),
    ],
  };
}
