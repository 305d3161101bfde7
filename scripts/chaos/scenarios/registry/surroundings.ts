import { setTimeout as delay } from 'node:timers/promises';
import { injectedCalls, SYNC_DELAY_MS, SYNCS } from '../../../rig/injected-calls.ts';
import { ACCOUNTED, always, readsGoOn, soundLog } from '../../expectation.ts';
import { onLog, onProcesses, type Scenario } from '../../scenario.ts';
import { hintsPaused, STALLED_CLIENTS } from './hints-paused.ts';

const KILLS = 3;
const COMMIT_P95_MS = 750;
/** Of a client in another region. */
const REGION_ONE_WAY_MS = 50;
const FAR_P95_MS = 200;

/** Who listens, who carries the word, and the process itself. */
export const surroundings: readonly Scenario[] = [
  onLog({
    name: 'listeners_stalled',
    what: `${STALLED_CLIENTS} clients of the event stream that take nothing more once they were answered, until each has lost its queue, and SIGSTOP to Redis, which carries the hints; versions are committed one after another, at the registry itself; then as many hints were counted as dropped as a listener on the bus was never told of, with the one that was on its way as Redis stopped`,
    seconds: 10,
    quickSeconds: 6,
    users: 'log_direct',
    expects: readsGoOn(
      { recovery: 5, codes: [429, 503] },
      { claim: 'failures', of: 'writes', share: 0.01, during: 'fault' },
      { claim: 'p95', of: ['commit'], ms: COMMIT_P95_MS, during: 'fault' },
    ),
    make: hintsPaused,
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
    what: `readers and signers in another region: ${REGION_ONE_WAY_MS} ms each way between them and the gateway, ${2 * REGION_ONE_WAY_MS} ms for every round trip`,
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
