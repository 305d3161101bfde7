import { LINK_BOUNDS } from '../bus-limits.ts';
import { type Clock, systemClock } from '../clock.ts';
import { BusNoResponders, BusOverflow, BusUnavailable } from '../errors.ts';
import type {
  ConsumeOptions,
  Consumer,
  DeadLetterReason,
  Delivery,
  HintFollower,
  Lane,
  Link,
  LinkStatus,
  OrderedLane,
  OrderedSource,
  StreamBounds,
  StreamReading,
} from '../link.ts';
import { DEFAULT_PARTITIONS, partitionOf } from '../order.ts';
import { MemoryHints } from './memory-hints.ts';
import { MemoryOrdered } from './memory-ordered.ts';
import { MemoryStream } from './memory-stream.ts';

export interface InProcessLinkOptions {
  readonly clock?: Clock;
  /** Bounds of each request and work stream. */
  readonly bounds?: StreamBounds;
  /** A delivery not settled for this long is delivered again, in ms: above the longest deadline of a call, twice. */
  readonly minIdleMs?: number;
}

/** An instance's inbox. */
interface Inbox {
  readonly onEntry: (entry: Uint8Array) => void;
  readonly queue: Uint8Array[];
  bytes: number;
  scheduled: boolean;
}

const DEFAULT_BOUNDS: StreamBounds = Object.freeze({
  maxFrames: LINK_BOUNDS.streamFrames,
  maxBytes: LINK_BOUNDS.streamBytes,
});

/**
 * The medium of one process, shared by all its buses. Entries are the same bytes as on the Redis link, and every
 * delivery is a macrotask of its own, so nothing re-enters and nobody shares a mutable value.
 * Not promised: survival of a crash.
 */
export class InProcessLink implements Link {
  readonly kind = 'in-process';
  readonly partitions = DEFAULT_PARTITIONS;
  readonly #clock: Clock;
  readonly #bounds: StreamBounds;
  readonly #minIdleMs: number;
  readonly #requests = new Map<string, MemoryStream>();
  readonly #work = new Map<string, MemoryStream>();
  readonly #ordered = new Map<string, MemoryOrdered>();
  readonly #hints = new Map<string, MemoryHints>();
  readonly #inboxes = new Map<string, Inbox>();
  readonly #live = new Map<string, Map<string, number>>();
  readonly #restartingUntil = new Map<string, number>();
  readonly #deadLetters = new Map<string, { delivery: Delivery; reason: DeadLetterReason }[]>();
  readonly #listeners = new Set<(status: LinkStatus) => void>();
  #status: LinkStatus = 'connecting';

  constructor(options: InProcessLinkOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#bounds = options.bounds ?? DEFAULT_BOUNDS;
    this.#minIdleMs = options.minIdleMs ?? 60_000;
  }

  start(): Promise<void> {
    if (this.#status === 'connecting') this.#become('ready');
    return this.#status === 'closed' ? Promise.reject(new BusUnavailable('the link is closed')) : Promise.resolve();
  }

  close(): Promise<void> {
    for (const stream of [...this.#requests.values(), ...this.#work.values()]) stream.close();
    this.#inboxes.clear();
    this.#live.clear();
    this.#become('closed');
    return Promise.resolve();
  }

  status(): LinkStatus {
    return this.#status;
  }

  onStatus(listener: (status: LinkStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async appendRequest(service: string, lane: Lane, entry: Uint8Array, frames: number): Promise<void> {
    this.#assertReady();
    const partition = partitionOf(lane);
    const ordered = partition < 0 ? undefined : this.#orderedOf(`request ${service}`);
    const live = ordered?.live ?? this.#live.get(service)?.size ?? 0;
    const restarting = (this.#restartingUntil.get(service) ?? 0) > this.#clock.now();
    if (live === 0 && !restarting) throw new BusNoResponders(`no instance of ${service} is running`);
    if (ordered !== undefined) ordered.append(entry, frames, partition);
    else this.#stream(this.#requests, `${service}/${lane}`).append(entry, frames);
  }

  async consumeOrdered(source: OrderedSource, instance: string, options: ConsumeOptions): Promise<Consumer> {
    this.#assertReady();
    return source.kind === 'request'
      ? this.#orderedOf(`request ${source.service}`).consume(source.service, instance, options)
      : this.#orderedOf(`work ${source.topic}`).consume(source.group, instance, options);
  }

  liveConsumers(service: string): number {
    return Math.max(1, this.#live.get(service)?.size ?? 1);
  }

  async consumeRequests(service: string, lane: Lane, instance: string, options: ConsumeOptions): Promise<Consumer> {
    this.#assertReady();
    const leave = this.#enter(service, instance);
    return this.#stream(this.#requests, `${service}/${lane}`).consume(service, options, leave);
  }

  async openInbox(instance: string, onEntry: (entry: Uint8Array) => void): Promise<{ close(): Promise<void> }> {
    this.#assertReady();
    if (this.#inboxes.has(instance)) throw new BusUnavailable(`the inbox ${instance} is open already`);
    this.#inboxes.set(instance, { onEntry, queue: [], bytes: 0, scheduled: false });
    return {
      close: () => {
        this.#inboxes.delete(instance);
        for (const ordered of this.#ordered.values()) ordered.retire(instance);
        return Promise.resolve();
      },
    };
  }

  async appendInbox(instance: string, entry: Uint8Array): Promise<boolean> {
    this.#assertReady();
    const inbox = this.#inboxes.get(instance);
    if (inbox === undefined) return false;
    if (inbox.bytes + entry.length > 2 * this.#bounds.maxBytes) throw new BusOverflow('stream');
    inbox.queue.push(entry);
    inbox.bytes += entry.length;
    if (!inbox.scheduled) {
      inbox.scheduled = true;
      setImmediate(() => this.#deliverInbox(instance, inbox));
    }
    return true;
  }

  async appendWork(topic: string, entry: Uint8Array, frames: number, lane?: OrderedLane): Promise<void> {
    this.#assertReady();
    if (lane !== undefined) this.#orderedOf(`work ${topic}`).append(entry, frames, partitionOf(lane));
    else this.#stream(this.#work, topic).append(entry, frames);
  }

  async consumeWork(topic: string, group: string, _instance: string, options: ConsumeOptions): Promise<Consumer> {
    this.#assertReady();
    return this.#stream(this.#work, topic).consume(group, options, () => undefined);
  }

  async publishHint(topic: string, entry: Uint8Array): Promise<void> {
    this.#assertReady();
    this.#topic(topic).publish(entry);
  }

  async followHints(topic: string, onEntry: (sequence: number, entry: Uint8Array) => void): Promise<HintFollower> {
    this.#assertReady();
    return this.#topic(topic).follow(onEntry);
  }

  markRestarting(service: string, ms: number): Promise<void> {
    this.#restartingUntil.set(service, this.#clock.now() + ms);
    return Promise.resolve();
  }

  readings(): Promise<readonly StreamReading[]> {
    const requests = [...this.#requests].map(([key, stream]) => {
      const at = key.lastIndexOf('/');
      return this.#reading('request', key.slice(0, at), key.slice(at + 1) === 'bulk' ? 'bulk' : 'fast', stream);
    });
    const work = [...this.#work].map(([topic, stream]) => this.#reading('work', topic, 'none', stream));
    const inboxes = [...this.#inboxes].map(([name, inbox]) => reading('inbox', name, inbox.queue.length, inbox.bytes));
    const dead = [...this.#deadLetters].map(([name, letters]) =>
      reading(
        'dead_letter',
        name,
        letters.length,
        letters.reduce((sum, letter) => sum + letter.delivery.entry.length, 0),
      ),
    );
    return Promise.resolve([...requests, ...work, ...inboxes, ...dead]);
  }

  #deliverInbox(instance: string, inbox: Inbox): void {
    inbox.scheduled = false;
    const entries = inbox.queue.splice(0);
    inbox.bytes = 0;
    for (const entry of entries) {
      if (this.#inboxes.get(instance) !== inbox) return;
      inbox.onEntry(entry);
    }
  }

  #enter(service: string, instance: string): () => void {
    const instances = this.#live.get(service) ?? new Map<string, number>();
    this.#live.set(service, instances);
    instances.set(instance, (instances.get(instance) ?? 0) + 1);
    return () => {
      const left = (instances.get(instance) ?? 1) - 1;
      if (left > 0) instances.set(instance, left);
      else instances.delete(instance);
    };
  }

  #stream(streams: Map<string, MemoryStream>, key: string): MemoryStream {
    let stream = streams.get(key);
    if (stream === undefined) {
      stream = new MemoryStream({
        clock: this.#clock,
        bounds: this.#bounds,
        minIdleMs: this.#minIdleMs,
        onDeadLetter: (group, delivery, reason) => this.#keepDeadLetter(group, delivery, reason),
      });
      streams.set(key, stream);
    }
    return stream;
  }

  #orderedOf(key: string): MemoryOrdered {
    let ordered = this.#ordered.get(key);
    if (ordered === undefined) {
      ordered = new MemoryOrdered({
        clock: this.#clock,
        bounds: this.#bounds,
        onDeadLetter: (group, delivery, reason) => this.#keepDeadLetter(group, delivery, reason),
      });
      this.#ordered.set(key, ordered);
    }
    return ordered;
  }

  #topic(name: string): MemoryHints {
    let topic = this.#hints.get(name);
    if (topic === undefined) {
      topic = new MemoryHints();
      this.#hints.set(name, topic);
    }
    return topic;
  }

  #keepDeadLetter(service: string, delivery: Delivery, reason: DeadLetterReason): void {
    const letters = this.#deadLetters.get(service) ?? [];
    this.#deadLetters.set(service, letters);
    letters.push({ delivery, reason });
    if (letters.length > LINK_BOUNDS.deadLetterEntries) letters.shift();
  }

  #reading(kind: 'request' | 'work', name: string, lane: Lane | 'none', stream: MemoryStream): StreamReading {
    const pending = stream.pendingOf();
    return {
      stream: kind,
      name,
      lane,
      depthEntries: stream.entries,
      depthBytes: stream.bytes,
      pendingEntries: pending.entries,
      oldestPendingMs: pending.oldestMs,
    };
  }

  #assertReady(): void {
    if (this.#status !== 'ready') throw new BusUnavailable(`the link is ${this.#status}`);
  }

  #become(status: LinkStatus): void {
    if (this.#status === status) return;
    this.#status = status;
    for (const listener of this.#listeners) listener(status);
  }
}

const reading = (
  stream: 'inbox' | 'dead_letter',
  name: string,
  depthEntries: number,
  depthBytes: number,
): StreamReading => ({ stream, name, lane: 'none', depthEntries, depthBytes, pendingEntries: 0, oldestPendingMs: 0 });
