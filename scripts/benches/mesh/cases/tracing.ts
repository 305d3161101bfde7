import { NodeKey } from '@macronode/keys';
import { ClaimSource, type Envelope, TraceBuffer } from '@macronode/mesh';
import { expectCount, keep, type MicroCase } from '../../micro/micro-case.ts';
import { branchCase } from './audit.ts';
import { addressOf } from './envelopes.ts';

/** As many as a buffer holds until it is told: once a second, so a node never gets to tell more. */
const BUFFERED = 1_024;
const ROUNDS = 1_000;
const ENVELOPES = 256;

const someEnvelopes = (): readonly Envelope[] => {
  const source = new ClaimSource(NodeKey.ephemeral(), Date.now);
  return Array.from({ length: ENVELOPES }, (_, n) =>
    source.sign({ kind: 'waf_reputation', subject: addressOf(n), score: 0.8, reason: 'quota_storm', ttlS: 3_600 }),
  );
};

export const tracingOff = branchCase('tracing_off', 'tracing off: one branch');

export const tracingClaims: MicroCase = {
  name: 'tracing_claims',
  what: 'tracing at debug: an event of a claim, with its share of the copy to the thread of requests',
  operations: BUFFERED * ROUNDS,
  clock: 'cpu',
  prepare: (operations) => {
    const { port1, port2 } = new MessageChannel();
    let told = 0;
    let done = 0;
    const trace = new TraceBuffer('claims', (events) => {
      told += events.claims.length + events.lost;
      port1.postMessage(events);
    });
    const envelopes = someEnvelopes();
    return {
      work: () => {
        for (let i = 0; i < operations; i += 1) {
          trace.claim('merged', envelopes[i % ENVELOPES]);
          if (i % BUFFERED === BUFFERED - 1) trace.flush();
        }
        trace.flush();
        done += operations;
      },
      floor: () => {
        let sum = 0;
        for (let i = 0; i < operations; i += 1) sum += envelopes[i % ENVELOPES]?.seq ?? 0;
        keep(sum);
      },
      check: () => expectCount('events told', told, done),
      dispose: () => {
        port1.close();
        port2.close();
        return Promise.resolve();
      },
    };
  },
};
