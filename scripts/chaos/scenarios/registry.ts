import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ROUTES } from '@macronode/contracts';
import { injectedCalls } from '../../rig/injected-calls.ts';
import { type Mend, repeating } from '../../rig/mend.ts';
import { descriptors, type RegistryDriver, RegistryRefused } from '../../rig/registry-driver.ts';
import { type HeldSigner, SignerGroup } from '../../rig/registry-signers.ts';
import { ACCOUNTED, always, type Claim, soundLog } from '../expectation.ts';
import type { LogLoad } from '../log-load.ts';
import { type ProcessesNode, readinessOf } from '../nodes.ts';
import { onLog, onProcesses, type Scenario, type Surroundings } from '../scenario.ts';

const SYNCS = ['fsync', 'fdatasync'] as const;
/** What SQLite and Node read and write files with. */
const READS_AND_WRITES = ['pread64', 'pwrite64', 'preadv', 'pwritev', 'preadv2', 'pwritev2'] as const;
/** Longer than a write may wait for the disk before the next one is refused. */
const SYNC_STALL_MS = 1_500;
const SYNC_DELAY_MS = 300;
/** A commit is dozens of them. */
const FILE_DELAY_MS = 5;
const KILLS = 3;
const STALLED_CLIENTS = 200;
const COMMIT_P95_MS = 750;
/** One way of a client in another region: 100 ms of round trip. */
const REGION_ONE_WAY_MS = 50;
const FAR_P95_MS = 200;
/** Far above what a head takes, far below what waiting for the writes would. */
const READS_P95_MS = 250;
const PROPOSAL_BYTES = 512;

type Seen = Surroundings<LogLoad>;

/** Reads go on as if nothing were. */
const READS_GREEN: readonly Claim[] = [
  { claim: 'failures', of: 'reads', share: 0.01, during: 'run' },
  { claim: 'p95', of: 'reads', ms: READS_P95_MS, during: 'fault' },
];

const first = ({ driver }: LogLoad): HeldSigner => {
  const [one] = driver.group.members;
  if (one === undefined) throw new Error('a log without signers');
  return one;
};

/** How a step of governance ended: its status and code; `200` when it was taken. Never rejects: it runs where nobody waits for it. */
async function ended(work: () => Promise<unknown>): Promise<{ status: number; code: string; retryAfter: string }> {
  try {
    await work();
    return { status: 200, code: 'ok', retryAfter: '' };
  } catch (error) {
    if (error instanceof RegistryRefused) return error;
    return { status: 0, code: String(error), retryAfter: '' };
  }
}

let proposed = 0;
/** A proposal nobody will approve. */
async function propose(driver: RegistryDriver, by: HeldSigner): ReturnType<typeof ended> {
  const outcome = await ended(async () => {
    const label = `storm-${process.pid}-${(proposed += 1)}`;
    const payload = await driver.payload({ kind: 'set', items: [...descriptors(label, PROPOSAL_BYTES)] });
    await driver.propose(payload, by);
  });
  if (outcome.code === 'chain_mismatch') driver.forget();
  return outcome;
}

/** So many who propose again as soon as they are answered; ending it answers how often each came out. */
function proposers(count: number, { driver }: LogLoad): { readonly seen: Map<string, number>; end: Mend } {
  const seen = new Map<string, number>();
  const loops = Array.from({ length: count }, (_, at) =>
    repeating(async () => {
      const by = driver.group.members[at % driver.group.members.length];
      if (by === undefined) throw new Error('a log without signers');
      const { status, code, retryAfter } = await propose(driver, by);
      const waits = status === 429 || status === 503;
      const how = waits && !/^[1-9]\d*$/.test(retryAfter) ? `${code} without Retry-After` : code;
      seen.set(how, (seen.get(how) ?? 0) + 1);
      if (waits) await delay(50);
    }),
  );
  return { seen, end: () => Promise.all(loops.map((end) => end())) };
}

/** Somebody was told to come again later, and nobody without being told when. */
function toldToWait(seen: ReadonlyMap<string, number>, codes: readonly string[], find: Seen['find']): void {
  const counts = [...seen].map(([code, count]) => `${count} ${code}`).join(', ');
  if (!codes.some((code) => seen.has(code))) find(`nobody was refused with ${codes.join(' or ')}: ${counts}`);
  const wrong = [...seen.keys()].filter((code) => code.endsWith('without Retry-After') || code.includes('Error'));
  for (const how of wrong) find(`${seen.get(how) ?? 0} x ${how}`);
}

const saysReadOnly = async (node: ProcessesNode, { find }: Seen): Promise<void> => {
  const state = await readinessOf(node.ops('registry')[0] ?? '');
  if (state?.ready !== true) find('the registry is not ready for reads');
  if (state?.write_ready !== false) find('the registry says it takes writes');
};

/** Those who govern the log: too many of them, too few, gone, and at odds. */
const governance: readonly Scenario[] = [
  onLog({
    name: 'governance_storm',
    what: 'eight clients propose as fast as they are answered, and nobody approves: more proposals than may be open; then one of them is approved and committed, which ends the others',
    seconds: 8,
    expects: [...always({ recovery: 5, codes: [409, 429, 503] }), ...soundLog('outside'), ...READS_GREEN, ACCOUNTED],
    make: async (_node, { load, find }) => {
      // Versions of the load would end the proposals of the storm before there are enough of them.
      await load.hold();
      const { seen, end } = proposers(8, load);
      return async () => {
        await end();
        toldToWait(seen, ['saturated'], find);
        const [one] = await load.driver.open();
        if (one === undefined) find('no proposal is open after a storm of them');
        else await load.driver.settle(one.proposal_id);
        const left = await load.driver.open();
        if (left.length > 0) find(`${left.length} proposals are still open after a commit`);
        load.release();
      };
    },
  }),
  onLog({
    name: 'signer_loss',
    what: 'one signer fewer than a commit takes; then one comes back, and a new set is put in the place of the old one by both',
    seconds: 8,
    quickSeconds: 8,
    expects: [
      ...always({ recovery: 5, codes: [409, 429, 503] }),
      ...soundLog('outside'),
      ...READS_GREEN,
      { claim: 'bites', of: ['commit'], share: 0.9 },
      ACCOUNTED,
    ],
    make: async (node, { load, find }) => {
      await load.holding(() => void (load.approving = node.signers.m - 1));
      const { version: before } = await load.driver.head();
      return async () => {
        await load.holding(async () => {
          const { version } = await load.driver.head();
          if (version !== before) find(`${version - before} versions were committed without a quorum`);
          const next = SignerGroup.make({ ...{ log: node.signers.log, n: 7, m: 3 }, prefix: `org:next-${version}` });
          await load.driver.rotate(next);
          load.govern(next);
          load.approving = Number.POSITIVE_INFINITY;
        });
      };
    },
  }),
  onLog({
    name: 'key_revoked',
    what: 'a proposal is approved by as many as it takes, a rotation removes one of them, and the proposal is committed; five times',
    seconds: 0,
    expects: [
      ...always({ recovery: 5, codes: [403, 409, 429, 503] }),
      ...soundLog('outside'),
      ...READS_GREEN,
      ACCOUNTED,
    ],
    make: async (node, { load, find }) => {
      for (let i = 0; i < 5; i += 1) await load.holding(() => revokeBetween(node, load, find, i));
      return () => Promise.resolve();
    },
  }),
  onLog({
    name: 'freeze_thaw',
    what: 'the log is frozen, and thawed',
    seconds: 8,
    quickSeconds: 8,
    expects: [
      ...always({ recovery: 3, codes: [429, 503] }),
      ...soundLog('outside'),
      ...READS_GREEN,
      { claim: 'bites', of: ['propose'], share: 0.9 },
      ACCOUNTED,
    ],
    make: async (node, { load, find }) => {
      await load.driver.freeze('an exercise');
      const { state } = await load.driver.signers();
      if (state !== 'frozen') find(`a frozen log says it is ${state}`);
      const { version } = await load.driver.head();
      return async () => {
        const { version: after } = await load.driver.head();
        // One that was under way as the log froze may have come to its end.
        if (after > version + 1) find(`${after - version} versions were committed while the log was frozen`);
        await load.driver.thaw('the exercise is over', first(load));
        if ((await load.driver.signers()).state !== 'open') find('a thawed log is not open');
        if ((await readinessOf(node.ops('registry')[0] ?? ''))?.ready !== true) find('the registry is not ready');
      };
    },
  }),
];

/** One removed from the set between its approval and the commit: the version it approved must never be. */
async function revokeBetween(node: ProcessesNode, load: LogLoad, find: Seen['find'], round: number): Promise<void> {
  const { driver } = load;
  const label = `revoked-${process.pid}-${round}`;
  const payload = await driver.payload({ kind: 'set', items: [...descriptors(label, PROPOSAL_BYTES)] });
  const quorum = driver.group.quorum(round);
  const [speaker, revoked] = quorum;
  if (speaker === undefined || revoked === undefined) throw new Error('a quorum of one cannot lose one');
  const { proposal_id: id } = await driver.propose(payload, speaker);
  for (const one of quorum) await driver.approve(id, one);
  const left = driver.group.members.filter(({ id: member }) => member !== revoked.id);
  const fresh = SignerGroup.make({ log: driver.group.log, n: 1, m: 1, prefix: `org:fresh-${Date.now()}-${round}` });
  const next = driver.group.with({ members: [...left, ...fresh.members] });
  await driver.rotate(next);
  load.govern(next);
  const late = await ended(() => driver.commit(id, speaker));
  if (late.code !== 'chain_mismatch' && late.code !== 'revoked_key')
    find(`a proposal with a revoked approval was answered ${late.status} ${late.code}`);
  const again = await ended(() => driver.approve(id, revoked, speaker));
  if (again.code === 'ok') find('a revoked key may still approve');
  const { payload_b3: head } = await driver.head();
  if (head === id || node.signers !== next) find('the head is what a revoked key approved');
}

/** The disk of the log: slow, unsteady, broken. */
const disk: readonly Scenario[] = [
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
    what: `every fsync of the registry takes ${SYNC_STALL_MS} ms longer while four more clients propose: writes are shed, reads are not`,
    seconds: 10,
    quickSeconds: 8,
    expects: [
      ...always({ recovery: 15, codes: [409, 429, 503, 504] }),
      ...soundLog('outside'),
      ...READS_GREEN,
      ACCOUNTED,
    ],
    make: async ({ processes }, { load, find }) => {
      const fast = await injectedCalls(processes.of('registry').pid, SYNCS, `delay_exit=${SYNC_STALL_MS * 1_000}`);
      const { seen, end } = proposers(4, load);
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
    expects: [
      ...always({ recovery: 10, codes: [429, 503, 504] }),
      ...soundLog('outside'),
      ...READS_GREEN,
      { claim: 'failures', of: 'writes', share: 0.02, during: 'fault' },
      { claim: 'slows', of: 'writes', share: 0.1, ms: SYNC_DELAY_MS },
      { claim: 'p95', of: ['commit'], ms: 2_500, during: 'fault' },
      ACCOUNTED,
    ],
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

/** Clients of the event stream that read nothing. */
async function stalledListeners(url: string, count: number): Promise<readonly Socket[]> {
  const { hostname, port, host } = new URL(url);
  const sockets = Array.from({ length: count }, () => connect(Number(port), hostname));
  await Promise.all(
    sockets.map(async (socket) => {
      await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
      socket.on('error', () => undefined);
      socket.write(`GET ${ROUTES.registryStream.template} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      socket.pause();
    }),
  );
  return sockets;
}

/** One counter of the registry, over all its labels. */
async function counted(node: ProcessesNode, name: string): Promise<number> {
  const text = await (await fetch(`${node.ops('registry')[0] ?? ''}/metrics`)).text();
  const lines = text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'));
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
}

/** Who listens, who carries the word, and the process itself. */
const surroundings: readonly Scenario[] = [
  onLog({
    name: 'listeners_stalled',
    what: `${STALLED_CLIENTS} clients of the event stream that read nothing, and SIGSTOP to Redis, which carries the hints; readers and signers ask the registry itself`,
    seconds: 10,
    quickSeconds: 6,
    users: 'log_direct',
    expects: [
      ...always({ recovery: 5, codes: [429, 503] }),
      ...soundLog('outside'),
      ...READS_GREEN,
      { claim: 'failures', of: 'writes', share: 0.01, during: 'fault' },
      { claim: 'p95', of: ['commit'], ms: COMMIT_P95_MS, during: 'fault' },
    ],
    make: async (node, { find }) => {
      const before = await counted(node, 'bus_overflow_dropped_total');
      const listeners = await stalledListeners(node.registryUrl, STALLED_CLIENTS);
      const redis = node.medium.pid();
      process.kill(redis, 'SIGSTOP');
      return async () => {
        const dropped = (await counted(node, 'bus_overflow_dropped_total')) - before;
        process.kill(redis, 'SIGCONT');
        for (const socket of listeners) socket.destroy();
        if (dropped === 0) find('no commit that could not be announced was counted');
      };
    },
  }),
  onLog({
    name: 'registry_killed',
    what: 'SIGKILL to the registry; it is started again',
    seconds: 8,
    quickSeconds: 8,
    expects: [
      ...always({ recovery: 20 }),
      ...soundLog('outside'),
      { claim: 'bites', of: 'reads', share: 0.5 },
      ACCOUNTED,
    ],
    make: async ({ processes }) => {
      await processes.of('registry').end('SIGKILL');
      return () => processes.of('registry').start();
    },
  }),
  onLog({
    name: 'registry_killed_mid_commit',
    what: `SIGKILL to the registry while each fsync takes ${SYNC_DELAY_MS} ms, so that commits are under way; ${KILLS} times, started again each time`,
    seconds: 0,
    expects: [...always({ recovery: 20, codes: [409, 429, 502, 503, 504] }), ...soundLog('outside'), ACCOUNTED],
    make: async ({ processes }, { load, find }) => {
      const registry = processes.of('registry');
      for (let i = 0; i < KILLS; i += 1) {
        const mend = await injectedCalls(registry.pid, SYNCS, `delay_enter=${SYNC_DELAY_MS * 1_000}`);
        await delay(1_500);
        await registry.end('SIGKILL');
        await mend();
        const { acknowledged } = load;
        await registry.start();
        const { version } = await load.driver.head();
        if (version < acknowledged) find(`the head is ${version} after a kill, and ${acknowledged} was acknowledged`);
      }
      return () => Promise.resolve();
    },
  }),
  onLog({
    name: 'registry_inter_region',
    what: 'readers and signers in another region: 50 ms each way between them and the gateway, 100 ms for every round trip',
    seconds: 10,
    far: true,
    expects: [
      ...always({ recovery: 5 }),
      { claim: 'slo', slo: 'availability', during: 'run' },
      { claim: 'slows', of: ['log_head'], share: 0.9, ms: 2 * REGION_ONE_WAY_MS },
      { claim: 'p95', of: ['log_head'], ms: FAR_P95_MS, during: 'fault' },
      { claim: 'p95', of: ['commit'], ms: COMMIT_P95_MS, during: 'fault' },
      ACCOUNTED,
    ],
    make: async (_node, { front }) => {
      await front?.poison('latency', { latency: REGION_ONE_WAY_MS });
      return async () => front?.heal();
    },
  }),
  onProcesses({
    name: 'registry_gone',
    what: 'SIGKILL to the registry while nobody asks for it: everything else goes on as if nothing were; it is started again',
    seconds: 8,
    quickSeconds: 4,
    expects: [
      ...always({ recovery: 5 }),
      { claim: 'slo', slo: 'availability', during: 'run' },
      { claim: 'failures', of: 'all', share: 0.01, during: 'run' },
      ACCOUNTED,
    ],
    make: async ({ processes }) => {
      await processes.of('registry').end('SIGKILL');
      return () => processes.of('registry').start();
    },
  }),
];

/** A log under the load of its readers and signers; after each, every acknowledged version is asked for and the log verified as a whole. */
export const registryScenarios: readonly Scenario[] = [...governance, ...disk, ...surroundings];
