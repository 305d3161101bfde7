import type { Occupancy } from '@macronode/metrics';
import type { Clock } from './clock.ts';
import { type Frame, FRAME_LIMITS } from './wire/frame.ts';
import { APPENDS_IN_FLIGHT, FrameWriter, type FrameWriterOptions, type Written } from './frame-writer.ts';
import type { Lane, Link, OrderedLane } from './link.ts';
import { laneOfKey } from './order.ts';
import type { BusMetrics } from './metrics.ts';

/** Bodies above it take the bulk lane, so that small calls never queue behind them. */
const BULK_BYTES = 32 * 1024;

/** Writers of inboxes kept while they are idle (count). */
const IDLE_INBOXES_MAX = 1_024;

const whole = (): number => FRAME_LIMITS.entryFrames;
const alone = (): number => 1;
const laneOf = (frame: Frame): 'fast' | 'bulk' => (frame.body.length > BULK_BYTES ? 'bulk' : 'fast');

/** All writers of one bus, one per target. Inboxes come and go: those that are idle are dropped when there are many. */
export class Outbox {
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #metrics: BusMetrics;
  readonly #requests: Readonly<Record<'fast' | 'bulk', Map<string, FrameWriter<void>>>> = {
    fast: new Map(),
    bulk: new Map(),
  };
  readonly #work = new Map<string, FrameWriter<void>>();
  /** One per target and partition, so that what is ordered leaves in order. */
  readonly #ordered = new Map<string, FrameWriter<void>>();
  readonly #inboxes = new Map<string, FrameWriter<boolean>>();
  readonly #onBatch: FrameWriterOptions<unknown>['onBatch'];

  constructor(link: Link, clock: Clock, metrics: BusMetrics) {
    this.#link = link;
    this.#clock = clock;
    this.#metrics = metrics;
    const wait = metrics.queueWait.cell({ side: 'client' });
    this.#onBatch = (frames, bytes, waitedMs) => {
      metrics.batchFrames.observe(frames);
      metrics.batchBytes.observe(bytes);
      wait.observe(waitedMs / 1_000);
    };
  }

  /** True when every frame handed in has its answer from the medium. */
  get idle(): boolean {
    return [this.#requests.fast, this.#requests.bulk, this.#work, this.#ordered, this.#inboxes].every((writers) =>
      [...writers.values()].every((writer) => writer.idle),
    );
  }

  /** What waits to be written, and the appends under way, by kind of target. */
  occupancies(): readonly Occupancy[] {
    return [
      ...[...this.#requests.fast].flatMap(([service, writer]) => this.#occupanciesOf(`requests ${service}`, [writer])),
      ...[...this.#requests.bulk].flatMap(([service, writer]) =>
        this.#occupanciesOf(`bulk requests ${service}`, [writer]),
      ),
      ...[...this.#work].flatMap(([topic, writer]) => this.#occupanciesOf(`work ${topic}`, [writer])),
      ...this.#occupanciesOf('ordered', [...this.#ordered.values()]),
      ...this.#occupanciesOf('inboxes', [...this.#inboxes.values()]),
    ];
  }

  #occupanciesOf<R>(target: string, writers: readonly FrameWriter<R>[]): readonly Occupancy[] {
    const oldest = Math.min(...writers.map(({ oldestQueuedAt }) => oldestQueuedAt ?? Infinity));
    const sum = (read: (writer: FrameWriter<R>) => number): number =>
      writers.reduce((total, writer) => total + read(writer), 0);
    return [
      {
        kind: 'queue',
        name: `outbox ${target}`,
        held: sum(({ queued }) => queued),
        oldestMs: oldest === Infinity ? undefined : this.#clock.now() - oldest,
      },
      {
        kind: 'semaphore',
        name: `appends ${target}`,
        held: sum(({ appending }) => appending),
        bound: APPENDS_IN_FLIGHT * writers.length,
      },
    ];
  }

  /** To the request stream of a service. The frame gets what is left of its time when it is written. */
  toService(service: string, frame: Frame, deadlineAt: number, done: Written<void>): void {
    this.#metrics.published.inc();
    if (frame.orderKey !== undefined) {
      const append = (lane: OrderedLane) => (entry: Uint8Array, frames: number) =>
        this.#link.appendRequest(service, lane, entry, frames);
      return this.#orderedWriter(`request ${service}`, frame.orderKey, append, whole).push(frame, deadlineAt, done);
    }
    const lane: Lane = laneOf(frame);
    const writers = this.#requests[lane];
    let writer = writers.get(service);
    if (writer === undefined) {
      writer = this.#writer({
        append: (entry, frames) => this.#link.appendRequest(service, lane, entry, frames),
        share: (queued) => Math.ceil(queued / this.#link.liveConsumers(service)),
      });
      writers.set(service, writer);
    }
    writer.push(frame, deadlineAt, done);
  }

  /** To the stream of a work topic. */
  toWork(topic: string, frame: Frame, deadlineAt: number, done: Written<void>): void {
    this.#metrics.published.inc();
    if (frame.orderKey !== undefined) {
      const append = (lane: OrderedLane) => (entry: Uint8Array, frames: number) =>
        this.#link.appendWork(topic, entry, frames, lane);
      // An entry each: one that becomes a dead letter takes no other with it.
      return this.#orderedWriter(`work ${topic}`, frame.orderKey, append, alone).push(frame, deadlineAt, done);
    }
    let writer = this.#work.get(topic);
    if (writer === undefined) {
      writer = this.#writer({ append: (entry, frames) => this.#link.appendWork(topic, entry, frames), share: whole });
      this.#work.set(topic, writer);
    }
    writer.push(frame, deadlineAt, done);
  }

  /** To an inbox. The answer is false when its owner is gone. */
  toInbox(instance: string, frame: Frame, deadlineAt: number, done: Written<boolean>): void {
    let writer = this.#inboxes.get(instance);
    if (writer === undefined) {
      if (this.#inboxes.size >= IDLE_INBOXES_MAX) this.#dropIdleInboxes();
      writer = this.#writer({ append: (entry) => this.#link.appendInbox(instance, entry), share: whole });
      this.#inboxes.set(instance, writer);
    }
    writer.push(frame, deadlineAt, done);
  }

  /** A notice to an inbox: nobody asks whether it arrived. */
  tell(instance: string, notice: Frame): void {
    this.toInbox(instance, notice, Infinity, () => undefined);
  }

  #dropIdleInboxes(): void {
    for (const [instance, { idle }] of this.#inboxes) if (idle) this.#inboxes.delete(instance);
  }

  #orderedWriter(
    target: string,
    orderKey: string,
    append: (lane: OrderedLane) => FrameWriterOptions<void>['append'],
    share: (queued: number) => number,
  ): FrameWriter<void> {
    const lane = laneOfKey(orderKey, this.#link.partitions);
    const key = `${target} ${lane}`;
    let writer = this.#ordered.get(key);
    if (writer === undefined) {
      writer = this.#writer({ append: append(lane), share });
      this.#ordered.set(key, writer);
    }
    return writer;
  }

  #writer<R>(target: Pick<FrameWriterOptions<R>, 'append' | 'share'>): FrameWriter<R> {
    return new FrameWriter<R>({ ...target, clock: this.#clock, onBatch: this.#onBatch });
  }
}
