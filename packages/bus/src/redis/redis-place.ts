import type { Lane } from '../link.ts';
import type { CountedStream, StreamKeySet } from './stream-keys.ts';

/** What one consumer reads, and as whom. */
export interface ConsumerPlace {
  readonly kind: 'request' | 'work';
  /** Service, or topic. */
  readonly name: string;
  readonly lane: Lane | 'none';
  readonly keys: StreamKeySet;
  readonly deadLetters: CountedStream;
  /** Service whose dead letters these are. */
  readonly service: string;
  readonly group: string;
  readonly instance: string;
}
