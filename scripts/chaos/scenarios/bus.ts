import { poll } from '../../poll.ts';
import { BusProbe } from '../../rig/bus-probe.ts';
import { ACCOUNTED, always, sound } from '../expectation.ts';
import { onProcesses, type Scenario } from '../scenario.ts';

/** Longer than 256 calls wait for two handlers of 50 ms. */
const CALL_TTL_MS = 8_000;

/** A neighbour on the same bus and Redis that is too slow, or wants too much: the node must not notice. */
export const busScenarios: readonly Scenario[] = [
  onProcesses({
    name: 'slow_consumers',
    what: 'a service on the same bus that reads hints slower than they come, and whose two handlers take 50 ms with hundreds waiting',
    seconds: 8,
    expects: [
      ...always({ recovery: 5 }),
      ...sound('outside'),
      { claim: 'failures', of: 'all', share: 0.01, during: 'run' },
      ACCOUNTED,
    ],
    make: async ({ medium }, { find }) => {
      const probe = new BusProbe(medium.network.url);
      await probe.start();
      const [fresh, calm] = [probe.slowReader({ pauseMs: 25 }), probe.flood({ callers: 200, ttlMs: CALL_TTL_MS })];
      return async () => {
        calm();
        fresh();
        if ((await probe.sum('bus_lagged_total')) === 0) find('no hint was ever missed, nor counted');
        await probe[Symbol.asyncDispose]();
      };
    },
  }),
  onProcesses({
    name: 'bus_overflow',
    what: 'a client on the same bus with twice as many calls as its bound of 256: half of them are refused with their own type, and counted',
    seconds: 8,
    expects: [
      ...always({ recovery: 5 }),
      ...sound('outside'),
      { claim: 'failures', of: 'all', share: 0.01, during: 'run' },
      ACCOUNTED,
    ],
    make: async ({ medium }, { find }) => {
      const probe = new BusProbe(medium.network.url, { inflightCalls: 256 });
      await probe.start();
      const stop = probe.flood({ callers: 512, ttlMs: CALL_TTL_MS });
      return async () => {
        stop();
        await poll('the last calls', CALL_TTL_MS * 2, () => probe.unanswered === 0);
        const [told, counted] = [probe.refused, await probe.sum('bus_overflow_total')];
        if (told === 0) find('nobody was refused');
        if (told !== counted) find(`${told} calls were refused, ${counted} were counted`);
        await probe[Symbol.asyncDispose]();
      };
    },
  }),
];
