import type { ServiceName } from '@macronode/contracts';
import { injectedCalls, SYNC_DELAY_MS, SYNCS } from '../../rig/injected-calls.ts';
import { stuttering } from '../../rig/rig-process.ts';
import { ACCOUNTED, always, type Expectation, sound, type Which } from '../expectation.ts';
import { onProcesses, type Scenario } from '../scenario.ts';

/** What stays well when a service is gone; nothing does without the first two. */
const SPARED: Readonly<Record<ServiceName, Which | undefined>> = {
  gateway: undefined,
  omnigate: undefined,
  index: ['get', 'head', 'range', 'not_modified', 'put', 'send', 'receive', 'ack'],
  storage: ['publish', 'send', 'receive', 'ack'],
  mailbox: ['get', 'head', 'range', 'not_modified', 'name_read', 'put', 'publish'],
  registry: 'all',
};

/** The rest goes on as if nothing were. A gateway that is gone counts nothing, and its clients are not answered. */
function around(service: ServiceName, bites: number): Expectation {
  const spared = SPARED[service];
  return [
    ...always({ recovery: 20, unanswered: service === 'gateway' }),
    ...sound('outside'),
    ...(spared === undefined
      ? [{ claim: 'bites', of: 'all', share: bites } as const]
      : [{ claim: 'failures', of: spared, share: 0.01, during: 'fault' } as const]),
    ...(service === 'gateway' ? [] : [ACCOUNTED]),
  ];
}

const SERVICES: readonly ServiceName[] = ['gateway', 'omnigate', 'index', 'storage', 'mailbox'];

/** Longer than the deadline of a request: until then the bus keeps what is sent to a service that is gone. */
const HELD = { seconds: 8, quickSeconds: 8 } as const;

const killed = (service: ServiceName): Scenario =>
  onProcesses({
    name: `${service}_killed`,
    what: `SIGKILL to ${service}; it is started again`,
    ...HELD,
    expects: around(service, service === 'gateway' ? 0.8 : 0.1),
    make: async ({ processes }) => {
      await processes.of(service).end('SIGKILL');
      return () => processes.of(service).start();
    },
  });

const paused = (service: ServiceName): Scenario =>
  onProcesses({
    name: `${service}_paused`,
    what: `SIGSTOP to ${service}`,
    ...HELD,
    // What is sent to a paused gateway late is still answered when it goes on.
    expects: around(service, service === 'gateway' ? 0 : 0.1),
    make: async ({ processes }) => {
      processes.of(service).signal('SIGSTOP');
      return async () => processes.of(service).signal('SIGCONT');
    },
  });

const KILLS = 3;

/** Processes killed, paused, and started again by hand. */
export const processScenarios: readonly Scenario[] = [
  ...SERVICES.map(killed),
  ...SERVICES.map(paused),
  onProcesses({
    name: 'killed_mid_commit',
    what: `SIGKILL to storage, index and mailbox while each fsync takes ${SYNC_DELAY_MS} ms, so that commits are under way; ${KILLS} times, started again each time`,
    seconds: 0,
    expects: [...always({ recovery: 20 }), ...sound('outside'), ACCOUNTED],
    make: async ({ processes }) => {
      const owners = (['storage', 'index', 'mailbox'] as const).map((service) => processes.of(service));
      for (let i = 0; i < KILLS; i += 1) {
        const slow = await Promise.all(
          owners.map(({ pid }) => injectedCalls(pid, SYNCS, `delay_enter=${SYNC_DELAY_MS * 1_000}`)),
        );
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        await Promise.all(owners.map((one) => one.end('SIGKILL')));
        await Promise.all(slow.map((end) => end()));
        await Promise.all(owners.map((one) => one.start()));
      }
      return () => Promise.resolve();
    },
  }),
  onProcesses({
    name: 'event_loop_stalled',
    what: 'the gateway runs 400 ms of each second',
    seconds: 8,
    expects: [
      ...always({ recovery: 10 }),
      ...sound('outside'),
      { claim: 'failures', of: 'all', share: 0.01, during: 'fault' },
      { claim: 'slows', of: 'reads', share: 0.3, ms: 100 },
      { claim: 'p95', of: 'reads', ms: 1_500, during: 'fault' },
      ACCOUNTED,
    ],
    make: async ({ processes }) => stuttering(processes.of('gateway'), 600, 400),
  }),
  onProcesses({
    name: 'cold_start_burst',
    what: 'SIGKILL to all six services; all are started at once under load, and three hundred reads come at once when the gateway is ready',
    seconds: 0,
    expects: [...always({ recovery: 10, unanswered: true }), ...sound('outside')],
    make: async ({ processes }, { load }) => {
      await Promise.all(processes.all.map((one) => one.end('SIGKILL')));
      await Promise.all(processes.all.map((one) => one.start()));
      return () => load.burst(BURST);
    },
  }),
];

const BURST = 300;
