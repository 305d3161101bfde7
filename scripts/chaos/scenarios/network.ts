import { ACCOUNTED, always, type Expectation, sound } from '../expectation.ts';
import { PacketLoss } from '../packet-loss.ts';
import { onProcesses, type Scenario } from '../scenario.ts';

/**
 * So many ms on every way to Redis and back together, half in each direction. A read is three messages over the bus, each
 * a way in and a way out, and a reader that has just asked again waits for one more: four round trips on average, seven
 * at worst. A read by name asks the index before; what comes near the deadline of a request (5 s) by that is refused.
 */
const latency = (roundTripMs: number, p95Ms: number, refused = 0.01): Scenario =>
  onProcesses({
    name: `latency_${roundTripMs}`,
    what: `${roundTripMs} ms more for every round trip of every service to Redis, half each way`,
    seconds: 8,
    expects: [
      ...always({ recovery: 10 }),
      ...sound('outside'),
      { claim: 'failures', of: 'reads', share: refused, during: 'fault' },
      { claim: 'slows', of: 'reads', share: 0.8, ms: 2 * roundTripMs },
      { claim: 'p95', of: 'reads', ms: p95Ms, during: 'fault' },
      ACCOUNTED,
    ],
    make: async ({ medium: { network } }) => {
      await network.poison('latency', { latency: roundTripMs / 2 });
      return () => network.heal();
    },
  });

/** Of a client in another region. */
const REGION_ONE_WAY_MS = 50;
/** Between the bounds the sources name, 1 and 3 %. */
const LOSS_PERCENT = 2;
const NARROW_KIB = 256;

const soundFar: Expectation = [
  { claim: 'slo', slo: 'object_get_latency_far', during: 'run' },
  { claim: 'slo', slo: 'availability', during: 'run' },
];

/** The network between clients, services and Redis, through a real proxy or a real packet filter. */
export const networkScenarios: readonly Scenario[] = [
  latency(50, 1_200),
  latency(100, 2_000),
  latency(200, 4_000),
  latency(500, 8_000, 0.15),
  onProcesses({
    name: 'inter_region',
    what: `clients in another region: ${REGION_ONE_WAY_MS} ms each way between them and the gateway, ${2 * REGION_ONE_WAY_MS} ms for every round trip; the bus stays in its region`,
    seconds: 10,
    far: true,
    expects: [...always({ recovery: 5 }), ...soundFar, ACCOUNTED],
    make: async (_node, { front }) => {
      await front?.poison('latency', { latency: REGION_ONE_WAY_MS });
      return async () => front?.heal();
    },
  }),
  onProcesses({
    name: 'loss',
    what: `${LOSS_PERCENT} % of all packets between the network proxy and Redis dropped in each direction by a packet filter; TCP sends them again`,
    seconds: 10,
    expects: [
      ...always({ recovery: 10 }),
      ...sound('outside'),
      { claim: 'failures', of: 'all', share: 0.01, during: 'fault' },
      { claim: 'p95', of: 'reads', ms: 1_500, during: 'fault' },
      ACCOUNTED,
    ],
    make: async ({ medium }, { find }) => {
      const loss = await PacketLoss.at(medium.redis.process.port, LOSS_PERCENT);
      return async () => {
        if ((await loss.end()) === 0) find('no packet was dropped');
      };
    },
  }),
  onProcesses({
    name: 'partition',
    what: 'the network to Redis swallows everything and closes nothing',
    seconds: 60,
    quickSeconds: 8,
    expects: [...always({ recovery: 20 }), ...sound('outside'), { claim: 'bites', of: 'all', share: 0.8 }, ACCOUNTED],
    make: async ({ medium: { network } }) => {
      await network.poison('timeout', { timeout: 0 });
      return () => network.heal();
    },
  }),
  onProcesses({
    name: 'flapping',
    what: 'every connection to Redis cut each second and a half',
    seconds: 8,
    expects: [...always({ recovery: 15 }), ...sound('outside'), ACCOUNTED],
    make: async ({ medium: { network } }) => {
      const cut = setInterval(() => void network.cut().then(() => network.heal()), 1_500);
      return async () => {
        clearInterval(cut);
        await network.heal();
      };
    },
  }),
  onProcesses({
    name: 'bandwidth',
    what: `${NARROW_KIB} KiB a second each way on every connection to Redis`,
    seconds: 8,
    expects: [...always({ recovery: 15 }), ...sound('outside'), ACCOUNTED],
    make: async ({ medium: { network } }) => {
      await network.poison('bandwidth', { rate: NARROW_KIB });
      return () => network.heal();
    },
  }),
];
