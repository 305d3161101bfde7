import { decodeEntry } from './wire/codec.ts';
import { FrameError } from './errors.ts';
import type { Lane } from './lane.ts';

/** Bounds of one look at dead letters: operators page, nobody reads a store of them at once. */
export const DEAD_LETTER_LIMITS = Object.freeze({
  /** Letters of one page, and of one call that drops several (count). */
  page: 100,
  /** Bytes of letters one such call passes over at most: the medium serves nobody else meanwhile. A page may end early for it. */
  passedBytes: 4 * 1024 * 1024,
});

/** Why an entry was put aside. */
export type DeadLetterReason = 'max_deliveries' | 'malformed' | 'no_handler' | 'rejected';

/** What is known of a dead letter without its bytes. */
export interface DeadLetterHead {
  /** Id of the letter among those of its service. */
  readonly id: string;
  /** Service, or work group, that could not handle it. */
  readonly service: string;
  readonly kind: 'request' | 'work';
  /** Service of a request, topic of work. */
  readonly name: string;
  /** Of a request. */
  readonly lane: Lane | 'none';
  readonly reason: DeadLetterReason;
  /** Runs it had before it was put aside. */
  readonly attempts: number;
  /** Instance that put it aside. */
  readonly consumer: string;
  /** Of the one message in it; empty where the entry is malformed or holds several. */
  readonly corrId: string;
  readonly traceparent: string;
  /** Messages in it (count). */
  readonly frames: number;
  readonly bytes: number;
  /** When it was put aside, in ms since 1970 by the medium's clock. */
  readonly at: number;
}

/** A dead letter with its original bytes, an OAP/1 entry unless the reason is `malformed`. */
export interface DeadLetter extends DeadLetterHead {
  readonly entry: Uint8Array;
}

export interface DeadLetterPage {
  readonly letters: readonly DeadLetterHead[];
  /** Where the next page begins (`after`); undefined behind the last letter. */
  readonly next: string | undefined;
}

/**
 * The dead letters of one service, oldest first. Kept up to a number and a size; at the bound the oldest are dropped,
 * which is counted. Rejections: BusUnavailable, BusOutcomeUnknown.
 */
export interface DeadLetters {
  /** One page: at most `limit` letters (1 to 100, default 100) behind the letter `after`. */
  list(options?: { readonly after?: string | undefined; readonly limit?: number | undefined }): Promise<DeadLetterPage>;
  /** One letter with its bytes; undefined when it is not there. */
  show(id: string): Promise<DeadLetter | undefined>;
  /**
   * Appends the original bytes again to the stream they came from, and removes the letter, in one step; false when it
   * is not there. Attempts begin anew; correlation id and trace are those of the original. Work goes only to the group
   * that had put it aside. A full stream refuses with BusOverflow, and the letter stays.
   */
  replay(id: string): Promise<boolean>;
  /** Removes one letter; false when it is not there. */
  drop(id: string): Promise<boolean>;
  /** Removes the oldest letters put aside at or before `at` (ms since 1970), at most `limit` (1 to 100); answers how many. */
  dropUntil(at: number, limit?: number): Promise<number>;
}

/** Details of a letter that the medium cannot see. */
export interface LetterDetails {
  /** Runs the message had; the delivery's own count when absent. */
  readonly attempts?: number | undefined;
  readonly corrId?: string | undefined;
  readonly traceparent?: string | undefined;
  /** Only this part of the entry is put aside, as an entry of its own; the rest stays pending with `note`. */
  readonly part?: { readonly entry: Uint8Array; readonly note: string } | undefined;
}

/** What can be read of one message without its body. */
export interface MessageHead {
  readonly subject: string;
  readonly corrId: string;
  readonly traceparent: string;
  readonly bytes: number;
}

/** The messages of an entry, for people; the fault when it is not OAP/1. */
export function readMessageHeads(entry: Uint8Array): { messages: readonly MessageHead[]; fault: string | undefined } {
  const frames = decodeEntry(entry);
  if (frames instanceof FrameError) return { messages: [], fault: frames.message };
  const messages = frames.map(({ route, corrId, traceparent, body }) => ({
    subject: route ?? '',
    corrId: corrId ?? '',
    traceparent: traceparent ?? '',
    bytes: body.length,
  }));
  return { messages, fault: undefined };
}

/** A limit of a page as it is used. */
export const pageLimit = (wanted: number | undefined): number =>
  Math.min(DEAD_LETTER_LIMITS.page, Math.max(1, Math.floor(wanted ?? DEAD_LETTER_LIMITS.page)));
