import { type Bound, BOUNDS } from '../../bounds.ts';
import { METRICS } from '../../declared.ts';
import type { Alert } from '../alert.ts';
import { rangeSeconds } from '../clock.ts';
import { increase, rate } from '../promql.ts';
import { RECORDED } from '../recorded.ts';
import { eventSignals, gaugeSignals, quotientSignals, rateSignals } from '../signal.ts';

const { process } = METRICS;
const AT = { service: 'storage' };
const INSTANCE = 'service, instance';
const TICKET = { severity: 'ticket', labels: {}, scale: 'scrape', comparison: '>' } as const;
const panel = (title: string) => ({ board: 'macronode-resources', title });
const NEVER: Bound = { value: 0, unit: 'none', why: 'It never happens in a sound program.' };
const MINUTE = 60;

/** What one process runs out of. */
export const processAlerts: readonly Alert[] = [
  {
    ...TICKET,
    name: 'EventLoopLag',
    expr: () => RECORDED.eventLoopLag,
    bound: BOUNDS.event_loop_lag_p99,
    forSeconds: 2 * MINUTE,
    format: 'duration',
    summary: ({ service, instance }, value) => `The event loop of ${service} at ${instance} is ${value} late (p99).`,
    impact: 'Everything this process does is late by as much, answers included.',
    panel: panel('Event loop lag p99'),
    signals: gaugeSignals(process.lagP99, BOUNDS.event_loop_lag_p99.value, AT),
    faults: ['event_loop_stalled'],
  },
  {
    ...TICKET,
    name: 'CpuSaturated',
    expr: () => RECORDED.cpuCores,
    bound: BOUNDS.cpu_cores,
    forSeconds: 10 * MINUTE,
    format: 'number',
    summary: ({ service, instance }, value) => `${service} at ${instance} uses ${value} cores.`,
    impact: 'It has nothing left for a burst: latency rises first, then requests are refused.',
    panel: panel('CPU'),
    signals: rateSignals(process.cpu, BOUNDS.cpu_cores.value, AT),
    faults: [],
    unproduced: 'Ten minutes of full load: that is what a load test is for.',
  },
  {
    ...TICKET,
    name: 'GcPressure',
    expr: () => RECORDED.gcShare,
    bound: BOUNDS.gc_share,
    forSeconds: 10 * MINUTE,
    format: 'percentage',
    summary: ({ service, instance }, value) =>
      `${service} at ${instance} spends ${value} of its time collecting garbage.`,
    impact: 'Pauses reach every request of the process; it is close to its memory limit, or leaks.',
    panel: panel('Garbage collection'),
    signals: rateSignals({ ...process.gcSeconds, labels: { kind: 'major' } }, BOUNDS.gc_share.value, AT),
    faults: [],
    unproduced: 'A process under such pressure for long is not made on purpose: it would be ended by its limit first.',
  },
  {
    ...TICKET,
    name: 'MemoryNearLimit',
    expr: () => RECORDED.memoryShare,
    bound: BOUNDS.memory_share,
    forSeconds: 5 * MINUTE,
    format: 'percentage',
    summary: ({ service, instance }, value) => `${service} at ${instance} holds ${value} of the memory it may.`,
    impact: 'The next burst has it killed; what it held in memory is gone, what was acknowledged is not.',
    panel: panel('Memory of the limit'),
    signals: quotientSignals(process.resident, process.memoryLimit, BOUNDS.memory_share, AT),
    faults: [],
    unproduced: 'Its limit is that of a container; processes on a bare machine have all of its memory.',
  },
  {
    ...TICKET,
    name: 'DescriptorsNearLimit',
    expr: () => RECORDED.fdShare,
    bound: BOUNDS.fd_share,
    forSeconds: MINUTE,
    format: 'percentage',
    summary: ({ service, instance }, value) => `${service} at ${instance} has ${value} of its file descriptors open.`,
    impact: 'At the limit it accepts no connection and opens no file.',
    panel: panel('Descriptors of the limit'),
    signals: quotientSignals(process.openFds, process.maxFds, BOUNDS.fd_share, AT),
    faults: ['descriptors_exhausted'],
  },
  {
    ...TICKET,
    name: 'MetricsMisused',
    expr: (clock) => increase(METRICS.counting.misuses, INSTANCE, rangeSeconds(clock, MINUTE)),
    bound: NEVER,
    forSeconds: 0,
    keepFiringSeconds: 15 * MINUTE,
    format: 'number',
    summary: ({ service, instance }, value) =>
      `${service} at ${instance} dropped ${value} counts that break their declaration.`,
    impact: 'None for users; what the boards show of this process is too low.',
    panel: panel('Metric misuses'),
    signals: eventSignals(METRICS.counting.misuses, AT, 'increase'),
    faults: [],
    unproduced: 'It takes a defect in the code that counts.',
  },
  {
    ...TICKET,
    name: 'MetricsCollectFailing',
    expr: (clock) => rate(METRICS.counting.collectFailures, INSTANCE, rangeSeconds(clock, MINUTE)),
    bound: NEVER,
    forSeconds: 5 * MINUTE,
    format: 'number',
    summary: ({ service, instance }, value) =>
      `${service} at ${instance} could not read ${value} values a second at its scrapes.`,
    impact: 'None for users; some series of this process are missing.',
    panel: panel('Collect failures'),
    signals: eventSignals(METRICS.counting.collectFailures, AT, 'rate'),
    faults: [],
    unproduced: 'It takes a defect in the code that reads a value.',
  },
];
