import { BOUNDS } from '../../bounds.ts';
import { METRICS } from '../../declared.ts';
import type { BoardRow } from '../../panel.ts';
import { series, top } from '../../series.ts';
import { bucketsOf, percentiles, slowest } from '../latency.ts';
import { SANE } from '../sane.ts';
import { heatmap, lines } from '../sizes.ts';
import { TRACES_OF_SUBJECT } from '../traces.ts';
import { ANSWERING } from './services.ts';

const fleet = series();
const { bus } = METRICS;

/** Calls and their handlers: rate, errors and duration of what travels. */
export const calls: BoardRow = {
  title: 'Calls and handlers',
  about: 'red',
  collapsed: true,
  panels: [
    lines({
      title: 'Calls by result',
      what: 'Calls that ended per second, as their caller saw it, by service and result.',
      good: 'ok, and error where a caller was refused with reason.',
      bad: 'overflow is a full bound, no_responders a dead service, unknown a lost connection.',
      runbook: 'BusOutcomeUnknown',
      unit: 'ops',
      targets: [{ expr: top(15, fleet.rate(bus.requests, 'service, result')), legend: '{{service}} {{result}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    heatmap({
      title: 'Call time',
      what: 'How many calls took how long to their first answer, failures included; dots are traces.',
      good: 'one band of a few ms; long polls above it on purpose.',
      bad: 'compare with handler time: the rest is waiting.',
      runbook: 'BusQueueWait',
      unit: 's',
      targets: bucketsOf(fleet, bus.requestSeconds),
      evidence: { sane: SANE.perSecond, services: ['gateway', 'omnigate'] },
    }),
    lines({
      title: 'Call time by subject, p95',
      what: 'From the call to its first answer, 95th percentile by subject.',
      good: 'a few ms.',
      bad: 'the subject names the service; compare with its handler time.',
      runbook: 'BusQueueWait',
      unit: 's',
      targets: [slowest(fleet, bus.requestSeconds, 'subject', '{{subject}}')],
      traces: TRACES_OF_SUBJECT,
      evidence: { sane: SANE.latency, services: ['gateway', 'omnigate'] },
    }),
    lines({
      title: 'Unknown outcomes',
      what: 'Calls that were sent and never answered, over calls.',
      good: 'zero.',
      bad: 'connections are lost while calls run: writes may have happened.',
      runbook: 'BusOutcomeUnknown',
      unit: 'percentunit',
      targets: [{ expr: fleet.recorded('busUnknown'), legend: '{{service}}' }],
      limit: BOUNDS.bus_outcome_unknown,
      breach: 'failure',
      evidence: { sane: SANE.share },
    }),
    heatmap({
      title: 'Handler time',
      what: 'How many handlers took how long from their start to their answer; dots are traces.',
      good: 'one band of a few ms; long polls above it on purpose.',
      bad: 'the service itself is slow: disk, CPU, or its own calls.',
      runbook: 'StoreCommitSlow',
      unit: 's',
      targets: bucketsOf(fleet, bus.handlerSeconds),
      evidence: { sane: SANE.perSecond, services: ANSWERING },
    }),
    lines({
      title: 'Handler time by subject, p95',
      what: 'From handler start to its answer, 95th percentile by subject.',
      good: 'a few ms.',
      bad: 'open the board of the service the subject names.',
      runbook: 'StoreCommitSlow',
      unit: 's',
      targets: [slowest(fleet, bus.handlerSeconds, 'subject', '{{subject}}')],
      traces: TRACES_OF_SUBJECT,
      evidence: { sane: SANE.latency, services: ANSWERING },
    }),
    lines({
      title: 'Call time, percentiles',
      what: 'From the call to its first answer, over all subjects.',
      good: 'p95 flat.',
      bad: 'p99 alone: one subject or one instance. All three: Redis or the network.',
      runbook: 'BusQueueWait',
      unit: 's',
      targets: percentiles(fleet, bus.requestSeconds),
      evidence: { sane: SANE.latency, services: ['gateway', 'omnigate'] },
    }),
    lines({
      title: 'Frames sent and received',
      what: 'Frames per second offered to the medium, and delivered by kind; a redelivery counts again.',
      good: 'follow each other.',
      bad: 'sent without received: nobody reads. Received above sent: redeliveries.',
      runbook: 'BusGroupLag',
      unit: 'ops',
      targets: [
        { expr: fleet.rate(bus.published, ''), legend: 'sent' },
        { expr: fleet.rate(bus.received, 'kind'), legend: 'received {{kind}}' },
      ],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Replies by outcome',
      what: 'Requests that left their handler per second: a value, a stream, an error, a refusal, or handed on.',
      good: 'value, stream and forward.',
      bad: 'refusal: handlers are full. error: see the log of the service.',
      runbook: 'BusOverflowing',
      unit: 'ops',
      targets: [{ expr: fleet.rate(bus.replied, 'outcome'), legend: '{{outcome}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Deadlines passed',
      what: 'Messages per second whose deadline passed: before they were written, before or while their handler ran.',
      good: 'zero.',
      bad: 'client: the link is slow. server: handlers start late. handler: they run too long.',
      runbook: 'deadline',
      unit: 'ops',
      targets: [{ expr: top(15, fleet.rate(bus.expired, 'service, where')), legend: '{{service}} {{where}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Replies nobody waited for',
      what: 'Replies per second whose caller was gone or had given up.',
      good: 'zero, but for clients that hang up.',
      bad: 'handlers answer after the deadline of their callers.',
      runbook: 'outcome_unknown',
      unit: 'ops',
      targets: [{ expr: fleet.rate(bus.orphaned, 'service'), legend: '{{service}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Calls in flight',
      what: 'Calls and publishes of each client without an answer.',
      good: 'small; long polls wait on purpose.',
      bad: 'growing: answers do not come back.',
      runbook: 'BusQueueWait',
      unit: 'short',
      targets: [{ expr: fleet.sum(bus.clientInflight, 'service'), legend: '{{service}}' }],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Bytes in flight',
      what: 'Encoded bytes of calls and publishes without an answer.',
      good: 'small.',
      bad: 'large frames wait: the link or a stream is full.',
      runbook: 'BusOverflowing',
      unit: 'bytes',
      targets: [{ expr: fleet.sum(bus.clientInflightBytes, 'service'), legend: '{{service}}' }],
      evidence: { sane: SANE.bytes },
    }),
  ],
};
