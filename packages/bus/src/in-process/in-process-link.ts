import type { HandlesOf, MetricsScope } from '@macronode/metrics';
import { LINK_BOUNDS } from '../bus-limits.ts';
import { type Clock, systemClock } from '../clock.ts';
import { BusNoResponders, BusOverflow, BusUnavailable } from '../errors.ts';
import type { DeadLetterHead, DeadLetters } from '../dead-letters.ts';
import { linkMetrics } from '../link-metrics.ts';
import type {
  ConsumeOptions,
  Consumer,
  HintFollower,
  Lane,
  Link,
  LinkStatus,
  OrderedLane,
  OrderedSource,
  StreamBounds,
  StreamReading,
} from '../link.ts';
import { DEFAULT_PARTITIONS, orderedLane, partitionOf } from '../order.ts';
import type { InProcessFaults } from './in-process-faults.ts';
import { MemoryClaims } from './memory-claims.ts';
import { MemoryDeadLetters } from './memory-dead-letters.ts';
import type { BuriedLetter } from './memory-group.ts';
import { MemoryHints } from './memory-hints.ts';
import { MemoryOrdered } from './memory-ordered.ts';
import { MemoryStream } from './memory-stream.ts';

export interface InProcessLinkOptions {
  readonly clock?: Clock;
  /** Bounds of each request and work stream. */
  readonly bounds?: StreamBounds;
  /** What an ended consumer did not settle is delivered again after this long, in ms: above the longest deadline of a call, twice. */
  readonly minIdleMs?: number;
  /** Entries of one group delivered and not settled (count). */
  readonly groupPendingEntries?: number;
  /** Faults a test switches on and off; without them there are none. */
  readonly faults?: InProcessFaults | undefined;
  /** Where the link counts what it trims and limits. */
  readonly metrics?: MetricsScope | undefined;
}

/** An instance's inbox. */
interface Inbox {
  readonly onEntry: (entry: Uint8Array) => void;
  readonly queue: Uint8Array[];
  bytes: number;
  scheduled: boolean;
}

/** Where a dead letter came from. */
type Origin = Pick<DeadLetterHead, 'kind' | 'name' | 'lane'>;

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
  readonly #claims = new Map<string, MemoryClaims>();
  readonly #restartingUntil = new Map<string, number>();
  readonly #deadLetters = new Map<string, MemoryDeadLetters>();
  readonly #pendingEntries: number;
  readonly #metrics: HandlesOf<typeof linkMetrics> | undefined;
  readonly #faults: InProcessFaults | undefined;
  readonly #consumers = new Set<Consumer>();
  readonly #listeners = new Set<(status: LinkStatus) => void>();
  #status: LinkStatus = 'connecting';

  constructor(options: InProcessLinkOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#bounds = options.bounds ?? DEFAULT_BOUNDS;
    this.#minIdleMs = options.minIdleMs ?? 60_000;
    this.#pendingEntries = options.groupPendingEntries ?? LINK_BOUNDS.groupPendingEntries;
    this.#metrics = options.metrics?.bind(linkMetrics);
    this.#faults = options.faults;
    this.#faults?.listen({
      onAway: (away) => this.#onAway(away),
      onStall: (stalled) => this.#onStall(stalled),
    });
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
    const ordered = partition < 0 ? undefined : this.#orderedOf('request', service);
    const live = ordered?.live ?? this.#live.get(service)?.size ?? 0;
    const restarting = (this.#restartingUntil.get(service) ?? 0) > this.#clock.now();
    if (live === 0 && !restarting) throw new BusNoResponders(`no instance of ${service} is running`);
    this.#assertRoom();
    if (ordered !== undefined) ordered.append(entry, frames, partition);
    else this.#requestStream(service, lane).append(entry, frames);
  }

  async consumeOrdered(source: OrderedSource, instance: string, options: ConsumeOptions): Promise<Consumer> {
    this.#assertReady();
    return source.kind === 'request'
      ? this.#orderedOf('request', source.service).consume(source.service, instance, options)
      : this.#orderedOf('work', source.topic).consume(source.group, instance, options);
  }

  liveConsumers(service: string): number {
    return Math.max(1, this.#live.get(service)?.size ?? 1);
  }

  async consumeRequests(service: string, lane: Lane, instance: string, options: ConsumeOptions): Promise<Consumer> {
    this.#assertReady();
    const leave = this.#enter(service, instance);
    return this.#tracked(options, leave, (own, left) =>
      this.#requestStream(service, lane).consume(service, instance, own, left),
    );
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
    this.#assertRoom();
    if (lane !== undefined) this.#orderedOf('work', topic).append(entry, frames, partitionOf(lane));
    else this.#workStream(topic).append(entry, frames);
  }

  async consumeWork(topic: string, group: string, instance: string, options: ConsumeOptions): Promise<Consumer> {
    this.#assertReady();
    const stay = (): void => undefined;
    return this.#tracked(options, stay, (own, left) => this.#workStream(topic).consume(group, instance, own, left));
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

  async claim(service: string, ids: readonly string[], ttlMs: number): Promise<readonly boolean[]> {
    this.#assertReady();
    let claims = this.#claims.get(service);
    if (claims === undefined) this.#claims.set(service, (claims = new MemoryClaims(this.#clock)));
    return claims.claim(ids, ttlMs);
  }

  deadLetters(service: string): DeadLetters {
    return this.#letters(service);
  }

  readings(): Promise<readonly StreamReading[]> {
    const requests = [...this.#requests].map(([key, stream]) => {
      const at = key.lastIndexOf('/');
      return this.#reading('request', key.slice(0, at), key.slice(at + 1) === 'bulk' ? 'bulk' : 'fast', stream);
    });
    const work = [...this.#work].map(([topic, stream]) => this.#reading('work', topic, 'none', stream));
    const inboxes = [...this.#inboxes].map(([name, inbox]) => reading('inbox', name, inbox.queue.length, inbox.bytes));
    const dead = [...this.#deadLetters].map(([name, letters]) =>
      reading('dead_letter', name, letters.entries, letters.bytes),
    );
    return Promise.resolve([...requests, ...work, ...inboxes, ...dead]);
  }

  #deliverInbox(instance: string, inbox: Inbox): void {
    inbox.scheduled = false;
    if (this.#faults?.delivers === false) return;
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

  #requestStream(service: string, lane: Lane): MemoryStream {
    return this.#stream(this.#requests, `${service}/${lane}`, { kind: 'request', name: service, lane });
  }

  #workStream(topic: string): MemoryStream {
    return this.#stream(this.#work, topic, { kind: 'work', name: topic, lane: 'none' });
  }

  #stream(streams: Map<string, MemoryStream>, key: string, origin: Origin): MemoryStream {
    let stream = streams.get(key);
    if (stream === undefined) {
      stream = new MemoryStream({
        clock: this.#clock,
        bounds: this.#bounds,
        minIdleMs: this.#minIdleMs,
        pendingEntries: this.#pendingEntries,
        waitMs: origin.lane === 'fast' ? () => this.#waitMs(origin.name) : undefined,
        onPendingLimited: () => this.#metrics?.pendingLimited.inc(),
        onDeadLetter: (letter) => this.#bury(letter, origin),
      });
      streams.set(key, stream);
    }
    return stream;
  }

  /** How long requests of a service should wait now: while it restarts, as long as it takes. */
  #waitMs(service: string): number {
    const restarting = (this.#restartingUntil.get(service) ?? 0) > this.#clock.now();
    return restarting || (this.#live.get(service)?.size ?? 0) === 0 ? 0 : LINK_BOUNDS.requestWaitMs;
  }

  #orderedOf(kind: 'request' | 'work', name: string): MemoryOrdered {
    const key = `${kind} ${name}`;
    let ordered = this.#ordered.get(key);
    if (ordered === undefined) {
      ordered = new MemoryOrdered({
        clock: this.#clock,
        bounds: this.#bounds,
        onDeadLetter: (letter, partition) => this.#bury(letter, { kind, name, lane: orderedLane(partition) }),
      });
      this.#ordered.set(key, ordered);
    }
    return ordered;
  }

  #topic(name: string): MemoryHints {
    let topic = this.#hints.get(name);
    if (topic === undefined) {
      topic = new MemoryHints((hints) => this.#metrics?.trimmed.inc({ kind: 'hint' }, hints));
      this.#hints.set(name, topic);
    }
    return topic;
  }

  #letters(service: string): MemoryDeadLetters {
    let letters = this.#deadLetters.get(service);
    if (letters === undefined) {
      letters = new MemoryDeadLetters({
        maxEntries: LINK_BOUNDS.deadLetterEntries,
        maxBytes: LINK_BOUNDS.deadLetterBytes,
        append: ({ kind, name, lane, entry, frames }) => {
          const only = kind === 'work' ? service : undefined;
          if (partitionOf(lane) >= 0) this.#orderedOf(kind, name).append(entry, frames, partitionOf(lane), only);
          else if (kind === 'work') this.#workStream(name).append(entry, frames, service);
          else this.#requestStream(name, lane === 'bulk' ? 'bulk' : 'fast').append(entry, frames);
        },
        onDropped: (dropped) => {
          this.#metrics?.deadLettersDropped.inc(dropped);
          this.#metrics?.trimmed.inc({ kind: 'dead_letter' }, dropped);
        },
      });
      this.#deadLetters.set(service, letters);
    }
    return letters;
  }

  #bury({ group, ...letter }: BuriedLetter, origin: Origin): void {
    this.#letters(group).keep({ ...letter, ...origin, service: group });
  }

  #reading(kind: 'request' | 'work', name: string, lane: Lane | 'none', stream: MemoryStream): StreamReading {
    const pending = stream.pendingOf();
    const lag = stream.lag();
    return {
      stream: kind,
      name,
      lane,
      depthEntries: stream.entries,
      depthBytes: stream.bytes,
      pendingEntries: pending.entries,
      oldestPendingMs: pending.oldestMs,
      group: {
        depthFrames: stream.frames,
        limitFrames: this.#bounds.maxFrames,
        limitBytes: this.#bounds.maxBytes,
        lagEntries: lag.entries,
        lagMs: lag.oldestMs,
        liveConsumers: this.#live.get(name)?.size ?? 0,
      },
    };
  }

  #assertReady(): void {
    if (this.#status !== 'ready') throw new BusUnavailable(`the link is ${this.#status}`);
  }

  #assertRoom(): void {
    if (this.#faults?.full === true) throw new BusOverflow('stream');
  }

  /** With faults to come, consumers are known and take nothing while one of those holds deliveries back. */
  #tracked(
    options: ConsumeOptions,
    leave: () => void,
    consume: (options: ConsumeOptions, leave: () => void) => Consumer,
  ): Consumer {
    const faults = this.#faults;
    if (faults === undefined) return consume(options, leave);
    const credits = (): number => (faults.delivers ? options.credits() : 0);
    const consumer: Consumer = consume({ ...options, credits }, () => {
      this.#consumers.delete(consumer);
      leave();
    });
    this.#consumers.add(consumer);
    return consumer;
  }

  #onAway(away: boolean): void {
    if (this.#status === (away ? 'ready' : 'reconnecting')) this.#become(away ? 'reconnecting' : 'ready');
  }

  #onStall(stalled: boolean): void {
    if (stalled) return;
    for (const consumer of this.#consumers) consumer.wake();
    for (const [instance, inbox] of this.#inboxes) if (inbox.queue.length > 0) this.#deliverInbox(instance, inbox);
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
): StreamReading => ({
  stream,
  name,
  lane: 'none',
  depthEntries,
  depthBytes,
  pendingEntries: 0,
  oldestPendingMs: 0,
  group: undefined,
});
