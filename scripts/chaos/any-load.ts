import type { Client } from '../rig/client.ts';
import type { Sample } from './observation.ts';

/** What a run has of its load, whoever asks and for what. */
export interface AnyLoad {
  readonly client: Client;
  readonly samples: readonly Sample[];
  /** Ms since the load began. */
  readonly now: number;
  readonly book: { readonly repeated: number; readonly findings: readonly string[] };
  /** What the first reads ask for. Throws when the node does not take it. */
  seed(): Promise<void>;
  start(): void;
  /** No more arrivals; resolves when the last request is answered or given up. */
  stop(): Promise<void>;
  /** Asks for everything that was acknowledged; answers how much of it is lost. Only after `stop`. */
  audit(): Promise<number>;
}
