import type { DeadLetterReason, DeadLetters, LetterDetails } from './dead-letters.ts';
import type { Lane, OrderedLane } from './lane.ts';

export type { Lane, OrderedLane };

/** Whose ordered messages are read. */
export type OrderedSource =
  | { readonly kind: 'request'; readonly service: string }
  | { readonly kind: 'work'; readonly topic: string; readonly group: string };

/** Where a link stands; the reader counts as much as the writer. */
export type LinkStatus = 'connecting' | 'ready' | 'reconnecting' | 'closed';

/** One stream entry as a consumer receives it. */
export interface Delivery {
  readonly id: string;
  /** Frames, encoded by the codec; the bytes are the consumer's to keep until it settles the delivery. */
  readonly entry: Uint8Array;
  /** 1 on the first delivery; the medium's own count, so that a killed process counts too. */
  readonly attempt: number;
  /** What a consumer of the group wrote beside the entry; undefined when nobody did. */
  readonly note: string | undefined;
  /** Milliseconds since the append, by the medium's clock, never negative. */
  readonly ageMs: number;
  /** Of an ordered message: the id is unique in it. */
  readonly partition?: number;
}

/** A running pull on one stream by one consumer of a group. */
export interface Consumer {
  /** Credits became available: read on without waiting for the current block to end. */
  wake(): void;
  /** Acknowledges and deletes. Batched; never rejects (a lost settle is a redelivery). */
  settle(delivery: Delivery): void;
  /**
   * Writes a short text beside a pending entry, for whoever takes it next; it ends with the entry. False when the entry
   * is not this consumer's any more. Rejects with BusUnavailable or BusOutcomeUnknown.
   */
  note(delivery: Delivery, text: string): Promise<boolean>;
  /**
   * Gives the entry back unsettled, with a note where there is one to make: it is delivered again without waiting for
   * the idle time, and this delivery is not counted.
   */
  release(delivery: Delivery, note?: string): void;
  /**
   * Moves the entry, or one part of it, to the dead letters of the service with its original bytes. An entry that is
   * moved whole is settled. Rejects when it could not be written: the delivery is then still the consumer's.
   */
  deadLetter(delivery: Delivery, reason: DeadLetterReason, details?: LetterDetails): Promise<void>;
  /** Stops reading; what was delivered may still be settled. Resolves when no read is under way. */
  stop(): Promise<void>;
}

export interface ConsumeOptions {
  /** Frames the consumer can take now; 0 means do not read (backpressure stays in the stream, where admission sees it). */
  readonly credits: () => number;
  readonly onDelivery: (delivery: Delivery) => void;
}

/** Bounds of one stream, checked atomically with the append: a full stream refuses, it never trims what nobody has read. */
export interface StreamBounds {
  readonly maxFrames: number;
  readonly maxBytes: number;
}

/** A running read of one hint topic. */
export interface HintFollower {
  /** Number of the last hint published before the follower began (0 when there was none): the base of the lag count. */
  readonly after: number;
  stop(): Promise<void>;
}

/** A point-in-time reading of what is not delivered yet, and of the bound of the stream. */
export interface GroupReading {
  readonly depthFrames: number;
  readonly limitFrames: number;
  readonly limitBytes: number;
  /** Entries nobody has been given yet; undefined when the medium cannot say. */
  readonly lagEntries: number | undefined;
  /** Age of the oldest of them, in ms. */
  readonly lagMs: number;
  /** Consumers that are present. */
  readonly liveConsumers: number;
}

/** A point-in-time reading of one stream and its group, for metrics. */
export interface StreamReading {
  readonly stream: 'request' | 'work' | 'dead_letter' | 'inbox';
  readonly name: string;
  readonly lane: Lane | 'none';
  readonly depthEntries: number;
  readonly depthBytes: number;
  readonly pendingEntries: number;
  readonly oldestPendingMs: number;
  /** Of a stream with a bound and a group; undefined for inboxes and dead letters. */
  readonly group: GroupReading | undefined;
}

/**
 * The medium under a bus: a link moves encoded entries, it knows nothing of frames' meaning.
 * Both drivers (Redis Streams, in-process) keep the same promises and pass the same conformance suite.
 * Rejections: BusOverflow, BusUnavailable, BusNoResponders, BusOutcomeUnknown.
 */
export interface Link {
  readonly kind: 'redis' | 'in-process';
  start(): Promise<void>;
  /** Closes every connection. Consumers were stopped before. */
  close(): Promise<void>;
  status(): LinkStatus;
  onStatus(listener: (status: LinkStatus) => void): () => void;

  /** Appends to a service's request stream. Refuses: BusNoResponders when no consumer lives, BusOverflow at a bound. */
  appendRequest(service: string, lane: Lane, entry: Uint8Array, frames: number): Promise<void>;
  /** Last known number of live consumers of a service, at least 1: a burst is cut into as many entries, so that one consumer does not take it all. */
  liveConsumers(service: string): number;
  /** Joins the group of a service's request stream. The instance is present until `stop()` or until its lease ends. */
  consumeRequests(service: string, lane: Lane, instance: string, options: ConsumeOptions): Promise<Consumer>;

  /** Partitions of every ordered lane (count); the same for all who share the medium. */
  readonly partitions: number;
  /**
   * Reads what is ordered, as the only one for each partition it holds: instances share the partitions. A new holder begins
   * with what the former one did not settle, in order. A former holder that was paused for longer than its lease may still
   * run what it had: what it settles then counts no more.
   */
  consumeOrdered(source: OrderedSource, instance: string, options: ConsumeOptions): Promise<Consumer>;

  /** Creates this instance's inbox under a lease and delivers what arrives, in order. Inboxes are not acknowledged. */
  openInbox(instance: string, onEntry: (entry: Uint8Array) => void): Promise<{ close(): Promise<void> }>;
  /** Appends to an inbox; false when its owner is gone (nothing is created for it). */
  appendInbox(instance: string, entry: Uint8Array): Promise<boolean>;

  /** Work: a group per service, acknowledged, never trimmed, refused when full. Resolves after admission. */
  appendWork(topic: string, entry: Uint8Array, frames: number, lane?: OrderedLane): Promise<void>;
  consumeWork(topic: string, group: string, instance: string, options: ConsumeOptions): Promise<Consumer>;

  /** Hint: numbered by the append, capped in entries and bytes, read by every instance, never refused for a slow reader. */
  publishHint(topic: string, entry: Uint8Array): Promise<void>;
  /** `sequence` increases by one per hint of the topic; a gap is what was lost. Delivery begins behind `after`, the last one before. */
  followHints(topic: string, onEntry: (sequence: number, entry: Uint8Array) => void): Promise<HintFollower>;

  /** Marks a service as restarting (at most `ms`): callers then queue until their deadline instead of getting BusNoResponders. */
  markRestarting(service: string, ms: number): Promise<void>;

  /**
   * Claims ids of a service for at least `ttlMs`: true for each that nobody claimed before. At most 128 at once. A
   * rejection says that nothing is known of any of them.
   */
  claim(service: string, ids: readonly string[], ttlMs: number): Promise<readonly boolean[]>;

  /** The dead letters of a service (of a work group: the same name). Any link of the medium reads those of any service. */
  deadLetters(service: string): DeadLetters;

  readings(): Promise<readonly StreamReading[]>;
}
