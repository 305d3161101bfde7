import { injectedCalls, READS_AND_WRITES, SYNC_DELAY_MS, SYNCS } from '../../../rig/injected-calls.ts';
import { readinessOf } from '../../../rig/readiness.ts';
import { ACCOUNTED, always, readsGoOn, soundLog } from '../../expectation.ts';
import type { ProcessesNode } from '../../nodes.ts';
import { type LogSurroundings, onLog, type Scenario } from '../../scenario.ts';
import { proposers, toldToWait } from './proposers.ts';

/** Longer than a write may wait for the disk before the next one is refused. */
const SYNC_STALL_MS = 1_500;
/** They come at all times of a sync: whoever comes as it ends is in the next one at once, and is not refused. */
const SPREAD_PROPOSERS = 6;
/** A commit is dozens of them. */
const FILE_DELAY_MS = 5;

const saysReadOnly = async (node: ProcessesNode, { find }: LogSurroundings): Promise<void> => {
  const state = await readinessOf(node.ops('registry')[0] ?? '');
  if (state?.ready !== true) find('the registry is not ready for reads');
  if (state?.write_ready !== false) find('the registry says it takes writes');
};

/** The disk of the log: slow, unsteady, broken. */
export const disk: readonly Scenario[] = [
  onLog({
    name: 'registry_disk_slow',
    what: `every read and write of a file by the registry takes ${FILE_DELAY_MS} ms longer`,
    seconds: 10,
    quickSeconds: 8,
    expects: [
      ...always({ recovery: 10, codes: [409, 429, 503, 504] }),
      ...soundLog('outside'),
      { claim: 'failures', of: 'reads', share: 0.01, during: 'run' },
      { claim: 'slows', of: 'writes', share: 0.5, ms: 4 * FILE_DELAY_MS },
      ACCOUNTED,
    ],
    make: ({ processes }) =>
      injectedCalls(processes.of('registry').pid, READS_AND_WRITES, `delay_exit=${FILE_DELAY_MS * 1_000}`),
  }),
  onLog({
    name: 'registry_fsync_slow',
    what: `every fsync of the registry takes ${SYNC_STALL_MS} ms longer while ${SPREAD_PROPOSERS} more clients propose: writes are shed, reads are not`,
    seconds: 10,
    quickSeconds: 8,
    expects: readsGoOn({ recovery: 15, codes: [409, 429, 503, 504] }, ACCOUNTED),
    make: async ({ processes }, { load, find }) => {
      const fast = await injectedCalls(processes.of('registry').pid, SYNCS, `delay_exit=${SYNC_STALL_MS * 1_000}`);
      const { seen, end } = proposers(SPREAD_PROPOSERS, load, SYNC_STALL_MS / SPREAD_PROPOSERS);
      return async () => {
        await fast();
        await end();
        toldToWait(seen, ['busy', 'saturated', 'maintenance', 'unavailable'], find);
      };
    },
  }),
  onLog({
    name: 'registry_fsync_jitter',
    what: `every third fsync of the registry takes ${SYNC_DELAY_MS} ms longer`,
    seconds: 10,
    quickSeconds: 8,
    expects: readsGoOn(
      { recovery: 10, codes: [429, 503, 504] },
      { claim: 'failures', of: 'writes', share: 0.02, during: 'fault' },
      { claim: 'slows', of: 'writes', share: 0.1, ms: SYNC_DELAY_MS },
      { claim: 'p95', of: ['commit'], ms: 2_500, during: 'fault' },
      ACCOUNTED,
    ),
    make: ({ processes }) =>
      injectedCalls(processes.of('registry').pid, SYNCS, `delay_exit=${SYNC_DELAY_MS * 1_000}:when=1+3`),
  }),
  onLog({
    name: 'registry_fsync_failure',
    what: 'every fsync of the registry fails (EIO); it is started again on a sound disk',
    seconds: 8,
    quickSeconds: 8,
    expects: [
      ...always({ recovery: 20, codes: [409, 429, 502, 503, 504, 507] }),
      ...soundLog('outside'),
      { claim: 'bites', of: ['propose'], share: 0.5 },
      ACCOUNTED,
    ],
    make: async ({ processes }) => {
      const end = await injectedCalls(processes.of('registry').pid, SYNCS, 'error=EIO');
      return async () => {
        await end();
        await processes.of('registry').end('SIGTERM');
        await processes.of('registry').start();
      };
    },
    during: async (node, surroundings) => {
      await saysReadOnly(node, surroundings);
      const { load, find } = surroundings;
      const reads = load.samples.filter(({ kind, at }) => kind.startsWith('log_') && at > load.now - 2_000);
      const failed = reads.filter(({ status }) => status === 0 || status >= 400).length;
      if (failed > 0) find(`${failed} reads failed while the registry took no writes`);
    },
  }),
];
