import { type Bound, BOUNDS } from '../../bounds.ts';
import { METRICS } from '../../declared.ts';
import type { Alert } from '../alert.ts';
import { rangeSeconds } from '../clock.ts';
import { gauge, rate } from '../promql.ts';
import { RECORDED } from '../recorded.ts';
import { eventSignals, gaugeSignals, quantileSignals, shareSignals } from '../signal.ts';

const { mailbox, storage, store } = METRICS;
const MINUTE = 60;
const INSTANCE = 'service, instance';
const STORAGE = { service: 'storage' };
const MAILBOX = { service: 'mailbox' };
const TICKET = { severity: 'ticket', labels: {}, scale: 'scrape', comparison: '>' } as const;
const RESOURCES = 'macronode-resources';
const NONE: Bound = { value: 0, unit: 'none', why: 'One is one too many: a person has to look at it.' };

/** What is kept: the stores, the disk, the objects and the messages. */
export const dataAlerts: readonly Alert[] = [
  {
    ...TICKET,
    name: 'StoreFailed',
    severity: 'page',
    comparison: '==',
    expr: () => gauge('max', store.fatal, INSTANCE),
    bound: { value: 1, unit: 'none', why: 'After a failed fsync nobody knows what is on disk: the store stops.' },
    forSeconds: 0,
    format: 'number',
    summary: ({ service, instance }, value) =>
      `The store of ${service} at ${instance} takes no write any more (state ${value}).`,
    impact: 'Reads are served, every write is refused until the process is started again on a sound disk.',
    panel: { board: RESOURCES, title: 'Store state' },
    signals: {
      ...STORAGE,
      keeps: ['service', 'instance'],
      breaking: [{ name: store.fatal.name, wave: { gauge: 1 } }],
      holding: [{ name: store.fatal.name, wave: { gauge: 0 } }],
      value: () => 1,
      settleSeconds: 0,
    },
    faults: ['disk_failing'],
  },
  {
    ...TICKET,
    name: 'StoreCommitSlow',
    expr: () => RECORDED.storeCommit,
    bound: BOUNDS.store_commit_p95,
    forSeconds: 5 * MINUTE,
    format: 'duration',
    summary: ({ service, instance }, value) => `A commit of ${service} at ${instance} takes ${value} (p95).`,
    impact: 'Every write waits for its fsync: writes miss their objective.',
    panel: { board: RESOURCES, title: 'Store commit p95' },
    unknownWithoutTraffic: RECORDED.storeCommit,
    signals: quantileSignals(store.commitSeconds, 0.95, [BOUNDS.store_commit_p95.value, 0.5], STORAGE),
    faults: ['disk_slow'],
  },
  {
    ...TICKET,
    name: 'StoreQueueLong',
    expr: () => RECORDED.storeQueue,
    bound: BOUNDS.store_queue,
    forSeconds: MINUTE,
    format: 'number',
    summary: ({ service, instance }, value) => `${value} commands wait for the store of ${service} at ${instance}.`,
    impact: 'Writes wait in line; at the bound they are refused with 503.',
    panel: { board: RESOURCES, title: 'Store queue' },
    signals: gaugeSignals(store.queueDepth, BOUNDS.store_queue.value, STORAGE),
    faults: [],
    unproduced: 'More writers than the gate of a gateway admits are needed to fill a batch behind a batch.',
  },
  {
    ...TICKET,
    name: 'IntegrityFailure',
    severity: 'page',
    expr: () => RECORDED.integrityFailures,
    bound: NONE,
    forSeconds: 0,
    keepFiringSeconds: 60 * MINUTE,
    format: 'number',
    summary: ({ service, instance }, value) =>
      `${service} at ${instance} found ${value} stored things that are not what was stored.`,
    impact: 'They are never served: their readers get 502. The disk, its controller or somebody changed them.',
    panel: { board: 'macronode-storage', title: 'Integrity failures' },
    signals: eventSignals({ ...storage.integrityFail, labels: { where: 'chunk' } }, STORAGE, 'increase'),
    faults: ['object_corrupted'],
  },
  {
    ...TICKET,
    name: 'DiskNearlyFull',
    comparison: '<',
    expr: () => RECORDED.diskFree,
    bound: BOUNDS.disk_free,
    forSeconds: MINUTE,
    format: 'bytes',
    summary: ({ service, instance }, value) => `${service} at ${instance} may write ${value} more.`,
    impact: 'Soon every upload is refused with 507; reads go on.',
    panel: { board: 'macronode-storage', title: 'Disk free' },
    signals: gaugeSignals(
      storage.diskFree,
      BOUNDS.disk_free.value,
      { ...STORAGE, others: [{ name: METRICS.state.config.name, labels: { key: 'dataDir' }, wave: { gauge: 1 } }] },
      true,
    ),
    faults: ['disk_full'],
  },
  {
    ...TICKET,
    name: 'MailboxStalled',
    expr: () => RECORDED.mailboxOldestReady,
    bound: BOUNDS.mailbox_oldest_ready,
    forSeconds: MINUTE,
    format: 'duration',
    summary: ({ service, instance }, value) =>
      `A message in ${service} at ${instance} has waited ${value} for a receiver.`,
    impact: 'Its topic has stalled: senders are accepted, nobody receives.',
    panel: { board: 'macronode-mailbox', title: 'Oldest ready message' },
    signals: gaugeSignals(mailbox.oldestReady, BOUNDS.mailbox_oldest_ready.value, MAILBOX),
    faults: ['mailbox_without_receivers'],
  },
  {
    ...TICKET,
    name: 'MailboxDeadLetters',
    expr: () => RECORDED.mailboxDeadLetters,
    bound: NONE,
    forSeconds: 0,
    keepFiringSeconds: 15 * MINUTE,
    format: 'number',
    summary: ({ service, instance }, value) => `${service} at ${instance} gives up ${value} messages a second.`,
    impact: 'Each was delivered as often as it may be and never acknowledged. It is kept among the dead letters.',
    panel: { board: 'macronode-mailbox', title: 'Dead letters' },
    signals: eventSignals({ ...mailbox.dead, labels: { reason: 'max_attempts' } }, MAILBOX, 'rate'),
    faults: ['mailbox_poison'],
  },
  {
    ...TICKET,
    name: 'MailboxLeasesExpire',
    expr: () => RECORDED.mailboxExpiredLeases,
    bound: BOUNDS.mailbox_expired_leases,
    forSeconds: 5 * MINUTE,
    format: 'percentage',
    summary: ({ service, instance }, value) => `${value} of the leases of ${service} at ${instance} run out.`,
    impact: 'Receivers die or take longer than they asked for: messages come again and late.',
    panel: { board: 'macronode-mailbox', title: 'Expired leases' },
    unknownWithoutTraffic: RECORDED.mailboxExpiredLeases,
    signals: shareSignals(mailbox.visibilityTimeouts, [mailbox.acked], BOUNDS.mailbox_expired_leases, MAILBOX),
    faults: ['mailbox_poison'],
  },
  {
    ...TICKET,
    name: 'MailboxSweepFailing',
    expr: (clock) => rate(mailbox.sweepFailures, INSTANCE, rangeSeconds(clock, MINUTE)),
    bound: NONE,
    forSeconds: 5 * MINUTE,
    format: 'number',
    summary: ({ service, instance }, value) => `${value} sweeps a second of ${service} at ${instance} fail.`,
    impact: 'Ended leases and old messages stay where they are: what they hold comes late.',
    panel: { board: 'macronode-mailbox', title: 'Sweep failures' },
    signals: eventSignals(mailbox.sweepFailures, MAILBOX, 'rate'),
    faults: [],
    unproduced: 'A sweep fails when its store does, and StoreFailed says so.',
  },
];
