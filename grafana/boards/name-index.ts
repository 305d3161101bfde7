import { METRICS } from '../declared.ts';
import { ALLOWED } from '../objectives.ts';
import type { Board, BoardRow } from '../panel.ts';
import { series } from '../series.ts';
import { buildRow } from './build-row.ts';
import { bucketsOf, percentiles, slowest } from './latency.ts';
import { processRow } from './process-row.ts';
import { SANE } from './sane.ts';
import { heatmap, lines, number } from './sizes.ts';
import { storeRow } from './store-row.ts';
import { failedTraces, tracesOf } from './traces.ts';
import { serviceVariables } from './variables.ts';

const index = series('index');
const { index: own, bus, golden } = METRICS;

const promises: BoardRow = {
  title: 'Are names found',
  about: 'slo',
  collapsed: false,
  panels: [
    number({
      title: 'Lookups',
      what: 'Names asked for per second.',
      good: 'follows the reads by name at the gateway.',
      bad: 'zero while clients ask: no index reads its stream.',
      runbook: 'no_responders',
      unit: 'ops',
      targets: [{ expr: index.observed(own.resolveLatency), legend: 'lookups' }],
      traces: tracesOf('index'),
      evidence: { sane: SANE.perSecond },
    }),
    number({
      title: 'Lookup, p95',
      what: 'Time to answer a name from the store, 95th percentile.',
      good: 'far below a millisecond.',
      bad: 'the store or the event loop.',
      runbook: 'ObjectGetLatencyBudgetBurn',
      unit: 's',
      targets: [{ expr: index.quantile(0.95, own.resolveLatency), legend: 'p95' }],
      limit: ALLOWED.object_get_latency,
      breach: 'failure',
      traces: tracesOf('index'),
      evidence: { sane: SANE.latency },
    }),
    number({
      title: 'Names',
      what: 'Names that have a record.',
      good: 'grows with what is published.',
      bad: 'falls: another store is mounted, or none.',
      runbook: 'StoreFailed',
      unit: 'short',
      targets: [{ expr: index.max(own.storedNames, ''), legend: 'names' }],
      evidence: { sane: SANE.count },
    }),
    number({
      title: 'Publications',
      what: 'Publications of names per second, refused ones among them.',
      good: 'what publishers do.',
      bad: 'a flood of unchanged ones: a publisher repeats itself.',
      runbook: 'stale_seq',
      unit: 'ops',
      targets: [{ expr: index.rate(own.names, ''), legend: 'publications' }],
      evidence: { sane: SANE.perSecond },
    }),
    number({
      title: 'Integrity',
      what: 'Stored records per second that no longer match their tag.',
      good: 'zero, always.',
      bad: 'they are never served; a disk corrupts.',
      runbook: 'IntegrityFailure',
      unit: 'ops',
      targets: [{ expr: index.rate(own.integrityFail, ''), legend: 'failures' }],
      evidence: { sane: SANE.perSecond },
    }),
    number({
      title: 'Instances',
      what: 'Instances that read the requests of the index now.',
      good: 'one: the index is not replicated.',
      bad: 'none: names are answered with 502.',
      runbook: 'ServiceAbsent',
      unit: 'short',
      targets: [{ expr: index.max(bus.consumersLive, ''), legend: 'live' }],
      evidence: { sane: [0, 1_000] },
    }),
  ],
};

const names: BoardRow = {
  title: 'Lookups and publications',
  about: 'red',
  collapsed: true,
  panels: [
    heatmap({
      title: 'Lookup time',
      what: 'How many lookups took how long; dots are traces.',
      good: 'one band of tens of microseconds.',
      bad: 'moving up: the store is busy, or the page cache is cold.',
      runbook: 'StoreQueueLong',
      unit: 's',
      targets: bucketsOf(index, own.resolveLatency),
      traces: tracesOf('index'),
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Lookup time, percentiles',
      what: 'Time to answer a name from the store.',
      good: 'p99 below a millisecond.',
      bad: 'p99 alone: garbage collection or a long commit.',
      runbook: 'StoreQueueLong',
      unit: 's',
      targets: percentiles(index, own.resolveLatency),
      traces: failedTraces('index'),
      evidence: { sane: SANE.latency },
    }),
    lines({
      title: 'Lookup time by result, p95',
      what: 'Time to answer a name, 95th percentile by what was found.',
      good: 'all alike.',
      bad: 'failed: the store does not answer.',
      runbook: 'StoreFailed',
      unit: 's',
      targets: [slowest(index, own.resolveLatency, 'result', '{{result}}')],
      traces: tracesOf('index'),
      evidence: { sane: SANE.latency },
    }),
    lines({
      title: 'Lookups by result',
      what: 'Lookups per second by what was found.',
      good: 'found.',
      bad: 'not_found: readers ask for what nobody published. failed: the store.',
      runbook: 'not_found',
      unit: 'ops',
      targets: [{ expr: index.observed(own.resolveLatency, 'result'), legend: '{{result}}' }],
      stacked: true,
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Publications by result',
      what: 'Publications per second by what became of them.',
      good: 'created, updated, unchanged.',
      bad: 'bad_signature or not_owner: somebody tries. stale_seq: two publishers of one name.',
      runbook: 'bad_signature',
      unit: 'ops',
      targets: [{ expr: index.rate(own.names, 'result'), legend: '{{result}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Refusals by reason',
      what: 'Requests refused per second by the index, the ten most frequent reasons.',
      good: 'zero, but for what callers get wrong.',
      bad: 'busy: its store is. bus_handler: too many at once.',
      runbook: 'busy',
      unit: 'ops',
      targets: [{ expr: `topk(10, ${index.rate(golden.rejected, 'reason')})`, legend: '{{reason}}' }],
      evidence: { sane: SANE.perSecond },
    }),
  ],
};

const stored: BoardRow = {
  title: 'What is stored',
  about: 'use',
  collapsed: true,
  panels: [
    lines({
      title: 'Names stored',
      what: 'Names that have a record, per instance.',
      good: 'grows with what is published.',
      bad: 'falls: another store is mounted, or none.',
      runbook: 'StoreFailed',
      unit: 'short',
      targets: [{ expr: index.max(own.storedNames, 'instance'), legend: '{{instance}}' }],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Integrity failures',
      what: 'Stored records per second that no longer match their tag.',
      good: 'zero, always.',
      bad: 'they are never served; a disk corrupts: take it out before you repair.',
      runbook: 'IntegrityFailure',
      unit: 'ops',
      targets: [{ expr: index.recorded('integrityFailures'), legend: '{{instance}}' }],
      evidence: { sane: SANE.perSecond },
    }),
  ],
};

/** Names: lookups, publications and the store beneath. */
export const indexBoard: Board = {
  uid: 'macronode-index',
  title: 'Macronode / Index',
  description: 'Lookups and publications of names, by result, and the store beneath.',
  variables: serviceVariables('index'),
  rows: [promises, names, stored, storeRow('index'), processRow('index'), buildRow('index')],
};
