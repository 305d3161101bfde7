import { readFileSync, readdirSync } from 'node:fs';
import { totalmem } from 'node:os';
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { counter, gauge } from './declarations.ts';
import { LoopWindow } from './loop-window.ts';
import type { MetricsScope } from './scope.ts';

const GC_KINDS = ['minor', 'major', 'incremental', 'weak_callbacks', 'other'] as const;

/** The process itself, under the names ordinary Node.js dashboards know. */
export const processMetrics = Object.freeze({
  lagMean: gauge({ name: 'nodejs_eventloop_lag_mean_seconds', help: 'Mean event-loop lag over the last 10 to 20 s.' }),
  lagP50: gauge({ name: 'nodejs_eventloop_lag_p50_seconds', help: 'Median event-loop lag over the last 10 to 20 s.' }),
  lagP99: gauge({
    name: 'nodejs_eventloop_lag_p99_seconds',
    help: '99th percentile of event-loop lag over the last 10 to 20 s.',
  }),
  lagMax: gauge({ name: 'nodejs_eventloop_lag_max_seconds', help: 'Longest event-loop lag over the last 10 to 20 s.' }),
  utilization: gauge({
    name: 'nodejs_eventloop_utilization_ratio',
    help: 'Share of time the event loop was busy over the last 10 to 20 s.',
  }),
  heapUsed: gauge({ name: 'nodejs_heap_size_used_bytes', help: 'V8 heap in use.' }),
  heapTotal: gauge({ name: 'nodejs_heap_size_total_bytes', help: 'V8 heap reserved.' }),
  liveMemory: gauge({
    name: 'nodejs_live_memory_bytes',
    help: 'V8 heap and buffers still in use after the last full garbage collection, 0 before the first.',
  }),
  heapLimit: gauge({ name: 'nodejs_heap_size_limit_bytes', help: 'V8 heap this process may grow to.' }),
  external: gauge({
    name: 'nodejs_external_memory_bytes',
    help: 'Memory of buffers and other objects outside the V8 heap.',
  }),
  resident: gauge({ name: 'process_resident_memory_bytes', help: 'Resident set size.' }),
  memoryLimit: gauge({
    name: 'process_memory_limit_bytes',
    help: 'Memory this process may have: the smallest limit of its control groups, else the memory of the machine.',
  }),
  gcSeconds: counter({
    name: 'nodejs_gc_pause_seconds_total',
    help: 'Time spent in garbage collection, by kind.',
    labels: { kind: GC_KINDS },
    zeroFill: true,
  }),
  cpu: counter({ name: 'process_cpu_seconds_total', help: 'CPU time, user and system.' }),
  openFds: gauge({ name: 'process_open_fds', help: 'Open file descriptors (Linux).' }),
  maxFds: gauge({ name: 'process_max_fds', help: 'Limit of open file descriptors (Linux).' }),
  uptime: gauge({ name: 'process_uptime_seconds', help: 'Time since the process started.' }),
  startTime: gauge({ name: 'process_start_time_seconds', help: 'Start of the process, Unix time.' }),
});

/** A gc entry's `detail` is documented as { kind, flags }; the types leave it out. */
function gcKind(entry: PerformanceEntry & { readonly detail?: { readonly kind?: number } }): (typeof GC_KINDS)[number] {
  const kind = entry.detail?.kind;
  if (kind === constants.NODE_PERFORMANCE_GC_MINOR) return 'minor';
  if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) return 'major';
  if (kind === constants.NODE_PERFORMANCE_GC_INCREMENTAL) return 'incremental';
  return kind === constants.NODE_PERFORMANCE_GC_WEAKCB ? 'weak_callbacks' : 'other';
}

/** The soft limit of open files, NaN where /proc does not say. */
function fdLimit(): number {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return line === null ? NaN : Number(line[1]);
  } catch {
    return NaN;
  }
}

/**
 * The memory limit in bytes. `constrained` is what the control groups of the process allow (`memory.max` of version 2,
 * `memory.limit_in_bytes` of version 1, each group above it included), 0 or more than the machine has where none limits.
 */
export const memoryLimit = (constrained: number, total: number): number =>
  constrained > 0 && constrained < total ? constrained : total;

/** Open descriptors, without the one the count itself takes. */
function openFds(): number {
  try {
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return NaN;
  }
}

function memoryInUse(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/** Registers the process metrics in `scope`. One per process; `close` stops the monitor and the observer. */
export function registerProcessMetrics(scope: MetricsScope): { close(): void } {
  const m = scope.bind(processMetrics);
  const loop = new LoopWindow();
  const gc = new PerformanceObserver((list) => {
    const entries = list.getEntries();
    for (const entry of entries) m.gcSeconds.inc({ kind: gcKind(entry) }, entry.duration / 1000);
    if (entries.some((entry) => gcKind(entry) === 'major')) m.liveMemory.set(memoryInUse());
  });
  gc.observe({ entryTypes: ['gc'] });

  const stopRefresh = scope.refresher('process', () => {
    const { mean, p50, p99, max, utilization } = loop.read();
    m.lagMean.set(mean);
    m.lagP50.set(p50);
    m.lagP99.set(p99);
    m.lagMax.set(max);
    m.utilization.set(utilization);
    const memory = process.memoryUsage();
    m.heapUsed.set(memory.heapUsed);
    m.heapTotal.set(memory.heapTotal);
    m.external.set(memory.external);
    m.resident.set(memory.rss);
  });
  m.heapLimit.set(getHeapStatistics().heap_size_limit);
  // Read at each scrape: a container may be resized while it runs.
  m.memoryLimit.collect(() => memoryLimit(process.constrainedMemory(), totalmem()));
  m.maxFds.set(fdLimit());
  m.openFds.collect(openFds);
  m.cpu.collect(() => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  m.uptime.collect(() => process.uptime());
  m.startTime.set(performance.timeOrigin / 1000);
  return {
    close() {
      stopRefresh();
      loop.close();
      gc.disconnect();
    },
  };
}
