import type { ServiceName } from '@macronode/contracts';
import { BOUNDS } from '../bounds.ts';
import { METRICS } from '../declared.ts';
import type { BoardRow } from '../panel.ts';
import { series, top } from '../series.ts';
import { bucketsOf } from './latency.ts';
import { SANE } from './sane.ts';
import { heatmap, lines, states } from './sizes.ts';
import { tracesOf } from './traces.ts';

const { store } = METRICS;
/** Services that keep an embedded store. */
const KEEPING = ['index', 'storage', 'mailbox', 'registry'] as const;

/** The embedded store of a service: one writer, one fsync for each batch. */
export function storeRow(service?: ServiceName): BoardRow {
  const queries = series(service);
  return {
    title: 'Store',
    about: 'use',
    collapsed: true,
    panels: [
      states({
        title: 'Store state',
        what: 'Whether the store still takes writes. A failed fsync is never followed by a good one that hides it.',
        good: 'healthy.',
        bad: 'failed: the service stays unready until it is started again on a good disk.',
        runbook: 'StoreFailed',
        unit: 'none',
        targets: [{ expr: queries.max(store.fatal, 'service, instance'), legend: '{{service}} {{instance}}' }],
        states: [
          { value: 0, text: 'healthy', colour: 'green' },
          { value: 1, text: 'failed', colour: 'red' },
        ],
        evidence: { sane: [0, 1], services: KEEPING },
      }),
      heatmap({
        title: 'Store commit',
        what: 'How many batches took how long from BEGIN to the end of COMMIT, fsync included.',
        good: 'one band of a few ms.',
        bad: 'moving up: the disk is slow or shared.',
        runbook: 'StoreCommitSlow',
        unit: 's',
        targets: bucketsOf(queries, store.commitSeconds),
        traces: tracesOf(service),
        evidence: { sane: SANE.perSecond, services: KEEPING },
      }),
      lines({
        title: 'Store commit p95',
        what: 'Time of one batch, 95th percentile.',
        good: 'a few ms.',
        bad: 'above the line writes miss their objective.',
        runbook: 'StoreCommitSlow',
        unit: 's',
        targets: [{ expr: queries.recorded('storeCommit'), legend: '{{service}} {{instance}}' }],
        limit: BOUNDS.store_commit_p95,
        breach: 'saturation',
        evidence: { sane: SANE.latency, services: KEEPING },
      }),
      lines({
        title: 'Store queue',
        what: 'Commands waiting for a batch.',
        good: 'near zero: a batch takes all that wait.',
        bad: 'above the line a whole batch waits behind the one that is written.',
        runbook: 'StoreQueueLong',
        unit: 'short',
        targets: [{ expr: queries.recorded('storeQueue'), legend: '{{service}} {{instance}}' }],
        limit: BOUNDS.store_queue,
        breach: 'saturation',
        evidence: { sane: SANE.count, services: KEEPING },
      }),
      lines({
        title: 'Store commands',
        what: 'Commands per second by what became of them.',
        good: 'ok.',
        bad: 'busy: the queue is full. failed: the medium is.',
        runbook: 'StoreQueueLong',
        unit: 'ops',
        targets: [{ expr: top(16, queries.rate(store.commands, 'service, result')), legend: '{{service}} {{result}}' }],
        evidence: { sane: SANE.perSecond, services: KEEPING },
      }),
      lines({
        title: 'Commands per commit',
        what: 'Commands that shared one fsync, on average.',
        good: 'rises with load.',
        bad: 'one under load: commits are faster than commands arrive, or nothing is shared.',
        runbook: 'StoreCommitSlow',
        unit: 'short',
        targets: [{ expr: queries.mean(store.batchCommands, 'service'), legend: '{{service}}' }],
        evidence: { sane: [0, 1_000], services: KEEPING },
      }),
    ],
  };
}
