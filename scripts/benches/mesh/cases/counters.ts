import { showMesh } from '@macronode/mesh';
import { counter, MetricsRegistry } from '@macronode/metrics';
import { Counter, Registry } from 'prom-client';
import { expectCount, keep, type MicroCase } from '../../micro/micro-case.ts';

const REQUESTS = 20_000_000;
const SEEDED_REQUESTS = 1_000_000;
const CLIENT = 'unknown';

/** Writes to cells a request costs when its client is known: one in the gateway, one in omnigate. */
export const WRITES_PER_HIT = 2;

/** Of omnigate: declared as it declares it. */
const scoredRequests = counter({ name: 'omnigate_scored_requests_total', help: 'Requests whose client has a score.' });

const emptyLoop = (operations: number): void => {
  let sum = 0;
  for (let i = 0; i < operations; i += 1) sum += i & 1;
  keep(sum);
};

export const countersCost: MicroCase = {
  name: 'counters_cost',
  what: 'the cells a request of a known client writes: mesh_score_lookups_total in the gateway, omnigate_scored_requests_total in omnigate',
  operations: REQUESTS,
  clock: 'cpu',
  prepare: (operations) => {
    const { scoreLookups } = showMesh(new MetricsRegistry().scope({})).counters;
    const scored = new MetricsRegistry().scope({}).bind({ scoredRequests }).scoredRequests;
    let done = 0;
    return {
      work: () => {
        let sum = 0;
        for (let i = 0; i < operations; i += 1) {
          sum += i & 1;
          scoreLookups.inc();
          scored.inc();
        }
        keep(sum);
        done += operations;
      },
      floor: () => emptyLoop(operations),
      check: () => expectCount('writes', scoreLookups.value() + scored.value(), done * WRITES_PER_HIT),
    };
  },
};

/** What the budget is there to keep out: one of the two counted by a name looked up in prom-client. */
export const countersSeeded: MicroCase = {
  name: 'counters_cost_seeded',
  what: 'the same with a counter of prom-client with a label in place of one of the cells: has to be found too dear',
  operations: SEEDED_REQUESTS,
  clock: 'cpu',
  prepare: (operations) => {
    const lookups = new Counter({
      name: 'mesh_score_lookups_total',
      help: 'Requests of known clients.',
      labelNames: ['client'],
      registers: [new Registry()],
    });
    const scored = new MetricsRegistry().scope({}).bind({ scoredRequests }).scoredRequests;
    let done = 0;
    return {
      work: () => {
        let sum = 0;
        for (let i = 0; i < operations; i += 1) {
          sum += i & 1;
          lookups.inc({ client: CLIENT });
          scored.inc();
        }
        keep(sum);
        done += operations;
      },
      floor: () => emptyLoop(operations),
      check: () => expectCount('writes', scored.value(), done),
    };
  },
};
