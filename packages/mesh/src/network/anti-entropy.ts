import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import type { MeshLimits } from '../mesh-limits.ts';
import type { MeshCounters } from '../metrics.ts';
import { ConnectionBuckets } from './connection-buckets.ts';
import { answerSync, askSync, channelLimits, type SyncResult, type SyncTable } from './sync-exchange.ts';
import { SyncChannel } from './sync-frames.ts';

/** The protocol; another major of the schema of claims is another protocol. */
export const SYNC_PROTOCOL = '/macronode/claims-sync/1';
/** Syncs that follow one another because there is more, at most, in times of the pieces a full table has: not every one is full. */
const FOLLOWING = 2;
/** One sync follows another only while at least a fourth of what it brings is taken. */
const USEFUL_PART = 4;
/** Ms between two syncs out of turn. */
const HURRY_MS = 500;
/** Share by which a turn is early or late, so that nodes that start together do not sync together. */
const JITTER = 0.2;

/** What one sync came to. */
export interface SyncRound {
  readonly peer: string;
  readonly result: SyncResult | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** In ms since 1970. */
  readonly startedAt: number;
  readonly ms: number;
}

export interface AntiEntropyOptions {
  readonly node: Libp2p;
  /** The table as a sync with this peer sees it. */
  readonly tableFor: (connection: Connection) => SyncTable;
  readonly limits: MeshLimits;
  readonly counters: Pick<MeshCounters, 'syncRounds' | 'syncEnvelopes' | 'gossipBytesOut'>;
  readonly now: () => number;
  readonly onRound: (round: SyncRound) => void;
}

/**
 * Compares tables with peers and exchanges the envelopes that differ, as they were signed: gossip loses what was said while
 * a node was away, or cut off. A sync is one stream with one deadline; at most one to a peer and one from it at a time.
 */
export class AntiEntropy {
  readonly #options: AntiEntropyOptions;
  readonly #asking = new Set<string>();
  readonly #answering = new Set<string>();
  readonly #asked: ConnectionBuckets;
  readonly #stopped = new AbortController();
  #turn: NodeJS.Timeout | undefined;
  #hurry: NodeJS.Timeout | undefined;

  constructor(options: AntiEntropyOptions) {
    this.#options = options;
    const { syncsAskedPerSecond, syncsAskedBurst } = options.limits;
    this.#asked = new ConnectionBuckets({ perSecond: syncsAskedPerSecond, burst: syncsAskedBurst }, options.now);
  }

  async start(): Promise<void> {
    const answer = (stream: Stream, connection: Connection): void => void this.#answer(stream, connection);
    await this.#options.node.handle(SYNC_PROTOCOL, answer, { maxInboundStreams: 2, maxOutboundStreams: 2 });
    this.#next();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    clearTimeout(this.#turn);
    clearTimeout(this.#hurry);
    await this.#options.node.unhandle(SYNC_PROTOCOL);
  }

  /** A connection is new: whoever dialled asks, so that the two do not both. */
  connected(connection: Connection): void {
    if (connection.direction === 'outbound') void this.#askOn(connection);
  }

  /** Forgets what peers that are gone have asked for. */
  forget(connected: (peer: string) => boolean): void {
    this.#asked.forget(connected);
  }

  /**
   * Something was not looked at, so it may be missing here: gossip does not bring it a second time. Syncs soon with
   * somebody else.
   */
  hurry(notWith: string): void {
    this.#hurry ??= setTimeout(() => {
      this.#hurry = undefined;
      this.#askSomebody(notWith);
    }, HURRY_MS);
  }

  #next(): void {
    const { syncIntervalMs } = this.#options.limits;
    this.#turn = setTimeout(
      () => {
        this.#askSomebody();
        this.#next();
      },
      syncIntervalMs * (1 - JITTER + 2 * JITTER * Math.random()),
    );
  }

  #askSomebody(notWith?: string): void {
    const all = this.#options.node.getConnections().filter(({ status }) => status === 'open');
    const others = all.filter(({ remotePeer }) => remotePeer.toString() !== notWith);
    const connections = others.length > 0 ? others : all;
    const connection = connections[Math.floor(Math.random() * connections.length)];
    if (connection !== undefined) void this.#askOn(connection);
  }

  /** Goes on while there is more and something comes of it, at the pace the gates of the peer allow. */
  async #askOn(connection: Connection): Promise<void> {
    const peer = connection.remotePeer.toString();
    if (this.#asking.has(peer)) return;
    this.#asking.add(peer);
    try {
      const { syncEnvelopes, syncEnvelopesPerSecond, tableClaims } = this.#options.limits;
      // Both may be asking, and each side both gives and takes.
      const pauseMs = ((2 * syncEnvelopes) / syncEnvelopesPerSecond) * 1_000;
      for (let pieces = FOLLOWING * Math.ceil(tableClaims / syncEnvelopes); pieces > 0; pieces -= 1) {
        const result = await this.#ask(connection);
        if (result === undefined || !isWorthIt(result)) return;
        if (!(await this.#pause(pauseMs))) return;
      }
    } finally {
      this.#asking.delete(peer);
    }
  }

  /** False when the mesh has stopped meanwhile. */
  #pause(ms: number): Promise<boolean> {
    const { signal } = this.#stopped;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(true), ms);
    const stop = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    signal.addEventListener('abort', stop, { once: true });
    return promise.finally(() => signal.removeEventListener('abort', stop));
  }

  async #ask(connection: Connection): Promise<SyncResult | undefined> {
    const { counters } = this.#options;
    const signal = this.#deadline();
    const startedAt = this.#options.now();
    const from = performance.now();
    let result: SyncResult | undefined;
    let channel: SyncChannel | undefined;
    try {
      const stream = await connection.newStream(SYNC_PROTOCOL, { signal });
      channel = new SyncChannel(stream, channelLimits(this.#options.limits), signal);
      result = await this.#over(stream, channel, connection, signal, askSync);
      counters.syncRounds.inc({ result: result.same ? 'same' : 'differed' });
    } catch {
      // Why does not matter: the next turn asks again, and a peer that is gone is redialled elsewhere.
      if (!this.#stopped.signal.aborted) counters.syncRounds.inc({ result: 'failed' });
    }
    this.#options.onRound({
      peer: connection.remotePeer.toString(),
      result,
      bytesIn: channel?.bytesIn ?? 0,
      bytesOut: channel?.bytesOut ?? 0,
      startedAt,
      ms: performance.now() - from,
    });
    return result;
  }

  #deadline(): AbortSignal {
    return AbortSignal.any([AbortSignal.timeout(this.#options.limits.syncDeadlineMs), this.#stopped.signal]);
  }

  async #answer(stream: Stream, connection: Connection): Promise<void> {
    const peer = connection.remotePeer.toString();
    const { counters, limits } = this.#options;
    if (!this.#admits(peer)) {
      counters.syncRounds.inc({ result: 'answer_refused' });
      stream.abort(new Error('too many syncs'));
      return;
    }
    this.#answering.add(peer);
    const signal = this.#deadline();
    try {
      await this.#over(stream, new SyncChannel(stream, channelLimits(limits), signal), connection, signal, answerSync);
    } catch {
      // The peer broke off, or broke the protocol: its stream is reset, and its next sync begins anew.
      if (!this.#stopped.signal.aborted) counters.syncRounds.inc({ result: 'answer_failed' });
    } finally {
      this.#answering.delete(peer);
    }
  }

  #admits(peer: string): boolean {
    const { limits, now } = this.#options;
    if (this.#stopped.signal.aborted || this.#answering.has(peer)) return false;
    return this.#answering.size < limits.syncsAnswered && this.#asked.of(peer).take(now());
  }

  async #over(
    stream: Stream,
    channel: SyncChannel,
    connection: Connection,
    signal: AbortSignal,
    side: typeof askSync,
  ): Promise<SyncResult> {
    const { limits, counters, tableFor } = this.#options;
    const abort = (): void => stream.abort(new Error('the sync took too long'));
    signal.addEventListener('abort', abort, { once: true });
    try {
      const result = await side(channel, tableFor(connection), limits);
      await channel.close();
      await stream.close({ signal });
      return result;
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error(String(error)));
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
      const { envelopesIn, envelopesOut, envelopeBytesOut } = channel.tally;
      counters.syncEnvelopes.inc({ direction: 'in' }, envelopesIn);
      counters.syncEnvelopes.inc({ direction: 'out' }, envelopesOut);
      counters.gossipBytesOut.inc(envelopeBytesOut);
    }
  }
}

/** Where most of it is not taken, as the rate of a source is used up, it waits for the next turn: each costs a check. */
function isWorthIt({ more, merged, mergedThere, envelopesIn, envelopesOut }: SyncResult): boolean {
  return more && (merged + mergedThere) * USEFUL_PART >= envelopesIn + envelopesOut;
}
