import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeKey } from '@macronode/keys';
import {
  ClaimGates,
  ClaimSource,
  ClaimTable,
  MESH_LIMITS,
  type MeshCounters,
  meshCounters,
  TokenBucket,
  TrustList,
} from '@macronode/mesh';
import { Lanes } from '@macronode/metrics';

const TTL_S = 86_400;
const SCORE = 0.8;
const BYTE = 256;
/** No bound on how fast envelopes come: the loop is to meet the gates that judge, not the two that say there are too many. */
const UNHURRIED = { perSecond: 1e9, burst: 1e9 };

/** The n-th IPv4 address of 10.0.0.0/8. */
export const addressOf = (n: number): string =>
  `10.${Math.floor(n / BYTE ** 2) % BYTE}.${Math.floor(n / BYTE) % BYTE}.${n % BYTE}`;

/** Fresh envelopes of one source, each of another address. */
export function signedEnvelopes(key: NodeKey, count: number): readonly Uint8Array[] {
  const source = new ClaimSource(key, Date.now);
  return Array.from({ length: count }, (_, n) => {
    const subject = addressOf(n);
    return source.sign({ kind: 'waf_reputation', subject, score: SCORE, reason: 'quota_storm', ttlS: TTL_S }).bytes;
  });
}

/** A trust list on disk with this one node. */
export function trustOf(key: NodeKey): TrustList {
  const folder = mkdtempSync(join(tmpdir(), 'macronode-bench-mesh-'));
  try {
    const file = join(folder, 'trust.txt');
    writeFileSync(file, `bench ${key.publicKeyHex}\n`);
    return TrustList.read(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Counters over shared memory, as the mesh thread has them. */
export const lanedCounters = (): MeshCounters => Lanes.create(meshCounters, 2).bind(1);

/** The receiving half of a node: gates over an empty table, and the bucket of a connection. */
export class Receiver {
  readonly counters = lanedCounters();
  readonly connection = new TokenBucket(UNHURRIED, Date.now());
  readonly #trust: TrustList;
  #gates: ClaimGates;

  constructor(trust: TrustList) {
    this.#trust = trust;
    this.#gates = this.#empty();
  }

  get gates(): ClaimGates {
    return this.#gates;
  }

  /** Begins with an empty table; the counters go on. */
  forget(): void {
    this.#gates = this.#empty();
  }

  #empty(): ClaimGates {
    const { perSecond: sourceEnvelopesPerSecond, burst: sourceBurst } = UNHURRIED;
    const limits = { ...MESH_LIMITS, sourceEnvelopesPerSecond, sourceBurst };
    const now = Date.now;
    const table = new ClaimTable({ limits, now });
    return new ClaimGates({ trust: this.#trust, table, counters: this.counters, limits, now });
  }
}
