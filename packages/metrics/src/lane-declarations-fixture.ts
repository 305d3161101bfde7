import { counter, gauge, histogram } from './declarations.ts';

const help = 'Help.';

/** What the tests of lanes count, in the threads of the tests and in those they start. */
export const laneDeclarations = Object.freeze({
  hits: counter({ name: 'hits_total', help }),
  drops: counter({ name: 'drops_total', help, labels: { reason: ['full', 'closed'] } }),
  peers: gauge({ name: 'known_peers', help }),
  waits: histogram({
    ...{ name: 'wait_seconds', help, labels: { kind: ['read', 'write'] } },
    ...{ buckets: [0.5, 1, 2], bucketsReason: 'A test.' },
  }),
});
