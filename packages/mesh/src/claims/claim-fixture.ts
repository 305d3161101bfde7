import { NodeKey } from '@macronode/keys';
import { countedCells } from '@macronode/metrics/counted-cells-fixture';
import type { Trust } from '../identity/trust-list.ts';
import { MESH_LIMITS } from '../mesh-limits.ts';
import type { MeshLimits } from '../mesh-limits.ts';
import { meshCounters } from '../metrics.ts';
import type { MeshCounters } from '../metrics.ts';
import { ClaimGates } from './claim-gates.ts';
import type { Claim, Envelope } from './claim.ts';
import { ClaimTable } from './claim-table.ts';
import { SEQ_PER_MS, signEnvelope } from './envelope.ts';
import type { Moment } from './envelope.ts';
import { DROP_REASONS } from './outcome.ts';
import { TokenBucket } from './token-bucket.ts';

/** The time at which the tests begin, in ms since 1970. */
export const START_MS = 1_790_000_000_000;

/** Keys that stay for the run: making one takes longer than a test case. */
export const KEYS: readonly NodeKey[] = Array.from({ length: 5 }, () => NodeKey.ephemeral());
export const STRANGER = NodeKey.ephemeral();

export const A_CLAIM: Claim = {
  kind: 'waf_reputation',
  subject: '192.0.2.7',
  score: 0.5,
  reason: 'quota_storm',
  ttlS: 600,
};

/** A claim as it travels, made at the start unless said otherwise. */
export function enveloped(key: NodeKey, claim: Partial<Claim> = {}, moment: Partial<Moment> = {}): Envelope {
  const madeAtMs = moment.madeAtMs ?? START_MS;
  const whole = { seq: madeAtMs * SEQ_PER_MS, revoked: false, ...moment, madeAtMs };
  return signEnvelope(key, { ...A_CLAIM, ...(whole.revoked ? { score: 0 } : {}), ...claim }, whole, MESH_LIMITS);
}

/** Trust in some keys, as a set that can change. */
class TrustedKeys implements Trust {
  readonly ids: Set<string>;
  constructor(keys: readonly NodeKey[]) {
    this.ids = new Set(keys.map((key) => key.publicKeyHex));
  }
  get size(): number {
    return this.ids.size;
  }
  has(nodeId: string): boolean {
    return this.ids.has(nodeId);
  }
  nameOf(nodeId: string): string | undefined {
    return this.has(nodeId) ? `node_${nodeId.slice(0, 4)}` : undefined;
  }
}

/** The receiving half of a node: gates, table and counters, under a clock of the test's. */
export class GatedNode {
  nowMs = START_MS;
  readonly trust = new TrustedKeys(KEYS);
  readonly #cells = countedCells(meshCounters);
  readonly counters: MeshCounters = this.#cells.handles;
  readonly table: ClaimTable;
  readonly gates: ClaimGates;
  readonly connection = new TokenBucket({ perSecond: 1, burst: 1e9 }, START_MS);

  constructor(limits: Partial<MeshLimits> = {}) {
    const whole = { ...MESH_LIMITS, ...limits };
    const now = (): number => this.nowMs;
    this.table = new ClaimTable({ limits: whole, now });
    this.gates = new ClaimGates({
      trust: this.trust,
      table: this.table,
      counters: this.counters,
      limits: whole,
      now,
    });
  }

  receive(envelope: Envelope | Uint8Array, connection: TokenBucket = this.connection): string {
    return this.gates.receive('bytes' in envelope ? envelope.bytes : envelope, connection).outcome;
  }

  /** Writes to counters so far. */
  writes(): number {
    return this.#cells.writes();
  }

  /** Counts of the ledger that are not 0. */
  ledger(): Readonly<Record<string, number>> {
    const counts = DROP_REASONS.map(
      (reason) => [reason, this.counters.claimsDropped.cell({ reason }).value()] as const,
    );
    const all = [['merged', this.counters.claimsReceived.value()] as const, ...counts];
    return Object.fromEntries(all.filter(([, count]) => count !== 0));
  }
}
