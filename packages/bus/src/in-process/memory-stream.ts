import type { Clock } from '../clock.ts';
import { BusOverflow } from '../errors.ts';
import type { ConsumeOptions, Consumer, DeadLetterReason, Delivery, StreamBounds } from '../link.ts';

const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 5_000;
const RATE_WINDOW_MS = 1_000;

/** An entry kept until every group has settled it. */
interface Stored {
  readonly id: string;
  readonly entry: Uint8Array;
  readonly frames: number;
  readonly at: number;
  open: number;
}

interface Pending {
  readonly stored: Stored;
  deliveredAt: number;
  attempt: number;
}

export interface StreamOptions {
  readonly clock: Clock;
  readonly bounds: StreamBounds;
  /** A delivery that is not settled for this long is delivered again, in ms. */
  readonly minIdleMs: number;
  readonly onDeadLetter: (group: string, delivery: Delivery, reason: DeadLetterReason) => void;
}

/** A stream in memory: ids of the form `ms-seq`, groups, pending entries, and bounds checked with the append. */
export class MemoryStream {
  readonly #options: StreamOptions;
  readonly #stored = new Map<string, Stored>();
  readonly #groups = new Map<string, MemoryGroup>();
  #frames = 0;
  #bytes = 0;
  #lastMs = 0;
  #seq = 0;
  #windowStart = 0;
  #windowSettled = 0;
  #drainPerSecond = 0;

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  get entries(): number {
    return this.#stored.size;
  }
  get frames(): number {
    return this.#frames;
  }
  get bytes(): number {
    return this.#bytes;
  }

  /** Appends, or throws BusOverflow with the time after which the depth should have drained. */
  append(entry: Uint8Array, frames: number): void {
    const { maxFrames, maxBytes } = this.#options.bounds;
    if (this.#frames + frames > maxFrames || this.#bytes + entry.length > maxBytes) {
      throw new BusOverflow('stream', this.#retryAfterMs());
    }
    const at = this.#options.clock.now();
    const stored: Stored = { id: this.#nextId(at), entry, frames, at, open: this.#groups.size };
    this.#stored.set(stored.id, stored);
    this.#frames += frames;
    this.#bytes += entry.length;
    for (const group of this.#groups.values()) group.offer(stored);
  }

  /** Joins a group; a new group begins with everything the stream still holds. */
  consume(group: string, options: ConsumeOptions, onStop: () => void): Consumer {
    return this.#group(group).join(options, onStop);
  }

  pendingOf(): { entries: number; oldestMs: number } {
    const readings = [...this.#groups.values()].map((group) => group.pending());
    return {
      entries: readings.reduce((sum, reading) => sum + reading.entries, 0),
      oldestMs: readings.reduce((oldest, reading) => Math.max(oldest, reading.oldestMs), 0),
    };
  }

  /** What no consumer has been given yet: the most of any group. */
  lag(): { entries: number; oldestMs: number } {
    const readings = [...this.#groups.values()].map((group) => group.lag());
    return {
      entries: readings.reduce((most, reading) => Math.max(most, reading.entries), 0),
      oldestMs: readings.reduce((oldest, reading) => Math.max(oldest, reading.oldestMs), 0),
    };
  }

  close(): void {
    for (const group of this.#groups.values()) group.close();
  }

  #group(name: string): MemoryGroup {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = new MemoryGroup(name, this.#options, (stored) => this.#settle(stored));
      this.#groups.set(name, group);
      for (const stored of this.#stored.values()) {
        stored.open += 1;
        group.offer(stored);
      }
    }
    return group;
  }

  #settle(stored: Stored): void {
    stored.open -= 1;
    if (stored.open > 0 || !this.#stored.delete(stored.id)) return;
    this.#frames -= stored.frames;
    this.#bytes -= stored.entry.length;
    this.#countSettled(stored.frames);
  }

  #nextId(at: number): string {
    const ms = Math.max(this.#lastMs, Math.floor(at));
    this.#seq = ms === this.#lastMs ? this.#seq + 1 : 0;
    this.#lastMs = ms;
    return `${ms}-${this.#seq}`;
  }

  #countSettled(frames: number): void {
    const now = this.#options.clock.now();
    if (now - this.#windowStart >= RATE_WINDOW_MS) {
      this.#drainPerSecond = (this.#windowSettled * 1_000) / (now - this.#windowStart);
      this.#windowStart = now;
      this.#windowSettled = 0;
    }
    this.#windowSettled += frames;
  }

  #retryAfterMs(): number {
    const rate = Math.max(this.#drainPerSecond, this.#windowSettled, 1);
    const jitter = 0.75 + Math.random() / 2;
    return Math.round(Math.min(RETRY_MAX_MS, Math.max(RETRY_MIN_MS, ((this.#frames * 1_000) / rate) * jitter)));
  }
}

/** One group of a stream: each entry goes to one of its consumers, in turn, and stays pending until it is settled. */
class MemoryGroup {
  readonly #name: string;
  readonly #options: StreamOptions;
  readonly #onSettled: (stored: Stored) => void;
  readonly #queue: Pending[] = [];
  readonly #pending = new Map<string, Pending>();
  readonly #consumers: MemoryConsumer[] = [];
  #turn = 0;
  #scheduled = false;
  #cancelReclaim: (() => void) | undefined;
  #closed = false;

  constructor(name: string, options: StreamOptions, onSettled: (stored: Stored) => void) {
    this.#name = name;
    this.#options = options;
    this.#onSettled = onSettled;
  }

  offer(stored: Stored): void {
    this.#queue.push({ stored, deliveredAt: 0, attempt: 0 });
    this.schedule();
  }

  join(options: ConsumeOptions, onStop: () => void): Consumer {
    const consumer = new MemoryConsumer(this, options, onStop);
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
  }

  deadLetter(delivery: Delivery, reason: DeadLetterReason): void {
    if (!this.#pending.has(delivery.id)) return;
    this.#options.onDeadLetter(this.#name, delivery, reason);
    this.settle(delivery.id);
  }

  pending(): { entries: number; oldestMs: number } {
    const now = this.#options.clock.now();
    let oldestMs = 0;
    for (const each of this.#pending.values()) oldestMs = Math.max(oldestMs, now - each.deliveredAt);
    return { entries: this.#pending.size, oldestMs };
  }

  lag(): { entries: number; oldestMs: number } {
    const [oldest] = this.#queue;
    const oldestMs = oldest === undefined ? 0 : this.#options.clock.now() - oldest.stored.at;
    return { entries: this.#queue.length, oldestMs };
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
      const consumer = this.#nextConsumer();
      if (consumer === undefined) return;
      const pending = this.#queue.shift();
      if (pending === undefined) return;
      const now = this.#options.clock.now();
      pending.deliveredAt = now;
      pending.attempt += 1;
      this.#pending.set(pending.stored.id, pending);
      this.#watchIdle();
      const { id, entry, at } = pending.stored;
      consumer.options.onDelivery({ id, entry, attempt: pending.attempt, ageMs: Math.max(0, now - at) });
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
      if (now - pending.deliveredAt < this.#options.minIdleMs) continue;
      this.#pending.delete(id);
      this.#queue.push(pending);
    }
    this.schedule();
  }
}

class MemoryConsumer implements Consumer {
  readonly options: ConsumeOptions;
  readonly #group: MemoryGroup;
  readonly #onStop: () => void;
  #stopped = false;

  constructor(group: MemoryGroup, options: ConsumeOptions, onStop: () => void) {
    this.#group = group;
    this.options = options;
    this.#onStop = onStop;
  }

  wake(): void {
    this.#group.schedule();
  }

  settle(delivery: Delivery): void {
    this.#group.settle(delivery.id);
  }

  release(): void {
    // Its idle time runs from the delivery on; nothing renews it here.
  }

  deadLetter(delivery: Delivery, reason: DeadLetterReason): Promise<void> {
    this.#group.deadLetter(delivery, reason);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    if (!this.#stopped) {
      this.#stopped = true;
      this.#group.leave(this);
      this.#onStop();
    }
    return Promise.resolve();
  }
}
