import type { GroupReading, StreamReading } from './link.ts';
import type { BusMetrics } from './metrics.ts';

const STREAMS = ['request', 'work', 'dead_letter', 'inbox'] as const;

/** Shows how full the streams of one bus are, from readings of those that are its own. */
export function showDepths(metrics: BusMetrics, own: readonly StreamReading[]): void {
  for (const stream of STREAMS) {
    const readings = own.filter((reading) => reading.stream === stream);
    metrics.depthEntries.set(sum(readings.map(({ depthEntries }) => depthEntries)), { stream });
    metrics.depthBytes.set(sum(readings.map(({ depthBytes }) => depthBytes)), { stream });
  }
  for (const stream of ['request', 'work'] as const) showGroups(metrics, stream, own);
  metrics.pendingEntries.set(sum(own.map(({ pendingEntries }) => pendingEntries)));
  metrics.oldestPending.set(Math.max(0, ...own.map(({ oldestPendingMs }) => oldestPendingMs)) / 1_000);
}

/** The fullest stream stands for its kind: a bound is per stream, and the first that is full refuses. */
function showGroups(metrics: BusMetrics, stream: 'request' | 'work', own: readonly StreamReading[]): void {
  const groups = own.flatMap((reading) =>
    reading.stream === stream && reading.group !== undefined ? [reading.group] : [],
  );
  const most = (of: (group: GroupReading) => number): number => Math.max(0, ...groups.map(of));
  const labels = { stream };
  metrics.depthFrames.set(
    most(({ depthFrames }) => depthFrames),
    labels,
  );
  metrics.limitFrames.set(
    most(({ limitFrames }) => limitFrames),
    labels,
  );
  metrics.limitBytes.set(
    most(({ limitBytes }) => limitBytes),
    labels,
  );
  metrics.lagEntries.set(sum(groups.map(({ lagEntries }) => lagEntries ?? 0)), labels);
  metrics.lagSeconds.set(most(({ lagMs }) => lagMs) / 1_000, labels);
  metrics.lagKnown.set(groups.every(({ lagEntries }) => lagEntries !== undefined) ? 1 : 0, labels);
  if (stream === 'request') metrics.consumersLive.set(most(({ liveConsumers }) => liveConsumers));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
