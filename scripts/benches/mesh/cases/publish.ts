import { setImmediate as nextTurn } from 'node:timers/promises';
import { NodeKey } from '@macronode/keys';
import { type Claim, ClaimSource } from '@macronode/mesh';
import { expectCount, keep, type MicroCase } from '../../micro/micro-case.ts';
import { addressOf } from './envelopes.ts';
import { openAlone } from './opened-mesh.ts';

/** Below what the queue takes: none is refused. */
const QUEUED = 4_000;
const BATCHES = 5;
const SIGNED = 10_000;

const claimsFor = (count: number): readonly Claim[] =>
  Array.from({ length: count }, (_, n) => ({
    ...{ kind: 'waf_reputation', subject: addressOf(n), score: 0.8, reason: 'quota_storm', ttlS: 3_600 },
  }));

function publishCase(name: string, what: string, handOver: () => void | Promise<void>): MicroCase {
  return {
    name,
    what,
    operations: QUEUED,
    batches: BATCHES,
    clock: 'wall',
    prepare: async (operations) => {
      const opened = await openAlone();
      const { mesh, counters } = opened;
      const claims = claimsFor(operations);
      let done = 0;
      return {
        fresh: () => opened.settled(),
        work: () => {
          for (const claim of claims) if (mesh.publish(claim)) done += 1;
          return handOver();
        },
        floor: () => {
          let sum = 0;
          for (const claim of claims) sum += claim.subject.length;
          keep(sum);
        },
        check: () => expectCount('emitted', counters.claimsEmitted.value(), done),
        dispose: () => opened[Symbol.asyncDispose](),
      };
    },
  };
}

export const publishEnqueue = publishCase(
  'publish_enqueue',
  'a claim of this node put into the queue to the mesh thread, and its count',
  () => undefined,
);

export const publishHandOver = publishCase(
  'publish_hand_over',
  'the same with its share of handing the queue over: all that publishing costs the thread of requests',
  async () => {
    await nextTurn();
  },
);

export const sign: MicroCase = {
  name: 'publish_sign',
  what: 'signing a claim, in the mesh thread',
  operations: SIGNED,
  clock: 'cpu',
  prepare: (operations) => {
    const source = new ClaimSource(NodeKey.ephemeral(), Date.now);
    const claims = claimsFor(operations);
    let done = 0;
    return {
      work: () => {
        let sum = 0;
        for (const claim of claims) sum += source.sign(claim).bytes.length;
        keep(sum);
        done += operations;
      },
      floor: () => {
        let sum = 0;
        for (const claim of claims) sum += claim.subject.length;
        keep(sum);
      },
      check: () => {
        if (done === 0) throw new Error('nothing was signed');
      },
    };
  },
};
