// What a gateway costs while nobody asks it anything: a share of a core, which needs no pair to be seen.
import { setTimeout as delay } from 'node:timers/promises';
import { watchCpu } from '../../../measure/cpu.ts';
import { type Found, quantile, rounded, say, spread } from '../../registry/part.ts';
import type { Gateway } from './gateway.ts';
import type { Peers } from './peers.ts';
import { CLAIMS_PER_SECOND } from './saturated.ts';

const WINDOWS = 9;
/** What a mesh that idles may take of a core. */
const IDLE_PERCENT_MAX = 1;
const MICROS_PER_MS = 1_000;
const PERCENT = 100;

export interface Resting {
  readonly absent: Gateway;
  readonly idle: Gateway;
  /** Hears of as many claims as its peers make together. */
  readonly hearing: Gateway;
}

async function coreShare(gateway: Gateway, ms: number): Promise<number> {
  const from = performance.now();
  const end = watchCpu([{ name: 'gateway', pid: gateway.pid }]);
  await delay(ms);
  return ((end().micros['gateway'] ?? 0) / MICROS_PER_MS / (performance.now() - from)) * PERCENT;
}

/** Percent of a core without requests: mesh absent, idle without peers, and hearing of 100 claims a second; what one of these costs. */
export async function atRest({ absent, idle, hearing }: Resting, peers: Peers, ms: number): Promise<Found> {
  const shares = { absent: [] as number[], idle: [] as number[], hearing: [] as number[] };
  for (let window = 0; window < WINDOWS; window += 1) {
    shares.absent.push(await coreShare(absent, ms));
    shares.idle.push(await coreShare(idle, ms));
    await peers.say(CLAIMS_PER_SECOND);
    shares.hearing.push(await coreShare(hearing, ms));
    await peers.say(0);
  }
  const names = { absent: 'at rest: absent', idle: 'at rest: idle', hearing: 'at rest: 100 claims/s in' } as const;
  const cases = (['absent', 'idle', 'hearing'] as const).map((arm) => spread(names[arm], '% of a core', shares[arm]));
  for (const { case: name, median, min, max } of cases) say(`${name}: ${median} % of a core (${min} to ${max})`);
  const perClaim = shares.hearing.map(
    (share, at) => ((share - (shares.idle[at] ?? 0)) / PERCENT / (2 * CLAIMS_PER_SECOND)) * 1e6,
  );
  say(`a claim that comes in: ${rounded(quantile(perClaim, 0.5))} µs of CPU in all`);
  const idling = rounded(quantile(shares.idle, 0.5) - quantile(shares.absent, 0.5));
  return {
    cases: [...cases, spread('a claim that comes in, all of it', 'µs CPU', perClaim)],
    goals: [
      { name: 'at rest: idle over absent, % of a core', measured: idling, is: 'at most', bound: IDLE_PERCENT_MAX },
    ],
  };
}
