import type { Clock } from '../clock.ts';
import { BusOverflow } from '../errors.ts';
import type { DeadLetterReason, LetterDetails } from '../dead-letters.ts';
import type { Consumer, ConsumeOptions, Delivery, StreamBounds } from '../link.ts';
import type { BuriedLetter } from './memory-group.ts';

interface Stored {
  readonly id: string;
  readonly entry: Uint8Array;
  readonly frames: number;
  readonly at: number;
  readonly partition: number;
  /** Groups that have not settled it. */
  open: number;
}

export interface MemoryOrderedOptions {
  readonly clock: Clock;
  readonly bounds: StreamBounds;
  readonly onDeadLetter: (letter: BuriedLetter, partition: number) => void;
}

/** What is ordered of one service or topic, in memory: each group has one holder at a time, which reads all partitions. */
export class MemoryOrdered {
  readonly #options: MemoryOrderedOptions;
  readonly #stored = new Set<Stored>();
  readonly #groups = new Map<string, Group>();
  #frames = 0;
  #bytes = 0;
  #number = 0;

  constructor(options: MemoryOrderedOptions) {
    this.#options = options;
  }

  /** Instances that read it. */
  get live(): number {
    return [...this.#groups.values()].reduce((sum, group) => sum + group.live, 0);
  }

  /** @param only the one group it is for, when it is sent again. */
  append(entry: Uint8Array, frames: number, partition: number, only?: string): void {
    const { clock, bounds } = this.#options;
    if (this.#frames + frames > bounds.maxFrames || this.#bytes + entry.length > bounds.maxBytes) {
      throw new BusOverflow('stream');
    }
    const at = clock.now();
    const id = `${Math.floor(at)}-${this.#number++}`;
    const groups = [...this.#groups].filter(([name]) => only === undefined || name === only);
    const stored: Stored = { id, entry, frames, at, partition, open: groups.length };
    this.#stored.add(stored);
    this.#frames += frames;
    this.#bytes += entry.length;
    for (const [, group] of groups) group.offer(stored);
  }

  consume(name: string, instance: string, options: ConsumeOptions): Consumer {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = new Group(name, this.#options, (stored) => this.#settled(stored));
      this.#groups.set(name, group);
      for (const stored of this.#stored) {
        stored.open += 1;
        group.offer(stored);
      }
    }
    return group.join(instance, options);
  }

  /** An instance is gone: what it held goes to the next one, from its first unsettled message on. */
  retire(instance: string): void {
    for (const group of this.#groups.values()) group.retire(instance);
  }

  #settled(stored: Stored): void {
    stored.open -= 1;
    if (stored.open > 0 || !this.#stored.delete(stored)) return;
    this.#frames -= stored.frames;
    this.#bytes -= stored.entry.length;
  }
}

class Group {
  readonly #name: string;
  readonly #options: MemoryOrderedOptions;
  readonly #onSettled: (stored: Stored) => void;
  readonly #attempts = new Map<string, number>();
  readonly #members: Member[] = [];
  /** Unsettled, in order; those before `#next` were delivered to the holder. */
  #queue: Stored[] = [];
  #next = 0;
  #scheduled = false;

  constructor(name: string, options: MemoryOrderedOptions, onSettled: (stored: Stored) => void) {
    this.#name = name;
    this.#options = options;
    this.#onSettled = onSettled;
  }

  get live(): number {
    return this.#members.filter(({ leaving }) => !leaving).length;
  }

  offer(stored: Stored): void {
    this.#queue.push(stored);
    this.schedule();
  }

  join(instance: string, options: ConsumeOptions): Consumer {
    const member = new Member(this, instance, options);
    this.#members.push(member);
    this.schedule();
    return member;
  }

  /** The holder is the first; it stays that until it has settled what it was given. */
  leave(member: Member): void {
    if (this.#members[0] !== member || this.#next === 0) this.#remove(member);
  }

  retire(instance: string): void {
    for (const member of this.#members.filter((each) => each.instance === instance)) this.#remove(member);
  }

  settle(member: Member, id: string): void {
    // Of one that lost its place nothing counts any more.
    if (this.#members[0] !== member) return;
    const at = this.#queue.findIndex((stored) => stored.id === id);
    const [stored] = at < 0 || at >= this.#next ? [] : this.#queue.splice(at, 1);
    if (stored === undefined) return;
    this.#next -= 1;
    this.#attempts.delete(id);
    this.#onSettled(stored);
    if (member.leaving && this.#next === 0) this.#remove(member);
  }

  deadLetter(member: Member, delivery: Delivery, reason: DeadLetterReason, details: LetterDetails): void {
    if (this.#members[0] !== member) return;
    const { attempts = delivery.attempt, corrId = '', traceparent = '' } = details;
    const frames = this.#queue.find(({ id }) => id === delivery.id)?.frames ?? 1;
    const letter = { group: this.#name, consumer: member.instance, entry: delivery.entry, frames, reason };
    this.#options.onDeadLetter({ ...letter, attempts, corrId, traceparent }, delivery.partition ?? 0);
    this.settle(member, delivery.id);
  }

  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    const [holder] = this.#members;
    while (holder !== undefined && !holder.leaving && holder.options.credits() > 0) {
      const stored = this.#queue[this.#next];
      if (stored === undefined) return;
      this.#next += 1;
      const attempt = (this.#attempts.get(stored.id) ?? 0) + 1;
      this.#attempts.set(stored.id, attempt);
      const { id, entry, at, partition } = stored;
      const ageMs = Math.max(0, this.#options.clock.now() - at);
      holder.options.onDelivery({ id, entry, attempt, note: undefined, ageMs, partition });
    }
  }

  #remove(member: Member): void {
    const at = this.#members.indexOf(member);
    if (at < 0) return;
    this.#members.splice(at, 1);
    if (at === 0) this.#next = 0;
    this.schedule();
  }
}

class Member implements Consumer {
  readonly instance: string;
  readonly options: ConsumeOptions;
  readonly #group: Group;
  leaving = false;

  constructor(group: Group, instance: string, options: ConsumeOptions) {
    this.#group = group;
    this.instance = instance;
    this.options = options;
  }

  wake(): void {
    this.#group.schedule();
  }

  settle(delivery: Delivery): void {
    this.#group.settle(this, delivery.id);
  }

  /** Nobody else runs a part of it: there is nothing to note. */
  note(): Promise<boolean> {
    return Promise.resolve(false);
  }

  release(): void {
    // What is ordered is tried again by its consumer, or by the next holder.
  }

  deadLetter(delivery: Delivery, reason: DeadLetterReason, details: LetterDetails = {}): Promise<void> {
    this.#group.deadLetter(this, delivery, reason, details);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.leaving = true;
    this.#group.leave(this);
    return Promise.resolve();
  }
}
