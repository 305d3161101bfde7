import { NodeKey } from '@macronode/keys';
import { DROP_REASONS, type DropReason } from '@macronode/mesh';
import { expectCount, keep, type MicroCase, type Prepared } from '../../micro/micro-case.ts';
import { Receiver, signedEnvelopes, trustOf } from './envelopes.ts';

/** A signature takes 0.1 ms and more: a million of them would be minutes, and no nearer to the truth. */
const VERIFIED = 10_000;
const UNVERIFIED = 1_000_000;
/** Envelopes a run that needs no fresh ones goes round. */
const ROUND = 256;

function loopOver(
  receiver: Receiver,
  envelopes: readonly Uint8Array[],
  operations: number,
): Pick<Prepared, 'work' | 'floor'> {
  const count = envelopes.length;
  return {
    work: () => {
      const { gates, connection } = receiver;
      let sum = 0;
      for (let i = 0; i < operations; i += 1) {
        const bytes = envelopes[i % count];
        if (bytes !== undefined) sum += gates.receive(bytes, connection).outcome.length;
      }
      keep(sum);
    },
    floor: () => {
      let sum = 0;
      for (let i = 0; i < operations; i += 1) {
        const bytes = envelopes[i % count];
        if (bytes !== undefined) sum += bytes.length;
      }
      keep(sum);
    },
  };
}

/** Every envelope that came in, whatever became of it. */
const cameIn = ({ counters }: Receiver): number =>
  DROP_REASONS.reduce(
    (sum, reason) => sum + counters.claimsDropped.cell({ reason }).value(),
    counters.claimsReceived.value(),
  );

const dropped = ({ counters }: Receiver, reason: DropReason): number => counters.claimsDropped.cell({ reason }).value();

export const mergeAccept: MicroCase = {
  name: 'merge_accept',
  what: 'a fresh signed envelope through every gate into the table',
  operations: VERIFIED,
  clock: 'cpu',
  prepare: (operations) => {
    const key = NodeKey.ephemeral();
    const receiver = new Receiver(trustOf(key));
    return {
      fresh: () => receiver.forget(),
      ...loopOver(receiver, signedEnvelopes(key, operations), operations),
      check: () => expectCount('merged', receiver.counters.claimsReceived.value(), cameIn(receiver)),
    };
  },
};

export const mergeReplay: MicroCase = {
  name: 'merge_replay',
  what: 'an envelope the table holds already',
  operations: UNVERIFIED,
  clock: 'cpu',
  prepare: (operations) => {
    const key = NodeKey.ephemeral();
    const receiver = new Receiver(trustOf(key));
    const envelopes = signedEnvelopes(key, ROUND);
    for (const bytes of envelopes) receiver.gates.receive(bytes, receiver.connection);
    return {
      ...loopOver(receiver, envelopes, operations),
      check: () => expectCount('replay', dropped(receiver, 'replay') + ROUND, cameIn(receiver)),
    };
  },
};

export const mergeBadSignature: MicroCase = {
  name: 'merge_bad_signature',
  what: 'an envelope with one bit of its signature flipped',
  operations: VERIFIED,
  clock: 'cpu',
  prepare: (operations) => {
    const key = NodeKey.ephemeral();
    const receiver = new Receiver(trustOf(key));
    const envelopes = signedEnvelopes(key, ROUND).map((bytes) => {
      const flipped = Uint8Array.from(bytes);
      flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
      return flipped;
    });
    return {
      ...loopOver(receiver, envelopes, operations),
      check: () => expectCount('signature', dropped(receiver, 'signature'), cameIn(receiver)),
    };
  },
};
