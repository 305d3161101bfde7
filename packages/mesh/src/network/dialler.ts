import type { Libp2p, PeerId } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { MeshLimits } from '../mesh-limits.ts';
import type { MeshCounters } from '../metrics.ts';
import { isTimeout } from './connection-counts.ts';

/** First wait after a failure, in ms; doubled with each, and drawn from 0 up to it: nodes that lost the same peer do not come back at once. */
const BACKOFF_MS = 500;
/** The shortest, in ms: a peer that closes at once is not dialled in a loop. */
const BACKOFF_MIN_MS = 100;
/** A connection that lived so long, in ms, was welcome: one that a peer does not want ends at once, and counts as a failure. */
const WELCOME_MS = 10_000;

type DialLimits = Pick<MeshLimits, 'dialMs' | 'redialMaxMs'>;

interface Target {
  readonly address: Multiaddr;
  failures: number;
  /** Who answered there last. */
  peer: PeerId | undefined;
  /** On the clock of `performance.now()`. */
  connectedAt: number;
  timer: NodeJS.Timeout | undefined;
  dialling: boolean;
}

/** Keeps a connection with each of the peers that were named, for as long as the mesh runs. */
export class Dialler {
  readonly #node: Libp2p;
  readonly #counters: Pick<MeshCounters, 'peerConnections'>;
  readonly #limits: DialLimits;
  readonly #targets: readonly Target[];
  readonly #stopped = new AbortController();

  constructor(
    node: Libp2p,
    addresses: readonly Multiaddr[],
    counters: Pick<MeshCounters, 'peerConnections'>,
    limits: DialLimits,
  ) {
    this.#node = node;
    this.#counters = counters;
    this.#limits = limits;
    this.#targets = addresses.map((address) => ({
      address,
      failures: 0,
      peer: undefined,
      connectedAt: 0,
      timer: undefined,
      dialling: false,
    }));
  }

  start(): void {
    for (const target of this.#targets) void this.#dial(target);
  }

  stop(): void {
    this.#stopped.abort();
    for (const { timer } of this.#targets) clearTimeout(timer);
  }

  /** A peer has no connection any more. */
  lost(peer: PeerId): void {
    for (const target of this.#targets) {
      if (target.peer?.equals(peer) !== true) continue;
      const welcome = performance.now() - target.connectedAt >= WELCOME_MS;
      target.failures = welcome ? 0 : target.failures + 1;
      this.#later(target);
    }
  }

  /** Dials everybody who is not there now: the trust list has changed. */
  again(): void {
    for (const target of this.#targets) {
      target.failures = 0;
      if (!this.#isThere(target) && !target.dialling) this.#later(target);
    }
  }

  #isThere({ peer }: Target): boolean {
    return peer !== undefined && this.#node.getConnections(peer).length > 0;
  }

  #later(target: Target): void {
    if (this.#stopped.signal.aborted) return;
    const most = Math.min(this.#limits.redialMaxMs, BACKOFF_MS * 2 ** target.failures);
    clearTimeout(target.timer);
    target.timer = setTimeout(() => void this.#dial(target), BACKOFF_MIN_MS + Math.random() * (most - BACKOFF_MIN_MS));
  }

  async #dial(target: Target): Promise<void> {
    if (target.dialling || this.#isThere(target)) return;
    target.dialling = true;
    const signal = AbortSignal.any([AbortSignal.timeout(this.#limits.dialMs), this.#stopped.signal]);
    try {
      const connection = await this.#node.dial(target.address, { signal });
      target.peer = connection.remotePeer;
      target.connectedAt = performance.now();
    } catch (error) {
      // One list may serve every node: who finds itself there stops looking.
      if (this.#stopped.signal.aborted || isSelf(error)) return;
      target.failures += 1;
      this.#counters.peerConnections.inc({ direction: 'outbound', result: isTimeout(error) ? 'timeout' : 'error' });
    } finally {
      target.dialling = false;
    }
    // Also after a success: the connection may be gone by now, and whoever tells of that found no peer to tell of.
    if (!this.#isThere(target)) this.#later(target);
  }
}

function isSelf(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isSelf);
  return error instanceof Error && error.name === 'InvalidPeerIdError' && error.message.includes('self');
}
