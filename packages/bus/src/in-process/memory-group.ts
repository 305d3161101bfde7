import type { Clock } from '../clock.ts';
import type { LetterDetails } from '../dead-letters.ts';
import type { ConsumeOptions, Consumer, DeadLetterReason, Delivery } from '../link.ts';

/** An entry kept until every group has settled it. */
export interface Stored {
  readonly id: string;
  readonly entry: Uint8Array;
  readonly frames: number;
  readonly at: number;
  /** The only group it is meant for; undefined: every group of the stream. */
  readonly group: string | undefined;
  open: number;
}

export interface GroupOptions {
  readonly clock: Clock;
  /** A delivery whose consumer has ended is delivered again after this long, in ms. */
  readonly minIdleMs: number;
  /** Entries of one group delivered and not settled. At the bound nothing more is delivered. */
  readonly pendingEntries: number;
  /** The bound was met. */
  readonly onPendingLimited: () => void;
  /** Keeps a dead letter of `frames` messages. */
  readonly onDeadLetter: (letter: BuriedLetter) => void;
}

/** What a consumer puts aside. */
export interface BuriedLetter {
  readonly group: string;
  readonly consumer: string;
  readonly entry: Uint8Array;
  readonly frames: number;
  readonly reason: DeadLetterReason;
  readonly attempts: number;
  readonly corrId: string;
  readonly traceparent: string;
}

interface Pending {
  readonly stored: Stored;
  deliveredAt: number;
  attempt: number;
  note: string | undefined;
  owner: MemoryConsumer | undefined;
}

/** One group of a stream: each entry goes to one of its consumers, in turn, and stays pending until it is settled. */
export class MemoryGroup {
  readonly #name: string;
  readonly #options: GroupOptions;
  readonly #onSettled: (stored: Stored) => void;
  readonly #queue: Pending[] = [];
  readonly #pending = new Map<string, Pending>();
  readonly #consumers: MemoryConsumer[] = [];
  #turn = 0;
  #scheduled = false;
  #cancelReclaim: (() => void) | undefined;
  #closed = false;

  constructor(name: string, options: GroupOptions, onSettled: (stored: Stored) => void) {
    this.#name = name;
    this.#options = options;
    this.#onSettled = onSettled;
  }

  offer(stored: Stored): void {
    this.#queue.push({ stored, deliveredAt: 0, attempt: 0, note: undefined, owner: undefined });
    this.schedule();
  }

  join(instance: string, options: ConsumeOptions, onStop: () => void): Consumer {
    const consumer = new MemoryConsumer(this, this.#options.clock, instance, options, onStop);
    this.#consumers.push(consumer);
    this.schedule();
    return consumer;
  }

  leave(consumer: MemoryConsumer): void {
    const at = this.#consumers.indexOf(consumer);
    if (at >= 0) this.#consumers.splice(at, 1);
  }

  settle(id: string): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    this.#onSettled(pending.stored);
    this.schedule();
  }

  note(consumer: MemoryConsumer, id: string, text: string): boolean {
    const pending = this.#owned(consumer, id);
    if (pending !== undefined) pending.note = text;
    return pending !== undefined;
  }

  release(consumer: MemoryConsumer, id: string, note: string | undefined): void {
    const pending = this.#owned(consumer, id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    pending.attempt -= 1;
    pending.note = note ?? pending.note;
    this.#queue.unshift(pending);
    this.schedule();
  }

  deadLetter(consumer: MemoryConsumer, delivery: Delivery, reason: DeadLetterReason, details: LetterDetails): void {
    const pending = this.#owned(consumer, delivery.id);
    if (pending === undefined) return;
    const { part, attempts = delivery.attempt, corrId = '', traceparent = '' } = details;
    const { stored } = pending;
    const entry = part?.entry ?? stored.entry;
    const frames = part === undefined ? stored.frames : 1;
    const { instance } = consumer;
    this.#options.onDeadLetter({
      group: this.#name,
      consumer: instance,
      entry,
      frames,
      reason,
      attempts,
      corrId,
      traceparent,
    });
    if (part === undefined) this.settle(delivery.id);
    else pending.note = part.note;
  }

  #owned(consumer: MemoryConsumer, id: string): Pending | undefined {
    const pending = this.#pending.get(id);
    return pending?.owner === consumer ? pending : undefined;
  }

  pending(): { entries: number; oldestMs: number } {
    const now = this.#options.clock.now();
    let oldestMs = 0;
    for (const each of this.#pending.values()) oldestMs = Math.max(oldestMs, now - each.deliveredAt);
    return { entries: this.#pending.size, oldestMs };
  }

  schedule(): void {
    if (this.#scheduled || this.#closed || this.#queue.length === 0 || this.#consumers.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  close(): void {
    this.#closed = true;
    this.#cancelReclaim?.();
    this.#consumers.length = 0;
  }

  #deliver(): void {
    while (this.#queue.length > 0) {
      if (this.#pending.size >= this.#options.pendingEntries) return this.#options.onPendingLimited();
      const consumer = this.#nextConsumer();
      if (consumer === undefined) return;
      const pending = this.#queue.shift();
      if (pending === undefined) return;
      const now = this.#options.clock.now();
      pending.deliveredAt = now;
      pending.attempt += 1;
      pending.owner = consumer;
      this.#pending.set(pending.stored.id, pending);
      this.#watchIdle();
      const { id, entry, at } = pending.stored;
      const { attempt, note } = pending;
      consumer.options.onDelivery({ id, entry, attempt, note, ageMs: Math.max(0, now - at) });
    }
  }

  #nextConsumer(): MemoryConsumer | undefined {
    for (let tried = 0; tried < this.#consumers.length; tried += 1) {
      this.#turn = (this.#turn + 1) % this.#consumers.length;
      const consumer = this.#consumers[this.#turn];
      if (consumer !== undefined && consumer.options.credits() > 0) return consumer;
    }
    return undefined;
  }

  /** One timer per group, only while something is pending. */
  #watchIdle(): void {
    if (this.#closed) return;
    this.#cancelReclaim ??= this.#options.clock.after(Math.max(10, this.#options.minIdleMs / 4), () => {
      this.#cancelReclaim = undefined;
      this.#reclaim();
      if (this.#pending.size > 0) this.#watchIdle();
    });
  }

  #reclaim(): void {
    const now = this.#options.clock.now();
    for (const [id, pending] of this.#pending) {
      // A consumer that lives is still at work on it, however long that takes.
      const silentSince = pending.owner?.stoppedAt ?? now;
      if (now - silentSince < this.#options.minIdleMs) continue;
      this.#pending.delete(id);
      this.#queue.push(pending);
    }
    this.schedule();
  }
}

class MemoryConsumer implements Consumer {
  readonly instance: string;
  readonly options: ConsumeOptions;
  readonly #group: MemoryGroup;
  readonly #clock: Clock;
  readonly #onStop: () => void;
  #stoppedAt: number | undefined;

  constructor(group: MemoryGroup, clock: Clock, instance: string, options: ConsumeOptions, onStop: () => void) {
    this.#group = group;
    this.#clock = clock;
    this.#onStop = onStop;
    this.instance = instance;
    this.options = options;
  }

  /** Since when it reads no more; what it does not settle from then on is taken from it after the idle time. */
  get stoppedAt(): number | undefined {
    return this.#stoppedAt;
  }

  wake(): void {
    this.#group.schedule();
  }

  settle(delivery: Delivery): void {
    this.#group.settle(delivery.id);
  }

  note(delivery: Delivery, text: string): Promise<boolean> {
    return Promise.resolve(this.#group.note(this, delivery.id, text));
  }

  release(delivery: Delivery, note?: string): void {
    this.#group.release(this, delivery.id, note);
  }

  deadLetter(delivery: Delivery, reason: DeadLetterReason, details: LetterDetails = {}): Promise<void> {
    this.#group.deadLetter(this, delivery, reason, details);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    if (this.#stoppedAt === undefined) {
      this.#stoppedAt = this.#clock.now();
      this.#group.leave(this);
      this.#onStop();
    }
    return Promise.resolve();
  }
}
