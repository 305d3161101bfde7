import { RECORDED } from './rules/recorded.ts';

type RecordedLabel = 'slo' | 'window' | 'service' | 'instance' | 'stream';

const SLO = ['slo'] as const;
const SERVICE = ['service'] as const;
const STREAM = ['service', 'stream'] as const;
const INSTANCE = ['service', 'instance'] as const;

/** Labels of each recorded series: what a selector may ask for and a legend may show. */
export const RECORDED_LABELS = Object.freeze({
  events: SLO,
  badEvents: SLO,
  objective: SLO,
  errorRatio: SLO,
  burnRate: ['slo', 'window'],
  budgetLeft: SLO,
  eventLoopLag: INSTANCE,
  cpuCores: INSTANCE,
  gcShare: INSTANCE,
  memoryShare: INSTANCE,
  fdShare: INSTANCE,
  restarts: INSTANCE,
  busHintLag: SERVICE,
  busOverflow: SERVICE,
  busRedelivered: SERVICE,
  busQueueWait: SERVICE,
  busReconnects: SERVICE,
  busUnknown: SERVICE,
  busDeadLetters: SERVICE,
  busGroupLag: STREAM,
  busOldestPending: SERVICE,
  busStreamFill: STREAM,
  storeCommit: INSTANCE,
  storeQueue: INSTANCE,
  integrityFailures: INSTANCE,
  diskFree: INSTANCE,
  mailboxOldestReady: INSTANCE,
  mailboxDeadLetters: INSTANCE,
  mailboxExpiredLeases: INSTANCE,
  registryCommit: INSTANCE,
  registryCommits: INSTANCE,
  registryAuditFailures: INSTANCE,
  registryWitnessFailed: INSTANCE,
  registryGrowth: INSTANCE,
  meshPeers: INSTANCE,
  meshSyncFailed: INSTANCE,
  gatewayInflight: INSTANCE,
  uploadsAborted: INSTANCE,
  downloadsAborted: INSTANCE,
  omnigateFailed: INSTANCE,
} satisfies Record<keyof typeof RECORDED, readonly RecordedLabel[]>);

/** The same, by the name of the series. */
export const LABELS_OF_RECORDED: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(RECORDED_LABELS).map(([key, labels]) => [RECORDED[key as keyof typeof RECORDED], labels]),
);
