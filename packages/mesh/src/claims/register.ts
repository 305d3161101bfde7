import { hash } from 'node:crypto';
import type { Envelope } from './claim.ts';
import { SEQ_PER_MS, kindByte } from './envelope.ts';
import type { SourceShelf } from './source-shelf.ts';

/** The name of a register: one source says one thing of one kind of one subject. */
export const registerKey = ({ kind, subject, source }: Pick<Envelope, 'kind' | 'subject' | 'source'>): string =>
  `${kindByte(kind)}${source}${subject}`;

/** What one source says of one kind of one subject, and where the table's indexes have it. */
export class Register {
  readonly key: string;
  readonly shelf: SourceShelf<Register>;
  /** Of the digest: the first byte of the hash of the key. */
  readonly bucket: number;
  /** Place in the heap of its shelf. */
  place = -1;
  envelope: Envelope;
  /** When it no longer holds, in ms since 1970. */
  endsAtMs: number;
  /**
   * When no older envelope of this register can pass the clock gate, in ms since 1970. As `seq` is never below made-at times
   * 1,024, an older envelope is dated before `seq / 1,024`, whatever the clock of its source did in between.
   */
  forgetAtMs: number;
  /** The halves of the first 8 bytes of the hash of the envelope. */
  hashHigh: number;
  hashLow: number;

  constructor(key: string, shelf: SourceShelf<Register>, envelope: Envelope, clockBehindMs: number) {
    this.key = key;
    this.shelf = shelf;
    this.bucket = hash('sha256', key, 'buffer')[0] ?? 0;
    this.envelope = envelope;
    this.endsAtMs = envelope.madeAtMs + envelope.ttlS * 1_000;
    this.forgetAtMs = envelope.seq / SEQ_PER_MS + clockBehindMs;
    const digest = hash('sha256', envelope.bytes, 'buffer');
    this.hashHigh = digest.readUInt32BE(0);
    this.hashLow = digest.readUInt32BE(4);
  }

  /** Until when it is worth its room: one taken back guards against the return of what it took back. */
  get worthUntilMs(): number {
    return this.envelope.revoked ? this.forgetAtMs : this.endsAtMs;
  }

  /** A vote against a node counts whoever cast it, as long as the list of this node has the voter: see ClaimTable. */
  get muted(): boolean {
    return this.shelf.distrusted && this.envelope.kind !== 'identity_revoked';
  }

  holds(nowMs: number): boolean {
    return !this.envelope.revoked && nowMs < this.endsAtMs;
  }
}

/** The total order of the envelopes of a register: negative when `a` is the older. */
export const compareEnvelopes = (a: Envelope, b: Envelope): number =>
  a.seq - b.seq || a.madeAtMs - b.madeAtMs || Buffer.compare(a.bytes, b.bytes);
