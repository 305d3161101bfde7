import { counter, gauge, histogram, type MetricsScope } from '@macronode/metrics';

export const storeMetrics = {
  commitSeconds: histogram({
    name: 'store_commit_seconds',
    unit: 'seconds',
    help: 'Time of one batch from BEGIN to the end of COMMIT, fsync included',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
    bucketsReason: 'An fsync takes a quarter of a millisecond on a good disk, four on a common one, tens in trouble',
  }),
  batchCommands: histogram({
    name: 'store_batch_commands',
    unit: 'count',
    help: 'Commands that shared one fsync',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000],
    bucketsReason: 'Powers of two up to the bound of a batch',
  }),
  commands: counter({
    name: 'store_commands_total',
    help: 'Commands by what became of them: stored, refused by themselves, refused by a bound, or lost to the medium',
    labels: { result: ['ok', 'refused', 'busy', 'failed'] },
  }),
  queueDepth: gauge({ name: 'store_queue_depth', help: 'Commands waiting for a batch' }),
  fatal: gauge({ name: 'store_fatal_state', help: '1 once the medium failed and the store takes no write any more' }),
};

export type StoreMetrics = ReturnType<typeof bindStoreMetrics>;

export const bindStoreMetrics = (scope: MetricsScope) => scope.bind(storeMetrics);

/** The series of every store, for the generated pages. */
export const storeDeclarations = Object.values(storeMetrics);
