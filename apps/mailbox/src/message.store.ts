import type { Delivery } from './receipt.ts';

export interface Sending {
  readonly msgId: string;
  readonly topic: string;
  readonly idemKey: string;
  readonly payload: Uint8Array;
  /** Content id of the payload. */
  readonly payloadHash: string;
  /** JSON of the attributes. */
  readonly attrs: string;
  /** Wall clock, ms. */
  readonly now: number;
  readonly dedupWindowMs: number;
  /** Messages a topic may hold. */
  readonly topicDepth: number;
  /** Bytes of payloads and attributes the store may hold, dead letters included. */
  readonly storeBytes: number;
}

export type Sent =
  | { readonly outcome: 'accepted' | 'duplicate'; readonly msgId: string }
  | { readonly outcome: 'mismatch' | 'depth' | 'bytes' };

export interface Leasing {
  readonly topic: string;
  readonly maxMessages: number;
  /** Bytes of payloads and attributes in all; the first message is leased whatever its size. */
  readonly maxBytes: number;
  readonly visibilityMs: number;
  /** Monotonic clock, ms. */
  readonly now: number;
  /** Wall clock, ms. */
  readonly wallNow: number;
  readonly maxAttempts: number;
}

export interface Leased extends Delivery {
  readonly msgId: string;
  /** Wall clock of acceptance, ms. */
  readonly ts: number;
  readonly payload: Uint8Array;
  readonly payloadHash: string;
  readonly attrs: string;
}

/** What running out of time did to leases. */
export interface Released {
  /** Leases that ended without an acknowledgement. */
  readonly timedOut: number;
  /** Those of them that had no attempt left, now dead letters. */
  readonly dead: number;
}

export interface LeaseResult extends Released {
  readonly messages: readonly Leased[];
}

export interface Acking {
  readonly deliveries: readonly Delivery[];
  /** Monotonic clock, ms. */
  readonly now: number;
  /** Wall clock, ms. */
  readonly wallNow: number;
}

/** `done`: acknowledged now; `repeat`: acknowledged before by this very delivery. */
export type Acked = 'done' | 'repeat' | 'receipt_stale' | 'not_found';

export interface Sweeping {
  /** Monotonic clock, ms. */
  readonly now: number;
  /** Wall clock, ms. */
  readonly wallNow: number;
  readonly maxAttempts: number;
  readonly dedupWindowMs: number;
  readonly retentionMs: number;
  readonly deadRetentionMs: number;
  /** Rows one sweep touches per kind: it shares the writer with sends. */
  readonly limit: number;
}

export interface Swept extends Released {
  /** Topics that have messages again, once each. */
  readonly readyTopics: readonly string[];
  /** Messages and dead letters past their retention. */
  readonly expired: number;
  /** Whether the limit cut it short. */
  readonly more: boolean;
}

/** Where every message ever accepted is: accepted = ready + inflight + acked + dead + expired, always. */
export interface Census {
  readonly accepted: number;
  readonly ready: number;
  readonly inflight: number;
  readonly acked: number;
  readonly dead: number;
  readonly expired: number;
  /** Bytes of payloads and attributes held. */
  readonly bytes: number;
}

/** Where messages live. Each method is one step: nothing comes between its checks and its writes. */
export abstract class MessageStore {
  /** The secret receipts are written with; the same after a restart. */
  abstract readonly receiptKey: Uint8Array;

  /** Resolves once the outcome is durable. */
  abstract send(sending: Sending): Promise<Sent>;

  /** The oldest messages that are ready, now leased. Leases of the topic that ran out count as ready. */
  abstract lease(leasing: Leasing): Promise<LeaseResult>;

  /** One result per delivery, in order; resolves once they are durable. */
  abstract ack(acking: Acking): Promise<readonly Acked[]>;

  /** Ends leases that ran out, moves messages without attempts left to the dead letters, drops what is past keeping. */
  abstract sweep(sweeping: Sweeping): Promise<Swept>;

  abstract census(): Census;

  /** Wall clock of acceptance of the oldest message that is ready, ms; undefined when none is. */
  abstract oldestReadyAt(): number | undefined;

  /** Whether the medium still takes writes. */
  abstract get writable(): boolean;

  abstract close(): Promise<void>;
}
