import type { CounterCell } from '@macronode/metrics';
import type { Trust } from '../identity/trust-list.ts';
import type { MeshLimits } from '../mesh-limits.ts';
import type { MeshCounters } from '../metrics.ts';
import type { Envelope } from './claim.ts';
import type { ClaimTable } from './claim-table.ts';
import { decodeEnvelope, isSigned, seqMax } from './envelope.ts';
import { ClaimMalformed } from './malformed.ts';
import { DROP_REASONS } from './outcome.ts';
import type { DropReason, Outcome } from './outcome.ts';
import { TokenBucket } from './token-bucket.ts';
import type { TokenRate } from './token-bucket.ts';

/** What became of the bytes of one envelope. */
export interface Received {
  readonly outcome: Outcome;
  /** Only where its signature is known to be good: nothing is learnt from what anybody may have made up. */
  readonly envelope?: Envelope;
}

export interface GateOptions {
  /** Has this node too: its own claims come back from peers. */
  readonly trust: Trust;
  readonly table: ClaimTable;
  readonly counters: Pick<MeshCounters, 'claimsReceived' | 'claimsDropped' | 'gossipBytesIn'>;
  readonly limits: MeshLimits;
  /** In ms since 1970. */
  readonly now: () => number;
}

/**
 * What every envelope from the network passes on its way to the table, cheapest first; the first gate that stops it says
 * why. Two counter writes each: the bytes that came in, and what became of them.
 *
 * Until the signature is checked a source is only a name, so nothing before it costs the named source anything: a replay is
 * an envelope the table holds byte for byte, one that is merely older is `stale`, but only after it proved genuine. The rate
 * of a source is asked after that, and charged only for what changed the table: who sends old envelopes of another
 * again and again uses up nothing of its share.
 */
export class ClaimGates {
  readonly #trust: Trust;
  readonly #table: ClaimTable;
  readonly #limits: MeshLimits;
  readonly #now: () => number;
  readonly #sourceRate: TokenRate;
  /** Of sources in the trust list only, so no more than it has. */
  readonly #sources = new Map<string, TokenBucket>();
  readonly #bytesIn: CounterCell;
  readonly #merged: CounterCell;
  readonly #dropped: Readonly<Record<DropReason, CounterCell>>;

  constructor({ trust, table, counters, limits, now }: GateOptions) {
    this.#trust = trust;
    this.#table = table;
    this.#limits = limits;
    this.#now = now;
    this.#sourceRate = { perSecond: limits.sourceEnvelopesPerSecond, burst: limits.sourceBurst };
    this.#bytesIn = counters.gossipBytesIn;
    this.#merged = counters.claimsReceived;
    const cells = DROP_REASONS.map((reason) => [reason, counters.claimsDropped.cell({ reason })]);
    this.#dropped = Object.fromEntries(cells) as Record<DropReason, CounterCell>;
  }

  /** Takes what came in over a connection. Never throws for what is in it. */
  receive(bytes: Uint8Array, connection: TokenBucket): Received {
    const nowMs = this.#now();
    const received = this.#judge(bytes, connection, nowMs);
    this.#bytesIn.inc(bytes.length);
    if (received.outcome === 'merged') this.#merged.inc();
    else this.#dropped[received.outcome].inc();
    return received;
  }

  /** To be called when the trust list was read again: drops the claims of sources that left it. Answers how many went. */
  trustChanged(): number {
    for (const source of this.#sources.keys()) if (!this.#trust.has(source)) this.#sources.delete(source);
    return this.#table.retain((source) => this.#trust.has(source));
  }

  #judge(bytes: Uint8Array, connection: TokenBucket, nowMs: number): Received {
    if (!connection.take(nowMs)) return { outcome: 'connection_rate' };
    if (bytes.length > this.#limits.envelopeBytes) return { outcome: 'size' };
    const envelope = this.#decoded(bytes);
    if (envelope === undefined) return { outcome: 'malformed' };
    if (!this.#isTrusted(envelope)) return { outcome: 'untrusted' };
    if (this.#table.has(envelope)) return { outcome: 'replay', envelope };
    if (!isSigned(envelope)) return { outcome: 'signature' };
    if (!this.#isTimely(envelope, nowMs)) return { outcome: 'clock', envelope };
    const source = this.#source(envelope.source, nowMs);
    if (!source.holds(nowMs)) return { outcome: 'rate', envelope };
    const outcome = this.#table.merge(envelope);
    if (outcome === 'merged') source.take(nowMs);
    return { outcome, envelope };
  }

  #decoded(bytes: Uint8Array): Envelope | undefined {
    try {
      return decodeEnvelope(bytes, this.#limits);
    } catch (error) {
      if (error instanceof ClaimMalformed) return undefined;
      throw error;
    }
  }

  /** What a distrusted node says of the keys of others is still heard: see ClaimTable. */
  #isTrusted({ source, kind }: Envelope): boolean {
    return this.#trust.has(source) && (kind === 'identity_revoked' || !this.#table.distrusts(source));
  }

  #isTimely({ madeAtMs, seq }: Envelope, nowMs: number): boolean {
    const { clockAheadMs, clockBehindMs } = this.#limits;
    if (madeAtMs > nowMs + clockAheadMs || madeAtMs < nowMs - clockBehindMs) return false;
    return seq <= seqMax(nowMs, this.#limits);
  }

  #source(nodeId: string, nowMs: number): TokenBucket {
    let bucket = this.#sources.get(nodeId);
    if (bucket === undefined) {
      bucket = new TokenBucket(this.#sourceRate, nowMs);
      this.#sources.set(nodeId, bucket);
    }
    return bucket;
  }
}
