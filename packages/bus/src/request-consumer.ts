import { decodeEntry } from './wire/codec.ts';
import type { BusCore } from './core.ts';
import { FrameError } from './errors.ts';
import { KIND } from './wire/frame.ts';
import type { Consumer, Delivery, Lane } from './link.ts';
import type { RequestServer } from './request-server.ts';

const LANES: readonly Lane[] = ['fast', 'bulk'];
/** Part of the handler slots that requests of the bulk lane may take: however many blobs wait, small calls find a slot. */
const BULK_SHARE = 1 / 2;

/** Pulls a service's requests from both lanes. An entry is settled when all its requests are answered or expired. */
export class RequestConsumer {
  readonly #core: BusCore;
  readonly #server: RequestServer;
  readonly #consumers: Consumer[] = [];
  readonly #running = new Set<string>();
  #forget: (() => void) | undefined;
  #bulk = 0;

  constructor(core: BusCore, server: RequestServer) {
    this.#core = core;
    this.#server = server;
  }

  async start(): Promise<void> {
    const { link, service, instance, slots } = this.#core;
    for (const lane of LANES) {
      const consumer: Consumer = await link.consumeRequests(service, lane, instance, {
        credits: () => (lane === 'bulk' ? Math.min(this.#bulkCredits(), slots.credits()) : slots.credits()),
        // A link delivers in a turn of its own, so the consumer is known by then.
        onDelivery: (delivery) => this.#onDelivery(consumer, lane, delivery),
      });
      this.#consumers.push(consumer);
    }
    this.#forget = slots.onCredits(() => {
      for (const consumer of this.#consumers) consumer.wake();
    });
  }

  async stop(): Promise<void> {
    this.#forget?.();
    await Promise.all(this.#consumers.map((consumer) => consumer.stop()));
  }

  #bulkCredits(): number {
    return Math.max(1, Math.floor(this.#core.limits.handlerConcurrency * BULK_SHARE)) - this.#bulk;
  }

  #onDelivery(consumer: Consumer, lane: Lane, delivery: Delivery): void {
    const key = `${lane}/${delivery.id}`;
    // Taken back from a slow handler and given to the same instance: the first run settles it.
    if (this.#running.has(key)) return;
    if (delivery.attempt > 1) this.#core.metrics.redelivered.inc();
    const frames = decodeEntry(delivery.entry);
    if (frames instanceof FrameError) {
      this.#core.metrics.malformed.inc();
      this.#core.metrics.deadLetters.inc({ reason: 'malformed' });
      // A dead letter that could not be written stays pending and comes back.
      void consumer.deadLetter(delivery, 'malformed').catch(() => consumer.release(delivery));
      return;
    }
    this.#running.add(key);
    const bulk = lane === 'bulk' ? frames.length : 0;
    this.#bulk += bulk;
    let left = frames.length;
    const done = (): void => {
      left -= 1;
      if (left > 0) return;
      this.#running.delete(key);
      this.#bulk -= bulk;
      if (bulk > 0) consumer.wake();
      consumer.settle(delivery);
    };
    for (const each of frames) {
      if (each.kind === KIND.REQ) {
        this.#server.accept(each, delivery.ageMs, delivery.attempt, done);
      } else {
        this.#core.metrics.malformed.inc();
        done();
      }
    }
  }
}
