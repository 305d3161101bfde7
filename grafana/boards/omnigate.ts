import { BOUNDS } from '../bounds.ts';
import { METRICS } from '../declared.ts';
import type { Board, BoardRow } from '../panel.ts';
import { ratio, series, top } from '../series.ts';
import { buildRow } from './build-row.ts';
import { bucketsOf, percentiles, slowest } from './latency.ts';
import { processRow } from './process-row.ts';
import { SANE } from './sane.ts';
import { heatmap, lines, number } from './sizes.ts';
import { failedTraces, TRACES_OF_SUBJECT, tracesOf } from './traces.ts';
import { serviceVariables } from './variables.ts';

const omnigate = series('omnigate');
const { omnigate: own, golden, bus, state } = METRICS;

const FORWARDED = 'result="forwarded"';
const INDEX = 'hop="index"';
const REFUSED = 'result="refused"';

const judged = (extra: string): string =>
  ratio(omnigate.rate(own.requests, '', extra), omnigate.rate(own.requests, ''));

const judgement: BoardRow = {
  title: 'What is judged',
  about: 'slo',
  collapsed: false,
  panels: [
    number({
      title: 'Judged',
      what: 'Requests judged per second.',
      good: 'as many as the gateway sends.',
      bad: 'zero while the gateway answers 502: no omnigate reads its stream.',
      runbook: 'no_responders',
      unit: 'reqps',
      targets: [{ expr: omnigate.rate(own.requests, ''), legend: 'judged' }],
      traces: tracesOf('omnigate'),
      evidence: { sane: SANE.perSecond },
    }),
    number({
      title: 'Handed on',
      what: 'Share of requests handed on to their owner.',
      good: 'nearly all; long polls among them.',
      bad: 'what is missing was refused here or failed here; an echo is answered here.',
      runbook: 'OmnigateFailing',
      unit: 'percentunit',
      targets: [{ expr: judged(FORWARDED), legend: 'handed on' }],
      evidence: { sane: SANE.share },
    }),
    number({
      title: 'Refused here',
      what: 'Share of requests refused by omnigate itself.',
      good: 'zero at rated load.',
      bad: 'admission is full, or names break the rules: see refusals by reason.',
      runbook: 'busy',
      unit: 'percentunit',
      targets: [{ expr: judged(REFUSED), legend: 'refused' }],
      evidence: { sane: SANE.share },
    }),
    number({
      title: 'Failed here',
      what: 'Share of requests that failed at a call omnigate made itself.',
      good: 'zero.',
      bad: 'the index does not answer it.',
      runbook: 'OmnigateFailing',
      unit: 'percentunit',
      targets: [{ expr: `max (${omnigate.recorded('omnigateFailed')})`, legend: 'failed' }],
      limit: BOUNDS.omnigate_failed,
      breach: 'failure',
      traces: failedTraces('omnigate'),
      evidence: { sane: SANE.share },
    }),
    number({
      title: 'Asking the index, p95',
      what: 'Time of the calls omnigate waits for, 95th percentile.',
      good: 'a few ms.',
      bad: 'open the board of the index.',
      runbook: 'OmnigateFailing',
      unit: 's',
      targets: [{ expr: omnigate.quantile(0.95, own.upstreamLatency), legend: 'p95' }],
      traces: tracesOf('omnigate'),
      evidence: { sane: SANE.latency },
    }),
    number({
      title: 'Instances',
      what: 'Instances that read the requests of omnigate now.',
      good: 'as many as you started.',
      bad: 'fewer: one is gone or stuck; none: every request ends in 502.',
      runbook: 'ServiceAbsent',
      unit: 'short',
      targets: [{ expr: omnigate.max(bus.consumersLive, ''), legend: 'live' }],
      evidence: { sane: [0, 1_000] },
    }),
  ],
};

const requests: BoardRow = {
  title: 'Rate, errors and duration per subject',
  about: 'red',
  collapsed: true,
  panels: [
    lines({
      title: 'Judged by result',
      what: 'Requests judged per second: handed on, refused here, or failed here.',
      good: 'handed on.',
      bad: 'refused: admission or the rules. failed: the index.',
      runbook: 'OmnigateFailing',
      unit: 'reqps',
      targets: [{ expr: omnigate.rate(own.requests, 'result'), legend: '{{result}}' }],
      stacked: true,
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Judged by subject',
      what: 'Requests judged per second, by subject.',
      good: 'follows the routes of the gateway.',
      bad: 'a subject at zero: its route has no callers, or the gateway cannot send.',
      runbook: 'GatewayAbsent',
      unit: 'reqps',
      targets: [{ expr: omnigate.rate(own.requests, 'subject'), legend: '{{subject}}' }],
      stacked: true,
      traces: TRACES_OF_SUBJECT,
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Failed own calls',
      what: 'Requests that failed at a call omnigate made itself, over requests judged.',
      good: 'zero.',
      bad: 'the index is gone, slow or refuses.',
      runbook: 'OmnigateFailing',
      unit: 'percentunit',
      targets: [{ expr: omnigate.recorded('omnigateFailed'), legend: '{{instance}}' }],
      limit: BOUNDS.omnigate_failed,
      breach: 'failure',
      traces: failedTraces('omnigate'),
      evidence: { sane: SANE.share },
    }),
    heatmap({
      title: 'Time to judge',
      what: 'How many requests took how long from the handler started to handed on; dots are traces.',
      good: 'one band under 10 ms.',
      bad: 'a second band asks the index: compare with its hop below.',
      runbook: 'BusQueueWait',
      unit: 's',
      targets: bucketsOf(omnigate, bus.handlerSeconds),
      traces: tracesOf('omnigate'),
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Time to judge by subject, p95',
      what: 'From the handler started to handed on, 95th percentile by subject.',
      good: 'a few ms.',
      bad: 'names are slower than objects: they ask the index first.',
      runbook: 'BusQueueWait',
      unit: 's',
      targets: [slowest(omnigate, bus.handlerSeconds, 'subject', '{{subject}}')],
      traces: TRACES_OF_SUBJECT,
      evidence: { sane: SANE.latency },
    }),
    lines({
      title: 'Refusals by reason',
      what: 'Requests refused per second by omnigate, by reason, and all of them.',
      good: 'zero at rated load.',
      bad: 'busy: its admission is full. bus_stream: the owner behind it is.',
      runbook: 'busy',
      unit: 'ops',
      targets: [
        { expr: top(10, omnigate.rate(golden.rejected, 'reason')), legend: '{{reason}}' },
        { expr: omnigate.rate(golden.rejected, ''), legend: 'all' },
      ],
      evidence: { sane: SANE.perSecond },
    }),
  ],
};

const hops: BoardRow = {
  title: 'Hops',
  about: 'dependencies',
  collapsed: true,
  panels: [
    heatmap({
      title: 'Asking the index',
      what: 'How many calls to the index took how long; dots are traces.',
      good: 'one band of a few ms.',
      bad: 'open the board of the index: lookups, store.',
      runbook: 'OmnigateFailing',
      unit: 's',
      targets: bucketsOf(omnigate, own.upstreamLatency, INDEX),
      traces: tracesOf('omnigate'),
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Asking the index, percentiles',
      what: 'Time of a call omnigate waits for. A forwarded request is answered past it and has no time here.',
      good: 'p95 of a few ms.',
      bad: 'p99 alone: one index. All three: the bus or the store of the index.',
      runbook: 'OmnigateFailing',
      unit: 's',
      targets: percentiles(omnigate, own.upstreamLatency, INDEX),
      traces: tracesOf('omnigate'),
      evidence: { sane: SANE.latency },
    }),
    lines({
      title: 'Own calls by hop, p95',
      what: 'Time of a call omnigate waits for, 95th percentile by hop: the index for names, all three for an echo.',
      good: 'a few ms, alike.',
      bad: 'one above the rest: the board of that service.',
      runbook: 'BusQueueWait',
      unit: 's',
      targets: [slowest(omnigate, own.upstreamLatency, 'hop', '{{hop}}')],
      traces: tracesOf('omnigate'),
      evidence: { sane: SANE.latency },
    }),
    lines({
      title: 'Calls by result',
      what: 'Calls of omnigate that ended per second, by how.',
      good: 'ok, and error where a name is not found.',
      bad: 'no_responders: the index is gone. overflow: its stream is full.',
      runbook: 'no_responders',
      unit: 'ops',
      targets: [{ expr: omnigate.rate(bus.requests, 'result'), legend: '{{result}}' }],
      evidence: { sane: SANE.perSecond },
    }),
  ],
};

const admission: BoardRow = {
  title: 'Admission',
  about: 'queues',
  collapsed: true,
  panels: [
    lines({
      title: 'Requests being judged',
      what: 'Requests being judged now; dashed what one omnigate admits.',
      good: 'far below the dashed line.',
      bad: 'the index holds them: see its hop.',
      runbook: 'busy',
      unit: 'short',
      targets: [
        { expr: omnigate.max(own.inflight, 'instance'), legend: '{{instance}}' },
        { expr: omnigate.max(state.config, '', 'key="inflight"'), legend: 'limit', dashed: 'limit' },
      ],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Handlers and credit',
      what: 'Handlers running now, and handlers this instance could start: at zero credit it reads nothing more.',
      good: 'credit well above zero.',
      bad: 'no credit: handlers are stuck or too slow.',
      runbook: 'BusStuckConsumer',
      unit: 'short',
      targets: [
        { expr: omnigate.max(bus.handlersRunning, 'instance'), legend: '{{instance}} running' },
        { expr: omnigate.max(bus.credits, 'instance'), legend: '{{instance}} credit' },
      ],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Group lag',
      what: 'Age of the oldest request no omnigate has been given.',
      good: 'zero.',
      bad: 'omnigates are too few, stuck or gone.',
      runbook: 'BusGroupLag',
      unit: 's',
      targets: [{ expr: omnigate.recorded('busGroupLag'), legend: '{{stream}}' }],
      limit: BOUNDS.bus_group_lag,
      breach: 'saturation',
      evidence: { sane: SANE.age },
    }),
  ],
};

/** Admission and routing: what omnigate judges, and what it waits for. */
export const omnigateBoard: Board = {
  uid: 'macronode-omnigate',
  title: 'Macronode / Omnigate',
  description: 'Admission, requests judged by result and subject, hops, and calls omnigate fails itself.',
  variables: serviceVariables('omnigate'),
  rows: [judgement, requests, hops, admission, processRow('omnigate'), buildRow('omnigate')],
};
