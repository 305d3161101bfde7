import { canonicalAddress } from '@macronode/mesh';
import { expectCount, keep, type MicroCase } from '../../micro/micro-case.ts';
import { addressOf } from './envelopes.ts';
import { openAlone, standingsOf } from './opened-mesh.ts';

const LOOKUPS = 2_000_000;
/** Of an empty table, which is a comparison: more, so that they take time enough to be measured. */
const GUARDS = 50_000_000;
/** As many as a table holds. */
const KNOWN = 100_000;
/** As many connections as a gateway has requests of in flight at most, each with the text of its address. */
const CONNECTIONS = 1_024;
/** As many as it takes at all. */
const CONNECTIONS_MAX = 4_096;
/** What all of them need fits into the nearest caches. */
const CONNECTIONS_FEW = 64;
/** Coprime to the number of addresses: the connections are spread over the whole table. */
const STRIDE = 7_919;
const HALF_TTL_MS = 43_200_000;

/** What connections hold: texts of their own, not those of the table. From `first` on, so that they can be unknown to it. */
const heldAddresses = (count: number, first: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => {
    const address = canonicalAddress(`::ffff:${addressOf(first + ((n * STRIDE) % KNOWN))}`);
    if (address === undefined) throw new Error('no address');
    return address;
  });

interface Plan {
  readonly name: string;
  readonly what: string;
  /** Addresses known. */
  readonly known: number;
  /** The first address that asks. */
  readonly first?: number;
  readonly connections: number;
  readonly hits: boolean;
}

/** What a gateway calls for each request: the score, and one write when there is one. */
function lookupCase({ name, what, known, first = 0, connections, hits }: Plan): MicroCase {
  return {
    name,
    what,
    operations: known === 0 ? GUARDS : LOOKUPS,
    clock: 'cpu',
    prepare: async (operations) => {
      const opened = await openAlone();
      if (known > 0) {
        const nowMs = Date.now();
        const claims = [{ source: 1, score: 0.8, madeAtMs: nowMs, endsAtMs: nowMs + HALF_TTL_MS }];
        const standings = await standingsOf(opened);
        standings.apply(Array.from({ length: known }, (_, n) => ({ address: addressOf(n), claims })));
      }
      const addresses = heldAddresses(connections, first);
      const { mesh, counters } = opened;
      let done = 0;
      return {
        work: () => {
          let sum = 0;
          for (let i = 0; i < operations; i += 1) {
            const standing = mesh.lookup(addresses[i % connections] ?? '');
            if (standing !== undefined) sum += standing.sources;
          }
          keep(sum);
          done += operations;
        },
        floor: () => {
          let sum = 0;
          for (let i = 0; i < operations; i += 1) {
            const address = addresses[i % connections] ?? '';
            if (address !== '') sum += address.length;
          }
          keep(sum);
        },
        check: () => expectCount('hits', counters.scoreLookups.value(), hits ? done : 0),
        dispose: () => opened[Symbol.asyncDispose](),
      };
    },
  };
}

const FULL = `${KNOWN.toLocaleString('en')} addresses known`;

export const lookupHit = lookupCase({
  name: 'lookup_hit',
  what: `a lookup that hits, and its count; ${FULL}, ${CONNECTIONS.toLocaleString('en')} connections in turn`,
  ...{ known: KNOWN, connections: CONNECTIONS, hits: true },
});

export const lookupHitFew = lookupCase({
  name: 'lookup_hit_few',
  what: `the same with ${CONNECTIONS_FEW} connections in turn: what they need stays in the caches`,
  ...{ known: KNOWN, connections: CONNECTIONS_FEW, hits: true },
});

export const lookupHitMany = lookupCase({
  name: 'lookup_hit_many',
  what: `the same with ${CONNECTIONS_MAX.toLocaleString('en')} connections in turn: little of it does`,
  ...{ known: KNOWN, connections: CONNECTIONS_MAX, hits: true },
});

export const lookupMiss = lookupCase({
  name: 'lookup_miss',
  what: `a lookup of an address nothing is known of; ${FULL}`,
  ...{ known: KNOWN, first: KNOWN, connections: CONNECTIONS, hits: false },
});

export const lookupEmpty = lookupCase({
  name: 'lookup_empty',
  what: 'a lookup in an empty table',
  ...{ known: 0, connections: CONNECTIONS, hits: false },
});

/** The lookup of the budget. */
export const lookupCost: MicroCase = { ...lookupHit, name: 'lookup_cost' };
