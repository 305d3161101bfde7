import { NameRecord } from '@macronode/contracts';
import { hashBytes } from '@macronode/content';

/** What a node acknowledged: what has to be there whatever happens. An answer that never came stands for nothing. */
export class Book {
  readonly objects: string[] = [];
  /** Highest acknowledged sequence number of each name. */
  readonly names = new Map<string, number>();
  /** Messages sent, and when each was first received and confirmed as acknowledged, in ms of the monotonic clock. */
  readonly sent = new Set<string>();
  readonly #received = new Set<string>();
  readonly #acknowledged = new Map<string, number>();
  readonly #inDoubt = new Set<string>();
  readonly #repeated = new Set<string>();
  readonly #findings = new Map<string, number>();

  objectStored(id: string): void {
    this.objects.push(id);
  }

  namePublished(name: string, seq: number): void {
    this.names.set(name, Math.max(seq, this.names.get(name) ?? 0));
  }

  messageSent(id: string, duplicate: boolean): void {
    if (this.sent.has(id) && !duplicate) this.found('a message id was given twice');
    this.sent.add(id);
  }

  /** `askedAt` is when the receive was sent: an acknowledgement confirmed before that has to keep the message away. */
  messageReceived(id: string, askedAt: number): void {
    this.#received.add(id);
    if ((this.#acknowledged.get(id) ?? Infinity) < askedAt) this.#repeated.add(id);
  }

  messageAcknowledged(id: string): void {
    if (!this.#acknowledged.has(id)) this.#acknowledged.set(id, performance.now());
  }

  acknowledgementInDoubt(id: string): void {
    this.#inDoubt.add(id);
  }

  /** An answer that says something wrong. */
  found(what: string): void {
    this.#findings.set(what, (this.#findings.get(what) ?? 0) + 1);
  }

  get findings(): readonly string[] {
    return [...this.#findings].map(([what, count]) => (count === 1 ? what : `${what} (${count} times)`));
  }

  /** Ids of messages that came again after their confirmed acknowledgement. */
  get repeated(): number {
    return this.#repeated.size;
  }

  get undelivered(): number {
    return [...this.sent].filter((id) => !this.#received.has(id)).length;
  }

  /** Messages whose acknowledgement was neither confirmed nor left in doubt: an answer that never came may mean either. */
  get unacknowledged(): number {
    return [...this.sent].filter((id) => !this.#acknowledged.has(id) && !this.#inDoubt.has(id)).length;
  }

  isObjectWhole(id: string, bytes: Uint8Array): boolean {
    return hashBytes(bytes) === id;
  }

  /** Whether a stored record is the acknowledged one or a later one. */
  isNameKept(name: string, body: Buffer): boolean {
    const parsed = NameRecord.safeParse(JSON.parse(body.toString()));
    return parsed.success && parsed.data.record.seq >= (this.names.get(name) ?? 0);
  }
}
