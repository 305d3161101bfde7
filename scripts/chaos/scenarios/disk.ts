import type { ServiceName } from '@macronode/contracts';
import { injectedCalls, READS_AND_WRITES, SYNC_DELAY_MS, SYNCS } from '../../rig/injected-calls.ts';
import { readinessOf } from '../../rig/readiness.ts';
import { ACCOUNTED, always, type Expectation, sound, type Which } from '../expectation.ts';
import type { ProcessesNode } from '../nodes.ts';
import { onProcesses, type Scenario, type Surroundings } from '../scenario.ts';

/** Those who come while a commit is slow wait for the rest of it and share the next: two of three wait this long. */
const QUEUED_MS = SYNC_DELAY_MS / 3;
/** Below what storage keeps free, so that it takes no upload. */
const LEFT_BYTES = 64 * 1024 ** 2;
/** Nothing fits any more. */
const FULL_BYTES = 0;

type Owner = 'storage' | 'mailbox';
const WRITES_OF: Readonly<Record<Owner, Which>> = { storage: ['put'], mailbox: ['send'] };

/** Writes to a service refused as typed refusals, everything else as if nothing were. A full disk has a code of its own. */
const readOnly = (owner: Owner, bites: number): Expectation => [
  ...always({ recovery: 20, codes: [429, 502, 503, 504, 507] }),
  ...sound('outside'),
  { claim: 'bites', of: WRITES_OF[owner], share: bites },
  ACCOUNTED,
];

/** The service says itself that it takes no writes, and goes on being ready for reads. */
const saysReadOnly =
  (owner: ServiceName) =>
  async (node: ProcessesNode, { load, find }: Surroundings): Promise<void> => {
    const state = await readinessOf(node.ops(owner)[0] ?? '');
    // The mailbox has no reads of its own: to receive is to lease.
    if (owner !== 'mailbox' && state?.ready !== true) find(`${owner} is not ready for reads`);
    if (state?.write_ready !== false) find(`${owner} says it takes writes`);
    const reads = load.samples.filter(({ kind, at }) => kind !== 'receive' && at > load.now - 2_000);
    const failed = reads.filter(({ kind, status }) => READ_KINDS.has(kind) && (status === 0 || status >= 400));
    if (failed.length > 0) find(`${failed.length} reads failed while ${owner} took no writes`);
  };
const READ_KINDS: ReadonlySet<string> = new Set(['get', 'head', 'range', 'not_modified', 'name_read']);

const failing = (owner: Owner): Scenario =>
  onProcesses({
    name: `${owner}_fsync_failure`,
    what: `every fsync of ${owner} fails (EIO); it is started again on a sound disk`,
    seconds: 6,
    expects: readOnly(owner, 0.5),
    make: async ({ processes }) => {
      const end = await injectedCalls(processes.of(owner).pid, SYNCS, 'error=EIO');
      return async () => {
        await end();
        await processes.of(owner).end('SIGTERM');
        await processes.of(owner).start();
      };
    },
    during: saysReadOnly(owner),
  });

/** The disks of storage and mailbox: slow, unsteady, broken, full. */
export const diskScenarios: readonly Scenario[] = [
  onProcesses({
    name: 'storage_slow',
    what: 'every read and write of a file by storage takes 20 ms longer',
    seconds: 8,
    expects: [
      ...always({ recovery: 15 }),
      ...sound('outside'),
      // Fifty calls a second and thread is about what the load asks: what waits beyond its deadline is refused.
      { claim: 'failures', of: 'all', share: 0.1, during: 'fault' },
      { claim: 'slows', of: ['put'], share: 0.5, ms: 20 },
      ACCOUNTED,
    ],
    make: ({ processes }) => injectedCalls(processes.of('storage').pid, READS_AND_WRITES, 'delay_exit=20000'),
  }),
  ...(['storage', 'mailbox'] as const).map((owner) =>
    onProcesses({
      name: `${owner}_fsync_jitter`,
      what: `every third fsync of ${owner} takes ${SYNC_DELAY_MS} ms longer`,
      seconds: 8,
      expects: [
        ...always({ recovery: 10 }),
        ...sound('outside'),
        { claim: 'failures', of: 'all', share: 0.01, during: 'fault' },
        { claim: 'slows', of: WRITES_OF[owner], share: 0.2, ms: QUEUED_MS },
        { claim: 'p95', of: 'writes', ms: 2_500, during: 'fault' },
        ACCOUNTED,
      ],
      make: ({ processes }) =>
        injectedCalls(processes.of(owner).pid, SYNCS, `delay_exit=${SYNC_DELAY_MS * 1_000}:when=1+3`),
    }),
  ),
  failing('storage'),
  failing('mailbox'),
  onProcesses({
    name: 'storage_disk_full',
    what: 'the disk of storage full but for 64 MiB',
    seconds: 8,
    quickSeconds: 8,
    // Storage looks at its disk every few seconds.
    expects: readOnly('storage', 0.2),
    make: async (node) => {
      node.disk('storage').leave(LEFT_BYTES);
      return async () => node.disk('storage').restore();
    },
    during: saysReadOnly('storage'),
  }),
  onProcesses({
    name: 'mailbox_disk_full',
    what: 'the mailbox started again, and its disk full to the last byte',
    seconds: 8,
    quickSeconds: 8,
    expects: readOnly('mailbox', 0.01),
    make: async (node) => {
      // The log it had is written over and over within its size; the one of a new start has no room in it.
      const mailbox = node.processes.of('mailbox');
      await mailbox.end('SIGTERM');
      await mailbox.start();
      node.disk('mailbox').leave(FULL_BYTES);
      return async () => node.disk('mailbox').restore();
    },
  }),
];
