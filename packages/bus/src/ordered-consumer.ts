import type { Occupancy } from '@macronode/metrics';
import type { BusCore } from './core.ts';
import { FrameError } from './errors.ts';
import type { DeadLetterReason } from './dead-letters.ts';
import type { Consumer, Delivery, OrderedSource } from './link.ts';
import { decodeEntry } from './wire/codec.ts';
import type { Frame } from './wire/frame.ts';

/** Messages that wait behind others of their key (count). At the bound nothing more is read: they wait in the stream. */
const WAITING_MAX = 512;

/** Ends a message: with a reason it is put aside as a dead letter. */
export type OrderedDone = (reason?: DeadLetterReason) => void;

/** Runs one message whose turn has come. `waitedMs`: how long it waited for its turn. */
export type OrderedRun = (message: Frame, delivery: Delivery, waitedMs: number, done: OrderedDone) => void;

interface Waiting {
  readonly message: Frame;
  readonly delivery: Delivery;
  readonly deliveredAt: number;
  readonly done: OrderedDone;
}

/**
 * Reads what is ordered: messages with one key run one after another, those of different keys beside each other.
 * An entry is settled when all its messages are done.
 */
export class OrderedConsumer {
  readonly #core: BusCore;
  readonly #source: OrderedSource;
  readonly #run: OrderedRun;
  /** Keys with a message that runs, and what waits behind it. */
  readonly #chains = new Map<string, Waiting[]>();
  readonly #running = new Set<string>();
  #waiting = 0;
  #starved = false;
  #closed = false;
  #consumer: Consumer | undefined;
  #forget: (() => void) | undefined;

  constructor(core: BusCore, source: OrderedSource, run: OrderedRun) {
    this.#core = core;
    this.#source = source;
    this.#run = run;
  }

  get idle(): boolean {
    return this.#chains.size === 0;
  }

  /** What waits behind others of its key. */
  occupancy(): Occupancy {
    const { kind } = this.#source;
    const of = kind === 'work' ? this.#source.topic : this.#source.service;
    const now = this.#core.clock.now();
    const ages = [...this.#chains.values()].flatMap(([first]) =>
      first === undefined ? [] : [now - first.deliveredAt],
    );
    const oldestMs = ages.length === 0 ? undefined : Math.max(...ages);
    return { kind: 'queue', name: `ordered ${kind} ${of}`, held: this.#waiting, bound: WAITING_MAX, oldestMs };
  }

  async start(): Promise<void> {
    const { link, instance, slots } = this.#core;
    const consumer = await link.consumeOrdered(this.#source, instance, {
      credits: () => this.#credits(),
      onDelivery: (delivery) => this.#onDelivery(delivery),
    });
    this.#consumer = consumer;
    this.#forget = slots.onCredits(() => consumer.wake());
  }

  async stop(): Promise<void> {
    this.#forget?.();
    await this.#consumer?.stop();
  }

  /** What ends from here on is not settled: the next holder gets it. */
  close(): void {
    this.#closed = true;
    this.#chains.clear();
  }

  #credits(): number {
    const credits = Math.min(this.#core.slots.credits(), WAITING_MAX - this.#waiting);
    if (credits <= 0) this.#starved = true;
    return Math.max(0, credits);
  }

  #onDelivery(delivery: Delivery): void {
    const entry = `${delivery.partition ?? 0}/${delivery.id}`;
    if (this.#closed || this.#running.has(entry)) return;
    const { metrics, clock } = this.#core;
    if (delivery.attempt > 1) metrics.redelivered.inc();
    const frames = decodeEntry(delivery.entry);
    if (frames instanceof FrameError) {
      metrics.malformed.inc();
      return this.#deadLetter(delivery, 'malformed');
    }
    this.#running.add(entry);
    let left = frames.length;
    let reason: DeadLetterReason | undefined;
    const done: OrderedDone = (why) => {
      reason ??= why;
      left -= 1;
      if (left > 0 || this.#closed) return;
      this.#running.delete(entry);
      if (reason === undefined) this.#consumer?.settle(delivery);
      else this.#deadLetter(delivery, reason, frames[0]);
    };
    for (const message of frames) this.#enqueue({ message, delivery, deliveredAt: clock.now(), done });
  }

  #enqueue(item: Waiting): void {
    const key = item.message.orderKey ?? '';
    const chain = this.#chains.get(key);
    if (chain === undefined) {
      this.#chains.set(key, []);
      this.#begin(key, item);
    } else {
      this.#waiting += 1;
      chain.push(item);
    }
  }

  #begin(key: string, item: Waiting): void {
    const { message, delivery, deliveredAt, done } = item;
    let ended = false;
    this.#run(message, delivery, Math.max(0, this.#core.clock.now() - deliveredAt), (reason) => {
      if (ended) return;
      ended = true;
      done(reason);
      // In a turn of its own, so that a long chain of short messages does not grow the stack.
      setImmediate(() => this.#next(key));
    });
  }

  #next(key: string): void {
    const chain = this.#chains.get(key);
    if (chain === undefined || this.#closed) return;
    const item = chain.shift();
    if (item === undefined) {
      this.#chains.delete(key);
      return;
    }
    this.#waiting -= 1;
    this.#begin(key, item);
    if (this.#starved && this.#credits() > 0) {
      this.#starved = false;
      this.#consumer?.wake();
    }
  }

  #deadLetter(delivery: Delivery, reason: DeadLetterReason, message?: Frame): void {
    this.#core.metrics.deadLetters.inc({ reason });
    const details = { corrId: message?.corrId, traceparent: message?.traceparent };
    // A dead letter that could not be written stays in the stream, and the next holder tries again.
    void this.#consumer?.deadLetter(delivery, reason, details).catch(() => undefined);
  }
}
