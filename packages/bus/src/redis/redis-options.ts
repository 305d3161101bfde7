import type { MetricsScope } from '@macronode/metrics';
import { LINK_BOUNDS } from '../bus-limits.ts';

const MIB = 1024 * 1024;

/** Bounds of what a `RedisLink` keeps in Redis and in flight. A full bound refuses; only hints and dead letters trim. */
export interface RedisLinkBounds {
  /** Frames one request or work stream holds. */
  readonly streamFrames: number;
  /** Bytes one request or work stream holds. */
  readonly streamBytes: number;
  /**
   * Longest time a request of the fast lane should wait for a consumer, in ms; 0 for any. While the first one nobody was
   * given is older, the stream takes no more, unless its service is restarting.
   */
  readonly requestWaitMs: number;
  /** Frames a request stream takes whatever the wait. */
  readonly requestFramesAnyway: number;
  /** Hints one topic keeps (entries). */
  readonly hintEntries: number;
  /** Bytes of hints one topic keeps. */
  readonly hintBytes: number;
  /** Dead letters one service keeps (entries). */
  readonly deadLetterEntries: number;
  /** Bytes of dead letters one service keeps. */
  readonly deadLetterBytes: number;
  /** Entries of one group delivered and not settled, over all its consumers. At the bound they read no more; nothing is refused or lost. */
  readonly groupPendingEntries: number;
  /** Entries that wait in one inbox. Its owner reads all the time: a full one means that the owner is stuck. */
  readonly inboxEntries: number;
  /** Bytes that wait in one inbox: twice the receive windows of a process, so that credit binds first. */
  readonly inboxBytes: number;
  /** Bytes sent to Redis and not confirmed yet. */
  readonly unconfirmedBytes: number;
}

export const DEFAULT_REDIS_BOUNDS: RedisLinkBounds = Object.freeze({
  streamFrames: LINK_BOUNDS.streamFrames,
  streamBytes: LINK_BOUNDS.streamBytes,
  requestWaitMs: LINK_BOUNDS.requestWaitMs,
  requestFramesAnyway: LINK_BOUNDS.requestFramesAnyway,
  hintEntries: LINK_BOUNDS.hintEntries,
  hintBytes: LINK_BOUNDS.hintBytes,
  deadLetterEntries: LINK_BOUNDS.deadLetterEntries,
  deadLetterBytes: LINK_BOUNDS.deadLetterBytes,
  groupPendingEntries: LINK_BOUNDS.groupPendingEntries,
  inboxEntries: 16_384,
  inboxBytes: 128 * MIB,
  unconfirmedBytes: 64 * MIB,
});

/** Every time a `RedisLink` knows, in ms. Tests shorten them; production has no reason to. */
export interface RedisLinkTimings {
  /** One blocking read. Bounded, because a read of a deleted stream is not always woken. */
  readonly block: number;
  /** One blocking read of a loop that had nothing to do for `idleAfter`. */
  readonly idleBlock: number;
  readonly idleAfter: number;
  /** A blocking read that is this much over its time is given up, and its connection with it. */
  readonly watchdogGrace: number;
  /** A command without an answer by then has an unknown outcome. */
  readonly command: number;
  /** A write that certainly did not run, because its shard is being moved, is sent again for this long. */
  readonly redirect: number;
  readonly connect: number;
  /** A connection that is not ready by then is thrown away and made anew. */
  readonly stuckConnection: number;
  /** `start()` fails when Redis is not reached by then. */
  readonly start: number;
  /** Presence of a consumer without a heartbeat. */
  readonly presence: number;
  readonly heartbeat: number;
  /** Life of an inbox without renewal. */
  readonly inboxLease: number;
  readonly inboxRenew: number;
  readonly reclaimEvery: number;
  /** Between two looks at a stream that had nothing pending. */
  readonly reclaimIdleEvery: number;
  /** Silence after which an entry is taken from its consumer; above the longest deadline of a call. */
  readonly reclaimMinIdle: number;
  readonly janitorEvery: number;
  /** `close()` waits this long for settlements under way. */
  readonly close: number;
}

export const DEFAULT_REDIS_TIMINGS: RedisLinkTimings = Object.freeze({
  block: 2_000,
  idleBlock: 10_000,
  idleAfter: 30_000,
  watchdogGrace: 1_000,
  command: 2_000,
  redirect: 1_000,
  connect: 5_000,
  stuckConnection: 15_000,
  start: 10_000,
  presence: 15_000,
  heartbeat: 5_000,
  inboxLease: 30_000,
  inboxRenew: 10_000,
  reclaimEvery: 5_000,
  reclaimIdleEvery: 20_000,
  reclaimMinIdle: 15_000,
  janitorEvery: 120_000,
  close: 2_000,
});

/** Why a read loop had to begin again. */
export const LOOP_FAULTS = Object.freeze([
  'connection',
  'watchdog',
  'no_group',
  'unblocked',
  'loading',
  'readonly',
  'out_of_memory',
  'cluster',
  'busy_script',
  'other',
] as const);
export type LoopFault = (typeof LOOP_FAULTS)[number];

/** What a link tells beside its answers, for metrics and the log. Never carries payloads. */
export type RedisLinkEvent =
  /** The shard stands elsewhere now (slot moved, primary changed): the connection goes there. */
  | { readonly type: 'moved'; readonly role: string }
  /** A connection came back after it was lost. */
  | { readonly type: 'reconnected'; readonly role: string }
  | { readonly type: 'loop_restarted'; readonly role: string; readonly fault: LoopFault; readonly message: string }
  /** A blocking read was given up. */
  | { readonly type: 'watchdog_fired'; readonly role: string }
  /** A client was thrown away and made anew. */
  | { readonly type: 'connection_replaced'; readonly role: string }
  | { readonly type: 'reclaimed'; readonly stream: string; readonly entries: number }
  | { readonly type: 'dead_lettered'; readonly service: string; readonly reason: string; readonly dropped: number }
  /** A consumer stopped reading: what its group may hold pending is used up. */
  | { readonly type: 'pending_limited'; readonly stream: string }
  /** The oldest hints of a topic made room. */
  | { readonly type: 'hints_trimmed'; readonly topic: string; readonly entries: number }
  /** Names of gone consumers were removed. */
  | { readonly type: 'consumers_removed'; readonly stream: string; readonly consumers: number }
  /** The inbox was gone (restart without data, or the lease ran out) and was made anew: replies may be lost. */
  | { readonly type: 'inbox_remade'; readonly instance: string }
  /** A listener of the link threw; the loop goes on. */
  | { readonly type: 'listener_failed'; readonly role: string; readonly message: string }
  /** Redis is set up in a way that can lose entries. */
  | { readonly type: 'misconfigured'; readonly message: string };

/** PEM contents for an address with TLS. Without `ca` the authorities Node.js trusts are asked. */
export interface RedisTls {
  readonly ca?: string | undefined;
  /** Certificate of this client, where the server asks for one; only together with `key`. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Name the server's certificate must be for, where it is not the host of the address. */
  readonly servername?: string | undefined;
}

export interface RedisLinkOptions {
  /**
   * One server (`redis://user:password@host:6379/0`), a primary kept by Sentinel
   * (`redis+sentinel://user:password@host:26379,host:26379/<name>`) or a cluster
   * (`redis+cluster://user:password@host:6379,host:6379`); `rediss…` is the same over TLS.
   */
  readonly url: string;
  readonly tls?: RedisTls | undefined;
  /**
   * Shards the keys are spread over (count, 1 to 64). Default 1, and 8 on a cluster. A shard stands on one slot, so that a
   * cluster of n nodes wants at least n of them. Every process of a deployment must be given the same number.
   */
  readonly shards?: number | undefined;
  /** Shard of a service, a topic or an inbox by its name, for those that shall not stand where their hash says. */
  readonly placement?: Readonly<Record<string, number>> | undefined;
  /** Names the connections (`bus:<name>:<role>` in CLIENT LIST); the service's name. */
  readonly name: string;
  /** First part of every key, when several deployments share one Redis. Default `bus`. */
  readonly namespace?: string | undefined;
  /** Partitions of every ordered lane (count, 1 to 64; default 8); the same in every process. */
  readonly partitions?: number | undefined;
  readonly bounds?: Partial<RedisLinkBounds> | undefined;
  readonly timings?: Partial<RedisLinkTimings> | undefined;
  /** Where the link counts what it tells through `onEvent`. */
  readonly metrics?: MetricsScope | undefined;
  /** For the log. */
  readonly onEvent?: ((event: RedisLinkEvent) => void) | undefined;
}
