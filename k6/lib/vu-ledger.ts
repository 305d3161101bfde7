import type { MessageLedger } from '../flows/user.ts';

/** What is counted of the messages of a run; each is a counter of k6, `messages_…`. */
export const LEDGER_EVENTS = [
  'offered',
  'accepted',
  'delivered',
  'redelivered',
  'acknowledging',
  'acknowledged',
  'after_ack',
] as const;
export type LedgerEvent = (typeof LEDGER_EVENTS)[number];

/** Acknowledged ids a user remembers: a delivery after its acknowledgement comes soon, or it is found when topics are drained. */
const REMEMBERED = 1_024;

/** What one user of k6 knows of its own messages. Nothing leaves a user of k6 but counts, so each message is counted once. */
export class VuLedger implements MessageLedger {
  readonly #count: (event: LedgerEvent) => void;
  /** Delivered, and whether an acknowledgement was tried; until it is confirmed. */
  readonly #open = new Map<string, boolean>();
  readonly #acknowledged = new Set<string>();

  constructor(count: (event: LedgerEvent) => void) {
    this.#count = count;
  }

  offered(): void {
    this.#count('offered');
  }

  accepted(): void {
    this.#count('accepted');
  }

  delivered(id: string): void {
    if (this.#acknowledged.has(id)) this.#count('after_ack');
    else if (this.#open.has(id)) this.#count('redelivered');
    else {
      this.#open.set(id, false);
      this.#count('delivered');
    }
  }

  acknowledging(id: string): void {
    if (this.#open.get(id) !== false) return;
    this.#open.set(id, true);
    this.#count('acknowledging');
  }

  acknowledged(id: string): void {
    if (!this.#open.delete(id)) return;
    this.#count('acknowledged');
    this.#acknowledged.add(id);
    if (this.#acknowledged.size > REMEMBERED) {
      const [oldest] = this.#acknowledged;
      if (oldest !== undefined) this.#acknowledged.delete(oldest);
    }
  }
}
